//! Symbols that the linker itself defines (GNU ld's manual, "PROVIDE" in the default script), and the calls
//! that it leads through the loader.

use super::{Definition, Resolution, Symbol, SymbolId};
use crate::args::Request;
use crate::inputs::Inputs;
use crate::object::name_hash;
use object::elf;
use shared::plan::HOOKS;
use shared::record::{Class, GlobalRec, uses};

/// What a linker-defined symbol is the address of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    Base,
    StartOf(Class),
    EndOf(Class),
    /// Output section of a C identifier's name.
    StartOfNamed(Vec<u8>),
    EndOfNamed(Vec<u8>),
    EndOfText,
    EndOfData,
    StartOfBss,
    EndOfImage,
    GotOrigin,
    EhFrameHdr,
    Dynamic,
    IrelativeStart,
    IrelativeEnd,
    /// A function that does nothing.
    Nothing,
    /// The code that calls through entry *n* of the hook table.
    Hook(usize),
}

/// What `name` means if nothing else defines it.
fn meaning(name: &[u8], request: &Request, has_named: &dyn Fn(&[u8]) -> bool) -> Option<Meaning> {
    let dynamic = !request.is_static;
    Some(match name {
        b"__executable_start" | b"__ehdr_start" => Meaning::Base,
        b"__preinit_array_start" => Meaning::StartOf(Class::PreinitArray),
        b"__preinit_array_end" => Meaning::EndOf(Class::PreinitArray),
        b"__init_array_start" => Meaning::StartOf(Class::InitArray),
        b"__init_array_end" => Meaning::EndOf(Class::InitArray),
        b"__fini_array_start" => Meaning::StartOf(Class::FiniArray),
        b"__fini_array_end" => Meaning::EndOf(Class::FiniArray),
        b"_TLS_MODULE_BASE_" if request.shared => Meaning::StartOf(Class::TlsData),
        b"_TLS_MODULE_BASE_" => Meaning::EndOf(Class::TlsBss),
        b"etext" | b"_etext" | b"__etext" => Meaning::EndOfText,
        b"edata" | b"_edata" => Meaning::EndOfData,
        b"__bss_start" => Meaning::StartOfBss,
        b"end" | b"_end" => Meaning::EndOfImage,
        b"_GLOBAL_OFFSET_TABLE_" => Meaning::GotOrigin,
        b"__GNU_EH_FRAME_HDR" if request.eh_frame_hdr => Meaning::EhFrameHdr,
        b"_DYNAMIC" if dynamic => Meaning::Dynamic,
        b"__rela_iplt_start" if !dynamic => Meaning::IrelativeStart,
        b"__rela_iplt_end" if !dynamic => Meaning::IrelativeEnd,
        b"_dl_relocate_static_pie" if !dynamic && request.pie => Meaning::Nothing,
        _ => {
            let (section, start) = match name.strip_prefix(b"__start_") {
                Some(section) => (section, true),
                None => (name.strip_prefix(b"__stop_")?, false),
            };
            if !has_named(section) {
                return None;
            }
            if start { Meaning::StartOfNamed(section.into()) } else { Meaning::EndOfNamed(section.into()) }
        }
    })
}

/// Whether the linker may define a name that nothing else does.
pub fn is_known(name: &[u8], request: &Request) -> bool {
    meaning(name, request, &|_| true).is_some()
}

/// Defines what is referred to, undefined, and known here. Returns the meanings.
pub fn define(request: &Request, resolution: &mut Resolution<'_>) -> Vec<(SymbolId, Meaning)> {
    let mut named = std::collections::HashSet::new();
    for object in &resolution.objects {
        for block in object.blocks.iter().filter(|block| block.name.len != 0) {
            named.insert(object.string(block.name));
        }
    }
    let mut meanings = Vec::new();
    for (id, symbol) in resolution.symbols.iter_mut().enumerate() {
        let overridable =
            matches!(symbol.definition, Definition::None | Definition::Shared { .. }) && symbol.referenced;
        if !overridable || symbol.is_local() || !b"_e".contains(&symbol.name[0]) {
            continue;
        }
        if let Some(meaning) = meaning(symbol.name, request, &|section| named.contains(section)) {
            symbol.definition = Definition::Linker;
            symbol.visibility = elf::STV_HIDDEN;
            symbol.kind = if symbol.name == b"_TLS_MODULE_BASE_" { elf::STT_TLS } else { elf::STT_NOTYPE };
            meanings.push((id as SymbolId, meaning));
        }
    }
    meanings
}

/// As in GNU ld, a library has an absolute symbol for each version that it defines: tools that compare the symbols
/// of libraries see them disappear otherwise.
pub fn define_versions<'a>(request: &Request, inputs: &'a Inputs, resolution: &mut Resolution<'a>) {
    let versions = inputs.version_script.versions.iter().map(|version| version.name.as_bytes());
    for name in versions.filter(|name| request.shared && !name.is_empty()) {
        let id = resolution.intern(name, name_hash(name));
        let symbol = &mut resolution.symbols[id as usize];
        if symbol.definition == Definition::None {
            (symbol.definition, symbol.kind) = (Definition::Value(0), elf::STT_OBJECT);
        }
    }
}

/// Leads the objects' references to the functions of [`HOOKS`] through the hook table. Returns for each entry
/// the function that it holds.
pub fn hook(
    request: &Request,
    resolution: &mut Resolution<'_>,
    meanings: &mut Vec<(SymbolId, Meaning)>,
) -> Vec<Option<SymbolId>> {
    let mut real = Vec::new();
    if request.shared {
        return real;
    }
    let mut replaced: Vec<(SymbolId, SymbolId)> = Vec::new();
    for (index, name) in HOOKS.iter().enumerate() {
        let found = resolution.find(name).filter(|id| {
            let symbol = &resolution.symbols[*id as usize];
            symbol.referenced
                && matches!(symbol.definition, Definition::Shared { .. } | Definition::Object { .. })
        });
        real.push(found);
        let Some(found) = found else { continue };
        let hook = resolution.symbols.len() as SymbolId;
        let symbol = &mut resolution.symbols[found as usize];
        let all_uses = std::mem::replace(&mut symbol.uses, uses::CALL | uses::REFERRED);
        let mention = symbol.mention;
        resolution.symbols.push(Symbol {
            definition: Definition::Linker,
            uses: all_uses,
            visibility: elf::STV_HIDDEN,
            kind: elf::STT_FUNC,
            referenced: true,
            mention,
            ..Symbol::new(b"")
        });
        meanings.push((hook, Meaning::Hook(index)));
        replaced.push((found, hook));
    }
    if replaced.is_empty() {
        return real;
    }
    for object in 0..resolution.objects.len() {
        let base = resolution.bases[object] as usize;
        for (number, global) in resolution.objects[object].globals.iter().enumerate() {
            if global.section != GlobalRec::UNDEFINED {
                continue;
            }
            let binding = &mut resolution.bindings[base + number];
            if let Some((_, hook)) = replaced.iter().find(|(from, _)| from == binding) {
                *binding = *hook;
            }
        }
    }
    real
}
