//! Runs a command and reports everything that can be compared about it.

use std::fmt;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use crate::directives::Ending;

/// A process that is still there after this long is taken to hang. No healthy test comes near it, even on
/// a machine that is busy with other things.
const HANG: Duration = Duration::from_secs(120);

/// What a process wrote and how it ended.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub ending: Ending,
}

impl Outcome {
    pub fn succeeded(&self) -> bool {
        self.ending == Ending::Exit(0)
    }

    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Says how `self` differs from `expected`, or nothing if it does not.
    pub fn difference_from(&self, expected: &Outcome) -> Option<String> {
        let mut differences = vec![];
        if self.ending != expected.ending {
            differences.push(format!("it ended with {:?}, not {:?}", self.ending, expected.ending));
        }
        if self.stdout != expected.stdout {
            differences.push(first_difference("stdout", &self.stdout, &expected.stdout));
        }
        if self.stderr != expected.stderr {
            differences.push(first_difference("stderr", &self.stderr, &expected.stderr));
        }
        (!differences.is_empty()).then(|| differences.join("\n"))
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}\n--- stdout\n{}\n--- stderr\n{}", self.ending, self.stdout_text(), self.stderr_text())
    }
}

/// A command for a program under test, in an environment that holds nothing but the bare minimum:
/// neither the variables that cargo sets for tests nor anything that would steer unfold.
pub fn program(executable: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(executable);
    command.env_clear().env("LC_ALL", "C").env("HOME", "/");
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// Runs a command that must succeed, such as a compiler.
pub fn run_tool(command: &mut Command) -> Result<Outcome, String> {
    let outcome = run(command, b"")?;
    match outcome.succeeded() {
        true => Ok(outcome),
        false => Err(format!("{}\n{outcome:?}", describe(command))),
    }
}

/// Runs a command to its end with this input.
///
/// An error means that it could not be started or that it hangs; however else it ends is an outcome.
pub fn run(command: &mut Command, stdin: &[u8]) -> Result<Outcome, String> {
    let description = describe(command);
    // A group of its own lets a hanging program be killed together with its children.
    let mut child = command
        .stdin(if stdin.is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("{description}\n{error}"))?;
    let group = child.id() as libc::pid_t;

    if let Some(mut pipe) = child.stdin.take() {
        let stdin = stdin.to_owned();
        // A program may end without reading its input, which is no error of ours.
        thread::spawn(move || drop(pipe.write_all(&stdin)));
    }
    let stdout = read_in_background(child.stdout.take().expect("stdout is piped"));
    let stderr = read_in_background(child.stderr.take().expect("stderr is piped"));
    let (ended, end) = mpsc::channel();
    thread::spawn(move || drop(ended.send(child.wait())));

    let collect = || -> Option<(ExitStatus, Vec<u8>, Vec<u8>)> {
        let status = end.recv_timeout(HANG).ok()?.expect("our own child can be waited for");
        // A grandchild that hangs keeps the pipes open.
        Some((status, stdout.recv_timeout(HANG).ok()?, stderr.recv_timeout(HANG).ok()?))
    };
    let Some((status, stdout, stderr)) = collect() else {
        // SAFETY: kill takes no pointers. The group was made for this child above.
        unsafe { libc::kill(-group, libc::SIGKILL) };
        return Err(format!("{description}\nhangs: it was killed after {HANG:?}"));
    };
    Ok(Outcome { stdout, stderr, ending: ending_of(status) })
}

/// A command line for people, so that a failing step can be repeated by hand.
pub fn describe(command: &Command) -> String {
    let mut words = vec![];
    if let Some(dir) = command.get_current_dir() {
        words.push(format!("cd {} &&", dir.display()));
    }
    for (name, value) in command.get_envs() {
        if let (Some(name), Some(value)) = (name.to_str(), value)
            && name.starts_with("UNFOLD_")
        {
            words.push(format!("{name}={}", value.display()));
        }
    }
    words.push(command.get_program().display().to_string());
    words.extend(command.get_args().map(|arg| {
        let arg = arg.display().to_string();
        if arg.is_empty() || arg.contains([' ', '$', '\'', '*']) { format!("'{arg}'") } else { arg }
    }));
    words.join(" ")
}

pub fn ending_of(status: ExitStatus) -> Ending {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Exit(code),
        (None, Some(signal)) => Ending::Signal(signal),
        (None, None) => unreachable!("a process that was waited for has ended"),
    }
}

/// The pagers that leave code to its first touch, as far as this kernel allows them.
pub fn lazy_pagers() -> impl Iterator<Item = &'static str> {
    ["uffd", "signal"].into_iter().filter(|pager| *pager != "uffd" || kernel_allows_userfaultfd())
}

/// Whether this kernel lets an unprivileged process use userfaultfd, asked of the kernel itself and not
/// of unfold, which is what is being tested.
pub fn kernel_allows_userfaultfd() -> bool {
    const UFFD_USER_MODE_ONLY: libc::c_int = 1;
    // SAFETY: the call takes no pointers, and the descriptor it may return is ours to close.
    unsafe {
        let descriptor = libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC | UFFD_USER_MODE_ONLY);
        if descriptor >= 0 {
            libc::close(descriptor as libc::c_int);
        }
        descriptor >= 0
    }
}

/// Whether a file is there and may be executed.
pub fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
}

fn read_in_background(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (done, result) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = vec![];
        let _ = pipe.read_to_end(&mut bytes);
        drop(done.send(bytes));
    });
    result
}

/// Shows two texts from a little before the place where they part.
fn first_difference(what: &str, found: &[u8], expected: &[u8]) -> String {
    let common = found.iter().zip(expected).take_while(|(a, b)| a == b).count();
    let start = common.saturating_sub(60);
    let excerpt = |bytes: &[u8]| {
        let end = bytes.len().min(common + 600);
        String::from_utf8_lossy(&bytes[start.min(end)..end]).into_owned()
    };
    format!(
        "{what} differs from byte {common} on ({} bytes, expected {})\n--- found\n{}\n--- expected\n{}",
        found.len(),
        expected.len(),
        excerpt(found),
        excerpt(expected)
    )
}
