//! Inputs -> records of the objects that the program is made of: those that are named, and the archive
//! members that they need. Objects that the index knows and that have not changed are not read.

use crate::args::Request;
use crate::args::expression::Expression;
use crate::index::database;
use crate::index::state::State;
use crate::index::store::{self, Entry, Store};
use crate::index::writer::{self, PackWriter};
use crate::inputs::{Inputs, ObjectInput, Rank, SourceFile, archive, mapped, object_of_member};
use crate::object::{self, name_hash};
use crate::resolve::Identity;
use crate::timing::Timing;
use crate::{HandOn, message, progress};
use anyhow::{Context, Result};
use dashmap::DashMap;
use rayon::prelude::*;
use shared::record::{GlobalRec, ObjectView};
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::BuildHasherDefault;
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
    OtherVersion,
}

impl fmt::Display for StaleReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "new",
            Self::Changed => "content changed",
            Self::RecordLost => "its record was missing or damaged",
            Self::OtherVersion => "its record was made by another version of unfold",
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

/// Where an object's record may be.
pub struct Known {
    /// What the output's link before says: newer than the database, which incremental links leave alone.
    before: HashMap<Vec<u8>, Entry>,
    /// The same, for objects that have another name now.
    by_content: HashMap<[u64; 2], Entry>,
    /// What the database says of the files that were looked up: those in front of this number.
    listed: HashMap<Vec<u8>, Entry>,
    looked_up: usize,
    /// Where the database is.
    index: PathBuf,
    /// It is asked for what is not known otherwise, and told nothing.
    is_last: bool,
}

impl Known {
    pub fn new(index: &Path, before: &State) -> Self {
        Self { is_last: false, ..Self::of_relink(index, before) }
    }

    /// For a relink, which has no time for the database unless it needs it.
    pub fn of_relink(index: &Path, before: &State) -> Self {
        let by_content = before.objects().map(|object| (object.entry.content, object.entry)).collect();
        let before = before
            .objects()
            .filter(|object| !object.is_gone())
            .map(|object| {
                let path = before.file(object.file).path;
                (store::key(path, object.member, object.offset), object.entry)
            })
            .collect();
        Self {
            before,
            by_content,
            listed: HashMap::new(),
            looked_up: 0,
            index: index.to_owned(),
            is_last: true,
        }
    }

    /// Looks up what the database says of files that are new in this list, which only grows.
    fn look_up(&mut self, files: &[SourceFile], round: &[ObjectInput]) {
        let new = &files[self.looked_up..];
        let is_known = |input: &ObjectInput| {
            let key = store::key(&files[input.file as usize].path, &input.member, input.offset);
            self.before.contains_key(&key) || self.by_content.contains_key(&object::content_hash(input.data))
        };
        if self.is_last && round.par_iter().all(is_known) {
            return;
        }
        if !new.is_empty() {
            self.looked_up = files.len();
            self.listed.extend(database::look_up(&self.index, new.iter().map(|file| &file.path)));
        }
    }

    fn is_empty(&self) -> bool {
        self.before.is_empty() && self.listed.is_empty()
    }

