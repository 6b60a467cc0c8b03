//! What this machine allows, and what its mechanisms cost: for `unfold doctor`, which has no system calls of its own. Asked are
//! the same few calls and ioctls that the pager makes, so that the answer is about them and not about others like them.
//!
//! Nothing of the stub calls this, so its linker leaves it out. Whoever calls it lends the two fault signals for that time: it
//! is for a process of its own with one thread, which may also be killed by a filter of system calls.

use crate::environment::PagerChoice;
use crate::fault::{self, SigInfo};
use crate::{pager, sys};
use core::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use shared::PAGE;
use shared::log::Pager;

/// A way to bring memory into being when it is first touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Mechanism {
    /// userfaultfd as the pager uses it: a signal, `UFFDIO_COPY`, then access.
    Uffd = 0,
    /// A signal; access is given, the bytes are written, and writing is forbidden again.
    Protect = 1,
    /// A signal; new memory is filled and moved into place.
    Move = 2,
    /// A signal; the bytes are written to a file in memory, which is mapped into place.
    File = 3,
    /// Pages of a file that is mapped and in memory: kept chunks. All of them are touched.
    Mapped = 4,
    /// Zeroes of the kernel. All of them are touched.
    Zeroes = 5,
}

impl Mechanism {
    pub const ALL: [Self; 6] =
        [Self::Uffd, Self::Protect, Self::Move, Self::File, Self::Mapped, Self::Zeroes];

    pub fn name(self) -> &'static str {
        match self {
            Self::Uffd => "uffd",
            Self::Protect => "protect",
            Self::Move => "move",
            Self::File => "file",
            Self::Mapped => "mapped",
            Self::Zeroes => "zeroes",
        }
    }
}

/// A call that the kernel refused, and its error: `errno`, negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    pub call: &'static str,
    pub error: i64,
}

fn checked(call: &'static str, result: i64) -> Result<u64, Refused> {
    if sys::failed(result) { Err(Refused { call, error: result }) } else { Ok(result as u64) }
}

/// The most pages that a touch brings.
pub const MOST: u64 = 16;

/// What the handler is to do: the mechanism, the memory, bytes of a unit, where the bytes come from, and descriptors.
static MECHANISM: AtomicU64 = AtomicU64::new(0);
static START: AtomicU64 = AtomicU64::new(0);
static END: AtomicU64 = AtomicU64::new(0);
static UNIT: AtomicU64 = AtomicU64::new(0);
static SOURCE: AtomicU64 = AtomicU64::new(0);
static FILE: AtomicI64 = AtomicI64::new(-1);
static ERROR: AtomicI64 = AtomicI64::new(0);

const RX: u64 = sys::PROT_READ | sys::PROT_EXEC;
const RW: u64 = sys::PROT_READ | sys::PROT_WRITE;

/// Touches `touches` units of `pages` pages for the first time. Returns the nanoseconds that one took, on average.
pub fn first_touches(mechanism: Mechanism, pages: u64, touches: u64) -> Result<u64, Refused> {
    let pages = pages.clamp(1, MOST);
    let touches = touches.clamp(1, 1 << 12);
    let (unit, len) = (pages * PAGE, pages * PAGE * touches);
    let is_served = !matches!(mechanism, Mechanism::Mapped | Mechanism::Zeroes);
    let mut memory = Memory::new(mechanism, len)?;
    SOURCE.store(memory.source, Ordering::Relaxed);
    UNIT.store(unit, Ordering::Relaxed);
    FILE.store(memory.file, Ordering::Relaxed);
    MECHANISM.store(mechanism as u64, Ordering::Relaxed);
    START.store(memory.start, Ordering::Relaxed);
    END.store(memory.start + len, Ordering::Relaxed);
    ERROR.store(0, Ordering::Relaxed);
    let handlers = is_served.then(Handlers::install);
    let step = if is_served { unit } else { PAGE };
    let began = sys::now_ns();
    let mut at = memory.start;
    while at < memory.start + len && ERROR.load(Ordering::Relaxed) == 0 {
        match mechanism {
            // SAFETY: new memory of ours, which may be written.
            Mechanism::Zeroes => unsafe { (at as *mut u8).write_volatile(1) },
            // SAFETY: memory of ours, which the handler or the kernel brings.
            _ => unsafe {
                (at as *const u8).read_volatile();
            },
        }
        at += step;
    }
    let took = sys::now_ns() - began;
    drop(handlers);
    START.store(0, Ordering::Relaxed);
    END.store(0, Ordering::Relaxed);
    memory.close();
    let failed = ERROR.load(Ordering::Relaxed);
    if failed != 0 {
        return Err(Refused { call: "filling memory", error: failed });
    }
    Ok(took / touches)
}

