//! Collects what nothing needs any more: generations, the packs that only they refer to, outputs that were deleted,
//! what killed links left, and entries of the database.
//!
//! Needed of an output are the generation that its file refers to, the newest, and those that processes run from;
//! without being asked, some more stay, for copies of the file. What of an output is gone stays until somebody asks
//! for a collection. Needed of packs are those that such a generation names, or an entry of the database whose
//! file has not changed.
//!
//! A process that runs has mapped its generation and all of its packs when it starts. It comes back to the folder for
//! names and lines (`symbols`), so the generations of running processes stay.
//!
//! The order: look, without keeping anybody waiting; lock ([`super::lock`]); look at what has changed since, and give
//! what is to go another name; unlock; remove.
//!
//! A plan names its packs and pins their contents, so records never move. Packs of which much is dead are listed; the
//! next full link that uses one takes its records along into a pack of its own ([`store::sparse`]).

use super::database::{self, Database};
use super::opened::Executable;
use super::store::{self, Entry};
use super::{generation, lock, pinned, state, version};
use crate::emit;
use crate::inputs::mapped::Fingerprint;
use crate::trouble;
use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use shared::output::{self, CONFIG, LOADER};
use shared::plan::{PackRec, PlanView};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Word of the command line by which the linker calls itself to collect, with the index behind it.
pub const COMMAND: &str = "--unfold-collect";

/// Generations in front of the newest that stay unless everything is to go: copies of the executable may still be
/// started.
const KEPT: usize = 1;

/// So many more are collected together.
const AT_ONCE: usize = 4;

/// File in an output's folder: its path, a zero byte, and the path of the index at that time.
const PATH: &str = "path";

/// First letters of what is about to be removed.
const DOOMED: &str = ".old-";

/// A program that was started just before its file was replaced has not opened its generation yet, and is not seen to
/// run from it. So a generation stays this long after the next one came, if there are no more than so many.
const GRACE: Duration = Duration::from_millis(500);
const YOUNG: usize = 3;

/// What linkers of other containers write stays so long.
const OF_OTHERS: Duration = Duration::from_secs(24 * 3600);

/// How long a collection that nobody asked for tries to find the index without links.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is collected.
#[derive(Clone, Debug, Default)]
pub struct How {
    /// All that nothing needs; otherwise some of it stays.
    pub thorough: bool,
    /// Nothing is changed.
    pub dry_run: bool,
    /// Executables whose generations stay, wherever they are.
    pub spared: Vec<PathBuf>,
    /// How long to wait for links to end.
    pub patience: Duration,
}

/// Why something goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Output,
    Generation,
    Pack,
    Temporary,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Output => "output",
            Self::Generation => "generation",
            Self::Pack => "pack",
            Self::Temporary => "temporary",
        }
    }
}

/// Something that goes.
#[derive(Clone, Debug)]
pub struct Doomed {
    pub kind: Kind,
    pub path: PathBuf,
    /// Of an output: its path.
    pub what: Option<PathBuf>,
}

/// What a collection did.
#[derive(Debug)]
pub struct Collected {
    pub removed: Vec<Doomed>,
    /// Entries of the database that went.
    pub entries: usize,
    /// Bytes on disk.
    pub before: u64,
    pub after: u64,
}

// --- when links end ---

/// Notes where the output is, and starts a collection if there is enough to collect. Removing large files takes longer
/// than a relink, so a process of its own does it, which holds none of the build's pipes.
pub fn after_link(folder: &Path, output: &Path) {
    note_output(folder, output);
    let index = index_of(folder);
    let count = generation::numbers(folder).len();
    let old = count.saturating_sub(KEPT + 1);
    if old == 0 || !old.is_multiple_of(AT_ONCE) && !has_grown(index) {
        return;
    }
    let Ok(own) = std::env::current_exe() else { return };
    let mut command = Command::new(own);
    command.arg(COMMAND).arg(index).current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0).spawn().ok();
}

fn index_of(folder: &Path) -> &Path {
    folder.parent().and_then(Path::parent).unwrap_or(Path::new(""))
}

