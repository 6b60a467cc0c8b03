//! Laziness ends: what nobody has touched is relocated behind the link, or by a program that runs, and then a process is
//! like any other.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use unfold_tests::project::Project;
use unfold_tests::run::{lazy_pagers, program};
use unfold_tests::tools::{complete_kept, unfold_command};

/// Longer than this nothing takes on a machine that works at all.
const HANG: Duration = Duration::from_secs(60);

/// Functions of four pages each: some eighty chunks.
const FUNCTIONS: usize = 320;

#[test]
fn behind_a_link_everything_is_kept_and_no_process_stays() {
    let Some(project) = linked("behind", "on") else { return };
    until("everything is kept", || kept_chunks(&project) == all_chunks(&project));
    until("the linker's process has ended", || processes_about(&project).is_empty());
    let sum = project.output("app", &["1"]);
    assert_eq!(sum, expected(3));
    let run = project.status("app").unwrap().last_run.unwrap();
    assert_eq!((run.faults, run.pages_rendered, run.pager.as_str()), (0, 0, "none"), "{run:?}");
}

#[test]
fn a_link_leaves_its_pipes_alone() {
    let Some(project) = linked("pipes", "off") else { return };
    project.set_env("UNFOLD_BACKGROUND", "on");
    // What this process was started with, a pipe of make perhaps, is not the link's.
    // SAFETY: descriptors stay open here; programs that are executed do not get them.
    unsafe { libc::close_range(3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC as libc::c_int) };
    // `output` waits until nobody holds the pipes any more. A process that held them would be seen here.
    for _ in 0..5 {
        project.remove("app");
        project.link(&["@objects", "-o", "app"]);
        let holders: Vec<PathBuf> =
            processes_about(&project).into_iter().filter(|process| holds_a_pipe(process)).collect();
        assert!(holders.is_empty(), "{holders:?}");
    }
}

#[test]
fn after_many_links_no_process_is_left_and_everything_is_kept() {
    let Some(project) = linked("many", "off") else { return };
    project.set_env("UNFOLD_BACKGROUND", "on");
    for value in 4..24 {
        project.edit("main.c", &main_source(value));
        project.link(&["@objects", "-o", "app"]);
    }
    until("the linker's processes have ended", || processes_about(&project).is_empty());
    until("everything is kept", || kept_chunks(&project) == all_chunks(&project));
    assert_eq!(project.output("app", &["1"]), expected(23));
    let run = project.status("app").unwrap().last_run.unwrap();
    assert_eq!((run.faults, run.pager.as_str()), (0, "none"), "{run:?}");
}

#[test]
fn the_background_can_be_switched_off() {
    let Some(project) = linked("off", "off") else { return };
    assert!(processes_about(&project).is_empty());
    assert_eq!(kept_chunks(&project), 0);
}

#[test]
fn a_running_program_completes_itself_and_becomes_an_ordinary_process() {
    for_each_pager("running", |pager, project| {
        project.set_env("UNFOLD_BACKGROUND", "on");
        let process = Running::start(project, pager);
        until(&format!("{pager}: one thread, no handler, nothing lazy"), || process.is_ordinary(project));
        assert_eq!(kept_chunks(project), all_chunks(project));
        process.end(3);
    });
}

#[test]
fn a_running_program_takes_up_what_the_linker_completes() {
    for_each_pager("taken-up", |pager, project| {
        // Nothing is relocated ahead by the program itself until the linker has done it.
        project.set_env("UNFOLD_BACKGROUND", "on");
        let process = Running::start(project, pager);
        complete_kept(&project.path("app")).unwrap();
        until(&format!("{pager}: one thread, no handler, nothing lazy"), || process.is_ordinary(project));
        process.end(3);
    });
}

