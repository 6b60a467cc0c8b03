//! `.relr.dyn`: the places of relative relocations, packed (gABI, "Relative Relocation Table").
//!
//! A word with the lowest bit clear is the address of a place, and sets the base to the word after it. A word with
//! that bit set says by its other 63 bits which of the 63 words from the base on are places, and moves the base
//! behind them.

/// Places that one bitmap covers.
const BITS: u64 = 63;
const WORD: u64 = 8;

/// A bitmap that names no place, to fill up a table whose size is fixed.
pub const NOTHING: u64 = 1;

/// Packs the addresses of places, which are ascending and even.
pub fn encode(addresses: &[u64]) -> Vec<u64> {
    let mut table = Vec::new();
    let mut rest = addresses;
    while let Some((first, after)) = rest.split_first() {
        table.push(*first);
        rest = after;
        let mut base = first.wrapping_add(WORD);
        loop {
            let bit = |address: u64| {
                let distance = address.wrapping_sub(base);
                (distance % WORD == 0 && distance / WORD < BITS).then_some(distance / WORD)
            };
            let mut bitmap = 0;
            while let Some((bit, after)) = rest.split_first().and_then(|(a, after)| Some((bit(*a)?, after))) {
                bitmap |= 1 << bit;
                rest = after;
            }
            if bitmap == 0 {
                break;
            }
            table.push(bitmap << 1 | 1);
            base = base.wrapping_add(BITS * WORD);
        }
    }
    table
}

/// So many words are enough for the places in several sections, wherever each of these will lie; their offsets
/// and the sections' addresses must be multiples of 8.
///
/// It is the sum of the words of each section alone. The words of one section serve at every address, so all of them
/// together are a table of the whole. [`encode`] makes none that is longer: where it goes on with bitmaps at the
/// boundary instead of an address, the first bitmap takes the place of the address, and the ones after it reach
/// no less far than the section's own.
pub fn upper_bound<'a>(sections: impl IntoIterator<Item = &'a [u64]>) -> usize {
    sections.into_iter().map(|offsets| encode(offsets).len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the dynamic linker reads it.
    fn decode(table: &[u64]) -> Vec<u64> {
        let (mut places, mut base) = (Vec::new(), 0);
        for word in table {
            if word & 1 == 0 {
                places.push(*word);
                base = word + WORD;
            } else {
                places
                    .extend((0..BITS).filter(|bit| word >> (bit + 1) & 1 != 0).map(|bit| base + bit * WORD));
                base += BITS * WORD;
            }
        }
        places
    }

    fn random(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    #[test]
    fn small_tables() {
        assert!(encode(&[]).is_empty());
        assert_eq!(encode(&[0x1000]), [0x1000]);
        assert_eq!(encode(&[0x1000, 0x1008, 0x1018]), [0x1000, 0b1011]);
        assert_eq!(encode(&[0x1000, 0x1004]), [0x1000, 0x1004]);
        assert_eq!(encode(&[0x1000, 0x1000 + 64 * 8]), [0x1000, 0x1000 + 64 * 8]);
        let dense: Vec<u64> = (0..127).map(|n| n * 8).collect();
        assert_eq!(encode(&dense), [0, u64::MAX, u64::MAX]);
        assert_eq!(decode(&[0x1000, NOTHING, 0x2000, NOTHING]), [0x1000, 0x2000]);
        assert_eq!(decode(&encode(&[u64::MAX - 7])), [u64::MAX - 7]);
    }

    #[test]
    fn random_places_come_back_and_fit_the_bound() {
        let mut state = 0x9e37_79b9_7f4a_7c15;
        for round in 0..2000 {
            let gaps = [1, 2, 8, 60, 64, 130, 1000][round % 7];
            let (mut all, mut sections, mut at) = (Vec::new(), Vec::new(), 0x1000);
            for _ in 0..random(&mut state) % 12 {
                let (start, mut offsets) = (at, Vec::new());
                for _ in 0..random(&mut state) % 200 {
                    offsets.push(at - start);
                    all.push(at);
                    at += WORD * (1 + random(&mut state) % gaps);
                }
                sections.push(offsets);
                at += WORD * (random(&mut state) % 100);
            }
            let table = encode(&all);
            assert_eq!(decode(&table), all);
            assert!(table.len() <= upper_bound(sections.iter().map(Vec::as_slice)), "round {round}");
        }
    }
}
