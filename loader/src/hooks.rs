//! The program's own dispositions of SIGSEGV and SIGBUS, beside ours.
//!
//! The pager needs these two signals: their kernel action is our handler, and no mask may hold them back,
//! because a blocked fault kills the process. So the linker binds the image's calls of the functions below to
//! us. We keep the program's wishes for the two signals, hand it those faults that are its own, and pass
//! everything else on to libc, without the two in any mask.

use crate::image::Image;
use crate::{fault, sys};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Names that the linker binds to the hook table, in its order. The table holds the addresses of libc's own
/// functions until the loader replaces them, so that a baked image calls libc directly.
const WRAPPERS: [fn() -> u64; shared::plan::HOOKS.len()] = [
    || sigaction as *const () as u64,
    || signal as *const () as u64,
    || sigprocmask as *const () as u64,
    || pthread_sigmask as *const () as u64,
    || unshare as *const () as u64,
    || setns as *const () as u64,
    || open as *const () as u64,
    || open64 as *const () as u64,
];

static REAL: [AtomicU64; WRAPPERS.len()] = [const { AtomicU64::new(0) }; WRAPPERS.len()];

/// The first hooks are about signals; where nothing is lazy, the program's go to libc.
const ABOUT_SIGNALS: usize = 4;

/// Replaces the entries of the hook table.
pub fn install(image: &Image, signals: bool) {
    let table = image.plan.header.hooks.0 as *mut u64;
    if table.is_null() {
        return;
    }
    let first = if signals { 0 } else { ABOUT_SIGNALS };
    for (index, wrapper) in WRAPPERS.iter().enumerate().skip(first) {
        // SAFETY: the linker reserves the whole table in writable memory, which was just mapped.
        unsafe {
            let entry = table.add(index);
            let real = entry.read();
            if real != 0 {
                REAL[index].store(real, Ordering::Relaxed);
                entry.write(wrapper());
            }
        }
    }
}

/// Nothing is lazy any more: the kernel is told of the program's wishes, and then has been told of all.
static RETIRED: AtomicBool = AtomicBool::new(false);
static GONE: AtomicBool = AtomicBool::new(false);

/// Gives the two signals back to the program. Its threads may be calling us meanwhile: they note their wish before they
/// look whether they have to tell the kernel as well, and we look again after we have told it. The hook table stays as
/// it is: the dynamic linker has protected it.
pub fn retire() {
    RETIRED.store(true, Ordering::SeqCst);
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
}

static WISHES: [Wish; 2] =
    [const { Wish { handler: AtomicU64::new(0), flags: AtomicU64::new(0), mask: AtomicU64::new(0) } }; 2];

const OURS: u64 = 1 << (sys::SIGSEGV - 1) | 1 << (sys::SIGBUS - 1);

fn wish(signal: i32) -> Option<&'static Wish> {
    match u64::try_from(signal).ok()? {
        sys::SIGSEGV => Some(&WISHES[0]),
        sys::SIGBUS => Some(&WISHES[1]),
        _ => None,
    }
}

/// Records what was the action before the loader installed its own.
pub fn remember(signal: u64, old: sys::KernelSigaction) {
    if let Some(wish) = wish(signal as i32) {
        wish.handler.store(old.handler, Ordering::Relaxed);
        wish.flags.store(old.flags, Ordering::Relaxed);
        wish.mask.store(old.mask, Ordering::Relaxed);
    }
}

const SIG_DFL: u64 = 0;
const SIG_IGN: u64 = 1;
const SA_NODEFER: u64 = 0x4000_0000;
const SA_RESETHAND: u64 = 0x8000_0000;
const SA_RESTART: u64 = 0x1000_0000;

