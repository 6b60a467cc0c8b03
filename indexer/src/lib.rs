//! `ld.unfold`: the `ld`-compatible command. [`driver`] is its table of contents.
#![deny(unsafe_code)]
// Messages go around a line of progress: `say!`.
#![deny(clippy::print_stderr, clippy::print_stdout)]

pub mod args;
pub mod awaited;
pub mod companion;
pub mod complete;
pub mod compress;
pub mod crc;
pub mod debug;
pub mod driver;
pub mod emit;
pub mod evident;
pub mod exchange;
pub mod frames;
pub mod hand_on;
pub mod idle;
pub mod image;
pub mod index;
pub mod inputs;
pub mod layout;
pub mod lease;
pub mod library;
pub mod load;
pub mod message;
pub mod object;
pub mod order;
pub mod order_file;
pub mod plan;
pub mod profile;
pub mod progress;
pub mod reach;
pub mod relink;
pub mod removed;
pub mod report;
pub mod resolve;
pub mod search_path;
pub mod settle;
pub mod strings;
pub mod symbols;
pub mod synth;
pub mod timing;
pub mod trouble;
pub mod verify;
pub mod whole;

/// The link is not one for unfold: the system's linker has to do it, for this reason.
#[derive(Debug)]
pub struct HandOn(pub String);

impl std::fmt::Display for HandOn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "for the system's linker: {}", self.0)
    }
}

impl std::error::Error for HandOn {}
