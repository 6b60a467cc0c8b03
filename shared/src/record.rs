//! The record of one relocatable object: what the index keeps of it.
//!
//! A record depends on the object's contents alone, not on the program that it is linked into, so that one
//! record serves every output. It holds the bytes of the allocated sections as they are in the object, and
//! the relocations as [`Edit`]s, sorted by place. Names of other objects' symbols stay names: what they come
//! to is in the plan.
//!
//! ```text
//! ObjectHeader | sections | blocks | edits | symrefs | globals | fdes | groups | functions | versions | strings | section bytes
//! ```
//!
//! All offsets count from the start of the record, which lies at a multiple of 16 in its pack.

use crate::addr::ImageAddr;
use crate::checksum::Blocks;
use crate::pod::{self, Span, StrRef};

/// First word of a record; the last digit is the version of the format.
pub const MAGIC: u64 = u64::from_le_bytes(*b"UFobj\0\0\x08");

/// "None" wherever an index is stored in 32 bits.
pub const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct ObjectHeader {
    pub magic: u64,
    /// Bytes in the record.
    pub len: u64,
    /// Identity of the contents that the record was made from.
    pub content: [u64; 2],
    pub sections: Span,
    pub blocks: Span,
    pub edits: Span,
    pub symrefs: Span,
    pub globals: Span,
    pub fdes: Span,
    pub groups: Span,
    pub functions: Span,
    pub versions: Span,
    pub strings: Span,
    /// `flag::*` bits.
    pub flags: u64,
}

/// Bits of [`ObjectHeader::flags`].
pub mod flag {
    /// The object asks for an executable stack.
    pub const EXEC_STACK: u64 = 1;
    /// A relocation that only fits addresses below 4 GiB refers to a symbol of the object itself.
    pub const LOCAL_ABS32: u64 = 2;
    /// Edits in allocated data take the full address of a global symbol (they may need dynamic relocations).
    pub const ABS64_GLOBAL: u64 = 4;
    /// The object has debug information.
    pub const DEBUG: u64 = 8;
    /// The object asks for its module's thread-local block (the local dynamic model).
    pub const TLS_MODULE: u64 = 16;
    /// Code or read-only data has the full address of a place of the object itself.
    pub const LOCAL_ABS64_READ_ONLY: u64 = 32;
    /// Code has the offset of a thread-local variable of the object itself from the thread pointer.
    pub const LOCAL_TLS: u64 = 64;
    /// The object has sections, and does not say what stack it needs.
    pub const NO_STACK_NOTE: u64 = 128;
    /// `GNU_PROPERTY_X86_FEATURE_1_IBT` and `_SHSTK`, which all objects have to have: two bits from here on.
    pub const FEATURES_SHIFT: u32 = 8;
    /// `GNU_PROPERTY_X86_ISA_1_NEEDED`: the upper half.
    pub const ISA_SHIFT: u32 = 32;
    /// Code makes system calls itself that may be about signals.
    pub const SYSTEM_CALLS: u64 = 1 << 16;
    /// All that comes from `.note.gnu.property` (psABI, "Linux Extensions").
    pub const PROPERTIES: u64 = 3 << FEATURES_SHIFT | (u32::MAX as u64) << ISA_SHIFT;
    /// What decides about the stack.
    pub const STACK: u64 = EXEC_STACK | NO_STACK_NOTE;
}

/// One allocated section.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct SectionRec {
    pub name: StrRef,
    pub size: u64,
    /// Where its bytes are in the record; 0 for a section without contents in the file.
    pub data: u64,
    pub edits_first: u32,
    pub edits_count: u32,
    pub align: u32,
    /// The group (index + 1) whose fate it shares, or 0.
    pub group: u32,
    /// Its number in the object's own section table, for messages.
    pub input_index: u32,
    /// `SHF_*` of the gABI, lower half.
    pub flags: u32,
}

/// Consecutive sections of one object that are laid out together, in one output section.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct BlockRec {
    /// A [`Class`].
    pub class: u32,
    /// Position among the blocks of the class: initialisation priorities.
    pub priority: u32,
    /// Name of the output section, for [`Class::Named`] and its kin.
    pub name: StrRef,
    pub first: u32,
    pub count: u32,
}

