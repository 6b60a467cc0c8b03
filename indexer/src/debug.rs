//! Debug information and other sections without an address, linked for files that are written whole, and for those who ask.
//!
//! A link of an executable never reads them. Here they are found in the objects, get their places one behind the other, and
//! are written, relocated to where the plan has the code. Objects that have changed since the link are left out: better no
//! line than a wrong one.

use crate::args::{Compression, Strip};
use crate::compress;
use crate::emit::SectionHeader;
use crate::index::opened::Executable;
use crate::index::pinned;
use crate::index::state::State;
use crate::inputs::archive::Archive;
use crate::inputs::mapped::{self, Fingerprint};
use crate::object as reader;
use crate::reach::{self, Reached};
use crate::strings::{Strings, Table};
use anyhow::{Context, Result, ensure};
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, Rela, SectionHeader as _, SectionTable, Sym, SymbolTable};
use object::read::{CompressedData, CompressionFormat};
use object::{LittleEndian, SectionIndex, SymbolIndex};
use rayon::prelude::*;
use shared::ImageAddr;
use shared::plan::{Objects, PlanView};
use shared::record::ObjectView;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::path::Path;

type File = FileHeader64<LittleEndian>;
const ENDIAN: LittleEndian = LittleEndian;

/// Which sections are linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Debug information alone.
    Debug,
    /// All, for a file that has to be complete: compilers keep notes of their own in such sections.
    All,
    /// All but debug information.
    WithoutDebug,
}

/// The sections of debug information; others are for indexes that we do not have.
const NAMES: [&str; 16] = [
    ".debug_info",
    ".debug_abbrev",
    ".debug_line",
    ".debug_str",
    ".debug_line_str",
    ".debug_ranges",
    ".debug_rnglists",
    ".debug_addr",
    ".debug_str_offsets",
    ".debug_aranges",
    ".debug_loc",
    ".debug_loclists",
    ".debug_types",
    ".debug_frame",
    ".debug_macro",
    SCRIPTS,
];

/// What debuggers run, or the names of such files (gdb's manual, "The .debug_gdb_scripts section"). rustc has it loaded, so that it is
/// in the image too; as a section of its own it would make two of `.rodata` there, and valgrind takes only one.
const SCRIPTS: &str = ".debug_gdb_scripts";

/// Alignment of linked sections.
const ALIGN: u64 = 1;

/// The name under which a section without an address is linked.
fn wanted_name(name: &[u8], section: &elf::SectionHeader64<LittleEndian>, wanted: Wanted) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    if NAMES.contains(&name) {
        return (wanted != Wanted::WithoutDebug).then(|| name.to_owned());
    }
    // What is said to linkers alone.
    let for_linkers = [".note.GNU-stack", ".llvm", ".gnu.lto_", ".gnu.warning.", ".deplibs", ".debug_"];
    let kind = section.sh_type(ENDIAN);
    let flags = section.sh_flags(ENDIAN) & u64::from(elf::SHF_ALLOC | elf::SHF_EXCLUDE);
    let linked = flags == 0
        && matches!(kind, elf::SHT_PROGBITS | elf::SHT_NOTE)
        && !for_linkers.iter().any(|prefix| name.starts_with(prefix));
    (wanted != Wanted::Debug && linked).then(|| name.to_owned())
}

/// One object's debug sections.
struct Part {
    /// Its number in the plan.
    object: u32,
    sections: SectionTable<'static, File>,
    symbols: SymbolTable<'static, File>,
    data: &'static [u8],
    /// By their numbers in the object.
    contents: BTreeMap<usize, Content>,
}

/// One section of an object.
struct Content {
    name: String,
    /// `SHT_PROGBITS` or `SHT_NOTE`.
    kind: u32,
    bytes: CompressedData<'static>,
    /// In which COMDAT group it is, by a hash of the group's signature, and which of the group's sections it is: units of types,
    /// and macros (DWARF 5, E.2), which are linked once.
    group: Option<(u64, usize)>,
    /// The part and the section that have the same.
    twin: Option<(usize, usize)>,
    /// Whether it has strings that may be merged with others.
    is_strings: bool,
    /// Those, when they are merged.
    strings: Option<Strings>,
    /// Where it is in the linked section, unless its strings are in the table there.
    offset: u64,
}

