//! A report in the formats of other tools, so that who tracks figures elsewhere need not learn ours.
//!
//! Only figures that count are exported. An invalid cell is an error in JUnit, a row with its reason in CSV and a 0 in
//! OpenMetrics; the other formats know no such thing, so there the cell is left out and told of. A decision goes where a format
//! has a word for it: JUnit and OpenMetrics.

mod arena;
mod cells;
mod csv;
mod go;
mod junit;
mod openmetrics;
mod trackers;

use std::path::PathBuf;

use anyhow::Result;

use crate::report::Report;

/// A format of another tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Target {
    /// The Go benchmark format, a line per launch: for benchstat
    Go,
    /// Bencher Metric Format, JSON
    Bencher,
    /// github-action-benchmark, what is better when it is smaller: `tool: customSmallerIsBetter`
    GithubSmaller,
    /// github-action-benchmark, throughput: `tool: customBiggerIsBetter`
    GithubBigger,
    /// OpenMetrics text: for Prometheus, by a textfile collector
    Openmetrics,
    /// JUnit XML: a WORSE guard fails, INCONCLUSIVE is skipped, an invalid cell is an error
    Junit,
    /// One table of all figures, a row for each
    Csv,
    /// HttpArena's result files, PROFILE/CONNECTIONS/NAME.json, below the folder of --out
    Arena,
}

/// What was exported.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// Its files.
    pub content: Content,
    /// What it leaves out, and why.
    pub left_out: Vec<String>,
}

/// One text, or files by their paths below a folder.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A text.
    Text(String),
    /// Files.
    Files(Vec<(PathBuf, String)>),
}

/// Translates a report.
///
/// # Errors
/// When figures cannot be written as JSON, or histograms not be merged.
pub fn export(report: &Report, to: Target) -> Result<Exported> {
    let cells = cells::all(report);
    let text = match to {
        Target::Go => go::text(report),
        Target::Bencher => trackers::bencher(&cells)?,
        Target::GithubSmaller => trackers::github(&cells, cells::Better::Smaller)?,
        Target::GithubBigger => trackers::github(&cells, cells::Better::Bigger)?,
        Target::Openmetrics => openmetrics::text(report, &cells)?,
        Target::Junit => junit::text(report, &cells),
        Target::Csv => csv::text(&cells),
        Target::Arena => return arena::files(report),
    };
    let knows_invalid = matches!(to, Target::Openmetrics | Target::Junit | Target::Csv);
    let invalid = cells.iter().filter(|_| !knows_invalid);
    Ok(Exported {
        content: Content::Text(text),
        left_out: invalid.filter_map(cells::Cell::trouble).collect(),
    })
}
