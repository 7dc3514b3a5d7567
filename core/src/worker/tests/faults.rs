//! What is wrong with requests is answered once, alike however they are cut, and as soon as it is there.

use super::client::{answers, get, refusal, worker};
use super::*;
use crate::Method;

every_strategy! {
    faults_are_answered_once_and_close
    a_fault_of_head_is_answered_without_content
    a_fault_is_answered_as_soon_as_its_byte_is_there
    a_bad_request_is_answered_alike_however_it_is_cut
}

fn faults_are_answered_once_and_close<B: Buffers>() {
    let mut worker = worker::<B>(Limits {
        content_bytes_max: 9,
        ..Limits::DEFAULT
    });
    for (request, fault) in [
        ("GET / HTTP/1.1\r\n\r\n", Fault::Host),
        ("\x16\x03\x01\x02", Fault::Tls),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Fault::Http2),
        ("GET / HTTP/2.0\r\n\r\n", Fault::Version),
        (
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
            Fault::ContentTooLarge,
        ),
        (
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n",
            Fault::ContentTooLarge,
        ),
        (
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n012345678\r\n1\r\n",
            Fault::ContentTooLarge,
        ),
        (
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
            Fault::Chunk,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
            Fault::Coding,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nExpect: 1\r\n\r\n",
            Fault::Expectation,
        ),
    ] {
        let mut client = Client::new(&mut worker);
        let bytes = format!("{}{request}{}", get("/size/1"), get("/size/2"));
        client.send(&mut worker, bytes.as_bytes());
        assert_eq!(
            client.answers(),
            [(200, b"a".to_vec()), refusal(fault)],
            "{request:?}"
        );
        assert!(client.text().contains("Connection: close"));
        assert!(
            client.shut && client.want.receive() && !client.want.close(),
            "it lingers, so that the answer arrives"
        );
        client.send(&mut worker, get("/size/3").as_bytes());
        assert_eq!(client.answers().len(), 2);
        client.send(&mut worker, b"");
        assert_eq!(client.want, Want::CLOSE);
        assert!(matches!(
            worker.ended(client.id, Ended::Wanted),
            Some(CloseReason::Refused(_))
        ));
    }
}

/// RFC 9110 §9.3.2.
fn a_fault_of_head_is_answered_without_content<B: Buffers>() {
    let mut worker = worker::<B>(Limits {
        content_bytes_max: 9,
        ..Limits::DEFAULT
    });
    for request in [
        "HEAD / HTTP/1.1\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz",
        "HEAD /too-much HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        for cut in 1..=request.len() {
            let mut client = Client::new(&mut worker);
            let (front, rest) = request.as_bytes().split_at(cut);
            for part in [front, rest].iter().filter(|part| !part.is_empty()) {
                client.send(&mut worker, part);
            }
            client.send(&mut worker, b"");
            let answers = answers(&client.received, Method::Head);
            assert!(
                matches!(&answers[..], [(400.., content)] if content.is_empty()),
                "{answers:?}"
            );
            assert!(
                client.text().ends_with("\r\n\r\n"),
                "{request:?} cut at {cut}"
            );
        }
    }
}

/// The bytes that make a request wrong are answered when they come, not when its line ends; and so they are however many
/// of them come at one time.
fn a_fault_is_answered_as_soon_as_its_byte_is_there<B: Buffers>() {
    let mut worker = worker::<B>(Limits::DEFAULT);
    let long = format!(
        "GET /{}",
        "a".repeat(Limits::DEFAULT.request_line_bytes_max - 4)
    );
    for (bytes, fault) in [
        ("\x16", Fault::Tls),
        ("GET /\r", Fault::RequestLine),
        ("\r\n\r", Fault::RequestLine),
        ("\rG", Fault::RequestLine),
        ("GET / HTTP/1.1\n", Fault::RequestLine),
        ("GET / HTTP/1.1\r\nHost: a\r\n ", Fault::Field),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0", Fault::Field),
        (&long, Fault::LineTooLong),
    ] {
        for cut in 1..=bytes.len() {
            let mut client = Client::new(&mut worker);
            for part in bytes.as_bytes().chunks(cut) {
                assert_eq!(client.received, b"", "{bytes:?} by {cut}");
                client.send(&mut worker, part);
            }
            assert_eq!(client.answers(), [refusal(fault)], "{bytes:?} by {cut}");
            worker.ended(client.id, Ended::Broken);
        }
    }
}

fn a_bad_request_is_answered_alike_however_it_is_cut<B: Buffers>() {
    let mut worker = worker::<B>(Limits {
        request_line_bytes_max: 64,
        head_bytes_max: 128,
        ..Limits::DEFAULT
    });
    let long = "a".repeat(100);
    for (text, status) in [
        (format!("\r\n\r\n{}", get("/size/1")), 400),
        (format!("GET /{long}"), 414),
        (format!("GET / HTTP/1.1\r\nX: {long}"), 400),
        (format!("GET / HTTP/1.1\r\nX: {long}{long}"), 431),
        ("GET / HTTP/2.0\r".to_owned(), 400),
    ] {
        for cut in 1..text.len() {
            let mut client = Client::new(&mut worker);
            let (front, rest) = text.as_bytes().split_at(cut);
            client.send(&mut worker, front);
            client.send(&mut worker, rest);
            client.send(&mut worker, b"");
            let answers = client.answers();
            let found: Vec<_> = answers.iter().map(|(status, _)| *status).collect();
            assert_eq!(found, [status], "{text:?} cut at {cut}");
            worker.ended(client.id, Ended::Wanted);
        }
    }
}
