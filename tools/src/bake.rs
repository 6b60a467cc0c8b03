//! `unfold bake`: the image, rendered whole, as an ordinary executable. It is also an oracle: every page of
//! it must be the one that the loader makes.

use anyhow::{Context, Result};
use indexer::index::opened::Executable;
use indexer::settle;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

pub fn bake(app: &Path, output: &Path) -> Result<()> {
    let executable = Executable::open(app)?;
    let mode = fs::metadata(app).with_context(|| format!("cannot examine {}", app.display()))?.permissions();
    settle::bake(&executable, output, mode.mode())
}
