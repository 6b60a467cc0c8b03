//! Ids -> names, in the form that people and editors know from ld.

use crate::args::Request;
use crate::inputs::SourceFile;
use crate::inputs::shared::SharedSymbol;
use crate::load::Program;
use crate::object::show;
use crate::resolve::check::is_function;
use crate::resolve::{Resolution, SymbolId};
use crate::say;
use anyhow::anyhow;
use shared::edit::{EditError, Kind};
use shared::plan::Objects;
use shared::record::{ObjectView, SymRef};
use shared::render::RenderError;
use std::path::Path;

/// `file` or `file(member)`.
pub fn input_name(path: &Path, member: &[u8]) -> String {
    if member.is_empty() {
        path.display().to_string()
    } else {
        format!("{}({})", path.display(), show(member))
    }
}

/// Prints warnings, and says whether the link may go on.
pub fn print_warnings(request: &Request, warnings: &[String]) -> bool {
    if request.no_warnings {
        return true;
    }
    for warning in warnings {
        say!("ld.unfold: warning: {warning}");
    }
    !request.fatal_warnings || warnings.is_empty()
}

/// The places that refer to an undefined symbol: object, section and offset of the first few.
#[derive(Default)]
pub struct References {
    places: Vec<(usize, usize, u64)>,
    more: usize,
}

impl References {
    const PLACES: usize = 3;

    pub fn add(&mut self, place: (usize, usize, u64)) {
        if self.places.len() < Self::PLACES { self.places.push(place) } else { self.more += 1 }
    }
}

/// Collects errors and warnings of a link.
pub struct Messages<'a> {
    program: &'a Program,
    files: &'a [SourceFile],
    demangle: bool,
    errors: Vec<String>,
    warnings: Vec<String>,
}

impl<'a> Messages<'a> {
    pub fn new(program: &'a Program, files: &'a [SourceFile], demangle: bool) -> Self {
        Self { program, files, demangle, errors: Vec::new(), warnings: Vec::new() }
    }

    pub fn error(&mut self, text: &str) {
        self.errors.push(text.to_owned());
    }

    pub fn warning(&mut self, text: &str) {
        self.warnings.push(text.to_owned());
    }

    /// Prints all, and returns the warnings if the link may go on.
    pub fn print(self, request: &Request) -> Option<Vec<String>> {
        let may_go_on = print_warnings(request, &self.warnings);
        let limit = if request.error_limit == 0 { usize::MAX } else { request.error_limit };
        for error in self.errors.iter().take(limit) {
            say!("ld.unfold: {error}");
        }
        if self.errors.len() > limit {
            let more = self.errors.len() - limit;
            say!("ld.unfold: too many errors, use --error-limit=0 to see all of them ({more} more)");
        }
        (may_go_on && self.errors.is_empty()).then_some(self.warnings)
    }

