//! An output and its generation, opened: for the tools, and for the next link.

use super::kept::{Access, Shelves};
use super::packs::{Pack, PackObjects};
use super::state::Status;
use super::{generation, version};
use crate::inputs::mapped;
use anyhow::{Context, Result, anyhow, bail};
use shared::log::{LogEntry, LogHeader};
use shared::output::{self, CONFIG, LOADER, OutputConfig};
use shared::plan::{Patch, PatchPage, PlanError, PlanHeader, PlanView};
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What an executable of ours says of itself.
pub struct Executable {
    pub config: OutputConfig,
    pub folder: PathBuf,
    /// The pages in front of the loader: header and configuration.
    pub head: Vec<u8>,
}

impl Executable {
    /// Reads the executable at `path`; an error if it is not one of ours.
    pub fn open(path: &Path) -> Result<Self> {
        let context = || format!("cannot read {}", path.display());
        let file = fs::File::open(path).with_context(context)?;
        let mut head = Vec::with_capacity(LOADER as usize);
        file.take(LOADER).read_to_end(&mut head).with_context(context)?;
        let page = head.get(CONFIG as usize..).unwrap_or_default();
        if page.len() as u64 != LOADER - CONFIG {
            bail!("{}: not linked by unfold, or damaged", path.display());
        }
        // Records are read from aligned memory.
        let mut words = vec![0u64; page.len() / 8];
        shared::pod::bytes_of_mut(&mut words).copy_from_slice(page);
        let page = shared::pod::bytes_of(&words);
        let Some(config) = output::config(page) else {
            bail!("{}: not linked by unfold, or damaged", path.display());
        };
        let text = |at| {
            let bytes = output::c_string(page, at).unwrap_or_default();
            PathBuf::from(OsStr::from_bytes(bytes.strip_suffix(b"\0").unwrap_or_default()))
        };
        let mut folder = text(config.absolute);
        if !folder.exists() {
            let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
            let moved = real.parent().unwrap_or(Path::new("")).join(text(config.relative));
            if moved.exists() {
                folder = moved;
            } else {
                bail!("{}: its part of the index is gone: {}", path.display(), folder.display());
            }
        }
        Ok(Self { config: *config, folder, head })
    }

    /// The generation in `folder`, seen without its executable.
    pub fn of_folder(folder: &Path) -> Result<Self> {
        let patch = folder.join("patch");
        let sum = |path: &Path| -> Result<u64> {
            let (bytes, _) = mapped::map(path)?;
            let word = bytes.get(8..16).and_then(|word| word.try_into().ok()).map(u64::from_le_bytes);
            word.with_context(|| format!("{} is damaged", path.display()))
        };
        let config = OutputConfig {
            plan: sum(&folder.join("plan"))?,
            patch: if patch.exists() { sum(&patch)? } else { 0 },
            ..OutputConfig::default()
        };
        Ok(Self { config, folder: folder.to_owned(), head: Vec::new() })
    }

    /// What the linker knows of the output at `path`: an executable, or a shared library, which does not say itself where
    /// its index is.
    pub fn or_library(path: &Path) -> Result<Self> {
        let error = match Self::open(path) {
            Ok(executable) => return Ok(executable),
            Err(error) => error,
        };
        let named = std::env::var_os("UNFOLD_INDEX").filter(|index| !index.is_empty()).map(PathBuf::from);
        let index = named.unwrap_or_else(|| path.parent().unwrap_or(Path::new("")).join(super::FOLDER));
        let folder = generation::output_folder(&index.canonicalize().unwrap_or(index), path)?;
        let Some(newest) = generation::numbers(&folder).last().copied() else { return Err(error) };
        let mut found = Self::of_folder(&folder.join(newest.to_string()))?;
        found.config.generation = newest;
        Ok(found)
    }

    /// Whether it has become an ordinary executable (`settle.rs`): its ELF header refers to the program's headers.
    pub fn is_settled(&self) -> bool {
        self.head.get(32..40).is_some_and(|at| at == output::IMAGE_PHDRS.to_le_bytes())
    }

