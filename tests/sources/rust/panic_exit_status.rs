//#Modes: pie nopie
//#Stdout: before
//#StderrHas: nobody catches this
//#Exit: 101
fn main() {
    println!("before");
    panic!("nobody catches this");
}
