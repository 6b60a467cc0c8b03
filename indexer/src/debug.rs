//! Debug information of a generation, linked when somebody asks for it.
//!
//! A link never reads debug sections. When the program opens its file of symbols (a backtrace does), the
//! loader has this command add them: each object's `.debug_*` sections one behind the other, relocated to where
//! the plan has the code. Objects that have changed since the link are left out: better no line than a wrong
//! one.

use crate::emit::SectionHeader;
use crate::frames::debug_frame;
use crate::index::opened::Executable;
use crate::index::pinned;
use crate::index::state::State;
use crate::inputs::archive::Archive;
use crate::inputs::mapped::{self, Fingerprint};
use crate::whole::{self, Whole};
use crate::{object as reader, symbols};
use anyhow::{Context, Result, anyhow};
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, Rela, SectionHeader as _, SectionTable, Sym, SymbolTable};
use object::read::{CompressedData, CompressionFormat};
use object::{LittleEndian, SymbolIndex};
use rayon::prelude::*;
use shared::ImageAddr;
use shared::plan::{Objects, PlanView};
use shared::record::ObjectView;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::path::Path;

/// Word of the command line by which the loader calls the linker, with the folder of a generation.
pub const COMMAND: &str = "--unfold-debug";

/// File that says that the symbols have their debug information.
pub const DONE: &str = "symbols.debug";

type File = FileHeader64<LittleEndian>;
const ENDIAN: LittleEndian = LittleEndian;

/// Adds the debug information to the file of symbols of a generation.
pub fn complete(folder: &Path) -> Result<()> {
    if folder.join(DONE).exists() {
        return Ok(());
    }
    let executable = Executable::of_folder(folder)?;
    let path = folder.join(symbols::FILE);
    let linked = sections(&executable)?;
    let (plan, _, _) = executable.plan()?;
    let view = PlanView::new(&plan).map_err(|error| anyhow!("the plan is damaged: {error:?}"))?;
    let objects = executable.objects(view)?;
    // Whoever reads the file compares its CRC with the one that the executable names.
    let crc = State::open(folder).map_or(0, |state| state.changes.facts.symbols_crc as u32);
    let whole = Whole {
        plan: view,
        phdrs: Vec::new(),
        kind: elf::ET_EXEC,
        phdrs_at: 0,
        symbols: false,
        debug: Linked::default(),
        head: Vec::new(),
    };
    let mut frames = whole.frames(&objects).map_err(whole::failed)?;
    for (header, bytes) in &mut frames {
        *bytes = debug_frame(header.addr, bytes);
        *header =
            SectionHeader { name: ".debug_frame".into(), flags: 0, addr: 0, align: 8, ..header.clone() };
    }
    let write = |file: &mut [u8], rooms: &[Range<usize>]| {
        let (own, frame_rooms) = rooms.split_at(rooms.len() - frames.len());
        for ((_, bytes), room) in frames.iter().zip(frame_rooms) {
            file[room.clone()].copy_from_slice(bytes);
        }
        linked.write(&view, &objects, file, own)
    };
    let with_room = |(header, bytes): &(SectionHeader<'static>, Vec<u8>)| SectionHeader {
        room: bytes.len() as u64,
        offset: 0,
        ..header.clone()
    };
    let more = linked.headers().chain(frames.iter().map(with_room));
    // With the names of variables too: disassemblies show them.
    let more_count = linked.headers().count() + frames.len();
    let section_of = |addr| symbols::section_of(&view, more_count, addr);
    let table = symbols::of_image(&view, &objects, &linked, &section_of);
    let file = symbols::with_sections(&table, view.regions, more, write, crc)?;
    crate::index::write_file(&path, &[&file])?;
    crate::index::write_file(&folder.join(DONE), &[])
}

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
const NAMES: [&str; 15] = [
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
];

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
    bytes: CompressedData<'static>,
    /// Where it is in the linked section.
    offset: u64,
}

