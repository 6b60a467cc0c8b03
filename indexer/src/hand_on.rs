//! Hands a link to the system's linker, with the same arguments.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Becomes the system's linker. Returns only if there is none.
pub fn run(words: &[OsString], why: &str, verbose: bool) -> ExitCode {
    let Some(linker) = find() else {
        eprintln!(
            "ld.unfold: error: {why}: unfold hands this to the system's linker, but finds none in PATH \
             (set UNFOLD_SYSTEM_LD)"
        );
        return ExitCode::FAILURE;
    };
    if verbose {
        eprintln!("ld.unfold: {why}: handed to {}", linker.display());
    }
    // Options of ours mean nothing there.
    let ours = |word: &&OsString| {
        let word = word.to_string_lossy();
        !(word.starts_with("--unfold-index=") || word == "--time" || word == "--explain")
    };
    let error = Command::new(&linker).args(words.iter().filter(ours)).exec();
    eprintln!("ld.unfold: error: cannot run {}: {error}", linker.display());
    ExitCode::FAILURE
}

/// `UNFOLD_SYSTEM_LD`, or the first `ld` in PATH that is not we.
fn find() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("UNFOLD_SYSTEM_LD").filter(|path| !path.is_empty()) {
        return Some(named.into());
    }
    let own = std::env::current_exe().ok()?.canonicalize().ok()?;
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    std::env::split_paths(&path)
        .flat_map(|dir| [dir.join("ld.bfd"), dir.join("ld")])
        .find(|path| path.canonicalize().is_ok_and(|real| real != own && real.is_file()))
}
