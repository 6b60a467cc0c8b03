//! The small program that most tests of relinking begin with, and what they ask of a relink.

use crate::project::Project;
use crate::status::Status;

const MAIN: &str = "#include <stdio.h>\nint a(void), b(void);\nint main(void) { printf(\"%d %d\\n\", a(), b()); return 0; }\n";

/// A project of three objects that prints what `a` and `b` return.
pub fn three_objects(name: &str) -> Project {
    let project = Project::new(name);
    project.edit("main.c", MAIN);
    project.edit("a.c", "int a(void) { return 1; }\n");
    project.edit("b.c", "int b(void) { return 2; }\n");
    project
}

pub const OBJECTS: &[&str] = &["main.o", "a.o", "b.o", "-o", "app"];

/// What was read again, as `path` or `path(member)` without directories.
pub fn reindexed(status: &Status) -> Vec<String> {
    let base = |path: &str| path.rsplit('/').next().expect("there is a last part").to_owned();
    status
        .reindexed
        .iter()
        .map(|entry| {
            assert!(!entry.reason.is_empty(), "a reason is given: {status:?}");
            match &entry.member {
                Some(member) => format!("{}({})", base(&entry.path), base(member)),
                None => base(&entry.path),
            }
        })
        .collect()
}

/// Checks what the last link has read again, and that it was a patch to the generation before.
pub fn assert_incremental(project: &Project, app: &str, expected: &[&str]) {
    if let Some(status) = project.status(app) {
        assert_eq!(reindexed(&status), expected, "{status:?}");
        assert!(status.incremental, "{status:?}");
        assert_eq!(status.why_full, None, "{status:?}");
    }
}
