//#Flags: -Cpanic=abort
//#Modes: pie nopie
//#StderrHas: the end
//#Signal: 6
fn main() {
    panic!("the end");
}
