//! What a link leaves behind when something goes wrong: a linker that is killed, a full disk, an index that cannot
//! be written, clocks that stand still. The last good program still runs, the error says what and where, and the
//! next link is right.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use unfold_tests::directives::Ending;
use unfold_tests::project::Project;
use unfold_tests::random::Random;
use unfold_tests::run::{Outcome, kernel_allows_userfaultfd};
use unfold_tests::three_objects::{OBJECTS, assert_incremental, three_objects};
use unfold_tests::tools::{remove_folder, unfold_command};
use unfold_tests::trouble::{
    Mounted, all_below, limit_files, linker, outcome, run_and_kill, temporary_files, words_for_linker,
};

/// Links of each kind that are killed.
const KILLED: usize = 120;

#[test]
fn the_first_link_is_killed() {
    let project = three_objects("robust/killed-first");
    let words = words_for_linker(&project, OBJECTS);
    let link = || linker(&project, &words);
    let duration = duration_of(|| assert_eq!(outcome(&mut link()).ending, Ending::Exit(0)));
    let mut random = Random::new(1);
    for number in 0..KILLED {
        for name in ["app", ".unfold"] {
            if project.exists(name) && number % 3 != 0 {
                project.remove(name);
            }
        }
        if project.exists("app") {
            project.remove("app");
        }
        run_and_kill(&mut link(), random_delay(&mut random, duration));
        if project.exists("app") {
            assert_runs(&project, number, &["1 2\n"]);
        }
        assert_links(&outcome(&mut link()), number);
        assert_runs(&project, number, &["1 2\n"]);
    }
    assert_cleaned(&project);
}

#[test]
fn a_relink_is_killed() {
    let project = three_objects("robust/killed-relink");
    let versions = 8;
    for version in 0..versions {
        // Some of them do not fit where the one before was.
        let pad = [0, 100, 5000, 40_000][version % 4];
        let text = format!("int pad[{pad} + 1] = {{1}};\nint b(void) {{ return {}; }}\n", 100 + version);
        project.edit("b.c", &text);
        project.rename("b.o", &format!("b{version}.o"));
    }
    fs::copy(project.path("b0.o"), project.path("b.o")).unwrap();
    let words = words_for_linker(&project, OBJECTS);
    let link = || linker(&project, &words);
    assert_links(&outcome(&mut link()), 0);
    let duration = duration_of(|| {
        fs::copy(project.path("b1.o"), project.path("b.o")).unwrap();
        assert_links(&outcome(&mut link()), 0);
    });
    let mut random = Random::new(2);
    let mut before = "1 101\n".to_owned();
    for number in 0..KILLED {
        let version = random.below(versions);
        let after = format!("1 {}\n", 100 + version);
        fs::copy(project.path(&format!("b{version}.o")), project.path("b.o")).unwrap();
        run_and_kill(&mut link(), random_delay(&mut random, duration));
        assert_runs(&project, number, &[&before, &after]);
        if number % 2 == 0 {
            assert_links(&outcome(&mut link()), number);
            assert_runs(&project, number, &[&after]);
        }
        before = project.output("app", &[]);
    }
    assert_cleaned(&project);
}

#[test]
fn a_link_of_a_library_is_killed() {
    let project = Project::new("robust/killed-library");
    project.write(
        "main.c",
        "#include <stdio.h>\nint f(void);\nint main(void) { printf(\"%d\\n\", f()); return 0; }\n",
    );
    for version in 0..4 {
        let text = format!("int pad[{}] = {{1}};\nint f(void) {{ return {version}; }}\n", 1 + version * 3000);
        project.write("f.c", &text);
        project.compile_with("f.c", &["-fPIC"]);
        project.rename("f.o", &format!("f{version}.o"));
    }
    fs::copy(project.path("f0.o"), project.path("f.o")).unwrap();
    let words = words_for_linker(&project, &["-shared", "f.o", "-o", "libf.so"]);
    let link = || linker(&project, &words);
    let duration = duration_of(|| assert_links(&outcome(&mut link()), 0));
    project.tool("gcc", &["main.c", "libf.so", "-Wl,-rpath,$ORIGIN", "-o", "app"]);
    let mut random = Random::new(3);
    let mut before = "0\n".to_owned();
    for number in 0..KILLED / 2 {
        let version = random.below(4);
        let after = format!("{version}\n");
        fs::copy(project.path(&format!("f{version}.o")), project.path("f.o")).unwrap();
        run_and_kill(&mut link(), random_delay(&mut random, duration));
        assert_runs(&project, number, &[&before, &after]);
        assert_links(&outcome(&mut link()), number);
        assert_runs(&project, number, &[&after]);
        before = after;
    }
    assert_cleaned(&project);
}

