//! Laziness is real: code that a run never touches is never relocated, which the loader's own counters
//! prove (`unfold status --json`, `last_run`).
//!
//! The program has 400 functions of more than two pages each, in 100 objects, and calls as many of them as its
//! arguments say. Every instruction of theirs has a relocation and counts in the result, so a page that was
//! rendered wrongly, or not at all, changes the output.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use unfold_tests::directives::Compiler;
use unfold_tests::project::Project;
use unfold_tests::run::lazy_pagers;
use unfold_tests::status::LastRun;
use unfold_tests::tools::unfold_command;

const OBJECTS: usize = 100;
const FUNCTIONS_PER_OBJECT: usize = 4;
const FUNCTIONS: usize = OBJECTS * FUNCTIONS_PER_OBJECT;

/// Each function adds a variable this many times, by an instruction of six bytes.
const ADDITIONS: usize = 1400;

/// Runs after which the background must have got somewhere, however busy the machine is.
const TRIES: usize = 50;

/// Pages of code that only these functions can account for.
const CODE_PAGES: u64 = (FUNCTIONS * ADDITIONS * 6 / 4096) as u64;

#[test]
fn the_program_computes_what_it_should() {
    let project = linked("sums");
    assert_eq!(project.output("app", &["0", "0"]), "0\n");
    assert_eq!(project.output("app", &["17", "3"]), sum(3));
    assert_eq!(project.output("app", &["0", "400"]), sum(400));
}

#[test]
fn untouched_code_is_never_relocated() {
    for_each_lazy_pager("untouched", |pager, project| {
        project.set_env("UNFOLD_PREFETCH", "off");
        let run = counted_run(project, &["200", "3"], 3);
        assert_eq!(run.pager, pager);
        assert!(run.faults > 0, "{run:?}");
        let total = project.status("app").expect("unfold is there").pages_total;
        assert!(total >= CODE_PAGES, "{total} pages in all");
        assert!(run.pages_rendered > 0, "{run:?}");
        assert!(run.pages_rendered < total / 4, "of {total} pages: {run:?}");
        assert_eq!(run.pages_prefetched, 0, "{run:?}");
    });
}

#[test]
fn touching_more_renders_more() {
    for_each_lazy_pager("more", |pager, project| {
        project.set_env("UNFOLD_PREFETCH", "off");
        project.set_env("UNFOLD_KEEP", "off");
        let few = counted_run(project, &["0", "2"], 2);
        let many = counted_run(project, &["200", "200"], 200);
        assert!(
            many.pages_rendered >= few.pages_rendered + CODE_PAGES / 4,
            "{pager}: {few:?} and then {many:?}"
        );
        assert!(many.faults > few.faults, "{pager}: {few:?} and then {many:?}");
    });
}

#[test]
fn a_later_run_is_spared_the_faults_of_the_one_before() {
    for_each_lazy_pager("later", |pager, project| {
        project.set_env("UNFOLD_PREFETCH", "on");
        project.set_env("UNFOLD_KEEP", "off");
        let first = counted_run(project, &["100", "100"], 100);
        assert!(first.faults > 0, "{pager}: {first:?}");
        // A run may end before its background thread has rendered anything, so it gets several tries.
        let spared = (0..TRIES)
            .map(|_| counted_run(project, &["100", "100"], 100))
            .inspect(|later| assert_eq!(later.pages_from_kept, 0, "{pager}: {later:?}"))
            .find(|later| later.pages_prefetched > 0 && later.faults < first.faults);
        assert!(spared.is_some(), "{pager}: no run has fewer faults than the first, {first:?}");
    });
}

