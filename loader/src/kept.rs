//! Kept chunks: what one run relocated, the next maps from a file, at the kernel's own cost.
//!
//! They are on two shelves. What no relink since the last full link has changed is on one that all generations since
//! then share (`kept`); the rest is on the generation's own (`own`). Which is which, the linker has written (`changed`).
//!
//! A shelf is two files, written by whichever process gets there first: one has the chunks, each at its offset in
//! the image, and the map says which are whole. A chunk is written before its byte in the map is set, by processes
//! of one boot: what the page cache did not bring to disk before a crash of the machine is not trusted after it,
//! because the map names the boot.

use crate::image::Image;
use crate::report::note_number;
use crate::{journal, pager, sys};
use core::ffi::CStr;
use core::sync::atomic::{AtomicI64, AtomicPtr, AtomicU8, Ordering};
use shared::CHUNK;
use shared::log::{KEPT_HEAD, KEPT_MAGIC, changed_chunks};

/// Bytes of a map in front of its bytes for chunks.
const HEAD: usize = KEPT_HEAD;

/// Where chunks of this launch are kept.
struct Shelf {
    /// A byte for each chunk of the image.
    map: AtomicPtr<AtomicU8>,
    file: AtomicI64,
}

impl Shelf {
    const fn closed() -> Self {
        Self { map: AtomicPtr::new(core::ptr::null_mut()), file: AtomicI64::new(-1) }
    }

    fn is_open(&self) -> bool {
        !self.map.load(Ordering::Acquire).is_null()
    }

    fn byte(&self, chunk: usize) -> Option<&'static AtomicU8> {
        let map = self.map.load(Ordering::Acquire);
        // SAFETY: `open` stored a mapping with a byte for each chunk; callers number chunks of the image.
        (!map.is_null()).then(|| unsafe { &*map.add(chunk) })
    }
}

static COMMON: Shelf = Shelf::closed();
static OWN: Shelf = Shelf::closed();
/// A file in memory, for chunks that cannot be kept.
static MEMORY: AtomicI64 = AtomicI64::new(-1);
/// A byte for each chunk: not 0 if its place is the generation's own shelf. Null: all are on the common one.
static CHANGED: AtomicPtr<u8> = AtomicPtr::new(core::ptr::null_mut());

/// Whether relinks have changed a chunk.
fn is_changed(chunk: usize) -> bool {
    let changed = CHANGED.load(Ordering::Relaxed);
    // SAFETY: `start` stored a table with a byte for each chunk; callers number chunks of the image.
    !changed.is_null() && unsafe { *changed.add(chunk) } != 0
}

fn shelf(chunk: usize) -> &'static Shelf {
    if is_changed(chunk) { &OWN } else { &COMMON }
}

/// A shelf as it is found: its file, and the map of the chunks that are there.
struct Found {
    file: i64,
    map: &'static [AtomicU8],
    /// Others may be added.
    writable: bool,
}

/// Opens the generation's kept chunks, and maps those that are there. Without them, or where they cannot be
/// written, everything is relocated anew.
pub fn start(image: &'static Image) {
    if sys::files_are_limited() {
        return;
    }
    let mut own = None;
    if image.patch != 0 {
        // Without the list nobody knows which chunks are those of the last full link.
        let Some(changed) = changed(image) else { return };
        CHANGED.store(changed.as_ptr().cast_mut(), Ordering::Relaxed);
        own = open(image, c"own", c"own.map", image.patch);
    }
    let common = open(image, c"kept", c"kept.map", 0);
    map_chunks(image, common.as_ref(), own.as_ref());
    put_up(&COMMON, common);
    put_up(&OWN, own);
}

