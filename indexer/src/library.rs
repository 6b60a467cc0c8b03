//! Shared libraries: an ordinary file, rendered whole from the plan, and a generation that the next link starts from.

use crate::args::{Request, Strip};
use crate::debug;
use crate::emit::{self, Phdr};
use crate::index::gc;
use crate::index::generation::{self, Draft};
use crate::index::state::State;
use crate::inputs::mapped::Fingerprint;
pub use crate::whole::Error;
use crate::whole::Whole;
use anyhow::{Context, Result};
use object::elf;
use shared::plan::{Objects, PlanView};
use shared::pod::{bytes_of, bytes_of_mut};
use std::path::Path;
use std::time::SystemTime;

/// Program headers of the library, in a generation.
pub const PHDRS: &str = "phdrs";

/// What the output was after it was written, of libraries and of executables: whoever changed it since (`strip`) gets a
/// new one.
pub const WRITTEN: &str = "written";

/// Notes what the output of a generation is now.
pub fn note_written(folder: &Path, output: &Path) -> Result<()> {
    note(folder, &Fingerprint::at(output).unwrap_or_default())
}

/// Notes that the output of a generation is the file with this fingerprint.
pub fn note(folder: &Path, print: &Fingerprint) -> Result<()> {
    let path = folder.join(WRITTEN);
    std::fs::write(&path, bytes_of(&[*print])).with_context(|| format!("cannot write {}", path.display()))
}

/// What the output of a generation was when it was written.
pub fn written(folder: &Path) -> Option<Fingerprint> {
    let bytes = std::fs::read(folder.join(WRITTEN)).ok()?;
    let mut print = [Fingerprint::default()];
    bytes_of_mut(&mut print).copy_from_slice(bytes.get(..size_of::<Fingerprint>())?);
    Some(print[0])
}

/// Makes an output newer than its inputs, if it is still what was written.
pub fn touch(folder: &Path, output: &Path) -> Result<bool> {
    let known = written(folder);
    if known.is_none() || known != Fingerprint::at(output) {
        return Ok(false);
    }
    let touched = std::fs::File::open(output).and_then(|file| file.set_modified(SystemTime::now()));
    if touched.is_err() {
        return Ok(false);
    }
    // An index that cannot be written costs the next link the output.
    note_written(folder, output).ok();
    Ok(true)
}

/// What a library is made of.
pub struct Parts<'a> {
    pub request: &'a Request,
    pub view: &'a PlanView<'a>,
    pub state: &'a State,
    pub phdrs: &'a [Phdr],
    /// The output's folder in the index.
    pub folder: &'a Path,
}

/// Notes the library's program headers, for relinks.
pub fn note_phdrs(draft: &Draft, phdrs: &[Phdr]) -> Result<()> {
    let bytes: Vec<u8> = phdrs.iter().flat_map(Phdr::bytes).collect();
    draft.write(PHDRS, &bytes)
}

/// Writes the library, and gives its generation its number.
pub fn write(parts: &Parts<'_>, objects: &(impl Objects + Sync), draft: Draft) -> Result<(), Error> {
    let file = render(parts, objects)?;
    let (_, folder) = draft.publish()?;
    generation::or_take_back(&folder, emit::replace(&parts.request.output, &file))?;
    note_written(&folder, &parts.request.output)?;
    gc::after_link(parts.folder, &parts.request.output);
    Ok(())
}

/// The library's bytes.
pub fn render(parts: &Parts<'_>, objects: &(impl Objects + Sync)) -> Result<Vec<u8>, Error> {
    let debug = debug::link(parts.state, parts.folder).merged().compressed(parts.view, objects)?;
    let whole = Whole {
        plan: *parts.view,
        phdrs: parts.phdrs.to_vec(),
        kind: elf::ET_DYN,
        phdrs_at: emit::EHDR as u64,
        symbols: debug.strip != Strip::All,
        debug,
        head: Vec::new(),
    };
    whole.file(objects)
}
