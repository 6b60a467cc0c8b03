//! Standard output, whose reader may go away at any time (`unfold status APP | head`).

use std::io::Write;

/// Writes a line; a reader that is gone has seen enough.
pub fn line(text: std::fmt::Arguments<'_>) {
    writeln!(std::io::stdout(), "{text}").ok();
}

/// As `println!`, without its panic.
#[macro_export]
macro_rules! print_line {
    ($($text:tt)*) => { $crate::out::line(format_args!($($text)*)) };
}
