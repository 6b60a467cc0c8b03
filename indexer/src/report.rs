//! What a link is asked to tell: the map (`-Map`, `-M`), who refers to what (`--cref`, `-y`), why archive members
//! were loaded (`--why-extract`), and which files were read (`-t`, `--dependency-file`). In GNU ld's form.

use crate::args::Request;
use crate::inputs::{Inputs, SourceFile};
use crate::layout::Layout;
use crate::load::Program;
use crate::message::Messages;
use crate::object::classify::class_name;
use crate::object::show;
use crate::progress;
use crate::resolve::{Definition, Resolution, SymbolId};
use crate::say;
use anyhow::{Context, Result};
use shared::plan::Slot;
use shared::record::{Class, GlobalRec, NONE, SectionRec};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Why a relink, which does not know enough, cannot tell what is asked for.
pub fn needs_full_link(request: &Request) -> Option<&'static str> {
    let reasons = [
        (request.place_anew, "the program is placed anew, as was asked"),
        (request.map.is_some(), "a map is asked for"),
        (request.cref, "a cross reference is asked for"),
        (!request.trace_symbols.is_empty(), "symbols are traced"),
        (request.why_extract.is_some(), "reasons for archive members are asked for"),
        (request.unresolved.warn || request.warn_common, "warnings of symbols are asked for"),
    ];
    reasons.iter().find(|(asked, _)| *asked).map(|(_, why)| *why)
}

/// Everything that a report is made of.
pub struct Facts<'a> {
    pub request: &'a Request,
    pub program: &'a Program,
    pub inputs: &'a Inputs,
    pub resolution: &'a Resolution<'a>,
}

