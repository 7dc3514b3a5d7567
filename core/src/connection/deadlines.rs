//! By when something has to happen on a connection: in the phase that it is in, and to what it is being sent. Each of the
//! two holds on its own, so that a slow reader is no slower for sending slowly too, and no event moves a deadline but the
//! one that it waits for.

use super::{Connection, Phase, Shared};
use crate::answer::Hold;
use crate::buffers::Buffers;
use crate::clock::Now;
use crate::counters::Timeout;
use crate::error::{CloseReason, Fault};
use crate::handler::Handler;
use crate::limits::Limits;

/// How far bytes have got in one direction, and since when. A peer has a time in which something must move, and beyond
/// that time as much as what has moved takes at the slowest rate: so neither silence nor a trickle holds on for long.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flow {
    began_ms: u64,
    moved_ms: u64,
    bytes: u64,
    /// Of those, what moved before it began: it is no credit.
    bytes_before: u64,
}

impl Flow {
    pub(super) fn begun(now: Now) -> Flow {
        Flow {
            began_ms: now.monotonic_ms,
            moved_ms: now.monotonic_ms,
            bytes: 0,
            bytes_before: 0,
        }
    }

    /// One that begins where the kernel may not have sent all of an earlier one, as it is with the slowest reader: what it
    /// keeps is none of the peer's progress, but has to be through before the connection may be reset.
    fn begun_behind(earlier: &Flow, now: Now, limits: &Limits) -> Flow {
        let unsent = limits.unsent_bytes(earlier.bytes, now.monotonic_ms - earlier.moved_ms);
        Flow {
            bytes: unsent,
            bytes_before: unsent,
            ..Flow::begun(now)
        }
    }

    /// Whoever was fast until now has no more time for what follows than others have, and whoever was slow no new time.
    pub(super) fn drop_surplus(&mut self, now: Now, bytes_per_s_min: u64) {
        if self
            .began_ms
            .saturating_add(self.earned_ms(bytes_per_s_min))
            >= now.monotonic_ms
        {
            self.began_ms = now.monotonic_ms;
            self.bytes_before = self.bytes;
        }
    }

    fn earned_ms(&self, bytes_per_s_min: u64) -> u64 {
        self.moved_bytes().saturating_mul(1_000) / bytes_per_s_min.max(1)
    }

    /// What has moved since it began.
    fn moved_bytes(&self) -> u64 {
        self.bytes - self.bytes_before
    }

    pub(super) fn moved(&mut self, bytes: usize, now: Now) {
        self.moved_ms = now.monotonic_ms;
        self.bytes += bytes as u64;
    }

    fn until_ms(&self, timeout_ms: u64, bytes_per_s_min: u64) -> u64 {
        let earned_ms = self.earned_ms(bytes_per_s_min);
        let silent_ms = self.moved_ms.saturating_add(timeout_ms);
        self.began_ms
            .saturating_add(timeout_ms)
            .saturating_add(earned_ms)
            .min(silent_ms)
    }
}

/// How the peer takes what is being sent to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Since when.
    pub(crate) age_ms: u64,
    /// On average.
    pub(crate) bytes_per_s: u64,
}

/// What a connection holds of the memory for received bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hoard {
    pub(crate) held_bytes: usize,
    /// Bytes that its peer has sent and taken since it connected.
    pub(crate) moved_bytes: u64,
}

/// By when something has to happen, and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deadline {
    at_ms: u64,
    kind: Timer,
}

/// What a deadline is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timer {
    /// Nothing that the phase would wait for.
    Unset,
    Idle,
    Head,
    Content,
    Region,
    Parked,
    Send,
    Linger,
}

impl Deadline {
    pub(super) const UNSET: Deadline = Deadline {
        at_ms: u64::MAX,
        kind: Timer::Unset,
    };
}

impl<H: Handler, B: Buffers> Connection<H, B> {
    /// When the next of its deadlines is.
    pub(crate) fn deadline_ms(&self, limits: &Limits) -> u64 {
        self.deadline(limits).at_ms
    }

    fn deadline(&self, limits: &Limits) -> Deadline {
        let own = self.deadline;
        if self.buffers.pending().is_empty() {
            return own;
        }
        let at_ms = self
            .output
            .until_ms(limits.send_timeout_ms, limits.send_bytes_per_s_min);
        let kind = Timer::Send;
        if at_ms < own.at_ms {
            Deadline { at_ms, kind }
        } else {
            own
        }
    }

