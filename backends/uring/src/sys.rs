//! The unsafe code of this backend: a mapping that the kernel writes to, and operations that point into memory.
//!
//! Three questions are answered at each operation: who owns the bytes while the kernel has them, what happens on drop,
//! and what proves that the operation has ended.

// By path, since the floor includes this file from another folder.
#[path = "sys/address.rs"]
mod address;
#[path = "sys/buffers.rs"]
mod buffers;
#[path = "sys/ring.rs"]
pub(crate) mod ring;

use std::io;
use std::os::fd::AsRawFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::{IoUring, Submitter, opcode, squeue, types};
use orthant_core::{Buffers, Handler, Id, Worker};

/// Anonymous memory, page-aligned, zero at first.
pub(crate) struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

/// Where in the entries the tail is: the reserved half-word of the first (`struct io_uring_buf_ring`).
const TAIL_AT: usize = 14;

impl Mapping {
    pub(crate) fn new(length: usize) -> io::Result<Mapping> {
        let (protection, flags) = (
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
        );
        // SAFETY: the kernel chooses the address, so no mapping of ours is touched.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), length, protection, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).expect("mmap gives no null unless asked to");
        Ok(Mapping { start, length })
    }

    pub(crate) fn address(&self) -> u64 {
        self.start.as_ptr() as u64
    }

    /// Bytes that the kernel has finished writing: a completion has named the buffer they are in, and it has not been
    /// given back, which takes `&mut self`.
    pub(crate) fn bytes(&self, at: usize, length: usize) -> &[u8] {
        assert!(at + length <= self.length, "bytes lie within the mapping");
        // SAFETY: the sum was just checked to lie within the mapping.
        let start = unsafe { self.start.add(at) };
        // SAFETY: mapped, initialised (by the kernel, or zero from the start), and not written to while borrowed: the
        // kernel writes to no buffer between its completion and its return.
        unsafe { std::slice::from_raw_parts(start.as_ptr(), length) }
    }

    /// Writes an entry of the buffer ring: `{ u64 addr, u32 len, u16 bid, u16 reserved }`. The reserved half-word is left
    /// alone, since in the first entry it is the tail.
    pub(crate) fn write_entry(&mut self, at: usize, address: u64, length: u32, index: u16) {
        assert!(at + 16 <= self.length, "entries lie within the mapping");
        // SAFETY: the sum was just checked to lie within the mapping.
        let entry = unsafe { self.start.add(at) };
        let mut bytes = [0; TAIL_AT];
        bytes[..8].copy_from_slice(&address.to_ne_bytes());
        bytes[8..12].copy_from_slice(&length.to_ne_bytes());
        bytes[12..].copy_from_slice(&index.to_ne_bytes());
        // SAFETY: 14 bytes within the mapping. The kernel reads the entry only after the tail has been published.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), entry.as_ptr(), TAIL_AT) };
    }

