//! Questions to the kernel, asked by a process of its own: a filter of system calls may kill who asks, and measuring takes the
//! fault signals. It says what it is about to ask and then the answer, line by line, so that what killed it is known.

use anyhow::{Context, Result};
use loader::measure::{self, Mechanism, Refused};
use serde::{Deserialize, Serialize};
use shared::log::Pager;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

/// What the kernel said.
#[derive(Debug, Default, Serialize)]
pub struct Answers {
    /// The pager that `auto` takes.
    pub auto: Option<String>,
    /// Features of userfaultfd for faults of programs, and for all.
    pub userfaultfd: Answer,
    pub userfaultfd_full: Answer,
    /// Whether first touches can become signals.
    pub has_sigbus: bool,
    pub executable_later: Option<bool>,
    pub memory_file: Answer,
    pub latency: Vec<Latency>,
    /// What was asked when the process was killed, and by which signal.
    pub killed: Option<(String, i32)>,
}

/// The kernel's answer to a question: a number, or a refusal.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Answer {
    pub value: Option<u64>,
    /// The call that was refused, and `errno`.
    pub call: Option<String>,
    pub errno: Option<i32>,
}

impl Answer {
    fn of(result: Result<u64, Refused>) -> Self {
        match result {
            Ok(value) => Self { value: Some(value), ..Self::default() },
            Err(Refused { call, error }) => {
                Self { value: None, call: Some(call.to_owned()), errno: Some(-error as i32) }
            }
        }
    }

    /// What was refused, in words.
    pub fn refusal(&self) -> String {
        let call = self.call.as_deref().unwrap_or("it");
        match self.errno {
            Some(errno) => format!("{call}: {}", std::io::Error::from_raw_os_error(errno)),
            None => "not known".to_owned(),
        }
    }
}

/// What a first touch costs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Latency {
    pub mechanism: String,
    pub pages: u64,
    pub median_ns: Option<u64>,
    /// Below are a tenth of the measurements, and above.
    pub low_ns: Option<u64>,
    pub high_ns: Option<u64>,
    pub error: Option<String>,
}

/// What a mechanism is, for people.
pub fn describe(mechanism: &str) -> &str {
    match mechanism {
        "uffd" => "userfaultfd (pager uffd)",
        "file" => "SIGSEGV, mapped from memory (pager signal)",
        "protect" => "SIGSEGV, mprotect",
        "move" => "SIGSEGV, mremap",
        "mapped" => "a file that is mapped (kept), all pages",
        "zeroes" => "zeroes of the kernel, all pages",
        other => other,
    }
}

/// A line of the process that asks.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Asking(String),
    Auto(String),
    Userfaultfd(Answer, bool),
    UserfaultfdFull(Answer),
    ExecutableLater(bool),
    MemoryFile(Answer),
    Latency(Latency),
}

fn say(line: &Line) {
    crate::print_line!("{}", serde_json::to_string(line).unwrap_or_default());
}

fn asking(what: &str) {
    say(&Line::Asking(what.to_owned()));
}

/// Measurements, and first touches in each.
const TIMES: usize = 31;
const TOUCHES: u64 = 64;

/// Asks everything: what the process for it does.
pub fn answer() {
    asking("files in memory");
    say(&Line::MemoryFile(Answer::of(measure::memory_file().map(|()| 0))));
    asking("memory that becomes executable");
    say(&Line::ExecutableLater(measure::memory_may_become_executable()));
    asking("userfaultfd");
    let features = measure::userfaultfd_features(true);
    let has_sigbus = features.is_ok_and(measure::has_sigbus);
    say(&Line::Userfaultfd(Answer::of(features), has_sigbus));
    asking("userfaultfd for all faults");
    say(&Line::UserfaultfdFull(Answer::of(measure::userfaultfd_features(false))));
    asking("the pager of auto");
    say(&Line::Auto(Pager::name(measure::chosen_pager() as u64).to_owned()));
    for mechanism in Mechanism::ALL {
        for pages in [1, measure::MOST] {
            asking(mechanism.name());
            say(&Line::Latency(latency(mechanism, pages)));
        }
    }
}

fn latency(mechanism: Mechanism, pages: u64) -> Latency {
    let mut latency = Latency { mechanism: mechanism.name().to_owned(), pages, ..Latency::default() };
    let mut times = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        match measure::first_touches(mechanism, pages, TOUCHES) {
            Ok(ns) => times.push(ns),
            Err(refused) => {
                latency.error = Some(Answer::of(Err(refused)).refusal());
                return latency;
            }
        }
    }
    times.sort_unstable();
    let at = |tenths: usize| Some(times[(times.len() - 1) * tenths / 10]);
    (latency.low_ns, latency.median_ns, latency.high_ns) = (at(1), at(5), at(9));
    latency
}

/// Has a process ask everything.
pub fn ask() -> Result<Answers> {
    let own = std::env::current_exe().context("cannot find this program")?;
    let mut command = Command::new(own);
    command.args(["doctor", "--probe"]).stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().context("cannot start a process that asks the kernel")?;
    let mut answers = Answers::default();
    let mut asked = String::new();
    for line in output.stdout.split(|byte| *byte == b'\n') {
        match serde_json::from_slice(line) {
            Ok(Line::Asking(what)) => asked = what,
            Ok(Line::Auto(name)) => answers.auto = Some(name),
            Ok(Line::Userfaultfd(answer, has_sigbus)) => {
                (answers.userfaultfd, answers.has_sigbus) = (answer, has_sigbus);
            }
            Ok(Line::UserfaultfdFull(answer)) => answers.userfaultfd_full = answer,
            Ok(Line::ExecutableLater(can)) => answers.executable_later = Some(can),
            Ok(Line::MemoryFile(answer)) => answers.memory_file = answer,
            Ok(Line::Latency(latency)) => answers.latency.push(latency),
            Err(_) => {}
        }
    }
    answers.killed = output.status.signal().map(|signal| (asked, signal));
    Ok(answers)
}
