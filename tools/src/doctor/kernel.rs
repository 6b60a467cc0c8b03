//! What the kernel allows, and the limits of this process.

use super::probe::Answers;
use super::{Check, Pager, State};
use std::fs;

const PART: &str = "kernel";

const EPERM: i32 = 1;
const EINVAL: i32 = 22;
const ENOSYS: i32 = 38;

/// Mappings that a process may have, by default (sysctl/vm, max_map_count): chunks that are mapped one by one are many.
const USUAL_MAPPINGS: u64 = 65_530;

/// Which pager `auto` takes, and why.
pub fn pager(answers: &Answers) -> Pager {
    let why = match answers.auto.as_deref() {
        Some("uffd") => "the kernel serves first touches through userfaultfd".to_owned(),
        Some("signal") if answers.userfaultfd.value.is_none() => {
            format!("signals serve first touches: userfaultfd is refused ({})", answers.userfaultfd.refusal())
        }
        Some("signal") if !answers.has_sigbus => {
            "signals serve first touches: userfaultfd has no SIGBUS mode here".to_owned()
        }
        Some("signal") if answers.executable_later == Some(false) => {
            "signals serve first touches: memory may not become executable here, as under userfaultfd it does"
                .to_owned()
        }
        Some("signal") => {
            "signals serve first touches: no descriptor for userfaultfd was to be had".to_owned()
        }
        Some(other) => format!("{other} was chosen"),
        None => match &answers.killed {
            Some((asked, signal)) => {
                format!("the kernel killed the process (signal {signal}) that asked for {asked}")
            }
            None => "the process that asks the kernel gave no answer".to_owned(),
        },
    };
    Pager { auto: answers.auto.clone(), why }
}

pub fn checks(answers: &Answers) -> Vec<Check> {
    let mut checks = vec![Check::new(PART, "kernel", State::Fact, read("/proc/sys/kernel/osrelease"))];
    checks.extend(answers.killed.as_ref().map(|(asked, signal)| {
        Check::new(
            PART,
            "system calls",
            State::Wrong,
            format!("signal {signal} killed the process that asked for {asked}"),
        )
        .because(
            "a filter of system calls (seccomp) kills instead of refusing",
            "start programs with UNFOLD_PAGER=signal, or allow the call in the filter",
        )
    }));
    checks.push(userfaultfd(answers));
    checks.push(full_userfaultfd(answers));
    checks.push(executable(answers));
    checks.push(match answers.memory_file.value {
        Some(_) => Check::new(PART, "files in memory", State::Good, "memfd_create works"),
        None => Check::new(PART, "files in memory", State::Slow, answers.memory_file.refusal()).because(
            "the signal pager maps chunks from such a file",
            "allow memfd_create; else chunks are moved into place, which is slower",
        ),
    });
    checks.extend(mechanisms(answers));
    checks.push(Check::new(PART, "seccomp", State::Fact, seccomp()));
    checks.push(Check::new(PART, "container", State::Fact, container()));
    checks.extend(of_proc());
    checks.extend(limits());
    checks.extend(std::env::var("UNFOLD_PAGER").ok().filter(|pager| pager != "auto").map(|pager| {
        Check::new(
            PART,
            "UNFOLD_PAGER",
            State::Fact,
            format!("{pager}: programs do not choose for themselves"),
        )
    }));
    checks
}

fn userfaultfd(answers: &Answers) -> Check {
    let name = "userfaultfd";
    let answer = &answers.userfaultfd;
    if let Some(features) = answer.value {
        let text = format!("for faults of programs, without privilege; features {features:#x}");
        return match answers.has_sigbus {
            true => Check::new(PART, name, State::Good, text + ", SIGBUS mode among them"),
            false => Check::new(PART, name, State::Slow, text + ", without SIGBUS mode")
                .because("the kernel is older than 4.14", "use a newer kernel"),
        };
    }
    let text = format!("refused: {}", answer.refusal());
    let (cause, cure) = match answer.errno {
        Some(EPERM | ENOSYS) if is_filtered() => (
            "a filter of system calls (seccomp) forbids it, as those of container runtimes do",
            "allow userfaultfd in the container's profile (docker: --security-opt seccomp=PROFILE); it is asked for with \
             UFFD_USER_MODE_ONLY",
        ),
        Some(ENOSYS) => ("the kernel was built without it (CONFIG_USERFAULTFD)", "use a kernel that has it"),
        Some(EINVAL) => {
            ("the kernel is older than 5.11, which can limit it to faults of programs", "use a newer kernel")
        }
        Some(EPERM) => ("a security module forbids it", "allow it there (SELinux: anon_inode create)"),
        _ => ("the kernel refused it", "see the error"),
    };
    Check::new(PART, name, State::Slow, text).because(cause, cure)
}

