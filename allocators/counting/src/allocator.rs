//! The layer itself: what goes behind `#[global_allocator]` in place of the allocator that it holds.

/// The name of the static with the counts, in the executable's table of symbols: four numbers of 64 bits in the order of
/// [`Stats`](crate::Stats).
pub const SYMBOL: &str = "orthant_allocation_counts";

/// Passes everything on to `A`, and counts it.
#[derive(Clone, Copy, Debug)]
pub struct Counting<A>(pub A);
