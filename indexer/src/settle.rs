//! Behind a link, when everything is rendered anyway: the executable becomes an ordinary one, with code, data, symbols
//! and debug information, at the same addresses. The kernel maps it, and nothing of ours runs in it; debuggers and
//! profilers find in it what they find in any other. It still says which generation it is, for the next link.
//!
//! Programs know their own file: while somebody runs the one that has the loader, it stays (`/proc/self/exe` would name
//! a deleted file). And whoever changed it since the link (`strip`, `chrpath`) keeps what he has made.

use crate::args::Strip;
use crate::awaited::Awaited;
use crate::debug::{self, Linked};
use crate::emit::{self, Identity, Phdr};
use crate::evident;
use crate::exchange;
use crate::index::opened::Executable;
use crate::index::state::State;
use crate::index::{access, gc, generation};
use crate::inputs::mapped::{self, Fingerprint};
use crate::lease::{self, Lease};
use crate::library;
use crate::removed;
use crate::search_path;
use crate::whole::{self, Whole};
use anyhow::{Context, Result, anyhow};
use object::elf;
use shared::output::{CONFIG, IMAGE_PHDRS};
use shared::plan::PlanView;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Programs of no more than so many bytes are settled by the link itself: that takes less time than to start a process.
const SMALL: u64 = 4 << 20;

/// The settled executable, in the folder of its generation, until it takes its place.
const FILE: &str = "settled";

/// Word of the command line by which the loader has its executable settled, in front of the generation's folder and the
/// executable.
pub const COMMAND: &str = "--unfold-settle";

/// How long a program may run from the loader until nobody waits for its end any more.
const PATIENCE: Duration = Duration::from_secs(3600);
/// How long nobody has had it open by then: a debugger closes it between what it reads of it and the start.
const QUIET: Duration = Duration::from_secs(2);
/// The pauses between two looks grow from the one to the other.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// When an executable becomes an ordinary one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// It keeps the loader.
    Never,
    /// When nobody waits for it.
    Behind,
    /// The link writes nothing else, and takes its time; a failure is one of the link.
    InLink,
}

/// `UNFOLD_SETTLE=off|on|link`; and in the link, too, where the index is about to be removed.
pub fn when(output: &Path) -> When {
    let switch = std::env::var_os("UNFOLD_SETTLE").unwrap_or_default();
    match switch.to_str() {
        Some("off" | "0") => When::Never,
        Some("link") => When::InLink,
        _ if removed::after_build(output) => When::InLink,
        _ => When::Behind,
    }
}

/// Writes the executable of a generation whole, in the place of whatever is at `output`.
pub fn in_link(folder: &Path, output: &Path) -> Result<()> {
    let settle = || -> Result<()> {
        // Of a link that was killed: this one is as large.
        gc::left_beside(emit::folder_of(output)).iter().for_each(|left| drop(fs::remove_file(left)));
        let executable = Executable::of_folder(folder)?;
        let (plan, _, _) = executable.untouched_plan()?;
        let head = executable.generation_head().context("the head of the executable is damaged")?;
        let made = make(&executable, view(&plan)?, debug::sections(&executable)?, head, output)?;
        give_name(made, output, 0o777 & !access::mask())
    };
    settle()
        .context("cannot make an ordinary executable in the link, as UNFOLD_SETTLE=link or its folder asks")
}

/// Settles a program that is small, at once. Returns whether it was. Nothing of this is the link's concern if it fails.
pub fn if_small(folder: &Path, output: &Path) -> bool {
    let settle = || -> Result<bool> {
        let executable = Executable::of_folder(folder)?;
        let (plan, _, _) = executable.untouched_plan()?;
        let view = view(&plan)?;
        let size = view.regions.iter().map(|region| region.len()).sum::<u64>();
        if size > SMALL {
            return Ok(false);
        }
        let debug = debug::sections(&executable)?;
        if debug.size() > SMALL {
            return Ok(false);
        }
        let head = executable.generation_head().context("the head of the executable is damaged")?;
        let made = make(&executable, view, debug, head, &folder.join(FILE))?;
        put_in_place(folder, output, &made, Replaced::Own)
    };
    settle().unwrap_or(false)
}

