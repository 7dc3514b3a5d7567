//! The allocator itself: what goes behind `#[global_allocator]`, and the proof that it is there.
//!
//! A block comes from a magazine of its class, and goes back there (`front`). Magazines are filled from the slabs of the
//! thread's heap, and emptied into those of whoever owns the block (`heap`, `superslab`, `remote`). Larger blocks are runs of
//! slabs or mappings (`large`, `mappings`). When pages go back to the kernel a policy says (`policy`).
//!
//! The proof is by movement: what it counts as handed out must rise with blocks that were made through the global allocator.

mod atomic;
pub(crate) mod classes;
pub(crate) mod front;
pub(crate) mod guard;
pub(crate) mod heap;
pub(crate) mod large;
mod list;
mod mappings;
pub(crate) mod policy;
pub(crate) mod remote;
pub(crate) mod superslab;

use std::hint::black_box;

pub use policy::{Balanced, Hardened, Lean, Policy, Speed};

use crate::stats::stats;

/// The value of the allocator axis.
pub const NAME: &str = "slab";

/// A run of slabs, and a block that gets a mapping of its own. Neither comes from a magazine or a mapping that was kept,
/// which would count already: those are not zeroes.
const PROBE_BYTES: [usize; 2] = [256 << 10, 4 << 20];

/// Whether fresh allocations of the process come from here, as the count of bytes handed out shows.
///
/// Other threads that free during the call can make it deny: call it before they start.
pub fn serves() -> bool {
    PROBE_BYTES.into_iter().all(|bytes| {
        let before = stats().live_bytes;
        let probe = black_box(vec![0_u8; bytes]);
        let after = stats().live_bytes;
        drop(probe);
        before
            .zip(after)
            .is_some_and(|(before, after)| after >= before + bytes as u64)
    })
}

/// The version of this package.
pub fn version() -> String {
    format!("{NAME} {}", env!("CARGO_PKG_VERSION"))
}
