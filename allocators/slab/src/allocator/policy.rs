//! When memory is given back to the kernel: a choice of its own, made when a program is built.
//!
//! A policy is a set of constants, which nothing reads while blocks are taken and given back in the magazines.

use std::alloc::GlobalAlloc;
use std::marker::PhantomData;

use super::front;
use crate::sys::Slab;

/// When an allocator gives back what it does not need.
pub trait Policy: Copy + Send + Sync + 'static {
    /// What goes behind `#[global_allocator]`.
    type Allocator: GlobalAlloc;

    /// The one value of it.
    const ALLOCATOR: Self::Allocator;

    /// Free slabs that keep their pages, of 64 KiB each: the ones above this are given back.
    const SLABS_KEPT: u32;

    /// Whether what is above the budget goes as soon as it is more than twice the budget, and not with `collect` alone.
    const AT_ONCE: bool;

    /// How often `collect` has to find the same free slab before its pages go.
    const EPOCHS: u32;

    /// Bytes of mappings (blocks above 1 MiB) that a thread keeps for the next ones.
    const MAPPED_BYTES_KEPT: usize;

    /// Whether the kernel may use huge pages for slabs where it is told to use them everywhere.
    const HUGE_PAGES: bool;

    /// Whether it looks for blocks that were freed twice or with another layout than they were taken with, and for writes to
    /// what was freed.
    const HARDENED: bool = false;

    /// Sets the allocator up, before the process has other threads: there is nothing to set.
    fn begin() {}

    /// Gives back what is not needed; called by threads that have nothing else to do. Sends the blocks in the calling
    /// thread's magazines home, then looks through its heap and those of threads that ended.
    fn collect()
    where
        Self: Sized,
    {
        front::collect::<Self>();
    }
}

/// Slabs are never given back, and eight mappings are kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct Speed;

/// A few free slabs are kept; the rest, and mappings, go when they were not needed for a while.
#[derive(Clone, Copy, Debug, Default)]
pub struct Balanced;

/// Above a small budget everything goes as soon as the thread that owns it has it back.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lean;

impl Policy for Speed {
    type Allocator = Slab<Speed>;
    const ALLOCATOR: Slab<Speed> = Slab::new();
    const SLABS_KEPT: u32 = u32::MAX;
    const AT_ONCE: bool = false;
    const EPOCHS: u32 = 0;
    const MAPPED_BYTES_KEPT: usize = usize::MAX;
    const HUGE_PAGES: bool = true;
}

impl Policy for Balanced {
    type Allocator = Slab<Balanced>;
    const ALLOCATOR: Slab<Balanced> = Slab::new();
    const SLABS_KEPT: u32 = 16;
    const AT_ONCE: bool = false;
    const EPOCHS: u32 = 2;
    const MAPPED_BYTES_KEPT: usize = 16 << 20;
    const HUGE_PAGES: bool = false;
}

impl Policy for Lean {
    type Allocator = Slab<Lean>;
    const ALLOCATOR: Slab<Lean> = Slab::new();
    const SLABS_KEPT: u32 = 16;
    const AT_ONCE: bool = true;
    const EPOCHS: u32 = 0;
    const MAPPED_BYTES_KEPT: usize = 0;
    const HUGE_PAGES: bool = false;
}

/// A policy whose allocator ends the process when a block is freed with another layout than it was taken with or once more before it is taken again, and
/// when it comes upon a free block whose first 16 bytes somebody wrote to. Blocks above 1 MiB, which are mappings of their own,
/// are not looked at.
///
/// Heaps belong to a process and not to a policy, so all of a process has to be hardened or nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hardened<P>(PhantomData<P>);

impl<P: Policy> Policy for Hardened<P> {
    type Allocator = Slab<Hardened<P>>;
    const ALLOCATOR: Slab<Hardened<P>> = Slab::new();
    const SLABS_KEPT: u32 = P::SLABS_KEPT;
    const AT_ONCE: bool = P::AT_ONCE;
    const EPOCHS: u32 = P::EPOCHS;
    const MAPPED_BYTES_KEPT: usize = P::MAPPED_BYTES_KEPT;
    const HUGE_PAGES: bool = P::HUGE_PAGES;
    const HARDENED: bool = true;
}
