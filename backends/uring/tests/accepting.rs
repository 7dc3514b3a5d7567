//! How this backend accepts: the tests that all backends have in common.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

use orthant_uring as backend;

#[path = "../../accepting.rs"]
mod accepting;
