//! `cargo matrix pareto`: which designs no other beats in several metrics at the same time.

use std::path::PathBuf;

use anyhow::Result;

use crate::commands::{measure, records};
use crate::sheet::View;
use crate::table::Format;
use crate::verdict::Metric;
use crate::workload::Workload;

/// Show which designs no other beats in several metrics at once, from the record of a sweep
///
/// A design is beaten by one that is better in a metric by more than the margin of a comparison and not worse by it in any.
/// Both follow from bounds that hold for all designs together, so a design that none truly beats is called beaten in at
/// most one sweep of twenty. Where noise is too large to tell, that is said. Several records of the same executables and
/// settings are merged launch by launch.
///
/// Example: cargo matrix pareto results/20260101T120000Z-sweep-1.jsonl --objectives cpu-per-request,memory
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Records
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A workload; all of the record if none is given
    #[arg(short, long, value_enum)]
    workload: Option<Workload>,
    /// What is to be good at the same time, with commas; the designs are listed by the first
    #[arg(
        long,
        value_enum,
        value_name = "METRIC,METRIC…",
        value_delimiter = ',',
        default_values = ["cpu-per-request", "memory"]
    )]
    objectives: Vec<Metric>,
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
    let mut objectives: Vec<Metric> = Vec::new();
    for metric in &args.objectives {
        if !objectives.contains(metric) {
            objectives.push(*metric);
        }
    }
    let view = View::of_front(&record, args.workload, &objectives)?;
    measure::show(&view.print(args.format)?)
}
