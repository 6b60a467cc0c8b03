//! `unfold verify`: what is wrong with the index is found, said, and put right by the next launch or the next link; what
//! is right is not called wrong, whatever links and launches do meanwhile.
//!
//! Damage leaves no trace in sizes and times, so that nothing else notices it first.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use unfold_tests::directives::Ending;
use unfold_tests::project::Project;
use unfold_tests::random::Random;
use unfold_tests::run::{Outcome, lazy_pagers};
use unfold_tests::tools::{complete_kept, scratch_root, unfold_command};

const MODES: [(&str, &[&str]); 2] = [("pie", &["-pie"]), ("static", &["-static", "-no-pie"])];

/// Runs after which chunks must have been kept, however busy the machine is.
const TRIES: usize = 50;

const OBJECTS: [&str; 3] = ["main.o", "part.o", "far.o"];

/// What `part.c` returns, so that it stands in an instruction; what the program prints of it, after the text of `main.c`.
const VALUE: u32 = 0x1234_5678;
const EXPECTED: &str = "it is 305419896\n";

/// Enough to reach every file and kind of damage.
const MUTATIONS: usize = 300;

/// Bytes of the head of a map, and of a chunk.
const MAP_HEAD: usize = 64;
const CHUNK: usize = 16 * 4096;

#[test]
fn a_healthy_program_is_all_right() {
    for (mode, flags) in MODES {
        for_each_lazy_pager(&format!("healthy-{mode}"), flags, |project| {
            let before = examine(project, 0);
            assert_eq!(before["kept_chunks"], 0);
            assert!(number(&before, "pages_of_image") > 0, "{before:#}");
            assert!(number(&before, "pages_rendered") > 2 * number(&before, "pages_of_image"), "{before:#}");
            assert!(number(&before, "packs") > 0 && number(&before, "records") > 3, "{before:#}");
            run_until_kept(project, "kept");
            assert!(number(&examine(project, 0), "kept_chunks") > 0);

            // With a patch, a page of the image that it replaces, and a shelf of the generation's own.
            project.edit("part.c", &part("volatile int more = 7; more++;"));
            project.edit("main.c", &main("it is %d\\n", "int table[4] = {1, 2, 3};"));
            link(project, flags);
            assert!(project.status("app").expect("unfold is there").incremental);
            assert_eq!(examine(project, 0)["generation"], 2);
            run_until_kept(project, "own");
            assert!(number(&examine(project, 0), "kept_chunks") > 0);
            complete_kept(&project.path("app")).expect("the linker completes it");
            let whole = examine(project, 0);
            let lazy = number(&whole, "pages_rendered") - number(&whole, "pages_of_image");
            assert_eq!(number(&whole, "kept_chunks") * CHUNK as u64, lazy * 4096, "{whole:#}");
            assert_eq!(project.output("app", &[]), EXPECTED);
            let said = verify(project, &[]);
            assert_eq!(said.stdout_text().lines().count(), 1, "{said:?}");
            assert!(
                said.stdout_text().starts_with("app: all is right: ") && said.stderr.is_empty(),
                "{said:?}"
            );
        });
    }
}

