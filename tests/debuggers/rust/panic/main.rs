//#Modes: pie
//#Flags: -g -Cpanic=unwind
mod deep {
    #[inline(never)]
    pub fn fails(values: &[i32], index: usize) -> i32 {
        values[index]
    }
}
#[inline(never)]
fn middle(index: usize) -> i32 {
    let values = [1, 2, 3];
    deep::fails(&values, index) + 1
}
fn main() {
    let caught = std::panic::catch_unwind(|| middle(5));
    println!("{}", caught.is_err());
    let left = middle(1);
    println!("{left}");
}
