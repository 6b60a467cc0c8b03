//! Gives the sections of a changed object their places: those that they had, if they fit, else behind everything
//! else of their region.

use super::editor::Editor;
use super::object::{Attempt, is_live, put_records};
use crate::layout::{REGIONS, least_align, place_sections, slack};
use anyhow::{Result, anyhow};
use shared::plan::{BlockPlace, PlanView, RegionKind, flag};
use shared::record::{BlockRec, Class, NONE, ObjectView, Placement};
use shared::render::live_frames;
use shared::{CHUNK, ImageAddr, PAGE};
use std::collections::HashMap;
use std::ops::Range;

/// A place, with its number in the table.
type Numbered = (usize, BlockPlace);

/// Places the sections of the new record: where those of the old one were, if they fit, else behind
/// everything else of the region. Returns the placements of the new sections.
pub fn place(
    editor: &mut Editor,
    number: u32,
    old: &ObjectView<'_>,
    new: &ObjectView<'_>,
    kept: &[bool],
) -> Result<Result<Vec<Placement>, String>> {
    let live = |section: u32| is_live(new, kept, section);
    let in_row = in_rows(editor)?;
    let mut left = blocks_of(&editor.view()?, number, old);
    let was_live: Vec<bool> = (0..old.sections.len() as u32)
        .map(|section| Ok(editor.view()?.placement(number, section).is_some_and(Placement::is_live)))
        .collect::<Result<_>>()?;
    // What was there is no longer, wherever the new sections come to lie.
    for (_, place) in &left {
        editor.leave(number, place.addr, place.capacity);
    }
    let mut placements = vec![Placement::default(); new.sections.len()];
    for (block_number, block) in new.blocks.iter().enumerate() {
        let same = |place: &BlockPlace| {
            let there = &old.blocks[place.block as usize];
            (there.class, there.priority, old.string(there.name))
                == (block.class, block.priority, new.string(block.name))
        };
        let (found, others) = left.into_iter().partition(|(_, place)| same(place));
        left = others;
        let found: Vec<Numbered> = found;
        if Class::from_number(block.class).is_some_and(&in_row) {
            let shapes = |view: &ObjectView<'_>, block: &BlockRec, live: &dyn Fn(u32) -> bool| {
                let (first, sections) = view.sections_of(block);
                let live = sections.iter().enumerate().filter(|(at, _)| live((first + at) as u32));
                live.map(|(_, section)| (section.size, section.align)).collect::<Vec<_>>()
            };
            // What has to stay in its row is in one place.
            let before = found.first().map(|(_, place)| {
                let old_live = |section: u32| was_live.get(section as usize).copied().unwrap_or(false);
                shapes(old, &old.blocks[place.block as usize], &old_live)
            });
            if before != Some(shapes(new, block, &live)) {
                full!("a section that has to stay in its row changed its size");
            }
        }
        for (run, found) in runs(old, new, block, found, &mut left) {
            let run = (block_number as u32, run);
            step!(place_run(editor, number, new, run, found, &live, &mut placements));
        }
    }
    let blocks = editor.view()?.header.blocks;
    for (index, place) in left {
        let class = old.blocks.get(place.block as usize).and_then(|block| Class::from_number(block.class));
        if class.is_none_or(&in_row) {
            full!("a section that has to stay in its row is gone");
        }
        editor.set(blocks, index as u64, BlockPlace { block: NONE, object: NONE, ..place })?;
    }

    let view = editor.view()?;
    let (table, objects, object) =
        (view.header.placements, view.header.objects, view.objects[number as usize]);
    let place = (u64::from(object.placements), old.sections.len());
    let Some(start) = put_records(editor, table, place, editor.used.placements, &placements)? else {
        full!("the table of placements is full");
    };
    editor.used.placements = editor.used.placements.max(start + placements.len() as u64);
    editor.set(objects, number.into(), shared::plan::ObjectRec { placements: start as u32, ..object })?;
    Ok(Ok(placements))
}

/// Which classes may have no gaps, and nothing behind their end. Without `.eh_frame_hdr`, frames are found by walking
/// over `.eh_frame`, if the program does so (`crtbeginT.o`).
fn in_rows(editor: &Editor) -> Result<impl Fn(Class) -> bool + use<>> {
    let view = editor.view()?;
    let walks = editor
        .find(crate::object::name_hash(b"__register_frame_info"))
        .is_some_and(|found| view.slots.get(found.slot as usize).is_some_and(super::object::is_defined));
    let frames = view.header.eh_rows == 0 && walks;
    Ok(move |class: Class| class.is_contiguous() || frames && class == Class::EhFrame)
}

