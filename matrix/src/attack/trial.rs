//! One attack on one server: quiet and attacked windows in turn, what the server took before, meanwhile and after, and
//! what of that may not be.
//!
//! The attackers and the honest clients are threads of this process on one CPU, the server is a process of its own on
//! another; so what is read of the server's memory is the server's. Both kinds of clients share a CPU, on which attackers,
//! and who reads the server's memory, take only what honest clients leave: otherwise their latencies are those of a client
//! that waits for its CPU. What attackers keep awake makes honest answers come faster than on a CPU that sleeps between two.

mod opponent;
mod seen;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use super::mob::{self, Signals};
use super::watch::{Peak, watch};
use super::{Attack, Tally};
use crate::error::{Fault, Faulty};
use crate::launch::placed;
use crate::load::{self, Answers, Held, Load, Model, Target};
use crate::process::{self, Server};
use crate::stats::random::Random;
use crate::workload::Workload;

pub use opponent::{Opponent, Times};
pub use seen::{Reading, Seen, Windows};

/// Honest clients, and what each offers.
const HONEST: u32 = 16;

/// A part of a window in which attackers come, or go: honest clients ask on, and their latencies do not count.
const BETWEEN: Duration = Duration::from_millis(100);

/// Attackers have so long to come.
const GATHER_MAX: Duration = Duration::from_secs(3);

/// The server has so long to notice that they have gone, beyond what it lets them linger.
const SCATTER_MAX: Duration = Duration::from_secs(5);

/// The server is left alone for so long, to see whether it rests.
const REST: Duration = Duration::from_millis(150);

/// How long and how fast.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Quiet windows, and attacked ones.
    pub rounds: u32,
    /// The length of a window.
    pub window: Duration,
    /// What honest clients ask for, and how often in all.
    pub workload: Workload,
    /// Requests per second of all honest clients.
    pub requests_per_s: f64,
    /// Where chance comes from.
    pub seed: u64,
}

/// Attacks one server.
///
/// # Errors
/// When it cannot be started or read, or the user interrupts it.
pub fn tried(
    attack: &'static Attack,
    opponent: &Opponent,
    pace: &Pace,
    cpus: &[usize],
) -> Result<Seen> {
    let mut random = Random::new(pace.seed, &[0xa77a]);
    let (server_cpu, client_cpu) = placed(cpus, &mut random);
    load::pin_to(client_cpu)?;
    let server = Server::start_within(
        attack.descriptors,
        &opponent.program,
        server_cpu,
        random.below(process::PADDING_BYTES_MAX),
    )?;
    let mut load = Load::new()?;
    let target = load.connect(load::Plan {
        address: server.address,
        workload: pace.workload,
        answers: Answers::Arena,
        model: Model::Open {
            requests_per_s: pace.requests_per_s,
        },
        connections: HONEST,
        seed: random.draw(),
    })?;
    let seen = Seen::of(attack, opponent);
    let mut trial = Trial {
        attack,
        server,
        load,
        target,
        seen,
    };
    let failure = trial.run(pace).err();
    if process::is_interrupted() {
        return Err(anyhow!("interrupted")).fault(Fault::Interrupted);
    }
    trial.end(failure)
}

struct Trial {
    attack: &'static Attack,
    server: Server,
    load: Load,
    target: Target,
    seen: Seen,
}

impl Trial {
    fn run(&mut self, pace: &Pace) -> Result<()> {
        // The first answers are slow, and what they take stays.
        self.honest(pace.window.min(BETWEEN * 3))?;
        self.seen.before = self.reading();
        self.server.glass().forget_peak()?;
        for _ in 0..pace.rounds {
            let p99_ns = self.window(pace.window, |seen| &mut seen.quiet)?;
            self.seen.quiet.p99_ns.push(p99_ns);
            let p99_ns = self.attacked(pace.window)?;
            self.seen.attacked.p99_ns.push(p99_ns);
            self.scattered()?;
            if process::is_interrupted() {
                return Ok(());
            }
        }
        self.seen.after = self.reading();
        let (began, cpu_ns) = (Instant::now(), self.server.cpu_ns()?);
        std::thread::sleep(REST);
        self.seen.cpu_at_rest = share(self.server.cpu_ns()? - cpu_ns, began);
        let mut held = Held::new(self.server.address, Answers::Arena);
        self.seen.accepts = held.grow(1).is_ok();
        Ok(())
    }

