//! `cargo matrix idle`: what a connection costs that does nothing.

use anyhow::{Result, ensure};

use crate::axes::{Axes, Coverage};
use crate::campaign::{Asked, Campaign, Floors, Refused};
use crate::commands::build;
use crate::commands::measure::{self, Output};
use crate::commands::peers::Peers;
use crate::error::Outcome;
use crate::record::{Counts, Settings};

/// Powers of two, as the sizes of growing tables are.
pub(super) const CONNECTIONS: [u32; 4] = [16, 256, 1_024, 4_096];

/// Measure the memory of idle connections
///
/// One server at a time gets more and more connections. Each makes one request and then keeps silent; memory is read at
/// every number. A line through the readings gives what a worker needs without connections, and what each one adds, in
/// the process and in the kernel.
///
/// Example: cargo matrix idle epoll+split+system epoll+leased+system
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Designs, floors, those of a revision such as HEAD~1:epoll+floor, peer:hyper, or paths; every design and every floor
    /// if none is named
    pub(super) arms: Vec<String>,
    /// Only designs with this value on this axis, such as backend=epoll; repeat it to narrow further
    #[arg(short = 'E', long, value_name = "AXIS=VALUE", conflicts_with = "arms")]
    pub(super) only: Vec<String>,
    /// How many designs
    #[arg(long, value_enum, default_value_t, conflicts_with = "arms")]
    pub(super) design: Coverage,
    /// How many connections, with commas; memory is read at each number
    #[arg(
        long,
        value_name = "N,N…",
        value_delimiter = ',',
        default_values_t = CONNECTIONS,
        value_parser = clap::value_parser!(u32).range(1..=16_384)
    )]
    pub(super) connections: Vec<u32>,
    /// Starts of each server
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(super) launches: u32,
    #[command(flatten)]
    pub(super) peers: Peers,
    #[command(flatten)]
    pub(super) output: Output,
}

/// Measures and prints.
///
/// # Errors
/// When a design cannot be built or started, or the kernel gives fewer descriptors than are needed.
pub fn run(args: &Args) -> Result<Outcome> {
    let mut campaign = begin(args)?;
    measure::complete(&mut campaign, args.output.format)
}

/// Builds and begins, without a start yet.
pub(super) fn begin(args: &Args) -> Result<Campaign> {
    let mut idle = args.connections.clone();
    idle.sort_unstable();
    idle.dedup();
    ensure!(
        idle.len() > 1,
        "failed to plan a line through one point: give --connections two numbers or more, such as 16,4096"
    );
    let axes = Axes::read()?;
    let mut chosen = build::Args::default();
    chosen.names.clone_from(&args.arms);
    chosen.only.clone_from(&args.only);
    chosen.design = args.design;
    chosen.floors = true;
    let settings = Settings {
        launches: args.launches,
        rounds: 0,
        slice_ms: 0,
        connections: idle[idle.len() - 1],
        requests_per_s: None,
    };
    let arms = build::chosen(&axes, &chosen, &args.peers)?;
    axes.refuse_harnesses(&arms, "hold idle connections to")?;
    let asked = Asked {
        command: "idle",
        started: measure::now(),
        seed: args.output.seed(),
        arms,
        coverage: args.design,
        floors: Floors::AsAsked,
        workloads: Vec::new(),
        idle,
        counts: Counts::None,
        comparison: None,
        settings,
        refused: Refused::LeftOut,
    };
    args.output.begin(&axes, asked)
}
