//! What a handler is told besides requests: each is over once, however it ends, and each connection ends once.

use super::client::{START, get, worker};
use super::*;

every_strategy! {
    an_answered_request_is_over_once
    a_refused_request_is_over_with_its_fault_and_its_line
    a_request_that_is_cut_off_is_over_before_its_connection
    what_waits_for_room_is_over_once
    a_stream_that_cannot_be_kept_is_over_with_its_line
    a_turn_begins_with_its_time
    a_worker_to_whom_nothing_comes_rests_and_then_sleeps
    what_is_told_agrees_with_what_is_counted
}

/// What is told of a client that sends this, then hangs up.
fn told<B: Buffers>(bytes: &str) -> Vec<String> {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, bytes.as_bytes());
    worker.ended(client.id, Ended::Broken);
    worker.shared.handler.told
}

fn an_answered_request_is_over_once<B: Buffers>() {
    for (bytes, line) in [
        (get("/size/7"), "GET /size/7 200 7 - -"),
        (get("/written/7"), "GET /written/7 200 7 - -"),
        (get("/none"), "GET /none 204 0 - -"),
        (get("/nothing"), "GET /nothing 404 0 - -"),
        (get("/stream/40000"), "GET /stream/40000 200 40000 - -"),
        (get("/chunks/40000"), "GET /chunks/40000 200 40000 - -"),
        (get("/stream/0"), "GET /stream/0 200 0 - -"),
        (
            "HEAD /size/7 HTTP/1.1\r\nHost: a\r\n\r\n".into(),
            "HEAD /size/7 200 0 - -",
        ),
        (
            "HEAD /stream/7 HTTP/1.1\r\nHost: a\r\n\r\n".into(),
            "HEAD /stream/7 200 0 - -",
        ),
        (
            "GET /chunks/40000 HTTP/1.0\r\n\r\n".into(),
            "GET /chunks/40000 200 40000 - -",
        ),
        (
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok".into(),
            "POST /echo 200 2 - -",
        ),
    ] {
        assert_eq!(told::<B>(&bytes), [line, "closed broken"]);
    }
    let three = told::<B>(&get("/size/1").repeat(3));
    assert_eq!((three.len(), &three[2][..]), (4, "GET /size/1 200 1 - -"));

    // What is remembered of a request is there until it is over, and not longer.
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    let two = get("/park") + &get("/size/1");
    client.send(&mut worker, two.as_bytes());
    worker.resume(client.id);
    client.take(&mut worker);
    let told = &worker.shared.handler.told;
    assert_eq!(
        told[..],
        ["GET /park 200 7 - - parked", "GET /size/1 200 1 - -"]
    );
}

fn a_refused_request_is_over_with_its_fault_and_its_line<B: Buffers>() {
    let post = "POST /echo?x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (bytes, line, fault) in [
        ("GET /a HTTP/1.1\r\n\r\n".into(), "GET /a 400", Fault::Host),
        (
            "GET /a HTTP/2.0\r\n\r\n".into(),
            "GET /a 505",
            Fault::Version,
        ),
        (format!("{post}zz\r\n"), "POST /echo?x 400", Fault::Chunk),
        (get("/too-much"), "GET /too-much 500", Fault::Application),
    ] {
        let bytes_sent = fault.sentence().len();
        let expected = format!("{line} {bytes_sent} {} -", fault.name());
        assert_eq!(told::<B>(&bytes), [&expected, "closed broken"]);
    }
    // Whoever sent HEAD is sent no content.
    let head = told::<B>("HEAD /a HTTP/1.1\r\n\r\n");
    assert_eq!(head[0], "HEAD /a 400 0 host -");
    // Content that is none may come behind content that was.
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, format!("{post}2\r\nok\r\n").as_bytes());
    client.send(&mut worker, b"");
    assert!(worker.shared.handler.told[0].starts_with("POST /echo?x 400 "));
}

