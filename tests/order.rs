//! The order in which runs touched a program outlives launches and links, and what a precise log names is placed together.
//!
//! The program has functions of more than a page each, every one in a section of its own, and calls those that its
//! arguments name.

use std::fs;
use std::path::PathBuf;

use unfold_tests::directives::Compiler;
use unfold_tests::project::Project;
use unfold_tests::run::lazy_pagers;
use unfold_tests::status::LastRun;
use unfold_tests::tools::unfold_command;

const OBJECTS: usize = 16;
const PER_OBJECT: usize = 16;
const FUNCTIONS: usize = OBJECTS * PER_OBJECT;
const CHUNK: u64 = 64 * 1024;
const PAGE: u64 = 4096;

/// Launches after which the background must have kept everything.
const TRIES: usize = 200;

#[test]
fn the_order_outlives_relinks_and_full_links() {
    for_each_lazy_pager("outlives", |project| {
        project.set_env("UNFOLD_PREFETCH", "off");
        let called = [200, 30, 77, 150, 31];
        assert_eq!(call(project, &called), sum(&called, 3));

        // A relink: addresses stay.
        edit_main(project, 5);
        link(project, &[]);
        assert!(project.status("app").expect("unfold is there").incremental);
        assert_called_first(project, &called);

        // Launches without first touches say nothing, and take nothing away. A program this short may end before what it
        // touches is kept, each time.
        unfold_tests::tools::complete_kept(&project.path("app")).expect("everything can be kept");
        let touches_nothing = |_| {
            assert_eq!(call(project, &called), sum(&called, 5));
            last_run(project).faults == 0
        };
        assert!((0..TRIES).any(touches_nothing), "every launch touches something");
        assert_eq!(call(project, &called), sum(&called, 5));
        edit_main(project, 7);
        link(project, &[]);
        assert!(project.status("app").expect("unfold is there").incremental);
        assert_called_first(project, &called);

        // A full link: all addresses are others.
        let before = addresses(project);
        project
            .write("part0.S", format!("{}.section .text.more,\"ax\"\n.skip 300000, 0x90\n", part_source(0)));
        project.compile("part0.S");
        link(project, &["-Wl,--defsym=unused=1"]);
        assert!(!project.status("app").expect("unfold is there").incremental);
        let after = addresses(project);
        assert!(called.iter().all(|function| after.1[*function] != before.1[*function]));
        assert_called_first(project, &called);
        assert_eq!(call(project, &called), sum(&called, 7));

        // What is touched later comes behind it.
        let later = [100, 120];
        assert_eq!(call(project, &later), sum(&later, 7));
        edit_main(project, 8);
        link(project, &["-Wl,--defsym=unused=1"]);
        assert_called_first(project, &[&called[..], &later].concat());
    });
}

#[test]
fn what_is_touched_between_launches_is_not_lost() {
    for_each_lazy_pager("between", |project| {
        // The second launch touches something else, the third nothing; only then comes a link.
        let (first, second) = ([40, 240, 90], [180]);
        assert_eq!(call(project, &first), sum(&first, 3));
        project.set_env("UNFOLD_PREFETCH", "on");
        assert_eq!(call(project, &second), sum(&second, 3));
        call(project, &[]);
        edit_main(project, 4);
        link(project, &[]);
        let (chunks, _) = order(project);
        let (base, functions) = addresses(project);
        for function in first {
            let chunk = (functions[function] - base) / CHUNK;
            assert!(chunks.contains(&chunk), "function {function}, chunk {chunk} of {chunks:?}");
        }
    });
}

