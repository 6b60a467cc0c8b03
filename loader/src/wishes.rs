//! The program's own actions for SIGSEGV and SIGBUS, beside ours. The kernel's action is our handler as long as it is
//! needed. What the program asks for is noted, told when it asks, and done for those signals that are its own.

use crate::guards;
use crate::image::Image;
use crate::masks::{self, OURS};
use crate::{fault, finish, image, sys};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use shared::guards::Own;

/// What the program wants done with one of the two signals.
struct Wish {
    handler: AtomicU64,
    flags: AtomicU64,
    mask: AtomicU64,
}

impl Wish {
    fn get(&self) -> (u64, u64, u64) {
        let [handler, flags, mask] = [&self.handler, &self.flags, &self.mask];
        (handler.load(Ordering::SeqCst), flags.load(Ordering::SeqCst), mask.load(Ordering::SeqCst))
    }

    /// The handler last: it counts from then on.
    fn set(&self, handler: u64, flags: u64, mask: u64) {
        self.flags.store(flags, Ordering::SeqCst);
        self.mask.store(mask, Ordering::SeqCst);
        self.handler.store(handler, Ordering::SeqCst);
    }
}

static WISHES: [Wish; 2] =
    [const { Wish { handler: AtomicU64::new(0), flags: AtomicU64::new(0), mask: AtomicU64::new(0) } }; 2];

fn wish(signal: i32) -> Option<&'static Wish> {
    match u64::try_from(signal).ok()? {
        sys::SIGSEGV => Some(&WISHES[0]),
        sys::SIGBUS => Some(&WISHES[1]),
        _ => None,
    }
}

const SIG_DFL: u64 = 0;
const SIG_IGN: u64 = 1;
const SA_NODEFER: u64 = 0x4000_0000;
const SA_RESETHAND: u64 = 0x8000_0000;
const SA_RESTART: u64 = 0x1000_0000;

/// Takes a signal, and records what was its action as the program's wish.
pub fn take(signal: u64) {
    let old = fault::install_handler(signal, false);
    if let Some(wish) = wish(signal as i32).filter(|_| !fault::is_handler(old.handler)) {
        wish.set(old.handler, old.flags & !fault::SA_RESTORER, old.mask);
        follow(signal, old.flags);
    }
}

/// Our handler runs on the stack on which the program's would.
fn follow(signal: u64, flags: u64) {
    let is_there = image::current().is_some() && !RETIRED.load(Ordering::SeqCst);
    if is_there {
        fault::install_handler(signal, flags & fault::SA_ONSTACK != 0);
    }
}

/// Takes the signals again if somebody has asked the kernel for them behind our back, and serves that wish from then on.
pub fn take_back() {
    if RETIRED.load(Ordering::SeqCst) {
        return;
    }
    for signal in [sys::SIGSEGV, sys::SIGBUS] {
        let mut now = sys::KernelSigaction::default();
        // SAFETY: a struct of ours.
        unsafe { sys::rt_sigaction(signal, 0, &raw mut now as u64, 8) };
        if !fault::is_handler(now.handler) {
            take(signal);
        }
    }
}

/// Whether the program has one of the two signals ignored, which a program that it starts would inherit.
pub fn is_ignoring() -> bool {
    WISHES.iter().any(|wish| wish.handler.load(Ordering::SeqCst) == SIG_IGN)
}

/// The kernel is told of the program's wishes, and then has been told of all.
static RETIRED: AtomicBool = AtomicBool::new(false);
static GONE: AtomicBool = AtomicBool::new(false);

/// Whether the two signals are the program's like any other.
pub fn is_gone() -> bool {
    GONE.load(Ordering::SeqCst)
}

