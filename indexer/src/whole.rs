//! The image, rendered whole, as an ordinary ELF file that needs nothing of ours: a shared library, or a baked
//! executable.

use crate::debug::Linked;
use crate::emit::{PHDR, Phdr, SectionHeader, Sections, elf_header};
use crate::evident::used_symbols;
use crate::layout;
use crate::object::classify::class_name;
use crate::progress;
use crate::symbols;
use crate::synth::dynamic::DT_RELRSZ;
use anyhow::{Context, Result, anyhow};
use object::elf;
use rayon::prelude::*;
use shared::plan::{Objects, PlanView, RegionKind, RegionRec};
use shared::record::{Class, NONE};
use shared::render::{EH_HDR_HEAD, EH_HDR_ROW, RenderError, render};
use shared::{CHUNK, ImageAddr, PAGE};
use std::ops::{DerefMut, Range};

/// What is made of an image.
pub struct Whole<'a> {
    pub plan: PlanView<'a>,
    pub phdrs: Vec<Phdr>,
    /// `ET_EXEC` or `ET_DYN`.
    pub kind: u16,
    /// Where the program headers are in the file, which begins with the image's first page.
    pub phdrs_at: u64,
    /// Sections for debuggers.
    pub symbols: bool,
    pub debug: Linked,
    /// Pages in front of the first region's contents, instead of zeroes: a whole number of them.
    pub head: Vec<u8>,
}

/// Why a file could not be made.
pub enum Error {
    /// A relocation cannot be applied.
    Render(RenderError),
    Other(anyhow::Error),
}

impl Error {
    /// The error, in the words that `render` has for relocations.
    pub fn unless(self, render: impl FnOnce(RenderError) -> anyhow::Error) -> anyhow::Error {
        match self {
            Self::Render(error) => render(error),
            Self::Other(error) => error,
        }
    }
}

impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

impl From<RenderError> for Error {
    fn from(error: RenderError) -> Self {
        Self::Render(error)
    }
}

