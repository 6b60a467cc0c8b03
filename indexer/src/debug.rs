//! Debug information of a generation, linked when somebody asks for it.
//!
//! A link never reads debug sections. When the program opens its file of symbols (a backtrace does), the
//! loader has this command add them: each object's `.debug_*` sections one behind the other, relocated to where
//! the plan has the code. Objects that have changed since the link are left out: better no line than a wrong
//! one.

use crate::emit::SectionHeader;
use crate::index::opened::Executable;
use crate::index::pinned;
use crate::index::state::State;
use crate::inputs::archive::Archive;
use crate::inputs::mapped::{self, Fingerprint};
use crate::{object as reader, symbols};
use anyhow::{Context, Result, anyhow};
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, Rela, SectionHeader as _, SectionTable, Sym, SymbolTable};
use object::read::{CompressedData, CompressionFormat};
use object::{LittleEndian, SymbolIndex};
use rayon::prelude::*;
use shared::ImageAddr;
use shared::plan::{Objects, PlanView};
use std::collections::{BTreeMap, HashMap, HashSet};
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
    let (old, _) = mapped::map(&folder.join(symbols::SHARED))?;
    let sections = sections(&executable)?;
    let (plan, _, _) = executable.plan()?;
    let view = PlanView::new(&plan).map_err(|error| anyhow!("the plan is damaged: {error:?}"))?;
    let text = view.regions.get(crate::layout::TEXT).context("the plan has no code")?;
    // Whoever reads the file compares its CRC with the one that the executable names.
    let crc = State::open(folder).map_or(0, |state| state.changes.facts.symbols_crc as u32);
    let file = symbols::with_sections(old, (text.start, text.limit), &sections, crc)
        .context("the file of symbols is damaged")?;
    crate::index::write_file(&path, &[&file])?;
    crate::index::write_file(&folder.join(DONE), &[])
}

/// A section without an address, linked.
pub struct DebugSection {
    pub name: String,
    pub bytes: Vec<u8>,
}

impl DebugSection {
    pub fn header(&self) -> SectionHeader<'_> {
        SectionHeader {
            name: self.name.clone().into(),
            kind: elf::SHT_PROGBITS,
            data: &self.bytes,
            align: 1,
            ..SectionHeader::default()
        }
    }
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
struct Part<'a> {
    /// Its number in the plan.
    object: u32,
    sections: SectionTable<'a, File>,
    symbols: SymbolTable<'a, File>,
    data: &'a [u8],
    /// Number in the object -> name and contents.
    contents: BTreeMap<usize, (String, Vec<u8>)>,
    /// Number in the object -> offset in the linked section.
    offsets: HashMap<usize, u64>,
}

/// Links the debug information of an executable's objects.
pub fn sections(executable: &Executable) -> Result<Vec<DebugSection>> {
    let state = State::open(&executable.folder).context("the state of the link is damaged")?;
    let (plan, _, _) = executable.plan()?;
    let view = PlanView::new(&plan).map_err(|error| anyhow!("the plan is damaged: {error:?}"))?;
    let objects = executable.objects(view)?;
    let output_folder = executable.folder.parent().context("a generation without a folder")?;
    link(&state, &view, &objects, output_folder, Wanted::Debug)
}

/// Links the sections without an address of the objects of a plan. `output_folder` is where copies of them are held.
pub fn link(
    state: &State,
    view: &PlanView<'_>,
    objects: &(impl Objects + Sync),
    output_folder: &Path,
    wanted: Wanted,
) -> Result<Vec<DebugSection>> {
    // An object that cannot be read any more has no lines; the others do.
    let parts = (0..state.object_count())
        .into_par_iter()
        .filter_map(|object| read(state, output_folder, object, wanted).ok().flatten())
        .collect();
    join(parts, view, objects)
}

/// Links the debug information of one object; none if it has none, or was changed since.
pub fn of_object(
    state: &State,
    view: &PlanView<'_>,
    objects: &(impl Objects + Sync),
    output_folder: &Path,
    object: u32,
) -> Result<Vec<DebugSection>> {
    join(read(state, output_folder, object, Wanted::Debug)?.into_iter().collect(), view, objects)
}

