//! What the file systems of an output and its index can do, by trying it with small files there.

use super::{Check, State};
use indexer::index::opened::Executable;
use indexer::index::{FOLDER, access};
use loader::measure;
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const PART: &str = "files";

/// A file system, as `/proc/self/mountinfo` has it.
struct Mount {
    point: PathBuf,
    kind: String,
    options: String,
}

/// The folder of outputs, and the folder of the index, or where it would be.
pub fn checks(path: Option<&Path>) -> Vec<Check> {
    let path = path.unwrap_or(Path::new("."));
    let (folder, index) = match Executable::or_library(path) {
        Ok(executable) => {
            let folder =
                path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            (folder.to_owned(), executable.folder.join("../../.."))
        }
        Err(_) => (path.to_owned(), index_below(path)),
    };
    let Ok(folder) = folder.canonicalize() else {
        let text = format!("{} is no folder and no program of unfold's", path.display());
        return vec![
            Check::new(PART, "folder", State::Wrong, text).because("it cannot be opened", "name another one"),
        ];
    };
    let index = index.canonicalize().unwrap_or_else(|_| folder.clone());
    let mounts = mounts();
    let mut checks = vec![of_mount("output", &folder, &mounts), of_mount("index", &index, &mounts)];
    if index != folder
        && let Err(error) = access::check(&index)
    {
        checks.push(Check::new(PART, "owner of the index", State::Wrong, format!("{error:#}")).because(
            "what is in an index is executed: nobody else may be able to write it",
            "remove it and link again, or name another one (UNFOLD_INDEX)",
        ));
    }
    match tempfile::Builder::new().prefix(".new-").tempdir_in(&index) {
        Ok(scratch) => checks.extend(by_trying(scratch.path(), &folder)),
        Err(error) => checks.push(
            Check::new(
                PART,
                "writing",
                State::Wrong,
                format!("cannot write into {}: {error}", index.display()),
            )
            .because(
                "links write there, and launches keep chunks",
                "name an index elsewhere when linking (UNFOLD_INDEX)",
            ),
        ),
    }
    checks
}

fn index_below(path: &Path) -> PathBuf {
    match std::env::var_os("UNFOLD_INDEX").filter(|index| !index.is_empty()) {
        Some(index) => PathBuf::from(index),
        None => path.join(FOLDER),
    }
}

fn mounts() -> Vec<Mount> {
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    text.lines().filter_map(mount).collect()
}

/// A line (proc_pid_mountinfo(5)): numbers, root, mount point, options, fields, a dash, type.
fn mount(line: &str) -> Option<Mount> {
    let (left, right) = line.split_once(" - ")?;
    let mut words = left.split(' ').skip(4);
    let point = words.next()?.replace("\\040", " ");
    let options = words.next()?.to_owned();
    Some(Mount { point: point.into(), kind: right.split(' ').next()?.to_owned(), options })
}

/// The kind of file system that a folder is on.
fn of_mount(name: &str, folder: &Path, mounts: &[Mount]) -> Check {
    let found = mounts.iter().filter(|mount| folder.starts_with(&mount.point));
    // Of two at one place the later one is seen.
    let found = found.max_by_key(|mount| mount.point.as_os_str().as_bytes().len());
    let shown = folder.display();
    let Some(Mount { kind, options, .. }) = found else {
        return Check::new(PART, name, State::Fact, format!("{shown}: file system not known"));
    };
    let has = |option: &str| options.split(',').any(|word| word == option);
    let text = format!("{shown}: {kind}");
    match kind.as_str() {
        _ if has("ro") => Check::new(PART, name, State::Slow, format!("{text}, read-only"))
            .because("nothing can be kept there for the next launch", "mount it writable, or link elsewhere"),
        _ if has("noexec") => Check::new(PART, name, State::Wrong, format!("{text}, mounted noexec"))
            .because("neither programs nor kept chunks can be executed from there", "use another folder"),
        kind if kind.starts_with("nfs")
            || matches!(kind, "cifs" | "smb3" | "9p" | "virtiofs")
            || kind.starts_with("fuse") =>
        {
            Check::new(PART, name, State::Slow, format!("{text}, over a network or another process")).because(
                "each first use of a page asks the other side",
                "put the index on a disk of this machine (UNFOLD_INDEX)",
            )
        }
        "vfat" | "exfat" | "msdos" => {
            Check::new(PART, name, State::Wrong, format!("{text}, without hard links"))
                .because("generations share files by hard links", "use another folder, or UNFOLD_INDEX")
        }
        _ => Check::new(PART, name, State::Good, text),
    }
}

