//! Resolution -> what the linker has to make: GOT and PLT entries, copies, imports, exports, dynamic
//! relocations.

use super::check::is_function;
use super::scope::{Scope, is_exportable};
use super::{Definition, Resolution, Symbol, SymbolId};
use crate::args::Request;
use crate::inputs::Inputs;
use crate::inputs::shared::SharedSymbol;
use object::elf;
use rayon::prelude::*;
use shared::edit::Kind;
use shared::record::{GlobalRec, NONE, ObjectView, SymRef, flag, uses};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Data of a shared library that lives in the image (psABI, "Copy Relocations").
pub struct Copy {
    pub library: u32,
    pub size: u64,
    pub align: u64,
    /// All names of the place; the first is the one that the relocation names.
    pub symbols: Vec<SymbolId>,
}

/// A full address in data that the dynamic linker fills in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataRelocation {
    pub object: u32,
    pub section: u32,
    pub offset: u32,
    pub symbol: SymbolId,
    pub addend: i64,
}

/// What an entry of the GOT holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GotKind {
    Address,
    /// Offset from the thread pointer.
    ThreadOffset,
    /// What `__tls_get_addr` wants: the module, and the offset in its block (psABI, "Thread-Local Storage").
    Module,
    ModuleOffset,
    /// What a descriptor's function wants, in two entries.
    Descriptor,
    DescriptorArgument,
    /// The image itself as a module, in two entries.
    OwnModule,
    OwnModuleOffset,
}

#[derive(Default)]
pub struct Needs {
    /// The GOT; entry *n* is the *n*th. A symbol's entries are consecutive.
    pub got: Vec<(SymbolId, GotKind)>,
    /// Functions with a PLT entry that the dynamic linker binds.
    pub plt: Vec<SymbolId>,
    /// Indirect functions of the image: their address is that of their PLT entry.
    pub iplt: Vec<SymbolId>,
    pub copies: Vec<Copy>,
    /// Undefined symbols of `.dynsym`.
    pub imports: Vec<SymbolId>,
    /// Defined symbols of `.dynsym`, copies among them.
    pub exports: Vec<SymbolId>,
    pub commons: Vec<SymbolId>,
    pub data_relocations: Vec<DataRelocation>,
    /// How many addresses in the data of a shared library are relative to its load address.
    pub relative: usize,
    /// The thread-local storage of a shared library is accessed at a fixed offset from the thread pointer.
    pub static_tls: bool,
    /// Shared libraries that become DT_NEEDED.
    pub libraries: Vec<u32>,
    pub facts: Vec<Facts>,
}

/// What was decided for a symbol.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The dynamic linker binds it, to what another module defines.
    pub import: bool,
    /// The image defines it, and the dynamic linker may bind it to another module's definition.
    pub interposable: bool,
    pub copy: bool,
    /// Its PLT entry stands for it everywhere, and is exported.
    pub canonical_plt: bool,
    pub plt: bool,
    pub iplt: bool,
    pub got: bool,
    /// `lea` reaches it.
    pub near: bool,
    pub absent: bool,
    pub exported: bool,
}

/// Uses of an address that need it where code can reach it.
pub const DIRECT: u32 = uses::PC_RELATIVE | uses::ABS32 | uses::ABS64_READ_ONLY;

