//! What nobody needs any more of shared libraries. A library that is named under `--as-needed` would not be there from
//! nothing, and its constructors would not run. A symbol that is left among the imports may be gone from the next version
//! of its library, and then the program would not start.

use super::Changed;
use super::editor::Editor;
use super::rebind;
use crate::args::Request;
use crate::object::name_hash;
use anyhow::{Context, Result};
use object::elf::STB_WEAK;
use shared::plan::slot;
use shared::record::{GlobalRec, ObjectView};
use std::collections::{HashMap, HashSet};

/// A symbol of a library that an object has ceased to mention, and nobody else does; or a library of which an object has
/// ceased to want a symbol, and of which nobody wants anything else.
pub fn no_longer_needed(editor: &Editor, request: &Request, changed: &[Changed]) -> Result<Option<String>> {
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
    if let Some(name) = no_longer_mentioned(editor, changed, &of_library)? {
        return Ok(Some(name));
    }
    if !request.inputs.iter().any(|(_, state)| state.as_needed) {
        return Ok(None);
    }
    // A library of which somebody else wants the same symbol is needed, and reading libraries takes time.
    let slots: HashSet<u32> = dropped.iter().filter_map(|hash| of_library(*hash)).collect();
    let elsewhere = rebind::wanted(editor, &slots)?;
    dropped.retain(|hash| of_library(*hash).is_some_and(|slot| !elsewhere.contains(&slot)));
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
        if rebind::wanted(editor, &slots)?.is_empty() {
            return Ok(Some(path.display().to_string()));
        }
    }
    Ok(None)
}

/// A symbol of a library that a changed object mentioned, and nobody does any more.
fn no_longer_mentioned(
    editor: &Editor,
    changed: &[Changed],
    of_library: &dyn Fn(u64) -> Option<u32>,
) -> Result<Option<String>> {
    let mut names: HashMap<u32, String> = HashMap::new();
    let mut mentioned: HashSet<u64> = HashSet::new();
    for changed in changed {
        let old = editor.old_object(changed.object).context("a record of the index is gone")?;
        let new = ObjectView::new(&changed.record).context("a new record contradicts itself")?;
        mentioned.extend(new.globals.iter().map(|global| global.hash));
        for global in old.globals.iter().filter(|global| global.name.len != 0) {
            if let Some(slot) = of_library(global.hash).filter(|_| !mentioned.contains(&global.hash)) {
                names.insert(slot, String::from_utf8_lossy(old.string(global.name)).into_owned());
            }
        }
    }
    names.retain(|_, name| !mentioned.contains(&name_hash(name.as_bytes())));
    let slots: HashSet<u32> = names.keys().copied().collect();
    if slots.is_empty() {
        return Ok(None);
    }
    let others = rebind::mentioned(editor, &slots)?;
    let mut left: Vec<String> =
        names.into_iter().filter(|(slot, _)| !others.contains(slot)).map(|(_, name)| name).collect();
    left.sort_unstable();
    Ok(left.into_iter().next())
}