/// Notes in an output's folder where the output is, unless a link has done so before. What cannot be written now is written
/// by a later link.
pub fn note_output(folder: &Path, output: &Path) {
    let note = folder.join(PATH);
    if !note.exists() {
        let output = std::path::absolute(output).unwrap_or_else(|_| output.to_owned());
        let parts = [output.as_os_str().as_bytes(), b"\0", index_of(folder).as_os_str().as_bytes()];
        super::write_file(&note, &parts).ok();
    }
}

/// Whether the packs have become a quarter larger since the last collection.
fn has_grown(index: &Path) -> bool {
    let Some(then) = store::size_when_collected(index) else { return false };
    size_of_packs(index) > then + then / 4 + (1 << 20)
}

fn size_of_packs(index: &Path) -> u64 {
    let packs = fs::read_dir(index.join("packs")).into_iter().flatten().flatten();
    packs.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

/// What the process that `after_link` starts does.
pub fn in_background(index: &Path) {
    let how = How { patience: PATIENCE, ..How::default() };
    collect(index, &how, &mut |_| ()).ok();
}

// --- the collection ---

/// Collects. `progress` gets lines for people.
pub fn collect(index: &Path, how: &How, progress: &mut dyn FnMut(&str)) -> Result<Collected> {
    if !index.join("outputs").is_dir() && !index.join("packs").is_dir() {
        bail!("{}: not an index of unfold", index.display());
    }
    if how.thorough {
        let_grace_pass(index, progress);
    }
    let before = if how.thorough { disk_use(index, &HashSet::new()) } else { 0 };
    let mut found = Found::default();
    found.look(index, how, progress)?;
    let mut records = Records::read(index, how);
    let plan = Plan::new(index, how, &found, &records);
    if how.dry_run {
        let doomed: HashSet<PathBuf> = plan.doomed.iter().map(|doomed| doomed.path.clone()).collect();
        let after = disk_use(index, &doomed);
        return Ok(Collected { removed: plan.doomed, entries: plan.entries, before, after });
    }
    // Behind a link nothing is made that somebody who deletes the index would find in his way.
    let is_worth = plan.is_worth && how.thorough;
    let anew = is_worth.then(|| NewDatabase::write(index, &records, &plan.needed)).flatten();

    let lock = wait_for_lock(index, how, progress)?;
    found.look(index, how, &mut |_| ())?;
    found.temporary.retain(|path| anew.as_ref().is_none_or(|anew| anew.folder.path() != path));
    let is_same = records.stamp == Stamp::of(index);
    if !is_same {
        records = Records::read(index, how);
    }
    let mut plan = Plan::new(index, how, &found, &records);
    let mut renamed = Vec::new();
    for doomed in &plan.doomed {
        let name = doomed_name(&doomed.path);
        if fs::rename(&doomed.path, &name).is_ok() {
            renamed.push(name);
        }
    }
    match anew.filter(|_| is_same).and_then(|anew| anew.put_in_place(index)) {
        Some(old) => renamed.push(old),
        // Entries without a pack do no harm.
        None => plan.entries = 0,
    }
    found.outputs.iter().filter(|output| !output.is_gone).for_each(Output::let_go);
    drop(lock);

    renamed.extend(found.left);
    for (number, path) in renamed.iter().enumerate() {
        progress(&format!("removing {} of {}", number + 1, renamed.len()));
        remove(path);
    }
    store::note_collected(index, size_of_packs(index), &plan.sparse);
    let after = if how.thorough { disk_use(index, &HashSet::new()) } else { 0 };
    Ok(Collected { removed: plan.doomed, entries: plan.entries, before, after })
}

fn wait_for_lock(index: &Path, how: &How, progress: &mut dyn FnMut(&str)) -> Result<lock::Lock> {
    let start = Instant::now();
    loop {
        if let Some(lock) = lock::exclusive(index) {
            return Ok(lock);
        }
        if start.elapsed() >= how.patience {
            bail!("links use the index {}; collect when they have ended", index.display());
        }
        progress("waiting for links to end");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// The name of something that is about to be removed: in the same folder, so that it is a matter of a moment.
fn doomed_name(path: &Path) -> PathBuf {
    let mut name = OsString::from(DOOMED);
    name.push(path.file_name().unwrap_or_default().to_string_lossy().trim_start_matches('.'));
    name.push(format!("-{}", std::process::id()));
    path.with_file_name(name)
}

fn remove(path: &Path) {
    if path.is_dir() {
        fs::remove_dir_all(path).ok()
    } else {
        fs::remove_file(path).ok()
    };
}

// --- what there is ---

/// An output and its generations.
struct Output {
    folder: PathBuf,
    /// Where its file is, or was; nothing if no link has noted it.
    path: Option<PathBuf>,
    is_gone: bool,
    numbers: Vec<u64>,
    needed: BTreeSet<u64>,
}

/// What a generation refers to.
enum Refers {
    /// Numbers of packs, and where in them the records are: offset and length.
    To(BTreeMap<u64, Vec<(u64, u64)>>),
    /// Another version made it, and alone knows.
    Unknown,
}

#[derive(Default)]
struct Found {
    outputs: Vec<Output>,
    /// By the generation's folder, with what shows that it is still the one that was looked at: a link that fails takes its
    /// generation back, and the next one gets the number.
    generations: HashMap<PathBuf, (Option<Fingerprint>, Refers)>,
    temporary: Vec<PathBuf>,
    /// What a collection that was killed had left to remove.
    left: Vec<PathBuf>,
}

/// The name of an output's folder, and the number of a generation.
pub type Place = (OsString, u64);

impl Found {
    fn look(&mut self, index: &Path, how: &How, progress: &mut dyn FnMut(&str)) -> Result<()> {
        (self.outputs, self.temporary, self.left) = Default::default();
        let mut running = running();
        running.extend(how.spared.iter().filter_map(|path| place_of(path)));
        let mut folders = Vec::new();
        for folder in [index.to_owned(), index.join("packs"), index.join("outputs")] {
            let (temporary, others) = self.entries(&folder)?;
            self.temporary.extend(temporary);
            folders = others;
        }
        let mut beside: HashSet<PathBuf> = HashSet::new();
        for folder in folders.into_iter().filter(|folder| folder.is_dir()) {
            let (temporary, _) = self.entries(&folder)?;
            self.temporary.extend(temporary);
            let output = Output::look(index, folder, how, &running);
            // Settling also replaces another name of it in the folder above.
            let folders = output.path.iter().flat_map(|path| path.ancestors().skip(1).take(2));
            beside.extend(folders.map(Path::to_owned));
            self.outputs.push(output);
        }
        for folder in beside {
            self.temporary.extend(left_beside(&folder));
        }
        let needed: Vec<PathBuf> = self.outputs.iter().flat_map(Output::needed).collect();
        for folder in &needed {
            let (temporary, others) = self.entries(folder)?;
            self.temporary.extend(temporary);
            self.temporary.extend(others.into_iter().filter(|path| is_left_log(path) || is_left(path)));
        }
        for (number, folder) in needed.iter().enumerate() {
            let print = Fingerprint::at(&folder.join("status.json"));
            if self.generations.get(folder).is_none_or(|(known, _)| *known != print) {
                progress(&format!("looking at generation {} of {}", number + 1, needed.len()));
                self.generations.insert(folder.clone(), (print, Refers::of(folder)));
            }
        }
        Ok(())
    }

    /// What is in a folder: temporary files of links, and the rest. What is to be removed anyway is noted.
    fn entries(&mut self, folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
        let (mut temporary, mut others) = (Vec::new(), Vec::new());
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((temporary, others)),
            entries => entries.with_context(|| format!("cannot read {}", folder.display()))?,
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            match name.as_bytes() {
                name if name.starts_with(b".new-") => temporary.push(entry.path()),
                name if name.starts_with(DOOMED.as_bytes()) => self.left.push(entry.path()),
                _ => others.push(entry.path()),
            }
        }
        Ok((temporary, others))
    }
}

impl Output {
    /// Lets go of objects that no generation which stays has debug information in. Relinks leave that to collections.
    fn let_go(&self) {
        let states: Option<Vec<state::State>> =
            self.needed().map(|folder| state::State::open(&folder)).collect();
        // What cannot be read may hold anything.
        let Some(states) = states else { return };
        let held: Vec<Fingerprint> =
            states.iter().flat_map(state::State::files).map(|file| file.fingerprint).collect();
        pinned::keep_only(&self.folder, held.iter());
    }
}

impl Output {
    fn look(index: &Path, folder: PathBuf, how: &How, running: &HashSet<Place>) -> Self {
        let name = folder.file_name().unwrap_or_default().to_owned();
        let numbers = generation::numbers(&folder);
        let mut needed: BTreeSet<u64> = numbers.iter().copied().rev().take(1).collect();
        if !how.thorough {
            needed.extend(numbers.iter().rev().skip(1).take(KEPT));
        }
        let paths = noted_paths(index, &folder);
        let path = paths.iter().find(|path| fs::symlink_metadata(path).is_ok());
        // A link that was killed leaves a generation that is newer than the output.
        let is_young = |newer: u64| age(&folder.join(newer.to_string())).is_some_and(|age| age < GRACE);
        let pairs = numbers.iter().zip(numbers.iter().skip(1)).rev().take(KEPT + YOUNG);
        needed.extend(pairs.filter(|(_, newer)| is_young(**newer)).map(|(number, _)| *number));
        let own = path.and_then(|path| place_of(path)).filter(|(of, _)| *of == name);
        needed.extend(own.map(|(_, number)| number));
        let is_run = |number: &&u64| running.contains(&(name.clone(), **number));
        let in_use: Vec<u64> = numbers.iter().filter(is_run).copied().collect();
        let is_gone = how.thorough && path.is_none() && !paths.is_empty() && in_use.is_empty();
        needed.extend(in_use);
        needed.retain(|number| numbers.contains(number));
        if is_gone {
            needed.clear();
        }
        Self { folder, path: path.or(paths.first()).cloned(), is_gone, numbers, needed }
    }

    fn needed(&self) -> impl Iterator<Item = PathBuf> {
        self.needed.iter().map(|number| self.folder.join(number.to_string()))
    }
}

/// How long ago something was written into a file or folder; nothing if the clock went back since.
fn age(folder: &Path) -> Option<Duration> {
    fs::metadata(folder).ok()?.modified().ok()?.elapsed().ok()
}

/// Waits until no generation is so young that the one before it has to stay.
fn let_grace_pass(index: &Path, progress: &mut dyn FnMut(&str)) {
    let folders = fs::read_dir(index.join("outputs")).into_iter().flatten().flatten();
    let newest = folders.filter_map(|folder| {
        let number = *generation::numbers(&folder.path()).last()?;
        age(&folder.path().join(number.to_string()))
    });
    if let Some(left) = newest.min().and_then(|age| GRACE.checked_sub(age)) {
        progress("waiting for programs that have just been started");
        std::thread::sleep(left);
    }
}

/// Where an output may be: where it was linked, and there as seen from where the index is now.
pub fn noted_paths(index: &Path, folder: &Path) -> Vec<PathBuf> {
    let Ok(text) = fs::read(folder.join(PATH)) else { return Vec::new() };
    let mut parts = text.split(|byte| *byte == 0).map(|part| Path::new(OsStr::from_bytes(part)));
    let (Some(output), Some(then)) = (parts.next(), parts.next()) else { return Vec::new() };
    let mut paths = vec![output.to_owned()];
    if then != index
        && let Some(beside) = then.parent()
        && let (Ok(below), Some(now)) = (output.strip_prefix(beside), index.parent())
    {
        paths.push(now.join(below));
    }
    paths
}

/// Temporary files in a folder, of linkers that do not run any more.
pub fn left_beside(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| is_left(path)).collect()
}

/// Whether a file is an executable that a linker was killed before it gave it its name (`emit::temporary`).
fn is_left(path: &Path) -> bool {
    let parts = || {
        let rest = path.file_name()?.to_str()?.strip_prefix(emit::TEMPORARY)?;
        let (pid, rest) = rest.split_once('-')?;
        let namespace = rest.split_once('-').map(|(namespace, _)| namespace.parse().ok());
        Some((pid.parse().ok()?, namespace.map_or(Some(emit::namespace()), |namespace| namespace)?))
    };
    match parts() {
        None => false,
        Some((pid, namespace)) if namespace == emit::namespace() => has_ended(pid),
        // A linker of another container, which may still be at it.
        Some(_) => age(path).is_some_and(|age| age > OF_OTHERS),
    }
}

/// Whether a file is a log that a launch was killed before it gave it its name (`loader/src/journal.rs`).
fn is_left_log(path: &Path) -> bool {
    let pid = || path.file_name()?.to_str()?.strip_prefix("log.")?.parse().ok();
    pid().is_some_and(has_ended)
}

/// Asks the kernel: `/proc` may not be there, or not show the processes of others (`hidepid`, proc(5)).
fn has_ended(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().filter(|pid| *pid > 0);
    pid.is_none_or(|pid| kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH))
}

