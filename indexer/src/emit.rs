//! Plan -> the executable: header page, configuration page, loader.

use crate::evident::{self, Evident, PathPlace};
use crate::index::access;
use crate::index::opened::Executable;
use crate::index::state::State;
use crate::layout::{self, Layout};
use crate::settle;
use crate::synth::{Part, Synth};
use anyhow::{Context, Result};
pub use object::elf;
use shared::checksum::checksum;
use shared::image::ImagePrint;
use shared::output::{CONFIG, IMAGE_PHDRS, LOADER, MAGIC, OutputConfig};
use shared::plan::{RegionKind, RegionRec};
use shared::pod::{StrRef, bytes_of};
use shared::record::Class;
use shared::{ImageAddr, PAGE};
use std::borrow::Cow;
use std::fs;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The loader, as the build script compiled it.
pub static LOADER_FILE: &[u8] = include_bytes!(env!("UNFOLD_STUB"));

pub const EHDR: usize = 64;
pub const PHDR: usize = 56;

/// A program header (gABI, "Program Header").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phdr {
    pub kind: u32,
    pub flags: u32,
    pub offset: u64,
    pub addr: u64,
    pub file_size: u64,
    pub size: u64,
    pub align: u64,
}

impl Phdr {
    /// The headers in `bytes`, as [`Self::bytes`] lays them out.
    pub fn read(bytes: &[u8]) -> Vec<Self> {
        let of = |header: &[u8]| {
            let word = |at: usize| u64::from_le_bytes(header[at..at + 8].try_into().unwrap_or_default());
            Self {
                kind: word(0) as u32,
                flags: (word(0) >> 32) as u32,
                offset: word(8),
                addr: word(16),
                file_size: word(32),
                size: word(40),
                align: word(48),
            }
        };
        bytes.chunks_exact(PHDR).map(of).collect()
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes =
            [self.kind, self.flags].iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
        let words = [self.offset, self.addr, self.addr, self.file_size, self.size, self.align];
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        bytes
    }
}

/// What the program asks of its stack.
#[derive(Clone, Copy)]
pub struct Stack {
    pub is_executable: bool,
    /// Whether the program says anything of it.
    pub has_header: bool,
    /// `-z stack-size`, which some C libraries give to threads; 0: theirs.
    pub size: u64,
}

impl Stack {
    fn phdr(self) -> Phdr {
        let exec = if self.is_executable { elf::PF_X } else { 0 };
        Phdr {
            kind: elf::PT_GNU_STACK,
            flags: elf::PF_R | elf::PF_W | exec,
            offset: 0,
            addr: 0,
            file_size: 0,
            size: self.size,
            align: 16,
        }
    }
}

/// The image's own program headers, as the dynamic linker and the program see them. Offsets are those of the
/// baked file, which is laid out as the image is.
pub fn image_phdrs(
    layout: &Layout,
    synth: &Synth<'_>,
    has_interp: bool,
    stack: Stack,
    relro: bool,
) -> Vec<Phdr> {
    let base = layout.base;
    let header_align = |region: usize| layout.aligns[region].max(PAGE);
    let range = |kind, flags, start: ImageAddr, size: u64, align| Phdr {
        kind,
        flags,
        offset: start.offset_from(base),
        addr: start.0,
        file_size: size,
        size,
        align,
    };
    let mut phdrs = Vec::new();
    let part = |part: Part| (synth.addr(layout, part), synth.size(part));
    if has_interp {
        phdrs.push(range(elf::PT_PHDR, elf::PF_R, base + IMAGE_PHDRS, 0, 8));
        let (addr, size) = part(Part::Interp);
        phdrs.push(range(elf::PT_INTERP, elf::PF_R, addr, size, 1));
    }
    for (number, region) in layout.regions.iter().enumerate().filter(|(_, region)| !region.is_empty()) {
        // Who loads a shared library has to keep its alignments; an executable is where it was linked to be.
        let align = if layout.base.0 == 0 { header_align(number) } else { PAGE };
        let mut load = range(elf::PT_LOAD, region_flags(region), region.start, region.len(), align);
        if region.kind == RegionKind::Zero as u32 {
            load.file_size = 0;
        }
        phdrs.push(load);
    }
    if synth.size(Part::Dynamic) != 0 {
        let (addr, size) = part(Part::Dynamic);
        phdrs.push(range(elf::PT_DYNAMIC, elf::PF_R | elf::PF_W, addr, size, 8));
    }
    let notes = layout.class(Class::Note);
    if !notes.is_empty() {
        phdrs.push(range(elf::PT_NOTE, elf::PF_R, notes.start, notes.len(), 4));
    }
    if synth.size(Part::Property) != 0 {
        let (addr, size) = part(Part::Property);
        phdrs.push(range(elf::PT_NOTE, elf::PF_R, addr, size, 8));
        phdrs.push(range(elf::PT_GNU_PROPERTY, elf::PF_R, addr, size, 8));
    }
    let (tls, _, data) = layout.tls();
    if !tls.is_empty() {
        let mut phdr = range(elf::PT_TLS, elf::PF_R, tls.start, tls.len(), layout.tls_align);
        phdr.file_size = data;
        phdrs.push(phdr);
    }
    if layout.eh_rows != 0 {
        let size = shared::render::EH_HDR_HEAD + layout.eh_rows * shared::render::EH_HDR_ROW;
        phdrs.push(range(elf::PT_GNU_EH_FRAME, elf::PF_R, layout.eh_hdr, size, 4));
    }
    phdrs.extend(stack.has_header.then(|| stack.phdr()));
    let tables = &layout.regions[layout::RELRO];
    if relro && !tables.is_empty() {
        phdrs.push(range(elf::PT_GNU_RELRO, elf::PF_R, tables.start, tables.len(), 1));
    }
    let size = (phdrs.len() * PHDR) as u64;
    if let Some(first) = phdrs.iter_mut().find(|phdr| phdr.kind == elf::PT_PHDR) {
        (first.size, first.file_size) = (size, size);
    }
    phdrs
}

