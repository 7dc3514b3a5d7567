//! What a thread has at hand: for each class two magazines, chains of free blocks that are taken from and added to at the
//! front. Taking a block and giving one back touch nothing else, whoever owns it.
//!
//! A full magazine becomes the second one, and only the one that was second before is emptied; so a thread that takes and
//! gives back in turn moves no chain. Zeroes are empty magazines that hold nothing: their first use leads to the slow path, which
//! begins a thread.

use std::cell::Cell;
use std::ptr;

use super::classes::{CLASSES, Class};
use super::guard;
use super::heap::{self, Heap};
use super::policy::Policy;
use super::superslab::Chain;
use crate::sys::{self, Block};

/// A magazine holds blocks of this many bytes together …
const MAGAZINE_BYTES: usize = 32 << 10;

/// … but so many blocks at least …
const BLOCKS_MIN: usize = 4;

/// … and so many at most.
const BLOCKS_MAX: usize = 128;

/// Chains that are collected for other heaps before they are sent: more owners than this are rare in one magazine.
const OWNERS: usize = 4;

thread_local! {
    // Without a destructor, so that it can be used as long as the thread runs, and reading it is one instruction.
    static FRONT: Front = const { Front::new() };
}

struct Front {
    bins: [Bin; CLASSES],
    heap: Cell<Option<&'static Heap>>,
}

/// The two magazines of a class.
struct Bin {
    first: Cell<*mut Block>,
    count: Cell<u32>,
    /// How many blocks a magazine may have; 0 before the first use.
    limit: Cell<u32>,
    second: Cell<Chain>,
}

/// The most blocks of a class in a magazine.
const fn limit(class: Class) -> u32 {
    let blocks = MAGAZINE_BYTES / class.bytes();
    if blocks < BLOCKS_MIN {
        BLOCKS_MIN as u32
    } else if blocks > BLOCKS_MAX {
        BLOCKS_MAX as u32
    } else {
        blocks as u32
    }
}

/// A block of a class; null when there is no memory.
#[inline(always)]
pub(crate) fn take<P: Policy>(class: Class) -> *mut u8 {
    FRONT.with(|front| {
        let bin = front.bin(class);
        let block = bin.first.get();
        if block.is_null() {
            return front.refill::<P>(class);
        }
        bin.first.set(sys::next::<P>(block));
        bin.count.set(bin.count.get() - 1);
        if P::HARDENED {
            guard::take(block);
        }
        block.cast()
    })
}

/// Takes a block of a class back.
#[inline(always)]
pub(crate) fn put<P: Policy>(class: Class, block: *mut u8) {
    if P::HARDENED {
        guard::put(block.cast(), class);
    }
    FRONT.with(|front| {
        let bin = front.bin(class);
        let count = bin.count.get();
        if count >= bin.limit.get() {
            return front.overflow::<P>(class, block.cast());
        }
        bin.push::<P>(block.cast());
    });
}

/// The heap of the calling thread; none when there is no memory.
pub(crate) fn heap<P: Policy>() -> Option<&'static Heap> {
    FRONT.with(|front| front.heap::<P>())
}

/// Sends a block home, past the magazines.
pub(crate) fn send<P: Policy>(block: *mut Block) {
    FRONT.with(|front| front.flush::<P>(block));
}

/// Empties the magazines of the calling thread, and looks for what its heap and those without a thread do not need.
pub(crate) fn collect<P: Policy>() {
    FRONT.with(|front| {
        front.empty::<P>();
        if let Some(heap) = front.heap.get() {
            heap.collect::<P>();
        }
    });
    heap::collect_idle::<P>();
}

/// Ends a thread: what it had at hand goes home, and its heap to whoever needs one next. Should it use memory once more, it
/// begins anew.
pub(crate) fn end<P: Policy>() {
    FRONT.with(|front| {
        front.empty::<P>();
        for bin in &front.bins {
            bin.limit.set(0);
        }
        if let Some(heap) = front.heap.take() {
            heap.drain::<P>();
            heap.leave();
        }
    });
}

impl Front {
    const fn new() -> Front {
        Front {
            bins: [const { Bin::new() }; CLASSES],
            heap: Cell::new(None),
        }
    }

    #[inline(always)]
    fn bin(&self, class: Class) -> &Bin {
        sys::of_class(&self.bins, class)
    }

