//! A compiler driver under `unfold run`: the real one, with its choice of linker replaced.

use indexer::say;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Drivers that are replaced.
pub const NAMES: [&str; 6] = ["cc", "c++", "gcc", "g++", "clang", "clang++"];

/// Variable that names the folder of the replacements.
pub const FOLDER: &str = "UNFOLD_RUN_FOLDER";

/// Name of that folder, in the user's cache.
pub const FOLDER_NAME: &str = "unfold-run";

/// The driver that this program was called as, through a link of `unfold run`.
pub fn called_as() -> Option<String> {
    let name = std::env::args_os().next()?;
    let name = Path::new(&name).file_name()?.to_str()?.to_owned();
    NAMES.contains(&name.as_str()).then_some(name)
}

/// The first program called `name` in PATH that is not in `folder`.
pub fn find(name: &str, folder: &Path) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter(|dir| dir != folder)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

/// Becomes the real driver.
pub fn run(name: &str) -> ExitCode {
    // Without the variable it is a later build, whose configuration remembers us: it gets the real driver as
    // it is.
    let running = std::env::var_os(FOLDER);
    let called = std::env::args_os().next().unwrap_or_default();
    let folder = running
        .as_ref()
        .map_or_else(|| Path::new(&called).parent().unwrap_or(Path::new("")).to_owned(), PathBuf::from);
    let Some(real) = find(name, &folder) else {
        say!("unfold run: cannot find {name} in PATH");
        return ExitCode::from(127);
    };
    let given = std::env::args_os().skip(1);
    let arguments = if running.is_some() { replaced(given, &folder) } else { given.collect() };
    let error = Command::new(&real).args(arguments).exec();
    say!("unfold run: cannot run {}: {error}", real.display());
    ExitCode::from(127)
}

/// The arguments without a choice of linker, and with ours if there was one. A driver without such a choice
/// finds our `ld` through COMPILER_PATH.
fn replaced(arguments: impl Iterator<Item = OsString>, folder: &Path) -> Vec<OsString> {
    let chooses = |word: &OsStr| {
        let bytes = word.as_bytes();
        bytes.starts_with(b"-fuse-ld=")
            || bytes.starts_with(b"--ld-path=")
            || (bytes.starts_with(b"-B") && bytes.ends_with(b"gcc-ld"))
    };
    let (chosen, mut rest): (Vec<_>, Vec<_>) = arguments.partition(|word| chooses(word));
    if !chosen.is_empty() {
        let mut ours = OsString::from("-B");
        ours.push(folder);
        rest.push(ours);
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_of_rustc_is_replaced() {
        let words = ["-m64", "a.o", "-fuse-ld=lld", "-B/x/gcc-ld", "-o", "a"].map(OsString::from);
        let replaced = replaced(words.into_iter(), Path::new("/ours"));
        assert_eq!(replaced, ["-m64", "a.o", "-o", "a", "-B/ours"].map(OsString::from));
        let compile = ["-c", "a.c"].map(OsString::from);
        assert_eq!(super::replaced(compile.clone().into_iter(), Path::new("/ours")), compile);
    }
}
