//! The records that an answer comes from: one for each load that a need asks for.

use std::collections::BTreeSet;
use std::fs::{self, DirEntry, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use serde::Serialize;

use crate::need::{Need, Subject};
use crate::record::{Line, Plan, PlannedArm, Record};
use crate::stats::simultaneous::LAUNCHES_MIN;
use crate::store;
use crate::workload::Workload;

/// Whose records are looked for.
const COMMANDS: [&str; 2] = ["sweep", "idle"];

/// Under which load a figure is taken.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Load {
    /// Every answer is followed by the next request.
    Closed,
    /// So many requests per second, whatever is answered.
    Open(f64),
    /// Connections that ask for nothing.
    Idle,
}

impl Load {
    /// What needs without a rate are about: the rate that one of them names first, else the closed loop.
    #[must_use]
    pub fn of_all(needs: &[Need]) -> Load {
        let rate = needs.iter().find_map(|need| need.rate);
        rate.map_or(Load::Closed, Load::Open)
    }

    /// What one of them is about.
    #[must_use]
    pub fn of(need: &Need, needs: &[Need]) -> Load {
        match (need.subject, need.rate) {
            (Subject::BytesPerConnection, _) => Load::Idle,
            (Subject::Throughput, _) => Load::Closed,
            (_, Some(rate)) => Load::Open(rate),
            (_, None) => Load::of_all(needs),
        }
    }

    /// All that are needed, the one of the primary metric first.
    #[must_use]
    pub fn all(needs: &[Need]) -> Vec<Load> {
        let mut loads = vec![Load::of_all(needs)];
        for load in needs.iter().map(|need| Load::of(need, needs)) {
            if !loads.contains(&load) {
                loads.push(load);
            }
        }
        loads
    }

    /// Whether a campaign offers it.
    #[must_use]
    pub fn is_of(self, plan: &Plan, workload: Workload) -> bool {
        let is_loaded = plan.idle.is_empty() && plan.workloads.contains(&workload);
        match self {
            Load::Idle => !plan.idle.is_empty(),
            Load::Closed => is_loaded && plan.settings.requests_per_s.is_none(),
            Load::Open(rate) => is_loaded && plan.settings.requests_per_s == Some(rate),
        }
    }

    /// The command that makes a record of it.
    #[must_use]
    pub fn command(self, workload: Workload) -> String {
        match self {
            Load::Closed => format!("cargo matrix sweep -w {workload}"),
            Load::Open(rate) => format!("cargo matrix sweep -w {workload} --rate {rate}"),
            Load::Idle => "cargo matrix idle --launches 6".to_owned(),
        }
    }
}

impl std::fmt::Display for Load {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Load::Closed => out.write_str("closed loop"),
            Load::Open(rate) => write!(out, "{rate} requests/s"),
            Load::Idle => out.write_str("idle connections"),
        }
    }
}

/// Records of different loads; those of one campaign's kind are merged.
#[derive(Clone, Debug, Default)]
pub struct Evidence(Vec<Record>);

impl Evidence {
    /// Adds a record.
    ///
    /// # Errors
    /// When an executable of the same name is another one in it: figures of both say nothing about either.
    pub fn add(&mut self, record: Record) -> Result<()> {
        for known in &self.0 {
            same_executables(known.plan(), record.plan())?;
        }
        let is_same = |known: &&mut Record| known.plan().is_about_the_same_as(record.plan());
        match self.0.iter_mut().find(is_same) {
            Some(known) => *known = known.clone().merge(record)?,
            None => self.0.push(record),
        }
        Ok(())
    }

    /// The record of a load.
    ///
    /// # Errors
    /// When there is none, with the command that makes it.
    pub fn of(&self, load: Load, workload: Workload) -> Result<&Record> {
        let found = self
            .0
            .iter()
            .find(|record| load.is_of(record.plan(), workload));
        found.ok_or_else(|| {
            let command = load.command(workload);
            match load {
                Load::Idle => anyhow!("failed to find a record of {load}: `{command}` makes one, or --measure"),
                _ => anyhow!("failed to find a record of {workload}, {load}: `{command}` makes one, or --measure"),
            }
        })
    }

