//! Records -> resolution: which definition each name is bound to, and which COMDAT groups are kept.

pub mod check;
pub mod guards;
pub mod hints;
pub mod library;
pub mod linker_symbols;
pub mod needs;
pub mod reach;
pub mod scope;

use crate::args::Request;
use crate::args::expression::Expression;
use crate::inputs::shared::SharedSymbol;
use crate::inputs::{Inputs, SharedInput};
use crate::load::Program;
use crate::object::name_hash;
use object::elf;
use shared::record::{GlobalRec, ObjectView, uses};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// A symbol of the program: an index into [`Resolution::symbols`], and later of its slot.
pub type SymbolId = u32;

/// An object, and the number of one of its globals.
pub type Definer = (u32, u32);

/// What a symbol is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Definition {
    /// Nothing defines it.
    None,
    /// Global `global` of object `object`.
    Object { object: u32, global: u32 },
    /// A common symbol: the largest of the objects' wishes.
    Common { size: u64, align: u64, object: u32, global: u32 },
    /// Symbol `symbol` of shared library `library`.
    Shared { library: u32, symbol: u32 },
    /// The linker defines it when addresses are known.
    Linker,
    /// So many bytes from another symbol: `--defsym`.
    Alias(SymbolId, i64),
    /// A number: `--defsym`.
    Value(u64),
}

#[derive(Clone, Debug)]
pub struct Symbol<'a> {
    /// Empty for a local symbol that needs a slot.
    pub name: &'a [u8],
    pub definition: Definition,
    /// `uses::*` of all objects together.
    pub uses: u32,
    pub visibility: u8,
    pub kind: u8,
    /// Some reference is not weak.
    pub strongly_wanted: bool,
    pub referenced: bool,
    /// A global that names it: of the definer, or of the first that refers to it.
    pub mention: (u32, u32),
    weak_definition: bool,
}

pub struct Resolution<'a> {
    pub objects: Vec<ObjectView<'a>>,
    pub symbols: Vec<Symbol<'a>>,
    /// For each object, where its globals begin in `bindings`.
    pub bases: Vec<u32>,
    /// The symbol of each global of each object.
    pub bindings: Vec<SymbolId>,
    /// For each object and group of it: whether the group is kept.
    pub kept_groups: Vec<Vec<bool>>,
    pub names: Names<'a>,
    /// Two strong definitions: symbol, first and second definer.
    pub duplicates: Vec<(SymbolId, Definer, Definer)>,
}

impl<'a> Resolution<'a> {
    pub fn symbol_of(&self, object: usize, global: usize) -> SymbolId {
        self.bindings[self.bases[object] as usize + global]
    }

    pub fn find(&self, name: &[u8]) -> Option<SymbolId> {
        self.names.get(&Name { hash: name_hash(name), bytes: name }).copied()
    }

    /// The symbol that a symbol is an alias of in the end, and the distance from it; itself if it is none.
    pub fn aliased(&self, mut id: SymbolId) -> (SymbolId, i64) {
        let mut distance = 0i64;
        // Aliases of each other lead nowhere; `check` finds them.
        for _ in 0..=self.symbols.len() {
            let Definition::Alias(target, offset) = self.symbols[id as usize].definition else { break };
            (id, distance) = (target, distance.wrapping_add(offset));
        }
        (id, distance)
    }

    /// Whether a section is part of the program.
    pub fn is_live(&self, object: usize, section: u32) -> bool {
        let Some(section) = self.objects[object].sections.get(section as usize) else { return false };
        section.group == 0
            || self.kept_groups[object].get(section.group as usize - 1).copied().unwrap_or(true)
    }

    /// The globals that are bound to the same symbol as one definition: who defines it.
    pub fn global(&self, object: u32, global: u32) -> &'a GlobalRec {
        &self.objects[object as usize].globals[global as usize]
    }
}

/// A name with its hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name<'a> {
    hash: u64,
    bytes: &'a [u8],
}

