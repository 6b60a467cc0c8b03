//! The inputs of a relink: which of them changed, and what in them.

use super::Changed;
use crate::args::{self, Request};
use crate::index::pinned;
use crate::index::state::{self, State, Used};
use crate::inputs::archive::{self, Archive};
use crate::inputs::mapped::{self, Fingerprint};
use crate::inputs::shared as shared_library;
use crate::{message, object as reader};
use anyhow::{Context, Result};
use rayon::prelude::*;
use shared::record::{ObjectView, flag};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::Xxh3;

/// Compilers give objects other names at each build, and link them in the same order: the object at each place
/// of the command line is the one that was there before, whatever it is called. What it contains is compared
/// as ever. Returns whether a name changed; `None`: the objects cannot be told apart.
pub fn rename_objects(request: &Request, state: &mut State) -> Option<bool> {
    let now: Vec<&PathBuf> = request.inputs.iter().filter_map(|(input, _)| input.object()).collect();
    let before: Vec<u32> =
        (0..state.file_count()).filter(|file| args::is_object(state.file(*file).path)).collect();
    let is_same = |(file, path): (&u32, &&PathBuf)| state.file(*file).path == **path;
    if now.len() > before.len() {
        return None;
    }
    if before.iter().zip(&now).all(is_same) {
        return Some(false);
    }
    // Members of thin archives are files too; then places cannot be matched with certainty.
    if now.len() < before.len() {
        return None;
    }
    // Objects that go by the names of others are no others.
    let places: HashMap<&Path, usize> =
        before.iter().enumerate().map(|(place, file)| (state.file(*file).path, place)).collect();
    if now.iter().enumerate().any(|(place, path)| places.get(path.as_path()).is_some_and(|old| *old != place))
    {
        return None;
    }
    for (file, path) in before.into_iter().zip(now) {
        if state.file(file).path != path {
            state.set_file(file, |file| file.path.clone_from(path));
        }
    }
    Some(true)
}

/// What the files that changed come to.
pub enum Stale {
    Changed(Vec<Changed>),
    /// Archives have other members, or offer other names.
    Unsettled,
    /// A full link is needed, because of this.
    Full(String),
}

/// Reads the objects of files that changed; in archives, only the members that are other ones now.
pub fn read_stale(
    state: &mut State,
    stale: &HashMap<u32, Fingerprint>,
    output_folder: &Path,
) -> Result<Stale> {
    let held_in = (!state.has_more_objects_than(pinned::MOST)).then_some(output_folder);
    let mut files: Vec<(u32, Fingerprint)> = stale.iter().map(|(number, now)| (*number, *now)).collect();
    files.sort_unstable_by_key(|(number, _)| *number);
    let seen: Vec<(Fingerprint, Seen)> = {
        let state = &*state;
        files.par_iter().map(|(number, now)| see(state, *number, *now, held_in)).collect::<Result<_>>()?
    };
    let mut changed = Vec::new();
    for ((number, now), (fingerprint, seen)) in files.into_iter().zip(seen) {
        match seen {
            Seen::Unsettled => return Ok(Stale::Unsettled),
            Seen::Full(why) => return Ok(Stale::Full(why)),
            Seen::Same => {}
            Seen::Objects(objects) => {
                for object in objects {
                    match object {
                        Object::Same(object, offset) => state.set_object(object, |known| {
                            (known.entry.fingerprint, known.offset) = (now, offset);
                        }),
                        Object::Other(other) => changed.push(other),
                    }
                }
            }
        }
        state.set_file(number, |file| file.fingerprint = fingerprint);
    }
    changed.sort_by_key(|changed| changed.object);
    Ok(Stale::Changed(changed))
}

/// What a file that is not as it was turns out to be.
enum Seen {
    /// Its symbols are the same: a shared library.
    Same,
    Objects(Vec<Object>),
    Unsettled,
    Full(String),
}

/// An object of such a file.
enum Object {
    /// With the contents that it had: its number, and where it is now.
    Same(u32, u64),
    Other(Changed),
}

/// Looks at a file that is not as it was. `held_in`: the folder where objects with debug information are held. Returns
/// the fingerprint that the file has in the end, too.
fn see(
    state: &State,
    number: u32,
    fingerprint: Fingerprint,
    held_in: Option<&Path>,
) -> Result<(Fingerprint, Seen)> {
    let known = state.file(number);
    let path = known.path;
    let of_file = state.objects_of(number);
    let (data, _) = mapped::map(path)?;
    let is_archive = data.starts_with(b"!<arch>\n") || data.starts_with(b"!<thin>\n");
    if known.is_shared() {
        let read = shared_library::read(data, b"").with_context(|| path.display().to_string())?;
        let is_same = read.identity() == known.symbols;
        let differs = || Seen::Full(format!("the symbols of {} changed", path.display()));
        return Ok((fingerprint, if is_same { Seen::Same } else { differs() }));
    }
    if of_file.is_empty() && !is_archive {
        // A lazy object that was not needed may be now.
        if args::is_object(path) {
            return Ok((fingerprint, Seen::Unsettled));
        }
        let why = format!("{} changed, which is not an object", path.display());
        return Ok((fingerprint, Seen::Full(why)));
    }
    let mut members = Vec::new();
    if is_archive {
        let archive = Archive::parse(data, path).with_context(|| path.display().to_string())?;
        let offsets = archive.offsets().with_context(|| path.display().to_string())?;
        let symbols = archive_symbols(&archive, &offsets).with_context(|| path.display().to_string())?;
        if symbols != known.symbols {
            return Ok((fingerprint, Seen::Unsettled));
        }
        members = archive.members().with_context(|| path.display().to_string())?;
    }
    let look = |object: &u32| -> Result<Option<Object>> {
        let known = state.object(*object);
        let (data, offset, member) = match members.get(known.ordinal as usize) {
            Some(member) => (member.data, member.offset, &*member.name),
            None if is_archive => return Ok(None),
            None => (data, 0, &b""[..]),
        };
        if reader::content_hash(data) == known.entry.content {
            return Ok(Some(Object::Same(*object, offset)));
        }
        let name = message::input_name(path, member);
        let record = reader::read(data).with_context(|| name.clone())?;
        let member = member.to_vec();
        Ok(Some(Object::Other(Changed { object: *object, name, member, record, fingerprint, offset })))
    };
    let objects: Option<Vec<Object>> = of_file.par_iter().map(look).collect::<Result<_>>()?;
    let Some(objects) = objects else { return Ok((fingerprint, Seen::Unsettled)) };
    let has_debug = |object: &Object| match object {
        Object::Same(..) => true,
        Object::Other(other) => {
            ObjectView::new(&other.record).is_some_and(|view| view.header.flags & flag::DEBUG != 0)
        }
    };
    // The compiler may delete an unchanged object too, under its new name.
    let held = match held_in.filter(|_| !is_archive && objects.iter().any(has_debug)) {
        Some(folder) => pinned::hold(folder, path, fingerprint),
        None => fingerprint,
    };
    Ok((held, Seen::Objects(objects)))
}

