//#Flags: -g
//#Modes: pie
//#Stdout: the line of the call is in the backtrace: yes
// With debug information, the backtrace has lines.
use std::backtrace::Backtrace;

#[inline(never)]
fn capture() -> String {
    Backtrace::force_capture().to_string()
}

fn main() {
    let (text, line) = (capture(), line!());
    let found = text.contains(&format!("backtrace_lines.rs:{line}"));
    println!("the line of the call is in the backtrace: {}", if found { "yes" } else { "no" });
}
