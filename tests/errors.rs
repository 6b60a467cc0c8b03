//! Links that must fail, and how: what ld's users know is named, the status is 1, and no output is left.

use unfold_tests::directives::{Compiler, Ending};
use unfold_tests::project::Project;
use unfold_tests::random::Random;
use unfold_tests::run::Outcome;
use unfold_tests::tools::unfold_command;

fn project(name: &str) -> Project {
    Project::new(&format!("errors/{name}"))
}

/// Checks that a link through a compiler has failed in an orderly way and that it names all of this.
fn assert_fails(project: &Project, compiler: Compiler, words: &[&str], named: &[&str]) {
    // An output from before must not survive as if it were the new one.
    project.write("app", "an older output");
    let outcome = project.try_link_as(compiler, &[words, &["-o", "app"]].concat());
    assert_eq!(outcome.ending, Ending::Exit(1), "{outcome:?}");
    let text = outcome.stderr_text();
    assert!(text.contains("ld returned 1 exit status"), "{outcome:?}");
    for name in named {
        assert!(text.contains(name), "`{name}` is not named: {outcome:?}");
    }
    assert!(!project.exists("app"), "an output is left behind: {outcome:?}");
}

#[test]
fn an_undefined_function() {
    let project = project("undefined-function");
    project.edit("main.c", "int missing(void);\nint main(void) { return missing(); }\n");
    assert_fails(&project, Compiler::Gcc, &["main.o"], &["main.o", "main", "undefined", "missing"]);
}

#[test]
fn several_undefined_symbols_are_all_reported() {
    let project = project("undefined-several");
    project.edit("main.c", "int one(void), two(void);\nint main(void) { return one() + two(); }\n");
    project.edit("other.c", "extern int three;\nint *pointer = &three;\n");
    assert_fails(&project, Compiler::Gcc, &["main.o", "other.o"], &["one", "two", "three", "other.o"]);
}

#[test]
fn an_undefined_symbol_in_a_member_of_an_archive() {
    let project = project("undefined-member");
    project.edit("main.c", "int member(void);\nint main(void) { return member(); }\n");
    project.edit("member.c", "int missing(void);\nint member(void) { return missing(); }\n");
    project.tool("ar", &["rcs", "libm1.a", "member.o"]);
    assert_fails(&project, Compiler::Gcc, &["main.o", "libm1.a"], &["libm1.a", "member.o", "missing"]);
}

#[test]
fn debug_information_beyond_4_gib_of_what_is_written_whole() {
    let project = project("debug-beyond");
    let end = ".section .note.GNU-stack,\"\",@progbits\n";
    project.write("far.s", format!(".globl far\nfar = 0x123456789\n{end}"));
    project.write("info.s", format!(".section .debug_info,\"\",@progbits\n.long far\n{end}"));
    project.edit("main.c", "int main(void) { return 0; }\n");
    project.tool("gcc", &["-c", "far.s", "info.s"]);
    let objects = ["main.o", "far.o", "info.o"];
    let named = [".debug_info", "4 GiB"];
    assert_fails(&project, Compiler::Gcc, &[&["-shared"], objects.as_slice()].concat(), &named);
    // An executable that settles behind its link stays as the link wrote it.
    project.link(&[objects.as_slice(), &["-o", "app"]].concat());
    assert_eq!(project.output("app", &[]), "");
}

#[test]
fn an_undefined_cpp_function_is_named_as_in_the_source() {
    let project = project("undefined-cpp");
    project.edit(
        "main.cpp",
        "#include <string>\nnamespace space { struct Type { int method(const std::string &, int) const; }; }\n\
         int main() { return space::Type().method(\"\", 1); }\n",
    );
    assert_fails(&project, Compiler::Gxx, &["main.o"], &["space::Type::method(", "main.o", "undefined"]);
}

