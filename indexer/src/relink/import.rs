//! What a full link leaves room for in the linker's own tables: entries of the GOT and the PLT, and symbols that
//! shared libraries define.

use super::editor::Editor;
use super::groups::Change;
use super::object::Attempt;
use super::rebind;
use crate::args::Request;
use crate::inputs::shared::SharedLibrary;
use crate::resolve::guards::RUNTIMES;
use crate::resolve::linker_symbols;
use crate::resolve::needs::{DIRECT, used_by};
use crate::synth::{RELA, rela, sysv_hash};
use anyhow::{Context, Result};
use object::elf;
use shared::plan::{PLT_ENTRY, Slot, slot};
use shared::record::uses;

/// Bytes of a symbol of `.dynsym`.
const SYMBOL: usize = 24;

/// Binds a spare entry of the GOT to a slot. Returns its number among the spare ones; `None`: there is none left.
fn take(editor: &mut Editor, number: u32) -> Result<Option<u32>> {
    let spare = editor.names().0.spare;
    let view = editor.view()?;
    let own = view.objects.last().context("the plan has no objects")?;
    let first = u64::from(own.bindings + spare.global);
    let is_free = |entry: &u32| view.bindings.get((first + u64::from(*entry)) as usize) == Some(&spare.slot);
    let Some(entry) = (0..spare.count).find(is_free) else { return Ok(None) };
    let (table, place) = (view.header.bindings, view.got_entry(spare.got + entry));
    editor.set(table, first + u64::from(entry), number)?;
    editor.touch(place, 8);
    Ok(Some(entry))
}

/// Gives a symbol an entry of the GOT.
pub fn add_got(editor: &mut Editor, who: &str, number: u32, import: bool) -> Attempt {
    let Some(entry) = take(editor, number)? else { full!("{who}: the GOT is full") };
    let got = editor.names().0.spare.got + entry;
    let (table, slot) = (editor.view()?.header.slots, editor.view()?.slots[number as usize]);
    editor.set(table, number.into(), Slot { got: got + 1, ..slot })?;
    if import { bind_entry(editor, who, number, got) } else { Ok(Ok(())) }
}

/// Gives a function of a library an entry of the PLT.
pub fn add_plt(editor: &mut Editor, who: &str, number: u32) -> Attempt {
    let spare = editor.names().0.spare;
    if spare.has_plt == 0 {
        full!("{who}: there is no room for a PLT entry");
    }
    let Some(entry) = take(editor, number)? else { full!("{who}: the PLT is full") };
    let got = spare.got + entry;
    let view = editor.view()?;
    let (table, slot) = (view.header.slots, view.slots[number as usize]);
    let value = (view.header.plt + PLT_ENTRY * u64::from(spare.plt + entry)).0;
    let entry = if slot.got == 0 { got + 1 } else { slot.got };
    editor.set(table, number.into(), Slot { value, got: entry, flags: slot.flags | slot::PLT, ..slot })?;
    editor.moved.insert(number);
    bind_entry(editor, who, number, got)
}

/// Has the dynamic linker fill in an entry of the GOT.
fn bind_entry(editor: &mut Editor, who: &str, number: u32, got: u32) -> Attempt {
    let dynamic = editor.dynamic_number(number);
    if dynamic == 0 {
        full!("{who}: it uses an import that the dynamic linker does not know");
    }
    let place = editor.view()?.got_entry(got);
    let entry = rela(place, dynamic, elf::R_X86_64_GLOB_DAT, 0);
    let Some((section, mut record)) = editor.own_section(b".rela.dyn")? else {
        full!("{who}: there is no .rela.dyn")
    };
    let start = section.data as usize;
    let table = &mut record[start..start + section.size as usize];
    let is_free = |entry: &&mut [u8]| entry[8..12] == [0; 4];
    let Some(free) = table.chunks_exact_mut(RELA as usize).find(is_free) else {
        full!("the table of dynamic relocations is full");
    };
    free.copy_from_slice(&entry);
    editor.set_own(record)?;
    let addr = editor.own_place(b".rela.dyn")?;
    editor.touch(addr, section.size);
    Ok(Ok(()))
}