/// The generations that processes run from, as far as we may see them.
fn running() -> HashSet<Place> {
    processes().into_iter().map(|(_, place)| place).collect()
}

/// The processes that run programs of ours, as far as we may see them, and the generations that they run from.
pub fn processes() -> Vec<(u32, Place)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    // The link follows the file itself, whatever became of its name.
    let place = |entry: fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        Some((pid, place_of(&entry.path().join("exe"))?))
    };
    entries.flatten().filter_map(place).collect()
}

/// The output's folder and the generation that an executable of ours refers to.
fn place_of(executable: &Path) -> Option<Place> {
    let mut words = vec![0u64; ((LOADER - CONFIG) / 8) as usize];
    fs::File::open(executable).ok()?.read_exact_at(shared::pod::bytes_of_mut(&mut words), CONFIG).ok()?;
    let page = shared::pod::bytes_of(&words);
    let config = output::config(page)?;
    let folder = output::c_string(page, config.absolute)?;
    let folder = Path::new(OsStr::from_bytes(folder.strip_suffix(b"\0")?));
    let number = folder.file_name()?.to_str()?.parse().ok()?;
    Some((folder.parent()?.file_name()?.to_owned(), number))
}

impl Refers {
    fn of(folder: &Path) -> Self {
        let read = || -> Result<_> {
            let (plan, _, _) = Executable::of_folder(folder)?.plan()?;
            let view = PlanView::new(&plan).map_err(|error| version::plan_error("the plan", error))?;
            let number =
                |pack: &PackRec| store::pack_number(pack.name.of(view.strings)).filter(|_| pack.len != 0);
            let numbers: Vec<Option<u64>> = view.packs.iter().map(number).collect();
            let mut packs: BTreeMap<u64, Vec<(u64, u64)>> =
                numbers.iter().flatten().map(|number| (*number, Vec::new())).collect();
            for object in view.objects {
                let number = numbers.get(object.pack as usize).copied().flatten();
                if let Some(records) = number.and_then(|number| packs.get_mut(&number)) {
                    records.push((object.offset, object.len));
                }
            }
            Ok(packs)
        };
        match read() {
            Ok(packs) => Self::To(packs),
            Err(error) if trouble::is_of_machine(&error) || is_of_other_version(folder) => Self::Unknown,
            // What is damaged runs no more, and needs nothing.
            Err(_) => Self::To(BTreeMap::new()),
        }
    }
}

