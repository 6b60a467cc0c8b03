//! Profilers, and tools that look up addresses, show of a program what they show of its twin that GNU ld has linked.

use std::collections::BTreeMap;

use unfold_tests::directives::Compiler;
use unfold_tests::started::Started;
use unfold_tests::twins::{Subject, Twins};
use unfold_tests::ways;

/// Three functions whose shares of the time are about 1 : 2 : 4, each in a chunk of its own.
const SHARES: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#define FAR(value) __asm__ volatile("jmp 1f\n.skip 65536, 0x90\n1:" : "+r"(value))
static volatile unsigned long sink;
__attribute__((noinline)) static unsigned long spin(unsigned long n) {
    unsigned long x = n;
    for (unsigned long i = 0; i < n; i++)
        x = x * 6364136223846793005ul + 1442695040888963407ul;
    return x;
}
#define WORK(name, share) \
    __attribute__((noinline)) unsigned long name(unsigned long n) { \
        unsigned long x = n; \
        FAR(x); \
        for (unsigned long i = 0; i < share * n; i++) \
            x = x * 6364136223846793005ul + 1442695040888963407ul; \
        FAR(x); \
        return x; \
    }
WORK(one_part, 1)
WORK(two_parts, 2)
WORK(four_parts, 4)
__attribute__((noinline)) static unsigned long all_parts(unsigned long n) {
    return one_part(n) + two_parts(n) + four_parts(n) + spin(n / 10);
}
int main(int argc, char **argv) {
    unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
    for (int i = 0; i < 10; i++)
        sink += all_parts(n);
    return 0;
}
"#;

fn shares(name: &str, tools: &[&str]) -> Option<Twins> {
    let mut twins = Twins::new(&format!("profilers/{name}"), Compiler::Gcc, tools)?;
    twins.project.write("main.c", SHARES);
    // With frame pointers in all functions.
    twins.project.tool("gcc", &["-g", "-O0", "-c", "main.c"]);
    twins.link(&["main.o"]);
    Some(twins)
}

/// Enough to have some hundred samples.
const LONG: &str = "4000000";

/// Records the program and gives what `perf` then shows with these words; nothing where the kernel forbids it.
fn perf(subject: &Subject, record: &[&str], words: &[&str]) -> Option<String> {
    // What it keeps of executables, it looks up by their build IDs. Ours do not depend on debug information, so it would
    // show lines of another program with the same code.
    let perf = |words: &[&str]| {
        let mut command = subject.tool("perf", words);
        command.env("HOME", subject.folder());
        command
    };
    let record = [&["record", "-q", "-F", "999", "-e", "cpu-clock:u", "-o", "perf.data"], record].concat();
    let recorded = subject.outcome(perf(&record).args(["./app", LONG]));
    if recorded.stderr_text().contains("perf_event_paranoid")
        || recorded.stderr_text().contains("not permitted")
    {
        eprintln!("note: perf may not record here: sysctl kernel.perf_event_paranoid=-1");
        return None;
    }
    assert!(recorded.succeeded(), "{}: {recorded:?}", subject.name);
    let shown = subject.outcome(perf(words).args(["-i", "perf.data"]));
    assert!(shown.succeeded(), "{}: {shown:?}", subject.name);
    Some(shown.stdout_text())
}

/// Each symbol of the program with its share in percent, as `perf report` has it.
fn report(subject: &Subject) -> Option<BTreeMap<String, f64>> {
    let words = ["report", "--stdio", "-q", "--no-children", "-F", "overhead,dso,symbol", "-t", "|"];
    let text = perf(subject, &[], &words)?;
    let line = |line: &str| {
        let mut fields = line.split('|').map(str::trim);
        let share = fields.next()?.strip_suffix('%')?.parse::<f64>().ok()?;
        let dso = fields.next()?;
        let symbol = fields.next()?.trim_start_matches("[.] ");
        Some((format!("{dso} {symbol}"), share))
    };
    Some(text.lines().filter_map(line).collect())
}

