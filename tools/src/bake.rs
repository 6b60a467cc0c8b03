//! `unfold bake`: the image, rendered whole, as an ordinary executable. It is also an oracle: every page of
//! it must be the one that the loader makes.

use anyhow::{Context, Result, anyhow};
use indexer::emit::elf_header;
use indexer::index::opened::Executable;
use shared::CHUNK;
use shared::output::{CONFIG, IMAGE_PHDRS};
use shared::plan::{PlanView, RegionKind};
use shared::render::render;
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

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
    let mut header = elf_header(indexer::emit::ET_EXEC, plan.header.entry.0, IMAGE_PHDRS, count);
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
            render(&plan, &objects, at, &mut page[..len]).map_err(|error| anyhow!("cannot render: {error:?}"))?;
            file.seek(SeekFrom::Start(at.offset_from(base))).with_context(context)?;
            file.write_all(&page[..len]).with_context(context)?;
            at = at + len as u64;
        }
    }
    let mode = fs::metadata(app).with_context(|| format!("cannot examine {}", app.display()))?.permissions();
    file.as_file().set_permissions(fs::Permissions::from_mode(mode.mode())).with_context(context)?;
    file.persist(output).map_err(|error| error.error).with_context(context)?;
    Ok(())
}
