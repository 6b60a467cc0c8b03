//! Behind a link, executables become ordinary ones: when, with which time and names, and whose changes stay.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};
use unfold_tests::directives::Ending;
use unfold_tests::project::Project;
use unfold_tests::run::Outcome;
use unfold_tests::tools::{
    is_installed, is_settled, newest_generation, remove_folder, settle, tested_linker, unfold_command,
    wait_until_settled,
};
use unfold_tests::trouble::{Mounted, limit_files, outcome, temporary_files};

const MAIN: &str = "#include <stdio.h>\nstatic int answer = 42;\nint main(void) {\n    puts(\"ready\");\n    fflush(stdout);\n    \
     while (getchar() != EOF) {}\n    printf(\"%d\\n\", answer);\n    return 0;\n}\n";

/// A program that has been linked; it has settled, or keeps its loader.
fn linked(name: &str, settles: bool) -> Option<Project> {
    unfold_command()?;
    let project = Project::new(&format!("settle/{name}"));
    if settles {
        project.unset_env("UNFOLD_SETTLE");
    }
    project.write("main.c", MAIN);
    project.compile_with("main.c", &["-g"]);
    project.link(&["main.o", "-o", "app"]);
    assert_eq!(is_settled(&project.path("app")).unwrap(), settles);
    Some(project)
}

#[test]
fn a_small_program_settles_in_its_link_and_needs_no_index() {
    let Some(project) = linked("small", true) else { return };
    let symbols = project.tool("nm", &["app"]).stdout_text();
    assert!(symbols.contains(" T main") && symbols.contains(" d answer"), "{symbols}");
    remove_folder(&project.path(".unfold")).expect("the index can be removed");
    assert_eq!(project.output("app", &[]), "ready\n42\n");
}

/// What is copied from libraries, and what linkers define: debuggers would take the library's for the first, and find none of
/// the second. Names that only GNU systems know of, such as functions that choose themselves, are announced.
#[test]
fn all_that_is_in_the_image_has_a_symbol() {
    let Some(project) = linked("symbols", true) else { return };
    project.write(
        "main.c",
        "#include <stdio.h>\nextern char **environ;\nextern char _end[];\nextern char part_start[] __asm__(\"__start_part\");\n\
         __attribute__((section(\"part\"))) int first = 3;\nstatic int two(void) { return 2; }\n\
         static int (*which(void))(void) { return two; }\nint chosen(void) __attribute__((ifunc(\"which\")));\n\
         int main(void) { printf(\"%p %p %p\\n\", (void *)environ, _end, part_start); return chosen() - 2; }\n",
    );
    project.compile_with("main.c", &["-g", "-fno-pie"]);
    project.link(&["main.o", "-no-pie", "-o", "app"]);
    assert!(is_settled(&project.path("app")).unwrap());
    let lines = |words: &[&str]| project.tool("nm", words).stdout_text();
    let (all, dynamic) = (lines(&["app"]), lines(&["-D", "app"]));
    let line = |text: &str, name: &str| {
        let found = text.lines().find(|line| line.split([' ', '@']).nth(2) == Some(name));
        found.unwrap_or_else(|| panic!("no {name} in {text}")).to_owned()
    };
    let address = |line: String| line.split(' ').next().map(str::to_owned);
    assert_eq!(address(line(&all, "environ")), address(line(&dynamic, "environ")));
    assert!(line(&all, "environ").contains(" B "), "{all}");
    assert_eq!(address(line(&all, "__start_part")), address(line(&all, "first")));
    line(&all, "_end");
    assert!(project.run("app", &[]).succeeded());
    let head = project.tool("readelf", &["-h", "app"]).stdout_text();
    assert!(head.contains("UNIX - GNU"), "{head}");
}

