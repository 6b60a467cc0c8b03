//! The two mechanisms that notice a first touch: userfaultfd and signals. Each is complete.
//!
//! *userfaultfd* in SIGBUS mode: the lazy regions are registered for missing pages, and have no access until
//! they are filled. A touch is a SIGSEGV in the touching thread, which fills the chunk with one `UFFDIO_COPY`
//! and then gives it its access. What the program drops later (MADV_DONTNEED) is a SIGBUS. A forked child, and
//! a program that has closed our descriptor, are served by the other mechanism: unfilled memory still has no
//! access there.
//!
//! *signal*: the lazy regions have no access. A touch is a SIGSEGV; the chunk is rendered elsewhere and mapped
//! into place from the file of kept chunks or one in memory, or else moved there with `mremap`, so that no
//! thread ever sees half of it.
//!
//! The few ioctls are here, with the kernel's own results (linux/userfaultfd.h).

use crate::environment::PagerChoice;
use crate::image::Image;
use crate::report::{die, die_errno};
use crate::{descriptor, masks, sys, wishes};
use core::sync::atomic::{AtomicI64, Ordering};
use shared::PAGE;
use shared::log::Pager;

const UFFD_USER_MODE_ONLY: u64 = 1;
const UFFD_API: u64 = 0xaa;
pub const UFFD_FEATURE_SIGBUS: u64 = 1 << 7;
const UFFDIO_API: u64 = 0xc018_aa3f;
const UFFDIO_REGISTER: u64 = 0xc020_aa00;
const UFFDIO_COPY: u64 = 0xc028_aa03;
const UFFDIO_REGISTER_MODE_MISSING: u64 = 1;

static UFFD: AtomicI64 = AtomicI64::new(-1);

/// A descriptor for userfaultfd in SIGBUS mode, or the kernel's error.
pub fn open_userfaultfd() -> Result<i64, i64> {
    let fd = sys::userfaultfd(sys::O_CLOEXEC | sys::O_NONBLOCK | UFFD_USER_MODE_ONLY);
    if sys::failed(fd) {
        return Err(fd);
    }
    if let Err(error) = ask_for(fd, UFFD_FEATURE_SIGBUS) {
        sys::close(fd);
        return Err(error);
    }
    descriptor::move_high(fd)
}

/// Begins to speak with a userfaultfd, in a mode that has these features. Returns those that the kernel has.
fn ask_for(fd: i64, features: u64) -> Result<u64, i64> {
    let mut api = [UFFD_API, features, 0];
    // SAFETY: `struct uffdio_api` is these three words.
    let result = unsafe { sys::ioctl(fd as u64, UFFDIO_API, api.as_mut_ptr() as u64) };
    if sys::failed(result) { Err(result) } else { Ok(api[1]) }
}

/// The features that the kernel has, or the call that it refused, and its error. `user_only`: see [`open_userfaultfd`].
pub fn features(user_only: bool) -> Result<u64, (&'static str, i64)> {
    let mode = if user_only { UFFD_USER_MODE_ONLY } else { 0 };
    let fd = sys::userfaultfd(sys::O_CLOEXEC | sys::O_NONBLOCK | mode);
    if sys::failed(fd) {
        return Err(("userfaultfd", fd));
    }
    let features = ask_for(fd, 0);
    sys::close(fd);
    features.map_err(|error| ("UFFDIO_API", error))
}

/// Registers `len` bytes at `addr` for missing pages.
pub fn register(uffd: i64, addr: u64, len: u64) -> i64 {
    let mut argument = [addr, len, UFFDIO_REGISTER_MODE_MISSING, 0];
    // SAFETY: `struct uffdio_register` is these four words.
    unsafe { sys::ioctl(uffd as u64, UFFDIO_REGISTER, argument.as_mut_ptr() as u64) }
}

/// Fills `len` missing bytes at `to`. Returns how many were filled, or the kernel's error.
pub fn copy(to: u64, from: *const u8, len: u64) -> Result<u64, i64> {
    copy_through(UFFD.load(Ordering::Relaxed), to, from, len)
}

