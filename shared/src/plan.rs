//! The plan: what lies where in the image, and what every symbol comes to.
//!
//! One flat file. The loader maps it privately, applies the patches of later generations to the mapping, and
//! from then on only reads it.
//!
//! ```text
//! PlanHeader | regions | packs | strings | objects | placements | bindings | slots | blocks | checksums
//! ```
//!
//! The checksums are those of [`Summed`], of all bytes behind the header. The loader verifies what it needs at the start,
//! and the rest block by block when rendering first uses it.

use crate::addr::{ImageAddr, PAGE};
use crate::checksum::{Blocks, Summed, checksum};
use crate::guards::GUARDS;
use crate::pod::{self, Span, StrRef};
use crate::record::{ObjectView, Placement};

/// First word of a plan; the last digit is the version of the format.
pub const MAGIC: u64 = u64::from_le_bytes(*b"UFplan\0\x0a");

/// A build ID has 20 bytes, as GNU ld's.
pub const BUILD_ID_WORDS: usize = 5;

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct PlanHeader {
    pub magic: u64,
    /// Of the bytes of the header behind this field, as they were when the file was written.
    pub checksum: u64,
    /// Bytes in front of the checksums of blocks.
    pub len: u64,
    /// Of the top table of those.
    pub sums: u64,
    pub base: ImageAddr,
    /// End of the reserved address space.
    pub limit: ImageAddr,
    pub entry: ImageAddr,
    /// End of the thread-local block, aligned: what the psABI's `@tpoff` counts from.
    pub tls_end: ImageAddr,
    pub tls_start: ImageAddr,
    /// First entry of the GOT that slots are numbered in.
    pub got: ImageAddr,
    /// `_GLOBAL_OFFSET_TABLE_`.
    pub got_origin: ImageAddr,
    /// First entry of the PLT that slots are numbered in.
    pub plt: ImageAddr,
    /// The GOT entries by which the module asks for its own thread-local block.
    pub tls_module: ImageAddr,
    /// `.eh_frame_hdr`, its number of rows, and the start of `.eh_frame`.
    pub eh_hdr: ImageAddr,
    pub eh_rows: u64,
    pub eh_frame: ImageAddr,
    /// The program headers as the dynamic linker and the program see them.
    pub phdrs: ImageAddr,
    pub phdr_count: u64,
    /// `flag::*` bits.
    pub flags: u64,
    /// Table of the addresses of [`HOOKS`] in writable memory, or 0.
    pub hooks: ImageAddr,
    /// [`GuardTable`] in read-only memory, or 0.
    pub guards: ImageAddr,
    /// Where the build ID is, or 0, and what it is: each relink brings another one, and nothing else in its section changes.
    pub build_id: ImageAddr,
    pub build_id_words: [u32; BUILD_ID_WORDS],
    pub reserved: u32,
    /// The dynamic linker, as a C string; empty in a static program.
    pub interp: StrRef,
    pub regions: Span,
    pub packs: Span,
    pub objects: Span,
    pub placements: Span,
    pub bindings: Span,
    pub slots: Span,
    pub blocks: Span,
    pub strings: Span,
}

/// Bits of [`PlanHeader::flags`].
pub mod flag {
    /// The program takes the fault signals for itself behind the loader's back: nothing is lazy. It brings a runtime that
    /// does (a sanitizer), or makes system calls without a libc that the loader could stand in front of.
    pub const EAGER: u64 = 1;
    /// A shared library: its load address is not known, and others may define its symbols before it does.
    pub const SHARED: u64 = 2;
    /// Each section of code is on pages of its own, so that a profile tells them apart. Most of the image is padding, so what
    /// nobody touches is not kept ahead.
    pub const APART: u64 = 4;
}

/// Bytes of a PLT entry.
pub const PLT_ENTRY: u64 = 16;

/// Functions of libc whose calls from the image go through the hook table, in the table's order: whether anything is
/// lazy or not, the loader needs to know when the program looks for its debug information. See [`crate::guards`] for the
/// functions that only matter while something is lazy.
pub const HOOKS: [&[u8]; 2] = [b"open", b"open64"];