fn full_userfaultfd(answers: &Answers) -> Check {
    let sysctl = read("/proc/sys/vm/unprivileged_userfaultfd");
    let sysctl = if sysctl.is_empty() { "not there".to_owned() } else { sysctl };
    let text = match answers.userfaultfd_full.value {
        Some(_) => "allowed".to_owned(),
        None => format!("refused: {}", answers.userfaultfd_full.refusal()),
    };
    let name = "userfaultfd, full";
    Check::new(PART, name, State::Fact, format!("{text} (vm.unprivileged_userfaultfd: {sysctl}); not needed"))
}

fn executable(answers: &Answers) -> Check {
    let name = "executable memory";
    match answers.executable_later {
        Some(true) => Check::new(PART, name, State::Good, "memory may become executable"),
        Some(false) => {
            Check::new(PART, name, State::Slow, "memory may not become executable after it was mapped")
                .because(
                    "PR_SET_MDWE, a service manager's MemoryDenyWriteExecute, or SELinux (execmem)",
                    "allow it for programs that are being worked on; else chunks are mapped from files",
                )
        }
        None => Check::new(PART, name, State::Fact, "not known"),
    }
}

/// The ways of the signal pager: one of them has to work.
fn mechanisms(answers: &Answers) -> Option<Check> {
    let works = |name: &str| {
        let rows = answers.latency.iter().filter(|row| row.mechanism == name);
        let mut times = rows.map(|row| row.median_ns.is_some()).peekable();
        times.peek().is_some() && times.all(|works| works)
    };
    if answers.latency.is_empty() {
        return None;
    }
    let ways: Vec<&str> = ["file", "move"].into_iter().filter(|name| works(name)).collect();
    let name = "SIGSEGV";
    Some(match ways.is_empty() {
        false => Check::new(
            PART,
            name,
            State::Good,
            "memory without access can be served by signals (PROT_NONE, mmap, mremap)",
        ),
        true => Check::new(PART, name, State::Wrong, "memory without access cannot be served by signals")
            .because(
                "neither a mapping of a file in memory nor moved memory may be executable",
                "start programs with UNFOLD_PAGER=eager, or bake them (unfold bake)",
            ),
    })
}

/// A small file of the kernel, without its last newline; empty if it is not there.
pub fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