#[test]
fn the_disk_is_full() {
    let project = three_objects("robust/full-disk");
    big_data(&project);
    let disk = project.path("disk");
    let size = 24 << 20;
    let Some(_mounted) = Mounted::memory(&disk, size) else { return };
    let app = disk.join("app");
    let words = words_for_linker(&project, &["main.o", "a.o", "b.o", "-o", "disk/app"]);
    let link = || outcome(&mut linker(&project, &words));
    let filler = disk.join("filler");
    let leave = |free: u64| {
        drop(fs::remove_file(&filler));
        let room = free_bytes(&disk);
        fs::write(&filler, vec![1; room.saturating_sub(free) as usize]).expect("there is so much room");
    };
    let mut failed = [0, 0];
    // The first link.
    for free in LEVELS {
        for name in ["app", ".unfold"] {
            let path = disk.join(name);
            if path.is_dir() { remove_folder(&path).unwrap() } else { drop(fs::remove_file(path)) }
        }
        leave(free);
        let result = link();
        if result.succeeded() {
            fs::remove_file(&filler).unwrap();
            assert_eq!(run_at(&project, &app).stdout_text(), "1 2\n", "{free} bytes");
            continue;
        }
        failed[0] += 1;
        assert_no_space(&result, free);
        assert!(!app.exists(), "{free} bytes: a failed link leaves no output");
        assert_eq!(generations(&disk), 0, "{free} bytes: {:?}", all_below(&disk));
        assert_eq!(temporary_files(&disk), [] as [std::path::PathBuf; 0], "{free} bytes");
        fs::remove_file(&filler).unwrap();
        assert_links(&link(), free as usize);
        assert_eq!(run_at(&project, &app).stdout_text(), "1 2\n", "{free} bytes");
    }
    // A relink, of something small and of something large.
    let mut expected = "1 2\n".to_owned();
    for (number, free) in LEVELS.iter().enumerate() {
        let size = if number % 2 == 0 { 1 } else { 300_000 };
        let value = 10 + number;
        project.edit(
            "b.c",
            &format!("int pad[{size}] = {{1}};\nint b(void) {{ return {value} + pad[0] - 1; }}\n"),
        );
        leave(*free);
        let before = generations(&disk);
        let result = link();
        if !result.succeeded() {
            failed[1] += 1;
            assert_no_space(&result, *free);
            let now = run_at(&project, &app);
            assert_eq!(now.stdout_text(), expected, "{free} bytes, the program before: {now:?}");
            assert_eq!(generations(&disk), before, "{free} bytes: {:?}", all_below(&disk));
            assert_eq!(temporary_files(&disk), [] as [std::path::PathBuf; 0], "{free} bytes");
        }
        fs::remove_file(&filler).unwrap();
        assert_links(&link(), number);
        expected = format!("1 {value}\n");
        assert_eq!(run_at(&project, &app).stdout_text(), expected, "{free} bytes");
    }
    assert!(failed.iter().all(|count| *count >= 3), "{failed:?} links found the disk full");
}

/// Bytes that are left on the disk.
const LEVELS: [u64; 12] = [
    0,
    4 << 10,
    12 << 10,
    40 << 10,
    100 << 10,
    200 << 10,
    400 << 10,
    700 << 10,
    1 << 20,
    3 << 19,
    2 << 20,
    4 << 20,
];