#[test]
fn perf_report_shows_the_same_functions_with_similar_shares() {
    let Some(twins) = shares("report", &["perf"]) else { return };
    let Some(twin) = report(&twins.twin()) else { return };
    for name in ["app one_part", "app two_parts", "app four_parts"] {
        assert!(twin.contains_key(name), "{name} is not in the twin's report: {twin:?}");
    }
    twins.for_each(&ways::once_settled(), |subject| {
        let found = report(subject)?;
        let wrong: Vec<String> = twin
            .iter()
            .filter(|(name, share)| name.starts_with("app ") && **share > 5.0)
            .filter(|(name, share)| (found.get(*name).unwrap_or(&0.0) - **share).abs() > 10.0)
            .map(|(name, share)| format!("`{name}` has {share} % of the twin, but {:?}", found.get(name)))
            .collect();
        (!wrong.is_empty()).then(|| format!("{}\nall of it: {found:#?}", wrong.join("\n")))
    });
}

/// KnownDifference: before a program has settled, its code is mapped from the index, or from nowhere. perf, eu-stack and
/// probes look for names in the file that code is mapped from.
#[test]
fn who_looks_into_mapped_files_finds_no_names_before_a_program_has_settled() {
    let Some(spinning) = shares("nameless", &["perf"]) else { return };
    let Some(twin) = report(&spinning.twin()) else { return };
    assert!(twin.contains_key("app four_parts"), "{twin:?}");
    spinning.for_each(&ways::from_the_loader(), |subject| {
        let found = report(subject)?;
        let is_named = found.keys().any(|name| name.contains("four_parts"));
        is_named.then(|| format!("perf finds names: it can be compared with the twin ({found:#?})"))
    });
    let Some(waiting) = waiting("nameless_stack", &["eu-stack"]) else { return };
    waiting.for_each(&ways::from_the_loader(), |subject| {
        let text = shown_of_running(subject, "eu-stack", &["-p", "PID"]);
        let is_so = text.contains("read") && text.ends_with("Exit(0)\n") && !text.contains("innermost");
        (!is_so).then(|| format!("eu-stack finds names, or harms the program:\n{text}"))
    });
}

/// Nothing of what the program itself executes is without a name.
#[test]
fn perf_report_has_no_unknown_code() {
    let Some(twins) = shares("unknown", &["perf"]) else { return };
    if report(&twins.twin()).is_none() {
        return;
    }
    twins.for_each(&ways::once_settled(), |subject| {
        let found = report(subject)?;
        let unknown =
            |name: &String| name.contains("[unknown]") || name.contains("0x") || name.contains("anon");
        let unknown: BTreeMap<_, _> =
            found.iter().filter(|(name, share)| unknown(name) && **share > 2.0).collect();
        (!unknown.is_empty()).then(|| format!("{unknown:#?}\nall of it: {found:#?}"))
    });
}

/// Call chains, folded as flame graphs have them, with how many samples each has.
fn folded(subject: &Subject, graph: &str) -> Option<BTreeMap<String, usize>> {
    let text = perf(subject, &["--call-graph", graph], &["script", "-F", "ip,sym,dso"])?;
    let mut stacks = BTreeMap::new();
    for sample in text.split("\n\n") {
        let frames = sample.lines().rev().filter_map(|line| {
            let (_, rest) = line.trim().split_once(' ')?;
            let (symbol, dso) = rest.rsplit_once(" (")?;
            Some(format!("{} ({}", symbol.split('+').next()?, dso.rsplit('/').next()?))
        });
        let stack = frames.collect::<Vec<_>>().join(";");
        *stacks.entry(stack).or_insert(0) += 1;
    }
    Some(stacks)
}

fn check_call_chains(name: &str, graph: &str) {
    let Some(twins) = shares(name, &["perf"]) else { return };
    let Some(twin) = folded(&twins.twin(), graph) else { return };
    let total: usize = twin.values().sum();
    let expected: Vec<&String> =
        twin.iter().filter(|(_, n)| **n * 20 > total).map(|(stack, _)| stack).collect();
    assert!(
        expected.iter().any(|stack| stack.contains("main (app);all_parts (app);four_parts (app)")),
        "{twin:#?}"
    );
    twins.for_each(&ways::once_settled(), |subject| {
        let found = folded(subject, graph)?;
        let missing: Vec<_> = expected.iter().filter(|stack| !found.contains_key(**stack)).collect();
        (!missing.is_empty()).then(|| format!("these stacks are missing: {missing:#?}\nin {found:#?}"))
    });
}

