//! Shared libraries that nobody needs any more: named under `--as-needed`, they would not be there from nothing, and
//! their constructors would not run.

use super::Changed;
use super::editor::Editor;
use super::rebind;
use crate::args::Request;
use crate::object::name_hash;
use anyhow::{Context, Result};
use object::elf::STB_WEAK;
use shared::plan::slot;
use shared::record::{GlobalRec, ObjectView};
use std::collections::HashSet;

/// A library of which an object has ceased to want a symbol, and of which nobody wants anything else.
pub fn no_longer_needed(editor: &Editor, request: &Request, changed: &[Changed]) -> Result<Option<String>> {
    if !request.inputs.iter().any(|(_, state)| state.as_needed) {
        return Ok(None);
    }
    let wants = |global: &GlobalRec| {
        global.section == GlobalRec::UNDEFINED && global.binding != STB_WEAK && global.name.len != 0
    };
    let mut dropped: HashSet<u64> = HashSet::new();
    let mut wanted: HashSet<u64> = HashSet::new();
    let view = editor.view()?;
    let of_library = |hash: u64| {
        let found = editor.find(hash)?.slot;
        let slot = view.slots.get(found as usize)?;
        (slot.flags & slot::INTERPOSABLE == 0 && slot.flags & (slot::IMPORT | slot::COPY | slot::PLT) != 0)
            .then_some(found)
    };
    for changed in changed {
        let old = editor.old_object(changed.object).context("a record of the index is gone")?;
        let new = ObjectView::new(&changed.record).context("a new record contradicts itself")?;
        dropped.extend(old.globals.iter().filter(|global| wants(global)).map(|global| global.hash));
        wanted.extend(new.globals.iter().filter(|global| wants(global)).map(|global| global.hash));
    }
    dropped.retain(|hash| !wanted.contains(hash) && of_library(*hash).is_some());
    if dropped.is_empty() {
        return Ok(None);
    }
    for (library, path) in editor.shared_libraries()?.iter().zip(&editor.libraries) {
        let defined = || library.symbols.iter().filter(|symbol| !symbol.is_undefined);
        let hashes: Vec<u64> = defined().map(|symbol| name_hash(symbol.name)).collect();
        let has = |from: &HashSet<u64>| hashes.iter().any(|hash| from.contains(hash));
        if !has(&dropped) || has(&wanted) {
            continue;
        }
        let slots: HashSet<u32> = hashes.iter().filter_map(|hash| of_library(*hash)).collect();
        if !rebind::is_wanted(editor, &slots)? {
            return Ok(Some(path.display().to_string()));
        }
    }
    Ok(None)
}
