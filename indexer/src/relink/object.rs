//! Puts another record in the place of an object's.

use super::Changed;
use super::editor::Editor;
use super::place::{blocks_of, place};
use crate::args::Request;
use crate::inputs::{mapped, shared as shared_library};
use crate::object as reader;
use crate::resolve::needs::used_by;
use crate::synth::{RELA, rela};
use anyhow::{Context, Result};
use shared::ImageAddr;
use shared::edit::Kind;
use shared::plan::{HOOKS, Slot, slot};
use shared::pod::{Pod, Span};
use shared::record::{GlobalRec, NONE, ObjectView, Placement, SymRef, flag, uses};
use std::collections::{HashMap, HashSet};

/// The inner error is a reason for a full link.
pub type Attempt = Result<Result<(), String>>;

/// Replaces object `changed.object`: places its sections, binds its symbols, moves what it defines.
pub fn replace(editor: &mut Editor, request: &Request, changed: &Changed) -> Attempt {
    let number = changed.object;
    let old = editor.old_object(number).context("a record of the index is gone")?;
    let record: &'static [u8] = changed.record.clone().leak();
    let new = ObjectView::new(record).context("a new record contradicts itself")?;
    if (old.header.flags ^ new.header.flags) & flag::STACK != 0 {
        full!("it asks for another kind of stack");
    }
    if (request.pie || request.shared) && new.header.flags & flag::LOCAL_ABS32 != 0 {
        full!("it has addresses of 32 bits");
    }
    if request.shared {
        let fixed = flag::LOCAL_ABS64_READ_ONLY | flag::LOCAL_TLS;
        if new.header.flags & fixed != 0 {
            full!("its code is not position-independent");
        }
        if (old.header.flags ^ new.header.flags) & flag::PROPERTIES != 0 {
            full!("it needs other features of the processor");
        }
        if new.header.flags & flag::TLS_MODULE != 0 && editor.view()?.header.tls_module.0 == 0 {
            full!("it is the first to ask for the library's thread-local storage");
        }
    }
    let kept = step!(kept_groups(editor, number, &old, &new));
    let bindings = step!(bind(editor, request, number, &old, &new, &kept));
    let placements = step!(place(editor, number, &old, &new, &kept));
    step!(move_definitions(editor, number, &old, &new, &bindings, &placements));
    editor.fresh.insert(number, record.to_vec());
    set_sizes(editor, number, &new, &bindings)?;
    if request.shared {
        return Ok(Ok(()));
    }
    relocate_data(editor, number, &new, &bindings)
}

/// Tells `.dynsym` the sizes of the symbols that the object defines: `dladdr` goes by them.
fn set_sizes(editor: &mut Editor, number: u32, new: &ObjectView<'_>, bindings: &[u32]) -> Result<()> {
    let mut sizes = Vec::new();
    for (global, id) in new.globals.iter().zip(bindings) {
        let slot = editor.view()?.slots[*id as usize];
        let exported = slot.flags & slot::EXPORTED != 0 && slot.object == number && global.is_definition();
        if exported && let Some(name) = editor.find(global.hash).filter(|name| name.dynamic != 0) {
            sizes.push((name.dynamic, global.size));
        }
    }
    if sizes.is_empty() {
        return Ok(());
    }
    let Some((section, mut record)) = editor.own_section(b".dynsym")? else { return Ok(()) };
    let mut touched = Vec::new();
    for (dynamic, size) in sizes {
        let offset = u64::from(dynamic) * 24 + 16;
        let at = (section.data + offset) as usize;
        if let Some(field) = record.get_mut(at..at + 8).filter(|field| **field != size.to_le_bytes()) {
            field.copy_from_slice(&size.to_le_bytes());
            touched.push(offset);
        }
    }
    if touched.is_empty() {
        return Ok(());
    }
    editor.set_own(record)?;
    let place = editor.own_place(b".dynsym")?;
    for offset in touched {
        editor.touch(place + offset, 8);
    }
    Ok(())
}

