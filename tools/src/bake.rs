//! `unfold bake`: the image, rendered whole, as an ordinary executable. It is also an oracle: every page of
//! it must be the one that the loader makes.

use anyhow::{Context, Result, anyhow};
use indexer::emit::{SectionHeader, Sections, elf, elf_header};
use indexer::index::opened::Executable;
use indexer::{debug, symbols};
use shared::CHUNK;
use shared::output::{CONFIG, IMAGE_PHDRS};
use shared::plan::{PlanView, RegionKind};
use shared::render::{PROT_EXEC, render};
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The code, and the names of its functions: what tools look for in an executable.
fn sections<'a>(plan: &PlanView<'_>, symbols: &'a [u8]) -> Sections<'a> {
    let mut sections = Sections::default();
    let code = plan.regions.iter().find(|region| region.prot & PROT_EXEC != 0);
    if let (Some(code), Some((table, names))) = (code, symbols::tables(symbols)) {
        sections.push(SectionHeader {
            name: ".text",
            kind: elf::SHT_PROGBITS,
            flags: u64::from(elf::SHF_ALLOC | elf::SHF_EXECINSTR),
            addr: code.start.0,
            offset: code.start.offset_from(plan.header.base),
            size: code.len(),
            align: 16,
            ..SectionHeader::default()
        });
        sections.push(SectionHeader {
            name: ".symtab",
            kind: elf::SHT_SYMTAB,
            data: table,
            link: 3,
            info: 1,
            align: 8,
            entry_size: 24,
            ..SectionHeader::default()
        });
        let strtab = SectionHeader {
            name: ".strtab",
            kind: elf::SHT_STRTAB,
            data: names,
            align: 1,
            ..SectionHeader::default()
        };
        sections.push(strtab);
    }
    sections
}

pub fn bake(app: &Path, output: &Path) -> Result<()> {
    let executable = Executable::open(app)?;
    let (bytes, _, _) = executable.plan()?;
    let plan = PlanView::new(&bytes).map_err(|error| anyhow!("the plan is damaged: {error:?}"))?;
    let objects = executable.objects(plan)?;
    let context = || format!("cannot write {}", output.display());

    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".unfold-").tempfile_in(folder).with_context(context)?;
    let base = plan.header.base;
    // The image's program headers stay where they are; the ELF header now refers to them.
    let count = plan.header.phdr_count as usize;
    let mut header = elf_header(elf::ET_EXEC, plan.header.entry.0, IMAGE_PHDRS, count);
    header.resize(IMAGE_PHDRS as usize, 0);
    header.extend_from_slice(
        executable.bytes.get(IMAGE_PHDRS as usize..CONFIG as usize).context("the executable is truncated")?,
    );
    file.write_all(&header).with_context(context)?;
    let mut page = vec![0u8; CHUNK as usize];
    for region in plan.regions {
        if !matches!(region.kind(), Some(RegionKind::Eager | RegionKind::Lazy)) {
            continue;
        }
        let mut at = region.start;
        while at < region.end {
            let len = region.end.offset_from(at).min(CHUNK) as usize;
            render(&plan, &objects, at, &mut page[..len])
                .map_err(|error| anyhow!("cannot render: {error:?}"))?;
            file.seek(SeekFrom::Start(at.offset_from(base))).with_context(context)?;
            file.write_all(&page[..len]).with_context(context)?;
            at = at + len as u64;
        }
    }
    let end = file.as_file().metadata().with_context(context)?.len();
    let symbols =
        fs::read(executable.folder.join(symbols::FILE)).context("cannot read the names of functions")?;
    let debug = debug::sections(&executable)?;
    let mut all = sections(&plan, &symbols);
    debug.iter().for_each(|section| all.push(section.header()));
    let tail = all.tail(end);
    file.seek(SeekFrom::Start(end)).with_context(context)?;
    file.write_all(&tail.bytes).with_context(context)?;
    header[40..48].copy_from_slice(&tail.headers.to_le_bytes());
    header[60..62].copy_from_slice(&tail.count.to_le_bytes());
    header[62..64].copy_from_slice(&(tail.count - 1).to_le_bytes());
    file.seek(SeekFrom::Start(0)).with_context(context)?;
    file.write_all(&header).with_context(context)?;
    let mode = fs::metadata(app).with_context(|| format!("cannot examine {}", app.display()))?.permissions();
    file.as_file().set_permissions(fs::Permissions::from_mode(mode.mode())).with_context(context)?;
    file.persist(output).map_err(|error| error.error).with_context(context)?;
    Ok(())
}
