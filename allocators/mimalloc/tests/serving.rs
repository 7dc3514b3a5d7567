//! With the allocator behind `#[global_allocator]`: it says so, counts, and gives freed memory back when told to.
//!
//! One test, because the counters belong to the whole process and tests of one file share it.

use orthant_mimalloc::{ALLOCATOR, Allocator, NAME, Stats, collect, serves, stats, version};

#[global_allocator]
static GLOBAL: Allocator = ALLOCATOR;

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
    assert_eq!(NAME, "mimalloc");

    let before = stats();
    let mut blocks: Vec<_> = (0..BLOCKS).map(|_| vec![1u8; BLOCK_BYTES]).collect();
    let full = stats();
    let full_kernel_bytes = kernel_resident_bytes();
    check_counters(before, full);

    let last = blocks.pop(); // keeps glibc's heap from shrinking by itself
    drop(blocks);
    let freed_kernel_bytes = kernel_resident_bytes();
    assert!(
        freed_kernel_bytes + TOTAL_BYTES / 4 > full_kernel_bytes,
        "freed memory left before collect"
    );
    collect();
    let collected_kernel_bytes = kernel_resident_bytes();
    assert!(
        collected_kernel_bytes + TOTAL_BYTES * 3 / 4 < freed_kernel_bytes,
        "collect gave back too little: {freed_kernel_bytes} before, {collected_kernel_bytes} after"
    );
    drop(last);
}

fn check_counters(before: Stats, full: Stats) {
    assert_eq!(
        before,
        Stats {
            live_bytes: None,
            resident_bytes: None,
            held_bytes: None,
            mapped_bytes: None,
        }
    );
    assert_eq!(full, before);
}

/// `VmRSS` of `/proc/self/status`, which is in KiB.
fn kernel_resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has this file");
    let (_, after) = status
        .split_once("VmRSS:")
        .expect("every process has this line");
    let number = after
        .split_whitespace()
        .next()
        .expect("a number follows the name");
    number.parse::<u64>().expect("a number follows the name") * 1024
}
