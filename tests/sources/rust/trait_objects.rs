//#Modes: pie nopie static
//#Flags: -O
//#Compiler: rustc
//#Stdout: circle 3.14, square 4.00
//#Stdout: static table: add 7, multiply 12
//#Stdout: nested statics: deep
//#Stdout: closures: 11 20
//#Stdout: any: an i32 of 5
// Tables of virtual functions and statics that point to functions and to other statics.
use std::any::Any;
use std::hint::black_box;

trait Shape {
    fn name(&self) -> &'static str;
    fn area(&self) -> f64;
}
struct Circle(f64);
struct Square(f64);
impl Shape for Circle {
    fn name(&self) -> &'static str {
        "circle"
    }
    fn area(&self) -> f64 {
        3.14159 * self.0 * self.0
    }
}
impl Shape for Square {
    fn name(&self) -> &'static str {
        "square"
    }
    fn area(&self) -> f64 {
        self.0 * self.0
    }
}

type Operation = (&'static str, fn(i32, i32) -> i32);
fn add(a: i32, b: i32) -> i32 {
    a + b
}
fn multiply(a: i32, b: i32) -> i32 {
    a * b
}
static OPERATIONS: &[Operation] = &[("add", add), ("multiply", multiply)];
static DEEP: &&&str = &&"deep";

fn main() {
    let shapes: Vec<Box<dyn Shape>> = vec![Box::new(Circle(1.0)), Box::new(Square(2.0))];
    let texts: Vec<String> =
        black_box(shapes).iter().map(|shape| format!("{} {:.2}", shape.name(), shape.area())).collect();
    println!("{}", texts.join(", "));
    let texts: Vec<String> =
        black_box(OPERATIONS).iter().map(|(name, operation)| format!("{name} {}", operation(3, 4))).collect();
    println!("static table: {}", texts.join(", "));
    println!("nested statics: {}", black_box(DEEP));
    let ten = black_box(10);
    let closures: [Box<dyn Fn(i32) -> i32>; 2] = [Box::new(move |x| x + ten), Box::new(move |x| x * ten * 2)];
    println!("closures: {} {}", closures[0](1), closures[1](1));
    let any: Box<dyn Any> = Box::new(5i32);
    println!("any: an i32 of {}", any.downcast_ref::<i32>().unwrap());
}
