//! Bytes seen as records, and records seen as bytes: the only unsafe code of this crate.
#![allow(unsafe_code)]

use core::mem::{align_of, size_of};

/// A record that may be read from any bytes of its size and written as bytes.
///
/// # Safety
///
/// The type is `repr(C)` or a primitive integer, has no padding, and every bit pattern is a value of it.
pub unsafe trait Pod: Copy + 'static {}

// SAFETY: primitive integers have no padding and no invalid bit patterns.
unsafe impl Pod for u8 {}
// SAFETY: as above.
unsafe impl Pod for u32 {}
// SAFETY: as above.
unsafe impl Pod for u64 {}

/// Declares `repr(C)` structs to be [`Pod`], and proves at compile time that they have no padding.
#[macro_export]
macro_rules! pod {
    ($($ty:ident { $($field:tt : $fty:ty),+ $(,)? })+) => { $(
        const _: () = {
            assert!(core::mem::size_of::<$ty>() == 0 $(+ core::mem::size_of::<$fty>())+);
            // Names and types are those of the struct.
            #[allow(dead_code)]
            fn fields(x: &$ty) { $( let _: &$fty = &x.$field; )+ }
        };
        // SAFETY: the struct is repr(C), the assertion above excludes padding, and the fields are integers or
        // other Pod structs.
        #[allow(unsafe_code)]
        unsafe impl $crate::pod::Pod for $ty {}
    )+ };
}

/// The `count` records that start at byte `offset`, or `None` if they do not lie inside `bytes` or are not
/// aligned.
pub fn slice<T: Pod>(bytes: &[u8], offset: u64, count: u64) -> Option<&[T]> {
    let offset = usize::try_from(offset).ok()?;
    let count = usize::try_from(count).ok()?;
    let len = count.checked_mul(size_of::<T>())?;
    let part = bytes.get(offset..offset.checked_add(len)?)?;
    if !(part.as_ptr() as usize).is_multiple_of(align_of::<T>()) {
        return None;
    }
    // SAFETY: the range was checked to lie in `bytes` and to be aligned; T is Pod, so any bytes are values.
    Some(unsafe { core::slice::from_raw_parts(part.as_ptr().cast(), count) })
}

/// As [`slice`], for writing.
pub fn slice_mut<T: Pod>(bytes: &mut [u8], offset: u64, count: u64) -> Option<&mut [T]> {
    let offset = usize::try_from(offset).ok()?;
    let count = usize::try_from(count).ok()?;
    let len = count.checked_mul(size_of::<T>())?;
    let part = bytes.get_mut(offset..offset.checked_add(len)?)?;
    if !(part.as_ptr() as usize).is_multiple_of(align_of::<T>()) {
        return None;
    }
    // SAFETY: as in `slice`; the exclusive borrow of `bytes` is handed on.
    Some(unsafe { core::slice::from_raw_parts_mut(part.as_mut_ptr().cast(), count) })
}

/// The record at byte `offset`.
pub fn get<T: Pod>(bytes: &[u8], offset: u64) -> Option<&T> {
    slice(bytes, offset, 1).map(|s| &s[0])
}

/// Records as the bytes that are written to disk.
pub fn bytes_of<T: Pod>(records: &[T]) -> &[u8] {
    // SAFETY: Pod types have no padding, so all their bytes are initialised.
    unsafe { core::slice::from_raw_parts(records.as_ptr().cast(), size_of_val(records)) }
}

/// Records as bytes that may be overwritten: every bit pattern is a value.
pub fn bytes_of_mut<T: Pod>(records: &mut [T]) -> &mut [u8] {
    let len = size_of_val(records);
    // SAFETY: as in `bytes_of`, and T: Pod admits any bytes.
    unsafe { core::slice::from_raw_parts_mut(records.as_mut_ptr().cast(), len) }
}

/// A run of `count` records at `offset` bytes from the start of what holds it.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Span {
    pub offset: u64,
    pub count: u64,
}

/// A string in the string table of what holds it.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct StrRef {
    pub offset: u32,
    pub len: u32,
}

impl StrRef {
    /// The bytes meant, or nothing if they do not lie in `strings`.
    pub fn of(self, strings: &[u8]) -> &[u8] {
        let start = self.offset as usize;
        strings.get(start..start.saturating_add(self.len as usize)).unwrap_or(&[])
    }
}

crate::pod! {
    Span { offset: u64, count: u64 }
    StrRef { offset: u32, len: u32 }
}