impl Content {
    /// Where the linked section has what a symbol with this value in this section, and an addend, refer to.
    fn place(&self, value: u64, is_of_section: bool, addend: i64) -> Option<u64> {
        match &self.strings {
            None => Some(self.offset.wrapping_add(value).wrapping_add_signed(addend)),
            // The addend says which string.
            Some(strings) if is_of_section => strings.place(value.wrapping_add_signed(addend)),
            Some(strings) => Some(strings.place(value)?.wrapping_add_signed(addend)),
        }
    }
}

/// Sections without an address whose places are known, to be written where they are wanted.
#[derive(Default)]
pub struct Linked {
    /// What the link was asked to leave out.
    pub strip: Strip,
    compression: Compression,
    gc_sections: bool,
    /// What the program can reach, if tools are not told of the rest.
    reached: Option<Reached>,
    parts: Vec<Part>,
    /// Names and sizes.
    sections: Vec<(String, u64)>,
    /// The names of those that are notes.
    notes: BTreeSet<String>,
    /// By the names of their sections, at the beginning of which they are.
    tables: BTreeMap<String, Table>,
    /// All sections by their names, as they are in the file, where any of them is compressed.
    finished: BTreeMap<String, Finished>,
}

/// A section that is only to be copied.
struct Finished {
    bytes: Vec<u8>,
    is_compressed: bool,
}

/// A local symbol of an object.
pub struct Local<'a> {
    pub name: &'a [u8],
    /// `STT_*`.
    pub kind: u8,
    /// Its address; files have none.
    pub place: Option<u64>,
    pub size: u64,
}

/// Section numbers of an object's file -> those of its record.
fn by_input(record: &ObjectView<'_>) -> HashMap<u32, u32> {
    record.sections.iter().zip(0..).map(|(section, index)| (section.input_index, index)).collect()
}

/// Finds the debug information of an executable's objects.
pub fn sections(executable: &Executable) -> Result<Linked> {
    let state = State::open(&executable.folder).context("the state of the link is damaged")?;
    let output_folder = executable.folder.parent().context("a generation without a folder")?;
    let linked = link(&state, output_folder);
    Ok(Linked { gc_sections: state.gc_sections(), ..linked })
}