/// Adds a symbol that nothing in the program referred to before, and a shared library defines. `found` is the slot
/// that its name has been left.
pub fn add(
    editor: &mut Editor,
    request: &Request,
    change: &Change,
    global: u32,
    found: Option<u32>,
) -> Result<Result<u32, String>> {
    let record = &change.new.globals[global as usize];
    let name = change.new.string(record.name);
    let shown = String::from_utf8_lossy(name);
    let who = &change.name;
    let used = used_by(request, record.uses);
    let ordinary = record.binding != elf::STB_WEAK
        && record.visibility == elf::STV_DEFAULT
        && !name.contains(&b'@')
        && !rebind::is_hooked(editor, name)?
        && !RUNTIMES.contains(&name)
        && request.wraps.is_empty()
        && !linker_symbols::is_known(name, request);
    if !ordinary || request.shared || request.is_static || used & (DIRECT | uses::TLS) != 0 {
        full!("{who}: it refers to a new symbol, {shown}");
    }
    if let Some(found) = found
        && rebind::is_mentioned(editor, found)?
    {
        full!("{who}: it refers to {shown} in another way");
    }
    let defines = |library: &SharedLibrary| {
        library.symbols.iter().position(|there| !there.is_undefined && there.is_default && there.name == name)
    };
    let libraries = editor.shared_libraries()?;
    let Some((library, there)) = libraries.iter().find_map(|library| Some((library, defines(library)?)))
    else {
        full!("{who}: it refers to a new symbol, {shown}");
    };
    let there = library.symbols[there];
    if !library.is_named || there.kind == elf::STT_TLS {
        full!("{who}: it refers to a new symbol, {shown}, of a library");
    }
    let (soname, version) = (library.soname.clone(), there.version);
    if !needed(editor)?.contains(&soname) {
        full!("{who}: it is the first to need {}", String::from_utf8_lossy(&soname));
    }

    // A row of `.dynsym` that is all zero, behind the last that is not.
    let Some((symbols, mut own)) = editor.own_section(b".dynsym")? else { full!("there is no .dynsym") };
    let Some((strings, _)) = editor.own_section(b".dynstr")? else { full!("there is no .dynstr") };
    let range = symbols.data as usize..(symbols.data + symbols.size) as usize;
    let row = crate::evident::used_symbols(&own[range.clone()]);
    if (row + 1) * SYMBOL > range.len() {
        full!("the table of dynamic symbols is full");
    }
    let Some(text) = add_string(&mut own, &strings, name) else {
        full!("the names of dynamic symbols are full")
    };
    let kind = if there.kind == elf::STT_GNU_IFUNC { elf::STT_FUNC } else { there.kind };
    let mut symbol = [0u8; SYMBOL];
    symbol[..4].copy_from_slice(&text.to_le_bytes());
    symbol[4] = elf::STB_GLOBAL << 4 | kind;
    symbol[16..].copy_from_slice(&there.size.to_le_bytes());
    own[range.start + row * SYMBOL..][..SYMBOL].copy_from_slice(&symbol);
    editor.set_own(own)?;
    if let Some((versions, _)) = editor.own_section(b".gnu.version")? {
        let number = match version {
            None => 1,
            Some(version) => match add_version(editor, &soname, version)? {
                Some(number) => number,
                None => full!("{who}: it needs a new version of {}", String::from_utf8_lossy(&soname)),
            },
        };
        let (_, mut own) = editor.own_section(b".gnu.version")?.context("no .gnu.version")?;
        let at = versions.data as usize + row * 2;
        own[at..at + 2].copy_from_slice(&number.to_le_bytes());
        editor.set_own(own)?;
    } else if version.is_some() {
        full!("{who}: it is the first to need a version");
    }
    for table in [&b".dynsym"[..], b".dynstr", b".gnu.version", b".gnu.version_r"] {
        if let Some((section, _)) = editor.own_section(table)? {
            let place = editor.own_place(table)?;
            editor.touch(place, section.size);
        }
    }
    let definition = Slot { flags: slot::IMPORT, object: change.number, global, ..Slot::default() };
    let number = match found {
        Some(number) => {
            let (table, old) = (editor.view()?.header.slots, editor.view()?.slots[number as usize]);
            if old.got != 0 {
                full!("{who}: it refers to {shown}, which was something else");
            }
            editor.set(table, number.into(), definition)?;
            editor.moved.insert(number);
            number
        }
        None => match editor.add_slot(record.hash, definition)? {
            Some(number) => number,
            None => full!("the table of symbols is full"),
        },
    };
    editor.set_dynamic(record.hash, number, row as u32);
    Ok(Ok(number))
}

