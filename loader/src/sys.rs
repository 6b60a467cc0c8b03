//! System calls, with the kernel's own signed results.
#![allow(clippy::missing_safety_doc, reason = "each is the system call of its name, with that contract")]

use core::arch::asm;

pub const ENOENT: i64 = -2;
pub const EEXIST: i64 = -17;
pub const EAGAIN: i64 = -11;
pub const EFBIG: i64 = -27;

pub const PROT_NONE: u64 = 0;
pub const PROT_READ: u64 = 1;
pub const PROT_WRITE: u64 = 2;
pub const PROT_EXEC: u64 = 4;
pub const MAP_SHARED: u64 = 1;
pub const MAP_PRIVATE: u64 = 2;
pub const MAP_FIXED: u64 = 0x10;
pub const MAP_ANONYMOUS: u64 = 0x20;
pub const MAP_NORESERVE: u64 = 0x4000;
pub const MAP_FIXED_NOREPLACE: u64 = 0x10_0000;

pub const MADV_WIPEONFORK: u64 = 18;

pub const O_RDONLY: u64 = 0;
pub const O_WRONLY: u64 = 1;
pub const O_RDWR: u64 = 2;
pub const O_CREAT: u64 = 0o100;
pub const O_EXCL: u64 = 0o200;
pub const O_DIRECTORY: u64 = 0o200_000;
pub const O_NONBLOCK: u64 = 0o4000;
pub const O_NOFOLLOW: u64 = 0o400_000;
pub const O_CLOEXEC: u64 = 0o2_000_000;
pub const AT_FDCWD: i64 = -100;

/// Numbers of the system calls (arch/x86/entry/syscalls/syscall_64.tbl).
pub mod number {
    pub const READ: u64 = 0;
    pub const WRITE: u64 = 1;
    pub const CLOSE: u64 = 3;
    pub const FSTAT: u64 = 5;
    pub const LSEEK: u64 = 8;
    pub const MMAP: u64 = 9;
    pub const MPROTECT: u64 = 10;
    pub const MUNMAP: u64 = 11;
    pub const RT_SIGACTION: u64 = 13;
    pub const RT_SIGPROCMASK: u64 = 14;
    pub const IOCTL: u64 = 16;
    pub const PREAD64: u64 = 17;
    pub const PWRITE64: u64 = 18;
    pub const SCHED_YIELD: u64 = 24;
    pub const NANOSLEEP: u64 = 35;
    pub const MREMAP: u64 = 25;
    pub const MADVISE: u64 = 28;
    pub const GETPID: u64 = 39;
    pub const WAIT4: u64 = 61;
    pub const EXECVE: u64 = 59;
    pub const RT_SIGQUEUEINFO: u64 = 129;
    pub const RT_TGSIGQUEUEINFO: u64 = 297;
    pub const KILL: u64 = 62;
    pub const FCNTL: u64 = 72;
    pub const FTRUNCATE: u64 = 77;
    pub const READLINK: u64 = 89;
    pub const GETEUID: u64 = 107;
    pub const GETTID: u64 = 186;
    pub const PRCTL: u64 = 157;
    pub const CLOCK_GETTIME: u64 = 228;
    pub const EXIT_GROUP: u64 = 231;
    pub const FALLOCATE: u64 = 285;
    pub const TGKILL: u64 = 234;
    pub const OPENAT: u64 = 257;
    pub const UNLINKAT: u64 = 263;
    pub const RENAMEAT: u64 = 264;
    pub const PRLIMIT64: u64 = 302;
    pub const PROCESS_VM_READV: u64 = 310;
    pub const RT_SIGTIMEDWAIT: u64 = 128;
    pub const MEMFD_CREATE: u64 = 319;
    pub const USERFAULTFD: u64 = 323;
}
use number as nr;

