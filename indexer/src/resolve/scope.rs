//! Resolution -> scope: which of the image's definitions the dynamic linker sees, in which version, and whether
//! other modules may define them before the image does.

use super::check::is_function;
use super::{Definition, Resolution, Symbol, SymbolId};
use crate::args::{Request, Symbolic};
use crate::inputs::Inputs;
use crate::inputs::version_script::{Kind, Language, Matcher, Pattern, Verdict, Version, VersionMatcher};
use object::elf;
use std::collections::{HashMap, HashSet};

/// Version numbers of `.gnu.version` (LSB, "Symbol Versioning").
pub const VERSION_GLOBAL: u16 = 1;
/// Not what a reference without a version means.
pub const VERSION_HIDDEN: u16 = 0x8000;

#[derive(Default)]
pub struct Scope {
    exported: Vec<bool>,
    interposable: Vec<bool>,
    versions: HashMap<SymbolId, u16>,
    /// The versions that the image defines; the first has number 2.
    pub defined: Vec<Version>,
    /// Definitions that name a version which no script has.
    pub unknown: Vec<(SymbolId, Vec<u8>)>,
}

impl Scope {
    /// Listed in `.dynsym` as defined.
    pub fn is_exported(&self, id: SymbolId) -> bool {
        self.exported.get(id as usize).copied().unwrap_or(false)
    }

    /// References to it have to ask the dynamic linker.
    pub fn is_interposable(&self, id: SymbolId) -> bool {
        self.interposable.get(id as usize).copied().unwrap_or(false)
    }

    /// Number of the version of a definition.
    pub fn version(&self, id: SymbolId) -> u16 {
        self.versions.get(&id).copied().unwrap_or(VERSION_GLOBAL)
    }

    /// Whether a symbol is in the version with this number.
    pub fn uses(&self, number: u16) -> bool {
        self.versions.values().any(|used| used & !VERSION_HIDDEN == number)
    }

    /// The number of a version, which is added if no script defines it.
    fn number(&mut self, version: &[u8]) -> u16 {
        let found = self.defined.iter().position(|known| known.name.as_bytes() == version);
        let index = found.unwrap_or_else(|| {
            let name = String::from_utf8_lossy(version).into_owned();
            self.defined.push(Version { name, ..Version::default() });
            self.defined.len() - 1
        });
        index as u16 + VERSION_GLOBAL + 1
    }
}

pub fn scope(request: &Request, resolution: &Resolution<'_>, inputs: &Inputs) -> Scope {
    let mut scope = Scope::default();
    let named = inputs.version_script.versions.iter().filter(|version| !version.name.is_empty());
    scope.defined = named.cloned().collect();
    let own = own_versions(&mut scope, resolution);
    let own_matchers: HashMap<u16, VersionMatcher> = own
        .values()
        .filter_map(|number| {
            let index = (number & !VERSION_HIDDEN).checked_sub(VERSION_GLOBAL + 1)?;
            Some((*number, VersionMatcher::new(scope.defined.get(usize::from(index))?)))
        })
        .collect();
    // What libraries define or refer to, they must find in an executable.
    let mut wanted: HashSet<SymbolId> = HashSet::new();
    if !request.shared {
        let names = inputs.shared.iter().flat_map(|input| &input.library.symbols);
        wanted.extend(names.filter_map(|symbol| resolution.find(symbol.name)));
    }
    let globs = request.exports.iter().map(|text| {
        let kind = if text.contains(['*', '?', '[']) { Kind::Glob } else { Kind::Exact };
        Pattern { text: text.clone(), kind, language: Language::C }
    });
    let globs = Matcher::of_list(&globs.collect::<Vec<_>>());
    for (id, symbol) in resolution.symbols.iter().enumerate() {
        let id = id as SymbolId;
        let defined = is_exportable(symbol.definition);
        if !defined || symbol.is_hidden() || symbol.is_local() {
            scope.exported.push(false);
            scope.interposable.push(false);
            continue;
        }
        let listed = inputs.dynamic_list.as_ref().is_some_and(|list| list.find(symbol.name).is_some())
            || (request.export_data && symbol.kind == elf::STT_OBJECT)
            || globs.find(symbol.name).is_some();
        let asked = request.shared || request.export_dynamic || listed || wanted.contains(&id);
        if !asked && inputs.version_matcher.is_none() && own.is_empty() && scope.defined.is_empty() {
            scope.exported.push(false);
            scope.interposable.push(false);
            continue;
        }
        let verdict = match own.get(&id) {
            Some(number)
                if own_matchers.get(number).is_some_and(|matcher| matcher.hides(symbol.plain_name())) =>
            {
                Some(Verdict::Local)
            }
            Some(number) => Some(Verdict::Global(*number)),
            None => of_version(&scope, symbol)
                .or_else(|| inputs.version_matcher.as_ref().and_then(|matcher| matcher.find(symbol.name))),
        };
        let verdict = match verdict {
            Some(Verdict::Global(number))
                if !own.is_empty()
                    && !own.contains_key(&id)
                    && is_taken(&scope, resolution, symbol, number) =>
            {
                Some(Verdict::Local)
            }
            other => other,
        };
        if let Some(Verdict::Global(number)) = verdict {
            scope.versions.insert(id, number);
        }
        let exported = asked && verdict != Some(Verdict::Local);
        scope.exported.push(exported);
        scope.interposable.push(
            request.shared
                && exported
                && matches!(symbol.definition, Definition::Object { .. } | Definition::Common { .. })
                && may_be_interposed(request, inputs, resolution, symbol, listed),
        );
    }
    scope
}