#[test]
fn files_may_not_grow_beyond_a_limit() {
    let project = three_objects("robust/limit");
    big_data(&project);
    let words = words_for_linker(&project, OBJECTS);
    let limited = |bytes: u64| {
        let mut command = linker(&project, &words);
        limit_files(&mut command, bytes);
        outcome(&mut command)
    };
    let mut failed = 0;
    for bytes in LEVELS {
        for name in ["app", ".unfold"] {
            if project.exists(name) {
                project.remove(name);
            }
        }
        let result = limited(bytes);
        if !result.succeeded() {
            failed += 1;
            assert_eq!(result.ending, Ending::Exit(1), "{bytes} bytes: {result:?}");
            assert!(result.stderr_text().contains("File too large"), "{bytes} bytes: {result:?}");
            assert!(!project.exists("app"), "{bytes} bytes");
        }
        assert_links(&outcome(&mut linker(&project, &words)), bytes as usize);
        assert_eq!(project.output("app", &[]), "1 2\n");
        project.edit("b.c", "int b(void) { return 3; }\n");
        let result = limited(bytes);
        if !result.succeeded() {
            assert_eq!(result.ending, Ending::Exit(1), "{bytes} bytes: {result:?}");
            assert!(result.stderr_text().contains("File too large"), "{bytes} bytes: {result:?}");
            assert_eq!(project.output("app", &[]), "1 2\n", "{bytes} bytes");
        } else {
            assert_eq!(project.output("app", &[]), "1 3\n", "{bytes} bytes");
        }
        project.edit("b.c", "int b(void) { return 2; }\n");
    }
    assert!(failed >= 3, "{failed} links met the limit");
}

#[test]
fn a_program_runs_where_files_may_not_grow() {
    let project = three_objects("robust/limited-run");
    project.link(OBJECTS);
    for (number, pager) in pagers().into_iter().chain(["eager"]).cycle().take(6).enumerate() {
        let mut command = Command::new(project.path("app"));
        command.env("UNFOLD_PAGER", pager);
        limit_files(&mut command, [0, 4096][number % 2]);
        let result = outcome(&mut command);
        assert_eq!(
            (result.stdout_text().as_str(), result.ending),
            ("1 2\n", Ending::Exit(0)),
            "{pager}: {result:?}"
        );
    }
}

#[test]
fn the_index_cannot_be_written() {
    let project = three_objects("robust/read-only");
    let words = words_for_linker(&project, OBJECTS);
    let link = || assert_links(&outcome(&mut linker(&project, &words)), 0);
    link();
    project.edit("b.c", "int b(void) { return 3; }\n");
    {
        let Some(_mounted) = Mounted::read_only(&project.path(".unfold")) else { return };
        let result = outcome(&mut linker(&project, &words));
        assert_eq!(result.ending, Ending::Exit(1), "{result:?}");
        assert!(result.stderr_text().contains("Read-only file system"), "{result:?}");
        assert!(result.stderr_text().contains(".unfold"), "it names the file: {result:?}");
        assert_eq!(result.stderr_text().lines().count(), 1, "{result:?}");
        for pager in pagers() {
            project.set_env("UNFOLD_PAGER", pager);
            assert_eq!(project.output("app", &[]), "1 2\n", "the program before runs under {pager}");
        }
        project.unset_env("UNFOLD_PAGER");
    }
    link();
    assert_eq!(project.output("app", &[]), "1 3\n");
    {
        // With nothing to do, nothing needs to be written but the output.
        thread::park_timeout(Duration::from_millis(100));
        link();
        let Some(_mounted) = Mounted::read_only(&project.path(".unfold")) else { return };
        let result = outcome(&mut linker(&project, &words));
        assert_eq!(result.ending, Ending::Exit(0), "{result:?}");
        assert_eq!(project.output("app", &[]), "1 3\n");
    }
}

#[test]
fn the_index_belongs_to_somebody_else() {
    const NOBODY: u32 = 65534;
    // SAFETY: a system call without arguments.
    if unsafe { libc::geteuid() } != 0 {
        return;
    }
    let project = three_objects("robust/other-user");
    let shared = std::env::temp_dir().join(format!("unfold-test-{}", std::process::id()));
    fs::create_dir_all(&shared).unwrap();
    let words =
        words_for_linker(&project, &["main.o", "a.o", "b.o", "-o", shared.join("app").to_str().unwrap()]);
    let linker_copy = shared.join("ld");
    // By another process: what a thread of this one writes cannot be run while others start programs.
    let original = linker(&project, &words).get_program().to_str().unwrap().to_owned();
    project.tool("cp", &[&original, linker_copy.to_str().unwrap()]);
    for object in ["main.o", "a.o", "b.o"] {
        fs::copy(project.path(object), shared.join(object)).unwrap();
    }
    let link = |user: u32| {
        let mut command = Command::new(&linker_copy);
        command.args(&words).current_dir(&shared).env_clear().uid(user);
        outcome(&mut command)
    };
    let result = link(0);
    let refused = link(NOBODY);
    let app = outcome(&mut Command::new(shared.join("app")));
    remove_folder(&shared).unwrap();
    assert_links(&result, 0);
    assert_eq!(refused.ending, Ending::Exit(1), "{refused:?}");
    assert!(refused.stderr_text().contains("Permission denied"), "{refused:?}");
    assert_eq!(refused.stderr_text().lines().count(), 1, "{refused:?}");
    assert_eq!(app.stdout_text(), "1 2\n", "{app:?}");
}

