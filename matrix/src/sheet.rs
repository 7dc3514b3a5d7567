//! What a person sees of a record: designs as rows, one block per workload, and why some figures do not count.
//!
//! Every figure is computed from the record's slices and histograms each time. A row's ratios come from the slices of
//! the same rounds; its other figures are medians over launches, percentiles those of the merged histogram. A figure
//! that leans on an invalid cell is marked `!`, a wall-clock figure of a noisy machine `*`, one of a busy client `†`.

mod count;
mod effects;
mod field;
mod idle;
mod pareto;
mod print;
mod soak;
mod view;

use anyhow::Result;
use serde::Serialize;

use crate::arm::FLOOR;
use crate::distance::Distance;
use crate::process::Memory;
use crate::record::{Latency, Launch, LeftOut, Observation, Record, Settings};
use crate::reduce;
use crate::stats::signflip::{Interval, SignFlip};
use crate::stats::{mean, median};
use crate::validity::Label;
use crate::verdict::{MachineState, Metric};
use crate::workload::Workload;

pub use count::{CountRow, CountSheet, PerRequest};
pub use effects::{Axis, Effects, Value};
pub use field::Field;
pub use idle::{IdleRow, IdleSheet, Slope};
pub use pareto::{Front, Place, Standing};
pub use view::{View, Viewed};

pub(crate) use idle::{bytes_per_connection, trouble};
pub(crate) use print::{CLIENT_REMEDY, Part, markdown, shared, shown_in, text};
pub use soak::{MemoryDrift, Per, Series, SoakSheet, Swing, Tail};

/// A table describes and decides nothing, so its intervals are plain 95 % ones.
const ALPHA: f64 = 0.05;

/// The command that takes every design, so that its table can say something about axes.
const SWEEP: &str = "sweep";

pub(crate) const BYTES_PER_MIB: f64 = 1024.0 * 1024.0;

/// A whole record, ready to print.
#[derive(Clone, Debug, Serialize)]
pub struct Sheet {
    /// The campaigns it was made of.
    pub campaigns: Vec<String>,
    /// Their seeds.
    pub seeds: Vec<u64>,
    /// One line per machine.
    pub machines: Vec<String>,
    /// How load was offered.
    pub settings: Settings,
    /// What could not run, and why.
    pub left_out: Vec<LeftOut>,
    /// One per workload.
    pub blocks: Vec<Block>,
}

/// One workload.
#[derive(Clone, Debug, Serialize)]
pub struct Block {
    /// Which.
    pub workload: Workload,
    /// Launches made.
    pub launches: usize,
    /// Those in which the machine was quiet.
    pub launches_quiet: usize,
    /// The median share of all CPUs that other programs used.
    pub foreign_share: Option<f64>,
    /// Whether wall-clock figures count.
    pub machine: MachineState,
    /// Whether server and client had to share a CPU.
    pub cpu_shared: Option<usize>,
    /// How many arms were measured.
    pub arms: usize,
    /// One per arm; fewer in a [brief](Sheet::brief) sheet.
    pub rows: Vec<Row>,
    /// What each axis does; of a sweep only.
    pub effects: Option<Effects>,
    /// Which designs no other beats in both CPU per request and memory; of a sweep only.
    pub front: Option<Front>,
}

/// One cell. What has no source is `None`.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The arm.
    pub design: String,
    /// Process CPU time per request.
    pub cpu_us_per_request: Option<f64>,
    /// The mean log-ratio of that to the first row.
    pub cpu_log_ratio_to_first: Option<f64>,
    /// Its 95 % interval; none below six launches.
    pub cpu_log_ratio_interval: Option<Interval>,
    /// CPU per request over that of the same backend's floor.
    pub cpu_ratio_to_floor: Option<f64>,
    /// Requests per second.
    pub requests_per_s: Option<f64>,
    /// Response time, half of the requests.
    pub latency_us_p50: Option<f64>,
    /// Response time, all but one in a hundred.
    pub latency_us_p99: Option<f64>,
    /// Memory of its own.
    pub private_mib: Option<f64>,
    /// All resident memory.
    pub resident_mib: Option<f64>,
    /// The most that was ever resident.
    pub peak_mib: Option<f64>,
    /// Rings that it shares with the kernel.
    pub rings_mib: Option<f64>,
    /// What a cgroup of its own is charged for, less inactive pages of files.
    pub cgroup_mib: Option<f64>,
    /// The root of requests per second, over private MiB.
    pub root_rps_per_mib: Option<f64>,
    /// Open loop: sends later than intended, as a share of the requests.
    pub late_share: Option<f64>,
    /// Which of the figures count: `client_share`, `invalid`, `limits`.
    #[serde(flatten)]
    pub label: Label,
    /// Whether the floor's figures do not count.
    pub floor_is_invalid: Option<bool>,
}

impl Sheet {
    /// Computes everything.
    ///
    /// # Errors
    /// When histograms cannot be merged.
    pub fn of(record: &Record) -> Result<Sheet> {
        let plan = record.plan();
        Ok(Sheet {
            campaigns: record.plans.keys().cloned().collect(),
            seeds: record.plans.values().map(|plan| plan.seed).collect(),
            machines: record
                .machines
                .values()
                .map(super::machine::Machine::line)
                .collect(),
            settings: plan.settings,
            left_out: plan.left_out.clone(),
            blocks: record
                .workloads()
                .into_iter()
                .map(|workload| block(record, workload))
                .collect::<Result<_>>()?,
        })
    }

