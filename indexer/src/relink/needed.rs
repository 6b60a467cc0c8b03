//! Archive members and libraries that nobody needs any more. A relink keeps a member, unless somebody could tell: from
//! nothing, it would not be there.

use super::Changed;
use super::editor::Editor;
use crate::args::{Input, Request};
use crate::index::state::State;
use crate::inputs::{mapped, shared as shared_library};
use crate::object::name_hash;
use anyhow::{Context, Result};
use object::elf::STB_WEAK;
use shared::plan::slot;
use shared::record::{Class, GlobalRec, ObjectView};
use std::collections::HashSet;
use std::path::PathBuf;

/// What is there, and a link from nothing would leave out, if the program can notice: the name of a member, or of a
/// library of `--as-needed`.
pub fn needless(
    editor: &Editor,
    request: &Request,
    state: &State,
    changed: &[Changed],
) -> Result<Option<String>> {
    let named: HashSet<&PathBuf> = request
        .inputs
        .iter()
        .filter_map(|(input, _)| match input {
            Input::File(path) => Some(path),
            Input::Library(_) => None,
        })
        .collect();
    // Members of thin archives are files of their own, which the command line does not name.
    let is_member = |object: u32| {
        state.objects.get(object as usize).is_some_and(|object| {
            !object.member.is_empty() || !named.contains(&state.files[object.file as usize].path)
        })
    };

    let view = editor.view()?;
    let mut dropped: HashSet<u64> = HashSet::new();
    for changed in changed {
        let old = editor.old_object(changed.object).context("a record of the index is gone")?;
        let new = ObjectView::new(&changed.record).context("a new record contradicts itself")?;
        let wanted: HashSet<u64> =
            new.globals.iter().filter(|global| wants(global)).map(|g| g.hash).collect();
        let gone = old.globals.iter().filter(|global| wants(global) && !wanted.contains(&global.hash));
        dropped.extend(gone.map(|global| global.hash));
    }
    if let Some(library) = needless_library(editor, request, &dropped)? {
        return Ok(Some(library));
    }
    let definer = |hash: &u64| Some(view.slots[editor.find(*hash)?.slot as usize].object);
    let dropped: Vec<u32> = dropped.iter().filter_map(definer).filter(|object| is_member(*object)).collect();
    if dropped.is_empty() {
        return Ok(None);
    }
    let others = (0..state.objects.len() as u32).filter(|object| !is_member(*object)).collect();
    let needed = wanted_by(editor, others)?;
    let mut needless = wanted_by(editor, dropped)?;
    needless.retain(|object| is_member(*object) && !needed.contains(object));

    let mut seen: HashSet<u32> = HashSet::new();
    for object in &needed {
        let record = editor.object(*object).context("a record of the index is gone")?;
        let bound = &view.bindings[view.objects[*object as usize].bindings as usize..];
        seen.extend(record.globals.iter().zip(bound).map(|(_, slot)| view.slots[*slot as usize].object));
    }
    seen.extend(view.slots.iter().filter(|slot| slot.flags & slot::EXPORTED != 0).map(|slot| slot.object));
    for object in &needless {
        let record = editor.object(*object).context("a record of the index is gone")?;
        // Arrays that somebody walks over: constructors, and the like.
        let in_row = record
            .blocks
            .iter()
            .any(|block| Class::from_number(block.class).is_none_or(|class| class.is_contiguous()));
        if in_row || seen.contains(object) {
            return Ok(Some(super::name_of(state, *object)));
        }
    }
    Ok(None)
}

/// A library that one of these symbols, which an object has ceased to want, is of, and that nobody wants anything else of.
fn needless_library(editor: &Editor, request: &Request, dropped: &HashSet<u64>) -> Result<Option<String>> {
    let view = editor.view()?;
    let objects = view.objects.len() as u32 - 1;
    let imported = |hash: &u64| {
        let slot = editor.find(*hash).map(|found| view.slots[found.slot as usize]);
        slot.is_some_and(|slot| slot.object >= objects)
    };
    if !request.inputs.iter().any(|(_, state)| state.as_needed) || !dropped.iter().any(imported) {
        return Ok(None);
    }
    let mut wanted = HashSet::new();
    for object in 0..objects {
        let record = editor.object(object).context("a record of the index is gone")?;
        wanted.extend(record.globals.iter().filter(|global| wants(global)).map(|global| global.hash));
    }
    for path in &editor.libraries {
        let symbols = shared_library::read(mapped::map(path)?.0, b"")?.symbols;
        let has = |from: &HashSet<u64>| {
            let mut defined = symbols.iter().filter(|symbol| !symbol.is_undefined);
            defined.any(|symbol| from.contains(&name_hash(symbol.name)))
        };
        if has(dropped) && !has(&wanted) {
            return Ok(Some(path.display().to_string()));
        }
    }
    Ok(None)
}

/// Whether a global makes the linker look for a member.
fn wants(global: &GlobalRec) -> bool {
    global.section == GlobalRec::UNDEFINED && global.binding != STB_WEAK && global.name.len != 0
}

/// These objects, and all that they want.
fn wanted_by(editor: &Editor, objects: Vec<u32>) -> Result<HashSet<u32>> {
    let view = editor.view()?;
    let mut found: HashSet<u32> = objects.iter().copied().collect();
    let mut open = objects;
    while let Some(object) = open.pop() {
        let Some(record) = editor.object(object) else { continue };
        let bound = &view.bindings[view.objects[object as usize].bindings as usize..];
        for (_, slot) in record.globals.iter().zip(bound).filter(|(global, _)| wants(global)) {
            let definer = view.slots[*slot as usize].object;
            if (definer as usize) < view.objects.len() && found.insert(definer) {
                open.push(definer);
            }
        }
    }
    Ok(found)
}
