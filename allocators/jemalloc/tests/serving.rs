//! With the allocator behind `#[global_allocator]`: it says so, counts, and gives freed memory back when told to.
//!
//! One test, because the counters belong to the whole process and tests of one file share it.

#[path = "../../resident.rs"]
mod resident;

use orthant_jemalloc::{Balanced, Lean, NAME, Policy, Stats, serves, stats, version};
use resident::resident_bytes;

#[global_allocator]
static GLOBAL: <Balanced as Policy>::Allocator = Balanced::ALLOCATOR;

const BLOCKS: usize = 64 << 10;
const BLOCK_BYTES: usize = 512;
const TOTAL_BYTES: u64 = (BLOCKS * BLOCK_BYTES) as u64;

#[test]
fn serves_counts_and_gives_back() {
    assert!(serves());
    assert!(
        version().contains(|c: char| c.is_ascii_digit()),
        "{}",
        version()
    );
    assert_eq!(NAME, "jemalloc");

    let before = stats();
    let mut blocks: Vec<_> = (0..BLOCKS).map(|_| vec![1u8; BLOCK_BYTES]).collect();
    let full = stats();
    let full_kernel_bytes = resident_bytes();
    check_counters(before, full);

    let last = blocks.pop(); // keeps glibc's heap from shrinking by itself
    drop(blocks);
    let freed_kernel_bytes = resident_bytes();
    assert!(
        freed_kernel_bytes + TOTAL_BYTES / 4 > full_kernel_bytes,
        "freed memory left before collect"
    );
    Lean::collect();
    let collected_kernel_bytes = resident_bytes();
    assert!(
        collected_kernel_bytes + TOTAL_BYTES * 3 / 4 < freed_kernel_bytes,
        "collect gave back too little: {freed_kernel_bytes} before, {collected_kernel_bytes} after"
    );
    drop(last);
}

fn check_counters(before: Stats, full: Stats) {
    check_rise(before.live_bytes, full.live_bytes);
    check_rise(before.held_bytes, full.held_bytes);
    check_rise(before.resident_bytes, full.resident_bytes);
}

fn check_rise(before: Option<u64>, full: Option<u64>) {
    let bytes = before.zip(full).map(|(before, full)| full - before);
    let right = bytes.is_some_and(|bytes| (TOTAL_BYTES..TOTAL_BYTES * 5 / 4).contains(&bytes));
    assert!(right, "{bytes:?} for {TOTAL_BYTES} bytes");
}
