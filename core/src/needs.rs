//! What a worker takes of what the kernel limits, as its backend computes it: the server multiplies by its workers and
//! compares before it serves anybody. Arithmetic only; nobody is asked here.

/// What one worker of a backend takes.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    /// Descriptors that a worker opens for itself, its listeners not included. Each connection takes one more; where they
    /// are the ring's, the process has to be allowed as many all the same (register_files, io_uring_register(2)).
    pub descriptors: usize,
    /// Descriptors that each listener takes, itself included.
    pub listener_descriptors: usize,
    /// Bytes of memory that a worker takes for itself: what it receives into, and the room for events.
    pub own_bytes: usize,
    /// Bytes of memory that each connection takes of the backend and its runtime.
    pub connection_bytes: usize,
    /// Bytes that the kernel may count as locked.
    pub locked_bytes: usize,
    /// Bytes that the process has to be allowed to lock, whether they are used or not.
    pub lockable_bytes: usize,
    /// The oldest Linux with what the backend asks of io_uring.
    pub linux: &'static str,
}

impl Needs {
    /// A backend that asks for descriptors alone.
    pub const fn descriptors(descriptors: usize) -> Needs {
        Needs {
            descriptors,
            listener_descriptors: 1,
            own_bytes: 0,
            connection_bytes: 0,
            locked_bytes: 0,
            lockable_bytes: 0,
            linux: "2.6",
        }
    }
}

/// What the kernel maps for an io_uring, in bytes: the queues in one piece, the entries to submit in another
/// (`rings_size` and `io_allocate_scq_urings` in io_uring/io_uring.c). It counts as locked memory before Linux 5.12, and
/// again from 6.14 on, unless the process has CAP_IPC_LOCK.
pub const fn ring_bytes(entries: usize, completions: usize) -> usize {
    /// `struct io_rings`: heads, tails, masks and counters on cache lines of their own.
    const HEADER: usize = 320;
    let queues = HEADER + completions * 16 + entries * 4;
    queues.next_multiple_of(PAGE) + (entries * 64).next_multiple_of(PAGE)
}

/// Bytes of memory that a runtime built on tasks takes for a connection, more than any of ours was measured to: the task, its
/// place, the runtime's view of the socket. About 780 (docs/designs.md).
pub const TASK_BYTES: usize = 1024;

/// Bytes of a page, in which the kernel counts.
const PAGE: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_takes_whole_pages() {
        assert_eq!(ring_bytes(256, 512), (3 + 4) * PAGE);
        assert_eq!(ring_bytes(8, 16), 2 * PAGE);
    }
}
