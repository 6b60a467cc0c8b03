//! One relocatable object -> its record. All reading of relocatable ELF files is here.

pub mod build;
pub mod calls;
pub mod classify;
pub mod relocations;

use crate::HandOn;
use anyhow::{Context, Result, anyhow, bail};
use build::{RecordBuilder, Section, StringTables};
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, Rela, SectionHeader, SectionTable, Sym, SymbolTable};
use object::{LittleEndian, SectionIndex, SymbolIndex};
use relocations::{Refusal, Understood, understand};
use shared::edit::Kind;
use shared::record::{Class, Edit, FdeRec, GlobalRec, NONE, SymRef, flag, uses};
use xxhash_rust::xxh3;

type File = FileHeader64<LittleEndian>;
const ENDIAN: LittleEndian = LittleEndian;

/// Identity of what of an object its record is made of. Debug information, which no link reads, does not count.
pub fn content_hash(data: &[u8]) -> [u64; 2] {
    let mut hash = xxh3::Xxh3::new();
    if hash_sections(data, &mut hash).is_none() {
        hash.reset();
        hash.update(data);
    }
    let hash = hash.digest128();
    [hash as u64, (hash >> 64) as u64]
}

fn hash_sections(data: &[u8], hash: &mut xxh3::Xxh3) -> Option<()> {
    let header = File::parse(data).ok()?;
    let sections = header.sections(ENDIAN, data).ok()?;
    if overlap(&sections, data) {
        return None;
    }
    let is_allocated = |section: &elf::SectionHeader64<LittleEndian>| {
        section.sh_flags(ENDIAN) & u64::from(elf::SHF_ALLOC) != 0
    };
    for (index, section) in sections.enumerate() {
        let link = |number: u32| sections.section(SectionIndex(number as usize)).ok();
        let is_read = match section.sh_type(ENDIAN) {
            elf::SHT_RELA | elf::SHT_REL => link(section.sh_info(ENDIAN)).is_some_and(is_allocated),
            elf::SHT_SYMTAB | elf::SHT_STRTAB | elf::SHT_GROUP | elf::SHT_SYMTAB_SHNDX => true,
            _ => is_allocated(section),
        };
        // That a section is there may count although its bytes do not (`.note.GNU-stack`).
        let header =
            [section.sh_type(ENDIAN).into(), section.sh_flags(ENDIAN), section.sh_name(ENDIAN).into()];
        hash.update(shared::pod::bytes_of(&header));
        if is_read && index.0 != 0 {
            let rest = [
                section.sh_size(ENDIAN),
                section.sh_link(ENDIAN).into(),
                section.sh_info(ENDIAN).into(),
                section.sh_addralign(ENDIAN),
            ];
            hash.update(shared::pod::bytes_of(&rest));
            hash.update(section.data(ENDIAN, data).ok()?);
        }
    }
    Some(())
}

/// Identity of a symbol's name.
pub fn name_hash(name: &[u8]) -> u64 {
    xxh3::xxh3_64(name)
}

/// Makes the record of the object in `data`.
pub fn read(data: &[u8]) -> Result<Vec<u8>> {
    let mut record = Vec::new();
    append(data, &mut record)?;
    Ok(record)
}

/// Appends the record of the object in `data` to `out`, at a multiple of 16.
pub fn append(data: &[u8], out: &mut Vec<u8>) -> Result<()> {
    if crate::inputs::is_bitcode(data) {
        return Err(HandOn("LTO bitcode".into()).into());
    }
    let header = File::parse(data).context("file format not recognized")?;
    if header.e_machine(ENDIAN) != elf::EM_X86_64 || header.e_type(ENDIAN) != elf::ET_REL {
        bail!("is not a relocatable object for x86-64");
    }
    let sections = header.sections(ENDIAN, data)?;
    if overlap(&sections, data) {
        bail!("bad section headers: several sections have the same bytes of the file");
    }
    let symbols = sections.symbols(ENDIAN, data, elf::SHT_SYMTAB)?;
    let table = |index: SectionIndex| {
        let section = sections.section(index).ok()?;
        section.data(ENDIAN, data).ok().filter(|_| section.sh_type(ENDIAN) == elf::SHT_STRTAB)
    };
    let names = header.shstrndx(ENDIAN, data).ok().map(|index| SectionIndex(index as usize));
    let tables = [Some(symbols.string_section()), names].into_iter().flatten().filter_map(table);
    let builder = RecordBuilder::new(StringTables::new(tables));
    let mut reader = Reader { data, sections, symbols, builder, of_input: Vec::new() };
    reader.read_sections()?;
    reader.read_globals()?;
    reader.read_relocations()?;
    reader.read_frames()?;
    reader.builder.append_to(content_hash(data), out);
    Ok(())
}