#[test]
fn a_flipped_bit_of_a_kept_chunk_is_forgotten() {
    for (mode, flags) in MODES {
        for_each_lazy_pager(&format!("kept-{mode}"), flags, |project| {
            for shelf in ["kept", "own"] {
                if shelf == "own" {
                    project.edit("part.c", &part("volatile int more = 7; more++;"));
                    link(project, flags);
                }
                run_until_kept(project, shelf);
                let file = file_of(project, shelf);
                let at = find(&fs::read(&file).expect("a file"), &VALUE.to_le_bytes());
                damage(&file, |bytes| bytes[at] ^= 1);
                let wrong = format!("it is {}\n", VALUE ^ 1);
                assert_eq!(project.output("app", &[]), wrong, "the damage is real");

                let found = examine_with(project, &["--dry-run"], 1);
                assert_eq!(found["findings"].as_array().map(Vec::len), Some(1), "{found:#}");
                let finding = &found["findings"][0];
                assert_eq!((&finding["kind"], &finding["cure"]), (&"chunk".into(), &"none".into()));
                assert_eq!((number(finding, "bytes"), number(finding, "length")), (1, CHUNK as u64));
                let offset = number(finding, "first") - number(finding, "start");
                assert_eq!(offset as usize, at % CHUNK, "{finding:#}");
                let place = finding["place"].as_str().expect("a place");
                assert!(place.contains("part.o:(.text+0x"), "{place}");
                assert_eq!(project.output("app", &[]), wrong, "nothing was changed");

                let said = verify(project, &[]);
                assert_eq!(said.ending, Ending::Exit(1), "{said:?}");
                let text = said.stdout_text();
                assert!(text.contains("app: kept chunk at 0x") && text.contains("1 byte differs"), "{text}");
                assert!(text.contains("part.o:(.text+0x") && text.contains("the next launch"), "{text}");
                assert!(text.contains("programs that run may have mapped"), "{text}");
                assert_eq!(
                    fs::read(&file).expect("a file")[at],
                    VALUE.to_le_bytes()[0] ^ 1,
                    "others may have mapped it"
                );
                assert_eq!(project.output("app", &[]), EXPECTED);
                examine(project, 0);
                run_until_kept(project, shelf);
                examine(project, 0);
                assert!(project.exists(&format!("{}/changes", generation(project).display())));
            }
        });
    }
}

#[test]
fn a_damaged_list_of_kept_chunks_is_begun_anew() {
    for_each_lazy_pager("map", &["-pie"], |project| {
        type Damage = fn(&mut Vec<u8>);
        let damages: [(&str, &str, Damage); 6] = [
            ("a chunk that nobody kept", "chunk", |bytes| *unkept(bytes) = 1),
            ("a byte that nobody writes", "chunk", |bytes| *kept(bytes) = 3),
            ("another magic", "map", |bytes| bytes[2] ^= 1),
            ("another plan", "map", |bytes| bytes[9] ^= 1),
            ("half of it", "map", |bytes| bytes.truncate(MAP_HEAD + 1)),
            ("half of the head", "map", |bytes| bytes.truncate(MAP_HEAD / 2)),
        ];
        for (what, kind, change) in damages {
            run_until_kept(project, "kept");
            examine(project, 0);
            damage(&file_of(project, "kept.map"), change);
            let found = examine_with(project, &["--dry-run"], 1);
            assert_eq!(found["findings"][0]["kind"], kind, "{what}: {found:#}");
            let found = examine(project, 1);
            assert!(findings(&found).all(|finding| finding["cure"] == "forgotten"), "{what}: {found:#}");
            examine(project, 0);
            assert_eq!(project.output("app", &[]), EXPECTED, "{what}");
            examine(project, 0);
        }
        // What another boot has kept, launches pass over, and so does this.
        run_until_kept(project, "kept");
        damage(&file_of(project, "kept.map"), |bytes| {
            bytes[30] = if bytes[30] == b'0' { b'1' } else { b'0' }
        });
        assert_eq!(examine(project, 0)["kept_chunks"], 0);
    });
}

#[test]
fn kept_chunks_that_were_cut_off_are_forgotten() {
    for_each_lazy_pager("cut", &["-pie"], |project| {
        for keep in [0, 100, CHUNK + 1] {
            run_until_kept(project, "kept");
            let file = file_of(project, "kept");
            damage(&file, |bytes| bytes.truncate(keep));
            let found = examine(project, 1);
            assert!(findings(&found).all(|finding| finding["kind"] == "chunk"), "{found:#}");
            examine(project, 0);
            assert_eq!(project.output("app", &[]), EXPECTED);
            examine(project, 0);
        }
    });
}

