//! `unfold doctor`: what it says of this machine is what programs find, also where a process may do less.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use unfold_tests::confine::{Step, always, as_in_a_container, confine, forbidden, write_or_execute};
use unfold_tests::directives::Ending;
use unfold_tests::project::Project;
use unfold_tests::run::{Outcome, kernel_allows_userfaultfd, program, run};
use unfold_tests::tools::{tested_linker, unfold_command};

/// An empty project with a program that does nothing, if it is unfold that is tested.
fn project(name: &str) -> Option<Project> {
    unfold_command()?;
    let project = Project::new(&format!("doctor/{name}"));
    project.set_env("UNFOLD_BACKGROUND", "off");
    project.edit("main.c", "int main(void) { return 0; }\n");
    project.link(&["main.o", "-o", "app"]);
    Some(project)
}

/// What it says of a project, confined by these steps.
fn ask(project: &Project, arguments: &[&str], steps: Vec<Step>) -> Outcome {
    let mut command = program(unfold_command().unwrap());
    command.current_dir(project.path("")).arg("doctor").args(arguments);
    confine(&mut command, steps);
    run(&mut command, b"").unwrap()
}

fn report(project: &Project, arguments: &[&str], steps: Vec<Step>) -> (Value, Ending) {
    let outcome = ask(project, &[arguments, &["--json"]].concat(), steps);
    let text = outcome.stdout_text();
    let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {outcome:?}"));
    (json, outcome.ending)
}

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().expect("a list");
    let found = checks.iter().find(|check| check["name"] == name);
    found.unwrap_or_else(|| panic!("nothing of {name} in {report:#}"))
}

fn state<'a>(report: &'a Value, name: &str) -> &'a str {
    check(report, name)["state"].as_str().expect("a text")
}

/// The pager that a program takes when it is confined like this.
fn taken(project: &Project, steps: Vec<Step>) -> String {
    let mut command = program(project.path("app"));
    command.env("UNFOLD_KEEP", "off").env("UNFOLD_PREFETCH", "off").env("UNFOLD_BACKGROUND", "off");
    confine(&mut command, steps);
    assert_eq!(run(&mut command, b"").unwrap().ending, Ending::Exit(0));
    project.status("app").unwrap().last_run.expect("a run").pager
}

/// Whether a mechanism was measured, with one page and with several.
fn is_measured(report: &Value, mechanism: &str) -> bool {
    let rows =
        report["latency"].as_array().expect("a list").iter().filter(|row| row["mechanism"] == mechanism);
    let measured: Vec<bool> = rows.map(|row| row["median_ns"].as_u64().is_some_and(|ns| ns > 0)).collect();
    assert_eq!(measured.len(), 2, "{report:#}");
    measured == [true, true]
}

#[test]
fn the_pager_is_the_one_that_programs_take() {
    let Some(project) = project("pager") else { return };
    let (report, ending) = report(&project, &["app"], vec![]);
    assert_eq!(report["right"], ending == Ending::Exit(0));
    assert_eq!(report["pager"]["auto"].as_str(), Some(taken(&project, vec![]).as_str()));
    assert_eq!(state(&report, "userfaultfd") == "good", kernel_allows_userfaultfd(), "{report:#}");
    assert_eq!(is_measured(&report, "uffd"), report["pager"]["auto"] == "uffd");
    for mechanism in ["file", "protect", "move", "mapped", "zeroes"] {
        assert!(is_measured(&report, mechanism), "{mechanism}: {report:#}");
    }
    for row in report["latency"].as_array().unwrap().iter().filter(|row| row["median_ns"].is_u64()) {
        let ns = |field: &str| row[field].as_u64().unwrap();
        assert!(ns("low_ns") <= ns("median_ns") && ns("median_ns") <= ns("high_ns"), "{row}");
    }
    let text = ask(&project, &["app"], vec![]);
    assert!(text.stdout_text().starts_with("pager: "), "{text:?}");
    assert!(!text.stdout_text().contains('\u{1b}'), "no colours in a pipe: {text:?}");
}

#[test]
fn a_filter_that_refuses_userfaultfd_is_named() {
    let Some(project) = project("filter") else { return };
    let (report, ending) = report(&project, &["app"], vec![as_in_a_container()]);
    assert_eq!(ending, Ending::Exit(0), "{report:#}");
    assert_eq!(report["pager"]["auto"], "signal");
    let refused = check(&report, "userfaultfd");
    assert_eq!(refused["state"], "slow");
    assert!(refused["text"].as_str().unwrap().contains("Operation not permitted"), "{refused}");
    assert!(refused["cause"].as_str().unwrap().contains("seccomp"), "{refused}");
    assert!(refused["cure"].is_string());
    assert_eq!(report["userfaultfd"]["errno"], libc::EPERM);
    assert!(!is_measured(&report, "uffd") && is_measured(&report, "file"));
    assert_eq!(taken(&project, vec![as_in_a_container()]), "signal");
}

