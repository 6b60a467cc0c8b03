//! The threads of this process, as `/proc/self/task` shows them (proc(5)).

use crate::sys;

/// Whether a signal of the set waits to be delivered to a thread; `None` if that cannot be found out.
pub fn is_pending(set: u64) -> Option<bool> {
    let path = c"/proc/self/task".as_ptr() as u64;
    let flags = sys::O_RDONLY | sys::O_DIRECTORY | sys::O_CLOEXEC;
    // SAFETY: a C string.
    let dir = unsafe { sys::openat(sys::AT_FDCWD as u64, path, flags, 0) };
    if sys::failed(dir) {
        return None;
    }
    let mut buffer = [0u64; 512];
    let pending = loop {
        // SAFETY: the kernel writes into our buffer.
        let got =
            unsafe { sys::getdents64(dir as u64, buffer.as_mut_ptr() as u64, size_of_val(&buffer) as u64) };
        if got <= 0 {
            break (got == 0).then_some(false);
        }
        let entries = &shared::pod::bytes_of(&buffer)[..got as usize];
        if names(entries).any(|thread| pending_of(dir, thread).is_some_and(|pending| pending & set != 0)) {
            break Some(true);
        }
    };
    sys::close(dir);
    pending
}

/// The numbers among the names in what getdents64(2) has written: `struct linux_dirent64` has its length at 16 and its
/// name at 19.
fn names(mut entries: &[u8]) -> impl Iterator<Item = &[u8]> {
    core::iter::from_fn(move || {
        let len = usize::from(u16::from_le_bytes(entries.get(16..18)?.try_into().ok()?));
        let (entry, rest) = entries.split_at_checked(len.max(19))?;
        entries = rest;
        let name = &entry[19..];
        Some(&name[..name.iter().position(|byte| *byte == 0).unwrap_or(name.len())])
    })
    .filter(|name| name.iter().all(u8::is_ascii_digit))
}

/// The signals that wait for one thread: the line `SigPnd` of its status. `None` if it has ended.
fn pending_of(dir: i64, thread: &[u8]) -> Option<u64> {
    const FILE: &[u8] = b"/status\0";
    let mut path = [0u8; 32];
    path.get_mut(..thread.len())?.copy_from_slice(thread);
    path.get_mut(thread.len()..thread.len() + FILE.len())?.copy_from_slice(FILE);
    let mut text = [0u8; 2048];
    // SAFETY: a C string; reads into our buffer.
    let got = unsafe {
        let fd = sys::openat(dir as u64, path.as_ptr() as u64, sys::O_RDONLY | sys::O_CLOEXEC, 0);
        if sys::failed(fd) {
            return None;
        }
        let got = sys::read(fd as u64, text.as_mut_ptr() as u64, text.len() as u64);
        sys::close(fd);
        got
    };
    let text = text.get(..usize::try_from(got).ok()?)?;
    let line = text.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"SigPnd:"))?;
    let digit = |value: u64, digit: &u8| Some(value << 4 | u64::from(char::from(*digit).to_digit(16)?));
    line.trim_ascii().iter().try_fold(0, digit)
}
