//! What a relink does for a shared library beyond an executable: the tables of the dynamic linker's relocations are
//! made anew from the plan, and the file is rendered whole.

use super::editor::Editor;
use crate::args::Request;
use crate::emit::{self, Phdr};
use crate::index::generation::{self, Draft};
use crate::index::opened::Executable;
use crate::index::state::State;
use crate::library::{self, Parts};
use crate::synth::relocations::{self, Image};
use anyhow::{Context, Result, ensure};
use shared::ImageAddr;
use shared::record::{ObjectView, SectionRec};
use std::fs;
use std::path::Path;

/// The generation that the newest link of a library left.
pub fn newest(folder: &Path) -> Option<Executable> {
    let number = *generation::numbers(folder).last()?;
    let folder = folder.join(number.to_string());
    folder.join(library::PHDRS).exists().then(|| Executable::of_folder(&folder).ok())?
}

/// Makes the tables of relocations anew. The inner error is a reason for a full link.
pub fn relocate(editor: &mut Editor, request: &Request) -> Result<Result<(), String>> {
    let numbers = editor.dynamic_numbers();
    let tables = {
        let view = editor.view()?;
        let count = view.objects.len() as u32 - 1;
        let objects: Vec<ObjectView<'_>> = (0..count)
            .map(|number| editor.object(number))
            .collect::<Option<_>>()
            .context("a record is gone")?;
        let module = view.header.tls_module;
        relocations::tables(&Image {
            objects,
            placement: &|object, section| view.placement(object, section).unwrap_or_default(),
            symbol_of: &|object, global| {
                let first = view.objects[object as usize].bindings;
                view.bindings.get((first + global) as usize).copied().unwrap_or_default()
            },
            slots: view.slots,
            dynamic: &|slot| numbers.get(&slot).copied().unwrap_or(0),
            got: view.header.got,
            tls_start: view.header.tls_start,
            tls_module: (module.0 != 0).then_some(module),
            packed: request.relr,
        })
    };
    let unnumbered = |entry: &[u8]| {
        let info = u64::from_le_bytes(entry[8..16].try_into().unwrap_or_default());
        let by_symbol = matches!(info as u32, object::elf::R_X86_64_64 | object::elf::R_X86_64_GLOB_DAT);
        by_symbol && info >> 32 == 0
    };
    if tables.rela.chunks_exact(crate::synth::RELA as usize).any(unnumbered) {
        return Ok(Err("it takes the address of a symbol that was only called".to_owned()));
    }
    set_sizes(editor, &tables.sizes())?;
    let words: Vec<u8> = tables.relr.iter().flat_map(|word| word.to_le_bytes()).collect();
    for (name, table, filler) in [(&b".rela.dyn"[..], tables.rela, 0), (b".relr.dyn", words, 1u64)] {
        if !set_table(editor, name, &table, filler)? {
            return Ok(Err("the table of dynamic relocations is full".to_owned()));
        }
    }
    Ok(Ok(()))
}

/// Tells `.dynamic` how large the tables are.
fn set_sizes(editor: &mut Editor, sizes: &[(u64, u64)]) -> Result<()> {
    let (section, mut record) = editor.own_section(b".dynamic")?.context("no .dynamic")?;
    let start = section.data as usize;
    for entry in record[start..start + section.size as usize].chunks_exact_mut(16) {
        let tag = u64::from_le_bytes(entry[..8].try_into().unwrap_or_default());
        if let Some((_, size)) = sizes.iter().find(|(known, _)| *known == tag) {
            entry[8..].copy_from_slice(&size.to_le_bytes());
        }
    }
    editor.set_own(record)
}

/// Replaces the contents of one of the linker's own sections; false if they do not fit.
fn set_table(editor: &mut Editor, name: &[u8], table: &[u8], filler: u64) -> Result<bool> {
    let Some((section, mut record)) = editor.own_section(name)? else { return Ok(table.is_empty()) };
    let (data, size) = (section.data as usize, section.size as usize);
    if table.len() > size {
        return Ok(false);
    }
    let contents: Vec<u8> = filler.to_le_bytes().repeat(size / 8);
    record[data..data + contents.len()].copy_from_slice(&contents);
    record[data..data + table.len()].copy_from_slice(table);
    editor.set_own(record)?;
    Ok(true)
}

