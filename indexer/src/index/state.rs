//! What a generation keeps of its link: for `unfold status`, and for the next link.

use super::store::Entry;
use crate::inputs::mapped::Fingerprint;
use crate::plan::Writer;
use crate::synth::Spare;
use serde::{Deserialize, Serialize};
use shared::checksum::checksum;
use shared::pod::{self, Span, StrRef, bytes_of};
use shared::record::NONE;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// `status.json` of a generation. The names are those of `unfold status --json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub output: String,
    pub incremental: bool,
    pub why_full: Option<String>,
    pub objects: usize,
    pub reindexed: Vec<Reread>,
    pub pages_total: u64,
    pub lazy_pages: u64,
    pub eager_pages: u64,
    /// What the link warned of. A relink warns of it again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// An object that was read at the last link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reread {
    pub path: String,
    pub member: String,
    pub reason: String,
}

/// First word of the state; the last digit is the version of the format.
pub const MAGIC: u64 = u64::from_le_bytes(*b"UFstate\x04");

/// `state`: the inputs of the link, with what shows that they have changed.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct StateHeader {
    magic: u64,
    /// Of all bytes behind this field.
    checksum: u64,
    /// Identity of the command line and of the linker.
    request: u64,
    placements_used: u64,
    bindings_used: u64,
    slots_used: u64,
    files: Span,
    missing: Span,
    objects: Span,
    names: Span,
    strings: Span,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct FileRec {
    path: StrRef,
    fingerprint: Fingerprint,
    symbols: u64,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct StateObjectRec {
    member: StrRef,
    /// In the upper half, its position.
    file: u64,
    offset: u64,
    entry: Entry,
}

shared::pod! {
    StateHeader {
        magic: u64, checksum: u64, request: u64, placements_used: u64, bindings_used: u64, slots_used: u64,
        files: Span, missing: Span, objects: Span, names: Span, strings: Span,
    }
    FileRec { path: StrRef, fingerprint: Fingerprint, symbols: u64 }
    StateObjectRec { member: StrRef, file: u64, offset: u64, entry: Entry }
}
/// A file that the link read.
#[derive(Clone, Debug)]
pub struct StateFile {
    pub path: PathBuf,
    pub fingerprint: Fingerprint,
    /// For an archive: identity of its members' names and of its symbol table. For a shared library: identity of its
    /// symbols.
    pub symbols: u64,
}

/// This bit of [`StateFile::symbols`] says that the file is a shared library.
pub const SHARED_LIBRARY: u64 = 1 << 63;

impl StateFile {
    pub fn is_archive(&self) -> bool {
        self.symbols != 0 && !self.is_shared()
    }

    pub fn is_shared(&self) -> bool {
        self.symbols & SHARED_LIBRARY != 0
    }
}

/// An object of the program, in the order of the plan.
#[derive(Clone, Debug)]
pub struct StateObject {
    pub file: u32,
    pub member: Vec<u8>,
    pub offset: u64,
    pub entry: Entry,
    /// Its place in the program: what comes first wins.
    pub position: u32,
}

impl StateObject {
    /// An object of the plan that the program no longer has, or not yet.
    pub fn gone() -> Self {
        let member = Vec::new();
        Self { file: NONE, member, offset: 0, entry: Entry::default(), position: NONE }
    }

    pub fn is_gone(&self) -> bool {
        self.file == NONE
    }
}

#[derive(Clone, Debug, Default)]
pub struct State {
    pub request: u64,
    /// Entries in use of the plan's tables of placements and bindings.
    pub placements_used: u64,
    pub bindings_used: u64,
    pub slots_used: u64,
    pub files: Vec<StateFile>,
    /// Paths that were not there.
    pub missing: Vec<PathBuf>,
    pub objects: Vec<StateObject>,
    /// Names that relinks added to those in `names`.
    pub names: Vec<NameRec>,
}

impl State {
    pub fn bytes(&self) -> Vec<u8> {
        let mut strings = Vec::new();
        let mut text = |text: &[u8]| {
            let offset = strings.len() as u32;
            strings.extend_from_slice(text);
            StrRef { offset, len: text.len() as u32 }
        };
        let files: Vec<FileRec> = self
            .files
            .iter()
            .map(|file| FileRec {
                path: text(file.path.as_os_str().as_bytes()),
                fingerprint: file.fingerprint,
                symbols: file.symbols,
            })
            .collect();
        let missing: Vec<StrRef> =
            self.missing.iter().map(|path| text(path.as_os_str().as_bytes())).collect();
        let objects: Vec<StateObjectRec> = self
            .objects
            .iter()
            .map(|object| StateObjectRec {
                member: text(&object.member),
                file: u64::from(object.position) << 32 | u64::from(object.file),
                offset: object.offset,
                entry: object.entry,
            })
            .collect();
        let mut writer = Writer(vec![0; size_of::<StateHeader>()]);
        let header = StateHeader {
            magic: MAGIC,
            checksum: 0,
            request: self.request,
            placements_used: self.placements_used,
            bindings_used: self.bindings_used,
            slots_used: self.slots_used,
            files: writer.table(&files),
            missing: writer.table(&missing),
            objects: writer.table(&objects),
            names: writer.table(&self.names),
            strings: writer.table(&strings),
        };
        let mut bytes = writer.0;
        bytes[..size_of::<StateHeader>()].copy_from_slice(bytes_of(&[header]));
        let sum = checksum(&bytes[16..]);
        bytes[8..16].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Reads a state; `None` if it is damaged or of another version.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let header: &StateHeader = pod::get(bytes, 0)?;
        if header.magic != MAGIC || checksum(bytes.get(16..)?) != header.checksum {
            return None;
        }
        let strings: &[u8] = pod::slice(bytes, header.strings.offset, header.strings.count)?;
        let path = |at: StrRef| Path::new(OsStr::from_bytes(at.of(strings))).to_owned();
        let files: &[FileRec] = pod::slice(bytes, header.files.offset, header.files.count)?;
        let missing: &[StrRef] = pod::slice(bytes, header.missing.offset, header.missing.count)?;
        let objects: &[StateObjectRec] = pod::slice(bytes, header.objects.offset, header.objects.count)?;
        let names: &[NameRec] = pod::slice(bytes, header.names.offset, header.names.count)?;
        Some(Self {
            request: header.request,
            placements_used: header.placements_used,
            bindings_used: header.bindings_used,
            slots_used: header.slots_used,
            names: names.to_vec(),
            files: files
                .iter()
                .map(|file| StateFile {
                    path: path(file.path),
                    fingerprint: file.fingerprint,
                    symbols: file.symbols,
                })
                .collect(),
            missing: missing.iter().map(|at| path(*at)).collect(),
            objects: objects
                .iter()
                .map(|object| StateObject {
                    file: object.file as u32,
                    member: object.member.of(strings).to_vec(),
                    offset: object.offset,
                    entry: object.entry,
                    position: (object.file >> 32) as u32,
                })
                .collect(),
        })
    }
}

pub const NAMES_MAGIC: u64 = u64::from_le_bytes(*b"UFnames\x02");

/// A name of the program and its slot, in `names`, sorted by hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(C)]
pub struct NameRec {
    pub hash: u64,
    pub slot: u32,
    /// Its number in `.dynsym`, or 0.
    pub dynamic: u32,
}

/// `names`: what relinks look up. It is written with the plan, and belongs to all generations that share it.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct NamesHeader {
    pub magic: u64,
    /// Of all bytes behind this field.
    pub checksum: u64,
    /// `.rela.dyn`: section of the linker's own object, address and size.
    pub rela_section: u64,
    pub rela_addr: u64,
    pub rela_size: u64,
    /// What the linker's own tables have room for: [`Spare`].
    pub spare: Spare,
    pub names: Span,
}

shared::pod! {
    Spare { count: u32, got: u32, plt: u32, global: u32, slot: u32, has_plt: u32 }
    NameRec { hash: u64, slot: u32, dynamic: u32 }
    NamesHeader {
        magic: u64, checksum: u64, rela_section: u64, rela_addr: u64, rela_size: u64, spare: Spare, names: Span,
    }
}

pub fn names_bytes(mut header: NamesHeader, names: &[NameRec]) -> Vec<u8> {
    let mut writer = Writer(vec![0; size_of::<NamesHeader>()]);
    header.magic = NAMES_MAGIC;
    header.names = writer.table(names);
    let mut bytes = writer.0;
    bytes[..size_of::<NamesHeader>()].copy_from_slice(bytes_of(&[header]));
    let sum = checksum(&bytes[16..]);
    bytes[8..16].copy_from_slice(&sum.to_le_bytes());
    bytes
}

pub fn read_names(bytes: &[u8]) -> Option<(&NamesHeader, &[NameRec])> {
    let header: &NamesHeader = pod::get(bytes, 0)?;
    if header.magic != NAMES_MAGIC || checksum(bytes.get(16..)?) != header.checksum {
        return None;
    }
    Some((header, pod::slice(bytes, header.names.offset, header.names.count)?))
}