/// What the loader finds of the guards in the image.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct GuardTable {
    /// Code that calls `dlsym` with its own arguments, from inside of the image.
    pub search: ImageAddr,
    /// Its entry of the GOT: 0 until the dynamic linker has been there.
    pub slot: ImageAddr,
    /// For each guard its row in `.dynsym`, or 0.
    pub rows: [ImageAddr; GUARDS.len()],
}

impl GuardTable {
    /// How many words there are in front of the rows.
    pub const ROWS_FROM: usize = 2;
}

/// How a part of the image comes into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum RegionKind {
    /// Mapped from the executable file itself.
    Header = 0,
    /// Mapped from the generation's image file, where the linker rendered it: system calls read it.
    Eager = 1,
    /// Rendered at first touch.
    Lazy = 2,
    /// Zeroes.
    Zero = 3,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct RegionRec {
    pub start: ImageAddr,
    /// End of what is in use; a multiple of the page, and of the chunk in a lazy region.
    pub end: ImageAddr,
    /// End of what is reserved for growth.
    pub limit: ImageAddr,
    /// A [`RegionKind`].
    pub kind: u32,
    /// `PROT_*` bits of the final mapping, before the dynamic linker protects what it was asked to.
    pub prot: u32,
}

impl RegionRec {
    pub fn kind(&self) -> Option<RegionKind> {
        [RegionKind::Header, RegionKind::Eager, RegionKind::Lazy, RegionKind::Zero]
            .get(self.kind as usize)
            .copied()
    }

    pub fn contains(&self, addr: ImageAddr) -> bool {
        self.start <= addr && addr < self.end
    }

    pub fn len(&self) -> u64 {
        self.end.offset_from(self.start)
    }

    pub fn is_empty(&self) -> bool {
        self.end <= self.start
    }
}

/// A file of object records.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct PackRec {
    /// Name in the index's `packs` folder.
    pub name: StrRef,
    /// Bytes of records in it; 0: a place for a pack that is not there yet. Behind them are the checksums of its blocks.
    pub len: u64,
    /// Of the top table of those, so that nothing can be rendered from other bytes than those that were linked.
    pub checksum: u64,
}

/// One object of the image.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct ObjectRec {
    pub pack: u32,
    /// Its sections' [`Placement`]s start here in the table.
    pub placements: u32,
    /// Its globals' slots start here in the table of bindings.
    pub bindings: u32,
    pub reserved: u32,
    pub offset: u64,
    pub len: u64,
    /// Of the record.
    pub checksum: u64,
}

/// What a symbol comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Slot {
    /// Address; for an imported function, of its PLT entry; for a thread-local symbol, in the initial image.
    pub value: u64,
    /// Number of its first GOT entry + 1, or 0. A thread-local symbol of a shared library may have several: its
    /// offset from the thread pointer, module and offset, descriptor.
    pub got: u32,
    /// Number of the PLT entry + 1 of a symbol that the image defines and others may define before it, or 0.
    pub plt: u32,
    /// `slot::*` bits.
    pub flags: u32,
    /// Who defines it: object and number among its globals, or `NONE`.
    pub object: u32,
    pub global: u32,
    pub reserved: u32,
}

/// Bits of [`Slot::flags`].
pub mod slot {
    /// Defined in the image, at an address that `lea` reaches.
    pub const NEAR: u32 = 1;
    /// The dynamic linker binds it: data references stay zero until then.
    pub const IMPORT: u32 = 2;
    /// Undefined and weak, or mentioned by dead code only: 0, out of reach of relative addresses.
    pub const ABSENT: u32 = 4;
    /// Thread-local.
    pub const TLS: u32 = 8;
    /// An absolute value, not a place.
    pub const ABSOLUTE: u32 = 16;
    /// Copied from a shared library into the image.
    pub const COPY: u32 = 32;
    /// Calls go through a PLT entry, whose address is `value`.
    pub const PLT: u32 = 64;
    /// Listed in `.dynsym`.
    pub const EXPORTED: u32 = 128;
    /// Which of the GOT entries of a thread-local symbol of a shared library there are.
    pub const GOT_OFFSET: u32 = 256;
    pub const GOT_PAIR: u32 = 512;
    pub const GOT_DESCRIPTOR: u32 = 1024;
    /// The image defines it, and others may define it before the image does.
    pub const INTERPOSABLE: u32 = 2048;
}

