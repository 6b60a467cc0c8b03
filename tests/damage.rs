//! What a damaged index does to a program: it still runs rightly, or it says so in one line and ends, with
//! status 127 or, when the damage shows only after the program has started, by SIGABRT. It never hangs, or does
//! something else.
//!
//! Each file of the index in turn is cut short, emptied, overwritten and given flipped bits; the mutations are
//! seeded, so each can be made again.

use std::fs;
use std::path::{Path, PathBuf};

use unfold_tests::directives::Ending;
use unfold_tests::project::Project;
use unfold_tests::random::Random;
use unfold_tests::run::{Outcome, kernel_allows_userfaultfd};
use unfold_tests::tools::{scratch_root, unfold_command};

/// Enough mutations to reach every kind of file and table, few enough for everyday.
const MUTATIONS_PER_TEST: usize = 300;

#[test]
fn truncated_files() {
    mutate("truncated", |contents, random| contents.truncate(random.below(contents.len().max(1))));
}

#[test]
fn flipped_bits() {
    mutate("flipped", |contents, random| {
        for _ in 0..1 + random.below(3) {
            if !contents.is_empty() {
                let position = random.below(contents.len());
                contents[position] ^= 1 << random.below(8);
            }
        }
    });
}

#[test]
fn flipped_bits_in_headers() {
    mutate("headers", |contents, random| {
        if !contents.is_empty() {
            let position = random.below(contents.len().min(256));
            contents[position] ^= 1 << random.below(8);
        }
    });
}

#[test]
fn overwritten_words() {
    mutate("words", |contents, random| {
        if contents.len() >= 8 {
            let position = random.below(contents.len() / 8) * 8;
            let value = [0, u64::MAX, 1 << 63, 0x1000, random.number()][random.below(5)];
            contents[position..position + 8].copy_from_slice(&value.to_le_bytes());
        }
    });
}

#[test]
fn removed_files() {
    with_linked_program("removed", |project, untouched| {
        for file in index_files(project) {
            fs::remove_file(&file).expect("the file can be removed");
            check_run(project, &format!("without {}", file.display()));
            project.restore_from(untouched);
        }
    });
}

#[test]
fn a_damaged_index_does_not_spoil_the_next_link() {
    with_linked_program("relink", |project, untouched| {
        let mut random = Random::new(7);
        let files = index_files(project);
        for number in 0..60 {
            let file = &files[random.below(files.len())];
            let mut contents = fs::read(file).expect("the file can be read");
            if contents.is_empty() {
                continue;
            }
            if number % 2 == 0 {
                contents.truncate(random.below(contents.len()));
            } else {
                let position = random.below(contents.len());
                contents[position] ^= 1 << random.below(8);
            }
            fs::write(file, contents).expect("the file can be written");
            let outcome = project.try_link(LINK);
            let what = format!("mutation {number} of {}", file.display());
            // Rebuilding what is damaged, or saying that it is damaged: both are right.
            match outcome.ending {
                Ending::Exit(0) => drop(check_run(project, &what)),
                Ending::Exit(1) => {
                    assert!(!outcome.stderr_text().contains("panicked"), "{what}: {outcome:?}")
                }
                _ => panic!("{what}: {outcome:?}"),
            }
            project.restore_from(untouched);
        }
    });
}

