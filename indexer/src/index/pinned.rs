//! Objects with debug information, held by hard links.
//!
//! Compilers delete the objects of a crate once it is linked, and debug information stays in the objects. A
//! hard link costs neither time nor room, and keeps the file until a later link finds it replaced.

use crate::inputs::mapped::Fingerprint;
use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Programs of more objects than this come from builds that keep them.
pub const MOST: usize = 512;

/// Where an object with this fingerprint is held.
pub fn path(output_folder: &Path, fingerprint: &Fingerprint) -> PathBuf {
    folder(output_folder).join(name(fingerprint))
}

fn folder(output_folder: &Path) -> PathBuf {
    output_folder.join("pinned")
}

fn name(fingerprint: &Fingerprint) -> String {
    format!("{:x}-{:x}", fingerprint.inode, fingerprint.modified_ns)
}

/// Holds the object at `path`. Returns its fingerprint, which a new link changes. What cannot be held (on
/// another file system, say) has lines in backtraces as long as it is there.
pub fn hold(output_folder: &Path, path: &Path, fingerprint: Fingerprint) -> Fingerprint {
    let held = self::path(output_folder, &fingerprint);
    let hold = || match fs::hard_link(path, &held) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            super::make_folder(&folder(output_folder)).ok()?;
            fs::hard_link(path, &held).ok()
        }
        linked => linked.ok(),
    };
    if hold().is_none() {
        return fingerprint;
    }
    let same = |now: &Fingerprint| Fingerprint { changed_ns: fingerprint.changed_ns, ..*now } == fingerprint;
    Fingerprint::at(path).filter(same).unwrap_or(fingerprint)
}

/// Lets go of all but these.
pub fn keep_only<'a>(output_folder: &Path, fingerprints: impl Iterator<Item = &'a Fingerprint>) {
    let names: HashSet<String> = fingerprints.map(name).collect();
    let Ok(entries) = fs::read_dir(folder(output_folder)) else { return };
    for entry in entries.flatten() {
        if !entry.file_name().to_str().is_some_and(|name| names.contains(name)) {
            fs::remove_file(entry.path()).ok();
        }
    }
}
