//! `symbols`: an ELF file with the names of all functions, for backtraces, debuggers and profilers. The
//! executable refers to it by its `.gnu_debuglink`.
//!
//! It lists the functions by objects, with room for more: all generations since a full link share one file, in which a
//! relink replaces what the changed objects have (`relink/functions.rs`). Its CRC, which executables name, stays the same:
//! the last four bytes make up for what changes.

use crate::crc;
use crate::debug::Linked;
use crate::emit::{self, SectionHeader, Sections, elf_header};
use crate::layout;
use anyhow::Result;
use object::elf;
use shared::plan::{Objects, PlanView, RegionKind, RegionRec, flag, slot};
use shared::pod::{self, bytes_of};
use shared::record::{NONE, ObjectView, Placement};
use shared::{ImageAddr, PAGE};
use std::collections::HashMap;
use std::ops::Range;

/// Its name in the folder of a generation.
pub const FILE: &str = "symbols";

/// The file that generations share: `symbols` is a link to it, until it gets debug information.
pub const SHARED: &str = "functions";

/// First word of the linker's own section; the last digit is the version of the format.
const MAGIC: u64 = u64::from_le_bytes(*b"UFfuncs\x01");

/// Head of the linker's own section: how much of the tables is in use. Behind it is a [`Run`] for each object.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct TablesHeader {
    pub magic: u64,
    pub symbols: u64,
    /// Bytes.
    pub names: u64,
}

/// An object's symbols: the first and how many, some of which may be empty.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Run {
    pub first: u32,
    pub count: u32,
}

shared::pod! {
    TablesHeader { magic: u64, symbols: u64, names: u64 }
    Run { first: u32, count: u32 }
}

/// Bytes of an `Elf64_Sym`.
pub const SYMBOL: usize = 24;
/// Where the symbol table begins: behind the ELF header.
const TABLE: usize = 64;
/// Section number of the code that symbols refer to.
const TEXT: u16 = 1;
/// Room for more symbols and names, at the least.
const SPARE_SYMBOLS: usize = 768;
const SPARE_NAMES: usize = 64 << 10;

/// Where the parts of the file are.
pub struct Extent {
    pub symbols: usize,
    pub names: usize,
    pub end: usize,
    /// The linker's own section, if it is there.
    pub own: usize,
}

/// The symbol table and the names in a file that [`file`] made.
pub fn tables(file: &[u8]) -> Option<(&[u8], &[u8])> {
    let extent = extent(file)?;
    Some((file.get(extent.symbols..extent.names)?, file.get(extent.names..extent.end)?))
}

/// The file with these tables ([`of_image`]) instead of those that [`file`] made, with more sections in place of the
/// linker's own, and this CRC. `write` puts their bytes into their places.
pub fn with_sections(
    (symbols, names, first_global): &(Vec<u8>, Vec<u8>, u32),
    regions: &[RegionRec],
    more: impl Iterator<Item = SectionHeader<'static>>,
    write: impl FnOnce(&mut [u8], &[Range<usize>]) -> Result<()>,
    crc: u32,
) -> Result<Vec<u8>> {
    let (mut file, rooms) = assemble(symbols, names, *first_global, regions, more);
    write(&mut file, &rooms)?;
    let end = file.len() - BALANCE;
    let added = crc::balance(crc ^ crc32fast::hash(&file));
    file[end..].copy_from_slice(&added);
    Ok(file)
}

/// One function.
pub struct Function<'a> {
    pub name: &'a [u8],
    binding: u8,
    pub addr: u64,
    size: u64,
}

/// The functions of one object.
pub fn functions<'a>(
    view: &ObjectView<'a>,
    placement: impl Fn(u32) -> Option<Placement>,
) -> Vec<Function<'a>> {
    let live = |section: u32| placement(section).filter(|placement| placement.is_live());
    let local = view.functions.iter().filter_map(|function| {
        let addr = live(function.section)?.addr() + function.value;
        let name = view.string(function.name);
        Some(Function { name, binding: elf::STB_LOCAL, addr: addr.0, size: function.size })
    });
    let global = view.globals.iter().filter_map(|global| {
        let section = view.sections.get(global.section as usize)?;
        let code = section.flags & elf::SHF_EXECINSTR != 0 && global.name.len != 0;
        let addr = live(global.section).filter(|_| code)?.addr() + global.value;
        let name = view.string(global.name);
        Some(Function { name, binding: elf::STB_GLOBAL, addr: addr.0, size: global.size })
    });
    local.chain(global).collect()
}