fn is_of_other_version(folder: &Path) -> bool {
    let is_other = |name: &str, magic: u64| {
        let mut word = [0; 8];
        let read = fs::File::open(folder.join(name)).and_then(|file| file.read_exact_at(&mut word, 0));
        read.is_ok() && version::is_other(&word, magic)
    };
    is_other("plan", shared::plan::MAGIC) || is_other("patch", shared::plan::PATCH_MAGIC)
}

// --- the database ---

/// The entries of the database, and whether each is about a file that is still the same.
#[derive(Default)]
struct Records {
    entries: Vec<(Vec<u8>, Entry, State)>,
    stamp: Stamp,
    /// It could not be read, so that nothing can be said of packs.
    is_unknown: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Current,
    /// The file was written since; members of archives may still be the same.
    Old,
    Gone,
}

impl Records {
    /// Reads the database, or a copy of it behind a link: to open one writes files, which somebody who deletes the index would
    /// find in his way.
    fn read(index: &Path, how: &How) -> Self {
        if !index.join(database::FOLDER).is_dir() {
            return Self::default();
        }
        let unknown = Self { is_unknown: true, ..Self::default() };
        let read = |database: Option<Database>| database.map(|database| database.all().collect::<Vec<_>>());
        let (all, stamp) = if how.thorough {
            (read(Database::open(index)), Stamp::of(index))
        } else {
            let stamp = Stamp::of(index);
            let Some(copy) = copy_of(&index.join(database::FOLDER)) else { return unknown };
            let all = read(Database::open_at(copy.path()).ok());
            // Half of what a link wrote meanwhile is nothing to go by.
            if stamp != Stamp::of(index) {
                return unknown;
            }
            (all, stamp)
        };
        let Some(all) = all else { return unknown };
        let mut files: HashMap<PathBuf, Option<Fingerprint>> = HashMap::new();
        let entries = all.into_iter().map(|(key, entry)| {
            let path = key.split(|byte| *byte == 0).next().unwrap_or_default();
            let path = PathBuf::from(OsStr::from_bytes(path));
            let now = *files.entry(path).or_insert_with_key(|path| Fingerprint::at(path));
            let state = match now {
                None => State::Gone,
                Some(now) if entry.fingerprint.may_be(&now) => State::Current,
                Some(_) => State::Old,
            };
            (key, entry, state)
        });
        Self { entries: entries.collect(), stamp, is_unknown: false }
    }

