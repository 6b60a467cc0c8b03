//! Puts other records in the places of objects', all of one link together: what changed objects say of names is
//! weighed again, with what the other objects say of them, by the rules of a full link.

use super::editor::Editor;
use super::groups::{self, Change};
use super::import;
use super::object::{Attempt, defines, known_to_libraries, offers, put_records, relocate_data, set_sizes};
use super::place::place;
use crate::args::Request;
use crate::args::expression::Expression;
use crate::object as reader;
use crate::resolve::{Definition, Symbol, guards, linker_symbols, stricter};
use anyhow::{Context, Result};
use object::elf;
use shared::plan::{self, HOOKS, ObjectRec, Slot, slot};
use shared::record::{GlobalRec, NONE, ObjectView, flag, uses};
use std::collections::{HashMap, HashSet};

/// What an object says of a name, as far as it matters to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Saying {
    role: Role,
    binding: u8,
    kind: u8,
    visibility: u8,
    thread_local: bool,
    /// Size and alignment of a common symbol.
    common: (u64, u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// It defines the name in a section that is not part of the program.
    Lost,
    Undefined,
    Common,
    Absolute,
    Section,
}

impl Saying {
    fn of(view: &ObjectView<'_>, kept: &[bool], global: &GlobalRec) -> Self {
        let role = match global.section {
            GlobalRec::UNDEFINED => Role::Undefined,
            GlobalRec::COMMON => Role::Common,
            GlobalRec::ABSOLUTE => Role::Absolute,
            _ if defines(view, kept, global) => Role::Section,
            _ => Role::Lost,
        };
        let is_common = role == Role::Common;
        let says_nothing = matches!(role, Role::Undefined | Role::Lost);
        Self {
            role,
            binding: if role == Role::Lost { 0 } else { global.binding },
            kind: if says_nothing { 0 } else { global.kind },
            visibility: global.visibility,
            thread_local: global.kind == elf::STT_TLS || global.uses & uses::TLS != 0,
            common: if is_common { (global.size, global.value) } else { (0, 0) },
        }
    }

    /// Whether it decides nothing about which definition there is.
    fn is_reference(&self) -> bool {
        matches!(self.role, Role::Undefined | Role::Lost) && self.visibility == elf::STV_DEFAULT
    }
}

/// A name of which changed objects say something else now.
struct Affected {
    name: &'static [u8],
    /// Whether definitions, or who sees them, may have changed.
    is_weighed: bool,
}

/// The names that changed objects have always said, and say, the same of are left alone.
fn affected(changes: &[Change]) -> HashMap<u64, Affected> {
    let mut affected: HashMap<u64, Affected> = HashMap::new();
    for change in changes {
        type Sayings = HashMap<u64, (&'static [u8], Vec<Saying>)>;
        let sayings = |view: &ObjectView<'static>, kept: &[bool]| {
            let mut all = Sayings::new();
            for global in view.globals.iter().filter(|global| global.name.len != 0) {
                let name = view.string(global.name);
                all.entry(global.hash).or_insert((name, Vec::new())).1.push(Saying::of(view, kept, global));
            }
            all
        };
        let before = sayings(&change.old, &change.was_kept);
        let after = sayings(&change.new, &change.kept);
        let nothing = Vec::new();
        let names = before.iter().chain(after.iter().filter(|(hash, _)| !before.contains_key(hash)));
        for (hash, (name, _)) in names {
            let said = |all: &Sayings| all.get(hash).map_or(nothing.clone(), |(_, said)| said.clone());
            let (before, after) = (said(&before), said(&after));
            if before == after {
                continue;
            }
            let found = affected.entry(*hash).or_insert(Affected { name, is_weighed: false });
            found.is_weighed |= !before.iter().chain(&after).all(Saying::is_reference);
        }
    }
    affected
}

/// A global of an object.
#[derive(Clone, Copy)]
struct Mention {
    object: u32,
    global: u32,
}