/// The places of an object's blocks, with their numbers in the table. `record` is the one that is placed now.
pub fn blocks_of(view: &PlanView<'_>, number: u32, record: &ObjectView<'_>) -> Vec<Numbered> {
    let mut found = Vec::new();
    let mut is_complete = true;
    for (block_number, block) in (0u32..).zip(record.blocks) {
        if Class::from_number(block.class).is_some() {
            is_complete &= find_block(view, number, record, (block_number, block), &mut found).is_some();
        }
    }
    if is_complete {
        found.sort_unstable_by_key(|(index, _)| *index);
        return found;
    }
    let all = view.blocks.iter().enumerate().map(|(index, place)| (index, *place));
    all.filter(|(_, place)| place.object == number && place.block != NONE).collect()
}

/// Finds the places of a block by the addresses of its sections. `None`: they are not near those.
fn find_block(
    view: &PlanView<'_>,
    number: u32,
    record: &ObjectView<'_>,
    (block_number, block): (u32, &BlockRec),
    all: &mut Vec<Numbered>,
) -> Option<()> {
    /// Sections of no size, and places without any, share addresses with others.
    const NEAR: usize = 64;
    let (first, sections) = record.sections_of(block);
    let end_of_block = first + sections.len();
    let mut from = first;
    while from < end_of_block {
        let mut placed = (from..end_of_block).filter_map(|section| view.placement(number, section as u32));
        let addr = placed.clone().find(|place| place.is_live()).or_else(|| placed.next())?.addr();
        let end = view.blocks.partition_point(|place| place.addr <= addr);
        let near = end.saturating_sub(NEAR)..end;
        let is_it = |index: &usize| {
            let place = &view.blocks[*index];
            place.object == number && place.block == block_number && place.first as usize == from
        };
        let found = near.rev().find(is_it)?;
        all.push((found, view.blocks[found]));
        from += view.blocks[found].count.max(1) as usize;
    }
    Some(())
}

/// The sections of a block, in runs that take the places of those that were there: sections are matched by their names,
/// and new ones stay with those in front of them. Places that nothing takes are given back to `left`.
fn runs(
    old: &ObjectView<'_>,
    new: &ObjectView<'_>,
    block: &BlockRec,
    mut places: Vec<Numbered>,
    left: &mut Vec<Numbered>,
) -> Vec<(Range<u32>, Option<Numbered>)> {
    if places.len() < 2 {
        return vec![(block.first..block.first + block.count, places.pop())];
    }
    let mut place_of: HashMap<&[u8], usize> = HashMap::new();
    for (index, (_, place)) in places.iter().enumerate() {
        for section in old.sections_in(place.first, place.count).1 {
            place_of.entry(old.string(section.name)).or_insert(index);
        }
    }
    let mut runs: Vec<(Range<u32>, Option<usize>)> = Vec::new();
    let (first, sections) = new.sections_of(block);
    for (section, record) in (first as u32..).zip(sections) {
        let place = place_of.get(new.string(record.name)).copied();
        match runs.last_mut() {
            Some((run, of_run)) if place.is_none() || of_run.is_none() || *of_run == place => {
                *of_run = of_run.or(place);
                run.end = section + 1;
            }
            _ => runs.push((section..section + 1, place)),
        }
    }
    let mut places: Vec<Option<Numbered>> = places.into_iter().map(Some).collect();
    let runs =
        runs.into_iter().map(|(run, place)| (run, place.and_then(|place| places[place].take()))).collect();
    left.extend(places.into_iter().flatten());
    runs
}

