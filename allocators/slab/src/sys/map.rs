//! Memory from the kernel and back to it (mmap(2), munmap(2), mremap(2), madvise(2)).

use std::ptr;

use crate::allocator::policy::Policy;
use crate::allocator::superslab::{SUPERSLAB_BYTES, Superslab};

const PAGE_BYTES: usize = 4096;

/// So many zeroes at a multiple of `align`, which is a power of two and a page at least. `None` when there is no memory.
pub(crate) fn map(bytes: usize, align: usize) -> Option<*mut u8> {
    // As the kernel knows pages only, more is mapped, and what is before and behind given back.
    let more = align - PAGE_BYTES;
    let mapped = bytes.checked_add(more)?;
    // SAFETY: a new mapping that no other memory is replaced by; private and without a file.
    let start = unsafe {
        libc::mmap(
            ptr::null_mut(),
            mapped,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if start == libc::MAP_FAILED {
        return None;
    }
    let start = start.cast::<u8>();
    let before = start.align_offset(align);
    let block = start.wrapping_add(before);
    if before > 0 {
        unmap(start, before);
    }
    if more > before {
        unmap(block.wrapping_add(bytes), more - before);
    }
    Some(block)
}

/// A fresh superslab: zeroes. `None` when there is no memory.
pub(crate) fn superslab<P: Policy>() -> Option<&'static Superslab> {
    let start = map(SUPERSLAB_BYTES, SUPERSLAB_BYTES)?;
    if !P::HUGE_PAGES {
        advise(start, SUPERSLAB_BYTES, libc::MADV_NOHUGEPAGE);
    }
    start.expose_provenance();
    // SAFETY: the mapping is aligned, large enough and nobody else's, and zeroes are a superslab.
    Some(unsafe { &*start.cast::<Superslab>() })
}

/// Gives a mapping or a part of one back. The kernel refuses only where it would have to split one and has no room for a
/// further entry: then the memory stays, and is lost.
pub(crate) fn unmap(start: *mut u8, bytes: usize) {
    // SAFETY: whoever asks owns these pages and does not use them any more.
    unsafe { libc::munmap(start.cast(), bytes) };
}

/// Makes a mapping longer or shorter; it may move. `None` when there is no memory: then it is as it was.
pub(crate) fn remap(start: *mut u8, before: usize, after: usize) -> Option<*mut u8> {
    // SAFETY: whoever asks owns the mapping and takes the new address for the old one.
    let moved = unsafe { libc::mremap(start.cast(), before, after, libc::MREMAP_MAYMOVE) };
    (moved != libc::MAP_FAILED).then_some(moved.cast())
}

/// Gives the pages of free slabs back; read again, they are zeroes. Whether the kernel did it.
///
/// Not MADV_FREE: it gives pages back when the kernel needs them, and resident memory stays what it was until then.
pub(crate) fn purge(start: *mut u8, bytes: usize) -> bool {
    advise(start, bytes, libc::MADV_DONTNEED)
}

fn advise(start: *mut u8, bytes: usize, advice: libc::c_int) -> bool {
    // SAFETY: the range is in a superslab of ours, and no block in it is in use.
    unsafe { libc::madvise(start.cast(), bytes, advice) == 0 }
}
