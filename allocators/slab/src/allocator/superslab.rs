//! A superslab: 2 MiB at a multiple of 2 MiB, in slabs of 64 KiB. What is known of them stands at its start, so that the way
//! from a block to it is one mask; the rest of the first slab stays untouched but for a heap, and for bits in a hardened build.
//!
//! Everything but the owner belongs to the thread whose heap it is. The owner has a line of its own, since others read it
//! when they free a block. A fresh superslab is zeroes, and zeroes are a superslab without an owner and with all slabs in
//! use, so that nothing has to be constructed in memory nobody has seen.

use std::cell::Cell;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::classes::Class;
use super::heap::Heap;
use super::list::{Linked, Links};
use super::policy::Policy;
use crate::sys::{self, Block};

/// Bytes of a superslab, and what its address is a multiple of.
pub(crate) const SUPERSLAB_BYTES: usize = 2 << 20;

/// Bytes of a slab, and what its address is a multiple of.
pub(crate) const SLAB_BYTES: usize = 64 << 10;

/// Slabs of a superslab, the first among them.
pub(crate) const SLABS: usize = SUPERSLAB_BYTES / SLAB_BYTES;

/// All slabs that can hold blocks: all but the first.
pub(crate) const USABLE: u32 = !1;

/// Blocks are carved by so many bytes at a time: what is not needed is not touched.
const CARVED_BYTES: u32 = 4096;

/// What is known of the slabs in it.
#[repr(C, align(64))]
pub(crate) struct Superslab {
    owner: Owner,
    /// A bit for each slab that holds nothing.
    free: Cell<u32>,
    /// Of those, the ones that were used since the kernel gave their pages.
    dirty: Cell<u32>,
    links: Links<Superslab>,
    pub(crate) slabs: [Slab; SLABS],
}

#[repr(align(64))]
struct Owner(AtomicPtr<Heap>);

/// What is known of a slab.
#[repr(align(64))]
pub(crate) struct Slab {
    /// Blocks that came back, as a chain.
    free: Cell<*mut Block>,
    links: Links<Slab>,
    /// Blocks that were carved since the slab has its class.
    carved: Cell<u32>,
    /// Of those, the ones that are not in the chain: in use, in a magazine or on their way home.
    used: Cell<u32>,
    class: Cell<Class>,
    /// How many slabs the run has that starts here; 0 for a slab of a class.
    run: Cell<u32>,
    /// When it became free, in epochs of its heap.
    since: Cell<u32>,
}

/// Blocks that hang together, and how many.
#[derive(Clone, Copy)]
pub(crate) struct Chain {
    pub(crate) first: *mut Block,
    pub(crate) count: u32,
}

impl Chain {
    pub(crate) const NONE: Chain = Chain {
        first: std::ptr::null_mut(),
        count: 0,
    };
}

/// Slabs next to each other.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) superslab: &'static Superslab,
    pub(crate) first: usize,
    pub(crate) count: u32,
}

impl Linked for Superslab {
    fn links(&self) -> &Links<Superslab> {
        &self.links
    }
}

impl Linked for Slab {
    fn links(&self) -> &Links<Slab> {
        &self.links
    }
}

impl Superslab {
    /// Gives a fresh one to a heap.
    pub(crate) fn belong_to(&self, heap: &'static Heap) {
        self.free.set(USABLE);
        // Others see it when they free a block that the owner gave them, and whatever gave it to them is what orders this.
        self.owner
            .0
            .store(std::ptr::from_ref(heap).cast_mut(), Ordering::Relaxed);
    }