/// After an edit of a comment the code is the same, and on another line.
#[test]
fn a_settled_program_has_the_lines_of_its_last_link() {
    let Some(project) = linked("lines", true) else { return };
    let line_of_main = || {
        let names = project.tool("nm", &["app"]).stdout_text();
        let name = names.lines().find(|line| line.ends_with(" T main")).expect("it has a main").to_owned();
        let text = project.tool("addr2line", &["-e", "app", &name[..16]]).stdout_text();
        text.trim().rsplit(['/', ':']).next().map(str::to_owned)
    };
    assert_eq!(line_of_main().as_deref(), Some("3"));
    project.write("main.c", "// A comment.\n".to_owned() + MAIN);
    project.compile_with("main.c", &["-g"]);
    project.link(&["main.o", "-o", "app"]);
    assert_eq!(line_of_main().as_deref(), Some("4"));
    // An object that is the same to the byte changes nothing.
    let before = fs::metadata(project.path("app")).expect("it is there").ino();
    project.compile_with("main.c", &["-g"]);
    project.link(&["main.o", "-o", "app"]);
    assert_eq!(fs::metadata(project.path("app")).expect("it is there").ino(), before);
}

#[test]
fn a_settled_program_is_relinked_and_baked() {
    let Some(project) = linked("relinked", true) else { return };
    project.edit("main.c", &MAIN.replace("42", "43"));
    project.link(&["main.o", "-o", "app"]);
    assert!(project.status("app").expect("unfold is there").incremental);
    assert!(is_settled(&project.path("app")).unwrap());
    assert_eq!(project.output("app", &[]), "ready\n43\n");
    let unfold = unfold_command().expect("unfold is there").display().to_string();
    project.tool(&unfold, &["bake", "app", "-o", "baked"]);
    assert_eq!(project.output("baked", &[]), "ready\n43\n");
    // A link that changes nothing leaves it alone.
    let before = fs::metadata(project.path("app")).expect("it is there").ino();
    project.link(&["main.o", "-o", "app"]);
    assert_eq!(fs::metadata(project.path("app")).expect("it is there").ino(), before);
}

#[test]
fn a_relinked_program_settles_behind_its_link() {
    let Some(project) = linked("behind", false) else { return };
    project.edit("main.c", &MAIN.replace("42", "43"));
    project.link(&["main.o", "-o", "app"]);
    assert!(project.status("app").expect("unfold is there").incremental);
    settle(&project.path("app")).unwrap();
    assert_eq!(project.output("app", &[]), "ready\n43\n");
}

#[test]
fn names_time_and_mode_stay() {
    let Some(project) = linked("names", false) else { return };
    let (app, other) = (project.path("app"), project.path("other"));
    fs::hard_link(&app, &other).expect("the folder can be written");
    fs::set_permissions(&app, fs::Permissions::from_mode(0o750)).expect("it is ours");
    let then = fs::metadata(&app).expect("it is there");
    settle(&app).unwrap();
    let (now, same) = (fs::metadata(&app).expect("it is there"), fs::metadata(&other).expect("it is there"));
    assert_eq!((now.ino(), now.mtime(), now.mtime_nsec()), (same.ino(), then.mtime(), then.mtime_nsec()));
    assert_ne!(now.ino(), then.ino());
    assert_eq!(now.mode() & 0o7777, 0o750);
    assert_eq!(project.output("other", &[]), "ready\n42\n");
}

#[test]
fn what_was_changed_since_the_link_stays() {
    let Some(project) = linked("changed", false) else { return };
    let app = project.path("app");
    let file = fs::File::options().append(true).open(&app).expect("it is ours");
    (&file).write_all(b"mine").expect("it is ours");
    drop(file);
    let bytes = fs::read(&app).expect("it is there");
    assert!(settle(&app).is_err(), "it is not replaced");
    assert!(fs::read(&app).expect("it is there") == bytes);
}

