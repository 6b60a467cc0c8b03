//! Files that no compiler, no archiver and no linker makes: what is read of them is checked, whoever made them.
//!
//! Fields of tables are set to other values, one, two or three at a time: those of objects, shared libraries and archives, words
//! of scripts, and those of the files of an index, whose checksums are made right again. The programs then end as they end for
//! people: with 0 or 1, and with words; a program with its loader with 0, 1 or 127. They never panic, are never killed, and end
//! (`unfold_tests::run` gives up at some time). What was linked of such objects is not run.
//!
//! ```text
//! cargo test --release -p unfold-tests --test hostile            # a few hundred
//! UNFOLD_HOSTILE=1-20000 cargo test ... -- objects               # many of one kind
//! UNFOLD_HOSTILE=17 cargo test ... -- objects                    # one again
//! ```
//!
//! `tests/errors.rs` cuts inputs short and flips bits of them, `tests/damage.rs` and `tests/verify.rs` damage an index so that its
//! checksums show it, and `tests/fuzz` looks for what reaches further.

#[path = "hostile/change.rs"]
mod change;
#[path = "hostile/elf.rs"]
mod elf;
#[path = "hostile/index.rs"]
mod index;

use std::env;
use std::fs;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::Command;

use change::{change_archive, change_elf, change_text, change_words};
use elf::{Section, elf};
use index::{Index, seal};
use unfold_tests::directives::Ending;
use unfold_tests::project::Project;
use unfold_tests::random::Random;
use unfold_tests::run::Outcome;
use unfold_tests::tools::{scratch_root, unfold_command};

#[test]
fn objects() {
    let Some(project) = inputs("objects") else { return };
    let names = ["c.o", "S.o"];
    let whole = names.map(|name| project.read(name));
    for (number, mut random) in trials(1..=100) {
        let which = random.below(names.len());
        let mut object = whole[which].clone();
        let changes = change_elf(&mut object, &mut random);
        project.write(names[which], object);
        let what = format!("trial {number}: {} with {changes}", names[which]);
        link(&project, &mut random, &["c.o", "S.o", "lib.so"], &what);
        project.write(names[which], &whole[which]);
        if random.below(8) == 0 {
            let sound = project.ld(&[LINK, &["c.o", "S.o", "lib.so"]].concat());
            assert!(sound.succeeded(), "{what}: the link of the objects as they were: {sound:?}");
        }
    }
}

#[test]
fn shared_libraries() {
    let Some(project) = inputs("shared-libraries") else { return };
    let whole = project.read("lib.so");
    for (number, mut random) in trials(1..=60) {
        let mut library = whole.clone();
        let changes = change_elf(&mut library, &mut random);
        project.write("lib.so", library);
        link(&project, &mut random, &["c.o", "S.o", "lib.so"], &format!("trial {number}: {changes}"));
    }
}

#[test]
fn archives() {
    let Some(project) = inputs("archives") else { return };
    project.tool("cp", &["S.o", "a_member_with_a_long_name.o"]);
    project.tool("ar", &["rc", "plain.a", "c.o", "a_member_with_a_long_name.o"]);
    project.tool("ar", &["rcT", "thin.a", "c.o", "a_member_with_a_long_name.o"]);
    project.tool("ar", &["rcS", "untabled.a", "c.o", "a_member_with_a_long_name.o"]);
    let names = ["plain.a", "thin.a", "untabled.a"];
    let whole = names.map(|name| project.read(name));
    for (number, mut random) in trials(1..=100) {
        let which = random.below(names.len());
        let mut archive = whole[which].clone();
        let changes = change_archive(&mut archive, &mut random);
        project.write(names[which], archive);
        let words =
            [&["--whole-archive"][..random.below(2)], &[names[which], "--no-whole-archive", "lib.so"]];
        link(
            &project,
            &mut random,
            &words.concat(),
            &format!("trial {number}: {} with {changes}", names[which]),
        );
        project.write(names[which], &whole[which]);
    }
}

