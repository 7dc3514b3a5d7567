//! Clients that leave in the midst of something, in every way in which one can: none may keep the place that it had.

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use super::running::*;

/// Places of the worker.
const PLACES: usize = 20;

/// How many of them may be taken for it to accept again.
const ACCEPTS_AT: usize = 16;

/// How far a client comes.
const STATES: [(&str, &str); 7] = [
    ("connected", ""),
    ("within a head", "GET /healthz HTTP/1.1\r\nHo"),
    (
        "within content",
        "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\nhalf",
    ),
    (
        "within a chunk",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9000\r\nhalf",
    ),
    ("refused", "BAD\r\n\r\n"),
    ("answered", "GET /json/50 HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("waiting", "GET /delay/60000 HTTP/1.1\r\nHost: a\r\n\r\n"),
];

/// How a client leaves.
type Leave = fn(TcpStream);

const ENDS: [(&str, Leave); 3] = [
    ("closes", drop),
    ("resets", reset),
    ("half-closes, then resets", |client| {
        client.shutdown(Shutdown::Write).unwrap();
        reset(client);
    }),
];

fn reset(client: TcpStream) {
    let linger = Some(Duration::ZERO);
    socket2::SockRef::from(&client).set_linger(linger).unwrap();
}

/// Whether the places can be had, all at one time.
fn others_are_served(address: SocketAddr) {
    let clients: Vec<_> = (0..ACCEPTS_AT).map(|_| served(address)).collect();
    drop(clients);
}

fn start_with_places() -> (Running, SocketAddr) {
    let places = format!("connections-max={PLACES}");
    start(&["--workers", "1", "--limit", &places])
}

#[test]
fn whoever_leaves_gives_up_its_place_wherever_it_was() {
    let (mut child, address) = start_with_places();
    for (state, bytes) in STATES {
        for (end, leave) in ENDS {
            // Who has closed one direction may wait for its answer in the other, for all that is heard: its place is its own
            // until the application has answered.
            if state == "waiting" && end != "resets" {
                continue;
            }
            eprintln!("{state}, and {end}");
            for _ in 0..PLACES {
                let mut client = connect(address);
                client.write_all(bytes.as_bytes()).unwrap();
                leave(client);
            }
            others_are_served(address);
        }
    }
    child.terminate();
    assert!(child.wait().unwrap().success());
}

/// Their answers fill what the kernel keeps for them, and they read none.
#[test]
fn whoever_leaves_without_having_read_gives_up_its_place() {
    let (mut child, address) = start_with_places();
    for (end, leave) in ENDS {
        eprintln!("{end}");
        for _ in 0..PLACES {
            let mut client = connect(address);
            client.set_nonblocking(true).unwrap();
            let asked = "GET /json/50 HTTP/1.1\r\nHost: a\r\n\r\n".repeat(500);
            // As much as is taken without waiting.
            while client.write(asked.as_bytes()).is_ok() {}
            leave(client);
        }
        others_are_served(address);
    }
    child.terminate();
    assert!(child.wait().unwrap().success());
}
