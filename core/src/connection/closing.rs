//! How a connection comes to its end: by a fault that is answered once, by the peer's end of input, by draining.

use super::{Connection, Phase, Shared};
use crate::answer::{Answer, Form, MediaType};
use crate::buffers::Buffers;
use crate::error::{CloseReason, Fault};
use crate::handler::Handler;

impl<H: Handler, B: Buffers> Connection<H, B> {
    /// Answers a fault and ends; when there is no room for the answer, as soon as there is.
    pub(super) fn refuse(&mut self, shared: &mut Shared<H>, fault: Fault, form: Form) {
        self.phase = Phase::Refused(fault, form);
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
            self.drop_tail(shared);
            self.exchange = H::Exchange::default();
            self.reason = CloseReason::Refused(fault);
            self.phase = Phase::Ending {
                lingers: true,
                shut: false,
            };
        }
    }

    /// The peer sends nothing more: what has been read whole is still answered, what has not is over.
    pub(super) fn end_of_input(&mut self, shared: &mut Shared<H>) {
        self.input_ended = true;
        match self.phase {
            Phase::Head if self.tail.is_empty() => {}
            Phase::Head | Phase::Content(_) => {
                self.refuse(shared, Fault::Truncated, Form::of_refusal(&self.tail))
            }
            _ => {}
        }
    }

    /// The worker drains, and nothing was asked for a while: ends. It lingers, since a request may be on its way: a reset
    /// would cost the peer the answers before it.
    pub(super) fn leave(&mut self) {
        self.reason = CloseReason::Drained;
        self.phase = Phase::Ending {
            lingers: true,
            shut: false,
        };
    }

    /// Ends now, whatever is under way.
    pub(crate) fn end(&mut self, reason: CloseReason) {
        self.reason = reason;
        self.phase = Phase::Over;
    }

    /// Gives back what it holds; says why it ended, if it ended of itself.
    pub(crate) fn close(mut self, shared: &mut Shared<H>) -> CloseReason {
        self.drop_tail(shared);
        self.buffers.close(&mut shared.pool);
        self.reason
    }
}