#[test]
fn clocks_that_go_back_and_forth() {
    let project = three_objects("robust/clock");
    project.tool("touch", &["-d", "2 days", "a.o"]);
    project.link(OBJECTS);
    for (number, time) in ["3 days", "1 day ago", "now", "2000-01-01", "2 days", "2 days"].iter().enumerate()
    {
        project.edit("b.c", &format!("int b(void) {{ return {}; }}\n", 10 + number));
        project.tool("touch", &["-d", time, "b.o"]);
        project.link(OBJECTS);
        assert_incremental(&project, "app", &["b.o"]);
        assert_eq!(project.output("app", &[]), format!("1 {}\n", 10 + number), "{time}");
    }
}

#[test]
fn an_object_is_overwritten_within_one_tick_of_the_clock() {
    let project = three_objects("robust/tick");
    let disk = project.path("coarse");
    let Some(_mounted) = Mounted::coarse(&disk) else { return };
    for object in ["main.o", "a.o", "b.o"] {
        fs::copy(project.path(object), disk.join(object)).unwrap();
    }
    let value = |value: u32| {
        project.edit("b.c", &format!("int b(void) {{ return {value}; }}\n"));
        project.read("b.o")
    };
    let objects = ["coarse/main.o", "coarse/a.o", "coarse/b.o", "-o", "app"];
    let words = words_for_linker(&project, &objects);
    let archive = words_for_linker(&project, &["coarse/main.o", "coarse/libab.a", "-o", "lib-app"]);
    let object = disk.join("b.o");
    let stamp = |path: &Path| {
        let metadata = path.metadata().unwrap();
        (metadata.ino(), metadata.size(), metadata.mtime(), metadata.mtime_nsec(), metadata.ctime())
    };
    let mut same = 0;
    // On a busy machine few links take less than a second.
    for round in 0..20 {
        let (first, second) = (value(100 + round), value(200 + round));
        assert_eq!(first.len(), second.len());
        next_second();
        overwrite(&object, &first);
        let before = stamp(&object);
        assert_links(&outcome(&mut linker(&project, &words)), 0);
        overwrite(&object, &second);
        same += u32::from(stamp(&object) == before);
        assert_links(&outcome(&mut linker(&project, &words)), 0);
        assert_eq!(project.output("app", &[]), format!("1 {}\n", 200 + round));
        // And nothing is read for ever after.
        next_second();
        next_second();
        next_second();
        for _ in 0..2 {
            assert_links(&outcome(&mut linker(&project, &words)), 0);
            assert_incremental(&project, "app", &[]);
        }
        // The same for a member of an archive.
        let library = disk.join("libab.a");
        let make = |contents: &[u8]| {
            overwrite(&object, contents);
            let made = project.path("made.a");
            drop(fs::remove_file(&made));
            project.tool("ar", &["rcsD", "made.a", "coarse/a.o", "coarse/b.o"]);
            fs::read(made).unwrap()
        };
        let (first, second) = (make(&first), make(&second));
        next_second();
        overwrite(&library, &first);
        assert_links(&outcome(&mut linker(&project, &archive)), 0);
        overwrite(&library, &second);
        assert_links(&outcome(&mut linker(&project, &archive)), 0);
        assert_eq!(project.output("lib-app", &[]), format!("1 {}\n", 200 + round));
        if same >= 2 {
            break;
        }
    }
    assert!(same >= 1, "no two writes fell into one second");
}

#[test]
fn two_links_of_one_output_at_once() {
    let project = three_objects("robust/two-at-once");
    project.edit("c.c", "int b(void) { return 3; }\n");
    let same = words_for_linker(&project, OBJECTS);
    let other = words_for_linker(&project, &["main.o", "a.o", "c.o", "-o", "app"]);
    for round in 0..30 {
        for words in [[&same, &same], [&same, &other]] {
            let mut children: Vec<Child> = words.iter().map(|words| start(&project, words)).collect();
            children.iter_mut().for_each(|child| assert!(child.wait().unwrap().success(), "round {round}"));
            let expected: &[&str] = if words[0] == words[1] { &["1 2\n"] } else { &["1 2\n", "1 3\n"] };
            assert_runs(&project, round, expected);
        }
        if round % 10 == 0 {
            project.remove(".unfold");
        }
        if round % 3 == 0 {
            project.edit("a.c", &format!("int a(void) {{ return 1 + 0 * {round}; }}\n"));
        }
    }
    assert_links(&outcome(&mut linker(&project, &same)), 0);
    assert_eq!(project.output("app", &[]), "1 2\n");
    assert_cleaned(&project);
}

