//#Modes: pie
//#Flags: -g
use std::collections::HashMap;

#[derive(Debug, Clone)]
enum Shape {
    Circle(f64),
    Rectangle { width: u32, height: u32 },
    Nothing,
}

trait Area {
    fn area(&self) -> f64;
}

impl Area for Shape {
    fn area(&self) -> f64 {
        match self {
            Shape::Circle(radius) => radius * radius * 3.0,
            Shape::Rectangle { width, height } => f64::from(width * height),
            Shape::Nothing => 0.0,
        }
    }
}

static COUNTER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(17);

struct Pair<T> {
    left: T,
    right: Option<T>,
}

impl<T: Clone> Pair<T> {
    #[inline(never)]
    fn both(&self) -> Vec<T> {
        let mut all = vec![self.left.clone()];
        all.extend(self.right.clone());
        all
    }
}

#[inline(never)]
fn stop_here(numbers: &[i32], text: &str, shape: &Shape) -> f64 {
    let sum: i32 = numbers.iter().sum();
    let areas: f64 = shape.area();
    areas + f64::from(sum) + text.len() as f64
}

fn main() {
    let shapes = vec![Shape::Circle(2.0), Shape::Rectangle { width: 3, height: 4 }, Shape::Nothing];
    let text = String::from("some text");
    let tuple = (1u8, 'x', Some(3i64), None::<i32>);
    let boxed: Box<dyn Area> = Box::new(Shape::Circle(1.0));
    let map: HashMap<i32, &str> = [(1, "one")].into_iter().collect();
    let pair = Pair { left: 5, right: Some(6) };
    let result = stop_here(&[1, 2, 3], &text, &shapes[1]);
    let both = pair.both();
    COUNTER.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    println!("{result} {both:?} {} {} {tuple:?}", boxed.area(), map.len());
}
