//! What a hardened build looks at: that a block is out when it is freed, and what it was taken as, and that nobody wrote over
//! the link of a free one. Whatever is found ends the process at once, as going on would make a mistake somebody's way in.
//!
//! Each block has a bit in its superslab that says whether it is out. It is set when the block is taken and cleared when it is
//! freed, both in the thread that does so and before a link is written: of two threads that free the same block only one
//! finds it set, and no chain is made of a block that is in one. A second free that comes after the block was taken again
//! looks like one by its new owner.
//!
//! A link is kept in two words, each with the link's address and another half of a secret in it; so it can neither be made up
//! nor be written over in part. What stands behind these 16 bytes nobody looks at, nor at what is above 1 MiB.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::classes::{Class, GRAIN_BYTES};
use super::superslab::SLAB_BYTES;
use crate::sys::{self, Block};

/// Drawn by the kernel for each process; 0 before the first heap.
static SECRET: AtomicUsize = AtomicUsize::new(0);

/// Words of 64 bits for the blocks of a slab.
pub(crate) const WORDS: usize = SLAB_BYTES / GRAIN_BYTES / 64;

/// Has a secret, before the first link is written.
pub(crate) fn begin() {
    if SECRET.load(Ordering::Relaxed) == 0 {
        // The first one holds, as links may be written with it already. It is not 0.
        let drawn = sys::secret() | 1;
        let _ = SECRET.compare_exchange(0, drawn, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// A link as the two words that stand for it in a block.
#[inline(always)]
pub(crate) fn written(block: *mut Block, link: usize) -> [usize; 2] {
    let mask = mask(block);
    [link ^ mask, !link ^ mask.rotate_left(32)]
}

/// The link that two words stand for.
#[inline(always)]
pub(crate) fn read(block: *mut Block, words: [usize; 2]) -> usize {
    let mask = mask(block);
    let link = words[0] ^ mask;
    if link != !(words[1] ^ mask.rotate_left(32)) {
        sys::end_process("memory was written to after it was freed");
    }
    link
}

fn mask(block: *mut Block) -> usize {
    SECRET.load(Ordering::Relaxed) ^ (block.addr() >> 4)
}

/// Notes that a block is out.
pub(crate) fn take(block: *mut Block) {
    let (word, bit) = place(block);
    word.fetch_or(bit, Ordering::Relaxed);
}

/// Looks whether a block that is freed as one of a class is one, and out, and notes that it is no more.
pub(crate) fn put(block: *mut Block, class: Class) {
    check(block, class);
    put_out(block);
}

/// Looks whether a block is one of a class.
fn check(block: *mut Block, class: Class) {
    let (superslab, at) = sys::home(block);
    let slab = superslab.slab(at);
    let is_one = at > 0
        && slab.run() == 0
        && slab.class() == class
        && (block.addr() % SLAB_BYTES).is_multiple_of(class.bytes());
    if !is_one {
        wrong_layout();
    }
}

/// The same of one that is freed as a run of so many slabs. It may be longer: one that is made a little shorter stays as
/// it is.
pub(crate) fn put_run(block: *mut Block, slabs: u32) {
    check_run(block, slabs);
    put_out(block);
}

fn check_run(block: *mut Block, slabs: u32) {
    let (superslab, at) = sys::home(block);
    let run = superslab.slab(at).run();
    let is_one = at > 0 && block.addr().is_multiple_of(SLAB_BYTES);
    if !is_one || run < slabs || run / 2 >= slabs {
        wrong_layout();
    }
}

/// Looks whether what is freed as a mapping can be one.
pub(crate) fn put_mapping(block: *mut u8, page_bytes: usize) {
    if !block.addr().is_multiple_of(page_bytes) {
        wrong_layout();
    }
}

/// Looks whether a block that is to be made longer or shorter is what its layout says, and out.
pub(crate) fn look(block: *mut Block, class: Option<Class>, slabs: Option<u32>) {
    match (class, slabs) {
        (Some(class), _) => check(block, class),
        (None, Some(slabs)) => check_run(block, slabs),
        (None, None) => return,
    }
    let (word, bit) = place(block);
    if word.load(Ordering::Relaxed) & bit == 0 {
        sys::end_process("a block was made longer or shorter after it was freed");
    }
}

fn wrong_layout() -> ! {
    sys::end_process("a block was freed with another layout than it was taken with")
}

fn put_out(block: *mut Block) {
    let (word, bit) = place(block);
    if word.fetch_and(!bit, Ordering::Relaxed) & bit == 0 {
        sys::end_process("a block was freed twice");
    }
}

/// Where the bit of a block is.
fn place(block: *mut Block) -> (&'static AtomicU64, u64) {
    let number = block.addr() % SLAB_BYTES / GRAIN_BYTES;
    let words = sys::out_words(block);
    (&words[number / 64 % WORDS], 1 << (number % 64))
}