/// Replaces the objects of `changes`: places their sections, binds their symbols, moves what they define. `order` has the
/// place of each object in the program, and `order_before` what it was.
pub fn replace(
    editor: &mut Editor,
    request: &Request,
    mut changes: Vec<Change>,
    order: &[u32],
    order_before: &[u32],
) -> Result<Result<Vec<u32>, String>> {
    for change in &changes {
        step!(check(editor, request, change));
    }
    step!(groups::keep(editor, &mut changes, order));
    let affected = affected(&changes);
    let numbers: HashMap<u32, usize> =
        changes.iter().enumerate().map(|(index, change)| (change.number, index)).collect();
    let mut weighed = step!(weigh(editor, request, &changes, &numbers, &affected, order, order_before));

    for change in &changes {
        if let Some(record) = change.record {
            editor.fresh.insert(change.number, record.to_vec());
        }
    }
    let mut bindings = Vec::with_capacity(changes.len());
    for change in &changes {
        bindings.push(step!(bind(editor, request, change)));
    }
    for change in &mut changes {
        change.placements = step!(place(editor, change.number, &change.old, &change.new, &change.kept));
    }
    for (change, bindings) in changes.iter().zip(&bindings) {
        step!(move_definitions(editor, request, change, bindings));
    }
    for (number, definer) in weighed.drain(..) {
        let value = value_of(editor, definer)?;
        let table = editor.view()?.header.slots;
        let slot = editor.view()?.slots[number as usize];
        editor.set(table, number.into(), Slot { value, ..slot })?;
        editor.moved.insert(number);
    }
    for (change, bindings) in changes.iter().zip(&bindings) {
        set_sizes(editor, change.number, &change.new, bindings)?;
        if !request.shared {
            step!(relocate_data(editor, change.number, &change.new, bindings));
        }
    }
    step!(entry_stays(editor, request));
    Ok(Ok(changes.iter().map(|change| change.number).collect()))
}

/// Whether a new record fits what was decided for the program as a whole.
fn check(editor: &Editor, request: &Request, change: &Change) -> Attempt {
    let (old, new) = (change.old.header.flags, change.new.header.flags);
    let is_lazy = editor.view()?.header.flags & plan::flag::EAGER == 0;
    if is_lazy && !request.shared && new & flag::SYSTEM_CALLS != 0 {
        full!("{}: it makes system calls itself", change.name);
    }
    if (old ^ new) & flag::STACK != 0 {
        full!("{}: it asks for another kind of stack", change.name);
    }
    if (request.pie || request.shared) && new & flag::LOCAL_ABS32 != 0 {
        full!("{}: it has addresses of 32 bits", change.name);
    }
    if request.shared {
        let fixed = flag::LOCAL_ABS64_READ_ONLY | flag::LOCAL_TLS;
        if new & fixed != 0 {
            full!("{}: its code is not position-independent", change.name);
        }
        if (old ^ new) & flag::PROPERTIES != 0 {
            full!("{}: it needs other features of the processor", change.name);
        }
        if new & flag::TLS_MODULE != 0 && editor.view()?.header.tls_module.0 == 0 {
            full!("{}: it is the first to ask for the library's thread-local storage", change.name);
        }
    }
    Ok(Ok(()))
}

/// Whether calls of a function go through the hook table.
pub fn is_hooked(editor: &Editor, name: &[u8]) -> Result<bool> {
    Ok(HOOKS.contains(&name) && editor.view()?.header.hooks.0 != 0)
}

/// The program starts where it did: what starts it is told once.
fn entry_stays(editor: &Editor, request: &Request) -> Attempt {
    let name = request.entry.as_deref().unwrap_or("_start");
    if let Some(found) = editor.find(reader::name_hash(name.as_bytes()))
        && editor.moved.contains(&found.slot)
        && !(request.shared && request.entry.is_none())
    {
        full!("the program starts elsewhere");
    }
    Ok(Ok(()))
}

