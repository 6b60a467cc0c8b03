//! `unfold run -- COMMAND`: everything linked below the command is linked by unfold, and the build is not
//! changed.
//!
//! gcc and clang look for `ld` in COMPILER_PATH. rustc asks `cc` for a linker of its own choice, so compilers
//! are also found through a folder of ours at the head of PATH ([`crate::compiler`]).

use crate::compiler;
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

pub fn run(command: &[OsString]) -> Result<ExitCode> {
    let linker = linker()?;
    let folder = tempfile::Builder::new().prefix("unfold-run-").tempdir().context("cannot make a folder")?;
    let link = |target: &Path, name: &str| {
        symlink(target, folder.path().join(name)).with_context(|| format!("cannot make a link called {name}"))
    };
    link(&linker, "ld")?;
    let own = std::env::current_exe().context("cannot find this program")?;
    for name in compiler::NAMES {
        if compiler::find(name, folder.path()).is_some() {
            link(&own, name)?;
        }
    }
    let mut child = Command::new(&command[0]);
    child.args(&command[1..]);
    for variable in ["COMPILER_PATH", "PATH"] {
        let old = std::env::var_os(variable).unwrap_or_default();
        let paths = std::iter::once(folder.path().to_owned()).chain(std::env::split_paths(&old));
        let joined = std::env::join_paths(paths.filter(|path| !path.as_os_str().is_empty()))
            .with_context(|| format!("{variable} has a path with a colon"))?;
        child.env(variable, joined);
    }
    child.env(compiler::FOLDER, folder.path());
    let status = child.status().with_context(|| format!("cannot run {}", command[0].to_string_lossy()))?;
    // As a shell has it: a signal is a status above 128.
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Ok(ExitCode::from(code as u8))
}

/// `ld.unfold`, beside this program.
fn linker() -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot find this program")?;
    let folder = own.parent().unwrap_or(Path::new("/"));
    ["ld.unfold", "ld-unfold"]
        .map(|name| folder.join(name))
        .into_iter()
        .find(|path| path.exists())
        .with_context(|| format!("cannot find ld.unfold beside {}", own.display()))
}
