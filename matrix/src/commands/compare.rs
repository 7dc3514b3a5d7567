//! `cargo matrix compare`: does the candidate pay?

mod wanted;

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, ensure};

use crate::arm::Arm;
use crate::axes::{Axes, Coverage};
use crate::campaign::{Asked, Campaign, Ends, Floors, Refused};
use crate::commands::measure::{self, Measure};
use crate::commands::peers::Peers;
use crate::comparison::{COMPARE, Comparison};
use crate::config::Config;
use crate::count::compared;
use crate::error::{Fault, Faulty, Outcome};
use crate::record::Counts;
use crate::verdict::{
    AskedMargin, Judgement, LOOKS, Look, Metric, Rules, Tier, looks, until_decided,
};
use crate::workload::Workload;

use wanted::Wanted;

/// Compare two executables, launch by launch, and decide
///
/// Both are alive in every launch, beside the floors of their backends, and all get 25 ms slices in random order. After 8,
/// 16 and 32 launches the differences of the two are tested; the first look that decides ends the comparison. `× floor` is
/// CPU per request over that of the floor, what the kernel alone costs, and decides nothing. GO: the primary metric is better by more than its margin and no
/// guard is worse. NO-GO: the primary metric or a guard is worse. CPU per request, memory and throughput guard whenever they
/// are not primary; p99 is always shown, and guards with `--guard p99`. Throughput and p99 have a say only when the machine
/// was quiet and the client used at most 85 % of its core. What the command line leaves open, matrix.toml of the workspace
/// may say: primary, guards, margins, workloads, max_launches, max_minutes, connections; matrix.toml.example shows how.
///
/// Example: cargo matrix compare epoll+split+system epoll+flat+system -w baseline
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// What is there: a design such as uring+split+mimalloc, a floor such as uring+floor, either of a revision such as
    /// HEAD~1:uring+split+mimalloc, @HEAD~1 for the other side at that revision, peer:hyper, or a path
    baseline: String,
    /// What would replace it
    candidate: String,
    /// A workload; repeat it for more, each is decided by itself; baseline if none is given
    #[arg(short, long, value_enum, value_name = "WORKLOAD")]
    workload: Vec<Workload>,
    /// The metric that is to improve; cpu-per-request if not given
    #[arg(long, value_enum, value_name = "METRIC")]
    primary: Option<Metric>,
    /// A further metric that must not get worse: p99, whose interval is wide on a shared machine, so expect 32 launches and
    /// INCONCLUSIVE; or what is counted, which asks for --count. All others guard anyway
    #[arg(long, value_enum, value_name = "METRIC")]
    guard: Vec<Metric>,
    /// By how much a metric has to differ to matter, such as p99=10% or memory=64KiB; repeat it for more
    #[arg(long, value_name = "METRIC=MARGIN")]
    margin: Vec<AskedMargin>,
    /// Ask whether the candidate is no worse, as a refactoring must not be: GO when the primary metric and all guards are
    /// BETTER, NO-DIFFERENCE or NOT-WORSE
    #[arg(long)]
    non_inferiority: bool,
    /// Launches after which it ends undecided, 8 to 32; 32 if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(8..=32))]
    max_launches: Option<u32>,
    /// Minutes after which it ends undecided, all workloads together, without the time to build and to count: no launch is
    /// begun that would not end in time
    #[arg(long, value_name = "MINUTES", value_parser = minutes)]
    max_minutes: Option<f64>,
    /// What is wanted where the command line says nothing; matrix.toml of the workspace if not given, and there is one
    #[arg(short = 'C', long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Rounds per launch
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Leave out the floors, so that `× floor` is n/a: a launch then takes the time of two servers instead of three, or of
    /// four where the backends differ
    #[arg(long)]
    no_floor: bool,
    /// Count instructions, calls of the kernel and allocations per request too, once per side and workload before all
    /// launches. It takes about 20 s for each side, and needs a second build of each design. What is counted is shown, and guards with
    /// --guard; alone it decides no GO
    #[arg(long)]
    count: bool,
    /// Exit with 3 when it ends undecided
    #[arg(long)]
    fail_inconclusive: bool,
    #[command(flatten)]
    peers: Peers,
    #[command(flatten)]
    measure: Measure,
}

