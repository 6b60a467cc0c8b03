//! Hands a link to the system's linker, with the same arguments but for those that it does not know.

use crate::index::access;
use crate::say;
use crate::{args, trouble};
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Set for the system's linker: who finds it and hands on would do so for ever.
const GUARD: &str = "UNFOLD_HANDED_ON";

/// Becomes the system's linker. Returns only if there is none.
pub fn run(words: &[OsString], why: &str, verbose: bool) -> ExitCode {
    trouble::take_limits_as_signals();
    access::as_it_was();
    let Some(linker) = find() else {
        say!(
            "ld.unfold: error: {why}: unfold hands this to the system's linker, but finds none in PATH \
             (set UNFOLD_SYSTEM_LD)"
        );
        return ExitCode::FAILURE;
    };
    if std::env::var_os(GUARD).is_some() {
        say!(
            "ld.unfold: error: {why}: unfold hands this to the system's linker, but the `ld` in PATH is unfold again \
             (set UNFOLD_SYSTEM_LD)"
        );
        return ExitCode::FAILURE;
    }
    if verbose {
        say!("ld.unfold: {why}: handed to {}", linker.display());
    }
    let known = match args::for_system_linker(words) {
        Ok(known) => known,
        Err(error) => {
            say!("ld.unfold: error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let error = match known {
        None => Command::new(&linker).args(words).env(GUARD, "1").exec(),
        Some(known) => match run_with_response_file(&linker, &known) {
            Ok(status) => return status,
            Err(error) => error,
        },
    };
    say!("ld.unfold: error: cannot run {}: {error}", linker.display());
    ExitCode::FAILURE
}

/// What was a response file may be too long for a command line.
fn run_with_response_file(linker: &Path, words: &[OsString]) -> std::io::Result<ExitCode> {
    let mut file = tempfile::NamedTempFile::new()?;
    for word in words {
        let mut quoted = Vec::new();
        for byte in word.as_bytes() {
            if byte.is_ascii_whitespace() || b"'\"\\".contains(byte) {
                quoted.push(b'\\');
            }
            quoted.push(*byte);
        }
        let empty: &[u8] = if quoted.is_empty() { b"''" } else { b"" };
        file.write_all(&[&quoted, empty, b"\n"].concat())?;
    }
    let mut response = OsString::from("@");
    response.push(file.path());
    let status = Command::new(linker).arg(response).env(GUARD, "1").status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