/// Whether a section of the record is part of the program.
pub fn is_live(view: &ObjectView<'_>, kept: &[bool], section: u32) -> bool {
    let group = view.sections.get(section as usize).map_or(0, |section| section.group);
    group == 0 || kept.get(group as usize - 1).copied().unwrap_or(true)
}

/// Whether the record defines this global for the program: not in a group that another object provides.
fn defines(view: &ObjectView<'_>, kept: &[bool], global: &GlobalRec) -> bool {
    global.is_definition() && (global.section >= GlobalRec::DISCARDED || is_live(view, kept, global.section))
}

/// Which of the new record's groups are kept: those that were, and those that nobody else has.
fn kept_groups(
    editor: &Editor,
    number: u32,
    old: &ObjectView<'_>,
    new: &ObjectView<'_>,
) -> Result<Result<Vec<bool>, String>> {
    let view = editor.view()?;
    let mut before: HashMap<u64, bool> = HashMap::new();
    for (index, section) in old.sections.iter().enumerate().filter(|(_, section)| section.group != 0) {
        let placement = view.placement(number, index as u32).context("the plan has no such section")?;
        if let Some(group) = old.groups.get(section.group as usize - 1) {
            before.insert(group.hash, placement.is_live());
        }
    }
    let mut kept = Vec::with_capacity(new.groups.len());
    for (index, group) in new.groups.iter().enumerate() {
        if let Some(was) = before.get(&group.hash) {
            kept.push(*was);
            continue;
        }
        // A group that is new here: does somebody define its symbols already?
        let in_group = |global: &&GlobalRec| {
            let section = new.sections.get(global.section as usize);
            section.is_some_and(|section| section.group as usize == index + 1) && global.name.len != 0
        };
        let elsewhere: Vec<bool> = new
            .globals
            .iter()
            .filter(in_group)
            .map(|global| {
                editor.find(global.hash).is_some_and(|name| is_defined(&view.slots[name.slot as usize]))
            })
            .collect();
        if elsewhere.iter().any(|defined| *defined != elsewhere[0]) || elsewhere.is_empty() {
            full!("a group of sections is new, and others have parts of it");
        }
        kept.push(!elsewhere[0]);
    }
    Ok(Ok(kept))
}

/// Whether a slot stands for nothing any more, and nobody refers to it.
fn is_free(slot: &Slot) -> bool {
    slot.object == NONE && slot.flags & !slot::ABSENT == 0 && slot.got == 0
}

/// Whether the image has something at a slot.
fn is_defined(slot: &Slot) -> bool {
    slot.flags & (slot::NEAR | slot::ABSOLUTE | slot::INTERPOSABLE) != 0
}