/// What may be said of a file beside its contents; as root, on file systems that have it.
#[test]
fn attributes_stay() {
    let Some(project) = linked("attributes", false) else { return };
    let app = project.path("app");
    fs::set_permissions(&app, fs::Permissions::from_mode(0o4755)).expect("it is ours");
    // A capability to use (cap_net_raw, permitted and effective), an access list (user 1: rx), and a note.
    let capability = [&0x0200_0001u32.to_le_bytes()[..], &(1u32 << 13).to_le_bytes(), &[0; 12]].concat();
    let entry = |tag: u16, may: u16, id: u32| {
        [tag.to_le_bytes(), may.to_le_bytes()].concat().into_iter().chain(id.to_le_bytes())
    };
    let list = [(1, 7, !0), (2, 5, 1), (4, 5, !0), (16, 5, !0), (32, 5, !0)]
        .map(|(tag, may, id)| entry(tag, may, id));
    let list: Vec<u8> = 2u32.to_le_bytes().into_iter().chain(list.into_iter().flatten()).collect();
    let mut noted = Vec::new();
    for (name, value) in
        [("security.capability", &capability[..]), ("system.posix_acl_access", &list), ("user.note", b"mine")]
    {
        match rustix::fs::setxattr(&app, name, value, rustix::fs::XattrFlags::empty()) {
            Ok(()) => noted.push((name, value)),
            Err(error) => eprintln!("not tested: {name}: {error}"),
        }
    }
    settle(&app).unwrap();
    assert_eq!(fs::metadata(&app).expect("it is there").mode() & 0o7777, 0o4755);
    for (name, value) in noted {
        let mut now = vec![0; 4096];
        let len = rustix::fs::getxattr(&app, name, &mut now[..]).unwrap_or(0);
        assert_eq!(&now[..len], value, "{name}");
    }
}

/// As `chrpath` does it, so soon behind the link that the clock has not moved.
#[test]
fn what_was_changed_within_a_tick_stays() {
    let Some(project) = linked("tick", false) else { return };
    let app = project.path("app");
    let then = fs::metadata(&app).and_then(|app| app.modified()).expect("it is there");
    let mut bytes = fs::read(&app).expect("it is there");
    let at = bytes.windows(9).position(|name| name == b"libc.so.6").expect("it needs a library");
    bytes[at] = b'L';
    let file = fs::File::options().write(true).open(&app).expect("it is ours");
    (&file).write_all(&bytes).and_then(|()| file.set_modified(then)).expect("it is ours");
    drop(file);
    assert!(settle(&app).is_err(), "it is not replaced");
    assert!(fs::read(&app).expect("it is there") == bytes);
}

/// As `chrpath` and CMake do it where they install a program.
#[test]
fn debugged_and_baked_programs_keep_their_search_path() {
    let Some(project) = linked("search_path", false) else { return };
    let Some(unfold) = unfold_command() else { return };
    project.link(&["main.o", "-Wl,-rpath,/nowhere/first", "-o", "app"]);
    let copy = project.path("installed");
    let mut bytes = fs::read(project.path("app")).expect("it is there");
    let at = bytes.windows(14).position(|name| name == b"/nowhere/first").expect("it has a search path");
    bytes[at..at + 14].copy_from_slice(b"/elsewhere\0\0\0\0");
    fs::write(&copy, &bytes).expect("the folder can be written");
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let path = |app: &str| {
        let entries = project.tool("readelf", &["-d", app]).stdout_text();
        let line = entries.lines().find(|line| line.contains("PATH")).unwrap_or_default().to_owned();
        line.split(['[', ']']).nth(1).unwrap_or_default().to_owned()
    };
    project.bake(unfold, "installed", "baked");
    settle_for_debugger(&project, &copy);
    assert!(is_settled(&copy).unwrap());
    project.bake(unfold, "installed", "baked_settled");
    for app in ["installed", "baked", "baked_settled"] {
        assert_eq!(
            (path(app), project.output(app, &[])),
            ("/elsewhere".into(), "ready\n42\n".into()),
            "{app}"
        );
    }
    assert_eq!(path("app"), "/nowhere/first");
    let verified = project.unfold(&["verify", "installed"]).expect("unfold is there");
    assert!(verified.succeeded(), "{}", verified.stdout_text());
}

