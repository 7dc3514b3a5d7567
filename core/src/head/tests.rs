//! Heads by RFC section, and heads against httparse.

mod cuts;

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
    assert_eq!(
        fault(b"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"),
        Fault::Host
    );
}

#[test]
fn a_target_that_names_a_host_overrides_the_field_rfc9112_3_2_2() {
    for (line, host, authority) in [
        ("GET /", "a:1", "a:1"),
        ("GET /", "", ""),
        ("OPTIONS *", "a", "a"),
        ("GET http://b:2/c?d", "a", "b:2"),
        ("GET HTTPS://b?c", "a", "b"),
        ("GET http://[::1]", "a", "[::1]"),
        ("CONNECT b:2", "a", "b:2"),
    ] {
        let bytes = format!("{line} HTTP/1.1\r\nhost: {host}\r\n\r\n");
        let head = complete(bytes.as_bytes());
        assert_eq!(head.authority(), authority.as_bytes(), "{line} {host}");
    }
    assert_eq!(complete(b"GET / HTTP/1.0\r\n\r\n").authority(), b"");
    // It does not replace the field (RFC 9112 §3.2).
    assert_eq!(fault(b"GET http://b/ HTTP/1.1\r\n\r\n"), Fault::Host);
    assert_eq!(
        fault(b"GET http://b/ HTTP/1.1\r\nHost: a/\r\n\r\n"),
        Fault::Host
    );
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
fn heads_end_at_the_limits_rfc9112_3_rfc6585_5() {
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