#[test]
fn a_flipped_bit_of_the_image_is_made_good_by_the_next_link() {
    for (mode, flags) in MODES {
        let Some(project) = linked(&format!("image-{mode}"), flags) else { return };
        let file = file_of(&project, "image");
        let at = find(&fs::read(&file).expect("a file"), b"it is %d");
        damage(&file, |bytes| bytes[at] ^= 0x20);
        let wrong = EXPECTED.replace("it", "It");
        assert_eq!(project.output("app", &[]), wrong);
        link(&project, flags);
        assert_eq!(project.output("app", &[]), wrong, "no link notices that");

        examine_with(&project, &["--dry-run"], 1);
        link(&project, flags);
        assert_eq!(project.output("app", &[]), wrong, "nothing was changed");
        let found = examine(&project, 1);
        assert_eq!(found["findings"].as_array().map(Vec::len), Some(1), "{found:#}");
        let finding = &found["findings"][0];
        assert_eq!((&finding["kind"], &finding["cure"]), (&"image".into(), &"condemned".into()));
        let place = finding["place"].as_str().expect("a place");
        assert!(place.contains("main.o:(.rodata+0x"), "{place}");

        let again = examine(&project, 1);
        assert!(findings(&again).any(|finding| finding["kind"] == "link"), "not linked again: {again:#}");
        link(&project, flags);
        let why = project.status("app").expect("unfold is there").why_full.expect("a full link");
        assert!(why.contains("the state of the link before"), "{why}");
        assert_eq!(project.output("app", &[]), EXPECTED);
        examine(&project, 0);
    }
}

#[test]
fn every_file_of_a_generation_is_examined() {
    let Some(project) = linked("files", &["-pie"]) else { return };
    project.edit("part.c", &part("volatile int more = 7; more++;"));
    project.edit("main.c", &main("it is %d\\n", "int table[4] = {1, 2, 3};"));
    link(&project, &["-pie"]);
    let untouched = scratch_root().join("verify/files-untouched");
    project.copy_to(&untouched);
    let names = [
        "plan",
        "patch",
        "image",
        "state",
        "changes",
        "names",
        "needed",
        "functions",
        "order",
        "head",
        "changed",
        "status.json",
    ];
    let mut files: Vec<PathBuf> = names.iter().map(|name| file_of(&project, name)).collect();
    let packs = fs::read_dir(project.path(".unfold/packs")).expect("there are packs");
    let packs = packs.map(|entry| entry.expect("there are packs").path());
    files.extend(packs.filter(|path| path.extension().is_some_and(|extension| extension == "pack")));
    assert!(files.len() > names.len() + 1, "packs of both links");
    for file in &files {
        // Zeroes may be holes, which nothing reads.
        let flip = |part: usize| {
            move |bytes: &mut Vec<u8>| {
                let set: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
                bytes[set[set.len() / 4 * part]] ^= 4;
            }
        };
        let cut = |part: usize| move |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2 * part);
        type Change = Box<dyn Fn(&mut Vec<u8>)>;
        let changes: [(&str, Change); 5] = [
            ("flipped", Box::new(flip(1))),
            ("flipped", Box::new(flip(2))),
            ("flipped", Box::new(flip(3))),
            ("cut short", Box::new(cut(1))),
            ("emptied", Box::new(cut(0))),
        ];
        for (number, (how, change)) in changes.iter().enumerate() {
            let what = format!("{} {how} ({number})", file.display());
            // Text has bits that say nothing, and the patch has other pages in the place of some of the image's.
            let has_idle_bits = file.ends_with("status.json") || file.ends_with("image");
            if has_idle_bits && *how == "flipped" {
                continue;
            }
            damage(file, change);
            let said = verify(&project, &["--json"]);
            assert_eq!(said.ending, Ending::Exit(1), "{what}: {said:?}");
            let json: Value = serde_json::from_slice(&said.stdout).expect("JSON");
            let names_it = |finding: &Value| {
                finding["file"].as_str().is_some_and(|name| {
                    name.ends_with(file.file_name().and_then(|name| name.to_str()).expect("a name"))
                })
            };
            // The state and its changes are damaged together.
            let is_known = findings(&json[0]).any(names_it) || file.ends_with("changes");
            assert!(is_known, "{what}: {json:#}");
            assert!(findings(&json[0]).all(|finding| finding["cure"] == "condemned"), "{what}: {json:#}");
            link(&project, &["-pie"]);
            assert!(!project.status("app").expect("unfold is there").incremental, "{what}");
            assert_eq!(project.output("app", &[]), EXPECTED, "{what}");
            examine(&project, 0);
            project.restore_from(&untouched);
        }
    }
    // A file that is not there at all.
    for file in files.iter().filter(|file| !file.ends_with("order")) {
        fs::remove_file(file).expect("the file can be removed");
        examine(&project, 1);
        project.restore_from(&untouched);
    }
    // What another version has made is not judged.
    let plan = file_of(&project, "plan");
    damage(&plan, |bytes| bytes[7] ^= 0x40);
    let said = verify(&project, &[]);
    assert_eq!(said.ending, Ending::Exit(2), "{said:?}");
    assert!(
        said.stderr_text().contains("another version") && said.stderr_text().lines().count() == 1,
        "{said:?}"
    );
}