fn region_flags(region: &RegionRec) -> u32 {
    // PROT_READ, PROT_WRITE, PROT_EXEC -> PF_R, PF_W, PF_X
    [(1, elf::PF_R), (2, elf::PF_W), (4, elf::PF_X)]
        .iter()
        .filter(|(prot, _)| region.prot & prot != 0)
        .fold(0, |flags, (_, flag)| flags | flag)
}

/// What the executable says of its generation.
pub struct Identity<'a> {
    pub base: ImageAddr,
    pub number: u64,
    pub folder: &'a Path,
    pub plan: u64,
    pub patch: u64,
    pub image: ImagePrint,
    /// Of the generation's file of symbols.
    pub symbols_crc: u32,
}

impl<'a> Identity<'a> {
    /// That of an executable which is written again.
    pub fn of(executable: &'a Executable, state: &State) -> Self {
        let config = &executable.config;
        Self {
            base: config.base,
            number: config.generation,
            folder: &executable.folder,
            plan: config.plan,
            patch: config.patch,
            image: config.image,
            symbols_crc: state.changes.facts.symbols_crc as u32,
        }
    }
}

/// What a generation keeps of its executable, for the next link: the pages in front of the loader, and their checksum.
/// Builds may remove the output first, and change what is in it.
pub const HEAD: &str = "head";

/// Writes the executable. A running program keeps its file.
pub fn write(
    output: &Path,
    phdrs: &[Phdr],
    regions: &[RegionRec],
    identity: &Identity<'_>,
    stack: Stack,
    evident: Evident,
) -> Result<Replaced> {
    let file = header_page(phdrs, regions, stack)?;
    finish(output, file, identity, evident)
}

/// Puts the rest of the executable behind its header page.
fn assemble(
    output: &Path,
    mut file: Vec<u8>,
    identity: &Identity<'_>,
    mut evident: Evident,
) -> Result<Vec<u8>> {
    file.resize(LOADER as usize, 0);
    file.extend_from_slice(LOADER_FILE);
    let path = evident.load(&mut file);
    file[CONFIG as usize..LOADER as usize].copy_from_slice(&config_page(output, identity, path)?);
    add_sections(&mut file, identity, &evident);
    Ok(file)
}

