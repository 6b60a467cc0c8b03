//! The sections for debuggers of an executable that has settled are those of its twin that GNU ld has linked.

use std::collections::BTreeSet;
use unfold_tests::directives::Compiler;
use unfold_tests::tools::unfold_command;
use unfold_tests::twins::{Subject, Twins};
use unfold_tests::ways;

const MAIN: &str = r#"
#include "common.h"
static struct record_of_both here;
static int only_here(const struct record_of_both *record) { return record->first_of_both; }
int main(void) { return only_here(&here) + there(&here); }
"#;

const OTHER: &str = r#"
#include "common.h"
static int only_there = 3;
int there(struct record_of_both *record) { return record->second_of_both + only_there - 3; }
"#;

const COMMON: &str = "struct record_of_both { int first_of_both, second_of_both; };\n\
                      int there(struct record_of_both *record);\n";

/// What is reached in one way each, and what is not.
const REACHED: &str = r#"
#include <stdio.h>
static int by_table(int x) { return x + 1; }
static int by_table_too(int x) { return x + 2; }
int (*const the_table[])(int) = {by_table, by_table_too};
static int by_constructor_alone(void) { return puts("constructed"); }
__attribute__((constructor)) static void when_it_starts(void) { by_constructor_alone(); }
static int by_named_section(int x) { return x; }
__attribute__((used, section("hooks"))) static int (*in_named_section)(int) = by_named_section;
extern int (*__start_hooks[])(int);
__attribute__((weak)) int weak_and_called(void) { return 5; }
int never_called_helper(int x) { return x * 3; }
int never_called(int x) { return never_called_helper(x) + weak_and_called(); }
int never_read_data[4] = {1, 2, 3, 4};
const char *never_read_either = "text";
static _Thread_local int of_each_thread;
int through_the_end(int x) { of_each_thread += x; return the_table[x & 1](x) + __start_hooks[0](x) + weak_and_called() + of_each_thread; }
"#;

const CALLS: &str =
    "int through_the_end(int);\nint main(int argc, char **argv) { return through_the_end(argc) - argc; }\n";

const SOURCES: [(&str, &str); 5] =
    [("common.h", COMMON), ("main.c", MAIN), ("other.c", OTHER), ("reached.c", REACHED), ("calls.c", CALLS)];

/// Both programs, compiled and linked with these words.
fn twins(name: &str, compile: &[&str], link: &[&str]) -> Option<Twins> {
    unfold_command()?;
    let mut twins = Twins::new(&format!("sections/{name}"), Compiler::Gcc, &["readelf", "nm"])?;
    SOURCES.iter().for_each(|(file, text)| twins.project.write(file, *text));
    twins.project.tool("gcc", &[&["-c", "main.c", "other.c"], compile].concat());
    twins.link(&[&["main.o", "other.o"], link].concat());
    Some(twins)
}

fn lines_of(subject: &Subject, tool: &str, words: &[&str]) -> Vec<String> {
    let outcome = subject.outcome(&mut subject.tool(tool, &[words, &["./app"]].concat()));
    outcome.stdout_text().lines().map(str::to_owned).collect()
}

/// The names of the sections that are not mapped, and what strings there are.
fn unmapped_sections(subject: &Subject) -> BTreeSet<String> {
    let pattern =
        regex::Regex::new(r"\] (\.\S+) +(\S+) +0{16} \S+ \S+ \S+ +([A-Z]*) ").expect("a fixed pattern");
    let lines = lines_of(subject, "readelf", &["-SW"]);
    lines
        .iter()
        .filter_map(|line| pattern.captures(line))
        .map(|found| format!("{} {} {}", &found[1], &found[2], &found[3]))
        .collect()
}

/// Functions and variables that the sources have, but not each linker's own, nor the C library's.
fn symbols(subject: &Subject) -> BTreeSet<String> {
    let is_of_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    let words = SOURCES.iter().flat_map(|(_, text)| text.split(|letter| !is_of_name(letter)));
    let ours: BTreeSet<&str> = words.filter(|word| !word.starts_with('_')).collect();
    let lines = lines_of(subject, "nm", &["--defined-only"]);
    let defined = lines.iter().filter_map(|line| line.split_once(' '));
    let is_ours = |symbol: &&str| symbol.rsplit(' ').next().is_some_and(|name| ours.contains(name));
    defined.map(|(_, symbol)| symbol).filter(is_ours).map(str::to_owned).collect()
}

