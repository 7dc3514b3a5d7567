//! Any sequence of calls against a model: a table of what each block holds.

use std::alloc::{GlobalAlloc, Layout};

use orthant_slab::{Policy, Slab};
use proptest::collection::vec;
use proptest::prelude::*;

/// What is done to one of sixteen places.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Alloc { size: usize, align: usize },
    AllocZeroed { size: usize, align: usize },
    Realloc { size: usize },
    Dealloc,
    Collect,
}

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![
        1..300_usize,
        1..20_000_usize,
        16_000..140_000_usize,
        900_000..3_000_000_usize
    ]
}

fn call() -> impl Strategy<Value = Call> {
    let align = || (0..=17).prop_map(|shift| 1_usize << shift);
    prop_oneof![
        3 => (size(), align()).prop_map(|(size, align)| Call::Alloc { size, align }),
        1 => (size(), align()).prop_map(|(size, align)| Call::AllocZeroed { size, align }),
        3 => size().prop_map(|size| Call::Realloc { size }),
        3 => Just(Call::Dealloc),
        1 => Just(Call::Collect),
    ]
}

/// A block, and the byte that all of it holds.
struct Held {
    start: *mut u8,
    layout: Layout,
    mark: u8,
}

impl Held {
    /// Looks at a byte in each 64 of so many, and at the last one.
    fn check(&self, bytes: usize) {
        // SAFETY: the block has as many bytes at least, all of them written or zeroed.
        let held = unsafe { std::slice::from_raw_parts(self.start, bytes) };
        for at in (0..bytes).step_by(64).chain([bytes - 1]) {
            assert_eq!(held[at], self.mark, "{at} of {:?}", self.layout);
        }
    }

    fn filled(start: *mut u8, layout: Layout, mark: u8) -> Held {
        assert!(
            !start.is_null() && start.addr().is_multiple_of(layout.align()),
            "{layout:?}"
        );
        // SAFETY: the block is as long as its layout says.
        unsafe { start.write_bytes(mark, layout.size()) };
        Held {
            start,
            layout,
            mark,
        }
    }
}

/// Makes calls, and looks at every block that they concern.
pub(crate) fn play<P: Policy>(calls: &[(usize, Call)]) {
    let slab = Slab::<P>::new();
    let mut places: [Option<Held>; 16] = Default::default();
    let mut mark = 0_u8;
    for (place, call) in calls {
        mark = mark.wrapping_add(1).max(1);
        let held = places[*place].take();
        if let Some(held) = &held {
            held.check(held.layout.size());
        }
        places[*place] = match (call, held) {
            (Call::Collect, held) => {
                P::collect();
                held
            }
            (Call::Realloc { size }, Some(held)) => {
                // SAFETY: the block came from there by this layout.
                let start = unsafe { slab.realloc(held.start, held.layout, *size) };
                let layout = Layout::from_size_align(*size, held.layout.align()).expect("small");
                let kept = held.layout.size().min(*size);
                Held {
                    start,
                    layout,
                    mark: held.mark,
                }
                .check(kept);
                Some(Held::filled(start, layout, mark))
            }
            (_, Some(held)) => {
                // SAFETY: the block came from there by this layout.
                unsafe { slab.dealloc(held.start, held.layout) };
                None
            }
            (Call::Alloc { size, align }, None) => {
                let layout = Layout::from_size_align(*size, *align).expect("small");
                // SAFETY: its size is not 0.
                Some(Held::filled(unsafe { slab.alloc(layout) }, layout, mark))
            }
            (Call::AllocZeroed { size, align }, None) => {
                let layout = Layout::from_size_align(*size, *align).expect("small");
                // SAFETY: its size is not 0.
                let start = unsafe { slab.alloc_zeroed(layout) };
                Held {
                    start,
                    layout,
                    mark: 0,
                }
                .check(*size);
                Some(Held::filled(start, layout, mark))
            }
            (Call::Realloc { .. } | Call::Dealloc, None) => None,
        };
    }
    for held in places.into_iter().flatten() {
        held.check(held.layout.size());
        // SAFETY: the block came from there by this layout.
        unsafe { slab.dealloc(held.start, held.layout) };
    }
}

/// Calls, each with the place that it concerns.
pub(crate) fn sequences() -> impl Strategy<Value = Vec<(usize, Call)>> {
    vec((0..16_usize, call()), 1..300)
}
