//! The first line of a record: which executables are measured, and how.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::arm::FLOOR;
use crate::axes::Coverage;
use crate::process::Program;
use crate::verdict::Rules;
use crate::workload::Workload;

/// Two pipes and an epoll instance.
const DESCRIPTORS_PER_SERVER: u64 = 3;

/// The record, the terminal, what the standard library opens for a moment.
const DESCRIPTORS_OWN: u64 = 64;

/// What a campaign set out to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`SCHEMA`](super::SCHEMA).
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
    /// The names of the axes, in the order in which a design's name has its values; none in records from before they
    /// were kept.
    #[serde(default)]
    pub axes: Vec<String>,
    /// The value of the last axis that names leave out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unnamed: Option<String>,
    /// Which designs were taken of those that combine the values.
    #[serde(default)]
    pub coverage: Coverage,
    /// For `idle`: with how many connections memory is read. Empty for all other commands.
    #[serde(default)]
    pub idle: Vec<u32>,
    /// What is counted of the arms beside what is measured.
    #[serde(default)]
    pub counts: Counts,
    /// For `compare`: how it is decided; none in records from before it was kept.
    #[serde(default)]
    pub comparison: Option<Comparison>,
    /// The rest.
    pub settings: Settings,
}

/// What is counted of arms: instructions, calls of the kernel, allocations, and what an executable is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counts {
    /// Nothing.
    #[default]
    None,
    /// That, of all arms, and nothing is measured by the clock.
    Alone,
    /// That, of both sides of a comparison, before its launches.
    Beside,
}

/// One executable under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedArm {
    /// The design's name, `BACKEND+floor`, either behind a revision and a colon, `peer:NAME`, what `--peer` called it, or a
    /// path.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// The whole commit that it was built from, where it is one of another revision.
    #[serde(default)]
    pub commit: Option<String>,
    /// The command that starts it, where `--peer` gave one.
    #[serde(default)]
    pub command: Option<String>,
    /// The hash of its bytes, in hexadecimal.
    pub sha256: String,
    /// What it called itself when it was started, such as `epoll+floor`; none where nobody asked.
    #[serde(default)]
    pub announced: Option<String>,
    /// Whether it answers everything with the same bytes; or of a harness, does without an allocator.
    pub is_floor: bool,
    /// What it is started with beside where to listen; none in records from before they were kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
}

impl PlannedArm {
    /// How it is started.
    #[must_use]
    pub fn program(&self) -> Program {
        match &self.command {
            Some(command) => Program::Command(command.clone()),
            None => Program::Executable(self.path.clone(), self.arguments.clone()),
        }
    }

    /// The design or floor that it is, whatever its file is called.
    #[must_use]
    pub fn identity(&self) -> &str {
        self.announced.as_ref().unwrap_or(&self.name)
    }
}

/// A design that cannot run on this machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its name.
    pub name: String,
    /// What it said.
    pub reason: String,
}

/// How a comparison is decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// How long it may take.
    pub max_minutes: Option<f64>,
    /// What each workload is judged by.
    pub rules: BTreeMap<Workload, Rules>,
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
    /// Descriptors that the load generator needs at most: one per connection, a few per server, and its own.
    #[must_use]
    pub fn descriptors(&self) -> u64 {
        let arms = self.arms.len() as u64;
        let loaded = arms * (u64::from(self.settings.connections) + DESCRIPTORS_PER_SERVER);
        // Bare pairs have both ends here.
        let held = self
            .idle
            .iter()
            .max()
            .map_or(0, |most| 2 * u64::from(*most));
        let open = if self.idle.is_empty() { loaded } else { held };
        open + DESCRIPTORS_OWN
    }

    /// The arm that is the floor of this arm's backend; a floor has none.
    #[must_use]
    pub fn floor_of(&self, arm: usize) -> Option<usize> {
        let arm = &self.arms[arm];
        let (backend, _) = arm.identity().split_once('+')?;
        let floor = format!("{backend}{FLOOR}");
        let is_floor = |other: &PlannedArm| other.is_floor && other.identity() == floor;
        self.arms
            .iter()
            .position(is_floor)
            .filter(|_| !arm.is_floor)
    }

    /// The values of a design, if this is the name of one and neither a floor nor a path, and of no other revision.
    #[must_use]
    pub fn values_of<'a>(&'a self, name: &'a str) -> Option<Vec<&'a str>> {
        let mut values: Vec<&str> = name.split('+').collect();
        if values.len() + 1 == self.axes.len() {
            values.extend(self.unnamed.as_deref());
        }
        let is_design = !name.ends_with(FLOOR) && !name.contains(['/', ':']);
        let is_known = self.axes.is_empty() || self.axes.len() == values.len();
        (is_design && is_known).then_some(values)
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
    pub(crate) fn is_about_the_same_as(&self, other: &Plan) -> bool {
        let arms = |plan: &Plan| {
            plan.arms
                .iter()
                .map(|arm| {
                    (
                        arm.name.clone(),
                        arm.sha256.clone(),
                        arm.command.clone(),
                        arm.arguments.clone(),
                    )
                })
                .collect::<Vec<_>>()
        };
        let settings = |plan: &Plan| Settings {
            launches: 0,
            ..plan.settings
        };
        self.schema == other.schema
            && arms(self) == arms(other)
            && settings(self) == settings(other)
            && self.idle == other.idle
            && self.comparison == other.comparison
    }
}
