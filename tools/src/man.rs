//! `unfold man DIR`: the manual pages. Those of `unfold` are made of its command line, that of `ld.unfold` of the linker's
//! tables of options; what neither says is written here.

use crate::{Cli, print_line};
use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_mangen::Man;
use indexer::args::table::{self, Described, Fate};
use indexer::args::{VERSION, keywords};
use roff::{Inline, Roff, bold, roman};
use std::fs;
use std::path::{Path, PathBuf};

/// Write the manual pages of unfold and ld.unfold into a folder
#[derive(clap::Args)]
#[command(after_long_help = MORE)]
pub struct Args {
    /// The folder; it is made if it is not there
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    folder: PathBuf,
}

const MORE: &str = "\
Examples:
  unfold man ~/.local/share/man/man1 && man ld.unfold

Exit status:
  0    they are written
  1    they could not be written";

pub fn man(args: &Args) -> Result<()> {
    let folder = &args.folder;
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let mut cli = Cli::command().disable_help_subcommand(true);
    cli.build();
    write(folder, "unfold.1", page_of(cli.clone())?)?;
    for verb in cli.get_subcommands().cloned() {
        write(folder, &format!("unfold-{}.1", verb.get_name()), page_of(verb)?)?;
    }
    write(folder, "ld.unfold.1", linker_page())?;
    print_line!("{}: unfold.1, ld.unfold.1, and one for each subcommand", folder.display());
    Ok(())
}

