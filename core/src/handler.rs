//! The application's side of the core: one trait, called with requests, answering them through an [`Answer`].

use std::net::SocketAddr;

use crate::answer::{Answer, Outcome};
use crate::buffers::Buffers;
use crate::head::Head;
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
