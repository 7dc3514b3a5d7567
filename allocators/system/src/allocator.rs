//! The allocator itself: what goes behind `#[global_allocator]`, and the proof that it is there.
//!
//! glibc answers no question about a pointer's owner, and handing it a foreign pointer is undefined, so the proof is by
//! movement: its own count of live bytes must rise with an allocation that was made through the global allocator.

mod policy;

use std::hint::black_box;

pub use policy::{Balanced, Lean, Policy, Speed};

use crate::stats::stats;
use crate::sys;

/// The value of the allocator axis.
pub const NAME: &str = "system";

/// One size that glibc carves from an arena but never keeps in a thread's cache (which ends at 1,032 bytes), and one
/// that it always maps: freeing a mapped block of up to 32 MiB would move the threshold between the two and so change
/// how the process allocates from then on. Neither is touched, so they cost no memory.
const PROBE_BYTES: [usize; 2] = [64 << 10, 33 << 20];

/// Whether fresh allocations of the process come from glibc, as its own count of live bytes shows.
///
/// Other threads that free during the call can make it deny: call it before they start.
pub fn serves() -> bool {
    PROBE_BYTES.into_iter().all(|bytes| {
        let before = stats().live_bytes;
        let probe = black_box(Vec::<u8>::with_capacity(bytes));
        let after = stats().live_bytes;
        drop(probe);
        before
            .zip(after)
            .is_some_and(|(before, after)| after >= before + bytes as u64)
    })
}

/// The version of the C library that runs, such as `glibc 2.36`.
pub fn version() -> String {
    format!("glibc {}", sys::libc_version())
}