    /// Sets the deadline of the phase that it is in now, and notes whether something is being sent; returns when the next
    /// deadline is.
    #[inline]
    pub(crate) fn settle(&mut self, now: Now, limits: &Limits) -> u64 {
        let pending = !self.buffers.pending().is_empty();
        if pending && !std::mem::replace(&mut self.flowing, pending) {
            self.output = Flow::begun_behind(&self.output, now, limits);
        }
        self.flowing = pending;
        match self.phase {
            Phase::Head if self.tail.is_empty() && pending => self.deadline = Deadline::UNSET,
            Phase::Head if self.tail.is_empty() => {
                self.begin(Timer::Idle, now, limits.idle_timeout_ms)
            }
            _ => self.settle_busy(pending, now, limits),
        }
        if pending {
            self.deadline_ms(limits)
        } else {
            self.deadline.at_ms
        }
    }

    fn settle_busy(&mut self, pending: bool, now: Now, limits: &Limits) {
        match self.phase {
            Phase::Head => self.begin(Timer::Head, now, limits.head_timeout_ms),
            Phase::Content(body) => {
                let at_ms = body
                    .input
                    .until_ms(limits.content_timeout_ms, limits.content_bytes_per_s_min);
                let kind = Timer::Content;
                self.deadline = Deadline { at_ms, kind };
            }
            Phase::Held(Hold::Parked(Some(at_ms))) => {
                let kind = Timer::Parked;
                self.deadline = Deadline { at_ms, kind };
            }
            // What has to be sent before has a deadline already.
            _ if pending => self.deadline = Deadline::UNSET,
            Phase::Held(Hold::Region)
            | Phase::Streaming { waits: true, .. }
            | Phase::Refused(..) => self.begin(Timer::Region, now, limits.region_wait_ms),
            Phase::Ending { .. } => self.settle_ending(now, limits),
            // It waits for its handler, or is over.
            Phase::Held(_) | Phase::Streaming { .. } | Phase::Over => {
                self.deadline = Deadline::UNSET
            }
        }
    }

    fn settle_ending(&mut self, now: Now, limits: &Limits) {
        if let Phase::Ending {
            upload: Some(flow), ..
        } = &mut self.phase
            && self.deadline.kind != Timer::Linger
        {
            *flow = Flow::begun(now);
        }
        self.begin(Timer::Linger, now, self.linger_ms(now, limits));
    }

    /// It has been answered for good. Closing while it sends content would reset it, and might cost it the answer, so it is
    /// heard for longer if it is fast enough, as long as content may be silent, and nobody waits for the worker's end.
    pub(super) fn heard(&mut self, shared: &Shared<H>, bytes: usize) {
        let Phase::Ending {
            upload: Some(flow), ..
        } = &mut self.phase
        else {
            return;
        };
        flow.moved(bytes, shared.now);
        if self.deadline.kind == Timer::Linger && !shared.draining {
            let limits = &shared.limits;
            let longest_ms = flow.began_ms.saturating_add(limits.content_timeout_ms);
            let at_ms = flow.until_ms(limits.linger_timeout_ms, limits.content_bytes_per_s_min);
            self.deadline.at_ms = self.deadline.at_ms.max(at_ms.min(longest_ms));
        }
    }

    /// Sets a deadline of this kind, unless it runs already.
    #[inline]
    fn begin(&mut self, kind: Timer, now: Now, time_ms: u64) {
        if self.deadline.kind != kind {
            let at_ms = now.monotonic_ms.saturating_add(time_ms);
            self.deadline = Deadline { at_ms, kind };
        }
    }

    /// How its peer takes what a big region holds; `None` where it holds none.
    pub(crate) fn pace(&self, now: Now) -> Option<Pace> {
        let holds = self.buffers.holds_lent() && !self.buffers.pending().is_empty();
        if !holds || matches!(self.phase, Phase::Over) {
            return None;
        }
        let age_ms = now.monotonic_ms.saturating_sub(self.output.began_ms);
        let bytes_per_s = self.output.moved_bytes().saturating_mul(1_000) / age_ms.max(1);
        Some(Pace {
            age_ms,
            bytes_per_s,
        })
    }

