//! Input files in memory: the only unsafe code of this crate.
#![allow(unsafe_code)]

use anyhow::{Context, Result};
use memmap2::Mmap;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What is compared to see whether a file has changed. The change time cannot be set by a program, so a file
/// that was rewritten with its old size and modification time is noticed too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Fingerprint {
    pub device: u64,
    pub inode: u64,
    pub size: u64,
    pub modified_ns: u64,
    pub changed_ns: u64,
}

shared::pod! { Fingerprint { device: u64, inode: u64, size: u64, modified_ns: u64, changed_ns: u64 } }

impl Fingerprint {
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
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let metadata = file.metadata().with_context(|| format!("cannot examine {}", path.display()))?;
    if !metadata.is_file() {
        anyhow::bail!("{}: not a regular file", path.display());
    }
    let fingerprint = Fingerprint::of(&metadata);
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

/// Maps a new file of `len` bytes for writing.
pub fn map_new(file: &File, len: u64) -> std::io::Result<memmap2::MmapMut> {
    file.set_len(len)?;
    // SAFETY: the file was just made under a temporary name, and nobody else has it open.
    unsafe { memmap2::MmapOptions::new().len(len as usize).map_mut(file) }
}
