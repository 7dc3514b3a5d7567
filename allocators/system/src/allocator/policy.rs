//! When glibc gives memory back: its parameters (mallopt(3)), set once, and `malloc_trim(3)` by whoever is idle.

use std::alloc::{GlobalAlloc, System};
use std::hint::black_box;

use crate::sys;

/// The most that glibc lets the size be from which on each block is a mapping of its own.
const MAPPED_MAX: i32 = 32 << 20;

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

/// Heaps keep what was freed, and only blocks above 32 MiB are mapped.
#[derive(Clone, Copy, Debug, Default)]
pub struct Speed;

/// glibc as it comes: the top of a heap goes back above 128 KiB, and what lies below a used block stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct Balanced;

/// Free pages of every heap go back when a thread is idle; it may take milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lean;

impl Policy for Speed {
    type Allocator = System;
    const ALLOCATOR: System = System;

    fn begin() {
        sys::set(libc::M_MMAP_THRESHOLD, MAPPED_MAX);
        sys::set(libc::M_TRIM_THRESHOLD, i32::MAX);
    }

    fn collect() {}
}

impl Policy for Balanced {
    type Allocator = System;
    const ALLOCATOR: System = System;

    fn begin() {}

    fn collect() {}
}

impl Policy for Lean {
    type Allocator = System;
    const ALLOCATOR: System = System;

    fn begin() {}

    fn collect() {
        sys::trim();
        // Of a thread's heap that leaves what is behind the last used block. Freeing a block of 64 KiB or more there gives it back
        // (FASTBIN_CONSOLIDATION_THRESHOLD in glibc's malloc.c); one of 128 KiB would be a mapping.
        drop(black_box(Vec::<u8>::with_capacity(96 << 10)));
    }
}
