//! jemalloc as a value of the allocator axis.
//!
//! Every crate beside this one exports the same items under the same names, so that whoever assembles a design swaps
//! the crate and nothing else: the allocator, its name and version, what it counts, how it gives memory back, and the
//! proof that it really serves the process.
//!
//! Its symbols carry a prefix, so the C library's `malloc` stays what it is. It configures nothing: what is measured is
//! the allocator as it comes.

mod allocator;
mod stats;
mod sys;

pub use allocator::{ALLOCATOR, Allocator, NAME, collect, serves, version};
pub use stats::{Stats, stats};
