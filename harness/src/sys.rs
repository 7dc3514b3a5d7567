//! A block straight from the global allocator: a boxed slice would be cleared, and that costs more than the block does.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// A block of the global allocator.
pub struct Block {
    start: NonNull<u8>,
    size_bytes: u32,
}

// SAFETY: a block has one owner, and who has it may free it, on any thread.
unsafe impl Send for Block {}

impl crate::memory::Block for Block {
    #[inline(always)]
    fn new(size_bytes: u32, mark: u8) -> Block {
        assert!(size_bytes > 0);
        let layout = layout(size_bytes);
        // SAFETY: the layout has a size, as was just seen.
        let start = unsafe { alloc(layout) };
        let Some(start) = NonNull::new(start) else {
            handle_alloc_error(layout)
        };
        // SAFETY: the block has at least one byte, and nobody else knows of it.
        unsafe { start.write(mark) };
        Block { start, size_bytes }
    }

    #[inline(always)]
    fn has(&self, mark: u8) -> bool {
        // SAFETY: the byte was written when the block was taken, and the block is not freed before `self` is dropped.
        let first = unsafe { self.start.read() };
        first == mark
    }
}

#[cfg(test)]
impl Block {
    /// Writes the first byte as somebody would who was given the same block.
    pub(crate) fn spoil(&mut self) {
        // SAFETY: the block has at least one byte, which was written.
        let first = unsafe { self.start.read() };
        // SAFETY: as above, and only its owner, who is borrowed, may look at it.
        unsafe { self.start.write(!first) };
    }
}

impl Drop for Block {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: the block came from `alloc` with the same layout, and is freed once, as it has one owner.
        unsafe { dealloc(self.start.as_ptr(), layout(self.size_bytes)) };
    }
}

#[inline(always)]
fn layout(size_bytes: u32) -> Layout {
    const ALIGN_BYTES: usize = 8;
    // SAFETY: 8 is a power of two, and 4 GiB rounded up to it are less than half of the address space.
    unsafe { Layout::from_size_align_unchecked(size_bytes as usize, ALIGN_BYTES) }
}
