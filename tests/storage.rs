//! Storage that fails: links, launches and commands are hit at each of their system calls that write, one after the other.
//! They are killed before it or after it, it fails, it finds the disk full, or it writes half. Then there is a good program,
//! the one before or the new one; what fails says so in one line; nothing is left behind that a later link or collection
//! does not clean; and a program never fails because of what it writes for the next launch.
//!
//! `UNFOLD_FAULTS=all` hits every call in every way, `UNFOLD_FAULTS=17` one of the points, which messages name by their
//! numbers; without it, each test takes a sample, always the same.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use unfold_tests::directives::Ending;
use unfold_tests::faults::{Call, Fault, Traced, traced};
use unfold_tests::project::Project;
use unfold_tests::run::{Outcome, lazy_pagers, program};
use unfold_tests::tools::{tested_linker, unfold_command};
use unfold_tests::trouble::{all_below, linker, outcome, temporary_files, words_for_linker};

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

#[test]
fn a_first_link() {
    let Some(bench) = Bench::new("first", APP) else { return };
    bench.each(
        &|bench| {
            bench.empty();
            bench.put(1);
        },
        &|bench| bench.link_command("on", &[]),
        &|bench, run| bench.check_link(run, None, 1),
    );
}

#[test]
fn a_first_link_on_several_processors() {
    let Some(bench) = Bench::new("threads", APP) else { return };
    bench.with_threads().each(
        &|bench| {
            bench.empty();
            bench.put(1);
        },
        &|bench| bench.link_command("on", &[]),
        &|bench, run| bench.check_link(run, None, 1),
    );
}

#[test]
fn a_relink_of_what_fits() {
    let Some(bench) = Bench::new("fits", APP) else { return };
    bench.each(&|bench| bench.linked(&[1], 2), &|bench| bench.link_command("on", &[]), &|bench, run| {
        bench.check_link(run, Some(1), 2)
    });
}

#[test]
fn a_second_relink() {
    let Some(bench) = Bench::new("again", APP) else { return };
    bench.each(&|bench| bench.linked(&[1, 2], 3), &|bench| bench.link_command("on", &[]), &|bench, run| {
        bench.check_link(run, Some(2), 3)
    });
}

#[test]
fn a_relink_of_what_has_grown() {
    let Some(bench) = Bench::new("grown", APP) else { return };
    bench.each(&|bench| bench.linked(&[1], GROWN), &|bench| bench.link_command("on", &[]), &|bench, run| {
        bench.check_link(run, Some(1), GROWN)
    });
}

#[test]
fn a_link_with_nothing_to_do() {
    let Some(bench) = Bench::new("idle", APP) else { return };
    bench.each(&|bench| bench.linked(&[2, 1], 1), &|bench| bench.link_command("on", &[]), &|bench, run| {
        bench.check_link(run, Some(1), 1)
    });
}

/// The sixth generation, behind which the ones before are collected.
#[test]
fn a_full_link_and_the_collection_behind_it() {
    let Some(bench) = Bench::new("full", APP) else { return };
    bench.each(
        &|bench| bench.linked(&[1, 2, 3, 2, 1], 2),
        &|bench| bench.link_command("on", &["--unfold-place-anew"]),
        &|bench, run| bench.check_link(run, Some(1), 2),
    );
}

#[test]
fn a_link_that_fails() {
    let Some(bench) = Bench::new("fails", APP) else { return };
    bench.each(
        &|bench| bench.linked(&[1], MISSING),
        &|bench| bench.link_command("on", &[]),
        &|bench, run| {
            let text = run.traced.outcome.stderr_text();
            assert!(!text.contains("panicked"), "{run}");
            match run.traced.outcome.ending {
                Ending::Signal(libc::SIGKILL) => {}
                ending => assert_eq!(ending, Ending::Exit(1), "{run}"),
            }
            // As with ld, what cannot be linked is not there.
            if bench.project.exists("app") {
                bench.check_program(run, &[1]);
            }
            bench.put(2);
            bench.check_next_link(run, 2);
        },
    );
}

