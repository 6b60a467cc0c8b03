//! Whether the file `image` is what the link wrote. It is mapped and not read, so a launch goes by its size and time, and
//! compares it with its checksums if these are others; and once after each start of the machine, since a crash may leave
//! anything. That it was done in this boot, the map of the common shelf shows: whoever begins a shelf has looked before.
//!
//! What a disk changes without a write is not noticed: as in any executable.

use crate::image::Image;
use crate::report::{die, note};
use crate::{open, shelf, sys};
use shared::image::{ImagePrint, is_whole};

/// Ends the program if the file, which is open as `fd`, is another one.
pub fn check(image: &Image, fd: i64, print: &ImagePrint) {
    let Some(stat) = sys::fstat(fd) else { die(&[b"cannot examine the image of the index"]) };
    open::check_file(&stat, b"the image");
    let is_same = (stat.size, stat.modified_ns) == (print.size, print.modified_ns);
    if is_same && (is_of_this_boot(stat.modified_ns) || shelf::is_begun(image)) {
        return;
    }
    note(&[b"comparing the image with its checksums"]);
    let map = if stat.size == 0 { None } else { sys::map_file(fd, stat.size, sys::PROT_READ) };
    // SAFETY: a new mapping of that many bytes, which is removed below. Who truncates the file at this moment has the
    // program killed by SIGBUS.
    let bytes = map.map_or(&[][..], |addr| unsafe {
        core::slice::from_raw_parts(addr as *const u8, stat.size as usize)
    });
    if !is_whole(bytes, image.plan.header.base, image.plan.regions, print.sums) {
        open::condemn();
        die(&[b"the image of the index is damaged; link the program again"]);
    }
    if let Some(addr) = map {
        // SAFETY: the mapping from above, to which nothing refers any more.
        unsafe { sys::munmap(addr, stat.size) };
    }
}

/// Whether a file of this time was written since the machine was started. Clocks may have been set meanwhile: times to come
/// are none to go by.
fn is_of_this_boot(modified_ns: u64) -> bool {
    let now = sys::clock_ns(sys::CLOCK_REALTIME);
    let started = now.saturating_sub(sys::clock_ns(sys::CLOCK_BOOTTIME));
    (started..=now).contains(&modified_ns)
}