    pub fn object_name(&self, object: usize) -> String {
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
                view.sections
                    .get(section as usize)
                    .map_or("?".into(), |section| show(view.string(section.name)).into())
            }
        }
    }

    /// What an edit refers to, quoted: a symbol by its name, a place in the object by its section.
    fn target_name(&self, view: &ObjectView<'_>, symref: &SymRef) -> String {
        if symref.section == SymRef::GLOBAL {
            let name =
                view.globals.get(symref.global as usize).map_or(&[][..], |global| view.string(global.name));
            return format!("symbol `{}'", self.name(name));
        }
        let section = view.sections.get(symref.section as usize);
        format!("`{}'", section.map_or("*ABS*".into(), |section| show(view.string(section.name))))
    }

    pub fn place(&self, resolution: &Resolution<'_>, object: usize, section: usize, offset: u64) -> String {
        let view = &resolution.objects[object];
        let name =
            view.sections.get(section).map_or("*ABS*".into(), |section| show(view.string(section.name)));
        format!("{}:({name}+{offset:#x})", self.object_name(object))
    }

    /// The function that holds a place, if a symbol says so.
    fn function(
        &self,
        resolution: &Resolution<'_>,
        object: usize,
        section: usize,
        offset: u64,
    ) -> Option<String> {
        let view = &resolution.objects[object];
        let inside = |at: u32, value: u64, size: u64| {
            at == section as u32 && value <= offset && offset - value < size.max(1)
        };
        let global = view
            .globals
            .iter()
            .find(|global| is_function(global.kind) && inside(global.section, global.value, global.size))
            .map(|global| global.name);
        let local = || view.functions.iter().find(|local| inside(local.section, local.value, local.size));
        global.or_else(|| local().map(|local| local.name)).map(|name| self.name(view.string(name)))
    }

    /// An error at a place of an object.
    pub fn at(
        &mut self,
        resolution: &Resolution<'_>,
        object: usize,
        section: usize,
        offset: u64,
        text: &str,
    ) {
        let place = self.place(resolution, object, section, offset);
        self.errors.push(format!("{place}: {text}"));
    }

    /// An undefined symbol: some of the places that refer to it, and what may help.
    pub fn undefined(
        &mut self,
        request: &Request,
        resolution: &Resolution<'_>,
        symbol: SymbolId,
        references: &References,
        hints: &[String],
    ) {
        let name = self.name(resolution.symbols[symbol as usize].name);
        let mut lines = Vec::new();
        let mut last = None;
        for (object, section, offset) in &references.places {
            let function = self.function(resolution, *object, *section, *offset);
            if function.is_some() && last != Some((*object, function.clone())) {
                lines.push(self.in_function(*object, function.as_deref()));
                last = Some((*object, function));
            }
            let place = self.place(resolution, *object, *section, *offset);
            lines.push(format!("{place}: undefined reference to `{name}'"));
        }
        if references.more > 0 {
            lines.push(format!("more undefined references to `{name}' follow ({})", references.more));
        }
        if resolution.symbols[symbol as usize].is_hidden() {
            lines.push(format!("hidden symbol `{name}' isn't defined"));
        }
        lines.extend(hints.iter().map(|hint| format!(">>> {hint}")));
        self.unresolved(request, lines.join("\n"));
    }

    fn in_function(&self, object: usize, function: Option<&str>) -> String {
        format!("{}: in function `{}':", self.object_name(object), function.unwrap_or_default())
    }

    fn unresolved(&mut self, request: &Request, text: String) {
        if request.unresolved.warn { self.warnings.push(text) } else { self.errors.push(text) }
    }

    /// A symbol that a shared library needs: nobody defines it, or the program hides it.
    pub fn undefined_in_library(
        &mut self,
        request: &Request,
        resolution: &Resolution<'_>,
        file: u32,
        symbol: &SharedSymbol,
        hidden: Option<SymbolId>,
    ) {
        let library = self.files[file as usize].path.display();
        let name = self.name(symbol.name);
        let text = match (hidden, symbol.version) {
            (Some(id), _) => {
                let definer = self.object_name(resolution.symbols[id as usize].mention.0 as usize);
                format!("{library}: hidden symbol `{name}' in {definer} is referenced by DSO")
            }
            (None, Some(version)) => {
                format!("{library}: undefined reference to `{name}@{}'", show(version))
            }
            (None, None) => format!("{library}: undefined reference to `{name}'"),
        };
        self.unresolved(request, text);
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
        let global = resolution.global(second.0, second.1);
        let object = second.0 as usize;
        let function = self.function(resolution, object, global.section as usize, global.value);
        let within = function.map_or(String::new(), |name| self.in_function(object, Some(&name)) + "\n");
        let (first, second) = (place(first), place(second));
        self.errors
            .push(format!("{within}{second}: multiple definition of `{name}'; {first}: first defined here"));
    }
}

/// A relocation of the image that cannot be applied, with names.
pub fn render_error(
    error: RenderError,
    program: &Program,
    files: &[SourceFile],
    objects: &impl Objects,
    demangle: bool,
) -> anyhow::Error {
    let messages = Messages::new(program, files, demangle);
    let (object, section, offset, error) = match error {
        RenderError::Edit { object, section, offset, error } => (object, section, offset, error),
        RenderError::Record { object } => {
            let name = messages.object_name(object as usize);
            return anyhow!("{name}: its record in the index is damaged; link again");
        }
        RenderError::Malformed { .. } | RenderError::Plan => {
            return anyhow!("the plan contradicts itself: {error:?}");
        }
    };
    let name = messages.object_name(object as usize);
    let view = objects.object(object);
    let found = view.as_ref().and_then(|view| Some((view, view.sections.get(section as usize)?)));
    let Some((view, section)) = found else { return anyhow!("{name}: {error:?}") };
    let place = format!("{name}:({}+{offset:#x})", show(view.string(section.name)));
    let edit = view.edits_of(section).iter().find(|edit| edit.offset == offset);
    let named = edit.and_then(|edit| {
        let kind = Kind::from_number(edit.kind_number())?;
        let symref = view.symrefs.get(edit.symbol() as usize)?;
        Some((kind, messages.target_name(view, symref)))
    });
    let Some((kind, target)) = named else { return anyhow!("{place}: {error:?}") };
    match error {
        EditError::Overflow { value, bits } => overflow(&place, kind, &target, value, bits),
        EditError::Malformed => {
            anyhow!("{place}: relocation of no meaning: {} against {target}", relocation_name(kind))
        }
    }
}

/// A value that does not fit its field, in the words of ld and of lld.
pub fn overflow(place: &str, kind: Kind, target: &str, value: i64, bits: u32) -> anyhow::Error {
    let name = relocation_name(kind);
    let (least, most) = limits(kind, bits);
    anyhow!(
        "{place}: relocation truncated to fit: {name} against {target}; relocation {name} out of range: {value} is \
         not in [{least}, {most}]; references {target}"
    )
}

/// The least and the most that fits the field of a relocation (`shared::edit`).
fn limits(kind: Kind, bits: u32) -> (i64, i64) {
    let half = 1i64 << (bits - 1).min(62);
    match kind {
        Kind::Abs32 => (0, 2 * half - 1),
        Kind::Abs16 | Kind::Abs8 => (-half, 2 * half - 1),
        _ => (-half, half - 1),
    }
}

