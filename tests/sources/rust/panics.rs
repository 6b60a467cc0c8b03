//#Flags: -Cdebuginfo=0
//#Modes: pie nopie static
//#Stdout: caught: index out of bounds: the len is 3 but the index is 7
//#Stdout: caught: attempt to add with overflow
//#Stdout: caught: explicit 5
//#Stdout: dropped 3 values
//#Stdout: thread panicked: in a thread
//#StderrHas: panicked at
// Panics unwind, run destructors and are caught, in the main thread and in others.
use std::cell::Cell;
use std::hint::black_box;
use std::panic;

struct Guard<'a>(&'a Cell<u32>);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

fn message(payload: Box<dyn std::any::Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast::<&str>().map_or("unknown".into(), |text| text.to_string()),
    }
}

fn descend(depth: u32, drops: &Cell<u32>) {
    let _guard = Guard(drops);
    if depth == 1 {
        panic!("explicit {}", 5);
    }
    descend(depth - 1, drops);
}

fn main() {
    let numbers = [1, 2, 3];
    let result = panic::catch_unwind(|| numbers[black_box(7)]);
    println!("caught: {}", message(result.unwrap_err()));
    let result = panic::catch_unwind(|| black_box(u8::MAX) + black_box(1));
    println!("caught: {}", message(result.unwrap_err()));
    let drops = Cell::new(0);
    let result = panic::catch_unwind(panic::AssertUnwindSafe(|| descend(3, &drops)));
    println!("caught: {}", message(result.unwrap_err()));
    println!("dropped {} values", drops.get());
    let result =
        std::thread::Builder::new().name("worker".into()).spawn(|| panic!("in a thread")).unwrap().join();
    println!("thread panicked: {}", message(result.unwrap_err()));
}
