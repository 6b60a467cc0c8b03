//! Plan -> `image`: the eager regions, rendered, with the checksums of their pages (`shared/src/image.rs`).

use crate::index::NewFile;
use crate::index::generation::Draft;
use crate::index::packs::PackObjects;
use crate::inputs::mapped::Fingerprint;
use crate::plan::{self, Unrendered};
use anyhow::{Context, Result};
use shared::PAGE;
use shared::checksum::checksum;
use shared::image::{ImagePrint, file_len, summed_pages};
use shared::plan::PlanView;
use shared::pod::bytes_of;
use shared::render::RenderError;
use std::sync::Mutex;

/// Renders the image of a generation. `failed`: words for what cannot be rendered.
pub fn write(
    draft: &Draft,
    view: &PlanView<'_>,
    objects: &PackObjects<'_>,
    failed: &dyn Fn(RenderError) -> anyhow::Error,
) -> Result<ImagePrint> {
    let file = NewFile::new(draft.folder())?;
    let len = plan::image_len(view);
    file.set_len(file_len(len))?;
    let mut sums = vec![0; (len / PAGE) as usize];
    let base = view.header.base;
    let ranges: Vec<_> = view.regions.iter().map(|region| summed_pages(base, region)).collect();
    let zeroes = checksum(&[0; PAGE as usize]);
    for range in &ranges {
        sums[range.start as usize..range.end as usize].fill(zeroes);
    }
    let sums = Mutex::new(sums);
    let put = |bytes: &[u8], offset: u64| {
        let own: Vec<u64> = bytes.chunks(PAGE as usize).map(checksum).collect();
        let first = (offset / PAGE) as usize;
        sums.lock().expect("no thread panics with the lock")[first..first + own.len()].copy_from_slice(&own);
        file.write_at(bytes, offset)
    };
    plan::render_eager(view, objects, put).map_err(|error| match error {
        Unrendered::Render(error) => failed(error),
        Unrendered::Put(error) => error,
    })?;
    let sums = sums.into_inner().expect("no thread panics with the lock");
    for range in ranges.into_iter().filter(|range| !range.is_empty()) {
        let at = len + range.start * size_of::<u64>() as u64;
        file.write_at(bytes_of(&sums[range.start as usize..range.end as usize]), at)?;
    }
    let print = Fingerprint::of(&file.as_file().metadata().context("cannot examine the image")?);
    file.publish(&draft.path("image"))?;
    Ok(ImagePrint { sums: checksum(bytes_of(&sums)), size: print.size, modified_ns: print.modified_ns })
}
