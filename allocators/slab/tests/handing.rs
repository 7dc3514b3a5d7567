//! Threads that hand blocks to each other and end, with nothing between them that a sanitizer does not see: what is not
//! ordered by the slots that blocks lie in is ordered by the allocator, or by nobody. So there is no harness of tests either: it
//! has channels of the standard library, whose insides no sanitizer was told of.

use std::alloc::{GlobalAlloc, Layout};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use orthant_slab::{Balanced, Lean, Policy, Slab};

const SLOTS: usize = 64;
const THREADS: u32 = 4;

/// Each thread begins another before it ends, until so many have run for each.
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

/// What the threads of a policy share.
struct Hands {
    slots: Slots,
    begun: AtomicU32,
    ended: AtomicU32,
}

impl Hands {
    const fn new() -> Hands {
        Hands {
            slots: Slots::empty(),
            begun: AtomicU32::new(0),
            ended: AtomicU32::new(0),
        }
    }

    /// Hands blocks on, begins the next thread and ends: that one may take over its heap.
    fn hand<P: Policy<Allocator = Slab<P>>>(&'static self) {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
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
            let other = self.slots.exchanged(drawn >> 20, block);
            if !other.is_null() {
                freed(&allocator, other);
            }
            if turn.is_multiple_of(1024) {
                P::collect();
            }
        }
        if number + THREADS < THREADS * GENERATIONS {
            std::thread::spawn(|| self.hand::<P>());
        }
        self.ended.fetch_add(1, Ordering::Release);
    }

    fn all_hand<P: Policy<Allocator = Slab<P>>>(&'static self) {
        for _ in 0..THREADS {
            std::thread::spawn(|| self.hand::<P>());
        }
        while self.ended.load(Ordering::Acquire) < THREADS * GENERATIONS {
            std::thread::yield_now();
        }
        for slot in 0..SLOTS as u32 {
            let block = self.slots.exchanged(slot, ptr::null_mut());
            if !block.is_null() {
                freed(&P::ALLOCATOR, block);
            }
        }
        P::collect();
    }
}

fn main() {
    static BALANCED: Hands = Hands::new();
    BALANCED.all_hand::<Balanced>();
    static LEAN: Hands = Hands::new();
    LEAN.all_hand::<Lean>();
}
