//! A small program that is linked, launched and collected again and again, each time with another system call failing: the
//! states that it is brought into, and what must hold afterwards.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use crate::directives::Ending;
use crate::faults::{Call, Fault, Traced, traced};
use crate::project::Project;
use crate::run::{Outcome, lazy_pagers, program};
use crate::tools::unfold_command;
use crate::trouble::{all_below, linker, outcome, temporary_files, words_for_linker};

/// So many hundredths of a second are longer than anything takes.
const HANG: usize = 6000;

/// Points that a test tries when not all are asked for.
const SAMPLE: usize = 24;

const FAULTS: [Fault; 6] = [
    Fault::KillBefore,
    Fault::KillAfter,
    Fault::Fail(libc::EIO),
    Fault::Fail(libc::EDQUOT),
    Fault::Full,
    Fault::Short,
];

pub const APP: &[&str] = &["-pie", "main.o", "part.o", "value.o", "-o", "app"];
pub const LIBRARY: &[&str] = &["-shared", "part.o", "value.o", "-o", "libvalue.so"];

/// Versions of `value.c` above 3.
pub const GROWN: usize = 4;
pub const MISSING: usize = 5;

/// What the program prints.
pub fn text(version: usize) -> String {
    format!("{version} {version} {version} 75 7\n")
}

/// The objects, compiled once.
fn objects() -> &'static Path {
    static OBJECTS: OnceLock<PathBuf> = OnceLock::new();
    OBJECTS.get_or_init(|| {
        // Each test program that uses this compiles its own.
        let program = std::env::current_exe().unwrap_or_default();
        let program = program.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let program = program.split('-').next().unwrap_or_default();
        let project = Project::new(&format!("storage/objects-{program}"));
        project.write("main.c", include_str!("../storage/main.c"));
        project.write("part.c", include_str!("../storage/part.c"));
        project.write("value.c", include_str!("../storage/value.c"));
        project.compile_with("main.c", &["-O1"]);
        project.compile_with("part.c", &["-O1", "-fPIC"]);
        for version in 1..=MISSING {
            let define = format!("-DVERSION={version}");
            let more = [&[][..], &["-DGROWN=2000"], &["-DMISSING"]][version.saturating_sub(GROWN - 1)];
            project.compile_with("value.c", &[&["-O1", "-g", "-fPIC", &define], more].concat());
            project.rename("value.o", &format!("value-{version}.o"));
        }
        project.path("")
    })
}

/// A project that is brought into one state again and again.
pub struct Bench {
    pub project: Project,
    output: &'static str,
    words: Vec<String>,
    threads: bool,
}

/// One run of a command, hit at one point or at none.
pub struct Run {
    number: usize,
    pub fault: Option<(Call, Fault)>,
    pub traced: Traced,
    /// Generations before.
    generations: usize,
}

