//! gdb in the middle of real programs, and across an edit, shows what it shows of their twins.
//!
//! The sources of SQLite and Lua are those that `tests/real/run.sh` fetches, in `UNFOLD_REAL_DIR` (`target/real`).

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use unfold_tests::directives::Compiler;
use unfold_tests::run::{program, run, run_tool};
use unfold_tests::tools::{complete_kept, gnu_linker, is_installed, scratch_root, tested_linker};
use unfold_tests::transcript::{GDB, difference, is_about_files, normalised};
use unfold_tests::twins::{Subject, Twins};
use unfold_tests::ways;

/// What gdb shows with this script, of the program with these arguments.
fn gdb(subject: &Subject, args: &[&str], script: &str) -> String {
    let mut command = subject.tool(GDB[0], &GDB[1..]);
    command.args(["--args", "./app"]).args(args);
    transcript(&mut command, script)
}

fn transcript(command: &mut Command, script: &str) -> String {
    let outcome = run(command, script.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    let text = outcome.stdout_text();
    text.split_inclusive('\n').filter(|line| !is_about_files(line)).collect()
}

/// The folder with the sources of a real program; nothing, which is said, if nobody has fetched them.
fn sources_of(name: &str, file: &str) -> Option<PathBuf> {
    let real = env::var_os("UNFOLD_REAL_DIR").map(PathBuf::from);
    let real = real.unwrap_or_else(|| scratch_root().join("../../real"));
    let mut folders = vec![real.join(name).join("src")];
    let unpacked = fs::read_dir(real.join("sources").join(name)).into_iter().flatten().flatten();
    folders.extend(unpacked.map(|entry| entry.path().join("src")));
    let found = folders.into_iter().find(|folder| folder.join(file).is_file());
    if found.is_none() {
        eprintln!("note: tests/real/run.sh has not fetched {name} to {}, so it is not tried", real.display());
    }
    found
}

fn compile(twins: &Twins, sources: &Path, files: &[&str], flags: &[&str]) -> Vec<String> {
    let mut objects = vec![];
    for file in files {
        let source = sources.join(file).display().to_string();
        let object = format!("{}.o", file.trim_end_matches(".c"));
        twins.project.tool("gcc", &[&["-w", "-g", "-O0", "-c", &source, "-o", &object], flags].concat());
        objects.push(object);
    }
    objects
}

#[test]
fn gdb_stops_in_the_middle_of_lua() {
    let Some(sources) = sources_of("lua5.4", "lvm.c") else { return };
    let Some(mut twins) = Twins::new("debuggers_real/lua", Compiler::Gcc, &["gdb"]) else { return };
    let entries = fs::read_dir(&sources).expect("the folder is there");
    let mut files: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    files.retain(|name| name.ends_with(".c") && name != "luac.c");
    files.sort();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    // Debian's has a header that is made when it is built.
    let made = format!("-I{}", sources.join("../../../../lua/include").display());
    let objects = compile(&twins, &sources, &files, &["-DLUA_USE_POSIX", "-DLUA_USE_DLOPEN", &made]);
    let mut words: Vec<&str> = objects.iter().map(String::as_str).collect();
    words.extend(["-lm", "-ldl", "-Wl,-E"]);
    twins.link(&words);
    let script = "break str_format\nrun\nbt -frame-arguments presence 6\ninfo locals nb\nup\nlist\nup\ninfo source\n\
                  delete\nbreak luaH_resize\ncontinue\nbt -frame-arguments presence 6\nptype struct Table\n\
                  print nasize\ninfo symbol luaV_execute\ndelete\ncontinue\n";
    let has = [
        "Breakpoint 1, str_format",
        "luaD_precall",
        "luaV_execute",
        "luaD_callnoyield",
        "Breakpoint 2, luaH_resize",
        "exited normally",
    ];
    let code = "local t = {} for i = 1, 20 do t[i] = string.format('%d', i) end print(#t, t[20])";
    twins.assert_same(&ways::from_the_start(), &has, |app| gdb(app, &["-e", code], script));
}

#[test]
fn gdb_stops_in_the_middle_of_sqlite() {
    let Some(sources) = sources_of("sqlite", "sqlite3.c") else { return };
    let Some(mut twins) = Twins::new("debuggers_real/sqlite", Compiler::Gcc, &["gdb"]) else { return };
    let objects = compile(
        &twins,
        &sources,
        &["sqlite3.c", "shell.c"],
        &["-DSQLITE_THREADSAFE=0", "-DSQLITE_OMIT_LOAD_EXTENSION"],
    );
    let mut words: Vec<&str> = objects.iter().map(String::as_str).collect();
    words.extend(["-lm", "-ldl", "-lpthread"]);
    twins.link(&words);
    let script = "break sqlite3VdbeExec\nrun\nbt -frame-arguments presence\nup\nup\nlist\nprint sqlite3_version\n\
                  delete\nbreak sqlite3BtreeInsert\ncontinue\nbt -frame-arguments presence 6\nptype struct Btree\n\
                  info symbol sqlite3BtreeInsert\ndelete\ncontinue\n";
    let has = [
        "Breakpoint 1, sqlite3VdbeExec",
        "sqlite3_step",
        "main",
        "Breakpoint 2, sqlite3BtreeInsert",
        "exited normally",
    ];
    let code = "create table t(a, b); insert into t values(1, 'one'), (2, 'two'); select sum(a) from t;";
    twins.assert_same(&ways::from_the_start(), &has, |app| gdb(app, &[":memory:", code], script));
}

/// Crates, a debug build, and objects that rustc deletes behind the link.
#[test]
fn gdb_stops_in_the_middle_of_a_cargo_program() {
    let Some(twins) = Twins::new("debuggers_real/cargo", Compiler::Rustc, &["gdb", "cargo"]) else { return };
    let project = &twins.project;
    project.write("Cargo.toml", "[workspace]\nmembers = [\"app\", \"part\"]\nresolver = \"2\"\n");
    project.write("part/Cargo.toml", "[package]\nname = \"part\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
    project.write(
        "app/Cargo.toml",
        "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\npart = { path = \"../part\" }\n",
    );
    project.write(
        "part/src/lib.rs",
        "pub struct Counter { pub count: u32 }\nimpl Counter {\n    pub fn add(&mut self, by: u32) -> u32 {\n        \
         self.count += by;\n        self.count\n    }\n}\npub fn each<T, F: FnMut(&T)>(items: &[T], mut call: F) {\n    \
         for item in items {\n        call(item);\n    }\n}\n",
    );
    project.write(
        "app/src/main.rs",
        "mod words;\nfn main() {\n    let mut counter = part::Counter { count: 0 };\n    let words = \
         words::split(\"one two three\");\n    part::each(&words, |word| {\n        counter.add(word.len() as u32);\n    });\n    \
         println!(\"{}\", counter.count);\n}\n",
    );
    project.write(
        "app/src/words.rs",
        "pub fn split(text: &str) -> Vec<String> {\n    text.split(' ').map(str::to_owned).collect()\n}\n",
    );
    let build = |folder: &str, linker: &Path| {
        let mut command = Command::new("cargo");
        command.current_dir(project.path("")).args(["build", "--offline", "--target-dir", "target"]);
        command.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER", "gcc");
        command
            .env("RUSTFLAGS", format!("-Clink-arg=-B{}", linker.display()))
            .env_remove("CARGO_BUILD_TARGET");
        run_tool(&mut command).unwrap_or_else(|error| panic!("{error}"));
        // At the place where it was built, for folders are part of what is shown.
        project.rename("target", folder);
        project.path(folder).join("debug/app")
    };
    let show = |app: &Path| {
        let mut command = program(GDB[0]);
        command.args(&GDB[1..]).arg(app);
        let script = "break part::Counter::add\nrun\nbt 5\ninfo args\nfinish\nbreak app::words::split\nup\ninfo locals counter\n\
                      delete\ncontinue\n";
        let text = transcript(&mut command, script);
        normalised(&text, &[app.ancestors().nth(2).expect("two folders"), &project.path("")])
    };
    let twin = show(&build("gnu", &gnu_linker().search_dir));
    for text in ["part::Counter::add (self=", "app::main::{closure#0}", "part::each", "exited normally"] {
        assert!(twin.contains(text), "`{text}` is not shown of the twin:\n{twin}");
    }
    let app = build("unfold", &tested_linker().search_dir);
    let found = show(&app);
    assert!(found == twin, "{}", difference(&twin, &found).unwrap_or_default());
}

/// An edit and a relink while gdb is there: at the next `run` it reads the program anew.
#[test]
fn gdb_follows_a_relink_between_two_runs() {
    let Some(mut twins) = Twins::new("debuggers_real/relink", Compiler::Gcc, &["gdb"]) else { return };
    let part = "int part(int x) {\n    return x + 1;\n}\n";
    let edited = "int more = 5;\nint before(int x) {\n    return x * more;\n}\nint part(int x) {\n    int y = before(x);\n    \
                  return y + 2;\n}\n";
    let main = "#include <stdio.h>\nint part(int);\nint main(void) {\n    printf(\"%d\\n\", part(3));\n    return 0;\n}\n";
    twins.project.write("main.c", main);
    twins.project.tool("gcc", &["-g", "-O0", "-c", "main.c"]);
    // gdb reads a program again if its time is of another second.
    // Compiled at one place under two names, so that the file's name is the same in both.
    for (folder, text) in [("first", part), ("second", edited)] {
        twins.project.write("part.c", text);
        twins.project.tool("gcc", &["-g", "-O0", "-c", "part.c", "-o", &format!("{folder}.o")]);
    }
    fs::copy(twins.project.path("first.o"), twins.project.path("part.o")).expect("both are ours");
    twins.link(&["main.o", "part.o"]);
    let has = [
        "Breakpoint 1, part (x=3)",
        "4\n",
        "Breakpoint 1, part (x=3)",
        "part.c:6",
        "= 5",
        "17\n",
        "exited normally",
    ];
    twins.assert_same(&ways::from_the_start(), &has, |app| {
        let linker = if app.name == "twin" { gnu_linker() } else { tested_linker() };
        let link = format!("cd .. && cp second.o part.o && gcc -B{} main.o part.o -o ", linker.search_dir.display());
        let output = app.app.display();
        let script = format!(
            "break part\nrun\nbt\ncontinue\nshell sleep 1.1\nshell {link}{output}\nrun\nbt\nnext\ninfo locals\nprint more\nlist part\n\
             break before\ncontinue\ninfo breakpoints\ndelete\ncontinue\n"
        );
        let text = gdb(app, &[], &script);
        // The next one begins with the first again.
        fs::copy(twins.project.path("first.o"), twins.project.path("part.o")).expect("both are ours");
        // Which linker it was is not of interest.
        text.split_inclusive('\n').filter(|line| !line.starts_with("+shell")).collect()
    });
}

/// The same where the program was complete before, and the debugger attaches to the new one.
#[test]
fn gdb_shows_the_new_program_after_each_of_several_relinks() {
    let Some(mut twins) = Twins::new("debuggers_real/relinks", Compiler::Gcc, &["gdb"]) else { return };
    let main = "#include <stdio.h>\nint part(int);\nint main(void) {\n    printf(\"%d\\n\", part(3));\n    return 0;\n}\n";
    twins.project.write("main.c", main);
    twins.project.tool("gcc", &["-g", "-O0", "-c", "main.c"]);
    let write_part = |twins: &Twins, generation: usize| {
        let functions: String = (0..generation)
            .map(|n| {
                format!("\nint number_{n}(int x) {{\n    int of_{n} = x + {n};\n    return of_{n};\n}}\n")
            })
            .collect();
        let calls: String = (0..generation).map(|n| format!("    sum += number_{n}(x);\n")).collect();
        let text = format!("{functions}int part(int x) {{\n    int sum = 0;\n{calls}    return sum;\n}}\n");
        twins.project.write("part.c", text);
        twins.project.tool("gcc", &["-g", "-O0", "-c", "part.c"]);
    };
    write_part(&twins, 1);
    twins.link(&["main.o", "part.o"]);
    for generation in 2..6 {
        write_part(&twins, generation);
        let (twin, app) = (twins.relinked_twin(), twins.relinked());
        if generation % 2 == 0 && is_installed("gdb") && unfold_tests::tools::unfold_command().is_some() {
            complete_kept(&app.app).unwrap_or_else(|error| panic!("{error}"));
        }
        let last = generation - 1;
        let script =
            format!("break number_{last}\nrun\nbt\nnext\ninfo locals\ninfo line part\nfinish\ncontinue\n");
        let shown = |subject: &Subject| {
            normalised(&gdb(subject, &[], &script), &[subject.folder(), &twins.project.path("")])
        };
        let (expected, found) = (shown(&twin), shown(&app));
        assert!(expected.contains(&format!("of_{last} = {}", 3 + last)), "{expected}");
        let difference = difference(&expected, &found);
        assert!(difference.is_none(), "generation {generation}:\n{}", difference.unwrap_or_default());
    }
}
