//! What RFC 9110 and RFC 9112 ask of answers and of connections, by section. The syntax of requests is tested beside their
//! parser.

use super::client::{answers, get, letters, refusal, worker};
use super::*;
use crate::Method;

every_strategy! {
    options_are_honoured_by_every_kind_of_answer_rfc9112_9_3
    what_follows_the_last_request_is_not_acted_on_rfc9112_9_6
    some_answers_have_no_content_rfc9110_6_4_1
    an_expectation_is_met_only_where_content_is_wanted_rfc9110_10_1_1
    no_100_follows_the_answer_rfc9110_15_2
    each_fault_has_its_status_rfc9110_15
}

/// The values of the field Connection in the first answer.
fn options(answer: &str) -> Vec<&str> {
    let (head, _) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    head.lines()
        .filter_map(|line| line.strip_prefix("Connection: "))
        .collect()
}

fn options_are_honoured_by_every_kind_of_answer_rfc9112_9_3<B: Buffers>() {
    let content = "Content-Length: 2\r\n\r\nab";
    let chunks = "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n";
    for (line, rest) in [
        ("GET /size/3", "\r\n"),
        ("HEAD /size/3", "\r\n"),
        ("GET /written/9000", "\r\n"),
        ("GET /none", "\r\n"),
        ("GET /same", "\r\n"),
        ("GET /allow", "\r\n"),
        ("GET /not-found", "\r\n"),
        ("GET /park", "\r\n"),
        ("GET /stream/20000", "\r\n"),
        ("HEAD /chunks/5", "\r\n"),
        ("GET /chunks/20000", "\r\n"),
        ("POST /echo", content),
        ("POST /echo", chunks),
        ("POST /count", content),
    ] {
        for (version, fields, expected, persists) in [
            ("1.1", "", None, true),
            ("1.1", "Connection: keep-alive\r\n", None, true),
            ("1.1", "Connection: x, upgrade\r\n", None, true),
            ("1.1", "Connection: close\r\n", Some("close"), false),
            ("1.1", "connection:\tCLOSE \r\n", Some("close"), false),
            ("1.1", "Connection: x ,,Close , y\r\n", Some("close"), false),
            (
                "1.1",
                "Connection: keep-alive, close\r\n",
                Some("close"),
                false,
            ),
            (
                "1.1",
                "Connection: x\r\nA: b\r\nConnection: close\r\n",
                Some("close"),
                false,
            ),
            ("1.0", "", Some("close"), false),
            ("1.0", "Connection: x\r\n", Some("close"), false),
            (
                "1.0",
                "Connection: close, keep-alive\r\n",
                Some("close"),
                false,
            ),
            (
                "1.0",
                "Connection: Keep-Alive\r\n",
                Some("keep-alive"),
                true,
            ),
            (
                "1.0",
                "Connection: x, keep-alive\r\n",
                Some("keep-alive"),
                true,
            ),
        ] {
            // What HTTP/1.0 cannot frame ends with the connection (RFC 9112 §6.3), and a coding it does not know (§6.1).
            let unframed = version == "1.0" && line.contains("/chunks/");
            let refused = version == "1.0" && rest == chunks;
            let persists = persists && !unframed && !refused;
            let expected = if persists { expected } else { Some("close") };
            let mut worker = worker::<B>(Limits::DEFAULT);
            let mut client = Client::new(&mut worker);
            let request = format!("{line} HTTP/{version}\r\nHost: a\r\n{fields}{rest}");
            client.send(&mut worker, request.as_bytes());
            worker.resume(client.id);
            client.take(&mut worker);
            let text = client.text();
            assert_eq!(options(&text), Vec::from_iter(expected), "{request:?}");
            let goes_on = client.want == Want::RECEIVE && !client.shut;
            assert_eq!(goes_on, persists, "{request:?}");
            if version == "1.0" {
                assert!(
                    !text.contains("Transfer-Encoding"),
                    "{request:?}: RFC 9112 §6.1"
                );
            }
            // The next request is answered, or it is not.
            let before = text.len();
            client.send(&mut worker, get("/size/1").as_bytes());
            assert_eq!(client.received.len() > before, persists, "{request:?}");
        }
    }
}

fn what_follows_the_last_request_is_not_acted_on_rfc9112_9_6<B: Buffers>() {
    for last in [
        get("/size/3").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"),
        get("/size/3").replace("1.1", "1.0"),
    ] {
        let mut worker = worker::<B>(Limits::DEFAULT);
        let mut client = Client::new(&mut worker);
        let bytes = [&get("/size/2"), &last, &get("/size/1")]
            .map(String::as_str)
            .concat();
        client.send(&mut worker, bytes.as_bytes());
        assert_eq!(client.answers(), [(200, letters(2)), (200, letters(3))]);
        // Closed with bytes unread, the socket would be reset, and the last answer might be lost.
        assert!(client.shut && client.want.receive(), "{last:?}");
        client.send(&mut worker, b"");
        assert_eq!(client.want, Want::CLOSE);
    }
}

fn some_answers_have_no_content_rfc9110_6_4_1<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    for (line, status) in [
        ("GET /none", 204),
        ("HEAD /none", 204),
        ("GET /same", 304),
        ("HEAD /size/3", 200),
        ("HEAD /written/3", 200),
        ("HEAD /stream/30", 200),
        ("HEAD /chunks/30", 200),
        ("HEAD /not-found", 404),
        ("HEAD /too-much", 500),
    ] {
        let mut client = Client::new(&mut worker);
        let request = format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n");
        client.send(&mut worker, request.as_bytes());
        assert_eq!(
            answers(&client.received, Method::Head),
            [(status, vec![])],
            "{line}"
        );
        assert!(client.text().ends_with("\r\n\r\n"), "{line}");
        let framed = client.text().contains("\r\nContent-Length: ");
        assert!(!framed || status != 204, "{line}: RFC 9110 §8.6");
    }
}

