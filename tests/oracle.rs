//! An image is a function of its page numbers: whoever renders a page, when, and how, gets the same bytes.
//!
//! The program hashes the pages of its own read-only and executable segments (`fixtures/image_hash.c`), in
//! shuffled orders, by many threads, under each pager, from kept pages and from none, and baked. All lists must
//! be the same. Behaviour is compared elsewhere, in `e2e.rs`; this looks at every byte.

use unfold_tests::project::Project;
use unfold_tests::run::lazy_pagers;
use unfold_tests::tools::{scratch_root, unfold_command};

/// Seeds of the order, and numbers of threads.
const ORDERS: &[(&str, &str)] = &[("1", "1"), ("2", "4"), ("3", "16")];

#[test]
fn pages_are_the_same_in_a_pie() {
    check("pie", &["-pie", "-fPIE"]);
}

#[test]
fn pages_are_the_same_at_a_fixed_address() {
    check("nopie", &["-no-pie", "-fno-pie"]);
}

#[test]
fn pages_are_the_same_in_a_static_executable() {
    check("static", &["-static", "-fno-pie"]);
}

fn check(mode: &str, flags: &[&str]) {
    let project = Project::new(&format!("oracle/{mode}"));
    project.write("image_hash.c", include_str!("fixtures/image_hash.c"));
    project.write("image_filler.S", include_str!("fixtures/image_filler.S"));
    project.compile_with("image_hash.c", flags);
    project.compile("image_filler.S");
    project.set_env("UNFOLD_BACKGROUND", "off");
    project.link(&[&["image_hash.o", "image_filler.o", "-pthread", "-o", "app"], flags].concat());
    // Addresses may depend on the path of the output, so every run happens at this path, after the
    // state from before the first run has been put back.
    let untouched = scratch_root().join(format!("oracle/{mode}-untouched"));
    project.copy_to(&untouched);

    let Some(unfold) = unfold_command() else {
        // Another linker's output has one way to be loaded. It still tests the program.
        let expected = project.output("app", &["0", "1"]);
        assert!(expected.lines().count() > 20, "the image has some pages:\n{expected}");
        for (seed, threads) in ORDERS {
            // Only without a random load address do such pages stay the same.
            if mode != "pie" {
                assert_eq!(project.output("app", &[seed, threads]), expected);
            }
        }
        return;
    };

    project.set_env("UNFOLD_PAGER", "eager");
    let expected = project.output("app", &["0", "1"]);
    assert!(expected.lines().count() > 20, "the image has some pages:\n{expected}");
    for pager in lazy_pagers() {
        project.set_env("UNFOLD_PAGER", pager);
        for (prefetch, keep, background) in [
            ("off", "off", "off"),
            ("on", "off", "off"),
            ("off", "on", "off"),
            ("on", "on", "off"),
            ("on", "on", "on"),
        ] {
            project.set_env("UNFOLD_BACKGROUND", background);
            project.set_env("UNFOLD_PREFETCH", prefetch);
            project.set_env("UNFOLD_KEEP", keep);
            for (seed, threads) in ORDERS {
                project.restore_from(&untouched);
                for which in ["first", "second", "third"] {
                    let found = project.output("app", &[seed, threads]);
                    let what = format!(
                        "{mode}, {pager} pager, prefetch {prefetch}, keep {keep}, background {background}, {which} run, {threads} threads, seed {seed}"
                    );
                    assert_same_pages(&what, &found, &expected);
                }
            }
        }
        project.set_env("UNFOLD_PROFILE", "on");
        for (seed, threads) in ORDERS {
            let found = project.output("app", &[seed, threads]);
            assert_same_pages(
                &format!("{mode}, {pager} pager, page by page, seed {seed}"),
                &found,
                &expected,
            );
        }
        project.unset_env("UNFOLD_PROFILE");
    }

    project.bake(unfold, "app", "baked");
    assert_same_pages(&format!("{mode}, baked"), &project.output("baked", &["0", "1"]), &expected);
}

/// Compares two lists of pages and names the first few that differ.
fn assert_same_pages(what: &str, found: &str, expected: &str) {
    let differing: Vec<String> = found
        .lines()
        .zip(expected.lines())
        .filter(|(found, expected)| found != expected)
        .take(10)
        .map(|(found, expected)| format!("{found}, expected {expected}"))
        .collect();
    assert!(differing.is_empty(), "{what}: pages differ\n{}", differing.join("\n"));
    assert_eq!(found.lines().count(), expected.lines().count(), "{what}: the number of pages differs");
}