#[test]
fn an_undefined_virtual_table() {
    let project = project("undefined-vtable");
    project.edit("main.cpp", "struct Type { virtual void key(); };\nint main() { Type object; }\n");
    assert_fails(&project, Compiler::Gxx, &["main.o"], &["vtable for Type"]);
}

#[test]
fn an_undefined_thread_local_variable() {
    let project = project("undefined-tls");
    project.edit("main.c", "extern __thread int missing;\nint main(void) { return missing; }\n");
    assert_fails(&project, Compiler::Gcc, &["main.o"], &["missing", "main.o"]);
}

#[test]
fn an_undefined_hidden_symbol_is_not_satisfied_by_a_library() {
    let project = project("undefined-hidden");
    project.edit(
        "main.c",
        "__attribute__((visibility(\"hidden\"))) int in_library(void);\nint main(void) { return in_library(); }\n",
    );
    project.write("lib.c", "int in_library(void) { return 1; }\n");
    project.tool("gcc", &["-shared", "-fPIC", "lib.c", "-o", "liblib.so"]);
    assert_fails(&project, Compiler::Gcc, &["main.o", "liblib.so"], &["in_library"]);
}

/// A library that needs a function, and an object that defines it.
fn wanting_library(name: &str) -> Project {
    let project = project(name);
    project.edit("main.c", "int of_library(void);\nint main(void) { return of_library(); }\n");
    project.edit("definition.c", "int wanted(void) { return 0; }\n");
    project.edit("hidden.c", "__attribute__((visibility(\"hidden\"))) int wanted(void) { return 0; }\n");
    project.tool("ar", &["rcs", "libdefinition.a", "definition.o"]);
    project.write("library.c", "int wanted(void);\nint of_library(void) { return wanted(); }\n");
    project.tool("gcc", &["-shared", "-fPIC", "library.c", "-o", "liblibrary.so"]);
    project
}

#[test]
fn an_undefined_symbol_of_a_shared_library() {
    let project = wanting_library("undefined-in-library");
    let named = &["liblibrary.so: undefined reference to `wanted'"];
    assert_fails(&project, Compiler::Gcc, &["main.o", "liblibrary.so"], named);
    let ignored = "-Wl,--unresolved-symbols=ignore-in-object-files";
    assert_fails(&project, Compiler::Gcc, &["main.o", "liblibrary.so", ignored], named);
    let hidden = &["hidden symbol `wanted' in hidden.o is referenced by DSO"];
    assert_fails(&project, Compiler::Gcc, &["main.o", "hidden.o", "liblibrary.so"], hidden);
}

#[test]
fn what_shared_libraries_need_is_found_or_allowed() {
    let project = wanting_library("defined-for-library");
    let rpath = "-Wl,-rpath,$ORIGIN";
    project.link(&["main.o", "liblibrary.so", "definition.o", rpath, "-o", "app"]);
    assert_eq!(project.output("app", &[]), "");
    // Nothing but the library asks for the member.
    project.link(&["main.o", "liblibrary.so", "libdefinition.a", rpath, "-o", "app"]);
    assert_eq!(project.output("app", &[]), "");
    for allowed in ["--allow-shlib-undefined", "--unresolved-symbols=ignore-in-shared-libs"] {
        project.link(&["main.o", "liblibrary.so", &format!("-Wl,{allowed}"), "-o", "app"]);
    }
    // Not a library that is dropped.
    project.edit("main.c", "int main(void) { return 0; }\n");
    project.link(&["main.o", "-Wl,--as-needed", "liblibrary.so", "-o", "app"]);
    let outcome = project.try_link(&[
        "main.o",
        "-Wl,--no-as-needed,--warn-unresolved-symbols",
        "liblibrary.so",
        "-o",
        "app",
    ]);
    assert!(outcome.succeeded(), "{outcome:?}");
    assert!(outcome.stderr_text().contains("warning: "), "{outcome:?}");
}