/// Weighs the affected names anew. Returns the slots whose definition is to get its value, with who defines it.
fn weigh(
    editor: &mut Editor,
    request: &Request,
    changes: &[Change],
    numbers: &HashMap<u32, usize>,
    affected: &HashMap<u64, Affected>,
    order: &[u32],
    order_before: &[u32],
) -> Result<Result<Vec<(u32, Mention)>, String>> {
    let slots: HashSet<u32> = affected
        .iter()
        .filter(|(_, affected)| affected.is_weighed)
        .filter_map(|(hash, _)| editor.find(*hash).map(|found| found.slot))
        .collect();
    let elsewhere = mentions(editor, &slots, numbers)?;
    let change_of = |object: u32| numbers.get(&object).map(|index| &changes[*index]);
    let mut placed = Vec::new();
    let mut added: Vec<u64> = Vec::new();
    let in_changes = |hash: u64, of_new: bool| {
        let mut found = Vec::new();
        for change in changes {
            let view = if of_new { &change.new } else { &change.old };
            let globals = (0u32..).zip(view.globals);
            found.extend(
                globals
                    .filter(|(_, global)| global.name.len != 0 && global.hash == hash)
                    .map(|(global, _)| Mention { object: change.number, global }),
            );
        }
        found
    };
    let mut hashes: Vec<u64> = affected.keys().copied().collect();
    hashes.sort_unstable();
    for hash in hashes {
        let Affected { name, is_weighed } = affected[&hash];
        if !is_weighed {
            continue;
        }
        let shown = String::from_utf8_lossy(name).into_owned();
        let found = editor.find(hash).map(|found| found.slot);
        let others = found.and_then(|slot| elsewhere.get(&slot)).cloned().unwrap_or_default();
        let of_new = |of_new: bool, order: &[u32]| {
            let mut all = in_changes(hash, of_new);
            all.extend(&others);
            all.sort_by_key(|mention| {
                (order.get(mention.object as usize).copied().unwrap_or(NONE), mention.global)
            });
            weighed(editor, changes, numbers, &all, of_new)
        };
        let (before, was_twice) = of_new(false, order_before)?;
        let (after, is_twice) = of_new(true, order)?;
        if is_twice && !was_twice && !request.allow_multiple {
            full!("{shown} is defined twice");
        }
        if name.contains(&b'@') || !request.exclude_libs.is_empty() {
            full!("{shown} is another kind of symbol now");
        }
        let defines = [before.definition, after.definition].iter().any(|it| *it != Definition::None);
        let is_guarded = name == guards::SEARCH || (defines && guards::is_guarded(name));
        if is_hooked(editor, name)? || is_guarded || !request.wraps.is_empty() {
            full!("it defines or no longer defines {shown}");
        }
        if request.defsyms.iter().any(|(defined, meaning)| {
            defined.as_bytes() == name
                || matches!(meaning, Expression::Symbol(target, _) if target.as_bytes() == name)
        }) {
            full!("--defsym is about {shown}");
        }
        let slot = found.map(|slot| editor.view().map(|view| view.slots[slot as usize])).transpose()?;
        match (before.definition, after.definition) {
            (Definition::None, Definition::None) => {
                let is_left = after.referenced && slot.is_some_and(|slot| !is_free(&slot));
                if is_left
                    && (before.strongly_wanted, before.visibility)
                        != (after.strongly_wanted, after.visibility)
                {
                    full!("{shown} is referred to in another way");
                }
            }
            (_, Definition::None) => {
                let (Some(number), Some(slot)) = (found, slot) else {
                    full!("the index does not know {shown}");
                };
                if before.kind == elf::STT_GNU_IFUNC {
                    full!("it no longer defines the indirect function {shown}");
                }
                if after.referenced {
                    full!("it no longer defines a symbol that others use, {shown}");
                }
                if slot.flags & (slot::EXPORTED | slot::PLT | slot::INTERPOSABLE) != 0 {
                    full!("it no longer defines a symbol that is exported, {shown}");
                }
                let gone = Slot { object: NONE, global: NONE, flags: slot::ABSENT, value: 0, ..slot };
                let table = editor.view()?.header.slots;
                editor.set(table, number.into(), gone)?;
                editor.moved.insert(number);
            }
            (Definition::None, Definition::Object { object, global }) => {
                let record = record_of(editor, change_of(object), object, true)?.globals[global as usize];
                let plain = matches!(record.kind, elf::STT_FUNC | elf::STT_OBJECT | elf::STT_NOTYPE)
                    && record.section < GlobalRec::DISCARDED;
                let hidden = matches!(after.visibility, elf::STV_HIDDEN | elf::STV_INTERNAL);
                let unbound = slot.is_none_or(|slot| slot.flags & !slot::ABSENT == 0);
                if !plain || !unbound || !hidden && is_listed(request, after.visibility) || after.is_tls() {
                    full!("it defines a new symbol, {shown}");
                }
                if linker_symbols::is_known(name, request) {
                    full!("it defines {shown}, which the linker knows");
                }
                if !hidden {
                    added.push(hash);
                }
                let definition = Slot {
                    flags: slot::NEAR,
                    object,
                    global,
                    got: slot.map_or(0, |slot| slot.got),
                    ..Slot::default()
                };
                let number = match found {
                    Some(number) => {
                        let table = editor.view()?.header.slots;
                        editor.set(table, number.into(), definition)?;
                        number
                    }
                    None => match editor.add_slot(hash, definition)? {
                        Some(number) => number,
                        None => full!("the table of symbols is full"),
                    },
                };
                placed.push((number, Mention { object, global }));
            }
            (
                Definition::Object { object: old_object, global: old_global },
                Definition::Object { object, global },
            ) => {
                let (Some(number), Some(slot)) = (found, slot) else {
                    full!("the index does not know {shown}");
                };
                let old =
                    record_of(editor, change_of(old_object), old_object, false)?.globals[old_global as usize];
                let new = record_of(editor, change_of(object), object, true)?.globals[global as usize];
                if (slot.object, slot.global) != (old_object, old_global) {
                    full!("{shown} is bound by other rules");
                }
                let absolute = |global: &GlobalRec| global.section == GlobalRec::ABSOLUTE;
                let indirect = |global: &GlobalRec| global.kind == elf::STT_GNU_IFUNC;
                if absolute(&old) != absolute(&new)
                    || indirect(&old)
                    || indirect(&new)
                    || before.is_tls() != after.is_tls()
                {
                    full!("{shown} is another kind of symbol now");
                }
                if slot.flags & (slot::IMPORT | slot::COPY | slot::PLT) != 0
                    && slot.flags & slot::INTERPOSABLE == 0
                {
                    full!("{shown} is bound otherwise now");
                }
                let exported = slot.flags & (slot::EXPORTED | slot::INTERPOSABLE) != 0;
                let shown_alike = before.visibility == after.visibility
                    && (old.binding, old.kind) == (new.binding, new.kind);
                let unsized_there = old.size != new.size && !numbers.contains_key(&object);
                if exported && (!shown_alike || unsized_there)
                    || before.visibility != after.visibility && request.shared
                {
                    full!("{shown} is exported in another way");
                }
                if before.visibility != after.visibility {
                    if is_listed(request, after.visibility) {
                        full!("{shown} is exported in another way");
                    }
                    added.push(hash);
                }
                let table = editor.view()?.header.slots;
                editor.set(table, number.into(), Slot { object, global, ..slot })?;
                placed.push((number, Mention { object, global }));
            }
            (
                Definition::Common { size, align, object: old_object, .. },
                Definition::Common { size: new_size, align: new_align, object, global },
            ) if (size, align) == (new_size, new_align) && before.visibility == after.visibility => {
                let (Some(number), Some(slot)) = (found, slot) else {
                    full!("the index does not know {shown}");
                };
                if old_object != object || slot.global != global {
                    let table = editor.view()?.header.slots;
                    editor.set(table, number.into(), Slot { object, global, ..slot })?;
                }
            }
            _ => full!("the common symbol {shown} changed"),
        }
    }
    if let Some(name) = known_to_libraries(editor, &added)? {
        full!("it defines a new symbol that a shared library knows, {}", String::from_utf8_lossy(name));
    }
    Ok(Ok(placed))
}

