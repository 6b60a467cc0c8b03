//! Edit scripts: link, run, edit, link again. The program is always what its sources say now, and what the
//! linker has read again is exactly what was edited.

use unfold_tests::directives::{Compiler, Ending};
use unfold_tests::project::Project;
use unfold_tests::random::Random;
use unfold_tests::three_objects::{OBJECTS, assert_incremental, reindexed, three_objects};

#[test]
fn the_first_link_is_full_and_says_why() {
    let project = three_objects("relink/first");
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "1 2\n");
    if let Some(status) = project.status("app") {
        assert!(!status.incremental, "{status:?}");
        assert!(status.why_full.is_some(), "{status:?}");
        let names = reindexed(&status);
        for object in ["main.o", "a.o", "b.o"] {
            assert!(names.iter().any(|name| name == object), "{object} in {names:?}");
        }
    }
}

#[test]
fn nothing_changed_means_nothing_is_read_again() {
    let project = three_objects("relink/nothing");
    project.link(OBJECTS);
    for _ in 0..3 {
        project.link(OBJECTS);
        assert_incremental(&project, "app", &[]);
        assert_eq!(project.output("app", &[]), "1 2\n");
    }
}

#[test]
fn one_edited_source_is_one_object_read_again() {
    let project = three_objects("relink/edited");
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "1 2\n");
    project.edit("b.c", "int b(void) { return 22; }\n");
    project.link(OBJECTS);
    assert_incremental(&project, "app", &["b.o"]);
    assert_eq!(project.output("app", &[]), "1 22\n");
    project.edit("a.c", "int a(void) { return 11; }\n");
    project.link(OBJECTS);
    assert_incremental(&project, "app", &["a.o"]);
    assert_eq!(project.output("app", &[]), "11 22\n");
}

#[test]
fn many_edits_one_after_another() {
    let project = three_objects("relink/many");
    project.link(OBJECTS);
    for round in 0..20 {
        let name = if round % 2 == 0 { "a" } else { "b" };
        project.edit(&format!("{name}.c"), &format!("int {name}(void) {{ return {}; }}\n", 100 + round));
        project.link(OBJECTS);
        assert_incremental(&project, "app", &[&format!("{name}.o")]);
        let last = |parity: i32| if round >= parity { 100 + round - (round + parity) % 2 } else { 2 };
        assert_eq!(project.output("app", &[]), format!("{} {}\n", last(0), last(1)));
    }
}

#[test]
fn an_edit_between_two_links_without_a_run() {
    let project = three_objects("relink/no-run");
    project.link(OBJECTS);
    project.edit("a.c", "int a(void) { return 5; }\n");
    project.link(OBJECTS);
    project.edit("b.c", "int b(void) { return 6; }\n");
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "5 6\n");
}

#[test]
fn same_size_and_time_but_other_contents() {
    // Build caches and copies keep the time of modification, so a new object can look like the old one by
    // size and time alone.
    let project = three_objects("relink/same-time");
    project.link(OBJECTS);
    project.tool("cp", &["-p", "b.o", "b.before"]);
    project.edit("b.c", "int b(void) { return 7; }\n");
    assert_eq!(project.read("b.o").len(), project.read("b.before").len());
    project.tool("touch", &["-r", "b.before", "b.o"]);
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "1 7\n");
}

#[test]
fn a_new_time_but_the_same_contents() {
    let project = three_objects("relink/touched");
    project.link(OBJECTS);
    project.tool("touch", &["a.o", "b.o", "main.o"]);
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "1 2\n");
}

#[test]
fn a_reverted_object_gives_the_old_program() {
    let project = three_objects("relink/reverted");
    project.link(OBJECTS);
    project.tool("cp", &["-p", "b.o", "b.before"]);
    project.edit("b.c", "int b(void) { return 20; }\n");
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "1 20\n");
    project.tool("cp", &["-p", "b.before", "b.o"]);
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "1 2\n");
    if let Some(status) = project.status("app") {
        assert!(reindexed(&status).iter().all(|name| name == "b.o"), "{status:?}");
    }
}

