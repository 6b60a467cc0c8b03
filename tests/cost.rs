//! What a relink reads and writes follows the change, and not the program; and what it leaves is right all the same.
//! No test depends on a time: bytes and files are counted.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use unfold_tests::directives::Ending;
use unfold_tests::project::Project;
use unfold_tests::three_objects::{OBJECTS, assert_incremental, three_objects};
use unfold_tests::tools::unfold_command;

/// Objects of the generated program.
const UNITS: usize = 300;

/// Functions in each; each object has a table of functions of another one, so that moves reach eager pages.
const FUNCTIONS: usize = 8;

fn unit(number: usize, grown: usize) -> String {
    let next = (number + 1) % UNITS;
    let mut text = format!("extern int (*const table{next}[])(int);\n");
    for function in 0..FUNCTIONS {
        let padding = "    x = x * 5 + 1;\n".repeat(if function == 0 { grown } else { 0 });
        text.push_str(&format!(
            "__attribute__((noinline)) int long_name_of_unit_{number}_function_{function}(volatile int x) {{\n{padding}    \
             return x + {number};\n}}\n"
        ));
    }
    let names: String =
        (0..FUNCTIONS).map(|function| format!("long_name_of_unit_{number}_function_{function}, ")).collect();
    text.push_str(&format!("int (*const table{number}[])(int) = {{{names}}};\n"));
    text.push_str(&format!("int call{number}(int x) {{ return table{next}[{FUNCTIONS} - 1](x); }}\n"));
    text
}

/// A program of many objects, linked; and the words of its link.
fn large_program(name: &str) -> (Project, Vec<String>) {
    let project = Project::new(name);
    let mut words: Vec<String> = (0..UNITS).map(|number| format!("unit{number}.o")).collect();
    for number in 0..UNITS {
        project.write(&format!("unit{number}.c"), unit(number, 0));
    }
    let sources: Vec<String> = (0..UNITS).map(|number| format!("unit{number}.c")).collect();
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    project.tool("gcc", &[&["-w", "-g", "-O1", "-c"], &sources[..]].concat());
    project.edit(
        "main.c",
        "#include <stdio.h>\nint call6(int), call7(int);\nextern int (*const table7[])(int);\n\
         int main(void) { printf(\"%d %d %d\\n\", call6(1), call7(1), table7[1](2)); return 0; }\n",
    );
    words.extend(["main.o", "-o", "app"].map(str::to_owned));
    link(&project, &words);
    (project, words)
}