/// Whether sections share bytes of the file, which they may not (gABI, "Sections"): what is read of an object that has many
/// would have no bound, nor would its record.
fn overlap(sections: &SectionTable<'_, File>, data: &[u8]) -> bool {
    let in_file = sections.iter().skip(1).filter_map(|section| section.file_range(ENDIAN));
    // What lies outside of the file is found out where it is read.
    let inside = in_file.filter(|(start, size)| start.saturating_add(*size) <= data.len() as u64);
    inside.map(|(_, size)| size).fold(0, u64::saturating_add) > data.len() as u64
}

/// How many bytes the names in a file may have together. One may be the end of another, so that they may have more than the
/// file; if all were the ends of one, reading them would take a time without bound.
pub struct Names(u64);

impl Names {
    pub fn of_file(data: &[u8]) -> Self {
        Self(64 * data.len() as u64)
    }

    /// Is told each name that is read.
    pub fn add(&mut self, name: &[u8]) -> Result<()> {
        self.0 =
            self.0.checked_sub(name.len() as u64).context("bad symbol names: they are one in another")?;
        Ok(())
    }
}

struct Reader<'a> {
    data: &'a [u8],
    sections: SectionTable<'a, File>,
    symbols: SymbolTable<'a, File>,
    builder: RecordBuilder<'a>,
    /// Number in the object's section table -> index of the record's section, or `NONE`.
    of_input: Vec<u32>,
}

