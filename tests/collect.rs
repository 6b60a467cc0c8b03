//! Disk: what nothing needs any more goes by itself, `unfold gc` leaves the minimum, and no program and no link ever
//! misses what was collected.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use unfold_tests::directives::Ending;
use unfold_tests::project::Project;
use unfold_tests::random::Random;
use unfold_tests::run::{Outcome, kernel_allows_userfaultfd};
use unfold_tests::three_objects::{OBJECTS, three_objects};
use unfold_tests::tools::{tested_linker, unfold_command};
use unfold_tests::trouble::{
    all_below, disk_use, linker, outcome, run_and_kill, temporary_files, words_for_linker,
};

#[test]
fn three_hundred_relinks() {
    many_relinks("collect/300", 300);
}

#[test]
#[ignore = "a minute or two"]
fn a_thousand_relinks() {
    many_relinks("collect/1000", 1000);
}

/// Objects of the program that is linked again and again, and copies of each function in them.
const OBJECTS_OF_MANY: usize = 40;

fn many_relinks(name: &str, relinks: usize) {
    if unfold_command().is_none() {
        return;
    }
    let project = Project::new(name);
    let mut sum = String::new();
    let mut declared = String::new();
    for object in 0..OBJECTS_OF_MANY {
        declared.push_str(&format!("int f{object}(int);\n"));
        sum.push_str(&format!(" + f{object}(1)"));
    }
    project.edit(
        "main.c",
        &format!("#include <stdio.h>\n{declared}int main(void) {{ printf(\"%d\\n\", 0{sum}); return 0; }}\n"),
    );
    // Of each object a few variants, so that the compiler is not what is measured.
    let variants = 4;
    for object in 0..OBJECTS_OF_MANY {
        for variant in 0..variants {
            let mut text = format!("int f{object}(int x) {{ return x * {}; }}\n", value(object, variant));
            for copy in 0..20 + variant * 2 {
                text.push_str(&format!(
                    "static const char *t{copy}[] = {{\"some text of {object} {copy}\", \"and {variant}\"}};\n\
                     int g{object}_{copy}(int x) {{ for (int i = 0; i < x; i++) x ^= f{object}(x + i * {copy}) + t{copy}[x & 1][i];\n\
                     __asm__ volatile(\".skip 3000, 0x90\"); return x; }}\n"
                ));
            }
            project.write(&format!("f{object}.c"), text);
            project.compile_with(&format!("f{object}.c"), &["-O1"]);
            project.rename(&format!("f{object}.o"), &format!("f{object}.{variant}.o"));
        }
        fs::copy(project.path(&format!("f{object}.0.o")), project.path(&format!("f{object}.o"))).unwrap();
    }
    let objects: Vec<String> = (0..OBJECTS_OF_MANY).map(|object| format!("f{object}.o")).collect();
    let all: Vec<&str> = ["main.o"].into_iter().chain(objects.iter().map(String::as_str)).collect();
    let words = words_for_linker(&project, &[all.as_slice(), &["-o", "app"]].concat());
    let link = || {
        let result = outcome(&mut linker(&project, &words));
        assert!(result.succeeded() && result.stderr.is_empty(), "{result:?}");
    };
    link();
    let inputs: u64 = all.iter().map(|object| allocated_bytes(&project.path(object))).sum();
    // What holds debug information is not counted, nor what else has a name outside of the index.
    let index_use = || {
        let pinned =
            all_below(&project.path(".unfold/outputs")).into_iter().find(|path| path.ends_with("pinned"));
        disk_use(&project.path(".unfold")) - pinned.map_or(0, |pinned| disk_use(&pinned))
    };
    // With all that is kept behind the link.
    settle(&project);
    let first = index_use();

    let mut random = Random::new(5);
    let mut now = vec![0; OBJECTS_OF_MANY];
    let expected = |now: &[usize]| {
        let sum: i64 = now.iter().enumerate().map(|(object, variant)| value(object, *variant)).sum();
        format!("{sum}\n")
    };
    let (mut largest, mut full) = (0, 0);
    for round in 0..relinks {
        for _ in 0..1 + random.below(2) {
            let object = random.below(OBJECTS_OF_MANY);
            now[object] = random.below(variants);
            let from = format!("f{object}.{}.o", now[object]);
            fs::copy(project.path(&from), project.path(&format!("f{object}.o"))).unwrap();
        }
        link();
        full += u32::from(project.status("app").is_some_and(|status| !status.incremental));
        if round % 10 == 0 {
            assert_eq!(project.output("app", &[]), expected(&now), "after {round} relinks");
        }
        if round % 50 == 49 {
            settle(&project);
            largest = largest.max(index_use());
        }
        if round + 3 == relinks {
            fs::copy(project.path("app"), project.path("copy")).unwrap();
        }
    }
    settle(&project);
    let before = index_use();
    assert!(collects(&project, &[]).succeeded());
    let after = index_use();
    println!(
        "inputs {} KiB; index: first {} KiB, largest {} KiB, at the end {} KiB, collected {} KiB, {full} full links",
        inputs / 1024,
        first / 1024,
        largest / 1024,
        before / 1024,
        after / 1024
    );
    assert_eq!(project.output("app", &[]), expected(&now));
    assert_is_program_or_127(&project.run("copy", &[]));
    assert!(generations(&project).len() == 1, "{:?}", generations(&project));
    // Kept chunks are at most the code. The tables of a program have spare room, and the database some that does not
    // depend on the program.
    let (most, fixed) = (inputs + first * 3 / 2, 1 << 20);
    assert!(after <= most, "{after} bytes for {inputs} bytes of inputs, {first} after the first link");
    // Another generation, those that go together, those that are young, and what they alone refer to.
    let transient = most + 3 * inputs + fixed;
    assert!(largest.max(before) <= transient, "{largest}, {before} bytes for {inputs} bytes of inputs");
    link();
    assert_eq!(project.output("app", &[]), expected(&now));
}

