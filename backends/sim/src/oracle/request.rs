//! Reads requests the slow way, straight from RFC 9110 and RFC 9112, where the server is strict on purpose from its
//! contract. It shares nothing with the core, and looks at everything that has arrived, as often as it likes.
//!
//! Where several things are wrong with a request, any of their statuses will do: which comes first is the server's to say,
//! as long as it says the same for every cut.

use orthant_core::Limits;

use super::chunks::chunks;

/// A request that has arrived whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) old: bool,
    pub(super) persists: bool,
    pub(super) expects: bool,
    pub(super) framed: bool,
    pub(super) content: Vec<u8>,
    /// Where it ends in what has arrived.
    pub(super) end: usize,
}

/// What stands at a place of what has arrived.
#[derive(Clone, Debug)]
pub(super) enum Stands {
    Nothing,
    Request(Asked),
    /// A request that has not arrived whole.
    Partial(Partial),
    /// No request: any of these statuses answers it.
    Wrong(Vec<u16>),
}

/// A request that has not arrived whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Partial {
    /// With which it may have been refused already.
    pub(super) statuses: Vec<u16>,
    /// Where its head ends, if that is there.
    pub(super) head_end: Option<usize>,
    /// None of its content is, and it waits for a 100.
    pub(super) waits: bool,
    /// It may have been told to continue.
    pub(super) expects: bool,
}

/// Reads what stands at the front of `bytes`.
pub(super) fn read(bytes: &[u8], limits: &Limits) -> Stands {
    // RFC 9112 §2.2: an empty line before the request line is ignored.
    let start = if bytes.starts_with(b"\r\n") { 2 } else { 0 };
    let rest = &bytes[start..];
    if rest.is_empty() {
        return Stands::Nothing;
    }
    let Some(head_end) = find(rest, b"\r\n\r\n").map(|at| at + 4) else {
        return partial_head(rest, limits);
    };
    let text = &rest[..head_end - 2];
    let mut wrong = too_large(&rest[..head_end], limits);
    let mut lines = lines(text).into_iter();
    let mut asked = Asked::default();
    wrong.extend(request_line(lines.next().unwrap_or_default(), &mut asked));
    let fields: Vec<_> = lines.collect();
    if fields.len() > limits.fields_max {
        wrong.push(431);
    }
    let framing = read_fields(&fields, &mut asked, &mut wrong);
    if !wrong.is_empty() {
        return Stands::Wrong(wrong);
    }
    let content_bytes_max = match asked.path.as_str() {
        "/sum" => limits.streamed_bytes_max,
        _ => limits.content_bytes_max,
    };
    let after = &rest[head_end..];
    let content = match framing {
        Framing::None => Ok(Some((Vec::new(), 0))),
        Framing::Length(length) if length > content_bytes_max => Err(vec![413]),
        Framing::Length(length) => Ok(after
            .get(..length as usize)
            .map(|content| (content.to_vec(), content.len()))),
        Framing::Chunked => chunks(after, content_bytes_max, limits),
    };
    match content {
        Err(statuses) => Stands::Wrong(statuses),
        Ok(None) => Stands::Partial(Partial {
            statuses: Vec::new(),
            head_end: Some(start + head_end),
            waits: asked.expects && after.is_empty(),
            expects: asked.expects,
        }),
        Ok(Some((content, used))) => {
            asked.content = content;
            asked.end = start + head_end + used;
            Stands::Request(asked)
        }
    }
}

/// A head whose end has not come. What is wrong with its lines may have been seen, or not.
fn partial_head(rest: &[u8], limits: &Limits) -> Stands {
    let mut statuses = too_large(rest, limits);
    let mut lines = lines(rest).into_iter();
    let mut asked = Asked::default();
    statuses.extend(request_line(lines.next().unwrap_or_default(), &mut asked));
    let fields: Vec<_> = lines.collect();
    if fields.len() > limits.fields_max {
        statuses.push(431);
    }
    read_fields(&fields, &mut asked, &mut statuses);
    Stands::Partial(Partial {
        statuses,
        ..Partial::default()
    })
}

fn too_large(head: &[u8], limits: &Limits) -> Vec<u16> {
    let mut statuses = Vec::new();
    let line = find(head, b"\r\n").unwrap_or(head.len());
    if line > limits.request_line_bytes_max {
        statuses.push(414);
    }
    if head.len() > limits.head_bytes_max {
        statuses.push(431);
    }
    statuses
}

