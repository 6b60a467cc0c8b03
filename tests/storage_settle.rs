//! Settling on storage that fails, as `tests/storage.rs` does it: behind a link, in it, and for a debugger, hit at each
//! system call that writes. The output is then as it was linked or settled, and runs; a link that was to settle leaves the
//! output before, and says why; nothing is left that a collection does not remove.
//!
//! `UNFOLD_FAULTS=all` and `UNFOLD_FAULTS=17` as there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use unfold_tests::directives::Ending;
use unfold_tests::run::program;
use unfold_tests::storage::{APP, Bench, Run, text};
use unfold_tests::tools::{fresh_scratch, is_settled, tested_linker};
use unfold_tests::trouble::temporary_files;

/// What the linker starts behind a link, or has the loader start.
fn settling(bench: &Bench, word: &str) -> Command {
    let mut command = Command::new(&tested_linker().ld);
    command.arg(word).arg(bench.newest()).arg(bench.project.path("app"));
    command
}

/// All names of the program are good; one that was not hit has settled.
fn check(bench: &Bench, run: &Run, names: &[PathBuf]) {
    let folder = names[0].parent().expect("it is in a folder");
    for name in names {
        assert_eq!(bench.run(&mut program(name)), text(1), "{run}\n{}", name.display());
        assert!(run.fault.is_some() || is_settled(name).unwrap(), "{run}\n{}", name.display());
    }
    if !run.is_kill() && !run.hit_cleaning() {
        assert_eq!(temporary_files(folder), <[PathBuf; 0]>::default(), "{run}");
    }
    bench.check_program(run, &[1]);
    bench.check_next_link(run, 1);
    // Also beside names in other folders than the output's.
    assert_eq!(temporary_files(folder), <[PathBuf; 0]>::default(), "{run}\nafter a collection");
    names.iter().for_each(|name| assert_eq!(bench.run(&mut program(name)), text(1), "{run}"));
}

#[test]
fn behind_a_link() {
    let Some(bench) = Bench::new("settle", APP) else { return };
    bench.each(
        &|bench| bench.linked(&[1], 1),
        &|bench| settling(bench, "--unfold-complete"),
        &|bench, run| {
            run.ends_well_or_in_one_line();
            check(bench, run, &[bench.project.path("app")]);
        },
    );
}

/// As cargo has it: the output is in a folder, and has another name above it.
#[test]
fn behind_a_link_with_several_names() {
    // The folder above, of another run.
    fresh_scratch("storage/settle-names").unwrap();
    let Some(bench) = Bench::new("settle-names/deps", APP) else { return };
    let above = bench.project.path("").parent().expect("it is in a folder").join("app");
    let names = [above.clone(), bench.project.path("other"), bench.project.path("app")];
    let link = |name: &Path| {
        fs::remove_file(name).ok();
        fs::hard_link(bench.project.path("app"), name).expect("the folder is ours");
    };
    bench.each(
        &|bench| {
            bench.linked(&[1], 1);
            names[..2].iter().for_each(|name| link(name));
        },
        &|bench| settling(bench, "--unfold-complete"),
        &|bench, run| {
            run.ends_well_or_in_one_line();
            check(bench, run, &names);
        },
    );
}

#[test]
fn for_a_debugger() {
    let Some(bench) = Bench::new("settle-debugger", APP) else { return };
    bench.each(&|bench| bench.linked(&[1], 1), &|bench| settling(bench, "--unfold-settle"), &|bench, run| {
        let ending = run.traced.outcome.ending;
        assert!(
            ending == Ending::Exit(0) || run.is_kill() && ending == Ending::Signal(libc::SIGKILL),
            "{run}"
        );
        check(bench, run, &[bench.project.path("app")]);
    });
}

/// Small programs settle in their links, of which that is no failure.
#[test]
fn a_small_program_in_its_link() {
    for (name, before) in [("small-first", None), ("small-relinked", Some(2))] {
        let Some(bench) = Bench::new(&format!("settle-{name}"), APP) else { return };
        in_link(&bench, before, "on");
    }
}

#[test]
fn a_link_that_is_to_settle() {
    for (name, before) in [("first", None), ("relinked", Some(2)), ("idle", Some(1))] {
        let Some(bench) = Bench::new(&format!("settle-link-{name}"), APP) else { return };
        in_link(&bench, before, "link");
    }
}

/// Links version 1, where there is nothing or a program of another version.
fn in_link(bench: &Bench, before: Option<usize>, settle: &str) {
    bench.each(
        &|bench| bench.linked(before.as_slice(), 1),
        &|bench| {
            let mut command = bench.link_command("on", &[]);
            command.env("UNFOLD_SETTLE", settle);
            command
        },
        &|bench, run| {
            let is_done = run.traced.outcome.ending == Ending::Exit(0);
            if is_done && (settle == "link" || run.fault.is_none()) {
                assert!(is_settled(&bench.project.path("app")).unwrap(), "{run}");
            }
            bench.check_link(run, before, 1);
        },
    );
}