#[test]
fn a_version_that_a_shared_library_needs_is_not_there() {
    let project = wanting_library("undefined-version-in-library");
    for version in ["one", "two"] {
        project.write(&format!("{version}.map"), format!("{version} {{ global: wanted; local: *; }};\n"));
        let map = format!("-Wl,--version-script={version}.map,-soname,libdefinition.so");
        let library = format!("{version}.so");
        project.tool("gcc", &["-shared", "-fPIC", "definition.c", &map, "-o", &library]);
    }
    project.tool("gcc", &["-shared", "-fPIC", "library.c", "one.so", "-o", "liblibrary.so"]);
    let words = ["main.o", "liblibrary.so", "one.so"];
    project.link(&[&words[..], &["-o", "app"]].concat());
    let named = &["liblibrary.so: undefined reference to `wanted@one'"];
    assert_fails(&project, Compiler::Gcc, &["main.o", "liblibrary.so", "two.so"], named);
}

#[test]
fn no_main_function() {
    let project = project("no-main");
    project.edit("other.c", "int other(void) { return 0; }\n");
    assert_fails(&project, Compiler::Gcc, &["other.o"], &["main", "undefined"]);
}

#[test]
fn a_duplicate_function() {
    let project = project("duplicate");
    project.edit("main.c", "int twice(void) { return 1; }\nint main(void) { return twice(); }\n");
    project.edit("other.c", "int twice(void) { return 2; }\n");
    assert_fails(&project, Compiler::Gcc, &["main.o", "other.o"], &["twice", "main.o", "other.o"]);
}

#[test]
fn a_duplicate_cpp_function_is_named_as_in_the_source() {
    let project = project("duplicate-cpp");
    project
        .edit("main.cpp", "int space_twice(double) { return 1; }\nint main() { return space_twice(1); }\n");
    project.edit("other.cpp", "int space_twice(double) { return 2; }\n");
    assert_fails(&project, Compiler::Gxx, &["main.o", "other.o"], &["space_twice(double)", "other.o"]);
}

#[test]
fn a_duplicate_in_a_member_of_an_archive() {
    let project = project("duplicate-member");
    project.edit(
        "main.c",
        "int twice(void) { return 1; }\nint other(void);\nint main(void) { return twice() + other(); }\n",
    );
    project.edit("other.c", "int twice(void) { return 2; }\nint other(void) { return 3; }\n");
    project.tool("ar", &["rcs", "libother.a", "other.o"]);
    assert_fails(&project, Compiler::Gcc, &["main.o", "libother.a"], &["twice", "libother.a", "other.o"]);
}

#[test]
fn duplicates_that_are_allowed() {
    let project = project("allowed");
    project.edit("main.c", "int twice(void) { return 1; }\nint main(void) { return twice() - 1; }\n");
    project.edit("other.c", "int twice(void) { return 2; }\n");
    project.link(&["main.o", "other.o", "-Wl,--allow-multiple-definition", "-o", "app"]);
    assert_eq!(project.output("app", &[]), "");
}

#[test]
fn a_missing_library() {
    let project = project("missing-library");
    project.edit("main.c", "int main(void) { return 0; }\n");
    assert_fails(
        &project,
        Compiler::Gcc,
        &["main.o", "-lno_such_library"],
        &["cannot find", "-lno_such_library"],
    );
}

#[test]
fn all_missing_libraries_are_reported() {
    let project = project("missing-libraries");
    project.edit("main.c", "int main(void) { return 0; }\n");
    project.tool("gcc", &["-shared", "-fPIC", "main.c", "-o", "libdynamic.so"]);
    let words = &["main.o", "-lfirst_missing", "-lsecond_missing"];
    let named = &["cannot find -lfirst_missing: No such file", "cannot find -lsecond_missing: No such file"];
    assert_fails(&project, Compiler::Gcc, words, named);
    if unfold_command().is_some() {
        let named = &["have you installed the static version of the dynamic library ?"];
        assert_fails(&project, Compiler::Gcc, &["main.o", "-static", "-L.", "-ldynamic"], named);
    }
}

