//! Kept chunks: what was relocated once, the kernel maps from a file from then on, at its own cost.
//!
//! They are on two shelves ([`crate::shelf`]). What no relink since the last full link has changed is on one that all
//! generations since then share (`kept`); the rest is on the generation's own (`own`). Which is which, the linker has
//! written (`changed`). Launches add to them, and so does the linker, behind a link.

use crate::descriptor::File;
use crate::image::Image;
use crate::report::note_number;
use crate::shelf::{self, Found};
use crate::sys;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, Ordering};
use shared::CHUNK;
use shared::plan::RegionRec;

/// Whether a number still stands for one of our files.
fn is_ours(number: i64) -> bool {
    [&COMMON.file, &OWN.file, &MEMORY].iter().any(|file| file.is(number))
}

/// A shelf of this launch.
struct Shelf {
    /// A byte for each chunk of the image; null if there is no such shelf.
    map: AtomicPtr<AtomicU8>,
    file: File,
    is_writable: AtomicBool,
}

impl Shelf {
    const fn closed() -> Self {
        Self {
            map: AtomicPtr::new(core::ptr::null_mut()),
            file: File::closed(),
            is_writable: AtomicBool::new(false),
        }
    }

    fn open(&self, found: Option<Found>) {
        let Some(found) = found else { return };
        self.file.set(found.file, found.inode);
        self.is_writable.store(found.writable, Ordering::Relaxed);
        self.map.store(found.map.as_ptr().cast_mut(), Ordering::Release);
    }

    fn file(&self) -> Option<i64> {
        self.file.number()
    }

    fn writable_file(&self) -> Option<i64> {
        self.file().filter(|_| self.is_writable.load(Ordering::Relaxed))
    }

    fn byte(&self, chunk: usize) -> Option<&'static AtomicU8> {
        let map = self.map.load(Ordering::Acquire);
        // SAFETY: `open` stored a mapping with a byte for each chunk; callers number chunks of the image.
        (!map.is_null()).then(|| unsafe { &*map.add(chunk) })
    }

    fn has(&self, chunk: usize) -> bool {
        self.byte(chunk).is_some_and(|byte| byte.load(Ordering::Acquire) != 0)
    }
}

static COMMON: Shelf = Shelf::closed();
static OWN: Shelf = Shelf::closed();
/// A file in memory, for chunks that the signal pager maps.
static MEMORY: File = File::closed();
/// A byte for each chunk: not 0 if its place is the generation's own shelf. Null: all are on the common one.
static CHANGED: AtomicPtr<u8> = AtomicPtr::new(core::ptr::null_mut());

fn shelf(chunk: usize) -> &'static Shelf {
    let changed = CHANGED.load(Ordering::Relaxed);
    // SAFETY: `open` stored a table with a byte for each chunk; callers number chunks of the image.
    let is_changed = !changed.is_null() && unsafe { *changed.add(chunk) } != 0;
    if is_changed { &OWN } else { &COMMON }
}

/// Opens the generation's shelves. Without them everything is relocated anew.
pub fn open(image: &'static Image) {
    if sys::files_are_limited() {
        return;
    }
    if image.patch != 0 {
        // Without the list nobody knows which chunks are those of the last full link.
        let Some(changed) = shelf::changed(image) else { return };
        CHANGED.store(changed.as_ptr().cast_mut(), Ordering::Relaxed);
        OWN.open(shelf::open(image, c"own", c"own.map", image.patch));
    }
    COMMON.open(shelf::open(image, c"kept", c"kept.map", 0));
}

/// Whether a shelf is open.
pub fn is_open() -> bool {
    COMMON.file().is_some() || OWN.file().is_some()
}

/// Keeps the files open while the program runs.
pub fn stay() {
    COMMON.file.stay();
    OWN.file.stay();
}

/// Closes all files: nothing is added or mapped any more.
pub fn close() {
    COMMON.file.close();
    OWN.file.close();
    MEMORY.close();
}

/// Whether this is the inode of a shelf's file.
pub fn is_inode_of_shelf(inode: u64) -> bool {
    [&COMMON.file, &OWN.file].iter().any(|file| file.has_inode(inode))
}

/// Whether this is the inode of the file in memory.
pub fn is_inode_of_memory(inode: u64) -> bool {
    MEMORY.has_inode(inode)
}

/// The file that has a chunk.
pub fn file_of(chunk: usize) -> Option<i64> {
    let shelf = shelf(chunk);
    shelf.file().filter(|_| shelf.has(chunk))
}

/// Whether a chunk is kept already, or has no place where it could be.
pub fn has(chunk: usize) -> bool {
    let shelf = shelf(chunk);
    shelf.writable_file().is_none() || shelf.has(chunk)
}

/// Whether all lazy chunks are kept.
pub fn has_all(image: &'static Image) -> bool {
    image.lazy_chunks().all(|chunk| file_of(chunk).is_some())
}

/// Maps all chunks that are kept, neighbours together. Returns the number of pages, or `None` if the kernel does not
/// want to: a file system that forbids execution, or too many mappings.
pub fn map_all(image: &'static Image) -> Option<u64> {
    let mut pages = 0;
    for region in image.lazy_regions() {
        let chunks = image.chunks_of(region);
        let mut chunk = chunks.start;
        while chunk < chunks.end {
            match map_run(image, region, chunk, chunks.end) {
                Some(0) => chunk += 1,
                Some(count) => {
                    chunk += count;
                    pages += count as u64 * (CHUNK / shared::PAGE);
                }
                None => return None,
            }
        }
    }
    note_number(&[b"pages from kept chunks: "], pages);
    Some(pages)
}