/// `scope` says who sees each symbol, `dead` which are only mentioned by dead sections.
pub fn needs(
    request: &Request,
    resolution: &Resolution<'_>,
    inputs: &Inputs,
    scope: &Scope,
    dead: &HashSet<SymbolId>,
) -> Needs {
    let mut needs = Needs::default();
    let mut copies: BTreeMap<(u32, u64), Copy> = BTreeMap::new();
    let shared = |library: u32, symbol: u32| -> &SharedSymbol {
        &inputs.shared[library as usize].library.symbols[symbol as usize]
    };
    for (id, symbol) in resolution.symbols.iter().enumerate() {
        let id = id as SymbolId;
        let mut facts = Facts::default();
        let used = used_by(request, symbol.uses);
        match symbol.definition {
            Definition::Shared { library, symbol: number } => {
                let there = shared(library, number);
                facts.import = true;
                if symbol.is_tls() || there.kind == elf::STT_TLS {
                    facts.got = !request.shared;
                } else if used & DIRECT != 0 && !request.shared {
                    if is_function(there.kind) || there.size == 0 {
                        facts.canonical_plt = true;
                        facts.plt = true;
                    } else {
                        facts.copy = true;
                        let copy = copies.entry((library, there.value)).or_insert(Copy {
                            library,
                            size: 0,
                            align: 1,
                            symbols: Vec::new(),
                        });
                        copy.size = copy.size.max(there.size);
                        copy.align = copy.align.max(there.align);
                        copy.symbols.push(id);
                    }
                    facts.near = true;
                } else if used & uses::CALL != 0 {
                    facts.plt = true;
                }
            }
            Definition::None => {
                facts.import = is_bound_later(request, symbol, used) && !dead.contains(&id);
                facts.plt = facts.import && used & uses::CALL != 0;
                facts.absent = true;
            }
            Definition::Object { object, global } => {
                let absolute = resolution.global(object, global).section == GlobalRec::ABSOLUTE;
                facts.interposable = scope.is_interposable(id);
                let moves = facts.interposable || request.shared && symbol.is_tls();
                facts.near = !absolute && !moves;
                facts.iplt = symbol.kind == elf::STT_GNU_IFUNC && !facts.interposable;
                facts.plt = facts.interposable && used & uses::CALL != 0;
            }
            Definition::Common { .. } => {
                facts.interposable = scope.is_interposable(id);
                facts.near = !facts.interposable;
                needs.commons.push(id);
            }
            Definition::Linker => facts.near = !(request.shared && symbol.is_tls()),
            Definition::Alias(..) | Definition::Value(_) => {}
        }
        add_got(&mut needs, request, id, symbol, used, &mut facts);
        if facts.iplt {
            needs.iplt.push(id);
        }
        needs.facts.push(facts);
    }
    let asks_module = |object: &ObjectView<'_>| object.header.flags & flag::TLS_MODULE != 0;
    if request.shared && resolution.objects.iter().any(asks_module) {
        needs.got.push((NONE, GotKind::OwnModule));
        needs.got.push((NONE, GotKind::OwnModuleOffset));
    }
    if !request.is_static {
        add_copies(&mut needs, resolution, inputs, copies);
        add_exports(&mut needs, resolution, scope);
        for (id, facts) in needs.facts.iter().enumerate() {
            if facts.plt {
                needs.plt.push(id as SymbolId);
            }
            if facts.import && !facts.copy {
                needs.imports.push(id as SymbolId);
            }
        }
        needs.data_relocations = data_relocations(resolution, &needs.facts);
        if request.shared {
            needs.relative = relative_addresses(resolution, &needs.facts);
        }
        needs.libraries = libraries(resolution, inputs);
    }
    needs
}

/// What of a symbol's uses is left in the kind of image that is made.
pub fn used_by(request: &Request, used: u32) -> u32 {
    let calls = [(uses::TLS_CALL, uses::CALL), (uses::TLS_CALL_INDIRECT, uses::GOT)];
    let of_sequences = uses::TLS_CALL | uses::TLS_CALL_INDIRECT;
    let mut left = used & !of_sequences;
    if request.shared {
        left |= calls.iter().filter(|(from, _)| used & from != 0).fold(0, |all, (_, to)| all | to);
    } else if used & uses::TLS_DESCRIPTOR != 0 {
        left = left & !uses::TLS_DESCRIPTOR | uses::TLS_DYNAMIC;
    }
    left
}

/// Whether a symbol that nothing defines is left to the dynamic linker. What is strongly wanted by an executable
/// and yet no error (dead under `--gc-sections`, or ignored) is 0, as GNU ld has it: the dynamic linker would
/// refuse to start the program.
fn is_bound_later(request: &Request, symbol: &Symbol<'_>, used: u32) -> bool {
    let visible = symbol.referenced && !symbol.is_hidden() && !symbol.is_local();
    if request.shared {
        return visible && used & !uses::REFERRED != 0;
    }
    let dynamic = uses::GOT | uses::GOT_RELAXABLE | uses::ABS64_DATA;
    !request.is_static && visible && !symbol.strongly_wanted && used & dynamic != 0 && !symbol.is_tls()
}

