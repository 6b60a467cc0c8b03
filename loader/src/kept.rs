//! Kept chunks: what one run relocated, the next maps from a file, at the kernel's own cost.
//!
//! Two files of the generation, written by whichever process gets there first: `kept` has the chunks, each at
//! its offset in the image, and `kept.map` says which are whole. A chunk is written before its byte in the map
//! is set, by processes of one boot: what the page cache did not bring to disk before a crash of the machine
//! is not trusted after it, because the map names the boot.

use crate::image::Image;
use crate::report::note_number;
use crate::{journal, sys};
use core::sync::atomic::{AtomicI64, AtomicPtr, AtomicU8, Ordering};
use shared::CHUNK;

/// First bytes of the map; the last digit is the version of the format.
const MAGIC: [u8; 8] = *b"UFkept\0\x01";
/// Bytes of the map in front of its bytes for chunks: magic, plan, patch, boot.
const HEAD: usize = shared::log::KEPT_HEAD;

static MAP: AtomicPtr<AtomicU8> = AtomicPtr::new(core::ptr::null_mut());
static FILE: AtomicI64 = AtomicI64::new(-1);

/// Opens the generation's kept chunks, and maps those that are there. Without them, or where they cannot be
/// written, everything is relocated anew.
pub fn start(image: &'static Image) {
    if sys::files_are_limited() {
        return;
    }
    let Some(head) = head(image) else { return };
    let len = (HEAD + image.installed.len()) as u64;
    let dir = image.dir as u64;
    let open = |name: &core::ffi::CStr, flags: u64| {
        // SAFETY: a C string.
        let fd = unsafe {
            sys::openat(dir, name.as_ptr() as u64, flags | sys::O_CLOEXEC | sys::O_NOFOLLOW, 0o600)
        };
        (!sys::failed(fd)).then_some(fd)
    };
    let writable = open(c"kept.map", sys::O_RDWR | sys::O_CREAT);
    let Some(map_fd) = writable.or_else(|| open(c"kept.map", sys::O_RDONLY)) else { return };
    let mode = if writable.is_some() { sys::O_RDWR | sys::O_CREAT } else { sys::O_RDONLY };
    let Some(file) = open(c"kept", mode) else {
        sys::close(map_fd);
        return;
    };
    let ours = |fd: i64| {
        sys::fstat(fd).filter(|stat| (stat.uid == 0 || stat.uid == sys::geteuid()) && stat.mode & 0o022 == 0)
    };
    let (Some(map_stat), Some(file_stat)) = (ours(map_fd), ours(file)) else { return };
    let prot = sys::PROT_READ | if writable.is_some() { sys::PROT_WRITE } else { 0 };
    // SAFETY: the file is made as long as the mapping first, if it is not; new mapping.
    let addr = unsafe {
        if map_stat.size != len && (writable.is_none() || !sys::allocate(map_fd, len)) {
            return;
        }
        sys::mmap(0, len, prot, sys::MAP_SHARED, map_fd as u64, 0)
    };
    sys::close(map_fd);
    if sys::failed(addr) {
        return;
    }
    // SAFETY: a mapping of that length, which is never removed; other processes write it as atomic bytes too.
    let map = unsafe { core::slice::from_raw_parts(addr as *const AtomicU8, len as usize) };
    if same(&map[..HEAD], &head) && is_long_enough(&map[HEAD..], file_stat.size) {
        map_chunks(image, &map[HEAD..], file);
    } else if writable.is_some() {
        // Of an earlier boot, or cut short. Chunks are forgotten before the new boot is named.
        map.iter().for_each(|byte| byte.store(0, Ordering::Release));
        map.iter().zip(head).for_each(|(byte, value)| byte.store(value, Ordering::Release));
    }
    if writable.is_none() {
        sys::close(file);
        return;
    }
    let Ok(file) = crate::pager::move_high(file) else { return };
    FILE.store(file, Ordering::Relaxed);
    MAP.store(map[HEAD..].as_ptr().cast_mut(), Ordering::Release);
}

fn same(map: &[AtomicU8], head: &[u8]) -> bool {
    map.iter().zip(head).all(|(byte, value)| byte.load(Ordering::Acquire) == *value)
}

/// Whether the file has all chunks that the map says it has.
fn is_long_enough(map: &[AtomicU8], file_len: u64) -> bool {
    let last = map.iter().rposition(|byte| byte.load(Ordering::Acquire) != 0);
    last.is_none_or(|last| (last as u64 + 1) * CHUNK <= file_len)
}