fn by_trying(scratch: &Path, output: &Path) -> Vec<Check> {
    let mut checks = Vec::new();
    let file = scratch.join("a");
    let written = File::create(&file).and_then(|mut file| file.write_all(&[7; 8192]));
    if let Err(error) = written {
        return vec![
            Check::new(PART, "writing", State::Wrong, format!("cannot write: {error}"))
                .because("the disk is full, or the quota", "make room"),
        ];
    }
    checks.push(match fs::hard_link(&file, scratch.join("b")) {
        Ok(()) => Check::new(PART, "hard links", State::Good, "the index can share files"),
        Err(error) => Check::new(PART, "hard links", State::Wrong, format!("refused: {error}"))
            .because("generations share files by hard links", "put the index elsewhere (UNFOLD_INDEX)"),
    });
    let device = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.dev());
    if device(scratch) != device(output) {
        checks.push(
            Check::new(
                PART,
                "two file systems",
                State::Slow,
                "output and index are on different file systems",
            )
            .because(
                "objects that a compiler deletes cannot be held by links for their debug information",
                "put the index beside the output",
            ),
        );
    }
    checks.push(Check::new(
        PART,
        "reflink",
        State::Fact,
        match reflink(&file, &scratch.join("c")) {
            Ok(()) => "files can share blocks".to_owned(),
            Err(text) => format!("no: {text}; not needed"),
        },
    ));
    checks.push(Check::new(
        PART,
        "lease",
        State::Fact,
        match File::open(&file).map(|file| measure::lease(file.as_raw_fd())) {
            Ok(Ok(())) => "F_SETLEASE works".to_owned(),
            Ok(Err(refused)) => {
                format!("no: {}; not needed", std::io::Error::from_raw_os_error(-refused.error as i32))
            }
            Err(error) => format!("not known: {error}"),
        },
    ));
    checks.push(clock(&file));
    checks
}

fn reflink(from: &Path, to: &Path) -> Result<(), String> {
    let open = || Ok::<_, std::io::Error>((File::open(from)?, File::create(to)?));
    let (from, to) = open().map_err(|error| error.to_string())?;
    measure::share_blocks(to.as_raw_fd(), from.as_raw_fd())
        .map_err(|refused| std::io::Error::from_raw_os_error(-refused.error as i32).to_string())
}

/// The tick of the clock that files get their times from: the shortest of some steps.
fn clock(file: &Path) -> Check {
    const STEPS: usize = 5;
    const PATIENCE: Duration = Duration::from_millis(2500);
    let name = "clock of files";
    let now = || {
        let mut file = File::options().append(true).open(file).ok()?;
        file.write_all(b"x").ok()?;
        let metadata = file.metadata().ok()?;
        Some(metadata.mtime() as i128 * 1_000_000_000 + i128::from(metadata.mtime_nsec()))
    };
    let start = Instant::now();
    let (mut last, mut steps) = (now(), Vec::new());
    while steps.len() < STEPS && start.elapsed() < PATIENCE {
        let next = now();
        if let (Some(next), Some(before)) = (next, last)
            && next > before
        {
            steps.push((next - before) as u64);
        }
        last = next;
    }
    let Some(least) = steps.iter().min() else {
        return Check::new(PART, name, State::Slow, format!("no tick within {} s", PATIENCE.as_secs_f32()))
            .because(
                "the file system counts in whole seconds, or its clock stands still",
                "links compare the contents of files that were just written; another file system saves that",
            );
    };
    match least {
        ..100_000_000 => {
            Check::new(PART, name, State::Good, format!("ticks of {} us or less", least.div_ceil(1000)))
        }
        _ => Check::new(PART, name, State::Slow, format!("ticks of {} ms", least / 1_000_000)).because(
            "a file that was just written may be written again and look the same",
            "links compare the contents of such files; another file system saves that",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_mounts() {
        let line = "36 35 98:0 /mnt1 /mnt\\040two rw,noatime master:1 - ext3 /dev/root rw,errors=continue";
        let found = mount(line).expect("a mount");
        assert_eq!((found.point.as_path(), found.kind.as_str()), (Path::new("/mnt two"), "ext3"));
        assert!(mount("nonsense").is_none());
        let check = of_mount("index", Path::new("/mnt two/x"), &[found]);
        assert_eq!(check.state, State::Good);
    }

    #[test]
    fn what_cannot_be_executed_is_wrong() {
        let found = mount("1 1 0:1 / / rw,noexec - tmpfs tmpfs rw").expect("a mount");
        assert_eq!(of_mount("index", Path::new("/tmp"), &[found]).state, State::Wrong);
        let found = mount("1 1 0:1 / / rw - nfs4 host:/x rw").expect("a mount");
        assert_eq!(of_mount("index", Path::new("/tmp"), &[found]).state, State::Slow);
    }
}
