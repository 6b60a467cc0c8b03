//! `unfold run -- COMMAND`: everything linked below the command is linked by unfold, and the build is not
//! changed.
//!
//! gcc and clang look for `ld` in COMPILER_PATH. rustc asks `cc` for a linker of its own choice, so compilers
//! are also found through a folder of ours at the head of PATH ([`crate::compiler`]).

use crate::compiler;
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

pub fn run(command: &[OsString]) -> Result<ExitCode> {
    let linker = linker()?;
    let folder = folder()?;
    let link = |target: &Path, name: &str| {
        let path = folder.join(name);
        if fs::read_link(&path).is_ok_and(|old| old == target) {
            return Ok(());
        }
        fs::remove_file(&path).ok();
        match symlink(target, &path) {
            // Another run has just made it.
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
        .with_context(|| format!("cannot make {}", path.display()))
    };
    link(&linker, "ld")?;
    let own = std::env::current_exe().context("cannot find this program")?;
    for name in compiler::NAMES {
        if compiler::find(name, &folder).is_some() {
            link(&own, name)?;
        }
    }
    let mut child = Command::new(&command[0]);
    child.args(&command[1..]);
    for variable in ["COMPILER_PATH", "PATH"] {
        let old = std::env::var_os(variable).unwrap_or_default();
        let paths = std::iter::once(folder.clone()).chain(std::env::split_paths(&old));
        let joined = std::env::join_paths(paths.filter(|path| !path.as_os_str().is_empty()))
            .with_context(|| format!("{variable} has a path with a colon"))?;
        child.env(variable, joined);
    }
    child.env(compiler::FOLDER, &folder);
    let status = child.status().with_context(|| format!("cannot run {}", command[0].to_string_lossy()))?;
    // As a shell has it: a signal is a status above 128.
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Ok(ExitCode::from(code as u8))
}

/// The folder of our links. It stays: configure scripts and CMake remember where they found their compiler.
fn folder() -> Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set")?;
    let folder = cache.join(compiler::FOLDER_NAME);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    Ok(folder)
}

/// `ld.unfold`, beside this program.
pub fn linker() -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot find this program")?;
    let folder = own.parent().unwrap_or(Path::new("/"));
    ["ld.unfold", "ld-unfold"]
        .map(|name| folder.join(name))
        .into_iter()
        .find(|path| path.exists())
        .with_context(|| format!("cannot find ld.unfold beside {}", own.display()))
}