impl Whole<'_> {
    /// The bytes of the file.
    pub fn file(&self, objects: &(impl Objects + Sync)) -> Result<Vec<u8>, Error> {
        self.make(objects, |len| Ok(vec![0; len as usize]))
    }

    /// Makes the file in memory that `allocate` gives: so many zeroes.
    pub fn make<M: DerefMut<Target = [u8]>>(
        &self,
        objects: &(impl Objects + Sync),
        allocate: impl FnOnce(u64) -> Result<M>,
    ) -> Result<M, Error> {
        let places = self.places();
        let len = places.iter().map(|(region, offset)| offset + region.len()).max().unwrap_or(PAGE);
        let offset_of = |addr: ImageAddr| {
            let found = places.iter().find(|(region, _)| region.contains(addr));
            let zeroes = self.plan.regions.iter().find(|region| region.contains(addr));
            match (found, zeroes) {
                (Some((region, offset)), _) => offset + addr.offset_from(region.start),
                // What has no contents lies behind everything else, at a congruent offset.
                (None, Some(region)) => {
                    let gap = region.start.0.wrapping_sub(len) % self.align_of(region);
                    len + gap + addr.offset_from(region.start)
                }
                (None, None) => len,
            }
        };
        let mut parts = self.parts(objects, &offset_of);
        let section_of = |addr: u64| section_at(&parts, addr);
        let table = self.symbols.then(|| symbols::of_image(&self.plan, objects, &self.debug, &section_of));
        let mut phdrs: Vec<Phdr> = self.phdrs.iter().map(|phdr| self.placed(*phdr, &offset_of)).collect();
        if self.kind == elf::ET_EXEC {
            join_zeroes(&mut phdrs);
        }
        let mut header = elf_header(self.kind, self.plan.header.entry.0, self.phdrs_at, phdrs.len());
        header.resize(self.phdrs_at as usize, 0);
        header.extend(phdrs.iter().flat_map(Phdr::bytes));
        let len = len.max(header.len() as u64);
        // How large the file is does not depend on what is found in it.
        let end = self.sections(&parts, &table).tail(len).end;

        let mut file = allocate(end)?;
        let (regions, behind) = file.split_at_mut(len as usize);
        let rooms = self.sections(&parts, &table).tail(len).rooms;
        let rooms: Vec<_> =
            rooms.iter().map(|room| room.start - len as usize..room.end - len as usize).collect();
        let (rendered, written) = rayon::join(
            || self.regions(objects, &places, regions),
            || self.debug.write(&self.plan, objects, behind, &rooms),
        );
        rendered?;
        written.context("cannot link the debug information")?;
        let head = self.head.len().min(len as usize);
        file[..head].copy_from_slice(&self.head[..head]);
        file[..header.len()].copy_from_slice(&header);
        count_versions(&file, &mut parts);
        if self.kind == elf::ET_DYN {
            trim_relocations(&file, &mut parts);
        }
        number_dynamic_symbols(&mut file, &parts);
        let dynamic = parts.iter().find(|part| part.header.kind == elf::SHT_DYNSYM);
        let dynamic = dynamic.and_then(|part| file.get(part.range()?)).unwrap_or_default();
        if symbols::are_gnus(dynamic) || table.as_ref().is_some_and(|table| symbols::are_gnus(&table.0)) {
            file[EI_OSABI] = elf::ELFOSABI_GNU;
        }
        self.sections(&parts, &table).tail(len).write(&mut file);
        Ok(file)
    }

    /// All sections: those of the image, and behind them what debuggers read.
    fn sections<'a>(&self, parts: &[Part], table: &'a Option<(Vec<u8>, Vec<u8>, u32)>) -> Sections<'a> {
        let mut sections = Sections::default();
        parts.iter().for_each(|part| sections.push(part.header.clone()));
        if let Some((symbols, names, first_global)) = table {
            let number = parts.len() as u32 + 1;
            symbols::push_tables(&mut sections, symbols, names, (number + 1, *first_global));
        }
        self.debug.headers().for_each(|section| sections.push(section));
        sections
    }

    /// The tables of frames, by which debuggers unwind: where they are, and their bytes.
    pub fn frames(
        &self,
        objects: &impl Objects,
    ) -> Result<Vec<(SectionHeader<'static>, Vec<u8>)>, RenderError> {
        let parts = self.parts(objects, &|_| 0);
        let frames = parts.into_iter().map(|part| part.header).filter(|header| header.name == ".eh_frame");
        let rendered = frames.map(|header| {
            let mut bytes = vec![0; usize::try_from(header.size).unwrap_or(0)];
            render(&self.plan, objects, ImageAddr(header.addr), &mut bytes)?;
            Ok((header, bytes))
        });
        rendered.collect()
    }

    /// Renders the regions' contents, each at its place in the file.
    fn regions(
        &self,
        objects: &(impl Objects + Sync),
        places: &[(RegionRec, u64)],
        file: &mut [u8],
    ) -> Result<(), RenderError> {
        progress::phase("rendering", file.len() as u64 / CHUNK);
        for (region, offset) in places.iter().filter(|(region, _)| region.kind() != Some(RegionKind::Header))
        {
            let bytes = &mut file[*offset as usize..(offset + region.len()) as usize];
            bytes.par_chunks_mut(CHUNK as usize).enumerate().try_for_each(|(chunk, bytes)| {
                progress::advance(1);
                render(&self.plan, objects, region.start + chunk as u64 * CHUNK, bytes)
            })?;
        }
        Ok(())
    }

    /// The regions that have contents, with their offsets in the file.
    fn places(&self) -> Vec<(RegionRec, u64)> {
        let mut at = 0;
        let mut places = Vec::new();
        for region in self.plan.regions {
            if region.is_empty() || region.kind() == Some(RegionKind::Zero) {
                continue;
            }
            // Offset and address are congruent (gABI, "Program Header").
            let offset = at + region.start.0.wrapping_sub(at) % self.align_of(region);
            places.push((*region, offset));
            at = offset + region.len();
        }
        places
    }

    /// What the program header of a region says of its alignment.
    fn align_of(&self, region: &RegionRec) -> u64 {
        let load = self.phdrs.iter().find(|phdr| phdr.kind == elf::PT_LOAD && phdr.addr == region.start.0);
        load.map_or(PAGE, |load| load.align.max(PAGE))
    }

    /// A program header with its place in the file, and its size as it is now.
    fn placed(&self, mut phdr: Phdr, offset_of: &dyn Fn(ImageAddr) -> u64) -> Phdr {
        let region = self.plan.regions.iter().find(|region| region.start.0 == phdr.addr);
        if let Some(region) = region.filter(|_| matches!(phdr.kind, elf::PT_LOAD | elf::PT_GNU_RELRO)) {
            phdr.size = region.len();
            phdr.file_size = if region.kind() == Some(RegionKind::Zero) { 0 } else { region.len() };
        }
        if phdr.kind != elf::PT_GNU_STACK {
            phdr.offset = offset_of(ImageAddr(phdr.addr));
        }
        phdr
    }

    /// The sections of the image, by address: runs of blocks of one kind, and each of the linker's own.
    fn parts(&self, objects: &impl Objects, offset_of: &dyn Fn(ImageAddr) -> u64) -> Vec<Part> {
        let header = self.plan.header;
        let own = (self.plan.objects.len() as u32).wrapping_sub(1);
        let mut parts: Vec<Part> = Vec::new();
        if header.eh_rows != 0 {
            let size = EH_HDR_HEAD + header.eh_rows * EH_HDR_ROW;
            parts.push(Part::new(
                b".eh_frame_hdr",
                elf::SHT_PROGBITS,
                elf::SHF_ALLOC,
                header.eh_hdr.0,
                size,
                4,
            ));
        }
        let mut last = None;
        let mut left = FOR_DEBUGGERS.to_vec();
        for place in self.plan.blocks.iter().filter(|place| place.block != NONE) {
            let Some(object) = objects.object(place.object) else { continue };
            let Some(block) = object.blocks.get(place.block as usize) else { continue };
            let (first, sections) = object.sections_in(place.first, place.count);
            let live = sections.iter().enumerate().filter_map(|(index, section)| {
                let placement = self.plan.placement(place.object, (first + index) as u32)?;
                placement.is_live().then_some((placement.addr().0, section))
            });
            let Some(mut class) = Class::from_number(block.class) else { continue };
            let region = self.plan.region_at(place.addr);
            if class == Class::NamedRo && region.is_some_and(|region| region.prot & layout::WRITE != 0) {
                class = Class::NamedData;
            }
            if place.object == own {
                let symbols =
                    object.sections.iter().find(|section| object.string(section.name) == b".dynsym");
                let symbols = symbols.map_or(0, |section| used_symbols(object.data(section))) as u64;
                for (addr, section) in live.filter(|(_, section)| section.size != 0) {
                    let name = object.string(section.name);
                    let size = match name {
                        b".dynsym" => symbols * 24,
                        b".gnu.version" => symbols * 2,
                        _ => section.size,
                    };
                    let (kind, flags) = (own_kind(name), flags_of(class) | section.flags & elf::SHF_WRITE);
                    parts.push(Part::new(name, kind, flags, addr, size, section.align.into()));
                }
                last = None;
                continue;
            }
            let name = object.string(block.name);
            for (addr, section) in live {
                let align = u64::from(section.align);
                // Debuggers look for these by their names, and one of each says all.
                let own = object.string(section.name);
                let found = left.iter().position(|name| class == Class::RoData && *name == own);
                if let Some(name) = found.map(|at| left.swap_remove(at)) {
                    last = None;
                    parts.push(Part::new(name, elf::SHT_PROGBITS, elf::SHF_ALLOC, addr, section.size, align));
                    continue;
                }
                let name = if parts.len() < MOST_NAMED { name } else { b"" };
                let key = (class, name.to_vec());
                match parts.last_mut() {
                    Some(part) if last.as_ref() == Some(&key) => {
                        part.header.size = addr.wrapping_add(section.size).wrapping_sub(part.header.addr);
                        part.header.align = part.header.align.max(align);
                    }
                    _ => {
                        let name = if name.is_empty() { class_name(class).as_bytes() } else { name };
                        let flags = flags_of(class);
                        parts.push(Part::new(name, kind_of(class), flags, addr, section.size, align));
                        last = Some(key);
                    }
                }
            }
        }
        parts.retain(|part| part.header.size != 0);
        parts.sort_by_key(|part| part.header.addr);
        for part in &mut parts {
            part.header.offset = offset_of(ImageAddr(part.header.addr));
        }
        link_parts(&mut parts);
        parts
    }
}

