//! The contract with the language.

use std::alloc::{GlobalAlloc, Layout};
use std::marker::PhantomData;

use crate::allocator::policy::Policy;
use crate::allocator::{classes, front, guard, large};

/// The allocator, with one of the policies.
#[derive(Clone, Copy, Debug, Default)]
pub struct Slab<P>(PhantomData<P>);

impl<P> Slab<P> {
    /// There is nothing to choose but the policy.
    pub const fn new() -> Slab<P> {
        Slab(PhantomData)
    }
}

// SAFETY: a block is given out once until it is given back: magazines and slabs are chains, in one of which every free block
// is. It is as large and as aligned as its layout asks for, which the tests of `classes` show of classes, slabs are for runs by
// where they begin, and mappings by how they are mapped. Nothing here unwinds: no index is checked that could be wrong, and
// nothing is formatted.
unsafe impl<P: Policy> GlobalAlloc for Slab<P> {
    #[inline(always)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match classes::of_layout(layout.size(), layout.align()) {
            Some(class) => front::take::<P>(class),
            None => large::take::<P>(layout, false),
        }
    }

    #[inline(always)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let Some(class) = classes::of_layout(layout.size(), layout.align()) else {
            return large::take::<P>(layout, true);
        };
        let block = front::take::<P>(class);
        if !block.is_null() {
            crate::sys::zero(block, layout.size());
        }
        block
    }

    #[inline(always)]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        match classes::of_layout(layout.size(), layout.align()) {
            Some(class) => front::put::<P>(class, block),
            None => large::put::<P>(block, layout),
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let align = layout.align();
        let (before, after) = (
            classes::of_layout(layout.size(), align),
            classes::of_layout(size, align),
        );
        if P::HARDENED {
            guard::look(block.cast(), before, large::slabs_of(layout));
        }
        let stays = match (before, after) {
            (Some(before), Some(after)) => (before == after).then_some(block),
            (None, None) => large::resized::<P>(block, layout, size),
            _ => None,
        };
        if let Some(stays) = stays {
            return stays;
        }
        // SAFETY: the caller promises that `size` is not 0 and does not overflow when it is rounded up to `align`.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, align) };
        // SAFETY: its size is not 0.
        let other = unsafe { self.alloc(wanted) };
        if !other.is_null() {
            // SAFETY: both have at least so many bytes, and the new block is not the old one.
            unsafe { other.copy_from_nonoverlapping(block, size.min(layout.size())) };
            // SAFETY: the caller gave the block up, by this layout.
            unsafe { self.dealloc(block, layout) };
        }
        other
    }
}
