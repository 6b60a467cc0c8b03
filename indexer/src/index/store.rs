//! Records of objects, in packs.

use super::writer::{ALIGN, PackWriter, Written};
use crate::inputs::mapped::{self, Fingerprint};
use anyhow::{Context, Result};
use shared::checksum::{BLOCK, Summed, checksum};
use shared::plan::{PackRec, pack_summed};
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

    /// For each of these packs, the length of its records and the checksum of its top table.
    pub fn describe(&mut self, packs: impl Iterator<Item = u64>) -> Result<HashMap<u64, (u64, u64)>> {
        let mut described = HashMap::new();
        for pack in packs {
            if described.contains_key(&pack) {
                continue;
            }
            let bytes = self.pack(pack).with_context(|| format!("pack {} is gone", pack_name(pack)))?;
            let summed = summed(bytes).with_context(|| format!("pack {} is damaged", pack_name(pack)))?;
            described.insert(pack, (summed.bytes().len() as u64, summed.checksum()));
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
        let summed = self.packs.get(&entry.pack).copied().flatten().and_then(summed);
        summed.is_some_and(|summed| summed.is_whole(entry.offset..entry.offset.saturating_add(entry.len)))
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

/// The records in a pack's file, with the checksums of their blocks: all blocks of a pack are whole ones.
pub fn summed(file: &[u8]) -> Option<Summed<'_>> {
    // Each block has a checksum in the one table, and a 512th of one in the other.
    const PER_BLOCK: u64 = BLOCK as u64;
    let blocks = file.len() as u64 * PER_BLOCK / (PER_BLOCK * PER_BLOCK + 8 * PER_BLOCK + 64);
    Summed::new(file, blocks * PER_BLOCK)
}

/// Whether a pack's file has what a plan says of it.
pub fn is_whole(file: &[u8], pack: &PackRec) -> bool {
    pack_summed(file, pack).is_some_and(|summed| summed.is_whole(0..pack.len))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_a_pack_says_where_its_tables_begin() {
        for blocks in [0, 1, 2, 511, 512, 513, 1024, 1025] {
            let file = vec![0u64; blocks * BLOCK / 8 + blocks + (blocks * 8).div_ceil(BLOCK)];
            let file = shared::pod::bytes_of(&file);
            let len = |file| summed(file).map(|summed| summed.bytes().len());
            assert_eq!(len(file), Some(blocks * BLOCK));
            assert!(blocks == 0 || len(&file[8..]).is_none());
        }
    }
}
