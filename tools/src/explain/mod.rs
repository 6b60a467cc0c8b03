//! `unfold explain`: where something in a program comes from, what it refers to and who refers to it, and why it is there.
//!
//! [`find`] says what is meant, [`running`] for processes and cores of which program; then each file answers one question.
//! Nothing is written, and what the index does not say is "not known".

mod definition;
mod find;
mod page;
mod print;
mod program;
mod relocations;
mod running;
mod source;

use anyhow::{Result, bail};
use clap::Args as ClapArgs;
use definition::{Binding, Group, Loaded};
use find::Subject;
use indexer::index::generation;
use indexer::index::opened::Executable;
use indexer::index::state::Status;
use indexer::object::show;
use indexer::verify::place::Place;
use object::elf;
use page::Page;
use program::{Mention, Named, Program, Spot, readable, symbol_at, symbols_in};
use relocations::{Listed, Part, Reference, Relocation};
use serde::Serialize;
use shared::record::{GlobalRec, NONE};
use source::Source;
use std::path::{Path, PathBuf};

const MORE: &str = "\
Examples:
  unfold explain app main                    where a function comes from, and who refers to it
  unfold explain app 0x552600640a0c          what is at an address of a backtrace
  unfold explain --core core 0x552600640a0c  the same, in a program that crashed
  unfold explain app 'libx.a(part.o)'        why a member of an archive was taken

Exit status:
  0    it is explained
  1    there is no such thing in the program, or its index is not there";

/// Say where something in a program comes from, and why it is there
#[derive(ClapArgs)]
#[command(after_long_help = MORE)]
pub struct Args {
    /// The program or library, then what to explain: symbols (mangled or not, or a part that is unique), addresses in the
    /// image (0x...), objects (main.o, lib.a(part.o)), sections (main.o:.text). Without a program: PID:0x...
    #[arg(required = true, value_name = "APP WHAT")]
    words: Vec<String>,
    /// Addresses are those of this process; the program is the one that it runs
    #[arg(long, value_name = "PID", conflicts_with = "core")]
    pid: Option<u32>,
    /// Addresses are those of the process that left this core; the program is the one that it ran
    #[arg(long, value_name = "FILE")]
    core: Option<PathBuf>,
    /// Explain everything that fits, instead of asking which one is meant
    #[arg(long)]
    all: bool,
    /// How many relocations, references and other lines of each list to show
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,
    /// Print a JSON list with an object for each thing
    #[arg(long)]
    json: bool,
}

/// All that is known of one thing.
#[derive(Serialize)]
pub struct Explanation {
    /// What was asked for.
    pub asked: String,
    pub app: String,
    pub generation: u64,
    /// The newest generation, if this is not the one.
    pub newest: Option<u64>,
    pub address: Option<u64>,
    /// The program begins here.
    pub is_entry: bool,
    /// Another definition of the name was taken.
    pub is_lost: bool,
    pub symbol: Option<SymbolFacts>,
    pub place: Option<PlaceFacts>,
    pub source: Option<Source>,
    pub binding: Option<Binding>,
    pub group: Option<Group>,
    pub object: Option<ObjectFacts>,
    pub page: Option<Page>,
    pub relocations: Option<Listed<Relocation>>,
    pub references: Option<Listed<Reference>>,
    /// Of an object.
    pub sections: Option<Listed<SectionFacts>>,
}

#[derive(Serialize)]
pub struct SymbolFacts {
    pub name: String,
    pub readable: String,
    /// Where in the symbol the address is.
    pub offset: u64,
    pub address: Option<u64>,
    pub size: u64,
    pub kind: &'static str,
    pub binding: &'static str,
    pub visibility: &'static str,
}

#[derive(Serialize)]
pub struct PlaceFacts {
    pub object: String,
    pub path: Option<String>,
    pub member: Option<String>,
    pub section: Option<String>,
    pub section_offset: Option<u64>,
    pub section_size: Option<u64>,
    pub text: String,
}

