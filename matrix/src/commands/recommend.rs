//! `cargo matrix recommend`: which designs meet what somebody needs.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::axes::{Axes, Coverage};
use crate::campaign::Campaign;
use crate::commands::measure::{self, Measure};
use crate::commands::peers::Peers;
use crate::commands::{idle, records, sweep};
use crate::error::Outcome;
use crate::need::{Need, Subject};
use crate::recommend::{Asked, Evidence, Load, Recommendation, Standing, newest};
use crate::record::Record;
use crate::revision::Commit;
use crate::verdict::Metric;
use crate::workload::Workload;

/// Say which designs meet what you need, which of them may be the best, and how to depend on them
///
/// A need is METRIC<LIMIT or METRIC<LIMIT@RATE: p50, p99 and p999 (ns, us, ms, s), memory and bytes/connection (B, KiB, MiB),
/// cpu (per request), and throughput>LIMIT (rps, krps). @RATE is an open loop at that rate; a need without one is about the
/// rate that another need names, or else the closed loop. It is met when the 95 % interval of a design lies within the limit,
/// missed when it lies beyond. Of the designs that meet all, the set is shown that holds the best one with a chance of 95 %;
/// its order means nothing. The answer comes from FILEs, or else from the newest sweep below results/ for each load that has
/// six launches; what is missing is named, or measured with --measure. Exit code 1: no design can meet the needs.
///
/// Example: cargo matrix recommend --need 'p99<5ms@20krps' --need 'memory<32MiB'
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Records; the newest ones that have what is needed if none is named
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What is needed, in quotes; repeat it, all have to be met
    #[arg(long, required = true, value_name = "NEED")]
    need: Vec<Need>,
    /// The workload of the needs
    #[arg(short, long, value_enum, default_value = "baseline")]
    workload: Workload,
    /// What decides among the designs that meet all needs
    #[arg(
        long,
        value_enum,
        value_name = "METRIC",
        default_value = "cpu-per-request"
    )]
    primary: Metric,
    /// Measure what no record has
    #[arg(long = "measure")]
    measures: bool,
    /// Measure only designs with this value on this axis, such as backend=epoll; repeat it to narrow further
    #[arg(short = 'E', long, value_name = "AXIS=VALUE", requires = "measures")]
    only: Vec<String>,
    /// Starts of all servers where something is measured
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(6..=64))]
    launches: u32,
    /// Slices per server in each launch where something is measured; more are made where a percentile at a low rate needs
    /// them
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    #[command(flatten)]
    measure: Measure,
}

/// Finds or makes the records, and answers.
///
/// # Errors
/// When a record is missing and must not be measured, or cannot be read or measured.
pub fn run(args: &Args) -> Result<Outcome> {
    check_primary(args)?;
    ensure!(
        !args.workload.is_of_allocators(),
        "failed to choose by {}: no server answers it; name a workload of servers, or compare harnesses",
        args.workload
    );
    let axes = Axes::read()?;
    let evidence = evidence(args, &axes)?;
    let asked = Asked {
        needs: args.need.clone(),
        primary: args.primary,
        workload: args.workload,
    };
    let mut answer = Recommendation::of(&asked, &evidence, axes.workspace().root())?;
    let more = notes(&answer, &evidence, &axes);
    answer.notes.extend(more);
    measure::show(&answer.print(args.measure.output.format)?)?;
    let has = |standing| answer.with(standing).next().is_some();
    Ok(match has(Standing::Meets) || has(Standing::MayMeet) {
        true => Outcome::Done,
        false => Outcome::NoGo,
    })
}

/// An open loop answers as many requests as it is sent.
fn check_primary(args: &Args) -> Result<()> {
    let load = Load::of_all(&args.need);
    ensure!(
        args.primary != Metric::Throughput || load == Load::Closed,
        "failed to choose by throughput at {load}: every design that keeps up has that one; name another with --primary, or ask \
         for needs without @RATE"
    );
    Ok(())
}

