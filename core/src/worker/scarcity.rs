//! What becomes scarce: big regions, memory for what clients have sent, places for connections. Whoever gives least for
//! what it holds gives way to the others.
//!
//! Each of them is bounded, so peers that read or send nothing, or some bytes now and then, could hold all of it for as
//! long as their deadlines last, and everybody else would wait or be refused. As long as half of it is free nobody is
//! hurried. Then one after the other may have to go, those first that use it least, and no more of them than it takes:
//!
//! - of the regions, whoever takes less than a region in `region_hold_ms`, and less than one in a quarter of that while
//!   others wait;
//! - of the memory, whoever would need more than `received_hold_ms` to send again what it holds;
//! - of the places, once all are taken, whoever has been of no use for `full_idle_ms`: it is idle, its head is not whole
//!   yet, or it sends content that was refused.

use super::{Worker, queue};
use crate::buffers::Buffers;
use crate::clock::Now;
use crate::connection::{Connection, Hoard, Shared};
use crate::handler::Handler;
use crate::limits::{BIG_REGION_BYTES, RESUME_PERCENT};
use crate::slab::Id;

/// How many times less patient a worker is while somebody waits for a region.
const HASTE: u64 = 4;

/// Between two looks, in milliseconds, unless one is due before.
const LOOK_MS: u64 = 500;

/// The pace at which a peer sends is taken over such a part of `received_hold_ms`.
const PACE_PART: u64 = 8;

/// When it was last looked for those who have to give way, and what was seen.
#[derive(Debug)]
pub(super) struct Looks {
    /// When to look next, if something is scarce then.
    pub(super) next_ms: u64,
    /// Who held memory, in the order of their index, and when that was.
    hoarders: Vec<Hoarder>,
    hoarders_ms: u64,
}

/// Who held memory, how many bytes had moved, and whether it was slow between that look and the one before.
#[derive(Debug)]
struct Hoarder {
    id: Id,
    moved_bytes: u64,
    slow: bool,
}

impl Looks {
    pub(super) fn new(now: Now) -> Looks {
        Looks {
            next_ms: now.monotonic_ms,
            hoarders: Vec::new(),
            hoarders_ms: 0,
        }
    }
}

impl<H: Handler, B: Buffers> Worker<H, B> {
    /// Whether somebody may have to give way.
    #[inline]
    pub(super) fn scarce(&self) -> bool {
        self.is_crowded() || self.shared.pool.scarce() > 0 || self.shared.tails.scarce()
    }

    /// Whether others wait for places.
    #[inline]
    fn is_crowded(&self) -> bool {
        self.full && !self.shared.draining
    }

    /// Ends those who give least. It looks at every connection, so it is not done in every turn: what it takes is little
    /// beside the time between two.
    #[cold]
    pub(super) fn relieve(&mut self) {
        let now_ms = self.shared.now.monotonic_ms;
        self.looks.next_ms = now_ms + LOOK_MS;
        if self.shared.pool.scarce() > 0 {
            let again_ms = self.relieve_regions();
            self.looks.next_ms = self.looks.next_ms.min(again_ms);
        }
        if self.shared.tails.scarce() {
            self.relieve_memory();
        }
        if self.is_crowded() {
            self.relieve_places();
        }
    }

    /// Returns when to look again.
    fn relieve_regions(&mut self) -> u64 {
        let (now, hold_ms) = (self.shared.now, self.shared.limits.region_hold_ms);
        let waits = |id: &&Id| {
            self.connections
                .get(**id)
                .is_some_and(Connection::waits_for_region)
        };
        let (hold_ms, most) = match self.shared.waiting.iter().filter(waits).count() {
            0 => (hold_ms, self.shared.pool.scarce()),
            waiting => (hold_ms / HASTE, waiting),
        };
        let least_per_s = BIG_REGION_BYTES as u64 * 1_000 / hold_ms.max(1);
        let pace = |id: Id| {
            let pace = self.connections.get(id)?.pace(now)?;
            let slow = pace.age_ms >= hold_ms && pace.bytes_per_s < least_per_s;
            slow.then_some((pace.bytes_per_s, id))
        };
        let slow = self.connections.ids().filter_map(pace).collect();
        for id in least_first(slow).take(most) {
            self.change_by(id, Connection::give_way);
        }
        now.monotonic_ms + (hold_ms / 2).max(1)
    }

    /// Whoever was slow between two looks, and between the two before: one lost packet is no slowness.
    fn relieve_memory(&mut self) {
        let now_ms = self.shared.now.monotonic_ms;
        let hold_ms = self.shared.limits.received_hold_ms;
        let elapsed_ms = now_ms - self.looks.hoarders_ms;
        if elapsed_ms < hold_ms / PACE_PART {
            return;
        }
        self.looks.hoarders_ms = now_ms;
        let mut before = std::mem::take(&mut self.looks.hoarders);
        if elapsed_ms > LOOK_MS + hold_ms / PACE_PART * 2 {
            // What was seen when memory was last scarce tells nothing of now.
            before.clear();
        }
        let mut slow = Vec::new();
        for id in self.connections.ids() {
            let Some(Hoard {
                held_bytes,
                moved_bytes,
            }) = self.connections.get(id).and_then(Connection::hoard)
            else {
                continue;
            };
            let earlier = before
                .binary_search_by_key(&id.index(), |earlier| earlier.id.index())
                .map(|at| &before[at])
                .ok()
                .filter(|earlier| earlier.id == id);
            let needs_ms = earlier.map_or(0, |earlier| {
                held_bytes as u64 * elapsed_ms / (moved_bytes - earlier.moved_bytes).max(1)
            });
            let is_slow = needs_ms > hold_ms;
            if is_slow && earlier.is_some_and(|earlier| earlier.slow) {
                slow.push((u64::MAX - needs_ms, id));
            }
            self.looks.hoarders.push(Hoarder {
                id,
                moved_bytes,
                slow: is_slow,
            });
        }
        for id in least_first(slow) {
            if !self.shared.tails.scarce() {
                break;
            }
            self.change_by(id, |connection, shared| connection.exhausted(shared, &[]));
        }
    }

    fn relieve_places(&mut self) {
        let limits = &self.shared.limits;
        let mut leaving = 0;
        let mut useless = Vec::new();
        for id in self.connections.ids() {
            let Some(connection) = self.connections.get(id) else {
                continue;
            };
            leaving += usize::from(connection.is_leaving());
            let since_ms = connection.useless_ms(self.shared.now, limits);
            if let Some(since_ms) = since_ms.filter(|ms| *ms >= limits.full_idle_ms) {
                useless.push((u64::MAX - since_ms, id));
            }
        }
        let resumed_at = limits.connections_max.saturating_mul(RESUME_PERCENT) / 100;
        let most = self.connections.len().saturating_sub(resumed_at + leaving);
        for id in least_first(useless).take(most) {
            self.change_by(id, Connection::make_room);
        }
    }

    #[inline(never)]
    fn change_by(&mut self, id: Id, change: fn(&mut Connection<H, B>, &mut Shared<H>)) {
        if let Some(connection) = self.connections.get_mut(id) {
            change(connection, &mut self.shared);
            // It may have something else to send now, and to wait for: what was due before is not.
            connection.settle(self.shared.now, &self.shared.limits);
            queue(&mut self.changed, id, connection);
        }
    }
}

/// In the order of the numbers beside them.
#[inline(never)]
fn least_first(mut who: Vec<(u64, Id)>) -> impl Iterator<Item = Id> {
    who.sort_unstable_by_key(|(number, id)| (*number, id.index()));
    who.into_iter().map(|(_, id)| id)
}