/// Gives a symbol the GOT entries that its uses ask for.
fn add_got(
    needs: &mut Needs,
    request: &Request,
    id: SymbolId,
    symbol: &Symbol<'_>,
    used: u32,
    facts: &mut Facts,
) {
    let mut kinds: Vec<GotKind> = Vec::new();
    if request.shared && symbol.is_tls() {
        if used & (uses::TLS_INITIAL | uses::TLS_INITIAL_FIXED) != 0 {
            kinds.push(GotKind::ThreadOffset);
            needs.static_tls = true;
        }
        if used & uses::TLS_DYNAMIC != 0 {
            kinds.extend([GotKind::Module, GotKind::ModuleOffset]);
        }
        if used & uses::TLS_DESCRIPTOR != 0 {
            kinds.extend([GotKind::Descriptor, GotKind::DescriptorArgument]);
        }
    } else {
        facts.got |= used & (uses::GOT | uses::TLS_INITIAL_FIXED) != 0;
        let relaxable = uses::GOT_RELAXABLE | uses::TLS_INITIAL | uses::TLS_DYNAMIC;
        facts.got |= used & relaxable != 0 && !facts.near;
        if facts.got {
            kinds.push(if symbol.is_tls() { GotKind::ThreadOffset } else { GotKind::Address });
        }
    }
    facts.got = !kinds.is_empty();
    needs.got.extend(kinds.into_iter().map(|kind| (id, kind)));
}

/// All names that a library has for a copied place have to mean the copy, also in the library itself.
fn add_copies(
    needs: &mut Needs,
    resolution: &Resolution<'_>,
    inputs: &Inputs,
    mut copies: BTreeMap<(u32, u64), Copy>,
) {
    if copies.is_empty() {
        return;
    }
    let mut ids: HashMap<(u32, u32), SymbolId> = HashMap::new();
    for (id, symbol) in resolution.symbols.iter().enumerate() {
        if let Definition::Shared { library, symbol } = symbol.definition {
            ids.insert((library, symbol), id as SymbolId);
        }
    }
    for (library, input) in inputs.shared.iter().enumerate() {
        for (number, symbol) in input.library.symbols.iter().enumerate() {
            let key = (library as u32, number as u32);
            let Some(copy) = copies.get_mut(&(key.0, symbol.value)) else { continue };
            if symbol.is_undefined || is_function(symbol.kind) {
                continue;
            }
            if let Some(id) = ids.get(&key)
                && !copy.symbols.contains(id)
            {
                copy.symbols.push(*id);
            }
        }
    }
    for copy in copies.into_values() {
        for id in &copy.symbols {
            let facts = &mut needs.facts[*id as usize];
            *facts =
                Facts { copy: true, import: true, near: true, plt: false, canonical_plt: false, ..*facts };
        }
        needs.copies.push(copy);
    }
}

fn add_exports(needs: &mut Needs, resolution: &Resolution<'_>, scope: &Scope) {
    for (id, symbol) in resolution.symbols.iter().enumerate() {
        let facts = &mut needs.facts[id];
        let defined = is_exportable(symbol.definition);
        facts.exported = facts.copy || (defined && scope.is_exported(id as SymbolId));
        if facts.exported {
            needs.exports.push(id as SymbolId);
        }
    }
}

/// Finds the full addresses of imported symbols in writable data.
fn data_relocations(resolution: &Resolution<'_>, facts: &[Facts]) -> Vec<DataRelocation> {
    let per_object = resolution.objects.par_iter().enumerate().map(|(object, _)| {
        object_data_relocations(resolution, object, |symbol| stays_zero(&facts[symbol as usize]))
    });
    per_object.collect::<Vec<_>>().concat()
}

/// Whether data that takes the symbol's address is left to the dynamic linker.
pub fn stays_zero(facts: &Facts) -> bool {
    facts.interposable || facts.import && !facts.copy && !facts.canonical_plt
}

