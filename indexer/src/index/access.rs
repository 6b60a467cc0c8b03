//! Who may write the index. What is in it becomes code that its user runs, so nobody else may: neither put a folder where
//! one is going to be made, nor change what is there.

use anyhow::{Context, Result, bail};
use nix::sys::stat::{Mode, umask};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;

/// Who else may write: the group and others.
const OTHERS: u32 = 0o022;

/// The umask that the process was started with.
static MASK: OnceLock<u32> = OnceLock::new();

/// Has the process make only files that nobody else can write, whatever its umask allows. It comes first: the umask is one
/// for all threads.
pub fn keep_others_out() {
    let mask = *MASK.get_or_init(|| umask(Mode::all()).bits());
    umask(Mode::from_bits_truncate(mask | OTHERS));
}

/// Takes that back, for a process that becomes another program.
pub fn as_it_was() {
    if let Some(mask) = MASK.get() {
        umask(Mode::from_bits_truncate(*mask));
    }
}

/// The umask that the process was started with, which the output has to follow.
pub fn mask() -> u32 {
    *MASK.get_or_init(|| {
        let mask = umask(Mode::all());
        umask(mask);
        mask.bits()
    })
}

/// Refuses an index that somebody else made, or can write. It may be the user's, root's, or that of whoever owns the folder
/// that it is in: that one could have replaced objects and outputs as well.
pub fn check(index: &Path) -> Result<()> {
    let user = nix::unistd::geteuid().as_raw();
    let owner = |path: &Path| fs::metadata(path).map(|metadata| metadata.uid()).ok();
    let around = index.parent().and_then(owner);
    for folder in ["", "packs", "records", "outputs"] {
        let folder = if folder.is_empty() { index.to_owned() } else { index.join(folder) };
        let metadata = match fs::metadata(&folder) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot examine {}", folder.display()));
            }
        };
        let is_known = [Some(user), Some(0), around].contains(&Some(metadata.uid()));
        if !is_known {
            bail!(
                "the index is refused: {} belongs to another user (remove it, or set UNFOLD_INDEX to a folder of your own)",
                folder.display()
            );
        }
        if metadata.mode() & OTHERS != 0 {
            bail!("the index is refused: {0} can be written by others (chmod go-w {0})", folder.display());
        }
    }
    Ok(())
}