impl<'a> Reader<'a> {
    fn name(&self, index: usize) -> Result<&'a [u8]> {
        let section = self.sections.section(SectionIndex(index))?;
        self.sections.section_name(ENDIAN, section).with_context(|| format!("section {index}: bad name"))
    }

    fn read_sections(&mut self) -> Result<()> {
        let groups = self.read_groups()?;
        let mut found = Vec::new();
        let (mut has_sections, mut has_stack_note) = (false, false);
        for (index, section) in self.sections.enumerate() {
            let index = index.0;
            let kind = section.sh_type(ENDIAN);
            if index == 0 || matches!(kind, elf::SHT_NULL | elf::SHT_GROUP | elf::SHT_SYMTAB_SHNDX) {
                continue;
            }
            // What only serves the others: of those alone GNU ld makes no object that could ask for a stack.
            if matches!(kind, elf::SHT_SYMTAB | elf::SHT_STRTAB | elf::SHT_RELA | elf::SHT_REL) {
                continue;
            }
            has_sections = true;
            let name = self.name(index)?;
            if name == b".note.GNU-stack" {
                has_stack_note = true;
                if section.sh_flags(ENDIAN) & u64::from(elf::SHF_EXECINSTR) != 0 {
                    self.builder.flags |= flag::EXEC_STACK;
                }
            }
            if section.sh_flags(ENDIAN) & u64::from(elf::SHF_ALLOC) == 0 {
                if name.starts_with(b".gnu.lto_.lto") || name.starts_with(b".gnu.lto_.decls") {
                    return Err(HandOn("object for link-time optimisation".into()).into());
                }
                if name.starts_with(b".debug_info") {
                    self.builder.flags |= flag::DEBUG;
                }
                continue;
            }
            if kind == elf::SHT_NOTE && name == b".note.gnu.property" {
                self.builder.flags |= self.properties(section)?;
            }
            let Some(home) = classify::home(name, kind, section.sh_flags(ENDIAN)) else { continue };
            let data = section
                .data(ENDIAN, self.data)
                .map_err(|_| anyhow!("section {}: lies outside the file", show(name)))?;
            let size = section.sh_size(ENDIAN);
            // Four zero bytes end a list of frames, so there may be no gaps between its parts.
            let align = if home.class == Class::EhFrame { 4 } else { section.sh_addralign(ENDIAN).max(1) };
            if !align.is_power_of_two() || align > MOST_ALIGN {
                bail!("section {}: bad alignment {align}", show(name));
            }
            if size > u64::from(u32::MAX) {
                bail!("section {}: too large ({size} bytes)", show(name));
            }
            if section.sh_flags(ENDIAN) & u64::from(elf::SHF_EXECINSTR) != 0
                && self.builder.flags & flag::SYSTEM_CALLS == 0
                && calls::may_be_about_signals(data)
            {
                self.builder.flags |= flag::SYSTEM_CALLS;
            }
            let group = match groups[index] {
                0 if name.starts_with(b".gnu.linkonce.") => self.builder.group(name),
                group => group,
            };
            found.push(Section {
                home,
                name,
                size,
                data,
                align: align as u32,
                group,
                input_index: index as u32,
                flags: section.sh_flags(ENDIAN) as u32,
                edits: 0..0,
            });
        }
        if has_sections && !has_stack_note {
            self.builder.flags |= flag::NO_STACK_NOTE;
        }
        // Blocks are runs of sections of one class, priority and name; inside, the object's own order counts.
        found.sort_by(Section::order);
        self.of_input = vec![NONE; self.sections.len()];
        for (index, section) in found.iter().enumerate() {
            self.of_input[section.input_index as usize] = index as u32;
        }
        self.builder.sections = found;
        Ok(())
    }

    /// What `.note.gnu.property` says of the object, as flags.
    fn properties(&self, section: &elf::SectionHeader64<LittleEndian>) -> Result<u64> {
        let mut flags = 0;
        let Some(mut notes) = section.notes(ENDIAN, self.data)? else { return Ok(0) };
        while let Some(note) = notes.next()? {
            let Some(mut properties) = note.gnu_properties(ENDIAN) else { continue };
            while let Some(property) = properties.next()? {
                let value = property.data_u32(ENDIAN).unwrap_or(0);
                flags |= match property.pr_type() {
                    elf::GNU_PROPERTY_X86_FEATURE_1_AND => u64::from(value & 3) << flag::FEATURES_SHIFT,
                    elf::GNU_PROPERTY_X86_ISA_1_NEEDED => u64::from(value) << flag::ISA_SHIFT,
                    _ => 0,
                };
            }
        }
        Ok(flags)
    }

    /// For each section the COMDAT group that it is in (index + 1), or 0.
    fn read_groups(&mut self) -> Result<Vec<u32>> {
        let mut groups = vec![0; self.sections.len()];
        for (index, section) in self.sections.enumerate() {
            let Some((flags, members)) = section.group(ENDIAN, self.data)? else { continue };
            if flags & elf::GRP_COMDAT == 0 {
                continue;
            }
            let symbol = self.symbols.symbol(SymbolIndex(section.sh_info(ENDIAN) as usize))?;
            let mut signature = symbol.name(ENDIAN, self.symbols.strings())?;
            if symbol.st_type() == elf::STT_SECTION {
                signature = self.name(usize::from(symbol.st_shndx(ENDIAN)))?;
            }
            let group = self.builder.group(signature);
            for member in members {
                let member = member.get(ENDIAN) as usize;
                *groups.get_mut(member).with_context(|| format!("group {}: bad member", index.0))? = group;
            }
        }
        Ok(groups)
    }

    /// The record's section for a symbol: an index, or one of the special numbers of `GlobalRec`.
    fn section_of(&self, symbol: &elf::Sym64<LittleEndian>, index: SymbolIndex) -> Result<u32> {
        Ok(match symbol.st_shndx(ENDIAN) {
            elf::SHN_UNDEF => GlobalRec::UNDEFINED,
            elf::SHN_ABS => GlobalRec::ABSOLUTE,
            elf::SHN_COMMON => GlobalRec::COMMON,
            _ => {
                let section = self
                    .symbols
                    .symbol_section(ENDIAN, symbol, index)?
                    .with_context(|| format!("symbol {}: bad section", index.0))?;
                match self.of_input.get(section.0) {
                    Some(&NONE) => GlobalRec::DISCARDED,
                    Some(&found) => found,
                    None => bail!("symbol {}: section {} does not exist", index.0, section.0),
                }
            }
        })
    }

    fn read_globals(&mut self) -> Result<()> {
        self.builder.symref_of = vec![NONE; self.symbols.len()];
        let mut names = Names::of_file(self.data);
        for (index, symbol) in self.symbols.enumerate() {
            if index.0 == 0 {
                continue;
            }
            if symbol.st_bind() == elf::STB_LOCAL {
                if symbol.st_type() == elf::STT_FUNC {
                    let name = symbol.name(ENDIAN, self.symbols.strings())?;
                    names.add(name)?;
                    let section = self.section_of(symbol, index)?;
                    if section < GlobalRec::DISCARDED {
                        let (value, size) = (symbol.st_value(ENDIAN), symbol.st_size(ENDIAN));
                        self.builder.add_function(name, section, value, size);
                    }
                }
                continue;
            }
            let name = symbol.name(ENDIAN, self.symbols.strings())?;
            names.add(name)?;
            if name == b"__gnu_lto_slim" {
                return Err(HandOn("object for link-time optimisation".into()).into());
            }
            if name.is_empty() {
                continue;
            }
            let section = self.section_of(symbol, index)?;
            if section == GlobalRec::COMMON {
                let (size, align) = (symbol.st_size(ENDIAN), symbol.st_value(ENDIAN).max(1));
                if size > u64::from(u32::MAX) || !align.is_power_of_two() || align > MOST_ALIGN {
                    bail!("common symbol {}: bad size {size} or alignment {align}", show(name));
                }
            }
            // `name@@version` defines what a reference without a version means; `name@version` stays a name of
            // its own.
            let at = name.iter().position(|byte| *byte == b'@').filter(|at| *at > 0);
            let is_default = at.is_some_and(|at| name[at..].starts_with(b"@@"));
            if let Some(at) = at.filter(|_| section != GlobalRec::UNDEFINED) {
                let version = &name[at + if is_default { 2 } else { 1 }..];
                self.builder.add_version(version, is_default);
            }
            let name = if is_default { &name[..at.unwrap_or(name.len())] } else { name };
            self.builder.add_global(
                name,
                index.0,
                GlobalRec {
                    hash: name_hash(name),
                    value: symbol.st_value(ENDIAN),
                    size: symbol.st_size(ENDIAN),
                    section,
                    binding: symbol.st_bind(),
                    kind: symbol.st_type(),
                    visibility: symbol.st_visibility(),
                    input_index: index.0 as u32,
                    ..GlobalRec::default()
                },
            )?;
        }
        Ok(())
    }

    fn read_relocations(&mut self) -> Result<()> {
        let sizes = self.sections.iter().filter(|table| table.sh_type(ENDIAN) == elf::SHT_RELA);
        let total: u64 = sizes.map(|table| table.sh_size(ENDIAN) / RELA).sum();
        // Sizes may lie; those of debug information are counted in vain.
        self.builder.edits.reserve(total.min(self.data.len() as u64 / RELA) as usize);
        for (_, table) in self.sections.enumerate() {
            let target = table.sh_info(ENDIAN) as usize;
            let section = match (table.sh_type(ENDIAN), self.of_input.get(target)) {
                (elf::SHT_RELA, Some(&section)) if section != NONE && target != 0 => section,
                (elf::SHT_REL, Some(&section)) if section != NONE && target != 0 => {
                    bail!("section {}: relocations without addends", show(self.name(target)?))
                }
                _ => continue,
            };
            let (relocations, _) =
                table.rela(ENDIAN, self.data)?.context("relocation section: lies outside the file")?;
            if !self.builder.sections[section as usize].edits.is_empty() {
                bail!("section {}: it has more than one table of relocations", show(self.name(target)?));
            }
            let first = self.builder.edits.len() as u32;
            if relocations.is_sorted_by_key(|relocation| relocation.r_offset(ENDIAN)) {
                self.read_table(section, relocations)?;
            } else {
                let mut relocations = relocations.to_vec();
                relocations.sort_by_key(|relocation| relocation.r_offset(ENDIAN));
                self.read_table(section, &relocations)?;
            }
            self.builder.sections[section as usize].edits = first..self.builder.edits.len() as u32;
        }
        self.builder.reverse_old_arrays();
        Ok(())
    }

    fn read_table(&mut self, section: u32, relocations: &[elf::Rela64<LittleEndian>]) -> Result<()> {
        let mut is_call = false;
        for relocation in relocations {
            if let Some((edit, call_follows)) = self.read_relocation(section, relocation, is_call)? {
                self.builder.edits.push(edit);
                is_call = call_follows;
            }
        }
        Ok(())
    }

    fn read_relocation(
        &mut self,
        section: u32,
        relocation: &elf::Rela64<LittleEndian>,
        is_call: bool,
    ) -> Result<Option<(Edit, bool)>> {
        let here = &self.builder.sections[section as usize];
        let (code, name, size) = (here.data, here.name, here.size);
        let writable = here.flags & elf::SHF_WRITE != 0;
        let offset = relocation.r_offset(ENDIAN);
        let place = || format!("({}+{offset:#x})", show(name));
        if offset >= size || code.is_empty() {
            bail!("{}: relocation lies outside its section", place());
        }
        let kind = relocation.r_type(ENDIAN, false);
        let understood = understand(kind, code, offset as usize, writable).and_then(|found| match found {
            Some(call) if is_call => call.as_thread_local_call().map(Some),
            found => Ok(found),
        });
        let understood = match understood {
            Ok(None) => return Ok(None),
            Ok(Some(understood)) => understood,
            // The psABI has more than compilers write; the system's linker may know them.
            Err(refusal) => {
                let name = relocations::name(kind);
                let why = match refusal {
                    Refusal::UnknownType => format!("{}: unsupported {name}", place()),
                    Refusal::UnknownSequence => {
                        format!("{}: {name} is not part of a known code sequence", place())
                    }
                };
                if kind <= LAST_TYPE {
                    return Err(HandOn(why).into());
                }
                bail!(why);
            }
        };
        if offset + width(understood.kind) > size {
            bail!("{}: relocation lies outside its section", place());
        }
        if matches!(understood.kind, Kind::TlsLd | Kind::TlsLdIndirect) {
            self.builder.flags |= flag::TLS_MODULE;
        }
        let symbol = SymbolIndex(relocation.r_sym(ENDIAN, false) as usize);
        let symref = self.symref(symbol, &understood).with_context(place)?;
        if symref as usize >= Edit::MAX_SYMBOLS {
            bail!("{}: too many symbols", place());
        }
        let edit = Edit::new(offset as u32, understood.kind, symref, relocation.r_addend(ENDIAN));
        Ok(Some((edit, understood.call_follows)))
    }

    /// The index of what a relocation refers to; notes how it is used.
    fn symref(&mut self, index: SymbolIndex, understood: &Understood) -> Result<u32> {
        if index.0 == 0 {
            return Ok(self.builder.add_symref(SymRef { section: SymRef::ABSOLUTE, ..SymRef::default() }));
        }
        let symbol = self.symbols.symbol(index)?;
        let used = understood.uses | uses::REFERRED;
        let needs_slot = understood.uses & NEEDS_SLOT != 0 || symbol.st_type() == elf::STT_GNU_IFUNC;
        let known = self.builder.symref_of[index.0];
        if symbol.st_bind() != elf::STB_LOCAL {
            if known == NONE {
                bail!("symbol {} has no name", index.0);
            }
            self.builder.use_global(known, used);
            return Ok(known);
        }
        let section = self.section_of(symbol, index)?;
        let flags = [
            (uses::ABS32, flag::LOCAL_ABS32),
            (uses::ABS64_READ_ONLY, flag::LOCAL_ABS64_READ_ONLY),
            (uses::TLS_LOCAL, flag::LOCAL_TLS),
        ];
        let flags = flags.iter().filter(|(used, _)| understood.uses & used != 0);
        if section < GlobalRec::DISCARDED {
            self.builder.flags |= flags.fold(0, |all, (_, flag)| all | flag);
        }
        if known != NONE && (!needs_slot || self.builder.is_global(known)) {
            if self.builder.is_global(known) {
                self.builder.use_global(known, used);
            }
            return Ok(known);
        }
        if needs_slot && section < GlobalRec::DISCARDED {
            // A local symbol that has a GOT or PLT entry is treated as a global one without a name.
            let global = GlobalRec {
                value: symbol.st_value(ENDIAN),
                size: symbol.st_size(ENDIAN),
                section,
                uses: used,
                binding: elf::STB_LOCAL,
                kind: symbol.st_type(),
                input_index: index.0 as u32,
                ..GlobalRec::default()
            };
            return self.builder.add_global(b"", index.0, global);
        }
        let value = symbol.st_value(ENDIAN);
        let symref = match section {
            GlobalRec::ABSOLUTE => SymRef { section: SymRef::ABSOLUTE, global: 0, value },
            GlobalRec::UNDEFINED | GlobalRec::COMMON => bail!("local symbol {} is not defined", index.0),
            GlobalRec::DISCARDED => SymRef { section: SymRef::DISCARDED, global: 0, value },
            _ => SymRef { section, global: 0, value },
        };
        let number = self.builder.add_symref(symref);
        self.builder.symref_of[index.0] = number;
        Ok(number)
    }

    /// Finds the frame descriptions in `.eh_frame` and the code that each is about (LSB, "Exception Frames").
    fn read_frames(&mut self) -> Result<()> {
        let mut frames = Vec::new();
        for (index, section) in self.builder.sections.iter().enumerate() {
            if section.home.class != Class::EhFrame {
                continue;
            }
            let mut at = 0usize;
            let mut edits = self.builder.edits_of(section);
            let word = |at: usize| {
                section
                    .data
                    .get(at..at + 4)
                    .map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
            };
            while let Some(len) = word(at) {
                if len == 0 {
                    break;
                }
                let id_at = at + 4;
                let next = id_at + len as usize;
                if len == u32::MAX || len < 4 || next > section.data.len() {
                    bail!("(.eh_frame+{at:#x}): bad frame description");
                }
                if word(id_at) != Some(0)
                    && let Some((code, offset)) = self.frame_target(&mut edits, at + 8)
                {
                    frames.push(FdeRec {
                        section: code,
                        offset,
                        eh_section: index as u32,
                        eh_offset: at as u32,
                    });
                }
                at = next;
            }
        }
        frames.sort_unstable_by_key(|frame| (frame.section, frame.offset, frame.eh_section, frame.eh_offset));
        self.builder.fdes = frames;
        Ok(())
    }

    /// The section of this object that the `initial_location` at `at` refers to, and the offset in it. `edits`:
    /// those of the section from here on.
    fn frame_target(&self, edits: &mut &[Edit], at: usize) -> Option<(u32, u32)> {
        let passed = edits.iter().take_while(|edit| (edit.offset as usize) < at).count();
        *edits = &edits[passed..];
        let edit = edits.first().filter(|edit| edit.offset as usize == at)?;
        let symref = &self.builder.symrefs[edit.symbol() as usize];
        let (code, value) = match symref.section {
            SymRef::GLOBAL => {
                let global = &self.builder.globals[symref.global as usize];
                (global.section, global.value)
            }
            section => (section, symref.value),
        };
        let offset = value.wrapping_add_signed(edit.addend);
        (code < GlobalRec::DISCARDED).then_some((code, u32::try_from(offset).ok()?))
    }
}

