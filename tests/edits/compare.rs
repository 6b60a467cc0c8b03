//! Compares two executables of the same objects that have things at different addresses.
//!
//! Both have the same symbols: names, types, sizes. The bytes of each function and variable of our objects are the
//! same but for what the object's relocations fill in; and there, where the field is an address or a
//! distance, both lead to the same thing: the same place in the same symbol, or bytes that are equal.

use std::collections::{BTreeMap, HashMap};

use object::elf;
use object::read::elf::ElfFile64;
use object::{
    Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget, SectionKind, SymbolKind,
};

pub struct Image<'a> {
    file: ElfFile64<'a>,
    /// Sized symbols by address, thread-local ones apart.
    by_address: BTreeMap<u64, Vec<(&'a str, u64)>>,
    by_name: HashMap<&'a str, Vec<(u64, u64)>>,
}

impl<'a> Image<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Image<'a>, String> {
        let file = ElfFile64::parse(bytes).map_err(|error| format!("the baked file: {error}"))?;
        let mut by_address: BTreeMap<u64, Vec<(&str, u64)>> = BTreeMap::new();
        let mut by_name: HashMap<&str, Vec<(u64, u64)>> = HashMap::new();
        for symbol in file.symbols() {
            let Ok(name) = symbol.name() else { continue };
            if symbol.is_undefined() || !matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Data) {
                continue;
            }
            by_address.entry(symbol.address()).or_default().push((name, symbol.size()));
            by_name.entry(name).or_default().push((symbol.address(), symbol.size()));
        }
        by_address.values_mut().for_each(|symbols| symbols.sort_unstable());
        Ok(Image { file, by_address, by_name })
    }

    /// Of a list of pages, those whose bytes a lazy image and a baked one share. In `.dynsym`, baking gives defined
    /// symbols the numbers of their sections, which a lazy image does not have.
    pub fn comparable(&self, pages: &str) -> String {
        let symbols = self.file.section_by_name(".dynsym");
        let (start, end) =
            symbols.map_or((0, 0), |section| (section.address(), section.address() + section.size()));
        let kept = pages.lines().filter(|line| {
            let address =
                line.split(' ').next().and_then(|text| u64::from_str_radix(text, 16).ok()).unwrap_or(0);
            address + 4096 <= start || address >= end
        });
        kept.flat_map(|line| [line, "\n"]).collect()
    }

    /// The build ID, if it has one.
    pub fn build_id(&self) -> Option<&[u8]> {
        self.file.build_id().ok().flatten()
    }

    /// All symbols that the objects have: name, type, binding, size, and how often.
    fn symbols(&self) -> BTreeMap<String, usize> {
        let mut symbols = BTreeMap::new();
        for symbol in self.file.symbols() {
            let Ok(name) = symbol.name() else { continue };
            let counted = matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Data | SymbolKind::Tls);
            if name.is_empty() || !counted {
                continue;
            }
            let section = symbol.section_index().and_then(|index| self.file.section_by_index(index).ok());
            let kind = section.map(|section| match section.kind() {
                // Where one of them is, the linker chooses.
                SectionKind::ReadOnlyString => SectionKind::ReadOnlyData,
                kind => kind,
            });
            // Of a function that several objects have, either link may take any.
            let size = if name.starts_with("_Z") { 0 } else { symbol.size() };
            let text = format!(
                "{name}: {:?} {} size {size} in {kind:?}",
                symbol.kind(),
                if symbol.is_weak() {
                    "weak"
                } else if symbol.is_global() {
                    "global"
                } else {
                    "local"
                }
            );
            *symbols.entry(text).or_default() += 1;
        }
        symbols
    }

    fn bytes(&self, address: u64, len: u64) -> Option<Vec<u8>> {
        for section in self.file.sections() {
            if section.kind() == SectionKind::Tls || section.kind() == SectionKind::UninitializedTls {
                continue;
            }
            let (start, size) = (section.address(), section.size());
            if start == 0 || address < start || address + len > start + size {
                continue;
            }
            if matches!(section.kind(), SectionKind::UninitializedData) {
                return Some(vec![0; len as usize]);
            }
            let at = (address - start) as usize;
            return Some(section.data().ok()?.get(at..at + len as usize)?.to_owned());
        }
        None
    }

    /// What is at an address, in words that do not depend on where things are.
    fn what_is_at(&self, address: u64, is_text: bool) -> String {
        let found = self.by_address.range(..=address).next_back();
        if let Some((start, symbols)) = found {
            let names: Vec<&str> = symbols
                .iter()
                .filter(|(_, size)| address == *start || address - start < *size)
                .map(|(name, _)| *name)
                .collect();
            if !names.is_empty() {
                return format!("{}+{:#x}", names.join("="), address - start);
            }
        }
        if is_text {
            let text = (1..=64).rev().find_map(|len| self.bytes(address, len)).unwrap_or_default();
            let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
            return format!("{:?}", String::from_utf8_lossy(&text[..end]));
        }
        // Local variables have no symbol; their contents show when the program runs.
        let inside = |section: &object::read::elf::ElfSection64<'_, '_>| {
            section.address() != 0
                && (section.address()..section.address() + section.size()).contains(&address)
        };
        let is_code =
            self.file.sections().any(|section| section.kind() == SectionKind::Text && inside(&section));
        if is_code { "code" } else { "data" }.to_owned()
    }
}

