//! The errors that a link reports: undefined and duplicate symbols, and addresses that do not fit.

use super::scope::Scope;
use super::{Definition, Resolution, SymbolId, hints, library, needs};
use crate::args::Request;
use crate::args::expression::{self, Expression};
use crate::emit::Stack;
use crate::inputs::Inputs;
use crate::inputs::shared::SharedSymbol;
use crate::message::{Messages, References, relocation_name};
use crate::reach::{self, Reached, Section};
use object::elf;
use shared::edit::Kind;
use shared::record::{Edit, GlobalRec, SymRef, flag, uses};
use std::collections::HashMap;

/// Reports what is wrong with the program. `layout` has not happened yet.
pub fn check(
    request: &Request,
    resolution: &Resolution<'_>,
    scope: &Scope,
    inputs: &Inputs,
    messages: &mut Messages<'_>,
) {
    for warning in request.warnings.iter().chain(&inputs.warnings) {
        messages.warning(warning);
    }
    if !request.allow_multiple {
        for (symbol, first, second) in &resolution.duplicates {
            messages.duplicate(resolution, *symbol, *first, *second);
        }
    }
    let mut undefined: Vec<SymbolId> = Vec::new();
    for (id, symbol) in resolution.symbols.iter().enumerate() {
        // What a shared library leaves undefined, the program may define.
        let allowed = request.shared && !request.no_undefined && !symbol.is_hidden()
            || request.may_be_undefined.iter().any(|name| name.as_bytes() == symbol.name);
        if symbol.definition == Definition::None && symbol.strongly_wanted && !allowed {
            undefined.push(id as SymbolId);
        }
    }
    if !undefined.is_empty() && request.unresolved.in_objects {
        let reached = request.gc_sections.then(|| reachable(request, resolution, scope));
        report_undefined(request, resolution, inputs, &undefined, reached.as_ref(), messages);
    }
    if request.unresolved.in_libraries && !request.shared {
        check_libraries(request, resolution, inputs, messages);
    }
    for name in &request.required {
        let id = resolution.find(name.as_bytes());
        if id.is_none_or(|id| resolution.symbols[id as usize].definition == Definition::None) {
            messages.error(&format!("required symbol '{name}' not defined"));
        }
    }
    check_aliases(request, resolution, messages);
    if request.shared {
        library::check(resolution, scope, messages);
    } else {
        check_entry(request, resolution, messages);
    }
    if request.warn_common {
        warn_of_commons(resolution, messages);
    }
    if request.pie {
        for (object, view) in resolution.objects.iter().enumerate() {
            let global = view.globals.iter().any(|global| global.uses & uses::ABS32 != 0);
            if global || view.header.flags & flag::LOCAL_ABS32 != 0 {
                check_narrow(resolution, object, messages);
            }
        }
    }
}

/// Reports what shared libraries need and nobody defines. A library that needs one which is no input is not
/// checked: that one may define it.
fn check_libraries(
    request: &Request,
    resolution: &Resolution<'_>,
    inputs: &Inputs,
    messages: &mut Messages<'_>,
) {
    let is_input = |soname: &&[u8]| inputs.shared.iter().any(|input| input.library.soname == *soname);
    for number in needs::libraries(resolution, inputs) {
        let input = &inputs.shared[number as usize];
        if !input.library.needed.iter().all(is_input) {
            continue;
        }
        let mut wanted: Vec<(&SharedSymbol, Option<SymbolId>)> = Vec::new();
        for symbol in input.library.symbols.iter().filter(|symbol| symbol.is_wanted()) {
            let here = resolution.find(symbol.name).filter(|id| {
                !matches!(
                    resolution.symbols[*id as usize].definition,
                    Definition::None | Definition::Shared { .. }
                )
            });
            match here {
                Some(id) if !resolution.symbols[id as usize].is_hidden() => {}
                _ => wanted.push((symbol, here)),
            }
        }
        let mut offered: HashMap<&[u8], Vec<&SharedSymbol>> =
            wanted.iter().map(|(symbol, _)| (symbol.name, Vec::new())).collect();
        for there in inputs.shared.iter().flat_map(|input| &input.library.symbols) {
            if let Some(offered) = offered.get_mut(there.name) {
                offered.push(there);
            }
        }
        wanted.retain(|(symbol, _)| !offered[symbol.name].iter().any(|there| there.provides(symbol)));
        for (symbol, hidden) in wanted {
            messages.undefined_in_library(request, resolution, input.file, symbol, hidden);
        }
    }
}

