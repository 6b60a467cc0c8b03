//! Standard output, whose reader may go away at any time (`unfold status APP | head`).

use std::io::{IsTerminal, Write};

/// Writes a line; a reader that is gone has seen enough.
pub fn line(text: std::fmt::Arguments<'_>) {
    writeln!(std::io::stdout(), "{text}").ok();
}

/// Shows a line of progress on a terminal, in the place of the one before.
pub fn progress(line: &str) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        // A terminal that goes away is no reason to stop.
        write!(stderr, "\r\x1b[K{line}").and_then(|()| stderr.flush()).ok();
    }
}

/// As `println!`, without its panic.
#[macro_export]
macro_rules! print_line {
    ($($text:tt)*) => { $crate::out::line(format_args!($($text)*)) };
}
