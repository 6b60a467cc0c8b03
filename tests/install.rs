//! Builds whose folder is removed as soon as the program has been taken from it: the link itself makes an ordinary
//! executable, where `UNFOLD_SETTLE=link` asks for it, and in folders of tools that are known to do so.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use unfold_tests::project::Project;
use unfold_tests::run::run_tool;
use unfold_tests::tools::{is_installed, is_settled, remove_folder, tested_linker, unfold_command};
use unfold_tests::trouble::{limit_files, linker, outcome, temporary_files, words_for_linker};

/// A program that prints its version, with more debug information than a link settles without being asked.
fn source(version: u32) -> String {
    format!(
        "#include <stdio.h>\n__asm__(\".pushsection .debug_str,\\\"\\\"\\n.fill 12 << 20,1,65\\n.popsection\");\n\
         int main(void) {{ puts(\"version {version}\"); return 0; }}\n"
    )
}

/// The large program, compiled; it settles only in links.
fn project(name: &str) -> Option<Project> {
    unfold_command()?;
    let project = Project::new(name);
    project.set_env("UNFOLD_BACKGROUND", "off");
    project.unset_env("UNFOLD_SETTLE");
    project.edit("main.c", &source(1));
    Some(project)
}

const LINK: &[&str] = &["main.o", "-o", "app"];

/// The program is an ordinary one, of this version, without its index too.
fn check_settled(project: &Project, version: u32) {
    assert!(is_settled(&project.path("app")).unwrap());
    let (index, away) = (project.path(".unfold"), project.path("away"));
    fs::rename(&index, &away).expect("the folder is ours");
    assert_eq!(project.output("app", &[]), format!("version {version}\n"));
    fs::rename(away, index).expect("the folder is ours");
    assert_eq!(temporary_files(&project.path("")), <[PathBuf; 0]>::default());
}

#[test]
fn a_large_program_settles_in_its_link_where_that_is_asked_for() {
    let Some(project) = project("install/asked") else { return };
    project.link(LINK);
    assert!(!is_settled(&project.path("app")).unwrap(), "it is large");
    // One that changes nothing but that.
    project.set_env("UNFOLD_SETTLE", "link");
    project.link(LINK);
    check_settled(&project, 1);
    project.edit("main.c", &source(2));
    project.link(LINK);
    assert!(project.status("app").expect("unfold is there").incremental);
    check_settled(&project, 2);
    let before = project.read("app");
    project.link(LINK);
    assert!(project.read("app") == before, "nothing has changed");
    // From nothing.
    remove_folder(&project.path(".unfold")).expect("the index can be removed");
    project.remove("app");
    project.link(LINK);
    check_settled(&project, 2);
    // Whoever wants the loader gets it.
    project.set_env("UNFOLD_SETTLE", "off");
    project.edit("main.c", &source(3));
    project.link(LINK);
    assert!(!is_settled(&project.path("app")).unwrap());
    assert_eq!(project.output("app", &[]), "version 3\n");
}

#[test]
fn what_is_no_file_is_written_as_ever() {
    let Some(project) = project("install/special") else { return };
    project.set_env("UNFOLD_SETTLE", "link");
    std::os::unix::fs::symlink("/dev/null", project.path("null")).expect("the folder is ours");
    project.link(&["main.o", "-o", "null"]);
    assert!(fs::symlink_metadata(project.path("null")).expect("it is there").is_symlink());
}