/// Whether definitions like this are exported because the command line asks for it, or may be.
fn is_listed(request: &Request, visibility: u8) -> bool {
    request.export_dynamic
        || request.export_data
        || !request.exports.is_empty()
        || !request.dynamic_lists.is_empty()
        || request.shared && !matches!(visibility, elf::STV_HIDDEN | elf::STV_INTERNAL)
}

/// Binds a name as a full link does, by what is said of it in the order of the program. The second: it is defined twice.
fn weighed(
    editor: &Editor,
    changes: &[Change],
    numbers: &HashMap<u32, usize>,
    mentions: &[Mention],
    of_new: bool,
) -> Result<(Symbol<'static>, bool)> {
    let mut symbol = Symbol::new(b"");
    let mut is_twice = false;
    let view = editor.view()?;
    for mention in mentions {
        let change = numbers.get(&mention.object).map(|index| &changes[*index]);
        let record = record_of(editor, change, mention.object, of_new)?;
        let global = &record.globals[mention.global as usize];
        let is_defined = match change {
            Some(change) => defines(&record, if of_new { &change.kept } else { &change.was_kept }, global),
            None if global.section >= GlobalRec::DISCARDED => global.is_definition(),
            None => view.placement(mention.object, global.section).is_some_and(|place| place.is_live()),
        };
        symbol.uses |= global.uses;
        symbol.visibility = stricter(symbol.visibility, global.visibility);
        if is_defined {
            is_twice |= symbol.define(mention.object, mention.global, global).is_some();
        } else if global.section == GlobalRec::UNDEFINED {
            symbol.referenced = true;
            symbol.strongly_wanted |= global.binding != elf::STB_WEAK;
        }
    }
    Ok((symbol, is_twice))
}

