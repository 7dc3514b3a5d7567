//! What a worker counts, readable by any thread at any time.
//!
//! A [`Count`] has one writer, the worker's own thread, which loads, adds and stores: no other thread writes, so no
//! operation that locks the bus is needed, and a count costs what an addition to memory of one's own costs. Readers may see
//! one count newer than another; each alone is right and never goes back. Nothing is added up here: that is the reader's.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::answer::Status;
use crate::error::{CloseReason, Fault, named};

/// A number that one thread counts and any may read.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds so many. From one thread only: of two that add at one time, one is lost.
    #[inline(always)]
    pub fn add(&self, more: u64) {
        let sum = self.0.load(Ordering::Relaxed).wrapping_add(more);
        self.0.store(sum, Ordering::Relaxed);
    }

    /// How many there are.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

named! {
    /// A limit of time that has passed.
    pub enum Timeout {
        /// Nothing was asked for `idle_timeout_ms`.
        Idle = "idle",
        /// A head took longer than `head_timeout_ms`.
        Head = "head",
        /// Content was silent for `content_timeout_ms`, or slower than its least rate.
        Content = "content",
        /// No region came free for `region_wait_ms`.
        Region = "region",
        /// The peer took nothing for `send_timeout_ms`, or slower than the least rate.
        Send = "send",
        /// The peer did not close within `linger_timeout_ms` after the last answer.
        Linger = "linger",
        /// A connection was still open when a draining worker's `drain_timeout_ms` were over.
        Drain = "drain",
    }
}

/// Classes of status: the first digit is the index, so the first of these counts nothing.
const CLASSES: usize = 6;

/// The counts of one worker, in cache lines of their own: what another thread writes must not slow them.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct Counters {
    /// Bytes that came from peers.
    pub bytes_received: Count,
    /// Bytes that the kernel took to send.
    pub bytes_sent: Count,
    /// Requests by the class of the status that answers them: `requests[2]` are those with 200 to 299. They count
    /// when the answer is written, or begun as a stream, by the application or by the core.
    pub requests: [Count; CLASSES],
    /// Connections opened.
    pub opened: Count,
    /// Connections refused because the worker was draining, or was full, in which case its loop should not have accepted
    /// them.
    pub turned_away: Count,
    /// Times that accepting rested, since the kernel had no descriptor or no memory for a connection.
    pub accept_rests: Count,
    /// Connections ended, by [`CloseReason::index`].
    pub closes: [Count; CloseReason::NAMES.len()],
    /// Requests answered by the core with an error, by `Fault as usize`. They count among `requests` too.
    pub refusals: [Count; Fault::ALL.len()],
    /// Times that ran out, by `Timeout as usize`.
    pub timeouts: [Count; Timeout::ALL.len()],
    /// Answers of 100 (Continue).
    pub continues: Count,
    /// Times a request had to wait for a big region.
    pub region_waits: Count,
}

impl Counters {
    /// Connections that are open now: it is derived, and may be late by those that come and go meanwhile.
    pub fn open(&self) -> u64 {
        // The ends first: a connection that comes meanwhile must not be missing among those that were opened.
        let ended: u64 = self.closes.iter().map(Count::get).sum();
        self.opened.get().saturating_sub(ended)
    }

    /// A request has been answered with this status, most often one that is known when this is compiled.
    #[inline(always)]
    pub(crate) fn request(&self, status: Status) {
        self.requests[usize::from(status.code() / 100).min(CLASSES - 1)].add(1);
    }

    pub(crate) fn timeout(&self, timeout: Timeout) {
        self.timeouts[timeout as usize].add(1);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn a_status_counts_in_its_class() {
        let counters = Counters::default();
        for status in [
            Status::OK,
            Status::NO_CONTENT,
            Status::PERMANENT_REDIRECT,
            Status::BAD_REQUEST,
            Status::VERSION_NOT_SUPPORTED,
        ] {
            counters.request(status);
        }
        let counts = counters.requests.each_ref().map(Count::get);
        assert_eq!(counts, [0, 0, 2, 1, 1, 1]);
    }

    #[test]
    fn another_thread_reads_what_one_counts_and_never_sees_it_go_back() {
        let counters = Arc::new(Counters::default());
        let writer = thread::spawn({
            let counters = counters.clone();
            move || (0..100_000).for_each(|_| counters.opened.add(1))
        });
        let mut last = 0;
        while last < 100_000 {
            let seen = counters.opened.get();
            assert!(seen >= last);
            last = seen;
        }
        writer.join().unwrap();
        assert_eq!(counters.open(), 100_000);
        counters.closes[CloseReason::Idle.index()].add(100_001);
        assert_eq!(counters.open(), 0, "a reader between two counts");
    }

    #[test]
    fn counts_share_no_cache_line_with_others() {
        assert_eq!(
            (align_of::<Counters>(), size_of::<Counters>() % 64),
            (64, 0)
        );
    }
}
