//! What reads and writes memory by its address, and what asks the kernel; the only unsafe code of this crate.
//!
//! All of it rests on three facts. A block that nobody uses belongs to the allocator, so its first word may hold a link, and in a hardened build its second one too.
//! Blocks of classes and runs lie in superslabs, whose start is the block's address without its last 21 bits. A superslab
//! is mapped as long as one of its blocks is out or its heap's thread looks at it.

mod block;
mod global;
mod guard;
mod map;
mod thread;

pub(crate) use block::{
    Block, address, heap, heap_in, holds, home, home_of_slab, next, of_class, owner, set_next,
    slab_address, zero,
};
pub use global::Slab;
pub(crate) use guard::{end_process, out_words, secret};
pub(crate) use map::{map, purge, remap, superslab, unmap};
pub(crate) use thread::end_with_thread;