/// Linker scripts, version scripts, dynamic lists and response files.
#[test]
fn texts() {
    let Some(project) = inputs("texts") else { return };
    let texts = [
        (
            "script",
            "/* x */ OUTPUT_FORMAT(elf64-x86-64)\nGROUP ( c.o \"S.o\" AS_NEEDED ( lib.so ) ) EXTERN(begin)\n",
        ),
        (
            "map",
            "V1 { global: b*; [a-z]\\*; extern \"C++\" { ns::*; \"f(int)\" }; local: *; }; # x\nV2 { once; } V1;\n",
        ),
        ("list", "{ begin; on*; extern \"C++\" { \"f(int)\"; }; };\n"),
        ("words", "c.o 'S.o' \"lib.so\" -L. --defsym=x=begin+0x10 -z now \\\n --wrap=once @more\n"),
    ];
    texts.iter().for_each(|(name, text)| project.write(name, text));
    project.write("more", "-u begin");
    for (number, mut random) in trials(1..=100) {
        let (name, text) = texts[random.below(texts.len())];
        let mut changed = text.as_bytes().to_vec();
        for _ in 0..=random.below(4) {
            change_text(&mut changed, &mut random);
        }
        project.write(name, &changed);
        let files: &[&str] = match name {
            "script" => &["script"],
            "map" => &["c.o", "lib.so", "-shared", "--version-script=map"],
            "list" => &["c.o", "lib.so", "-shared", "--dynamic-list=list"],
            _ => &["@words"],
        };
        let what = format!("trial {number}: {name} is {:?}", String::from_utf8_lossy(&changed));
        link(&project, &mut random, files, &what);
        project.write(name, text);
    }
}

/// Files of an index that say something else, with the right checksums.
#[test]
fn files_of_an_index() {
    for (name, relinks) in [("index", 0), ("index-relinked", 1)] {
        let Some(project) = inputs(name) else { return };
        let files = ["c.o", "S.o", "lib.so"];
        check(&project.ld(&[LINK, &files].concat()), &[0], "the link");
        for edit in 0..relinks {
            edit_object(&project, edit);
            check(&project.ld(&[LINK, &files].concat()), &[0], "the relink");
        }
        let untouched = scratch_root().join(format!("hostile/{name}-untouched"));
        // Written again with checksums of ours, it is right: so what is said later is said of what was changed.
        let index = Index::of(&project);
        index.write_plan(fs::read(index.folder.join("plan")).expect("each generation has a plan"));
        check(&unfold(&project, &["verify", "app"]), &[0], "the index, written again");
        project.copy_to(&untouched);
        for (number, mut random) in trials(1..=25) {
            let index = Index::of(&project);
            let changes = index.change(&mut random);
            let what = format!("{name}, trial {number}: {changes}");
            for words in
                [&["verify", "--dry-run", "app"][..], &["status", "app"], &["bake", "app", "-o", "baked"]]
            {
                let outcome = unfold(&project, words);
                check(&outcome, &[0, 1, 2], &format!("{what}: unfold {words:?}"));
            }
            edit_object(&project, 7);
            check(&project.ld(&[LINK, &files].concat()), &[0, 1], &format!("{what}: the next link"));
            check(&unfold(&project, &["verify", "app"]), &[0, 1, 2], &what);
            project.restore_from(&untouched);
        }
    }
}

/// What a launch reads besides what it renders from: logs, and which chunks are kept.
#[test]
fn files_of_a_launch() {
    if unfold_command().is_none() {
        return;
    }
    let project = Project::new("hostile/launch");
    project.edit("main.c", include_str!("fixtures/damage_main.c"));
    project.edit("part.c", include_str!("fixtures/damage_part.c"));
    project.link(&["main.o", "part.o", "-o", "app"]);
    project.set_env("UNFOLD_KEEP", "off");
    let expected = project.output("app", &[]);
    project.edit("part.c", &format!("{}\nint added;\n", include_str!("fixtures/damage_part.c")));
    project.link(&["main.o", "part.o", "-o", "app"]);
    assert_eq!(project.output("app", &[]), expected);
    let untouched = scratch_root().join("hostile/launch-untouched");
    project.copy_to(&untouched);
    for (number, mut random) in trials(1..=40) {
        let index = Index::of(&project);
        let files = ["log", "order", "changed", "touched"].map(|name| index.folder.join(name));
        let files: Vec<&PathBuf> = files.iter().filter(|file| file.exists()).collect();
        let file = files[random.below(files.len())];
        let mut contents = fs::read(file).expect("it is there");
        let changes = change_words(&mut contents, 0..=usize::MAX, &mut random);
        if !file.ends_with("log") && !file.ends_with("touched") {
            seal(&mut contents);
        }
        fs::write(file, contents).expect("it is ours");
        let what = format!("trial {number}: {} with {changes}", file.display());
        for pager in unfold_tests::run::lazy_pagers() {
            project.set_env("UNFOLD_PAGER", pager);
            let outcome = project.run("app", &[]);
            check(&outcome, &[0, 127], &what);
            assert!(
                outcome.ending != Ending::Exit(0) || outcome.stdout_text() == expected,
                "{what}: {outcome:?}"
            );
        }
        for words in [
            &["status", "app"][..],
            &["profile", "app"],
            &["profile", "app", "--by", "time", "--json"],
            &["order", "app"],
            &["order", "app", "--format", "gold"],
            &["explain", "app", "main"],
        ] {
            check(&unfold(&project, words), &[0, 1], &format!("{what}: unfold {words:?}"));
        }
        project.restore_from(&untouched);
    }
}