#[test]
fn a_link_that_cannot_settle_leaves_what_was_there() {
    let Some(project) = project("install/fails") else { return };
    let words = words_for_linker(&project, LINK);
    // A file of debug information is longer than the limit; the executable with the loader is not.
    let link = |settle: &str, limit: u64| {
        let mut command = linker(&project, &words);
        command.env("UNFOLD_SETTLE", settle).env("UNFOLD_BACKGROUND", "off");
        limit_files(&mut command, limit);
        outcome(&mut command)
    };
    const LIMIT: u64 = 8 << 20;
    let refused = |step: &str| {
        let result = link("link", LIMIT);
        let text = result.stderr_text();
        assert!(!result.succeeded() && text.lines().count() == 1, "{step}: {result:?}");
        for part in ["app", "UNFOLD_SETTLE=link", "os error 27"] {
            assert!(text.contains(part), "{step}, {part}: {text}");
        }
        assert_eq!(temporary_files(&project.path("")), <[PathBuf; 0]>::default(), "{step}");
    };
    refused("first link");
    assert!(!project.exists("app"));
    assert!(link("on", LIMIT).succeeded(), "the limit is for settling alone");
    // Nothing to do but that.
    refused("nothing changed");
    assert!(!is_settled(&project.path("app")).unwrap());
    assert_eq!(project.output("app", &[]), "version 1\n");
    project.edit("main.c", &source(2));
    refused("a relink");
    assert_eq!(project.output("app", &[]), "version 1\n");
    let result = link("link", u64::MAX);
    assert!(result.succeeded() && result.stderr.is_empty(), "{result:?}");
    check_settled(&project, 2);
}

#[test]
fn folders_that_cargo_and_pip_remove() {
    for folder in
        ["cargo-installa1B2c3/release/deps", "pip-req-build-d_q04elm", "pip-install-abcdef12/x/target"]
    {
        let Some(project) = project(&format!("install/{folder}")) else { return };
        project.link(LINK);
        check_settled(&project, 1);
    }
    let Some(project) = project("install/cargo-installed") else { return };
    project.link(LINK);
    assert!(!is_settled(&project.path("app")).unwrap());
}

/// A package in a repository of git, installed by cargo, which builds in a folder of its own below TMPDIR.
#[test]
fn cargo_installs_a_large_program() {
    if unfold_command().is_none() {
        return;
    }
    if !is_installed("git") || !is_installed("cargo") {
        return eprintln!("git and cargo are not both here: cargo install is not tried");
    }
    let project = Project::new("install/cargo");
    project.write(
        "package/Cargo.toml",
        "[package]\nname = \"large\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
    );
    project.write(
        "package/src/main.rs",
        "#[used]\nstatic LARGE: [u8; 6 << 20] = [1; 6 << 20];\nfn main() {\n    println!(\"installed\");\n}\n",
    );
    fs::create_dir(project.path("tmp")).expect("the folder is ours");
    project.tool("git", &["-C", "package", "init", "-q"]);
    project.tool("git", &["-C", "package", "add", "."]);
    let author = ["-c", "user.name=Test", "-c", "user.email=test@example.org"];
    project.tool("git", &[&["-C", "package"], &author[..], &["commit", "-q", "-m", "First"]].concat());

    let install = |settle: &str| {
        let mut command = Command::new("cargo");
        command.args(["install", "--force", "--git"]);
        command.arg(format!("file://{}", project.path("package").display()));
        command.arg("--root").arg(project.path("root")).current_dir(project.path(""));
        // Nothing of the user's is changed, and nothing of it changes what is built.
        command.env("CARGO_HOME", project.path("home")).env("TMPDIR", project.path("tmp"));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("UNFOLD_")
                || name.starts_with("CARGO_TARGET")
                || name.starts_with("CARGO_BUILD")
            {
                command.env_remove(&*name);
            }
        }
        let flags = format!("-Clink-arg=-B{}", tested_linker().search_dir.display());
        command.env_remove("RUSTFLAGS").env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", flags);
        command.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER", "gcc");
        // Only the link itself can have settled it.
        command.env("UNFOLD_BACKGROUND", "off").env("UNFOLD_SETTLE", settle);
        run_tool(&mut command).unwrap_or_else(|error| panic!("{error}"));
        assert!(is_empty(&project.path("tmp")), "cargo has removed what it built in");
    };
    install("off");
    assert_eq!(project.run("root/bin/large", &[]).ending, unfold_tests::directives::Ending::Exit(127));
    install("on");
    assert_eq!(project.output("root/bin/large", &[]), "installed\n");
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).expect("it is there").next().is_none()
}
