//! Where a hardened build has its secret and its bits, and how it ends.

use std::sync::atomic::AtomicU64;

use super::block::{Block, address, home};
use crate::allocator::guard::WORDS;
use crate::allocator::heap::Heap;
use crate::allocator::superslab::{SLAB_BYTES, SLABS, Superslab};

/// Where the bits begin in the first slab, behind what else is there.
const OUT_OFFSET: usize = 32 << 10;

/// A number that the kernel drew (getrandom(2)).
pub(crate) fn secret() -> usize {
    let mut drawn = [0_u8; size_of::<usize>()];
    // SAFETY: so many bytes may be written to.
    let got = unsafe { libc::getrandom(drawn.as_mut_ptr().cast(), drawn.len(), 0) };
    if got != drawn.len().cast_signed() {
        end_process("the kernel drew no secret (getrandom(2))");
    }
    usize::from_ne_bytes(drawn)
}

/// The bits of the slab that a block lies in.
pub(crate) fn out_words(block: *mut Block) -> &'static [AtomicU64; WORDS] {
    const { assert!(size_of::<Superslab>() + size_of::<Heap>() <= OUT_OFFSET) };
    const { assert!(OUT_OFFSET + SLABS * size_of::<[u64; WORDS]>() <= SLAB_BYTES) };
    let (superslab, at) = home(block);
    let words = address(superslab)
        .wrapping_add(OUT_OFFSET)
        .cast::<[AtomicU64; WORDS]>();
    // SAFETY: in the first slab of a mapped superslab, where nothing else is, as asserted, and zeroes are such words.
    unsafe { &*words.wrapping_add(at) }
}

/// Says why on standard error and ends the process (abort(3)). Nothing here takes memory.
#[cold]
pub(crate) fn end_process(why: &str) -> ! {
    for text in ["orthant-slab: ", why, "\n"] {
        // SAFETY: so many bytes are there to be read. Where they cannot be written nobody can be told.
        unsafe { libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len()) };
    }
    // SAFETY: it does not come back.
    unsafe { libc::abort() }
}