#[test]
fn the_head_of_the_executable_is_examined() {
    let Some(project) = linked("head", &["-pie"]) else { return };
    let untouched = scratch_root().join("verify/head-untouched");
    project.copy_to(&untouched);
    for (at, text) in
        [(0x1010, "configuration page"), (0x1800, "configuration page"), (0x420, "program headers")]
    {
        damage(&project.path("app"), |bytes| bytes[at] ^= 1);
        let said = verify(&project, &[]);
        assert_eq!(said.ending, Ending::Exit(1), "{said:?}");
        assert!(said.stdout_text().contains(text), "{said:?}");
        link(&project, &["-pie"]);
        assert_eq!(project.output("app", &[]), EXPECTED);
        examine(&project, 0);
        project.restore_from(&untouched);
    }
}

#[test]
fn a_shared_library_is_compared_with_its_rendering() {
    let project = Project::new("verify/library");
    let flags: &[&str] = &["-shared", "-fPIC"];
    let text = "const char *text(void) { return \"it is %d\\n\"; }\nint (*pointer)(void) = value;\n";
    let compile = |more: &str| {
        project.write("lib.c", format!("int value(void) {{ return {VALUE}; }}\n{text}{more}"));
        project.compile_with("lib.c", flags);
    };
    let link_library = || project.link(&["-shared", "lib.o", "-o", "liblib.so"]);
    compile("");
    link_library();
    if unfold_command().is_none() {
        return;
    }
    let check = |status: i32| {
        let said = project.unfold(&["verify", "liblib.so", "--json"]).expect("unfold is there");
        assert_eq!(said.ending, Ending::Exit(status), "{said:?}");
        serde_json::from_slice::<Value>(&said.stdout).expect("JSON")[0].clone()
    };
    assert!(number(&check(0), "pages_rendered") > 3);
    compile("int more(void) { return value() + 1; }");
    link_library();
    check(0);
    let library = project.path("liblib.so");
    let whole = fs::read(&library).expect("a file");
    for (needle, place) in [(&VALUE.to_le_bytes()[..], "lib.o:(.text+0x"), (b"it is %d", "lib.o:(.rodata+0x")]
    {
        let at = find(&whole, needle);
        damage(&library, |bytes| bytes[at] ^= 1);
        let found = check(1);
        let finding = &found["findings"][0];
        assert_eq!((&finding["kind"], &finding["cure"]), (&"library".into(), &"condemned".into()));
        assert!(finding["place"].as_str().is_some_and(|found| found.contains(place)), "{found:#}");
        link_library();
        check(0);
    }
    damage(&library, |bytes| bytes.truncate(bytes.len() / 4));
    check(1);
    link_library();
    // The headers that the next link would start from.
    let phdrs = newest(&project.path(".unfold"), "liblib.so-").join("phdrs");
    for at in [8, 40, 48, 55, 70] {
        damage(&phdrs, |bytes| bytes[at] ^= 0x10);
        let found = verify_file(&project, "liblib.so", 8 == at);
        assert!(!found.stderr_text().contains("panicked"), "{found:?}");
        link_library();
        check(0);
    }
    project.tool("strip", &["liblib.so"]);
    check(0);
}

