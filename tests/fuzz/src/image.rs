//! A record -> an image that consists of it, rendered.

use crate::{Aligned, push_table};
use shared::edit::EditError;
use shared::plan::{
    BlockPlace, MAGIC, ObjectRec, Objects, PlanHeader, PlanView, RegionRec, Slot, flag, slot,
};
use shared::record::{BlockRec, Class, Edit, GlobalRec, ObjectView, Placement, SymRef};
use shared::render::{PROT_EXEC, RenderError, render};
use shared::{CHUNK, ImageAddr, PAGE};

const BASE: u64 = 0x40_0000;

/// Images are rendered up to so many chunks.
const MOST_CHUNKS: u64 = 8;

/// One record for all objects.
pub struct One<'a>(pub ObjectView<'a>);

impl Objects for One<'_> {
    fn object(&self, number: u32) -> Option<ObjectView<'_>> {
        (number == 0).then_some(self.0)
    }
}

/// Checks that what a record says of itself holds. Records of the linker's own making do, whatever the object was.
pub fn check(view: &ObjectView<'_>) {
    let string = |at: shared::pod::StrRef| assert_eq!(view.string(at).len(), at.len as usize);
    let section = |number: u32| assert!((number as usize) < view.sections.len(), "section {number}");
    for rec in view.sections {
        string(rec.name);
        assert!(rec.align.is_power_of_two());
        assert!(rec.group as usize <= view.groups.len());
        assert!(rec.data == 0 || view.data(rec).len() as u64 == rec.size);
        assert_eq!(view.edits_of(rec).len(), rec.edits_count as usize);
        assert!(view.edits_of(rec).is_sorted_by_key(|edit| edit.offset), "edits are not sorted");
    }
    let mut next = 0;
    for block in view.blocks {
        string(block.name);
        assert!(Class::from_number(block.class).is_some());
        assert_eq!(block.first, next);
        next += block.count;
        assert_eq!(view.sections_of(block).1.len(), block.count as usize);
    }
    assert_eq!(next as usize, view.sections.len());
    for edit in view.edits {
        assert!(shared::edit::Kind::from_number(edit.kind_number()).is_some());
        assert!((edit.symbol() as usize) < view.symrefs.len());
    }
    for symref in view.symrefs {
        match symref.section {
            SymRef::GLOBAL => assert!((symref.global as usize) < view.globals.len()),
            SymRef::ABSOLUTE | SymRef::DISCARDED => {}
            number => section(number),
        }
    }
    for global in view.globals {
        string(global.name);
        if global.section < GlobalRec::DISCARDED {
            section(global.section);
        }
    }
    for fde in view.fdes {
        section(fde.section);
        section(fde.eh_section);
    }
    view.groups.iter().for_each(|group| string(group.signature));
    for function in view.functions {
        string(function.name);
        section(function.section);
    }
    for version in view.versions {
        string(version.version);
        assert!((version.global as usize) < view.globals.len());
    }
}

/// Lays a record out and renders the image. `choice` decides what its globals come to. `is_sound`: the record does not
/// contradict itself.
pub fn render_alone(view: &ObjectView<'_>, choice: u64, is_sound: bool) {
    with_plan(view, choice, is_sound, |plan, objects| render_all(plan, objects, is_sound));
}