/// An object's sections of one class, or some of them, at their place. Sorted by address, and they do not overlap.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct BlockPlace {
    pub addr: ImageAddr,
    /// Bytes that nothing else uses, slack included.
    pub capacity: u64,
    pub object: u32,
    /// Number among the object's blocks, or `NONE` for a place that its object has left.
    pub block: u32,
    /// First row of `.eh_frame_hdr` that belongs to the block, and the number of rows.
    pub eh_row: u32,
    pub eh_rows: u32,
    /// The sections that are here: a part of the block, consecutive and in their order.
    pub first: u32,
    pub count: u32,
}

crate::pod! {
    ImageAddr { 0: u64 }
    PlanHeader {
        magic: u64, checksum: u64, len: u64, sums: u64, base: ImageAddr, limit: ImageAddr, entry: ImageAddr,
        tls_end: ImageAddr, tls_start: ImageAddr, got: ImageAddr, got_origin: ImageAddr, plt: ImageAddr,
        tls_module: ImageAddr, eh_hdr: ImageAddr, eh_rows: u64,
        eh_frame: ImageAddr, phdrs: ImageAddr, phdr_count: u64, flags: u64, hooks: ImageAddr, guards: ImageAddr,
        build_id: ImageAddr, build_id_words: [u32; BUILD_ID_WORDS], reserved: u32, interp: StrRef,
        regions: Span, packs: Span, objects: Span, placements: Span, bindings: Span, slots: Span, blocks: Span, strings: Span,
    }
    RegionRec { start: ImageAddr, end: ImageAddr, limit: ImageAddr, kind: u32, prot: u32 }
    PackRec { name: StrRef, len: u64, checksum: u64 }
    ObjectRec {
        pack: u32, placements: u32, bindings: u32, reserved: u32, offset: u64, len: u64, checksum: u64,
    }
    Slot { value: u64, got: u32, plt: u32, flags: u32, object: u32, global: u32, reserved: u32 }
    BlockPlace {
        addr: ImageAddr, capacity: u64, object: u32, block: u32, eh_row: u32, eh_rows: u32, first: u32, count: u32,
    }
}

/// What is wrong with a plan or a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// Not a plan, or of another version.
    Foreign,
    /// Shorter than it says.
    Truncated,
    /// The checksum does not fit.
    Damaged,
    /// A table lies outside the file, or regions are not in order.
    Malformed,
}

/// A plan whose tables have been found to lie inside it.
#[derive(Clone, Copy, Debug)]
pub struct PlanView<'a> {
    /// Says which bytes behind the header are what was linked. Rendering asks it before it uses them.
    pub checked: Blocks<'a>,
    pub header: &'a PlanHeader,
    pub regions: &'a [RegionRec],
    pub packs: &'a [PackRec],
    pub objects: &'a [ObjectRec],
    pub placements: &'a [Placement],
    pub bindings: &'a [u32],
    pub slots: &'a [Slot],
    pub blocks: &'a [BlockPlace],
    pub strings: &'a [u8],
}

/// Bytes at the start of a plan or a patch that the checksum in its header does not cover.
pub const CHECKSUM_FROM: usize = 16;

/// Bytes of a plan in front of those that the checksums of blocks are of.
pub const HEADER: usize = size_of::<PlanHeader>();

/// Checks the header and the top table of a plan as it was written, before any patch. What is returned verifies the
/// bytes behind the header.
pub fn summed(bytes: &[u8]) -> Result<Summed<'_>, PlanError> {
    let header: &PlanHeader = pod::get(bytes, 0).ok_or(PlanError::Truncated)?;
    if header.magic != MAGIC {
        return Err(PlanError::Foreign);
    }
    if checksum(&bytes[CHECKSUM_FROM..HEADER]) != header.checksum {
        return Err(PlanError::Damaged);
    }
    let len = header.len.checked_sub(HEADER as u64).ok_or(PlanError::Malformed)?;
    let summed = Summed::new(&bytes[HEADER..], len).ok_or(PlanError::Truncated)?;
    if summed.checksum() == header.sums { Ok(summed) } else { Err(PlanError::Damaged) }
}