/// What the addresses of static probes count from (`.note.stapsdt`, as SystemTap's sys/sdt.h writes it).
const FOR_DEBUGGERS: [&[u8]; 1] = [b".stapsdt.base"];

/// Of more sections, the rest has no names of its own: headers count them in 16 bits, of which the last numbers have another
/// meaning (gABI, "ELF Header", `e_shnum`).
const MOST_NAMED: usize = 60_000;

/// Makes one segment of data and the zeroes behind it, as other linkers do: tools look for `.bss` in one that has a file.
pub fn join_zeroes(phdrs: &mut Vec<Phdr>) {
    let is_data = |phdr: &Phdr| phdr.kind == elf::PT_LOAD && phdr.flags & elf::PF_W != 0;
    let Some(at) = phdrs.iter().rposition(is_data).filter(|at| *at > 0 && phdrs[*at].file_size == 0) else {
        return;
    };
    let zeroes = phdrs[at];
    let before = &mut phdrs[at - 1];
    if !is_data(before) || before.flags != zeroes.flags || before.addr > zeroes.addr {
        return;
    }
    before.size = zeroes.addr + zeroes.size - before.addr;
    phdrs.remove(at);
    let size = (phdrs.len() * PHDR) as u64;
    if let Some(table) = phdrs.iter_mut().find(|phdr| phdr.kind == elf::PT_PHDR) {
        (table.size, table.file_size) = (size, size);
    }
}

