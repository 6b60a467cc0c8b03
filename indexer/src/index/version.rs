//! What is said of a file of the index that cannot be read: another version made it, or it is damaged.

use super::state;
use anyhow::anyhow;
use shared::output::{self, CONFIG};
use shared::plan::PlanError;
use std::fs;
use std::path::Path;

const OTHER: &str = "was made by another version of unfold";

/// Whether bytes begin with a word of magic that differs from ours in its last byte, the version.
pub fn is_other(bytes: &[u8], magic: u64) -> bool {
    let Some(word) = bytes.get(..8).and_then(|word| word.try_into().ok()).map(u64::from_le_bytes) else {
        return false;
    };
    word != magic && word << 8 == magic << 8
}

/// The error for a file whose contents are not what they have to be.
pub fn unreadable(what: &str, bytes: &[u8], magic: u64) -> anyhow::Error {
    if is_other(bytes, magic) { anyhow!("{what} {OTHER}") } else { anyhow!("{what} is damaged") }
}

/// The error for a plan, or a patch.
pub fn plan_error(what: &str, error: PlanError) -> anyhow::Error {
    match error {
        PlanError::Foreign => anyhow!("{what} {OTHER}"),
        _ => anyhow!("{what} is damaged: {error:?}"),
    }
}

/// Why a link has no generation to start from.
pub fn why_first(output: &Path) -> String {
    let read = || {
        use std::os::unix::fs::FileExt;
        let mut word = [0u8; 8];
        fs::File::open(output).ok()?.read_exact_at(&mut word, CONFIG).ok()?;
        Some(word)
    };
    match read() {
        Some(word) if is_other(&word, output::MAGIC) => format!("the output {OTHER}"),
        _ => "first link".to_owned(),
    }
}

/// Why the state of the link before cannot be used.
pub fn why_no_state(folder: &Path) -> String {
    match fs::read(folder.join("state")) {
        Ok(bytes) => format!("{}", unreadable("the state of the link before", &bytes, state::MAGIC)),
        Err(error) => format!("cannot read the state of the link before: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::is_other;

    #[test]
    fn only_the_last_byte_is_the_version() {
        let magic = u64::from_le_bytes(*b"UFstate\x02");
        assert!(is_other(b"UFstate\x01 and more", magic));
        assert!(!is_other(b"UFstate\x02", magic));
        assert!(!is_other(b"UFplan\0\x01", magic));
        assert!(!is_other(b"UF", magic));
    }
}
