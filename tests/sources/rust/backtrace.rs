//#Flags: -Cdebuginfo=0
//#Modes: pie nopie
//#Stdout: the innermost function is named: yes
//#Stdout: the outer function is named: yes
//#Stdout: main is named: yes
// The standard library finds the executable by its first mapping, opens it, and reads its symbols.
use std::backtrace::Backtrace;
use std::hint::black_box;

#[inline(never)]
fn innermost_function() -> String {
    Backtrace::force_capture().to_string()
}

#[inline(never)]
fn outer_function() -> String {
    let text = innermost_function();
    black_box(text)
}

fn main() {
    let text = black_box(outer_function());
    let named = |name: &str| if text.contains(name) { "yes" } else { "no" };
    println!("the innermost function is named: {}", named("innermost_function"));
    println!("the outer function is named: {}", named("outer_function"));
    println!("main is named: {}", named("::main"));
}