impl Bench {
    /// Nothing where another linker stands in for ours.
    pub fn new(name: &str, words: &[&'static str]) -> Option<Bench> {
        unfold_command()?;
        let project = Project::new(&format!("storage/{name}"));
        for object in ["main.o", "part.o"] {
            fs::copy(objects().join(object), project.path(object)).expect("an object");
        }
        let output = words.last().expect("there are words");
        let bench = Bench { project, output, words: Vec::new(), threads: false };
        bench.put(1);
        if *output != "app" {
            bench.project.tool("gcc", words);
            bench.project.tool("gcc", &["-pie", "main.o", output, "-Wl,-rpath,$ORIGIN", "-o", "app"]);
        }
        let words = words_for_linker(&bench.project, words);
        Some(Bench { words, ..bench })
    }

    pub fn with_threads(self) -> Bench {
        Bench { threads: true, ..self }
    }

    /// Makes the state, runs the command hit at one point, and checks what there is then: for a sample of all points, or for
    /// all. Each kind of fault has its turn in the sample.
    pub fn each(
        &self,
        prepare: &dyn Fn(&Bench),
        command: &dyn Fn(&Bench) -> Command,
        check: &dyn Fn(&Bench, &Run),
    ) {
        let run = |number: usize, fault: Option<(Call, Fault)>| {
            prepare(self);
            let generations = self.generations();
            let at = fault.as_ref().map(|(call, fault)| (call, *fault));
            let mut command = command(self);
            let traced = traced(command.current_dir(self.project.path("")), at, self.threads);
            let run = Run { number, fault, traced, generations };
            check(self, &run);
            run
        };
        let calls = run(0, None).traced.calls;
        let points: Vec<(Call, Fault)> = calls
            .iter()
            .flat_map(|call| FAULTS.into_iter().map(|fault| (call.clone(), fault)))
            .filter(|(call, fault)| call.admits(*fault))
            .collect();
        let wanted = std::env::var("UNFOLD_FAULTS").unwrap_or_default();
        let numbers: Vec<usize> = match (wanted.as_str(), wanted.parse::<usize>()) {
            (_, Ok(number)) => [number - 1].into_iter().filter(|number| *number < points.len()).collect(),
            ("all", _) => (0..points.len()).collect(),
            _ => (0..SAMPLE.min(points.len())).map(|n| n * points.len() / SAMPLE.min(points.len())).collect(),
        };
        let tried = numbers.len();
        let (mut reached, mut failed) = (0, 0);
        for number in numbers {
            let point = points[number].clone();
            match catch_unwind(AssertUnwindSafe(|| run(number + 1, Some(point)))) {
                Ok(run) => reached += usize::from(run.traced.hit.is_some()),
                // It has said why. The other points may tell more.
                Err(_) => failed += 1,
            }
        }
        let name = self.project.path("");
        let name = name.file_name().unwrap_or_default().display();
        println!("{name}: {} calls, {} points, {tried} tried, {reached} reached", calls.len(), points.len());
        assert_eq!(failed, 0, "{name}: so many points of {tried} failed");
        // What comes when, and what comes at all before a program ends, is not the same in each run.
        assert!(reached > 0 || tried < 2, "{name}: none of {tried} reached");
    }

    // --- states ---

    /// No output, no index.
    pub fn empty(&self) {
        for name in [self.output, ".unfold"] {
            if self.project.exists(name) {
                self.project.remove(name);
            }
        }
        self.clean();
    }

    /// Removes what a killed process has left beside the output.
    pub fn clean(&self) {
        for path in fs::read_dir(self.project.path("")).expect("a folder").flatten() {
            let name = path.file_name();
            if name.to_string_lossy().starts_with('.') && name != ".unfold" || name == "baked" {
                fs::remove_file(path.path()).expect("a file");
            }
        }
    }

    /// Has `value.o` be of this version: another file of this name.
    pub fn put(&self, version: usize) {
        let new = self.project.path("value.new");
        fs::copy(objects().join(format!("value-{version}.o")), &new).expect("an object");
        fs::rename(new, self.project.path("value.o")).expect("the folder is ours");
    }

    /// Linked once for each of these versions, with nothing in the background; then there is another one.
    pub fn linked(&self, versions: &[usize], next: usize) {
        self.empty();
        for version in versions {
            self.put(*version);
            self.run(&mut self.link_command("off", &[]));
        }
        self.put(next);
    }

    /// Makes all generations so old that collections wait for nobody who has just been started.
    pub fn age(&self) {
        let long_ago = SystemTime::now() - Duration::from_secs(60);
        for generation in self.generation_folders() {
            // A collection may just take one away.
            let Ok(folder) = fs::File::open(generation) else { continue };
            folder.set_modified(long_ago).expect("the folder is ours");
        }
    }

    // --- commands ---

    pub fn link_command(&self, background: &str, more: &[&str]) -> Command {
        let mut command = linker(&self.project, &self.words);
        command.args(more).env("UNFOLD_BACKGROUND", background);
        command
    }

    pub fn launch(&self) -> Command {
        program(self.project.path("app"))
    }

    pub fn unfold(&self, words: &[&str]) -> Command {
        let mut command = program(unfold_command().expect("unfold is there"));
        command.args(words).current_dir(self.project.path(""));
        command
    }

    /// Runs a command that must end well and say nothing on stderr. Returns what it says on stdout.
    pub fn run(&self, command: &mut Command) -> String {
        let outcome = outcome(command);
        assert!(outcome.succeeded() && outcome.stderr.is_empty(), "{command:?}: {outcome:?}");
        outcome.stdout_text()
    }

    // --- what there is ---

    pub fn generation_folders(&self) -> Vec<PathBuf> {
        let is_number = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            path.is_dir() && name.parse::<u64>().is_ok()
        };
        let folders = all_below(&self.project.path(".unfold/outputs"));
        folders.into_iter().filter(is_number).collect()
    }

    pub fn generations(&self) -> usize {
        self.generation_folders().len()
    }

    pub fn newest(&self) -> PathBuf {
        let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u64>().ok();
        self.generation_folders().into_iter().max_by_key(number).expect("there is a generation")
    }

    // --- what must hold ---

    /// The program is one of these.
    pub fn check_program(&self, run: &Run, versions: &[usize]) {
        let pager = lazy_pagers().nth(run.number % lazy_pagers().count()).expect("a pager");
        let printed = outcome(self.launch().env("UNFOLD_PAGER", pager).env("UNFOLD_TRACED", "lazy"));
        let is_good = printed.succeeded() && printed.stderr.is_empty();
        let is_known = versions.iter().any(|version| text(*version) == printed.stdout_text());
        assert!(is_good && is_known, "{run}\nthe program, of {versions:?}, {pager}: {printed:?}");
        let verified = outcome(&mut self.unfold(&["verify", self.output, "--dry-run"]));
        // The names of functions, for debuggers, are replaced where they are.
        let is_about_names = |line: &str| {
            ["names of the functions", "wrong", "nothing was changed"].iter().any(|part| line.contains(part))
        };
        let said = verified.stdout_text();
        let mut said = said.lines().filter(|line| !line.starts_with(' '));
        let is_interrupted = verified.ending == Ending::Exit(2)
            && verified.stderr_text().contains("its last link was interrupted");
        let is_about_names = verified.ending == Ending::Exit(1) && said.all(is_about_names);
        let is_right = verified.succeeded() || run.fault.is_some() && (is_interrupted || is_about_names);
        assert!(is_right, "{run}\nunfold verify: {verified:?}");
    }

