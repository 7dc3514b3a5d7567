//! The ring of one worker: operations go in, completions come out, and it counts what is under way, so that it is never
//! left while the kernel holds memory.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::time::Duration;

use io_uring::types::{SubmitArgs, Timespec};
use io_uring::{Builder, IoUring, cqueue};
use orthant_core::Limits;

use super::Operation;
use super::address::Address;
use super::buffers::Buffers;
use crate::tuning::{COMPLETIONS, Tuning};

/// A completion.
#[derive(Clone, Copy)]
pub(crate) struct Completion {
    pub(crate) token: u64,
    /// What the system call would have returned, the error negative.
    pub(crate) result: i32,
    /// More completions of the same operation will come.
    pub(crate) more: bool,
    /// The buffer that the kernel received into.
    pub(crate) buffer: Option<u16>,
}

/// Dropped in this order: the kernel lets go of the buffers when the ring closes, then they are unmapped.
pub(crate) struct Ring {
    ring: IoUring,
    pub(crate) buffers: Buffers,
    /// Operations whose last completion has not come.
    under_way: usize,
    /// How many direct descriptors it has.
    descriptors: u32,
    /// Who was accepted last, by the place that accepting names: they outlive the operations, as the buffers do.
    peers: Vec<Address>,
    /// Completions taken before anybody asked for them, to make room.
    early: VecDeque<Completion>,
}

/// What a worker is told of a completion that nobody waits for.
pub(crate) const IGNORED: u64 = u64::MAX;

impl Ring {
    /// The ring that a worker with these limits needs, where so many listeners tell whom they accept.
    pub(crate) fn for_worker(tuning: &Tuning, limits: &Limits, peers: usize) -> io::Result<Ring> {
        let descriptors = super::descriptors_max(limits.connections_max)?;
        let mut ring = Ring::new(tuning, descriptors)?;
        ring.peers.resize_with(peers, Address::default);
        Ok(ring)
    }

    /// A ring with a table for `descriptors` direct descriptors.
    pub(crate) fn new(tuning: &Tuning, descriptors: u32) -> io::Result<Ring> {
        let ring = build(tuning.ring_entries)?;
        let buffers = Buffers::new(tuning.buffers, tuning.buffer_bytes)?;
        let this = Ring {
            ring,
            buffers,
            under_way: 0,
            descriptors,
            peers: Vec::new(),
            early: VecDeque::new(),
        };
        let (address, count) = this.buffers.entries();
        super::register_buffers(&this.ring.submitter(), address, count)?;
        this.ring.submitter().register_files_sparse(descriptors)?;
        Ok(this)
    }

    /// Asks for an operation; it reaches the kernel at the next `wait`, or when the queue is full.
    pub(crate) fn push(&mut self, operation: &Operation) -> io::Result<()> {
        while !super::push(&mut self.ring, operation) {
            match self.ring.submit() {
                Err(error) if is_passing(&error) => {
                    while let Some(completion) = self.take() {
                        self.early.push_back(completion);
                    }
                }
                submitted => drop(submitted?),
            }
        }
        self.under_way += 1;
        Ok(())
    }

    /// Accepts one connection. Who it is stands in this place when it has completed, where one is named.
    pub(crate) fn accept_one(
        &mut self,
        listener: &impl AsRawFd,
        place: Option<usize>,
        token: u64,
    ) -> io::Result<()> {
        let address = place.map(|place| &mut self.peers[place]);
        let accept = super::accept_one(listener, address, token);
        self.push(&accept)
    }

    /// The peer that the accept which completed last has noted in this place, if its address is one of IP.
    pub(crate) fn peer(&self, place: usize) -> Option<SocketAddr> {
        self.peers[place].decoded()
    }

    /// How many direct descriptors it has.
    pub(crate) fn descriptors(&self) -> usize {
        self.descriptors as usize
    }

    /// How many completions it has room for.
    pub(crate) fn completions(&self) -> usize {
        self.ring.params().cq_entries() as usize
    }

    /// Asks to cancel the operation with this token.
    pub(crate) fn cancel(&mut self, token: u64) -> io::Result<()> {
        self.push(&Operation::cancel(token, IGNORED))
    }

    /// Resets a connection. One that cannot be reset, since it is none of TCP or has ended already, is only closed.
    pub(crate) fn disconnect(&mut self, slot: u32) -> io::Result<()> {
        self.push(&Operation::disconnect(slot, IGNORED))
    }

