//! The functions of libc that the loader sees whether anything is lazy or not: by opening its own file of symbols the
//! program asks for its debug information ([`crate::symbols`]).

use crate::image::Image;
use crate::symbols;
use core::sync::atomic::{AtomicU64, Ordering};
use shared::plan::HOOKS;

core::arch::global_asm!(
    // `open` and `open64` are cancellation points, and take a third argument only sometimes: libc's function finds
    // registers and stack as the caller left them.
    ".globl unfold_open",
    ".hidden unfold_open",
    "unfold_open:",
    "endbr64",
    "mov $0, %r11d",
    "jmp 1f",
    ".globl unfold_open64",
    ".hidden unfold_open64",
    "unfold_open64:",
    "endbr64",
    "mov $1, %r11d",
    "1:",
    "push %rax",
    "push %rdi",
    "push %rsi",
    "push %rdx",
    "push %r11",
    "call {opening}",
    "pop %r11",
    "pop %rdx",
    "pop %rsi",
    "pop %rdi",
    "pop %rax",
    "lea {real}(%rip), %r10",
    "jmp *(%r10,%r11,8)",
    opening = sym symbols::opening,
    real = sym REAL,
    options(att_syntax)
);
unsafe extern "C" {
    fn unfold_open();
    fn unfold_open64();
}

/// What the table held: libc's own functions.
static REAL: [AtomicU64; HOOKS.len()] = [const { AtomicU64::new(0) }; HOOKS.len()];

/// Replaces the entries of the hook table, which hold the addresses of libc's own functions until then, so that a baked
/// image calls libc directly.
pub fn install(image: &Image) {
    let table = image.plan.header.hooks.0 as *mut u64;
    if table.is_null() {
        return;
    }
    let wrappers = [unfold_open as *const () as u64, unfold_open64 as *const () as u64];
    for (index, wrapper) in wrappers.iter().enumerate() {
        // SAFETY: the linker reserves the whole table in writable memory, which was just mapped.
        unsafe {
            let entry = table.add(index);
            let real = entry.read();
            if real != 0 {
                REAL[index].store(real, Ordering::Relaxed);
                entry.write(*wrapper);
            }
        }
    }
}
