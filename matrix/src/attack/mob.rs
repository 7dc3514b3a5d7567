//! Plays an attack: as many clients as it says, on one thread, at the rate that it says.
//!
//! Clients whose time has come stand in a heap; the others wait for an event of their socket. Each move that costs a system
//! call is paid from an allowance that grows with time, so that a mob of ten thousand takes no more of the machine than
//! one of ten.
//!
//! Invariant: a client stands in the heap at most once with its present generation; entries of an earlier one are
//! skipped. It checks no answer: it looks at the status of what comes, and at how connections end.

mod client;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context, Result};

use super::{Attack, Move, Tally};
use crate::load::sys::{self, Epoll, Watch, now_ns};
use client::{Client, Done};

/// The thread looks so often whether it is to stop.
const LOOK_NS: u64 = 10_000_000;

/// Between the first moves of two clients: they come one by one, and each goes on as soon as it is there.
pub(super) const ARRIVAL_NS: u64 = 100_000;

/// Moves that were not made are kept for so long, as a part of a second.
const ALLOWANCE_KEPT_S: f64 = 0.02;

/// What a mob and who waits for it tell each other.
#[derive(Debug, Default)]
pub(super) struct Signals {
    pub(super) stop: AtomicBool,
    /// Connections that are open now.
    pub(super) open: AtomicUsize,
}

/// Attacks until it is told to stop, and leaves by resets.
///
/// # Errors
/// When the kernel gives no epoll instance.
pub(super) fn attack(attack: &Attack, address: SocketAddr, signals: &Signals) -> Result<Tally> {
    sys::yield_to_others().context("failed to give attackers the lowest priority")?;
    let (cpu_ns, began_ns) = (sys::thread_cpu_ns(), now_ns());
    let mut mob = Mob {
        attack,
        address,
        scripts: (attack.scripts)(),
        epoll: Epoll::new().context("failed to make an epoll instance")?,
        clients: Vec::new(),
        due: BinaryHeap::new(),
        open: 0,
        tally: Tally::default(),
    };
    mob.run(signals)?;
    mob.tally.cpu_ns = sys::thread_cpu_ns() - cpu_ns;
    mob.tally.elapsed_ns = now_ns() - began_ns;
    Ok(mob.tally)
}

struct Mob<'a> {
    attack: &'a Attack,
    address: SocketAddr,
    scripts: Vec<Vec<Move>>,
    epoll: Epoll,
    clients: Vec<Client>,
    /// When a client moves next: the time, the client, its generation.
    due: BinaryHeap<Reverse<(u64, usize, u32)>>,
    open: usize,
    tally: Tally,
}

impl Mob<'_> {
    fn run(&mut self, signals: &Signals) -> Result<()> {
        let per_s = f64::from(self.attack.moves_per_s);
        let mut then_ns = now_ns();
        let mut allowance = 0.0_f64;
        for index in 0..self.attack.clients {
            self.clients.push(Client::new(index, self.scripts.len()));
            let due_ns = then_ns + index as u64 * ARRIVAL_NS;
            self.due.push(Reverse((due_ns, index, 0)));
        }
        while !signals.stop.load(Ordering::Relaxed) {
            let now_ns = now_ns();
            let earned = (now_ns - then_ns) as f64 / 1e9 * per_s;
            allowance = (allowance + earned).min((per_s * ALLOWANCE_KEPT_S).max(1.0));
            then_ns = now_ns;
            while allowance >= 1.0 && self.move_one(now_ns)? {
                allowance -= 1.0;
            }
            signals.open.store(self.open, Ordering::Relaxed);
            self.tally.open_most = self.tally.open_most.max(self.open);
            let next_ns = self
                .due
                .peek()
                .map_or(u64::MAX, |Reverse((due_ns, ..))| *due_ns);
            let paid_ns = if allowance < 1.0 {
                (1e9 / per_s) as u64
            } else {
                0
            };
            let wait_ns = next_ns.saturating_sub(now_ns).max(paid_ns).min(LOOK_NS);
            self.wait(wait_ns)?;
        }
        for client in &mut self.clients {
            if client.leave() {
                self.tally.note("left open".to_owned());
            }
        }
        signals.open.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// Lets the client make its move whose turn has come; `false` if there is none.
    fn move_one(&mut self, now_ns: u64) -> Result<bool> {
        while let Some(Reverse((due_ns, index, generation))) = self.due.peek().copied() {
            if due_ns > now_ns {
                return Ok(false);
            }
            self.due.pop();
            if self.clients[index].generation == generation {
                self.act(index, now_ns)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Connects a client, or lets it make one move.
    fn act(&mut self, index: usize, now_ns: u64) -> Result<()> {
        let client = &mut self.clients[index];
        if client.socket().is_none() {
            match client.connect(self.address, self.attack.reads) {
                Ok(socket) => {
                    self.epoll
                        .add(socket, index, Watch::ReadingAndWriting)
                        .context("failed to watch a connection")?;
                    self.open += 1;
                    self.tally.opened += 1;
                    self.due.push(Reverse((now_ns, index, client.generation)));
                }
                Err(error) => self.ended(index, format!("not opened: {error}"), now_ns),
            }
            return Ok(());
        }
        let script = &self.scripts[client.script];
        let done = client.step(script, &mut self.tally.sent_bytes);
        match done {
            Done::Waits => {}
            Done::Again(after_ms) => {
                let due_ns = now_ns + after_ms * 1_000_000;
                self.due.push(Reverse((due_ns, index, client.generation)));
            }
            Done::Ended(how) => {
                self.open -= 1;
                self.ended(index, how, now_ns);
            }
        }
        Ok(())
    }

    /// Counts how a connection ended; its client connects again.
    fn ended(&mut self, index: usize, how: String, now_ns: u64) {
        self.tally.note(how);
        let client = &mut self.clients[index];
        client.forget();
        self.due
            .push(Reverse((now_ns + LOOK_NS, index, client.generation)));
    }

    fn wait(&mut self, wait_ns: u64) -> Result<()> {
        let count = self
            .epoll
            .wait(wait_ns)
            .context("failed to wait for events with epoll_pwait2")?;
        for number in 0..count {
            let event = self.epoll.event(number);
            let index = event.token;
            let now_ns = now_ns();
            let client = &mut self.clients[index];
            let moves = client.noticed(&self.scripts[client.script], event);
            if moves {
                self.act(index, now_ns)?;
            }
            let reads = self.attack.reads;
            let client = &mut self.clients[index];
            if let Some(how) = client.heard(event, reads) {
                self.open -= 1;
                self.ended(index, how, now_ns);
            }
        }
        Ok(())
    }
}