#[test]
fn a_function_grows_and_shrinks() {
    let project = three_objects("relink/grows");
    project.link(OBJECTS);
    for size in [10, 1000, 100_000, 100, 3_000_000, 1] {
        project.edit(
            "a.c",
            &format!(
                "static const char large[{size}] = {{[{size} - 1] = 7}};\n\
                 int a(void) {{ __asm__ volatile(\".skip {size}, 0x90\"); return large[{size} - 1] + {size}; }}\n"
            ),
        );
        project.link(OBJECTS);
        if let Some(status) = project.status("app") {
            assert_eq!(reindexed(&status), ["a.o"], "{status:?}");
            assert_eq!(status.incremental, status.why_full.is_none(), "{status:?}");
        }
        assert_eq!(project.output("app", &[]), format!("{} 2\n", size + 7));
    }
}

#[test]
fn functions_that_the_dynamic_section_names_move() {
    let project = Project::new("relink/init");
    project.edit("main.c", "#include <stdio.h>\nint main(void) { puts(\"main\"); return 0; }\n");
    let words = ["main.o", "hooks.o", "-Wl,-init,my_init", "-Wl,-fini,my_fini", "-o", "app"];
    for size in [1, 40, 400, 7] {
        let first = "    x = x * 3 + 1;\n".repeat(size);
        project.edit(
            "hooks.c",
            &format!(
                "#include <stdio.h>\nint first(volatile int x) {{\n{first}    return x;\n}}\n\
                 void my_init(void) {{ puts(\"init {size}\"); }}\nvoid my_fini(void) {{ puts(\"fini {size}\"); }}\n"
            ),
        );
        project.link(&words);
        if size != 1 {
            assert_incremental(&project, "app", &["hooks.o"]);
        }
        assert_eq!(project.output("app", &[]), format!("init {size}\nmain\nfini {size}\n"));
    }
}

#[test]
fn data_and_bss_grow() {
    let project = three_objects("relink/data");
    project.link(OBJECTS);
    for size in [1, 5000, 1_000_000, 3] {
        project.edit(
            "b.c",
            &format!(
                "int data[{size}] = {{[{size} - 1] = 4}}; int zero[{size} * 3]; int *pointer = &data[{size} - 1];\n\
                 int b(void) {{ int sum = *pointer; for (int i = 0; i < {size} * 3; i++) sum += zero[i]; return sum; }}\n"
            ),
        );
        project.link(OBJECTS);
        assert_eq!(project.output("app", &[]), "1 4\n");
    }
}

#[test]
fn functions_and_references_come_and_go() {
    let project = three_objects("relink/symbols");
    project.link(OBJECTS);
    project.edit("b.c", "int helper(int x) { return x * 3; }\nint b(void) { return helper(3); }\n");
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "1 9\n");
    project.edit("a.c", "int helper(int);\nint a(void) { return helper(4); }\n");
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "12 9\n");
    // Nothing but b.o changes, and yet a.o's call goes elsewhere.
    project.edit(
        "b.c",
        "static int pad(void) { return 5; }\nint b(void) { return pad(); }\nint helper(int x) { return x; }\n",
    );
    project.link(OBJECTS);
    assert_incremental(&project, "app", &["b.o"]);
    assert_eq!(project.output("app", &[]), "4 5\n");
    project.edit("a.c", "#include <string.h>\nint a(void) { return strlen(\"from libc\"); }\n");
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "9 5\n");
}

#[test]
fn a_definition_moves_to_another_object() {
    let project = three_objects("relink/moves");
    project.edit("b.c", "int moving(void) { return 3; }\nint b(void) { return moving(); }\n");
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "1 3\n");
    project.edit("a.c", "int moving(void) { return 4; }\nint a(void) { return 1; }\n");
    project.edit("b.c", "int moving(void);\nint b(void) { return moving(); }\n");
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "1 4\n");
}