/// A section without an address, linked.
pub struct DebugSection {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// Links the debug information of one object; none if it has none, or was changed since.
pub fn of_object(
    state: &State,
    view: &PlanView<'_>,
    objects: &(impl Objects + Sync),
    output_folder: &Path,
    object: u32,
) -> Result<Vec<DebugSection>> {
    let Some(data) = object_data(state, output_folder, object)? else { return Ok(Vec::new()) };
    of_data(data, view, objects, object)
}

/// The same of an object whose file this is.
pub fn of_data(
    data: &'static [u8],
    view: &PlanView<'_>,
    objects: &(impl Objects + Sync),
    object: u32,
) -> Result<Vec<DebugSection>> {
    let linked = join(vec![part(data, object, Wanted::Debug)?]);
    let (bytes, rooms) = linked.bytes(view, objects)?;
    let sections = linked.sections.iter().zip(rooms);
    Ok(sections
        .map(|((name, _), room)| DebugSection { name: name.clone(), bytes: bytes[room].to_vec() })
        .collect())
}

/// Gives the sections without an address of a program's objects their places. `output_folder` is where copies of the
/// objects are held. One that cannot be read any more has no lines; the others do.
pub fn link(state: &State, output_folder: &Path) -> Linked {
    let strip = state.strip();
    let wanted = if strip == Strip::None { Wanted::All } else { Wanted::WithoutDebug };
    let read = |object| read(state, output_folder, object, wanted).ok().flatten();
    let linked = join((0..state.object_count()).into_par_iter().filter_map(read).collect());
    Linked { strip, compression: state.compression(), ..linked }
}

/// Puts the sections of all parts one behind the other.
fn join(mut parts: Vec<Part>) -> Linked {
    // The first of each group is linked.
    let mut groups: HashMap<(u64, usize, String), (usize, usize)> = HashMap::new();
    for (at, part) in parts.iter_mut().enumerate() {
        for (number, content) in &mut part.contents {
            let Some((group, index)) = content.group else { continue };
            let first = *groups.entry((group, index, content.name.clone())).or_insert((at, *number));
            content.twin = (first != (at, *number)).then_some(first);
        }
    }
    // Who compiled is said once.
    let mut comments: HashSet<Vec<u8>> = HashSet::new();
    for part in &mut parts {
        part.contents
            .retain(|_, content| content.name != ".comment" || comments.insert(content.bytes.data.to_vec()));
        // What is empty has no section.
        part.contents.retain(|_, content| content.bytes.uncompressed_size != 0);
    }
    let sections = give_places(&mut parts, &BTreeMap::new());
    let contents = parts.iter().flat_map(|part| part.contents.values());
    let notes = contents.filter(|content| content.kind == elf::SHT_NOTE).map(|content| content.name.clone());
    Linked { notes: notes.collect(), parts, sections, ..Linked::default() }
}

/// Gives the sections of all parts their places, behind the tables of strings: names and sizes of what they make.
fn give_places(parts: &mut [Part], tables: &BTreeMap<String, Table>) -> Vec<(String, u64)> {
    let mut sections: Vec<(String, u64)> = Vec::new();
    let mut numbers: HashMap<String, usize> = HashMap::new();
    for content in parts.iter_mut().flat_map(|part| part.contents.values_mut()) {
        if content.twin.is_some() {
            continue;
        }
        let number = *numbers.entry(content.name.clone()).or_insert_with(|| {
            let size = tables.get(&content.name).map_or(0, |table| table.size);
            sections.push((content.name.clone(), size));
            sections.len() - 1
        });
        if content.strings.is_none() {
            content.offset = sections[number].1;
            sections[number].1 += content.bytes.uncompressed_size;
        }
    }
    sections
}

/// The strings of sections of this name, in the order of the parts.
fn strings<'a>(parts: &'a [Part], name: &str) -> Vec<&'a Strings> {
    let contents = parts.iter().flat_map(|part| part.contents.values());
    contents.filter(|content| content.name == name).filter_map(|content| content.strings.as_ref()).collect()
}

impl Linked {
    /// Bytes of all sections.
    pub fn size(&self) -> u64 {
        self.sections.iter().map(|(_, size)| size).sum()
    }

    /// Without what the program cannot reach, if it was linked like that.
    pub fn of_reached(self, plan: &PlanView<'_>, objects: &impl Objects) -> Self {
        let reached = if self.gc_sections { reach::of_plan(plan, objects) } else { None };
        Self { reached, ..self }
    }

    /// Whether tools are told of a section.
    pub fn is_told_of(&self, object: u32, section: u32) -> bool {
        let reached = self.reached.as_ref().and_then(|reached| reached.get(object as usize));
        reached.and_then(|reached| reached.get(section as usize)).is_none_or(|reached| *reached)
    }

    /// Where such a section is.
    pub fn place(&self, plan: &PlanView<'_>, object: u32, section: u32) -> Option<ImageAddr> {
        let place = plan.placement(object, section).filter(|place| place.is_live())?;
        self.is_told_of(object, section).then_some(place.addr())
    }

    /// With each string once, where sections have strings that may be merged.
    pub fn merged(mut self) -> Self {
        self.parts.par_iter_mut().for_each(|part| {
            let is_merged = |content: &&mut Content| content.is_strings && content.twin.is_none();
            for content in part.contents.values_mut().filter(is_merged) {
                content.strings = content.bytes.decompress().ok().and_then(|bytes| Strings::new(bytes).ok());
            }
        });
        let contents = self.parts.iter().flat_map(|part| part.contents.values());
        let names: BTreeSet<&String> =
            contents.filter(|content| content.strings.is_some()).map(|content| &content.name).collect();
        let table = |name: &String| (name.clone(), Table::new(&strings(&self.parts, name)));
        self.tables = names.into_iter().map(table).collect();
        self.sections = give_places(&mut self.parts, &self.tables);
        self
    }

