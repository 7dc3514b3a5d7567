//! The regions of a worker: lent to connections, taken back, and kept for the next one as long as they are needed. Also
//! the memory in which connections keep what they have received and not used yet, their tails.
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

    /// Frees half of those that nobody has needed; says how many bytes that were.
    fn trim(&mut self) -> usize {
        let bytes = self.free(self.unneeded.div_ceil(2));
        self.unneeded = self.regions.len();
        bytes
    }

    /// Frees as many as that, or all; says how many bytes that were.
    fn free(&mut self, regions: usize) -> usize {
        // The oldest: the newest are warm in the caches.
        let freed = self.regions.drain(..regions.min(self.regions.len()));
        let bytes = freed.map(|region| region.capacity()).sum();
        self.unneeded = self.unneeded.min(self.regions.len());
        bytes
    }
}

/// Tails up to this size are kept apart from larger ones: a few bytes of a head must not hold what a large content took.
const SMALL_TAIL_BYTES: usize = 16 * 1024;

/// How much memory of tails is kept while nobody uses them.
const TAILS_BYTES_MAX: usize = 1024 * 1024;

/// A worker's regions.
#[derive(Debug)]
pub struct Pool {
    small: Shelf,
    big: Shelf,
    small_tails: Shelf,
    large_tails: Shelf,
    tails_bytes: usize,
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
            small_tails: Shelf::default(),
            large_tails: Shelf::default(),
            tails_bytes: 0,
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
    pub(super) fn keep(&mut self, mut region: Vec<u8>) {
        region.clear();
        if [SMALL_REGION_BYTES, BIG_REGION_BYTES].contains(&region.capacity()) {
            self.shelf(region.capacity()).regions.push(region);
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
            let beyond = (lent + self.big.regions.len()).saturating_sub(self.lent_max);
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

    /// Whether regions were returned since this was last asked.
    pub(crate) fn take_returned(&mut self) -> bool {
        std::mem::take(&mut self.returned)
    }

    /// Frees half of the regions that nobody has needed since it was last called.
    pub(crate) fn trim(&mut self) {
        self.regions_bytes -= self.small.trim() + self.big.trim();
        self.tails_bytes -= self.small_tails.trim() + self.large_tails.trim();
    }

    /// Memory for a tail that so many bytes are expected in; it may have to grow.
    pub(crate) fn tail(&mut self, bytes: usize) -> Vec<u8> {
        let shelf = if bytes <= SMALL_TAIL_BYTES {
            &mut self.small_tails
        } else {
            &mut self.large_tails
        };
        let tail = shelf.take().unwrap_or_default();
        self.tails_bytes -= tail.capacity();
        tail
    }

    /// Takes back the memory of a tail.
    pub(crate) fn keep_tail(&mut self, mut tail: Vec<u8>) {
        let capacity = tail.capacity();
        if capacity > 0 && self.tails_bytes + capacity <= TAILS_BYTES_MAX {
            tail.clear();
            self.tails_bytes += capacity;
            let shelf = if capacity <= SMALL_TAIL_BYTES {
                &mut self.small_tails
            } else {
                &mut self.large_tails
            };
            shelf.regions.push(tail);
        }
    }

    /// Whether there is anything that `trim` could free.
    pub(crate) fn keeps(&self) -> bool {
        self.tails_bytes > 0 || self.kept_bytes() > 0
    }

    /// Bytes of the regions that it keeps and nobody uses.
    pub fn kept_bytes(&self) -> usize {
        self.small.regions.len() * SMALL_REGION_BYTES + self.big.regions.len() * BIG_REGION_BYTES
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
