//! Our own allocator as a value of the allocator axis: superslabs, for servers with a thread per core.
//!
//! Every crate beside this one exports the same items under the same names, so that whoever assembles a design swaps
//! the crate and nothing else: the allocator, its name and version, what it counts, when it gives memory back, and the
//! proof that it really serves the process.

mod allocator;
mod stats;
mod sys;

pub use allocator::{Balanced, Hardened, Lean, NAME, Policy, Speed, serves, version};
pub use stats::{Stats, returned_bytes, sent, stats};
pub use sys::Slab;