/// Checks that `bytes` are an undamaged plan as it was written, before any patch.
pub fn check(bytes: &[u8]) -> Result<(), PlanError> {
    let summed = summed(bytes)?;
    if summed.is_whole(0..summed.bytes().len() as u64) { Ok(()) } else { Err(PlanError::Damaged) }
}

impl<'a> PlanView<'a> {
    /// Finds the tables of a plan that was verified, or need not be. `bytes` are the plan with its patch applied.
    pub fn new(bytes: &'a [u8]) -> Result<Self, PlanError> {
        Self::with(Blocks::trusted(&[]), bytes)
    }

    /// As [`Self::new`], of a plan of which `checked` verifies what is used: regions, packs and strings here.
    pub fn with(checked: Blocks<'a>, bytes: &'a [u8]) -> Result<Self, PlanError> {
        let header: &PlanHeader = pod::get(bytes, 0).ok_or(PlanError::Truncated)?;
        if header.magic != MAGIC {
            return Err(PlanError::Foreign);
        }
        fn table<T: pod::Pod>(bytes: &[u8], span: Span) -> Result<&[T], PlanError> {
            pod::slice(bytes, span.offset, span.count).ok_or(PlanError::Malformed)
        }
        let view = Self {
            checked,
            header,
            regions: table(bytes, header.regions)?,
            packs: table(bytes, header.packs)?,
            objects: table(bytes, header.objects)?,
            placements: table(bytes, header.placements)?,
            bindings: table(bytes, header.bindings)?,
            slots: table(bytes, header.slots)?,
            blocks: table(bytes, header.blocks)?,
            strings: table(bytes, header.strings)?,
        };
        if !checked.verify(view.regions) || !checked.verify(view.packs) || !checked.verify(view.strings) {
            return Err(PlanError::Damaged);
        }
        let mut end = header.base;
        for region in view.regions {
            let in_order = end <= region.start && region.start <= region.end && region.end <= region.limit;
            let on_pages = (region.start.0 | region.end.0 | region.limit.0).is_multiple_of(PAGE);
            if !in_order || !on_pages || region.kind().is_none() {
                return Err(PlanError::Malformed);
            }
            end = region.limit;
        }
        let too_large = header.limit.offset_from(header.base) > u64::from(u32::MAX);
        if end > header.limit || too_large || header.eh_rows > u64::from(u32::MAX) {
            return Err(PlanError::Malformed);
        }
        Ok(view)
    }

    /// Where section `section` of object `object` is.
    pub fn placement(&self, object: u32, section: u32) -> Option<Placement> {
        let first = self.objects.get(object as usize)?.placements as usize;
        self.placements.get(first.checked_add(section as usize)?).copied()
    }

    /// What global `global` of object `object` is bound to.
    pub fn slot_of(&self, object: u32, global: u32) -> Option<&'a Slot> {
        let first = self.objects.get(object as usize)?.bindings as usize;
        self.slots.get(*self.bindings.get(first.checked_add(global as usize)?)? as usize)
    }

    /// The region that holds `addr`.
    pub fn region_at(&self, addr: ImageAddr) -> Option<&'a RegionRec> {
        self.regions.iter().find(|region| region.contains(addr))
    }

    /// Address of GOT entry `number`, counted from 0.
    pub fn got_entry(&self, number: u32) -> ImageAddr {
        self.header.got + 8 * u64::from(number)
    }
}

/// The records in a pack's file, with the checksums of their blocks; `None` if it is not the pack that `record` is about.
pub fn pack_summed<'a>(file: &'a [u8], record: &PackRec) -> Option<Summed<'a>> {
    Summed::new(file, record.len).filter(|summed| summed.checksum() == record.checksum)
}

/// Hands out the records of a plan's objects. The loader, the linker and the tools hold them differently.
pub trait Objects {
    fn object(&self, number: u32) -> Option<ObjectView<'_>>;

    /// What knows whether bytes of an object's record are what was linked. Rendering asks it before it uses them;
    /// who has verified whole records need not answer again.
    fn checked(&self, _number: u32) -> Option<Blocks<'_>> {
        Some(Blocks::trusted(&[]))
    }
}

