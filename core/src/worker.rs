//! The engine of one thread: all its connections, their timers, and what they share.

mod rest;
mod scarcity;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::buffers::{Buffers, Pool, Tails};
use crate::clock::{Now, Opening};
use crate::connection::{Connection, Shared};
use crate::counters::{Counters, Timeout};
use crate::error::CloseReason;
use crate::handler::Handler;
use crate::limits::{Limits, RESUME_PERCENT};
use crate::slab::{Id, Slab};
use crate::want::Want;
use crate::wheel::Wheel;
use rest::Rest;
use scarcity::Looks;

/// How often memory that nobody needed is given back.
const TRIM_MS: u64 = 1_000;

/// When a region comes back, so many at most try in vain to answer with it: a line of answers that each need more than there
/// is must not cost a turn.
const VAIN_TRIES_MAX: u8 = 8;

/// The engine of one thread of a server.
///
/// The backend's loop owns the sockets and calls it; it never calls out. The contract of the loop:
///
/// - `tick` is called before the first event and then once per turn of the loop, with the time.
/// - Nothing is accepted while the worker is not `accepting`: the kernel's queue holds who comes then. That changes by
///   `open`, `ended` and `drain` only, so it is asked where something is accepted and where a connection has ended.
/// - The latest [`Want`] of a connection holds; each call that returns one replaces it.
/// - Received bytes come in by `on_bytes`. No bytes means end of input. Bytes that come although they are not wanted any
///   more are kept; so a loop that cannot take back a receive loses nothing.
/// - What `pending` shows keeps its address and its bytes until `on_sent` for that id, whatever is called in between.
///   `on_sent` with 0 gives the bytes back unsent.
/// - After [`Want::CLOSE`], or when a socket breaks, the loop takes back what the kernel holds, closes, and calls
///   `ended`. An id that has ended is harmless wherever it turns up: nothing is wanted for it.
/// - After the events of a turn, `next_changed` is called until it returns `None`.
/// - Told to stop, the loop accepts who has connected already, [`BACKLOG_MAX`](crate::BACKLOG_MAX) at most and as far as
///   there is `room`, and then calls `drain`. It need not hear them before: the worker waits for what they ask.
pub struct Worker<H: Handler, B: Buffers> {
    connections: Slab<Connection<H, B>>,
    shared: Shared<H>,
    wheel: Wheel,
    changed: VecDeque<Id>,
    /// A region was returned, and those that wait for one have not all tried since: so many may try in vain.
    waking: u8,
    /// `connections_max` were open, and too many are yet.
    full: bool,
    drain_until_ms: u64,
    trim_at_ms: u64,
    looks: Looks,
    rest: Rest,
}

/// How a connection came to its end, as the loop saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was closed because that was wanted.
    Wanted,
    /// The peer reset it, or the kernel refused to go on.
    Broken,
}

impl<H: Handler, B: Buffers> Worker<H, B> {
    /// Bytes of a worker's memory that an idle connection takes. What the backend keeps of its socket comes on top, and
    /// what the kernel does.
    pub const IDLE_CONNECTION_BYTES: usize =
        Slab::<Connection<H, B>>::PLACE_BYTES + Wheel::ENTRY_BYTES + B::IDLE_BYTES;

    /// An engine for one thread. `now` is the time at which it is made.
    pub fn new(handler: H, limits: Limits, now: Now) -> Worker<H, B> {
        Worker {
            connections: Slab::new(),
            wheel: Wheel::new(now.monotonic_ms),
            changed: VecDeque::new(),
            waking: 0,
            full: limits.connections_max == 0,
            drain_until_ms: u64::MAX,
            trim_at_ms: now.monotonic_ms + TRIM_MS,
            looks: Looks::new(now),
            rest: Rest::new(),
            shared: Shared {
                handler,
                pool: Pool::new(limits.big_regions_max),
                tails: Tails::new(limits.received_bytes_max),
                limits,
                opening: Opening::new(now.unix_s),
                now,
                counters: Arc::default(),
                draining: false,
                waiting: VecDeque::new(),
            },
        }
    }

    /// A socket has been accepted, from this peer as far as that is known. `None`: it is not wanted, close it; so it is
    /// where there was no `room`.
    pub fn open(&mut self, peer: Option<SocketAddr>) -> Option<Id> {
        let room = self.room();
        self.full |= room <= 1;
        if room == 0 {
            self.shared.counters.turned_away.add(1);
            return None;
        }
        self.shared.counters.opened.add(1);
        let shared = &mut self.shared;
        let id = self.connections.insert(|id| Connection::new(id, shared));
        self.shared.handler.on_open(id, peer);
        self.event(id, |_, _| ());
        Some(id)
    }

    /// Whether to accept: not from the moment at which `connections_max` are open until [`RESUME_PERCENT`] of so many
    /// are, and not while draining.
    pub fn accepting(&self) -> bool {
        !self.full && !self.shared.draining
    }