    /// The entries of files that are still there, and whose packs are.
    fn staying(&self, needed: &HashSet<u64>) -> impl Iterator<Item = &(Vec<u8>, Entry, State)> {
        self.entries.iter().filter(|entry| entry.2 != State::Gone && needed.contains(&entry.1.pack))
    }

    /// How large a database of the entries that stay gets when it has been used for a while.
    fn usual_size(&self, needed: &HashSet<u64>) -> u64 {
        let bytes: usize = self.staying(needed).map(|entry| entry.0.len() + size_of::<Entry>() + 64).sum();
        (256 << 10) + 8 * bytes as u64
    }
}

/// A copy of a folder, elsewhere.
fn copy_of(folder: &Path) -> Option<tempfile::TempDir> {
    fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let place = to.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                fs::create_dir(&place)?;
                copy(&entry.path(), &place)?;
            } else {
                fs::copy(entry.path(), &place)?;
            }
        }
        Ok(())
    }
    let place = tempfile::tempdir().ok()?;
    copy(folder, place.path()).ok().map(|()| place)
}

/// What shows that nobody has written the database.
#[derive(Debug, Default, PartialEq, Eq)]
struct Stamp(BTreeMap<OsString, (u64, i64, i64)>);

impl Stamp {
    fn of(index: &Path) -> Self {
        let Ok(entries) = fs::read_dir(index.join(database::FOLDER)) else { return Self::default() };
        let of_file = |entry: fs::DirEntry| {
            let metadata = entry.metadata().ok()?;
            Some((entry.file_name(), (metadata.size(), metadata.mtime(), metadata.mtime_nsec())))
        };
        Self(entries.flatten().filter_map(of_file).collect())
    }
}

