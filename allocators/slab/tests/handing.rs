//! Threads that hand blocks to each other and end, with nothing between them that a sanitizer does not see: what is not
//! ordered by the slots that blocks lie in is ordered by the allocator, or by nobody. So there is no harness of tests either: it
//! has channels of the standard library, whose insides no sanitizer was told of.

use std::alloc::{GlobalAlloc, Layout};
use std::collections::VecDeque;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::thread::JoinHandle;

use orthant_slab::{Balanced, Lean, Policy, Slab};

const SLOTS: usize = 64;
const THREADS: u32 = 4;

/// So many threads run for each.
const GENERATIONS: u32 = 6;

/// Exchanges of each thread.
const TURNS: u32 = if cfg!(debug_assertions) {
    4_000
} else {
    20_000
};

/// Where blocks lie that nobody holds: each begins with how long it is.
struct Slots([AtomicPtr<u32>; SLOTS]);

impl Slots {
    const fn empty() -> Slots {
        Slots([const { AtomicPtr::new(ptr::null_mut()) }; SLOTS])
    }

    /// Lays a block down and takes what was there.
    fn exchanged(&self, slot: u32, block: *mut u32) -> *mut u32 {
        // Release and Acquire: who takes a block sees what was written to it.
        self.0[slot as usize % SLOTS].swap(block, Ordering::AcqRel)
    }
}

fn layout(words: u32) -> Layout {
    Layout::array::<u32>(words as usize).expect("a small size")
}

/// A block whose words all are its length.
fn written<A: GlobalAlloc>(allocator: &A, words: u32) -> *mut u32 {
    // SAFETY: it has at least a word.
    let block = unsafe { allocator.alloc(layout(words)) }.cast::<u32>();
    assert!(!block.is_null());
    for at in 0..words as usize {
        let word = block.wrapping_add(at);
        // SAFETY: the block is so long, and nobody else's.
        unsafe { word.write(words) };
    }
    block
}

/// Reads a block and frees it.
fn freed<A: GlobalAlloc>(allocator: &A, block: *mut u32) {
    // SAFETY: it has at least a word, which was written.
    let words = unsafe { block.read() };
    assert!((1..=40_000).contains(&words), "{words}");
    for at in 0..words as usize {
        let word = block.wrapping_add(at);
        // SAFETY: a block is as long as its first word says.
        assert_eq!(unsafe { word.read() }, words);
    }
    // SAFETY: it was taken by this layout, and whoever took it out of its slot is the only one to hold it.
    unsafe { allocator.dealloc(block.cast(), layout(words)) };
}

/// Hands blocks on and ends: the next thread may take over its heap.
fn hand<P: Policy<Allocator = Slab<P>>>(slots: &Slots, number: u32) {
    let mut drawn = number * 7919 + 1;
    let allocator = P::ALLOCATOR;
    for turn in 0..TURNS {
        drawn = drawn.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Mostly of a few classes, sometimes a run of slabs.
        let words = match drawn >> 8 & 1023 {
            0 => 20_000 + (drawn >> 18),
            class => 1 + class % 40,
        };
        let block = written(&allocator, words);
        let other = slots.exchanged(drawn >> 20, block);
        if !other.is_null() {
            freed(&allocator, other);
        }
        if turn.is_multiple_of(1024) {
            P::collect();
        }
    }
}

/// Has so many threads hand, of which one ends and another begins while the others go on.
fn all_hand<P: Policy<Allocator = Slab<P>>>(slots: &'static Slots) {
    let mut threads = VecDeque::new();
    for number in 0..THREADS * GENERATIONS {
        if number >= THREADS {
            end(threads.pop_front());
        }
        threads.push_back(std::thread::spawn(move || hand::<P>(slots, number)));
    }
    threads.into_iter().for_each(|thread| end(Some(thread)));
    for slot in 0..SLOTS as u32 {
        let block = slots.exchanged(slot, ptr::null_mut());
        if !block.is_null() {
            freed(&P::ALLOCATOR, block);
        }
    }
    P::collect();
}

fn end(thread: Option<JoinHandle<()>>) {
    let thread = thread.expect("it was begun");
    thread.join().expect("it hands blocks on and ends");
}

fn main() {
    static BALANCED: Slots = Slots::empty();
    all_hand::<Balanced>(&BALANCED);
    static LEAN: Slots = Slots::empty();
    all_hand::<Lean>(&LEAN);
}