#[test]
fn kept_pages_serve_later_runs() {
    for_each_lazy_pager("kept", |pager, project| {
        project.set_env("UNFOLD_PREFETCH", "off");
        let first = counted_run(project, &["100", "100"], 100);
        assert_eq!(first.pages_from_kept, 0, "{pager}: {first:?}");
        let served = run_until_kept(project);
        assert!(served.faults < first.faults, "{pager}: {first:?} and then {served:?}");
        assert!(served.pages_rendered < first.pages_rendered, "{pager}: {first:?} and then {served:?}");
        // What nobody has touched so far is not there, and still right.
        let more = counted_run(project, &["0", "400"], 400);
        assert!(more.pages_from_kept > 0 && more.faults > 0, "{pager}: {more:?}");
    });
}

#[test]
fn nothing_is_kept_when_that_is_switched_off() {
    for_each_lazy_pager("kept-off", |pager, project| {
        project.set_env("UNFOLD_PREFETCH", "off");
        run_until_kept(project);
        project.set_env("UNFOLD_KEEP", "off");
        let run = counted_run(project, &["100", "100"], 100);
        assert_eq!(run.pages_from_kept, 0, "{pager}: {run:?}");
        assert!(run.faults > 0, "{pager}: {run:?}");
    });
}

#[test]
fn a_truncated_file_of_kept_pages_does_no_harm() {
    for_each_lazy_pager("kept-cut", |_, project| {
        project.set_env("UNFOLD_PREFETCH", "off");
        for part in [0, 1, 2, 3] {
            run_until_kept(project);
            for kept in files_called(&project.path(".unfold"), "kept") {
                let file = fs::OpenOptions::new().write(true).open(&kept).expect("the file can be written");
                let length = file.metadata().expect("the file is there").len();
                // Not at the end of a page either.
                file.set_len(length * part / 4 + part).expect("the file can be cut");
            }
            counted_run(project, &["100", "100"], 100);
            counted_run(project, &["100", "200"], 200);
        }
    });
}

#[test]
fn kept_pages_are_forgotten_when_the_program_changes() {
    let project = Project::new("lazy/kept-relink");
    let source = |value: i32| {
        format!("#include <stdio.h>\nint main(void) {{ printf(\"%d\\n\", {value}); return 0; }}\n")
    };
    for value in 0..4 {
        project.edit("main.c", &source(value));
        project.link(&["main.o", "-o", "app"]);
        for _ in 0..5 {
            assert_eq!(project.output("app", &[]), format!("{value}\n"));
        }
    }
}

#[test]
fn kept_pages_of_code_that_a_relink_leaves_alone_outlive_it() {
    for_each_lazy_pager("kept-over-relink", |pager, project| {
        let compile = |source: &str, text: String| {
            project.write(source, text);
            project.compile_with(source, &["-fPIE"]);
        };
        let part = |extra: &str| -> String {
            let functions = (0..FUNCTIONS_PER_OBJECT).map(function_source).collect::<String>();
            functions.replace("return x;", &format!("{extra}return x;"))
        };
        compile("main.c", main_source());
        compile("part0.c", part(""));
        let list: Vec<&str> = objects().lines().filter(|path| !path.ends_with("main.o")).collect();
        let list: Vec<&str> = list.into_iter().filter(|path| !path.ends_with("part0.o")).collect();
        project.write("objects", format!("main.o\npart0.o\n{}\n", list.join("\n")));
        project.link(&["@objects", "-o", "app"]);
        let code = 100 * ADDITIONS as u64 * 6 / 4096;
        run_until_served(project, code);
        let sum_of = |args: &[&str]| project.output("app", args);
        let last = || project.status("app").expect("unfold is there").last_run.expect("there was a run");

        // Four functions grow, and so move. Nobody else's code refers to them.
        compile("part0.c", part("for (int i = 0; i < 9000; i++) __asm__ volatile(\"\"); x++; "));
        project.link(&["@objects", "-o", "app"]);
        assert!(project.status("app").expect("unfold is there").incremental);
        assert_eq!(sum_of(&["100", "100"]), sum(100));
        let after = last();
        assert!(after.pages_from_kept > code / 2, "{pager}: {after:?}");
        assert_eq!(sum_of(&["0", "4"]), format!("{}\n", 4 * (ADDITIONS * 3 + 1)));
        (0..TRIES).for_each(|_| assert_eq!(sum_of(&["0", "8"]), format!("{}\n", 8 * ADDITIONS * 3 + 4)));

        // All functions refer to the variable that moves.
        compile("main.c", main_source().replace("int step = 3;", "int before[3000] = {1}; int step = 5;"));
        project.link(&["@objects", "-o", "app"]);
        for _ in 0..3 {
            assert_eq!(sum_of(&["100", "100"]), format!("{}\n", 100 * ADDITIONS * 5), "{pager}");
            assert_eq!(sum_of(&["0", "8"]), format!("{}\n", 8 * ADDITIONS * 5 + 4), "{pager}");
        }

        // And back again.
        compile("main.c", main_source());
        compile("part0.c", part(""));
        project.link(&["@objects", "-o", "app"]);
        for _ in 0..3 {
            assert_eq!(sum_of(&["0", "400"]), sum(400), "{pager}");
        }
    });
}