/// The same through this userfaultfd.
pub fn copy_through(uffd: i64, to: u64, from: *const u8, len: u64) -> Result<u64, i64> {
    let mut argument = [to, from as u64, len, 0, 0];
    // SAFETY: `struct uffdio_copy` is these five words; the kernel reads `len` bytes at `from`.
    let result = unsafe { sys::ioctl(uffd as u64, UFFDIO_COPY, argument.as_mut_ptr() as u64) };
    let copied = argument[4] as i64;
    match () {
        () if !sys::failed(result) => Ok(len),
        () if copied > 0 => Ok(copied as u64),
        () => Err(result),
    }
}

/// Whether this process can fill memory through its userfaultfd: not a child of the one that has opened it.
pub fn is_ours(image: &Image) -> bool {
    image.own.uffd_is_ours.load(Ordering::Relaxed) != 0
}

/// Chooses the mechanism: what was asked for, or the first that the kernel allows.
pub fn choose(choice: PagerChoice) -> (Pager, i64) {
    match choice {
        PagerChoice::Eager => (Pager::Eager, -1),
        PagerChoice::Signal => (Pager::Signal, -1),
        PagerChoice::Uffd => match open_userfaultfd() {
            Ok(_) if !memory_may_become_executable() => {
                die(&[b"UNFOLD_PAGER=uffd: memory may not become executable here (try UNFOLD_PAGER=signal)"])
            }
            Ok(fd) => (Pager::Uffd, fd),
            Err(error) => die_errno(
                &[b"UNFOLD_PAGER=uffd: userfaultfd is not allowed, or has no descriptor \
                      (try UNFOLD_PAGER=signal)"],
                error,
            ),
        },
        PagerChoice::Auto => match open_userfaultfd() {
            Ok(fd) if memory_may_become_executable() => (Pager::Uffd, fd),
            Ok(fd) => {
                sys::close(fd);
                (Pager::Signal, -1)
            }
            Err(_) => (Pager::Signal, -1),
        },
    }
}

/// Whether memory without access can be made executable, as each first touch under userfaultfd does. PR_SET_MDWE forbids
/// it, and so do the filters of service managers (`MemoryDenyWriteExecute`); files can still be mapped.
pub fn memory_may_become_executable() -> bool {
    let flags = sys::MAP_PRIVATE | sys::MAP_ANONYMOUS;
    // SAFETY: a page of our own, at an address of the kernel's choice.
    unsafe {
        let page = sys::mmap(0, PAGE, sys::PROT_NONE, flags, u64::MAX, 0);
        if sys::failed(page) {
            return false;
        }
        let result = sys::mprotect(page as u64, PAGE, sys::PROT_READ | sys::PROT_EXEC);
        sys::munmap(page as u64, PAGE);
        !sys::failed(result)
    }
}

/// Prepares the lazy regions for the mechanism, before anything is in place there.
pub fn register_regions(image: &'static Image, uffd: i64) {
    for region in image.lazy_regions() {
        // It keeps no access until it is filled: should the registration be lost, by a fork or because the program
        // closes all descriptors, nobody reads zeroes.
        let result = register(uffd, region.start.0, region.len());
        if sys::failed(result) {
            die_errno(&[b"cannot register lazy memory (try UNFOLD_PAGER=signal)"], result);
        }
    }
    UFFD.store(uffd, Ordering::Relaxed);
    image.own.uffd_is_ours.store(1, Ordering::Relaxed);
}

/// Installs the handlers.
pub fn arm() {
    for signal in [sys::SIGSEGV, sys::SIGBUS] {
        wishes::take(signal);
    }
    masks::unblock();
}

/// Closes the userfaultfd, and so ends all registrations: nothing is missing any more.
pub fn disarm(image: &Image) {
    image.own.uffd_is_ours.store(0, Ordering::Relaxed);
    let uffd = UFFD.swap(-1, Ordering::Relaxed);
    if uffd >= 0 {
        sys::close(uffd);
    }
}
