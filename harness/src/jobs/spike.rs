//! A hundred mebibytes in small blocks, all of them freed again: what is resident afterwards is up to the release policy.
//!
//! An operation is one block, taken and freed.

use super::{Job, more};
use crate::memory::Block;

const BLOCKS: u32 = 100 << 10;
const BLOCK_BYTES: u32 = 1024;

pub(crate) struct Spike<B> {
    /// The vector stays, its blocks go.
    blocks: Vec<B>,
}

impl<B: Block> Job for Spike<B> {
    const OPERATIONS: u32 = BLOCKS;

    fn begun() -> Spike<B> {
        Spike {
            blocks: Vec::with_capacity(BLOCKS as usize),
        }
    }

    fn go_on(&mut self) -> u32 {
        self.blocks
            .extend((0..BLOCKS).map(|at| B::new(BLOCK_BYTES, at as u8)));
        let mut wrong = 0;
        for (at, block) in self.blocks.drain(..).enumerate() {
            if !block.has(at as u8) {
                more(&mut wrong);
            }
        }
        wrong
    }
}
