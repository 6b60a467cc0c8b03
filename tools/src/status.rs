//! `unfold status`: what an executable is made of, and what its last link and its last run did.

use crate::print_line;
use anyhow::Result;
use indexer::index::opened::Executable;
use serde_json::{Value, json};
use shared::log::{LogHeader, Pager};
use std::path::{Path, PathBuf};

/// Show what a program is made of, what its last link read again, and what its last run touched
#[derive(clap::Args)]
#[command(after_long_help = MORE)]
pub struct Args {
    /// An executable or a shared library that unfold has linked
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub app: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

const MORE: &str = "\
Examples:
  unfold status target/debug/app
  unfold status app --json | jq .why_full    why the last link was a full one

Exit status:
  0    it is shown
  1    unfold has not linked it, or its index is not there";

pub fn status(app: &Path, as_json: bool) -> Result<()> {
    let executable = Executable::or_library(app)?;
    let status = executable.status()?;
    let run = executable.last_run().map(|(header, _)| header);
    if as_json {
        let mut object = serde_json::to_value(&status)?;
        object["generation"] = json!(executable.config.generation);
        for entry in object["reindexed"].as_array_mut().into_iter().flatten() {
            if entry["member"] == "" {
                entry["member"] = Value::Null;
            }
        }
        object["pages_kept"] = json!(executable.kept_pages());
        object["last_run"] = run.as_ref().map_or(Value::Null, run_json);
        print_line!("{}", serde_json::to_string_pretty(&object)?);
        return Ok(());
    }
    print_line!("{}: generation {}, {} objects", app.display(), executable.config.generation, status.objects);
    match &status.why_full {
        None => print_line!("last link: incremental"),
        Some(why) => print_line!("last link: full ({why})"),
    }
    const SHOWN: usize = 20;
    for object in status.reindexed.iter().take(SHOWN) {
        let member = if object.member.is_empty() { String::new() } else { format!("({})", object.member) };
        print_line!("  read {}{member}: {}", object.path, object.reason);
    }
    if status.reindexed.len() > SHOWN {
        print_line!("  and {} more", status.reindexed.len() - SHOWN);
    }
    print_line!(
        "pages: {} in all, {} relocated at first touch, {} rendered by the link",
        status.pages_total,
        status.lazy_pages,
        status.eager_pages
    );
    print_line!("kept for the next launch: {} pages", executable.kept_pages());
    match run {
        None => print_line!("last run: none"),
        Some(run) => print_line!(
            "last run: pager {}, {} first touches, {} pages relocated ({} of them in the background), \
             handed over after {} us",
            Pager::name(run.pager),
            run.faults,
            run.pages_rendered,
            run.pages_prefetched,
            run.handover_ns / 1000
        ),
    }
    print_line!("index: {}", executable.folder.display());
    Ok(())
}

fn run_json(run: &LogHeader) -> Value {
    json!({
        "pager": Pager::name(run.pager),
        "faults": run.faults,
        "pages_rendered": run.pages_rendered,
        "pages_from_kept": run.pages_from_kept,
        "pages_prefetched": run.pages_prefetched,
        "handover_us": run.handover_ns / 1000,
    })
}