/// Debug information in all forms: linked into whole files, and asked for lines.
#[test]
fn debug_information() {
    let Some(project) = inputs("debug") else { return };
    let forms: [&[&str]; 7] = [
        &["-gdwarf-4"],
        &["-gdwarf-5"],
        &["-gdwarf64"],
        &["-Wa,--compress-debug-sections=zlib"],
        &["-Wa,--compress-debug-sections=zstd"],
        &["-fdebug-types-section"],
        &["-g3"],
    ];
    // Not every assembler can compress so.
    let mut objects = Vec::new();
    for form in forms {
        let words = ["-w", "-c", "-g", "-O1", "-fPIC", "-ffunction-sections", "c.c", "-o", "form.o"];
        let made = Command::new("gcc").current_dir(project.path("")).args(words).args(form).output();
        match made.is_ok_and(|made| made.status.success()) {
            true => objects.push((form, project.read("form.o"))),
            false => eprintln!("not tested: {form:?}"),
        }
    }
    for (number, mut random) in trials(1..=100) {
        let (form, whole) = &objects[random.below(objects.len())];
        let mut object = whole.clone();
        let changes = change_elf(&mut object, &mut random);
        project.write("c.o", object);
        let what = format!("trial {number}: {form:?} with {changes}");
        let library = ["-shared", "-o", "whole.so", "c.o"];
        check(&project.ld(&library), &[0, 1], &format!("{what}: a library"));
        let outcome = project.ld(&[LINK, &["c.o", "S.o", "lib.so"]].concat());
        check(&outcome, &[0, 1], &format!("{what}: a program"));
        if outcome.succeeded() {
            for words in [
                &["explain", "app", "begin"][..],
                &["explain", "app", "c.o"],
                &["explain", "app", "c.o:.text.begin", "--all"],
                &["bake", "app", "-o", "baked"],
            ] {
                check(&unfold(&project, words), &[0, 1], &format!("{what}: unfold {words:?}"));
            }
        }
    }
}

/// What a program that has settled says of itself at its head: commands read it, and so does the next link.
#[test]
fn heads_of_settled_programs() {
    let Some(project) = inputs("settled") else { return };
    let files = ["c.o", "S.o", "lib.so"];
    project.unset_env("UNFOLD_BACKGROUND");
    project.unset_env("UNFOLD_SETTLE");
    project.remove("app");
    check(&project.ld(&[LINK, &files].concat()), &[0], "the link");
    let whole = project.read("app");
    assert_eq!(whole[32..40], 0x400u64.to_le_bytes(), "it has settled");
    let untouched = scratch_root().join("hostile/settled-untouched");
    project.copy_to(&untouched);
    for (number, mut random) in trials(1..=40) {
        let mut app = whole.clone();
        let (start, end) = [(0, 0x1000), (0x1000, 0x2000)][random.below(2)];
        let changes = change_words(&mut app[start..end], 0..=usize::MAX, &mut random);
        // Its magic is the first word of the page, its checksum the second.
        app[0x1000..0x1008].copy_from_slice(&whole[0x1000..0x1008]);
        seal(&mut app[0x1000..0x2000]);
        project.write("app", app);
        let what = format!("trial {number}: at {start:#x}: {changes}");
        for words in [
            &["status", "app"][..],
            &["verify", "--dry-run", "app"],
            &["explain", "app", "begin"],
            &["profile", "app"],
            &["order", "app"],
            &["bake", "app", "-o", "baked"],
        ] {
            check(&unfold(&project, words), &[0, 1, 2], &format!("{what}: unfold {words:?}"));
        }
        edit_object(&project, 7);
        check(&project.ld(&[LINK, &files].concat()), &[0], &format!("{what}: the next link"));
        project.restore_from(&untouched);
    }
}

