//! What a generation keeps of its link: for `unfold status`, and for the next link.

use super::changes::{ChangedFile, ChangedObject, Changes};
use super::store::Entry;
use crate::args::{Compression, Strip};
use crate::inputs::mapped::{self, Fingerprint};
use crate::plan::Writer;
use crate::synth::Spare;
use serde::{Deserialize, Serialize};
use shared::checksum::checksum;
use shared::pod::{self, Span, StrRef, bytes_of};
use shared::record::NONE;
use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr};
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
pub const MAGIC: u64 = u64::from_le_bytes(*b"UFstate\x09");

/// Name of the state in the folder of a generation. It is written by a full link; relinks leave it as it is, and list
/// what is different since ([`Changes`]).
pub const FILE: &str = "state";

/// `state`: the inputs of a full link, with what shows that they have changed.
///
/// ```text
/// StateHeader | files | objects | contents | missing | warnings | strings
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct StateHeader {
    pub magic: u64,
    /// Of all bytes behind this field.
    pub checksum: u64,
    /// Identity of the command line and of the linker.
    pub request: u64,
    pub used: Used,
    /// 1: objects have other positions than numbers.
    pub reordered: u64,
    /// A [`Strip`].
    pub strip: u64,
    /// A [`Compression`].
    pub compression: u64,
    /// 1: dead code has no symbols and no debug information.
    pub gc_sections: u64,
    /// The folder that relative paths are seen from.
    pub folder: StrRef,
    pub files: Span,
    pub objects: Span,
    pub contents: Span,
    pub missing: Span,
    pub warnings: Span,
    pub strings: Span,
}

/// Entries in use of tables of the plan: spare ones are behind them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Used {
    pub placements: u64,
    pub bindings: u64,
    pub slots: u64,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct FileRec {
    /// A zero byte follows it.
    pub path: StrRef,
    pub fingerprint: Fingerprint,
    /// For an archive: identity of its symbol table, and how many members it has. For a shared library: identity of its
    /// symbols.
    pub symbols: u64,
    /// Its objects: the first and how many; `NONE`: they are not one behind the other.
    pub first: u32,
    pub count: u32,
}

#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct ObjectRec {
    pub member: StrRef,
    pub file: u32,
    pub position: u32,
    pub offset: u64,
    pub ordinal: u64,
    pub entry: Entry,
}

shared::pod! {
    StateHeader {
        magic: u64, checksum: u64, request: u64, used: Used, reordered: u64, strip: u64, compression: u64, gc_sections: u64, folder: StrRef, files: Span, objects: Span, contents: Span,
        missing: Span, warnings: Span, strings: Span,
    }
    Used { placements: u64, bindings: u64, slots: u64 }
    FileRec { path: StrRef, fingerprint: Fingerprint, symbols: u64, first: u32, count: u32 }
    ObjectRec { member: StrRef, file: u32, position: u32, offset: u64, ordinal: u64, entry: Entry }
}

/// This bit of [`FileRec::symbols`] says that the file is a shared library.
pub const SHARED_LIBRARY: u64 = 1 << 63;

/// A file that the link read.
#[derive(Clone, Debug)]
pub struct NewFile<'a> {
    pub path: &'a Path,
    pub fingerprint: Fingerprint,
    pub symbols: u64,
}

/// An object of the program, in the order of the plan.
#[derive(Clone, Debug)]
pub struct NewObject<'a> {
    /// `NONE`: the program no longer has it, or not yet.
    pub file: u32,
    pub member: &'a [u8],
    pub offset: u64,
    /// Its number among the members of its archive.
    pub ordinal: u64,
    pub entry: Entry,
    /// Its place in the program: what comes first wins.
    pub position: u32,
}

impl NewObject<'_> {
    /// An object of the plan that the program no longer has, or not yet.
    pub fn gone() -> Self {
        Self { file: NONE, member: &[], offset: 0, ordinal: 0, entry: Entry::default(), position: NONE }
    }
}

/// What a full link knows.
pub struct New<'a> {
    pub request: u64,
    pub strip: Strip,
    pub compression: Compression,
    pub gc_sections: bool,
    pub folder: PathBuf,
    pub used: Used,
    pub files: Vec<NewFile<'a>>,
    pub objects: Vec<NewObject<'a>>,
    /// Paths that were not there.
    pub missing: &'a [PathBuf],
    pub warnings: &'a [String],
}