/// The file for a whole program.
pub fn file(
    objects: &[ObjectView<'_>],
    placement: impl Fn(usize, u32) -> Option<Placement>,
    regions: &[RegionRec],
) -> Vec<u8> {
    let mut symbols = vec![0u8; SYMBOL];
    let mut names = vec![0u8];
    let mut runs = Vec::with_capacity(objects.len());
    for (number, view) in objects.iter().enumerate() {
        let first = (symbols.len() / SYMBOL) as u32;
        for function in functions(view, |section| placement(number, section)) {
            push(&mut symbols, &mut names, &function);
        }
        runs.push(Run { first, count: (symbols.len() / SYMBOL) as u32 - first });
    }
    let head =
        TablesHeader { magic: MAGIC, symbols: (symbols.len() / SYMBOL) as u64, names: names.len() as u64 };
    let own = [bytes_of(&[head]), bytes_of(&runs)].concat();
    let count = symbols.len() / SYMBOL;
    symbols.resize(symbols.len() + (count / 16 + SPARE_SYMBOLS) * SYMBOL, 0);
    names.resize(names.len() + names.len() / 16 + SPARE_NAMES, 0);
    let section = SectionHeader {
        name: ".unfold".into(),
        kind: elf::SHT_PROGBITS,
        data: &own,
        align: 8,
        ..SectionHeader::default()
    };
    // Local and global symbols are mixed; readers of symbols do not mind.
    assemble(&symbols, &names, 1, regions, [section].into_iter()).0
}

fn push(symbols: &mut Vec<u8>, names: &mut Vec<u8>, function: &Function<'_>) {
    symbols.extend(symbol(names.len() as u32, function));
    names.extend_from_slice(function.name);
    names.push(0);
}

/// One `Elf64_Sym`.
pub fn symbol(name: u32, function: &Function<'_>) -> [u8; SYMBOL] {
    let info = function.binding << 4 | elf::STT_FUNC;
    let (value, size) = (function.addr, function.size);
    Symbol { info, other: 0, section: TEXT, value, size }.bytes(name)
}

/// `.symtab` and `.strtab` of a whole image, and the number of the first global symbol: what only the objects know (of
/// those that cannot be read any more, the functions), then what the slots of the plan stand for.
pub fn of_image(
    plan: &PlanView<'_>,
    objects: &impl Objects,
    linked: &Linked,
    section_of: &dyn Fn(u64) -> u16,
) -> (Vec<u8>, Vec<u8>, u32) {
    let mut symbols = vec![0u8; SYMBOL];
    let mut names = vec![0u8];
    let mut put = |symbols: &mut Vec<u8>, name: &[u8], symbol: Symbol| {
        symbols.extend(symbol.bytes(names.len() as u32));
        names.extend_from_slice(name);
        names.push(0);
    };
    for number in 0..plan.objects.len() as u32 {
        let Some(view) = objects.object(number) else { continue };
        if let Some(locals) = linked.locals(plan, &view, number) {
            for local in locals {
                let info = elf::STB_LOCAL << 4 | local.kind;
                let value = local.place.unwrap_or(0);
                let section = local.place.map_or(elf::SHN_ABS, section_of);
                let value = if local.kind == elf::STT_TLS {
                    value.wrapping_sub(plan.header.tls_start.0)
                } else {
                    value
                };
                put(&mut symbols, local.name, Symbol { info, other: 0, section, value, size: local.size });
            }
            continue;
        }
        for function in view.functions {
            let Some(place) = linked.place(plan, number, function.section) else { continue };
            let value = (place + function.value).0;
            let info = elf::STB_LOCAL << 4 | elf::STT_FUNC;
            let symbol = Symbol { info, other: 0, section: section_of(value), value, size: function.size };
            put(&mut symbols, view.string(function.name), symbol);
        }
    }
    let copies = copies(plan, objects);
    let mut globals = Vec::new();
    let mut locals = Vec::new();
    for slot in plan.slots.iter().filter(|slot| slot.object != NONE) {
        let Some(view) = objects.object(slot.object) else { continue };
        let Some(global) = view.globals.get(slot.global as usize).filter(|global| global.name.len != 0)
        else {
            continue;
        };
        if global.is_definition() && !linked.is_told_of(slot.object, global.section) {
            continue;
        }
        let name = view.string(global.name);
        // What objects only refer to is in the image too if the linker has defined it, or copies it from a library: debuggers
        // would find the library's own one, which nobody uses.
        let elsewhere = slot::IMPORT | slot::ABSENT | slot::PLT | slot::TLS;
        let is_here = slot.flags & (slot::NEAR | slot::COPY) != 0 && slot.flags & elsewhere == 0;
        let is_defined = global.is_definition() || is_here;
        let copy = copies.get(name).filter(|_| slot.flags & slot::COPY != 0);
        // What others cannot refer to is the file's own: of a library's definitions those that a list of versions leaves out, too.
        let is_of_others = plan.header.flags & flag::SHARED == 0 || slot.flags & slot::EXPORTED != 0;
        let hidden = matches!(global.visibility, elf::STV_HIDDEN | elf::STV_INTERNAL);
        let local = is_defined && (hidden || !is_of_others);
        let binding = if local { elf::STB_LOCAL } else { global.binding };
        let kind = match copy {
            Some((kind, _)) => *kind,
            None if global.kind == elf::STT_COMMON => elf::STT_OBJECT,
            None => global.kind,
        };
        let (section, value) = match (is_defined, kind) {
            (false, _) => (elf::SHN_UNDEF, 0),
            (true, _) if slot.flags & slot::ABSOLUTE != 0 => (elf::SHN_ABS, slot.value),
            (true, elf::STT_TLS) => {
                (section_of(slot.value), slot.value.wrapping_sub(plan.header.tls_start.0))
            }
            // The slot is where calls go; the symbol is the function that chooses one.
            (true, elf::STT_GNU_IFUNC) => {
                let place = plan.placement(slot.object, global.section).filter(|place| place.is_live());
                let value = place.map_or(slot.value, |place| (place.addr() + global.value).0);
                (section_of(value), value)
            }
            (true, _) => (section_of(slot.value), slot.value),
        };
        let info = binding << 4 | kind;
        let size = match copy {
            Some((_, size)) => *size,
            None if global.is_definition() => global.size,
            None => 0,
        };
        let symbol = Symbol { info, other: global.visibility, section, value, size };
        if local { locals.push((name, symbol)) } else { globals.push((name, symbol)) }
    }
    for (name, symbol) in locals {
        put(&mut symbols, name, symbol);
    }
    let first_global = (symbols.len() / SYMBOL) as u32;
    for (name, symbol) in globals {
        put(&mut symbols, name, symbol);
    }
    (symbols, names, first_global)
}

/// Kinds and sizes of the variables that are copied from libraries, which `.dynsym` alone knows. Beside other definitions.
fn copies<'a>(plan: &PlanView<'_>, objects: &'a impl Objects) -> HashMap<&'a [u8], (u8, u64)> {
    let own = (plan.objects.len() as u32).wrapping_sub(1);
    let Some(own) = objects.object(own) else { return HashMap::new() };
    let data = |name: &[u8]| {
        let section = own.sections.iter().find(|section| own.string(section.name) == name);
        section.map_or(&[][..], |section| own.data(section))
    };
    let (symbols, names) = (data(b".dynsym"), data(b".dynstr"));
    let copy = |symbol: &[u8]| {
        let word = |at: usize| Some(u32::from_le_bytes(symbol.get(at..at + 4)?.try_into().ok()?));
        let size = u64::from_le_bytes(symbol.get(16..24)?.try_into().ok()?);
        let is_defined = u16::from_le_bytes([symbol[6], symbol[7]]) != elf::SHN_UNDEF;
        let name = names.get(word(0)? as usize..)?.split(|byte| *byte == 0).next()?;
        is_defined.then_some((name, (symbol[4] & 15, size)))
    };
    symbols.chunks_exact(SYMBOL).filter_map(copy).collect()
}

/// Whether a table has symbols of kinds that only GNU systems know.
pub fn are_gnus(symbols: &[u8]) -> bool {
    symbols
        .chunks_exact(SYMBOL)
        .any(|symbol| symbol[4] >> 4 == elf::STB_GNU_UNIQUE || symbol[4] & 15 == elf::STT_GNU_IFUNC)
}

/// Adds the two sections of [`of_image`], with the number that the second one will have.
pub fn push_tables<'a>(
    sections: &mut Sections<'a>,
    symbols: &'a [u8],
    names: &'a [u8],
    (names_number, first_global): (u32, u32),
) {
    sections.push(SectionHeader {
        name: ".symtab".into(),
        kind: elf::SHT_SYMTAB,
        data: symbols,
        link: names_number,
        info: first_global,
        align: 8,
        entry_size: SYMBOL as u64,
        ..SectionHeader::default()
    });
    sections.push(SectionHeader {
        name: ".strtab".into(),
        kind: elf::SHT_STRTAB,
        data: names,
        align: 1,
        ..SectionHeader::default()
    });
}

