//#Modes: pie nopie static
//#Stdout: sum 499500
//#Stdout: in order: 0 1 4 9 16 25 36 49
//#Stdout: mutex 8000
//#Stdout: scoped 10
use std::sync::{mpsc, Arc, Mutex};
use std::thread;

fn main() {
    let (sender, receiver) = mpsc::channel();
    for start in 0..10 {
        let sender = sender.clone();
        thread::spawn(move || (0..100).for_each(|i| sender.send(start * 100 + i).unwrap()));
    }
    drop(sender);
    println!("sum {}", receiver.iter().sum::<i32>());

    let squares: Vec<_> = (0..8).map(|i| thread::spawn(move || i * i)).collect();
    let squares: Vec<String> = squares.into_iter().map(|thread| thread.join().unwrap().to_string()).collect();
    println!("in order: {}", squares.join(" "));

    let counter = Arc::new(Mutex::new(0));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let counter = Arc::clone(&counter);
            thread::spawn(move || (0..1000).for_each(|_| *counter.lock().unwrap() += 1))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    println!("mutex {}", counter.lock().unwrap());

    let numbers = vec![1, 2, 3, 4];
    let mut total = 0;
    thread::scope(|scope| {
        scope.spawn(|| total = numbers.iter().sum());
    });
    println!("scoped {total}");
}
