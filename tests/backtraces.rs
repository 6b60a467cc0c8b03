//! Programs that print their own backtraces print what their twins print that GNU ld has linked.

use unfold_tests::directives::{Compiler, Ending};
use unfold_tests::run::is_executable;
use unfold_tests::twins::{Subject, Twins};
use unfold_tests::ways;

/// What the program writes to both, and how it ends.
fn output(subject: &Subject, args: &[&str], env: &[(&str, &str)]) -> String {
    let outcome = subject.outcome(subject.program().args(args).envs(env.iter().copied()));
    format!("{}{}--- it ends: {:?}\n", outcome.stdout_text(), outcome.stderr_text(), outcome.ending)
}

const PANICS: &str = r#"
mod inner {
    #[inline(never)]
    pub fn fails(values: &[i32], index: usize) -> i32 { values[index] }
    pub struct Thing;
    impl Thing {
        #[inline(never)]
        pub fn method<T: Copy + Into<i64>>(&self, value: T) -> i64 {
            let call = |index: i64| fails(&[1, 2, 3], index as usize) as i64;
            call(value.into()) + 1
        }
    }
}
#[inline(never)]
fn outer(index: i32) -> i64 { inner::Thing.method(index) * 2 }
fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("thread") => {
            let thread = std::thread::Builder::new().name("worker".into());
            let ended = thread.spawn(|| outer(7)).unwrap().join();
            println!("{}", ended.is_err());
        }
        Some("caught") => println!("{:?}", std::panic::catch_unwind(|| outer(7)).is_err()),
        Some("captured") => println!("{}", std::backtrace::Backtrace::force_capture()),
        _ => println!("{}", outer(7)),
    }
}
"#;

fn rust(name: &str, flags: &[&str]) -> Option<Twins> {
    let mut twins = Twins::new(&format!("backtraces/{name}"), Compiler::Rustc, &[])?;
    twins.project.write("main.rs", PANICS);
    twins.link(&[&["--edition=2021", "-g", "main.rs"], flags].concat());
    Some(twins)
}

/// Numbers of threads are not the same in two processes.
fn without_thread_ids(text: String) -> String {
    let pattern = regex::Regex::new(r"(thread '[^']*') \(\d+\)").expect("a fixed pattern");
    pattern.replace_all(&text, "$1").into_owned()
}

#[test]
fn a_rust_panic_has_functions_files_and_lines() {
    let Some(twins) = rust("rust_panic", &[]) else { return };
    twins.assert_same(
        &ways::all(),
        &["main::inner::fails", "main.rs:4", "main::outer", "main::main"],
        |app| without_thread_ids(output(app, &[], &[("RUST_BACKTRACE", "1")])),
    );
}

#[test]
fn a_rust_panic_has_a_full_backtrace() {
    let Some(twins) = rust("rust_full", &[]) else { return };
    twins.assert_same(&ways::all(), &["main::inner::fails", "_start"], |app| {
        without_thread_ids(output(app, &[], &[("RUST_BACKTRACE", "full")]))
    });
}

#[test]
fn a_rust_panic_in_a_thread_is_caught_and_named() {
    let Some(twins) = rust("rust_thread", &[]) else { return };
    twins.assert_same(&ways::all(), &["thread 'worker'", "main::outer"], |app| {
        let run = |how: &str| {
            let outcome = app.outcome(app.program().arg(how).env("RUST_BACKTRACE", "1"));
            format!("{}{}", outcome.stderr_text(), outcome.stdout_text())
        };
        without_thread_ids(run("thread") + &run("caught") + &run("captured"))
    });
}

#[test]
fn optimised_rust_has_inlined_frames_in_its_backtraces() {
    let Some(twins) = rust("rust_optimised", &["-O", "-Cdebuginfo=1"]) else { return };
    twins.assert_same(&ways::all(), &["main::inner::fails", "main::main"], |app| {
        without_thread_ids(output(app, &[], &[("RUST_BACKTRACE", "1")]))
    });
}

#[test]
fn a_copied_and_a_moved_executable_print_the_same_backtrace() {
    let Some(twins) = rust("rust_moved", &[]) else { return };
    twins.assert_same(&ways::all(), &["main::outer", "main::outer"], |app| {
        let folder = app.folder();
        let bytes_of = |name: &str| folder.join(name);
        let run = |name: &str| {
            assert!(is_executable(&bytes_of(name)));
            let mut command = app.tool(&format!("./{name}"), &[]);
            let outcome = app.outcome(command.env("RUST_BACKTRACE", "1"));
            without_thread_ids(outcome.stderr_text())
        };
        std::fs::copy(&app.app, bytes_of("copy")).expect("the folder is ours");
        let copied = run("copy");
        std::fs::create_dir_all(bytes_of("below")).expect("the folder is ours");
        std::fs::rename(bytes_of("copy"), bytes_of("below/moved")).expect("the folder is ours");
        copied + &run("below/moved")
    });
}