/// Self-extracting archives, and languages that put a program's text behind an interpreter.
#[test]
fn a_debugged_program_keeps_what_was_put_behind_it() {
    let Some(project) = linked("behind", false) else { return };
    let app = project.path("app");
    let file = fs::File::options().append(true).open(&app).expect("it is ours");
    (&file).write_all(b"mine").expect("it is ours");
    drop(file);
    let bytes = fs::read(&app).expect("it is there");
    settle_for_debugger(&project, &app);
    assert!(fs::read(&app).expect("it is there") == bytes);
    // Where a debugger could not do anything right, it is told so. A tracer goes on.
    if is_installed("gdb") && is_installed("strace") {
        let gdb =
            ["-nx", "-batch", "-iex", "set debuginfod enabled off", "-ex", "break main", "-ex", "run", "app"];
        let shown = project.tool("gdb", &gdb);
        let said = shown.stdout_text() + &shown.stderr_text();
        assert!(said.contains("exited with code 0177") && said.contains("unfold bake"), "{said}");
        assert_eq!(project.tool("strace", &["-o", "trace", "./app"]).stdout_text(), "ready\n42\n");
    }
    // What is not there does not count.
    project.tool("strip", &["-o", "stripped", "app"]);
    let stripped = project.path("stripped");
    settle_for_debugger(&project, &stripped);
    assert!(is_settled(&stripped).unwrap());
}

/// What the loader has the linker do is said too, where somebody asks what it does.
#[test]
fn what_cannot_be_done_for_a_backtrace_is_said() {
    let Some(project) = linked("said", false) else { return };
    project.write(
        "main.c",
        "#include <fcntl.h>\nint main(int count, char **words) { return open(words[count - 1], O_RDONLY) < 0; }\n",
    );
    project.compile_with("main.c", &["-g"]);
    project.set_env("UNFOLD_BACKGROUND", "off");
    project.link(&["main.o", "-o", "app"]);
    let generation = newest_generation(&project.path("app")).unwrap();
    fs::remove_file(generation.join("state")).expect("a generation has one");
    let symbols = generation.join("symbols").display().to_string();
    let error = "ld.unfold: the state of the link is damaged";
    let silent = project.run("app", &[&symbols]);
    assert!(silent.succeeded() && silent.stderr.is_empty(), "{}", silent.stderr_text());
    project.set_env("UNFOLD_LOG", "1");
    let said = project.run("app", &[&symbols]);
    assert!(said.succeeded() && said.stderr_text().contains(error), "{}", said.stderr_text());
}

/// The first one's program runs what it had made.
#[test]
fn several_debuggers_at_once_settle_a_program_once() {
    let Some(project) = linked("debuggers", false) else { return };
    let app = project.path("app");
    let start = |_| for_debugger(&project, &app).spawn().expect("it can be run");
    let mut settling: Vec<_> = (0..8).map(start).collect();
    let mut inodes = settling.iter_mut().map(|child| {
        assert!(child.wait().expect("it ends").success());
        fs::metadata(&app).expect("it is there").ino()
    });
    let first = inodes.next();
    assert!(inodes.all(|inode| Some(inode) == first), "it was replaced once more");
    assert!(is_settled(&app).unwrap());
}

/// What the loader does under one.
fn settle_for_debugger(project: &Project, app: &Path) {
    assert!(for_debugger(project, app).status().expect("it can be run").success());
}

fn for_debugger(project: &Project, app: &Path) -> Command {
    let generation = newest_generation(&project.path("app")).unwrap();
    let mut command = Command::new(&tested_linker().ld);
    command.arg("--unfold-settle").arg(generation).arg(app);
    command
}

#[test]
fn a_program_that_runs_keeps_its_file_until_it_ends() {
    let Some(project) = linked("runs", false) else { return };
    let app = project.path("app");
    let mut program =
        Command::new(&app).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it can be run");
    let generation = newest_generation(&app).unwrap();
    let mut behind = Command::new(&tested_linker().ld)
        .arg("--unfold-complete")
        .arg(&generation)
        .arg(&app)
        .spawn()
        .unwrap();
    // It has found the program in use when it has made what debuggers look for beside it.
    let made = generation.join("symbols.debug");
    let start = SystemTime::now();
    while !made.exists() && start.elapsed().unwrap_or_default() < Duration::from_secs(100) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(made.exists() && !is_settled(&app).unwrap());
    assert_eq!(fs::read_link(format!("/proc/{}/exe", program.id())).expect("it runs"), app);
    drop(program.stdin.take());
    let output = program.wait_with_output().expect("it ends");
    assert_eq!(output.stdout, b"ready\n42\n");
    assert!(behind.wait().expect("it ends").success());
    assert!(is_settled(&app).unwrap(), "nobody runs it any more");
    assert_eq!(project.output("app", &[]), "ready\n42\n");
}

