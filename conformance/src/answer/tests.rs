//! What is an answer, what is none, and what is not whole yet.

use super::*;

fn of(text: &str, peer: Peer) -> Answers {
    read(text.as_bytes(), peer, |_| "GET")
}

fn contents(answers: &Answers) -> Vec<(u16, String, bool)> {
    let content = |answer: &Answer| String::from_utf8(answer.content.clone()).unwrap();
    answers
        .finals
        .iter()
        .map(|answer| (answer.status, content(answer), answer.complete))
        .collect()
}

#[test]
fn answers_follow_each_other() {
    let text = "HTTP/1.1 100 Continue\r\n\r\n\
                HTTP/1.1 200 OK\r\nContent-Length:  2 \r\nDate: x\r\n\r\nOK\
                HTTP/1.1 200 \r\nTransfer-Encoding: Chunked\r\n\r\n2;a=b\r\nab\r\n1\r\nc\r\n0\r\nX: y\r\n\r\n\
                HTTP/1.0 204 No Content\r\n\r\n\
                HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\nrest";
    let answers = of(text, Peer::Closed);
    assert_eq!((answers.fault, &answers.interims[..]), (None, &[100][..]));
    assert_eq!(
        contents(&answers),
        [
            (200, "OK".into(), true),
            (200, "abc".into(), true),
            (204, String::new(), true),
            (400, "rest".into(), true)
        ]
    );
    assert_eq!(
        answers.finals[0].values("content-length").next(),
        Some(&b"2"[..])
    );
    assert_eq!(
        of(text, Peer::Open).complete(),
        3,
        "the last one ends with the connection"
    );
}

#[test]
fn every_front_of_answers_is_incomplete_and_no_fault() {
    let text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK\
                HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\nX: y\r\n\r\n";
    for end in 0..text.len() {
        let answers = of(&text[..end], Peer::Open);
        assert_eq!(answers.fault, None, "{}", text[..end].escape_debug());
        assert!(answers.complete() < 2);
    }
    assert_eq!(of(text, Peer::Open).complete(), 2);
}

#[test]
fn what_is_no_answer_is_said_to_be_none() {
    for (text, says) in [
        ("<html>", "HTTP/"),
        ("ICY 200 OK\r\n\r\n", "HTTP/"),
        ("HTTP/2.0 200 OK\r\n\r\n", "status line"),
        ("HTTP/1.1 200\r\n\r\n", "status line"),
        ("HTTP/1.1  200 OK\r\n\r\n", "status line"),
        ("HTTP/1.1 20 OK\r\n\r\n", "status line"),
        ("HTTP/1.1 +20 OK\r\n\r\n", "status line"),
        ("HTTP/1.1 200 OK\r\nX : y\r\n\r\n", "no token"),
        ("HTTP/1.1 200 OK\r\n X: y\r\n\r\n", "no token"),
        ("HTTP/1.1 200 OK\r\n: y\r\n\r\n", "no token"),
        ("HTTP/1.1 200 OK\r\nX\r\n\r\n", "no colon"),
        ("HTTP/1.1 200 OK\r\nX: a\nY: b\r\n\r\n", "control character"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
            "no single number",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\na",
            "no single number",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na",
            "no single number",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\na",
            "too large",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "in one answer",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "nobody asked for",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
            "does not end",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
            "size of a chunk",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
            "size of a chunk",
        ),
        (
            "HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n",
            "without content",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore", "HTTP/"),
    ] {
        let fault = of(text, Peer::Open).fault;
        assert!(
            fault.is_some_and(|fault| fault.contains(says)),
            "{} gave {fault:?}",
            text.escape_debug()
        );
    }
}

#[test]
fn a_head_cut_off_by_the_end_is_a_fault() {
    assert_eq!(of("HTTP/1.1 200 OK\r\nX", Peer::Open).fault, None);
    assert!(of("HTTP/1.1 200 OK\r\nX", Peer::Closed).fault.is_some());
}

#[test]
fn an_answer_to_head_has_no_content() {
    let text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
    let methods = ["HEAD", "GET"];
    let answers = read(
        &[text, text, "OK"].concat().into_bytes(),
        Peer::Open,
        |at| methods[at],
    );
    assert_eq!(
        contents(&answers),
        [(200, String::new(), true), (200, "OK".into(), true)]
    );
}