#[test]
fn a_weak_definition_becomes_strong_elsewhere() {
    let project = three_objects("relink/weak");
    project.edit("b.c", "__attribute__((weak)) int b(void) { return 2; }\n");
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "1 2\n");
    project.edit("a.c", "int a(void) { return 1; }\nint b(void) { return 50; }\n");
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "1 50\n");
    project.edit("a.c", "int a(void) { return 1; }\n");
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "1 2\n");
}

#[test]
fn a_removed_symbol_is_a_link_error_and_leaves_no_output() {
    let project = three_objects("relink/removed");
    project.link(OBJECTS);
    project.edit("b.c", "int renamed(void) { return 2; }\n");
    let outcome = project.try_link(OBJECTS);
    assert_eq!(outcome.ending, Ending::Exit(1), "{outcome:?}");
    assert!(outcome.stderr_text().contains("main.o"), "{outcome:?}");
    assert!(!project.exists("app"), "GNU ld, too, removes the output of a link that failed");
    project.edit("b.c", "int b(void) { return 3; }\n");
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "1 3\n");
}

#[test]
fn a_failed_link_does_not_make_the_next_one_read_everything() {
    let project = three_objects("relink/failed");
    project.link(OBJECTS);
    project.edit("b.c", "int renamed(void) { return 2; }\n");
    project.try_link(OBJECTS);
    project.edit("b.c", "int b(void) { return 4; }\n");
    project.link(OBJECTS);
    if let Some(status) = project.status("app") {
        assert_eq!(reindexed(&status), ["b.o"], "{status:?}");
    }
    assert_eq!(project.output("app", &[]), "1 4\n");
}

#[test]
fn a_new_duplicate_is_a_link_error() {
    let project = three_objects("relink/duplicate");
    project.link(OBJECTS);
    project.edit("a.c", "int a(void) { return 1; }\nint b(void) { return 3; }\n");
    let outcome = project.try_link(OBJECTS);
    assert_eq!(outcome.ending, Ending::Exit(1), "{outcome:?}");
    assert!(!project.exists("app"));
}

#[test]
fn objects_are_added_and_taken_away() {
    let project = three_objects("relink/added");
    project.link(OBJECTS);
    project.edit(
        "extra.c",
        "#include <stdio.h>\n__attribute__((constructor)) static void say(void) { puts(\"extra\"); }\n",
    );
    project.link(&["main.o", "a.o", "b.o", "extra.o", "-o", "app"]);
    assert_eq!(project.output("app", &[]), "extra\n1 2\n");
    if let Some(status) = project.status("app") {
        assert_eq!(reindexed(&status), ["extra.o"], "{status:?}");
    }
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "1 2\n");
    project.link(&["extra.o", "b.o", "a.o", "main.o", "-o", "app"]);
    assert_eq!(project.output("app", &[]), "extra\n1 2\n");
}

#[test]
fn options_change() {
    let project = three_objects("relink/options");
    project.link(OBJECTS);
    project.link(&[OBJECTS, &["-Wl,--defsym=unused=1", "-Wl,-z,now"]].concat());
    assert_eq!(project.output("app", &[]), "1 2\n");
    project.link(&[OBJECTS, &["-no-pie"]].concat());
    assert_eq!(project.output("app", &[]), "1 2\n");
    project.link(&[OBJECTS, &["-static"]].concat());
    assert_eq!(project.output("app", &[]), "1 2\n");
    project.link(OBJECTS);
    assert_eq!(project.output("app", &[]), "1 2\n");
}

#[test]
fn one_member_of_an_archive_changes() {
    // A member of a thin archive is a file of its own, as in GNU ld's messages.
    let cases = [("archive", "rcs", "libab.a(b.o)"), ("thin-archive", "rcsT", "b.o")];
    for (name, operation, member) in cases {
        let project = three_objects(&format!("relink/{name}"));
        project.edit("unused.c", "int unused(void) { return 0; }\n");
        let words = &["main.o", "libab.a", "-o", "app"];
        let make = || project.tool("ar", &[operation, "libab.a", "a.o", "b.o", "unused.o"]);
        make();
        project.link(words);
        assert_eq!(project.output("app", &[]), "1 2\n");
        project.edit("b.c", "int b(void) { return 33; }\n");
        make();
        project.link(words);
        assert_incremental(&project, "app", &[member]);
        assert_eq!(project.output("app", &[]), "1 33\n");
    }
}