const OF_GLIBC: &str = r#"
#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int hidden(int x) {
    void *frames[20];
    int count = backtrace(frames, 20);
    char **names = backtrace_symbols(frames, count);
    for (int i = 0; i < count; i++)
        printf("%s\n", names[i]);
    free(names);
    fflush(stdout);
    backtrace_symbols_fd(frames, count, 1);
    return count + x;
}
int visible(int x) { return hidden(x) + 1; }
int main(int argc, char **argv) {
    return visible(3) > 0 ? 0 : 1;
}
"#;

/// `./app(visible+0x11) [0x...]`, where static functions have no names. The offsets in the file of a PIE are left out.
fn glibc(name: &str, flags: &[&str], has: &[&str]) {
    let Some(mut twins) = Twins::new(&format!("backtraces/{name}"), Compiler::Gcc, &[]) else { return };
    twins.project.write("main.c", OF_GLIBC);
    twins.project.tool("gcc", &[&["-g", "-O0", "-c", "main.c"], flags].concat());
    twins.link(&[&["main.o"], flags].concat());
    let pattern = regex::Regex::new(r"\./app\((\+0x[0-9a-f]+)?\)").expect("a fixed pattern");
    twins.assert_same(&ways::all(), has, |app| {
        let text = output(app, &[], &[]);
        // KnownDifference: glibc's second function writes the parentheses for programs that were moved, as PIE are. Ours
        // lie where they were linked to be, as programs without PIE do.
        pattern.replace_all(&text, "./app()").replace("./app[", "./app()[")
    });
}

#[test]
fn backtrace_symbols_names_exported_functions() {
    glibc("symbols_rdynamic", &["-rdynamic"], &["app(visible+", "app(main+", "libc.so.6(", "app(visible+"]);
}

#[test]
fn backtrace_symbols_names_the_executable() {
    glibc("symbols", &[], &["app()", "libc.so.6("]);
}

#[test]
fn backtrace_symbols_works_without_pie() {
    glibc("symbols_nopie", &["-no-pie", "-fno-pie", "-rdynamic"], &["app(visible+", "libc.so.6("]);
}

const ASAN: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int *made(int n) { return malloc(n * sizeof(int)); }
static int beyond(int *values, int n) { return values[n]; }
static void lost(void) { volatile int *p = made(5); p[0] = 1; p = NULL; }
static int shift(int by) { return 1 << by; }
int main(int argc, char **argv) {
    char how = argc > 1 ? argv[1][0] : 'o';
    int *values = made(3);
    if (how == 'f') {
        free(values);
        return beyond(values, 0);
    }
    if (how == 'o')
        return beyond(values, 3);
    if (how == 'u')
        printf("%d\n", shift(argc + 38));
    if (how == 'l')
        lost();
    free(values);
    return 0;
}
"#;

fn sanitizer(name: &str, compiler: Compiler, flag: &str, how: &str, has: &[&str]) {
    let Some(mut twins) = Twins::new(&format!("backtraces/{name}"), compiler, &[]) else { return };
    twins.project.write("empty.c", "int main(void) { return 0; }\n");
    let mut probe = unfold_tests::run::program(compiler.command());
    probe.args([flag, "empty.c", "-o", "empty"]).current_dir(twins.project.path(""));
    if !probe.output().is_ok_and(|output| output.status.success()) {
        eprintln!("note: {} has no {flag} here, so it is not tried", compiler.command());
        return;
    }
    twins.project.write("main.c", ASAN);
    twins.project.tool(compiler.command(), &["-g", flag, "-c", "main.c"]);
    twins.link(&["main.o", flag]);
    let build_ids = regex::Regex::new(r" \(BuildId: [0-9a-f]+\)").expect("a fixed pattern");
    let offsets = regex::Regex::new(r"\(([^()]*)\+0x[0-9a-f]+\)").expect("a fixed pattern");
    // KnownDifference: as with `symbolizes_itself`.
    twins.assert_same(&ways::once_settled(), has, |app| {
        let text =
            output(app, &[how], &[("UBSAN_OPTIONS", "print_stacktrace=1"), ("ASAN_OPTIONS", "symbolize=1")]);
        offsets.replace_all(&build_ids.replace_all(&text, ""), "($1+OFFSET)").into_owned()
    });
}

#[test]
fn address_sanitizer_names_functions_and_lines() {
    let has = ["heap-buffer-overflow", "in beyond", "main.c:6", "in main", "in made", "main.c:5"];
    sanitizer("asan_gcc", Compiler::Gcc, "-fsanitize=address", "o", &has);
    sanitizer("asan_clang", Compiler::Clang, "-fsanitize=address", "o", &has);
}