fn value(object: usize, variant: usize) -> i64 {
    (object * 10 + variant) as i64
}

#[test]
fn what_goes_and_what_stays() {
    if unfold_command().is_none() {
        return;
    }
    let project = three_objects("collect/what");
    let other: &[&str] = &["main.o", "a.o", "b.o", "-o", "other"];
    let moved: &[&str] = &["main.o", "a.o", "b.o", "-o", "moved"];
    for words in [OBJECTS, other, moved] {
        project.link(words);
    }
    for value in 3..6 {
        project.edit("b.c", &format!("int b(void) {{ return {value}; }}\n"));
        project.link(OBJECTS);
    }
    project.remove("other");
    fs::create_dir(project.path("elsewhere")).unwrap();
    project.rename("moved", "elsewhere/moved");
    project.write(".unfold/packs/.new-abcdef", "left by a killed link");
    fs::create_dir(project.path(".unfold/outputs/.new-ghijkl")).unwrap();
    project.write(".unfold-999999999-abcdef", "left by a killed link");
    project.write(".unfold/packs/0123456789abcdef.pack", vec![7; 100_000]);

    let before = all_below(&project.path(".unfold"));
    let dry = json(&collects(&project, &["--json", "--dry-run", "elsewhere/moved"]));
    let same = |path: &PathBuf| !path.ends_with("lock") && !path.starts_with(project.path(".unfold/records"));
    let now: Vec<PathBuf> = all_below(&project.path(".unfold")).into_iter().filter(same).collect();
    assert_eq!(now, before.into_iter().filter(same).collect::<Vec<_>>(), "it removed nothing");
    let report = json(&collects(&project, &["--json", "elsewhere/moved"]));
    let removed = |report: &Value, kind: &str| {
        let list = report[0]["removed"].as_array().expect("there is a list").clone();
        list.into_iter().filter(|entry| entry["kind"] == kind).collect::<Vec<Value>>()
    };
    for report in [&dry, &report] {
        assert_eq!(removed(report, "output").len(), 1, "{report}");
        assert!(removed(report, "output")[0]["output"].as_str().unwrap().ends_with("/other"), "{report}");
        assert_eq!(removed(report, "generation").len(), 3, "{report}");
        assert_eq!(removed(report, "temporary").len(), 3, "{report}");
        assert!(!removed(report, "pack").is_empty(), "{report}");
        let bytes = |name: &str| report[0][name].as_u64().expect("there is a number");
        assert!(bytes("bytes_before") >= bytes("bytes_after") + 100_000, "{report}");
    }
    assert!(!project.exists(".unfold/packs/0123456789abcdef.pack"));
    assert_eq!(temporary_files(&project.path("")), [] as [PathBuf; 0]);
    assert_eq!(project.output("app", &[]), "1 5\n");
    assert_eq!(project.output("elsewhere/moved", &[]), "1 2\n");
    // Nobody says where that one is now.
    collects(&project, &[]);
    assert_is_program_or_127(&project.run("elsewhere/moved", &[]));
    for words in [OBJECTS, other, moved] {
        project.link(words);
        assert_eq!(project.output(words[words.len() - 1], &[]), "1 5\n");
    }
    let again = json(&collects(&project, &["--json", "app"]));
    assert_eq!(removed(&again, "generation").len(), 0, "{again}");
}

