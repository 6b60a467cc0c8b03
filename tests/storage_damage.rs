//! Bits that flip and files that are cut short, in every file of an index: a launch is right, or says what is wrong and
//! ends; the next link, or `unfold verify`, makes it good.
//!
//! A write leaves a trace: the time of the file. What the disk changes without one is for checksums alone, and of `image` and
//! of kept chunks only `unfold verify` looks at all bytes (`tests/verify.rs`).

use std::fs;
use std::path::PathBuf;

use unfold_tests::directives::Ending;
use unfold_tests::project::Project;
use unfold_tests::run::{Outcome, lazy_pagers, program, run_tool};
use unfold_tests::tools::{complete_kept, unfold_command};
use unfold_tests::trouble::{all_below, outcome};

const LINK: &[&str] = &["-pie", "main.o", "part.o", "value.o", "-o", "app"];
const EXPECTED: &str = "2 2 2 75 7\n";

/// What is done to a file: a bit at this part of it is flipped, in eighths; or it gets this length, in halves less bytes.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Flip(usize),
    Cut(usize, usize),
}

const DAMAGES: [Damage; 9] = [
    Damage::Flip(0),
    Damage::Flip(1),
    Damage::Flip(3),
    Damage::Flip(4),
    Damage::Flip(6),
    Damage::Flip(8),
    Damage::Cut(0, 0),
    Damage::Cut(1, 0),
    Damage::Cut(2, 1),
];

impl Damage {
    /// Where bits say nothing (holes, spare room), it takes the nearest byte in front of the place that is not 0.
    fn change(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Flip(part) => {
                let place = (bytes.len() - 1) * part / 8;
                let at = (0..=place).rev().find(|at| bytes[*at] != 0).unwrap_or(place);
                bytes[at] ^= 1 << (at % 8);
            }
            Self::Cut(halves, less) => bytes.truncate(bytes.len() * halves / 2 - less),
        }
    }
}

#[test]
fn every_file_of_an_index() {
    if unfold_command().is_none() {
        return;
    }
    let project = linked("every-file");
    let saved = project.path("").with_extension("saved");
    project.copy_to(&saved);
    let files = files(&project);
    for name in ["plan", "patch", "image", "state", "symbols", "order", "log", "kept", "own", "changed"] {
        assert!(files.iter().any(|file| file.ends_with(name)), "there is a file {name}: {files:?}");
    }
    let (mut refused, mut tried) = (0, 0);
    for (number, file) in files.iter().enumerate() {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // A copy has other inodes, and what another file has kept is not used.
        let is_shelf = ["kept", "kept.map", "own", "own.map"].contains(&name.as_str());
        for (nth, damage) in DAMAGES.into_iter().enumerate() {
            if is_shelf {
                complete_kept(&project.path("app")).expect("the linker completes it");
            }
            let what = format!("{damage:?} of {}", file.display());
            let mut bytes = fs::read(file).expect("the file can be read");
            if bytes.is_empty() {
                continue;
            }
            damage.change(&mut bytes);
            fs::write(file, bytes).expect("the file can be written");
            tried += 1;
            let is_flip = matches!(damage, Damage::Flip(_));
            // Flipped bits of kept chunks run, as those of any executable do.
            let keeps: &[&str] = match is_shelf && is_flip && !name.ends_with(".map") {
                true => &["off"],
                false => &["off", "on"],
            };
            for keep in keeps {
                let pager = lazy_pagers().nth((number + nth) % lazy_pagers().count()).expect("a pager");
                let mut command = program(project.path("app"));
                command.env("UNFOLD_KEEP", keep).env("UNFOLD_PAGER", pager).env("UNFOLD_BACKGROUND", "off");
                let printed = outcome(&mut command);
                let is_refused = is_right_or_refused(&printed, &what);
                if name == "image" && nth > 0 {
                    assert!(is_refused, "{what}: every bit of its pages counts, {printed:?}");
                }
                refused += usize::from(is_refused);
            }
            if is_shelf {
                let said = project.unfold(&["verify", "app"]).expect("unfold is there");
                assert!(matches!(said.ending, Ending::Exit(0 | 1)), "{what}: {said:?}");
            }
            let result = project.try_link(LINK);
            assert!(result.succeeded() && result.stderr.is_empty(), "{what}, the next link: {result:?}");
            for keep in ["on", "off"] {
                let printed = outcome(program(project.path("app")).env("UNFOLD_KEEP", keep));
                assert_eq!((printed.stdout_text().as_str(), printed.stderr.len()), (EXPECTED, 0), "{what}");
            }
            project.restore_from(&saved);
        }
    }
    println!("{tried} times damaged, {refused} launches refused");
    assert!(refused > tried / 4, "{refused} of {tried}");
    fs::remove_dir_all(saved).expect("the copy is ours");
}

