//! Words of the command line -> files, in order: objects, archives, shared libraries.

pub mod archive;
pub mod mapped;
pub mod script;
pub mod shared;
pub mod version_script;

use crate::HandOn;
use crate::args::{Input, Request, State};
use ::object::LittleEndian;
use ::object::elf::{self, FileHeader64};
use ::object::read::elf::FileHeader;
use anyhow::{Context, Result, bail};
use archive::Archive;
use mapped::Fingerprint;
use rayon::prelude::*;
use shared::SharedLibrary;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use version_script::{Matcher, VersionScript};

/// A file that was read, with what is needed to see that it changed.
#[derive(Clone, Debug)]
pub struct SourceFile {
    pub path: PathBuf,
    pub fingerprint: Fingerprint,
}

/// Position on the command line, and in the archive: what comes first wins.
pub type Rank = (u32, u64);

/// An object that is linked, or that may be.
#[derive(Clone, Debug)]
pub struct ObjectInput {
    pub file: u32,
    /// Name in its archive; empty for an object that is a file of its own.
    pub member: Vec<u8>,
    /// Offset of the member in its archive.
    pub offset: u64,
    pub data: &'static [u8],
    pub rank: Rank,
}

pub struct ArchiveInput {
    pub file: u32,
    pub archive: Archive,
    pub rank: u32,
}

pub struct SharedInput {
    pub file: u32,
    pub library: SharedLibrary,
    pub as_needed: bool,
    pub rank: u32,
}

#[derive(Default)]
pub struct Inputs {
    pub files: Vec<SourceFile>,
    /// Linked in any case.
    pub objects: Vec<ObjectInput>,
    /// Linked if they define something that is wanted.
    pub lazy_objects: Vec<ObjectInput>,
    pub archives: Vec<ArchiveInput>,
    /// Files of archives whose members are all linked.
    pub whole_archives: Vec<u32>,
    pub shared: Vec<SharedInput>,
    pub version_script: VersionScript,
    /// Which of a shared library's symbols are exported, by the version script.
    pub version_matcher: Option<Matcher>,
    /// Symbols that are exported, or bound by the dynamic linker although the library is symbolic.
    pub dynamic_list: Option<Matcher>,
    /// Symbols that scripts want.
    pub undefined: Vec<String>,
    /// Paths that were looked for before another was found: if one appears, the answer changes.
    pub missing: Vec<PathBuf>,
    pub warnings: Vec<String>,
}

/// Opens everything that the command line names.
pub fn collect(request: &Request) -> Result<Inputs> {
    let opened = open_all(request);
    let mut collector = Collector {
        request,
        inputs: Inputs::default(),
        seen: HashSet::new(),
        rank: 0,
        scripts: Vec::new(),
        scripts_read: 0,
        opened,
    };
    // All that is missing is said at once.
    let mut missing = Vec::new();
    for (input, state) in request.inputs.iter() {
        match collector.add(input, *state) {
            Err(error) if error.is::<NotFound>() => missing.push(error.to_string()),
            other => other?,
        }
    }
    if !missing.is_empty() {
        bail!("{}", missing.join("\nld.unfold: error: "));
    }
    collector.add_lists()?;
    Ok(collector.inputs)
}

/// A file's contents, and what identifies them.
type Opened = (&'static [u8], Fingerprint);

/// Opens the files that the command line names, in parallel. What cannot be opened is found again, and said, in its turn.
fn open_all(request: &Request) -> HashMap<&Path, Opened> {
    let paths: Vec<&Path> = request
        .inputs
        .iter()
        .filter_map(|(input, _)| match input {
            Input::File(path) => Some(path.as_path()),
            Input::Library(_) => None,
        })
        .collect();
    let open = |path: &&'_ Path| {
        let opened = mapped::map(path).ok()?;
        // The kernel reads what it needs to now, not when one thread classifies all files.
        std::hint::black_box(opened.0.first());
        Some(opened)
    };
    let opened: Vec<Option<Opened>> = paths.par_iter().with_min_len(16).map(open).collect();
    paths.into_iter().zip(opened).filter_map(|(path, opened)| Some((path, opened?))).collect()
}