/// What the map has to begin with to be of this image and this boot.
fn head(image: &Image) -> Option<[u8; HEAD]> {
    let mut head = [0u8; HEAD];
    head[..8].copy_from_slice(&MAGIC);
    head[8..16].copy_from_slice(&image.plan.header.checksum.to_le_bytes());
    head[16..24].copy_from_slice(&image.patch.to_le_bytes());
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

/// Maps the chunks that are kept, neighbours together.
fn map_chunks(image: &'static Image, map: &[AtomicU8], file: i64) {
    let is_kept = |chunk: usize| map.get(chunk).is_some_and(|byte| byte.load(Ordering::Acquire) != 0);
    let base = image.plan.header.base.0;
    let mut pages = 0;
    for region in image.lazy_regions() {
        let last = image.chunk_number(region.end.0 - 1);
        let mut chunk = image.chunk_number(region.start.0);
        while chunk <= last {
            if !is_kept(chunk) {
                chunk += 1;
                continue;
            }
            let first = chunk;
            while chunk <= last && is_kept(chunk) {
                chunk += 1;
            }
            let start = base + first as u64 * CHUNK;
            let len = (chunk - first) as u64 * CHUNK;
            // SAFETY: whole chunks of a lazy region, which begins and ends on chunk bounds.
            let result = unsafe {
                let flags = sys::MAP_PRIVATE | sys::MAP_FIXED;
                sys::mmap(start, len, region.prot.into(), flags, file as u64, start - base)
            };
            if sys::failed(result) {
                // A file system that forbids execution, or too many mappings: relocate as if nothing were kept.
                return;
            }
            (first..chunk).for_each(|chunk| image.set_installed(chunk));
            pages += len / shared::PAGE;
        }
    }
    journal::from_kept(pages);
    note_number(&[b"pages from kept chunks: "], pages);
}

/// Whether chunks can be kept at all.
pub fn is_open() -> bool {
    !MAP.load(Ordering::Acquire).is_null()
}

/// Whether a chunk is kept already.
pub fn has(chunk: usize) -> bool {
    byte(chunk).is_some_and(|byte| byte.load(Ordering::Acquire) != 0)
}

fn byte(chunk: usize) -> Option<&'static AtomicU8> {
    let map = MAP.load(Ordering::Acquire);
    // SAFETY: `start` stored a mapping with a byte for each chunk; callers number chunks of the image.
    (!map.is_null()).then(|| unsafe { &*map.add(chunk) })
}

/// Writes a chunk to the file of kept chunks, or to one in memory if there is none. Returns the file.
pub fn write(image: &Image, chunk: usize, bytes: &[u8]) -> Option<i64> {
    if !is_open() && FILE.load(Ordering::Relaxed) < 0 {
        return None;
    }
    write_at(image, chunk, bytes.as_ptr() as u64, bytes.len() as u64).then(|| FILE.load(Ordering::Relaxed))
}

/// Makes a file in memory where chunks cannot be kept: the signal pager maps them from there.
pub fn without_keeping(image: &Image) {
    if FILE.load(Ordering::Relaxed) >= 0 || sys::files_are_limited() {
        return;
    }
    let fd = sys::memfd_create(c"unfold");
    if sys::failed(fd) {
        return;
    }
    let len = image.plan.header.limit.offset_from(image.plan.header.base);
    // SAFETY: gives a file of ours its length.
    if sys::failed(unsafe { sys::ftruncate(fd as u64, len) }) {
        sys::close(fd);
        return;
    }
    if let Ok(fd) = crate::pager::move_high(fd) {
        FILE.store(fd, Ordering::Relaxed);
    }
}

/// Two processes that write the same chunk write the same bytes.
fn write_at(image: &Image, chunk: usize, from: u64, len: u64) -> bool {
    let Some((_, start, _)) = image.chunk_range(chunk) else { return false };
    let offset = start - image.plan.header.base.0;
    let mut done = 0;
    while done < len {
        // SAFETY: the kernel reads `len` bytes at `from`, or says that it cannot.
        let written = unsafe {
            sys::pwrite(FILE.load(Ordering::Relaxed) as u64, from + done, len - done, offset + done)
        };
        if written <= 0 {
            return false;
        }
        done += written as u64;
    }
    if let Some(byte) = byte(chunk) {
        byte.store(1, Ordering::Release);
    }
    true
}
