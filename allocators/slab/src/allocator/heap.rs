//! A thread's own: its superslabs, the slabs that have blocks left, and the blocks that others send home.
//!
//! A heap stands in the unused rest of its first superslab's first slab and is never given back. When its thread ends, another
//! takes it whole, with all that is in it; so nothing has to move, and the address that superslabs know their owner by stays
//! right. A child of `fork` has the heap of the thread that forked. The others, in the middle of whatever their threads
//! did, stay taken forever: what it frees of theirs goes to them and no further.
//!
//! It knows nothing of magazines.

use std::cell::Cell;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering};

use super::classes::{CLASSES, Class};
use super::guard;
use super::list::List;
use super::mappings::Mappings;
use super::policy::Policy;
use super::remote::Remote;
use super::superslab::{Chain, SLAB_BYTES, SUPERSLAB_BYTES, Slab, Span, Superslab};
use crate::sys::{self, Block};

/// Every heap there is, from the newest on.
static HEAPS: AtomicPtr<Heap> = AtomicPtr::new(std::ptr::null_mut());

/// A heap without a thread.
const IDLE: u32 = 1;

/// A heap with one. Zero, as the memory is in which a heap begins.
const TAKEN: u32 = 0;

/// What one thread at a time touches. Others send blocks home, look whether it has a thread, and read what it counts.
#[repr(C)]
pub(crate) struct Heap {
    remote: Line<Remote<Block>>,
    state: AtomicU32,
    older: AtomicPtr<Heap>,
    /// Slabs with blocks left, by class.
    partial: [List<Slab>; CLASSES],
    /// Superslabs with a free slab.
    available: List<Superslab>,
    /// Free slabs that have pages.
    dirty: Cell<u32>,
    /// Whether the kernel did not take pages back, as where memory is locked (mlockall(2)): only `collect` asks again.
    refused: Cell<bool>,
    /// How often memory was collected.
    epoch: Cell<u32>,
    mappings: Mappings,
    pub(crate) counts: Counts,
}

#[repr(align(64))]
struct Line<T>(T);

/// What a heap counts, for whoever asks. Written by its thread alone.
#[derive(Default)]
pub(crate) struct Counts {
    /// Bytes of blocks that are out of slabs: in use, in magazines or on their way home.
    pub(crate) out: AtomicUsize,
    /// Bytes of superslabs.
    pub(crate) held: AtomicUsize,
    /// Bytes of mappings, in use or kept.
    pub(crate) mapped: AtomicUsize,
    /// Bytes given back to the kernel so far.
    pub(crate) returned: AtomicUsize,
    /// Blocks that its thread freed and that are another heap's.
    pub(crate) sent_blocks: AtomicUsize,
    /// Chains in which it sent them home.
    pub(crate) sent_chains: AtomicUsize,
}

/// Adds without a locked instruction: only one thread writes.
pub(crate) fn add(count: &AtomicUsize, more: usize) {
    count.store(
        count.load(Ordering::Relaxed).wrapping_add(more),
        Ordering::Relaxed,
    );
}

/// Takes off without a locked instruction: only one thread writes.
pub(crate) fn sub(count: &AtomicUsize, less: usize) {
    count.store(
        count.load(Ordering::Relaxed).wrapping_sub(less),
        Ordering::Relaxed,
    );
}

/// Every heap there is.
pub(crate) fn all() -> impl Iterator<Item = &'static Heap> {
    let mut next = HEAPS.load(Ordering::Acquire);
    std::iter::from_fn(move || {
        let heap = sys::heap(next)?;
        next = heap.older.load(Ordering::Relaxed);
        Some(heap)
    })
}

