//! `cargo matrix bisect`: which commit brought a difference?

mod measured;
mod print;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::axes::Axes;
use crate::bisect::{Ending, Known, Rules, search};
use crate::commands::measure::{self, Measure};
use crate::error::{Fault, Faulty, Outcome};
use crate::revision::Commit;
use crate::store::campaign_name;
use crate::verdict::{Margin, Metric, Tier};
use crate::workload::Workload;

use measured::Bench;

/// Find the commit that made a design better or worse
///
/// The ends are measured first, launch by launch as `compare` does; where they differ by less than five standard errors, or
/// by less than the metric's margin, there is nothing to find and the exit code is 4. Then the commit is measured that halves
/// the probability, always beside GOOD, until one commit has --probability. Commits that do not build are passed over, and
/// named together with the next where one of them may be it. Of a merge, only the side it was made on is looked at. The exit
/// code is 3 when time or launches were used up before, or where throughput or p99 had no say: the machine was noisy or the
/// client was busy.
///
/// Example: cargo matrix bisect v1..HEAD -d epoll+split+system -w baseline --metric cpu
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// A revision without the difference, and one that has it; HEAD if nothing follows the dots
    #[arg(value_name = "GOOD..BAD")]
    range: String,
    /// The design or the floor, under the name that all revisions have for it; the default design if none is named
    #[arg(short, long)]
    design: Option<String>,
    /// The load
    #[arg(short, long, value_enum, default_value = "baseline")]
    workload: Workload,
    /// The metric that differs
    #[arg(
        long,
        value_enum,
        value_name = "METRIC",
        default_value = "cpu-per-request"
    )]
    metric: Metric,
    /// How probable a culprit has to be
    #[arg(long, value_name = "P", default_value_t = 0.95, value_parser = probability)]
    probability: f64,
    /// Rounds per launch
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Name the most probable commit after so many minutes, builds included
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    max_minutes: Option<u32>,
    /// Go on with the records in this folder, which the same command began
    #[arg(long, value_name = "DIR", conflicts_with = "store")]
    resume: Option<PathBuf>,
    #[command(flatten)]
    measure: Measure,
}

/// Searches and prints.
///
/// # Errors
/// When there is no such range, or one of its ends cannot be built or measured.
pub fn run(args: &Args) -> Result<Outcome> {
    ensure!(
        args.metric.tier() != Tier::Deterministic,
        "failed to search by {}: bisect measures and does not count; name another with --metric",
        args.metric.name()
    );
    let axes = Axes::read()?;
    let history = History::of(&axes, args)?;
    let mut bench = Bench::new(&axes, &history, args)?;
    let rules = Rules {
        // What memory may differ by in small servers is no matter here.
        margin: Margin::usual(args.metric).share.ln_1p(),
        probability: args.probability,
    };
    let count = history.commits.len();
    let measure = |commit, launches| bench.measured(commit, launches);
    let (ending, known) = search(count, rules, measure, |known| history.tell(known))?;
    let outcome = match ending {
        Ending::Found(_) => Outcome::Done,
        Ending::Open(_) | Ending::Untrusted(_) => Outcome::Inconclusive,
        Ending::Alike => Outcome::Invalid,
        Ending::NoEnd => {
            let last = history.commits[count - 1].short();
            return Err(anyhow!(
                "failed to bisect: the last commit, {last}, cannot be measured, the reason is above; name an earlier one"
            ))
            .fault(Fault::Start);
        }
    };
    let told = print::Told::of(&axes, args, &history, &ending, &known)?;
    measure::show(&print::printed(&told, args.measure.output.format)?)?;
    eprintln!("records in {}", bench.folder().display());
    Ok(outcome)
}

/// The commits that are looked at, and what of them.
struct History {
    good: Commit,
    /// After GOOD, oldest first; the last is BAD.
    commits: Vec<Commit>,
    /// Of a design or a floor.
    design: String,
    deadline: Option<Instant>,
}

impl History {
    fn of(axes: &Axes, args: &Args) -> Result<History> {
        let range = args.range.split_once("..");
        let ends = range.filter(|(good, bad)| !good.is_empty() && !bad.starts_with('.'));
        let (good, bad) = ends.with_context(|| {
            format!(
                "failed to understand the range `{}`: write it like v1..HEAD",
                args.range
            )
        })?;
        let workspace = axes.workspace();
        let good = Commit::of(workspace, good)?;
        let bad = Commit::of(workspace, if bad.is_empty() { "HEAD" } else { bad })?;
        if good == bad || !good.leads_to(workspace, &bad)? {
            bail!(
                "failed to find a way from {} to {} along first parents: name an earlier commit of that branch first",
                good.short(),
                bad.short()
            );
        }
        let design = match &args.design {
            Some(design) => axes.short(design),
            None => axes.default_design()?.name(),
        };
        ensure!(
            !design.contains(['/', ':', '@']),
            "failed to bisect {design}: it has to be the name of a design or a floor, such as epoll+split+system"
        );
        let limit = |minutes| Duration::from_secs(60 * u64::from(minutes));
        Ok(History {
            commits: Commit::between(workspace, &good, &bad)?,
            good,
            design,
            deadline: args
                .max_minutes
                .map(|minutes| Instant::now() + limit(minutes)),
        })
    }

    /// Says on stderr how far it is.
    fn tell(&self, known: &Known) {
        let Some((effect, error)) = known.effect() else {
            return;
        };
        let (probable, probability) = known
            .posterior
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(b.1))
            .unwrap_or((0, &0.0));
        eprintln!(
            "{} of {} commits measured, {} passed over; BAD is {:+.2} % ± {:.2}; most probable: {}, {:.0} %",
            known.launches.len(),
            self.commits.len(),
            known.skipped.len(),
            effect.exp_m1() * 100.0,
            error * 100.0,
            self.commits[probable].short(),
            probability * 100.0
        );
    }

    fn is_out_of_time(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// The folder of a search that begins now.
fn new_folder(axes: &Axes, args: &Args, seed: u64) -> PathBuf {
    let name = campaign_name(&measure::now(), "bisect", seed);
    args.measure
        .output
        .folder(axes.workspace().root())
        .join(name)
}

fn probability(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(probability) if (0.5..1.0).contains(&probability) => Ok(probability),
        _ => Err("a number from 0.5 to below 1 is needed".to_owned()),
    }
}
