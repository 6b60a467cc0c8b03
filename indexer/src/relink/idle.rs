//! A link with nothing to do.

use super::{Outcome, library, status};
use crate::args::Request;
use crate::companion;
use crate::emit::{self, Identity};
use crate::evident;
use crate::index::gc;
use crate::index::opened::Executable;
use crate::index::pinned;
use crate::index::state::State;
use crate::inputs::mapped::{self, Fingerprint};
use crate::settle::{self, When};
use anyhow::Result;
use shared::plan::PlanView;
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

/// The executable becomes newer than its inputs, for make. `touched`: the state says something else than before, or is
/// to say it anew. `stale`: files that were written since, `before` that.
pub fn nothing_changed(
    request: &Request,
    executable: &Executable,
    before: &State,
    stale: &HashMap<u32, Fingerprint>,
    mut state: State,
    mut touched: bool,
) -> Result<Outcome> {
    let folder = &executable.folder;
    let status = status(request, &state, Vec::new());
    let settles = !executable.is_settled() && settle::when(&request.output) == When::InLink;
    if request.shared {
        library::write_again(request, executable, &state)?;
    } else {
        let is_as_before = !settles
            && !may_have_other_lines(executable, before, stale)
            && crate::library::touch(folder, &request.output)?;
        if !is_as_before && !write_again(request, executable, &state)? {
            return Ok(Outcome::Full("the head of the executable is damaged".to_owned()));
        }
    }
    // The link before may have been killed when it had not yet done so.
    gc::note_output(folder.parent().unwrap_or(folder), &request.output);
    if state.changes.facts.idle == 0 {
        crate::index::write_file(&folder.join("status.json"), &[&serde_json::to_vec_pretty(&status)?])?;
        state.changes.facts.idle = 1;
        touched = true;
    }
    if touched {
        state.changes.note_parts_again(folder);
        state.changes.write(folder)?;
    }
    Ok(Outcome::Done(Box::new((status, state))))
}

/// Whether one of these files may have other debug information than before, which no link reads: after an edit of a comment
/// the code is the same, and on other lines. Where the old object is held, the two are compared.
fn may_have_other_lines(executable: &Executable, before: &State, stale: &HashMap<u32, Fingerprint>) -> bool {
    let is_other = |number: &u32| {
        let file = before.file(*number);
        let held = executable.folder.parent().map(|folder| pinned::path(folder, &file.fingerprint));
        let differs = || {
            let (held, path) = (held?, file.path);
            // One that was written over is held as it is now.
            let (old, new) = (fs::metadata(&held).ok()?, fs::metadata(path).ok()?);
            let is_itself = (old.dev(), old.ino()) == (new.dev(), new.ino());
            (!is_itself).then_some(mapped::map(&held).ok()?.0 != mapped::map(path).ok()?.0)
        };
        !file.is_shared() && differs().unwrap_or(true)
    };
    // One that was written so shortly before the last link that its time does not tell is hardly another one, nor is one that
    // has a new name.
    let is_written = |(number, now): &(&u32, &Fingerprint)| {
        let of = |file: &Fingerprint| (file.device, file.inode, file.size, file.modified_ns);
        of(&before.file(**number).fingerprint) != of(now)
    };
    if !stale.iter().filter(is_written).any(|(number, _)| is_other(number)) {
        return false;
    }
    // Whoever asks for it gets what is said now.
    fs::remove_file(executable.folder.join(companion::DONE)).ok();
    true
}

/// Writes the executable of a generation again, where somebody removed or changed it, or it is to settle with other debug
/// information. False: what is needed for that is damaged.
fn write_again(request: &Request, executable: &Executable, state: &State) -> Result<bool> {
    let Some(head) = executable.generation_head() else { return Ok(false) };
    let (plan, _, _) = executable.plan()?;
    let view = PlanView::new(&plan).map_err(|error| anyhow::anyhow!("the plan is damaged: {error:?}"))?;
    let objects = executable.objects(view)?;
    let evident = evident::of_image(&view, &objects).map_err(crate::whole::failed)?;
    let identity = Identity::of(executable, state);
    let replaced = emit::rewrite(&request.output, &head, view.regions, &identity, evident)?;
    crate::library::note_written(&executable.folder, &request.output)?;
    crate::complete::after_link(&executable.folder, &request.output, replaced);
    Ok(true)
}