#[test]
fn what_is_called_right_runs_rightly() {
    for_each_lazy_pager("random", &["-pie"], |project| {
        project.edit("part.c", &part("volatile int more = 7; more++;"));
        link(project, &["-pie"]);
        run_until_kept(project, "own");
        let mut files = Vec::new();
        for folder in [generation(project), project.path(".unfold/packs")] {
            files.extend(fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path()));
        }
        files.sort();
        let shelves = ["kept", "kept.map", "own", "own.map"].map(|name| {
            let file = file_of(project, name);
            let bytes = fs::read(&file).expect("the file can be read");
            (file, bytes)
        });
        let mut counts = [0; 3];
        for seed in 0..MUTATIONS {
            let file = &files[seed % files.len()];
            let before = fs::read(file).expect("the file can be read");
            let mut random = Random::new(seed as u64);
            damage(file, |bytes| mutate(bytes, &mut random));
            let what = format!("mutation {seed} of {}", file.display());
            let said = verify(project, &["--dry-run"]);
            let Ending::Exit(status @ 0..=2) = said.ending else { panic!("{what}: {said:?}") };
            counts[status as usize] += 1;
            assert!(said.stderr_text().lines().count() <= 1, "{what}: {said:?}");
            if status == 0 {
                assert_eq!(project.output("app", &[]), EXPECTED, "{what}");
            }
            damage(file, |bytes| bytes.clone_from(&before));
            // The run may have kept more.
            shelves.iter().for_each(|(file, before)| damage(file, |bytes| bytes.clone_from(before)));
        }
        assert!(counts[0] > 0 && counts[1] > MUTATIONS / 4, "{counts:?}");
        examine(project, 0);
    });
}

#[test]
fn links_and_launches_meanwhile_are_no_damage() {
    for_each_lazy_pager("meanwhile", &["-pie"], |project| {
        project.set_env("UNFOLD_BACKGROUND", "on");
        let done = AtomicBool::new(false);
        let unfold = unfold_command().expect("unfold is there");
        let app = project.path("app");
        std::thread::scope(|scope| {
            let examine = || {
                let mut counts = [0; 3];
                while !done.load(Ordering::Relaxed) {
                    let mut command = std::process::Command::new(unfold);
                    let output = command.arg("verify").arg(&app).output().expect("it runs");
                    let text = String::from_utf8_lossy(&output.stderr).into_owned();
                    let status = output.status.code().expect("it exits");
                    assert_ne!(status, 1, "{}", String::from_utf8_lossy(&output.stdout));
                    assert!(status == 0 || status == 2 && text.lines().count() == 1, "{status}: {text}");
                    counts[status as usize] += 1;
                }
                counts
            };
            let examiners = [scope.spawn(examine), scope.spawn(examine)];
            for round in 0..12 {
                let more =
                    (0..round % 4).map(|number| format!("volatile int x{number} = {round}; x{number}++; "));
                project.edit("part.c", &part(&more.collect::<String>()));
                // A full link now and then.
                let flags: &[&str] = if round % 5 == 4 { &["-pie", "-Wl,-z,now"] } else { &["-pie"] };
                link(project, flags);
                (0..5).for_each(|_| assert_eq!(project.output("app", &[]), EXPECTED));
                // Links that find that nothing has changed.
                project.compile("far.c");
                link(project, flags);
                if round % 3 == 2 {
                    project.unfold(&["gc", "app"]);
                }
            }
            done.store(true, Ordering::Relaxed);
            let counts = examiners.map(|examiner| examiner.join().expect("no examination finds fault"));
            assert!(counts.iter().all(|counts| counts[0] > 0), "{counts:?}");
        });
        examine(project, 0);
    });
}

