//! `unfold`: the command for people.
#![forbid(unsafe_code)]

mod bake;
mod compiler;
mod doctor;
mod explain;
mod gc;
mod out;
mod run;
mod status;
mod verify;

use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "unfold", version, about = "Programs that link themselves as they run")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run a command, a build for example, with everything below it linked by unfold
    Run {
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// Show what an executable is made of, what its last link read again, and what its last run touched
    Status(status::Args),
    /// Say what this kernel, file system and compilers allow, which pager programs take and how fast it is
    ///
    /// Exit status 0: all works. 1: something is wrong.
    Doctor(doctor::Args),
    /// Say where something in a program comes from, what it refers to and who refers to it, and why it is there
    Explain(explain::Args),
    /// Compare what the index has of programs and libraries with a fresh rendering, and forget what is wrong
    ///
    /// Exit status 0: all is right. 1: something was wrong. 2: something could not be examined.
    Verify {
        #[arg(required = true)]
        apps: Vec<PathBuf>,
        /// Print a JSON list with an object for each program
        #[arg(long)]
        json: bool,
        /// Say what is wrong, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Remove what nothing needs any more from an index: old generations, records, outputs that were deleted
    Gc {
        /// Indexes, folders that have one, or programs whose index is meant (default: the index of this folder)
        paths: Vec<PathBuf>,
        /// Print a JSON list with an object for each index
        #[arg(long)]
        json: bool,
        /// Say what would go, and remove nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Write an ordinary executable that needs nothing of unfold
    Bake {
        app: PathBuf,
        /// The file to write
        #[arg(short, long)]
        output: PathBuf,
    },
}

fn main() -> ExitCode {
    // `unfold run` puts links to this program in front of the compilers.
    if let Some(compiler) = compiler::called_as() {
        return compiler::run(&compiler);
    }
    let result = match Cli::parse().verb {
        Verb::Run { command } => run::run(&command),
        Verb::Status(args) => status::status(&args).map(|()| ExitCode::SUCCESS),
        Verb::Doctor(args) => doctor::doctor(&args),
        Verb::Explain(args) => explain::explain(&args).map(|()| ExitCode::SUCCESS),
        Verb::Verify { apps, json, dry_run } => verify::verify(&apps, json, dry_run),
        Verb::Gc { paths, json, dry_run } => gc::gc(&paths, json, dry_run).map(|()| ExitCode::SUCCESS),
        Verb::Bake { app, output } => bake::bake(&app, &output).map(|()| ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|error| {
        eprintln!("unfold: {error:#}");
        ExitCode::FAILURE
    })
}
