//! The background: one thread that puts in place what the run before touched, in its order, has everything kept, and
//! ends. All signals are blocked in it, so that the program's handlers never run there.

use crate::environment::Environment;
use crate::image::Image;
use crate::{finish, image, install, journal, kept, maps, report, sys, wishes};
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// With fewer chunks than this a thread costs more than the faults that it saves.
const WORTH_A_THREAD: usize = 4;
const STACK: u64 = 64 * 1024;

/// Between two looks at what was touched, and how many looks in vain end the thread.
const PAUSE_US: u64 = 1000;
const PATIENCE: u32 = 200;

/// Between two looks at what another process has kept, at the most, and how many looks without progress mean that it
/// does not go on.
const LONG_PAUSE_US: u64 = 20_000;
const STALLED: u32 = 50;

/// After each chunk that nobody waits for, so that the program has the machine for itself if it wants it: a thread of
/// low priority would do, but a process cannot end before all of its threads have had the processor once more.
const REST_US: u64 = 50;

/// The thread is to end, and its number, if there ever was one.
static STOP: AtomicBool = AtomicBool::new(false);
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Ends the thread before its time, and waits until the kernel does not count it any more: some system calls are refused
/// to a process with several threads, and some concern only the thread that makes them. In a forked child there is none.
pub fn stop() {
    STOP.store(true, Ordering::Relaxed);
    let number = NUMBER.load(Ordering::Relaxed);
    // SAFETY: signal 0 is none: it asks whether the thread is there.
    while number != 0 && !sys::failed(unsafe { sys::tgkill(sys::getpid(), number.into(), 0) }) {
        sys::sched_yield();
    }
}

fn is_to_stop() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// Chunks are put in place before they are touched, and all are kept.
static AHEAD: AtomicBool = AtomicBool::new(false);
static COMPLETELY: AtomicBool = AtomicBool::new(false);

/// Starts the thread if there is something to do: an order to follow, or chunks to keep.
pub fn start(image: &'static Image, environment: &Environment) {
    let missing = journal::earlier(image)
        .map(|order| order.filter(|chunk| !image.is_installed(*chunk)).take(WORTH_A_THREAD).count());
    let is_apart = image.plan.header.flags & shared::plan::flag::APART != 0;
    let completely = environment.prefetch && environment.background && kept::is_open() && !is_apart;
    // Everything that the run before touched is in place: this run will hardly touch anything else.
    if !completely && (missing == Some(0) || (!environment.prefetch && !kept::is_open())) {
        return;
    }
    if report::is_verbose() {
        let count = journal::earlier(image).map_or(0, Iterator::count);
        report::note_number(&[b"chunks that earlier runs touched: "], count as u64);
    }
    AHEAD.store(environment.prefetch, Ordering::Relaxed);
    COMPLETELY.store(completely, Ordering::Relaxed);
    if completely {
        maps::open();
    }
    if !kept::is_open() && missing.is_none_or(|count| count < WORTH_A_THREAD) {
        relocate_in_order(image);
        return;
    }
    let Some(stack) = sys::map_anonymous(STACK) else { return };
    let all = u64::MAX;
    let mut old = 0u64;
    // SAFETY: the masks are ours; the new thread runs on a stack of its own and never returns.
    unsafe {
        sys::rt_sigprocmask(sys::SIG_SETMASK, &raw const all as u64, &raw mut old as u64, 8);
        let result = spawn(stack);
        sys::rt_sigprocmask(sys::SIG_SETMASK, &raw const old as u64, 0, 8);
        if sys::failed(result) {
            sys::munmap(stack, STACK);
        }
    }
}

/// The thread's work.
extern "C" fn work() {
    let Some(image) = image::current() else { return };
    if AHEAD.load(Ordering::Relaxed) {
        relocate_in_order(image);
    }
    if COMPLETELY.load(Ordering::Relaxed) {
        complete(image);
    } else if kept::is_open() {
        keep_what_is_touched(image);
    }
}

