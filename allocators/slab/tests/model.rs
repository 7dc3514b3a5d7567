//! The way home of blocks that others free, in every order in which threads can meet (loom).
//!
//! It is the code of the allocator, with loom's atomics in place of the language's, over blocks that are cells: who reads a
//! cell that another may be writing is found.

use std::ptr;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

mod atomic {
    pub(crate) use loom::sync::atomic::{AtomicPtr, Ordering};
}

#[path = "../src/allocator/remote.rs"]
mod remote;

use remote::{Link, Remote};

struct Block {
    number: UnsafeCell<u32>,
    next: UnsafeCell<*mut Block>,
}

struct Plain;

impl Link<Block> for Plain {
    fn set_next(block: *mut Block, next: *mut Block) {
        // SAFETY: blocks of this model are boxes that live until `taken` has them.
        let block = unsafe { &*block };
        // SAFETY: loom checks that nobody else reads or writes it meanwhile.
        block.next.with_mut(|link| unsafe { *link = next });
    }
}

/// A block that its user has just written to.
fn block(number: u32) -> *mut Block {
    Box::into_raw(Box::new(Block {
        number: UnsafeCell::new(number),
        next: UnsafeCell::new(ptr::null_mut()),
    }))
}

/// Takes all there is; the numbers.
fn taken(remote: &Remote<Block>) -> Vec<u32> {
    let mut numbers = Vec::new();
    let mut next = remote.take();
    while !next.is_null() {
        // SAFETY: a box became this pointer, and a block is taken once.
        let block = unsafe { Box::from_raw(next) };
        // SAFETY: loom checks that nobody writes it meanwhile.
        numbers.push(block.number.with(|number| unsafe { *number }));
        // SAFETY: as above.
        next = block.next.with(|link| unsafe { *link });
    }
    numbers
}

#[test]
fn every_block_comes_home_once() {
    loom::model(|| {
        let head = atomic::AtomicPtr::new(ptr::null_mut());
        let remote = Arc::new(Remote { head });
        let senders = [[1, 2], [3, 4]].map(|[first, last]| {
            let remote = remote.clone();
            thread::spawn(move || {
                let (first, last) = (block(first), block(last));
                Plain::set_next(first, last);
                remote.push::<Plain>(first, last);
            })
        });
        // Not after the senders' end, which would order everything by itself.
        let mut numbers = Vec::new();
        while numbers.len() < 4 {
            numbers.extend(taken(&remote));
            thread::yield_now();
        }
        for sender in senders {
            sender.join().unwrap();
        }
        assert_eq!(taken(&remote), []);
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2, 3, 4]);
    });
}
