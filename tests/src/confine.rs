//! Confines a command: another user, fewer rights, forbidden system calls, another view of the file system, limits.
//!
//! Steps are taken in their order, between fork and exec. Whoever is confined cannot do all of them: mounts come before the
//! user, the filter of system calls comes last.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// The user that nobody is.
pub const NOBODY: u32 = 65534;

pub enum Step {
    /// Mounts of its own, which nobody else sees.
    OwnMounts,
    /// A path once more over itself, with these flags (`MS_RDONLY`, `MS_NOEXEC`).
    Remount(CString, u64),
    /// One path over another.
    Bind(CString, CString),
    Root(CString),
    Folder(CString),
    /// Soft and hard limit.
    Limit(u32, u64),
    Umask(u32),
    User(u32),
    NoNewPrivileges,
    /// Nothing may become executable that was not when it was mapped, nor be writable as well (PR_SET_MDWE).
    DenyWriteExecute,
    /// A seccomp filter: see [`forbidden`].
    Filter(Vec<libc::sock_filter>),
    Close(Vec<i32>),
    /// Into a control group, by its file `cgroup.procs`.
    Group(CString),
    /// Execs this at once, with exactly these arguments and variables.
    Become {
        path: CString,
        arguments: Vec<CString>,
        environment: Vec<CString>,
    },
}

pub fn text(path: impl AsRef<Path>) -> CString {
    CString::new(path.as_ref().as_os_str().as_bytes()).expect("there is no zero in it")
}

/// Has a command take these steps before it begins.
pub fn confine(command: &mut Command, steps: Vec<Step>) {
    let take_all = move || steps.iter().try_for_each(take);
    // SAFETY: between fork and exec only system calls are made, with values that were made before.
    unsafe { command.pre_exec(take_all) };
}

fn check(result: i64) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn take(step: &Step) -> io::Result<()> {
    const PR_SET_MDWE: i32 = 65;
    const REFUSE_EXEC_GAIN: u64 = 1;
    let none = std::ptr::null();
    // SAFETY: system calls with C strings and values that live on.
    unsafe {
        match step {
            Step::OwnMounts => {
                check(libc::unshare(libc::CLONE_NEWNS).into())?;
                let flags = libc::MS_REC | libc::MS_PRIVATE;
                check(libc::mount(none, c"/".as_ptr(), none, flags, none.cast()).into())
            }
            Step::Remount(path, flags) => {
                bind(path, path)?;
                let flags = libc::MS_BIND | libc::MS_REMOUNT | flags;
                check(libc::mount(none, path.as_ptr(), none, flags, none.cast()).into())
            }
            Step::Bind(from, to) => bind(from, to),
            Step::Root(path) => {
                check(libc::chroot(path.as_ptr()).into())?;
                check(libc::chdir(c"/".as_ptr()).into())
            }
            Step::Folder(path) => check(libc::chdir(path.as_ptr()).into()),
            Step::Limit(resource, value) => {
                let limit = libc::rlimit { rlim_cur: *value, rlim_max: *value };
                check(libc::setrlimit(*resource, &limit).into())
            }
            Step::Umask(mask) => {
                libc::umask(*mask);
                Ok(())
            }
            Step::User(user) => {
                check(libc::setgroups(0, std::ptr::null()).into())?;
                check(libc::setgid(*user).into())?;
                check(libc::setuid(*user).into())
            }
            Step::NoNewPrivileges => check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0).into()),
            Step::DenyWriteExecute => check(libc::prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0).into()),
            Step::Filter(filter) => {
                let program =
                    libc::sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut() };
                check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0).into())?;
                let mode = libc::SECCOMP_MODE_FILTER as u64;
                check(libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program).into())
            }
            Step::Close(numbers) => {
                for number in numbers {
                    libc::close(*number);
                }
                Ok(())
            }
            Step::Group(processes) => {
                let file = libc::open(processes.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
                check(file.into())?;
                check(libc::write(file, c"0".as_ptr().cast(), 1) as i64)
            }
            Step::Become { path, arguments, environment } => {
                // What execve reads is on the stack: nothing may be allocated here.
                let mut argv = [std::ptr::null(); 8];
                let mut envp = [std::ptr::null(); 64];
                argv[..7].iter_mut().zip(arguments).for_each(|(place, word)| *place = word.as_ptr());
                envp[..63].iter_mut().zip(environment).for_each(|(place, word)| *place = word.as_ptr());
                check(libc::execve(path.as_ptr(), argv.as_ptr(), envp.as_ptr()).into())
            }
        }
    }
}

