//! Shared libraries: what they define, with versions, and what they need.

use crate::object::Names;
use anyhow::{Context, Result, bail};
use object::elf::{self, FileHeader64};
use object::read::elf::{Dyn, FileHeader, SectionHeader, Sym};
use object::{LittleEndian, SectionIndex};
use xxhash_rust::xxh3::Xxh3;

/// A symbol that a shared library defines.
#[derive(Clone, Copy, Debug)]
pub struct SharedSymbol {
    pub name: &'static [u8],
    pub version: Option<&'static [u8]>,
    /// `name@@version`: what a reference without a version means.
    pub is_default: bool,
    pub value: u64,
    pub size: u64,
    pub kind: u8,
    pub binding: u8,
    pub visibility: u8,
    /// Alignment of its section, for a copy.
    pub align: u64,
    pub is_undefined: bool,
}

impl SharedSymbol {
    /// Whether the library does not work without another definition of the symbol.
    pub fn is_wanted(&self) -> bool {
        self.is_undefined && self.binding != elf::STB_WEAK
    }

    /// Whether the dynamic linker takes this definition for what `wanted` refers to.
    pub fn provides(&self, wanted: &Self) -> bool {
        let same_version =
            wanted.version.is_none() || self.version.is_none() || self.version == wanted.version;
        !self.is_undefined && self.name == wanted.name && same_version
    }
}

#[derive(Debug)]
pub struct SharedLibrary {
    pub soname: Vec<u8>,
    /// It says its soname itself.
    pub is_named: bool,
    /// The libraries that it needs itself.
    pub needed: Vec<&'static [u8]>,
    pub symbols: Vec<SharedSymbol>,
    /// The contents of its sections of code.
    pub code: Vec<&'static [u8]>,
}

impl SharedLibrary {
    /// Identity of everything that a link takes from the library: not the addresses of functions, which move as the
    /// library is edited; of variables only which are one.
    pub fn identity(&self) -> u64 {
        let mut variables: Vec<u64> =
            self.symbols.iter().filter(|symbol| !symbol.is_function()).map(|symbol| symbol.value).collect();
        variables.sort_unstable();
        variables.dedup();
        let mut hash = Xxh3::new();
        // Without a soname the library goes by its file's name.
        if self.is_named {
            hash.update(&self.soname);
        }
        for name in &self.needed {
            hash.update(name);
            hash.update(b"\0");
        }
        for symbol in &self.symbols {
            for text in [symbol.name, symbol.version.unwrap_or_default()] {
                hash.update(text);
                hash.update(b"\0");
            }
            let flags = [symbol.is_default, symbol.is_undefined, symbol.version.is_some()].map(u8::from);
            hash.update(&flags);
            hash.update(&[symbol.kind, symbol.binding, symbol.visibility]);
            if !symbol.is_function() {
                let place = variables.binary_search(&symbol.value).unwrap_or_default() as u64;
                for word in [place, symbol.size, symbol.align] {
                    hash.update(&word.to_le_bytes());
                }
            }
        }
        hash.digest() | crate::index::state::SHARED_LIBRARY
    }
}

impl SharedSymbol {
    pub fn is_function(&self) -> bool {
        crate::resolve::check::is_function(self.kind)
    }
}

/// Reads the dynamic symbols of a shared library. `name` is the soname of a library that has none.
pub fn read(data: &'static [u8], name: &[u8]) -> Result<SharedLibrary> {
    let endian = LittleEndian;
    let header = FileHeader64::<LittleEndian>::parse(data)?;
    if header.e_machine(endian) != elf::EM_X86_64 {
        bail!("is not for x86-64");
    }
    let sections = header.sections(endian, data)?;
    let symbols = sections.symbols(endian, data, elf::SHT_DYNSYM)?;
    let versions = sections.versions(endian, data)?;
    let (mut soname, mut is_named) = (name.to_vec(), false);
    let mut needed = Vec::new();
    let mut names = Names::of_file(data);
    if let Some((dynamic, link)) = sections.dynamic(endian, data)? {
        let strings = sections.strings(endian, data, link)?;
        for entry in dynamic {
            match entry.tag32(endian) {
                Some(elf::DT_SONAME) => {
                    let name = entry.string(endian, strings).context("bad DT_SONAME")?;
                    names.add(name)?;
                    soname = name.to_vec();
                    is_named = true;
                }
                Some(elf::DT_NEEDED) => {
                    let name = entry.string(endian, strings).context("bad DT_NEEDED")?;
                    names.add(name)?;
                    needed.push(name);
                }
                _ => {}
            }
        }
    }
    let mut read = Vec::with_capacity(symbols.len());
    for (index, symbol) in symbols.enumerate() {
        if index.0 == 0 || symbol.st_bind() == elf::STB_LOCAL {
            continue;
        }
        let name = symbol.name(endian, symbols.strings()).context("bad symbol name")?;
        names.add(name)?;
        let is_undefined = symbol.st_shndx(endian) == elf::SHN_UNDEF;
        let (mut version, mut is_default) = (None, true);
        if let Some(table) = &versions {
            let number = table.version_index(endian, index);
            if number.is_local() && !is_undefined {
                continue;
            }
            is_default = !number.is_hidden();
            version = table.version(number)?.map(|version| version.name());
        }
        let section = SectionIndex(usize::from(symbol.st_shndx(endian)));
        let align = sections.section(section).map_or(16, |section| section.sh_addralign(endian).max(1));
        read.push(SharedSymbol {
            name,
            version,
            is_default,
            value: symbol.st_value(endian),
            // More than any image has: sums of these stay numbers.
            size: symbol.st_size(endian).min(1 << 32),
            kind: symbol.st_type(),
            binding: symbol.st_bind(),
            visibility: symbol.st_visibility(),
            align: copy_alignment(symbol.st_value(endian), align),
            is_undefined,
        });
    }
    let is_code = |section: &&elf::SectionHeader64<LittleEndian>| {
        section.sh_flags(endian) & u64::from(elf::SHF_EXECINSTR) != 0
    };
    let code =
        sections.iter().filter(is_code).filter_map(|section| section.data(endian, data).ok()).collect();
    Ok(SharedLibrary { soname, is_named, needed, symbols: read, code })
}

/// The alignment that a copy of a symbol needs: no more than its address in the library has.
fn copy_alignment(value: u64, section: u64) -> u64 {
    let of_value = if value == 0 { 64 } else { 1 << value.trailing_zeros().min(12) };
    // What is no power of two is no alignment.
    if section.is_power_of_two() { section.min(of_value) } else { of_value }
}