/// Kinds of contents. The linker maps them to output sections and regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Class {
    /// Made by the linker: tables for the dynamic linker that are only read.
    DynamicTables = 0,
    Note,
    /// Read-only data under a name that `__start_` and `__stop_` can reach.
    NamedRo,
    RoData,
    EhFrame,
    ExceptTable,
    Plt,
    Init,
    Text,
    Fini,
    /// Code under a name that `__start_` and `__stop_` can reach.
    NamedText,
    TlsData,
    TlsBss,
    PreinitArray,
    InitArray,
    FiniArray,
    RelRo,
    Dynamic,
    Got,
    /// The part of the GOT that the dynamic linker fills in as functions are called.
    GotPlt,
    /// Writable data under a name that `__start_` and `__stop_` can reach.
    NamedData,
    Data,
    Bss,
}

impl Class {
    pub const ALL: [Self; 23] = [
        Self::DynamicTables,
        Self::Note,
        Self::NamedRo,
        Self::RoData,
        Self::EhFrame,
        Self::ExceptTable,
        Self::Plt,
        Self::Init,
        Self::Text,
        Self::Fini,
        Self::NamedText,
        Self::TlsData,
        Self::TlsBss,
        Self::PreinitArray,
        Self::InitArray,
        Self::FiniArray,
        Self::RelRo,
        Self::Dynamic,
        Self::Got,
        Self::GotPlt,
        Self::NamedData,
        Self::Data,
        Self::Bss,
    ];

    /// The class stored as `number`.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get(number as usize).copied()
    }

    /// Whether the program reads the class as one array, so that it may have no gaps.
    pub fn is_contiguous(self) -> bool {
        !matches!(
            self,
            Self::RoData
                | Self::ExceptTable
                | Self::Text
                | Self::RelRo
                | Self::Data
                | Self::Bss
                | Self::EhFrame
        )
    }
}

/// One relocation, ready to be applied; see [`crate::edit`].
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Edit {
    /// The relocated field, in bytes from the start of the section.
    pub offset: u32,
    /// Kind in the upper 8 bits, index of the [`SymRef`] in the lower 24.
    pub kind_and_symbol: u32,
    pub addend: i64,
}

impl Edit {
    pub const MAX_SYMBOLS: usize = 1 << 24;

    pub fn new(offset: u32, kind: crate::edit::Kind, symbol: u32, addend: i64) -> Self {
        Self { offset, kind_and_symbol: (kind as u32) << 24 | (symbol & 0xff_ffff), addend }
    }

    pub fn symbol(&self) -> u32 {
        self.kind_and_symbol & 0xff_ffff
    }

    pub fn kind_number(&self) -> u8 {
        (self.kind_and_symbol >> 24) as u8
    }
}

/// What an edit refers to: a place in a section of the same object, a constant, or a global symbol.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct SymRef {
    /// Index of the section, or [`SymRef::ABSOLUTE`], [`SymRef::GLOBAL`] or [`SymRef::DISCARDED`].
    pub section: u32,
    /// Index into the globals, for [`SymRef::GLOBAL`].
    pub global: u32,
    /// Offset in the section, or the constant.
    pub value: u64,
}

impl SymRef {
    pub const GLOBAL: u32 = NONE;
    pub const ABSOLUTE: u32 = NONE - 1;
    /// The symbol lies in a section that the record does not have (debug information and the like).
    pub const DISCARDED: u32 = NONE - 2;
}

/// A symbol that is resolved by name, or a local one that needs a slot of its own in the GOT.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct GlobalRec {
    /// Without a version suffix; empty for a local symbol.
    pub name: StrRef,
    pub hash: u64,
    /// Offset in the section; alignment of a common symbol.
    pub value: u64,
    pub size: u64,
    /// Index of the section, or `GlobalRec::{UNDEFINED, ABSOLUTE, COMMON, DISCARDED}`.
    pub section: u32,
    /// `uses::*` bits: what this object does with the symbol.
    pub uses: u32,
    /// `STB_*`, `STT_*` and `STV_*` of the gABI.
    pub binding: u8,
    pub kind: u8,
    pub visibility: u8,
    pub reserved: u8,
    /// Number in the object's own symbol table, for messages.
    pub input_index: u32,
}

impl GlobalRec {
    pub const UNDEFINED: u32 = NONE;
    pub const ABSOLUTE: u32 = NONE - 1;
    pub const COMMON: u32 = NONE - 2;
    /// Defined in a section that the record does not have.
    pub const DISCARDED: u32 = NONE - 3;

    pub fn is_definition(&self) -> bool {
        self.section != Self::UNDEFINED && self.section != Self::DISCARDED
    }
}