#[test]
fn kept_pages_follow_functions_that_move_within_an_object_that_did_not_change() {
    for_each_lazy_pager("kept-groups", |pager, project| {
        // `which` is in a group of its own, in front of `other`, and both are far away from who calls them.
        let which = "inline __attribute__((noinline)) int which() { volatile int x = 2; x += 1; x -= 1; return x; }\n";
        let edit = |name: &str, text: &str| project.edit(name, text);
        edit(
            "main.cpp",
            "#include <cstdio>\nint a(), b();\nint main() { std::printf(\"%d %d\\n\", a(), b()); }\n",
        );
        let other =
            "inline __attribute__((noinline)) int other() { volatile int y = 3; y *= 5; return y; }\n";
        let far = "__asm__(\".skip 400000, 0x90\");\n";
        edit("b.cpp", &format!("{which}{other}int b() {{ return which() * 100 + other(); }}\n{far}"));
        // What grows goes behind this.
        edit("c.cpp", &format!("{far}int c() {{ return 1; }}\n"));
        let link = || project.link_as(Compiler::Gxx, &["main.o", "a.o", "b.o", "c.o", "-o", "app"]);
        for (number, (text, expected)) in
            [("int a() { return 0; }\n", "0 215\n"), ("int a() { return which(); }\n", "2 215\n")]
                .into_iter()
                .cycle()
                .take(4)
                .enumerate()
        {
            edit("a.cpp", &format!("{}{text}", if number % 2 == 1 { which } else { "" }));
            link();
            let status = project.status("app").expect("unfold is there");
            assert!(status.incremental || number == 0, "{status:?}");
            for _ in 0..5 {
                assert_eq!(project.output("app", &[]), expected, "{pager}: link {number}");
            }
        }
    });
}

#[test]
fn the_eager_pager_renders_everything() {
    if unfold_command().is_none() {
        return;
    }
    let project = linked("eager");
    project.set_env("UNFOLD_PAGER", "eager");
    let run = counted_run(&project, &["5", "1"], 1);
    let total = project.status("app").expect("unfold is there").pages_total;
    assert_eq!(run.pager, "eager");
    assert_eq!(run.faults, 0, "{run:?}");
    // What an earlier link or run has kept need not be rendered once more.
    let present = run.pages_rendered + run.pages_from_kept;
    assert!(present >= CODE_PAGES && present <= total, "of {total} pages: {run:?}");
}

#[test]
fn there_is_no_last_run_before_the_first() {
    let project = linked("before");
    if let Some(status) = project.status("app") {
        assert!(status.last_run.is_none(), "{status:?}");
        assert!(status.objects >= OBJECTS as u64, "{status:?}");
        assert!(status.pages_total >= CODE_PAGES, "{status:?}");
    }
}

/// Runs the program until pages that an earlier run has kept serve it.
fn run_until_kept(project: &Project) -> LastRun {
    run_until_served(project, 1)
}