/// An input that is not there.
#[derive(Debug)]
struct NotFound(String);

impl std::fmt::Display for NotFound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotFound {}

struct Collector<'a> {
    request: &'a Request,
    inputs: Inputs,
    /// Archives and shared libraries that were added: a second mention adds nothing.
    seen: HashSet<(u64, u64, bool)>,
    rank: u32,
    /// Linker scripts that are being read, each of which names the next.
    scripts: Vec<PathBuf>,
    scripts_read: usize,
    opened: HashMap<&'a Path, Opened>,
}

/// Scripts that stand for libraries name libraries, and seldom another script.
const MOST_SCRIPTS_DEEP: usize = 10;
const MOST_SCRIPTS: usize = 10_000;

impl Collector<'_> {
    fn add(&mut self, input: &Input, state: State) -> Result<()> {
        let path = match input {
            Input::File(path) => path.clone(),
            Input::Library(name) => self.search(name, state)?,
        };
        let opened = self.opened.get(path.as_path()).copied();
        let (data, fingerprint) = match opened.map_or_else(|| mapped::map(&path), Ok) {
            Ok(mapped) => mapped,
            Err(error) => {
                let not_found = error
                    .downcast_ref::<std::io::Error>()
                    .is_some_and(|error| error.kind() == std::io::ErrorKind::NotFound);
                if not_found {
                    let text = format!("cannot find {}: No such file or directory", path.display());
                    return Err(NotFound(text).into());
                }
                return Err(error);
            }
        };
        self.rank += 1;
        let shown = path.display().to_string();
        let what = classify(data).with_context(|| shown.clone())?;
        let once = matches!(what, FileKind::Archive | FileKind::Shared);
        if once && !self.seen.insert((fingerprint.device, fingerprint.inode, state.whole_archive)) {
            return Ok(());
        }
        let file = self.inputs.files.len() as u32;
        self.inputs.files.push(SourceFile { path: path.clone(), fingerprint });
        match what {
            FileKind::Object => {
                let object = ObjectInput { file, member: Vec::new(), offset: 0, data, rank: (self.rank, 0) };
                let list = if state.lazy { &mut self.inputs.lazy_objects } else { &mut self.inputs.objects };
                list.push(object);
            }
            FileKind::Archive => self.add_archive(data, &path, file, state).with_context(|| shown)?,
            FileKind::Shared if self.request.is_static => {
                bail!("attempted static link of dynamic object '{shown}'")
            }
            FileKind::Shared => {
                let name = match input {
                    Input::Library(_) => path.file_name().unwrap_or(path.as_os_str()),
                    Input::File(_) => path.as_os_str(),
                };
                let library = shared::read(data, name.as_bytes()).with_context(|| shown)?;
                let repeated =
                    self.inputs.shared.iter_mut().find(|other| other.library.soname == library.soname);
                match repeated {
                    Some(other) => other.as_needed &= state.as_needed,
                    None => self.inputs.shared.push(SharedInput {
                        file,
                        library,
                        as_needed: state.as_needed,
                        rank: self.rank,
                    }),
                }
            }
            FileKind::Bitcode => return Err(HandOn(format!("{shown} is LTO bitcode")).into()),
            FileKind::Script => self.add_script(data, &path, state).with_context(|| shown)?,
        }
        Ok(())
    }

    /// The version scripts and dynamic lists of the command line.
    fn add_lists(&mut self) -> Result<()> {
        for path in &self.request.version_scripts {
            let script = version_script::parse(&self.read_text(path)?, path)?;
            self.inputs.version_script.versions.extend(script.versions);
        }
        if !self.request.version_scripts.is_empty() {
            self.inputs.version_matcher = Some(Matcher::new(&self.inputs.version_script));
        }
        let mut patterns = Vec::new();
        for path in &self.request.dynamic_lists {
            patterns.extend(version_script::parse_dynamic_list(&self.read_text(path)?, path)?);
        }
        if !self.request.dynamic_lists.is_empty() {
            self.inputs.dynamic_list = Some(Matcher::of_list(&patterns));
        }
        Ok(())
    }

    /// A text that the link depends on.
    fn read_text(&mut self, path: &Path) -> Result<String> {
        let (data, fingerprint) = mapped::map(path)?;
        self.inputs.files.push(SourceFile { path: path.to_owned(), fingerprint });
        Ok(String::from_utf8_lossy(data).into_owned())
    }

    fn add_archive(&mut self, data: &'static [u8], path: &Path, file: u32, state: State) -> Result<()> {
        let archive = Archive::parse(data, path)?;
        let rank = self.rank;
        if !state.whole_archive {
            self.inputs.archives.push(ArchiveInput { file, archive, rank });
            return Ok(());
        }
        self.inputs.whole_archives.push(file);
        for member in archive.members()? {
            let object = self.member(file, rank, member);
            self.inputs.objects.push(object);
        }
        Ok(())
    }

    fn member(&mut self, file: u32, rank: u32, member: archive::Member) -> ObjectInput {
        object_of_member(&mut self.inputs.files, file, rank, member)
    }

    fn add_script(&mut self, data: &[u8], path: &Path, state: State) -> Result<()> {
        let Ok(text) = std::str::from_utf8(data) else { bail!("file format not recognized") };
        self.scripts_read += 1;
        let is_deep =
            self.scripts.len() == MOST_SCRIPTS_DEEP || self.scripts.iter().any(|outer| outer == path);
        if is_deep || self.scripts_read > MOST_SCRIPTS {
            bail!("linker scripts name each other without an end; name the libraries themselves");
        }
        self.scripts.push(path.to_owned());
        for item in script::parse(text).context("file format not recognized; as a linker script")? {
            match item {
                script::Item::Input(name, as_needed) => {
                    let state = State { as_needed: state.as_needed || as_needed, ..state };
                    let input = match name.strip_prefix("-l") {
                        Some(library) => Input::Library(library.into()),
                        None => Input::File(self.script_input(&name, path)?),
                    };
                    self.add(&input, state)?;
                }
                script::Item::SearchDir(_) => {}
                script::Item::Undefined(name) => self.inputs.undefined.push(name),
            }
        }
        self.scripts.pop();
        Ok(())
    }

    /// A file that a script names: as it is, beside the script, or in the library path.
    fn script_input(&mut self, name: &str, script: &Path) -> Result<PathBuf> {
        let direct = PathBuf::from(name);
        let beside = script.parent().unwrap_or(Path::new("")).join(name);
        let in_path = self.request.search.iter().map(|dir| dir.join(name));
        let found = [direct.clone(), beside].into_iter().chain(in_path).find(|path| path.exists());
        found.with_context(|| format!("cannot find {name}: No such file or directory"))
    }

    /// Finds `-lNAME` (GNU ld's manual, "-l"): in each directory the shared library before the archive.
    fn search(&mut self, name: &OsStr, state: State) -> Result<PathBuf> {
        let file = |prefix: &str, suffix: &str| {
            let mut file = OsString::from(prefix);
            file.push(name);
            file.push(suffix);
            file
        };
        let names = match name.as_bytes().strip_prefix(b":") {
            Some(exact) => vec![OsString::from_vec(exact.to_vec())],
            None if state.static_only => vec![file("lib", ".a")],
            None => vec![file("lib", ".so"), file("lib", ".a")],
        };
        let shown = name.to_string_lossy();
        let mut skipped = Vec::new();
        for dir in &self.request.search {
            for name in &names {
                let path = dir.join(name);
                if !path.is_file() {
                    self.inputs.missing.push(path);
                    continue;
                }
                if !is_incompatible(&path) {
                    if self.request.warn_search_mismatch {
                        self.inputs.warnings.append(&mut skipped);
                    }
                    return Ok(path);
                }
                let fingerprint = Fingerprint::at(&path).unwrap_or_default();
                self.inputs.files.push(SourceFile { path: path.clone(), fingerprint });
                skipped
                    .push(format!("skipping incompatible {} when searching for -l{shown}", path.display()));
            }
        }
        let dirs: Vec<_> = self.request.search.iter().map(|dir| dir.display().to_string()).collect();
        let mut text =
            format!("cannot find -l{shown}: No such file or directory (looked in {})", dirs.join(", "));
        for note in skipped.into_iter().chain(self.other_variant(name, state)) {
            text.push_str("\nld.unfold: ");
            text.push_str(&note);
        }
        Err(NotFound(text).into())
    }

    /// What there is of a library that was not found.
    fn other_variant(&self, name: &OsStr, state: State) -> Option<String> {
        let shown = name.to_string_lossy();
        let exists =
            |file: String| self.request.search.iter().map(|dir| dir.join(&file)).find(|path| path.is_file());
        if state.static_only {
            let found = exists(format!("lib{shown}.so"))?;
            return Some(format!(
                "have you installed the static version of the {shown} library ? ({} is a shared one)",
                found.display()
            ));
        }
        let found = exists(shown.clone().into_owned()).or_else(|| exists(format!("{shown}.a")))?;
        let file = found.file_name()?.to_string_lossy().into_owned();
        Some(format!("note to link with {} use -l:{file} or rename it to lib{file}", found.display()))
    }
}

