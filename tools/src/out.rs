//! Standard output, whose reader may go away at any time (`unfold status APP | head`).

use std::io::Write;
use std::path::Path;

/// Writes a line; a reader that is gone has seen enough.
pub fn line(text: std::fmt::Arguments<'_>) {
    writeln!(std::io::stdout(), "{text}").ok();
}

/// The name of a file, for a line of progress, which has to be short.
pub fn short(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy()
}

/// A path in a report. JSON is text, and a path may be none.
pub fn json(path: &Path) -> serde_json::Value {
    path.to_string_lossy().into()
}

/// As `println!`, without its panic.
#[macro_export]
macro_rules! print_line {
    ($($text:tt)*) => { $crate::out::line(format_args!($($text)*)) };
}
