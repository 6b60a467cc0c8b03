//! Standard output, whose reader may go away at any time (`unfold status APP | head`).

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use std::io::Write;
use std::path::Path;
use std::sync::LazyLock;

/// Writes a line; a reader that is gone has seen enough.
pub fn line(text: std::fmt::Arguments<'_>) {
    writeln!(std::io::stdout(), "{text}").ok();
}

/// The name of a file, for a line of progress, which has to be short.
pub fn short(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy()
}

/// A text in this style if standard output is a terminal that shows colours, and nobody asks for none (NO_COLOR).
pub fn styled(style: Style, text: &str) -> String {
    static IS_WANTED: LazyLock<bool> =
        LazyLock::new(|| AutoStream::choice(&std::io::stdout()) != ColorChoice::Never);
    if *IS_WANTED { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

/// What somebody looks for.
pub fn strong(text: &str) -> String {
    styled(Style::new().bold(), text)
}

pub fn good(text: &str) -> String {
    styled(AnsiColor::Green.on_default(), text)
}

pub fn warn(text: &str) -> String {
    styled(AnsiColor::Yellow.on_default(), text)
}

pub fn bad(text: &str) -> String {
    styled(AnsiColor::Red.on_default().bold(), text)
}

/// What is there to be found, not to be read.
pub fn dim(text: &str) -> String {
    styled(Style::new().dimmed(), text)
}

/// A path as JSON has it: text, whatever bytes its name is made of.
pub fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// As `println!`, without its panic.
#[macro_export]
macro_rules! print_line {
    ($($text:tt)*) => { $crate::out::line(format_args!($($text)*)) };
}