/// Gives the two signals back to the program. Nothing is lazy any more. Its threads may be calling us meanwhile: they note
/// their wish before they look whether they have to tell the kernel as well, and we look again after we have told it.
pub fn retire() {
    if RETIRED.swap(true, Ordering::SeqCst) {
        // What was wished then is not what the kernel has been told since.
        return;
    }
    for (wish, signal) in WISHES.iter().zip([sys::SIGSEGV, sys::SIGBUS]) {
        let set = |action: &sys::KernelSigaction| {
            let mut old = sys::KernelSigaction::default();
            // SAFETY: structs of ours, with what the program has asked for.
            unsafe {
                sys::rt_sigaction(signal, core::ptr::from_ref(action) as u64, &raw mut old as u64, 8);
            }
            old
        };
        let mut told = None;
        while told != Some(wish.get()) {
            let wanted = wish.get();
            let (handler, flags, mask) = wanted;
            let (flags, restorer) = match handler {
                SIG_DFL | SIG_IGN => (flags, 0),
                _ => (flags | fault::SA_RESTORER, fault::restorer()),
            };
            let old = set(&sys::KernelSigaction { handler, flags, restorer, mask });
            if told.is_none() && !fault::is_handler(old.handler) {
                // A library has asked the kernel itself.
                set(&old);
                break;
            }
            told = Some(wanted);
        }
    }
    GONE.store(true, Ordering::SeqCst);
}

/// Does what the program wants done with a signal that is not ours. Returns its handler, if it has one: it gets what the
/// kernel would have given to it, and may leave by longjmp as it may leave any handler.
///
/// Everything is put in place first, so that the kernel can do the rest: hold back what the handler wants held back,
/// end the process at a fault inside of it, and find all code in a core dump.
///
/// # Safety
///
/// Called from our handler with what the kernel passed to it.
pub unsafe fn forward(frame: &fault::Frame) -> u64 {
    let signal = frame.signal as i32;
    let Some(wish) = wish(signal) else { return 0 };
    let is_current = image::current().inspect(|image| finish::fill(image)).is_some();
    let (handler, flags, mask) = wish.get();
    let own = 1u64 << (signal - 1);
    // SAFETY: the kernel's siginfo_t and ucontext_t.
    let (sent, interrupted) = unsafe { (frame.info().code <= 0, frame.mask()) };
    let believed = masks::believed();
    if believed != 0 && is_current {
        // What the thread believes becomes true: when it goes on, it has them blocked.
        masks::believe(0);
        *interrupted |= believed;
        if sent && believed & own != 0 {
            // SAFETY: the kernel's siginfo_t, sent once more; it waits until it is unblocked, or is waited for.
            unsafe { send_again(frame.info()) };
            return 0;
        }
    }
    if handler == SIG_IGN && sent {
        return 0;
    }
    if handler == SIG_DFL || handler == SIG_IGN || (!sent && *interrupted & own != 0) {
        // The fault comes again with the default action, and leaves the core dump that it should. A signal
        // that somebody sent does not come again by itself.
        let default = sys::KernelSigaction::default();
        // SAFETY: a kernel_sigaction of ours; signals are blocked until the handler returns.
        unsafe {
            sys::rt_sigaction(signal as u64, &raw const default as u64, 0, 8);
            if sent {
                sys::tgkill(sys::getpid(), sys::gettid(), signal as u64);
            }
        }
        return 0;
    }
    let mut blocked = *interrupted | mask;
    if flags & SA_NODEFER == 0 {
        blocked |= own;
    }
    if flags & SA_RESETHAND != 0 {
        wish.handler.store(SIG_DFL, Ordering::SeqCst);
    }
    // SAFETY: a mask of ours; returning from the handler restores the interrupted code's.
    unsafe { sys::rt_sigprocmask(sys::SIG_SETMASK, &raw const blocked as u64, 0, 8) };
    handler
}

/// Sends a signal again to whom it was sent: to this thread, or to the process.
///
/// # Safety
///
/// `info` is what the kernel passed to a handler.
unsafe fn send_again(info: &fault::SigInfo) {
    const SI_TKILL: i32 = -6;
    let (process, signal, at) = (sys::getpid(), info.signal as u64, core::ptr::from_ref(info) as u64);
    // SAFETY: the kernel copies a siginfo_t of its own making.
    unsafe {
        match info.code {
            SI_TKILL => sys::rt_tgsigqueueinfo(process, sys::gettid(), signal, at),
            _ => sys::rt_sigqueueinfo(process, signal, at),
        };
    }
}

/// `struct sigaction` of glibc on x86-64.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct LibcSigaction {
    handler: u64,
    mask: [u64; 16],
    flags: i32,
    pad: i32,
    restorer: u64,
}

