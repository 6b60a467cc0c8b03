//! The image as a function from addresses to bytes.

use crate::addr::ImageAddr;
use crate::edit::{self, EditError, Frame, Kind, Target};
use crate::plan::{BlockPlace, Objects, PLT_ENTRY, PlanView, Slot, flag, slot};
use crate::pod::bytes_of;
use crate::record::{NONE, ObjectView, SectionRec, SymRef};

/// Why a page cannot be rendered. Ids are those of the plan; names are looked up by who reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenderError {
    /// The plan or a record contradicts itself at this address.
    Malformed { at: ImageAddr },
    /// The record of this object is missing or damaged.
    Record { object: u32 },
    /// A relocated value does not fit its field.
    Edit { object: u32, section: u32, offset: u32, error: EditError },
}

/// `PROT_EXEC` of Linux.
pub const PROT_EXEC: u32 = 4;

/// What lies between sections of code: `int3`.
const CODE_FILL: u8 = 0xcc;

/// Writes the bytes of the image from `start` on over the whole of `out`. Rendering the same range twice
/// gives the same bytes, whoever does it.
pub fn render(
    plan: &PlanView<'_>,
    objects: &impl Objects,
    start: ImageAddr,
    out: &mut [u8],
) -> Result<(), RenderError> {
    let region = plan.region_at(start).ok_or(RenderError::Malformed { at: start })?;
    out.fill(if region.prot & PROT_EXEC != 0 { CODE_FILL } else { 0 });
    let end = start + out.len() as u64;
    let first = plan.blocks.partition_point(|block| block.addr + block.capacity <= start);
    for block in plan.blocks.iter().skip(first).take_while(|block| block.addr < end) {
        if block.block != NONE {
            render_block(plan, objects, block, start, out)?;
        }
    }
    if plan.header.build_id.0 != 0 {
        put(out, start, plan.header.build_id, bytes_of(&plan.header.build_id_words));
    }
    render_eh_hdr(plan, objects, start, out)
}

/// Writes what of `bytes` at `addr` lies in `out`.
fn put(out: &mut [u8], start: ImageAddr, addr: ImageAddr, bytes: &[u8]) {
    let end = start.0 + out.len() as u64;
    for (byte, position) in bytes.iter().zip(addr.0..) {
        if (start.0..end).contains(&position) {
            out[(position - start.0) as usize] = *byte;
        }
    }
}