#[test]
fn an_archive_is_rebuilt_with_equal_members() {
    let project = three_objects("relink/equal-members");
    let words = &["main.o", "libab.a", "-o", "app"];
    project.tool("ar", &["rcs", "libab.a", "a.o", "b.o"]);
    project.link(words);
    project.remove("libab.a");
    project.tool("ar", &["rcs", "libab.a", "a.o", "b.o"]);
    project.link(words);
    assert_incremental(&project, "app", &[]);
    assert_eq!(project.output("app", &[]), "1 2\n");
}

#[test]
fn a_member_is_needed_only_later() {
    let project = three_objects("relink/needed-later");
    project.edit("late.c", "int late(void) { return 8; }\n");
    project.tool("ar", &["rcs", "liblate.a", "late.o"]);
    let words = &["main.o", "a.o", "b.o", "liblate.a", "-o", "app"];
    project.link(words);
    project.edit("b.c", "int late(void);\nint b(void) { return late(); }\n");
    project.link(words);
    assert_eq!(project.output("app", &[]), "1 8\n");
    project.edit("b.c", "int b(void) { return 2; }\n");
    project.link(words);
    assert_eq!(project.output("app", &[]), "1 2\n");
}

#[test]
fn a_member_is_no_longer_needed() {
    const CALLS: &str = "int late(void);\nint b(void) { return late(); }\n";
    // What a member does by itself, and what others see of it. A member that nobody notices may stay.
    let cases = [
        (
            "constructor",
            "",
            "__attribute__((constructor)) static void say(void) { puts(\"late\"); }\n",
            "late\n1 8\n",
            "1 2\n",
        ),
        ("weak", "__attribute__((weak)) int late(void);\n", "", "8 8\n", "1 2\n"),
        ("unnoticed", "", "", "1 8\n", "1 2\n"),
    ];
    for (name, declares, does, with, without) in cases {
        let project = three_objects(&format!("relink/no-longer-needed-{name}"));
        let value = if declares.is_empty() { "1" } else { "late ? late() : 1" };
        project.edit("a.c", &format!("{declares}int a(void) {{ return {value}; }}\n"));
        project.edit(
            "late.c",
            &format!(
                "int puts(const char *);\n{does}int other(void);\nint late(void) {{ return other(); }}\n"
            ),
        );
        project.edit("other.c", "int other(void) { return 8; }\n");
        project.tool("ar", &["rcs", "liblate.a", "late.o", "other.o"]);
        let words = &["main.o", "a.o", "b.o", "liblate.a", "-o", "app"];
        project.edit("b.c", CALLS);
        project.link(words);
        assert_eq!(project.output("app", &[]), with, "{name}");
        project.edit("b.c", "int b(void) { return 2; }\n");
        project.link(words);
        assert_eq!(project.output("app", &[]), without, "{name}");
        if let Some(status) = project.status("app") {
            assert_eq!(status.incremental, name == "unnoticed", "{status:?}");
        }
    }
}

#[test]
fn a_library_is_no_longer_needed() {
    let project = three_objects("relink/as-needed");
    project.write(
        "lib.c",
        "#include <stdio.h>\n__attribute__((constructor)) static void say(void) { puts(\"library\"); }\n\
         int from_library(void) { return 5; }\n",
    );
    project.tool("gcc", &["-shared", "-fPIC", "lib.c", "-o", "liblib.so"]);
    let uses = |object: &str, function: &str| {
        project.edit(
            &format!("{object}.c"),
            &format!("int {function}(void);\nint {object}(void) {{ return {function}(); }}\n"),
        );
    };
    uses("a", "from_library");
    uses("b", "from_library");
    let words =
        &["main.o", "a.o", "b.o", "-Wl,--as-needed", "-L.", "-llib", "-Wl,-rpath,$ORIGIN", "-o", "app"];
    project.link(words);
    assert_eq!(project.output("app", &[]), "library\n5 5\n");
    project.edit("b.c", "int b(void) { return 2; }\n");
    project.link(words);
    assert_incremental(&project, "app", &["b.o"]);
    assert_eq!(project.output("app", &[]), "library\n5 2\n");
    project.edit("a.c", "int a(void) { return 1; }\n");
    project.link(words);
    assert_eq!(project.output("app", &[]), "1 2\n");
}

