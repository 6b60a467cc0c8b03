//! Records of objects, in packs.

use super::writer::{ALIGN, PackWriter, Written};
use crate::inputs::mapped::{self, Fingerprint};
use anyhow::{Context, Result};
use shared::checksum::{BLOCK, checksum};
use shared::record::ObjectView;
use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What the database keeps of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Entry {
    /// Of the file, or of the archive.
    pub fingerprint: Fingerprint,
    pub content: [u64; 2],
    /// The pack's name is this number in hexadecimal.
    pub pack: u64,
    pub offset: u64,
    pub len: u64,
    /// Of the record's tables.
    pub checksum: u64,
}

shared::pod! {
    Entry {
        fingerprint: Fingerprint, content: [u64; 2], pack: u64, offset: u64, len: u64, checksum: u64,
    }
}

pub struct Store {
    folder: PathBuf,
    packs: HashMap<u64, Option<&'static [u8]>>,
    written: HashSet<u64>,
}

/// File name of a pack.
pub fn pack_name(pack: u64) -> String {
    format!("{pack:016x}.pack")
}

/// The number in a pack's file name.
pub fn pack_number(name: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(name.strip_suffix(b".pack")?).ok()?;
    u64::from_str_radix(digits, 16).ok()
}

/// File of words in the folder of packs: the size of all packs after the last collection, and the numbers of those of
/// which much is dead.
const COLLECTED: &str = "collected";

/// Notes what a collection found. Without the list, packs stay as they are.
pub fn note_collected(index: &Path, size: u64, sparse: &[u64]) {
    let path = index.join("packs").join(COLLECTED);
    let words: Vec<u64> = [size].iter().chain(sparse).copied().collect();
    super::write_file(&path, &[shared::pod::bytes_of(&words)]).ok();
}

fn collected(index: &Path) -> impl Iterator<Item = u64> {
    let words = std::fs::read(index.join("packs").join(COLLECTED)).unwrap_or_default();
    let word = |at: usize| words.get(at * 8..at * 8 + 8)?.try_into().ok().map(u64::from_le_bytes);
    let words: Vec<u64> = (0..words.len() / 8).filter_map(word).collect();
    words.into_iter()
}

/// The size of all packs after the last collection.
pub fn size_when_collected(index: &Path) -> Option<u64> {
    collected(index).next()
}

/// Packs whose records a full link takes along, so that the packs can go.
pub fn sparse(index: &Path) -> HashSet<u64> {
    collected(index).skip(1).collect()
}

impl Store {
    pub fn open(index: &Path) -> Result<Self> {
        let folder = index.join("packs");
        super::make_folder(&folder)?;
        Ok(Self { folder, packs: HashMap::new(), written: HashSet::new() })
    }

