//! A link with nothing to do.

use super::{Outcome, library, status};
use crate::args::Request;
use crate::emit::{self, Identity};
use crate::evident;
use crate::index::gc;
use crate::index::opened::Executable;
use crate::index::state::State;
use crate::settle::{self, When};
use anyhow::Result;
use shared::plan::PlanView;

/// The executable becomes newer than its inputs, for make. `touched`: the state says something else than before, or is
/// to say it anew.
pub fn nothing_changed(
    request: &Request,
    executable: &Executable,
    mut state: State,
    mut touched: bool,
) -> Result<Outcome> {
    let folder = &executable.folder;
    let status = status(request, &state, Vec::new());
    let settles = !executable.is_settled() && settle::when(&request.output) == When::InLink;
    if request.shared {
        library::write_again(request, executable, &state)?;
    } else if (settles || !crate::library::touch(folder, &request.output)?)
        && !write_again(request, executable, &state)?
    {
        return Ok(Outcome::Full("the head of the executable is damaged".to_owned()));
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

/// Writes the executable of a generation again, where somebody removed or changed it. False: what is needed for that is
/// damaged.
fn write_again(request: &Request, executable: &Executable, state: &State) -> Result<bool> {
    let Some(head) = executable.generation_head() else { return Ok(false) };
    let (plan, _, _) = executable.plan()?;
    let view = PlanView::new(&plan).map_err(|error| anyhow::anyhow!("the plan is damaged: {error:?}"))?;
    let objects = executable.objects(view)?;
    let evident = evident::of_image(&view, &objects).map_err(crate::whole::failed)?;
    let identity = Identity::of(executable, state);
    emit::rewrite(&request.output, &head, view.regions, &identity, evident)?;
    crate::library::note_written(&executable.folder, &request.output)?;
    crate::complete::after_link(&executable.folder, &request.output);
    Ok(true)
}
