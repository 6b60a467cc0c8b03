//! The index on disk.
//!
//! ```text
//! .unfold/packs/NAME.pack          records of objects, written once
//! .unfold/records/                 sled: which pack has the record of which object
//! .unfold/outputs/NAME-HASH/N/     generation N of an output: plan, patch, image, state, log
//! ```
//!
//! Files appear under their names only when they are whole, and are not changed afterwards.

pub mod access;
pub mod changes;
pub mod database;
pub mod gc;
pub mod generation;
pub mod kept;
pub mod lock;
pub mod opened;
pub mod packs;
pub mod pinned;
pub mod state;
pub mod store;
pub mod version;
pub mod writer;

use anyhow::{Context, Result};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Name of the index's folder beside the output.
pub const FOLDER: &str = ".unfold";

/// Where the index of an output is.
pub fn folder(index: Option<&Path>, output: &Path) -> Result<PathBuf> {
    let beside = || output.parent().unwrap_or(Path::new("")).join(FOLDER);
    let folder = index.map_or_else(beside, Path::to_owned);
    make_folder(&folder)?;
    let real =
        folder.canonicalize().with_context(|| format!("cannot open the index {}", folder.display()))?;
    access::check(&real)?;
    Ok(real)
}

/// Makes a folder that only its owner can write, whatever the umask: the loader refuses others.
pub fn make_folder(folder: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(folder)
        .with_context(|| format!("cannot make the folder {} of the index", folder.display()))
}

/// A file that is being written under a temporary name. Dropped, it is removed.
pub struct NewFile(tempfile::NamedTempFile);

impl NewFile {
    pub fn new(folder: &Path) -> Result<Self> {
        // Others may run what its owner linked.
        let mode = fs::Permissions::from_mode(0o644);
        let file = tempfile::Builder::new().prefix(".new-").permissions(mode).tempfile_in(folder);
        Ok(Self(file.with_context(|| format!("cannot make a file in {}", folder.display()))?))
    }

    fn context<T>(&self, result: std::io::Result<T>) -> Result<T> {
        result.with_context(|| format!("cannot write {}", self.0.path().display()))
    }

    pub fn as_file(&self) -> &fs::File {
        self.0.as_file()
    }

    pub fn set_len(&self, len: u64) -> Result<()> {
        self.context(self.0.as_file().set_len(len))
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let result = self.0.write_all(bytes);
        self.context(result)
    }

    /// Writes at an offset; several threads may do so at once.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.context(self.0.as_file().write_all_at(bytes, offset))
    }

    /// Gives the file its name.
    pub fn publish(self, path: &Path) -> Result<()> {
        let result = self.0.persist(path).map(drop).map_err(|error| error.error);
        result.with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Writes a file under a temporary name and renames it, so that it is whole or not there.
pub fn write_file(path: &Path, parts: &[&[u8]]) -> Result<()> {
    let mut file = NewFile::new(path.parent().unwrap_or(Path::new(".")))?;
    for part in parts {
        file.write(part)?;
    }
    file.publish(path)
}
