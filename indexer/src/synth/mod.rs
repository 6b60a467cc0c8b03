//! What the linker itself puts into the image: tables for the dynamic linker, GOT, PLT, copies, common
//! symbols. It becomes an object like any other, with a record of its own, so that one engine renders all.
//!
//! Sizes are known before layout ([`Synth::measure`]), contents after it ([`Synth::record`]). Contents that
//! follow a symbol which a relink may move are edits, not numbers.

mod contents;
pub mod dynamic;
pub mod gnu_hash;
pub mod notes;
pub mod relocations;
pub mod relr;
pub mod strings;
pub mod sysv_hash;
pub mod versions;

use crate::args::Request;
use crate::inputs::Inputs;
use crate::layout::Layout;
use crate::object::build::{RecordBuilder, Section};
use crate::object::classify::Home;
use crate::resolve::guards::Guards;
use crate::resolve::needs::{GotKind, Needs};
use crate::resolve::scope::Scope;
use crate::resolve::{Definition, OfSymbols, Resolution, SymbolId};
use object::elf;
use shared::ImageAddr;
use shared::addr::align_up;
use shared::plan::{BUILD_ID_WORDS, GuardTable, HOOKS, PLT_ENTRY, Slot};
use shared::record::{Class, GlobalRec, NONE};
use std::collections::HashMap;
use strings::Strings;
use versions::Versions;

/// The sections that the linker makes, in the order of their addresses inside each class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    Interp,
    GnuHash,
    DynSym,
    DynStr,
    Hash,
    VerSym,
    VerDef,
    VerNeed,
    RelaDyn,
    Relr,
    RelaPlt,
    BuildId,
    Property,
    PltLazy,
    Plt,
    Dynamic,
    Got,
    GotPlt,
    Hooks,
    Guards,
    Copies,
    Commons,
}

impl Part {
    pub const ALL: [Self; 22] = [
        Self::Interp,
        Self::GnuHash,
        Self::DynSym,
        Self::DynStr,
        Self::Hash,
        Self::VerSym,
        Self::VerDef,
        Self::VerNeed,
        Self::RelaDyn,
        Self::Relr,
        Self::RelaPlt,
        Self::BuildId,
        Self::Property,
        Self::PltLazy,
        Self::Plt,
        Self::Dynamic,
        Self::Got,
        Self::GotPlt,
        Self::Hooks,
        Self::Guards,
        Self::Copies,
        Self::Commons,
    ];

    /// Its class. `bind_now`: the dynamic linker binds all functions at start.
    fn class(self, bind_now: bool) -> Class {
        match self {
            Self::BuildId => Class::Note,
            Self::PltLazy | Self::Plt => Class::Plt,
            Self::Dynamic => Class::Dynamic,
            Self::GotPlt if !bind_now => Class::GotPlt,
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
            Self::Hash => ".hash",
            Self::VerSym => ".gnu.version",
            Self::VerDef => ".gnu.version_d",
            Self::VerNeed => ".gnu.version_r",
            Self::RelaDyn => ".rela.dyn",
            Self::Relr => ".relr.dyn",
            Self::RelaPlt => ".rela.plt",
            Self::BuildId => ".note.gnu.build-id",
            Self::Property => ".note.gnu.property",
            Self::PltLazy => ".plt",
            Self::Plt => ".plt.sec",
            Self::Dynamic => ".dynamic",
            Self::Got => ".got",
            Self::GotPlt => ".got.plt",
            Self::Hooks => ".unfold.hooks",
            Self::Guards => ".unfold.guards",
            Self::Copies => ".dynbss",
            Self::Commons => "COMMON",
        }
    }
}

/// Bytes of a symbol, and of a relocation.
const SYMBOL: u64 = 24;
pub const RELA: u64 = 24;

/// Relocations of `.rela.dyn` that a relink can use.
const SPARE_RELOCATIONS: usize = 64;

/// Entries of the GOT that a relink can use, each with one of the PLT that jumps through it, at the least.
const SPARE_ENTRIES: usize = 128;

/// Symbols that a relink can import, and the bytes of their names and versions.
const SPARE_SYMBOLS: u64 = 64;
const SPARE_STRINGS: u64 = 4096;
const SPARE_VERSIONS: u64 = 8 * 16;