/// Places a run of a block's sections: where they were (`found`), if they fit.
fn place_run(
    editor: &mut Editor,
    number: u32,
    new: &ObjectView<'_>,
    (block_number, run): (u32, Range<u32>),
    found: Option<Numbered>,
    live: &dyn Fn(u32) -> bool,
    placements: &mut [Placement],
) -> Attempt {
    let block = new.blocks.get(block_number as usize).ok_or_else(|| anyhow!("a record has no such block"))?;
    let class = Class::from_number(block.class).ok_or_else(|| anyhow!("a record has an unknown class"))?;
    let count = run.end - run.start;
    let (first, sections) = new.sections_in(run.start, count);
    let slots = &mut placements[first..first + sections.len()];
    // A program without a table of frames needs no room in it.
    let rows = match editor.view()?.header.eh_rows {
        0 => 0,
        _ => live_frames(new, run.start, count, live),
    };
    let blocks = editor.view()?.header.blocks;
    let least = least_align(editor.view()?.header.flags & flag::APART != 0, class);
    if let Some((index, place)) = found {
        let (_, end) = place_sections(sections, run.start, place.addr, least, live, slots);
        let starts_there = sections
            .iter()
            .enumerate()
            .find(|(at, _)| live(run.start + *at as u32))
            .is_none_or(|(_, section)| place.addr.0.is_multiple_of(u64::from(section.align).max(least)));
        if end <= place.addr + place.capacity && rows <= place.eh_rows && starts_there {
            let place = BlockPlace { block: block_number, first: run.start, count, ..place };
            editor.set(blocks, index as u64, place)?;
            editor.touch(place.addr, place.capacity);
            return Ok(Ok(()));
        }
        editor.set(blocks, index as u64, BlockPlace { block: NONE, object: NONE, ..place })?;
    }
    if in_rows(editor)?(class) {
        full!("a section that has to stay in its row does not fit");
    }
    let align = sections.iter().map(|section| u64::from(section.align)).max().unwrap_or(1).max(least);
    let part =
        BlockPlace { object: number, block: block_number, first: run.start, count, ..BlockPlace::default() };
    step!(append(editor, part, class, align, rows, |start| {
        place_sections(sections, run.start, start, least, live, slots).1
    }));
    Ok(Ok(()))
}

/// Gives a block, or a part of one, a place behind everything else of its region.
fn append(
    editor: &mut Editor,
    part: BlockPlace,
    class: Class,
    align: u64,
    rows: u32,
    place: impl FnOnce(ImageAddr) -> ImageAddr,
) -> Attempt {
    let region_number = REGIONS
        .iter()
        .position(|(_, _, classes)| classes.contains(&class))
        .ok_or_else(|| anyhow!("a class without a region"))?;
    let view = editor.view()?;
    let mut region = view.regions[region_number];
    let (blocks, regions) = (view.header.blocks, view.header.regions);
    let last = view.blocks.partition_point(|place| place.addr < region.limit);
    let spare = last;
    // Places of the next region that begin at the very limit come behind the spare ones.
    let is_free = |index: usize| {
        view.blocks
            .get(index)
            .is_some_and(|place| place.addr == region.limit && place.block == NONE && place.capacity == 0)
    };
    if !is_free(spare) {
        full!("too many blocks were added since the last full link");
    }
    // Places are in the order of their addresses, and do not overlap.
    let end = view.blocks[..last].last().map(|place| place.addr + place.capacity);
    let used = end.unwrap_or(region.start).max(region.start);
    let after_table =
        view.header.eh_hdr + shared::render::EH_HDR_HEAD + view.header.eh_rows * shared::render::EH_HDR_ROW;
    let used = if region.contains(view.header.eh_hdr) { used.max(after_table) } else { used };
    let addr = used.align_up(align.max(16));
    let end = place(addr);
    let size = end.offset_from(addr);
    let capacity = size + slack(class, size);
    if addr + capacity > region.limit {
        full!("its region has no more room");
    }
    let tail = view.blocks[spare];
    let next = view.blocks.get(spare + 1).copied().filter(|_| is_free(spare + 1));
    let mut eh = (tail.eh_row, 0);
    if rows > 0 {
        // The rows behind all code belong to the first spare place.
        let Some(next) = next else { full!("too many blocks were added since the last full link") };
        let room = rows + rows / 8;
        if tail.eh_rows < room {
            full!("the table of frames is full");
        }
        eh = (tail.eh_row, room);
        let rest = BlockPlace { eh_row: tail.eh_row + room, eh_rows: tail.eh_rows - room, ..next };
        editor.set(blocks, spare as u64 + 1, rest)?;
    } else if tail.eh_rows > 0 {
        let Some(next) = next else { full!("too many blocks were added since the last full link") };
        let rest = BlockPlace { eh_row: tail.eh_row, eh_rows: tail.eh_rows, ..next };
        editor.set(blocks, spare as u64 + 1, rest)?;
    }
    let place = BlockPlace { addr, capacity, eh_row: eh.0, eh_rows: eh.1, ..part };
    editor.set(blocks, spare as u64, place)?;
    let unit = if region.kind == RegionKind::Lazy as u32 { CHUNK } else { PAGE };
    let end = (addr + capacity).align_up(unit);
    if end > region.end {
        region.end = end;
        editor.set(regions, region_number as u64, region)?;
    }
    editor.touch(addr, capacity);
    Ok(Ok(()))
}
