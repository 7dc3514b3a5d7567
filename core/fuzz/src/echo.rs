//! An application whose answers depend on nothing but the request, one path for each thing that a handler can do. It keeps
//! no account of what it was asked.

use orthant_core::{
    Answer, Buffers, Handler, Head, MediaType, Out, Outcome, Piece, Plan, Request, Status,
};

const TEXT: &MediaType = &MediaType::TEXT;

/// What fits the smallest big region is echoed in one piece, more as a stream.
const AT_ONCE_BYTES: usize = 8 * 1024;

/// Bytes of the answers of a fixed length: more than any region, and the last piece fills one.
const LONG_BYTES: usize = 3 * orthant_core::limits::BIG_REGION_BYTES;

/// Answers with the content of the request; `/count` with its length, streamed; `/long` and `/chunks` with a stream of known
/// and of unknown length; `/big` with what needs a big region; `/park` when resumed, `/after` after a while; `/none` without
/// content, `/bye` for the last time; `/overflow`, `/short` break their promises.
#[derive(Debug, Default)]
pub struct Echo;

/// How far a request has got.
#[derive(Debug, Default)]
pub struct Progress {
    bytes: usize,
    parked: bool,
}

impl Handler for Echo {
    type Exchange = Progress;

    fn on_head(&mut self, head: &Head<'_>, _: &mut Progress) -> Plan {
        if head.path() == b"/count" {
            Plan::Stream
        } else {
            Plan::Collect
        }
    }

    fn on_content(&mut self, piece: &[u8], progress: &mut Progress) {
        progress.bytes += piece.len();
    }

    fn on_request(
        &mut self,
        request: &Request<'_>,
        progress: &mut Progress,
        answer: Answer<'_, impl Buffers>,
    ) -> Outcome {
        match request.head.path() {
            b"/count" => answer.write(Status::OK, TEXT, 20, |out| {
                out.number(progress.bytes as u64);
            }),
            b"/long" | b"/short" => answer.stream(Status::OK, TEXT, Some(LONG_BYTES as u64)),
            b"/chunks" => answer.stream(Status::OK, TEXT, None),
            b"/big" => answer.send(Status::OK, TEXT, &[b'b'; AT_ONCE_BYTES]),
            b"/park" if !std::mem::replace(&mut progress.parked, true) => answer.park(),
            b"/after" if !std::mem::replace(&mut progress.parked, true) => answer.park_ms(5),
            b"/none" => answer.empty(Status::NO_CONTENT),
            b"/bye" => answer.close().empty(Status::OK),
            b"/overflow" => answer.write(Status::OK, TEXT, 3, |out| out.bytes(b"four")),
            _ if request.content.len() > AT_ONCE_BYTES => {
                answer.stream(Status::OK, TEXT, Some(request.content.len() as u64))
            }
            _ => answer.send(Status::OK, TEXT, request.content),
        }
    }

    fn on_room(
        &mut self,
        request: &Request<'_>,
        progress: &mut Progress,
        out: &mut Out<'_>,
    ) -> Piece {
        static LETTERS: [u8; LONG_BYTES] = [b'l'; LONG_BYTES];
        let content = match request.head.path() {
            b"/long" | b"/chunks" => &LETTERS[..],
            b"/short" => &LETTERS[..LONG_BYTES / 2],
            _ => request.content,
        };
        let rest = &content[progress.bytes..];
        let piece = &rest[..rest.len().min(out.left())];
        out.bytes(piece);
        progress.bytes += piece.len();
        if piece.len() == rest.len() {
            Piece::End
        } else {
            Piece::More
        }
    }
}