/// Uses for which even a local symbol needs a slot of its own: in an executable, or in a shared library.
const NEEDS_SLOT: u32 = uses::GOT
    | uses::TLS_INITIAL
    | uses::TLS_INITIAL_FIXED
    | uses::TLS_DYNAMIC
    | uses::TLS_DESCRIPTOR
    | uses::TLS_CALL_INDIRECT;

/// `R_X86_64_CODE_6_GOTPC32_TLSDESC`, the last of the psABI's relocation types.
const LAST_TYPE: u32 = 51;

/// The largest alignment of a section or a symbol.
const MOST_ALIGN: u64 = 1 << 30;

/// Bytes of an `Elf64_Rela`.
const RELA: u64 = 24;

/// Bytes that an edit needs from its field on, inside the section.
fn width(kind: Kind) -> u64 {
    match kind {
        Kind::Abs64
        | Kind::Pc64
        | Kind::GotPcRel64
        | Kind::Got64
        | Kind::GotOff64
        | Kind::GotPc64
        | Kind::PltOff64
        | Kind::TpOff64
        | Kind::DtpOff64 => 8,
        Kind::Abs16 | Kind::Pc16 | Kind::TlsDescCall => 2,
        Kind::Abs8 | Kind::Pc8 => 1,
        Kind::TlsGd => 12,
        Kind::TlsLd => 9,
        Kind::TlsLdIndirect => 10,
        _ => 4,
    }
}

/// A name in a message.
pub fn show(name: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(name)
}