pub(crate) unsafe extern "C" fn sigaction(
    signal: i32,
    new: *const LibcSigaction,
    old: *mut LibcSigaction,
) -> i32 {
    type Real = unsafe extern "C" fn(i32, *const LibcSigaction, *mut LibcSigaction) -> i32;
    // SAFETY: libc's function has this type.
    let real: Real =
        unsafe { core::mem::transmute::<u64, _>(guards::real(guards::number_of(Own::Sigaction))) };
    leave_if_filled(signal);
    if let Some(wish) = wish(signal).filter(|_| !is_gone()) {
        let (handler, flags, mask) = wish.get();
        let mut set = [0; 16];
        set[0] = mask;
        let earlier = LibcSigaction { handler, mask: set, flags: flags as u32 as i32, pad: 0, restorer: 0 };
        // SAFETY: the program passes valid pointers or null, as for libc's function.
        unsafe {
            if let Some(new) = new.as_ref() {
                wish.set(new.handler, u64::from(new.flags as u32), new.mask[0]);
                follow(signal as u64, new.flags as u32 as u64);
                if RETIRED.load(Ordering::SeqCst) {
                    real(signal, new, core::ptr::null_mut());
                }
            }
            if !old.is_null() {
                old.write(earlier);
            }
        }
        return 0;
    }
    // SAFETY: as above.
    let is_hazard = unsafe {
        // A first touch would find its signal blocked in that handler, or need room for two frames on an alternate stack.
        new.as_ref().is_some_and(|new| {
            new.mask[0] & OURS != 0 || (new.flags as u64 & fault::SA_ONSTACK != 0 && !has_room())
        })
    };
    if let Some(image) = image::current().filter(|_| is_hazard) {
        finish::fill(image);
    }
    // SAFETY: the program's own arguments.
    unsafe { real(signal, new, old) }
}

/// The smallest alternate stack, and whether a handler of another signal than the two is to run there.
static SMALLEST_STACK: AtomicU64 = AtomicU64::new(u64::MAX);
static IS_USED: AtomicBool = AtomicBool::new(false);
const TWO_FRAMES: u64 = 16 << 10;

/// A handler is to run on alternate stacks. Returns whether there is room for a first touch.
fn has_room() -> bool {
    IS_USED.store(true, Ordering::SeqCst);
    SMALLEST_STACK.load(Ordering::SeqCst) >= TWO_FRAMES
}

/// A thread has an alternate stack of that size. Returns whether a handler that runs there may lack room for a first touch.
pub fn uses_stack(size: u64) -> bool {
    SMALLEST_STACK.fetch_min(size, Ordering::SeqCst);
    IS_USED.load(Ordering::SeqCst) && size < TWO_FRAMES
}

pub(crate) unsafe extern "C" fn signal(signal: i32, handler: u64) -> u64 {
    // SAFETY: libc's function has this type.
    let real: unsafe extern "C" fn(i32, u64) -> u64 =
        unsafe { core::mem::transmute::<u64, _>(guards::real(guards::number_of(Own::Signal))) };
    leave_if_filled(signal);
    if let Some(wish) = wish(signal).filter(|_| !is_gone()) {
        let (earlier, ..) = wish.get();
        wish.set(handler, SA_RESTART, 1 << (signal - 1));
        follow(signal as u64, 0);
        if RETIRED.load(Ordering::SeqCst) {
            // SAFETY: the program's own arguments.
            unsafe { real(signal, handler) };
        }
        return earlier;
    }
    // SAFETY: the program's own arguments.
    unsafe { real(signal, handler) }
}

/// The action of one of the two signals is left to the kernel from here on.
pub fn leave_to_kernel(image: &'static Image) {
    masks::settle(image);
    if THREADS.load(Ordering::SeqCst) {
        // One of them may have touched something just before it was put in place.
        const PAUSE_US: u64 = 10_000;
        sys::sleep_us(PAUSE_US);
    }
    retire();
}

/// The program may have several threads.
pub static THREADS: AtomicBool = AtomicBool::new(false);

/// Where nothing is lazy any more, what the program asks for the two signals is the kernel's to do.
fn leave_if_filled(signal: i32) {
    if wish(signal).is_some()
        && finish::is_filled()
        && let Some(image) = image::current().filter(|_| !is_gone())
    {
        leave_to_kernel(image);
    }
}
