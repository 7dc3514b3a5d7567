//! Blocks of mixed sizes, replaced in no order: the loop of hakmem's `bench_random_mixed`.
//!
//! Each operation draws a slot. If a block is in it, it is freed, and the slot is left empty; if not, a block of 16 to 1,039
//! bytes is put there. So half of the slots are full on average: 105 KiB in 400 of them, 2.1 MiB in 8,192.
//!
//! hakmem takes slot and size from one number drawn, so that they depend on each other: with 8,192 slots, ten bits of the
//! slot *are* the size, and a slot has blocks of one size for ever. Here they are drawn apart unless `ONE_DRAW` says that
//! it is to be as there.

use std::mem;

use super::{Job, more};
use crate::memory::Block;
use crate::random::Xorshift;

pub(crate) struct Mixed<B, const SLOTS: usize, const ONE_DRAW: bool> {
    slots: Box<[Option<B>; SLOTS]>,
    slot: Xorshift,
    size: Xorshift,
}

impl<B: Block, const SLOTS: usize, const ONE_DRAW: bool> Job for Mixed<B, SLOTS, ONE_DRAW> {
    const OPERATIONS: u32 = 16_384;

    fn begun() -> Self {
        Mixed {
            slots: Box::new([const { None }; SLOTS]),
            slot: Xorshift::seeded(1_234_567),
            size: Xorshift::seeded(7_654_321),
        }
    }

    fn go_on(&mut self) -> u32 {
        let mut wrong = 0;
        // In registers: nothing that a block is written to can be one of them.
        let (mut slot_random, mut size_random) = (self.slot, self.size);
        for _ in 0..Self::OPERATIONS {
            let drawn = slot_random.draw();
            let at = drawn % SLOTS as u32;
            let slot = &mut self.slots[at as usize];
            if let Some(block) = slot.take() {
                if !block.has(at as u8) {
                    more(&mut wrong);
                }
            } else {
                let size = if ONE_DRAW { drawn } else { size_random.draw() };
                // There is nothing to be dropped, as was just seen.
                mem::forget(slot.replace(B::new(16 + (size & 0x3ff), at as u8)));
            }
        }
        (self.slot, self.size) = (slot_random, size_random);
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys;

    #[test]
    fn about_half_of_the_slots_are_full_and_a_block_that_was_written_to_is_found() {
        let mut mixed = Mixed::<sys::Block, 400, false>::begun();
        assert_eq!(mixed.go_on(), 0);
        let full = mixed.slots.iter().flatten().count();
        assert!((150..250).contains(&full), "{full}");
        for block in mixed.slots.iter_mut().flatten() {
            block.spoil();
        }
        assert_eq!(mixed.go_on(), full as u32);
    }
}
