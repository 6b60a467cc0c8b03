//! What lies at an address of an image.

use crate::index::packs::PackObjects;
use crate::index::state::State;
use crate::message::input_name;
use crate::object::show;
use shared::ImageAddr;
use shared::plan::{Objects, PlanView};
use shared::record::NONE;
use shared::render::{EH_HDR_HEAD, EH_HDR_ROW, RenderError};

/// Names for ids of a plan.
pub struct Places<'a> {
    pub plan: PlanView<'a>,
    pub objects: &'a PackObjects<'a>,
    /// Without it, objects have numbers.
    pub state: Option<&'a State>,
}

/// What lies somewhere.
pub enum Place {
    /// `.eh_frame_hdr`, which is made of the rows of all objects.
    FrameTable,
    Section {
        object: u32,
        number: u32,
        offset: u64,
    },
    /// Padding, or room to grow.
    Gap {
        object: u32,
    },
}

impl Places<'_> {
    /// The name of an object.
    pub fn object(&self, number: u32) -> String {
        if number as usize + 1 == self.plan.objects.len() {
            return "the linker's own tables".to_owned();
        }
        let known = self.state.filter(|state| number < state.object_count()).and_then(|state| {
            let object = state.object(number);
            (object.file < state.file_count())
                .then(|| input_name(state.file(object.file).path, object.member))
        });
        known.unwrap_or_else(|| format!("object {number}"))
    }

    /// The place in an object that lies at an address, as messages of ld name it.
    pub fn at(&self, addr: ImageAddr) -> Option<String> {
        match self.find(addr)? {
            Place::FrameTable => Some(".eh_frame_hdr".to_owned()),
            Place::Gap { object } => Some(format!("{}, between its sections", self.object(object))),
            Place::Section { object, number, offset } => {
                let record = self.objects.object(object)?;
                let section = record.sections.get(number as usize)?;
                Some(format!("{}:({}+{offset:#x})", self.object(object), show(record.string(section.name))))
            }
        }
    }

    /// Whether an address is one of a section, and not of the padding between sections.
    pub fn is_in_section(&self, addr: ImageAddr) -> bool {
        matches!(self.find(addr), Some(Place::FrameTable | Place::Section { .. }))
    }

    /// What lies at an address; `None`: nothing of any object.
    pub fn find(&self, addr: ImageAddr) -> Option<Place> {
        let header = self.plan.header;
        let rows = header.eh_hdr..header.eh_hdr + EH_HDR_HEAD + header.eh_rows * EH_HDR_ROW;
        if header.eh_rows != 0 && rows.contains(&addr) {
            return Some(Place::FrameTable);
        }
        let behind = self.plan.blocks.partition_point(|block| block.addr <= addr);
        let block = self.plan.blocks.get(behind.checked_sub(1)?)?;
        if block.block == NONE || addr.offset_from(block.addr) >= block.capacity {
            return None;
        }
        let object = block.object;
        let record = self.objects.object(object)?;
        for number in block.first..block.first.checked_add(block.count)? {
            let section = record.sections.get(number as usize)?;
            let placement = self.plan.placement(object, number).filter(|place| place.is_live());
            let Some(start) = placement.map(|placement| placement.addr()) else { continue };
            if start <= addr && addr.offset_from(start) < section.size {
                return Some(Place::Section { object, number, offset: addr.offset_from(start) });
            }
        }
        Some(Place::Gap { object })
    }

    /// An error of rendering, with names.
    pub fn of_error(&self, error: RenderError) -> String {
        match error {
            RenderError::Edit { object, section, offset, error } => {
                let record = self.objects.object(object);
                let section = record.as_ref().and_then(|record| {
                    let section = record.sections.get(section as usize)?;
                    Some(show(record.string(section.name)).into_owned())
                });
                let section = section.unwrap_or_default();
                format!("{}:({section}+{offset:#x}): {error:?}", self.object(object))
            }
            RenderError::Record { object } => format!("the record of {} is damaged", self.object(object)),
            RenderError::Plan => "the plan is damaged".to_owned(),
            RenderError::Malformed { at } => format!("the plan contradicts itself at {:#x}", at.0),
        }
    }
}
