//! Content that does not arrive together with its head: collected behind it in the tail, or streamed to the handler.

use super::request::kept;
use super::{Connection, Flow, Phase, Shared};
use crate::buffers::{Buffers, Reserve};
use crate::chunked::Decoder;
use crate::clock::Now;
use crate::error::Fault;
use crate::handler::{Handler, Plan};
use crate::head::Framing;
use crate::limits::Limits;

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// How far content has arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body {
    plan: Plan,
    frame: Frame,
    /// How much more there may be.
    allowed: u64,
    pub(super) input: Flow,
}

#[derive(Clone, Copy, Debug)]
enum Frame {
    Left(u64),
    Chunks(Decoder),
}

impl Body {
    /// The content that a head announces.
    pub(super) fn new(
        framing: Framing,
        plan: Plan,
        limits: &Limits,
        now: Now,
    ) -> Result<Body, Fault> {
        let allowed = match plan {
            Plan::Collect => limits.content_bytes_max,
            Plan::Stream => limits.streamed_bytes_max,
        };
        let frame = match framing {
            Framing::None => Frame::Left(0),
            Framing::Length(length) if length > allowed => return Err(Fault::ContentTooLarge),
            Framing::Length(length) => Frame::Left(length),
            Framing::Chunked => Frame::Chunks(Decoder::default()),
        };
        Ok(Body {
            plan,
            frame,
            allowed,
            input: Flow::begun(now),
        })
    }

    pub(super) fn allows(&self, bytes: usize) -> bool {
        bytes as u64 <= self.allowed
    }

    /// How much more content there may be.
    fn may_follow(&self) -> u64 {
        match self.frame {
            Frame::Left(left) => left,
            Frame::Chunks(_) => self.allowed,
        }
    }

    pub(super) fn done(&self) -> bool {
        match self.frame {
            Frame::Left(left) => left == 0,
            Frame::Chunks(decoder) => decoder.done(),
        }
    }

    /// Takes a piece of content from the front of `bytes`; returns it and what comes after it and its wrapping.
    fn take<'b>(
        &mut self,
        bytes: &'b [u8],
        limits: &Limits,
    ) -> Result<(&'b [u8], &'b [u8]), Fault> {
        let (piece, rest) = match &mut self.frame {
            Frame::Left(left) => {
                let take = (*left).min(bytes.len() as u64);
                *left -= take;
                bytes.split_at(take as usize)
            }
            Frame::Chunks(decoder) => {
                let step = decoder.step(bytes, limits)?;
                // What a chunk announces counts before it comes: too large is refused before it is read, and the same
                // however it is cut.
                if decoder.announced() > self.allowed.saturating_sub(step.piece.len() as u64) {
                    return Err(Fault::ContentTooLarge);
                }
                (step.piece, &bytes[step.used..])
            }
        };
        self.allowed = self
            .allowed
            .checked_sub(piece.len() as u64)
            .ok_or(Fault::ContentTooLarge)?;
        Ok((piece, rest))
    }
}

impl<H: Handler, B: Buffers> Connection<H, B> {
    /// Content has come in the front of `bytes`; presents the request when it is all there. Returns what comes after.
    pub(super) fn content<'b>(
        &mut self,
        shared: &mut Shared<H>,
        mut body: Body,
        mut bytes: &'b [u8],
    ) -> &'b [u8] {
        self.owes_continue = false;
        body.input.moved(bytes.len(), shared.now);
        while !bytes.is_empty() && !body.done() {
            let (piece, rest) = match body.take(bytes, &shared.limits) {
                Ok(taken) => taken,
                Err(fault) => {
                    self.refuse_kept(shared, fault);
                    return &[];
                }
            };
            match body.plan {
                Plan::Collect => {
                    let more = body.may_follow();
                    if self.collect(shared, piece, more).is_err() {
                        return &[];
                    }
                }
                Plan::Stream => shared.handler.on_content(piece, &mut self.exchange),
            }
            bytes = rest;
        }
        self.phase = Phase::Content(body);
        if body.done() {
            self.content_end = self.tail.len();
            self.present_collected(shared, bytes.is_empty());
        }
        bytes
    }

    fn present_collected(&mut self, shared: &mut Shared<H>, last: bool) {
        let tail = std::mem::take(&mut self.tail);
        let request = kept(&tail, self.head_end, self.content_end, &shared.limits);
        match self.present(shared, &request, last) {
            Ok(()) => shared.tails.give_back(tail),
            Err(next) => {
                self.tail = tail;
                self.phase = next;
            }
        }
    }

    /// Writes the 100 that the peer waits for (RFC 9110 §10.1.1), or leaves it owed until there is room.
    pub(super) fn send_continue(&mut self, shared: &mut Shared<H>) {
        if self.buffers.reserve(CONTINUE.len(), &mut shared.pool) == Reserve::Ready {
            self.buffers.region().extend_from_slice(CONTINUE);
            self.owes_continue = false;
            shared.counters.continues.add(1);
        }
    }
}