/// RFC 9112 §3: method SP request-target SP HTTP-version.
fn request_line(line: &[u8], asked: &mut Asked) -> Option<u16> {
    let parts: Vec<_> = line.split(|byte| *byte == b' ').collect();
    let [method, target, version] = parts[..] else {
        return Some(400);
    };
    if !is_token(method) || !is_target(target) {
        return Some(400);
    }
    // RFC 9113 §3.4: the preface of HTTP/2.
    if line == b"PRI * HTTP/2.0" {
        return Some(400);
    }
    let [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] = version else {
        return Some(400);
    };
    if !major.is_ascii_digit() || !minor.is_ascii_digit() {
        return Some(400);
    }
    if *major != b'1' {
        return Some(505);
    }
    asked.method = String::from_utf8_lossy(method).into_owned();
    asked.old = *minor == b'0';
    let target = String::from_utf8_lossy(target).into_owned();
    match path(&asked.method, &target) {
        Some(path) => asked.path = path,
        None => return Some(400),
    }
    None
}

/// RFC 9112 §3.2: the path of a target in a form that its method allows.
fn path(method: &str, target: &str) -> Option<String> {
    let without_query = |text: &str| text.split('?').next().unwrap_or_default().to_owned();
    if method == "CONNECT" {
        let (host, port) = target.rsplit_once(':')?;
        let fits = !host.is_empty() && !port.is_empty() && is_host(target);
        return fits.then(String::new);
    }
    if target.starts_with('/') {
        return Some(without_query(target));
    }
    if target == "*" {
        return (method == "OPTIONS").then(|| target.to_owned());
    }
    let (scheme, rest) = target.split_once("://")?;
    if !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) {
        return None;
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    if authority.is_empty() || !is_host(authority) {
        return None;
    }
    let path = without_query(rest);
    Some(if path.is_empty() {
        "/".to_owned()
    } else {
        path
    })
}

/// RFC 9110 §7.2: uri-host [ ":" port ].
fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let Some((literal, rest)) = rest.split_once(']') else {
                return false;
            };
            if literal.parse::<std::net::Ipv6Addr>().is_err() && !is_future(literal) {
                return false;
            }
            ("", rest)
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let mut rest = host.chars();
    while let Some(letter) = rest.next() {
        let fits = match letter {
            '%' => {
                let two: String = rest.by_ref().take(2).collect();
                two.len() == 2 && two.chars().all(|digit| digit.is_ascii_hexdigit())
            }
            _ => letter.is_ascii_alphanumeric() || "-._~!$&'()*+,;=".contains(letter),
        };
        if !fits {
            return false;
        }
    }
    match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|digit| digit.is_ascii_digit()),
        None => port.is_empty(),
    }
}

/// RFC 3986 §3.2.2: "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" ).
fn is_future(literal: &str) -> bool {
    let Some((version, address)) = literal.split_once('.') else {
        return false;
    };
    let Some(digits) = version.strip_prefix(['v', 'V']) else {
        return false;
    };
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:".contains(letter);
    !digits.is_empty()
        && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        && !address.is_empty()
        && address.chars().all(fits)
}

enum Framing {
    None,
    Length(u64),
    Chunked,
}

/// RFC 9112 §5, §6 and §9.3. Where something is wrong, the framing means nothing.
fn read_fields(lines: &[&[u8]], asked: &mut Asked, wrong: &mut Vec<u16>) -> Framing {
    let (mut hosts, mut lengths, mut codings) = (0, Vec::new(), Vec::new());
    let (mut close, mut keep_alive) = (false, false);
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            wrong.push(400);
            continue;
        };
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if !is_token(name) || !value.iter().all(|byte| is_value(*byte)) {
            wrong.push(400);
            continue;
        }
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        let value = value.trim_ascii();
        match name.as_str() {
            "host" => {
                hosts += 1;
                if !std::str::from_utf8(value).is_ok_and(is_host) {
                    wrong.push(400);
                }
            }
            "content-length" => lengths.push(value),
            "transfer-encoding" => codings.push(value.to_ascii_lowercase()),
            "expect" if value.eq_ignore_ascii_case(b"100-continue") => asked.expects = !asked.old,
            "expect" => wrong.push(417),
            "connection" => {
                for option in value.split(|byte| *byte == b',') {
                    close |= option.trim_ascii().eq_ignore_ascii_case(b"close");
                    keep_alive |= option.trim_ascii().eq_ignore_ascii_case(b"keep-alive");
                }
            }
            _ => {}
        }
    }
    // RFC 9112 §3.2.
    if hosts > 1 || (hosts == 0 && !asked.old) {
        wrong.push(400);
    }
    asked.persists = !close && (!asked.old || keep_alive);
    let framing = framing(&lengths, &codings, asked.old, wrong);
    asked.framed = !matches!(framing, Framing::None);
    asked.expects &= asked.framed;
    framing
}

