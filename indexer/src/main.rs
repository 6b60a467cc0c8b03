//! argv in, exit status out.

use indexer::args::{self, Task};
use indexer::index::{access, gc};
use indexer::{HandOn, companion, complete, driver, hand_on, idle, say, settle, trouble};
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// A link is many short-lived tables on several threads. Without huge pages: to find and clear them takes longer than a
/// link is worth, and most of each would stay unused.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    access::keep_others_out();
    trouble::take_limits_as_errors();
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    if words.first().is_some_and(|word| word == gc::COMMAND) {
        idle::keep_standard_descriptors_alone();
        words.iter().skip(1).for_each(|index| gc::in_background(Path::new(index)));
        return ExitCode::SUCCESS;
    }
    if words.first().is_some_and(|word| word == complete::COMMAND) {
        let path = |number: usize| Path::new(words.get(number).map_or("".as_ref(), OsString::as_os_str));
        let done = complete::in_background(path(1), path(2));
        // The descriptor goes nowhere unless somebody has called this by hand.
        return done.map_or_else(|error| fail(&error), |()| ExitCode::SUCCESS);
    }
    if let [word, folder, output] = &words[..]
        && word == settle::COMMAND
    {
        // Called by the loader, which goes on if this fails.
        if let Err(error) = settle::for_debugger(Path::new(folder), Path::new(output))
            && std::env::var_os("UNFOLD_LOG").is_some()
        {
            say!("ld.unfold: {error:#}");
        }
        return ExitCode::SUCCESS;
    }
    if words.first().is_some_and(|word| word == companion::COMMAND) {
        // Called by a running program: what cannot be done is not its concern.
        if let Some(Err(error)) = words.get(1).map(|folder| companion::complete(Path::new(folder)))
            && std::env::var_os("UNFOLD_LOG").is_some()
        {
            say!("ld.unfold: {error:#}");
        }
        return ExitCode::SUCCESS;
    }
    let verbose = words.iter().any(|word| word == "--verbose");
    let task = match args::parse(words.clone()) {
        Ok(task) => task,
        Err(error) => return fail(&error),
    };
    let request = match task {
        Task::Print(text) => {
            // A reader that is gone has seen enough.
            std::io::stdout().write_all(text.as_bytes()).ok();
            return ExitCode::SUCCESS;
        }
        Task::HandOn(option) => return hand_on::run(&words, &option, verbose),
        // The process ends with the link: nothing is given back.
        Task::Link(request) => &*Box::leak(request),
    };
    match driver::link(request) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            driver::remove_output(&request.output);
            ExitCode::FAILURE
        }
        Err(error) => match error.downcast_ref::<HandOn>() {
            Some(HandOn(why)) => hand_on::run(&words, why, verbose),
            None => {
                if !trouble::is_of_machine(&error) {
                    driver::remove_output(&request.output);
                }
                fail(&error)
            }
        },
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    say!("ld.unfold: error: {error:#}");
    ExitCode::FAILURE
}
