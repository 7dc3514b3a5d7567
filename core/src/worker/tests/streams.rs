//! Answers written piece by piece.

use super::client::{START, letters, worker};
use super::*;

every_strategy! {
    streams_arrive_whole
    http10_streams_end_with_the_connection
    a_stream_that_breaks_its_promise_is_cut_off
    a_cut_off_stream_leaves_no_memory_behind
    a_stream_to_the_end_of_its_connection_is_cut_off_by_a_reset
    streams_share_an_exhausted_pool
    a_handler_that_breaks_off_is_told_apart_from_an_end
    a_stream_with_nothing_to_say_holds_no_region
    a_stream_that_ends_with_nothing_holds_no_region
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

fn streams_arrive_whole<B: Buffers>() {
    for path in ["/stream/", "/chunks/"] {
        for count in [0, 1, 4_999, 5_000, 50_000] {
            let mut worker = worker::<B>(Limits::DEFAULT);
            let mut client = Client::new(&mut worker);
            client.takes = 3_333;
            client.send(
                &mut worker,
                [
                    get("/size/3"),
                    get(&format!("{path}{count}")),
                    get("/size/5"),
                ]
                .concat()
                .as_bytes(),
            );
            let expected = [(200, letters(3)), (200, letters(count)), (200, letters(5))];
            assert_eq!(client.answers(), expected, "{path}{count}");
            assert_eq!((worker.regions_lent(), client.want), (0, Want::RECEIVE));
        }
    }
}

fn http10_streams_end_with_the_connection<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    client.send(
        &mut worker,
        b"GET /chunks/30000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    );
    assert!(
        client
            .text()
            .ends_with(std::str::from_utf8(&letters(30_000)).unwrap())
    );
    assert!(client.text().contains("Connection: close\r\n") && client.shut);
}

fn a_stream_that_breaks_its_promise_is_cut_off<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    client.send(
        &mut worker,
        [get("/short/100"), get("/size/1")].concat().as_bytes(),
    );
    assert!(
        client
            .text()
            .ends_with(std::str::from_utf8(&letters(50)).unwrap())
    );
    assert_eq!(client.want, Want::CLOSE);
}

fn a_cut_off_stream_leaves_no_memory_behind<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    for _ in 0..3 {
        let mut client = Client::new(&mut worker);
        client.send(&mut worker, get("/short/100").as_bytes());
        worker.ended(client.id, Ended::Wanted);
    }
    assert_eq!(worker.received_bytes(), 0);
}

/// Its end would be taken for the end of the answer.
fn a_stream_to_the_end_of_its_connection_is_cut_off_by_a_reset<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let request = b"GET /chunks/30000 HTTP/1.0\r\n\r\n";
    let id = worker.open(None).unwrap();
    assert!(worker.on_bytes(id, request).send());
    worker.drain();
    worker.tick(Now {
        monotonic_ms: START.monotonic_ms + Limits::DEFAULT.drain_timeout_ms,
        ..START
    });
    let mut want = Want::NOTHING;
    while let Some((_, changed)) = worker.next_changed() {
        want = changed;
    }
    assert_eq!(want, Want::RESET);
}

/// Chunks without the last one say so by themselves, and what ends with its connection only by a reset.
fn a_handler_that_breaks_off_is_told_apart_from_an_end<B: Buffers>() {
    for (version, end) in [("1.1", Want::CLOSE), ("1.0", Want::RESET)] {
        let mut worker = worker::<B>(Limits::DEFAULT);
        let mut client = Client::new(&mut worker);
        client.send(
            &mut worker,
            get("/burst").replace("1.1", version).as_bytes(),
        );
        assert_eq!(client.want, end, "{version}");
        let text = client.text();
        let (_, content) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            content.contains("abcdefghi") && !content.contains("0\r\n\r\n"),
            "{text}"
        );
        let reason = worker.ended(client.id, Ended::Wanted);
        assert_eq!(reason, Some(CloseReason::Refused(Fault::Application)));
    }
}

fn a_stream_with_nothing_to_say_holds_no_region<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, get("/quiet").as_bytes());
    assert_eq!((client.want, worker.regions_lent()), (Want::RECEIVE, 0));
    worker.resume(client.id);
    client.take(&mut worker);
    assert_eq!((client.want, worker.regions_lent()), (Want::RECEIVE, 0));
}

fn streams_share_an_exhausted_pool<B: Buffers>() {
    let mut worker = worker::<B>(Limits {
        big_regions_max: 2,
        ..Limits::DEFAULT
    });
    let mut holder = Client::new(&mut worker);
    holder.want = worker.on_bytes(holder.id, get("/size/20000").as_bytes());
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, get("/stream/30000").as_bytes());
    holder.take_once(&mut worker);
    client.take(&mut worker);
    assert_eq!(client.answers(), [(200, letters(30_000))]);
}

fn a_stream_that_ends_with_nothing_holds_no_region<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    client.send(
        &mut worker,
        b"GET /chunks/0 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    );
    assert!(client.shut, "it lingers: {:?}", client.want);
    assert_eq!(worker.regions_lent(), 0);
    assert_eq!(worker.regions_in_use_bytes(), B::IDLE_BYTES);
}
