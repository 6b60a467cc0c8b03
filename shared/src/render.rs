//! The image as a function from addresses to bytes.

use crate::addr::ImageAddr;
use crate::checksum::Blocks;
use crate::edit::{self, EditError, Frame, Kind, Target};
use crate::plan::{BlockPlace, Objects, PLT_ENTRY, PlanView, Slot, flag, slot};
use crate::pod::{Pod, bytes_of};
use crate::record::{NONE, ObjectView, Placement, SectionRec, SymRef};
use core::slice::from_ref;

/// Why a page cannot be rendered. Ids are those of the plan; names are looked up by who reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenderError {
    /// The plan or a record contradicts itself at this address.
    Malformed { at: ImageAddr },
    /// The plan is damaged.
    Plan,
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
    let mut window = Window { start, out };
    let header = plan.header;
    let frame = frame(plan);
    let first = search(plan, plan.blocks, |block| block.addr + block.capacity <= start)?;
    for place in &plan.blocks[first..] {
        verify(plan, from_ref(place))?;
        if place.addr >= end {
            break;
        }
        if place.block != NONE {
            let object = Linked::new(plan, objects, place.object)?;
            render_block(&object, place, &frame, &mut window)?;
        }
    }
    if header.build_id.0 != 0 {
        window.put(header.build_id, bytes_of(&header.build_id_words));
    }
    render_eh_hdr(plan, objects, &mut window)
}

/// Is asked before rows of the plan are used.
#[inline(always)]
fn verify<T: Pod>(plan: &PlanView<'_>, rows: &[T]) -> Result<(), RenderError> {
    if plan.checked.verify(rows) { Ok(()) } else { Err(RenderError::Plan) }
}

/// Row `index` of a table of the plan, verified. `missing`: what it means that there is none.
#[inline(always)]
fn row<'a, T: Pod>(
    plan: &PlanView<'_>,
    table: &'a [T],
    index: u32,
    missing: RenderError,
) -> Result<&'a T, RenderError> {
    let row = table.get(index as usize).ok_or(missing)?;
    verify(plan, from_ref(row)).map(|()| row)
}

/// As `partition_point`, in a table of the plan of which nothing is verified yet. What damaged rows lead to is not the
/// place that verified ones on both sides of it say.
fn search<T: Pod>(
    plan: &PlanView<'_>,
    table: &[T],
    is_before: impl Fn(&T) -> bool,
) -> Result<usize, RenderError> {
    let place = table.partition_point(&is_before);
    let (before, after) = (&table[place.saturating_sub(1)..place], &table[place..table.len().min(place + 1)]);
    verify(plan, before)?;
    verify(plan, after)?;
    let fits = before.iter().all(&is_before) && !after.iter().any(&is_before);
    if fits { Ok(place) } else { Err(RenderError::Plan) }
}

/// The part of the image that is being rendered.
struct Window<'o> {
    start: ImageAddr,
    out: &'o mut [u8],
}

impl Window<'_> {
    fn end(&self) -> ImageAddr {
        self.start + self.out.len() as u64
    }

    /// Writes what of `bytes` at `addr` lies in the window.
    #[inline(always)]
    fn put(&mut self, addr: ImageAddr, bytes: &[u8]) {
        let offset = addr.offset_from(self.start) as usize;
        match self.out.get_mut(offset..offset.wrapping_add(bytes.len())) {
            Some(place) => place.copy_from_slice(bytes),
            None => self.put_clipped(addr, bytes),
        }
    }

    #[cold]
    fn put_clipped(&mut self, addr: ImageAddr, bytes: &[u8]) {
        for (byte, index) in bytes.iter().zip(0..) {
            let position = (addr + index).offset_from(self.start);
            if let Some(place) = self.out.get_mut(position as usize) {
                *place = *byte;
            }
        }
    }

    /// The part of `len` bytes at `addr` that lies in the window, if any does.
    fn cut(&mut self, addr: ImageAddr, len: u64) -> Option<Window<'_>> {
        let (from, to) = (self.start.max(addr), self.end().min(addr + len));
        let (first, last) = (from.offset_from(self.start) as usize, to.offset_from(self.start) as usize);
        let out = if from < to { self.out.get_mut(first..last)? } else { return None };
        Some(Window { start: from, out })
    }
}

