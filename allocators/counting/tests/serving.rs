//! Behind `#[global_allocator]`: what is asked for and given back is counted, call by call.
//!
//! One test, because the counts belong to the whole process and tests of one file share it.

use std::alloc::System;
use std::hint::black_box;

use orthant_counting::{Counting, Stats, stats};

#[global_allocator]
static GLOBAL: Counting<System> = Counting(System);

/// What this adds to the counts.
fn added(work: impl FnOnce()) -> Stats {
    let before = stats();
    work();
    let after = stats();
    Stats {
        allocations: after.allocations - before.allocations,
        allocated_bytes: after.allocated_bytes - before.allocated_bytes,
        frees: after.frees - before.frees,
        freed_bytes: after.freed_bytes - before.freed_bytes,
    }
}

#[test]
fn every_way_to_ask_for_memory_counts_once() {
    let counts = |allocations, allocated_bytes, frees, freed_bytes| Stats {
        allocations,
        allocated_bytes,
        frees,
        freed_bytes,
    };
    assert_eq!(added(|| {}), counts(0, 0, 0, 0));
    let boxes = || (0..7).for_each(|_| drop(black_box(Box::new([1u8; 100]))));
    assert_eq!(added(boxes), counts(7, 700, 7, 700));
    let zeroes = || drop(black_box(vec![0u8; 4096]));
    assert_eq!(added(zeroes), counts(1, 4096, 1, 4096));
    let mut grown = Vec::<u8>::with_capacity(100);
    assert_eq!(added(|| grown.reserve_exact(1000)), counts(1, 1000, 1, 100));
    assert_eq!(added(|| drop(grown)), counts(0, 0, 1, 1000));
}
