//! Imports' versions: `.gnu.version` and `.gnu.version_r` (LSB, "Symbol Versioning").

use super::strings::Strings;
use std::collections::HashMap;

/// Version numbers of unversioned symbols.
pub const GLOBAL: u16 = 1;

/// A version's name and number.
type Version = (Vec<u8>, u16);

#[derive(Default)]
pub struct Versions {
    /// For each library, its versions in the order in which they were asked for.
    needed: Vec<(Vec<u8>, Vec<Version>)>,
    numbers: HashMap<(Vec<u8>, Vec<u8>), u16>,
}

impl Versions {
    /// The number that stands for `version` of library `soname`.
    pub fn number(&mut self, soname: &[u8], version: &[u8]) -> u16 {
        let next = self.numbers.len() as u16 + GLOBAL + 1;
        let number = *self.numbers.entry((soname.to_vec(), version.to_vec())).or_insert(next);
        if number == next {
            let list = match self.needed.iter_mut().find(|(name, _)| name == soname) {
                Some((_, list)) => list,
                None => {
                    self.needed.push((soname.to_vec(), Vec::new()));
                    &mut self.needed.last_mut().expect("just pushed").1
                }
            };
            list.push((version.to_vec(), number));
        }
        number
    }

    /// Number of libraries with versions: DT_VERNEEDNUM.
    pub fn libraries(&self) -> u64 {
        self.needed.len() as u64
    }

    /// The contents of `.gnu.version_r`.
    pub fn table(&self, strings: &mut Strings) -> Vec<u8> {
        let mut table = Vec::new();
        for (index, (soname, versions)) in self.needed.iter().enumerate() {
            let last = index + 1 == self.needed.len();
            // Elf64_Verneed: version, count, file, offset of the first entry, offset of the next record.
            table.extend(1u16.to_le_bytes());
            table.extend((versions.len() as u16).to_le_bytes());
            table.extend(strings.add(soname).to_le_bytes());
            table.extend(16u32.to_le_bytes());
            let size = 16 + 16 * versions.len() as u32;
            table.extend(if last { 0 } else { size }.to_le_bytes());
            for (entry, (version, number)) in versions.iter().enumerate() {
                let last = entry + 1 == versions.len();
                // Elf64_Vernaux: hash, flags, number, name, offset of the next entry.
                table.extend(sysv_hash(version).to_le_bytes());
                table.extend(0u16.to_le_bytes());
                table.extend(number.to_le_bytes());
                table.extend(strings.add(version).to_le_bytes());
                table.extend(if last { 0u32 } else { 16 }.to_le_bytes());
            }
        }
        table
    }
}

/// The hash function of the gABI ("Hash Table"), which versions are compared by.
fn sysv_hash(name: &[u8]) -> u32 {
    name.iter().fold(0u32, |hash, byte| {
        let hash = (hash << 4).wrapping_add(u32::from(*byte));
        let high = hash & 0xf000_0000;
        (hash ^ (high >> 24)) & !high
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn hash_of_a_known_version() {
        assert_eq!(super::sysv_hash(b"GLIBC_2.2.5"), 0x0969_1a75);
    }
}