#[test]
fn many_links_and_launches_at_once() {
    let project = three_objects("robust/many-at-once");
    project.link(OBJECTS);
    let words = words_for_linker(&project, OBJECTS);
    for version in 0..6 {
        project.edit("b.c", &format!("int b(void) {{ return {}; }}\n", 20 + version));
        project.rename("b.o", &format!("b{version}.o"));
    }
    fs::copy(project.path("b0.o"), project.path("b.o")).unwrap();
    assert_links(&outcome(&mut linker(&project, &words)), 0);
    let expected: Vec<String> = (0..6).map(|version| format!("1 {}\n", 20 + version)).collect();
    thread::scope(|scope| {
        for thread in 0..3 {
            let (project, words) = (&project, &words);
            let dir = project.path("");
            let words = words.clone();
            let run = linker_of(dir, words);
            scope.spawn(move || {
                for round in 0..15 {
                    let from = run.0.join(format!("b{}.o", (thread + round) % 6));
                    let new = run.0.join(format!("b.o.{thread}"));
                    fs::copy(from, &new).unwrap();
                    fs::rename(new, run.0.join("b.o")).unwrap();
                    let mut command = Command::new(&run.1);
                    command.current_dir(&run.0).args(&run.2).env_remove("UNFOLD_INDEX");
                    assert_links(&outcome(&mut command), round);
                }
            });
        }
        let app = project.path("app");
        let expected = &expected;
        scope.spawn(move || {
            for _ in 0..60 {
                let result = outcome(&mut Command::new(&app));
                assert!(expected.contains(&result.stdout_text()), "{result:?}");
            }
        });
    });
    fs::copy(project.path("b5.o"), project.path("b.o")).unwrap();
    assert_links(&outcome(&mut linker(&project, &words)), 0);
    assert_eq!(project.output("app", &[]), "1 25\n");
}

#[test]
fn a_program_goes_on_while_it_is_linked_again() {
    let project = Project::new("robust/goes-on");
    project.edit(
        "main.c",
        "#include <stdio.h>\nint a(int), b(int);\nint main(void) {\n    char line[16];\n    int round = 0;\n    \
         while (fgets(line, sizeof line, stdin)) { printf(\"%d\\n\", round++ % 2 ? a(round) : b(round)); fflush(stdout); }\n}\n",
    );
    let functions = |factor: u32| {
        let mut text = String::new();
        for number in 0..400 {
            text.push_str(&format!(
                "__attribute__((noinline)) int f{number}(int x) {{ __asm__ volatile(\".skip 4000, 0x90\"); return x * {factor} + {number}; }}\n"
            ));
        }
        let table: Vec<String> = (0..400).map(|number| format!("f{number}")).collect();
        let table = table.join(",");
        text + &format!(
            "static int (*const t[])(int) = {{{table}}};\nint a(int x) {{ return t[x * 7 % 400](x); }}\n"
        )
    };
    project.edit("a.c", &functions(1));
    project.edit("b.c", "int b(int x) { return -x; }\n");
    for pager in pagers() {
        project.edit("a.c", &functions(1));
        project.link(OBJECTS);
        let mut command = Command::new(project.path("app"));
        command
            .env("UNFOLD_PAGER", pager)
            .env("UNFOLD_PREFETCH", "off")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
        let mut ask = |child: &mut Child, round: i32| {
            std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"go\n").unwrap();
            let expected = if round % 2 == 1 { round + 1 + (round + 1) * 7 % 400 } else { -(round + 1) };
            assert_eq!(lines.next().unwrap().unwrap(), expected.to_string(), "{pager}, round {round}");
        };
        ask(&mut child, 0);
        for round in 1..12 {
            project.edit("a.c", &functions(100 + round as u32));
            project.link(OBJECTS);
            if round == 6 {
                project.unfold(&["gc", ".unfold"]);
            }
            ask(&mut child, round);
        }
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success(), "{pager}");
    }
}

