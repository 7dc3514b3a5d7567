//! No region at all while nothing is pending: one is leased from the worker's pool for an answer, and the answers behind
//! it line up there, until everything has been sent.
//!
//! ```text
//!  idle    nothing
//!  small   [ sent | pending ……… | room ]            4 KiB; what does not fit waits until it is flushed
//!  big     [ sent | pending ……………………… | room ]    16 KiB and more, counted by the pool
//! ```
//! So a worker needs as many regions as connections have bytes under way at one time, not as many as are open.

use super::{Buffers, Pool, Reserve};
use crate::limits::SMALL_REGION_BYTES;

/// A region while there is something to send.
#[derive(Debug)]
pub struct Leased {
    pub(super) region: Option<Vec<u8>>,
    /// How much of it has been sent.
    sent: usize,
}

impl Leased {
    fn lease(&mut self, bytes: usize, pool: &mut Pool) -> Reserve {
        if bytes <= SMALL_REGION_BYTES {
            self.region = Some(pool.own(SMALL_REGION_BYTES));
            return Reserve::Ready;
        }
        if !pool.could_lend(bytes) {
            return Reserve::TooLarge;
        }
        self.region = pool.lend(bytes);
        match self.region {
            Some(_) => Reserve::Ready,
            None => Reserve::Wait,
        }
    }

    fn give_back(&mut self, pool: &mut Pool) {
        self.sent = 0;
        match self.region.take() {
            Some(region) if region.capacity() > SMALL_REGION_BYTES => pool.give_back(region),
            Some(region) => pool.keep(region),
            None => {}
        }
    }
}

impl Buffers for Leased {
    const IDLE_BYTES: usize = 0;
    const OWN_BYTES_MAX: usize = SMALL_REGION_BYTES;

    fn open(_: &mut Pool) -> Leased {
        Leased {
            region: None,
            sent: 0,
        }
    }

    #[inline]
    fn reserve(&mut self, bytes: usize, pool: &mut Pool) -> Reserve {
        match &self.region {
            Some(region) if bytes <= region.capacity() - region.len() => Reserve::Ready,
            Some(region) if !region.is_empty() => Reserve::Flush,
            _ => {
                self.give_back(pool);
                self.lease(bytes, pool)
            }
        }
    }

    #[inline]
    fn region(&mut self) -> &mut Vec<u8> {
        self.region
            .as_mut()
            .expect("a region was reserved before it is written")
    }

    fn holds_lent(&self) -> bool {
        let counts = |region: &Vec<u8>| region.capacity() > SMALL_REGION_BYTES;
        self.region.as_ref().is_some_and(counts)
    }

    #[inline]
    fn pending(&self) -> &[u8] {
        self.region
            .as_ref()
            .map_or(&[], |region| &region[self.sent..])
    }

    #[inline]
    fn sent(&mut self, bytes: usize, pool: &mut Pool) {
        let left = self.pending().len().checked_sub(bytes);
        match left.expect("no more can be sent than is pending") {
            0 => self.give_back(pool),
            _ => self.sent += bytes,
        }
    }

    fn release(&mut self, pool: &mut Pool) {
        if self.pending().is_empty() {
            self.give_back(pool);
        }
    }

    fn close(mut self, pool: &mut Pool) {
        self.give_back(pool);
    }
}
