//! `unfold status`: what a program is made of, what its last link and its last run did, and what of it is on disk.
//!
//! [`gather`] looks, [`print`] shows. Nothing is read that grows with the program but the plan's head and lists of files.

mod gather;
mod print;

use crate::{gc, out, print_line};
use anyhow::{Result, bail};
use clap::Args as ClapArgs;
use gather::Output;
use indexer::index::opened::Executable;
use serde_json::{Value, json};
use shared::log::{LogHeader, Pager};
use std::path::PathBuf;

const MORE: &str = "\
Examples:
  unfold status target/debug/app
  unfold status app --json | jq .why_full    why the last link was a full one
  unfold status                              all programs of the index of this folder

Exit status:
  0    it is shown
  1    unfold has not linked it, or its index is not there";

/// Show what a program is made of, and what its last link and run did
#[derive(ClapArgs)]
#[command(after_long_help = MORE)]
pub struct Args {
    /// A program or a shared library; without one, all of the index of this folder
    app: Option<PathBuf>,
    /// Print one JSON object; without a program, a list of them
    #[arg(long)]
    json: bool,
}

pub fn status(args: &Args) -> Result<()> {
    let Some(app) = &args.app else { return all(args.json) };
    let output = Output::gather(app, Executable::or_library(app)?, &indexer::index::gc::processes())?;
    match args.json {
        true => print_line!("{}", serde_json::to_string_pretty(&object(&output)?)?),
        false => print::one(&output),
    }
    Ok(())
}

/// Every output of an index.
fn all(as_json: bool) -> Result<()> {
    let index = gc::default_index()?;
    let found = gather::outputs(&index);
    if found.is_empty() {
        bail!("nothing was linked into {} yet", index.display());
    }
    if as_json {
        let objects = found.iter().map(|(path, output)| match output {
            Ok(output) => object(output),
            Err(error) => Ok(json!({ "app": out::path(path), "error": format!("{error:#}") })),
        });
        print_line!("{}", serde_json::to_string_pretty(&objects.collect::<Result<Vec<_>>>()?)?);
        return Ok(());
    }
    print::list(&index, &found);
    Ok(())
}

/// What `--json` shows of an output.
fn object(output: &Output) -> Result<Value> {
    let mut object = serde_json::to_value(&output.status)?;
    object["app"] = json!(out::path(&output.app));
    object["kind"] = json!(if output.is_library { "library" } else { "program" });
    object["folder"] = json!(out::path(&output.folder));
    object["generation"] = json!(output.generation);
    for entry in object["reindexed"].as_array_mut().into_iter().flatten() {
        if entry["member"] == "" {
            entry["member"] = Value::Null;
        }
    }
    object["pages_kept"] = json!(output.kept_pages());
    object["chunks_lazy"] = json!(output.chunks.len());
    object["chunks_kept"] = json!(output.kept_chunks());
    object["generations"] = serde_json::to_value(&output.generations)?;
    object["disk"] = serde_json::to_value(&output.disk)?;
    object["last_run"] = output.run.as_ref().map_or(Value::Null, run);
    Ok(object)
}

fn run(run: &LogHeader) -> Value {
    json!({
        "pager": Pager::name(run.pager),
        "pid": run.pid,
        "faults": run.faults,
        "pages_rendered": run.pages_rendered,
        "pages_from_kept": run.pages_from_kept,
        "pages_prefetched": run.pages_prefetched,
        "handover_us": run.handover_ns / 1000,
    })
}
