//! The states in which somebody may meet an executable that unfold has linked, with a debugger or a profiler in hand.
//!
//! One that has settled is an ordinary executable, and nothing of ours runs in it, whatever the environment says. One that
//! was started before, or was linked with `UNFOLD_SETTLE=off`, runs from the loader.

use crate::run::lazy_pagers;
use crate::tools::{complete_kept, complete_unsettled, unfold_command, wait_until_settled};
use std::path::Path;

/// What was done before, and the environment of the run.
#[derive(Clone, Debug)]
pub struct Way {
    /// For messages, and as a folder's name.
    pub name: String,
    pub state: State,
    /// Whether it has become an ordinary executable; if not, its linker was told so.
    pub is_settled: bool,
    pub env: Vec<(&'static str, &'static str)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Linked a moment ago, while the process behind the link may be at work.
    Fresh,
    /// That process has ended, so that everything is kept, and debug information is where it is looked for.
    Complete,
    /// Linked, edited, and linked again a moment ago.
    Relinked,
}

/// As a user has it who runs it under a tool from the start.
pub fn from_the_start() -> Vec<Way> {
    match unfold_command() {
        None => vec![stand_in()],
        Some(_) => vec![settled("fresh", State::Fresh), settled("complete", State::Complete)],
    }
}

/// After an edit.
pub fn relinked() -> Way {
    settled("relinked", State::Relinked)
}

/// As it runs on its own, settled and not.
pub fn while_it_runs() -> Vec<Way> {
    match unfold_command() {
        None => vec![stand_in()],
        Some(_) => [once_settled(), from_the_loader()].concat(),
    }
}

/// As it runs in the long run.
pub fn once_settled() -> Vec<Way> {
    match unfold_command() {
        None => vec![stand_in()],
        Some(_) => vec![settled("settled", State::Complete)],
    }
}

/// Not settled: with code that is not there before its first touch, and with everything mapped.
pub fn from_the_loader() -> Vec<Way> {
    if unfold_command().is_none() {
        return vec![];
    }
    let lazily = lazy_pagers().map(|pager| {
        let env = [
            ("UNFOLD_PAGER", pager),
            ("UNFOLD_KEEP", "off"),
            ("UNFOLD_BACKGROUND", "off"),
            ("UNFOLD_PREFETCH", "off"),
        ];
        unsettled(&format!("lazy-{pager}"), State::Complete, &env)
    });
    lazily.chain([unsettled("kept", State::Complete, &[])]).collect()
}

/// As it runs right after the link, by each pager, while what is not kept yet becomes so.
pub fn first_launches() -> Vec<Way> {
    if unfold_command().is_none() {
        return vec![stand_in()];
    }
    lazy_pagers()
        .map(|pager| unsettled(&format!("first-{pager}"), State::Fresh, &[("UNFOLD_PAGER", pager)]))
        .collect()
}

/// Every state in which a running program may be.
pub fn all() -> Vec<Way> {
    match unfold_command() {
        None => vec![stand_in()],
        Some(_) => [first_launches(), while_it_runs()].concat(),
    }
}

/// Another linker's output knows no pagers.
fn stand_in() -> Way {
    settled("stand-in", State::Fresh)
}

fn settled(name: &str, state: State) -> Way {
    Way { is_settled: true, ..unsettled(name, state, &[]) }
}

fn unsettled(name: &str, state: State, env: &[(&'static str, &'static str)]) -> Way {
    Way { name: name.to_owned(), state, is_settled: false, env: env.to_vec() }
}

impl Way {
    /// Whether code is missing that nobody has touched.
    pub fn is_lazy(&self) -> bool {
        self.env.iter().any(|(name, value)| (*name, *value) == ("UNFOLD_KEEP", "off"))
    }

    /// What the linker is told.
    pub fn link_env(&self) -> &'static [(&'static str, &'static str)] {
        if self.is_settled { &[] } else { &[("UNFOLD_SETTLE", "off")] }
    }

    /// Has an executable, which was just linked, become what the way begins with.
    pub fn prepare(&self, app: &Path) -> Result<(), String> {
        match (self.is_settled, self.state) {
            (true, State::Complete) => wait_until_settled(app).and_then(|()| complete_kept(app)),
            (true, _) => wait_until_settled(app),
            (false, State::Complete) => complete_unsettled(app),
            (false, _) => Ok(()),
        }
    }
}
