//#Modes: pie nopie static
//#Stdout: output of echo: hello
//#Stdout: status of false: 1
//#Stdout: through a pipe: ABC
//#Stdout: killed by signal 9
//#Stdout: myself: child says 3
//#Stdout: no such program: NotFound
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

fn main() {
    if std::env::args().nth(1).as_deref() == Some("child") {
        println!("child says {}", std::env::args().count() + 1);
        return;
    }
    let output = Command::new("echo").arg("hello").output().unwrap();
    print!("output of echo: {}", String::from_utf8_lossy(&output.stdout));
    println!("status of false: {}", Command::new("false").status().unwrap().code().unwrap());
    let mut child =
        Command::new("tr").args(["a-z", "A-Z"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"abc").unwrap();
    let output = child.wait_with_output().unwrap();
    println!("through a pipe: {}", String::from_utf8_lossy(&output.stdout));
    let status = Command::new("sh").args(["-c", "kill -9 $$"]).status().unwrap();
    println!("killed by signal {}", status.signal().unwrap());
    let output = Command::new(std::env::current_exe().unwrap()).arg("child").output().unwrap();
    print!("myself: {}", String::from_utf8_lossy(&output.stdout));
    println!("no such program: {:?}", Command::new("/no/such/program").spawn().unwrap_err().kind());
}