/// Writes the executable, and notes its head.
fn finish(output: &Path, file: Vec<u8>, identity: &Identity<'_>, evident: Evident) -> Result<Replaced> {
    let file = assemble(output, file, identity, evident)?;
    let path = identity.folder.join(HEAD);
    let head = &file[..LOADER as usize];
    let kept = [head, &checksum(head).to_le_bytes()].concat();
    // A link that writes the executable of its generation again finds it there.
    if fs::read(&path).ok().as_ref() != Some(&kept) {
        crate::index::write_file(&path, &[&kept])?;
    }
    // Of what is no file, nothing is made.
    let is_special = fs::metadata(output).is_ok_and(|metadata| !metadata.is_file());
    if settle::when(output) == settle::When::InLink && !is_special {
        return settle::in_link(identity.folder, output).map(|()| Replaced::default());
    }
    let holes = own_phdrs(&file).into_iter().filter(is_hole);
    let len = holes.map(|hole| hole.offset + hole.file_size).max().unwrap_or_default();
    replace_sparse(output, &file, len)
}

/// Writes the executable of another generation: the same headers, with its regions as they are now.
pub fn rewrite(
    output: &Path,
    old: &[u8],
    regions: &[RegionRec],
    identity: &Identity<'_>,
    evident: Evident,
) -> Result<Replaced> {
    finish(output, header_page_of(old, regions)?, identity, evident)
}

/// The bytes of the executable of a generation with the loader, as it was linked to `output`.
pub fn with_loader(
    output: &Path,
    old: &[u8],
    regions: &[RegionRec],
    identity: &Identity<'_>,
    evident: Evident,
) -> Result<Vec<u8>> {
    assemble(output, header_page_of(old, regions)?, identity, evident)
}

/// The header page of another generation, for regions as they are now.
fn header_page_of(old: &[u8], regions: &[RegionRec]) -> Result<Vec<u8>> {
    let mut file = old.get(..CONFIG as usize).context("the executable is truncated; link it again")?.to_vec();
    for phdr in file[IMAGE_PHDRS as usize..].chunks_exact_mut(PHDR) {
        let word = |at: usize| u64::from_le_bytes(phdr[at..at + 8].try_into().unwrap_or_default());
        let (kind, addr, file_size) = (phdr[0], word(16), word(32));
        let region = regions.iter().find(|region| region.start.0 == addr && kind == elf::PT_LOAD as u8);
        if let Some(region) = region {
            let size = region.len().to_le_bytes();
            phdr[40..48].copy_from_slice(&size);
            if file_size != 0 {
                phdr[32..40].copy_from_slice(&size);
            }
        }
    }
    Ok(file)
}

/// Sections for all that the kernel loads, but for the tables of other programs, which have their own.
fn loaded_sections(file: &[u8]) -> Vec<SectionHeader<'static>> {
    let loader = LOADER + LOADER_FILE.len() as u64;
    let phdrs = own_phdrs(file);
    let mut sections = Vec::new();
    for load in phdrs.iter().filter(|phdr| phdr.kind == elf::PT_LOAD && phdr.offset < loader) {
        let (mut offset, mut addr, mut size) = (load.offset, load.addr, load.file_size);
        if offset == 0 {
            // The ELF header and its program headers are no section.
            (offset, addr, size) = (IMAGE_PHDRS, addr + IMAGE_PHDRS, size - IMAGE_PHDRS);
        }
        let access = [(elf::PF_W, elf::SHF_WRITE), (elf::PF_X, elf::SHF_EXECINSTR)];
        let access = access.iter().filter(|(flag, _)| load.flags & flag != 0);
        let section = SectionHeader {
            name: ".unfold".into(),
            kind: elf::SHT_PROGBITS,
            flags: u64::from(access.fold(elf::SHF_ALLOC, |all, (_, bit)| all | bit)),
            addr,
            offset,
            size,
            align: 16,
            ..SectionHeader::default()
        };
        sections.push(section.clone());
        let zeroes = load.size - load.file_size;
        if zeroes != 0 {
            let (addr, offset, kind) = (addr + size, offset + size, elf::SHT_NOBITS);
            sections.push(SectionHeader { kind, addr, offset, size: zeroes, align: 1, ..section });
        }
    }
    for hole in phdrs.iter().filter(|phdr| is_hole(phdr)) {
        let is_code = hole.flags & elf::PF_X != 0;
        sections.push(SectionHeader {
            name: if is_code { ".text" } else { ".unfold" }.into(),
            kind: elf::SHT_NOBITS,
            flags: u64::from(elf::SHF_ALLOC | if is_code { elf::SHF_EXECINSTR } else { 0 }),
            addr: hole.addr,
            offset: hole.offset,
            size: hole.size,
            align: 16,
            ..SectionHeader::default()
        });
    }
    sections
}

