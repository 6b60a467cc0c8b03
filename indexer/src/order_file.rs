//! The order of first touches in words that other linkers understand: the executable's logs and order -> the names of
//! its functions' sections.
//!
//! A precise log says of each touched page which byte was touched first. The sections of these bytes come first, in the
//! order of time: they were executed. Then come the other sections of the same pages: of these, that they were is only
//! likely.

use crate::index::opened::Executable;
use crate::index::packs::{Pack, PackObjects};
use crate::index::state::{SHARED_LIBRARY, State};
use crate::inputs::{mapped, shared};
use crate::object::show;
use crate::order::{Order, pieces};
use crate::profile::Names;
use crate::verify::place::{Place, Places};
use ::shared::plan::{Objects, PlanView};
use ::shared::record::GlobalRec;
use ::shared::{CHUNK, ImageAddr, PAGE};
use anyhow::{Context, Result};
use object::elf;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Whose words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// Symbols: `--symbol-ordering-file` of lld.
    Symbols,
    /// Sections: `--section-ordering-file` of gold.
    Sections,
}

/// An order for another linker.
#[derive(Debug, Default)]
pub struct OrderFile {
    pub names: Vec<String>,
    /// How many of the sections were executed for sure.
    pub executed: usize,
    /// Sections that have no name of their own, or one that others have too.
    pub nameless: usize,
    /// Whether any precise log is known. Without one, all that is in touched chunks is listed.
    pub is_precise: bool,
}

/// A section of an object.
type Section = (u32, u32);

pub fn order_file(executable: &Executable, words: Words) -> Result<OrderFile> {
    let (plan, _, _) = executable.plan()?;
    let plan = PlanView::new(&plan).map_err(|error| anyhow::anyhow!("the plan is damaged: {error:?}"))?;
    let packs = executable.pack_files(&plan)?.into_iter().zip(plan.packs);
    let packs = packs.map(|(file, record)| Pack::new(file, record)).collect::<Option<Vec<_>>>();
    let objects = PackObjects { plan, packs: packs.context("the index has a damaged pack; link again")? };
    let (executed, likely, is_precise) = touched(executable, &plan, &objects);
    let mut file = OrderFile { is_precise, ..OrderFile::default() };
    let mut namer = Namer::new(&plan, &objects, words, in_libraries(executable));
    let mut seen = HashSet::new();
    let count = executed.len();
    for (number, (section, offset)) in executed.into_iter().chain(likely).enumerate() {
        if !seen.insert(section) || !is_movable(&objects, section) {
            continue;
        }
        match namer.name(section, offset) {
            Some(name) => {
                file.names.push(name);
                file.executed += usize::from(number < count);
            }
            None => file.nameless += 1,
        }
    }
    // Sections of one name are one line.
    let mut names = HashSet::new();
    file.names.retain(|name| names.insert(name.clone()));
    Ok(file)
}

/// The sections that runs touched, each with an offset: those that were executed, and those that share a page with them.
/// And whether pages are known at all.
#[expect(clippy::type_complexity, reason = "two lists of the same kind")]
fn touched(
    executable: &Executable,
    plan: &PlanView<'_>,
    objects: &PackObjects<'_>,
) -> (Vec<(Section, u64)>, Vec<(Section, u64)>, bool) {
    let places = Places { plan: *plan, objects, state: None };
    let mut executed = Vec::new();
    for name in ["touched", "log"] {
        let Ok((bytes, _)) = mapped::map(&executable.folder.join(name)) else { continue };
        let Some((header, entries)) = ::shared::log::read(bytes) else { continue };
        if header.generation != executable.config.plan || header.unit != PAGE {
            continue;
        }
        for entry in entries.iter().filter(|entry| !entry.is_background()) {
            let addr = plan.header.base + u64::from(entry.offset);
            if let Some(Place::Section { object, number, offset }) = places.find(addr) {
                executed.push(((object, number), offset));
            }
        }
    }
    let order = Order::of(executable, plan);
    let numbers =
        || order.pages().map(|number| (number, PAGE)).chain(order.chunks().map(|number| (number, CHUNK)));
    let likely = numbers().flat_map(|(number, unit)| {
        let start = ImageAddr(plan.header.base.0 + u64::from(number) * unit);
        pieces(plan, objects, start, unit)
    });
    let likely = likely.map(|piece| ((piece.object, piece.section), piece.from)).collect();
    let is_precise = order.pages().next().is_some();
    (executed, likely, is_precise)
}

