//! Resolution -> what the linker has to make: GOT and PLT entries, copies, imports, exports, dynamic
//! relocations.

use super::check::is_function;
use super::{Definition, Resolution, SymbolId};
use crate::args::Request;
use crate::inputs::Inputs;
use crate::inputs::shared::SharedSymbol;
use object::elf;
use rayon::prelude::*;
use shared::edit::Kind;
use shared::record::{GlobalRec, SymRef, flag, uses};
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

#[derive(Default)]
pub struct Needs {
    /// Symbols with a GOT entry; entry *n* is the *n*th.
    pub got: Vec<SymbolId>,
    /// Imported functions with a PLT entry.
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
    /// Shared libraries that become DT_NEEDED.
    pub libraries: Vec<u32>,
    /// Symbols with a GOT entry that holds an offset in thread-local storage.
    pub tls: HashSet<SymbolId>,
    pub facts: Vec<Facts>,
}

/// What was decided for a symbol.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The dynamic linker binds it.
    pub import: bool,
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

pub fn needs(request: &Request, resolution: &Resolution<'_>, inputs: &Inputs) -> Needs {
    let mut needs = Needs::default();
    let mut copies: BTreeMap<(u32, u64), Copy> = BTreeMap::new();
    let shared = |library: u32, symbol: u32| -> &SharedSymbol {
        &inputs.shared[library as usize].library.symbols[symbol as usize]
    };
    for (id, symbol) in resolution.symbols.iter().enumerate() {
        let id = id as SymbolId;
        let mut facts = Facts::default();
        let used = symbol.uses;
        match symbol.definition {
            Definition::Shared { library, symbol: number } => {
                let there = shared(library, number);
                facts.import = true;
                if symbol.is_tls() || there.kind == elf::STT_TLS {
                    facts.got = true;
                } else if used & DIRECT != 0 {
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
                let dynamic = uses::GOT | uses::GOT_RELAXABLE | uses::ABS64_DATA;
                // What is undefined, strongly wanted and yet no error (dead under --gc-sections, or ignored) is
                // 0, as GNU ld has it: the dynamic linker would refuse to start the program.
                let bindable =
                    symbol.referenced && !symbol.strongly_wanted && !symbol.is_hidden() && !symbol.is_local();
                facts.import = !request.is_static && bindable && used & dynamic != 0 && !symbol.is_tls();
                facts.plt = facts.import && used & uses::CALL != 0;
                facts.absent = true;
            }
            Definition::Object { object, global } => {
                let absolute = resolution.global(object, global).section == GlobalRec::ABSOLUTE;
                facts.near = !absolute;
                facts.iplt = symbol.kind == elf::STT_GNU_IFUNC;
            }
            Definition::Common { .. } => {
                facts.near = true;
                needs.commons.push(id);
            }
            Definition::Linker => facts.near = true,
            Definition::Alias(_) | Definition::Value(_) => {}
        }
        let relaxed_away = facts.near;
        facts.got |= used & (uses::GOT | uses::TLS_INITIAL_FIXED) != 0;
        facts.got |=
            used & (uses::GOT_RELAXABLE | uses::TLS_INITIAL | uses::TLS_DYNAMIC) != 0 && !relaxed_away;
        if facts.got {
            if symbol.is_tls() {
                needs.tls.insert(id);
            }
            needs.got.push(id);
        }
        if facts.iplt {
            needs.iplt.push(id);
        }
        needs.facts.push(facts);
    }
    if !request.is_static {
        add_copies(&mut needs, resolution, inputs, copies);
        add_exports(&mut needs, request, resolution, inputs);
        for (id, facts) in needs.facts.iter().enumerate() {
            if facts.plt {
                needs.plt.push(id as SymbolId);
            }
            if facts.import && !facts.copy {
                needs.imports.push(id as SymbolId);
            }
        }
        needs.data_relocations = data_relocations(resolution, &needs.facts);
        add_libraries(&mut needs, resolution, inputs);
    }
    needs
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

fn add_exports(needs: &mut Needs, request: &Request, resolution: &Resolution<'_>, inputs: &Inputs) {
    let mut exported: HashSet<SymbolId> = HashSet::new();
    // What libraries define or refer to, they must find in the image.
    for input in &inputs.shared {
        for symbol in &input.library.symbols {
            exported.extend(resolution.find(symbol.name));
        }
    }
    let globs: Vec<&[u8]> = request.exports.iter().map(|glob| glob.as_bytes()).collect();
    for (id, symbol) in resolution.symbols.iter().enumerate() {
        let id = id as SymbolId;
        let facts = &mut needs.facts[id as usize];
        let defined = matches!(symbol.definition, Definition::Object { .. } | Definition::Common { .. });
        let visible = !symbol.is_hidden() && !symbol.is_local();
        let asked = request.export_dynamic
            || exported.contains(&id)
            || globs.iter().any(|glob| glob_matches(glob, symbol.name));
        facts.exported = facts.copy || (defined && visible && asked);
        if facts.exported {
            needs.exports.push(id);
        }
    }
}

/// Shell patterns with `*` and `?`.
pub fn glob_matches(glob: &[u8], name: &[u8]) -> bool {
    match glob.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len()).any(|skip| glob_matches(rest, &name[skip..])),
        Some((b'?', rest)) => !name.is_empty() && glob_matches(rest, &name[1..]),
        Some((byte, rest)) => name.first() == Some(byte) && glob_matches(rest, &name[1..]),
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
    facts.import && !facts.copy && !facts.canonical_plt
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

fn add_libraries(needs: &mut Needs, resolution: &Resolution<'_>, inputs: &Inputs) {
    let mut used: HashSet<u32> = HashSet::new();
    for symbol in &resolution.symbols {
        if let Definition::Shared { library, .. } = symbol.definition
            && symbol.strongly_wanted
        {
            used.insert(library);
        }
    }
    for (number, input) in inputs.shared.iter().enumerate() {
        let number = number as u32;
        if !input.as_needed || used.contains(&number) {
            needs.libraries.push(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::glob_matches;

    #[test]
    fn globs() {
        assert!(glob_matches(b"foo*", b"foobar"));
        assert!(glob_matches(b"*", b""));
        assert!(glob_matches(b"a?c", b"abc"));
        assert!(!glob_matches(b"a?c", b"ac"));
        assert!(!glob_matches(b"foo", b"foobar"));
    }
}
