//! The other files of an index: records, logs, orders, lists.
#![no_main]

use hostile::{Aligned, image, lasting};
use indexer::index::changes::Changes;
use indexer::index::state::{self, State, Status};
use indexer::relink::Needed;
use indexer::{emit, symbols};
use libfuzzer_sys::{Corpus, fuzz_target};
use shared::checksum::{Blocks, Summed, checksum};
use shared::log::{self, CHANGED_HEAD, CHANGED_MAGIC, ORDER_MAGIC};
use shared::output;
use shared::pod;
use shared::record::{self, ObjectView};
use std::sync::atomic::AtomicU8;

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((first, data)) = input.split_first() else { return Corpus::Reject };
    let mut copy = Aligned::new(data);
    match first % 10 {
        0 => {
            copy.put(0, record::MAGIC);
            let Some(view) = ObjectView::new(copy.bytes()) else { return Corpus::Reject };
            render_record(&view);
        }
        1 => {
            copy.put(0, log::MAGIC);
            if let Some((header, entries)) = log::read(copy.bytes()) {
                for entry in entries {
                    header.chunk_of(entry);
                }
                if let Some(threads) = log::threads(copy.bytes()) {
                    assert!(size_of_val(entries) + size_of_val(threads) <= data.len());
                }
            }
        }
        2 => {
            copy.seal(ORDER_MAGIC);
            let plan = pod::get::<u64>(copy.bytes(), 16).copied().unwrap_or_default();
            if let Some((pages, chunks)) = log::order(copy.bytes(), plan) {
                assert!(size_of_val(pages) + size_of_val(chunks) <= data.len());
            }
        }
        3 => {
            copy.seal(CHANGED_MAGIC);
            let word = |at: u64| pod::get::<u64>(copy.bytes(), at).copied().unwrap_or_default();
            if let Some(chunks) = log::changed_chunks(copy.bytes(), word(16), word(24)) {
                assert_eq!(chunks.len() + CHANGED_HEAD, data.len());
            }
        }
        4 => {
            copy.seal(u64::from_le_bytes(*b"UFneed\0\x01"));
            if let Some(needed) = Needed::read(copy.bytes()) {
                needed.may_differ(&[], false, |_| true);
                assert!(size_of_val(needed.commons) <= data.len());
            }
        }
        5 => {
            copy.seal(state::NAMES_MAGIC);
            state::read_names(copy.bytes());
        }
        6 => states(copy, data),
        7 => {
            if let Some(extent) = symbols::extent(copy.bytes()) {
                symbols::own_section(copy.bytes(), &extent);
                symbols::tables(copy.bytes());
            }
            emit::Phdr::read(copy.bytes());
        }
        8 => {
            copy.seal(output::MAGIC);
            if let Some(config) = output::config(copy.bytes()) {
                for at in [config.absolute, config.relative, config.name, config.linker] {
                    output::c_string(copy.bytes(), at);
                }
            }
            let len = u64::from(*first) * 64;
            if let Some(summed) = Summed::new(copy.bytes(), len) {
                let states: Vec<AtomicU8> = (0..Blocks::states(len)).map(|_| AtomicU8::new(0)).collect();
                let blocks = Blocks::new(summed, &states);
                blocks.verify(summed.bytes());
                summed.is_whole(0..len);
                assert_ne!(summed.checksum(), 0);
            }
            checksum(copy.bytes());
        }
        _ => drop(serde_json::from_slice::<Status>(copy.bytes())),
    }
    Corpus::Keep
});

/// A record that may contradict itself, in an image that does not.
fn render_record(view: &ObjectView<'_>) {
    for section in view.sections {
        view.data(section);
        view.edits_of(section);
        view.string(section.name);
    }
    image::render_alone(view, view.header.content[0], false);
}

/// A state and the changes to it: the input is cut into two by its first word.
fn states(copy: Aligned, data: &[u8]) {
    let cut = pod::get::<u32>(copy.bytes(), 0).copied().unwrap_or_default() as usize;
    let (first, second) = data.split_at(cut.min(data.len()) & !15);
    let (mut changes, mut base) = (Aligned::new(first), Aligned::new(second));
    base.seal(state::MAGIC);
    let sum = pod::get::<u64>(base.bytes(), 8).copied().unwrap_or_default();
    changes.put(16, sum);
    changes.seal(u64::from_le_bytes(*b"UFchang\x01"));
    // SAFETY: nothing is kept.
    let base = unsafe { lasting(base.bytes()) };
    let Some(changes) = Changes::read(changes.bytes()) else { return };
    let _ = changes.bytes();
    let Some(state) = State::of_bytes(changes, base) else { return };
    for number in 0..state.file_count().min(256) {
        state.c_path(number);
        state.objects_of(number);
    }
    for number in 0..state.object_count().min(256) {
        let object = state.object(number);
        if object.file < state.file_count() {
            state.file(object.file);
        }
    }
    (state.positions(), state.live_count(), state.contents(), state.warnings());
    (state.missing().count(), state.has_more_objects_than(3));
}
