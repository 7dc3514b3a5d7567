//! The allocator itself: what goes behind `#[global_allocator]`, and the proof that it is there.
//!
//! mimalloc maps every address to the page it manages, so the proof is a question about the owner of allocations that
//! were made through the global allocator.

mod policy;

use std::hint::black_box;

pub use policy::{Balanced, Lean, Policy, Speed};

use crate::sys;

/// The value of the allocator axis.
pub const NAME: &str = "mimalloc";

/// A block inside a page of many, and one that gets a page of its own.
const PROBE_BYTES: [usize; 2] = [64, 1 << 20];

/// Whether fresh allocations of the process lie in memory that mimalloc manages.
pub fn serves() -> bool {
    PROBE_BYTES
        .into_iter()
        .all(|bytes| sys::owns(black_box(&Vec::<u8>::with_capacity(bytes)).as_ptr()))
}

/// The version of mimalloc that is linked, such as `mimalloc 3.3.2`.
pub fn version() -> String {
    // Since 3.0 the number is major × 10,000 + minor × 100 + patch.
    let number = sys::version();
    format!(
        "mimalloc {}.{}.{}",
        number / 10_000,
        number / 100 % 100,
        number % 100
    )
}
