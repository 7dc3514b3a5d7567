//! The allocator itself: what goes behind `#[global_allocator]`, and the proof that it is there.
//!
//! mimalloc maps every address to the page it manages, so the proof is a question about the owner of allocations that
//! were made through the global allocator.

use std::hint::black_box;

use mimalloc::MiMalloc;

use crate::sys;

/// The value of the allocator axis.
pub const NAME: &str = "mimalloc";

/// What goes behind `#[global_allocator]`.
pub type Allocator = MiMalloc;

/// The one value of [`Allocator`].
pub const ALLOCATOR: Allocator = MiMalloc;

/// A block inside a page of many, and one that gets a page of its own.
const PROBE_BYTES: [usize; 2] = [64, 1 << 20];

/// Whether fresh allocations of the process lie in memory that mimalloc manages.
pub fn serves() -> bool {
    PROBE_BYTES
        .into_iter()
        .all(|bytes| sys::owns(black_box(&Vec::<u8>::with_capacity(bytes)).as_ptr()))
}

/// Gives free pages back to the kernel at once (`mi_collect(true)`): those of the calling thread and those that ended
/// threads left behind.
pub fn collect() {
    sys::collect();
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
