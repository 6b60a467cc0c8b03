//! The directives at the head of a test program.
//!
//! A program is one source file, or a directory whose `main.*` carries the directives. They are the
//! lines that start with `//#`, each `//#Name: value`; words are separated by spaces, and a word
//! may be quoted with `'...'` to hold spaces. An unknown name is an error, so that a misspelt
//! directive cannot silently weaken a test.
//!
//! What to build:
//!
//! - `Compiler: NAME...`: one trial for each of `gcc g++ clang clang++ rustc`. The default follows from
//!   the suffix of the main file: `.c` and `.S` gcc, `.cpp` g++, `.rs` rustc.
//! - `Modes: NAME...`: one trial for each of `pie nopie static static-pie`. The default is `pie nopie`.
//! - `Flags: WORD...`: given to every compilation, after the flags of the mode.
//! - `FileFlags: FILE = WORD...`: given to the compilation of this one file, after all others.
//! - `Object: FILE...`: further sources, each compiled to an object of its own.
//! - `Archive: NAME = FILE...`: an archive made of these sources. A file may be in several archives.
//! - `ThinArchive: NAME = FILE...`: the same, holding only the paths of its members.
//! - `Shared: NAME = FILE...`: a shared library, compiled with `-fPIC`; of a `.rs` file, a cdylib. Libraries are
//!   linked in the order of mention, before anything else: by GNU ld, and once more by the linker under test.
//! - `SharedFlags: NAME = WORD...`: given to the link of that library, for instance a version script.
//!
//! How to link it:
//!
//! - `Link: WORD...`: the words of the link in their order, `a.c` standing for the object made from it and a
//!   library for itself. The default is the main object, the other objects, the archives, the libraries.
//! - `LinkFlags: WORD...`: given after all of those.
//!
//! How to run it, and what it must do when GNU ld has linked it (this tests the test):
//!
//! - `Args: WORD...`, `Env: NAME=VALUE`, `Stdin: TEXT` (`\n` ends a line; one directive for each piece).
//! - `Stdout: TEXT`: one line of the expected output; all of them together are the whole output.
//! - `StderrHas: TEXT`: stderr contains this.
//! - `Exit: STATUS` (default 0) or `Signal: NUMBER`.
//! - `MayRefuse: REASON`: the program does what a lazily loaded image need not support. Linked by unfold, it may
//!   also end with status 127 and one line on stderr from `unfold:`; a wrong result stays a failure.
//! - `KnownDifference: TEXT`: linked by unfold, this line may stand where the twin has another one. Each is described in
//!   `docs/hazards.md`, as what is not handled.
//!
//! In `Flags`, `FileFlags`, `SharedFlags`, `Link`, `LinkFlags`, `Args` and `Env`, `$SRC` is the directory of the sources,
//! `$WORK` the directory in which everything is built, and `$LIB` that of the shared libraries (with the archives); the
//! program itself is in a directory below `$WORK`. A word that is a library's name stands for its path.

use std::fs;
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compiler {
    Gcc,
    Gxx,
    Clang,
    Clangxx,
    Rustc,
}

impl Compiler {
    pub fn command(self) -> &'static str {
        match self {
            Compiler::Gcc => "gcc",
            Compiler::Gxx => "g++",
            Compiler::Clang => "clang",
            Compiler::Clangxx => "clang++",
            Compiler::Rustc => "rustc",
        }
    }

    fn parse(name: &str) -> Result<Compiler, String> {
        [Compiler::Gcc, Compiler::Gxx, Compiler::Clang, Compiler::Clangxx, Compiler::Rustc]
            .into_iter()
            .find(|compiler| compiler.command() == name)
            .ok_or_else(|| format!("unknown compiler `{name}`"))
    }

    fn for_main_file(path: &Path) -> Result<Compiler, String> {
        match path.extension().and_then(|suffix| suffix.to_str()) {
            Some("c" | "S") => Ok(Compiler::Gcc),
            Some("cpp") => Ok(Compiler::Gxx),
            Some("rs") => Ok(Compiler::Rustc),
            other => Err(format!("no compiler for the suffix {other:?}")),
        }
    }
}

/// The kind of executable to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Pie,
    NoPie,
    Static,
    StaticPie,
}

