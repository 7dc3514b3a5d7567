//! The most memory that clients can make a worker take, computed from its limits. Each figure is one that the worker keeps
//! to by itself: nothing is measured here. What an application keeps of its own is not counted.

use crate::buffers::{Buffers, KEPT_TAILS_BYTES_MAX, TAIL_STEP_BYTES};
use crate::handler::Handler;
use crate::limits::Limits;
use crate::slab::{Id, Slab};
use crate::wheel::Wheel;
use crate::worker::Worker;

/// Bytes, by what they are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The connections themselves, their timers, and the queues in which they stand.
    pub connections: usize,
    /// The regions in which answers wait.
    pub regions: usize,
    /// What has been received and not used yet.
    pub received: usize,
    /// What grows is there twice for a moment.
    pub growth: usize,
}

impl Budget {
    pub(crate) const fn of<H: Handler, B: Buffers>(limits: &Limits) -> Budget {
        // Tables double when they are full, and never shrink.
        let places = places(limits.connections_max);
        let table = places * Worker::<H, B>::PLACE_BYTES;
        let timers = places * (size_of::<u32>() + Wheel::ENTRY_BYTES);
        // One entry of those that changed and one of those that ended before their turn; twice as many stand in line for a
        // region before the line is tidied; draining makes a list of all, and so does looking for the slowest readers.
        let queues = (2 * places + self::places(2 * places + 64) + places) * size_of::<Id>()
            + places * size_of::<(u64, Id)>();
        let shelf = size_of::<Vec<u8>>();
        let shelves = 2 * self::places(limits.connections_max + limits.big_regions_max) * shelf;
        let tails = 2 * (KEPT_TAILS_BYTES_MAX / TAIL_STEP_BYTES) * shelf;
        let request = limits.content_bytes_max as usize + limits.head_bytes_max;
        Budget {
            connections: table + timers + queues,
            regions: limits.regions_bytes_max(B::OWN_BYTES_MAX) + shelves,
            received: limits.received_bytes_max + KEPT_TAILS_BYTES_MAX + tails,
            growth: if table / 2 > request {
                table / 2
            } else {
                request
            },
        }
    }

    /// All of them.
    pub const fn total(&self) -> usize {
        self.connections + self.regions + self.received + self.growth
    }
}

/// How many places a table of so many has at most.
const fn places(count: usize) -> usize {
    let places = count.next_power_of_two();
    if places < 4 { 4 } else { places }
}

impl<H: Handler, B: Buffers> Worker<H, B> {
    const PLACE_BYTES: usize = Slab::<crate::connection::Connection<H, B>>::PLACE_BYTES;

    /// The most memory that clients can make a worker take with these limits. What the backend takes comes on top: see
    /// [`Needs`](crate::Needs).
    pub const fn budget(limits: &Limits) -> Budget {
        Budget::of::<H, B>(limits)
    }
}
