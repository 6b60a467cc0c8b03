//! Strings that objects have in common, linked once (gABI, "Section Attribute Flags": `SHF_MERGE`, `SHF_STRINGS`). In
//! debug information most are: a type has its name in each object that uses it.
//!
//! Sections come in, split at their zeroes; a table goes out, and each string of each section knows its place there. The
//! table is made in shards by the strings' hashes, so that threads do not wait for each other, and the same sections
//! give the same table.

use rayon::prelude::*;
use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use xxhash_rust::xxh3::xxh3_64;

/// A power of two, and more than most machines have processors.
const SHARDS: usize = 1 << SHARD_BITS;
const SHARD_BITS: u32 = 5;

/// A section of strings.
pub struct Strings {
    bytes: Cow<'static, [u8]>,
    /// Where each string begins.
    starts: Vec<u32>,
    /// The hash of each string; then its place in its shard, and the shard, as [`packed`] has them; then its place in the
    /// table.
    places: Vec<AtomicU64>,
}

impl Strings {
    /// Splits a section; gives it back if it is none of strings, of which the last one ends with a zero as well.
    pub fn new(bytes: Cow<'static, [u8]>) -> Result<Self, Cow<'static, [u8]>> {
        if bytes.last() != Some(&0) || u32::try_from(bytes.len()).is_err() {
            return Err(bytes);
        }
        let ends = memchr::memchr_iter(0, &bytes).map(|zero| zero as u32 + 1);
        let starts: Vec<u32> = std::iter::once(0).chain(ends).collect();
        let pairs = starts.windows(2);
        let hashes = pairs.map(|pair| xxh3_64(&bytes[pair[0] as usize..pair[1] as usize]));
        let places = hashes.map(AtomicU64::new).collect();
        Ok(Self { bytes, starts, places })
    }

    /// The string, with its zero.
    fn string(&self, number: usize) -> &[u8] {
        &self.bytes[self.starts[number] as usize..self.starts[number + 1] as usize]
    }

    /// Where the table has the byte that this section has at `offset`; `None` if it has none there.
    pub fn place(&self, offset: u64) -> Option<u64> {
        let offset = u32::try_from(offset).ok()?;
        let number = self.starts.partition_point(|start| *start <= offset).checked_sub(1)?;
        let place = self.places.get(number)?.load(Ordering::Relaxed);
        Some(place + u64::from(offset - self.starts[number]))
    }
}

/// Each string of some sections once.
pub struct Table {
    shards: Vec<Shard>,
    /// Bytes.
    pub size: u64,
}

/// The strings of a shard, one behind the other: section and number of each.
struct Shard {
    strings: Vec<(u32, u32)>,
    size: u64,
}

/// A string whose hash is known.
struct Hashed<'a> {
    hash: u64,
    bytes: &'a [u8],
}

impl Hash for Hashed<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl PartialEq for Hashed<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.bytes == other.bytes
    }
}

impl Eq for Hashed<'_> {}

/// Takes a hash for what it is.
#[derive(Default)]
struct Known(u64);

