//! The commands around a link: `ld.unfold` as build systems call it, `unfold run`, `bake` and `status`.

use unfold_tests::directives::{Compiler, Ending};
use unfold_tests::project::Project;
use unfold_tests::tools::{is_installed, unfold_command};

fn project(name: &str) -> Project {
    Project::new(&format!("commands/{name}"))
}

/// A project whose sources make a program that prints a line.
fn hello(name: &str) -> Project {
    let project = project(name);
    project.write("hello.c", "#include <stdio.h>\nint main(void) { puts(\"hello\"); return 0; }\n");
    project.write("hello.rs", "fn main() { println!(\"hello\"); }\n");
    project
}

#[test]
fn the_version_is_what_configure_scripts_look_for() {
    let project = project("version");
    for option in ["--version", "-v"] {
        let outcome = project.ld(&[option]);
        assert!(outcome.succeeded(), "{outcome:?}");
        let text = outcome.stdout_text();
        assert!(text.contains("GNU ld"), "{option}: {outcome:?}");
        if unfold_command().is_some() {
            assert!(text.starts_with("unfold "), "{option}: {outcome:?}");
            assert!(text.contains("(compatible with GNU ld)"), "{option}: {outcome:?}");
        }
    }
}

/// meson asks for the version through a compiler, which adds objects and libraries that have no `main`.
#[test]
fn the_version_needs_nothing_to_link() {
    let project = project("version_through_compilers");
    let outcome = project.try_link(&["-Wl,--version"]);
    assert!(outcome.succeeded(), "{outcome:?}");
    assert!(outcome.stdout_text().contains("GNU ld"), "{outcome:?}");
}

#[test]
fn run_makes_compilers_use_unfold() {
    let commands: &[&[&str]] = &[
        &["gcc", "hello.c", "-o", "app"],
        &["cc", "hello.c", "-o", "app"],
        &["g++", "-xc++", "hello.c", "-o", "app"],
        &["clang", "hello.c", "-o", "app"],
        &["rustc", "hello.rs", "-o", "app"],
        &["sh", "-c", "gcc -c hello.c -o hello.o && gcc hello.o -o app"],
    ];
    let project = hello("run");
    for command in commands.iter().filter(|command| is_installed(command[0]) || command[0] == "sh") {
        let Some(outcome) = project.unfold(&[&["run", "--"], *command].concat()) else {
            return;
        };
        assert!(outcome.succeeded(), "{command:?}: {outcome:?}");
        // Only what unfold has linked has a status.
        assert!(project.status("app").expect("unfold is there").objects > 0, "{command:?}");
        assert_eq!(project.output("app", &[]), "hello\n", "{command:?}");
        project.remove("app");
    }
}

#[test]
fn run_reaches_through_make() {
    if !is_installed("make") {
        return;
    }
    let project = hello("make");
    project.write("Makefile", "app: hello.o\n\t$(CC) -o $@ $^\n");
    for _ in 0..2 {
        let Some(outcome) = project.unfold(&["run", "--", "make", "-j2"]) else {
            return;
        };
        assert!(outcome.succeeded(), "{outcome:?}");
        assert!(project.status("app").expect("unfold is there").objects > 0);
        assert_eq!(project.output("app", &[]), "hello\n");
    }
}

#[test]
fn run_gives_the_status_of_the_command() {
    let project = project("run-status");
    for (command, ending) in [("exit 0", 0), ("exit 7", 7), ("no_such_command_at_all 2> errors", 127)] {
        if let Some(outcome) = project.unfold(&["run", "--", "sh", "-c", command]) {
            assert_eq!(outcome.ending, Ending::Exit(ending), "{command}: {outcome:?}");
        }
    }
}

#[test]
fn a_shared_library_needs_no_other_linker() {
    let project = project("shared");
    project.write("lib.c", "int f(void) { return 12; }\n");
    project.edit(
        "main.c",
        "#include <stdio.h>\nint f(void);\nint main(void) { printf(\"%d\\n\", f()); return 0; }\n",
    );
    project.set_env("UNFOLD_SYSTEM_LD", "/nonexistent");
    project.link(&["-shared", "-fPIC", "lib.c", "-o", "liblib.so"]);
    project.link(&["main.o", "-L.", "-llib", "-Wl,-rpath,$ORIGIN", "-o", "app"]);
    assert_eq!(project.output("app", &[]), "12\n");
}

