//! The probe application: what HTTP test suites expect of a server, so that they test the core and not an application.

use orthant::{
    Answer, Buffers, Handler, Head, MediaType, Method, Out, Outcome, Piece, Plan, Request, Status,
};

const TEXT: &MediaType = &MediaType::TEXT;
const BIG_BYTES: usize = 1024 * 1024;

/// Every path answers GET, HEAD, OPTIONS, DELETE and PUT with `OK`, and POST with its content; `/echo` answers with the
/// fields it received, `/cookie` with the cookies, `/big` with 1 MiB.
#[derive(Clone, Default)]
pub(crate) struct Probe;

/// How much of a long answer has been written, and whether its content was put together before.
#[derive(Default)]
pub(crate) struct Progress {
    written: usize,
    text: Vec<u8>,
}

impl Handler for Probe {
    type Exchange = Progress;

    /// Content that is not echoed is read and dropped.
    fn on_head(&mut self, head: &Head<'_>, _: &mut Progress) -> Plan {
        if head.method == Method::Post {
            Plan::Collect
        } else {
            Plan::Stream
        }
    }

    fn on_request(
        &mut self,
        request: &Request<'_>,
        progress: &mut Progress,
        answer: Answer<'_, impl Buffers>,
    ) -> Outcome {
        let head = &request.head;
        match (head.path(), head.method) {
            (_, method) if !method.is_recognized() => answer.empty(Status::NOT_IMPLEMENTED),
            (_, Method::Other(_)) => answer
                .fields(&[("Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS")])
                .empty(Status::METHOD_NOT_ALLOWED),
            (b"/big", Method::Get | Method::Head) => {
                answer.stream(Status::OK, TEXT, Some(BIG_BYTES as u64))
            }
            (b"/echo", _) => {
                progress.text = fields(head);
                answer.stream(Status::OK, TEXT, Some(progress.text.len() as u64))
            }
            (b"/cookie", _) => {
                progress.text = cookies(head);
                answer.stream(Status::OK, TEXT, Some(progress.text.len() as u64))
            }
            (_, Method::Post) => {
                answer.stream(Status::OK, TEXT, Some(request.content.len() as u64))
            }
            _ => answer.send(Status::OK, TEXT, b"OK"),
        }
    }

    fn on_room(
        &mut self,
        request: &Request<'_>,
        progress: &mut Progress,
        out: &mut Out<'_>,
    ) -> Piece {
        let content = match (request.head.path(), request.head.method) {
            (b"/big", Method::Get) => {
                let bytes = out.left().min(BIG_BYTES - progress.written);
                out.bytes(&vec![b'x'; bytes]);
                progress.written += bytes;
                return if progress.written == BIG_BYTES {
                    Piece::End
                } else {
                    Piece::More
                };
            }
            (b"/echo" | b"/cookie", _) => &progress.text[..],
            _ => request.content,
        };
        let rest = &content[progress.written..];
        let piece = &rest[..rest.len().min(out.left())];
        out.bytes(piece);
        progress.written += piece.len();
        if piece.len() == rest.len() {
            Piece::End
        } else {
            Piece::More
        }
    }
}

/// The received fields, a line for each.
fn fields(head: &Head<'_>) -> Vec<u8> {
    head.fields()
        .flat_map(|(name, value)| [name, b": ", value, b"\n"].concat())
        .collect()
}

/// The received cookies (RFC 6265 §4.2), a line for each pair.
fn cookies(head: &Head<'_>) -> Vec<u8> {
    let cookie = |(name, _): &(&[u8], &[u8])| name.eq_ignore_ascii_case(b"cookie");
    let pairs = head
        .fields()
        .filter(cookie)
        .flat_map(|(_, value)| value.split(|&byte| byte == b';').map(<[u8]>::trim_ascii));
    pairs
        .filter(|pair| !pair.is_empty())
        .flat_map(|pair| [pair, b"\n"].concat())
        .collect()
}