/// The psABI's name of a kind of relocation. Where several share a kind, the usual one.
pub fn relocation_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Abs64 => "R_X86_64_64",
        Kind::Abs32 => "R_X86_64_32",
        Kind::Abs32S => "R_X86_64_32S",
        Kind::Abs16 => "R_X86_64_16",
        Kind::Abs8 => "R_X86_64_8",
        Kind::Pc64 => "R_X86_64_PC64",
        Kind::Pc32 => "R_X86_64_PC32",
        Kind::Pc16 => "R_X86_64_PC16",
        Kind::Pc8 => "R_X86_64_PC8",
        Kind::Call => "R_X86_64_PLT32",
        Kind::GotPcRel => "R_X86_64_GOTPCREL",
        Kind::GotMov => "R_X86_64_REX_GOTPCRELX",
        Kind::GotCall | Kind::GotJmp => "R_X86_64_GOTPCRELX",
        Kind::GotPcRel64 => "R_X86_64_GOTPCREL64",
        Kind::Got64 => "R_X86_64_GOT64",
        Kind::GotOff64 => "R_X86_64_GOTOFF64",
        Kind::GotPc32 => "R_X86_64_GOTPC32",
        Kind::GotPc64 => "R_X86_64_GOTPC64",
        Kind::PltOff64 => "R_X86_64_PLTOFF64",
        Kind::TpOff32 => "R_X86_64_TPOFF32",
        Kind::TpOff64 => "R_X86_64_TPOFF64",
        Kind::DtpOff32 => "R_X86_64_DTPOFF32",
        Kind::DtpOff64 => "R_X86_64_DTPOFF64",
        Kind::GotTpOff | Kind::GotTpOffMov | Kind::GotTpOffAdd => "R_X86_64_GOTTPOFF",
        Kind::TlsGd => "R_X86_64_TLSGD",
        Kind::TlsLd | Kind::TlsLdIndirect => "R_X86_64_TLSLD",
        Kind::TlsDescLea => "R_X86_64_GOTPC32_TLSDESC",
        Kind::TlsDescCall => "R_X86_64_TLSDESC_CALL",
        Kind::TlsCall => "R_X86_64_PLT32",
        Kind::TlsCallIndirect => "R_X86_64_GOTPCRELX",
        Kind::Own64 => "R_X86_64_64",
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
        .and_then(|symbol| {
            let mut text = Bounded(String::new());
            symbol.structured_demangle(&mut text, &cpp_demangle::DemangleOptions::default()).ok()?;
            Some(text.0)
        })
        .map_or_else(|| name.to_owned(), |text| as_gnu(name, text))
}

/// A text that does not become longer than people read. What a mangled name stands for may be twice as long for each two
/// letters more.
struct Bounded(String);

impl std::fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        const MOST: usize = 64 << 10;
        if self.0.len() + text.len() > MOST {
            return Err(std::fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// What the crate writes in braces, in the words of GNU's demangler, which people and editors look for.
fn as_gnu(name: &str, text: String) -> String {
    let forms = [
        ("_ZTV", "{vtable(", "vtable for "),
        ("_ZTT", "{vtt(", "VTT for "),
        ("_ZTh", "{virtual override thunk(", "non-virtual thunk to "),
        ("_ZTv", "{virtual override thunk(", "virtual thunk to "),
        ("_ZTc", "{virtual override thunk(", "covariant return thunk to "),
    ];
    let found = forms.iter().find_map(|(prefix, open, words)| {
        let inner = text.strip_prefix(open).filter(|_| name.starts_with(prefix))?;
        Some((inner.strip_suffix(")}")?, words))
    });
    let Some((mut inner, words)) = found else { return text };
    // A thunk's offsets come first.
    while inner.starts_with("{offset(") || inner.starts_with("{virtual offset(") {
        let Some((_, rest)) = inner.split_once(")}, ") else { break };
        inner = rest;
    }
    format!("{words}{inner}")
}

#[cfg(test)]
mod tests {
    use super::demangle;

    #[test]
    fn names_are_those_of_cxxfilt() {
        for (mangled, name) in [
            ("main", "main"),
            ("_Z3fooid", "foo(int, double)"),
            ("_ZTV4Type", "vtable for Type"),
            ("_ZTT4Type", "VTT for Type"),
            ("_ZTI4Type", "typeinfo for Type"),
            ("_ZThn16_N4Type3keyEv", "non-virtual thunk to Type::key()"),
            ("_ZTv0_n24_N4Type3keyEv", "virtual thunk to Type::key()"),
        ] {
            assert_eq!(demangle(mangled), name);
        }
    }

    /// Each pair of substitutions doubles what the name stands for.
    #[test]
    fn a_name_that_stands_for_too_much_stays_as_it_is() {
        let digits = "0123456789ABCDEFGHIJKLMNOPQRST".chars();
        let pairs = digits.map(|digit| format!("S_IS{digit}_S{digit}_E"));
        let name = format!("_Z1f1aIiiE{}", pairs.collect::<String>());
        assert_eq!(demangle(&name), name);
        assert_eq!(demangle("_Z1f1aIiiES_IS0_S0_E"), "f(a<int, int>, a<a<int, int>, a<int, int> >)");
    }
}
