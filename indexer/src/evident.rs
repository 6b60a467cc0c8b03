//! Image -> copies of parts of it in the executable, for programs that read executables instead of running them.
//! CMake finds what it measures (sizes of types, byte order, whose compiler it is) as text in the data of a
//! program that was linked for that alone. ldd, libtool and packagers look for libraries and search paths.
//!
//! The dynamic tables are a segment behind the loader, with addresses of their own: it is mapped and not used. The
//! data has no address.

use crate::emit::{EHDR, PHDR, Phdr, SectionHeader, Sections, elf};
use shared::plan::{GuardTable, Objects, PlanView, RegionKind};
use shared::render::{RenderError, render};
use shared::{ImageAddr, PAGE};
use std::collections::HashSet;

/// Programs with more eager data than this have no copy of it: they were not linked to be measured.
const MEASURED: u64 = 256 << 10;

/// Sections of the linker's own that are copied: names, kinds, sizes of entries, and the sections they refer to.
const TABLES: [(&str, u32, u64, &str); 6] = [
    (".interp", elf::SHT_PROGBITS, 0, ""),
    (".dynstr", elf::SHT_STRTAB, 0, ""),
    (".dynsym", elf::SHT_DYNSYM, 24, ".dynstr"),
    (".gnu.version", elf::SHT_GNU_VERSYM, 2, ".dynsym"),
    (".gnu.version_r", elf::SHT_GNU_VERNEED, 0, ".dynstr"),
    (".dynamic", elf::SHT_DYNAMIC, 16, ".dynstr"),
];

/// What `.dynamic` says that is true of the copies as well, and what has the address of one.
const FACTS: [u32; 7] = [
    elf::DT_NEEDED,
    elf::DT_RPATH,
    elf::DT_RUNPATH,
    elf::DT_STRSZ,
    elf::DT_SYMENT,
    elf::DT_VERNEEDNUM,
    elf::DT_FLAGS,
];
const ADDRESSES: [(u32, &str); 4] = [
    (elf::DT_STRTAB, ".dynstr"),
    (elf::DT_SYMTAB, ".dynsym"),
    (elf::DT_VERSYM, ".gnu.version"),
    (elf::DT_VERNEED, ".gnu.version_r"),
];

/// The copies.
#[derive(Default)]
pub struct Evident {
    tables: Vec<Part>,
    data: Vec<Part>,
    /// Where libraries are looked for: its offset in `.dynstr`, its length, and where the image has it.
    path: Option<(u64, u64, ImageAddr)>,
}

/// Where the path of libraries is: in the loaded file, and in the image. Build systems change it in the file when they
/// install a program, so the image takes it from there.
#[derive(Clone, Copy, Default)]
pub struct PathPlace {
    pub at: u64,
    pub len: u64,
    pub image: ImageAddr,
}

struct Part {
    name: &'static str,
    kind: u32,
    entry_size: u64,
    link: &'static str,
    info: u32,
    /// Where it is loaded, and where in the file that is; 0: it is not loaded.
    addr: u64,
    offset: u64,
    bytes: Vec<u8>,
}