#[test]
fn a_shared_library_changes_its_symbols() {
    let project = three_objects("relink/library");
    let build = |text: &str| {
        project.write("lib.c", text);
        project.tool("gcc", &["-shared", "-fPIC", "lib.c", "-o", "liblib.so"]);
    };
    build("int from_library(void) { return 5; }\n");
    project.edit("b.c", "int from_library(void);\nint b(void) { return from_library(); }\n");
    let words = &["main.o", "a.o", "b.o", "-L.", "-llib", "-Wl,-rpath,$ORIGIN", "-o", "app"];
    project.link(words);
    assert_eq!(project.output("app", &[]), "1 5\n");
    build("int other(void) { return 0; }\nint from_library(void) { return 6; }\n");
    project.link(words);
    assert_eq!(project.output("app", &[]), "1 6\n");
    build("int other(void) { return 0; }\n");
    let outcome = project.try_link(words);
    assert_eq!(outcome.ending, Ending::Exit(1), "{outcome:?}");
    assert!(outcome.stderr_text().contains("from_library"), "{outcome:?}");
}

#[test]
fn temporary_objects_of_the_compiler() {
    // The compiler deletes the objects as soon as the linker has ended, and gives them new names each time.
    let project = three_objects("relink/temporary");
    for value in [2, 3, 4] {
        project.write("b.c", format!("int b(void) {{ return {value}; }}\n"));
        project.link(&["-w", "main.c", "a.c", "b.c", "-o", "app"]);
        assert_eq!(project.output("app", &[]), format!("1 {value}\n"));
    }
}

#[test]
fn cpp_headers_change_several_objects() {
    let project = Project::new("relink/cpp");
    let write_header = |value: u32| {
        project.write(
            "h.h",
            format!(
                "#include <string>\ninline std::string text() {{ return \"{value}\"; }}\nvoid other();\n"
            ),
        );
    };
    write_header(1);
    project.write(
        "main.cpp",
        "#include \"h.h\"\n#include <iostream>\nint main() { std::cout << text() << ' '; other(); }\n",
    );
    project.write(
        "other.cpp",
        "#include \"h.h\"\n#include <iostream>\nvoid other() { std::cout << text() << '\\n'; }\n",
    );
    project.write("third.cpp", "int third() { return 3; }\n");
    let words = &["main.o", "other.o", "third.o", "-o", "app"];
    for value in [1, 2, 3] {
        write_header(value);
        project.compile("main.cpp");
        project.compile("other.cpp");
        if value == 1 {
            project.compile("third.cpp");
        }
        project.link_as(Compiler::Gxx, words);
        assert_eq!(project.output("app", &[]), format!("{value} {value}\n"));
        if value > 1
            && let Some(status) = project.status("app")
        {
            assert_eq!(reindexed(&status), ["main.o", "other.o"], "{status:?}");
        }
    }
}

#[test]
fn an_edited_rust_program() {
    let project = Project::new("relink/rust");
    for value in ["one", "two", "three"] {
        project
            .write("app.rs", format!("fn main() {{ println!(\"{{:?}}\", \"{value}\".to_uppercase()); }}\n"));
        project.link_as(Compiler::Rustc, &["app.rs", "-o", "app"]);
        assert_eq!(project.output("app", &[]), format!("{:?}\n", value.to_uppercase()));
    }
}

