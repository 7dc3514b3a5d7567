//! The policy of this name, in a process of its own.

#[path = "../../returning.rs"]
mod returning;

use orthant_slab::{Lean, Policy};

#[global_allocator]
static GLOBAL: <Lean as Policy>::Allocator = Lean::ALLOCATOR;

#[test]
fn lean_gives_back() {
    // 6 of 100 MiB may stay.
    let [_, left] = returning::shares_left(Lean::begin, Lean::collect, 1);
    assert!(left < 0.06, "{left}");
}