#[test]
fn what_is_no_index_is_refused() {
    let project = Project::new("collect/refused");
    project.write("file", "text");
    fs::create_dir(project.path("folder")).unwrap();
    for words in [&["gc"][..], &["gc", "file"], &["gc", "folder"], &["gc", "missing"]] {
        let Some(result) = project.unfold(words) else { return };
        assert_eq!(result.ending, Ending::Exit(1), "{words:?}: {result:?}");
        assert_eq!(result.stderr_text().lines().count(), 1, "{words:?}: {result:?}");
        assert!(result.stderr_text().starts_with("unfold: "), "{words:?}: {result:?}");
    }
    assert_eq!(fs::read_dir(project.path("folder")).unwrap().count(), 0);
}

#[test]
fn the_generation_of_a_running_program_stays() {
    if unfold_command().is_none() {
        return;
    }
    let project = three_objects("collect/running");
    project.edit(
        "main.c",
        "#include <stdio.h>\nint a(void), b(void);\nint main(void) { char c; puts(\"ready\"); fflush(stdout); \
         fread(&c, 1, 1, stdin); printf(\"%d %d\\n\", a(), b()); return 0; }\n",
    );
    project.link(OBJECTS);
    for (round, pager) in pagers().into_iter().enumerate() {
        project.edit("a.c", "int a(void) { return 1; }\n");
        project.link(OBJECTS);
        let generation = project.status("app").unwrap().generation;
        let mut command = Command::new(project.path("app"));
        command
            .env("UNFOLD_PAGER", pager)
            .env("UNFOLD_PREFETCH", "off")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        for value in 0..12 {
            project.edit(
                "a.c",
                &format!(
                    "int pad[{}];\nint a(void) {{ return {}; }}\n",
                    1 + value * 99,
                    50 + round * 20 + value
                ),
            );
            project.link(OBJECTS);
        }
        settle(&project);
        assert!(collects(&project, &[]).succeeded());
        let left = generations(&project);
        assert!(left.contains(&generation) && left.len() == 2, "{pager}: {left:?}, {generation} runs");
        child.stdin.take().unwrap().write_all(b"x").unwrap();
        line.clear();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "1 2\n", "{pager}");
        assert!(child.wait().unwrap().success(), "{pager}");
        assert!(collects(&project, &[]).succeeded());
        assert_eq!(generations(&project).len(), 1, "{pager}");
        assert_eq!(project.output("app", &[]), format!("ready\n{} 2\n", 61 + round * 20));
    }
}

