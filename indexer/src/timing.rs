//! `--time`: the phases of a link with their milliseconds.

use crate::say;
use std::time::{Duration, Instant};

pub struct Timing {
    started: Instant,
    last: Instant,
    phases: Vec<(&'static str, Duration)>,
}

impl Default for Timing {
    fn default() -> Self {
        let now = Instant::now();
        Self { started: now, last: now, phases: Vec::new() }
    }
}

impl Timing {
    /// What ran since the last call was `phase`.
    pub fn phase(&mut self, phase: &'static str) {
        let now = Instant::now();
        self.phases.push((phase, now - self.last));
        self.last = now;
    }

    pub fn print(&self) {
        let line = |name: &str, time: Duration| say!("{name:>12} {:9.3} ms", time.as_secs_f64() * 1e3);
        for (phase, time) in &self.phases {
            line(phase, *time);
        }
        line("total", self.last - self.started);
    }
}
