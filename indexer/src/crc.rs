//! CRC-32 of a file that is changed in few places: what becomes of it, and how it is kept as it was. It is linear, so the
//! change follows from what was replaced and how much is behind it, and any change can be made up for by four bytes.

use crc32fast::{Hasher, hash};

/// What is to be added (by exclusive or) to the CRC of a file when `new` takes the place of `old`, which is as long, with
/// `behind` bytes behind it.
pub fn difference(old: &[u8], new: &[u8], behind: u64) -> u32 {
    let mut change = Hasher::new_with_initial(hash(old) ^ hash(new));
    change.combine(&Hasher::new_with_initial_len(0, behind));
    change.finalize()
}

/// What is to be added to the last four bytes of a file so that its CRC changes by `difference`.
pub fn balance(difference: u32) -> [u8; 4] {
    // What each bit of the four bytes does, brought into a form in which each row has its leading bit alone.
    let mut rows: [(u32, u32); 32] = std::array::from_fn(|bit| {
        let bits = 1u32 << bit;
        (hash(&bits.to_le_bytes()) ^ hash(&[0; 4]), bits)
    });
    let (mut left, mut bits) = (difference, 0);
    for column in (0..32).rev() {
        let has = |value: u32| value >> column & 1 != 0;
        let Some(at) = rows.iter().position(|(value, _)| has(*value)) else { continue };
        let pivot = std::mem::take(&mut rows[at]);
        for row in rows.iter_mut().filter(|(value, _)| has(*value)) {
            *row = (row.0 ^ pivot.0, row.1 ^ pivot.1);
        }
        if has(left) {
            (left, bits) = (left ^ pivot.0, bits ^ pivot.1);
        }
    }
    bits.to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::{balance, difference};
    use crc32fast::hash;

    #[test]
    fn a_changed_file_keeps_its_crc() {
        let mut file: Vec<u8> =
            (0..5000u32).flat_map(|word| word.wrapping_mul(0x9e37_79b9).to_le_bytes()).collect();
        let before = hash(&file);
        let len = file.len();
        for (at, new) in [(17, &b"some"[..]), (9000, b"other bytes"), (len - 8, b"last")] {
            let behind = (len - at - new.len()) as u64;
            let change = difference(&file[at..at + new.len()], new, behind);
            let expected = hash(&file) ^ change;
            file[at..at + new.len()].copy_from_slice(new);
            assert_eq!(hash(&file), expected);
            for (byte, added) in file[len - 4..].iter_mut().zip(balance(change)) {
                *byte ^= added;
            }
            assert_eq!(hash(&file), before);
        }
    }
}