/// An object of the image: its record, and where its rows in the tables of the plan begin.
struct Linked<'a> {
    plan: &'a PlanView<'a>,
    number: u32,
    record: ObjectView<'a>,
    /// Says which bytes of the record are what was linked.
    checked: Blocks<'a>,
    placements: &'a [Placement],
    bindings: &'a [u32],
}

impl<'a> Linked<'a> {
    fn new(plan: &'a PlanView<'a>, objects: &'a impl Objects, number: u32) -> Result<Self, RenderError> {
        let damaged = RenderError::Record { object: number };
        let rows = row(plan, plan.objects, number, damaged)?;
        Ok(Self {
            plan,
            number,
            record: objects.object(number).ok_or(damaged)?,
            checked: objects.checked(number).ok_or(damaged)?,
            placements: plan.placements.get(rows.placements as usize..).unwrap_or(&[]),
            bindings: plan.bindings.get(rows.bindings as usize..).unwrap_or(&[]),
        })
    }

    /// Is asked before bytes of the record are used.
    #[inline(always)]
    fn verify<T: Pod>(&self, used: &[T]) -> Result<(), RenderError> {
        if self.checked.verify(used) { Ok(()) } else { Err(RenderError::Record { object: self.number }) }
    }

    /// What a symref comes to. `missing`: what it means that the plan has nothing of the kind.
    #[inline(always)]
    fn symbol(&self, symref: &SymRef, missing: RenderError) -> Result<Symbol<'a>, RenderError> {
        let (value, near, slot) = match symref.section {
            SymRef::GLOBAL => {
                let number = row(self.plan, self.bindings, symref.global, missing)?;
                let slot = row(self.plan, self.plan.slots, *number, missing)?;
                (slot.value, slot.flags & slot::NEAR != 0, Some(slot))
            }
            SymRef::ABSOLUTE => (symref.value, false, None),
            SymRef::DISCARDED => return Ok(Symbol::ABSENT),
            section => {
                let placement = row(self.plan, self.placements, section, missing)?;
                if !placement.is_live() {
                    return Ok(Symbol::ABSENT);
                }
                (placement.addr().0.wrapping_add(symref.value), true, None)
            }
        };
        Ok(Symbol { value, near, is_absent: false, slot })
    }
}

/// What an edit refers to: as much of it as most kinds ask for.
struct Symbol<'a> {
    value: u64,
    near: bool,
    is_absent: bool,
    /// Of a global symbol.
    slot: Option<&'a Slot>,
}

impl Symbol<'_> {
    const ABSENT: Self = Self { value: 0, near: false, is_absent: true, slot: None };

    /// All of it.
    fn target(&self, plan: &PlanView<'_>) -> Target {
        let place =
            Target { value: self.value, near: self.near, absent: self.is_absent, ..Target::default() };
        let Some(slot) = self.slot else { return place };
        let (got, tls_pair, tls_descriptor) = got_entries(plan, slot);
        let plt = slot.plt.checked_sub(1);
        Target {
            got,
            plt: plt.map(|number| plan.header.plt + PLT_ENTRY * u64::from(number)),
            tls_pair,
            tls_descriptor,
            absent: slot.flags & slot::ABSENT != 0,
            import: slot.flags & slot::IMPORT != 0,
            ..place
        }
    }
}

/// What the edits of an object that refer to `symref` are given, for who explains them.
pub fn target(
    plan: &PlanView<'_>,
    objects: &impl Objects,
    object: u32,
    symref: &SymRef,
) -> Result<Target, RenderError> {
    let linked = Linked::new(plan, objects, object)?;
    Ok(linked.symbol(symref, RenderError::Record { object })?.target(plan))
}

/// What the formulas of edits need of an image.
pub fn frame(plan: &PlanView<'_>) -> Frame {
    let header = plan.header;
    Frame {
        shared: header.flags & flag::SHARED != 0,
        tls_start: header.tls_start,
        tls_end: header.tls_end,
        tls_module: header.tls_module,
        got_origin: header.got_origin,
    }
}

