//! `cargo matrix recommend`: which designs meet what somebody needs.

use std::path::PathBuf;

use anyhow::Result;

use crate::axes::{Axes, Coverage};
use crate::campaign::Campaign;
use crate::commands::measure::{self, Measure};
use crate::commands::peers::Peers;
use crate::commands::{idle, records, sweep};
use crate::error::Outcome;
use crate::need::{Need, Subject};
use crate::recommend::{Asked, Evidence, Load, Recommendation, Standing, newest};
use crate::record::Record;
use crate::verdict::Metric;
use crate::workload::Workload;

/// Say which designs meet what you need, which of them may be the best, and how to depend on them
///
/// A need is METRIC<LIMIT or METRIC<LIMIT@RATE: p50, p99 and p999 (ns, us, ms, s), memory and bytes/connection (B, KiB, MiB),
/// cpu (per request), and throughput>LIMIT (rps, krps). @RATE is an open loop at that rate; a need without one is about the
/// rate that another need names, or else the closed loop. It is met when the 95 % interval of a design lies within the limit,
/// missed when it lies beyond. Of the designs that meet all, the set is shown that holds the best one with a chance of 95 %;
/// its order means nothing. The answer comes from FILEs, or else from the newest sweep below results/ for each load; what
/// is missing is named, or measured with --measure. Exit code 1: no design can meet the needs.
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
    let axes = Axes::read()?;
    let evidence = evidence(args, &axes)?;
    let asked = Asked {
        needs: args.need.clone(),
        primary: args.primary,
        workload: args.workload,
    };
    let answer = Recommendation::of(&asked, &evidence, axes.workspace().root())?;
    measure::show(&answer.print(args.measure.output.format)?)?;
    let has = |standing| answer.with(standing).next().is_some();
    Ok(match has(Standing::Meets) || has(Standing::MayMeet) {
        true => Outcome::Done,
        false => Outcome::NoGo,
    })
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
            rounds: rounds(args, rate),
            rate,
            resume: None,
            measure: args.measure.clone(),
        })?,
    };
    campaign.complete()?;
    Ok(campaign.record().clone())
}

/// As many rounds as were asked for, or as give each launch enough answers beyond every percentile at a rate.
fn rounds(args: &Args, rate: Option<f64>) -> u32 {
    /// What a percentile takes, and a fifth more, as arrivals are random.
    const BEYOND: f64 = 12.0;
    let needs = args.need.iter().map(|need| match (need.subject, rate) {
        (Subject::Latency(quantile), Some(rate)) => {
            let per_slice = rate * args.measure.slice_ms as f64 / 1e3;
            (BEYOND / (1.0 - quantile.share()) / per_slice).ceil() as u32
        }
        _ => 0,
    });
    needs.fold(args.rounds, u32::max)
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
        assert_eq!(rounds(&of("p99<5ms@1krps"), Some(1_000.0)), 48);
        assert_eq!(rounds(&of("p999<5ms@20krps"), Some(20_000.0)), 40);
        assert_eq!(rounds(&of("memory<5MiB@2krps"), Some(2_000.0)), 40);
    }
}
