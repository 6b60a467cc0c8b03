//! Builds a test program: compiles it once, and links it and its libraries by each linker that is asked for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::directives::{Compiler, Library, LibraryKind, Mode, Program};
use crate::run::{describe, run_tool};
use crate::tools::Linker;

/// A program in one mode by one compiler, compiled and ready to be linked.
pub struct Build<'a> {
    program: &'a Program,
    compiler: Compiler,
    mode: Mode,
    work: PathBuf,
}

impl<'a> Build<'a> {
    /// Compiles every source and makes the libraries, all in the directory `work`.
    pub fn compile(
        program: &'a Program,
        compiler: Compiler,
        mode: Mode,
        work: &Path,
    ) -> Result<Build<'a>, String> {
        let build = Build { program, compiler, mode, work: work.to_owned() };
        for library in &program.libraries {
            match library.kind {
                LibraryKind::Shared => build.compile_shared(library)?,
                LibraryKind::Archive => build.make_archive(library, "rcs")?,
                LibraryKind::ThinArchive => build.make_archive(library, "rcsT")?,
            }
        }
        // rustc compiles and links in one go, which `link` does.
        if compiler != Compiler::Rustc {
            build.compile_file(&program.main, build.c_mode_flags(), &build.object(&program.main))?;
        }
        for source in &program.objects {
            build.compile_file(source, build.c_mode_flags(), &build.object(source))?;
        }
        Ok(build)
    }

    /// Compiles the main source once more, with these flags in addition.
    pub fn compile_main(&self, flags: &[&str]) -> Result<(), String> {
        let mode = [self.c_mode_flags(), flags].concat();
        self.compile_file(&self.program.main, &mode, &self.object(&self.program.main))
    }

    /// Whether the program has shared libraries of its own.
    pub fn has_shared(&self) -> bool {
        self.program.libraries.iter().any(|library| library.kind == LibraryKind::Shared)
    }

    /// Links the shared libraries into a directory of their own, and returns it.
    ///
    /// They are linked in the order of mention, for a later one may be linked against an earlier one. The archives
    /// are there too, so that a search finds both at one place.
    pub fn link_libraries(&self, linker: &Linker, directory: &str) -> Result<PathBuf, String> {
        let dir = self.work.join(directory);
        make_folder(&dir)?;
        for library in &self.program.libraries {
            match library.kind {
                LibraryKind::Shared => {
                    make_folder(dir.join(&library.name).parent().unwrap_or(&dir))?;
                    link_silently(&mut self.shared_link(library, linker, &dir))?;
                }
                LibraryKind::Archive => {
                    fs::hard_link(self.work.join(&library.name), dir.join(&library.name))
                        .map_err(|error| format!("{}: {error}", library.name))?;
                }
                LibraryKind::ThinArchive => {}
            }
        }
        Ok(dir)
    }

    /// Links the program against these libraries into a directory of its own, in which it is called `app`.
    ///
    /// Each linker gets its own directory, so that no index is shared between variants, and the same
    /// file name, so that a program which prints its own name prints the same one everywhere.
    pub fn link(&self, linker: &Linker, libraries: &Path, directory: &str) -> Result<PathBuf, String> {
        // What the linker would do behind the link, trials ask for when they want it.
        self.link_with(linker, libraries, directory, &[("UNFOLD_BACKGROUND", "off")])
    }

    /// The same with this environment.
    pub fn link_with(
        &self,
        linker: &Linker,
        libraries: &Path,
        directory: &str,
        env: &[(&str, &str)],
    ) -> Result<PathBuf, String> {
        let dir = self.work.join(directory);
        make_folder(&dir)?;
        let app = dir.join("app");
        let mut command = match self.compiler {
            Compiler::Rustc => self.rustc_link(linker, libraries, &app),
            _ => self.driver_link(linker, libraries, &app),
        };
        link_silently(command.current_dir(&self.work).envs(env.iter().copied()))?;
        Ok(app)
    }

    fn driver_link(&self, linker: &Linker, libraries: &Path, app: &Path) -> Command {
        let mut command = Command::new(self.compiler.command());
        command.args(linker_flags(self.compiler, linker));
        command.args(self.link_mode_flags()).args(self.link_words(libraries));
        command.arg("-o").arg(app);
        command
    }

    fn rustc_link(&self, linker: &Linker, libraries: &Path, app: &Path) -> Command {
        let mut command = Command::new("rustc");
        command.arg("--edition=2021").args(linker_flags(self.compiler, linker));
        command.args(self.rustc_mode_flags()).args(self.words(&self.program.flags, libraries));
        command.args(self.link_words(libraries).iter().map(|word| format!("-Clink-arg={word}")));
        command.arg(self.program.source_dir.join(&self.program.main)).arg("-o").arg(app);
        command
    }

    /// The inputs and flags of the link, in their order.
    fn link_words(&self, libraries: &Path) -> Vec<String> {
        let inputs = match &self.program.link {
            Some(link) => link.clone(),
            None => {
                let libraries = self.program.libraries.iter().map(|library| library.name.clone());
                let main = (self.compiler != Compiler::Rustc).then(|| self.program.main.clone());
                main.into_iter().chain(self.program.objects.clone()).chain(libraries).collect()
            }
        };
        let mut words: Vec<String> = self
            .words(&inputs, libraries)
            .into_iter()
            .map(|word| match is_source(&word) {
                true => self.object(&word).display().to_string(),
                false => word,
            })
            .collect();
        if self.has_shared() {
            words.push(format!("-Wl,-rpath,{}", libraries.display()));
        }
        words.extend(self.words(&self.program.link_flags, libraries));
        words
    }

    fn make_archive(&self, library: &Library, operation: &str) -> Result<(), String> {
        let mut command = Command::new("ar");
        command.current_dir(&self.work).arg(operation).arg(&library.name);
        for source in &library.sources {
            self.compile_file(source, self.c_mode_flags(), &self.object(source))?;
            // A thin archive holds the paths of its members as they are given here.
            command.arg(self.object(source).file_name().expect("an object has a name"));
        }
        run_tool(&mut command).map(drop)
    }

    fn compile_shared(&self, library: &Library) -> Result<(), String> {
        for source in library.sources.iter().filter(|source| !source.ends_with(".rs")) {
            self.compile_file(source, &["-fPIC"], &self.shared_object(library, source))?;
        }
        Ok(())
    }

    fn shared_link(&self, library: &Library, linker: &Linker, dir: &Path) -> Command {
        let is_rust = library.sources.iter().any(|source| source.ends_with(".rs"));
        let compiler = match self.compiler {
            _ if is_rust => Compiler::Rustc,
            Compiler::Rustc => Compiler::Gcc,
            compiler => compiler,
        };
        let mut command = Command::new(compiler.command());
        command.current_dir(&self.work).args(linker_flags(compiler, linker));
        command.arg("-o").arg(dir.join(&library.name));
        let mut flags =
            vec![format!("-Wl,-soname,{}", library.name), format!("-Wl,-rpath,{}", dir.display())];
        flags.extend(self.words(&library.link_flags, dir));
        if is_rust {
            command.args(["--edition=2021", "--crate-type=cdylib", "-Awarnings"]);
            command.args(library.sources.iter().map(|source| self.program.source_dir.join(source)));
            command.args(flags.iter().map(|flag| format!("-Clink-arg={flag}")));
        } else {
            command.arg("-shared");
            command.args(library.sources.iter().map(|source| self.shared_object(library, source)));
            command.args(flags);
        }
        command
    }

    fn shared_object(&self, library: &Library, source: &str) -> PathBuf {
        self.work.join(format!("{}.{source}.o", library.name.replace('/', "_")))
    }

    fn compile_file(&self, source: &str, mode: &[&str], object: &Path) -> Result<(), String> {
        let path = self.program.source_dir.join(source);
        let mut command = Command::new(self.driver_for(source));
        command.current_dir(&self.work).arg("-w").args(mode);
        if self.compiler != Compiler::Rustc {
            command.args(self.words(&self.program.flags, &self.work));
        }
        for (file, flags) in &self.program.file_flags {
            if file == source {
                command.args(self.words(flags, &self.work));
            }
        }
        run_tool(command.arg("-c").arg(path).arg("-o").arg(object)).map(drop)
    }

    /// C and assembler need the C driver even in a C++ or Rust program.
    fn driver_for(&self, source: &str) -> &'static str {
        match (self.compiler, source.ends_with(".cpp")) {
            (Compiler::Clang | Compiler::Clangxx, true) => "clang++",
            (Compiler::Clang | Compiler::Clangxx, false) => "clang",
            (_, true) => "g++",
            (_, false) => "gcc",
        }
    }

    fn c_mode_flags(&self) -> &'static [&'static str] {
        match self.mode {
            Mode::Pie | Mode::StaticPie => &["-fPIE"],
            Mode::NoPie | Mode::Static => &["-fno-pie"],
        }
    }

    /// rustc derives from these how to compile and how to link.
    fn rustc_mode_flags(&self) -> &'static [&'static str] {
        match self.mode {
            Mode::Pie => &["-Crelocation-model=pie"],
            Mode::NoPie => &["-Crelocation-model=static"],
            Mode::Static => &["-Ctarget-feature=+crt-static", "-Crelocation-model=static"],
            Mode::StaticPie => &["-Ctarget-feature=+crt-static", "-Crelocation-model=pie"],
        }
    }

    fn link_mode_flags(&self) -> &'static [&'static str] {
        match self.mode {
            Mode::Pie => &["-pie"],
            Mode::NoPie => &["-no-pie"],
            Mode::Static => &["-static"],
            Mode::StaticPie => &["-static-pie"],
        }
    }

    fn object(&self, source: &str) -> PathBuf {
        self.work.join(format!("{source}.o"))
    }

    /// With directories in their places, and shared libraries in these.
    fn words(&self, words: &[String], libraries: &Path) -> Vec<String> {
        let mut words = expand(words, self.program, &self.work, libraries);
        for word in &mut words {
            let is_it = |library: &&Library| library.kind == LibraryKind::Shared && library.name == *word;
            if self.program.libraries.iter().any(|library| is_it(&library)) {
                *word = libraries.join(&word).display().to_string();
            }
        }
        words
    }
}

