//! The layer's contract with the language, and the static that is read from outside; the only unsafe code of this crate.

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::allocator::Counting;

/// The order is that of [`Stats`](crate::Stats), and of whoever reads them from outside.
#[repr(C)]
pub(crate) struct Counts {
    allocations: AtomicU64,
    allocated_bytes: AtomicU64,
    frees: AtomicU64,
    freed_bytes: AtomicU64,
}

// SAFETY: no other symbol of this name exists: it is this crate's own, as its prefix says.
#[unsafe(export_name = "orthant_allocation_counts")]
pub(crate) static COUNTS: Counts = Counts {
    allocations: AtomicU64::new(0),
    allocated_bytes: AtomicU64::new(0),
    frees: AtomicU64::new(0),
    freed_bytes: AtomicU64::new(0),
};

impl Counts {
    pub(crate) fn now(&self) -> [u64; 4] {
        let Counts {
            allocations,
            allocated_bytes,
            frees,
            freed_bytes,
        } = self;
        [allocations, allocated_bytes, frees, freed_bytes].map(|count| count.load(Relaxed))
    }

    fn taken(&self, bytes: usize) {
        self.allocations.fetch_add(1, Relaxed);
        self.allocated_bytes.fetch_add(bytes as u64, Relaxed);
    }

    fn given_back(&self, bytes: usize) {
        self.frees.fetch_add(1, Relaxed);
        self.freed_bytes.fetch_add(bytes as u64, Relaxed);
    }
}

// SAFETY: every call goes to the allocator within as it came; counting touches no memory of the caller's and allocates
// nothing.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counting<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNTS.taken(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        COUNTS.taken(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        COUNTS.given_back(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { self.0.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        COUNTS.taken(bytes);
        COUNTS.given_back(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { self.0.realloc(memory, layout, bytes) }
    }
}
