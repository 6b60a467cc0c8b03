//! Whether compilers find unfold as their linker, and whether its two commands are of one version.

use super::{Check, State};
use crate::{compiler, setup};
use std::path::Path;
use std::process::{Command, Stdio};

const PART: &str = "compilers";

/// From this version on, rustc brings a linker of its own on this target.
const RUSTC_WITH_LLD: (u32, u32) = (1, 90);

pub fn checks() -> Vec<Check> {
    let mut checks = vec![own_linker()];
    for name in ["gcc", "clang"] {
        checks.push(driver(name));
    }
    checks.push(rustc());
    checks
}

/// What a command prints, trimmed; `None`: it is not there, or fails.
fn output(command: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(command);
    let output = command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// `ld.unfold`, which has to be of the same version: it writes what this command reads.
fn own_linker() -> Check {
    let name = "ld.unfold";
    let ours = env!("CARGO_PKG_VERSION");
    let linker = match setup::linker() {
        Ok(linker) => linker,
        Err(error) => {
            return Check::new(PART, name, State::Wrong, format!("{error:#}"))
                .because("the two commands are installed side by side", "build or install both");
        }
    };
    let said = output(&linker, &["--version"]).unwrap_or_default();
    let version = said.lines().next().unwrap_or_default().split(' ').nth(1).unwrap_or_default();
    match version == ours {
        true => Check::new(PART, name, State::Good, format!("{}, version {ours}", linker.display())),
        false => {
            let text = format!("{} says it is version {version:?}, and this is {ours}", linker.display());
            Check::new(PART, name, State::Wrong, text)
                .because("they were built or installed at different times", "build or install both again")
        }
    }
}

/// The `ld` that a compiler driver would run.
fn driver(name: &str) -> Check {
    let Some(path) = compiler::find(name, Path::new("")) else {
        return Check::new(PART, name, State::Fact, "not installed");
    };
    let asked = output(&path, &["-print-prog-name=ld"]).unwrap_or_default();
    let linker = match Path::new(&asked) {
        path if path.is_absolute() => Some(path.to_owned()),
        path => path.to_str().and_then(|name| compiler::find(name, Path::new(""))),
    };
    let Some(linker) = linker else {
        return Check::new(PART, name, State::Fact, format!("{} finds no ld", path.display()))
            .because("none is installed", "unfold run -- COMMAND");
    };
    let said = output(&linker, &["--version"]).unwrap_or_default();
    let version = said.lines().next().unwrap_or_default();
    match version.starts_with("unfold ") {
        true => Check::new(PART, name, State::Good, format!("links with unfold ({})", linker.display())),
        false => Check::new(PART, name, State::Fact, format!("links with {} ({version})", linker.display()))
            .because(
                "nothing tells it otherwise",
                match name {
                    "clang" => "clang --ld-path=PATH/ld.unfold, or unfold run -- COMMAND",
                    _ => "gcc -BFOLDER, with a link called ld to ld.unfold in it, or unfold run -- COMMAND",
                },
            ),
    }
}

fn rustc() -> Check {
    let name = "rustc";
    let Some(path) = compiler::find(name, Path::new("")) else {
        return Check::new(PART, name, State::Fact, "not installed");
    };
    let Some(said) = output(&path, &["--version"]) else {
        return Check::new(PART, name, State::Fact, format!("{} cannot say its version", path.display()));
    };
    let numbers = said.split(' ').nth(1).unwrap_or_default();
    let mut parts = numbers.split('.').map(|part| part.parse().unwrap_or(0));
    let version: (u32, u32) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    let (text, cause) = match version >= RUSTC_WITH_LLD {
        true => (
            format!("{numbers} links with the lld that it brings"),
            "no linker is named; then -B and -fuse-ld of its own go before all others",
        ),
        false => (format!("{numbers} links with cc, and what that takes"), "no linker is named"),
    };
    let named = "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER";
    match std::env::var(named).ok().filter(|linker| !linker.is_empty()) {
        Some(linker) => {
            Check::new(PART, name, State::Fact, format!("{numbers} links with {linker} ({named})"))
        }
        None => Check::new(PART, name, State::Fact, text).because(
            cause,
            "unfold run -- cargo ..., or in .cargo/config.toml: linker = \"gcc\" and -Clink-arg=-BFOLDER",
        ),
    }
}