#[test]
fn a_precise_log_tells_pages_of_a_chunk_apart() {
    for_each_lazy_pager("precise", |project| {
        // Kept chunks must not hide anything.
        let called = [101, 100, 205, 105];
        assert!((0..TRIES).any(|_| {
            assert_eq!(call(project, &called), sum(&called, 3));
            last_run(project).pages_from_kept > 0
        }));
        let kept = project.tool("find", &[".unfold", "-name", "kept*", "-printf", "%p %T@ %C@\n"]).stdout;
        project.set_env("UNFOLD_PROFILE", "on");
        for _ in 0..2 {
            assert_eq!(call(project, &called), sum(&called, 3));
            let run = last_run(project);
            assert_eq!((run.pages_from_kept, run.pages_prefetched), (0, 0), "{run:?}");
            assert_eq!(run.faults, run.pages_rendered, "{run:?}");
            let (base, functions) = addresses(project);
            let page = |function: &usize| (functions[*function] - base) / PAGE;
            let chunk = |function: &usize| (functions[*function] - base) / CHUNK;
            assert_eq!(chunk(&called[0]), chunk(&called[1]), "the test needs functions that share a chunk");
            let (unit, touched) = log(project);
            assert_eq!((unit, touched.len() as u64), (PAGE, run.faults));
            let positions: Vec<_> = called
                .iter()
                .map(|function| touched.iter().position(|listed| *listed == page(function)))
                .collect();
            assert!(
                positions.iter().all(Option::is_some) && positions.is_sorted(),
                "{positions:?} of {touched:?}"
            );
            // 103 has neighbours that nobody calls either.
            assert!(!touched.contains(&page(&103)), "{touched:?}");
        }
        let after = project.tool("find", &[".unfold", "-name", "kept*", "-printf", "%p %T@ %C@\n"]).stdout;
        assert_eq!(kept, after, "a profile keeps nothing");

        // The next link has the pages, and says nothing less precise of their chunks.
        let (_, touched) = log(project);
        edit_main(project, 4);
        link(project, &[]);
        let (chunks, pages) = order(project);
        assert!(pages.starts_with(&touched), "{touched:?} and then {pages:?}");
        let coarse = &chunks[pages.len()..];
        assert!(coarse.iter().all(|chunk| !chunks[..pages.len()].contains(chunk)), "{chunks:?}");
        project.unset_env("UNFOLD_PROFILE");
        assert_eq!(call(project, &called), sum(&called, 4));
    });
}

#[test]
fn a_link_without_runs_has_no_order() {
    if unfold_command().is_none() {
        return;
    }
    let project = linked("none");
    edit_main(&project, 4);
    link(&project, &[]);
    assert!(!newest_generation(&project).join("order").exists());
}

#[test]
fn a_damaged_order_does_no_harm() {
    if unfold_command().is_none() {
        return;
    }
    let project = linked("damaged");
    call(&project, &[200, 3]);
    edit_main(&project, 4);
    link(&project, &[]);
    let path = newest_generation(&project).join("order");
    let whole = fs::read(&path).expect("there is an order");
    for round in 0..whole.len().min(120) {
        let mut damaged = whole.clone();
        damaged[round] ^= 0x40;
        damaged.truncate(if round % 3 == 0 { round } else { whole.len() });
        fs::write(&path, damaged).expect("the order can be written");
        assert_eq!(call(&project, &[200, 3, 7]), sum(&[200, 3, 7], 4));
    }
    edit_main(&project, 6);
    link(&project, &[]);
    link(&project, &["-Wl,--defsym=unused=1"]);
    assert_eq!(call(&project, &[200, 3]), sum(&[200, 3], 6));
}

/// One function of each object, in no order.
fn scattered() -> Vec<usize> {
    (0..OBJECTS).map(|object| object * 7 % OBJECTS * PER_OBJECT + object * 5 % PER_OBJECT).collect()
}

/// First touches of a launch that finds nothing kept.
fn first_touches(project: &Project, called: &[usize], step: usize) -> u64 {
    project.set_env("UNFOLD_KEEP", "off");
    project.set_env("UNFOLD_PREFETCH", "off");
    assert_eq!(call(project, called), sum(called, step));
    project.unset_env("UNFOLD_KEEP");
    project.unset_env("UNFOLD_PREFETCH");
    last_run(project).faults
}

fn profile(project: &Project, called: &[usize]) {
    project.set_env("UNFOLD_PROFILE", "on");
    call(project, called);
    project.unset_env("UNFOLD_PROFILE");
}

#[test]
fn what_a_profiled_run_touched_is_placed_together() {
    for_each_lazy_pager("placed", |project| {
        let called = scattered();
        let before = first_touches(project, &called, 3);
        assert!(before >= OBJECTS as u64, "{before} first touches");
        profile(project, &called);
        // Nobody has asked for other places yet.
        edit_main(project, 4);
        let places = addresses(project).1;
        link(project, &[]);
        assert_eq!(addresses(project).1, places);
        link(project, &["-Wl,--unfold-place-anew"]);
        let why = project.status("app").and_then(|status| status.why_full).expect("a full link");
        assert!(why.contains("placed anew"), "{why}");
        let placed = addresses(project).1;
        assert!(called.iter().map(|function| placed[*function]).is_sorted(), "{placed:x?}");
        let after = first_touches(project, &called, 4);
        assert!(after + 10 <= before, "{before} first touches, and then {after}");

        // Links go on from there, with the places as they are.
        edit_main(project, 5);
        link(project, &[]);
        assert!(project.status("app").expect("unfold is there").incremental);
        assert_eq!(addresses(project).1, placed);
        assert_eq!(first_touches(project, &called, 5), after);
        // Full links for other reasons keep together what was placed together.
        link(project, &["-Wl,--defsym=unused=1"]);
        let again = first_touches(project, &called, 5);
        assert!(again <= after + 1, "{after} first touches, and then {again}");
        check_all(project, 5);
    });
}