/// Sections without an address whose places are known, to be written where they are wanted.
#[derive(Default)]
pub struct Linked {
    parts: Vec<Part>,
    /// Names and sizes.
    sections: Vec<(String, u64)>,
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
    Ok(link(&state, output_folder, Wanted::Debug))
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
    let linked = join(read(state, output_folder, object, Wanted::Debug)?.into_iter().collect());
    let mut file = vec![0; linked.size() as usize];
    let mut rooms = Vec::new();
    for (_, size) in &linked.sections {
        let start = rooms.last().map_or(0, |room: &Range<usize>| room.end);
        rooms.push(start..start + *size as usize);
    }
    linked.write(view, objects, &mut file, &rooms)?;
    let sections = linked.sections.iter().zip(rooms);
    Ok(sections
        .map(|((name, _), room)| DebugSection { name: name.clone(), bytes: file[room].to_vec() })
        .collect())
}

/// Gives the sections without an address of a program's objects their places. `output_folder` is where copies of the
/// objects are held. One that cannot be read any more has no lines; the others do.
pub fn link(state: &State, output_folder: &Path, wanted: Wanted) -> Linked {
    let read = |object| read(state, output_folder, object, wanted).ok().flatten();
    join((0..state.object_count()).into_par_iter().filter_map(read).collect())
}

/// Puts the sections of all parts one behind the other.
fn join(mut parts: Vec<Part>) -> Linked {
    // Who compiled is said once.
    let mut comments: HashSet<Vec<u8>> = HashSet::new();
    let mut sections: Vec<(String, u64)> = Vec::new();
    let mut numbers: HashMap<String, usize> = HashMap::new();
    for part in &mut parts {
        part.contents
            .retain(|_, content| content.name != ".comment" || comments.insert(content.bytes.data.to_vec()));
        for content in part.contents.values_mut() {
            let number = *numbers.entry(content.name.clone()).or_insert_with(|| {
                sections.push((content.name.clone(), 0));
                sections.len() - 1
            });
            content.offset = sections[number].1;
            sections[number].1 += content.bytes.uncompressed_size;
        }
    }
    // What is empty has no section; and none has more than its form of offsets can say.
    sections.retain(|(_, size)| *size != 0);
    let names: HashSet<&str> = sections.iter().map(|(name, _)| name.as_str()).collect();
    for part in &mut parts {
        part.contents.retain(|_, content| names.contains(content.name.as_str()));
    }
    Linked { parts, sections }
}