#[derive(Serialize)]
pub struct ObjectFacts {
    pub loaded: Loaded,
    /// Why it was read at the last link, or since when it was not.
    pub read: String,
    pub read_at_last_link: bool,
}

#[derive(Serialize)]
pub struct SectionFacts {
    pub name: String,
    pub size: u64,
    pub address: Option<u64>,
    /// Who the COMDAT group was kept from instead.
    pub discarded_for: Option<String>,
}

pub fn explain(args: &Args) -> Result<()> {
    let mut explanations = Vec::new();
    let mut errors = Vec::new();
    let mut add = |result: Result<Vec<Explanation>>| match result {
        Ok(found) => explanations.extend(found),
        Err(error) => errors.push(error),
    };
    for question in questions(args)? {
        add(question.answer(args));
    }
    if args.json {
        if let Some(error) = errors.into_iter().next() {
            return Err(error);
        }
        crate::print_line!("{}", serde_json::to_string_pretty(&explanations)?);
        return Ok(());
    }
    explanations.iter().for_each(|explanation| print::print(explanation, args.limit));
    match errors.len() {
        0 => Ok(()),
        _ => {
            let last = errors.pop();
            errors.iter().for_each(|error| indexer::say!("unfold: {error:#}"));
            last.map_or(Ok(()), Err)
        }
    }
}

/// Something that was asked.
enum Question<'a> {
    Named { program: std::rc::Rc<Program>, what: &'a str },
    Process { pid: u32, what: &'a str },
    Core { core: &'a Path, what: &'a str },
}

/// The words of the command line, understood.
fn questions(args: &Args) -> Result<Vec<Question<'_>>> {
    let words = || args.words.iter().map(String::as_str);
    let in_process = |word: &str| {
        let (pid, address) = word.split_once(':')?;
        find::address(address)?;
        pid.parse::<u32>().ok()
    };
    if let Some(pid) = args.pid {
        return Ok(addresses(args).map(|what| Question::Process { pid, what }).collect());
    }
    if let Some(core) = &args.core {
        return Ok(addresses(args).map(|what| Question::Core { core, what }).collect());
    }
    if words().all(|word| in_process(word).is_some()) {
        let question = |what| Question::Process { pid: in_process(what).unwrap_or(0), what };
        return Ok(words().map(question).collect());
    }
    let Some((app, whats)) = args.words.split_first().filter(|(_, whats)| !whats.is_empty()) else {
        bail!("what of {} is to be explained? Name a symbol, an address or an object", args.words[0]);
    };
    let app = Path::new(app);
    let program = std::rc::Rc::new(Program::open(app, Executable::or_library(app)?)?);
    Ok(whats.iter().map(|what| Question::Named { program: program.clone(), what }).collect())
}

/// Of a process or a core only addresses are asked; the program in front of them may be named as well.
fn addresses(args: &Args) -> impl Iterator<Item = &str> {
    let is_app = |word: &&String| args.words.len() > 1 && find::address(word).is_none();
    let skipped = usize::from(args.words.first().is_some_and(|word| is_app(&word)));
    args.words.iter().skip(skipped).map(String::as_str)
}

impl Question<'_> {
    fn answer(&self, args: &Args) -> Result<Vec<Explanation>> {
        let address = |what: &str| {
            let number = what.rsplit(':').next().and_then(find::address);
            number.map_or_else(|| bail!("{what} is not an address (0x...)"), Ok)
        };
        let found = match self {
            Self::Named { program, what } => {
                let found = find::find(program, what, args.all)?;
                return found.iter().map(|subject| of(program, what, *subject, args.limit)).collect();
            }
            Self::Process { pid, what } => (running::of_process(*pid, address(what)?)?, what),
            Self::Core { core, what } => (running::of_core(core, address(what)?)?, what),
        };
        let (found, what) = found;
        Ok(vec![of(&found.program, what, Subject::Address(found.address), args.limit)?])
    }
}

/// Where a subject is, and what it is called.
#[derive(Default)]
struct Located {
    address: Option<u64>,
    spot: Option<Spot>,
    symbol: Option<Named>,
    /// Of a name of the program.
    slot: Option<u32>,
    /// The global that the symbol is.
    mention: Option<Mention>,
    object: Option<u32>,
}

