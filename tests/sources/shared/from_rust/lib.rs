use std::cell::Cell;
use std::ffi::{CStr, c_char};

#[no_mangle]
pub extern "C" fn rust_add(a: i32, b: i32) -> i32 {
    a + b
}

/// # Safety
/// `name` ends with a zero, `out` has room for `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn rust_greet(name: *const c_char, out: *mut c_char, size: usize) {
    let text = format!("hello, {}\0", CStr::from_ptr(name).to_string_lossy());
    let length = text.len().min(size);
    std::ptr::copy_nonoverlapping(text.as_ptr().cast(), out, length);
}

#[no_mangle]
pub extern "C" fn rust_catches() -> i32 {
    std::panic::set_hook(Box::new(|_| {}));
    let empty: Vec<i32> = Vec::new();
    let index = empty.len();
    std::panic::catch_unwind(|| empty[index]).is_err() as i32
}

#[no_mangle]
pub extern "C" fn rust_threads() -> i32 {
    let parts = (0..10).map(|part| std::thread::spawn(move || (part * 10..part * 10 + 10).sum::<i32>()));
    parts.collect::<Vec<_>>().into_iter().map(|thread| thread.join().unwrap()).sum()
}

thread_local! { static COUNT: Cell<i32> = const { Cell::new(0) } }

#[no_mangle]
pub extern "C" fn rust_local() -> i32 {
    COUNT.set(COUNT.get() + 1);
    COUNT.get()
}
