//! The regions of a worker: lent to connections, taken back, and a bounded number kept for the next one.

use crate::limits::{BIG_REGION_BYTES, SMALL_REGION_BYTES};

/// How many regions of a size are kept while nobody uses them: 64 cover a worker's usual churn, and cost at most
/// 1.25 MiB, of which only pages that were once written are resident.
const KEPT_MAX: usize = 64;

/// A worker's regions.
#[derive(Debug)]
pub struct Pool {
    small: Vec<Vec<u8>>,
    big: Vec<Vec<u8>>,
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
            small: Vec::new(),
            big: Vec::new(),
            lent: 0,
            lent_max,
            returned: false,
        }
    }

    /// A region of a connection's own, of one of the two sizes. It is not counted: a connection that cannot have it
    /// cannot be opened, so the limit of connections is its limit.
    pub(super) fn own(&mut self, bytes: usize) -> Vec<u8> {
        self.kept(bytes)
            .pop()
            .unwrap_or_else(|| Vec::with_capacity(bytes))
    }

    /// Takes back a region that `own` gave, or that was lent.
    pub(super) fn keep(&mut self, mut region: Vec<u8>) {
        region.clear();
        let kept = self.kept(region.capacity());
        if kept.len() < KEPT_MAX
            && [SMALL_REGION_BYTES, BIG_REGION_BYTES].contains(&region.capacity())
        {
            kept.push(region);
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

    fn kept(&mut self, bytes: usize) -> &mut Vec<Vec<u8>> {
        if bytes <= SMALL_REGION_BYTES {
            &mut self.small
        } else {
            &mut self.big
        }
    }
}
