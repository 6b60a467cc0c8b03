//! Errors that are not the program's: full disks, folders that cannot be written, limits.

use std::io::{self, ErrorKind};

/// Whether an error is one of the machine, which has nothing to do with what is linked. Then the output that is
/// there stays, and no other way to link is tried.
pub fn is_of_machine(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|error| {
        matches!(
            error.kind(),
            ErrorKind::StorageFull
                | ErrorKind::QuotaExceeded
                | ErrorKind::FileTooLarge
                | ErrorKind::ReadOnlyFilesystem
                | ErrorKind::PermissionDenied
                | ErrorKind::OutOfMemory
        ) || error.raw_os_error().is_some_and(|number| {
            use nix::errno::Errno;
            [Errno::EIO, Errno::EMFILE, Errno::ENFILE].contains(&Errno::from_raw(number))
        })
    })
}

/// Files that grow beyond the process's limit are errors like others, instead of the end by a signal. Other threads
/// inherit it, so it comes first.
pub fn take_limits_as_errors() {
    use nix::sys::signal::{SigSet, Signal};
    let mut set = SigSet::empty();
    set.add(Signal::SIGXFSZ);
    set.thread_block().ok();
}

/// For a program that this process becomes.
pub fn take_limits_as_signals() {
    use nix::sys::signal::{SigSet, Signal};
    let mut set = SigSet::empty();
    set.add(Signal::SIGXFSZ);
    set.thread_unblock().ok();
}