/// Settles a program, while `is_wanted` says that it is the newest generation; waits until nobody runs it. `awaited`: for who
/// looks at it before that.
pub fn settle(folder: &Path, output: &Path, awaited: &Awaited, is_wanted: &dyn Fn() -> bool) -> Result<()> {
    if !is_as_written(folder, output) {
        return Ok(());
    }
    // What was killed here, or in the generations before, has left a file as large as the executable.
    let generations = folder.parent().unwrap_or(folder);
    for number in generation::numbers(generations) {
        let left = gc::left_beside(&generations.join(number.to_string()));
        left.iter().for_each(|left| drop(fs::remove_file(left)));
    }
    let executable = Executable::of_folder(folder)?;
    let (plan, _, _) = executable.plan()?;
    let head = executable.generation_head().context("the head of the executable is damaged")?;
    let linked = bytes_with_loader(output)?;
    // Nothing is rendered for a program that somebody runs, and nothing twice for one that is run again and again.
    let mut made = None;
    // Who waits for the file of symbols has read the executable: he knows the one with the loader, and may be about to start it.
    let mut attempt = |is_quiet: bool| -> Result<bool> {
        let is_known = || !is_quiet && awaited.was_awaited();
        if is_known() || is_in_use(output)? {
            return Ok(false);
        }
        let made = match &mut made {
            Some(made) => made,
            none => {
                let debug = debug::sections(&executable)?;
                none.insert(make(&executable, view(&plan)?, debug, head.clone(), &folder.join(FILE))?)
            }
        };
        if is_known() {
            return Ok(false);
        }
        put_in_place(folder, output, made, Replaced::Free(&linked))
    };
    let first = attempt(false);
    if matches!(first, Ok(true)) {
        return Ok(());
    }
    // Who looks at the running program finds what he needs beside it.
    awaited.complete()?;
    first?;
    let start = Instant::now();
    let mut pause = PAUSES.0;
    let mut last_use = Instant::now();
    while is_wanted() && start.elapsed() < PATIENCE && is_as_written(folder, output) {
        if is_in_use(output)? {
            last_use = Instant::now();
        } else if last_use.elapsed() >= QUIET && attempt(true)? {
            break;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(PAUSES.1);
    }
    Ok(())
}

/// Settles the executable at `output` for the process of a debugger, which runs it and is about to execute it anew. It may
/// be another name of the output, or a copy, stripped or with another search path. One behind whose end somebody has put
/// more stays.
pub fn for_debugger(folder: &Path, output: &Path) -> Result<()> {
    let ours = Executable::open(output)?;
    let is_other = ours.folder.canonicalize().ok() != folder.canonicalize().ok();
    if ours.is_settled() || is_other || search_path::has_more_behind(output, &ours)? {
        return Ok(());
    }
    let (plan, _, _) = ours.plan()?;
    let head = ours.head.clone();
    let made = make(&ours, view(&plan)?, debug::sections(&ours)?, head, &folder.join(FILE))?;
    search_path::carry_over(output, &ours, &made)?;
    put_in_place(folder, output, &made, Replaced::Any).map(drop)
}

/// The executable of a settled one's generation that has the loader, in a file beside it, to be profiled.
pub fn with_loader(settled: &Path) -> Result<tempfile::TempPath> {
    let bytes = bytes_with_loader(settled)?;
    let context = || format!("cannot write beside {}", settled.display());
    let mut file = emit::temporary(settled)?;
    file.write_all(&bytes).with_context(context)?;
    let mode = fs::metadata(settled).with_context(context)?.permissions();
    file.as_file().set_permissions(mode).with_context(context)?;
    Ok(file.into_temp_path())
}

/// What the link has written to `output`, or would write if that is settled: the bytes in front of its hole.
fn bytes_with_loader(output: &Path) -> Result<Vec<u8>> {
    let executable = Executable::open(output)?;
    let state = State::open(&executable.folder).context("the state of the link is damaged; link again")?;
    let head =
        executable.generation_head().context("the head of the executable is damaged; link it again")?;
    let (plan, _, _) = executable.plan()?;
    let view = view(&plan)?;
    let objects = executable.objects(view)?;
    let identity = Identity::of(&executable, &state);
    let evident = evident::of_image(&view, &objects).map_err(whole::failed)?;
    emit::with_loader(output, &head, view.regions, &identity, evident)
}

/// Writes the executable at `app` whole, and says nothing of its generation in it.
pub fn bake(app: &Path, executable: &Executable, output: &Path, mode: u32) -> Result<()> {
    let (plan, _, _) = executable.plan()?;
    let made = make(executable, view(&plan)?, debug::sections(executable)?, Vec::new(), output)?;
    search_path::carry_over(app, executable, &made)?;
    give_name(made, output, mode)
}

fn give_name(made: tempfile::TempPath, output: &Path, mode: u32) -> Result<()> {
    let context = || format!("cannot write {}", output.display());
    fs::set_permissions(&made, fs::Permissions::from_mode(mode)).with_context(context)?;
    made.persist(output).map_err(|error| error.error).with_context(context)
}

fn view(plan: &[u8]) -> Result<PlanView<'_>> {
    PlanView::new(plan).map_err(|error| anyhow!("the plan is damaged: {error:?}"))
}