fn of(program: &Program, what: &str, subject: Subject, limit: usize) -> Result<Explanation> {
    let generation = program.executable.config.generation;
    let newest = generation::numbers(program.output_folder()).last().copied();
    let located = locate(program, subject);
    let Located { address, spot, symbol, slot, mention, object } = &located;
    let part = part(program, &located);
    let object = object.or(spot.map(|spot| spot.object));
    object.map_or(Ok(()), |object| program.verify(object))?;
    // A definition that was not taken is not what others refer to by its name.
    let is_taken = |number: &u32| {
        let definer = |slot: &shared::plan::Slot| Mention { object: slot.object, global: slot.global };
        program.slot(*number).is_some_and(|slot| Some(definer(slot)) == *mention)
    };
    let referred = slot.filter(is_taken);
    let is_whole_object = matches!(subject, Subject::Object(_));
    // The linker's own tables are a place, but no object whose records say anything of names.
    let is_listed = object.is_some_and(|object| object != program.own());
    Ok(Explanation {
        asked: what.to_owned(),
        app: crate::out::path(&program.app),
        generation,
        newest: newest.filter(|newest| *newest != generation),
        address: *address,
        symbol: symbol.as_ref().map(|symbol| symbol_facts(program, &located, symbol)),
        place: object.map(|object| place_facts(program, object, *spot, *address)),
        source: address
            .zip(object)
            .filter(|_| is_listed)
            .map(|(address, object)| source::line(program, object, address)),
        binding: slot.and_then(|number| {
            let (slot, name) = (program.slot(number)?, program.slot_name(number)?);
            Some(definition::binding(program, number, slot, name))
        }),
        group: spot.and_then(|spot| definition::group(program, spot.object, spot.section)),
        object: object.filter(|_| is_listed).map(|object| object_facts(program, object)),
        page: address.and_then(|address| page::page(program, address)),
        relocations: part.as_ref().and_then(|part| relocations::out(program, part, limit)),
        references: (slot.is_some() || part.is_some())
            .then(|| relocations::into(program, referred, part.as_ref(), limit)),
        sections: object.filter(|_| is_whole_object).map(|object| sections(program, object, limit)),
        is_lost: slot.is_some() && referred.is_none(),
        is_entry: address.is_some_and(|address| address == program.plan.header.entry.0),
    })
}

fn locate(program: &Program, subject: Subject) -> Located {
    match subject {
        Subject::Address(address) => match program.find(address) {
            Some(Place::Section { object, number, offset }) => {
                at_spot(program, Spot { object, section: number, offset }, Some(address))
            }
            Some(Place::Gap { object }) => {
                Located { address: Some(address), object: Some(object), ..Located::default() }
            }
            Some(Place::FrameTable) | None => Located { address: Some(address), ..Located::default() },
        },
        Subject::Spot(spot) => at_spot(program, spot, program.address(spot)),
        Subject::Section { object, section } => {
            let spot = Spot { object, section, offset: 0 };
            let address = program.address(spot);
            Located { address, spot: Some(spot), object: Some(object), ..Located::default() }
        }
        Subject::Object(object) => Located { object: Some(object), ..Located::default() },
        Subject::Local { object, function } => {
            let found =
                program.record(object).and_then(|record| record.functions.get(function as usize).copied());
            let Some(function) = found else { return Located { object: Some(object), ..Located::default() } };
            let spot = Spot { object, section: function.section, offset: function.value };
            let mut located = at_spot(program, spot, program.address(spot));
            // Another name of the same place may be global.
            if let Some((record, _)) = program.section(object, function.section) {
                let symbols = symbols_in(&record, function.section);
                let name = show(record.string(function.name));
                let own = symbols.into_iter().find(|symbol| symbol.global.is_none() && symbol.name == name);
                (located.symbol, located.slot, located.mention) = (own.or(located.symbol), None, None);
            }
            located
        }
        Subject::Global(number) => global(program, number),
    }
}

