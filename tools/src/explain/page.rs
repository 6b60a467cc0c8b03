//! How the page of an address comes into memory, who has made it, and why it was made again.

use super::program::Program;
use anyhow::Result;
use indexer::index::generation;
use indexer::index::kept::{Access, CHANGED, Shelves};
use indexer::index::opened::Executable;
use indexer::inputs::mapped;
use serde::Serialize;
use shared::log::{LogEntry, LogHeader, changed_chunks};
use shared::plan::RegionKind;
use shared::render::render;
use shared::{CHUNK, ImageAddr, PAGE};
use std::fs;
use std::path::Path;

#[derive(Debug, Serialize)]
pub struct Page {
    pub start: u64,
    /// `lazy`, `eager`, `zero`, `header`.
    pub kind: &'static str,
    /// Number of the chunk, of a lazy page.
    pub chunk: Option<usize>,
    /// A launch maps it and need not render it.
    pub kept: Option<bool>,
    pub made: String,
    /// The first generation that has it as it is now, as far as that is known.
    pub since: Option<u64>,
    /// Why the last link made it again.
    pub again: Option<String>,
    pub first_touch: Option<Touch>,
    /// Why there is no first touch.
    pub untouched: Option<String>,
}

/// A first touch, as a log has it.
#[derive(Debug, Serialize)]
pub struct Touch {
    /// Since the start of the loader.
    pub us: u64,
    pub thread: u32,
    pub pid: u64,
    /// By the thread in the background, before anybody touched it.
    pub background: bool,
    /// `last run`, or `an earlier run`.
    pub run: &'static str,
}

/// What is known of the page at an address; `None`: it is not in the image.
pub fn page(program: &Program, address: u64) -> Option<Page> {
    let kind = program.region_kind(address)?;
    let start = ImageAddr(address).page_start().0;
    let mut page = Page {
        start,
        kind: match kind {
            RegionKind::Lazy => "lazy",
            RegionKind::Eager => "eager",
            RegionKind::Zero => "zero",
            RegionKind::Header => "header",
        },
        chunk: None,
        kept: None,
        made: String::new(),
        since: None,
        again: None,
        first_touch: None,
        untouched: None,
    };
    if program.is_library() {
        page.kind = "file";
        page.made = "rendered into the library by its last link".to_owned();
        return Some(page);
    }
    match kind {
        RegionKind::Header => page.made = "mapped from the executable".to_owned(),
        RegionKind::Zero => page.made = "zeroes, made by the kernel".to_owned(),
        RegionKind::Eager => eager(program, &mut page),
        RegionKind::Lazy => lazy(program, &mut page),
    }
    Some(page)
}

fn eager(program: &Program, page: &mut Page) {
    let is_here =
        |program: &Program| program.patched.binary_search_by_key(&page.start, |page| page.addr.0).is_ok();
    if !is_here(program) {
        page.made = "rendered by the last full link, mapped from the file image".to_owned();
        page.since = full_link(program);
        return;
    }
    page.made = "rendered again by a relink, mapped from the patch".to_owned();
    let same = |older: &Program| rendered(older, page.start) == rendered(program, page.start);
    page.since = since(program, same);
    page.again = again(program, page.start);
}

fn lazy(program: &Program, page: &mut Page) {
    let chunk = (ImageAddr(page.start).offset_from(program.plan.header.base) / CHUNK) as usize;
    page.chunk = Some(chunk);
    let shelves = Shelves::open(&program.executable, &program.plan, Access::Read);
    let listed = shelves.and_then(|shelves| Ok(shelves.listed()?.iter().any(|(number, _)| *number == chunk)));
    page.kept = listed.ok();
    let is_changed = |program: &Program| is_changed(&program.executable, chunk);
    page.made = match (page.kept, is_changed(program)) {
        (Some(true), false) => "kept in the file that all generations since the full link share",
        (Some(true), true) => {
            "kept in the generation's own file: relinks have changed it since the full link"
        }
        (Some(false), _) => "not kept yet: rendered at the first touch, or in the background",
        (None, _) => "not known whether it is kept: the list cannot be read",
    }
    .to_owned();
    if is_changed(program) {
        page.since = since(program, |older| rendered(older, page.start) == rendered(program, page.start));
        page.again = again(program, page.start);
    } else {
        page.since = full_link(program);
    }
    (page.first_touch, page.untouched) = match touch(program, chunk, page.start) {
        Ok(touch) => (Some(touch), None),
        Err(why) => (None, Some(why)),
    };
}

/// Whether relinks have changed a chunk since the full link.
fn is_changed(executable: &Executable, chunk: usize) -> bool {
    let config = &executable.config;
    let list = fs::read(executable.folder.join(CHANGED)).unwrap_or_default();
    let known = changed_chunks(&list, config.plan, config.patch);
    known.and_then(|known| known.get(chunk)).is_some_and(|byte| *byte != 0)
}

fn rendered(program: &Program, start: u64) -> Option<Vec<u8>> {
    let mut bytes = vec![0; PAGE as usize];
    render(&program.plan, program.objects, ImageAddr(start), &mut bytes).ok()?;
    Some(bytes)
}

