//! One client: what of its bytes is not used yet, which request is under way, what it waits for, when that is too long.
//!
//! ```text
//!             partial                    content to come
//!          ┌──────────┐             ┌───────────────────────┐
//!          ▼          │             ▼                       │
//!   ──▶  Head ────────┴─ whole ─▶ Content ─ whole ─▶ presented to the handler
//!          ▲                                                │
//!          ├────────────── answered ────────────────────────┤── no room, parked ─▶ Held ─┐
//!          └── End ── Streaming ◀── stream ─────────────────┘◀───── presented again ─────┘
//!   a fault, wherever ─▶ Refused ─▶ Ending          an answer after which it does not persist ─▶ Ending
//! ```
//! Bytes that can be used at once are used where they lie. The tail keeps the rest: a partial head; or the head and the
//! content of the request under way, and behind them what came after it.

mod closing;
mod content;
mod deadlines;
mod request;

use std::sync::Arc;

use content::Body;
pub(crate) use deadlines::Hoard;
use deadlines::{Deadline, Flow};

use crate::answer::{Form, Hold, Stream, Written};
use crate::buffers::{Buffers, Exhausted, Pool, Tails};
use crate::clock::{Now, Opening};
use crate::counters::Counters;
use crate::error::{CloseReason, Fault};
use crate::handler::Handler;
use crate::head::{self, Progress};
use crate::limits::Limits;
use crate::slab::Id;
use crate::want::Want;

/// What the connections of a worker share.
pub(crate) struct Shared<H> {
    pub(crate) handler: H,
    pub(crate) limits: Limits,
    pub(crate) pool: Pool,
    pub(crate) tails: Tails,
    pub(crate) opening: Opening,
    pub(crate) now: Now,
    pub(crate) counters: Arc<Counters>,
    pub(crate) draining: bool,
    /// Connections that wait for a big region, in the order in which they began to.
    pub(crate) waiting: std::collections::VecDeque<Id>,
}

pub(crate) struct Connection<H: Handler, B> {
    id: Id,
    buffers: B,
    tail: Vec<u8>,
    /// Where in the tail the head, and where the content behind it, of the request under way end.
    head_end: usize,
    content_end: usize,
    exchange: H::Exchange,
    phase: Phase,
    /// Why it ends, once it does.
    reason: CloseReason,
    /// By when its phase has to be over.
    deadline: Deadline,
    /// The peer will send nothing more.
    input_ended: bool,
    /// What is pending has been handed out and not yet counted as sent.
    sending: bool,
    /// It stands in the worker's list of those that wait for a region.
    pub(crate) waiting: bool,
    /// Received and sent since it opened.
    moved_bytes: u64,
    /// How far what is pending has got, as long as something is.
    output: Flow,
    flowing: bool,
    /// Requests answered since it opened, and when everything was sent last.
    requests: u32,
    requests_sent: u32,
    /// An empty line has been ignored since the last request.
    skipped: bool,
    /// A 100 (Continue) is due as soon as there is room for it.
    owes_continue: bool,
    /// Its last answer ends where the connection does, and was cut off: only a reset tells the peer.
    truncated: bool,
    /// It stands in the worker's queue of changed connections.
    pub(crate) queued: bool,
    /// It was resumed, or a region may be there for it.
    pub(crate) woken: bool,
    /// When the timer wheel looks at it next.
    pub(crate) scheduled_ms: u64,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The tail holds nothing, or a partial head.
    Head,
    /// Content is arriving.
    Content(Body),
    /// A request has to be presented again.
    Held(Hold),
    /// An answer is being written piece by piece; `waits` for a region, or else, with nothing pending, for its handler.
    Streaming {
        stream: Stream,
        written: Written,
        persists: bool,
        waits: bool,
    },
    /// An error has to be answered as soon as there is room.
    Refused(Fault, Form),
    /// Nothing more is read as a request. Once everything is sent it closes: at once, or after the peer has had time to
    /// read the last answer.
    Ending {
        lingers: bool,
        shut: bool,
        /// How the peer goes on sending content that was refused.
        upload: Option<Flow>,
    },
    /// It closes now, whatever is pending.
    Over,
}

impl Phase {
    fn ending(lingers: bool) -> Phase {
        Phase::Ending {
            lingers,
            shut: false,
            upload: None,
        }
    }
}

