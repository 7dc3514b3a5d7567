//! The regions of a worker: lent to connections, taken back, and kept for the next one as long as they are needed.
//!
//! The pool grows when a region is asked for and none is kept. It shrinks by `trim`, which the worker calls once per
//! second: of the regions that nobody took since the last time, half are freed. So a steady load allocates nothing,
//! and what a burst left behind is gone some seconds after it.

use super::shelf::Shelf;
use crate::limits::{BIG_REGION_BYTES, SMALL_REGION_BYTES};

/// A worker's regions.
#[derive(Debug)]
pub struct Pool {
    small: Shelf,
    big: Shelf,
    /// Of all regions, whoever has them.
    regions_bytes: usize,
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
            regions_bytes: 0,
            lent: 0,
            lent_max,
            returned: false,
        }
    }

    /// A region of a connection's own, of one of the two sizes. It does not count as lent: a connection that cannot have it
    /// cannot be opened, so the limit of connections is its limit.
    pub(super) fn own(&mut self, bytes: usize) -> Vec<u8> {
        match self.shelf(bytes).take() {
            Some(region) => region,
            None => self.make(bytes),
        }
    }

    #[cold]
    fn make(&mut self, bytes: usize) -> Vec<u8> {
        let region = Vec::with_capacity(bytes);
        self.regions_bytes += region.capacity();
        region
    }

    /// Takes back a region that `own` gave, or that was lent.
    pub(super) fn keep(&mut self, region: Vec<u8>) {
        if [SMALL_REGION_BYTES, BIG_REGION_BYTES].contains(&region.capacity()) {
            self.shelf(region.capacity()).put(region);
        } else {
            self.regions_bytes -= region.capacity();
        }
    }

    /// Lends a region of at least `bytes` bytes, at least a big one; `None` while too many are lent. An oversize one is made
    /// anew, and takes the place of big ones that are kept where there would be more than may be lent.
    pub(super) fn lend(&mut self, bytes: usize) -> Option<Vec<u8>> {
        let bytes = bytes.max(BIG_REGION_BYTES);
        let lent = self.lent + bytes.div_ceil(BIG_REGION_BYTES);
        if lent > self.lent_max {
            return None;
        }
        let region = if bytes == BIG_REGION_BYTES {
            self.own(bytes)
        } else {
            let beyond = (lent + self.big.len()).saturating_sub(self.lent_max);
            self.regions_bytes -= self.big.free(beyond);
            self.make(bytes)
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

    /// Bytes of the regions that connections have now, their own and lent ones.
    pub fn in_use_bytes(&self) -> usize {
        self.regions_bytes - self.kept_bytes()
    }

    /// How many big regions are lent beyond half of those that may be.
    #[inline]
    pub(crate) fn scarce(&self) -> usize {
        self.lent.saturating_sub(self.lent_max.div_ceil(2))
    }

    /// Whether all that may be lent is.
    pub(crate) fn is_empty(&self) -> bool {
        self.lent >= self.lent_max
    }

    /// Whether regions were returned since this was last asked.
    pub(crate) fn take_returned(&mut self) -> bool {
        std::mem::take(&mut self.returned)
    }

    /// Frees half of the regions that nobody has needed since it was last called.
    pub(crate) fn trim(&mut self) {
        self.regions_bytes -= self.small.trim() + self.big.trim();
    }

    /// Whether there is anything that `trim` could free.
    pub(crate) fn keeps(&self) -> bool {
        self.kept_bytes() > 0
    }

    /// Bytes of the regions that it keeps and nobody uses.
    pub fn kept_bytes(&self) -> usize {
        self.small.len() * SMALL_REGION_BYTES + self.big.len() * BIG_REGION_BYTES
    }

    /// Bytes of all its regions, lent and kept.
    pub fn regions_bytes(&self) -> usize {
        self.regions_bytes
    }

    fn shelf(&mut self, bytes: usize) -> &mut Shelf {
        if bytes <= SMALL_REGION_BYTES {
            &mut self.small
        } else {
            &mut self.big
        }
    }
}