    /// The head of the executable as it was linked, whatever became of the output; `None` if it is damaged.
    pub fn generation_head(&self) -> Option<Vec<u8>> {
        let mut head = fs::read(self.folder.join(crate::emit::HEAD)).ok()?;
        let sum = (head.len() > LOADER as usize).then(|| head.split_off(LOADER as usize))?;
        (sum == shared::checksum::checksum(&head).to_le_bytes()).then_some(head)
    }

    pub fn status(&self) -> Result<Status> {
        let path = self.folder.join("status.json");
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))
    }

    /// The plan with its patch applied, and the pages that the patch replaces.
    pub fn plan(&self) -> Result<(memmap2::MmapMut, &'static [PatchPage], &'static [u8])> {
        let plan = mapped::map_private(&self.folder.join("plan"))?;
        shared::plan::check(&plan).map_err(|error| version::plan_error("the plan", error))?;
        self.patched(plan)
    }

    /// As [`Self::plan`], of a generation whose files are known to be those that were written: no more of the plan is
    /// read than what the patch changes.
    pub fn untouched_plan(&self) -> Result<(memmap2::MmapMut, &'static [PatchPage], &'static [u8])> {
        self.patched(mapped::map_private(&self.folder.join("plan"))?)
    }

    fn patched(
        &self,
        mut plan: memmap2::MmapMut,
    ) -> Result<(memmap2::MmapMut, &'static [PatchPage], &'static [u8])> {
        if self.config.patch == 0 {
            return Ok((plan, &[], &[]));
        }
        let (patch, _) = mapped::map(&self.folder.join("patch"))?;
        let failed = |error| version::plan_error("the patch", error);
        let header = shared::pod::get::<PlanHeader>(&plan, 0).ok_or_else(|| failed(PlanError::Truncated))?;
        let opened = Patch::new(header, patch).map_err(failed)?;
        opened.apply(&mut plan).map_err(failed)?;
        Ok((plan, opened.pages, patch))
    }

    /// The packs that a plan names.
    pub fn pack_files(&self, plan: &PlanView<'_>) -> Result<Vec<&'static [u8]>> {
        let folder = self.folder.join("../../../packs");
        plan.packs
            .iter()
            .map(|pack| {
                if pack.len == 0 {
                    return Ok(&[][..]);
                }
                let name = OsStr::from_bytes(pack.name.of(plan.strings));
                Ok(mapped::map(&folder.join(name))?.0)
            })
            .collect()
    }

    /// The records of a plan's objects, verified.
    pub fn objects<'a>(&self, plan: PlanView<'a>) -> Result<PackObjects<'a>> {
        let damaged = || anyhow!("the index has a damaged pack; link the program again");
        let files = self.pack_files(&plan)?;
        let packs = files.into_iter().zip(plan.packs).map(|(file, record)| Pack::new(file, record));
        let objects = PackObjects { plan, packs: packs.collect::<Option<_>>().ok_or_else(damaged)? };
        objects.check()?;
        Ok(objects)
    }

    /// Pages that launches have relocated and kept, and that the next one maps.
    pub fn kept_pages(&self) -> u64 {
        let chunks = || {
            let (plan, _, _) = self.untouched_plan().ok()?;
            let view = PlanView::new(&plan).ok()?;
            Some(Shelves::open(self, &view, Access::Read).ok()?.listed().ok()?.len())
        };
        chunks().unwrap_or(0) as u64 * shared::CHUNK / shared::PAGE
    }

    /// The log of the last run, if there was one.
    pub fn last_run(&self) -> Option<(LogHeader, Vec<LogEntry>)> {
        // A run that touched nothing leaves no log, and one that did removes that one's counters.
        let open = |name: &str| mapped::map(&self.folder.join(name)).ok();
        let (bytes, _) = open("last").or_else(|| open("log"))?;
        let (header, entries) = shared::log::read(bytes)?;
        Some((*header, entries.to_vec()))
    }
}
