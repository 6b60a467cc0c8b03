//! The hot path: from a signal to a chunk in place. It runs on the program's thread and stack.

use crate::image::{self, Image};
use crate::{install, journal, pager, sys, wishes};
use core::sync::atomic::{AtomicU64, Ordering};
use shared::plan::RegionRec;

const SA_SIGINFO: u64 = 4;
pub const SA_RESTORER: u64 = 0x0400_0000;
pub const SA_ONSTACK: u64 = 0x0800_0000;

core::arch::global_asm!(
    // What the kernel returns to from a handler. Unwinders recognise these very bytes.
    ".globl unfold_restorer",
    ".hidden unfold_restorer",
    ".type unfold_restorer, @function",
    "unfold_restorer:",
    "mov $15, %rax", // rt_sigreturn
    "syscall",
    // What the kernel calls. A fault that is the program's own goes on to the program's handler, on the stack
    // as the kernel made it: unwinders see that handler right above the signal frame.
    ".globl unfold_handler",
    ".hidden unfold_handler",
    ".type unfold_handler, @function",
    "unfold_handler:",
    "push %rdx",
    "push %rsi",
    "push %rdi",
    "mov %rsp, %rdi",
    "call {handler}",
    "pop %rdi",
    "pop %rsi",
    "pop %rdx",
    "test %rax, %rax",
    "jz 1f",
    "jmp *%rax",
    "1: ret",
    handler = sym handler,
    options(att_syntax)
);
unsafe extern "C" {
    fn unfold_restorer();
    fn unfold_handler();
}

/// Flags and restorer that every action needs that we install.
pub fn restorer() -> u64 {
    unfold_restorer as *const () as u64
}

/// Whether this is the address of our handler.
pub fn is_handler(address: u64) -> bool {
    address == unfold_handler as *const () as u64
}

/// Installs our handler for `signal`. Returns what was there. The frame of a first touch is on the stack where the
/// program wants its own faults served: an alternate stack may be meant for nothing else, or be gone.
pub fn install_handler(signal: u64, on_alternate_stack: bool) -> sys::KernelSigaction {
    let action = sys::KernelSigaction {
        handler: unfold_handler as *const () as u64,
        flags: SA_SIGINFO | SA_RESTORER | if on_alternate_stack { SA_ONSTACK } else { 0 },
        restorer: restorer(),
        mask: u64::MAX,
    };
    let mut old = sys::KernelSigaction::default();
    // SAFETY: both point to kernel_sigaction structs; the handler is below.
    unsafe { sys::rt_sigaction(signal, &raw const action as u64, &raw mut old as u64, 8) };
    old
}

/// `siginfo_t`, as far as faults fill it.
#[repr(C)]
pub struct SigInfo {
    pub signal: i32,
    pub errno: i32,
    pub code: i32,
    pad: i32,
    pub addr: u64,
}

/// What the kernel passes to a handler.
#[repr(C)]
pub struct Frame {
    pub signal: u64,
    info: u64,
    context: u64,
}

/// Offsets in `ucontext_t`: the error code, the trap and the address of a page fault among the registers of
/// `uc_mcontext`, and `uc_sigmask`.
const UC_ERROR: u64 = 40 + 19 * 8;
const UC_TRAP: u64 = 40 + 20 * 8;
const UC_ADDRESS: u64 = 40 + 22 * 8;
const PAGE_FAULT: u64 = 14;
const UC_SIGMASK: u64 = 296;
/// Bits of the page-fault error code.
const ERR_WRITE: u64 = 2;
const ERR_FETCH: u64 = 16;

impl Frame {
    /// # Safety
    ///
    /// The frame is the kernel's.
    pub unsafe fn info(&self) -> &'static SigInfo {
        // SAFETY: the caller's.
        unsafe { &*(self.info as *const SigInfo) }
    }

    /// The mask that the interrupted code goes on with.
    ///
    /// # Safety
    ///
    /// The frame is the kernel's.
    pub unsafe fn mask(&self) -> &'static mut u64 {
        // SAFETY: the caller's.
        unsafe { &mut *((self.context + UC_SIGMASK) as *mut u64) }
    }

    /// # Safety
    ///
    /// The frame is the kernel's, and `offset` that of a word of `ucontext_t`.
    unsafe fn word(&self, offset: u64) -> u64 {
        // SAFETY: the caller's.
        unsafe { ((self.context + offset) as *const u64).read() }
    }
}

/// Returns the handler of the program that has to run now, or 0.
unsafe extern "C" fn handler(frame: &mut Frame) -> u64 {
    // SAFETY: the kernel passes a valid siginfo_t and ucontext_t.
    let (info, error) = unsafe { (frame.info(), frame.word(UC_ERROR)) };
    // Codes of faults are positive, those of kill(2) and its kin are not. What a process sends to itself may have any code.
    // SAFETY: as above.
    let is_fault =
        info.code > 0 && unsafe { frame.word(UC_TRAP) == PAGE_FAULT && frame.word(UC_ADDRESS) == info.addr };
    if let Some(image) = image::current()
        && is_fault
        && let Some(region) = image.lazy_region(info.addr)
        && serve(image, region, info.addr, error)
    {
        return 0;
    }
    // SAFETY: as above.
    unsafe { wishes::forward(frame) }
}

/// Puts the touched chunk in place. Returns false if the program did what it may not do there.
fn serve(image: &'static Image, region: &RegionRec, addr: u64, error: u64) -> bool {
    let prot = u64::from(region.prot);
    if error & ERR_WRITE != 0 || (error & ERR_FETCH != 0 && prot & sys::PROT_EXEC == 0) {
        return false;
    }
    let chunk = image.chunk_number(addr);
    if image.is_installed(chunk) {
        // Another thread was faster, or the program gave the page back to the kernel, or it forbade itself
        // the access.
        let is_there = || is_readable(addr) && is_first(addr);
        return is_there()
            || (pager::is_ours(image) && !is_readable(addr) && install::again(image, chunk) && is_there());
    }
    let began = journal::now();
    let Some(pages) = install::chunk(image, chunk) else { return false };
    journal::touched(image, chunk, pages, addr, began);
    true
}

/// Whether this thread faults at `addr` for the first time in a row: a touch of what somebody else has just put in place
/// does not come again, and what the program has forbidden itself does.
fn is_first(addr: u64) -> bool {
    static LAST: [AtomicU64; 64] = [const { AtomicU64::new(0) }; 64];
    let thread = sys::gettid();
    let touch = addr ^ thread << 48;
    LAST[thread as usize % LAST.len()].swap(touch, Ordering::Relaxed) != touch
}

/// Whether the byte at `addr` can be read, asked without a fault.
fn is_readable(addr: u64) -> bool {
    let read = sys::copy_own(addr, &mut [0]);
    // Where the call is forbidden we cannot know; the fault comes back if it was real.
    read == 1 || read == -1 || read == -38
}
