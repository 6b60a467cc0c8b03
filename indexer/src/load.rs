//! Inputs -> records of the objects that the program is made of: those that are named, and the archive
//! members that they need. Objects that the index knows and that have not changed are not read.

use crate::args::Request;
use crate::index::store::{self, Database, Entry, Store};
use crate::inputs::{Inputs, ObjectInput, Rank, SourceFile, archive, object_of_member};
use crate::object::{self, name_hash};
use crate::{HandOn, message};
use anyhow::{Context, Result};
use dashmap::DashMap;
use rayon::prelude::*;
use shared::record::{GlobalRec, ObjectView};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

/// Why an object was read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StaleReason {
    /// The index had no record of it.
    New,
    /// The file is another one, or was written since.
    Changed,
    /// The index had an entry, but not the record.
    RecordLost,
}

impl fmt::Display for StaleReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "new",
            Self::Changed => "content changed",
            Self::RecordLost => "its record was missing or damaged",
        })
    }
}

/// An object that was read, for `--explain` and `unfold status`.
#[derive(Clone, Debug)]
pub struct Reindexed {
    pub path: PathBuf,
    pub member: String,
    pub reason: StaleReason,
}

/// An object of the program.
#[derive(Clone)]
pub struct Object {
    pub file: u32,
    pub member: Vec<u8>,
    pub offset: u64,
    pub rank: Rank,
    pub entry: Entry,
    pub record: &'static [u8],
}

impl Object {
    pub fn view(&self) -> ObjectView<'static> {
        ObjectView::new(self.record).expect("records are checked when they are made and when they are found")
    }
}

/// The objects of the program, in the order of the command line.
pub struct Program {
    pub objects: Vec<Object>,
    pub reindexed: Vec<Reindexed>,
}

