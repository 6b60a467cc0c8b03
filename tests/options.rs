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

/// A program that prints a line.
fn hello(name: &str) -> Project {
    let project = project(name);
    project.edit("hello.c", "#include <stdio.h>\nint main(void) { puts(\"hello\"); return 0; }\n");
    project
}

#[test]
fn options_that_do_not_matter() {
    let project = hello("ignored");
    let gnu = [
        "-EL,-g,-flto,-flto-partition=none,-fuse-ld=bfd,-qmagic,-Qy,--map-whole-files,--no-map-whole-files",
        "--strip-discarded,--accept-unknown-input-arch,--check-sections,--no-check-sections,-Bno-symbolic",
        "-assert,pure-text,--hash-size=1000,--no-keep-memory,--max-cache-size=100000,--relax,--stats",
        "--reduce-memory-overheads,--sort-common=descending,--sort-section=name,--spare-dynamic-tags=3",
        "--traditional-format,--warn-constructors,--warn-multiple-gp,--warn-once",
        "-oformat,elf64-x86-64,--oformat=elf64-x86-64,--orphan-handling=place,--gc-keep-exported,-A,x",
        "-z,max-page-size=65536,-z,common-page-size=4096,-z,separate-code,-z,noseparate-code,-z,text,-z,notext",
        "-z,combreloc,-z,nocombreloc,-z,relro,-z,lazy,-z,ibt,-z,shstk,-z,start-stop-gc,-z,nounique-symbol",
    ];
    let words: Vec<String> = gnu.iter().map(|words| format!("-Wl,{words}")).collect();
    for words in words.iter().filter(|words| !words.contains("-oformat,elf")) {
        let outcome = link(&project, &["hello.o", words]);
        assert!(outcome.stderr.is_empty() || words.contains("--stats"), "{words}: {outcome:?}");
        assert_eq!(project.output("app", &[]), "hello\n", "{words}");
    }
}

#[test]
fn options_of_other_linkers() {
    if unfold_command().is_none() {
        return;
    }
    let project = hello("others");
    project.write("order.txt", "main\n");
    project.link(&[
        "hello.o",
        "-Wl,--icf=all,--threads,--threads=2,--thread-count=2,--gdb-index,--no-rosegment,--rosegment",
        "-Wl,--symbol-ordering-file=order.txt,--no-warn-symbol-ordering,--section-ordering-file,order.txt",
        "-Wl,--pack-dyn-relocs=relr,--lto-O2,--thinlto-jobs=all,--thinlto-cache-dir=x,-mllvm,-opaque-pointers",
        "-Wl,--color-diagnostics=always,--error-limit=0,--print-icf-sections,--separate-debug-file",
        "-Wl,--no-mmap-output-file,--repro,--quickstart,--start-stop-gc,--no-fork,--perf,--incremental-full",
        "-o",
        "app",
    ]);
    assert_eq!(project.output("app", &[]), "hello\n");
    // Those are not for the linker that a link is handed to.
    project.write("words", "--icf=all --threads=2\n-Ttext-segment=0x800000\n'-L/a path'\n");
    project.link(&["hello.o", "-no-pie", "-Wl,@words,--time,--unfold-index=x", "-o", "app"]);
    assert_eq!(project.output("app", &[]), "hello\n");
    project.link(&["hello.o", "-no-pie", "-Wl,--image-base=0x800000,--error-limit=2", "-o", "app"]);
    assert_eq!(project.output("app", &[]), "hello\n");
    let headers = project.tool("readelf", &["-lW", "app"]).stdout_text();
    assert!(headers.contains("0x0000000000800000"), "{headers}");
}

#[test]
fn options_that_are_refused_say_what_to_do() {
    if unfold_command().is_none() {
        return;
    }
    let project = hello("refused");
    for (option, advice) in [
        ("--undefined-glob=a*", "--undefined"),
        ("--chroot=/", "run the whole build there"),
        ("--reproduce=a.tar", "--trace"),
        ("--no-fortran-common", "leave it out"),
        ("--error-limit=many", "expected a number"),
        ("-zstack-size=big", "write it as"),
    ] {
        let outcome = project.try_link(&["hello.o", &format!("-Wl,{option}"), "-o", "app"]);
        let text = outcome.stderr_text();
        let name = option.split('=').next().unwrap_or(option).trim_start_matches("-z");
        assert!(
            !outcome.succeeded() && text.contains(name) && text.contains(advice),
            "{option}: {outcome:?}"
        );
    }
}

