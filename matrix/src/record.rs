//! What is stored of a campaign: one plan, one machine, and a line per launch with everything that was seen in it.
//!
//! A record only holds what was measured; every figure a person sees is computed from it again, so that a record
//! outlives the formulas. Records of the same campaign, or of several with the same arms and settings, merge by the
//! launches' keys: idempotent, commutative, associative. Histograms are added, percentiles are never averaged.

mod count;
mod ended;
mod idle;
mod latency;
mod plan;
mod soak;

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::machine::{Machine, Quiet};
use crate::process::{End, Events, Memory};
use crate::validity::Label;
use crate::workload::Workload;

pub use count::{AllocationSpan, Count, Source, Span, SyscallSpan};
pub use ended::Ended;
pub use idle::{Idle, IdlePoint};
pub use latency::Latency;
pub use plan::{Comparison, Counts, LeftOut, Plan, PlannedArm, Settings};
pub use soak::{Budget, Epoch, Rate, Segment, SegmentBegin, SegmentEnd, Soak, Soaked};

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
    /// All others, of most commands.
    Launch(Box<Launch>),
    /// All others, of `idle`.
    Idle(Idle),
    /// The third line of a soak.
    Soak(Soak),
    /// A server of a soak was started.
    SegmentBegin(SegmentBegin),
    /// It was under load for a second.
    Epoch(Box<Epoch>),
    /// It was stopped.
    SegmentEnd(SegmentEnd),
    /// All others of `count`; those before the launches, of `compare --count`.
    Count(Box<Count>),
    /// The last one of each workload of `compare`.
    Ended(Ended),
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

impl Launch {
    /// The CPU that servers and client had to share, if they did.
    #[must_use]
    pub fn cpu_shared(&self) -> Option<usize> {
        (self.server_cpu == self.client_cpu).then_some(self.server_cpu)
    }
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
    /// Operations of the allocator in all of them; 0 where the workload counts none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub operations: u64,
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

fn is_none(count: &u64) -> bool {
    *count == 0
}

/// What makes a launch unique.
pub type Key = (Workload, String, u32);

/// What makes a start of `idle` unique.
pub type IdleKey = (String, u32, Option<usize>);

/// What makes the counts of an arm unique.
pub type CountKey = (Workload, String, usize);

/// What makes the end of a comparison unique.
pub type EndedKey = (Workload, String);

/// One or more campaigns about the same arms.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// By campaign; never empty.
    pub plans: BTreeMap<String, Plan>,
    /// By campaign.
    pub machines: BTreeMap<String, Machine>,
    /// All launches.
    pub launches: BTreeMap<Key, Launch>,
    /// All starts of `idle`, by campaign, block and arm.
    pub idle: BTreeMap<IdleKey, Idle>,
    /// By campaign.
    pub soaks: BTreeMap<String, Soaked>,
    /// What was counted, by workload, campaign and arm.
    pub counts: BTreeMap<CountKey, Count>,
    /// Which comparisons came to their end, by workload and campaign.
    pub ended: BTreeMap<EndedKey, Ended>,
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
            idle: BTreeMap::new(),
            soaks: BTreeMap::new(),
            counts: BTreeMap::new(),
            ended: BTreeMap::new(),
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

    /// Adds a start of `idle`.
    ///
    /// # Errors
    /// When the plan has no such arm, or a different start has the same key.
    pub fn add_idle(&mut self, idle: Idle) -> Result<()> {
        let arms = self.plan().arms.len();
        if idle.arm.is_some_and(|arm| arm >= arms) {
            bail!("a start is of arm {:?}, its plan has {arms}", idle.arm);
        }
        insert(&mut self.idle, idle.key(), idle)
    }

    /// Adds a line of a soak, behind those that came before it.
    ///
    /// # Errors
    /// When none of them is what it goes on with.
    pub fn add_soak(&mut self, line: Line) -> Result<()> {
        let campaign = self.plan().campaign.clone();
        if let Line::Soak(asked) = line {
            return insert(&mut self.soaks, campaign, Soaked::new(asked));
        }
        let soaked = self.soaks.get_mut(&campaign);
        let soaked = soaked.context("what a soak is for comes before what was seen in it")?;
        if let Line::SegmentBegin(begin) = line {
            soaked.segments.push(Segment {
                begin,
                epochs: Vec::new(),
                end: None,
            });
            return Ok(());
        }
        let last = soaked.segments.last_mut();
        let segment = last.context("a server is started before it is under load")?;
        match line {
            Line::Epoch(epoch) => segment.epochs.push(*epoch),
            Line::SegmentEnd(end) => segment.end = Some(end),
            _ => bail!("such a line is none of a soak"),
        }
        Ok(())
    }

    /// Adds what was counted of an arm.
    ///
    /// # Errors
    /// When the plan has no such arm, or different counts have the same key.
    pub fn add_count(&mut self, count: Count) -> Result<()> {
        let arms = self.plan().arms.len();
        if count.arm >= arms {
            bail!("counts are of arm {}, its plan has {arms}", count.arm);
        }
        insert(&mut self.counts, count.key(), count)
    }

    /// Adds that a comparison came to its end.
    ///
    /// # Errors
    /// When another end of it is known.
    pub fn add_ended(&mut self, ended: Ended) -> Result<()> {
        insert(&mut self.ended, ended.key(), ended)
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
        other
            .idle
            .into_values()
            .try_for_each(|idle| self.add_idle(idle))?;
        other
            .soaks
            .into_iter()
            .try_for_each(|(key, soaked)| insert(&mut self.soaks, key, soaked))?;
        other
            .counts
            .into_values()
            .try_for_each(|count| self.add_count(count))?;
        other
            .ended
            .into_values()
            .try_for_each(|ended| self.add_ended(ended))?;
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
