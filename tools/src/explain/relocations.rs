//! What code and data refer to, and who refers to them.

use super::program::{Mention, Program, Spot, readable, symbol_at, symbols_in};
use super::source;
use iced_x86::{Decoder, DecoderOptions};
use indexer::message::relocation_name;
use indexer::object::show;
use object::elf;
use rayon::prelude::*;
use serde::Serialize;
use shared::ImageAddr;
use shared::edit::{Kind, Target, evaluate};
use shared::plan::slot;
use shared::record::{Edit, ObjectView, SectionRec, SymRef};
use shared::render;
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

/// The first of a list, and how many there are.
#[derive(Debug, Serialize)]
pub struct Listed<T> {
    pub count: usize,
    pub shown: Vec<T>,
}

/// A relocation of the subject.
#[derive(Debug, Serialize)]
pub struct Relocation {
    /// In bytes from the start of the symbol, or of the section.
    pub offset: u64,
    pub address: Option<u64>,
    /// The psABI's name.
    pub kind: &'static str,
    /// The name of what it refers to: a symbol, or section and offset in its object.
    pub target: String,
    pub addend: i64,
    pub target_address: Option<u64>,
    /// What the linker made of it.
    pub resolved: String,
}

/// A relocation elsewhere that refers to the subject.
#[derive(Debug, Serialize)]
pub struct Reference {
    pub object: String,
    pub section: String,
    pub offset: u64,
    pub address: Option<u64>,
    pub function: Option<String>,
    /// `None`: a call or a jump inside of a section, which needs no relocation.
    pub kind: Option<&'static str>,
}

/// A part of a section.
#[derive(Clone, Debug)]
pub struct Part {
    pub object: u32,
    pub section: u32,
    pub range: Range<u64>,
}

/// Where the instructions of a part of a section end, by the fields that they have.
struct Instructions {
    /// First byte -> length.
    starts: BTreeMap<u64, u64>,
}

impl Instructions {
    fn of(record: &ObjectView<'_>, section: &SectionRec, range: &Range<u64>) -> Self {
        let mut starts = BTreeMap::new();
        let is_code = section.flags & elf::SHF_EXECINSTR != 0;
        let bytes = record.data(section).get(range.start as usize..range.end as usize);
        if let Some(bytes) = bytes.filter(|_| is_code) {
            let mut decoder = Decoder::with_ip(64, bytes, range.start, DecoderOptions::NONE);
            while decoder.can_decode() {
                let instruction = decoder.decode();
                if instruction.is_invalid() {
                    // What follows may be read out of step.
                    break;
                }
                starts.insert(instruction.ip(), instruction.len() as u64);
            }
        }
        Self { starts }
    }

    /// The instruction that a field at `offset` belongs to: where it begins, and where the next one does.
    fn around(&self, offset: u64) -> Option<(u64, u64)> {
        let (start, len) = self.starts.range(..=offset).next_back()?;
        (offset < start + len).then_some((*start, start + len))
    }
}

/// Whether the field is relative to its place, so that its addend counts from the end of the instruction.
fn is_relative(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Pc32
            | Kind::Call
            | Kind::GotPcRel
            | Kind::GotMov
            | Kind::GotCall
            | Kind::GotJmp
            | Kind::TlsCall
            | Kind::TlsCallIndirect
            | Kind::GotTpOff
            | Kind::GotTpOffMov
            | Kind::GotTpOffAdd
            | Kind::TlsGd
            | Kind::TlsLd
            | Kind::TlsLdIndirect
            | Kind::TlsDescLea
    )
}

/// How many bytes behind a symbol an edit means. `None`: the field is relative to an instruction that cannot be read.
fn displacement(kind: Kind, edit: &Edit, instructions: &Instructions, is_code: bool) -> Option<i64> {
    if !is_relative(kind) || !is_code {
        return Some(edit.addend);
    }
    let offset = u64::from(edit.offset);
    let (_, next) = instructions.around(offset)?;
    Some(edit.addend.wrapping_add_unsigned(next - offset))
}

/// The relocations of a part of a section.
pub fn out(program: &Program, part: &Part, limit: usize) -> Option<Listed<Relocation>> {
    let (record, section) = program.section(part.object, part.section)?;
    let instructions = Instructions::of(&record, section, &part.range);
    let edits: Vec<&Edit> =
        record.edits_of(section).iter().filter(|edit| part.range.contains(&u64::from(edit.offset))).collect();
    let shown = edits
        .iter()
        .take(limit)
        .filter_map(|edit| relocation(program, part, &record, section, edit, &instructions));
    Some(Listed { count: edits.len(), shown: shown.collect() })
}

