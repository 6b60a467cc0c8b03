//! What the linker itself puts into the image: tables for the dynamic linker, GOT, PLT, copies, common
//! symbols. It becomes an object like any other, with a record of its own, so that one engine renders all.
//!
//! Sizes are known before layout ([`Synth::measure`]), contents after it ([`Synth::record`]). Contents that
//! follow a symbol which a relink may move are edits, not numbers.

mod contents;
pub mod gnu_hash;
pub mod strings;
pub mod versions;

use crate::args::Request;
use crate::inputs::Inputs;
use crate::layout::Layout;
use crate::object::build::{RecordBuilder, Section};
use crate::object::classify::Home;
use crate::resolve::needs::Needs;
use crate::resolve::{Definition, Resolution, SymbolId};
use object::elf;
use shared::ImageAddr;
use shared::addr::align_up;
use shared::plan::HOOKS;
use shared::record::{Class, GlobalRec, NONE};
use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use strings::Strings;
use versions::Versions;

/// The sections that the linker makes, in the order of their addresses inside each class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    Interp,
    GnuHash,
    DynSym,
    DynStr,
    VerSym,
    VerNeed,
    RelaDyn,
    RelaPlt,
    BuildId,
    Plt,
    Dynamic,
    Got,
    GotPlt,
    Hooks,
    Copies,
    Commons,
}

impl Part {
    pub const ALL: [Self; 16] = [
        Self::Interp,
        Self::GnuHash,
        Self::DynSym,
        Self::DynStr,
        Self::VerSym,
        Self::VerNeed,
        Self::RelaDyn,
        Self::RelaPlt,
        Self::BuildId,
        Self::Plt,
        Self::Dynamic,
        Self::Got,
        Self::GotPlt,
        Self::Hooks,
        Self::Copies,
        Self::Commons,
    ];

    fn class(self) -> Class {
        match self {
            Self::BuildId => Class::Note,
            Self::Plt => Class::Plt,
            Self::Dynamic => Class::Dynamic,
            Self::Got | Self::GotPlt | Self::Hooks => Class::Got,
            Self::Copies | Self::Commons => Class::Bss,
            _ => Class::DynamicTables,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Interp => ".interp",
            Self::GnuHash => ".gnu.hash",
            Self::DynSym => ".dynsym",
            Self::DynStr => ".dynstr",
            Self::VerSym => ".gnu.version",
            Self::VerNeed => ".gnu.version_r",
            Self::RelaDyn => ".rela.dyn",
            Self::RelaPlt => ".rela.plt",
            Self::BuildId => ".note.gnu.build-id",
            Self::Plt => ".plt",
            Self::Dynamic => ".dynamic",
            Self::Got => ".got",
            Self::GotPlt => ".got.plt",
            Self::Hooks => ".unfold.hooks",
            Self::Copies => ".dynbss",
            Self::Commons => "COMMON",
        }
    }
}

/// Bytes of a PLT entry, of a symbol, and of a relocation.
pub const PLT_ENTRY: u64 = 16;
const SYMBOL: u64 = 24;
pub const RELA: u64 = 24;

/// Relocations of `.rela.dyn` that a relink can use.
const SPARE_RELOCATIONS: usize = 64;

/// One symbol of `.dynsym`.
struct DynamicSymbol {
    id: SymbolId,
    name: u32,
    info: u8,
    other: u8,
    defined: bool,
    size: u64,
    version: u16,
}

pub struct Synth<'a> {
    request: &'a Request,
    needs: &'a Needs,
    symbols: Vec<DynamicSymbol>,
    symbol_index: HashMap<SymbolId, u32>,
    strings: Strings,
    versions: Versions,
    version_table: Vec<u8>,
    hash_table: Vec<u8>,
    libraries: Vec<u32>,
    runpath: Option<u32>,
    plt_index: HashMap<SymbolId, u64>,
    hooks: &'a [Option<SymbolId>],
    /// Offsets in [`Part::Copies`] and [`Part::Commons`].
    copy_offsets: HashMap<SymbolId, u64>,
    common_offsets: HashMap<SymbolId, u64>,
    sizes: [u64; Part::ALL.len()],
    aligns: [u64; Part::ALL.len()],
    build_id: Vec<u8>,
    init: Option<SymbolId>,
    fini: Option<SymbolId>,
    arrays: [u64; 3],
    /// Index of each part's section in the record.
    section_of: HashMap<Part, u32>,
}

/// Bytes of a build ID, as many as GNU ld writes.
const BUILD_ID: usize = 20;

