//! Debuggers show of a program that unfold has linked what they show of its twin that GNU ld has linked.
//!
//! Below `debuggers/<topic>/<program>/` there is a program, with directives as in `sources` (`src/directives.rs`), and
//! scripts for debuggers: `*.gdb`, `*.lldb`. Each script is a trial. It is fed to the debugger with the twin, and
//! what the debugger then shows must have what the script says (this tests the test). Then it is fed to the debugger
//! with the executable that unfold made: right after the link, when all is kept, and, if the main source mentions
//! `BEFORE`, after a link of that source with `-DBEFORE`, an edit that takes it away, and a relink. Everything that the
//! debugger shows must be the same, but for addresses, folders and numbers of processes.
//!
//! Lines of a script that begin with `#:` are directives:
//!
//! - `Shows: TEXT`: the debugger shows this of the twin, behind the text of the line before.
//! - `Args: WORD...`: the script's program gets these (`gdb --args`).
//! - `Attach: WORD...`: the program is started with these words, settled, and from the loader by each pager with code that
//!   is not touched, and when it has written `ready`, the debugger is attached to it. Afterwards the program gets a line to read, and must
//!   end as the twin does.
//! - `Core: WORD...`: the program is started with these words, and the debugger gets the core that it leaves.
//! - `Unless: TEXT`: where the debugger shows this of the twin, it cannot do it on this machine, and that is all.
//! - `Ignore: PATTERN`: lines with this vary from run to run.
//! - `KnownDifference: PATTERN`: lines with this are not compared, for they cannot be the same. The next line says why.
//! - `LazyDifference: PATTERN`: so is it with lines with this, where code that nobody has touched is not there yet.
//! - `LazyShows: PATTERN`: there, all of it is another matter, and the debugger shows this instead, behind the text of the
//!   line before.
//! - `UnsettledShows: PATTERN`: the same of any executable that has not settled.
//!
//! In scripts, `$FOLDER` is the folder of the executable, and `$SRC` that of the source.
//!
//! ```text
//! cargo test --release -p unfold-tests --test debuggers -- c/basic            # a program
//! cargo test --release -p unfold-tests --test debuggers -- c/basic/step@pie   # one script with it
//! ```
//!
//! What was shown stays as `*.txt` in `target/tmp/unfold-tests/debuggers/<trial>/`.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};
use regex::Regex;
use unfold_tests::build::Build;
use unfold_tests::directives::{Compiler, Ending, Mode, Program, find_programs};
use unfold_tests::run::{describe, program, run};
use unfold_tests::started::Started;
use unfold_tests::tools::{fresh_scratch, gnu_linker, is_installed, remove_folder, tested_linker};
use unfold_tests::transcript::{GDB, difference, first_missing, is_about_files, normalised, without_lines};
use unfold_tests::ways::{self, State, Way};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match trials(&Path::new(env!("CARGO_MANIFEST_DIR")).join("debuggers")) {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// How a script meets its program.
#[derive(Clone, Debug, PartialEq)]
enum Meeting {
    /// The debugger starts it.
    Start(Vec<String>),
    /// It runs already.
    Attach(Vec<String>),
    /// It is dead.
    Core(Vec<String>),
}

#[derive(Clone, Debug)]
struct Script {
    path: PathBuf,
    debugger: &'static str,
    commands: String,
    meeting: Meeting,
    shows: Vec<String>,
    unless: Option<String>,
    ignored: Vec<Regex>,
    known: Vec<Regex>,
    known_lazy: Vec<Regex>,
    lazy_shows: Vec<Regex>,
    unsettled_shows: Vec<Regex>,
}

impl Script {
    fn read(path: &Path) -> Result<Script, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let debugger = if path.extension().is_some_and(|suffix| suffix == "lldb") { "lldb" } else { "gdb" };
        let mut script = Script {
            path: path.to_owned(),
            debugger,
            commands: String::new(),
            meeting: Meeting::Start(vec![]),
            shows: vec![],
            unless: None,
            ignored: vec![],
            known: vec![],
            known_lazy: vec![],
            lazy_shows: vec![],
            unsettled_shows: vec![],
        };
        for line in text.lines() {
            let Some(directive) = line.strip_prefix("#: ") else {
                script.commands += line;
                script.commands.push('\n');
                continue;
            };
            script.apply(directive).map_err(|error| format!("{}: `{line}`: {error}", path.display()))?;
        }
        Ok(script)
    }

    fn apply(&mut self, directive: &str) -> Result<(), String> {
        let (name, value) = directive.split_once(':').ok_or("there is no colon")?;
        let value = value.strip_prefix(' ').unwrap_or(value);
        let words = || value.split_whitespace().map(str::to_owned).collect();
        let pattern = || Regex::new(value).map_err(|error| error.to_string());
        match name {
            "Shows" => self.shows.push(value.to_owned()),
            "Unless" => self.unless = Some(value.to_owned()),
            "Args" => self.meeting = Meeting::Start(words()),
            "Attach" => self.meeting = Meeting::Attach(words()),
            "Core" => self.meeting = Meeting::Core(words()),
            "Ignore" => self.ignored.push(pattern()?),
            "KnownDifference" => self.known.push(pattern()?),
            "LazyDifference" => self.known_lazy.push(pattern()?),
            "LazyShows" => self.lazy_shows.push(pattern()?),
            "UnsettledShows" => self.unsettled_shows.push(pattern()?),
            _ => return Err("there is no such directive".to_owned()),
        }
        Ok(())
    }

    /// What is wrong with what the debugger shows in this way.
    fn failure(&self, way: &Way, twin: &str, found: &str) -> Option<String> {
        let instead = match (way.is_settled, way.is_lazy()) {
            (false, _) if !self.unsettled_shows.is_empty() => &self.unsettled_shows,
            (_, true) => &self.lazy_shows,
            _ => &vec![],
        };
        if !instead.is_empty() {
            let mut rest = found;
            for pattern in instead {
                let Some(text) = pattern.find(rest) else {
                    return Some(format!("`{pattern}` is not shown, or not there:\n{found}"));
                };
                rest = &rest[text.end()..];
            }
            return None;
        }
        let ignored: &[Regex] = if way.is_lazy() { &self.known_lazy } else { &[] };
        difference(&without_lines(twin, ignored), &without_lines(found, ignored))
    }

    /// The programs without which it cannot be tried.
    fn tools(&self) -> Vec<&'static str> {
        let mut tools = vec![self.debugger];
        if self.commands.contains("gdbserver") {
            tools.push("gdbserver");
        }
        tools
    }

    fn ways(&self, main: &str) -> Vec<Way> {
        match self.meeting {
            Meeting::Start(_) => {
                let mut ways = ways::from_the_start();
                if main.contains("BEFORE") {
                    ways.push(ways::relinked());
                }
                ways
            }
            Meeting::Attach(_) | Meeting::Core(_) => ways::while_it_runs(),
        }
    }
}

