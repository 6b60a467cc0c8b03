//! `unfold gc`: removes what nothing needs any more from indexes.

use crate::{out, print_line};
use anyhow::{Context, Result, bail};
use indexer::index::gc::{self, Collected, How, Kind};
use indexer::index::opened::Executable;
use indexer::progress;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long links that use the index are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Remove what nothing needs any more from indexes
///
/// Of each output the newest generation stays, and those that processes run from. Removed are other generations, records that
/// nobody needs, and outputs that are no longer where they were linked. Links do this behind themselves every few times,
/// less thoroughly.
#[derive(clap::Args)]
#[command(after_long_help = MORE)]
pub struct Args {
    /// Indexes, folders that have one, or programs whose index is meant (default: the index of this folder)
    #[arg(value_hint = clap::ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,
    /// Print a JSON list with an object for each index
    #[arg(long)]
    pub json: bool,
    /// Say what would go, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Show no progress, on terminals neither
    #[arg(long = "no-progress")]
    pub quiet: bool,
}

const MORE: &str = "\
Examples:
  unfold gc --dry-run                 what would go from the index of this folder
  unfold gc ~/project/target/debug    the index in that folder

Exit status:
  0    nothing is left to remove
  1    an index could not be collected; links in progress are waited for, but not for ever";

/// Collects in the indexes that these are, have, or belong to.
pub fn gc(paths: &[PathBuf], as_json: bool, dry_run: bool, quiet: bool) -> Result<()> {
    let mut indexes: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    if paths.is_empty() {
        indexes.entry(default_index()?).or_default();
    }
    for path in paths {
        let spared = indexes.entry(index_of(path)?).or_default();
        if path.is_file() {
            spared.push(path.clone());
        }
    }
    let mut reports = Vec::new();
    for (index, spared) in indexes {
        let how = How { thorough: true, dry_run, spared, patience: PATIENCE };
        let collected = {
            let _progress = progress::start("collecting", !quiet);
            gc::collect(&index, &how, &mut |phase| progress::phase(phase, 0))?
        };
        match as_json {
            true => reports.push(report(&index, &collected, dry_run)),
            false => print(&index, &collected, dry_run),
        }
    }
    if as_json {
        print_line!("{}", serde_json::to_string_pretty(&reports)?);
    }
    Ok(())
}

/// The index that a link in this folder would use.
pub fn default_index() -> Result<PathBuf> {
    let named = std::env::var_os("UNFOLD_INDEX").filter(|index| !index.is_empty()).map(PathBuf::from);
    let index = named.unwrap_or_else(|| indexer::index::FOLDER.into());
    if !index.is_dir() {
        bail!("no index here ({}): name one, or a program that unfold has linked", index.display());
    }
    index.canonicalize().with_context(|| format!("cannot open {}", index.display()))
}

/// The index that a path is, has, or belongs to.
fn index_of(path: &Path) -> Result<PathBuf> {
    let context = || format!("cannot open {}", path.display());
    if !path.is_dir() {
        // A generation is three folders below the index.
        let folder = Executable::or_library(path)?.folder;
        return folder.join("../../..").canonicalize().with_context(context);
    }
    let below = path.join(indexer::index::FOLDER);
    let is_index = path.join("outputs").is_dir() || path.join("packs").is_dir();
    let index = if is_index || !below.is_dir() { path } else { &below };
    index.canonicalize().with_context(context)
}

fn report(index: &Path, collected: &Collected, dry_run: bool) -> serde_json::Value {
    let removed = collected.removed.iter().map(|doomed| {
        let output = doomed.what.as_deref().map(out::path);
        json!({ "kind": doomed.kind.name(), "path": out::path(&doomed.path), "output": output })
    });
    json!({
        "index": out::path(index),
        "dry_run": dry_run,
        "bytes_before": collected.before,
        "bytes_after": collected.after,
        "removed": removed.collect::<Vec<_>>(),
        "entries_removed": collected.entries,
    })
}

fn print(index: &Path, collected: &Collected, dry_run: bool) {
    let (before, after) = (collected.before / 1024, collected.after / 1024);
    match dry_run {
        true => print_line!("{}: {before} KiB, would become {after} KiB", index.display()),
        false => print_line!("{}: {after} KiB, was {before} KiB", index.display()),
    }
    let mut counts: BTreeMap<Kind, usize> = BTreeMap::new();
    for doomed in &collected.removed {
        *counts.entry(doomed.kind).or_default() += 1;
        if let Some(output) = doomed.what.as_ref().filter(|_| doomed.kind == Kind::Output) {
            print_line!("  {} is no longer there", output.display());
        }
    }
    let mut words: Vec<String> =
        counts.into_iter().map(|(kind, count)| format!("{count} of kind {}", kind.name())).collect();
    if collected.entries != 0 {
        words.push(format!("{} entries of the database", collected.entries));
    }
    if !words.is_empty() {
        print_line!("  {}: {}", if dry_run { "to remove" } else { "removed" }, words.join(", "));
    }
}
