//! A program linked by GNU ld and by unfold, in folders of their own, of which a tool must show the same.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build::linker_flags;
use crate::directives::Compiler;
use crate::project::Project;
use crate::run::{Outcome, describe, program, run};
use crate::tools::{gnu_linker, is_installed, tested_linker, wait_until_settled};
use crate::transcript::{difference, normalised};
use crate::ways::Way;

/// `gnu/app` and `unfold/app`, made of the same objects.
pub struct Twins {
    pub project: Project,
    compiler: Compiler,
    words: Vec<String>,
}

/// One of the two, and how it is to be run.
pub struct Subject {
    pub app: PathBuf,
    /// `twin`, or the name of the way.
    pub name: String,
    env: Vec<(&'static str, &'static str)>,
}

impl Twins {
    /// Nothing if one of these tools is not there, which is said.
    pub fn new(name: &str, compiler: Compiler, tools: &[&str]) -> Option<Twins> {
        let missing = |tool: &&&str| !is_installed(tool);
        if let Some(tool) = tools.iter().chain([&compiler.command()]).find(missing) {
            eprintln!("note: {tool} is not installed, so {name} is not tried");
            return None;
        }
        Some(Twins { project: Project::new(name), compiler, words: vec![] })
    }

    /// Links both with these words; for rustc, they are those of its command line.
    pub fn link(&mut self, words: &[&str]) {
        self.words = words.iter().map(|word| (*word).to_owned()).collect();
        self.link_one("gnu", &[]);
        self.link_one("unfold", &[]);
    }

    /// Has this shown of the twin and of the other in each of these ways; it must be the same but for folders,
    /// addresses and numbers of processes. What is shown of the twin must have these texts, one behind the other.
    #[track_caller]
    pub fn assert_same(&self, ways: &[Way], has: &[&str], show: impl Fn(&Subject) -> String) {
        let shown = |subject: &Subject| {
            let folder = subject.app.parent().expect("an executable is in a folder");
            normalised(&show(subject), &[folder, &self.project.path("")])
        };
        let twin = shown(&self.twin());
        let mut rest = twin.as_str();
        for text in has {
            let at = rest.find(text);
            assert!(
                at.is_some(),
                "of the program linked by GNU ld, `{text}` is not shown, or not there:\n{twin}"
            );
            rest = &rest[at.unwrap_or(0) + text.len()..];
        }
        self.for_each(ways, |subject| difference(&twin, &shown(subject)));
    }

    /// Checks the program that unfold made in each of these ways, and says of all what is wrong.
    #[track_caller]
    pub fn for_each(&self, ways: &[Way], check: impl Fn(&Subject) -> Option<String>) {
        let mut failures = vec![];
        for way in ways {
            let subject = self.in_way(way);
            let place = self.project.path("");
            failures
                .extend(check(&subject).map(|text| format!("{} ({}):\n{text}", way.name, place.display())));
        }
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }

    /// Links once more what unfold has linked, after an edit.
    pub fn relinked(&self) -> Subject {
        self.link_one("unfold", &[]);
        wait_until_settled(&self.project.path("unfold/app")).unwrap_or_else(|error| panic!("{error}"));
        Subject { app: self.project.path("unfold/app"), name: "relinked".to_owned(), env: vec![] }
    }

    /// The same of the twin.
    pub fn relinked_twin(&self) -> Subject {
        self.link_one("gnu", &[]);
        self.twin()
    }

    pub fn twin(&self) -> Subject {
        Subject { app: self.project.path("gnu/app"), name: "twin".to_owned(), env: vec![] }
    }

    /// The program that unfold made, linked anew, in the state that the way begins with.
    fn in_way(&self, way: &Way) -> Subject {
        self.project.remove("unfold");
        self.link_one("unfold", way.link_env());
        let app = self.project.path("unfold/app");
        way.prepare(&app).unwrap_or_else(|error| panic!("{error}"));
        Subject { app, name: way.name.clone(), env: way.env.clone() }
    }

    fn link_one(&self, folder: &str, env: &[(&str, &str)]) {
        let linker = if folder == "gnu" { gnu_linker() } else { tested_linker() };
        self.project.write(&format!("{folder}/.made"), "");
        let output = format!("{folder}/app");
        let flags = linker_flags(self.compiler, linker);
        let words: Vec<&str> = flags.iter().chain(&self.words).map(String::as_str).collect();
        let env: Vec<String> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let env: Vec<&str> = env.iter().map(String::as_str).collect();
        let words = [env.as_slice(), &[self.compiler.command()], words.as_slice(), &["-o", &output]].concat();
        self.project.tool("env", &words);
    }
}

impl Subject {
    /// The program itself, in its folder.
    pub fn program(&self) -> Command {
        self.with(program("./app"))
    }

    /// A tool that runs the program or looks at it, in the program's folder and environment.
    pub fn tool(&self, name: &str, args: &[&str]) -> Command {
        let mut command = program(name);
        command.args(args);
        self.with(command)
    }

    /// What a tool writes to stdout and stderr. It must succeed.
    pub fn shown(&self, name: &str, args: &[&str]) -> String {
        let outcome = self.outcome(&mut self.tool(name, args));
        let text = format!("{}{}", outcome.stdout_text(), outcome.stderr_text());
        if outcome.succeeded() { text } else { format!("{text}{name} ended with {:?}\n", outcome.ending) }
    }

    /// Runs one of these commands to its end.
    pub fn outcome(&self, command: &mut Command) -> Outcome {
        run(command, b"").unwrap_or_else(|error| panic!("{}: {error}", describe(command)))
    }

    pub fn folder(&self) -> &Path {
        self.app.parent().expect("an executable is in a folder")
    }

    fn with(&self, mut command: Command) -> Command {
        command.current_dir(self.folder()).envs(self.env.iter().copied());
        command
    }
}
