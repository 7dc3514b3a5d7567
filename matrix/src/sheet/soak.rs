//! What a person sees of a soak: how fast memory drifts and how fast it could, against what it may; and how steady the
//! rest was.
//!
//! The first tenth of every start of the server is warm-up, at least ten epochs, whatever it shows. Memory is within its
//! budget when even the upper end of the interval of its drift is; that no drift is seen is not enough. Memory moves in steps,
//! so that less than one of 64 KiB may be hidden in it at either end. A server that was started again has a height of its
//! own, and shares the slope.

mod print;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use super::{ALPHA, BYTES_PER_MIB};
use crate::machine::{Machine, state_over};
use crate::process::End;
use crate::record::{Budget, Epoch, Latency, Rate, Record, Segment, Soaked};
use crate::stats::drift::Drift;
use crate::stats::signflip::Interval;
use crate::stats::theil_sen::Point;
use crate::stats::{bootstrap, mean, median};
use crate::verdict::{Decision, MEMORY_MARGIN_BYTES, MachineState};

/// So many epochs of every segment are warm-up at least …
const WARMUP_EPOCHS_MIN: usize = 10;

/// … and this part of it.
const WARMUP_PART: usize = 10;

/// Above this share of its core the client may be what is unsteady.
const CLIENT_BUSY_MAX: f64 = 0.85;

/// A soak, ready to print.
#[derive(Clone, Debug, Serialize)]
pub struct SoakSheet {
    /// The campaign.
    pub campaign: String,
    /// Its seed.
    pub seed: u64,
    /// One line.
    pub machine: Option<String>,
    /// What was under load.
    pub design: String,
    /// What it was asked.
    pub workload: Option<String>,
    /// Connections to it.
    pub connections: u32,
    /// The load as it was asked for.
    pub asked: Rate,
    /// The load in the open loop.
    pub requests_per_s: Option<f64>,
    /// What the server did in the closed loop; none where it was not asked.
    pub capacity_requests_per_s: Option<f64>,
    /// Starts of the server.
    pub segments: usize,
    /// The length of an epoch.
    pub epoch_ms: u64,
    /// Epochs made.
    pub epochs: usize,
    /// How many there were to be.
    pub epochs_planned: u32,
    /// Epochs after the warm-up.
    pub epochs_counted: usize,
    /// Whether other programs disturbed it; none where no start of the server came to its end.
    pub machine_state: Option<MachineState>,
    /// The drift of private memory, against its budget.
    pub drifts: Vec<MemoryDrift>,
    /// What follows from the drifts; none where the figures do not count.
    pub decision: Option<Decision>,
    /// How private memory moved otherwise.
    pub memory: Option<Swing>,
    /// How steady the rest was.
    pub series: Vec<Series>,
    /// Response times.
    pub tail: Tail,
    /// Sends later than intended, as a share of the requests.
    pub late_share: f64,
    /// The share of its core that the client used.
    pub client_share: f64,
    /// Why none of it counts; empty when it does.
    pub invalid: Vec<String>,
}

/// The drift of private memory in one unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MemoryDrift {
    /// Of what.
    pub per: Per,
    /// In bytes; none of too few epochs.
    pub drift: Option<Drift>,
    /// In bytes.
    pub budget: f64,
    /// Whether it is within.
    pub decision: Decision,
}

/// What a drift of memory is counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// A request.
    Request,
    /// An hour.
    Hour,
}

/// How memory moved, beside its drift.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Swing {
    /// The median of the last tenth over that of the first, less 1; of the last start of the server.
    pub last_to_first: f64,
    /// The most that was ever resident.
    pub peak_bytes: u64,
    /// Between the lowest and the highest epoch of a start of the server; the largest over starts.
    pub swing_bytes: f64,
}

/// A figure over the epochs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Series {
    /// What it is.
    pub name: &'static str,
    /// What it is counted in.
    pub unit: &'static str,
    /// The median epoch; none where it has no source.
    pub median: Option<f64>,
    /// The standard deviation over the mean.
    pub cv: Option<f64>,
    /// The 95 % interval of that.
    pub cv_interval: Option<Interval>,
    /// By how much it changes in an hour.
    pub per_hour: Option<Drift>,
}