/// What would take a time, or a memory, without bound: it is refused, and why is said.
#[test]
fn small_files_that_stand_for_much() {
    let Some(project) = inputs("much") else { return };
    let refused = |files: &[&str], said: &str| {
        let outcome = project.ld(&[LINK, files].concat());
        check(&outcome, &[1], said);
        assert!(outcome.stderr_text().contains(said), "{files:?}: {said}: {outcome:?}");
    };
    let code = Section { name: ".text", kind: 1, flags: 6, data: vec![0xc3; 16], ..Section::default() };
    let tables = |symbols: &[[u64; 3]], names: Vec<u8>| {
        let symbols = [[0; 3]].iter().chain(symbols).flatten().flat_map(|word| word.to_le_bytes()).collect();
        let symbols =
            Section { name: ".symtab", kind: 2, data: symbols, link: 3, info: 1, ..Section::default() };
        [code.clone(), symbols, Section { name: ".strtab", kind: 3, data: names, ..Section::default() }]
    };
    let global =
        |name: u64, section: u64, value: u64, size: u64| [name | 0x10 << 32 | section << 48, value, size];

    // Each of many names is the end of one long name.
    let symbols: Vec<[u64; 3]> = (0..3000).map(|name| global(1 + name, 1, 0, 0)).collect();
    let names = [&b"\0"[..], &[b'n'; 1 << 18], b"\0"].concat();
    project.write("names.o", elf(&tables(&symbols, names)));
    refused(&["names.o"], "names.o: bad symbol names");

    // Each of many sections has all the bytes.
    let mut sections =
        vec![Section { name: ".rodata", kind: 1, flags: 2, data: vec![7; 1 << 20], ..Section::default() }];
    sections.resize(20_000, Section { same: true, data: Vec::new(), ..sections[0].clone() });
    project.write("overlap.o", elf(&sections));
    refused(&["overlap.o"], "overlap.o: bad section headers");

    // A name of which each pair of letters doubles what it stands for.
    let pairs = "0123456789ABCDEFGHIJKLMNOPQRST".chars().map(|digit| format!("S_IS{digit}_S{digit}_E"));
    let name = format!("_Z1f1aIiiE{}", pairs.collect::<String>());
    let mut sections = tables(&[global(1, 0, 0, 0)], format!("\0{name}\0").into_bytes()).to_vec();
    let call: Vec<u8> = [1u64, 1 << 32 | 4, 0].iter().flat_map(|word| word.to_le_bytes()).collect();
    let calls = Section { name: ".rela.text", kind: 4, data: call, link: 2, info: 1, ..Section::default() };
    sections.push(calls.clone());
    project.write("name.o", elf(&sections));
    let all_defined = ["-o", "app", "-e", "0", "name.o"];
    let outcome = project.ld(&all_defined);
    check(&outcome, &[1], "a long name");
    assert!(outcome.stderr_text().contains(&format!("undefined reference to `{name}'")), "{outcome:?}");

    // A section with two tables of relocations, of which one would have been forgotten.
    sections.push(calls);
    project.write("tables.o", elf(&sections));
    refused(&["tables.o"], "tables.o: section .text: it has more than one table of relocations");

    // Two common symbols whose sizes have no sum.
    let symbols = [global(1, 0xfff2, 8, 1 << 63), global(3, 0xfff2, 8, 1 << 63)];
    project.write("common.o", elf(&tables(&symbols, b"\0a\0b\0".to_vec())));
    refused(&["common.o"], "common symbol a: bad size");
    project.write("odd.o", elf(&tables(&[global(1, 0xfff2, 3, 8)], b"\0a\0".to_vec())));
    refused(&["odd.o"], "common symbol a: bad size 8 or alignment 3");

    // Debug information that says it is large when it is unpacked.
    let mut sections = tables(&[global(1, 1, 0, 16)], b"\0begin\0".to_vec()).to_vec();
    let packed: Vec<u8> = [1, 1 << 34, 1, 0].iter().flat_map(|word: &u64| word.to_le_bytes()).collect();
    sections.push(Section { name: ".debug_info", kind: 1, flags: 0x800, data: packed, ..Section::default() });
    project.write("packed.o", elf(&sections));
    check(&project.ld(&["-o", "app", "-e", "begin", "packed.o"]), &[0], "a packed section");
    let outcome = unfold(&project, &["explain", "app", "begin"]);
    let said = "packed.o: section .debug_info: it has another size";
    assert!(outcome.stdout_text().contains(said), "{said}: {outcome:?}");

    // Scripts that name themselves, and each other many times.
    project.write("self", "INPUT(self)");
    refused(&["self"], "name each other without an end");
    for number in 0..8 {
        project
            .write(&format!("many{number}"), format!("INPUT({})", format!("many{} ", number + 1).repeat(9)));
    }
    project.write("many8", "EXTERN(f)");
    refused(&["many0"], "name each other without an end");

    // A pipe of which nobody opens the other end.
    project.tool("mkfifo", &["pipe.o"]);
    project.write("thin.a", "!<thin>\npipe.o/         0           0     0     644     100       `\n");
    refused(&["--whole-archive", "thin.a"], "pipe.o: not a regular file");
    let long = "n".repeat(1 << 16);
    let table = format!(
        "!<arch>\n//                                              {:<10}`\n{long}/\n",
        long.len() + 2
    );
    let member = "/0              0           0     0     644     0         `\n";
    project.write("long.a", table + &member.repeat(1000));
    refused(&["--whole-archive", "long.a"], "long.a: bad member: its name has 65536 bytes");
}