    /// The local symbols of an object, as it has them itself: those of its file, of functions, and of variables. `None`: it
    /// cannot be read any more.
    pub fn locals<'a>(
        &'a self,
        plan: &'a PlanView<'_>,
        record: &ObjectView<'_>,
        object: u32,
    ) -> Option<Vec<Local<'a>>> {
        let at = self.parts.binary_search_by_key(&object, |part| part.object).ok()?;
        let part = &self.parts[at];
        let of_input = by_input(record);
        let local = |(index, symbol): (SymbolIndex, &elf::Sym64<LittleEndian>)| {
            let kind = symbol.st_type();
            let name = symbol.name(ENDIAN, part.symbols.strings()).ok()?;
            let local = Local { name, kind, place: None, size: symbol.st_size(ENDIAN) };
            if symbol.st_bind() != elf::STB_LOCAL || name.is_empty() || kind == elf::STT_SECTION {
                return None;
            }
            if kind == elf::STT_FILE {
                return Some(local);
            }
            // What assemblers call these is for themselves.
            if name.starts_with(b".L") {
                return None;
            }
            let section = part.symbols.symbol_section(ENDIAN, symbol, index).ok()??;
            let place = self.place(plan, object, *of_input.get(&(section.0 as u32))?)?;
            Some(Local { place: Some(place.0.wrapping_add(symbol.st_value(ENDIAN))), ..local })
        };
        let locals: Vec<Local<'_>> = part.symbols.enumerate().filter_map(local).collect();
        // A file that has nothing else is not worth a line.
        let has_any = locals.iter().any(|local| local.place.is_some());
        Some(if has_any { locals } else { Vec::new() })
    }

    /// With debug information compressed, if the link asked for that.
    pub fn compressed(self, plan: &PlanView<'_>, objects: &(impl Objects + Sync)) -> Result<Self> {
        if self.compression == Compression::None {
            return Ok(self);
        }
        let (bytes, rooms) = self.bytes(plan, objects).context("cannot link the debug information")?;
        let finished = self.sections.iter().zip(rooms).map(|((name, _), room)| {
            let wanted = if name.starts_with(".debug_") { self.compression } else { Compression::None };
            let compressed = compress::compressed(&bytes[room.clone()], ALIGN, wanted);
            let is_compressed = compressed.is_some();
            let bytes = compressed.unwrap_or_else(|| bytes[room].to_vec());
            (name.clone(), Finished { bytes, is_compressed })
        });
        Ok(Self { finished: finished.collect(), ..self })
    }

    /// All sections, one behind the other, none of them compressed; and where each is.
    fn bytes(
        &self,
        plan: &PlanView<'_>,
        objects: &(impl Objects + Sync),
    ) -> Result<(Vec<u8>, Vec<Range<usize>>)> {
        let mut bytes = vec![0; usize::try_from(self.size())?];
        let mut rooms = Vec::new();
        for (_, size) in &self.sections {
            let start = rooms.last().map_or(0, |room: &Range<usize>| room.end);
            rooms.push(start..start + *size as usize);
        }
        self.write_plain(plan, objects, &mut bytes, &rooms)?;
        Ok((bytes, rooms))
    }

    /// Headers with room for each section.
    pub fn headers(&self) -> impl Iterator<Item = SectionHeader<'static>> {
        self.sections.iter().map(|(name, size)| {
            let finished = self.finished.get(name);
            let is_compressed = finished.is_some_and(|section| section.is_compressed);
            let is_strings = self.tables.get(name).is_some_and(|table| table.size == *size);
            let strings = (u64::from(elf::SHF_MERGE | elf::SHF_STRINGS), 1);
            let (flags, entry_size) = if is_strings { strings } else { (0, 0) };
            let compressed = if is_compressed { u64::from(elf::SHF_COMPRESSED) } else { 0 };
            SectionHeader {
                name: name.clone().into(),
                kind: if self.notes.contains(name) { elf::SHT_NOTE } else { elf::SHT_PROGBITS },
                flags: flags | compressed,
                room: finished.map_or(*size, |section| section.bytes.len() as u64),
                align: if is_compressed { compress::ALIGN } else { ALIGN },
                entry_size,
                ..SectionHeader::default()
            }
        })
    }

    /// Writes the sections into the places in `file` that [`Self::headers`] got, in their order.
    pub fn write(
        &self,
        plan: &PlanView<'_>,
        objects: &(impl Objects + Sync),
        file: &mut [u8],
        rooms: &[Range<usize>],
    ) -> Result<()> {
        if self.finished.is_empty() {
            return self.write_plain(plan, objects, file, rooms);
        }
        for ((name, _), room) in self.sections.iter().zip(rooms) {
            if let Some(finished) = self.finished.get(name) {
                file[room.clone()].copy_from_slice(&finished.bytes);
            }
        }
        Ok(())
    }

    fn write_plain(
        &self,
        plan: &PlanView<'_>,
        objects: &(impl Objects + Sync),
        file: &mut [u8],
        rooms: &[Range<usize>],
    ) -> Result<()> {
        let mut shares: Vec<Vec<(usize, &mut [u8])>> = self.parts.iter().map(|_| Vec::new()).collect();
        let mut rest = file;
        let mut at = 0;
        for ((name, _), room) in self.sections.iter().zip(rooms) {
            let (_, behind) = rest.split_at_mut(room.start - at);
            let (mut section, behind) = behind.split_at_mut(room.len());
            (rest, at) = (behind, room.end);
            if let Some(table) = self.tables.get(name) {
                let (own, others) = section.split_at_mut(table.size as usize);
                section = others;
                table.write(&strings(&self.parts, name), own);
            }
            for (part, share) in self.parts.iter().zip(&mut shares) {
                let own = |content: &Content| {
                    content.name == *name && content.strings.is_none() && content.twin.is_none()
                };
                for (number, content) in part.contents.iter().filter(|(_, content)| own(content)) {
                    let (own, others) = section.split_at_mut(content.bytes.uncompressed_size as usize);
                    section = others;
                    share.push((*number, own));
                }
            }
        }
        self.parts.par_iter().zip(shares).try_for_each(|(part, share)| {
            let mut fields = BTreeMap::new();
            for (number, own) in share {
                own.copy_from_slice(&part.contents[&number].bytes.decompress()?);
                fields.insert(number, own);
            }
            relocate(self, part, &mut fields, plan, objects)
        })
    }
}

