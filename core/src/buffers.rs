//! Where the bytes to send wait: the buffer strategies and the pool behind them.
//!
//! A strategy is asked for room before an answer is written, and answers for the order: whatever was written first is
//! pending first. It hands its regions back to the worker's pool as soon as their bytes are out.

mod leased;
mod pool;
mod shelf;
mod tails;
mod tiered;

pub use leased::Leased;
pub use pool::Pool;
pub(crate) use tails::{
    Exhausted, KEPT_TAILS_BYTES_MAX, TAIL_STEP_BYTES, Tails, large_tails_bytes_max,
};
pub use tiered::Tiered;

use crate::limits::{BIG_REGION_BYTES, SMALL_REGION_BYTES};

/// One region of 16 KiB per connection.
pub type Flat = Tiered<BIG_REGION_BYTES>;

/// 4 KiB per connection, and 16 KiB from the worker's pool while a large answer is under way.
pub type Split = Tiered<SMALL_REGION_BYTES>;

/// What came of asking for room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserve {
    /// There is room at the end of `region`.
    Ready,
    /// There will be room when everything that is pending has been sent.
    Flush,
    /// There will be room when another connection returns its region to the pool.
    Wait,
    /// There is never room for so much.
    TooLarge,
}

/// The regions of one connection that hold bytes to send.
///
/// - Bytes come out of `pending` in the order in which they were written, each exactly once, however `sent` cuts them.
/// - Bytes keep their address from the moment they are written until `sent` has counted them.
/// - After `close` the pool has back whatever it lent.
///
/// Sealed: a backend lets the kernel read pending bytes between calls, so that they stay in place is a matter of memory
/// safety, which only strategies from here are known to keep.
pub trait Buffers: Sized + sealed::Sealed {
    /// Bytes of the regions that a connection holds while it is idle.
    const IDLE_BYTES: usize;

    /// Bytes of the region that a connection can have at most beside those that the pool counts as lent.
    const OWN_BYTES_MAX: usize;

    /// The regions of a connection that opens.
    fn open(pool: &mut Pool) -> Self;

    /// Asks for room for `bytes` more bytes, in one piece.
    fn reserve(&mut self, bytes: usize, pool: &mut Pool) -> Reserve;

    /// The region that the last `Ready` was about; at most the bytes asked for may be added to it.
    fn region(&mut self) -> &mut Vec<u8>;

    /// Whether it holds a region that counts as lent.
    fn holds_lent(&self) -> bool;

    /// The bytes to send next.
    fn pending(&self) -> &[u8];

    /// The first `bytes` of what is pending have been sent.
    fn sent(&mut self, bytes: usize, pool: &mut Pool);

    /// Gives back what has been reserved and not written to.
    fn release(&mut self, pool: &mut Pool);

    /// Gives everything back.
    fn close(self, pool: &mut Pool);
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Leased {}
    impl<const BASE: usize> Sealed for super::Tiered<BASE> {}
}

#[cfg(test)]
mod tests;
