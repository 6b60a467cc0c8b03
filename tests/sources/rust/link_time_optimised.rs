//#Flags: -O -Clto=fat -Ccodegen-units=1
//#Modes: pie
//#Stdout: [1, 1, 2, 3, 5, 8]
// rustc's own link-time optimisation leaves one large object to the linker.
fn main() {
    let mut numbers = vec![1, 1];
    while numbers.len() < 6 {
        numbers.push(numbers[numbers.len() - 1] + numbers[numbers.len() - 2]);
    }
    println!("{numbers:?}");
}