#[test]
fn a_relocatable_link_is_done_by_the_system() {
    let project = project("relocatable");
    project.edit("a.c", "int b(void);\nint a(void) { return b() + 1; }\n");
    project.edit("b.c", "int b(void) { return 1; }\n");
    project.edit(
        "main.c",
        "#include <stdio.h>\nint a(void);\nint main(void) { printf(\"%d\\n\", a()); return 0; }\n",
    );
    project.link(&["-r", "-nostdlib", "a.o", "b.o", "-o", "ab.o"]);
    project.link(&["main.o", "ab.o", "-o", "app"]);
    assert_eq!(project.output("app", &[]), "2\n");
}

#[test]
fn link_time_optimisation_is_done_by_the_system() {
    let project = project("lto");
    project.write("a.c", "int a(int x) { return x * 2; }\n");
    project.write(
        "main.c",
        "#include <stdio.h>\nint a(int);\nint main(int c, char **v) { printf(\"%d\\n\", a(c)); return 0; }\n",
    );
    project.link(&["-flto", "-O2", "main.c", "a.c", "-o", "app"]);
    assert_eq!(project.output("app", &[]), "2\n");
}

#[test]
fn a_link_says_on_request_whether_it_was_incremental() {
    let project = hello("verbose");
    project.compile("hello.c");
    if unfold_command().is_none() {
        return;
    }
    let link = || {
        let outcome = project.try_link(&["hello.o", "-Wl,--verbose", "-o", "app"]);
        assert!(outcome.succeeded(), "{outcome:?}");
        outcome.stdout_text() + &outcome.stderr_text()
    };
    assert!(link().contains("full"));
    assert!(link().contains("incremental"));
}

#[test]
fn the_phases_of_a_link_are_printed_on_request() {
    let project = hello("time");
    project.compile("hello.c");
    if unfold_command().is_none() {
        return;
    }
    let outcome = project.try_link(&["hello.o", "-Wl,--time", "-o", "app"]);
    assert!(outcome.succeeded(), "{outcome:?}");
    assert!(!outcome.stderr.is_empty() || !outcome.stdout.is_empty(), "{outcome:?}");
}

#[test]
fn the_stub_says_on_request_what_it_does() {
    let project = hello("log");
    project.compile("hello.c");
    project.link(&["hello.o", "-o", "app"]);
    project.set_env("UNFOLD_LOG", "1");
    let outcome = project.run("app", &[]);
    assert_eq!(outcome.stdout_text(), "hello\n");
    if unfold_command().is_some() {
        assert!(!outcome.stderr.is_empty(), "{outcome:?}");
    }
}

#[test]
fn a_baked_program_needs_nothing_of_ours() {
    let Some(unfold) = unfold_command() else {
        return;
    };
    let project = hello("bake");
    project.write("hello.cpp", "#include <iostream>\nint main() { std::cout << \"hello\" << std::endl; }\n");
    project.compile("hello.cpp");
    project.link_as(Compiler::Gxx, &["hello.o", "-o", "app"]);
    project.bake(unfold, "app", "baked");
    project.remove("app");
    project.remove(".unfold");
    project.remove("hello.o");
    project.set_env("UNFOLD_PAGER", "uffd");
    assert_eq!(project.output("baked", &[]), "hello\n");
    let text = project.tool("readelf", &["-lW", "baked"]).stdout_text();
    assert!(text.contains("INTERP"), "an ordinary dynamic executable:\n{text}");
}

/// CMake measures types, byte order and compilers by what it finds in a program that it links and never runs.
#[test]
fn what_is_measured_is_found_in_the_executable() {
    let project = project("measured");
    let has = |text: &str| project.read("app").windows(text.len()).any(|bytes| bytes == text.as_bytes());
    for size in ["08", "16", "04"] {
        let source = "const char *constant = \"INFO:size[SIZE]\";\n\
             char variable[] = \"INFO:written[SIZE]\";\n\
             int main(int argc, char **argv) { return constant[argc] + variable[argc] == 0; }\n";
        project.edit("measure.c", &source.replace("SIZE", size));
        project.link(&["measure.o", "-o", "app"]);
        for text in ["INFO:size", "INFO:written"] {
            assert!(has(&format!("{text}[{size}]")), "{text}[{size}] is not in the executable");
        }
        assert!(size == "08" || !has("[08]"), "what was found before the relink is still there");
    }
    project.tool("strip", &["app"]);
    assert!(has("INFO:size[04]"));
    assert_eq!(project.output("app", &[]), "");
}