/// The program's handler, set through the loader's hook, and one that a library sets behind the loader's back.
#[test]
fn handlers_are_who_set_them_when_the_loader_has_gone() {
    let handler = "#include <signal.h>\n#include <unistd.h>\n\
        static void handle(int n, siginfo_t *info, void *c) { if (info->si_addr == (void *)16) write(1, NAME, 8); _exit(3); }\n\
        void SETTER(void) { struct sigaction a = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO }; \
        sigaction(SIGSEGV, &a, 0); }\n";
    for_each_pager("handlers", |pager, project| {
        project.edit("program.c", &handler.replace("NAME", "\"program\\n\"").replace("SETTER", "by_program"));
        project.write("library.c", handler.replace("NAME", "\"library\\n\"").replace("SETTER", "by_library"));
        project.tool("gcc", &["-w", "-shared", "-fPIC", "library.c", "-o", "liblibrary.so"]);
        project.edit(
            "main.c",
            "#include <stdio.h>\nvoid by_program(void), by_library(void);\nint main(int argc, char **argv) {\n\
             int start; argv[1][0] == 'p' ? by_program() : by_library(); scanf(\"%d\", &start);\n\
             return *(volatile int *)16; }\n",
        );
        project.link(&["main.o", "program.o", "-L.", "-llibrary", "-Wl,-rpath,$ORIGIN", "-o", "app"]);
        project.set_env("UNFOLD_BACKGROUND", "on");
        for who in ["program", "library"] {
            let mut process = Running::start_with(project, pager, who);
            until(&format!("{pager}, {who}: nothing lazy"), || process.is_alone());
            use std::io::{Read, Write};
            process.child.stdin.take().unwrap().write_all(b"1\n").unwrap();
            let mut text = String::new();
            process.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(
                (process.child.wait().unwrap().code(), text),
                (Some(3), format!("{who}\n")),
                "{pager}"
            );
        }
    });
}

/// Threads, an interval timer and children call functions at random while laziness ends, and long after. The program's
/// own handler sees its own faults and no other.
#[test]
fn a_busy_program_notices_nothing_when_laziness_ends() {
    for_each_pager("busy", |pager, project| {
        project.write("main.c", include_str!("fixtures/busy.c"));
        let names = (0..FUNCTIONS).map(|n| format!("F({n})")).collect::<Vec<_>>().join(" ");
        project.write("functions.h", names);
        project.compile_with("main.c", &["-O1", "-pthread"]);
        project.link(&["@objects", "-pthread", "-o", "app"]);
        project.set_env("UNFOLD_BACKGROUND", "on");
        let mut process = Running::start(project, pager);
        until(&format!("{pager}: nothing lazy"), || process.has_no_descriptor_of_the_loader());
        sleep(Duration::from_millis(200));
        use std::io::{Read, Write};
        process.child.stdin.take().unwrap().write_all(b"1\n").unwrap();
        let mut text = String::new();
        process.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(
            (process.child.wait().unwrap().code(), text.as_str()),
            (Some(0), "all is well\n"),
            "{pager}"
        );
    });
}

#[test]
fn where_nothing_can_be_kept_a_running_program_stays_lazy_and_right() {
    for_each_pager("not-kept", |pager, project| {
        project.set_env("UNFOLD_BACKGROUND", "on");
        project.set_env("UNFOLD_KEEP", "off");
        let process = Running::start(project, pager);
        sleep(Duration::from_millis(50));
        process.end(3);
    });
}

#[test]
fn kept_chunks_of_another_boot_are_made_anew() {
    let Some(project) = linked("boot", "off") else { return };
    complete_kept(&project.path("app")).unwrap();
    let all = all_chunks(&project);
    for map in files_called(&project.path(".unfold"), "kept.map") {
        let mut bytes = fs::read(&map).unwrap();
        bytes[24] = if bytes[24] == b'0' { b'1' } else { b'0' };
        fs::write(&map, &bytes).unwrap();
        // As a crash may leave them.
        let kept = map.with_file_name("kept");
        let len = fs::metadata(&kept).unwrap().len();
        fs::write(&kept, vec![0xcc; len as usize]).unwrap();
    }
    assert_eq!(project.output("app", &["1"]), expected(3));
    complete_kept(&project.path("app")).unwrap();
    assert_eq!(kept_chunks(&project), all);
    assert_eq!(project.output("app", &["1"]), expected(3));
}

