//! A handler with one route for each thing a handler can do, and clients that talk to it without sockets.

use super::*;
use crate::{
    Answer, Head, MediaType, Method, Out, Outcome, Over, Piece, Plan, Request, RequestLine, Status,
};

/// `GET /size/N`: N letters; `GET /written/N`: the same, measured afterwards; `POST /echo`; `POST /count`: streamed;
/// `GET /stream/N`, `GET /chunks/N`: N letters as a stream, known and unknown in length; `GET /full/N`: one whose pieces
/// fill their room; `GET /short/N`: a stream that breaks its promise; `GET /park`: parked until resumed; `GET /after/MS`; `GET /too-much`: writes more than it asked
/// for; `GET /fields`: a field with a line end in it; `GET /burst`: a stream that writes more than there is room for; `GET /framing`, `GET /typed`: one that is the core's; `GET
/// /evil`: content where none may be; `GET /quiet`: a stream of which nothing comes.
#[derive(Default)]
pub(super) struct Shop {
    pub(super) presented: u64,
    pub(super) parked: Vec<Id>,
    pub(super) now: Now,
    /// What the hooks were told of requests and of connections, in words.
    pub(super) told: Vec<String>,
    pub(super) opened: Vec<(Id, Option<SocketAddr>)>,
    pub(super) rests: u32,
}

#[derive(Default)]
pub(super) struct Visit {
    streamed: u64,
    parked: bool,
}

const TEXT: &MediaType = &MediaType::TEXT;

pub(super) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

pub(super) fn letters(count: u64) -> Vec<u8> {
    (0..count).map(|at| b'a' + (at % 23) as u8).collect()
}

fn number(path: &[u8], prefix: &str) -> Option<u64> {
    std::str::from_utf8(path.strip_prefix(prefix.as_bytes())?)
        .ok()?
        .parse()
        .ok()
}

impl Handler for Shop {
    type Exchange = Visit;

    fn on_turn(&mut self, now: Now) {
        self.now = now;
    }

    fn on_rest(&mut self) {
        self.rests += 1;
    }

    fn on_over(&mut self, _: Id, line: RequestLine<'_>, visit: &mut Visit, over: Over) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut told = format!("{} {}", text(line.method), text(line.target));
        told += &format!(" {} {}", over.status.unwrap_or(0), over.content_bytes);
        for name in [
            over.fault.map(Fault::name),
            over.cut_off.map(CloseReason::name),
        ] {
            told += &format!(" {}", name.unwrap_or("-"));
        }
        told += if visit.parked { " parked" } else { "" };
        self.told.push(told);
    }

    fn on_closed(&mut self, _: Id, reason: CloseReason) {
        self.told.push(format!("closed {}", reason.name()));
    }

    fn on_open(&mut self, id: Id, peer: Option<SocketAddr>) {
        self.opened.push((id, peer));
    }

    fn on_head(&mut self, head: &Head<'_>, _: &mut Visit) -> Plan {
        if head.path() == b"/count" {
            Plan::Stream
        } else {
            Plan::Collect
        }
    }

    fn on_content(&mut self, piece: &[u8], visit: &mut Visit) {
        visit.streamed += piece.len() as u64;
    }

    fn on_request(
        &mut self,
        request: &Request<'_>,
        visit: &mut Visit,
        answer: Answer<'_, impl Buffers>,
    ) -> Outcome {
        self.presented += 1;
        let path = request.head.path();
        match path {
            b"/echo" => return answer.send(Status::OK, TEXT, request.content),
            b"/count" => {
                return answer.write(Status::OK, TEXT, 20, |out| out.number(visit.streamed));
            }
            b"/quiet" | b"/burst" => return answer.stream(Status::OK, TEXT, None),
            b"/evil" => return answer.send(Status::NO_CONTENT, TEXT, b"content"),
            b"/framing" => return answer.fields(&[("content-Length", "9")]).empty(Status::OK),
            b"/typed" => {
                let fields = [("content-Type", "text/html")];
                return answer.fields(&fields).send(Status::OK, TEXT, b"typed");
            }
            b"/none" => return answer.empty(Status::NO_CONTENT),
            b"/same" => return answer.empty(Status::NOT_MODIFIED),
            b"/bye" => return answer.close().send(Status::OK, TEXT, b"bye"),
            b"/too-much" => return answer.write(Status::OK, TEXT, 3, |out| out.bytes(b"four")),
            b"/fields" => return answer.fields(&[("X", "a\r\nY: b")]).empty(Status::OK),
            b"/allow" => {
                return answer
                    .fields(&[("Allow", "GET")])
                    .empty(Status::METHOD_NOT_ALLOWED);
            }
            b"/park" if !visit.parked => {
                visit.parked = true;
                self.parked.push(answer.id());
                return answer.park();
            }
            b"/park" => return answer.send(Status::OK, TEXT, b"resumed"),
            _ => {}
        }
        if let Some(count) = number(path, "/size/") {
            answer.send(Status::OK, TEXT, &letters(count))
        } else if let Some(count) = number(path, "/written/") {
            answer.write(Status::OK, TEXT, count as usize + 999, |out| {
                out.bytes(&letters(count))
            })
        } else if let Some(count) = number(path, "/stream/")
            .or(number(path, "/full/"))
            .or(number(path, "/short/"))
        {
            answer.stream(Status::OK, TEXT, Some(count))
        } else if number(path, "/chunks/").is_some() {
            answer.stream(Status::OK, TEXT, None)
        } else if let Some(delay_ms) = number(path, "/after/").filter(|_| !visit.parked) {
            visit.parked = true;
            answer.park_ms(delay_ms)
        } else if visit.parked {
            answer.send(Status::OK, TEXT, b"later")
        } else {
            answer.empty(Status::NOT_FOUND)
        }
    }