impl Hasher for Known {
    fn finish(&self) -> u64 {
        // In a shard, the others are the same.
        self.0.rotate_right(SHARD_BITS)
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// The shard of a string, by its hash or by what is packed.
fn shard_of(value: u64) -> usize {
    value as usize % SHARDS
}

fn packed(shard: usize, start: u64) -> u64 {
    start << SHARD_BITS | shard as u64
}

impl Table {
    /// Makes the table of these sections, and tells them their places.
    pub fn new(sections: &[&Strings]) -> Self {
        let shards: Vec<Shard> =
            (0..SHARDS).into_par_iter().map(|number| Shard::new(sections, number)).collect();
        let mut starts = [0; SHARDS];
        let mut size = 0;
        for (start, shard) in starts.iter_mut().zip(&shards) {
            *start = size;
            size += shard.size;
        }
        sections.par_iter().for_each(|section| {
            for place in &section.places {
                let packed = place.load(Ordering::Relaxed);
                place.store(starts[shard_of(packed)] + (packed >> SHARD_BITS), Ordering::Relaxed);
            }
        });
        Self { shards, size }
    }

    /// Writes the table of these sections, which are those that it was made of.
    pub fn write(&self, sections: &[&Strings], mut room: &mut [u8]) {
        let mut rooms = Vec::with_capacity(SHARDS);
        for shard in &self.shards {
            let (own, rest) = room.split_at_mut(shard.size as usize);
            rooms.push(own);
            room = rest;
        }
        self.shards.par_iter().zip(rooms).for_each(|(shard, mut room)| {
            for (section, number) in &shard.strings {
                let string = sections[*section as usize].string(*number as usize);
                let (own, rest) = room.split_at_mut(string.len());
                own.copy_from_slice(string);
                room = rest;
            }
        });
    }
}

impl Shard {
    /// The strings that belong into the shard of this number.
    fn new(sections: &[&Strings], shard: usize) -> Self {
        let mut known: HashMap<Hashed<'_>, u64, BuildHasherDefault<Known>> = HashMap::default();
        let mut strings = Vec::new();
        let mut size = 0;
        for (at, section) in (0..).zip(sections) {
            // Other threads change the places of other shards, and these stay theirs.
            for (number, place) in section.places.iter().enumerate() {
                let hash = place.load(Ordering::Relaxed);
                if shard_of(hash) != shard {
                    continue;
                }
                let bytes = section.string(number);
                let start = match known.entry(Hashed { hash, bytes }) {
                    Entry::Occupied(entry) => *entry.get(),
                    Entry::Vacant(entry) => {
                        strings.push((at, number as u32));
                        let start = size;
                        size += bytes.len() as u64;
                        *entry.insert(start)
                    }
                };
                place.store(packed(shard, start), Ordering::Relaxed);
            }
        }
        Self { strings, size }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &'static str) -> Strings {
        Strings::new(text.as_bytes().into()).ok().unwrap()
    }

    /// Makes a table, and gives the string that it has for each of these bytes of a section.
    fn look_up(sections: &[&Strings], wanted: &[(usize, u64)]) -> (usize, Vec<String>) {
        let table = Table::new(sections);
        let mut bytes = vec![0xff; table.size as usize];
        table.write(sections, &mut bytes);
        let found = wanted.iter().map(|(section, offset)| {
            let place = sections[*section].place(*offset).unwrap() as usize;
            let end = place + bytes[place..].iter().position(|byte| *byte == 0).unwrap();
            String::from_utf8_lossy(&bytes[place..end]).into_owned()
        });
        (bytes.len(), found.collect())
    }

    #[test]
    fn a_string_of_several_sections_is_there_once() {
        let sections = [section("alpha\0beta\0\0"), section("beta\0gamma\0alpha\0")];
        let sections: Vec<&Strings> = sections.iter().collect();
        let (size, found) = look_up(&sections, &[(0, 0), (0, 6), (0, 11), (1, 0), (1, 5), (1, 11)]);
        assert_eq!(found, ["alpha", "beta", "", "beta", "gamma", "alpha"]);
        assert_eq!(size, "alpha\0beta\0\0gamma\0".len());
        assert_eq!(sections[0].place(6), sections[1].place(0));
    }

    #[test]
    fn the_tail_of_a_string_is_found_in_it() {
        let sections = [section("prefix_name\0"), section("other\0prefix_name\0")];
        let sections: Vec<&Strings> = sections.iter().collect();
        assert_eq!(look_up(&sections, &[(0, 7), (1, 13)]).1, ["name", "name"]);
    }

    #[test]
    fn many_strings_keep_their_meaning() {
        let text: String = (0..5000).map(|n| format!("name{}\0", n % 700)).collect();
        let sections: Vec<Strings> = (0..4).map(|_| section(text.clone().leak())).collect();
        let sections: Vec<&Strings> = sections.iter().collect();
        let offsets: Vec<u64> =
            text.match_indices("name").map(|(at, _)| at as u64).chain(std::iter::once(0)).collect();
        let wanted: Vec<(usize, u64)> = offsets.iter().map(|offset| (3, *offset)).collect();
        let (size, found) = look_up(&sections, &wanted);
        assert_eq!(found[650], "name650");
        assert_eq!(found[4999], format!("name{}", 4999 % 700));
        assert_eq!(size, (0..700).map(|n| format!("name{n}\0").len()).sum::<usize>());
    }

    #[test]
    fn what_does_not_end_with_a_zero_is_given_back() {
        assert!(Strings::new(b"abc".as_slice().into()).is_err());
        assert!(Strings::new(b"".as_slice().into()).is_err());
        assert_eq!(section("abc\0").place(4), None);
        assert_eq!(section("abc\0").place(1 << 40), None);
    }
}
