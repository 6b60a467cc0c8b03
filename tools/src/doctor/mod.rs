//! `unfold doctor`: what this kernel, this file system and these compilers allow, which pager programs take here and how fast
//! it is, and what to do about what is wrong or slow.
//!
//! The kernel is asked by [`probe`] in a process of its own, with the stub's own calls. It cannot be the stub itself: that begins
//! with a generation, which there need not be. [`kernel`], [`files`] and [`toolchain`] say what the answers mean.

mod files;
mod kernel;
mod probe;
mod toolchain;

use crate::out::{bad, dim, good, strong, warn};
use crate::print_line;
use anyhow::Result;
use clap::Args as ClapArgs;
use probe::Answers;
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;

const MORE: &str = "\
Examples:
  unfold doctor                 this machine, and the file system of this folder
  unfold doctor --json | jq .pager

Exit status:
  0    all works
  1    something is wrong";

/// Say what this machine allows, which pager programs take, and how fast it is
#[derive(ClapArgs)]
#[command(after_long_help = MORE)]
pub struct Args {
    /// A program, or a folder that programs are linked into: its file system is looked at (default: this folder)
    path: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// What the process does that asks the kernel
    #[arg(long, hide = true)]
    probe: bool,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Good,
    /// It is so, and that is neither good nor bad.
    Fact,
    /// Everything works, but slower than it could.
    Slow,
    /// Something does not work.
    Wrong,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub struct Check {
    pub part: &'static str,
    pub name: String,
    pub state: State,
    pub text: String,
    pub cause: Option<String>,
    pub cure: Option<String>,
}

impl Check {
    pub fn new(part: &'static str, name: impl Into<String>, state: State, text: impl Into<String>) -> Self {
        Self { part, name: name.into(), state, text: text.into(), cause: None, cure: None }
    }

    /// With what is behind it, and what helps.
    pub fn because(mut self, cause: impl Into<String>, cure: impl Into<String>) -> Self {
        (self.cause, self.cure) = (Some(cause.into()), Some(cure.into()));
        self
    }
}

/// Exit status if something is wrong.
const WRONG: u8 = 1;

pub fn doctor(args: &Args) -> Result<ExitCode> {
    if args.probe {
        probe::answer();
        return Ok(ExitCode::SUCCESS);
    }
    let answers = probe::ask()?;
    let pager = kernel::pager(&answers);
    let mut checks = kernel::checks(&answers);
    checks.extend(files::checks(args.path.as_deref()));
    checks.extend(toolchain::checks());
    let is_right = checks.iter().all(|check| check.state != State::Wrong);
    match args.json {
        true => print_line!(
            "{}",
            serde_json::to_string_pretty(&Report { right: is_right, pager, checks, answers })?
        ),
        false => print(&pager, &checks, &answers, is_right),
    }
    Ok(if is_right { ExitCode::SUCCESS } else { ExitCode::from(WRONG) })
}

#[derive(Serialize)]
struct Report {
    right: bool,
    pager: Pager,
    checks: Vec<Check>,
    #[serde(flatten)]
    answers: Answers,
}

/// What `UNFOLD_PAGER=auto` takes.
#[derive(Debug, Serialize)]
pub struct Pager {
    /// `null`: not even that could be found out.
    pub auto: Option<String>,
    pub why: String,
}

fn print(pager: &Pager, checks: &[Check], answers: &Answers, is_right: bool) {
    let auto = pager.auto.as_deref().unwrap_or("not known");
    print_line!("pager: {}  {}", strong(auto), pager.why);
    let mut part = "";
    for check in checks {
        if check.part != part {
            part = check.part;
            print_line!("\n{}", strong(part));
        }
        let state = match check.state {
            State::Good => good("ok   "),
            State::Fact => dim("-    "),
            State::Slow => warn("slow "),
            State::Wrong => bad("WRONG"),
        };
        print_line!("  {state} {:<20} {}", check.name, check.text);
        if let Some(cause) = &check.cause {
            print_line!("        {:<20} {} {cause}", "", dim("because"));
        }
        if let Some(cure) = &check.cure {
            print_line!("        {:<20} {}      {cure}", "", dim("do"));
        }
    }
    print_line!(
        "\n{}",
        strong("first touches, in microseconds: the median, and where eight of ten measurements lie")
    );
    for row in &answers.latency {
        let name = format!(
            "{}, {} page{}",
            probe::describe(&row.mechanism),
            row.pages,
            if row.pages == 1 { "" } else { "s" }
        );
        match (row.median_ns, &row.error) {
            (Some(median), _) => {
                let us = |ns: Option<u64>| ns.unwrap_or(median) as f64 / 1000.0;
                print_line!(
                    "  {name:<58} {:>8.2}   {:.2} to {:.2}",
                    us(Some(median)),
                    us(row.low_ns),
                    us(row.high_ns)
                );
            }
            (None, error) => print_line!("  {name:<58} {}", error.as_deref().unwrap_or("not measured")),
        }
    }
    let slow = checks.iter().filter(|check| check.state == State::Slow).count();
    let verdict = match (is_right, slow) {
        (false, _) => bad("something is wrong"),
        (true, 0) => good("all is fine"),
        (true, _) => warn("all works; some of it could be faster"),
    };
    print_line!("\n{verdict}");
}
