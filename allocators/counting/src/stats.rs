//! What is counted.

use crate::sys::COUNTS;

/// The counts of the whole process so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Blocks asked for. A block that is made larger or smaller counts as another one, which takes the place of the first.
    pub allocations: u64,
    /// Bytes asked for, as the caller named them.
    pub allocated_bytes: u64,
    /// Blocks given back.
    pub frees: u64,
    /// Their bytes.
    pub freed_bytes: u64,
}

/// Reads the counts, one by one: they agree with each other while no thread allocates.
pub fn stats() -> Stats {
    let [allocations, allocated_bytes, frees, freed_bytes] = COUNTS.now();
    Stats {
        allocations,
        allocated_bytes,
        frees,
        freed_bytes,
    }
}
