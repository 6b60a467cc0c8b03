//#Modes: pie nopie
//#Exit: 3
//#StderrHas: Error: "something is wrong"
use std::process::{ExitCode, Termination};

struct Failure;
impl Termination for Failure {
    fn report(self) -> ExitCode {
        eprintln!("Error: {:?}", "something is wrong");
        ExitCode::from(3)
    }
}

fn main() -> Failure {
    Failure
}