/// A program that is too large to settle in its link, and the process behind that, which has begun, and is stopped.
fn linked_just_now(name: &str) -> Option<(Project, u32)> {
    unfold_command()?;
    let project = Project::new(&format!("settle/{name}"));
    project.unset_env("UNFOLD_SETTLE");
    project.write("main.c", format!("char large[32 << 20] = {{1}};\n{MAIN}"));
    project.compile_with("main.c", &["-g"]);
    let app = project.path("app");
    let is_behind = |words: &[u8]| {
        let words: Vec<&[u8]> = words.split(|byte| *byte == 0).collect();
        words.contains(&b"--unfold-complete".as_slice())
            && words.contains(&app.as_os_str().as_encoded_bytes())
    };
    let process = || {
        let entries = fs::read_dir("/proc").expect("it is mounted").flatten();
        let mut numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        numbers
            .find(|number| fs::read(format!("/proc/{number}/cmdline")).is_ok_and(|words| is_behind(&words)))
    };
    // It may have ended before it is found.
    for _ in 0..50 {
        project.link(&["main.o", "-o", "app"]);
        let generation = newest_generation(&app).unwrap();
        let inode = |name: &str| fs::metadata(generation.join(name)).expect("it is there").ino();
        while let Some(behind) = process() {
            if inode("symbols") != inode("functions") {
                signal(behind, libc::SIGSTOP);
                // Not on its way to put the other one back.
                if inode("symbols") != inode("functions") && !is_settled(&app).unwrap() {
                    return Some((project, behind));
                }
                signal(behind, libc::SIGKILL);
            }
        }
        remove_folder(&project.path(".unfold")).unwrap();
        project.remove("app");
    }
    panic!("the file of symbols is never held for {}", app.display());
}

fn signal(process: u32, number: libc::c_int) {
    // SAFETY: a process of this test's, and a signal.
    unsafe { libc::kill(process as libc::pid_t, number) };
}