    /// How many connections may be opened yet.
    pub fn room(&self) -> usize {
        if self.shared.draining {
            return 0;
        }
        let connections_max = self.shared.limits.connections_max;
        connections_max.saturating_sub(self.connections.len())
    }

    /// The peer has sent these bytes, which are the loop's and are not looked at after this call. None: it has ended its
    /// side of the connection.
    #[inline]
    pub fn on_bytes(&mut self, id: Id, bytes: &[u8]) -> Want {
        self.event(id, |connection, shared| {
            shared.counters.bytes_received.add(bytes.len() as u64);
            connection.received(shared, bytes);
        })
    }

    /// The bytes to send next; empty when there are none. They count as being sent until `on_sent`.
    #[inline]
    pub fn pending(&mut self, id: Id) -> &[u8] {
        self.connections
            .get_mut(id)
            .map_or(&[], Connection::pending)
    }

    /// The first so many of the pending bytes have been sent.
    ///
    /// # Panics
    /// When fewer were pending.
    #[inline]
    pub fn on_sent(&mut self, id: Id, bytes: usize) -> Want {
        self.event(id, |connection, shared| connection.sent(shared, bytes))
    }

    /// The socket is closed and the kernel holds no memory of it any more. Returns why it ended; `None` for an id that
    /// had ended before.
    pub fn ended(&mut self, id: Id, how: Ended) -> Option<CloseReason> {
        let connection = self.connections.remove(id)?;
        self.wheel.clear(id.index() as u32);
        let connections_max = self.shared.limits.connections_max;
        self.full &= self.connections.len() * 100 > connections_max.saturating_mul(RESUME_PERCENT);
        let reason = connection.close(&mut self.shared, how);
        self.shared.counters.closes[reason.index()].add(1);
        Some(reason)
    }

    /// A request that was parked may be answered now. Does nothing for one that is not parked.
    pub fn resume(&mut self, id: Id) {
        if let Some(connection) = self.connections.get_mut(id) {
            connection.woken = true;
            queue(&mut self.changed, id, connection);
        }
    }

    /// The next connection that was changed by something else than its own socket: a deadline, a region returned, a
    /// `resume`, draining.
    #[inline]
    pub fn next_changed(&mut self) -> Option<(Id, Want)> {
        loop {
            while let Some(id) = self.changed.pop_front() {
                if self.connections.get(id).is_some() {
                    return Some((id, self.event(id, Worker::change)));
                }
            }
            // Behind the events of the turn, so that nobody goes for what was taken already and is told only now.
            let now_ms = self.shared.now.monotonic_ms;
            if !self.scarce() || now_ms < self.looks.next_ms {
                return self.next_waiting();
            }
            self.relieve();
        }
    }

    /// Lets those that wait for a region try, the first of them first, until none is left. Whoever needs more than there are
    /// stands last in line then, so that it keeps nobody from what there is.
    fn next_waiting(&mut self) -> Option<(Id, Want)> {
        if self.shared.pool.take_returned() {
            let waiting = u8::try_from(self.shared.waiting.len()).unwrap_or(u8::MAX);
            self.waking = VAIN_TRIES_MAX.min(waiting);
        }
        while self.waking > 0 {
            let Some(id) = self.shared.waiting.pop_front() else {
                self.waking = 0;
                break;
            };
            if self
                .connections
                .get(id)
                .is_none_or(|connection| !connection.waiting)
            {
                continue;
            }
            let want = self.event(id, Connection::retry);
            if self
                .connections
                .get(id)
                .is_some_and(|connection| connection.waiting)
            {
                self.waking -= 1;
                if self.shared.pool.is_empty() {
                    // It stands last in line now, where it stood first.
                    self.shared.waiting.rotate_right(1);
                    self.waking = 0;
                }
            }
            return Some((id, want));
        }
        // Whoever ended while waiting still stands in line.
        if self.shared.waiting.len() > 2 * self.connections.len() + 64 {
            let connections = &self.connections;
            self.shared.waiting.retain(|id| {
                connections
                    .get(*id)
                    .is_some_and(|connection| connection.waiting)
            });
        }
        None
    }

    fn change(connection: &mut Connection<H, B>, shared: &mut Shared<H>) {
        connection.queued = false;
        if std::mem::take(&mut connection.woken) {
            connection.wake(shared);
        } else if connection.deadline_ms(&shared.limits) <= shared.now.monotonic_ms {
            connection.expire(shared);
        }
    }

