//! `unfold explain`: each answer is what the sources, the command line and other tools say.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use unfold_tests::directives::{Compiler, Ending};
use unfold_tests::project::Project;
use unfold_tests::run::{Outcome, program, run};
use unfold_tests::tools::{complete_kept, gnu_linker, is_installed, unfold_command};

/// A project, if it is unfold that is tested.
fn project(name: &str) -> Option<Project> {
    unfold_command()?;
    let project = Project::new(&format!("explain/{name}"));
    project.set_env("UNFOLD_BACKGROUND", "off");
    Some(project)
}

fn ask(project: &Project, words: &[&str]) -> Outcome {
    project.unfold(&[&["explain"], words].concat()).expect("unfold is there")
}

/// All answers.
fn answers(project: &Project, words: &[&str]) -> Vec<Value> {
    let outcome = ask(project, &[words, &["--json"]].concat());
    assert!(outcome.succeeded(), "{words:?}: {outcome:?}");
    serde_json::from_str(&outcome.stdout_text()).unwrap_or_else(|error| panic!("{error}: {outcome:?}"))
}

/// The only answer.
fn answer(project: &Project, words: &[&str]) -> Value {
    let mut answers = answers(project, words);
    assert_eq!(answers.len(), 1, "{words:?}");
    // What is said in words says the same.
    let text = ask(project, words);
    assert!(text.succeeded() && !text.stdout.is_empty(), "{words:?}: {text:?}");
    answers.remove(0)
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no text {field} in {value:#}"))
}

fn address(value: &Value) -> u64 {
    value["address"].as_u64().unwrap_or_else(|| panic!("no address in {value:#}"))
}

/// The functions that refer to something, sorted.
fn callers(value: &Value) -> Vec<&str> {
    let shown = value["references"]["shown"].as_array().expect("a list");
    assert_eq!(value["references"]["count"], shown.len());
    let mut names: Vec<&str> = shown.iter().filter_map(|reference| reference["function"].as_str()).collect();
    names.sort_unstable();
    names
}

/// Of each relocation the target and what was made of it.
fn targets(value: &Value) -> BTreeMap<&str, &str> {
    let shown = value["relocations"]["shown"].as_array().expect("a list");
    shown.iter().map(|relocation| (text(relocation, "target"), text(relocation, "resolved"))).collect()
}

/// The addresses that nm says of a file.
fn nm(project: &Project, file: &str) -> BTreeMap<String, u64> {
    let lines = project.tool("nm", &[file]).stdout_text();
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let address = u64::from_str_radix(words.next()?, 16).ok()?;
        Some((words.nth(1)?.to_owned(), address))
    };
    lines.lines().filter_map(line).collect()
}