impl<'a> Synth<'a> {
    /// Decides everything but addresses.
    pub fn measure(
        request: &'a Request,
        resolution: &Resolution<'_>,
        needs: &'a Needs,
        inputs: &'a Inputs,
        hooks: &'a [Option<SymbolId>],
        build_id: [u64; 2],
    ) -> Self {
        let mut synth = Self {
            request,
            needs,
            symbols: Vec::new(),
            symbol_index: HashMap::new(),
            strings: Strings::default(),
            versions: Versions::default(),
            version_table: Vec::new(),
            hash_table: Vec::new(),
            libraries: Vec::new(),
            runpath: None,
            plt_index: HashMap::new(),
            hooks,
            copy_offsets: HashMap::new(),
            common_offsets: HashMap::new(),
            sizes: [0; Part::ALL.len()],
            aligns: [8; Part::ALL.len()],
            build_id: Vec::new(),
            init: defined(resolution, request.init.as_bytes()),
            fini: defined(resolution, request.fini.as_bytes()),
            arrays: [Class::PreinitArray, Class::InitArray, Class::FiniArray]
                .map(|class| array_size(resolution, class)),
            section_of: HashMap::new(),
        };
        for (index, id) in needs.plt.iter().chain(&needs.iplt).enumerate() {
            synth.plt_index.insert(*id, index as u64);
        }
        if request.build_id.is_some() {
            synth.build_id = build_id_note(build_id);
        }
        if !request.is_static {
            synth.measure_dynamic(resolution, inputs);
        }
        synth.measure_zeroes(resolution);
        let relative = needs.iplt.len() as u64;
        let plt = synth.plt_index.len() as u64;
        let hooked = if hooks.iter().any(Option::is_some) { HOOKS.len() as u64 } else { 0 };
        synth.set(Part::Plt, (plt + hooked + 1) * PLT_ENTRY, 16);
        synth.set(Part::Got, needs.got.len() as u64 * 8 + 8, 8);
        synth.set(Part::GotPlt, plt * 8, 8);
        synth.set(Part::Hooks, hooked * 8, 8);
        synth.set(Part::RelaPlt, if request.is_static { relative } else { plt } * RELA, 8);
        synth.set(Part::BuildId, synth.build_id.len() as u64, 4);
        let present = Part::ALL.iter().filter(|part| synth.sizes[**part as usize] != 0);
        synth.section_of = present.enumerate().map(|(index, part)| (*part, index as u32)).collect();
        synth
    }

    fn set(&mut self, part: Part, size: u64, align: u64) {
        self.sizes[part as usize] = size;
        self.aligns[part as usize] = align;
    }

    fn measure_dynamic(&mut self, resolution: &Resolution<'_>, inputs: &Inputs) {
        self.libraries = self
            .needs
            .libraries
            .iter()
            .map(|library| self.strings.add(&inputs.shared[*library as usize].library.soname))
            .collect();
        if !self.request.rpaths.is_empty() {
            let paths: Vec<&[u8]> = self.request.rpaths.iter().map(|path| path.as_bytes()).collect();
            self.runpath = Some(self.strings.add(&paths.join(&b':')));
        }
        // A PLT entry that stands for a function has to be found by the libraries, though its symbol stays
        // undefined: the dynamic linker takes an undefined symbol with a value for all but PLT slots.
        let facts = &self.needs.facts;
        let (canonical, unhashed): (Vec<SymbolId>, Vec<SymbolId>) =
            self.needs.imports.iter().partition(|id| facts[**id as usize].canonical_plt);
        for id in &unhashed {
            let symbol = self.dynamic_symbol(resolution, inputs, *id, false);
            self.symbols.push(symbol);
        }
        let defined = self.needs.exports.iter().map(|id| (*id, true));
        let undefined = canonical.iter().map(|id| (*id, false));
        let hash = |id: SymbolId| gnu_hash::hash(plain_name(resolution.symbols[id as usize].name));
        let mut hashed: Vec<(u32, SymbolId, bool)> =
            defined.chain(undefined).map(|(id, defined)| (hash(id), id, defined)).collect();
        let buckets = gnu_hash::buckets(hashed.len());
        hashed.sort_by_key(|(hash, id, _)| (hash % buckets, *id));
        for (_, id, defined) in &hashed {
            let symbol = self.dynamic_symbol(resolution, inputs, *id, *defined);
            self.symbols.push(symbol);
        }
        for (index, symbol) in self.symbols.iter().enumerate() {
            self.symbol_index.insert(symbol.id, index as u32 + 1);
        }
        let hashes: Vec<u32> = hashed.iter().map(|(hash, ..)| *hash).collect();
        self.hash_table = gnu_hash::table(&hashes, unhashed.len() as u32 + 1);
        self.version_table = self.versions.table(&mut self.strings);

        let interp = self.request.interp.as_ref().map_or(0, |interp| interp.len() as u64 + 1);
        self.set(Part::Interp, interp, 1);
        self.set(Part::GnuHash, self.hash_table.len() as u64, 8);
        self.set(Part::DynSym, (self.symbols.len() as u64 + 1) * SYMBOL, 8);
        self.set(Part::VerSym, (self.symbols.len() as u64 + 1) * 2, 2);
        self.set(Part::VerNeed, self.version_table.len() as u64, 8);
        let facts = &self.needs.facts;
        let bound = self.needs.got.iter().filter(|id| facts[**id as usize].import).count();
        let relocations = bound + self.needs.copies.len() + self.needs.data_relocations.len();
        let spare = SPARE_RELOCATIONS + self.needs.data_relocations.len() / 16;
        self.set(Part::RelaDyn, (relocations + spare) as u64 * RELA, 8);
        let entries = self.dynamic(&|_| 0, &|_| 0).len() as u64;
        self.set(Part::Dynamic, entries * 16, 8);
        self.set(Part::DynStr, self.strings.bytes.len() as u64, 1);
    }