fn relocation(
    program: &Program,
    part: &Part,
    record: &ObjectView<'static>,
    section: &SectionRec,
    edit: &Edit,
    instructions: &Instructions,
) -> Option<Relocation> {
    let kind = Kind::from_number(edit.kind_number())?;
    let symref = record.symrefs.get(edit.symbol() as usize)?;
    let offset = u64::from(edit.offset);
    let address = program.address(Spot { object: part.object, section: part.section, offset });
    let is_code = section.flags & elf::SHF_EXECINSTR != 0;
    let displacement = displacement(kind, edit, instructions, is_code);
    let target = render::target(&program.plan, program.objects, part.object, symref).ok();
    let shown = target.as_ref().filter(|target| !target.absent || target.value != 0);
    let target_address = shown
        .and_then(|target| Some(target.value.wrapping_add_signed(displacement?)))
        .filter(|value| *value != 0);
    let resolved = match (&target, address) {
        (None, _) => "not known: the record is damaged".to_owned(),
        (_, None) => "nowhere: the section is not part of the program".to_owned(),
        (Some(target), Some(address)) => {
            let data = record.data(section);
            let slot = program.slot_of_symref(part.object, symref);
            let written = evaluate(
                kind,
                ImageAddr(address),
                edit.addend,
                target,
                &render::frame(&program.plan),
                data,
                edit.offset as usize,
            );
            match written {
                Ok(_) => resolved(kind, target, slot, program.is_library()),
                Err(error) => format!("cannot be done: {error:?}"),
            }
        }
    };
    let start = instructions.around(offset).map(|(start, _)| start);
    Some(Relocation {
        offset: offset - part.range.start,
        address,
        kind: psabi_name(kind, start.map(|start| offset - start)),
        target: target_name(program, part.object, record, symref, displacement),
        addend: edit.addend,
        target_address,
        resolved,
    })
}

/// The psABI's name of a relocation. `into`: how far into its instruction the field is: REX prefixes have a kind of their own.
fn psabi_name(kind: Kind, into: Option<u64>) -> &'static str {
    match (kind, into) {
        (Kind::GotMov, Some(2)) => "R_X86_64_GOTPCRELX",
        _ => relocation_name(kind),
    }
}

/// What the linker made of an edit, in words.
fn resolved(kind: Kind, target: &Target, slot: u32, is_library: bool) -> String {
    let got = |what: &str| match target.got {
        Some(entry) => format!("{what} at {:#x}", entry.0),
        None => what.to_owned(),
    };
    let near = target.near;
    let through = |what: &str| {
        format!("{what} through the PLT entry at {:#x}", target.plt.map_or(target.value, |plt| plt.0))
    };
    let text = match kind {
        Kind::Abs64 if target.import => "left to the dynamic linker",
        _ if target.absent && target.value == 0 && !is_library => "0: nobody defines it",
        Kind::Abs64 | Kind::Own64 if is_library && (near || slot & slot::INTERPOSABLE != 0) => {
            "relocated by the dynamic linker"
        }
        Kind::GotMov if near => "relaxed: lea instead of a load from the GOT",
        Kind::GotCall if near => "relaxed: a direct call instead of one through the GOT",
        Kind::GotJmp if near => "relaxed: a direct jump instead of one through the GOT",
        Kind::GotTpOffMov if near => "relaxed: initial exec to local exec, mov $offset",
        Kind::GotTpOffAdd if near => "relaxed: initial exec to local exec, add $offset",
        Kind::GotTpOffMov | Kind::GotTpOffAdd | Kind::GotTpOff => {
            return got("its offset from the thread pointer is loaded from the GOT entry");
        }
        Kind::TlsGd if is_library => "general dynamic: the GOT has module and offset",
        Kind::TlsGd if near => "relaxed: general dynamic to local exec",
        Kind::TlsGd => return got("relaxed: general dynamic to initial exec, GOT entry"),
        Kind::TlsLd | Kind::TlsLdIndirect if is_library => "local dynamic: the GOT has the module",
        Kind::TlsLd | Kind::TlsLdIndirect => "relaxed: local dynamic to local exec",
        Kind::TlsDescLea if is_library => "a descriptor in the GOT",
        Kind::TlsDescLea if near => "relaxed: descriptor to local exec",
        Kind::TlsDescLea => return got("relaxed: descriptor to initial exec, GOT entry"),
        Kind::TlsDescCall if is_library => "calls the descriptor's function",
        Kind::TlsDescCall => "relaxed: nop instead of the descriptor's call",
        Kind::TlsCall | Kind::TlsCallIndirect if !is_library => {
            "overwritten by the relaxed sequence in front of it"
        }
        Kind::DtpOff32 | Kind::DtpOff64 if !is_library => "relaxed: offset from the thread pointer",
        Kind::DtpOff32 | Kind::DtpOff64 => "offset in the module's thread-local block",
        Kind::TpOff32 | Kind::TpOff64 => "offset from the thread pointer",
        Kind::GotPcRel
        | Kind::GotMov
        | Kind::GotCall
        | Kind::GotJmp
        | Kind::GotPcRel64
        | Kind::Got64
        | Kind::TlsCallIndirect => {
            return got("through the GOT entry");
        }
        Kind::GotOff64 | Kind::GotPc32 | Kind::GotPc64 => "relative to the GOT",
        Kind::Call | Kind::Pc32 | Kind::PltOff64 | Kind::TlsCall
            if target.plt.is_some() || slot & slot::PLT != 0 =>
        {
            return through("goes");
        }
        Kind::Call => "direct",
        _ if slot & slot::COPY != 0 => "the copy in the program",
        _ => "address",
    };
    text.to_owned()
}

