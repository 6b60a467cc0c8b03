//! Where the programs under test and the tools they are compared with are found.
//!
//! - `UNFOLD_BIN_DIR`: the directory of `ld.unfold` and `unfold`. Without it they are looked for beside the
//!   test executables (`cargo test --release` after `cargo build --release`), then in the workspace's `target/release`.
//! - `UNFOLD_TEST_LINKER`: a linker to test in place of `ld.unfold`. Given GNU ld, it tests the tests: whatever
//!   does not depend on unfold's own reports must then pass too.

use crate::run::run_tool;
use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// A linker, and a directory in which it is called `ld`, as gcc's `-B` wants it.
#[derive(Debug)]
pub struct Linker {
    pub ld: PathBuf,
    pub search_dir: PathBuf,
}

/// GNU ld, whose output is the twin that everything is compared with.
pub fn gnu_linker() -> &'static Linker {
    static LINKER: OnceLock<Linker> = OnceLock::new();
    LINKER.get_or_init(|| {
        let ld = find_in_path("ld.bfd").expect("ld.bfd is installed (package binutils)");
        Linker::new("gnu", &ld)
    })
}

/// The linker under test.
pub fn tested_linker() -> &'static Linker {
    static LINKER: OnceLock<Linker> = OnceLock::new();
    LINKER.get_or_init(|| match env::var_os("UNFOLD_TEST_LINKER") {
        Some(ld) => Linker::new("stand-in", Path::new(&ld)),
        None => Linker::new("unfold", &built_program("ld.unfold")),
    })
}

/// The `unfold` command, or nothing when another linker stands in for ours.
///
/// Tests skip what only unfold has (`bake`, `status`, the variables that choose a pager) in that case.
pub fn unfold_command() -> Option<&'static Path> {
    static COMMAND: OnceLock<Option<PathBuf>> = OnceLock::new();
    COMMAND
        .get_or_init(|| env::var_os("UNFOLD_TEST_LINKER").is_none().then(|| built_program("unfold")))
        .as_deref()
}

/// Has the linker do what it does behind a link: relocate everything that an executable beside its index may touch.
pub fn complete_kept(app: &Path) -> Result<(), String> {
    run_tool(Command::new(&tested_linker().ld).arg("--unfold-complete").arg(newest_generation(app)?))
        .map(drop)
}

/// Has the linker do what it does behind a link of an executable that is not to settle.
pub fn complete_unsettled(app: &Path) -> Result<(), String> {
    let mut command = Command::new(&tested_linker().ld);
    command.arg("--unfold-complete").arg(newest_generation(app)?).arg(app);
    run_tool(command.env("UNFOLD_SETTLE", "off")).map(drop)
}

/// Has the linker do what it does behind a link, to the end: the executable becomes an ordinary one.
pub fn settle(app: &Path) -> Result<(), String> {
    let mut command = Command::new(&tested_linker().ld);
    run_tool(command.arg("--unfold-complete").arg(newest_generation(app)?).arg(app)).map(drop)?;
    is_settled(app)?.then_some(()).ok_or_else(|| format!("{} has not settled", app.display()))
}

/// Whether an executable of unfold's has become an ordinary one: its ELF header refers to the program's own headers.
pub fn is_settled(app: &Path) -> Result<bool, String> {
    let bytes = fs::read(app).map_err(|error| format!("{}: {error}", app.display()))?;
    Ok(bytes.get(32..40) == Some(&0x400u64.to_le_bytes()))
}

/// Waits until the executable that was just linked has become an ordinary one. Large ones do so behind the link, and what
/// debuggers see before that is another matter.
pub fn wait_until_settled(app: &Path) -> Result<(), String> {
    let start = std::time::Instant::now();
    while start.elapsed().as_secs() < 100 {
        if unfold_command().is_none() || is_settled(app)? {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Err(format!("{} does not settle", app.display()))
}

/// The newest generation of an executable beside its index.
pub fn newest_generation(app: &Path) -> Result<PathBuf, String> {
    let outputs = app.parent().unwrap_or(Path::new("")).join(".unfold/outputs");
    let list = |dir: &Path| -> Vec<PathBuf> {
        fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    };
    let name = format!("{}-", app.file_name().unwrap_or_default().to_string_lossy());
    let is_its = |dir: &&PathBuf| dir.file_name().is_some_and(|dir| dir.to_string_lossy().starts_with(&name));
    let number = |dir: &PathBuf| dir.file_name().and_then(|name| name.to_str()?.parse::<u64>().ok());
    let newest = list(&outputs)
        .iter()
        .find(is_its)
        .and_then(|output| list(output).into_iter().max_by_key(|generation| number(generation)))
        .ok_or_else(|| format!("{}: it has no generation", app.display()))?;
    Ok(newest)
}

/// Whether a compiler can be called at all.
pub fn is_installed(program: &str) -> bool {
    find_in_path(program).is_some()
}

/// Where tests build. It stays after a run, so that a failure can be looked at, and it is inside
/// cargo's target directory, so that `cargo clean` removes it.
pub fn scratch_root() -> PathBuf {
    profile_dir().parent().expect("a profile is inside the target directory").join("tmp/unfold-tests")
}

/// Removes a folder. In an index, a process behind a link may be at work: it goes on until it notices, or is done.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    loop {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            other => return other,
        }
    }
}

/// An empty directory for the trial of this name.
pub fn fresh_scratch(name: &str) -> Result<PathBuf, String> {
    let dir = scratch_root().join(name);
    match remove_folder(&dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(format!("{}: {error}", dir.display()));
        }
        _ => {}
    }
    fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    Ok(dir)
}

impl Linker {
    fn new(name: &str, ld: &Path) -> Linker {
        let search_dir = scratch_root().join(format!("linkers/{name}"));
        fs::create_dir_all(&search_dir).expect("the target directory is writable");
        // Another process may be testing with this very link, so it is replaced in one step.
        let new = search_dir.join(format!("ld.{}", std::process::id()));
        symlink(ld, &new).expect("the target directory is writable");
        fs::rename(&new, search_dir.join("ld")).expect("the target directory is writable");
        Linker { ld: ld.to_owned(), search_dir }
    }
}

fn built_program(name: &str) -> PathBuf {
    let candidates = match env::var_os("UNFOLD_BIN_DIR") {
        Some(dir) => vec![PathBuf::from(dir)],
        None => vec![profile_dir(), Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release")],
    };
    candidates
        .iter()
        .map(|dir| dir.join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("`{name}` is in none of {candidates:?}: run `cargo build --release` first"))
}

/// `target/release` for a test executable at `target/release/deps/e2e-0123`.
fn profile_dir() -> PathBuf {
    let test_executable = env::current_exe().expect("the kernel knows our path");
    test_executable.ancestors().nth(2).expect("cargo puts tests into deps/").to_owned()
}

fn find_in_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|dir| dir.join(program)).find(|file| {
        // rustup leaves proxies for tools that are not installed, so a file is not proof enough.
        file.is_file()
            && Command::new(file)
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
    })
}
