//! What teaches people: overview, help, completions in real shells, manual pages, `unfold setup`. And paths that are no text.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, str};
use unfold_tests::directives::Ending;
use unfold_tests::project::Project;
use unfold_tests::run::{self, Outcome};
use unfold_tests::tools::{is_installed, tested_linker, unfold_command};

fn project(name: &str) -> Project {
    Project::new(&format!("help/{name}"))
}

fn unfold(project: &Project, words: &[&str]) -> Option<String> {
    let outcome = project.unfold(words)?;
    assert!(outcome.succeeded() && outcome.stderr.is_empty(), "{words:?}: {outcome:?}");
    Some(outcome.stdout_text())
}

/// Whether a tool is there; says so if not, because then something is not tried.
fn has(tool: &str) -> bool {
    let found = is_installed(tool);
    if !found {
        eprintln!("{tool} is not installed: not tried");
    }
    found
}

/// All subcommands, as `unfold help` lists them.
fn verbs(project: &Project) -> Option<Vec<String>> {
    let text = unfold(project, &["help"])?;
    let lines =
        text.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // What goes on in the next line is indented deeper.
    let lines = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    Some(lines.filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect())
}

#[test]
fn nothing_is_answered_with_the_commands_that_one_needs_first() {
    let project = project("overview");
    let Some(text) = unfold(&project, &[]) else { return };
    for command in ["unfold run -- ", "unfold setup", "unfold status APP", "unfold help"] {
        assert!(text.contains(command), "{command}: {text}");
    }
    assert!(text.lines().count() < 20, "{text}");
}

#[test]
fn every_command_is_explained() {
    let project = project("every");
    let Some(verbs) = verbs(&project) else { return };
    assert!(verbs.iter().any(|verb| verb == "gc") && verbs.iter().any(|verb| verb == "status"), "{verbs:?}");
    for verb in verbs.iter().filter(|verb| *verb != "help") {
        let by_help = unfold(&project, &["help", verb]).expect("unfold is there");
        assert_eq!(Some(&by_help), unfold(&project, &[verb, "--help"]).as_ref());
        for part in [&*format!("Usage: unfold {verb}"), "Examples:\n", "Exit status:\n"] {
            assert!(by_help.contains(part), "{verb}: {part}: {by_help}");
        }
    }
}

#[test]
fn a_wrong_command_is_met_with_the_right_one() {
    let project = project("wrong");
    let Some(outcome) = project.unfold(&["stauts"]) else { return };
    assert_eq!(outcome.ending, Ending::Exit(2), "{outcome:?}");
    assert!(outcome.stderr_text().contains("'status'"), "{outcome:?}");
}

#[test]
fn both_programs_are_of_one_version() {
    let project = project("version");
    let Some(text) = unfold(&project, &["--version"]) else { return };
    let linker = project.ld(&["--version"]).stdout_text();
    assert_eq!(linker.lines().next(), Some(&*format!("{} (compatible with GNU ld)", text.trim())));
}