/// What stands for the sections of an executable in its file of symbols, but for the code: debuggers miss them there.
pub fn stand_ins(regions: &[RegionRec]) -> Vec<SectionHeader<'static>> {
    let page = header_page(&[], regions, Stack { is_executable: false, has_header: false, size: 0 });
    let mut sections = page.map_or(Vec::new(), |page| loaded_sections(&page));
    sections.retain(|section| section.name != ".text");
    sections.extend(evident::stand_ins());
    for section in &mut sections {
        (section.kind, section.offset) = (elf::SHT_NOBITS, 0);
    }
    sections
}

/// Adds sections: of everything that is loaded, because `strip` and `objcopy` copy nothing else; and the one by
/// which backtraces find the file of symbols (gdb's manual, "Separate Debug Files"). Debuggers put the folder of the
/// executable in front of the path, and executables are copied and linked to other folders, as cargo does: so it goes up to the
/// root first, from however deep.
fn add_sections(file: &mut Vec<u8>, identity: &Identity<'_>, evident: &Evident) {
    let path = identity.folder.join(crate::symbols::FILE);
    let mut link = "../".repeat(DEEPEST).into_bytes();
    link.extend(path.as_os_str().as_bytes().trim_ascii_start().strip_prefix(b"/").unwrap_or_default());
    link.push(0);
    link.resize(link.len().next_multiple_of(4), 0);
    link.extend(identity.symbols_crc.to_le_bytes());
    let loaded = loaded_sections(file);
    let mut sections = Sections::default();
    let count = loaded.len() as u32;
    loaded.into_iter().for_each(|section| sections.push(section));
    evident.add(&mut sections, count);
    sections.add(".gnu_debuglink", elf::SHT_PROGBITS, &link, 4);
    sections.append(file);
}

/// Folders are not nested deeper than this.
const DEEPEST: usize = 40;

/// Sections without an address, behind everything else of an ELF file.
#[derive(Default)]
pub struct Sections<'a> {
    sections: Vec<SectionHeader<'a>>,
}

/// What is said of a section in its header (gABI, "Sections").
#[derive(Clone, Default)]
pub struct SectionHeader<'a> {
    pub name: Cow<'static, str>,
    pub kind: u32,
    pub flags: u64,
    pub addr: u64,
    /// Where its bytes are in the file, and how many: of a section that is there already, or has none.
    pub offset: u64,
    pub size: u64,
    pub data: &'a [u8],
    /// So many bytes are left free for it, which the caller fills in.
    pub room: u64,
    pub link: u32,
    pub info: u32,
    pub align: u64,
    pub entry_size: u64,
}

impl<'a> Sections<'a> {
    fn add(&mut self, name: &'static str, kind: u32, data: &'a [u8], align: u64) {
        self.push(SectionHeader { name: name.into(), kind, data, align, ..SectionHeader::default() });
    }

    pub fn push(&mut self, section: SectionHeader<'a>) {
        self.sections.push(section);
    }

    /// Appends the sections and their headers, and says so in the ELF header. The first section has number 1.
    pub fn append(self, file: &mut Vec<u8>) {
        let tail = self.tail(file.len() as u64);
        file.resize(tail.end as usize, 0);
        tail.write(file);
    }

    /// What is behind the first `start` bytes of a file with these sections.
    pub fn tail(self, start: u64) -> Tail<'a> {
        let mut tail = Tail { end: start, ..Tail::default() };
        let mut names = vec![0u8];
        let mut headers = vec![0u8; 64];
        let count = self.sections.len() + 1;
        let own = SectionHeader {
            name: ".shstrtab".into(),
            kind: elf::SHT_STRTAB,
            align: 1,
            ..SectionHeader::default()
        };
        for (index, section) in self.sections.into_iter().chain([own]).enumerate() {
            let name = names.len() as u32;
            names.extend_from_slice(section.name.as_bytes());
            names.push(0);
            let data =
                if index + 1 == count { Cow::Owned(std::mem::take(&mut names)) } else { section.data.into() };
            let len = data.len() as u64 + section.room;
            let mut offset = section.offset;
            if section.offset == 0 {
                offset = tail.end.next_multiple_of(section.align.max(1));
                tail.end = offset + len;
            }
            if section.room != 0 {
                tail.rooms.push(offset as usize..(offset + section.room) as usize);
            }
            tail.pieces.push((offset, data));
            let size = if len == 0 { section.size } else { len };
            headers.extend([name, section.kind].iter().flat_map(|word| word.to_le_bytes()));
            let words = [section.flags, section.addr, offset, size];
            headers.extend(words.iter().flat_map(|word| word.to_le_bytes()));
            headers.extend([section.link, section.info].iter().flat_map(|word| word.to_le_bytes()));
            headers.extend([section.align, section.entry_size].iter().flat_map(|word| word.to_le_bytes()));
        }
        tail.headers = tail.end.next_multiple_of(8);
        tail.end = tail.headers + headers.len() as u64;
        tail.count = count as u16 + 1;
        tail.pieces.push((tail.headers, headers.into()));
        tail
    }
}