/// The name of what an edit refers to.
fn target_name(
    program: &Program,
    object: u32,
    record: &ObjectView<'static>,
    symref: &SymRef,
    displacement: Option<i64>,
) -> String {
    let more = |name: String, offset: i64| match offset {
        0 => name,
        offset if offset < 0 => format!("{name}-{:#x}", offset.unsigned_abs()),
        offset => format!("{name}+{offset:#x}"),
    };
    match symref.section {
        SymRef::GLOBAL => {
            let name = record
                .globals
                .get(symref.global as usize)
                .map_or(&[][..], |global| record.string(global.name));
            let name = match name {
                b"" => "a local symbol".to_owned(),
                name => readable(&show(name)),
            };
            more(name, displacement.unwrap_or(0))
        }
        SymRef::ABSOLUTE => more(format!("{:#x}", symref.value), displacement.unwrap_or(0)),
        SymRef::DISCARDED => "a section that is not part of programs".to_owned(),
        section => {
            let name = program.section_name(object, section);
            let Some(displacement) = displacement else { return name };
            let offset = symref.value.wrapping_add_signed(displacement);
            let symbols = symbols_in(record, section);
            let covering =
                symbol_at(&symbols, offset).filter(|symbol| offset - symbol.value < symbol.size.max(1));
            match covering.cloned().or_else(|| source::local(program, object, section, offset)) {
                Some(symbol) => more(readable(&symbol.name), (offset - symbol.value) as i64),
                None => more(name, offset as i64),
            }
        }
    }
}

/// Who refers to a slot, or to a part of a section from inside of its object; by their places in the program.
pub fn into(program: &Program, slot: Option<u32>, part: Option<&Part>, limit: usize) -> Listed<Reference> {
    let mut wanted: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for mention in slot.map(|slot| program.mentions(slot)).unwrap_or_default() {
        wanted.entry(mention.object).or_default().push(mention.global);
    }
    wanted
        .extend(part.filter(|part| !wanted.contains_key(&part.object)).map(|part| (part.object, Vec::new())));
    let objects: Vec<(u32, Vec<u32>)> = wanted.into_iter().collect();
    let of_object = |(object, globals): &(u32, Vec<u32>)| {
        let part = part.filter(|part| part.object == *object);
        places(program, *object, globals, part)
    };
    let mut found: Vec<(u32, Spot, Option<Kind>)> = objects.par_iter().flat_map_iter(of_object).collect();
    found.extend(part.map(|part| direct(program, part)).unwrap_or_default());
    found.sort_by_key(|(position, spot, _)| (*position, spot.section, spot.offset));
    let shown = found.iter().take(limit).map(|(_, spot, kind)| reference(program, *spot, *kind));
    Listed { count: found.len(), shown: shown.collect() }
}

/// The places of an object, as far as it is part of the program, that refer to these of its globals, or to this part of it.
/// Unwind tables refer to all code and say nothing.
fn places(
    program: &Program,
    object: u32,
    globals: &[u32],
    part: Option<&Part>,
) -> Vec<(u32, Spot, Option<Kind>)> {
    let mut found = Vec::new();
    let Some(record) = program.record(object) else { return found };
    let position = program.position(object);
    for (number, section) in (0u32..).zip(record.sections) {
        let is_live = program.plan.placement(object, number).is_some_and(|place| place.is_live());
        if !is_live || record.string(section.name) == b".eh_frame" {
            continue;
        }
        for edit in record.edits_of(section) {
            let Some(symref) = record.symrefs.get(edit.symbol() as usize) else { continue };
            let Some(kind) = Kind::from_number(edit.kind_number()) else { continue };
            let is_meant = match symref.section {
                SymRef::GLOBAL => globals.contains(&symref.global),
                target => part.is_some_and(|part| {
                    part.section == target && means(&record, number, section, edit, kind, symref, part)
                }),
            };
            if is_meant {
                let spot = Spot { object, section: number, offset: edit.offset.into() };
                found.push((position, spot, Some(kind)));
            }
        }
    }
    found
}