/// Memory to be touched.
struct Memory {
    start: u64,
    len: u64,
    source: u64,
    file: i64,
}

impl Memory {
    fn new(mechanism: Mechanism, len: u64) -> Result<Self, Refused> {
        const MADV_NOHUGEPAGE: u64 = 15;
        let most = MOST * PAGE;
        let source = checked("mmap", sys::map_anonymous(most).map_or(-12, |addr| addr as i64))?;
        let mut memory = Self { start: 0, len, source, file: -1 };
        let anonymous = sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_NORESERVE;
        // SAFETY: `source` is `most` bytes of ours; the rest are new mappings at addresses of the kernel's choice.
        let start = unsafe {
            core::slice::from_raw_parts_mut(source as *mut u8, most as usize).fill(0xcc);
            if matches!(mechanism, Mechanism::File | Mechanism::Mapped) {
                memory.file = sys::memfd_create(c"unfold");
                memory.check("memfd_create", memory.file)?;
                memory.check("ftruncate", sys::ftruncate(memory.file as u64, len))?;
            }
            if mechanism == Mechanism::Mapped {
                let mut at = 0;
                while at < len {
                    memory
                        .check("pwrite", sys::pwrite(memory.file as u64, source, most.min(len - at), at))?;
                    at += most;
                }
                sys::mmap(0, len, RX, sys::MAP_PRIVATE, memory.file as u64, 0)
            } else {
                let prot = if mechanism == Mechanism::Zeroes { RW } else { sys::PROT_NONE };
                sys::mmap(0, len, prot, anonymous, u64::MAX, 0)
            }
        };
        memory.start = memory.check("mmap", start)?;
        if mechanism == Mechanism::Zeroes {
            // SAFETY: advice about memory of ours.
            unsafe { sys::madvise(memory.start, len, MADV_NOHUGEPAGE) };
        }
        if mechanism == Mechanism::Uffd {
            memory.file = pager::open_userfaultfd()
                .map_err(|error| memory.refused(Refused { call: "userfaultfd", error }))?;
            memory.check("UFFDIO_REGISTER", pager::register(memory.file, memory.start, len))?;
        }
        Ok(memory)
    }

    fn check(&mut self, call: &'static str, result: i64) -> Result<u64, Refused> {
        checked(call, result).map_err(|refused| self.refused(refused))
    }

    fn refused(&mut self, refused: Refused) -> Refused {
        self.close();
        refused
    }

    fn close(&mut self) {
        // SAFETY: mappings of ours, which nobody uses any more.
        unsafe {
            if self.start != 0 {
                sys::munmap(self.start, self.len);
            }
            sys::munmap(self.source, MOST * PAGE);
        }
        if self.file >= 0 {
            sys::close(self.file);
        }
    }
}

/// Our handlers, until they are dropped.
struct Handlers([sys::KernelSigaction; 2]);

const SIGNALS: [u64; 2] = [sys::SIGSEGV, sys::SIGBUS];

impl Handlers {
    fn install() -> Self {
        const SA_SIGINFO: u64 = 4;
        let action = sys::KernelSigaction {
            handler: on_fault as *const () as u64,
            flags: SA_SIGINFO | fault::SA_RESTORER,
            restorer: fault::restorer(),
            mask: 0,
        };
        let mut old = [sys::KernelSigaction::default(); 2];
        for (signal, old) in SIGNALS.iter().zip(&mut old) {
            // SAFETY: structs of ours; the handler is below.
            unsafe { sys::rt_sigaction(*signal, &raw const action as u64, &raw mut *old as u64, 8) };
        }
        Self(old)
    }
}

impl Drop for Handlers {
    fn drop(&mut self) {
        for (signal, old) in SIGNALS.iter().zip(&self.0) {
            // SAFETY: what was there before.
            unsafe { sys::rt_sigaction(*signal, &raw const *old as u64, 0, 8) };
        }
    }
}