/// For each global of the new record its slot; `None` within: a reason for a full link.
fn bind(
    editor: &mut Editor,
    request: &Request,
    number: u32,
    old: &ObjectView<'_>,
    new: &ObjectView<'_>,
    kept: &[bool],
) -> Result<Result<Vec<u32>, String>> {
    let object = editor.view()?.objects[number as usize];
    let known: HashMap<u64, (u32, GlobalRec)> = old
        .globals
        .iter()
        .zip(&editor.view()?.bindings[object.bindings as usize..])
        .filter(|(global, _)| global.name.len != 0)
        .map(|(global, slot)| (global.hash, (*slot, *global)))
        .collect();
    let mut private = private_slots(editor, number, old)?;
    let mut bindings = Vec::with_capacity(new.globals.len());
    let mut added: Vec<&GlobalRec> = Vec::new();
    for global in new.globals {
        let text = new.string(global.name);
        let name = String::from_utf8_lossy(text).into_owned();
        if global.name.len == 0 {
            // One local symbol's entries are as good as another's.
            let view = editor.view()?;
            let fits = |(kind, slot): &(u8, u32)| {
                *kind == global.kind && offers(&view.slots[*slot as usize], global, request)
            };
            let Some(found) = private.iter().position(fits) else {
                full!("it has one more local symbol with a GOT or PLT entry");
            };
            bindings.push(private.remove(found).1);
            continue;
        }
        let shape = |global: &GlobalRec| {
            (global.is_definition(), global.section == GlobalRec::COMMON, global.binding, global.visibility)
        };
        let found = editor.find(global.hash).map(|found| found.slot);
        let slot = match (known.get(&global.hash), found) {
            (Some((slot, before)), _) if shape(before) == shape(global) && before.kind == global.kind => {
                *slot
            }
            (Some(_), _) => full!("{name} is another kind of symbol now"),
            (None, _) if !request.wraps.is_empty() || HOOKS.contains(&text) => {
                full!("it refers to a new symbol, {name}")
            }
            (None, found) if defines(new, kept, global) => {
                let plain = matches!(
                    global.kind,
                    ::object::elf::STT_FUNC | ::object::elf::STT_OBJECT | ::object::elf::STT_NOTYPE
                ) && global.section < GlobalRec::DISCARDED;
                let free = match found {
                    Some(slot) => is_free(&editor.view()?.slots[slot as usize]),
                    None => true,
                };
                let listed = request.export_dynamic
                    || request.export_data
                    || !request.exports.is_empty()
                    || !request.dynamic_lists.is_empty()
                    || request.shared && global.visibility == ::object::elf::STV_DEFAULT;
                if !plain || !free || listed {
                    full!("it defines a new symbol, {name}");
                }
                added.push(global);
                let definition = Slot { flags: slot::NEAR, object: number, ..Slot::default() };
                match found {
                    Some(slot) => {
                        let table = editor.view()?.header.slots;
                        editor.set(table, slot.into(), definition)?;
                        slot
                    }
                    None => match editor.add_slot(global.hash, definition)? {
                        Some(slot) => slot,
                        None => full!("the table of symbols is full"),
                    },
                }
            }
            (None, Some(found)) => found,
            (None, None) => full!("it refers to a new symbol, {name}"),
        };
        if !offers(&editor.view()?.slots[slot as usize], global, request) {
            full!("it uses {name} in a new way");
        }
        bindings.push(slot);
    }
    if let Some(name) = known_to_libraries(editor, &added)? {
        full!("it defines a new symbol that a shared library knows, {}", String::from_utf8_lossy(name));
    }
    let view = editor.view()?;
    let table = view.header.bindings;
    let objects = view.header.objects;
    let place = (u64::from(object.bindings), old.globals.len());
    let Some(start) = put_records(editor, table, place, editor.used.bindings, &bindings)? else {
        full!("the table of bindings is full");
    };
    editor.used.bindings = editor.used.bindings.max(start + bindings.len() as u64);
    editor.set(objects, number.into(), shared::plan::ObjectRec { bindings: start as u32, ..object })?;
    Ok(Ok(bindings))
}

/// The slots of an object's local symbols, with the kind of symbol.
fn private_slots(editor: &Editor, number: u32, old: &ObjectView<'_>) -> Result<Vec<(u8, u32)>> {
    let view = editor.view()?;
    let first = view.objects[number as usize].bindings as usize;
    let slots = old.globals.iter().zip(&view.bindings[first..]);
    Ok(slots.filter(|(global, _)| global.name.len == 0).map(|(global, slot)| (global.kind, *slot)).collect())
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
fn known_to_libraries(editor: &Editor, added: &[&GlobalRec]) -> Result<Option<&'static [u8]>> {
    if added.is_empty() {
        return Ok(None);
    }
    for path in &editor.libraries {
        let (data, _) = mapped::map(path)?;
        for symbol in shared_library::read(data, b"")?.symbols {
            let hash = reader::name_hash(symbol.name);
            if added.iter().any(|global| global.hash == hash) {
                return Ok(Some(symbol.name));
            }
        }
    }
    Ok(None)
}