fn trials(folder: &Path) -> Result<Vec<Trial>, String> {
    let mut trials = vec![];
    for program in find_programs(folder)? {
        let entries = fs::read_dir(&program.source_dir).map_err(|error| error.to_string())?;
        let mut scripts: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        scripts.sort();
        scripts.retain(|path| path.extension().is_some_and(|suffix| suffix == "gdb" || suffix == "lldb"));
        for script in scripts.iter().map(|path| Script::read(path)) {
            let script = script?;
            let script_name = script.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            for &compiler in &program.compilers {
                let missing: Vec<_> = script.tools().into_iter().chain([compiler.command()]).collect();
                let missing: Vec<_> = missing.into_iter().filter(|tool| !is_installed(tool)).collect();
                if !missing.is_empty() {
                    let tools = missing.join(", ");
                    eprintln!("note: not installed: {tools}; so {}/{script_name} is not tried", program.name);
                    continue;
                }
                for &mode in &program.modes {
                    let mut name = format!("{}/{script_name}@{}", program.name, mode.name());
                    if program.compilers.len() > 1 {
                        name = format!("{name}+{}", compiler.command());
                    }
                    if script.debugger == "lldb" {
                        name += "+lldb";
                    }
                    let (program, script) = (program.clone(), script.clone());
                    trials.push(Trial::test(name.clone(), move || {
                        check(&name, &program, &script, compiler, mode).map_err(Failed::from)
                    }));
                }
            }
        }
    }
    Ok(trials)
}

