//! How far long work is, for people who wait at a terminal: one line on stderr, which comes after a moment and is gone when
//! the work is done. Pipes and logs get none. All that is said on stderr goes through here ([`say!`](crate::say)), so that
//! no message is written into that line.
//!
//! Those who work only count ([`advance`]); a thread of its own, which there is only on a terminal, draws.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fmt::Arguments;
use std::io::{IsTerminal, Write, stderr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Work that is done within this time says nothing of its progress.
const MOMENT: Duration = Duration::from_millis(300);
const BETWEEN_LINES: Duration = Duration::from_millis(100);

/// What is counted of the present phase: done, and all that there is as far as is known.
static DONE: AtomicU64 = AtomicU64::new(0);
static ALL: AtomicU64 = AtomicU64::new(0);
/// Words for it, and the line while there is one.
static LINE: Mutex<Line> = Mutex::new(Line { what: String::new(), phase: String::new(), bar: None });

struct Line {
    what: String,
    phase: String,
    bar: Option<ProgressBar>,
}

fn line() -> MutexGuard<'static, Line> {
    LINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Work that may take long. Its line is gone when this is dropped.
#[must_use]
pub struct Progress(Option<(JoinHandle<()>, Arc<AtomicBool>)>);

/// Begins work. `wanted`: whether the command line has nothing against a line of progress.
pub fn start(what: &str, wanted: bool) -> Progress {
    if !wanted || !is_shown() {
        return Progress(None);
    }
    phase("", 0);
    what.clone_into(&mut line().what);
    let ended = Arc::new(AtomicBool::new(false));
    let drawer = {
        let ended = Arc::clone(&ended);
        move || {
            thread::park_timeout(MOMENT);
            while !ended.load(Ordering::Acquire) {
                draw();
                thread::park_timeout(BETWEEN_LINES);
            }
        }
    };
    // Where there can be no thread more, there is no line.
    let spawned = thread::Builder::new().name("progress".into()).spawn(drawer);
    Progress(spawned.ok().map(|thread| (thread, ended)))
}

impl Drop for Progress {
    fn drop(&mut self) {
        let Some((thread, ended)) = self.0.take() else { return };
        ended.store(true, Ordering::Release);
        thread.thread().unpark();
        thread.join().ok();
        if let Some(bar) = line().bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// Whether stderr is a terminal, of somebody who looks at it.
fn is_shown() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "false");
    let is_able = std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
    stderr().is_terminal() && is_able && !is_set("CI")
}

/// What is done now, and how many steps it has: 0 if that is not known.
pub fn phase(name: &str, steps: u64) {
    name.clone_into(&mut line().phase);
    DONE.store(0, Ordering::Relaxed);
    ALL.store(steps, Ordering::Relaxed);
}

/// The present phase turns out to have more steps.
pub fn expect(steps: u64) {
    ALL.fetch_add(steps, Ordering::Relaxed);
}

/// Steps that are done, whoever did them.
pub fn advance(steps: u64) {
    DONE.fetch_add(steps, Ordering::Relaxed);
}

/// How many steps are done, of how many.
pub fn set(done: u64, all: u64) {
    ALL.store(all, Ordering::Relaxed);
    DONE.store(done, Ordering::Relaxed);
}

fn draw() {
    let mut line = line();
    let (done, all) = (DONE.load(Ordering::Relaxed), ALL.load(Ordering::Relaxed));
    let words = match line.phase.is_empty() {
        true => line.what.clone(),
        false => format!("{}: {}", line.what, line.phase),
    };
    let bar = line.bar.get_or_insert_with(|| {
        ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style(""))
    });
    bar.set_style(style(if all == 0 { "" } else { "  [{bar:24}] {human_pos} of {human_len}" }));
    bar.set_length(all);
    bar.set_position(done.min(all));
    bar.set_message(words);
    bar.tick();
}

/// One line, however narrow the terminal: what is too long loses its end.
fn style(rest: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(&format!("{{wide_msg}}{rest}"));
    style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}

/// Does what writes to the terminal while no line of progress is there.
pub fn aside<T>(write: impl FnOnce() -> T) -> T {
    match &line().bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Writes a line to stderr. A reader that is gone is no reason to stop.
pub fn say(text: Arguments<'_>) {
    aside(|| writeln!(stderr(), "{text}").ok());
}

/// As `eprintln!`, beside a line of progress and without its panic.
#[macro_export]
macro_rules! say {
    ($($text:tt)*) => { $crate::progress::say(format_args!($($text)*)) };
}