/// A member of an archive as an object. The member of a thin archive is a file of its own, and goes by the
/// name of that, as in GNU ld's messages.
pub fn object_of_member(
    files: &mut Vec<SourceFile>,
    archive: u32,
    rank: u32,
    member: archive::Member,
) -> ObjectInput {
    let archive::Member { offset, name, data, external } = member;
    let rank = (rank, offset + 1);
    let Some(path) = external else {
        return ObjectInput { file: archive, member: name, offset, data, rank };
    };
    let seen = mapped::now_ns();
    let fingerprint = Fingerprint::at(&path).unwrap_or_default().settled(seen);
    files.push(SourceFile { path, fingerprint });
    ObjectInput { file: files.len() as u32 - 1, member: Vec::new(), offset: 0, data, rank }
}

/// Whether a library, or the objects in an archive, are for another machine. What cannot be read is found out
/// later.
fn is_incompatible(path: &Path) -> bool {
    let Ok((data, _)) = mapped::map(path) else { return false };
    let member = || Archive::parse(data, path).ok()?.first_object();
    is_for_other_machine(if data.starts_with(b"!<arch>\n") { member().unwrap_or(data) } else { data })
}

fn is_for_other_machine(file: &[u8]) -> bool {
    const MACHINE: usize = 18;
    let machine = elf::EM_X86_64.to_le_bytes();
    file.starts_with(b"\x7fELF")
        && (file[4..].first() != Some(&elf::ELFCLASS64) || file.get(MACHINE..MACHINE + 2) != Some(&machine))
}

enum FileKind {
    Object,
    Archive,
    Shared,
    Bitcode,
    Script,
}

pub fn is_bitcode(data: &[u8]) -> bool {
    data.starts_with(b"BC\xc0\xde") || data.starts_with(&[0xde, 0xc0, 0x17, 0x0b])
}

fn classify(data: &[u8]) -> Result<FileKind> {
    if data.starts_with(b"!<arch>\n") || data.starts_with(b"!<thin>\n") {
        return Ok(FileKind::Archive);
    }
    if is_bitcode(data) {
        return Ok(FileKind::Bitcode);
    }
    if !data.starts_with(b"\x7fELF") {
        return Ok(FileKind::Script);
    }
    if is_for_other_machine(data) {
        bail!("file in wrong format: its architecture is incompatible with i386:x86-64 output");
    }
    let header = FileHeader64::<LittleEndian>::parse(data).context("file format not recognized")?;
    match header.e_type(LittleEndian) {
        elf::ET_REL => Ok(FileKind::Object),
        elf::ET_DYN => Ok(FileKind::Shared),
        _ => bail!("cannot link an executable"),
    }
}
