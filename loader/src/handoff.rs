//! Hands over: maps the dynamic linker as the kernel would have done, and makes the auxiliary vector say what
//! it says for an ordinary executable.

use crate::environment::{Environment, at};
use crate::image::Image;
use crate::report::{die, die_errno};
use crate::{debugger, guards, sys};
use shared::PAGE;

/// Returns the address at which to go on: the dynamic linker's entry, or the program's.
pub fn prepare(image: &'static Image, environment: &Environment, is_lazy: bool) -> u64 {
    let header = image.plan.header;
    debugger::remember(image, own_segments(environment));
    environment.set_auxiliary(at::PHDR, header.phdrs.0);
    environment.set_auxiliary(at::PHNUM, header.phdr_count);
    environment.set_auxiliary(at::PHENT, size_of::<Phdr>() as u64);
    environment.set_auxiliary(at::ENTRY, header.entry.0);
    let interp = header.interp.of(image.plan.strings);
    if interp.is_empty() {
        return header.entry.0;
    }
    if interp.last() != Some(&0) {
        die(&[b"the plan of the index contradicts itself; link the program again"]);
    }
    guards::stand_at_entry(image, environment, is_lazy);
    let (base, entry) = map_interpreter(interp);
    environment.set_auxiliary(at::BASE, base);
    entry
}

/// `Elf64_Ehdr` (gABI, "ELF Header").
#[derive(Clone, Copy)]
#[repr(C)]
struct Ehdr {
    ident: [u8; 16],
    kind: u16,
    machine: u16,
    version: u32,
    entry: u64,
    phoff: u64,
    shoff: u64,
    flags: u32,
    ehsize: u16,
    phentsize: u16,
    phnum: u16,
    shentsize: u16,
    shnum: u16,
    shstrndx: u16,
}

/// `Elf64_Phdr` (gABI, "Program Header").
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Phdr {
    pub kind: u32,
    flags: u32,
    offset: u64,
    pub vaddr: u64,
    paddr: u64,
    filesz: u64,
    pub memsz: u64,
    align: u64,
}

/// The program headers of the executable's own file, as long as the auxiliary vector is the kernel's.
pub fn own_segments(environment: &Environment) -> &'static [Phdr] {
    let (table, count) = (environment.auxiliary(at::PHDR), environment.auxiliary(at::PHNUM));
    let all: &[Phdr] = match (table, count) {
        // SAFETY: the kernel says where it has mapped them, and the mapping stays.
        (Some(table), Some(count)) => unsafe {
            core::slice::from_raw_parts(table as *const Phdr, count as usize)
        },
        _ => &[],
    };
    // Where the kernel chose an address, the headers do not say it.
    let is_fixed = all.iter().find(|segment| segment.kind == PT_LOAD).is_some_and(|first| first.vaddr != 0);
    if is_fixed { all } else { &[] }
}

pub const PT_LOAD: u32 = 1;
const MAX_PHDRS: usize = 32;

/// Maps the dynamic linker. Returns its base address and its entry.
fn map_interpreter(path: &[u8]) -> (u64, u64) {
    let shown = &path[..path.len() - 1];
    let broken = || -> ! { die(&[b"the dynamic linker is not an ELF file that can be mapped: ", shown]) };
    // SAFETY: a C string of the plan.
    let fd =
        unsafe { sys::openat(sys::AT_FDCWD as u64, path.as_ptr() as u64, sys::O_RDONLY | sys::O_CLOEXEC, 0) };
    if sys::failed(fd) {
        die_errno(&[b"cannot open the dynamic linker ", shown], fd);
    }
    let mut head = [0u64; 512];
    // SAFETY: reads into our buffer.
    let got = unsafe { sys::pread(fd as u64, head.as_mut_ptr() as u64, size_of_val(&head) as u64, 0) };
    if got < size_of::<Ehdr>() as i64 {
        broken();
    }
    // SAFETY: the buffer is longer than the header and aligned; any bytes are values of these structs.
    let ehdr = unsafe { head.as_ptr().cast::<Ehdr>().read() };
    let count = usize::from(ehdr.phnum);
    let fits = ehdr.phoff.is_multiple_of(8)
        && ehdr.phoff + (count * size_of::<Phdr>()) as u64 <= size_of_val(&head) as u64;
    if ehdr.ident[..5] != *b"\x7fELF\x02" || count == 0 || count > MAX_PHDRS || !fits {
        broken();
    }
    // SAFETY: just checked to lie in the buffer.
    let phdrs = unsafe {
        core::slice::from_raw_parts(head.as_ptr().cast::<u8>().add(ehdr.phoff as usize).cast::<Phdr>(), count)
    };
    let loads = || phdrs.iter().filter(|phdr| phdr.kind == PT_LOAD);
    let end = loads().map(|phdr| phdr.vaddr + phdr.memsz).max().unwrap_or(0).next_multiple_of(PAGE);
    let start = loads().map(|phdr| phdr.vaddr & !(PAGE - 1)).min().unwrap_or(0);
    // SAFETY: a new mapping at an address of the kernel's choice; the segments are mapped over it.
    let area = unsafe {
        sys::mmap(
            0,
            end - start,
            sys::PROT_NONE,
            sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_NORESERVE,
            u64::MAX,
            0,
        )
    };
    if sys::failed(area) {
        die_errno(&[b"cannot map the dynamic linker"], area);
    }
    let base = (area as u64).wrapping_sub(start);
    for phdr in loads() {
        map_segment(fd, base, phdr);
    }
    sys::close(fd);
    (base, base.wrapping_add(ehdr.entry))
}

fn map_segment(fd: i64, base: u64, phdr: &Phdr) {
    let prot = [(4, sys::PROT_READ), (2, sys::PROT_WRITE), (1, sys::PROT_EXEC)]
        .iter()
        .filter(|(flag, _)| phdr.flags & flag != 0)
        .fold(0, |all, (_, prot)| all | prot);
    let slop = phdr.vaddr & (PAGE - 1);
    let start = base + phdr.vaddr - slop;
    let file_end = base + phdr.vaddr + phdr.filesz;
    let end = base + phdr.vaddr + phdr.memsz;
    let mapped_end = file_end.next_multiple_of(PAGE);
    let check = |result: i64| {
        if sys::failed(result) {
            die_errno(&[b"cannot map the dynamic linker"], result);
        }
    };
    // SAFETY: all ranges lie in the area that was reserved for the file; the last page of a writable segment
    // is cleared behind the file's contents, as the kernel does.
    unsafe {
        if phdr.filesz > 0 {
            let flags = sys::MAP_PRIVATE | sys::MAP_FIXED;
            check(sys::mmap(start, file_end - start, prot, flags, fd as u64, phdr.offset - slop));
        }
        if end > file_end && prot & sys::PROT_WRITE != 0 {
            let clear = mapped_end.min(end.next_multiple_of(PAGE)) - file_end;
            core::ptr::write_bytes(file_end as *mut u8, 0, clear as usize);
        }
        if end > mapped_end {
            let flags = sys::MAP_PRIVATE | sys::MAP_FIXED | sys::MAP_ANONYMOUS;
            check(sys::mmap(mapped_end, end.next_multiple_of(PAGE) - mapped_end, prot, flags, u64::MAX, 0));
        }
    }
}
