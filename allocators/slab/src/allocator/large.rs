//! Blocks above 16 KiB: runs of slabs up to a mebibyte, mappings above, and what has an alignment that no class has.

use std::alloc::Layout;
use std::ptr;

use super::front;
use super::guard;
use super::heap::{self, Heap};
use super::policy::Policy;
use super::superslab::{SLAB_BYTES, Span};
use crate::sys;

/// The longest run, in slabs: half of a superslab, so that one that is in use has room for it soon.
const RUN_MAX: u32 = 16;

/// Bytes of the kernel's pages, and what a mapping is a multiple of.
const PAGE_BYTES: usize = 4096;

/// What a layout comes to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// So many slabs.
    Run(u32),
    /// A mapping of so many bytes.
    Mapping(usize),
}

impl Kind {
    fn of(size: usize, align: usize) -> Kind {
        let slabs = size.div_ceil(SLAB_BYTES);
        if slabs <= RUN_MAX as usize && align <= SLAB_BYTES {
            Kind::Run(slabs as u32)
        } else {
            // A layout is at most isize::MAX bytes long, so this does not wrap.
            Kind::Mapping(size.next_multiple_of(PAGE_BYTES))
        }
    }
}

/// A block; null when there is no memory. Where it has to be `zeroed`, what is known to be zeroes is not written.
#[inline(never)]
pub(crate) fn take<P: Policy>(layout: Layout, zeroed: bool) -> *mut u8 {
    let Some(heap) = front::heap::<P>() else {
        return ptr::null_mut();
    };
    match Kind::of(layout.size(), layout.align()) {
        Kind::Run(slabs) => match heap.run::<P>(slabs) {
            Some((block, is_fresh)) => {
                if P::HARDENED {
                    guard::take(block.cast());
                }
                if zeroed && !is_fresh {
                    sys::zero(block, layout.size());
                }
                block
            }
            None => ptr::null_mut(),
        },
        Kind::Mapping(bytes) => mapping(heap, bytes, layout.align(), zeroed),
    }
}

fn mapping(heap: &Heap, bytes: usize, align: usize, zeroed: bool) -> *mut u8 {
    let may_be_kept = !zeroed && align <= PAGE_BYTES;
    if let Some(kept) = may_be_kept.then(|| heap.mappings().take(bytes)).flatten() {
        return kept;
    }
    let align = align.max(PAGE_BYTES);
    let made = sys::map(bytes, align).or_else(|| {
        // What is kept for others may be what is missing.
        heap.mappings().empty(&heap.counts);
        sys::map(bytes, align)
    });
    let Some(block) = made else {
        return ptr::null_mut();
    };
    heap::add(&heap.counts.mapped, bytes);
    block
}

/// Takes a block back.
#[inline(never)]
pub(crate) fn put<P: Policy>(block: *mut u8, layout: Layout) {
    match Kind::of(layout.size(), layout.align()) {
        Kind::Run(slabs) => {
            let block = block.cast();
            if P::HARDENED {
                guard::put_run(block, slabs);
            }
            front::send::<P>(front::alone::<P>(block));
        }
        Kind::Mapping(bytes) => {
            if P::HARDENED {
                guard::put_mapping(block, PAGE_BYTES);
            }
            match front::heap::<P>() {
                Some(heap) => heap
                    .mappings()
                    .put(block, bytes, P::MAPPED_BYTES_KEPT, &heap.counts),
                None => sys::unmap(block, bytes),
            }
        }
    }
}

/// How many slabs a block of this layout has, if it is a run.
pub(crate) fn slabs_of(layout: Layout) -> Option<u32> {
    match Kind::of(layout.size(), layout.align()) {
        Kind::Run(slabs) => Some(slabs),
        Kind::Mapping(_) => None,
    }
}

/// Makes a block longer or shorter without copying it; `None` where that is not possible. `layout` is what it has, and both
/// are above the classes.
pub(crate) fn resized<P: Policy>(block: *mut u8, layout: Layout, size: usize) -> Option<*mut u8> {
    let align = layout.align();
    match (Kind::of(layout.size(), align), Kind::of(size, align)) {
        (Kind::Run(_), Kind::Run(wanted)) => is_resized::<P>(block, wanted).then_some(block),
        (Kind::Mapping(before), Kind::Mapping(after)) if before == after => Some(block),
        (Kind::Mapping(before), Kind::Mapping(after)) if align <= PAGE_BYTES => {
            let moved = sys::remap(block, before, after)?;
            if let Some(heap) = front::heap::<P>() {
                heap::sub(&heap.counts.mapped, before);
                heap::add(&heap.counts.mapped, after);
            }
            Some(moved)
        }
        _ => None,
    }
}

/// A run knows its length, so one that is asked to be a little shorter stays as it is.
fn is_resized<P: Policy>(block: *mut u8, wanted: u32) -> bool {
    let (superslab, first) = sys::home(block.cast());
    let count = superslab.slab(first).run();
    if wanted <= count {
        return wanted > count / 2;
    }
    let own = front::heap::<P>().filter(|own| ptr::eq(*own, superslab.owner()));
    own.is_some_and(|own| {
        own.lengthen(
            Span {
                superslab,
                first,
                count,
            },
            wanted,
        )
    })
}