#[test]
fn links_that_are_handed_on_get_their_options() {
    let project = hello("handed-on");
    project.write("symbols", "main\n");
    project.write("words", "--section-start=.mine=0x900000 -Tdata 0xa00000\n");
    project.edit("hello.c", "#include <stdio.h>\n__attribute__((section(\".mine\"))) int mine = 1;\nint main(void) { puts(\"hello\"); return 0; }\n");
    for words in [
        "-Wl,-Ttext-segment=0x800000",
        "-Wl,-Tbss,0xc00000",
        "-Wl,@words",
        "-Wl,--section-start,.mine=0x900000",
        "-Wl,--retain-symbols-file=symbols",
        "-Wl,-q",
        "-Wl,--emit-relocs",
        "-Wl,-z,nocopyreloc",
        "-Wl,-z,nodynamic-undefined-weak",
        "-Wl,--unique",
        "-Wl,--audit=libaudit.so,--depaudit,libaudit.so",
    ] {
        let outcome = project.try_link(&["hello.o", "-no-pie", words, "-o", "app"]);
        assert!(outcome.succeeded(), "{words}: {outcome:?}");
        assert!(!project.exists(".unfold"), "{words} is not handed on");
        if !words.contains("audit") {
            assert_eq!(project.output("app", &[]), "hello\n", "{words}");
        }
    }
    project.tool(
        "gcc",
        &["-no-pie", "-nostdlib", "-Wl,-e,main,--unresolved-symbols=ignore-all", "hello.o", "-o", "old"],
    );
    for words in ["-Wl,--just-symbols=old", "-Wl,-R,old"] {
        let outcome = project.try_link(&["hello.o", "-no-pie", words, "-Wl,-z,muldefs", "-o", "app"]);
        assert!(outcome.succeeded(), "{words}: {outcome:?}");
    }
    // A library that filters another can only be a library.
    for words in ["-Wl,-f,other", "-Wl,--filter=other", "-Wl,-Fother", "-Wl,--auxiliary,other"] {
        let outcome = project.try_link(&["hello.o", words, "-o", "app"]);
        assert!(outcome.stderr_text().contains("may not be used without -shared"), "{words}: {outcome:?}");
    }
}

/// The dynamic entry of this name. What unfold has linked has its own in the program that it bakes.
fn dynamic_entry(project: &Project, name: &str) -> String {
    let baked = unfold_command().map(|unfold| project.bake(unfold, "app", "baked"));
    let file = if baked.is_some() { "baked" } else { "app" };
    let text = project.tool("readelf", &["-dW", file]).stdout_text();
    let line = text.lines().find(|line| line.contains(&format!("({name})")));
    line.unwrap_or_else(|| panic!("no {name} in\n{text}")).to_owned()
}

#[test]
fn keywords_become_flags_of_the_program() {
    let project = hello("keywords");
    let words = "-Wl,-z,origin,-z,interpose,-z,global,-z,nodefaultlib,-z,loadfltr,-z,nodump,-z,globalaudit,-z,nodelete";
    link(&project, &["hello.o", words, "-Wl,-z,stack-size=0x200000"]);
    assert!(dynamic_entry(&project, "FLAGS").contains("ORIGIN"));
    let flags = dynamic_entry(&project, "FLAGS_1");
    for flag in ["GLOBAL", "LOADFLTR", "ORIGIN", "INTERPOSE", "NODEFLIB", "NODUMP", "GLOBAUDIT"] {
        assert!(flags.contains(flag), "{flag}: {flags}");
    }
    assert!(!flags.contains("NODELETE"), "{flags}");
    if unfold_command().is_some() {
        let headers = project.tool("readelf", &["-lW", "baked"]).stdout_text();
        let stack = headers.lines().find(|line| line.contains("GNU_STACK")).expect("a header for the stack");
        assert!(stack.contains("0x200000"), "{stack}");
    }
    let outcome = link(&project, &["hello.o", "-Wl,-z,no-such-keyword"]);
    assert!(outcome.stderr_text().contains("warning: -z no-such-keyword ignored"), "{outcome:?}");
}

