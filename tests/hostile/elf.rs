//! Sections -> a relocatable object, whatever they say.

/// A section of an object that is made here.
#[derive(Clone, Default)]
pub struct Section {
    pub name: &'static str,
    pub kind: u32,
    pub flags: u64,
    pub data: Vec<u8>,
    pub link: u32,
    pub info: u32,
    /// Its bytes are those of the one before, and it has none here.
    pub same: bool,
}

/// A relocatable object with these sections, from number 1 on.
pub fn elf(sections: &[Section]) -> Vec<u8> {
    let mut file = vec![0; 64];
    let mut names = vec![0];
    let mut headers = vec![0; 64];
    let mut header = |name: usize, section: &Section, start: usize, size: usize| {
        let words = [
            name as u64 | u64::from(section.kind) << 32,
            section.flags,
            0,
            start as u64,
            size as u64,
            u64::from(section.link) | u64::from(section.info) << 32,
            8,
            if matches!(section.kind, 2 | 4) { 24 } else { 0 },
        ];
        headers.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    };
    let (mut start, mut size) = (0, 0);
    for section in sections {
        if !section.same {
            file.resize(file.len().next_multiple_of(16), 0);
            (start, size) = (file.len(), section.data.len());
            file.extend_from_slice(&section.data);
        }
        header(names.len(), section, start, size);
        names.extend_from_slice(section.name.as_bytes());
        names.push(0);
    }
    let last = Section { kind: 3, data: names, ..Section::default() };
    header(0, &last, file.len(), last.data.len());
    file.extend(last.data);
    file.resize(file.len().next_multiple_of(16), 0);
    let place = file.len() as u64;
    file.extend(headers);
    let count = sections.len() as u64 + 2;
    // 64 bits, little-endian; relocatable, for x86-64; where the headers are.
    for (word, at) in [(0x0001_0102_464c_457f, 0), (1 | 62 << 16 | 1 << 32, 16), (place, 40)] {
        file[at..at + 8].copy_from_slice(&u64::to_le_bytes(word));
    }
    // Sizes of the header and of the entries of tables, their number, and where the names are.
    for (half, at) in [(64, 52), (0, 54), (0, 56), (64, 58), (count, 60), (count - 1, 62)] {
        file[at..at + 2].copy_from_slice(&half.to_le_bytes()[..2]);
    }
    file
}