/// Copies and relocates what of `block` lies in `out`.
fn render_block(
    plan: &PlanView<'_>,
    objects: &impl Objects,
    place: &BlockPlace,
    start: ImageAddr,
    out: &mut [u8],
) -> Result<(), RenderError> {
    let malformed = RenderError::Malformed { at: place.addr };
    let object = objects.object(place.object).ok_or(RenderError::Record { object: place.object })?;
    let damaged = RenderError::Record { object: place.object };
    let verify = |bytes: &[u8]| if objects.verify(place.object, bytes) { Ok(()) } else { Err(damaged) };
    let (first, sections) = object.sections_in(place.first, place.count);
    let base = plan.objects.get(place.object as usize).ok_or(malformed)?.placements as usize + first;
    let placements = plan.placements.get(base..base + sections.len()).ok_or(malformed)?;
    let end = start + out.len() as u64;

    // A section that begins before `start` may reach into it; all earlier ones end before it begins.
    let from = placements.partition_point(|placement| placement.addr() <= start).saturating_sub(1);
    let from = placements[..from].iter().rposition(|placement| placement.is_live()).unwrap_or(from);
    let until = placements.partition_point(|placement| placement.addr() < end);
    verify(bytes_of(sections.get(from..until).unwrap_or(&[])))?;
    for (index, (section, placement)) in sections.iter().zip(placements).enumerate().take(until).skip(from) {
        let addr = placement.addr();
        if placement.is_live() && addr + section.size > start {
            let number = (first + index) as u32;
            render_section(plan, objects, &object, place.object, number, section, addr, start, out)?;
        }
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "a step of render_block, with its loop's variables")]
fn render_section(
    plan: &PlanView<'_>,
    objects: &impl Objects,
    object: &ObjectView<'_>,
    object_number: u32,
    section_number: u32,
    section: &SectionRec,
    addr: ImageAddr,
    start: ImageAddr,
    out: &mut [u8],
) -> Result<(), RenderError> {
    let data = object.data(section);
    if data.is_empty() {
        return Ok(());
    }
    // The part of the section that `out` shows, in offsets of the section.
    let low = start.0.saturating_sub(addr.0);
    let high = (start.0 + out.len() as u64).saturating_sub(addr.0).min(section.size);
    if low >= high {
        return Ok(());
    }
    let at = (addr.0 + low - start.0) as usize;
    let len = (high - low) as usize;
    let edits = object.edits_of(section);
    let damaged = RenderError::Record { object: object_number };
    let verify = |bytes: &[u8]| if objects.verify(object_number, bytes) { Ok(()) } else { Err(damaged) };
    // Edits look at the instruction around their field.
    let around = low.saturating_sub(edit::REACH)..(high + edit::REACH).min(section.size);
    verify(&data[around.start as usize..around.end as usize])?;
    verify(bytes_of(edits))?;
    out[at..at + len].copy_from_slice(&data[low as usize..high as usize]);

    let header = plan.header;
    let frame = Frame {
        shared: header.flags & flag::SHARED != 0,
        tls_start: header.tls_start,
        tls_end: header.tls_end,
        tls_module: header.tls_module,
        got_origin: header.got_origin,
    };
    let first = edits.partition_point(|edit| u64::from(edit.offset) + edit::REACH <= low);
    for edit in &edits[first..] {
        let offset = u64::from(edit.offset);
        if offset >= high + edit::REACH {
            break;
        }
        let failed = |error| RenderError::Edit {
            object: object_number,
            section: section_number,
            offset: edit.offset,
            error,
        };
        let malformed = failed(EditError::Malformed);
        let kind = Kind::from_number(edit.kind_number()).ok_or(malformed)?;
        let symref = object.symrefs.get(edit.symbol() as usize).ok_or(malformed)?;
        verify(bytes_of(core::slice::from_ref(symref)))?;
        let target = target(plan, object_number, symref).ok_or(malformed)?;
        let written =
            edit::evaluate(kind, addr + offset, edit.addend, &target, &frame, data, edit.offset as usize)
                .map_err(failed)?;
        // An edit is clipped to the section and to `out`; its other half is written with the next page.
        let from = offset.checked_sub(written.before).ok_or(malformed)?;
        if from + written.len as u64 > section.size {
            return Err(malformed);
        }
        for (byte, position) in written.bytes[..written.len].iter().zip(from..) {
            if (low..high).contains(&position) {
                out[at + (position - low) as usize] = *byte;
            }
        }
    }
    Ok(())
}

/// What `symref` of object `object` comes to.
pub fn target(plan: &PlanView<'_>, object: u32, symref: &SymRef) -> Option<Target> {
    Some(match symref.section {
        SymRef::GLOBAL => {
            let slot = plan.slot_of(object, symref.global)?;
            let (got, tls_pair, tls_descriptor) = got_entries(plan, slot);
            let plt = slot.plt.checked_sub(1);
            Target {
                value: slot.value,
                got,
                plt: plt.map(|number| plan.header.plt + PLT_ENTRY * u64::from(number)),
                tls_pair,
                tls_descriptor,
                near: slot.flags & slot::NEAR != 0,
                absent: slot.flags & slot::ABSENT != 0,
                import: slot.flags & slot::IMPORT != 0,
            }
        }
        SymRef::ABSOLUTE => Target { value: symref.value, ..Target::default() },
        SymRef::DISCARDED => Target { absent: true, ..Target::default() },
        section => {
            let placement = plan.placement(object, section)?;
            if placement.is_live() {
                Target {
                    value: placement.addr().0.wrapping_add(symref.value),
                    near: true,
                    ..Target::default()
                }
            } else {
                Target { absent: true, ..Target::default() }
            }
        }
    })
}

/// Where a symbol's GOT entries are: its own; the pair of module and offset; the descriptor.
pub fn got_entries(
    plan: &PlanView<'_>,
    slot: &Slot,
) -> (Option<ImageAddr>, Option<ImageAddr>, Option<ImageAddr>) {
    let Some(first) = slot.got.checked_sub(1).map(|number| plan.got_entry(number)) else {
        return (None, None, None);
    };
    let has = |flag: u32| slot.flags & flag != 0;
    let several = has(slot::GOT_OFFSET | slot::GOT_PAIR | slot::GOT_DESCRIPTOR);
    let pair = first + if has(slot::GOT_OFFSET) { 8 } else { 0 };
    let descriptor = pair + if has(slot::GOT_PAIR) { 16 } else { 0 };
    (
        (!several || has(slot::GOT_OFFSET)).then_some(first),
        has(slot::GOT_PAIR).then_some(pair),
        has(slot::GOT_DESCRIPTOR).then_some(descriptor),
    )
}

