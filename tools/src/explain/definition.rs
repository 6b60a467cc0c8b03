//! Why a name means what it means: who else defines it, by which rule one of them won, and what was made for it.
//!
//! The names of an object are in its record, and what each came to is in the plan. So the rules of the resolution
//! (`indexer/src/resolve`) are gone through again for this name alone.

use super::program::{Library, Mention, Program, readable};
use crate::out;
use indexer::inputs::archive::Archive;
use indexer::inputs::mapped::{self, Fingerprint};
use indexer::inputs::shared::SharedSymbol;
use indexer::object::{name_hash, show};
use object::elf;
use rayon::prelude::*;
use serde::Serialize;
use shared::plan::{PLT_ENTRY, Slot, slot};
use shared::record::{GlobalRec, uses};

/// What a name is bound to, and why.
#[derive(Debug, Serialize)]
pub struct Binding {
    /// `object`, `common`, `library`, `linker`, `none`.
    pub by: &'static str,
    pub why: String,
    /// The shared library that defines it.
    pub library: Option<String>,
    pub version: Option<String>,
    /// Everybody who defines it, in the order of the command line.
    pub candidates: Vec<Candidate>,
    /// Archive members that define it too and were not loaded.
    pub not_loaded: Vec<String>,
    /// Other shared libraries that define it.
    pub other_libraries: Vec<String>,
    pub exported: bool,
    pub imported: bool,
    /// Others may define it before the image does.
    pub interposable: bool,
    /// Addresses of what the linker has made for it.
    pub got: Option<u64>,
    pub plt: Option<u64>,
    pub copy: Option<u64>,
}

/// A definition.
#[derive(Debug, Serialize)]
pub struct Candidate {
    pub object: String,
    /// `strong`, `weak`, `common`.
    pub kind: &'static str,
    pub size: u64,
    /// It is the one that the name means.
    pub taken: bool,
    /// The COMDAT group that it is in.
    pub group: Option<String>,
    /// The group was kept from another object.
    pub discarded: bool,
}

/// A COMDAT group: of all groups with one signature, the first on the command line is kept.
#[derive(Debug, Serialize)]
pub struct Group {
    pub signature: String,
    pub kept_from: String,
    pub discarded: Vec<String>,
}

/// Why a slot stands for what it stands for.
pub fn binding(program: &Program, number: u32, slot: &Slot, name: &'static [u8]) -> Binding {
    let mentions = program.mentions(number);
    let candidates: Vec<(Mention, Candidate)> =
        mentions.iter().filter_map(|mention| Some((*mention, candidate(program, *mention, slot)?))).collect();
    let defining: Vec<(&Library, String)> =
        program.libraries().iter().filter_map(|library| Some((library, defines(library, name)?))).collect();
    let has = |bits: u32| slot.flags & bits != 0;
    let taken = candidates.iter().find(|(_, candidate)| candidate.taken).map(|(mention, _)| *mention);
    let (by, why) = match taken {
        Some(_) if candidates.iter().any(|(_, candidate)| candidate.taken && candidate.kind == "common") => {
            ("common", of_common(&candidates))
        }
        Some(winner) => ("object", of_object(program, winner, &candidates, defining.len())),
        None => elsewhere(program, &mentions, slot, &defining),
    };
    let imported = by == "library" || by == "none" && has(slot::IMPORT | slot::PLT | slot::COPY);
    let library = defining.first().filter(|_| imported);
    let copy = has(slot::COPY).then_some(slot.value);
    let interposable = has(slot::INTERPOSABLE);
    let plt = match slot.plt.checked_sub(1) {
        Some(entry) => Some((program.plan.header.plt + PLT_ENTRY * u64::from(entry)).0),
        None => has(slot::PLT).then_some(slot.value),
    };
    let exported = has(slot::EXPORTED);
    let own_version = taken.and_then(|mention| {
        let record = program.record(mention.object)?;
        let version = record.versions.iter().find(|version| version.global == mention.global)?;
        let default = if version.is_default != 0 { "@" } else { "" };
        Some(format!("{default}{}", show(record.string(version.version))))
    });
    let others = defining.iter().skip(usize::from(imported)).map(|(library, _)| out::path(&library.path));
    Binding {
        by,
        why,
        library: library.map(|(library, _)| out::path(&library.path)),
        version: library
            .and_then(|(_, version)| Some(version.clone()).filter(|version| !version.is_empty()))
            .or(own_version)
            .or_else(|| exported_version(program, name).filter(|_| exported && !imported)),
        not_loaded: if by == "none" || imported { Vec::new() } else { not_loaded(program, name) },
        other_libraries: others.collect(),
        candidates: candidates.into_iter().map(|(_, candidate)| candidate).collect(),
        exported,
        imported,
        interposable,
        got: slot.got.checked_sub(1).map(|entry| program.plan.got_entry(entry).0),
        plt,
        copy,
    }
}