    fn dynamic_symbol(
        &mut self,
        resolution: &Resolution<'_>,
        inputs: &Inputs,
        id: SymbolId,
        defined: bool,
    ) -> DynamicSymbol {
        let symbol = &resolution.symbols[id as usize];
        let name = plain_name(symbol.name);
        let (mut kind, mut size, mut version) = (symbol.kind, 0, versions::GLOBAL);
        let mut binding = if symbol.strongly_wanted || defined { elf::STB_GLOBAL } else { elf::STB_WEAK };
        match symbol.definition {
            Definition::Shared { library, symbol: number } => {
                let input = &inputs.shared[library as usize].library;
                let there = &input.symbols[number as usize];
                (kind, size) = (there.kind, there.size);
                if let Some(wanted) = there.version
                    && self.needs.libraries.contains(&library)
                {
                    version = self.versions.number(&input.soname, wanted);
                }
            }
            Definition::Object { object, global } => {
                let global = resolution.global(object, global);
                (binding, size) = (global.binding, global.size);
            }
            Definition::Common { size: common, .. } => size = common,
            _ => {}
        }
        if kind == elf::STT_GNU_IFUNC {
            kind = elf::STT_FUNC;
        }
        if kind == elf::STT_COMMON {
            kind = elf::STT_OBJECT;
        }
        let name = self.strings.add(name);
        DynamicSymbol {
            id,
            name,
            info: binding << 4 | kind,
            other: symbol.visibility,
            defined,
            size,
            version,
        }
    }

    fn measure_zeroes(&mut self, resolution: &Resolution<'_>) {
        let (mut at, mut align) = (0, 1);
        for copy in &self.needs.copies {
            at = align_up(at, copy.align);
            align = align.max(copy.align);
            self.copy_offsets.extend(copy.symbols.iter().map(|id| (*id, at)));
            at += copy.size;
        }
        self.set(Part::Copies, at, align);
        let (mut at, mut align) = (0, 1);
        for id in &self.needs.commons {
            if let Definition::Common { size, align: wanted, .. } =
                resolution.symbols[*id as usize].definition
            {
                let wanted = if wanted.is_power_of_two() { wanted } else { 16 };
                at = align_up(at, wanted);
                align = align.max(wanted);
                self.common_offsets.insert(*id, at);
                at += size;
            }
        }
        self.set(Part::Commons, at, align);
    }

