//! String tables.

use crate::object::name_hash;
use crate::resolve::Identity;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;

/// A string table under construction; it begins with the empty string.
pub struct Strings {
    pub bytes: Vec<u8>,
    /// Where the text with a hash is.
    known: HashMap<u64, u32, BuildHasherDefault<Identity>>,
}

impl Default for Strings {
    fn default() -> Self {
        Self { bytes: vec![0], known: HashMap::default() }
    }
}

impl Strings {
    /// The offset of `text` in the table.
    pub fn add(&mut self, text: &[u8]) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let next = self.bytes.len() as u32;
        let offset = *self.known.entry(name_hash(text)).or_insert(next);
        let there = self.bytes.get(offset as usize..).and_then(|rest| rest.get(..=text.len()));
        if offset != next && there.is_some_and(|there| there.split_last() == Some((&0, text))) {
            return offset;
        }
        self.bytes.extend_from_slice(text);
        self.bytes.push(0);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::Strings;

    #[test]
    fn equal_texts_have_one_place() {
        let mut strings = Strings::default();
        let (a, b) = (strings.add(b"name"), strings.add(b"nam"));
        assert_eq!((strings.add(b"name"), strings.add(b"nam"), strings.add(b"")), (a, b, 0));
        assert_eq!(strings.bytes, b"\0name\0nam\0");
    }
}
