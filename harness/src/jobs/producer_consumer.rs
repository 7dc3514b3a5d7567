//! Blocks that one thread takes and another frees, all of them: a queue between two threads.
//!
//! An operation is one block, taken and freed.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::Job;
use super::larson::spawned;
use crate::memory::Block;

const BATCHES: usize = 64;
const BLOCKS: usize = 128;
const BLOCK_BYTES: u32 = 200;

/// Blocks under way; the vector goes back empty.
type Batch<B> = Vec<B>;

pub(crate) struct Pair<B> {
    empty: Vec<Batch<B>>,
    to: SyncSender<Batch<B>>,
    from: Receiver<(Batch<B>, u32)>,
}

const ENDED: &str = "the consumer lives as long as its channel";

impl<B: Block> Job for Pair<B> {
    const OPERATIONS: u32 = (BATCHES * BLOCKS) as u32;

    fn begun() -> Pair<B> {
        let (to, received) = sync_channel::<Batch<B>>(BATCHES);
        let (sent, from) = sync_channel(BATCHES);
        spawned(move || {
            for mut batch in received {
                let wrong = (0..)
                    .zip(&batch)
                    .filter(|(at, block)| !block.has(*at))
                    .count();
                batch.clear();
                // Nobody waits for it where the server ends.
                if sent.send((batch, wrong as u32)).is_err() {
                    break;
                }
            }
        });
        Pair {
            empty: (0..BATCHES).map(|_| Batch::with_capacity(BLOCKS)).collect(),
            to,
            from,
        }
    }

    fn go_on(&mut self) -> u32 {
        for mut batch in self.empty.drain(..) {
            batch.extend((0..BLOCKS).map(|at| B::new(BLOCK_BYTES, at as u8)));
            self.to.send(batch).expect(ENDED);
        }
        let mut wrong = 0;
        for _ in 0..BATCHES {
            let (batch, its_wrong) = self.from.recv().expect(ENDED);
            self.empty.push(batch);
            wrong += its_wrong;
        }
        wrong
    }
}