fn a_request_that_is_cut_off_is_over_before_its_connection<B: Buffers>() {
    let content = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc";
    for (bytes, line) in [
        (content.into(), "POST /echo 0 0 - broken"),
        (get("/quiet"), "GET /quiet 200 0 - broken"),
        (get("/park"), "GET /park 0 0 - broken parked"),
    ] {
        assert_eq!(told::<B>(&bytes), [line, "closed broken"]);
    }
    let cut = ["GET /short/100 200 50 application refused", "closed broken"];
    assert_eq!(told::<B>(&get("/short/100")), cut);
    // Nothing was under way.
    assert_eq!(told::<B>("GET / HTT"), ["closed broken"]);

    // What is begun and not taken is cut off by time, with what was written.
    let mut worker = worker::<B>(Limits::DEFAULT);
    let id = worker.open(None).unwrap();
    worker.on_bytes(id, get("/stream/40000").as_bytes());
    let head_bytes = worker.pending(id).len();
    worker.on_sent(id, head_bytes);
    worker.tick(Now {
        monotonic_ms: START.monotonic_ms + Limits::DEFAULT.send_timeout_ms + 10,
        ..START
    });
    assert!(worker.next_changed().unwrap().1.close());
    worker.ended(id, Ended::Wanted);
    let told = &worker.shared.handler.told;
    assert_eq!(told[0], "GET /stream/40000 200 5000 - slow_reader");
    assert_eq!(told[1..], ["closed slow_reader"]);
}

/// A request that waits for a region, in vain, and its refusal that waits for room too.
fn what_waits_for_room_is_over_once<B: Buffers>() {
    let mut worker = worker::<B>(Limits {
        big_regions_max: 2,
        ..Limits::DEFAULT
    });
    let holder = worker.open(None).unwrap();
    worker.on_bytes(holder, get("/size/20000").as_bytes());
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, get("/size/20000").as_bytes());
    assert_eq!(worker.shared.handler.told.len(), 1);
    worker.tick(Now {
        monotonic_ms: START.monotonic_ms + Limits::DEFAULT.region_wait_ms + 10,
        ..START
    });
    client.take(&mut worker);
    worker.ended(client.id, Ended::Wanted);
    let told = &worker.shared.handler.told;
    assert!(told[1].starts_with("GET /size/20000 503 ") && told[1].ends_with(" exhausted -"));
    assert_eq!(told[2..], ["closed refused"]);
}

fn a_stream_that_cannot_be_kept_is_over_with_its_line<B: Buffers>() {
    let mut worker = worker::<B>(Limits {
        received_bytes_max: 64 * 1024,
        ..Limits::DEFAULT
    });
    for _ in 0..4 {
        let id = worker.open(None).unwrap();
        let part = get("/").replace("\r\n\r\n", "\r\nX: ") + &"x".repeat(16_000);
        worker.on_bytes(id, part.as_bytes());
    }
    let id = worker.open(None).unwrap();
    let long = format!("X: {}\r\n\r\n", "y".repeat(4_000));
    let stream = get("/stream/40000").replace("\r\n\r\n", "\r\n") + &long;
    worker.on_bytes(id, stream.as_bytes());
    worker.ended(id, Ended::Wanted);
    let told = &worker.shared.handler.told;
    assert_eq!(told[0], "GET /stream/40000 200 0 exhausted refused");
}

fn a_worker_to_whom_nothing_comes_rests_and_then_sleeps<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, get("/none").as_bytes());
    worker.ended(client.id, Ended::Broken);
    let mut turns = 0;
    let mut now = START;
    while let Some(next_ms) = worker.next_ms() {
        now.monotonic_ms = next_ms;
        worker.tick(now);
        while worker.next_changed().is_some() {}
        turns += 1;
        assert!(turns < 50, "it is woken again and again");
    }
    assert_eq!(worker.shared.handler.rests, 4);
    // What is received again is a reason to look again.
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, get("/none").as_bytes());
    worker.ended(client.id, Ended::Broken);
    assert!(worker.next_ms().is_some());
}

fn a_turn_begins_with_its_time<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    assert_eq!(worker.shared.handler.now, START);
    let later = Now {
        monotonic_ms: START.monotonic_ms + 1,
        unix_s: 5,
    };
    worker.tick(later);
    assert_eq!(worker.shared.handler.now, later);
}

fn what_is_told_agrees_with_what_is_counted<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    for bytes in [
        get("/size/2").repeat(5),
        get("/stream/50000").repeat(2),
        get("/nothing") + "broken\r\n\r\n",
        get("/too-much") + &get("/size/1"),
        get("/chunks/9").replace("1.1", "1.0"),
    ] {
        let mut client = Client::new(&mut worker);
        client.takes = 999;
        for part in bytes.as_bytes().chunks(11) {
            client.send(&mut worker, part);
        }
        worker.ended(client.id, Ended::Wanted);
    }
    let counted: u64 = worker.counters().requests.iter().map(Count::get).sum();
    let told = &worker.shared.handler.told;
    let closed = told.iter().filter(|told| told.starts_with("closed"));
    assert_eq!((counted, closed.count()), (11, 5));
    assert_eq!(told.len(), 16);
}