fn at_spot(program: &Program, spot: Spot, address: Option<u64>) -> Located {
    let Some((record, _)) = program.section(spot.object, spot.section) else {
        return Located { address, object: Some(spot.object), ..Located::default() };
    };
    let symbols = symbols_in(&record, spot.section);
    let mut symbol = symbol_at(&symbols, spot.offset).cloned();
    // What has a size may be a variable that the index does not list.
    if symbol.as_ref().is_none_or(|symbol| spot.offset - symbol.value >= symbol.size) {
        symbol = source::local(program, spot.object, spot.section, spot.offset).or(symbol);
    }
    let mention =
        symbol.as_ref().and_then(|symbol| Some(Mention { object: spot.object, global: symbol.global? }));
    let slot = mention.and_then(|mention| program.slot_number(mention));
    Located { address, spot: Some(spot), symbol, slot, mention, object: Some(spot.object) }
}

/// Where a name of the program is: where its slot says, if the image defines it.
fn global(program: &Program, number: u32) -> Located {
    let mut located = Located { slot: Some(number), ..Located::default() };
    let Some(slot) = program.slot(number) else { return located };
    let mention = Mention { object: slot.object, global: slot.global };
    let Some((record, global)) = program.global(mention) else { return located };
    let is_copy = slot.flags & shared::plan::slot::COPY != 0;
    let defined = global.is_definition() && global.section < GlobalRec::DISCARDED && !is_copy;
    located.mention = Some(mention);
    // Of what a library defines it knows more.
    let name = record.string(global.name);
    let there = definition::in_library(program, name).filter(|_| !global.is_definition());
    located.symbol = Some(Named {
        name: show(name).into_owned(),
        value: if defined { global.value } else { 0 },
        size: there.map_or(global.size, |there| there.size),
        kind: there.map_or(global.kind, |there| there.kind),
        global: Some(slot.global),
    });
    let spot = Spot { object: slot.object, section: global.section, offset: global.value };
    if let Some(address) = program.address(spot).filter(|_| defined) {
        (located.address, located.spot, located.object) = (Some(address), Some(spot), Some(slot.object));
        return located;
    }
    // What the linker has made for it: a copy, a common symbol, an entry of the PLT.
    if slot.value != 0 && program.has(slot.value) && slot.flags & shared::plan::slot::TLS == 0 {
        located.address = Some(slot.value);
        if let Some(Place::Section { object, number, offset }) = program.find(slot.value) {
            (located.spot, located.object) = (Some(Spot { object, section: number, offset }), Some(object));
        }
    }
    located
}

/// What of a section is meant: the symbol, or all of it.
fn part(program: &Program, located: &Located) -> Option<Part> {
    let spot = located.spot.filter(|spot| spot.object != program.own())?;
    let (_, section) = program.section(spot.object, spot.section)?;
    let range = match &located.symbol {
        Some(symbol) if symbol.size != 0 => {
            symbol.value..symbol.value.saturating_add(symbol.size).min(section.size)
        }
        Some(symbol) => symbol.value..section.size,
        None => 0..section.size,
    };
    Some(Part { object: spot.object, section: spot.section, range })
}

fn symbol_facts(program: &Program, located: &Located, symbol: &Named) -> SymbolFacts {
    let global = located.mention.and_then(|mention| Some(program.global(mention)?.1));
    let offset = located.spot.map_or(0, |spot| spot.offset.saturating_sub(symbol.value));
    let is_elsewhere = global.is_some_and(|global| !global.is_definition());
    SymbolFacts {
        readable: readable(&symbol.name),
        name: symbol.name.clone(),
        offset: if is_elsewhere { 0 } else { offset },
        address: located.address.map(|address| if is_elsewhere { address } else { address - offset }),
        size: symbol.size,
        kind: kind_name(symbol.kind),
        binding: match global.map(|global| global.binding) {
            None | Some(elf::STB_LOCAL) => "local",
            Some(elf::STB_WEAK) => "weak",
            Some(elf::STB_GNU_UNIQUE) => "unique",
            Some(_) => "global",
        },
        visibility: match global.map(|global| global.visibility) {
            Some(elf::STV_HIDDEN) => "hidden",
            Some(elf::STV_PROTECTED) => "protected",
            Some(elf::STV_INTERNAL) => "internal",
            _ => "default",
        },
    }
}

