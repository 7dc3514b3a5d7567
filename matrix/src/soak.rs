//! A soak: one server under a steady load for a long time, read in every epoch of a second.
//!
//! The load is an open loop: clients that come whatever the server does. Where a share of the server's capacity is asked
//! for, the first server is asked for that in a closed loop before; those that are started later get the same load. Nothing
//! is judged here, and nothing kept: an epoch is handed out as soon as it is over.

mod sys;
mod syscalls;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::launch::placed;
use crate::load::{self, Answers, Load, Model, Target};
use crate::machine::{Gate, KernelMemory};
use crate::process::{self, Events, Program, Server};
use crate::record::{Epoch, Latency, Plan, Rate, SegmentBegin, SegmentEnd, Soaked};
use crate::stats::median;
use crate::stats::random::Random;
use crate::store::now_utc;

use syscalls::Syscalls;

/// The closed loop runs in slices of this length …
const CAPACITY_SLICE: Duration = Duration::from_millis(200);

/// … of which so many warm the server up …
const CAPACITY_SLICES_COLD: usize = 5;

/// … and the median of so many is its capacity.
const CAPACITY_SLICES: usize = 10;

/// Tells the draws made here from those of launches and of `idle`.
const PLACE: u64 = 0x50a4;

/// Whether calls of the kernel can be counted while a soak goes on.
#[must_use]
pub fn calls_can_be_counted() -> bool {
    Syscalls::of(std::process::id()).is_some()
}

/// One server under load.
pub struct Soaking {
    server: Server,
    target: Target,
    /// An epoch ends when this is over and nothing is outstanding.
    epoch: Duration,
    syscalls: Option<Syscalls>,
    gate: Gate,
    began: Instant,
    before: Counters,
}

/// What only ever grows.
#[derive(Clone, Copy)]
struct Counters {
    cpu_ns: u64,
    events: Option<Events>,
    syscalls: Option<u64>,
}

impl Soaking {
    /// Starts the server, finds the load, and connects.
    ///
    /// # Errors
    /// When it cannot be started, or does nothing in the closed loop.
    pub fn start(
        plan: &Plan,
        soaked: &Soaked,
        cpus: &[usize],
        load: &mut Load,
    ) -> Result<(Soaking, SegmentBegin)> {
        let segment = soaked.segments.len() as u32;
        let mut random = Random::new(plan.seed, &[PLACE, u64::from(segment)]);
        let started = now_utc();
        let (server_cpu, client_cpu) = placed(cpus, &mut random);
        load::pin_to(client_cpu)?;
        let gate = Gate::open()?;
        let arm = &plan.arms[0];
        let padding = random.below(process::PADDING_BYTES_MAX);
        let program = arm.program();
        let mut server = Server::start(&program, server_cpu, padding)?;
        let offered = load::Plan {
            address: server.address,
            workload: *plan.workloads.first().context("a soak has a workload")?,
            answers: if arm.is_floor {
                Answers::Floor
            } else {
                Answers::Arena
            },
            model: Model::Closed,
            connections: plan.settings.connections,
            seed: random.draw(),
        };
        let first = soaked
            .segments
            .first()
            .map(|segment| segment.begin.requests_per_s);
        let (capacity_requests_per_s, requests_per_s) = match (soaked.asked.rate, first) {
            (Rate::PerS(per_s), _) => (None, per_s),
            (Rate::Share(_), Some(per_s)) => (None, per_s),
            (Rate::Share(share), None) => {
                let capacity = capacity(load, offered)?;
                (Some(capacity), share * capacity)
            }
        };
        let target = load.connect(load::Plan {
            model: Model::Open { requests_per_s },
            ..offered
        })?;
        // A command is several processes, and what the others do would be missing.
        let syscalls = match program {
            Program::Executable(..) => Syscalls::of(server.process()),
            Program::Command(_) => None,
        };
        let soaking = Soaking {
            before: Counters::of(&mut server, syscalls.as_ref())?,
            began: Instant::now(),
            server,
            target,
            epoch: Duration::from_millis(plan.settings.slice_ms),
            syscalls,
            gate,
        };
        let begin = SegmentBegin {
            segment,
            started,
            server_cpu,
            client_cpu,
            capacity_requests_per_s,
            requests_per_s,
        };
        Ok((soaking, begin))
    }

    /// Loads the server for an epoch and reads it.
    ///
    /// # Errors
    /// When it cannot be loaded any more.
    pub fn epoch(&mut self, load: &mut Load) -> Result<Epoch> {
        let seen = load.slice(self.target, self.epoch)?;
        let now = Counters::of(&mut self.server, self.syscalls.as_ref())?;
        let before = std::mem::replace(&mut self.before, now);
        let mut latency = Latency::empty();
        latency.add(&seen.latency_ns)?;
        let events = now.events.zip(before.events);
        let syscalls = now.syscalls.zip(before.syscalls);
        Ok(Epoch {
            at_ms: self.began.elapsed().as_millis() as u64,
            requests: seen.requests,
            elapsed_ns: seen.elapsed_ns,
            server_cpu_ns: now.cpu_ns - before.cpu_ns,
            client_cpu_ns: seen.client_cpu_ns,
            wrong: seen.wrong,
            unanswered: seen.unanswered,
            first_wrong: seen.first_wrong,
            late_sends: seen.late_sends,
            connections_open: seen.connections_open,
            latency,
            memory: self.server.memory(),
            kernel: KernelMemory::now(),
            events: events.map(|(now, before)| now.since(&before)),
            syscalls: syscalls.map(|(now, before)| now - before),
        })
    }

    /// Closes the connections and stops the server; `failure` is what broke it off.
    ///
    /// # Errors
    /// When the kernel does not let us.
    pub fn end(mut self, load: &mut Load, failure: Option<String>) -> Result<SegmentEnd> {
        load.close(self.target);
        let cpu_ns = self.server.cpu_ns().unwrap_or(self.before.cpu_ns);
        let end = self.server.stop()?;
        let quiet = self.gate.close(cpu_ns)?;
        Ok(SegmentEnd {
            end,
            failure,
            quiet,
        })
    }
}

impl Counters {
    fn of(server: &mut Server, syscalls: Option<&Syscalls>) -> Result<Counters> {
        Ok(Counters {
            cpu_ns: server.cpu_ns()?,
            events: server.events(),
            syscalls: syscalls.and_then(Syscalls::count),
        })
    }
}

/// What the server does in a closed loop, in requests per second.
fn capacity(load: &mut Load, offered: load::Plan) -> Result<f64> {
    let target = load.connect(offered)?;
    let mut per_s = Vec::new();
    for _ in 0..CAPACITY_SLICES_COLD + CAPACITY_SLICES {
        let slice = load.slice(target, CAPACITY_SLICE)?;
        per_s.push(slice.requests as f64 / slice.elapsed_ns as f64 * 1e9);
    }
    load.close(target);
    let capacity = median(&per_s[CAPACITY_SLICES_COLD..]).unwrap_or(0.0);
    ensure!(
        capacity > 0.0,
        "failed to find the capacity of {}: it answered nothing in the closed loop; try it by `cargo matrix run`, or give \
         --rate a number",
        offered.address
    );
    Ok(capacity)
}
