//! What the dynamic linker has to relocate in a shared library: the table follows from placements and slots, so
//! that a relink makes it anew in the same way.

use super::dynamic::DT_RELRSZ;
use super::{RELA, rela, relr};
use object::elf;
use rayon::prelude::*;
use shared::ImageAddr;
use shared::edit::Kind;
use shared::plan::{Slot, slot};
use shared::record::{ObjectView, Placement, SectionRec, SymRef};

/// Everything that the tables follow from.
pub struct Image<'a> {
    /// Without the linker's own object.
    pub objects: Vec<ObjectView<'a>>,
    pub placement: &'a (dyn Fn(u32, u32) -> Placement + Sync),
    /// The symbol that a global of an object is bound to.
    pub symbol_of: &'a (dyn Fn(u32, u32) -> u32 + Sync),
    pub slots: &'a [Slot],
    /// Numbers of symbols in `.dynsym`.
    pub dynamic: &'a (dyn Fn(u32) -> u32 + Sync),
    pub got: ImageAddr,
    pub tls_start: ImageAddr,
    /// The GOT entries that stand for the library as a module, if there are any.
    pub tls_module: Option<ImageAddr>,
    /// Relative relocations are packed.
    pub packed: bool,
}

#[derive(Default)]
pub struct Tables {
    pub rela: Vec<u8>,
    /// How many of these, the first, are relative.
    pub relative: u64,
    pub relr: Vec<u64>,
}

impl Tables {
    /// What `.dynamic` says of them. Their sections have room for more.
    pub fn sizes(&self) -> [(u64, u64); 3] {
        [
            (elf::DT_RELASZ.into(), self.rela.len() as u64),
            (elf::DT_RELACOUNT.into(), self.relative),
            (DT_RELRSZ.into(), self.relr.len() as u64 * 8),
        ]
    }
}

/// An address that moves with the library, and what is there if the library is at 0.
type Relative = (ImageAddr, u64);

/// The tables, relative relocations first, by address.
pub fn tables(image: &Image<'_>) -> Tables {
    let per_object = (0..image.objects.len() as u32).into_par_iter().map(|object| in_data(image, object));
    let (mut relative, mut bound) = (Vec::new(), Vec::new());
    for (object_relative, object_bound) in per_object.collect::<Vec<_>>() {
        relative.extend(object_relative);
        bound.extend(object_bound);
    }
    for (id, slot) in (0..).zip(image.slots).filter(|(_, slot)| slot.got != 0) {
        in_got(image, id, slot, &mut relative, &mut bound);
    }
    if let Some(module) = image.tls_module {
        bound.push(rela(module, 0, elf::R_X86_64_DTPMOD64, 0));
    }
    relative.sort_unstable();
    let mut tables = Tables::default();
    if image.packed {
        let packable = |(place, _): &Relative| place.0.is_multiple_of(8);
        let (packed, rest): (Vec<Relative>, Vec<Relative>) = relative.into_iter().partition(packable);
        tables.relr = relr::encode(&packed.iter().map(|(place, _)| place.0).collect::<Vec<_>>());
        relative = rest;
    }
    tables.relative = relative.len() as u64;
    for (place, value) in relative {
        tables.rela.extend(rela(place, 0, elf::R_X86_64_RELATIVE, value as i64));
    }
    bound.sort_unstable_by_key(|entry| u64::from_le_bytes(entry[..8].try_into().unwrap_or_default()));
    tables.rela.extend(bound.concat());
    tables
}

/// The full addresses in an object's data.
fn in_data(image: &Image<'_>, object: u32) -> (Vec<Relative>, Vec<[u8; RELA as usize]>) {
    let (mut relative, mut bound) = (Vec::new(), Vec::new());
    let view = &image.objects[object as usize];
    for (index, section) in (0..).zip(view.sections) {
        let placement = (image.placement)(object, index);
        if !may_be_relocated(section) || !placement.is_live() {
            continue;
        }
        for edit in view.edits_of(section) {
            let Some(symref) = view.symrefs.get(edit.symbol() as usize) else { continue };
            if Kind::from_number(edit.kind_number()) != Some(Kind::Abs64) {
                continue;
            }
            let place = placement.addr() + u64::from(edit.offset);
            match symref.section {
                SymRef::ABSOLUTE | SymRef::DISCARDED => {}
                SymRef::GLOBAL => {
                    let id = (image.symbol_of)(object, symref.global);
                    let slot = &image.slots[id as usize];
                    if slot.flags & slot::IMPORT != 0 {
                        bound.push(rela(place, (image.dynamic)(id), elf::R_X86_64_64, edit.addend));
                    } else if slot.flags & (slot::ABSENT | slot::ABSOLUTE) == 0 {
                        relative.push((place, slot.value.wrapping_add_signed(edit.addend)));
                    }
                }
                there => {
                    let target = (image.placement)(object, there);
                    if target.is_live() {
                        let value =
                            (target.addr().0.wrapping_add(symref.value)).wrapping_add_signed(edit.addend);
                        relative.push((place, value));
                    }
                }
            }
        }
    }
    (relative, bound)
}

/// Whether the dynamic linker may write to a section.
pub fn may_be_relocated(section: &SectionRec) -> bool {
    section.flags & elf::SHF_WRITE != 0
}

/// The GOT entries of a symbol.
fn in_got(
    image: &Image<'_>,
    id: u32,
    slot: &Slot,
    relative: &mut Vec<Relative>,
    bound: &mut Vec<[u8; RELA as usize]>,
) {
    let has = |flag: u32| slot.flags & flag != 0;
    let mut place = image.got + 8 * u64::from(slot.got - 1);
    let import = has(slot::IMPORT);
    let number = if import { (image.dynamic)(id) } else { 0 };
    if !has(slot::GOT_OFFSET | slot::GOT_PAIR | slot::GOT_DESCRIPTOR) {
        if import {
            bound.push(rela(place, number, elf::R_X86_64_GLOB_DAT, 0));
        } else if !has(slot::ABSENT | slot::ABSOLUTE) {
            relative.push((place, slot.value));
        }
        return;
    }
    let offset = if import { 0 } else { slot.value.wrapping_sub(image.tls_start.0) as i64 };
    if has(slot::GOT_OFFSET) {
        bound.push(rela(place, number, elf::R_X86_64_TPOFF64, offset));
        place = place + 8;
    }
    if has(slot::GOT_PAIR) {
        bound.push(rela(place, number, elf::R_X86_64_DTPMOD64, 0));
        if import {
            bound.push(rela(place + 8, number, elf::R_X86_64_DTPOFF64, 0));
        }
        place = place + 16;
    }
    if has(slot::GOT_DESCRIPTOR) {
        bound.push(rela(place, number, elf::R_X86_64_TLSDESC, offset));
    }
}