impl Mode {
    pub fn name(self) -> &'static str {
        match self {
            Mode::Pie => "pie",
            Mode::NoPie => "nopie",
            Mode::Static => "static",
            Mode::StaticPie => "static-pie",
        }
    }

    fn parse(name: &str) -> Result<Mode, String> {
        [Mode::Pie, Mode::NoPie, Mode::Static, Mode::StaticPie]
            .into_iter()
            .find(|mode| mode.name() == name)
            .ok_or_else(|| format!("unknown mode `{name}`"))
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Exit(i32),
    Signal(i32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LibraryKind {
    Archive,
    ThinArchive,
    Shared,
}

/// Something that is made from several sources and linked under its own name.
#[derive(Clone, Debug)]
pub struct Library {
    pub kind: LibraryKind,
    pub name: String,
    pub sources: Vec<String>,
    pub link_flags: Vec<String>,
}

/// One test program, as its directives describe it.
#[derive(Clone, Debug)]
pub struct Program {
    /// `topic/program`, which is also the name of its trials.
    pub name: String,
    pub source_dir: PathBuf,
    pub main: String,
    pub compilers: Vec<Compiler>,
    pub modes: Vec<Mode>,
    pub flags: Vec<String>,
    pub file_flags: Vec<(String, Vec<String>)>,
    pub objects: Vec<String>,
    pub libraries: Vec<Library>,
    pub link: Option<Vec<String>>,
    pub link_flags: Vec<String>,
    pub args: Vec<String>,
    pub env: Vec<String>,
    pub stdin: String,
    pub stdout: Option<String>,
    pub stderr_has: Vec<String>,
    pub ending: Ending,
    pub may_refuse: bool,
    pub known_differences: Vec<String>,
}

impl Program {
    /// Reads the program at `path`, which is a source file or a directory with a `main.*`.
    pub fn read(name: &str, path: &Path) -> Result<Program, String> {
        let main_path = if path.is_dir() { main_file(path)? } else { path.to_owned() };
        let text =
            fs::read_to_string(&main_path).map_err(|error| format!("{}: {error}", main_path.display()))?;
        Program::parse(name, &main_path, &text).map_err(|error| format!("{}: {error}", main_path.display()))
    }

    fn parse(name: &str, main_path: &Path, text: &str) -> Result<Program, String> {
        let mut program = Program {
            name: name.to_owned(),
            source_dir: main_path.parent().expect("a file has a directory").to_owned(),
            main: file_name(main_path),
            compilers: vec![],
            modes: vec![],
            flags: vec![],
            file_flags: vec![],
            objects: vec![],
            libraries: vec![],
            link: None,
            link_flags: vec![],
            args: vec![],
            env: vec![],
            stdin: String::new(),
            stdout: None,
            stderr_has: vec![],
            ending: Ending::Exit(0),
            may_refuse: false,
            known_differences: vec![],
        };
        for line in text.lines().filter_map(|line| line.strip_prefix("//#")) {
            let (directive, value) =
                line.split_once(':').ok_or_else(|| format!("no colon in `//#{line}`"))?;
            // One space after the colon is for the eye; all further ones belong to the text.
            let value = value.strip_prefix(' ').unwrap_or(value);
            program.apply(directive, value).map_err(|error| format!("`//#{line}`: {error}"))?;
        }
        if program.compilers.is_empty() {
            program.compilers.push(Compiler::for_main_file(main_path)?);
        }
        if program.modes.is_empty() {
            program.modes = vec![Mode::Pie, Mode::NoPie];
        }
        Ok(program)
    }

    fn apply(&mut self, directive: &str, value: &str) -> Result<(), String> {
        // These take their text as it is; an apostrophe in it opens no quote.
        match directive {
            "Env" => self.env.push(value.to_owned()),
            "Stdin" => self.stdin.push_str(&value.replace("\\n", "\n")),
            "Stdout" => {
                let stdout = self.stdout.get_or_insert_default();
                stdout.push_str(value);
                stdout.push('\n');
            }
            "StderrHas" => self.stderr_has.push(value.to_owned()),
            "Exit" => self.ending = Ending::Exit(parse_number(value)?),
            "Signal" => self.ending = Ending::Signal(parse_number(value)?),
            "MayRefuse" => self.may_refuse = true,
            "KnownDifference" => self.known_differences.push(value.to_owned()),
            _ => self.apply_words(directive, split_words(value)?)?,
        }
        Ok(())
    }

    fn apply_words(&mut self, directive: &str, words: Vec<String>) -> Result<(), String> {
        match directive {
            "Compiler" => self.compilers = parse_all(&words, Compiler::parse)?,
            "Modes" => self.modes = parse_all(&words, Mode::parse)?,
            "Flags" => self.flags.extend(words),
            "FileFlags" => self.file_flags.push(split_definition(words)?),
            "Object" => self.objects.extend(words),
            "Archive" => self.add_library(LibraryKind::Archive, words)?,
            "ThinArchive" => self.add_library(LibraryKind::ThinArchive, words)?,
            "Shared" => self.add_library(LibraryKind::Shared, words)?,
            "SharedFlags" => {
                let (name, flags) = split_definition(words)?;
                let library = self
                    .libraries
                    .iter_mut()
                    .find(|library| library.name == name && library.kind == LibraryKind::Shared)
                    .ok_or_else(|| format!("no shared library `{name}` before this line"))?;
                library.link_flags.extend(flags);
            }
            "Link" => self.link.get_or_insert_default().extend(words),
            "LinkFlags" => self.link_flags.extend(words),
            "Args" => self.args.extend(words),
            _ => return Err("no such directive".to_owned()),
        }
        Ok(())
    }

    fn add_library(&mut self, kind: LibraryKind, words: Vec<String>) -> Result<(), String> {
        let (name, sources) = split_definition(words)?;
        self.libraries.push(Library { kind, name, sources, link_flags: vec![] });
        Ok(())
    }
}

/// Finds all programs below `sources/<topic>/`, sorted by name.
pub fn find_programs(sources: &Path) -> Result<Vec<Program>, String> {
    let mut programs = vec![];
    for topic in sorted_entries(sources)? {
        for entry in sorted_entries(&topic)? {
            let stem = entry.file_stem().expect("an entry has a name").to_string_lossy();
            programs.push(Program::read(&format!("{}/{stem}", file_name(&topic)), &entry)?);
        }
    }
    Ok(programs)
}

fn sorted_entries(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("{}: {error}", dir.display()))?;
    paths.sort();
    Ok(paths)
}

fn main_file(dir: &Path) -> Result<PathBuf, String> {
    sorted_entries(dir)?
        .into_iter()
        .find(|path| path.file_stem().is_some_and(|stem| stem == "main"))
        .ok_or_else(|| format!("{}: there is no main file", dir.display()))
}

fn file_name(path: &Path) -> String {
    path.file_name().expect("the path names a file").to_string_lossy().into_owned()
}

fn parse_all<T>(words: &[String], parse: fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    words.iter().map(|word| parse(word)).collect()
}

fn parse_number(text: &str) -> Result<i32, String> {
    text.trim().parse().map_err(|_| "the value is not a number".to_owned())
}

/// Splits `NAME = WORD...`.
fn split_definition(mut words: Vec<String>) -> Result<(String, Vec<String>), String> {
    if words.len() < 2 || words[1] != "=" {
        return Err("expected `NAME = WORD...`".to_owned());
    }
    let rest = words.split_off(2);
    Ok((words.swap_remove(0), rest))
}

/// Splits at spaces, except inside single quotes.
fn split_words(text: &str) -> Result<Vec<String>, String> {
    let mut words = vec![];
    let mut word: Option<String> = None;
    let mut quoted = false;
    for character in text.chars() {
        match character {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    if quoted {
        return Err("a quote is not closed".to_owned());
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Program, String> {
        Program::parse("topic/program", Path::new("/sources/topic/program.c"), text)
    }

    #[test]
    fn defaults_follow_from_the_suffix() {
        let program = parse("int main(void) { return 0; }\n").unwrap();
        assert_eq!(program.compilers, [Compiler::Gcc]);
        assert_eq!(program.modes, [Mode::Pie, Mode::NoPie]);
        assert_eq!(program.ending, Ending::Exit(0));
        assert_eq!(program.stdout, None);
    }

    #[test]
    fn directives_are_read() {
        let program = parse(
            "//#Compiler: gcc clang\n\
             //#Modes: static\n\
             //#Shared: libx.so = x.c y.c\n\
             //#SharedFlags: libx.so = -Wl,-z,now\n\
             //#Args: one 'two words'\n\
             //#Stdout:   indented\n\
             //#Stdout: isn't split\n\
             //#Exit: 3\n",
        )
        .unwrap();
        assert_eq!(program.compilers, [Compiler::Gcc, Compiler::Clang]);
        assert_eq!(program.modes, [Mode::Static]);
        assert_eq!(program.libraries[0].sources, ["x.c", "y.c"]);
        assert_eq!(program.libraries[0].link_flags, ["-Wl,-z,now"]);
        assert_eq!(program.args, ["one", "two words"]);
        assert_eq!(program.stdout.as_deref(), Some("  indented\nisn't split\n"));
        assert_eq!(program.ending, Ending::Exit(3));
    }

    #[test]
    fn misspelt_directives_are_errors() {
        for text in ["//#Flag: -O2", "//#Modes: pi", "//#Archive: libx.a x.c", "//#Exit: one"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