impl Facts<'_> {
    fn messages(&self) -> Messages<'_> {
        Messages::new(self.program, &self.inputs.files, self.request.demangle)
    }

    fn object(&self, object: usize) -> String {
        if object < self.program.objects.len() { self.messages().object_name(object) } else { "(ld)".into() }
    }

    fn library(&self, library: usize) -> String {
        self.inputs.files[self.inputs.shared[library].file as usize].path.display().to_string()
    }

    /// What `-y` says, before errors may end the link.
    pub fn trace_symbols(&self) {
        if self.request.trace_symbols.is_empty() {
            return;
        }
        for (object, view) in self.resolution.objects.iter().enumerate() {
            for global in view.globals {
                let name = show(view.string(global.name));
                let what = match global.section {
                    GlobalRec::UNDEFINED | GlobalRec::DISCARDED => "reference to",
                    GlobalRec::COMMON => "common definition of",
                    _ => "definition of",
                };
                if self.is_traced(&name) {
                    say!("ld.unfold: {}: {what} {name}", self.object(object));
                }
            }
        }
        for (library, input) in self.inputs.shared.iter().enumerate() {
            for symbol in &input.library.symbols {
                let name = show(symbol.name);
                if self.is_traced(&name) {
                    let what = if symbol.is_undefined { "reference to" } else { "definition of" };
                    say!("ld.unfold: {}: {what} {name}", self.library(library));
                }
            }
        }
    }

    fn is_traced(&self, name: &str) -> bool {
        !name.is_empty() && self.request.trace_symbols.iter().any(|traced| traced == name)
    }

    /// Writes the map, the cross reference and the reasons for members.
    pub fn write(&self, layout: &Layout, slots: &[Slot]) -> Result<()> {
        let cross_reference = if self.request.cref { self.cross_reference() } else { String::new() };
        match &self.request.map {
            Some(path) => {
                let text = self.map(layout, slots) + &cross_reference;
                match map_file(path, &self.request.output) {
                    None => say(&text)?,
                    Some(path) => {
                        fs::write(&path, text)
                            .with_context(|| format!("cannot write the map {}", path.display()))?;
                    }
                }
            }
            None => say(&cross_reference)?,
        }
        if let Some(path) = &self.request.why_extract {
            let rows =
                self.reasons().into_iter().map(|(member, by, name)| format!("{by}\t{member}\t{name}\n"));
            let text = "reference\textracted\tsymbol\n".to_owned() + &rows.collect::<String>();
            fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// For each archive member: who wanted it, and which symbol.
    fn reasons(&self) -> Vec<(String, String, String)> {
        let ranks: HashMap<_, _> =
            self.program.objects.iter().enumerate().map(|(number, object)| (object.rank, number)).collect();
        let mut reasons = Vec::new();
        for (rank, reason) in &self.program.reasons {
            let Some(member) = ranks.get(rank) else { continue };
            let view = &self.resolution.objects[*member];
            let global = view.globals.iter().find(|global| global.hash == reason.symbol);
            let name = global.map_or(String::new(), |global| show(view.string(global.name)).into());
            let by = reason.by.and_then(|by| ranks.get(&by));
            let by = by.map_or("(command line or library)".to_owned(), |object| self.object(*object));
            reasons.push((self.object(*member), by, name));
        }
        reasons
    }

    fn map(&self, layout: &Layout, slots: &[Slot]) -> String {
        let mut text = String::new();
        let reasons = self.reasons();
        if !reasons.is_empty() {
            text.push_str("Archive member included to satisfy reference by file (symbol)\n\n");
            for (member, by, name) in reasons {
                text.push_str(&columns(&member, 30, &format!("{by} ({name})")));
            }
            text.push('\n');
        }
        self.used_libraries(&mut text);
        self.commons(&mut text);
        self.discarded(&mut text);
        text.push_str(
            "Memory Configuration\n\nName             Origin             Length             Attributes\n\
             *default*        0x0000000000000000 0xffffffffffffffff\n\nLinker script and memory map\n\n",
        );
        for file in &self.inputs.files {
            let _ = writeln!(text, "LOAD {}", file.path.display());
        }
        self.sections(layout, slots, &mut text);
        let _ = writeln!(text, "\nOUTPUT({} elf64-x86-64)", self.request.output.display());
        text
    }

    fn used_libraries(&self, text: &mut String) {
        let mut users: BTreeMap<u32, &crate::resolve::Symbol<'_>> = BTreeMap::new();
        for symbol in &self.resolution.symbols {
            if let Definition::Shared { library, .. } = symbol.definition
                && symbol.strongly_wanted
                && symbol.mention.0 != NONE
            {
                users.entry(library).or_insert(symbol);
            }
        }
        users.retain(|library, _| self.inputs.shared[*library as usize].as_needed);
        if users.is_empty() {
            return;
        }
        text.push_str("As-needed library included to satisfy reference by file (symbol)\n\n");
        for (library, symbol) in users {
            let soname = show(&self.inputs.shared[library as usize].library.soname).into_owned();
            let by = format!("{} ({})", self.object(symbol.mention.0 as usize), show(symbol.name));
            text.push_str(&columns(&soname, 30, &by));
        }
        text.push('\n');
    }

    fn commons(&self, text: &mut String) {
        let mut heading = "Allocating common symbols\nCommon symbol       size              file\n\n";
        for symbol in &self.resolution.symbols {
            if let Definition::Common { size, object, .. } = symbol.definition {
                text.push_str(std::mem::take(&mut heading));
                let rest = format!("{:<18}{}", format!("{size:#x}"), self.object(object as usize));
                text.push_str(&columns(&show(symbol.name), 20, &rest));
            }
        }
        if heading.is_empty() {
            text.push('\n');
        }
    }

    /// Groups of which another object's are kept.
    fn discarded(&self, text: &mut String) {
        text.push_str("Discarded input sections\n\n");
        for (object, view) in self.resolution.objects.iter().enumerate() {
            for (index, section) in view.sections.iter().enumerate() {
                if !self.resolution.is_live(object, index as u32) {
                    self.section(text, object, section, 0);
                }
            }
        }
        text.push('\n');
    }

    fn section(&self, text: &mut String, object: usize, section: &SectionRec, addr: u64) {
        let name = show(self.resolution.objects[object].string(section.name)).into_owned();
        let rest = format!("0x{addr:016x} {:>#10x} {}", section.size, self.object(object));
        text.push_str(&columns(&format!(" {name}"), 16, &rest));
    }

    fn sections(&self, layout: &Layout, slots: &[Slot], text: &mut String) {
        let messages = self.messages();
        let mut symbols: BTreeMap<(u32, u32), Vec<SymbolId>> = BTreeMap::new();
        for (id, symbol) in self.resolution.symbols.iter().enumerate() {
            if let Definition::Object { object, global } = symbol.definition
                && !symbol.is_local()
            {
                let section = self.resolution.global(object, global).section;
                symbols.entry((object, section)).or_default().push(id as SymbolId);
            }
        }
        let mut last = None;
        for place in layout.blocks.iter().filter(|place| place.block != NONE) {
            let view = &self.resolution.objects[place.object as usize];
            let block = &view.blocks[place.block as usize];
            let name = view.string(block.name);
            let Some(class) = Class::from_number(block.class) else { continue };
            if last != Some((class, name)) {
                last = Some((class, name));
                let range = match layout.named.get(name) {
                    Some(range) if !name.is_empty() => *range,
                    _ => layout.class(class),
                };
                let shown = if name.is_empty() { class_name(class).to_owned() } else { show(name).into() };
                let rest = format!("0x{:016x} {:>#10x}", range.start.0, range.len());
                text.push('\n');
                text.push_str(&columns(&shown, 16, &rest));
            }
            let (first, sections) = view.sections_in(place.first, place.count);
            for (index, section) in sections.iter().enumerate() {
                let number = (first + index) as u32;
                let placement = layout.placement(place.object as usize, number);
                if !placement.is_live() {
                    continue;
                }
                self.section(text, place.object as usize, section, placement.addr().0);
                let mut here = symbols.remove(&(place.object, number)).unwrap_or_default();
                here.sort_by_key(|id| slots[*id as usize].value);
                for id in here {
                    let name = messages.name(self.resolution.symbols[id as usize].name);
                    let _ = writeln!(text, "{:16}0x{:016x}{:16}{name}", "", slots[id as usize].value, "");
                }
            }
        }
        // What has no section: common symbols, those of the linker, and those of the command line.
        text.push('\n');
        for (id, symbol) in self.resolution.symbols.iter().enumerate() {
            let made = matches!(
                symbol.definition,
                Definition::Common { .. } | Definition::Linker | Definition::Alias(..) | Definition::Value(_)
            );
            if made && !symbol.is_local() {
                let value = slots[id].value;
                let _ = writeln!(text, "{:16}0x{value:016x}{:16}{}", "", "", messages.name(symbol.name));
            }
        }
    }

    fn cross_reference(&self) -> String {
        // Definitions come first.
        let mut files: BTreeMap<&[u8], Vec<(bool, String)>> = BTreeMap::new();
        for (object, view) in self.resolution.objects.iter().enumerate().take(self.program.objects.len()) {
            for global in view.globals.iter().filter(|global| global.name.len != 0) {
                let refers = !global.is_definition();
                files.entry(view.string(global.name)).or_default().push((refers, self.object(object)));
            }
        }
        for (library, input) in self.inputs.shared.iter().enumerate() {
            for symbol in input.library.symbols.iter().filter(|symbol| symbol.is_default) {
                if let Some(files) = files.get_mut(symbol.name) {
                    files.push((symbol.is_undefined, self.library(library)));
                }
            }
        }
        let messages = self.messages();
        let mut text = format!("\nCross Reference Table\n\n{:<50}File\n", "Symbol");
        for (name, mut files) in files {
            files.sort_by_key(|(refers, _)| *refers);
            let mut shown = messages.name(name);
            for (_, file) in files {
                text.push_str(&columns(&shown, 50, &file));
                shown.clear();
            }
        }
        text
    }
}

/// Text in a column of this width, and what comes behind it; on the next line if there is no room.
fn columns(first: &str, width: usize, rest: &str) -> String {
    if first.len() < width {
        format!("{first:<width$}{rest}\n")
    } else {
        format!("{first}\n{:width$}{rest}\n", "")
    }
}

/// Where the map goes; `None`: to stdout. GNU ld's manual, "-Map".
fn map_file(path: &Path, output: &Path) -> Option<PathBuf> {
    if path == Path::new("-") {
        return None;
    }
    let name = output.file_name().unwrap_or_default().to_string_lossy();
    if path.is_dir() {
        return Some(path.join(format!("{name}.map")));
    }
    Some(path.to_string_lossy().replace('%', &output.to_string_lossy()).into())
}

/// Writes to stdout, which may be closed.
fn say(text: &str) -> Result<()> {
    let write = || io::stdout().write_all(text.as_bytes());
    let written = if io::stdout().is_terminal() { progress::aside(write) } else { write() };
    written.context("cannot write to the standard output")
}

/// What `-t` and `--dependency-file` ask for.
pub fn files(request: &Request, files: &[PathBuf]) -> Result<()> {
    if request.trace {
        say(&files.iter().map(|file| format!("{}\n", file.display())).collect::<String>())?;
    }
    let Some(path) = &request.dependency_file else { return Ok(()) };
    let mut names: Vec<String> = files.iter().map(|file| escaped(file)).collect();
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    let mut text = format!("{}: \\\n  {}\n", escaped(&request.output), names.join(" \\\n  "));
    // Rules without a recipe: make does not fail when an input is gone.
    names.iter().for_each(|name| text.push_str(&format!("\n{name}:\n")));
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

pub fn paths(files: &[SourceFile]) -> Vec<PathBuf> {
    files.iter().map(|file| file.path.clone()).collect()
}

/// A path in the words of make.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace('$', "$$").replace(' ', "\\ ").replace('#', "\\#")
}
