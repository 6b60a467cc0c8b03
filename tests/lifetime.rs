//! What a linked program lives through: its objects are deleted or overwritten, it is copied, moved, replaced while it
//! runs, and shares its index with others. It works, or it says in one line why it cannot.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};
use std::thread;

use unfold_tests::build::linker_flags;
use unfold_tests::directives::{Compiler, Ending};
use unfold_tests::run::{Outcome, program, run, run_tool};
use unfold_tests::three_objects::{OBJECTS, assert_incremental, reindexed, three_objects};
use unfold_tests::tools::{tested_linker, unfold_command};

#[test]
fn objects_are_deleted_after_the_link() {
    let project = three_objects("lifetime/deleted");
    project.link(OBJECTS);
    for object in ["main.o", "a.o", "b.o"] {
        project.remove(object);
    }
    assert_eq!(project.output("app", &[]), "1 2\n");
    assert_eq!(project.output("app", &[]), "1 2\n");
}

#[test]
fn objects_are_overwritten_after_the_link() {
    let project = three_objects("lifetime/overwritten");
    project.link(OBJECTS);
    for object in ["main.o", "a.o", "b.o"] {
        // In place, so that the same inode gets other contents of the same length.
        let length = project.read(object).len();
        project.write(object, vec![0xcc; length]);
    }
    assert_eq!(project.output("app", &[]), "1 2\n");
    project.write("a.o", "");
    assert_eq!(project.output("app", &[]), "1 2\n");
}

#[test]
fn a_new_object_does_not_reach_the_old_program() {
    let project = three_objects("lifetime/not-relinked");
    project.link(OBJECTS);
    project.edit("a.c", "int a(void) { return 1000; }\n");
    assert_eq!(project.output("app", &[]), "1 2\n");
}

#[test]
fn the_program_is_copied_moved_and_hard_linked() {
    let project = three_objects("lifetime/moved");
    project.link(OBJECTS);
    fs::create_dir(project.path("elsewhere")).unwrap();
    fs::copy(project.path("app"), project.path("elsewhere/copy")).unwrap();
    fs::hard_link(project.path("app"), project.path("elsewhere/hard")).unwrap();
    symlink("../app", project.path("elsewhere/soft")).unwrap();
    for app in ["app", "elsewhere/copy", "elsewhere/hard", "elsewhere/soft"] {
        assert_eq!(project.output(app, &[]), "1 2\n", "{app}");
    }
    project.rename("app", "elsewhere/moved");
    for app in ["elsewhere/moved", "elsewhere/copy", "elsewhere/hard"] {
        assert_eq!(project.output(app, &[]), "1 2\n", "{app}");
    }
}

#[test]
fn a_copy_survives_a_relink() {
    let project = three_objects("lifetime/copy-survives");
    project.link(OBJECTS);
    fs::copy(project.path("app"), project.path("copy")).unwrap();
    project.edit("b.c", "int b(void) { return 3; }\n");
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "1 3\n");
    // The copy is the program of the link before, or it says what to do; it is never a mixture.
    let outcome = project.run("copy", &[]);
    match outcome.ending {
        Ending::Exit(0) => assert_eq!(outcome.stdout_text(), "1 2\n"),
        _ => assert_one_line_and_127(&outcome),
    }
}

#[test]
fn the_whole_directory_is_renamed() {
    let project = three_objects("lifetime/renamed");
    project.link(&["main.o", "a.o", "b.o", "-o", "app"]);
    fs::create_dir(project.path("before")).unwrap();
    project.link(&["main.o", "a.o", "b.o", "-o", "before/app"]);
    project.rename("before", "after");
    assert_eq!(project.output("after/app", &[]), "1 2\n");
    // And a link in the new place works on what has moved there.
    project.edit("a.c", "int a(void) { return 4; }\n");
    project.link(&["main.o", "a.o", "b.o", "-o", "after/app"]);
    assert_eq!(project.output("after/app", &[]), "4 2\n");
}

#[test]
fn without_its_index_the_program_says_so() {
    let project = three_objects("lifetime/no-index");
    project.link(OBJECTS);
    if unfold_command().is_none() {
        return;
    }
    assert!(project.exists(".unfold"), "the index is beside the output");
    project.remove(".unfold");
    let outcome = project.run("app", &[]);
    assert_one_line_and_127(&outcome);
    assert!(outcome.stderr_text().contains(".unfold"), "it names what is missing: {outcome:?}");
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "1 2\n");
}

#[test]
fn the_index_is_where_the_variable_says() {
    let project = three_objects("lifetime/index-variable");
    let index = project.path("indexes/one");
    project.set_env("UNFOLD_INDEX", index.to_str().unwrap());
    project.link(OBJECTS);
    if unfold_command().is_some() {
        assert!(index.is_dir());
        assert!(!project.exists(".unfold"));
    }
    // The program has to find it without the variable.
    project.unset_env("UNFOLD_INDEX");
    assert_eq!(project.output("app", &[]), "1 2\n");
}