impl New<'_> {
    pub fn bytes(&self) -> Vec<u8> {
        let mut strings = Strings::default();
        let mut files: Vec<FileRec> = self
            .files
            .iter()
            .map(|file| FileRec {
                path: strings.add(file.path.as_os_str().as_bytes()),
                fingerprint: file.fingerprint,
                symbols: file.symbols,
                first: 0,
                count: 0,
            })
            .collect();
        for (number, object) in (0u32..).zip(&self.objects) {
            let Some(file) = files.get_mut(object.file as usize) else { continue };
            match file.count {
                0 => (file.first, file.count) = (number, 1),
                NONE => {}
                count if file.first + count == number => file.count += 1,
                _ => file.count = NONE,
            }
        }
        let missing: Vec<StrRef> =
            self.missing.iter().map(|path| strings.add(path.as_os_str().as_bytes())).collect();
        let warnings: Vec<StrRef> = self.warnings.iter().map(|text| strings.add(text.as_bytes())).collect();
        let objects: Vec<ObjectRec> = self
            .objects
            .iter()
            .map(|object| ObjectRec {
                member: strings.add(object.member),
                file: object.file,
                position: object.position,
                offset: object.offset,
                ordinal: object.ordinal,
                entry: object.entry,
            })
            .collect();
        let contents: Vec<[u64; 2]> = self.objects.iter().map(|object| object.entry.content).collect();
        let folder = strings.add(self.folder.as_os_str().as_bytes());
        let mut writer = Writer(vec![0; size_of::<StateHeader>()]);
        let header = StateHeader {
            magic: MAGIC,
            checksum: 0,
            request: self.request,
            used: self.used,
            strip: self.strip as u64,
            compression: self.compression as u64,
            gc_sections: self.gc_sections.into(),
            reordered: (0..).zip(&self.objects).any(|(number, object)| object.position != number).into(),
            folder,
            files: writer.table(&files),
            objects: writer.table(&objects),
            contents: writer.table(contents.as_flattened()),
            missing: writer.table(&missing),
            warnings: writer.table(&warnings),
            strings: writer.table(&strings.0),
        };
        sealed(writer.0, bytes_of(&[header]))
    }
}

/// Strings with a zero byte behind each.
#[derive(Default)]
pub(super) struct Strings(pub Vec<u8>);

impl Strings {
    pub fn add(&mut self, text: &[u8]) -> StrRef {
        let offset = self.0.len() as u32;
        self.0.extend_from_slice(text);
        self.0.push(0);
        StrRef { offset, len: text.len() as u32 }
    }
}

/// A file whose header has its checksum in the second word.
pub(super) fn sealed(mut bytes: Vec<u8>, header: &[u8]) -> Vec<u8> {
    bytes[..header.len()].copy_from_slice(header);
    let sum = checksum(&bytes[16..]);
    bytes[8..16].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// The tables of a state, as they are in the file.
#[derive(Clone, Copy, Default)]
pub struct Base {
    pub header: StateHeader,
    files: &'static [FileRec],
    objects: &'static [ObjectRec],
    contents: &'static [u64],
    missing: &'static [StrRef],
    warnings: &'static [StrRef],
    strings: &'static [u8],
}

impl Base {
    /// Finds the tables; `None` if the file is of another version, or contradicts itself.
    pub fn new(bytes: &'static [u8]) -> Option<Self> {
        let header: &StateHeader = pod::get(bytes, 0)?;
        if header.magic != MAGIC {
            return None;
        }
        fn table<T: pod::Pod>(bytes: &'static [u8], span: Span) -> Option<&'static [T]> {
            pod::slice(bytes, span.offset, span.count)
        }
        if header.objects.count.checked_mul(2) != Some(header.contents.count) {
            return None;
        }
        Some(Self {
            header: *header,
            files: table(bytes, header.files)?,
            objects: table(bytes, header.objects)?,
            contents: table(bytes, header.contents)?,
            missing: table(bytes, header.missing)?,
            warnings: table(bytes, header.warnings)?,
            strings: table(bytes, header.strings)?,
        })
    }

    /// Whether the bytes are those that were written.
    pub fn is_whole(bytes: &[u8]) -> bool {
        let header: Option<&StateHeader> = pod::get(bytes, 0);
        header.is_some_and(|header| checksum(&bytes[16..]) == header.checksum)
    }
}

/// A file of the program, as the link before saw it.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    pub path: &'a Path,
    pub fingerprint: Fingerprint,
    pub symbols: u64,
}

impl File<'_> {
    pub fn is_archive(&self) -> bool {
        self.symbols != 0 && !self.is_shared()
    }

    pub fn is_shared(&self) -> bool {
        self.symbols & SHARED_LIBRARY != 0
    }
}

