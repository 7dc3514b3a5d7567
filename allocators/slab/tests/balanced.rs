//! The policy of this name, in a process of its own.

#[path = "../../returning.rs"]
mod returning;

use orthant_slab::{Balanced, Policy};

#[global_allocator]
static GLOBAL: <Balanced as Policy>::Allocator = Balanced::ALLOCATOR;

#[test]
fn balanced_gives_back_what_was_not_needed_for_a_while() {
    let [freed, left] = returning::shares_left(Balanced::begin, Balanced::collect, 3);
    assert!(freed > 0.9 && left < 0.06, "{freed}, {left}");
}
