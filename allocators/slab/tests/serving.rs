//! With the allocator behind `#[global_allocator]`: it says so, counts, and gives freed memory back when told to.
//!
//! One test, because the counters belong to the whole process and tests of one file share it.

#[path = "../../resident.rs"]
mod resident;

use orthant_slab::{Balanced, NAME, Policy, Slab, returned_bytes, serves, stats, version};
use resident::resident_bytes;

#[global_allocator]
static GLOBAL: Slab<Balanced> = Balanced::ALLOCATOR;

const BLOCKS: usize = 64 << 10;
const BLOCK_BYTES: usize = 512;
const TOTAL_BYTES: u64 = (BLOCKS * BLOCK_BYTES) as u64;

/// What the balanced policy keeps at most: 16 slabs, and what is used.
const KEPT_BYTES: u64 = 3 << 20;

#[test]
fn serves_counts_and_gives_back() {
    assert!(serves());
    assert!(version().contains("0."), "{}", version());
    assert_eq!(NAME, "slab");

    let before = stats();
    let before_kernel_bytes = resident_bytes();
    let blocks: Vec<_> = (0..BLOCKS).map(|_| vec![1u8; BLOCK_BYTES]).collect();
    let full = stats();
    check_rise(before.live_bytes, full.live_bytes);
    check_rise(before.held_bytes, full.held_bytes);
    let full_kernel_bytes = resident_bytes();

    drop(blocks);
    let freed_kernel_bytes = resident_bytes();
    assert!(
        freed_kernel_bytes + TOTAL_BYTES / 4 > full_kernel_bytes,
        "freed memory left before collect"
    );
    let returned = returned_bytes();
    (0..4).for_each(|_| Balanced::collect());
    assert!(
        returned_bytes() > returned + TOTAL_BYTES * 3 / 4,
        "{returned} and {} bytes returned",
        returned_bytes()
    );
    let collected_kernel_bytes = resident_bytes();
    assert!(
        collected_kernel_bytes < before_kernel_bytes + KEPT_BYTES,
        "{before_kernel_bytes} before, {full_kernel_bytes} full, {collected_kernel_bytes} after"
    );
}

fn check_rise(before: Option<u64>, full: Option<u64>) {
    let bytes = before.zip(full).map(|(before, full)| full - before);
    let right = bytes.is_some_and(|bytes| (TOTAL_BYTES..TOTAL_BYTES * 5 / 4).contains(&bytes));
    assert!(right, "{bytes:?} for {TOTAL_BYTES} bytes");
}
