//! What the linker itself puts into the image: tables for the dynamic linker, GOT, PLT, copies, common
//! symbols. It becomes an object like any other, with a record of its own, so that one engine renders all.
//!
//! Sizes are known before layout ([`Synth::measure`]), contents after it ([`Synth::record`]). Contents that
//! follow a symbol which a relink may move are edits, not numbers.

mod contents;
pub mod gnu_hash;
pub mod relocations;
pub mod relr;
pub mod strings;
pub mod sysv_hash;
pub mod versions;

use crate::args::{Request, Symbolic};
use crate::inputs::Inputs;
use crate::layout::Layout;
use crate::object::build::{RecordBuilder, Section};
use crate::object::classify::Home;
use crate::resolve::needs::{GotKind, Needs};
use crate::resolve::scope::Scope;
use crate::resolve::{Definition, Resolution, SymbolId};
use object::elf;
use shared::ImageAddr;
use shared::addr::align_up;
use shared::plan::{HOOKS, PLT_ENTRY, Slot};
use shared::record::{Class, GlobalRec, NONE, flag};
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
    Copies,
    Commons,
}

impl Part {
    pub const ALL: [Self; 21] = [
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
    symbol_index: HashMap<SymbolId, u32>,
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
    plt_index: HashMap<SymbolId, u64>,
    hooks: &'a [Option<SymbolId>],
    /// Offsets in [`Part::Copies`] and [`Part::Commons`].
    copy_offsets: HashMap<SymbolId, u64>,
    common_offsets: HashMap<SymbolId, u64>,
    sizes: [u64; Part::ALL.len()],
    aligns: [u64; Part::ALL.len()],
    build_id: Vec<u8>,
    property: Vec<u8>,
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
        scope: &'a Scope,
        inputs: &'a Inputs,
        hooks: &'a [Option<SymbolId>],
        build_id: [u64; 2],
    ) -> Self {
        let mut synth = Self {
            request,
            needs,
            scope,
            symbols: Vec::new(),
            symbol_index: HashMap::new(),
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
            plt_index: HashMap::new(),
            hooks,
            copy_offsets: HashMap::new(),
            common_offsets: HashMap::new(),
            sizes: [0; Part::ALL.len()],
            aligns: [8; Part::ALL.len()],
            build_id: Vec::new(),
            property: Vec::new(),
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
        synth.property = property_note(request, resolution);
        synth.set(Part::Property, synth.property.len() as u64, 8);
        let relative = needs.iplt.len() as u64;
        let plt = synth.plt_index.len() as u64;
        let hooked = if hooks.iter().any(Option::is_some) { HOOKS.len() as u64 } else { 0 };
        let nothing = u64::from(!request.shared);
        synth.set(Part::Plt, (plt + hooked + nothing) * PLT_ENTRY, 16);
        synth.set(Part::Got, needs.got.len() as u64 * 8 + 8, 8);
        let lazy = synth.is_lazy();
        synth.set(Part::GotPlt, (plt + if lazy { LAZY_ENTRIES } else { 0 }) * 8, 8);
        if lazy {
            synth.set(Part::PltLazy, (1 + needs.plt.len() as u64) * PLT_ENTRY, 16);
        }
        synth.set(Part::Hooks, hooked * 8, 8);
        synth.set(Part::RelaPlt, if request.is_static { relative } else { plt } * RELA, 8);
        synth.set(Part::BuildId, synth.build_id.len() as u64, 4);
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

    fn measure_dynamic(&mut self, resolution: &Resolution<'_>, inputs: &Inputs) {
        self.libraries = self
            .needs
            .libraries
            .iter()
            .map(|library| self.strings.add(&inputs.shared[*library as usize].library.soname))
            .collect();
        if !self.request.rpaths.is_empty() {
            self.runpath = Some(self.strings.add(&self.search_path()));
        }
        if let Some(soname) = self.request.soname.as_ref().filter(|_| self.request.shared) {
            self.soname = Some(self.strings.add(soname.as_bytes()));
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
        let hash = |id: SymbolId| gnu_hash::hash(resolution.symbols[id as usize].plain_name());
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
        if self.request.sysv_hash {
            let names = self.symbols.iter().map(|symbol| resolution.symbols[symbol.id as usize].plain_name());
            let names: Vec<&[u8]> = std::iter::once(&b""[..]).chain(names).collect();
            self.sysv_table = sysv_hash::table(&names);
        }
        if !self.request.gnu_hash {
            self.hash_table.clear();
        }
        self.require_relr(inputs);
        self.version_table = self.versions.table(&mut self.strings);
        if !self.scope.defined.is_empty() {
            let output = self.request.output.file_name().unwrap_or_default();
            let base = self.request.soname.as_deref().unwrap_or(output).as_bytes();
            (self.definition_table, self.definitions) = versions::definitions(
                base,
                &self.scope.defined,
                &|number| self.scope.uses(number),
                &mut self.strings,
            );
        }

        let interp = self.request.interp.as_ref().map_or(0, |interp| interp.len() as u64 + 1);
        self.set(Part::Interp, interp, 1);
        self.set(Part::GnuHash, self.hash_table.len() as u64, 8);
        self.set(Part::DynSym, (self.symbols.len() as u64 + 1) * SYMBOL, 8);
        if self.has_versions() {
            self.set(Part::VerSym, (self.symbols.len() as u64 + 1) * 2, 2);
        }
        self.set(Part::VerNeed, self.version_table.len() as u64, 8);
        self.set(Part::VerDef, self.definition_table.len() as u64, 8);
        self.set(Part::Hash, self.sysv_table.len() as u64, 8);
        let needs = self.needs;
        // In a shared library every entry of the GOT may need one.
        let import = |id: &SymbolId| *id == NONE || needs.facts[*id as usize].import;
        let bound = needs.got.iter().filter(|(id, _)| self.request.shared || import(id)).count();
        let in_data = needs.data_relocations.len() + needs.relative;
        let relocations = bound + needs.copies.len() + in_data;
        let spare = SPARE_RELOCATIONS + in_data / 16;
        self.set(Part::RelaDyn, (relocations + spare) as u64 * RELA, 8);
        if self.request.relr && self.request.shared {
            self.set(Part::Relr, relr_bound(resolution, needs) * 8, 8);
        }
        let entries = self.dynamic(&|_| 0, &|_| 0).len() as u64;
        self.set(Part::Dynamic, entries * 16, 8);
        self.set(Part::DynStr, self.strings.bytes.len() as u64, 1);
    }

    fn has_versions(&self) -> bool {
        !self.version_table.is_empty() || !self.definition_table.is_empty()
    }

    /// A libc that does not know packed relative relocations refuses to load who asks for this version.
    fn require_relr(&mut self, inputs: &Inputs) {
        if !self.request.relr || !self.request.shared {
            return;
        }
        const VERSION: &[u8] = b"GLIBC_ABI_DT_RELR";
        for library in &self.needs.libraries {
            let library = &inputs.shared[*library as usize].library;
            if library.soname.starts_with(b"libc.so.") {
                self.versions.number(&library.soname, VERSION);
            }
        }
    }

    fn dynamic_symbol(
        &mut self,
        resolution: &Resolution<'_>,
        inputs: &Inputs,
        id: SymbolId,
        defined: bool,
    ) -> DynamicSymbol {
        let symbol = &resolution.symbols[id as usize];
        let name = symbol.plain_name();
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
        if !matches!(symbol.definition, Definition::Shared { .. } | Definition::None) {
            version = self.scope.version(id);
        }
        // Where a PLT entry stands for an indirect function, others see an ordinary one.
        if kind == elf::STT_GNU_IFUNC && !self.needs.facts[id as usize].interposable {
            kind = elf::STT_FUNC;
        }
        if symbol.is_tls() {
            kind = elf::STT_TLS;
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
        if let Some(soname) = self.soname {
            add(elf::DT_SONAME, soname.into());
        }
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
        if size(Part::Hash) != 0 {
            add(elf::DT_HASH, part(Part::Hash));
        }
        if size(Part::GnuHash) != 0 {
            add(elf::DT_GNU_HASH, part(Part::GnuHash));
        }
        add(elf::DT_STRTAB, part(Part::DynStr));
        add(elf::DT_SYMTAB, part(Part::DynSym));
        add(elf::DT_STRSZ, self.strings.bytes.len() as u64);
        add(elf::DT_SYMENT, SYMBOL);
        if !self.request.shared {
            add(elf::DT_DEBUG, 0);
        }
        if !self.plt_index.is_empty() {
            add(elf::DT_PLTGOT, part(Part::GotPlt));
            add(elf::DT_PLTRELSZ, self.plt_index.len() as u64 * RELA);
            add(elf::DT_PLTREL, elf::DT_RELA.into());
            add(elf::DT_JMPREL, part(Part::RelaPlt));
        }
        add(elf::DT_RELA, part(Part::RelaDyn));
        add(elf::DT_RELASZ, size(Part::RelaDyn));
        add(elf::DT_RELAENT, RELA);
        if size(Part::Relr) != 0 {
            add(DT_RELR, part(Part::Relr));
            add(DT_RELRSZ, size(Part::Relr));
            add(DT_RELRENT, 8);
        }
        let symbolic = self.request.shared && self.request.symbolic == Symbolic::All;
        if symbolic {
            add(elf::DT_SYMBOLIC, 0);
        }
        let bits = |bits: &[(bool, u32)]| {
            bits.iter().filter(|(on, _)| *on).fold(0u64, |all, (_, bit)| all | u64::from(*bit))
        };
        let bind_now = self.request.bind_now;
        let flags = bits(&[
            (bind_now, elf::DF_BIND_NOW),
            (self.needs.static_tls, elf::DF_STATIC_TLS),
            (symbolic, elf::DF_SYMBOLIC),
        ]);
        let flags_1 = bits(&[(bind_now, elf::DF_1_NOW), (self.request.pie, elf::DF_1_PIE)]);
        let (asked, mut asked_1) = self.request.dynamic_flags;
        if !self.request.shared {
            asked_1 &= !(elf::DF_1_INITFIRST | elf::DF_1_NODELETE | elf::DF_1_NOOPEN);
        }
        let (flags, flags_1) = (flags | u64::from(asked), flags_1 | u64::from(asked_1));
        for (tag, flags) in [(elf::DT_FLAGS, flags), (elf::DT_FLAGS_1, flags_1)] {
            if flags != 0 {
                add(tag, flags);
            }
        }
        if self.definitions != 0 {
            add(elf::DT_VERDEF, part(Part::VerDef));
            add(elf::DT_VERDEFNUM, self.definitions);
        }
        if !self.version_table.is_empty() {
            add(elf::DT_VERNEED, part(Part::VerNeed));
            add(elf::DT_VERNEEDNUM, self.versions.libraries());
        }
        if self.has_versions() {
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

    /// Where the dynamic linker looks for libraries.
    fn search_path(&self) -> Vec<u8> {
        let paths: Vec<&[u8]> = self.request.rpaths.iter().map(|path| path.as_bytes()).collect();
        paths.join(&b':')
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

/// What is known once there are addresses.
pub struct Placed<'a> {
    pub layout: &'a Layout,
    pub slots: &'a [Slot],
    /// `.rela.dyn` and `.relr.dyn` of a shared library.
    pub relocations: relocations::Tables,
}

/// An upper bound of the words of `.relr.dyn`: the addresses in each section, as if it were alone, and the GOT.
fn relr_bound(resolution: &Resolution<'_>, needs: &Needs) -> u64 {
    let mut words = needs.got.len() as u64 / 63 + 2;
    for view in &resolution.objects {
        for section in view.sections.iter().filter(|section| relocations::may_be_relocated(section)) {
            let offsets: Vec<u64> = view.edits_of(section).iter().map(|edit| edit.offset.into()).collect();
            words += relr::upper_bound([offsets.as_slice()]) as u64;
        }
    }
    words
}

/// Tags of packed relative relocations (gABI, "Relative Relocation Table").
const DT_RELRSZ: u32 = 35;
const DT_RELR: u32 = 36;
const DT_RELRENT: u32 = 37;

/// One `Elf64_Rela`.
pub fn rela(place: ImageAddr, symbol: u32, kind: u32, addend: i64) -> [u8; RELA as usize] {
    let mut bytes = [0; RELA as usize];
    bytes[..8].copy_from_slice(&place.0.to_le_bytes());
    bytes[8..16].copy_from_slice(&(u64::from(symbol) << 32 | u64::from(kind)).to_le_bytes());
    bytes[16..].copy_from_slice(&addend.to_le_bytes());
    bytes
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

/// `.note.gnu.property` of a shared library: the features that all objects have, and the instruction sets that any
/// needs (psABI, "Linux Extensions"). Programs do not promise these features: the loader was not tried under them.
fn property_note(request: &Request, resolution: &Resolution<'_>) -> Vec<u8> {
    let flags = || resolution.objects.iter().map(|object| object.header.flags);
    let features = flags().fold(3, |all, flags| all & (flags >> flag::FEATURES_SHIFT)) as u32;
    let needed = flags().fold(0, |all, flags| all | flags >> flag::ISA_SHIFT) as u32;
    let known =
        [(elf::GNU_PROPERTY_X86_FEATURE_1_AND, features), (elf::GNU_PROPERTY_X86_ISA_1_NEEDED, needed)];
    let known: Vec<(u32, u32)> = known.into_iter().filter(|(_, value)| *value != 0).collect();
    if known.is_empty() || !request.shared {
        return Vec::new();
    }
    let mut note = Vec::new();
    for word in [4, known.len() as u32 * 16, elf::NT_GNU_PROPERTY_TYPE_0] {
        note.extend(word.to_le_bytes());
    }
    note.extend(b"GNU\0");
    for (kind, value) in known {
        for word in [kind, 4, value, 0] {
            note.extend(word.to_le_bytes());
        }
    }
    note
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
