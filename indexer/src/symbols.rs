//! `symbols`: an ELF file with the names of all functions, for backtraces, debuggers and profilers. The
//! executable refers to it by its `.gnu_debuglink`.
//!
//! It lists the functions in no particular order, with room for more: a relink copies it, takes out what the
//! changed objects had, and fills in what they have.

use crate::emit::{SectionHeader, Sections, elf_header};
use anyhow::{Context, Result};
use object::elf;
use shared::ImageAddr;
use shared::plan::{Objects, PlanView, slot};
use shared::record::{NONE, ObjectView, Placement};
use std::collections::HashSet;

/// Its name in the folder of a generation.
pub const FILE: &str = "symbols";

/// Bytes of an `Elf64_Sym`.
const SYMBOL: usize = 24;
/// Where the symbol table begins: behind the ELF header.
const TABLE: usize = 64;
/// Section number of the code that symbols refer to.
const TEXT: u16 = 1;
/// Room for more symbols and names, at the least.
const SPARE_SYMBOLS: usize = 768;
const SPARE_NAMES: usize = 64 << 10;

/// Where the parts of the file are.
struct Extent {
    symbols: usize,
    names: usize,
    end: usize,
}

/// The symbol table and the names in a file that [`file`] made.
pub fn tables(file: &[u8]) -> Option<(&[u8], &[u8])> {
    let extent = extent(file)?;
    Some((file.get(extent.symbols..extent.names)?, file.get(extent.names..extent.end)?))
}

/// A file that [`file`] made, with more sections.
pub fn with_sections(
    file: &[u8],
    text: (ImageAddr, ImageAddr),
    more: &[crate::debug::DebugSection],
) -> Option<Vec<u8>> {
    let (symbols, names) = tables(file)?;
    Some(assemble(symbols, names, text, more))
}

/// One function.
struct Function<'a> {
    name: &'a [u8],
    binding: u8,
    addr: u64,
    size: u64,
}

/// The functions of one object.
fn functions<'a>(view: &ObjectView<'a>, placement: impl Fn(u32) -> Option<Placement>) -> Vec<Function<'a>> {
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
    text: (ImageAddr, ImageAddr),
) -> Vec<u8> {
    let mut symbols = vec![0u8; SYMBOL];
    let mut names = vec![0u8];
    for (number, view) in objects.iter().enumerate() {
        for function in functions(view, |section| placement(number, section)) {
            push(&mut symbols, &mut names, &function);
        }
    }
    let count = symbols.len() / SYMBOL;
    symbols.resize(symbols.len() + (count / 16 + SPARE_SYMBOLS) * SYMBOL, 0);
    names.resize(names.len() + names.len() / 16 + SPARE_NAMES, 0);
    assemble(&symbols, &names, text, &[])
}

fn push(symbols: &mut Vec<u8>, names: &mut Vec<u8>, function: &Function<'_>) {
    symbols.extend(symbol(names.len() as u32, function));
    names.extend_from_slice(function.name);
    names.push(0);
}

/// One `Elf64_Sym`.
fn symbol(name: u32, function: &Function<'_>) -> [u8; SYMBOL] {
    let info = function.binding << 4 | elf::STT_FUNC;
    let (value, size) = (function.addr, function.size);
    Symbol { info, other: 0, section: TEXT, value, size }.bytes(name)
}

