//! `cargo matrix export`: a record in the format of another tool.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::commands::{measure, records};
use crate::error::Outcome;
use crate::export::{self, Content, Target};
use crate::report::Report;

/// Write a record in the format of another tool
///
/// Only figures that count are exported; a cell without such is left out with a notice where the format has no word for it. The
/// exit code is 0 all the same: `report` has the decision in its own.
///
/// Example: cargo matrix export results/20260101T120000Z-compare-1.jsonl --to junit
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Records; several of the same executables and settings are merged
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The format
    #[arg(long, value_enum, value_name = "FORMAT")]
    to: Target,
    /// Where it goes: a file, the standard output if not given; with `arena` a folder, which has to be given
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
}

/// Reads, translates and writes.
///
/// # Errors
/// When a file cannot be read or written.
pub fn run(args: &Args) -> Result<Outcome> {
    let report = Report::of(records::merged(&args.files)?)?;
    let exported = export::export(&report, args.to)?;
    for left_out in &exported.left_out {
        eprintln!("left out: {left_out}");
    }
    match (exported.content, &args.out) {
        (Content::Text(text), None) => measure::show(&text)?,
        (Content::Text(text), Some(path)) => write(path, &text)?,
        (Content::Files(files), Some(folder)) => {
            for (path, text) in &files {
                write(&folder.join(path), text)?;
            }
            eprintln!("{} files below {}", files.len(), folder.display());
        }
        (Content::Files(_), None) => {
            bail!(
                "failed to export: this format has a file for each cell; name a folder with --out"
            )
        }
    }
    Ok(Outcome::Done)
}

fn write(path: &Path, text: &str) -> Result<()> {
    let context = || {
        format!(
            "failed to write {}; choose another place with --out",
            path.display()
        )
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(context)?;
    }
    fs::write(path, text).with_context(context)
}
