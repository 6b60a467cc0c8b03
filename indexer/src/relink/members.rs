//! Which objects the program is made of now, when the command line or the archives have others: found as a full link
//! finds them, and matched with those that the plan has.

use super::Changed;
use super::needed;
use crate::args::{self, Request};
use crate::index::state::{NewObject, Object, Reread, State};
use crate::index::store::Store;
use crate::inputs::{self, Inputs};
use crate::load::{self, Known, Program};
use crate::object::build;
use crate::timing::Timing;
use crate::{driver, message};
use anyhow::{Context, Result};
use shared::record::NONE;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};

/// The objects of the program, as they are now.
pub struct Reloaded {
    pub state: State,
    /// Its file.
    pub bytes: Vec<u8>,
    /// Objects that have another record, are new, or are no longer there.
    pub changed: Vec<Changed>,
    pub reindexed: Vec<Reread>,
    /// The file of the generation.
    pub needed: Vec<u8>,
}

/// Finds the objects anew. `room`: how many the plan can have. The inner error is a reason for a full link.
pub fn reload(
    request: &Request,
    index: &Path,
    folder: &Path,
    before: &State,
    room: usize,
    store: &mut Store,
    timing: &mut Timing,
) -> Result<Result<Reloaded, String>> {
    // What cannot be read, the full link says in its words.
    let Ok(mut inputs) = inputs::collect(request) else { full!("an input cannot be read") };
    if let Some(why) = other_files(before, &inputs)? {
        return Ok(Err(why));
    }
    let mut known = Known::of_relink(index, before);
    let Ok(program) = load::load(request, &mut inputs, &mut known, store, timing) else {
        full!("an object cannot be read")
    };
    if !request.shared {
        driver::hold_objects(folder, &program, &mut inputs);
    }
    let numbers = step!(match_objects(before, &inputs, &program, room));
    let warnings = before.warnings();
    let used = before.changes.facts.used;
    let mut new = super::state_of(request, &inputs, &program, used, &warnings, before)?;
    let found = std::mem::take(&mut new.objects);
    let known_before = before.object_count() as usize;
    let count = numbers.iter().map(|number| *number as usize + 1).max().unwrap_or(0).max(known_before);
    new.objects.resize(count, NewObject::gone());
    let mut changed = Vec::new();
    for ((position, object), number) in found.into_iter().enumerate().zip(&numbers) {
        let old = old_object(before, *number);
        if old.is_none_or(|old| old.entry.content != object.entry.content) {
            store.pack(object.entry.pack);
            let record = store.record(&object.entry).context("a record that was just written is gone")?;
            let name = message::input_name(&inputs.files[object.file as usize].path, object.member);
            let (fingerprint, offset) = (object.entry.fingerprint, object.offset);
            let (member, record) = (object.member.to_vec(), record.to_vec());
            changed.push(Changed { object: *number, name, member, record, fingerprint, offset });
        }
        let entry = match old {
            Some(old) if old.entry.content == object.entry.content => {
                crate::index::store::Entry { fingerprint: object.entry.fingerprint, ..old.entry }
            }
            _ => object.entry,
        };
        new.objects[*number as usize] = NewObject { position: position as u32, entry, ..object };
    }
    for (number, old) in (0u32..).zip(before.objects()) {
        if !old.is_gone() && new.objects[number as usize].file == NONE {
            let name = message::input_name(before.file(old.file).path, old.member);
            let record = build::empty();
            changed.push(Changed {
                object: number,
                name,
                member: Vec::new(),
                record,
                fingerprint: Default::default(),
                offset: 0,
            });
        }
    }
    changed.sort_by_key(|changed| changed.object);
    let reindexed = program.reindexed.iter().map(|object| Reread {
        path: object.path.display().to_string(),
        member: object.member.clone(),
        reason: object.reason.to_string(),
    });
    let needed = needed::bytes(&program, &numbers);
    let bytes = new.bytes();
    let mut state = State::of_full_link(bytes.clone()).context("the state contradicts itself")?;
    state.changes.go_on_from(&before.changes);
    Ok(Ok(Reloaded { state, changed, bytes, reindexed: reindexed.collect(), needed }))
}

/// An object of the program before.
fn old_object(before: &State, number: u32) -> Option<Object> {
    (number < before.object_count()).then(|| before.object(number)).filter(|old| !old.is_gone())
}

/// Why files that are neither objects nor archives are others, if they are.
fn other_files(before: &State, inputs: &Inputs) -> Result<Option<String>> {
    let libraries = before.files().filter(|file| file.is_shared());
    let libraries: Vec<_> = libraries.map(|file| (file.path.to_owned(), file.symbols)).collect();
    let now = inputs
        .shared
        .iter()
        .map(|input| (inputs.files[input.file as usize].path.clone(), input.library.identity()));
    if libraries != now.collect::<Vec<_>>() {
        return Ok(Some("the shared libraries changed".to_owned()));
    }
    let read: HashSet<u32> = before.objects().map(|object| object.file).collect();
    let texts = (0u32..)
        .zip(before.files())
        .filter(|(number, file)| file.symbols == 0 && !args::is_object(file.path) && !read.contains(number));
    for (_, file) in texts {
        let same =
            inputs.files.iter().any(|now| now.path == file.path && now.fingerprint == file.fingerprint);
        if !same {
            return Ok(Some(format!("{} changed, which is not an object", file.path.display())));
        }
    }
    Ok(None)
}