/// Entries at the start of `.got.plt` that belong to the dynamic linker, if it binds functions as they are
/// called (psABI, "Procedure Linkage Table").
const LAZY_ENTRIES: u64 = 3;

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
    scope: &'a Scope,
    symbols: Vec<DynamicSymbol>,
    symbol_index: OfSymbols<u32>,
    strings: Strings,
    versions: Versions,
    version_table: Vec<u8>,
    /// The versions that a shared library defines, and how many.
    definition_table: Vec<u8>,
    definitions: u64,
    hash_table: Vec<u8>,
    sysv_table: Vec<u8>,
    libraries: Vec<u32>,
    runpath: Option<u32>,
    soname: Option<u32>,
    plt_index: OfSymbols<u64>,
    hooks: &'a [Option<SymbolId>],
    guards: &'a Guards,
    /// Rows of `.dynsym` that are guards, each with its number.
    guard_rows: Vec<(usize, u64)>,
    /// Offsets in [`Part::Copies`] and [`Part::Commons`].
    copy_offsets: OfSymbols<u64>,
    common_offsets: OfSymbols<u64>,
    sizes: [u64; Part::ALL.len()],
    aligns: [u64; Part::ALL.len()],
    build_id: Option<[u32; BUILD_ID_WORDS]>,
    property: Vec<u8>,
    init: Option<SymbolId>,
    fini: Option<SymbolId>,
    arrays: [u64; 3],
    /// Index of each part's section in the record.
    section_of: HashMap<Part, u32>,
    /// Entries of the GOT that relinks can use.
    spare: usize,
}

impl<'a> Synth<'a> {
    /// Decides everything but addresses.
    pub fn measure(
        request: &'a Request,
        resolution: &Resolution<'_>,
        needs: &'a Needs,
        scope: &'a Scope,
        inputs: &'a Inputs,
        (hooks, guards): (&'a [Option<SymbolId>], &'a Guards),
        build_id: [u64; 2],
    ) -> Self {
        let mut synth = Self {
            request,
            needs,
            scope,
            symbols: Vec::new(),
            symbol_index: OfSymbols::default(),
            strings: Strings::default(),
            versions: Versions::after(versions::GLOBAL + scope.defined.len() as u16),
            version_table: Vec::new(),
            definition_table: Vec::new(),
            definitions: 0,
            hash_table: Vec::new(),
            sysv_table: Vec::new(),
            libraries: Vec::new(),
            runpath: None,
            soname: None,
            plt_index: OfSymbols::default(),
            hooks,
            guards,
            guard_rows: Vec::new(),
            copy_offsets: OfSymbols::default(),
            common_offsets: OfSymbols::default(),
            sizes: [0; Part::ALL.len()],
            aligns: [8; Part::ALL.len()],
            build_id: request.build_id.is_some().then(|| notes::build_id(build_id)),
            property: Vec::new(),
            init: defined(resolution, request.init.as_bytes()),
            fini: defined(resolution, request.fini.as_bytes()),
            arrays: [Class::PreinitArray, Class::InitArray, Class::FiniArray]
                .map(|class| array_size(resolution, class)),
            section_of: HashMap::new(),
            // A library's tables have no room that nothing needs.
            spare: if request.shared { 0 } else { SPARE_ENTRIES + needs.got.len() / 8 },
        };
        for (index, id) in needs.plt.iter().chain(&needs.iplt).enumerate() {
            synth.plt_index.insert(*id, index as u64);
        }
        if !request.is_static {
            synth.measure_dynamic(resolution, inputs);
        }
        synth.measure_zeroes(resolution);
        synth.property = notes::property(request, resolution);
        synth.set(Part::Property, synth.property.len() as u64, 8);
        let relative = needs.iplt.len() as u64;
        let plt = synth.plt_index.len() as u64;
        let hooked = if hooks.iter().any(Option::is_some) { HOOKS.len() as u64 } else { 0 };
        let nothing = u64::from(!request.shared);
        let spare = synth.spare as u64;
        let spare_plt = if request.is_static { 0 } else { spare };
        let search = u64::from(synth.search_slot().is_some());
        synth.set(Part::Plt, (plt + hooked + spare_plt + search + nothing) * PLT_ENTRY, 16);
        synth.set(Part::Guards, search * size_of::<GuardTable>() as u64, 8);
        synth.set(Part::Got, (needs.got.len() as u64 + spare) * 8 + 8, 8);
        let lazy = synth.is_lazy();
        synth.set(Part::GotPlt, (plt + if lazy { LAZY_ENTRIES } else { 0 }) * 8, 8);
        if lazy {
            synth.set(Part::PltLazy, (1 + needs.plt.len() as u64) * PLT_ENTRY, 16);
        }
        synth.set(Part::Hooks, hooked * 8, 8);
        synth.set(Part::RelaPlt, if request.is_static { relative } else { plt } * RELA, 8);
        let note = synth.build_id.map_or(0, |id| notes::build_id_note(id).len());
        synth.set(Part::BuildId, note as u64, 4);
        let present = Part::ALL.iter().filter(|part| synth.sizes[**part as usize] != 0);
        synth.section_of = present.enumerate().map(|(index, part)| (*part, index as u32)).collect();
        synth
    }

