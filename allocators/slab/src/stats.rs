//! What is counted, by each heap without a locked instruction.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::allocator::heap::{self, Counts};

/// Bytes as the allocator counts them; `None` where it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Bytes handed out, each block as large as its class, run or mapping. Blocks in magazines and those on their way to another
    /// thread count as handed out, and so do mappings that are kept for the next block.
    pub live_bytes: Option<u64>,
    /// Always `None`: the kernel knows which pages are there.
    pub resident_bytes: Option<u64>,
    /// Bytes it has taken of the kernel and not given back, resident or not.
    pub held_bytes: Option<u64>,
    /// Of the held ones, those in mappings of their own.
    pub mapped_bytes: Option<u64>,
}

/// Reads the counts, one by one: they agree with each other while no thread allocates.
pub fn stats() -> Stats {
    let mapped = sum(|counts| &counts.mapped);
    Stats {
        live_bytes: Some(sum(|counts| &counts.out) + mapped),
        resident_bytes: None,
        held_bytes: Some(sum(|counts| &counts.held) + mapped),
        mapped_bytes: Some(mapped),
    }
}

/// Bytes that were given back to the kernel since the process began: slabs whole, as far as they were touched or not.
pub fn returned_bytes() -> u64 {
    sum(|counts| &counts.returned)
}

/// Blocks that were freed by threads that did not own them, and the chains in which they were sent home, with one atomic
/// operation each.
pub fn sent() -> (u64, u64) {
    let blocks = sum(|counts| &counts.sent_blocks);
    (blocks, sum(|counts| &counts.sent_chains))
}

/// What one thread took and another gave back is below zero in the other's counts, and so may a sum be that is made meanwhile.
fn sum(count: impl Fn(&Counts) -> &AtomicUsize) -> u64 {
    let sum = heap::all().fold(0, |sum: usize, heap| {
        sum.wrapping_add(count(&heap.counts).load(Ordering::Relaxed))
    });
    sum.cast_signed().max(0) as u64
}
