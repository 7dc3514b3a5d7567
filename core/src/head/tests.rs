//! Heads by RFC section, and heads against httparse.

use proptest::prelude::*;

use super::*;

fn complete(bytes: &[u8]) -> Head<'_> {
    match parse(bytes, &Limits::DEFAULT) {
        Ok(Progress::Complete(head)) => head,
        other => panic!("{}: {other:?}", bytes.escape_ascii()),
    }
}

fn fault(bytes: &[u8]) -> Fault {
    match parse(bytes, &Limits::DEFAULT) {
        Err(fault) => fault,
        Ok(progress) => panic!("{}: {progress:?}", bytes.escape_ascii()),
    }
}

fn with_fields(fields: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n").into_bytes()
}

#[test]
fn a_whole_head_is_read() {
    let bytes = b"GET /baseline11?a=13&b=42 HTTP/1.1\r\nHost: localhost:8080\r\nX-A:  b c\t\r\nX-B:\r\n\r\nrest";
    let head = complete(bytes);
    assert_eq!((head.method, head.version), (Method::Get, Version::Http11));
    assert_eq!(
        (head.path(), head.query()),
        (&b"/baseline11"[..], &b"a=13&b=42"[..])
    );
    assert_eq!((head.framing, head.persists), (Framing::None, true));
    assert_eq!(head.bytes, bytes.len() - 4);
    let fields: Vec<_> = head.fields().collect();
    assert_eq!(
        fields,
        [
            (&b"Host"[..], &b"localhost:8080"[..]),
            (b"X-A", b"b c"),
            (b"X-B", b"")
        ]
    );
    assert_eq!(head.field("x-a"), Some(&b"b c"[..]));
    assert_eq!(head.field("x-c"), None);
}

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

#[test]
fn path_and_query_are_found_in_every_form() {
    for (line, path, query) in [
        ("GET /a/b?c=d?e", "/a/b", "c=d?e"),
        ("GET /a", "/a", ""),
        ("GET /?", "/", ""),
        ("GET http://h:1/a?b", "/a", "b"),
        ("GET http://h", "/", ""),
        ("GET http://h?q", "/", "q"),
        ("OPTIONS *", "*", ""),
        ("CONNECT h:80", "", ""),
    ] {
        let bytes = format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n");
        let head = complete(bytes.as_bytes());
        assert_eq!(
            (head.path(), head.query()),
            (path.as_bytes(), query.as_bytes()),
            "{line}"
        );
    }
}

#[test]
fn request_lines_are_strict_rfc9112_3() {
    for line in [
        "GET  / HTTP/1.1\r\n",
        "GET / HTTP/1.1 \r\n",
        "GET /\r\n",
        "GET / HTTP/1.1\n",
        "GET / http/1.1\r\n",
        "GET / HTTP/11\r\n",
        "GET / HTTP/1.1\r\r\n",
        " GET / HTTP/1.1\r\n",
        "\r\nGET / HTTP/1.1\r\n",
        "\nGET / HTTP/1.1\r\n",
        "G(T / HTTP/1.1\r\n",
        "GET /a\tb HTTP/1.1\r\n",
        "GET /\u{e9} HTTP/1.1\r\n",
        "GET /% HTTP/1.1\r\n",
        "GET /%4 HTTP/1.1\r\n",
        "GET /%4g HTTP/1.1\r\n",
        "GET /?%%41 HTTP/1.1\r\n",
        "GET /a[0] HTTP/1.1\r\n",
        "/ HTTP/1.1\r\n",
    ] {
        assert_eq!(fault(line.as_bytes()), Fault::RequestLine, "{line:?}");
    }
    for line in [
        "GET / HTTP/2.0\r\n",
        "PRI / HTTP/2.0\r\n",
        "GET / HTTP/0.9\r\n",
    ] {
        assert_eq!(fault(line.as_bytes()), Fault::Version, "{line:?}");
    }
    assert_eq!(
        complete(b"GET / HTTP/1.7\r\nHost: a\r\n\r\n").version,
        Version::Http11
    );
}

#[test]
fn field_lines_are_strict_rfc9112_5() {
    for field in [
        "Name : v\r\n",
        " folded\r\n",
        "A: b\r\n folded\r\n",
        ": v\r\n",
        "Na me: v\r\n",
        "A: b\n",
        "A: b\rc\r\n",
        "A: b\0\r\n",
        "A: \u{7f}\r\n",
        "no-colon\r\n",
    ] {
        assert_eq!(fault(&with_fields(field)), Fault::Field, "{field:?}");
    }
    complete(b"GET / HTTP/1.1\r\nHost: a\r\nX: caf\xe9 \xff\r\n\r\n");
}

