//! Reserves the image's address space and puts in place what has to look ordinary to the kernel before the
//! program starts: header, read-only and writable data, zeroes.

use crate::environment::{Environment, at};
use crate::handoff::{PT_LOAD, own_segments};
use crate::image::{self, Image};
use crate::open::Opened;
use crate::report::{die, die_errno, stop};
use crate::{sys, trust};
use shared::image::ImagePrint;
use shared::output::HEADER_LEN;
use shared::plan::{PatchPage, RegionKind, RegionRec};
use shared::{ImageAddr, PAGE};

/// Maps every region. From here on the image is complete but for what is lazy.
pub fn reserve(opened: Opened, environment: &Environment) -> &'static Image {
    let Opened { image, search_path, patch_pages, image_print } = opened;
    let header = image.plan.header;
    let len = header.limit.offset_from(header.base);
    unmap_holes(environment, header.base.0);
    let flags = sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_NORESERVE | sys::MAP_FIXED_NOREPLACE;
    // SAFETY: MAP_FIXED_NOREPLACE does not touch what is mapped already.
    let addr = unsafe { sys::mmap(header.base.0, len, sys::PROT_NONE, flags, u64::MAX, 0) };
    if addr as u64 != header.base.0 {
        if sys::failed(addr) {
            die_errno(&[b"cannot reserve the address space of the program"], addr);
        }
        stop(&[b"the address of the program is taken: "], header.base.0);
    }
    let file = open_image(&image, &image_print);
    for region in image.plan.regions.iter().filter(|region| !region.is_empty()) {
        match region.kind() {
            Some(RegionKind::Header) => map_header(region, environment),
            Some(RegionKind::Eager) => map_eager(&image, region, file, patch_pages),
            Some(RegionKind::Zero) => map_fixed(region.start.0, region.len(), region.prot.into(), -1, 0),
            // Without access until it is in place.
            Some(RegionKind::Lazy) | None => {}
        }
    }
    sys::close(file);
    set_search_path(&image, search_path);
    image::publish(image)
}

/// Takes away what the kernel has mapped of the executable in places of the image.
fn unmap_holes(environment: &Environment, base: u64) {
    let segments = own_segments(environment).iter();
    for segment in segments.filter(|segment| segment.kind == PT_LOAD && segment.vaddr >= base) {
        // SAFETY: nothing is there but zeroes, which the image takes the place of.
        unsafe { sys::munmap(segment.vaddr, segment.memsz.next_multiple_of(PAGE)) };
    }
}

/// Gives the image the search path of the file, if somebody has changed that.
fn set_search_path(image: &Image, (path, place): (&[u8], ImageAddr)) {
    let Some(region) = image.plan.region_at(place).filter(|region| region.kind() == Some(RegionKind::Eager))
    else {
        return;
    };
    let room = region.end.offset_from(place);
    // SAFETY: the region was just mapped, readable.
    let own =
        unsafe { core::slice::from_raw_parts(place.0 as *const u8, room.min(path.len() as u64) as usize) };
    if own == path || own.len() < path.len() {
        return;
    }
    let start = place.page_start().0;
    let len = (place + path.len() as u64).align_up(PAGE).0 - start;
    // SAFETY: pages of the image, which are ours alone until the program starts; the text has the same length.
    unsafe {
        if sys::failed(sys::mprotect(start, len, sys::PROT_READ | sys::PROT_WRITE)) {
            die(&[b"cannot change the search path of libraries"]);
        }
        core::ptr::copy_nonoverlapping(path.as_ptr(), place.0 as *mut u8, path.len());
        sys::mprotect(start, len, region.prot.into());
    }
}

fn map_fixed(addr: u64, len: u64, prot: u64, fd: i64, offset: u64) {
    let kind = if fd < 0 { sys::MAP_ANONYMOUS } else { 0 };
    // SAFETY: the range lies in the reserved image: regions are checked to be in order and inside it.
    let result =
        unsafe { sys::mmap(addr, len, prot, sys::MAP_PRIVATE | sys::MAP_FIXED | kind, fd as u64, offset) };
    if sys::failed(result) {
        die_errno(&[b"cannot map a part of the program"], result);
    }
}

/// Opens the file that the linker rendered the eager regions into, and checks that it is what was written.
fn open_image(image: &Image, print: &ImagePrint) -> i64 {
    // SAFETY: a C string.
    let fd =
        unsafe { sys::openat(image.dir as u64, c"image".as_ptr() as u64, sys::O_RDONLY | sys::O_CLOEXEC, 0) };
    if sys::failed(fd) {
        die_errno(&[b"cannot open the image of the index"], fd);
    }
    trust::check(image, fd, print);
    fd
}

/// The image's first pages are those of the executable: backtraces recognise the program by that.
fn map_header(region: &RegionRec, environment: &Environment) {
    let flags = sys::O_RDONLY | sys::O_CLOEXEC;
    // SAFETY: C strings; AT_EXECFN is the kernel's.
    let fd = unsafe {
        let fd = sys::openat(sys::AT_FDCWD as u64, c"/proc/self/exe".as_ptr() as u64, flags, 0);
        match environment.auxiliary(at::EXECFN) {
            Some(name) if sys::failed(fd) => sys::openat(sys::AT_FDCWD as u64, name, flags, 0),
            _ => fd,
        }
    };
    if sys::failed(fd) {
        die_errno(&[b"cannot open the executable"], fd);
    }
    map_fixed(region.start.0, region.len().min(HEADER_LEN), sys::PROT_READ, fd, 0);
    sys::close(fd);
}

/// Maps an eager region from the image file, and the pages that a patch replaces over it.
fn map_eager(image: &Image, region: &RegionRec, file: i64, patch_pages: &[PatchPage]) {
    let base = image.plan.header.base;
    map_fixed(region.start.0, region.len(), region.prot.into(), file, region.start.offset_from(base));
    let first = patch_pages.partition_point(|page| page.addr < region.start);
    let end = patch_pages.partition_point(|page| page.addr < region.end);
    if first >= end {
        return;
    }
    // SAFETY: a C string.
    let fd =
        unsafe { sys::openat(image.dir as u64, c"patch".as_ptr() as u64, sys::O_RDONLY | sys::O_CLOEXEC, 0) };
    if sys::failed(fd) {
        die_errno(&[b"cannot open the patch of the index"], fd);
    }
    let mut rest = &patch_pages[first..end];
    while let Some(start) = rest.first() {
        let follows = |index: usize, page: &PatchPage| {
            let distance = index as u64 * PAGE;
            page.addr == start.addr + distance && page.offset == start.offset + distance
        };
        let run = rest.iter().enumerate().take_while(|(index, page)| follows(*index, page)).count();
        let len = (run as u64 * PAGE).min(region.end.offset_from(start.addr));
        if !start.addr.0.is_multiple_of(PAGE) {
            die(&[b"the patch of the index contradicts itself; link the program again"]);
        }
        map_fixed(start.addr.0, len, region.prot.into(), fd, start.offset);
        rest = &rest[run..];
    }
    sys::close(fd);
}