#[test]
fn a_shared_library() {
    let Some(bench) = Bench::new("library", LIBRARY) else { return };
    bench.each(
        &|bench| {
            bench.empty();
            bench.put(1);
        },
        &|bench| bench.link_command("on", &[]),
        &|bench, run| bench.check_link(run, None, 1),
    );
    bench.each(&|bench| bench.linked(&[1, 3], 2), &|bench| bench.link_command("on", &[]), &|bench, run| {
        bench.check_link(run, Some(3), 2)
    });
}

#[test]
fn a_collection() {
    let Some(bench) = Bench::new("collection", APP) else { return };
    bench.each(
        &|bench| {
            bench.linked(&[1, 2, 3, GROWN, 1, 2], 2);
            bench.age();
        },
        &|bench| bench.unfold(&["gc", "app"]),
        &|bench, run| {
            run.ends_well_or_in_one_line();
            bench.check_program(run, &[2]);
            bench.check_next_link(run, 2);
        },
    );
}

#[test]
fn the_completion_behind_a_link() {
    let Some(bench) = Bench::new("completion", APP) else { return };
    bench.each(
        &|bench| bench.linked(&[1], 1),
        &|bench| {
            let mut command = Command::new(&tested_linker().ld);
            command.arg("--unfold-complete").arg(bench.newest());
            command
        },
        &|bench, run| {
            run.ends_well_or_in_one_line();
            bench.check_program(run, &[1]);
            bench.check_next_link(run, 1);
        },
    );
}

#[test]
fn debug_information_on_demand() {
    let Some(bench) = Bench::new("debug", APP) else { return };
    bench.each(
        &|bench| bench.linked(&[1, 2], 2),
        &|bench| {
            let mut command = Command::new(&tested_linker().ld);
            command.arg("--unfold-debug").arg(bench.newest());
            command
        },
        &|bench, run| {
            run.ends_well_or_in_one_line();
            bench.check_program(run, &[2]);
            bench.check_next_link(run, 2);
        },
    );
}

#[test]
fn first_launches() {
    for pager in lazy_pagers().chain(["eager"]) {
        let Some(bench) = Bench::new(&format!("launch-{pager}"), APP) else { return };
        bench.each(
            &|bench| bench.linked(&[1, 2], 2),
            &|bench| {
                let mut command = bench.launch();
                command.env("UNFOLD_PAGER", pager).env("UNFOLD_TRACED", "lazy");
                command
            },
            &|bench, run| bench.check_launch(run, 2),
        );
    }
}

#[test]
fn launches_that_find_something_kept() {
    for pager in lazy_pagers() {
        let Some(bench) = Bench::new(&format!("later-{pager}"), APP) else { return };
        bench.each(
            &|bench| {
                bench.linked(&[1, 2], 2);
                bench.run(&mut bench.launch());
            },
            &|bench| {
                let mut command = bench.launch();
                command.env("UNFOLD_PAGER", pager).env("UNFOLD_TRACED", "lazy");
                command
            },
            &|bench, run| bench.check_launch(run, 2),
        );
    }
}

#[test]
fn launches_that_find_everything_kept() {
    let Some(bench) = Bench::new("complete", APP) else { return };
    bench.each(
        &|bench| {
            bench.linked(&[1, 2], 2);
            let mut command = Command::new(&tested_linker().ld);
            bench.run(command.arg("--unfold-complete").arg(bench.newest()));
        },
        &|bench| {
            let mut command = bench.launch();
            command.env("UNFOLD_TRACED", "lazy");
            command
        },
        &|bench, run| bench.check_launch(run, 2),
    );
}

