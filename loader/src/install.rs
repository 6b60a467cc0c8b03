//! Renders a chunk and puts it in place at once, so that no thread ever sees half of it. Two threads that
//! install one chunk at the same time install the same bytes.

use crate::image::Image;
use crate::report::{die, die_errno, stop};
use crate::{journal, kept, pager, sys};
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

/// Puts chunk `number` in place. Returns the number of pages that were rendered for it, or `None` if it is not a lazy
/// chunk.
pub fn chunk(image: &'static Image, number: usize) -> Option<u64> {
    let (region, start, len) = image.chunk_range(number)?;
    let _busy = Busy::begin(image);
    if image.is_installed(number) {
        return Some(0);
    }
    let kept = kept::map_around(image, region, number);
    if kept != 0 {
        journal::from_kept(kept);
        return Some(0);
    }
    let buffer = Buffer::take(image);
    if image.is_installed(number) {
        // Somebody was faster. Once all is in place, nothing may be written to our descriptors.
        return Some(0);
    }
    fill(image, region, number, start, buffer.bytes(len));
    Some(len / shared::PAGE)
}

/// Whether any thread is putting something in place.
pub fn is_any_at_it(image: &Image) -> bool {
    image.own.busy.load(Ordering::SeqCst) != 0
}

/// A thread that is putting something in place.
struct Busy(&'static Image);

impl Busy {
    fn begin(image: &'static Image) -> Self {
        image.own.busy.fetch_add(1, Ordering::SeqCst);
        Self(image)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.own.busy.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Puts a chunk in place again that the program has given back to the kernel.
pub fn again(image: &'static Image, number: usize) -> bool {
    let Some((region, start, len)) = image.chunk_range(number) else { return false };
    let buffer = Buffer::take(image);
    fill(image, region, number, start, buffer.bytes(len));
    true
}

fn fill(image: &'static Image, region: &RegionRec, number: usize, start: u64, bytes: &mut [u8]) {
    render_or_stop(image, start, bytes);
    let filled = pager::is_ours(image) && through_userfaultfd(region, start, bytes);
    if !filled && !from_file(image, region, number, bytes) {
        by_moving(region, start, bytes);
    }
    image.set_installed(number);
}

/// Keeps a chunk. It is rendered for that, whether it is in place or not: what is there may have been changed by the
/// program. Returns false if there is no room.
pub fn keep(image: &'static Image, number: usize) -> bool {
    let Some((_, start, len)) = image.chunk_range(number) else { return false };
    let buffer = Buffer::take(image);
    let bytes = buffer.bytes(len);
    render_or_stop(image, start, bytes);
    kept::add(image, number, bytes)
}

/// Whether what is in place of a chunk is what was put there. The program may unmap it at any time.
pub fn is_unchanged(image: &'static Image, number: usize) -> bool {
    let Some((_, start, len)) = image.chunk_range(number) else { return false };
    let (fresh, present) = (Buffer::take(image), Buffer::take(image));
    let (fresh, present) = (fresh.bytes(len), present.bytes(len));
    render_or_stop(image, start, fresh);
    sys::copy_own(start, present) == len as i64 && fresh == present
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

/// Fills the chunk, then gives it its access. Returns false if the registration is lost.
fn through_userfaultfd(region: &RegionRec, start: u64, bytes: &[u8]) -> bool {
    let len = bytes.len() as u64;
    let mut done = 0;
    while done < len {
        match pager::copy(start + done, bytes[done as usize..].as_ptr(), len - done) {
            Ok(copied) => done += copied,
            // Another thread was faster with this page.
            Err(sys::EEXIST) => done += shared::PAGE,
            // Memory is being mapped or unmapped; the kernel wants us to try again.
            Err(sys::EAGAIN) => sys::sched_yield(),
            Err(_) => return false,
        }
    }
    // SAFETY: the range is filled, and nobody has had access to it yet.
    !sys::failed(unsafe { sys::mprotect(start, len, region.prot.into()) })
}

/// Writes the chunk to a file and maps it from there: what the program drops with MADV_DONTNEED comes back.
/// Returns false if there is no such file, or not any more.
fn from_file(image: &'static Image, region: &RegionRec, number: usize, bytes: &[u8]) -> bool {
    match kept::write_for_mapping(image, number, bytes) {
        Some(file) => kept::map(image, region, number, 1, file),
        None => false,
    }
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

fn render_or_stop(image: &'static Image, start: u64, out: &mut [u8]) {
    let result = render(&image.plan, &image, ImageAddr(start), out);
    let (what, at): (&[u8], u64) = match result {
        Ok(()) => return,
        Err(RenderError::Malformed { at }) => (b"the plan contradicts itself at ", at.0),
        Err(RenderError::Plan) => {
            crate::open::condemn();
            (b"the plan of the index is damaged; link the program again; at ", start)
        }
        Err(RenderError::Record { object }) => {
            crate::open::condemn();
            (b"the index has a damaged record; link the program again: object ", object.into())
        }
        Err(RenderError::Edit { object, .. }) => (b"a relocation cannot be applied, object ", object.into()),
    };
    stop(&[what], at)
}