/// An object of the program.
#[derive(Clone, Copy, Debug)]
pub struct Object {
    pub file: u32,
    /// Its name at the last full link.
    pub member: &'static [u8],
    pub offset: u64,
    /// Its number among the members of its archive.
    pub ordinal: u64,
    pub entry: Entry,
    /// Its place in the program: what comes first wins.
    pub position: u32,
}

impl Object {
    /// Whether the program no longer has it, or not yet.
    pub fn is_gone(&self) -> bool {
        self.file == NONE
    }
}

/// What the link before left: the state of the last full link, and what is different since.
#[derive(Clone, Default)]
pub struct State {
    base: Base,
    pub changes: Changes,
}

impl State {
    /// The state in the folder of a generation, verified; `None` if it is damaged or of another version.
    pub fn open(folder: &Path) -> Option<Self> {
        Self::read(folder, true)
    }

    /// As [`Self::open`], of a generation whose files are known to be those that were written, or will be examined.
    pub fn open_untouched(folder: &Path) -> Option<Self> {
        Self::read(folder, false)
    }

    fn read(folder: &Path, verify: bool) -> Option<Self> {
        let changes = Changes::open(folder)?;
        let (bytes, _) = mapped::map(&folder.join(FILE)).ok()?;
        let state = Self::of_bytes(changes, bytes)?;
        (!verify || Base::is_whole(bytes)).then_some(state)
    }

    /// The state in `bytes`, and what is different since; `None` if one does not belong to the other.
    pub fn of_bytes(changes: Changes, bytes: &'static [u8]) -> Option<Self> {
        let base = Base::new(bytes)?;
        let fits = changes.state == base.header.checksum
            && changes.files.keys().all(|file| (*file as usize) < base.files.len())
            && changes.objects.keys().all(|object| (*object as usize) < base.objects.len());
        fits.then_some(Self { base, changes })
    }

    /// What begins with a full link, whose state has these bytes.
    pub fn of_full_link(bytes: Vec<u8>) -> Option<Self> {
        let base = Base::new(bytes.leak())?;
        let mut changes = Changes::default();
        (changes.state, changes.facts.used) = (base.header.checksum, base.header.used);
        Some(Self { base, changes })
    }

    pub fn request(&self) -> u64 {
        self.base.header.request
    }

    /// What an executable that is written whole leaves out.
    pub fn strip(&self) -> Strip {
        [Strip::Debug, Strip::All]
            .into_iter()
            .find(|strip| *strip as u64 == self.base.header.strip)
            .unwrap_or(Strip::None)
    }

    /// How it has its debug information.
    pub fn compression(&self) -> Compression {
        [Compression::Zlib, Compression::Zstd]
            .into_iter()
            .find(|compression| *compression as u64 == self.base.header.compression)
            .unwrap_or_default()
    }

    /// Whether tools are not told of dead code.
    pub fn gc_sections(&self) -> bool {
        self.base.header.gc_sections != 0
    }

    pub fn file_count(&self) -> u32 {
        self.base.files.len() as u32
    }

    pub fn object_count(&self) -> u32 {
        self.base.objects.len() as u32
    }