/// What a mention defines, if it is a definition.
fn candidate(program: &Program, mention: Mention, slot: &Slot) -> Option<Candidate> {
    let (record, global) = program.global(mention)?;
    if !global.is_definition() {
        return None;
    }
    let group = record.sections.get(global.section as usize).and_then(|section| {
        let group = record.groups.get((section.group as usize).checked_sub(1)?)?;
        Some(show(record.string(group.signature)).into_owned())
    });
    let placement = program.plan.placement(mention.object, global.section);
    let discarded = global.section < GlobalRec::DISCARDED && !placement.is_some_and(|place| place.is_live());
    Some(Candidate {
        object: program.object_name(mention.object),
        kind: match () {
            () if global.section == GlobalRec::COMMON => "common",
            () if global.binding == elf::STB_WEAK => "weak",
            () => "strong",
        },
        size: global.size,
        taken: (slot.object, slot.global) == (mention.object, mention.global)
            && slot.flags & slot::COPY == 0
            && !discarded,
        group,
        discarded,
    })
}

/// Of all common symbols of a name there is one, as large as the largest wish.
fn of_common(candidates: &[(Mention, Candidate)]) -> String {
    let commons = candidates.iter().filter(|(_, candidate)| candidate.kind == "common");
    let largest =
        commons.clone().max_by_key(|(mention, candidate)| (candidate.size, u32::MAX - mention.object));
    match (commons.count(), largest) {
        (1, _) => "a common symbol, which nobody gives a value".to_owned(),
        (count, Some((_, largest))) => format!(
            "{count} common symbols, which nobody gives a value, are one of the largest size: {} bytes, as {} has it",
            largest.size, largest.object
        ),
        (_, None) => "a common symbol".to_owned(),
    }
}

/// Why a definition in an object won.
fn of_object(
    program: &Program,
    winner: Mention,
    candidates: &[(Mention, Candidate)],
    libraries: usize,
) -> String {
    let Some((_, won)) = candidates.iter().find(|(mention, _)| *mention == winner) else {
        return String::new();
    };
    let others: Vec<&(Mention, Candidate)> =
        candidates.iter().filter(|(mention, _)| *mention != winner).collect();
    let count =
        |kind: &str| others.iter().filter(|(_, other)| other.kind == kind && !other.discarded).count();
    let discarded = others.iter().filter(|(_, other)| other.discarded).count();
    let mut reasons = Vec::new();
    if discarded != 0 {
        let group = won.group.as_deref().map_or(String::new(), |group| format!(" {}", readable(group)));
        reasons.push(format!(
            "the first object on the command line with the COMDAT group{group}; {discarded} discarded"
        ));
    }
    let before = others
        .iter()
        .filter(|(mention, _)| program.position(mention.object) < program.position(winner.object))
        .count();
    match (won.kind, count("strong"), count("weak"), count("common")) {
        (_, 0, 0, 0) => {}
        ("strong", 0, weak, common) => {
            let mut lesser = Vec::new();
            lesser.extend((weak != 0).then(|| format!("{weak} weak")));
            lesser.extend((common != 0).then(|| format!("{common} common")));
            reasons.push(format!("strong: it goes before {}", lesser.join(" and ")));
        }
        ("strong", strong, ..) if before == 0 => {
            reasons.push(format!("the first of {} strong ones (--allow-multiple-definition)", strong + 1));
        }
        ("weak", 0, weak, _) => reasons.push(format!("the first of {} weak ones", weak + 1)),
        _ => reasons.push("the first on the command line".to_owned()),
    }
    if reasons.is_empty() {
        reasons.push("the only definition in the program".to_owned());
    }
    if libraries != 0 {
        let several = if libraries == 1 { "a shared library" } else { "shared libraries" };
        reasons.push(format!("objects go before {several}, which define it too"));
    }
    reasons.join("; ")
}

