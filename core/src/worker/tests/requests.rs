//! Requests and their answers.

use super::client::{START, answers, get, letters, refusal, worker};
use super::*;
use crate::Method;

every_strategy! {
    a_request_is_answered
    pipelined_requests_are_answered_in_order
    content_is_collected_however_framed
    streamed_content_is_counted
    an_expectation_is_met_once
    head_and_http10_are_answered_in_kind
    a_half_close_still_gets_its_answers
    a_close_of_ours_lingers
    a_close_that_was_wanted_is_final
    an_empty_line_behind_a_request_is_ignored_rfc9112_2_2
    large_answers_wait_for_small_ones
    a_faulty_handler_answers_500
    who_is_parked_is_heard_once
    late_bytes_are_kept
    asking_for_nothing_pending_is_harmless
}

fn a_request_is_answered<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, get("/size/2").as_bytes());
    let expected = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n\
                    Content-Length: 2\r\n\r\nab";
    assert_eq!(client.text(), expected);
    assert_eq!(client.want, Want::RECEIVE);
    client.send(&mut worker, get("/none").as_bytes());
    assert!(
        client
            .text()
            .ends_with("HTTP/1.1 204 No Content\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n")
    );
    client.send(&mut worker, get("/allow").as_bytes());
    assert!(
        client
            .text()
            .ends_with("\r\nAllow: GET\r\nContent-Length: 0\r\n\r\n")
    );
    client.send(&mut worker, get("/written/7").as_bytes());
    assert!(
        client
            .text()
            .ends_with("\r\nContent-Length:    7\r\n\r\nabcdefg")
    );
    let counters = worker.counters();
    let [.., class_2, _, class_4, class_5] = counters.requests.each_ref().map(Count::get);
    assert_eq!([class_2, class_4, class_5], [3, 1, 0]);
}

fn pipelined_requests_are_answered_in_order<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    let batch: String = (0..200)
        .map(|count| get(&format!("/size/{count}")))
        .collect();
    client.send(&mut worker, batch.as_bytes());
    let expected: Vec<_> = (0..200).map(|count| (200, letters(count))).collect();
    assert_eq!(client.answers(), expected);
    assert_eq!(client.want, Want::RECEIVE);
}