/// It finds the loader in the executable, and waits for the file that says the rest.
#[test]
fn a_debugger_right_after_a_link_finds_lines() {
    if !is_installed("gdb") {
        eprintln!("note: not installed: gdb; so it is not started right after a link");
        return;
    }
    let Some((project, behind)) = linked_just_now("awaited") else { return };
    let gdb = Command::new("gdb")
        .args(["-nx", "-batch", "-iex", "set debuginfod enabled off", "-ex", "info line main"])
        .args(["-ex", "break main.c:5", "-ex", "run", "-ex", "info sharedlibrary"])
        .current_dir(project.path(""))
        .arg(project.path("app"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it is installed");
    // So long it can look for them in vain.
    std::thread::sleep(Duration::from_secs(1));
    signal(behind, libc::SIGCONT);
    let output = gdb.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("Line 4 of \"main.c\""), "{text}");
    // And starts the settled one.
    assert!(text.contains("is executing new program"), "{text}");
    assert!(text.contains("Breakpoint 1, main () at main.c:5") && text.contains("libc.so.6"), "{text}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("dynamic linker"), "{said}");
    assert_eq!(project.output("app", &[]), "ready\n42\n");
}

/// Then the names of functions are there, as they are without that process.
#[test]
fn a_file_of_symbols_that_nobody_completes_has_names() {
    let Some((project, behind)) = linked_just_now("forsaken") else { return };
    signal(behind, libc::SIGKILL);
    let generation = newest_generation(&project.path("app")).unwrap();
    let names = project.tool("nm", &[&generation.join("symbols").display().to_string()]).stdout_text();
    assert!(names.contains(" main"), "{names}");
    settle(&project.path("app")).unwrap();
    assert!(is_settled(&project.path("app")).unwrap());
}

/// When it has settled, the file is what all generations share.
#[test]
fn a_file_of_symbols_for_which_nobody_has_waited_is_shared_again() {
    let Some((project, behind)) = linked_just_now("shared") else { return };
    signal(behind, libc::SIGCONT);
    let generation = newest_generation(&project.path("app")).unwrap();
    let start = SystemTime::now();
    let inode = |name: &str| fs::metadata(generation.join(name)).expect("it is there").ino();
    let is_shared = || inode("symbols") == inode("functions");
    while !is_shared() && start.elapsed().unwrap_or_default() < Duration::from_secs(100) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(is_shared());
    wait_until_settled(&project.path("app")).unwrap();
    assert_eq!(temporary_files(&generation), <[PathBuf; 0]>::default());
    assert!(!generation.join("symbols.spare").exists());
}

/// The process behind a link may be killed at any moment, and what it was writing is as large as the program.
#[test]
fn what_a_killed_one_has_left_goes() {
    let Some(project) = linked("left", false) else { return };
    // A process that has ended.
    let ended = Command::new("true").spawn().and_then(|mut child| child.wait().map(|_| child.id()));
    let (ended, own) = (ended.expect("`true` can be run"), fs::metadata("/proc/self/ns/pid"));
    let own = own.expect("there are namespaces").ino();
    let leave_as = |namespace: u64| {
        let name = format!(".unfold-{ended}-{namespace}-left");
        let path = newest_generation(&project.path("app")).unwrap().join(name);
        fs::write(&path, "left").expect("the folder is ours");
        path
    };
    let leave = || leave_as(own);
    let first = leave();
    // In another container a process may well have that number.
    let of_another = leave_as(own + 1);
    project.edit("main.c", &MAIN.replace("42", "43"));
    project.link(&["main.o", "-o", "app"]);
    let second = leave();
    assert_ne!(first, second);
    settle(&project.path("app")).unwrap();
    assert!(!first.exists() && !second.exists(), "the next one removes it");
    assert!(of_another.exists(), "somebody may be writing it");
    let third = leave();
    let collected = project.unfold(&["gc", "app"]).expect("unfold is there");
    assert!(collected.succeeded() && !third.exists(), "so does a collection: {collected:?}");
    assert_eq!(project.output("app", &[]), "ready\n43\n");
}

#[test]
fn an_index_in_another_file_system() {
    let Some(project) = linked("elsewhere", false) else { return };
    let index = Path::new("/dev/shm").join(format!("unfold-tests-{}", std::process::id()));
    let device = |path: &Path| fs::metadata(path).ok().map(|metadata| metadata.dev());
    if fs::create_dir(&index).is_err() || device(&index) == device(&project.path("")) {
        return eprintln!("/dev/shm is no other file system, or cannot be written: not tried");
    }
    project.set_env("UNFOLD_INDEX", &index.display().to_string());
    project.unset_env("UNFOLD_SETTLE");
    project.link(&["main.o", "-o", "app"]);
    assert!(is_settled(&project.path("app")).unwrap());
    assert_eq!(project.output("app", &[]), "ready\n42\n");
    let left = [temporary_files(&index), temporary_files(&project.path(""))].concat();
    assert_eq!(left, <[PathBuf; 0]>::default());
    fs::remove_dir_all(index).expect("the folder is ours");
}

/// A process behind a link has the limits of the build, and the folder may be closed when it comes to write.
#[test]
fn what_cannot_be_written_leaves_the_program_as_it_was() {
    let Some(project) = linked("closed", false) else { return };
    let app = project.path("app");
    let settle = |limit: u64| {
        let mut command = Command::new(&tested_linker().ld);
        command.arg("--unfold-complete").arg(newest_generation(&app).unwrap()).arg(&app);
        limit_files(&mut command, limit);
        outcome(&mut command)
    };
    let check = |result: &Outcome| {
        assert_eq!((result.ending, result.stderr_text().lines().count()), (Ending::Exit(1), 1), "{result:?}");
        assert!(!is_settled(&app).unwrap());
        assert_eq!(project.output("app", &[]), "ready\n42\n");
        assert_eq!(temporary_files(&project.path("")), <[PathBuf; 0]>::default());
    };
    check(&settle(4096));
    match Mounted::read_only(&project.path("")) {
        Some(_mounted) => check(&settle(u64::MAX)),
        None => eprintln!("mounting is not allowed: a folder that is read-only is not tried"),
    }
    settle(u64::MAX);
    assert!(is_settled(&app).unwrap());
}