/// Bits of [`GlobalRec::uses`].
pub mod uses {
    /// Called, or jumped to: a PLT entry will do.
    pub const CALL: u32 = 1;
    /// Address relative to the place, as code that is linked into an executable takes it.
    pub const PC_RELATIVE: u32 = 2;
    /// Full address in writable data: a dynamic relocation will do.
    pub const ABS64_DATA: u32 = 4;
    /// Full address in code or read-only data.
    pub const ABS64_READ_ONLY: u32 = 8;
    /// Address in fewer than 64 bits.
    pub const ABS32: u32 = 16;
    /// Through a GOT entry that is needed whatever the symbol turns out to be.
    pub const GOT: u32 = 32;
    /// Through a GOT entry that is not needed if the symbol is in the image.
    pub const GOT_RELAXABLE: u32 = 64;
    /// Thread-local, general dynamic or descriptor: relaxed to local or initial exec.
    pub const TLS_DYNAMIC: u32 = 128;
    /// Thread-local, initial exec that can be relaxed to local exec.
    pub const TLS_INITIAL: u32 = 256;
    /// Thread-local, initial exec that cannot be relaxed.
    pub const TLS_INITIAL_FIXED: u32 = 512;
    /// Thread-local, local exec.
    pub const TLS_LOCAL: u32 = 1024;
    /// Referred to from a section that is not debug information.
    pub const REFERRED: u32 = 2048;
    /// Thread-local, as an offset in its module's block (the local dynamic model).
    pub const TLS_OFFSET: u32 = 4096;
    /// Thread-local, by a descriptor: [`TLS_DYNAMIC`], if it is not relaxed.
    pub const TLS_DESCRIPTOR: u32 = 8192;
    /// Called by a thread-local code sequence, of which nothing is left in an executable.
    pub const TLS_CALL: u32 = 1 << 14;
    /// The same, through a GOT entry.
    pub const TLS_CALL_INDIRECT: u32 = 1 << 15;
    /// All accesses to a thread-local symbol.
    pub const TLS: u32 =
        TLS_DYNAMIC | TLS_INITIAL | TLS_INITIAL_FIXED | TLS_LOCAL | TLS_OFFSET | TLS_DESCRIPTOR;
}

/// One frame description entry of `.eh_frame`, sorted by section and offset of the code it is about.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct FdeRec {
    pub section: u32,
    pub offset: u32,
    pub eh_section: u32,
    pub eh_offset: u32,
}

/// A COMDAT group: of all groups with one signature, one object's is kept.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct GroupRec {
    pub signature: StrRef,
    pub hash: u64,
}

/// A function that only its own object knows by name: for backtraces and debuggers.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct FunctionRec {
    pub name: StrRef,
    pub section: u32,
    pub reserved: u32,
    pub value: u64,
    pub size: u64,
}

/// The version that a definition names itself: `name@version`, or `name@@version` for the default.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct VersionRec {
    pub version: StrRef,
    pub global: u32,
    /// 1: what a reference without a version means.
    pub is_default: u32,
}

impl ObjectHeader {
    /// Bytes of the record before those of its sections.
    pub fn head_len(&self) -> u64 {
        self.strings.offset.saturating_add(self.strings.count)
    }
}

crate::pod! {
    ObjectHeader {
        magic: u64, len: u64, content: [u64; 2], sections: Span, blocks: Span, edits: Span,
        symrefs: Span, globals: Span, fdes: Span, groups: Span, functions: Span,
        versions: Span, strings: Span, flags: u64,
    }
    SectionRec {
        name: StrRef, size: u64, data: u64, edits_first: u32, edits_count: u32, align: u32, group: u32,
        input_index: u32, flags: u32,
    }
    BlockRec { class: u32, priority: u32, name: StrRef, first: u32, count: u32 }
    Edit { offset: u32, kind_and_symbol: u32, addend: i64 }
    SymRef { section: u32, global: u32, value: u64 }
    GlobalRec {
        name: StrRef, hash: u64, value: u64, size: u64, section: u32, uses: u32, binding: u8, kind: u8,
        visibility: u8, reserved: u8, input_index: u32,
    }
    FdeRec { section: u32, offset: u32, eh_section: u32, eh_offset: u32 }
    GroupRec { signature: StrRef, hash: u64 }
    FunctionRec { name: StrRef, section: u32, reserved: u32, value: u64, size: u64 }
    VersionRec { version: StrRef, global: u32, is_default: u32 }
}