/// What a name comes to that no object defines.
fn elsewhere(
    program: &Program,
    mentions: &[Mention],
    slot: &Slot,
    libraries: &[(&Library, String)],
) -> (&'static str, String) {
    let has = |bits: u32| slot.flags & bits != 0;
    let by_linker = slot.value != 0 && !has(slot::PLT | slot::COPY | slot::IMPORT);
    if by_linker || has(slot::ABSOLUTE) {
        return ("linker", "the linker defines it: one of its own symbols, or --defsym".to_owned());
    }
    if let Some((library, _)) = libraries.first() {
        let name = library.path.display();
        let first = if libraries.len() == 1 { "" } else { ", the first of those that do," };
        let how = match () {
            () if has(slot::COPY) => format!(
                "; the program uses its address as one of its own ({}), so it is copied into the program",
                users(program, mentions, uses::PC_RELATIVE | uses::ABS32 | uses::ABS64_READ_ONLY)
            ),
            () if has(slot::PLT) && has(slot::NEAR) => {
                "; the program takes its address, so its PLT entry stands for it everywhere".to_owned()
            }
            () => String::new(),
        };
        return ("library", format!("no object defines it, and {name}{first} does{how}"));
    }
    let unread = program.libraries().iter().filter(|library| library.read.is_none()).count();
    match has(slot::PLT | slot::COPY | slot::IMPORT) {
        true if unread != 0 => {
            let text = format!(
                "a shared library defines it; not known which, for {unread} of them changed since the link"
            );
            ("library", text)
        }
        true => {
            let text =
                "nobody that the link saw defines it; the dynamic linker looks again when the program runs";
            ("none", text.to_owned())
        }
        false if has(slot::ABSENT) => {
            let text = "nobody defines it, and nobody needs it: all references are weak, or of dead code";
            ("none", text.to_owned())
        }
        false => ("none", "nobody defines it".to_owned()),
    }
}

/// The first object that uses a symbol in one of these ways.
fn users(program: &Program, mentions: &[Mention], bits: u32) -> String {
    let is_user =
        |mention: &&Mention| program.global(**mention).is_some_and(|(_, global)| global.uses & bits != 0);
    mentions.iter().find(is_user).map_or("-".to_owned(), |mention| program.object_name(mention.object))
}

/// The symbol that the first shared library which defines a name has.
pub fn in_library<'a>(program: &'a Program, name: &[u8]) -> Option<&'a SharedSymbol> {
    program.libraries().iter().find_map(|library| Some(symbol_of(library, name)?.1))
}

/// Whether a library defines a name, which may be `name@version`: the version, which may be empty.
fn defines(library: &Library, name: &[u8]) -> Option<String> {
    symbol_of(library, name).map(|(version, _)| version)
}

fn symbol_of<'a>(library: &'a Library, name: &[u8]) -> Option<(String, &'a SharedSymbol)> {
    let (plain, version) = match name.iter().position(|byte| *byte == b'@').filter(|at| *at > 0) {
        Some(at) => (&name[..at], Some(&name[at + 1..])),
        None => (name, None),
    };
    let symbols = &library.read.as_ref()?.symbols;
    let found = symbols.iter().find(|symbol| {
        !symbol.is_undefined
            && symbol.name == plain
            && version.map_or(symbol.is_default, |version| symbol.version.unwrap_or_default() == version)
    })?;
    Some((show(found.version.unwrap_or_default()).into_owned(), found))
}

/// The version under which the output exports a name, as a version script gives it.
fn exported_version(program: &Program, name: &[u8]) -> Option<String> {
    let written = indexer::library::written(&program.executable.folder)?;
    let (bytes, print) = mapped::map(&program.app).ok()?;
    if !written.may_be(&print) {
        return None;
    }
    let own = indexer::inputs::shared::read(bytes, b"").ok()?;
    let found = own.symbols.iter().find(|symbol| !symbol.is_undefined && symbol.name == name)?;
    let default = if found.is_default { "@" } else { "" };
    Some(format!("{default}{}", show(found.version?)))
}

