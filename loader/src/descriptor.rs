//! Descriptors that stay open while the program runs. It shares its table of descriptors with us: nothing of ours may
//! have one of the low numbers, which it expects to get from its next `open`, not even for a moment. So everything is opened
//! before it starts.

use crate::sys;
use core::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// A file of ours, and what shows that its number still means it: the program may close all descriptors, and open others.
pub struct File {
    number: AtomicI64,
    inode: AtomicU64,
}

impl File {
    pub const fn closed() -> Self {
        Self { number: AtomicI64::new(-1), inode: AtomicU64::new(0) }
    }

    pub fn set(&self, number: i64, inode: u64) {
        self.inode.store(inode, Ordering::Relaxed);
        self.number.store(number, Ordering::Relaxed);
    }

    pub fn number(&self) -> Option<i64> {
        Some(self.number.load(Ordering::Relaxed)).filter(|number| *number >= 0)
    }

    pub fn has_inode(&self, inode: u64) -> bool {
        self.number().is_some() && self.inode.load(Ordering::Relaxed) == inode
    }

    pub fn is(&self, number: i64) -> bool {
        self.number() == Some(number) && sys::fstat(number).is_some_and(|stat| self.has_inode(stat.inode))
    }

    /// Moves it out of the program's way. Without a place for it, it is closed.
    pub fn stay(&self) {
        if let Some(number) = self.number() {
            self.number.store(move_high(number).unwrap_or(-1), Ordering::Relaxed);
        }
    }

    pub fn close(&self) {
        if let Some(number) = self.number()
            && self.is(number)
        {
            self.number.store(-1, Ordering::Relaxed);
            sys::close(number);
        }
    }
}

/// Moves a descriptor out of the way: beyond the numbers that the program may have and that it looks through, if the
/// limit can be raised for a moment and the kernel's table does not grow large by that; else among the high ones. Where
/// there are none (`ulimit -n`), the program needs the low ones itself: it is closed, and the result is the kernel's
/// error.
pub fn move_high(fd: i64) -> Result<i64, i64> {
    const F_DUPFD_CLOEXEC: u64 = 1030;
    const RLIMIT_NOFILE: u64 = 7;
    const ROOM: u64 = 16;
    let limit = |new: *const [u64; 2], old: *mut [u64; 2]| {
        // SAFETY: `struct rlimit64` is two words, the soft and the hard limit; either pointer may be null.
        unsafe { sys::prlimit64(0, RLIMIT_NOFILE, new as u64, old as u64) }
    };
    let mut limits = [0u64; 2];
    let known = !sys::failed(limit(core::ptr::null(), &mut limits));
    let [soft, hard] = limits;
    let wider = [soft + ROOM, hard.max(soft + ROOM)];
    let raised = known && soft <= 32 << 10 && !sys::failed(limit(&wider, core::ptr::null_mut()));
    // SAFETY: duplicates a descriptor of ours.
    let high = unsafe { sys::fcntl(fd as u64, F_DUPFD_CLOEXEC, if raised { soft } else { 900 }) };
    if raised {
        limit(&limits, core::ptr::null_mut());
    }
    sys::close(fd);
    if sys::failed(high) { Err(high) } else { Ok(high) }
}