impl Linked {
    /// Bytes of all sections.
    pub fn size(&self) -> u64 {
        self.sections.iter().map(|(_, size)| size).sum()
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
            let placement = plan.placement(object, *of_input.get(&(section.0 as u32))?)?;
            let place = placement.is_live().then(|| placement.addr().0 + symbol.st_value(ENDIAN))?;
            Some(Local { place: Some(place), ..local })
        };
        let locals: Vec<Local<'_>> = part.symbols.enumerate().filter_map(local).collect();
        // A file that has nothing else is not worth a line.
        let has_any = locals.iter().any(|local| local.place.is_some());
        Some(if has_any { locals } else { Vec::new() })
    }

    /// Headers with room for each section.
    pub fn headers(&self) -> impl Iterator<Item = SectionHeader<'static>> {
        self.sections.iter().map(|(name, size)| SectionHeader {
            name: name.clone().into(),
            kind: elf::SHT_PROGBITS,
            room: *size,
            align: 1,
            ..SectionHeader::default()
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
        let mut shares: Vec<Vec<(usize, &mut [u8])>> = self.parts.iter().map(|_| Vec::new()).collect();
        let mut rest = file;
        let mut at = 0;
        for ((name, _), room) in self.sections.iter().zip(rooms) {
            let (_, behind) = rest.split_at_mut(room.start - at);
            let (mut section, behind) = behind.split_at_mut(room.len());
            (rest, at) = (behind, room.end);
            for (part, share) in self.parts.iter().zip(&mut shares) {
                for (number, content) in part.contents.iter().filter(|(_, content)| content.name == *name) {
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
            relocate(part, &mut fields, plan, objects)
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
    let Some(data) = object_data(state, output_folder, number)? else { return Ok(None) };
    let header = File::parse(data)?;
    let sections = header.sections(ENDIAN, data)?;
    let symbols = sections.symbols(ENDIAN, data, elf::SHT_SYMTAB)?;
    let mut contents = BTreeMap::new();
    for (index, section) in sections.enumerate() {
        if index.0 == 0 || section.sh_flags(ENDIAN) & u64::from(elf::SHF_ALLOC) != 0 {
            continue;
        }
        let name = sections.section_name(ENDIAN, section)?;
        let Some(name) = wanted_name(name, section, wanted) else { continue };
        let bytes = match section.compression(ENDIAN, data)? {
            None => CompressedData::none(section.data(ENDIAN, data)?),
            Some((header, offset, size)) => {
                let format = match object::read::elf::CompressionHeader::ch_type(header, ENDIAN) {
                    elf::ELFCOMPRESS_ZLIB => CompressionFormat::Zlib,
                    elf::ELFCOMPRESS_ZSTD => CompressionFormat::Zstandard,
                    _ => CompressionFormat::Unknown,
                };
                let uncompressed_size = object::read::elf::CompressionHeader::ch_size(header, ENDIAN);
                let data = data
                    .get(offset as usize..offset.saturating_add(size) as usize)
                    .context("a section lies outside the file")?;
                let compressed = CompressedData { format, data, uncompressed_size };
                // A size that is not true is found here, before the sections get their places.
                anyhow::ensure!(
                    compressed.decompress()?.len() as u64 == uncompressed_size,
                    "a section has another size"
                );
                compressed
            }
        };
        contents.insert(index.0, Content { name, bytes, offset: 0 });
    }
    let is_wanted = !contents.is_empty() || wanted != Wanted::WithoutDebug;
    Ok(is_wanted.then_some(Part { object: number, sections, symbols, data, contents }))
}

/// Applies the relocations of a part's sections to their bytes.
fn relocate(
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
    let address = |symbol: &elf::Sym64<LittleEndian>, index: SymbolIndex| -> Option<u64> {
        if symbol.st_shndx(ENDIAN) == elf::SHN_ABS {
            return Some(symbol.st_value(ENDIAN));
        }
        let section = part.symbols.symbol_section(ENDIAN, symbol, index).ok()?;
        let Some(section) = section else {
            let global = globals.get(&(index.0 as u32))?;
            return plan.slot_of(part.object, *global).map(|slot| slot.value).filter(|value| *value != 0);
        };
        if let Some(content) = part.contents.get(&section.0) {
            return Some(content.offset + symbol.st_value(ENDIAN));
        }
        let placement = plan.placement(part.object, *of_input.get(&(section.0 as u32))?)?;
        placement.is_live().then(|| placement.addr().0 + symbol.st_value(ENDIAN))
    };

    for (_, table) in part.sections.enumerate() {
        let target = table.sh_info(ENDIAN) as usize;
        let Some(bytes) = contents.get_mut(&target) else { continue };
        if table.sh_type(ENDIAN) != elf::SHT_RELA {
            continue;
        }
        // A pair of zeroes would end a list of ranges, so what is not there is 1 in such lists.
        let nowhere =
            u64::from(matches!(part.contents[&target].name.as_str(), ".debug_ranges" | ".debug_loc"));
        let Some((relocations, _)) = table.rela(ENDIAN, part.data)? else { continue };
        for relocation in relocations {
            let index = SymbolIndex(relocation.r_sym(ENDIAN, false) as usize);
            let symbol = part.symbols.symbol(index)?;
            let sum = |value: u64| value.wrapping_add_signed(relocation.r_addend(ENDIAN));
            let found = address(symbol, index).map(sum);
            let (value, width) = match relocation.r_type(ENDIAN, false) {
                elf::R_X86_64_64 => (found.unwrap_or(nowhere), 8),
                elf::R_X86_64_32 => (found.unwrap_or(nowhere), 4),
                elf::R_X86_64_DTPOFF64 => (thread_offset(plan, found), 8),
                elf::R_X86_64_DTPOFF32 => (thread_offset(plan, found), 4),
                _ => continue,
            };
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
