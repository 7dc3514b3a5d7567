//! The policy of this name, in a process of its own.

#[path = "../../returning.rs"]
mod returning;

use orthant_system::{Policy, Speed};

#[global_allocator]
static GLOBAL: <Speed as Policy>::Allocator = Speed::ALLOCATOR;

#[test]
fn speed_gives_nothing_back() {
    let left = returning::shares_left(Speed::begin, Speed::collect, 1);
    assert!(left.iter().all(|share| *share > 0.9), "{left:?}");
}
