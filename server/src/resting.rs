//! A handler that gives memory back to the kernel when its worker rests, and passes everything on.

use std::net::SocketAddr;

use orthant_core::{
    Answer, Buffers, CloseReason, Handler, Head, Id, Now, Out, Outcome, Over, Piece, Plan, Request,
    RequestLine,
};

/// A handler, and what is called besides when its worker rests.
pub(crate) struct Resting<H> {
    handler: H,
    collect: fn(),
}

impl<H> Resting<H> {
    pub(crate) fn new(handler: H, collect: fn()) -> Resting<H> {
        Resting { handler, collect }
    }
}

impl<H: Handler> Handler for Resting<H> {
    type Exchange = H::Exchange;

    const PEERS: bool = H::PEERS;

    fn on_rest(&mut self) {
        // The handler may free something.
        self.handler.on_rest();
        (self.collect)();
    }

    #[inline(always)]
    fn on_turn(&mut self, now: Now) {
        self.handler.on_turn(now);
    }

    #[inline(always)]
    fn on_open(&mut self, id: Id, peer: Option<SocketAddr>) {
        self.handler.on_open(id, peer);
    }

    #[inline(always)]
    fn on_head(&mut self, head: &Head<'_>, exchange: &mut Self::Exchange) -> Plan {
        self.handler.on_head(head, exchange)
    }

    #[inline(always)]
    fn on_content(&mut self, piece: &[u8], exchange: &mut Self::Exchange) {
        self.handler.on_content(piece, exchange);
    }

    #[inline(always)]
    fn on_request(
        &mut self,
        request: &Request<'_>,
        exchange: &mut Self::Exchange,
        answer: Answer<'_, impl Buffers>,
    ) -> Outcome {
        self.handler.on_request(request, exchange, answer)
    }

    #[inline(always)]
    fn on_room(
        &mut self,
        request: &Request<'_>,
        exchange: &mut Self::Exchange,
        out: &mut Out<'_>,
    ) -> Piece {
        self.handler.on_room(request, exchange, out)
    }

    #[inline(always)]
    fn on_over(
        &mut self,
        id: Id,
        line: RequestLine<'_>,
        exchange: &mut Self::Exchange,
        over: Over,
    ) {
        self.handler.on_over(id, line, exchange, over);
    }

    #[inline(always)]
    fn on_closed(&mut self, id: Id, reason: CloseReason) {
        self.handler.on_closed(id, reason);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use orthant_core::{Ended, Flat, Limits, MediaType, Status, Worker};

    use super::*;

    /// What is only called now and then, on the thread of its worker.
    struct Hello;

    impl Handler for Hello {
        type Exchange = ();

        fn on_request(
            &mut self,
            _: &Request<'_>,
            (): &mut (),
            answer: Answer<'_, impl Buffers>,
        ) -> Outcome {
            answer.send(Status::OK, &MediaType::TEXT, b"hello")
        }
    }

    thread_local! {
        static COLLECTED: Cell<u32> = const { Cell::new(0) };
    }

    #[test]
    fn a_worker_that_rests_gives_memory_back_on_its_own_thread() {
        let collect = || COLLECTED.with(|collected| collected.set(collected.get() + 1));
        let mut now = Now::default();
        let handler = Resting::new(Hello, collect);
        let mut worker = Worker::<_, Flat>::new(handler, Limits::DEFAULT, now);
        worker.tick(now);
        let id = worker.open(None).unwrap();
        worker.on_bytes(id, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        worker.ended(id, Ended::Broken);
        while let Some(next_ms) = worker.next_ms() {
            now.monotonic_ms = next_ms;
            worker.tick(now);
            while worker.next_changed().is_some() {}
        }
        assert_eq!(COLLECTED.get(), 4);
    }
}
