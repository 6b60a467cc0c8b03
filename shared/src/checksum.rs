//! The checksum of plans, records and patches.
//!
//! It has to notice truncation, torn writes and flipped bits, at the speed of memory, in the loader. It is
//! no defence against somebody who may write the index: that one can change the objects as well.

use core::sync::atomic::{AtomicU8, Ordering};

const K: [u64; 4] =
    [0x9e37_79b9_7f4a_7c15, 0xc2b2_ae3d_27d4_eb4f, 0x1656_67b1_9e37_79f9, 0xff51_afd7_ed55_8ccd];

/// Bytes of a pack that one checksum of its table covers: what the loader reads is verified in such blocks,
/// when it is first read.
pub const BLOCK: usize = 4096;

/// Checksum of `bytes`. Each step is a bijection of the word that it takes in, so that no single changed
/// word goes unnoticed; four independent lanes keep the multiplier busy.
pub fn checksum(bytes: &[u8]) -> u64 {
    let mut lanes = K;
    let mut blocks = bytes.chunks_exact(32);
    for block in &mut blocks {
        for (lane, word) in lanes.iter_mut().zip(block.chunks_exact(8)) {
            *lane = step(*lane, word);
        }
    }
    let mut tail = [0u8; 32];
    tail[..blocks.remainder().len()].copy_from_slice(blocks.remainder());
    for (lane, word) in lanes.iter_mut().zip(tail.chunks_exact(8)) {
        *lane = step(*lane, word);
    }
    let mut sum = bytes.len() as u64;
    for lane in lanes {
        sum = (sum ^ lane).wrapping_mul(K[0]).rotate_left(31);
    }
    sum ^ (sum >> 29)
}

#[inline(always)]
fn step(lane: u64, word: &[u8]) -> u64 {
    let mut value = [0u8; 8];
    value.copy_from_slice(word);
    (lane ^ u64::from_le_bytes(value)).wrapping_mul(K[1]).rotate_left(29)
}

/// Bytes that are compared with their checksums block by block, when they are first used.
#[derive(Clone, Copy)]
pub struct Blocks<'a> {
    bytes: &'a [u8],
    /// One for each block.
    sums: &'a [u64],
    /// One byte for each block: 1 once it was found to be what was written.
    verified: &'a [AtomicU8],
    is_trusted: bool,
}

impl<'a> Blocks<'a> {
    pub fn new(bytes: &'a [u8], sums: &'a [u64], verified: &'a [AtomicU8]) -> Self {
        Self { bytes, sums, verified, is_trusted: false }
    }

    /// No bytes.
    pub const fn none() -> Self {
        Self { bytes: &[], sums: &[], verified: &[], is_trusted: false }
    }

    /// Bytes that this process has written, or has verified before.
    pub const fn trusted(bytes: &'a [u8]) -> Self {
        Self { bytes, sums: &[], verified: &[], is_trusted: true }
    }

    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether `part`, which lies in the bytes, is what was written.
    #[inline(always)]
    pub fn verify(&self, part: &[u8]) -> bool {
        let offset = (part.as_ptr() as usize).wrapping_sub(self.bytes.as_ptr() as usize);
        let end = offset.wrapping_add(part.len());
        // Most parts lie in one block, which was verified before.
        let is_verified =
            |block: usize| self.verified.get(block).is_some_and(|state| state.load(Ordering::Relaxed) != 0);
        let (first, last) = (offset / BLOCK, end.wrapping_sub(1) / BLOCK);
        (first == last && is_verified(first)) || self.verify_blocks(offset, end)
    }

    #[inline(never)]
    fn verify_blocks(&self, offset: usize, end: usize) -> bool {
        self.is_trusted
            || offset == end
            || (offset / BLOCK..end.div_ceil(BLOCK)).all(|block| self.is_good(block))
    }

    /// Threads that race here both find the same.
    fn is_good(&self, block: usize) -> bool {
        let (Some(state), Some(sum)) = (self.verified.get(block), self.sums.get(block)) else { return false };
        if state.load(Ordering::Relaxed) == 0 {
            let end = ((block + 1) * BLOCK).min(self.bytes.len());
            if self.bytes.get(block * BLOCK..end).is_none_or(|bytes| checksum(bytes) != *sum) {
                return false;
            }
            state.store(1, Ordering::Relaxed);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{AtomicU8, BLOCK, Blocks, checksum};

    #[test]
    fn a_block_is_compared_before_its_first_use_and_not_again() {
        let mut bytes = [7u8; 2 * BLOCK + 100];
        let sums = [0, 1, 2].map(|block| checksum(bytes.chunks(BLOCK).nth(block).unwrap()));
        bytes[BLOCK + 5] ^= 1;
        let verified = [const { AtomicU8::new(0) }; 3];
        let blocks = Blocks::new(&bytes, &sums, &verified);
        let states = || verified.each_ref().map(|state| state.load(super::Ordering::Relaxed));
        assert!(blocks.verify(&bytes[..0]) && blocks.verify(&bytes[BLOCK..BLOCK]));
        assert_eq!(states(), [0, 0, 0]);
        assert!(blocks.verify(&bytes[..BLOCK]) && !blocks.verify(&bytes[..BLOCK + 1]));
        assert!(!blocks.verify(&bytes[BLOCK..BLOCK + 1]) && blocks.verify(&bytes[2 * BLOCK + 99..]));
        assert_eq!(states(), [1, 0, 1]);
        verified[1].store(1, super::Ordering::Relaxed);
        assert!(blocks.verify(&bytes));
        // Bytes of somebody else are not verified by anything here.
        assert!(!blocks.verify(&[7]) && Blocks::trusted(&bytes).verify(&[7]));
    }

    #[test]
    fn every_single_bit_counts() {
        let mut bytes = [0x5au8; 100];
        let whole = checksum(&bytes);
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(checksum(&bytes), whole, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        assert_ne!(checksum(&bytes[..99]), whole);
        assert_ne!(checksum(&[]), checksum(&[0]));
    }
}