/// Copies and relocates what of a block lies in the window.
fn render_block(
    object: &Linked<'_>,
    place: &BlockPlace,
    frame: &Frame,
    window: &mut Window<'_>,
) -> Result<(), RenderError> {
    let plan = object.plan;
    let (first, sections) = object.record.sections_in(place.first, place.count);
    let placements = object.placements.get(first..first + sections.len());
    let placements = placements.ok_or(RenderError::Malformed { at: place.addr })?;

    // A section that begins before the window may reach into it; all earlier ones end before it begins.
    let from = search(plan, placements, |placement| placement.addr() <= window.start)?.saturating_sub(1);
    let from = placements[..from].iter().rposition(|placement| placement.is_live()).unwrap_or(from);
    let until = search(plan, placements, |placement| placement.addr() < window.end())?;
    verify(plan, placements.get(from..until).unwrap_or(&[]))?;
    object.verify(sections.get(from..until).unwrap_or(&[]))?;
    for (index, (section, placement)) in sections.iter().zip(placements).enumerate().take(until).skip(from) {
        if placement.is_live()
            && let Some(mut window) = window.cut(placement.addr(), section.size)
        {
            let number = (first + index) as u32;
            render_section(object, number, section, placement.addr(), frame, &mut window)?;
        }
    }
    Ok(())
}

/// Copies and relocates the part of section `number` at `addr` that the window shows.
fn render_section(
    object: &Linked<'_>,
    number: u32,
    section: &SectionRec,
    addr: ImageAddr,
    frame: &Frame,
    window: &mut Window<'_>,
) -> Result<(), RenderError> {
    let data = object.record.data(section);
    if data.is_empty() {
        return Ok(());
    }
    let edits = object.record.edits_of(section);
    // The window in offsets of the section.
    let low = window.start.offset_from(addr);
    let high = low + window.out.len() as u64;
    // Edits look at the instruction around their field.
    let around = low.saturating_sub(edit::REACH)..(high + edit::REACH).min(section.size);
    object.verify(&data[around.start as usize..around.end as usize])?;
    object.verify(edits)?;
    window.out.copy_from_slice(&data[low as usize..high as usize]);

    let first = edits.partition_point(|edit| u64::from(edit.offset) + edit::REACH <= low);
    for edit in &edits[first..] {
        let offset = u64::from(edit.offset);
        if offset >= high + edit::REACH {
            break;
        }
        let failed =
            |error| RenderError::Edit { object: object.number, section: number, offset: edit.offset, error };
        let malformed = failed(EditError::Malformed);
        let kind = Kind::from_number(edit.kind_number()).ok_or(malformed)?;
        let symref = object.record.symrefs.get(edit.symbol() as usize).ok_or(malformed)?;
        object.verify(from_ref(symref))?;
        let symbol = object.symbol(symref, malformed)?;
        let place = addr + offset;

        // Nearly all edits of code and of unwind tables are done here, and would come to the same below.
        let has_plt = symbol.slot.is_some_and(|slot| slot.plt != 0);
        if kind == Kind::Pc32 || kind == Kind::Call && !has_plt {
            let value = edit::relative_to_place(symbol.value, edit.addend, place);
            if let Ok(value) = i32::try_from(value)
                && offset + 4 <= section.size
            {
                window.put(place, &value.to_le_bytes());
                continue;
            }
        }

        let target = symbol.target(object.plan);
        let written = edit::evaluate(kind, place, edit.addend, &target, frame, data, edit.offset as usize)
            .map_err(failed)?;
        // An edit is clipped to the section and to the window; its other half is written with the next page.
        let from = offset.checked_sub(written.before).ok_or(malformed)?;
        if from + written.len as u64 > section.size {
            return Err(malformed);
        }
        window.put(addr + from, &written.bytes[..written.len]);
    }
    Ok(())
}

