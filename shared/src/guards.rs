//! Functions of libc that a lazy program may not call just so: they touch the signals by which the pager works, or the
//! memory that is not there yet, or they take from the process what a first touch needs.
//!
//! While something is lazy the loader stands in front of them. `.dynsym` of each executable has a row for each of them
//! that libc has: undefined, so that nothing comes of it, and in the hash tables. The loader of a lazy launch gives these
//! rows its own addresses before the dynamic linker runs, which then binds all calls of the program and of its libraries
//! to them: the program comes first in the order of search. A launch in which nothing is lazy leaves the rows alone, but
//! for those of `open`.
//!
//! What cannot be served lazily is not imitated: the loader puts everything in place first, and then libc's own
//! function does what it always does.

use core::ffi::CStr;

/// What the loader does before a function runs. Numbers are those of its arguments, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The loader's own function takes its place.
    Own(Own),
    /// Everything is put in place.
    Fill,
    /// So it is if the memory from argument `.0` on, of `.1` bytes, is in lazy memory.
    Memory(usize, usize),
    /// The same for the `.1` times `.2` bytes from argument `.0` on.
    Items(usize, usize, usize),
    /// The same for the vector of `.1` pieces at argument `.0`.
    Pieces(usize, usize),
    /// The same for the pieces of the message at argument `.0` (`struct msghdr`).
    Message(usize),
    /// Everything is put in place if the path at this argument is that of a process's memory.
    Path(usize),
    /// The same for argument 0. This one is guarded in all launches: by opening its own file of symbols the program asks
    /// for its debug information.
    Open,
    /// The calling thread's mask becomes what it believes it to be, if that holds back one of the two signals.
    Mask,
    /// The same, and from here on there may be several threads.
    Thread,
    /// The same as [`Rule::Mask`], and everything is put in place in any case.
    Settle,
    /// The same if the set of signals at this argument has one of the two.
    Set(usize),
    /// The same for a set `.1` bytes behind argument `.0`.
    SetIn(usize, u64),
    /// The same for `execve` and its kin, which hand masks on, and what is ignored.
    Start,
    /// The action of the signal that is the first argument is left to the kernel, if it is one of the two.
    Action,
    /// Everything is put in place if argument `.0` is one of these numbers.
    If(usize, &'static [u64]),
    /// The same if a stack of `.0` bytes is small.
    Stack(usize),
    /// The same for the `stack_t` `.1` bytes behind argument `.0`.
    StackAt(usize, u64),
    /// The same for an alternate stack.
    AlternateStack,
    /// Everything is put in place, and the signals are left to the kernel: a child gets its own actions, and shares the
    /// memory in which the loader would note them.
    Share,
    /// Everything is put in place, and the background ends: what is asked for concerns one thread, or a process of one.
    Alone,
    /// The same if argument `.0` is one of these numbers.
    AloneIf(usize, &'static [u64]),
    /// `syscall`: as for the function of the number that is the first argument.
    Number,
}

/// Functions of the loader's own, in the place of libc's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    Sigaction,
    Signal,
    Sigprocmask,
    PthreadSigmask,
}

pub struct Guard {
    pub name: &'static CStr,
    pub rule: Rule,
}

const fn guard(name: &'static CStr, rule: Rule) -> Guard {
    Guard { name, rule }
}

/// `PTRACE_TRACEME`; `RLIMIT_FSIZE`, `RLIMIT_DATA` and `RLIMIT_AS`.
const TRACED: &[u64] = &[0];
const LIMITED: &[u64] = &[1, 2, 9];
/// `PR_SET_SECCOMP`, `PR_CAPBSET_DROP`, `PR_SET_SECUREBITS`, `PR_SET_MM`, `PR_SET_NO_NEW_PRIVS`, `PR_CAP_AMBIENT`,
/// `PR_SET_SYSCALL_USER_DISPATCH`, `PR_SET_MDWE`.
const CONFINED: &[u64] = &[22, 24, 28, 35, 38, 47, 59, 65];

/// Where the mask is in `ucontext_t`.
const CONTEXT_MASK: u64 = 296;

