//! Whether what the index has of an output is what was linked: checksums where there are any, and a fresh rendering for
//! what has none (`image`, kept chunks, the file of a shared library).
//!
//! Everything is examined before anything is put right. What can be left out is forgotten; where that is not enough, the
//! next link is told to make everything anew. Nothing that a running program may have mapped is written.

mod files;
mod heal;
mod pages;
pub mod place;

use crate::index::kept::{Access, Shelves};
use crate::index::opened::Executable;
use crate::index::packs::PackObjects;
use crate::index::{lock, version};
use crate::trouble;
use anyhow::{Context, Result, bail};
use place::Places;
use shared::output::{self, CONFIG, OutputConfig};
use shared::plan::PlanView;
use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Executable,
    Library,
    Plan,
    Patch,
    Pack,
    Record,
    Image,
    /// A file that only links read.
    Link,
    Chunk,
    /// The list of kept chunks.
    Map,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Executable => "executable",
            Self::Library => "library",
            Self::Plan => "plan",
            Self::Patch => "patch",
            Self::Pack => "pack",
            Self::Record => "record",
            Self::Image => "image",
            Self::Link => "link",
            Self::Chunk => "chunk",
            Self::Map => "map",
        }
    }
}

/// What was done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cure {
    /// Nothing.
    None,
    /// The next launch renders it.
    Forgotten,
    /// The next link makes everything anew.
    Condemned,
}

impl Cure {
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Forgotten => "forgotten",
            Self::Condemned => "condemned",
        }
    }
}

/// Bytes that are not those of a fresh rendering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The range of addresses that was compared, and how many bytes of it differ, from which on.
    pub start: u64,
    pub len: u64,
    pub bytes: u64,
    pub first: u64,
    /// What lies there: `file(member):(section+offset)`.
    pub place: Option<String>,
}

/// Something that is wrong.
#[derive(Clone, Debug)]
pub struct Finding {
    pub kind: Kind,
    pub file: PathBuf,
    /// For people; does not name the output.
    pub text: String,
    pub difference: Option<Difference>,
    pub cure: Cure,
}

/// What was examined, and what was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub generation: u64,
    pub folder: PathBuf,
    pub pages_rendered: u64,
    pub pages_of_image: u64,
    pub chunks: u64,
    pub packs: u64,
    pub records: u64,
    pub findings: Vec<Finding>,
    /// Why something could not be put right.
    pub not_healed: Option<String>,
}

impl Report {
    fn add(&mut self, kind: Kind, file: &Path, text: impl Into<String>) {
        let (file, text) = (file.to_owned(), text.into());
        self.findings.push(Finding { kind, file, text, difference: None, cure: Cure::None });
    }

    /// What can be read, or what is wrong with it. An error of the machine says nothing about the file.
    fn judge<T>(&mut self, kind: Kind, file: &Path, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if trouble::is_of_machine(&error) => Err(error),
            Err(error) => {
                self.add(kind, file, format!("{error:#}"));
                Ok(None)
            }
        }
    }
}

/// Tells how many of how many pieces have been rendered.
pub type Progress<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// Examines the output at `path`; `dry_run`: nothing is changed. An error: it cannot be examined.
pub fn verify(path: &Path, dry_run: bool, progress: Progress<'_>) -> Result<Report> {
    // A collection may just take the generation away: it is asked for once more when there can be none.
    let index = Output::open(path)?.executable.folder.join("../../..");
    let _lock = lock::shared(&index);
    let output = Output::open(path)?;
    let examined = output.examine(path, progress);
    let executable = &output.executable;
    if !executable.folder.is_dir() {
        bail!(
            "{}: generation {} was removed while it was examined",
            path.display(),
            executable.config.generation
        );
    }
    let (mut report, wrong) = examined?;
    if !dry_run {
        heal::heal(executable, &mut report, &wrong);
    }
    Ok(report)
}

/// An output and the generation that belongs to it.
struct Output {
    executable: Executable,
    kind: Kind,
    is_damaged: bool,
}

/// What of the shelves is wrong.
#[derive(Default)]
struct Wrong {
    /// Numbers of chunks.
    chunks: Vec<usize>,
    /// Paths of shelves of which nothing counts.
    shelves: HashSet<PathBuf>,
}