#[test]
fn a_library_for_another_machine_is_skipped() {
    let project = project("incompatible-library");
    project.edit("main.c", "int wanted(void);\nint main(void) { return wanted(); }\n");
    project.write("part.S", ".globl wanted\nwanted: ret\n");
    project.tool("as", &["--32", "part.S", "-o", "part.o"]);
    project.tool("ar", &["rcs", "libpart.a", "part.o"]);
    let skipped = "skipping incompatible ./libpart.a when searching for -lpart";
    assert_fails(&project, Compiler::Gcc, &["main.o", "-L.", "-lpart"], &[skipped, "cannot find -lpart"]);
    assert_fails(
        &project,
        Compiler::Gcc,
        &["main.o", "part.o"],
        &["part.o", "incompatible with i386:x86-64"],
    );
    project.edit("right.c", "int wanted(void) { return 0; }\n");
    std::fs::create_dir(project.path("right")).unwrap();
    project.tool("ar", &["rcs", "right/libpart.a", "right.o"]);
    let outcome = project.try_link(&["main.o", "-L.", "-Lright", "-lpart", "-o", "app"]);
    assert!(outcome.succeeded() && outcome.stderr_text().contains(skipped), "{outcome:?}");
    assert_eq!(project.output("app", &[]), "");
}

#[test]
fn expressions_of_the_command_line() {
    let project = project("defsym");
    project.edit("main.c", "int wanted(void);\nint main(void) { return wanted(); }\n");
    for (meaning, named) in [
        ("absent+4", "undefined symbol `absent' referenced in expression"),
        ("wanted", "undefined symbol `wanted' referenced in expression"),
        ("puts", "unresolvable symbol `puts' referenced in expression"),
    ] {
        let option = format!("-Wl,--defsym=wanted={meaning}");
        assert_fails(&project, Compiler::Gcc, &["main.o", &option], &["--defsym:", named]);
    }
    for wrong in ["wanted", "wanted=1+", "1=wanted", "wanted=12abc"] {
        let outcome = project.try_link(&["main.o", &format!("-Wl,--defsym={wrong}"), "-o", "new"]);
        assert!(
            !outcome.succeeded() && outcome.stderr_text().contains("syntax error"),
            "{wrong}: {outcome:?}"
        );
    }
}

#[test]
fn an_address_out_of_reach() {
    let project = project("out-of-reach");
    project.edit("main.c", "int main(void) { return 0; }\n__asm__(\".data\\n.long far\");\n");
    let words = &["main.o", "-no-pie", "-Wl,--defsym=far=0x200000000"];
    let mut named = vec!["main.o", "relocation truncated to fit: R_X86_64_", "against symbol `far'"];
    if unfold_command().is_some() {
        named.extend(["out of range: ", "8589934592 is not in [0, 4294967295]"]);
    }
    assert_fails(&project, Compiler::Gcc, words, &named);
    // Code is not rendered by the link, and yet checked.
    project.edit("main.c", "int far(void);\nint main(void) { return far(); }\n");
    assert_fails(&project, Compiler::Gcc, words, &named[..3]);
}

#[test]
fn undefined_symbols_are_counted() {
    let project = project("undefined-many");
    let calls: String = (0..30).map(|n| format!("    missing_{n}();\n")).collect();
    project.edit("many.c", &format!("int main(void) {{\n{calls}    return 0;\n}}\n"));
    project.edit("often.c", "int absent(void), more(void);\nint main(void) { return absent() + absent() + absent() + absent() + absent() + absent(); }\n");
    let named = &[
        "often.o: in function `main':",
        "undefined reference to `absent'",
        "more undefined references to `absent' follow",
    ];
    assert_fails(&project, Compiler::Gcc, &["often.o"], named);
    if unfold_command().is_none() {
        return;
    }
    for (option, count) in [("--error-limit=3", 3), ("--demangle", 20), ("--error-limit=0", 30)] {
        let outcome = project.try_link(&["many.o", &format!("-Wl,{option}"), "-o", "app"]);
        let text = outcome.stderr_text();
        assert_eq!(text.matches("undefined reference to `missing_").count(), count, "{text}");
        assert_eq!(text.contains("too many errors, use --error-limit=0"), count < 30, "{text}");
    }
}

