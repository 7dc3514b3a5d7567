//! `cargo matrix soak`: does it stay as it is?

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::axes::{Axes, Coverage};
use crate::campaign::{Asked, Campaign, Floors, Refused};
use crate::commands::measure::{self, Output};
use crate::commands::peers::Peers;
use crate::error::Outcome;
use crate::record::{Budget, Rate, Settings, Soak};
use crate::report::Report;
use crate::table::Format;
use crate::verdict::Decision;
use crate::workload::Workload;

/// Load one server for a long time, and see whether its memory drifts
///
/// It is read every second, and each such epoch is in the file before the next begins: a soak that was killed goes on with --resume. GO: even
/// the upper end of the interval of the drift of private memory is within the budget, by requests and by time. NO-GO: the
/// lower end is above one of them. Otherwise it is INCONCLUSIVE, and a longer soak tells. How steady throughput, response
/// times and costs were is shown beside.
///
/// Example: cargo matrix soak epoll+split+system -w baseline --duration 60m --rate 60%
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// A design such as uring+split+mimalloc, a floor such as uring+floor, a peer such as peer:hyper, or a path
    #[arg(required_unless_present = "resume")]
    arm: Option<String>,
    /// The load
    #[arg(short, long, value_enum, default_value = "baseline")]
    workload: Workload,
    /// How long, such as 90s, 60m or 8h
    #[arg(long, default_value = "60m", value_parser = duration)]
    duration: Duration,
    /// How much: a share of what it does in the closed loop, such as 60%, or a number of requests per second
    #[arg(long, default_value = "60%", value_parser = rate)]
    rate: Rate,
    /// Length of an epoch in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(50..=60_000))]
    epoch_ms: u64,
    /// Connections
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// How much private memory may grow, such as 2B/request or 512KiB/h; repeat it for both. 1B/request and 1MiB/h if it is
    /// not given
    #[arg(long, value_name = "BYTES/UNIT", value_parser = part)]
    drift_budget: Vec<Part>,
    /// Go on with a soak that was interrupted or killed, by its own plan
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["arm", "workload", "duration", "rate", "epoch_ms", "connections", "drift_budget", "seed", "store"]
    )]
    resume: Option<PathBuf>,
    /// Exit with 3 when it ends undecided
    #[arg(long)]
    fail_inconclusive: bool,
    #[command(flatten)]
    peers: Peers,
    #[command(flatten)]
    output: Output,
}

/// One part of a budget, in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    PerRequest(f64),
    PerHour(f64),
}

/// Measures what is missing, prints and decides.
///
/// # Errors
/// When the server cannot be built or started, or the record cannot be resumed.
pub fn run(args: &Args) -> Result<Outcome> {
    let mut campaign = match &args.resume {
        Some(path) => Campaign::resume(path)?,
        None => begin(args)?,
    };
    campaign.soak()?;
    let report = Report::of(campaign.record().clone())?;
    let format = args.output.format;
    measure::show(&report.print(format)?)?;
    if format == Format::Text {
        measure::show(&format!("\nkept in {}\n", campaign.path().display()))?;
    }
    let decision = report.soak.as_ref().and_then(|soak| soak.decision);
    Ok(match decision {
        Some(Decision::Inconclusive) if args.fail_inconclusive => Outcome::Inconclusive,
        _ => report.outcome(),
    })
}