/// A record whose tables have been found to lie inside it.
#[derive(Clone, Copy, Debug)]
pub struct ObjectView<'a> {
    pub header: &'a ObjectHeader,
    pub sections: &'a [SectionRec],
    pub blocks: &'a [BlockRec],
    pub edits: &'a [Edit],
    pub symrefs: &'a [SymRef],
    pub globals: &'a [GlobalRec],
    pub fdes: &'a [FdeRec],
    pub groups: &'a [GroupRec],
    pub functions: &'a [FunctionRec],
    pub versions: &'a [VersionRec],
    pub strings: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> ObjectView<'a> {
    /// Checks the header and the extent of each table. What the tables say of each other is checked where it
    /// is used.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let header: &ObjectHeader = pod::get(bytes, 0)?;
        if header.magic != MAGIC || header.len > bytes.len() as u64 {
            return None;
        }
        let bytes = &bytes[..header.len as usize];
        fn table<T: pod::Pod>(bytes: &[u8], span: Span) -> Option<&[T]> {
            pod::slice(bytes, span.offset, span.count)
        }
        Some(Self {
            header,
            sections: table(bytes, header.sections)?,
            blocks: table(bytes, header.blocks)?,
            edits: table(bytes, header.edits)?,
            symrefs: table(bytes, header.symrefs)?,
            globals: table(bytes, header.globals)?,
            fdes: table(bytes, header.fdes)?,
            groups: table(bytes, header.groups)?,
            functions: table(bytes, header.functions)?,
            versions: table(bytes, header.versions)?,
            strings: table(bytes, header.strings)?,
            bytes,
        })
    }

    /// As [`Self::new`], with the header compared with its checksum first. Who renders verifies the rest, as far as it
    /// is used.
    pub fn verified(pack: &Blocks<'_>, bytes: &'a [u8]) -> Option<Self> {
        let header = bytes.get(..size_of::<ObjectHeader>())?;
        if pack.verify(header) { Self::new(bytes) } else { None }
    }

    pub fn string(&self, at: StrRef) -> &'a [u8] {
        at.of(self.strings)
    }

    /// The section's bytes as they are in the object; empty if it has none there.
    pub fn data(&self, section: &SectionRec) -> &'a [u8] {
        if section.data == 0 {
            return &[];
        }
        pod::slice(self.bytes, section.data, section.size).unwrap_or(&[])
    }

    /// The section's edits, sorted by offset.
    pub fn edits_of(&self, section: &SectionRec) -> &'a [Edit] {
        let first = section.edits_first as usize;
        self.edits.get(first..first.saturating_add(section.edits_count as usize)).unwrap_or(&[])
    }

    /// The sections of a block, with the index of the first.
    pub fn sections_of(&self, block: &BlockRec) -> (usize, &'a [SectionRec]) {
        self.sections_in(block.first, block.count)
    }

    /// Consecutive sections, with the index of the first.
    pub fn sections_in(&self, first: u32, count: u32) -> (usize, &'a [SectionRec]) {
        let first = first as usize;
        (first, self.sections.get(first..first.saturating_add(count as usize)).unwrap_or(&[]))
    }

    /// The descriptions of the frames whose code lies in the given sections.
    pub fn fdes_of(&self, first: u32, count: u32) -> &'a [FdeRec] {
        let start = self.fdes.partition_point(|fde| fde.section < first);
        let end = self.fdes.partition_point(|fde| fde.section < first.saturating_add(count));
        self.fdes.get(start..end).unwrap_or(&[])
    }
}

/// Where the linker put a section: its address, and whether it is part of the image at all. Sections that
/// are not (losers of their COMDAT group) carry the address of the next one, so that the addresses of a
/// block's sections ascend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Placement(pub u64);

impl Placement {
    const DEAD: u64 = 1 << 63;

    pub fn live(addr: ImageAddr) -> Self {
        Self(addr.0)
    }

    pub fn dead(next: ImageAddr) -> Self {
        Self(next.0 | Self::DEAD)
    }

    pub fn is_live(self) -> bool {
        self.0 & Self::DEAD == 0
    }

    /// Where the section is, or where the next one is if it is dead.
    pub fn addr(self) -> ImageAddr {
        ImageAddr(self.0 & !Self::DEAD)
    }
}

crate::pod! { Placement { 0: u64 } }
