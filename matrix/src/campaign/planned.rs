//! From the arms somebody asked for to a plan: they are built, and those that this machine cannot run are left out.
//!
//! Each is started once, and is what it then calls itself: a floor is a floor under any path, and a design has a floor.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};

use crate::arm::{Arm, FLOOR};
use crate::axes::{Axes, Coverage};
use crate::build::{Built, Rebuild, build, told};
use crate::error::{Fault, fault_of};
use crate::process::{self, Server};
use crate::record::{Comparison, Counts, LeftOut, Plan, PlannedArm, SCHEMA, Settings};
use crate::store::campaign_name;
use crate::workload::Workload;

/// What a command wants.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its own name.
    pub command: &'static str,
    /// When it was given.
    pub started: String,
    /// Where all chance comes from.
    pub seed: u64,
    /// The executables; the first one is the reference.
    pub arms: Vec<Arm>,
    /// Which designs they are of those that combine the values.
    pub coverage: Coverage,
    /// Which floors are measured with them.
    pub floors: Floors,
    /// The workloads.
    pub workloads: Vec<Workload>,
    /// For `idle`: with how many connections memory is read.
    pub idle: Vec<u32>,
    /// What is counted.
    pub counts: Counts,
    /// For `compare`: how it is decided.
    pub comparison: Option<Comparison>,
    /// How load is offered.
    pub settings: Settings,
    /// What happens to an arm that this machine cannot run.
    pub refused: Refused,
}

/// Which floors are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floors {
    /// Those of the arms' backends, after the arms.
    Beside,
    /// Those among the arms.
    AsAsked,
}

/// What happens to an arm that this machine cannot run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is left out, with a notice.
    LeftOut,
    /// Nothing is measured.
    Fails,
}

/// Builds the arms and starts each of them once.
///
/// # Errors
/// When an arm cannot be built or started, or none is left.
pub fn planned(axes: &Axes, asked: Asked) -> Result<Plan> {
    // Of paths and peers it is known when they have said what they are, of all others before they are built.
    for name in asked.arms.iter().filter_map(Arm::kind) {
        for workload in &asked.workloads {
            check_answers(axes, &name, *workload)?;
        }
    }
    let (mut arms, mut left_out) = tried(axes, &asked.arms, asked.refused)?;
    if asked.floors == Floors::Beside {
        let (floors, without) = tried(axes, &floors_beside(axes, &arms), asked.refused)?;
        arms.extend(floors);
        left_out.extend(without);
    }
    if arms.is_empty() {
        bail!("failed to find an arm that runs on this machine; `cargo matrix list` shows all");
    }
    for arm in &arms {
        for workload in &asked.workloads {
            check_answers(axes, arm.identity(), *workload)?;
        }
    }
    let known = axes.axes_of(arms.iter().map(PlannedArm::identity));
    Ok(Plan {
        schema: SCHEMA,
        campaign: campaign_name(&asked.started, asked.command, asked.seed),
        command: asked.command.to_owned(),
        seed: asked.seed,
        arms,
        left_out,
        workloads: asked.workloads,
        axes: known.iter().map(|axis| axis.name.clone()).collect(),
        unnamed: known.last().and_then(|axis| axis.unnamed.clone()),
        coverage: asked.coverage,
        idle: asked.idle,
        counts: asked.counts,
        comparison: asked.comparison,
        settings: asked.settings,
    })
}

/// A harness answers the workloads of allocators, and nobody else does.
///
/// # Errors
/// When what calls itself by this name does not answer this workload.
pub(crate) fn check_answers(axes: &Axes, name: &str, workload: Workload) -> Result<()> {
    match (axes.is_harness(name), workload.is_of_allocators()) {
        (true, false) => bail!(
            "failed to load {name} with {workload}: a harness answers {}; choose one by -w",
            Workload::listed(Workload::is_of_allocators)
        ),
        (false, true) => bail!(
            "failed to load {name} with {workload}: harnesses alone answer it; name one, such as harness+slab"
        ),
        _ => Ok(()),
    }
}

