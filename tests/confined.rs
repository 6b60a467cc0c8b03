//! Programs in containers, sandboxes and tight places: each does what the same program linked by GNU ld does there, or is
//! refused with one line and status 127.

use std::ffi::CString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use unfold_tests::confine::{
    NOBODY, Step, always, as_in_a_container, confine, forbidden, text, write_or_execute,
};
use unfold_tests::directives::Ending;
use unfold_tests::project::Project;
use unfold_tests::run::{Outcome, kernel_allows_userfaultfd, program, run};
use unfold_tests::status::Status;
use unfold_tests::tools::{gnu_linker, tested_linker, unfold_command};
use unfold_tests::trouble::{Mounted, all_below, words_for_linker};

/// A program and its twin, linked by GNU ld, in a folder that other users can reach.
struct Pair {
    folder: PathBuf,
}

/// How a program is started: the pager that is asked for, and other variables.
const WAYS: [(&str, &[(&str, &str)]); 5] = [
    ("auto", &[("UNFOLD_KEEP", "off")]),
    ("auto", &[("UNFOLD_BACKGROUND", "off")]),
    ("signal", &[("UNFOLD_KEEP", "off")]),
    ("eager", &[]),
    ("auto", &[]),
];

/// All launches in which everything is lazy.
const LAZY: &[(&str, &str)] = &[("UNFOLD_KEEP", "off")];

impl Pair {
    fn new(name: &str) -> Option<Pair> {
        Pair::linked(name, &[])
    }

