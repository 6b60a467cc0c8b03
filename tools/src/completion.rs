//! `unfold completion SHELL`: a script by which a shell completes `unfold`.
//!
//! zsh and fish get what clap makes. For bash a shorter one is made of the same description: it leaves file names to
//! readline, which quotes them, and what follows `unfold run --` to the completion of that command.

use crate::Cli;
use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use clap_complete::{Shell, generate};
use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};

/// Print a script that completes subcommands, options and file names in a shell
#[derive(clap::Args)]
#[command(after_long_help = MORE)]
pub struct Args {
    /// The shell
    #[arg(value_enum, value_name = "bash|zsh|fish")]
    shell: Kind,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Kind {
    Bash,
    Zsh,
    Fish,
}

const MORE: &str = "\
Examples:
  unfold completion bash > ~/.local/share/bash-completion/completions/unfold
  unfold completion zsh > ~/.zfunc/_unfold       with `fpath+=~/.zfunc; autoload -U compinit; compinit` in ~/.zshrc
  unfold completion fish > ~/.config/fish/completions/unfold.fish

Exit status:
  0    it is printed
  1    it could not be written";

pub fn completion(args: &Args) -> Result<()> {
    let mut command = Cli::command();
    let mut script = Vec::new();
    match args.shell {
        Kind::Bash => script.extend(bash(&mut command).bytes()),
        Kind::Zsh => generate(Shell::Zsh, &mut command, "unfold", &mut script),
        Kind::Fish => {
            generate(Shell::Fish, &mut command, "unfold", &mut script);
            script.extend(fish_values(&command).bytes());
        }
    }
    match std::io::stdout().write_all(&script) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write the script"),
        // A reader that is gone has seen enough.
        _ => Ok(()),
    }
}

/// Arguments that are chosen from a list, which clap's script for fish leaves out.
fn fish_values(command: &Command) -> String {
    let mut lines = String::new();
    for verb in command.get_subcommands() {
        let name = verb.get_name();
        for value in verb.get_positionals().flat_map(|value| value.get_possible_values()) {
            let value = value.get_name();
            writeln!(lines, "complete -c unfold -n '__fish_unfold_using_subcommand {name}' -f -a {value}")
                .expect("a String takes all");
        }
    }
    lines
}

fn bash(command: &mut Command) -> String {
    command.build();
    let mut cases = String::new();
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "run") {
        let mut options = words_of(verb);
        // What is chosen from a list is completed like an option, in front of a file.
        let values = verb.get_positionals().flat_map(|value| value.get_possible_values());
        let mut values: Vec<String> = values.map(|value| value.get_name().to_owned()).collect();
        if verb.get_name() == "help" {
            values.extend(verb.get_subcommands().map(|verb| verb.get_name().to_owned()));
        }
        options.sort();
        let (name, options, values) = (verb.get_name(), options.join(" "), values.join(" "));
        writeln!(cases, "        {name}) options='{options}' values='{values}' ;;")
            .expect("a String takes all");
    }
    let verbs: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
    BASH.replace("CASES\n", &cases)
        .replace("VERBS", &verbs.join(" "))
        .replace("OPTIONS", &words_of(command).join(" "))
}

/// The options of a command, with their dashes.
fn words_of(command: &Command) -> Vec<String> {
    let long = command.get_opts().chain(command.get_arguments()).filter_map(|option| option.get_long());
    let mut words: Vec<String> = long.map(|name| format!("--{name}")).collect();
    words.dedup();
    words.sort();
    words.dedup();
    words
}

const BASH: &str = r#"# Completion of unfold for bash: `unfold completion bash`.
_unfold() {
    local word=$2 verb= at options= values=
    for ((at = 1; at < COMP_CWORD; at++)); do
        if [[ ${COMP_WORDS[at]} != -* ]]; then
            verb=${COMP_WORDS[at]}
            break
        fi
    done
    COMPREPLY=()
    case $verb in
        '') options='OPTIONS' values='VERBS' ;;
        run)
            # Where bash-completion is loaded, it completes the command by that command's own rules.
            [[ ${COMP_WORDS[at + 1]} != -- ]] || ((at++))
            if ((COMP_CWORD > at + 1)) && declare -F _command_offset > /dev/null; then
                _command_offset $((at + 1))
            elif ((COMP_CWORD == at + 1)); then
                if [[ $word == -* ]]; then options='-- --help'; else COMPREPLY=($(compgen -c -- "$word")); fi
            fi
            ;;
CASES
    esac
    if [[ $word == -* ]]; then
        COMPREPLY+=($(compgen -W "$options" -- "$word"))
    elif [[ $values ]]; then
        COMPREPLY+=($(compgen -W "$values" -- "$word"))
    fi
}
# Where nothing is found here, file names.
complete -o bashdefault -o default -F _unfold unfold
"#;
