//! The end of laziness in a running process: when every chunk is kept, what is not in place yet is mapped, what was
//! filled is exchanged for the file's pages, and signals, descriptors and hooks are given back. From then on the
//! process is as if it had been started now, with nothing left to do.
//!
//! It goes by what is really mapped: the program may have changed the protection of its code, or unmapped it, or put
//! something else there. What is not as we have left it, stays as it is, and then so do we.

use crate::image::Image;
use crate::maps::Mapping;
use crate::report::note;
use crate::{install, journal, kept, maps, masks, open, pager, sys, wishes};
use core::ops::Range;
use core::sync::atomic::{AtomicBool, Ordering, fence};
use shared::CHUNK;
use shared::plan::RegionRec;

/// Ends laziness, if everything is as we have left it. Every chunk is kept.
pub fn finish(image: &'static Image, is_to_stop: impl Fn() -> bool) {
    // What a thread touches meanwhile is not as it was read: the next look finds it settled.
    const LOOKS: usize = 20;
    const PAUSE_US: u64 = 5_000;
    let is_settled = (0..LOOKS).any(|look| {
        if look > 0 {
            sys::sleep_us(PAUSE_US);
        }
        settle_all(image)
    });
    if !is_settled {
        note(&[b"everything is kept, but the program has changed the mapping of its code"]);
        return;
    }
    image.lazy_chunks().for_each(|chunk| image.set_installed(chunk));
    declare_filled();
    if !nobody_is_filling(image) || !faults_have_arrived(is_to_stop) {
        return;
    }
    if masks::anybody_believes() {
        note(&[b"everything is in place, but a thread believes to have signals blocked"]);
        return;
    }
    wishes::retire();
    pager::disarm(image);
    kept::close();
    maps::close();
    open::release_memory();
    note(&[b"everything is in place"]);
}

/// Everything is in place: no first touch comes any more.
static FILLED: AtomicBool = AtomicBool::new(false);

pub fn is_filled() -> bool {
    FILLED.load(Ordering::SeqCst)
}

fn declare_filled() {
    FILLED.store(true, Ordering::SeqCst);
}

/// Puts everything in place at once, because the program is about to do what a first touch would not survive. Our
/// handler stays, for threads that have touched something and not had the processor since.
pub fn fill(image: &'static Image) {
    if is_filled() {
        return;
    }
    // A handler of the program that runs meanwhile may want the same, and would wait for us.
    let (all, mut mask) = (!masks::OURS, 0u64);
    // SAFETY: sets of ours.
    unsafe { sys::rt_sigprocmask(sys::SIG_BLOCK, &raw const all as u64, &raw mut mask as u64, 8) };
    for chunk in image.lazy_chunks().filter(|chunk| !image.is_installed(*chunk)) {
        if let Some(pages) = install::chunk(image, chunk) {
            journal::rendered(pages, false);
        }
    }
    // What others have begun may not come after what the program is about to do.
    while install::is_any_at_it(image) {
        sys::sched_yield();
    }
    declare_filled();
    // SAFETY: as above.
    unsafe { sys::rt_sigprocmask(sys::SIG_SETMASK, &raw const mask as u64, 0, 8) };
    note(&[b"everything was put in place at once"]);
}

/// Has all lazy memory come from the files of kept chunks. Returns false if some cannot be left to the kernel.
fn settle_all(image: &'static Image) -> bool {
    let mut is_all = true;
    // In this order: the program says first that it is to be left alone, and then waits.
    image.own.exchanging.store(1, Ordering::SeqCst);
    let is_free = image.own.left_alone.load(Ordering::SeqCst) == 0;
    let is_read = is_free
        && maps::for_each(|mapping| {
            for region in image.lazy_regions() {
                if mapping.start < region.end.0 && region.start.0 < mapping.end {
                    is_all &= settle(image, region, mapping);
                }
            }
            true
        });
    image.own.exchanging.store(0, Ordering::SeqCst);
    is_read && is_all
}

/// Before the program changes the mapping of its code: what was read of that is not acted upon any more, and nothing is read
/// again. What it gives itself would be taken away.
pub fn leave_alone(image: &Image) {
    image.own.left_alone.store(1, Ordering::SeqCst);
    while image.own.exchanging.load(Ordering::SeqCst) != 0 {
        sys::sched_yield();
    }
}

/// Chunks whose filling has begun are finished; none begins any more, as all are marked as being in place.
fn nobody_is_filling(image: &Image) -> bool {
    const ATTEMPTS: usize = 100_000;
    // The marks are to be seen by whoever takes a buffer from now on.
    fence(Ordering::SeqCst);
    (0..ATTEMPTS).any(|_| {
        let is_idle = image.own.buffers.load(Ordering::SeqCst) == 0;
        if !is_idle {
            sys::sched_yield();
        }
        is_idle
    })
}

/// A thread may have touched something just before it was mapped, and not have had the processor since: the signal that
/// it is going to get has to find our handler, or it ends the process. So some time passes. Which signals wait for a
/// thread, `/proc` would tell, but nothing may be opened here.
fn faults_have_arrived(is_to_stop: impl Fn() -> bool) -> bool {
    const PAUSE_US: u64 = 10_000;
    const PAUSES: usize = 100;
    (0..PAUSES).all(|_| {
        sys::sleep_us(PAUSE_US);
        !is_to_stop()
    })
}

/// Has the part of a mapping that lies in a lazy region come from the files of kept chunks. Returns false if it cannot
/// be left to the kernel.
fn settle(image: &'static Image, region: &RegionRec, mapping: &Mapping) -> bool {
    if kept::is_inode_of_shelf(mapping.inode) {
        return true;
    }
    let start = mapping.start.max(region.start.0);
    let end = mapping.end.min(region.end.0);
    let is_memory = mapping.is_private && (mapping.inode == 0 || kept::is_inode_of_memory(mapping.inode));
    if !is_memory {
        // Something of the program's own.
        return true;
    }
    let is_as_left = mapping.prot == u64::from(region.prot);
    let is_closed = mapping.prot == sys::PROT_NONE;
    let on_chunks = start.is_multiple_of(CHUNK) && end.is_multiple_of(CHUNK);
    if !on_chunks || !(is_as_left || is_closed) {
        return false;
    }
    let chunks = image.chunk_number(start)..image.chunk_number(end - 1) + 1;
    // What is in place and has no access: a thread has just filled it, or the program has forbidden it to itself.
    let is_fit = |chunk| match is_closed {
        true => !image.is_installed(chunk),
        false => install::is_unchanged(image, chunk),
    };
    map_runs(image, region, chunks, is_fit)
}

/// Maps chunks from the files that have them, neighbours together. Returns false if not all are fit for it.
fn map_runs(
    image: &'static Image,
    region: &RegionRec,
    chunks: Range<usize>,
    is_fit: impl Fn(usize) -> bool,
) -> bool {
    let mut is_all = true;
    let mut first = chunks.start;
    while first < chunks.end {
        let file = kept::file_of(first);
        let is_like_it = |chunk: &usize| kept::file_of(*chunk) == file && is_fit(*chunk);
        let count = (first..chunks.end).take_while(is_like_it).count();
        is_all &= count > 0 && file.is_some_and(|file| kept::map(image, region, first, count, file));
        first += count.max(1);
    }
    is_all
}