/// One system call.
///
/// # Safety
///
/// As the system call `n` demands of its arguments.
#[inline(always)]
pub unsafe fn syscall(n: u64, args: [u64; 6]) -> i64 {
    let result: i64;
    // SAFETY: the kernel clobbers rcx, r11 and rax and nothing else; the rest is the caller's.
    unsafe {
        asm!("syscall", inlateout("rax") n as i64 => result, in("rdi") args[0], in("rsi") args[1],
            in("rdx") args[2], in("r10") args[3], in("r8") args[4], in("r9") args[5],
            lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident = $number:ident ($($arg:ident),*);)+) => { $(
        $(#[$doc])*
        #[inline]
        pub unsafe fn $name($($arg: u64),*) -> i64 {
            let mut args = [0u64; 6];
            let given: &[u64] = &[$($arg),*];
            args[..given.len()].copy_from_slice(given);
            // SAFETY: the caller keeps the system call's contract.
            unsafe { syscall(nr::$number, args) }
        }
    )+ };
}

calls! {
    read = READ(fd, bytes, len);
    write = WRITE(fd, bytes, len);
    pread = PREAD64(fd, bytes, len, offset);
    pwrite = PWRITE64(fd, bytes, len, offset);
    lseek = LSEEK(fd, offset, whence);
    mmap = MMAP(addr, len, prot, flags, fd, offset);
    mprotect = MPROTECT(addr, len, prot);
    munmap = MUNMAP(addr, len);
    mremap = MREMAP(addr, len, new_len, flags, to);
    madvise = MADVISE(addr, len, advice);
    rt_sigaction = RT_SIGACTION(signal, new, old, set_size);
    rt_sigprocmask = RT_SIGPROCMASK(how, set, old, set_size);
    rt_sigtimedwait = RT_SIGTIMEDWAIT(set, information, time, set_size);
    ioctl = IOCTL(fd, request, argument);
    openat = OPENAT(dir, path, flags, mode);
    unlinkat = UNLINKAT(dir, path, flags);
    renameat = RENAMEAT(old_dir, old, new_dir, new);
    readlink = READLINK(path, buffer, len);
    ftruncate = FTRUNCATE(fd, len);
    fallocate = FALLOCATE(fd, mode, offset, len);
    fcntl = FCNTL(fd, command, argument);
    prlimit64 = PRLIMIT64(pid, resource, new, old);
    process_vm_readv = PROCESS_VM_READV(pid, local, local_count, remote, remote_count, flags);
    tgkill = TGKILL(pid, tid, signal);
    kill = KILL(pid, signal);
    prctl = PRCTL(option, argument);
    rt_sigqueueinfo = RT_SIGQUEUEINFO(pid, signal, info);
    rt_tgsigqueueinfo = RT_TGSIGQUEUEINFO(pid, tid, signal, info);
    wait4 = WAIT4(pid, status, options, usage);
    execve = EXECVE(path, arguments, environment);
}

/// Whether a system call's result is an error; the kernel returns errors as -4095..-1.
pub fn failed(result: i64) -> bool {
    (-4095..0).contains(&result)
}

/// Copies memory of this process that may not be there, without a fault. Returns the number of bytes that were, or the
/// kernel's error.
pub fn copy_own(from: u64, to: &mut [u8]) -> i64 {
    let len = to.len() as u64;
    let (local, remote) = ([to.as_mut_ptr() as u64, len], [from, len]);
    // SAFETY: copies into `to`; the kernel says so if it cannot.
    unsafe { process_vm_readv(getpid(), local.as_ptr() as u64, 1, remote.as_ptr() as u64, 1, 0) }
}

pub fn close(fd: i64) {
    // SAFETY: closing a descriptor of ours touches no memory.
    unsafe { syscall(nr::CLOSE, [fd as u64, 0, 0, 0, 0, 0]) };
}

pub fn getpid() -> u64 {
    // SAFETY: no arguments.
    unsafe { syscall(nr::GETPID, [0; 6]) as u64 }
}

pub fn gettid() -> u64 {
    // SAFETY: no arguments.
    unsafe { syscall(nr::GETTID, [0; 6]) as u64 }
}

pub fn geteuid() -> u32 {
    // SAFETY: no arguments.
    unsafe { syscall(nr::GETEUID, [0; 6]) as u32 }
}

pub fn sched_yield() {
    // SAFETY: no arguments.
    unsafe { syscall(nr::SCHED_YIELD, [0; 6]) };
}

pub fn sleep_us(us: u64) {
    let time = [0u64, us * 1000];
    // SAFETY: a timespec of ours.
    unsafe { syscall(nr::NANOSLEEP, [time.as_ptr() as u64, 0, 0, 0, 0, 0]) };
}

/// Gives a file of ours this length, with room for all of it on the disk: who writes into a mapping of a file that
/// finds none is killed by SIGBUS.
pub fn allocate(fd: i64, len: u64) -> bool {
    const EOPNOTSUPP: i64 = -95;
    static ZEROES: [u8; 4096] = [0; 4096];
    // SAFETY: descriptors and lengths; the kernel reads our zeroes.
    unsafe {
        if failed(ftruncate(fd as u64, len)) {
            return false;
        }
        let result = fallocate(fd as u64, 0, 0, len);
        if result != EOPNOTSUPP {
            return !failed(result);
        }
        // Where the file system cannot promise room, it is taken.
        let mut at = 0;
        while at < len {
            let written = pwrite(fd as u64, ZEROES.as_ptr() as u64, (len - at).min(4096), at);
            if written <= 0 {
                return false;
            }
            at += written as u64;
        }
    }
    true
}

/// Whether the process may not write long files: a write beyond the limit would end it by a signal.
pub fn files_are_limited() -> bool {
    const RLIMIT_FSIZE: u64 = 1;
    let mut limits = [u64::MAX; 2];
    // SAFETY: `struct rlimit64` is these two words.
    unsafe { prlimit64(0, RLIMIT_FSIZE, 0, limits.as_mut_ptr() as u64) };
    limits[0] != u64::MAX
}

/// Whether another process traces this one, as far as `/proc` says (proc_pid_status(5), TracerPid).
pub fn is_traced() -> bool {
    tracer(&mut [0; 1024]).is_some()
}

/// Whether that process has the name of a debugger, and no other purpose (proc_pid_comm(5)).
pub fn is_debugged() -> bool {
    let (mut status, mut path, mut name) = ([0; 1024], [0u8; 64], [0u8; 16]);
    let Some(tracer) = tracer(&mut status) else { return false };
    let mut end = 0;
    for part in [b"/proc/", tracer, b"/comm\0"] {
        let Some(room) = path.get_mut(end..end + part.len()) else { return false };
        room.copy_from_slice(part);
        end += part.len();
    }
    let name = read_file(&path, &mut name);
    name.starts_with(b"gdb") || name.starts_with(b"lldb")
}

/// The number of the process that traces this one, in what `/proc` says.
fn tracer(status: &mut [u8; 1024]) -> Option<&[u8]> {
    let text = read_file(b"/proc/self/status\0", status);
    let tracer = text.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"TracerPid:"))?;
    let start = tracer.iter().position(|byte| (b'1'..=b'9').contains(byte))?;
    Some(&tracer[start..])
}

