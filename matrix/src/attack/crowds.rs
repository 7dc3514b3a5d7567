//! Connections by number: idle ones, more than there are descriptors for, and ones that only come and go.

use super::{Attack, Move, Reads, send};

pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        name: "idle-10000",
        does: "10,000 connections that ask once and then keep silent",
        origin: "the C10K problem (1999)",
        clients: 10_000,
        moves_per_s: 40_000,
        reads: Reads::All,
        descriptors: None,
        scripts: || {
            vec![vec![
                send("GET /pipeline HTTP/1.1\r\nHost: a\r\n\r\n"),
                Move::Await,
            ]]
        },
    },
    Attack {
        name: "connection-flood",
        does: "four times as many connections as the server may have descriptors",
        origin: "accept(2) on EMFILE: a listener that stays ready makes a busy loop",
        clients: 1_024,
        moves_per_s: 20_000,
        reads: Reads::All,
        descriptors: Some(256),
        scripts: || vec![vec![]],
    },
    Attack {
        name: "connect-and-close",
        does: "connections that are closed as soon as they are open",
        origin: "port scanners; balancers that probe",
        clients: 64,
        moves_per_s: 6_000,
        reads: Reads::All,
        descriptors: None,
        scripts: || vec![vec![Move::Close]],
    },
];