unsafe extern "C" fn on_fault(signal: i32, info: *const SigInfo) {
    // SAFETY: the kernel passes a valid siginfo_t.
    let addr = unsafe { (*info).addr };
    let (start, end) = (START.load(Ordering::Relaxed), END.load(Ordering::Relaxed));
    if !(start..end).contains(&addr) {
        let default = sys::KernelSigaction::default();
        // SAFETY: the fault comes again, and ends the process as it should.
        unsafe { sys::rt_sigaction(signal as u64, &raw const default as u64, 0, 8) };
        return;
    }
    let unit = UNIT.load(Ordering::Relaxed);
    let at = start + (addr - start) / unit * unit;
    let result = fill(at, unit, at - start);
    if sys::failed(result) {
        ERROR.store(result, Ordering::Relaxed);
        // Something has to be there, or the touch comes again for ever.
        let flags = sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_FIXED;
        // SAFETY: over memory of ours.
        if sys::failed(unsafe { sys::mmap(at, unit, RW, flags, u64::MAX, 0) }) {
            sys::exit_group(1);
        }
    }
}

/// Fills a unit in the way that is measured. Returns the kernel's error.
fn fill(at: u64, unit: u64, offset: u64) -> i64 {
    const MREMAP_MAYMOVE_FIXED: u64 = 3;
    let (source, file) = (SOURCE.load(Ordering::Relaxed), FILE.load(Ordering::Relaxed));
    // SAFETY: `source` has as many bytes as the largest unit, and `at` is a unit of memory of ours.
    let copy = |to: u64| unsafe {
        core::ptr::copy_nonoverlapping(source as *const u8, to as *mut u8, unit as usize);
    };
    let mechanism = MECHANISM.load(Ordering::Relaxed);
    // SAFETY: all calls are about that unit, or about new memory.
    unsafe {
        if mechanism == Mechanism::Uffd as u64 {
            return match pager::copy_through(file, at, source as *const u8, unit) {
                Ok(_) => sys::mprotect(at, unit, RX),
                Err(error) => error,
            };
        }
        if mechanism == Mechanism::Protect as u64 {
            let result = sys::mprotect(at, unit, RW);
            if sys::failed(result) {
                return result;
            }
            copy(at);
            return sys::mprotect(at, unit, RX);
        }
        if mechanism == Mechanism::Move as u64 {
            let Some(memory) = sys::map_anonymous(unit) else { return -12 };
            copy(memory);
            let result = sys::mprotect(memory, unit, RX);
            if sys::failed(result) {
                sys::munmap(memory, unit);
                return result;
            }
            return sys::mremap(memory, unit, unit, MREMAP_MAYMOVE_FIXED, at);
        }
        let written = sys::pwrite(file as u64, source, unit, offset);
        if sys::failed(written) {
            return written;
        }
        sys::mmap(at, unit, RX, sys::MAP_PRIVATE | sys::MAP_FIXED, file as u64, offset)
    }
}

/// The pager that `auto` takes.
pub fn chosen_pager() -> Pager {
    let (chosen, uffd) = pager::choose(PagerChoice::Auto);
    if uffd >= 0 {
        sys::close(uffd);
    }
    chosen
}

/// What userfaultfd can do, as `UFFDIO_API` says. `user_only`: it only has to serve faults of programs, which needs no
/// privilege.
pub fn userfaultfd_features(user_only: bool) -> Result<u64, Refused> {
    pager::features(user_only).map_err(|(call, error)| Refused { call, error })
}

/// Whether `features` have first touches become signals in the touching thread.
pub fn has_sigbus(features: u64) -> bool {
    features & pager::UFFD_FEATURE_SIGBUS != 0
}

/// Whether memory may become executable after it was mapped.
pub fn memory_may_become_executable() -> bool {
    pager::memory_may_become_executable()
}

/// Whether files in memory can be made.
pub fn memory_file() -> Result<(), Refused> {
    checked("memfd_create", sys::memfd_create(c"unfold")).map(|file| sys::close(file as i64))
}

/// Asks for a lease of an open file, which nobody else has open (fcntl(2), F_SETLEASE), and gives it back.
pub fn lease(file: i32) -> Result<(), Refused> {
    const F_SETLEASE: u64 = 1024;
    const F_RDLCK: u64 = 0;
    const F_UNLCK: u64 = 2;
    // SAFETY: numbers alone.
    unsafe {
        let taken = checked("fcntl(F_SETLEASE)", sys::fcntl(file as u64, F_SETLEASE, F_RDLCK));
        sys::fcntl(file as u64, F_SETLEASE, F_UNLCK);
        taken.map(|_| ())
    }
}

/// Has a file share the blocks of another one (ioctl_ficlone(2)).
pub fn share_blocks(to: i32, from: i32) -> Result<(), Refused> {
    const FICLONE: u64 = 0x4004_9409;
    // SAFETY: descriptors alone.
    checked("ioctl(FICLONE)", unsafe { sys::ioctl(to as u64, FICLONE, from as u64) }).map(|_| ())
}
