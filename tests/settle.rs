//! Behind a link, executables become ordinary ones: when, with which time and names, and whose changes stay.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};
use unfold_tests::project::Project;
use unfold_tests::tools::{newest_generation, remove_folder, settle, tested_linker, unfold_command};

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
    assert_eq!(is_settled(&project.path("app")), settles);
    Some(project)
}

/// Whether the kernel maps all of the program: its own program headers are in force.
fn is_settled(app: &Path) -> bool {
    let bytes = fs::read(app).expect("the program can be read");
    bytes[32..40] == 0x400u64.to_le_bytes()
}

#[test]
fn a_small_program_settles_in_its_link_and_needs_no_index() {
    let Some(project) = linked("small", true) else { return };
    let symbols = project.tool("nm", &["app"]).stdout_text();
    assert!(symbols.contains(" T main") && symbols.contains(" d answer"), "{symbols}");
    remove_folder(&project.path(".unfold")).expect("the index can be removed");
    assert_eq!(project.output("app", &[]), "ready\n42\n");
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
    assert!(is_settled(&project.path("app")));
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
    assert!(made.exists() && !is_settled(&app));
    assert_eq!(fs::read_link(format!("/proc/{}/exe", program.id())).expect("it runs"), app);
    drop(program.stdin.take());
    let output = program.wait_with_output().expect("it ends");
    assert_eq!(output.stdout, b"ready\n42\n");
    assert!(behind.wait().expect("it ends").success());
    assert!(is_settled(&app), "nobody runs it any more");
    assert_eq!(project.output("app", &[]), "ready\n42\n");
}