/// Members of the program's archives that define a name and are not part of the program.
fn not_loaded(program: &Program, name: &'static [u8]) -> Vec<String> {
    let files: Vec<_> = program.state.files().zip(0u32..).filter(|(file, _)| file.is_archive()).collect();
    let of_archive = |(file, number): &(indexer::index::state::File<'_>, u32)| {
        let same = Fingerprint::at(file.path).is_some_and(|now| file.fingerprint.may_be(&now));
        let found = || -> anyhow::Result<Vec<String>> {
            let archive = Archive::parse(mapped::map(file.path)?.0, file.path)?;
            let symbols = archive.symbols()?.unwrap_or_default();
            let mut offsets: Vec<u64> =
                symbols.into_iter().filter(|(symbol, _)| *symbol == name).map(|(_, offset)| offset).collect();
            offsets.dedup();
            let is_loaded = |offset: u64| {
                program.state.objects().any(|object| object.file == *number && object.offset == offset)
            };
            let mut found = Vec::new();
            for offset in offsets.into_iter().filter(|offset| !is_loaded(*offset)) {
                let member = archive.member_at(offset)?;
                found.push(indexer::message::input_name(file.path, &member.name));
            }
            Ok(found)
        };
        if same { found().unwrap_or_default() } else { Vec::new() }
    };
    files.par_iter().flat_map_iter(of_archive).collect()
}

/// The group that a section belongs to.
pub fn group(program: &Program, object: u32, section: u32) -> Option<Group> {
    let (record, rec) = program.section(object, section)?;
    let group = record.groups.get((rec.group as usize).checked_sub(1)?)?;
    let all = program.groups(group.hash);
    let (kept, discarded) = all.split_first()?;
    Some(Group {
        signature: readable(&show(record.string(group.signature))),
        kept_from: program.object_name(*kept),
        discarded: discarded.iter().map(|object| program.object_name(*object)).collect(),
    })
}

/// Why an object is part of the program.
#[derive(Debug, Serialize)]
pub struct Loaded {
    pub text: String,
    /// The symbol that was asked for first, and who asked.
    pub symbol: Option<String>,
    pub by: Option<String>,
}

pub fn loaded(program: &Program, object: u32) -> Loaded {
    let plain = |text: &str| Loaded { text: text.to_owned(), symbol: None, by: None };
    if object == program.own() {
        return plain("the linker makes it");
    }
    let Some(needed) = &program.needed else {
        return plain("not known: the list of reasons in the index is damaged; link again");
    };
    let Some((by, hash)) = needed.reason(object) else {
        let is_member = program.file_of(object).is_some_and(|(_, member)| !member.is_empty());
        return plain(match is_member {
            true => "all of its archive is loaded (--whole-archive)",
            false => "it is named on the command line",
        });
    };
    let name_of = |object: u32| {
        let record = program.record(object)?;
        let global = record.globals.iter().find(|global| global.hash == hash && global.name.len != 0)?;
        Some(show(record.string(global.name)).into_owned())
    };
    let Some(name) = name_of(object) else {
        return plain("not known: the name that asked for it is not one of its own");
    };
    let symbol = readable(&name);
    let (text, by) = match by {
        Some(by) => {
            let asker = program.object_name(by);
            (format!("{asker} asked for {symbol} first"), Some(asker))
        }
        None => (format!("{} asked for {symbol}", asker(program, &name)), None),
    };
    Loaded { text, symbol: Some(symbol), by }
}

/// Who wants a name that no object has asked for.
fn asker(program: &Program, name: &str) -> String {
    let hash = name_hash(name.as_bytes());
    let is_common = |object: &u32| {
        program.record(*object).is_some_and(|record| {
            record.globals.iter().any(|global| global.hash == hash && global.section == GlobalRec::COMMON)
        })
    };
    if let Some(object) = program.live().into_par_iter().find_first(is_common) {
        return format!("{}, whose common symbol it gives a value,", program.object_name(object));
    }
    let wants = |library: &&Library| {
        let symbols = library.read.as_ref().map_or(&[][..], |read| &read.symbols);
        symbols.iter().any(|symbol| symbol.is_wanted() && symbol.name == name.as_bytes())
    };
    match program.libraries().iter().find(wants) {
        Some(library) => format!("the shared library {}", library.path.display()),
        None => "the command line (the entry point, -u, --defsym)".to_owned(),
    }
}
