//! mimalloc as a value of the allocator axis.
//!
//! Every crate beside this one exports the same items under the same names, so that whoever assembles a design swaps
//! the crate and nothing else: the allocator, its name and version, what it counts, when it gives memory back, and the
//! proof that it really serves the process.
//!
//! It is mimalloc 3 without its secure mode, as the `mimalloc` crate vendors it. `Balanced` is the
//! allocator as it comes.

mod allocator;
mod stats;
mod sys;

pub use allocator::{Balanced, Lean, NAME, Policy, Speed, serves, version};
pub use stats::{Stats, stats};
