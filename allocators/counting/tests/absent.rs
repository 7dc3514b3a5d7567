//! Not behind `#[global_allocator]`: nothing is counted.

use std::hint::black_box;

use orthant_counting::stats;

#[test]
fn counts_nothing_that_another_allocator_serves() {
    drop(black_box(vec![1u8; 100]));
    assert_eq!(stats().allocations, 0);
}