    /// Closes a direct descriptor. Operations under way on it keep the socket open until they end.
    pub(crate) fn close(&mut self, slot: u32) -> io::Result<()> {
        self.push(&Operation::close(slot, IGNORED))
    }

    /// Hands what was asked for to the kernel, and waits for a completion, at most so long.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let timeout = if self.early.is_empty() {
            timeout
        } else {
            Some(Duration::ZERO)
        };
        let waited = match timeout {
            None => self.ring.submit_and_wait(1),
            Some(timeout) => {
                let timeout = Timespec::from(timeout);
                self.ring
                    .submitter()
                    .submit_with_args(1, &SubmitArgs::new().timespec(&timeout))
            }
        };
        match waited {
            Err(error) if is_passing(&error) => Ok(()),
            waited => waited.map(drop),
        }
    }

    /// The next completion that is there.
    #[inline]
    pub(crate) fn completion(&mut self) -> Option<Completion> {
        self.early.pop_front().or_else(|| self.take())
    }

    #[inline]
    fn take(&mut self) -> Option<Completion> {
        let entry = self.ring.completion().next()?;
        let flags = entry.flags();
        let more = cqueue::more(flags);
        if !more {
            self.under_way -= 1;
        }
        let buffer = cqueue::buffer_select(flags);
        Some(Completion {
            token: entry.user_data(),
            result: entry.result(),
            more,
            buffer,
        })
    }

    /// Cancels everything and waits until nothing is under way: only then may memory be dropped that was lent.
    fn finish(&mut self) -> io::Result<()> {
        if self.under_way == 0 {
            return Ok(());
        }
        self.push(&Operation::cancel_all(IGNORED))?;
        while self.under_way > 0 {
            self.wait(None)?;
            while self.completion().is_some() {}
        }
        Ok(())
    }
}

/// Errors after which what was asked for stays queued and may be handed over again: time is up, a signal came, memory for
/// requests is short, or (EBUSY) completions have to be taken first.
fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::ETIME | libc::EINTR | libc::EBUSY | libc::EAGAIN)
    )
}

impl Drop for Ring {
    fn drop(&mut self) {
        if let Err(error) = self.finish() {
            // Going on would let the kernel read memory that is given to somebody else.
            eprintln!("orthant: failed to take back memory from io_uring: {error}");
            std::process::abort();
        }
    }
}

/// The flags that a kernel may know, best first. SINGLE_ISSUER came with multishot receives, in 6.0, and stands for them.
fn build(entries: u32) -> io::Result<IoUring> {
    let basic = || {
        let mut builder = IoUring::builder();
        builder
            .setup_clamp()
            .setup_submit_all()
            .setup_cqsize(entries * COMPLETIONS)
            .setup_single_issuer();
        builder
    };
    let best: fn(&mut Builder) = |builder| {
        builder.setup_defer_taskrun().setup_no_sqarray();
    };
    let good: fn(&mut Builder) = |builder| {
        builder.setup_defer_taskrun();
    };
    let fair: fn(&mut Builder) = |builder| {
        builder.setup_coop_taskrun();
    };
    let mut refused = None;
    for set in [best, good, fair] {
        let mut builder = basic();
        set(&mut builder);
        match builder.build(entries) {
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => refused = Some(error),
            built => return built,
        }
    }
    Err(refused.expect("there are flags to try"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_ring_finishes_what_is_under_way() {
        let mut ring = Ring::new(&Tuning::default(), 1).unwrap();
        let (silent, _peer) = UnixStream::pair().unwrap();
        for token in 0..100 {
            ring.push(&Operation::poll(&silent, token)).unwrap();
        }
        ring.wait(Some(Duration::ZERO)).unwrap();
        assert_eq!((ring.completion().is_none(), ring.under_way), (true, 100));
        ring.finish().unwrap();
        assert_eq!(ring.under_way, 0);
    }

    #[test]
    fn a_full_queue_is_handed_over() {
        let tuning = Tuning {
            ring_entries: 8,
            ..Tuning::default()
        };
        let mut ring = Ring::new(&tuning, 1).unwrap();
        for token in 0..30 {
            // Cancelling what is not there ends at once.
            ring.push(&Operation::cancel(IGNORED, token)).unwrap();
        }
        let mut tokens = Vec::new();
        while tokens.len() < 30 {
            ring.wait(None).unwrap();
            while let Some(completion) = ring.completion() {
                tokens.push(completion.token);
            }
        }
        assert_eq!(tokens, (0..30).collect::<Vec<_>>());
    }
}
