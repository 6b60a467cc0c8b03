//! A process that runs, or a core that one has left -> the program, its generation, and the address in its image.

use super::program::Program;
use anyhow::{Context, Result, bail};
use indexer::index::opened::Executable;
use indexer::inputs::mapped::{self, Fingerprint};
use object::LittleEndian;
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// An address of a process, in terms of an output.
pub struct Found {
    pub program: Program,
    pub address: u64,
}

/// A mapping of a file.
struct Mapping {
    start: u64,
    end: u64,
    /// Bytes into the file.
    offset: u64,
    path: PathBuf,
}

/// What lies at an address of a running process.
pub fn of_process(pid: u32, address: u64) -> Result<Found> {
    let folder = PathBuf::from(format!("/proc/{pid}"));
    let exe = folder.join("exe");
    let path =
        fs::read_link(&exe).with_context(|| format!("process {pid}: cannot read {}", exe.display()))?;
    let text =
        fs::read(folder.join("maps")).with_context(|| format!("process {pid}: cannot read its mappings"))?;
    let mappings: Vec<Mapping> = text.split(|byte| *byte == b'\n').filter_map(mapping).collect();
    // The link leads to the file that the process runs, whatever has its name now. So the generation is that of the process.
    let opened = open_of_process(pid, &exe, &path);
    let image = match opened {
        Ok(executable) => Some(Program::open(&without_mark(&path), executable)?),
        // It may have mapped a library of ours.
        Err(error) if in_library(&mappings, address).is_none() => return Err(error),
        Err(_) => None,
    };
    if let Some(program) = image.filter(|program| program.has(address)) {
        return Ok(Found { program, address });
    }
    let shown = format!("process {pid} ({})", path.display());
    elsewhere(&shown, &mappings, address)
}

fn open_of_process(pid: u32, exe: &Path, path: &Path) -> Result<Executable> {
    Executable::open(exe).map_err(|error| {
        let text = format!("{error:#}").replace(&exe.display().to_string(), &path.display().to_string());
        anyhow::anyhow!("process {pid}: {text}")
    })
}

/// The kernel's mark of files that have no name any more.
fn without_mark(path: &Path) -> PathBuf {
    let bytes = path.as_os_str().as_bytes();
    PathBuf::from(OsStr::from_bytes(bytes.strip_suffix(b" (deleted)").unwrap_or(bytes)))
}

/// A line of `/proc/PID/maps` (proc_pid_maps(5)), of a file.
fn mapping(line: &[u8]) -> Option<Mapping> {
    let path = line.iter().position(|byte| *byte == b'/')?;
    let text = std::str::from_utf8(&line[..path]).ok()?;
    let mut words = text.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let number = |text: &str| u64::from_str_radix(text, 16).ok();
    let offset = number(words.nth(1)?)?;
    let path = without_mark(Path::new(OsStr::from_bytes(&line[path..])));
    Some(Mapping { start: number(start)?, end: number(end)?, offset, path })
}

/// The mapping of a file that an address is in, and where the file's first mapping begins.
fn in_library(mappings: &[Mapping], address: u64) -> Option<(&Mapping, u64)> {
    let found = mappings.iter().find(|mapping| (mapping.start..mapping.end).contains(&address))?;
    let first = mappings.iter().find(|mapping| mapping.path == found.path && mapping.offset == 0)?;
    Some((found, first.start))
}

/// An address that is not in the program's image: in a library of ours, or none of ours to explain.
fn elsewhere(process: &str, mappings: &[Mapping], address: u64) -> Result<Found> {
    let Some((mapping, base)) = in_library(mappings, address) else {
        bail!(
            "{process}: {address:#x} is neither in the image of the program nor in a file that it has mapped"
        );
    };
    let path = &mapping.path;
    let offset = address - mapping.start + mapping.offset;
    let Ok(executable) = Executable::or_library(path) else {
        bail!("{process}: {address:#x} is {}+{offset:#x}, which unfold has not linked", path.display());
    };
    let written = indexer::library::written(&executable.folder);
    if written.is_none() || written != Fingerprint::at(path) {
        bail!(
            "{process}: {address:#x} is {}+{offset:#x}, which was linked or changed again since; its generation is not known",
            path.display()
        );
    }
    let program = Program::open(path, executable)?;
    // A library counts from its first mapping.
    Ok(Found { program, address: address - base })
}

