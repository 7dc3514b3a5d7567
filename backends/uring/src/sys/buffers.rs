//! The buffers that the kernel receives into.
//!
//! ```text
//!  mapping  [ entries: where buffer i is, how long | tail ][ buffer 0 ][ buffer 1 ] … [ buffer n-1 ]
//!            ^ the kernel takes from the head, we give back at the tail
//! ```
//! A buffer is the kernel's from the moment it is given until a completion names it, ours from then until it is given
//! back. That is the whole protocol (io_uring_register_buf_ring(3)).

use std::io;

use super::Mapping;

pub(crate) struct Buffers {
    mapping: Mapping,
    count: u16,
    bytes: usize,
    /// Where the buffers begin in the mapping.
    start: usize,
    tail: u16,
}

/// Bytes of one entry: `struct io_uring_buf`.
const ENTRY_BYTES: usize = 16;

impl Buffers {
    /// `count` buffers, a power of two, all of them the kernel's as soon as the ring knows them.
    pub(crate) fn new(count: u16, bytes: usize) -> io::Result<Buffers> {
        assert!(
            count.is_power_of_two(),
            "the kernel masks the indices of the ring"
        );
        let start = usize::from(count) * ENTRY_BYTES;
        let mapping = Mapping::new(start + usize::from(count) * bytes)?;
        let mut buffers = Buffers {
            mapping,
            count,
            bytes,
            start,
            tail: 0,
        };
        for index in 0..count {
            buffers.enter(index);
        }
        buffers.mapping.publish_tail(buffers.tail);
        Ok(buffers)
    }

    /// Where the kernel finds the entries, and how many there are.
    pub(crate) fn entries(&self) -> (u64, u16) {
        (self.mapping.address(), self.count)
    }

    /// The bytes that a completion says are in a buffer. Only between that completion and `give_back`.
    #[inline]
    pub(crate) fn bytes(&self, index: u16, length: usize) -> &[u8] {
        assert!(
            index < self.count && length <= self.bytes,
            "the kernel stays within what it was given"
        );
        self.mapping
            .bytes(self.start + usize::from(index) * self.bytes, length)
    }

    /// Gives a buffer back to the kernel.
    #[inline]
    pub(crate) fn give_back(&mut self, index: u16) {
        self.enter(index);
        self.mapping.publish_tail(self.tail);
    }

    #[inline]
    fn enter(&mut self, index: u16) {
        let entry = usize::from(self.tail & (self.count - 1)) * ENTRY_BYTES;
        let address =
            self.mapping.address() + (self.start + usize::from(index) * self.bytes) as u64;
        self.mapping
            .write_entry(entry, address, self.bytes as u32, index);
        self.tail = self.tail.wrapping_add(1);
    }
}
