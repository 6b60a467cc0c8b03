//#Modes: pie
//#Flags: -g
use std::cell::Cell;
use std::sync::mpsc;
thread_local! { static OF_THREAD: Cell<u32> = const { Cell::new(9) }; }
#[inline(never)]
fn in_thread(number: u32, text: &str) -> u32 {
    OF_THREAD.with(|of_thread| of_thread.set(number));
    let product = number * 3;
    product + text.len() as u32
}
#[inline(never)]
fn joined(sum: u32) -> u32 {
    sum + 1
}
fn main() {
    let mut sum = 0;
    for number in 0..3 {
        let (send, receive) = mpsc::channel();
        let builder = std::thread::Builder::new().name(format!("worker{number}"));
        let thread = builder.spawn(move || send.send(in_thread(number, "text")).unwrap()).unwrap();
        sum += receive.recv().unwrap();
        thread.join().unwrap();
    }
    println!("{}", joined(sum));
}
