//! The background: one thread that puts in place what the run before touched, in its order, keeps what is in
//! place for the next run, and ends. All signals are blocked in it, so that the program's handlers never run
//! there.

use crate::image::Image;
use crate::report::note_number;
use crate::{image, install, journal, kept, sys};
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// With fewer chunks than this a thread costs more than the faults that it saves.
const WORTH_A_THREAD: usize = 4;
const STACK: u64 = 64 * 1024;

/// Between two looks at what was touched, and how many looks in vain end the thread.
const PAUSE_US: u64 = 1000;
const PATIENCE: u32 = 200;

/// The thread is to end, and whether there is one: its number, which the kernel clears when it has ended.
static STOP: AtomicBool = AtomicBool::new(false);
static THREAD: AtomicU32 = AtomicU32::new(0);

/// Ends the thread before its time: some system calls are refused to a process with more than one.
pub fn stop() {
    STOP.store(true, Ordering::Relaxed);
    while THREAD.load(Ordering::Acquire) != 0 {
        sys::sched_yield();
    }
}

static PREFETCH: AtomicBool = AtomicBool::new(false);

/// Starts the thread if there is something to do: an order to follow, or chunks to keep.
pub fn start(image: &'static Image, prefetch: bool) {
    if image.lazy_regions().next().is_none() {
        return;
    }
    let missing = journal::earlier(image)
        .map(|order| order.filter(|chunk| !image.is_installed(*chunk)).take(WORTH_A_THREAD).count());
    // Everything that the run before touched is in place: this run will hardly touch anything else.
    if missing == Some(0) || (!prefetch && !kept::is_open()) {
        return;
    }
    note_number(
        &[b"chunks that earlier runs touched: "],
        journal::earlier(image).map_or(0, Iterator::count) as u64,
    );
    PREFETCH.store(prefetch, Ordering::Relaxed);
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
        let result = spawn(stack + STACK);
        sys::rt_sigprocmask(sys::SIG_SETMASK, &raw const old as u64, 0, 8);
        if sys::failed(result) {
            sys::munmap(stack, STACK);
        }
    }
}

/// The thread's work.
extern "C" fn work() {
    let Some(image) = image::current() else { return };
    if PREFETCH.load(Ordering::Relaxed) {
        relocate_in_order(image);
    }
    if kept::is_open() {
        keep_what_is_touched(image);
    }
}

fn relocate_in_order(image: &'static Image) {
    for chunk in journal::earlier(image).into_iter().flatten() {
        if STOP.load(Ordering::Relaxed) {
            return;
        }
        if chunk < image.installed.len()
            && !image.is_installed(chunk)
            && let Some(pages) = install::chunk(image, chunk)
        {
            journal::prefetched(chunk, pages);
        }
    }
}

/// Keeps the chunks that are in place, until for a while no new ones come.
fn keep_what_is_touched(image: &'static Image) {
    let mut in_vain = 0;
    while in_vain < PATIENCE && !STOP.load(Ordering::Relaxed) {
        let mut found = false;
        for chunk in 0..image.installed.len() {
            if image.is_installed(chunk) && !kept::has(chunk) && !STOP.load(Ordering::Relaxed) {
                install::keep(image, chunk);
                found = true;
            }
        }
        in_vain = if found { 0 } else { in_vain + 1 };
        sys::sleep_us(PAUSE_US);
    }
}

/// Starts a thread of this process at `work`. It has no thread-local storage.
///
/// # Safety
///
/// `stack_top` is the end of a stack that nothing else uses, and all signals are blocked.
unsafe fn spawn(stack_top: u64) -> i64 {
    // CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID
    // | CLONE_CHILD_CLEARTID
    const FLAGS: u64 = 0x100 | 0x200 | 0x400 | 0x800 | 0x1_0000 | 0x4_0000 | 0x10_0000 | 0x20_0000;
    let result: i64;
    // SAFETY: in the new thread only the code between the jump and the exit runs, on the new stack.
    unsafe {
        core::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "call {body}",
            "mov eax, 60", // exit: of this thread only
            "xor edi, edi",
            "syscall",
            "ud2",
            "2:",
            body = sym work,
            inlateout("rax") 56i64 => result, // clone
            in("rdi") FLAGS, in("rsi") stack_top, in("rdx") THREAD.as_ptr(), in("r10") THREAD.as_ptr(), in("r8") 0,
            lateout("rcx") _, lateout("r11") _,
        );
    }
    result
}
