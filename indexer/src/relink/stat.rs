//! Which inputs, and which files of the generation, are no longer what the link before saw.

use crate::index::changes;
use crate::index::opened::Executable;
use crate::index::state::{self, NAMES_MAGIC, State, read_names};
use crate::index::{store, version};
use crate::inputs::mapped::{self, Fingerprint};
use crate::library;
use anyhow::Result;
use rayon::prelude::*;
use shared::plan::{PlanView, flag};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Up to so many files, threads cost more than they save.
const FEW: u32 = 1024;
/// Files for one thread at a time.
const CHUNK: usize = 256;

/// The files of the link that changed, with what they are now; `None`: they are gone. One stat for each.
pub fn changed_files(state: &State) -> Vec<(u32, Option<Fingerprint>)> {
    let changed = |number: u32| {
        let now = mapped::fingerprint_at(&state.c_path(number));
        (now != Some(state.file(number).fingerprint)).then_some((number, now))
    };
    let all = 0..state.file_count();
    if state.file_count() <= FEW {
        return all.filter_map(changed).collect();
    }
    all.into_par_iter().with_min_len(CHUNK).filter_map(changed).collect()
}

/// What became of the files of a generation.
pub enum Generation {
    /// They are those that were written.
    Untouched,
    /// Some are others, or may be, but say what they should; `true`: all but what people are told.
    Proven { report_lost: bool },
    /// One is gone or damaged.
    Damaged(String),
}

/// Examines the files of a generation. Those that have their size and time are those that were written, unless the
/// machine was started again since: a crash may leave anything. Then, and if they were touched, their checksums tell.
pub fn generation(executable: &Executable, state: &State) -> Result<Generation> {
    let folder = &executable.folder;
    let touched = state.changes.touched_parts(folder);
    if touched.is_empty() && !is_older_than_start(folder) {
        return Ok(Generation::Untouched);
    }
    let report_lost = touched.contains(&Path::new("status.json"));
    // The one has no checksum; the other belongs to executables that name its time, and launches would read all of it.
    for (name, what) in [("image", "image"), (library::PHDRS, "list of program headers")] {
        if touched.contains(&Path::new(name)) {
            return Ok(Generation::Damaged(format!("the {what} of the index was changed")));
        }
    }
    let damaged = |what: &str| Ok(Generation::Damaged(format!("{what} of the index is damaged")));
    if !mapped::map(&folder.join(state::FILE)).is_ok_and(|(bytes, _)| state::Base::is_whole(bytes)) {
        return damaged("the state");
    }
    let (plan, _, _) = match executable.plan() {
        Ok(opened) => opened,
        Err(error) => return Ok(Generation::Damaged(format!("{error:#}"))),
    };
    let Ok(view) = PlanView::new(&plan) else { return damaged("the plan") };
    let is_whole = |image: &[u8]| {
        shared::image::is_whole(image, view.header.base, view.regions, executable.config.image.sums)
    };
    let is_library = view.header.flags & flag::SHARED != 0;
    if !is_library && !mapped::map(&folder.join("image")).is_ok_and(|(bytes, _)| is_whole(bytes)) {
        return damaged("the image");
    }
    match mapped::map(&folder.join("names")) {
        Ok((bytes, _)) if read_names(bytes).is_some() => {}
        Ok((bytes, _)) => {
            let why = version::unreadable("the list of names", bytes, NAMES_MAGIC);
            return Ok(Generation::Damaged(why.to_string()));
        }
        Err(error) => return Ok(Generation::Damaged(format!("{error:#}"))),
    }
    for pack in view.packs.iter().filter(|pack| pack.len != 0) {
        let name = String::from_utf8_lossy(pack.name.of(view.strings)).into_owned();
        let path = Path::new(changes::PACKS).join(&name);
        let is_whole =
            || mapped::map(&folder.join(&path)).is_ok_and(|(bytes, _)| store::is_whole(bytes, pack));
        if touched.contains(&path.as_path()) && !is_whole() {
            // Nothing may go on with it: its records are made again.
            std::fs::remove_file(folder.join(&path)).ok();
            return damaged(&format!("pack {name}"));
        }
    }
    Ok(Generation::Proven { report_lost })
}

/// Whether a generation was written before the machine was started.
pub fn is_older_than_start(folder: &Path) -> bool {
    use nix::time::{ClockId, clock_gettime};
    let Ok(running) = clock_gettime(ClockId::CLOCK_BOOTTIME) else { return true };
    let started = SystemTime::now().checked_sub(Duration::from(running));
    let written = std::fs::metadata(folder.join(changes::FILE)).and_then(|metadata| metadata.modified());
    match (written, started) {
        (Ok(written), Some(started)) => written < started,
        _ => true,
    }
}
