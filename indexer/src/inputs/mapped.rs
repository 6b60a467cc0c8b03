//! Input files in memory: the only unsafe code of this crate.
#![allow(unsafe_code)]

use anyhow::{Context, Result};
use memmap2::Mmap;
use nix::sys::mman::{MmapAdvise, madvise};
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::fs::File;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Mutex;

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

/// As [`Fingerprint::at`], for a path that is a C string already.
pub fn fingerprint_at(path: &std::ffi::CStr) -> Option<Fingerprint> {
    let ns = |seconds: i64, ns: i64| (seconds as u64).wrapping_mul(1_000_000_000).wrapping_add(ns as u64);
    nix::sys::stat::stat(path).ok().map(|stat| Fingerprint {
        device: stat.st_dev,
        inode: stat.st_ino,
        size: stat.st_size as u64,
        modified_ns: ns(stat.st_mtime, stat.st_mtime_nsec),
        changed_ns: ns(stat.st_ctime, stat.st_ctime_nsec),
    })
}

/// Maps a file for the rest of the process, which is a short one. As with every linker that maps its inputs,
/// a file that is truncated while the link runs ends it with SIGBUS; what was read by then is checked by
/// nobody but the next link, which sees another fingerprint.
pub fn map(path: &Path) -> Result<(&'static [u8], Fingerprint)> {
    let seen = now_ns();
    // A name in an archive may be that of a pipe, of which nobody may ever open the other end.
    let mut options = File::options();
    options.read(true).custom_flags(nix::libc::O_NONBLOCK);
    let file = options.open(path).with_context(|| format!("cannot open {}", path.display()))?;
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
    let bytes: &'static [u8] = Box::leak(Box::new(map));
    MAPPED.lock().expect("no thread panics with the lock").insert(bytes.as_ptr() as usize, bytes.len());
    Ok((bytes, fingerprint))
}

/// Addresses and lengths of what [`map`] has mapped.
static MAPPED: Mutex<BTreeMap<usize, usize>> = Mutex::new(BTreeMap::new());

/// Maps a file of the index for private changes in memory.
pub fn map_private(path: &Path) -> Result<memmap2::MmapMut> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    // SAFETY: files of the index are replaced, never changed in place.
    unsafe { memmap2::MmapOptions::new().map_copy(&file) }
        .with_context(|| format!("cannot map {}", path.display()))
}

/// Gives a new file its length, and maps it to be written. Its blocks are there before: a full disk is an error here, and
/// no SIGBUS later.
pub fn map_new(file: &File, len: u64) -> Result<memmap2::MmapMut> {
    let reserved = nix::fcntl::posix_fallocate(file, 0, len as i64);
    reserved.map_err(std::io::Error::from).with_context(|| format!("cannot reserve {len} bytes"))?;
    // SAFETY: the file was just made under a temporary name, which nobody else uses.
    unsafe { memmap2::MmapMut::map_mut(file) }.context("cannot map a new file")
}

/// Maps a new file, and address space behind its end, where what is written later appears. Reading behind the end
/// of the file is an error of the caller, which the kernel answers with SIGBUS.
pub fn map_growing(file: &File, room: u64) -> std::io::Result<&'static [u8]> {
    // SAFETY: the file was just made under a temporary name; this process alone writes it, each place once, before
    // it is read.
    let map = unsafe { memmap2::MmapOptions::new().len(room as usize).map(file) }?;
    Ok(Box::leak(Box::new(map)))
}

/// Gives back the memory of a part of a file that [`map`] has mapped. It stays readable: the kernel brings it again.
pub fn release(part: &'static [u8]) {
    const PAGE: usize = shared::PAGE as usize;
    let (from, to) = (part.as_ptr() as usize, part.as_ptr() as usize + part.len());
    let (start, end) = (from.next_multiple_of(PAGE), to & !(PAGE - 1));
    let maps = MAPPED.lock().expect("no thread panics with the lock");
    let is_mapped = maps.range(..=from).next_back().is_some_and(|(address, len)| to <= address + len);
    drop(maps);
    if let (true, Some(address)) = (is_mapped && start < end, NonNull::new(start as *mut c_void)) {
        // SAFETY: whole pages of a mapping of a file that is read-only and never unmapped, so that the same bytes appear
        // at the next access. A failure costs memory, nothing else.
        unsafe { madvise(address, end - start, MmapAdvise::MADV_DONTNEED) }.ok();
    }
}
