//! What is particular about a shared library: what it may not have, and which symbols nobody needs.

use super::check::reachable;
use super::needs::{self, Facts};
use super::scope::Scope;
use super::{Definition, Resolution, Symbol, SymbolId};
use crate::HandOn;
use crate::args::Request;
use crate::message::{Messages, relocation_name};
use crate::object::show;
use object::elf;
use shared::edit::Kind;
use shared::record::{Class, SymRef, flag, uses};
use std::collections::HashSet;

/// What only programs may have, and versions that the script does not know.
pub fn check(resolution: &Resolution<'_>, scope: &Scope, messages: &mut Messages<'_>) {
    for (object, view) in resolution.objects.iter().enumerate() {
        if view.blocks.iter().any(|block| block.class == Class::PreinitArray as u32) {
            let name = messages.object_name(object);
            messages.error(&format!("{name}: .preinit_array section is not allowed in DSO"));
        }
    }
    for (symbol, version) in &scope.unknown {
        let name = messages.name(resolution.symbols[*symbol as usize].name);
        let name = name.split('@').next().unwrap_or_default();
        messages.error(&format!("version node not found for symbol {name}@{}", show(version)));
    }
}

/// Of the undefined symbols of a shared library, those that only dead sections mention: the dynamic linker is
/// not asked for them.
pub fn dead_symbols(request: &Request, resolution: &Resolution<'_>, scope: &Scope) -> HashSet<SymbolId> {
    let undefined = |symbol: &Symbol<'_>| symbol.definition == Definition::None && symbol.referenced;
    if !request.shared || !request.gc_sections || !resolution.symbols.iter().any(undefined) {
        return HashSet::new();
    }
    let reached = reachable(request, resolution, scope);
    let mut dead: HashSet<SymbolId> =
        (0..).zip(&resolution.symbols).filter(|(_, symbol)| undefined(symbol)).map(|(id, _)| id).collect();
    for (object, view) in resolution.objects.iter().enumerate() {
        let sections = view.sections.iter().zip(&reached[object]).filter(|(_, reached)| **reached);
        for edit in sections.flat_map(|(section, _)| view.edits_of(section)) {
            let Some(symref) = view.symrefs.get(edit.symbol() as usize) else { continue };
            if symref.section == SymRef::GLOBAL {
                dead.remove(&resolution.symbol_of(object, symref.global as usize));
            }
        }
    }
    dead
}

/// What cannot be in a shared library, whose address is not known: reported as errors; or as a reason for the
/// system's linker, if it would have to relocate code at load time.
pub fn check_addresses(
    resolution: &Resolution<'_>,
    facts: &[Facts],
    messages: &mut Messages<'_>,
) -> Option<HandOn> {
    let mut text_relocation = None;
    for (object, view) in resolution.objects.iter().enumerate() {
        let direct = needs::DIRECT | uses::TLS_LOCAL;
        let local = flag::LOCAL_ABS32 | flag::LOCAL_ABS64_READ_ONLY | flag::LOCAL_TLS;
        let suspect =
            view.header.flags & local != 0 || view.globals.iter().any(|global| global.uses & direct != 0);
        if !suspect {
            continue;
        }
        for (index, section) in view.sections.iter().enumerate() {
            if !resolution.is_live(object, index as u32) {
                continue;
            }
            for edit in view.edits_of(section) {
                let Some(kind) = Kind::from_number(edit.kind_number()) else { continue };
                let Some(symref) = view.symrefs.get(edit.symbol() as usize) else { continue };
                // Whether the address moves with the library, and whether it is somebody else's to decide.
                let (moves, foreign) = match symref.section {
                    SymRef::ABSOLUTE | SymRef::DISCARDED => (false, false),
                    SymRef::GLOBAL => {
                        let id = resolution.symbol_of(object, symref.global as usize) as usize;
                        let facts = &facts[id];
                        let foreign = needs::stays_zero(facts);
                        let place = facts.near || facts.iplt || resolution.symbols[id].is_tls();
                        (place || foreign, foreign)
                    }
                    section => (resolution.is_live(object, section), false),
                };
                let refused = match kind {
                    Kind::Abs32 | Kind::Abs32S | Kind::Abs16 | Kind::Abs8 => moves,
                    Kind::TpOff32 | Kind::TpOff64 => moves,
                    Kind::Pc64 | Kind::Pc32 | Kind::Pc16 | Kind::Pc8 | Kind::GotOff64 => foreign,
                    Kind::Abs64 if section.flags & elf::SHF_WRITE == 0 && moves => {
                        text_relocation.get_or_insert((object, index, edit.offset));
                        false
                    }
                    _ => false,
                };
                if refused {
                    let text = format!(
                        "relocation {} against {}`{}' can not be used when making a shared object; \
                         recompile with -fPIC",
                        relocation_name(kind),
                        if symref.section == SymRef::GLOBAL { "symbol " } else { "" },
                        messages.symref_name(resolution, object, symref)
                    );
                    messages.at(resolution, object, index, u64::from(edit.offset), &text);
                    break;
                }
            }
        }
    }
    let (object, section, offset) = text_relocation?;
    let place = messages.place(resolution, object, section, u64::from(offset));
    Some(HandOn(format!("{place}: code or read-only data that has to be relocated at load time")))
}
