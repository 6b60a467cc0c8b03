//! A program that was started, says that it is ready, and waits: for a debugger, a profiler, or a line to read.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::directives::Ending;
use crate::run::{describe, ending_of};

/// Longer than anything takes that does not hang, as in `run`.
const HANG: Duration = Duration::from_secs(120);

/// A running program. It is killed when this goes.
pub struct Started {
    description: String,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Started {
    /// Starts a program and waits for its first line, which is `ready`.
    pub fn ready(command: &mut Command) -> Result<Started, String> {
        let description = describe(command);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| format!("{description}\n{error}"))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        let mut started = Started { description, child, stdin, stdout };
        match started.line()?.as_str() {
            "ready\n" => Ok(started),
            line => Err(format!("{}\nis not ready, but says {line:?}", started.description)),
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it writes; at its end, an empty one.
    pub fn line(&mut self) -> Result<String, String> {
        let mut stdout = self.stdout.take().expect("it is there between two lines");
        let (stdout, line) = self.in_time(move || {
            let mut line = String::new();
            let _ = stdout.read_line(&mut line);
            (stdout, line)
        })?;
        self.stdout = Some(stdout);
        Ok(line)
    }

    /// Gives it this to read, and then the end. What it writes from now on, and how it ends.
    pub fn finish(mut self, input: &str) -> Result<(String, Ending), String> {
        if let Some(mut stdin) = self.stdin.take() {
            // A program may end without reading.
            let _ = stdin.write_all(input.as_bytes());
        }
        let mut stdout = self.stdout.take().expect("it is there between two lines");
        let text = self.in_time(move || {
            let mut bytes = vec![];
            let _ = stdout.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        })?;
        let status = self.child.wait().map_err(|error| format!("{}\n{error}", self.description))?;
        Ok((text, ending_of(status)))
    }

    fn in_time<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
        let (done, result) = mpsc::channel();
        thread::spawn(move || drop(done.send(work())));
        let hangs = |_| format!("{}\nhangs: nothing came for {HANG:?}", self.description);
        result.recv_timeout(HANG).map_err(hangs)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // SAFETY: kill takes no pointers. The group was made for this child.
        unsafe { libc::kill(-(self.child.id() as libc::pid_t), libc::SIGKILL) };
        let _ = self.child.wait();
    }
}