#[test]
fn hosts_are_checked_rfc9112_3_2() {
    let host = |lines: &str| format!("GET / HTTP/1.1\r\n{lines}\r\n").into_bytes();
    let lines = [
        "",
        "Host: a\r\nHost: a\r\n",
        "Host: a b\r\n",
        "Host: a/\r\n",
        "Host: a:b\r\n",
        "Host: [::g]\r\n",
        "Host: a%4\r\n",
        "Host: a%4g\r\n",
        "Host: [v.a]\r\n",
        "Host: [v1.]\r\n",
        "Host: [v1]\r\n",
        "Host: [vg.a]\r\n",
        "Host: [v1.a/]\r\n",
        "Host: [1.2.3.4]\r\n",
        "Host: [::1%25lo]\r\n",
    ];
    for lines in lines {
        assert_eq!(fault(&host(lines)), Fault::Host, "{lines:?}");
    }
    for lines in [
        "Host:\r\n",
        "host: a.b-c:80\r\n",
        "HOST: [::1]:8080\r\n",
        "Host: [v1f.a:b]:80\r\n",
        "Host: 127.0.0.1\r\n",
        "Host: a%41\r\n",
    ] {
        complete(&host(lines));
    }
    complete(b"GET / HTTP/1.0\r\n\r\n");
}

#[test]
fn framing_is_never_guessed_rfc9112_6() {
    for (fields, framing) in [
        ("", Framing::None),
        ("Content-Length: 0\r\n", Framing::None),
        (
            "content-LENGTH:  18446744073709551615 \r\n",
            Framing::Length(u64::MAX),
        ),
        ("Transfer-Encoding: Chunked\r\n", Framing::Chunked),
    ] {
        assert_eq!(complete(&with_fields(fields)).framing, framing);
    }
    for (fields, expected) in [
        (
            "Content-Length: 18446744073709551616\r\n",
            Fault::ContentTooLarge,
        ),
        ("Content-Length: +1\r\n", Fault::Framing),
        ("Content-Length: 1 1\r\n", Fault::Framing),
        ("Content-Length: \r\n", Fault::Framing),
        ("Content-Length: 0x1\r\n", Fault::Framing),
        ("Content-Length: 1, 1\r\n", Fault::Framing),
        ("Content-Length: 1\r\nContent-Length: 1\r\n", Fault::Framing),
        (
            "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            Fault::Framing,
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            Fault::Framing,
        ),
        ("Transfer-Encoding: chunked, chunked\r\n", Fault::Framing),
        ("Transfer-Encoding: chunked, gzip\r\n", Fault::Framing),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n",
            Fault::Framing,
        ),
        ("Transfer-Encoding:\r\n", Fault::Framing),
        ("Transfer-Encoding: , chunked\r\n", Fault::Framing),
        ("Transfer-Encoding: chunked,\r\n", Fault::Framing),
        ("Transfer-Encoding: gzip, chunked\r\n", Fault::Coding),
        ("Transfer-Encoding: identity\r\n", Fault::Coding),
        ("Transfer-Encoding: chunked;q=1\r\n", Fault::Coding),
        ("Transfer-Encoding: \"chunked\"\r\n", Fault::Coding),
        ("Transfer-Encoding: gzip\r\n", Fault::Coding),
        ("Transfer-Encoding: xchunked\r\n", Fault::Coding),
        ("Expect: 200-ok\r\n", Fault::Expectation),
    ] {
        assert_eq!(fault(&with_fields(fields)), expected, "{fields:?}");
    }
}

#[test]
fn http10_has_no_transfer_coding_rfc9112_6_1() {
    for fields in [
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: gzip",
        "Content-Length: 1\r\nTransfer-Encoding: chunked",
    ] {
        let bytes = format!("POST / HTTP/1.0\r\n{fields}\r\n\r\n");
        assert_eq!(fault(bytes.as_bytes()), Fault::Framing, "{fields}");
    }
}

