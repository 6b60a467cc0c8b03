//! An output and its generations, as they are on disk.

use anyhow::{Context, Result};
use indexer::index::gc::{self, Place};
use indexer::index::generation;
use indexer::index::kept::{Access, Shelves, chunk_range};
use indexer::index::opened::Executable;
use indexer::index::state::Status;
use serde::Serialize;
use shared::log::LogHeader;
use shared::plan::PlanView;
use shared::{CHUNK, PAGE};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// What there is of an output.
pub struct Output {
    pub app: PathBuf,
    /// Of the generation that the output is.
    pub folder: PathBuf,
    pub generation: u64,
    pub is_library: bool,
    pub status: Status,
    /// For each lazy chunk, in the order of addresses, whether it is kept.
    pub chunks: Vec<bool>,
    pub generations: Vec<Generation>,
    pub disk: Disk,
    pub run: Option<LogHeader>,
}

#[derive(Debug, Serialize)]
pub struct Generation {
    pub number: u64,
    /// When it was linked, in seconds since 1970.
    pub linked: Option<u64>,
    pub incremental: Option<bool>,
    pub why_full: Option<String>,
    /// How many objects its link read.
    pub reindexed: Option<usize>,
    /// Bytes on disk that the generations in front of it do not have.
    pub bytes: u64,
    /// The output is of this one.
    pub is_current: bool,
    /// Processes that run from it.
    pub processes: Vec<u32>,
}

/// Bytes on disk, by what they are for. Files with several names count once.
#[derive(Debug, Default, Serialize)]
pub struct Disk {
    /// Packs that the generation needs; other programs of the index may share them.
    pub records: u64,
    /// Data that is rendered: image and patch.
    pub image: u64,
    /// Code that is rendered.
    pub kept: u64,
    /// Names of functions and debug information.
    pub symbols: u64,
    /// Objects that are held; their own names may still be there.
    pub pinned: u64,
    /// Plans, and what the next link needs to know.
    pub plan: u64,
    pub logs: u64,
}

impl Disk {
    pub fn total(&self) -> u64 {
        let Self { records, image, kept, symbols, pinned, plan, logs } = self;
        records + image + kept + symbols + pinned + plan + logs
    }

    /// What a file of a generation counts to.
    fn of(&mut self, name: &OsStr) -> &mut u64 {
        match name.to_str().unwrap_or_default() {
            "image" | "patch" => &mut self.image,
            "kept" | "kept.map" | "own" | "own.map" => &mut self.kept,
            "symbols" | "symbols.debug" | "functions" => &mut self.symbols,
            "last" | "touched" | "order" => &mut self.logs,
            name if name.starts_with("log") => &mut self.logs,
            _ => &mut self.plan,
        }
    }
}

/// Every output of an index, by its path; what cannot be read says why.
pub fn outputs(index: &Path) -> Vec<(PathBuf, Result<Output>)> {
    let entries = fs::read_dir(index.join("outputs")).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    let processes = gc::processes();
    let gather = |folder: &PathBuf| {
        let newest = *generation::numbers(folder).last()?;
        let paths = gc::noted_paths(index, folder);
        let app = paths.iter().find(|path| path.exists()).or(paths.first()).cloned();
        let app = app.unwrap_or_else(|| folder.clone());
        // The output itself says which generation it is of; a library, or one that is gone, does not.
        let open = || {
            let mut newest_one = Executable::of_folder(&folder.join(newest.to_string()))?;
            newest_one.config.generation = newest;
            let named = Executable::open(&app).ok().filter(|named| {
                let parent = named.folder.canonicalize().ok();
                parent.as_deref().and_then(Path::parent) == Some(folder.as_path())
            });
            Output::gather(&app, named.unwrap_or(newest_one), &processes)
        };
        let output = open();
        Some((app, output))
    };
    folders.iter().filter_map(gather).collect()
}

