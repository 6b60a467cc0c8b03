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
        ) || os_error(error).is_some_and(|number| {
            use nix::errno::Errno;
            [Errno::EIO, Errno::EMFILE, Errno::ENFILE].contains(&Errno::from_raw(number))
        })
    })
}

/// The kernel's number of an error. Where `tempfile` has put a path around it, only the text has that.
fn os_error(error: &io::Error) -> Option<i32> {
    let in_text = || {
        let text = error.to_string();
        let (_, rest) = text.split_once("(os error ")?;
        rest.split_once(')')?.0.parse().ok()
    };
    error.raw_os_error().or_else(in_text)
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

#[cfg(test)]
mod tests {
    use super::is_of_machine;
    use anyhow::Context;
    use std::io;

    #[test]
    fn an_error_is_the_machine_s_whoever_wraps_it() {
        const EIO: i32 = 5;
        let bare = || io::Error::from_raw_os_error(EIO);
        // As `tempfile` does.
        let with_path = || io::Error::new(bare().kind(), format!("{} at path \"x\"", bare()));
        for error in [bare(), with_path()] {
            assert!(is_of_machine(&Err::<(), _>(error).context("cannot write x").unwrap_err()));
        }
        let missing = io::Error::new(io::ErrorKind::NotFound, "No such file (os error 2)");
        assert!(!is_of_machine(&missing.into()) && !is_of_machine(&anyhow::anyhow!("(os error 5)")));
    }
}
