//! What jemalloc counts.
//!
//! Its counters are cached; advancing the epoch refreshes them, which takes each arena's locks in turn.

use tikv_jemalloc_ctl::{epoch, stats};

/// Bytes as the allocator counts them; `None` where it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Bytes handed out, rounded up to size classes: `stats.allocated`. Blocks waiting in a thread's cache count as
    /// handed out until that thread returns them.
    pub live_bytes: Option<u64>,
    /// Bytes in pages that jemalloc takes to be resident, its own metadata included: `stats.resident`. An upper bound in
    /// whole pages: an untouched page of an active extent counts too.
    pub resident_bytes: Option<u64>,
    /// Bytes it has taken of the kernel and not given back: what it takes to be resident.
    pub held_bytes: Option<u64>,
    /// Of the held ones, those in mappings of their own: all.
    pub mapped_bytes: Option<u64>,
}

/// Refreshes and reads the counters.
pub fn stats() -> Stats {
    if epoch::advance().is_err() {
        return Stats {
            live_bytes: None,
            resident_bytes: None,
            held_bytes: None,
            mapped_bytes: None,
        };
    }
    let bytes = |counter: tikv_jemalloc_ctl::Result<usize>| counter.ok().map(|bytes| bytes as u64);
    let resident_bytes = bytes(stats::resident::read());
    Stats {
        live_bytes: bytes(stats::allocated::read()),
        resident_bytes,
        held_bytes: resident_bytes,
        mapped_bytes: resident_bytes,
    }
}