#[test]
fn damage_that_leaves_no_trace_does_not_spoil_the_next_link() {
    with_linked_program("traceless", |project, _| {
        // With a patch, and names that a relink has added.
        project.edit(
            "part.c",
            &format!("{}\nint added(void) {{ return 1; }}\n", include_str!("fixtures/damage_part.c")),
        );
        project.link(LINK);
        (0..RUNS).for_each(|_| assert_eq!(project.output("app", &[]), EXPECTED));
        let untouched = &scratch_root().join("damage/traceless-relinked");
        project.copy_to(untouched);
        // What was rendered before is not looked at where nothing shows that it was changed.
        let rendered = ["image", "kept", "own"];
        let mut files = index_files(project);
        files.retain(|file| {
            !rendered.iter().any(|name| file.ends_with(name)) && !file.to_string_lossy().contains("/records/")
        });
        for number in 0..MUTATIONS_PER_TEST {
            let file = &files[number % files.len()];
            let mut random = Random::new(number as u64);
            let mut contents = fs::read(file).expect("the file can be read");
            if contents.is_empty() {
                continue;
            }
            for _ in 0..3 {
                let position = random.below(contents.len()) / 4 * 4;
                let value = [0, 0xff, 0x80, random.below(256) as u8][random.below(4)];
                let end = contents.len().min(position + 4);
                contents[position..end].fill(value);
            }
            let modified = fs::metadata(file).and_then(|metadata| metadata.modified()).expect("a time");
            fs::write(file, contents).expect("the file can be written");
            fs::File::options()
                .write(true)
                .open(file)
                .and_then(|file| file.set_modified(modified))
                .expect("a time");
            let what = format!("mutation {number} of {}", file.display());
            let text = [
                "\nint more(void) { return 2; }\n",
                "\nint added(void);\nint more(void) { return added(); }\n",
            ];
            project
                .edit("main.c", &format!("{}{}", include_str!("fixtures/damage_main.c"), text[number % 2]));
            let outcome = project.try_link(LINK);
            assert!(!outcome.stderr_text().contains("panicked"), "{what}: {outcome:?}");
            match outcome.ending {
                Ending::Exit(0) => drop(check_run(project, &what)),
                Ending::Exit(1) => {}
                _ => panic!("{what}: {outcome:?}"),
            }
            project.restore_from(untouched);
        }
    });
}

/// Plans and packs are verified block by block, when something of a block is first used: what the start does not use
/// is found at a first touch.
#[test]
fn damage_that_a_first_touch_meets() {
    with_linked_program("touched", |project, untouched| {
        let (mut at_start, mut at_touch) = (0, 0);
        let run = |what: &str| {
            let outcome = check_run(project, what);
            let is_condemned = !index_files(project).iter().any(|file| file.ends_with("changes"));
            assert_eq!(is_condemned, outcome.ending != Ending::Exit(0), "{what}: {outcome:?}");
            project.restore_from(untouched);
            outcome.ending
        };
        project.set_env("UNFOLD_KEEP", "off");
        project.set_env("UNFOLD_PREFETCH", "off");
        project.set_env("UNFOLD_PAGER", "signal");
        let files = index_files(project);
        let is_verified =
            |file: &&PathBuf| file.ends_with("plan") || file.extension().is_some_and(|ext| ext == "pack");
        for file in files.iter().filter(is_verified) {
            let whole = fs::read(file).expect("the file can be read");
            let flip = |position: usize| {
                let mut contents = whole.clone();
                contents[position] ^= 1 << (position % 8);
                fs::write(file, contents).expect("the file can be written");
                run(&format!("bit in byte {position} of {}", file.display()))
            };
            // One checksum of the checksums, and one of each block in front of it.
            let top = whole.len() - 8;
            let sums = top - 8 * (top / (BLOCK + 8))..top;
            assert!(sums.len() < BLOCK, "the file is small: {}", whole.len());
            assert_eq!(flip(top + 3), Ending::Exit(127));
            let mut random = Random::new(1);
            let blocks = (0..sums.start).step_by(BLOCK / 2).map(|start| start + random.below(BLOCK / 2));
            let positions: Vec<usize> = blocks.filter(|position| *position < sums.start).collect();
            for position in positions.into_iter().chain(sums.clone().step_by(8)) {
                match flip(position) {
                    Ending::Exit(127) => at_start += 1,
                    Ending::Signal(_) => at_touch += 1,
                    _ => {}
                }
            }
            for missing in [1, 8, 16, BLOCK, sums.len() + 8, whole.len() / 2, whole.len() - 1] {
                fs::write(file, &whole[..whole.len() - missing]).expect("the file can be written");
                let ending = run(&format!("{} without {missing} bytes", file.display()));
                assert_eq!(ending, Ending::Exit(127));
            }
        }
        assert!(at_start > 0 && at_touch > 0, "{at_start} noticed at the start, {at_touch} at a first touch");
    });
}