/// Puts directories in the place of `$SRC`, `$WORK` and `$LIB`.
pub fn expand(words: &[String], program: &Program, work: &Path, libraries: &Path) -> Vec<String> {
    let directories = [("$SRC", program.source_dir.as_path()), ("$WORK", work), ("$LIB", libraries)];
    let expand = |word: &String| {
        let put = |word: String, (name, dir): (&str, &Path)| word.replace(name, &dir.display().to_string());
        directories.into_iter().fold(word.clone(), put)
    };
    words.iter().map(expand).collect()
}

fn make_folder(dir: &Path) -> Result<(), String> {
    fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))
}

/// Whoever links in an ordinary build sees every line the linker writes, so it has to be silent.
fn link_silently(command: &mut Command) -> Result<(), String> {
    let outcome = run_tool(command)?;
    match outcome.stderr.is_empty() && outcome.stdout.is_empty() {
        true => Ok(()),
        false => Err(format!("{}\nsays, though it succeeds:\n{outcome:?}", describe(command))),
    }
}

/// The flags that make a compiler use this linker.
///
/// gcc looks for a program called `ld` in the directories of `-B`, clang takes a path, and rustc calls gcc, provided that
/// it is kept from choosing the linker of its own that newer versions bring along.
pub fn linker_flags(compiler: Compiler, linker: &Linker) -> Vec<String> {
    let search = format!("-B{}", linker.search_dir.display());
    match compiler {
        Compiler::Gcc | Compiler::Gxx => vec![search],
        Compiler::Clang | Compiler::Clangxx => vec![format!("--ld-path={}", linker.ld.display())],
        Compiler::Rustc => {
            vec!["-Clinker=gcc".into(), "-Clinker-features=-lld".into(), format!("-Clink-arg={search}")]
        }
    }
}

fn is_source(word: &str) -> bool {
    [".c", ".cpp", ".S"].iter().any(|suffix| word.ends_with(suffix)) && !word.starts_with('-')
}
