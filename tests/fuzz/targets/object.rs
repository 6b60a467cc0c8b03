//! Relocatable objects and shared libraries, as compilers never make them.
#![no_main]

use hostile::{Aligned, image, lasting};
use indexer::inputs::{archive, shared as libraries};
use indexer::object;
use libfuzzer_sys::{Corpus, fuzz_target};
use shared::record::ObjectView;

fuzz_target!(|data: &[u8]| -> Corpus {
    // Files are mapped, so on page bounds.
    let copy = Aligned::new(data);
    // SAFETY: nothing is kept.
    let data = unsafe { lasting(copy.bytes()) };
    object::content_hash(data);
    let mut is_read = false;
    if let Ok(record) = object::read(data) {
        let record = Aligned::new(&record);
        let view = ObjectView::new(record.bytes()).expect("a record that was just made");
        image::check(&view);
        image::render_alone(&view, view.header.content[0], true);
        is_read = true;
    }
    archive::defined_names(data).ok();
    archive::names_with_value(data).ok();
    if let Ok(library) = libraries::read(data, b"lib.so") {
        library.identity();
        is_read = true;
    }
    // What is no ELF file at all teaches nothing.
    if is_read || data.starts_with(b"\x7fELF\x02\x01") { Corpus::Keep } else { Corpus::Reject }
});
