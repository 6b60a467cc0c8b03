//#Modes: pie nopie static
//#Flags: -O
//#Stdout: deep: caught 42, 10 dropped
//#Stdout: in a thread: caught 42
//#Stdout: a backtrace has the functions: true
//#Stdout: a panic that is resumed is caught: true
// Panics pass through functions of which each is alone in its chunk, and backtraces are made there.
use std::backtrace::Backtrace;
use std::panic::{catch_unwind, panic_any, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

static DROPPED: AtomicUsize = AtomicUsize::new(0);

struct Guard;
impl Drop for Guard {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::Relaxed);
        far();
    }
}

/// What is on either side of this is in different chunks.
#[inline(always)]
fn far() {
    // SAFETY: it jumps over what it skips.
    unsafe { std::arch::asm!("jmp 2f", ".skip 65536, 0x90", "2:") };
}

#[inline(never)]
fn level<const DEPTH: usize>(left: usize, end: fn() -> u32) -> u32 {
    let _guard = Guard;
    far();
    let result = match left {
        0 => end(),
        _ => level::<DEPTH>(left - 1, end),
    };
    far();
    result + 1
}

#[inline(never)]
fn panicking() -> u32 {
    far();
    panic_any(42u32)
}

#[inline(never)]
fn tracing_function() -> u32 {
    far();
    let trace = Backtrace::force_capture().to_string();
    far();
    u32::from(trace.contains("tracing_function") && trace.contains("level"))
}

fn caught(result: std::thread::Result<u32>) -> u32 {
    match result {
        Ok(_) => 0,
        Err(payload) => *payload.downcast_ref::<u32>().unwrap_or(&1),
    }
}

fn main() {
    std::panic::set_hook(Box::new(|_| far()));
    let deep = caught(catch_unwind(|| level::<1>(9, panicking)));
    println!("deep: caught {deep}, {} dropped", DROPPED.load(Ordering::Relaxed));
    println!("in a thread: caught {}", caught(std::thread::spawn(|| level::<2>(5, panicking)).join()));
    println!("a backtrace has the functions: {}", level::<3>(2, tracing_function) == 4);
    let again = catch_unwind(|| match catch_unwind(|| level::<4>(2, panicking)) {
        Ok(value) => value,
        Err(payload) => resume_unwind(payload),
    });
    println!("a panic that is resumed is caught: {}", caught(again) == 42);
}