impl Heap {
    /// One for a thread that has none: of a thread that ended, or a new one. `None` when there is no memory.
    pub(crate) fn taken<P: Policy>() -> Option<&'static Heap> {
        all().find(|heap| heap.take()).or_else(Heap::made::<P>)
    }

    fn made<P: Policy>() -> Option<&'static Heap> {
        if P::HARDENED {
            guard::begin();
        }
        let superslab = sys::superslab::<P>()?;
        let heap = sys::heap_in(superslab);
        heap.adopt(superslab);
        let mut newest = HEAPS.load(Ordering::Relaxed);
        loop {
            heap.older.store(newest, Ordering::Relaxed);
            let own = std::ptr::from_ref(heap).cast_mut();
            // Release: who finds it finds it complete.
            let exchanged =
                HEAPS.compare_exchange_weak(newest, own, Ordering::Release, Ordering::Relaxed);
            match exchanged {
                Ok(_) => return Some(heap),
                Err(other) => newest = other,
            }
        }
    }

    /// Whether it had no thread and has the calling one now.
    fn take(&self) -> bool {
        // Looked at first: an exchange that fails takes the line from the heap's thread too.
        let is_idle = self.state.load(Ordering::Relaxed) == IDLE;
        // Acquire: what its last thread did to it is done.
        is_idle
            && self
                .state
                .compare_exchange(IDLE, TAKEN, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
    }

    /// Leaves it to whoever wants it.
    pub(crate) fn leave(&self) {
        self.state.store(IDLE, Ordering::Release);
    }

    /// Where its blocks go that others free.
    pub(crate) fn remote(&self) -> &Remote<Block> {
        &self.remote.0
    }

    fn adopt(&'static self, superslab: &'static Superslab) {
        superslab.belong_to(self);
        self.available.push(superslab);
        add(&self.counts.held, SUPERSLAB_BYTES);
    }

    /// At most so many blocks of a class. `None` when there is no memory.
    pub(crate) fn chain<P: Policy>(&'static self, class: Class, most: u32) -> Option<Chain> {
        let partial = self.partial(class);
        let slab = partial.first().or_else(|| {
            // What others freed may be enough.
            self.drain::<P>();
            partial.first().or_else(|| self.started::<P>(class))
        })?;
        let chain = slab.take::<P>(sys::slab_address(slab), most)?;
        if slab.is_full() {
            partial.remove(slab);
        }
        add(&self.counts.out, chain.count as usize * class.bytes());
        Some(chain)
    }

    /// A slab of a class with all of its blocks.
    fn started<P: Policy>(&'static self, class: Class) -> Option<&'static Slab> {
        let (span, _) = self.span::<P>(1)?;
        let slab = span.superslab.slab(span.first);
        slab.start(class);
        self.partial(class).push(slab);
        Some(slab)
    }

    /// A run of slabs, and whether it is as the kernel gave it: zeroes.
    pub(crate) fn run<P: Policy>(&'static self, slabs: u32) -> Option<(*mut u8, bool)> {
        let (span, is_fresh) = self.span::<P>(slabs)?;
        span.superslab.slab(span.first).start_run(slabs);
        add(&self.counts.out, slabs as usize * SLAB_BYTES);
        Some((span.superslab.address(span.first), is_fresh))
    }

    /// Makes a run longer where it stands, if the slabs behind it are free.
    pub(crate) fn lengthen(&self, span: Span, slabs: u32) -> bool {
        let behind = span.first + span.count as usize;
        let more = slabs - span.count;
        if !span.superslab.has_free(behind, more) {
            return false;
        }
        self.claim(Span {
            first: behind,
            count: more,
            ..span
        });
        span.superslab.slab(span.first).start_run(slabs);
        add(&self.counts.out, more as usize * SLAB_BYTES);
        true
    }

    fn span<P: Policy>(&'static self, count: u32) -> Option<(Span, bool)> {
        let found = || {
            self.available.iter().find_map(|superslab| {
                let first = superslab.found(count)?;
                Some(Span {
                    superslab,
                    first,
                    count,
                })
            })
        };
        let span = found().or_else(|| {
            // What others freed may be enough.
            self.drain::<P>();
            found().or_else(|| {
                self.adopt(sys::superslab::<P>()?);
                found()
            })
        })?;
        let dirty = self.claim(span);
        Some((span, dirty == 0))
    }

    fn claim(&self, span: Span) -> u32 {
        let dirty = span.superslab.take(span.first, span.count);
        self.dirty.set(self.dirty.get() - dirty);
        if span.superslab.is_full() {
            self.available.remove(span.superslab);
        }
        dirty
    }

    /// Takes a block home.
    pub(crate) fn put<P: Policy>(&'static self, block: *mut Block) {
        let (superslab, at) = sys::home(block);
        let slab = superslab.slab(at);
        let run = slab.run();
        if run > 0 {
            let span = Span {
                superslab,
                first: at,
                count: run,
            };
            sub(&self.counts.out, run as usize * SLAB_BYTES);
            return self.release::<P>(span);
        }
        let class = slab.class();
        sub(&self.counts.out, class.bytes());
        slab.put::<P>(block);
        let partial = self.partial(class);
        if !partial.has(slab) {
            partial.push(slab);
        } else if slab.is_empty() && partial.is_more_than_one() {
            // The last one stays: a class that swings about the end of a slab would start it again and again.
            partial.remove(slab);
            self.release::<P>(Span {
                superslab,
                first: at,
                count: 1,
            });
        }
    }

    /// Has nothing in these slabs any more. Their superslab becomes the first that is looked in: it has pages.
    fn release<P: Policy>(&'static self, span: Span) {
        if !span.superslab.is_full() {
            self.available.remove(span.superslab);
        }
        self.available.push(span.superslab);
        span.superslab.put(span.first, span.count, self.epoch.get());
        self.dirty.set(self.dirty.get() + span.count);
        if P::AT_ONCE && self.dirty.get() > 2 * P::SLABS_KEPT && !self.refused.get() {
            self.purge(P::SLABS_KEPT, |_| true);
        }
    }

    /// Takes home what others freed.
    pub(crate) fn drain<P: Policy>(&'static self) {
        let mut block = self.remote().take();
        while !block.is_null() {
            let next = sys::next::<P>(block);
            self.put::<P>(block);
            block = next;
        }
    }

    /// Looks for what is not needed, after the magazines of its thread were emptied: first what others freed, then slabs
    /// without blocks, and then their pages; in another order little would ever be free.
    pub(crate) fn collect<P: Policy>(&'static self) {
        self.drain::<P>();
        for class in Class::all() {
            let partial = self.partial(class);
            for slab in partial.iter().filter(|slab| slab.is_empty()) {
                partial.remove(slab);
                let (superslab, first) = sys::home_of_slab(slab);
                self.release::<P>(Span {
                    superslab,
                    first,
                    count: 1,
                });
            }
        }
        self.epoch.set(self.epoch.get().wrapping_add(1));
        if P::SLABS_KEPT < u32::MAX {
            let now = self.epoch.get();
            self.purge(P::SLABS_KEPT, |since| now.wrapping_sub(since) >= P::EPOCHS);
            self.retire();
        }
        self.mappings.collect(P::MAPPED_BYTES_KEPT, &self.counts);
    }

    /// Gives back the pages of free slabs until so many have some: those that would be taken next keep theirs.
    fn purge(&'static self, keep: u32, is_old: impl Fn(u32) -> bool) {
        let mut kept = 0;
        for superslab in self.available.iter() {
            let stay = superslab.dirty().min(keep - kept);
            kept += stay;
            let most = superslab.dirty() - stay;
            let (purged, is_refused) = superslab.purge(most, &is_old);
            self.dirty.set(self.dirty.get() - purged);
            add(&self.counts.returned, purged as usize * SLAB_BYTES);
            self.refused.set(is_refused);
            if is_refused {
                return;
            }
        }
    }

    /// Gives back superslabs of which no page is in use, but for the first: their page tables would stay otherwise.
    fn retire(&'static self) {
        for superslab in self.available.iter() {
            let is_unused = superslab.is_empty() && superslab.dirty() == 0;
            if is_unused && !sys::holds(superslab, self) {
                self.available.remove(superslab);
                sub(&self.counts.held, SUPERSLAB_BYTES);
                sys::unmap(sys::address(superslab), SUPERSLAB_BYTES);
            }
        }
    }

    pub(crate) fn mappings(&self) -> &Mappings {
        &self.mappings
    }

    #[inline]
    fn partial(&self, class: Class) -> &List<Slab> {
        &self.partial[class.index()]
    }
}

/// Looks for what is not needed in the heaps of threads that ended.
pub(crate) fn collect_idle<P: Policy>() {
    for heap in all().filter(|heap| heap.take()) {
        heap.collect::<P>();
        heap.leave();
    }
}