    /// For how long it has been of no use: it is idle, has begun a head that is not whole, or sends content that was refused.
    /// `None` where it is of use.
    pub(crate) fn useless_ms(&self, now: Now, limits: &Limits) -> Option<u64> {
        let Deadline { at_ms, kind } = self.deadline;
        let since_ms = match (kind, self.phase) {
            _ if !self.buffers.pending().is_empty() => return None,
            (Timer::Idle, _) => at_ms.saturating_sub(limits.idle_timeout_ms),
            (Timer::Head, _) => at_ms.saturating_sub(limits.head_timeout_ms),
            (
                Timer::Linger,
                Phase::Ending {
                    upload: Some(flow), ..
                },
            ) => flow.began_ms,
            _ => return None,
        };
        Some(now.monotonic_ms.saturating_sub(since_ms))
    }

    /// It is of no use, and others need its place: its time is over sooner.
    pub(crate) fn make_room(&mut self, shared: &mut Shared<H>) {
        self.run_out(shared, self.deadline.kind);
    }

    /// What it holds of the memory for received bytes; `None` where that is nothing, or where its peer can do nothing about it:
    /// it waits for a region, or for its handler.
    pub(crate) fn hoard(&self) -> Option<Hoard> {
        let peers_turn = match self.phase {
            Phase::Head | Phase::Content(_) => true,
            Phase::Held(Hold::Parked(_)) | Phase::Refused(..) => false,
            Phase::Held(_) | Phase::Streaming { .. } => !self.buffers.pending().is_empty(),
            Phase::Ending { .. } | Phase::Over => false,
        };
        let held_bytes = self.tail.capacity();
        (peers_turn && held_bytes > 0).then_some(Hoard {
            held_bytes,
            moved_bytes: self.moved_bytes,
        })
    }

    /// It is too slow for the region that it holds, which others need.
    pub(crate) fn give_way(&mut self, shared: &mut Shared<H>) {
        shared.counters.timeout(Timeout::Send);
        self.end(shared, CloseReason::SlowReader);
    }

    /// How long it is heard yet. At the end of it, an idle connection is reset, which costs the peer what the kernel has
    /// not sent; so a reader that is as slow as it may be has to be through by then.
    fn linger_ms(&self, now: Now, limits: &Limits) -> u64 {
        let timeout_ms = limits.linger_timeout_ms;
        if self.reason != CloseReason::Idle {
            return timeout_ms;
        }
        let through_ms = self.output.moved_ms + limits.unsent_ms(self.output.bytes);
        timeout_ms.max(through_ms.saturating_sub(now.monotonic_ms))
    }

    /// Draining has begun: whoever is idle has less time for it.
    pub(crate) fn hurry(&mut self) {
        if self.deadline.kind == Timer::Idle {
            self.deadline = Deadline::UNSET;
        }
    }

    /// Its next deadline has passed.
    pub(crate) fn expire(&mut self, shared: &mut Shared<H>) {
        let Deadline { kind, .. } = self.deadline(&shared.limits);
        self.run_out(shared, kind);
    }

    fn run_out(&mut self, shared: &mut Shared<H>, kind: Timer) {
        if kind != Timer::Send {
            self.deadline = Deadline::UNSET;
        }
        let counters = &shared.counters;
        match kind {
            Timer::Unset => {}
            // It has ended already, as where draining did.
            _ if matches!(self.phase, Phase::Over) => {}
            Timer::Parked => self.wake(shared),
            Timer::Region => {
                counters.timeout(Timeout::Region);
                match self.phase {
                    Phase::Streaming { .. } => {
                        self.end(shared, CloseReason::Refused(Fault::Exhausted))
                    }
                    Phase::Refused(_, form) => self.answer_fault(shared, Fault::Exhausted, form),
                    _ => self.refuse_kept(shared, Fault::Exhausted),
                }
            }
            Timer::Head | Timer::Content => {
                let silent = match self.phase {
                    Phase::Head => Timeout::Head,
                    _ => Timeout::Content,
                };
                counters.timeout(silent);
                self.refuse_kept(shared, Fault::Silence);
            }
            Timer::Idle if shared.draining => self.leave(CloseReason::Drained),
            Timer::Idle => {
                counters.timeout(Timeout::Idle);
                self.leave(CloseReason::Idle);
            }
            Timer::Send => {
                counters.timeout(Timeout::Send);
                self.end(shared, CloseReason::SlowReader);
            }
            Timer::Linger => {
                counters.timeout(Timeout::Linger);
                self.end(shared, self.reason);
            }
        }
    }
}