/// The record of an object: the one that it has now, or the one that it had.
fn record_of(
    editor: &Editor,
    change: Option<&Change>,
    object: u32,
    of_new: bool,
) -> Result<ObjectView<'static>> {
    match change {
        Some(change) if of_new => Ok(change.new),
        Some(change) => Ok(change.old),
        None => editor.old_object(object).context("a record of the index is damaged"),
    }
}

/// Whether objects as they were linked last mention a slot.
pub fn is_mentioned(editor: &Editor, slot: u32) -> Result<bool> {
    Ok(!mentions(editor, &HashSet::from([slot]), &HashMap::new())?.is_empty())
}

/// Which of these slots objects want strongly that did not change.
pub fn wanted(editor: &Editor, slots: &HashSet<u32>) -> Result<HashSet<u32>> {
    let changed = editor.fresh.keys().map(|number| (*number, 0)).collect();
    let is_strong = |mention: &Mention| {
        let record = editor.object(mention.object);
        record
            .and_then(|record| record.globals.get(mention.global as usize).copied())
            .is_some_and(|global| global.section == GlobalRec::UNDEFINED && global.binding != elf::STB_WEAK)
    };
    let found = mentions(editor, slots, &changed)?;
    Ok(found
        .into_iter()
        .filter(|(_, mentions)| mentions.iter().any(is_strong))
        .map(|(slot, _)| slot)
        .collect())
}

/// Which of these slots objects mention that did not change, but for the linker's own.
pub fn mentioned(editor: &Editor, slots: &HashSet<u32>) -> Result<HashSet<u32>> {
    let changed = editor.fresh.keys().map(|number| (*number, 0)).collect();
    let found = mentions(editor, slots, &changed)?;
    Ok(found.into_iter().filter(|(_, mentions)| !mentions.is_empty()).map(|(slot, _)| slot).collect())
}

/// Where objects that did not change mention these slots.
fn mentions(
    editor: &Editor,
    slots: &HashSet<u32>,
    changed: &HashMap<u32, usize>,
) -> Result<HashMap<u32, Vec<Mention>>> {
    let mut found: HashMap<u32, Vec<Mention>> = HashMap::new();
    let own = editor.view()?.objects.len() as u32 - 1;
    for (slot, object, global) in editor.mentions(slots) {
        if object == own || changed.contains_key(&object) {
            continue;
        }
        let record = editor.old_object(object).context("a record of the index is gone")?;
        if record.globals.get(global as usize).is_some_and(|global| global.name.len != 0) {
            found.entry(slot).or_default().push(Mention { object, global });
        }
    }
    Ok(found)
}

