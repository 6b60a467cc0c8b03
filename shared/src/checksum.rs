//! The checksum of plans, records and patches.
//!
//! It has to notice truncation, torn writes and flipped bits, at the speed of memory, in the loader. It is
//! no defence against somebody who may write the index: that one can change the objects as well.

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

#[cfg(test)]
mod tests {
    use super::checksum;

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
