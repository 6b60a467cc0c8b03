//! Options of ld that change what is linked or what is said: the same as GNU ld's, which runs these tests too
//! (`UNFOLD_TEST_LINKER=ld.bfd`).

use unfold_tests::directives::Ending;
use unfold_tests::project::Project;
use unfold_tests::run::Outcome;
use unfold_tests::tools::unfold_command;

fn project(name: &str) -> Project {
    Project::new(&format!("options/{name}"))
}

fn link(project: &Project, words: &[&str]) -> Outcome {
    let outcome = project.try_link(&[words, &["-o", "app"]].concat());
    assert!(outcome.succeeded(), "{words:?}: {outcome:?}");
    outcome
}

/// Objects that ask for an executable stack, say that they need none, and say nothing.
fn stacks(name: &str) -> Project {
    let project = project(name);
    project.edit("main.c", "int main(void) { return 0; }\n");
    project.edit("asking.S", ".globl asking\nasking: ret\n.section .note.GNU-stack,\"x\",@progbits\n");
    project.edit("silent.S", ".globl silent\nsilent: ret\n");
    project.edit("member.S", ".globl member\nmember: ret\n");
    project.tool("ar", &["rcs", "libmember.a", "member.o"]);
    project
}

/// The flags of PT_GNU_STACK in a linked program.
fn stack_flags(project: &Project) -> String {
    let text = project.tool("readelf", &["-lW", "app"]).stdout_text();
    let line = text.lines().find(|line| line.contains("GNU_STACK")).expect("a header for the stack");
    line.split_whitespace().skip(6).take_while(|word| !word.starts_with("0x")).collect()
}

#[test]
fn an_object_that_does_not_mention_the_stack_gets_an_executable_one() {
    let project = stacks("stacks");
    let missing = "missing .note.GNU-stack section implies executable stack";
    let requires = "requires executable stack (because the .note.GNU-stack section is executable)";
    let asked = "enabling an executable stack because of -z execstack command line option";
    let none = "-Wl,--no-warn-execstack";
    for (words, flags, warning) in [
        (&["main.o"][..], "RW", ""),
        (&["main.o", "silent.o"], "RWE", &*format!("silent.o: {missing}")),
        (&["main.o", "asking.o"], "RWE", &format!("asking.o: {requires}")),
        (&["main.o", "silent.o", "asking.o"], "RWE", &format!("asking.o: {requires}")),
        (&["main.o", "libmember.a"], "RW", ""),
        (&["main.o", "-Wl,-u,member", "libmember.a"], "RWE", &format!("member.o: {missing}")),
        (&["main.o", "silent.o", none], "RWE", ""),
        (&["main.o", "silent.o", "-z", "noexecstack"], "RW", ""),
        (&["main.o", "silent.o", "-z", "execstack"], "RWE", ""),
        (&["main.o", "-z", "execstack", "-Wl,--warn-execstack"], "RWE", asked),
    ] {
        let outcome = link(&project, words);
        assert_eq!(stack_flags(&project), flags, "{words:?}");
        let text = outcome.stderr_text();
        if warning.is_empty() {
            assert_eq!(text, "", "{words:?}");
        } else {
            assert!(
                text.contains("warning: ") && text.replace(')', "").contains(&warning.replace(')', "")),
                "{words:?}: {text}"
            );
            assert_eq!(
                text.contains("NOTE: This behaviour is deprecated"),
                warning.contains(missing),
                "{text}"
            );
        }
        assert_eq!(project.output("app", &[]), "");
    }
}

#[test]
fn the_kind_of_stack_follows_relinks() {
    let project = stacks("stack-relinked");
    let words = ["main.o", "silent.o"];
    assert_ne!(link(&project, &words).stderr_text(), "");
    assert_ne!(link(&project, &words).stderr_text(), "", "a relink warns again");
    project.edit("silent.S", ".globl silent\nsilent: ret\n.section .note.GNU-stack,\"\",@progbits\n");
    assert_eq!(link(&project, &words).stderr_text(), "");
    assert_eq!(stack_flags(&project), "RW");
    project.edit("silent.S", ".globl silent\nsilent: ret\n");
    assert_ne!(link(&project, &words).stderr_text(), "");
    assert_eq!(stack_flags(&project), "RWE");
}

#[test]
fn warnings_are_errors_on_request() {
    let project = stacks("fatal-warnings");
    project.write("app", "an older output");
    let words = ["main.o", "silent.o", "-Wl,--fatal-warnings", "-o", "app"];
    let outcome = project.try_link(&words);
    assert_eq!(outcome.ending, Ending::Exit(1), "{outcome:?}");
    assert!(!project.exists("app"));
    for undone in ["-Wl,--no-fatal-warnings", "-Wl,--no-warn-execstack"] {
        link(&project, &["main.o", "silent.o", "-Wl,--fatal-warnings", undone]);
    }
    for quiet in ["-Wl,-w", "-Wl,--no-warnings"] {
        let outcome = link(&project, &["main.o", "silent.o", quiet]);
        // GNU ld does not get all of them to be silent.
        assert!(outcome.stderr.is_empty() || unfold_command().is_none(), "{quiet}: {outcome:?}");
    }
    let outcome = link(&project, &["main.o", "-nostartfiles"]);
    assert!(outcome.stderr_text().contains("warning: cannot find entry symbol _start; defaulting to"));
}
