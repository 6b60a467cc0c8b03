//! Edit scripts for shared libraries: a library is what its sources say now, a relink reads what was edited and keeps
//! the rest in its place, and programs that were linked before go on with the new library.

use unfold_tests::project::Project;
use unfold_tests::random::Random;
use unfold_tests::three_objects::assert_incremental;
use unfold_tests::tools::unfold_command;

const MAIN: &str = r#"#include <stdio.h>
int a(void), b(void);
extern int counter;
int main(void) { int x = a(), y = b(); printf("%d %d %d\n", x, y, counter); return 0; }
"#;
const A: &str = "int counter = 1;\nint a(void) { return ++counter; }\n";
const B: &str = "extern int counter;\nstatic int *where = &counter;\nint b(void) { return *where * 10; }\n";
const LIBRARY: &[&str] = &["-shared", "a.o", "b.o", "-o", "libab.so"];

/// A library of two objects, and a program that uses it.
fn library(name: &str) -> Project {
    let project = Project::new(&format!("libraries/{name}"));
    edit(&project, "a.c", A);
    edit(&project, "b.c", B);
    project.link(LIBRARY);
    project.edit("main.c", MAIN);
    project.link(&["main.o", "-L.", "-lab", "-Wl,-rpath,$ORIGIN", "-o", "app"]);
    assert_eq!(project.output("app", &[]), "2 20 2\n");
    project
}

fn edit(project: &Project, source: &str, contents: &str) {
    project.write(source, contents);
    project.compile_with(source, &["-fPIC"]);
}

