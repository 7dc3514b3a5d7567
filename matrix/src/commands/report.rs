//! `cargo matrix report`: the table of a record, again and in any format.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::commands::measure::{self, Extent};
use crate::error::Outcome;
use crate::store;
use crate::table::Format;

/// Print the table of a record again
///
/// Several records of the same executables and settings are merged launch by launch.
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
    /// How the table is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Reads, merges and prints.
///
/// # Errors
/// When a file cannot be read or the files do not belong together.
pub fn run(args: &Args) -> Result<Outcome> {
    let mut records = args.files.iter().map(|file| {
        let found = store::read(file)?;
        if found.torn_bytes > 0 {
            eprintln!(
                "the last line of {} is torn and was ignored",
                file.display()
            );
        }
        Ok(found.record)
    });
    let first = records.next().context("a file is needed")??;
    let record = records.try_fold(first, |merged, next| {
        next.and_then(|next| merged.merge(next))
    })?;
    let extent = match args.brief {
        true => Extent::Brief,
        false => Extent::Full,
    };
    measure::print(&record, extent, args.format)
}