impl Hash for Name<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// Names are hashed already, and numbers of symbols need little.
#[derive(Clone, Default)]
pub struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("only hashes of names are hashed")
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
    fn write_u32(&mut self, value: u32) {
        // Fibonacci hashing: the upper bits count too.
        self.0 = u64::from(value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// Something for some of the symbols.
pub type OfSymbols<T> = HashMap<SymbolId, T, BuildHasherDefault<Identity>>;

pub type Names<'a> = HashMap<Name<'a>, SymbolId, BuildHasherDefault<Identity>>;

/// Binds every name. Errors are found later, by [`check`].
pub fn resolve<'a>(request: &'a Request, program: &'a Program, inputs: &'a Inputs) -> Resolution<'a> {
    let objects: Vec<ObjectView<'a>> = program.objects.iter().map(|object| object.view()).collect();
    let kept_groups = keep_groups(&objects);
    let total = objects.iter().map(|object| object.globals.len()).sum();
    let mut resolution = Resolution {
        objects,
        symbols: Vec::with_capacity(total / 2),
        bases: Vec::new(),
        bindings: Vec::with_capacity(total),
        kept_groups,
        names: Names::with_capacity_and_hasher(total / 2, BuildHasherDefault::default()),
        duplicates: Vec::new(),
    };
    let wraps: HashMap<Vec<u8>, Vec<u8>> = request
        .wraps
        .iter()
        .flat_map(|name| {
            let (wrap, real) = (format!("__wrap_{name}"), format!("__real_{name}"));
            [(name.clone().into_bytes(), wrap.into_bytes()), (real.into_bytes(), name.clone().into_bytes())]
        })
        .collect();
    // Names of --wrap live as long as the program.
    let wraps: &'static HashMap<Vec<u8>, Vec<u8>> = Box::leak(Box::new(wraps));
    for object in 0..resolution.objects.len() {
        resolution.add_object(object as u32, wraps);
    }
    resolution.add_words(request);
    resolution.hide_archives(request, program, inputs);
    resolution.add_shared(inputs);
    resolution.add_aliases(request, inputs);
    resolution
}

