//! Memory as the workloads take it, so that a floor can do all else without any.

/// Where a workload has its memory from.
pub trait Memory: 'static {
    /// A block of a size.
    type Block: Block;
    /// Bytes that grow.
    type Bytes: Bytes;
}

/// A block whose first byte says whether it is still its owner's; the others are never touched.
pub trait Block: Send + 'static {
    /// Takes a block of at least one byte and writes a mark there.
    fn new(size_bytes: u32, mark: u8) -> Self;

    /// Whether this mark is still there.
    fn has(&self, mark: u8) -> bool;
}

/// Bytes that grow, as a head or a body does while it is received.
pub trait Bytes: Default + Send + 'static {
    /// None, with room for so many.
    fn with_capacity(capacity_bytes: usize) -> Self;

    /// Puts a piece behind what is there.
    fn extend(&mut self, piece: &[u8]);

    /// Whether so many are there, and the first of them and the last are this one.
    fn are(&self, length_bytes: usize, mark: u8) -> bool;
}

/// The global allocator's.
pub struct Allocated;

impl Memory for Allocated {
    type Block = crate::sys::Block;
    type Bytes = Vec<u8>;
}

impl Bytes for Vec<u8> {
    #[inline(always)]
    fn with_capacity(capacity_bytes: usize) -> Vec<u8> {
        Vec::with_capacity(capacity_bytes)
    }

    #[inline(always)]
    fn extend(&mut self, piece: &[u8]) {
        self.extend_from_slice(piece);
    }

    #[inline(always)]
    fn are(&self, length_bytes: usize, mark: u8) -> bool {
        self.len() == length_bytes && self.first() == Some(&mark) && self.last() == Some(&mark)
    }
}