fn begin(args: &Args) -> Result<Campaign> {
    let axes = Axes::read()?;
    let arm = args
        .arm
        .as_deref()
        .context("a design or a path is needed")?;
    let epochs = (args.duration.as_secs() * 1_000).div_ceil(args.epoch_ms) as u32;
    let asked = Asked {
        command: "soak",
        started: measure::now(),
        seed: args.output.seed(),
        arms: args.peers.arms(&axes, &[arm.to_owned()])?,
        coverage: Coverage::Full,
        floors: Floors::AsAsked,
        workloads: vec![args.workload],
        idle: Vec::new(),
        counts: crate::record::Counts::None,
        comparison: None,
        settings: Settings {
            launches: 1,
            rounds: epochs,
            slice_ms: args.epoch_ms,
            connections: args.connections,
            requests_per_s: None,
        },
        refused: Refused::Fails,
    };
    let mut campaign = args.output.begin(&axes, asked)?;
    let mut budget = Budget::default();
    for part in &args.drift_budget {
        match part {
            Part::PerRequest(bytes) => budget.bytes_per_request = *bytes,
            Part::PerHour(bytes) => budget.bytes_per_hour = *bytes,
        }
    }
    campaign.ask_soak(Soak {
        epochs,
        rate: args.rate,
        budget,
    })?;
    Ok(campaign)
}

fn positive(text: &str) -> Option<f64> {
    let number: f64 = text.trim().parse().ok()?;
    (number > 0.0 && number.is_finite()).then_some(number)
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, second) = match text
        .trim()
        .split_at_checked(text.trim().len().saturating_sub(1))
    {
        Some((number, "s")) => (number, 1.0),
        Some((number, "m")) => (number, 60.0),
        Some((number, "h")) => (number, 3_600.0),
        _ => (text, 1.0),
    };
    let seconds = positive(number).map(|number| number * second);
    let within = seconds.filter(|seconds| (1.0..=2_592_000.0).contains(seconds));
    within
        .map(|seconds| Duration::from_secs(seconds as u64))
        .ok_or_else(|| "a time from 1s to 720h is needed, such as 90s, 60m or 8h".to_owned())
}

fn rate(text: &str) -> Result<Rate, String> {
    let rate = match text.strip_suffix('%') {
        Some(percent) => positive(percent)
            .filter(|percent| *percent <= 100.0)
            .map(|percent| Rate::Share(percent / 100.0)),
        None => positive(text).map(Rate::PerS),
    };
    rate.ok_or_else(|| {
        "a share up to 100% or a number of requests per second above 0 is needed".to_owned()
    })
}

fn part(text: &str) -> Result<Part, String> {
    const UNITS: [(&str, f64); 4] = [
        ("KiB", 1024.0),
        ("MiB", 1024.0 * 1024.0),
        ("GiB", 1024.0 * 1024.0 * 1024.0),
        ("B", 1.0),
    ];
    let parsed = || {
        let (bytes, unit) = text.split_once('/')?;
        let (number, scale) = UNITS
            .iter()
            .find_map(|(name, scale)| Some((bytes.strip_suffix(name)?, scale)))?;
        let bytes = positive(number)? * scale;
        match unit {
            "request" | "req" => Some(Part::PerRequest(bytes)),
            "h" | "hour" => Some(Part::PerHour(bytes)),
            _ => None,
        }
    };
    parsed().ok_or_else(|| {
        "bytes by request or by hour are needed, such as 1B/request or 512KiB/h".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_soak_is_asked_is_read_with_its_units() {
        let seconds = |text| duration(text).map(|duration| duration.as_secs()).ok();
        assert_eq!(
            ["90s", "60m", "8h", "15"].map(seconds),
            [90, 3_600, 28_800, 15].map(Some)
        );
        assert_eq!(
            ["", "m", "0s", "-1m", "1d", "9999h"].map(seconds),
            [None; 6]
        );
        assert_eq!(rate("60%"), Ok(Rate::Share(0.6)));
        assert_eq!(rate("1500"), Ok(Rate::PerS(1_500.0)));
        assert!(rate("101%").is_err() && rate("0").is_err() && rate("fast").is_err());
        assert_eq!(part("2B/request"), Ok(Part::PerRequest(2.0)));
        assert_eq!(part("512KiB/h"), Ok(Part::PerHour(524_288.0)));
        assert!(part("1MB/h").is_err() && part("1B").is_err() && part("1B/s").is_err());
    }
}