/// Runs the program until kept pages serve at least so many. A run may end before its background thread has kept
/// anything, or all that was touched.
fn run_until_served(project: &Project, pages: u64) -> LastRun {
    let mut runs = (0..TRIES).map(|_| counted_run(project, &["100", "100"], 100));
    let served = runs.find(|run| run.pages_from_kept >= pages);
    served.unwrap_or_else(|| panic!("no run was served by {pages} kept pages"))
}

/// All files of this name below a directory.
fn files_called(dir: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = vec![];
    for entry in fs::read_dir(dir).expect("the index can be read") {
        let path = entry.expect("the index can be read").path();
        if path.is_dir() {
            found.extend(files_called(&path, name));
        } else if path.file_name().is_some_and(|file| file == name) {
            found.push(path);
        }
    }
    found
}

/// Runs the test with a fresh link for each pager, so that no pager profits from another's run.
fn for_each_lazy_pager(name: &str, test: impl Fn(&str, &Project)) {
    if unfold_command().is_none() {
        return;
    }
    for pager in lazy_pagers() {
        let project = linked(&format!("{name}-{pager}"));
        project.set_env("UNFOLD_PAGER", pager);
        test(pager, &project);
    }
}

/// Runs the program, checks its result, and gives the loader's counters.
fn counted_run(project: &Project, args: &[&str], functions: usize) -> LastRun {
    assert_eq!(project.output("app", args), sum(functions));
    project.status("app").expect("unfold is there").last_run.expect("there was a run")
}

fn sum(functions: usize) -> String {
    format!("{}\n", functions * ADDITIONS * 3)
}

/// A project that holds nothing but the linked program.
fn linked(name: &str) -> Project {
    let project = Project::new(&format!("lazy/{name}"));
    // Nothing is relocated but what runs touch.
    project.set_env("UNFOLD_BACKGROUND", "off");
    let objects = objects();
    project.write("objects", objects);
    project.link(&["@objects", "-o", "app"]);
    project
}

/// Compiles the objects once for all tests, and gives their paths, one in each line.
fn objects() -> &'static str {
    static OBJECT_PATHS: OnceLock<String> = OnceLock::new();
    OBJECT_PATHS.get_or_init(|| {
        let project = Project::new("lazy/objects");
        let mut paths = String::new();
        let mut add = |source: String, text: String| {
            project.write(&source, text);
            project.compile_with(&source, &["-fPIE"]);
            let object = project.path(Path::new(&source).with_extension("o").to_str().expect("ASCII"));
            writeln!(paths, "{}", object.display()).expect("a String takes everything");
        };
        add("main.c".into(), main_source());
        for object in 0..OBJECTS {
            let first = object * FUNCTIONS_PER_OBJECT;
            let functions = (first..first + FUNCTIONS_PER_OBJECT).map(function_source);
            add(format!("part{object}.c"), functions.collect());
        }
        paths
    })
}

fn function_source(number: usize) -> String {
    format!(
        "int function_{number}(int x) {{\n    \
             __asm__ volatile(\".rept {ADDITIONS}\\n\\taddl step(%%rip), %0\\n.endr\" : \"+r\"(x));\n    \
             return x;\n}}\n"
    )
}

fn main_source() -> String {
    let declarations: String = (0..FUNCTIONS).map(|n| format!("int function_{n}(int);\n")).collect();
    let entries: String = (0..FUNCTIONS).map(|n| format!("    function_{n},\n")).collect();
    format!(
        "#include <stdio.h>\n#include <stdlib.h>\n\nint step = 3;\n{declarations}\n\
         static int (*const functions[])(int) = {{\n{entries}}};\n\n\
         int main(int argc, char **argv) {{\n    \
             int first = atoi(argv[1]), count = atoi(argv[2]), sum = 0;\n    \
             for (int i = first; i < first + count; i++)\n        \
                 sum = functions[i](sum);\n    \
             printf(\"%d\\n\", sum);\n    \
             return 0;\n}}\n"
    )
}
