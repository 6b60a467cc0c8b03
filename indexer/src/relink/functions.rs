//! The names of functions for backtraces, debuggers and profilers: those of the changed objects are replaced in the file
//! that all generations since the full link share.
//!
//! What an object had before it moved elsewhere stays listed, for running programs of older generations. Entries are
//! replaced where other code lies now: there such programs may see a newer name. Readers never see another CRC, but for
//! the moment between two writes. Who finds that the file is not the one that the generation before left (another
//! link went on from there too, or one was killed) makes a new one.

use super::editor::Editor;
use crate::crc;
use crate::index::changes::{Facts, Print};
use crate::index::generation::Draft;
use crate::index::opened::Executable;
use crate::inputs::mapped;
use crate::symbols::{self, BALANCE, Function, Run, SYMBOL, TablesHeader, extent, own_section};
use anyhow::{Context, Result};
use shared::pod::{self, bytes_of};
use shared::record::ObjectView;
use std::collections::HashMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Gives the draft its file of symbols, and says in `facts` what it is; `before` is what the generation before had.
pub fn write(
    editor: &Editor,
    executable: &Executable,
    draft: &Draft,
    before: &Facts,
    facts: &mut Facts,
    changed: &[u32],
) -> Result<()> {
    let path = executable.folder.join(symbols::SHARED);
    facts.symbols_crc = before.symbols_crc;
    match replace(&path, before.symbols, editor, changed) {
        Ok(Some(print)) => {
            facts.symbols = print;
            fs::hard_link(&path, draft.path(symbols::SHARED)).context("cannot link the file of symbols")?;
        }
        Ok(None) | Err(_) => {
            let file = whole(editor)?;
            facts.symbols_crc = crc32fast::hash(&file).into();
            draft.write(symbols::SHARED, &file)?;
            facts.symbols = Print::at(&draft.path(symbols::SHARED));
        }
    }
    draft.link(symbols::SHARED, symbols::FILE)
}

/// Whether the file that a generation shares with others says what a later one needs.
pub fn are_of_another_link(executable: &Executable, facts: &Facts) -> bool {
    Print::at(&executable.folder.join(symbols::SHARED)) != facts.symbols
}

/// The file for the program as it is now.
fn whole(editor: &Editor) -> Result<Vec<u8>> {
    let view = editor.view()?;
    let count = view.objects.len() as u32;
    let objects: Vec<ObjectView<'_>> =
        (0..count).map(|number| editor.object(number)).collect::<Option<_>>().context("a record is gone")?;
    let place = |object: usize, section: u32| view.placement(object as u32, section);
    Ok(symbols::file(&objects, place, view.regions))
}

/// Replaces the functions of the changed objects in the file at `path`, if that is `known`. Returns what it is then, or
/// `None` if another file is needed.
fn replace(path: &Path, known: Print, editor: &Editor, changed: &[u32]) -> Result<Option<Print>> {
    let file = File::options().read(true).write(true).open(path)?;
    // Another link of the same output may be at it.
    if file.try_lock().is_err() || Print::at(path) != known {
        return Ok(None);
    }
    let (bytes, _) = mapped::map(path)?;
    let Some(edits) = edits(bytes, editor, changed)? else { return Ok(None) };
    if edits.is_empty() {
        return Ok(Some(known));
    }
    for (at, new) in edits {
        file.write_all_at(&new, at as u64)?;
    }
    Ok(Some(Print::at(path)))
}

/// Bytes of the file, and where they are.
type Edit = (usize, Vec<u8>);

