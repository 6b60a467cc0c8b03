//! Generations of an output: folders that appear whole, under the next free number.

use anyhow::{Context, Result};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The folder of an output's generations.
pub fn output_folder(index: &Path, output: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(output).unwrap_or_else(|_| output.to_owned());
    let name = output.file_name().unwrap_or_default().to_string_lossy();
    let hash = xxhash_rust::xxh3::xxh3_64(absolute.as_os_str().as_bytes());
    // A name has 255 bytes at the most, and those that are no text have become longer.
    let short = name.char_indices().take_while(|(at, letter)| at + letter.len_utf8() <= 100);
    let short: String = short.map(|(_, letter)| letter).collect();
    Ok(index.join("outputs").join(format!("{short}-{hash:016x}")))
}

/// The numbers of an output's generations, in ascending order.
pub fn numbers(folder: &Path) -> Vec<u64> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut numbers: Vec<u64> =
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

/// A generation that is being written.
pub struct Draft {
    folder: PathBuf,
    temporary: tempfile::TempDir,
}

impl Draft {
    pub fn new(folder: &Path) -> Result<Self> {
        super::make_folder(folder)?;
        let temporary = tempfile::Builder::new()
            .prefix(".new-")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir_in(folder)
            .with_context(|| format!("cannot make a folder in {}", folder.display()))?;
        Ok(Self { folder: folder.to_owned(), temporary })
    }

    pub fn folder(&self) -> &Path {
        self.temporary.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.temporary.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path(name);
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Gives a file of the generation a second name.
    pub fn link(&self, name: &str, second: &str) -> Result<()> {
        let context = || format!("cannot link {}", self.path(second).display());
        fs::hard_link(self.path(name), self.path(second)).with_context(context)
    }

    /// Gives the generation its number. Returns the number and the folder.
    pub fn publish(self) -> Result<(u64, PathBuf)> {
        let mut number = numbers(&self.folder).last().map_or(1, |last| last + 1);
        let from = self.temporary.keep();
        loop {
            let to = self.folder.join(number.to_string());
            match fs::rename(&from, &to) {
                Ok(()) => return Ok((number, to)),
                // Another link of this output was faster.
                Err(_) if to.exists() => number += 1,
                Err(error) => {
                    fs::remove_dir_all(&from).ok();
                    return Err(error).with_context(|| format!("cannot write {}", to.display()));
                }
            }
        }
    }
}

/// Takes a generation back whose output could not be written.
pub fn or_take_back<T>(folder: &Path, written: Result<T>) -> Result<T> {
    if written.is_err() {
        fs::remove_dir_all(folder).ok();
    }
    written
}