/// One source of `a_long_series_of_edits`, which is small enough to be computed here as well.
struct Unit {
    value: i64,
    /// The number of a later unit that this one calls.
    calls: Option<usize>,
    code_padding: usize,
    data_padding: usize,
    thread_local: bool,
}

impl Unit {
    fn source(&self, number: usize) -> String {
        let Unit { value, code_padding, data_padding, .. } = self;
        let storage = if self.thread_local { "__thread " } else { "" };
        let call = self.calls.map_or("0".into(), |callee| format!("unit{callee}()"));
        let declaration = self.calls.map_or(String::new(), |callee| format!("long unit{callee}(void);\n"));
        format!(
            "{declaration}static {storage}long value = {value};\n\
             static long data[{data_padding} + 1] = {{[{data_padding}] = 5}};\n\
             static long zero[{data_padding} + 1];\n\
             static long *const pointer = &data[{data_padding}];\n\
             long unit{number}(void) {{\n    \
                 __asm__ volatile(\".skip {code_padding}, 0x90\");\n    \
                 return value + *pointer - 5 + zero[{data_padding}] + {call};\n}}\n"
        )
    }
}

#[test]
fn a_long_series_of_edits() {
    const UNITS: usize = 8;
    let project = Project::new("relink/series");
    let mut random = Random::new(1);
    let mut units: Vec<Unit> = (0..UNITS)
        .map(|_| Unit { value: 0, calls: None, code_padding: 0, data_padding: 0, thread_local: false })
        .collect();

    let declarations: String = (0..UNITS).map(|n| format!("long unit{n}(void);\n")).collect();
    let calls: String = (0..UNITS).map(|n| format!("    printf(\"%ld\\n\", unit{n}());\n")).collect();
    project.edit(
        "main.c",
        &format!("#include <stdio.h>\n{declarations}int main(void) {{\n{calls}    return 0;\n}}\n"),
    );
    for (number, unit) in units.iter().enumerate() {
        project.edit(&format!("unit{number}.c"), &unit.source(number));
    }
    let objects: Vec<String> = (0..UNITS).map(|n| format!("unit{n}.o")).collect();
    let mut words = vec!["main.o", "-o", "app"];
    words.extend(objects.iter().map(String::as_str));

    for step in 0..60 {
        let mut edited: Vec<String> = vec![];
        for _ in 0..1 + random.below(2) {
            let number = random.below(UNITS);
            let unit = &mut units[number];
            match random.below(5) {
                0 => unit.value = random.below(1000) as i64,
                1 => unit.calls = (number + 1 < UNITS).then(|| number + 1 + random.below(UNITS - number - 1)),
                2 => unit.code_padding = [0, 3, 100, 5000, 70_000][random.below(5)],
                3 => unit.data_padding = [0, 1, 100, 3000, 40_000][random.below(5)],
                _ => unit.thread_local = !unit.thread_local,
            }
            // An edit that restores what was there changes nothing, so each gives a new value too.
            unit.value += 1000;
            project.edit(&format!("unit{number}.c"), &unit.source(number));
            edited.push(format!("unit{number}.o"));
        }
        edited.sort();
        edited.dedup();
        project.link(&words);
        if step > 0
            && let Some(status) = project.status("app")
        {
            let mut found = reindexed(&status);
            found.sort();
            assert_eq!(found, edited, "step {step}: {status:?}");
        }
        // Now and then nobody runs the program between two links.
        if random.below(4) > 0 {
            let mut values = [0; UNITS];
            for number in (0..UNITS).rev() {
                values[number] = units[number].value + units[number].calls.map_or(0, |callee| values[callee]);
            }
            let expected: String = values.iter().map(|value| format!("{value}\n")).collect();
            assert_eq!(project.output("app", &[]), expected, "step {step}");
        }
    }
}

