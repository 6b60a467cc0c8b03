//! Debug information on demand: when the program opens its own file of symbols, as a backtrace does, the
//! linker is asked to complete it first. Nothing is read or written for it before.

use crate::report::{is_verbose, note};
use crate::sys;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const MAX: usize = 8192;

/// C strings: the linker, and the generation's folder behind it.
struct Paths(UnsafeCell<[u8; 2 * MAX]>);
// SAFETY: written by `remember` on the only thread there is, and only read afterwards.
unsafe impl Sync for Paths {}
static PATHS: Paths = Paths(UnsafeCell::new([0; 2 * MAX]));
static FOLDER_LEN: AtomicUsize = AtomicUsize::new(0);
static ASKED: AtomicBool = AtomicBool::new(false);

/// Notes where the linker and the generation are. Both end with a zero byte.
pub fn remember(linker: &[u8], folder: &[u8]) {
    if linker.len() > MAX || folder.len() > MAX || folder.len() < 2 {
        return;
    }
    // SAFETY: nothing else runs yet.
    let paths = unsafe { &mut *PATHS.0.get() };
    paths[..linker.len()].copy_from_slice(linker);
    paths[MAX..MAX + folder.len()].copy_from_slice(folder);
    FOLDER_LEN.store(folder.len() - 1, Ordering::Release);
}

/// The generation's folder, as a C string.
pub fn folder() -> Option<&'static [u8]> {
    let len = FOLDER_LEN.load(Ordering::Acquire);
    // SAFETY: `remember` has written them, and nothing does after it.
    let paths = unsafe { &*PATHS.0.get() };
    (len != 0).then(|| &paths[MAX..=MAX + len])
}

/// The program is about to open `path`.
///
/// # Safety
///
/// `path` is a C string.
pub unsafe extern "C" fn opening(path: *const u8) {
    let len = FOLDER_LEN.load(Ordering::Acquire);
    if len == 0 || path.is_null() || ASKED.load(Ordering::Relaxed) {
        return;
    }
    // SAFETY: `remember` has written them; `path` is the caller's.
    let (paths, path) = unsafe { (&*PATHS.0.get(), core::ffi::CStr::from_ptr(path.cast()).to_bytes()) };
    // The path may be spelt through the executable's folder, so only its end is compared: the output's folder,
    // the generation's, and the name.
    let folder = &paths[MAX..MAX + len];
    let start = folder.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    let start = folder[..start].iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    let ours = path.strip_suffix(b"/symbols").is_some_and(|path| path.ends_with(&folder[start..]));
    if ours && !ASKED.swap(true, Ordering::Relaxed) {
        note(&[b"adding debug information to the file of symbols"]);
        run_linker(paths, c"--unfold-debug", &[0]);
    }
}

/// Has the linker make an ordinary executable of the one at `path`, a C string.
pub fn settle(path: &[u8]) {
    if folder().is_some() {
        // SAFETY: `remember` has written them, and nothing does after it.
        run_linker(unsafe { &*PATHS.0.get() }, c"--unfold-settle", path);
    }
}

/// Runs the linker on the generation, with a word in front of its folder and one behind it, and waits for it. A program with a handler for SIGCHLD sees one more than
/// it has children: execve gives a process that signal.
fn run_linker(paths: &[u8; 2 * MAX], word: &core::ffi::CStr, last: &[u8]) {
    let folder = paths[MAX..].as_ptr() as u64;
    let arguments = [paths.as_ptr() as u64, word.as_ptr() as u64, folder, last.as_ptr() as u64, 0];
    // It says what it cannot do, if that was asked of us.
    let log = if is_verbose() { c"UNFOLD_LOG=1".as_ptr() as u64 } else { 0 };
    let environment = [log, 0];
    let all = u64::MAX;
    let mut old = 0u64;
    const STACK: u64 = 64 * 1024;
    let Some(stack) = sys::map_anonymous(STACK) else { return };
    // SAFETY: signals are blocked, so that the program's handlers do not run in the child, which shares our
    // memory until it has become the linker.
    unsafe {
        sys::rt_sigprocmask(sys::SIG_SETMASK, &raw const all as u64, &raw mut old as u64, 8);
        let child =
            spawn(stack + STACK, arguments.as_ptr() as u64, environment.as_ptr() as u64, &raw const old);
        sys::rt_sigprocmask(sys::SIG_SETMASK, &raw const old as u64, 0, 8);
        const WALL: u64 = 0x4000_0000;
        const EINTR: i64 = -4;
        if !sys::failed(child) {
            while sys::wait4(child as u64, 0, WALL, 0) == EINTR {}
        }
        sys::munmap(stack, STACK);
    }
}

/// `vfork` and `execve` in one: the child runs on a stack of its own.
///
/// # Safety
///
/// `arguments` and `environment` are what execve takes, `stack_top` is the end of a stack that nothing else
/// uses, all signals are blocked, and `mask` is what the new program is to have.
unsafe fn spawn(stack_top: u64, arguments: u64, environment: u64, mask: *const u64) -> i64 {
    // CLONE_VM | CLONE_VFORK, and no signal when it ends
    const FLAGS: u64 = 0x100 | 0x4000;
    let result: i64;
    // SAFETY: the child only makes the system calls between the jump and the end.
    unsafe {
        core::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            // rt_sigprocmask(SIG_SETMASK, mask, 0, 8)
            "mov eax, 14",
            "mov edi, 2",
            "mov rsi, r14",
            "xor edx, edx",
            "mov r10d, 8",
            "syscall",
            // execve(arguments[0], arguments, environment)
            "mov eax, 59",
            "mov rsi, r12",
            "mov rdi, [r12]",
            "mov rdx, r13",
            "syscall",
            // exit(127)
            "mov eax, 60",
            "mov edi, 127",
            "syscall",
            "ud2",
            "2:",
            inlateout("rax") 56i64 => result, // clone
            inlateout("rdi") FLAGS => _, inlateout("rsi") stack_top => _, inlateout("rdx") 0u64 => _,
            inlateout("r10") 0u64 => _, in("r8") 0,
            in("r12") arguments, in("r13") environment, in("r14") mask,
            lateout("rcx") _, lateout("r11") _,
        );
    }
    result
}