#[test]
fn what_was_meant_instead_of_an_undefined_symbol() {
    if unfold_command().is_none() {
        return;
    }
    let project = project("undefined-hints");
    project.edit("other.c", "int print_line(void) { return 1; }\nint plain(int x) { return x; }\nstatic __attribute__((used)) int inner(void) { return 2; }\n");
    project.edit(
        "more.cpp",
        "int overloaded(int x) { return x; }\nint plain(int);\nint use() { return plain(1); }\n",
    );
    for (name, hints) in [
        ("pritn_line", &[">>> did you mean: print_line", ">>> defined in: other.o"][..]),
        ("Print_Line", &[">>> did you mean: print_line"]),
        ("overloaded", &[">>> did you mean: overloaded(int)", ">>> defined in: more.o"]),
        ("inner", &[">>> defined in: other.o, but local to it (static)"]),
        ("main", &[">>> did you mean: extern \"C\" plain", ">>> defined in: other.o"]),
    ] {
        project.edit("main.c", &format!("int {name}(void);\nint main(void) {{ return {name}(); }}\n"));
        assert_fails(&project, Compiler::Gcc, &["main.o", "other.o", "more.o"], hints);
    }
}

#[test]
fn a_missing_file() {
    let project = project("missing-file");
    project.edit("main.c", "int main(void) { return 0; }\n");
    let words = &["main.o", "-Wl,no_such_file.o"];
    assert_fails(&project, Compiler::Gcc, words, &["no_such_file.o", "No such file or directory"]);
}

#[test]
fn a_directory_as_input() {
    let project = project("directory");
    project.edit("main.c", "int main(void) { return 0; }\n");
    std::fs::create_dir(project.path("directory.o")).unwrap();
    assert_fails(&project, Compiler::Gcc, &["main.o", "directory.o"], &["directory.o"]);
}

#[test]
fn an_output_that_cannot_be_written() {
    let project = project("unwritable");
    project.edit("main.c", "int main(void) { return 0; }\n");
    let outcome = project.try_link(&["main.o", "-o", "no/such/directory/app"]);
    assert_eq!(outcome.ending, Ending::Exit(1), "{outcome:?}");
    assert!(outcome.stderr_text().contains("no/such/directory/app"), "{outcome:?}");
    assert!(!project.exists("no"), "a directory was made for the output");
}

#[test]
fn an_unknown_option() {
    let project = project("unknown-option");
    project.edit("main.c", "int main(void) { return 0; }\n");
    let outcome = project.try_link(&["main.o", "-Wl,--no-such-option", "-o", "app"]);
    assert_eq!(outcome.ending, Ending::Exit(1), "{outcome:?}");
    assert!(outcome.stderr_text().contains("--no-such-option"), "{outcome:?}");
    assert!(!project.exists("app"));
}

#[test]
fn no_input_at_all() {
    let project = project("no-input");
    let outcome = project.ld(&["-o", "app"]);
    assert_eq!(outcome.ending, Ending::Exit(1), "{outcome:?}");
    assert!(outcome.stderr_text().contains("no input files"), "{outcome:?}");
}

#[test]
fn an_object_for_another_machine() {
    let project = project("other-machine");
    project.write("main.c", "int main(void) { return 0; }\n");
    project.compile("main.c");
    project.write("other.S", ".globl other\nother: ret\n");
    // The assembler alone suffices for 32 bits, without the compiler's 32-bit libraries.
    project.tool("as", &["--32", "other.S", "-o", "other.o"]);
    assert_fails(&project, Compiler::Gcc, &["main.o", "other.o"], &["other.o"]);
}