    /// Lets the kernel see all entries before this tail.
    pub(crate) fn publish_tail(&mut self, tail: u16) {
        // SAFETY: the half-word lies within the first entry, which every mapping has.
        let place = unsafe { self.start.add(TAIL_AT) };
        // SAFETY: aligned to 2, since the mapping is to a page; only ever accessed atomically, by us and by the kernel.
        let place = unsafe { AtomicU16::from_ptr(place.cast().as_ptr()) };
        place.store(tail, Ordering::Release);
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: ours, whole, and nobody's any more: the ring that knew it is dropped before it (`Ring`).
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

/// Lets the kernel receive into the buffers of the group 0, whose entries are at `address`.
///
/// Owner: the kernel, until it is closed. On drop: the ring goes first (`Ring`). End: closing the ring.
pub(crate) fn register_buffers(
    submitter: &Submitter<'_>,
    address: u64,
    count: u16,
) -> io::Result<()> {
    // SAFETY: the entries and the buffers they name live in one mapping that outlives the ring.
    unsafe { submitter.register_buf_ring_with_flags(address, count, 0, 0) }
}

/// The operation that sends what is pending on a connection; `None` when nothing is.
///
/// Owner: the worker, which keeps the bytes in place until `on_sent` for the same id (the contract of `Worker`). On drop:
/// `ring::Ring` cancels and waits before `run` returns the worker. End: the completion that carries `token`.
pub(crate) fn send<H: Handler, B: Buffers>(
    worker: &mut Worker<H, B>,
    id: Id,
    slot: u32,
    token: u64,
) -> Option<Operation> {
    let pending = worker.pending(id);
    // SAFETY: the worker keeps them until `on_sent`, which follows that completion.
    (!pending.is_empty()).then(|| unsafe { Operation::send(slot, pending, token) })
}

/// Accepts one connection, which becomes a direct descriptor, and notes its peer where there is a place for it.
///
/// Owner: the ring, which keeps its places until nothing is under way. On drop: as for a send. End: the completion that
/// carries `token`; before it nobody reads the place, or names it again.
fn accept_one(
    listener: &impl AsRawFd,
    address: Option<&mut address::Address>,
    token: u64,
) -> Operation {
    let (start, length) = match address {
        Some(address) => address.written_to(),
        None => (std::ptr::null_mut(), std::ptr::null_mut()),
    };
    let accept = opcode::Accept::new(types::Fd(listener.as_raw_fd()), start, length);
    let accept = accept.file_index(Some(types::DestinationSlot::auto_target()));
    Operation(accept.build().user_data(token))
}

/// An operation whose memory, if it has any, is accounted for: it can be made in no other way than by these functions.
pub(crate) struct Operation(squeue::Entry);

impl Operation {
    /// Accepts again and again; connections become direct descriptors.
    pub(crate) fn accept(listener: &impl AsRawFd, token: u64) -> Operation {
        let accept = opcode::AcceptMulti::new(types::Fd(listener.as_raw_fd()));
        Operation(accept.allocate_file_index(true).build().user_data(token))
    }

    /// Ends when the descriptor becomes readable.
    pub(crate) fn poll(source: &impl AsRawFd, token: u64) -> Operation {
        let poll = opcode::PollAdd::new(types::Fd(source.as_raw_fd()), libc::POLLIN as u32);
        Operation(poll.build().user_data(token))
    }

    /// Receives again and again into the buffers of the group 0, which are the ring's.
    pub(crate) fn receive(slot: u32, token: u64) -> Operation {
        let receive = opcode::RecvMulti::new(types::Fixed(slot), 0);
        Operation(receive.build().user_data(token))
    }

    /// Sends bytes.
    ///
    /// # Safety
    /// They stay in place and unchanged until the completion that carries `token`.
    pub(crate) unsafe fn send(slot: u32, bytes: &[u8], token: u64) -> Operation {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let send = opcode::Send::new(types::Fixed(slot), bytes.as_ptr(), length);
        Operation(send.flags(libc::MSG_NOSIGNAL).build().user_data(token))
    }

    /// Closes the sending direction.
    pub(crate) fn shut(slot: u32, token: u64) -> Operation {
        let shut = opcode::Shutdown::new(types::Fixed(slot), libc::SHUT_WR);
        Operation(shut.build().user_data(token))
    }

    /// Ends a connection, by which the kernel discards what it has not sent and resets the peer (connect(2), AF_UNSPEC).
    /// Owner of the address: nobody, it is static.
    pub(crate) fn disconnect(slot: u32, token: u64) -> Operation {
        static NOWHERE: libc::sockaddr = libc::sockaddr {
            sa_family: libc::AF_UNSPEC as libc::sa_family_t,
            sa_data: [0; 14],
        };
        let length = size_of::<libc::sockaddr>() as libc::socklen_t;
        let connect = opcode::Connect::new(types::Fixed(slot), &raw const NOWHERE, length);
        Operation(connect.build().user_data(token))
    }

    /// Closes a direct descriptor.
    pub(crate) fn close(slot: u32, token: u64) -> Operation {
        Operation(
            opcode::Close::new(types::Fixed(slot))
                .build()
                .user_data(token),
        )
    }

    /// Cancels the operation with the token `which`.
    pub(crate) fn cancel(which: u64, token: u64) -> Operation {
        Operation(opcode::AsyncCancel::new(which).build().user_data(token))
    }

    /// Cancels everything.
    pub(crate) fn cancel_all(token: u64) -> Operation {
        let everything = opcode::AsyncCancel2::new(types::CancelBuilder::any());
        Operation(everything.build().user_data(token))
    }
}

/// How many direct descriptors a ring may have: as many as wanted, within what the process may open and the kernel makes
/// (IORING_MAX_FIXED_FILES); at least one, since it makes no table without any. Each costs 8 bytes of kernel memory.
pub(crate) fn descriptors_max(wanted: usize) -> io::Result<u32> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the kernel writes one `rlimit` to the one that is borrowed.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(u32::try_from(limit.rlim_cur.min(wanted as u64).clamp(1, 1 << 20)).unwrap_or(u32::MAX))
}

/// Puts an operation into the queue; false when the queue is full.
pub(crate) fn push(ring: &mut IoUring, operation: &Operation) -> bool {
    let mut queue = ring.submission();
    // SAFETY: memory that the operation points to stays until it ends, which is why there is an `Operation` of it.
    unsafe { queue.push(&operation.0) }.is_ok()
}
