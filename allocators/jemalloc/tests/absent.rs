//! Linked, but not behind `#[global_allocator]`: it must not claim to serve.

use orthant_jemalloc::{ALLOCATOR, serves};

#[test]
fn does_not_claim_what_another_allocator_serves() {
    let _linked = ALLOCATOR;
    assert!(!serves());
}
