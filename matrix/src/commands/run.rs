//! `cargo matrix run`: one cell and its floor, for a look at a single server.

use anyhow::Result;

use crate::axes::{Axes, Coverage};
use crate::campaign::{Asked, Floors, Refused};
use crate::commands::measure::{self, Measure};
use crate::commands::peers::Peers;
use crate::error::Outcome;
use crate::record::Counts;
use crate::workload::Workload;

/// Measure one executable under one workload, beside the floor of its backend
///
/// Example: cargo matrix run epoll+split+system -w pipelined
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// A design such as uring+split+mimalloc, a floor such as uring+floor, either of a revision such as HEAD~1:uring+floor,
    /// peer:hyper, or a path
    arm: String,
    /// The load
    #[arg(short, long, value_enum, default_value = "baseline")]
    workload: Workload,
    /// Starts of the server; an interval needs 6
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=64))]
    launches: u32,
    /// Slices per launch
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Seconds under load per launch, instead of --rounds
    #[arg(long, value_name = "S", conflicts_with = "rounds", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    duration: Option<u32>,
    /// Requests per second of the open loop; without it every answer is followed by the next request
    #[arg(long, value_name = "PER_S", value_parser = measure::rate)]
    rate: Option<f64>,
    #[command(flatten)]
    peers: Peers,
    #[command(flatten)]
    measure: Measure,
}

/// Measures and prints.
///
/// # Errors
/// When it cannot be built, started or measured.
pub fn run(args: &Args) -> Result<Outcome> {
    let axes = Axes::read()?;
    let slices =
        |duration_s: u32| (u64::from(duration_s) * 1000).div_ceil(args.measure.slice_ms) as u32;
    let rounds = args.duration.map_or(args.rounds, slices);
    let mut campaign = args.measure.output.begin(
        &axes,
        Asked {
            command: "run",
            started: measure::now(),
            seed: args.measure.output.seed(),
            arms: args.peers.arms(&axes, std::slice::from_ref(&args.arm))?,
            coverage: Coverage::Full,
            floors: Floors::Beside,
            workloads: vec![args.workload],
            idle: Vec::new(),
            counts: Counts::None,
            comparison: None,
            settings: args.measure.settings(args.launches, rounds, args.rate),
            refused: Refused::Fails,
        },
    )?;
    measure::complete(&mut campaign, args.measure.output.format)
}
