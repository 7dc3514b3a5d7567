//! The regions of a worker: lent to connections, taken back, and kept for the next one as long as they are needed.
//!
//! The pool grows when a region is asked for and none is kept. It shrinks by `trim`, which the worker calls once per
//! second: of the regions that nobody took since the last time, half are freed. So a steady load allocates nothing,
//! and what a burst left behind is gone some seconds after it.

use crate::limits::{BIG_REGION_BYTES, SMALL_REGION_BYTES};

/// Regions of one size that nobody uses.
#[derive(Debug, Default)]
struct Shelf {
    regions: Vec<Vec<u8>>,
    /// The fewest that there were since the last `trim`.
    unneeded: usize,
}

impl Shelf {
    fn take(&mut self) -> Option<Vec<u8>> {
        let region = self.regions.pop();
        self.unneeded = self.unneeded.min(self.regions.len());
        region
    }

    fn trim(&mut self) {
        let freed = self.unneeded.div_ceil(2);
        // The oldest: the newest are warm in the caches.
        self.regions.drain(..freed);
        self.unneeded = self.regions.len();
    }
}

/// A worker's regions.
#[derive(Debug)]
pub struct Pool {
    small: Shelf,
    big: Shelf,
    /// Big regions lent, an oversize one counted as the regions it would fill.
    lent: usize,
    lent_max: usize,
    /// Regions were returned since somebody last asked.
    returned: bool,
}

impl Pool {
    /// A pool that lends at most `lent_max` big regions at one time.
    pub fn new(lent_max: usize) -> Pool {
        Pool {
            small: Shelf::default(),
            big: Shelf::default(),
            lent: 0,
            lent_max,
            returned: false,
        }
    }

    /// A region of a connection's own, of one of the two sizes. It is not counted: a connection that cannot have it
    /// cannot be opened, so the limit of connections is its limit.
    pub(super) fn own(&mut self, bytes: usize) -> Vec<u8> {
        self.shelf(bytes)
            .take()
            .unwrap_or_else(|| Vec::with_capacity(bytes))
    }

    /// Takes back a region that `own` gave, or that was lent.
    pub(super) fn keep(&mut self, mut region: Vec<u8>) {
        region.clear();
        if [SMALL_REGION_BYTES, BIG_REGION_BYTES].contains(&region.capacity()) {
            self.shelf(region.capacity()).regions.push(region);
        }
    }

    /// Lends a region of at least `bytes` bytes, at least a big one; `None` while too many are lent.
    pub(super) fn lend(&mut self, bytes: usize) -> Option<Vec<u8>> {
        let bytes = bytes.max(BIG_REGION_BYTES);
        if self.lent + bytes.div_ceil(BIG_REGION_BYTES) > self.lent_max {
            return None;
        }
        let region = if bytes == BIG_REGION_BYTES {
            self.own(bytes)
        } else {
            Vec::with_capacity(bytes)
        };
        self.lent += region.capacity().div_ceil(BIG_REGION_BYTES);
        Some(region)
    }

    /// Takes back a region that was lent.
    pub(super) fn give_back(&mut self, region: Vec<u8>) {
        self.lent -= region.capacity().div_ceil(BIG_REGION_BYTES);
        self.returned = true;
        self.keep(region);
    }

    /// Whether so much could ever be lent in one region.
    pub(super) fn could_lend(&self, bytes: usize) -> bool {
        bytes.div_ceil(BIG_REGION_BYTES) <= self.lent_max
    }

    /// How many big regions are lent now.
    pub fn lent(&self) -> usize {
        self.lent
    }

    /// Whether regions were returned since this was last asked.
    pub(crate) fn take_returned(&mut self) -> bool {
        std::mem::take(&mut self.returned)
    }

    /// Frees half of the regions that nobody has needed since it was last called.
    pub(crate) fn trim(&mut self) {
        self.small.trim();
        self.big.trim();
    }

    /// Bytes of the regions that it keeps and nobody uses.
    pub fn kept_bytes(&self) -> usize {
        self.small.regions.len() * SMALL_REGION_BYTES + self.big.regions.len() * BIG_REGION_BYTES
    }

    fn shelf(&mut self, bytes: usize) -> &mut Shelf {
        if bytes <= SMALL_REGION_BYTES {
            &mut self.small
        } else {
            &mut self.big
        }
    }
}