/// Whether a slot stands for nothing any more, and nobody refers to it.
fn is_free(slot: &Slot) -> bool {
    slot.object == NONE && slot.flags & !slot::ABSENT == 0
}

/// For each global of the new record its slot; entries of the GOT and the PLT are added where it needs them.
fn bind(editor: &mut Editor, request: &Request, change: &Change) -> Result<Result<Vec<u32>, String>> {
    let number = change.number;
    let object = editor.view()?.objects[number as usize];
    let first = object.bindings as usize;
    let before: Vec<u32> = editor
        .view()?
        .bindings
        .get(first..first + change.old.globals.len())
        .context("bindings are missing")?
        .to_vec();
    let of_old = || change.old.globals.iter().zip(&before);
    let known: HashMap<u64, (u32, bool)> = of_old()
        .filter(|(global, _)| global.name.len != 0)
        .map(|(global, slot)| (global.hash, (*slot, global.section == GlobalRec::UNDEFINED)))
        .collect();
    let mut private: Vec<(u8, u32)> = of_old()
        .filter(|(global, _)| global.name.len == 0)
        .map(|(global, slot)| (global.kind, *slot))
        .collect();
    let mut bindings = Vec::with_capacity(change.new.globals.len());
    for (index, global) in (0u32..).zip(change.new.globals) {
        let name = change.new.string(global.name);
        if name.is_empty() {
            // One local symbol's entries are as good as another's.
            let view = editor.view()?;
            let fits = |(kind, slot): &(u8, u32)| {
                *kind == global.kind && offers(&view.slots[*slot as usize], global, request)
            };
            if let Some(found) = private.iter().position(fits) {
                bindings.push(private.remove(found).1);
                continue;
            }
            if !matches!(global.kind, elf::STT_FUNC | elf::STT_OBJECT | elf::STT_NOTYPE | elf::STT_SECTION)
                || global.section >= GlobalRec::DISCARDED
                || global.uses & uses::TLS != 0
            {
                full!("{}: it has one more local symbol with a GOT or PLT entry", change.name);
            }
            let definition = Slot { flags: slot::NEAR, object: number, global: index, ..Slot::default() };
            let Some(slot) = editor.add_private_slot(definition)? else {
                full!("the table of symbols is full")
            };
            step!(supply(editor, request, change, global, slot));
            bindings.push(slot);
            continue;
        }
        let undefined = global.section == GlobalRec::UNDEFINED;
        let found = editor.find(global.hash).map(|found| found.slot);
        let slot = match (known.get(&global.hash), found) {
            (Some((slot, was_undefined)), _) if *was_undefined == undefined => *slot,
            _ if undefined && (is_hooked(editor, name)? || !request.wraps.is_empty()) => {
                full!("{}: it refers to a new symbol, {}", change.name, String::from_utf8_lossy(name));
            }
            (_, Some(found)) if !undefined || !is_free(&editor.view()?.slots[found as usize]) => found,
            _ if !undefined => {
                full!("{}: it defines a new symbol, {}", change.name, String::from_utf8_lossy(name));
            }
            (_, found) => step!(import::add(editor, request, change, index, found)),
        };
        step!(supply(editor, request, change, global, slot));
        bindings.push(slot);
    }
    if private.iter().any(|(kind, _)| *kind == elf::STT_GNU_IFUNC) {
        full!("{}: it no longer defines an indirect function", change.name);
    }
    let table = editor.view()?.header.bindings;
    let place = (u64::from(object.bindings), change.old.globals.len());
    let Some(start) = put_records(editor, table, place, editor.used.bindings, &bindings)? else {
        full!("the table of bindings is full");
    };
    editor.used.bindings = editor.used.bindings.max(start + bindings.len() as u64);
    let objects = editor.view()?.header.objects;
    editor.set(objects, number.into(), ObjectRec { bindings: start as u32, ..object })?;
    forget(editor, change, &before, &bindings)?;
    Ok(Ok(bindings))
}

