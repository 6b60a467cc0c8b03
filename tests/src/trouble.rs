//! What goes wrong around a link: full and coarse file systems, limits, and a linker that is killed.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::project::Project;
use crate::run::{Outcome, ending_of, run, run_tool};
use crate::tools::{scratch_root, tested_linker};

/// A file system that is mounted while this lives.
pub struct Mounted {
    at: PathBuf,
}

impl Mounted {
    /// A file system in memory of this many bytes; nothing where mounting is not allowed.
    pub fn memory(at: &Path, bytes: u64) -> Option<Mounted> {
        mount("tmpfs", at, "tmpfs", 0, &format!("size={bytes}"))
    }

    /// `at` once more, over itself, where nobody can write; nothing where mounting is not allowed.
    pub fn read_only(at: &Path) -> Option<Mounted> {
        let name = at.to_str().expect("paths of tests are text");
        let mounted = mount(name, at, "none", libc::MS_BIND, "")?;
        let again = mount(name, at, "none", libc::MS_BIND | libc::MS_REMOUNT | libc::MS_RDONLY, "")?;
        // It is one mount.
        std::mem::forget(again);
        Some(mounted)
    }

    /// A file system whose times are whole seconds; nothing where that cannot be had.
    pub fn coarse(at: &Path) -> Option<Mounted> {
        let image = at.with_extension("ext2");
        let file = fs::File::create(&image).ok()?;
        file.set_len(64 << 20).ok()?;
        // Only inodes of 256 bytes have room for fractions of seconds.
        let mut make = Command::new("/sbin/mke2fs");
        run_tool(make.args(["-q", "-F", "-I", "128", "-O", "^has_journal"]).arg(&image)).ok()?;
        fs::create_dir_all(at).ok()?;
        run_tool(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(at)).ok()?;
        Some(Mounted { at: at.to_owned() })
    }
}

fn mount(source: &str, at: &Path, kind: &str, flags: u64, data: &str) -> Option<Mounted> {
    fs::create_dir_all(at).ok()?;
    let word = |bytes: &[u8]| CString::new(bytes).expect("there is no zero in it");
    let (source, kind, data) = (word(source.as_bytes()), word(kind.as_bytes()), word(data.as_bytes()));
    let target = word(at.as_os_str().as_bytes());
    // SAFETY: C strings that live until the call returns.
    let result =
        unsafe { libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags, data.as_ptr().cast()) };
    (result == 0).then(|| Mounted { at: at.to_owned() })
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let target = CString::new(self.at.as_os_str().as_bytes()).expect("there is no zero in it");
        // SAFETY: a C string. What still has files open there keeps them.
        unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH) };
    }
}

/// The words with which the compiler calls the linker, so that a test can call it alone, and kill it.
pub fn words_for_linker(project: &Project, words: &[&str]) -> Vec<String> {
    static CAPTURE: OnceLock<PathBuf> = OnceLock::new();
    let dir = CAPTURE.get_or_init(|| {
        let dir = scratch_root().join("linkers/capture");
        fs::create_dir_all(&dir).expect("the target directory is writable");
        let script = dir.join(format!("ld.{}", std::process::id()));
        let text = "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$UNFOLD_CAPTURE\"\n";
        fs::write(&script, text).expect("the target directory is writable");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("the script is ours");
        fs::rename(&script, dir.join("ld")).expect("the target directory is writable");
        dir
    });
    let list = project.path("words-for-linker");
    let mut command = Command::new("gcc");
    command.current_dir(project.path("")).env("UNFOLD_CAPTURE", &list);
    command.arg(format!("-B{}", dir.display())).arg("-fno-lto").args(words);
    run_tool(&mut command).unwrap_or_else(|error| panic!("{error}"));
    let text = fs::read_to_string(&list).expect("the script has written it");
    text.lines().map(str::to_owned).collect()
}

/// The linker under test with these words, in the project's folder and a clean environment.
pub fn linker(project: &Project, words: &[String]) -> Command {
    let mut command = Command::new(&tested_linker().ld);
    command.current_dir(project.path("")).args(words).env("LC_ALL", "C");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("UNFOLD_") {
            command.env_remove(name);
        }
    }
    // What it leaves is the link's own, and not what a process behind it does meanwhile.
    command.env("UNFOLD_SETTLE", "off");
    command
}

/// Runs a command to its end.
pub fn outcome(command: &mut Command) -> Outcome {
    run(command, b"").unwrap_or_else(|error| panic!("{error}"))
}

/// Starts a command and kills it after this long. Whether it had ended by then.
pub fn run_and_kill(command: &mut Command, after: Duration) -> bool {
    let start = Instant::now();
    let mut child: Child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the linker can be started");
    while start.elapsed() < after {
        std::hint::spin_loop();
    }
    child.kill().expect("our own child can be killed");
    let status = child.wait().expect("our own child can be waited for");
    matches!(ending_of(status), crate::directives::Ending::Exit(_))
}

/// Lets a command write no file longer than this.
pub fn limit_files(command: &mut Command, bytes: u64) {
    let limit = move || {
        let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
        // SAFETY: a pointer to our own value.
        match unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &limit) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    // SAFETY: one system call between fork and exec.
    unsafe { command.pre_exec(limit) };
}

/// All files and folders below `dir`, in an order that does not depend on the file system.
pub fn all_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(dir) else { return found };
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(all_below(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

/// Bytes on disk of everything below `dir`; a file with several names counts once.
pub fn disk_use(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let mut seen = std::collections::HashSet::new();
    let metadata = all_below(dir).into_iter().filter_map(|path| fs::symlink_metadata(path).ok());
    metadata.filter(|m| seen.insert((m.dev(), m.ino()))).map(|m| m.blocks() * 512).sum()
}

/// Files that links and launches write under temporary names.
pub fn temporary_files(dir: &Path) -> Vec<PathBuf> {
    let is_temporary = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        [".new-", ".unfold-", "log."].iter().any(|start| name.starts_with(start))
    };
    all_below(dir).into_iter().filter(is_temporary).collect()
}
