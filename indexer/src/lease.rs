//! Whether anybody has a file open or runs it (fcntl(2), "Leases").
#![allow(unsafe_code)]

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What is known of the users of a file.
pub enum Lease {
    /// There are none, and whoever opens or executes the file waits until this is dropped.
    Taken(Held),
    /// Somebody has it open, or runs it.
    InUse,
    /// This file system, or this user, has no leases.
    Unknown,
}

/// A lease on a file that is open. Who has it may not open the file once more: he would wait for himself.
pub struct Held {
    file: File,
}

impl Held {
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Whether somebody waits for it: he has looked the file up already, and gets this one, whatever its name is then.
    pub fn is_awaited(&self) -> bool {
        // SAFETY: a descriptor of ours, and numbers.
        let now = unsafe { libc::fcntl(self.file.as_raw_fd(), libc::F_GETLEASE) };
        now != libc::F_WRLCK
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Closing is not enough where a process that is being started has the descriptor too.
        // SAFETY: a descriptor of ours, and numbers.
        unsafe { libc::fcntl(self.file.as_raw_fd(), libc::F_SETLEASE, libc::F_UNLCK) };
    }
}

/// Takes a lease on a file, if nobody else has it open.
pub fn take(path: &Path) -> io::Result<Lease> {
    Ok(take_of(File::open(path)?))
}

/// The same of a file that is open here, once.
pub fn take_of(file: File) -> Lease {
    // SAFETY: SIGIO says that somebody waits for the lease, which is short, and would end this process.
    unsafe { libc::signal(libc::SIGIO, libc::SIG_IGN) };
    // SAFETY: a descriptor of ours, and numbers.
    let taken = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_WRLCK) };
    if taken == 0 {
        return Lease::Taken(Held { file });
    }
    let busy = io::Error::last_os_error().raw_os_error() == Some(libc::EAGAIN);
    if busy { Lease::InUse } else { Lease::Unknown }
}

/// Whether a process that we may look at runs the file.
pub fn is_running(path: &Path) -> bool {
    let Ok(file) = fs::metadata(path) else { return false };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let executables = processes.filter_map(|process| fs::metadata(process.path().join("exe")).ok());
    executables.into_iter().any(|other| (other.dev(), other.ino()) == (file.dev(), file.ino()))
}