impl<H: Handler, B: Buffers> Connection<H, B> {
    pub(crate) fn new(id: Id, shared: &mut Shared<H>) -> Connection<H, B> {
        Connection {
            id,
            buffers: B::open(&mut shared.pool),
            tail: Vec::new(),
            head_end: 0,
            content_end: 0,
            exchange: H::Exchange::default(),
            phase: Phase::Head,
            reason: CloseReason::PeerClosed,
            deadline: Deadline::UNSET,
            input_ended: false,
            sending: false,
            waiting: false,
            moved_bytes: 0,
            output: Flow::default(),
            flowing: false,
            requests: 0,
            requests_sent: 0,
            skipped: false,
            owes_continue: false,
            truncated: false,
            queued: false,
            woken: false,
            scheduled_ms: u64::MAX,
        }
    }

    /// The peer has sent these bytes; none at all means that it will send no more.
    #[inline]
    pub(crate) fn received(&mut self, shared: &mut Shared<H>, bytes: &[u8]) {
        self.moved_bytes += bytes.len() as u64;
        if bytes.is_empty() {
            self.end_of_input(shared);
        } else if self.tail.is_empty() || matches!(self.phase, Phase::Content(_)) {
            self.advance(shared, bytes);
        } else {
            self.received_more(shared, bytes);
        }
    }

    fn received_more(&mut self, shared: &mut Shared<H>, bytes: &[u8]) {
        match self.phase {
            Phase::Ending { .. } => self.heard(shared, bytes.len()),
            Phase::Refused(..) | Phase::Over => {}
            Phase::Head => {
                if self.collect(shared, bytes, 0).is_err() {
                    return;
                }
                // Without the end of a line the head cannot have become whole, but it may have become wrong.
                if memchr::memchr(b'\n', bytes).is_some()
                    || !head::is_still_partial(&self.tail, &shared.limits)
                {
                    let tail = std::mem::take(&mut self.tail);
                    self.advance(shared, &tail);
                    shared.tails.give_back(tail);
                }
            }
            _ => self.put_by(shared, bytes),
        }
    }