#[test]
fn other_protocols_are_told_apart_rfc9113_3_4_rfc8446_5_1() {
    assert_eq!(fault(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Fault::Http2);
    assert_eq!(fault(b"\x16\x03\x01\x02\0\x01\0\x01"), Fault::Tls);
    assert_eq!(fault(b"\x16"), Fault::Tls);
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

#[test]
fn persistence_follows_version_and_options_rfc9112_9_3() {
    for (version, connection, persists) in [
        ("1.1", "", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "Connection: x, CLOSE\r\n", false),
        ("1.1", "Connection: keep-alive, close\r\n", false),
        ("1.0", "", false),
        ("1.0", "Connection: Keep-Alive\r\n", true),
        (
            "1.0",
            "Connection: keep-alive\r\nConnection: close\r\n",
            false,
        ),
    ] {
        let bytes = format!("GET / HTTP/{version}\r\nHost: a\r\n{connection}\r\n");
        assert_eq!(complete(bytes.as_bytes()).persists, persists, "{bytes:?}");
    }
}

#[test]
fn heads_end_at_the_limits() {
    let long = "a".repeat(Limits::DEFAULT.request_line_bytes_max);
    assert_eq!(fault(format!("GET /{long}").as_bytes()), Fault::LineTooLong);
    let wide = format!("X: {}\r\n", "a".repeat(Limits::DEFAULT.head_bytes_max));
    assert_eq!(fault(&with_fields(&wide)), Fault::HeadTooLarge);
    assert_eq!(
        fault(&with_fields(&wide)[..Limits::DEFAULT.head_bytes_max + 1]),
        Fault::HeadTooLarge
    );
    complete(&with_fields(&"X: y\r\n".repeat(99)));
    assert_eq!(
        fault(&with_fields(&"X: y\r\n".repeat(100))),
        Fault::HeadTooLarge
    );
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

/// Pieces of which random heads are made, right and wrong ones.
const PIECES: [&str; 28] = [
    "GET",
    "POST",
    " ",
    "/",
    "/a?b=c",
    "/%4",
    "?%41",
    "HTTP/1.1",
    "HTTP/1.0",
    "\r\n",
    "\r\n",
    "\r\n",
    "Host: a",
    "Host",
    ":",
    "x-y: z",
    "Content-Length: 5",
    "Cookie: a=b; c=d",
    "\t",
    "\n",
    "\r",
    "\0",
    "\u{e9}",
    "(",
    "Accept: */*",
    "  ",
    "HTTP/2.0",
    "Expect: 1",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// We are stricter than httparse, never laxer, and read the same where both read.
    #[test]
    fn what_we_accept_httparse_accepts_alike(picks in proptest::collection::vec(0..PIECES.len(), 0..24), valid: bool) {
        let mut text = String::from(if valid { "GET / HTTP/1.1\r\nHost: b\r\n" } else { "" });
        text.extend(picks.iter().map(|&pick| PIECES[pick]));
        let bytes = text.as_bytes();
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut theirs = httparse::Request::new(&mut fields);
        let their_progress = theirs.parse(bytes);
        match parse(bytes, &Limits::DEFAULT) {
            Ok(Progress::Complete(head)) => {
                prop_assert_eq!(their_progress, Ok(httparse::Status::Complete(head.bytes)));
                prop_assert_eq!(theirs.path.unwrap().as_bytes(), head.target);
                let theirs: Vec<_> = theirs.headers.iter().map(|field| (field.name.as_bytes(), field.value)).collect();
                prop_assert_eq!(theirs, head.fields().collect::<Vec<_>>());
            }
            Ok(Progress::Partial) => prop_assert_eq!(their_progress, Ok(httparse::Status::Partial)),
            Err(_) => {}
        }
    }

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

    /// Any head that is right by construction is read, and read right.
    #[test]
    fn right_heads_are_read(
        target in "/(%[0-9A-Fa-f]{2}|[!$&'()*+,./0-9:;=@A-Z_a-z~-]){0,30}(\\?(%[0-9A-Fa-f]{2}|[]!$&'()*+,./0-9:;=?@A-Z_a-z~\\[-]){0,20})?",
        fields in proptest::collection::vec(("X-[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,12}", "[!-~]([ -~]{0,30}[!-~])?"), 0..20),
    ) {
        let mut text = format!("GET {target} HTTP/1.1\r\nHost: a\r\n");
        for (name, value) in &fields {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        let head = complete(text.as_bytes());
        prop_assert_eq!(head.target, target.as_bytes());
        let found: Vec<_> = head.fields().skip(1).collect();
        let sent: Vec<_> = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        prop_assert_eq!(found, sent);
    }
}
