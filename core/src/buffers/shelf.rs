//! Memory of one kind that nobody uses now, kept as long as it is needed now and then.

/// Regions, or tails, of about one size.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    kept: Vec<Vec<u8>>,
    /// The fewest that there were since the last `trim`.
    unneeded: usize,
}

impl Shelf {
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    pub(super) fn put(&mut self, mut memory: Vec<u8>) {
        memory.clear();
        self.kept.push(memory);
    }

    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        let memory = self.kept.pop();
        self.unneeded = self.unneeded.min(self.kept.len());
        memory
    }

    /// Frees half of those that nobody has needed; says how many bytes that were.
    pub(super) fn trim(&mut self) -> usize {
        let bytes = self.free(self.unneeded.div_ceil(2));
        self.unneeded = self.kept.len();
        bytes
    }

    /// Frees so many, or all; says how many bytes that were.
    pub(super) fn free(&mut self, count: usize) -> usize {
        // The oldest: the newest are warm in the caches.
        let freed = self.kept.drain(..count.min(self.kept.len()));
        let bytes = freed.map(|memory| memory.capacity()).sum();
        self.unneeded = self.unneeded.min(self.kept.len());
        bytes
    }
}
