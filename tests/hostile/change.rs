//! Bytes -> bytes of which one to three fields say something else, and what was changed, in words.

use std::ops::RangeInclusive;

use unfold_tests::random::Random;

use crate::index::word;

/// A number that a table has, or had better not have.
fn value(random: &mut Random) -> u64 {
    match random.below(4) {
        0 => random.below(100) as u64,
        1 => (1u64 << random.below(64)).wrapping_sub(random.below(3) as u64),
        2 => [u64::MAX, 0xffff, 0xfff1, 0xfff2, 0xff00, u64::from(u32::MAX), 1 << 31][random.below(7)],
        _ => random.number(),
    }
}

/// Sets a field of so many bytes.
fn set(bytes: &mut [u8], at: usize, width: usize, value: u64) -> String {
    let Some(field) = bytes.get_mut(at..at + width) else { return String::new() };
    field.copy_from_slice(&value.to_le_bytes()[..width]);
    format!("{value:#x} at {at:#x}; ")
}

/// Changes one to three fields of tables in an ELF file.
pub fn change_elf(file: &mut [u8], random: &mut Random) -> String {
    let headers = word(file, 40) as usize;
    let count = (word(file, 56) >> 32) as usize & 0xffff;
    let mut changes = String::new();
    for _ in 0..=random.below(3) {
        let header = headers + 64 * random.below(count);
        let (Some(kind), Some(place)) = (file.get(header + 4), file.get(header + 24..header + 40)) else {
            continue;
        };
        let (kind, start, size) = (*kind, word(place, 0) as usize, word(place, 8) as usize);
        let value = value(random);
        changes += &match kind {
            _ if random.below(4) == 0 || size == 0 || start + size > file.len() => {
                let (at, width) = SECTION[random.below(SECTION.len())];
                set(file, header + at, width, value)
            }
            // Symbols.
            2 | 11 => {
                let (at, width) = [(0, 4), (4, 1), (5, 1), (6, 2), (8, 8), (16, 8)][random.below(6)];
                set(file, start + random.below(size / 24 + 1) * 24 + at, width, value)
            }
            // Relocations: mostly kinds that there are.
            4 => {
                let (at, width) = [(0, 8), (8, 4), (12, 4), (16, 8)][random.below(4)];
                let value = if at == 8 { value % 52 } else { value };
                set(file, start + random.below(size / 24 + 1) * 24 + at, width, value)
            }
            // Names, code, notes, tables of words.
            _ => {
                let width = [1, 2, 4, 8][random.below(4)];
                set(file, start + random.below(size) / width * width, width, value)
            }
        };
    }
    changes
}

/// Offsets and widths of the fields of a section header.
const SECTION: [(usize, usize); 10] =
    [(0, 4), (4, 4), (8, 8), (16, 8), (24, 8), (32, 8), (40, 4), (44, 4), (48, 8), (56, 8)];

/// Changes one to three things in an archive: digits, names, numbers of its table of symbols.
pub fn change_archive(archive: &mut [u8], random: &mut Random) -> String {
    let ends: Vec<usize> = (0..archive.len() - 1).filter(|at| archive[*at..].starts_with(b"`\n")).collect();
    let mut changes = String::new();
    for _ in 0..=random.below(3) {
        let end = ends[random.below(ends.len())];
        let position = match random.below(3) {
            // Names and sizes are in the 58 bytes before.
            0 => end.saturating_sub([58, 57, 56, 10, 9, 8, 1][random.below(7)]),
            1 => end - random.below(59).min(end),
            // What follows: a table of symbols, names, contents.
            _ => (end + 2 + random.below(120)).min(archive.len() - 1),
        };
        let byte = match random.below(3) {
            0 => b"0123456789/ \n`#"[random.below(15)],
            1 => [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
            _ => random.number() as u8,
        };
        archive[position] = byte;
        changes += &format!("{byte:#x} at {position:#x}; ");
    }
    changes
}

pub fn change_text(text: &mut Vec<u8>, random: &mut Random) {
    if text.is_empty() {
        return;
    }
    let (from, to) = (random.below(text.len()), random.below(text.len()));
    match random.below(5) {
        0 => text.swap(from, to),
        1 => text.insert(from, b"{}();:,*[]\\\"'#/?!^-=@\n \0\xff"[random.below(25)]),
        2 => text.truncate(from),
        3 => drop(text.remove(from)),
        _ => {
            let part = text[from.min(to)..from.max(to)].to_vec();
            text.splice(from..from, part);
        }
    }
}

/// Sets one to three words, halves or bytes of the part of a file.
pub fn change_words(bytes: &mut [u8], part: RangeInclusive<usize>, random: &mut Random) -> String {
    let end = bytes.len().min(part.end().saturating_add(1));
    let mut changes = String::new();
    for _ in 0..=random.below(3) {
        let width = [8, 4, 1][random.below(3)];
        if end <= part.start() + width {
            continue;
        }
        // Heads and the first rows of tables say most.
        let limit = if random.below(2) == 0 { end - part.start() } else { (end - part.start()).min(400) };
        let at = part.start() + random.below(limit) / width * width;
        changes += &set(bytes, at, width, value(random));
    }
    changes
}