/// Whether a section is code whose place has no meaning.
fn is_movable(objects: &PackObjects<'_>, (object, section): Section) -> bool {
    let own = objects.plan.objects.len() as u32 - 1;
    let Some(record) = objects.object(object).filter(|_| object != own) else { return false };
    let Some(section) = record.sections.get(section as usize) else { return false };
    let name = record.string(section.name);
    section.flags & elf::SHF_EXECINSTR != 0 && (name == b".text" || name.starts_with(b".text."))
}

/// Finds names that another linker understands.
struct Namer<'a> {
    plan: &'a PlanView<'a>,
    objects: &'a PackObjects<'a>,
    words: Words,
    names: Names<'a>,
    /// How often each local name is there, or a global one of the same name.
    counts: HashMap<&'a [u8], u32>,
    /// What shared libraries define too: other linkers may take theirs, and leave out the object that has it here.
    in_libraries: HashSet<&'static [u8]>,
}

/// The names that the program's shared libraries define.
fn in_libraries(executable: &Executable) -> HashSet<&'static [u8]> {
    let Some(state) = State::open_untouched(&executable.folder) else { return HashSet::new() };
    let libraries = state.files().filter(|file| file.symbols & SHARED_LIBRARY != 0);
    let read = |path: &Path| shared::read(mapped::map(path).ok()?.0, b"").ok();
    let symbols = libraries.filter_map(|file| read(file.path)).flat_map(|library| library.symbols);
    symbols.filter(|symbol| !symbol.is_undefined).map(|symbol| symbol.name).collect()
}

impl<'a> Namer<'a> {
    fn new(
        plan: &'a PlanView<'a>,
        objects: &'a PackObjects<'a>,
        words: Words,
        in_libraries: HashSet<&'static [u8]>,
    ) -> Self {
        let mut counts: HashMap<&[u8], u32> = HashMap::new();
        if words == Words::Symbols {
            let records = (0..plan.objects.len() as u32).filter_map(|number| objects.object(number));
            for record in records {
                for function in record.functions {
                    *counts.entry(record.string(function.name)).or_default() += 1;
                }
                for global in record.globals.iter().filter(|global| global.is_definition()) {
                    *counts.entry(record.string(global.name)).or_default() += 1;
                }
            }
        }
        let places = Places { plan: *plan, objects, state: None };
        Self { plan, objects, words, names: Names::new(places), counts, in_libraries }
    }

    fn name(&mut self, section: Section, offset: u64) -> Option<String> {
        let name = match self.words {
            Words::Symbols => self.symbol(section, offset)?,
            Words::Sections => self.section(section)?,
        };
        is_plain(&name).then_some(name)
    }

    /// A symbol of the section that no other place has: the function that was touched, if that will do.
    fn symbol(&mut self, (object, section): Section, offset: u64) -> Option<String> {
        let record = self.objects.object(object)?;
        let touched = self.names.symbol(object, section, offset);
        let globals = (0u32..).zip(record.globals).filter(|(number, global)| {
            global.section == section && global.name.len != 0 && self.is_bound_here(object, *number, global)
        });
        let mut globals: Vec<&[u8]> = globals.map(|(_, global)| record.string(global.name)).collect();
        let locals = record.functions.iter().filter(|function| function.section == section);
        let locals = locals.map(|function| record.string(function.name));
        globals.extend(locals.filter(|name| self.counts.get(name) == Some(&1)));
        let found = globals.iter().find(|name| Some(**name) == touched).or(globals.first())?;
        Some(show(found).into_owned())
    }

    /// Whether everybody who says this name means this definition.
    fn is_bound_here(&self, object: u32, number: u32, global: &GlobalRec) -> bool {
        let is_code = matches!(global.kind, elf::STT_FUNC | elf::STT_NOTYPE);
        let slot = self.plan.slot_of(object, number);
        let name = self.objects.object(object).map_or(&[][..], |record| record.string(global.name));
        let is_code = is_code && !(global.binding == elf::STB_WEAK && self.in_libraries.contains(name));
        is_code && slot.is_some_and(|slot| (slot.object, slot.global) == (object, number))
    }

    /// The section's name, if it is a function's: all sections of the others are called alike.
    fn section(&self, (object, section): Section) -> Option<String> {
        let record = self.objects.object(object)?;
        let name = record.string(record.sections.get(section as usize)?.name);
        let is_own = name.strip_prefix(b".text.").is_some_and(|rest| !GENERIC.contains(&rest));
        // It is a pattern.
        is_own.then(|| show(name).replace(['\\', '*', '?', '['], "?"))
    }
}

/// Names of sections behind `.text.` that are no functions'.
const GENERIC: [&[u8]; 5] = [b"unlikely", b"hot", b"startup", b"exit", b"split"];

/// Whether a name is a line of its own in such a file.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('#')
        && !name.contains(|letter: char| letter.is_whitespace() || letter == '\u{fffd}')
}
