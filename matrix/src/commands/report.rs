//! `cargo matrix report`: the tables and the decision of a record, again and in any format.

use std::path::PathBuf;

use anyhow::Result;

use crate::commands::{measure, records};
use crate::error::Outcome;
use crate::report::Report;
use crate::table::Format;

/// Print the tables and the decision of a record again
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
}

/// Reads, merges and prints.
///
/// # Errors
/// When a file cannot be read, the files do not belong together.
pub fn run(args: &Args) -> Result<Outcome> {
    let report = Report::of(records::merged(&args.files)?)?;
    let report = match args.brief {
        true => report.brief(),
        false => report,
    };
    let outcome = report.outcome();
    measure::show(&report.print(args.format)?)?;
    Ok(outcome)
}
