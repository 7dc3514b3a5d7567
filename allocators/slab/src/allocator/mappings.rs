//! Blocks above a mebibyte: a mapping each. Some that were freed are kept for the next block of the same size, as a server
//! that answers with large bodies asks for the same again and again.

use std::cell::Cell;
use std::ptr;

use super::heap::{self, Counts};
use crate::sys;

/// How many are kept at most.
const KEPT: usize = 8;

/// Freed mappings, for one thread. Zeroes are none.
pub(crate) struct Mappings {
    kept: [Cell<Mapping>; KEPT],
    bytes: Cell<usize>,
    /// The place that is emptied next when there is no room.
    next: Cell<usize>,
    /// Whether one was taken since the last `collect`.
    used: Cell<bool>,
}

#[derive(Clone, Copy)]
struct Mapping {
    start: *mut u8,
    bytes: usize,
}

const NONE: Mapping = Mapping {
    start: ptr::null_mut(),
    bytes: 0,
};

impl Mappings {
    /// One of exactly this size that was kept. What was written to it is still there.
    pub(crate) fn take(&self, bytes: usize) -> Option<*mut u8> {
        let kept = self.kept.iter().find(|kept| kept.get().bytes == bytes)?;
        self.bytes.set(self.bytes.get() - bytes);
        self.used.set(true);
        Some(kept.replace(NONE).start)
    }

    /// Keeps one, and gives back as many of the others as it takes for all to come to no more than so many bytes.
    pub(crate) fn put(&self, start: *mut u8, bytes: usize, most: usize, counts: &Counts) {
        let mapping = Mapping { start, bytes };
        if bytes > most {
            return unmap(mapping, counts);
        }
        while self.bytes.get() > most - bytes {
            self.empty_next(counts);
        }
        let free = self.kept.iter().find(|kept| kept.get().bytes == 0);
        let place = free.unwrap_or_else(|| self.empty_next(counts));
        place.set(mapping);
        self.bytes.set(self.bytes.get() + bytes);
    }

    /// Gives back all of them where none was taken since the last time, or none may be kept.
    pub(crate) fn collect(&self, most: usize, counts: &Counts) {
        let is_of_use = self.used.replace(false) || most == usize::MAX;
        if most == 0 || !is_of_use {
            self.empty(counts);
        }
    }

    /// Gives back all of them.
    pub(crate) fn empty(&self, counts: &Counts) {
        (0..KEPT).for_each(|_| {
            self.empty_next(counts);
        });
    }

    /// Gives back what is in the place whose turn it is.
    fn empty_next(&self, counts: &Counts) -> &Cell<Mapping> {
        let place = &self.kept[self.next.get() % KEPT];
        self.next.set((self.next.get() + 1) % KEPT);
        let mapping = place.replace(NONE);
        if mapping.bytes > 0 {
            self.bytes.set(self.bytes.get() - mapping.bytes);
            unmap(mapping, counts);
        }
        place
    }
}

fn unmap(mapping: Mapping, counts: &Counts) {
    sys::unmap(mapping.start, mapping.bytes);
    heap::sub(&counts.mapped, mapping.bytes);
    heap::add(&counts.returned, mapping.bytes);
}
