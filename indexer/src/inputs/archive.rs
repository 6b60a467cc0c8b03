//! Archives, ordinary and thin: members and the symbol table that says which member defines what.

use crate::object::Names;
use anyhow::{Context, Result, bail};
use object::elf::{SHN_COMMON, SHN_UNDEF};
use object::read::archive::{ArchiveFile, ArchiveMember, ArchiveOffset};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// One member of an archive.
#[derive(Clone, Debug)]
pub struct Member {
    /// Where its header is: what the symbol table refers to.
    pub offset: u64,
    pub name: Vec<u8>,
    pub data: &'static [u8],
    /// The file of a thin archive's member.
    pub external: Option<PathBuf>,
}

/// A name, and the offset of the member that defines it.
pub type ArchiveSymbol = (&'static [u8], u64);

pub struct Archive {
    pub data: &'static [u8],
    path: PathBuf,
    file: ArchiveFile<'static>,
}

impl Archive {
    pub fn parse(data: &'static [u8], path: &Path) -> Result<Self> {
        let file = ArchiveFile::parse(data)?;
        Ok(Self { data, path: path.to_owned(), file })
    }

    /// The contents of the first member that is an object.
    pub fn first_object(&self) -> Option<&'static [u8]> {
        let mut members = self.file.members().filter_map(|member| member.ok()?.data(self.data).ok());
        members.find(|data| data.starts_with(b"\x7fELF"))
    }

    /// All members that are objects.
    pub fn members(&self) -> Result<Vec<Member>> {
        let mut members = Vec::new();
        for member in self.file.members() {
            let member = checked(member?)?;
            let read = self.read(&member)?;
            if is_object(read.data) {
                members.push(read);
            }
        }
        Ok(members)
    }

    pub fn is_thin(&self) -> bool {
        self.file.is_thin()
    }

    /// Where the members are that are objects, in ascending order.
    pub fn offsets(&self) -> Result<Vec<u64>> {
        if self.is_thin() {
            return Ok(self.members()?.into_iter().map(|member| member.offset).collect());
        }
        let mut offsets = Vec::new();
        for member in self.file.members() {
            let member = checked(member?)?;
            if is_object(member.data(self.data).context("member lies outside the archive")?) {
                offsets.push(self.header_offset(&member));
            }
        }
        Ok(offsets)
    }

    /// The member whose header is at `offset`.
    pub fn member_at(&self, offset: u64) -> Result<Member> {
        let member =
            self.file.member(ArchiveOffset(offset)).with_context(|| format!("bad member at {offset:#x}"))?;
        self.read(&checked(member)?)
    }

    /// Where a member's header is. Its contents need not follow: they come behind a long name, or are a file of their own.
    fn header_offset(&self, member: &ArchiveMember<'static>) -> u64 {
        let start = member.header().map_or(self.data.as_ptr(), |header| std::ptr::from_ref(header).cast());
        (start as usize).saturating_sub(self.data.as_ptr() as usize) as u64
    }

    fn read(&self, member: &ArchiveMember<'static>) -> Result<Member> {
        let name = member.name().to_vec();
        let header = self.header_offset(member);
        if !self.file.is_thin() {
            let data = member.data(self.data).context("member lies outside the archive")?;
            return Ok(Member { offset: header, name, data, external: None });
        }
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let path = folder.join(std::ffi::OsStr::from_bytes(&name));
        let (data, _) = super::mapped::map(&path)?;
        Ok(Member { offset: header, name, data, external: Some(path) })
    }

    /// Symbols and the offsets of the members that define them, or `None` if the archive has no table.
    pub fn symbols(&self) -> Result<Option<Vec<ArchiveSymbol>>> {
        let Some(symbols) = self.file.symbols()? else { return Ok(None) };
        let mut read = Vec::new();
        let mut names = Names::of_file(self.data);
        for symbol in symbols {
            let symbol = symbol?;
            names.add(symbol.name())?;
            read.push((symbol.name(), symbol.offset().0));
        }
        Ok(Some(read))
    }
}

/// Members whose names, all in one table, are longer than a path can be are none.
fn checked(member: ArchiveMember<'static>) -> Result<ArchiveMember<'static>> {
    const LONGEST: usize = 4096;
    if member.name().len() > LONGEST {
        bail!("bad member: its name has {} bytes", member.name().len());
    }
    Ok(member)
}

/// Whether a member is something to link: ELF, or bitcode that has to be handed on.
pub fn is_object(data: &[u8]) -> bool {
    data.starts_with(b"\x7fELF") || super::is_bitcode(data)
}

/// The names in an object that it defines for others, for archives without a symbol table.
pub fn defined_names(data: &'static [u8]) -> Result<Vec<&'static [u8]>> {
    names(data, |section| section != SHN_UNDEF)
}

/// Those of them that are not common symbols, which a symbol table does not tell apart.
pub fn names_with_value(data: &'static [u8]) -> Result<Vec<&'static [u8]>> {
    names(data, |section| section != SHN_UNDEF && section != SHN_COMMON)
}

/// The names of the symbols that are not local and whose section is one of these.
fn names(data: &'static [u8], is_wanted: impl Fn(u16) -> bool) -> Result<Vec<&'static [u8]>> {
    use object::LittleEndian;
    use object::elf::{self, FileHeader64};
    use object::read::elf::{FileHeader, Sym};
    let endian = LittleEndian;
    let header = FileHeader64::<LittleEndian>::parse(data)?;
    let sections = header.sections(endian, data)?;
    let symbols = sections.symbols(endian, data, elf::SHT_SYMTAB)?;
    let mut names = Vec::new();
    let mut bytes = Names::of_file(data);
    for symbol in symbols.iter() {
        if symbol.st_bind() != elf::STB_LOCAL && is_wanted(symbol.st_shndx(endian)) {
            let name = symbol.name(endian, symbols.strings())?;
            bytes.add(name)?;
            names.push(name);
        }
    }
    Ok(names)
}