    /// The entries of `.dynamic`: tag and value.
    fn dynamic(&self, part: &dyn Fn(Part) -> u64, class: &dyn Fn(Class) -> u64) -> Vec<(u64, u64)> {
        let size = |part: Part| self.sizes[part as usize];
        let mut entries: Vec<(u64, u64)> =
            self.libraries.iter().map(|name| (u64::from(elf::DT_NEEDED), u64::from(*name))).collect();
        let mut add = |tag: u32, value: u64| entries.push((u64::from(tag), value));
        if let Some(path) = self.runpath {
            add(if self.request.new_dtags { elf::DT_RUNPATH } else { elf::DT_RPATH }, path.into());
        }
        // Their values are edits.
        if self.init.is_some() {
            add(elf::DT_INIT, 0);
        }
        if self.fini.is_some() {
            add(elf::DT_FINI, 0);
        }
        let arrays = [
            (Class::PreinitArray, elf::DT_PREINIT_ARRAY, elf::DT_PREINIT_ARRAYSZ),
            (Class::InitArray, elf::DT_INIT_ARRAY, elf::DT_INIT_ARRAYSZ),
            (Class::FiniArray, elf::DT_FINI_ARRAY, elf::DT_FINI_ARRAYSZ),
        ];
        for ((array, address, bytes), size) in arrays.into_iter().zip(self.arrays) {
            if size != 0 {
                add(address, class(array));
                add(bytes, size);
            }
        }
        add(elf::DT_GNU_HASH, part(Part::GnuHash));
        add(elf::DT_STRTAB, part(Part::DynStr));
        add(elf::DT_SYMTAB, part(Part::DynSym));
        add(elf::DT_STRSZ, self.strings.bytes.len() as u64);
        add(elf::DT_SYMENT, SYMBOL);
        add(elf::DT_DEBUG, 0);
        if !self.plt_index.is_empty() {
            add(elf::DT_PLTGOT, part(Part::GotPlt));
            add(elf::DT_PLTRELSZ, self.plt_index.len() as u64 * RELA);
            add(elf::DT_PLTREL, elf::DT_RELA.into());
            add(elf::DT_JMPREL, part(Part::RelaPlt));
        }
        add(elf::DT_RELA, part(Part::RelaDyn));
        add(elf::DT_RELASZ, size(Part::RelaDyn));
        add(elf::DT_RELAENT, RELA);
        add(elf::DT_FLAGS, elf::DF_BIND_NOW.into());
        let pie = if self.request.pie { elf::DF_1_PIE } else { 0 };
        add(elf::DT_FLAGS_1, (elf::DF_1_NOW | pie).into());
        if !self.version_table.is_empty() {
            add(elf::DT_VERNEED, part(Part::VerNeed));
            add(elf::DT_VERNEEDNUM, self.versions.libraries());
            add(elf::DT_VERSYM, part(Part::VerSym));
        }
        add(elf::DT_NULL, 0);
        entries
    }

    /// Address of a part, or 0 if there is none.
    pub fn addr(&self, layout: &Layout, part: Part) -> ImageAddr {
        let object = layout.bases.len() - 1;
        self.section_of.get(&part).map_or(ImageAddr(0), |section| layout.placement(object, *section).addr())
    }

    pub fn size(&self, part: Part) -> u64 {
        self.sizes[part as usize]
    }

    /// Address of the PLT entry of a symbol that has one.
    pub fn plt_addr(&self, layout: &Layout, id: SymbolId) -> Option<ImageAddr> {
        Some(self.addr(layout, Part::Plt) + self.plt_index.get(&id)? * PLT_ENTRY)
    }

    /// Address of the code that calls through entry `hook` of the hook table.
    pub fn hook_addr(&self, layout: &Layout, hook: usize) -> ImageAddr {
        self.addr(layout, Part::Plt) + (self.plt_index.len() + hook) as u64 * PLT_ENTRY
    }

    /// Address of the function that does nothing: the last entry of the PLT.
    pub fn nothing_addr(&self, layout: &Layout) -> ImageAddr {
        self.addr(layout, Part::Plt) + (self.size(Part::Plt) - PLT_ENTRY)
    }

    pub fn copy_addr(&self, layout: &Layout, id: SymbolId) -> Option<ImageAddr> {
        Some(self.addr(layout, Part::Copies) + *self.copy_offsets.get(&id)?)
    }

    pub fn common_addr(&self, layout: &Layout, id: SymbolId) -> Option<ImageAddr> {
        Some(self.addr(layout, Part::Commons) + *self.common_offsets.get(&id)?)
    }

    /// The symbols that the synthetic object refers to, in the order of its globals.
    pub fn referenced(&self) -> Vec<SymbolId> {
        let exports = self.needs.exports.iter().copied();
        let hooks = self.hooks.iter().flatten().copied();
        let functions = self.init.iter().chain(&self.fini).copied();
        self.needs.got.iter().copied().chain(exports).chain(hooks).chain(functions).collect()
    }

