//! What has checksums: the files that links read, packs, records, and the lists of kept chunks.

use super::place::Places;
use super::{Kind, Report, Wrong};
use crate::index::changes::{self, PACKS};
use crate::index::kept::{CHANGED, Condition, Shelves};
use crate::index::opened::Executable;
use crate::index::packs::{self, Pack, PackObjects};
use crate::index::state::{self, State, read_names};
use crate::index::version;
use crate::inputs::mapped;
use crate::order;
use crate::relink::{NEEDED, Needed};
use crate::symbols;
use anyhow::{Context, Result, ensure};
use rayon::prelude::*;
use shared::plan::{self, PlanView};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// An index of another version is none of ours to judge.
pub fn refuse_other_versions(folder: &Path) -> Result<()> {
    let magics = [
        ("plan", plan::MAGIC),
        ("patch", plan::PATCH_MAGIC),
        (state::FILE, state::MAGIC),
        ("names", state::NAMES_MAGIC),
    ];
    for (name, magic) in magics {
        let path = folder.join(name);
        let read = || mapped::map(&path).ok().filter(|(bytes, _)| version::is_other(bytes, magic));
        if let Some((bytes, _)) = read() {
            return Err(version::unreadable(&path.display().to_string(), bytes, magic));
        }
    }
    Ok(())
}

/// The state of the link and its changes. A link that finds nothing to do may replace one and then the other.
pub fn state(folder: &Path) -> Option<State> {
    again(|| State::open(folder))
}

/// Tries again for a moment: others may be replacing what is read.
fn again<T>(read: impl Fn() -> Option<T>) -> Option<T> {
    const TRIES: usize = 20;
    let pause = || std::thread::sleep(std::time::Duration::from_millis(5));
    (0..TRIES).find_map(|_| {
        read().or_else(|| {
            pause();
            None
        })
    })
}

/// The files that the next link goes on from, and those that debuggers read.
pub fn of_links(
    executable: &Executable,
    kind: Kind,
    state: Option<&State>,
    report: &mut Report,
) -> Result<()> {
    let folder = &executable.folder;
    if !folder.join(changes::FILE).exists() {
        // A launch that finds damage, or this command, has removed it.
        report.add(
            Kind::Link,
            &folder.join(changes::FILE),
            "it was found to be damaged before, and was not linked again",
        );
    } else if state.is_none() {
        report.add(
            Kind::Link,
            &folder.join(state::FILE),
            "the state of the link, or its changes, are damaged",
        );
    }
    let is_names = |bytes: &[u8]| read_names(bytes).is_some();
    let is_needed = |bytes: &[u8]| Needed::read(bytes).is_some();
    for (name, is_whole) in [("names", &is_names as &dyn Fn(&[u8]) -> bool), (NEEDED, &is_needed)] {
        let path = folder.join(name);
        let check = || -> Result<()> {
            ensure!(is_whole(mapped::map(&path)?.0), "{name} is damaged");
            Ok(())
        };
        report.judge(Kind::Link, &path, check())?;
    }
    report.judge(Kind::Link, &folder.join("status.json"), executable.status())?;
    let path = folder.join(order::FILE);
    if path.exists() {
        let check = || -> Result<()> {
            let (bytes, _) = mapped::map(&path)?;
            ensure!(
                shared::log::order(bytes, executable.config.plan).is_some(),
                "the order of first touches is damaged"
            );
            Ok(())
        };
        report.judge(Kind::Link, &path, check())?;
    }
    let crc = state.map_or(0, |state| state.changes.facts.symbols_crc as u32);
    if kind == Kind::Executable && crc != 0 {
        for name in [symbols::SHARED, symbols::FILE] {
            let path = folder.join(name);
            let checked = has_crc(&path, crc);
            report.judge(Kind::Link, &path, checked)?;
        }
    }
    Ok(())
}

/// A relink writes into the file while others read it, and makes up for that at last.
fn has_crc(path: &Path, crc: u32) -> Result<()> {
    fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let found = again(|| fs::read(path).ok().filter(|bytes| crc32fast::hash(bytes) == crc));
    ensure!(found.is_some(), "the names of the functions are damaged");
    Ok(())
}

/// The packs of a plan. In the place of one that is damaged there is none.
pub fn packs(
    executable: &Executable,
    plan: &PlanView<'_>,
    report: &mut Report,
) -> Result<Vec<Pack<'static>>> {
    let open = |record: &plan::PackRec| {
        if record.len == 0 {
            return Ok(Pack::none());
        }
        let name = OsStr::from_bytes(record.name.of(plan.strings));
        let path = executable.folder.join(PACKS).join(name);
        let read = || {
            let (file, _) = mapped::map(&path)?;
            Pack::new(file, record).context("the checksums of the pack are damaged, or it is cut short")
        };
        report.packs += 1;
        let pack = read();
        Ok(report.judge(Kind::Pack, &path, pack)?.unwrap_or(Pack::none()))
    };
    plan.packs.iter().map(open).collect()
}

/// Reads all records. Returns the objects whose records are damaged or gone.
pub fn records(
    objects: &PackObjects<'_>,
    folder: &Path,
    places: &Places<'_>,
    report: &mut Report,
) -> HashSet<u32> {
    let plan = &objects.plan;
    report.records = plan.objects.len() as u64;
    let is_damaged = |number: &u32| {
        let found = packs::find(plan, &objects.packs, *number);
        found.is_none_or(|(pack, bytes)| !pack.verify(bytes))
    };
    let damaged: Vec<u32> = (0..plan.objects.len() as u32).into_par_iter().filter(is_damaged).collect();
    for number in &damaged {
        let pack = plan.packs.get(plan.objects[*number as usize].pack as usize);
        let name = pack.map_or(&[][..], |pack| pack.name.of(plan.strings));
        let path = folder.join(PACKS).join(OsStr::from_bytes(name));
        // Of a pack that is damaged as a whole it was said.
        if !report.findings.iter().any(|finding| finding.kind == Kind::Pack && finding.file == path) {
            report.add(Kind::Record, &path, format!("the record of {} is damaged", places.object(*number)));
        }
    }
    damaged.into_iter().collect()
}

/// The lists of what is kept. A head that does not fit is none of a launch that comes, and so no harm, but nobody writes it.
pub fn maps(shelves: &Shelves, folder: &Path, report: &mut Report, wrong: &mut Wrong) -> Result<()> {
    if shelves.lacks_list {
        let text = "the list of changed chunks is damaged: nothing that is kept is used";
        report.add(Kind::Link, &folder.join(CHANGED), text);
    }
    for shelf in [&shelves.common, &shelves.own].into_iter().flatten() {
        let (len, needed) = shelf.map_len().context("cannot examine a list of kept chunks")?;
        let what = match shelf.condition {
            Condition::Stale => continue,
            Condition::Damaged => "its head is damaged: nothing that is kept is used".to_owned(),
            Condition::Good if len < needed => format!("it has {len} bytes of {needed}"),
            Condition::Good => continue,
        };
        report.add(Kind::Map, &shelf.map_path, format!("list of kept chunks: {what}"));
        wrong.shelves.insert(shelf.path.clone());
    }
    Ok(())
}
