//! `cargo matrix count`: what a request costs in things that can be counted.

use anyhow::Result;

use crate::axes::{Axes, Coverage};
use crate::campaign::{Asked, Floors, Refused};
use crate::commands::measure::{self, Output};
use crate::error::Outcome;
use crate::record::{Counts, Settings};
use crate::workload::Workload;

/// Count instructions, calls of the kernel and allocations per request
///
/// Each source has a pass of its own over a server that nobody times: callgrind for instructions of user space, a tracer for
/// calls of the kernel, and for allocations a second build of the design that counts them. A fixed number of requests is
/// driven, every answer is checked, and what starting and connecting cost is left out. Machine code, dependencies and the
/// CPU time of the build are told too. What has no source is n/a, and a note says why.
///
/// Example: cargo matrix count epoll+split+system uring+split+system -w baseline
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Designs, floors or paths
    #[arg(required = true, value_name = "ARM")]
    arms: Vec<String>,
    /// A workload; repeat it for more
    #[arg(
        short,
        long,
        value_enum,
        value_name = "WORKLOAD",
        default_value = "baseline"
    )]
    workload: Vec<Workload>,
    /// Connections to each server
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    #[command(flatten)]
    output: Output,
}

/// Counts and prints.
///
/// # Errors
/// When an arm cannot be built or started.
pub fn run(args: &Args) -> Result<Outcome> {
    let axes = Axes::read()?;
    let arms = args.arms.iter().map(|name| axes.arm(name));
    let mut workloads = args.workload.clone();
    workloads.sort_unstable();
    workloads.dedup();
    let asked = Asked {
        command: "count",
        started: measure::now(),
        seed: args.output.seed(),
        arms: arms.collect::<Result<_>>()?,
        coverage: Coverage::Full,
        floors: Floors::AsAsked,
        workloads,
        idle: Vec::new(),
        counts: Counts::Alone,
        comparison: None,
        settings: Settings {
            launches: 0,
            rounds: 0,
            slice_ms: 0,
            connections: args.connections,
            requests_per_s: None,
        },
        refused: Refused::Fails,
    };
    let mut campaign = args.output.begin(&axes, asked)?;
    measure::complete(&mut campaign, args.output.format)
}