/// For each object of the program its number in the plan: that of the object that it was before, or a free one.
fn match_objects(
    before: &State,
    inputs: &Inputs,
    program: &Program,
    room: usize,
) -> Result<Result<Vec<u32>, String>> {
    let path_before = |object: &Object| before.file(object.file).path;
    let objects: Vec<Object> = before.objects().collect();
    let mut old: Vec<u32> =
        (0..before.object_count()).filter(|number| !objects[*number as usize].is_gone()).collect();
    old.sort_by_key(|number| objects[*number as usize].position);
    let mut numbers = vec![NONE; program.objects.len()];
    let mut is_taken = vec![false; objects.len()];
    // The same in all respects; the same contents; the same name.
    type Key<'a> = (Option<(&'a Path, &'a [u8])>, Option<[u64; 2]>);
    for (by_name, by_content) in [(true, true), (false, true), (true, false)] {
        if numbers.iter().all(|number| *number != NONE) {
            break;
        }
        fn key<'a>(
            (by_name, by_content): (bool, bool),
            path: &'a Path,
            member: &'a [u8],
            content: [u64; 2],
        ) -> Key<'a> {
            (by_name.then_some((path, member)), by_content.then_some(content))
        }
        let by = (by_name, by_content);
        let mut free: HashMap<Key<'_>, VecDeque<u32>> = HashMap::new();
        for number in old.iter().filter(|number| !is_taken[**number as usize]) {
            let object = &objects[*number as usize];
            free.entry(key(by, path_before(object), object.member, object.entry.content))
                .or_default()
                .push_back(*number);
        }
        for (object, number) in
            program.objects.iter().zip(&mut numbers).filter(|(_, number)| **number == NONE)
        {
            let path = &inputs.files[object.file as usize].path;
            let found = free.get_mut(&key(by, path, &object.member, object.entry.content));
            if let Some(found) = found.and_then(VecDeque::pop_front) {
                *number = found;
                is_taken[found as usize] = true;
            }
        }
    }
    // Compilers give objects other names each time, which begin alike.
    let place = |path: &Path, member: &[u8]| if member.is_empty() { PathBuf::new() } else { path.to_owned() };
    let text = |path: &Path, member: &[u8]| match member.is_empty() {
        true => path.as_os_str().as_encoded_bytes().to_vec(),
        false => member.to_vec(),
    };
    let mut left: BTreeMap<PathBuf, Vec<(u32, Vec<u8>)>> = BTreeMap::new();
    for number in old.iter().filter(|number| !is_taken[**number as usize]) {
        let object = &objects[*number as usize];
        let (path, member) = (path_before(object), object.member);
        left.entry(place(path, member)).or_default().push((*number, text(path, member)));
    }
    let position = |number: u32| objects[number as usize].position;
    for (at, object) in program.objects.iter().enumerate() {
        if numbers[at] != NONE {
            continue;
        }
        // What comes first wins, so the objects have to stay in their order.
        let known = |number: &&u32| **number != NONE;
        let behind = numbers[..at].iter().rev().find(known).map(|number| position(*number));
        let ahead = numbers[at..].iter().find(known).map(|number| position(*number));
        let fits = |number: u32| {
            behind.is_none_or(|behind| behind < position(number))
                && ahead.is_none_or(|ahead| position(number) < ahead)
        };
        let path = &inputs.files[object.file as usize].path;
        let Some(candidates) = left.get_mut(&place(path, &object.member)) else { continue };
        let name = text(path, &object.member);
        let common = |other: &[u8]| name.iter().zip(other).take_while(|(a, b)| a == b).count();
        let fitting = (0..candidates.len()).rev().filter(|other| fits(candidates[*other].0));
        if let Some(best) = fitting.max_by_key(|other| common(&candidates[*other].1)) {
            numbers[at] = candidates.remove(best).0;
        }
    }
    let places = numbers.iter().filter(|number| **number != NONE);
    if !places.map(|number| objects[*number as usize].position).is_sorted() {
        full!("the objects come in another order");
    }
    // Places of objects that go in this link are not clean yet.
    let mut free =
        (0..room as u32).filter(|number| objects.get(*number as usize).is_none_or(Object::is_gone));
    for number in numbers.iter_mut().filter(|number| **number == NONE) {
        match free.next() {
            Some(place) => *number = place,
            None => full!("too many objects were added since the last full link"),
        }
    }
    Ok(Ok(numbers))
}
