//! Real programs, linked by GNU ld and by unfold, must do the same.
//!
//! Each program below `sources/<topic>/` is compiled once for each of its compilers and modes. GNU ld links it
//! first, and that twin must do what the program's directives say: this tests the test. Then unfold
//! links it, and under every pager, with and without background relocation and kept pages, and baked into an
//! ordinary executable, it must write the same bytes and end in the same way as the twin.
//!
//! To add a test, put a source file, or a directory with a `main.*`, below `sources/<topic>/`. The head of
//! `src/directives.rs` lists the directives. The program's output has to be the same in every run, so it
//! prints no addresses, and joins its threads before they print. Name it for what it tests, and let its
//! `//#Stdout` lines say what is right, so that the reader need not run it.
//!
//! To run all: `cargo build --release && cargo test --release -p unfold-tests`. To run some:
//!
//! ```text
//! cargo test --release -p unfold-tests --test e2e -- tls/             # a topic
//! cargo test --release -p unfold-tests --test e2e -- tls/models@pie   # one program in one mode
//! UNFOLD_TEST_LINKER=/usr/bin/ld.bfd cargo test --release -p unfold-tests   # do the tests work at all?
//! ```
//!
//! What a failing trial has built stays in `target/tmp/unfold-tests/e2e/<trial>/`, and its message shows the command
//! to repeat.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use unfold_tests::build::{Build, expand};
use unfold_tests::directives::{Compiler, Ending, Mode, Program, find_programs};
use unfold_tests::run::{Outcome, describe, kernel_allows_userfaultfd, program, run, run_tool};
use unfold_tests::tools::{
    complete_kept, fresh_scratch, gnu_linker, is_installed, remove_folder, settle, tested_linker,
    unfold_command,
};

/// One run of an executable: how it is paged in, and what to call the run.
struct Run {
    name: &'static str,
    /// UNFOLD_PREFETCH: whether to relocate in the background what the run before has touched.
    prefetch: &'static str,
    /// UNFOLD_KEEP: whether to keep relocated pages, and to map those that were kept.
    keep: &'static str,
    /// UNFOLD_BACKGROUND: whether to relocate all the rest as well.
    background: &'static str,
    /// Before it, the linker completes what is kept, as it does behind a link.
    complete: bool,
}

/// By faults alone.
const LAZILY: Run =
    Run { name: "run by faults alone", prefetch: "off", keep: "off", background: "off", complete: false };

/// Each pager with its runs. `uffd` comes first, so that it can be left out where the kernel forbids it.
const PAGERS: &[(&str, &[Run])] = &[("uffd", LAZY_RUNS), ("signal", LAZY_RUNS), ("eager", ONE_RUN)];

/// In this order: nothing is there at first, then an order to follow, then pages that may serve once more.
const LAZY_RUNS: &[Run] = &[
    LAZILY,
    Run { name: "run with prefetch", prefetch: "on", ..LAZILY },
    Run { name: "first run with kept pages", keep: "on", ..LAZILY },
    Run { name: "second run with kept pages", keep: "on", ..LAZILY },
    Run { name: "run that completes itself", prefetch: "on", keep: "on", background: "on", ..LAZILY },
    Run { name: "run with everything kept", prefetch: "on", keep: "on", background: "on", complete: true },
];

const ONE_RUN: &[Run] = &[Run { name: "only run", ..LAZILY }];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("sources");
    let programs = match find_programs(&sources) {
        Ok(programs) => programs,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    if unfold_command().is_some() && !kernel_allows_userfaultfd() {
        eprintln!("note: this kernel does not allow userfaultfd, so its pager is not tested");
    }
    libtest_mimic::run(&arguments, trials(&programs)).exit_code()
}