/// A program with a member of an archive and common symbols.
fn with_member(name: &str) -> Project {
    let project = project(name);
    project.write(
        "main.c",
        "int member(int);\nint shared_name, other_name;\nint main(void) { return member(shared_name); }\n",
    );
    project.write("member.c", "int shared_name;\nlong other_name;\nint member(int x) { return x; }\n");
    project.compile_with("main.c", &["-fcommon"]);
    project.compile_with("member.c", &["-fcommon"]);
    project.tool("ar", &["rcs", "libmember.a", "member.o"]);
    project
}

/// The text between two lines.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let start = text.find(start).unwrap_or_else(|| panic!("no `{start}` in\n{text}"));
    let len = text[start + 1..].find(end).map_or(text.len() - start, |len| len + 1);
    &text[start..start + len]
}

#[test]
fn a_map_says_what_lies_where() {
    let project = with_member("map");
    link(&project, &["main.o", "libmember.a", "-Wl,-Map=app.map,--cref"]);
    let map = String::from_utf8(project.read("app.map")).unwrap();
    let included = between(&map, "Archive member included to satisfy reference by file (symbol)", "\n\nA");
    assert!(included.contains("libmember.a(member.o)") && included.contains("main.o (member)"), "{included}");
    assert!(between(&map, "Allocating common symbols", "\n\nD").contains("shared_name"));
    assert!(between(&map, "Discarded input sections", "Linker script").contains("Memory Configuration"));
    let text = between(&map, "\n.text ", "\n\n");
    let words: Vec<&str> = text.split_whitespace().collect();
    let place = |word: &str| {
        words.iter().position(|found| *found == word).unwrap_or_else(|| panic!("{word}: {text}"))
    };
    assert!(place("main.o") < place("main") && place("main") < place("libmember.a(member.o)"), "{text}");
    assert_eq!(words[place("main") - 1], words[place("main.o") - 2], "{text}");
    assert!(map.contains("LOAD main.o\n") && map.contains("OUTPUT(app elf64-x86-64"), "{map}");
    let cross = between(&map, "Cross Reference Table", "\0");
    let member: Vec<&str> = between(cross, "\nmember ", "\nmore").split_whitespace().take(3).collect();
    assert_eq!(member, ["member", "libmember.a(member.o)", "main.o"]);

    // The same link again has the same map.
    project.remove("app.map");
    link(&project, &["main.o", "libmember.a", "-Wl,-Map=app.map,--cref"]);
    assert_eq!(String::from_utf8(project.read("app.map")).unwrap(), map);
    for words in ["-Wl,-M", "-Wl,--print-map", "-Wl,-Map,-"] {
        assert!(
            link(&project, &["main.o", "libmember.a", words]).stdout_text().contains("LOAD main.o"),
            "{words}"
        );
    }
    assert!(
        link(&project, &["main.o", "libmember.a", "-Wl,--cref"]).stdout_text().contains("Cross Reference")
    );
    std::fs::create_dir(project.path("maps")).unwrap();
    link(&project, &["main.o", "libmember.a", "-Wl,-Map=maps"]);
    assert!(project.exists("maps/app.map"));
}

#[test]
fn symbols_are_traced() {
    let project = with_member("traced");
    let outcome =
        link(&project, &["main.o", "libmember.a", "-Wl,-y,member,--trace-symbol=__libc_start_main"]);
    let text = outcome.stdout_text() + &outcome.stderr_text();
    assert!(text.contains("main.o: reference to member"), "{text}");
    assert!(text.contains("libmember.a(member.o): definition of member"), "{text}");
    assert!(text.contains("libc.so.6: definition of __libc_start_main"), "{text}");
    // Errors are when it is needed.
    let outcome = project.try_link(&["main.o", "-Wl,-y,member", "-o", "app"]);
    assert!(
        !outcome.succeeded() && outcome.stderr_text().contains("main.o: reference to member"),
        "{outcome:?}"
    );
}

#[test]
fn read_files_are_listed_after_each_link() {
    let project = with_member("dependencies");
    for _ in 0..3 {
        let outcome = link(&project, &["main.o", "libmember.a", "-Wl,--dependency-file=app.d,-t"]);
        assert!(outcome.stdout_text().lines().any(|line| line == "libmember.a"), "{outcome:?}");
        let rules = String::from_utf8(project.read("app.d")).unwrap();
        assert!(rules.starts_with("app: \\\n  "), "{rules}");
        assert!(rules.contains("\n  main.o \\\n") && rules.contains("\nmain.o:\n"), "{rules}");
        project.remove("app.d");
        project.write("main.c", "int member(int);\nint shared_name, other_name;\nint main(void) { return member(0) + shared_name; }\n");
        project.compile_with("main.c", &["-fcommon"]);
    }
}

