//! `changes`: what is different in a generation from the state of the last full link, and which files the generation
//! consists of. Small, so that each link writes it anew; cumulative, so that a generation has one state and one list
//! of changes.

use super::state::{NameRec, Strings, Used, sealed};
use super::store::Entry;
use crate::inputs::mapped::{self, Fingerprint};
use crate::plan::Writer;
use anyhow::Result;
use shared::checksum::checksum;
use shared::pod::{self, Span, StrRef, bytes_of};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Its name in the folder of a generation.
pub const FILE: &str = "changes";

/// First word; the last digit is the version of the format.
const MAGIC: u64 = u64::from_le_bytes(*b"UFchang\x01");

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct Header {
    magic: u64,
    /// Of all bytes behind this field.
    checksum: u64,
    /// Checksum of the state that this belongs to.
    state: u64,
    facts: Facts,
    files: Span,
    objects: Span,
    names: Span,
    parts: Span,
    strings: Span,
}

/// What one link says of its generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Facts {
    pub used: Used,
    pub lazy_pages: u64,
    pub eager_pages: u64,
    /// CRC of the file of symbols, and what that file was when the link was done with it.
    pub symbols_crc: u64,
    pub symbols: Print,
    /// 1: `status.json` says that nothing was read.
    pub idle: u64,
}

/// What shows that a file of the index is still the one that was written. Neither the change time nor the inode: hard
/// links change the one, and who copies the folder of a project changes the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Print {
    pub size: u64,
    pub modified_ns: u64,
}

impl Print {
    /// What the file at `path` is now; zeroes if there is none.
    pub fn at(path: &Path) -> Self {
        let Fingerprint { size, modified_ns, .. } = Fingerprint::at(path).unwrap_or_default();
        Self { size, modified_ns }
    }
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct FileRec {
    number: u64,
    path: StrRef,
    fingerprint: Fingerprint,
    symbols: u64,
}

/// An object whose record, or whose place in its archive, is another one now.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct ChangedObject {
    pub number: u64,
    pub offset: u64,
    pub entry: Entry,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct PartRec {
    path: StrRef,
    print: Print,
}

shared::pod! {
    Header {
        magic: u64, checksum: u64, state: u64, facts: Facts, files: Span, objects: Span, names: Span, parts: Span,
        strings: Span,
    }
    Facts { used: Used, lazy_pages: u64, eager_pages: u64, symbols_crc: u64, symbols: Print, idle: u64 }
    Print { size: u64, modified_ns: u64 }
    FileRec { number: u64, path: StrRef, fingerprint: Fingerprint, symbols: u64 }
    ChangedObject { number: u64, offset: u64, entry: Entry }
    PartRec { path: StrRef, print: Print }
}

/// A file that is another one now, or has another name.
#[derive(Clone, Debug)]
pub struct ChangedFile {
    pub path: PathBuf,
    pub fingerprint: Fingerprint,
    pub symbols: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Checksum of the state that this belongs to.
    pub state: u64,
    pub facts: Facts,
    /// By their numbers in the state.
    pub files: BTreeMap<u32, ChangedFile>,
    pub objects: BTreeMap<u32, ChangedObject>,
    /// Names that relinks added to those in `names`.
    pub names: Vec<NameRec>,
    /// Files that the generation needs, as seen from its folder.
    parts: Vec<(PathBuf, Print)>,
}

impl Changes {
    /// The changes in a generation's folder; `None` if they are damaged or of another version.
    pub fn open(folder: &Path) -> Option<Self> {
        Self::read(mapped::map(&folder.join(FILE)).ok()?.0)
    }

    /// The changes that a file has.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let header: &Header = pod::get(bytes, 0)?;
        if header.magic != MAGIC || checksum(bytes.get(16..)?) != header.checksum {
            return None;
        }
        let strings: &[u8] = pod::slice(bytes, header.strings.offset, header.strings.count)?;
        let path = |at: StrRef| PathBuf::from(OsStr::from_bytes(at.of(strings)));
        let files: &[FileRec] = pod::slice(bytes, header.files.offset, header.files.count)?;
        let objects: &[ChangedObject] = pod::slice(bytes, header.objects.offset, header.objects.count)?;
        let names: &[NameRec] = pod::slice(bytes, header.names.offset, header.names.count)?;
        let parts: &[PartRec] = pod::slice(bytes, header.parts.offset, header.parts.count)?;
        let of_file = |file: &FileRec| {
            let FileRec { fingerprint, symbols, .. } = *file;
            (file.number as u32, ChangedFile { path: path(file.path), fingerprint, symbols })
        };
        Some(Self {
            state: header.state,
            facts: header.facts,
            files: files.iter().map(of_file).collect(),
            objects: objects.iter().map(|object| (object.number as u32, *object)).collect(),
            names: names.to_vec(),
            parts: parts.iter().map(|part| (path(part.path), part.print)).collect(),
        })
    }

    /// Writes them into a generation's folder, with what its files are now.
    pub fn write(&self, folder: &Path) -> Result<()> {
        super::write_file(&folder.join(FILE), &[&self.bytes()])
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut strings = Strings::default();
        let files: Vec<FileRec> = self
            .files
            .iter()
            .map(|(number, file)| FileRec {
                number: u64::from(*number),
                path: strings.add(file.path.as_os_str().as_bytes()),
                fingerprint: file.fingerprint,
                symbols: file.symbols,
            })
            .collect();
        let objects: Vec<ChangedObject> = self.objects.values().copied().collect();
        let parts: Vec<PartRec> = self
            .parts
            .iter()
            .map(|(path, print)| PartRec { path: strings.add(path.as_os_str().as_bytes()), print: *print })
            .collect();
        let mut writer = Writer(vec![0; size_of::<Header>()]);
        let header = Header {
            magic: MAGIC,
            checksum: 0,
            state: self.state,
            facts: self.facts,
            files: writer.table(&files),
            objects: writer.table(&objects),
            names: writer.table(&self.names),
            parts: writer.table(&parts),
            strings: writer.table(&strings.0),
        };
        sealed(writer.0, bytes_of(&[header]))
    }

    /// Takes over what does not depend on the state: that is another one now.
    pub fn go_on_from(&mut self, before: &Self) {
        self.facts = before.facts;
        self.names.clone_from(&before.names);
        self.parts.clone_from(&before.parts);
    }

    /// Notes what the files of the generation in `folder` are now: those of its own, and its packs.
    pub fn note_parts<'a>(&mut self, folder: &Path, own: &[&str], packs: impl Iterator<Item = &'a [u8]>) {
        let own = own.iter().map(PathBuf::from);
        let packs = packs.map(|name| Path::new(PACKS).join(OsStr::from_bytes(name)));
        self.parts = own
            .chain(packs)
            .map(|path| {
                let print = Print::at(&folder.join(&path));
                (path, print)
            })
            .collect();
    }

    /// As [`Self::note_parts`], for the same files.
    pub fn note_parts_again(&mut self, folder: &Path) {
        for (path, print) in &mut self.parts {
            *print = Print::at(&folder.join(path));
        }
    }

    /// The files of the generation that are no longer what was written.
    pub fn touched_parts(&self, folder: &Path) -> Vec<&Path> {
        let touched = |(path, print): &&(PathBuf, Print)| Print::at(&folder.join(path)) != *print;
        self.parts.iter().filter(touched).map(|(path, _)| path.as_path()).collect()
    }
}

/// The packs, as seen from the folder of a generation.
pub const PACKS: &str = "../../../packs";
