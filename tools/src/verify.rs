//! `unfold verify`: compares what the index has of programs with a fresh rendering.

use crate::{out, print_line};
use anyhow::Result;
use indexer::progress;
use indexer::say;
use indexer::verify::{self, Cure, Difference, Finding, Kind, Report};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// Compare what the index has of programs with a fresh rendering
///
/// Image, kept chunks, packs and all tables of programs and shared libraries are compared with what a fresh rendering gives.
/// What is wrong is named by object and section. Kept chunks that are wrong are forgotten; what else is wrong the next link
/// makes anew.
#[derive(clap::Args)]
#[command(after_long_help = MORE)]
pub struct Args {
    /// Executables and shared libraries that unfold has linked
    #[arg(required = true, value_hint = clap::ValueHint::FilePath)]
    pub apps: Vec<PathBuf>,
    /// Print a JSON list with an object for each program
    #[arg(long)]
    pub json: bool,
    /// Say what is wrong, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Show no progress, on terminals neither
    #[arg(long = "no-progress")]
    pub quiet: bool,
}

const MORE: &str = "\
Examples:
  unfold verify target/debug/app
  unfold verify --dry-run --json bin/* | jq '.[] | select(.right != true)'

Exit status:
  0    all is right
  1    something was wrong
  2    something could not be examined";

/// Exit status if something was wrong, and if something could not be examined.
const WRONG: u8 = 1;
const UNKNOWN: u8 = 2;

/// Verifies each of these outputs.
pub fn verify(apps: &[PathBuf], as_json: bool, dry_run: bool, quiet: bool) -> Result<ExitCode> {
    let mut status = 0;
    let mut reports = Vec::new();
    for app in apps {
        let start = Instant::now();
        let result = {
            let _progress = progress::start(&format!("verifying {}", out::short(app)), !quiet);
            verify::verify(app, dry_run, &|done, all| progress::set(done as u64, all as u64))
        };
        let ms = start.elapsed().as_millis() as u64;
        status = status.max(match &result {
            Ok(report) if report.findings.is_empty() => 0,
            Ok(_) => WRONG,
            Err(_) => UNKNOWN,
        });
        match (result, as_json) {
            (result, true) => reports.push(report_json(app, &result, dry_run, ms)),
            (Ok(report), false) => print(app, &report, dry_run, ms),
            (Err(error), false) => say!("unfold: {error:#}"),
        }
    }
    if as_json {
        print_line!("{}", serde_json::to_string_pretty(&reports)?);
    }
    Ok(ExitCode::from(status))
}

fn print(app: &Path, report: &Report, dry_run: bool, ms: u64) {
    const SHOWN: usize = 20;
    let app = app.display();
    for finding in report.findings.iter().take(SHOWN) {
        print_line!("{app}: {}", finding.text);
        if finding.difference.is_none() {
            print_line!("  in {}", finding.file.display());
        }
    }
    if report.findings.len() > SHOWN {
        print_line!("{app}: and {} more", report.findings.len() - SHOWN);
    }
    let is_kept = |finding: &Finding| matches!(finding.kind, Kind::Chunk | Kind::Map);
    let with = |cure: Cure| report.findings.iter().any(|finding| finding.cure == cure);
    if report.findings.iter().any(|finding| finding.kind == Kind::Chunk) {
        print_line!("{app}: programs that run may have mapped the wrong chunks: start them again");
    }
    if with(Cure::Forgotten) {
        print_line!("{app}: forgotten: the next launch renders what was wrong of the kept chunks");
    }
    if with(Cure::Condemned) {
        print_line!("{app}: link the program again: the next link makes everything anew");
    }
    if let Some(why) = &report.not_healed {
        print_line!("{app}: not put right: {why}");
    }
    if dry_run && !report.findings.is_empty() {
        let kept = report.findings.iter().filter(|finding| is_kept(finding)).count();
        let others = report.findings.len() - kept;
        print_line!("{app}: nothing was changed ({kept} to forget, {others} that need a full link)");
    }
    let verdict = match report.findings.len() {
        0 => "all is right".to_owned(),
        count => format!("{count} wrong"),
    };
    print_line!(
        "{app}: {verdict}: {} pages rendered, {} of the image and {} kept chunks compared, {} records in {} packs, \
         {ms} ms",
        report.pages_rendered,
        report.pages_of_image,
        report.chunks,
        report.records,
        report.packs
    );
}

fn report_json(app: &Path, result: &Result<Report>, dry_run: bool, ms: u64) -> Value {
    let report = match result {
        Ok(report) => report,
        Err(error) => {
            return json!({ "app": out::path(app), "right": Value::Null, "error": format!("{error:#}") });
        }
    };
    json!({
        "app": out::path(app),
        "right": report.findings.is_empty(),
        "error": Value::Null,
        "generation": report.generation,
        "folder": out::path(&report.folder),
        "dry_run": dry_run,
        "pages_rendered": report.pages_rendered,
        "pages_of_image": report.pages_of_image,
        "kept_chunks": report.chunks,
        "packs": report.packs,
        "records": report.records,
        "ms": ms,
        "not_healed": report.not_healed,
        "findings": report.findings.iter().map(finding_json).collect::<Vec<_>>(),
    })
}

fn finding_json(finding: &Finding) -> Value {
    let mut object = json!({
        "kind": finding.kind.name(),
        "file": out::path(&finding.file),
        "text": finding.text,
        "cure": finding.cure.name(),
        "start": Value::Null,
        "length": Value::Null,
        "bytes": Value::Null,
        "first": Value::Null,
        "place": Value::Null,
    });
    if let Some(Difference { start, len, bytes, first, place }) = &finding.difference {
        let values = [("start", start), ("length", len), ("bytes", bytes), ("first", first)];
        values.iter().for_each(|(name, value)| object[name] = json!(value));
        object["place"] = json!(place);
    }
    object
}
