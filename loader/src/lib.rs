//! The stub that every executable of unfold carries: it maps the plan, reserves the image, hands over to the
//! dynamic linker or the program, and from then on serves first touches from inside a signal handler.
//!
//! Stages, and what each may do:
//!
//! 1. `main.rs`: `_start`, own relocation. No static with an address in it may be read yet.
//! 2. [`run`]: ordinary code without libc, on the initial stack. Errors end in [`report::die`]: one line,
//!    status 127.
//! 3. After [`handoff`]: only [`fault`] and [`background`] run. They allocate nothing that they do not map
//!    themselves, take no lock, touch neither thread-local storage nor lazy pages, and use little stack: the
//!    thread, its stack and its signal mask are the program's.
//!
//! None of the card's crates for this (`userfaultfd`, `nix`, `memmap2`) can be used here: they need a libc.
#![no_std]

pub mod background;
pub mod debugger;
pub mod descriptor;
pub mod environment;
pub mod fault;
pub mod finish;
pub mod guards;
pub mod handoff;
pub mod hooks;
pub mod image;
pub mod install;
pub mod journal;
pub mod kept;
pub mod maps;
pub mod masks;
pub mod measure;
pub mod open;
pub mod pager;
pub mod paging;
pub mod report;
pub mod reserve;
pub mod settled;
pub mod shelf;
pub mod symbols;
pub mod sys;
pub mod trust;
pub mod wishes;

use environment::Environment;
use report::{die, note};

/// Does everything up to the handover, and returns where to go on.
///
/// # Safety
///
/// `stack` is the stack pointer that the kernel started the process with, and nothing else runs.
pub unsafe fn run(stack: *mut u64) -> u64 {
    let started = sys::now_ns();
    // SAFETY: the caller passes the kernel's initial stack.
    let environment = unsafe { Environment::read(stack) };
    report::set_verbose(environment.log);
    if environment.secure {
        die(&[b"refused: set-user-ID and file capabilities need an ordinary executable (unfold bake)"]);
    }
    let opened = open::open(&environment);
    settled::execute(&environment);
    let image = reserve::reserve(opened, &environment);
    let is_lazy = paging::begin(image, &environment, started);
    let entry = handoff::prepare(image, &environment, is_lazy);
    journal::handed_over(image);
    sys::close(image.dir);
    if !is_lazy {
        image::withdraw();
        // SAFETY: the image is not used from here on, and nobody else has begun to.
        unsafe { open::unmap_plan() };
    }
    note(&[b"handing over"]);
    entry
}