/// Of the groups with one signature the first is kept.
fn keep_groups(objects: &[ObjectView<'_>]) -> Vec<Vec<bool>> {
    let mut owners: HashMap<u64, usize, BuildHasherDefault<Identity>> = HashMap::default();
    let mut kept = Vec::with_capacity(objects.len());
    for (number, object) in objects.iter().enumerate() {
        let keep = |group: &shared::record::GroupRec| *owners.entry(group.hash).or_insert(number) == number;
        kept.push(object.groups.iter().map(keep).collect());
    }
    kept
}

impl<'a> Resolution<'a> {
    pub fn intern(&mut self, name: &'a [u8], hash: u64) -> SymbolId {
        let next = self.symbols.len() as SymbolId;
        let id = *self.names.entry(Name { hash, bytes: name }).or_insert(next);
        if id == next {
            self.symbols.push(Symbol::new(name));
        }
        id
    }

    fn add_object(&mut self, object: u32, wraps: &'static HashMap<Vec<u8>, Vec<u8>>) {
        self.bases.push(self.bindings.len() as u32);
        let view = self.objects[object as usize];
        for (number, global) in view.globals.iter().enumerate() {
            let number = number as u32;
            if global.binding == elf::STB_LOCAL {
                let id = self.symbols.len() as SymbolId;
                self.symbols.push(Symbol {
                    definition: Definition::Object { object, global: number },
                    uses: global.uses,
                    kind: global.kind,
                    visibility: elf::STV_HIDDEN,
                    referenced: true,
                    mention: (object, number),
                    ..Symbol::new(b"")
                });
                self.bindings.push(id);
                continue;
            }
            let name = view.string(global.name);
            let defines = global.is_definition()
                && (global.section >= GlobalRec::DISCARDED || self.is_live(object as usize, global.section));
            let id = match wraps.get(name).filter(|_| !global.is_definition()) {
                Some(wrapped) => self.intern(wrapped, name_hash(wrapped)),
                None => self.intern(name, global.hash),
            };
            self.bindings.push(id);
            let symbol = &mut self.symbols[id as usize];
            symbol.uses |= global.uses;
            if symbol.mention.0 == shared::record::NONE {
                symbol.mention = (object, number);
            }
            symbol.visibility = stricter(symbol.visibility, global.visibility);
            if defines {
                if let Some(first) = symbol.define(object, number, global) {
                    self.duplicates.push((id, first, (object, number)));
                }
            } else if global.section == GlobalRec::UNDEFINED {
                symbol.referenced = true;
                symbol.strongly_wanted |= global.binding != elf::STB_WEAK;
            }
        }
    }

    /// `--exclude-libs`: what members of these archives define is as if it were hidden. An archive is named with
    /// or without `.a`.
    fn hide_archives(&mut self, request: &Request, program: &Program, inputs: &Inputs) {
        if request.exclude_libs.is_empty() {
            return;
        }
        let is_excluded = |object: u32| {
            let object = &program.objects[object as usize];
            let thin = || inputs.archives.iter().find(|archive| archive.rank == object.rank.0);
            let file = if object.member.is_empty() { thin()?.file } else { object.file };
            let name = inputs.files[file as usize].path.file_name()?.to_str()?;
            let plain = name.strip_suffix(".a").unwrap_or(name);
            request.exclude_libs.iter().find(|excluded| [name, plain, "ALL"].contains(&excluded.as_str()))
        };
        for symbol in &mut self.symbols {
            if let Definition::Object { object, .. } | Definition::Common { object, .. } = symbol.definition
                && is_excluded(object).is_some()
            {
                symbol.visibility = stricter(symbol.visibility, elf::STV_HIDDEN);
            }
        }
    }

    /// `-u`, `--require-defined`, `-e` and `--defsym`.
    fn add_words(&mut self, request: &'a Request) {
        let words = request.undefined.iter().chain(&request.required).chain(&request.entry);
        for name in words {
            let id = self.intern(name.as_bytes(), name_hash(name.as_bytes()));
            self.symbols[id as usize].referenced = true;
        }
        for (name, meaning) in &request.defsyms {
            let id = self.intern(name.as_bytes(), name_hash(name.as_bytes()));
            let definition = match meaning {
                Expression::Symbol(target, offset) => {
                    let target = self.intern(target.as_bytes(), name_hash(target.as_bytes()));
                    self.symbols[target as usize].referenced = true;
                    self.symbols[target as usize].strongly_wanted = true;
                    Definition::Alias(target, *offset)
                }
                Expression::Number(value) => Definition::Value(*value),
                Expression::Other => continue,
            };
            self.symbols[id as usize].definition = definition;
        }
    }

    /// Binds what no object defines to the first shared library that does. A library that was named under
    /// `--as-needed` binds nothing if weak references are all that it could satisfy.
    fn add_shared(&mut self, inputs: &Inputs) {
        for (library, input) in inputs.shared.iter().enumerate() {
            let found = self.wanted_of(input);
            let is_wanted = |(id, _): &(SymbolId, u32)| self.symbols[*id as usize].strongly_wanted;
            if input.as_needed && !found.iter().any(is_wanted) {
                continue;
            }
            for (id, number) in found {
                let symbol = &mut self.symbols[id as usize];
                // The library may have the name twice, with a version and without.
                if symbol.definition == Definition::None {
                    symbol.definition = Definition::Shared { library: library as u32, symbol: number };
                    symbol.kind = input.library.symbols[number as usize].kind;
                }
            }
        }
    }

    /// A library's variable that is copied into the image is copied for all its names: the library itself may
    /// use another one than the program does (`environ` and `__environ`).
    fn add_aliases(&mut self, request: &Request, inputs: &'a Inputs) {
        if request.shared {
            return;
        }
        let mut copied: HashSet<(u32, u64)> = HashSet::new();
        for symbol in &self.symbols {
            if let Definition::Shared { library, symbol: number } = symbol.definition
                && symbol.uses & needs::DIRECT != 0
            {
                let there = &inputs.shared[library as usize].library.symbols[number as usize];
                if can_be_copied(there) {
                    copied.insert((library, there.value));
                }
            }
        }
        if copied.is_empty() {
            return;
        }
        for (library, input) in inputs.shared.iter().enumerate() {
            let library = library as u32;
            for (number, there) in input.library.symbols.iter().enumerate() {
                let alias =
                    there.is_default && can_be_copied(there) && copied.contains(&(library, there.value));
                if !alias {
                    continue;
                }
                let id = self.intern(there.name, name_hash(there.name));
                let symbol = &mut self.symbols[id as usize];
                if symbol.definition == Definition::None && symbol.visibility == elf::STV_DEFAULT {
                    symbol.definition = Definition::Shared { library, symbol: number as u32 };
                    symbol.kind = there.kind;
                }
            }
        }
    }

    /// The symbols that are undefined so far and that a shared library defines, each with its number there.
    fn wanted_of(&self, input: &SharedInput) -> Vec<(SymbolId, u32)> {
        let mut found = Vec::new();
        for (number, symbol) in input.library.symbols.iter().enumerate() {
            if symbol.is_undefined {
                continue;
            }
            let mut look_up = |name: &[u8]| {
                let id = self.find(name).filter(|id| {
                    let wanted = &self.symbols[*id as usize];
                    let is_default_visible = wanted.visibility == elf::STV_DEFAULT;
                    wanted.definition == Definition::None && is_default_visible && wanted.referenced
                });
                found.extend(id.map(|id| (id, number as u32)));
            };
            if symbol.is_default {
                look_up(symbol.name);
            }
            // `name@version` asks for that version, `name@` for one that is hidden and has none.
            let hidden = (!symbol.is_default).then_some(&b""[..]);
            if let Some(version) = symbol.version.or(hidden) {
                look_up(&[symbol.name, b"@", version].concat());
            }
        }
        found
    }
}

/// Whether a symbol of a library is a variable.
fn can_be_copied(symbol: &SharedSymbol) -> bool {
    !symbol.is_undefined
        && symbol.size != 0
        && symbol.kind != elf::STT_TLS
        && !check::is_function(symbol.kind)
}

impl<'a> Symbol<'a> {
    pub(crate) fn new(name: &'a [u8]) -> Self {
        Self {
            name,
            definition: Definition::None,
            uses: 0,
            visibility: elf::STV_DEFAULT,
            kind: elf::STT_NOTYPE,
            strongly_wanted: false,
            referenced: false,
            mention: (shared::record::NONE, shared::record::NONE),
            weak_definition: false,
        }
    }

    /// The name without a version.
    pub fn plain_name(&self) -> &'a [u8] {
        match self.name.iter().position(|byte| *byte == b'@') {
            Some(at) if at > 0 => &self.name[..at],
            _ => self.name,
        }
    }

    pub fn is_local(&self) -> bool {
        self.name.is_empty()
    }

    pub fn is_hidden(&self) -> bool {
        matches!(self.visibility, elf::STV_HIDDEN | elf::STV_INTERNAL)
    }

    pub fn is_tls(&self) -> bool {
        self.kind == elf::STT_TLS || self.uses & uses::TLS != 0
    }

    /// Takes a definition by the rules of the gABI ("Symbol Table"): strong before common before weak, of
    /// commons the largest, else the first. Returns the definition that a second strong one collides with.
    pub(crate) fn define(&mut self, object: u32, number: u32, global: &GlobalRec) -> Option<(u32, u32)> {
        let weak = global.binding == elf::STB_WEAK;
        if global.section == GlobalRec::COMMON {
            let (size, align) = (global.size, global.value.max(1));
            match &mut self.definition {
                Definition::Common { size: old_size, align: old_align, .. } => {
                    *old_size = size.max(*old_size);
                    *old_align = align.max(*old_align);
                    return None;
                }
                Definition::Object { .. } if !self.weak_definition => return None,
                _ => {}
            }
            self.take(
                Definition::Common { size, align, object, global: number },
                object,
                number,
                elf::STT_OBJECT,
            );
            return None;
        }
        let new = Definition::Object { object, global: number };
        match self.definition {
            Definition::None => {}
            Definition::Common { .. } if !weak => {}
            Definition::Object { .. } if self.weak_definition && !weak => {}
            Definition::Object { object, global } if !weak && !self.weak_definition => {
                return Some((object, global));
            }
            _ => return None,
        }
        self.weak_definition = weak;
        self.take(new, object, number, global.kind);
        None
    }

    fn take(&mut self, definition: Definition, object: u32, number: u32, kind: u8) {
        self.definition = definition;
        self.mention = (object, number);
        self.kind = kind;
    }
}

/// The stricter of two visibilities: internal, hidden, protected, default.
pub(crate) fn stricter(a: u8, b: u8) -> u8 {
    match (a, b) {
        (elf::STV_DEFAULT, other) | (other, elf::STV_DEFAULT) => other,
        (a, b) => a.min(b),
    }
}

impl<'a> Resolution<'a> {
    /// Adds empty objects, which relinks fill.
    pub fn add_spare(&mut self, view: ObjectView<'a>, count: usize) {
        let bindings = self.bindings.len() as u32;
        self.bases.resize(self.bases.len() + count, bindings);
        self.objects.resize(self.objects.len() + count, view);
        self.kept_groups.resize(self.kept_groups.len() + count, Vec::new());
    }

    /// Adds the linker's own object, whose globals refer to `symbols`.
    pub fn add_synthetic(&mut self, view: ObjectView<'a>, symbols: &[SymbolId]) {
        self.bases.push(self.bindings.len() as u32);
        self.bindings.extend_from_slice(symbols);
        self.objects.push(view);
        self.kept_groups.push(Vec::new());
    }
}
