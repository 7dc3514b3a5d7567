//! `cargo matrix sweep`: every design and every floor under every workload.

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};

use crate::arm::Arm;
use crate::axes::{Axes, Coverage};
use crate::campaign::{Asked, Campaign, Floors, Refused};
use crate::commands::build;
use crate::commands::measure::{self, Measure};
use crate::commands::peers::Peers;
use crate::error::Outcome;
use crate::record::Counts;
use crate::workload::Workload;

/// Measure every design and every floor
///
/// All of them are alive in every launch and get their slices in turn, so the rows of a table can be compared. The first row
/// is the one the others are set against. Behind each table stand the effect of every axis, and the designs that no other
/// beats in CPU per request and memory, as far as noise lets tell.
///
/// Example: cargo matrix sweep -w baseline -w json --only backend=epoll
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Arms such as uring+split+mimalloc, @HEAD~1 (what else is named, at that revision) or peer:hyper, beside the floors
    /// of their backends; every design if none is named, or every harness under workloads of allocators
    pub(super) names: Vec<String>,
    /// A workload; all that servers answer if none is given
    #[arg(short, long, value_enum, value_name = "WORKLOAD")]
    pub(super) workload: Vec<Workload>,
    /// Only designs with this value on this axis, such as backend=epoll; repeat it to narrow further
    #[arg(short = 'E', long, value_name = "AXIS=VALUE", conflicts_with = "names")]
    pub(super) only: Vec<String>,
    /// How many designs
    #[arg(long, value_enum, default_value_t, conflicts_with = "names")]
    pub(super) design: Coverage,
    /// Starts of all servers per workload
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(super) launches: u32,
    /// Slices per server in each launch
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) rounds: u32,
    /// Requests per second to each server, in an open loop; without it every answer is followed by the next request
    #[arg(long, value_name = "PER_S", value_parser = measure::rate)]
    pub(super) rate: Option<f64>,
    /// Go on with an interrupted record, by its own plan
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["names", "peers", "workload", "only", "design", "launches", "rounds", "rate", "connections", "slice_ms", "seed", "store"]
    )]
    pub(super) resume: Option<PathBuf>,
    #[command(flatten)]
    pub(super) peers: Peers,
    #[command(flatten)]
    pub(super) measure: Measure,
}

/// Measures what is missing and prints the table.
///
/// # Errors
/// When a design cannot be built or started, or the record cannot be resumed.
pub fn run(args: &Args) -> Result<Outcome> {
    let mut campaign = match &args.resume {
        Some(path) => Campaign::resume(path)?,
        None => begin(args)?,
    };
    let path = campaign.path().display();
    let command = campaign.plan().command.as_str();
    match command {
        "compare" | "selftest" => bail!(
            "failed to resume {path}: it is decided in one go; start it again with `cargo matrix {command}`"
        ),
        "soak" => bail!("failed to resume {path}: go on with `cargo matrix soak --resume {path}`"),
        _ => {}
    }
    measure::complete(&mut campaign, args.measure.output.format)
}

/// Builds and begins, without a launch yet.
pub(super) fn begin(args: &Args) -> Result<Campaign> {
    let axes = Axes::read()?;
    let mut chosen = build::Args::default();
    chosen.names.clone_from(&args.names);
    chosen.only.clone_from(&args.only);
    chosen.design = args.design;
    chosen.floors = true;
    let is_for_allocators =
        !args.workload.is_empty() && args.workload.iter().all(|it| it.is_of_allocators());
    let mut arms = if is_for_allocators && args.names.is_empty() {
        let harnesses = axes.clone().only(&args.only)?.harnesses();
        ensure!(
            !harnesses.is_empty(),
            "failed to find a harness with {}; `cargo matrix list` shows all",
            args.only.join(" and ")
        );
        let harnesses = args.design.of(harnesses).into_iter().map(Arm::Design);
        harnesses.chain(args.peers.all()).collect()
    } else {
        build::chosen(&axes, &chosen, &args.peers)?
    };
    for arm in arms.clone() {
        let floor = arm.kind().and_then(|kind| axes.floor_of(&kind));
        arms.extend(floor.filter(|floor| !arms.contains(floor)));
    }
    let mut workloads = if args.workload.is_empty() {
        Workload::of_servers()
    } else {
        args.workload.clone()
    };
    workloads.sort_unstable();
    workloads.dedup();
    let asked = Asked {
        command: "sweep",
        started: measure::now(),
        seed: args.measure.output.seed(),
        arms,
        coverage: args.design,
        floors: Floors::AsAsked,
        workloads,
        idle: Vec::new(),
        counts: Counts::None,
        comparison: None,
        settings: args.measure.settings(args.launches, args.rounds, args.rate),
        refused: Refused::LeftOut,
    };
    args.measure.output.begin(&axes, asked)
}