/// Where a symbol's GOT entries are: its own; the pair of module and offset; the descriptor.
fn got_entries(
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

/// Renders what of `.eh_frame_hdr` lies in the window. The table is the concatenation, in the order of their
/// addresses, of the blocks' own rows, each block having a fixed place in it, so that a page of it can be
/// made without the others. A block with fewer rows than places repeats its last one.
fn render_eh_hdr(
    plan: &PlanView<'_>,
    objects: &impl Objects,
    window: &mut Window<'_>,
) -> Result<(), RenderError> {
    let header = plan.header;
    let hdr = header.eh_hdr;
    let rows = hdr + EH_HDR_HEAD;
    if header.eh_rows == 0 || window.cut(hdr, EH_HDR_HEAD + header.eh_rows * EH_HDR_ROW).is_none() {
        return Ok(());
    }
    let relative = |addr: ImageAddr, origin: ImageAddr| addr.offset_from(origin) as u32;
    // Version; then DW_EH_PE_pcrel|sdata4, DW_EH_PE_udata4, DW_EH_PE_datarel|sdata4.
    window.put(hdr, &[1, 0x1b, 0x03, 0x3b]);
    window.put(hdr + 4, &relative(header.eh_frame, hdr + 4).to_le_bytes());
    window.put(hdr + 8, &(header.eh_rows as u32).to_le_bytes());

    let first_row = window.start.0.saturating_sub(rows.0) / EH_HDR_ROW;
    let last_row = window.end().0.saturating_sub(rows.0).div_ceil(EH_HDR_ROW).min(header.eh_rows);
    let mut emit = |row: u64, (code, fde): (ImageAddr, ImageAddr)| {
        let bytes = u64::from(relative(code, hdr)) | u64::from(relative(fde, hdr)) << 32;
        window.put(rows + row * EH_HDR_ROW, &bytes.to_le_bytes());
    };
    let rows_end = |block: &BlockPlace| u64::from(block.eh_row) + u64::from(block.eh_rows);
    // Blocks without rows carry the number of the next row, so rows ascend with addresses.
    let first = search(plan, plan.blocks, |block| rows_end(block) <= first_row)?;
    let mut done = first_row;
    for place in &plan.blocks[first..] {
        verify(plan, from_ref(place))?;
        if u64::from(place.eh_row) > done || done >= last_row {
            break;
        }
        if place.eh_rows == 0 {
            continue;
        }
        let end = rows_end(place);
        let mut last = (place.addr, header.eh_frame);
        let mut next = u64::from(place.eh_row);
        if place.block != NONE {
            let object = Linked::new(plan, objects, place.object)?;
            object.verify(object.record.fdes)?;
            for fde in object.record.fdes_of(place.first, place.count) {
                let code = object.placements.get(fde.section as usize);
                let frame = object.placements.get(fde.eh_section as usize);
                let (Some(code), Some(frame)) = (code, frame) else { continue };
                verify(plan, from_ref(code))?;
                verify(plan, from_ref(frame))?;
                if code.is_live() && frame.is_live() && next < end {
                    last = (code.addr() + u64::from(fde.offset), frame.addr() + u64::from(fde.eh_offset));
                    if next >= first_row && next < last_row {
                        emit(next, last);
                    }
                    next += 1;
                }
            }
        }
        for spare in next.max(first_row)..end.min(last_row) {
            emit(spare, last);
        }
        done = end;
    }
    if done < last_row { Err(RenderError::Malformed { at: hdr }) } else { Ok(()) }
}

/// Number of rows of `.eh_frame_hdr` that a block needs: frames whose code and description are both live.
pub fn live_frames(object: &ObjectView<'_>, first: u32, count: u32, live: impl Fn(u32) -> bool) -> u32 {
    object.fdes_of(first, count).iter().filter(|fde| live(fde.section) && live(fde.eh_section)).count() as u32
}

#[cfg(test)]
mod tests {
    use super::{ImageAddr, Window};
    use crate::plan::{MAGIC, PlanError, PlanHeader, PlanView};
    use crate::pod::bytes_of;

    #[test]
    fn what_begins_or_ends_outside_of_the_window_is_cut() {
        let mut out = [0; 4];
        let mut window = Window { start: ImageAddr(0x1000), out: &mut out };
        window.put(ImageAddr(0xffe), &[1, 2, 3]);
        window.put(ImageAddr(0x1003), &[4, 5]);
        window.put(ImageAddr(0x1004), &[6]);
        window.put(ImageAddr(0xfff), &[7]);
        window.put(ImageAddr(u64::MAX), &[8, 9]);
        assert_eq!(out, [3, 0, 0, 4]);
    }

    #[test]
    fn tables_have_no_more_rows_than_an_image_has_bytes() {
        let with_rows = |eh_rows: u64| {
            let header = PlanHeader { magic: MAGIC, eh_rows, ..PlanHeader::default() };
            PlanView::new(bytes_of(&[header])).map(drop)
        };
        assert_eq!(with_rows(u32::MAX.into()), Ok(()));
        assert_eq!(with_rows(1 << 61), Err(PlanError::Malformed));
    }
}
