//! Big regions that become scarce: those who read slowest give way to the others.
//!
//! A region is held for as long as its peer takes to read what is in it, so peers that read nothing, or some bytes now and
//! then, could hold all of them for as long as their deadlines last, and everybody else would wait. As long as half of
//! the regions are free nobody is hurried. Then whoever takes less than a region in `region_hold_ms` may have to go, and
//! less than one in a quarter of that while others wait; the slowest first, and no more of them than it takes.

use super::{Worker, queue};
use crate::buffers::Buffers;
use crate::connection::Connection;
use crate::handler::Handler;
use crate::limits::BIG_REGION_BYTES;
use crate::slab::Id;

/// How many times less patient a worker is while somebody waits for a region.
const HASTE: u64 = 4;

impl<H: Handler, B: Buffers> Worker<H, B> {
    /// Ends the slowest readers that hold a big region. It looks at every connection, so it is not done in every turn: what
    /// it takes is little beside the time between two.
    #[cold]
    pub(super) fn relieve(&mut self) {
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
        self.relieve_at_ms = now.monotonic_ms + (hold_ms / 2).max(1);
        let least_per_s = BIG_REGION_BYTES as u64 * 1_000 / hold_ms.max(1);
        let pace = |id: Id| {
            let pace = self.connections.get(id)?.pace(now)?;
            let slow = pace.age_ms >= hold_ms && pace.bytes_per_s < least_per_s;
            slow.then_some((pace.bytes_per_s, id))
        };
        let mut slow: Vec<(u64, Id)> = self.connections.ids().filter_map(pace).collect();
        slow.sort_unstable_by_key(|(bytes_per_s, _)| *bytes_per_s);
        for (_, id) in slow.into_iter().take(most) {
            if let Some(connection) = self.connections.get_mut(id) {
                connection.give_way(&mut self.shared);
                queue(&mut self.changed, id, connection);
            }
        }
    }
}
