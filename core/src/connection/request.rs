//! Presenting a request, and what follows from its outcome.

use super::{Body, Connection, Deadline, Phase, Shared};
use crate::answer::{Answer, Answered, Form, Hold, Stream, Unanswered, Written};
use crate::buffers::{Buffers, Reserve};
use crate::chunked;
use crate::error::{CloseReason, Fault};
use crate::handler::{Handler, Over, Piece, Plan, Request};
use crate::head::{self, Framing, Head, Progress, Version};
use crate::limits::{BIG_REGION_BYTES, Limits};
use crate::out::Out;

/// Around a chunk of a streamed answer: four digits of size and a line end before it, a line end after it, and room for
/// the last chunk.
const CHUNK_SIZE_BYTES: usize = 6;
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
const CHUNK_BYTES: usize = CHUNK_SIZE_BYTES + 2 + LAST_CHUNK.len();

impl<H: Handler, B: Buffers> Connection<H, B> {
    /// A whole head stands at the front of `bytes`. Returns what comes after the part of them that has been used.
    #[inline]
    pub(super) fn request<'b>(
        &mut self,
        shared: &mut Shared<H>,
        head: Head<'b>,
        bytes: &'b [u8],
    ) -> &'b [u8] {
        let after_head = &bytes[head.bytes..];
        let (content, used) = match head.framing {
            Framing::None => (&[][..], 0),
            framing => match self.whole_content(shared, &head, framing, after_head) {
                Ok(Some(whole)) => whole,
                Ok(None) => {
                    if self.collect(shared, &bytes[..head.bytes], 0).is_err() {
                        return &[];
                    }
                    self.head_end = head.bytes;
                    self.content_end = head.bytes;
                    self.owes_continue = head.expects_continue && after_head.is_empty();
                    if self.owes_continue {
                        self.send_continue(shared);
                    }
                    return after_head;
                }
                Err(fault) => {
                    self.refuse(shared, fault, bytes);
                    return &[];
                }
            },
        };
        let rest = &after_head[used..];
        if let Err(next) = self.present(shared, &Request { head, content }, rest.is_empty()) {
            self.phase = next;
            self.head_end = head.bytes;
            self.content_end = head.bytes + content.len();
            let kept = [&bytes[..head.bytes], content]
                .into_iter()
                .try_for_each(|bytes| self.collect(shared, bytes, 0));
            if kept.is_err() {
                return &[];
            }
        }
        rest
    }

    /// The content, and how many bytes it takes, where it is there already and is to be collected; otherwise the phase
    /// is set for its arrival.
    fn whole_content<'b>(
        &mut self,
        shared: &mut Shared<H>,
        head: &Head<'_>,
        framing: Framing,
        bytes: &'b [u8],
    ) -> Result<Option<(&'b [u8], usize)>, Fault> {
        let plan = shared.handler.on_head(head, &mut self.exchange);
        let body = Body::new(framing, plan, &shared.limits, shared.now)?;
        if plan == Plan::Collect {
            let whole = match framing {
                Framing::Length(length) if bytes.len() as u64 >= length => {
                    Some((&bytes[..length as usize], length as usize))
                }
                Framing::Chunked => {
                    chunked::single(bytes).filter(|(content, _)| body.allows(content.len()))
                }
                _ => None,
            };
            if whole.is_some() {
                return Ok(whole);
            }
        }
        self.phase = Phase::Content(body);
        Ok(None)
    }

    /// Shows the request to the handler. `Err` is the phase in which the request has to be kept; `last` says that no
    /// request has been read behind it.
    #[inline]
    pub(super) fn present(
        &mut self,
        shared: &mut Shared<H>,
        request: &Request<'_>,
        last: bool,
    ) -> Result<(), Phase> {
        // At the limit, something is pending: an answer that was not sent.
        if self.requests - self.requests_sent >= shared.limits.answers_max {
            return Err(Phase::Held(Hold::Flush));
        }
        let persists = request.head.persists
            && !(shared.draining && last)
            && self.requests + 1 < shared.limits.requests_max;
        let answer = Answer {
            id: self.id,
            now_ms: shared.now.monotonic_ms,
            form: Form::new(request.head.method, request.head.version, persists),
            opening: &shared.opening,
            buffers: &mut self.buffers,
            pool: &mut shared.pool,
            counters: &shared.counters,
            fields: &[],
        };
        match shared
            .handler
            .on_request(request, &mut self.exchange, answer)
        {
            Ok(Answered {
                persists,
                stream,
                written,
            }) => {
                self.requests += 1;
                match stream {
                    None => {
                        self.answered(shared, persists, request, written);
                        Ok(())
                    }
                    Some(stream) => Err(Phase::Streaming {
                        stream,
                        written,
                        persists,
                        waits: false,
                    }),
                }
            }
            Err(Unanswered(Hold::Fault(fault))) => {
                let form = Form::new(request.head.method, Version::Http11, false);
                self.refuse_as(shared, fault, form, (&request.head).into());
                Ok(())
            }
            Err(Unanswered(hold)) => {
                match hold {
                    Hold::Region => self.wait_for_region(shared),
                    _ => self.buffers.release(&mut shared.pool),
                }
                Err(Phase::Held(hold))
            }
        }
    }

    /// Stands in line for a region; whoever stands there again after a vain try is not counted twice.
    fn wait_for_region(&mut self, shared: &mut Shared<H>) {
        let again = matches!(
            self.phase,
            Phase::Held(Hold::Region) | Phase::Streaming { waits: true, .. }
        );
        shared.counters.region_waits.add(u64::from(!again));
        if !std::mem::replace(&mut self.waiting, true) {
            shared.waiting.push_back(self.id);
        }
    }

    /// The request under way is over and done with.
    #[inline]
    fn answered(
        &mut self,
        shared: &mut Shared<H>,
        persists: bool,
        request: &Request<'_>,
        written: Written,
    ) {
        let over = Over {
            status: Some(written.code),
            content_bytes: written.bytes,
            fault: None,
            cut_off: None,
        };
        self.over(shared, (&request.head).into(), over);
        self.deadline = Deadline::UNSET;
        self.skipped = false;
        self.phase = Phase::Head;
        if !persists {
            self.reason = match (request.head.persists, shared.draining) {
                (false, _) => CloseReason::PeerAsked,
                (true, true) => CloseReason::Drained,
                (true, false) => CloseReason::LastAnswer,
            };
            // A peer that did not ask for it may have sent more, and a socket closed with bytes unread is reset (RFC 9112
            // §9.6).
            self.phase = Phase::ending(self.reason != CloseReason::PeerAsked);
        }
    }

    /// Presents the request that the tail holds, and goes on with what came after it.
    pub(super) fn present_again(&mut self, shared: &mut Shared<H>) {
        let tail = std::mem::take(&mut self.tail);
        let request = kept(&tail, self.head_end, self.content_end, &shared.limits);
        match self.present(shared, &request, tail.len() == self.content_end) {
            Ok(()) => self.after_kept(shared, tail),
            Err(next) => {
                self.tail = tail;
                self.phase = next;
            }
        }
    }

    /// Writes the next piece of the answer under way.
    pub(super) fn fill(
        &mut self,
        shared: &mut Shared<H>,
        mut stream: Stream,
        mut written: Written,
        persists: bool,
    ) {
        let tail = std::mem::take(&mut self.tail);
        let request = kept(&tail, self.head_end, self.content_end, &shared.limits);
        match self.write_piece(shared, &request, &mut stream, &mut written) {
            Ok(Piece::End) => {
                self.buffers.release(&mut shared.pool);
                self.answered(shared, persists, &request, written);
                self.after_kept(shared, tail);
            }
            Ok(Piece::More) => {
                self.buffers.release(&mut shared.pool);
                self.tail = tail;
                self.phase = Phase::Streaming {
                    stream,
                    written,
                    persists,
                    waits: false,
                };
            }
            Err(Unanswered(Hold::Region)) => {
                self.wait_for_region(shared);
                self.tail = tail;
                self.phase = Phase::Streaming {
                    stream,
                    written,
                    persists,
                    waits: true,
                };
            }
            // An answer that breaks its promise cannot be mended, since its head is out. It is cut off, by which the
            // peer knows (RFC 9112 §8).
            Err(_) => {
                let (line, reason) = (
                    (&request.head).into(),
                    CloseReason::Refused(Fault::Application),
                );
                let over = Over {
                    status: Some(written.code),
                    content_bytes: written.bytes,
                    fault: Some(Fault::Application),
                    cut_off: Some(reason),
                };
                self.over(shared, line, over);
                self.reason = reason;
                self.truncated = matches!(stream, Stream::ToClose);
                self.phase = match self.truncated {
                    true => Phase::Over,
                    false => Phase::ending(false),
                };
                shared.tails.give_back(tail);
            }
        }
    }

    fn write_piece(
        &mut self,
        shared: &mut Shared<H>,
        request: &Request<'_>,
        stream: &mut Stream,
        written: &mut Written,
    ) -> Result<Piece, Unanswered> {
        let room = match *stream {
            Stream::Length(left) => left.min(BIG_REGION_BYTES as u64) as usize,
            Stream::Chunked | Stream::ToClose => BIG_REGION_BYTES,
        };
        match self.buffers.reserve(room, &mut shared.pool) {
            Reserve::Ready => {}
            Reserve::Flush => return Ok(Piece::More),
            Reserve::Wait => return Err(Unanswered(Hold::Region)),
            Reserve::TooLarge => return Err(Unanswered(Hold::Fault(Fault::Application))),
        }
        let write = |out: &mut Out<'_>| shared.handler.on_room(request, &mut self.exchange, out);
        match stream {
            Stream::Chunked | Stream::ToClose => {
                let region = self.buffers.region();
                let (piece, bytes) = match stream {
                    Stream::Chunked => write_chunk(region, write)?,
                    _ => write_into(region, room, write)?,
                };
                written.bytes += bytes as u64;
                Ok(piece)
            }
            Stream::Length(left) => {
                let (piece, bytes) = write_into(self.buffers.region(), room, write)?;
                written.bytes += bytes as u64;
                *left -= bytes as u64;
                match (*left, piece) {
                    (0, _) => Ok(Piece::End),
                    (_, Piece::More) => Ok(Piece::More),
                    (_, Piece::End) => Err(Unanswered(Hold::Fault(Fault::Application))),
                }
            }
        }
    }

    /// The request in `tail` has been answered: what stands behind it is next.
    fn after_kept(&mut self, shared: &mut Shared<H>, tail: Vec<u8>) {
        self.advance(shared, &tail[self.content_end..]);
        shared.tails.give_back(tail);
        if self.input_ended {
            self.end_of_input(shared);
        }
    }
}

