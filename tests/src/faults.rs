//! A command whose n-th system call that writes fails, is cut short, or is the last one of its process.
//!
//! The command and all that it starts run under ptrace(2). A filter (seccomp(2), `SECCOMP_RET_TRACE`) has only those
//! system calls stop that change files, so the rest runs at its own speed. The calls of one run are counted for each role
//! (the command itself, or what the linker starts behind a link), so that another run can be hit at each of them in turn.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::sys::ptrace::{self, Event, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::directives::Ending;
use crate::run::Outcome;

/// What happens at a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its process is killed before it, or after it.
    KillBefore,
    KillAfter,
    /// It fails with this error, and nothing else does.
    Fail(i32),
    /// From here on there is no room for anything, in no process.
    Full,
    /// Half is written.
    Short,
}

/// A system call that was stopped at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The second word of the process's command line if that is one of the linker's own; else nothing.
    pub role: String,
    /// Which one of its role it is, counted from 0.
    pub number: usize,
    pub nr: i64,
}

impl Call {
    /// Whether `fault` can happen to it.
    pub fn admits(&self, fault: Fault) -> bool {
        match fault {
            Fault::Short => WRITES.contains(&self.nr),
            // Names and locks need no room; what is removed makes some.
            Fault::Full | Fault::Fail(libc::EDQUOT) => NEED_ROOM.contains(&self.nr),
            _ => true,
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = CALLS.iter().find(|(nr, _)| *nr == self.nr).map_or("a system call", |(_, name)| name);
        write!(f, "{name} ({} {})", self.role, self.number)
    }
}

/// A run under trace.
#[derive(Debug)]
pub struct Traced {
    pub calls: Vec<Call>,
    pub outcome: Outcome,
    /// The call that was hit, with the path that it was about.
    pub hit: Option<String>,
}

macro_rules! calls {
    ($($name:ident)*) => { &[$((libc::$name, stringify!($name))),*] };
}

/// The system calls that change files, and those that lock them.
const CALLS: &[(i64, &str)] = calls! {
    SYS_write SYS_pwrite64 SYS_writev SYS_pwritev SYS_pwritev2 SYS_copy_file_range SYS_sendfile
    SYS_rename SYS_renameat SYS_renameat2 SYS_link SYS_linkat SYS_symlink SYS_symlinkat
    SYS_unlink SYS_unlinkat SYS_rmdir SYS_mkdir SYS_mkdirat SYS_creat SYS_truncate SYS_ftruncate SYS_fallocate
    SYS_fsync SYS_fdatasync SYS_sync_file_range SYS_msync SYS_utimensat SYS_chmod SYS_fchmod SYS_fchmodat
    SYS_flock SYS_open SYS_openat SYS_fcntl SYS_mmap
};

const WRITES: [i64; 2] = [libc::SYS_write, libc::SYS_pwrite64];

const NEED_ROOM: [i64; 15] = [
    libc::SYS_write,
    libc::SYS_pwrite64,
    libc::SYS_writev,
    libc::SYS_pwritev,
    libc::SYS_pwritev2,
    libc::SYS_copy_file_range,
    libc::SYS_sendfile,
    libc::SYS_link,
    libc::SYS_linkat,
    libc::SYS_symlink,
    libc::SYS_mkdir,
    libc::SYS_mkdirat,
    libc::SYS_fallocate,
    libc::SYS_open,
    libc::SYS_openat,
];

/// The filter: those of [`CALLS`] stop, but for writing to standard output and error, opening without writing, other
/// commands of fcntl than locks, and memory that is not shared with a file.
fn filter() -> Vec<libc::sock_filter> {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const EQUALS: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const HAS_BITS: u16 = (libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K) as u16;
    const GREATER: u16 = (libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let stop = step(RETURN, 0, 0, libc::SECCOMP_RET_TRACE);
    let go_on = step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW);
    // The lower half of an argument; `struct seccomp_data` has them from 16 on.
    let argument = |number: u32| step(LOAD, 0, 0, 16 + 8 * number);
    let writing = (libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC) as u32;
    let special: [(i64, Vec<libc::sock_filter>); 5] = [
        (libc::SYS_write, vec![argument(0), step(GREATER, 0, 1, 2), stop, go_on]),
        (libc::SYS_open, vec![argument(1), step(HAS_BITS, 0, 1, writing), stop, go_on]),
        (libc::SYS_openat, vec![argument(2), step(HAS_BITS, 0, 1, writing), stop, go_on]),
        (
            libc::SYS_fcntl,
            vec![
                argument(1),
                step(EQUALS, 1, 0, libc::F_SETLK as u32),
                step(EQUALS, 0, 1, libc::F_OFD_SETLK as u32),
                stop,
                go_on,
            ],
        ),
        (
            libc::SYS_mmap,
            vec![
                argument(3),
                step(HAS_BITS, 0, 3, libc::MAP_SHARED as u32),
                argument(4),
                step(EQUALS, 1, 0, u32::MAX),
                stop,
                go_on,
            ],
        ),
    ];
    let mut program = vec![step(LOAD, 0, 0, 0)];
    for (nr, steps) in special {
        program.push(step(EQUALS, 0, steps.len() as u8, nr as u32));
        program.extend(steps);
    }
    for (nr, _) in CALLS {
        program.extend([step(EQUALS, 0, 1, *nr as u32), stop]);
    }
    program.push(go_on);
    program
}

/// Between fork and exec: the child is traced, has the filter, and one processor, so that it does things in one order.
fn prepare(command: &mut Command, filter: Vec<libc::sock_filter>, threads: bool) {
    let prepare = move || {
        let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut() };
        // SAFETY: system calls with pointers to values of ours.
        unsafe {
            if !threads {
                let mut set: libc::cpu_set_t = std::mem::zeroed();
                libc::CPU_SET(libc::sched_getcpu().max(0) as usize, &mut set);
                libc::sched_setaffinity(0, size_of_val(&set), &set);
            }
            let is_ready = libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0;
            if is_ready { Ok(()) } else { Err(io::Error::last_os_error()) }
        }
    };
    // SAFETY: system calls between fork and exec, and no memory is allocated.
    unsafe { command.pre_exec(prepare) };
}

