//! `unfold`: the command for people.
#![forbid(unsafe_code)]
#![deny(clippy::print_stderr, clippy::print_stdout)]

mod bake;
mod compiler;
mod completion;
mod doctor;
mod explain;
mod gc;
mod man;
mod order;
mod out;
mod profile;
mod run;
mod setup;
mod status;
mod verify;

use clap::{Parser, Subcommand};
use indexer::say;
use std::process::ExitCode;

/// Programs that link themselves as they run
#[derive(Parser)]
#[command(name = "unfold", version, max_term_width = 100, after_long_help = MORE)]
struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,
}

// Each is described where it is done.
#[derive(Subcommand)]
enum Verb {
    Setup(setup::Args),
    Run(run::Args),
    Status(status::Args),
    Profile(profile::ProfileArgs),
    Order(order::OrderArgs),
    Explain(explain::Args),
    Doctor(doctor::Args),
    Bake(bake::Args),
    Verify(verify::Args),
    Gc(gc::Args),
    Completion(completion::Args),
    Man(man::Args),
}

/// What `--help` and the manual say beyond the subcommands. Headings end in a colon (`man.rs`).
const MORE: &str = "\
Exit status:
  0    it is done; `verify`: all is right; `run`: that of the command
  1    it could not be done, and stderr says why
  2    the command line is not understood

See also:
  ld.unfold --help lists the options of the linker.";

const OVERVIEW: &str = "\
unfold: programs that link themselves as they run

Three commands to begin with:
  unfold run -- make      run any build with unfold as its linker; nothing is set up
  unfold setup            make unfold the linker of your compiler, and say what to write where
  unfold status APP       what a program is made of, and what its last link read again

When a program is to be given away:
  unfold bake APP -o FILE

`unfold help` lists all commands, `unfold help COMMAND` explains one, with examples.";

fn main() -> ExitCode {
    // `unfold run` puts links to this program in front of the compilers.
    if let Some(compiler) = compiler::called_as() {
        return compiler::run(&compiler);
    }
    let Some(verb) = Cli::parse().verb else {
        print_line!("{OVERVIEW}");
        return ExitCode::SUCCESS;
    };
    let done = |()| ExitCode::SUCCESS;
    let result = match verb {
        Verb::Setup(args) => setup::setup(&args).map(done),
        Verb::Run(args) => run::run(&args.command),
        Verb::Profile(args) => profile::profile(&args),
        Verb::Order(args) => order::order(&args).map(done),
        Verb::Status(args) => status::status(&args).map(done),
        Verb::Explain(args) => explain::explain(&args).map(done),
        Verb::Doctor(args) => doctor::doctor(&args),
        Verb::Bake(args) => bake::bake(&args).map(done),
        Verb::Verify(args) => verify::verify(&args.apps, args.json, args.dry_run, args.quiet),
        Verb::Gc(args) => gc::gc(&args.paths, args.json, args.dry_run, args.quiet).map(done),
        Verb::Completion(args) => completion::completion(&args).map(done),
        Verb::Man(args) => man::man(&args).map(done),
    };
    result.unwrap_or_else(|error| {
        say!("unfold: {error:#}");
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }

    /// Each subcommand teaches: what it does, an example, what its exit status means.
    #[test]
    fn every_subcommand_has_examples_and_says_what_its_status_means() {
        for verb in Cli::command().get_subcommands() {
            let more = verb.get_after_long_help().map(ToString::to_string).unwrap_or_default();
            for heading in ["Examples:\n", "Exit status:\n"] {
                assert!(more.contains(heading), "{}: {heading}", verb.get_name());
            }
            assert!(
                verb.get_about().is_some_and(|about| about.to_string().len() < 80),
                "{}",
                verb.get_name()
            );
        }
    }
}
