//! One index for many outputs: what they have in common is read once, links that run at the same time do not wait
//! for each other, and none of them needs the database.

use std::fs;
use std::os::fd::AsRawFd;
use std::process::{Child, Stdio};

use unfold_tests::project::Project;
use unfold_tests::three_objects::reindexed;
use unfold_tests::tools::remove_folder;
use unfold_tests::trouble::{linker, outcome, words_for_linker};

const MEMBERS: usize = 30;

/// A project with two archives, and programs that use some of their members each.
fn many_programs(name: &str, programs: usize) -> Project {
    let project = Project::new(name);
    for library in ["one", "two"] {
        let mut objects = Vec::new();
        for number in 0..MEMBERS / 2 {
            let text = format!("int {library}_{number}(int x) {{ return x * 10 + {number}; }}\n");
            project.edit(&format!("{library}_{number}.c"), &text);
            objects.push(format!("{library}_{number}.o"));
        }
        let archive = format!("lib{library}.a");
        let words: Vec<&str> =
            ["rcs", &archive].into_iter().chain(objects.iter().map(String::as_str)).collect();
        project.tool("ar", &words);
        objects.iter().for_each(|object| project.remove(object));
    }
    for program in 0..programs {
        let mut text = "#include <stdio.h>\n".to_owned();
        let mut sum = format!("{program}");
        for number in 0..MEMBERS / 2 {
            for library in ["one", "two"] {
                text.push_str(&format!("int {library}_{number}(int);\n"));
                sum.push_str(&format!(" + {library}_{number}({program})"));
            }
        }
        text.push_str(&format!("int main(void) {{ printf(\"%d\\n\", {sum}); return 0; }}\n"));
        project.edit(&format!("main{program}.c"), &text);
    }
    project
}

fn expected(program: usize) -> String {
    let sum: usize = (0..MEMBERS / 2).map(|number| 2 * (program * 10 + number)).sum();
    format!("{}\n", program + sum)
}

fn words(project: &Project, program: usize, output: &str) -> Vec<String> {
    words_for_linker(project, &[&format!("main{program}.o"), "libone.a", "libtwo.a", "-o", output])
}

#[test]
fn fifty_programs_read_their_archives_once() {
    let project = many_programs("sharing/fifty", 50);
    for program in 0..50 {
        let app = format!("app{program}");
        let result = outcome(&mut linker(&project, &words(&project, program, &app)));
        assert!(result.succeeded(), "{result:?}");
        let Some(status) = project.status(&app) else { return };
        let mut read = reindexed(&status);
        // What the compiler adds is read by the first one too.
        read.retain(|name| name.starts_with("main") || name.contains('('));
        let own = format!("main{program}.o");
        if program == 0 {
            assert!(read.len() > MEMBERS, "{status:?}");
        } else {
            assert_eq!(read, [own], "{status:?}");
        }
        assert_eq!(project.output(&app, &[]), expected(program));
    }
}

#[test]
fn ten_links_at_once() {
    let project = many_programs("sharing/ten", 10);
    let all: Vec<Vec<String>> =
        (0..10).map(|program| words(&project, program, &format!("app{program}"))).collect();
    let link_all = |all: &[Vec<String>]| {
        let start = |words: &Vec<String>| linker(&project, words).stdin(Stdio::null()).spawn().unwrap();
        let mut children: Vec<Child> = all.iter().map(start).collect();
        children.iter_mut().for_each(|child| assert!(child.wait().unwrap().success()));
    };
    // Nothing is known.
    link_all(&all);
    for program in 0..10 {
        assert_eq!(project.output(&format!("app{program}"), &[]), expected(program));
    }
    // Everything is known, of other outputs.
    let others: Vec<Vec<String>> =
        (0..10).map(|program| words(&project, program, &format!("other{program}"))).collect();
    let know_everything = || {
        link_all(&others);
        let mut all_known = 0;
        for program in 0..10 {
            let other = format!("other{program}");
            assert_eq!(project.output(&other, &[]), expected(program));
            all_known += usize::from(project.status(&other).is_none_or(|status| status.reindexed.is_empty()));
            project.remove(&other);
        }
        remove_folder(&project.path(".unfold/outputs")).unwrap();
        all_known >= 5
    };
    // Links wait for the database, but not for ever: on a machine that is busy with other things some of them go on
    // without, now and then.
    assert!((0..10).any(|_| know_everything()), "half of the links read what others have read");
    link_all(&all);
    link_all(&others);
    // And again, with one object changed for all.
    project.edit("one_3.c", "int one_3(int x) { return x * 10 + 1003; }\n");
    project.tool("ar", &["r", "libone.a", "one_3.o"]);
    link_all(&others);
    for program in 0..10 {
        let other = format!("other{program}");
        let sum = expected(program).trim().parse::<usize>().unwrap() + 1000;
        assert_eq!(project.output(&other, &[]), format!("{sum}\n"));
        assert_eq!(project.output(&format!("app{program}"), &[]), expected(program));
    }
}

#[test]
fn a_link_does_without_the_database() {
    let project = many_programs("sharing/without", 3);
    let link = |program: usize| {
        let words = words(&project, program, &format!("app{program}"));
        let result = outcome(&mut linker(&project, &words));
        assert!(result.succeeded() && result.stderr.is_empty(), "{result:?}");
        assert_eq!(project.output(&format!("app{program}"), &[]), expected(program));
    };
    link(0);
    if project.status("app0").is_none() {
        return;
    }
    {
        let taken =
            fs::File::options().read(true).write(true).open(project.path(".unfold/records/db")).unwrap();
        // SAFETY: a descriptor of ours.
        assert_eq!(unsafe { libc::flock(taken.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) }, 0);
        link(1);
        assert!(project.status("app1").unwrap().reindexed.len() > MEMBERS);
        link(0);
    }
    // And what is not a database is replaced by one.
    for contents in [&b""[..], b"something else", &[0xff; 100_000]] {
        for name in ["db", "conf"] {
            fs::write(project.path(".unfold/records").join(name), contents).unwrap();
            project.remove("app1");
            remove_folder(&project.path(".unfold/outputs")).unwrap();
            link(1);
            link(2);
            let read = reindexed(&project.status("app2").unwrap());
            assert!(read.is_empty() || read == ["main2.o"], "{name}: {read:?}");
        }
    }
}
