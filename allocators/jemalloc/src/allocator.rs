//! The allocator itself: what goes behind `#[global_allocator]`, and the proof that it is there.
//!
//! jemalloc can name the arena of an address, so the proof is a question about the owner of allocations that were made
//! through the global allocator.

mod policy;

use std::hint::black_box;

pub use policy::{Balanced, Lean, Policy, Speed};

use crate::sys;

/// The value of the allocator axis.
pub const NAME: &str = "jemalloc";

/// A block inside a slab of many, and one that gets an extent of its own.
const PROBE_BYTES: [usize; 2] = [64, 1 << 20];

/// Whether fresh allocations of the process lie in one of jemalloc's arenas.
pub fn serves() -> bool {
    PROBE_BYTES
        .into_iter()
        .all(|bytes| sys::owns(black_box(&Vec::<u8>::with_capacity(bytes)).as_ptr()))
}

/// The version of jemalloc that is linked, such as `jemalloc 5.3.1-0-g81034ce…`.
pub fn version() -> String {
    // The control exists in every build; without an answer the name alone is still true.
    tikv_jemalloc_ctl::version::read()
        .map_or_else(|_| NAME.to_owned(), |version| format!("{NAME} {version}"))
}