/// # Safety
///
/// As `mount(2)`.
unsafe fn bind(from: &CString, to: &CString) -> io::Result<()> {
    let none = std::ptr::null();
    // SAFETY: C strings.
    let result = unsafe {
        libc::mount(from.as_ptr(), to.as_ptr(), none, libc::MS_BIND | libc::MS_REC, std::ptr::null())
    };
    check(result.into())
}

// --- filters of system calls ---

const fn statement(code: u32, value: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf: 0, k: value }
}

const fn jump(code: u32, value: u32, if_true: u8, if_false: u8) -> libc::sock_filter {
    libc::sock_filter {
        code: (libc::BPF_JMP | code | libc::BPF_K) as u16,
        jt: if_true,
        jf: if_false,
        k: value,
    }
}

/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const fn argument(index: u32) -> u32 {
    16 + 8 * index
}

const fn load(at: u32) -> libc::sock_filter {
    statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, at)
}

/// A rule: this system call gets this error, if these bits of an argument are set (all of them; none: always).
pub struct Forbidden {
    pub call: i64,
    pub bits: Option<(u32, u32)>,
    pub error: i32,
}

pub fn always(call: i64, error: i32) -> Forbidden {
    Forbidden { call, bits: None, error }
}

/// A filter that allows everything else.
pub fn forbidden(rules: &[Forbidden]) -> Step {
    let mut filter = vec![];
    for rule in rules {
        let answer = statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ERRNO | rule.error as u32);
        filter.push(load(NUMBER));
        match rule.bits {
            None => filter.extend([jump(libc::BPF_JEQ, rule.call as u32, 0, 1), answer]),
            Some((index, bits)) => filter.extend([
                jump(libc::BPF_JEQ, rule.call as u32, 0, 4),
                load(argument(index)),
                statement(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, bits),
                jump(libc::BPF_JEQ, bits, 0, 1),
                answer,
            ]),
        }
    }
    filter.push(statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW));
    Step::Filter(filter)
}

/// What container runtimes forbid whom they give no more rights, in spirit: what concerns other processes, the kernel,
/// namespaces, and userfaultfd.
pub fn as_in_a_container() -> Step {
    let calls = [
        libc::SYS_userfaultfd,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_kcmp,
        libc::SYS_perf_event_open,
        libc::SYS_bpf,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_personality,
        libc::SYS_name_to_handle_at,
        libc::SYS_open_by_handle_at,
        libc::SYS_move_pages,
        libc::SYS_mbind,
        libc::SYS_get_mempolicy,
        libc::SYS_set_mempolicy,
        libc::SYS_io_uring_setup,
        libc::SYS_pidfd_getfd,
        libc::SYS_memfd_secret,
        libc::SYS_syslog,
        libc::SYS_quotactl,
        libc::SYS_acct,
        libc::SYS_swapon,
        libc::SYS_reboot,
    ];
    let mut rules: Vec<Forbidden> = calls.iter().map(|call| always(*call, libc::EPERM)).collect();
    // Its flags are in memory, where a filter cannot look: libc takes clone instead.
    rules.push(always(libc::SYS_clone3, libc::ENOSYS));
    let namespaces = [
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWCGROUP,
    ];
    let with =
        |flag: &i32| Forbidden { call: libc::SYS_clone, bits: Some((0, *flag as u32)), error: libc::EPERM };
    rules.extend(namespaces.iter().map(with));
    forbidden(&rules)
}

/// Memory that is writable and executable, and memory that becomes executable, as service managers forbid both.
pub fn write_or_execute() -> Step {
    let rule = |call: i64, bits: i32| Forbidden { call, bits: Some((2, bits as u32)), error: libc::EPERM };
    let both = libc::PROT_WRITE | libc::PROT_EXEC;
    forbidden(&[
        rule(libc::SYS_mmap, both),
        rule(libc::SYS_mprotect, libc::PROT_EXEC),
        rule(libc::SYS_pkey_mprotect, libc::PROT_EXEC),
    ])
}
