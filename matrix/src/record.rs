//! What is stored of a campaign: one plan, one machine, and a line per launch with everything that was seen in it.
//!
//! A record only holds what was measured; every figure a person sees is computed from it again, so that a record
//! outlives the formulas. Records of the same campaign, or of several with the same arms and settings, merge by the
//! launches' keys: idempotent, commutative, associative. Histograms are added, percentiles are never averaged.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};
use serde::{Deserialize, Serialize};

use crate::machine::{Machine, Quiet};
use crate::process::{End, Events, Memory};
use crate::validity::Label;
use crate::workload::Workload;

/// Raised when a line's meaning changes; additions do not change it.
pub const SCHEMA: u32 = 1;

/// One line of a record file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// The first line.
    Plan(Plan),
    /// The second line.
    Machine(Box<Machine>),
    /// All others.
    Launch(Box<Launch>),
}

/// What a campaign set out to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The name of the record: date, command and seed.
    pub campaign: String,
    /// The command that made it.
    pub command: String,
    /// Everything drawn by chance comes from it.
    pub seed: u64,
    /// The executables under test; the first one is the reference.
    pub arms: Vec<PlannedArm>,
    /// What was wanted and cannot run on this machine, and why.
    pub left_out: Vec<LeftOut>,
    /// The workloads, in table order.
    pub workloads: Vec<Workload>,
    /// The rest.
    pub settings: Settings,
}

/// One executable under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedArm {
    /// The design's name, `BACKEND+floor`, or a path.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// The hash of its bytes, in hexadecimal.
    pub sha256: String,
    /// Whether it answers everything with the same bytes.
    pub is_floor: bool,
}

/// A design that cannot run on this machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its name.
    pub name: String,
    /// What it said.
    pub reason: String,
}

/// How load is offered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Launches per workload, at most.
    pub launches: u32,
    /// Rounds per launch: in each, every arm gets one slice.
    pub rounds: u32,
    /// The length of a slice.
    pub slice_ms: u64,
    /// Connections per arm.
    pub connections: u32,
    /// The rate of the open loop; none for the closed loop.
    pub requests_per_s: Option<f64>,
}

impl Plan {
    /// The arm that is the floor of this arm's backend, by name; a floor has none.
    #[must_use]
    pub fn floor_of(&self, arm: usize) -> Option<usize> {
        let (backend, _) = self.arms[arm].name.split_once('+')?;
        let floor = self
            .arms
            .iter()
            .position(|other| other.name == format!("{backend}+floor"))?;
        (floor != arm).then_some(floor)
    }

    /// What an arm is called in a sentence; an executable that is compared with itself is there twice.
    #[must_use]
    pub fn label(&self, arm: usize) -> String {
        let name = &self.arms[arm].name;
        let is_single = self.arms.iter().filter(|other| other.name == *name).count() == 1;
        if is_single {
            name.clone()
        } else {
            format!("{name} (arm {})", arm + 1)
        }
    }

    /// Whether two plans measure the same executables in the same way; how many launches they plan may differ.
    fn is_about_the_same_as(&self, other: &Plan) -> bool {
        let arms = |plan: &Plan| {
            plan.arms
                .iter()
                .map(|arm| (arm.name.clone(), arm.sha256.clone()))
                .collect::<Vec<_>>()
        };
        let settings = |plan: &Plan| Settings {
            launches: 0,
            ..plan.settings
        };
        self.schema == other.schema
            && arms(self) == arms(other)
            && settings(self) == settings(other)
    }
}

/// One start of all servers under one workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Launch {
    /// The campaign it belongs to.
    pub campaign: String,
    /// The load.
    pub workload: Workload,
    /// The number of the launch, from 0, among those of its workload.
    pub block: u32,
    /// When it began, in UTC.
    pub started: String,
    /// The CPU all servers were pinned to.
    pub server_cpu: usize,
    /// The CPU of the load generator; the same one when only one may be used.
    pub client_cpu: usize,
    /// The order in which the arms were started.
    pub start_order: Vec<usize>,
    /// What other programs did meanwhile.
    pub quiet: Quiet,
    /// What was seen of each arm, in the plan's order.
    pub arms: Vec<Observation>,
}

/// What was seen of one arm in one launch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The arm's name.
    pub name: String,
    /// Warm-up slices before the first round.
    pub warmup_slices: u32,
    /// One per round.
    pub slices: Vec<Slice>,
    /// Answers that were wrong.
    pub wrong: u64,
    /// The first of them.
    pub first_wrong: Option<String>,
    /// Requests without an answer.
    pub unanswered: u64,
    /// Answers per status.
    pub statuses: BTreeMap<u16, u64>,
    /// Connections open at the end of the slice that had fewest.
    pub connections_open: u32,
    /// Connections opened again.
    pub reconnects: u64,
    /// Open loop: sends later than intended.
    pub late_sends: u64,
    /// Bytes the client received.
    pub received_bytes: u64,
    /// Bytes the client sent.
    pub sent_bytes: u64,
    /// Response times in nanoseconds, all slices together; from the intended send time in the open loop.
    pub latency: Latency,
    /// Open loop: times from the real send.
    pub service: Option<Latency>,
    /// Memory after the last round, connections still open.
    pub memory: Option<Memory>,
    /// Faults and context switches during the rounds.
    pub events: Option<Events>,
    /// How the server ended.
    pub end: End,
    /// What broke off the arm's part of the launch.
    pub failure: Option<String>,
    /// What the rules of validity say of this launch alone. Tables apply them again to all launches of a cell.
    #[serde(default)]
    pub label: Label,
}

