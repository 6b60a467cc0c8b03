//! `.eh_frame` -> `.debug_frame`, for a file of symbols: debuggers take the first from executables alone, and the loader's
//! has none of the program's (LSB, "Exception Frames"; DWARF 4, 6.4.1).

use std::collections::HashMap;

/// The tables of frames at `addr`, as a `.debug_frame`. What is not understood is left out.
pub fn debug_frame(addr: u64, eh_frame: &[u8]) -> Vec<u8> {
    let mut made = Vec::new();
    // Offset of an entry in `eh_frame` -> what was made of it.
    let mut commons: HashMap<usize, Common> = HashMap::new();
    let mut at = 0;
    while let Some(len) = word(eh_frame, at).map(|len| len as usize) {
        // The end of the tables of one object; the extended format is for tables of 4 GiB.
        if len == 0 || len == u32::MAX as usize {
            at += 4;
            continue;
        }
        let (start, next) = (at + 4, at + 4 + len);
        let Some(entry) = eh_frame.get(start..next) else { break };
        match word(entry, 0).map(|id| id as usize) {
            Some(0) => {
                if let Some((common, bytes)) = common(entry, made.len()) {
                    commons.insert(at, common);
                    made.extend(bytes);
                }
            }
            Some(back) => {
                let common = start.checked_sub(back).and_then(|at| commons.get(&at));
                made.extend(
                    common
                        .and_then(|common| function(entry, common, addr.wrapping_add(start as u64)))
                        .unwrap_or_default(),
                );
            }
            None => {}
        }
        at = next;
    }
    made
}

/// What the entries of functions refer to (a CIE).
struct Common {
    /// Where it is in the result.
    offset: usize,
    /// How the addresses of functions are written (`DW_EH_PE_*`).
    encoding: u8,
}

const ABSOLUTE: u8 = 0x00;
const PC_RELATIVE: u8 = 0x10;
/// Which bits say how a number is written, and what it is relative to.
const FORM: u8 = 0x0f;
const RELATIVE: u8 = 0xf0;
const SIGNED: u8 = 0x08;

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// The length of a LEB128 number, and its value if that is small.
fn leb128(bytes: &[u8]) -> Option<(usize, u64)> {
    let len = bytes.iter().take(10).position(|byte| byte & 0x80 == 0)? + 1;
    let value = bytes[..len].iter().rev().fold(0u64, |value, byte| value << 7 | u64::from(byte & 0x7f));
    Some((len, value))
}

/// The length of an address that is written like this; the code models medium and large have longer ones.
fn length(encoding: u8, bytes: &[u8]) -> Option<usize> {
    match encoding & FORM {
        0x00 | 0x04 | 0x0c => Some(8),
        0x03 | 0x0b => Some(4),
        0x02 | 0x0a => Some(2),
        0x01 | 0x09 => Some(leb128(bytes)?.0),
        _ => None,
    }
}