fn an_expectation_is_met_only_where_content_is_wanted_rfc9110_10_1_1<B: Buffers>() {
    let mut worker = worker::<B>(Limits {
        content_bytes_max: 9,
        ..Limits::DEFAULT
    });
    let expect = "Host: a\r\nExpect: 100-Continue\r\n";
    let (no_content, continues) = ((200, vec![]), (100, vec![]));
    for (request, expected) in [
        // No 100 for what is refused, for HTTP/1.0, and where no content comes.
        (
            format!("POST /echo HTTP/1.1\r\n{expect}Content-Length: 10\r\n\r\n"),
            refusal(Fault::ContentTooLarge),
        ),
        (
            format!("POST /echo HTTP/1.1\r\n{expect}Content-Length: 0\r\n\r\n"),
            no_content.clone(),
        ),
        (format!("POST /echo HTTP/1.1\r\n{expect}\r\n"), no_content),
        (
            format!("POST /echo HTTP/1.1\r\n{expect}Expect: other\r\nContent-Length: 1\r\n\r\n"),
            refusal(Fault::Expectation),
        ),
        (
            format!("POST /echo HTTP/1.1\r\n{expect}Content-Length: 9\r\n\r\n"),
            continues.clone(),
        ),
        (
            format!("POST /echo HTTP/1.1\r\n{expect}Transfer-Encoding: chunked\r\n\r\n"),
            continues,
        ),
    ] {
        let mut client = Client::new(&mut worker);
        client.send(&mut worker, request.as_bytes());
        assert_eq!(client.answers(), [expected], "{request:?}");
    }
    let mut client = Client::new(&mut worker);
    let old = format!("POST /echo HTTP/1.0\r\n{expect}Content-Length: 2\r\n\r\n");
    client.send(&mut worker, old.as_bytes());
    assert_eq!(client.received, b"");
    client.send(&mut worker, b"ab");
    assert_eq!(client.answers(), [(200, b"ab".to_vec())]);
}

/// A 100 that is owed for want of room is not owed any more once the request was answered otherwise.
fn no_100_follows_the_answer_rfc9110_15_2<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let mut client = Client::new(&mut worker);
    // Its last piece fills a region to its last byte.
    let full = get(&format!("/full/{}", 2 * crate::limits::BIG_REGION_BYTES));
    let expect =
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n";
    client.want = worker.on_bytes(client.id, format!("{full}{expect}").as_bytes());
    for _ in 0..2 {
        client.take_once(&mut worker);
    }
    client.want = worker.on_bytes(client.id, b"").and(client.want);
    client.take(&mut worker);
    let statuses: Vec<u16> = client.answers().iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [200, 400]);
}

/// 408 and 503 are a matter of time, 500 is one of handlers. 411 (§15.5.12) is never needed: without a length a request has
/// no content (RFC 9112 §6.3).
fn each_fault_has_its_status_rfc9110_15<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let long = "a".repeat(Limits::DEFAULT.request_line_bytes_max);
    let wide = "a".repeat(Limits::DEFAULT.head_bytes_max);
    let head = "POST /echo HTTP/1.1\r\nHost: a\r\n";
    for (request, status, line) in [
        ("GET  / HTTP/1.1\r\n".to_owned(), 400, "Bad Request"),
        ("GET * HTTP/1.1\r\n".into(), 400, "Bad Request"),
        ("GET / HTTP/1.1\r\n\r\n".into(), 400, "Bad Request"),
        (format!("{head}a : b\r\n"), 400, "Bad Request"),
        (format!("{head}Content-Length: +1\r\n"), 400, "Bad Request"),
        (
            format!("{head}Transfer-Encoding: chunked\r\n\r\n-"),
            400,
            "Bad Request",
        ),
        (
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(),
            400,
            "Bad Request",
        ),
        ("\x16\x03\x01".into(), 400, "Bad Request"),
        (
            format!("{head}Content-Length: {}\r\n\r\n", u64::MAX),
            413,
            "Content Too Large",
        ),
        (
            format!("{head}Transfer-Encoding: chunked\r\n\r\nA00001\r\n"),
            413,
            "Content Too Large",
        ),
        (format!("GET /{long}"), 414, "URI Too Long"),
        (format!("{head}Expect: x\r\n"), 417, "Expectation Failed"),
        (
            format!("{head}A: {wide}"),
            431,
            "Request Header Fields Too Large",
        ),
        (
            format!("{head}Transfer-Encoding: gzip, chunked\r\n"),
            501,
            "Not Implemented",
        ),
        (
            "GET / HTTP/2.0\r\n".into(),
            505,
            "HTTP Version Not Supported",
        ),
    ] {
        let mut client = Client::new(&mut worker);
        client.send(&mut worker, request.as_bytes());
        let text = client.text();
        assert!(
            text.starts_with(&format!("HTTP/1.1 {status} {line}\r\n")),
            "{request:?}: {text}"
        );
        assert_eq!(options(&text), ["close"], "{request:?}");
        assert!(text.contains("\r\nContent-Type: text/plain\r\n") && text.ends_with(".\n"));
        worker.ended(client.id, Ended::Broken);
    }
}
