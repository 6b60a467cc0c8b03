//! Renders a chunk and puts it in place at once, so that no thread ever sees half of it. Two threads that
//! install one chunk at the same time install the same bytes.

use crate::image::Image;
use crate::report::{die, die_errno, stop};
use crate::{kept, pager, sys};
use core::cell::UnsafeCell;
use core::sync::atomic::Ordering;
use shared::plan::RegionRec;
use shared::render::{RenderError, render};
use shared::{CHUNK, ImageAddr};

const POOL: usize = 8;

/// Buffers to render into, for `UFFDIO_COPY` to copy from. A thread of the program may have a stack of
/// 16 KiB, so they cannot be there.
#[repr(align(4096))]
struct Pool(UnsafeCell<[[u8; CHUNK as usize]; POOL]>);
// SAFETY: a buffer is used only by the thread that took its bit in `OwnState::buffers`.
unsafe impl Sync for Pool {}
static BUFFERS: Pool = Pool(UnsafeCell::new([[0; CHUNK as usize]; POOL]));

/// Puts chunk `number` in place. Returns the number of pages, or `None` if it is not a lazy chunk, or if the
/// program has unmapped it.
pub fn chunk(image: &'static Image, number: usize) -> Option<u64> {
    let (region, start, len) = image.chunk_range(number)?;
    let buffer = Buffer::take(image);
    let bytes = buffer.bytes(len);
    render_or_stop(image, start, bytes);
    if image.own.uffd_is_ours.load(Ordering::Relaxed) != 0 {
        if !through_userfaultfd(image, start, bytes) {
            return None;
        }
    } else if !from_file(image, region, number, start, bytes) {
        by_moving(region, start, bytes);
    }
    drop(buffer);
    image.set_installed(number);
    Some(len / shared::PAGE)
}

/// One buffer of the pool, taken.
struct Buffer {
    image: &'static Image,
    number: usize,
}

impl Buffer {
    fn take(image: &'static Image) -> Self {
        let own = &image.own.buffers;
        loop {
            let used = own.load(Ordering::Relaxed);
            let number = (!used).trailing_zeros() as usize;
            if number >= POOL {
                sys::sched_yield();
            } else if own
                .compare_exchange_weak(used, used | 1 << number, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
            {
                return Self { image, number };
            }
        }
    }

    #[expect(clippy::mut_from_ref, reason = "the bit in the pool stands for the exclusive borrow")]
    fn bytes(&self, len: u64) -> &mut [u8] {
        // SAFETY: the bit that `take` set makes this buffer ours until it is dropped.
        let buffer = unsafe { &mut *BUFFERS.0.get().cast::<[u8; CHUNK as usize]>().add(self.number) };
        &mut buffer[..len as usize]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.image.own.buffers.fetch_and(!(1 << self.number), Ordering::Release);
    }
}

/// Returns false if the program has unmapped the range.
fn through_userfaultfd(image: &'static Image, start: u64, bytes: &[u8]) -> bool {
    let len = bytes.len() as u64;
    let mut done = 0;
    while done < len {
        match pager::copy(image.uffd, start + done, bytes[done as usize..].as_ptr(), len - done) {
            Ok(copied) => done += copied,
            // Another thread was faster with this page.
            Err(sys::EEXIST) => done += shared::PAGE,
            // Memory is being mapped or unmapped; the kernel wants us to try again.
            Err(sys::EAGAIN) => sys::sched_yield(),
            Err(sys::ENOENT) => return false,
            Err(error) => die_errno(&[b"userfaultfd no longer fills memory (was it closed?)"], error),
        }
    }
    // SAFETY: the range is filled: forked children may have it.
    unsafe { sys::madvise(start, len, sys::MADV_DOFORK) };
    true
}

/// Writes the chunk to a file and maps it from there: what the program drops with MADV_DONTNEED comes back.
/// Returns false if there is no such file, or not any more.
fn from_file(image: &Image, region: &RegionRec, number: usize, start: u64, bytes: &[u8]) -> bool {
    let Some(file) = kept::write(image, number, bytes) else { return false };
    let offset = start - image.plan.header.base.0;
    // SAFETY: maps over a chunk of the reserved image.
    let result = unsafe {
        let flags = sys::MAP_PRIVATE | sys::MAP_FIXED;
        sys::mmap(start, bytes.len() as u64, region.prot.into(), flags, file as u64, offset)
    };
    !sys::failed(result)
}

/// The way that needs no file: the chunk is copied to new memory, which is moved into place.
fn by_moving(region: &RegionRec, start: u64, bytes: &[u8]) {
    const MREMAP_MAYMOVE: u64 = 1;
    const MREMAP_FIXED: u64 = 2;
    let len = bytes.len() as u64;
    let Some(memory) = sys::map_anonymous(len) else { die(&[b"out of memory for relocated pages"]) };
    // SAFETY: fills and protects a new mapping of that size, then moves it over a chunk of the reserved image.
    unsafe {
        core::slice::from_raw_parts_mut(memory as *mut u8, bytes.len()).copy_from_slice(bytes);
        let result = sys::mprotect(memory, len, region.prot.into());
        if sys::failed(result) {
            die_errno(&[b"cannot make relocated pages executable"], result);
        }
        let result = sys::mremap(memory, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, start);
        if sys::failed(result) {
            die_errno(&[b"cannot move relocated pages into place"], result);
        }
    }
}

/// Renders a whole lazy region in place, before the program starts.
pub fn whole_region(image: &'static Image, region: &RegionRec) {
    let flags = sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_FIXED;
    // SAFETY: the region lies in the reserved image, and nothing runs in it yet.
    unsafe {
        let addr = sys::mmap(
            region.start.0,
            region.len(),
            sys::PROT_READ | sys::PROT_WRITE,
            flags,
            u64::MAX,
            0,
        );
        if sys::failed(addr) {
            die_errno(&[b"out of memory for relocated pages"], addr);
        }
        let bytes = core::slice::from_raw_parts_mut(addr as *mut u8, region.len() as usize);
        render_or_stop(image, region.start.0, bytes);
        let result = sys::mprotect(region.start.0, region.len(), region.prot.into());
        if sys::failed(result) {
            die_errno(&[b"cannot make relocated pages executable"], result);
        }
    }
    crate::journal::rendered(region.len() / shared::PAGE, false);
}

fn render_or_stop(image: &'static Image, start: u64, out: &mut [u8]) {
    let result = render(&image.plan, &image, ImageAddr(start), out);
    let (what, at): (&[u8], u64) = match result {
        Ok(()) => return,
        Err(RenderError::Malformed { at }) => (b"the plan contradicts itself at ", at.0),
        Err(RenderError::Record { object }) => (b"the index has a damaged record, object ", object.into()),
        Err(RenderError::Edit { object, .. }) => (b"a relocation cannot be applied, object ", object.into()),
    };
    stop(&[what], at)
}
