//! The next link of the same program: work that follows the change.
//!
//! Everything that the link before decided is in its generation. If the command line is the same, and what changed are
//! objects for which there is room, then all other addresses stand, and the new generation is the one before with a patch.
//! Otherwise there is a reason why not, and a full link follows.

/// Ends a step with a reason for a full link.
macro_rules! full {
    ($($text:tt)*) => { return Ok(Err(format!($($text)*))) };
}

/// Runs a step; a reason for a full link ends the whole attempt.
macro_rules! step {
    ($attempt:expr) => {
        match $attempt? {
            Ok(value) => value,
            Err(why) => return Ok(Err(why)),
        }
    };
}

mod editor;
mod functions;
mod groups;
mod idle;
mod import;
mod inputs;
mod kept;
mod libraries;
mod library;
mod members;
mod needed;
mod object;
mod pages;
mod place;
mod rebind;
mod stat;

use crate::args::expression::Expression;
use crate::args::{self, Request};
use crate::complete;
use crate::emit::{self, Identity};
use crate::evident;
use crate::index::changes::{self, Changes, Facts};
use crate::index::gc;
use crate::index::generation::{self, Draft};
use crate::index::opened::Executable;
use crate::index::state::{self, Reread, State, Status};
use crate::index::store::Store;
use crate::index::version;
use crate::inputs::mapped::{self, Fingerprint};
use crate::layout;
use crate::load::StaleReason;
use crate::synth::notes;
use crate::timing::Timing;
use crate::{HandOn, object as reader, order, report, trouble};
use anyhow::{Context, Result};
use editor::Editor;
pub use editor::mentions;
use groups::Change;
use idle::nothing_changed;
pub use inputs::state_of;
use inputs::{Stale, read_stale, rename_objects};
pub use needed::{FILE as NEEDED, Needed, bytes as needed};
use shared::plan::{PlanHeader, PlanView, Slot, slot};
use shared::pod::bytes_of;
use shared::record::{NONE, ObjectView};
use stat::Generation;
pub use stat::is_older_than_start;
use std::collections::HashMap;
use std::fs;
use std::mem::offset_of;
use std::path::Path;

/// How the attempt ended.
pub enum Outcome {
    /// With the files of the link.
    Done(Box<(Status, State)>),
    /// A full link is needed, because of this.
    Full(String),
}

/// What cannot be relinked is linked in full, which says what is wrong if it is with the inputs.
pub fn full_instead(error: anyhow::Error) -> Result<Outcome> {
    if error.is::<HandOn>() || trouble::is_of_machine(&error) {
        return Err(error);
    }
    Ok(Outcome::Full(format!("{error:#}")))
}

/// An object whose record is another one now.
pub struct Changed {
    /// Its number in the plan.
    object: u32,
    /// For the reasons of full links.
    name: String,
    /// Its name in its archive.
    member: Vec<u8>,
    record: Vec<u8>,
    fingerprint: Fingerprint,
    /// Where its member is now.
    offset: u64,
}

macro_rules! link_in_full {
    ($($text:tt)*) => { return Ok(Outcome::Full(format!($($text)*))) };
}

