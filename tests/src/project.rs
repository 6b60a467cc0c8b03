//! A directory to edit, compile, link and run in, step by step, as a person works.
//!
//! A step that fails panics with the command that failed: these tests are ordinary `#[test]` functions.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build::linker_flags;
use crate::directives::Compiler;
use crate::run::{self, Outcome, describe};
use crate::status::Status;
use crate::tools::{fresh_scratch, remove_folder, tested_linker, unfold_command};

pub struct Project {
    dir: PathBuf,
    /// Environment for links and runs.
    env: RefCell<Vec<(String, String)>>,
}

impl Project {
    /// An empty project. The name has to be unique among all tests, for it is also the directory's.
    pub fn new(name: &str) -> Project {
        let dir = fresh_scratch(name).unwrap_or_else(|error| panic!("{error}"));
        // Most tests are about what the loader does, which settled executables do not have.
        let env = RefCell::new(vec![("UNFOLD_SETTLE".to_owned(), "off".to_owned())]);
        Project { dir, env }
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    /// Sets a variable for all links and runs from now on.
    pub fn set_env(&self, name: &str, value: &str) {
        let mut env = self.env.borrow_mut();
        env.retain(|(old, _)| old != name);
        env.push((name.to_owned(), value.to_owned()));
    }

    /// What a variable is set to.
    pub fn env_of(&self, name: &str) -> Option<String> {
        self.env.borrow().iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    pub fn unset_env(&self, name: &str) {
        self.env.borrow_mut().retain(|(old, _)| old != name);
    }

    pub fn write(&self, file: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(file);
        let parent = path.parent().expect("a file has a directory");
        fs::create_dir_all(parent).unwrap_or_else(|error| panic!("{}: {error}", parent.display()));
        fs::write(&path, contents).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    pub fn read(&self, file: &str) -> Vec<u8> {
        let path = self.path(file);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub fn remove(&self, file: &str) {
        let path = self.path(file);
        let result = if path.is_dir() { remove_folder(&path) } else { fs::remove_file(&path) };
        result.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    pub fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to))
            .unwrap_or_else(|error| panic!("renaming {from} to {to}: {error}"));
    }

    pub fn exists(&self, file: &str) -> bool {
        self.path(file).exists()
    }

    /// Runs a tool in the project's directory; it must succeed.
    pub fn tool(&self, name: &str, args: &[&str]) -> Outcome {
        let mut command = Command::new(name);
        run::run_tool(command.current_dir(&self.dir).args(args).env("LC_ALL", "C"))
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Compiles `a.c` to `a.o`, or `a.cpp` or `a.S` likewise.
    pub fn compile(&self, source: &str) {
        self.compile_with(source, &[]);
    }

    pub fn compile_with(&self, source: &str, flags: &[&str]) {
        let (stem, suffix) = source.rsplit_once('.').expect("a source has a suffix");
        let compiler = if suffix == "cpp" { "g++" } else { "gcc" };
        self.tool(compiler, &[&["-w", "-c", source, "-o", &format!("{stem}.o")], flags].concat());
    }

    /// Writes a source and compiles it.
    pub fn edit(&self, source: &str, contents: &str) {
        self.write(source, contents);
        self.compile(source);
    }

    /// Links by the linker under test, through gcc; the link must succeed and be silent.
    pub fn link(&self, words: &[&str]) {
        self.link_as(Compiler::Gcc, words);
    }

    pub fn link_as(&self, compiler: Compiler, words: &[&str]) {
        let outcome = self.try_link_as(compiler, words);
        assert!(outcome.succeeded(), "linking {words:?} in {}: {outcome:?}", self.dir.display());
        assert!(outcome.stderr.is_empty(), "linking {words:?} is not silent: {outcome:?}");
    }

    /// The same where the link may fail.
    pub fn try_link(&self, words: &[&str]) -> Outcome {
        self.try_link_as(Compiler::Gcc, words)
    }

    pub fn try_link_as(&self, compiler: Compiler, words: &[&str]) -> Outcome {
        let mut command = Command::new(compiler.command());
        command.args(linker_flags(compiler, tested_linker())).args(words);
        self.outcome(&mut command)
    }

    /// Calls the linker under test itself, without a compiler in front of it.
    pub fn ld(&self, words: &[&str]) -> Outcome {
        self.outcome(Command::new(&tested_linker().ld).args(words))
    }

    /// Runs an executable of the project, however that ends.
    pub fn run(&self, app: &str, args: &[&str]) -> Outcome {
        self.outcome(run::program(self.path(app)).args(args))
    }

    /// Runs an executable that must end well, and gives what it wrote.
    pub fn output(&self, app: &str, args: &[&str]) -> String {
        let outcome = self.run(app, args);
        assert!(outcome.succeeded(), "{app} {args:?} in {}: {outcome:?}", self.dir.display());
        assert_eq!(outcome.stderr_text(), "", "{app} {args:?} writes to stderr");
        outcome.stdout_text()
    }

    /// What unfold says about an executable, or nothing when another linker stands in for unfold's.
    pub fn status(&self, app: &str) -> Option<Status> {
        unfold_command().map(|unfold| Status::of(unfold, &self.path(app)))
    }

    /// The same, with all that [`Status`] leaves out.
    pub fn status_json(&self, app: &str) -> serde_json::Value {
        let outcome = self.unfold(&["status", app, "--json"]).expect("unfold is there");
        serde_json::from_str(&outcome.stdout_text()).unwrap_or_else(|error| panic!("{error}: {outcome:?}"))
    }

    /// Runs the `unfold` command, however that ends; nothing when another linker stands in for unfold's.
    pub fn unfold(&self, args: &[&str]) -> Option<Outcome> {
        unfold_command().map(|unfold| self.outcome(Command::new(unfold).args(args)))
    }

    /// Makes an ordinary executable of one that unfold has linked.
    pub fn bake(&self, unfold: &Path, app: &str, baked: &str) {
        let outcome = self.outcome(run::program(unfold).args(["bake", app, "-o", baked]));
        assert!(outcome.succeeded(), "baking {app} in {}: {outcome:?}", self.dir.display());
    }

    /// Saves a copy of the whole project under another directory's name.
    pub fn copy_to(&self, target: &Path) {
        let _ = remove_folder(target);
        // `cp -a` keeps times and modes, and copies sparse files as sparse ones.
        run::run_tool(Command::new("cp").arg("-a").arg(&self.dir).arg(target))
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// Puts back what `copy_to` saved, at the same place.
    pub fn restore_from(&self, saved: &Path) {
        remove_folder(&self.dir).expect("the project can be removed");
        run::run_tool(Command::new("cp").arg("-a").arg(saved).arg(&self.dir))
            .unwrap_or_else(|error| panic!("{error}"));
    }

    fn outcome(&self, command: &mut Command) -> Outcome {
        command.current_dir(&self.dir).env("LC_ALL", "C");
        for (name, _) in std::env::vars_os() {
            // What the person who runs the tests has set for unfold must not steer them.
            if name.to_string_lossy().starts_with("UNFOLD_") {
                command.env_remove(name);
            }
        }
        command.envs(self.env.borrow().iter().map(|(name, value)| (name, value)));
        run::run(command, b"").unwrap_or_else(|error| panic!("{}: {error}", describe(command)))
    }
}