fn link(project: &Project, words: &[String]) {
    project.link(&words.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Compiles unit 7 anew.
fn edit(project: &Project, grown: usize) {
    project.write("unit7.c", unit(7, grown));
    project.compile_with("unit7.c", &["-g", "-O1"]);
}

/// All files of the index and the output: inode, time, bytes on disk.
fn files(project: &Project) -> HashMap<u64, (PathBuf, i128, u64)> {
    fn walk(path: &Path, files: &mut HashMap<u64, (PathBuf, i128, u64)>) {
        let metadata = fs::symlink_metadata(path).expect("the index can be read");
        if metadata.is_dir() {
            for entry in fs::read_dir(path).expect("the index can be read") {
                walk(&entry.expect("the index can be read").path(), files);
            }
        } else {
            let time = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
            files.insert(metadata.ino(), (path.to_owned(), time, metadata.len()));
        }
    }
    let mut files = HashMap::new();
    walk(&project.path(".unfold"), &mut files);
    walk(&project.path("app"), &mut files);
    files
}

/// Bytes of files that are new since `before`, or were changed; the names of functions are changed in few places.
fn written(project: &Project, before: &HashMap<u64, (PathBuf, i128, u64)>) -> u64 {
    let is_new = |(inode, (path, time, _)): &(&u64, &(PathBuf, i128, u64))| {
        let in_place = path.file_name().is_some_and(|name| name == "symbols" || name == "functions");
        match before.get(inode) {
            Some((_, known, _)) => known != time && !in_place,
            None => true,
        }
    };
    files(project).iter().filter(is_new).map(|(_, (_, _, len))| len).sum()
}

#[test]
fn a_relink_writes_what_changed() {
    if unfold_command().is_none() {
        return;
    }
    let (project, words) = large_program("cost/written");
    // What is relocated behind a link is no part of it.
    project.set_env("UNFOLD_BACKGROUND", "off");
    let whole: u64 =
        files(&project).values().map(|(path, _, len)| if path.ends_with("image") { 0 } else { *len }).sum();
    let executable = project.path("app").metadata().expect("the output is there").len();
    for grown in [1, 20, 300, 2] {
        let before = files(&project);
        edit(&project, grown);
        link(&project, &words);
        assert_incremental(&project, "app", &["unit7.o"]);
        let object = project.path("unit7.o").metadata().expect("the object is there").len();
        let bytes = written(&project, &before);
        assert!(
            bytes < executable + 2 * object + 200_000 && bytes < whole / 3,
            "{bytes} of {whole} bytes, {executable} of them the executable, {object} the object"
        );
        assert_eq!(project.output("app", &[]), "8 9 9\n");
    }
}

#[test]
fn a_link_with_nothing_to_do_writes_nothing() {
    if unfold_command().is_none() {
        return;
    }
    let (project, words) = large_program("cost/nothing");
    link(&project, &words);
    let before = files(&project);
    link(&project, &words);
    assert_incremental(&project, "app", &[]);
    let output = project.path("app").metadata().expect("the output is there");
    let bytes = written(&project, &before).saturating_sub(output.len());
    assert!(bytes < 1000, "{bytes} bytes");
    // And yet make sees it newer than its inputs.
    let input = project.path("unit0.o").metadata().expect("the object is there");
    assert!(output.modified().unwrap() >= input.modified().unwrap());
}

#[test]
fn what_changed_the_output_is_undone() {
    if unfold_command().is_none() {
        return;
    }
    let project = three_objects("cost/output-changed");
    project.link(OBJECTS);
    let linked = project.read("app");
    for change in ["truncate", "strip", "remove", "append"] {
        match change {
            "truncate" => project.write("app", &linked[..5000]),
            "strip" => drop(project.tool("strip", &["app"])),
            "remove" => project.remove("app"),
            _ => project.write("app", [&linked[..], b"more"].concat()),
        }
        project.link(OBJECTS);
        assert_eq!(project.output("app", &[]), "1 2\n", "{change}");
    }
    project.remove("app");
    project.link(OBJECTS);
    project.edit("a.c", "int a(void) { return 5; }\n");
    project.tool("strip", &["app"]);
    project.link(OBJECTS);
    assert_incremental(&project, "app", &["a.o"]);
    assert_eq!(project.output("app", &[]), "5 2\n");
}

/// The names of functions of unit 7 and their addresses, as `nm` and `addr2line` find them through the executable.
#[test]
fn names_of_functions_follow_relinks() {
    if unfold_command().is_none() {
        return;
    }
    let (project, words) = large_program("cost/names");
    for (round, grown) in [3, 40, 0, 500, 41, 2000, 1].into_iter().enumerate() {
        edit(&project, grown);
        link(&project, &words);
        if round % 3 == 1 {
            // A link that knows nothing of the last one's generation: two in a row from the same state.
            project.tool("cp", &["app", "before"]);
            edit(&project, grown + 1);
            link(&project, &words);
            project.tool("cp", &["before", "app"]);
            edit(&project, grown);
            link(&project, &words);
        }
        let symbols = check_symbols(&project);
        let truth = truth(&project);
        for (name, addr) in &truth {
            assert_eq!(symbols.get(name), Some(addr), "{name}, {grown}");
        }
        assert_eq!(truth.len(), FUNCTIONS, "{truth:?}");
        // An address within a function of a neighbour is still that neighbour's.
        assert!(symbols.contains_key("long_name_of_unit_8_function_7"));
        let inside = format!("{:#x}", truth["long_name_of_unit_7_function_5"] + 2);
        let found = project.tool("addr2line", &["-f", "-e", &symbols_of(&project), &inside]).stdout_text();
        assert!(found.starts_with("long_name_of_unit_7_function_5\n"), "{found}, {grown}");
    }
}

/// Where the program itself says that its functions are: the baked program has them in an ordinary symbol table.
fn truth(project: &Project) -> HashMap<String, u64> {
    let unfold = unfold_command().expect("the tests ask before");
    project.bake(unfold, "app", "baked");
    let mut symbols = nm(project, "baked");
    symbols.retain(|name, _| name.starts_with("long_name_of_unit_7_"));
    symbols
}

fn nm(project: &Project, file: &str) -> HashMap<String, u64> {
    let text = project.tool("nm", &[file]).stdout_text();
    let lines = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let addr = u64::from_str_radix(words.next()?, 16).ok()?;
        Some((words.nth(1)?.to_owned(), addr))
    });
    lines.collect()
}

