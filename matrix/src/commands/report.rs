//! `cargo matrix report`: the tables and the decision of a record, again and in any format.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::commands::{measure, records};
use crate::error::Outcome;
use crate::html;
use crate::report::Report;
use crate::table::Format;

/// Print the tables and the decision of a record again, or write a page with figures
///
/// Several records of the same executables and settings are merged launch by launch; what comparisons decided is shown for
/// each of them. Exit codes are those of the command that made the record.
///
/// Example: cargo matrix report results/20260101T120000Z-sweep-1.jsonl --format md
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Records
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Of a sweep only the first row, the designs that no other beats in both CPU and memory, the floors, and invalid rows
    #[arg(long)]
    brief: bool,
    /// How it is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Write a page with figures instead: one file that needs no network and no scripts, and chooses itself what it draws; - for
    /// the standard output
    #[arg(long, value_name = "OUT", conflicts_with_all = ["format", "brief"])]
    html: Option<PathBuf>,
}

/// Reads, merges and prints.
///
/// # Errors
/// When a file cannot be read, the files do not belong together, or the page cannot be written.
pub fn run(args: &Args) -> Result<Outcome> {
    let report = Report::of(records::merged(&args.files)?)?;
    let report = match args.brief {
        true => report.brief(),
        false => report,
    };
    let outcome = report.outcome();
    match &args.html {
        Some(path) => write_page(&report, path)?,
        None => measure::show(&report.print(args.format)?)?,
    }
    Ok(outcome)
}

fn write_page(report: &Report, path: &Path) -> Result<()> {
    let page = html::page(report);
    if path.as_os_str() == "-" {
        return measure::show(&page);
    }
    fs::write(path, &page).with_context(|| {
        format!(
            "failed to write {}; choose another file with --html",
            path.display()
        )
    })?;
    eprintln!("{} bytes in {}", page.len(), path.display());
    Ok(())
}
