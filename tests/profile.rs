//! `unfold profile` and `unfold order`: what is known of a program's run is what they say, other linkers take the order,
//! and the page shows it all in a browser (`profile/page.rs`).

#[path = "profile/page.rs"]
mod page;

use serde_json::Value;
use std::process::{Command, Stdio};
use unfold_tests::directives::{Compiler, Ending};
use unfold_tests::project::Project;
use unfold_tests::run::{Outcome, lazy_pagers};
use unfold_tests::tools::{complete_kept, is_installed, unfold_command};

/// Each in an object and a chunk of its own.
const FUNCTIONS: usize = 6;

/// A program that calls `f0` to `f5` as its arguments say; `t` makes a thread of its own call the next, `p` a forked process,
/// `w` waits until there is no thread but this one, `x` aborts, `k` kills the process.
const MAIN: &str = r#"
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int f0(int), f1(int), f2(int), f3(int), f4(int), f5(int);
static int (*const functions[])(int) = { f0, f1, f2, f3, f4, f5 };
static int sum;
static void *work(void *word) {
    pthread_setname_np(pthread_self(), "worker");
    sum = functions[atoi(word)](sum);
    return NULL;
}
static int threads(void) {
    int count = -2;
    DIR *tasks = opendir("/proc/self/task");
    while (readdir(tasks)) count++;
    closedir(tasks);
    return count;
}
int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        pthread_t thread;
        switch (argv[i][0]) {
        case 't':
            pthread_create(&thread, NULL, work, argv[++i]);
            pthread_join(thread, NULL);
            break;
        case 'p':
            i++;
            if (fork() == 0) _exit(functions[atoi(argv[i])](0));
            wait(NULL);
            break;
        case 'w': while (threads() > 1) usleep(1000); break;
        case 'x': abort();
        case 'k': kill(getpid(), SIGKILL); break;
        default: sum = functions[atoi(argv[i])](sum);
        }
    }
    printf("%d\n", sum);
    return sum % 100;
}
"#;

fn source(number: usize) -> String {
    format!(
        ".section .text.f{number},\"ax\"\n.globl f{number}\n.balign 4096\n.skip 64, 0x90\n.type f{number}, @function\nf{number}: lea {number}(%rdi), %eax\nret\n\
         .skip 70000, 0x90\n.size f{number}, . - f{number}\n.section .note.GNU-stack,\"\"\n"
    )
}

fn linked(name: &str) -> Project {
    let project = Project::new(&format!("profile/{name}"));
    project.set_env("UNFOLD_BACKGROUND", "off");
    for number in 0..FUNCTIONS {
        project.write(&format!("f{number}.S"), source(number));
        project.compile(&format!("f{number}.S"));
    }
    project.edit("main.c", MAIN);
    link(&project, &[]);
    project
}

fn link(project: &Project, more: &[&str]) {
    let parts: Vec<String> = (0..FUNCTIONS).map(|number| format!("f{number}.o")).collect();
    let words: Vec<&str> =
        parts.iter().map(String::as_str).chain(["main.o", "-pthread", "-o", "app"]).collect();
    project.link(&[&words, more].concat());
}

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

fn unfold(project: &Project, words: &[&str]) -> Outcome {
    project.unfold(words).expect("unfold is there")
}

/// Runs the program by `unfold profile` with a report in JSON.
fn profile(project: &Project, args: &[&str]) -> Value {
    let outcome =
        unfold(project, &[&["profile", "app", "--json", "-o", "profile.json", "--"], args].concat());
    assert_eq!(outcome.stderr_text(), "", "{outcome:?}");
    read(project, "profile.json")
}