/// Response times in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Tail {
    /// Of all requests.
    pub p50: Option<f64>,
    /// Of all requests.
    pub p99: Option<f64>,
    /// Of all requests.
    pub p999: Option<f64>,
    /// The slowest.
    pub max: f64,
    /// The p99 of the epoch in the middle.
    pub epoch_p99_median: Option<f64>,
    /// The p99 of the worst epoch.
    pub epoch_p99_worst: Option<f64>,
    /// When it was, in seconds of its start of the server.
    pub worst_at_s: Option<f64>,
}

/// A segment after its warm-up; requests are counted from its begin.
struct Warm<'a> {
    epochs: Vec<(&'a Epoch, u64)>,
}

impl SoakSheet {
    /// Computes everything.
    ///
    /// # Errors
    /// When the record holds no soak, or several.
    pub fn of(record: &Record) -> Result<SoakSheet> {
        ensure!(
            record.soaks.len() < 2,
            "failed to show {} soaks in one table: report them one by one",
            record.soaks.len()
        );
        let soak = record.soaks.first_key_value();
        let (campaign, soaked) = soak.context(
            "failed to show a soak that ended before it said what it is for: begin a new one",
        )?;
        let plan = record.plan();
        let begin = soaked.segments.first().map(|segment| &segment.begin);
        let warm: Vec<Warm> = soaked.segments.iter().map(Warm::of).collect();
        let invalid = troubles(soaked, plan.settings.connections);
        let drifts = drifts(&warm, &soaked.asked.budget, plan.seed).to_vec();
        let decision = decided(&drifts);
        let ends = soaked
            .segments
            .iter()
            .filter_map(|segment| segment.end.as_ref());
        let quiet: Vec<_> = ends.map(|end| &end.quiet).collect();
        let all = || {
            warm.iter()
                .flat_map(|warm| &warm.epochs)
                .map(|(epoch, _)| *epoch)
        };
        let sum = |of: fn(&Epoch) -> u64| all().map(of).sum::<u64>() as f64;
        Ok(SoakSheet {
            campaign: campaign.clone(),
            seed: plan.seed,
            machine: record.machines.get(campaign).map(Machine::line),
            design: plan.label(0),
            workload: plan.workloads.first().map(ToString::to_string),
            connections: plan.settings.connections,
            asked: soaked.asked.rate,
            requests_per_s: begin.map(|begin| begin.requests_per_s),
            capacity_requests_per_s: begin.and_then(|begin| begin.capacity_requests_per_s),
            segments: soaked.segments.len(),
            epoch_ms: plan.settings.slice_ms,
            epochs: soaked.epochs(),
            epochs_planned: soaked.asked.epochs,
            epochs_counted: all().count(),
            machine_state: (!quiet.is_empty()).then(|| state_over(quiet)),
            decision: invalid.is_empty().then_some(decision),
            drifts,
            memory: swing(&warm),
            series: FIGURES
                .map(|figure| series(&warm, figure, plan.seed))
                .into(),
            tail: tail(&warm)?,
            late_share: sum(|epoch| epoch.late_sends) / sum(|epoch| epoch.requests).max(1.0),
            client_share: sum(|epoch| epoch.client_cpu_ns) / sum(|epoch| epoch.elapsed_ns).max(1.0),
            invalid,
        })
    }
}

impl<'a> Warm<'a> {
    fn of(segment: &'a Segment) -> Warm<'a> {
        let cut = WARMUP_EPOCHS_MIN.max(segment.epochs.len() / WARMUP_PART);
        let mut requests = 0;
        let counted = |epoch: &'a Epoch| {
            requests += epoch.requests;
            (epoch, requests)
        };
        let epochs = segment.epochs.iter().map(counted).skip(cut);
        Warm {
            epochs: epochs.collect(),
        }
    }
}

fn hours(epoch: &Epoch) -> f64 {
    epoch.at_ms as f64 / 3.6e6
}

fn private_bytes(epoch: &Epoch) -> Option<f64> {
    Some(epoch.memory?.private_bytes as f64)
}

