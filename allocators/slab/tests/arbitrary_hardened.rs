//! Any sequence of calls in a hardened build, which finds nothing in them. In a process of its own, as all of one is
//! hardened or nothing.

#[path = "arbitrary/calls.rs"]
mod calls;

use calls::{play, sequences};
use orthant_slab::{Hardened, Lean};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_hardened_build_finds_nothing_in_what_is_right(calls in sequences()) {
        play::<Hardened<Lean>>(&calls);
    }
}