#[test]
fn what_kills_is_told_from_what_refuses() {
    let Some(project) = project("killed") else { return };
    // The first rule that a filter has is a call; the answer to it is an errno, so the action is set here.
    let Step::Filter(mut filter) = forbidden(&[always(libc::SYS_userfaultfd, libc::EPERM)]) else {
        unreachable!()
    };
    for statement in &mut filter {
        if statement.k == libc::SECCOMP_RET_ERRNO | libc::EPERM as u32 {
            statement.k = libc::SECCOMP_RET_KILL_PROCESS;
        }
    }
    let (report, ending) = report(&project, &["app"], vec![Step::Filter(filter)]);
    assert_eq!(ending, Ending::Exit(1), "{report:#}");
    assert_eq!(report["killed"], serde_json::json!(["userfaultfd", libc::SIGSYS]));
    assert!(report["pager"]["auto"].is_null());
    assert_eq!(state(&report, "system calls"), "wrong");
}

#[test]
fn memory_that_may_not_become_executable_is_named() {
    let Some(project) = project("executable") else { return };
    let (report, ending) = report(&project, &["app"], vec![write_or_execute()]);
    assert_eq!(ending, Ending::Exit(0), "{report:#}");
    assert_eq!(report["executable_later"], false);
    assert_eq!(state(&report, "executable memory"), "slow");
    assert_eq!(report["pager"]["auto"], "signal");
    assert!(is_measured(&report, "file") && !is_measured(&report, "protect"));
    assert_eq!(taken(&project, vec![write_or_execute()]), "signal");
}

#[test]
fn limits_are_named() {
    let Some(project) = project("limits") else { return };
    let none = |report: &Value| ["RLIMIT_FSIZE", "RLIMIT_NOFILE"].map(|name| state(report, name).to_owned());
    let (before, _) = report(&project, &["app"], vec![]);
    let (after, ending) = report(
        &project,
        &["app"],
        vec![Step::Limit(libc::RLIMIT_FSIZE, 64 << 20), Step::Limit(libc::RLIMIT_NOFILE, 12)],
    );
    assert_ne!(none(&before), none(&after), "{after:#}");
    assert_eq!(none(&after), ["slow", "wrong"]);
    assert_eq!(ending, Ending::Exit(1));
    assert_eq!(after["right"], false);
}

#[test]
fn the_file_system_of_the_index_is_tried() {
    let Some(project) = project("files") else { return };
    let (report, _) = report(&project, &["app"], vec![]);
    assert_eq!(state(&report, "hard links"), "good");
    let index = check(&report, "index")["text"].as_str().unwrap().to_owned();
    assert!(index.contains(".unfold: "), "{index}");
    // Nothing of it is left.
    let left = fs::read_dir(project.path(".unfold")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().starts_with(".new-")));
    let nowhere = ask(&project, &["no/such/folder"], vec![]);
    assert_eq!(nowhere.ending, Ending::Exit(1));
    assert!(nowhere.stdout_text().contains("WRONG"), "{nowhere:?}");
}

#[test]
fn an_index_that_others_can_write_is_wrong() {
    use std::os::unix::fs::PermissionsExt;
    let Some(project) = project("owner") else { return };
    fs::set_permissions(project.path(".unfold"), fs::Permissions::from_mode(0o777)).unwrap();
    let (report, ending) = report(&project, &["app"], vec![]);
    assert_eq!((state(&report, "owner of the index"), ending), ("wrong", Ending::Exit(1)));
}

#[test]
fn compilers_that_find_unfold_are_told_from_others() {
    let Some(project) = project("compilers") else { return };
    let ask = |compiler_path: Option<&Path>| {
        let mut command = program(unfold_command().unwrap());
        command.current_dir(project.path("")).args(["doctor", "app", "--json"]);
        command.envs(compiler_path.map(|path| ("COMPILER_PATH", path)));
        serde_json::from_slice::<Value>(&run(&mut command, b"").unwrap().stdout).unwrap()
    };
    assert_eq!(state(&ask(None), "ld.unfold"), "good");
    assert_eq!(state(&ask(None), "gcc"), "fact");
    let with = ask(Some(&tested_linker().search_dir));
    assert_eq!(state(&with, "gcc"), "good", "{with:#}");
    assert!(check(&with, "gcc")["text"].as_str().unwrap().contains("unfold"));
}

/// Two commands of different versions read each other's files wrongly, or not at all.
#[test]
fn a_linker_of_another_version_is_wrong() {
    use std::os::unix::fs::PermissionsExt;
    let Some(project) = project("version") else { return };
    fs::create_dir(project.path("bin")).unwrap();
    fs::copy(unfold_command().unwrap(), project.path("bin/unfold")).unwrap();
    let doctor = || {
        let mut command = Command::new(project.path("bin/unfold"));
        command.current_dir(project.path("")).args(["doctor", "app", "--json"]);
        let outcome = run(&mut command, b"").unwrap();
        (serde_json::from_slice::<Value>(&outcome.stdout).unwrap(), outcome.ending)
    };
    let (report, ending) = doctor();
    assert_eq!((state(&report, "ld.unfold"), ending), ("wrong", Ending::Exit(1)), "none is beside it");
    project.write("bin/ld.unfold", "#!/bin/sh\necho 'unfold 0.0.7 (compatible with GNU ld)'\n");
    fs::set_permissions(project.path("bin/ld.unfold"), fs::Permissions::from_mode(0o755)).unwrap();
    let (report, ending) = doctor();
    assert_eq!((state(&report, "ld.unfold"), ending), ("wrong", Ending::Exit(1)));
    assert!(check(&report, "ld.unfold")["text"].as_str().unwrap().contains("0.0.7"));
}
