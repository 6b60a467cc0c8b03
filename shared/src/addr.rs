//! Addresses and the units that they are counted in.

use core::fmt;
use core::ops::{Add, Sub};

/// Bytes in a page of memory.
pub const PAGE: u64 = 4096;

/// Bytes that are relocated at one first touch: sixteen pages cost about as much in system calls as one.
pub const CHUNK: u64 = 16 * PAGE;

/// An address in the image. The image is always at the address that the linker chose, so this is also
/// the address at run time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(transparent)]
pub struct ImageAddr(pub u64);

impl ImageAddr {
    /// The first address of the page that holds this one.
    pub const fn page_start(self) -> Self {
        Self(self.0 & !(PAGE - 1))
    }

    /// This address rounded up to a multiple of `align`, which is a power of two (0 counts as 1).
    pub const fn align_up(self, align: u64) -> Self {
        Self(align_up(self.0, align))
    }

    /// Bytes from `origin` to here; wraps when `origin` is the higher one.
    pub const fn offset_from(self, origin: Self) -> u64 {
        self.0.wrapping_sub(origin.0)
    }
}

/// `value` rounded up to a multiple of `align`, a power of two (0 counts as 1).
pub const fn align_up(value: u64, align: u64) -> u64 {
    let mask = align.saturating_sub(1);
    value.wrapping_add(mask) & !mask
}

impl Add<u64> for ImageAddr {
    type Output = Self;
    fn add(self, bytes: u64) -> Self {
        Self(self.0.wrapping_add(bytes))
    }
}

impl Sub<u64> for ImageAddr {
    type Output = Self;
    fn sub(self, bytes: u64) -> Self {
        Self(self.0.wrapping_sub(bytes))
    }
}

impl fmt::Debug for ImageAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}
