//! Exchanges: the bytes of one write and the right answers to it, and the order in which connections send them.
//!
//! The bytes are built once and sent as they are. Requests carry the Host field that RFC 9112 §3.2 asks for and nothing
//! that the server does not need, so that what is measured is the server's work and not the length of our fields.

use super::Right;

/// The bytes of one write, and the right answer to each request in it.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) bytes: Vec<u8>,
    pub(crate) right: Vec<Right>,
}

/// The exchanges of a workload, and how a connection walks through them.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) exchanges: Vec<Exchange>,
    /// How far a connection moves on after each exchange: 0 where it repeats its own for ever.
    stride: usize,
}

impl Script {
    /// The exchange that a connection starts with: neighbours start at neighbouring places.
    pub(crate) fn first(&self, connection: usize) -> usize {
        connection % self.exchanges.len()
    }

    /// The exchange after this one.
    pub(crate) fn next(&self, exchange: usize) -> usize {
        (exchange + self.stride) % self.exchanges.len()
    }
}

/// The `(count, m)` of the JSON requests, as HttpArena asks them.
const DOCUMENTS: [(u64, i64); 7] = [(1, 3), (5, 7), (10, 2), (15, 5), (25, 4), (40, 8), (50, 6)];

type Request = (String, Right);

pub(super) fn baseline() -> Script {
    Script {
        exchanges: [get(), post_with_length(), post_chunked()]
            .map(|request| write_of([request]))
            .into(),
        stride: 0,
    }
}

pub(super) fn pipelined() -> Script {
    Script {
        exchanges: vec![write_of((0..16).map(|_| pipeline()))],
        stride: 0,
    }
}

pub(super) fn json() -> Script {
    Script {
        exchanges: DOCUMENTS
            .map(|(count, m)| write_of([document(count, m)]))
            .into(),
        stride: 1,
    }
}

/// Small answers between documents of every size, with both framings of content in the middle: 121 items in all.
pub(super) fn mixed() -> Script {
    let requests = [
        pipeline(),
        get(),
        document(1, 3),
        pipeline(),
        document(5, 7),
        post_with_length(),
        document(10, 2),
        pipeline(),
        document(15, 5),
        post_chunked(),
        document(50, 6),
        pipeline(),
        get(),
        document(40, 8),
        pipeline(),
        pipeline(),
    ];
    Script {
        exchanges: vec![write_of(requests)],
        stride: 0,
    }
}

/// The request of a workload of allocators.
pub(super) fn operations(name: &str, operations: u32) -> Script {
    let text = format!("GET /{name} HTTP/1.1\r\nHost: orthant\r\n\r\n");
    Script {
        exchanges: vec![write_of([(text, Right::Operations(operations))])],
        stride: 0,
    }
}

fn write_of(requests: impl IntoIterator<Item = Request>) -> Exchange {
    let (texts, right): (Vec<String>, Vec<Right>) = requests.into_iter().unzip();
    Exchange {
        bytes: texts.concat().into_bytes(),
        right,
    }
}

fn get() -> Request {
    let text = "GET /baseline11?a=13&b=42 HTTP/1.1\r\nHost: orthant\r\n\r\n";
    (text.into(), Right::Text("55"))
}

fn post_with_length() -> Request {
    let text =
        "POST /baseline11?a=13&b=42 HTTP/1.1\r\nHost: orthant\r\nContent-Length: 2\r\n\r\n20";
    (text.into(), Right::Text("75"))
}

fn post_chunked() -> Request {
    let text = "POST /baseline11?a=13&b=42 HTTP/1.1\r\nHost: orthant\r\nTransfer-Encoding: chunked\r\n\r\n\
                2\r\n20\r\n0\r\n\r\n";
    (text.into(), Right::Text("75"))
}

fn pipeline() -> Request {
    let text = "GET /pipeline HTTP/1.1\r\nHost: orthant\r\n\r\n";
    (text.into(), Right::Text("ok"))
}

fn document(count: u64, m: i64) -> Request {
    let text = format!("GET /json/{count}?m={m} HTTP/1.1\r\nHost: orthant\r\n\r\n");
    (text, Right::Json { count, m })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn baseline_connections_keep_their_kind_and_json_connections_take_turns() {
        let baseline = baseline();
        assert_eq!((baseline.first(4), baseline.next(1)), (1, 1));
        let json = json();
        assert_eq!((json.first(9), json.next(6)), (2, 0));
    }
}