/// A section of the image.
struct Part {
    header: SectionHeader<'static>,
}

impl Part {
    fn new(name: &[u8], kind: u32, flags: u32, addr: u64, size: u64, align: u64) -> Self {
        let name = String::from_utf8_lossy(name).into_owned().into();
        let flags = u64::from(flags);
        Self { header: SectionHeader { name, kind, flags, addr, size, align, ..SectionHeader::default() } }
    }

    /// Where it is in the file; a record may say what it likes of its size.
    fn range(&self) -> Option<Range<usize>> {
        let start = usize::try_from(self.header.offset).ok()?;
        Some(start..start.checked_add(usize::try_from(self.header.size).ok()?)?)
    }
}

/// What sections say of each other (gABI, "sh_link and sh_info Interpretation").
fn link_parts(parts: &mut [Part]) {
    let number = |parts: &[Part], name: &str| {
        parts.iter().position(|part| part.header.name == name).map_or(0, |index| index as u32 + 1)
    };
    let (symbols, strings) = (number(parts, ".dynsym"), number(parts, ".dynstr"));
    let slots = number(parts, ".got.plt");
    for part in parts {
        let header = &mut part.header;
        (header.link, header.info, header.entry_size) = match &*header.name {
            ".dynsym" => (strings, 1, 24),
            ".dynamic" => (strings, 0, 16),
            ".gnu.hash" => (symbols, 0, 0),
            ".hash" => (symbols, 0, 4),
            ".gnu.version" => (symbols, 0, 2),
            ".gnu.version_d" | ".gnu.version_r" => (strings, 0, 0),
            ".rela.dyn" => (symbols, 0, 24),
            ".rela.plt" => (symbols, slots, 24),
            ".relr.dyn" => (0, 0, 8),
            ".plt" | ".plt.sec" => (0, 0, 16),
            ".got" | ".got.plt" | ".init_array" | ".fini_array" | ".preinit_array" => (0, 0, 8),
            _ => (0, 0, 0),
        };
        if header.name == ".rela.plt" {
            header.flags |= u64::from(elf::SHF_INFO_LINK);
        }
    }
}

/// Tells readers of the tables of versions how many records there are, each of which says where the next one is.
fn count_versions(file: &[u8], parts: &mut [Part]) {
    for part in parts {
        let next_at = match part.header.kind {
            elf::SHT_GNU_VERDEF => 16,
            elf::SHT_GNU_VERNEED => 12,
            _ => continue,
        };
        let mut at = part.header.offset as usize;
        loop {
            part.header.info += 1;
            let next = file
                .get(at + next_at..at + next_at + 4)
                .map_or(0, |next| u32::from_le_bytes([next[0], next[1], next[2], next[3]]) as usize);
            if next == 0 {
                break;
            }
            at += next;
        }
    }
}

/// The tables of relocations have room for more than `.dynamic` says.
fn trim_relocations(file: &[u8], parts: &mut [Part]) {
    let Some(dynamic) = parts.iter().find(|part| part.header.kind == elf::SHT_DYNAMIC) else { return };
    let bytes = dynamic.range().and_then(|range| file.get(range)).unwrap_or_default();
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
    let entries = bytes.chunks_exact(16);
    let entries: Vec<(u64, u64)> = entries.map(|entry| (word(&entry[..8]), word(&entry[8..]))).collect();
    for (name, tag) in [(".rela.dyn", elf::DT_RELASZ), (".relr.dyn", DT_RELRSZ)] {
        let size = entries.iter().find(|(known, _)| *known == u64::from(tag));
        let part = parts.iter_mut().find(|part| part.header.name == name);
        if let (Some((_, size)), Some(part)) = (size, part) {
            part.header.size = *size;
        }
    }
}