    fn get(&self, key: &[u8]) -> Option<Entry> {
        self.before.get(key).or_else(|| self.listed.get(key)).copied()
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
    /// Its record is in the pack that this link writes.
    is_in_new_pack: bool,
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
    /// Hashes of the names that archives and lazy objects offer, in ascending order; the lowest bit says that several
    /// do.
    pub offered: Vec<u64>,
    /// Common symbols that no object gives a value.
    pub commons: Vec<u64>,
    /// New records are listed in the database beside the rest of the link, also of one that fails.
    listing: Listing,
}

/// A thread that is waited for.
#[derive(Default)]
struct Listing(Option<std::thread::JoinHandle<()>>);

impl Drop for Listing {
    fn drop(&mut self) {
        // A panic there is reported there, and costs time at the next link, nothing else.
        self.0.take().map(std::thread::JoinHandle::join);
    }
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
    /// Others offer the name too.
    several: bool,
    /// One of them is an archive or a lazy object.
    is_loadable: bool,
}

/// By the hash of the name, the first that offers it.
type Offers = DashMap<u64, Offer, BuildHasherDefault<Identity>>;

/// Names, by their hashes.
type Hashes = HashSet<u64, BuildHasherDefault<Identity>>;

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
pub fn load(
    request: &Request,
    inputs: &mut Inputs,
    known: &mut Known,
    store: &mut Store,
    timing: &mut Timing,
) -> Result<Program> {
    let offers = offers(inputs)?;
    timing.phase("archives");
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

    let mut program = Program {
        objects: Vec::new(),
        reindexed: Vec::new(),
        reasons: Vec::new(),
        offered: offered(&offers),
        commons: Vec::new(),
        listing: Listing::default(),
    };
    let mut defined = Hashes::default();
    if request.is_static && request.pie {
        // The image is not moved, so libc's code that would relocate it must not run.
        defined.insert(name_hash(b"_dl_relocate_static_pie"));
    }
    // Definitions that are more than common symbols. Of those GNU ld loads a member that gives them a value.
    let mut given = Hashes::default();
    let mut commons: Vec<u64> = Vec::new();
    let mut asked = Hashes::default();
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

    // No part of an object becomes longer by more than this in its record.
    let len = inputs.files.iter().map(|file| 4 * file.fingerprint.size).sum();
    let pack = store.new_pack(len)?;
    let mut round = std::mem::take(&mut inputs.objects);
    loop {
        known.look_up(&inputs.files, &round);
        let loaded = load_round(&round, &inputs.files, store, known, &pack)?;
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
                    if !asked.contains(&hash) {
                        wanted.push((hash, Some(object.rank)));
                    }
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
        program.commons.extend(&commons);
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
    program.commons.retain(|hash| !given.contains(hash));
    program.objects.sort_by_key(|object| object.rank);
    timing.phase("objects");
    keep_records(&mut program, &inputs.files, store, known, pack)?;
    Ok(program)
}

/// Gives the pack of the new records its name, with those that are to leave theirs, and lists them.
fn keep_records(
    program: &mut Program,
    files: &[SourceFile],
    store: &mut Store,
    known: &Known,
    pack: PackWriter,
) -> Result<()> {
    let mut listed = Vec::new();
    if program.objects.iter().any(|object| object.is_in_new_pack) {
        let pack = store.publish(pack)?;
        for object in program.objects.iter_mut().filter(|object| object.is_in_new_pack) {
            object.entry.pack = pack;
            let path = &files[object.file as usize].path;
            listed.push((store::key(path, &object.member, object.offset), object.entry));
            let Some(reason) = &object.reason else { continue };
            program.reindexed.push(Reindexed {
                path: path.clone(),
                member: String::from_utf8_lossy(&object.member).into_owned(),
                reason: reason.clone(),
            });
        }
    }
    if !known.is_last && !listed.is_empty() {
        let index = known.index.clone();
        let list = move || database::put(&index, listed.into_iter());
        program.listing = Listing(Some(std::thread::spawn(list)));
    }
    program.reindexed.sort_by(|a, b| (&a.path, &a.member).cmp(&(&b.path, &b.member)));
    Ok(())
}

/// What a shared library needs and an archive offers that comes behind it, or that no other library defines.
fn wants_of_library(inputs: &Inputs, library: usize, offers: &Offers) -> Vec<(u64, Offer)> {
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
fn offers(inputs: &Inputs) -> Result<Offers> {
    let offers = Offers::default();
    let offer = |name: &[u8], rank: Rank, source: Source| {
        let is_loadable = !matches!(source, Source::Shared(_));
        let new = Offer { rank, source, several: false, is_loadable };
        offers
            .entry(name_hash(name))
            .and_modify(|old| {
                let is_loadable = old.is_loadable || new.is_loadable;
                let first = if new.rank < old.rank { new } else { *old };
                // An archive may list a member twice.
                let several = old.several || new.source != old.source;
                *old = Offer { several, is_loadable, ..first };
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

/// What [`Program::offered`] says.
fn offered(offers: &Offers) -> Vec<u64> {
    let loadable = offers.iter().filter(|offer| offer.value().is_loadable);
    let mut offered: Vec<u64> =
        loadable.map(|offer| offer.key() & !1 | u64::from(offer.value().several)).collect();
    offered.par_sort_unstable();
    offered
}

/// Objects that are read by one thread, one after the other, have so many bytes together, or are so many.
const BATCH_BYTES: usize = 1 << 20;
const BATCH_OBJECTS: usize = 64;

/// Finds or makes the records of these objects. New ones are written into `pack`, and have entries without its number.
pub fn load_round(
    round: &[ObjectInput],
    files: &[SourceFile],
    store: &mut Store,
    known: &Known,
    pack: &PackWriter,
) -> Result<Vec<Object>> {
    let known_entries: Vec<Option<Entry>> = match known.is_empty() {
        true => vec![None; round.len()],
        false => {
            let entry = |input: &ObjectInput| {
                let file = &files[input.file as usize];
                let by_name = known.get(&store::key(&file.path, &input.member, input.offset));
                if known.by_content.is_empty()
                    || by_name.is_some_and(|entry| entry.fingerprint == file.fingerprint)
                {
                    return by_name;
                }
                // Another object may have been there, and this one elsewhere.
                known.by_content.get(&object::content_hash(input.data)).copied().or(by_name)
            };
            let entries: Vec<Option<Entry>> = round.par_iter().map(entry).collect();
            entries.iter().flatten().for_each(|entry| {
                store.pack(entry.pack);
            });
            entries
        }
    };
    progress::expect(round.len() as u64);
    let mut batches = Vec::new();
    let mut rest = round;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |input: &&ObjectInput| {
            bytes += input.data.len();
            bytes <= BATCH_BYTES
        };
        let count = rest.iter().take(BATCH_OBJECTS).take_while(fits).count().max(1);
        let (batch, behind) = rest.split_at(count);
        batches.push((batch, round.len() - rest.len()));
        rest = behind;
    }
    let is_full = !known.is_last;
    // A relink goes on with the records that it has.
    let sparse = if is_full { store::sparse(&known.index) } else { HashSet::new() };
    let finder = &Finder { store, sparse, is_full };
    let loaded: Vec<Vec<Object>> = batches
        .into_par_iter()
        .map_init(
            || Vec::with_capacity(2 * BATCH_BYTES),
            |buffer, (batch, first)| {
                let known = &known_entries[first..first + batch.len()];
                load_batch(batch, files, finder, known, pack, buffer)
            },
        )
        .collect::<Result<_>>()?;
    Ok(loaded.into_iter().flatten().collect())
}

/// Where records are looked for.
struct Finder<'a> {
    store: &'a Store,
    sparse: HashSet<u64>,
    is_full: bool,
}

impl Finder<'_> {
    /// The record that an entry describes. A full link makes a new one of what is damaged: a program that has found damage
    /// says to link again. What a relink does not render, it has no time to read.
    fn record(&self, entry: &Entry) -> Option<&'static [u8]> {
        self.store.record(entry).filter(|_| !self.is_full || self.store.is_whole(entry))
    }
}

fn load_batch(
    batch: &[ObjectInput],
    files: &[SourceFile],
    finder: &Finder<'_>,
    known: &[Option<Entry>],
    pack: &PackWriter,
    buffer: &mut Vec<u8>,
) -> Result<Vec<Object>> {
    buffer.clear();
    let mut objects = Vec::with_capacity(batch.len());
    for (input, known) in batch.iter().zip(known) {
        let file = &files[input.file as usize];
        let record = known.and_then(|entry| finder.record(&entry));
        let is_known = |entry: &Entry| record.is_some() && is_same(entry, file, input.data);
        let start = buffer.len().next_multiple_of(writer::ALIGN);
        let (entry, record, reason) = match (known, record) {
            // Little else in its pack is still of use.
            (Some(entry), Some(record)) if is_known(entry) && finder.sparse.contains(&entry.pack) => {
                buffer.resize(start, 0);
                buffer.extend_from_slice(record);
                (Entry::new(record, file.fingerprint, start as u64)?, &[][..], None)
            }
            (Some(entry), Some(record)) if is_known(entry) => {
                (Entry { fingerprint: file.fingerprint, ..*entry }, record, None)
            }
            (known, record) => {
                let reason = match (known, record) {
                    (None, _) => StaleReason::New,
                    (Some(entry), None) if finder.store.is_of_other_version(entry) => {
                        StaleReason::OtherVersion
                    }
                    (Some(_), None) => StaleReason::RecordLost,
                    (Some(_), Some(_)) => StaleReason::Changed,
                };
                object::append(input.data, buffer)
                    .with_context(|| message::input_name(&file.path, &input.member))?;
                (Entry::new(&buffer[start..], file.fingerprint, start as u64)?, &[][..], Some(reason))
            }
        };
        let ObjectInput { file, member, offset, rank, .. } = input.clone();
        let is_in_new_pack = record.is_empty();
        objects.push(Object { file, member, offset, rank, entry, record, reason, is_in_new_pack });
    }
    if !buffer.is_empty() {
        let (written, offset) = pack.append(buffer)?;
        for (input, object) in batch.iter().zip(&objects) {
            if object.reason.is_some() {
                mapped::release(input.data);
            }
        }
        for object in objects.iter_mut().filter(|object| object.is_in_new_pack) {
            let entry = &mut object.entry;
            object.record = &written[entry.offset as usize..(entry.offset + entry.len) as usize];
            entry.offset += offset;
        }
    }
    progress::advance(objects.len() as u64);
    Ok(objects)
}

/// Whether an object is the one that the entry is about: its file is untouched, or has the same contents.
fn is_same(entry: &Entry, file: &SourceFile, data: &[u8]) -> bool {
    entry.fingerprint == file.fingerprint || object::content_hash(data) == entry.content
}