fn content_is_collected_however_framed<B: Buffers>() {
    let post = "POST /echo HTTP/1.1\r\nHost: a\r\n";
    for (request, content) in [
        (format!("{post}Content-Length: 5\r\n\r\nhello"), "hello"),
        (format!("{post}Content-Length: 0\r\n\r\n"), ""),
        (format!("{post}\r\n"), ""),
        (
            format!("{post}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
            "hello",
        ),
        (
            format!(
                "{post}Transfer-Encoding: chunked\r\n\r\n2;x\r\nhe\r\n3\r\nllo\r\n0\r\nT: t\r\n\r\n"
            ),
            "hello",
        ),
        (
            format!("{post}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            "",
        ),
    ] {
        let bytes = format!("{request}{}", get("/size/1"));
        for cut in 0..bytes.len() {
            let mut worker = worker::<B>(Limits::DEFAULT);
            let mut client = Client::new(&mut worker);
            for part in [&bytes[..cut], &bytes[cut..]]
                .into_iter()
                .filter(|part| !part.is_empty())
            {
                client.send(&mut worker, part.as_bytes());
            }
            let expected = [(200, content.as_bytes().to_vec()), (200, b"a".to_vec())];
            assert_eq!(client.answers(), expected, "cut at {cut}: {bytes:?}");
        }
    }
}

fn streamed_content_is_counted<B: Buffers>() {
    let mut worker = worker::<B>(Limits {
        content_bytes_max: 10,
        ..Limits::DEFAULT
    });
    let mut client = Client::new(&mut worker);
    client.send(
        &mut worker,
        b"POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n",
    );
    for _ in 0..100 {
        client.send(&mut worker, &[b'x'; 1_000]);
    }
    client.send(&mut worker, b"POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    assert_eq!(
        client.answers(),
        [(200, b"100000".to_vec()), (200, b"3".to_vec())]
    );
}

fn an_expectation_is_met_once<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    let head =
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
    client.send(&mut worker, head);
    assert_eq!(client.text(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send(&mut worker, b"o");
    client.send(&mut worker, b"k");
    assert_eq!(client.answers(), [(100, vec![]), (200, b"ok".to_vec())]);
    // RFC 9110 §10.1.1: it may be left out when the content is there already.
    client.received.clear();
    client.send(&mut worker, &[&head[..], b"ok"].concat());
    assert_eq!(client.answers(), [(200, b"ok".to_vec())]);
}

fn head_and_http10_are_answered_in_kind<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    for path in ["/size/9000", "/written/9000", "/stream/9000"] {
        client.send(&mut worker, get(path).replace("GET", "HEAD").as_bytes());
    }
    assert_eq!(client.text().matches("9000\r\n").count(), 3);
    assert_eq!(
        answers(&client.received, Method::Head),
        [(200, vec![]), (200, vec![]), (200, vec![])]
    );

    client.received.clear();
    client.send(
        &mut worker,
        b"GET /size/1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    );
    assert!(
        client.text().contains("\r\nConnection: keep-alive\r\n"),
        "{}",
        client.text()
    );
    client.send(&mut worker, b"GET /size/1 HTTP/1.0\r\n\r\n");
    assert!(client.text().contains("\r\nConnection: close\r\n"));
    assert_eq!(client.want, Want::CLOSE);
    assert_eq!(
        worker.ended(client.id, Ended::Wanted),
        Some(CloseReason::PeerAsked)
    );
}

fn an_empty_line_behind_a_request_is_ignored_rfc9112_2_2<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    let post = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab\r\n";
    client.send(&mut worker, post.as_bytes());
    client.send(&mut worker, post.as_bytes());
    client.send(&mut worker, b"");
    let echo = (200, b"ab".to_vec());
    assert_eq!(client.answers(), [echo.clone(), echo]);
    assert_eq!(client.want, Want::CLOSE);
    // One of them before a request, however it is cut; a second one is refused.
    for (lines, statuses) in [("\r\n", &[404][..]), ("\r\n\r\n", &[400])] {
        let bytes = format!("{lines}{}", get("/"));
        for cut in 1..=bytes.len() {
            let mut client = Client::new(&mut worker);
            for part in bytes.as_bytes().chunks(cut) {
                client.send(&mut worker, part);
            }
            let answers = client.answers();
            let found: Vec<_> = answers.iter().map(|(status, _)| *status).collect();
            assert_eq!(found, statuses, "{bytes:?} by {cut}");
        }
    }
}

fn a_close_of_ours_lingers<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, get("/bye").as_bytes());
    assert!(client.shut && client.want.receive());
    client.send(&mut worker, get("/size/1").as_bytes());
    client.send(&mut worker, b"");
    assert_eq!(client.answers(), [(200, b"bye".to_vec())]);
    assert_eq!(
        worker.ended(client.id, Ended::Wanted),
        Some(CloseReason::LastAnswer)
    );
}

fn a_close_that_was_wanted_is_final<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut asked = Client::new(&mut worker);
    asked.send(&mut worker, b"GET /size/1 HTTP/1.0\r\n\r\n");
    let mut left = Client::new(&mut worker);
    left.send(&mut worker, b"");
    for client in [&asked, &left] {
        assert_eq!(client.want, Want::CLOSE);
        let late = worker.on_bytes(client.id, get("/size/2").as_bytes());
        assert_eq!(late, Want::CLOSE, "what comes late changes nothing");
    }
    worker.drain();
    worker.tick(Now {
        monotonic_ms: START.monotonic_ms + Limits::DEFAULT.drain_timeout_ms,
        ..START
    });
    while let Some((_, want)) = worker.next_changed() {
        assert_eq!(want, Want::CLOSE);
    }
    for (client, reason) in [
        (asked, CloseReason::PeerAsked),
        (left, CloseReason::PeerClosed),
    ] {
        assert_eq!(worker.ended(client.id, Ended::Wanted), Some(reason));
    }
}