#[test]
fn launches_that_complete_themselves() {
    for pager in lazy_pagers() {
        let Some(bench) = Bench::new(&format!("settle-{pager}"), APP) else { return };
        bench.each(
            &|bench| bench.linked(&[1, 2], 2),
            &|bench| {
                let mut command = bench.launch();
                command.arg("settle").env("UNFOLD_PAGER", pager).env("UNFOLD_TRACED", "lazy");
                command
            },
            &|bench, run| bench.check_launch(run, 2),
        );
    }
}

#[test]
fn baking() {
    let Some(bench) = Bench::new("bake", APP) else { return };
    bench.each(
        &|bench| bench.linked(&[1, 2], 2),
        &|bench| bench.unfold(&["bake", "app", "-o", "baked"]),
        &|bench, run| {
            run.ends_well_or_in_one_line();
            let baked = bench.project.path("baked");
            if baked.exists() || run.traced.outcome.succeeded() {
                assert_eq!(bench.run(&mut program(&baked)), text(2), "{run}");
            }
            bench.check_program(run, &[2]);
            bench.check_next_link(run, 2);
        },
    );
}

#[test]
fn verifying_what_is_damaged() {
    let Some(bench) = Bench::new("verify", APP) else { return };
    bench.each(
        &|bench| {
            bench.linked(&[1, 2], 2);
            let newest = bench.newest();
            bench.run(Command::new(&tested_linker().ld).arg("--unfold-complete").arg(&newest));
            for (name, at) in [("kept", None), ("changed", Some(40))] {
                let mut bytes = fs::read(newest.join(name)).expect("a file");
                let at = at.or_else(|| bytes.iter().rposition(|byte| *byte != 0)).expect("something is kept");
                bytes[at] ^= 1;
                fs::write(newest.join(name), bytes).expect("a file");
            }
        },
        &|bench| bench.unfold(&["verify", "app"]),
        &|bench, run| {
            let ending = &run.traced.outcome.ending;
            assert!(matches!(ending, Ending::Exit(1 | 2) | Ending::Signal(libc::SIGKILL)), "{run}");
            let again = outcome(&mut bench.unfold(&["verify", "app"]));
            assert!(matches!(again.ending, Ending::Exit(0 | 1)), "{run}\nonce more: {again:?}");
            bench.check_next_link(run, 2);
        },
    );
}

// --- what they share ---

const APP: &[&str] = &["-pie", "main.o", "part.o", "value.o", "-o", "app"];
const LIBRARY: &[&str] = &["-shared", "part.o", "value.o", "-o", "libvalue.so"];

/// Versions of `value.c` above 3.
const GROWN: usize = 4;
const MISSING: usize = 5;

/// What the program prints.
fn text(version: usize) -> String {
    format!("{version} {version} {version} 75 7\n")
}

