//! Writes requests: right ones of every form, and the ways in which they are made wrong.

use crate::random::Random;
use crate::shop::letters;

/// What the limits of a run leave room for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// The longest answer, and the longest content.
    pub(super) content_bytes_max: u64,
    /// The longest time that a request asks to be parked for.
    pub(super) park_ms_max: u64,
}

/// A request, and where in it a client that expects a 100 waits.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) bytes: Vec<u8>,
    pub(super) waits_at: Option<usize>,
}

/// A request that is right, told apart from others by its tag.
pub(super) fn right(random: &mut Random, tag: u64, sizes: Sizes) -> Written {
    let old = random.percent(6);
    let content = random.percent(30).then(|| content(random, tag, sizes));
    let (method, path) = match &content {
        Some(_) => (
            random.one(&["POST", "PUT", "FOO"]),
            with_content(random, tag),
        ),
        None => (
            random.one(&["GET", "GET", "GET", "GET", "HEAD", "DELETE", "OPTIONS"]),
            without_content(random, tag, sizes),
        ),
    };
    let target = match random.below(16) {
        0 => format!("http://shop{path}"),
        1 => format!("HTTPS://[::1]:80{path}?a=b&c=[%20]"),
        2 | 3 => format!("{path}?q=/?"),
        4 if method == "OPTIONS" => "*".to_owned(),
        _ => path,
    };
    let version = match (old, random.below(20)) {
        (true, _) => "HTTP/1.0",
        (false, 0) => "HTTP/1.7",
        (false, _) => "HTTP/1.1",
    };
    let mut fields = Vec::new();
    let host = random.one(&["a", "shop.example:8080", "[::1]", "10.0.0.1", "a%20b", ""]);
    if !old || random.percent(50) {
        fields.push(format!("{}: {host}", random.one(&["Host", "host", "HOST"])));
    }
    for _ in 0..random.below(4) {
        fields.push(extra(random));
    }
    match random.below(24) {
        0 => fields.push("Connection: close".to_owned()),
        1 => fields.push("connection: x-y ,\tClose".to_owned()),
        2 => fields.push("Connection: Keep-Alive".to_owned()),
        _ if old && random.percent(60) => fields.push("Connection: keep-alive".to_owned()),
        _ => {}
    }
    let mut tail = Vec::new();
    let mut expects = false;
    match &content {
        None if random.percent(10) => fields.push("Content-Length: 0".to_owned()),
        None => {}
        Some(content) => {
            expects = random.percent(15);
            if !old && random.percent(50) {
                fields.push("Transfer-Encoding: chunked".to_owned());
                tail = chunked(random, content);
            } else {
                fields.push(format!(
                    "Content-Length:{}{}",
                    random.one(&["", " ", "\t "]),
                    content.len()
                ));
                tail.clone_from(content);
            }
        }
    }
    if expects {
        fields.push("Expect: 100-Continue".to_owned());
    }
    shuffle(random, &mut fields);
    let empty_line = if random.percent(3) { "\r\n" } else { "" };
    let mut bytes = format!("{empty_line}{method} {target} {version}\r\n").into_bytes();
    for field in fields {
        bytes.extend_from_slice(field.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    let waits_at = (expects && !old).then_some(bytes.len());
    bytes.extend_from_slice(&tail);
    Written { bytes, waits_at }
}

fn with_content(random: &mut Random, tag: u64) -> String {
    match random.below(8) {
        0..4 => "/echo".to_owned(),
        4..7 => "/sum".to_owned(),
        _ => format!("/effect/{tag}"),
    }
}

fn without_content(random: &mut Random, tag: u64, sizes: Sizes) -> String {
    let small = random.of(0..=300);
    let large = random.of(0..=sizes.content_bytes_max);
    match random.below(32) {
        0..9 => format!("/fix/{small}/{tag}"),
        9..11 => format!("/written/{small}/{tag}"),
        11 => format!("/fix/{large}/{tag}"),
        12 => format!("/written/{large}/{tag}"),
        13 | 14 => format!("/stream/{large}/{tag}"),
        15 | 16 => format!("/chunks/{large}/{tag}"),
        17 => format!("/chunks/{small}/{tag}"),
        18..21 => format!("/park/{tag}"),
        21 | 22 => format!("/after/{}/{tag}", random.of(0..=sizes.park_ms_max)),
        23 | 24 => format!("/effect/{tag}"),
        25 => "/none".to_owned(),
        26 => format!("/field/{tag}"),
        27 => format!("/nothing/{tag}"),
        28 if random.percent(30) => format!("/bye/{tag}"),
        29 if random.percent(30) => format!("/over/{tag}"),
        30 if random.percent(30) => format!("/short/{}/{tag}", 2 + large),
        _ => "/sum".to_owned(),
    }
}

fn content(random: &mut Random, tag: u64, sizes: Sizes) -> Vec<u8> {
    let most = if random.percent(80) {
        60
    } else {
        sizes.content_bytes_max
    };
    let count = random.of(1..=most.max(1));
    letters(tag, count as usize).to_vec()
}

/// The content in chunks, with what else may stand there (RFC 9112 §7.1).
fn chunked(random: &mut Random, mut content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let plain = random.percent(50);
    let extension = |random: &mut Random| match (plain, random.below(6)) {
        (false, 0) => ";a",
        (false, 1) => "; a=b;c=\"d;\\\"\t\"",
        (false, 2) => ";a = b ;c",
        _ => "",
    };
    while !content.is_empty() {
        let count = if plain {
            content.len()
        } else {
            1 + random.below(content.len())
        };
        let (chunk, rest) = content.split_at(count);
        let zeros = if plain {
            ""
        } else {
            random.one(&["", "0", "000"])
        };
        bytes.extend_from_slice(format!("{zeros}{count:x}{}\r\n", extension(random)).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
        content = rest;
    }
    bytes.extend_from_slice(format!("0{}\r\n", extension(random)).as_bytes());
    if !plain && random.percent(30) {
        bytes.extend_from_slice(b"X-Sum: 1\r\nb:\t\xe9\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

fn extra(random: &mut Random) -> String {
    let space = random.one(&["", " ", "\t", "  "]);
    match random.below(6) {
        0 => format!("Cookie:{space}a=b; c=\"d\"{space}"),
        1 => format!("X-Empty:{space}"),
        2 => format!("!#$%&'*+-.^_`|~:{space}\u{e9}{space}"),
        3 => format!("X-Long: {}", "x".repeat(random.below(200))),
        4 => "Content-Lengths: 7".to_owned(),
        _ => format!("Accept:{space}*/*"),
    }
}

fn shuffle(random: &mut Random, fields: &mut [String]) {
    for at in (1..fields.len()).rev() {
        fields.swap(at, random.below(at + 1));
    }
}

/// Requests that are wrong as a whole.
const WRONG: [&str; 40] = [
    "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    "GET /< HTTP/3.0\r\nHost: a\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0",
    "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
    "GET / HTTP/1.1\nHost: a\n\n",
    "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
    "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / http/1.1\r\nHost: a\r\n\r\n",
    "GET /\r\nHost: a\r\n\r\n",
    "G@T / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET shop:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
    "POST /sum HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;=\r\na\r\n0\r\n\r\n",
    "POST /sum HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX\r\n\r\n",
    "POST /sum HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 200-ok\r\n\r\na",
    "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
];

/// Makes what a client sends wrong, somewhere behind `from`.
pub(super) fn spoil(random: &mut Random, bytes: &mut Vec<u8>, from: usize) {
    let at = from + random.below((bytes.len() - from).max(1));
    match random.below(10) {
        0..5 => {
            bytes.truncate(from);
            bytes.extend_from_slice(random.one(&WRONG).as_bytes());
        }
        5 if at < bytes.len() => bytes[at] = random.of(0..=255) as u8,
        6 => bytes.insert(at, random.one(b"\0\r\n \t:;a0\xff\"")),
        7 if at < bytes.len() => {
            bytes.remove(at);
        }
        8 => {
            let long = random.of(1..=30_000) as usize;
            bytes.splice(at..at, letters(0, long).iter().copied());
        }
        _ => {
            let fields = "X: y\r\n".repeat(random.below(200));
            let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
            bytes.splice(from..from, head.bytes());
        }
    }
}