const MAIN: &str = "
#include <stdio.h>
int weakly(void); int member(void); int helper(int); extern int common[]; int absent(void) __attribute__((weak));
static int table[4] = { 1, 2, 3, 4 };
int (*pointer)(int) = helper;
int main(int argc, char **argv) {
    printf(\"%d %d %d %d\\n\", weakly(), member(), helper(argc) + table[argc], common[0]);
    return absent ? absent() : 0;
}
";

const OTHER: &str = "
int common[2];
__attribute__((weak)) int weakly(void) { return 1; }
__attribute__((noinline)) static int inner(int x) { return x * 3; }
int helper(int x) { return inner(x) + inner(x + 1); }
";

/// A program with a bit of everything: `main.o other.o strong.o libfirst.a libsecond.a`.
fn in_c(name: &str) -> Option<Project> {
    let project = project(name)?;
    project.write("main.c", MAIN);
    project.write("other.c", OTHER);
    project.write("strong.c", "int common[10]; int weakly(void) { return 2; }\n");
    project.write("member.c", "int member(void) { return 7; }\n");
    for source in ["main.c", "other.c", "strong.c", "member.c"] {
        project.compile_with(source, &["-g", "-O1", "-fcommon"]);
    }
    fs::copy(project.path("member.o"), project.path("again.o")).unwrap();
    project.tool("ar", &["rcs", "libfirst.a", "member.o"]);
    project.tool("ar", &["rcs", "libsecond.a", "again.o"]);
    link_c(&project);
    Some(project)
}

fn link_c(project: &Project) {
    project.link(&["main.o", "other.o", "strong.o", "libfirst.a", "libsecond.a", "-o", "app"]);
}

#[test]
fn a_definition_that_won_says_over_whom() {
    let Some(project) = in_c("won") else { return };
    let strong = answer(&project, &["app", "weakly"]);
    assert_eq!(text(&strong["place"], "object"), "strong.o");
    assert!(text(&strong["binding"], "why").starts_with("strong"), "{strong:#}");
    let candidates = strong["binding"]["candidates"].as_array().unwrap();
    let of = |candidate: &Value| (text(candidate, "object").to_owned(), text(candidate, "kind").to_owned());
    let found: Vec<_> = candidates.iter().map(of).collect();
    assert_eq!(found, [("other.o".into(), "weak".into()), ("strong.o".into(), "strong".into())]);
    assert_eq!(
        candidates.iter().map(|candidate| candidate["taken"] == true).collect::<Vec<_>>(),
        [false, true]
    );

    // The one that lost is not what others refer to.
    let place = format!("other.o:(.text+{:#x})", nm(&project, "other.o")["weakly"]);
    let weak = answer(&project, &["app", &place]);
    assert_eq!(weak["symbol"]["name"], "weakly");
    assert!(weak["is_lost"] == true && callers(&weak).is_empty(), "{weak:#}");
    assert_eq!(callers(&strong), ["main"]);

    let common = answer(&project, &["app", "common"]);
    assert_eq!(common["binding"]["by"], "common");
    let why = text(&common["binding"], "why");
    assert!(why.contains("40 bytes") && why.contains("strong.o"), "{why}");
    assert_eq!(callers(&common), ["main"]);
}

#[test]
fn an_archive_member_says_who_asked_for_it() {
    let Some(project) = in_c("members") else { return };
    let member = answer(&project, &["app", "member"]);
    assert_eq!(text(&member["place"], "object"), "libfirst.a(member.o)");
    assert_eq!(member["place"]["member"], "member.o");
    let loaded = &member["object"]["loaded"];
    assert_eq!((text(loaded, "symbol"), text(loaded, "by")), ("member", "main.o"));
    assert_eq!(member["binding"]["not_loaded"], serde_json::json!(["libsecond.a(again.o)"]));
    let main = answer(&project, &["app", "main"]);
    assert!(text(&main["object"]["loaded"], "text").contains("command line"), "{main:#}");
    // By its object, in each form.
    for what in ["libfirst.a(member.o)", "member.o", "libfirst.a"] {
        let object = answer(&project, &["app", what]);
        assert_eq!(text(&object["place"], "object"), "libfirst.a(member.o)", "{what}");
        let sections = object["sections"]["shown"].as_array().unwrap();
        let code = sections.iter().find(|section| section["name"] == ".text").unwrap();
        assert_eq!(code["address"], member["address"], "{what}");
    }
}

#[test]
fn references_are_those_of_the_sources() {
    let Some(project) = in_c("references") else { return };
    assert_eq!(callers(&answer(&project, &["app", "main"])), ["_start"]);
    // One call, and one pointer in data, which is in no function.
    let helper = answer(&project, &["app", "helper"]);
    assert_eq!(helper["references"]["count"], 2);
    let sections: Vec<&Value> = helper["references"]["shown"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reference| &reference["section"])
        .collect();
    assert!(sections.iter().any(|section| section.as_str().unwrap().starts_with(".data")), "{helper:#}");
    // Calls inside of a section have no relocations.
    let inner = answer(&project, &["app", "inner"]);
    assert_eq!(callers(&inner), ["helper", "helper"]);
    assert_eq!(inner["symbol"]["binding"], "local");
    // A variable that the index does not list.
    let table = answer(&project, &["app", "table"]);
    assert_eq!((text(&table["symbol"], "kind"), table["symbol"]["size"].as_u64()), ("variable", Some(16)));
    assert_eq!(callers(&table), ["main"]);

    let main = answer(&project, &["app", "main"]);
    let targets = targets(&main);
    assert_eq!(targets["weakly"], "direct");
    assert!(targets["printf"].contains("PLT entry"), "{targets:?}");
    let absent = targets.iter().find(|(target, _)| target.starts_with("absent")).expect("a reference");
    assert!(!absent.1.is_empty());
    let absent = answer(&project, &["app", "absent"]);
    assert_eq!(absent["binding"]["by"], "none");
    let limited = answer(&project, &["app", "main", "--limit", "1"]);
    assert_eq!(limited["relocations"]["shown"].as_array().unwrap().len(), 1);
    assert_eq!(limited["relocations"]["count"], main["relocations"]["count"]);
}

#[test]
fn addresses_are_those_of_the_baked_program() {
    let Some(project) = in_c("addresses") else { return };
    project.bake(unfold_command().unwrap(), "app", "baked");
    let known = nm(&project, "baked");
    for name in ["main", "helper", "inner", "weakly", "member"] {
        let found = answer(&project, &["app", name]);
        assert_eq!(address(&found), known[name], "{name}");
        let inside = format!("{:#x}", known[name] + 1);
        let again = answer(&project, &["app", &inside]);
        assert_eq!((text(&again["symbol"], "name"), again["symbol"]["offset"].as_u64()), (name, Some(1)));
    }
}

#[test]
fn what_a_library_defines_says_so() {
    let Some(project) = in_c("imports") else { return };
    let printf = answer(&project, &["app", "printf"]);
    let binding = &printf["binding"];
    assert_eq!((binding["by"].as_str(), binding["imported"].as_bool()), (Some("library"), Some(true)));
    assert!(text(binding, "library").contains("libc.so"), "{binding:#}");
    assert!(text(binding, "version").starts_with("GLIBC_"), "{binding:#}");
    assert!(binding["plt"].is_u64() && binding["copy"].is_null(), "{binding:#}");
    assert_eq!(callers(&printf), ["main"]);
}

#[test]
fn relaxed_code_says_what_it_became() {
    let Some(project) = project("relaxed") else { return };
    project.write(
        "main.c",
        "#include <stdio.h>\nint own = 5;\nint *address(void) { return &own; }\nFILE *stream(void) { return stdout; }\n\
         int main(void) { return *address() - 5 + (stream() != stdout); }\n",
    );
    project.compile_with("main.c", &["-O1", "-fPIC"]);
    project.link(&["main.o", "-o", "app"]);
    let found = answer(&project, &["app", "address"]);
    let relocation = &found["relocations"]["shown"][0];
    assert_eq!((text(relocation, "kind"), text(relocation, "target")), ("R_X86_64_REX_GOTPCRELX", "own"));
    assert!(text(relocation, "resolved").contains("lea"), "{relocation:#}");
    assert_eq!(relocation["target_address"], answer(&project, &["app", "own"])["address"]);
    let found = answer(&project, &["app", "stream"]);
    let relocation = &found["relocations"]["shown"][0];
    assert!(text(relocation, "resolved").contains("GOT entry at"), "{relocation:#}");
    let got = answer(&project, &["app", "stdout"])["binding"]["got"].as_u64().expect("an entry");
    assert!(text(relocation, "resolved").ends_with(&format!("{got:#x}")), "{relocation:#}");
}

#[test]
fn a_relink_says_what_it_read_and_why_a_page_was_made_again() {
    let Some(project) = in_c("relinked") else { return };
    project.write("other.c", OTHER.replace("x * 3", "x * 5"));
    project.compile_with("other.c", &["-g", "-O1", "-fcommon"]);
    link_c(&project);
    assert!(project.status("app").unwrap().incremental);
    let inner = answer(&project, &["app", "inner"]);
    assert_eq!(inner["object"]["read_at_last_link"], true);
    assert!(text(&inner["object"], "read").contains("content changed"), "{inner:#}");
    assert_eq!(inner["page"]["since"], 2);
    assert!(text(&inner["page"], "again").contains("other.o"), "{inner:#}");
    let main = answer(&project, &["app", "main"]);
    assert_eq!(main["object"]["read_at_last_link"], false);
    assert_eq!(text(&main["object"], "read"), "unchanged since generation 1");
    assert_eq!(main["generation"], 2);
}

#[test]
fn a_page_says_when_it_was_touched_and_whether_it_is_kept() {
    let Some(project) = in_c("touched") else { return };
    let page = |project: &Project| answer(project, &["app", "main"])["page"].clone();
    assert!(page(&project)["first_touch"].is_null());
    project.set_env("UNFOLD_PREFETCH", "off");
    project.set_env("UNFOLD_KEEP", "off");
    project.run("app", &[]);
    let touched = page(&project);
    assert_eq!((touched["kind"].as_str(), touched["kept"].as_bool()), (Some("lazy"), Some(false)));
    let run = project.status("app").unwrap().last_run.expect("a run");
    match run.pager.as_str() {
        "eager" => {}
        _ => {
            assert!(touched["first_touch"]["us"].is_u64(), "{touched:#}");
            assert_eq!(touched["first_touch"]["run"], "last run");
        }
    }
    complete_kept(&project.path("app")).unwrap();
    assert_eq!(page(&project)["kept"], true);
    let eager = answer(&project, &["app", "pointer"]);
    assert_eq!(eager["page"]["kind"], "eager");
}

#[test]
fn a_name_that_is_not_there_brings_one_like_it() {
    let Some(project) = in_c("names") else { return };
    let refused = |words: &[&str], said: &[&str]| {
        let outcome = ask(&project, words);
        assert_eq!(outcome.ending, Ending::Exit(1), "{words:?}: {outcome:?}");
        let text = outcome.stderr_text();
        assert!(said.iter().all(|said| text.contains(said)), "{words:?}: {text}");
        assert_eq!(text.matches("unfold: ").count(), 1, "{text}");
    };
    refused(&["app", "helpre"], &["did you mean: helper"]);
    refused(&["app", "no_such_thing_at_all"], &["no symbol"]);
    refused(&["app", "0x10"], &["is not in the image"]);
    refused(&["app", "other.o:.nothing"], &["no section"]);
    refused(&["app"], &["what of app"]);
    refused(&["main.o", "main"], &["not linked by unfold"]);
    refused(&["--core", "main.o", "0x10"], &["not a core"]);
    refused(&["--pid", "1", "main"], &["not an address"]);
    // A part of a name that is unique is enough; of others all are listed.
    assert_eq!(answer(&project, &["app", "elpe"])["symbol"]["name"], "helper");
    refused(&["app", "e"], &["may be any of", "helper", "member", "--all"]);
    assert!(answers(&project, &["app", "e", "--all"]).len() > 2);
}

const PART: &str = "
template<class T> __attribute__((noinline)) T twice(T x) { return x + x; }
struct Shape { __attribute__((noinline)) virtual int area() const { return 1; } virtual ~Shape() {} };
int other(int);
";

/// C++ in which two objects have the same templates.
fn in_cpp(name: &str) -> Option<Project> {
    let project = project(name)?;
    project.write(
        "main.cpp",
        format!(
            "#include <cstdio>\n{PART}\nnamespace deep {{ __attribute__((noinline)) int level(int x) {{ return other(x) + 1; }} }}\n\
             static inline __attribute__((always_inline)) int\ninlined(int x)\n{{\n    return deep::level(x) * 3;\n}}\n\
             int main(int argc, char **)\n{{\n    Shape shape;\n    int all = twice(argc) + (int) twice(2.5);\n\
                 all += inlined(argc);\n    std::printf(\"%d %d\\n\", all, shape.area());\n    return 0;\n}}\n"
        ),
    );
    project.write(
        "other.cpp",
        format!("{PART}\nint other(int x)\n{{\n    Shape shape;\n    return twice(x) + shape.area();\n}}\n"),
    );
    for source in ["main.cpp", "other.cpp"] {
        project.compile_with(source, &["-g", "-O1"]);
    }
    project.link_as(Compiler::Gxx, &["main.o", "other.o", "-o", "app"]);
    Some(project)
}

#[test]
fn a_comdat_group_says_from_whom_it_was_kept() {
    let Some(project) = in_cpp("comdat") else { return };
    let twice = answer(&project, &["app", "_Z5twiceIiET_S0_"]);
    assert_eq!(text(&twice["group"], "kept_from"), "main.o");
    assert_eq!(twice["group"]["discarded"], serde_json::json!(["other.o"]));
    assert!(text(&twice["binding"], "why").contains("COMDAT"), "{twice:#}");
    // Both objects call the one that was kept.
    assert_eq!(callers(&twice), ["main", "other(int)"]);
    let object = answer(&project, &["app", "other.o"]);
    let sections = object["sections"]["shown"].as_array().unwrap();
    let discarded = sections.iter().find(|section| section["name"] == ".text._Z5twiceIiET_S0_").unwrap();
    assert!(discarded["address"].is_null() && discarded["discarded_for"] == "main.o", "{discarded:#}");
    // Names as people write them.
    for what in ["int twice<int>(int)", "twice<int>", "deep::level", "level(int)"] {
        let found = answer(&project, &["app", what]);
        let name = text(&found["symbol"], "readable");
        assert!(name.contains(what.trim_start_matches("int ")), "{what}: {name}");
    }
}

/// Lines and inlined functions at every fourth byte of each function, as addr2line finds them in GNU ld's program.
#[test]
fn lines_are_those_that_addr2line_finds_in_the_twin() {
    let Some(project) = in_cpp("lines") else { return };
    if !is_installed("addr2line") {
        eprintln!("note: addr2line is not installed, so lines are not compared");
        return;
    }
    let search = format!("-B{}", gnu_linker().search_dir.display());
    project.tool("g++", &[&search, "main.o", "other.o", "-o", "twin"]);
    let twin = nm(&project, "twin");
    let mut compared = 0;
    for name in ["main", "_Z5otheri", "_ZN4deep5levelEi", "_Z5twiceIiET_S0_", "_ZNK5Shape4areaEv"] {
        let found = answer(&project, &["app", name]);
        let (start, size) = (address(&found), found["symbol"]["size"].as_u64().unwrap());
        let offsets: Vec<u64> = (0..size).step_by(4).collect();
        let at = |base: u64| offsets.iter().map(|offset| format!("{:#x}", base + offset)).collect::<Vec<_>>();
        let (ours, theirs) = (at(start), at(twin[name]));
        let words: Vec<&str> = ["app"].into_iter().chain(ours.iter().map(String::as_str)).collect();
        let explained = answers(&project, &words);
        for (explained, address) in explained.iter().zip(&theirs) {
            let lines = project.tool("addr2line", &["-i", "-e", "twin", address]).stdout_text();
            let expected: Vec<String> =
                lines.lines().map(|line| last_part(line.split(' ').next().unwrap())).collect();
            let frames = explained["source"]["frames"].as_array().unwrap();
            let line = |frame: &Value| {
                let file = last_part(text(frame, "file"));
                format!("{file}:{}", frame["line"].as_u64().unwrap_or(0))
            };
            let found: Vec<String> = frames.iter().map(line).collect();
            assert_eq!(found, expected, "{name} at {address}: {:#}", explained["source"]);
            compared += found.len();
        }
    }
    assert!(compared > 20, "{compared}");
    let outer = answers(&project, &["app", "main"]);
    assert_eq!(outer[0]["source"]["file"].as_str().map(last_part), Some("main.cpp".to_owned()));
}

fn last_part(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

#[test]
fn rust_is_explained_by_its_own_names_when_its_objects_are_gone() {
    let Some(project) = project("rust") else { return };
    let source = "mod shapes {\n    pub struct Circle(pub u32);\n    impl Circle {\n        #[inline(never)]\n        \
                  pub fn area(&self) -> u32 {\n            self.0 * 3\n        }\n    }\n}\n\
                  fn main() {\n    println!(\"{}\", shapes::Circle(std::env::args().count() as u32).area());\n}\n";
    project.write("app.rs", source);
    project.link_as(Compiler::Rustc, &["-g", "-Cdebuginfo=2", "app.rs", "-o", "app"]);
    let area = answer(&project, &["app", "shapes::Circle::area"]);
    assert_eq!(text(&area["symbol"], "readable"), "app::shapes::Circle::area");
    let file = last_part(text(&area["source"], "file"));
    assert_eq!((file.as_str(), area["source"]["line"].as_u64()), ("app.rs", Some(5)), "{:#}", area["source"]);
    assert_eq!(callers(&area), ["app::main"]);
    let started = answer(&project, &["app", "std::rt::lang_start_internal"]);
    assert!(text(&started["place"], "object").contains("libstd"), "{:#}", started["place"]);
    assert!(text(&started["object"]["loaded"], "text").contains("asked for"), "{:#}", started["object"]);
}

/// A program that says where a function is, and then waits or aborts.
const WAITING: &str = "
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int deep(int x) {
    if (x > 1) abort();
    pause();
    return x;
}
int main(int argc, char **argv) { printf(\"%p\\n\", (void *) deep); fflush(stdout); return deep(argc); }
";

/// A process that is ended when the test is.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Running {
    /// Starts the program, and returns the address that it says.
    fn start(project: &Project) -> (Self, String) {
        let mut command = program(project.path("app"));
        let child = command.current_dir(project.path("")).stdout(Stdio::piped()).spawn().unwrap();
        let mut running = Self(child);
        let mut line = Vec::new();
        let mut byte = [0];
        let stdout = running.0.stdout.as_mut().unwrap();
        while stdout.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
            line.push(byte[0]);
        }
        (running, String::from_utf8(line).unwrap())
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }
}

fn waiting(name: &str) -> Option<Project> {
    let project = project(name)?;
    project.write("main.c", WAITING);
    project.compile_with("main.c", &["-g"]);
    project.link(&["main.o", "-o", "app"]);
    Some(project)
}

/// The same, with a function in front and the lines further down.
fn relink_waiting(project: &Project) {
    project.remove("main.o");
    project.write(
        "main.c",
        WAITING.replace("int deep", "int before(int x) { return x * 77 + getpid(); }\nint deep"),
    );
    project.compile_with("main.c", &["-g"]);
    project.link(&["main.o", "-o", "app"]);
}

#[test]
fn a_process_is_explained_by_the_generation_that_it_runs() {
    let Some(project) = waiting("process") else { return };
    let (running, deep) = Running::start(&project);
    let pid = running.pid();
    let check = |newest: Value| {
        for words in
            [&[&*format!("{pid}:{deep}")][..], &["--pid", &pid, &deep], &["--pid", &pid, "app", &deep]]
        {
            let found = answer(&project, words);
            assert_eq!((text(&found["symbol"], "name"), found["generation"].as_u64()), ("deep", Some(1)));
            assert_eq!(found["source"]["line"], 5, "{:#}", found["source"]);
            assert_eq!(found["newest"], newest);
            assert!(text(&found, "app").ends_with("/app"), "{found:#}");
        }
    };
    check(Value::Null);
    relink_waiting(&project);
    check(2.into());
    let now = answer(&project, &["app", "deep"]);
    assert_eq!((now["generation"].as_u64(), now["source"]["line"].as_u64()), (Some(2), Some(6)));

    let elsewhere = ask(&project, &["--pid", &pid, "0x10"]);
    assert!(
        !elsewhere.succeeded() && elsewhere.stderr_text().contains("neither in the image"),
        "{elsewhere:?}"
    );
    // Somebody has removed it.
    fs::remove_dir_all(text(&project.status_json("app"), "folder").replace("/2", "/1")).unwrap();
    let gone = ask(&project, &["--pid", &pid, &deep]);
    assert!(!gone.succeeded() && gone.stderr_text().contains("gone"), "{gone:?}");
}

#[test]
fn an_address_in_a_library_of_a_process_is_the_library_s() {
    let Some(project) = project("process-library") else { return };
    project.write("part.c", "#include <unistd.h>\nint in_library(void) {\n    return pause();\n}\n");
    project.write(
        "main.c",
        "#include <stdio.h>\nint in_library(void);\nint main(void) {\n    printf(\"%p\\n\", (void *) in_library); fflush(stdout);\n    \
         return in_library();\n}\n",
    );
    project.compile_with("part.c", &["-g", "-fPIC"]);
    project.compile_with("main.c", &["-g", "-fPIC"]);
    project.link(&["-shared", "part.o", "-o", "libpart.so"]);
    project.link(&["main.o", "-L.", "-lpart", "-Wl,-rpath,$ORIGIN", "-o", "app"]);
    let (running, address) = Running::start(&project);
    let found = answer(&project, &["--pid", &running.pid(), &address]);
    assert_eq!(text(&found["symbol"], "name"), "in_library");
    assert!(text(&found, "app").ends_with("/libpart.so"), "{found:#}");
    assert_eq!(found["source"]["line"], 2);
    let exported = answer(&project, &["libpart.so", "in_library"]);
    assert_eq!(exported["binding"]["exported"], true);
}

/// Lets the program abort, and gives its core; nothing where the kernel hands cores to somebody else.
fn core_of(project: &Project) -> Option<PathBuf> {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    if pattern.starts_with(['|', '/', '@']) || pattern.contains('%') {
        eprintln!("note: cores go to {pattern:?}, so they are not looked at");
        return None;
    }
    let mut command = program(project.path("app"));
    command.current_dir(project.path("")).arg("abort");
    let limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: one system call before the program, with a struct that outlives it.
    unsafe {
        command.pre_exec(move || match libc::setrlimit(libc::RLIMIT_CORE, &raw const limit) {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        });
    }
    let outcome = run(&mut command, b"").unwrap();
    assert_eq!(outcome.ending, Ending::Signal(libc::SIGABRT), "{outcome:?}");
    let files = fs::read_dir(project.path("")).unwrap().map(|entry| entry.unwrap().path());
    let is_core = |path: &PathBuf| {
        path.file_name()
            .unwrap()
            .to_str()
            .is_some_and(|name| name == pattern.trim() || name.starts_with("core."))
    };
    Some(files.into_iter().find(is_core).expect("the kernel has written a core"))
}

#[test]
fn a_core_is_explained_by_the_generation_that_crashed() {
    let Some(project) = waiting("core") else { return };
    let deep = format!("{:#x}", address(&answer(&project, &["app", "deep"])));
    for kept in [false, true] {
        if kept {
            complete_kept(&project.path("app")).unwrap();
        }
        let Some(core) = core_of(&project) else { return };
        fs::rename(core, project.path(&format!("dump-{kept}"))).unwrap();
    }
    relink_waiting(&project);
    for dump in ["dump-false", "dump-true"] {
        let found = answer(&project, &["--core", dump, &deep]);
        assert_eq!(
            (text(&found["symbol"], "name"), found["generation"].as_u64()),
            ("deep", Some(1)),
            "{dump}"
        );
        assert_eq!(found["source"]["line"], 5, "{:#}", found["source"]);
        assert!(text(&found, "app").ends_with("/app"), "{found:#}");
    }
    // It was removed, and another link got its number.
    fs::remove_dir_all(project.path(".unfold")).unwrap();
    let gone = ask(&project, &["--core", "dump-false", &deep]);
    assert!(!gone.succeeded() && gone.stderr_text().contains("gone"), "{gone:?}");
    project.remove("app");
    project.link(&["main.o", "-o", "app"]);
    let gone = ask(&project, &["--core", "dump-false", &deep]);
    assert!(!gone.succeeded() && gone.stderr_text().contains("gone"), "{gone:?}");
}

/// No core, however short, ends in a panic.
#[test]
fn a_core_that_ends_early_is_refused() {
    let Some(project) = waiting("short-core") else { return };
    let Some(core) = core_of(&project) else { return };
    let whole = fs::read(&core).unwrap();
    for len in [0, 1, 16, 63, 64, 100, 1000, 4096, 5000] {
        fs::write(project.path("short"), &whole[..len]).unwrap();
        let outcome = ask(&project, &["--core", "short", "0x10"]);
        assert_eq!(outcome.ending, Ending::Exit(1), "{len}: {outcome:?}");
        assert!(!outcome.stderr_text().contains("panicked"), "{len}: {outcome:?}");
    }
}

#[test]
fn without_debug_information_or_objects_the_rest_is_known() {
    let Some(project) = project("bare") else { return };
    project.write(
        "main.c",
        "int helper(int x) { return x; }\nint main(int c, char **v) { return helper(c) - 1; }\n",
    );
    project.compile_with("main.c", &["-O0"]);
    project.link(&["main.o", "-o", "app"]);
    let helper = answer(&project, &["app", "helper"]);
    assert!(text(&helper["source"], "unknown").contains("-g"), "{helper:#}");
    project.compile_with("main.c", &["-O0", "-g"]);
    project.link(&["main.o", "-o", "app"]);
    fs::remove_file(project.path("main.o")).unwrap();
    let held = project.path(".unfold/outputs");
    let pinned = fs::read_dir(held).unwrap().map(|entry| entry.unwrap().path().join("pinned"));
    pinned.for_each(|folder| fs::remove_dir_all(folder).unwrap_or(()));
    let helper = answer(&project, &["app", "helper"]);
    assert!(text(&helper["source"], "unknown").contains("not known"), "{helper:#}");
    assert_eq!(callers(&helper), ["main"]);
}

/// A reader that goes away ends nothing in a panic.
#[test]
fn a_closed_pipe_is_no_panic() {
    let Some(project) = in_c("pipe") else { return };
    let unfold = unfold_command().unwrap().display().to_string();
    for words in ["explain app main", "status app", "doctor"] {
        let line = format!("'{unfold}' {words} 2>errors | head -c 1 >/dev/null; test ! -s errors");
        let mut command = Command::new("sh");
        let outcome = run(command.current_dir(project.path("")).args(["-c", &line]), b"").unwrap();
        assert!(outcome.succeeded(), "{words}: {}", String::from_utf8_lossy(&project.read("errors")));
    }
}

/// Names of files are bytes; JSON is text.
#[test]
fn folders_whose_names_are_no_text_are_shown() {
    use std::os::unix::ffi::OsStrExt;
    let Some(project) = in_c("bytes") else { return };
    let folder = project.path("").join(std::ffi::OsStr::from_bytes(b"n\xff"));
    fs::create_dir(&folder).unwrap();
    for name in ["app", ".unfold"] {
        fs::rename(project.path(name), folder.join(name)).unwrap();
    }
    for words in
        [&["explain", "app", "main"][..], &["status", "app"], &["status"], &["verify", "app"], &["gc"]]
    {
        let mut command = program(unfold_command().unwrap());
        let outcome = run(command.current_dir(&folder).args(words).arg("--json"), b"").unwrap();
        assert!(outcome.succeeded(), "{words:?}: {outcome:?}");
        serde_json::from_str::<Value>(&outcome.stdout_text())
            .unwrap_or_else(|error| panic!("{words:?}: {error}"));
    }
}
