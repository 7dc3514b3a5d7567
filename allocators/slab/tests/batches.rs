//! What another thread freed goes home in chains, with one atomic operation for each and not for each block.
//!
//! One test, because the counts belong to the whole process.

use std::sync::mpsc;
use std::thread;

use orthant_slab::{Balanced, Policy, Slab, sent};

#[global_allocator]
static GLOBAL: Slab<Balanced> = Balanced::ALLOCATOR;

const BATCHES: u64 = 2_000;
const BLOCKS: u64 = 100;

#[test]
fn sixteen_blocks_and_more_go_home_at_once() {
    let (sender, receiver) = mpsc::sync_channel::<Vec<Box<[u64; 25]>>>(4);
    let consumer = thread::spawn(move || receiver.into_iter().map(|batch| batch.len()).sum());
    for _ in 0..BATCHES {
        sender
            .send((0..BLOCKS).map(|at| Box::new([at; 25])).collect())
            .unwrap();
    }
    drop(sender);
    let freed: usize = consumer.join().unwrap();
    assert_eq!(freed as u64, BATCHES * BLOCKS);
    let (blocks, chains) = sent();
    assert!(blocks >= BATCHES * BLOCKS * 9 / 10, "{blocks}");
    assert!(blocks / chains >= 16, "{blocks} blocks in {chains} chains");
}