#[test]
fn perf_follows_frame_pointers() {
    check_call_chains("frame_pointers", "fp");
}

#[test]
fn perf_unwinds_by_debug_information() {
    check_call_chains("dwarf", "dwarf,4096");
}

/// Prints addresses of functions, for tools to look up.
const ADDRESSES: &str = r#"
#include <stdio.h>
static int inner(int x) { return x * 3; }
int outer(int x) {
    return inner(x) + 1;
}
int table[4] = {1, 2, 3, 4};
extern char __executable_start;
int main(int argc, char **argv) {
    printf("%p %p %p %p\n", (void *)&__executable_start, (void *)inner, (void *)(outer + 4), (void *)table);
    return outer(argc) > 0 ? 0 : 1;
}
"#;

fn addresses(name: &str, tools: &[&str]) -> Option<Twins> {
    let mut twins = Twins::new(&format!("profilers/{name}"), Compiler::Gcc, tools)?;
    twins.project.write("main.c", ADDRESSES);
    // Without PIE, what the program prints is what the file says.
    twins.project.tool("gcc", &["-g", "-O0", "-fno-pie", "-c", "main.c"]);
    twins.link(&["main.o", "-no-pie"]);
    Some(twins)
}

/// What a tool says of the addresses that the program prints of its functions.
fn looked_up(subject: &Subject, tool: &str, words: &[&str]) -> String {
    let outcome = subject.outcome(&mut subject.program());
    assert!(outcome.succeeded(), "{}: {outcome:?}", subject.name);
    let text = outcome.stdout_text();
    let addresses: Vec<&str> = text.split_whitespace().skip(1).take(2).collect();
    subject.shown(tool, &[words, addresses.as_slice()].concat())
}

#[test]
fn addr2line_finds_functions_and_lines() {
    let Some(twins) = addresses("addr2line", &["addr2line"]) else { return };
    twins.assert_same(&ways::from_the_start(), &["inner", "main.c:3", "outer", "main.c:4"], |app| {
        looked_up(app, "addr2line", &["-e", "./app", "-f", "-C", "-i"])
    });
}

#[test]
fn eu_addr2line_finds_functions_and_lines() {
    let Some(twins) = addresses("eu_addr2line", &["eu-addr2line"]) else { return };
    twins.assert_same(&ways::from_the_start(), &["inner", "main.c:3", "outer", "main.c:4"], |app| {
        looked_up(app, "eu-addr2line", &["-e", "./app", "-f", "-C", "-i"])
    });
}

#[test]
fn llvm_symbolizer_finds_functions_and_lines() {
    let Some(twins) = addresses("llvm_symbolizer", &["llvm-symbolizer"]) else { return };
    twins.assert_same(&ways::from_the_start(), &["inner", "main.c:3", "outer", "main.c:4"], |app| {
        looked_up(app, "llvm-symbolizer", &["--obj=./app"])
    });
}

#[test]
fn objdump_disassembles_a_function() {
    let Some(twins) = addresses("objdump", &["objdump"]) else { return };
    let addresses =
        regex::Regex::new(r"(?m)^\s*[0-9a-f]+( <\w+>:|:)|\b[0-9a-f]{6,16}\b").expect("a fixed pattern");
    twins.assert_same(&ways::from_the_start(), &["<outer>:", "push", "<inner>", "ret"], |app| {
        let text = app.shown("objdump", &["-d", "--no-show-raw-insn", "--disassemble=outer", "./app"]);
        // KnownDifference: the sections in front of the code are the same, in another order.
        let from = text.find("Disassembly of section .text").unwrap_or(0);
        addresses.replace_all(&text[from..], "ADDRESS$1").into_owned()
    });
}