fn check(
    name: &str,
    program: &Program,
    script: &Script,
    compiler: Compiler,
    mode: Mode,
) -> Result<(), String> {
    let work = fresh_scratch(&format!("debuggers/{name}"))?;
    let build = Build::compile(program, compiler, mode, &work)?;
    let libraries = build.link_libraries(gnu_linker(), "libraries")?;
    let main_path = program.source_dir.join(&program.main);
    let main = fs::read_to_string(&main_path).map_err(|error| format!("{}: {error}", main_path.display()))?;

    let app = build.link(gnu_linker(), &libraries, "gnu")?;
    let session = Session { script, program, work: &work };
    let Some(twin) = session.transcript(&app, "twin", &[])? else { return Ok(()) };
    if let Some(text) = script.unless.iter().find(|text| twin.contains(*text)) {
        eprintln!(
            "note: {name} is not tried: on this machine {} shows `{text}` of any program",
            script.debugger
        );
        return Ok(());
    }
    if let Some(missing) = first_missing(&twin, &script.shows) {
        return Err(format!(
            "of the program linked by GNU ld, `{missing}` is not shown, or not there:\n{twin}"
        ));
    }

    let mut failures = vec![];
    for way in script.ways(&main) {
        let directory = format!("unfold-{}", way.name);
        let link = || build.link_with(tested_linker(), &libraries, &directory, way.link_env());
        if way.state == State::Relinked {
            build.compile_main(&["-DBEFORE"])?;
            link()?;
            build.compile_main(&[])?;
        }
        let app = link()?;
        way.prepare(&app)?;
        let found = session.transcript(&app, &way.name, &way.env)?.ok_or("there is no core")?;
        if let Some(difference) = script.failure(&way, &twin, &found) {
            failures.push(format!(
                "{}: {} does not show what it shows of the twin ({}):\n{}",
                way.name,
                script.debugger,
                script.path.display(),
                beginning(&difference)
            ));
        }
    }
    if !failures.is_empty() {
        return Err(failures.join("\n"));
    }
    // Many executables take much room, and only those of a failure are of interest.
    remove_folder(&work).map_err(|error| format!("{}: {error}", work.display()))
}

/// The end of a session that lldb has broken off.
const LLDB_FAILED: &str = "--- lldb has failed\n";

/// What there is to know for each session of a debugger with a script.
struct Session<'a> {
    script: &'a Script,
    program: &'a Program,
    work: &'a Path,
}