/// libtool asks objdump whether the run-time search path is there, and links each program of a build twice if not.
#[test]
fn tools_find_libraries_and_search_paths() {
    let project = hello("dynamic");
    project.compile("hello.c");
    project.link(&["hello.o", "-o", "app", "-Wl,-rpath,/opt/somewhere"]);
    for stripped in [false, true] {
        if stripped {
            project.tool("strip", &["app"]);
        }
        let text = project.tool("objdump", &["-p", "app"]).stdout_text();
        for part in ["NEEDED", "libc.so.6", "RUNPATH", "/opt/somewhere"] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        let libraries = project.tool("ldd", &["app"]).stdout_text();
        assert!(libraries.contains("libc.so.6 => /"), "{libraries}");
        let symbols = project.tool("nm", &["-D", "app"]).stdout_text();
        assert!(symbols.contains("U puts"), "{symbols}");
        assert_eq!(project.output("app", &[]), "hello\n");
    }
}

#[test]
fn files_that_unfold_has_not_linked_are_refused() {
    let project = hello("foreign");
    project.tool("gcc", &["hello.c", "-o", "app"]);
    project.write("text", "this is no executable\n");
    for file in ["app", "text", "no-such-file"] {
        for command in [&["bake", file, "-o", "out"][..], &["status", file, "--json"][..]] {
            let Some(outcome) = project.unfold(command) else {
                return;
            };
            assert_eq!(outcome.ending, Ending::Exit(1), "{command:?}: {outcome:?}");
            assert!(outcome.stderr_text().contains(file), "{command:?}: {outcome:?}");
            assert!(!project.exists("out"), "{command:?}");
        }
    }
}

#[test]
fn the_search_path_is_changed_in_the_file_as_build_systems_do_when_they_install() {
    let project = project("search-path");
    for (folder, value) in [("one", 1), ("two", 2)] {
        project.write(&format!("{folder}/f.c"), format!("int f(void) {{ return {value}; }}\n"));
        project.link(&["-shared", "-fPIC", &format!("{folder}/f.c"), "-o", &format!("{folder}/libf.so")]);
    }
    project.edit(
        "main.c",
        "#include <stdio.h>\nint f(void);\nint main(void) { printf(\"%d\\n\", f()); return 0; }\n",
    );
    let link = ["main.o", "-Lone", "-lf", "-Wl,-rpath,$ORIGIN/one:::::", "-o", "app"];
    project.link(&link);
    assert_eq!(project.output("app", &[]), "1\n");
    let listed = project.tool("ldd", &["./app"]).stdout_text();
    assert!(listed.contains("one/libf.so"), "{listed}");

    // Every copy of the text in the file, as long as it was.
    let mut file = project.read("app");
    let (old, new) = (b"$ORIGIN/one:::::\0", b"$ORIGIN/../two\0\0\0");
    let places: Vec<usize> = (0..file.len() - old.len()).filter(|at| file[*at..].starts_with(old)).collect();
    assert!(!places.is_empty());
    for place in places {
        file[place..place + new.len()].copy_from_slice(new);
    }
    project.write("installed/app", file);
    project.tool("chmod", &["+x", "installed/app"]);
    for pager in ["uffd", "signal", "eager"] {
        project.set_env("UNFOLD_PAGER", pager);
        assert_eq!(project.output("installed/app", &[]), "2\n");
    }
    let path = project.tool("readelf", &["-d", "installed/app"]).stdout_text();
    assert!(path.contains("[$ORIGIN/../two]"), "{path}");
    // A relink changes nothing about it.
    project.edit(
        "main.c",
        "#include <stdio.h>\nint f(void);\nint main(void) { printf(\"%d.\\n\", f()); return 0; }\n",
    );
    project.link(&link);
    project.unset_env("UNFOLD_PAGER");
    assert_eq!(project.output("app", &[]), "1.\n");
}

