//! Input files in memory: the only unsafe code of this crate.
#![allow(unsafe_code)]

use anyhow::{Context, Result};
use memmap2::Mmap;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What is compared to see whether a file has changed. The change time cannot be set by a program, so a file
/// that was rewritten with its old size and modification time is noticed too.
///
/// Clocks of file systems stand still between two ticks. A file that is read within the tick in which it was written
/// may be written again and look the same. Its fingerprint is *unsettled* and equals none, so the next link compares
/// contents (git's "racily clean" entries).
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Fingerprint {
    pub device: u64,
    pub inode: u64,
    pub size: u64,
    pub modified_ns: u64,
    pub changed_ns: u64,
}

shared::pod! { Fingerprint { device: u64, inode: u64, size: u64, modified_ns: u64, changed_ns: u64 } }

/// Change time of an unsettled fingerprint.
const UNSETTLED: u64 = u64::MAX;

/// The longest tick of a file system that keeps fractions of seconds (exFAT's 10 ms), and of the kernel's clock.
const TICK_NS: u64 = 30_000_000;

/// The longest tick of one that does not: FAT's.
const COARSE_TICK_NS: u64 = 2_000_000_000;

impl PartialEq for Fingerprint {
    fn eq(&self, other: &Self) -> bool {
        self.changed_ns != UNSETTLED && self.words() == other.words()
    }
}

/// The time, as file systems count it.
pub fn now_ns() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| now.as_nanos() as u64)
}

impl Fingerprint {
    fn words(&self) -> [u64; 5] {
        [self.device, self.inode, self.size, self.modified_ns, self.changed_ns]
    }

    /// What is noted of a file that is read after `seen`.
    pub fn settled(self, seen: u64) -> Self {
        let is_coarse = self.changed_ns.is_multiple_of(1_000_000_000);
        let tick = if is_coarse { COARSE_TICK_NS + TICK_NS } else { TICK_NS };
        if seen >= self.changed_ns.saturating_add(tick) {
            return self;
        }
        Self { changed_ns: UNSETTLED, ..self }
    }

    /// Whether this may be the file that is there now: for an unsettled one, contents tell.
    pub fn may_be(&self, now: &Self) -> bool {
        let noted = if self.changed_ns == UNSETTLED { now.changed_ns } else { self.changed_ns };
        Self { changed_ns: noted, ..*self }.words() == now.words()
    }

    pub fn of(metadata: &std::fs::Metadata) -> Self {
        let ns = |seconds: i64, ns: i64| (seconds as u64).wrapping_mul(1_000_000_000).wrapping_add(ns as u64);
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
            changed_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// The fingerprint of the file at `path`, or `None` if there is none.
    pub fn at(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().map(|metadata| Self::of(&metadata))
    }
}

/// Maps a file for the rest of the process, which is a short one. As with every linker that maps its inputs,
/// a file that is truncated while the link runs ends it with SIGBUS; what was read by then is checked by
/// nobody but the next link, which sees another fingerprint.
pub fn map(path: &Path) -> Result<(&'static [u8], Fingerprint)> {
    let seen = now_ns();
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let metadata = file.metadata().with_context(|| format!("cannot examine {}", path.display()))?;
    if !metadata.is_file() {
        anyhow::bail!("{}: not a regular file", path.display());
    }
    let fingerprint = Fingerprint::of(&metadata).settled(seen);
    if fingerprint.size == 0 {
        return Ok((&[], fingerprint));
    }
    // SAFETY: a private mapping that is only read. Somebody who changes the file meanwhile gets a wrong link,
    // as described above, but every access stays inside the mapping and is checked as input.
    let map = unsafe { Mmap::map(&file) }.with_context(|| format!("cannot map {}", path.display()))?;
    Ok((Box::leak(Box::new(map)), fingerprint))
}

/// Maps a file of the index for private changes in memory.
pub fn map_private(path: &Path) -> Result<memmap2::MmapMut> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    // SAFETY: files of the index are replaced, never changed in place.
    unsafe { memmap2::MmapOptions::new().map_copy(&file) }
        .with_context(|| format!("cannot map {}", path.display()))
}

/// Maps a new file of `len` bytes for writing in these ranges (offset and length). They get their room on the disk
/// here: to write into a mapping that finds none later ends the process with SIGBUS.
pub fn map_new(
    file: &File,
    len: u64,
    written: impl Iterator<Item = (u64, u64)>,
) -> std::io::Result<memmap2::MmapMut> {
    file.set_len(len)?;
    for (offset, len) in written.filter(|(_, len)| *len != 0) {
        nix::fcntl::posix_fallocate(file, offset as i64, len as i64)?;
    }
    // SAFETY: the file was just made under a temporary name, and nobody else has it open.
    unsafe { memmap2::MmapOptions::new().len(len as usize).map_mut(file) }
}
