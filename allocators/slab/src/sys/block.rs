//! From a block to the next one, to its slab and to its heap.
//!
//! A superslab's memory is exposed when it is mapped, and whoever comes from an address takes that up again.

use std::mem::offset_of;
use std::ptr;

use crate::allocator::classes::{CLASSES, Class};
use crate::allocator::guard;
use crate::allocator::heap::Heap;
use crate::allocator::policy::Policy;
use crate::allocator::remote::Link;
use crate::allocator::superslab::{SLAB_BYTES, SLABS, SUPERSLAB_BYTES, Slab, Superslab};

/// A block that nobody uses: its first word leads to the next one. 16 bytes are the least that a block has.
pub(crate) struct Block {
    next: *mut Block,
    /// The same once more in a hardened build; no other one looks at it.
    check: usize,
}

impl<P: Policy> Link<Block> for P {
    fn set_next(block: *mut Block, next: *mut Block) {
        set_next::<P>(block, next);
    }
}

/// The block behind one that nobody uses; null behind the last.
#[inline(always)]
pub(crate) fn next<P: Policy>(block: *mut Block) -> *mut Block {
    // SAFETY: blocks in chains belong to the allocator and are aligned to 16 bytes; who put it there wrote its link.
    let next = unsafe { (*block).next };
    if !P::HARDENED {
        return next;
    }
    // SAFETY: as above; a hardened build writes both words.
    let check = unsafe { (*block).check };
    ptr::with_exposed_provenance_mut(guard::read(block, [next.addr(), check]))
}

/// Makes one block follow another that nobody uses.
#[inline(always)]
pub(crate) fn set_next<P: Policy>(block: *mut Block, next: *mut Block) {
    let mut next = next;
    if P::HARDENED {
        let [link, check] = guard::written(block, next.addr());
        next = ptr::without_provenance_mut(link);
        // SAFETY: as below.
        unsafe { (*block).check = check };
    }
    // SAFETY: its user gave it back, or it was never given out; a block has as many bytes as this has at least.
    unsafe { (*block).next = next };
}

/// Writes zeroes over a block that nobody else knows of.
pub(crate) fn zero(block: *mut u8, bytes: usize) {
    // SAFETY: whoever asks has just taken a block of at least so many bytes.
    unsafe { block.write_bytes(0, bytes) };
}

/// The member of a class.
#[inline(always)]
pub(crate) fn of_class<T>(members: &[T; CLASSES], class: Class) -> &T {
    // SAFETY: a class is below `CLASSES`: only its own module makes them.
    unsafe { members.get_unchecked(class.index()) }
}

/// The superslab of a block of a class or of the first slab of a run, and the slab in it.
#[inline(always)]
pub(crate) fn home(block: *mut Block) -> (&'static Superslab, usize) {
    let address = block.addr();
    (at(address), address % SUPERSLAB_BYTES / SLAB_BYTES)
}

/// The heap of a block of a class or of the first slab of a run.
#[inline(always)]
pub(crate) fn owner(block: *mut Block) -> *const Heap {
    at(block.addr()).owner()
}

/// The superslab that knows of a slab, and which it is.
pub(crate) fn home_of_slab(slab: &'static Slab) -> (&'static Superslab, usize) {
    let address = ptr::from_ref(slab).addr();
    let first = address % SUPERSLAB_BYTES - offset_of!(Superslab, slabs);
    (at(address), first / size_of::<Slab>() % SLABS)
}

/// Where the blocks of a slab are.
pub(crate) fn slab_address(slab: &'static Slab) -> *mut u8 {
    let (superslab, at) = home_of_slab(slab);
    superslab.address(at)
}

/// The superslab around an address.
#[inline(always)]
fn at(address: usize) -> &'static Superslab {
    let start = ptr::with_exposed_provenance(address & !(SUPERSLAB_BYTES - 1));
    // SAFETY: the address is that of a block or a slab of ours, so a superslab begins there and is mapped. Its owner is
    // atomic; of the rest other threads than the owner's read only what concerns a block that they hold.
    unsafe { &*start }
}

/// Where a superslab begins, with the right to all of it.
pub(crate) fn address(superslab: &'static Superslab) -> *mut u8 {
    ptr::with_exposed_provenance_mut(ptr::from_ref(superslab).addr())
}

/// The place for a heap in a superslab: behind what is known of its slabs, where nothing else is.
pub(crate) fn heap_in(superslab: &'static Superslab) -> &'static Heap {
    const { assert!(size_of::<Superslab>() + size_of::<Heap>() <= SLAB_BYTES) };
    const { assert!(size_of::<Superslab>().is_multiple_of(align_of::<Heap>())) };
    let place = address(superslab).wrapping_add(size_of::<Superslab>());
    // SAFETY: the place is inside the first slab, which holds no blocks, and aligned as asserted. The memory is fresh, so
    // all of it is zeroes, which every field of a heap may be.
    unsafe { &*place.cast::<Heap>() }
}

/// Whether a heap stands in this superslab.
pub(crate) fn holds(superslab: &'static Superslab, heap: &'static Heap) -> bool {
    let behind = ptr::from_ref(heap)
        .addr()
        .wrapping_sub(ptr::from_ref(superslab).addr());
    behind < SUPERSLAB_BYTES
}

/// A heap by the address that superslabs and heaps keep.
#[inline]
pub(crate) fn heap(address: *mut Heap) -> Option<&'static Heap> {
    // SAFETY: such an address is null or that of a heap, and heaps are never given back.
    unsafe { address.as_ref() }
}
