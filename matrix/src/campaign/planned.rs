//! From the arms somebody asked for to a plan: they are built, and those that this machine cannot run are left out.

use anyhow::{Context, Result, bail};

use crate::arm::Arm;
use crate::axes::Axes;
use crate::build::{Built, Rebuild, build, told};
use crate::error::{Fault, fault_of};
use crate::process::{self, Server};
use crate::record::{LeftOut, Plan, PlannedArm, SCHEMA, Settings};
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
    /// The workloads.
    pub workloads: Vec<Workload>,
    /// How load is offered.
    pub settings: Settings,
    /// What happens to an arm that this machine cannot run.
    pub refused: Refused,
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
    let built = build(axes, &asked.arms, Rebuild::Stale, &mut told)?;
    let cpu = *process::usable_cpus()?
        .first()
        .context("no CPU may be used")?;
    let (mut arms, mut left_out) = (Vec::new(), Vec::new());
    for arm in built {
        let name = arm.arm.name();
        match Server::start(&arm.path, cpu, 0).and_then(Server::stop) {
            Ok(_) => arms.push(planned_arm(arm)),
            Err(error)
                if asked.refused == Refused::LeftOut && fault_of(&error) == Fault::Refused =>
            {
                eprintln!("left out {name}: {error:#}");
                left_out.push(LeftOut {
                    name,
                    reason: format!("{error:#}"),
                });
            }
            Err(error) => return Err(error),
        }
    }
    if arms.is_empty() {
        bail!("failed to find an arm that runs on this machine; `cargo matrix list` shows all");
    }
    Ok(Plan {
        schema: SCHEMA,
        campaign: campaign_name(&asked.started, asked.command, asked.seed),
        command: asked.command.to_owned(),
        seed: asked.seed,
        arms,
        left_out,
        workloads: asked.workloads,
        settings: asked.settings,
    })
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

fn planned_arm(built: Built) -> PlannedArm {
    PlannedArm {
        name: built.arm.name(),
        path: built.path,
        sha256: built.sha256,
        is_floor: matches!(built.arm, Arm::Floor(_)),
    }
}
