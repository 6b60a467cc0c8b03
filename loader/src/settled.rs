//! Under a debugger: the executable is made an ordinary one, which is then executed instead.
//!
//! A debugger reads code from the executable's file, and puts breakpoints into memory before the first instruction. Where
//! the linker's background has not got so far, or was switched off, there is only the loader in the file. It is asked for
//! the rest now (`indexer/src/settle.rs`). Debuggers follow the second `execve`, and put their breakpoints into that.

use crate::environment::{Environment, PagerChoice};
use crate::report::die;
use crate::{symbols, sys};
use shared::output::IMAGE_PHDRS;

/// Returns only if the program is to run from the loader, or under what is no debugger.
pub fn execute(environment: &Environment) {
    // Whoever asks for a pager gets it.
    if !environment.watched || environment.profile || environment.pager != PagerChoice::Auto {
        return;
    }
    let mut path = [0u8; 4096];
    // SAFETY: a C string, and our buffer, of which the last byte stays zero.
    let len = unsafe {
        sys::readlink(c"/proc/self/exe".as_ptr() as u64, path.as_mut_ptr() as u64, path.len() as u64 - 1)
    };
    if len <= 0 {
        return;
    }
    let path = &path[..=len as usize];
    if !is_settled(path) {
        symbols::settle(path);
    }
    if is_settled(path) {
        let (arguments, variables) = (environment.arguments as u64, environment.variables as u64);
        // SAFETY: C strings and tables of them, as the kernel has put them there. If it fails, the loader goes on.
        unsafe { sys::execve(path.as_ptr() as u64, arguments, variables) };
    } else if sys::is_debugged() {
        // It would put zeroes, which it has found in the place of breakpoints, over code that has come there since.
        die(&[
            &path[..len as usize],
            b": cannot be settled for the debugger, which would damage it; debug what `unfold bake` makes, or attach",
        ]);
    }
}

/// Whether the ELF header of a file refers to the program's own headers.
fn is_settled(path: &[u8]) -> bool {
    let mut header = [0u8; 64];
    // SAFETY: a C string, and our buffer.
    let len = unsafe {
        let fd = sys::openat(sys::AT_FDCWD as u64, path.as_ptr() as u64, sys::O_RDONLY | sys::O_CLOEXEC, 0);
        if sys::failed(fd) {
            return false;
        }
        let len = sys::pread(fd as u64, header.as_mut_ptr() as u64, header.len() as u64, 0);
        sys::close(fd);
        len
    };
    len == header.len() as i64 && header[32..40] == IMAGE_PHDRS.to_le_bytes()
}
