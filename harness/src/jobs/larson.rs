//! Chunks that threads hand on to each other, so that blocks are freed by threads that did not take them: Larson's server
//! (Larson and Krishnan, *Memory Allocation for Long-Running Server Applications*, 1998) with 5,000 chunks of 8 to 999 bytes
//! for each of two threads.
//!
//! An operation frees a block that is drawn and takes another in its place.

use std::mem;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use super::{Job, more};
use crate::memory::Block;
use crate::random::Xorshift;

const CHUNKS: usize = 5_000;

/// Replacements of a thread for each request.
const REPLACED: u32 = 16_384;

/// Chunks change hands after so many requests: of the blocks that are freed, some seven in a hundred are then from another
/// thread.
const REQUESTS_PER_TURN: u32 = 4;

/// The chunks that a thread works on.
struct Chunks<B> {
    blocks: Vec<B>,
    random: Xorshift,
}

impl<B: Block> Chunks<B> {
    fn new(seed: u32) -> Chunks<B> {
        let mut random = Xorshift::seeded(seed);
        let blocks = (0..CHUNKS).map(|at| chunk(random.draw(), at));
        Chunks {
            blocks: blocks.collect(),
            random,
        }
    }

    fn replace(&mut self) -> u32 {
        let blocks = &mut self.blocks[..CHUNKS];
        let mut wrong = 0;
        for _ in 0..REPLACED {
            let at = (self.random.draw() % CHUNKS as u32) as usize;
            let victim = &mut blocks[at];
            if !victim.has(at as u8) {
                more(&mut wrong);
            }
            // Taken before the other is freed: so does everybody who replaces a value.
            *victim = chunk(self.random.draw(), at);
        }
        wrong
    }
}

/// One of a size that was drawn, with its place for a mark.
fn chunk<B: Block>(drawn: u32, at: usize) -> B {
    B::new(8 + drawn % 992, at as u8)
}

/// Two threads that live as long as the server.
pub(crate) struct Larson<B> {
    own: Chunks<B>,
    /// None while the other thread has them.
    others: Option<Chunks<B>>,
    requests: u32,
    to: SyncSender<Chunks<B>>,
    from: Receiver<(Chunks<B>, u32)>,
}

const ENDED: &str = "the other thread lives as long as its channel";

impl<B: Block> Job for Larson<B> {
    const OPERATIONS: u32 = 2 * REPLACED;

    fn begun() -> Larson<B> {
        let (to, received) = sync_channel::<Chunks<B>>(1);
        let (sent, from) = sync_channel(1);
        spawned(move || {
            for mut chunks in received {
                let wrong = chunks.replace();
                // Nobody waits for it where the server ends.
                if sent.send((chunks, wrong)).is_err() {
                    break;
                }
            }
        });
        Larson {
            own: Chunks::new(1),
            others: Some(Chunks::new(2)),
            requests: 0,
            to,
            from,
        }
    }

    fn go_on(&mut self) -> u32 {
        self.requests += 1;
        let mut others = self.others.take().expect(ENDED);
        if self.requests.is_multiple_of(REQUESTS_PER_TURN) {
            mem::swap(&mut self.own, &mut others);
        }
        self.to.send(others).expect(ENDED);
        let wrong = self.own.replace();
        let (others, its_wrong) = self.from.recv().expect(ENDED);
        self.others = Some(others);
        wrong + its_wrong
    }
}

/// A thread for each request, which takes over what the one before it left.
pub(crate) struct Spawning<B> {
    /// None while a thread has them.
    chunks: Option<Chunks<B>>,
}

impl<B: Block> Job for Spawning<B> {
    const OPERATIONS: u32 = REPLACED;

    fn begun() -> Spawning<B> {
        Spawning {
            chunks: Some(Chunks::new(1)),
        }
    }

    fn go_on(&mut self) -> u32 {
        let mut chunks = self.chunks.take().expect("a thread gives them back");
        let thread = spawned(move || {
            let wrong = chunks.replace();
            (chunks, wrong)
        });
        let (chunks, wrong) = thread.join().expect("a thread that replaces cannot panic");
        self.chunks = Some(chunks);
        wrong
    }
}

pub(super) fn spawned<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let thread = Builder::new().name("harness".to_owned());
    thread
        .spawn(work)
        .expect("a process may have some more threads")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys;

    #[test]
    fn blocks_change_hands_and_one_that_was_written_to_is_found() {
        let mut larson = Larson::<sys::Block>::begun();
        let first = larson.own.blocks.as_ptr();
        let hands = (0..2 * REQUESTS_PER_TURN).map(|_| {
            assert_eq!(larson.go_on(), 0);
            larson.own.blocks.as_ptr() == first
        });
        let hands: Vec<bool> = hands.collect();
        assert_eq!(hands, [true, true, true, false, false, false, false, true]);
        for block in &mut larson.own.blocks {
            block.spoil();
        }
        let wrong = larson.go_on();
        assert!((4_000..=5_000).contains(&wrong), "{wrong}");
    }
}