#[test]
fn objdump_shows_source_lines() {
    let Some(twins) = addresses("objdump_source", &["objdump"]) else { return };
    let addresses =
        regex::Regex::new(r"(?m)^\s*[0-9a-f]+( <\w+>:|:)|\b[0-9a-f]{6,16}\b").expect("a fixed pattern");
    twins.assert_same(&ways::from_the_start(), &["<outer>:", "return inner(x) + 1;", "ret"], |app| {
        let text = app.shown("objdump", &["-S", "--no-show-raw-insn", "--disassemble=outer", "./app"]);
        // KnownDifference: the sections in front of the code are the same, in another order.
        let from = text.find("Disassembly of section .text").unwrap_or(0);
        addresses.replace_all(&text[from..], "ADDRESS$1").into_owned()
    });
}

#[test]
fn nm_lists_the_symbols_of_the_objects() {
    let Some(twins) = addresses("nm", &["nm"]) else { return };
    twins.assert_same(&ways::from_the_start(), &["t inner", "T main", "T outer", "D table"], |app| {
        let text = app.shown("nm", &["./app"]);
        let ours = ["inner", "main", "outer", "table", "main.c"];
        let lines = text.lines().filter(|line| ours.contains(&line.rsplit(' ').next().unwrap_or("")));
        // Without addresses, which are not the same.
        lines.map(|line| line.get(17..).unwrap_or(line).to_owned() + "\n").collect()
    });
}

/// The name under which `perf` and others list it is the executable's.
#[test]
fn perf_report_names_the_executable() {
    let Some(twins) = shares("executable", &["perf"]) else { return };
    if report(&twins.twin()).is_none() {
        return;
    }
    twins.for_each(&ways::once_settled(), |subject| {
        let found = report(subject)?;
        let of_app: f64 =
            found.iter().filter(|(name, _)| name.starts_with("app ")).map(|(_, share)| share).sum();
        (of_app < 90.0).then(|| format!("only {of_app} % are listed as `app`: {found:#?}"))
    });
}

#[test]
fn perf_annotate_finds_the_code() {
    let Some(twins) = shares("annotate", &["perf"]) else { return };
    let words = ["annotate", "--stdio", "-q", "-s", "four_parts", "--stdio-color", "never"];
    let Some(twin) = perf(&twins.twin(), &[], &words) else { return };
    let has_all = |text: &str| text.contains("imul") && text.contains("FAR(x);");
    assert!(has_all(&twin), "{twin}");
    // KnownDifference: before a program has settled, its code is in no file that objdump can read.
    twins.for_each(&ways::once_settled(), |subject| {
        let found = perf(subject, &[], &words)?;
        (!has_all(&found)).then_some(found)
    });
}

/// A probe in a function is hit each time that it is called.
#[test]
fn perf_probe_counts_the_calls_of_a_function() {
    let Some(twins) = shares("probe", &["perf"]) else { return };
    let hits = |subject: &Subject| -> Result<String, String> {
        let event = format!("probe_unfold_{}:two_parts", std::process::id());
        let add = ["probe", "-q", "-x", "./app", "--add", &format!("{event}=two_parts")];
        let added = subject.outcome(&mut subject.tool("perf", &add));
        if !added.succeeded() {
            return Err(added.stderr_text());
        }
        let stat = ["stat", "-x", ",", "-e", &event, "./app", "1000"];
        let counted = subject.outcome(&mut subject.tool("perf", &stat));
        subject.outcome(&mut subject.tool("perf", &["probe", "-q", "--del", &event]));
        let text = counted.stderr_text();
        Ok(text
            .lines()
            .find(|line| line.contains(&event))
            .map_or(text.clone(), |line| line.split(',').next().unwrap_or("").to_owned()))
    };
    match hits(&twins.twin()) {
        Err(error) => eprintln!("note: this kernel, or this user, has no probes: {error}"),
        Ok(calls) => {
            assert_eq!(calls, "10", "the twin");
            twins.for_each(&ways::once_settled(), |subject| {
                let found = hits(subject);
                (found != Ok("10".to_owned()))
                    .then(|| format!("it is called 10 times, but counted: {found:?}"))
            });
        }
    }
}

