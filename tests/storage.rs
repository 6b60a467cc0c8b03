//! Storage that fails: links, launches and commands are hit at each of their system calls that write, one after the other.
//! They are killed before it or after it, it fails, it finds the disk full, or it writes half. Then there is a good program,
//! the one before or the new one; what fails says so in one line; nothing is left behind that a later link or collection
//! does not clean; and a program never fails because of what it writes for the next launch.
//!
//! `UNFOLD_FAULTS=all` hits every call in every way, `UNFOLD_FAULTS=17` one of the points, which messages name by their
//! numbers; without it, each test takes a sample, always the same.

use std::fs;
use std::process::Command;

use unfold_tests::directives::Ending;
use unfold_tests::run::{lazy_pagers, program};
use unfold_tests::storage::{APP, Bench, GROWN, LIBRARY, MISSING, text};
use unfold_tests::tools::tested_linker;
use unfold_tests::trouble::outcome;

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