/// A definition that an archive or a lazy object offers.
#[derive(Clone, Copy)]
struct Offer {
    rank: Rank,
    source: Source,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Source {
    Member { archive: usize, offset: u64 },
    Object(usize),
    /// A shared library: nothing is loaded.
    Shared,
}

/// Loads objects in rounds: all that are wanted are read in parallel, then what they leave undefined is
/// looked up, until nothing new is wanted. The first definition on the command line wins, whatever the order
/// in which symbols were asked for.
pub fn load(request: &Request, inputs: &mut Inputs, index: &Path, store: &mut Store) -> Result<Program> {
    let offers = offers(inputs)?;
    let database = Database::open(index);
    let wraps: HashMap<u64, u64> = request
        .wraps
        .iter()
        .flat_map(|name| {
            let hash = |name: String| name_hash(name.as_bytes());
            [(hash(name.clone()), hash(format!("__wrap_{name}"))), (hash(format!("__real_{name}")), hash(name.clone()))]
        })
        .collect();

    let mut program = Program { objects: Vec::new(), reindexed: Vec::new() };
    let mut defined: HashSet<u64> = HashSet::new();
    if request.is_static && request.pie {
        // The image is not moved, so libc's code that would relocate it must not run.
        defined.insert(name_hash(b"_dl_relocate_static_pie"));
    }
    let mut asked: HashSet<u64> = HashSet::new();
    let mut taken: HashSet<Source> = HashSet::new();
    let asked_by_name = request.undefined.iter().chain(&request.required).chain(&inputs.undefined);
    let mut wanted: Vec<u64> = asked_by_name.map(|name| name_hash(name.as_bytes())).collect();
    wanted.extend(request.entry.iter().map(|name| name_hash(name.as_bytes())));
    wanted.extend(request.defsyms.iter().map(|(_, meaning)| name_hash(meaning.as_bytes())));

    let mut round = std::mem::take(&mut inputs.objects);
    loop {
        let loaded = load_round(&round, &inputs.files, store, database.as_ref(), &mut program.reindexed)?;
        for object in &loaded {
            for global in object.view().globals {
                if global.is_definition() {
                    defined.insert(global.hash);
                } else if global.binding != ::object::elf::STB_WEAK && global.section == GlobalRec::UNDEFINED {
                    wanted.push(*wraps.get(&global.hash).unwrap_or(&global.hash));
                }
            }
        }
        program.objects.extend(loaded);
        let mut next = Vec::new();
        for hash in wanted.drain(..) {
            if defined.contains(&hash) || !asked.insert(hash) {
                continue;
            }
            let Some(offer) = offers.get(&hash) else { continue };
            if offer.source != Source::Shared && taken.insert(offer.source) {
                next.push(*offer);
            }
        }
        if next.is_empty() {
            break;
        }
        next.sort_by_key(|offer| offer.rank);
        round = next.into_iter().map(|offer| fetch(inputs, offer)).collect::<Result<_>>()?;
    }
    program.objects.sort_by_key(|object| object.rank);
    program.reindexed.sort_by(|a, b| (&a.path, &a.member).cmp(&(&b.path, &b.member)));
    Ok(program)
}

fn fetch(inputs: &mut Inputs, offer: Offer) -> Result<ObjectInput> {
    match offer.source {
        Source::Object(index) => Ok(inputs.lazy_objects[index].clone()),
        Source::Member { archive, offset } => {
            let archive = &inputs.archives[archive];
            let path = &inputs.files[archive.file as usize].path;
            let member = archive.archive.member_at(offset).with_context(|| path.display().to_string())?;
            Ok(object_of_member(&mut inputs.files, archive.file, archive.rank, member))
        }
        Source::Shared => unreachable!("shared libraries are not fetched"),
    }
}

/// What archives, lazy objects and shared libraries define, by the hash of the name: the first of each.
fn offers(inputs: &Inputs) -> Result<DashMap<u64, Offer>> {
    let offers: DashMap<u64, Offer> = DashMap::new();
    let offer = |name: &[u8], rank: Rank, source: Source| {
        let new = Offer { rank, source };
        offers.entry(name_hash(name)).and_modify(|old| {
            if new.rank < old.rank {
                *old = new;
            }
        }).or_insert(new);
    };
    let path = |file: u32| inputs.files[file as usize].path.display().to_string();
    inputs.archives.par_iter().enumerate().try_for_each(|(index, input)| -> Result<()> {
        let at = |offset| (input.rank, offset + 1);
        if let Some(symbols) = input.archive.symbols().with_context(|| path(input.file))? {
            for (name, offset) in symbols {
                offer(name, at(offset), Source::Member { archive: index, offset });
            }
            return Ok(());
        }
        for member in input.archive.members().with_context(|| path(input.file))? {
            if crate::inputs::is_bitcode(member.data) {
                return Err(HandOn(format!("{} has LTO bitcode", path(input.file))).into());
            }
            for name in archive::defined_names(member.data).with_context(|| path(input.file))? {
                offer(name, at(member.offset), Source::Member { archive: index, offset: member.offset });
            }
        }
        Ok(())
    })?;
    for (index, object) in inputs.lazy_objects.iter().enumerate() {
        for name in archive::defined_names(object.data).with_context(|| path(object.file))? {
            offer(name, object.rank, Source::Object(index));
        }
    }
    for input in &inputs.shared {
        for symbol in input.library.symbols.iter().filter(|symbol| !symbol.is_undefined && symbol.is_default) {
            offer(symbol.name, (input.rank, 0), Source::Shared);
        }
    }
    Ok(offers)
}

/// What became of one object of a round.
enum Outcome {
    Known(Entry, &'static [u8]),
    Read(Vec<u8>, StaleReason),
}

/// Finds or makes the records of these objects.
pub fn load_round(
    round: &[ObjectInput],
    files: &[SourceFile],
    store: &mut Store,
    database: Option<&Database>,
    reindexed: &mut Vec<Reindexed>,
) -> Result<Vec<Object>> {
    let keys: Vec<Vec<u8>> = round
        .iter()
        .map(|input| store::key(&files[input.file as usize].path, &input.member, input.offset))
        .collect();
    let known: Vec<Option<(Entry, Option<&'static [u8]>)>> = keys
        .iter()
        .map(|key| {
            let entry = database?.get(key)?;
            Some((entry, store.record(&entry)))
        })
        .collect();
    let outcomes: Vec<Outcome> = round
        .par_iter()
        .zip(known)
        .map(|(input, known)| {
            let file = &files[input.file as usize];
            let reason = match known {
                Some((entry, Some(record))) => {
                    let same = entry.fingerprint == file.fingerprint
                        || object::content_hash(input.data) == entry.content;
                    if same {
                        return Ok(Outcome::Known(Entry { fingerprint: file.fingerprint, ..entry }, record));
                    }
                    StaleReason::Changed
                }
                Some((_, None)) => StaleReason::RecordLost,
                None => StaleReason::New,
            };
            let place = || message::input_name(&file.path, &input.member);
            let record = object::read(input.data).with_context(place)?;
            Ok(Outcome::Read(record, reason))
        })
        .collect::<Result<_>>()?;

    let fresh: Vec<_> = round
        .iter()
        .zip(&outcomes)
        .filter_map(|(input, outcome)| match outcome {
            Outcome::Read(record, _) => Some((record.as_slice(), files[input.file as usize].fingerprint)),
            Outcome::Known(..) => None,
        })
        .collect();
    let mut added = store.add(&fresh)?.into_iter();
    let mut objects = Vec::with_capacity(round.len());
    let mut changed = Vec::new();
    for ((input, outcome), key) in round.iter().zip(outcomes).zip(keys) {
        let (entry, record) = match outcome {
            Outcome::Known(entry, record) => (entry, record),
            Outcome::Read(_, reason) => {
                reindexed.push(Reindexed {
                    path: files[input.file as usize].path.clone(),
                    member: String::from_utf8_lossy(&input.member).into_owned(),
                    reason,
                });
                let entry = added.next().context("a record was not written")?;
                changed.push((key, entry));
                let pack = store.pack(entry.pack).context("a pack that was just written is gone")?;
                let record = shared::pod::slice(pack, entry.offset, entry.len)
                    .context("a pack that was just written is too short")?;
                (entry, record)
            }
        };
        objects.push(Object {
            file: input.file,
            member: input.member.clone(),
            offset: input.offset,
            rank: input.rank,
            entry,
            record,
        });
    }
    if let Some(database) = database.filter(|_| !changed.is_empty()) {
        database.put(changed.into_iter());
    }
    Ok(objects)
}
