//! Clients that leave in every state of a connection: by a reset, or by ending their side.

use super::{Attack, Move, Reads, send, send_all};

/// What brings a connection into each of its states; a request is parked for so long.
fn states(delay_ms: u64) -> Vec<Vec<Move>> {
    let large = "GET /json/50?m=1 HTTP/1.1\r\nHost: a\r\n\r\n";
    vec![
        // Just accepted.
        vec![],
        // A head that is not whole.
        vec![send("GET /pipeline HTTP/1.1\r\nHos")],
        // Content that is not whole, with a length; in chunks; within the size of a chunk; in the trailer section.
        vec![send(
            "POST /baseline11 HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n12",
        )],
        vec![send(
            "POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        )],
        vec![send(
            "POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5",
        )],
        vec![send(
            "POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y",
        )],
        // A 100 (Continue) was asked for.
        vec![send(
            "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n",
        )],
        // Requests whose answers are under way, of which some have arrived.
        vec![send_all(large.repeat(64)), Move::Await],
        vec![send_all(large.repeat(64))],
        // A request that is parked.
        vec![
            send_all(format!("GET /delay/{delay_ms} HTTP/1.1\r\nHost: a\r\n\r\n")),
            Move::Pause(20),
        ],
        // Answered with an error, and lingering.
        vec![send("GET /pipeline HTTP/1.1\r\n\r\nmore"), Move::Await],
        vec![
            send("GET /pipeline HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
            Move::Await,
        ],
        // Idle between two requests.
        vec![
            send("GET /pipeline HTTP/1.1\r\nHost: a\r\n\r\n"),
            Move::Await,
        ],
    ]
}

fn states_then(last: &Move, delay_ms: u64) -> Vec<Vec<Move>> {
    let with_last = |mut script: Vec<Move>| {
        script.push(last.clone());
        script
    };
    states(delay_ms).into_iter().map(with_last).collect()
}

pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        name: "reset-at-every-state",
        does: "a reset after accepting, within a head, within content, within an answer, while parked, while lingering",
        origin: "SO_LINGER of 0 (socket(7))",
        clients: 260,
        moves_per_s: 4_000,
        reads: Reads::Nothing,
        descriptors: None,
        scripts: || states_then(&Move::Reset, 60_000),
    },
    Attack {
        name: "half-close",
        does: "the end of the client's side in every state, which then waits for the server's",
        origin: "RFC 9112 §9.6; nc -N",
        clients: 260,
        moves_per_s: 4_000,
        reads: Reads::All,
        descriptors: None,
        scripts: || states_then(&Move::Finish, 300),
    },
];