/// Identity of what an archive offers: which member defines what, by the members' places. Their names do not count:
/// rustc gives them others at each build. `offsets`: where the members are.
pub fn archive_symbols(archive: &Archive, offsets: &[u64]) -> Result<u64> {
    let mut hash = Xxh3::new();
    let mut offer = |name: &[u8], ordinal: Option<usize>| {
        hash.update(name);
        hash.update(b"\0");
        hash.update(&ordinal.map_or(u64::MAX, |ordinal| ordinal as u64).to_le_bytes());
    };
    match archive.symbols()? {
        Some(symbols) => {
            for (name, offset) in symbols {
                offer(name, offsets.binary_search(&offset).ok());
            }
        }
        None => {
            for (ordinal, member) in archive.members()?.into_iter().enumerate() {
                for name in archive::defined_names(member.data)? {
                    offer(name, Some(ordinal));
                }
            }
        }
    }
    // Members of a thin archive are files.
    for member in archive.is_thin().then(|| archive.members()).transpose()?.into_iter().flatten() {
        offer(&member.name, None);
    }
    hash.update(&(offsets.len() as u64).to_le_bytes());
    // 0 is no archive.
    Ok((hash.digest() & !state::SHARED_LIBRARY).max(1))
}

/// What the next link needs to know of this one. What `before` says of archives that did not change holds.
pub fn state_of<'a>(
    request: &Request,
    inputs: &'a crate::inputs::Inputs,
    program: &'a crate::load::Program,
    used: Used,
    warnings: &'a [String],
    before: &State,
) -> Result<state::New<'a>> {
    let mut symbols: HashMap<u32, u64> = HashMap::new();
    let archives = before.files().filter(|file| file.is_archive());
    let known: HashMap<&Path, state::File<'_>> = archives.map(|file| (file.path, file)).collect();
    let symbols_before = |file: u32| {
        let file = &inputs.files[file as usize];
        known
            .get(file.path.as_path())
            .filter(|old| old.fingerprint == file.fingerprint)
            .map(|old| old.symbols)
    };
    let of_archive = |file: u32, archive: &Archive| -> Result<(u32, u64, Vec<u64>)> {
        let offsets = archive.offsets()?;
        let symbols = symbols_before(file).map_or_else(|| archive_symbols(archive, &offsets), Ok)?;
        Ok((file, symbols, offsets))
    };
    let whole = |file: &u32| {
        let path = &inputs.files[*file as usize].path;
        of_archive(*file, &Archive::parse(mapped::map(path)?.0, path)?)
    };
    let archives = inputs.archives.par_iter().map(|input| of_archive(input.file, &input.archive));
    let archives: Vec<(u32, u64, Vec<u64>)> =
        archives.chain(inputs.whole_archives.par_iter().map(whole)).collect::<Result<_>>()?;
    symbols.extend(archives.iter().map(|(file, symbols, _)| (*file, *symbols)));
    symbols.extend(inputs.shared.iter().map(|input| (input.file, input.library.identity())));
    let offsets: HashMap<u32, &[u64]> =
        archives.iter().map(|(file, _, offsets)| (*file, offsets.as_slice())).collect();
    let ordinal = |object: &crate::load::Object| {
        let found = offsets.get(&object.file).and_then(|offsets| offsets.binary_search(&object.offset).ok());
        // Where no member is known to be, the next link looks for members anew.
        found.map_or(u64::MAX, |ordinal| ordinal as u64)
    };
    let files = inputs.files.iter().enumerate().map(|(number, file)| state::NewFile {
        path: &file.path,
        fingerprint: file.fingerprint,
        symbols: symbols.get(&(number as u32)).copied().unwrap_or(0),
    });
    let objects = program.objects.iter().zip(0u32..).map(|(object, position)| state::NewObject {
        position,
        file: object.file,
        member: &object.member,
        offset: object.offset,
        ordinal: ordinal(object),
        entry: object.entry,
    });
    Ok(state::New {
        request: request.identity(),
        strip: request.strip,
        compression: request.compression,
        gc_sections: request.gc_sections,
        folder: std::env::current_dir().unwrap_or_default(),
        used,
        files: files.collect(),
        objects: objects.collect(),
        missing: &inputs.missing,
        warnings,
    })
}
