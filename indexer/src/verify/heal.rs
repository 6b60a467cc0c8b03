//! What is done about what was found.

use super::{Cure, Kind, Report, Wrong};
use crate::index::changes;
use crate::index::generation;
use crate::index::kept::{Access, Shelves};
use crate::index::opened::Executable;
use crate::inputs::mapped::Fingerprint;
use anyhow::{Context, Result, anyhow};
use shared::plan::PlanView;
use std::fs;
use std::io::ErrorKind;

/// Forgets kept chunks that are wrong, and has the next link make anew what cannot be trusted.
pub fn heal(executable: &Executable, report: &mut Report, wrong: &Wrong) {
    let is_kept = |kind: Kind| matches!(kind, Kind::Chunk | Kind::Map);
    let mut cure = |of: &dyn Fn(Kind) -> bool, how: Cure, result: &dyn Fn() -> Result<()>| {
        let mut found = report.findings.iter_mut().filter(|finding| of(finding.kind)).peekable();
        if found.peek().is_none() {
            return;
        }
        match result() {
            Ok(()) => found.for_each(|finding| finding.cure = how),
            Err(error) => report.not_healed = Some(format!("{error:#}")),
        }
    };
    cure(&is_kept, Cure::Forgotten, &|| forget(executable, wrong));
    cure(&|kind| !is_kept(kind), Cure::Condemned, &|| condemn(executable));
}

fn forget(executable: &Executable, wrong: &Wrong) -> Result<()> {
    let (plan, _, _) = executable.plan()?;
    let view = PlanView::new(&plan).map_err(|error| anyhow!("the plan is damaged: {error:?}"))?;
    let shelves = Shelves::open(executable, &view, Access::Forget).context("cannot write what is kept")?;
    for shelf in [&shelves.common, &shelves.own].into_iter().flatten() {
        if wrong.shelves.contains(&shelf.path) {
            shelf.disown().with_context(|| format!("cannot write {}", shelf.map_path.display()))?;
        }
    }
    for chunk in &wrong.chunks {
        let Some(shelf) = shelves.of(*chunk) else { continue };
        shelf.forget(*chunk).with_context(|| format!("cannot write {}", shelf.map_path.display()))?;
    }
    Ok(())
}

/// As the loader does: without `changes` the next link is a full one. Generations since a full link share their files.
fn condemn(executable: &Executable) -> Result<()> {
    let folder = &executable.folder;
    let output = folder.parent().context("a generation without a folder")?;
    let inode = |folder: &std::path::Path| {
        Fingerprint::at(&folder.join("plan")).map(|print| (print.device, print.inode))
    };
    let own = inode(folder);
    let others = generation::numbers(output).into_iter().map(|number| output.join(number.to_string()));
    let sharing = others.filter(|other| own.is_some() && inode(other) == own);
    for folder in std::iter::once(folder.clone()).chain(sharing) {
        let path = folder.join(changes::FILE);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}
