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
    is_settled, newest_generation, remove_folder, settle, tested_linker, unfold_command,
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

/// The process behind a link may be killed at any moment, and what it was writing is as large as the program.
#[test]
fn what_a_killed_one_has_left_goes() {
    let Some(project) = linked("left", false) else { return };
    // A process that has ended.
    let ended = Command::new("true").spawn().and_then(|mut child| child.wait().map(|_| child.id()));
    let name = format!(".unfold-{}-left", ended.expect("`true` can be run"));
    let leave = || {
        let path = newest_generation(&project.path("app")).unwrap().join(&name);
        fs::write(&path, "left").expect("the folder is ours");
        path
    };
    let first = leave();
    project.edit("main.c", &MAIN.replace("42", "43"));
    project.link(&["main.o", "-o", "app"]);
    let second = leave();
    assert_ne!(first, second);
    settle(&project.path("app")).unwrap();
    assert!(!first.exists() && !second.exists(), "the next one removes it");
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
