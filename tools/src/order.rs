//! `unfold order`: the order in which runs touched functions, for linkers that place functions by a list.

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use indexer::index::opened::Executable;
use indexer::order_file::{Words, order_file};
use std::fs;
use std::io::Write;
use std::path::PathBuf;

const MORE: &str = "\
Examples:
  unfold profile app -- --version; unfold order app -o app.order
  clang -fuse-ld=lld -Wl,--symbol-ordering-file=app.order ...

Exit status:
  0    it is written
  1    no run is known, or unfold has not linked the program";

/// Write the order in which runs touched functions, for other linkers
#[derive(Args)]
#[command(after_long_help = MORE)]
pub struct OrderArgs {
    /// An executable that unfold has linked, and that has run: best by `unfold profile APP -- ARGS`
    app: PathBuf,
    /// The file to write (default: standard output)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Which linker is to read it
    #[arg(long, value_enum, default_value_t = Format::Lld)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Symbols, for --symbol-ordering-file
    Lld,
    /// Names of sections, for --section-ordering-file
    Gold,
    /// Has no option for it
    Mold,
    /// Has no option for it
    Wild,
}

pub fn order(args: &OrderArgs) -> Result<()> {
    let words = match args.format {
        Format::Lld => Words::Symbols,
        Format::Gold => Words::Sections,
        Format::Mold | Format::Wild => bail!(
            "mold (to 2.40) and wild (to 0.10) have no option that places functions in an order: link with \
             lld (--format lld) or gold (--format gold)"
        ),
    };
    let executable = Executable::open(&args.app)?;
    let app = args.app.display();
    let order = order_file(&executable, words)?;
    if order.names.is_empty() && order.nameless == 0 {
        bail!("{app}: no run has touched anything yet: unfold profile {app} -- ARGS");
    }
    if order.names.is_empty() {
        bail!(
            "{app}: the code that was touched has no section of its own for each function: compile with \
             -ffunction-sections"
        );
    }
    let text = order.names.join("\n") + "\n";
    match &args.output {
        Some(path) => fs::write(path, &text).with_context(|| format!("cannot write {}", path.display()))?,
        // A reader that is gone has seen enough.
        None => drop(std::io::stdout().write_all(text.as_bytes())),
    }
    let (option, count) = match words {
        Words::Symbols => ("--symbol-ordering-file", order.names.len()),
        Words::Sections => ("--section-ordering-file", order.names.len()),
    };
    indexer::say!(
        "unfold: {count} functions for {option}, {} of them surely executed; {} have no name of their own",
        order.executed.min(count),
        order.nameless
    );
    if !order.is_precise {
        indexer::say!(
            "unfold: only chunks of 64 KiB are known: unfold profile {app} -- ARGS tells functions apart"
        );
    }
    Ok(())
}
