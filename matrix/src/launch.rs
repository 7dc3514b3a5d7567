//! One launch: every arm is started, loaded slice by slice, read and stopped.
//!
//! Chance decides the order of starting, the CPU, the padding of each environment and the order of the arms in every round;
//! all of it follows from the campaign's seed, the workload and the number of the launch. Servers that are not under load
//! at the moment wait with their connections open. An arm that breaks off is left out of the remaining rounds and says why;
//! the others go on.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use crate::error::{Fault, Faulty};
use crate::load::{self, Answers, Load, Model, Target};
use crate::machine::Gate;
use crate::process::{self, Events, Server};
use crate::record::{Latency, Launch, Observation, Plan, PlannedArm, Slice};
use crate::stats::random::Random;
use crate::stats::settled;
use crate::store::now_utc;
use crate::validity::Label;
use crate::workload::Workload;

/// An arm is warmed up at least this long …
const WARMUP_MIN: Duration = Duration::from_millis(200);

/// … and at most this long, settled or not.
const WARMUP_MAX: Duration = Duration::from_secs(2);

/// Makes launch number `block` of a workload on some of the CPUs in `cpus`.
///
/// # Errors
/// When a server cannot be started, the machine cannot be read, or the user interrupts it.
pub fn launch(
    plan: &Plan,
    workload: Workload,
    block: u32,
    cpus: &[usize],
    load: &mut Load,
) -> Result<Launch> {
    let mut random = Random::new(plan.seed, &[workload as u64, u64::from(block)]);
    let started = now_utc();
    let (server_cpu, client_cpu) = placed(cpus, &mut random);
    load::pin_to(client_cpu)?;
    let gate = Gate::open()?;
    let start_order = random.order(plan.arms.len());
    let mut arms = Vec::new();
    for arm in &start_order {
        arms.push((
            *arm,
            Running::start(
                plan,
                &plan.arms[*arm],
                workload,
                server_cpu,
                &mut random,
                load,
            )?,
        ));
    }
    arms.sort_by_key(|(arm, _)| *arm);
    let mut arms: Vec<Running> = arms.into_iter().map(|(_, running)| running).collect();
    // In rounds as well: an arm that waited for all the others would lose its connections to the idle timeout. Who has
    // come to rest waits; with many arms there is hardly a moment in which the last slices of all of them lie close.
    while arms.iter().any(Running::is_cold) {
        for arm in random.order(arms.len()) {
            if arms[arm].is_cold() {
                arms[arm].guarded(|arm| arm.warm_up(load))?;
            }
        }
    }
    for round in 0..plan.settings.rounds {
        for (position, arm) in random.order(arms.len()).into_iter().enumerate() {
            arms[arm].guarded(|arm| arm.measure(load, round, position as u32))?;
        }
    }
    let (arms, servers_ns) = ended(plan, arms, load)?;
    let quiet = gate.close(servers_ns)?;
    let campaign = plan.campaign.clone();
    Ok(Launch {
        campaign,
        workload,
        block,
        started,
        server_cpu,
        client_cpu,
        start_order,
        quiet,
        arms,
    })
}

/// A CPU for all servers and another one for the client; the same one when there is no other.
pub(crate) fn placed(cpus: &[usize], random: &mut Random) -> (usize, usize) {
    let order = random.order(cpus.len());
    let server = cpus[order[0]];
    (server, order.get(1).map_or(server, |other| cpus[*other]))
}

/// Reads every arm before it stops any: a page that two servers map is private to the other one when the first has ended.
fn ended(plan: &Plan, mut arms: Vec<Running>, load: &mut Load) -> Result<(Vec<Observation>, u64)> {
    arms.iter_mut().for_each(Running::read);
    let mut servers_ns = 0;
    let mut observations = Vec::new();
    for arm in arms {
        let (mut seen, cpu_ns) = arm.end(load)?;
        seen.label = Label::of(&[&seen], &plan.settings);
        observations.push(seen);
        servers_ns += cpu_ns;
    }
    Ok((observations, servers_ns))
}

/// One arm while it runs.
struct Running {
    server: Server,
    /// None when its connections could not be opened.
    target: Option<Target>,
    slice: Duration,
    operations_per_request: u64,
    /// What each slice of the warm-up cost, CPU nanoseconds per request.
    warmup: Vec<f64>,
    before: Option<Events>,
    seen: Observation,
}

impl Running {
    fn start(
        plan: &Plan,
        arm: &PlannedArm,
        workload: Workload,
        cpu: usize,
        random: &mut Random,
        load: &mut Load,
    ) -> Result<Running> {
        let server = Server::start(
            &arm.program(),
            cpu,
            random.below(process::PADDING_BYTES_MAX),
        )?;
        let settings = &plan.settings;
        let connected = load.connect(load::Plan {
            address: server.address,
            workload,
            answers: if arm.is_floor {
                Answers::Floor
            } else {
                Answers::Arena
            },
            model: settings
                .requests_per_s
                .map_or(Model::Closed, |requests_per_s| Model::Open {
                    requests_per_s,
                }),
            connections: settings.connections,
            seed: random.draw(),
        });
        let mut seen = Observation::of(&arm.name, settings.connections);
        let slice = Duration::from_millis(settings.slice_ms);
        let target = connected.map_err(|error| seen.broke_off(&error)).ok();
        Ok(Running {
            server,
            target,
            slice,
            operations_per_request: workload.operations_per_request().unwrap_or_default().into(),
            warmup: Vec::new(),
            before: None,
            seen,
        })
    }