const CPP: &str = r#"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>
namespace work {
template <typename T> struct Mixer {
    T state;
    __attribute__((noinline)) T mix(unsigned long n) {
        for (unsigned long i = 0; i < n; i++)
            state = state * 6364136223846793005ul + 1442695040888963407ul;
        return state;
    }
};
struct Base { virtual ~Base() = default; virtual unsigned long run(unsigned long n) = 0; };
struct Derived : Base {
    Mixer<unsigned long> mixer{1};
    __attribute__((noinline)) unsigned long run(unsigned long n) override { return mixer.mix(n) + mixer.mix(n / 3); }
};
}
static volatile unsigned long sink;
int main(int argc, char **argv) {
    unsigned long n = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1000;
    work::Base *base = new work::Derived;
    for (int i = 0; i < 30; i++)
        sink = base->run(n);
    delete base;
    return 0;
}
"#;

const RUST: &str = r#"
use std::hint::black_box;
mod work {
    pub struct Mixer<T>(pub T);
    impl Mixer<u64> {
        #[inline(never)]
        pub fn mix(&mut self, n: u64) -> u64 {
            for _ in 0..n { self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407); }
            self.0
        }
    }
    #[inline(never)]
    pub fn run(n: u64) -> u64 { let mut mixer = Mixer(1); mixer.mix(n) + mixer.mix(n / 3) }
}
fn main() {
    let n = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(1000);
    for _ in 0..30 { black_box(work::run(black_box(n))); }
}
"#;

/// Names of C++ and Rust are shown as their programmers wrote them.
#[test]
fn perf_report_demangles() {
    let Some(mut cpp) = Twins::new("profilers/cpp", Compiler::Gxx, &["perf"]) else { return };
    cpp.project.write("main.cpp", CPP);
    cpp.project.tool("g++", &["-g", "-O1", "-c", "main.cpp"]);
    cpp.link(&["main.o"]);
    let Some(mut rust) = Twins::new("profilers/rust", Compiler::Rustc, &["perf"]) else { return };
    rust.project.write("main.rs", RUST);
    rust.link(&["--edition=2021", "-g", "-O", "main.rs"]);
    for (twins, name) in [(cpp, "work::Mixer<unsigned long>::mix"), (rust, "main::work::Mixer<u64>::mix")] {
        let share = |subject: &Subject| -> Option<f64> {
            let found = report(subject)?;
            Some(found.iter().filter(|(symbol, _)| symbol.contains(name)).map(|(_, share)| share).sum())
        };
        let Some(twin) = share(&twins.twin()) else { return };
        assert!(twin > 80.0, "`{name}` has {twin} % of the twin: {:?}", report(&twins.twin()));
        twins.for_each(&ways::once_settled(), |subject| {
            let found = share(subject)?;
            (found < 80.0)
                .then(|| format!("`{name}` has {twin} % of the twin, but {found} %: {:?}", report(subject)))
        });
    }
}

#[test]
fn llvm_addr2line_finds_functions_and_lines() {
    let Some(twins) = addresses("llvm_addr2line", &["llvm-addr2line"]) else { return };
    twins.assert_same(&ways::from_the_start(), &["inner", "main.c:3", "outer", "main.c:4"], |app| {
        looked_up(app, "llvm-addr2line", &["-e", "./app", "-f", "-C", "-i"])
    });
}

/// Right after the link, nobody but the tool itself has asked for debug information yet.
#[test]
fn addr2line_finds_lines_after_a_relink() {
    let Some(twins) = addresses("addr2line_relinked", &["addr2line"]) else { return };
    let edited = ADDRESSES.replace("int table[4]", "\n\nint added(void) { return 6; }\nint table[4]");
    twins.project.write("main.c", edited.replace("static int inner", "\n\nstatic int inner"));
    twins.project.tool("gcc", &["-g", "-O0", "-fno-pie", "-c", "main.c"]);
    let text = looked_up(&twins.relinked(), "addr2line", &["-e", "./app", "-f", "-C", "-i"]);
    let lines: Vec<&str> = text.lines().map(|line| line.rsplit('/').next().unwrap_or(line)).collect();
    assert_eq!(lines, ["inner", "main.c:5", "outer", "main.c:6"], "{text}");
}

