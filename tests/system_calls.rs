//! What the loader asks of the kernel, counted from outside with ptrace(2): for a first touch, and at the start.

use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use unfold_tests::project::Project;
use unfold_tests::run::{kernel_allows_userfaultfd, program};
use unfold_tests::tools::{complete_kept, unfold_command};

const FUNCTIONS: usize = 40;

/// What a traced program did.
#[derive(Default)]
struct Trace {
    /// System calls up to the first `brk`, which is the dynamic linker's.
    start: Vec<u64>,
    /// For each SIGSEGV, the calls from its delivery to the return from the handler.
    touches: Vec<Vec<u64>>,
}

#[test]
fn a_first_touch_takes_six_system_calls() {
    let (ioctl, mprotect, gettid, clock, back) = (
        libc::SYS_ioctl,
        libc::SYS_mprotect,
        libc::SYS_gettid,
        libc::SYS_clock_gettime,
        libc::SYS_rt_sigreturn,
    );
    let (fstat, write, map) = (libc::SYS_fstat, libc::SYS_pwrite64, libc::SYS_mmap);
    let by_uffd = [clock, ioctl, mprotect, gettid, clock, back];
    // The clock is read at the beginning and at the end. The file is asked for its identity: its number may stand for another one by now.
    let by_signal = [clock, fstat, write, fstat, map, gettid, clock, back];
    for (pager, expected) in [("uffd", &by_uffd[..]), ("signal", &by_signal)] {
        if pager == "uffd" && !kernel_allows_userfaultfd() {
            continue;
        }
        let Some(project) = linked(&format!("touch-{pager}")) else { return };
        let trace = traced(&project, pager);
        // Functions of a chunk each, and what else is lazy.
        assert!(trace.touches.len() >= FUNCTIONS, "{pager}: {} first touches", trace.touches.len());
        for calls in &trace.touches {
            let expected: Vec<u64> = expected.iter().map(|call| *call as u64).collect();
            assert_eq!(calls, &expected, "{pager}");
        }
    }
}

/// With everything kept, the start costs the same whatever the size of the program, and touches are the kernel's.
#[test]
fn with_everything_kept_the_loader_starts_the_program_and_no_more() {
    let Some(project) = linked("kept") else { return };
    complete_kept(&project.path("app")).unwrap();
    let trace = traced(&project, "auto");
    assert_eq!(trace.touches.len(), 0);
    let forbidden = [libc::SYS_userfaultfd, libc::SYS_clone, libc::SYS_rt_sigaction, libc::SYS_memfd_create];
    for call in forbidden {
        assert!(!trace.start.contains(&(call as u64)), "call {call} in {:?}", trace.start);
    }
    assert!(trace.start.len() <= 70, "{} calls: {:?}", trace.start.len(), count(&trace.start));
}

fn count(calls: &[u64]) -> BTreeMap<u64, usize> {
    let mut count = BTreeMap::new();
    calls.iter().for_each(|call| *count.entry(*call).or_default() += 1);
    count
}

/// Runs the program, by faults alone unless chunks are kept.
fn traced(project: &Project, pager: &str) -> Trace {
    let mut command = program(project.path("app"));
    command
        .env("UNFOLD_PAGER", pager)
        .env("UNFOLD_PREFETCH", "off")
        .env("UNFOLD_TRACED", "lazy")
        .stdout(Stdio::null());
    if pager != "auto" {
        command.env("UNFOLD_KEEP", "off");
    }
    // SAFETY: PTRACE_TRACEME is all that the child does before it becomes the program.
    unsafe { command.pre_exec(|| Ok(ptrace::traceme()?)) };
    #[expect(clippy::zombie_processes, reason = "waitpid below is the wait")]
    let child = command.spawn().unwrap();
    let process = Pid::from_raw(child.id() as i32);
    waitpid(process, None).unwrap();
    ptrace::setoptions(process, ptrace::Options::PTRACE_O_TRACESYSGOOD).unwrap();
    let mut trace = Trace::default();
    let (mut in_call, mut in_touch, mut has_started) = (false, false, false);
    let mut signal = None;
    loop {
        ptrace::syscall(process, signal.take()).unwrap();
        match waitpid(process, None).unwrap() {
            WaitStatus::Exited(_, status) => {
                assert_eq!(status, 0);
                break;
            }
            WaitStatus::PtraceSyscall(_) => {
                in_call = !in_call;
                if !in_call {
                    continue;
                }
                let call = ptrace::getregs(process).unwrap().orig_rax;
                has_started |= call == libc::SYS_brk as u64;
                match trace.touches.last_mut() {
                    Some(touch) if in_touch => touch.push(call),
                    _ if !has_started => trace.start.push(call),
                    _ => {}
                }
                in_touch &= call != libc::SYS_rt_sigreturn as u64;
            }
            WaitStatus::Stopped(_, stopped) => {
                if stopped == Signal::SIGSEGV {
                    trace.touches.push(vec![]);
                    in_touch = true;
                }
                signal = Some(stopped);
            }
            other => panic!("{other:?}"),
        }
    }
    trace
}

/// A program that calls each of its functions, if it is unfold that is tested.
fn linked(name: &str) -> Option<Project> {
    unfold_command()?;
    let project = Project::new(&format!("system-calls/{name}"));
    project.set_env("UNFOLD_BACKGROUND", "off");
    let declare: String = (0..FUNCTIONS).map(|n| format!("int function_{n}(int);\n")).collect();
    let calls: String = (0..FUNCTIONS).map(|n| format!("sum = function_{n}(sum); ")).collect();
    project.edit(
        "main.c",
        &format!("{declare}int main(void) {{ int sum = 0; {calls} return sum != {FUNCTIONS}; }}\n"),
    );
    let function = |n: usize| {
        format!(
            "int function_{n}(int x) {{ __asm__ volatile(\"jmp 1f; .skip 66000, 0x90; 1:\"); return x + 1; }}\n"
        )
    };
    project.edit("part.c", &(0..FUNCTIONS).map(function).collect::<String>());
    project.link(&["main.o", "part.o", "-o", "app"]);
    Some(project)
}