/// Tries to make the next generation from the one before.
pub fn relink(request: &Request, index: &Path, timing: &mut Timing) -> Result<Outcome> {
    let output_folder = generation::output_folder(index, &request.output)?;
    let Some(executable) = executable_before(request, &output_folder) else {
        link_in_full!("{}", version::why_first(&request.output))
    };
    let in_index = executable.folder.canonicalize().is_ok_and(|folder| folder.starts_with(index));
    if !in_index {
        link_in_full!("the index is another one");
    }
    let Some(mut state) = State::open_untouched(&executable.folder) else {
        link_in_full!("{}", version::why_no_state(&executable.folder));
    };
    if state.request() != request.identity() {
        link_in_full!("the command line, or the linker, changed");
    }
    // A generation that is damaged is made anew: the program says to link again.
    let mut touched = false;
    match stat::generation(&executable, &state)? {
        Generation::Untouched => {}
        Generation::Proven { report_lost } => {
            touched = true;
            state.changes.facts.idle &= u64::from(!report_lost);
        }
        Generation::Damaged(why) => link_in_full!("{why}"),
    }
    if let Some(why) = report::needs_full_link(request) {
        link_in_full!("{why}");
    }
    let renamed = rename_objects(request, &mut state);
    // Other objects, or other members of archives: they are found as a full link finds them.
    let mut is_settled = renamed.is_some();
    timing.phase("state");

    // One stat for each input; nothing else for those that did not change.
    let seen = mapped::now_ns();
    let before = state.clone();
    let mut stale: HashMap<u32, Fingerprint> = HashMap::new();
    let differing = if is_settled { stat::changed_files(&state) } else { Vec::new() };
    for (number, now) in differing {
        match now {
            // A member of a thin archive may have gone with its file. Of others the full link says that they are missing.
            None if !args::is_object(state.file(number).path) => {
                link_in_full!("{} is gone", state.file(number).path.display())
            }
            None => is_settled = false,
            Some(now) => {
                stale.insert(number, now.settled(seen));
            }
        }
    }
    if let Some(path) = state.missing().find(|path| path.exists()) {
        link_in_full!("{} has appeared", path.display());
    }
    timing.phase("stat");
    let mut changed = Vec::new();
    if is_settled && !stale.is_empty() {
        match read_stale(&mut state, &stale, &output_folder)? {
            Stale::Changed(read) => changed = read,
            Stale::Unsettled => is_settled = false,
            Stale::Full(why) => return Ok(Outcome::Full(why)),
        }
    }
    timing.phase("objects");
    let mut store = Store::open(index)?;
    let mut editor = None;
    if !changed.is_empty() || !is_settled {
        match Editor::open(&executable, &before)? {
            Ok(opened) => editor = Some(opened),
            Err(why) => return Ok(Outcome::Full(why)),
        }
    }
    let needed_before = executable.folder.join(needed::FILE);
    if let Some(editor) = editor.as_ref().filter(|_| is_settled) {
        is_settled = !may_load_others(editor, request, &needed_before, &changed)?;
    }
    if is_settled && stale.keys().any(|file| state.file(*file).is_archive()) {
        // Whether what an archive offers is more than a common symbol, its table does not say.
        let has_commons = |bytes: &[u8]| Needed::read(bytes).is_none_or(|needed| !needed.commons.is_empty());
        is_settled = !mapped::map(&needed_before).is_ok_and(|(bytes, _)| has_commons(bytes));
    }
    let mut reloaded = None;
    if !is_settled {
        if editor.is_none() {
            match Editor::open(&executable, &before)? {
                Ok(opened) => editor = Some(opened),
                Err(why) => return Ok(Outcome::Full(why)),
            }
        }
        let room =
            editor.as_ref().map_or(Ok(0), |editor| editor.view().map(|view| view.objects.len() - 1))?;
        match members::reload(request, index, &output_folder, &before, room, &mut store, timing)? {
            Ok(found) => {
                state = found.state;
                changed = found.changed;
                reloaded = Some((found.reindexed, found.needed, found.bytes));
            }
            Err(why) => return Ok(Outcome::Full(why)),
        }
        timing.phase("members");
    }

    if changed.is_empty() {
        if !request.shared && functions::are_of_another_link(&executable, &state.changes.facts) {
            link_in_full!("another link has gone on from this one, and changed the names of functions");
        }
        if let Some((_, needed, bytes)) = &reloaded {
            crate::index::write_file(&needed_before, &[needed])?;
            crate::index::write_file(&executable.folder.join(state::FILE), &[bytes])?;
        }
        touched |= renamed != Some(false) || !stale.is_empty() || reloaded.is_some();
        let outcome = nothing_changed(request, &executable, &before, &stale, state, touched)?;
        timing.phase("output");
        return Ok(outcome);
    }
    let Some(mut editor) = editor else { link_in_full!("the index contradicts itself") };
    if editor.is_overgrown()? {
        link_in_full!("much has changed since the last full link");
    }
    let changes = changed
        .iter()
        .map(|changed| {
            // Records live as long as the link, which is a short process.
            let record: &'static [u8] = changed.record.clone().leak();
            Change::new(&editor, changed.object, changed.name.clone(), record)
        })
        .collect::<Result<Vec<_>>>()?;
    let (order, order_before) = (state.positions(), before.positions());
    let affected = match rebind::replace(&mut editor, request, changes, &order, &order_before)? {
        Ok(affected) => affected,
        Err(why) => return Ok(Outcome::Full(why)),
    };
    follow_ends(&mut editor)?;
    if let Some(library) = libraries::no_longer_needed(&editor, request, &changed)? {
        link_in_full!("{library} is no longer needed");
    }
    if request.shared
        && let Err(why) = library::relocate(&mut editor, request)?
    {
        return Ok(Outcome::Full(why));
    }
    if let Some(name) = stale_alias(&editor, request)? {
        link_in_full!("what --defsym={name} refers to has moved");
    }
    renew_build_id(&mut editor, &state, &changed)?;
    editor.keep_records(&mut store, &mut state, &changed)?;
    timing.phase("layout");

    let patch = match pages::patch(&editor, &executable)? {
        Ok(patch) => patch,
        Err(why) => return Ok(Outcome::Full(why)),
    };
    timing.phase("pages");
    let facts_before = state.changes.facts;
    state.changes.facts = Facts {
        used: editor.used,
        lazy_pages: editor.pages(shared::plan::RegionKind::Lazy),
        eager_pages: editor.pages(shared::plan::RegionKind::Eager),
        ..Facts::default()
    };
    state.changes.names.clone_from(&editor.added_names);
    let reindexed = match &reloaded {
        Some((reindexed, ..)) => reindexed.clone(),
        None => changed.iter().map(|changed| reread(&state, changed)).collect(),
    };
    let status = status(request, &state, reindexed);
    let draft = Draft::new(&output_folder)?;
    let is_own = |name: &&str| reloaded.is_some() && [state::FILE, NEEDED].contains(name);
    for name in kept_files(request).iter().copied().chain(["log"]).filter(|name| !is_own(name)) {
        let from = executable.folder.join(name);
        match fs::hard_link(&from, draft.path(name)) {
            Err(error) if name != "log" => {
                return Err(error).with_context(|| format!("cannot link {}", from.display()));
            }
            _ => {}
        }
    }
    if let Some((_, needed, bytes)) = &reloaded {
        draft.write(needed::FILE, needed)?;
        draft.write(state::FILE, bytes)?;
    }
    draft.write("patch", &patch)?;
    draft.write("status.json", &serde_json::to_vec_pretty(&status)?)?;
    if request.shared {
        finish_changes(&mut state.changes, request, &draft, &editor.view()?)?;
        if let Err(why) = library::write(&editor, request, &state, &executable, draft, &output_folder)? {
            return Ok(Outcome::Full(why));
        }
        timing.phase("output");
        return Ok(Outcome::Done(Box::new((status, state))));
    }
    let Some(head) = executable.generation_head() else {
        link_in_full!("the head of the executable is damaged");
    };
    let Ok(evident) = evident::of_image(&editor.view()?, &editor) else {
        link_in_full!("what other programs read of the executable cannot be rendered");
    };
    let patch_sum = u64::from_le_bytes(patch[8..16].try_into().unwrap_or_default());
    kept::hand_on(&editor, &executable, &draft, patch_sum, &affected)?;
    order::hand_on(&executable, &editor.view()?, &draft)?;
    timing.phase("kept");
    functions::write(&editor, &executable, &draft, &facts_before, &mut state.changes.facts, &affected)?;
    finish_changes(&mut state.changes, request, &draft, &editor.view()?)?;
    timing.phase("symbols");
    let (number, folder) = draft.publish()?;
    let identity = Identity {
        base: executable.config.base,
        number,
        folder: &folder,
        plan: executable.config.plan,
        patch: patch_sum,
        image: executable.config.image,
        symbols_crc: state.changes.facts.symbols_crc as u32,
    };
    let regions = editor.view()?.regions;
    let written = emit::rewrite(&request.output, &head, regions, &identity, evident);
    let replaced = generation::or_take_back(&folder, written)?;
    crate::library::note_written(&folder, &request.output)?;
    if !request.place_apart {
        complete::after_link(&folder, &request.output, replaced);
    }
    gc::after_link(&output_folder, &request.output);
    timing.phase("output");
    Ok(Outcome::Done(Box::new((status, state))))
}

