//! The index on disk.
//!
//! ```text
//! .unfold/packs/NAME.pack          records of objects, written once
//! .unfold/records/                 sled: which pack has the record of which object
//! .unfold/outputs/NAME-HASH/N/     generation N of an output: plan, patch, image, state, log
//! ```
//!
//! Files appear under their names only when they are whole, and are not changed afterwards.

pub mod changes;
pub mod generation;
pub mod opened;
pub mod pinned;
pub mod referrers;
pub mod state;
pub mod store;

use anyhow::{Context, Result};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Name of the index's folder beside the output.
pub const FOLDER: &str = ".unfold";

/// Where the index of an output is.
pub fn folder(index: Option<&Path>, output: &Path) -> Result<PathBuf> {
    let beside = || output.parent().unwrap_or(Path::new("")).join(FOLDER);
    let folder = index.map_or_else(beside, Path::to_owned);
    make_folder(&folder)?;
    folder.canonicalize().with_context(|| format!("cannot open the index {}", folder.display()))
}

/// Makes a folder that only its owner can write, whatever the umask: the loader refuses others.
pub fn make_folder(folder: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(folder)
        .with_context(|| format!("cannot make the folder {} of the index", folder.display()))
}

/// Writes a file under a temporary name and renames it, so that it is whole or not there.
pub fn write_file(path: &Path, parts: &[&[u8]]) -> Result<()> {
    use std::io::Write;
    let context = || format!("cannot write {}", path.display());
    let folder = path.parent().unwrap_or(Path::new("."));
    // Others may run what its owner linked.
    let mode = fs::Permissions::from_mode(0o644);
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .permissions(mode)
        .tempfile_in(folder)
        .with_context(context)?;
    for part in parts {
        file.write_all(part).with_context(context)?;
    }
    file.persist(path).map_err(|error| error.error).with_context(context)?;
    Ok(())
}