/// A shell that completes `words`, of which the last is unfinished, in a folder with a file and `unfold` in PATH.
fn completed(project: &Project, shell: &str, script: &str, words: &str) -> Vec<String> {
    let unfold = unfold_command().expect("unfold is there").parent().expect("a file is in a folder");
    let path = format!("{}:{}", unfold.display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new(shell);
    match shell {
        "bash" => command.args(["--norc", "--noprofile", "-c", script, "bash", words]),
        "zsh" => command.args(["-f", "-c", script, "zsh", words]),
        _ => command.args(["--no-config", "-c", script, words]),
    };
    command.current_dir(project.path("")).env("PATH", path).env("HOME", project.path("")).env("TERM", "dumb");
    command.env("XDG_CONFIG_HOME", project.path("")).env("XDG_DATA_HOME", project.path(""));
    let outcome = run::run_tool(&mut command).unwrap_or_else(|error| panic!("{shell}: {error}"));
    let mut found: Vec<String> =
        outcome.stdout_text().lines().filter_map(|line| line.split('\t').next()).map(str::to_owned).collect();
    found.sort();
    found.dedup();
    found
}

/// What a shell offers for words that are typed: (words, what has to be there, what must not be).
const TYPED: [(&str, &[&str], &[&str]); 6] = [
    ("unfold sta", &["status"], &["gc"]),
    ("unfold ", &["bake", "gc", "run", "setup", "status", "verify"], &["application"]),
    ("unfold status --js", &["--json"], &["--dry-run"]),
    ("unfold gc --", &["--dry-run", "--json"], &["status"]),
    ("unfold completion ", &["bash", "fish", "zsh"], &[]),
    ("unfold status appli", &["application"], &["status"]),
];

fn check_completions(name: &str, shell: &str, script: &str) {
    let project = project(name);
    let Some(text) = unfold(&project, &["completion", shell]) else { return };
    if !has(shell) {
        return;
    }
    project.write("completion", text);
    project.write("application", "");
    for (words, wanted, unwanted) in TYPED {
        let found = completed(&project, shell, script, words);
        let is_there = |word: &&&str| found.iter().any(|found| found.trim() == **word);
        let missing: Vec<_> = wanted.iter().filter(|word| !is_there(word)).collect();
        let superfluous: Vec<_> = unwanted.iter().filter(is_there).collect();
        assert!(missing.is_empty() && superfluous.is_empty(), "{shell}: {words:?}: {found:?}");
    }
}

/// Does what readline does for the last word: the function, and file names where that finds nothing.
const BASH: &str = r#"
. ./completion
[[ $1 == *' ' ]] && blank=1
read -ra COMP_WORDS <<< "$1"
((blank)) && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
word=${COMP_WORDS[COMP_CWORD]}
rule=$(complete -p unfold)
[[ $rule == *' -o default '* ]] || exit 1
_unfold unfold "$word" "${COMP_WORDS[COMP_CWORD - 1]}"
((${#COMPREPLY[@]})) || COMPREPLY=($(compgen -f -- "$word"))
printf '%s\n' "${COMPREPLY[@]}"
"#;

#[test]
fn bash_completes() {
    check_completions("bash", "bash", BASH);
}

/// Behind `--`, the command's own completion goes on.
#[test]
fn bash_completes_commands_to_run() {
    let project = project("bash_run");
    let Some(text) = unfold(&project, &["completion", "bash"]) else { return };
    project.write("completion", text);
    let found = completed(&project, "bash", BASH, "unfold run -- mkdi");
    assert!(found.contains(&"mkdir".to_owned()), "{found:?}");
    let script = format!("_command_offset() {{ COMPREPLY=(\"offset-$1\"); }}\n{BASH}");
    for (words, offset) in [("unfold run -- make al", "offset-3"), ("unfold run make al", "offset-2")] {
        assert_eq!(completed(&project, "bash", &script, words), [offset], "{words}");
    }
}

/// zsh completes on a terminal only, so it gets one of its own. There, what is offered is written down.
const ZSH: &str = r#"
cat > rc <<'END'
autoload -U compinit
compinit -u -D
source ./completion
unsetopt beep list_beep
finish() { exit }
comppostfuncs=(finish)
compadd() {
    local -a found
    if [[ ${@[1,(i)(-|--)]} == *-[OAD]\ * ]]; then builtin compadd "$@"; return; fi
    builtin compadd -O found "$@"
    print -rl -- $found >> offered
    builtin compadd "$@"
}
END
zmodload zsh/zpty
: > offered
zpty shell zsh -f -i
zpty -w shell 'source ./rc'
zpty -n -w shell "$1"$'\t'
while zpty -r shell line; do :; done
cat offered
"#;

#[test]
fn zsh_completes() {
    check_completions("zsh", "zsh", ZSH);
}

#[test]
fn fish_completes() {
    check_completions("fish", "fish", "source completion; complete -C $argv[1]");
}

#[test]
fn manual_pages_are_right_and_there_is_one_for_each_command() {
    let project = project("man");
    if unfold(&project, &["man", "pages"]).is_none() {
        return;
    }
    let verbs = verbs(&project).expect("unfold is there");
    let mut pages: Vec<String> =
        verbs.iter().filter(|verb| *verb != "help").map(|verb| format!("pages/unfold-{verb}.1")).collect();
    pages.extend(["pages/unfold.1", "pages/ld.unfold.1"].map(str::to_owned));
    for page in &pages {
        let text = String::from_utf8(project.read(page)).expect("a manual page is text");
        assert!(text.contains("EXIT STATUS") && text.contains("SEE ALSO"), "{page}");
    }
    let linker = String::from_utf8(project.read("pages/ld.unfold.1")).expect("a manual page is text");
    for part in ["unfold\\-index", "whole\\-archive", "\\-z now", "UNFOLD_SYSTEM_LD", "handed to"] {
        assert!(linker.contains(part), "{part}");
    }
    let words: Vec<&str> = pages.iter().map(String::as_str).collect();
    if has("groff") {
        let outcome = project.tool("groff", &[&["-man", "-ww", "-Tascii", "-z"], &*words].concat());
        assert_eq!(outcome.stderr_text(), "");
    }
    if Path::new("/usr/bin/mandoc").exists() {
        let outcome = project.tool("mandoc", &[&["-Tlint", "-Wwarning"], &*words].concat());
        assert_eq!(outcome.stdout_text() + &outcome.stderr_text(), "");
    } else {
        eprintln!("mandoc is not installed: not tried");
    }
}

/// A folder with both programs as cargo installs them: the linker under the name of its target.
fn installed(project: &Project) -> Option<PathBuf> {
    let unfold = unfold_command()?;
    let bin = project.path("root/bin");
    fs::create_dir_all(&bin).expect("the project can be written");
    for (program, name) in [(unfold, "unfold"), (&*tested_linker().ld, "ld-unfold")] {
        let program = program.canonicalize().expect("it is there");
        let new = bin.join(name);
        // Links would lead to the folder that they come from.
        fs::hard_link(&program, &new)
            .or_else(|_| fs::copy(&program, &new).map(drop))
            .expect("it can be copied");
    }
    Some(bin)
}

fn setup(project: &Project, bin: &Path, words: &[&str]) -> Outcome {
    let mut command = Command::new(bin.join("unfold"));
    run::run(command.arg("setup").args(words).current_dir(project.path("")), b"").expect("it can be run")
}

#[test]
fn setup_makes_what_compilers_look_for() {
    let project = project("setup");
    let Some(bin) = installed(&project) else { return };
    project.write("main.c", "#include <stdio.h>\nint main(void) { puts(\"hello\"); return 0; }\n");
    // Twice: what is there stays.
    for words in [&[][..], &[], &["other"], &["other"]] {
        let outcome = setup(&project, &bin, words);
        assert!(outcome.succeeded(), "{outcome:?}");
        let text = outcome.stdout_text();
        let folder = project.path(words.first().copied().unwrap_or("root/libexec/unfold"));
        let option = format!("-B{}", folder.display());
        assert!(text.contains(&format!("gcc {option} ")), "{option}: {text}");
        project.tool("gcc", &[&option, "main.c", "-o", "app"]);
        assert!(project.status("app").is_some(), "{option}");
        assert_eq!(project.output("app", &[]), "hello\n");
        if has("clang") {
            let option = format!("--ld-path={}", bin.join("ld.unfold").display());
            assert!(text.contains(&option), "{text}");
            project.tool("clang", &[&option, "main.c", "-o", "app-clang"]);
            assert!(project.status("app-clang").is_some());
        }
    }
}

#[test]
fn setup_replaces_nothing_of_others() {
    let project = project("setup_others");
    let Some(bin) = installed(&project) else { return };
    project.write("file/ld", "mine");
    fs::create_dir(project.path("link")).expect("the project can be written");
    symlink("/usr/bin/ld", project.path("link/ld")).expect("the project can be written");
    for folder in ["file", "link"] {
        let outcome = setup(&project, &bin, &[folder]);
        assert!(!outcome.succeeded() && outcome.stderr_text().contains("there already"), "{outcome:?}");
    }
    assert_eq!(project.read("file/ld"), b"mine");
    assert_eq!(fs::read_link(project.path("link/ld")).expect("it is a link"), Path::new("/usr/bin/ld"));
    fs::remove_file(bin.join("ld-unfold")).expect("it is ours");
    fs::remove_file(bin.join("ld.unfold")).expect("it is ours");
    let outcome = setup(&project, &bin, &["new"]);
    assert!(outcome.stderr_text().contains("install both programs"), "{outcome:?}");
}

/// Names of files are bytes.
#[test]
fn names_that_are_no_text_are_names() {
    let project = project("bytes");
    let Some(command) = unfold_command() else { return };
    let folder = project.path("").join(OsStr::from_bytes(b"f\xf6lder"));
    fs::create_dir(&folder).expect("the project can be written");
    project.write("main.c", "#include <stdio.h>\nint main(void) { puts(\"hello\"); return 0; }\n");
    let name = |suffix: &[u8]| OsString::from_vec([b"\xe4pp", suffix].concat());
    let (app, baked) = (name(b""), name(b".baked"));
    let object = name(b".o");
    let source = project.path("main.c");
    let run = |program: &Path, words: &[&OsStr]| {
        let mut command = Command::new(program);
        for (variable, _) in std::env::vars_os() {
            if variable.as_bytes().starts_with(b"UNFOLD_") {
                command.env_remove(variable);
            }
        }
        let outcome = run::run(command.args(words).current_dir(&folder), b"").expect("it can be run");
        assert!(outcome.succeeded(), "{words:?}: {outcome:?}");
        outcome.stdout
    };
    let text = OsStr::new;
    run(Path::new("gcc"), &[text("-c"), source.as_os_str(), text("-o"), &object]);
    let mut option = OsString::from("-B");
    option.push(&tested_linker().search_dir);
    run(Path::new("gcc"), &[&option, &object, text("-o"), &app]);
    assert_eq!(run(&folder.join(&app), &[]), b"hello\n");
    run(command, &[text("status"), &app]);
    let json = run(command, &[text("status"), text("--json"), &app]);
    str::from_utf8(&json).expect("JSON is text");
    run(command, &[text("verify"), &app]);
    run(command, &[text("verify"), text("--json"), &app]);
    run(command, &[text("bake"), &app, text("-o"), &baked]);
    assert_eq!(run(&folder.join(&baked), &[]), b"hello\n");
    run(command, &[text("gc"), &app]);
    run(command, &[text("gc"), text("--dry-run"), text("--json"), folder.as_os_str()]);
    run(command, &[text("run"), text("--"), text("gcc"), &object, text("-o"), &app]);
    run(command, &[text("man"), &name(b".man")]);
    assert!(folder.join(name(b".man")).join("unfold.1").is_file());
    let bin = installed(&project).expect("unfold is there");
    run(&bin.join("unfold"), &[text("setup"), &name(b".ld")]);
    assert!(folder.join(name(b".ld")).join("ld").is_file());
}
