//! Debug information: that of an object, linked and asked for lines, and tables of frames, which are written in another form.
#![no_main]

use addr2line::Context;
use addr2line::gimli::{Dwarf, EndianSlice, LittleEndian};
use hostile::{Aligned, image, lasting, take};
use indexer::debug::{self, DebugSection};
use indexer::{frames, object};
use libfuzzer_sys::{Corpus, fuzz_target};
use shared::record::ObjectView;

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((first, mut data)) = input.split_first() else { return Corpus::Reject };
    if first % 2 == 0 {
        let addr = u64::from_le_bytes(take(&mut data));
        let made = frames::debug_frame(addr, data);
        assert!(made.len().is_multiple_of(8), "entries are on bounds of addresses");
        // What is added to an entry is an address instead of an offset, twice, and what fills it up.
        assert!(made.len() <= 4 * data.len());
        return Corpus::Keep;
    }
    let copy = Aligned::new(data);
    // SAFETY: nothing is kept.
    let data = unsafe { lasting(copy.bytes()) };
    let Ok(record) = object::read(data) else { return Corpus::Reject };
    let record = Aligned::new(&record);
    let view = ObjectView::new(record.bytes()).expect("a record that was just made");
    image::with_plan(&view, view.header.content[0], true, |plan, objects| {
        let Ok(sections) = debug::of_data(data, plan, objects, 0) else { return };
        ask(&sections, plan.header.base.0);
    });
    Corpus::Keep
});

/// Asks for a line, as `unfold explain` does (tools/src/explain/source.rs).
fn ask(sections: &[DebugSection], addr: u64) -> Option<()> {
    let bytes = |name: &str| {
        let found = sections.iter().find(|section| section.name == name);
        EndianSlice::new(found.map_or(&[][..], |section| &section.bytes), LittleEndian)
    };
    let dwarf = Dwarf::load(|id| Ok::<_, addr2line::gimli::Error>(bytes(id.name()))).ok()?;
    let context = Context::from_dwarf(dwarf).ok()?;
    let mut frames = context.find_frames(addr).skip_all_loads().ok()?;
    while let Some(frame) = frames.next().ok()? {
        frame.function.and_then(|function| function.raw_name().ok().map(drop));
    }
    context.find_location(addr).ok().map(drop)
}