/// The list of chunks that relinks have changed.
fn changed(image: &'static Image) -> Option<&'static [u8]> {
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
    (stat.uid == 0 || stat.uid == sys::geteuid()) && stat.mode & 0o022 == 0
}

/// Opens a shelf, and clears it if it is not of this image and this boot.
fn open(image: &'static Image, name: &CStr, map_name: &CStr, patch: u64) -> Option<Found> {
    let len = (HEAD + image.installed.len()) as u64;
    let open = |name: &CStr, flags: u64| {
        let flags = flags | sys::O_CLOEXEC | sys::O_NOFOLLOW;
        // SAFETY: a C string.
        let fd = unsafe { sys::openat(image.dir as u64, name.as_ptr() as u64, flags, 0o600) };
        (!sys::failed(fd)).then_some(fd)
    };
    let for_writing = open(map_name, sys::O_RDWR | sys::O_CREAT);
    let writable = for_writing.is_some();
    let map_fd = for_writing.or_else(|| open(map_name, sys::O_RDONLY))?;
    let Some(file) = open(name, if writable { sys::O_RDWR | sys::O_CREAT } else { sys::O_RDONLY }) else {
        sys::close(map_fd);
        return None;
    };
    let map = map_of(map_fd, len, writable);
    sys::close(map_fd);
    let stat = sys::fstat(file).filter(is_ours);
    let head = stat.as_ref().and_then(|stat| head(image, patch, stat.inode));
    let (Some(map), Some(stat), Some(head)) = (map, stat, head) else {
        sys::close(file);
        return None;
    };
    let (own_head, chunks) = map.split_at(HEAD);
    if same(own_head, &head) && is_long_enough(chunks, stat.size) {
        return Some(Found { file, map: chunks, writable });
    }
    if !writable {
        sys::close(file);
        return None;
    }
    // Of an earlier boot, or cut short. Chunks are forgotten before the new boot is named.
    map.iter().for_each(|byte| byte.store(0, Ordering::Release));
    map.iter().zip(head).for_each(|(byte, value)| byte.store(value, Ordering::Release));
    Some(Found { file, map: chunks, writable })
}

/// Maps the map of a shelf, which is made as long as it has to be.
fn map_of(fd: i64, len: u64, writable: bool) -> Option<&'static [AtomicU8]> {
    let stat = sys::fstat(fd).filter(is_ours)?;
    if stat.size != len && (!writable || !sys::allocate(fd, len)) {
        return None;
    }
    let prot = sys::PROT_READ | if writable { sys::PROT_WRITE } else { 0 };
    // SAFETY: the file has this length; new mapping.
    let addr = unsafe { sys::mmap(0, len, prot, sys::MAP_SHARED, fd as u64, 0) };
    // SAFETY: a mapping of that length, which is never removed; other processes write it as atomic bytes too.
    (!sys::failed(addr))
        .then(|| unsafe { core::slice::from_raw_parts(addr as *const AtomicU8, len as usize) })
}

/// Lets this launch add to a shelf.
fn put_up(shelf: &'static Shelf, found: Option<Found>) {
    let Some(found) = found else { return };
    if !found.writable {
        sys::close(found.file);
        return;
    }
    let Ok(file) = pager::move_high(found.file) else { return };
    shelf.file.store(file, Ordering::Relaxed);
    shelf.map.store(found.map.as_ptr().cast_mut(), Ordering::Release);
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

/// Maps the chunks that are kept, neighbours together.
fn map_chunks(image: &'static Image, common: Option<&Found>, own: Option<&Found>) {
    let file_of = |chunk: usize| {
        let found = if is_changed(chunk) { own } else { common }?;
        let is_there = found.map.get(chunk).is_some_and(|byte| byte.load(Ordering::Acquire) != 0);
        is_there.then_some(found.file)
    };
    let base = image.plan.header.base.0;
    let mut pages = 0;
    for region in image.lazy_regions() {
        let last = image.chunk_number(region.end.0 - 1);
        let mut chunk = image.chunk_number(region.start.0);
        while chunk <= last {
            let Some(file) = file_of(chunk) else {
                chunk += 1;
                continue;
            };
            let first = chunk;
            while chunk <= last && file_of(chunk) == Some(file) {
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
    COMMON.is_open() || OWN.is_open()
}

/// Whether a chunk is kept already, or has no place where it could be.
pub fn has(chunk: usize) -> bool {
    shelf(chunk).byte(chunk).is_none_or(|byte| byte.load(Ordering::Acquire) != 0)
}

/// Writes a chunk to the file of kept chunks, or to one in memory if there is none. Returns the file.
pub fn write(image: &Image, chunk: usize, bytes: &[u8]) -> Option<i64> {
    let shelf = shelf(chunk);
    let file = Some(shelf.file.load(Ordering::Relaxed)).filter(|file| *file >= 0);
    let file = file.or_else(|| Some(MEMORY.load(Ordering::Relaxed)).filter(|file| *file >= 0))?;
    if !write_at(image, file, chunk, bytes.as_ptr() as u64, bytes.len() as u64) {
        return None;
    }
    if let Some(byte) = shelf.byte(chunk) {
        byte.store(1, Ordering::Release);
    }
    Some(file)
}

/// Makes a file in memory where chunks cannot be kept: the signal pager maps them from there.
pub fn without_keeping(image: &Image) {
    let has_file = |shelf: &Shelf| shelf.file.load(Ordering::Relaxed) >= 0;
    if has_file(&COMMON) && (image.patch == 0 || has_file(&OWN)) || sys::files_are_limited() {
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
    if let Ok(fd) = pager::move_high(fd) {
        MEMORY.store(fd, Ordering::Relaxed);
    }
}

/// Two processes that write the same chunk write the same bytes.
fn write_at(image: &Image, file: i64, chunk: usize, from: u64, len: u64) -> bool {
    let Some((_, start, _)) = image.chunk_range(chunk) else { return false };
    let offset = start - image.plan.header.base.0;
    let mut done = 0;
    while done < len {
        // SAFETY: the kernel reads `len` bytes at `from`, or says that it cannot.
        let written = unsafe { sys::pwrite(file as u64, from + done, len - done, offset + done) };
        if written <= 0 {
            return false;
        }
        done += written as u64;
    }
    true
}