#[test]
fn an_index_of_another_version() {
    if unfold_command().is_none() {
        return;
    }
    let project = three_objects("robust/version");
    for (number, file) in ["state", "plan", "names", "patch", "pack", "app"].iter().enumerate() {
        for name in ["app", ".unfold"] {
            if project.exists(name) {
                project.remove(name);
            }
        }
        project.link(OBJECTS);
        project.edit("b.c", &format!("int b(void) {{ return {}; }}\n", 50 + number));
        project.link(OBJECTS);
        let generation = newest(&project);
        let path = match *file {
            "app" => project.path("app"),
            name => generation.join(name),
        };
        let place = if *file == "app" { 0x1007 } else { 7 };
        if *file == "pack" {
            for pack in all_below(&project.path(".unfold/packs")) {
                let mut contents = fs::read(&pack).unwrap();
                // Every record in it.
                let starts = contents.windows(5).enumerate().filter(|(_, bytes)| *bytes == b"UFobj");
                let starts: Vec<usize> = starts.map(|(at, _)| at).collect();
                starts.iter().for_each(|at| contents[at + 7] += 1);
                fs::write(&pack, contents).unwrap();
            }
        } else {
            let mut contents = fs::read(&path).unwrap();
            contents[place] += 1;
            fs::write(&path, contents).unwrap();
        }
        if *file == "app" {
            let copies = all_below(&project.path(".unfold/outputs"));
            let copies = copies.iter().filter(|path| path.ends_with("head"));
            copies.for_each(|path| fs::remove_file(path).unwrap());
        }
        project.edit("a.c", &format!("int a(void) {{ return {}; }}\n", 70 + number));
        if *file == "pack" {
            // What is read of the pack is read by a full link.
            fs::remove_file(generation.join("state")).unwrap();
        }
        let result = project.try_link(&[OBJECTS, &["-Wl,--verbose"]].concat());
        assert_links(&result, number);
        let status = project.status("app").unwrap();
        if *file == "pack" {
            let is_said =
                |entry: &unfold_tests::status::Reindexed| entry.reason.contains("made by another version");
            assert!(status.reindexed.iter().any(is_said), "{status:?}");
        } else {
            let why = status.why_full.clone().unwrap_or_default();
            assert!(why.contains("made by another version"), "{file}: {why}");
            assert!(result.stderr_text().contains("made by another version"), "{file}: {result:?}");
        }
        assert_eq!(project.output("app", &[]), format!("{} {}\n", 70 + number, 50 + number), "{file}");
        project.edit("a.c", "int a(void) { return 1; }\n");
        project.link(OBJECTS);
    }
}

#[test]
fn the_index_is_half_deleted_between_two_links() {
    let project = three_objects("robust/half-deleted");
    project.link(OBJECTS);
    project.edit("a.c", "int a(void) { return 5; }\n");
    project.link(OBJECTS);
    project.output("app", &[]);
    let saved = project.path("").with_extension("saved");
    project.copy_to(&saved);
    let dir = project.path("");
    let paths = all_below(&project.path(".unfold"));
    assert!(unfold_command().is_none() || paths.len() > 10);
    for path in paths.iter().chain([&project.path(".unfold")]) {
        for changes in [false, true] {
            if path.is_dir() {
                remove_folder(path).unwrap()
            } else {
                fs::remove_file(path).unwrap()
            }
            let what = format!("without {}, {changes}", path.strip_prefix(&dir).unwrap().display());
            if changes {
                project.edit("b.c", "int b(void) { return 6; }\n");
            }
            let result = project.try_link(OBJECTS);
            assert!(result.succeeded() && result.stderr.is_empty(), "{what}: {result:?}");
            let expected = if changes { "5 6\n" } else { "5 2\n" };
            assert_eq!(project.output("app", &[]), expected, "{what}");
            project.restore_from(&saved);
        }
    }
    remove_folder(&saved).unwrap();
}

#[test]
fn an_executable_that_was_cut_short_is_not_brought_back() {
    // What a generation keeps of the output is what a link starts from when the output was removed.
    if unfold_command().is_none() {
        return;
    }
    let project = three_objects("robust/cut-copy");
    for changes in [false, true] {
        project.link(OBJECTS);
        let copy = newest(&project).join("head");
        let contents = fs::read(&copy).unwrap();
        fs::write(&copy, &contents[..contents.len() * 2 / 3]).unwrap();
        project.remove("app");
        if changes {
            project.edit("b.c", "int b(void) { return 2 + 0; }\nint more(void) { return 1; }\n");
        }
        project.link(OBJECTS);
        assert_eq!(project.output("app", &[]), "1 2\n");
    }
}