fn trials(programs: &[Program]) -> Vec<Trial> {
    let mut trials = vec![];
    let mut left_out = BTreeMap::<&str, usize>::new();
    let installed: BTreeMap<&str, bool> = programs
        .iter()
        .flat_map(|program| &program.compilers)
        .map(|compiler| (compiler.command(), is_installed(compiler.command())))
        .collect();
    for program in programs {
        for &compiler in &program.compilers {
            if !installed[compiler.command()] {
                *left_out.entry(compiler.command()).or_default() += 1;
                continue;
            }
            for &mode in &program.modes {
                let name = trial_name(program, compiler, mode);
                let program = program.clone();
                trials.push(Trial::test(name.clone(), move || {
                    check(&name, &program, compiler, mode).map_err(Failed::from)
                }));
            }
        }
    }
    for (compiler, count) in left_out {
        eprintln!("note: {compiler} is not installed, so {count} programs are not tested with it");
    }
    trials
}

/// `topic/program@mode`, and the compiler if the program names several.
fn trial_name(program: &Program, compiler: Compiler, mode: Mode) -> String {
    let name = format!("{}@{}", program.name, mode.name());
    match program.compilers.len() {
        1 => name,
        _ => format!("{name}+{}", compiler.command()),
    }
}

fn check(name: &str, program: &Program, compiler: Compiler, mode: Mode) -> Result<(), String> {
    let work = fresh_scratch(&format!("e2e/{name}"))?;
    let build = Build::compile(program, compiler, mode, &work)?;

    // Programs are tested with GNU ld's libraries first, and then with their own linker's.
    let libraries = build.link_libraries(gnu_linker(), "gnu-libraries")?;
    let run_with =
        |libraries: &Path, app: &Path, env: &[(&str, &str)]| run_app(program, &work, libraries, app, env);
    let twin = run_with(&libraries, &build.link(gnu_linker(), &libraries, "gnu")?, &[])?.0;
    check_expectations(program, &twin)?;

    let mut failures = vec![];
    for (pager, runs) in pagers() {
        // Every pager begins with a link of its own, for what one pager's run leaves in the index (an
        // order log, relocated chunks) would spare the next one its faults.
        let app = build.link(tested_linker(), &libraries, &format!("unfold-{pager}"))?;
        for Run { name, prefetch, keep, background, complete } in *runs {
            let env = [
                ("UNFOLD_PAGER", *pager),
                ("UNFOLD_PREFETCH", prefetch),
                ("UNFOLD_KEEP", keep),
                ("UNFOLD_BACKGROUND", background),
            ];
            if *complete {
                complete_kept(&app)?;
            }
            let found = run_with(&libraries, &app, &env)?;
            if !(program.may_refuse && is_refusal(&found.0)) {
                failures.extend(difference(program, &format!("{pager} pager, {name}"), &twin, found));
            }
        }
    }

    if let Some(unfold) = unfold_command() {
        let app = build.link(tested_linker(), &libraries, "unfold-baked")?;
        let baked = work.join("baked/app");
        std::fs::create_dir_all(work.join("baked")).map_err(|error| error.to_string())?;
        run_tool(Command::new(unfold).arg("bake").arg(&app).arg("-o").arg(&baked))?;
        // Nothing of ours may be needed, so nothing of ours is left there.
        remove_folder(&work.join("unfold-baked")).map_err(|error| error.to_string())?;
        failures.extend(difference(program, "baked", &twin, run_with(&libraries, &baked, &[])?));
        let app = build.link(tested_linker(), &libraries, "unfold-settled")?;
        settle(&app)?;
        failures.extend(difference(program, "settled", &twin, run_with(&libraries, &app, &[])?));
    }

    if build.has_shared() {
        let libraries = build.link_libraries(tested_linker(), "unfold-libraries")?;
        for (linker, name) in [(gnu_linker(), "gnu"), (tested_linker(), "unfold")] {
            let app = build.link(linker, &libraries, &format!("{name}-with-libraries-by-unfold"))?;
            let found = run_with(&libraries, &app, &[])?;
            if !(program.may_refuse && is_refusal(&found.0)) {
                let variant = format!("libraries by unfold, program by {name}");
                failures.extend(difference(program, &variant, &twin, found));
            }
        }
    }
    if !failures.is_empty() {
        return Err(failures.join("\n\n"));
    }
    // Hundreds of executables take much room, and only those of a failure are of interest.
    remove_folder(&work).map_err(|error| format!("{}: {error}", work.display()))
}