const LINK: &[&str] = &[
    "-o",
    "app",
    "-e",
    "begin",
    "-u",
    "begin",
    "--unresolved-symbols=ignore-all",
    "-dynamic-linker",
    "/lib64/ld-linux-x86-64.so.2",
];

/// Two objects and a library with something of each kind of table, linked without libc so that hundreds of links take
/// little time. Nothing where another linker stands in for unfold's: GNU ld itself does not survive all of this.
fn inputs(name: &str) -> Option<Project> {
    unfold_command()?;
    let project = Project::new(&format!("hostile/{name}"));
    project.write("c.c", include_str!("fixtures/hostile.c"));
    project.write("S.S", include_str!("fixtures/hostile.S"));
    project.write("library.c", include_str!("fixtures/hostile_library.c"));
    project.compile_with("c.c", &["-O1", "-g", "-fPIC", "-ffunction-sections"]);
    project.compile("S.S");
    project.tool("gcc", &["-shared", "-fPIC", "-nostdlib", "library.c", "-o", "lib.so"]);
    // What unfold hands on says nothing of unfold.
    project.write("system-ld", "#!/bin/sh\necho handed on >&2\nexit 1\n");
    project.tool("chmod", &["+x", "system-ld"]);
    project.set_env("UNFOLD_SYSTEM_LD", project.path("system-ld").to_str().expect("paths of tests are text"));
    // No process goes on behind a link.
    project.set_env("UNFOLD_BACKGROUND", "off");
    check(&project.ld(&[LINK, &["c.o", "S.o", "lib.so"]].concat()), &[0], "the link of what is sound");
    Some(project)
}

/// Makes another object of `c.c`, so that the next link has something to do.
fn edit_object(project: &Project, edit: usize) {
    let text =
        format!("{}\nint more_{edit}(void) {{ return {edit}; }}\n", include_str!("fixtures/hostile.c"));
    project.write("c.c", text);
    project.compile_with("c.c", &["-O1", "-g", "-fPIC", "-ffunction-sections"]);
}

/// Trials by their numbers, unless others are asked for.
fn trials(few: RangeInclusive<u64>) -> impl Iterator<Item = (u64, Random)> {
    let chosen = env::var("UNFOLD_HOSTILE").ok().map(|text| {
        let number = |text: &str| text.trim().parse().expect("UNFOLD_HOSTILE is a number, or FIRST-LAST");
        let (first, last) = text.split_once('-').unwrap_or((&text, &text));
        number(first)..=number(last)
    });
    chosen.unwrap_or(few).map(|number| (number, Random::new(number)))
}

/// Links in one of several ways; what comes out is examined, and not run.
fn link(project: &Project, random: &mut Random, files: &[&str], what: &str) {
    let modes: [&[&str]; 6] =
        [&[], &["-pie"], &["-shared"], &["--gc-sections"], &["-z", "now", "-static"], &["-Map=map.txt"]];
    let mode = modes[random.below(modes.len())];
    let outcome = project.ld(&[LINK, mode, files].concat());
    let what = format!("{what}: linked with {mode:?}");
    check(&outcome, &[0, 1], &what);
    if outcome.succeeded() && random.below(3) == 0 {
        let words: &[&str] = match random.below(2) {
            0 => &["verify", "--dry-run", "app"],
            _ => &["bake", "app", "-o", "baked"],
        };
        check(&unfold(project, words), &[0, 1], &format!("{what}: unfold {words:?}"));
    }
}

fn unfold(project: &Project, words: &[&str]) -> Outcome {
    project.unfold(words).expect("who has no unfold has no project")
}

/// A program ends with one of these, and says why if it is not 0.
#[track_caller]
fn check(outcome: &Outcome, expected: &[i32], what: &str) {
    let text = outcome.stderr_text();
    assert!(!text.contains("panicked"), "{what}: {outcome:?}");
    match outcome.ending {
        Ending::Exit(0) if expected.contains(&0) => {}
        Ending::Exit(status) if expected.contains(&status) => {
            assert!(
                !(text + &outcome.stdout_text()).trim().is_empty(),
                "{what}: nothing is said: {outcome:?}"
            );
        }
        _ => panic!("{what}: {outcome:?}"),
    }
}
