//! The line of the source that a place comes from: from the debug information of its object alone, which stays where the
//! compiler put it, and is relocated to where the plan has the code.

use super::program::{Named, Program, Spot, readable};
use addr2line::gimli::{Dwarf, EndianSlice, LittleEndian};
use addr2line::{Context, FrameIter, Location};
use anyhow::{Context as _, Result};
use indexer::debug;
use indexer::object::show;
use object::elf;
use object::read::elf::{FileHeader, Sym};
use serde::Serialize;
use shared::record::{SectionRec, flag};
use std::path::Path;

/// A line, and the functions that were inlined there.
#[derive(Debug, Default, Serialize)]
pub struct Source {
    pub file: Option<String>,
    pub line: Option<u32>,
    pub column: Option<u32>,
    /// From the innermost on; the last one is not inlined.
    pub frames: Vec<Frame>,
    /// Why there is no line.
    pub unknown: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Frame {
    pub function: Option<String>,
    pub file: Option<String>,
    pub line: Option<u32>,
}

/// The line at an address of the image that belongs to an object.
pub fn line(program: &Program, object: u32, address: u64) -> Source {
    find(program, object, address).unwrap_or_else(|error| unknown(format!("not known: {error:#}")))
}

fn unknown(text: String) -> Source {
    Source { unknown: Some(text), ..Source::default() }
}

fn find(program: &Program, object: u32, address: u64) -> Result<Source> {
    let name = program.object_name(object);
    if object == program.own() {
        return Ok(unknown("none: the linker made it".to_owned()));
    }
    if program.record(object).is_some_and(|record| record.header.flags & flag::DEBUG == 0) {
        return Ok(unknown(format!("none: {name} has no debug information (compile it with -g)")));
    }
    if program.data(object).is_none() {
        let is_elsewhere = |path: &Path| path.is_relative() && !path.exists();
        let why = match program.file_of(object) {
            Some((path, _)) if is_elsewhere(&path) => {
                "is named as seen from the folder of the link: ask there"
            }
            _ => "was changed or removed since the link",
        };
        return Ok(unknown(format!("not known: {name} {why}")));
    }
    let sections =
        debug::of_object(&program.state, &program.plan, program.objects, program.output_folder(), object)
            .with_context(|| name.clone())?;
    let bytes = |name: &str| {
        let found = sections.iter().find(|section| section.name == name);
        EndianSlice::new(found.map_or(&[][..], |section| &section.bytes), LittleEndian)
    };
    let dwarf = Dwarf::load(|id| Ok::<_, addr2line::gimli::Error>(bytes(id.name())))?;
    let context = Context::from_dwarf(dwarf)?;
    let mut source = Source::default();
    let mut frames = context.find_frames(address).skip_all_loads()?;
    collect(&mut frames, &mut source)?;
    if source.frames.is_empty() {
        let found = context.find_location(address)?;
        source.take(found.as_ref());
    }
    if source.line.is_none() {
        source.unknown = Some(format!("none: the debug information of {name} has no line for it"));
    }
    Ok(source)
}

fn collect(frames: &mut FrameIter<'_, EndianSlice<'_, LittleEndian>>, source: &mut Source) -> Result<()> {
    while let Some(frame) = frames.next()? {
        if source.frames.is_empty() {
            source.take(frame.location.as_ref());
        }
        let function = frame.function.and_then(|function| Some(readable(&function.raw_name().ok()?)));
        let (file, line) = match &frame.location {
            Some(location) => (location.file.map(str::to_owned), location.line),
            None => (None, None),
        };
        source.frames.push(Frame { function, file, line });
    }
    Ok(())
}

impl Source {
    fn take(&mut self, location: Option<&Location<'_>>) {
        let Some(location) = location else { return };
        self.file = location.file.map(str::to_owned);
        (self.line, self.column) = (location.line, location.column.filter(|column| *column != 0));
    }
}

/// The variables and functions that only an object itself knows by name, from its own table: the index does not list
/// variables. Each with its section's number in the object.
fn own_symbols(data: &'static [u8]) -> Option<Vec<(usize, Named)>> {
    let endian = object::LittleEndian;
    let header = elf::FileHeader64::<object::LittleEndian>::parse(data).ok()?;
    let sections = header.sections(endian, data).ok()?;
    let symbols = sections.symbols(endian, data, elf::SHT_SYMTAB).ok()?;
    let read = |(index, symbol): (_, &elf::Sym64<object::LittleEndian>)| {
        let is_named = matches!(symbol.st_type(), elf::STT_OBJECT | elf::STT_FUNC | elf::STT_TLS);
        if !is_named || symbol.st_bind() != elf::STB_LOCAL {
            return None;
        }
        let section = symbols.symbol_section(endian, symbol, index).ok()??;
        let named = Named {
            name: show(symbols.symbol_name(endian, symbol).ok()?).into_owned(),
            value: symbol.st_value(endian),
            size: symbol.st_size(endian),
            kind: symbol.st_type(),
            global: None,
        };
        Some((section.0, named))
    };
    Some(symbols.enumerate().filter_map(read).collect())
}

/// The local symbol of an object that covers an offset of a section.
pub fn local(program: &Program, object: u32, section: u32, offset: u64) -> Option<Named> {
    let number = program.section(object, section)?.1.input_index as usize;
    let symbols = own_symbols(program.data(object)?)?;
    let covers = |(section, symbol): &(usize, Named)| {
        *section == number && symbol.value <= offset && offset - symbol.value < symbol.size
    };
    symbols.into_iter().find(covers).map(|(_, symbol)| symbol)
}

/// The places of local symbols of this name, as far as they are part of the program.
pub fn locals(program: &Program, object: u32, name: &str) -> Vec<Spot> {
    let find = || {
        let data = program.data(object)?;
        // Most objects do not have the name at all.
        let word = name.rsplit("::").next().unwrap_or(name);
        memchr::memmem::find(data, word.as_bytes())?;
        let (record, symbols) = (program.record(object)?, own_symbols(data)?);
        let spot = |(section, symbol): (usize, Named)| {
            let is_it = |rec: &&SectionRec| rec.input_index as usize == section;
            let section = record.sections.iter().position(|rec| is_it(&rec))? as u32;
            let spot = Spot { object, section, offset: symbol.value };
            let is_meant = symbol.name == name || readable(&symbol.name) == name;
            (is_meant && program.address(spot).is_some()).then_some(spot)
        };
        Some(symbols.into_iter().filter_map(spot).collect())
    };
    find().unwrap_or_default()
}