    /// A pack's bytes, or `None` if it is gone.
    pub fn pack(&mut self, pack: u64) -> Option<&'static [u8]> {
        let folder = &self.folder;
        *self
            .packs
            .entry(pack)
            .or_insert_with(|| mapped::map(&folder.join(pack_name(pack))).ok().map(|(bytes, _)| bytes))
    }

    /// For each of these packs, the length of its records and the checksum of its table.
    pub fn describe(&mut self, packs: impl Iterator<Item = u64>) -> Result<HashMap<u64, (u64, u64)>> {
        let mut described = HashMap::new();
        for pack in packs {
            if described.contains_key(&pack) {
                continue;
            }
            let bytes = self.pack(pack).with_context(|| format!("pack {} is gone", pack_name(pack)))?;
            // A body of n blocks is followed by n checksums: (size - 8 n) / 4096 rounded up is n.
            let size = bytes.len() as u64;
            let len = body_of_file(size).with_context(|| format!("pack {} is damaged", pack_name(pack)))?;
            described.insert(pack, (len, sums_checksum(bytes, len)));
        }
        Ok(described)
    }

    /// The record that an entry describes, if it is still there and its tables are whole. The bytes of its sections
    /// are verified by who renders them. Its pack has been asked for before.
    pub fn record(&self, entry: &Entry) -> Option<&'static [u8]> {
        let pack: &'static [u8] = (*self.packs.get(&entry.pack)?)?;
        let bytes: &[u8] = shared::pod::slice(pack, entry.offset, entry.len)?;
        let head = ObjectView::new(bytes)?.header.head_len();
        (checksum(bytes.get(..usize::try_from(head).ok()?)?) == entry.checksum).then_some(bytes)
    }

    /// Whether a record is what was written, its sections' bytes included. Its pack has been asked for before.
    pub fn is_whole(&self, entry: &Entry) -> bool {
        let blocks = |pack: &'static [u8]| {
            let len = body_of_file(pack.len() as u64)?;
            let sums: &[u64] = shared::pod::slice(pack, len, len.div_ceil(BLOCK as u64))?;
            let range =
                entry.offset as usize / BLOCK..(entry.offset + entry.len).div_ceil(BLOCK as u64) as usize;
            let blocks = pack.get(..len as usize)?.chunks(BLOCK).zip(sums);
            Some(blocks.take(range.end).skip(range.start).all(|(block, sum)| checksum(block) == *sum))
        };
        let pack = self.packs.get(&entry.pack).copied().flatten();
        pack.and_then(blocks).unwrap_or(false)
    }

    /// Whether this process has written the pack, so that it need not be verified.
    pub fn has_written(&self, pack: u64) -> bool {
        self.written.contains(&pack)
    }

    /// A pack for new records, of some `len` bytes.
    pub fn new_pack(&self, len: u64) -> Result<PackWriter> {
        PackWriter::new(&self.folder, len)
    }

    /// Names a pack. Returns its number.
    pub fn publish(&mut self, writer: PackWriter) -> Result<u64> {
        let Written { pack, bytes } = writer.publish(&self.folder)?;
        self.packs.insert(pack, Some(bytes));
        self.written.insert(pack);
        Ok(pack)
    }

    /// Whether what is there of a record was made by another version. Its pack has been asked for before.
    pub fn is_of_other_version(&self, entry: &Entry) -> bool {
        let pack = self.packs.get(&entry.pack).copied().flatten();
        let start = pack.and_then(|pack| pack.get(entry.offset as usize..));
        start.is_some_and(|bytes| super::version::is_other(bytes, shared::record::MAGIC))
    }

    /// Writes records into a pack of their own, and returns their entries.
    pub fn add(&mut self, records: &[(&[u8], Fingerprint)]) -> Result<Vec<Entry>> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let mut entries = Vec::with_capacity(records.len());
        let mut batch = Vec::new();
        for (bytes, fingerprint) in records {
            batch.resize(batch.len().next_multiple_of(ALIGN), 0);
            entries.push(Entry::new(bytes, *fingerprint, batch.len() as u64)?);
            batch.extend_from_slice(bytes);
        }
        let writer = self.new_pack(batch.len() as u64)?;
        writer.append(&mut batch)?;
        let pack = self.publish(writer)?;
        for entry in &mut entries {
            entry.pack = pack;
        }
        Ok(entries)
    }
}

impl Entry {
    /// The entry of a new record at `offset` of a pack that has no name yet.
    pub fn new(record: &[u8], fingerprint: Fingerprint, offset: u64) -> Result<Self> {
        let contradicts = || "a new record contradicts itself";
        let view = ObjectView::new(record).with_context(contradicts)?;
        let head = record.get(..view.header.head_len() as usize).with_context(contradicts)?;
        let content = view.header.content;
        Ok(Self { fingerprint, content, pack: 0, offset, len: record.len() as u64, checksum: checksum(head) })
    }
}

/// Bytes of records in a pack whose file has `size` bytes, the table of checksums behind them included.
pub fn body_of_file(size: u64) -> Option<u64> {
    let blocks = size.div_ceil(BLOCK as u64 + 8);
    let len = size.checked_sub(8 * blocks)?;
    (len.div_ceil(BLOCK as u64) == blocks).then_some(len)
}

/// Whether a pack's file has what a plan says of it.
pub fn is_whole(bytes: &[u8], pack: &shared::plan::PackRec) -> bool {
    let Some(sums) = shared::plan::block_sums(bytes, pack) else { return false };
    let body = bytes.get(..pack.len as usize).unwrap_or_default();
    body.chunks(BLOCK).zip(sums).all(|(block, sum)| checksum(block) == *sum)
}

/// The checksum of a pack's table of checksums, for the plan.
pub fn sums_checksum(pack: &[u8], len: u64) -> u64 {
    let count = len.div_ceil(BLOCK as u64);
    let sums: &[u64] = shared::pod::slice(pack, len, count).unwrap_or(&[]);
    checksum(shared::pod::bytes_of(sums))
}

/// Key of an object: its path, and its name and place in an archive.
pub fn key(path: &Path, member: &[u8], offset: u64) -> Vec<u8> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut key = absolute.as_os_str().as_bytes().to_vec();
    if !member.is_empty() || offset != 0 {
        key.push(0);
        key.extend_from_slice(member);
        key.push(0);
        key.extend_from_slice(&offset.to_le_bytes());
    }
    key
}
