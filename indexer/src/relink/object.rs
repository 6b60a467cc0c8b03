//! What a changed object is to the tables of the plan, and to those of the dynamic linker.

use super::editor::Editor;
use super::place::blocks_of;
use crate::args::Request;
use crate::object as reader;
use crate::resolve::needs::used_by;
use crate::synth::{RELA, rela};
use anyhow::{Context, Result};
use shared::ImageAddr;
use shared::edit::Kind;
use shared::plan::{Slot, slot};
use shared::pod::{Pod, Span};
use shared::record::{GlobalRec, ObjectView, SymRef, uses};

/// The inner error is a reason for a full link.
pub type Attempt = Result<Result<(), String>>;

/// Tells `.dynsym` the sizes of the symbols that the object defines: `dladdr` goes by them.
pub fn set_sizes(editor: &mut Editor, number: u32, new: &ObjectView<'_>, bindings: &[u32]) -> Result<()> {
    let mut sizes = Vec::new();
    for (global, id) in new.globals.iter().zip(bindings) {
        let slot = editor.view()?.slots[*id as usize];
        let exported = slot.flags & slot::EXPORTED != 0 && slot.object == number && global.is_definition();
        if exported && let Some(name) = editor.find(global.hash).filter(|name| name.dynamic != 0) {
            sizes.push((name.dynamic, global.size));
        }
    }
    let Some(table) = editor.own_bytes(b".dynsym")? else { return Ok(()) };
    let field = |dynamic: u32| dynamic as usize * 24 + 16;
    let differs = |(dynamic, size): &(u32, u64)| {
        let at = field(*dynamic);
        table.get(at..at + 8).is_some_and(|field| field != size.to_le_bytes())
    };
    sizes.retain(differs);
    // Copying the record costs more than looking.
    let Some((section, mut record)) =
        (!sizes.is_empty()).then(|| editor.own_section(b".dynsym")).transpose()?.flatten()
    else {
        return Ok(());
    };
    for (dynamic, size) in &sizes {
        let at = section.data as usize + field(*dynamic);
        record[at..at + 8].copy_from_slice(&size.to_le_bytes());
    }
    editor.set_own(record)?;
    let place = editor.own_place(b".dynsym")?;
    for (dynamic, _) in sizes {
        editor.touch(place + field(dynamic) as u64, 8);
    }
    Ok(())
}

/// Whether a section of the record is part of the program.
pub fn is_live(view: &ObjectView<'_>, kept: &[bool], section: u32) -> bool {
    let group = view.sections.get(section as usize).map_or(0, |section| section.group);
    group == 0 || kept.get(group as usize - 1).copied().unwrap_or(true)
}

/// Whether the record defines this global for the program: not in a group that another object provides.
pub fn defines(view: &ObjectView<'_>, kept: &[bool], global: &GlobalRec) -> bool {
    global.is_definition() && (global.section >= GlobalRec::DISCARDED || is_live(view, kept, global.section))
}

/// Whether the image has something at a slot.
pub fn is_defined(slot: &Slot) -> bool {
    slot.flags & (slot::NEAR | slot::ABSOLUTE | slot::INTERPOSABLE) != 0
}

/// Writes an object's records of a table where it has room for so many (`place`), or else behind what is in use.
/// Returns where they start; `None`: the table is full.
pub fn put_records<T: Pod>(
    editor: &mut Editor,
    table: Span,
    (start, room): (u64, usize),
    used: u64,
    records: &[T],
) -> Result<Option<u64>> {
    let start = if records.len() <= room { start } else { used };
    if start + records.len() as u64 > table.count {
        return Ok(None);
    }
    for (index, record) in records.iter().enumerate() {
        editor.set(table, start + index as u64, *record)?;
    }
    Ok(Some(start))
}

/// The first of these definitions that a shared library of the link defines or refers to: the dynamic linker
/// has to know of it.
pub fn known_to_libraries(editor: &Editor, added: &[u64]) -> Result<Option<&'static [u8]>> {
    if added.is_empty() {
        return Ok(None);
    }
    let symbols = editor.shared_libraries()?.iter().flat_map(|library| &library.symbols);
    let known = |name: &&[u8]| added.contains(&reader::name_hash(name));
    Ok(symbols.map(|symbol| symbol.name).find(known))
}