/// One symbol, but for its name (gABI, "Symbol Table").
struct Symbol {
    info: u8,
    other: u8,
    section: u16,
    value: u64,
    size: u64,
}

impl Symbol {
    fn bytes(&self, name: u32) -> [u8; SYMBOL] {
        let mut bytes = [0; SYMBOL];
        bytes[..4].copy_from_slice(&name.to_le_bytes());
        (bytes[4], bytes[5]) = (self.info, self.other);
        bytes[6..8].copy_from_slice(&self.section.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.value.to_le_bytes());
        bytes[16..].copy_from_slice(&self.size.to_le_bytes());
        bytes
    }
}

/// The file with these tables and sections, and where those that have room are.
fn assemble<'a, 'b: 'a>(
    symbols: &'a [u8],
    names: &'a [u8],
    first_global: u32,
    regions: &[RegionRec],
    more: impl Iterator<Item = SectionHeader<'b>>,
) -> (Vec<u8>, Vec<Range<usize>>) {
    // gdb takes sections of the two files for the same if they have the same name, size, and distance from the entry.
    let mut file = elf_header(elf::ET_EXEC, emit::entry(regions), 0, 0);
    let text = regions.get(layout::TEXT).copied().unwrap_or_default();
    let mut sections = Sections::default();
    sections.push(SectionHeader {
        name: ".text".into(),
        kind: elf::SHT_NOBITS,
        flags: u64::from(elf::SHF_ALLOC | elf::SHF_EXECINSTR),
        addr: text.start.0,
        size: text.limit.align_up(PAGE).offset_from(text.start),
        align: 16,
        ..SectionHeader::default()
    });
    push_tables(&mut sections, symbols, names, (3, first_global));
    more.for_each(|section| sections.push(section));
    emit::stand_ins(regions).into_iter().for_each(|section| sections.push(section));
    for region in data(regions) {
        let is_writable = region.prot & layout::WRITE != 0;
        sections.push(SectionHeader {
            name: if is_writable { ".data" } else { ".rodata" }.into(),
            kind: elf::SHT_NOBITS,
            flags: u64::from(elf::SHF_ALLOC | if is_writable { elf::SHF_WRITE } else { 0 }),
            addr: region.start.0,
            size: region.limit.offset_from(region.start),
            align: 16,
            ..SectionHeader::default()
        });
    }
    let tail = sections.tail(file.len() as u64);
    file.resize(tail.end as usize + BALANCE, 0);
    tail.write(&mut file);
    (file, tail.rooms)
}