/// `--warn-common` (GNU ld's manual): what happened to common symbols that met another symbol of their name.
fn warn_of_commons(resolution: &Resolution<'_>, messages: &mut Messages<'_>) {
    // Size of the common symbol, if it is one, and its object.
    let mut before: HashMap<SymbolId, (Option<u64>, usize)> = HashMap::new();
    for (object, view) in resolution.objects.iter().enumerate() {
        for (number, global) in view.globals.iter().enumerate() {
            if !global.is_definition() || global.binding != elf::STB_GLOBAL {
                continue;
            }
            let id = resolution.symbol_of(object, number);
            let new = (global.section == GlobalRec::COMMON).then_some(global.size);
            let Some((old, first)) = before.get(&id).copied() else {
                before.insert(id, (new, object));
                continue;
            };
            let name = messages.name(view.string(global.name));
            let (here, there) = (messages.object_name(object), messages.object_name(first));
            messages.warning(&match (old, new) {
                (None, None) => continue,
                (Some(_), None) => format!("{here}: definition of `{name}' overriding common from {there}"),
                (None, Some(_)) => {
                    format!("{here}: common of `{name}' overridden by definition from {there}")
                }
                (Some(old), Some(new)) if old > new => {
                    format!("{here}: common of `{name}' overridden by larger common from {there}")
                }
                (Some(old), Some(new)) if old < new => {
                    format!("{here}: common of `{name}' overriding smaller common from {there}")
                }
                _ => format!("{here} and {there}: multiple common of `{name}'"),
            });
            if old.is_some() && old <= new || new.is_none() {
                before.insert(id, (new, object));
            }
        }
    }
}

/// What `--defsym` refers to has to be in the program, not in a shared library.
fn check_aliases(request: &Request, resolution: &Resolution<'_>, messages: &mut Messages<'_>) {
    for (name, meaning) in &request.defsyms {
        let Expression::Symbol(target, _) = meaning else { continue };
        let id = resolution.find(name.as_bytes()).map(|id| resolution.aliased(id).0);
        let why = match id.map(|id| resolution.symbols[id as usize].definition) {
            None | Some(Definition::None | Definition::Alias(..)) => "undefined",
            Some(Definition::Shared { .. }) => "unresolvable",
            Some(_) => continue,
        };
        let target = messages.name(target.as_bytes());
        messages.error(&format!("--defsym:1: {why} symbol `{target}' referenced in expression"));
    }
}

/// Without an entry point the program starts with its first code, as in GNU ld.
fn check_entry(request: &Request, resolution: &Resolution<'_>, messages: &mut Messages<'_>) {
    let name = request.entry.as_deref().unwrap_or("_start");
    let found = resolution.find(name.as_bytes());
    let defined = found.is_some_and(|id| resolution.symbols[id as usize].definition != Definition::None);
    if !defined && expression::number(name).is_none() {
        messages.warning(&format!("cannot find entry symbol {name}; defaulting to the start of the code"));
    }
}

/// What the program asks of its stack. As in GNU ld, an object that does not say that it can do without an
/// executable one needs it, unless no object says anything.
pub fn stack(request: &Request, resolution: &Resolution<'_>, messages: &mut Messages<'_>) -> Stack {
    let size = request.stack_size;
    let is_executable = match request.exec_stack {
        Some(asked) => {
            if asked && request.warn_exec_stack == Some(true) {
                messages.warning("enabling an executable stack because of -z execstack command line option");
            }
            asked
        }
        None => needs_executable_stack(request, resolution, messages),
    };
    Stack { is_executable, has_header: request.stack_header, size }
}

fn needs_executable_stack(
    request: &Request,
    resolution: &Resolution<'_>,
    messages: &mut Messages<'_>,
) -> bool {
    let has = |bit: u64| resolution.objects.iter().map(move |object| object.header.flags & bit != 0);
    let asking = has(flag::EXEC_STACK).position(|has| has).map(|object| messages.object_name(object));
    let silent = has(flag::NO_STACK_NOTE).rposition(|has| has).map(|object| messages.object_name(object));
    let why = match (asking, silent) {
        (Some(name), _) => {
            format!("{name}: requires executable stack (because the .note.GNU-stack section is executable)")
        }
        (None, Some(name)) => {
            if has(flag::NO_STACK_NOTE).all(|has| has) && request.stack_size == 0 {
                return false;
            }
            format!(
                "{name}: missing .note.GNU-stack section implies executable stack\n\
                 ld.unfold: NOTE: This behaviour is deprecated and will be removed in a future version of the linker"
            )
        }
        (None, None) => return false,
    };
    if request.error_exec_stack {
        messages.error(&why);
    } else if request.warn_exec_stack != Some(false) {
        messages.warning(&why);
    }
    true
}

