//! A pack that is being written by several threads, and read at the same time.

use super::{NewFile, store};
use crate::inputs::mapped;
use anyhow::{Context, Result, ensure};
use shared::addr::align_up;
use shared::checksum::{BLOCK, sums_of};
use shared::pod::bytes_of;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Records begin at multiples of this.
pub const ALIGN: usize = 16;

/// Records come in batches that begin on block bounds, in the order in which they happen to be ready.
pub struct PackWriter {
    file: NewFile,
    /// The file, and address space behind its end for what is to come.
    map: &'static [u8],
    len: AtomicU64,
    /// First block of each batch, and the checksums of its blocks.
    sums: Mutex<Vec<(u64, Vec<u64>)>>,
}

/// A pack that has its name.
pub struct Written {
    /// Its number, by which it is named.
    pub pack: u64,
    /// All of its file.
    pub bytes: &'static [u8],
}

impl PackWriter {
    /// A pack in `folder` for some `len` bytes of records. It may get more, as far as there is address space.
    pub fn new(folder: &Path, len: u64) -> Result<Self> {
        let file = NewFile::new(folder)?;
        let map = |room| mapped::map_growing(file.as_file(), align_up(len, BLOCK as u64) + room);
        let map = map(64 << 30).or_else(|_| map(64 << 20)).context("cannot map a new pack of the index")?;
        Ok(Self { file, map, len: AtomicU64::new(0), sums: Mutex::new(Vec::new()) })
    }

    /// Writes a batch, of which the last block is filled up. Returns the batch as it is in the pack, and its offset.
    pub fn append(&self, batch: &mut Vec<u8>) -> Result<(&'static [u8], u64)> {
        batch.resize(batch.len().next_multiple_of(BLOCK), 0);
        let len = batch.len() as u64;
        let offset = self.len.fetch_add(len, Ordering::Relaxed);
        ensure!(offset + len < self.map.len() as u64, "a pack of the index would be too large");
        self.file.write_at(batch, offset)?;
        let sums = sums_of(batch).collect();
        self.sums.lock().expect("no thread panics with the lock").push((offset / BLOCK as u64, sums));
        Ok((&self.map[offset as usize..][..batch.len()], offset))
    }

    /// Writes the checksums behind the records, and gives the pack its name.
    pub fn publish(self, folder: &Path) -> Result<Written> {
        let mut batches = self.sums.into_inner().expect("no thread panics with the lock");
        batches.sort_unstable();
        let sums: Vec<u64> = batches.into_iter().flat_map(|(_, sums)| sums).collect();
        let top: Vec<u64> = sums_of(bytes_of(&sums)).collect();
        let tables = [bytes_of(&sums), bytes_of(&top)].concat();
        let len = self.len.into_inner();
        self.file.write_at(&tables, len)?;
        // A pack is named by what is in it: two links that make the same one do not get in each other's way.
        let pack = xxhash_rust::xxh3::xxh3_64(bytes_of(&sums));
        self.file.publish(&folder.join(store::pack_name(pack)))?;
        Ok(Written { pack, bytes: &self.map[..len as usize + tables.len()] })
    }
}
