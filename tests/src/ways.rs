//! The states in which somebody may meet an executable that unfold has linked, with a debugger or a profiler in hand.

use crate::run::lazy_pagers;
use crate::tools::unfold_command;

/// What was done before, and the environment of the run.
#[derive(Clone, Debug)]
pub struct Way {
    /// For messages, and as a folder's name.
    pub name: String,
    pub state: State,
    pub env: Vec<(&'static str, &'static str)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Linked a moment ago, while the process behind the link may be at work.
    Fresh,
    /// That process has ended, so that everything is kept.
    Complete,
    /// Linked, edited, and linked again a moment ago.
    Relinked,
}

/// As a user has it who runs it under a tool from the start.
pub fn from_the_start() -> Vec<Way> {
    match unfold_command() {
        None => vec![stand_in()],
        Some(_) => vec![way("fresh", State::Fresh, &[]), way("complete", State::Complete, &[])],
    }
}

/// After an edit.
pub fn relinked() -> Way {
    way("relinked", State::Relinked, &[])
}

/// As it runs on its own: with code that is not there before its first touch, and with everything mapped.
pub fn while_it_runs() -> Vec<Way> {
    if unfold_command().is_none() {
        return vec![stand_in()];
    }
    let lazily = lazy_pagers().map(|pager| {
        let env = [
            ("UNFOLD_PAGER", pager),
            ("UNFOLD_KEEP", "off"),
            ("UNFOLD_BACKGROUND", "off"),
            ("UNFOLD_PREFETCH", "off"),
        ];
        way(&format!("lazy-{pager}"), State::Complete, &env)
    });
    lazily.chain([way("kept", State::Complete, &[])]).collect()
}

/// As it runs right after the link, by each pager, while what is not kept yet becomes so.
pub fn first_launches() -> Vec<Way> {
    if unfold_command().is_none() {
        return vec![stand_in()];
    }
    lazy_pagers()
        .map(|pager| way(&format!("first-{pager}"), State::Fresh, &[("UNFOLD_PAGER", pager)]))
        .collect()
}

/// Every state in which a running program may be.
pub fn all() -> Vec<Way> {
    match unfold_command() {
        None => vec![stand_in()],
        Some(_) => first_launches().into_iter().chain(while_it_runs()).collect(),
    }
}

/// Another linker's output knows no pagers.
fn stand_in() -> Way {
    way("stand-in", State::Fresh, &[])
}

fn way(name: &str, state: State, env: &[(&'static str, &'static str)]) -> Way {
    Way { name: name.to_owned(), state, env: env.to_vec() }
}
