//! Programs that print their own backtraces print what their twins print that GNU ld has linked.

use unfold_tests::directives::Compiler;
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
    if (argc > 1)
        free(argv[0] + 1);
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
        pattern.replace_all(&text, "./app()").into_owned()
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
    twins.project.write("main.c", ASAN);
    twins.project.tool(compiler.command(), &["-g", flag, "-c", "main.c"]);
    twins.link(&["main.o", flag]);
    let build_ids = regex::Regex::new(r" \(BuildId: [0-9a-f]+\)").expect("a fixed pattern");
    let offsets = regex::Regex::new(r"\(([^()]*)\+0x[0-9a-f]+\)").expect("a fixed pattern");
    twins.assert_same(&ways::all(), has, |app| {
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
