//! Behind a link: what the program may touch is rendered while nobody waits for it, so that launches find all of it kept
//! (`loader/src/kept.rs`) and are those of an ordinary executable.
//!
//! Very few chunks the link renders itself: to start a process costs as much. More are left to a process of its own, at
//! idle priority, which holds no descriptor of the build's, is the only one of its output, and ends when it is done, or
//! when the next link has made its work worthless. `UNFOLD_BACKGROUND=off` switches all this off; programs then relocate
//! what they touch, and keep that.

use crate::awaited::Awaited;
use crate::emit::Replaced;
use crate::idle;
use crate::index::generation;
use crate::index::kept::{Access, OWN, Shelf, Shelves, chunk_count, chunk_range};
use crate::index::opened::Executable;
use crate::index::packs::{Pack, PackObjects};
use crate::order;
use crate::relink;
use crate::settle::{self, When};
use anyhow::{Context, Result, anyhow, bail};
use shared::plan::{PlanView, flag};
use shared::render::render;
use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Word of the command line by which the linker calls itself to complete a generation, whose folder is behind it, and then its output.
pub const COMMAND: &str = "--unfold-complete";

/// So many chunks are rendered before the link returns: of a small program all. A process costs a quarter of a
/// millisecond until it runs, and each chunk as much, with all that has to be mapped for it.
const AT_ONCE: usize = 3;

/// Between two looks whether a running program has finished what it is completing.
const PAUSE: Duration = Duration::from_millis(20);
const PATIENCE: usize = 500;

/// So many chunks are rendered between two looks whether they are still wanted.
const STRIDE: usize = 16;

/// Has the chunks of a new generation rendered, and `replaced` closed. Nothing of this is the link's concern if it fails.
pub fn after_link(folder: &Path, output: &Path, replaced: Replaced) {
    forget_before(folder);
    let settles = settle::when(output);
    if settles == When::InLink {
        return;
    }
    let switch = std::env::var_os("UNFOLD_BACKGROUND").unwrap_or_default();
    if [OsStr::new("off"), OsStr::new("0")].contains(&switch.as_os_str()) {
        return;
    }
    let Ok(work) = Work::find(folder, false) else { return };
    if work.missing.len() <= AT_ONCE {
        work.render_all(1, &|| true).ok();
    }
    let is_done = match settles {
        When::Never => work.missing.len() <= AT_ONCE,
        _ => settle::if_small(folder, output),
    };
    if is_done {
        return;
    }
    let (Ok(own), Ok(output)) = (std::env::current_exe(), std::path::absolute(output)) else { return };
    let mut command = Command::new(own);
    command.arg(COMMAND).arg(folder).arg(output).current_dir("/");
    command.stdin(replaced.0.map_or_else(Stdio::null, Stdio::from));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0).spawn().ok();
}

/// Removes the own shelf of the generation before: hardly anybody starts that any more, and who does renders anew. What
/// runs from it has the files open.
fn forget_before(folder: &Path) {
    let number = folder.file_name().and_then(OsStr::to_str).and_then(|name| name.parse::<u64>().ok());
    if let Some(before) = number.and_then(|number| number.checked_sub(1)) {
        for name in OWN.iter().rev() {
            std::fs::remove_file(folder.with_file_name(before.to_string()).join(name)).ok();
        }
    }
}

/// What the process that `after_link` starts does.
pub fn in_background(folder: &Path, path: &Path) -> Result<()> {
    idle::keep_standard_descriptors_alone();
    let awaited = Awaited::begin(folder);
    idle::take_what_is_left_of_the_machine();
    let number: u64 = folder
        .file_name()
        .and_then(OsStr::to_str)
        .and_then(|name| name.parse().ok())
        .with_context(|| format!("{} is no generation", folder.display()))?;
    let output = folder.parent().unwrap_or(folder);
    if relink::is_older_than_start(folder) {
        // Whether everything is still what was written, the next link or launch examines first.
        return Ok(());
    }
    let is_wanted = || generation::numbers(output).last() == Some(&number);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    for _ in 0..PATIENCE {
        let work = Work::find(folder, true)?;
        if work.missing.is_empty() || !is_wanted() {
            break;
        }
        if work.take()? {
            work.render_all(threads, &is_wanted)?;
            break;
        }
        std::thread::sleep(PAUSE);
    }
    if settle::when(path) != When::Never {
        settle::settle(folder, path, &awaited, &is_wanted)?;
    } else if is_wanted() {
        // Who looks at it finds what he needs beside it.
        awaited.complete()?;
    }
    Ok(())
}

/// The chunks of a generation that are not kept.
struct Work {
    executable: Executable,
    plan: memmap2::MmapMut,
    shelves: Shelves,
    /// Their numbers; first those that the run before touched.
    missing: Vec<usize>,
}

