//! Files of kept chunks, as a launch finds them.
//!
//! A shelf is two files, written by whichever process gets there first: one has the chunks, each at its offset in
//! the image, and the map says which are whole. A chunk is written before its byte in the map is set, by processes
//! of one boot: what the page cache did not bring to disk before a crash of the machine is not trusted after it,
//! because the map names the boot.

use crate::image::Image;
use crate::open::{is_of_another, is_trusted};
use crate::sys;
use core::ffi::CStr;
use core::sync::atomic::{AtomicU8, Ordering};
use shared::CHUNK;
use shared::log::{KEPT_HEAD, KEPT_MAGIC, changed_chunks};

/// Bytes of a map in front of its bytes for chunks.
const HEAD: usize = KEPT_HEAD;

/// A shelf as it is found: its file, and the map of the chunks that are there.
pub struct Found {
    pub file: i64,
    pub inode: u64,
    pub map: &'static [AtomicU8],
    /// Others may be added.
    pub writable: bool,
}

/// The list of chunks that relinks have changed.
pub fn changed(image: &'static Image) -> Option<&'static [u8]> {
    // SAFETY: a C string.
    let fd = unsafe {
        let flags = sys::O_RDONLY | sys::O_CLOEXEC | sys::O_NOFOLLOW;
        sys::openat(image.dir as u64, c"changed".as_ptr() as u64, flags, 0)
    };
    if sys::failed(fd) {
        return None;
    }
    let size = sys::fstat(fd).filter(is_ours).map_or(0, |stat| stat.size);
    let addr = if size == 0 { None } else { sys::map_file(fd, size, sys::PROT_READ) };
    sys::close(fd);
    // SAFETY: a new mapping of that many bytes, which is never removed; the linker does not change the file.
    let bytes = unsafe { core::slice::from_raw_parts(addr? as *const u8, size as usize) };
    changed_chunks(bytes, image.plan.header.checksum, image.patch)
        .filter(|chunks| chunks.len() >= image.installed.len())
}

fn is_ours(stat: &sys::Stat) -> bool {
    is_trusted(stat)
}

/// Whether somebody has begun the common shelf in this boot.
pub fn is_begun(image: &Image) -> bool {
    let open = |name: &CStr| {
        let flags = sys::O_RDONLY | sys::O_CLOEXEC | sys::O_NOFOLLOW;
        // SAFETY: a C string.
        let fd = unsafe { sys::openat(image.dir as u64, name.as_ptr() as u64, flags, 0) };
        (!sys::failed(fd)).then_some(fd)
    };
    let read = |map: i64| {
        let mut found = [0u8; HEAD];
        // SAFETY: reads into our buffer.
        let got = unsafe { sys::pread(map as u64, found.as_mut_ptr() as u64, HEAD as u64, 0) };
        sys::close(map);
        (got == HEAD as i64).then_some(found)
    };
    let inode = |file: i64| {
        let stat = sys::fstat(file).filter(is_ours);
        sys::close(file);
        stat.map(|stat| stat.inode)
    };
    let found = open(c"kept.map").and_then(read);
    let wanted = open(c"kept").and_then(inode).and_then(|inode| head(image, 0, inode));
    found.is_some() && found == wanted
}

/// Opens a shelf, and clears it if it is not of this image and this boot.
pub fn open(image: &'static Image, name: &CStr, map_name: &CStr, patch: u64) -> Option<Found> {
    let len = (HEAD + image.installed.len()) as u64;
    let open = |name: &CStr, flags: u64| {
        let flags = flags | sys::O_CLOEXEC | sys::O_NOFOLLOW;
        // SAFETY: a C string.
        let fd = unsafe { sys::openat(image.dir as u64, name.as_ptr() as u64, flags, 0o644) };
        (!sys::failed(fd)).then_some(fd)
    };
    let for_writing = if is_of_another() { None } else { open(map_name, sys::O_RDWR | sys::O_CREAT) };
    let writable = for_writing.is_some();
    let map_fd = for_writing.or_else(|| open(map_name, sys::O_RDONLY))?;
    let Some(file) = open(name, if writable { sys::O_RDWR | sys::O_CREAT } else { sys::O_RDONLY }) else {
        sys::close(map_fd);
        return None;
    };
    let stat = sys::fstat(file).filter(is_ours);
    let head = stat.as_ref().and_then(|stat| head(image, patch, stat.inode));
    let map = head.as_ref().and_then(|head| map_of(map_fd, head, len, writable));
    sys::close(map_fd);
    let (Some(map), Some(stat), Some(head)) = (map, stat, head) else {
        sys::close(file);
        return None;
    };
    let (own_head, chunks) = map.split_at(HEAD);
    if same(own_head, &head) && is_long_enough(chunks, stat.size) {
        return Some(Found { file, inode: stat.inode, map: chunks, writable });
    }
    if !writable {
        sys::close(file);
        return None;
    }
    // Of an earlier boot, or cut short. Chunks are forgotten before the new boot is named.
    map.iter().for_each(|byte| byte.store(0, Ordering::Release));
    map.iter().zip(head).for_each(|(byte, value)| byte.store(value, Ordering::Release));
    Some(Found { file, inode: stat.inode, map: chunks, writable })
}

/// Maps the map of a shelf. One that does not begin with this head gets its length, and room on the disk for all of it, which
/// whoever was here before may have asked for in vain: who touches a hole in it where the disk is full is ended by SIGBUS.
fn map_of(fd: i64, head: &[u8; HEAD], len: u64, writable: bool) -> Option<&'static [AtomicU8]> {
    let stat = sys::fstat(fd).filter(is_ours)?;
    let mut found = [0u8; HEAD];
    // SAFETY: reads into our buffer.
    let got = unsafe { sys::pread(fd as u64, found.as_mut_ptr() as u64, HEAD as u64, 0) };
    let is_begun = stat.size == len && got == HEAD as i64 && found == *head;
    if !is_begun && (!writable || !sys::allocate(fd, len)) {
        return None;
    }
    let prot = sys::PROT_READ | if writable { sys::PROT_WRITE } else { 0 };
    // SAFETY: the file has this length; new mapping.
    let addr = unsafe { sys::mmap(0, len, prot, sys::MAP_SHARED, fd as u64, 0) };
    // SAFETY: a mapping of that length, which is never removed; other processes write it as atomic bytes too.
    (!sys::failed(addr))
        .then(|| unsafe { core::slice::from_raw_parts(addr as *const AtomicU8, len as usize) })
}