#[test]
fn links_and_collections_at_the_same_time() {
    if unfold_command().is_none() {
        return;
    }
    let project = three_objects("collect/at-once");
    for version in 0..4 {
        let text =
            format!("int pad[{}] = {{1}};\nint b(void) {{ return {}; }}\n", 1 + version * 2500, 20 + version);
        project.edit("b.c", &text);
        project.rename("b.o", &format!("b{version}.o"));
    }
    let programs = 3;
    let words: Vec<Vec<String>> = (0..programs)
        .map(|program| {
            let object = format!("b.{program}.o");
            fs::copy(project.path("b0.o"), project.path(&object)).unwrap();
            words_for_linker(&project, &["main.o", "a.o", &object, "-o", &format!("app{program}")])
        })
        .collect();
    project.link(&["main.o", "a.o", "b0.o", "-o", "first"]);
    let (dir, done) = (project.path(""), AtomicBool::new(false));
    let ld = linker(&project, &[]).get_program().to_owned();
    thread::scope(|scope| {
        let (dir, ld, done) = (&dir, &ld, &done);
        let links: Vec<_> = words
            .iter()
            .enumerate()
            .map(|(program, words)| {
                scope.spawn(move || {
                    let mut random = Random::new(program as u64);
                    for round in 0..60 {
                        let version = random.below(4);
                        let object = dir.join(format!("b.{program}.o"));
                        let new = dir.join(format!("b.{program}.new"));
                        fs::copy(dir.join(format!("b{version}.o")), &new).unwrap();
                        fs::rename(new, object).unwrap();
                        let app = dir.join(format!("app{program}"));
                        if round % 7 == 0 && app.exists() {
                            fs::remove_file(&app).unwrap();
                        }
                        let result =
                            outcome(Command::new(ld).current_dir(dir).args(words).env_remove("UNFOLD_INDEX"));
                        assert!(
                            result.succeeded() && result.stderr.is_empty(),
                            "{program}, {round}: {result:?}"
                        );
                        let result = outcome(&mut Command::new(&app));
                        assert_eq!(
                            result.stdout_text(),
                            format!("1 {}\n", 20 + version),
                            "{program}, {round}: {result:?}"
                        );
                    }
                })
            })
            .collect();
        scope.spawn(move || {
            let unfold = unfold_command().expect("it was asked for above");
            while !done.load(Ordering::Relaxed) {
                let result = outcome(Command::new(unfold).current_dir(dir).args(["gc", ".unfold"]));
                // Links may leave it no gap.
                assert!(matches!(result.ending, Ending::Exit(0 | 1)), "{result:?}");
            }
        });
        let ended: Vec<bool> = links.into_iter().map(|link| link.join().is_ok()).collect();
        done.store(true, Ordering::Relaxed);
        assert!(ended.iter().all(|ended| *ended));
    });
    assert!(collects(&project, &[]).succeeded());
    for (program, words) in words.iter().enumerate() {
        assert!(outcome(&mut linker(&project, words)).succeeded());
        assert!(project.output(&format!("app{program}"), &[]).starts_with("1 2"));
    }
}

#[test]
fn a_collection_is_killed() {
    let Some(unfold) = unfold_command() else { return };
    let project = three_objects("collect/killed");
    let words = words_for_linker(&project, OBJECTS);
    let mut random = Random::new(9);
    let start = Instant::now();
    assert!(outcome(&mut linker(&project, &words)).succeeded());
    assert!(collects(&project, &[]).succeeded());
    let duration = start.elapsed() / 2;
    for round in 0..60 {
        if round % 5 == 0 {
            project.edit(
                "b.c",
                &format!("int pad[{}] = {{1}};\nint b(void) {{ return {round}; }}\n", 1 + round * 50),
            );
        }
        assert!(outcome(&mut linker(&project, &words)).succeeded());
        let mut command = Command::new(unfold);
        command.current_dir(project.path("")).args(["gc", ".unfold"]);
        run_and_kill(&mut command, duration * random.below(1000) as u32 / 1000);
        assert_eq!(project.output("app", &[]), format!("1 {}\n", round / 5 * 5));
    }
    assert!(collects(&project, &[]).succeeded());
    let left = all_below(&project.path(".unfold"));
    let is_left = |path: &&PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(".old-");
    assert!(!left.iter().any(|path| is_left(&path)), "{left:?}");
    assert_eq!(temporary_files(&project.path("")), [] as [PathBuf; 0]);
    assert!(outcome(&mut linker(&project, &words)).succeeded());
    assert_eq!(project.output("app", &[]), "1 55\n");
}

#[test]
fn a_folder_that_has_moved_is_collected_where_it_is() {
    if unfold_command().is_none() {
        return;
    }
    let project = Project::new("collect/moved");
    project.write("before/main.c", "#include <stdio.h>\nint main(void) { puts(\"here\"); return 0; }\n");
    project.tool("gcc", &["-c", "before/main.c", "-o", "before/main.o"]);
    project.link(&["before/main.o", "-o", "before/app"]);
    project.rename("before", "after");
    assert!(collects(&project, &["after"]).succeeded());
    assert_eq!(project.output("after/app", &[]), "here\n");
}

