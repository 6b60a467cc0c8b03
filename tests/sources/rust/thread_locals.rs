//#Modes: pie nopie static
//#Stdout: main 1
//#Stdout: thread 1
//#Stdout: dropped with 1
//#Stdout: main 2
use std::cell::Cell;

struct Counter(Cell<u32>);

impl Drop for Counter {
    fn drop(&mut self) {
        println!("dropped with {}", self.0.get());
    }
}

thread_local! {
    static PLAIN: Cell<u32> = const { Cell::new(0) };
    static WITH_DROP: Counter = const { Counter(Cell::new(0)) };
}

fn next() -> u32 {
    PLAIN.with(|plain| plain.set(plain.get() + 1));
    PLAIN.get()
}

fn main() {
    println!("main {}", next());
    std::thread::spawn(|| {
        WITH_DROP.with(|counter| counter.0.set(1));
        println!("thread {}", next());
    })
    .join()
    .unwrap();
    println!("main {}", next());
}