#[test]
fn a_relink_forgets_what_it_changes_and_no_more() {
    let Some(project) = linked("relinked", "off") else { return };
    complete_kept(&project.path("app")).unwrap();
    let all = all_chunks(&project);
    project.edit("main.c", &main_source(5));
    project.link(&["@objects", "-o", "app"]);
    assert!(project.status("app").unwrap().incremental);
    let kept = kept_chunks(&project);
    assert!(kept < all && kept > all / 2, "{kept} of {all}");
    complete_kept(&project.path("app")).unwrap();
    assert_eq!(kept_chunks(&project), all_chunks(&project));
    assert_eq!(project.output("app", &["1"]), expected(5));
}

// --- helpers ---

/// The program, waiting for its input.
struct Running {
    child: Child,
}

impl Running {
    fn start(project: &Project, pager: &str) -> Self {
        Self::start_with(project, pager, "0")
    }

    fn start_with(project: &Project, pager: &str, argument: &str) -> Self {
        let mut command = program(project.path("app"));
        for name in ["UNFOLD_BACKGROUND", "UNFOLD_KEEP"] {
            command.env_remove(name);
            if let Some(value) = project.env_of(name) {
                command.env(name, value);
            }
        }
        command.env("UNFOLD_PAGER", pager).arg(argument).stdin(Stdio::piped()).stdout(Stdio::piped());
        Self { child: command.spawn().unwrap() }
    }

    fn proc(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}", self.child.id()))
    }

    fn status(&self, name: &str) -> String {
        let status = fs::read_to_string(self.proc().join("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim_start_matches(':').trim().to_owned()
    }

    /// It has had some.
    fn has_no_descriptor_of_the_loader(&self) -> bool {
        let is_of_loader = |to: PathBuf| {
            let to = to.to_string_lossy().into_owned();
            to.contains("/.unfold/")
                || to.contains("userfaultfd")
                || to.contains("memfd:unfold")
                || to.ends_with("/maps")
        };
        let descriptors = fs::read_dir(self.proc().join("fd")).unwrap().flatten();
        let has_none = !descriptors.filter_map(|entry| fs::read_link(entry.path()).ok()).any(is_of_loader);
        has_none && self.is_program()
    }

    /// The dynamic linker has the program.
    fn is_program(&self) -> bool {
        fs::read_to_string(self.proc().join("maps")).is_ok_and(|maps| maps.contains("libc.so.6"))
    }

    /// The program waits for its input, and has one thread and no descriptor of the loader's.
    fn is_alone(&self) -> bool {
        // read(0, ...
        let waits =
            fs::read_to_string(self.proc().join("syscall")).is_ok_and(|call| call.starts_with("0 0x0 "));
        self.status("Threads") == "1" && self.has_no_descriptor_of_the_loader() && waits
    }

    /// Besides, it has no handler, and all of its code and unwind tables come from files.
    fn is_ordinary(&self, project: &Project) -> bool {
        let faults = 1u64 << 10 | 1 << 6;
        let caught = u64::from_str_radix(&self.status("SigCgt"), 16).unwrap();
        self.is_alone()
            && caught & faults == 0
            && mapped_from_kept(&self.proc(), project) == all_chunks(project)
    }

    fn end(mut self, value: usize) {
        use std::io::{Read, Write};
        self.child.stdin.take().unwrap().write_all(b"1\n").unwrap();
        let mut text = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert!(self.child.wait().unwrap().success());
        assert_eq!(text, expected(value));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Chunks of the image that a process has mapped from files of kept chunks.
fn mapped_from_kept(proc: &Path, project: &Project) -> u64 {
    let index = project.path(".unfold");
    let maps = fs::read_to_string(proc.join("maps")).unwrap();
    let size = |line: &str| {
        let mut words = line.split_whitespace();
        let range = words.next().unwrap();
        let path = Path::new(words.nth(4).unwrap_or_default());
        let is_kept = path.starts_with(&index) && ["kept", "own"].iter().any(|name| path.ends_with(name));
        let (start, end) = range.split_once('-').unwrap();
        let number = |digits| u64::from_str_radix(digits, 16).unwrap();
        if is_kept { number(end) - number(start) } else { 0 }
    };
    maps.lines().map(size).sum::<u64>() / 0x1_0000
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < HANG, "not even after {HANG:?}: {what}");
        sleep(Duration::from_millis(5));
    }
}

/// Processes of the linker that are about this project.
fn processes_about(project: &Project) -> Vec<PathBuf> {
    let dir = project.path("").to_string_lossy().into_owned();
    let is_about = |proc: &PathBuf| {
        let line = fs::read(proc.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains("--unfold-complete")
            && String::from_utf8_lossy(&line).contains(&dir)
    };
    fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path()).filter(is_about).collect()
}

fn holds_a_pipe(proc: &Path) -> bool {
    let links = fs::read_dir(proc.join("fd")).into_iter().flatten().flatten();
    links
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .any(|to| to.to_string_lossy().starts_with("pipe:"))
}

fn files_called(dir: &Path, name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => files_called(&path, name),
            false if path.ends_with(name) => vec![path],
            false => vec![],
        })
        .collect()
}