/// A database that is to take the place of the one that is there.
struct NewDatabase {
    folder: tempfile::TempDir,
}

impl NewDatabase {
    /// Writes those entries whose packs are needed.
    fn write(index: &Path, records: &Records, needed: &HashSet<u64>) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix(".new-records-").tempdir_in(index).ok()?;
        let database = Database::open_at(&folder.path().join(database::FOLDER)).ok()?;
        let entries = records.staying(needed).map(|(key, entry, _)| (key.clone(), *entry));
        (database.put(entries) && database.close()).then_some(Self { folder })
    }

    /// Returns where the one before is now; `None`: it is still in its place.
    fn put_in_place(self, index: &Path) -> Option<PathBuf> {
        let place = index.join(database::FOLDER);
        let old = doomed_name(&place);
        fs::rename(&place, &old).ok()?;
        if fs::rename(self.folder.path().join(database::FOLDER), &place).is_err() {
            // Another collection has taken the new one for a leftover.
            fs::rename(&old, &place).ok()?;
            return None;
        }
        Some(old)
    }
}

// --- what goes ---

struct Plan {
    doomed: Vec<Doomed>,
    /// Packs that stay; and those of them of which the next full link takes what it needs along.
    needed: HashSet<u64>,
    sparse: Vec<u64>,
    /// How many entries of the database go, and whether it is worth to write it anew.
    entries: usize,
    is_worth: bool,
}

