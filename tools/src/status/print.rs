//! A status for people.

use super::gather::{Disk, Generation, Output};
use crate::out::{bad, dim, good, strong, warn};
use crate::print_line;
use anyhow::Result;
use indexer::index::state::Status;
use shared::log::Pager;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Lines of lists.
const SHOWN: usize = 20;
/// Cells of a bar.
const BAR: usize = 50;
const LABEL: usize = 12;

fn fact(label: &str, text: &str) {
    print_line!("  {}{text}", dim(&format!("{label:<LABEL$}")));
}

fn more(text: &str) {
    print_line!("  {:LABEL$}{text}", "");
}

pub fn one(output: &Output) {
    let kind = if output.is_library { "shared library, " } else { "" };
    print_line!(
        "{}: {kind}generation {}, {} objects",
        strong(&output.app.display().to_string()),
        output.generation,
        output.status.objects
    );
    last_link(output);
    if !output.is_library {
        pages(output);
        last_run(output);
    }
    generations(&output.generations);
    disk(&output.disk);
    fact("index", &output.folder.display().to_string());
}

fn last_link(output: &Output) {
    let status = &output.status;
    fact(
        "last link",
        &match &status.why_full {
            None => good("incremental"),
            Some(why) => format!("{} ({why})", warn("full")),
        },
    );
    let first = status.reindexed.first().map(|object| object.reason.as_str());
    let is_alike = status.reindexed.iter().all(|object| Some(object.reason.as_str()) == first);
    match status.reindexed.len() {
        // A list of all objects says nothing more.
        count if is_alike && count > SHOWN && count >= status.objects / 2 => {
            more(&format!("{count} objects were read, all for one reason: {}", first.unwrap_or_default()));
            return warnings(status);
        }
        0 => more("no object was read again"),
        1 => more("1 object was read:"),
        count => more(&format!("{count} objects were read:")),
    }
    for object in status.reindexed.iter().take(SHOWN) {
        let member = if object.member.is_empty() { String::new() } else { format!("({})", object.member) };
        more(&format!("  {}{member}: {}", object.path, dim(&object.reason)));
    }
    if status.reindexed.len() > SHOWN {
        more(&format!("  and {} more", status.reindexed.len() - SHOWN));
    }
    warnings(status);
}

fn warnings(status: &Status) {
    status.warnings.iter().take(SHOWN).for_each(|warning| more(&format!("{} {warning}", warn("warning:"))));
}

fn pages(output: &Output) {
    let status = &output.status;
    fact(
        "pages",
        &format!(
            "{} in all: {} of code, relocated at first touch; {} of data, rendered by the link",
            status.pages_total, status.lazy_pages, status.eager_pages
        ),
    );
    let (kept, all) = (output.kept_chunks(), output.chunks.len());
    if all == 0 {
        return;
    }
    let what = match kept {
        _ if kept == all => "all of the code is kept for the next launch".to_owned(),
        _ => format!("{kept} of {all} chunks of code are kept for the next launch"),
    };
    fact("kept", &format!("{} {what}", bar(&output.chunks)));
}

/// The chunks in their order: kept, some of them, none.
fn bar(chunks: &[bool]) -> String {
    let is_terminal = std::io::stdout().is_terminal();
    let (full, part, none) = if is_terminal { ('█', '▒', '·') } else { ('#', '+', '.') };
    let cells = chunks.len().min(BAR);
    let cell = |number: usize| {
        let part_of = &chunks[number * chunks.len() / cells..(number + 1) * chunks.len() / cells];
        match part_of.iter().filter(|kept| **kept).count() {
            0 => none,
            count if count == part_of.len() => full,
            _ => part,
        }
    };
    format!("[{}]", (0..cells).map(cell).collect::<String>())
}

fn last_run(output: &Output) {
    let Some(run) = &output.run else {
        fact("last run", "none");
        return;
    };
    fact(
        "last run",
        &format!(
            "pager {}, {} first touches, {} pages relocated ({} of them in the background), {} from what was kept",
            strong(Pager::name(run.pager)),
            run.faults,
            run.pages_rendered,
            run.pages_prefetched,
            run.pages_from_kept
        ),
    );
    more(&format!("handed over after {} us, process {}", run.handover_ns / 1000, run.pid));
}