#[test]
fn what_cannot_be_examined_is_said_in_one_line() {
    let Some(project) = linked("unknown", &["-pie"]) else { return };
    let said = project.unfold(&["verify"]).expect("unfold is there");
    assert_eq!(said.ending, Ending::Exit(2), "{said:?}");
    assert!(said.stderr_text().contains("Usage"), "{said:?}");
    project.write("text", "no program\n");
    for file in ["text", "absent", ".", "main.o"] {
        let said = verify_file(&project, file, true);
        assert_eq!(said.ending, Ending::Exit(2), "{file}: {said:?}");
        assert_eq!(said.stderr_text().lines().count(), 1, "{file}: {said:?}");
        assert!(said.stdout.is_empty(), "{file}: {said:?}");
    }
    // The others are examined all the same.
    let said = project.unfold(&["verify", "text", "app", "--json"]).expect("unfold is there");
    assert_eq!(said.ending, Ending::Exit(2), "{said:?}");
    let json: Value = serde_json::from_slice(&said.stdout).expect("JSON");
    assert_eq!((&json[0]["right"], &json[1]["right"]), (&Value::Null, &true.into()), "{json:#}");
    assert!(json[0]["error"].as_str().is_some_and(|text| text.contains("not linked by unfold")), "{json:#}");
    project.remove(".unfold");
    let said = verify(&project, &[]);
    assert_eq!(said.ending, Ending::Exit(2), "{said:?}");
    assert!(said.stderr_text().contains("is gone") && said.stderr_text().lines().count() == 1, "{said:?}");
}

// --- the program ---

fn main(text: &str, more: &str) -> String {
    format!(
        "#include <stdio.h>\n#include <unistd.h>\nint value(void);\n{more}\nint main(int count, char **words) {{\n    \
             printf(\"{text}\", value());\n    if (count > 1) usleep(20000);\n    return 0;\n}}\n"
    )
}

/// The function grows by these statements; its description for unwinding does not, which static programs have in a row.
fn part(more: &str) -> String {
    format!("int value(void) {{ {more} return {VALUE}; }}\n")
}

/// A program of several chunks, most of which no run touches.
fn linked(name: &str, flags: &[&str]) -> Option<Project> {
    unfold_command()?;
    let project = Project::new(&format!("verify/{name}"));
    // What is kept is what a run has touched.
    project.set_env("UNFOLD_BACKGROUND", "off");
    project.edit("main.c", &main("it is %d\\n", ""));
    project.edit("part.c", &part(""));
    project.edit("far.c", "__asm__(\".skip 400000, 0x90\");\nint far(void) { return 1; }\n");
    link(&project, flags);
    project.set_env("UNFOLD_KEEP", "off");
    assert_eq!(project.output("app", &[]), EXPECTED);
    project.unset_env("UNFOLD_KEEP");
    Some(project)
}

fn link(project: &Project, flags: &[&str]) {
    project.link(&[&OBJECTS, flags, &["-o", "app"]].concat());
}

fn for_each_lazy_pager(name: &str, flags: &[&str], test: impl Fn(&Project)) {
    for pager in lazy_pagers() {
        let Some(project) = linked(&format!("{name}-{pager}"), flags) else { return };
        project.set_env("UNFOLD_PAGER", pager);
        project.set_env("UNFOLD_PREFETCH", "off");
        test(&project);
    }
}

/// Runs the program until the chunk with the value is on this shelf. A run may end before it has kept anything; one with an
/// argument ends later.
fn run_until_kept(project: &Project, shelf: &str) {
    let is_kept = || {
        assert_eq!(project.output("app", &["slow"]), EXPECTED);
        let read = |name: &str| fs::read(generation(project).join(name)).unwrap_or_default();
        let (chunks, map) = (read(shelf), read(&format!("{shelf}.map")));
        let at = chunks.windows(4).position(|bytes| bytes == VALUE.to_le_bytes());
        at.is_some_and(|at| map.get(MAP_HEAD + at / CHUNK) == Some(&1))
    };
    assert!((0..TRIES).any(|_| is_kept()), "no run has kept its chunks");
}

// --- the index ---