/// A crash of the machine may leave files that have their size and time, and not their contents: the first launch after
/// the machine was started looks. Where that can be had, another clock makes it look as if it had just been.
#[test]
fn an_image_is_compared_once_after_a_start_of_the_machine() {
    if unfold_command().is_none() {
        return;
    }
    let project = linked("boot");
    let launch = |booted: bool| {
        let mut command = program(if booted { "unshare".into() } else { project.path("app") });
        if booted {
            let uptime = fs::read_to_string("/proc/uptime").expect("the kernel tells");
            let uptime: f64 = uptime.split(' ').next().and_then(|text| text.parse().ok()).expect("a number");
            // As if the machine had been started a tenth of a second ago.
            let back = format!("--boottime=-{}", uptime as u64);
            command.args(["--time", "--fork", &back]).arg(project.path("app"));
        }
        outcome(command.env("UNFOLD_BACKGROUND", "off").env("UNFOLD_LOG", "1"))
    };
    let compares = |outcome: &Outcome| outcome.stderr_text().contains("comparing the image");
    let image = newest(&project, "image");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let map = newest(&project, "kept.map");
    fs::remove_file(&map).expect("the file is ours");
    let first = launch(true);
    if !first.succeeded() && !first.stderr_text().contains("app: ") {
        // No such clocks here.
        return;
    }
    assert!(compares(&first) && first.stdout_text() == EXPECTED, "{first:?}");
    let second = launch(true);
    assert!(!compares(&second) && second.stdout_text() == EXPECTED, "{second:?}");
    assert!(!compares(&launch(false)), "nothing was started anew, nothing is compared");

    let mut bytes = fs::read(&image).expect("the file can be read");
    Damage::Flip(1).change(&mut bytes);
    let modified = image.metadata().and_then(|metadata| metadata.modified()).expect("a time");
    fs::write(&image, bytes).expect("the file can be written");
    let file = fs::File::options().write(true).open(&image).expect("the file can be written");
    file.set_modified(modified).expect("the file is ours");
    fs::remove_file(&map).expect("the file is ours");
    let damaged = launch(true);
    assert_eq!(damaged.ending, Ending::Exit(127), "{damaged:?}");
    assert!(damaged.stderr_text().contains("the image of the index is damaged; link"), "{damaged:?}");
    project.link(LINK);
    assert_eq!(project.output("app", &[]), EXPECTED);
}

/// A program whose index has every file that links and launches make: a patch, both shelves, logs and an order.
fn linked(name: &str) -> Project {
    let project = Project::new(&format!("storage/damage-{name}"));
    project.write("main.c", include_str!("storage/main.c"));
    project.write("part.c", include_str!("storage/part.c"));
    project.write("value.c", include_str!("storage/value.c"));
    project.compile_with("main.c", &["-O1", "-fPIE"]);
    project.compile_with("part.c", &["-O1", "-fPIE"]);
    project.set_env("UNFOLD_BACKGROUND", "off");
    for version in 1..=2 {
        project.compile_with("value.c", &["-O1", "-fPIE", &format!("-DVERSION={version}")]);
        project.link(LINK);
        let mut command = program(project.path("app"));
        run_tool(command.env("UNFOLD_BACKGROUND", "off")).expect("the program runs");
    }
    complete_kept(&project.path("app")).expect("the linker completes it");
    project
}

/// The newest generation and what it shares with others; not what earlier ones have for themselves.
fn files(project: &Project) -> Vec<PathBuf> {
    let is_file = |path: &PathBuf| path.is_file() && !path.parent().is_some_and(|dir| dir.ends_with("1"));
    // What is held of objects until it is not needed any more are links to the objects themselves.
    let is_object = |path: &PathBuf| path.parent().is_some_and(|folder| folder.ends_with("pinned"));
    let all = all_below(&project.path(".unfold")).into_iter();
    all.filter(|path| is_file(path) && !is_object(path)).collect()
}

fn newest(project: &Project, name: &str) -> PathBuf {
    files(project).into_iter().find(|file| file.ends_with(name)).expect("there is such a file")
}

/// Whether it was refused, with one line; else it must be right.
fn is_right_or_refused(outcome: &Outcome, what: &str) -> bool {
    match outcome.ending {
        Ending::Exit(0) => {
            assert_eq!((outcome.stdout_text().as_str(), outcome.stderr.len()), (EXPECTED, 0), "{what}");
            false
        }
        Ending::Exit(127) | Ending::Signal(libc::SIGABRT) => {
            let text = outcome.stderr_text();
            // What is touched last may come after all output.
            assert!(EXPECTED.starts_with(&outcome.stdout_text()), "{what}: {outcome:?}");
            assert_eq!(text.lines().count(), 1, "{what}: {outcome:?}");
            assert!(
                text.contains("unfold: ") && text.contains("link the program again"),
                "{what}: {outcome:?}"
            );
            true
        }
        _ => panic!("{what}: {outcome:?}"),
    }
}
