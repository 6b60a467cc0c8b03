//! What the end-to-end tests share.
//!
//! | file | comes in | goes out |
//! |---|---|---|
//! | `directives` | the head of a test program | what to compile, how to link it, what it must do |
//! | `tools` | the environment | where `ld.unfold`, `unfold`, GNU ld and the compilers are |
//! | `build` | a program and a mode | objects, libraries, and one executable for each linker |
//! | `run` | an executable and its surroundings | an `Outcome`: stdout, stderr and how it ended |
//! | `project` | a test's own sources | a directory to edit, link and run in, again and again |
//! | `status` | an executable | what `unfold status --json` says about it |
//! | `three_objects` | a name | the small program that tests of relinking edit |
//! | `faults` | a command | the same, of which one system call that writes fails, or is the last |
//! | `storage` | a command | the same, hit by each of these faults in turn, and what must hold then |
//! | `trouble` | a command | full disks, limits, and kill -9 |
//! | `confine` | a command | another user, forbidden system calls, limits, another view of the file system |
//! | `ways` | | the states in which somebody may meet an executable, with a debugger or a profiler in hand |
//! | `twins` | sources and words of a link | a program by GNU ld and by unfold, of which tools must show the same |
//! | `started` | a command | a program that is ready and waits |
//! | `transcript` | what a tool shows of a program and of its twin | how it differs |
//! | `random` | a seed | the same numbers in every run of the tests |
//!
//! Nothing here measures time. The one deadline, in `run`, exists to turn a hang into a failure.

pub mod build;
pub mod confine;
pub mod directives;
pub mod faults;
pub mod project;
pub mod random;
pub mod run;
pub mod started;
pub mod status;
pub mod storage;
pub mod three_objects;
pub mod tools;
pub mod transcript;
pub mod trouble;
pub mod twins;
pub mod ways;