/// Measures, prints and decides.
///
/// # Errors
/// When an executable cannot be built or started, or a workload cannot be measured.
pub fn run(args: &Args) -> Result<Outcome> {
    let axes = Axes::read()?;
    let config = Config::read(args.config.as_deref(), axes.workspace().root())?;
    let Wanted {
        workloads,
        connections,
        max_launches,
        comparison,
    } = Wanted::of(args, &config.compare);
    check_roles(args, comparison.rules.values())?;
    let measure = Measure {
        connections,
        ..args.measure.clone()
    };
    let asked = Asked {
        command: COMPARE,
        started: measure::now(),
        seed: args.measure.output.seed(),
        arms: sides(&axes, args)?,
        coverage: Coverage::Full,
        floors: if args.no_floor {
            Floors::AsAsked
        } else {
            Floors::Beside
        },
        workloads: workloads.clone(),
        idle: Vec::new(),
        counts: if args.count {
            Counts::Beside
        } else {
            Counts::None
        },
        comparison: Some(comparison.clone()),
        settings: measure.settings(max_launches, args.rounds, None),
        refused: Refused::Fails,
    };
    let mut campaign = args.measure.output.begin(&axes, asked)?;
    let ends = Ends::after_minutes(comparison.max_minutes);
    let mut open = workloads.len();
    let counted = count(&mut campaign, comparison.rules.iter());
    let decided = counted.and_then(|()| {
        comparison.rules.iter().try_for_each(|(workload, rules)| {
            let ends = campaign.part_of(ends, open);
            open -= 1;
            decide(&mut campaign, *workload, rules, ends)
        })
    });
    campaign.finish();
    decided?;
    let comparisons = Comparison::all_of(campaign.record());
    let comparison = comparisons
        .first()
        .context("failed to compare: two executables are needed")?;
    measure::show(&comparison.print(args.measure.output.format, Some(campaign.path()))?)?;
    Ok(match comparison.outcome() {
        Outcome::Inconclusive if !args.fail_inconclusive => Outcome::Done,
        outcome => outcome,
    })
}

/// What is counted says nothing of time, and is not there unless it is counted.
fn check_roles<'a>(args: &Args, all: impl Iterator<Item = &'a Rules>) -> Result<()> {
    let is_counted = |metric: &Metric| metric.tier() == Tier::Deterministic;
    for rules in all {
        let roles = &rules.roles;
        ensure!(
            !is_counted(&roles.primary),
            "failed to take {} as the primary metric: what is counted explains and guards, and decides no GO alone; name \
             another as primary, and guard this one with --count --guard",
            roles.primary.name()
        );
        if let Some(guard) = roles.guards.iter().find(|metric| is_counted(metric)) {
            ensure!(
                args.count,
                "failed to guard {}: it is only counted with --count",
                guard.name()
            );
        }
    }
    Ok(())
}

fn sides(axes: &Axes, args: &Args) -> Result<Vec<Arm>> {
    let names = [&args.baseline, &args.candidate].map(Clone::clone);
    args.peers.arms(axes, &names)
}

/// Counts both sides under all workloads: before any launch, so that no launch's time goes into it.
fn count<'a>(
    campaign: &mut Campaign,
    mut all: impl Iterator<Item = (&'a Workload, &'a Rules)>,
) -> Result<()> {
    campaign.count_sides()?;
    all.try_for_each(|(workload, rules)| check_counts(campaign, *workload, rules))
}

/// Makes launches until a look decides, the last one does not, or the time is over, and keeps that it came so far.
fn decide(campaign: &mut Campaign, workload: Workload, rules: &Rules, ends: Ends) -> Result<()> {
    let (seed, launches_max) = (campaign.plan().seed, campaign.plan().settings.launches);
    let judgements = until_decided(&looks(launches_max), |look| {
        let (observed, launches) = campaign.observe_in_time(workload, look.launches, ends)?;
        let look = Look { launches, ..look };
        anyhow::Ok(Judgement::of(&observed, rules, look, seed))
    })?;
    let last = judgements.last();
    campaign.end(workload, last.map_or(0, |last| last.look.launches))
}

/// A guard without a source would be found at the end, after all launches.
fn check_counts(campaign: &Campaign, workload: Workload, rules: &Rules) -> Result<()> {
    let plan = campaign.plan();
    let counted = compared(campaign.record(), &plan.campaign, workload);
    let is_blind =
        |guard: &&Metric| guard.tier() == Tier::Deterministic && !counted.contains_key(guard);
    match rules.roles.guards.iter().find(is_blind) {
        None => Ok(()),
        Some(guard) => Err(anyhow!(
            "failed to guard {} under {workload}: it was not counted on both sides; `cargo matrix report {}` says why",
            guard.name(),
            campaign.path().display()
        ))
        .fault(Fault::Measurement),
    }
}

fn minutes(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(minutes) if minutes > 0.0 && f64::is_finite(minutes) => Ok(minutes),
        _ => Err("a number of minutes above 0 is needed".to_owned()),
    }
}

const _: () = assert!(
    LOOKS[0].launches == 8 && LOOKS[2].launches == 32,
    "the range of --max-launches"
);
