//! What the fuzz targets share.
//!
//! A target feeds bytes to the code that reads them from disk in earnest, and looks at all that comes out. It fails by a
//! panic, by an access that the sanitizer sees, by too much memory and by too much time. Checksums keep damage out, not
//! somebody who can calculate them, so targets make them right.

pub mod image;

use shared::pod;

/// The bytes for as long as the program runs, as files are mapped.
///
/// # Safety
///
/// Nothing that was made of them is kept when the target returns.
pub unsafe fn lasting(bytes: &[u8]) -> &'static [u8] {
    // SAFETY: the caller drops everything that has the longer life.
    unsafe { std::mem::transmute::<&[u8], &'static [u8]>(bytes) }
}

/// Bytes at an address that every record may have, as those of a mapped file.
pub struct Aligned {
    words: Vec<u128>,
    len: usize,
}

impl Aligned {
    pub fn new(bytes: &[u8]) -> Self {
        let mut words = vec![0u128; bytes.len().div_ceil(16)];
        for (word, chunk) in words.iter_mut().zip(bytes.chunks(16)) {
            let mut full = [0; 16];
            full[..chunk.len()].copy_from_slice(chunk);
            *word = u128::from_ne_bytes(full);
        }
        Self { words, len: bytes.len() }
    }

    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the words are initialised, and have at least so many bytes.
        unsafe { std::slice::from_raw_parts(self.words.as_ptr().cast(), self.len) }
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, borrowed for writing.
        unsafe { std::slice::from_raw_parts_mut(self.words.as_mut_ptr().cast(), self.len) }
    }

    /// Writes a word, if there is room.
    pub fn put(&mut self, at: usize, word: u64) {
        if let Some(place) = self.bytes_mut().get_mut(at..at + 8) {
            place.copy_from_slice(&word.to_le_bytes());
        }
    }

    /// Makes the first words of a file right that has its magic there, and the checksum of all that follows in the second.
    pub fn seal(&mut self, magic: u64) {
        self.put(0, magic);
        let sum = shared::checksum::checksum(self.bytes().get(16..).unwrap_or_default());
        self.put(8, sum);
    }
}

/// Parts of an input, each with its length in front: two bytes, as many as there are.
pub fn parts(mut input: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some((len, rest)) = input.split_at_checked(4) {
        let len = u32::from_le_bytes(len.try_into().unwrap_or_default()) as usize;
        let (part, rest) = rest.split_at(len.min(rest.len()));
        parts.push(part);
        input = rest;
    }
    parts
}

/// Takes `size` bytes from the front, zeroes where there are not enough.
pub fn take<const N: usize>(input: &mut &[u8]) -> [u8; N] {
    let mut taken = [0; N];
    let (front, rest) = input.split_at(N.min(input.len()));
    taken[..front.len()].copy_from_slice(front);
    *input = rest;
    taken
}

/// Records as bytes, at a multiple of 16.
pub fn push_table<T: pod::Pod>(bytes: &mut Vec<u8>, records: &[T]) -> pod::Span {
    bytes.resize(bytes.len().next_multiple_of(16), 0);
    let span = pod::Span { offset: bytes.len() as u64, count: records.len() as u64 };
    bytes.extend_from_slice(pod::bytes_of(records));
    span
}