    pub fn file(&self, number: u32) -> File<'_> {
        match self.changes.files.get(&number) {
            Some(file) => File { path: &file.path, fingerprint: file.fingerprint, symbols: file.symbols },
            None => {
                // A number that is in the file, which may not have been verified.
                let rec = self.base.files.get(number as usize).copied().unwrap_or_default();
                let FileRec { path, fingerprint, symbols, .. } = rec;
                let path = Path::new(OsStr::from_bytes(path.of(self.base.strings)));
                File { path, fingerprint, symbols }
            }
        }
    }

    /// The path of a file as seen from anywhere.
    pub fn path(&self, number: u32) -> PathBuf {
        Path::new(OsStr::from_bytes(self.base.header.folder.of(self.base.strings)))
            .join(self.file(number).path)
    }

    pub fn files(&self) -> impl Iterator<Item = File<'_>> {
        (0..self.file_count()).map(|number| self.file(number))
    }

    /// The path of a file as a C string, without a copy where that is possible.
    pub fn c_path(&self, number: u32) -> Cow<'_, CStr> {
        let rec = &self.base.files[number as usize];
        let len = rec.path.len.saturating_add(1);
        let text = StrRef { len, ..rec.path }.of(self.base.strings);
        match CStr::from_bytes_with_nul(text) {
            Ok(path) if !self.changes.files.contains_key(&number) => Cow::Borrowed(path),
            _ => Cow::Owned(CString::new(self.file(number).path.as_os_str().as_bytes()).unwrap_or_default()),
        }
    }

    /// Notes what a file is now.
    pub fn set_file(&mut self, number: u32, change: impl FnOnce(&mut ChangedFile)) {
        let File { path, fingerprint, symbols } = self.file(number);
        let mut file = ChangedFile { path: path.to_owned(), fingerprint, symbols };
        change(&mut file);
        self.changes.files.insert(number, file);
    }

    pub fn object(&self, number: u32) -> Object {
        let rec = &self.base.objects[number as usize];
        let (offset, entry) = match self.changes.objects.get(&number) {
            Some(changed) => (changed.offset, changed.entry),
            None => (rec.offset, rec.entry),
        };
        let (file, position) = (rec.file, rec.position);
        Object {
            file,
            member: rec.member.of(self.base.strings),
            offset,
            ordinal: rec.ordinal,
            entry,
            position,
        }
    }

    pub fn objects(&self) -> impl Iterator<Item = Object> {
        (0..self.object_count()).map(|number| self.object(number))
    }

    /// Notes what an object is now.
    pub fn set_object(&mut self, number: u32, change: impl FnOnce(&mut ChangedObject)) {
        let Object { offset, entry, .. } = self.object(number);
        let mut object = ChangedObject { number: number.into(), offset, entry };
        change(&mut object);
        self.changes.objects.insert(number, object);
    }

    /// The numbers of a file's objects.
    pub fn objects_of(&self, file: u32) -> Vec<u32> {
        let rec = &self.base.files[file as usize];
        match rec.count {
            NONE => (0..self.object_count()).filter(|object| self.object(*object).file == file).collect(),
            count => (rec.first..rec.first.saturating_add(count).min(self.object_count())).collect(),
        }
    }

    /// Whether more objects than this are files of their own.
    pub fn has_more_objects_than(&self, most: usize) -> bool {
        let mut single = self.base.objects.iter().filter(|object| object.member.len == 0);
        single.nth(most).is_some()
    }

    /// The positions of all objects; `NONE` for those that are no longer in the program.
    pub fn positions(&self) -> Vec<u32> {
        if self.base.header.reordered == 0 {
            return (0..self.object_count()).collect();
        }
        self.base.objects.iter().map(|object| object.position).collect()
    }

    /// How many objects the program has.
    pub fn live_count(&self) -> usize {
        match self.base.header.reordered {
            0 => self.base.objects.len(),
            _ => self.base.objects.iter().filter(|object| object.file != NONE).count(),
        }
    }

    /// The contents of all objects, by their numbers.
    pub fn contents(&self) -> Vec<[u64; 2]> {
        let mut contents: Vec<[u64; 2]> = self.base.contents.as_chunks::<2>().0.to_vec();
        for (number, object) in &self.changes.objects {
            contents[*number as usize] = object.entry.content;
        }
        contents
    }

    /// Paths that were looked for and not there.
    pub fn missing(&self) -> impl Iterator<Item = &Path> {
        self.base.missing.iter().map(|path| Path::new(OsStr::from_bytes(path.of(self.base.strings))))
    }

    pub fn warnings(&self) -> Vec<String> {
        let text = |at: &StrRef| String::from_utf8_lossy(at.of(self.base.strings)).into_owned();
        self.base.warnings.iter().map(text).collect()
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

/// The list of names, verified; `None` if it is damaged or of another version.
pub fn read_names(bytes: &[u8]) -> Option<(&NamesHeader, &[NameRec])> {
    let (header, names) = find_names(bytes)?;
    (checksum(bytes.get(16..)?) == header.checksum).then_some((header, names))
}

/// As [`read_names`], of a file that is known to be the one that was written.
pub fn find_names(bytes: &[u8]) -> Option<(&NamesHeader, &[NameRec])> {
    let header: &NamesHeader = pod::get(bytes, 0)?;
    let names = pod::slice(bytes, header.names.offset, header.names.count)?;
    (header.magic == NAMES_MAGIC).then_some((header, names))
}
