//! Versions of imports and exports: `.gnu.version_r` and `.gnu.version_d` (LSB, "Symbol Versioning").

use super::strings::Strings;
use super::sysv_hash;
use crate::inputs::version_script::Version;
use object::elf;
use std::collections::HashMap;

/// Version number of unversioned symbols.
pub use crate::resolve::scope::VERSION_GLOBAL as GLOBAL;

/// A version's name and number.
type Needed = (Vec<u8>, u16);

/// The versions that are asked of libraries.
pub struct Versions {
    /// The last number that is taken otherwise.
    before: u16,
    /// For each library, its versions in the order in which they were asked for.
    needed: Vec<(Vec<u8>, Vec<Needed>)>,
    numbers: HashMap<(Vec<u8>, Vec<u8>), u16>,
}

impl Versions {
    /// None yet; their numbers will follow `before`: [`GLOBAL`], or that of the last definition.
    pub fn after(before: u16) -> Self {
        Self { before, needed: Vec::new(), numbers: HashMap::new() }
    }

    /// The number that stands for `version` of library `soname`.
    pub fn number(&mut self, soname: &[u8], version: &[u8]) -> u16 {
        let next = self.before + self.numbers.len() as u16 + 1;
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
                table.extend(sysv_hash::hash(version).to_le_bytes());
                table.extend(0u16.to_le_bytes());
                table.extend(number.to_le_bytes());
                table.extend(strings.add(version).to_le_bytes());
                table.extend(if last { 0u32 } else { 16 }.to_le_bytes());
            }
        }
        table
    }
}

/// The contents of `.gnu.version_d` for the versions that a script names, and their number: DT_VERDEFNUM. The first
/// definition stands for the library itself, `base` being its soname or, without one, its file's name. `is_used` says
/// whether a symbol has this version number.
pub fn definitions(
    base: &[u8],
    versions: &[Version],
    is_used: &dyn Fn(u16) -> bool,
    strings: &mut Strings,
) -> (Vec<u8>, u64) {
    if versions.iter().all(|version| version.name.is_empty()) {
        return (Vec::new(), 0);
    }
    let mut table = Vec::new();
    let mut define = |flags: u16, number: u16, name: &[u8], parents: &[String], last: bool| {
        let names = 1 + parents.len() as u32;
        let size = 20 + 8 * names;
        // Elf64_Verdef: version, flags, number, count of names, hash, offsets of the first name and the next record.
        for half in [1, flags, number, names as u16] {
            table.extend(half.to_le_bytes());
        }
        for word in [sysv_hash::hash(name), 20, if last { 0 } else { size }] {
            table.extend(word.to_le_bytes());
        }
        // Elf64_Verdaux: name, offset of the next one. The version's own name comes first.
        let all = std::iter::once(name).chain(parents.iter().map(String::as_bytes));
        for (index, name) in (1..).zip(all) {
            table.extend(strings.add(name).to_le_bytes());
            table.extend(if index == names { 0u32 } else { 8 }.to_le_bytes());
        }
    };
    define(elf::VER_FLG_BASE, GLOBAL, base, &[], false);
    for (number, version) in (GLOBAL + 1..).zip(versions) {
        // A version that holds nothing is no promise; programs may be run without it.
        let holds_nothing = version.global.is_empty() && version.local.is_empty() && !is_used(number);
        let flags = if holds_nothing { elf::VER_FLG_WEAK } else { 0 };
        let last = usize::from(number - GLOBAL) == versions.len();
        define(flags, number, version.name.as_bytes(), &version.parents, last);
    }
    (table, versions.len() as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::version_script;
    use std::path::Path;

    fn word(table: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(table[at..at + 4].try_into().unwrap())
    }

    fn text(strings: &Strings, at: u32) -> &[u8] {
        strings.bytes[at as usize..].split(|byte| *byte == 0).next().unwrap()
    }

    #[test]
    fn definitions_are_read_back() {
        let script = "V1 { }; V2 { global: foo; local: *; } V1; V3 { bar; } V1 V2;";
        let script = version_script::parse(script, Path::new("map")).unwrap();
        let mut strings = Strings::default();
        let (table, count) = definitions(b"libx.so", &script.versions, &|_| false, &mut strings);
        assert_eq!(count, 4);
        let (mut at, mut found) = (0, Vec::new());
        loop {
            let (head, numbers) = (word(&table, at), word(&table, at + 4));
            assert_eq!(head & 0xffff, 1);
            let mut names = Vec::new();
            let mut aux = at + word(&table, at + 12) as usize;
            loop {
                names.push(text(&strings, word(&table, aux)));
                match word(&table, aux + 4) {
                    0 => break,
                    next => aux += next as usize,
                }
            }
            assert_eq!(names.len() as u32, numbers >> 16);
            assert_eq!(word(&table, at + 8), sysv_hash::hash(names[0]));
            found.push((head >> 16, numbers & 0xffff, names));
            match word(&table, at + 16) {
                0 => break,
                next => at += next as usize,
            }
        }
        let expected: [(u32, u32, Vec<&[u8]>); 4] = [
            (1, 1, vec![b"libx.so"]),
            (2, 2, vec![b"V1"]),
            (0, 3, vec![b"V2", b"V1"]),
            (0, 4, vec![b"V3", b"V1", b"V2"]),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_script_without_names_defines_no_versions() {
        let script = version_script::parse("{ global: foo; local: *; };", Path::new("map")).unwrap();
        let mut strings = Strings::default();
        assert_eq!(definitions(b"libx.so", &script.versions, &|_| true, &mut strings), (vec![], 0));
    }

    #[test]
    fn needed_versions_are_numbered_after_the_defined_ones() {
        let mut versions = Versions::after(4);
        assert_eq!(versions.number(b"libc.so.6", b"GLIBC_2.2.5"), 5);
        assert_eq!(versions.number(b"libm.so.6", b"GLIBC_2.2.5"), 6);
        assert_eq!(versions.number(b"libc.so.6", b"GLIBC_2.2.5"), 5);
    }
}