/// Bytes of `.eh_frame_hdr` before its table, and of a row (LSB, "Exception Frames").
pub const EH_HDR_HEAD: u64 = 12;
pub const EH_HDR_ROW: u64 = 8;

/// Renders what of `.eh_frame_hdr` lies in `out`. The table is the concatenation, in the order of their
/// addresses, of the blocks' own rows, each block having a fixed place in it, so that a page of it can be
/// made without the others. A block with fewer rows than places repeats its last one.
fn render_eh_hdr(
    plan: &PlanView<'_>,
    objects: &impl Objects,
    start: ImageAddr,
    out: &mut [u8],
) -> Result<(), RenderError> {
    let header = plan.header;
    let hdr = header.eh_hdr;
    let rows = hdr + EH_HDR_HEAD;
    let end = start + out.len() as u64;
    if header.eh_rows == 0 || end <= hdr || rows + header.eh_rows * EH_HDR_ROW <= start {
        return Ok(());
    }
    let mut put = |addr: ImageAddr, bytes: &[u8]| put(out, start, addr, bytes);
    let relative = |addr: ImageAddr, origin: ImageAddr| (addr.offset_from(origin) as u32).to_le_bytes();
    // Version; then DW_EH_PE_pcrel|sdata4, DW_EH_PE_udata4, DW_EH_PE_datarel|sdata4.
    put(hdr, &[1, 0x1b, 0x03, 0x3b]);
    put(hdr + 4, &relative(header.eh_frame, hdr + 4));
    put(hdr + 8, &(header.eh_rows as u32).to_le_bytes());

    let first_row = start.0.saturating_sub(rows.0) / EH_HDR_ROW;
    let last_row = (end.0.saturating_sub(rows.0)).div_ceil(EH_HDR_ROW).min(header.eh_rows);
    let mut row = first_row;
    while row < last_row {
        // Blocks without rows carry the number of the next row, so rows ascend with addresses.
        let index = plan.blocks.partition_point(|block| u64::from(block.eh_row) <= row).wrapping_sub(1);
        let place = plan.blocks.get(index).ok_or(RenderError::Malformed { at: hdr })?;
        let place_end = u64::from(place.eh_row) + u64::from(place.eh_rows);
        let mut last = (place.addr, header.eh_frame);
        let mut next = u64::from(place.eh_row);
        let mut emit = |place_row: u64, (code, fde): (ImageAddr, ImageAddr)| {
            let at = rows + place_row * EH_HDR_ROW;
            put(at, &relative(code, hdr));
            put(at + 4, &relative(fde, hdr));
        };
        if place.block != NONE {
            let object = objects.object(place.object).ok_or(RenderError::Record { object: place.object })?;
            if !objects.verify(place.object, bytes_of(object.fdes)) {
                return Err(RenderError::Record { object: place.object });
            }
            for fde in object.fdes_of(place.first, place.count) {
                let code = plan.placement(place.object, fde.section);
                let frame = plan.placement(place.object, fde.eh_section);
                let (Some(code), Some(frame)) = (code, frame) else { continue };
                if code.is_live() && frame.is_live() && next < place_end {
                    last = (code.addr() + u64::from(fde.offset), frame.addr() + u64::from(fde.eh_offset));
                    if next >= first_row && next < last_row {
                        emit(next, last);
                    }
                    next += 1;
                }
            }
        }
        for spare in next.max(first_row)..place_end.min(last_row) {
            emit(spare, last);
        }
        if place_end <= row {
            return Err(RenderError::Malformed { at: hdr });
        }
        row = place_end;
    }
    Ok(())
}

/// Number of rows of `.eh_frame_hdr` that a block needs: frames whose code and description are both live.
pub fn live_frames(object: &ObjectView<'_>, first: u32, count: u32, live: impl Fn(u32) -> bool) -> u32 {
    object.fdes_of(first, count).iter().filter(|fde| live(fde.section) && live(fde.eh_section)).count() as u32
}