fn drifts(warm: &[Warm<'_>], budget: &Budget, seed: u64) -> [MemoryDrift; 2] {
    let of = |per, budget, x: fn(&(&Epoch, u64)) -> f64| {
        let point = |at: &(&Epoch, u64)| Some((x(at), private_bytes(at.0)?));
        let groups = warm
            .iter()
            .map(|warm| warm.epochs.iter().filter_map(point).collect());
        let drift = Drift::of(
            &groups.collect::<Vec<Vec<Point>>>(),
            MEMORY_MARGIN_BYTES,
            seed,
        );
        let decision = match drift.map(|drift| drift.interval) {
            Some(Interval { high, .. }) if high <= budget => Decision::Go,
            Some(Interval { low, .. }) if low > budget => Decision::NoGo,
            _ => Decision::Inconclusive,
        };
        MemoryDrift {
            per,
            drift,
            budget,
            decision,
        }
    };
    [
        of(Per::Request, budget.bytes_per_request, |(_, requests)| {
            *requests as f64
        }),
        of(Per::Hour, budget.bytes_per_hour, |(epoch, _)| hours(epoch)),
    ]
}

/// Both units have to be within.
fn decided(drifts: &[MemoryDrift]) -> Decision {
    let is = |decision| move |drift: &MemoryDrift| drift.decision == decision;
    if drifts.iter().any(is(Decision::NoGo)) {
        Decision::NoGo
    } else if drifts.iter().all(is(Decision::Go)) {
        Decision::Go
    } else {
        Decision::Inconclusive
    }
}

fn swing(warm: &[Warm<'_>]) -> Option<Swing> {
    let bytes = |warm: &Warm| -> Vec<f64> {
        warm.epochs
            .iter()
            .filter_map(|(epoch, _)| private_bytes(epoch))
            .collect()
    };
    let range = |bytes: &[f64]| {
        bytes.iter().copied().fold(0.0, f64::max) - bytes.iter().copied().fold(f64::MAX, f64::min)
    };
    let all: Vec<Vec<f64>> = warm
        .iter()
        .map(bytes)
        .filter(|bytes| !bytes.is_empty())
        .collect();
    let last = all.last()?;
    let tenth = last.len().div_ceil(10);
    let (first, last) = (
        median(&last[..tenth])?,
        median(&last[last.len() - tenth..])?,
    );
    let peaks = warm.iter().flat_map(|warm| &warm.epochs);
    Some(Swing {
        last_to_first: last / first - 1.0,
        peak_bytes: peaks
            .filter_map(|(epoch, _)| Some(epoch.memory?.peak_bytes))
            .max()?,
        swing_bytes: all.iter().map(|bytes| range(bytes)).fold(0.0, f64::max),
    })
}

/// A figure of an epoch, with its name and unit; none where it has no source.
type Figure = (&'static str, &'static str, fn(&Epoch) -> Option<f64>);

/// Calls of the kernel, which it does not let everyone count.
const SYSCALLS: &str = "syscalls/request";

const FIGURES: [Figure; 9] = [
    ("throughput", "/s", |epoch| {
        Some(epoch.requests as f64 / epoch.elapsed_ns as f64 * 1e9)
    }),
    ("CPU/request", "µs", |epoch| {
        per_request(epoch, Some(epoch.server_cpu_ns as f64 / 1e3))
    }),
    ("p99", "µs", |epoch| {
        Some(epoch.latency.quantile_ns(0.99)? / 1e3)
    }),
    ("private memory", "MiB", |epoch| {
        Some(private_bytes(epoch)? / BYTES_PER_MIB)
    }),
    ("resident memory", "MiB", |epoch| {
        Some(epoch.memory?.resident_bytes as f64 / BYTES_PER_MIB)
    }),
    ("kernel socket memory", "MiB", |epoch| {
        Some(epoch.kernel?.socket_bytes as f64 / BYTES_PER_MIB)
    }),
    ("page faults/request", "", |epoch| {
        per_request(
            epoch,
            epoch
                .events
                .map(|events| (events.minor_faults + events.major_faults) as f64),
        )
    }),
    ("waits/request", "", |epoch| {
        per_request(
            epoch,
            epoch.events.map(|events| events.voluntary_switches as f64),
        )
    }),
    (SYSCALLS, "", |epoch| {
        per_request(epoch, epoch.syscalls.map(|count| count as f64))
    }),
];

fn per_request(epoch: &Epoch, count: Option<f64>) -> Option<f64> {
    count
        .filter(|_| epoch.requests > 0)
        .map(|count| count / epoch.requests as f64)
}

fn series(warm: &[Warm<'_>], (name, unit, of): Figure, seed: u64) -> Series {
    let point = |(epoch, _): &(&Epoch, u64)| Some((hours(epoch), of(epoch)?));
    let groups = warm
        .iter()
        .map(|warm| warm.epochs.iter().filter_map(point).collect());
    let groups: Vec<Vec<Point>> = groups.collect();
    let values: Vec<f64> = groups.iter().flatten().map(|point| point.1).collect();
    let resampled = |places: &[usize]| {
        cv(&places
            .iter()
            .map(|place| values[*place])
            .collect::<Vec<_>>())
    };
    let length = bootstrap::block_length(&values);
    Series {
        name,
        unit,
        median: median(&values),
        cv: cv(&values),
        cv_interval: bootstrap::interval(values.len(), length, seed, ALPHA, resampled),
        per_hour: Drift::of(&groups, 0.0, seed),
    }
}

/// The standard deviation over the mean; none below two values or of nothing.
fn cv(values: &[f64]) -> Option<f64> {
    let centre = mean(values).filter(|centre| *centre > 0.0 && values.len() > 1)?;
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt() / centre)
}

fn tail(warm: &[Warm<'_>]) -> Result<Tail> {
    let epochs = || {
        warm.iter()
            .flat_map(|warm| &warm.epochs)
            .map(|(epoch, _)| *epoch)
    };
    let mut all = Latency::empty();
    epochs().try_for_each(|epoch| all.add(&epoch.latency.0))?;
    let p99 = |epoch: &Epoch| Some((epoch.latency.quantile_ns(0.99)?, epoch.at_ms as f64 / 1e3));
    let of_epochs: Vec<(f64, f64)> = epochs().filter_map(p99).collect();
    let worst = of_epochs
        .iter()
        .copied()
        .max_by(|left, right| left.0.total_cmp(&right.0));
    Ok(Tail {
        p50: all.quantile_ns(0.5),
        p99: all.quantile_ns(0.99),
        p999: all.quantile_ns(0.999),
        max: all.0.max() as f64,
        epoch_p99_median: median(&of_epochs.iter().map(|epoch| epoch.0).collect::<Vec<_>>()),
        epoch_p99_worst: worst.map(|worst| worst.0),
        worst_at_s: worst.map(|worst| worst.1),
    })
}

fn troubles(soaked: &Soaked, connections: u32) -> Vec<String> {
    let epochs = || soaked.segments.iter().flat_map(|segment| &segment.epochs);
    let sum = |of: fn(&Epoch) -> u64| epochs().map(of).sum::<u64>();
    let first = epochs().find_map(|epoch| epoch.first_wrong.clone());
    let first = first.map_or(String::new(), |first| {
        format!("; the first: {}", first.replace(['\r', '\n'], " "))
    });
    let (wrong, unanswered) = (sum(|epoch| epoch.wrong), sum(|epoch| epoch.unanswered));
    let mut troubles = Vec::new();
    if wrong > 0 {
        troubles.push(format!("{wrong} wrong answers{first}"));
    }
    if unanswered > 0 {
        troubles.push(format!("{unanswered} requests without an answer{first}"));
    }
    let open = epochs().map(|epoch| epoch.connections_open).min();
    if let Some(open) = open.filter(|open| *open < connections) {
        troubles.push(format!("{open} of {connections} connections open"));
    }
    for end in soaked
        .segments
        .iter()
        .filter_map(|segment| segment.end.as_ref())
    {
        if let End::Died { what } = &end.end {
            troubles.push(format!("server died: {what}"));
        }
        troubles.extend(end.failure.clone());
    }
    troubles
}
