//! `unfold bake`: the image, rendered whole, as an ordinary executable. It is also an oracle: every page of
//! it must be the one that the loader makes.

use crate::out;
use anyhow::{Context, Result};
use indexer::index::opened::Executable;
use indexer::{progress, settle};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// Write an ordinary executable that needs nothing of unfold
///
/// For programs that are given away, installed, profiled with tools that read executables, or looked at after a crash: the
/// file has all code and data, symbols, and the debug information of the objects.
#[derive(clap::Args)]
#[command(after_long_help = MORE)]
pub struct Args {
    /// An executable that unfold has linked
    #[arg(value_hint = clap::ValueHint::FilePath)]
    app: PathBuf,
    /// The file to write
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    output: PathBuf,
    /// Show no progress, on terminals neither
    #[arg(long = "no-progress")]
    quiet: bool,
}

const MORE: &str = "\
Examples:
  unfold bake app -o app-to-give-away
  unfold bake app -o app.baked && gdb app.baked core    a core file with lines and variables

Exit status:
  0    the file is written
  1    it is not, and what was there before is as it was";

pub fn bake(args: &Args) -> Result<()> {
    let (app, output) = (&args.app, &args.output);
    let executable = Executable::open(app)?;
    let _progress = progress::start(&format!("baking {}", out::short(app)), !args.quiet);
    let mode = fs::metadata(app).with_context(|| format!("cannot examine {}", app.display()))?.permissions();
    settle::bake(app, &executable, output, mode.mode())
}