// --- what they share ---

fn pagers() -> Vec<&'static str> {
    if kernel_allows_userfaultfd() { vec!["uffd", "signal"] } else { vec!["signal"] }
}

fn collects(project: &Project, words: &[&str]) -> Outcome {
    let words = if words.iter().all(|word| word.starts_with('-')) {
        [words, &[".unfold"]].concat()
    } else {
        words.to_vec()
    };
    project.unfold(&[&["gc"], words.as_slice()].concat()).expect("there is a command")
}

fn json(result: &Outcome) -> Value {
    assert!(result.succeeded(), "{result:?}");
    serde_json::from_str(&result.stdout_text()).unwrap_or_else(|error| panic!("{error}: {result:?}"))
}

/// A build system may wait for the end of a pipe that it has given its compilers.
#[test]
fn a_collection_holds_no_pipe_of_the_build() {
    if unfold_command().is_none() {
        return;
    }
    let project = three_objects("collect/pipe");
    project.link(OBJECTS);
    // As long as a link runs, the collection waits.
    let lock = fs::File::open(project.path(".unfold/lock")).expect("the index has one");
    lock.lock_shared().expect("links hold it together");
    let collection = "exec 7>&1 >&2; exec \"$0\" --unfold-collect \"$1\"";
    let mut command = Command::new("sh");
    command.args(["-c", collection]).arg(&tested_linker().ld).arg(project.path(".unfold"));
    let mut child = command.stdout(Stdio::piped()).spawn().expect("there is a shell");
    let mut pipe = child.stdout.take().expect("it is a pipe");
    std::io::copy(&mut pipe, &mut std::io::sink()).expect("it can be read");
    assert!(
        child.try_wait().expect("it is ours").is_none(),
        "the pipe was held until the collection had ended"
    );
    drop(lock);
    child.wait().expect("it ends");
}

/// The numbers of all generations in the index.
fn generations(project: &Project) -> HashSet<u64> {
    let number = |path: &PathBuf| -> Option<u64> { path.file_name()?.to_str()?.parse().ok() };
    let paths = all_below(&project.path(".unfold/outputs"));
    paths.iter().filter(|path| path.is_dir()).filter_map(number).collect()
}

/// Waits until what links have started in the background has ended.
fn settle(project: &Project) {
    let is_running = || {
        let entries = fs::read_dir("/proc").expect("there are processes");
        let index = project.path(".unfold").display().to_string();
        entries.flatten().any(|entry| {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            let is_ours = ["--unfold-collect", "--unfold-complete"].iter().any(|word| line.contains(word));
            is_ours && line.contains(&index)
        })
    };
    while is_running() {
        thread::park_timeout(Duration::from_millis(5));
    }
}

/// Bytes of an object's allocated sections and of their relocations.
fn allocated_bytes(object: &Path) -> u64 {
    let file = fs::read(object).unwrap();
    let word = |at: usize| u64::from_le_bytes(file[at..at + 8].try_into().unwrap());
    let half = |at: usize| usize::from(u16::from_le_bytes([file[at], file[at + 1]]));
    let (table, size, count) = (word(40) as usize, half(58), half(60));
    let header = |number: usize| table + number * size;
    let kind =
        |number: usize| u32::from_le_bytes(file[header(number) + 4..header(number) + 8].try_into().unwrap());
    const NOBITS: u32 = 8;
    const RELA: u32 = 4;
    let is_allocated = |number: usize| word(header(number) + 8) & 2 != 0;
    let counts = |number: &usize| match kind(*number) {
        NOBITS => false,
        RELA => is_allocated(word(header(*number) + 44) as u32 as usize),
        _ => is_allocated(*number),
    };
    (0..count).filter(counts).map(|number| word(header(number) + 32)).sum()
}

fn assert_is_program_or_127(outcome: &Outcome) {
    match outcome.ending {
        Ending::Exit(0) => {}
        _ => {
            assert_eq!(outcome.ending, Ending::Exit(127), "{outcome:?}");
            assert_eq!(outcome.stderr_text().lines().count(), 1, "{outcome:?}");
        }
    }
}