/// The objects, compiled once.
fn objects() -> &'static Path {
    static OBJECTS: OnceLock<PathBuf> = OnceLock::new();
    OBJECTS.get_or_init(|| {
        let project = Project::new("storage/objects");
        project.write("main.c", include_str!("storage/main.c"));
        project.write("part.c", include_str!("storage/part.c"));
        project.write("value.c", include_str!("storage/value.c"));
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
struct Bench {
    project: Project,
    output: &'static str,
    words: Vec<String>,
    threads: bool,
}

/// One run of a command, hit at one point or at none.
struct Run {
    number: usize,
    fault: Option<(Call, Fault)>,
    traced: Traced,
    /// Generations before.
    generations: usize,
}

impl Bench {
    /// Nothing where another linker stands in for ours.
    fn new(name: &str, words: &[&'static str]) -> Option<Bench> {
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

    fn with_threads(self) -> Bench {
        Bench { threads: true, ..self }
    }

    /// Makes the state, runs the command hit at one point, and checks what there is then: for a sample of all points, or for
    /// all. Each kind of fault has its turn in the sample.
    fn each(
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
    fn empty(&self) {
        for name in [self.output, ".unfold"] {
            if self.project.exists(name) {
                self.project.remove(name);
            }
        }
        self.clean();
    }

    /// Removes what a killed process has left beside the output.
    fn clean(&self) {
        for path in fs::read_dir(self.project.path("")).expect("a folder").flatten() {
            let name = path.file_name();
            if name.to_string_lossy().starts_with('.') && name != ".unfold" || name == "baked" {
                fs::remove_file(path.path()).expect("a file");
            }
        }
    }

    /// Has `value.o` be of this version: another file of this name.
    fn put(&self, version: usize) {
        let new = self.project.path("value.new");
        fs::copy(objects().join(format!("value-{version}.o")), &new).expect("an object");
        fs::rename(new, self.project.path("value.o")).expect("the folder is ours");
    }

    /// Linked once for each of these versions, with nothing in the background; then there is another one.
    fn linked(&self, versions: &[usize], next: usize) {
        self.empty();
        for version in versions {
            self.put(*version);
            self.run(&mut self.link_command("off", &[]));
        }
        self.put(next);
    }

    /// Makes all generations so old that collections wait for nobody who has just been started.
    fn age(&self) {
        let long_ago = SystemTime::now() - Duration::from_secs(60);
        for generation in self.generation_folders() {
            // A collection may just take one away.
            let Ok(folder) = fs::File::open(generation) else { continue };
            folder.set_modified(long_ago).expect("the folder is ours");
        }
    }

    // --- commands ---

    fn link_command(&self, background: &str, more: &[&str]) -> Command {
        let mut command = linker(&self.project, &self.words);
        command.args(more).env("UNFOLD_BACKGROUND", background);
        command
    }

    fn launch(&self) -> Command {
        program(self.project.path("app"))
    }

    fn unfold(&self, words: &[&str]) -> Command {
        let mut command = program(unfold_command().expect("unfold is there"));
        command.args(words).current_dir(self.project.path(""));
        command
    }

    /// Runs a command that must end well and say nothing on stderr. Returns what it says on stdout.
    fn run(&self, command: &mut Command) -> String {
        let outcome = outcome(command);
        assert!(outcome.succeeded() && outcome.stderr.is_empty(), "{command:?}: {outcome:?}");
        outcome.stdout_text()
    }

    // --- what there is ---

    fn generation_folders(&self) -> Vec<PathBuf> {
        let is_number = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            path.is_dir() && name.parse::<u64>().is_ok()
        };
        let folders = all_below(&self.project.path(".unfold/outputs"));
        folders.into_iter().filter(is_number).collect()
    }

    fn generations(&self) -> usize {
        self.generation_folders().len()
    }

    fn newest(&self) -> PathBuf {
        let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u64>().ok();
        self.generation_folders().into_iter().max_by_key(number).expect("there is a generation")
    }

    // --- what must hold ---

    /// The program is one of these.
    fn check_program(&self, run: &Run, versions: &[usize]) {
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
    fn check_link(&self, run: &Run, before: Option<usize>, after: usize) {
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
    fn check_next_link(&self, run: &Run, version: usize) {
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
    fn check_launch(&self, run: &Run, version: usize) {
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
    fn is_kill(&self) -> bool {
        self.fault.as_ref().is_some_and(|(call, fault)| {
            call.role.is_empty() && matches!(fault, Fault::KillBefore | Fault::KillAfter)
        })
    }

    /// Whether the fault was one of what cleans up: then something stays.
    fn hit_cleaning(&self) -> bool {
        let cleaning = [libc::SYS_unlink, libc::SYS_unlinkat, libc::SYS_rmdir];
        self.fault.as_ref().is_some_and(|(call, _)| cleaning.contains(&call.nr))
    }

    /// A command ends with status 0 and says nothing, or with status 1 and a line that names a file and the error; unless
    /// it was killed.
    fn ends_well_or_in_one_line(&self) {
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