/// The newest generation of the output whose folder begins with `name`.
fn newest(index: &Path, name: &str) -> PathBuf {
    let entries = fs::read_dir(index.join("outputs")).expect("the index can be read");
    let mut outputs = entries.map(|entry| entry.expect("the index can be read").path());
    let is_it =
        |path: &PathBuf| path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(name));
    let output = outputs.find(is_it).expect("the output is in the index");
    let numbers = fs::read_dir(&output).expect("the index can be read");
    let numbers = numbers.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u64>().ok());
    output.join(numbers.max().expect("there is a generation").to_string())
}

fn generation(project: &Project) -> PathBuf {
    newest(&project.path(".unfold"), "app-")
}

fn file_of(project: &Project, name: &str) -> PathBuf {
    generation(project).join(name)
}

/// Changes a file in place, and gives it back its time.
fn damage(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    use std::os::unix::fs::FileExt;
    let before = fs::metadata(file).and_then(|metadata| metadata.modified()).expect("the file is there");
    let mut bytes = fs::read(file).expect("the file can be read");
    change(&mut bytes);
    let file = fs::File::options().write(true).open(file).expect("the file can be written");
    file.write_all_at(&bytes, 0).expect("the file can be written");
    file.set_len(bytes.len() as u64).expect("the file can be written");
    file.set_modified(before).expect("the file has a time");
}

/// Flips a bit, often of the head, overwrites a word, or cuts the end off.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.len() < 8 {
        return;
    }
    match random.below(4) {
        0 => bytes.truncate(random.below(bytes.len())),
        1 => {
            let at = random.below(bytes.len() / 8) * 8;
            bytes[at..at + 8].copy_from_slice(&random.number().to_le_bytes());
        }
        which => {
            let at = random.below(if which == 2 { bytes.len() } else { bytes.len().min(256) });
            bytes[at] ^= 1 << random.below(8);
        }
    }
}

fn find(bytes: &[u8], needle: &[u8]) -> usize {
    bytes.windows(needle.len()).position(|found| found == needle).expect("it is in the file")
}

/// The byte of the first chunk that a map says is kept, and of one behind it that is not.
fn kept(map: &mut [u8]) -> &mut u8 {
    map[MAP_HEAD..].iter_mut().find(|byte| **byte == 1).expect("a chunk is kept")
}

fn unkept(map: &mut [u8]) -> &mut u8 {
    let chunks = map[MAP_HEAD..].iter_mut().skip_while(|byte| **byte == 0);
    chunks.into_iter().find(|byte| **byte == 0).expect("a chunk is not kept")
}

// --- the command ---

fn verify(project: &Project, options: &[&str]) -> Outcome {
    let outcome = project.unfold(&[&["verify", "app"], options].concat()).expect("unfold is there");
    assert!(!outcome.stderr_text().contains("panicked"), "{outcome:?}");
    outcome
}

fn verify_file(project: &Project, file: &str, dry_run: bool) -> Outcome {
    let option: &[&str] = if dry_run { &["--dry-run"] } else { &[] };
    project.unfold(&[&["verify", file], option].concat()).expect("unfold is there")
}

fn examine(project: &Project, status: i32) -> Value {
    examine_with(project, &[], status)
}

/// What the command says as JSON, which ends with this status.
fn examine_with(project: &Project, options: &[&str], status: i32) -> Value {
    let said = verify(project, &[&["--json"], options].concat());
    assert_eq!(said.ending, Ending::Exit(status), "{said:?}");
    let json: Value = serde_json::from_slice(&said.stdout).expect("JSON");
    let report = json[0].clone();
    assert_eq!(report["right"], status == 0, "{report:#}");
    assert_eq!(report["dry_run"], options.contains(&"--dry-run"), "{report:#}");
    assert_eq!(findings(&report).count() == 0, status == 0, "{report:#}");
    report
}

fn findings(report: &Value) -> impl Iterator<Item = &Value> {
    report["findings"].as_array().expect("a list").iter()
}

fn number(object: &Value, name: &str) -> u64 {
    object[name].as_u64().unwrap_or_else(|| panic!("no number `{name}` in {object:#}"))
}