#[test]
fn readelf_lists_the_symbols_of_the_objects() {
    let Some(twins) = addresses("readelf", &["readelf"]) else { return };
    let has = [
        "FUNC LOCAL DEFAULT inner",
        "FUNC GLOBAL DEFAULT main",
        "FUNC GLOBAL DEFAULT outer",
        "OBJECT GLOBAL DEFAULT table",
    ];
    twins.assert_same(&ways::from_the_start(), &has, |app| {
        let text = app.shown("readelf", &["-sW", "./app"]);
        let names = ["inner", "main", "outer", "table"];
        let mut lines: Vec<String> = text
            .lines()
            .filter_map(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                let [_, _, _, kind, binding, visibility, _, name] = words.as_slice() else { return None };
                names.contains(name).then(|| format!("{kind} {binding} {visibility} {name}\n"))
            })
            .collect();
        lines.sort_by_key(|line| line.rsplit(' ').next().map(str::to_owned));
        lines.concat()
    });
}

#[test]
fn readelf_lists_the_sections_of_a_program() {
    let Some(twins) = addresses("sections", &["readelf"]) else { return };
    let names =
        [".init", ".text", ".fini", ".rodata", ".eh_frame_hdr", ".eh_frame", ".dynamic", ".data", ".bss"];
    let has: Vec<String> = names.map(|name| format!("{name}\n")).to_vec();
    let has: Vec<&str> = has.iter().map(String::as_str).collect();
    twins.assert_same(&ways::from_the_start(), &has, |app| {
        let text = app.shown("readelf", &["-SW", "./app"]);
        let found = |name: &&str| text.split_whitespace().any(|word| word == *name);
        names.into_iter().filter(found).map(|name| format!("{name}\n")).collect()
    });
}

/// Code is of about the size that the twin has, not of a loader's.
#[test]
fn size_shows_the_size_of_the_program() {
    let Some(twins) = shares("size", &["size"]) else { return };
    let text_of = |subject: &Subject| -> f64 {
        let shown = subject.shown("size", &["./app"]);
        let number = shown.lines().nth(1).and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.unwrap_or_else(|| panic!("{shown}"))
    };
    let twin = text_of(&twins.twin());
    twins.for_each(&ways::from_the_start(), |subject| {
        let found = text_of(subject);
        (!(0.5..2.0).contains(&(found / twin))).then(|| format!("{found} bytes of text; the twin has {twin}"))
    });
}

/// Waits in a function of its own, three calls deep, until there is a line to read.
const WAITING: &str = r#"
#include <stdio.h>
#include <unistd.h>
#define FAR(value) __asm__ volatile("jmp 1f\n.skip 65536, 0x90\n1:" : "+r"(value))
static int innermost(int x) {
    char byte;
    FAR(x);
    if (write(1, "ready\n", 6) != 6)
        return 1;
    while (read(0, &byte, 1) == 1) {}
    FAR(x);
    return x;
}
int middle(int x) { FAR(x); x = innermost(x) + 1; FAR(x); return x; }
int never_touched(int x) { FAR(x); x *= 3; FAR(x); return x; }
int main(int argc, char **argv) { return argc > 5 ? never_touched(argc) : middle(argc) > 0 ? 0 : 1; }
"#;

fn waiting(name: &str, tools: &[&str]) -> Option<Twins> {
    let mut twins = Twins::new(&format!("profilers/{name}"), Compiler::Gcc, tools)?;
    twins.project.write("main.c", WAITING);
    twins.project.tool("gcc", &["-g", "-O0", "-c", "main.c"]);
    twins.link(&["main.o"]);
    Some(twins)
}

/// What a tool shows of the running program, which must go on and end well afterwards. `PID` stands for its number.
fn shown_of_running(subject: &Subject, tool: &str, words: &[&str]) -> String {
    let started = Started::ready(&mut subject.program()).unwrap_or_else(|error| panic!("{error}"));
    let process = started.id().to_string();
    // It has said so, and goes on to the read that it waits in.
    while !std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| stat.contains(") S ")) {
        std::thread::yield_now();
    }
    let words: Vec<String> = words.iter().map(|word| word.replace("PID", &process)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let shown = subject.shown(tool, &words);
    let (rest, ending) = started.finish("go on\n").unwrap_or_else(|error| panic!("{error}"));
    format!("{shown}--- it goes on: {rest}{ending:?}\n")
}