#[track_caller]
fn assert_same_tables(name: &str, link: &[&str], sections: &[&str], symbol_count: usize) {
    let Some(twins) = twins(name, &["-g"], link) else { return };
    let twin = twins.twin();
    let (expected, named) = (unmapped_sections(&twin), symbols(&twin));
    for section in sections {
        assert!(expected.iter().any(|found| found.starts_with(section)), "{section} of {expected:?}");
    }
    assert_eq!(named.len(), symbol_count, "{named:?}");
    twins.for_each(&ways::from_the_start(), |subject| {
        let found = (unmapped_sections(subject), symbols(subject));
        (found != (expected.clone(), named.clone()))
            .then(|| format!("twin: {expected:?} {named:?}\nunfold: {found:?}"))
    });
}

#[test]
fn all_are_there_unless_something_is_said() {
    assert_same_tables(
        "all",
        &[],
        &[".comment PROGBITS MS", ".debug_info", ".debug_str PROGBITS MS", ".symtab"],
        5,
    );
}

#[test]
fn without_debug_information_there_are_symbols() {
    assert_same_tables("debug", &["-Wl,-S"], &[".symtab"], 5);
    assert_same_tables("debug_long", &["-Wl,--strip-debug"], &[".symtab"], 5);
}

#[test]
fn what_is_stripped_has_none_of_them() {
    assert_same_tables("stripped", &["-s"], &[".shstrtab"], 0);
    assert_same_tables("stripped_long", &["-Wl,--strip-all"], &[".shstrtab"], 0);
}

#[test]
fn debug_information_is_compressed_if_the_link_asks_for_that() {
    assert_same_tables(
        "zlib",
        &["-Wl,--compress-debug-sections=zlib"],
        &[".debug_info PROGBITS C", ".debug_str PROGBITS MSC"],
        5,
    );
    assert_same_tables("none", &["-gz", "-Wl,--compress-debug-sections=none"], &[".debug_info PROGBITS "], 5);
}

#[test]
fn what_is_compressed_says_the_same() {
    for format in ["zlib", "zstd"] {
        let option = format!("-Wl,--compress-debug-sections={format}");
        let Some(twins) = twins(&format!("says_{format}"), &["-g"], &[&option]) else { return };
        let twin = twins.twin();
        assert!(unmapped_sections(&twin).contains(".debug_info PROGBITS C"), "{format}");
        let said = |subject: &Subject| {
            let lines = lines_of(subject, "readelf", &["--debug-dump=decodedline"]);
            let words = |line: &String| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
            (strings_of_debug_information(subject), lines.iter().map(words).collect::<Vec<_>>())
        };
        let expected = said(&twin);
        assert!(expected.0.iter().any(|string| string == "second_of_both"), "{expected:?}");
        assert!(expected.1.iter().any(|line| line == "other.c 4"), "{expected:?}");
        twins.for_each(&ways::from_the_start(), |subject| {
            let is_compressed = unmapped_sections(subject).contains(".debug_info PROGBITS C");
            let found = said(subject);
            (!is_compressed || found != expected).then(|| format!("{is_compressed} {expected:?}\n{found:?}"))
        });
    }
}

/// The strings that debug information refers to, in its order.
fn strings_of_debug_information(subject: &Subject) -> Vec<String> {
    let lines = lines_of(subject, "readelf", &["--debug-dump=info"]);
    let pattern = regex::Regex::new(r"string, offset: [0-9a-fx]+\): (.*)").expect("a fixed pattern");
    let string = |line: &String| Some(pattern.captures(line)?[1].to_owned());
    lines.iter().filter_map(string).collect()
}

