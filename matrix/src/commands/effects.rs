//! `cargo matrix effects`: what the values of each axis do to a metric.

use std::path::PathBuf;

use anyhow::Result;

use crate::commands::{measure, records};
use crate::sheet::View;
use crate::table::Format;
use crate::verdict::Metric;
use crate::workload::Workload;

/// Show what each axis does to a metric, from the record of a sweep
///
/// The factor of each value to the mean of its axis, with a 95 % interval over launches, and how much of all variance each
/// axis has. Several records of the same executables and settings are merged launch by launch.
///
/// Example: cargo matrix effects results/20260101T120000Z-sweep-1.jsonl --metric memory
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Records
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A workload; all of the record if none is given
    #[arg(short, long, value_enum)]
    workload: Option<Workload>,
    /// What the axes have effects on
    #[arg(long, value_enum, default_value = "cpu-per-request")]
    metric: Metric,
    /// How the table is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Reads and prints.
///
/// # Errors
/// When a file cannot be read, or has no launches of the workload.
pub fn run(args: &Args) -> Result<()> {
    let record = records::merged(&args.files)?;
    let view = View::of_effects(&record, args.workload, args.metric)?;
    measure::show(&view.print(args.format)?)
}
