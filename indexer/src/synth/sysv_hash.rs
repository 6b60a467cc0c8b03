//! `.hash`: the older table of exported names (gABI, "Hash Table"), and the hash function that versions use too.

/// The hash function of the table.
pub fn hash(name: &[u8]) -> u32 {
    name.iter().fold(0u32, |hash, byte| {
        let hash = (hash << 4).wrapping_add(u32::from(*byte));
        let high = hash & 0xf000_0000;
        (hash ^ (high >> 24)) & !high
    })
}

/// Size of the table for a `.dynsym` of so many entries.
pub fn size(symbols: usize) -> u64 {
    4 * (2 + u64::from(buckets(symbols)) + symbols as u64)
}

/// The table. `names` are those of all entries of `.dynsym`, the first of which stands for none.
pub fn table(names: &[&[u8]]) -> Vec<u8> {
    let buckets = buckets(names.len());
    let mut starts = vec![0u32; buckets as usize];
    let mut next = vec![0u32; names.len()];
    for (index, name) in names.iter().enumerate().skip(1) {
        // Each chain is built from its end.
        let start = &mut starts[(hash(name) % buckets) as usize];
        next[index] = std::mem::replace(start, index as u32);
    }
    let words = [buckets, names.len() as u32].into_iter().chain(starts).chain(next);
    words.flat_map(u32::to_le_bytes).collect()
}

/// An odd number, for the low bits of similar names are alike.
fn buckets(symbols: usize) -> u32 {
    (symbols / 2) as u32 | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_of_a_known_version() {
        assert_eq!(hash(b"GLIBC_2.2.5"), 0x0969_1a75);
    }

    #[test]
    fn every_symbol_is_found_as_the_dynamic_linker_looks() {
        for count in [1, 2, 3, 100] {
            let names: Vec<String> = (0..count).map(|n| format!("symbol_{n}")).collect();
            let names: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
            let table = table(&names);
            assert_eq!(table.len() as u64, size(count));
            let words: Vec<u32> =
                table.chunks_exact(4).map(|w| u32::from_le_bytes(w.try_into().unwrap())).collect();
            let (starts, chain) = words[2..].split_at(words[0] as usize);
            assert_eq!((words[1] as usize, chain.len()), (count, count));
            for (index, name) in names.iter().enumerate().skip(1) {
                let mut at = starts[hash(name) as usize % starts.len()] as usize;
                while at != index {
                    assert_ne!(at, 0, "end of chain before {index}");
                    at = chain[at] as usize;
                }
            }
        }
    }
}