/// What the records do not cover, and which of them are not about the code that there is.
fn notes(answer: &Recommendation, evidence: &Evidence, axes: &Axes) -> Vec<String> {
    /// More names are not read.
    const NAMES_MAX: usize = 6;
    let designs: Vec<String> = axes.designs().iter().map(|design| design.name()).collect();
    let missing = answer.missing(evidence, &designs);
    let mut notes = Vec::new();
    if !missing.is_empty() {
        let more = match missing.len().saturating_sub(NAMES_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        notes.push(format!(
            "{} of {} designs of the matrix are not in the record, so nothing is said of them: {}{more}",
            missing.len(),
            designs.len(),
            missing[..missing.len().min(NAMES_MAX)].join(", ")
        ));
    }
    let names: Vec<String> = axes.axes().iter().map(|axis| axis.name.clone()).collect();
    for axis in evidence.unknown_axes(&names) {
        notes.push(format!(
            "a record is from before there was the axis {axis}: add one of its values to the features of its designs"
        ));
    }
    // Without git nobody knows.
    if let Ok(head) = Commit::of(axes.workspace(), "HEAD") {
        notes.extend(evidence.other_code(&head.to_string()));
    }
    notes
}

fn evidence(args: &Args, axes: &Axes) -> Result<Evidence> {
    let folder = args.measure.output.folder(axes.workspace().root());
    let mut evidence = Evidence::default();
    for file in &args.files {
        evidence.add(records::read(file)?)?;
    }
    for load in Load::all(&args.need) {
        let is_there = evidence.of(load, args.workload).is_ok();
        let found = match is_there || !args.files.is_empty() {
            true => None,
            false => newest(&folder, load, args.workload)?,
        };
        if let Some(path) = found {
            eprintln!("{load}: record {}", path.display());
            evidence.add(records::read(&path)?)?;
        } else if !is_there && args.measures {
            evidence.add(measured(args, load)?)?;
        }
    }
    Ok(evidence)
}

/// A record of a load.
fn measured(args: &Args, load: Load) -> Result<Record> {
    let rate = match load {
        Load::Open(rate) => Some(rate),
        Load::Closed | Load::Idle => None,
    };
    let mut campaign: Campaign = match load {
        Load::Idle => idle::begin(&idle::Args {
            arms: Vec::new(),
            peers: Peers::default(),
            only: args.only.clone(),
            design: Coverage::Full,
            connections: idle::CONNECTIONS.to_vec(),
            launches: args.launches,
            output: args.measure.output.clone(),
        })?,
        Load::Closed | Load::Open(_) => sweep::begin(&sweep::Args {
            names: Vec::new(),
            peers: Peers::default(),
            workload: vec![args.workload],
            only: args.only.clone(),
            design: Coverage::Full,
            launches: args.launches,
            rounds: rounds(args, rate)?,
            rate,
            resume: None,
            measure: args.measure.clone(),
        })?,
    };
    campaign.complete()?;
    Ok(campaign.record().clone())
}

/// As many rounds as were asked for, or as give each launch enough answers beyond every percentile at a rate.
///
/// # Errors
/// When that takes more of them than anybody waits for.
fn rounds(args: &Args, rate: Option<f64>) -> Result<u32> {
    /// With slices of 25 ms, 100 s for each server in each launch.
    const ROUNDS_MAX: u32 = 4_000;
    /// What a percentile takes, and a fifth more, as arrivals are random.
    const BEYOND: f64 = 12.0;
    let mut rounds = args.rounds;
    for need in &args.need {
        if let (Subject::Latency(quantile), Some(rate)) = (need.subject, rate) {
            let per_slice = rate * args.measure.slice_ms as f64 / 1e3;
            let needed = (BEYOND / (1.0 - quantile.share()) / per_slice).ceil() as u32;
            ensure!(
                needed <= ROUNDS_MAX.max(args.rounds),
                "failed to plan {} at {rate} requests/s: it takes {needed} rounds in each launch; ask for a higher rate or a \
                 lower percentile, or give --rounds {needed}",
                need.subject.name()
            );
            rounds = rounds.max(needed);
        }
    }
    Ok(rounds)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn a_percentile_at_a_low_rate_takes_more_rounds() {
        let of = |need| Line::parse_from(["recommend", "--need", need]).args;
        // 1,200 answers at 25 per slice.
        let of = |need, rate| rounds(&of(need), Some(rate)).unwrap();
        assert_eq!(of("p99<5ms@1krps", 1_000.0), 48);
        assert_eq!(of("p999<5ms@20krps", 20_000.0), 40);
        assert_eq!(of("memory<5MiB@2krps", 2_000.0), 40);
    }

    #[test]
    fn a_percentile_that_takes_days_is_refused_unless_the_rounds_were_asked_for() {
        let of = |more: &[&str]| {
            let line = [&["recommend", "--need", "p999<5ms@1rps"], more].concat();
            rounds(&Line::parse_from(line).args, Some(1.0))
        };
        let error = format!("{:#}", of(&[]).unwrap_err());
        assert!(
            error.contains("p999 at 1 requests/s: it takes 480"),
            "{error}"
        );
        assert_eq!(of(&["--rounds", "500000"]).unwrap(), 500_000);
    }

    #[test]
    fn throughput_does_not_decide_at_a_rate() {
        let of = |need| {
            let line = ["recommend", "--primary", "throughput", "--need", need];
            check_primary(&Line::parse_from(line).args)
        };
        assert!(of("p99<5ms").is_ok() && of("throughput>1krps").is_ok());
        let error = format!("{:#}", of("p99<5ms@20krps").unwrap_err());
        assert!(
            error.contains("by throughput at 20000 requests/s"),
            "{error}"
        );
    }
}