fn write(folder: &Path, name: &str, text: String) -> Result<()> {
    let path = folder.join(name);
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// The page of a command: what clap knows, then what the command says behind its help.
fn page_of(command: clap::Command) -> Result<String> {
    let more = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let is_top = command.get_name() == "unfold";
    // They are in the names of the arguments; clap puts them into a list with superfluous breaks.
    let man = Man::new(command.mut_args(|argument| argument.hide_possible_values(true)))
        .date(DATE)
        .source(source())
        .manual("unfold");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if is_top {
        man.render_subcommands_section(&mut page)?;
    }
    let mut roff = Roff::new();
    add_sections(&mut roff, &more);
    if !is_top {
        roff.control("SH", ["SEE ALSO"]).text([
            bold("unfold"),
            roman("(1), "),
            bold("ld.unfold"),
            roman("(1)"),
        ]);
    }
    page.extend(roff.render().lines().skip(PREAMBLE).flat_map(|line| [line.as_bytes(), b"\n"].concat()));
    String::from_utf8(page).context("a manual page is text")
}

/// Lines in front of what `Roff::render` makes, which clap's part of the page has already.
const PREAMBLE: usize = 2;

/// When the present version was begun: manual pages of one version are the same wherever they are made.
const DATE: &str = "2026-11-22";

fn source() -> String {
    VERSION.split(" (").next().unwrap_or(VERSION).to_owned()
}

/// Adds the sections of a text like `MORE`: a heading is a line that ends in a colon; what is indented stays as it is.
fn add_sections(roff: &mut Roff, text: &str) {
    let mut is_verbatim = false;
    for line in text.lines() {
        let (heading, indented) = (line.strip_suffix(':'), line.strip_prefix("  "));
        if is_verbatim != indented.is_some() {
            roff.control(if is_verbatim { "fi" } else { "nf" }, []);
            is_verbatim = !is_verbatim;
        }
        match (heading, indented) {
            (Some(heading), None) => drop(roff.control("SH", [&*heading.to_uppercase()])),
            (_, Some(rest)) => drop(roff.text([roman(rest)])),
            (None, None) if line.is_empty() => {}
            (None, None) => drop(roff.text([roman(line)])),
        }
    }
    if is_verbatim {
        roff.control("fi", []);
    }
}

/// Options that only unfold has, in the order of their use.
const OWN: [&str; 7] =
    ["--unfold-index", "--unfold-place-anew", "--verbose", "--explain", "--time", "--no-progress", "--help"];

fn linker_page() -> String {
    let mut roff = Roff::new();
    roff.control("TH", ["ld.unfold", "1", DATE, &source(), "unfold"]);
    roff.control("SH", ["NAME"]).text([roman("ld.unfold - link programs that link themselves as they run")]);
    roff.control("SH", ["SYNOPSIS"]).text([bold("ld.unfold"), roman(" [options] file...")]);
    roff.control("SH", ["DESCRIPTION"]);
    for (number, paragraph) in DESCRIPTION.iter().enumerate() {
        if number != 0 {
            roff.control("PP", []);
        }
        roff.text([roman(*paragraph)]);
    }
    let options: Vec<Described> = table::described().collect();
    let is_own = |option: &&Described| {
        let name = option.option.split(['[', ' ', '.']).next().unwrap_or_default();
        OWN.contains(&name)
    };
    roff.control("SH", ["OPTIONS OF UNFOLD"]);
    options.iter().filter(is_own).for_each(|option| add_row(&mut roff, &option.option, &option.text));
    let parts = [
        (Fate::Taken, "OPTIONS OF LD THAT ARE TAKEN"),
        (Fate::HandedOn, "OPTIONS THAT HAND THE LINK TO THE SYSTEM'S LINKER"),
        (Fate::Ignored, "OPTIONS THAT ARE IGNORED"),
        (Fate::Refused, "OPTIONS THAT ARE REFUSED"),
    ];
    for (fate, heading) in parts {
        roff.control("SH", [heading]);
        let rows = options.iter().filter(|option| option.fate == fate && !is_own(option));
        rows.for_each(|option| add_row(&mut roff, &option.option, &option.text));
    }
    roff.control("SH", ["KEYWORDS OF -Z"]);
    keywords::described().for_each(|keyword| add_row(&mut roff, &keyword.option, &keyword.text));
    for (heading, rows) in [("ENVIRONMENT", ENVIRONMENT), ("FILES", FILES), ("EXIT STATUS", STATUS)] {
        roff.control("SH", [heading]);
        rows.iter().for_each(|(name, text)| add_row(&mut roff, name, text));
    }
    roff.control("SH", ["SEE ALSO"]);
    let names = ["unfold", "unfold-setup", "unfold-run", "unfold-status", "unfold-bake", "ld"];
    let mut line: Vec<Inline> = Vec::new();
    for name in names {
        line.extend((!line.is_empty()).then(|| roman(", ")));
        line.extend([bold(name), roman("(1)")]);
    }
    roff.text(line);
    roff.render()
}

fn add_row(roff: &mut Roff, name: &str, text: &str) {
    roff.control("TP", []).text([bold(name)]);
    // A row without words would take the next one for its text.
    roff.text([roman(if text.is_empty() { "taken" } else { text })]);
}

const DESCRIPTION: &[&str] = &[
    "Takes the place of ld for x86-64 Linux: compilers call it. It registers the objects in an index on disk, reads again only \
     what changed, and writes a small executable, which relocates each part of the program when it is first touched, or in the \
     background. Shared libraries are written whole, as ordinary files.",
    "gcc finds it as a program called ld in a folder that -B names, clang by --ld-path; unfold setup makes both and says what to \
     write where. unfold run -- COMMAND needs neither.",
    "Through a compiler, options are given as -Wl,OPTION. All are accepted with one or two dashes. What unfold does not do \
     itself (relocatable output, link-time optimisation, linker scripts, and others below) it hands to the system's linker with \
     the same arguments; --verbose says so.",
];

const ENVIRONMENT: &[(&str, &str)] = &[
    ("UNFOLD_INDEX=DIR", "where the index is; several outputs and links may share one"),
    ("UNFOLD_PLACE=anew", "the same as --unfold-place-anew"),
    (
        "UNFOLD_SYSTEM_LD=PATH",
        "the linker that gets what unfold does not do itself (default: ld.bfd or ld in PATH)",
    ),
    (
        "UNFOLD_BACKGROUND=on|off",
        "whether a process behind the link relocates what nobody waits for; programs read it too",
    ),
    (
        "UNFOLD_SETTLE=on|link|off",
        "when the output becomes an ordinary executable: behind the link, in the link, or never",
    ),
    ("CI, TERM=dumb", "no progress is shown, on terminals neither"),
    (
        "UNFOLD_PAGER=auto|uffd|signal|eager",
        "read by programs: how first touches are noticed; eager: all before the start",
    ),
    ("UNFOLD_PREFETCH=on|off", "read by programs: relocate in the background what earlier runs touched"),
    ("UNFOLD_KEEP=on|off", "read by programs: keep relocated chunks in a file for later launches"),
    ("UNFOLD_PROFILE=on", "read by programs: log first touches page by page, for --unfold-place-anew"),
    ("UNFOLD_LOG=1", "read by programs: say on stderr what the loader does"),
];

const FILES: &[(&str, &str)] = &[
    (
        ".unfold/",
        "the index, beside the output: what programs need of their objects; it may be deleted between links",
    ),
    (".unfold/outputs/NAME-HASH/N/status.json", "what link N of an output did (unfold status)"),
];

const STATUS: &[(&str, &str)] = &[
    ("0", "linked"),
    (
        "1",
        "not linked; stderr says why. An output that was there before stays if the machine is to blame (a full disk)",
    ),
    ("127", "of a program: its index is missing, damaged or refused; stderr says what to do"),
];