/// Bytes of a plan or a pack that one checksum covers.
const BLOCK: usize = 4096;

const LINK: &[&str] = &["main.o", "part.o", "-o", "app"];

/// Runs in which the background comes to keep some pages, most likely.
const RUNS: usize = 5;

/// Links a program, runs it so that all files are there which runs make, and saves that state.
fn with_linked_program(name: &str, test: impl Fn(&Project, &Path)) {
    if unfold_command().is_none() {
        return;
    }
    let project = Project::new(&format!("damage/{name}"));
    project.edit("main.c", include_str!("fixtures/damage_main.c"));
    project.edit("part.c", include_str!("fixtures/damage_part.c"));
    project.link(LINK);
    for _ in 0..RUNS {
        assert_eq!(project.output("app", &[]), EXPECTED);
    }
    let untouched = scratch_root().join(format!("damage/{name}-untouched"));
    project.copy_to(&untouched);
    test(&project, &untouched);
}

fn mutate(name: &str, change: impl Fn(&mut Vec<u8>, &mut Random)) {
    with_linked_program(name, |project, untouched| {
        let mut files = index_files(project);
        if name != "truncated" {
            // Kept pages are mapped as they are: reading all of them at every start would cost what they save.
            // So changed bits in them stay unnoticed by design, as in any executable.
            files.retain(|file| file.file_name().is_none_or(|name| name != "kept"));
        }
        for number in 0..MUTATIONS_PER_TEST {
            // Every file has its turn before any has its second.
            let file = &files[number % files.len()];
            // Where kept pages serve, most of the index is not read.
            let is_kept = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("kept"));
            project.set_env("UNFOLD_KEEP", if is_kept { "on" } else { "off" });
            let mut random = Random::new(number as u64);
            let mut contents = fs::read(file).expect("the file can be read");
            change(&mut contents, &mut random);
            fs::write(file, contents).expect("the file can be written");
            project.set_env("UNFOLD_PREFETCH", ["on", "off"][number % 2]);
            let pager = match number % 3 {
                0 => "signal",
                1 if kernel_allows_userfaultfd() => "uffd",
                _ => "eager",
            };
            project.set_env("UNFOLD_PAGER", pager);
            check_run(project, &format!("mutation {number} of {} under {pager}", file.display()));
            project.restore_from(untouched);
        }
    });
}

/// All files of the index, in an order that does not depend on the file system.
fn index_files(project: &Project) -> Vec<PathBuf> {
    fn walk(dir: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).expect("the index can be read") {
            let path = entry.expect("the index can be read").path();
            if path.is_dir() { walk(&path, files) } else { files.push(path) }
        }
    }
    let mut files = vec![];
    walk(&project.path(".unfold"), &mut files);
    files.sort();
    assert!(!files.is_empty(), "there are files in the index");
    files
}

const EXPECTED: &str = "constants are right\npointers are right\nsum 1275\n";

fn check_run(project: &Project, what: &str) -> Outcome {
    let outcome = project.run("app", &[]);
    match outcome.ending {
        Ending::Exit(0) => assert_eq!(outcome.stdout_text(), EXPECTED, "{what}"),
        // Damage that shows only when a page is touched may come after the first lines of output.
        Ending::Exit(127) | Ending::Signal(libc::SIGABRT) => {
            assert!(EXPECTED.starts_with(&outcome.stdout_text()), "{what}: {outcome:?}");
            let stderr = outcome.stderr_text();
            assert!(stderr.contains("unfold: ") && stderr.lines().count() == 1, "{what}: {outcome:?}");
        }
        _ => panic!("{what}: {outcome:?}"),
    }
    outcome
}
