//! valgrind finds in a program what it finds in the twin that GNU ld makes, and nothing of the loader's.

use unfold_tests::directives::{Compiler, Ending};
use unfold_tests::project::Project;
use unfold_tests::run::{Outcome, program, run};
use unfold_tests::tools::{complete_kept, gnu_linker, is_installed, unfold_command};
use unfold_tests::twins::Twins;
use unfold_tests::ways;

const SOURCE: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define FAR(value) __asm__ volatile("jmp 1f\n.skip 65536, 0x90\n1:" : "+r"(value))
__attribute__((noinline)) static int read_at(char *block, int index) {
    FAR(index);
    int result = ((volatile char *)block)[index];
    FAR(index);
    return result;
}
int main(int argc, char **argv) {
    char *block = malloc(100);
    memset(block, 5, 100);
    printf("%d\n", read_at(block, 50));
    if (argc > 1)
        read_at(block, 100);
    free(block);
    return 0;
}
"#;

const ERROR: i32 = 9;

#[test]
fn memcheck_finds_nothing_that_is_ours() {
    let Some(project) = project("nothing") else { return };
    for (app, pager, kept) in ways() {
        let outcome = memcheck(&project, app, pager, kept, &[]);
        assert_eq!(outcome.ending, Ending::Exit(0), "{app} {pager} {kept}: {outcome:?}");
        assert_eq!(outcome.stdout_text(), "5\n", "{app} {pager} {kept}: {outcome:?}");
        // It says that it finds no sections in the executable's own file.
        let stderr = outcome.stderr_text();
        let of_memcheck: Vec<&str> = stderr.lines().filter(|line| !line.starts_with("--")).collect();
        assert!(of_memcheck.is_empty(), "{app} {pager} {kept}: {outcome:?}");
    }
}

#[test]
fn memcheck_finds_what_is_the_program_s() {
    let Some(project) = project("error") else { return };
    for (app, pager, kept) in ways() {
        let outcome = memcheck(&project, app, pager, kept, &["beyond"]);
        assert_eq!(outcome.ending, Ending::Exit(ERROR), "{app} {pager} {kept}: {outcome:?}");
        let errors = outcome.stderr_text().matches("Invalid read of size 1").count();
        assert_eq!(errors, 1, "{app} {pager} {kept}: {outcome:?}");
    }
}

/// Each executable with the pagers that it is run with, and whether everything is kept before.
fn ways() -> Vec<(&'static str, &'static str, bool)> {
    vec![
        ("twin", "auto", false),
        ("baked", "auto", false),
        ("app", "auto", false),
        ("app", "signal", false),
        ("app", "eager", false),
        ("app", "auto", true),
    ]
}

fn project(name: &str) -> Option<Project> {
    let unfold = unfold_command()?;
    if !is_installed("valgrind") {
        eprintln!("note: valgrind is not installed, so it is not asked for anything");
        return None;
    }
    let project = Project::new(&format!("valgrind/{name}"));
    project.set_env("UNFOLD_BACKGROUND", "off");
    project.write("main.c", SOURCE);
    project.compile_with("main.c", &["-O1"]);
    project.link(&["main.o", "-o", "app"]);
    let search = format!("-B{}", gnu_linker().search_dir.display());
    project.tool("gcc", &[&search, "main.o", "-o", "twin"]);
    project.bake(unfold, "app", "baked");
    Some(project)
}

fn memcheck(project: &Project, app: &str, pager: &str, kept: bool, args: &[&str]) -> Outcome {
    if kept {
        complete_kept(&project.path(app)).unwrap();
    }
    let mut command = program("valgrind");
    command.args(["-q", &format!("--error-exitcode={ERROR}")]).arg(project.path(app)).args(args);
    command.env("UNFOLD_PAGER", pager).env("UNFOLD_BACKGROUND", "off").env("UNFOLD_PREFETCH", "off");
    command.env("UNFOLD_KEEP", if kept { "on" } else { "off" });
    run(&mut command, b"").unwrap()
}

/// Allocates too little, leaks, and spends its time in functions of its own.
const NAMED: &str = r#"
#include <stdlib.h>
#include <string.h>
static char *allocated(int size) { return malloc(size); }
static int beyond(const char *block, int index) {
    return block[index];
}
static int leaks(int count) {
    int sum = 0;
    for (int i = 0; i < count; i++) {
        char *block = allocated(1000);
        memset(block, i, 1000);
        sum += block[i];
    }
    return sum;
}
int works(int n) {
    int x = n;
    for (int i = 0; i < n; i++)
        x = x * 3 + i;
    return x;
}
int main(void) {
    char *block = allocated(10);
    memset(block, 1, 10);
    int sum = beyond(block, 12) + leaks(7) + works(100000);
    free(block);
    return sum == 1 ? 3 : 0;
}
"#;