/// An object as it was linked: where it is, or where it is held; `None` if it was changed since and is not held.
pub fn object_data(state: &State, output_folder: &Path, number: u32) -> Result<Option<&'static [u8]>> {
    let object = state.object(number);
    if object.is_gone() {
        return Ok(None);
    }
    let file = state.file(object.file);
    let data_in = |path: &Path| -> Result<&'static [u8]> {
        let (whole, _) = mapped::map(path)?;
        match object.member.is_empty() {
            true => Ok(whole),
            false => Ok(Archive::parse(whole, &state.path(object.file))?.member_at(object.offset)?.data),
        }
    };
    let path = state.path(object.file);
    let is_same = |data: &&[u8]| reader::content_hash(data) == object.entry.content;
    if Fingerprint::at(&path).is_some_and(|now| file.fingerprint.may_be(&now)) {
        let data = data_in(&path)?;
        // Archives have too many objects to read them all; a single one may be unsettled.
        return Ok(Some(data).filter(|data| !object.member.is_empty() || is_same(data)));
    }
    // It was touched, or there is another one now, and a copy of this one.
    let pinned = pinned::path(output_folder, &file.fingerprint);
    Ok([path, pinned].iter().filter_map(|path| data_in(path).ok()).find(is_same))
}

/// Reads the debug sections of an object, if it is still what was linked.
fn read(state: &State, output_folder: &Path, number: u32, wanted: Wanted) -> Result<Option<Part>> {
    let data = object_data(state, output_folder, number)?;
    data.map(|data| part(data, number, wanted)).transpose()
}