/// Appends a string to the linker's own `.dynstr`; `None` if it does not fit.
fn add_string(own: &mut [u8], strings: &shared::record::SectionRec, text: &[u8]) -> Option<u32> {
    let table = own.get_mut(strings.data as usize..(strings.data + strings.size) as usize)?;
    let used = table.iter().rposition(|byte| *byte != 0).map_or(1, |last| last + 2);
    // A zero stays behind the last.
    table.get(used + text.len())?;
    table[used..used + text.len()].copy_from_slice(text);
    Some(used as u32)
}

/// The libraries that `.dynamic` names.
fn needed(editor: &Editor) -> Result<Vec<Vec<u8>>> {
    let (dynamic, own) = editor.own_section(b".dynamic")?.context("no .dynamic")?;
    let (strings, _) = editor.own_section(b".dynstr")?.context("no .dynstr")?;
    let entries = own[dynamic.data as usize..(dynamic.data + dynamic.size) as usize].chunks_exact(16);
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
    let names = entries.filter(|entry| word(&entry[..8]) == u64::from(elf::DT_NEEDED));
    Ok(names.filter_map(|entry| text(&own, &strings, word(&entry[8..]))).collect())
}

/// A string of the linker's own `.dynstr`.
fn text(own: &[u8], strings: &shared::record::SectionRec, at: u64) -> Option<Vec<u8>> {
    let table = own.get(strings.data as usize..(strings.data + strings.size) as usize)?;
    Some(table.get(at as usize..)?.split(|byte| *byte == 0).next()?.to_vec())
}

/// The number of a library's version in `.gnu.version_r`, which is added if it is not there; `None` if there is no room,
/// or nothing is asked of the library yet.
fn add_version(editor: &mut Editor, soname: &[u8], version: &[u8]) -> Result<Option<u16>> {
    let Some((section, mut own)) = editor.own_section(b".gnu.version_r")? else { return Ok(None) };
    let (strings, _) = editor.own_section(b".dynstr")?.context("no .dynstr")?;
    let start = section.data as usize;
    let table = own[start..start + section.size as usize].to_vec();
    let half = |at: usize| table.get(at..at + 2).map_or(0, |bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
    let word = |at: usize| u32::from(half(at)) | u32::from(half(at + 2)) << 16;
    let (mut record, mut last, mut highest, mut end) = (0usize, None, 0u16, 0usize);
    loop {
        let (count, is_library) =
            (half(record + 2), text(&own, &strings, word(record + 4).into()).as_deref() == Some(soname));
        let mut aux = record + word(record + 8) as usize;
        end = end.max(record + 16);
        for _ in 0..count {
            let number = half(aux + 6) & 0x7fff;
            highest = highest.max(number);
            end = end.max(aux + 16);
            if is_library {
                if text(&own, &strings, word(aux + 8).into()).as_deref() == Some(version) {
                    return Ok(Some(number));
                }
                last = Some((record, count, aux));
            }
            aux += word(aux + 12) as usize;
        }
        match word(record + 12) {
            0 => break,
            next => record += next as usize,
        }
    }
    // What the program itself defines has numbers of its own.
    let defines = editor.own_section(b".gnu.version_d")?.is_some();
    let Some((record, count, aux)) = last.filter(|_| !defines && end + 16 <= table.len()) else {
        return Ok(None);
    };
    let Some(name) = add_string(&mut own, &strings, version) else { return Ok(None) };
    let number = highest.max(1) + 1;
    let mut put = |at: usize, bytes: &[u8]| own[start + at..start + at + bytes.len()].copy_from_slice(bytes);
    put(record + 2, &(count + 1).to_le_bytes());
    put(aux + 12, &((end - aux) as u32).to_le_bytes());
    put(end, &sysv_hash::hash(version).to_le_bytes());
    put(end + 4, &0u16.to_le_bytes());
    put(end + 6, &number.to_le_bytes());
    put(end + 8, &name.to_le_bytes());
    put(end + 12, &0u32.to_le_bytes());
    editor.set_own(own)?;
    Ok(Some(number))
}