/// What `unfold profile` says of the last run.
fn last_run(project: &Project) -> Value {
    let outcome = unfold(project, &["profile", "app", "--json"]);
    assert!(outcome.succeeded(), "{outcome:?}");
    serde_json::from_slice(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {outcome:?}"))
}

fn read(project: &Project, name: &str) -> Value {
    serde_json::from_slice(&project.read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn list<'a>(value: &'a Value, field: &str) -> &'a Vec<Value> {
    value[field].as_array().unwrap_or_else(|| panic!("no list `{field}` in {value}"))
}

/// The functions `f0` to `f5` of the touches, in their order.
fn called(profile: &Value) -> Vec<&str> {
    let names = list(profile, "touches").iter().filter_map(|touch| touch["function"].as_str());
    names.filter(|name| is_one_of_ours(name)).collect()
}

fn is_one_of_ours(name: &str) -> bool {
    name.len() == 2 && name.starts_with('f')
}

#[test]
fn touches_have_the_names_of_what_was_called_in_its_order() {
    for_each_lazy_pager("order-of-calls", |project| {
        let words = ["profile", "app", "--json", "-o", "profile.json", "--", "3", "1", "2", "1"];
        let outcome = unfold(project, &words);
        // What the program wrote, and its status, and nothing else.
        assert_eq!((outcome.stdout_text().as_str(), outcome.stderr_text().as_str()), ("7\n", ""));
        assert_eq!(outcome.ending, Ending::Exit(7));
        let profile = read(project, "profile.json");
        assert_eq!(called(&profile), ["f3", "f1", "f2"], "{profile}");
        assert_eq!(profile["ending"], "status 7");
        assert_eq!(profile["command"], serde_json::json!(["./app", "3", "1", "2", "1"]));
        assert_eq!(profile["unit"], 4096);

        let symbols = addresses(project);
        let mut last = 0.0;
        for touch in list(&profile, "touches") {
            let number =
                |field: &str| touch[field].as_f64().unwrap_or_else(|| panic!("`{field}` in {touch}"));
            let (address, start, end) = (number("address"), number("start"), number("end"));
            assert!(start <= address && address < end && end - start == 4096.0, "{touch}");
            // One thread: a touch ends before the next one begins.
            assert!(last <= number("time_us") && number("cost_us") > 0.0, "{touch}, after {last}");
            last = number("time_us") + number("cost_us");
            let Some(name) = touch["function"].as_str().filter(|name| is_one_of_ours(name)) else { continue };
            assert_eq!(touch["address"], symbols(name), "{touch}");
            assert_eq!(touch["section"], format!(".text.{name}"));
            assert_eq!(touch["object"], format!("{name}.o"));
            assert_eq!((touch["offset"].as_u64(), touch["background"].as_bool()), (Some(64), Some(false)));
        }
        assert_eq!(list(&profile, "touches").len() as u64, profile["faults"].as_u64().expect("a number"));

        // Counted in each way: all is there, and once.
        for by in ["object", "section", "function", "thread"] {
            let touches: u64 =
                list(&profile["by"], by).iter().filter_map(|row| row["touches"].as_u64()).sum();
            assert_eq!(Some(touches), profile["faults"].as_u64(), "{by}");
        }
        let row = list(&profile["by"], "object").iter().find(|row| row["object"] == "f3.o").expect("f3.o");
        assert_eq!((&row["touches"], &row["background"]), (&1.into(), &0.into()));

        // The same is read from the log afterwards, and shown in a table.
        let again = last_run(project);
        assert_eq!(again["touches"], profile["touches"]);
        let text = unfold(project, &["profile", "app", "--by", "time", "--top", "0"]).stdout_text();
        let at = |name: &str| text.find(&format!("{name}.o")).unwrap_or_else(|| panic!("{name} in {text}"));
        assert!(at("f3") < at("f1") && at("f1") < at("f2"), "{text}");
        let text = unfold(project, &["profile", "app", "--by", "object", "--top", "1"]).stdout_text();
        assert!(text.contains("more (--top 0"), "{text}");
    });
}

/// Addresses of functions, by their names.
fn addresses(project: &Project) -> impl Fn(&str) -> u64 {
    let found = project.tool("find", &[".unfold/outputs", "-name", "symbols"]).stdout_text();
    // Of the newest generation.
    let newest =
        found.lines().max_by_key(|path| path.split('/').rev().nth(1).and_then(|n| n.parse::<u64>().ok()));
    let text = project.tool("nm", &[newest.expect("a generation")]).stdout_text();
    move |name: &str| {
        let line = text.lines().find(|line| line.split_whitespace().last() == Some(name));
        let word = line
            .and_then(|line| line.split_whitespace().next())
            .unwrap_or_else(|| panic!("{name} in {text}"));
        u64::from_str_radix(word, 16).expect("an address")
    }
}

#[test]
fn names_are_those_that_programmers_wrote() {
    if unfold_command().is_none() {
        return;
    }
    let project = Project::new("profile/names");
    project.set_env("UNFOLD_BACKGROUND", "off");
    project.edit("main.cpp", "namespace shop { int price(int, char) { __asm__ volatile(\"\"); return 0; } }\nint main(int argc, char **) { return shop::price(argc, 0); }\n");
    project.compile_with("main.cpp", &["-O0", "-ffunction-sections", "-falign-functions=4096"]);
    project.link_as(Compiler::Gxx, &["main.o", "-o", "app"]);
    let outcome = unfold(&project, &["profile", "app", "-o", "report", "--"]);
    assert!(outcome.succeeded(), "{outcome:?}");
    let shown = |more: &[&str]| {
        unfold(&project, &[&["profile", "app", "--by", "function"], more].concat()).stdout_text()
    };
    assert!(shown(&[]).contains("shop::price(int, char)"), "{}", shown(&[]));
    assert!(shown(&["--no-demangle"]).contains("_ZN4shop5priceEic"), "{}", shown(&["--no-demangle"]));
}

#[test]
fn threads_and_processes_are_told_apart() {
    for_each_lazy_pager("threads", |project| {
        let profile = profile(project, &["0", "t", "1", "p", "2"]);
        assert_eq!(called(&profile), ["f0", "f1", "f2"], "{profile}");
        let thread_of = |function: &str| {
            let touch = list(&profile, "touches").iter().find(|touch| touch["function"] == function);
            let id = &touch.expect("it was called")["thread"];
            list(&profile, "threads").iter().find(|thread| thread["id"] == *id).expect("a thread").clone()
        };
        let (main, worker, child) = (thread_of("f0"), thread_of("f1"), thread_of("f2"));
        assert_eq!((&main["name"], &main["process"]), (&"app".into(), &profile["pid"]));
        assert_eq!((&worker["name"], &worker["process"]), (&"worker".into(), &profile["pid"]));
        assert_eq!(child["process"], child["id"]);
        assert_ne!(child["process"], profile["pid"]);
        let text = unfold(project, &["profile", "app", "--by", "thread"]).stdout_text();
        assert!(text.contains("worker") && text.contains("forked"), "{text}");
    });
}

#[test]
fn a_program_that_ends_badly_has_a_profile_too() {
    for_each_lazy_pager("crash", |project| {
        for (word, signal) in [("x", 6), ("k", 9)] {
            let outcome = unfold(project, &["profile", "app", "--by", "function", "--", "4", word]);
            assert_eq!(outcome.ending, Ending::Exit(128 + signal), "{outcome:?}");
            let text = outcome.stderr_text();
            assert!(text.contains(&format!("signal {signal}")) && text.contains("f4.o"), "{text}");
            assert_eq!(called(&last_run(project)), ["f4"]);
        }
    });
}

#[test]
fn a_run_that_touches_nothing_says_why() {
    if unfold_command().is_none() {
        return;
    }
    let project = linked("nothing");
    let outcome = unfold(&project, &["profile", "app"]);
    assert_eq!(outcome.ending, Ending::Exit(1));
    assert!(outcome.stderr_text().contains("has not run"), "{outcome:?}");

    complete_kept(&project.path("app")).expect("everything can be kept");
    project.run("app", &["1"]);
    let outcome = unfold(&project, &["profile", "app"]);
    assert!(outcome.succeeded(), "{outcome:?}");
    let text = outcome.stdout_text();
    assert!(text.contains("everything was kept") && text.contains("unfold profile app -- ARGS"), "{text}");
    assert_eq!(list(&last_run(&project), "touches").len(), 0);
    // What is kept hides nothing from a precise run.
    assert_eq!(called(&profile(&project, &["5", "2"])), ["f5", "f2"]);

    link(&project, &["-static"]);
    let profile = profile(&project, &["5"]);
    assert!(profile["eager"].as_str().is_some_and(|why| why.contains("static")), "{profile}");
    assert_eq!((&profile["touches"], &profile["pager"]), (&serde_json::json!([]), &"eager".into()));
    assert!(unfold(&project, &["profile", "app"]).stdout_text().contains("static"));
}

#[test]
fn what_was_brought_ahead_is_needed_or_in_vain() {
    for_each_lazy_pager("ahead", |project| {
        project.set_env("UNFOLD_KEEP", "off");
        // The order knows f4; the precise run needs f1 and f2.
        project.run("app", &["4"]);
        project.edit("main.c", &format!("{MAIN}int more;\n"));
        link(project, &[]);
        assert_eq!(called(&profile(project, &["1", "2"])), ["f1", "f2"]);
        // The thread in the background ends when all of it is in place.
        project.run("app", &["w", "1", "3"]);
        let profile = last_run(project);
        let touches = list(&profile, "touches");
        let symbols = addresses(project);
        let of = |function: &str| {
            let address = symbols(function);
            let has =
                |touch: &&Value| (touch["start"].as_u64()..touch["end"].as_u64()).contains(&Some(address));
            let touch = touches.iter().find(has).unwrap_or_else(|| panic!("{function} in {profile}"));
            (touch["background"] == true, touch["needed"].as_bool())
        };
        assert_eq!(of("f4"), (true, Some(false)), "{profile}");
        assert_eq!(of("f1"), (true, Some(true)), "{profile}");
        assert_eq!(of("f3"), (false, None), "{profile}");
        let brought: Vec<&Value> = touches.iter().filter(|touch| touch["background"] == true).collect();
        let needed = brought.iter().filter(|touch| touch["needed"] == true).count();
        assert!(needed >= 1 && needed < brought.len(), "{profile}");
        let background = &profile["background"];
        assert_eq!(background["brought"], brought.len());
        assert_eq!(background["needed"], needed);
        assert_eq!(background["in_vain"], brought.len() - needed);
        // Fewer, where the program was faster with a chunk that the background had begun with.
        let pages = profile["pages_prefetched"].as_u64().expect("a number");
        assert!(pages > 0 && pages <= brought.len() as u64 * 16, "{profile}");
        let text = unfold(project, &["profile", "app", "--by", "time"]).stdout_text();
        assert!(text.contains("in vain"), "{text}");
    });
}

#[test]
fn two_runs_are_compared_by_names() {
    if unfold_command().is_none() {
        return;
    }
    let project = linked("diff");
    unfold(&project, &["profile", "app", "--save", "before.json", "-o", "report", "--", "0", "1"]);
    // Other addresses, and another run.
    project.write("f0.S", format!("{}.section .text.more,\"ax\"\n.skip 300000\n", source(0)));
    project.compile("f0.S");
    link(&project, &["-Wl,--defsym=unused=1"]);
    unfold(&project, &["profile", "app", "-o", "report", "--", "1", "2"]);
    let outcome =
        unfold(&project, &["profile", "app", "--by", "function", "--diff", "before.json", "--json"]);
    assert!(outcome.succeeded(), "{outcome:?}");
    let diff: Value = serde_json::from_slice(&outcome.stdout).expect("JSON");
    let sides = |function: &str| {
        let row = list(&diff, "rows").iter().find(|row| row["function"] == function).expect("a row");
        (!row["before"].is_null(), !row["after"].is_null())
    };
    assert_eq!((sides("f0"), sides("f1"), sides("f2")), ((true, false), (true, true), (false, true)));
    let text =
        unfold(&project, &["profile", "app", "--by", "function", "--diff", "before.json"]).stdout_text();
    assert!(text.contains("only before") && text.contains("f2.o"), "{text}");
    for (name, contents) in [("none.json", "{}"), ("text", "hello")] {
        project.write(name, contents);
        let outcome = unfold(&project, &["profile", "app", "--diff", name]);
        assert_eq!(outcome.ending, Ending::Exit(1), "{outcome:?}");
        assert!(outcome.stderr_text().contains(name), "{outcome:?}");
    }
}

#[test]
fn what_cannot_be_profiled_is_said() {
    let Some(command) = unfold_command() else { return };
    let project = linked("errors");
    for words in [
        &["profile", "/bin/true", "--"][..],
        &["profile", "nowhere"],
        &["order", "/bin/true"],
        &["order", "app"],
    ] {
        let outcome = unfold(&project, words);
        assert_eq!(outcome.ending, Ending::Exit(1), "{words:?}: {outcome:?}");
        assert!(outcome.stderr_text().contains(words[1]), "{words:?}: {outcome:?}");
    }
    let outcome = unfold(&project, &["order", "app", "--format", "mold"]);
    assert!(outcome.stderr_text().contains("mold") && !outcome.succeeded(), "{outcome:?}");
    // A reader that goes away.
    profile(&project, &["1"]);
    for words in [&["profile", "app", "--json"][..], &["order", "app"]] {
        let mut child = Command::new(command);
        child.args(words).current_dir(project.path("")).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().expect("unfold can be run");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"), "{output:?}");
    }
}

/// Small functions that share pages: some of one name, some with several, some in two objects.
const CALLS: [&str; 6] = ["beta", "_ZN3one5gammaEv", "twice_a", "_Z6commoni", "_ZL5alonei", "alpha"];

fn small(name: &str) -> Project {
    let project = Project::new(&format!("profile/{name}"));
    project.set_env("UNFOLD_BACKGROUND", "off");
    let filler = |from: usize| -> String {
        (from..from + 40)
            .map(|n| format!("extern \"C\" int unused_{n}(int x) {{ return x * {n}; }}\n"))
            .collect()
    };
    let common = "template <class T> __attribute__((noinline)) int twofold(T x) { return x * 2; }\n\
                  __attribute__((noinline, weak)) int common(int x) { return twofold(x) + 1; }\n";
    let a = format!(
        "{common}{}static __attribute__((noinline)) int hidden(int x) {{ return x + 1; }}\n\
         extern \"C\" int alpha(int x) {{ return hidden(x) * 3; }}\n{}\
         extern \"C\" int twice_a(int x) {{ return x - 1; }}\nextern \"C\" __attribute__((alias(\"twice_a\"))) int twice_b(int);\n",
        filler(0),
        filler(40)
    );
    let b = format!(
        "{common}{}static __attribute__((noinline)) int hidden(int x) {{ return x + 2; }}\n\
         static __attribute__((noinline, used)) int alone(int x) {{ return x + 4; }}\n\
         extern \"C\" int beta(int x) {{ return hidden(x) * 5; }}\nextern \"C\" int through(int x) {{ return alone(x) + 0; }}\n\
         namespace one {{ int gamma() {{ return 7; }} }}\n",
        filler(80)
    );
    let main = "extern \"C\" { int alpha(int), beta(int), twice_b(int), through(int); }\nnamespace one { int gamma(); }\n\
                int common(int);\n\
                int main() { int x = beta(1); x += one::gamma(); x = twice_b(x); x += common(x); x = through(x); x += alpha(x); return x & 63; }\n";
    for (name, text) in [("a.cpp", a.as_str()), ("b.cpp", &b), ("main.cpp", main)] {
        project.write(name, text);
        project.compile_with(name, &["-O1", "-ffunction-sections", "-fno-inline"]);
    }
    project
}

const PARTS: [&str; 3] = ["main.o", "a.o", "b.o"];

/// Functions of a file in the order of their addresses.
fn by_address(project: &Project, file: &str) -> Vec<String> {
    let text = project.tool("nm", &["-n", file]).stdout_text();
    text.lines().filter_map(|line| line.split_whitespace().nth(2)).map(str::to_owned).collect()
}

#[test]
fn other_linkers_take_the_order() {
    if unfold_command().is_none() {
        return;
    }
    let project = small("order");
    project.link_as(Compiler::Gxx, &[&PARTS[..], &["-Wl,--unfold-place-apart", "-o", "app"]].concat());
    let expected = project.run("app", &[]).ending;
    let outcome = unfold(&project, &["profile", "app", "-o", "report", "--"]);
    assert_eq!(outcome.ending, expected, "{outcome:?}");
    for (format, option, linker) in
        [("lld", "--symbol-ordering-file", "lld"), ("gold", "--section-ordering-file", "gold")]
    {
        let outcome = unfold(&project, &["order", "app", "--format", format, "-o", format]);
        assert!(outcome.succeeded(), "{outcome:?}");
        let names = String::from_utf8(project.read(format)).expect("text");
        // What was not called is not in it, and nothing is twice.
        assert!(!names.contains("unused"), "{names}");
        let mut lines: Vec<&str> = names.lines().collect();
        let is_in_order = |wanted: &[&str], found: &[&str]| {
            let places: Vec<_> =
                wanted.iter().map(|name| found.iter().position(|line| line.ends_with(name))).collect();
            assert!(
                places.iter().all(Option::is_some) && places.is_sorted(),
                "{wanted:?} at {places:?} in {found:?}"
            );
        };
        let wanted: Vec<&str> = CALLS
            .iter()
            .map(|name| if *name == "twice_a" && format == "lld" { "twice_" } else { *name })
            .collect();
        let stems: Vec<&str> = lines
            .iter()
            .map(|line| line.strip_suffix(['a', 'b']).filter(|stem| *stem == "twice_").unwrap_or(line))
            .collect();
        is_in_order(&wanted, &stems);
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), stems.len(), "{names}");
        // `hidden` is in two objects: by its symbol, nobody could tell which was meant.
        assert_eq!(lines.iter().any(|line| line.contains("hidden")), format == "gold", "{names}");
        if !is_installed(&format!("ld.{linker}")) {
            eprintln!("skipped: ld.{linker} is not installed, which the order is for");
            continue;
        }
        let output = format!("app-{linker}");
        let driver = if is_installed("clang++") { "clang++" } else { "g++" };
        let fuse = format!("-fuse-ld={linker}");
        let order = format!("-Wl,{option},{format}");
        let words = [&[&fuse, &order, "-Wl,--fatal-warnings"], &PARTS[..], &["-o", &output]].concat();
        let linked = project.tool(driver, &words);
        assert_eq!(linked.stderr_text(), "", "{linked:?}");
        let twin = by_address(&project, &output);
        let twin: Vec<&str> = twin.iter().map(String::as_str).collect();
        is_in_order(&CALLS, &twin);
        // Together, in front (lld) or behind (gold).
        let place = |name: &str| twin.iter().position(|found| *found == name).expect("it is there");
        let called = &twin[place("beta")..place("alpha")];
        assert!(!called.iter().any(|name| name.starts_with("unused")), "{twin:?}");
        assert_eq!(project.run(&output, &[]).ending, expected);
    }
}

