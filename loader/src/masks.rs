//! Which signals threads hold back. While something is lazy, the two signals of the pager may not be among them, because a
//! fault whose signal is blocked ends the process. A thread that blocks them is told that they are, and the loader
//! remembers what it believes. When that comes to matter (a signal is sent, the mask is handed on or waited with), the
//! belief becomes true: everything is put in place first, and then the two are really blocked.

use crate::guards;
use crate::image::Image;
use crate::{finish, sys};
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use shared::guards::Own;

/// The two signals, as a set.
pub const OURS: u64 = 1 << (sys::SIGSEGV - 1) | 1 << (sys::SIGBUS - 1);

/// What threads believe, and how many do: number of the thread in the upper half, signals in the lower (both are below
/// 32). Only the thread itself writes its entry.
static BELIEFS: [AtomicU64; 256] = [const { AtomicU64::new(0) }; 256];
static BELIEVERS: AtomicUsize = AtomicUsize::new(0);

fn place_of(thread: u64) -> Option<&'static AtomicU64> {
    BELIEFS.iter().find(|place| place.load(Ordering::Relaxed) >> 32 == thread)
}

/// Which of the two signals the calling thread believes to have blocked, and has not.
pub fn believed() -> u64 {
    if BELIEVERS.load(Ordering::Relaxed) == 0 {
        return 0;
    }
    place_of(sys::gettid()).map_or(0, |place| place.load(Ordering::Relaxed) & 0xffff_ffff)
}

/// Notes what the calling thread believes. Returns false if there is no room for it.
pub fn believe(signals: u64) -> bool {
    if signals == 0 && BELIEVERS.load(Ordering::Relaxed) == 0 {
        return true;
    }
    let thread = sys::gettid();
    if let Some(place) = place_of(thread) {
        if signals == 0 {
            place.store(0, Ordering::Relaxed);
            BELIEVERS.fetch_sub(1, Ordering::Relaxed);
        } else {
            place.store(thread << 32 | signals, Ordering::Relaxed);
        }
        return true;
    }
    let entry = thread << 32 | signals;
    let is_taken =
        |place: &AtomicU64| place.compare_exchange(0, entry, Ordering::Relaxed, Ordering::Relaxed).is_ok();
    if signals == 0 {
        return true;
    }
    // Counted first: who sees no believers does not look.
    BELIEVERS.fetch_add(1, Ordering::Relaxed);
    let has_room = BELIEFS.iter().any(is_taken);
    if !has_room {
        BELIEVERS.fetch_sub(1, Ordering::Relaxed);
    }
    has_room
}

/// Whether any thread that is still there believes something.
pub fn anybody_believes() -> bool {
    let is_there = |thread: u64| {
        // SAFETY: signal 0 is none: it asks whether the thread is there.
        !sys::failed(unsafe { sys::tgkill(sys::getpid(), thread, 0) })
    };
    BELIEFS.iter().any(|place| {
        let thread = place.load(Ordering::Relaxed) >> 32;
        thread != 0 && is_there(thread)
    })
}

/// Makes true what the calling thread believes. Everything is put in place for that.
pub fn settle(image: &'static Image) {
    finish::fill(image);
    settle_filled();
}

/// The same, where everything is in place.
fn settle_filled() {
    let signals = believed();
    if signals != 0 {
        // SAFETY: a set of ours.
        unsafe { sys::rt_sigprocmask(sys::SIG_BLOCK, &raw const signals as u64, 0, 8) };
        believe(0);
    }
}

/// Unblocks the two, which whoever started us may have blocked: a blocked fault would be the end. The program believes
/// them to be as they were.
pub fn unblock() {
    let (ours, mut old) = (OURS, 0u64);
    // SAFETY: signal sets of ours.
    unsafe { sys::rt_sigprocmask(sys::SIG_BLOCK, 0, &raw mut old as u64, 8) };
    if old & OURS != 0 && believe(believed() | old & OURS) {
        // One that is pending is delivered now, and waits on.
        // SAFETY: as above.
        unsafe { sys::rt_sigprocmask(sys::SIG_UNBLOCK, &raw const ours as u64, 0, 8) };
    }
}

pub(crate) unsafe extern "C" fn sigprocmask(how: i32, set: *const [u64; 16], old: *mut [u64; 16]) -> i32 {
    // SAFETY: the program's own arguments.
    unsafe { change(guards::number_of(Own::Sigprocmask), how, set, old) }
}

pub(crate) unsafe extern "C" fn pthread_sigmask(how: i32, set: *const [u64; 16], old: *mut [u64; 16]) -> i32 {
    // SAFETY: the program's own arguments.
    unsafe { change(guards::number_of(Own::PthreadSigmask), how, set, old) }
}

unsafe fn change(guard: usize, how: i32, set: *const [u64; 16], old: *mut [u64; 16]) -> i32 {
    type Real = unsafe extern "C" fn(i32, *const [u64; 16], *mut [u64; 16]) -> i32;
    const SIG_BLOCK: i32 = 0;
    const SIG_UNBLOCK: i32 = 1;
    // SAFETY: libc's function has this type. It reads 128 bytes of a set at the most, and the kernel the first 8.
    unsafe {
        let real: Real = core::mem::transmute::<u64, _>(guards::real(guard));
        if finish::is_filled() {
            settle_filled();
            return real(how, set, old);
        }
        let Some(mut copy) = set.as_ref().copied() else {
            let result = real(how, set, old);
            if let Some(old) = old.as_mut().filter(|_| result == 0) {
                old[0] |= believed();
            }
            return result;
        };
        let asked = copy[0] & OURS;
        copy[0] &= !OURS;
        let result = real(how, &raw const copy, old);
        if result != 0 {
            return result;
        }
        let before = believed();
        let after = match how {
            SIG_BLOCK => before | asked,
            SIG_UNBLOCK => before & !asked,
            _ => asked,
        };
        if after != before && !believe(after) {
            // More threads than can be remembered: it becomes true at once.
            if let Some(image) = crate::image::current() {
                finish::fill(image);
                sys::rt_sigprocmask(sys::SIG_BLOCK, &raw const after as u64, 0, 8);
            }
        }
        if let Some(old) = old.as_mut() {
            old[0] |= before;
        }
        result
    }
}
