//! The line of progress: on a terminal, in nobody's way, gone in the end; in pipes and logs there is none.
//!
//! Work is held up for as long as a test wants: a link by a map that nobody takes from its stdout, a collection by a lock of
//! its index.

use nix::pty::{OpenptyResult, Winsize, openpty};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use unfold_tests::project::Project;
use unfold_tests::tools::{tested_linker, unfold_command};

fn project(name: &str) -> Project {
    Project::new(&format!("progress/{name}"))
}

/// A program whose map does not fit into a pipe.
fn large_program(name: &str) -> Project {
    let project = project(name);
    let functions: String =
        (0..6000).map(|number| format!("int function_{number}(void) {{ return {number}; }}\n")).collect();
    project.edit("many.c", &functions);
    project.edit("main.c", "int main(void) { return 0; }\n");
    project
}

/// A process whose stderr is a terminal.
struct OnTerminal {
    child: Child,
    written: Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

impl OnTerminal {
    fn spawn(command: &mut Command) -> OnTerminal {
        let size = Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(Some(&size), None).expect("the kernel has terminals");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("UNFOLD_") {
                command.env_remove(name);
            }
        }
        // What a test has said of these stays.
        for (name, usual) in [("CI", ""), ("TERM", "xterm")] {
            if !command.get_envs().any(|(set, value)| set == name && value.is_some()) {
                command.env(name, usual);
            }
        }
        command.stdin(Stdio::null()).stderr(Stdio::from(slave));
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        // The command has a copy of the terminal's other end, which would never come to its own.
        command.stderr(Stdio::null());
        let (sender, written) = mpsc::channel();
        let mut master = File::from(master);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            loop {
                match master.read(&mut bytes) {
                    Ok(count) if count > 0 => drop(sender.send(bytes[..count].to_vec())),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    // EIO: nobody has the other end any more.
                    _ => return,
                }
            }
        });
        OnTerminal { child, written, seen: Vec::new() }
    }

    /// Waits for a text on the terminal.
    fn wait_for(&mut self, text: &str) {
        while !String::from_utf8_lossy(&self.seen).contains(text) {
            let more = self.written.recv();
            let seen = || String::from_utf8_lossy(&self.seen).into_owned();
            self.seen
                .extend(more.unwrap_or_else(|_| panic!("no {text:?} on the terminal, but {:?}", seen())));
        }
    }

    /// Takes what is left on stdout, and waits for the end. Gives all that was written to the terminal.
    fn finish(mut self) -> (bool, String) {
        let mut stdout = Vec::new();
        if let Some(mut pipe) = self.child.stdout.take() {
            pipe.read_to_end(&mut stdout).expect("stdout can be read");
        }
        let succeeded = self.child.wait().expect("it is our child").success();
        self.seen.extend(self.written.iter().flatten());
        (succeeded, String::from_utf8_lossy(&self.seen).into_owned())
    }
}

