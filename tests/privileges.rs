//! Who may write what a program executes, and who may run it. An index that somebody else could have written is refused, by
//! links and by launches; files of it are nobody else's to write, whatever the umask; nothing that is planted under a
//! name that could be guessed is followed.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use unfold_tests::confine::{NOBODY, Step, confine, text};
use unfold_tests::directives::Ending;
use unfold_tests::project::Project;
use unfold_tests::run::{Outcome, program, run};
use unfold_tests::tools::{gnu_linker, tested_linker, unfold_command};
use unfold_tests::trouble::all_below;

/// Somebody else, who is not root either.
const SOMEBODY: u32 = 64_321;

/// A folder that every user can reach, with a linker, an object, and what is made of it. It ends with the test.
struct Public {
    folder: PathBuf,
    /// The folder that the compiler finds `ld` in.
    linker: PathBuf,
}

impl Public {
    /// `None` where the test cannot be: only root can be several users.
    fn new(name: &str) -> Option<Public> {
        unfold_command()?;
        // SAFETY: a system call without arguments.
        if unsafe { libc::geteuid() } != 0 {
            println!("left out: only root can be several users");
            return None;
        }
        let project = Project::new(&format!("privileges/{name}"));
        project.write("main.c", include_str!("fixtures/confined.c"));
        project.compile_with("main.c", &["-O1"]);
        project.write("part.c", "int part(void) { return 1; }\n");
        project.compile_with("part.c", &["-fPIC"]);
        let outer = std::env::temp_dir().join(format!("unfold-{name}-{}", std::process::id()));
        let public = Public { folder: outer.join("work"), linker: outer.join("linker") };
        for folder in [&outer, &public.folder, &public.linker] {
            fs::create_dir_all(folder).unwrap();
            set_mode(folder, 0o755);
        }
        // By another process: what a thread of this one writes cannot be run while others start programs.
        let ld = tested_linker().ld.to_str().unwrap();
        project.tool("cp", &["-L", ld, public.linker.join("ld").to_str().unwrap()]);
        for object in ["main.o", "part.o"] {
            let to = public.path(object);
            project.tool("cp", &[object, to.to_str().unwrap()]);
            set_mode(&to, 0o644);
        }
        Some(public)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn link_with(&self, words: &[&str], steps: Vec<Step>) -> Outcome {
        let mut command = program("gcc");
        command.current_dir(&self.folder).arg(format!("-B{}", self.linker.display())).args(words);
        command.env("UNFOLD_BACKGROUND", "off");
        confine(&mut command, steps);
        run(&mut command, b"").unwrap_or_else(|error| panic!("{error}"))
    }

    /// Links `app`, as this user.
    fn link(&self, user: u32) {
        let outcome = self.link_with(&["main.o", "-o", "app"], vec![Step::User(user)]);
        assert!(outcome.succeeded() && outcome.stderr.is_empty(), "{outcome:?}");
    }

    fn run(&self, user: u32, variables: &[(&str, &str)]) -> Outcome {
        outcome_of(&self.path("app"), variables, vec![Step::User(user)])
    }

    fn give_to(&self, path: &Path, user: u32) {
        let status = Command::new("chown").arg("-hR").arg(user.to_string()).arg(path).status().unwrap();
        assert!(status.success());
    }

    /// The folder of the only generation of `app`.
    fn generation(&self) -> PathBuf {
        let outputs = all_below(&self.path(".unfold/outputs"));
        outputs.into_iter().find(|path| path.ends_with("1")).expect("there is a generation")
    }
}

impl Drop for Public {
    fn drop(&mut self) {
        fs::remove_dir_all(self.folder.parent().unwrap()).ok();
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn outcome_of(app: &Path, variables: &[(&str, &str)], steps: Vec<Step>) -> Outcome {
    let mut command = program(app);
    command.envs(variables.iter().copied());
    confine(&mut command, steps);
    run(&mut command, b"").unwrap_or_else(|error| panic!("{error}"))
}

fn assert_runs(outcome: &Outcome, what: &str) {
    assert_eq!(outcome.ending, Ending::Exit(6), "{what}: {outcome:?}");
    assert!(outcome.stdout_text().ends_with("last 39\n"), "{what}: {outcome:?}");
    assert_eq!(outcome.stderr_text(), "", "{what}");
}

/// One line, which names a reason.
fn assert_refused(outcome: &Outcome, reason: &str, what: &str) {
    assert_eq!(outcome.ending, Ending::Exit(127), "{what}: {outcome:?}");
    let said = outcome.stderr_text();
    assert_eq!(said.lines().count(), 1, "{what}: {said}");
    assert!(said.contains("unfold: ") && said.contains(reason), "{what}: {said}");
    assert_eq!(outcome.stdout_text(), "", "{what}");
}

const PAGERS: [&[(&str, &str)]; 4] = [
    &[("UNFOLD_PAGER", "auto")],
    &[("UNFOLD_PAGER", "signal"), ("UNFOLD_KEEP", "off")],
    &[("UNFOLD_PAGER", "eager")],
    &[("UNFOLD_PAGER", "auto"), ("UNFOLD_KEEP", "off")],
];

#[test]
fn who_runs_what_somebody_linked() {
    let Some(public) = Public::new("somebody-linked") else { return };
    public.give_to(&public.folder, SOMEBODY);
    public.link(SOMEBODY);
    let before = all_below(&public.path(".unfold"));
    for pager in PAGERS {
        // Whoever owns the executable could have written anything into it, so its index is as good.
        for user in [NOBODY, 0] {
            assert_runs(&public.run(user, pager), &format!("user {user}, {pager:?}"));
        }
    }
    assert_eq!(all_below(&public.path(".unfold")), before, "nobody else leaves anything in the index");
    for pager in PAGERS {
        assert_runs(&public.run(SOMEBODY, pager), &format!("its user, {pager:?}"));
    }
    assert!(all_below(&public.path(".unfold")).len() > before.len(), "its user keeps what was relocated");
    // The others have that too.
    for user in [NOBODY, 0] {
        assert_runs(&public.run(user, &[]), &format!("user {user}, kept"));
    }
    // Installed by root, with an index that somebody else can change.
    public.give_to(&public.path("app"), 0);
    for pager in PAGERS {
        for user in [NOBODY, 0] {
            assert_refused(&public.run(user, pager), "belongs to another user", &format!("user {user}"));
        }
        assert_runs(&public.run(SOMEBODY, pager), "the index is theirs");
    }
}

#[test]
fn everybody_runs_what_root_linked() {
    let Some(public) = Public::new("root-linked") else { return };
    public.link(0);
    for pager in PAGERS {
        for user in [NOBODY, SOMEBODY, 0] {
            assert_runs(&public.run(user, pager), &format!("user {user}, {pager:?}"));
        }
    }
}

#[test]
fn an_index_that_others_can_write_is_not_run() {
    let Some(public) = Public::new("writable") else { return };
    public.link(0);
    assert_runs(&public.run(0, &[]), "first");
    let generation = public.generation();
    let pack = all_below(&public.path(".unfold/packs")).into_iter().find(|path| path.extension().is_some());
    let lazily = &[("UNFOLD_KEEP", "off")][..];
    let is_executed = [generation.clone(), generation.join("plan"), generation.join("image"), pack.unwrap()];
    for path in is_executed {
        let mode = path.metadata().unwrap().mode() & 0o777;
        for more in [0o020, 0o002] {
            set_mode(&path, mode | more);
            let what = format!("{} with mode {:o}", path.display(), mode | more);
            assert_refused(&public.run(0, lazily), "can be written by others", &what);
            assert_refused(&public.run(NOBODY, lazily), "chmod go-w", &what);
        }
        set_mode(&path, mode);
        let what = format!("{} of somebody else", path.display());
        std::os::unix::fs::chown(&path, Some(SOMEBODY), None).unwrap();
        assert_refused(&public.run(0, lazily), "belongs to another user", &what);
        assert_refused(&public.run(NOBODY, lazily), "belongs to another user", &what);
        std::os::unix::fs::chown(&path, Some(0), None).unwrap();
        assert_runs(&public.run(0, lazily), "as it was");
    }
}

#[test]
fn kept_pages_that_others_can_write_are_not_used() {
    let Some(public) = Public::new("kept") else { return };
    public.link(0);
    let from_kept = || {
        assert_runs(&public.run(0, &[]), "with what is kept");
        let status =
            program(unfold_command().unwrap()).arg("status").arg(public.path("app")).arg("--json").output();
        let status: serde_json::Value = serde_json::from_slice(&status.unwrap().stdout).unwrap();
        status["last_run"]["pages_from_kept"].as_u64().unwrap()
    };
    from_kept();
    unfold_tests::tools::complete_kept(&public.path("app")).unwrap();
    assert!(from_kept() > 0);
    for name in ["kept", "kept.map"] {
        let path = public.generation().join(name);
        for mode in [0o664, 0o646] {
            set_mode(&path, mode);
            assert_eq!(from_kept(), 0, "{name} with mode {mode:o}");
        }
        set_mode(&path, 0o644);
        std::os::unix::fs::chown(&path, Some(SOMEBODY), None).unwrap();
        assert_eq!(from_kept(), 0, "{name} of somebody else");
        std::os::unix::fs::chown(&path, Some(0), None).unwrap();
        assert!(from_kept() > 0);
    }
}

#[test]
fn a_link_uses_no_index_that_somebody_else_made_or_can_write() {
    let Some(public) = Public::new("planted") else { return };
    // As in /tmp: everybody makes folders there.
    set_mode(&public.folder, 0o1777);
    let link = |user: u32| public.link_with(&["main.o", "-o", "app"], vec![Step::User(user)]);
    let refused = |user: u32, reason: &str| {
        let outcome = link(user);
        assert_eq!(outcome.ending, Ending::Exit(1), "{outcome:?}");
        let said = outcome.stderr_text();
        assert!(said.contains(reason), "{said}");
        assert_eq!(said.lines().filter(|line| line.contains("unfold: error")).count(), 1, "{said}");
        assert!(!public.path("app").exists());
    };
    for folder in [".unfold", ".unfold/packs", ".unfold/records", ".unfold/outputs"] {
        let path = public.path(folder);
        fs::create_dir_all(&path).unwrap();
        public.give_to(&public.path(".unfold"), NOBODY);
        public.give_to(&path, SOMEBODY);
        set_mode(&path, 0o777);
        refused(NOBODY, if folder == ".unfold" { "belongs to another user" } else { folder });
        public.give_to(&path, NOBODY);
        refused(NOBODY, "can be written by others (chmod go-w");
        set_mode(&path, 0o775);
        refused(NOBODY, "can be written by others (chmod go-w");
        // Root is somebody else as well, and this is not its user's folder.
        set_mode(&path, 0o755);
        refused(0, "belongs to another user");
        fs::remove_dir_all(public.path(".unfold")).unwrap();
    }
    // A link to a folder of somebody else is as good as the folder.
    fs::create_dir(public.path("elsewhere")).unwrap();
    public.give_to(&public.path("elsewhere"), SOMEBODY);
    symlink("elsewhere", public.path(".unfold")).unwrap();
    refused(NOBODY, "belongs to another user");
    fs::remove_file(public.path(".unfold")).unwrap();
    public.link(NOBODY);
    // Root links in the folders of others, as `sudo make` does.
    set_mode(&public.folder, 0o755);
    public.give_to(&public.folder, NOBODY);
    public.link(0);
    assert_runs(&public.run(NOBODY, &[]), "in their own folder, linked by root");
}

#[test]
fn nobody_else_may_write_files_of_an_index() {
    let Some(public) = Public::new("modes") else { return };
    for (mask, output) in [(0o022, 0o755), (0o077, 0o700), (0o002, 0o775), (0o000, 0o777)] {
        for name in ["app", ".unfold", "libx.so"] {
            let path = public.path(name);
            drop(if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) });
        }
        for words in [&["main.o", "-o", "app"][..], &["part.o", "-shared", "-o", "libx.so"]] {
            let outcome = public.link_with(words, vec![Step::Umask(mask)]);
            assert!(outcome.succeeded(), "{outcome:?}");
        }
        assert_runs(&outcome_of(&public.path("app"), &[], vec![Step::Umask(mask)]), "in that umask");
        let mut command = program(&tested_linker().ld);
        command.arg("--unfold-complete").arg(public.generation());
        confine(&mut command, vec![Step::Umask(mask)]);
        assert!(run(&mut command, b"").unwrap().succeeded());
        assert_runs(&outcome_of(&public.path("app"), &[], vec![Step::Umask(mask)]), "with all kept");
        let below = all_below(&public.path(".unfold"));
        assert!(below.len() > 15, "{below:?}");
        for path in below.iter().chain([&public.path(".unfold")]) {
            let mode = path.symlink_metadata().unwrap().mode() & 0o777;
            // A second name of an object is that object.
            let is_object = path.components().any(|part| part.as_os_str() == "pinned");
            if !path.is_symlink() && !is_object {
                assert_eq!(mode & (mask | 0o022), 0, "{} with umask {mask:o}: {mode:o}", path.display());
            }
        }
        for name in ["app", "libx.so"] {
            assert_eq!(
                public.path(name).metadata().unwrap().mode() & 0o777,
                output,
                "{name}, umask {mask:o}"
            );
        }
        // What a run touched is nobody's business.
        for name in ["log", "last"].map(|name| public.generation().join(name)) {
            let is_private = |metadata: fs::Metadata| metadata.mode() & 0o077 == 0;
            assert!(name.metadata().is_ok_and(is_private), "{}", name.display());
        }
    }
}

#[test]
fn what_is_handed_on_has_the_modes_of_the_systems_linker() {
    let Some(public) = Public::new("handed-on") else { return };
    let outcome = public.link_with(&["-r", "main.o", "-o", "all.o"], vec![Step::Umask(0o002)]);
    assert!(outcome.succeeded(), "{outcome:?}");
    let ours = public.path("all.o").metadata().unwrap().mode();
    let mut command = program("gcc");
    command.current_dir(&public.folder).arg(format!("-B{}", gnu_linker().search_dir.display()));
    confine(command.args(["-r", "main.o", "-o", "twin.o"]), vec![Step::Umask(0o002)]);
    assert!(run(&mut command, b"").unwrap().succeeded());
    assert_eq!(ours, public.path("twin.o").metadata().unwrap().mode());
}

#[test]
fn programs_with_more_rights_than_their_user_are_refused() {
    let Some(public) = Public::new("secure") else { return };
    public.link(0);
    let app = public.path("app");
    for mode in [0o4755, 0o2755] {
        set_mode(&app, mode);
        assert_refused(&public.run(NOBODY, &[]), "unfold bake", &format!("mode {mode:o}"));
    }
    set_mode(&app, 0o755);
    assert_runs(&public.run(NOBODY, &[]), "without");
    // CAP_NET_RAW, permitted and effective: `struct vfs_cap_data`, revision 2.
    let words: [u32; 5] = [0x0200_0001, 1 << 13, 0, 0, 0];
    let value: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let (path, name) = (text(&app), c"security.capability");
    // SAFETY: C strings, and a value of our own.
    let result =
        unsafe { libc::setxattr(path.as_ptr(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0) };
    if result != 0 {
        println!("left out: this file system has no file capabilities");
        return;
    }
    assert_refused(&public.run(NOBODY, &[]), "unfold bake", "file capabilities");
}

#[test]
fn planted_links_are_not_followed() {
    let Some(public) = Public::new("links") else { return };
    let victim = public.path("victim");
    fs::write(&victim, "untouched").unwrap();
    set_mode(&public.folder, 0o755);
    public.link(0);
    let generation = public.generation();
    // Names that launches and links write.
    for name in ["kept", "kept.map", "last", "touched", "log"] {
        let path = generation.join(name);
        drop(fs::remove_file(&path));
        symlink(&victim, &path).unwrap();
        assert_runs(&public.run(0, &[]), name);
        assert_runs(&public.run(0, &[("UNFOLD_KEEP", "off")]), name);
        assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched", "through {name}");
        assert_eq!(victim.metadata().unwrap().mode() & 0o777, 0o644, "through {name}");
        drop(fs::remove_file(&path));
    }
    // An output that is a link is replaced, as GNU ld does, which unlinks it first.
    fs::remove_file(public.path("app")).unwrap();
    symlink(&victim, public.path("app")).unwrap();
    public.link(0);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched", "through the output");
    assert_runs(&public.run(0, &[]), "in place of a link");
}
