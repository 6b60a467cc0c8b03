//! Tables for the dynamic linker: which symbols it sees, and the entries of `.dynamic`.

use super::{
    DynamicSymbol, Part, RELA, SPARE_RELOCATIONS, SPARE_STRINGS, SPARE_SYMBOLS, SPARE_VERSIONS, SYMBOL,
    Synth, gnu_hash, relocations, relr, sysv_hash, versions,
};
use crate::args::Symbolic;
use crate::inputs::Inputs;
use crate::resolve::needs::Needs;
use crate::resolve::{Definition, Resolution, SymbolId};
use object::elf;
use shared::guards::GUARDS;
use shared::record::{Class, NONE};
use std::os::unix::ffi::OsStrExt;

impl Synth<'_> {
    pub(super) fn measure_dynamic(&mut self, resolution: &Resolution<'_>, inputs: &Inputs) {
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
        let defined = self.needs.exports.iter().map(|id| Hashed::Symbol(*id, true));
        let undefined = canonical.iter().map(|id| Hashed::Symbol(*id, false));
        let guards = self.guards.numbers.iter().map(|number| Hashed::Guard(*number));
        let mut hashed: Vec<(u32, Hashed)> = defined
            .chain(undefined)
            .chain(guards)
            .map(|row| (gnu_hash::hash(row.name(resolution)), row))
            .collect();
        let buckets = gnu_hash::buckets(hashed.len());
        hashed.sort_by_key(|(hash, row)| (hash % buckets, *row));
        for (_, row) in &hashed {
            let symbol = match *row {
                Hashed::Symbol(id, defined) => self.dynamic_symbol(resolution, inputs, id, defined),
                Hashed::Guard(number) => {
                    self.guard_rows.push((number, self.symbols.len() as u64 + 1));
                    self.guard_symbol(row.name(resolution))
                }
            };
            self.symbols.push(symbol);
        }
        for (index, symbol) in self.symbols.iter().enumerate().filter(|(_, symbol)| symbol.id != NONE) {
            self.symbol_index.insert(symbol.id, index as u32 + 1);
        }
        let hashes: Vec<u32> = hashed.iter().map(|(hash, ..)| *hash).collect();
        self.hash_table = gnu_hash::table(&hashes, unhashed.len() as u32 + 1);
        if self.request.sysv_hash {
            let unhashed = unhashed.iter().map(|id| resolution.symbols[*id as usize].plain_name());
            let names = unhashed.chain(hashed.iter().map(|(_, row)| row.name(resolution)));
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
        // The spare ones are behind all that hash tables list: nobody asks an executable for what it imports.
        let spare = |count: u64| if self.request.shared { 0 } else { count };
        let symbols = self.symbols.len() as u64 + 1 + spare(SPARE_SYMBOLS);
        let strings = self.strings.bytes.len() as u64 + spare(SPARE_STRINGS);
        let versions = match self.version_table.len() as u64 {
            0 => 0,
            len => len + spare(SPARE_VERSIONS),
        };
        self.set(Part::DynSym, symbols * SYMBOL, 8);
        if self.has_versions() {
            self.set(Part::VerSym, symbols * 2, 2);
        }
        self.set(Part::VerNeed, versions, 8);
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
        self.set(Part::DynStr, strings, 1);
        let entries = self.dynamic(&|_| 0, &|_| 0).len() as u64;
        self.set(Part::Dynamic, entries * 16, 8);
    }

    /// A row that means nothing until the loader of a lazy launch fills it in.
    fn guard_symbol(&mut self, name: &[u8]) -> DynamicSymbol {
        DynamicSymbol {
            id: NONE,
            name: self.strings.add(name),
            info: elf::STB_WEAK << 4 | elf::STT_FUNC,
            other: elf::STV_DEFAULT,
            defined: false,
            size: 0,
            version: versions::GLOBAL,
        }
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

    /// The entries of `.dynamic`: tag and value.
    pub(super) fn dynamic(
        &self,
        part: &dyn Fn(Part) -> u64,
        class: &dyn Fn(Class) -> u64,
    ) -> Vec<(u64, u64)> {
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
        add(elf::DT_STRSZ, size(Part::DynStr));
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
        if self.request.shared {
            add(elf::DT_RELACOUNT, 0);
        }
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

    /// Where the dynamic linker looks for libraries.
    fn search_path(&self) -> Vec<u8> {
        let paths: Vec<&[u8]> = self.request.rpaths.iter().map(|path| path.as_bytes()).collect();
        paths.join(&b':')
    }
}

/// A row of `.dynsym` that the hash tables list, in the order inside of a bucket: a PLT entry that stands for a function
/// has to be found before the function's guard.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hashed {
    /// A symbol, and whether it is defined here.
    Symbol(SymbolId, bool),
    Guard(usize),
}

impl Hashed {
    fn name<'a>(self, resolution: &Resolution<'a>) -> &'a [u8] {
        match self {
            Self::Symbol(id, _) => resolution.symbols[id as usize].plain_name(),
            Self::Guard(number) => GUARDS[number].name.to_bytes(),
        }
    }
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
pub const DT_RELRSZ: u32 = 35;
const DT_RELR: u32 = 36;
const DT_RELRENT: u32 = 37;