    fn linked(name: &str, words: &[&str]) -> Option<Pair> {
        unfold_command()?;
        let folder = std::env::temp_dir().join(format!("unfold-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let pair = Pair { folder };
        pair.link_into(&pair.folder, name, words);
        Some(pair)
    }

    fn link_into(&self, folder: &Path, name: &str, words: &[&str]) {
        let project = Project::new(&format!("confined/{name}"));
        project.write("main.c", include_str!("fixtures/confined.c"));
        project.compile_with("main.c", &["-O1"]);
        let [twin, app] = ["twin", "app"].map(|name| folder.join(name).to_str().unwrap().to_owned());
        let gnu = format!("-B{}", gnu_linker().search_dir.display());
        project.tool("gcc", &[&[gnu.as_str(), "main.o", "-o", &twin], words].concat());
        project.set_env("UNFOLD_BACKGROUND", "off");
        project.link(&[&["main.o", "-o", &app], words].concat());
    }

    fn give_to(&self, user: u32) {
        let mut command = Command::new("chown");
        command.args(["-R", &user.to_string()]).arg(&self.folder);
        assert!(command.status().unwrap().success());
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Runs both in each way, confined by the same steps: they do the same.
    fn compare(&self, arguments: &[&str], steps: impl Fn() -> Vec<Step>) {
        self.compare_or_refuse(arguments, steps, false);
    }

    /// The same where ours may be refused.
    fn compare_or_refuse(&self, arguments: &[&str], steps: impl Fn() -> Vec<Step>, may_refuse: bool) {
        let twin = outcome_of(&self.path("twin"), arguments, &[], steps());
        for (pager, variables) in WAYS {
            let variables = [&[("UNFOLD_PAGER", pager)], variables].concat();
            let ours = outcome_of(&self.path("app"), arguments, &variables, steps());
            if may_refuse && ours.ending == Ending::Exit(127) {
                assert_refused(&ours);
            } else {
                assert_eq!(ours.difference_from(&twin), None, "{variables:?}: {ours:?}");
            }
        }
    }

    /// The pager that a launch takes in which everything is lazy.
    fn pager(&self, steps: Vec<Step>) -> String {
        outcome_of(&self.path("app"), &[], LAZY, steps);
        let status = Status::of(unfold_command().expect("it is tested"), &self.path("app"));
        status.last_run.expect("there was a run").pager
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).ok();
    }
}

fn outcome_of(app: &Path, arguments: &[&str], variables: &[(&str, &str)], steps: Vec<Step>) -> Outcome {
    let mut command = program(app);
    command.args(arguments).envs(variables.iter().copied());
    confine(&mut command, steps);
    run(&mut command, b"").unwrap_or_else(|error| panic!("{error}"))
}

/// One line, and nothing else.
fn assert_refused(outcome: &Outcome) {
    assert_eq!(outcome.ending, Ending::Exit(127), "{outcome:?}");
    assert_eq!(outcome.stderr_text().lines().count(), 1, "{outcome:?}");
    assert!(outcome.stderr_text().contains("app: unfold: "), "{outcome:?}");
    assert!(outcome.stdout.is_empty(), "{outcome:?}");
}

fn is_root() -> bool {
    // SAFETY: a system call without arguments.
    let root = unsafe { libc::geteuid() } == 0;
    if !root {
        println!("left out: only root can confine programs like that");
    }
    root
}

#[test]
fn userfaultfd_is_forbidden() {
    let Some(pair) = Pair::new("no-userfaultfd") else { return };
    for error in [libc::EPERM, libc::ENOSYS] {
        let filter = || vec![forbidden(&[always(libc::SYS_userfaultfd, error)])];
        pair.compare(&[], filter);
        assert_eq!(pair.pager(filter()), "signal", "error {error}");
        let asked = [LAZY, &[("UNFOLD_PAGER", "uffd")]].concat();
        assert_refused(&outcome_of(&pair.path("app"), &[], &asked, filter()));
    }
}

#[test]
fn a_container_with_the_usual_filter() {
    let Some(pair) = Pair::new("container") else { return };
    pair.compare(&[], || vec![as_in_a_container()]);
    assert_eq!(pair.pager(vec![as_in_a_container()]), "signal");
}

#[test]
fn no_new_privileges() {
    let Some(pair) = Pair::new("no-new-privileges") else { return };
    pair.compare(&[], || vec![Step::NoNewPrivileges]);
}

#[test]
fn memory_may_not_become_executable() {
    let Some(pair) = Pair::new("write-or-execute") else { return };
    pair.compare(&[], || vec![write_or_execute()]);
    pair.compare(&[], || vec![Step::DenyWriteExecute]);
    assert_eq!(pair.pager(vec![write_or_execute()]), "signal");
    if kernel_allows_userfaultfd() {
        let asked = [LAZY, &[("UNFOLD_PAGER", "uffd")]].concat();
        assert_refused(&outcome_of(&pair.path("app"), &[], &asked, vec![write_or_execute()]));
    }
}

#[test]
fn no_memory_is_writable_and_executable() {
    let Some(pair) = Pair::new("maps") else { return };
    pair.compare(&["maps"], Vec::new);
}

#[test]
fn a_read_only_file_system() {
    if !is_root() {
        return;
    }
    let Some(pair) = Pair::new("read-only") else { return };
    let folder = text(&pair.folder);
    pair.compare(&[], || vec![Step::OwnMounts, Step::Remount(folder.clone(), libc::MS_RDONLY)]);
}

#[test]
fn a_file_system_from_which_nothing_is_executed() {
    if !is_root() {
        return;
    }
    let Some(pair) = Pair::new("noexec") else { return };
    let index = text(pair.path(".unfold"));
    pair.compare(&[], || vec![Step::OwnMounts, Step::Remount(index.clone(), libc::MS_NOEXEC)]);
}

#[test]
fn the_file_system_is_full() {
    if !is_root() {
        return;
    }
    let Some(pair) = Pair::new("full") else { return };
    let disk = pair.path("disk");
    let Some(_mounted) = Mounted::memory(&disk, 32 << 20) else {
        println!("left out: nothing can be mounted");
        return;
    };
    let filler = disk.join("filler");
    for free in [0, 4 << 10, 64 << 10, 1 << 20] {
        for name in [".unfold", "app", "twin"] {
            drop(fs::remove_dir_all(disk.join(name)).or_else(|_| fs::remove_file(disk.join(name))));
        }
        pair.link_into(&disk, "full-disk", &[]);
        let mut room = fs::File::create(&filler).unwrap();
        // Until there is no more, and then as much back as is to be free.
        while room.write_all(&[1; 4096]).is_ok() {}
        let len = room.metadata().unwrap().len();
        room.set_len(len.saturating_sub(free)).unwrap();
        drop(room);
        let twin = outcome_of(&disk.join("twin"), &[], &[], vec![]);
        assert!(twin.stdout_text().ends_with("last 39\n"), "{twin:?}");
        for (pager, variables) in WAYS {
            let variables = [&[("UNFOLD_PAGER", pager)], variables].concat();
            let ours = outcome_of(&disk.join("app"), &[], &variables, vec![]);
            assert_eq!(ours.difference_from(&twin), None, "{free} bytes, {variables:?}: {ours:?}");
        }
        fs::remove_file(&filler).unwrap();
    }
}

#[test]
fn little_memory_for_a_control_group() {
    if !is_root() {
        return;
    }
    let Some(pair) = Pair::new("group") else { return };
    let name = format!("unfold-test-{}", std::process::id());
    let kinds = [("memory", "memory.limit_in_bytes"), ("", "memory.max")];
    let group = kinds.iter().find_map(|(kind, limit)| {
        let group = Path::new("/sys/fs/cgroup").join(kind).join(&name);
        fs::create_dir(&group).ok()?;
        let limited = fs::write(group.join(limit), "16777216");
        limited.inspect_err(|_| drop(fs::remove_dir(&group))).ok().map(|()| group)
    });
    let Some(group) = group else {
        println!("left out: there is no control group for memory");
        return;
    };
    let processes = text(group.join("cgroup.procs"));
    let compared = std::panic::catch_unwind(|| pair.compare(&[], || vec![Step::Group(processes.clone())]));
    fs::remove_dir(&group).ok();
    compared.unwrap();
}

#[test]
fn limits() {
    let Some(pair) = Pair::new("limits") else { return };
    // What the loader itself needs may be more than there is: the first of the descriptors.
    let limits: &[(u32, &[u64], &[u64])] = &[
        (libc::RLIMIT_NOFILE, &[6, 7, 8, 9, 12, 16, 20], &[3, 4, 5]),
        (libc::RLIMIT_FSIZE, &[0, 100, 4096], &[]),
        (libc::RLIMIT_AS, &[32 << 20, 64 << 20, 256 << 20], &[]),
        (libc::RLIMIT_DATA, &[4 << 20, 16 << 20], &[]),
        (libc::RLIMIT_STACK, &[64 << 10, 1 << 20, libc::RLIM_INFINITY], &[]),
        (libc::RLIMIT_MEMLOCK, &[0], &[]),
        (libc::RLIMIT_CORE, &[0], &[]),
        (libc::RLIMIT_CPU, &[60], &[]),
    ];
    for (resource, enough, little) in limits {
        for value in *enough {
            println!("limit {resource}: {value}");
            pair.compare(&[], || vec![Step::Limit(*resource, *value)]);
        }
        for value in *little {
            println!("limit {resource}: {value}");
            pair.compare_or_refuse(&[], || vec![Step::Limit(*resource, *value)], true);
        }
    }
}

#[test]
fn less_address_space_than_the_program_takes() {
    let Some(pair) = Pair::new("address-space") else { return };
    for bytes in [64 << 10, 512 << 10, 1 << 20] {
        for (pager, variables) in WAYS {
            let variables = [&[("UNFOLD_PAGER", pager)], variables].concat();
            let steps = vec![Step::Limit(libc::RLIMIT_AS, bytes)];
            let mut command = program(pair.path("app"));
            confine(command.envs(variables.iter().copied()), steps);
            // The kernel may refuse to start anything there.
            if let Ok(ours) = run(&mut command, b"")
                && ours.ending != Ending::Signal(libc::SIGKILL)
                && ours.ending != Ending::Signal(libc::SIGSEGV)
            {
                println!("{bytes} bytes, {variables:?}: {ours:?}");
                assert_refused(&ours);
            }
        }
    }
}

/// What the loader writes for a first touch is not what the limit is meant for.
#[test]
fn a_program_forbids_itself_to_write_files() {
    let Some(pair) = Pair::new("own-limit") else { return };
    pair.compare(&["limit"], Vec::new);
}

#[test]
fn descriptors_are_closed() {
    let Some(pair) = Pair::new("descriptors") else { return };
    // Where there is no stderr its number is free for a file of the index, and nothing may be said there.
    let loudly = [("UNFOLD_LOG", "1"), ("UNFOLD_BACKGROUND", "off")];
    for closed in [&[0][..], &[1], &[2], &[0, 2], &[0, 1, 2]] {
        println!("closed {closed:?}");
        pair.compare(&["last"], || vec![Step::Close(closed.to_vec())]);
        let twin = outcome_of(&pair.path("twin"), &["last"], &[], vec![Step::Close(closed.to_vec())]);
        for _ in 0..2 {
            let ours = outcome_of(&pair.path("app"), &["last"], &loudly, vec![Step::Close(closed.to_vec())]);
            assert_eq!((ours.ending, ours.stdout), (twin.ending, twin.stdout.clone()), "closed {closed:?}");
        }
        for path in all_below(&pair.path(".unfold")).into_iter().filter(|path| path.is_file()) {
            let has_lines = fs::read(&path).unwrap().windows(13).any(|bytes| bytes == b"app: unfold: ");
            assert!(!has_lines, "closed {closed:?}: lines for stderr are in {}", path.display());
        }
    }
}

#[test]
fn a_link_without_descriptors_or_environment() {
    let Some(pair) = Pair::new("bare-link") else { return };
    let project = Project::new("confined/bare-link-words");
    project.write("main.c", include_str!("fixtures/confined.c"));
    project.compile_with("main.c", &["-O1"]);
    let words = words_for_linker(&project, &["main.o", "-o", pair.path("app").to_str().unwrap()]);
    for closed in [&[][..], &[0], &[1], &[2], &[0, 1, 2]] {
        drop(fs::remove_dir_all(pair.path(".unfold")));
        let mut command = Command::new(&tested_linker().ld);
        command.args(&words).current_dir(project.path("")).env_clear();
        confine(&mut command, vec![Step::Close(closed.to_vec())]);
        let outcome = run(&mut command, b"").unwrap();
        assert!(outcome.succeeded() && outcome.stderr.is_empty(), "closed {closed:?}: {outcome:?}");
        pair.compare(&[], Vec::new);
    }
}

#[test]
fn arguments_and_environment() {
    let Some(pair) = Pair::new("arguments") else { return };
    let word = |word: &str| CString::new(word).unwrap();
    let large: Vec<CString> = (0..20).map(|n| word(&format!("V{n}={}", "x".repeat(100_000)))).collect();
    let settings = |way: usize| -> Vec<CString> {
        let (pager, variables) = WAYS[way];
        let all = [&[("UNFOLD_PAGER", pager)], variables].concat();
        all.iter().map(|(name, value)| word(&format!("{name}={value}"))).collect()
    };
    let cases: [(&[&str], &[CString]); 4] =
        [(&[], &[]), (&[""], &[]), (&["name"], &large), (&["name", "last"], &[])];
    for (arguments, environment) in cases {
        let begin = |app: &str, more: Vec<CString>| {
            let mut command = program(pair.path(app));
            let step = Step::Become {
                path: text(pair.path(app)),
                arguments: arguments.iter().map(|argument| word(argument)).collect(),
                environment: [environment, &more].concat(),
            };
            confine(&mut command, vec![Step::Limit(libc::RLIMIT_STACK, 64 << 20), step]);
            run(&mut command, b"").unwrap_or_else(|error| panic!("{error}"))
        };
        let twin = begin("twin", vec![]);
        // Without any variable, and in each way.
        for more in std::iter::once(vec![]).chain((0..WAYS.len()).map(settings)) {
            let ours = begin("app", more.clone());
            assert_eq!(ours.difference_from(&twin), None, "{arguments:?} {more:?}: {ours:?}");
        }
    }
}

#[test]
fn few_processes() {
    if !is_root() {
        return;
    }
    let Some(pair) = Pair::new("few-processes") else { return };
    // Root has no such limit, and others have one each: this user runs nothing else.
    const LONELY: u32 = 64_123;
    pair.give_to(LONELY);
    pair.compare(&[], || vec![Step::Limit(libc::RLIMIT_NPROC, 1), Step::User(LONELY)]);
}

#[test]
fn an_unprivileged_user() {
    if !is_root() {
        return;
    }
    let Some(pair) = Pair::new("unprivileged") else { return };
    pair.give_to(NOBODY);
    pair.compare(&[], || vec![Step::User(NOBODY)]);
    // Without privileges, for faults in user mode alone.
    let expected = if kernel_allows_userfaultfd() { "uffd" } else { "signal" };
    assert_eq!(pair.pager(vec![Step::User(NOBODY)]), expected);
    pair.compare(&[], || vec![Step::User(NOBODY), as_in_a_container()]);
    assert_eq!(pair.pager(vec![Step::User(NOBODY), as_in_a_container()]), "signal");
}

#[test]
fn a_root_without_proc_dev_and_sys() {
    if !is_root() {
        return;
    }
    for (name, words) in [("bare-root", &[][..]), ("bare-root-static", &["-static"])] {
        let Some(pair) = Pair::linked(name, words) else { return };
        let root = pair.path("root");
        let inside = |path: &Path| root.join(path.strip_prefix("/").expect("an absolute path"));
        // The C library, where the dynamic linker finds it.
        let shown: Vec<PathBuf> =
            [&*pair.folder, Path::new("/lib"), Path::new("/lib64"), Path::new("/usr/lib")]
                .into_iter()
                .filter(|path| path.exists())
                .map(Path::to_owned)
                .collect();
        shown.iter().for_each(|path| fs::create_dir_all(inside(path)).unwrap());
        let steps = || {
            let bind = |path: &PathBuf| Step::Bind(text(path), text(inside(path)));
            let mut steps = vec![Step::OwnMounts];
            // The folder of the pair, last: the root is in it.
            steps.extend(shown.iter().rev().map(bind));
            steps.push(Step::Root(text(&root)));
            steps
        };
        pair.compare(&[], steps);
        pair.compare(&[], || {
            let more = [Step::Folder(c"/".into()), Step::User(NOBODY), as_in_a_container()];
            steps().into_iter().chain(more).collect()
        });
    }
}
