//! `cargo matrix compare`: does the candidate pay?

mod print;

use anyhow::{Result, bail};

use crate::axes::{Axes, Coverage};
use crate::campaign::{Asked, Campaign, Floors, Refused};
use crate::commands::measure::{self, Measure};
use crate::distance::Distance;
use crate::error::Outcome;
use crate::record::Launch;
use crate::validity::Label;
use crate::verdict::{Decision, Judgement, LOOKS, Metric, Roles, looks, until_decided};
use crate::workload::Workload;

/// Compare two executables, launch by launch, and decide
///
/// Both are alive in every launch, beside the floors of their backends, and all get 25 ms slices in random order. After 8,
/// 16 and 32 launches the differences of the two are tested; the first look that decides ends the comparison. `× floor` is
/// CPU per request over that of the floor, what the kernel alone costs, and decides nothing. GO: the primary metric is better by more than its margin and no
/// guard is worse. NO-GO: the primary metric or a guard is worse. CPU per request, memory and throughput guard whenever they
/// are not primary; p99 is always shown, and guards with `--guard p99`. Throughput and p99 have a say only when the machine
/// was quiet and the client used at most 85 % of its core.
///
/// Example: cargo matrix compare epoll+split+system epoll+flat+system -w baseline
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// What is there: a design such as uring+split+mimalloc, a floor such as uring+floor, or a path
    baseline: String,
    /// What would replace it
    candidate: String,
    /// A workload; repeat it for more, each is decided by itself
    #[arg(
        short,
        long,
        value_enum,
        value_name = "WORKLOAD",
        default_value = "baseline"
    )]
    workload: Vec<Workload>,
    /// The metric that is to improve
    #[arg(
        long,
        value_enum,
        value_name = "METRIC",
        default_value = "cpu-per-request"
    )]
    primary: Metric,
    /// A further metric that must not get worse: p99, as all others guard anyway. Its interval is wide on a shared machine,
    /// so expect 32 launches and INCONCLUSIVE
    #[arg(long, value_enum, value_name = "METRIC")]
    guard: Vec<Metric>,
    /// Launches after which it ends undecided
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(8..=32))]
    max_launches: u32,
    /// Rounds per launch
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Leave out the floors, so that `× floor` is n/a: a launch then takes the time of two servers instead of three, or of
    /// four where the backends differ
    #[arg(long)]
    no_floor: bool,
    /// Exit with 3 when it ends undecided
    #[arg(long)]
    fail_inconclusive: bool,
    #[command(flatten)]
    measure: Measure,
}

/// What was found under one workload.
#[derive(Debug, serde::Serialize)]
struct Finding {
    workload: Workload,
    /// None when a cell is invalid.
    decision: Option<Decision>,
    judgement: Judgement,
    /// What is said of both cells.
    cells: Vec<Cell>,
    /// The CPU that servers and client had to share, if they did.
    cpu_shared: Option<usize>,
}

/// One side under one workload.
#[derive(Debug, serde::Serialize)]
struct Cell {
    arm: String,
    #[serde(flatten)]
    label: Label,
    /// None when its floor is not known or was left out.
    to_floor: Option<Distance>,
}

/// Measures, prints and decides.
///
/// # Errors
/// When an executable cannot be built or started, or a workload cannot be measured.
pub fn run(args: &Args) -> Result<Outcome> {
    let axes = Axes::read()?;
    let mut workloads = args.workload.clone();
    workloads.sort_unstable();
    workloads.dedup();
    let asked = Asked {
        command: "compare",
        started: measure::now(),
        seed: args.measure.output.seed(),
        arms: vec![axes.arm(&args.baseline)?, axes.arm(&args.candidate)?],
        coverage: Coverage::Full,
        floors: if args.no_floor {
            Floors::AsAsked
        } else {
            Floors::Beside
        },
        workloads: workloads.clone(),
        idle: Vec::new(),
        settings: args.measure.settings(args.max_launches, args.rounds, None),
        refused: Refused::Fails,
    };
    let mut campaign = args.measure.output.begin(&axes, asked)?;
    let findings: Result<Vec<Finding>> = workloads
        .iter()
        .map(|workload| found(&mut campaign, args, *workload))
        .collect();
    campaign.finish();
    let findings = findings?;
    measure::show(&print::printed(
        &findings,
        &campaign,
        args.measure.output.format,
    )?)?;
    Ok(outcome(&findings, args.fail_inconclusive))
}

fn found(campaign: &mut Campaign, args: &Args, workload: Workload) -> Result<Finding> {
    let seed = campaign.plan().seed;
    let looks = looks(args.max_launches);
    let roles = Roles::new(args.primary, &args.guard);
    let mut judgements = until_decided(&looks, |look| {
        let observed = campaign.observe(workload, look.launches)?;
        anyhow::Ok(Judgement::of(&observed, &roles, look, seed))
    })?;
    let Some(judgement) = judgements.pop() else {
        bail!("failed to compare: there is no look at the launches")
    };
    let launches = campaign.record().launches_of(workload);
    let cell = |(side, (arm, label))| Cell {
        arm,
        label,
        to_floor: Distance::of(campaign.plan(), &launches, side),
    };
    let sides = campaign.sides(workload).into_iter().enumerate();
    let cells: Vec<Cell> = sides.map(cell).collect();
    let is_valid = cells.iter().all(|cell| cell.label.is_valid());
    Ok(Finding {
        workload,
        decision: is_valid.then_some(judgement.decision),
        judgement,
        cells,
        cpu_shared: launches.into_iter().find_map(Launch::cpu_shared),
    })
}

/// Over all workloads: the worst one speaks.
fn outcome(findings: &[Finding], fail_inconclusive: bool) -> Outcome {
    let has = |decision| findings.iter().any(|finding| finding.decision == decision);
    if has(None) {
        Outcome::Invalid
    } else if has(Some(Decision::NoGo)) {
        Outcome::NoGo
    } else if fail_inconclusive && has(Some(Decision::Inconclusive)) {
        Outcome::Inconclusive
    } else {
        Outcome::Done
    }
}

/// The level of the interval at a look, in words.
fn level(judgement: &Judgement) -> String {
    format!("{} % interval", (1.0 - judgement.look.alpha) * 100.0)
}

const _: () = assert!(
    LOOKS[0].launches == 8 && LOOKS[2].launches == 32,
    "the range of --max-launches"
);