    /// The record of the synthetic object: with its final contents once there is a layout.
    pub fn record(
        &self,
        resolution: &Resolution<'_>,
        placed: Option<&Layout>,
        value: &dyn Fn(SymbolId) -> u64,
    ) -> Vec<u8> {
        let contents: HashMap<Part, Vec<u8>> = match placed {
            Some(layout) => Part::ALL
                .iter()
                .map(|part| (*part, self.contents(*part, resolution, layout, value)))
                .collect(),
            None => HashMap::new(),
        };
        let mut builder = RecordBuilder::default();
        for part in Part::ALL {
            let size = self.sizes[part as usize];
            if size == 0 {
                continue;
            }
            let data = contents.get(&part).map_or(&[][..], Vec::as_slice);
            let writable = matches!(part.class(), Class::Dynamic | Class::Got | Class::Bss);
            builder.sections.push(Section {
                home: Home { class: part.class(), priority: 0, named: false, reversed: false },
                name: part.name().as_bytes(),
                size,
                data,
                align: self.aligns[part as usize] as u32,
                group: 0,
                input_index: builder.sections.len() as u32,
                flags: if writable { elf::SHF_WRITE } else { 0 },
                edits: Vec::new(),
            });
        }
        let mut symref_of = HashMap::new();
        for id in self.referenced() {
            let global = GlobalRec { section: GlobalRec::UNDEFINED, ..GlobalRec::default() };
            let symref =
                builder.add_global(b"", NONE as usize, global).expect("the number is none of an input");
            symref_of.insert(id, symref);
        }
        if placed.is_some() {
            self.add_edits(&mut builder, &symref_of);
        }
        builder.finish([0, 0])
    }

    /// `.rela.plt` of a static program: what its start-up code applies.
    pub fn irelative(&self, layout: &Layout) -> (ImageAddr, ImageAddr) {
        let start = self.addr(layout, Part::RelaPlt);
        (start, start + self.size(Part::RelaPlt))
    }

    /// Where in the record the section of a part is.
    pub fn section(&self, part: Part) -> Option<u32> {
        self.section_of.get(&part).copied()
    }

    /// Number of a symbol in `.dynsym`.
    pub fn symbol_number(&self, id: SymbolId) -> Option<u32> {
        self.symbol_index.get(&id).copied()
    }
}

/// One `Elf64_Rela`.
pub fn rela(place: ImageAddr, symbol: u32, kind: u32, addend: i64) -> [u8; RELA as usize] {
    let mut bytes = [0; RELA as usize];
    bytes[..8].copy_from_slice(&place.0.to_le_bytes());
    bytes[8..16].copy_from_slice(&(u64::from(symbol) << 32 | u64::from(kind)).to_le_bytes());
    bytes[16..].copy_from_slice(&addend.to_le_bytes());
    bytes
}

/// A name without the version that a reference asked for.
fn plain_name(name: &[u8]) -> &[u8] {
    match name.iter().position(|byte| *byte == b'@') {
        Some(at) if at > 0 => &name[..at],
        _ => name,
    }
}

fn defined(resolution: &Resolution<'_>, name: &[u8]) -> Option<SymbolId> {
    let id = resolution.find(name)?;
    matches!(resolution.symbols[id as usize].definition, Definition::Object { .. }).then_some(id)
}

/// Where the object that defines a symbol has it.
pub fn definition_addr(resolution: &Resolution<'_>, layout: &Layout, id: SymbolId) -> Option<ImageAddr> {
    let Definition::Object { object, global } = resolution.symbols[id as usize].definition else {
        return None;
    };
    let global = resolution.global(object, global);
    Some(layout.placement(object as usize, global.section).addr() + global.value)
}

fn array_size(resolution: &Resolution<'_>, class: Class) -> u64 {
    let mut size = 0;
    for (object, view) in resolution.objects.iter().enumerate() {
        for block in view.blocks.iter().filter(|block| block.class == class as u32) {
            let (first, sections) = view.sections_of(block);
            for (index, section) in sections.iter().enumerate() {
                if resolution.is_live(object, (first + index) as u32) {
                    size += section.size;
                }
            }
        }
    }
    size
}

/// `.note.gnu.build-id`.
fn build_id_note(id: [u64; 2]) -> Vec<u8> {
    let mut note = Vec::new();
    for word in [4, BUILD_ID as u32, elf::NT_GNU_BUILD_ID] {
        note.extend(word.to_le_bytes());
    }
    note.extend(b"GNU\0");
    note.extend(id.iter().flat_map(|word| word.to_le_bytes()));
    note.extend(((id[0] ^ id[1].rotate_left(17)) as u32).to_le_bytes());
    note
}
