//! Any sequence of calls, with every policy. What fails is made as short as it can be.

#[path = "arbitrary/calls.rs"]
mod calls;

use calls::{play, sequences};
use orthant_slab::{Balanced, Lean, Speed};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn blocks_hold_what_was_written_whatever_is_called(calls in sequences()) {
        play::<Speed>(&calls);
        play::<Balanced>(&calls);
        play::<Lean>(&calls);
    }
}