fn same(map: &[AtomicU8], head: &[u8]) -> bool {
    map.iter().zip(head).all(|(byte, value)| byte.load(Ordering::Acquire) == *value)
}

/// Whether the file has all chunks that the map says it has.
fn is_long_enough(map: &[AtomicU8], file_len: u64) -> bool {
    let last = map.iter().rposition(|byte| byte.load(Ordering::Acquire) != 0);
    last.is_none_or(|last| (last as u64 + 1) * CHUNK <= file_len)
}

/// What a map has to begin with to be of this image, this boot and this file.
fn head(image: &Image, patch: u64, inode: u64) -> Option<[u8; HEAD]> {
    let mut head = [0u8; HEAD];
    head[..8].copy_from_slice(&KEPT_MAGIC.to_le_bytes());
    head[8..16].copy_from_slice(&image.plan.header.checksum.to_le_bytes());
    head[16..24].copy_from_slice(&patch.to_le_bytes());
    head[60..].copy_from_slice(&(inode as u32).to_le_bytes());
    // SAFETY: C string; reads into our buffer.
    unsafe {
        let path = c"/proc/sys/kernel/random/boot_id".as_ptr() as u64;
        let fd = sys::openat(sys::AT_FDCWD as u64, path, sys::O_RDONLY | sys::O_CLOEXEC, 0);
        if sys::failed(fd) {
            return None;
        }
        let got = sys::pread(fd as u64, head[24..].as_mut_ptr() as u64, 36, 0);
        sys::close(fd);
        (got == 36).then_some(head)
    }
}
