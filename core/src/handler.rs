//! The application's side of the core: one trait, called with requests, answering them through an [`Answer`].

use std::net::SocketAddr;

use crate::answer::{Answer, Outcome};
use crate::buffers::Buffers;
use crate::clock::Now;
use crate::error::{CloseReason, Fault};
use crate::head::{Head, RequestLine};
use crate::out::Out;
use crate::slab::Id;

/// A request whose content, if it was to be collected, has arrived.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Its head.
    pub head: Head<'a>,
    /// Its content, the chunked coding taken off; empty where there is none and where it was streamed.
    pub content: &'a [u8],
}

/// What becomes of the content that a request announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// It is collected and stands in [`Request::content`], up to `content_bytes_max`.
    Collect,
    /// It goes piece by piece to [`Handler::on_content`] as it arrives, up to `streamed_bytes_max`, and is not kept.
    Stream,
}

/// What [`Handler::on_room`] wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// There is more to come.
    More,
    /// That was the last of it.
    End,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Over {
    /// The status of its answer; `None` where none was begun.
    pub status: Option<u16>,
    /// Bytes of content that were written for it, chunk sizes and line ends around them excluded.
    pub content_bytes: u64,
    /// Why the core refused it, or could not finish its answer.
    pub fault: Option<Fault>,
    /// Why the connection ends although the answer is not whole.
    pub cut_off: Option<CloseReason>,
}

/// An application. Each worker has its own and calls it from its own thread.
///
/// A request is *presented* by `on_request`. The handler answers it through `answer`, or parks it. A request that could
/// not be answered for want of room, or was parked, is presented again; its `Exchange` is what the handler remembers of
/// it meanwhile. So a handler that changes something first asks for room by [`Answer::room`], or notes in the exchange
/// what it has done.
///
/// Requests of one connection are presented one after another: the next only when the one before has been answered.
pub trait Handler {
    /// What is kept of one request between calls; made anew for each. `()` where there is nothing to keep.
    type Exchange: Default;

    /// Whether the backend finds out who connects: the address for [`Handler::on_open`], which costs something for each
    /// connection.
    const PEERS: bool = false;

    /// A connection was opened. The address of its peer is known where [`Handler::PEERS`] asks for it and the socket is
    /// one of IP.
    fn on_open(&mut self, _id: Id, _peer: Option<SocketAddr>) {}

    /// A turn of the loop begins: the time until the next one, before anything else of the turn. There is no other clock
    /// here.
    fn on_turn(&mut self, _now: Now) {}

    /// No bytes came for a while, half a second or twenty when connections are open: the time to give back what is not needed.
    /// It is called some times in a row, and then not before bytes have come again.
    fn on_rest(&mut self) {}

    /// A request is over, once for each whose head was read whole, and for each that was refused before: its answer has
    /// been written to the end, or it was refused and is answered as soon as there is room, or the connection ends
    /// before its answer does. Whether the peer has received an answer, nobody can know. The exchange goes after this.
    fn on_over(
        &mut self,
        _id: Id,
        _line: RequestLine<'_>,
        _exchange: &mut Self::Exchange,
        _over: Over,
    ) {
    }

    /// A connection has ended, for this reason; its requests are over, and its id names nobody any more.
    fn on_closed(&mut self, _id: Id, _reason: CloseReason) {}

    /// A head that announces content has arrived; what becomes of the content?
    fn on_head(&mut self, _head: &Head<'_>, _exchange: &mut Self::Exchange) -> Plan {
        Plan::Collect
    }

    /// A piece of streamed content has arrived.
    fn on_content(&mut self, _piece: &[u8], _exchange: &mut Self::Exchange) {}

    /// A request is to be answered.
    fn on_request(
        &mut self,
        request: &Request<'_>,
        exchange: &mut Self::Exchange,
        answer: Answer<'_, impl Buffers>,
    ) -> Outcome;

    /// There is room for the next piece of an answer that [`Answer::stream`] began. A piece that stays empty says that
    /// there is nothing yet: the connection is parked until it is resumed.
    fn on_room(
        &mut self,
        _request: &Request<'_>,
        _exchange: &mut Self::Exchange,
        _out: &mut Out<'_>,
    ) -> Piece {
        Piece::End
    }
}
