//#Modes: pie nopie
//#StderrHas: has overflowed its stack
//#Signal: 6
// The standard library's own SIGSEGV handler, on its own alternate stack, sees the overflow. Its message
// names the thread by a number that differs from run to run, so a thread of ours has a name.
use std::hint::black_box;

fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    if depth == u64::MAX {
        0
    } else {
        recurse(depth + 1) + frame[0]
    }
}

fn main() {
    let thread = std::thread::Builder::new().name("deep".into()).spawn(|| black_box(recurse(0)));
    thread.unwrap().join().unwrap();
}