/// The copies for an image.
pub fn of_image(plan: &PlanView<'_>, objects: &impl Objects) -> Result<Evident, RenderError> {
    let mut evident = Evident::default();
    let copy = |(name, kind, entry_size, link), start, size: u64| {
        if size > plan.header.limit.offset_from(plan.header.base) {
            return Err(RenderError::Malformed { at: start });
        }
        let mut bytes = vec![0; size as usize];
        render(plan, objects, start, &mut bytes)?;
        let info = u32::from(kind == elf::SHT_DYNSYM);
        Ok(Part { name, kind, entry_size, link, info, addr: 0, offset: 0, bytes })
    };
    let own = (plan.objects.len() as u32).wrapping_sub(1);
    let mut strings = None;
    let (mut symbols, mut dynsym) = (0, None);
    if let Some(record) = objects.object(own) {
        for (number, section) in record.sections.iter().enumerate().filter(|(_, section)| section.size != 0) {
            let name = record.string(section.name);
            let table = TABLES.iter().find(|(table, ..)| table.as_bytes() == name);
            let placement = plan.placement(own, number as u32).filter(|placement| placement.is_live());
            if let (Some(table), Some(placement)) = (table, placement) {
                let mut part = copy(*table, placement.addr(), section.size)?;
                if table.1 == elf::SHT_DYNSYM {
                    symbols = used_symbols(&part.bytes);
                    dynsym = Some(placement.addr());
                }
                if matches!(table.1, elf::SHT_DYNSYM | elf::SHT_GNU_VERSYM) {
                    part.bytes.truncate(symbols * table.2 as usize);
                }
                evident.tables.push(part);
                if table.0 == ".dynstr" {
                    strings = Some(placement.addr());
                }
            }
        }
    }
    // What the loader may make of the table says nothing of the program.
    let guards = guard_rows(plan, objects, dynsym)?;
    for table in &mut evident.tables {
        if matches!(table.kind, elf::SHT_DYNSYM | elf::SHT_GNU_VERSYM) {
            let rows = table.bytes.chunks_exact(table.entry_size as usize).enumerate();
            let others = rows.filter(|(row, _)| !guards.contains(row));
            table.bytes = others.flat_map(|(_, bytes)| bytes).copied().collect();
        }
    }
    evident.path = strings.and_then(|strings| evident.find_path(strings));
    let dynamic = evident.tables.iter().find(|table| table.kind == elf::SHT_DYNAMIC);
    let needs = dynamic.and_then(|table| {
        entries(&table.bytes).find(|(tag, _)| *tag == u64::from(elf::DT_VERNEEDNUM)).map(|(_, needs)| needs)
    });
    for table in evident.tables.iter_mut().filter(|table| table.kind == elf::SHT_GNU_VERNEED) {
        table.info = needs.unwrap_or_default() as u32;
    }
    let eager = || plan.regions.iter().filter(|region| region.kind() == Some(RegionKind::Eager));
    if eager().map(|region| region.len()).sum::<u64>() <= MEASURED {
        for region in eager().filter(|region| !region.is_empty()) {
            let name = if region.prot & PROT_WRITE != 0 { ".data" } else { ".rodata" };
            evident.data.push(copy((name, elf::SHT_PROGBITS, 0, ""), region.start, region.len())?);
        }
    }
    Ok(evident)
}

/// Which rows of `.dynsym` are guards.
fn guard_rows(
    plan: &PlanView<'_>,
    objects: &impl Objects,
    dynsym: Option<ImageAddr>,
) -> Result<HashSet<usize>, RenderError> {
    let (Some(dynsym), place @ ImageAddr(1..)) = (dynsym, plan.header.guards) else {
        return Ok(HashSet::new());
    };
    let mut bytes = [0; size_of::<GuardTable>()];
    render(plan, objects, place, &mut bytes)?;
    let words = bytes.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().expect("8 bytes")));
    let rows = words.skip(GuardTable::ROWS_FROM).filter(|row| *row >= dynsym.0);
    Ok(rows.map(|row| (row - dynsym.0) as usize / 24).collect())
}

/// The number of symbols of `.dynsym` up to the last that is one: relinks have room behind it.
pub fn used_symbols(table: &[u8]) -> usize {
    table.chunks_exact(24).rposition(|symbol| symbol.iter().any(|byte| *byte != 0)).map_or(1, |last| last + 1)
}

/// `PROT_WRITE` of Linux.
const PROT_WRITE: u32 = 2;

/// The program headers of the tables, which [`Evident::load`] fills in.
pub fn phdrs() -> [Phdr; 2] {
    let flags = elf::PF_R | elf::PF_W;
    let phdr = |kind, align| Phdr { kind, flags, align, ..Phdr::default() };
    [phdr(elf::PT_LOAD, PAGE), phdr(elf::PT_DYNAMIC, 8)]
}

impl Evident {
    /// Finds the path of libraries in the tables, given where the image has `.dynstr`.
    fn find_path(&self, strings: ImageAddr) -> Option<(u64, u64, ImageAddr)> {
        let of_kind = |kind| self.tables.iter().find(|table| table.kind == kind);
        let tags = [u64::from(elf::DT_RPATH), elf::DT_RUNPATH.into()];
        let (_, offset) = entries(&of_kind(elf::SHT_DYNAMIC)?.bytes).find(|(tag, _)| tags.contains(tag))?;
        let text = of_kind(elf::SHT_STRTAB)?.bytes.get(offset as usize..)?;
        let len = text.iter().position(|byte| *byte == 0)? as u64;
        Some((offset, len, strings + offset))
    }

