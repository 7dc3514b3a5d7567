//! Workloads that show what an allocator is good and bad at, as a server: whatever drives a server drives them.
//!
//! The executable takes memory from the allocator of its design, the example `harness-floor` takes none.

#![deny(unsafe_code)]

mod app;
mod jobs;
mod memory;
mod random;
mod serve;
#[expect(unsafe_code, reason = "its place, and there is no other")]
mod sys;

pub use memory::{Allocated, Block, Bytes, Memory};
pub use serve::serve;