impl Session<'_> {
    /// Everything that the debugger and the program write, made comparable; nothing if there is no core to be had.
    fn transcript(&self, app: &Path, way: &str, env: &[(&str, &str)]) -> Result<Option<String>, String> {
        let folder = app.parent().expect("an executable is in a folder");
        let prepare = |command: &mut Command| {
            command.current_dir(folder).envs(self.program.env.iter().filter_map(|env| env.split_once('=')));
            command.envs(env.iter().copied());
        };
        let own = |words: &[String]| {
            let mut command = program("./app");
            prepare(command.args(words));
            command
        };
        let text = match &self.script.meeting {
            Meeting::Start(words) => {
                let words = [&["./app".to_owned()], words.as_slice()].concat();
                self.debug(folder, &[], &words, prepare)?
            }
            Meeting::Attach(words) => {
                let started = Started::ready(&mut own(words))?;
                let target = ["-p".to_owned(), started.id().to_string()];
                let shown = self.debug(folder, &target, &[], prepare)?;
                if shown.ends_with(LLDB_FAILED) {
                    // It was not told to go on.
                    return Ok(Some(normalised(&shown, &[folder, self.work, &self.program.source_dir])));
                }
                let (rest, ending) = started.finish("go on\n")?;
                format!("{shown}--- the program goes on:\n{rest}--- and ends: {ending:?}\n")
            }
            Meeting::Core(words) => {
                let Some((core, ending)) = core_of(own(words), folder)? else { return Ok(None) };
                let core = core.display().to_string();
                let words = if self.script.debugger == "lldb" {
                    ["-c", &core, "./app"]
                } else {
                    ["", "./app", &core]
                };
                let words: Vec<_> =
                    words.into_iter().filter(|word| !word.is_empty()).map(str::to_owned).collect();
                let shown = self.debug(folder, &words, &[], prepare)?;
                format!("{shown}--- the program ended: {ending:?}\n")
            }
        };
        // How deep in libc it sleeps is a matter of chance.
        let text = match &self.script.meeting {
            Meeting::Attach(_) => {
                let number = Regex::new(r"(?m)^#\d+ +").map_err(|error| error.to_string())?;
                number.replace_all(&text, "#N ").into_owned()
            }
            _ => text,
        };
        let raw = self.work.join(format!("{way}.raw.txt"));
        fs::write(&raw, &text).map_err(|error| format!("{}: {error}", raw.display()))?;
        let ignored = [self.script.ignored.as_slice(), &self.script.known].concat();
        Ok(Some(without_lines(&normalised(&text, &[folder, self.work, &self.program.source_dir]), &ignored)))
    }

    /// Feeds the script to the debugger. `words` begin with the executable.
    fn debug(
        &self,
        folder: &Path,
        target: &[String],
        words: &[String],
        prepare: impl Fn(&mut Command),
    ) -> Result<String, String> {
        let source = self.program.source_dir.display().to_string();
        let commands = self.script.commands.replace("$FOLDER", &folder.display().to_string());
        let commands = commands.replace("$SRC", &source);
        let mut command = program("sh");
        if self.script.debugger == "gdb" {
            command.args(&GDB[1..]);
            let with_args = matches!(&self.script.meeting, Meeting::Start(words) if !words.is_empty());
            command.args(with_args.then_some("--args"));
        } else {
            // In a batch it waits for the program to stop before it takes the next command.
            let file = self.work.join("commands.lldb");
            fs::write(&file, &commands).map_err(|error| format!("{}: {error}", file.display()))?;
            command.args(["-c", "exec \"$@\" 2>&1", "sh", "lldb", "--no-lldbinit", "--no-use-colors"]);
            command.args(["--batch", "--source"]).arg(&file);
        }
        command.args(target).args(words);
        prepare(&mut command);
        let outcome = run(&mut command, commands.as_bytes())?;
        let text = outcome.stdout_text();
        let text: String = text.split_inclusive('\n').filter(|line| !is_about_files(line)).collect();
        // lldb ends at the first command that fails.
        match outcome.ending {
            Ending::Exit(0) => Ok(text),
            Ending::Exit(1) if self.script.debugger == "lldb" => Ok(text + LLDB_FAILED),
            _ => Err(format!("{}\n{outcome:?}", describe(&command))),
        }
    }
}

/// So much of a text as somebody would read; all of it is in the files.
fn beginning(text: &str) -> String {
    const LINES: usize = 60;
    let shown: String = text.split_inclusive('\n').take(LINES).collect();
    match text.lines().count().saturating_sub(LINES) {
        0 => shown,
        more => format!("{shown}... and {more} more lines\n"),
    }
}

/// Lets a program die, and gives its core and how it ended; nothing where the kernel hands cores to somebody else.
fn core_of(mut command: Command, folder: &Path) -> Result<Option<(PathBuf, Ending)>, String> {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").map_err(|error| error.to_string())?;
    let pattern = pattern.trim();
    if pattern.starts_with(['|', '/', '@']) || pattern.contains('%') {
        eprintln!("note: cores go to {pattern:?}, so they are not looked at");
        return Ok(None);
    }
    let limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: one system call before the program, with a struct that outlives it.
    unsafe {
        command.pre_exec(move || match libc::setrlimit(libc::RLIMIT_CORE, &raw const limit) {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        });
    }
    let outcome = run(&mut command, b"")?;
    let entries = fs::read_dir(folder).map_err(|error| error.to_string())?;
    let is_core = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name == pattern || name.starts_with(&format!("{pattern}."))
    };
    match entries.flatten().map(|entry| entry.path()).find(is_core) {
        Some(core) => Ok(Some((core, outcome.ending))),
        None => Err(format!("{}\nleaves no core: {outcome:?}", describe(&command))),
    }
}