    /// What was measured at another revision than `head`, so that a line for Cargo takes other code.
    #[must_use]
    pub fn other_code(&self, head: &str) -> Vec<String> {
        let machines = self.0.iter().flat_map(|record| record.machines.values());
        let of_other_code = machines.filter_map(|machine| {
            let revision = machine.git_revision.as_deref()?;
            (revision != head).then(|| {
                format!(
                    "{} was measured at revision {}, and the checkout is at {}: the line for Cargo takes the code of today; \
                     measure again where that matters",
                    machine.campaign,
                    short(revision),
                    short(head)
                )
            })
        });
        of_other_code.collect()
    }

    /// The names of the axes that some record knows nothing of, and whose value its designs do not tell.
    #[must_use]
    pub fn unknown_axes(&self, names: &[String]) -> Vec<String> {
        let unknown = names.iter().filter(|name| {
            let is_unknown = |record: &Record| {
                let axes = &record.plan().axes;
                !axes.is_empty() && !axes.contains(name)
            };
            self.0.iter().any(is_unknown)
        });
        unknown.cloned().collect()
    }

    /// The names of all campaigns.
    #[must_use]
    pub fn campaigns(&self) -> Vec<String> {
        let plans = self.0.iter().flat_map(|record| record.plans.keys());
        plans.cloned().collect()
    }
}

fn short(revision: &str) -> &str {
    revision.get(..7).unwrap_or(revision)
}

fn same_executables(one: &Plan, other: &Plan) -> Result<()> {
    for arm in &one.arms {
        let changed = |found: &&PlannedArm| found.name == arm.name && found.sha256 != arm.sha256;
        if let Some(arm) = other.arms.iter().find(changed) {
            bail!(
                "failed to use {} and {} together: {} is another executable in each; measure both loads again",
                one.campaign,
                other.campaign,
                arm.name
            );
        }
    }
    Ok(())
}

/// The newest record of a load in a folder: of a sweep or of `idle`, with as many launches as an interval takes; whoever is
/// passed over for too few is named on stderr. The name of a campaign begins with its date. A file that cannot be read is no
/// candidate; whoever names it is told why.
///
/// # Errors
/// When the folder cannot be read; one that is not there has none.
pub fn newest(folder: &Path, load: Load, workload: Workload) -> Result<Option<PathBuf>> {
    if !folder.exists() {
        return Ok(None);
    }
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = entries.with_context(|| format!("failed to read {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.iter().map(DirEntry::path).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    paths.sort();
    let is_it = |path: &&PathBuf| {
        let of_load =
            |plan: &Plan| COMMANDS.contains(&plan.command.as_str()) && load.is_of(plan, workload);
        planned(path).is_some_and(|plan| of_load(&plan)) && has_enough(path, load, workload)
    };
    Ok(paths.iter().rev().find(is_it).cloned())
}

/// The first line of a record.
fn planned(path: &Path) -> Option<Plan> {
    let mut lines = BufReader::new(File::open(path).ok()?).lines();
    match serde_json::from_str(&lines.next()?.ok()?).ok()? {
        Line::Plan(plan) => Some(plan),
        _ => None,
    }
}

/// Whether there is an interval in it.
fn has_enough(path: &Path, load: Load, workload: Workload) -> bool {
    let Ok(found) = store::read(path) else {
        return false;
    };
    let made = match load {
        Load::Idle => {
            let starts = found.record.idle.values();
            let blocks: BTreeSet<u32> = starts.map(|start| start.block).collect();
            blocks.len()
        }
        Load::Closed | Load::Open(_) => found.record.launches_of(workload).len(),
    };
    if made < LAUNCHES_MIN {
        eprintln!(
            "{load}: passed over {}, which has {made} of the {LAUNCHES_MIN} launches that an interval needs",
            path.display()
        );
    }
    made >= LAUNCHES_MIN
}