/// Builds arms and starts each of them once.
fn tried(axes: &Axes, arms: &[Arm], refused: Refused) -> Result<(Vec<PlannedArm>, Vec<LeftOut>)> {
    let cpu = *process::usable_cpus()?
        .first()
        .context("no CPU may be used")?;
    let (mut run, mut left_out) = (Vec::new(), Vec::new());
    for built in build(axes, arms, Rebuild::Stale, &mut told)? {
        let name = built.arm.name();
        match name_of(&built, cpu) {
            Ok(announced) => run.push(planned_arm(built, announced)),
            Err(error) if refused == Refused::LeftOut && fault_of(&error) == Fault::Refused => {
                eprintln!("left out {name}: {error:#}");
                left_out.push(LeftOut {
                    name,
                    reason: format!("{error:#}"),
                });
            }
            Err(error) => return Err(error),
        }
    }
    Ok((run, left_out))
}

/// What an executable calls itself when it is started.
fn name_of(built: &Built, cpu: usize) -> Result<String> {
    let mut server = Server::start(&built.program(), cpu, 0)?;
    let name = std::mem::take(&mut server.name);
    server.stop()?;
    Ok(name)
}

/// The floors of the arms' backends, each once, without those that are among the arms.
fn floors_beside(axes: &Axes, arms: &[PlannedArm]) -> Vec<Arm> {
    let is_there = |floor: &Arm| arms.iter().any(|arm| arm.identity() == floor.name());
    let floors: BTreeSet<Arm> = arms
        .iter()
        .filter_map(|arm| axes.floor_of(arm.identity()))
        .collect();
    floors
        .into_iter()
        .filter(|floor| !is_there(floor))
        .collect()
}

/// Refuses a plan whose executables are not what they were.
///
/// # Errors
/// When one is missing or its hash changed.
pub(super) fn verified(plan: &Plan) -> Result<()> {
    let axes = Axes::read()?;
    let arms: Vec<Arm> = plan
        .arms
        .iter()
        .map(|arm| Arm::Executable(arm.path.clone()))
        .collect();
    let found = build(&axes, &arms, Rebuild::Stale, &mut |_| {}).context(
        "failed to find the executables the record was begun with; begin a new campaign",
    )?;
    for (arm, found) in plan.arms.iter().zip(found) {
        if arm.sha256 != found.sha256 {
            bail!(
                "failed to resume: {} is not the executable the record was begun with; check out that revision and run \
                 `cargo matrix build`, or begin a new campaign",
                arm.path.display()
            );
        }
    }
    Ok(())
}

fn planned_arm(built: Built, announced: String) -> PlannedArm {
    let (commit, command) = match &built.arm {
        Arm::Revised(commit, _) => (Some(commit.to_string()), None),
        Arm::Commanded(commanded) => (None, Some(commanded.command.clone())),
        _ => (None, None),
    };
    PlannedArm {
        name: built.arm.name(),
        commit,
        command,
        path: built.path,
        sha256: built.sha256,
        is_floor: announced.ends_with(FLOOR),
        announced: Some(announced),
        arguments: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harnesses_answer_the_workloads_of_allocators_and_nobody_else_does() {
        let axes = Axes::read().expect("the workspace can be read");
        for (name, workload, is_right) in [
            ("harness+slab", Workload::Larson, true),
            ("harness+floor", Workload::HttpLike, true),
            ("epoll+split+slab", Workload::Json, true),
            ("fixture", Workload::Baseline, true),
            ("harness+slab", Workload::Json, false),
            ("epoll+floor", Workload::Larson, false),
            ("fixture", Workload::AllocMixed, false),
        ] {
            let checked = check_answers(&axes, name, workload);
            assert_eq!(checked.is_ok(), is_right, "{name} {workload}");
        }
    }

    #[test]
    fn every_backend_brings_its_floor_once() {
        let axes = Axes::read().expect("the workspace can be read");
        let floors = |announced: &[&str]| {
            let arm = |name: &&str| {
                let built = Built {
                    arm: Arm::Executable("/before".into()),
                    path: "/before".into(),
                    sha256: String::new(),
                    size_bytes: 0,
                    fresh: true,
                    build_s: 0.0,
                };
                planned_arm(built, (*name).to_owned())
            };
            let arms: Vec<PlannedArm> = announced.iter().map(arm).collect();
            let floors = floors_beside(&axes, &arms);
            floors.iter().map(Arm::name).collect::<Vec<_>>()
        };
        assert_eq!(
            floors(&["uring+split+system", "epoll+flat+system"]),
            ["epoll+floor", "uring+floor"]
        );
        assert_eq!(
            floors(&["epoll+split+system", "epoll+flat+system"]),
            ["epoll+floor"]
        );
        assert!(floors(&["epoll+floor", "epoll+flat+system", "another", ""]).is_empty());
    }
}