/// In a PIE, addresses do not fit 32 bits.
fn check_narrow(resolution: &Resolution<'_>, object: usize, messages: &mut Messages<'_>) {
    let view = &resolution.objects[object];
    for (index, section) in view.sections.iter().enumerate() {
        if !resolution.is_live(object, index as u32) {
            continue;
        }
        for edit in view.edits_of(section) {
            let name = match Kind::from_number(edit.kind_number()) {
                Some(kind @ (Kind::Abs32 | Kind::Abs32S | Kind::Abs16 | Kind::Abs8)) => relocation_name(kind),
                _ => continue,
            };
            let Some(symref) = view.symrefs.get(edit.symbol() as usize) else { continue };
            let is_place = match symref.section {
                SymRef::ABSOLUTE | SymRef::DISCARDED => false,
                SymRef::GLOBAL => {
                    let id = resolution.symbol_of(object, symref.global as usize);
                    let symbol = &resolution.symbols[resolution.aliased(id).0 as usize];
                    let absolute = matches!(symbol.definition, Definition::Object { object, global }
                        if resolution.global(object, global).section == GlobalRec::ABSOLUTE);
                    !absolute && !matches!(symbol.definition, Definition::None | Definition::Value(_))
                }
                _ => true,
            };
            if is_place {
                let text = format!(
                    "relocation {name} against `{}' can not be used when making a PIE object; recompile with -fPIE",
                    messages.symref_name(resolution, object, symref)
                );
                messages.at(resolution, object, index, u64::from(edit.offset), &text);
                return;
            }
        }
    }
}

fn report_undefined(
    request: &Request,
    resolution: &Resolution<'_>,
    inputs: &Inputs,
    undefined: &[SymbolId],
    reached: Option<&Vec<Vec<bool>>>,
    messages: &mut Messages<'_>,
) {
    let mut references: HashMap<SymbolId, References> = HashMap::new();
    let mut order = Vec::new();
    for (object, view) in resolution.objects.iter().enumerate() {
        let wanted = |id: SymbolId| undefined.binary_search(&id).is_ok();
        if !(0..view.globals.len()).any(|global| wanted(resolution.symbol_of(object, global))) {
            continue;
        }
        for (index, section) in view.sections.iter().enumerate() {
            if !resolution.is_live(object, index as u32) || reached.is_some_and(|all| !all[object][index]) {
                continue;
            }
            for edit in view.edits_of(section) {
                let Some(symref) = view.symrefs.get(edit.symbol() as usize) else { continue };
                if symref.section != SymRef::GLOBAL {
                    continue;
                }
                let id = resolution.symbol_of(object, symref.global as usize);
                if wanted(id) && (request.shared || !symref_is_call(edit)) {
                    let found = references.entry(id).or_insert_with(|| {
                        order.push(id);
                        References::default()
                    });
                    found.add((object, index, u64::from(edit.offset)));
                }
            }
        }
    }
    let names = hints::Names::new(resolution, inputs);
    for (count, id) in order.iter().enumerate() {
        // Nobody reads more, and looking for other spellings takes time.
        let hints = if count < HINTS { names.hints(*id, messages) } else { Vec::new() };
        messages.undefined(request, resolution, *id, &references[id], &hints);
    }
}

/// How many undefined symbols are looked for under other spellings.
const HINTS: usize = 20;

/// Whether an edit is the call of a thread-local sequence, which is relaxed away in an executable.
fn symref_is_call(edit: &Edit) -> bool {
    matches!(Kind::from_number(edit.kind_number()), Some(Kind::TlsCall | Kind::TlsCallIndirect))
}

/// The sections that the program can reach, for which undefined symbols only code and data count.
pub fn reachable(request: &Request, resolution: &Resolution<'_>, scope: &Scope) -> Reached {
    let definition = |id: SymbolId| match resolution.symbols[id as usize].definition {
        Definition::Object { object, global } => {
            Some((object as usize, resolution.global(object, global).section))
        }
        _ => None,
    };
    let mut roots: Vec<Section> = reach::kept(&resolution.objects).collect();
    for (object, view) in resolution.objects.iter().enumerate() {
        let exported = view.globals.iter().enumerate().filter(|(number, global)| {
            global.is_definition() && scope.is_exported(resolution.symbol_of(object, *number))
        });
        roots.extend(exported.map(|(_, global)| (object, global.section)));
    }
    let entry = request.entry.as_deref().unwrap_or("_start");
    let words = request.undefined.iter().chain(&request.required).map(String::as_str);
    for name in words.chain([entry, &request.init, &request.fini]) {
        roots.extend(resolution.find(name.as_bytes()).and_then(definition));
    }
    reach::from(&resolution.objects, roots, |object, global| {
        definition(resolution.symbol_of(object, global as usize))
    })
}

/// Symbol types that are code.
pub fn is_function(kind: u8) -> bool {
    matches!(kind, elf::STT_FUNC | elf::STT_GNU_IFUNC)
}
