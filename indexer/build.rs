//! Compiles the stub that `ld.unfold` embeds: freestanding, static-PIE, without libc.
//!
//! The compiler is called directly, and not through a second cargo: the stub and what it uses have no
//! dependencies, and a user's RUSTFLAGS (another linker, say) are not meant for it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

const COMMON: &[&str] = &[
    "--edition=2024",
    "--target=x86_64-unknown-linux-gnu",
    "-Copt-level=3",
    "-Cpanic=abort",
    "-Crelocation-model=pic",
    "-Ccodegen-units=1",
    "-Cdebuginfo=0",
    // Overflow wraps, as in release builds; the stub has no use for backtraces.
    "-Cforce-unwind-tables=no",
];

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("..");
    for folder in ["shared/src", "loader/src"] {
        println!("cargo::rerun-if-changed={}", root.join(folder).display());
    }
    println!("cargo::rerun-if-changed=build.rs");
    library(&root.join("shared/src/lib.rs"), "shared", &[], &out);
    library(&root.join("loader/src/lib.rs"), "loader", &["--extern=shared"], &out);
    let stub = out.join("stub");
    run(rustc(&out)
        .arg(root.join("loader/src/main.rs"))
        .args([
            "--extern=loader",
            "--crate-name=stub",
            "--crate-type=bin",
            "-Clinker=cc",
            "-Clinker-features=-lld",
        ])
        .args(["-Clink-arg=-nostdlib", "-Clink-arg=-nostartfiles", "-Clink-arg=-static-pie"])
        .args(["-Clink-arg=-Wl,--no-dynamic-linker,-z,norelro,-z,noexecstack,--build-id=none,--gc-sections"])
        .args(["-Clink-arg=-Wl,-z,max-page-size=4096,-z,separate-code", "-Cstrip=symbols"])
        .arg("-o")
        .arg(&stub));
    println!("cargo::rustc-env=UNFOLD_STUB={}", stub.display());
    name_the_linker(&out);
}

/// The command is called `ld.unfold`, and no crate can be: so that name is a link beside the binary.
fn name_the_linker(out: &Path) {
    // OUT_DIR is `<profile>/build/<package>/out`.
    let Some(profile) = out.ancestors().nth(3) else { return };
    let name = profile.join("ld.unfold");
    if std::fs::read_link(&name).is_ok_and(|target| target == Path::new("ld-unfold")) {
        return;
    }
    std::fs::remove_file(&name).ok();
    std::os::unix::fs::symlink("ld-unfold", &name)
        .unwrap_or_else(|error| panic!("cannot make {}: {error}", name.display()));
}

fn rustc(out: &Path) -> Command {
    let mut command = Command::new(env::var_os("RUSTC").expect("cargo sets RUSTC"));
    command.args(COMMON).arg("-L").arg(out);
    command
}

fn library(source: &Path, name: &str, uses: &[&str], out: &Path) {
    run(rustc(out)
        .arg(source)
        .args(uses)
        .arg(format!("--crate-name={name}"))
        .args(["--crate-type=rlib", "-o"])
        .arg(out.join(format!("lib{name}.rlib"))));
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(status.success(), "failed: {command:?}");
}
