//#Flags: -Copt-level=3 -Cdebuginfo=2 -Ccodegen-units=16
//#Modes: pie nopie
//#Stdout: parsed 3 items: [("a", 1), ("b", 2), ("c", 3)]
//#Stdout: error: line 2: invalid digit found in string
//#Stdout: source: invalid digit found in string
// Errors with sources, iterators and formatting, optimised and with debug information, as `cargo build
// --release` with debug symbols does it.
use std::error::Error;
use std::fmt;

#[derive(Debug)]
struct ParseError {
    line: usize,
    source: std::num::ParseIntError,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.source)
    }
}

impl Error for ParseError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

fn parse(text: &str) -> Result<Vec<(&str, u32)>, Box<dyn Error>> {
    text.lines()
        .enumerate()
        .map(|(index, line)| {
            let (name, number) = line.split_once('=').ok_or("no equals sign")?;
            let number = number.parse().map_err(|source| ParseError { line: index + 1, source })?;
            Ok((name, number))
        })
        .collect()
}

fn main() {
    let items = parse("a=1\nb=2\nc=3").unwrap();
    println!("parsed {} items: {items:?}", items.len());
    let error = parse("a=1\nb=x").unwrap_err();
    println!("error: {error}");
    println!("source: {}", error.source().unwrap());
}