#[test]
fn objects_whose_functions_were_placed_apart_are_relinked() {
    if unfold_command().is_none() {
        return;
    }
    let project = linked("placed-edits");
    let called = scattered();
    profile(&project, &called);
    link(&project, &["-Wl,--unfold-place-anew"]);
    // The object of this function has others in front of it and behind it.
    let touched = called[2];
    let object = touched / PER_OBJECT;
    let others = object * PER_OBJECT..(object + 1) * PER_OBJECT;
    assert!(touched > others.start && touched + 1 < others.end);
    let name = format!("part{object}.S");
    let grown = |function: usize, text: &str| {
        part_source(object)
            .replace(&format!("add ${function}, %eax"), &format!("{text}\nadd ${function}, %eax"))
    };
    let more = ".section .text.more,\"ax\"\n.globl more\nmore:\n.skip 6000, 0x90\nret\n";
    let reordered: String = {
        let source = part_source(object);
        let mut functions: Vec<&str> = source.split_inclusive("ret\n").collect();
        functions.swap(1, PER_OBJECT - 2);
        functions.concat()
    };
    let edits = [
        ("same size", grown(touched, "").replace("mov %edi, %eax", "mov %edi, %eax; .byte 0x90")),
        ("the touched function grows a little", grown(touched, "nop; nop; nop")),
        ("the touched function grows", grown(touched, ".skip 9000, 0x90")),
        ("another one grows", grown(others.start, ".skip 9000, 0x90")),
        ("a function more in front", format!("{more}{}", part_source(object))),
        ("a function more behind", format!("{}{more}", part_source(object))),
        ("other order", reordered),
        ("as before", part_source(object)),
    ];
    for (what, source) in edits {
        if what == "other order" {
            // So much has changed by then that the next link would be a full one.
            link(&project, &["-Wl,--unfold-place-anew"]);
        }
        let before = addresses(&project).1;
        project.write(&name, source);
        project.compile(&name);
        link(&project, &[]);
        let status = project.status("app").expect("unfold is there");
        assert!(status.incremental, "{what}: {status:?}");
        let after = addresses(&project).1;
        let moved: Vec<usize> =
            (0..FUNCTIONS).filter(|function| before[*function] != after[*function]).collect();
        assert!(moved.iter().all(|function| others.contains(function)), "{what}: {moved:?}");
        if what == "the touched function grows" {
            // With those that share its pages, which are in one place with it.
            assert!(moved.contains(&touched) && moved.len() <= 3, "{what}: {moved:?}");
        }
        check_all(&project, 3);
    }
}

