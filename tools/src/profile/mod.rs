//! `unfold profile`: what a run touched first, in which order, and what that cost: as a table, as JSON, as a page.

mod compare;
mod group;
mod page;
mod run;
mod table;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use group::{Group, groups};
use indexer::profile::{self, Profile};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const MORE: &str = "\
Examples:
  unfold profile app -- --version            run it, and show what it touched, object by object
  unfold profile app --by function --top 20  the same run again
  unfold profile app --html start.html       as a page with a timeline and a map
  unfold profile app --diff before.json      beside a run that was kept with --save

Exit status:
  that of the program, with `--`; else
  0    it is shown
  1    there is no such run, or unfold has not linked the program";

/// Show what a run touched first, in which order, and what that cost
///
/// With `--`, the program runs with these arguments and its own input and outputs, and its exit status is passed on.
#[derive(Args)]
#[command(after_long_help = MORE)]
pub struct ProfileArgs {
    /// An executable that unfold has linked
    app: PathBuf,
    /// With `--`, runs the program with these arguments, page by page; without, its last run is read
    #[arg(last = true)]
    args: Vec<OsString>,
    /// What the lines of the table are about
    #[arg(long, value_enum, default_value_t = By::Object)]
    by: By,
    /// How many lines are shown, 0: all
    #[arg(long, default_value_t = 20)]
    top: usize,
    /// Write one JSON object
    #[arg(long)]
    json: bool,
    /// Where the report goes (default: standard output; of a run, standard error)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write a page for browsers, with a timeline and a map that can be searched and zoomed
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Keep the run for `--diff`
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Compare with an earlier run: a file that `--save` or `--json` wrote, or a log of the index
    #[arg(long, value_name = "FILE")]
    diff: Option<PathBuf>,
    /// Show names as the objects have them
    #[arg(long)]
    no_demangle: bool,
}

/// What touches are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// Each touch, in the order in which they came
    Time,
    /// Object files and members of archives
    Object,
    Section,
    Function,
    Thread,
}

impl By {
    pub fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Object => "object",
            Self::Section => "section",
            Self::Function => "function",
            Self::Thread => "thread",
        }
    }
}

pub fn profile(args: &ProfileArgs) -> Result<ExitCode> {
    // Nothing behind it is an argument too.
    let is_run = std::env::args_os().any(|word| word == "--");
    let before = args.diff.as_deref().map(|path| read(path, args)).transpose()?;
    let (status, profile) = match is_run {
        false => (0, profile::of_last_run(&args.app)?),
        true => {
            let ended = run::run(&args.app, &args.args)?;
            let status = ended.status;
            match ended.profile(&args.app) {
                Ok(profile) => (status, profile),
                Err(error) => {
                    indexer::say!("unfold: {error:#}");
                    return Ok(ExitCode::from(status.max(1)));
                }
            }
        }
    };
    let profile = shown(profile, args);
    if let Some(path) = &args.save {
        write(path, &format!("{}\n", serde_json::to_string(&profile_json(&profile)?)?))?;
    }
    if let Some(path) = &args.html {
        write(path, &page::page(&profile)?)?;
    }
    let text = match (&before, args.json) {
        (None, false) => table::report(&profile, args.by, args.top, is_run || args.output.is_some()),
        (None, true) => format!("{}\n", serde_json::to_string_pretty(&profile_json(&profile)?)?),
        (Some(before), false) => compare::report(before, &profile, args.by, args.top, is_run),
        (Some(before), true) => {
            format!("{}\n", serde_json::to_string_pretty(&compare::json(before, &profile, args.by))?)
        }
    };
    match &args.output {
        Some(path) => write(path, &text)?,
        // A reader that is gone has seen enough.
        None if is_run => drop(std::io::stderr().write_all(text.as_bytes())),
        None => drop(std::io::stdout().write_all(text.as_bytes())),
    }
    Ok(ExitCode::from(status))
}

/// A run that was saved, or a log of this executable.
fn read(path: &Path, args: &ProfileArgs) -> Result<Profile> {
    let context = || format!("cannot read {}", path.display());
    let bytes = fs::read(path).with_context(context)?;
    if bytes.starts_with(b"UFlog") {
        let executable = indexer::index::opened::Executable::open(&args.app)?;
        // Records are read from aligned memory.
        let (bytes, _) = indexer::inputs::mapped::map(path)?;
        return Ok(shown(profile::of_log(&args.app, &executable, bytes).with_context(context)?, args));
    }
    let saved: Profile = serde_json::from_slice(&bytes)
        .with_context(|| format!("{}: neither a saved profile nor a log", path.display()))?;
    if saved.format != profile::FORMAT {
        anyhow::bail!("{}: of another version of unfold: {}", path.display(), saved.format);
    }
    Ok(shown(saved, args))
}

/// With the names that were asked for.
fn shown(mut profile: Profile, args: &ProfileArgs) -> Profile {
    if args.no_demangle {
        for touch in &mut profile.touches {
            touch.function.clone_from(&touch.symbol);
        }
    }
    profile
}

/// The profile, and its touches counted in each way (docs/format.md).
fn profile_json(profile: &Profile) -> Result<Value> {
    let mut value = serde_json::to_value(profile)?;
    let counted = |by| groups(profile, by).iter().map(Group::json).collect::<Vec<_>>();
    value["by"] = json!({
        "object": counted(By::Object),
        "section": counted(By::Section),
        "function": counted(By::Function),
        "thread": counted(By::Thread),
    });
    Ok(value)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