/// Says how the two differ in their symbols. A relink keeps archive members that nobody needs any more, if nobody can
/// tell, and with them their symbols.
pub fn symbols(found: &Image<'_>, expected: &Image<'_>, more: bool) -> Result<(), String> {
    let (found, expected) = (found.symbols(), expected.symbols());
    let of = |symbols: &BTreeMap<String, usize>, text: &String| symbols.get(text).copied().unwrap_or(0);
    let mut differences = vec![];
    for text in found.keys().chain(expected.keys().filter(|text| !found.contains_key(*text))) {
        let (here, there) = (of(&found, text), of(&expected, text));
        if here < there || here > there && !more {
            differences.push(format!("{text}: {here} times, from nothing {there} times"));
        }
    }
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n")) }
}

/// Says how the two differ in what this object has put into them.
pub fn contents(found: &Image<'_>, expected: &Image<'_>, object: &[u8]) -> Result<usize, String> {
    let file =
        ElfFile64::<object::Endianness>::parse(object).map_err(|error| format!("an object: {error}"))?;
    let mut compared = 0;
    for symbol in file.symbols() {
        let Ok(name) = symbol.name() else { continue };
        let size = symbol.size();
        let indirect = symbol.elf_symbol().st_type() == elf::STT_GNU_IFUNC;
        if !matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Data)
            || size == 0
            || symbol.is_weak()
            || indirect
        {
            continue;
        }
        let Some(section) = symbol.section_index().and_then(|index| file.section_by_index(index).ok()) else {
            continue;
        };
        // One place in each; names that several objects have say nothing, nor do members that are not part of it.
        let (Some([(here, size_here)]), Some([(there, size_there)])) =
            (found.by_name.get(name).map(Vec::as_slice), expected.by_name.get(name).map(Vec::as_slice))
        else {
            continue;
        };
        if (*size_here, *size_there) != (size, size) {
            continue;
        }
        let (Some(here_bytes), Some(there_bytes)) = (found.bytes(*here, size), expected.bytes(*there, size))
        else {
            return Err(format!("{name}: it lies in no section of one of the two"));
        };
        compared += 1;
        let start = symbol.address();
        let mut free = vec![false; size as usize];
        for (offset, relocation) in section.relocations() {
            if offset < start || offset >= start + size {
                continue;
            }
            let at = (offset - start) as usize;
            let RelocationFlags::Elf { r_type } = relocation.flags() else { continue };
            // Which instruction it is may differ, where one is short of the other's table entry.
            let (before, len) = match r_type {
                elf::R_X86_64_64 | elf::R_X86_64_DTPOFF64 => (0, 8),
                elf::R_X86_64_REX_GOTPCRELX | elf::R_X86_64_GOTPCRELX | elf::R_X86_64_GOTTPOFF => (3, 4),
                elf::R_X86_64_TLSGD | elf::R_X86_64_TLSLD => (4, 12),
                _ => (0, 4),
            };
            for byte in at.saturating_sub(before)..(at + len).min(size as usize) {
                free[byte] = true;
            }
            let mut is_text = false;
            if let RelocationTarget::Symbol(target) = relocation.target()
                && let Ok(target) = file.symbol_by_index(target)
            {
                if target.kind() == SymbolKind::Tls {
                    continue;
                }
                let section = target.section_index().and_then(|index| file.section_by_index(index).ok());
                is_text = section.is_some_and(|section| section.kind() == SectionKind::ReadOnlyString);
            }
            let lead = |image: &Image<'_>, bytes: &[u8], place: u64| -> Option<String> {
                let field = |len: usize| bytes.get(at..at + len);
                // Compilers count from what is before or behind a variable, too: what counts is the symbol.
                let named = |address: u64| match is_text || address == 0 {
                    true => address,
                    false => address.wrapping_add_signed(-relocation.addend()),
                };
                let address = match r_type {
                    elf::R_X86_64_PC32 | elf::R_X86_64_PLT32 => {
                        let value = i32::from_le_bytes(field(4)?.try_into().ok()?);
                        // Of a text counts where in its section it is; the field is read from behind.
                        let distance = if is_text { 4 } else { -relocation.addend() };
                        (place + at as u64).wrapping_add_signed(i64::from(value) + distance)
                    }
                    elf::R_X86_64_64 => named(u64::from_le_bytes(field(8)?.try_into().ok()?)),
                    elf::R_X86_64_32 | elf::R_X86_64_32S => {
                        named(u32::from_le_bytes(field(4)?.try_into().ok()?).into())
                    }
                    _ => return None,
                };
                Some(if address == 0 { "null".into() } else { image.what_is_at(address, is_text) })
            };
            let (here, there) = (lead(found, &here_bytes, *here), lead(expected, &there_bytes, *there));
            if here != there {
                return Err(format!(
                    "{name}+{at:#x}: relocation {r_type} leads to {here:?}, from nothing to {there:?}"
                ));
            }
        }
        for at in 0..size as usize {
            if !free[at] && here_bytes[at] != there_bytes[at] {
                return Err(format!(
                    "{name}+{at:#x} is {:#04x}, from nothing {:#04x}",
                    here_bytes[at], there_bytes[at]
                ));
            }
        }
    }
    Ok(compared)
}
