//! `cargo matrix quick`: from a fresh clone to a first table in a few minutes.

use anyhow::Result;

use crate::axes::{Axes, Coverage};
use crate::campaign::{Asked, Floors, Refused};
use crate::commands::measure::{self, Measure};
use crate::error::Outcome;
use crate::process::io_uring_is_allowed;
use crate::record::Counts;
use crate::table::Format;
use crate::workload::Workload;

const LAUNCHES: u32 = 8;
const ROUNDS: u32 = 16;

/// One difference per row to the first one: the backend, then buffers and allocator.
const ARMS: [&str; 5] = [
    "epoll+split+system",
    "uring+split+system",
    "epoll+flat+mimalloc",
    "epoll+floor",
    "uring+floor",
];

/// The same where io_uring is denied.
const ARMS_WITHOUT_URING: [&str; 4] = [
    "epoll+split+system",
    "epoll+split+mimalloc",
    "epoll+flat+mimalloc",
    "epoll+floor",
];

/// Measure three designs under two workloads, for a first impression
///
/// Example: cargo matrix quick
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    measure: Measure,
}

/// Measures and prints, and says what to do next.
///
/// # Errors
/// When a design cannot be built or started.
pub fn run(args: &Args) -> Result<Outcome> {
    let axes = Axes::read()?;
    let names: &[&str] = if io_uring_is_allowed() {
        &ARMS
    } else {
        eprintln!(
            "io_uring is denied here (see /proc/sys/kernel/io_uring_disabled): only epoll designs are measured"
        );
        &ARMS_WITHOUT_URING
    };
    let asked = Asked {
        command: "quick",
        started: measure::now(),
        seed: args.measure.output.seed(),
        arms: names
            .iter()
            .map(|name| axes.arm(name))
            .collect::<Result<_>>()?,
        coverage: Coverage::Full,
        floors: Floors::AsAsked,
        workloads: vec![Workload::Baseline, Workload::Pipelined],
        idle: Vec::new(),
        counts: Counts::None,
        comparison: None,
        settings: args.measure.settings(LAUNCHES, ROUNDS, None),
        refused: Refused::LeftOut,
    };
    let mut campaign = args.measure.output.begin(&axes, asked)?;
    let outcome = measure::complete(&mut campaign, args.measure.output.format)?;
    if args.measure.output.format == Format::Text {
        measure::show(&format!(
            "next: `cargo matrix compare {} {}` says whether that difference is real,\n      \
             `cargo matrix sweep` measures every design under every workload\n",
            names[0], names[1]
        ))?;
    }
    Ok(outcome)
}