    /// A window with attackers; the p99 of honest clients.
    fn attacked(&mut self, window: Duration) -> Result<u64> {
        let (glass, address, attack) = (self.server.glass(), self.server.address, self.attack);
        let signals = Signals::default();
        std::thread::scope(|scope| {
            let mob = scope.spawn(|| mob::attack(attack, address, &signals));
            let watcher = scope.spawn(|| watch(glass, &signals.stop));
            let p99_ns = self
                .gathered(&signals)
                .and_then(|()| self.window(window, |seen| &mut seen.attacked));
            signals.stop.store(true, Ordering::Relaxed);
            let peak = watcher
                .join()
                .map_err(|_| anyhow!("the watcher panicked"))?
                .context("failed to give the watcher the lowest priority")?;
            let tally = mob
                .join()
                .map_err(|_| anyhow!("the attackers panicked"))??;
            self.noted(peak, tally);
            p99_ns
        })
    }

    fn noted(&mut self, peak: Peak, tally: Tally) {
        let most = &mut self.seen.peak;
        most.private_bytes = most.private_bytes.max(peak.private_bytes);
        most.resident_bytes = most.resident_bytes.max(peak.resident_bytes);
        most.descriptors = most.descriptors.max(peak.descriptors);
        self.seen.attackers.add(tally);
    }

    /// Waits until no more attackers come; meanwhile honest clients ask on.
    fn gathered(&mut self, signals: &Signals) -> Result<()> {
        let began = Instant::now();
        let arriving = Duration::from_nanos(self.attack.clients as u64 * mob::ARRIVAL_NS);
        let mut before = 0;
        while began.elapsed() < GATHER_MAX {
            self.honest(BETWEEN)?;
            let open = signals.open.load(Ordering::Relaxed);
            if open <= before && began.elapsed() >= arriving {
                break;
            }
            before = open;
        }
        Ok(())
    }

    /// Waits until the server holds the connections of honest clients only.
    fn scattered(&mut self) -> Result<()> {
        let began = Instant::now();
        while began.elapsed() < SCATTER_MAX {
            self.honest(BETWEEN)?;
            let held = self.server.connections();
            if held.is_none_or(|held| held <= HONEST as usize) {
                break;
            }
        }
        Ok(())
    }

    /// Honest clients ask for so long, and what it costs is noted; their p99.
    fn window(
        &mut self,
        window: Duration,
        of: impl FnOnce(&mut Seen) -> &mut Windows,
    ) -> Result<u64> {
        let (began, cpu_ns) = (Instant::now(), self.server.cpu_ns()?);
        let latency_ns = self.honest(window)?;
        let cpu = share(self.server.cpu_ns()? - cpu_ns, began);
        of(&mut self.seen).cpu.push(cpu);
        Ok(latency_ns)
    }

    fn honest(&mut self, duration: Duration) -> Result<u64> {
        let slice = self.load.slice(self.target, duration)?;
        self.seen.answers += slice.requests;
        self.seen.wrong += slice.wrong;
        self.seen.unanswered += slice.unanswered;
        self.seen.reconnects += slice.reconnects;
        self.seen.late_sends += slice.late_sends;
        self.seen.first_wrong = self.seen.first_wrong.take().or(slice.first_wrong);
        Ok(slice.latency_ns.value_at_quantile(0.99))
    }

    fn reading(&self) -> Reading {
        let memory = self.server.memory();
        Reading {
            private_bytes: memory.map(|memory| memory.private_bytes),
            resident_bytes: memory.map(|memory| memory.resident_bytes),
            descriptors: self.server.glass().descriptors(),
            connections: self.server.connections(),
        }
    }

    /// Stops the server, and says what of all this may not be.
    fn end(mut self, failure: Option<anyhow::Error>) -> Result<Seen> {
        self.load.close(self.target);
        let end = self.server.stop().context("failed to stop a server")?;
        self.seen
            .judge(end, failure.map(|error| format!("{error:#}")), self.attack);
        Ok(self.seen)
    }
}

/// CPU time as a part of the time that has passed.
fn share(cpu_ns: u64, began: Instant) -> f64 {
    cpu_ns as f64 / began.elapsed().as_nanos().max(1) as f64
}