#[test]
fn a_static_program_is_edited() {
    let project = three_objects("relink/static");
    let words = [OBJECTS, &["-static"]].concat();
    project.link(&words);
    for size in [1, 20, 3000] {
        let body = "    x = x * 3 + 1;\n".repeat(size);
        project
            .edit("b.c", &format!("int b(void) {{\n    volatile int x = 0;\n{body}    return {size};\n}}\n"));
        project.link(&words);
        assert_incremental(&project, "app", &["b.o"]);
        assert_eq!(project.output("app", &[]), format!("1 {size}\n"));
    }
}

#[test]
fn a_static_program_finds_its_frames() {
    let project = Project::new("relink/static-frames");
    project.edit(
        "main.cpp",
        "#include <cstdio>\nint thrown(int);\n\
         int main() { try { return thrown(1); } catch (int x) { std::printf(\"%d\\n\", x); } }\n",
    );
    let words = ["throw.o", "main.o", "-static", "-o", "app"];
    // Frames of another size, more of them, fewer of them.
    let more = "int more(int x) { return x < 2 ? x : more(x - 1) * 3 + more(x - 2); }\n";
    for (value, before) in [(1, ""), (2, ""), (3, more), (4, "")] {
        project
            .edit("throw.cpp", &format!("{before}int thrown(int x) {{ if (x) throw {value}; return x; }}\n"));
        project.link_as(Compiler::Gxx, &words);
        if value == 2 {
            assert_incremental(&project, "app", &["throw.o"]);
        }
        assert_eq!(project.output("app", &[]), format!("{value}\n"));
    }
}

#[test]
fn an_indirect_function_comes_and_goes() {
    for mode in ["-pie", "-no-pie", "-static"] {
        let project = three_objects(&format!("relink/indirect{mode}"));
        let words = [OBJECTS, &[mode]].concat();
        let indirect = "static int one(void) { return 1; }\nstatic void *choose(void) { return one; }\n\
             static int f(void) __attribute__((ifunc(\"choose\")));\nint a(void) { return f(); }\n";
        // Whatever is in its place now, nobody may call it to choose a function.
        let other =
            "int more(int x) { int y = x; while (x--) y *= x; return y; }\nint a(void) { return 3; }\n";
        for (source, value) in [(indirect, 1), (other, 3), (indirect, 1)] {
            project.edit("a.c", source);
            project.link(&words);
            assert_eq!(project.output("app", &[]), format!("{value} 2\n"), "{mode}");
        }
    }
}

#[test]
fn the_ends_of_code_and_data_follow() {
    let project = Project::new("relink/ends");
    project.edit(
        "main.c",
        "#include <stdio.h>\nextern char etext, edata, end;\nextern char data[], data_end[], zero[], zero_end[];\n\
         void code(void), code_end(void);\n#define IN(last, limit) ((char *)(last) <= &limit)\n\
         int main(void) { printf(\"%d %d %d\\n\", IN(code_end, etext), IN(data_end, edata), IN(zero_end, end)); return 0; }\n",
    );
    for size in [8, 200_000, 20] {
        let part = |section: &str, name: &str| {
            format!(".section {section}\n.globl {name}, {name}_end\n{name}: .skip {size}\n{name}_end:\n")
        };
        let text = [part(".text", "code"), part(".data", "data"), part(".bss", "zero")].concat();
        project.edit("parts.S", &format!("{text}.section .note.GNU-stack,\"\"\n"));
        project.link(&["main.o", "parts.o", "-o", "app"]);
        assert_eq!(project.output("app", &[]), "1 1 1\n", "{size}");
    }
}

#[test]
fn a_common_symbol_grows() {
    let project = three_objects("relink/common");
    // What `a` writes is not what `b` reads, wherever the two are.
    project.edit(
        "b.c",
        "int own[4];\nint b(void) { int sum = 2; for (int i = 0; i < 4; i++) sum += own[i]; return sum; }\n",
    );
    for size in [2, 20_000, 3] {
        project.edit(
            "a.c",
            &format!(
                "int shared[{size}] __attribute__((common));\n\
                 int a(void) {{ for (int i = 0; i < {size}; i++) shared[i] = 1; return shared[{size} - 1]; }}\n"
            ),
        );
        project.link(OBJECTS);
        assert_eq!(project.output("app", &[]), "1 2\n", "{size}");
    }
}