#[test]
fn an_order_of_pages_has_what_was_executed_first() {
    if unfold_command().is_none() {
        return;
    }
    let project = small("pages");
    project.link_as(Compiler::Gxx, &[&PARTS[..], &["-o", "app"]].concat());
    unfold(&project, &["profile", "app", "-o", "report", "--"]);
    let outcome = unfold(&project, &["order", "app"]);
    assert!(outcome.succeeded() && outcome.stderr_text().contains("surely executed"), "{outcome:?}");
    let names = outcome.stdout_text();
    let first = names.lines().next().expect("a name").to_owned();
    // The first page of code that a run touches is that of its entry or of its first constructor.
    assert!(!first.starts_with("unused"), "{names}");
    assert!(CALLS[..2].iter().all(|name| names.lines().any(|line| line == *name)), "{names}");
}

/// Functions that are apart behave as ever, are relinked, and come together again, now by functions and not by pages.
#[test]
fn functions_that_were_apart_are_placed_by_use() {
    for_each_lazy_pager("apart", |project| {
        let project = &small(&format!("apart-{}", project.env_of("UNFOLD_PAGER").expect("a pager")));
        let link =
            |more: &[&str]| project.link_as(Compiler::Gxx, &[&PARTS[..], more, &["-o", "app"]].concat());
        // What is known of pages before, has functions in it that are not called.
        link(&[]);
        unfold(project, &["profile", "app", "-o", "report", "--"]);
        link(&["-Wl,--unfold-place-apart"]);
        let expected = project.run("app", &[]).ending;
        let pages: Vec<u64> = {
            let address = addresses(project);
            ["alpha", "unused_3", "unused_4", "beta", "main"]
                .iter()
                .map(|name| address(name) / 4096)
                .collect()
        };
        let mut distinct = pages.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), pages.len(), "{pages:?}");
        // A relink.
        let text = String::from_utf8(project.read("b.cpp")).expect("text").replace("x * 80", "x * 81 + 1");
        project.write("b.cpp", text);
        project.compile_with("b.cpp", &["-O1", "-ffunction-sections", "-fno-inline"]);
        link(&["-Wl,--unfold-place-apart"]);
        assert!(project.status("app").expect("unfold is there").incremental);
        assert_eq!(project.run("app", &[]).ending, expected);
        unfold(project, &["profile", "app", "-o", "report", "--"]);
        link(&[]);
        assert!(!project.status("app").expect("unfold is there").incremental);
        assert_eq!(project.run("app", &[]).ending, expected);
        project.bake(unfold_command().expect("it was asked before"), "app", "baked");
        let twin = by_address(project, "baked");
        let at = |name: &str| {
            twin.iter().position(|found| found == name).unwrap_or_else(|| panic!("{name} in {twin:?}"))
        };
        let called: Vec<usize> = CALLS.iter().map(|name| at(name)).collect();
        assert!(called.is_sorted(), "{called:?} in {twin:?}");
        assert!(called.iter().all(|place| *place < at("unused_3")), "{called:?} in {twin:?}");
    });
}
