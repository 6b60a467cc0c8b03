//! What an executable declares to others: the libraries that it needs, and where they are looked for. The image has
//! its own tables; these are in the file, for `ldd`, for build systems that change the search path when they install,
//! and for whoever else reads files. The loader takes the search path from here.

use crate::emit::{SectionHeader, elf};
use shared::PAGE;
use shared::addr::align_up;

/// A segment of the file: an empty `.dynsym`, `.dynstr`, `.dynamic`.
pub struct Declared {
    pub bytes: Vec<u8>,
    /// Where `.dynamic` is in it, and how long it is.
    pub dynamic: (u64, u64),
    /// Where the search path is in it, and how long it is.
    pub path: Option<(u64, u64)>,
}

const SYMBOL: usize = 24;

/// The segment, for the address `addr`.
pub fn declare(addr: u64, needed: &[&[u8]], path: Option<&[u8]>, new_tags: bool) -> Declared {
    let mut bytes = vec![0u8; SYMBOL + 1];
    let mut string = |text: &[u8]| {
        let offset = (bytes.len() - SYMBOL) as u64;
        bytes.extend_from_slice(text);
        bytes.push(0);
        offset
    };
    let mut entries: Vec<(u32, u64)> = needed.iter().map(|name| (elf::DT_NEEDED, string(name))).collect();
    let mut place = None;
    if let Some(path) = path {
        let offset = string(path);
        entries.push((if new_tags { elf::DT_RUNPATH } else { elf::DT_RPATH }, offset));
        place = Some((SYMBOL as u64 + offset, path.len() as u64));
    }
    entries.extend([
        (elf::DT_STRTAB, addr + SYMBOL as u64),
        (elf::DT_STRSZ, (bytes.len() - SYMBOL) as u64),
        (elf::DT_SYMTAB, addr),
        (elf::DT_SYMENT, SYMBOL as u64),
        (elf::DT_FLAGS_1, elf::DF_1_PIE.into()),
        (elf::DT_NULL, 0),
    ]);
    bytes.resize(align_up(bytes.len() as u64, 8) as usize, 0);
    let start = bytes.len() as u64;
    for (tag, value) in entries {
        bytes.extend(u64::from(tag).to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    let dynamic = (start, bytes.len() as u64 - start);
    bytes.resize(align_up(bytes.len() as u64, PAGE) as usize, 0);
    Declared { bytes, dynamic, path: place }
}

/// The sections of the segment at `addr` and `offset`, whose `.dynamic` is there. `first` is the number of the first.
pub fn sections(
    (addr, offset): (u64, u64),
    (dynamic_addr, dynamic_size): (u64, u64),
    first: u32,
) -> [SectionHeader<'static>; 3] {
    let alloc = u64::from(elf::SHF_ALLOC);
    let within = dynamic_addr - addr;
    [
        SectionHeader {
            name: ".dynsym".into(),
            kind: elf::SHT_DYNSYM,
            flags: alloc,
            addr,
            offset,
            size: SYMBOL as u64,
            link: first + 1,
            info: 1,
            align: 8,
            entry_size: SYMBOL as u64,
            ..SectionHeader::default()
        },
        SectionHeader {
            name: ".dynstr".into(),
            kind: elf::SHT_STRTAB,
            flags: alloc,
            addr: addr + SYMBOL as u64,
            offset: offset + SYMBOL as u64,
            size: within - SYMBOL as u64,
            align: 1,
            ..SectionHeader::default()
        },
        SectionHeader {
            name: ".dynamic".into(),
            kind: elf::SHT_DYNAMIC,
            flags: alloc | u64::from(elf::SHF_WRITE),
            addr: dynamic_addr,
            offset: offset + within,
            size: dynamic_size,
            link: first + 1,
            align: 8,
            entry_size: 16,
            ..SectionHeader::default()
        },
    ]
}