/// One short window of load on one arm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// The round, from 0.
    pub round: u32,
    /// The place in the round, from 0.
    pub position: u32,
    /// Requests answered.
    pub requests: u64,
    /// Its length.
    pub elapsed_ns: u64,
    /// CPU time of the server's process during the slice.
    pub server_cpu_ns: u64,
    /// CPU time of the load generator during the slice.
    pub client_cpu_ns: u64,
    /// Requests under way, on average.
    pub in_flight_requests: f64,
}

/// A histogram of nanoseconds; stored as base64 of HdrHistogram's V2 format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Latency(pub Histogram<u64>);

impl Latency {
    /// No value yet: three significant digits, growing as needed.
    ///
    /// # Panics
    /// Never: three digits are within the limits.
    #[must_use]
    pub fn empty() -> Latency {
        Latency(Histogram::new(3).expect("three significant digits are allowed"))
    }

    /// Adds the values of `other`.
    ///
    /// # Errors
    /// When the histogram cannot grow to hold them.
    pub fn add(&mut self, other: &Histogram<u64>) -> Result<()> {
        self.0
            .add(other)
            .context("failed to merge two latency histograms")
    }

    /// The value at a quantile, if at least ten values lie beyond it.
    #[must_use]
    pub fn quantile_ns(&self, quantile: f64) -> Option<f64> {
        let beyond = self.0.len() as f64 * (1.0 - quantile);
        (beyond >= 10.0).then(|| self.0.value_at_quantile(quantile) as f64)
    }
}

impl From<Latency> for String {
    fn from(latency: Latency) -> String {
        let mut bytes = Vec::new();
        V2Serializer::new()
            .serialize(&latency.0, &mut bytes)
            .expect("a histogram of this process fits a Vec");
        STANDARD.encode(bytes)
    }
}

impl TryFrom<String> for Latency {
    type Error = anyhow::Error;

    fn try_from(text: String) -> Result<Latency> {
        let bytes = STANDARD.decode(text).context("a histogram is not base64")?;
        let histogram = Deserializer::new().deserialize(&mut bytes.as_slice());
        histogram.map(Latency).map_err(|error| {
            anyhow::anyhow!("a histogram is not in HdrHistogram's V2 format: {error}")
        })
    }
}

/// What makes a launch unique.
pub type Key = (Workload, String, u32);

/// One or more campaigns about the same arms.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// By campaign; never empty.
    pub plans: BTreeMap<String, Plan>,
    /// By campaign.
    pub machines: BTreeMap<String, Machine>,
    /// All launches.
    pub launches: BTreeMap<Key, Launch>,
}

impl Record {
    /// A record without launches.
    #[must_use]
    pub fn new(plan: Plan) -> Record {
        let plans = [(plan.campaign.clone(), plan)].into();
        Record {
            plans,
            machines: BTreeMap::new(),
            launches: BTreeMap::new(),
        }
    }

    /// The plan that speaks for all: their arms and settings are the same.
    ///
    /// # Panics
    /// Never: a record is made of a plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        self.plans.values().next().expect("a record has a plan")
    }

    /// All workloads asked for, in table order.
    #[must_use]
    pub fn workloads(&self) -> Vec<Workload> {
        let mut workloads: Vec<Workload> = self
            .plans
            .values()
            .flat_map(|plan| plan.workloads.iter().copied())
            .collect();
        workloads.sort_unstable();
        workloads.dedup();
        workloads
    }

    /// The launches of one workload, in the order of their keys.
    #[must_use]
    pub fn launches_of(&self, workload: Workload) -> Vec<&Launch> {
        self.launches
            .values()
            .filter(|launch| launch.workload == workload)
            .collect()
    }

    /// Adds a launch.
    ///
    /// # Errors
    /// When it has another number of arms than the plan, or a different launch has the same key.
    pub fn add(&mut self, launch: Launch) -> Result<()> {
        let key = (launch.workload, launch.campaign.clone(), launch.block);
        if launch.arms.len() != self.plan().arms.len() {
            bail!(
                "launch {key:?} has {} arms, its plan {}",
                launch.arms.len(),
                self.plan().arms.len()
            );
        }
        insert(&mut self.launches, key, launch)
    }

    /// The union of two records.
    ///
    /// # Errors
    /// When they are about different executables or settings, or contradict each other.
    pub fn merge(mut self, other: Record) -> Result<Record> {
        if !self.plan().is_about_the_same_as(other.plan()) {
            bail!(
                "records {} and {} have different executables or settings; report them one by one, and compare \
                 designs within one campaign",
                self.plan().campaign,
                other.plan().campaign
            );
        }
        other
            .plans
            .into_iter()
            .try_for_each(|(key, plan)| insert(&mut self.plans, key, plan))?;
        other
            .machines
            .into_iter()
            .try_for_each(|(key, machine)| insert(&mut self.machines, key, machine))?;
        other
            .launches
            .into_values()
            .try_for_each(|launch| self.add(launch))?;
        Ok(self)
    }
}

fn insert<K: Ord + std::fmt::Debug, V: PartialEq>(
    map: &mut BTreeMap<K, V>,
    key: K,
    value: V,
) -> Result<()> {
    match map.get(&key) {
        Some(present) if *present != value => {
            bail!(
                "two records hold different contents for {key:?}; keep the file that was not edited"
            )
        }
        Some(_) => Ok(()),
        None => {
            map.insert(key, value);
            Ok(())
        }
    }
}