/// Renders the executable into a temporary file beside `path`.
fn make(
    executable: &Executable,
    plan: PlanView<'_>,
    debug: Linked,
    head: Vec<u8>,
    path: &Path,
) -> Result<tempfile::TempPath> {
    let objects = executable.objects(plan)?;
    // Those of the link: a settled executable has fewer of its own.
    let linked = executable.generation_head().unwrap_or_else(|| executable.head.clone());
    let headers = linked.get(IMAGE_PHDRS as usize..CONFIG as usize);
    let mut phdrs = Phdr::read(headers.context("the executable is truncated; link it again")?);
    phdrs.truncate(plan.header.phdr_count as usize);
    let whole = Whole {
        plan,
        phdrs,
        kind: elf::ET_EXEC,
        // The image's program headers stay where they are; the ELF header now refers to them.
        phdrs_at: IMAGE_PHDRS,
        symbols: debug.strip != Strip::All,
        debug: debug.of_reached(&plan, &objects).merged().compressed(&plan, &objects)?,
        head: head
            .get(CONFIG as usize..)
            .map_or(Vec::new(), |config| [vec![0; CONFIG as usize], config.to_vec()].concat()),
    };
    let temporary = emit::temporary(path)?;
    let made = whole.make(&objects, |len| mapped::map_new(temporary.as_file(), len));
    made.map_err(|error| error.unless(whole::failed))
        .with_context(|| format!("cannot write {}", path.display()))?;
    // Closed: a file that is open for writing cannot be executed.
    Ok(temporary.into_temp_path())
}

/// Whether the output is what the link wrote.
fn is_as_written(folder: &Path, output: &Path) -> bool {
    let now = fs::symlink_metadata(output).ok().filter(fs::Metadata::is_file);
    now.is_some_and(|now| is_written(folder, &now))
}

/// The same of a file whose metadata are these.
fn is_written(folder: &Path, now: &fs::Metadata) -> bool {
    let now = Fingerprint::of(now);
    // Another name of it, as cargo makes one, changes the time of change.
    library::written(folder).is_some_and(|then| {
        (then.device, then.inode, then.size, then.modified_ns)
            == (now.device, now.inode, now.size, now.modified_ns)
    })
}