#[test]
fn undefined_behaviour_sanitizer_names_functions_and_lines() {
    let has = ["main.c:8", "shift exponent", "in shift", "in main"];
    sanitizer("ubsan_gcc", Compiler::Gcc, "-fsanitize=undefined", "u", &has);
    sanitizer("ubsan_clang", Compiler::Clang, "-fsanitize=undefined", "u", &has);
}

#[test]
fn address_sanitizer_names_a_use_after_free() {
    let has = ["heap-use-after-free", "in beyond", "main.c:6", "freed by", "in main", "main.c:13"];
    sanitizer("asan_freed", Compiler::Gcc, "-fsanitize=address", "f", &has);
}

#[test]
fn leak_sanitizer_names_functions_and_lines() {
    let has = ["detected memory leaks", "in made", "main.c:5", "in lost", "main.c:7", "in main"];
    sanitizer("lsan", Compiler::Gcc, "-fsanitize=address", "l", &has);
}

#[test]
fn thread_sanitizer_names_functions_and_lines() {
    let Some(mut twins) = Twins::new("backtraces/tsan", Compiler::Gcc, &[]) else { return };
    twins.project.write(
        "main.c",
        "#include <pthread.h>\nstatic int shared;\nstatic void *writes(void *_) { shared++; return _; }\n\
         int main(void) {\n    pthread_t thread;\n    pthread_create(&thread, NULL, writes, NULL);\n    shared++;\n    \
         return pthread_join(thread, NULL);\n}\n",
    );
    twins.project.tool("gcc", &["-g", "-fsanitize=thread", "-w", "-c", "main.c"]);
    twins.link(&["main.o", "-fsanitize=thread"]);
    let report = |app: &Subject| output(app, &[], &[("TSAN_OPTIONS", "halt_on_error=1")]);
    if !report(&twins.twin()).contains("data race") {
        eprintln!("note: the thread sanitizer finds no race in the twin on this machine, so it is not tried");
        return;
    }
    let found = |app: &Subject| {
        let text = report(app);
        // Which of the two threads came first is a matter of chance.
        let mut names: Vec<&str> = ["data race", "main.c:3", "main.c:7", "writes", "in main"].to_vec();
        names.retain(|name| text.contains(name) || text.contains(&name.replace("in ", "")));
        (names.len() < 5).then(|| format!("of the report there are only {names:?}:\n{text}"))
    };
    assert_eq!(found(&twins.twin()), None, "the twin");
    // KnownDifference: as with `symbolizes_itself`.
    twins.for_each(&ways::once_settled(), found);
    // The report comes all the same. In it the sanitizer has memory of its own, and the loader must not search for functions.
    twins.for_each(&ways::all(), |app| {
        let outcome = app.outcome(app.program().env("TSAN_OPTIONS", "halt_on_error=1"));
        let ends = outcome.ending == Ending::Exit(66) && outcome.stderr_text().contains("data race");
        (!ends).then(|| format!("{outcome:?}"))
    });
}

const LIBUNWIND: &str = r#"
#define UNW_LOCAL_ONLY
#include <libunwind.h>
#include <stdio.h>
#define FAR(value) __asm__ volatile("jmp 1f\n.skip 65536, 0x90\n1:" : "+r"(value))
static int walk(int x) {
    unw_context_t context;
    unw_cursor_t cursor;
    char name[100];
    unw_word_t offset;
    unw_getcontext(&context);
    unw_init_local(&cursor, &context);
    do {
        if (unw_get_proc_name(&cursor, name, sizeof name, &offset) == 0)
            printf("%s+%lu\n", name, (unsigned long)offset);
        else
            printf("(no name)\n");
    } while (unw_step(&cursor) > 0);
    return x;
}
static int hidden(int x) { FAR(x); x = walk(x) + 1; FAR(x); return x; }
int visible(int x) { return hidden(x) + 1; }
int main(void) { return visible(-2); }
"#;

#[test]
fn libunwind_names_the_frames() {
    let Some(mut twins) = Twins::new("backtraces/libunwind", Compiler::Gcc, &[]) else { return };
    twins.project.write("main.c", LIBUNWIND);
    let compile = unfold_tests::run::program("gcc")
        .args(["-g", "-c", "main.c"])
        .current_dir(twins.project.path(""))
        .output()
        .expect("gcc is there");
    if !compile.status.success() {
        eprintln!("note: there is no libunwind.h (libunwind-dev), so libunwind is not tried");
        return;
    }
    twins.link(&["main.o", "-lunwind"]);
    // KnownDifference: as with `symbolizes_itself`.
    twins.assert_same(&ways::once_settled(), &["walk+", "hidden+", "visible+", "main+", "_start+"], |app| {
        output(app, &[], &[])
    });
}

