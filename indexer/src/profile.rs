//! What a run touched first, with names: its log and the generation's plan and records -> [`Profile`].
//!
//! The fields are those of `unfold profile --json` (docs/format.md).

use crate::index::opened::Executable;
use crate::index::packs::{Pack, PackObjects};
use crate::index::state::State;
use crate::inputs::mapped;
use crate::message::demangle;
use crate::object::show;
use crate::verify::place::{Place, Places};
use anyhow::{Context, Result, bail};
use object::elf;
use serde::{Deserialize, Serialize};
use shared::log::{LogEntry, LogHeader, LogThread, Pager};
use shared::plan::{Objects, PlanView, RegionKind, flag};
use shared::record::{NONE, ObjectView};
use shared::{CHUNK, ImageAddr, PAGE};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// What `format` says of the profiles of this version.
pub const FORMAT: &str = "unfold-profile-1";

/// One run of a program.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    pub format: String,
    pub app: String,
    pub generation: u64,
    /// Program and arguments, if `unfold profile` ran it.
    pub command: Option<Vec<String>>,
    /// How it ended, if `unfold profile` ran it: `status N` or `signal N`.
    pub ending: Option<String>,
    pub pid: u64,
    pub pager: String,
    /// Why nothing can be lazy in this program.
    pub eager: Option<String>,
    /// Bytes that a touch brought: a page (`UNFOLD_PROFILE=on`) or a chunk.
    pub unit: u64,
    /// From the start of the loader to that of the dynamic linker or the program.
    pub handover_us: f64,
    pub faults: u64,
    pub pages_rendered: u64,
    pub pages_from_kept: u64,
    pub pages_prefetched: u64,
    /// Touches that the log had no room for.
    pub lost: u64,
    pub regions: Vec<Region>,
    pub threads: Vec<Thread>,
    /// In the order in which things were put in place.
    pub touches: Vec<Touch>,
    pub background: Background,
    /// Which objects lie where in the lazy regions, in the order of addresses.
    pub extents: Vec<Extent>,
}

/// A lazy part of the image.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Region {
    pub start: u64,
    pub end: u64,
    /// `code` or `unwind tables`.
    pub kind: String,
}

/// Consecutive sections of one object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Extent {
    pub start: u64,
    pub end: u64,
    pub object: String,
}

/// A thread that touched something.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Thread {
    pub id: u32,
    /// Known of precise logs, as is the name: that at its last touch.
    pub process: Option<u32>,
    pub name: Option<String>,
}

/// A page or a chunk that was put in place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Touch {
    /// When the loader began with it, since its own start.
    pub time_us: f64,
    /// How long it took.
    pub cost_us: f64,
    pub thread: u32,
    /// No thread of the program touched it: it was brought ahead.
    pub background: bool,
    /// What was touched, and the range that was put in place for it.
    pub address: u64,
    pub start: u64,
    pub end: u64,
    /// What lies at the address; of the background, at the first one in the range where something does.
    pub object: String,
    pub section: String,
    /// Offset of the address in the section.
    pub offset: u64,
    /// As the object has it.
    pub symbol: Option<String>,
    /// As a programmer wrote it.
    pub function: Option<String>,
    /// Of the background: whether the run that is compared with touched it too.
    pub needed: Option<bool>,
}

/// What was brought ahead.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Background {
    pub brought: usize,
    pub cost_us: f64,
    /// How many of these a precise log touched too, and how many not; null without such a log.
    pub needed: Option<usize>,
    pub in_vain: Option<usize>,
}

/// The profile of the last run of an executable.
pub fn of_last_run(app: &Path) -> Result<Profile> {
    let (executable, bytes) = last_log(app)?;
    let Some(bytes) = bytes else {
        bail!("{}: it has not run since it was linked, or could not write a log", app.display());
    };
    of_log(app, &executable, bytes)
}

/// The process whose log is that of the last run.
pub fn last_pid(app: &Path) -> Option<u64> {
    let (_, bytes) = last_log(app).ok()?;
    Some(shared::log::read(bytes?)?.0.pid)
}

fn last_log(app: &Path) -> Result<(Executable, Option<&'static [u8]>)> {
    let executable = Executable::open(app)?;
    let plan = executable.config.plan;
    let is_its =
        |bytes: &&[u8]| shared::log::read(bytes).is_some_and(|(header, _)| header.generation == plan);
    // As in `Executable::last_run`.
    let found = ["last", "log"].into_iter().find_map(|name| {
        let (bytes, _) = mapped::map(&executable.folder.join(name)).ok()?;
        Some(bytes).filter(is_its)
    });
    Ok((executable, found))
}