/// Counts the full addresses in data that are relative to the load address of a shared library.
fn relative_addresses(resolution: &Resolution<'_>, facts: &[Facts]) -> usize {
    let count = |(object, view): (usize, &ObjectView<'_>)| {
        let is_relative = |edit: &&shared::record::Edit| {
            let Some(symref) = view.symrefs.get(edit.symbol() as usize) else { return false };
            Kind::from_number(edit.kind_number()) == Some(Kind::Abs64)
                && match symref.section {
                    SymRef::GLOBAL => {
                        let id = resolution.symbol_of(object, symref.global as usize);
                        !stays_zero(&facts[id as usize])
                    }
                    SymRef::ABSOLUTE | SymRef::DISCARDED => false,
                    section => resolution.is_live(object, section),
                }
        };
        let writable = view.sections.iter().enumerate().filter(|(index, section)| {
            section.flags & elf::SHF_WRITE != 0 && resolution.is_live(object, *index as u32)
        });
        writable.map(|(_, section)| view.edits_of(section).iter().filter(is_relative).count()).sum::<usize>()
    };
    resolution.objects.par_iter().enumerate().map(count).sum()
}

/// The data relocations of one object.
pub fn object_data_relocations(
    resolution: &Resolution<'_>,
    object: usize,
    stays_zero: impl Fn(SymbolId) -> bool,
) -> Vec<DataRelocation> {
    let view = &resolution.objects[object];
    let mut found = Vec::new();
    if view.header.flags & flag::ABS64_GLOBAL == 0 {
        return found;
    }
    for (index, section) in view.sections.iter().enumerate() {
        if section.flags & elf::SHF_WRITE == 0 || !resolution.is_live(object, index as u32) {
            continue;
        }
        for edit in view.edits_of(section) {
            let symref = &view.symrefs[edit.symbol() as usize];
            if Kind::from_number(edit.kind_number()) != Some(Kind::Abs64) || symref.section != SymRef::GLOBAL
            {
                continue;
            }
            let symbol = resolution.symbol_of(object, symref.global as usize);
            if stays_zero(symbol) {
                found.push(DataRelocation {
                    object: object as u32,
                    section: index as u32,
                    offset: edit.offset,
                    symbol,
                    addend: edit.addend,
                });
            }
        }
    }
    found
}

/// The shared libraries that the program needs: named without `--as-needed`, or used.
pub fn libraries(resolution: &Resolution<'_>, inputs: &Inputs) -> Vec<u32> {
    let mut used: HashSet<u32> = HashSet::new();
    for symbol in &resolution.symbols {
        if let Definition::Shared { library, .. } = symbol.definition
            && symbol.strongly_wanted
        {
            used.insert(library);
        }
    }
    let needed = |number: &u32| !inputs.shared[*number as usize].as_needed || used.contains(number);
    let mut needed: Vec<bool> = (0..inputs.shared.len() as u32).map(|number| needed(&number)).collect();
    while let Some(more) = needed_by_libraries(resolution, inputs, &needed) {
        needed[more] = true;
    }
    (0..).zip(needed).filter(|(_, needed)| *needed).map(|(number, _)| number).collect()
}

/// A library that was named under `--as-needed`, that no object refers to, and that a needed library does without saying
/// so itself (GNU ld's manual, `--as-needed`).
fn needed_by_libraries(resolution: &Resolution<'_>, inputs: &Inputs, needed: &[bool]) -> Option<usize> {
    if needed.iter().all(|needed| *needed) {
        return None;
    }
    let mut providers: HashMap<&[u8], usize> = HashMap::new();
    for (number, input) in inputs.shared.iter().enumerate().rev() {
        let defined = input.library.symbols.iter().filter(|symbol| !symbol.is_undefined);
        providers.extend(defined.map(|symbol| (symbol.name, number)));
    }
    let libraries =
        || inputs.shared.iter().zip(needed).filter(|(_, needed)| **needed).map(|(input, _)| &input.library);
    let is_listed = |soname: &[u8]| libraries().any(|library| library.needed.contains(&soname));
    let here = |name: &[u8]| {
        resolution.find(name).is_some_and(|id| is_exportable(resolution.symbols[id as usize].definition))
    };
    let wanted = libraries().flat_map(|library| &library.symbols).filter(|symbol| symbol.is_wanted());
    let mut missing = wanted.filter_map(|symbol| {
        let provider = *providers.get(symbol.name)?;
        (!needed[provider] && !here(symbol.name)).then_some(provider)
    });
    missing.find(|provider| !is_listed(&inputs.shared[*provider].library.soname))
}