/// Sees to it that a slot has what an object wants of it.
fn supply(
    editor: &mut Editor,
    request: &Request,
    change: &Change,
    global: &GlobalRec,
    number: u32,
) -> Attempt {
    let slot = editor.view()?.slots[number as usize];
    if offers(&slot, global, request) {
        return Ok(Ok(()));
    }
    let name = String::from_utf8_lossy(change.new.string(global.name)).into_owned();
    let thread_local = slot.flags & slot::TLS != 0 || global.uses & uses::TLS != 0;
    let with_got = Slot { got: 1, ..slot };
    let with_plt = Slot { flags: slot.flags | slot::PLT, ..with_got };
    let import = slot.flags & (slot::IMPORT | slot::INTERPOSABLE) == slot::IMPORT;
    if thread_local || request.shared {
        full!("{}: it uses {name} in a new way", change.name);
    }
    if offers(&with_got, global, request) {
        return import::add_got(editor, &change.name, number, import);
    }
    if import && offers(&with_plt, global, request) {
        return import::add_plt(editor, &change.name, number);
    }
    full!("{}: it uses {name} in a new way", change.name);
}

/// Slots name an object that mentions them: not one that no longer does.
fn forget(editor: &mut Editor, change: &Change, before: &[u32], bindings: &[u32]) -> Result<()> {
    let mentioned: HashMap<u32, u32> = bindings.iter().copied().zip(0u32..).collect();
    let table = editor.view()?.header.slots;
    for (number, global) in before.iter().zip(change.old.globals) {
        let slot = editor.view()?.slots[*number as usize];
        if slot.object != change.number {
            continue;
        }
        match mentioned.get(number) {
            Some(_) => {}
            None => {
                let nameless = global.name.len == 0;
                let flags = if nameless { slot::ABSENT } else { slot.flags };
                editor.set(table, u64::from(*number), Slot { object: NONE, global: NONE, flags, ..slot })?;
            }
        }
    }
    for (index, number) in (0u32..).zip(bindings) {
        let slot = editor.view()?.slots[*number as usize];
        if slot.object == change.number && slot.global != index {
            editor.set(table, u64::from(*number), Slot { global: index, ..slot })?;
        }
    }
    Ok(())
}

/// Gives the symbols that the object defines their new values.
fn move_definitions(editor: &mut Editor, request: &Request, change: &Change, bindings: &[u32]) -> Attempt {
    let table = editor.view()?.header.slots;
    for (index, (global, number)) in (0u32..).zip(change.new.globals.iter().zip(bindings)) {
        let slot = editor.view()?.slots[*number as usize];
        let is_definer = (slot.object, slot.global) == (change.number, index) && slot.flags & slot::COPY == 0;
        if !is_definer || !defines(&change.new, &change.kept, global) || global.section == GlobalRec::COMMON {
            continue;
        }
        if global.kind == elf::STT_GNU_IFUNC {
            full!("{}: it defines an indirect function", change.name);
        }
        let name = change.new.string(global.name);
        if request.defsyms.iter().any(|(defined, _)| defined.as_bytes() == name) {
            continue;
        }
        let value = value_of(editor, Mention { object: change.number, global: index })?;
        if value != slot.value {
            editor.set(table, u64::from(*number), Slot { value, ..slot })?;
            editor.moved.insert(*number);
        }
    }
    Ok(Ok(()))
}

/// Where a definition is now.
fn value_of(editor: &Editor, definer: Mention) -> Result<u64> {
    let record = editor.object(definer.object).context("a record of the index is gone")?;
    let global = record.globals.get(definer.global as usize).context("a symbol is gone")?;
    if global.section == GlobalRec::ABSOLUTE {
        return Ok(global.value);
    }
    let placement = editor.view()?.placement(definer.object, global.section).context("a section is gone")?;
    Ok(placement.addr().0.wrapping_add(global.value))
}
