//! Beside the index, what debuggers and backtraces read of a program that runs from the loader: the file of symbols with
//! all names, debug information, and frames.
//!
//! The link writes that file with the names of functions alone. When the program opens it (a backtrace does), the loader has
//! this command complete it; the process behind a link does it where the program is in use.

use crate::debug::{self, Linked};
use crate::emit::SectionHeader;
use crate::frames::debug_frame;
use crate::index::opened::Executable;
use crate::index::state::State;
use crate::symbols;
use crate::whole::{self, Whole};
use anyhow::{Result, anyhow};
use object::elf;
use shared::plan::PlanView;
use std::ops::Range;
use std::path::Path;

/// Word of the command line by which the loader calls the linker, with the folder of a generation.
pub const COMMAND: &str = "--unfold-debug";

/// File that says that the symbols have their debug information.
pub const DONE: &str = "symbols.debug";

/// Adds the debug information to the file of symbols of a generation.
pub fn complete(folder: &Path) -> Result<()> {
    if folder.join(DONE).exists() {
        return Ok(());
    }
    crate::index::write_file(&folder.join(symbols::FILE), &[&with_debug(folder)?])?;
    crate::index::write_file(&folder.join(DONE), &[])
}

/// The file of symbols with the debug information.
pub fn with_debug(folder: &Path) -> Result<Vec<u8>> {
    let executable = Executable::of_folder(folder)?;
    let (plan, _, _) = executable.plan()?;
    let view = PlanView::new(&plan).map_err(|error| anyhow!("the plan is damaged: {error:?}"))?;
    let objects = executable.objects(view)?;
    let linked = debug::sections(&executable)?.of_reached(&view, &objects).merged();
    // Whoever reads the file compares its CRC with the one that the executable names.
    let crc = State::open(folder).map_or(0, |state| state.changes.facts.symbols_crc as u32);
    let whole = Whole {
        plan: view,
        phdrs: Vec::new(),
        kind: elf::ET_EXEC,
        phdrs_at: 0,
        symbols: false,
        debug: Linked::default(),
        head: Vec::new(),
    };
    let mut frames = whole.frames(&objects).map_err(whole::failed)?;
    for (header, bytes) in &mut frames {
        *bytes = debug_frame(header.addr, bytes);
        *header =
            SectionHeader { name: ".debug_frame".into(), flags: 0, addr: 0, align: 8, ..header.clone() };
    }
    let write = |file: &mut [u8], rooms: &[Range<usize>]| {
        let (own, frame_rooms) = rooms.split_at(rooms.len() - frames.len());
        for ((_, bytes), room) in frames.iter().zip(frame_rooms) {
            file[room.clone()].copy_from_slice(bytes);
        }
        linked.write(&view, &objects, file, own)
    };
    let with_room = |(header, bytes): &(SectionHeader<'static>, Vec<u8>)| SectionHeader {
        room: bytes.len() as u64,
        offset: 0,
        ..header.clone()
    };
    let more = linked.headers().chain(frames.iter().map(with_room));
    // With the names of variables too: disassemblies show them.
    let more_count = linked.headers().count() + frames.len();
    let section_of = |addr| symbols::section_of(&view, more_count, addr);
    let table = symbols::of_image(&view, &objects, &linked, &section_of);
    symbols::with_sections(&table, view.regions, more, write, crc)
}
