//! What a request costs in things that can be counted: instructions, calls of the kernel, allocations. And what an
//! executable is, counted too: its machine code, its dependencies, what its build took.
//!
//! Each source has a pass of its own, with a server that nobody times: counting makes it slower. A fixed number of requests is
//! driven through it, the same for every arm, and every answer is checked. The counts are read before and behind each span of
//! requests, so that what starting, connecting and warming up cost is in none of them. Spans that differ show how far a count
//! repeats.

mod allocations;
mod compared;
mod executable;
mod instructions;
mod sys;
mod syscalls;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::arm::Arm;
use crate::axes::Axes;
use crate::build;
use crate::design::Design;
use crate::error::{Fault, Faulty, fault_of};
use crate::launch::placed;
use crate::load::{self, Answers, Load, Model};
use crate::process::{self, Program, Server};
use crate::record::{Count, Plan, PlannedArm, Source};
use crate::stats::random::Random;
use crate::store::now_utc;
use crate::workload::Workload;

pub(crate) use allocations::offered as allocation_counts;
pub use compared::compared;

/// Readings are this many spans apart, all of the same requests.
const SPANS: u32 = 2;

/// Requests of each connection in a span: whole turns of the documents of `json`, of which there are 7, and of the 10 requests
/// of a connection of `limited-conn`.
const REQUESTS: u32 = 140;

/// A server under valgrind takes seconds for what it does in milliseconds otherwise.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// Between the last answer of a span and the reading: what a server does behind its answers belongs to them.
const REST: Duration = Duration::from_millis(20);

/// Tells the draws made here from those of launches and of idle servers.
const PLACE: u64 = 0xc0;

/// One source over one server.
struct Pass {
    program: Program,
    answers: Answers,
    workload: Workload,
    connections: u32,
    server_cpu: usize,
}

/// Makes all passes over one arm under one workload.
///
/// # Errors
/// When the user interrupts it. What cannot be counted is in the result.
pub fn count(plan: &Plan, workload: Workload, arm: usize, cpus: &[usize]) -> Result<Count> {
    let mut random = Random::new(plan.seed, &[PLACE, workload as u64, arm as u64]);
    let started = now_utc();
    let (server_cpu, client_cpu) = placed(cpus, &mut random);
    let planned = &plan.arms[arm];
    let mut wrong = Vec::new();
    let pass = Pass {
        program: planned.program(),
        answers: answers(planned),
        workload,
        connections: plan.settings.connections,
        server_cpu,
    };
    // Building uses every CPU, so it comes before anything is pinned.
    let counting = counting(planned);
    load::pin_to(client_cpu)?;
    let instructions = told("instructions", instructions::pass(&pass), &mut wrong)?;
    let syscalls = told("syscalls", syscalls::pass(&pass), &mut wrong)?;
    let allocated = counting.and_then(|(path, place)| {
        let pass = Pass {
            program: Program::Executable(path, planned.arguments.clone()),
            ..pass
        };
        allocations::pass(&pass, place)
    });
    let allocations = told("allocations", allocated, &mut wrong)?;
    let dependencies =
        design(planned).and_then(|(axes, design)| executable::dependencies(&axes, &design));
    Ok(Count {
        campaign: plan.campaign.clone(),
        workload,
        arm,
        started,
        server_cpu,
        client_cpu,
        instructions,
        syscalls,
        allocations,
        text_bytes: told("text", executable::text_bytes(&planned.path), &mut wrong)?,
        dependencies: told("dependencies", dependencies, &mut wrong)?,
        build_cpu_s: told("build", build::cpu_s(&planned.path), &mut wrong)?,
        wrong,
    })
}

fn answers(arm: &PlannedArm) -> Answers {
    if arm.is_floor {
        Answers::Floor
    } else {
        Answers::Arena
    }
}

/// Where the counts of allocations are: in the executable itself, or in a build of the design that counts.
fn counting(arm: &PlannedArm) -> Result<(PathBuf, allocations::Place)> {
    if let Some(place) = allocations::offered(&arm.path)? {
        return Ok((arm.path.clone(), place));
    }
    let (axes, design) = design(arm).with_context(|| {
        format!(
            "it has no `{}`, which a path offers by linking orthant-counting and a design by a build of its own",
            allocations::SYMBOL
        )
    })?;
    let built = build::counting(&axes, &design, &mut build::told)?;
    let place = allocations::offered(&built.path)?.with_context(|| {
        format!(
            "failed to find `{}` in {}",
            allocations::SYMBOL,
            built.path.display()
        )
    })?;
    Ok((built.path, place))
}

/// The design that an arm is, where what cargo says and builds now is said of the arm's own executable.
fn design(arm: &PlannedArm) -> Result<(Axes, Design)> {
    let axes = Axes::read()?;
    let design = match axes.arm(&arm.name)? {
        Arm::Design(design) => design,
        Arm::Revised(..) => {
            bail!("it is of another revision, and this is counted of designs of this checkout only")
        }
        _ => bail!("it is no design of this workspace"),
    };
    ensure!(
        build::current(&axes, &design)?.as_ref() == Some(&arm.sha256),
        "its sources changed since it was built for this record: count it in a new one"
    );
    Ok((axes, design))
}

/// What a source says; wrong answers are also kept apart.
fn told<T>(what: &str, seen: Result<T>, wrong: &mut Vec<String>) -> Result<Source<T>> {
    if process::is_interrupted() {
        return Err(anyhow!("interrupted")).fault(Fault::Interrupted);
    }
    Ok(match seen {
        Ok(seen) => Source::Seen(seen),
        Err(error) => {
            if fault_of(&error) == Fault::Measurement {
                wrong.push(format!("{what}: {error:#}"));
            }
            Source::Missing(format!("{error:#}"))
        }
    })
}

/// Drives a server through the spans; of each, its requests and what was read before and behind it.
fn spans<R: Clone>(
    pass: &Pass,
    server: &Server,
    mut read: impl FnMut() -> Result<R>,
) -> Result<Vec<(u64, R, R)>> {
    let mut load = Load::new()?;
    load.wait_for_answers(ANSWER_MAX);
    let target = load.connect(load::Plan {
        address: server.address,
        workload: pass.workload,
        answers: pass.answers,
        model: Model::Closed,
        connections: pass.connections,
        seed: 0,
    })?;
    let mut driven = || {
        let slice = load.writes(target, REQUESTS / pass.workload.requests_per_write())?;
        std::thread::sleep(REST);
        checked(&slice)?;
        Ok::<_, anyhow::Error>((slice.requests, read()?))
    };
    let (_, mut before) = driven()?;
    let mut seen = Vec::new();
    for _ in 0..SPANS {
        let (requests, now) = driven()?;
        seen.push((requests, before, now.clone()));
        before = now;
    }
    Ok(seen)
}

impl Pass {
    /// A command may start other processes, which nobody would count.
    fn is_one_process(&self) -> Result<()> {
        match self.program {
            Program::Executable(..) => Ok(()),
            Program::Command(_) => {
                bail!("a command may start several processes, and one is counted")
            }
        }
    }
}

/// A wrong answer is a fault of the server; one that does not come may be due to what counts.
fn checked(slice: &load::Slice) -> Result<()> {
    let first = slice.first_wrong.as_deref().unwrap_or_default();
    if slice.wrong > 0 {
        let wrong = anyhow!("{} wrong answers, first {first}", slice.wrong);
        return Err(wrong).fault(Fault::Measurement);
    }
    ensure!(
        slice.unanswered == 0 && !process::is_interrupted(),
        "{} requests without an answer: {first}",
        slice.unanswered
    );
    Ok(())
}