/// The profile that a log of this executable says.
pub fn of_log(app: &Path, executable: &Executable, bytes: &[u8]) -> Result<Profile> {
    let (header, entries) = shared::log::read(bytes).context("not a log, or one of another version")?;
    if header.generation != executable.config.plan {
        bail!("{}: the log is of another link", app.display());
    }
    let (plan, _, _) = executable.plan()?;
    let plan = PlanView::new(&plan).map_err(|error| anyhow::anyhow!("the plan is damaged: {error:?}"))?;
    let packs = executable.pack_files(&plan)?.into_iter().zip(plan.packs);
    let packs = packs.map(|(file, record)| Pack::new(file, record)).collect::<Option<Vec<_>>>();
    let objects = PackObjects { plan, packs: packs.context("the index has a damaged pack; link again")? };
    let state = State::open_untouched(&executable.folder);
    let mut names = Names::new(Places { plan, objects: &objects, state: state.as_ref() });
    let lazy = || plan.regions.iter().filter(|region| region.kind() == Some(RegionKind::Lazy));
    let is_lazy = |addr: ImageAddr| lazy().any(|region| region.contains(addr));

    let mut profile = Profile {
        format: FORMAT.to_owned(),
        app: app.display().to_string(),
        generation: executable.config.generation,
        pid: header.pid,
        pager: Pager::name(header.pager).to_owned(),
        eager: why_eager(header, &plan),
        unit: header.unit,
        handover_us: us(header.handover_ns),
        faults: header.faults,
        pages_rendered: header.pages_rendered,
        pages_from_kept: header.pages_from_kept,
        pages_prefetched: header.pages_prefetched,
        lost: header.count.saturating_sub(header.capacity),
        ..Profile::default()
    };
    for region in lazy().filter(|region| !region.is_empty()) {
        let kind = if region.prot & 4 != 0 { "code" } else { "unwind tables" };
        profile.regions.push(Region { start: region.start.0, end: region.end.0, kind: kind.to_owned() });
    }
    profile.extents = names.extents(is_lazy);
    let base = plan.header.base;
    for entry in entries {
        let start = base + u64::from(entry.number()) * header.unit;
        let end = start + header.unit;
        // An entry that is just being written, or that a killed process has left, says anything.
        let Some(region) = lazy().find(|region| start < region.end && region.start < end) else { continue };
        let (start, end) = (start.max(region.start), end.min(region.end));
        let touched = base + u64::from(entry.offset);
        let is_there = (start..end).contains(&touched);
        let addr = if is_there { touched } else { start };
        let addr = if entry.is_background() { names.first_in(addr, end) } else { addr };
        profile.touches.push(names.touch(entry, addr, start, end));
    }
    profile.threads = threads(&profile.touches, shared::log::threads(bytes).unwrap_or(&[]));
    judge_background(&mut profile, executable, header.unit);
    Ok(profile)
}

fn us(ns: u64) -> f64 {
    ns as f64 / 1000.0
}

/// Why nothing was lazy in a run, if that was for the program's sake and not because all was kept.
fn why_eager(header: &LogHeader, plan: &PlanView<'_>) -> Option<String> {
    if header.pager != Pager::Eager as u64 {
        return None;
    }
    let why = if plan.header.flags & flag::EAGER != 0 {
        "it is static, has sanitizers, or makes system calls about signals itself: all of it is relocated before it starts"
    } else {
        "UNFOLD_PAGER=eager, a debugger or valgrind had all of it relocated before it started"
    };
    Some(why.to_owned())
}

/// The threads of the program, in the order in which they touched something.
fn threads(touches: &[Touch], named: &[LogThread]) -> Vec<Thread> {
    let mut seen = HashSet::new();
    let touched = touches.iter().filter(|touch| !touch.background);
    let ids = touched.map(|touch| touch.thread).filter(|id| seen.insert(*id));
    ids.map(|id| {
        let named = named.iter().find(|thread| thread.thread == id);
        let name = named.map(|thread| {
            let len = thread.name.iter().position(|byte| *byte == 0).unwrap_or(thread.name.len());
            show(&thread.name[..len]).into_owned()
        });
        Thread { id, process: named.map(|thread| thread.process), name }
    })
    .collect()
}

/// Says what of that which was brought ahead a precise log of this generation has touched too: the last one with more
/// touches than this run. That a program uses what is there already leaves no trace in the run itself.
fn judge_background(profile: &mut Profile, executable: &Executable, unit: u64) {
    let precise = || {
        let (bytes, _) = mapped::map(&executable.folder.join("touched")).ok()?;
        let (header, entries) = shared::log::read(bytes)?;
        let is_fit = header.generation == executable.config.plan && header.unit == PAGE && unit == CHUNK;
        let chunk = |entry: &LogEntry| header.chunk_of(entry) as u64;
        is_fit.then(|| entries.iter().map(chunk).collect::<HashSet<u64>>())
    };
    let brought = profile.touches.iter_mut().filter(|touch| touch.background);
    let needed = precise();
    let base =
        executable.untouched_plan().ok().and_then(|(plan, ..)| Some(PlanView::new(&plan).ok()?.header.base));
    let mut background = Background::default();
    let (mut hits, mut misses) = (0, 0);
    for touch in brought {
        background.brought += 1;
        background.cost_us += touch.cost_us;
        if let (Some(needed), Some(base)) = (&needed, base) {
            let is_needed = needed.contains(&((touch.start - base.0) / CHUNK));
            touch.needed = Some(is_needed);
            if is_needed { hits += 1 } else { misses += 1 }
        }
    }
    if needed.is_some() {
        (background.needed, background.in_vain) = (Some(hits), Some(misses));
    }
    profile.background = background;
}