    /// Uses `bytes` as far as they go, with nothing kept before them but the request whose content they are.
    fn advance(&mut self, shared: &mut Shared<H>, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = match &mut self.phase {
                Phase::Head => match head::parse(bytes, &shared.limits) {
                    Ok(Progress::Complete(head)) => self.request(shared, head, bytes),
                    Ok(Progress::Partial) => return self.put_by(shared, bytes),
                    Err(fault) => match bytes {
                        // RFC 9112 §2.2: one empty line before a request is ignored. It is none of the request's: nothing
                        // is under way behind it.
                        [b'\r', b'\n', rest @ ..] if !self.skipped => {
                            self.skipped = true;
                            rest
                        }
                        b"\r" if !self.skipped => return self.put_by(shared, bytes),
                        _ => return self.refuse(shared, fault, bytes),
                    },
                },
                Phase::Content(body) => {
                    let body = *body;
                    self.content(shared, body, bytes)
                }
                Phase::Held(_) | Phase::Streaming { .. } => {
                    return self.put_by(shared, bytes);
                }
                Phase::Ending { lingers, .. } => {
                    // What came too late is lost, but it must not cost the peer the answer before it.
                    *lingers = true;
                    return self.heard(shared, bytes.len());
                }
                Phase::Refused(..) | Phase::Over => return,
            };
        }
    }

    /// Keeps bytes for later, behind what the tail holds already.
    fn put_by(&mut self, shared: &mut Shared<H>, bytes: &[u8]) {
        // Without memory there is nothing else to do here.
        let _ = self.collect(shared, bytes, 0);
    }

    /// The same, where so many more bytes may follow. Without memory for them the request comes to its end.
    fn collect(
        &mut self,
        shared: &mut Shared<H>,
        bytes: &[u8],
        more: u64,
    ) -> Result<(), Exhausted> {
        let kept = shared.tails.extend(&mut self.tail, bytes, more);
        kept.map_err(|Exhausted| {
            self.exhausted(shared, bytes);
            Exhausted
        })
    }

    /// Forgets the tail; its memory serves another connection.
    fn drop_tail(&mut self, shared: &mut Shared<H>) {
        shared.tails.give_back(std::mem::take(&mut self.tail));
    }

    /// What is to be sent next. Until `sent` says otherwise it counts as being sent.
    #[inline]
    pub(crate) fn pending(&mut self) -> &[u8] {
        let pending = self.buffers.pending();
        self.sending = !pending.is_empty();
        pending
    }

    /// So many of the pending bytes are out.
    #[inline]
    pub(crate) fn sent(&mut self, shared: &mut Shared<H>, bytes: usize) {
        self.sending = false;
        if bytes > 0 {
            shared.counters.bytes_sent.add(bytes as u64);
            self.buffers.sent(bytes, &mut shared.pool);
            self.moved_bytes += bytes as u64;
            self.output.moved(bytes, shared.now);
            if self.buffers.pending().is_empty() {
                self.requests_sent = self.requests;
                // Before a new head there is nothing to go on with, and the flow is over.
                if !matches!(self.phase, Phase::Head) {
                    let limits = &shared.limits;
                    self.output
                        .drop_surplus(shared.now, limits.send_bytes_per_s_min);
                    self.go_on(shared);
                }
            }
        }
    }

    /// Goes on with what waited for room.
    pub(crate) fn go_on(&mut self, shared: &mut Shared<H>) {
        match self.phase {
            Phase::Held(Hold::Flush | Hold::Region) => self.present_again(shared),
            Phase::Streaming {
                stream,
                written,
                persists,
                ..
            } => self.fill(shared, stream, written, persists),
            Phase::Refused(fault, form) => self.answer_fault(shared, fault, form),
            // Not where the content has been refused meanwhile: no 100 follows an answer (RFC 9110 §15.2).
            Phase::Content(_) if self.owes_continue => self.send_continue(shared),
            _ => {}
        }
    }

    /// It was resumed, or the time until which it was parked has come.
    pub(crate) fn wake(&mut self, shared: &mut Shared<H>) {
        match self.phase {
            Phase::Held(Hold::Parked(_)) => self.present_again(shared),
            Phase::Streaming { waits: false, .. } if self.buffers.pending().is_empty() => {
                self.go_on(shared)
            }
            _ => {}
        }
    }

    /// Whether it waits for a region, and has not ended or been refused since it stood in line.
    pub(crate) fn waits_for_region(&self) -> bool {
        let waits = matches!(
            self.phase,
            Phase::Held(Hold::Region) | Phase::Streaming { waits: true, .. }
        );
        self.waiting && waits
    }

    /// Whether it gives up its place soon, of itself.
    pub(crate) fn is_leaving(&self) -> bool {
        match self.phase {
            Phase::Ending { upload, .. } => upload.is_none(),
            Phase::Refused(..) | Phase::Over => true,
            _ => false,
        }
    }

    /// A region may be there for it.
    pub(crate) fn retry(&mut self, shared: &mut Shared<H>) {
        self.waiting = false;
        match self.phase {
            Phase::Held(Hold::Region) | Phase::Streaming { waits: true, .. } => self.go_on(shared),
            _ => {}
        }
    }

    /// What it wants of the backend now.
    #[inline]
    pub(crate) fn want(&mut self) -> Want {
        let pending = !self.buffers.pending().is_empty();
        let send = if pending && !self.sending {
            Want::SEND
        } else {
            Want::NOTHING
        };
        match &mut self.phase {
            Phase::Head if self.input_ended && !pending => self.close_now(),
            Phase::Head | Phase::Content(_) if !self.input_ended => send.and(Want::RECEIVE),
            Phase::Over if self.truncated => Want::RESET,
            // Whoever was too slow must not go on with what the kernel has.
            Phase::Over if matches!(self.reason, CloseReason::Idle | CloseReason::SlowReader) => {
                Want::RESET
            }
            Phase::Over => Want::CLOSE,
            Phase::Ending { .. } if pending => send,
            Phase::Ending { lingers, .. } if !*lingers || self.input_ended => self.close_now(),
            Phase::Ending { shut: true, .. } => Want::RECEIVE,
            Phase::Ending { shut, .. } => {
                *shut = true;
                Want::RECEIVE.and(Want::SHUT)
            }
            // A peer that leaves meanwhile is noticed, and holds no connection until its answer is there; what it sends
            // behind its request is taken once, and then it has to wait.
            Phase::Held(Hold::Parked(_)) | Phase::Streaming { waits: false, .. }
                if !pending && !self.input_ended && self.tail.len() == self.content_end =>
            {
                Want::RECEIVE
            }
            _ => send,
        }
    }
}
