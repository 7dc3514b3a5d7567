//! When mimalloc gives memory back: its options, set once, and `mi_collect` by whoever is idle.

use std::alloc::GlobalAlloc;

use mimalloc::MiMalloc;

use crate::sys;

/// Milliseconds for which free pages are kept; −1 keeps them for good (mimalloc 3, include/mimalloc.h).
const PURGE_DELAY: i32 = 15;

/// When an allocator gives back what it does not need.
pub trait Policy: Copy + Send + Sync + 'static {
    /// What goes behind `#[global_allocator]`.
    type Allocator: GlobalAlloc;

    /// The one value of it.
    const ALLOCATOR: Self::Allocator;

    /// Sets the allocator up, before the process has other threads.
    fn begin();

    /// Gives back what is not needed; called by threads that have nothing else to do.
    fn collect();
}

/// Pages are never purged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Speed;

/// mimalloc as it comes: pages are purged a second after they became free, when it is next called.
#[derive(Clone, Copy, Debug, Default)]
pub struct Balanced;

/// Pages are purged as they become free, and there are no huge ones.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lean;

impl Policy for Speed {
    type Allocator = MiMalloc;
    const ALLOCATOR: MiMalloc = MiMalloc;

    fn begin() {
        sys::set(PURGE_DELAY, -1);
    }

    fn collect() {}
}

impl Policy for Balanced {
    type Allocator = MiMalloc;
    const ALLOCATOR: MiMalloc = MiMalloc;

    fn begin() {}

    fn collect() {
        sys::collect(false);
    }
}

impl Policy for Lean {
    type Allocator = MiMalloc;
    const ALLOCATOR: MiMalloc = MiMalloc;

    fn begin() {
        sys::set(PURGE_DELAY, 0);
        // Its own option for that is read before `main`.
        sys::forbid_huge_pages();
    }

    fn collect() {
        sys::collect(true);
    }
}