/// The first symbol of `--defsym` whose value is no longer that of what it refers to.
fn stale_alias<'a>(editor: &Editor, request: &'a Request) -> Result<Option<&'a str>> {
    let view = editor.view()?;
    let value = |name: &str| {
        let found = editor.find(reader::name_hash(name.as_bytes()))?;
        Some(view.slots.get(found.slot as usize)?.value)
    };
    let is_stale = |(name, meaning): &&(String, Expression)| match meaning {
        Expression::Symbol(target, offset) => {
            value(name) != value(target).map(|value| value.wrapping_add_signed(*offset))
        }
        _ => false,
    };
    Ok(request.defsyms.iter().find(is_stale).map(|(name, _)| name.as_str()))
}

/// Moves the linker's symbols at the ends of code and data behind what was added there.
fn follow_ends(editor: &mut Editor) -> Result<()> {
    let ends: [(usize, &[&str]); 3] = [
        (layout::TEXT, &["etext", "_etext", "__etext"]),
        (layout::DATA, &["edata", "_edata"]),
        (layout::BSS, &["end", "_end"]),
    ];
    for (region, names) in ends {
        for name in names {
            let Some(found) = editor.find(reader::name_hash(name.as_bytes())) else { continue };
            let view = editor.view()?;
            let (table, end, slot) =
                (view.header.slots, view.regions[region].end.0, view.slots[found.slot as usize]);
            let record = editor.object(slot.object);
            let mention = record.and_then(|record| record.globals.get(slot.global as usize).copied());
            // An object may define a symbol of this name itself.
            let is_own = slot.flags & slot::NEAR != 0 && mention.is_none_or(|global| !global.is_definition());
            if is_own && slot.value < end {
                editor.set(table, found.slot.into(), Slot { value: end, ..slot })?;
                editor.moved.insert(found.slot);
            }
        }
    }
    Ok(())
}

