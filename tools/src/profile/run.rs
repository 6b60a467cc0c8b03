//! Runs the program so that its log says each page, and reads that.

use anyhow::{Context, Result, bail};
use indexer::index::opened::Executable;
use indexer::profile::{self, Profile};
use indexer::settle;
use std::ffi::OsString;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A run that is over.
pub struct Ended {
    pub status: u8,
    command: Vec<String>,
    ending: String,
    pid: u64,
    /// Whose log was there before.
    before: Option<u64>,
}

/// Runs the program, with our own input and outputs.
pub fn run(app: &Path, args: &[OsString]) -> Result<Ended> {
    // What unfold has not linked leaves no log.
    let executable = Executable::open(app)?;
    let before = profile::last_pid(app);
    let here = PathBuf::from(".");
    let path = if app.components().count() == 1 { here.join(app) } else { app.to_owned() };
    // What has settled has no loader that could say what is touched.
    let lazy = if executable.is_settled() { Some(settle::with_loader(&path)?) } else { None };
    let program: &Path = lazy.as_deref().unwrap_or(&path);
    // What the terminal sends goes to both, and the report comes when the program has ended.
    ctrlc::set_handler(|| {}).context("cannot set a signal handler")?;
    let mut command = Command::new(program);
    let child = command.arg0(&path).args(args).env("UNFOLD_PROFILE", "on").spawn();
    let mut child = child.with_context(|| format!("cannot run {}", path.display()))?;
    let pid = child.id().into();
    let status = child.wait().with_context(|| format!("cannot wait for {}", path.display()))?;
    let ending = match (status.code(), status.signal()) {
        (Some(code), _) => format!("status {code}"),
        (None, signal) => format!("signal {}", signal.unwrap_or(0)),
    };
    // As a shell has it: a signal is a status above 128.
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    let words = std::iter::once(path.as_os_str()).chain(args.iter().map(OsString::as_os_str));
    let command = words.map(|word| word.to_string_lossy().into_owned()).collect();
    Ok(Ended { status: code as u8, command, ending, pid, before })
}

impl Ended {
    pub fn profile(self, app: &Path) -> Result<Profile> {
        let now = profile::last_pid(app);
        if now.is_none() || now == self.before && now != Some(self.pid) {
            bail!("{}: the run left no log ({}): UNFOLD_LOG=1 says why", app.display(), self.ending);
        }
        if now != Some(self.pid) {
            indexer::say!(
                "unfold: the program was started again meanwhile: this is about process {}",
                now.unwrap_or(0)
            );
        }
        let mut profile = profile::of_last_run(app)?;
        profile.command = Some(self.command);
        profile.ending = Some(self.ending);
        Ok(profile)
    }
}