/// Puts the sections of all parts one behind the other, and relocates them.
fn join(
    mut parts: Vec<Part<'static>>,
    view: &PlanView<'_>,
    objects: &(impl Objects + Sync),
) -> Result<Vec<DebugSection>> {
    // Who compiled is said once.
    let mut comments: HashSet<Vec<u8>> = HashSet::new();
    let mut sections: Vec<DebugSection> = Vec::new();
    let mut sizes: HashMap<String, u64> = HashMap::new();
    for part in &mut parts {
        part.contents.retain(|_, (name, bytes)| name != ".comment" || comments.insert(bytes.clone()));
        for (number, (name, contents)) in &part.contents {
            let size = match sizes.get_mut(name) {
                Some(size) => size,
                None => {
                    sections.push(DebugSection { name: name.clone(), bytes: Vec::new() });
                    sizes.entry(name.clone()).or_default()
                }
            };
            part.offsets.insert(*number, *size);
            *size += contents.len() as u64;
        }
    }
    parts.par_iter_mut().try_for_each(|part| relocate(part, view, objects))?;
    for section in &mut sections {
        section.bytes.reserve_exact(sizes[&section.name] as usize);
    }
    let index: HashMap<String, usize> =
        (0..).zip(&sections).map(|(at, section)| (section.name.clone(), at)).collect();
    for part in parts {
        for (name, contents) in part.contents.into_values() {
            sections[index[&name]].bytes.extend(contents);
        }
    }
    sections.retain(|section| !section.bytes.is_empty());
    Ok(sections)
}

/// An object as it was linked: where it is, or where it is held; `None` if it was changed since and is not held.
pub fn object_data(state: &State, output_folder: &Path, number: u32) -> Result<Option<&'static [u8]>> {
    let object = state.object(number);
    if object.is_gone() {
        return Ok(None);
    }
    let file = state.file(object.file);
    let mut path = file.path.to_owned();
    if !Fingerprint::at(&path).is_some_and(|now| file.fingerprint.may_be(&now)) {
        path = pinned::path(output_folder, &file.fingerprint);
        if !path.exists() {
            return Ok(None);
        }
    }
    let (whole, _) = mapped::map(&path)?;
    if !object.member.is_empty() {
        return Ok(Some(Archive::parse(whole, file.path)?.member_at(object.offset)?.data));
    }
    Ok((reader::content_hash(whole) == object.entry.content).then_some(whole))
}

/// Reads the debug sections of an object, if it is still what was linked.
fn read(state: &State, output_folder: &Path, number: u32, wanted: Wanted) -> Result<Option<Part<'static>>> {
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
            None => section.data(ENDIAN, data)?.to_vec(),
            Some((header, offset, size)) => {
                let format = match object::read::elf::CompressionHeader::ch_type(header, ENDIAN) {
                    elf::ELFCOMPRESS_ZLIB => CompressionFormat::Zlib,
                    elf::ELFCOMPRESS_ZSTD => CompressionFormat::Zstandard,
                    _ => CompressionFormat::Unknown,
                };
                let uncompressed_size = object::read::elf::CompressionHeader::ch_size(header, ENDIAN);
                let bytes = data
                    .get(offset as usize..offset.saturating_add(size) as usize)
                    .context("a section lies outside the file")?;
                CompressedData { format, data: bytes, uncompressed_size }.decompress()?.into_owned()
            }
        };
        contents.insert(index.0, (name, bytes));
    }
    if contents.is_empty() {
        return Ok(None);
    }
    Ok(Some(Part { object: number, sections, symbols, data, contents, offsets: HashMap::new() }))
}

/// Applies the relocations of a part's sections.
fn relocate(part: &mut Part<'_>, plan: &PlanView<'_>, objects: &impl Objects) -> Result<()> {
    let record = objects.object(part.object).context("a record of the index is gone")?;
    // Number in the object -> section of the record; and names of globals -> their numbers.
    let of_input: HashMap<u32, u32> =
        record.sections.iter().zip(0..).map(|(section, index)| (section.input_index, index)).collect();
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
        if let Some(offset) = part.offsets.get(&section.0) {
            return Some(offset + symbol.st_value(ENDIAN));
        }
        let placement = plan.placement(part.object, *of_input.get(&(section.0 as u32))?)?;
        placement.is_live().then(|| placement.addr().0 + symbol.st_value(ENDIAN))
    };

    let mut edits: Vec<(usize, u64, usize, u64)> = Vec::new();
    for (_, table) in part.sections.enumerate() {
        let target = table.sh_info(ENDIAN) as usize;
        let Some((name, _)) = part.contents.get(&target) else { continue };
        if table.sh_type(ENDIAN) != elf::SHT_RELA {
            continue;
        }
        // A pair of zeroes would end a list of ranges, so what is not there is 1 in such lists.
        let nowhere = u64::from(matches!(name.as_str(), ".debug_ranges" | ".debug_loc"));
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
            edits.push((target, relocation.r_offset(ENDIAN), width, value));
        }
    }
    for (section, offset, width, value) in edits {
        let Some((_, bytes)) = part.contents.get_mut(&section) else { continue };
        let field = usize::try_from(offset).ok().and_then(|at| bytes.get_mut(at..at.checked_add(width)?));
        if let Some(field) = field {
            field.copy_from_slice(&value.to_le_bytes()[..width]);
        }
    }
    Ok(())
}

/// The offset of a variable in the thread-local block, which debug information counts from its start.
fn thread_offset(plan: &PlanView<'_>, addr: Option<u64>) -> u64 {
    let start = plan.header.tls_start;
    addr.map_or(0, |addr| ImageAddr(addr).offset_from(start))
}