#[test]
fn common_symbols_that_meet_are_warned_of() {
    let project = with_member("common");
    project.edit("definition.c", "int shared_name = 1;\n");
    let words = ["main.o", "libmember.a", "definition.o", "-Wl,--warn-common"];
    for _ in 0..2 {
        let text = link(&project, &words).stderr_text();
        assert!(text.contains("multiple common of `shared_name'"), "{text}");
        assert!(text.contains("common of `other_name' overriding smaller common from main.o"), "{text}");
        assert!(text.contains("definition of `shared_name' overriding common from"), "{text}");
    }
}

#[test]
fn a_number_moves_with_a_program_that_takes_its_distance() {
    let project = project("number-in-pie");
    project.write(
        "main.c",
        "extern char number[];\nint main(void) { return ((unsigned long)number & 0xfff) - 0x30; }\n",
    );
    for pie in [&["-fpie", "-pie"], &["-fno-pie", "-no-pie"]] {
        project.compile_with("main.c", &[pie[0]]);
        link(&project, &["main.o", pie[1], "-Wl,--defsym=number=0x30"]);
        assert_eq!(project.output("app", &[]), "");
    }
}

#[test]
fn libraries_are_looked_for_in_the_folders_of_the_system() {
    let project = project("native-folders");
    project.edit("main.c", "#include <stdlib.h>\nvoid begin(void) { exit(0); }\n");
    let words =
        ["-o", "app", "-e", "begin", "main.o", "-lc", "-dynamic-linker", "/lib64/ld-linux-x86-64.so.2"];
    let outcome = project.ld(&words);
    assert!(outcome.succeeded(), "{outcome:?}");
    assert_eq!(project.output("app", &[]), "");
    let outcome = project.ld(&[&words[..], &["-nostdlib"]].concat());
    assert!(!outcome.succeeded() && outcome.stderr_text().contains("cannot find -lc"), "{outcome:?}");
}

#[test]
fn scripts_are_looked_for_in_the_library_path() {
    let project = project("scripts-in-path");
    project.edit("lib.c", "int one(void) { return 1; }\nint two(void) { return 2; }\n");
    std::fs::create_dir(project.path("maps")).expect("a new folder");
    project.write("maps/lib.map", "V1 { global: one; local: *; };\n");
    project.write("maps/lib.list", "{ one; };\n");
    let words = [
        "-shared",
        "-Lmaps",
        "-Wl,--version-script=lib.map,--dynamic-list=lib.list",
        "lib.o",
        "-o",
        "lib.so",
    ];
    let outcome = project.try_link(&words);
    assert!(outcome.succeeded(), "{outcome:?}");
    let symbols = project.tool("nm", &["-D", "lib.so"]).stdout_text();
    assert!(symbols.contains("one@@V1") && !symbols.contains("two"), "{symbols}");
}

#[test]
fn long_options_may_be_shortened() {
    let project = hello("shortened");
    for words in ["-Wl,--gc-section", "-Wl,--dynamic-link=/lib64/ld-linux-x86-64.so.2"] {
        link(&project, &["hello.o", words]);
        assert_eq!(project.output("app", &[]), "hello\n", "{words}");
    }
    let outcome = project.try_link(&["hello.o", "-Wl,--no-w", "-o", "app"]);
    assert!(!outcome.succeeded(), "it may be one of several: {outcome:?}");
}

#[test]
fn scripts_that_do_more_than_name_libraries_are_handed_on() {
    let project = hello("scripts");
    for script in ["main_too = main;", "VERSION { V1 { main; }; };", "PROVIDE(main_too = main);"] {
        project.write("more.ld", script);
        let outcome = project.try_link(&["hello.o", "more.ld", "-o", "app"]);
        assert!(outcome.succeeded(), "{script}: {outcome:?}");
        assert_eq!(project.output("app", &[]), "hello\n", "{script}");
    }
}

/// The index has folders by the names of outputs.
#[test]
fn an_output_has_the_longest_name_that_there_is() {
    let project = Project::new("options/long_name");
    project.write("main.c", "int main(void) { return 3; }\n");
    project.compile("main.c");
    let name = "\u{7a0b}".repeat(85);
    assert_eq!(name.len(), 255);
    project.link(&["main.o", "-o", &name]);
    assert_eq!(project.run(&name, &[]).ending, Ending::Exit(3));
}