fn kind_name(kind: u8) -> &'static str {
    match kind {
        elf::STT_FUNC => "function",
        elf::STT_OBJECT => "variable",
        elf::STT_TLS => "thread-local variable",
        elf::STT_GNU_IFUNC => "indirect function",
        elf::STT_COMMON => "common symbol",
        elf::STT_SECTION => "section",
        _ => "symbol",
    }
}

fn place_facts(program: &Program, object: u32, spot: Option<Spot>, address: Option<u64>) -> PlaceFacts {
    let name = program.object_name(object);
    let file = program.file_of(object);
    let section = spot.and_then(|spot| program.section(spot.object, spot.section));
    let text = match (spot, address) {
        (Some(spot), _) => program.spot_name(spot),
        (None, Some(_)) => format!("{name}, between its sections"),
        (None, None) => name.clone(),
    };
    PlaceFacts {
        member: file
            .as_ref()
            .filter(|(_, member)| !member.is_empty())
            .map(|(_, member)| show(member).into_owned()),
        path: file.map(|(path, _)| crate::out::path(&path)),
        section: section.map(|(record, section)| show(record.string(section.name)).into_owned()),
        section_offset: spot.map(|spot| spot.offset),
        section_size: section.map(|(_, section)| section.size),
        object: name,
        text,
    }
}

fn object_facts(program: &Program, object: u32) -> ObjectFacts {
    let (read, read_at_last_link) = last_read(program, object);
    ObjectFacts { loaded: definition::loaded(program, object), read, read_at_last_link }
}

/// Why an object was read at the last link, or when it was read for the last time, as far as generations are still there.
fn last_read(program: &Program, object: u32) -> (String, bool) {
    let Some((path, member)) = program.file_of(object) else { return ("not known".to_owned(), false) };
    let own = program.executable.config.generation;
    let reason = |status: &Status| {
        let member = show(member);
        let is_it =
            |read: &&indexer::index::state::Reread| Path::new(&read.path) == path && read.member == member;
        status.reindexed.iter().find(is_it).map(|read| read.reason.clone())
    };
    let status = |number: u64| {
        Executable::of_folder(&program.output_folder().join(number.to_string()))
            .and_then(|older| older.status())
            .ok()
    };
    match program.executable.status() {
        Err(_) => return ("not known: status.json of the generation is damaged".to_owned(), false),
        Ok(status) => {
            if let Some(reason) = reason(&status) {
                return (format!("at the last link: {reason}"), true);
            }
        }
    }
    let mut oldest = own;
    for number in
        generation::numbers(program.output_folder()).into_iter().rev().filter(|number| *number < own)
    {
        let Some(status) = status(number) else { break };
        oldest = number;
        if reason(&status).is_some() {
            return (format!("unchanged since generation {number}"), false);
        }
    }
    let text = match oldest {
        1 => "never: the index had it before this program was linked first".to_owned(),
        oldest => format!("unchanged since before generation {oldest}; earlier ones are gone"),
    };
    (text, false)
}

/// The sections of an object: where they are in the program, or why they are not.
fn sections(program: &Program, object: u32, limit: usize) -> Listed<SectionFacts> {
    let Some(record) = program.record(object) else { return Listed { count: 0, shown: Vec::new() } };
    let facts = |number: u32| {
        let section = &record.sections[number as usize];
        let address = program.address(Spot { object, section: number, offset: 0 });
        SectionFacts {
            name: show(record.string(section.name)).into_owned(),
            size: section.size,
            address,
            discarded_for: match address {
                None => definition::group(program, object, number).map(|group| group.kept_from),
                Some(_) => None,
            },
        }
    };
    let numbers = 0..record.sections.len().min(NONE as usize) as u32;
    Listed { count: record.sections.len(), shown: numbers.take(limit).map(facts).collect() }
}