impl Work {
    /// `is_later`: not in the link that has written the generation, so its files are to be checked.
    fn find(folder: &Path, is_later: bool) -> Result<Self> {
        let executable = Executable::of_folder(folder)?;
        let (plan, _, _) = if is_later { executable.plan()? } else { executable.untouched_plan()? };
        let view = view(&plan)?;
        let shelves = Shelves::open(&executable, &view, Access::Add)
            .with_context(|| format!("cannot write what is kept in {}", folder.display()))?;
        let mut wanted = vec![true; chunk_count(&view)];
        for (chunk, _) in shelves.listed()? {
            wanted[chunk] = false;
        }
        let touched = order::of_generation(&executable).unwrap_or_default();
        let touched = touched.into_iter().map(|chunk| chunk as usize);
        let missing = touched
            .chain(0..wanted.len())
            .filter(|chunk| {
                chunk_range(&view, *chunk).is_some()
                    && shelves.of(*chunk).is_some()
                    && wanted.get_mut(*chunk).is_some_and(std::mem::take)
            })
            .collect();
        Ok(Self { executable, plan, shelves, missing })
    }

    /// Takes the right to add to the shelves, unless a running program is at it.
    fn take(&self) -> Result<bool> {
        let taken = self.shelves.common.as_ref().map_or(Ok(true), Shelf::take);
        taken.context("cannot lock what is kept")
    }

    /// Renders and keeps all, as long as `is_wanted` says so.
    fn render_all(&self, threads: usize, is_wanted: &(dyn Fn() -> bool + Sync)) -> Result<()> {
        let plan = view(&self.plan)?;
        let files = self.executable.pack_files(&plan)?;
        let packs = files.into_iter().zip(plan.packs).map(|(file, record)| Pack::new(file, record));
        let packs = packs.collect::<Option<_>>().context("the index has a damaged pack")?;
        let objects = PackObjects { plan, packs };
        let queue = Mutex::new(Queue::new(self));
        let stopped = AtomicBool::new(false);
        let work = || -> Result<()> {
            let mut buffer = vec![0; shared::CHUNK as usize];
            for number in 1.. {
                let next = queue.lock().ok().and_then(|mut queue| queue.next());
                let Some(chunk) = next else { return Ok(()) };
                if number % STRIDE == 0 && !is_wanted() {
                    stopped.store(true, Ordering::Relaxed);
                }
                if stopped.load(Ordering::Relaxed) {
                    return Ok(());
                }
                self.keep(&objects, chunk, &mut buffer)?;
            }
            Ok(())
        };
        let noting = || work().inspect_err(|_| stopped.store(true, Ordering::Relaxed));
        if threads == 1 {
            return noting();
        }
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(noting)).collect();
            let failed = || Err(anyhow!("a thread has panicked"));
            workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| failed()))
        })
    }

    fn keep(&self, objects: &PackObjects<'_>, chunk: usize, buffer: &mut [u8]) -> Result<()> {
        let (start, len) = chunk_range(&objects.plan, chunk).context("a chunk is gone")?;
        let bytes = &mut buffer[..len as usize];
        render(&objects.plan, objects, start, bytes)
            .map_err(|error| anyhow!("a chunk cannot be rendered: {error:?}"))?;
        let shelf = self.shelves.of(chunk).context("a shelf is gone")?;
        let offset = start.offset_from(objects.plan.header.base);
        shelf.add(chunk, offset, bytes).with_context(|| format!("cannot write {}", shelf.path.display()))
    }
}

/// The chunks that are left to do. What a program touches that runs meanwhile comes first: its next launch wants it too.
struct Queue<'a> {
    work: &'a Work,
    /// For each chunk, whether it is still to be done.
    is_left: Vec<bool>,
    /// How many of `missing` were looked at.
    passed: usize,
    touched: Vec<usize>,
    /// Process whose log was read, and how many of its entries.
    read: (u64, usize),
    taken: usize,
}

impl<'a> Queue<'a> {
    fn new(work: &'a Work) -> Self {
        let mut is_left = vec![false; work.missing.iter().max().map_or(0, |most| most + 1)];
        work.missing.iter().for_each(|chunk| is_left[*chunk] = true);
        Self { work, is_left, passed: 0, touched: Vec::new(), read: (0, 0), taken: 0 }
    }

    fn next(&mut self) -> Option<usize> {
        if self.taken.is_multiple_of(STRIDE) {
            self.read_log();
        }
        self.taken += 1;
        let mut is_left = |chunk: &usize| self.is_left.get_mut(*chunk).is_some_and(std::mem::take);
        if let Some(at) = self.touched.iter().position(&mut is_left) {
            return self.touched.drain(..=at).next_back();
        }
        self.touched.clear();
        let rest = &self.work.missing[self.passed..];
        let at = rest.iter().position(is_left)?;
        self.passed += at + 1;
        Some(rest[at])
    }

    /// Takes up what was touched since the last time.
    fn read_log(&mut self) {
        let Some((header, entries)) = self.work.executable.last_run() else { return };
        if self.read.0 != header.pid {
            self.read = (header.pid, 0);
        }
        self.touched.extend(entries.iter().skip(self.read.1).map(|entry| header.chunk_of(entry)));
        self.read.1 = entries.len().max(self.read.1);
    }
}

fn view(plan: &[u8]) -> Result<PlanView<'_>> {
    let view = PlanView::new(plan).map_err(|error| anyhow!("the plan is damaged: {error:?}"))?;
    if view.header.flags & flag::SHARED != 0 {
        bail!("a shared library is rendered whole");
    }
    Ok(view)
}