#[test]
fn a_relocation_out_of_range() {
    let project = project("out-of-range");
    project.write(
        "main.S",
        ".globl main\nmain: xor %eax, %eax\nret\n.data\n.byte far\n.globl far\n.set far, 0x12345\n",
    );
    project.compile("main.S");
    // A global absolute symbol in another object, which only the linker can look at.
    project.write("main.S", ".globl main\nmain: xor %eax, %eax\nret\n.data\n.byte far\n");
    project.compile("main.S");
    project.write("far.S", ".globl far\n.set far, 0x12345\n");
    project.compile("far.S");
    assert_fails(
        &project,
        Compiler::Gcc,
        &["-no-pie", "main.o", "far.o"],
        &["main.o", "truncated to fit: R_X86_64_8 against symbol `far'"],
    );
}

#[test]
fn code_that_cannot_be_in_a_pie() {
    let project = project("not-pic");
    project.write("main.c", "static int table[4];\nint main(void) { return table[(long)table & 3]; }\n");
    project.compile_with("main.c", &["-fno-pie"]);
    let outcome = project.try_link(&["-pie", "main.o", "-o", "app"]);
    // GNU ld refuses it. A linker whose images have a fixed address can do it right, which is also well.
    match outcome.ending {
        Ending::Exit(0) => assert_eq!(project.run("app", &[]).ending, Ending::Exit(0)),
        ending => {
            assert_eq!(ending, Ending::Exit(1), "{outcome:?}");
            assert!(outcome.stderr_text().contains("main.o"), "{outcome:?}");
            assert!(!project.exists("app"));
        }
    }
}

#[test]
fn inputs_that_are_no_objects() {
    let project = project("no-objects");
    project.edit("main.c", "int main(void) { return 0; }\n");
    let mut random = Random::new(1);
    let cases: &[(&str, Vec<u8>)] = &[
        ("empty.o", vec![]),
        ("one_byte.o", vec![0x7f]),
        ("only_magic.o", b"\x7fELF".to_vec()),
        ("random.o", random.bytes(5000)),
        ("text.o", b"this is neither an object nor a linker script {\n".to_vec()),
        ("random_archive.a", [b"!<arch>\n".to_vec(), random.bytes(5000)].concat()),
        ("thin_to_nowhere.a", b"!<thin>\n//                                              8         `\nnone.o/\n\n/0              0           0     0     644     100       `\n".to_vec()),
    ];
    for (name, contents) in cases {
        project.write(name, contents);
        project.write("app", "an older output");
        let outcome = project.try_link(&["main.o", name, "-o", "app"]);
        match outcome.ending {
            // An archive without anything useful in it may be ignored, and to GNU ld an empty file is an
            // empty linker script.
            Ending::Exit(0) if name.ends_with(".a") || contents.is_empty() => {}
            _ => assert_orderly_failure(name, &outcome, name),
        }
    }
}

#[test]
fn truncated_inputs() {
    let project = rich_project("truncated");
    for file in ["rich.o", "librich.a", "librich.so"] {
        let whole = project.read(file);
        let mut random = Random::new(2);
        for _ in 0..60 {
            let length = random.below(whole.len());
            project.write(file, &whole[..length]);
            check_malformed(&project, &format!("{file} cut to {length} bytes"));
        }
        project.write(file, &whole);
    }
}

#[test]
fn inputs_with_flipped_bits() {
    let project = rich_project("flipped");
    for (file, seeds) in [("rich.o", 300), ("librich.a", 200), ("librich.so", 100)] {
        let whole = project.read(file);
        for seed in 0..seeds {
            let mut random = Random::new(seed);
            let mut changed = whole.clone();
            // Headers and tables are where a linker goes wrong, so half of the flips go there.
            let limit = if seed % 2 == 0 { whole.len() } else { whole.len().min(300) };
            for _ in 0..1 + random.below(4) {
                let position = random.below(limit);
                changed[position] ^= 1 << random.below(8);
            }
            project.write(file, changed);
            check_malformed(&project, &format!("{file} with bits flipped by seed {seed}"));
        }
        project.write(file, &whole);
    }
}