/// What is wanted of an object's sections.
fn part(data: &'static [u8], number: u32, wanted: Wanted) -> Result<Part> {
    let header = File::parse(data)?;
    let sections = header.sections(ENDIAN, data)?;
    let symbols = sections.symbols(ENDIAN, data, elf::SHT_SYMTAB)?;
    let groups = groups(&sections, &symbols, data)?;
    let mut contents = BTreeMap::new();
    for (index, section) in sections.enumerate() {
        let name = sections.section_name(ENDIAN, section)?;
        let is_loaded = section.sh_flags(ENDIAN) & u64::from(elf::SHF_ALLOC) != 0;
        if index.0 == 0 || is_loaded && name != SCRIPTS.as_bytes() {
            continue;
        }
        let Some(name) = wanted_name(name, section, wanted) else { continue };
        let bytes = bytes_of(section, data).with_context(|| format!("section {name}"))?;
        let of_strings = u64::from(elf::SHF_MERGE | elf::SHF_STRINGS);
        // Scripts run in their order.
        let is_strings = section.sh_flags(ENDIAN) & of_strings == of_strings
            && section.sh_entsize(ENDIAN) == 1
            && name != SCRIPTS;
        let (kind, group) = (section.sh_type(ENDIAN), groups.get(&index.0).copied());
        let content = Content { name, kind, bytes, group, twin: None, is_strings, strings: None, offset: 0 };
        contents.insert(index.0, content);
    }
    Ok(Part { object: number, sections, symbols, data, contents })
}

/// For sections in COMDAT groups that have nothing of the program: a hash of the group's signature, and which of the group's
/// sections they are.
fn groups(
    sections: &SectionTable<'static, File>,
    symbols: &SymbolTable<'static, File>,
    data: &'static [u8],
) -> Result<HashMap<usize, (u64, usize)>> {
    let mut groups = HashMap::new();
    for (_, section) in sections.enumerate() {
        let Some((flags, members)) = section.group(ENDIAN, data)? else { continue };
        let members: Vec<usize> = members.iter().map(|member| member.get(ENDIAN) as usize).collect();
        let is_mapped = |member: &usize| {
            let section = sections.section(SectionIndex(*member));
            section.is_ok_and(|section| section.sh_flags(ENDIAN) & u64::from(elf::SHF_ALLOC) != 0)
        };
        if flags & elf::GRP_COMDAT == 0 || members.iter().any(is_mapped) {
            continue;
        }
        let symbol = symbols.symbol(SymbolIndex(section.sh_info(ENDIAN) as usize))?;
        let signature = match symbol.st_type() {
            elf::STT_SECTION => sections
                .section_name(ENDIAN, sections.section(SectionIndex(symbol.st_shndx(ENDIAN).into()))?)?,
            _ => symbol.name(ENDIAN, symbols.strings())?,
        };
        let signature = reader::name_hash(signature);
        groups.extend(members.into_iter().zip(0..).map(|(member, at)| (member, (signature, at))));
    }
    Ok(groups)
}

/// The bytes of a section, compressed or not.
fn bytes_of(
    section: &elf::SectionHeader64<LittleEndian>,
    data: &'static [u8],
) -> Result<CompressedData<'static>> {
    let Some((header, offset, size)) = section.compression(ENDIAN, data)? else {
        return Ok(CompressedData::none(section.data(ENDIAN, data)?));
    };
    // A byte cannot stand for more than so many (RFC 1951; of zstd, a block of 128 KiB has 4).
    let (format, most) = match object::read::elf::CompressionHeader::ch_type(header, ENDIAN) {
        elf::ELFCOMPRESS_ZLIB => (CompressionFormat::Zlib, 1032),
        elf::ELFCOMPRESS_ZSTD => (CompressionFormat::Zstandard, 1 << 15),
        _ => (CompressionFormat::Unknown, u64::MAX),
    };
    let uncompressed_size = object::read::elf::CompressionHeader::ch_size(header, ENDIAN);
    let data = data
        .get(offset as usize..offset.saturating_add(size) as usize)
        .context("it lies outside the file")?;
    let compressed = CompressedData { format, data, uncompressed_size };
    ensure!(uncompressed_size <= size.saturating_mul(most), "it has another size");
    // A size that is not true is found here, before the sections get their places.
    ensure!(compressed.decompress()?.len() as u64 == uncompressed_size, "it has another size");
    Ok(compressed)
}

