//! Linked, but not behind `#[global_allocator]`: it must not claim to serve.

use orthant_mimalloc::{Balanced, Policy, serves};

#[test]
fn does_not_claim_what_another_allocator_serves() {
    let _linked = Balanced::ALLOCATOR;
    assert!(!serves());
}