/// Type of one of the linker's own sections.
fn own_kind(name: &[u8]) -> u32 {
    match name {
        b".dynsym" => elf::SHT_DYNSYM,
        b".dynstr" => elf::SHT_STRTAB,
        b".dynamic" => elf::SHT_DYNAMIC,
        b".gnu.hash" => elf::SHT_GNU_HASH,
        b".hash" => elf::SHT_HASH,
        b".gnu.version" => elf::SHT_GNU_VERSYM,
        b".gnu.version_d" => elf::SHT_GNU_VERDEF,
        b".gnu.version_r" => elf::SHT_GNU_VERNEED,
        b".rela.dyn" | b".rela.plt" => elf::SHT_RELA,
        b".relr.dyn" => SHT_RELR,
        b".note.gnu.build-id" | b".note.gnu.property" => elf::SHT_NOTE,
        b".dynbss" | b"COMMON" => elf::SHT_NOBITS,
        _ => elf::SHT_PROGBITS,
    }
}

/// Byte of the ELF header that says which systems the file is for.
const EI_OSABI: usize = 7;

/// gABI, "Relative Relocation Table".
const SHT_RELR: u32 = 19;

fn kind_of(class: Class) -> u32 {
    match class {
        Class::Note => elf::SHT_NOTE,
        Class::TlsBss | Class::Bss => elf::SHT_NOBITS,
        Class::PreinitArray => elf::SHT_PREINIT_ARRAY,
        Class::InitArray => elf::SHT_INIT_ARRAY,
        Class::FiniArray => elf::SHT_FINI_ARRAY,
        _ => elf::SHT_PROGBITS,
    }
}

fn flags_of(class: Class) -> u32 {
    let own = match class {
        Class::DynamicTables
        | Class::Note
        | Class::NamedRo
        | Class::RoData
        | Class::EhFrame
        | Class::ExceptTable => 0,
        Class::Plt | Class::Init | Class::Text | Class::Fini | Class::NamedText => elf::SHF_EXECINSTR,
        Class::TlsData | Class::TlsBss => elf::SHF_WRITE | elf::SHF_TLS,
        _ => elf::SHF_WRITE,
    };
    elf::SHF_ALLOC | own
}

/// Number of the section that has an address, for symbols; of the last one before it if none has.
fn section_at(parts: &[Part], addr: u64) -> u16 {
    let behind = parts.partition_point(|part| part.header.addr <= addr);
    // Uninitialised thread-local storage takes no addresses.
    let has = |part: &Part| part.header.addr.saturating_add(part.header.size) > addr;
    let inside = parts[..behind].iter().rposition(has);
    inside.map_or(behind, |index| index + 1).clamp(1, 0xfeff) as u16
}

/// Tells readers of `.dynsym` which section each defined symbol is in.
fn number_dynamic_symbols(file: &mut [u8], parts: &[Part]) {
    let tls = parts.iter().position(|part| part.header.flags & u64::from(elf::SHF_TLS) != 0);
    let Some(table) = parts.iter().find(|part| part.header.kind == elf::SHT_DYNSYM) else { return };
    let symbols = table.range().and_then(|range| file.get_mut(range)).unwrap_or_default();
    for symbol in symbols.chunks_exact_mut(24) {
        let section = u16::from_le_bytes([symbol[6], symbol[7]]);
        if section == elf::SHN_UNDEF || section == elf::SHN_ABS {
            continue;
        }
        let value = u64::from_le_bytes(symbol[8..16].try_into().unwrap_or_default());
        let number = match (symbol[4] & 15, tls) {
            (elf::STT_TLS, Some(tls)) => tls as u16 + 1,
            _ => section_at(parts, value),
        };
        symbol[6..8].copy_from_slice(&number.to_le_bytes());
    }
}

/// A rendering error, in words.
pub fn failed(error: RenderError) -> anyhow::Error {
    anyhow!("cannot render: {error:?}")
}
