//! What a hardened build looks at: links that nobody else can have written, blocks that come home once, and as what they were
//! taken. Whatever is found ends the process at once, as going on would make a mistake somebody's way in.
//!
//! A link is kept with a secret and its own address in it, so that it cannot be made up, and what was written over it is
//! found when it is read: it leads to nowhere a block could be. Which blocks are out of a slab says a bit for each, which is looked
//! at when one comes home: not when it is freed, as magazines know nothing of slabs, but before somebody else can be
//! given what comes home twice.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::classes::{Class, GRAIN_BYTES};
use super::policy::Policy;
use super::superslab::{Chain, SLAB_BYTES, Span};
use crate::sys::{self, Block};

/// Drawn by the kernel for each process; 0 before the first heap.
static SECRET: AtomicUsize = AtomicUsize::new(0);

/// No program has memory above (x86-64 and aarch64 with pages of 4 KiB).
const ADDRESS_BITS: u32 = 47;

/// Words of 64 bits for the blocks of a slab.
pub(crate) const WORDS: usize = SLAB_BYTES / GRAIN_BYTES / 64;

/// Has a secret, before the first link is written.
pub(crate) fn begin() {
    SECRET.store(sys::secret(), Ordering::Relaxed);
}

/// A link as it is written, or the link that was written so: the same again undoes it.
#[inline(always)]
pub(crate) fn mixed(block: *mut Block, link: usize) -> usize {
    link ^ SECRET.load(Ordering::Relaxed) ^ (block.addr() >> 4)
}

/// Looks at a link that was read.
#[inline(always)]
pub(crate) fn check_link(link: usize) {
    if link >> ADDRESS_BITS != 0 || !link.is_multiple_of(GRAIN_BYTES) {
        sys::end_process("memory was written to after it was freed");
    }
}

/// Notes that blocks leave their slabs.
pub(crate) fn leave<P: Policy>(chain: Chain) {
    let mut block = chain.first;
    for _ in 0..chain.count {
        let (word, bit) = place(block);
        word.set(word.get() | bit);
        block = sys::next::<P>(block);
    }
}

/// Looks whether a block that comes home was out.
pub(crate) fn come_home(block: *mut Block) {
    let (word, bit) = place(block);
    if word.get() & bit == 0 {
        sys::end_process("a block was freed twice");
    }
    word.set(word.get() & !bit);
}

/// Looks whether a block that was freed as one of a class is one.
pub(crate) fn check_class(block: *mut Block, class: Class) {
    let (superslab, at) = sys::home(block);
    let slab = superslab.slab(at);
    let is_one = at > 0
        && slab.run() == 0
        && slab.class() == class
        && (block.addr() % SLAB_BYTES).is_multiple_of(class.bytes());
    if !is_one {
        sys::end_process("a block was freed with another layout than it was taken with");
    }
}

/// Looks whether a block that was freed as a run of so many slabs is one. It may be longer: one that is made a little shorter
/// stays as it is.
pub(crate) fn check_run(block: *mut Block, slabs: u32) {
    let (superslab, at) = sys::home(block);
    let run = superslab.slab(at).run();
    if at == 0 || !block.addr().is_multiple_of(SLAB_BYTES) || run < slabs {
        sys::end_process("a block was freed with another layout than it was taken with");
    }
}

/// Looks whether a run that comes home was out.
pub(crate) fn run_comes_home(span: Span) {
    if span.superslab.has_free(span.first, 1) {
        sys::end_process("a block was freed twice");
    }
}

/// Where the bit of a block is.
fn place(block: *mut Block) -> (&'static Cell<u64>, u64) {
    let number = block.addr() % SLAB_BYTES / GRAIN_BYTES;
    let words = sys::out_words(block);
    (&words[number / 64 % WORDS], 1 << (number % 64))
}