/// Runs a command and all that it starts to the end. `at`: what happens at which call of which role. `threads`: it may have
/// more than one processor.
#[allow(clippy::zombie_processes, reason = "the tracer waits for all that there is")]
pub fn traced(command: &mut Command, at: Option<(&Call, Fault)>, threads: bool) -> Traced {
    prepare(command, filter(), threads);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut tracer = Tracer {
        root: Pid::from_raw(child.id() as i32),
        at,
        calls: Vec::new(),
        hit: None,
        is_full: false,
        groups: HashMap::new(),
        dying: HashSet::new(),
        ending: None,
    };
    tracer.follow();
    let Tracer { calls, hit, ending, .. } = tracer;
    let outcome = Outcome {
        stdout: rest(child.stdout.take()),
        stderr: rest(child.stderr.take()),
        ending: ending.expect("it has ended"),
    };
    Traced { calls, outcome, hit }
}

fn rest(pipe: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
    bytes
}

/// Sends a traced process on, with a signal that it is to get. It may have been killed meanwhile.
fn go_on(pid: Pid, signal: Option<Signal>) {
    ptrace::cont(pid, signal).ok();
}

struct Tracer<'a> {
    root: Pid,
    at: Option<(&'a Call, Fault)>,
    calls: Vec<Call>,
    hit: Option<String>,
    is_full: bool,
    /// The process and the role of each thread.
    groups: HashMap<Pid, (Pid, String)>,
    /// Threads whose process is killed when the system call that they are in returns.
    dying: HashSet<Pid>,
    ending: Option<Ending>,
}