impl Output {
    pub fn gather(app: &Path, executable: Executable, processes: &[(u32, Place)]) -> Result<Self> {
        let status = executable.status()?;
        let folder = executable.folder.clone();
        let above = folder.parent().context("a generation without a folder")?;
        let mut seen = HashSet::new();
        let mut disk = Disk::default();
        let current = executable.config.generation;
        let generations = generation::numbers(above)
            .into_iter()
            .map(|number| generation_of(above, number, current, processes, &mut seen, &mut disk))
            .collect();
        disk.pinned = files(&above.join("pinned")).map(|(_, file)| new_bytes(&file, &mut seen)).sum();
        let is_library = folder.join(indexer::library::PHDRS).exists();
        let chunks = of_plan(&executable, is_library, &mut disk, &mut seen).unwrap_or_default();
        Ok(Self {
            app: app.to_owned(),
            generation: current,
            is_library,
            status,
            chunks,
            generations,
            disk,
            run: executable.last_run().map(|(header, _)| header),
            folder,
        })
    }

    pub fn kept_chunks(&self) -> usize {
        self.chunks.iter().filter(|kept| **kept).count()
    }

    pub fn kept_pages(&self) -> u64 {
        self.kept_chunks() as u64 * CHUNK / PAGE
    }
}

/// The lazy chunks of a plan; and counts its packs.
fn of_plan(
    executable: &Executable,
    is_library: bool,
    disk: &mut Disk,
    seen: &mut HashSet<(u64, u64)>,
) -> Option<Vec<bool>> {
    let (plan, _, _) = executable.untouched_plan().ok()?;
    let view = PlanView::new(&plan).ok()?;
    let packs = executable.folder.join("../../../packs");
    for pack in view.packs.iter().filter(|pack| pack.len != 0) {
        let file = fs::metadata(packs.join(OsStr::from_bytes(pack.name.of(view.strings))));
        disk.records += file.map_or(0, |file| new_bytes(&file, seen));
    }
    if is_library {
        return None;
    }
    let shelves = Shelves::open(executable, &view, Access::Read).ok()?;
    let kept: HashSet<usize> = shelves.listed().ok()?.into_iter().map(|(chunk, _)| chunk).collect();
    let count = indexer::index::kept::chunk_count(&view);
    let lazy = (0..count).filter(|chunk| chunk_range(&view, *chunk).is_some());
    Some(lazy.map(|chunk| kept.contains(&chunk)).collect())
}

fn generation_of(
    above: &Path,
    number: u64,
    current: u64,
    processes: &[(u32, Place)],
    seen: &mut HashSet<(u64, u64)>,
    disk: &mut Disk,
) -> Generation {
    let folder = above.join(number.to_string());
    let mut bytes = 0;
    for (name, file) in files(&folder) {
        let own = new_bytes(&file, seen);
        *disk.of(&name) += own;
        bytes += own;
    }
    let link = fs::read(folder.join("status.json")).ok();
    let link: Option<Status> = link.and_then(|text| serde_json::from_slice(&text).ok());
    let time = fs::metadata(&folder).and_then(|folder| folder.created().or_else(|_| folder.modified())).ok();
    let name = above.file_name().unwrap_or_default();
    let runs = processes.iter().filter(|(_, (of, generation))| of == name && *generation == number);
    Generation {
        number,
        linked: time.and_then(seconds),
        incremental: link.as_ref().map(|link| link.incremental),
        reindexed: link.as_ref().map(|link| link.reindexed.len()),
        why_full: link.and_then(|link| link.why_full),
        bytes,
        is_current: number == current,
        processes: runs.map(|(pid, _)| *pid).collect(),
    }
}

fn seconds(time: SystemTime) -> Option<u64> {
    time.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs())
}

fn files(folder: &Path) -> impl Iterator<Item = (std::ffi::OsString, fs::Metadata)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.file_name(), entry.metadata().ok()?)))
}

/// Bytes on disk of a file that was not counted before.
fn new_bytes(file: &fs::Metadata, seen: &mut HashSet<(u64, u64)>) -> u64 {
    if seen.insert((file.dev(), file.ino())) { file.blocks() * 512 } else { 0 }
}