#[test]
fn the_index_is_where_the_option_says() {
    if unfold_command().is_none() {
        return;
    }
    let project = three_objects("lifetime/index-option");
    let words = &["main.o", "a.o", "b.o", "-o", "app", "-Wl,--unfold-index=the-index"];
    project.link(words);
    assert!(project.path("the-index").is_dir());
    assert!(!project.exists(".unfold"));
    assert_eq!(project.output("app", &[]), "1 2\n");
    project.link(words);
    assert_incremental(&project, "app", &[]);
}

#[test]
fn two_outputs_share_an_index() {
    let project = three_objects("lifetime/shared-index");
    project.edit(
        "other.c",
        "#include <stdio.h>\nint a(void);\nint main(void) { printf(\"other %d\\n\", a()); return 0; }\n",
    );
    let other = &["other.o", "a.o", "-o", "other"];
    project.link(OBJECTS);
    project.link(other);
    if let Some(status) = project.status("other") {
        // The object that both have in common was read when the first was linked.
        assert_eq!(reindexed(&status), ["other.o"], "{status:?}");
    }
    assert_eq!(project.output("app", &[]), "1 2\n");
    assert_eq!(project.output("other", &[]), "other 1\n");
    project.edit("a.c", "int a(void) { return 9; }\n");
    project.link(other);
    assert_eq!(project.output("other", &[]), "other 9\n");
    assert_eq!(project.output("app", &[]), "1 2\n", "it was not linked again");
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "9 2\n");
    assert_eq!(project.output("other", &[]), "other 9\n");
}

#[test]
fn several_links_at_once_share_an_index() {
    let project = three_objects("lifetime/at-once");
    let names: Vec<String> = (0..8).map(|number| format!("app{number}")).collect();
    thread::scope(|scope| {
        for name in &names {
            let dir = project.path("");
            scope.spawn(move || {
                let mut command = Command::new("gcc");
                command.current_dir(dir).args(linker_flags(Compiler::Gcc, tested_linker()));
                command.args(["main.o", "a.o", "b.o", "-o", name]);
                run_tool(&mut command).unwrap_or_else(|error| panic!("{error}"));
            });
        }
    });
    for name in &names {
        assert_eq!(project.output(name, &[]), "1 2\n");
    }
}

#[test]
fn several_runs_at_once() {
    let project = three_objects("lifetime/runs-at-once");
    project.link(OBJECTS);
    thread::scope(|scope| {
        for _ in 0..16 {
            let app = project.path("app");
            scope.spawn(move || {
                let outcome = run(&mut program(app), b"").unwrap();
                assert_eq!(outcome.stdout_text(), "1 2\n", "{outcome:?}");
            });
        }
    });
}

#[test]
fn the_output_is_replaced_while_it_runs() {
    let project = three_objects("lifetime/while-running");
    project.edit(
        "main.c",
        "#include <stdio.h>\nint a(void), b(void);\n\
         int main(void) { puts(\"ready\"); fflush(stdout); getchar(); printf(\"%d %d\\n\", a(), b()); return 0; }\n",
    );
    project.link(OBJECTS);
    let mut child =
        program(project.path("app")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    // Neither a() nor b() has been touched yet. What is linked now is another generation.
    project.edit("a.c", "int a(void) { return 100; }\n");
    project.edit("b.c", "int pad[5000] = {1};\nint b(void) { return 200; }\n");
    project.link(OBJECTS);
    project.remove("a.o");
    drop(child.stdin.take());
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "1 2\n", "the running program is still the one that was started");
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_output_of_another_linker_is_replaced() {
    let project = three_objects("lifetime/replaced");
    project.tool("gcc", OBJECTS);
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "1 2\n");
    project.edit("a.c", "int a(void) { return 3; }\n");
    project.tool("gcc", OBJECTS);
    assert_eq!(project.output("app", &[]), "3 2\n");
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "3 2\n");
}

#[test]
fn the_output_is_removed_and_linked_again() {
    let project = three_objects("lifetime/output-removed");
    project.link(OBJECTS);
    project.remove("app");
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "1 2\n");
}

#[test]
fn the_output_is_executable_for_whom_the_umask_says() {
    let project = three_objects("lifetime/mode");
    project.link(OBJECTS);
    project.tool("gcc", &["main.o", "a.o", "b.o", "-o", "twin"]);
    let mode = |file: &str| project.path(file).metadata().unwrap().permissions().mode();
    assert_eq!(mode("app"), mode("twin"));
}

/// A program that cannot run says why in one line, and ends as a shell does for a missing command.
fn assert_one_line_and_127(outcome: &Outcome) {
    assert_eq!(outcome.ending, Ending::Exit(127), "{outcome:?}");
    assert_eq!(outcome.stdout_text(), "", "{outcome:?}");
    assert_eq!(outcome.stderr_text().lines().count(), 1, "{outcome:?}");
}
