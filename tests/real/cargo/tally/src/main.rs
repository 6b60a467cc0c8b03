//! Counts words in parallel, catches panics, and prints the frames of its own that a backtrace names.
//! The output is the same in every run.

use rayon::prelude::*;
use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::panic::{catch_unwind, AssertUnwindSafe};
use words::Tally;

thread_local! {
    static NOTES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

struct Noisy(&'static str);

impl Drop for Noisy {
    fn drop(&mut self) {
        println!("dropped {}", self.0);
    }
}

fn main() {
    // The default hook prints the number of the thread, which differs from run to run.
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|l| l.line()).unwrap_or(0);
        eprintln!("panic in line {place}: {}", info.payload_as_str().unwrap_or("?"));
    }));
    count();
    panics();
    threads();
    words::outer_frame(frames);
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    println!("{arguments:?}");
    match arguments.first().map(String::as_str) {
        Some("panic") => panic!("at the end"),
        Some("abort") => std::process::abort(),
        _ => std::process::exit(arguments.len() as i32),
    }
}

fn count() {
    let parts: Vec<String> = (0..400)
        .map(|i| format!("Part {i} of a text\nwhich isn't long: word{} and WORD{}\n", i % 7, (i * i) % 11))
        .collect();
    let total = parts.par_iter().map(|text| Tally::of(text)).reduce(Tally::default, Tally::merge);
    let json = serde_json::to_string_pretty(&total).expect("a tally can be written");
    println!("{json}");
    let back: Tally = serde_json::from_str(&json).expect("and read again");
    println!("round trip: {}", back == total);
    println!("{}", serde_json::from_str::<Tally>("{\"lines\": \"three\"}").unwrap_err());

    let mut numbers: Vec<u64> = (0..50_000u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40).collect();
    numbers.par_sort_unstable();
    println!("{} {} {}", numbers[0], numbers[25_000], numbers.par_iter().sum::<u64>());
    std::fs::write("tally.json", json).expect("the folder can be written to");
}

fn panics() {
    let caught = catch_unwind(|| {
        let _noisy = Noisy("while unwinding");
        dig(30)
    });
    println!("{:?}", caught.unwrap_err().downcast_ref::<String>());
    let index = std::hint::black_box(7);
    println!("{}", catch_unwind(|| [1, 2, 3][index]).is_err());
    println!("{}", catch_unwind(AssertUnwindSafe(|| None::<u8>.expect("nothing here"))).is_err());
    let in_pool = catch_unwind(|| (0..100).into_par_iter().for_each(|i| assert_ne!(i, 57, "not this one")));
    println!("{}", in_pool.is_err());
}

#[inline(never)]
fn dig(depth: u32) -> u32 {
    let held = vec![depth; 3];
    if depth == 0 {
        panic!("hit the bottom with {}", held.len());
    }
    dig(depth - 1) + held[0]
}

fn threads() {
    let joined = std::thread::spawn(|| {
        let _noisy = Noisy("in a thread");
        NOTES.with_borrow_mut(|notes| notes.push("thread".into()));
        panic!("a thread panics");
    })
    .join();
    NOTES.with_borrow(|notes| println!("{} {}", joined.is_err(), notes.len()));
    let sums: Vec<u64> = std::thread::scope(|scope| {
        let workers: Vec<_> = (1..=4u64).map(|n| scope.spawn(move || (0..10_000 * n).sum())).collect();
        workers.into_iter().map(|w| w.join().unwrap()).collect()
    });
    println!("{sums:?}");
}

#[inline(never)]
fn frames() {
    let text = Backtrace::force_capture().to_string();
    for line in text.lines() {
        // `  12: words::outer_frame` and, where line tables are found, `at ./words/src/lib.rs:47:18`.
        let line = line.trim();
        let name = line.split_once(": ").map_or(line, |(_, name)| name);
        if name.starts_with("words::") || name.starts_with("tally::") {
            println!("frame {name}");
        } else if let Some(file) = line.strip_prefix("at ").filter(|f| f.contains("/words/src/") || f.contains("/tally/src/")) {
            println!("      {}", file.rsplit('/').take(3).collect::<Vec<_>>().join(" in "));
        }
    }
}
