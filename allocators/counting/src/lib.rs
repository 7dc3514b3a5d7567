//! Counts what goes through any allocator: no value of the allocator axis, but a layer round one.
//!
//! A design that is built with it is an executable of its own: it shows how often memory is asked for, and nobody measures
//! its time or its memory. The counts lie in one static with a name of its own, [`SYMBOL`], so that whoever started the process
//! reads them from outside, at any moment and without a word of the server: asking it would allocate.
//!
//! What C code allocates by itself is not seen, nor what is mapped without an allocator.

mod allocator;
mod stats;
mod sys;

pub use allocator::{Counting, SYMBOL};
pub use stats::{Stats, stats};