#[test]
fn a_script_that_calls_unfold_is_not_the_systems_linker() {
    let project = project("loop");
    project.edit("a.c", "int a(void) { return 1; }\n");
    let unfold = &unfold_tests::tools::tested_linker().ld;
    project.write("bin/ld", format!("#!/bin/sh\nexec {} \"$@\"\n", unfold.display()));
    project.tool("chmod", &["+x", "bin/ld"]);
    project.set_env("PATH", &project.path("bin").display().to_string());
    let outcome = project.ld(&["-r", "a.o", "-o", "b.o"]);
    if unfold_tests::tools::unfold_command().is_some() {
        assert!(outcome.stderr_text().contains("UNFOLD_SYSTEM_LD"), "{outcome:?}");
    }
}

#[test]
fn status_shows_generations_and_who_runs_them() {
    use std::process::Stdio;
    use unfold_tests::run::program;
    let project = project("generations");
    project.set_env("UNFOLD_BACKGROUND", "off");
    if unfold_command().is_none() {
        return;
    }
    let main = |text: &str| {
        format!(
            "#include <stdio.h>\n#include <unistd.h>\nint main(int c, char **v) {{ puts(\"{text}\"); fflush(stdout); \
             if (c > 1) pause(); return 0; }}\n"
        )
    };
    project.edit("main.c", &main("one"));
    project.link(&["main.o", "-o", "app"]);
    let mut command = program(project.path("app"));
    let mut child = command.arg("wait").stdout(Stdio::piped()).spawn().unwrap();
    let mut first = [0];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut first).unwrap();
    project.edit("main.c", &main("two"));
    project.link(&["main.o", "-o", "app"]);
    let status = project.status_json("app");
    child.kill().unwrap();
    child.wait().unwrap();

    let generations = status["generations"].as_array().expect("a list");
    let of = |field: &str| generations.iter().map(|one| one[field].clone()).collect::<Vec<_>>();
    assert_eq!(of("number"), [1, 2]);
    assert_eq!(of("incremental"), [false, true]);
    assert_eq!(of("is_current"), [false, true]);
    let processes = of("processes");
    assert_eq!(processes[0], serde_json::json!([child.id()]));
    assert_eq!(processes[1], serde_json::json!([]));
    assert!(generations.iter().all(|one| one["bytes"].as_u64().unwrap() > 0), "{status:#}");
    assert!(status["disk"]["records"].as_u64().unwrap() > 0, "{status:#}");
    let (lazy, kept) = (status["chunks_lazy"].as_u64().unwrap(), status["chunks_kept"].as_u64().unwrap());
    assert!(kept <= lazy && lazy > 0, "{status:#}");
    assert_eq!(status["pages_kept"].as_u64(), Some(kept * 16));
    unfold_tests::tools::complete_kept(&project.path("app")).unwrap();
    let text = project.unfold(&["status", "app"]).unwrap().stdout_text();
    assert!(text.contains("[##") && text.contains("all of the code is kept"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours in a pipe: {text}");
    let lazy = project.status_json("app")["chunks_lazy"].clone();
    assert_eq!(project.status_json("app")["chunks_kept"], lazy);
}

#[test]
fn status_of_an_index_lists_all_that_was_linked_into_it() {
    let project = hello("outputs");
    if unfold_command().is_none() {
        return;
    }
    let nothing = project.unfold(&["status"]).unwrap();
    assert!(!nothing.succeeded() && nothing.stderr_text().contains("no index here"), "{nothing:?}");
    project.compile_with("hello.c", &["-fPIC"]);
    project.link(&["hello.o", "-o", "app"]);
    project.link(&["-shared", "hello.o", "-o", "libhello.so"]);
    project.link(&["hello.o", "-o", "gone"]);
    project.remove("gone");
    let outcome = project.unfold(&["status", "--json"]).unwrap();
    let all: Vec<serde_json::Value> = serde_json::from_str(&outcome.stdout_text()).unwrap();
    let one = |name: &str| {
        let found = all.iter().find(|one| one["app"].as_str().unwrap().ends_with(name));
        found.unwrap_or_else(|| panic!("no {name} in {outcome:?}"))
    };
    assert_eq!(all.len(), 3);
    assert_eq!((&one("/app")["kind"], &one("/libhello.so")["kind"]), (&"program".into(), &"library".into()));
    assert_eq!(one("/app")["generations"], project.status_json("app")["generations"]);
    let text = project.unfold(&["status"]).unwrap().stdout_text();
    assert!(text.contains("3 outputs") && text.contains("/gone, gone"), "{text}");
    let library = project.unfold(&["status", "libhello.so"]).unwrap().stdout_text();
    assert!(library.contains("shared library") && !library.contains("last run"), "{library}");
}