/// Files of a generation that those of relinks share.
fn kept_files(request: &Request) -> &'static [&'static str] {
    if request.shared {
        &["plan", crate::library::PHDRS, "names", NEEDED, state::FILE]
    } else {
        &["plan", "image", "names", NEEDED, state::FILE]
    }
}

/// Writes what is different since the full link, when all other files of the generation are written but for those that
/// name it.
pub fn finish_changes(
    changes: &mut Changes,
    request: &Request,
    draft: &Draft,
    view: &PlanView<'_>,
) -> Result<()> {
    let folder = draft.path("");
    let patch = Some("patch").filter(|patch| draft.path(patch).exists());
    let own: Vec<&str> = kept_files(request).iter().copied().chain(patch).chain(["status.json"]).collect();
    let packs = view.packs.iter().filter(|pack| pack.len != 0).map(|pack| pack.name.of(view.strings));
    changes.note_parts(&folder, &own, packs);
    draft.write(changes::FILE, &changes.bytes())
}

/// What people are told of a relink.
fn status(request: &Request, state: &State, reindexed: Vec<Reread>) -> Status {
    let Facts { lazy_pages, eager_pages, .. } = state.changes.facts;
    Status {
        output: request.output.display().to_string(),
        incremental: true,
        why_full: None,
        objects: state.live_count(),
        reindexed,
        pages_total: lazy_pages + eager_pages,
        lazy_pages,
        eager_pages,
        warnings: state.warnings(),
    }
}

/// The executable of the link before: the output, or, where a build removes it first as rustc does, the copy in
/// its newest generation.
pub fn executable_before(request: &Request, folder: &Path) -> Option<Executable> {
    if request.shared {
        return library::newest(folder);
    }
    Executable::open(&request.output).ok().or_else(|| {
        // A link that was killed may have left one without an executable.
        let open = |number: u64| Executable::open(&folder.join(number.to_string()).join(emit::HEAD)).ok();
        generation::numbers(folder).into_iter().rev().find_map(open)
    })
}

/// What the link before says of its inputs; nothing if there was none.
pub fn state_before(request: &Request, index: &Path) -> State {
    let read = || {
        let folder = generation::output_folder(index, &request.output).ok()?;
        let executable = executable_before(request, &folder)?;
        State::open(&executable.folder)
    };
    read().unwrap_or_default()
}

/// Another program has another build ID: the one that a full link of these objects would give it.
fn renew_build_id(editor: &mut Editor, state: &State, changed: &[Changed]) -> Result<()> {
    let place = editor.view()?.header.build_id;
    if place.0 == 0 {
        return Ok(());
    }
    let mut contents = state.contents();
    for changed in changed {
        let record = ObjectView::new(&changed.record).context("a new record contradicts itself")?;
        if let Some(content) = contents.get_mut(changed.object as usize) {
            *content = record.header.content;
        }
    }
    let mut objects: Vec<(u32, [u64; 2])> = state.positions().into_iter().zip(contents).collect();
    objects.retain(|(position, _)| *position != NONE);
    if !objects.is_sorted_by_key(|(position, _)| *position) {
        objects.sort_unstable_by_key(|(position, _)| *position);
    }
    let contents = objects.into_iter().map(|(_, content)| content);
    let id = notes::build_id(notes::identity(contents));
    editor.set_bytes(offset_of!(PlanHeader, build_id_words) as u64, bytes_of(&id))?;
    editor.touch(place, size_of_val(&id) as u64);
    Ok(())
}

fn reread(state: &State, changed: &Changed) -> Reread {
    let object = state.object(changed.object);
    Reread {
        path: state.file(object.file).path.display().to_string(),
        member: String::from_utf8_lossy(&changed.member).into_owned(),
        reason: StaleReason::Changed.to_string(),
    }
}

/// Whether other members of archives may be loaded now that these objects have other records.
fn may_load_others(editor: &Editor, request: &Request, needed: &Path, changed: &[Changed]) -> Result<bool> {
    let Ok((bytes, _)) = mapped::map(needed) else { return Ok(true) };
    let Some(needed) = Needed::read(bytes) else { return Ok(true) };
    let view = editor.view()?;
    let is_defined = |hash: u64| {
        editor
            .find(hash)
            .and_then(|found| view.slots.get(found.slot as usize))
            .is_some_and(object::is_defined)
    };
    let pair = |changed: &'_ Changed| {
        Some(needed::Pair {
            number: changed.object,
            old: editor.old_object(changed.object)?,
            new: ObjectView::new(Box::leak(changed.record.clone().into_boxed_slice()))?,
        })
    };
    let pairs: Vec<_> = changed.iter().map(pair).collect::<Option<_>>().context("a record is gone")?;
    Ok(needed.may_differ(&pairs, !request.wraps.is_empty(), is_defined))
}