/// First word of a patch.
pub const PATCH_MAGIC: u64 = u64::from_le_bytes(*b"UFpatch\x01");

/// The difference between a plan as written and the plan of a later generation, with the eager pages that
/// differ. Cumulative: a generation has one plan, one image and at most one patch.
///
/// ```text
/// PatchHeader | edits of the plan (PatchRec) | pages (PatchPage) | bytes of the edits | pages, on page bounds
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct PatchHeader {
    pub magic: u64,
    /// Of all bytes behind this field.
    pub checksum: u64,
    pub len: u64,
    /// Checksum in the header of the plan that this belongs to.
    pub plan: u64,
    pub edits: Span,
    pub pages: Span,
}

/// `len` bytes at `offset` of the plan are replaced by those at `bytes` of the patch.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct PatchRec {
    pub offset: u64,
    pub len: u64,
    pub bytes: u64,
}

/// The eager page at `addr` is the one at `offset` of the patch file.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct PatchPage {
    pub addr: ImageAddr,
    pub offset: u64,
}

crate::pod! {
    PatchHeader { magic: u64, checksum: u64, len: u64, plan: u64, edits: Span, pages: Span }
    PatchRec { offset: u64, len: u64, bytes: u64 }
    PatchPage { addr: ImageAddr, offset: u64 }
}

/// A patch whose edits and pages have been found to lie inside it.
pub struct Patch<'a> {
    bytes: &'a [u8],
    edits: &'a [PatchRec],
    /// The eager pages that it replaces, in the order of their addresses.
    pub pages: &'a [PatchPage],
}

impl<'a> Patch<'a> {
    /// Checks that `bytes` are an undamaged patch of this plan.
    pub fn new(plan: &PlanHeader, bytes: &'a [u8]) -> Result<Self, PlanError> {
        let header: &PatchHeader = pod::get(bytes, 0).ok_or(PlanError::Truncated)?;
        if header.magic != PATCH_MAGIC {
            return Err(PlanError::Foreign);
        }
        if header.len != bytes.len() as u64 {
            return Err(PlanError::Truncated);
        }
        if checksum(&bytes[CHECKSUM_FROM..]) != header.checksum || plan.checksum != header.plan {
            return Err(PlanError::Damaged);
        }
        let edits: &[PatchRec] =
            pod::slice(bytes, header.edits.offset, header.edits.count).ok_or(PlanError::Malformed)?;
        let pages: &[PatchPage] =
            pod::slice(bytes, header.pages.offset, header.pages.count).ok_or(PlanError::Malformed)?;
        let edit_fits = |edit: &PatchRec| {
            pod::slice::<u8>(bytes, edit.bytes, edit.len).is_some()
                && edit.offset.checked_add(edit.len).is_some_and(|end| end <= plan.len)
        };
        let page_fits = |page: &PatchPage| {
            pod::slice::<u8>(bytes, page.offset, PAGE).is_some() && page.offset.is_multiple_of(PAGE)
        };
        if edits.iter().all(edit_fits)
            && pages.iter().all(page_fits)
            && pages.is_sorted_by_key(|page| page.addr)
        {
            Ok(Self { bytes, edits, pages })
        } else {
            Err(PlanError::Malformed)
        }
    }

    /// The parts of the plan behind its header that [`Self::apply`] replaces.
    pub fn replaced<'p>(&self, plan: &'p [u8]) -> impl Iterator<Item = &'p [u8]> {
        let part = |edit: &PatchRec| {
            let end = edit.offset + edit.len;
            plan.get((edit.offset as usize).max(HEADER)..end as usize).unwrap_or(&[])
        };
        self.edits.iter().map(part)
    }

    /// Writes the edits over `plan`.
    pub fn apply(&self, plan: &mut [u8]) -> Result<(), PlanError> {
        for edit in self.edits {
            let from: &[u8] = pod::slice(self.bytes, edit.bytes, edit.len).ok_or(PlanError::Malformed)?;
            let to: &mut [u8] = pod::slice_mut(plan, edit.offset, edit.len).ok_or(PlanError::Malformed)?;
            to.copy_from_slice(from);
        }
        Ok(())
    }
}