fn is_in_use(output: &Path) -> Result<bool> {
    let lease = lease::take(output).with_context(|| format!("cannot examine {}", output.display()))?;
    Ok(match lease {
        Lease::Taken(_) => false,
        Lease::InUse => true,
        Lease::Unknown => lease::is_running(output),
    })
}

/// Which executables may be replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Replaced<'a> {
    /// One that this link has just written, unless somebody runs it.
    Own,
    /// One that was written with this contents, as far as it is no hole, unless somebody runs it. What is changed within a tick
    /// of the clock has the time that it had.
    Free(&'a [u8]),
    /// Whatever is there, and whoever runs it.
    Any,
}

/// Gives the settled executable the place of the output, and what is said of that; false: somebody runs it, or has just
/// begun to.
fn put_in_place(folder: &Path, output: &Path, made: &Path, replaced: Replaced<'_>) -> Result<bool> {
    let anyway = replaced == Replaced::Any;
    let context = || format!("cannot replace {}", output.display());
    let old = fs::symlink_metadata(output).with_context(context)?;
    let is_the_output = old.is_file() && is_written(folder, &old);
    // For another debugger, whose process may run it by now.
    if anyway && Executable::open(output)?.is_settled() {
        return Ok(true);
    }
    if !anyway && !is_the_output {
        return Ok(true);
    }
    // What is replaced has to be noted, so an index that cannot be written is found now.
    if is_the_output {
        library::note(folder, &Fingerprint::of(&old))?;
    }
    exchange::adopt(made, output, &old)?;
    // The output comes last: until then it is what the link wrote, for whoever goes on where this was killed.
    let mut places = if old.nlink() > 1 { other_names(output, &old) } else { Vec::new() };
    places.push(output.to_owned());
    let names = exchange::names(made, places, &old)?;
    let mine = fs::metadata(names.last().map_or(made, |(name, _)| name)).with_context(context)?;
    // From now on, whoever opens or executes the file waits, and can be seen to.
    let lease = match lease::take(output).with_context(context)? {
        Lease::Taken(lease) => Some(lease),
        Lease::Unknown | Lease::InUse if anyway => None,
        Lease::InUse => return Ok(false),
        Lease::Unknown if lease::is_running(output) => return Ok(false),
        Lease::Unknown => None,
    };
    if let Replaced::Free(linked) = replaced {
        let mut bytes = vec![0; linked.len()];
        let read = match &lease {
            Some(lease) => lease.file().read_exact_at(&mut bytes, 0),
            None => fs::File::open(output).and_then(|file| file.read_exact_at(&mut bytes, 0)),
        };
        if read.is_err() || bytes != linked {
            return Ok(true);
        }
    }
    let is_done = exchange::exchange(names, &old, lease.as_ref())?;
    drop(lease);
    if is_done {
        // Its first name goes before the times of the file are noted, one of which that changes.
        fs::remove_file(made).ok();
    }
    let there = if is_done { &mine } else { &old };
    // The next link may have put another one there.
    let now = fs::symlink_metadata(output).with_context(context)?;
    if is_the_output && (now.dev(), now.ino()) == (there.dev(), there.ino()) {
        library::note(folder, &Fingerprint::of(&now))?;
    }
    Ok(is_done)
}

/// Other names of the output, in its folder and the one above: cargo gives programs two.
fn other_names(output: &Path, metadata: &fs::Metadata) -> Vec<PathBuf> {
    let folders = output.ancestors().skip(1).take(2);
    let entries = folders.flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten());
    let is_other = |path: &PathBuf| {
        let same = |other: fs::Metadata| (other.dev(), other.ino()) == (metadata.dev(), metadata.ino());
        path != output && fs::symlink_metadata(path).is_ok_and(same)
    };
    entries.map(|entry| entry.path()).filter(is_other).collect()
}