#[test]
fn the_entry_moves() {
    let project = Project::new("relink/entry");
    project.edit("main.c", "#include <stdio.h>\nint main(void) { puts(\"main\"); return 0; }\n");
    for before in ["", "int more(int x) { return x * x + 3; }\n"] {
        let start = ".globl other_start\\n.type other_start, @function\\nother_start: jmp _start\\n";
        project.edit("start.c", &format!("{before}__asm__(\"{start}\");\n"));
        project.link(&["main.o", "start.o", "-Wl,-e,other_start", "-o", "app"]);
        assert_eq!(project.output("app", &[]), "main\n");
    }
}

#[test]
fn what_the_command_line_names_anew_follows() {
    let project = Project::new("relink/defsym");
    project.edit("main.c", "#include <stdio.h>\nint renamed(void);\nint main(void) { printf(\"%d\\n\", renamed()); return 0; }\n");
    for (number, before) in ["", "int more(int x) { return x * x + 3; }\n"].iter().enumerate() {
        project.edit("other.c", &format!("{before}int actual(void) {{ return {number}; }}\n"));
        project.link(&["main.o", "other.o", "-Wl,--defsym=renamed=actual", "-o", "app"]);
        assert_eq!(project.output("app", &[]), format!("{number}\n"));
    }
}

#[test]
fn a_member_of_a_thin_archive_that_is_no_longer_needed_goes() {
    let project = Project::new("relink/thin-member");
    let main = |calls: &str| {
        format!(
            "#include <stdio.h>\nlong first(void);\nlong second(void);\n\
             int main(void) {{ printf(\"%ld\\n\", {calls}); return 0; }}\n"
        )
    };
    project.edit("main.c", &main("first() + second()"));
    project.edit(
        "first.c",
        "long other(long) __attribute__((weak));\nlong first(void) { return other ? other(3) : -1; }\n",
    );
    project
        .edit("second.c", "long other(long x) { return x * 7; }\nlong second(void) { return other(1); }\n");
    project.tool("ar", &["rcsDT", "lib.a", "second.o"]);
    const LINK: &[&str] = &["main.o", "first.o", "lib.a", "-o", "app"];
    project.link(LINK);
    assert_eq!(project.output("app", &[]), "28\n");
    project.edit("main.c", &main("first()"));
    project.link(LINK);
    // A link from nothing has no reason to load the member, and the weak reference finds nothing.
    assert_eq!(project.output("app", &[]), "-1\n");
    project.edit("main.c", &main("first() + second()"));
    project.link(LINK);
    assert_eq!(project.output("app", &[]), "28\n");
}

#[test]
fn a_function_of_a_library_that_is_no_longer_called_is_no_longer_imported() {
    let project = Project::new("relink/import-goes");
    let library = |source: &str| {
        project.write("l.c", source);
        project.tool("gcc", &["-shared", "-fPIC", "l.c", "-o", "libl.so"]);
    };
    let main = |calls: &str| {
        format!(
            "#include <stdio.h>\nint f(int);\nint g(int);\n\
             int main(void) {{ printf(\"%d\\n\", {calls}); return 0; }}\n"
        )
    };
    library("int f(int x) { return x + 1; }\nint g(int x) { return x + 2; }\n");
    project.edit("main.c", &main("f(1) + g(1)"));
    const LINK: &[&str] = &["main.o", "-L.", "-ll", "-Wl,-rpath,$ORIGIN", "-Wl,-z,now", "-o", "app"];
    project.link(LINK);
    assert_eq!(project.output("app", &[]), "5\n");
    project.edit("main.c", &main("g(1)"));
    project.link(LINK);
    assert_eq!(project.output("app", &[]), "3\n");
    // The next version of the library needs no relink.
    library("int g(int x) { return x + 3; }\n");
    assert_eq!(project.output("app", &[]), "4\n");
}
