//! When jemalloc gives memory back: how fast free pages decay, set once, and its controls called by whoever is idle.
//!
//! No background thread: it would have to be on the CPU of a worker, and an idle worker does the same.

use std::alloc::GlobalAlloc;

use tikv_jemallocator::Jemalloc;

use crate::sys;

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

/// Pages never decay.
#[derive(Clone, Copy, Debug, Default)]
pub struct Speed;

/// jemalloc as it comes: pages decay within ten seconds, looked at when it is called.
#[derive(Clone, Copy, Debug, Default)]
pub struct Balanced;

/// Pages go back as they become free.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lean;

impl Policy for Speed {
    type Allocator = Jemalloc;
    const ALLOCATOR: Jemalloc = Jemalloc;

    fn begin() {
        sys::decay(-1);
    }

    fn collect() {}
}

impl Policy for Balanced {
    type Allocator = Jemalloc;
    const ALLOCATOR: Jemalloc = Jemalloc;

    fn begin() {}

    fn collect() {
        sys::run(c"thread.tcache.flush");
        sys::run(c"arena.4096.decay"); // 4096 is MALLCTL_ARENAS_ALL
    }
}

impl Policy for Lean {
    type Allocator = Jemalloc;
    const ALLOCATOR: Jemalloc = Jemalloc;

    fn begin() {
        sys::decay(0);
    }

    fn collect() {
        sys::run(c"thread.tcache.flush");
        sys::run(c"arena.4096.purge");
    }
}
