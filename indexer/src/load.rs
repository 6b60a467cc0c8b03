//! Inputs -> records of the objects that the program is made of: those that are named, and the archive
//! members that they need. Objects that the index knows and that have not changed are not read.

use crate::args::Request;
use crate::args::expression::Expression;
use crate::index::state::State;
use crate::index::store::{self, Database, Entry, Store};
use crate::inputs::{Inputs, ObjectInput, Rank, SourceFile, archive, object_of_member};
use crate::object::{self, name_hash};
use crate::{HandOn, message};
use anyhow::{Context, Result};
use dashmap::DashMap;
use rayon::prelude::*;
use shared::record::{GlobalRec, ObjectView};
use std::cell::OnceCell;
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

/// An entry, and the record that it describes if that is still there.
type Found = (Entry, Option<&'static [u8]>);

/// Where an object's record may be.
pub struct Known {
    /// What the output's link before says: newer than the database, which incremental links leave alone.
    before: HashMap<Vec<u8>, Entry>,
    database: Option<Database>,
}

impl Known {
    pub fn open(index: &Path, before: &State) -> Self {
        let before = before
            .objects()
            .map(|object| {
                let path = before.file(object.file).path;
                (store::key(path, object.member, object.offset), object.entry)
            })
            .collect();
        Self { before, database: Database::open(index) }
    }

    fn get(&self, key: &[u8]) -> Option<Entry> {
        self.before.get(key).copied().or_else(|| self.database.as_ref()?.get(key))
    }
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
    /// Why the object was read, if it was.
    pub reason: Option<StaleReason>,
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
    /// Why archive members were loaded, in the order in which they were, by their ranks.
    pub reasons: Vec<(Rank, Reason)>,
}

/// Who wanted a member, unless it was the command line or a library; and which symbol.
pub struct Reason {
    pub by: Option<Rank>,
    pub symbol: u64,
}

/// A definition that an archive or a lazy object offers.
#[derive(Clone, Copy)]
struct Offer {
    rank: Rank,
    source: Source,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Source {
    Member {
        archive: usize,
        offset: u64,
    },
    Object(usize),
    /// A shared library: nothing is loaded, but it has wants of its own.
    Shared(usize),
}

/// Loads objects in rounds: all that are wanted are read in parallel, then what they leave undefined is
/// looked up, until nothing new is wanted. The first definition on the command line wins, whatever the order
/// in which symbols were asked for.
pub fn load(request: &Request, inputs: &mut Inputs, known: &Known, store: &mut Store) -> Result<Program> {
    let offers = offers(inputs)?;
    let wraps: HashMap<u64, u64> = request
        .wraps
        .iter()
        .flat_map(|name| {
            let hash = |name: String| name_hash(name.as_bytes());
            [
                (hash(name.clone()), hash(format!("__wrap_{name}"))),
                (hash(format!("__real_{name}")), hash(name.clone())),
            ]
        })
        .collect();

    let mut program = Program { objects: Vec::new(), reindexed: Vec::new(), reasons: Vec::new() };
    let mut defined: HashSet<u64> = HashSet::new();
    if request.is_static && request.pie {
        // The image is not moved, so libc's code that would relocate it must not run.
        defined.insert(name_hash(b"_dl_relocate_static_pie"));
    }
    // Definitions that are more than common symbols. Of those GNU ld loads a member that gives them a value.
    let mut given: HashSet<u64> = HashSet::new();
    let mut commons: Vec<u64> = Vec::new();
    let mut asked: HashSet<u64> = HashSet::new();
    let mut taken: HashSet<Source> = HashSet::new();
    let mut libraries: Vec<usize> =
        (0..inputs.shared.len()).filter(|library| !inputs.shared[*library].as_needed).collect();
    let mut asked_by_library: HashSet<usize> = HashSet::new();
    let asked_by_name = request.undefined.iter().chain(&request.required).chain(&inputs.undefined);
    let mut wanted: Vec<(u64, Option<Rank>)> =
        asked_by_name.map(|name| (name_hash(name.as_bytes()), None)).collect();
    wanted.extend(request.entry.iter().map(|name| (name_hash(name.as_bytes()), None)));
    wanted.extend(request.defsyms.iter().filter_map(|(_, meaning)| match meaning {
        Expression::Symbol(name, _) => Some((name_hash(name.as_bytes()), None)),
        _ => None,
    }));

    let mut round = std::mem::take(&mut inputs.objects);
    loop {
        let loaded = load_round(&round, &inputs.files, store, known)?;
        for object in &loaded {
            for global in object.view().globals {
                if global.is_definition() {
                    defined.insert(global.hash);
                    if global.section == GlobalRec::COMMON {
                        commons.push(global.hash);
                    } else {
                        given.insert(global.hash);
                    }
                } else if global.binding != ::object::elf::STB_WEAK && global.section == GlobalRec::UNDEFINED
                {
                    let hash = *wraps.get(&global.hash).unwrap_or(&global.hash);
                    wanted.push((hash, Some(object.rank)));
                }
            }
        }
        program.objects.extend(loaded);
        let mut next = Vec::new();
        for (hash, by) in wanted.drain(..) {
            if defined.contains(&hash) || !asked.insert(hash) {
                continue;
            }
            let Some(offer) = offers.get(&hash) else { continue };
            match offer.source {
                Source::Shared(library) => libraries.push(library),
                source if taken.insert(source) => {
                    next.push(*offer);
                    program.reasons.push((offer.rank, Reason { by, symbol: hash }));
                }
                _ => {}
            }
        }
        for library in libraries.drain(..).filter(|library| asked_by_library.insert(*library)) {
            let wants = wants_of_library(inputs, library, &offers);
            let wants = wants.into_iter().filter(|(hash, _)| !defined.contains(hash));
            for (symbol, offer) in wants.filter(|(_, offer)| taken.insert(offer.source)) {
                next.push(offer);
                program.reasons.push((offer.rank, Reason { by: None, symbol }));
            }
        }
        for hash in commons.drain(..) {
            if given.contains(&hash) || !asked.insert(hash) {
                continue;
            }
            let Some(offer) = offers.get(&hash) else { continue };
            if gives_value(inputs, offer.source, hash)? && taken.insert(offer.source) {
                next.push(*offer);
                program.reasons.push((offer.rank, Reason { by: None, symbol: hash }));
            }
        }
        if next.is_empty() {
            break;
        }
        next.sort_by_key(|offer| offer.rank);
        round = next.into_iter().map(|offer| fetch(inputs, offer)).collect::<Result<_>>()?;
    }
    program.objects.sort_by_key(|object| object.rank);
    keep_records(&mut program, &inputs.files, store, known)?;
    Ok(program)
}

/// Writes the records that were made into one pack, and lists them.
pub fn keep_records(
    program: &mut Program,
    files: &[SourceFile],
    store: &mut Store,
    known: &Known,
) -> Result<()> {
    let fresh: Vec<&mut Object> =
        program.objects.iter_mut().filter(|object| object.reason.is_some()).collect();
    let records: Vec<_> = fresh.iter().map(|object| (object.record, object.entry.fingerprint)).collect();
    let entries = store.add(&records)?;
    let mut listed = Vec::with_capacity(fresh.len());
    for (object, entry) in fresh.into_iter().zip(entries) {
        object.entry = entry;
        let path = &files[object.file as usize].path;
        listed.push((store::key(path, &object.member, object.offset), entry));
        program.reindexed.push(Reindexed {
            path: path.clone(),
            member: String::from_utf8_lossy(&object.member).into_owned(),
            reason: object.reason.clone().unwrap_or(StaleReason::New),
        });
    }
    if let Some(database) = known.database.as_ref().filter(|_| !listed.is_empty()) {
        database.put(listed.into_iter());
    }
    program.reindexed.sort_by(|a, b| (&a.path, &a.member).cmp(&(&b.path, &b.member)));
    Ok(())
}

/// What a shared library needs and an archive offers that comes behind it, or that no other library defines.
fn wants_of_library(inputs: &Inputs, library: usize, offers: &DashMap<u64, Offer>) -> Vec<(u64, Offer)> {
    let wanting = &inputs.shared[library];
    // Seldom needed, and libraries have many symbols.
    let names: OnceCell<HashSet<&[u8]>> = OnceCell::new();
    let is_shared = |name: &[u8]| {
        let all = || inputs.shared.iter().flat_map(|input| &input.library.symbols);
        let defined = || all().filter(|symbol| !symbol.is_undefined).map(|symbol| symbol.name).collect();
        names.get_or_init(defined).contains(name)
    };
    let mut wants = Vec::new();
    for wanted in wanting.library.symbols.iter().filter(|symbol| symbol.is_wanted()) {
        let hash = name_hash(wanted.name);
        let Some(offer) = offers.get(&hash) else { continue };
        let is_shared_offer = matches!(offer.source, Source::Shared(_));
        if !is_shared_offer && (offer.rank.0 > wanting.rank || !is_shared(wanted.name)) {
            wants.push((hash, *offer));
        }
    }
    wants
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
        Source::Shared(_) => unreachable!("shared libraries are not fetched"),
    }
}

/// Whether the object that an offer is about defines the name otherwise than as a common symbol.
fn gives_value(inputs: &Inputs, source: Source, hash: u64) -> Result<bool> {
    let (data, file) = match source {
        Source::Shared(_) => return Ok(false),
        Source::Object(index) => (inputs.lazy_objects[index].data, inputs.lazy_objects[index].file),
        Source::Member { archive, offset } => {
            let archive = &inputs.archives[archive];
            let path = &inputs.files[archive.file as usize].path;
            let member = archive.archive.member_at(offset).with_context(|| path.display().to_string())?;
            (member.data, archive.file)
        }
    };
    if crate::inputs::is_bitcode(data) {
        return Ok(false);
    }
    let path = || inputs.files[file as usize].path.display().to_string();
    let names = archive::names_with_value(data).with_context(path)?;
    Ok(names.into_iter().any(|name| name_hash(name) == hash))
}

/// What archives, lazy objects and shared libraries define, by the hash of the name: the first of each.
fn offers(inputs: &Inputs) -> Result<DashMap<u64, Offer>> {
    let offers: DashMap<u64, Offer> = DashMap::new();
    let offer = |name: &[u8], rank: Rank, source: Source| {
        let new = Offer { rank, source };
        offers
            .entry(name_hash(name))
            .and_modify(|old| {
                if new.rank < old.rank {
                    *old = new;
                }
            })
            .or_insert(new);
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
    for (index, input) in inputs.shared.iter().enumerate() {
        for symbol in input.library.symbols.iter().filter(|symbol| !symbol.is_undefined && symbol.is_default)
        {
            offer(symbol.name, (input.rank, 0), Source::Shared(index));
        }
    }
    Ok(offers)
}

/// Finds or makes the records of these objects. New ones are not in a pack yet.
pub fn load_round(
    round: &[ObjectInput],
    files: &[SourceFile],
    store: &mut Store,
    known: &Known,
) -> Result<Vec<Object>> {
    let found: Vec<Option<Found>> = round
        .iter()
        .map(|input| {
            let key = store::key(&files[input.file as usize].path, &input.member, input.offset);
            let entry = known.get(&key)?;
            Some((entry, store.record(&entry)))
        })
        .collect();
    round
        .par_iter()
        .zip(found)
        .map(|(input, found)| {
            let file = &files[input.file as usize];
            let (entry, record, reason) = match found {
                Some((entry, Some(record))) if is_same(&entry, file, input.data) => {
                    (Entry { fingerprint: file.fingerprint, ..entry }, record, None)
                }
                found => {
                    let reason = match found {
                        None => StaleReason::New,
                        Some((_, None)) => StaleReason::RecordLost,
                        Some(_) => StaleReason::Changed,
                    };
                    let place = || message::input_name(&file.path, &input.member);
                    // Records live as long as the link, which is a short process.
                    let record: &'static [u8] = object::read(input.data).with_context(place)?.leak();
                    let entry = Entry { fingerprint: file.fingerprint, ..Entry::default() };
                    (entry, record, Some(reason))
                }
            };
            let ObjectInput { file, member, offset, rank, .. } = input.clone();
            Ok(Object { file, member, offset, rank, entry, record, reason })
        })
        .collect()
}

/// Whether an object is the one that the entry is about: its file is untouched, or has the same contents.
fn is_same(entry: &Entry, file: &SourceFile, data: &[u8]) -> bool {
    entry.fingerprint == file.fingerprint || object::content_hash(data) == entry.content
}