/// A function of an object: its section, where it is in it, and its name.
struct Function<'a> {
    section: u32,
    start: u64,
    size: u64,
    /// Of several names for one place, the lowest is shown.
    rank: (u8, &'a [u8]),
}

/// Names for addresses.
pub struct Names<'a> {
    places: Places<'a>,
    /// Of the objects that were asked for, sorted by section and start.
    functions: HashMap<u32, Vec<Function<'a>>>,
}

impl<'a> Names<'a> {
    pub fn new(places: Places<'a>) -> Self {
        Self { places, functions: HashMap::new() }
    }

    /// The symbol of the function at an offset of a section.
    pub fn symbol(&mut self, object: u32, section: u32, offset: u64) -> Option<&'a [u8]> {
        let objects = self.places.objects;
        let functions = self
            .functions
            .entry(object)
            .or_insert_with(|| objects.object(object).map_or_else(Vec::new, |record| functions_of(&record)));
        let behind =
            functions.partition_point(|function| (function.section, function.start) <= (section, offset));
        let last = functions[..behind].last().filter(|function| function.section == section)?;
        let same = functions[..behind].iter().rev();
        let mut same =
            same.take_while(|function| (function.section, function.start) == (section, last.start));
        // Assembler code has functions without a size.
        let is_inside =
            |function: &&Function<'_>| function.size == 0 || offset - function.start < function.size;
        let found =
            same.by_ref().filter(is_inside).min_by_key(|function| (function.size == 0, function.rank))?;
        Some(found.rank.1)
    }

    /// The first address from `addr` on where something lies, if that is before `end`.
    fn first_in(&self, addr: ImageAddr, end: ImageAddr) -> ImageAddr {
        const STEP: u64 = 16;
        let mut at = addr;
        while at < end {
            if self.places.is_in_section(at) {
                return at;
            }
            at = at + STEP;
        }
        addr
    }

    fn touch(&mut self, entry: &LogEntry, addr: ImageAddr, start: ImageAddr, end: ImageAddr) -> Touch {
        let mut touch = Touch {
            time_us: us(entry.time_ns),
            cost_us: us(entry.cost_ns.into()),
            thread: entry.thread,
            background: entry.is_background(),
            address: addr.0,
            start: start.0,
            end: end.0,
            ..Touch::default()
        };
        match self.places.find(addr) {
            Some(Place::FrameTable) => {
                touch.object = self.places.object(self.places.plan.objects.len().saturating_sub(1) as u32);
                touch.section = ".eh_frame_hdr".to_owned();
                touch.offset = addr.offset_from(self.places.plan.header.eh_hdr);
            }
            Some(Place::Section { object, number, offset }) => {
                touch.object = self.places.object(object);
                touch.offset = offset;
                let record = self.places.objects.object(object);
                let section = record.as_ref().and_then(|record| record.sections.get(number as usize));
                if let (Some(record), Some(section)) = (&record, section) {
                    touch.section = show(record.string(section.name)).into_owned();
                    if section.flags & elf::SHF_EXECINSTR != 0 {
                        let symbol = self.symbol(object, number, offset).map(|name| show(name).into_owned());
                        touch.function = symbol.as_deref().map(demangle);
                        touch.symbol = symbol;
                    }
                }
            }
            Some(Place::Gap { object }) => touch.object = self.places.object(object),
            None => {}
        }
        touch
    }

    /// Which objects lie where, as far as it is lazy.
    fn extents(&self, is_lazy: impl Fn(ImageAddr) -> bool) -> Vec<Extent> {
        let mut extents: Vec<(u32, Extent)> = Vec::new();
        let blocks =
            self.places.plan.blocks.iter().filter(|block| block.block != NONE && block.capacity != 0);
        for block in blocks.filter(|block| is_lazy(block.addr)) {
            let end = (block.addr + block.capacity).0;
            match extents.last_mut() {
                Some((object, last)) if *object == block.object => last.end = end,
                _ => {
                    let object = self.places.object(block.object);
                    extents.push((block.object, Extent { start: block.addr.0, end, object }));
                }
            }
        }
        extents.into_iter().map(|(_, extent)| extent).collect()
    }
}

/// The functions of an object, sorted by section and start.
fn functions_of<'a>(record: &ObjectView<'a>) -> Vec<Function<'a>> {
    let local = record.functions.iter().map(|function| Function {
        section: function.section,
        start: function.value,
        size: function.size,
        rank: (2, record.string(function.name)),
    });
    let global = record.globals.iter().filter(|global| {
        let is_code = matches!(global.kind, elf::STT_FUNC | elf::STT_NOTYPE | elf::STT_GNU_IFUNC);
        is_code && (global.section as usize) < record.sections.len() && global.name.len != 0
    });
    let global = global.map(|global| Function {
        section: global.section,
        start: global.value,
        size: global.size,
        rank: (u8::from(global.binding != elf::STB_GLOBAL), record.string(global.name)),
    });
    let mut functions: Vec<_> = local.chain(global).collect();
    functions.sort_by_key(|function| (function.section, function.start, function.rank));
    functions
}
