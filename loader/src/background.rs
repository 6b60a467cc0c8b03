//! The background relocation: one thread that puts in place what the run before touched, in its order, and
//! ends. All signals are blocked in it, so that the program's handlers never run there.

use crate::image::Image;
use crate::report::note_number;
use crate::{image, install, journal, sys};
use shared::log::LogEntry;

/// With fewer chunks than this a thread costs more than the faults that it saves.
const WORTH_A_THREAD: usize = 4;
const STACK: u64 = 64 * 1024;

/// Starts the thread if an earlier run left an order.
pub fn start(image: &'static Image) {
    let Some(order) = journal::earlier() else { return };
    if image.lazy_regions().next().is_none() {
        return;
    }
    note_number(&[b"chunks that the run before touched: "], order.len() as u64);
    if order.len() < WORTH_A_THREAD {
        relocate_in_order();
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

extern "C" fn relocate_in_order() {
    let (Some(image), Some(order)) = (image::current(), journal::earlier()) else { return };
    for entry in order {
        let chunk = (entry.chunk & !LogEntry::BACKGROUND) as usize;
        if chunk < image.installed.len()
            && !image.is_installed(chunk)
            && let Some(pages) = install::chunk(image, chunk)
        {
            journal::prefetched(chunk, pages);
        }
    }
}

/// Starts a thread of this process at `relocate_in_order`. It has no thread-local storage.
///
/// # Safety
///
/// `stack_top` is the end of a stack that nothing else uses, and all signals are blocked.
unsafe fn spawn(stack_top: u64) -> i64 {
    // CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM
    const FLAGS: u64 = 0x100 | 0x200 | 0x400 | 0x800 | 0x1_0000 | 0x4_0000;
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
            body = sym relocate_in_order,
            inlateout("rax") 56i64 => result, // clone
            in("rdi") FLAGS, in("rsi") stack_top, in("rdx") 0, in("r10") 0, in("r8") 0,
            lateout("rcx") _, lateout("r11") _,
        );
    }
    result
}