/// All guards. A link has rows for those that a library of the program defines.
pub const GUARDS: [Guard; 139] = [
    // What happens at a signal.
    guard(c"sigaction", Rule::Own(Own::Sigaction)),
    guard(c"__sigaction", Rule::Own(Own::Sigaction)),
    guard(c"signal", Rule::Own(Own::Signal)),
    guard(c"bsd_signal", Rule::Own(Own::Signal)),
    guard(c"ssignal", Rule::Own(Own::Signal)),
    guard(c"sysv_signal", Rule::Action),
    guard(c"__sysv_signal", Rule::Action),
    guard(c"sigset", Rule::Action),
    guard(c"sigignore", Rule::Action),
    guard(c"siginterrupt", Rule::Action),
    guard(c"sigvec", Rule::Action),
    // Which signals are held back.
    guard(c"sigprocmask", Rule::Own(Own::Sigprocmask)),
    guard(c"pthread_sigmask", Rule::Own(Own::PthreadSigmask)),
    guard(c"sigblock", Rule::Settle),
    guard(c"sigsetmask", Rule::Settle),
    guard(c"siggetmask", Rule::Mask),
    guard(c"sighold", Rule::Action),
    guard(c"sigrelse", Rule::Action),
    guard(c"sigpause", Rule::Settle),
    guard(c"__sigpause", Rule::Settle),
    guard(c"sigpending", Rule::Mask),
    guard(c"sigsuspend", Rule::Set(0)),
    guard(c"__sigsuspend", Rule::Set(0)),
    guard(c"sigwait", Rule::Set(0)),
    guard(c"sigwaitinfo", Rule::Set(0)),
    guard(c"sigtimedwait", Rule::Set(0)),
    guard(c"signalfd", Rule::Set(1)),
    guard(c"pselect", Rule::Set(5)),
    guard(c"ppoll", Rule::Set(3)),
    guard(c"__ppoll_chk", Rule::Set(3)),
    guard(c"epoll_pwait", Rule::Set(4)),
    guard(c"epoll_pwait2", Rule::Set(4)),
    guard(c"pthread_attr_setsigmask_np", Rule::Set(1)),
    guard(c"__sigsetjmp", Rule::Mask),
    guard(c"siglongjmp", Rule::Mask),
    guard(c"longjmp", Rule::Mask),
    guard(c"_longjmp", Rule::Mask),
    guard(c"__longjmp_chk", Rule::Mask),
    guard(c"getcontext", Rule::Mask),
    guard(c"setcontext", Rule::SetIn(0, CONTEXT_MASK)),
    guard(c"swapcontext", Rule::SetIn(1, CONTEXT_MASK)),
    // Stacks on which a first touch has no room.
    guard(c"sigaltstack", Rule::AlternateStack),
    guard(c"makecontext", Rule::StackAt(0, 16)),
    guard(c"pthread_attr_setstacksize", Rule::Stack(1)),
    guard(c"pthread_attr_setstack", Rule::Stack(2)),
    // Who inherits that.
    guard(c"fork", Rule::Mask),
    guard(c"__fork", Rule::Mask),
    guard(c"_Fork", Rule::Mask),
    guard(c"vfork", Rule::Share),
    guard(c"__vfork", Rule::Share),
    guard(c"forkpty", Rule::Mask),
    guard(c"daemon", Rule::Mask),
    guard(c"clone", Rule::Share),
    guard(c"__clone", Rule::Share),
    guard(c"pthread_create", Rule::Thread),
    guard(c"thrd_create", Rule::Thread),
    guard(c"timer_create", Rule::Thread),
    guard(c"posix_spawn", Rule::Start),
    guard(c"posix_spawnp", Rule::Start),
    guard(c"system", Rule::Start),
    guard(c"popen", Rule::Start),
    guard(c"wordexp", Rule::Start),
    guard(c"execve", Rule::Start),
    guard(c"execv", Rule::Start),
    guard(c"execvp", Rule::Start),
    guard(c"execvpe", Rule::Start),
    guard(c"execl", Rule::Start),
    guard(c"execlp", Rule::Start),
    guard(c"execle", Rule::Start),
    guard(c"fexecve", Rule::Start),
    guard(c"execveat", Rule::Start),
    // Memory.
    guard(c"mmap", Rule::Memory(0, 1)),
    guard(c"mmap64", Rule::Memory(0, 1)),
    guard(c"munmap", Rule::Memory(0, 1)),
    guard(c"mremap", Rule::Memory(0, 1)),
    guard(c"mprotect", Rule::Memory(0, 1)),
    guard(c"pkey_mprotect", Rule::Memory(0, 1)),
    guard(c"madvise", Rule::Memory(0, 1)),
    guard(c"posix_madvise", Rule::Memory(0, 1)),
    guard(c"mlock", Rule::Memory(0, 1)),
    guard(c"mlock2", Rule::Memory(0, 1)),
    guard(c"mincore", Rule::Memory(0, 1)),
    guard(c"msync", Rule::Memory(0, 1)),
    guard(c"mlockall", Rule::Fill),
    guard(c"write", Rule::Memory(1, 2)),
    guard(c"pwrite", Rule::Memory(1, 2)),
    guard(c"pwrite64", Rule::Memory(1, 2)),
    guard(c"send", Rule::Memory(1, 2)),
    guard(c"sendto", Rule::Memory(1, 2)),
    guard(c"fwrite", Rule::Items(0, 1, 2)),
    guard(c"fwrite_unlocked", Rule::Items(0, 1, 2)),
    guard(c"writev", Rule::Pieces(1, 2)),
    guard(c"pwritev", Rule::Pieces(1, 2)),
    guard(c"pwritev64", Rule::Pieces(1, 2)),
    guard(c"pwritev2", Rule::Pieces(1, 2)),
    guard(c"pwritev64v2", Rule::Pieces(1, 2)),
    guard(c"vmsplice", Rule::Pieces(1, 2)),
    guard(c"sendmsg", Rule::Message(1)),
    guard(c"process_vm_readv", Rule::Pieces(3, 4)),
    guard(c"process_vm_writev", Rule::Pieces(3, 4)),
    guard(c"open", Rule::Open),
    guard(c"open64", Rule::Open),
    guard(c"__open_2", Rule::Path(0)),
    guard(c"__open64_2", Rule::Path(0)),
    guard(c"openat", Rule::Path(1)),
    guard(c"openat64", Rule::Path(1)),
    guard(c"__openat_2", Rule::Path(1)),
    guard(c"__openat64_2", Rule::Path(1)),
    guard(c"fopen", Rule::Path(0)),
    guard(c"fopen64", Rule::Path(0)),
    // What a first touch needs.
    guard(c"seccomp", Rule::Alone),
    guard(c"prctl", Rule::AloneIf(0, CONFINED)),
    guard(c"ptrace", Rule::If(0, TRACED)),
    guard(c"setrlimit", Rule::AloneIf(0, LIMITED)),
    guard(c"setrlimit64", Rule::AloneIf(0, LIMITED)),
    guard(c"prlimit", Rule::AloneIf(1, LIMITED)),
    guard(c"prlimit64", Rule::AloneIf(1, LIMITED)),
    guard(c"unshare", Rule::Alone),
    guard(c"setns", Rule::Alone),
    guard(c"setuid", Rule::Alone),
    guard(c"seteuid", Rule::Alone),
    guard(c"setreuid", Rule::Alone),
    guard(c"setresuid", Rule::Alone),
    guard(c"setfsuid", Rule::Alone),
    guard(c"setgid", Rule::Alone),
    guard(c"setegid", Rule::Alone),
    guard(c"setregid", Rule::Alone),
    guard(c"setresgid", Rule::Alone),
    guard(c"setfsgid", Rule::Alone),
    guard(c"setgroups", Rule::Alone),
    guard(c"initgroups", Rule::Alone),
    guard(c"capset", Rule::Alone),
    guard(c"dlmopen", Rule::Fill),
    guard(c"dlopen", Rule::Fill),
    guard(c"abort", Rule::Fill),
    guard(c"__assert_fail", Rule::Fill),
    guard(c"__stack_chk_fail", Rule::Fill),
    guard(c"__chk_fail", Rule::Fill),
    guard(c"syscall", Rule::Number),
];

impl Rule {
    /// Whether a program that brings a function of this rule itself does by it what the loader has to know of. The
    /// others only see what the program hands to them.
    pub fn is_about_process(&self) -> bool {
        !matches!(
            self,
            Self::Memory(..)
                | Self::Items(..)
                | Self::Pieces(..)
                | Self::Message(_)
                | Self::Path(_)
                | Self::Fill
        )
    }
}
