//! Stage 1 of the stub: from the kernel to Rust, and on to the program.
#![no_std]
#![no_main]

use core::arch::{asm, global_asm};

// The kernel's stack pointer is kept in rbx: the program starts with the stack as the kernel made it.
// rdx is 0 when the program starts: no function for atexit (psABI 3.4.1).
global_asm!(
    ".globl _start",
    ".hidden _DYNAMIC",
    ".hidden __ehdr_start",
    ".type _start, @function",
    "_start:",
    "xor %ebp, %ebp",
    "mov %rsp, %rbx",
    "and $-16, %rsp",
    "lea __ehdr_start(%rip), %rdi",
    "lea _DYNAMIC(%rip), %rsi",
    "call {relocate}",
    "mov %rbx, %rdi",
    "call {run}",
    "mov %rbx, %rsp",
    "xor %edx, %edx",
    "xor %ebp, %ebp",
    "jmp *%rax",
    relocate = sym relocate,
    run = sym run,
    options(att_syntax)
);

unsafe extern "C" fn run(stack: *mut u64) -> u64 {
    // SAFETY: `_start` passes the stack pointer that the kernel started it with.
    unsafe { loader::run(stack) }
}

/// Applies the stub's own relative relocations. Nothing here may use an address that needs one.
unsafe extern "C" fn relocate(base: u64, mut dynamic: *const [u64; 2]) {
    const DT_RELA: u64 = 7;
    const DT_RELASZ: u64 = 8;
    let (mut table, mut size) = (0, 0);
    // SAFETY: the static linker ends `_DYNAMIC` with a DT_NULL entry, and DT_RELA and DT_RELASZ describe a
    // table of 24-byte entries that are all R_X86_64_RELATIVE in a static PIE without imports.
    unsafe {
        while (*dynamic)[0] != 0 {
            match (*dynamic)[0] {
                DT_RELA => table = (*dynamic)[1],
                DT_RELASZ => size = (*dynamic)[1],
                _ => {}
            }
            dynamic = dynamic.add(1);
        }
        let mut at = base + table;
        let end = at + size;
        while at < end {
            let entry = at as *const [u64; 3];
            *((base + (*entry)[0]) as *mut u64) = base + (*entry)[2];
            at += 24;
        }
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    let line = info.location().map_or(0, |location| u64::from(location.line()));
    let file = info.location().map_or("", |location| location.file());
    loader::report::stop(&[b"internal error in ", file.as_bytes(), b", line "], line)
}

// Rust calls these by name. `rep movsb` and `rep stosb` are what the processor is fastest at for the sizes
// that matter here, and they need no vector registers.

#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, len: usize) -> *mut u8 {
    // SAFETY: the caller guarantees both ranges, as for C's memcpy.
    unsafe {
        asm!("rep movsb", inout("rcx") len => _, inout("rdi") to => _, inout("rsi") from => _,
            options(nostack, preserves_flags));
    }
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, len: usize) -> *mut u8 {
    if (to as usize).wrapping_sub(from as usize) >= len {
        // SAFETY: the destination does not begin inside the source.
        return unsafe { memcpy(to, from, len) };
    }
    // SAFETY: copies backwards, from the last byte on; the direction flag is restored.
    unsafe {
        asm!("std", "rep movsb", "cld", inout("rcx") len => _,
            inout("rdi") to.wrapping_add(len).wrapping_sub(1) => _,
            inout("rsi") from.wrapping_add(len).wrapping_sub(1) => _, options(nostack));
    }
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, len: usize) -> *mut u8 {
    // SAFETY: the caller guarantees the range, as for C's memset.
    unsafe {
        asm!("rep stosb", inout("rcx") len => _, inout("rdi") to => _, in("al") byte as u8,
            options(nostack, preserves_flags));
    }
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, len: usize) -> i32 {
    for index in 0..len {
        // SAFETY: the caller guarantees both ranges, as for C's memcmp.
        let (a, b) = unsafe { (left.add(index).read_volatile(), right.add(index).read_volatile()) };
        if a != b {
            return i32::from(a) - i32::from(b);
        }
    }
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, len: usize) -> i32 {
    // SAFETY: same contract as memcmp.
    unsafe { memcmp(left, right, len) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(text: *const u8) -> usize {
    let mut len = 0;
    // SAFETY: the caller guarantees a zero byte, as for C's strlen. Volatile, or this would become a call of
    // itself.
    while unsafe { text.add(len).read_volatile() } != 0 {
        len += 1;
    }
    len
}

/// Named by the frames of `core`, which is compiled to unwind. Nothing unwinds here.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}