    /// Whether the dynamic linker binds functions when they are called first.
    fn is_lazy(&self) -> bool {
        !self.request.bind_now && !self.request.is_static && !self.needs.plt.is_empty()
    }

    /// Number of the entry in `.got.plt` that entry `index` of the PLT jumps to.
    fn plt_slot(&self, index: u64) -> u64 {
        index + if self.is_lazy() { LAZY_ENTRIES } else { 0 }
    }

    fn set(&mut self, part: Part, size: u64, align: u64) {
        self.sizes[part as usize] = size;
        self.aligns[part as usize] = align;
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

    /// Address of a part, or 0 if there is none.
    pub fn addr(&self, layout: &Layout, part: Part) -> ImageAddr {
        let object = layout.bases.len() - 1;
        self.section_of.get(&part).map_or(ImageAddr(0), |section| layout.placement(object, *section).addr())
    }

    pub fn size(&self, part: Part) -> u64 {
        self.sizes[part as usize]
    }

    /// Where the build ID is, behind the head of its note, and what it is.
    pub fn build_id(&self, layout: &Layout) -> Option<(ImageAddr, [u32; BUILD_ID_WORDS])> {
        self.build_id.map(|id| (self.addr(layout, Part::BuildId) + notes::BUILD_ID_AT, id))
    }

    /// Address of the PLT entry of a symbol that has one.
    pub fn plt_addr(&self, layout: &Layout, id: SymbolId) -> Option<ImageAddr> {
        Some(self.addr(layout, Part::Plt) + self.plt_index.get(&id)? * PLT_ENTRY)
    }

    /// Address of the code that calls through entry `hook` of the hook table.
    pub fn hook_addr(&self, layout: &Layout, hook: usize) -> ImageAddr {
        self.addr(layout, Part::Plt) + (self.plt_index.len() + hook) as u64 * PLT_ENTRY
    }

    /// Number of the GOT entry of the function by which the loader searches, if there are guards.
    fn search_slot(&self) -> Option<usize> {
        let search = self.guards.search?;
        self.needs.got.iter().position(|(id, _)| *id == search)
    }

    /// Where in the PLT the code is that calls it: in front of the last entry.
    fn search_at(&self) -> u64 {
        self.size(Part::Plt) - 2 * PLT_ENTRY
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

    /// What relinks find of the entries that are left for them. `free` is the slot that these are bound to.
    pub fn spare(&self, free: SymbolId) -> Spare {
        let hooked = if self.hooks.iter().any(Option::is_some) { HOOKS.len() } else { 0 };
        Spare {
            count: self.spare as u32,
            got: self.needs.got.len() as u32,
            plt: (self.plt_index.len() + hooked) as u32,
            global: self.named().len() as u32,
            slot: free,
            has_plt: u32::from(!self.request.is_static),
        }
    }

    /// The symbols that the synthetic object refers to, in the order of its globals; `free` stands for those that
    /// relinks will refer to.
    pub fn referenced(&self, free: SymbolId) -> Vec<SymbolId> {
        let mut all = self.named();
        all.resize(all.len() + self.spare, free);
        all
    }

    fn named(&self) -> Vec<SymbolId> {
        let exports = self.needs.exports.iter().copied();
        let hooks = self.hooks.iter().flatten().copied();
        let functions = self.init.iter().chain(&self.fini).copied();
        let got = self.needs.got.iter().map(|(id, _)| *id).filter(|id| *id != NONE);
        got.chain(exports).chain(hooks).chain(functions).collect()
    }

    /// The record of the synthetic object: with its final contents once there is a layout.
    pub fn record(&self, resolution: &Resolution<'_>, placed: Option<&Placed<'_>>) -> Vec<u8> {
        let contents: HashMap<Part, Vec<u8>> = match placed {
            Some(placed) => {
                Part::ALL.iter().map(|part| (*part, self.contents(*part, resolution, placed))).collect()
            }
            None => HashMap::new(),
        };
        let mut builder = RecordBuilder::default();
        for part in Part::ALL {
            let size = self.sizes[part as usize];
            if size == 0 {
                continue;
            }
            let data = contents.get(&part).map_or(&[][..], Vec::as_slice);
            let class = part.class(self.request.bind_now);
            let writable = matches!(class, Class::Dynamic | Class::Got | Class::GotPlt | Class::Bss);
            builder.sections.push(Section {
                home: Home { class, priority: 0, named: false, reversed: false },
                name: part.name().as_bytes(),
                size,
                data,
                align: self.aligns[part as usize] as u32,
                group: 0,
                input_index: builder.sections.len() as u32,
                flags: if writable { elf::SHF_WRITE } else { 0 },
                edits: 0..0,
            });
        }
        let mut symref_of = OfSymbols::default();
        let add = |builder: &mut RecordBuilder<'_>| {
            let global = GlobalRec { section: GlobalRec::UNDEFINED, ..GlobalRec::default() };
            builder.add_global(b"", NONE as usize, global).expect("the number is none of an input")
        };
        for id in self.named() {
            symref_of.insert(id, add(&mut builder));
        }
        let spare: Vec<u32> = (0..self.spare).map(|_| add(&mut builder)).collect();
        if placed.is_some() {
            self.add_edits(&mut builder, &symref_of, &spare);
        }
        let mut record = Vec::new();
        builder.append_to([0, 0], &mut record);
        record
    }

    /// `.rela.dyn` and `.relr.dyn` of a shared library.
    pub fn relocation_tables(
        &self,
        resolution: &Resolution<'_>,
        layout: &Layout,
        slots: &[Slot],
    ) -> relocations::Tables {
        let module = self.tls_module(layout);
        let objects = &resolution.objects[..resolution.objects.len() - 1];
        relocations::tables(&relocations::Image {
            objects: objects.to_vec(),
            placement: &|object, section| layout.placement(object as usize, section),
            symbol_of: &|object, global| resolution.symbol_of(object as usize, global as usize),
            slots,
            dynamic: &|id| self.symbol_number(id).unwrap_or(0),
            got: self.addr(layout, Part::Got),
            tls_start: layout.tls().0.start,
            tls_module: (module.0 != 0).then_some(module),
            packed: self.request.relr,
        })
    }

    /// Where the GOT entries of the image as a module are.
    pub fn tls_module(&self, layout: &Layout) -> ImageAddr {
        let own = self.needs.got.iter().position(|(_, kind)| *kind == GotKind::OwnModule);
        own.map_or(ImageAddr(0), |entry| self.addr(layout, Part::Got) + 8 * entry as u64)
    }

    /// Number of a symbol's PLT entry.
    pub fn plt_number(&self, id: SymbolId) -> Option<u32> {
        self.plt_index.get(&id).map(|index| *index as u32)
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

/// Entries of the GOT, and of the PLT, that a link leaves to relinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Spare {
    pub count: u32,
    /// Numbers of the first of each.
    pub got: u32,
    pub plt: u32,
    /// Globals of the linker's own object that the entries of the GOT are the addresses of, from this one on.
    pub global: u32,
    /// The slot that they are bound to as long as nobody uses them.
    pub slot: u32,
    /// 1: there are entries of the PLT.
    pub has_plt: u32,
}

/// What is known once there are addresses.
pub struct Placed<'a> {
    pub layout: &'a Layout,
    pub slots: &'a [Slot],
    /// `.rela.dyn` and `.relr.dyn` of a shared library.
    pub relocations: relocations::Tables,
}

/// One `Elf64_Rela`.
pub fn rela(place: ImageAddr, symbol: u32, kind: u32, addend: i64) -> [u8; RELA as usize] {
    let mut bytes = [0; RELA as usize];
    bytes[..8].copy_from_slice(&place.0.to_le_bytes());
    bytes[8..16].copy_from_slice(&(u64::from(symbol) << 32 | u64::from(kind)).to_le_bytes());
    bytes[16..].copy_from_slice(&addend.to_le_bytes());
    bytes
}

/// The symbol of this name, if an object defines it.
pub fn defined(resolution: &Resolution<'_>, name: &[u8]) -> Option<SymbolId> {
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
