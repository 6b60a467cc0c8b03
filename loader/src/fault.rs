//! The hot path: from a signal to a chunk in place. It runs on the program's thread and stack.

use crate::image::{self, Image};
use crate::{hooks, install, journal, pager, sys};
use shared::plan::RegionRec;

const SA_SIGINFO: u64 = 4;
pub const SA_RESTORER: u64 = 0x0400_0000;
const SA_ONSTACK: u64 = 0x0800_0000;

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
    "push %rdi",
    "push %rsi",
    "push %rdx",
    "call {handler}",
    "pop %rdx",
    "pop %rsi",
    "pop %rdi",
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

/// Installs our handler for `signal` and remembers what was there.
pub fn install_handler(signal: u64) {
    let action = sys::KernelSigaction {
        handler: unfold_handler as *const () as u64,
        flags: SA_SIGINFO | SA_RESTORER | SA_ONSTACK,
        restorer: restorer(),
        mask: u64::MAX,
    };
    let mut old = sys::KernelSigaction::default();
    // SAFETY: both point to kernel_sigaction structs; the handler is below.
    unsafe { sys::rt_sigaction(signal, &raw const action as u64, &raw mut old as u64, 8) };
    hooks::remember(signal, old);
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

/// Offset of `uc_mcontext.gregs[REG_ERR]` in `ucontext_t`, and of `uc_sigmask`.
const REG_ERR: usize = 40 + 19 * 8;
const UC_SIGMASK: usize = 296;
/// Bits of the page-fault error code.
const ERR_WRITE: u64 = 2;
const ERR_FETCH: u64 = 16;

/// Returns the handler of the program that has to run now, or 0.
unsafe extern "C" fn handler(signal: i32, info: *mut SigInfo, context: *mut u8) -> u64 {
    // SAFETY: the kernel passes a valid siginfo_t and ucontext_t.
    let (code, addr, error) =
        unsafe { ((*info).code, (*info).addr, context.add(REG_ERR).cast::<u64>().read()) };
    // Codes of faults are positive, those of kill(2) and its kin are not.
    if let Some(image) = image::current()
        && code > 0
        && let Some(region) = image.lazy_region(addr)
        && serve(image, region, addr, error)
    {
        return 0;
    }
    // SAFETY: as above; the mask is that of the interrupted program.
    unsafe {
        let mask = context.add(UC_SIGMASK).cast::<u64>().read();
        hooks::forward(signal, info, mask)
    }
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
        return is_readable(addr)
            || (pager::is_ours(image) && install::again(image, chunk) && is_readable(addr));
    }
    let Some(pages) = install::chunk(image, chunk) else { return false };
    journal::touched(chunk, pages);
    true
}

/// Whether the byte at `addr` can be read, asked without a fault.
fn is_readable(addr: u64) -> bool {
    let mut byte = 0u8;
    let local = [&raw mut byte as u64, 1];
    let remote = [addr, 1];
    // SAFETY: copies one byte into `byte`.
    let read = unsafe {
        sys::process_vm_readv(sys::getpid(), local.as_ptr() as u64, 1, remote.as_ptr() as u64, 1, 0)
    };
    // Where the call is forbidden we cannot know; the fault comes back if it was real.
    read == 1 || read == -1 || read == -38
}
