//#Modes: pie nopie static static-pie
//#Stdout: hello from Rust
fn main() {
    println!("hello from Rust");
}
