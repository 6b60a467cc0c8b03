//! The checksum of plans, records and patches, and the tables by which large files are verified in blocks.
//!
//! It has to notice truncation, torn writes and flipped bits, at the speed of memory, in the loader. It is
//! no defence against somebody who may write the index: that one can change the objects as well.

use crate::addr::align_up;
use crate::pod::{self, Pod, Span};
use core::ops::Range;
use core::sync::atomic::{AtomicU8, Ordering};

const K: [u64; 4] =
    [0x9e37_79b9_7f4a_7c15, 0xc2b2_ae3d_27d4_eb4f, 0x1656_67b1_9e37_79f9, 0xff51_afd7_ed55_8ccd];

/// Bytes of a pack or a plan that one checksum covers: what the loader reads is verified in such blocks, when it is
/// first read.
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

/// The checksum of each block of `bytes`.
pub fn sums_of(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.chunks(BLOCK).map(checksum)
}

/// Bytes with checksums behind them, which begin at a multiple of 8. What pins the checksum of the top table pins all.
///
/// ```text
/// bytes | sums: one of each block of the bytes | top: one of each block of the sums
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Summed<'a> {
    bytes: &'a [u8],
    sums: &'a [u64],
    top: &'a [u64],
}

impl<'a> Summed<'a> {
    /// The tables behind the first `len` bytes of `file`; `None` if it does not end with them.
    pub fn new(file: &'a [u8], len: u64) -> Option<Self> {
        let bytes = pod::slice(file, 0, len)?;
        let sums = Span { offset: align_up(len, 8), count: len.div_ceil(BLOCK as u64) };
        let top =
            Span { offset: sums.offset + 8 * sums.count, count: (8 * sums.count).div_ceil(BLOCK as u64) };
        if top.offset + 8 * top.count != file.len() as u64 {
            return None;
        }
        let table = |span: Span| pod::slice(file, span.offset, span.count);
        Some(Self { bytes, sums: table(sums)?, top: table(top)? })
    }

    /// The bytes without the checksums.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Checksum of the top table.
    pub fn checksum(&self) -> u64 {
        checksum(pod::bytes_of(self.top))
    }

    /// Whether these bytes are what was written; the block that they begin and the one that they end in are looked at
    /// whole.
    pub fn is_whole(&self, range: Range<u64>) -> bool {
        let blocks = |start: usize, end: usize| start / BLOCK..end.div_ceil(BLOCK);
        let range = blocks(range.start as usize, range.end as usize);
        let sums = blocks(8 * range.start, 8 * range.end);
        sums.into_iter().all(|block| self.sums_are_good(block))
            && range.into_iter().all(|block| self.is_good(block))
    }

    fn is_good(&self, block: usize) -> bool {
        self.sums.get(block).is_some_and(|sum| fits(self.bytes, block, *sum))
    }

    fn sums_are_good(&self, block: usize) -> bool {
        self.top.get(block).is_some_and(|sum| fits(pod::bytes_of(self.sums), block, *sum))
    }
}

fn fits(bytes: &[u8], block: usize, sum: u64) -> bool {
    bytes.chunks(BLOCK).nth(block).is_some_and(|bytes| checksum(bytes) == sum)
}

/// Bytes that are compared with their checksums block by block, when they are first used.
#[derive(Clone, Copy, Debug)]
pub struct Blocks<'a> {
    summed: Summed<'a>,
    /// One byte for each block of the bytes, then one for each of their checksums: 1 once it was found to be what was
    /// written.
    verified: &'a [AtomicU8],
    is_trusted: bool,
}

impl<'a> Blocks<'a> {
    /// Number of states for so many bytes.
    pub fn states(len: u64) -> usize {
        let sums = len.div_ceil(BLOCK as u64);
        (sums + (8 * sums).div_ceil(BLOCK as u64)) as usize
    }

    /// `verified`: as many as [`Self::states`] says, zeroes at first. The top table is trusted.
    pub const fn new(summed: Summed<'a>, verified: &'a [AtomicU8]) -> Self {
        Self { summed, verified, is_trusted: false }
    }

    /// No bytes.
    pub const fn none() -> Self {
        Self::new(Summed { bytes: &[], sums: &[], top: &[] }, &[])
    }

    /// Bytes that this process has written, or has verified before.
    pub const fn trusted(bytes: &'a [u8]) -> Self {
        Self { summed: Summed { bytes, sums: &[], top: &[] }, verified: &[], is_trusted: true }
    }