fn kept_chunks(project: &Project) -> u64 {
    project.status_json("app")["pages_kept"].as_u64().unwrap() / 16
}

fn all_chunks(project: &Project) -> u64 {
    project.status_json("app")["lazy_pages"].as_u64().unwrap() / 16
}

fn for_each_pager(name: &str, test: impl Fn(&str, &Project)) {
    for pager in lazy_pagers() {
        let Some(project) = linked(&format!("{name}-{pager}"), "off") else { return };
        test(pager, &project);
    }
}

fn expected(value: usize) -> String {
    format!("{}\n", FUNCTIONS * value)
}

/// A linked program, if it is unfold that is tested.
fn linked(name: &str, background: &str) -> Option<Project> {
    unfold_command()?;
    let project = Project::new(&format!("complete/{name}"));
    project.set_env("UNFOLD_BACKGROUND", background);
    project.edit("main.c", &main_source(3));
    let mut objects = String::from("main.o\n");
    for part in 0..8 {
        let each = FUNCTIONS / 8;
        let functions: String = (part * each..(part + 1) * each).map(function_source).collect();
        project.edit(&format!("part{part}.c"), &format!("extern int value;\n{functions}"));
        objects += &format!("part{part}.o\n");
    }
    project.write("objects", &objects);
    project.link(&["@objects", "-o", "app"]);
    Some(project)
}

/// With the argument 0, the program waits for a line before it calls anything.
fn main_source(value: usize) -> String {
    let declarations: String = (0..FUNCTIONS).map(|n| format!("int function_{n}(int);\n")).collect();
    let calls: String = (0..FUNCTIONS).map(|n| format!("    sum = function_{n}(sum);\n")).collect();
    format!(
        "#include <stdio.h>\nint value = {value};\n{declarations}\
         int main(int argc, char **argv) {{\n    int sum = 0, start;\n    \
             if (argv[1][0] == '0' && scanf(\"%d\", &start) != 1)\n        return 1;\n{calls}    \
             printf(\"%d\\n\", sum);\n    return 0;\n}}\n"
    )
}

fn function_source(number: usize) -> String {
    format!("int function_{number}(int x) {{ __asm__(\".skip 16000, 0x90\"); return x + value; }}\n")
}
