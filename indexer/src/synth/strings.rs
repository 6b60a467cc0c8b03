//! String tables.

use std::collections::HashMap;

/// A string table under construction; it begins with the empty string.
pub struct Strings {
    pub bytes: Vec<u8>,
    known: HashMap<Vec<u8>, u32>,
}

impl Default for Strings {
    fn default() -> Self {
        Self { bytes: vec![0], known: HashMap::from([(Vec::new(), 0)]) }
    }
}

impl Strings {
    /// The offset of `text` in the table.
    pub fn add(&mut self, text: &[u8]) -> u32 {
        if let Some(offset) = self.known.get(text) {
            return *offset;
        }
        let offset = self.bytes.len() as u32;
        self.bytes.extend_from_slice(text);
        self.bytes.push(0);
        self.known.insert(text.to_vec(), offset);
        offset
    }
}