fn generations(generations: &[Generation]) {
    fact("generations", &generations.len().to_string());
    let hidden = generations.len().saturating_sub(SHOWN);
    if hidden > 0 {
        more(&format!("{hidden} older ones"));
    }
    for generation in generations.iter().skip(hidden) {
        let kind = match generation.incremental {
            Some(true) => "incremental",
            Some(false) => "full",
            None => "not known",
        };
        let runs = match &generation.processes[..] {
            [] => String::new(),
            pids => {
                let pids: Vec<String> = pids.iter().take(SHOWN).map(u32::to_string).collect();
                format!(", {} {}", good("runs:"), pids.join(" "))
            }
        };
        let current = if generation.is_current { ", the output" } else { "" };
        more(&format!(
            "{:>4}  {:<12} {:<11} {:>10}{current}{runs}",
            generation.number,
            ago(generation.linked),
            kind,
            size(generation.bytes)
        ));
    }
}

fn disk(disk: &Disk) {
    fact("on disk", &size(disk.total()));
    let parts = [
        ("records of objects", disk.records),
        ("data, rendered", disk.image),
        ("code, kept", disk.kept),
        ("names and debug information", disk.symbols),
        ("objects held by links", disk.pinned),
        ("plans and state", disk.plan),
        ("logs", disk.logs),
    ];
    for (name, bytes) in parts.iter().filter(|(_, bytes)| *bytes != 0) {
        more(&format!("{:>10}  {name}", size(*bytes)));
    }
}

pub fn list(index: &Path, outputs: &[(PathBuf, Result<Output>)]) {
    print_line!("{}: {} outputs", strong(&index.display().to_string()), outputs.len());
    for (app, output) in outputs {
        let name = app.display();
        let output = match output {
            Ok(output) => output,
            Err(error) => {
                print_line!("  {name}  {}", bad(&format!("{error:#}")));
                continue;
            }
        };
        let gone = if app.exists() { String::new() } else { format!(", {}", bad("gone")) };
        let link = match &output.status.why_full {
            None => "incremental".to_owned(),
            Some(why) => format!("full ({why})"),
        };
        let kept = match (output.is_library, output.chunks.len()) {
            (true, _) => "shared library".to_owned(),
            (false, 0) => "nothing is lazy".to_owned(),
            (false, all) => format!("{}% of the code kept", output.kept_chunks() * 100 / all),
        };
        let processes: usize = output.generations.iter().map(|generation| generation.processes.len()).sum();
        let runs = if processes == 0 { String::new() } else { format!(", {processes} running") };
        print_line!("  {}{gone}", strong(&name.to_string()));
        let linked = output.generations.iter().find(|generation| generation.is_current);
        print_line!(
            "    {} objects, generation {} of {}, linked {}, {link}; {kept}{runs}; {}",
            output.status.objects,
            output.generation,
            output.generations.len(),
            ago(linked.and_then(|generation| generation.linked)),
            size(output.disk.total())
        );
    }
}

/// `3.4 MiB`.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if value >= 100.0 || unit == 0 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// How long ago that was, for people.
fn ago(linked: Option<u64>) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let Some(seconds) = linked.map(|linked| now.saturating_sub(linked)) else {
        return "not known".to_owned();
    };
    match seconds {
        ..2 => "just now".to_owned(),
        2..120 => format!("{seconds} s ago"),
        120..7200 => format!("{} min ago", seconds / 60),
        7200..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_for_people() {
        assert_eq!(size(0), "0 KiB");
        assert_eq!(size(512 * 1024), "512 KiB");
        assert_eq!(size(3 << 20), "3.0 MiB");
        assert_eq!(size(500 << 20), "500 MiB");
        assert_eq!(size(5 << 40), "5.0 TiB");
    }

    #[test]
    fn bars_show_each_part() {
        assert_eq!(bar(&[true, false]), "[#.]");
        let chunks: Vec<bool> = (0..200).map(|chunk| chunk < 100 || chunk == 199).collect();
        let bar = bar(&chunks);
        assert_eq!(bar.chars().filter(|cell| *cell == '#').count(), 25);
        assert!(bar.ends_with("+]"), "{bar}");
    }
}