    /// A link whose output was of version `before`, and is to be `after`.
    pub fn check_link(&self, run: &Run, before: Option<usize>, after: usize) {
        run.ends_well_or_in_one_line();
        let is_there = self.project.exists(self.output);
        match run.traced.outcome.ending {
            Ending::Exit(0) => self.check_program(run, &[after]),
            _ => {
                assert!(is_there || before.is_none(), "{run}\nthe output is gone");
                if is_there {
                    self.check_program(run, &before.into_iter().chain([after]).collect::<Vec<_>>());
                }
                if !run.is_kill() && !run.hit_cleaning() {
                    let left = temporary_files(&self.project.path(""));
                    assert!(left.is_empty(), "{run}\nafter a link that failed: {left:?}");
                    let is_new = is_there && self.run(&mut self.launch()) == text(after);
                    let expected = run.generations + usize::from(is_new && before != Some(after));
                    assert_eq!(self.generations(), expected, "{run}\ngenerations");
                }
            }
        }
        self.check_next_link(run, after);
    }

    /// The next link is as if nothing had been; and then everything that was left is cleaned up.
    pub fn check_next_link(&self, run: &Run, version: usize) {
        let linked = outcome(&mut self.link_command("off", &[]));
        assert!(linked.succeeded() && linked.stderr.is_empty(), "{run}\nthe next link: {linked:?}");
        self.check_program(run, &[version]);
        self.age();
        let collected = outcome(&mut self.unfold(&["gc", ".unfold"]));
        assert!(collected.succeeded(), "{run}\nunfold gc: {collected:?}");
        let left = temporary_files(&self.project.path(""));
        assert!(left.is_empty(), "{run}\nafter a collection: {left:?}");
        assert_eq!(self.generations(), 1, "{run}\nafter a collection");
        // A collection behind a link may still be removing what it has renamed.
        let doomed = || {
            let all = all_below(&self.project.path(".unfold"));
            let is_doomed = |path: &PathBuf| {
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".old-"))
            };
            all.into_iter().find(is_doomed)
        };
        for _ in 0..HANG {
            if doomed().is_none() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(doomed(), None, "{run}\nafter a collection");
        self.check_program(run, &[version]);
    }

    /// A launch of this version.
    pub fn check_launch(&self, run: &Run, version: usize) {
        let Outcome { stderr, ending, .. } = &run.traced.outcome;
        match ending {
            Ending::Signal(libc::SIGKILL) if run.is_kill() => {}
            ending => {
                assert_eq!((ending, stderr.len()), (&Ending::Exit(0), 0), "{run}");
                assert_eq!(run.traced.outcome.stdout_text(), text(version), "{run}");
            }
        }
        self.check_program(run, &[version]);
        self.check_next_link(run, version);
    }
}

impl Run {
    pub fn is_kill(&self) -> bool {
        self.fault.as_ref().is_some_and(|(call, fault)| {
            call.role.is_empty() && matches!(fault, Fault::KillBefore | Fault::KillAfter)
        })
    }

    /// Whether the fault was one of what cleans up: then something stays.
    pub fn hit_cleaning(&self) -> bool {
        let cleaning = [libc::SYS_unlink, libc::SYS_unlinkat, libc::SYS_rmdir];
        self.fault.as_ref().is_some_and(|(call, _)| cleaning.contains(&call.nr))
    }

    /// A command ends with status 0 and says nothing, or with status 1 and a line that names a file and the error; unless
    /// it was killed.
    pub fn ends_well_or_in_one_line(&self) {
        let text = self.traced.outcome.stderr_text();
        match self.traced.outcome.ending {
            Ending::Exit(0) => assert_eq!(text, "", "{self}"),
            Ending::Exit(1) => {
                assert_eq!(text.lines().count(), 1, "{self}");
                assert!(text.contains("unfold: ") && text.contains("os error"), "{self}");
                assert!(
                    ["/", ".unfold", "app", "baked"].iter().any(|name| text.contains(name)),
                    "it names a file: {self}"
                );
            }
            Ending::Signal(libc::SIGKILL) if self.is_kill() => {}
            _ => panic!("{self}"),
        }
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some((_, fault)) = &self.fault else { return write!(f, "unhurt: {:?}", self.traced.outcome) };
        let hit = self.traced.hit.as_deref().unwrap_or("nothing");
        write!(f, "point {}, {fault:?} at {hit}: {:?}", self.number, self.traced.outcome)
    }
}