/// Whether an edit that refers to a section means this part of it.
fn means(
    record: &ObjectView<'static>,
    number: u32,
    section: &SectionRec,
    edit: &Edit,
    kind: Kind,
    symref: &SymRef,
    part: &Part,
) -> bool {
    let is_code = section.flags & elf::SHF_EXECINSTR != 0;
    // Most fields are the last of their instruction, and no instruction is longer than 15 bytes.
    let usual = symref.value.wrapping_add_signed(edit.addend.wrapping_add(4));
    if usual < part.range.start.saturating_sub(16) || usual > part.range.end.saturating_add(16) {
        return false;
    }
    // The function around the field: instructions are read from its start.
    let symbols = symbols_in(record, number);
    let offset = u64::from(edit.offset);
    let around = symbol_at(&symbols, offset).filter(|symbol| symbol.size != 0);
    let range =
        around.map_or(0..section.size, |symbol| symbol.value..symbol.value.saturating_add(symbol.size));
    let instructions = match is_code && is_relative(kind) {
        true => Instructions::of(record, section, &range),
        false => Instructions { starts: BTreeMap::new() },
    };
    let displacement = displacement(kind, edit, &instructions, is_code);
    part.range
        .contains(&displacement.map_or(usual, |displacement| symref.value.wrapping_add_signed(displacement)))
}

/// Calls and jumps from elsewhere in the same section, which the assembler has done without a relocation.
fn direct(program: &Program, part: &Part) -> Vec<(u32, Spot, Option<Kind>)> {
    let Some((record, section)) = program.section(part.object, part.section) else { return Vec::new() };
    if section.flags & elf::SHF_EXECINSTR == 0 {
        return Vec::new();
    }
    let fields: HashSet<u64> = record.edits_of(section).iter().map(|edit| edit.offset.into()).collect();
    let symbols = symbols_in(&record, part.section);
    let mut ranges: Vec<Range<u64>> = symbols
        .iter()
        .filter(|symbol| symbol.kind == elf::STT_FUNC && symbol.size != 0)
        .map(|symbol| symbol.value..symbol.value.saturating_add(symbol.size).min(section.size))
        .collect();
    ranges.dedup();
    let position = program.position(part.object);
    let of_function = |range: Range<u64>| {
        let mut found = Vec::new();
        let bytes = record.data(section).get(range.start as usize..range.end as usize).unwrap_or_default();
        let mut decoder = Decoder::with_ip(64, bytes, range.start, DecoderOptions::NONE);
        while range.start != part.range.start && decoder.can_decode() {
            let instruction = decoder.decode();
            if instruction.is_invalid() {
                break;
            }
            let (at, next) = (instruction.ip(), instruction.next_ip());
            let is_branch = instruction.is_call_near()
                || instruction.is_jmp_short_or_near()
                || instruction.is_jcc_short_or_near();
            if is_branch
                && part.range.contains(&instruction.near_branch_target())
                && !(at..next).any(|offset| fields.contains(&offset))
            {
                let spot = Spot { object: part.object, section: part.section, offset: at };
                found.push((position, spot, None));
            }
        }
        found
    };
    ranges.into_par_iter().flat_map_iter(of_function).collect()
}

fn reference(program: &Program, spot: Spot, kind: Option<Kind>) -> Reference {
    let function = program.record(spot.object).and_then(|record| {
        let symbols = symbols_in(&record, spot.section);
        symbol_at(&symbols, spot.offset).map(|symbol| readable(&symbol.name))
    });
    Reference {
        object: program.object_name(spot.object),
        section: program.section_name(spot.object, spot.section),
        offset: spot.offset,
        address: program.address(spot),
        function,
        kind: kind.map(relocation_name),
    }
}

impl Program {
    /// The `slot::*` bits of what a symref is bound to; none of a place in the object.
    fn slot_of_symref(&self, object: u32, symref: &SymRef) -> u32 {
        let mention = Mention { object, global: symref.global };
        match symref.section {
            SymRef::GLOBAL => {
                self.slot_number(mention).and_then(|number| self.slot(number)).map_or(0, |slot| slot.flags)
            }
            _ => 0,
        }
    }
}