fn status(field: &str) -> String {
    let text = read("/proc/self/status");
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

fn is_filtered() -> bool {
    status("Seccomp") == "2"
}

fn seccomp() -> String {
    match status("Seccomp").as_str() {
        "0" => "no filter of system calls".to_owned(),
        "1" => "strict mode".to_owned(),
        "2" => format!("{} filter(s) of system calls", status("Seccomp_filters")),
        _ => "not known".to_owned(),
    }
}

/// What kind of container this is, by what runtimes leave.
fn container() -> String {
    let there = |path: &str| fs::metadata(path).is_ok();
    let of_init = fs::read("/proc/1/environ").unwrap_or_default();
    let named = of_init.split(|byte| *byte == 0).find_map(|word| word.strip_prefix(b"container="));
    let named = named
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .or_else(|| std::env::var("container").ok());
    match () {
        () if there("/.dockerenv") => "docker".to_owned(),
        () if there("/run/.containerenv") => "podman".to_owned(),
        () if named.is_some() => named.unwrap_or_default(),
        () if read("/proc/1/cgroup").contains("kubepods") => "kubernetes".to_owned(),
        () => "none that leaves a sign".to_owned(),
    }
}

/// Settings of the kernel.
fn of_proc() -> Vec<Check> {
    let mut checks = Vec::new();
    let mappings = read("/proc/sys/vm/max_map_count");
    let name = "max_map_count";
    checks.push(match mappings.parse::<u64>() {
        Ok(count) if count < USUAL_MAPPINGS => Check::new(PART, name, State::Slow, mappings).because(
            "each lazy chunk may become a mapping of its own; a program that runs out of them stops",
            format!("sysctl vm.max_map_count={USUAL_MAPPINGS}"),
        ),
        Ok(_) => Check::new(PART, name, State::Good, mappings),
        Err(_) => Check::new(PART, name, State::Wrong, "/proc/sys/vm/max_map_count cannot be read").because(
            "/proc is not mounted, or hidden",
            "mount it: laziness ends by what /proc/self/maps says",
        ),
    });
    let scope = read("/proc/sys/kernel/yama/ptrace_scope");
    checks.push(Check::new(
        PART,
        "ptrace_scope",
        State::Fact,
        match scope.as_str() {
            "" => "not there: debuggers may attach to processes of the same user".to_owned(),
            "0" => "0: debuggers may attach to processes of the same user".to_owned(),
            _ => format!("{scope}: debuggers may attach to their own children, or not at all"),
        },
    ));
    let paranoid = read("/proc/sys/kernel/perf_event_paranoid");
    checks.push(Check::new(
        PART,
        "perf_event_paranoid",
        State::Fact,
        match paranoid.parse::<i32>() {
            Ok(level) if level <= 2 => format!("{level}: perf can look at one's own processes"),
            Ok(level) => format!("{level}: perf is for root alone"),
            Err(_) => "not there: the kernel has no perf".to_owned(),
        },
    ));
    let tracer = status("TracerPid");
    if !matches!(tracer.as_str(), "" | "0") {
        checks.push(
            Check::new(PART, "tracer", State::Slow, format!("process {tracer} traces this one")).because(
                "under a debugger or strace everything is rendered before a program starts",
                "UNFOLD_TRACED=lazy, if that is not wanted",
            ),
        );
    }
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let text = format!("{cpus} that may be used");
    checks.push(match cpus {
        1 => Check::new(PART, "processors", State::Slow, text).because(
            "what is relocated in the background takes turns with the program",
            "give the process more (taskset, the container's limits)",
        ),
        _ => Check::new(PART, "processors", State::Good, text),
    });
    checks
}

/// Limits of this process (proc_pid_limits(5)), which those that it starts inherit.
fn limits() -> Vec<Check> {
    const MIB: u64 = 1 << 20;
    let text = read("/proc/self/limits");
    // The soft limit; `None`: there is none.
    let limit = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let mut checks = Vec::new();
    let name = "RLIMIT_AS";
    checks.push(match limit("Max address space") {
        None => Check::new(PART, name, State::Good, "no limit of address space"),
        Some(bytes) => {
            let state = if bytes < 256 * MIB { State::Wrong } else { State::Slow };
            Check::new(PART, name, state, format!("{} MiB of address space", bytes / MIB)).because(
                "an image reserves the address space of the whole program, with room to grow",
                "ulimit -v unlimited",
            )
        }
    });
    let name = "RLIMIT_FSIZE";
    checks.push(match limit("Max file size") {
        None => Check::new(PART, name, State::Good, "no limit of file sizes"),
        Some(bytes) => {
            Check::new(PART, name, State::Slow, format!("files of {} MiB at the most", bytes / MIB))
                .because("kept chunks and files in memory are as long as the image", "ulimit -f unlimited")
        }
    });
    let name = "RLIMIT_NOFILE";
    let files = limit("Max open files").unwrap_or(u64::MAX);
    checks.push(match files {
        ..16 => Check::new(PART, name, State::Wrong, format!("{files} open files"))
            .because("the loader needs five for the start", "ulimit -n 1024"),
        _ => Check::new(PART, name, State::Good, format!("{files} open files")),
    });
    checks
}