/// RFC 9112 §6.3, and stricter: a length stated twice is wrong even where both are the same.
fn framing(lengths: &[&[u8]], codings: &[Vec<u8>], old: bool, wrong: &mut Vec<u16>) -> Framing {
    if let [first, ..] = codings {
        if codings.len() > 1 || first != b"chunked" {
            // Unknown, or ambiguous; whichever is seen first.
            wrong.extend([400, 501]);
        }
        if old || !lengths.is_empty() {
            wrong.push(400);
        }
    }
    for length in lengths {
        let digits = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
        if !digits || lengths.len() > 1 {
            wrong.push(400);
        }
        if digits && number(length).is_none() {
            wrong.push(413);
        }
    }
    match (lengths, codings) {
        (_, [_, ..]) => Framing::Chunked,
        ([length, ..], _) => match number(length) {
            Some(0) | None => Framing::None,
            Some(length) => Framing::Length(length),
        },
        _ => Framing::None,
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The lines, a last one without an end too, where it is not empty.
fn lines(mut text: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    while !text.is_empty() {
        let end = find(text, b"\r\n").unwrap_or(text.len());
        lines.push(&text[..end]);
        text = text.get(end + 2..).unwrap_or_default();
    }
    lines
}

pub(super) fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

pub(super) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| is_tchar(*byte))
}

/// RFC 9110 §5.6.2.
pub(super) fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// RFC 9110 §5.5: visible characters, spaces and tabs, and whatever is not ASCII.
pub(super) fn is_value(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// RFC 3986 §2.1, §3.3: a percent sign stands before two hexadecimal digits, and no bracket in a path; in a query they are
/// let through.
fn is_target(target: &[u8]) -> bool {
    let path = target
        .iter()
        .position(|byte| *byte == b'?')
        .unwrap_or(target.len());
    let bracket = |byte: &u8| matches!(byte, b'[' | b']');
    if target.starts_with(b"/") && target[..path].iter().any(bracket) {
        return false;
    }
    target.iter().enumerate().all(|(at, byte)| match byte {
        b'%' => target
            .get(at + 1..at + 3)
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
        byte => is_uri(*byte),
    })
}

/// RFC 3986 §2, without the number sign.
fn is_uri(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stands(text: &str) -> Stands {
        read(text.as_bytes(), &Limits::DEFAULT)
    }

    #[test]
    fn a_request_is_read_to_its_end() {
        let text = "\r\nPOST http://h/echo?a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                    2;a=\"b\"\r\n20\r\n1\r\n!\r\n0\r\nA: b\r\n\r\nGET";
        let Stands::Request(asked) = stands(text) else {
            panic!("{:?}", stands(text));
        };
        assert_eq!(
            (asked.method.as_str(), asked.path.as_str()),
            ("POST", "/echo")
        );
        assert_eq!(
            (asked.content.as_slice(), asked.end),
            (&b"20!"[..], text.len() - 3)
        );
        assert!(asked.persists && asked.framed && !asked.old);
        for end in 3..text.len() - 3 {
            let partial = read(&text.as_bytes()[..end], &Limits::DEFAULT);
            assert!(matches!(partial, Stands::Partial(_)), "{end}: {partial:?}");
        }
    }

    #[test]
    fn what_is_wrong_has_its_status() {
        for (text, status) in [
            ("GET / HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
                501,
            ),
            ("GET / HTTP/1.1\r\nHost: a\r\nExpect: 1\r\n\r\n", 417),
            (
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n",
                413,
            ),
            (
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;=\r\na",
                400,
            ),
        ] {
            let Stands::Wrong(statuses) = stands(text) else {
                panic!("{text:?}: {:?}", stands(text));
            };
            assert!(statuses.contains(&status), "{text:?}: {statuses:?}");
        }
    }
}