/// What lies at an address of the process that has left a core.
pub fn of_core(core: &Path, address: u64) -> Result<Found> {
    let name = core.display();
    let (data, print) = mapped::map(core)?;
    let damaged = || format!("{name}: not a core file of x86-64, or damaged");
    let header = FileHeader64::<LittleEndian>::parse(data).with_context(damaged)?;
    if header.e_type.get(LittleEndian) != elf::ET_CORE || header.e_machine.get(LittleEndian) != elf::EM_X86_64
    {
        bail!(damaged());
    }
    let mappings = mapped_files(header, data).with_context(damaged)?;
    if mappings.is_empty() {
        bail!("{name}: it does not say which files the process had mapped (NT_FILE)");
    }
    let Some((folder, app)) = generation_of(&mappings) else {
        bail!("{name}: the process was not one of a program that unfold has linked");
    };
    if !folder.is_dir() {
        bail!(
            "{name}: {} crashed in a generation that is gone: {}; the core can still be read with a program that was baked then",
            app.display(),
            folder.display()
        );
    }
    let written = Fingerprint::at(&folder.join(indexer::emit::HEAD)).unwrap_or_default().modified_ns;
    if written > print.modified_ns {
        bail!(
            "{name}: {} crashed in a generation that is gone: {} was linked later",
            app.display(),
            folder.display()
        );
    }
    let mut executable = Executable::of_folder(&folder)?;
    let number = folder.file_name().and_then(|name| name.to_str()?.parse().ok());
    executable.config.generation = number.unwrap_or(0);
    let program = Program::open(&app, executable)?;
    if program.has(address) {
        return Ok(Found { program, address });
    }
    elsewhere(&format!("{name} ({})", app.display()), &mappings, address)
}

/// The files that the process had mapped, as the note NT_FILE of a core says (core(5), fs/binfmt_elf.c): count and size of a
/// page; start, end and offset in pages of each; then their names.
fn mapped_files(header: &FileHeader64<LittleEndian>, data: &[u8]) -> Result<Vec<Mapping>> {
    const NT_FILE: u32 = 0x4649_4c45;
    for segment in header.program_headers(LittleEndian, data)? {
        let Some(mut notes) = segment.notes(LittleEndian, data)? else { continue };
        while let Some(note) = notes.next()? {
            if note.n_type(LittleEndian) == NT_FILE {
                return Ok(read_files(note.desc()).unwrap_or_default());
            }
        }
    }
    Ok(Vec::new())
}

fn read_files(note: &[u8]) -> Option<Vec<Mapping>> {
    let word = |index: usize| -> Option<u64> {
        Some(u64::from_le_bytes(note.get(index.checked_mul(8)?..)?.get(..8)?.try_into().ok()?))
    };
    let (count, page) = (usize::try_from(word(0)?).ok()?, word(1)?);
    let names = note.get(count.checked_mul(24)?.checked_add(16)?..)?;
    let names = names.split(|byte| *byte == 0);
    let mut mappings = Vec::new();
    for (number, name) in (0..count).zip(names) {
        let at = 2 + 3 * number;
        let path = without_mark(Path::new(OsStr::from_bytes(name)));
        let offset = word(at + 2)?.checked_mul(page)?;
        mappings.push(Mapping { start: word(at)?, end: word(at + 1)?, offset, path });
    }
    Some(mappings)
}

/// The generation whose files the process had mapped, and the program: it maps its image from the one, and the first page of
/// it from the other.
fn generation_of(mappings: &[Mapping]) -> Option<(PathBuf, PathBuf)> {
    const FILES: [&str; 5] = ["image", "patch", "plan", "kept", "own"];
    let is_generation = |mapping: &&Mapping| {
        let name = mapping.path.file_name().and_then(OsStr::to_str);
        let folder = mapping.path.parent().and_then(Path::file_name).and_then(OsStr::to_str);
        let outputs = mapping.path.ancestors().nth(3).and_then(Path::file_name);
        name.is_some_and(|name| FILES.contains(&name))
            && folder.is_some_and(|folder| folder.parse::<u64>().is_ok())
            && outputs == Some(OsStr::new("outputs"))
    };
    let of_image = mappings.iter().find(is_generation)?;
    let folder = of_image.path.parent()?.to_owned();
    // The image lies above the header that is mapped from the executable, one behind the other.
    let app = mappings
        .iter()
        .filter(|mapping| !is_generation(mapping) && mapping.offset == 0 && mapping.start < of_image.start)
        .max_by_key(|mapping| mapping.start)
        .map(|mapping| mapping.path.clone());
    Some((folder, app.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_mappings() {
        let line = b"00400000-00402000 r--p 00001000 08:01 12                         /tmp/a b/app (deleted)";
        let found = mapping(line).expect("a mapping");
        assert_eq!((found.start, found.end, found.offset), (0x40_0000, 0x40_2000, 0x1000));
        assert_eq!(found.path, Path::new("/tmp/a b/app"));
        assert!(mapping(b"7ffd000-7ffe000 rw-p 00000000 00:00 0 [stack]").is_none());
        assert!(mapping(b"").is_none());
    }

    #[test]
    fn notes_of_files_that_end_early_are_no_files() {
        assert!(read_files(&[0xff; 16]).is_none());
        assert!(read_files(&[]).is_none());
        let words = [1u64, 4096, 0x1000, 0x2000, 3];
        let mut note: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        note.extend(b"/tmp/app\0");
        let files = read_files(&note).expect("a note");
        assert_eq!((files[0].start, files[0].offset), (0x1000, 0x3000));
        assert_eq!(files[0].path, Path::new("/tmp/app"));
    }
}
