//! The file `image`: pages of the eager regions, each at its offset from the image's base, and behind them a checksum for
//! each page of the file.
//!
//! ```text
//! pages, sparse | checksums of the pages; of those that are of no eager region, zeroes
//! ```
//!
//! Launches map the pages and read no more of them than the program does. So they are only compared with their checksums
//! where the file may not be what the link wrote: when it has another size or time, and once after each start of the
//! machine. Who pins the checksum of the table pins all.

use crate::addr::{ImageAddr, PAGE};
use crate::checksum::checksum;
use crate::plan::{RegionKind, RegionRec};
use crate::pod;

/// What a link leaves of the file, to be compared with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct ImagePrint {
    /// Checksum of the table.
    pub sums: u64,
    pub size: u64,
    pub modified_ns: u64,
}

crate::pod! { ImagePrint { sums: u64, size: u64, modified_ns: u64 } }

/// Bytes of the checksum of a page.
const SUM: u64 = 8;

/// Bytes of a file whose pages have this length together.
pub const fn file_len(pages_len: u64) -> u64 {
    pages_len + pages_len / PAGE * SUM
}

/// The numbers of the pages that have a checksum: all that eager regions may ever have.
pub fn summed_pages(base: ImageAddr, region: &RegionRec) -> core::ops::Range<u64> {
    match region.kind() {
        Some(RegionKind::Eager) => {
            region.start.offset_from(base) / PAGE..region.limit.offset_from(base) / PAGE
        }
        _ => 0..0,
    }
}

/// Whether the file is what a link wrote: the one whose table has the checksum `sums`.
pub fn is_whole(file: &[u8], base: ImageAddr, regions: &[RegionRec], sums: u64) -> bool {
    let count = file.len() as u64 / (PAGE + SUM);
    let len = count * PAGE;
    let tables = || Some((pod::slice::<u8>(file, 0, len)?, pod::slice::<u64>(file, len, count)?));
    let Some((pages, table)) = tables().filter(|_| file.len() as u64 == file_len(len)) else { return false };
    let is_good = |number: u64| {
        let page: Option<&[u8]> = pod::slice(pages, number * PAGE, PAGE);
        page.is_some_and(|page| table.get(number as usize) == Some(&checksum(page)))
    };
    checksum(pod::bytes_of(table)) == sums
        && regions.iter().flat_map(|region| summed_pages(base, region)).all(is_good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pod::{bytes_of, bytes_of_mut};

    const BASE: ImageAddr = ImageAddr(0x40_0000);
    const PAGES: usize = 4;
    const WORDS: usize = PAGES * (PAGE as usize / 8 + 1);

    /// Two eager pages, of which one is not used yet, behind a lazy one and in front of one of zeroes.
    fn regions() -> [RegionRec; 2] {
        let region = |kind: RegionKind, first: u64, count: u64| RegionRec {
            start: BASE + first * PAGE,
            end: BASE + (first + 1) * PAGE,
            limit: BASE + (first + count) * PAGE,
            kind: kind as u32,
            prot: 1,
        };
        [region(RegionKind::Lazy, 0, 1), region(RegionKind::Eager, 1, 2)]
    }

    fn file() -> ([u64; WORDS], u64) {
        let mut words = [0; WORDS];
        words[600] = 5;
        let (pages, table) = words.split_at_mut(WORDS - PAGES);
        for (sum, page) in table[1..3].iter_mut().zip(bytes_of(pages).chunks(PAGE as usize).skip(1)) {
            *sum = checksum(page);
        }
        let sums = checksum(bytes_of(table));
        (words, sums)
    }

    #[test]
    fn damage_of_eager_pages_and_of_the_table_is_noticed() {
        let (mut words, sums) = file();
        let is_whole = |words: &[u64]| super::is_whole(bytes_of(words), BASE, &regions(), sums);
        assert!(is_whole(&words));
        for word in 0..WORDS {
            words[word] ^= 1 << (word % 64);
            let is_eager = (PAGE as usize..3 * PAGE as usize).contains(&(word * 8));
            let is_of_table = word >= WORDS - PAGES;
            assert_eq!(is_whole(&words), !is_eager && !is_of_table, "word {word}");
            words[word] ^= 1 << (word % 64);
        }
        let file = bytes_of_mut(&mut words);
        for len in [0, 1, 8, file.len() / 2, file.len() - 8, file.len() - 1] {
            assert!(!super::is_whole(&file[..len], BASE, &regions(), sums), "{len}");
        }
    }
}
