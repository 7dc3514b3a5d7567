//! Another allocator behind `#[global_allocator]`: this one must not claim to serve.

use mimalloc::MiMalloc;
use orthant_slab::serves;

#[global_allocator]
static GLOBAL: MiMalloc = MiMalloc;

#[test]
fn does_not_claim_what_another_allocator_serves() {
    assert!(!serves());
}