    fn on_room(&mut self, request: &Request<'_>, visit: &mut Visit, out: &mut Out<'_>) -> Piece {
        let path = request.head.path();
        if path == b"/quiet" {
            return Piece::More;
        }
        if path == b"/burst" {
            visit.streamed += 1;
            let bytes = if visit.streamed == 1 { 9 } else { 99_999 };
            out.bytes(&letters(bytes));
            return Piece::More;
        }
        if let Some(count) = number(path, "/short/") {
            out.bytes(&letters(count / 2));
            return Piece::End;
        }
        let full = number(path, "/full/");
        let count = number(path, "/stream/")
            .or(number(path, "/chunks/"))
            .or(full)
            .unwrap();
        let most = if full.is_some() { u64::MAX } else { 5_000 };
        let end = count.min(visit.streamed + most.min(out.left() as u64));
        out.bytes(&letters(count)[visit.streamed as usize..end as usize]);
        visit.streamed = end;
        if end == count {
            Piece::End
        } else {
            Piece::More
        }
    }
}

/// The answer to a fault, as [`answers`] reads it.
pub(super) fn refusal(fault: Fault) -> (u16, Vec<u8>) {
    (fault.status().code(), fault.sentence().into())
}

pub(super) const START: Now = Now {
    monotonic_ms: 1_000,
    unix_s: 784_111_777,
};

pub(super) fn worker<B: Buffers>(limits: Limits) -> Worker<Shop, B> {
    let mut worker = Worker::new(Shop::default(), limits, START);
    worker.tick(START);
    worker
}

pub(super) fn closes<B: Buffers>(worker: &Worker<Shop, B>, reason: CloseReason) -> u64 {
    worker.counters().closes[reason.index()].get()
}

pub(super) fn timeouts<B: Buffers>(worker: &Worker<Shop, B>, timeout: Timeout) -> u64 {
    worker.counters().timeouts[timeout as usize].get()
}

/// A client of one connection: it notes what it is sent and what is wanted.
pub(super) struct Client {
    pub(super) id: Id,
    pub(super) want: Want,
    pub(super) received: Vec<u8>,
    pub(super) shut: bool,
    /// The most bytes that it takes at one time.
    pub(super) takes: usize,
}

impl Client {
    pub(super) fn new<B: Buffers>(worker: &mut Worker<Shop, B>) -> Client {
        let id = worker.open(None).expect("there is room for a connection");
        Client {
            id,
            want: Want::RECEIVE,
            received: Vec::new(),
            shut: false,
            takes: usize::MAX,
        }
    }

    /// Sends bytes, then takes what comes.
    pub(super) fn send<B: Buffers>(&mut self, worker: &mut Worker<Shop, B>, bytes: &[u8]) {
        self.want = worker.on_bytes(self.id, bytes);
        self.take(worker);
    }

    /// Takes what is to be sent, at most `takes` bytes at one time, until there is no more.
    pub(super) fn take<B: Buffers>(&mut self, worker: &mut Worker<Shop, B>) {
        while self.take_once(worker) {}
        while let Some((id, want)) = worker.next_changed() {
            if id == self.id {
                self.want = want;
                while self.take_once(worker) {}
            }
        }
    }

    pub(super) fn take_once<B: Buffers>(&mut self, worker: &mut Worker<Shop, B>) -> bool {
        self.shut |= self.want.shut();
        if !self.want.send() {
            return false;
        }
        let pending = worker.pending(self.id);
        assert!(
            !pending.is_empty(),
            "nothing is to be sent only when something is pending"
        );
        let bytes = pending.len().min(self.takes);
        self.received.extend_from_slice(&pending[..bytes]);
        self.want = worker.on_sent(self.id, bytes);
        true
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.received.clone()).unwrap()
    }

    /// The statuses and the contents of the answers so far.
    pub(super) fn answers(&self) -> Vec<(u16, Vec<u8>)> {
        answers(&self.received, Method::Get)
    }
}

/// Reads answers the slow way; panics on anything that is none.
pub(super) fn answers(mut bytes: &[u8], method: Method<'_>) -> Vec<(u16, Vec<u8>)> {
    let mut answers = Vec::new();
    while !bytes.is_empty() {
        let mut fields = [httparse::EMPTY_HEADER; 16];
        let mut response = httparse::Response::new(&mut fields);
        let httparse::Status::Complete(head) = response.parse(bytes).unwrap() else {
            panic!("an answer was cut off: {}", bytes.escape_ascii());
        };
        let field = |name: &str| {
            let mut found = response
                .headers
                .iter()
                .filter(|field| field.name.eq_ignore_ascii_case(name));
            let value = found
                .next()
                .map(|field| std::str::from_utf8(field.value).unwrap());
            assert!(found.next().is_none(), "{name} stands twice");
            value
        };
        let status = response.code.unwrap();
        bytes = &bytes[head..];
        let mut content = Vec::new();
        if method != Method::Head && field("transfer-encoding") == Some("chunked") {
            let mut decoder = crate::chunked::Decoder::default();
            while !decoder.done() {
                assert!(!bytes.is_empty(), "the chunks were cut off");
                let step = decoder.step(bytes, &Limits::DEFAULT).unwrap();
                content.extend_from_slice(step.piece);
                bytes = &bytes[step.used..];
            }
        } else if let Some(length) = field("content-length").filter(|_| method != Method::Head) {
            let length = length.parse().unwrap();
            content.extend_from_slice(&bytes[..length]);
            bytes = &bytes[length..];
        }
        if status >= 200 {
            assert_eq!(field("date"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
        }
        answers.push((status, content));
    }
    answers
}