impl Output {
    fn open(path: &Path) -> Result<Self> {
        let error = match Executable::open(path) {
            Ok(executable) => return Ok(Self { executable, kind: Kind::Executable, is_damaged: false }),
            Err(error) => error,
        };
        let mut word = [0; 8];
        let file = fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let is_ours = file.read_exact_at(&mut word, CONFIG).is_ok() && word == output::MAGIC.to_le_bytes();
        let is_library = |executable: &Executable| executable.folder.join(crate::library::PHDRS).exists();
        match Executable::or_library(path) {
            Ok(executable) if is_library(&executable) => {
                // It does not say itself which generation it is of.
                if !executable.folder.join(crate::library::WRITTEN).exists() {
                    bail!("{}: its last link was interrupted; link it again", path.display());
                }
                Ok(Self { executable, kind: Kind::Library, is_damaged: false })
            }
            // It does not say any more where its generation is; its path does.
            Ok(executable) if is_ours => Ok(Self { executable, kind: Kind::Executable, is_damaged: true }),
            _ => Err(error),
        }
    }

    fn examine(&self, path: &Path, progress: Progress<'_>) -> Result<(Report, Wrong)> {
        let executable = &self.executable;
        let (config, folder) = (&executable.config, &executable.folder);
        let mut report =
            Report { generation: config.generation, folder: folder.clone(), ..Report::default() };
        let mut wrong = Wrong::default();
        files::refuse_other_versions(folder)?;
        if self.kind == Kind::Executable {
            self.examine_head(path, &mut report)?;
        }
        let state = files::state(folder);
        files::of_links(executable, self.kind, state.as_ref(), &mut report)?;

        let plan_file = folder.join("plan");
        let opened = executable.plan();
        let (kind, file) = match opened.is_err() && self.has_whole_plan() {
            true => (Kind::Patch, folder.join("patch")),
            false => (Kind::Plan, plan_file.clone()),
        };
        let Some((plan, pages, patch)) = report.judge(kind, &file, opened)? else {
            return Ok((report, wrong));
        };
        let view = match PlanView::new(&plan) {
            Ok(view) => view,
            Err(error) => {
                let error = version::plan_error("the plan", error);
                report.add(Kind::Plan, &plan_file, format!("{error:#}"));
                return Ok((report, wrong));
            }
        };
        // Another link's are as whole as these.
        let patch_sum =
            patch.get(8..16).map_or(0, |sum| u64::from_le_bytes(sum.try_into().unwrap_or_default()));
        if view.header.checksum != config.plan || patch_sum != config.patch {
            report.add(Kind::Plan, &plan_file, "the plan or the patch belongs to another link");
            return Ok((report, wrong));
        }
        let packs = files::packs(executable, &view, &mut report)?;
        let objects = PackObjects { plan: view, packs };
        let places = Places { plan: view, objects: &objects, state: state.as_ref() };
        let damaged = files::records(&objects, folder, &places, &mut report);

        let rendering = pages::Rendering { objects: &objects, places: &places, damaged, progress };
        if self.kind == Kind::Library {
            rendering.compare_library(executable, path, &mut report)?;
            return Ok((report, wrong));
        }
        let shelves = Shelves::open(executable, &view, Access::Read)
            .with_context(|| format!("cannot read what is kept in {}", folder.display()))?;
        files::maps(&shelves, folder, &mut report, &mut wrong)?;
        rendering.compare(executable, &shelves, (pages, patch), &mut report, &mut wrong)?;
        Ok((report, wrong))
    }

    /// Whether the plan is what was written, whatever there is of its patch.
    fn has_whole_plan(&self) -> bool {
        let Executable { config, folder, .. } = &self.executable;
        let config = OutputConfig { patch: 0, ..*config };
        Executable { config, folder: folder.clone(), head: Vec::new() }.plan().is_ok()
    }

    /// The pages in front of the loader.
    fn examine_head(&self, path: &Path, report: &mut Report) -> Result<()> {
        let executable = &self.executable;
        if self.is_damaged {
            report.add(Kind::Executable, path, "its configuration page is damaged");
        }
        let file = executable.folder.join(crate::emit::HEAD);
        let Some(head) = executable.generation_head() else {
            report.add(Kind::Link, &file, "the head of the executable is damaged");
            return Ok(());
        };
        // What is in front of them, tools that edit programs change.
        let phdrs = output::IMAGE_PHDRS as usize..CONFIG as usize;
        if !self.is_damaged && executable.head.get(phdrs.clone()) != head.get(phdrs) {
            report.add(Kind::Executable, path, "the program headers are not those that were linked");
        }
        Ok(())
    }
}
