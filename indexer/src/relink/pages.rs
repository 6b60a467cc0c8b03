//! The patch: what of the plan differs, and the eager pages that have to be rendered again.

use super::editor::{Editor, GRAIN};
use crate::index::opened::Executable;
use crate::plan::Writer;
use anyhow::Result;
use rayon::prelude::*;
use shared::checksum::{Blocks, checksum};
use shared::plan::{Objects, PATCH_MAGIC, PatchHeader, PatchPage, PatchRec, PlanView, RegionKind, flag};
use shared::pod::bytes_of;
use shared::record::{ObjectView, SymRef};
use shared::render::render;
use shared::{ImageAddr, PAGE};
use std::collections::{BTreeSet, HashSet};

impl Objects for Editor {
    fn object(&self, number: u32) -> Option<ObjectView<'_>> {
        Editor::object(self, number)
    }

    fn checked(&self, number: u32) -> Option<Blocks<'_>> {
        Editor::checked(self, number)
    }
}

/// The bytes of the patch file. The inner error is a reason for a full link.
pub fn patch(editor: &Editor, executable: &Executable) -> Result<Result<Vec<u8>, String>> {
    let view = editor.view()?;
    let mut pages = BTreeSet::new();
    // A shared library is rendered whole.
    if view.header.flags & flag::SHARED == 0 {
        pages.extend(&editor.pages);
        pages.extend(referring_pages(editor, &view));
    }
    let rendered: Vec<(u64, Vec<u8>)> = match pages
        .par_iter()
        .map(|addr| {
            let mut page = vec![0u8; PAGE as usize];
            render(&view, editor, ImageAddr(*addr), &mut page).map(|()| (*addr, page))
        })
        .collect()
    {
        Ok(rendered) => rendered,
        // The full link says what is wrong, with names.
        Err(error) => return Ok(Err(format!("a page cannot be rendered ({error:?})"))),
    };

    let mut all: Vec<(u64, &[u8])> = rendered.iter().map(|(addr, page)| (*addr, page.as_slice())).collect();
    for page in editor.old_pages.iter().filter(|page| !pages.contains(&page.addr.0)) {
        let bytes = shared::pod::slice(editor.old_patch, page.offset, PAGE).unwrap_or(&[]);
        all.push((page.addr.0, bytes));
    }
    all.sort_by_key(|(addr, _)| *addr);

    let mut edits: Vec<PatchRec> = Vec::new();
    let mut bytes = Vec::new();
    let plan = &editor.plan_bytes()[..view.header.len as usize];
    for grain in &editor.dirty {
        let start = grain * GRAIN;
        let end = (start + GRAIN).min(plan.len() as u64);
        match edits.last_mut() {
            Some(last) if last.offset + last.len == start => last.len = end - last.offset,
            _ => edits.push(PatchRec { offset: start, len: end - start, bytes: bytes.len() as u64 }),
        }
        bytes.extend_from_slice(&plan[start as usize..end as usize]);
    }

    let mut writer = Writer(vec![0; size_of::<PatchHeader>()]);
    let edits_span = writer.table(&edits);
    let mut records: Vec<PatchPage> =
        all.iter().map(|(addr, _)| PatchPage { addr: ImageAddr(*addr), offset: 0 }).collect();
    let pages_span = writer.table(&records);
    let bytes_at = writer.table(&bytes).offset;
    for edit in &mut edits {
        edit.bytes += bytes_at;
    }
    let mut file = writer.0;
    file.resize(file.len().next_multiple_of(PAGE as usize), 0);
    for (record, (_, page)) in records.iter_mut().zip(&all) {
        record.offset = file.len() as u64;
        file.extend_from_slice(page);
    }
    let put = |file: &mut Vec<u8>, at: u64, bytes: &[u8]| {
        file[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
    };
    put(&mut file, edits_span.offset, bytes_of(&edits));
    put(&mut file, pages_span.offset, bytes_of(&records));
    let header = PatchHeader {
        magic: PATCH_MAGIC,
        checksum: 0,
        len: file.len() as u64,
        plan: executable.config.plan,
        edits: edits_span,
        pages: pages_span,
    };
    put(&mut file, 0, bytes_of(&[header]));
    let sum = checksum(&file[16..]);
    put(&mut file, 8, &sum.to_le_bytes());
    Ok(Ok(file))
}

/// The eager pages with an edit that refers to a symbol which moved.
fn referring_pages(editor: &Editor, view: &PlanView<'_>) -> BTreeSet<u64> {
    // An edit may reach into the pages on both sides of its field.
    let pages = |place: ImageAddr| {
        [place - shared::edit::REACH.min(place.0), place + shared::edit::REACH]
            .map(|addr| addr.page_start().0)
    };
    let eager = |addr: &u64| {
        view.region_at(ImageAddr(*addr)).is_some_and(|region| region.kind() == Some(RegionKind::Eager))
    };
    let places = referring_places(editor, view, &editor.moved, RegionKind::Eager);
    places.into_iter().flat_map(pages).filter(eager).collect()
}

/// The places of the edits, in regions of one kind, that refer to these slots.
pub fn referring_places(
    editor: &Editor,
    view: &PlanView<'_>,
    slots: &HashSet<u32>,
    kind: RegionKind,
) -> Vec<ImageAddr> {
    if slots.is_empty() {
        return Vec::new();
    }
    let refers_to = |object: u32, global: u32| {
        let first = view.objects[object as usize].bindings as usize;
        view.bindings.get(first + global as usize).is_some_and(|slot| slots.contains(slot))
    };
    let places_of = |object: u32| {
        let mut places = Vec::new();
        let Some(record) = editor.object(object) else { return places };
        for (index, section) in record.sections.iter().enumerate() {
            let placement = view.placement(object, index as u32).filter(|placement| placement.is_live());
            let Some(start) = placement.map(|placement| placement.addr()) else { continue };
            if view.region_at(start).is_none_or(|region| region.kind() != Some(kind)) {
                continue;
            }
            for edit in record.edits_of(section) {
                let Some(symref) = record.symrefs.get(edit.symbol() as usize) else { continue };
                if symref.section == SymRef::GLOBAL && refers_to(object, symref.global) {
                    places.push(start + u64::from(edit.offset));
                }
            }
        }
        places
    };
    editor.mentioning(slots).into_par_iter().flat_map_iter(places_of).collect()
}