/// Frames follow their functions: exceptions and backtraces go through functions that were placed apart.
#[test]
fn exceptions_pass_functions_that_were_placed_apart() {
    for_each_lazy_pager("frames", |project| {
        const COUNT: usize = 60;
        let function = |number: usize| {
            let next = (number * 7 + 1) % COUNT;
            format!(
                "int f{next}(int);\nint f{number}(int depth) {{\n    struct Note {{ ~Note() {{ notes += {number}; }} }} note;\n    \
                 if (depth == 0) throw {number};\n    \
                 try {{ return f{next}(depth - 1) + 1; }} catch (char) {{ return {number}; }}\n    \
                 __asm__ volatile(\".skip 3000, 0x90\");\n}}\n"
            )
        };
        for object in 0..4 {
            let functions: String = (0..COUNT).filter(|number| number % 4 == object).map(function).collect();
            project.write(&format!("f{object}.cpp"), format!("extern int notes;\n{functions}"));
            project.compile_with(&format!("f{object}.cpp"), &["-O1", "-ffunction-sections"]);
        }
        let main = |step: usize| {
            let calls: String = [3, 41, 18]
                .map(|n| format!("    try {{ f{n}(9); }} catch (int at) {{ sum += at; }}\n"))
                .concat();
            format!(
                "#include <cstdio>\nint notes, f3(int), f41(int), f18(int);\nint main() {{\n    int sum = {step};\n{calls}    \
                 std::printf(\"%d %d\\n\", sum, notes);\n}}\n"
            )
        };
        project.edit("main.cpp", &main(1));
        let link = |more: &[&str]| {
            project.link_as(
                Compiler::Gxx,
                &[&["main.o", "f0.o", "f1.o", "f2.o", "f3.o", "-o", "throws"], more].concat(),
            );
        };
        link(&[]);
        let expected = project.output("throws", &[]);
        project.set_env("UNFOLD_PROFILE", "on");
        assert_eq!(project.output("throws", &[]), expected);
        project.unset_env("UNFOLD_PROFILE");
        for (more, step) in
            [(&["-Wl,--unfold-place-anew"][..], 1), (&[][..], 2), (&["-Wl,--unfold-place-anew"][..], 3)]
        {
            project.edit("main.cpp", &main(step));
            let longer = function(41).replace("depth == 0", "depth * 3 == 0 && notes >= 0");
            if step == 2 {
                let rest: String =
                    (0..COUNT).filter(|number| number % 4 == 1 && *number != 41).map(function).collect();
                project.write("f1.cpp", format!("extern int notes;\n{longer}{rest}"));
                project.compile_with("f1.cpp", &["-O1", "-ffunction-sections"]);
            }
            link(more);
            assert_eq!(project.status("throws").expect("unfold is there").incremental, more.is_empty());
            let sum = |text: &str| {
                text.split(' ').next().and_then(|word| word.parse::<usize>().ok()).expect("a sum")
            };
            for _ in 0..3 {
                let found = project.output("throws", &[]);
                assert_eq!(sum(&found), sum(&expected) + step - 1, "{found}");
                assert_eq!(found.split(' ').nth(1), expected.split(' ').nth(1));
            }
            project.bake(unfold_command().expect("it was asked before"), "throws", "baked");
            assert_eq!(project.output("baked", &[]), project.output("throws", &[]));
        }
    });
}

/// Every function does what its source says, also in the baked program.
fn check_all(project: &Project, step: usize) {
    let all: Vec<usize> = (0..FUNCTIONS).collect();
    assert_eq!(call(project, &all), sum(&all, step));
    project.bake(unfold_command().expect("it was asked before"), "app", "baked");
    let args: Vec<String> = all.iter().map(usize::to_string).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    assert_eq!(project.output("baked", &args), sum(&all, step));
}

/// The chunks of these functions are in the order, in this order.
fn assert_called_first(project: &Project, called: &[usize]) {
    let (chunks, _) = order(project);
    let (base, functions) = addresses(project);
    let mut last = None;
    let mut seen = vec![];
    for function in called {
        let chunk = (functions[*function] - base) / CHUNK;
        let position = chunks.iter().position(|listed| *listed == chunk);
        assert!(position.is_some(), "function {function}, chunk {chunk} of {chunks:?}");
        if !seen.contains(&chunk) {
            assert!(position > last, "function {function}, chunk {chunk} of {chunks:?}");
            last = position;
        }
        seen.push(chunk);
    }
}

/// The file `order` of the newest generation (docs/format.md): all chunks, and the pages that it lists.
fn order(project: &Project) -> (Vec<u64>, Vec<u64>) {
    let bytes = fs::read(newest_generation(project).join("order")).expect("there is an order");
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
    assert_eq!(&bytes[..7], b"UForder");
    let numbers: Vec<u64> = bytes[40..]
        .chunks_exact(4)
        .map(|number| u32::from_le_bytes(number.try_into().expect("four bytes")).into())
        .collect();
    assert_eq!(word(24) + word(32), numbers.len() as u64);
    let (pages, chunks) = numbers.split_at(word(24) as usize);
    let chunks = pages.iter().map(|page| page * PAGE / CHUNK).chain(chunks.iter().copied()).collect();
    (chunks, pages.to_vec())
}

/// What an entry of the last run's log is about, in bytes, and what was touched first (docs/format.md).
fn log(project: &Project) -> (u64, Vec<u64>) {
    const HEADER: usize = 14 * 8;
    let bytes = fs::read(newest_generation(project).join("log")).expect("there is a log");
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
    let entries = bytes[HEADER..].chunks_exact(24).take(word(72) as usize);
    let numbers = entries.map(|entry| u32::from_le_bytes(entry[..4].try_into().expect("four bytes")).into());
    (word(88), numbers.collect())
}

