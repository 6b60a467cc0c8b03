//! The core of a program is read with the baked program too. What debuggers do with the program itself: `debuggers`.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use unfold_tests::directives::Ending;
use unfold_tests::project::Project;
use unfold_tests::run::{lazy_pagers, program, run};
use unfold_tests::tools::{complete_kept, is_installed, unfold_command};

/// Functions in chunks of their own. The last one aborts, or says that it is there and waits.
const SOURCE: &str = r#"
#include <stdlib.h>
#include <unistd.h>
#define FAR(value) __asm__ volatile("jmp 1f\n.skip 65536, 0x90\n1:" : "+r"(value))
static char data[] = "data of the program";
char *pointer = data;
__attribute__((noinline)) int end_of_all(int waits) {
    FAR(waits);
    if (!waits)
        abort();
    if (write(1, "w", 1) == 1)
        for (;;)
            pause();
    FAR(waits);
    return waits;
}
__attribute__((noinline)) int second_level(int x) { FAR(x); x = end_of_all(x); FAR(x); return x + 1; }
__attribute__((noinline)) int third_level(int x) { FAR(x); x = second_level(x); FAR(x); return x + 1; }
__attribute__((noinline)) int never_called(int x) { FAR(x); x = x * 12345 + 1; FAR(x); return x; }
int main(int argc, char **argv) { return third_level(argc - 1) + (argc > 5 ? never_called(argc) : 0); }
"#;

/// What gdb has to find, innermost first.
const FRAMES: [&str; 4] = ["end_of_all", "second_level", "third_level", "main"];

/// The ways in which a program may be when it ends: paged in by this pager, and with everything kept or nothing.
fn ways() -> Vec<(&'static str, bool)> {
    lazy_pagers().flat_map(|pager| [(pager, false), (pager, true)]).collect()
}

/// A linked `app`, and `baked`; nothing if that cannot be tested here.
fn project(name: &str) -> Option<Project> {
    let unfold = unfold_command()?;
    if !is_installed("gdb") {
        eprintln!("note: gdb is not installed, so it is not asked for anything");
        return None;
    }
    let project = Project::new(&format!("cores/{name}"));
    project.set_env("UNFOLD_BACKGROUND", "off");
    project.write("main.c", SOURCE);
    project.compile_with("main.c", &["-g", "-O1"]);
    project.link(&["main.o", "-o", "app"]);
    project.bake(unfold, "app", "baked");
    Some(project)
}

fn start(project: &Project, app: &str, way: (&str, bool), argument: Option<&str>) -> Command {
    let mut command = program(project.path(app));
    command.current_dir(project.path("")).args(argument);
    command.env("UNFOLD_PAGER", way.0).env("UNFOLD_BACKGROUND", "off");
    command.env("UNFOLD_PREFETCH", "off").env("UNFOLD_KEEP", if way.1 { "on" } else { "off" });
    if way.1 && app == "app" {
        complete_kept(&project.path(app)).unwrap();
    }
    command
}

/// Lets the program abort, and gives its core file; nothing where the kernel hands cores to somebody else.
fn core_of(project: &Project, app: &str, way: (&str, bool)) -> Option<PathBuf> {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    if pattern.starts_with(['|', '/', '@']) || pattern.contains('%') {
        eprintln!("note: cores go to {pattern:?}, so they are not looked at");
        return None;
    }
    let mut command = start(project, app, way, None);
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
    let core = fs::read_dir(project.path("")).unwrap().map(|entry| entry.unwrap().path()).find(|path| {
        path.file_name().is_some_and(|name| {
            name.to_str().is_some_and(|name| name == pattern.trim() || name.starts_with("core."))
        })
    });
    let core = core.expect("the kernel has written a core");
    let kept = project.path(&format!("{app}-{}-{}.dump", way.0, way.1));
    fs::rename(core, &kept).unwrap();
    Some(kept)
}

fn gdb(words: &[&str], commands: &[&str]) -> String {
    let mut command = program("gdb");
    command.args(["-batch", "-nx", "-iex", "set debuginfod enabled off"]);
    command.args(commands.iter().flat_map(|command| ["-ex", command])).args(words);
    let outcome = run(&mut command, b"").unwrap();
    format!("{}{}", outcome.stdout_text(), outcome.stderr_text())
}

/// All frames are in the backtrace, in their order, with their lines.
fn check_backtrace(text: &str, what: &str) {
    let mut rest = text;
    for frame in FRAMES {
        let found = rest.find(&format!("{frame} ("));
        assert!(found.is_some(), "{what}: `{frame}` is not in its place of gdb's backtrace:\n{text}");
        rest = &rest[found.unwrap()..];
    }
    assert!(text.contains("main.c:"), "{what}: gdb has no lines:\n{text}");
}

#[test]
fn a_core_file_is_read_with_the_baked_program() {
    let Some(project) = project("baked") else { return };
    for way in ways() {
        let Some(core) = core_of(&project, "app", way) else { return };
        let text = gdb(&[&shown(&project.path("baked")), &shown(&core)], &["bt", "print pointer"]);
        check_backtrace(&text, &format!("{way:?}"));
        assert!(text.contains("data of the program"), "{way:?}:\n{text}");
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
