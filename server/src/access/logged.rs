//! A handler that is logged: it passes everything on, and makes a record of each request that is over. Where there is no
//! access log, no handler is wrapped, and nothing of this is in its way.

use std::net::SocketAddr;
use std::sync::Arc;

use orthant_core::{
    Answer, Buffers, CloseReason, Handler, Head, Id, Now, Out, Outcome, Over, Piece, Plan, Request,
    RequestLine,
};

use super::queue::{Queue, RECORD_WORDS_MAX};
use super::record::Record;

/// A handler, and the queue that its records go into.
pub(crate) struct Logged<H> {
    handler: H,
    queue: Arc<Queue>,
    now_ms: u64,
    /// By the index of the connection.
    peers: Vec<Option<SocketAddr>>,
    /// Where records are packed.
    words: Vec<u64>,
}

impl<H> Logged<H> {
    /// Bytes that the addresses of so many peers take: the table doubles when it is full, and is there twice meanwhile.
    pub(super) const fn peers_bytes(connections_max: usize) -> usize {
        let table = connections_max.next_power_of_two() * size_of::<Option<SocketAddr>>();
        table + table / 2
    }

    pub(crate) fn new(handler: H, queue: Arc<Queue>) -> Logged<H> {
        Logged {
            handler,
            queue,
            now_ms: 0,
            peers: Vec::new(),
            words: Vec::with_capacity(RECORD_WORDS_MAX),
        }
    }
}

/// What is kept of one request: what its handler keeps, and when its head was there.
#[derive(Default)]
pub(crate) struct Visit<E> {
    inner: E,
    began_ms: Option<u64>,
}

impl<H: Handler> Handler for Logged<H> {
    type Exchange = Visit<H::Exchange>;

    const PEERS: bool = true;

    #[inline]
    fn on_turn(&mut self, now: Now) {
        self.now_ms = now.monotonic_ms;
        self.handler.on_turn(now);
    }

    fn on_rest(&mut self) {
        self.handler.on_rest();
    }

    fn on_open(&mut self, id: Id, peer: Option<SocketAddr>) {
        if self.peers.len() <= id.index() {
            self.peers.resize(id.index() + 1, None);
        }
        self.peers[id.index()] = peer;
        self.handler.on_open(id, peer);
    }

    #[inline]
    fn on_head(&mut self, head: &Head<'_>, visit: &mut Self::Exchange) -> Plan {
        visit.began_ms = Some(self.now_ms);
        self.handler.on_head(head, &mut visit.inner)
    }

    #[inline]
    fn on_content(&mut self, piece: &[u8], visit: &mut Self::Exchange) {
        self.handler.on_content(piece, &mut visit.inner);
    }

    #[inline]
    fn on_request(
        &mut self,
        request: &Request<'_>,
        visit: &mut Self::Exchange,
        answer: Answer<'_, impl Buffers>,
    ) -> Outcome {
        visit.began_ms.get_or_insert(self.now_ms);
        self.handler.on_request(request, &mut visit.inner, answer)
    }

    #[inline]
    fn on_room(
        &mut self,
        request: &Request<'_>,
        visit: &mut Self::Exchange,
        out: &mut Out<'_>,
    ) -> Piece {
        self.handler.on_room(request, &mut visit.inner, out)
    }

    #[inline]
    fn on_over(&mut self, id: Id, line: RequestLine<'_>, visit: &mut Self::Exchange, over: Over) {
        let record = Record {
            at_ms: self.now_ms,
            duration_ms: self.now_ms - visit.began_ms.unwrap_or(self.now_ms),
            connection: id.to_bits(),
            peer: self.peers.get(id.index()).copied().flatten(),
            method: line.method,
            target: line.target,
            version: line.version,
            status: over.status,
            content_bytes: over.content_bytes,
            fault: over.fault,
            cut_off: over.cut_off.map(CloseReason::index),
        };
        record.pack(&mut self.words);
        self.queue.push(&self.words);
        self.handler.on_over(id, line, &mut visit.inner, over);
    }

    fn on_closed(&mut self, id: Id, reason: CloseReason) {
        self.handler.on_closed(id, reason);
    }
}