    /// Appends the segment of the tables to a file that ends with the loader, if its last program headers are for
    /// that.
    pub fn load(&mut self, file: &mut Vec<u8>) -> PathPlace {
        let count = usize::from(u16::from_le_bytes([file[56], file[57]]));
        let headers = EHDR..EHDR + count * PHDR;
        let mut all = Phdr::read(&file[headers.clone()]);
        let Some((dynamic, [others @ .., load])) = all.split_last_mut() else {
            return PathPlace::default();
        };
        if dynamic.kind != elf::PT_DYNAMIC {
            return PathPlace::default();
        }
        let end = others.iter().map(|phdr| phdr.addr + phdr.size).max().unwrap_or_default();
        load.addr = end.next_multiple_of(PAGE);
        load.offset = (file.len() as u64).next_multiple_of(PAGE);
        let mut size = 0;
        for table in &mut self.tables {
            (table.addr, table.offset) = (load.addr + size, load.offset + size);
            size = (size + table.bytes.len() as u64).next_multiple_of(8);
        }
        (load.size, load.file_size) = (size, size);
        let places: Vec<(&str, u64)> = self.tables.iter().map(|table| (table.name, table.addr)).collect();
        file.resize((load.offset + size) as usize, 0);
        for table in &mut self.tables {
            if table.kind == elf::SHT_DYNAMIC {
                table.bytes = facts(&table.bytes, &places);
                (dynamic.addr, dynamic.offset) = (table.addr, table.offset);
                (dynamic.size, dynamic.file_size) = (table.bytes.len() as u64, table.bytes.len() as u64);
            }
            let at = table.offset as usize;
            file[at..at + table.bytes.len()].copy_from_slice(&table.bytes);
        }
        let bytes: Vec<u8> = all.iter().flat_map(Phdr::bytes).collect();
        file[headers].copy_from_slice(&bytes);
        let strings = self.tables.iter().find(|table| table.kind == elf::SHT_STRTAB);
        let path = strings.zip(self.path);
        path.map_or(PathPlace::default(), |(strings, (offset, len, image))| PathPlace {
            at: strings.addr + offset,
            len,
            image,
        })
    }

    /// Adds the copies to the sections of a file, of which there are `before`.
    pub fn add<'a>(&'a self, sections: &mut Sections<'a>, before: u32) {
        let parts = || self.tables.iter().chain(&self.data);
        let number = |name| parts().position(|part| part.name == name).map_or(0, |at| before + at as u32 + 1);
        for part in parts() {
            let is_loaded = part.addr != 0;
            sections.push(SectionHeader {
                name: part.name.into(),
                kind: part.kind,
                flags: if is_loaded { elf::SHF_ALLOC.into() } else { 0 },
                addr: part.addr,
                offset: part.offset,
                size: part.bytes.len() as u64,
                data: if is_loaded { &[] } else { &part.bytes },
                link: number(part.link),
                info: part.info,
                align: 8,
                entry_size: part.entry_size,
                ..SectionHeader::default()
            });
        }
    }
}

/// The entries of `.dynamic`.
fn entries(dynamic: &[u8]) -> impl Iterator<Item = (u64, u64)> {
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
    dynamic.chunks_exact(16).map(move |entry| (word(&entry[..8]), word(&entry[8..])))
}

/// `.dynamic` of the copies, which are in these places.
fn facts(dynamic: &[u8], places: &[(&str, u64)]) -> Vec<u8> {
    let copied = |(tag, value)| {
        let address = ADDRESSES.iter().find(|(address, _)| u64::from(*address) == tag);
        let place = address.and_then(|(_, name)| places.iter().find(|(place, _)| place == name));
        let is_fact = FACTS.iter().any(|fact| u64::from(*fact) == tag);
        place.map(|(_, addr)| (tag, *addr)).or(is_fact.then_some((tag, value)))
    };
    // As a file, it is always a PIE.
    let last = [(elf::DT_FLAGS_1.into(), elf::DF_1_PIE.into()), (elf::DT_NULL.into(), 0)];
    let all = entries(dynamic).filter_map(copied).chain(last);
    all.flat_map(|(tag, value): (u64, u64)| [tag, value]).flat_map(u64::to_le_bytes).collect()
}