/// `.symtab` and `.strtab` of a whole image, and the number of the first global symbol: functions that only their
/// objects know, then what the slots of the plan stand for.
pub fn of_image(
    plan: &PlanView<'_>,
    objects: &impl Objects,
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
        for function in view.functions {
            let Some(place) = plan.placement(number, function.section).filter(|place| place.is_live()) else {
                continue;
            };
            let value = place.addr().0 + function.value;
            let info = elf::STB_LOCAL << 4 | elf::STT_FUNC;
            let symbol = Symbol { info, other: 0, section: section_of(value), value, size: function.size };
            put(&mut symbols, view.string(function.name), symbol);
        }
    }
    let mut globals = Vec::new();
    let mut locals = Vec::new();
    for slot in plan.slots.iter().filter(|slot| slot.object != NONE) {
        let Some(view) = objects.object(slot.object) else { continue };
        let Some(global) = view.globals.get(slot.global as usize).filter(|global| global.name.len != 0)
        else {
            continue;
        };
        let name = view.string(global.name);
        let hidden = matches!(global.visibility, elf::STV_HIDDEN | elf::STV_INTERNAL);
        let local = hidden && global.is_definition();
        let binding = if local { elf::STB_LOCAL } else { global.binding };
        let kind = if global.kind == elf::STT_COMMON { elf::STT_OBJECT } else { global.kind };
        let (section, value) = match (global.is_definition(), kind) {
            (false, _) => (elf::SHN_UNDEF, 0),
            (true, _) if slot.flags & slot::ABSOLUTE != 0 => (elf::SHN_ABS, slot.value),
            (true, elf::STT_TLS) => {
                (section_of(slot.value), slot.value.wrapping_sub(plan.header.tls_start.0))
            }
            (true, _) => (section_of(slot.value), slot.value),
        };
        let info = binding << 4 | kind;
        let size = if global.is_definition() { global.size } else { 0 };
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

fn assemble(
    symbols: &[u8],
    names: &[u8],
    (start, end): (ImageAddr, ImageAddr),
    more: &[crate::debug::DebugSection],
) -> Vec<u8> {
    let mut file = elf_header(elf::ET_EXEC, 0, 0, 0);
    file.reserve(symbols.len() + names.len() + 1024);
    let mut sections = Sections::default();
    sections.push(SectionHeader {
        name: ".text".into(),
        kind: elf::SHT_NOBITS,
        flags: u64::from(elf::SHF_ALLOC | elf::SHF_EXECINSTR),
        addr: start.0,
        size: end.offset_from(start),
        align: 16,
        ..SectionHeader::default()
    });
    // Local and global symbols are mixed; readers of symbols do not mind.
    push_tables(&mut sections, symbols, names, (3, 1));
    for section in more {
        sections.push(section.header());
    }
    sections.append(&mut file);
    file
}

/// What became of the file of the generation before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// It says already what it should.
    Same,
    Changed,
    /// There is no room.
    Full,
}

/// Replaces the functions of one object: `left` are the addresses that were the object's.
pub fn replace(
    file: &mut [u8],
    left: &[(u64, u64)],
    view: &ObjectView<'_>,
    placement: impl Fn(u32) -> Option<Placement>,
) -> Result<Replaced> {
    let extent = extent(file).context("the file of symbols is damaged")?;
    let (head, names) = file.split_at_mut(extent.names);
    let names = &mut names[..extent.end - extent.names];
    let symbols = &mut head[extent.symbols..];
    let functions = functions(view, placement);
    let (mut free, mut own) = (Vec::new(), Vec::new());
    for (index, symbol) in symbols.chunks_exact(SYMBOL).enumerate().skip(1) {
        let addr = u64::from_le_bytes(symbol[8..16].try_into().unwrap_or_default());
        if symbol[6..8] == [0; 2] {
            free.push(index);
        } else if left.iter().any(|(start, end)| (*start..*end).contains(&addr)) {
            own.push(index);
        }
    }
    let as_listed = |index: &usize| {
        let listed = &symbols[index * SYMBOL..(index + 1) * SYMBOL];
        let at = u32::from_le_bytes(listed[..4].try_into().unwrap_or_default());
        let name = names.get(at as usize..).unwrap_or(&[]).split(|byte| *byte == 0).next().unwrap_or(&[]);
        (name, listed.to_vec(), at)
    };
    let listed: HashSet<(&[u8], Vec<u8>)> = own
        .iter()
        .map(as_listed)
        .map(|(name, mut listed, _)| {
            listed[..4].fill(0);
            (name, listed)
        })
        .collect();
    let wanted: HashSet<(&[u8], Vec<u8>)> =
        functions.iter().map(|function| (function.name, symbol(0, function).to_vec())).collect();
    if listed == wanted {
        return Ok(Replaced::Same);
    }
    for index in &own {
        symbols[index * SYMBOL..(index + 1) * SYMBOL].fill(0);
    }
    free.splice(0..0, own);
    let mut used = names.iter().rposition(|byte| *byte != 0).map_or(1, |last| last + 2);
    let mut free = free.into_iter();
    for function in functions {
        let (Some(index), true) = (free.next(), used + function.name.len() < names.len()) else {
            return Ok(Replaced::Full);
        };
        names[used..used + function.name.len()].copy_from_slice(function.name);
        symbols[index * SYMBOL..(index + 1) * SYMBOL].copy_from_slice(&symbol(used as u32, &function));
        used += function.name.len() + 1;
    }
    Ok(Replaced::Changed)
}

/// Finds the tables of a file that [`assemble`] made.
fn extent(file: &[u8]) -> Option<Extent> {
    let word = |at: usize| Some(u64::from_le_bytes(file.get(at..at + 8)?.try_into().ok()?) as usize);
    let headers = word(40)?;
    let (symbols, names) = (headers + 2 * 64, headers + 3 * 64);
    let extent = Extent {
        symbols: word(symbols + 24)?,
        names: word(names + 24)?,
        end: word(names + 24)?.checked_add(word(names + 32)?)?,
    };
    let in_order = TABLE <= extent.symbols && extent.symbols <= extent.names && extent.end <= file.len();
    in_order.then_some(extent)
}