/// Address of a dynamic symbol.
fn address(project: &Project, library: &str, symbol: &str) -> String {
    let listed = project.tool("nm", &["-D", library]).stdout_text();
    let line = listed.lines().find(|line| line.split(' ').next_back() == Some(symbol));
    line.unwrap_or_else(|| panic!("no {symbol} in {listed}")).split(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn a_body_is_edited() {
    let project = library("body");
    let before = address(&project, "libab.so", "b");
    for value in [10, 1000, 70] {
        edit(&project, "a.c", &A.replace("++counter", &format!("counter += {value}")));
        project.link(LIBRARY);
        assert_incremental(&project, "libab.so", &["a.o"]);
        let counter = value + 1;
        assert_eq!(project.output("app", &[]), format!("{counter} {} {counter}\n", counter * 10));
        // A linker that makes a full link each time has it where it comes to lie.
        if unfold_command().is_some() {
            assert_eq!(address(&project, "libab.so", "b"), before, "an unchanged object has moved");
        }
    }
}

#[test]
fn a_function_outgrows_its_place() {
    let project = library("grown");
    let body: String = (0..300).map(|n| format!("  counter ^= {n}; counter ^= {n};\n")).collect();
    edit(&project, "a.c", &format!("int counter = 1;\nint a(void) {{\n{body} return ++counter; }}\n"));
    project.link(LIBRARY);
    assert_incremental(&project, "libab.so", &["a.o"]);
    assert_eq!(project.output("app", &[]), "2 20 2\n");
    // The dynamic symbol has the function's new size: `dladdr` goes by it.
    let symbols = project.tool("nm", &["-D", "-S", "libab.so"]).stdout_text();
    let line = symbols.lines().find(|line| line.ends_with(" T a")).expect("a is exported");
    let size = u64::from_str_radix(line.split(' ').nth(1).expect("a size"), 16).expect("a number");
    assert!(size > 300 * 6, "{line}");
}

#[test]
fn pointers_come_and_go() {
    let project = library("pointers");
    for count in [1, 12, 3, 0] {
        let table = "&counter, ".repeat(count);
        let text = format!(
            "extern int counter;\nstatic int *where[] = {{ {table} &counter }};\n\
             int b(void) {{ int sum = 0; for (int i = 0; i <= {count}; i++) sum += *where[i]; return sum; }}\n"
        );
        edit(&project, "b.c", &text);
        project.link(LIBRARY);
        assert_incremental(&project, "libab.so", &["b.o"]);
        assert_eq!(project.output("app", &[]), format!("2 {} 2\n", 2 * (count + 1)));
    }
}

#[test]
fn a_function_is_exported_anew_and_taken_away() {
    let project = library("exports");
    edit(&project, "a.c", &format!("{A}int more(void) {{ return 5; }}\n"));
    project.link(LIBRARY);
    project.edit(
        "main.c",
        &MAIN.replace("x = a()", "x = a() + more()").replace("int a(void)", "int a(void), more(void)"),
    );
    project.link(&["main.o", "-L.", "-lab", "-Wl,-rpath,$ORIGIN", "-o", "app"]);
    assert_eq!(project.output("app", &[]), "7 20 2\n");
    edit(&project, "a.c", A);
    project.link(LIBRARY);
    assert!(!project.tool("nm", &["-D", "libab.so"]).stdout_text().contains("more"));
}

#[test]
fn a_program_is_not_read_again_when_only_code_of_its_library_changed() {
    let project = library("code");
    edit(&project, "a.c", &A.replace("++counter", "counter += 2"));
    project.link(LIBRARY);
    project.link(&["main.o", "-L.", "-lab", "-Wl,-rpath,$ORIGIN", "-o", "app"]);
    assert_incremental(&project, "app", &[]);
    assert_eq!(project.output("app", &[]), "3 30 3\n");
}

#[test]
fn nothing_changed_and_a_stripped_library_is_made_again() {
    let project = library("stripped");
    project.link(LIBRARY);
    assert_incremental(&project, "libab.so", &[]);
    let whole = project.read("libab.so");
    project.tool("strip", &["libab.so"]);
    assert_eq!(project.output("app", &[]), "2 20 2\n");
    project.link(LIBRARY);
    assert_incremental(&project, "libab.so", &[]);
    assert_eq!(project.read("libab.so"), whole);
    project.remove("libab.so");
    project.link(LIBRARY);
    assert_eq!(project.read("libab.so"), whole);
}

#[test]
fn a_running_program_keeps_its_library() {
    let project = library("running");
    edit(
        &project,
        "a.c",
        &format!("#include <unistd.h>\n{}", A.replace("return", "read(0, (char[1]){ 0 }, 1); return")),
    );
    project.link(LIBRARY);
    let mut child = std::process::Command::new(project.path("app"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    edit(&project, "b.c", &B.replace("10", "11"));
    project.link(LIBRARY);
    drop(child.stdin.take());
    let output = child.wait_with_output().expect("the program ends");
    assert!(output.status.success());
    // The program had the old library open, or opens the new one: it is one of the two.
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(["2 20 2\n", "2 22 2\n"].contains(&text.as_str()), "{text}");
    assert_eq!(project.output("app", &[]), "2 22 2\n");
}

#[test]
fn an_invalid_edit_fails_as_in_ld_and_keeps_no_library() {
    let project = library("invalid");
    // Compiled without -fPIC: the address of somebody else's variable.
    project.write("b.c", "extern int counter;\nint b(void) { return counter * 10; }\n");
    project.compile_with("b.c", &["-fno-pic"]);
    let outcome = project.try_link(LIBRARY);
    assert!(!outcome.succeeded());
    assert!(outcome.stderr_text().contains("recompile with -fPIC"), "{outcome:?}");
    edit(&project, "b.c", B);
    project.link(LIBRARY);
    assert_eq!(project.output("app", &[]), "2 20 2\n");
}

#[test]
fn a_long_series_of_edits() {
    let project = library("series");
    let seed = std::env::var("UNFOLD_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(11);
    println!("UNFOLD_TEST_SEED={seed}");
    let mut random = Random::new(seed);
    let (mut step, mut factor, mut pointers) = (1, 10, 0);
    for _ in 0..25 {
        match random.below(3) {
            0 => step = random.below(50) as usize + 1,
            1 => factor = random.below(90) as usize + 1,
            _ => pointers = random.below(40) as usize,
        }
        let padding: String =
            (0..random.below(200)).map(|n| format!(" counter ^= {n}; counter ^= {n};")).collect();
        edit(
            &project,
            "a.c",
            &format!("int counter = 1;\nint a(void) {{ {padding} return counter += {step}; }}\n"),
        );
        let table = "b, ".repeat(pointers);
        edit(
            &project,
            "b.c",
            &format!(
                "extern int counter;\nint b(void);\nint (*table[])(void) = {{ {table} 0 }};\nstatic int *where = &counter;\n\
                 int b(void) {{ return *where * {factor}; }}\n"
            ),
        );
        project.link(LIBRARY);
        let counter = 1 + step;
        assert_eq!(
            project.output("app", &[]),
            format!("{counter} {} {counter}\n", counter * factor),
            "seed {seed}"
        );
    }
}

#[test]
fn the_build_id_is_that_of_the_objects() {
    let project = library("build-id");
    let link = [LIBRARY, &["-Wl,--build-id"]].concat();
    let id = || {
        project.link(&link);
        let notes = project.tool("readelf", &["-n", "libab.so"]).stdout_text();
        notes.lines().find(|line| line.contains("Build ID")).expect("a build ID").to_owned()
    };
    let first = id();
    edit(&project, "a.c", &A.replace("++counter", "counter += 2"));
    let second = id();
    assert_incremental(&project, "libab.so", &["a.o"]);
    assert_ne!(first, second);
    edit(&project, "a.c", A);
    assert_eq!(id(), first);
    edit(&project, "a.c", &A.replace("++counter", "counter += 2"));
    if project.exists(".unfold") {
        project.remove(".unfold");
    }
    assert_eq!(id(), second, "a link from nothing gives the same ID");
}