/// What is on a terminal's lines after this was written, as far as lines of progress use it.
fn on_screen(written: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut column = 0;
    let mut rest = written.chars();
    while let Some(letter) = rest.next() {
        let line = lines.last_mut().expect("there is a line");
        match letter {
            '\r' => column = 0,
            '\n' => lines.push(String::new()),
            '\u{1b}' => {
                let sequence: String =
                    rest.by_ref().take_while(|letter| !letter.is_ascii_alphabetic()).collect();
                // Only lines are cleared: the letter was taken along.
                assert!(["[2", "["].contains(&&*sequence), "{sequence:?} in {written:?}");
                line.clear();
                column = 0;
            }
            letter => {
                while line.len() <= column {
                    line.push(' ');
                }
                line.replace_range(column..=column, letter.encode_utf8(&mut [0; 4]));
                column += 1;
            }
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// The linker, which is to write a map that nobody takes yet.
fn held_command(project: &Project, app: &str) -> Command {
    let mut command = Command::new(&tested_linker().ld);
    command.args(["-M", "--verbose", "-e", "main", "main.o", "many.o", "-o", app]);
    command.current_dir(project.path("")).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

#[test]
fn a_link_shows_a_line_that_is_gone_when_it_ends_and_touches_no_message() {
    if unfold_command().is_none() {
        return;
    }
    let project = large_program("link");
    // Those that are to show nothing are held no shorter than the one that does.
    let silent = [
        OnTerminal::spawn(held_command(&project, "a").arg("--no-progress")),
        OnTerminal::spawn(held_command(&project, "b").args(["--progress", "--no-progress"])),
    ];
    let mut shown = OnTerminal::spawn(&mut held_command(&project, "app"));
    shown.wait_for("linking app: ");
    let (succeeded, written) = shown.finish();
    assert!(succeeded, "{written}");
    let screen = on_screen(&written);
    assert_eq!(screen.len(), 2, "{written:?}");
    assert!(
        screen[0].starts_with("ld.unfold: app: full (") && screen[0].contains("), 2 objects, "),
        "{screen:?}"
    );
    assert_eq!(screen[1], "", "{written:?}");
    for link in silent {
        let (succeeded, written) = link.finish();
        assert!(succeeded && !written.contains('\u{1b}') && written.lines().count() == 1, "{written:?}");
    }
}

#[test]
fn logs_and_dumb_terminals_get_none() {
    let Some(unfold) = unfold_command() else { return };
    let project = large_program("none");
    let quiet = [("TERM", "dumb"), ("TERM", ""), ("CI", "true")];
    let quiet = quiet.map(|(name, value)| {
        OnTerminal::spawn(held_command(&project, &format!("quiet-{name}{value}")).env(name, value))
    });
    // Not a terminal at all.
    let mut piped =
        held_command(&project, "piped").stderr(Stdio::piped()).spawn().expect("the linker is there");
    let mut shown = OnTerminal::spawn(&mut held_command(&project, "shown"));
    shown.wait_for("linking shown");
    assert!(shown.finish().0);
    for link in quiet {
        let (succeeded, written) = link.finish();
        assert!(succeeded && !written.contains('\u{1b}') && written.lines().count() == 1, "{written:?}");
    }
    drop(piped.stdout.take().map(|mut pipe| pipe.read_to_end(&mut Vec::new())));
    let outcome = piped.wait_with_output().expect("it is our child");
    let text = String::from_utf8_lossy(&outcome.stderr).into_owned();
    assert!(
        outcome.status.success() && !text.contains(['\u{1b}', '\r']) && text.lines().count() == 1,
        "{text:?}"
    );
    for words in [&["verify", "shown"][..], &["gc"], &["bake", "shown", "-o", "baked"]] {
        let outcome = project.unfold(words).expect("unfold is there");
        assert!(
            outcome.succeeded() && outcome.stderr.is_empty(),
            "{} {words:?}: {outcome:?}",
            unfold.display()
        );
    }
}

#[test]
fn a_collection_says_what_it_waits_for() {
    let Some(unfold) = unfold_command() else { return };
    let project = large_program("gc");
    project.link(&["main.o", "many.o", "-o", "app"]);
    let lock = File::open(project.path(".unfold/lock")).expect("the index has a lock");
    lock.lock_shared().expect("nobody has it alone");
    let mut collection = OnTerminal::spawn(
        Command::new(unfold).arg("gc").current_dir(project.path("")).stdout(Stdio::piped()),
    );
    collection.wait_for("waiting for links to end");
    drop(lock);
    let (_, written) = collection.finish();
    assert_eq!(on_screen(&written), [""], "{written:?}");
}

/// Whatever they show in between, verifying and baking leave nothing behind.
#[test]
fn verify_and_bake_leave_no_line() {
    let Some(unfold) = unfold_command() else { return };
    let project = large_program("others");
    project.link(&["main.o", "many.o", "-o", "app"]);
    for words in [&["verify", "app"][..], &["bake", "app", "-o", "baked"]] {
        let mut command = Command::new(unfold);
        let done =
            OnTerminal::spawn(command.args(words).current_dir(project.path("")).stdout(Stdio::piped()));
        let (succeeded, written) = done.finish();
        assert!(succeeded && on_screen(&written) == [""], "{words:?}: {written:?}");
    }
    assert!(Path::new(&project.path("baked")).is_file());
}
