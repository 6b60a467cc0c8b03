//! Which chunks of lazy memory a relink changes: the others stay kept, on the shelf that all generations since the full
//! link share (`loader/src/kept.rs`).
//!
//! The blocks and slots of the plans before and after are compared, so that no step of a relink can forget to say what it has
//! changed. What lies where within a block follows from the object's record and the groups that are kept: the blocks of objects
//! for which either changed are others, even where they are.

use super::editor::{Editor, GRAIN};
use super::pages::referring_places;
use crate::index::generation::Draft;
use crate::index::kept::{CHANGED, COMMON, chunk_count};
use crate::index::opened::Executable;
use anyhow::{Result, anyhow};
use shared::checksum::checksum;
use shared::log::{CHANGED_HEAD, CHANGED_MAGIC, changed_chunks};
use shared::plan::{BlockPlace, PlanHeader, PlanView, RegionKind, Slot};
use shared::pod::{Pod, Span, bytes_of};
use shared::render::{EH_HDR_HEAD, EH_HDR_ROW};
use shared::{CHUNK, ImageAddr, edit};
use std::collections::HashSet;
use std::fs;

/// Lists the chunks that are not those of the last full link, and hands on what is kept of the others. `patch`: checksum
/// of the new generation's patch; `affected`: objects that were placed anew.
pub fn hand_on(
    editor: &Editor,
    before: &Executable,
    draft: &Draft,
    patch: u64,
    affected: &[u32],
) -> Result<()> {
    let view = editor.view()?;
    let header = view.header;
    let count = chunk_count(&view);
    let mut chunks = match before.config.patch {
        0 => vec![0; count],
        patch => {
            let list = fs::read(before.folder.join(CHANGED)).unwrap_or_default();
            let known = changed_chunks(&list, before.config.plan, patch).filter(|known| known.len() == count);
            known.map_or_else(|| vec![1; count], <[u8]>::to_vec)
        }
    };
    let mut mark = |start: ImageAddr, end: ImageAddr| {
        let number = |addr: ImageAddr| (addr.0.saturating_sub(header.base.0) / CHUNK) as usize;
        if start < end {
            chunks[number(start).min(count)..(number(end) + 1).min(count)].fill(1);
        }
    };
    changed_places(editor, before, &view, affected, &mut mark)?;
    let mut file = [CHANGED_MAGIC, 0, before.config.plan, patch].map(u64::to_le_bytes).concat();
    file.extend_from_slice(&chunks);
    let sum = checksum(&file[16..]);
    file[8..16].copy_from_slice(&sum.to_le_bytes());
    debug_assert_eq!(file.len(), CHANGED_HEAD + count);
    draft.write(CHANGED, &file)?;

    // A map is nothing without its chunks. What is not there now, launches of this generation make.
    let link = |name: &str| fs::hard_link(before.folder.join(name), draft.path(name));
    if link(COMMON[0]).is_ok() && link(COMMON[1]).is_err() {
        fs::remove_file(draft.path(COMMON[0])).ok();
    }
    Ok(())
}

/// Calls `mark` with each range of addresses whose bytes may differ between the plans.
fn changed_places(
    editor: &Editor,
    before: &Executable,
    new: &PlanView<'_>,
    affected: &[u32],
    mark: &mut dyn FnMut(ImageAddr, ImageAddr),
) -> Result<()> {
    let (plan, _, _) = before.untouched_plan()?;
    let old = PlanView::new(&plan).map_err(|error| anyhow!("the plan is damaged: {error:?}"))?;
    let fixed = |header: &PlanHeader| {
        let addresses = [header.base, header.limit, header.tls_start, header.tls_end, header.got, header.plt];
        (addresses, header.tls_module, header.got_origin, header.eh_hdr, header.eh_rows, header.eh_frame)
    };
    if fixed(old.header) != fixed(new.header) {
        mark(new.header.base, new.header.limit);
        return Ok(());
    }
    let rows_at = new.header.eh_hdr + EH_HDR_HEAD;
    let mut mark_block = |place: &BlockPlace| {
        mark(place.addr, place.addr + place.capacity);
        let first = rows_at + u64::from(place.eh_row) * EH_HDR_ROW;
        mark(first, first + u64::from(place.eh_rows) * EH_HDR_ROW);
    };
    for (_, was, is) in changed_records(editor, new.header.blocks, old.blocks, new.blocks) {
        mark_block(&was);
        mark_block(&is);
    }
    let placed_anew: HashSet<u32> = affected.iter().chain(editor.fresh.keys()).copied().collect();
    for place in new.blocks.iter().filter(|place| placed_anew.contains(&place.object)) {
        mark_block(place);
    }
    let comes_to = |slot: &Slot| (slot.value, slot.got, slot.plt, slot.flags);
    let mut moved = HashSet::new();
    for (number, was, is) in changed_records(editor, new.header.slots, old.slots, new.slots) {
        if comes_to(&was) != comes_to(&is) {
            moved.insert(number);
        }
    }
    for place in referring_places(editor, new, &moved, RegionKind::Lazy) {
        mark(ImageAddr(place.0.saturating_sub(edit::REACH)), place + edit::REACH);
    }
    Ok(())
}

/// The records of a table that are in places which relinks have changed: number, before and now.
fn changed_records<T: Pod>(editor: &Editor, table: Span, old: &[T], new: &[T]) -> Vec<(u32, T, T)> {
    let size = size_of::<T>() as u64;
    let end = table.offset + table.count * size;
    let mut found = Vec::new();
    let mut next = 0;
    for grain in editor.dirty.range(table.offset / GRAIN..end.div_ceil(GRAIN)) {
        let start = (grain * GRAIN).saturating_sub(table.offset) / size;
        let stop = (((grain + 1) * GRAIN).min(end) - table.offset).div_ceil(size);
        for number in start.max(next)..stop {
            if let (Some(was), Some(is)) = (old.get(number as usize), new.get(number as usize))
                && bytes_of(std::slice::from_ref(was)) != bytes_of(std::slice::from_ref(is))
            {
                found.push((number as u32, *was, *is));
            }
        }
        next = stop.max(next);
    }
    found
}