/// Whether a slot has what the object wants of it.
fn offers(slot: &Slot, global: &GlobalRec, request: &Request) -> bool {
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

/// Gives the symbols that the object defines their new values.
fn move_definitions(
    editor: &mut Editor,
    number: u32,
    old: &ObjectView<'_>,
    new: &ObjectView<'_>,
    bindings: &[u32],
    placements: &[Placement],
) -> Attempt {
    let table = editor.view()?.header.slots;
    for (index, (global, slot_number)) in new.globals.iter().zip(bindings).enumerate() {
        let slot = editor.view()?.slots[*slot_number as usize];
        if slot.object != number {
            continue;
        }
        let was = old.globals.get(slot.global as usize).filter(|old| old.hash == global.hash);
        let is_new = slot.value == 0 && slot.flags == slot::NEAR;
        let defined_it =
            is_new || was.is_some_and(|old| old.is_definition() && old.section != GlobalRec::COMMON);
        let mut next = Slot { global: index as u32, ..slot };
        if defined_it && let Some(placement) = placements.get(global.section as usize) {
            if global.kind == ::object::elf::STT_GNU_IFUNC {
                full!("it defines an indirect function");
            }
            if placement.is_live() {
                next.value = placement.addr().0.wrapping_add(global.value);
            }
        } else if defined_it && global.section == GlobalRec::ABSOLUTE {
            next.value = global.value;
        }
        if next != slot {
            editor.set(table, u64::from(*slot_number), next)?;
        }
        if next.value != slot.value {
            editor.moved.insert(*slot_number);
        }
    }
    // Symbols that the object no longer mentions, or no longer defines.
    let mentioned: HashSet<u32> = bindings.iter().copied().collect();
    let lost: Vec<(u32, Slot)> = (0u32..)
        .zip(editor.view()?.slots)
        .filter(|(id, slot)| slot.object == number && !mentioned.contains(id))
        .map(|(id, slot)| (id, *slot))
        .collect();
    // What a local symbol leaves, nobody else sees.
    let nameless = |slot: &Slot| old.globals.get(slot.global as usize).is_some_and(|old| old.name.len == 0);
    let gone = |(_, slot): &&(u32, Slot)| is_defined(slot) && !nameless(slot);
    let gone: HashSet<u32> = lost.iter().filter(gone).map(|(id, _)| *id).collect();
    if !gone.is_empty() {
        let bound = |slot: &Slot| slot.flags & (slot::EXPORTED | slot::PLT) != 0 || slot.got != 0;
        if lost.iter().any(|(id, slot)| gone.contains(id) && bound(slot)) {
            full!("it no longer defines a symbol that is exported");
        }
        let view = editor.view()?;
        for other in (0..view.objects.len() as u32).filter(|other| *other != number) {
            let count = editor.object(other).map_or(0, |record| record.globals.len());
            let first = view.objects[other as usize].bindings as usize;
            let bound = view.bindings.get(first..first + count).unwrap_or(&[]);
            if bound.iter().any(|slot| gone.contains(slot)) {
                full!("it no longer defines a symbol that others use");
            }
        }
    }
    for (id, slot) in lost {
        let flags = if gone.contains(&id) { slot::ABSENT } else { slot.flags };
        let value = if gone.contains(&id) { 0 } else { slot.value };
        editor.set(table, id.into(), Slot { object: NONE, global: NONE, flags, value, ..slot })?;
    }
    Ok(Ok(()))
}

/// Lists the imported addresses in the object's data in `.rela.dyn`, in place of those that were there.
fn relocate_data(editor: &mut Editor, number: u32, new: &ObjectView<'_>, bindings: &[u32]) -> Attempt {
    let (names, list) = editor.names();
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
            let dynamic = list.iter().find(|name| name.slot == slot).map_or(0, |name| name.dynamic);
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
    let (section, record) = editor.own_section(b".rela.dyn")?.context("no .rela.dyn")?;
    let mut table = record[section.data as usize..(section.data + section.size) as usize].to_vec();
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