/// Lays a record out as an image of its own.
pub fn with_plan(view: &ObjectView<'_>, mut choice: u64, is_sound: bool, run: impl FnOnce(&PlanView<'_>, &One<'_>)) {
    let mut at = BASE;
    let mut placements = Vec::new();
    let mut blocks = Vec::new();
    let mut rows = 0;
    let own = [BlockRec { count: view.sections.len() as u32, ..BlockRec::default() }];
    for (number, block) in (0..).zip(if is_sound { view.blocks } else { &own }) {
        let (_, sections) = view.sections_of(block);
        let start = at;
        for section in sections {
            at = ImageAddr(at).align_up(u64::from(section.align).min(PAGE).next_power_of_two()).0;
            placements.push(Placement::live(ImageAddr(at)));
            at += if is_sound { section.size } else { section.size.min(CHUNK) };
        }
        let frames = view.fdes_of(block.first, block.count).len() as u32;
        blocks.push(BlockPlace {
            addr: ImageAddr(start),
            capacity: at - start,
            object: 0,
            block: number,
            eh_row: rows,
            eh_rows: frames,
            first: block.first,
            count: block.count,
        });
        rows += frames;
    }
    let end = (at + 16 * u64::from(rows) + 64).next_multiple_of(CHUNK);
    if end - BASE > u32::MAX.into() {
        return;
    }
    let mut slots = Vec::new();
    for global in view.globals {
        choice = choice.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        let bits = choice >> 40;
        let place = placements.get(global.section as usize);
        let value = place.map_or(global.value, |place| place.addr().0.wrapping_add(global.value));
        // With all kinds of GOT entries, so that every edit finds its own.
        let flags = [slot::NEAR, 0, slot::IMPORT, slot::ABSENT, slot::TLS | slot::NEAR][bits as usize % 5]
            | slot::GOT_OFFSET
            | slot::GOT_PAIR
            | slot::GOT_DESCRIPTOR;
        let plt = ((bits >> 8) % 3) as u32;
        slots.push(Slot { value, got: 1 + slots.len() as u32 * 5, plt, flags, ..Slot::default() });
    }
    let bindings: Vec<u32> = (0..slots.len() as u32).collect();
    let region = RegionRec {
        start: ImageAddr(BASE),
        end: ImageAddr(end),
        limit: ImageAddr(end),
        kind: 2,
        prot: 1 | PROT_EXEC,
    };
    let mut bytes = vec![0; size_of::<PlanHeader>()];
    let header = PlanHeader {
        magic: MAGIC,
        base: ImageAddr(BASE),
        limit: ImageAddr(end),
        tls_start: ImageAddr(BASE),
        tls_end: ImageAddr(BASE + PAGE),
        got: ImageAddr(BASE),
        got_origin: ImageAddr(BASE),
        plt: ImageAddr(BASE),
        tls_module: ImageAddr(BASE),
        eh_hdr: ImageAddr(at.next_multiple_of(8)),
        eh_rows: rows.into(),
        flags: if choice & 1 << 50 != 0 { flag::SHARED } else { 0 },
        regions: push_table(&mut bytes, &[region]),
        objects: push_table(&mut bytes, &[ObjectRec::default()]),
        placements: push_table(&mut bytes, &placements),
        bindings: push_table(&mut bytes, &bindings),
        slots: push_table(&mut bytes, &slots),
        blocks: push_table(&mut bytes, &blocks),
        ..PlanHeader::default()
    };
    bytes[..size_of::<PlanHeader>()].copy_from_slice(shared::pod::bytes_of(&[header]));
    let plan = Aligned::new(&bytes);
    let plan = PlanView::new(plan.bytes()).expect("the plan is in order");
    run(&plan, &One(*view));
}

fn render_all(plan: &PlanView<'_>, objects: &One<'_>, is_sound: bool) {
    let view = objects.0;
    let end = plan.header.limit.0;
    for chunk in 0..((end - BASE) / CHUNK).min(MOST_CHUNKS) {
        let mut whole = vec![0; CHUNK as usize];
        let start = ImageAddr(BASE + chunk * CHUNK);
        match render(plan, objects, start, &mut whole) {
            // Each page alone gives the same.
            Ok(()) => {
                for (number, page) in (0..).zip(whole.chunks(PAGE as usize)) {
                    let mut alone = vec![1; page.len()];
                    render(plan, objects, start + number * PAGE, &mut alone).expect("as in the chunk");
                    assert!(
                        alone == page,
                        "page {number} of chunk {chunk} differs when it is rendered alone"
                    );
                }
            }
            Err(RenderError::Edit { error: EditError::Overflow { .. }, .. }) => {}
            // Only global symbols have entries in the GOT.
            Err(RenderError::Edit { section, offset, .. }) if is_sound => {
                let edits = view.edits_of(&view.sections[section as usize]);
                let refers = |edit: &Edit| view.symrefs[edit.symbol() as usize].section;
                let here = || edits.iter().filter(|edit| edit.offset == offset);
                assert!(
                    here().any(|edit| refers(edit) != SymRef::GLOBAL),
                    "{:?}",
                    here().collect::<Vec<_>>()
                );
            }
            Err(error) => assert!(!is_sound, "{error:?}"),
        }
    }
}