/// Applies the relocations of a part's sections to their bytes.
fn relocate(
    linked: &Linked,
    part: &Part,
    contents: &mut BTreeMap<usize, &mut [u8]>,
    plan: &PlanView<'_>,
    objects: &impl Objects,
) -> Result<()> {
    let record = objects.object(part.object).context("a record of the index is gone")?;
    // Number in the object -> section of the record; and names of globals -> their numbers.
    let of_input = by_input(&record);
    let globals: HashMap<u32, u32> =
        record.globals.iter().zip(0..).map(|(global, index)| (global.input_index, index)).collect();
    let target = |symbol: &elf::Sym64<LittleEndian>, index: SymbolIndex, addend: i64| -> Option<u64> {
        let value = symbol.st_value(ENDIAN);
        if symbol.st_shndx(ENDIAN) == elf::SHN_ABS {
            return Some(value.wrapping_add_signed(addend));
        }
        let section = part.symbols.symbol_section(ENDIAN, symbol, index).ok()?;
        let Some(section) = section else {
            let global = globals.get(&(index.0 as u32))?;
            let slot = plan.slot_of(part.object, *global).filter(|slot| slot.value != 0)?;
            return Some(slot.value.wrapping_add_signed(addend));
        };
        if let Some(content) = part.contents.get(&section.0) {
            let twin =
                content.twin.and_then(|(part, section)| linked.parts.get(part)?.contents.get(&section));
            return twin.unwrap_or(content).place(value, symbol.st_type() == elf::STT_SECTION, addend);
        }
        let place = linked.place(plan, part.object, *of_input.get(&(section.0 as u32))?)?;
        Some(place.0.wrapping_add(value).wrapping_add_signed(addend))
    };

    for (_, table) in part.sections.enumerate() {
        let patched = table.sh_info(ENDIAN) as usize;
        let Some(bytes) = contents.get_mut(&patched) else { continue };
        if table.sh_type(ENDIAN) != elf::SHT_RELA {
            continue;
        }
        // A pair of zeroes would end a list of ranges, so what is not there is 1 in such lists.
        let nowhere =
            u64::from(matches!(part.contents[&patched].name.as_str(), ".debug_ranges" | ".debug_loc"));
        let Some((relocations, _)) = table.rela(ENDIAN, part.data)? else { continue };
        for relocation in relocations {
            let index = SymbolIndex(relocation.r_sym(ENDIAN, false) as usize);
            let symbol = part.symbols.symbol(index)?;
            let found = target(symbol, index, relocation.r_addend(ENDIAN));
            let (value, width) = match relocation.r_type(ENDIAN, false) {
                elf::R_X86_64_64 => (found.unwrap_or(nowhere), 8),
                elf::R_X86_64_32 => (found.unwrap_or(nowhere), 4),
                elf::R_X86_64_DTPOFF64 => (thread_offset(plan, found), 8),
                elf::R_X86_64_DTPOFF32 => (thread_offset(plan, found), 4),
                _ => continue,
            };
            let name = &part.contents[&patched].name;
            let fits = width == 8 || u32::try_from(value).is_ok();
            ensure!(fits, "section {name} refers beyond 4 GiB; compile less with -g, or with -gsplit-dwarf");
            let offset = usize::try_from(relocation.r_offset(ENDIAN)).ok();
            if let Some(field) = offset.and_then(|at| bytes.get_mut(at..at.checked_add(width)?)) {
                field.copy_from_slice(&value.to_le_bytes()[..width]);
            }
        }
    }
    Ok(())
}

/// The offset of a variable in the thread-local block, which debug information counts from its start.
fn thread_offset(plan: &PlanView<'_>, addr: Option<u64>) -> u64 {
    let start = plan.header.tls_start;
    addr.map_or(0, |addr| ImageAddr(addr).offset_from(start))
}