    /// The heap that its blocks go home to; never null for one that has blocks.
    #[inline]
    pub(crate) fn owner(&self) -> *const Heap {
        self.owner.0.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn slab(&self, at: usize) -> &Slab {
        // The mask is for the compiler, which then knows that there is such a slab.
        &self.slabs[at % SLABS]
    }

    /// So many free slabs next to each other, those with pages first.
    pub(crate) fn found(&self, count: u32) -> Option<usize> {
        let dirty = starts(self.free.get() & self.dirty.get(), count);
        let starts = if dirty == 0 {
            starts(self.free.get(), count)
        } else {
            dirty
        };
        (starts != 0).then_some(starts.trailing_zeros() as usize)
    }

    /// Whether these slabs are free.
    pub(crate) fn has_free(&self, first: usize, count: u32) -> bool {
        let bits = bits(first, count);
        first + count as usize <= SLABS && self.free.get() & bits == bits
    }

    /// Takes free slabs into use; how many of them may hold what was written before.
    pub(crate) fn take(&self, first: usize, count: u32) -> u32 {
        let bits = bits(first, count);
        let dirty = self.dirty.get() & bits;
        self.free.set(self.free.get() & !bits);
        self.dirty.set(self.dirty.get() & !bits);
        dirty.count_ones()
    }

    /// Notes that slabs are free, and since when.
    pub(crate) fn put(&self, first: usize, count: u32, epoch: u32) {
        let bits = bits(first, count);
        self.free.set(self.free.get() | bits);
        self.dirty.set(self.dirty.get() | bits);
        for at in first..first + count as usize {
            self.slab(at).since.set(epoch);
        }
    }

    /// Whether no slab is free.
    pub(crate) fn is_full(&self) -> bool {
        self.free.get() == 0
    }

    /// Whether all of its slabs are free.
    pub(crate) fn is_empty(&self) -> bool {
        self.free.get() == USABLE
    }

    /// How many free slabs have pages.
    pub(crate) fn dirty(&self) -> u32 {
        self.dirty.get().count_ones()
    }

    /// Gives back the pages of at most so many free slabs that were not needed since an epoch, the last ones first: the
    /// first ones are taken first. Returns how many, and whether the kernel refused.
    pub(crate) fn purge(&'static self, most: u32, is_old: impl Fn(u32) -> bool) -> (u32, bool) {
        let is_due =
            |at: &usize| self.dirty.get() >> *at & 1 == 1 && is_old(self.slab(*at).since.get());
        let mut purged = 0;
        let mut end = SLABS;
        while end > 0 && purged < most {
            let left = (most - purged) as usize;
            let count = (0..end).rev().take_while(is_due).take(left).count();
            let first = end - count;
            if count == 0 {
                end -= 1;
                continue;
            }
            if !sys::purge(self.address(first), count * SLAB_BYTES) {
                return (purged, true);
            }
            let bits = bits(first, count as u32);
            self.dirty.set(self.dirty.get() & !bits);
            purged += count as u32;
            end = first;
        }
        (purged, false)
    }

    /// Where a slab starts.
    pub(crate) fn address(&'static self, at: usize) -> *mut u8 {
        sys::address(self).wrapping_add(at * SLAB_BYTES)
    }
}

fn bits(first: usize, count: u32) -> u32 {
    (((1_u64 << count) - 1) << first) as u32
}

/// Where so many ones in a row begin.
fn starts(mut ones: u32, count: u32) -> u32 {
    // After each turn a one stands where twice as many begin.
    let mut have = 1;
    while have < count {
        let more = have.min(count - have);
        ones &= ones >> more;
        have += more;
    }
    ones
}

impl Slab {
    /// Makes it one of blocks of a class, none of them carved.
    pub(crate) fn start(&self, class: Class) {
        self.free.set(std::ptr::null_mut());
        self.carved.set(0);
        self.used.set(0);
        self.class.set(class);
        self.run.set(0);
    }

    /// Makes it the first of a run.
    pub(crate) fn start_run(&self, slabs: u32) {
        self.run.set(slabs);
    }

    /// How many slabs the run has that starts here; 0 for a slab of a class.
    #[inline]
    pub(crate) fn run(&self) -> u32 {
        self.run.get()
    }

    #[inline]
    pub(crate) fn class(&self) -> Class {
        self.class.get()
    }

    /// Whether every block is out.
    pub(crate) fn is_full(&self) -> bool {
        self.free.get().is_null() && self.carved.get() == self.class().per_slab()
    }

    /// Whether no block is out.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.used.get() == 0
    }

    /// Takes at most so many blocks: those that came back, or else carved ones. `None` only if it is full.
    pub(crate) fn take<P: Policy>(&self, at: *mut u8, most: u32) -> Option<Chain> {
        let back = self.carved.get() - self.used.get();
        let chain = if back == 0 {
            self.carve::<P>(at, most)?
        } else if back <= most {
            let first = self.free.replace(std::ptr::null_mut());
            Chain { first, count: back }
        } else {
            let first = self.free.get();
            let last = (1..most).fold(first, |block, _| sys::next::<P>(block));
            self.free.set(sys::next::<P>(last));
            sys::set_next::<P>(last, std::ptr::null_mut());
            Chain { first, count: most }
        };
        self.used.set(self.used.get() + chain.count);
        Some(chain)
    }

    /// Cuts new blocks off, from a page or less.
    fn carve<P: Policy>(&self, at: *mut u8, most: u32) -> Option<Chain> {
        let class = self.class();
        let carved = self.carved.get();
        let page = (CARVED_BYTES / class.bytes() as u32).max(1);
        let count = most.min(page).min(class.per_slab() - carved);
        if count == 0 {
            return None;
        }
        let block = |number: u32| {
            at.wrapping_add(number as usize * class.bytes())
                .cast::<Block>()
        };
        for number in carved..carved + count - 1 {
            sys::set_next::<P>(block(number), block(number + 1));
        }
        sys::set_next::<P>(block(carved + count - 1), std::ptr::null_mut());
        self.carved.set(carved + count);
        Some(Chain {
            first: block(carved),
            count,
        })
    }

    /// Takes a block back.
    #[inline]
    pub(crate) fn put<P: Policy>(&self, block: *mut Block) {
        sys::set_next::<P>(block, self.free.get());
        self.free.set(block);
        self.used.set(self.used.get() - 1);
    }
}
