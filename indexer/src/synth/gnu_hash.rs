//! `.gnu.hash`: the table by which the dynamic linker finds what the program exports.

/// The hash function of the table.
pub fn hash(name: &[u8]) -> u32 {
    name.iter().fold(5381u32, |hash, byte| hash.wrapping_mul(33).wrapping_add(u32::from(*byte)))
}

/// Number of buckets for so many symbols.
pub fn buckets(symbols: usize) -> u32 {
    (symbols / 4).max(1) as u32
}

/// The table. `hashes` are those of the symbols that can be looked up, sorted by `hash % buckets`; the first of them has
/// index `first` in `.dynsym`.
pub fn table(hashes: &[u32], first: u32) -> Vec<u8> {
    let buckets = buckets(hashes.len());
    let words = (hashes.len() / 8).next_power_of_two().max(1);
    const SHIFT: u32 = 26;
    let mut bloom = vec![0u64; words];
    let mut starts = vec![0u32; buckets as usize];
    let mut chain = vec![0u32; hashes.len()];
    for (index, hash) in hashes.iter().enumerate() {
        bloom[(*hash as usize / 64) % words] |= 1 << (hash % 64) | 1 << ((hash >> SHIFT) % 64);
        let bucket = (hash % buckets) as usize;
        if starts[bucket] == 0 {
            starts[bucket] = first + index as u32;
        }
        let last = hashes.get(index + 1).is_none_or(|next| next % buckets != hash % buckets);
        chain[index] = hash & !1 | u32::from(last);
    }
    let mut table = Vec::new();
    for word in [buckets, first, words as u32, SHIFT] {
        table.extend(word.to_le_bytes());
    }
    table.extend(bloom.iter().flat_map(|word| word.to_le_bytes()));
    table.extend(starts.iter().chain(&chain).flat_map(|word| word.to_le_bytes()));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_symbol_is_found_as_the_dynamic_linker_looks() {
        let mut hashes: Vec<u32> = (0..100).map(|n| hash(format!("symbol_{n}").as_bytes())).collect();
        hashes.sort_by_key(|hash| hash % buckets(100));
        let table = table(&hashes, 7);
        let words: Vec<u32> =
            table.chunks_exact(4).map(|w| u32::from_le_bytes(w.try_into().unwrap())).collect();
        let (count, first, bloom) = (words[0], words[1], words[2] as usize);
        let starts = &words[4 + 2 * bloom..][..count as usize];
        let chain = &words[4 + 2 * bloom + count as usize..];
        for (index, hash) in hashes.iter().enumerate() {
            let mut at = starts[(hash % count) as usize];
            while chain[(at - first) as usize] | 1 != hash | 1 {
                assert_eq!(chain[(at - first) as usize] & 1, 0, "end of chain before {index}");
                at += 1;
            }
        }
    }
}