impl Editor {
    /// The bytes of a section of the linker's own object.
    pub fn own_bytes(&self, name: &[u8]) -> Result<Option<&[u8]>> {
        let last = self.view()?.objects.len() as u32 - 1;
        let object = self.object(last).context("the linker's own record is gone")?;
        let found =
            object.sections.iter().find(|section| object.string(section.name) == name && section.data != 0);
        let Some(bytes) = found.map(|section| object.data(section)) else { return Ok(None) };
        ensure!(
            self.checked(last).is_some_and(|checked| checked.verify(bytes)),
            "the linker's own record is damaged"
        );
        Ok(Some(bytes))
    }

    /// A section of the linker's own object, and a copy of that object's record, to be changed.
    pub fn own_section(&self, name: &[u8]) -> Result<Option<(SectionRec, Vec<u8>)>> {
        let view = self.view()?;
        let last = view.objects.len() as u32 - 1;
        let object = self.object(last).context("the linker's own record is gone")?;
        let found =
            object.sections.iter().find(|section| object.string(section.name) == name && section.data != 0);
        let Some(section) = found.copied() else { return Ok(None) };
        let record = match self.fresh.get(&last) {
            Some(record) => record.clone(),
            None => self.old_record(last).context("the linker's own record is damaged")?.to_vec(),
        };
        Ok(Some((section, record)))
    }

    /// Where one of the linker's own sections is.
    pub fn own_place(&self, name: &[u8]) -> Result<ImageAddr> {
        let view = self.view()?;
        let last = view.objects.len() as u32 - 1;
        let object = self.object(last).context("the linker's own record is gone")?;
        let number = object.sections.iter().position(|section| object.string(section.name) == name);
        let placement = number.and_then(|number| view.placement(last, number as u32));
        Ok(placement.context("a section of the linker's own is gone")?.addr())
    }

    /// Replaces the record of the linker's own object.
    pub fn set_own(&mut self, record: Vec<u8>) -> Result<()> {
        let last = self.view()?.objects.len() as u32 - 1;
        self.fresh.insert(last, record);
        Ok(())
    }
}

/// Renders the library from the changed plan and writes it. The inner error is a reason for a full link.
pub fn write(
    editor: &Editor,
    request: &Request,
    state: &State,
    before: &Executable,
    draft: Draft,
    folder: &Path,
) -> Result<Result<(), String>> {
    let view = editor.view()?;
    let phdrs = phdrs(before)?;
    let parts = Parts { request, view: &view, state, phdrs: &phdrs, folder };
    match library::write(&parts, editor, draft) {
        Ok(()) => Ok(Ok(())),
        // The full link says what is wrong, with names.
        Err(library::Error::Render(error)) => Ok(Err(format!("it cannot be rendered ({error:?})"))),
        Err(library::Error::Other(error)) => Err(error),
    }
}

fn phdrs(executable: &Executable) -> Result<Vec<Phdr>> {
    let path = executable.folder.join(library::PHDRS);
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Phdr::read(&bytes))
}

/// Makes the output newer than its inputs, or writes it again if it is not what the last link wrote.
pub fn write_again(request: &Request, executable: &Executable, state: &State) -> Result<()> {
    if library::touch(&executable.folder, &request.output)? {
        return Ok(());
    }
    let (plan, _, _) = executable.plan()?;
    let view = shared::plan::PlanView::new(&plan)
        .map_err(|error| anyhow::anyhow!("the plan is damaged: {error:?}"))?;
    let objects = executable.objects(view)?;
    let folder = executable.folder.parent().context("a generation without a folder")?;
    let phdrs = phdrs(executable)?;
    let parts = Parts { request, view: &view, state, phdrs: &phdrs, folder };
    let file = library::render(&parts, &objects).map_err(|error| error.unless(crate::whole::failed))?;
    emit::replace(&request.output, &file)?;
    library::note_written(&executable.folder, &request.output)
}
