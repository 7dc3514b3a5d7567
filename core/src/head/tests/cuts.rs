//! Heads that arrive in pieces: a front of one is partial, or has the fault that all of it has.

use super::*;

#[test]
fn every_prefix_of_a_head_is_partial() {
    let bytes = b"POST http://[::1]/%4a?b[0]=%C3 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    for end in 0..bytes.len() {
        assert_eq!(
            parse(&bytes[..end], &Limits::DEFAULT),
            Ok(Progress::Partial),
            "{end}"
        );
    }
    assert_eq!(complete(bytes).bytes, bytes.len());
}

/// What is wrong in more than one way, or beyond a limit: fronts that would be judged otherwise if the order in which the
/// parts are looked at were not that of the bytes.
#[test]
fn a_fault_is_the_first_in_the_order_of_the_bytes() {
    let limits = Limits::DEFAULT;
    let long = "a".repeat(limits.request_line_bytes_max);
    let wide = |last: &str| {
        let fill = "X: y\r\n".repeat(98);
        let value = "a".repeat(limits.head_bytes_max - fill.len() - 30);
        format!("GET / HTTP/1.1\r\n{fill}X: {value}\r\n{last}")
    };
    for (bytes, expected) in [
        ("G(T / HTTP/2.0\r\n".to_string(), Fault::RequestLine),
        ("GET /\u{e9} HTTP/2.0\r\n".into(), Fault::RequestLine),
        ("GET HTTP/2.0\r\n".into(), Fault::RequestLine),
        ("GET  HTTP/2.0\r\n".into(), Fault::RequestLine),
        ("POST  HTTP/1.1\r\n".into(), Fault::RequestLine),
        ("GET %41 HTTP/1.1\r\n".into(), Fault::Target),
        ("GET /%4\r\n".into(), Fault::RequestLine),
        (format!("G(T /{long} HTTP/1.1\r\n"), Fault::RequestLine),
        (
            format!("GET /{long}\u{e9} HTTP/1.1\r\n"),
            Fault::LineTooLong,
        ),
        (wide("X\0"), Fault::Field),
        (wide("X: ------------------\0"), Fault::HeadTooLarge),
        (wide("Host: a b, or c or d\r\n"), Fault::HeadTooLarge),
        (
            "GET / HTTP/1.1\r\nExpect: 1\r\nX :\r\n".into(),
            Fault::Expectation,
        ),
    ] {
        let first = (0..=bytes.len())
            .map(|end| parse(&bytes.as_bytes()[..end], &limits))
            .find(|read| *read != Ok(Progress::Partial));
        assert_eq!(first, Some(Err(expected)), "{bytes:?}");
        assert_eq!(fault(bytes.as_bytes()), expected, "{bytes:?}");
    }
}

/// A head that arrives byte by byte is not read again for each, only its last line is.
#[test]
fn the_last_line_tells_whether_a_head_is_partial_still() {
    let limits = Limits::DEFAULT;
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r"[..],
        b"GET / HTTP/1.1\r\nX :",
        b"GET / HTTP/1.1\r\n :",
        b"GET / HTTP/1.1\r\nX: \0",
        b"GET / HTTP/1.1\r\nX: y\rz",
        b"GET / HTTP/1.x",
        b"GET /\r",
        b"G(",
        b"\r",
        b"\x16",
        &[b'A'; 8 * 1024 + 1],
        &[&b"A / HTTP/1.1\r\n"[..], &[b'A'; 16 * 1024]].concat(),
    ] {
        for end in 0..=bytes.len() {
            let front = &bytes[..end];
            let partial = parse(front, &limits) == Ok(Progress::Partial);
            if !front.ends_with(b"\n") {
                assert_eq!(
                    is_still_partial(front, &limits),
                    partial,
                    "{}",
                    front.escape_ascii()
                );
            }
            if !partial {
                break;
            }
        }
    }
}

/// Fails unless what `parse` says of each prefix is still said when the rest follows.
fn faults_stay(bytes: &[u8], limits: &Limits) -> Result<(), String> {
    let judged = |end: usize| match parse(&bytes[..end], limits) {
        Ok(Progress::Partial) => None,
        Ok(Progress::Complete(head)) => Some(Ok(head.bytes)),
        Err(fault) => Some(Err(fault.status().code())),
    };
    let whole = judged(bytes.len());
    for end in 0..bytes.len() {
        let part = judged(end);
        if part.is_some() && part != whole {
            let text = bytes.escape_ascii();
            return Err(format!(
                "{part:?} after {end} bytes, {whole:?} in the end: {text}"
            ));
        }
    }
    Ok(())
}

#[test]
fn a_fault_does_not_depend_on_how_much_came_at_once() {
    let limits = Limits {
        request_line_bytes_max: 32,
        head_bytes_max: 64,
        fields_max: 4,
        ..Limits::DEFAULT
    };
    let long = "a".repeat(80);
    for text in [
        format!("GET /<{long} HTTP/1.1\r\nHost: a\r\n\r\n"),
        format!("GET /{long}< HTTP/1.1\r\nHost: a\r\n\r\n"),
        "GET /< HTTP/2.0\r\nHost: a\r\n\r\n".to_owned(),
        "G@T / HTTP/2.0\r\nHost: a\r\n\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}\0\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}\r\n(: a\r\n\r\n"),
        format!(
            "GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\nExpect: 1\r\n\r\n",
            &long[..40]
        ),
        "\r\nGET / HTTP/1.1\r\nHost: a\r\nX: 0123456789012345678901234567890\r\n\r\n".to_owned(),
    ] {
        faults_stay(text.as_bytes(), &limits).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_fault_of_a_random_head_stays(
        picks in proptest::collection::vec(0..PIECES.len(), 0..24),
        valid: bool,
        request_line_bytes_max in 4..40usize,
        more_bytes in 1..60usize,
        fields_max in 1..6usize,
    ) {
        let mut text = String::from(if valid { "GET / HTTP/1.1\r\nHost: b\r\n" } else { "" });
        text.extend(picks.iter().map(|&pick| PIECES[pick]));
        let limits = Limits {
            request_line_bytes_max,
            head_bytes_max: request_line_bytes_max + more_bytes,
            fields_max,
            ..Limits::DEFAULT
        };
        let stays = faults_stay(text.as_bytes(), &limits);
        prop_assert!(stays.is_ok(), "{:?}", stays);
    }
}
