//! Shared libraries as other tools see them, beside their twins linked by GNU ld; and what is no library.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;

use unfold_tests::build::linker_flags;
use unfold_tests::directives::Compiler;
use unfold_tests::project::Project;
use unfold_tests::tools::{gnu_linker, is_installed};

const LIBRARY: &str = "\
#include <stdio.h>
int twice(int);
int shared_variable = 5;
static int hidden_counter;
__thread int per_thread = 1;
int count(void) { return ++hidden_counter; }
int call(int x)
{
    int result = twice(x);
    result += shared_variable;
    return result + count() * 0;
}
void greet(void) { puts(\"hello\"); }
";

const PART: &str = "\
__attribute__((visibility(\"hidden\"))) int twice(int x)
{
    return 2 * x;
}
";

const PROGRAM: &str = "\
#include <stdio.h>
int call(int);
void greet(void);
int main(void) { greet(); printf(\"%d\\n\", call(4)); return 0; }
";

/// `lib.so`, linked by the linker under test, and `twin.so`, the same by GNU ld, and a program that uses the first.
fn library(name: &str, flags: &[&str]) -> Project {
    let project = Project::new(&format!("shared/{name}"));
    for (source, text) in [("lib.c", LIBRARY), ("part.c", PART)] {
        project.write(source, text);
        project.compile_with(source, &["-fPIC", "-g", "-O1"]);
    }
    project.edit("main.c", PROGRAM);
    let words = [&["-shared", "lib.o", "part.o", "-Wl,-soname,lib.so"], flags].concat();
    project.link(&[&words[..], &["-o", "lib.so"]].concat());
    let gnu = linker_flags(Compiler::Gcc, gnu_linker());
    let gnu: Vec<&str> = gnu.iter().map(String::as_str).collect();
    project.tool("gcc", &[&gnu[..], &words[..], &["-o", "twin.so"]].concat());
    project.link(&["main.o", "lib.so", "-Wl,-rpath,$ORIGIN", "-o", "app"]);
    project
}

/// What a tool says about a library.
fn says(project: &Project, tool: &str, args: &[&str], library: &str) -> String {
    let outcome = project.tool(tool, &[args, &[library]].concat());
    assert_eq!(outcome.stderr_text(), "", "{tool} {args:?} complains about {library}");
    outcome.stdout_text()
}

/// Address of a symbol.
fn address(project: &Project, library: &str, name: &str) -> u64 {
    let symbols = says(project, "nm", &[], library);
    let line = symbols.lines().find(|line| line.split(' ').nth(2) == Some(name));
    let line = line.unwrap_or_else(|| panic!("{library} has no {name}:\n{symbols}"));
    u64::from_str_radix(&line[..16], 16).expect("nm prints addresses")
}

fn runs(project: &Project) {
    assert_eq!(project.output("app", &[]), "hello\n13\n");
}

#[test]
fn the_same_names_are_exported_and_imported() {
    for flags in [&[][..], &["-Wl,--version-script=map"]] {
        let project = Project::new("shared/empty");
        project.write("map", "V1 { global: call; per_thread; }; V2 { global: greet; local: *; } V1;");
        let flags: Vec<String> = flags
            .iter()
            .map(|flag| flag.replace("map", &project.path("map").display().to_string()))
            .collect();
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let project = library(if flags.is_empty() { "names" } else { "versions" }, &flags);
        let names = |library: &str| -> BTreeSet<String> {
            let all = says(&project, "nm", &["-D"], library);
            // GNU ld also makes a symbol for each version itself. Variables may be in other sections.
            let lines = all.lines().map(|line| line[17..].replacen("B ", "D ", 1));
            lines.filter(|line| !line.starts_with("A ")).collect()
        };
        assert_eq!(names("lib.so"), names("twin.so"));
        runs(&project);
    }
}

/// `nm` without `-D` says so too, by small letters, and `strip` may take such names away.
#[test]
fn names_that_a_version_script_leaves_out_are_local() {
    let script = Project::new("shared/script");
    script.write("map", "V1 { global: call; greet; per_thread; local: *; };");
    let flag = format!("-Wl,--version-script={}", script.path("map").display());
    let project = library("local-names", &[&flag]);
    let letters = |library: &str| -> BTreeSet<String> {
        let all = says(&project, "nm", &[], library);
        let functions =
            all.lines().filter_map(|line| line.get(17..)).filter(|line| line.starts_with(['t', 'T']));
        let of_source = ["call", "count", "greet", "twice"];
        let plain = functions.map(|line| line.split('@').next().unwrap_or_default().to_owned());
        plain.filter(|line| of_source.contains(&&line[2..])).collect()
    };
    assert_eq!(letters("lib.so"), letters("twin.so"));
    assert!(letters("lib.so").contains("t count"));
}

#[test]
fn readelf_has_nothing_to_complain_of() {
    let project =
        library("readelf", &["-Wl,-z,now", "-Wl,--hash-style=both", "-Wl,-z,nodelete", "-Wl,--build-id"]);
    let all = says(&project, "readelf", &["-aW", "--debug-dump=frames,info,line"], "lib.so");
    assert!(!all.contains("Warning") && !all.contains("Error"), "{all}");
    let dynamic = says(&project, "readelf", &["-dW"], "lib.so");
    for word in
        ["(SONAME)", "[lib.so]", "[libc.so.6]", "(HASH)", "(GNU_HASH)", "NODELETE", "NOW", "(VERNEED)"]
    {
        assert!(dynamic.contains(word), "{word}: {dynamic}");
    }
    assert!(says(&project, "readelf", &["-hW"], "lib.so").contains("DYN (Shared object file)"));
    assert!(says(&project, "readelf", &["-nW"], "lib.so").contains("Build ID"));
    if is_installed("eu-readelf") {
        says(&project, "eu-readelf", &["-a"], "lib.so");
    }
    runs(&project);
}

#[test]
fn addresses_are_of_the_same_lines() {
    let project = library("lines", &[]);
    let mut lines = BTreeSet::new();
    for (name, size) in [("call", 12), ("count", 6), ("greet", 8), ("twice", 3)] {
        for offset in 0..size {
            let line = |library: &str| {
                let place = format!("{:#x}", address(&project, library, name) + offset);
                project.tool("addr2line", &["-f", "-e", library, &place]).stdout_text()
            };
            assert_eq!(line("lib.so"), line("twin.so"), "{name}+{offset}");
            lines.insert(line("lib.so"));
        }
    }
    assert!(lines.iter().any(|line| line.starts_with("call\n") && line.contains("lib.c:9")), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("twice\n") && line.contains("part.c:")), "{lines:?}");
}

#[test]
fn functions_are_disassembled_to_the_same_instructions() {
    let project = library("disassembly", &[]);
    let instructions = |library: &str| -> Vec<String> {
        let text = says(&project, "objdump", &["-d", "--no-show-raw-insn", "--disassemble=call"], library);
        let lines = text.lines().filter_map(|line| line.split_once(":\t"));
        lines.map(|(_, text)| text.split(' ').next().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(instructions("lib.so"), instructions("twin.so"));
    assert!(instructions("lib.so").len() > 5);
}

#[test]
fn stripped_libraries_work() {
    for args in [&["--strip-debug"][..], &["--strip-unneeded"], &["--strip-all"]] {
        let project = library("strip", &[]);
        let before = project.read("lib.so").len();
        project.tool("strip", &[args, &["lib.so"]].concat());
        assert!(project.read("lib.so").len() < before, "{args:?}");
        assert!(!says(&project, "readelf", &["-SW"], "lib.so").contains(".debug_info"), "{args:?}");
        runs(&project);
    }
}

#[test]
fn debug_information_can_be_kept_apart() {
    let project = library("apart", &[]);
    let place = format!("{:#x}", address(&project, "lib.so", "call"));
    let line = || project.tool("addr2line", &["-e", "lib.so", &place]).stdout_text();
    let expected = line();
    assert!(expected.contains("lib.c:8"), "{expected}");
    project.tool("objcopy", &["--only-keep-debug", "lib.so", "lib.debug"]);
    project.tool("strip", &["--strip-debug", "--strip-unneeded", "lib.so"]);
    assert!(line().starts_with("??"), "{}", line());
    project.tool("objcopy", &["--add-gnu-debuglink=lib.debug", "lib.so"]);
    assert_eq!(line(), expected);
    runs(&project);
}

#[test]
fn a_library_is_linked_without_symbols_if_asked_to() {
    let project = library("no-symbols", &["-s"]);
    let sections = says(&project, "readelf", &["-SW"], "lib.so");
    assert!(!sections.contains(".symtab") && !sections.contains(".debug"), "{sections}");
    runs(&project);
}

#[test]
fn ldd_file_and_size_know_it() {
    let project = library("others", &[]);
    assert!(says(&project, "ldd", &[], "lib.so").contains("libc.so.6 => /"));
    if is_installed("file") {
        let text = says(&project, "file", &[], "lib.so");
        assert!(text.contains("shared object") && text.contains("dynamically linked"), "{text}");
    }
    let text = |library: &str| -> u64 {
        let table = says(&project, "size", &[], library);
        let line = table.lines().nth(1).unwrap_or_default();
        line.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or_default()
    };
    let (own, twin) = (text("lib.so"), text("twin.so"));
    assert!(own > twin / 2 && own < twin * 4, "{own} bytes, not about {twin}");
}

#[test]
fn a_library_is_replaced_and_not_written_over() {
    let project = library("replaced", &[]);
    let before = project.read("lib.so");
    let number = || project.path("lib.so").metadata().expect("lib.so is there").ino();
    let old = number();
    std::fs::hard_link(project.path("lib.so"), project.path("old.so")).expect("same folder");
    project.write("part.c", PART.replace("2 * x", "3 * x"));
    project.compile_with("part.c", &["-fPIC", "-g", "-O1"]);
    project.link(&["-shared", "lib.o", "part.o", "-Wl,-soname,lib.so", "-o", "lib.so"]);
    assert_ne!(number(), old);
    assert_eq!(project.read("old.so"), before);
    assert_eq!(project.output("app", &[]), "hello\n17\n");
}

#[test]
fn a_library_needs_nothing_but_itself() {
    let project = library("alone", &[]);
    for object in ["lib.o", "part.o"] {
        project.remove(object);
    }
    if project.exists(".unfold") {
        project.rename(".unfold", "index");
    }
    project.tool("cp", &["lib.so", "copy.so"]);
    project.remove("lib.so");
    project.rename("copy.so", "lib.so");
    if project.exists("index") {
        project.rename("index", ".unfold");
    }
    runs(&project);
}

/// The link fails with this text, and leaves nothing.
#[track_caller]
fn refused(project: &Project, words: &[&str], text: &str) {
    let outcome = project.try_link(&[&["-shared"], words, &["-o", "bad.so"]].concat());
    assert!(!outcome.succeeded(), "{words:?}");
    assert!(outcome.stderr_text().contains(text), "no `{text}`: {outcome:?}");
    assert!(!project.exists("bad.so"));
}

#[test]
fn undefined_symbols_are_errors_on_request() {
    let project = Project::new("shared/undefined");
    project.write("user.c", "int nowhere(int);\nint use(void) { return nowhere(1); }\n");
    project.compile_with("user.c", &["-fPIC"]);
    for option in ["-Wl,-z,defs", "-Wl,--no-undefined"] {
        refused(&project, &["user.o", option], "undefined reference to `nowhere'");
    }
    project.link(&["-shared", "user.o", "-o", "good.so"]);
    project.edit("main.c", "int use(void);\nint main(void) { return use(); }\n");
    let outcome = project.try_link(&["main.o", "good.so", "-o", "app"]);
    assert!(outcome.stderr_text().contains("good.so: undefined reference to `nowhere'"), "{outcome:?}");
}

#[test]
fn a_hidden_symbol_has_to_be_defined() {
    let project = Project::new("shared/hidden");
    let text = "__attribute__((visibility(\"hidden\"))) int f(void);\nint use(void) { return f(); }\n";
    project.write("user.c", text);
    project.compile_with("user.c", &["-fPIC"]);
    refused(&project, &["user.o"], "hidden symbol `f' isn't defined");
}

#[test]
fn code_that_is_not_position_independent_is_refused() {
    let project = Project::new("shared/absolute");
    project.write(
        "user.c",
        "static int x; int own; int *use(void) { return &x; } int g(void) { return own; }\n",
    );
    project.compile_with("user.c", &["-fno-pic", "-mcmodel=small"]);
    refused(&project, &["user.o"], "recompile with -fPIC");
    project.write("tls.c", "static __thread int x; int *use(void) { return &x; }\n");
    project.compile_with("tls.c", &["-fno-pic", "-ftls-model=local-exec"]);
    refused(&project, &["tls.o"], "recompile with -fPIC");
}

#[test]
fn a_library_cannot_run_before_all_others() {
    let project = Project::new("shared/preinit");
    project.write(
        "lib.c",
        "static void f(void) {}\n\
         __attribute__((section(\".preinit_array\"), used)) static void (*const entry)(void) = f;\n",
    );
    project.compile_with("lib.c", &["-fPIC"]);
    refused(&project, &["lib.o"], ".preinit_array section is not allowed in DSO");
}

#[test]
fn a_version_that_no_script_names_is_an_error() {
    let project = Project::new("shared/no-version");
    project.write("lib.c", "__asm__(\".symver f1, f@V9\");\nint f1(void) { return 1; }\n");
    project.compile_with("lib.c", &["-fPIC"]);
    refused(&project, &["lib.o"], "version node not found for symbol f@V9");
    project.write("map", "V1 { global: a; local: *; } V0;\n");
    assert!(!project.try_link(&["-shared", "lib.o", "-Wl,--version-script=map", "-o", "bad.so"]).succeeded());
}

#[test]
fn rust_links_dylibs_and_macros() {
    if !is_installed("rustc") {
        return;
    }
    let project = Project::new("shared/rust");
    project.write(
        "shapes.rs",
        "pub trait Shape { fn area(&self) -> u32; }\n\
         pub struct Square(pub u32);\n\
         impl Shape for Square { fn area(&self) -> u32 { self.0 * self.0 } }\n\
         pub fn boxed(side: u32) -> Box<dyn Shape> { Box::new(Square(side)) }\n\
         pub fn largest<T: Ord + Copy>(all: &[T]) -> Option<T> { all.iter().copied().max() }\n",
    );
    project.write(
        "answers.rs",
        "use proc_macro::TokenStream;\n\
         #[proc_macro] pub fn answer(_: TokenStream) -> TokenStream { \"42\".parse().unwrap() }\n\
         #[proc_macro_derive(Name)] pub fn name(input: TokenStream) -> TokenStream {\n\
             let name = input.into_iter().nth(1).unwrap().to_string();\n\
             format!(\"impl {name} {{ fn name() -> &'static str {{ \\\"{name}\\\" }} }}\").parse().unwrap()\n\
         }\n",
    );
    project.write(
        "main.rs",
        "#[derive(answers::Name)] struct Thing;\n\
         fn main() {\n\
             let caught = std::panic::catch_unwind(|| shapes::boxed(u32::MAX).area()).is_ok();\n\
             println!(\"{} {:?} {} {} {caught}\", shapes::boxed(3).area(), shapes::largest(&[1, 5, 2]),\n\
                      answers::answer!(), Thing::name());\n\
         }\n",
    );
    let rustc = |words: &[&str]| project.link_as(Compiler::Rustc, &[&["--edition=2021"], words].concat());
    rustc(&["--crate-type=dylib", "-Cprefer-dynamic", "-O", "shapes.rs"]);
    rustc(&["--crate-type=proc-macro", "--extern=proc_macro", "answers.rs"]);
    rustc(&[
        "-Cprefer-dynamic",
        "-O",
        "-L.",
        "main.rs",
        "--extern=answers=libanswers.so",
        "--extern=shapes",
        "-Crpath",
    ]);
    assert_eq!(project.output("main", &[]), "9 Some(5) 42 Thing true\n");
}