/// Whether a slot has what the object wants of it.
pub fn offers(slot: &Slot, global: &GlobalRec, request: &Request) -> bool {
    let uses = used_by(request, global.uses);
    let has = |flag: u32| slot.flags & flag != 0;
    let used = |mask: u32| uses & mask != 0;
    let near = has(slot::NEAR);
    let constant = has(slot::ABSOLUTE);
    let import = has(slot::IMPORT);
    let absent = has(slot::ABSENT) && !(request.shared && import);
    let bound = slot.got != 0;
    let wanted = global.section == GlobalRec::UNDEFINED && global.binding != ::object::elf::STB_WEAK;
    let direct = uses::PC_RELATIVE | uses::ABS64_READ_ONLY | uses::ABS32;
    let fixed = uses::ABS32 | uses::ABS64_READ_ONLY | uses::TLS_LOCAL;
    if request.shared {
        let initial = uses::TLS_INITIAL | uses::TLS_INITIAL_FIXED;
        let entries = (!used(initial) || has(slot::GOT_OFFSET))
            && (!used(uses::TLS_DYNAMIC) || has(slot::GOT_PAIR))
            && (!used(uses::TLS_DESCRIPTOR) || has(slot::GOT_DESCRIPTOR));
        let plt = near || constant || absent || has(slot::PLT);
        return entries
            && (!used(fixed) || constant)
            && (!used(uses::CALL) || plt)
            && (!used(uses::GOT) || bound)
            && (!used(uses::GOT_RELAXABLE) || near || bound)
            && (!used(uses::PC_RELATIVE) || near || constant || absent);
    }
    (!used(uses::GOT | uses::TLS_INITIAL_FIXED) || bound)
        && (!used(uses::GOT_RELAXABLE | uses::TLS_INITIAL | uses::TLS_DYNAMIC) || near || bound)
        && (!used(uses::CALL) || near || has(slot::PLT) || constant || absent)
        && (!used(direct) || near || constant || absent)
        && (!used(uses::TLS_LOCAL | uses::TLS_OFFSET) || near)
        && (!used(uses::ABS32) || !request.pie || constant || absent)
        && (!absent || !wanted || !used(uses::REFERRED))
}

/// Lists the imported addresses in the object's data in `.rela.dyn`, in place of those that were there.
pub fn relocate_data(editor: &mut Editor, number: u32, new: &ObjectView<'_>, bindings: &[u32]) -> Attempt {
    let names = editor.names().0;
    let view = editor.view()?;
    let mut wanted = Vec::new();
    for (index, section) in new.sections.iter().enumerate() {
        let placement = view.placement(number, index as u32).context("the plan has no such section")?;
        if !placement.is_live() {
            continue;
        }
        for edit in new.edits_of(section) {
            let symref = new.symrefs.get(edit.symbol() as usize).context("a record contradicts itself")?;
            if symref.section != SymRef::GLOBAL || Kind::from_number(edit.kind_number()) != Some(Kind::Abs64)
            {
                continue;
            }
            let slot = bindings[symref.global as usize];
            if view.slots[slot as usize].flags & slot::IMPORT == 0 {
                continue;
            }
            let dynamic = editor.dynamic_number(slot);
            if dynamic == 0 {
                full!("it takes the address of an import that was only called");
            }
            let place = placement.addr() + u64::from(edit.offset);
            wanted.push(rela(place, dynamic, ::object::elf::R_X86_64_64, edit.addend));
        }
    }
    if names.rela_size == 0 {
        return Ok(if wanted.is_empty() { Ok(()) } else { Err("it needs dynamic relocations".to_owned()) });
    }
    let mut table = editor.own_bytes(b".rela.dyn")?.context("no .rela.dyn")?.to_vec();
    let own = own_places(editor, number, new)?;
    let before = table.clone();
    let mut wanted = wanted.into_iter();
    let is_own = |entry: &[u8]| {
        let place = u64::from_le_bytes(entry[..8].try_into().unwrap_or_default());
        let kind = u32::from_le_bytes(entry[8..12].try_into().unwrap_or_default());
        kind == ::object::elf::R_X86_64_64 && own.iter().any(|(start, end)| (*start..*end).contains(&place))
    };
    let is_free = |entry: &[u8]| entry[8..12] == [0; 4];
    for entry in table.chunks_exact_mut(RELA as usize).filter(|entry| is_own(entry)) {
        entry.copy_from_slice(&wanted.next().unwrap_or([0; RELA as usize]));
    }
    for entry in table.chunks_exact_mut(RELA as usize).filter(|entry| is_free(entry)) {
        let Some(next) = wanted.next() else { break };
        entry.copy_from_slice(&next);
    }
    if wanted.next().is_some() {
        full!("the table of dynamic relocations is full");
    }
    if table == before {
        return Ok(Ok(()));
    }
    // The linker's own record is copied with this one section changed.
    let (section, mut record) = editor.own_section(b".rela.dyn")?.context("no .rela.dyn")?;
    record[section.data as usize..(section.data + section.size) as usize].copy_from_slice(&table);
    editor.set_own(record)?;
    editor.touch(ImageAddr(names.rela_addr), names.rela_size);
    Ok(Ok(()))
}

/// Address ranges of the object's sections, as they are and as they were: nobody else's data is there.
fn own_places(editor: &Editor, number: u32, new: &ObjectView<'_>) -> Result<Vec<(u64, u64)>> {
    let mut places = editor.left_by(number);
    for (_, place) in blocks_of(&editor.view()?, number, new) {
        places.push((place.addr.0, (place.addr + place.capacity).0));
    }
    Ok(places)
}