/// The beginning of a small file, whose path ends with a zero; nothing if it cannot be read.
fn read_file<'a>(path: &[u8], bytes: &'a mut [u8]) -> &'a [u8] {
    debug_assert!(path.contains(&0));
    // SAFETY: a C string, and our buffer.
    let len = unsafe {
        let fd = openat(AT_FDCWD as u64, path.as_ptr() as u64, O_RDONLY | O_CLOEXEC, 0);
        if failed(fd) {
            return &[];
        }
        let len = read(fd as u64, bytes.as_mut_ptr() as u64, bytes.len() as u64);
        close(fd);
        len
    };
    &bytes[..usize::try_from(len).unwrap_or(0)]
}

/// Whether valgrind runs the process: the answer to one of its client requests, which is nothing to a processor
/// (valgrind's manual, "The Client Request mechanism").
pub fn is_in_valgrind() -> bool {
    const RUNNING_ON_VALGRIND: u64 = 0x1001;
    let request = [RUNNING_ON_VALGRIND, 0, 0, 0, 0, 0];
    let depth: u64;
    // SAFETY: rotates a register by 128 bits in all, and exchanges one with itself.
    unsafe {
        asm!("rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            inlateout("rdi") 0u64 => _, in("rax") request.as_ptr(), inlateout("rdx") 0u64 => depth);
    }
    depth != 0
}

/// Takes back the signal that a write of ours beyond a limit has sent to this thread. It waits: all signals are blocked where
/// we write once the program runs, which may have set the limit itself.
pub fn forget_file_limit_signal() {
    const SIGXFSZ: u64 = 25;
    let (set, no_time) = (1u64 << (SIGXFSZ - 1), [0u64; 2]);
    // SAFETY: a signal set and a timespec of ours.
    unsafe { rt_sigtimedwait(&raw const set as u64, 0, no_time.as_ptr() as u64, 8) };
}

/// A file in memory, closed by execve.
pub fn memfd_create(name: &core::ffi::CStr) -> i64 {
    const MFD_CLOEXEC: u64 = 1;
    // SAFETY: a C string.
    unsafe { syscall(nr::MEMFD_CREATE, [name.as_ptr() as u64, MFD_CLOEXEC, 0, 0, 0, 0]) }
}

pub fn userfaultfd(flags: u64) -> i64 {
    // SAFETY: makes a descriptor; no memory is involved.
    unsafe { syscall(nr::USERFAULTFD, [flags, 0, 0, 0, 0, 0]) }
}

pub fn exit_group(status: u64) -> ! {
    loop {
        // SAFETY: ends the process.
        unsafe { syscall(nr::EXIT_GROUP, [status, 0, 0, 0, 0, 0]) };
    }
}

pub const CLOCK_REALTIME: u64 = 0;
pub const CLOCK_MONOTONIC: u64 = 1;
pub const CLOCK_BOOTTIME: u64 = 7;

/// Monotonic time in nanoseconds.
pub fn now_ns() -> u64 {
    clock_ns(CLOCK_MONOTONIC)
}

/// What a clock shows, in nanoseconds.
pub fn clock_ns(clock: u64) -> u64 {
    let mut time = [0u64; 2];
    // SAFETY: into a timespec of ours.
    unsafe { syscall(nr::CLOCK_GETTIME, [clock, time.as_mut_ptr() as u64, 0, 0, 0, 0]) };
    time[0].wrapping_mul(1_000_000_000).wrapping_add(time[1])
}

/// What the loader needs of `struct stat`.
pub struct Stat {
    pub inode: u64,
    pub mode: u32,
    pub uid: u32,
    pub size: u64,
    pub modified_ns: u64,
}

pub fn fstat(fd: i64) -> Option<Stat> {
    let mut raw = [0u64; 18];
    // SAFETY: struct stat has 144 bytes on x86-64.
    let result = unsafe { syscall(nr::FSTAT, [fd as u64, raw.as_mut_ptr() as u64, 0, 0, 0, 0]) };
    // Offsets of struct stat: st_ino 8, st_mode 24, st_uid 28, st_size 48, st_mtim 88.
    let stat = || Stat {
        inode: raw[1],
        mode: raw[3] as u32,
        uid: (raw[3] >> 32) as u32,
        size: raw[6],
        modified_ns: raw[11].wrapping_mul(1_000_000_000).wrapping_add(raw[12]),
    };
    (!failed(result)).then(stat)
}

/// Maps `len` bytes of a whole file, privately.
pub fn map_file(fd: i64, len: u64, prot: u64) -> Option<u64> {
    // SAFETY: a new mapping at an address of the kernel's choice.
    let addr = unsafe { mmap(0, len, prot, MAP_PRIVATE, fd as u64, 0) };
    (!failed(addr)).then_some(addr as u64)
}

/// New zeroed memory at an address of the kernel's choice.
pub fn map_anonymous(len: u64) -> Option<u64> {
    // SAFETY: a new mapping at an address of the kernel's choice.
    let addr = unsafe { mmap(0, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, u64::MAX, 0) };
    (!failed(addr)).then_some(addr as u64)
}

/// The kernel's `struct sigaction` (not libc's).
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct KernelSigaction {
    pub handler: u64,
    pub flags: u64,
    pub restorer: u64,
    pub mask: u64,
}

pub const SIGBUS: u64 = 7;
pub const SIGSEGV: u64 = 11;
pub const SIGABRT: u64 = 6;
pub const SIG_BLOCK: u64 = 0;
pub const SIG_UNBLOCK: u64 = 1;
pub const SIG_SETMASK: u64 = 2;