fn pagers() -> &'static [(&'static str, &'static [Run])] {
    match unfold_command() {
        // Another linker's output knows no pagers, so one run of it says all.
        None => &[("no", ONE_RUN)],
        Some(_) if kernel_allows_userfaultfd() => PAGERS,
        Some(_) => &PAGERS[1..],
    }
}

/// Runs an executable in its own directory and gives the outcome with the command, for messages.
fn run_app(
    test: &Program,
    work: &Path,
    libraries: &Path,
    app: &Path,
    env: &[(&str, &str)],
) -> Result<(Outcome, String), String> {
    let mut command = program("./app");
    command.current_dir(app.parent().expect("an executable is in a directory"));
    command.args(expand(&test.args, test, work, libraries));
    for variable in expand(&test.env, test, work, libraries) {
        let (name, value) = variable.split_once('=').ok_or_else(|| format!("`Env: {variable}`: no `=`"))?;
        command.env(name, value);
    }
    command.envs(env.iter().copied());
    let mut outcome = run(&mut command, test.stdin.as_bytes())?;
    outcome.stderr = without_thread_ids(&outcome.stderr);
    Ok((outcome, describe(&command)))
}

/// Takes the thread's id out of the messages of Rust's runtime, `thread 'main' (1234) panicked`. No two
/// processes have the same.
fn without_thread_ids(stderr: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(stderr) else {
        return stderr.to_owned();
    };
    let without_id = |line: &str| -> Option<String> {
        let after_name = line.strip_prefix("thread '")?.split_once("' (")?.1;
        let (id, rest) = after_name.split_once(')')?;
        id.parse::<u32>().ok()?;
        let before = &line[..line.len() - after_name.len()];
        Some(format!("{before}id){rest}"))
    };
    let lines = text.split('\n').map(|line| without_id(line).unwrap_or_else(|| line.to_owned()));
    lines.collect::<Vec<_>>().join("\n").into_bytes()
}

/// The twin must do what the directives say, or the test itself is wrong.
fn check_expectations(program: &Program, twin: &Outcome) -> Result<(), String> {
    let mut expected = twin.clone();
    expected.ending = program.ending;
    if let Some(stdout) = &program.stdout {
        expected.stdout = stdout.clone().into_bytes();
    }
    if let Some(difference) = twin.difference_from(&expected) {
        return Err(format!(
            "linked by GNU ld, the program is not what its directives say:\n{difference}\nall of it: {twin:?}"
        ));
    }
    match program.stderr_has.iter().find(|text| !twin.stderr_text().contains(*text)) {
        Some(text) => Err(format!("linked by GNU ld, there is no `{text}` in its stderr: {twin:?}")),
        None => Ok(()),
    }
}

/// Whether unfold has said that it does not support what the program does.
fn is_refusal(outcome: &Outcome) -> bool {
    let stderr = outcome.stderr_text();
    outcome.ending == Ending::Exit(127) && stderr.contains("unfold: ") && stderr.lines().count() == 1
}

fn difference(
    program: &Program,
    variant: &str,
    twin: &Outcome,
    (mut found, command): (Outcome, String),
) -> Option<String> {
    if !program.known_differences.is_empty() {
        found.stdout = with_known_lines(&program.known_differences, &found, twin);
    }
    let difference = found.difference_from(twin)?;
    Some(format!("{variant}: not what the same program does when GNU ld links it\n{command}\n{difference}"))
}

/// The output, with the twin's lines in the place of those that are known to differ.
fn with_known_lines(known: &[String], found: &Outcome, twin: &Outcome) -> Vec<u8> {
    let expected = twin.stdout_text();
    let mut expected = expected.split_inclusive('\n');
    let found = found.stdout_text();
    let lines = found.split_inclusive('\n').map(|line| {
        let other = expected.next();
        let is_known = known.iter().any(|known| known == line.trim_end_matches('\n'));
        other.filter(|_| is_known).unwrap_or(line)
    });
    lines.collect::<String>().into_bytes()
}