/// A number in the bytes of a fixed length, with its sign if it has one.
fn number(bytes: &[u8], is_signed: bool) -> u64 {
    let fill = if is_signed && bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
    let mut all = [fill; 8];
    all[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(all)
}

/// An entry with its length in front, a multiple of the size of addresses. DW_CFA_nop is 0.
fn sealed(mut body: Vec<u8>) -> Vec<u8> {
    body.resize((body.len() + 4).next_multiple_of(8) - 4, 0);
    [&(body.len() as u32).to_le_bytes()[..], &body].concat()
}

/// A CIE: the same, but that addresses are absolute and nothing is said of languages.
fn common(entry: &[u8], offset: usize) -> Option<(Common, Vec<u8>)> {
    let version = *entry.get(4)?;
    let text = entry.get(5..)?;
    let text = &text[..text.iter().position(|byte| *byte == 0)?];
    let mut at = 5 + text.len() + 1;
    let numbers = at;
    at += leb128(entry.get(at..)?)?.0;
    at += leb128(entry.get(at..)?)?.0;
    at += if version == 1 { 1 } else { leb128(entry.get(at..)?)?.0 };
    let numbers = entry.get(numbers..at)?;
    let (mut encoding, mut is_signal) = (ABSOLUTE, false);
    if let Some((b'z', rest)) = text.split_first() {
        let (size, len) = leb128(entry.get(at..)?)?;
        let mut data = entry.get(at + size..)?.get(..len as usize)?;
        at += size + len as usize;
        for letter in rest {
            match letter {
                b'R' => encoding = *data.first()?,
                b'P' => {
                    data = data.get(length(*data.first()?, data.get(1..)?)?..)?;
                }
                b'S' => {
                    is_signal = true;
                    continue;
                }
                _ => {}
            }
            data = data.get(1..)?;
        }
    } else if !text.is_empty() {
        return None;
    }
    let letters: &[u8] = if is_signal { b"zRS\0" } else { b"zR\0" };
    let id = u32::MAX.to_le_bytes();
    let body = [&id[..], &[version], letters, numbers, &[1, ABSOLUTE], entry.get(at..)?].concat();
    Some((Common { offset, encoding }, sealed(body)))
}

/// The entry of a function (an FDE), which is at `addr` in memory behind its length.
fn function(entry: &[u8], common: &Common, addr: u64) -> Option<Vec<u8>> {
    let relative = match common.encoding & RELATIVE {
        ABSOLUTE => 0,
        PC_RELATIVE => addr.wrapping_add(4),
        _ => return None,
    };
    let len = length(common.encoding, &[]).filter(|len| *len >= 4)?;
    let start = number(entry.get(4..4 + len)?, common.encoding & SIGNED != 0).wrapping_add(relative);
    let size = number(entry.get(4 + len..4 + 2 * len)?, false);
    let mut at = 4 + 2 * len;
    let (len, data) = leb128(entry.get(at..)?)?;
    at = at.checked_add(len)?.checked_add(usize::try_from(data).ok()?)?;
    let common = (common.offset as u32).to_le_bytes();
    let body = [&common[..], &start.to_le_bytes(), &size.to_le_bytes(), &[0], entry.get(at..)?].concat();
    Some(sealed(body))
}

#[cfg(test)]
mod tests {
    use super::debug_frame;

    /// A CIE "zPLR" and an FDE with a language's data, as gcc writes them for C++.
    const EH_FRAME: [u8; 60] = [
        0x1c, 0, 0, 0, 0, 0, 0, 0, 1, b'z', b'P', b'L', b'R', 0, 1, 0x78, 16, 7, 0x9b, 1, 2, 3, 4, 0x1b,
        0x1b, 0x0c, 7, 8, 0x90, 1, 0, 0, // the function is 0x100 behind the field
        0x14, 0, 0, 0, 0x24, 0, 0, 0, 0, 1, 0, 0, 0x40, 0, 0, 0, 4, 9, 9, 9, 9, 0x41, 0, 0, 0, 0, 0, 0,
    ];

    #[test]
    fn addresses_are_absolute_and_what_is_for_languages_is_gone() {
        let made = debug_frame(0x1000, &EH_FRAME);
        let mut common = vec![20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, b'z', b'R', 0, 1, 0x78, 16, 1, 0];
        common.extend([0x0c, 7, 8, 0x90, 1, 0, 0]);
        assert_eq!(made[..24], common);
        let mut function = vec![0, 0, 0, 0];
        function.extend(0x1128u64.to_le_bytes());
        function.extend(0x40u64.to_le_bytes());
        function.extend([0, 0x41]);
        assert_eq!(made[28..28 + function.len()], function);
    }

    /// The same in the code model "large".
    const LARGE: [u8; 72] = [
        0x1c, 0, 0, 0, 0, 0, 0, 0, 1, b'z', b'P', b'L', b'R', 0, 1, 0x78, 16, 11, 0x9c, 1, 2, 3, 4, 5, 6, 7,
        8, 0x1c, 0x1c, 0x0c, 7, 8, 0x24, 0, 0, 0, 0x24, 0, 0, 0, 0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 8, 9, 9, 9, 9, 9, 9, 9, 9, 0x41, 0, 0, 0, 0, 0, 0,
    ];

    #[test]
    fn long_addresses_are_read() {
        let made = debug_frame(0x1000, &LARGE);
        let common = [0xff, 0xff, 0xff, 0xff, 1, b'z', b'R', 0, 1, 0x78, 16, 1, 0, 0x0c, 7, 8];
        assert_eq!(made[4..20], common);
        let mut function = vec![0, 0, 0, 0];
        function.extend(0x1020u64.to_le_bytes());
        function.extend(0x40u64.to_le_bytes());
        function.extend([0, 0x41]);
        assert_eq!(made[28..28 + function.len()], function);
    }

    #[test]
    fn cut_tables_end() {
        for len in 0..EH_FRAME.len() {
            debug_frame(0, &EH_FRAME[..len]);
            // A CIE that says itself that it is so short.
            let short = [&(len as u32).to_le_bytes()[..], &EH_FRAME[4..]].concat();
            debug_frame(u64::MAX, &short[..(4 + len).min(short.len())]);
        }
    }
}
