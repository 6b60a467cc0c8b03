//! Ids -> names, in the form that people and editors know from ld.

use crate::inputs::SourceFile;
use crate::load::Program;
use crate::object::show;
use crate::resolve::{Resolution, SymbolId};
use shared::record::{GlobalRec, SymRef};
use std::collections::HashMap;
use std::path::Path;

/// `file` or `file(member)`.
pub fn input_name(path: &Path, member: &[u8]) -> String {
    if member.is_empty() { path.display().to_string() } else { format!("{}({})", path.display(), show(member)) }
}

/// Collects errors and warnings of a link.
pub struct Messages<'a> {
    program: &'a Program,
    files: &'a [SourceFile],
    demangle: bool,
    errors: Vec<String>,
    warnings: Vec<String>,
    /// How often each undefined symbol was reported.
    seen: HashMap<SymbolId, usize>,
}

impl<'a> Messages<'a> {
    pub fn new(program: &'a Program, files: &'a [SourceFile], demangle: bool) -> Self {
        Self { program, files, demangle, errors: Vec::new(), warnings: Vec::new(), seen: HashMap::new() }
    }

    pub fn error(&mut self, text: &str) {
        self.errors.push(text.to_owned());
    }

    /// Prints all, and says whether the link may go on.
    pub fn print(&self) -> bool {
        for warning in &self.warnings {
            eprintln!("ld.unfold: warning: {warning}");
        }
        for error in &self.errors {
            eprintln!("ld.unfold: {error}");
        }
        self.errors.is_empty()
    }

    fn object_name(&self, object: usize) -> String {
        match self.program.objects.get(object) {
            Some(found) => input_name(&self.files[found.file as usize].path, &found.member),
            None => "the linker's own tables".to_owned(),
        }
    }

    /// A symbol's name for people.
    pub fn name(&self, name: &[u8]) -> String {
        let plain = show(name).into_owned();
        if !self.demangle {
            return plain;
        }
        demangle(&plain)
    }

    pub fn symref_name(&self, resolution: &Resolution<'_>, object: usize, symref: &SymRef) -> String {
        match symref.section {
            SymRef::GLOBAL => {
                let id = resolution.symbol_of(object, symref.global as usize);
                self.name(resolution.symbols[id as usize].name)
            }
            section => {
                let view = &resolution.objects[object];
                view.sections.get(section as usize).map_or("?".into(), |section| show(view.string(section.name)).into())
            }
        }
    }

    fn place(&self, resolution: &Resolution<'_>, object: usize, section: usize, offset: u64) -> String {
        let view = &resolution.objects[object];
        let name = view.sections.get(section).map_or("*ABS*".into(), |section| show(view.string(section.name)));
        format!("{}:({name}+{offset:#x})", self.object_name(object))
    }

    /// The function that holds a place, if a global symbol says so.
    fn function(&self, resolution: &Resolution<'_>, object: usize, section: usize, offset: u64) -> Option<String> {
        let view = &resolution.objects[object];
        let inside = |global: &&GlobalRec| {
            global.section == section as u32
                && global.value <= offset
                && offset < global.value + global.size.max(1)
        };
        view.globals.iter().find(inside).map(|global| self.name(view.string(global.name)))
    }

    /// An error at a place of an object.
    pub fn at(&mut self, resolution: &Resolution<'_>, object: usize, section: usize, offset: u64, text: &str) {
        let place = self.place(resolution, object, section, offset);
        self.errors.push(format!("{place}: {text}"));
    }

    #[expect(clippy::too_many_arguments, reason = "a place has three parts, and a report its limits")]
    pub fn undefined(
        &mut self,
        resolution: &Resolution<'_>,
        symbol: SymbolId,
        object: usize,
        section: usize,
        offset: u64,
        warn: bool,
        limit: usize,
    ) {
        let count = self.seen.entry(symbol).or_default();
        *count += 1;
        if *count > limit {
            return;
        }
        let name = self.name(resolution.symbols[symbol as usize].name);
        let place = self.place(resolution, object, section, offset);
        let function = self.function(resolution, object, section, offset);
        let within = function.map_or(String::new(), |function| format!(" in function `{function}':"));
        let text = format!("{place}:{within} undefined reference to `{name}'");
        if warn { self.warnings.push(text) } else { self.errors.push(text) }
    }

    /// Says how many more places there were.
    pub fn end_undefined(&mut self, limit: usize) {
        let more: usize = self.seen.values().map(|count| count.saturating_sub(limit)).sum();
        if more > 0 && !self.errors.is_empty() {
            self.errors.push(format!("and {more} more undefined references to the same symbols"));
        }
    }

    pub fn duplicate(
        &mut self,
        resolution: &Resolution<'_>,
        symbol: SymbolId,
        first: (u32, u32),
        second: (u32, u32),
    ) {
        let place = |(object, global): (u32, u32)| {
            let global = resolution.global(object, global);
            self.place(resolution, object as usize, global.section as usize, global.value)
        };
        let name = self.name(resolution.symbols[symbol as usize].name);
        let (first, second) = (place(first), place(second));
        self.errors.push(format!("{second}: multiple definition of `{name}'; {first}: first defined here"));
    }
}

/// The name that a programmer wrote.
pub fn demangle(name: &str) -> String {
    if let Ok(rust) = rustc_demangle::try_demangle(name) {
        return format!("{rust:#}");
    }
    cpp_demangle::Symbol::new(name)
        .ok()
        .filter(|_| name.starts_with("_Z"))
        .and_then(|symbol| symbol.demangle(&cpp_demangle::DemangleOptions::default()).ok())
        .unwrap_or_else(|| name.to_owned())
}