    fn heap<P: Policy>(&self) -> Option<&'static Heap> {
        if self.heap.get().is_none() {
            self.heap.set(Heap::taken::<P>());
            sys::end_with_thread::<P>();
        }
        self.heap.get()
    }

    /// A block when the first magazine is empty.
    #[cold]
    #[inline(never)]
    fn refill<P: Policy>(&self, class: Class) -> *mut u8 {
        let bin = self.bin(class);
        let mut chain = bin.second.replace(Chain::NONE);
        if chain.first.is_null() {
            let more = self
                .heap::<P>()
                .and_then(|heap| heap.chain::<P>(class, limit(class) / 2));
            match more {
                Some(more) => chain = more,
                None => return ptr::null_mut(),
            }
            bin.limit.set(limit(class));
        }
        bin.first.set(sys::next::<P>(chain.first));
        bin.count.set(chain.count - 1);
        if P::HARDENED {
            guard::take(chain.first);
        }
        chain.first.cast()
    }

    /// Takes a block back when the first magazine is full.
    #[cold]
    #[inline(never)]
    fn overflow<P: Policy>(&self, class: Class, block: *mut Block) {
        let bin = self.bin(class);
        if bin.limit.get() == 0 {
            // Without a heap a magazine would never be emptied, so such a block goes home by itself.
            if self.heap::<P>().is_none() {
                return self.flush::<P>(alone::<P>(block));
            }
            bin.limit.set(limit(class));
        } else {
            let full = Chain {
                first: bin.first.replace(ptr::null_mut()),
                count: bin.count.replace(0),
            };
            self.flush::<P>(bin.second.replace(full).first);
        }
        bin.push::<P>(block);
    }

    fn empty<P: Policy>(&self) {
        for bin in &self.bins {
            bin.count.set(0);
            self.flush::<P>(bin.first.replace(ptr::null_mut()));
            self.flush::<P>(bin.second.replace(Chain::NONE).first);
        }
    }

    /// Sends the blocks of a chain home: to the own heap one by one, to each other with one atomic operation.
    fn flush<P: Policy>(&self, mut block: *mut Block) {
        let own = self.heap.get();
        let mut others = Others::NONE;
        while !block.is_null() {
            let next = sys::next::<P>(block);
            let owner = sys::owner(block);
            match own {
                Some(own) if ptr::eq(own, owner) => own.put::<P>(block),
                _ => others.add::<P>(owner, block),
            }
            block = next;
        }
        others.send::<P>();
        if let Some(own) = own.filter(|_| others.blocks > 0) {
            heap::add(&own.counts.sent_blocks, others.blocks);
            heap::add(&own.counts.sent_chains, others.chains);
        }
    }
}

impl Bin {
    const fn new() -> Bin {
        Bin {
            first: Cell::new(ptr::null_mut()),
            count: Cell::new(0),
            limit: Cell::new(0),
            second: Cell::new(Chain::NONE),
        }
    }

    #[inline(always)]
    fn push<P: Policy>(&self, block: *mut Block) {
        sys::set_next::<P>(block, self.first.get());
        self.first.set(block);
        self.count.set(self.count.get() + 1);
    }
}

/// Makes it a chain of its own.
pub(crate) fn alone<P: Policy>(block: *mut Block) -> *mut Block {
    sys::set_next::<P>(block, ptr::null_mut());
    block
}

/// Chains for other heaps.
struct Others {
    places: [Other; OWNERS],
    /// The chain that goes next when there are more owners than places.
    next: usize,
    blocks: usize,
    /// How many were begun, all of which are sent.
    chains: usize,
}

#[derive(Clone, Copy)]
struct Other {
    owner: *const Heap,
    first: *mut Block,
    last: *mut Block,
}

impl Others {
    const NONE: Others = Others {
        places: [Other {
            owner: ptr::null(),
            first: ptr::null_mut(),
            last: ptr::null_mut(),
        }; OWNERS],
        next: 0,
        blocks: 0,
        chains: 0,
    };

    fn add<P: Policy>(&mut self, owner: *const Heap, block: *mut Block) {
        let alone = Other {
            owner,
            first: block,
            last: block,
        };
        self.blocks += 1;
        for chain in &mut self.places {
            if chain.owner == owner {
                sys::set_next::<P>(block, chain.first);
                chain.first = block;
                return;
            }
            if chain.owner.is_null() {
                *chain = alone;
                self.chains += 1;
                return;
            }
        }
        self.chains += 1;
        let place = &mut self.places[self.next % OWNERS];
        place.send::<P>();
        *place = alone;
        self.next += 1;
    }

    fn send<P: Policy>(&self) {
        self.places.iter().for_each(Other::send::<P>);
    }
}

impl Other {
    fn send<P: Policy>(&self) {
        if let Some(owner) = sys::heap(self.owner.cast_mut()) {
            owner.remote().push::<P>(self.first, self.last);
        }
    }
}
