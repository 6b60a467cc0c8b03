//! `unfold bake`: the image, rendered whole, as an ordinary executable. It is also an oracle: every page of
//! it must be the one that the loader makes.

use anyhow::{Context, Result, anyhow};
use indexer::debug;
use indexer::emit::{Phdr, elf};
use indexer::index::opened::Executable;
use indexer::whole::{self, Whole};
use shared::output::{CONFIG, IMAGE_PHDRS};
use shared::plan::PlanView;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

pub fn bake(app: &Path, output: &Path) -> Result<()> {
    let executable = Executable::open(app)?;
    let (bytes, _, _) = executable.plan()?;
    let plan = PlanView::new(&bytes).map_err(|error| anyhow!("the plan is damaged: {error:?}"))?;
    let objects = executable.objects(plan)?;

    let headers = executable.head.get(IMAGE_PHDRS as usize..CONFIG as usize);
    let mut phdrs = Phdr::read(headers.context("the executable is truncated")?);
    phdrs.truncate(plan.header.phdr_count as usize);
    let whole = Whole {
        plan,
        phdrs,
        kind: elf::ET_EXEC,
        // The image's program headers stay where they are; the ELF header now refers to them.
        phdrs_at: IMAGE_PHDRS,
        symbols: true,
        debug: debug::sections(&executable)?,
    };
    let bytes = whole.file(&objects).map_err(whole::failed)?;
    let mode = fs::metadata(app).with_context(|| format!("cannot examine {}", app.display()))?.permissions();
    indexer::emit::write_with_mode(output, &bytes, mode.mode())
}
