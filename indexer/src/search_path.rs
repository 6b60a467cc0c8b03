//! What was changed in an executable since its link. Build systems write another search path of libraries into it when they
//! install it (`chrpath`, CMake), and the loader goes by that; so what is made of such an executable gets it too.

use crate::emit::{EHDR, Phdr, own_phdrs};
use crate::index::opened::Executable;
use anyhow::{Context, Result};
use object::elf;
use shared::output::OutputConfig;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Gives the whole file `made` the search path that the executable at `app` has.
pub fn carry_over(app: &Path, executable: &Executable, made: &Path) -> Result<()> {
    let config = &executable.config;
    if config.path_len == 0 {
        return Ok(());
    }
    let own = match executable.is_settled() {
        true => config.image_path.0,
        // From where the file is mapped.
        false => own_phdrs(&executable.head).first().map_or(0, |first| first.addr).wrapping_add(config.path),
    };
    let context = || format!("cannot read the search path of {}", app.display());
    let file = File::open(app).with_context(context)?;
    let mut path = vec![0; usize::try_from(config.path_len)?.min(MOST)];
    let at = offset_of(&executable.head, own).with_context(context)?;
    file.read_exact_at(&mut path, at).with_context(context)?;

    let context = || format!("cannot write the search path of {}", made.display());
    let file = File::options().read(true).write(true).open(made).with_context(context)?;
    let mut head = vec![0; executable.head.len()];
    file.read_exact_at(&mut head, 0).with_context(context)?;
    let at = offset_of(&head, config.image_path.0).with_context(context)?;
    file.write_all_at(&path, at).with_context(context)
}

/// The same of the bytes of two whole files.
pub fn copy(config: &OutputConfig, from: &[u8], to: &mut [u8]) {
    let range = |file: &[u8]| {
        let start = usize::try_from(offset_of(file, config.image_path.0)?).ok()?;
        Some(start..start.checked_add(usize::try_from(config.path_len).ok()?)?)
    };
    let path = range(from).and_then(|range| from.get(range));
    if let (Some(path), Some(room)) = (path, range(to).and_then(|range| to.get_mut(range))) {
        room.copy_from_slice(path);
    }
}

/// No search path is longer.
const MOST: usize = 1 << 20;

/// Where an executable with this head has what is at an address.
fn offset_of(head: &[u8], addr: u64) -> Option<u64> {
    let loads = own_phdrs(head).into_iter().filter(|phdr| phdr.kind == elf::PT_LOAD);
    let into = |phdr: &Phdr| addr.checked_sub(phdr.addr).filter(|into| *into < phdr.file_size);
    loads.into_iter().find_map(|phdr| phdr.offset.checked_add(into(&phdr)?))
}

/// Whether there is something behind all that the headers of an executable tell of, as self-extracting archives have it.
pub fn has_more_behind(app: &Path, executable: &Executable) -> Result<bool> {
    let context = || format!("cannot read {}", app.display());
    let file = File::open(app).with_context(context)?;
    let len = file.metadata().with_context(context)?.len();
    let head = &executable.head;
    let word = |bytes: &[u8], at: usize| {
        bytes.get(at..at + 8).map_or(0, |word| u64::from_le_bytes(word.try_into().unwrap_or_default()))
    };
    let count = head.get(60..62).map_or(0, |count| usize::from(u16::from_le_bytes([count[0], count[1]])));
    let mut headers = vec![0; count * EHDR];
    let at = word(head, 40);
    file.read_exact_at(&mut headers, at).with_context(context)?;
    let is_there = |header: &&[u8]| word(header, 0) >> 32 != u64::from(elf::SHT_NOBITS);
    let sections = headers.chunks_exact(EHDR).filter(is_there);
    let sections = sections.map(|header| word(header, 24).saturating_add(word(header, 32)));
    let segments = own_phdrs(head).into_iter().map(|phdr| phdr.offset.saturating_add(phdr.file_size));
    let own = [at.saturating_add(headers.len() as u64)];
    Ok(sections.chain(segments).chain(own).max().is_some_and(|end| len > end))
}
