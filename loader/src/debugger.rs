//! What debuggers need of a program that runs from the loader: the dynamic linker's list of libraries.
//!
//! They look for it where the executable's `.dynamic` says (`DT_DEBUG`, gABI "Dynamic Section"; `struct r_debug` of
//! link.h). The dynamic linker notes it in the image's table; the file has a copy of the table, at an address of its own
//! (`indexer/src/evident.rs`), so what is noted is copied once the dynamic linker is done.

use crate::handoff::Phdr;
use crate::image::Image;
use core::sync::atomic::{AtomicU64, Ordering};

const PT_DYNAMIC: u32 = 2;
const DT_DEBUG: u64 = 21;

/// Addresses of the values of the two `DT_DEBUG`.
static OF_IMAGE: AtomicU64 = AtomicU64::new(0);
static OF_FILE: AtomicU64 = AtomicU64::new(0);

/// Finds the entries, of the image and of the executable's own file. The image is in place.
pub fn remember(image: &Image, own: &[Phdr]) {
    let header = image.plan.header;
    // SAFETY: the image's first page, which is mapped, has its program headers; the plan says how many.
    let segments = unsafe {
        core::slice::from_raw_parts(header.phdrs.0 as *const Phdr, header.phdr_count.min(64) as usize)
    };
    let place = |segments: &[Phdr]| {
        let dynamic = segments.iter().find(|segment| segment.kind == PT_DYNAMIC)?;
        let entries = dynamic.memsz / 16;
        // SAFETY: a table that is mapped, readable, as long as its program header says.
        let entries =
            unsafe { core::slice::from_raw_parts(dynamic.vaddr as *const [u64; 2], entries as usize) };
        let entry = entries.iter().find(|entry| entry[0] == DT_DEBUG)?;
        Some(&raw const entry[1] as u64)
    };
    if let (Some(of_image), Some(of_file)) = (place(segments), place(own)) {
        OF_IMAGE.store(of_image, Ordering::Relaxed);
        OF_FILE.store(of_file, Ordering::Relaxed);
    }
}

/// Whether there is anything to copy.
pub fn is_known() -> bool {
    OF_FILE.load(Ordering::Relaxed) != 0
}

/// The dynamic linker has noted where its list is.
pub fn publish() {
    let (from, to) = (OF_IMAGE.load(Ordering::Relaxed), OF_FILE.load(Ordering::Relaxed));
    if to != 0 {
        // SAFETY: a word of the image, and one of a writable segment of the executable that nothing else uses.
        unsafe { (to as *mut u64).write_volatile((from as *const u64).read_volatile()) };
    }
}