#[test]
fn section_headers_with_random_fields() {
    let project = rich_project("headers");
    let whole = project.read("rich.o");
    let table = u64::from_le_bytes(whole[40..48].try_into().unwrap()) as usize;
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let mut changed = whole.clone();
        let position = table + random.below((whole.len() - table) / 8) * 8;
        let value = [0, 1, 0xffff, u64::from(u32::MAX), u64::MAX, 1 << 63, random.number()][random.below(7)];
        changed[position..position + 8].copy_from_slice(&value.to_le_bytes());
        project.write("rich.o", changed);
        check_malformed(&project, &format!("rich.o with a section header changed by seed {seed}"));
    }
}

/// An object, an archive and a library with everything in them that a linker has to parse, linked without libc so that
/// hundreds of links take little time.
fn rich_project(name: &str) -> Project {
    let project = project(name);
    project.write(
        "rich.cpp",
        "struct Base { virtual ~Base(); virtual int f(); };\n\
         template <class T> struct Derived : Base { int f() override { static T t; return int(t += 1); } };\n\
         thread_local int local = 5;\n\
         int common_like;\n\
         extern \"C\" int from_library();\n\
         const char *texts[] = {\"one\", \"two\", \"three\"};\n\
         int (*table[])() = {from_library};\n\
         extern \"C\" __attribute__((weak)) int absent();\n\
         __attribute__((constructor)) static void construct() { common_like++; }\n\
         Base *make(int x) { if (x == 1) throw 5; if (x) return new Derived<int>; return new Derived<char>; }\n\
         extern \"C\" int begin() { local += from_library(); return absent ? absent() : texts[local % 3][0]; }\n",
    );
    project.compile_with("rich.cpp", &["-O1", "-g", "-fPIC", "-ffunction-sections"]);
    project.write("lib.c", "int from_library(void) { return 1; }\n__thread int tls_variable = 3;\n");
    project.tool("gcc", &["-shared", "-fPIC", "lib.c", "-o", "librich.so", "-nostdlib"]);
    project.tool("cp", &["rich.o", "member.o"]);
    project.tool("ar", &["rcs", "librich.a", "member.o"]);
    project
}

/// Links the project's inputs, one of which is malformed. Success is no failure: many a flipped bit is harmless.
fn check_malformed(project: &Project, what: &str) {
    if unfold_command().is_none() {
        // The stand-in is not what is tested here; GNU ld itself does not survive all of this.
        return;
    }
    project.write("app", "an older output");
    // The archive's member is an equal of the object, so they are linked one at a time.
    for input in ["rich.o", "librich.a"] {
        let words =
            ["-o", "app", "-e", "begin", "-u", "begin", "-dynamic-linker", "/lib64/ld-linux-x86-64.so.2"];
        let outcome =
            project.ld(&[&words[..], &["--unresolved-symbols=ignore-all", input, "librich.so"]].concat());
        match outcome.ending {
            Ending::Exit(0) => {}
            _ => assert_orderly_failure(what, &outcome, ""),
        }
    }
}

fn assert_orderly_failure(what: &str, outcome: &Outcome, named: &str) {
    assert_eq!(outcome.ending, Ending::Exit(1), "{what}: {outcome:?}");
    let text = outcome.stderr_text();
    assert!(!text.trim().is_empty(), "{what}: nothing is said: {outcome:?}");
    assert!(text.contains(named), "{what}: the file is not named: {outcome:?}");
    assert!(!text.contains("panicked"), "{what}: {outcome:?}");
}