/// The generations in front of this one that are still there and share its plan, from the newest on.
fn older(program: &Program) -> impl Iterator<Item = Program> {
    let (number, plan) = (program.executable.config.generation, program.executable.config.plan);
    let mut numbers = generation::numbers(program.output_folder());
    numbers.retain(|other| *other < number);
    let (folder, app) = (program.output_folder().to_owned(), program.app.clone());
    numbers.into_iter().rev().map_while(move |number| {
        let mut executable = Executable::of_folder(&folder.join(number.to_string())).ok()?;
        executable.config.generation = number;
        (executable.config.plan == plan).then(|| Program::open(&app, executable).ok())?
    })
}

/// The first of the generations in a row for which this holds; `None`: earlier ones are gone, so it may be one of those.
fn since(program: &Program, is_same: impl Fn(&Program) -> bool) -> Option<u64> {
    let mut first = program.executable.config.generation;
    for older in older(program) {
        if !is_same(&older) {
            return Some(first);
        }
        first = older.executable.config.generation;
    }
    (full_link(program) == Some(first)).then_some(first)
}

/// The generation of the full link that this one goes back to, if it is still there.
fn full_link(program: &Program) -> Option<u64> {
    let is_full = |program: &Program| program.executable.config.patch == 0;
    if is_full(program) {
        return Some(program.executable.config.generation);
    }
    older(program).find(is_full).map(|full| full.executable.config.generation)
}

/// What is different in a page from the generation before.
fn again(program: &Program, start: u64) -> Option<String> {
    let Some(before) = older(program).next() else {
        return Some("not known: the generation before is gone".to_owned());
    };
    let number = before.executable.config.generation;
    let (Some(old), Some(new)) = (rendered(&before, start), rendered(program, start)) else {
        return Some("not known: a record is damaged".to_owned());
    };
    if old == new {
        return Some(format!("the last link left it alone: its bytes are those of generation {number}"));
    }
    let differing: Vec<u64> = (start..)
        .zip(old.iter().zip(&new))
        .filter(|(_, (a, b))| a != b)
        .map(|(address, _)| address)
        .collect();
    let mut reasons: Vec<String> = Vec::new();
    for address in &differing {
        let reason = difference(&before, program, *address);
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    const SHOWN: usize = 3;
    let more = reasons.len().saturating_sub(SHOWN);
    reasons.truncate(SHOWN);
    if more != 0 {
        reasons.push(format!("and {more} more reasons"));
    }
    let (count, first) = (differing.len(), differing.first().unwrap_or(&start));
    let text = format!("{count} bytes are others than in generation {number}, from {first:#x} on: ");
    Some(text + &reasons.join("; "))
}

/// Why the bytes at an address are others.
fn difference(before: &Program, now: &Program, address: u64) -> String {
    use indexer::verify::place::Place;
    let place = |program: &Program| match program.find(address) {
        Some(Place::Section { object, number, offset }) => Some((object, number, offset)),
        _ => None,
    };
    match (place(before), place(now)) {
        (_, None) => "what was there has moved or gone".to_owned(),
        (Some(old), Some(new)) if old == new => {
            let (object, ..) = new;
            let content = |program: &Program| program.state.object(object).entry.content;
            let name = now.object_name(object);
            match object < now.state.object_count() && content(before) != content(now) {
                true => format!("{name} was changed"),
                false => format!("a symbol that {name} refers to there has moved"),
            }
        }
        (_, Some((object, number, _))) => {
            format!("{} of {} was put there", now.section_name(object, number), now.object_name(object))
        }
    }
}

/// The first touch of a chunk, in the last run that was lazy or the one with the most first touches; or why there is none.
fn touch(program: &Program, chunk: usize, page: u64) -> Result<Touch, String> {
    let folder = &program.executable.folder;
    let number = (ImageAddr(page).offset_from(program.plan.header.base) / PAGE) as u32;
    let read = |name: &str| -> Option<(LogHeader, Vec<LogEntry>)> {
        let (bytes, _) = mapped::map(&folder.join(Path::new(name))).ok()?;
        let (header, entries) = shared::log::read(bytes)?;
        Some((*header, entries.to_vec()))
    };
    let of = |name: &str, run: &'static str| {
        let (header, entries) = read(name)?;
        let is_meant = |entry: &&LogEntry| match header.unit {
            PAGE => entry.number & !LogEntry::BACKGROUND == number,
            _ => header.chunk_of(entry) == chunk,
        };
        let entry = entries.iter().find(is_meant)?;
        Some(Touch {
            us: entry.time_ns / 1000,
            thread: entry.thread,
            pid: header.pid,
            background: entry.number & LogEntry::BACKGROUND != 0,
            run,
        })
    };
    let last_was_lazy = read("last").is_none();
    let last = if last_was_lazy { "last run" } else { "an earlier run" };
    if let Some(found) = of("log", last).or_else(|| of("touched", "an earlier run")) {
        return Ok(found);
    }
    Err(match (program.executable.last_run(), last_was_lazy) {
        (None, _) => "no run of this generation has left a log",
        (_, false) => "the last run found everything kept, so there were no first touches",
        _ => "no first touch is in the logs",
    }
    .to_owned())
}
