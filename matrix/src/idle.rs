//! What an idle connection costs: one server at a time gets more and more connections, each of which makes one request
//! and then keeps silent, and its memory is read between.
//!
//! Nothing else runs meanwhile, since the kernel's memory can only be read for the whole machine. A part of that belongs
//! to our own ends of the connections; pairs of which we hold both ends, opened the same way, say how much.
//!
//! At the end every connection is looked at and some are asked once more: a server that had closed some would look
//! lean.

use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::error::{Fault, Faulty};
use crate::launch::placed;
use crate::load::{self, Answers, Bare, Held};
use crate::machine::KernelMemory;
use crate::process::{self, End, Server};
use crate::record::{Idle, IdlePoint, Plan};
use crate::stats::random::Random;
use crate::store::now_utc;

/// Connections keep silent for so long before memory is read. The worker's pool shrinks and allocators give pages back
/// within it, as far as they do so soon; the kernel sums up its counters every second (`vm.stat_interval`).
const SILENCE: Duration = Duration::from_millis(1_200);

/// Tells the draws made here from those of launches, whose first number is a workload.
const PLACE: u64 = 0x1d1e;

/// What has its turn in a block: the arms in random order, and the bare pairs, which are no arm.
#[must_use]
pub fn turns(plan: &Plan, block: u32) -> Vec<Option<usize>> {
    let mut random = Random::new(plan.seed, &[PLACE, u64::from(block)]);
    let arms = plan.arms.len();
    let arm = |turn: usize| (turn < arms).then_some(turn);
    random.order(arms + 1).into_iter().map(arm).collect()
}

/// Starts an arm and reads it with every number of connections that the plan names; without an arm it opens bare pairs.
///
/// # Errors
/// When a server cannot be started or the user interrupts it. What else goes wrong is in the result.
pub fn hold(plan: &Plan, arm: Option<usize>, block: u32, cpus: &[usize]) -> Result<Idle> {
    let place = arm.map_or(u64::MAX, |arm| arm as u64);
    let mut random = Random::new(plan.seed, &[PLACE, u64::from(block), place]);
    let started = now_utc();
    let (server_cpu, client_cpu) = placed(cpus, &mut random);
    load::pin_to(client_cpu)?;
    let mut seen = Idle {
        campaign: plan.campaign.clone(),
        block,
        arm,
        started,
        server_cpu,
        client_cpu,
        points: Vec::new(),
        end: End::Stopped,
        failure: None,
    };
    let Some(arm) = arm else {
        let mut bare = Bare::default();
        let result = grow(&mut seen, &plan.idle, |count| bare.grow(count), || None);
        return finished(seen, result);
    };
    let arm = &plan.arms[arm];
    let server = Server::start(
        &arm.program(),
        server_cpu,
        random.below(process::PADDING_BYTES_MAX),
    )?;
    let answers = if arm.is_floor {
        Answers::Floor
    } else {
        Answers::Arena
    };
    let mut held = Held::new(server.address, answers);
    let result = grow(
        &mut seen,
        &plan.idle,
        |count| held.grow(count),
        || server.memory(),
    );
    let result = result.and_then(|()| held.verify());
    drop(held);
    seen.end = server.stop()?;
    finished(seen, result)
}

/// Goes through the numbers of connections and reads at each.
fn grow(
    seen: &mut Idle,
    counts: &[u32],
    mut open: impl FnMut(usize) -> Result<()>,
    memory: impl Fn() -> Option<process::Memory>,
) -> Result<()> {
    for count in counts {
        open(*count as usize)?;
        std::thread::sleep(SILENCE);
        seen.points.push(IdlePoint {
            connections: *count,
            memory: memory(),
            kernel: KernelMemory::now(),
        });
        if process::is_interrupted() {
            break;
        }
    }
    Ok(())
}

fn finished(mut seen: Idle, result: Result<()>) -> Result<Idle> {
    if process::is_interrupted() {
        return Err(anyhow!("interrupted")).fault(Fault::Interrupted);
    }
    seen.failure = result.err().map(|error| format!("{error:#}"));
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::SCHEMA;

    #[test]
    fn every_arm_and_the_bare_pairs_have_one_turn_in_a_block() {
        let settings = crate::record::Settings {
            launches: 1,
            rounds: 0,
            slice_ms: 0,
            connections: 8,
            requests_per_s: None,
        };
        let arm = |name: &str| crate::record::PlannedArm {
            name: name.to_owned(),
            path: name.into(),
            commit: None,
            command: None,
            sha256: String::new(),
            announced: None,
            is_floor: false,
            arguments: Vec::new(),
        };
        let plan = Plan {
            schema: SCHEMA,
            campaign: "one".to_owned(),
            command: "idle".to_owned(),
            seed: 1,
            arms: ["a", "b", "c"].map(arm).into(),
            left_out: Vec::new(),
            workloads: Vec::new(),
            axes: Vec::new(),
            unnamed: None,
            coverage: crate::axes::Coverage::Full,
            idle: vec![4, 8],
            counts: crate::record::Counts::None,
            comparison: None,
            settings,
        };
        let first = turns(&plan, 0);
        assert_eq!(first, turns(&plan, 0));
        assert!((1..20).any(|block| turns(&plan, block) != first));
        let mut sorted = first;
        sorted.sort_unstable();
        assert_eq!(sorted, [None, Some(0), Some(1), Some(2)]);
    }
}