#[test]
fn a_generation_is_watched_after_a_link_that_found_other_members() {
    if unfold_command().is_none() {
        return;
    }
    for file in ["image", "plan", "state", "names"] {
        let project = three_objects(&format!("robust/watched-{file}"));
        project.edit("unused.c", "int unused(void) { return 1; }\n");
        let words = &["main.o", "a.o", "lib.a", "-o", "app"];
        let archive = |members: &[&str]| {
            project.tool("sh", &["-c", "rm -f lib.a"]);
            project.tool("ar", &[&["rcs", "lib.a"], members].concat());
        };
        archive(&["b.o"]);
        project.link(words);
        archive(&["b.o", "unused.o"]);
        project.link(words);
        assert_incremental(&project, "app", &[]);
        let path = newest(&project).join(file);
        let contents = fs::read(&path).unwrap();
        fs::write(&path, &contents[..contents.len() / 2]).unwrap();
        project.link(words);
        assert_eq!(project.output("app", &[]), "1 2\n", "{file}: {:?}", project.status("app"));
    }
}

#[test]
fn the_program_headers_of_a_library_are_damaged() {
    if unfold_command().is_none() {
        return;
    }
    let project = three_objects("robust/phdrs");
    let words = &["-shared", "a.o", "b.o", "-o", "libab.so"];
    for changes in [false, true] {
        for source in ["a.c", "b.c"] {
            project.compile_with(source, &["-fPIC"]);
        }
        project.link(words);
        let headers = project.tool("readelf", &["-lW", "libab.so"]).stdout_text();
        let outputs = all_below(&project.path(".unfold/outputs"));
        for path in outputs.iter().filter(|path| path.ends_with("phdrs")) {
            let mut contents = fs::read(path).unwrap();
            contents[60] ^= 0x10;
            fs::write(path, contents).unwrap();
        }
        project.remove("libab.so");
        if changes {
            project.write("b.c", "int b(void) { return 3; }\n");
            project.compile_with("b.c", &["-fPIC"]);
        }
        project.link(words);
        assert_eq!(project.tool("readelf", &["-lW", "libab.so"]).stdout_text(), headers);
    }
}

#[test]
fn a_record_that_was_damaged_without_a_trace() {
    if unfold_command().is_none() {
        return;
    }
    // Of code, the program finds it; of data, a link that renders it anew.
    for (name, text) in [
        ("code", "int b(void) { return 0x12345678; }\n"),
        (
            "data",
            "extern int moved; struct { int *at, value; } data = { &moved, 0x12345678 };\nint b(void) { return data.value + *data.at; }\n",
        ),
    ] {
        let project = three_objects(&format!("robust/bit-{name}"));
        // Records are read by those who render.
        project.set_env("UNFOLD_BACKGROUND", "off");
        project.edit("a.c", "int moved = 0;\nint a(void) { return 1; }\n");
        project.edit("b.c", text);
        project.link(OBJECTS);
        let expected = format!("1 {}\n", 0x12345678);
        for pack in all_below(&project.path(".unfold/packs")) {
            let mut contents = fs::read(&pack).unwrap();
            let modified = fs::metadata(&pack).unwrap().modified().unwrap();
            let Some(at) = contents.windows(4).position(|word| word == 0x12345678_u32.to_le_bytes()) else {
                continue;
            };
            contents[at] ^= 1;
            fs::write(&pack, contents).unwrap();
            fs::File::options().write(true).open(&pack).unwrap().set_modified(modified).unwrap();
        }
        if name == "code" {
            let outcome = project.run("app", &[]);
            assert!(
                outcome.stderr_text().contains("link the program again")
                    || outcome.stderr_text().contains("damaged"),
                "{outcome:?}"
            );
            project.link(OBJECTS);
            assert_eq!(project.output("app", &[]), expected);
        }
        project.edit("a.c", "int large[3000] = {1};\nint moved = 0;\nint a(void) { return 1; }\n");
        project.link(OBJECTS);
        assert_eq!(project.output("app", &[]), expected, "{name}");
        project.link(OBJECTS);
        assert_eq!(project.output("app", &[]), expected, "{name}");
    }
}

// --- what they share ---