fn last_run(project: &Project) -> LastRun {
    project.status("app").and_then(|status| status.last_run).expect("there was a run")
}

fn newest_generation(project: &Project) -> PathBuf {
    let outputs = project.path(".unfold/outputs");
    let output = fs::read_dir(outputs).expect("the index").next().expect("an output").expect("it").path();
    let entries = fs::read_dir(&output).expect("the index");
    let numbers =
        entries.filter_map(|entry| entry.expect("the index").file_name().to_str()?.parse::<u64>().ok());
    output.join(numbers.max().expect("a generation").to_string())
}

/// Where the image begins, and where each function is.
fn addresses(project: &Project) -> (u64, Vec<u64>) {
    let generation = newest_generation(project);
    let plan = fs::read(generation.join("plan")).expect("the plan can be read");
    let base = u64::from_le_bytes(plan[32..40].try_into().expect("eight bytes"));
    let symbols = generation.join("symbols");
    let text = project.tool("nm", &[symbols.to_str().expect("ASCII")]).stdout_text();
    let mut functions = vec![0; FUNCTIONS];
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [addr, _, name] = words[..]
            && let Some(number) =
                name.strip_prefix("function_").and_then(|number| number.parse::<usize>().ok())
        {
            functions[number] = u64::from_str_radix(addr, 16).expect("an address");
        }
    }
    assert!(!functions.contains(&0), "{text}");
    (base, functions)
}

fn call(project: &Project, functions: &[usize]) -> String {
    let args: Vec<String> = functions.iter().map(usize::to_string).collect();
    project.output("app", &args.iter().map(String::as_str).collect::<Vec<_>>())
}

fn sum(functions: &[usize], step: usize) -> String {
    format!("{}\n", functions.iter().map(|function| ADDITIONS * step + function).sum::<usize>())
}

/// Runs the test with a fresh link for each pager.
fn for_each_lazy_pager(name: &str, test: impl Fn(&Project)) {
    if unfold_command().is_none() {
        return;
    }
    for pager in lazy_pagers() {
        let project = linked(&format!("{name}-{pager}"));
        project.set_env("UNFOLD_PAGER", pager);
        test(&project);
    }
}

fn linked(name: &str) -> Project {
    let project = Project::new(&format!("order/{name}"));
    // Launches touch what they touch.
    project.set_env("UNFOLD_BACKGROUND", "off");
    for object in 0..OBJECTS {
        project.write(&format!("part{object}.S"), part_source(object));
        project.compile(&format!("part{object}.S"));
    }
    edit_main(&project, 3);
    link(&project, &[]);
    project
}

fn link(project: &Project, more: &[&str]) {
    let parts: Vec<String> = (0..OBJECTS).map(|object| format!("part{object}.o")).collect();
    let words: Vec<&str> = parts.iter().map(String::as_str).chain(["main.o", "-o", "app"]).collect();
    project.link(&[&words, more].concat());
}

/// Each function adds a variable this many times, by an instruction of six bytes.
const ADDITIONS: usize = 900;

fn part_source(object: usize) -> String {
    let function = |number: usize| {
        format!(
            ".section .text.function_{number},\"ax\"\n.globl function_{number}\nfunction_{number}:\n\
             mov %edi, %eax\n.rept {ADDITIONS}\naddl step(%rip), %eax\n.endr\nadd ${number}, %eax\nret\n"
        )
    };
    let first = object * PER_OBJECT;
    let functions: String = (first..first + PER_OBJECT).map(function).collect();
    format!("{functions}.section .note.GNU-stack,\"\"\n")
}

fn edit_main(project: &Project, step: usize) {
    let declarations: String = (0..FUNCTIONS).map(|n| format!("int function_{n}(int);\n")).collect();
    let entries: String = (0..FUNCTIONS).map(|n| format!("    function_{n},\n")).collect();
    project.edit(
        "main.c",
        &format!(
            "#include <stdio.h>\n#include <stdlib.h>\nint step = {step};\n{declarations}\n\
             static int (*const functions[])(int) = {{\n{entries}}};\n\
             int main(int argc, char **argv) {{\n    int sum = 0;\n    \
             for (int i = 1; i < argc; i++) sum = functions[atoi(argv[i])](sum);\n    \
             printf(\"%d\\n\", sum);\n    return 0;\n}}\n"
        ),
    );
}
