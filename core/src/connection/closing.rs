//! How a connection comes to its end: by a fault that is answered once, by the peer's end of input, by draining.

use super::{Connection, Flow, Phase, Shared};
use crate::answer::{Answer, Form, MediaType, Stream};
use crate::buffers::Buffers;
use crate::error::{CloseReason, Fault};
use crate::handler::{Handler, Over};
use crate::head::RequestLine;
use crate::want::Want;
use crate::worker::Ended;

impl<H: Handler, B: Buffers> Connection<H, B> {
    /// The request that begins so cannot be served.
    pub(super) fn refuse(&mut self, shared: &mut Shared<H>, fault: Fault, bytes: &[u8]) {
        self.refuse_as(
            shared,
            fault,
            Form::of_refusal(bytes),
            RequestLine::of(bytes),
        );
    }

    /// The request in the tail, as far as it has come, cannot be served.
    pub(super) fn refuse_kept(&mut self, shared: &mut Shared<H>, fault: Fault) {
        let tail = std::mem::take(&mut self.tail);
        self.refuse(shared, fault, &tail);
        shared.tails.give_back(tail);
    }

    pub(super) fn refuse_as(
        &mut self,
        shared: &mut Shared<H>,
        fault: Fault,
        form: Form,
        line: RequestLine<'_>,
    ) {
        let sentence = if form.head_only { "" } else { fault.sentence() };
        let over = Over {
            status: Some(fault.status().code()),
            content_bytes: sentence.len() as u64,
            fault: Some(fault),
            cut_off: None,
        };
        self.over(shared, line, over);
        self.answer_fault(shared, fault, form);
    }

    /// Answers a fault and ends; when there is no room for the answer, as soon as there is. What was kept of the request is
    /// not needed any more. It lingers, so that the answer arrives whatever the peer sends yet (RFC 9112 §9.6).
    pub(super) fn answer_fault(&mut self, shared: &mut Shared<H>, fault: Fault, form: Form) {
        self.phase = Phase::Refused(fault, form);
        self.drop_tail(shared);
        let answer = Answer {
            id: self.id,
            now_ms: shared.now.monotonic_ms,
            form,
            opening: &shared.opening,
            buffers: &mut self.buffers,
            pool: &mut shared.pool,
            counters: &shared.counters,
            fields: &[],
        };
        let sentence = fault.sentence().as_bytes();
        if answer
            .send(fault.status(), &MediaType::TEXT, sentence)
            .is_ok()
        {
            shared.counters.refusals[fault as usize].add(1);
            self.reason = CloseReason::Refused(fault);
            self.phase = Phase::Ending {
                lingers: true,
                shut: false,
                // There was no fault in how it sends: it may not look for an answer before it has sent all of it.
                upload: matches!(fault, Fault::ContentTooLarge | Fault::Exhausted)
                    .then(|| Flow::begun(shared.now)),
            };
        }
    }

    /// There is no memory for these bytes that have come. An answer that has begun can only be cut off (RFC 9112 §8).
    #[cold]
    pub(crate) fn exhausted(&mut self, shared: &mut Shared<H>, bytes: &[u8]) {
        match self.phase {
            Phase::Streaming { .. } => {
                self.end_within(shared, CloseReason::Refused(Fault::Exhausted), bytes)
            }
            Phase::Over => {}
            _ if self.tail.is_empty() => self.refuse(shared, Fault::Exhausted, bytes),
            _ => self.refuse_kept(shared, Fault::Exhausted),
        }
    }

    /// The peer sends nothing more: what has been read whole is still answered, what has not is over.
    pub(super) fn end_of_input(&mut self, shared: &mut Shared<H>) {
        self.input_ended = true;
        match self.phase {
            Phase::Head if self.tail.is_empty() => {}
            Phase::Head | Phase::Content(_) => self.refuse_kept(shared, Fault::Truncated),
            _ => {}
        }
    }

    /// Nothing was asked for a while: ends. It lingers, since a request may be on its way: a reset would cost the peer the
    /// answers before it.
    pub(super) fn leave(&mut self, reason: CloseReason) {
        self.reason = reason;
        self.phase = Phase::ending(true);
    }

    /// Everything is done: it is to close, and nothing that comes yet changes that.
    #[cold]
    pub(super) fn close_now(&mut self) -> Want {
        self.phase = Phase::Over;
        Want::CLOSE
    }

    /// Ends now, whatever is under way. One that has ended keeps its reason.
    pub(crate) fn end(&mut self, shared: &mut Shared<H>, reason: CloseReason) {
        self.end_within(shared, reason, &[]);
    }

    /// The same, where the request under way is not in the tail, but in these bytes.
    fn end_within(&mut self, shared: &mut Shared<H>, reason: CloseReason, bytes: &[u8]) {
        if !matches!(self.phase, Phase::Over) {
            let to_close = |stream| matches!(stream, Stream::ToClose);
            self.truncated =
                matches!(self.phase, Phase::Streaming { stream, .. } if to_close(stream));
            self.cut_off(shared, reason, bytes);
            self.drop_tail(shared);
            self.reason = reason;
            self.phase = Phase::Over;
        }
    }

    /// Gives back what it holds; says why it ended.
    pub(crate) fn close(mut self, shared: &mut Shared<H>, how: Ended) -> CloseReason {
        let reason = match how {
            Ended::Wanted => self.reason,
            Ended::Broken => CloseReason::Broken,
        };
        self.cut_off(shared, reason, &[]);
        self.drop_tail(shared);
        self.buffers.close(&mut shared.pool);
        shared.handler.on_closed(self.id, reason);
        reason
    }

    /// The request under way, if there is one, will not be answered to its end.
    fn cut_off(&mut self, shared: &mut Shared<H>, reason: CloseReason, bytes: &[u8]) {
        let written = match self.phase {
            Phase::Content(_) | Phase::Held(_) => None,
            Phase::Streaming { written, .. } => Some(written),
            _ => return,
        };
        let over = Over {
            status: written.map(|written| written.code),
            content_bytes: written.map_or(0, |written| written.bytes),
            fault: match reason {
                CloseReason::Refused(fault) => Some(fault),
                _ => None,
            },
            cut_off: Some(reason),
        };
        let tail = std::mem::take(&mut self.tail);
        let request = if tail.is_empty() { bytes } else { &tail };
        self.over(shared, RequestLine::of(request), over);
        self.tail = tail;
    }

    /// Tells the handler; what it remembers of the request goes.
    #[inline(always)]
    pub(super) fn over(&mut self, shared: &mut Shared<H>, line: RequestLine<'_>, over: Over) {
        shared
            .handler
            .on_over(self.id, line, &mut self.exchange, over);
        self.exchange = H::Exchange::default();
    }
}
