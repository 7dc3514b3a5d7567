//! Two tiers: a region of the connection's own, and a larger one from the pool for an answer that the first cannot hold.
//!
//! `Flat` and `Split` are this with a base of 16 and of 4 KiB; that is all the difference there is between them.
//!
//! ```text
//!  base  [ sent | pending ……… | room ]          small answers line up here
//!  lent  none                                   … until one comes that the base could not hold even if it were empty:
//!
//!  base  [ empty ]                              first the base is flushed, then the pool lends,
//!  lent  [ sent | pending ……………………… | room ]    and answers line up here until it is flushed and returned
//! ```
//! So the two are never pending at one time, and the order of bytes needs no bookkeeping.

use super::{Buffers, Pool, Reserve};

/// A base region of `BASE` bytes and, while a larger answer is under way, one lent by the pool.
#[derive(Debug)]
pub struct Tiered<const BASE: usize> {
    base: Vec<u8>,
    lent: Option<Vec<u8>>,
    /// How much of the region in use has been sent.
    sent: usize,
}

impl<const BASE: usize> Tiered<BASE> {
    fn in_use(&self) -> &Vec<u8> {
        self.lent.as_ref().unwrap_or(&self.base)
    }
}

impl<const BASE: usize> Buffers for Tiered<BASE> {
    const IDLE_BYTES: usize = BASE;
    const OWN_BYTES_MAX: usize = BASE;

    fn open(pool: &mut Pool) -> Tiered<BASE> {
        Tiered {
            base: pool.own(BASE),
            lent: None,
            sent: 0,
        }
    }

    #[inline]
    fn reserve(&mut self, bytes: usize, pool: &mut Pool) -> Reserve {
        let region = self.in_use();
        if bytes <= region.capacity() - region.len() {
            return Reserve::Ready;
        }
        if !region.is_empty() {
            return Reserve::Flush;
        }
        if !pool.could_lend(bytes) {
            return Reserve::TooLarge;
        }
        match pool.lend(bytes) {
            Some(region) => {
                self.lent = Some(region);
                Reserve::Ready
            }
            None => Reserve::Wait,
        }
    }

    #[inline]
    fn region(&mut self) -> &mut Vec<u8> {
        self.lent.as_mut().unwrap_or(&mut self.base)
    }

    fn holds_lent(&self) -> bool {
        self.lent.is_some()
    }

    #[inline]
    fn pending(&self) -> &[u8] {
        &self.in_use()[self.sent..]
    }

    #[inline]
    fn sent(&mut self, bytes: usize, pool: &mut Pool) {
        assert!(
            bytes <= self.pending().len(),
            "no more can be sent than is pending"
        );
        self.sent += bytes;
        if self.sent < self.in_use().len() {
            return;
        }
        self.sent = 0;
        match self.lent.take() {
            Some(region) => pool.give_back(region),
            None => self.base.clear(),
        }
    }

    fn release(&mut self, pool: &mut Pool) {
        if let Some(region) = self.lent.take_if(|region| region.is_empty()) {
            pool.give_back(region);
        }
    }

    fn close(self, pool: &mut Pool) {
        pool.keep(self.base);
        if let Some(region) = self.lent {
            pool.give_back(region);
        }
    }
}