/// Where sections and their headers are.
#[derive(Default)]
pub struct Tail<'a> {
    /// Their bytes, with offsets in the file.
    pieces: Vec<(u64, Cow<'a, [u8]>)>,
    /// Where the caller's bytes go, section by section.
    pub rooms: Vec<Range<usize>>,
    headers: u64,
    count: u16,
    /// Length of the file.
    pub end: u64,
}

impl Tail<'_> {
    /// Writes all that is not the caller's into a file of `end` bytes, with its place in the ELF header.
    pub fn write(&self, file: &mut [u8]) {
        for (offset, bytes) in self.pieces.iter().filter(|(_, bytes)| !bytes.is_empty()) {
            file[*offset as usize..][..bytes.len()].copy_from_slice(bytes);
        }
        file[40..48].copy_from_slice(&self.headers.to_le_bytes());
        file[60..62].copy_from_slice(&self.count.to_le_bytes());
        file[62..64].copy_from_slice(&(self.count - 1).to_le_bytes());
    }
}

/// The real path of the folder of `output`.
fn real_folder(output: &Path) -> Result<PathBuf> {
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    folder.canonicalize().with_context(|| format!("cannot open {}", folder.display()))
}

/// Refuses an output whose folder is not there.
pub fn check_folder(output: &Path) -> Result<()> {
    let folder = folder_of(output);
    fs::metadata(folder).map(drop).map_err(|error| {
        let why = if error.kind() == std::io::ErrorKind::NotFound {
            "No such file or directory".to_owned()
        } else {
            error.to_string()
        };
        anyhow::anyhow!("cannot open output file {}: {why}", output.display())
    })
}