#[track_caller]
fn assert_strings_are_merged(name: &str, compile: &[&str]) {
    let Some(twins) = twins(name, compile, &[]) else { return };
    let expected = strings_of_debug_information(&twins.twin());
    assert!(expected.iter().filter(|string| *string == "first_of_both").count() > 1, "{expected:?}");
    twins.for_each(&ways::from_the_start(), |subject| {
        let found = strings_of_debug_information(subject);
        if found != expected {
            return Some(format!("twin: {expected:?}\nunfold: {found:?}"));
        }
        let table = lines_of(subject, "readelf", &["-p", ".debug_str"]);
        let strings: Vec<&str> =
            table.iter().filter_map(|line| line.split_once("]  ")).map(|(_, text)| text).collect();
        let once: BTreeSet<&str> = strings.iter().copied().collect();
        (once.len() != strings.len() || !once.contains("first_of_both"))
            .then(|| format!("a string is there more than once: {strings:?}"))
    });
}

#[test]
fn strings_that_objects_share_are_there_once() {
    assert_strings_are_merged("strings_4", &["-gdwarf-4"]);
    assert_strings_are_merged("strings_5", &["-gdwarf-5"]);
}

#[test]
fn compressed_strings_are_merged_too() {
    assert_strings_are_merged("compressed", &["-g", "-gz"]);
}

/// Functions that debug information says are somewhere.
fn functions_with_addresses(subject: &Subject) -> BTreeSet<String> {
    let lines = lines_of(subject, "readelf", &["--debug-dump=info"]);
    let mut name = String::new();
    let mut found = BTreeSet::new();
    for line in &lines {
        if let Some((_, rest)) = line.split_once("DW_AT_name") {
            name = rest.rsplit(": ").next().unwrap_or_default().trim().to_owned();
        } else if let Some((_, rest)) = line.split_once("DW_AT_low_pc")
            && !rest.ends_with(": 0")
            && !rest.ends_with(": 0x0")
        {
            found.insert(name.clone());
        }
    }
    found
}

#[test]
fn of_dead_code_tools_are_not_told() {
    if unfold_command().is_none() {
        return;
    }
    for (name, mode) in [("dead", &[][..]), ("dead_static", &["-static"]), ("dead_exported", &["-rdynamic"])]
    {
        let Some(mut twins) = Twins::new(&format!("sections/{name}"), Compiler::Gcc, &["readelf", "nm"])
        else {
            return;
        };
        SOURCES.iter().for_each(|(file, text)| twins.project.write(file, *text));
        let compile = ["-g", "-O0", "-ffunction-sections", "-fdata-sections", "-c", "reached.c", "calls.c"];
        twins.project.tool("gcc", &compile);
        twins.link(&[&["reached.o", "calls.o", "-Wl,--gc-sections"], mode].concat());
        let twin = twins.twin();
        let show = |subject: &Subject| (symbols(subject), functions_with_addresses(subject));
        let (named, placed) = show(&twin);
        let has = |name: &str| named.iter().any(|symbol| symbol.ends_with(&format!(" {name}")));
        assert!(has("by_constructor_alone") && has("by_named_section") && has("of_each_thread"), "{named:?}");
        assert_eq!(has("never_called_helper"), name == "dead_exported", "{named:?}");
        assert_eq!(placed.contains("never_called"), name == "dead_exported", "{placed:?}");
        twins.for_each(&ways::from_the_start(), |subject| {
            let found = show(subject);
            (found != (named.clone(), placed.clone()))
                .then(|| format!("twin: {named:?} {placed:?}\nunfold: {found:?}"))
        });
    }
}

/// Units of types, and macros, of which each object that uses a header has its own.
#[test]
fn what_objects_have_in_common_in_groups_is_there_once() {
    let pattern =
        regex::Regex::new(r"\] (\.debug_(?:info|types|macro)) +\S+ +0{16} \S+ (\S+) ").expect("a pattern");
    for (name, version) in [("groups_4", "-gdwarf-4"), ("groups_5", "-gdwarf-5")] {
        let compile = [version, "-g3", "-fdebug-types-section"];
        let Some(twins) = twins(name, &compile, &[]) else { return };
        let show = |subject: &Subject| -> (Vec<String>, Vec<String>) {
            let headers = lines_of(subject, "readelf", &["-SW"]);
            let sizes = headers.iter().filter_map(|line| pattern.captures(line));
            let sizes: BTreeSet<String> = sizes.map(|found| format!("{} {}", &found[1], &found[2])).collect();
            let macros = lines_of(subject, "readelf", &["--debug-dump=macro"]);
            let is_wanted = |line: &String| line.contains("DW_MACRO_import") || line.contains("Offset:");
            (sizes.into_iter().collect(), macros.into_iter().filter(is_wanted).collect())
        };
        let expected = show(&twins.twin());
        assert!(expected.0.len() >= 2 && expected.1.len() > 4, "{expected:?}");
        twins.for_each(&ways::from_the_start(), |subject| {
            let found = show(subject);
            (found != expected).then(|| format!("twin: {expected:?}\nunfold: {found:?}"))
        });
    }
}