/// What is said of the symbol that stands for a version.
fn of_version(scope: &Scope, symbol: &Symbol<'_>) -> Option<Verdict> {
    let is_number = matches!(symbol.definition, Definition::Value(_));
    let index = scope.defined.iter().position(|known| is_number && known.name.as_bytes() == symbol.name)?;
    Some(Verdict::Global(index as u16 + VERSION_GLOBAL + 1))
}

/// Whether a version that lists a name has it from another definition, `name@version`: of two, the dynamic linker
/// would take any.
fn is_taken(scope: &Scope, resolution: &Resolution<'_>, symbol: &Symbol<'_>, number: u16) -> bool {
    let index = number.checked_sub(VERSION_GLOBAL + 1);
    let Some(version) = index.and_then(|index| scope.defined.get(usize::from(index))) else { return false };
    let place = |symbol: &Symbol<'_>| match symbol.definition {
        Definition::Object { object, global } => {
            let global = resolution.global(object, global);
            Some((object, global.section, global.value))
        }
        _ => None,
    };
    let old = resolution.find(&[symbol.name, b"@", version.name.as_bytes()].concat());
    let old = old.and_then(|old| place(&resolution.symbols[old as usize]));
    let is_listed = |pattern: &Pattern| pattern.kind == Kind::Exact && pattern.text.as_bytes() == symbol.name;
    old.is_some() && old != place(symbol) && version.global.iter().any(is_listed)
}

/// Whether others can be told of a definition. What the linker itself defines is nobody else's concern.
pub fn is_exportable(definition: Definition) -> bool {
    !matches!(definition, Definition::None | Definition::Shared { .. } | Definition::Linker)
}

/// Definitions that name their version themselves.
fn own_versions(scope: &mut Scope, resolution: &Resolution<'_>) -> HashMap<SymbolId, u16> {
    let mut own = HashMap::new();
    for (object, view) in resolution.objects.iter().enumerate() {
        for version in view.versions {
            let id = resolution.symbol_of(object, version.global as usize);
            let definer = resolution.symbols[id as usize].definition;
            if definer == (Definition::Object { object: object as u32, global: version.global }) {
                let hidden = if version.is_default != 0 { 0 } else { VERSION_HIDDEN };
                let name = view.string(version.version);
                if name.is_empty() {
                    own.insert(id, VERSION_GLOBAL | hidden);
                    continue;
                }
                if !scope.defined.iter().any(|known| known.name.as_bytes() == name) {
                    scope.unknown.push((id, name.to_vec()));
                }
                own.insert(id, scope.number(name) | hidden);
            }
        }
    }
    own
}

/// Whether an exported symbol of a shared library is bound as `-Bsymbolic` and its kin do not forbid.
fn may_be_interposed(
    request: &Request,
    inputs: &Inputs,
    resolution: &Resolution<'_>,
    symbol: &Symbol<'_>,
    listed: bool,
) -> bool {
    if symbol.visibility != elf::STV_DEFAULT {
        return false;
    }
    let binding = match symbol.definition {
        Definition::Object { object, global } => resolution.global(object, global).binding,
        _ => elf::STB_GLOBAL,
    };
    // There is one definition in the process, whoever has it.
    if binding == elf::STB_GNU_UNIQUE || listed {
        return true;
    }
    match request.symbolic {
        _ if inputs.dynamic_list.is_some() => false,
        Symbolic::All => false,
        Symbolic::Functions => !is_function(symbol.kind),
        Symbolic::NonWeak => binding == elf::STB_WEAK,
        Symbolic::NonWeakFunctions => binding == elf::STB_WEAK || !is_function(symbol.kind),
        Symbolic::None => true,
    }
}