fn pagers() -> Vec<&'static str> {
    if kernel_allows_userfaultfd() { vec!["uffd", "signal"] } else { vec!["signal"] }
}

fn duration_of(work: impl Fn()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Only where a link is hit depends on this, not what is expected of it.
fn random_delay(random: &mut Random, duration: Duration) -> Duration {
    duration * random.below(1200) as u32 / 1000
}

fn start(project: &Project, words: &[String]) -> Child {
    linker(project, words).stdin(Stdio::null()).spawn().expect("the linker can be started")
}

fn linker_of(
    dir: std::path::PathBuf,
    words: Vec<String>,
) -> (std::path::PathBuf, std::path::PathBuf, Vec<String>) {
    (dir, unfold_tests::tools::tested_linker().ld.clone(), words)
}

fn assert_links(result: &Outcome, number: usize) {
    assert!(result.succeeded(), "{number}: {result:?}");
}

/// The program does what one of these is, under each pager in turn.
fn assert_runs(project: &Project, number: usize, expected: &[&str]) {
    let pagers = pagers();
    project.set_env("UNFOLD_PAGER", pagers[number % pagers.len()]);
    let output = project.output("app", &[]);
    assert!(expected.contains(&output.as_str()), "{number}: {output:?} is none of {expected:?}");
    project.unset_env("UNFOLD_PAGER");
}

/// What killed links left is gone after a collection.
fn assert_cleaned(project: &Project) {
    let Some(outcome) = project.unfold(&["gc", ".unfold"]) else { return };
    assert!(outcome.succeeded(), "{outcome:?}");
    assert_eq!(temporary_files(&project.path("")), [] as [std::path::PathBuf; 0]);
    project.output("app", &[]);
}

fn assert_no_space(result: &Outcome, free: u64) {
    assert_eq!(result.ending, Ending::Exit(1), "{free} bytes: {result:?}");
    let text = result.stderr_text();
    assert!(text.contains("No space left on device"), "{free} bytes: {result:?}");
    assert!(text.contains("disk/"), "{free} bytes: it names a file: {result:?}");
    assert_eq!(text.lines().count(), 1, "{free} bytes: {result:?}");
}

/// Data with relocations, so that there is something in each part of the index.
fn big_data(project: &Project) {
    let mut text = "int b(void);\nint a(void) { return 1; }\nint zero[100000];\n".to_owned();
    for number in 0..2000 {
        text.push_str(&format!("int (*p{number})(void) = b;\nint d{number}[40] = {{{number}}};\n"));
    }
    project.edit("a.c", &text);
}

fn run_at(project: &Project, app: &Path) -> Outcome {
    project.run(app.to_str().expect("paths of tests are text"), &[])
}

fn free_bytes(at: &Path) -> u64 {
    let path = std::ffi::CString::new(std::os::unix::ffi::OsStrExt::as_bytes(at.as_os_str())).unwrap();
    // SAFETY: a C string, and a value of our own to fill.
    unsafe {
        let mut answer: libc::statvfs = std::mem::zeroed();
        assert_eq!(libc::statvfs(path.as_ptr(), &mut answer), 0);
        answer.f_bavail * answer.f_frsize
    }
}

/// How many generations there are in the index at `dir`.
fn generations(dir: &Path) -> usize {
    let is_number = |path: &std::path::PathBuf| {
        path.is_dir() && path.file_name().is_some_and(|name| name.to_string_lossy().parse::<u64>().is_ok())
    };
    all_below(&dir.join(".unfold/outputs")).iter().filter(|path| is_number(path)).count()
}

/// The newest generation of the only output.
fn newest(project: &Project) -> std::path::PathBuf {
    let number = project.status("app").expect("there is a command").generation;
    let found = all_below(&project.path(".unfold/outputs"))
        .into_iter()
        .find(|path| path.ends_with(number.to_string()));
    found.expect("the generation is there")
}

/// Overwrites a file in place.
fn overwrite(path: &Path, contents: &[u8]) {
    let mut file = fs::File::options().write(true).create(true).truncate(false).open(path).unwrap();
    std::io::Write::write_all(&mut file, contents).unwrap();
    file.set_len(contents.len() as u64).unwrap();
}

/// Waits until the clock shows another second.
fn next_second() {
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let before = now();
    while now() == before {
        thread::park_timeout(Duration::from_millis(5));
    }
    // The clock of file systems advances by ticks of the kernel, and so comes later.
    thread::sleep(Duration::from_millis(30));
}