    /// Runs one step of an arm that has not broken off. An error in it ends the arm's part, not the launch.
    fn guarded(&mut self, step: impl FnOnce(&mut Running) -> Result<()>) -> Result<()> {
        let result = if self.seen.failure.is_none() {
            step(self)
        } else {
            Ok(())
        };
        if process::is_interrupted() {
            return Err(anyhow!("interrupted")).fault(Fault::Interrupted);
        }
        if let Err(error) = result {
            self.seen.broke_off(&error);
        }
        Ok(())
    }

    /// Whether it has not been loaded for long enough to be measured.
    fn is_cold(&self) -> bool {
        let loaded = self.slice * self.warmup.len() as u32;
        self.seen.failure.is_none()
            && (loaded < WARMUP_MIN || (!settled(&self.warmup) && loaded < WARMUP_MAX))
    }

    fn warm_up(&mut self, load: &mut Load) -> Result<()> {
        let (slice, server_cpu_ns) = self.slice(load)?;
        self.warmup
            .push(server_cpu_ns as f64 / slice.requests.max(1) as f64);
        self.seen.warmup_slices = self.warmup.len() as u32;
        self.before = self.server.events();
        Ok(())
    }

    fn measure(&mut self, load: &mut Load, round: u32, position: u32) -> Result<()> {
        let (slice, server_cpu_ns) = self.slice(load)?;
        self.seen.operations += slice.requests * self.operations_per_request;
        self.seen.add(slice, |slice| Slice {
            round,
            position,
            requests: slice.requests,
            elapsed_ns: slice.elapsed_ns,
            server_cpu_ns,
            client_cpu_ns: slice.client_cpu_ns,
            in_flight_requests: slice.in_flight_requests,
        })
    }

    fn slice(&mut self, load: &mut Load) -> Result<(load::Slice, u64)> {
        let target = self.target.context("its connections were not opened")?;
        let before_ns = self.server.cpu_ns()?;
        let slice = load.slice(target, self.slice)?;
        Ok((slice, self.server.cpu_ns()? - before_ns))
    }

    /// Reads what is read once, connections still open.
    fn read(&mut self) {
        self.seen.memory = self.server.memory();
        let events = self.server.events().zip(self.before);
        self.seen.events = events.map(|(now, before)| now.since(&before));
    }

    /// Closes the connections and stops the server.
    fn end(mut self, load: &mut Load) -> Result<(Observation, u64)> {
        if let Some(target) = self.target {
            load.close(target);
        }
        let cpu_ns = self.server.cpu_ns()?;
        self.seen.end = self.server.stop()?;
        if self.seen.end == process::End::Killed {
            eprintln!("{} did not end on SIGTERM and was killed", self.seen.name);
        }
        Ok((self.seen, cpu_ns))
    }
}

impl Observation {
    pub(crate) fn of(name: &str, connections: u32) -> Observation {
        Observation {
            name: name.to_owned(),
            warmup_slices: 0,
            slices: Vec::new(),
            operations: 0,
            wrong: 0,
            first_wrong: None,
            unanswered: 0,
            statuses: std::collections::BTreeMap::new(),
            connections_open: connections,
            reconnects: 0,
            late_sends: 0,
            received_bytes: 0,
            sent_bytes: 0,
            latency: Latency::empty(),
            service: None,
            memory: None,
            events: None,
            end: process::End::Stopped,
            failure: None,
            label: Label::default(),
        }
    }

    fn broke_off(&mut self, error: &anyhow::Error) {
        self.failure = Some(format!("{error:#}"));
    }

    fn add(&mut self, seen: load::Slice, row: impl FnOnce(&load::Slice) -> Slice) -> Result<()> {
        self.slices.push(row(&seen));
        self.wrong += seen.wrong;
        self.unanswered += seen.unanswered;
        self.connections_open = self.connections_open.min(seen.connections_open);
        self.reconnects += seen.reconnects;
        self.late_sends += seen.late_sends;
        self.received_bytes += seen.received_bytes;
        self.sent_bytes += seen.sent_bytes;
        seen.statuses
            .iter()
            .for_each(|(status, count)| *self.statuses.entry(*status).or_default() += count);
        self.latency.add(&seen.latency_ns)?;
        if let Some(service_ns) = &seen.service_ns {
            self.service
                .get_or_insert_with(Latency::empty)
                .add(service_ns)?;
        }
        self.first_wrong = self.first_wrong.take().or(seen.first_wrong);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_and_client_get_different_cpus_where_there_are_two() {
        let mut random = Random::new(1, &[]);
        let places: std::collections::BTreeSet<_> =
            (0..50).map(|_| placed(&[2, 5, 7], &mut random)).collect();
        assert_eq!(places.len(), 6);
        assert!(places.iter().all(|(server, client)| server != client));
        assert_eq!(placed(&[3], &mut random), (3, 3));
    }
}