fn relocate_in_order(image: &'static Image) {
    for chunk in journal::earlier(image).into_iter().flatten() {
        if is_to_stop() {
            return;
        }
        if chunk >= image.installed.len() || image.is_installed(chunk) {
            continue;
        }
        let began = journal::now();
        if let Some(pages) = install::chunk(image, chunk) {
            journal::prefetched(image, chunk, pages, began);
        }
    }
}

/// Keeps the chunks that are in place, until for a while no new ones come.
fn keep_what_is_touched(image: &'static Image) {
    let mut in_vain = 0;
    while in_vain < PATIENCE && !is_to_stop() {
        wishes::take_back();
        match keep_all(image, |chunk| image.is_installed(chunk), 0) {
            Some(0) => in_vain += 1,
            Some(_) => in_vain = 0,
            None => return,
        }
        sys::sleep_us(PAUSE_US);
    }
}

/// Has all chunks kept, by this process or by another one that is at it (another launch, or the linker), and then ends
/// laziness.
fn complete(image: &'static Image) {
    let (mut missing, mut stalled) = (usize::MAX, 0);
    while !is_to_stop() {
        wishes::take_back();
        if kept::has_all(image) {
            finish::finish(image, is_to_stop);
            return;
        }
        if stalled == STALLED || kept::lock() {
            // What was touched first: other launches will want the same.
            let is_kept = keep_all(image, |chunk| image.is_installed(chunk), 0).is_some()
                && keep_all(image, |_| true, REST_US).is_some();
            if !is_kept || !kept::has_all(image) {
                // No room, or no right to write: what is lazy stays so.
                return;
            }
            continue;
        }
        let now = image.lazy_chunks().filter(|chunk| kept::file_of(*chunk).is_none()).count();
        stalled = if now < missing { 0 } else { stalled + 1 };
        missing = now;
        sys::sleep_us((PAUSE_US << stalled.min(5)).min(LONG_PAUSE_US));
    }
}

/// Keeps the chunks that are wanted and not kept. Returns their number, or `None` if one cannot be.
fn keep_all(image: &'static Image, is_wanted: impl Fn(usize) -> bool, rest_us: u64) -> Option<usize> {
    let mut count = 0;
    for chunk in image.lazy_chunks() {
        if is_to_stop() {
            return None;
        }
        if !kept::has(chunk) && is_wanted(chunk) {
            if !install::keep(image, chunk) {
                return None;
            }
            count += 1;
            if rest_us != 0 {
                sys::sleep_us(rest_us);
            }
        }
    }
    Some(count)
}

/// Starts a thread of this process at `work`, which unmaps its stack when it ends. It has no thread-local storage.
///
/// # Safety
///
/// `stack` is the start of `STACK` bytes that nothing else uses, and all signals are blocked.
unsafe fn spawn(stack: u64) -> i64 {
    // CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID
    const FLAGS: u64 = 0x100 | 0x200 | 0x400 | 0x800 | 0x1_0000 | 0x4_0000 | 0x10_0000;
    let result: i64;
    // SAFETY: in the new thread only the code between the jump and the exit runs, on the new stack, and without a stack
    // from munmap on.
    unsafe {
        core::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "call {body}",
            "mov eax, 11", // munmap
            "mov rdi, r12",
            "mov esi, {size}",
            "syscall",
            "mov eax, 60", // exit: of this thread only
            "xor edi, edi",
            "syscall",
            "ud2",
            "2:",
            body = sym work,
            size = const STACK,
            inlateout("rax") 56i64 => result, // clone
            in("rdi") FLAGS, in("rsi") stack + STACK, in("rdx") NUMBER.as_ptr(), in("r10") 0,
            in("r8") 0, in("r12") stack,
            lateout("rcx") _, lateout("r11") _,
        );
    }
    result
}