/// A static probe, as SystemTap's sys/sdt.h writes it.
const PROBE: &str = r#"
void probed(void) {
    __asm__ volatile(
        "990: nop\n"
        ".pushsection .note.stapsdt,\"?\",\"note\"\n.balign 4\n.4byte 992f-991f, 994f-993f, 3\n"
        "991: .asciz \"stapsdt\"\n992: .balign 4\n993: .8byte 990b, _.stapsdt.base, 0\n"
        ".asciz \"provider\"\n.asciz \"probe\"\n.asciz \"\"\n994: .balign 4\n.popsection\n"
        ".ifndef _.stapsdt.base\n.pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"
        ".weak _.stapsdt.base\n.hidden _.stapsdt.base\n_.stapsdt.base: .space 1\n"
        ".size _.stapsdt.base, 1\n.popsection\n.endif\n");
}
"#;

#[test]
fn static_probes_are_found() {
    if unfold_command().is_none() {
        return;
    }
    let Some(mut twins) = Twins::new("sections/probes", Compiler::Gcc, &["readelf"]) else { return };
    SOURCES.iter().for_each(|(file, text)| twins.project.write(file, *text));
    twins.project.write("probe.c", PROBE);
    twins.project.tool("gcc", &["-c", "-g", "main.c", "other.c", "probe.c"]);
    twins.link(&["main.o", "other.o", "probe.o"]);
    let number = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    let show = |subject: &Subject| {
        let notes = lines_of(subject, "readelf", &["-nW"]).join("\n");
        let headers = lines_of(subject, "readelf", &["-SW"]);
        let words =
            headers.iter().find_map(|line| line.split_once("] .stapsdt.base ")).map(|(_, words)| words);
        let at = words.and_then(|words| words.split_whitespace().nth(1)).and_then(number);
        let base = notes
            .split_once("Base: ")
            .and_then(|(_, rest)| rest.split_once(','))
            .and_then(|(base, _)| number(base));
        let names = ["Provider: provider", "Name: probe"].map(|name| notes.contains(name));
        (names, at.is_some() && at == base)
    };
    assert_eq!(show(&twins.twin()), ([true, true], true));
    twins.for_each(&ways::from_the_start(), |subject| {
        let found = show(subject);
        (found != ([true, true], true)).then(|| format!("{found:?}"))
    });
}

/// Headers count sections in 16 bits.
#[test]
fn there_may_be_more_sections_than_headers_count() {
    if unfold_command().is_none() {
        return;
    }
    let Some(mut twins) = Twins::new("sections/many", Compiler::Gcc, &["readelf"]) else { return };
    let named = (0..66_000).map(|number| format!(".section named_{number}, \"aw\"\n.long {number}\n"));
    let text = format!(".section .note.GNU-stack, \"\"\n{}", named.collect::<String>());
    twins.project.write("many.s", text);
    twins.project.write("main.c", "int main(void) { return 0; }\n");
    twins.project.tool("gcc", &["-c", "main.c", "many.s"]);
    twins.link(&["main.o", "many.o"]);
    twins.for_each(&ways::from_the_start(), |subject| {
        let outcome = subject.outcome(&mut subject.tool("readelf", &["-SW", "./app"]));
        let complaint = String::from_utf8_lossy(&outcome.stderr).into_owned();
        let lines = outcome.stdout_text();
        let has = |name: &str| lines.contains(&format!("] {name} "));
        let is_whole = [".dynamic", "named_0", ".symtab", ".shstrtab"].into_iter().all(has);
        (!complaint.is_empty() || !is_whole).then(|| format!("{complaint}{}", lines.lines().count()))
    });
}