/// Number of the section of [`with_sections`], with so many `more`, that an address belongs to.
pub fn section_of(plan: &PlanView<'_>, more: usize, addr: u64) -> u16 {
    let is_in = |region: &RegionRec| region.contains(ImageAddr(addr));
    if plan.regions.get(layout::TEXT).is_some_and(is_in) {
        return TEXT;
    }
    // What is said of thread-local variables are no addresses.
    let is_thread_local = (plan.header.tls_start.0..plan.header.tls_end.0).contains(&addr);
    let number = data(plan.regions).position(is_in).filter(|_| !is_thread_local);
    let before = usize::from(TEXT) + 2 + more + emit::stand_ins(plan.regions).len();
    number.map_or(elf::SHN_ABS, |number| (before + 1 + number) as u16)
}

/// The regions of data.
fn data(regions: &[RegionRec]) -> impl Iterator<Item = &RegionRec> {
    let is_data = |region: &&RegionRec| {
        !region.is_empty() && matches!(region.kind(), Some(RegionKind::Eager | RegionKind::Zero))
    };
    regions.iter().filter(is_data)
}

/// Bytes at the end of the file that keep its CRC as it is.
pub const BALANCE: usize = 4;

/// Finds the tables of a file that [`assemble`] made.
pub fn extent(file: &[u8]) -> Option<Extent> {
    let word =
        |at: usize| Some(u64::from_le_bytes(file.get(at..at.checked_add(8)?)?.try_into().ok()?) as usize);
    let headers = word(40)?;
    let header = |number: usize| headers.checked_add(number * 64 + 24);
    let (symbols, names) = (header(2)?, header(3)?);
    let extent = Extent {
        symbols: word(symbols)?,
        names: word(names)?,
        end: word(names)?.checked_add(word(names + 8)?)?,
        own: word(header(4)?)?,
    };
    let in_order = TABLE <= extent.symbols && extent.symbols <= extent.names && extent.end <= file.len();
    in_order.then_some(extent)
}

/// The linker's own section of a file that [`file`] made.
pub fn own_section<'a>(file: &'a [u8], extent: &Extent) -> Option<(&'a TablesHeader, &'a [u8])> {
    let head: &TablesHeader = pod::get(file, extent.own as u64)?;
    let runs = file.get(extent.own + size_of::<TablesHeader>()..)?;
    (head.magic == MAGIC).then_some((head, runs))
}
