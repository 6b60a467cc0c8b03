//#Archive: libhelper.a = helper.c
//#Shared: libshared_helper.so = shared.c
//#Stdout: C adds: 5
//#Stdout: C calls back: 42
//#Stdout: the shared library says 77
//#Stdout: a variable of C: 9
// Rust and C in one program, in an archive and in a shared library.
extern "C" {
    fn c_add(a: i32, b: i32) -> i32;
    fn c_call(callback: extern "C" fn(i32) -> i32, x: i32) -> i32;
    fn shared_value() -> i32;
    static c_variable: i32;
}

extern "C" fn double(x: i32) -> i32 {
    x * 2
}

#[no_mangle]
extern "C" fn rust_part(x: i32) -> i32 {
    x + 1
}

fn main() {
    unsafe {
        println!("C adds: {}", c_add(2, 3));
        println!("C calls back: {}", c_call(double, 20));
        println!("the shared library says {}", shared_value());
        println!("a variable of C: {}", c_variable);
    }
}