    /// Of a sweep only what a document has room for: the rows of the designs that no other beats, of the floors, the first
    /// one, which the others are set against, and those that are invalid.
    #[must_use]
    pub fn brief(mut self) -> Sheet {
        for block in &mut self.blocks {
            let Some(front) = &block.front else {
                continue;
            };
            let is_unbeaten = |row: &Row| front.place(&row.design) == Some(&Place::Unbeaten);
            let is_kept = |row: &Row| {
                is_unbeaten(row) || row.design.ends_with(FLOOR) || !row.label.is_valid()
            };
            let mut is_first = true;
            block
                .rows
                .retain(|row| std::mem::take(&mut is_first) || is_kept(row));
        }
        self
    }

    /// Whether a cell is invalid.
    #[must_use]
    pub fn has_invalid(&self) -> bool {
        self.blocks
            .iter()
            .flat_map(|block| &block.rows)
            .any(|row| !row.label.is_valid())
    }
}

fn block(record: &Record, workload: Workload) -> Result<Block> {
    let launches = record.launches_of(workload);
    let quiet = |launch: &&&Launch| launch.quiet.state == MachineState::Quiet;
    let shares: Vec<f64> = launches
        .iter()
        .map(|launch| launch.quiet.foreign_share)
        .collect();
    let plan = record.plan();
    let rows: Vec<Row> = (0..plan.arms.len())
        .map(|arm| row(record, &launches, arm))
        .collect::<Result<_>>()?;
    let field = Field::of(plan, &launches);
    // Other commands choose their arms by hand.
    let is_sweep = plan.command == SWEEP && !launches.is_empty();
    Ok(Block {
        workload,
        launches: launches.len(),
        launches_quiet: launches.iter().filter(quiet).count(),
        foreign_share: median(&shares),
        machine: field.conditions.machine,
        cpu_shared: launches.iter().find_map(|launch| launch.cpu_shared()),
        effects: is_sweep.then(|| field.effects(Metric::CpuPerRequest)),
        front: is_sweep.then(|| field.front(&[Metric::CpuPerRequest, Metric::Memory])),
        arms: rows.len(),
        rows,
    })
}

fn row(record: &Record, launches: &[&Launch], arm: usize) -> Result<Row> {
    let plan = record.plan();
    let seen: Vec<&Observation> = launches.iter().map(|launch| &launch.arms[arm]).collect();
    let middle = |metric| {
        median(
            &seen
                .iter()
                .filter_map(|seen| reduce::value(seen, metric))
                .collect::<Vec<_>>(),
        )
    };
    let memory = |of: fn(Memory) -> Option<u64>| {
        let of_all = seen.iter().filter_map(|seen| of(seen.memory?));
        let bytes: Vec<f64> = of_all.map(|bytes| bytes as f64).collect();
        median(&bytes).map(|bytes| bytes / BYTES_PER_MIB)
    };
    let latency = merged(&seen)?;
    let to_first = reduce::cpu_log_ratios(launches, 0, arm);
    let to_floor = Distance::of(plan, launches, arm);
    let requests_per_s = middle(Metric::Throughput);
    let private_mib = middle(Metric::Memory).map(|bytes| bytes / BYTES_PER_MIB);
    let is_first = arm == 0;
    Ok(Row {
        design: plan.label(arm),
        cpu_us_per_request: middle(Metric::CpuPerRequest).map(|ns| ns / 1e3),
        cpu_log_ratio_to_first: mean(&to_first).filter(|_| !is_first),
        cpu_log_ratio_interval: plain_interval(&to_first, plan.seed).filter(|_| !is_first),
        cpu_ratio_to_floor: to_floor.as_ref().and_then(|distance| distance.cpu_ratio),
        requests_per_s,
        latency_us_p50: latency.quantile_ns(0.5).map(|ns| ns / 1e3),
        latency_us_p99: latency.quantile_ns(0.99).map(|ns| ns / 1e3),
        private_mib,
        resident_mib: memory(|memory| Some(memory.resident_bytes)),
        peak_mib: memory(|memory| Some(memory.peak_bytes)),
        rings_mib: memory(|memory| memory.rings_bytes),
        cgroup_mib: memory(|memory| memory.cgroup_bytes),
        root_rps_per_mib: requests_per_s
            .zip(private_mib)
            .map(|(rps, mib)| rps.sqrt() / mib),
        late_share: plan.settings.requests_per_s.map(|_| late_share(&seen)),
        label: Label::of(&seen, &plan.settings),
        floor_is_invalid: to_floor.map(|distance| !distance.is_valid()),
    })
}

/// The 95 % interval of a table over one value per launch; none below six launches.
#[must_use]
pub fn plain_interval(values: &[f64], seed: u64) -> Option<Interval> {
    SignFlip::new(values, seed).interval(ALPHA)
}

fn merged(seen: &[&Observation]) -> Result<Latency> {
    let mut all = Latency::empty();
    seen.iter().try_for_each(|seen| all.add(&seen.latency.0))?;
    Ok(all)
}

fn late_share(seen: &[&Observation]) -> f64 {
    let late: u64 = seen.iter().map(|seen| seen.late_sends).sum();
    let requests: u64 = seen
        .iter()
        .flat_map(|seen| &seen.slices)
        .map(|slice| slice.requests)
        .sum();
    late as f64 / requests.max(1) as f64
}