/// Makes lazy memory as it was when nothing was mapped there.
pub fn unmap_all(image: &'static Image) {
    for region in image.lazy_regions() {
        // SAFETY: a lazy region of the reserved image; the program has not started.
        unsafe {
            let flags = sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_NORESERVE | sys::MAP_FIXED;
            sys::mmap(region.start.0, region.len(), sys::PROT_NONE, flags, u64::MAX, 0);
        }
        image.chunks_of(region).for_each(|chunk| image.set_missing(chunk));
    }
}

/// Maps the chunks from `first` on that are kept and not in place, up to `end`. Returns their number.
fn map_run(image: &'static Image, region: &RegionRec, first: usize, end: usize) -> Option<usize> {
    let Some(file) = file_of(first) else { return Some(0) };
    let can_be = |chunk: &usize| !image.is_installed(*chunk) && file_of(*chunk) == Some(file);
    let count = (first..end).take_while(can_be).count();
    if count == 0 || map_from(image, region, first, count, file) { Some(count) } else { None }
}

/// Maps `count` chunks from a file in which they are whole, while the program runs.
pub fn map(image: &'static Image, region: &RegionRec, first: usize, count: usize, file: i64) -> bool {
    is_ours(file) && map_from(image, region, first, count, file)
}

fn map_from(image: &'static Image, region: &RegionRec, first: usize, count: usize, file: i64) -> bool {
    let offset = first as u64 * image.unit;
    let (start, len) = (image.plan.header.base.0 + offset, count as u64 * image.unit);
    // SAFETY: whole chunks of a lazy region, which begins and ends on chunk bounds.
    let result = unsafe {
        let flags = sys::MAP_PRIVATE | sys::MAP_FIXED;
        sys::mmap(start, len, region.prot.into(), flags, file as u64, offset)
    };
    if sys::failed(result) {
        return false;
    }
    (first..first + count).for_each(|chunk| image.set_installed(chunk));
    true
}

/// Maps a chunk that somebody has kept since this process started, and its neighbours: they cost nothing more.
/// Returns the number of pages, 0 if the chunk is not there.
pub fn map_around(image: &'static Image, region: &RegionRec, chunk: usize) -> u64 {
    let Some(file) = file_of(chunk).filter(|file| is_ours(*file)) else { return 0 };
    let chunks = image.chunks_of(region);
    let can_be = |chunk: &usize| !image.is_installed(*chunk) && file_of(*chunk) == Some(file);
    let first = (chunks.start..chunk).rev().take_while(can_be).last().unwrap_or(chunk);
    match map_run(image, region, first, chunks.end) {
        Some(count) if first + count > chunk => count as u64 * (CHUNK / shared::PAGE),
        _ => 0,
    }
}

/// Adds a chunk to its shelf. Two processes that write the same chunk write the same bytes.
pub fn add(image: &Image, chunk: usize, bytes: &[u8]) -> bool {
    let shelf = shelf(chunk);
    let Some(file) = shelf.writable_file() else { return false };
    if !write_at(image, file, chunk, bytes) {
        return false;
    }
    if let Some(byte) = shelf.byte(chunk) {
        byte.store(1, Ordering::Release);
    }
    true
}

/// Writes a chunk to a file from which it can be mapped: the one in memory, for a shelf may have to wait for a disk.
/// Where there is none, the shelf.
pub fn write_for_mapping(image: &Image, chunk: usize, bytes: &[u8]) -> Option<i64> {
    match MEMORY.number() {
        Some(file) => write_at(image, file, chunk, bytes).then_some(file),
        None => shelf(chunk).file().filter(|_| add(image, chunk, bytes)),
    }
}

/// Makes the file in memory.
pub fn use_memory(image: &Image) {
    if sys::files_are_limited() {
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
    MEMORY.set(fd, sys::fstat(fd).map_or(0, |stat| stat.inode));
    MEMORY.stay();
}

/// Takes the right to complete the common shelf, if no other process has it. The kernel gives it back when the
/// process ends; children do not inherit it.
pub fn lock() -> bool {
    const F_SETLK: u64 = 6;
    const F_WRLCK: u64 = 1;
    let Some(file) = COMMON.writable_file() else { return false };
    // `struct flock`: type and whence, start, length (0: all), process.
    let lock = [F_WRLCK, 0, 0, 0];
    // SAFETY: a struct of ours.
    !sys::failed(unsafe { sys::fcntl(file as u64, F_SETLK, lock.as_ptr() as u64) })
}

fn write_at(image: &Image, file: i64, chunk: usize, bytes: &[u8]) -> bool {
    let Some((_, start, _)) = image.chunk_range(chunk) else { return false };
    let offset = start - image.plan.header.base.0;
    if !is_ours(file) {
        return false;
    }
    let mut done = 0;
    while done < bytes.len() {
        let rest = &bytes[done..];
        // SAFETY: the kernel reads `rest`, or says that it cannot.
        let written = unsafe {
            sys::pwrite(file as u64, rest.as_ptr() as u64, rest.len() as u64, offset + done as u64)
        };
        if written <= 0 {
            if written == sys::EFBIG {
                sys::forget_file_limit_signal();
            }
            return false;
        }
        done += written as usize;
    }
    true
}
