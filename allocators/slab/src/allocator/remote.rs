//! Blocks on their way home: freed by a thread that does not own them, chained, and taken by the owner all at once.
//!
//! Whoever frees pushes a whole chain with one exchange of the head; the owner takes everything with one swap. Nothing is
//! ever popped, so that a head which was seen twice is the same chain (no ABA).

use std::ptr;

use super::atomic::{AtomicPtr, Ordering};

/// Links blocks. How is none of this module's business.
pub(crate) trait Link<T> {
    /// Makes `next` follow a block.
    fn set_next(block: *mut T, next: *mut T);
}

/// The end at which chains arrive; many may push, one takes. Zeroes are one without a chain.
pub(crate) struct Remote<T> {
    pub(crate) head: AtomicPtr<T>,
}

impl<T> Remote<T> {
    /// Pushes the chain from `first` to `last`, which nobody else reaches.
    pub(crate) fn push<L: Link<T>>(&self, first: *mut T, last: *mut T) {
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            L::set_next(last, head);
            // Release: who takes the chain sees its links, and what was done with the blocks before.
            let exchanged =
                self.head
                    .compare_exchange_weak(head, first, Ordering::Release, Ordering::Relaxed);
            match exchanged {
                Ok(_) => return,
                Err(other) => head = other,
            }
        }
    }

    /// Takes all chains as one, newest first; null if there is none.
    pub(crate) fn take(&self) -> *mut T {
        // The owner looks often and seldom finds something: a look costs no locked instruction.
        if self.head.load(Ordering::Relaxed).is_null() {
            return ptr::null_mut();
        }
        self.head.swap(ptr::null_mut(), Ordering::Acquire)
    }
}