/// Does what the program wants done with a signal that is not ours. Returns its handler, if it has one: it gets
/// what the kernel would have given to it, and may leave by longjmp as it may leave any handler.
///
/// # Safety
///
/// Called from our handler with what the kernel passed to it; `mask` is the interrupted code's.
pub unsafe fn forward(signal: i32, info: *mut fault::SigInfo, mask: u64) -> u64 {
    let Some(wish) = wish(signal) else { return 0 };
    let handler = wish.handler.load(Ordering::Relaxed);
    let flags = wish.flags.load(Ordering::Relaxed);
    // SAFETY: the kernel's siginfo_t.
    let sent = unsafe { (*info).code } <= 0;
    if handler == SIG_IGN && sent {
        return 0;
    }
    if handler == SIG_DFL || handler == SIG_IGN {
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
    let mut blocked = mask | wish.mask.load(Ordering::Relaxed);
    if flags & SA_NODEFER == 0 {
        blocked |= 1 << (signal - 1);
    }
    if flags & SA_RESETHAND != 0 {
        wish.handler.store(SIG_DFL, Ordering::Relaxed);
    }
    blocked &= !withheld();
    // SAFETY: a mask of ours; returning from the handler restores the interrupted code's.
    unsafe { sys::rt_sigprocmask(sys::SIG_SETMASK, &raw const blocked as u64, 0, 8) };
    handler
}

fn is_gone() -> bool {
    GONE.load(Ordering::SeqCst)
}

/// The signals that no mask may hold back.
fn withheld() -> u64 {
    if RETIRED.load(Ordering::Relaxed) { 0 } else { OURS }
}

/// `struct sigaction` of glibc on x86-64.
#[derive(Clone, Copy)]
#[repr(C)]
struct LibcSigaction {
    handler: u64,
    mask: [u64; 16],
    flags: i32,
    pad: i32,
    restorer: u64,
}

unsafe extern "C" fn sigaction(signal: i32, new: *const LibcSigaction, old: *mut LibcSigaction) -> i32 {
    type Real = unsafe extern "C" fn(i32, *const LibcSigaction, *mut LibcSigaction) -> i32;
    // SAFETY: the table's entry was the address of libc's function.
    let real: Real = unsafe { core::mem::transmute::<u64, _>(REAL[0].load(Ordering::Relaxed)) };
    if let Some(wish) = wish(signal).filter(|_| !is_gone()) {
        // SAFETY: the program passes valid pointers or null, as for libc's function.
        unsafe {
            let earlier = LibcSigaction {
                handler: wish.handler.load(Ordering::Relaxed),
                mask: {
                    let mut mask = [0; 16];
                    mask[0] = wish.mask.load(Ordering::Relaxed);
                    mask
                },
                flags: wish.flags.load(Ordering::Relaxed) as u32 as i32,
                pad: 0,
                restorer: 0,
            };
            if let Some(new) = new.as_ref() {
                wish.flags.store(u64::from(new.flags as u32), Ordering::Relaxed);
                wish.mask.store(new.mask[0], Ordering::Relaxed);
                wish.handler.store(new.handler, Ordering::SeqCst);
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
    // SAFETY: the arguments are the program's, or a copy.
    unsafe {
        match new.as_ref() {
            Some(new) => {
                let mut copy = *new;
                copy.mask[0] &= !withheld();
                real(signal, &raw const copy, old)
            }
            None => real(signal, new, old),
        }
    }
}

unsafe extern "C" fn signal(signal: i32, handler: u64) -> u64 {
    // SAFETY: as in `sigaction`.
    let real: unsafe extern "C" fn(i32, u64) -> u64 =
        unsafe { core::mem::transmute::<u64, _>(REAL[1].load(Ordering::Relaxed)) };
    if let Some(wish) = wish(signal).filter(|_| !is_gone()) {
        wish.flags.store(SA_RESTART, Ordering::Relaxed);
        wish.mask.store(0, Ordering::Relaxed);
        let earlier = wish.handler.swap(handler, Ordering::SeqCst);
        if RETIRED.load(Ordering::SeqCst) {
            // SAFETY: the program's own arguments.
            unsafe { real(signal, handler) };
        }
        return earlier;
    }
    // SAFETY: the program's own arguments.
    unsafe { real(signal, handler) }
}

unsafe extern "C" fn sigprocmask(how: i32, set: *const [u64; 16], old: *mut [u64; 16]) -> i32 {
    // SAFETY: the program's own arguments.
    unsafe { change_mask(2, how, set, old) }
}

unsafe extern "C" fn pthread_sigmask(how: i32, set: *const [u64; 16], old: *mut [u64; 16]) -> i32 {
    // SAFETY: the program's own arguments.
    unsafe { change_mask(3, how, set, old) }
}

/// The kernel refuses new namespaces to a process with several threads, so ours ends first.
unsafe extern "C" fn unshare(flags: i32) -> i32 {
    crate::background::stop();
    // SAFETY: as in `sigaction`.
    let real: unsafe extern "C" fn(i32) -> i32 =
        unsafe { core::mem::transmute::<u64, _>(REAL[4].load(Ordering::Relaxed)) };
    // SAFETY: the program's own argument.
    until_alone(|| unsafe { real(flags) })
}

unsafe extern "C" fn setns(fd: i32, kind: i32) -> i32 {
    crate::background::stop();
    // SAFETY: as in `sigaction`.
    let real: unsafe extern "C" fn(i32, i32) -> i32 =
        unsafe { core::mem::transmute::<u64, _>(REAL[5].load(Ordering::Relaxed)) };
    // SAFETY: the program's own arguments.
    until_alone(|| unsafe { real(fd, kind) })
}

/// `open` takes a third argument only sometimes; handing on one that is not there does no harm on x86-64.
unsafe extern "C" fn open(path: *const u8, flags: i32, mode: u32) -> i32 {
    // SAFETY: the program's own arguments.
    unsafe { open_through(6, path, flags, mode) }
}

unsafe extern "C" fn open64(path: *const u8, flags: i32, mode: u32) -> i32 {
    // SAFETY: the program's own arguments.
    unsafe { open_through(7, path, flags, mode) }
}

unsafe fn open_through(hook: usize, path: *const u8, flags: i32, mode: u32) -> i32 {
    // SAFETY: the program's own arguments; `real` as in `sigaction`. It is variadic, and its arguments are
    // passed as those of any other function (psABI 3.5.7: al is the number of vector registers, at most).
    unsafe {
        crate::symbols::opening(path);
        let real: unsafe extern "C" fn(*const u8, i32, ...) -> i32 =
            core::mem::transmute::<u64, _>(REAL[hook].load(Ordering::Relaxed));
        real(path, flags, mode)
    }
}

/// Repeats a call that fails while our thread, which has cleared its number, has not quite left.
fn until_alone(call: impl Fn() -> i32) -> i32 {
    const ATTEMPTS: usize = 100;
    for _ in 0..ATTEMPTS {
        if call() == 0 {
            return 0;
        }
        sys::sched_yield();
    }
    call()
}

unsafe fn change_mask(hook: usize, how: i32, set: *const [u64; 16], old: *mut [u64; 16]) -> i32 {
    type Real = unsafe extern "C" fn(i32, *const [u64; 16], *mut [u64; 16]) -> i32;
    // SAFETY: as in `sigaction`. libc reads 128 bytes of a set at the most, and the kernel the first 8.
    unsafe {
        let real: Real = core::mem::transmute::<u64, _>(REAL[hook].load(Ordering::Relaxed));
        let asked = set.as_ref().copied();
        let result = match asked {
            Some(mut copy) => {
                copy[0] &= !withheld();
                real(how, &raw const copy, old)
            }
            None => real(how, set, old),
        };
        if result == 0 {
            let before = blocked_by_wish(how, asked.map(|set| set[0] & OURS));
            if let Some(old) = old.as_mut() {
                old[0] |= before;
            }
        }
        result
    }
}

/// Which of our signals each thread believes to have blocked: thread in the upper half, signals in the lower.
/// Threads share an entry now and then; then the later one's word counts, which only shows when a program
/// reads its mask back.
static BELIEFS: [AtomicU64; 256] = [const { AtomicU64::new(0) }; 256];

/// Notes what the thread wants blocked, and returns what it wanted before. SIGSEGV and SIGBUS are below 32.
fn blocked_by_wish(how: i32, set: Option<u64>) -> u64 {
    const SIG_BLOCK: i32 = 0;
    const SIG_UNBLOCK: i32 = 1;
    let thread = sys::gettid();
    let place = &BELIEFS[thread as usize % BELIEFS.len()];
    let stored = place.load(Ordering::Relaxed);
    let before = if stored >> 32 == thread { stored & 0xffff_ffff } else { 0 };
    if let Some(set) = set {
        let after = match how {
            SIG_BLOCK => before | set,
            SIG_UNBLOCK => before & !set,
            _ => set,
        };
        place.store(thread << 32 | after, Ordering::Relaxed);
    }
    before
}