    /// Tells the time. When it has to be told again, `next_ms` says after the events of the turn.
    pub fn tick(&mut self, now: Now) {
        self.shared.now = now;
        self.shared.opening.turn(now.unix_s);
        self.shared.handler.on_turn(now);
        while let Some(index) = self.wheel.turn(now.monotonic_ms) {
            let (id, connection) = self
                .connections
                .at_mut(index)
                .expect("a timer ends with its connection");
            connection.scheduled_ms = u64::MAX;
            let at_ms = connection.deadline_ms(&self.shared.limits);
            if at_ms <= now.monotonic_ms {
                queue(&mut self.changed, id, connection);
            } else if at_ms != u64::MAX {
                connection.scheduled_ms = at_ms;
                self.wheel.set(index, at_ms);
            }
        }
        let received = self.shared.counters.bytes_received.get();
        let is_open = self.live() > 0;
        if self.rest.turn(now.monotonic_ms, received, is_open) {
            self.shared.handler.on_rest();
        }
        if now.monotonic_ms >= self.drain_until_ms {
            let live = self.connections.len() as u64;
            self.shared.counters.timeouts[Timeout::Drain as usize].add(live);
            self.each(|connection, shared| connection.end(shared, CloseReason::Drained));
            self.drain_until_ms = u64::MAX;
        }
        if now.monotonic_ms >= self.trim_at_ms {
            self.trim_at_ms = now.monotonic_ms + TRIM_MS;
            self.shared.pool.trim();
            self.shared.tails.trim();
        }
    }

    /// When `tick` has to be called next at the latest, on the clock of its argument; events may bring that forward.
    #[inline]
    pub fn next_ms(&self) -> Option<u64> {
        if !self.changed.is_empty() || self.waking > 0 {
            return Some(self.shared.now.monotonic_ms);
        }
        let next_ms = self.wheel.next_ms().unwrap_or(u64::MAX);
        let received = self.shared.counters.bytes_received.get();
        let is_open = self.live() > 0;
        let now_ms = self.shared.now.monotonic_ms;
        let rest_ms = self.rest.next_ms(now_ms, received, is_open);
        let mut next_ms = next_ms.min(self.drain_until_ms).min(rest_ms);
        if self.shared.pool.keeps() || self.shared.tails.keeps() {
            next_ms = next_ms.min(self.trim_at_ms);
        }
        if self.scarce() {
            next_ms = next_ms.min(self.looks.next_ms);
        }
        (next_ms != u64::MAX).then_some(next_ms)
    }

    /// Stops: nothing is opened any more, connections close after their next answer, those that ask for nothing within
    /// `drain_idle_ms` then, and all of them when `drain_timeout_ms` are over. The worker has stopped when `live` is 0.
    pub fn drain(&mut self) {
        if !self.shared.draining {
            self.shared.draining = true;
            let limits = &mut self.shared.limits;
            limits.idle_timeout_ms = limits.idle_timeout_ms.min(limits.drain_idle_ms);
            let now_ms = self.shared.now.monotonic_ms;
            self.drain_until_ms = now_ms.saturating_add(limits.drain_timeout_ms);
            // Whoever is idle is given its new deadline.
            self.each(|connection, _| connection.hurry());
        }
    }

    /// Changes every connection, and queues it for `next_changed`.
    fn each(&mut self, mut change: impl FnMut(&mut Connection<H, B>, &mut Shared<H>)) {
        let ids: Vec<Id> = self.connections.ids().collect();
        for id in ids {
            if let Some(connection) = self.connections.get_mut(id) {
                change(connection, &mut self.shared);
                queue(&mut self.changed, id, connection);
            }
        }
    }

    /// How many connections there are.
    pub fn live(&self) -> usize {
        self.connections.len()
    }

    /// What it allows its clients and itself.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// What it counts; another thread may keep a hold of it.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.shared.counters
    }

    /// Bytes of all its regions: those that connections have, and those that its pool keeps for the next answers.
    pub fn regions_bytes(&self) -> usize {
        self.shared.pool.regions_bytes()
    }

    /// Bytes of the memory in which its connections keep what they have received and not used yet.
    pub fn received_bytes(&self) -> usize {
        self.shared.tails.used_bytes()
    }

    /// How many big regions its pool has lent now.
    pub fn regions_lent(&self) -> usize {
        self.shared.pool.lent()
    }

    /// Bytes of the regions that its connections have now, those of their own and those that the pool has lent.
    pub fn regions_in_use_bytes(&self) -> usize {
        self.shared.pool.in_use_bytes()
    }

    /// Does something to a connection, then sees to its deadline and returns what it wants.
    #[inline(always)]
    fn event(&mut self, id: Id, act: impl FnOnce(&mut Connection<H, B>, &mut Shared<H>)) -> Want {
        let Some(connection) = self.connections.get_mut(id) else {
            return Want::NOTHING;
        };
        act(connection, &mut self.shared);
        let at_ms = connection.settle(self.shared.now, &self.shared.limits);
        if at_ms < connection.scheduled_ms {
            connection.scheduled_ms = at_ms;
            self.wheel.set(id.index() as u32, at_ms);
        }
        connection.want()
    }
}

fn queue<H: Handler, B: Buffers>(
    changed: &mut VecDeque<Id>,
    id: Id,
    connection: &mut Connection<H, B>,
) {
    if !std::mem::replace(&mut connection.queued, true) {
        changed.push_back(id);
    }
}

#[cfg(test)]
mod tests;