/// The file that the executable's `.gnu_debuglink` names.
fn symbols_of(project: &Project) -> String {
    project.tool("objcopy", &["--dump-section", ".gnu_debuglink=debuglink", "app", "/dev/null"]);
    let link = project.read("debuglink");
    let end = link.iter().position(|byte| *byte == 0).expect("a path");
    String::from_utf8(link[..end].to_vec()).expect("a path")
}

/// What is in that file, whose checksum must be the one that the executable says.
fn check_symbols(project: &Project) -> HashMap<String, u64> {
    let path = symbols_of(project);
    let link = project.read("debuglink");
    let expected = u32::from_le_bytes(link[link.len() - 4..].try_into().expect("a checksum"));
    let contents = fs::read(&path).expect("the file of symbols is there");
    assert_eq!(crc32(&contents), expected, "{path}");
    nm(project, &path)
}

/// The CRC of `.gnu_debuglink` (gdb's manual, "Separate Debug Files").
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 != 0 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[test]
fn a_damaged_list_of_changes_is_noticed() {
    if unfold_command().is_none() {
        return;
    }
    let project = three_objects("cost/changes");
    project.link(OBJECTS);
    for round in 0..12 {
        project.edit("a.c", &format!("int a(void) {{ return {round}; }}\n"));
        project.link(OBJECTS);
        let newest = newest_generation(&project);
        for file in ["changes", "state", "names", "patch", "functions", "head"] {
            let path = newest.join(file);
            let mut contents = fs::read(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
            let position = (round * 97 + 40) % contents.len();
            contents[position] ^= 1 << (round % 8);
            if ["changes", "state", "names", "patch", "functions", "head"][round % 6] == file {
                // In place, as damage comes: links to the file in other generations see it too.
                fs::write(&path, contents).expect("the file can be written");
            }
        }
        project.edit("b.c", &format!("int b(void) {{ return {round} + 3; }}\n"));
        project.link(OBJECTS);
        assert_eq!(project.output("app", &[]), format!("{round} {}\n", round + 3));
    }
}

#[test]
fn damage_that_only_the_program_notices_is_repaired() {
    if unfold_command().is_none() {
        return;
    }
    let project = three_objects("cost/unnoticed");
    project.link(OBJECTS);
    let plan = newest_generation(&project).join("plan");
    let mut contents = fs::read(&plan).expect("the plan can be read");
    let modified = fs::metadata(&plan).and_then(|metadata| metadata.modified()).expect("it has a time");
    // In the header, which every launch reads. Damage elsewhere is found when it is in the way (tests/damage.rs).
    contents[100] ^= 4;
    fs::write(&plan, contents).expect("the plan can be written");
    fs::File::options().write(true).open(&plan).and_then(|file| file.set_modified(modified)).expect("a time");
    let outcome = project.run("app", &[]);
    assert_eq!(outcome.ending, Ending::Exit(127), "{outcome:?}");
    // It said to link again.
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "1 2\n");
}

fn newest_generation(project: &Project) -> PathBuf {
    let outputs = project.path(".unfold/outputs");
    let output =
        fs::read_dir(outputs).expect("the index").next().expect("an output").expect("an output").path();
    let numbers = fs::read_dir(&output)
        .expect("the index")
        .filter_map(|entry| entry.expect("the index").file_name().to_str()?.parse::<u64>().ok());
    let newest = numbers.max().expect("a generation");
    output.join(newest.to_string())
}
