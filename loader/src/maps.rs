//! `/proc/self/maps`, read line by line with a buffer of ours (proc_pid_maps(5)).

use crate::descriptor::File;
use crate::sys;

/// One mapping of this process.
#[derive(Clone, Copy)]
pub struct Mapping {
    pub start: u64,
    pub end: u64,
    /// `PROT_*` bits.
    pub prot: u64,
    /// Copies of pages are made on writing.
    pub is_private: bool,
    /// Of the file that is mapped; 0: no file.
    pub inode: u64,
    pub offset: u64,
}

static FILE: File = File::closed();

/// Opens the file, before the program starts.
pub fn open() {
    let path = c"/proc/self/maps".as_ptr() as u64;
    // SAFETY: a C string.
    let number = unsafe { sys::openat(sys::AT_FDCWD as u64, path, sys::O_RDONLY | sys::O_CLOEXEC, 0) };
    if let Some(stat) = sys::fstat(number).filter(|_| !sys::failed(number)) {
        FILE.set(number, stat.inode);
        FILE.stay();
    }
}

pub fn close() {
    FILE.close();
}

/// Calls `each` with every mapping, in the order of their addresses. Returns false if they cannot be read, or if `each`
/// does. Mappings may change meanwhile, even by `each`: the kernel goes on behind the last address that it gave out.
pub fn for_each(mut each: impl FnMut(&Mapping) -> bool) -> bool {
    let Some(fd) = FILE.number().filter(|number| FILE.is(*number)) else { return false };
    // SAFETY: sets the position of a file of ours.
    if sys::failed(unsafe { sys::lseek(fd as u64, 0, 0) }) {
        return false;
    }
    let mut buffer = [0u8; 8192];
    let mut filled = 0;
    loop {
        let room = &mut buffer[filled..];
        if room.is_empty() {
            return false;
        }
        // SAFETY: reads into our buffer.
        let got = unsafe { sys::read(fd as u64, room.as_mut_ptr() as u64, room.len() as u64) };
        if got < 0 {
            return false;
        }
        if got == 0 {
            return filled == 0;
        }
        filled += got as usize;
        let mut at = 0;
        let mut go_on = true;
        while let Some(len) = buffer[at..filled].iter().position(|byte| *byte == b'\n') {
            go_on = go_on && parse(&buffer[at..at + len]).is_some_and(|mapping| each(&mapping));
            at += len + 1;
        }
        if !go_on {
            return false;
        }
        buffer.copy_within(at..filled, 0);
        filled -= at;
    }
}

/// `start-end perms offset device inode path`.
fn parse(line: &[u8]) -> Option<Mapping> {
    let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let mut range = words.next()?.split(|byte| *byte == b'-');
    let (start, end) = (number(range.next()?, 16)?, number(range.next()?, 16)?);
    let access = words.next()?;
    let bits = [(b'r', sys::PROT_READ), (b'w', sys::PROT_WRITE), (b'x', sys::PROT_EXEC)];
    let prot =
        bits.iter().zip(access).filter(|((letter, _), is)| letter == *is).map(|((_, bit), _)| bit).sum();
    let offset = number(words.next()?, 16)?;
    let inode = number(words.nth(1)?, 10)?;
    Some(Mapping { start, end, prot, is_private: access.get(3) == Some(&b'p'), inode, offset })
}

fn number(digits: &[u8], base: u64) -> Option<u64> {
    digits.iter().try_fold(0u64, |value, digit| {
        Some(value.wrapping_mul(base).wrapping_add(u64::from(char::from(*digit).to_digit(base as u32)?)))
    })
}