impl Plan {
    fn new(index: &Path, how: &How, found: &Found, records: &Records) -> Self {
        let mut doomed = Vec::new();
        let mut add = |kind, path: &Path, what| doomed.push(Doomed { kind, path: path.to_owned(), what });
        for output in &found.outputs {
            if output.is_gone || output.numbers.is_empty() && how.thorough {
                add(Kind::Output, &output.folder, output.path.clone());
                continue;
            }
            for number in output.numbers.iter().filter(|number| !output.needed.contains(number)) {
                add(Kind::Generation, &output.folder.join(number.to_string()), None);
            }
        }
        found.temporary.iter().for_each(|path| add(Kind::Temporary, path, None));

        let mut needed: HashSet<u64> = HashSet::new();
        let mut is_known = !records.is_unknown;
        for folder in found.outputs.iter().flat_map(Output::needed) {
            match found.generations.get(&folder) {
                Some((_, Refers::To(packs))) => needed.extend(packs.keys()),
                _ => is_known = false,
            }
        }
        let current = records.entries.iter().filter(|entry| entry.2 == State::Current);
        needed.extend(current.map(|entry| entry.1.pack));
        for entry in fs::read_dir(index.join("packs")).into_iter().flatten().flatten() {
            let Some(number) = store::pack_number(entry.file_name().as_bytes()) else { continue };
            if !is_known {
                needed.insert(number);
            } else if !needed.contains(&number) {
                add(Kind::Pack, &entry.path(), None);
            }
        }

        let sparse = if is_known { sparse(index, found, records, &needed) } else { Vec::new() };
        let entries = records.entries.len() - records.staying(&needed).count();
        let size: u64 = records.stamp.0.values().map(|(size, ..)| size).sum();
        let is_worth = entries * 4 > records.entries.len()
            || size > records.usual_size(&needed)
            || entries != 0 && how.thorough;
        Self { doomed, needed, sparse, entries, is_worth }
    }
}

/// Packs of which much is used by nobody any more: neither by the newest generation of an output, nor by a link to come.
fn sparse(index: &Path, found: &Found, records: &Records, needed: &HashSet<u64>) -> Vec<u64> {
    let mut live: HashMap<u64, BTreeMap<u64, u64>> = HashMap::new();
    let newest = found.outputs.iter().filter_map(|output| output.needed().last());
    for refers in newest.filter_map(|folder| found.generations.get(&folder)) {
        if let (_, Refers::To(packs)) = refers {
            packs
                .iter()
                .for_each(|(pack, records)| live.entry(*pack).or_default().extend(records.iter().copied()));
        }
    }
    for (_, entry, state) in &records.entries {
        if *state == State::Current {
            live.entry(entry.pack).or_default().insert(entry.offset, entry.len);
        }
    }
    let is_sparse = |pack: &&u64| {
        let len =
            fs::metadata(index.join("packs").join(store::pack_name(**pack))).map_or(0, |file| file.len());
        let live: u64 = live.get(pack).map_or(0, |records| records.values().sum());
        live * 4 < len * 3
    };
    let mut sparse: Vec<u64> = needed.iter().filter(is_sparse).copied().collect();
    sparse.sort_unstable();
    sparse
}

/// Bytes on disk of all that is below `folder`, but for these paths; a file with several names counts once.
pub fn disk_use(folder: &Path, without: &HashSet<PathBuf>) -> u64 {
    fn walk(folder: &Path, without: &HashSet<PathBuf>, seen: &mut HashSet<(u64, u64)>) -> u64 {
        let Ok(entries) = fs::read_dir(folder) else { return 0 };
        let mut sum = 0;
        for entry in entries.flatten().filter(|entry| !without.contains(&entry.path())) {
            let Ok(metadata) = entry.metadata() else { continue };
            if seen.insert((metadata.dev(), metadata.ino())) {
                sum += metadata.blocks() * 512;
            }
            if metadata.is_dir() {
                sum += walk(&entry.path(), without, seen);
            }
        }
        sum
    }
    walk(folder, without, &mut HashSet::new())
}