#[test]
fn eu_stack_names_the_frames_of_a_running_program() {
    let Some(twins) = waiting("eu_stack", &["eu-stack"]) else { return };
    let has = ["innermost", "main.c:10", "middle", "main.c:14", "main", "_start", "Exit(0)"];
    twins.assert_same(&ways::once_settled(), &has, |app| {
        shown_of_running(app, "eu-stack", &["-s", "-p", "PID"])
    });
}

/// As `gstack` and `pstack` do it.
#[test]
fn a_stack_printer_names_the_frames_of_a_running_program() {
    let Some(twins) = waiting("gstack", &["gdb"]) else { return };
    let has = ["innermost (", "middle (", "main (", "Exit(0)"];
    twins.assert_same(&ways::while_it_runs(), &has, |app| {
        let words = [
            "-nx",
            "-batch",
            "-iex",
            "set debuginfod enabled off",
            "-p",
            "PID",
            "-ex",
            "thread apply all bt",
        ];
        shown_of_running(app, "gdb", &words)
    });
}

/// No code of the program is without a file once it is kept, and the files say whose code it is.
#[test]
fn maps_names_what_is_mapped() {
    let Some(twins) = waiting("maps", &["cat"]) else { return };
    let nameless = |app: &Subject| -> Vec<String> {
        let maps = shown_of_running(app, "cat", &["/proc/PID/maps"]);
        let of_program = |line: &&str| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let name = fields.get(5).copied().unwrap_or("");
            let is_code = fields.get(1).is_some_and(|access| access.contains('x'));
            is_code && !name.starts_with("/usr/lib/") && !name.starts_with("/lib") && !name.starts_with("[v")
        };
        let is_app = |line: &&str| line.ends_with("/app");
        maps.lines().filter(of_program).filter(|line| !is_app(line)).map(str::to_owned).collect()
    };
    assert_eq!(nameless(&twins.twin()), [] as [String; 0], "the twin");
    twins.for_each(&ways::while_it_runs(), |app| {
        let mut found = nameless(app);
        // KnownDifference: before it has settled, its code is in the index, and what was not touched has no file yet.
        let allowed = app.name.starts_with("lazy");
        if app.name == "kept" {
            found.retain(|line| !line.contains("/outputs/app-") || !line.ends_with("/kept"));
        }
        (!found.is_empty() && !allowed).then(|| format!("this code is not mapped from `app`: {found:#?}"))
    });
}

#[test]
fn strace_prints_the_stack_of_a_system_call() {
    let Some(twins) = waiting("strace", &["strace"]) else { return };
    let mut probe = twins.twin().tool("strace", &["-k", "-e", "trace=none", "true"]);
    if !twins.twin().outcome(&mut probe).succeeded() {
        eprintln!("note: strace has no -k here, so it is not tried");
        return;
    }
    let has = ["write(1, \"ready\\n\"", "app(innermost+", "app(middle+", "app(main+"];
    twins.assert_same(&ways::from_the_start(), &has, |app| {
        let text = app.shown("strace", &["-k", "-e", "trace=write", "./app"]);
        // With debug information it may show lines of libc too.
        text.lines()
            .filter(|line| line.contains("app(") || line.contains("write("))
            .map(|line| format!("{line}\n"))
            .collect()
    });
}

#[test]
fn ltrace_shows_calls_of_library_functions() {
    let Some(twins) = waiting("ltrace", &["ltrace"]) else { return };
    let text = twins.twin().shown("ltrace", &["./app"]);
    if !text.contains("write(1") {
        eprintln!("note: ltrace shows nothing of the twin, so it is not tried: {text}");
        return;
    }
    twins.assert_same(&ways::from_the_start(), &["write(1", "read(0"], |app| {
        let text = app.shown("ltrace", &["./app"]);
        // KnownDifference: ours calls it through the PLT, where ltrace looks, and the twin through the GOT.
        text.split_inclusive('\n').filter(|line| !line.starts_with("__cxa_finalize(")).collect()
    });
}