fn a_half_close_still_gets_its_answers<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    client.takes = 1;
    client.want = worker.on_bytes(
        client.id,
        format!("{}{}", get("/size/9000"), get("/size/3")).as_bytes(),
    );
    client.want = worker.on_bytes(client.id, b"").and(Want::SEND);
    client.take(&mut worker);
    assert_eq!(client.answers(), [(200, letters(9_000)), (200, letters(3))]);
    assert_eq!(client.want, Want::CLOSE);

    let mut client = Client::new(&mut worker);
    client.send(&mut worker, b"GET / HT");
    client.send(&mut worker, b"");
    assert_eq!(
        (client.answers(), client.want),
        (vec![refusal(Fault::Truncated)], Want::CLOSE)
    );
}

fn large_answers_wait_for_small_ones<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    let batch: String = [
        "/size/10",
        "/size/20000",
        "/size/5",
        "/size/40000",
        "/written/30000",
        "/size/1",
    ]
    .map(get)
    .concat();
    client.want = worker.on_bytes(client.id, batch.as_bytes());
    assert_eq!(
        worker.regions_lent(),
        0,
        "what is queued is flushed before a region is lent"
    );
    assert_eq!(worker.pending(client.id).len(), 10 + 102);
    client.want = worker.on_sent(client.id, 0);
    client.takes = 7_001;
    client.take(&mut worker);
    let sizes: Vec<_> = client
        .answers()
        .iter()
        .map(|(_, content)| content.len())
        .collect();
    assert_eq!(sizes, [10, 20_000, 5, 40_000, 30_000, 1]);
    assert_eq!(
        worker.regions_lent(),
        0,
        "a region is returned when its bytes are out"
    );
}

fn a_faulty_handler_answers_500<B: Buffers>() {
    let mut worker = worker::<B>(Limits {
        big_regions_max: 2,
        ..Limits::DEFAULT
    });
    for path in [
        "/too-much",
        "/fields",
        "/framing",
        "/typed",
        "/evil",
        "/size/40000",
    ] {
        let mut client = Client::new(&mut worker);
        client.send(
            &mut worker,
            [get("/size/1"), get(path), get("/size/1")]
                .concat()
                .as_bytes(),
        );
        assert_eq!(
            client.answers(),
            [(200, b"a".to_vec()), refusal(Fault::Application)],
            "{path}"
        );
    }
}

/// A peer that leaves while its request is parked is noticed, and one that sends on is heard once.
fn who_is_parked_is_heard_once<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, get("/park").as_bytes());
    assert_eq!(client.want, Want::RECEIVE);
    client.send(&mut worker, b"G");
    assert_eq!(client.want, Want::NOTHING);

    let mut client = Client::new(&mut worker);
    client.send(&mut worker, get("/park").as_bytes());
    // It has ended its side only, and gets its answer.
    client.send(&mut worker, b"");
    assert_eq!(client.want, Want::NOTHING);
    worker.resume(client.id);
    client.take(&mut worker);
    assert_eq!(client.answers(), [(200, b"resumed".to_vec())]);
    assert_eq!(client.want, Want::CLOSE);
}

fn late_bytes_are_kept<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    client.send(&mut worker, get("/park").as_bytes());
    for byte in get("/size/4").bytes() {
        client.send(&mut worker, &[byte]);
    }
    assert_eq!(client.received, b"");
    worker.resume(client.id);
    client.take(&mut worker);
    assert_eq!(
        client.answers(),
        [(200, b"resumed".to_vec()), (200, letters(4))]
    );
    assert_eq!(client.want, Want::RECEIVE);
}

fn asking_for_nothing_pending_is_harmless<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    assert!(worker.pending(client.id).is_empty());
    client.send(&mut worker, get("/size/2").as_bytes());
    assert_eq!(client.answers(), [(200, letters(2))]);
}
