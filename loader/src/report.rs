//! What the stub says: fixed text and numbers on stderr, with no formatting machinery.

use crate::sys;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

static VERBOSE: AtomicBool = AtomicBool::new(false);
static NAME: AtomicPtr<u8> = AtomicPtr::new(core::ptr::null_mut());
static NAME_LEN: AtomicUsize = AtomicUsize::new(0);
static STARTED: AtomicBool = AtomicBool::new(false);

/// Whether `note` writes: `UNFOLD_LOG`.
pub fn set_verbose(on: bool) {
    VERBOSE.store(on, Ordering::Relaxed);
}

pub fn is_verbose() -> bool {
    VERBOSE.load(Ordering::Relaxed)
}

/// The name that messages begin with.
pub fn set_name(name: &'static [u8]) {
    NAME_LEN.store(name.len(), Ordering::Relaxed);
    NAME.store(name.as_ptr().cast_mut(), Ordering::Relaxed);
}

/// From here on, a failure kills the program with a signal instead of status 127.
pub fn program_has_started() {
    STARTED.store(true, Ordering::Relaxed);
}

struct Line {
    bytes: [u8; 1024],
    len: usize,
}

impl Line {
    fn new() -> Self {
        let mut line = Self { bytes: [0; 1024], len: 0 };
        let name = NAME.load(Ordering::Relaxed);
        if name.is_null() {
            line.push(b"unfold: ");
        } else {
            // SAFETY: `set_name` stored a static slice.
            line.push(unsafe { core::slice::from_raw_parts(name, NAME_LEN.load(Ordering::Relaxed)) });
            line.push(b": unfold: ");
        }
        line
    }

    fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            // One byte is kept for the end of the line.
            if self.len < self.bytes.len() - 1 {
                self.bytes[self.len] = *byte;
                self.len += 1;
            }
        }
    }

    fn push_number(&mut self, mut value: u64, base: u64) {
        let mut digits = [0u8; 20];
        let mut at = digits.len();
        while at == digits.len() || value != 0 {
            at -= 1;
            digits[at] = b"0123456789abcdef"[(value % base) as usize];
            value /= base;
        }
        if base == 16 {
            self.push(b"0x");
        }
        self.push(&digits[at..]);
    }

    fn write(mut self) {
        self.bytes[self.len] = b'\n';
        // SAFETY: writes our own buffer.
        unsafe { sys::write(2, self.bytes.as_ptr() as u64, self.len as u64 + 1) };
    }
}

/// Says why there is no going on, and ends the process: with status 127 before the program has started.
#[cold]
pub fn die(parts: &[&[u8]]) -> ! {
    be_the_only_one();
    let mut line = Line::new();
    for part in parts {
        line.push(part);
    }
    line.write();
    end()
}

/// As `die`, with the error of a system call.
#[cold]
pub fn die_errno(parts: &[&[u8]], result: i64) -> ! {
    be_the_only_one();
    let mut line = Line::new();
    for part in parts {
        line.push(part);
    }
    line.push(b": errno ");
    line.push_number(result.unsigned_abs(), 10);
    line.write();
    end()
}

/// As `die`, with an address or another number.
#[cold]
pub fn stop(parts: &[&[u8]], value: u64) -> ! {
    be_the_only_one();
    let mut line = Line::new();
    for part in parts {
        line.push(part);
    }
    line.push_number(value, 16);
    line.write();
    end()
}

/// Threads may find the same damage at the same moment: one says so, the others wait for the end.
fn be_the_only_one() {
    static IS_SAID: AtomicBool = AtomicBool::new(false);
    while IS_SAID.swap(true, Ordering::Relaxed) {
        sys::sleep_us(1000);
    }
}

fn end() -> ! {
    if STARTED.load(Ordering::Relaxed) {
        let action = sys::KernelSigaction::default();
        // SAFETY: gives SIGABRT its default action and sends it: nothing of the program may run any more.
        unsafe {
            sys::rt_sigaction(sys::SIGABRT, &raw const action as u64, 0, 8);
            let none = 0u64;
            sys::tgkill(sys::getpid(), sys::gettid(), sys::SIGABRT);
            sys::rt_sigprocmask(sys::SIG_SETMASK, &raw const none as u64, 0, 8);
        }
    }
    sys::exit_group(127)
}

/// Says what is being done, with `UNFOLD_LOG=1`.
pub fn note(parts: &[&[u8]]) {
    if is_verbose() {
        let mut line = Line::new();
        for part in parts {
            line.push(part);
        }
        line.write();
    }
}

/// As `note`, with a number.
pub fn note_number(parts: &[&[u8]], value: u64) {
    if is_verbose() {
        let mut line = Line::new();
        for part in parts {
            line.push(part);
        }
        line.push_number(value, 10);
        line.write();
    }
}
