//! Links and launches at once: each launch is one whole generation, whichever; never a mixture, never an error.
//!
//! `UNFOLD_RELINKS=2000` goes on for minutes.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use unfold_tests::project::Project;
use unfold_tests::run::{lazy_pagers, program};
use unfold_tests::tools::unfold_command;
use unfold_tests::trouble::{linker, outcome, temporary_files, words_for_linker};

const OBJECTS: [&str; 3] = ["a", "b", "c"];
const VERSIONS: usize = 6;
const LAUNCHERS: usize = 4;

/// Every so many relinks, one is a full link.
const FULL: usize = 10;

#[test]
fn relinks_and_launches_at_once() {
    if unfold_command().is_none() {
        return;
    }
    let relinks = std::env::var("UNFOLD_RELINKS").ok().and_then(|count| count.parse().ok()).unwrap_or(20);
    let project = Project::new("storage/traffic");
    project.edit("main.c", include_str!("storage/several_main.c"));
    project.write("several.c", include_str!("storage/several.c"));
    for version in 0..VERSIONS {
        for name in OBJECTS {
            let (define, named) = (format!("-DVERSION={version}"), format!("-DNAME={name}"));
            // Two of them do not fit where the others are.
            let grown: &[&str] = if version % 3 == 2 { &["-DGROWN"] } else { &[] };
            project.compile_with("several.c", &[&["-O1", "-fPIE", &define, &named], grown].concat());
            project.rename("several.o", &format!("{name}-{version}.o"));
        }
    }
    let put = |version: usize| {
        for name in OBJECTS {
            fs::copy(project.path(&format!("{name}-{version}.o")), project.path("new")).expect("an object");
            project.rename("new", &format!("{name}.o"));
        }
    };
    put(0);
    let words = words_for_linker(&project, &["-pie", "main.o", "a.o", "b.o", "c.o", "-o", "app"]);
    let link = |number: usize| {
        let mut command = linker(&project, &words);
        if number % FULL == FULL - 1 {
            command.arg("--unfold-place-anew");
        }
        let linked = outcome(&mut command);
        assert!(linked.succeeded() && linked.stderr.is_empty(), "link {number}: {linked:?}");
    };
    link(0);
    let is_over = AtomicBool::new(false);
    let seen = [const { AtomicUsize::new(0) }; VERSIONS];
    let app = project.path("app");
    let launch = |launcher: usize| {
        let pagers: Vec<&str> = lazy_pagers().chain(["eager"]).collect();
        for number in 0.. {
            if is_over.load(Ordering::Relaxed) {
                return;
            }
            let mut command = program(&app);
            command.env("UNFOLD_PAGER", pagers[(launcher + number) % pagers.len()]);
            command.env("UNFOLD_BACKGROUND", ["on", "off"][number / 3 % 2]);
            if number % 4 == 0 {
                command.arg(["5", "40"][launcher % 2]);
            }
            let printed = outcome(&mut command);
            let version = printed.stdout_text().trim().parse::<usize>().ok();
            let is_one = printed.succeeded() && printed.stderr.is_empty();
            match version.and_then(|version| seen.get(version)).filter(|_| is_one) {
                Some(count) => count.fetch_add(1, Ordering::Relaxed),
                None => panic!("launch {number} of launcher {launcher}: {command:?}: {printed:?}"),
            };
        }
    };
    let launch = &launch;
    thread::scope(|scope| {
        let launchers: Vec<_> = (0..LAUNCHERS).map(|number| scope.spawn(move || launch(number))).collect();
        // Whatever fails: nobody launches for ever.
        let over = OnDrop(|| is_over.store(true, Ordering::Relaxed));
        for number in 1..=relinks {
            put(number % VERSIONS);
            link(number);
            if launchers.iter().any(|launcher| launcher.is_finished()) {
                break;
            }
        }
        drop(over);
    });
    let seen: Vec<usize> = seen.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    println!("{relinks} relinks, {} launches: {seen:?}", seen.iter().sum::<usize>());
    assert_eq!(project.output("app", &[]), format!("{}\n", relinks % VERSIONS));
    let verified = project.unfold(&["verify", "app"]).expect("unfold is there");
    assert!(verified.succeeded(), "{verified:?}");
    let collected = project.unfold(&["gc", "app"]).expect("unfold is there");
    assert!(collected.succeeded(), "{collected:?}");
    assert!(temporary_files(&project.path("")).is_empty(), "{:?}", temporary_files(&project.path("")));
    assert_eq!(project.output("app", &[]), format!("{}\n", relinks % VERSIONS));
}

struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