/// What has to be written, and where; `None`: there is no room, or the file is not what it should be.
fn edits(bytes: &[u8], editor: &Editor, changed: &[u32]) -> Result<Option<Vec<Edit>>> {
    let Some((extent, (head, runs))) =
        extent(bytes).and_then(|extent| own_section(bytes, &extent).map(|own| (extent, own)))
    else {
        return Ok(None);
    };
    let view = editor.view()?;
    let symbol_count = (extent.names - extent.symbols) / SYMBOL;
    let mut head = *head;
    let (names_before, mut names) = (head.names as usize, Vec::new());
    if names_before > extent.end - extent.names || head.symbols as usize > symbol_count {
        return Ok(None);
    }
    let mut edits = Vec::new();
    for number in changed.iter().copied() {
        let record = editor.object(number).context("a record of the index is gone")?;
        let run_at = u64::from(number) * size_of::<Run>() as u64;
        let Some(run) = pod::get::<Run>(runs, run_at).copied() else { return Ok(None) };
        let place = |run: Run| extent.symbols + run.first as usize * SYMBOL;
        let Some(old) = bytes.get(place(run)..place(run) + run.count as usize * SYMBOL) else {
            return Ok(None);
        };
        let wanted = symbols::functions(&record, |section| view.placement(number, section));
        let mut next = run;
        let moved = !wanted.is_empty() && has_left(old, &wanted);
        if wanted.len() > run.count as usize || moved {
            // With room to grow, behind all others.
            next = Run { first: head.symbols as u32, count: (wanted.len() + wanted.len() / 4) as u32 };
            head.symbols += u64::from(next.count);
            if head.symbols as usize > symbol_count {
                return Ok(None);
            }
        }
        let table = bytes.get(extent.names..extent.end).unwrap_or_default();
        let Some(new) = entries(&wanted, next.count, old, table, (names_before, &mut names)) else {
            return Ok(None);
        };
        if next.first != run.first {
            let own = extent.own + size_of::<TablesHeader>() + run_at as usize;
            edits.push((own, bytes_of(&[next]).to_vec()));
            if !moved {
                edits.push((place(run), vec![0; old.len()]));
            }
        }
        edits.push((place(next), new));
    }
    if names_before + names.len() > extent.end - extent.names {
        return Ok(None);
    }
    head.names += names.len() as u64;
    // Names come before those who refer to them.
    edits.insert(0, (extent.names + names_before, names));
    edits.push((extent.own, bytes_of(&[head]).to_vec()));

    let mut edits: Vec<_> = edits.into_iter().filter_map(|edit| trimmed(bytes, edit)).collect();
    let mut difference = 0;
    for (at, new) in &edits {
        let end = at + new.len();
        difference ^= crc::difference(&bytes[*at..end], new, (bytes.len() - end) as u64);
    }
    if !edits.is_empty() {
        let at = bytes.len() - BALANCE;
        let added = crc::balance(difference);
        edits.push((at, bytes[at..].iter().zip(added).map(|(byte, added)| byte ^ added).collect()));
    }
    Ok(Some(edits))
}

/// Whether none of the functions is between those that the object had.
fn has_left(old: &[u8], wanted: &[Function<'_>]) -> bool {
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
    let places = || old.chunks_exact(SYMBOL).map(|symbol| (word(&symbol[8..16]), word(&symbol[16..])));
    let places = || places().filter(|(addr, _)| *addr != 0);
    let Some(start) = places().map(|(addr, _)| addr).min() else { return false };
    let end = places().map(|(addr, size)| addr.saturating_add(size)).max().unwrap_or(start);
    !wanted.iter().any(|function| (start..end).contains(&function.addr))
}

/// The entries of an object's functions. Names that the object had are where they were; others are added to `names`,
/// which begin at `names_before`.
fn entries(
    wanted: &[Function<'_>],
    room: u32,
    old: &[u8],
    table: &[u8],
    (names_before, names): (usize, &mut Vec<u8>),
) -> Option<Vec<u8>> {
    let mut known: HashMap<&[u8], u32> = HashMap::new();
    for symbol in old.chunks_exact(SYMBOL) {
        let at = u32::from_le_bytes(symbol[..4].try_into().ok()?);
        let name = table.get(at as usize..)?.split(|byte| *byte == 0).next()?;
        known.insert(name, at);
    }
    let mut new = Vec::with_capacity(room as usize * SYMBOL);
    for function in wanted {
        let name = match known.get(function.name) {
            Some(at) => *at,
            None => {
                let at = u32::try_from(names_before + names.len()).ok()?;
                names.extend_from_slice(function.name);
                names.push(0);
                at
            }
        };
        new.extend(symbols::symbol(name, function));
    }
    new.resize(room as usize * SYMBOL, 0);
    Some(new)
}

/// An edit without what is there already.
fn trimmed(bytes: &[u8], (at, mut new): Edit) -> Option<Edit> {
    let old = &bytes[at..at + new.len()];
    let differs = |(old, new): (&u8, &u8)| old != new;
    let start = old.iter().zip(&new).position(differs)?;
    let end = old.iter().zip(&new).rposition(differs)? + 1;
    new.truncate(end);
    new.drain(..start);
    Some((at + start, new))
}