impl Tracer<'_> {
    /// Until nobody is left. Only children of this thread are waited for: other tests have theirs.
    fn follow(&mut self) {
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        while let Ok(status) = waitpid(None, Some(flags)) {
            match status {
                WaitStatus::Exited(pid, code) => self.ended(pid, Ending::Exit(code)),
                WaitStatus::Signaled(pid, signal, _) => self.ended(pid, Ending::Signal(signal as i32)),
                WaitStatus::PtraceEvent(pid, _, event) if event == Event::PTRACE_EVENT_SECCOMP as i32 => {
                    self.at_call(pid);
                }
                WaitStatus::PtraceEvent(pid, _, event) => {
                    if event == Event::PTRACE_EVENT_EXEC as i32 {
                        self.groups.remove(&pid);
                    }
                    go_on(pid, None);
                }
                WaitStatus::PtraceSyscall(pid) => {
                    if self.dying.remove(&pid) {
                        self.kill(pid);
                    }
                    go_on(pid, None);
                }
                WaitStatus::Stopped(pid, signal) => self.stopped(pid, signal),
                _ => {}
            }
        }
    }

    fn ended(&mut self, pid: Pid, ending: Ending) {
        self.groups.remove(&pid);
        if pid == self.root {
            self.ending = Some(ending);
        }
    }

    /// A thread stops once when it begins, the command when it has become its program; else it gets a signal.
    fn stopped(&mut self, pid: Pid, signal: Signal) {
        let is_new = !self.groups.contains_key(&pid);
        if is_new {
            self.group_of(pid);
        }
        if is_new && pid == self.root && signal == Signal::SIGTRAP {
            let options = Options::PTRACE_O_TRACESECCOMP
                | Options::PTRACE_O_TRACESYSGOOD
                | Options::PTRACE_O_TRACEFORK
                | Options::PTRACE_O_TRACEVFORK
                | Options::PTRACE_O_TRACECLONE
                | Options::PTRACE_O_TRACEEXEC
                | Options::PTRACE_O_EXITKILL;
            ptrace::setoptions(pid, options).expect("a child that stopped can be traced");
            return go_on(pid, None);
        }
        go_on(pid, Some(signal).filter(|signal| !(is_new && *signal == Signal::SIGSTOP)));
    }

    /// The process and the role of a thread.
    fn group_of(&mut self, pid: Pid) -> (Pid, String) {
        let find = || {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let group = status.lines().find_map(|line| line.strip_prefix("Tgid:")?.trim().parse().ok());
            let words = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let word = words.split('\0').nth(1).filter(|word| word.starts_with("--unfold-"));
            let is_root = group == Some(self.root.as_raw());
            let role = word.filter(|_| !is_root).unwrap_or_default();
            (Pid::from_raw(group.unwrap_or(pid.as_raw())), role.to_owned())
        };
        self.groups.entry(pid).or_insert_with(find).clone()
    }

    fn kill(&mut self, pid: Pid) {
        let (group, _) = self.group_of(pid);
        nix::sys::signal::kill(group, Signal::SIGKILL).ok();
    }

    fn at_call(&mut self, pid: Pid) {
        let Ok(registers) = ptrace::getregs(pid) else { return };
        let (_, role) = self.group_of(pid);
        let number = self.calls.iter().filter(|call| call.role == role).count();
        let nr = registers.orig_rax as i64;
        if nr == libc::SYS_mmap && !is_of_written_file(pid, &registers) {
            return go_on(pid, None);
        }
        let call = Call { role, number, nr };
        let fault = self.at.filter(|(at, _)| (&at.role, at.number) == (&call.role, call.number));
        let fault = fault.map(|(_, fault)| fault).filter(|fault| call.admits(*fault));
        if fault.is_some() {
            self.hit = Some(format!("{call} of {}", subject(pid, &registers)));
        }
        self.is_full |= fault == Some(Fault::Full);
        let needs_room = self.is_full && call.admits(Fault::Full) && !is_memory(pid, &registers);
        self.calls.push(call);
        match fault {
            Some(Fault::KillBefore) => self.kill(pid),
            Some(Fault::KillAfter) => {
                self.dying.insert(pid);
                ptrace::syscall(pid, None).ok();
                return;
            }
            Some(Fault::Short) => {
                let shorter = libc::user_regs_struct { rdx: registers.rdx.div_ceil(2), ..registers };
                ptrace::setregs(pid, shorter).ok();
            }
            Some(Fault::Fail(_)) if nr == libc::SYS_mmap => fail(pid, registers, libc::ENOMEM),
            Some(Fault::Fail(error)) => fail(pid, registers, error),
            _ if needs_room => fail(pid, registers, libc::ENOSPC),
            _ => {}
        }
        go_on(pid, None);
    }
}

/// The system call does nothing but return this error.
fn fail(pid: Pid, registers: libc::user_regs_struct, error: i32) {
    let rax = -i64::from(error) as u64;
    ptrace::setregs(pid, libc::user_regs_struct { orig_rax: u64::MAX, rax, ..registers }).ok();
}

/// What a call is about: the path, or the file of the descriptor.
fn subject(pid: Pid, registers: &libc::user_regs_struct) -> String {
    let file = |number: u64| fs::read_link(format!("/proc/{pid}/fd/{}", number as i32)).unwrap_or_default();
    let path = |addr: u64| {
        use std::os::unix::fs::FileExt;
        let mut bytes = [0; 256];
        let read = fs::File::open(format!("/proc/{pid}/mem")).and_then(|file| file.read_at(&mut bytes, addr));
        let text = bytes[..read.unwrap_or(0)].split(|byte| *byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    };
    match registers.orig_rax as i64 {
        libc::SYS_mmap => file(registers.r8).display().to_string(),
        libc::SYS_rename | libc::SYS_link => format!("{} to {}", path(registers.rdi), path(registers.rsi)),
        libc::SYS_open | libc::SYS_unlink | libc::SYS_rmdir | libc::SYS_mkdir | libc::SYS_chmod => {
            path(registers.rdi)
        }
        libc::SYS_linkat | libc::SYS_renameat | libc::SYS_renameat2 => {
            format!("{} to {}", path(registers.rsi), path(registers.r10))
        }
        libc::SYS_openat | libc::SYS_unlinkat | libc::SYS_mkdirat | libc::SYS_fchmodat => path(registers.rsi),
        _ => file(registers.rdi).display().to_string(),
    }
}

/// Whether memory that is shared with a file is for writing, or the file is just being written.
fn is_of_written_file(pid: Pid, registers: &libc::user_regs_struct) -> bool {
    registers.rdx & libc::PROT_WRITE as u64 != 0 || subject(pid, registers).contains("/.new-")
}

/// Whether a call is about a file in memory, which a full disk does not concern.
fn is_memory(pid: Pid, registers: &libc::user_regs_struct) -> bool {
    subject(pid, registers).starts_with("/memfd:")
}
