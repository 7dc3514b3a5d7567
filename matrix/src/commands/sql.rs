//! `cargo matrix sql`: questions to all records at once.

use std::path::PathBuf;

use anyhow::Result;

use crate::commands::measure;
use crate::index::{Index, SCHEMA};
use crate::table::Format;
use crate::workspace::Workspace;

/// Where the index lies below the folder cargo builds in.
const INDEX: &str = "matrix-index.sqlite";

/// Ask all records at once, in SQL
///
/// The records of results/ are kept as an SQLite index below target/, which is brought up to date first and can only be read. The
/// records stay the truth.
///
/// Example: cargo matrix sql 'select name, workload, cpu_us_per_request from cells order by 3 limit 5'
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// One SELECT
    #[arg(required_unless_present = "schema")]
    query: Option<String>,
    /// Records to ask instead of those in results/
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print the tables with what each column holds
    #[arg(long, conflicts_with_all = ["query", "files"])]
    schema: bool,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Brings the index up to date, asks and prints.
///
/// # Errors
/// When a record cannot be read, the index not be written, or the question not be understood.
pub fn run(args: &Args) -> Result<()> {
    let Some(query) = args.query.as_ref().filter(|_| !args.schema) else {
        return measure::show(SCHEMA);
    };
    let index = if args.files.is_empty() {
        let workspace = Workspace::read()?;
        Index::of_folder(
            &workspace.root().join("results"),
            &workspace.target().join(INDEX),
        )?
    } else {
        Index::of_files(&args.files)?
    };
    measure::show(&index.ask(query)?.print(args.format)?)
}
