//! One thing about the designs of a record, workload by workload: the effects of the axes, or who beats whom.

use anyhow::{Result, bail};
use serde::Serialize;

use crate::machine::Machine;
use crate::record::{LeftOut, Record, Settings};
use crate::sheet::{Effects, Field, Front};
use crate::verdict::Metric;
use crate::workload::Workload;

/// What was found in a record, and where it comes from.
#[derive(Clone, Debug, Serialize)]
pub struct View<T> {
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
    pub workloads: Vec<Viewed<T>>,
}

/// What was found under one workload.
#[derive(Clone, Debug, Serialize)]
pub struct Viewed<T> {
    /// Which.
    pub workload: Workload,
    /// What.
    #[serde(flatten)]
    pub found: T,
}

impl View<Effects> {
    /// The effects of the axes on a metric; under all workloads if none is named.
    ///
    /// # Errors
    /// When the record has no launches of such a workload.
    pub fn of_effects(record: &Record, workload: Option<Workload>, metric: Metric) -> Result<Self> {
        View::of(record, workload, |field| field.effects(metric))
    }
}

impl View<Front> {
    /// Who beats whom in these metrics at the same time; under all workloads if none is named.
    ///
    /// # Errors
    /// When the record has no launches of such a workload.
    pub fn of_front(
        record: &Record,
        workload: Option<Workload>,
        objectives: &[Metric],
    ) -> Result<Self> {
        View::of(record, workload, |field| field.front(objectives))
    }
}

impl<T> View<T> {
    fn of(
        record: &Record,
        workload: Option<Workload>,
        find: impl Fn(&Field) -> T,
    ) -> Result<View<T>> {
        let plan = record.plan();
        let viewed = |workload: Workload| {
            let launches = record.launches_of(workload);
            Viewed {
                workload,
                found: find(&Field::of(plan, &launches)),
            }
        };
        let workloads = asked(record, workload)?.into_iter().map(viewed);
        Ok(View {
            campaigns: record.plans.keys().cloned().collect(),
            seeds: record.plans.values().map(|plan| plan.seed).collect(),
            machines: record.machines.values().map(Machine::line).collect(),
            settings: plan.settings,
            left_out: plan.left_out.clone(),
            workloads: workloads.collect(),
        })
    }
}

/// The workloads of a record with launches, or the one that was asked for.
fn asked(record: &Record, workload: Option<Workload>) -> Result<Vec<Workload>> {
    let mut made = record.workloads();
    made.retain(|workload| !record.launches_of(*workload).is_empty());
    let campaign = &record.plan().campaign;
    match workload {
        _ if made.is_empty() => bail!(
            "failed to find launches under load in {campaign}; `cargo matrix sweep` makes a record that has them"
        ),
        Some(workload) if !made.contains(&workload) => {
            let names: Vec<&str> = made.iter().map(|made| made.name()).collect();
            bail!(
                "failed to find launches of {workload} in {campaign}: it has {}; `cargo matrix sweep -w {workload}` makes \
                 a record of it",
                names.join(", ")
            )
        }
        Some(workload) => Ok(vec![workload]),
        None => Ok(made),
    }
}