/// The request whose head and content stand at the front of a tail.
#[inline(never)]
pub(super) fn kept<'t>(
    tail: &'t [u8],
    head_end: usize,
    content_end: usize,
    limits: &Limits,
) -> Request<'t> {
    match head::parse(&tail[..head_end], limits) {
        Ok(Progress::Complete(head)) => Request {
            head,
            content: &tail[head_end..content_end],
        },
        _ => unreachable!("a head is kept only once it was read"),
    }
}

/// Lets `write` add at most `room` bytes; says how many it added. What overflowed is taken back.
fn write_into(
    region: &mut Vec<u8>,
    room: usize,
    write: impl FnOnce(&mut Out<'_>) -> Piece,
) -> Result<(Piece, usize), Unanswered> {
    let start = region.len();
    let mut out = Out::new(region, room);
    let piece = write(&mut out);
    if out.overflowed() {
        region.truncate(start);
        return Err(Unanswered(Hold::Fault(Fault::Application)));
    }
    Ok((piece, region.len() - start))
}

/// Lets `write` add one chunk, its size filled in afterwards, and the last chunk behind its last piece.
fn write_chunk(
    region: &mut Vec<u8>,
    write: impl FnOnce(&mut Out<'_>) -> Piece,
) -> Result<(Piece, usize), Unanswered> {
    let start = region.len();
    region.extend_from_slice(b"0000\r\n");
    let written = write_into(region, BIG_REGION_BYTES - CHUNK_BYTES, write);
    let size = written.as_ref().map_or(0, |(_, bytes)| *bytes);
    if size == 0 {
        // A chunk of size zero would end the content.
        region.truncate(start);
    } else {
        for (at, shift) in [12, 8, 4, 0].into_iter().enumerate() {
            region[start + at] = b"0123456789abcdef"[size >> shift & 15];
        }
        region.extend_from_slice(b"\r\n");
    }
    let (piece, _) = written?;
    if piece == Piece::End {
        region.extend_from_slice(LAST_CHUNK);
    }
    Ok((piece, size))
}
