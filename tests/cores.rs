//! Core dumps and debuggers: what gdb finds in a process that is dead, or that it stops, is what it finds with GNU ld.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use unfold_tests::directives::Ending;
use unfold_tests::project::Project;
use unfold_tests::run::{ending_of, lazy_pagers, program, run};
use unfold_tests::tools::{complete_kept, gnu_linker, is_installed, unfold_command};

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

/// A linked `app`, its twin `twin`, and `baked`; nothing if that cannot be tested here.
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
    let search = format!("-B{}", gnu_linker().search_dir.display());
    project.tool("gcc", &[&search, "main.o", "-o", "twin"]);
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

/// Not yet: the executable's own file has no symbols for gdb.
#[test]
fn a_core_file_is_read_with_the_program_itself() {
    let Some(project) = project("itself") else { return };
    for (app, ways) in [("twin", vec![("eager", false)]), ("app", ways())] {
        for way in ways {
            let Some(core) = core_of(&project, app, way) else { return };
            let text = gdb(&[&shown(&project.path(app)), &shown(&core)], &["bt"]);
            let check = || check_backtrace(&text, &format!("{app} {way:?}"));
            if app == "twin" { check() } else { not_yet("reading a core with the executable", check) }
        }
    }
}

/// What does not work yet is said where it is tested, and noticed when it does.
fn not_yet(what: &str, check: impl FnOnce()) {
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check));
    assert!(result.is_err(), "{what} works now: the documentation says that it does not");
}

/// The code of a core that nobody has touched is there too, as it is in the core of any program with `coredump_filter`.
#[test]
fn gdb_makes_a_core_of_a_running_program() {
    let Some(project) = project("running") else { return };
    for way in ways() {
        let waiting = Waiting::start(start(&project, "app", way, Some("wait")));
        let core = project.path(&format!("running-{}-{}.dump", way.0, way.1));
        let process = waiting.0.id().to_string();
        let text = gdb(&["-p", &process], &[&format!("generate-core-file {}", shown(&core))]);
        assert!(core.exists(), "{way:?}: {text}");
        let text = gdb(&[&shown(&project.path("baked")), &shown(&core)], &["bt"]);
        check_backtrace(&text, &format!("{way:?}"));
    }
}

/// A debugger that is attached to a program sees its code: what it has touched and what it has not.
#[test]
fn gdb_looks_at_a_running_program() {
    let Some(project) = project("attached") else { return };
    let attached = |symbols: &str, process: u32| {
        gdb(&[&shown(&project.path(symbols)), &process.to_string()], &["bt", "x/3i never_called+65550"])
    };
    let code = |text: &str| {
        let lines = text.lines().filter(|line| line.contains("<never_called+"));
        lines.map(|line| line.split_once(">:").unwrap_or(("", line)).1.to_owned()).collect::<Vec<_>>()
    };
    let twin = Waiting::start(start(&project, "twin", ("eager", false), Some("wait")));
    let expected = attached("twin", twin.0.id());
    check_backtrace(&expected, "twin");
    for way in ways() {
        let waiting = Waiting::start(start(&project, "app", way, Some("wait")));
        let found = attached("baked", waiting.0.id());
        check_backtrace(&found, &format!("{way:?}"));
        let check = || assert_eq!(code(&found), code(&expected), "{way:?}:\n{found}");
        // Code that is not there cannot be looked at.
        not_yet("looking at code that was not touched", check);
    }
}

/// A program that has come to its innermost function, and is killed in the end.
struct Waiting(Child);

impl Waiting {
    fn start(mut command: Command) -> Waiting {
        use std::io::Read;
        let mut child = command.arg0("app").stdout(Stdio::piped()).spawn().unwrap();
        let mut byte = [0];
        child.stdout.as_mut().unwrap().read_exact(&mut byte).unwrap();
        Waiting(child)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        assert_eq!(ending_of(self.0.wait().unwrap()), Ending::Signal(libc::SIGKILL));
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