/// KnownDifference: before a program has settled, its code is mapped from the index, and valgrind looks for names in the file
/// that code is mapped from. So these are of settled ones.
fn named(name: &str) -> Option<Twins> {
    let mut twins = Twins::new(&format!("valgrind/{name}"), Compiler::Gcc, &["valgrind"])?;
    twins.project.write("main.c", NAMED);
    twins.project.tool("gcc", &["-g", "-O0", "-c", "main.c"]);
    twins.link(&["main.o"]);
    Some(twins)
}

#[test]
fn memcheck_names_functions_and_lines() {
    let Some(twins) = named("memcheck") else { return };
    let has = [
        "Invalid read of size 1",
        "beyond (main.c:6)",
        "main (main.c:26)",
        "allocated (main.c:4)",
        "definitely lost",
        "allocated (main.c:4)",
        "leaks (main.c:11)",
    ];
    let code = regex::Regex::new(r"(at|by) 0x[0-9A-F]+").expect("a fixed pattern");
    twins.assert_same(&ways::once_settled(), &has, |app| {
        code.replace_all(&app.shown("valgrind", &["--leak-check=full", "./app"]), "$1 ADDRESS").into_owned()
    });
}

/// The scripts that rustc has loaded lie between constants, of which valgrind takes one section.
#[test]
fn memcheck_reads_a_program_with_scripts_for_debuggers() {
    let Some(mut twins) = Twins::new("valgrind/scripts", Compiler::Gcc, &["valgrind"]) else { return };
    twins.project.write("main.c", NAMED);
    twins.project.write(
        "scripts.c",
        "__asm__(\".pushsection .debug_gdb_scripts, \\\"aMS\\\", @progbits, 1\\n.byte 1\\n.asciz \\\"none.py\\\"\\n.popsection\");\n\
         const int before = 3;\n",
    );
    twins.project.write("more.c", "const int behind[100] = { 3, 4 };\n");
    twins.project.tool("gcc", &["-g", "-O0", "-c", "main.c", "scripts.c", "more.c"]);
    twins.link(&["scripts.o", "main.o", "more.o"]);
    twins.assert_same(&ways::once_settled(), &["beyond (main.c:6)"], |app| {
        let text = app.shown("valgrind", &["./app"]);
        text.lines()
            .filter(|line| line.contains("main.c") || line.contains("debug info"))
            .map(|line| line.split_once(": ").map_or(line, |(_, rest)| rest).to_owned() + "\n")
            .collect()
    });
}

#[test]
fn callgrind_names_functions_and_files() {
    let Some(twins) = named("callgrind") else { return };
    twins.assert_same(&ways::once_settled(), &["main.c:works [", "x * 3 + i"], |app| {
        app.shown("valgrind", &["-q", "--tool=callgrind", "--callgrind-out-file=out", "./app"]);
        let text = app.shown("callgrind_annotate", &["--auto=yes", "out"]);
        // What ld.so does before is not the same, so neither are shares.
        let of_program = |line: &&str| ["main.c:works [", "x * 3 + i"].iter().any(|name| line.contains(name));
        let without_shares =
            |line: &str| line.split_once(") ").map_or(line, |(_, rest)| rest).trim().to_owned() + "\n";
        text.lines().filter(of_program).map(without_shares).collect()
    });
}

#[test]
fn massif_names_who_allocates() {
    let Some(twins) = named("massif") else { return };
    let has = ["allocated (main.c:4)", "leaks (main.c:11)"];
    twins.assert_same(&ways::once_settled(), &has, |app| {
        app.shown("valgrind", &["-q", "--tool=massif", "--massif-out-file=out", "./app"]);
        let text = app.shown("ms_print", &["out"]);
        let mut lines: Vec<String> = text
            .lines()
            .filter_map(|line| {
                Some(
                    line.split_once("ADDRESS")
                        .or_else(|| line.split_once("0x"))?
                        .1
                        .split_once(": ")?
                        .1
                        .to_owned(),
                )
            })
            .collect();
        lines.sort();
        lines.dedup();
        lines.join("\n") + "\n"
    });
}
