//! The memory in which the connections of a worker keep what they have received and not used yet, their tails: partial
//! heads, content that is collected, and what came behind a request under way.
//!
//! All of them together have a bound, and what counts is the memory taken, not what stands in it. It is taken for bytes
//! that are there, never for bytes that are announced: a peer pays for memory of ours with bytes of its own. Large tails
//! have to leave a part to small ones, so that a few uploads keep nobody from sending a head in two pieces.

use super::shelf::Shelf;

/// There is no memory for more bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exhausted;

/// Tails up to this size are kept apart from larger ones: a few bytes of a head must not hold what a large content took.
pub(crate) const SMALL_TAIL_BYTES: usize = 16 * 1024;

/// The least that is taken, and what sizes are multiples of: many a partial head fits.
pub(crate) const TAIL_STEP_BYTES: usize = 256;

/// How much memory of tails is kept while nobody uses them.
pub(crate) const KEPT_TAILS_BYTES_MAX: usize = 1024 * 1024;

/// What is left to small tails, of the bound.
const SMALL_SHARE: usize = 4;

/// The most of a bound of `bytes_max` that tails take while one of them is to grow large.
pub(crate) const fn large_tails_bytes_max(bytes_max: usize) -> usize {
    bytes_max - bytes_max / SMALL_SHARE
}

/// A worker's tails.
#[derive(Debug)]
pub(crate) struct Tails {
    small: Shelf,
    large: Shelf,
    kept_bytes: usize,
    /// Of those that connections have.
    used_bytes: usize,
    bytes_max: usize,
}

impl Tails {
    /// Tails that take at most so many bytes while connections have them.
    pub(crate) fn new(bytes_max: usize) -> Tails {
        Tails {
            small: Shelf::default(),
            large: Shelf::default(),
            kept_bytes: 0,
            used_bytes: 0,
            bytes_max,
        }
    }

    /// Puts bytes behind what stands in the tail, to which so many more may come; without memory for them nothing changes.
    #[inline]
    pub(crate) fn extend(
        &mut self,
        tail: &mut Vec<u8>,
        bytes: &[u8],
        more: u64,
    ) -> Result<(), Exhausted> {
        if tail.capacity() - tail.len() < bytes.len() {
            self.grow(tail, tail.len() + bytes.len(), more)?;
        }
        tail.extend_from_slice(bytes);
        Ok(())
    }

    /// Makes a tail twice as large as it was, so that its bytes are copied about once, but no larger than it has to become.
    #[cold]
    fn grow(&mut self, tail: &mut Vec<u8>, needed: usize, more: u64) -> Result<(), Exhausted> {
        let expected = needed.saturating_add(usize::try_from(more).unwrap_or(usize::MAX));
        let bytes = needed
            .max((2 * tail.capacity()).min(expected))
            .next_multiple_of(TAIL_STEP_BYTES);
        let mut grown = self.take(bytes).unwrap_or_default();
        let used_bytes = self.used_bytes - tail.capacity() + bytes.max(grown.capacity());
        let bytes_max = if bytes <= SMALL_TAIL_BYTES {
            self.bytes_max
        } else {
            large_tails_bytes_max(self.bytes_max)
        };
        if used_bytes > bytes_max {
            self.put(grown);
            return Err(Exhausted);
        }
        self.used_bytes = used_bytes;
        if grown.capacity() == 0 {
            tail.reserve_exact(bytes - tail.len());
        } else {
            grown.reserve_exact(bytes);
            grown.extend_from_slice(tail);
            self.put(std::mem::replace(tail, grown));
        }
        Ok(())
    }

    /// Takes back the memory of a tail.
    pub(crate) fn give_back(&mut self, tail: Vec<u8>) {
        self.used_bytes -= tail.capacity();
        self.put(tail);
    }

    fn take(&mut self, bytes: usize) -> Option<Vec<u8>> {
        let tail = self.shelf(bytes).take()?;
        self.kept_bytes -= tail.capacity();
        Some(tail)
    }

    fn put(&mut self, tail: Vec<u8>) {
        let bytes = tail.capacity();
        if bytes > 0 && self.kept_bytes + bytes <= KEPT_TAILS_BYTES_MAX {
            self.kept_bytes += bytes;
            self.shelf(bytes).put(tail);
        }
    }

    fn shelf(&mut self, bytes: usize) -> &mut Shelf {
        if bytes <= SMALL_TAIL_BYTES {
            &mut self.small
        } else {
            &mut self.large
        }
    }

    /// Frees half of what nobody has needed since it was last called.
    pub(crate) fn trim(&mut self) {
        self.kept_bytes -= self.small.trim() + self.large.trim();
    }

    /// Whether there is anything that `trim` could free.
    pub(crate) fn keeps(&self) -> bool {
        self.kept_bytes > 0
    }

    /// Whether more than half of what there may be is used.
    #[inline]
    pub(crate) fn scarce(&self) -> bool {
        self.used_bytes > self.bytes_max / 2
    }

    /// Bytes of the tails that connections have.
    pub(crate) fn used_bytes(&self) -> usize {
        self.used_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    fn grown(tails: &mut Tails, bytes: usize) -> Option<Vec<u8>> {
        let mut tail = Vec::new();
        tails.extend(&mut tail, &vec![0; bytes], 0).ok()?;
        Some(tail)
    }

    #[test]
    fn what_counts_is_memory_and_all_of_it_comes_back() {
        let mut tails = Tails::new(4 * MIB);
        let mut tail = Vec::new();
        let mut sizes = Vec::new();
        for _ in 0..3_000 {
            tails.extend(&mut tail, &[0; 100], u64::MAX).unwrap();
            assert_eq!(tails.used_bytes(), tail.capacity());
            sizes.push(tail.capacity());
        }
        sizes.dedup();
        assert!(sizes.len() < 16, "it grows by doubling: {sizes:?}");
        tails.give_back(tail);
        let mut again = Vec::new();
        tails.extend(&mut again, &[0; 200_000], u64::MAX).unwrap();
        assert_eq!(tails.used_bytes(), again.capacity());
        tails.give_back(again);
        assert_eq!(tails.used_bytes(), 0);
        while tails.keeps() {
            tails.trim();
        }
    }

    #[test]
    fn a_tail_becomes_no_larger_than_it_has_to() {
        let mut tails = Tails::new(4 * MIB);
        let mut tail = Vec::new();
        for at in 0..1_000 {
            tails
                .extend(&mut tail, &[0; 1_000], 999_000 - 1_000 * at)
                .unwrap();
        }
        assert_eq!(
            tail.capacity(),
            1_000_000usize.next_multiple_of(TAIL_STEP_BYTES)
        );
    }

    #[test]
    fn large_tails_leave_a_part_to_small_ones() {
        let mut tails = Tails::new(4 * MIB);
        let large: Vec<_> = std::iter::from_fn(|| grown(&mut tails, MIB)).collect();
        assert_eq!(large.len(), 3);
        let small: Vec<_> = std::iter::from_fn(|| grown(&mut tails, 1_000)).collect();
        assert_eq!((small.len(), tails.used_bytes()), (1_024, 4 * MIB));
        small.into_iter().for_each(|tail| tails.give_back(tail));
        assert!(grown(&mut tails, MIB).is_none());
    }
}
