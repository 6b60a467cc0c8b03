//! `referrers`: for each slot, the objects with an edit in an eager region that refers to it. When symbols move, a relink
//! renders the pages of these objects again, and need not look at any other. It is written with the plan, and
//! belongs to all generations that share it; objects that changed since are not listed anew.

use crate::layout::{Layout, REGIONS};
use crate::plan::Writer;
use crate::resolve::Resolution;
use rayon::prelude::*;
use shared::checksum::checksum;
use shared::plan::RegionKind;
use shared::pod::{self, Span, bytes_of};
use shared::record::{Class, SymRef};

/// Its name in the folder of a generation.
pub const FILE: &str = "referrers";

/// First word; the last digit is the version of the format.
const MAGIC: u64 = u64::from_le_bytes(*b"UFrefer\x01");

/// ```text
/// Header | for each slot where its objects begin, and where the last one's end | objects
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct Header {
    magic: u64,
    /// Of all bytes behind this field.
    checksum: u64,
    starts: Span,
    objects: Span,
}

shared::pod! {
    Header { magic: u64, checksum: u64, starts: Span, objects: Span }
}

/// The file of a full link.
pub fn bytes(resolution: &Resolution<'_>, layout: &Layout) -> Vec<u8> {
    let referred: Vec<Vec<u32>> = (0..resolution.objects.len())
        .into_par_iter()
        .with_min_len(16)
        .map(|object| referred_by(resolution, layout, object))
        .collect();
    let mut starts = vec![0u32; resolution.symbols.len() + 1];
    for slot in referred.iter().flatten() {
        starts[*slot as usize] += 1;
    }
    // Counts become the ends of the slots' objects, and then, as these are filled in from behind, their starts.
    let mut end = 0;
    for start in &mut starts {
        end += *start;
        *start = end;
    }
    let mut objects = vec![0u32; end as usize];
    for (object, slots) in referred.iter().enumerate().rev() {
        for slot in slots {
            let place = &mut starts[*slot as usize];
            *place -= 1;
            objects[*place as usize] = object as u32;
        }
    }
    let mut writer = Writer(vec![0; size_of::<Header>()]);
    let header =
        Header { magic: MAGIC, checksum: 0, starts: writer.table(&starts), objects: writer.table(&objects) };
    super::state::sealed(writer.0, bytes_of(&[header]))
}

/// The slots that an object's eager sections refer to, each once.
fn referred_by(resolution: &Resolution<'_>, layout: &Layout, object: usize) -> Vec<u32> {
    let view = &resolution.objects[object];
    let mut slots = Vec::new();
    for block in view.blocks {
        let class = Class::from_number(block.class);
        let region = REGIONS.iter().find(|(_, _, classes)| class.is_some_and(|class| classes.contains(&class)));
        if region.is_none_or(|(kind, ..)| *kind != RegionKind::Eager) {
            continue;
        }
        let (first, sections) = view.sections_of(block);
        for (index, section) in sections.iter().enumerate() {
            if !layout.placement(object, (first + index) as u32).is_live() {
                continue;
            }
            let symrefs = view.edits_of(section).iter().filter_map(|edit| view.symrefs.get(edit.symbol() as usize));
            let globals = symrefs.filter(|symref| symref.section == SymRef::GLOBAL);
            slots.extend(globals.map(|symref| resolution.symbol_of(object, symref.global as usize)));
        }
    }
    slots.sort_unstable();
    slots.dedup();
    slots
}

/// The tables of the file.
#[derive(Clone, Copy, Default)]
pub struct Referrers {
    starts: &'static [u32],
    objects: &'static [u32],
}

impl Referrers {
    /// `None`: the file is of another version, or contradicts itself.
    pub fn new(bytes: &'static [u8]) -> Option<Self> {
        let header: &Header = pod::get(bytes, 0)?;
        let starts = pod::slice(bytes, header.starts.offset, header.starts.count)?;
        let objects = pod::slice(bytes, header.objects.offset, header.objects.count)?;
        (header.magic == MAGIC).then_some(Self { starts, objects })
    }

    /// Whether the bytes are those that were written.
    pub fn is_whole(bytes: &[u8]) -> bool {
        let header: Option<&Header> = pod::get(bytes, 0);
        header.is_some_and(|header| checksum(&bytes[16..]) == header.checksum)
    }

    /// The objects that referred to a slot when the program was linked in full.
    pub fn of(&self, slot: u32) -> &'static [u32] {
        let bounds = self.starts.get(slot as usize).zip(self.starts.get(slot as usize + 1));
        bounds.and_then(|(start, end)| self.objects.get(*start as usize..*end as usize)).unwrap_or(&[])
    }
}