const MAPS: &str = r#"
#include "symbolizer.h"
#include <execinfo.h>
#include <pthread.h>
#include <stdlib.h>
static int untouched(int x) { return x * 5; }
static int hidden(int x) {
    void *frames[20];
    int count = backtrace(frames, 20);
    for (int i = 0; i < count; i++)
        printf("%s\n", symbolizer_name((char *)frames[i] - 1));
    return x;
}
int visible(int x) { return hidden(x) + 1; }
int main(int argc, char **argv) {
    int result = visible(argc);
    printf("%s, %s\n", symbolizer_name((void *)untouched), symbolizer_name((void *)printf));
    return argc > 5 ? untouched(result) : 0;
}
"#;

fn symbolizes_itself(name: &str, flags: &[&str]) {
    let Some(mut twins) = Twins::new(&format!("backtraces/{name}"), Compiler::Gcc, &[]) else { return };
    twins.project.write("symbolizer.h", include_str!("fixtures/symbolizer.h"));
    twins.project.write("main.c", MAPS);
    twins.project.tool("gcc", &[&["-g", "-c", "main.c"], flags].concat());
    twins.link(&[&["main.o"], flags].concat());
    let has = ["hidden", "visible", "main", "_start", "untouched, "];
    // KnownDifference: of two names of one function, a table may have either first.
    // KnownDifference: before it has settled, its code is not mapped from the file that has its names.
    twins.assert_same(&ways::once_settled(), &has, |app| {
        output(app, &[], &[]).replace("__libc_start_main_impl", "__libc_start_main")
    });
}

#[test]
fn a_program_finds_its_symbols_in_the_file_that_maps_names() {
    symbolizes_itself("maps", &[]);
}

#[test]
fn a_program_without_pie_finds_its_symbols_in_the_file_that_maps_names() {
    symbolizes_itself("maps_nopie", &["-fno-pie", "-no-pie"]);
}

#[test]
fn a_static_program_finds_its_symbols_in_the_file_that_maps_names() {
    symbolizes_itself("maps_static", &["-fno-pie", "-static"]);
}

const CRASHES: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define FAR(value) __asm__ volatile("jmp 1f\n.skip 65536, 0x90\n1:" : "+r"(value))
void on_signal(int number) {
    void *frames[30];
    int count = backtrace(frames, 30);
    for (int i = 0; i < count; i++) {
        Dl_info info;
        if (dladdr(frames[i], &info) && info.dli_sname)
            printf("%s in %s\n", info.dli_sname, strrchr(info.dli_fname, '/') + 1);
    }
    fflush(stdout);
    signal(number, SIG_DFL);
    raise(number);
}
int innermost(volatile int *where) { int x = *where; FAR(x); return x; }
int middle(int x) { FAR(x); x = innermost((int *)16); FAR(x); return x; }
int main(int argc, char **argv) {
    signal(SIGSEGV, on_signal);
    signal(SIGABRT, on_signal);
    if (!strcmp(argv[1], "segv"))
        return middle(argc);
    if (!strcmp(argv[1], "abort"))
        abort();
    if (!strcmp(argv[1], "free"))
        free((char *)malloc(40) + 8);
    return 0;
}
"#;

/// A handler of the program's own prints where a fault was.
#[test]
fn a_crash_handler_walks_the_frames_that_led_to_the_fault() {
    let Some(mut twins) = Twins::new("backtraces/handler", Compiler::Gcc, &[]) else { return };
    twins.project.write("main.c", CRASHES);
    twins.project.tool("gcc", &["-g", "-w", "-c", "main.c"]);
    twins.link(&["main.o", "-rdynamic"]);
    let has = [
        "on_signal in app",
        "innermost in app",
        "middle in app",
        "main in app",
        "abort in libc.so.6",
        "main in app",
    ];
    twins.assert_same(&ways::all(), &has, |app| {
        ["segv", "abort", "free"].map(|how| output(app, &[how], &[])).concat()
    });
}

const TERMINATES: &str = r#"
#include <cstdlib>
#include <stdexcept>
#include <string>
static int thrower(int x) {
    if (x > 0)
        throw std::runtime_error("number " + std::to_string(x));
    return x;
}
int main(int argc, char **argv) { return thrower(argc); }
"#;

#[test]
fn an_exception_that_nobody_catches_is_named() {
    let Some(mut twins) = Twins::new("backtraces/terminate", Compiler::Gxx, &[]) else { return };
    twins.project.write("main.cpp", TERMINATES);
    twins.project.tool("g++", &["-g", "-c", "main.cpp"]);
    twins.link(&["main.o"]);
    let has =
        ["terminate called after throwing an instance of 'std::runtime_error'", "number 1", "Signal(6)"];
    twins.assert_same(&ways::all(), &has, |app| output(app, &[], &[]));
}
