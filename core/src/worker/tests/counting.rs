//! What a worker has counted agrees with what its clients did, bytes exactly.

use std::sync::Arc;

use super::client::{START, closes, get, timeouts, worker};
use super::*;

every_strategy! {
    counts_agree_with_what_clients_did
    every_close_is_counted_by_its_reason
    every_timeout_is_counted_by_its_kind
    counts_outlive_their_worker
}

fn pass_to<B: Buffers>(worker: &mut Worker<Shop, B>, ms: u64) {
    worker.tick(Now {
        monotonic_ms: START.monotonic_ms + ms,
        ..START
    });
}

fn counts_agree_with_what_clients_did<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let (mut sent, mut received) = (0, 0);
    for (bytes, cut) in [
        (get("/size/2").repeat(5), 1_000),
        (get("/stream/50000"), 7),
        (get("/none"), 1),
        (get("/nothing").repeat(3), 20),
        (get("/too-much"), 1_000),
        (
            "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok"
                .into(),
            73,
        ),
        ("GET / HTTP/1.1\r\n\r\n".into(), 5),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n".into(), 1_000),
        // What follows a refusal comes too late, and has come all the same.
        ("broken\r\n\r\nGET".into(), 1_000),
    ] {
        let mut client = Client::new(&mut worker);
        client.takes = 1_234;
        for part in bytes.as_bytes().chunks(cut) {
            sent += part.len() as u64;
            client.send(&mut worker, part);
        }
        received += client.received.len() as u64;
    }
    let counters = worker.counters();
    let requests = counters.requests.each_ref().map(Count::get);
    // A 100 answers no request.
    assert_eq!(requests, [0, 0, 8, 0, 5, 2]);
    let refusals = counters.refusals.each_ref().map(Count::get);
    for fault in Fault::ALL {
        let expected = match fault {
            Fault::Application | Fault::Host | Fault::Version | Fault::RequestLine => 1,
            _ => 0,
        };
        assert_eq!(refusals[fault as usize], expected, "{fault:?}");
    }
    assert_eq!(counters.bytes_received.get(), sent);
    assert_eq!(counters.bytes_sent.get(), received);
    assert_eq!((counters.opened.get(), counters.open()), (9, 9));
    assert_eq!(counters.continues.get(), 1);
}

fn every_close_is_counted_by_its_reason<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let last = "GET /size/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    for (bytes, how, reason) in [
        ("", Ended::Broken, CloseReason::Broken),
        ("", Ended::Wanted, CloseReason::PeerClosed),
        (last, Ended::Wanted, CloseReason::PeerAsked),
        (&get("/bye"), Ended::Wanted, CloseReason::LastAnswer),
        (
            "?\r\n\r\n",
            Ended::Wanted,
            CloseReason::Refused(Fault::RequestLine),
        ),
    ] {
        let mut client = Client::new(&mut worker);
        client.send(&mut worker, bytes.as_bytes());
        client.send(&mut worker, b"");
        assert_eq!(worker.ended(client.id, how), Some(reason));
        assert_eq!(worker.ended(client.id, how), None);
        assert_eq!(closes(&worker, reason), 1, "{reason:?}");
    }
    let all: u64 = worker.counters().closes.iter().map(Count::get).sum();
    assert_eq!((all, worker.counters().open()), (5, 0));
}

fn every_timeout_is_counted_by_its_kind<B: Buffers>() {
    let limits = Limits {
        big_regions_max: 2,
        region_hold_ms: u64::MAX,
        ..Limits::DEFAULT
    };
    let head = "GET / HTTP/1.1\r\n";
    let content = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc";
    for (bytes, timeout, after_ms) in [
        ("", Timeout::Idle, limits.idle_timeout_ms),
        (head, Timeout::Head, limits.head_timeout_ms),
        (content, Timeout::Content, limits.content_timeout_ms),
        (&get("/size/20000"), Timeout::Region, limits.region_wait_ms),
        (&get("/size/1"), Timeout::Send, limits.send_timeout_ms),
        (&get("/bye"), Timeout::Linger, limits.linger_timeout_ms),
        (&get("/park"), Timeout::Drain, limits.drain_timeout_ms),
    ] {
        let mut worker = worker::<B>(limits.clone());
        if timeout == Timeout::Region {
            let holder = worker.open(None).unwrap();
            worker.on_bytes(holder, bytes.as_bytes());
        }
        let mut client = Client::new(&mut worker);
        if !bytes.is_empty() {
            client.want = worker.on_bytes(client.id, bytes.as_bytes());
        }
        match timeout {
            Timeout::Send => {}
            Timeout::Drain => worker.drain(),
            _ => client.take(&mut worker),
        }
        let counted = |worker: &Worker<Shop, B>| Timeout::ALL.map(|kind| timeouts(worker, kind));
        pass_to(&mut worker, after_ms - 1);
        while worker.next_changed().is_some() {}
        assert_eq!(counted(&worker), [0; 7], "{timeout:?} early");
        pass_to(&mut worker, after_ms + 10);
        while worker.next_changed().is_some() {}
        let expected = Timeout::ALL.map(|kind| u64::from(kind == timeout));
        assert_eq!(counted(&worker), expected, "{timeout:?}");
    }
}

fn counts_outlive_their_worker<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let counters = Arc::clone(worker.counters());
    worker.open(None);
    drop(worker);
    assert_eq!(counters.opened.get(), 1);
}
