//! A file that was made anew gets the places of another one, with all that was said of that one: owner, mode, time,
//! capabilities, access lists. Somebody may change or execute the other one at any moment: then it keeps its places.

use crate::emit;
use crate::lease::Held;
use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use rustix::fs::{XattrFlags, lgetxattr, listxattr, llistxattr, removexattr, setxattr};
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

/// The lists of names, and values, are no longer than this (xattr(7)).
const MOST: usize = 64 << 10;

/// The access list, which a file may also get from its folder (acl(5)).
const ACCESS_LIST: &[u8] = b"system.posix_acl_access";

/// What the kernel says of a file's contents, which are others (Documentation/ABI/testing/ima_policy).
const OF_CONTENTS: [&[u8]; 2] = [b"security.ima", b"security.evm"];

/// Gives the file `made` what is said of the one at `path`. An error if the user may not say all of it.
pub fn adopt(made: &Path, path: &Path, old: &Metadata) -> Result<()> {
    let context = || format!("cannot give {} what {} has", made.display(), path.display());
    let file = File::open(made).with_context(context)?;
    let mine = file.metadata().with_context(context)?;
    // In this order: a new owner takes set-user-ID and capabilities away.
    if (mine.uid(), mine.gid()) != (old.uid(), old.gid()) {
        chown(made, Some(old.uid()), Some(old.gid())).with_context(context)?;
    }
    file.set_permissions(old.permissions()).with_context(context)?;
    adopt_attributes(made, path).with_context(context)?;
    // Not newer than what was made of it since.
    file.set_modified(old.modified().with_context(context)?).with_context(context)
}

/// Extended attributes: capabilities, access lists, labels, and what users have noted (xattr(7)).
fn adopt_attributes(made: &Path, path: &Path) -> rustix::io::Result<()> {
    let mut names = vec![0; MOST];
    let mut value = vec![0; MOST];
    let len = match llistxattr(path, &mut names[..]) {
        // A file system without any.
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => return Ok(()),
        len => len?,
    };
    let mut has_list = false;
    for name in names[..len].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        if OF_CONTENTS.contains(&name) {
            continue;
        }
        has_list |= name == ACCESS_LIST;
        let len = match lgetxattr(path, name, &mut value[..]) {
            // It has gone since.
            Err(rustix::io::Errno::NODATA) => continue,
            len => len?,
        };
        let mut own = vec![0; MOST];
        let same = lgetxattr(made, name, &mut own[..]).is_ok_and(|own_len| own[..own_len] == value[..len]);
        if !same {
            setxattr(made, name, &value[..len], XattrFlags::empty())?;
        }
    }
    let len = listxattr(made, &mut names[..])?;
    if !has_list && names[..len].split(|byte| *byte == 0).any(|name| name == ACCESS_LIST) {
        removexattr(made, ACCESS_LIST)?;
    }
    Ok(())
}

/// A name of `made` beside each of the places that it is to have; copies on other file systems.
pub fn names(
    made: &Path,
    places: Vec<PathBuf>,
    old: &Metadata,
) -> Result<Vec<(tempfile::TempPath, PathBuf)>> {
    let name = |place: PathBuf| -> Result<_> {
        let name = emit::temporary(&place)?.into_temp_path();
        fs::remove_file(&name).ok();
        if fs::hard_link(made, &name).is_err() {
            fs::copy(made, &name).with_context(|| format!("cannot write beside {}", place.display()))?;
            adopt(&name, &place, old)?;
        }
        Ok((name, place))
    };
    places.into_iter().map(name).collect()
}

/// Exchanges the files of all names with those in their places, which are `old` and go. Returns whether it did: not, if
/// one of them has become another one, or if somebody waits for the lease. He has found the file that was there under its
/// name, and is to keep both.
pub fn exchange(
    names: Vec<(tempfile::TempPath, PathBuf)>,
    old: &Metadata,
    lease: Option<&Held>,
) -> Result<bool> {
    let is_free = || lease.is_none_or(|lease| !lease.is_awaited());
    let is_old = |path: &Path| fs::symlink_metadata(path).is_ok_and(|now| is_same(&now, old));
    let is_unchanged = |path: &Path| {
        let time = |file: &Metadata| (file.ctime(), file.ctime_nsec());
        fs::symlink_metadata(path).is_ok_and(|now| is_same(&now, old) && time(&now) == time(old))
    };
    if !is_free() || !names.iter().all(|(_, place)| is_unchanged(place)) {
        return Ok(false);
    }
    let swap = |(name, place): &(tempfile::TempPath, PathBuf)| {
        let name: &Path = name;
        renameat2(AT_FDCWD, name, AT_FDCWD, place.as_path(), RenameFlags::RENAME_EXCHANGE)
    };
    let mut done = 0;
    let mut outcome = Ok(());
    for both in &names {
        outcome = swap(both);
        if outcome.is_err() {
            break;
        }
        done += 1;
    }
    if done == 0 && matches!(outcome, Err(Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP)) {
        // A file system that can only replace: nobody was waiting a moment ago.
        for (name, place) in names {
            let context = || format!("cannot replace {}", place.display());
            name.persist(&place).map_err(|error| error.error).with_context(context)?;
        }
        return Ok(true);
    }
    if outcome.is_ok() && is_free() && names.iter().all(|(name, _)| is_old(name)) {
        return Ok(true);
    }
    // What is there under both names may have changed again, but hardly within a moment.
    names[..done].iter().rev().for_each(|both| swap(both).unwrap_or_default());
    outcome
        .map(|()| false)
        .map_err(io::Error::from)
        .with_context(|| format!("cannot replace {}", names[done.min(names.len() - 1)].1.display()))
}