    pub fn bytes(&self) -> &'a [u8] {
        self.summed.bytes
    }

    /// Whether `part`, which lies in the bytes, is what was written.
    #[inline(always)]
    pub fn verify<T: Pod>(&self, part: &[T]) -> bool {
        let part = pod::bytes_of(part);
        let offset = (part.as_ptr() as usize).wrapping_sub(self.bytes().as_ptr() as usize);
        let end = offset.wrapping_add(part.len());
        // Most parts lie in one block, which was verified before.
        let (first, last) = (offset / BLOCK, end.wrapping_sub(1) / BLOCK);
        self.is_trusted || (first == last && self.is_set(first)) || self.verify_blocks(offset, end)
    }

    #[inline(always)]
    fn is_set(&self, state: usize) -> bool {
        self.verified.get(state).is_some_and(|state| state.load(Ordering::Relaxed) != 0)
    }

    #[inline(never)]
    fn verify_blocks(&self, offset: usize, end: usize) -> bool {
        offset == end || (offset / BLOCK..end.div_ceil(BLOCK)).all(|block| self.verify_block(block))
    }

    /// Threads that race here both find the same.
    fn verify_block(&self, block: usize) -> bool {
        let of_sums = block / (BLOCK / 8);
        self.once(block, || {
            self.once(self.summed.sums.len() + of_sums, || self.summed.sums_are_good(of_sums))
                && self.summed.is_good(block)
        })
    }

    /// Finds out what nobody has found out before.
    fn once(&self, state: usize, is_good: impl FnOnce() -> bool) -> bool {
        let is_good = self.is_set(state) || is_good();
        if is_good && let Some(state) = self.verified.get(state) {
            state.store(1, Ordering::Relaxed);
        }
        is_good
    }
}

#[cfg(test)]
mod tests {
    use super::{AtomicU8, BLOCK, Blocks, Ordering, Summed, checksum, sums_of};
    use crate::pod::bytes_of;

    const LEN: usize = 2 * BLOCK + 100;
    /// Three checksums, and the one of these.
    const FILE: usize = (LEN + 4 + 3 * 8 + 8) / 8;

    fn file() -> [u64; FILE] {
        let mut words = [7; FILE];
        for block in 0..3 {
            let sum = sums_of(&bytes_of(&words)[..LEN]).nth(block).unwrap();
            words[FILE - 4 + block] = sum;
        }
        words[FILE - 1] = checksum(bytes_of(&words[FILE - 4..FILE - 1]));
        words
    }

    #[test]
    fn a_block_is_compared_before_its_first_use_and_not_again() {
        let mut words = file();
        words[BLOCK / 8 + 1] ^= 1;
        let file = bytes_of(&words);
        let verified = [const { AtomicU8::new(0) }; 4];
        assert_eq!(Blocks::states(LEN as u64), verified.len());
        let blocks = Blocks::new(Summed::new(file, LEN as u64).unwrap(), &verified);
        let states = || verified.each_ref().map(|state| state.load(Ordering::Relaxed));
        assert!(blocks.verify(&file[..0]) && blocks.verify(&file[BLOCK..BLOCK]));
        assert_eq!(states(), [0, 0, 0, 0]);
        assert!(blocks.verify(&file[..BLOCK]) && !blocks.verify(&file[..BLOCK + 1]));
        assert!(!blocks.verify(&file[BLOCK..BLOCK + 1]) && blocks.verify(&file[2 * BLOCK..LEN]));
        assert_eq!(states(), [1, 0, 1, 1]);
        verified[1].store(1, Ordering::Relaxed);
        assert!(blocks.verify(&file[..LEN]));
        // Bytes of somebody else are not verified by anything here.
        assert!(!blocks.verify(&[7u8]) && Blocks::trusted(file).verify(&[7u8]));
    }

    #[test]
    fn damage_is_noticed_where_it_is_and_in_the_tables() {
        let whole = file();
        let top = Summed::new(bytes_of(&whole), LEN as u64).unwrap().checksum();
        for word in 0..FILE {
            let mut words = whole;
            words[word] ^= 1;
            let file = bytes_of(&words);
            let summed = Summed::new(file, LEN as u64).unwrap();
            let verified = [const { AtomicU8::new(0) }; 4];
            let blocks = Blocks::new(summed, &verified);
            let block = |block: usize| block * BLOCK..LEN.min((block + 1) * BLOCK);
            for number in 0..3 {
                // In the bytes; in the table, of which one block covers all; in the top table.
                let is_whole = word * 8 < LEN && word * 8 / BLOCK != number;
                assert_eq!(blocks.verify(&file[block(number)]), is_whole, "word {word}, block {number}");
                let range = block(number);
                assert_eq!(summed.is_whole(range.start as u64..range.end as u64), is_whole);
            }
            assert_eq!(summed.checksum() == top, word != FILE - 1);
        }
        let file = bytes_of(&whole);
        assert!(Summed::new(&file[..file.len() - 8], LEN as u64).is_none());
        assert!(Summed::new(file, LEN as u64 - 8).is_none() && Summed::new(file, u64::MAX).is_none());
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
