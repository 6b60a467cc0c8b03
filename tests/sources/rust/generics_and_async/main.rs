//#Flags: -Copt-level=1
//#Modes: pie nopie
//#Stdout: async: 42
//#Stdout: wakes: 3
// A small executor with wakers made from tables of functions.
use std::cell::Cell;
use std::future::Future;
use std::pin::{pin, Pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll, Wake};

struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct Yield(Cell<u32>);

impl Future for Yield {
    type Output = u32;
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        match self.0.get() {
            0 => Poll::Ready(14),
            left => {
                self.0.set(left - 1);
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

async fn three() -> u32 {
    let mut sum = 0;
    for _ in 0..3 {
        sum += Yield(Cell::new(1)).await;
    }
    sum
}

fn main() {
    let counter = Arc::new(Counter(AtomicUsize::new(0)));
    let waker = counter.clone().into();
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(three());
    let result = loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
            break result;
        }
    };
    println!("async: {result}");
    println!("wakes: {}", counter.0.load(Ordering::Relaxed));
}