/// Whether this is a file as it was, but for its time of change, which names have their part in.
fn is_same(now: &Metadata, old: &Metadata) -> bool {
    let of = |file: &Metadata| {
        let is = (file.dev(), file.ino(), file.size(), file.mtime(), file.mtime_nsec());
        (is, (file.mode(), file.uid(), file.gid()))
    };
    of(now) == of(old)
}

#[cfg(test)]
#[expect(clippy::print_stderr, reason = "a test says what it could not try")]
mod tests {
    use super::{exchange, names};
    use crate::lease::{self, Lease};
    use std::fs;
    use std::path::Path;
    use std::process::{Command, Stdio};

    /// Two programs, the second of which is to replace the first.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::copy("/bin/cat", folder.path().join("app")).expect("it can be copied");
        fs::copy("/bin/true", folder.path().join("made")).expect("it can be copied");
        folder
    }

    fn inode(path: &Path) -> u64 {
        std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).expect("it is there"))
    }

    #[test]
    fn who_begins_to_run_it_keeps_file_and_name() {
        let folder = folder();
        let (app, made) = (folder.path().join("app"), folder.path().join("made"));
        let old = fs::metadata(&app).expect("it is there");
        let Ok(Lease::Taken(lease)) = lease::take(&app) else {
            return eprintln!("not tested: no leases here");
        };
        let ready = names(&made, vec![app.clone()], &old).expect("the folder can be written");
        assert!(!lease.is_awaited());
        let path = app.clone();
        let start = std::thread::spawn(move || {
            Command::new(path).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it can be run")
        });
        while !lease.is_awaited() {
            std::thread::yield_now();
        }
        assert!(!exchange(ready, &old, Some(&lease)).expect("it can be tried"));
        drop(lease);
        let mut program = start.join().expect("it has started");
        assert_eq!(fs::read_link(format!("/proc/{}/exe", program.id())).expect("it runs"), app);
        drop(program.stdin.take());
        assert!(program.wait().expect("it ends").success());
        assert_eq!(inode(&app), std::os::unix::fs::MetadataExt::ino(&old));
    }

    #[test]
    fn what_another_has_put_there_stays() {
        let folder = folder();
        let (app, made) = (folder.path().join("app"), folder.path().join("made"));
        let old = fs::metadata(&app).expect("it is there");
        let ready = names(&made, vec![app.clone()], &old).expect("the folder can be written");
        fs::copy("/bin/false", folder.path().join("next")).expect("it can be copied");
        fs::rename(folder.path().join("next"), &app).expect("it can be renamed");
        let next = inode(&app);
        assert!(!exchange(ready, &old, None).expect("it can be tried"));
        assert_eq!(inode(&app), next);
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 2, "nothing else is left");
    }

    #[test]
    fn all_names_or_none() {
        let folder = folder();
        let (app, made) = (folder.path().join("app"), folder.path().join("made"));
        let other = folder.path().join("other");
        fs::hard_link(&app, &other).expect("it can be linked");
        let old = fs::metadata(&app).expect("it is there");
        let places = || vec![app.clone(), other.clone()];
        let ready = names(&made, places(), &old).expect("the folder can be written");
        fs::remove_file(&other).expect("it can be removed");
        assert!(!exchange(ready, &old, None).expect("it can be tried"));
        assert!(!other.exists() && inode(&app) != inode(&made));
        fs::hard_link(&app, &other).expect("it can be linked");
        let old = fs::metadata(&app).expect("it is there");
        let ready = names(&made, places(), &old).expect("the folder can be written");
        assert!(exchange(ready, &old, None).expect("it can be tried"));
        assert_eq!((inode(&app), inode(&other)), (inode(&made), inode(&made)));
        assert_eq!(fs::read_dir(folder.path()).expect("it is there").count(), 3, "nothing else is left");
    }
}