/// The folder that a file is in, or is to be in.
pub fn folder_of(output: &Path) -> &Path {
    output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// First letters of the temporary name of an output; behind it are the number of the process, and that of the namespace in
/// which it has that number (pid_namespaces(7)): containers may share a folder.
pub const TEMPORARY: &str = ".unfold-";

/// The namespace of this process; 0: not known.
pub fn namespace() -> u64 {
    fs::metadata("/proc/self/ns/pid").map_or(0, |namespace| namespace.ino())
}

/// Writes `file` under a temporary name and renames it.
pub fn replace(output: &Path, file: &[u8]) -> Result<()> {
    replace_sparse(output, file, 0).map(drop)
}

/// The output before, which has lost its name. It goes when nobody has it open any more, and of a large one that takes the
/// kernel a tenth of a second and more, for which the link does not wait: who closes this waits for it.
#[derive(Default)]
pub struct Replaced(pub Option<fs::File>);

/// As [`replace`]; the file is at least `len` bytes long, of which the last have no room on disk.
fn replace_sparse(output: &Path, file: &[u8], len: u64) -> Result<Replaced> {
    let context = || format!("cannot write {}", output.display());
    if output.is_dir() {
        anyhow::bail!("cannot open output file {}: Is a directory", output.display());
    }
    let special = fs::metadata(output).is_ok_and(|metadata| !metadata.is_file());
    if special {
        // Configure scripts link to /dev/null.
        return fs::write(output, file).with_context(context).map(|()| Replaced::default());
    }
    let mut temporary = temporary(output)?;
    std::io::Write::write_all(&mut temporary, file).with_context(context)?;
    if len > file.len() as u64 {
        temporary.as_file().set_len(len).with_context(context)?;
    }
    let mode = fs::Permissions::from_mode(0o777 & !access::mask());
    temporary.as_file().set_permissions(mode).with_context(context)?;
    // By its path alone: a process that settles it has a lease, for whose end an `open` to read would wait.
    let before = fs::OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(output).ok();
    // Closed first: a file that is open for writing cannot be executed.
    temporary.into_temp_path().persist(output).map_err(|error| error.error).with_context(context)?;
    Ok(Replaced(before))
}

/// A file that will have the name `output`.
pub fn temporary(output: &Path) -> Result<tempfile::NamedTempFile> {
    // The name says who writes it, so that it can be told when that one was killed.
    let prefix = format!("{TEMPORARY}{}-{}-", std::process::id(), namespace());
    let file = tempfile::Builder::new().prefix(&prefix).tempfile_in(folder_of(output));
    file.with_context(|| format!("cannot write {}", output.display()))
}

/// Where the loader's segments begin: in front of the image. 0 if there is no room; then the kernel chooses.
fn loader_base(image: ImageAddr) -> u64 {
    const ROOM: u64 = 2 << 20;
    // Where the kernel lets nobody map anything (vm.mmap_min_addr), and some more.
    const LOWEST: u64 = 1 << 20;
    image.0.checked_sub(ROOM).filter(|base| *base >= LOWEST).unwrap_or(0)
}

/// Bits of an offset in the file that no contents have: there are holes.
const HOLES: u64 = 1 << 20;

/// Whether a segment of the executable is a hole in the place of a part of the image.
fn is_hole(phdr: &Phdr) -> bool {
    phdr.kind == elf::PT_LOAD && phdr.offset >= HOLES
}

/// Segments without contents in the places of code, into which debuggers put breakpoints before the loader runs, and at the
/// end of the image, behind which the kernel then puts the heap.
fn holes(regions: &[RegionRec]) -> Vec<Phdr> {
    let mut holes: Vec<Phdr> = Vec::new();
    let last = regions.iter().filter(|region| !region.is_empty()).map(|region| region.start).max();
    for region in regions.iter().filter(|region| !region.is_empty()) {
        let is_code = region.kind() == Some(RegionKind::Lazy) && region.prot & EXEC != 0;
        let (addr, size) = match is_code {
            // With all that relinks may add to it.
            true => (region.start.0, region.limit.align_up(PAGE).offset_from(region.start)),
            false if last == Some(region.start) => (region.limit.align_up(PAGE).0 - PAGE, PAGE),
            false => continue,
        };
        let offset = holes.last().map_or(HOLES, |hole| hole.offset + hole.file_size.next_multiple_of(PAGE));
        let flags = elf::PF_R | if is_code { elf::PF_X } else { 0 };
        holes.push(Phdr { kind: elf::PT_LOAD, flags, offset, addr, file_size: size, size, align: PAGE });
    }
    holes
}

/// PROT_EXEC of Linux.
const EXEC: u32 = 4;

/// The program headers that the kernel reads in an executable, of which this is the head at the least.
pub fn own_phdrs(file: &[u8]) -> Vec<Phdr> {
    let start = file.get(32..40).map_or(0, |at| u64::from_le_bytes(at.try_into().unwrap_or_default()));
    let count = file.get(56..58).map_or(0, |count| usize::from(u16::from_le_bytes([count[0], count[1]])));
    let headers =
        usize::try_from(start).ok().and_then(|start| file.get(start..start.checked_add(count * PHDR)?));
    headers.map_or(Vec::new(), Phdr::read)
}

/// ELF header and program headers of the file, and those of the image at their own place. The loader's segments move
/// behind the two pages, in the file and in memory.
fn header_page(image: &[Phdr], regions: &[RegionRec], stack: Stack) -> Result<Vec<u8>> {
    let word = |at: usize| u64::from_le_bytes(LOADER_FILE[at..at + 8].try_into().unwrap_or_default());
    let half = |at: usize| u16::from_le_bytes(LOADER_FILE[at..at + 2].try_into().unwrap_or_default());
    let (start, count) = (word(32) as usize, usize::from(half(56)));
    let flags = elf::PF_R;
    let base = regions.first().map_or(0, |region| loader_base(region.start));
    let first = Phdr {
        kind: elf::PT_LOAD,
        flags,
        offset: 0,
        addr: base,
        file_size: LOADER,
        size: LOADER,
        align: PAGE,
    };
    let moved = Phdr::read(&LOADER_FILE[start..start + count * PHDR]).into_iter().map(|phdr| Phdr {
        offset: phdr.offset + LOADER,
        addr: phdr.addr + base + LOADER,
        ..phdr
    });
    let loads = moved.filter(|phdr| phdr.kind == elf::PT_LOAD);
    let mut phdrs: Vec<Phdr> = std::iter::once(first).chain(loads).collect();
    if image.iter().any(|phdr| phdr.kind == elf::PT_DYNAMIC) {
        phdrs.extend(evident::phdrs());
    }
    if base != 0 {
        phdrs.extend(holes(regions));
    }
    phdrs.push(stack.phdr());
    let kind = if base == 0 { elf::ET_DYN } else { elf::ET_EXEC };
    let mut page = elf_header(kind, entry(regions), EHDR as u64, phdrs.len());
    page.extend(phdrs.iter().flat_map(Phdr::bytes));
    if page.len() > IMAGE_PHDRS as usize || IMAGE_PHDRS as usize + image.len() * PHDR > CONFIG as usize {
        anyhow::bail!("too many program headers");
    }
    page.resize(IMAGE_PHDRS as usize, 0);
    page.extend(image.iter().flat_map(Phdr::bytes));
    page.resize(CONFIG as usize, 0);
    Ok(page)
}

/// Where an executable with the loader begins.
pub fn entry(regions: &[RegionRec]) -> u64 {
    let base = regions.first().map_or(0, |region| loader_base(region.start));
    let of_loader = u64::from_le_bytes(LOADER_FILE[24..32].try_into().unwrap_or_default());
    of_loader + base + LOADER
}

/// An ELF header without section headers (gABI, "ELF Header").
pub fn elf_header(kind: u16, entry: u64, phoff: u64, phnum: usize) -> Vec<u8> {
    let mut header = b"\x7fELF\x02\x01\x01".to_vec();
    header.resize(16, 0);
    header.extend(kind.to_le_bytes());
    header.extend(elf::EM_X86_64.to_le_bytes());
    header.extend(1u32.to_le_bytes());
    for word in [entry, phoff, 0] {
        header.extend(word.to_le_bytes());
    }
    header.extend(0u32.to_le_bytes());
    for half in [EHDR as u16, PHDR as u16, phnum as u16, 64, 0, 0] {
        header.extend(half.to_le_bytes());
    }
    header
}

fn config_page(output: &Path, identity: &Identity<'_>, place: PathPlace) -> Result<Vec<u8>> {
    let len = (LOADER - CONFIG) as usize;
    let mut strings = Vec::new();
    let mut text = |bytes: &[u8]| {
        let offset = (size_of::<OutputConfig>() + strings.len()) as u32;
        strings.extend_from_slice(bytes);
        strings.push(0);
        StrRef { offset, len: bytes.len() as u32 + 1 }
    };
    let absolute = text(identity.folder.as_os_str().as_bytes());
    let relative = text(relative_path(&real_folder(output)?, identity.folder).as_os_str().as_bytes());
    let name = text(output.file_name().unwrap_or(output.as_os_str()).as_bytes());
    let linker = text(std::env::current_exe().unwrap_or_default().as_os_str().as_bytes());
    let config = OutputConfig {
        magic: MAGIC,
        checksum: 0,
        base: identity.base,
        generation: identity.number,
        plan: identity.plan,
        patch: identity.patch,
        image: identity.image,
        absolute,
        relative,
        name,
        linker,
        path: place.at,
        path_len: place.len,
        image_path: place.image,
    };
    let mut page = bytes_of(&[config]).to_vec();
    page.extend(strings);
    if page.len() > len {
        anyhow::bail!("the path of the index is too long: {}", identity.folder.display());
    }
    page.resize(len, 0);
    let sum = checksum(&page[16..]);
    page[8..16].copy_from_slice(&sum.to_le_bytes());
    Ok(page)
}

/// `to`, as seen from the folder `from`; both absolute.
fn relative_path(from: &Path, to: &Path) -> PathBuf {
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| "..");
    let down = to.components().skip(common);
    up.map(PathBuf::from).chain(down.map(|part| PathBuf::from(part.as_os_str()))).collect()
}

#[cfg(test)]
mod tests {
    use super::relative_path;
    use std::path::Path;

    #[test]
    fn paths_as_seen_from_elsewhere() {
        assert_eq!(relative_path(Path::new("/a/b"), Path::new("/a/b/.unfold/x")), Path::new(".unfold/x"));
        assert_eq!(relative_path(Path::new("/a/b/c"), Path::new("/a/d")), Path::new("../../d"));
    }
}
