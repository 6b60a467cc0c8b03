//! Records of objects: packs, and the database that says which pack has whose record.
//!
//! `sled` admits one process at a time, so it is opened late, held briefly, and done without when another
//! link has it for long: that costs reading objects again, nothing else.

use crate::inputs::mapped::{self, Fingerprint};
use anyhow::{Context, Result};
use shared::checksum::{BLOCK, checksum};
use shared::record::ObjectView;
use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the database keeps of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Entry {
    /// Of the file, or of the archive.
    pub fingerprint: Fingerprint,
    pub content: [u64; 2],
    /// The pack's name is this number in hexadecimal.
    pub pack: u64,
    pub offset: u64,
    pub len: u64,
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
}

/// File name of a pack.
pub fn pack_name(pack: u64) -> String {
    format!("{pack:016x}.pack")
}

impl Store {
    pub fn open(index: &Path) -> Result<Self> {
        let folder = index.join("packs");
        super::make_folder(&folder)?;
        Ok(Self { folder, packs: HashMap::new() })
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

    /// The record that an entry describes, if it is still there and whole.
    pub fn record(&mut self, entry: &Entry) -> Option<&'static [u8]> {
        let bytes: &[u8] = shared::pod::slice(self.pack(entry.pack)?, entry.offset, entry.len)?;
        (checksum(bytes) == entry.checksum && ObjectView::new(bytes).is_some()).then_some(bytes)
    }

    /// Writes new records into a pack of their own, and returns its number and their entries.
    pub fn add(&mut self, records: &[(&[u8], Fingerprint)]) -> Result<Vec<Entry>> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let mut entries = Vec::with_capacity(records.len());
        let mut offset = 0;
        for (bytes, fingerprint) in records {
            let view = ObjectView::new(bytes).context("a new record contradicts itself")?;
            let content = view.header.content;
            let len = bytes.len() as u64;
            let sum = checksum(bytes);
            entries.push(Entry { fingerprint: *fingerprint, content, pack: 0, offset, len, checksum: sum });
            offset += shared::addr::align_up(len, 16);
        }
        // A pack is named by what is in it: two links that make the same one do not get in each other's way.
        let sums: Vec<u64> = entries.iter().flat_map(|entry| [entry.checksum, entry.len]).collect();
        let pack = xxhash_rust::xxh3::xxh3_64(shared::pod::bytes_of(&sums));
        for entry in &mut entries {
            entry.pack = pack;
        }
        let path = self.folder.join(pack_name(pack));
        if !path.exists() {
            let padding = [0u8; 16];
            let mut parts: Vec<&[u8]> = Vec::with_capacity(records.len() * 2 + 1);
            for (bytes, _) in records {
                parts.push(bytes);
                parts.push(&padding[..shared::addr::align_up(bytes.len() as u64, 16) as usize - bytes.len()]);
            }
            let sums = block_sums(&parts);
            parts.push(shared::pod::bytes_of(&sums));
            super::write_file(&path, &parts)?;
        }
        self.packs.remove(&pack);
        Ok(entries)
    }
}

/// The checksums of the blocks of what `parts` are together.
fn block_sums(parts: &[&[u8]]) -> Vec<u64> {
    let mut sums = Vec::new();
    let mut rest: Vec<u8> = Vec::with_capacity(BLOCK);
    for mut part in parts.iter().copied() {
        if !rest.is_empty() {
            let (head, tail) = part.split_at(part.len().min(BLOCK - rest.len()));
            rest.extend_from_slice(head);
            part = tail;
            if rest.len() == BLOCK {
                sums.push(checksum(&rest));
                rest.clear();
            }
        }
        if !part.is_empty() {
            let whole = part.chunks_exact(BLOCK);
            rest.extend_from_slice(whole.remainder());
            sums.extend(whole.map(checksum));
        }
    }
    if !rest.is_empty() {
        sums.push(checksum(&rest));
    }
    sums
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

/// The database of entries.
pub struct Database(sled::Db);

impl Database {
    /// Opens the database, waiting for moments if another link has it.
    pub fn open(index: &Path) -> Option<Self> {
        for attempt in 0..20 {
            let config = sled::Config::new().path(index.join("records")).cache_capacity(16 << 20);
            match config.flush_every_ms(None).open() {
                Ok(database) => return Some(Self(database)),
                Err(_) if attempt < 19 => std::thread::park_timeout(Duration::from_millis(10)),
                Err(_) => {}
            }
        }
        None
    }

    pub fn get(&self, key: &[u8]) -> Option<Entry> {
        let value = self.0.get(key).ok()??;
        let mut entry = [Entry::default()];
        let bytes: &mut [u8] = shared::pod::bytes_of_mut(&mut entry);
        if value.len() != bytes.len() {
            return None;
        }
        bytes.copy_from_slice(&value);
        Some(entry[0])
    }

    /// Keeps entries. A failure costs time at the next link, so it is not an error of this one.
    pub fn put(&self, entries: impl Iterator<Item = (Vec<u8>, Entry)>) {
        let mut batch = sled::Batch::default();
        for (key, entry) in entries {
            batch.insert(key, shared::pod::bytes_of(&[entry]));
        }
        if self.0.apply_batch(batch).is_ok() {
            self.0.flush().ok();
        }
    }
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
