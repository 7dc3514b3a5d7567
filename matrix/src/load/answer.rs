//! Reads one HTTP/1.1 answer from the start of some bytes: status, content, length on the wire, place of the Date value.
//!
//! It is strict, because it judges: what a lenient client would forgive is a fault of the server under test. It starts
//! afresh each time, so an answer that arrives in pieces is read again with more bytes; that is the rare path, since
//! answers equal to a known one never come here (see `check`).
//!
//! It knows nothing of which answer is right, and nothing of answers that end with their connection: the load keeps its
//! connections, so an answer without a length is broken.

use std::{borrow::Cow, ops::Range};

use memchr::{memchr, memmem};

use crate::workload::shown;

/// A head longer than this is broken: answers under test have heads of some hundred bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Content longer than this is broken: the longest right answer is near 10 KiB.
const CONTENT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What a Date value looks like (RFC 9110 §5.6.7): `A` upper case, `a` lower case, `0` a digit, the rest as it is.
const DATE_SHAPE: &[u8; 29] = b"Aaa, 00 Aaa 0000 00:00:00 GMT";

/// One whole answer.
#[derive(Debug, PartialEq)]
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) content: Cow<'a, [u8]>,
    /// Bytes on the wire, framing included.
    pub(super) wire_bytes: usize,
    /// Where the value of Date stands, if it has one.
    pub(super) date: Option<Range<usize>>,
}

/// Content, and its length on the wire.
type Content<'a> = (Cow<'a, [u8]>, usize);

/// Reads the answer that `bytes` start with: none while it is incomplete, a sentence if its framing is broken.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Answer<'_>>, String> {
    let status = parse_status(bytes)?;
    let Some(head) = memmem::find(bytes, b"\r\n\r\n") else {
        return match bytes.len() {
            ..=HEAD_BYTES_MAX => Ok(None),
            length => Err(format!("a head longer than {length} bytes")),
        };
    };
    let fields = Fields::parse(bytes, head + 2)?;
    let start = head + 4;
    let content = match (fields.length, fields.chunked) {
        (Some(_), true) => return Err("Content-Length beside Transfer-Encoding".into()),
        (None, true) => parse_chunks(&bytes[start..])?,
        (length, false) if status == 204 || status == 304 => match length {
            Some(1..) if status == 204 => return Err("a length on status 204".into()),
            _ => Some((Cow::Borrowed(&bytes[..0]), 0)),
        },
        (None, false) => return Err("neither Content-Length nor Transfer-Encoding".into()),
        (Some(length), false) => bytes[start..]
            .get(..length)
            .map(|content| (content.into(), length)),
    };
    Ok(content.map(|(content, content_wire_bytes)| Answer {
        status,
        content,
        wire_bytes: start + content_wire_bytes,
        date: fields.date,
    }))
}

/// Whether `value` could stand in a Date field.
pub(super) fn is_date(value: &[u8]) -> bool {
    let fits = |(&byte, &shape): (&u8, &u8)| match shape {
        b'A' => byte.is_ascii_uppercase(),
        b'a' => byte.is_ascii_lowercase(),
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    };
    // `G`, `M` and `T` stand for themselves: no letter of GMT is an `A`.
    value.len() == DATE_SHAPE.len() && value.iter().zip(DATE_SHAPE).all(fits)
}

/// The status of an answer whose first line may still be incomplete: then 0, and what is there fits a status line.
fn parse_status(bytes: &[u8]) -> Result<u16, String> {
    const VERSION: &[u8] = b"HTTP/1.1 ";
    let broken = || format!("expected a status line, got {}", shown(bytes));
    let known = bytes.len().min(VERSION.len());
    if bytes[..known] != VERSION[..known] {
        return Err(broken());
    }
    // RFC 9112 §4: three digits, a space, and a reason that may be empty.
    let Some(&[a, b, c, space]) = bytes.get(VERSION.len()..VERSION.len() + 4) else {
        return Ok(0);
    };
    if ![a, b, c].iter().all(u8::is_ascii_digit) || space != b' ' {
        return Err(broken());
    }
    match [a, b, c]
        .iter()
        .fold(0, |status, digit| status * 10 + u16::from(digit - b'0'))
    {
        status @ 200..=599 => Ok(status),
        status => Err(format!("status {status}, which nobody asked for")),
    }
}

#[derive(Default)]
struct Fields {
    length: Option<usize>,
    chunked: bool,
    date: Option<Range<usize>>,
}

impl Fields {
    /// Reads the fields of a head that ends at `end`, after its last field's line end.
    fn parse(bytes: &[u8], end: usize) -> Result<Fields, String> {
        let mut fields = Fields::default();
        let mut at = line_end(&bytes[..end], 0)? + 2;
        while at < end {
            let next = line_end(&bytes[..end], at)?;
            let colon = memchr(b':', &bytes[at..next]).filter(|&length| length > 0);
            let colon = at
                + colon
                    .ok_or_else(|| format!("a field without name: {}", shown(&bytes[at..next])))?;
            let name = &bytes[at..colon];
            if !name.iter().copied().all(is_token) {
                return Err(format!("a field name {}", shown(name)));
            }
            fields.take(name, bytes, trimmed(bytes, colon + 1..next))?;
            at = next + 2;
        }
        Ok(fields)
    }

    fn take(&mut self, name: &[u8], bytes: &[u8], value: Range<usize>) -> Result<(), String> {
        let text = &bytes[value.clone()];
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = decimal(text)
                .filter(|&length| length <= CONTENT_BYTES_MAX && self.length.is_none())
                .ok_or_else(|| format!("Content-Length {} or a second one", shown(text)))?;
            self.length = Some(length);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.chunked || !text.eq_ignore_ascii_case(b"chunked") {
                return Err(format!("Transfer-Encoding {} or a second one", shown(text)));
            }
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"date") {
            if self.date.is_some() || !is_date(text) {
                return Err(format!("Date {} or a second one", shown(text)));
            }
            self.date = Some(value);
        }
        Ok(())
    }
}

/// Where the line that starts at `at` ends. RFC 9112 §2.2: a line ends with CRLF, and neither byte stands alone.
fn line_end(head: &[u8], at: usize) -> Result<usize, String> {
    let end = memmem::find(&head[at..], b"\r\n").map_or(head.len(), |length| at + length);
    let line = &head[at..end];
    if line.iter().any(|&byte| byte < b' ' && byte != b'\t') {
        return Err(format!("a control character in {}", shown(line)));
    }
    Ok(end)
}

/// The range without spaces and tabs at both ends.
fn trimmed(bytes: &[u8], mut range: Range<usize>) -> Range<usize> {
    let is_space = |at: usize| matches!(bytes[at], b' ' | b'\t');
    while !range.is_empty() && is_space(range.start) {
        range.start += 1;
    }
    while !range.is_empty() && is_space(range.end - 1) {
        range.end -= 1;
    }
    range
}

/// RFC 9110 §5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn decimal(text: &[u8]) -> Option<usize> {
    let digits = (1..=10).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    digits.then(|| {
        text.iter()
            .fold(0, |value, digit| value * 10 + usize::from(digit - b'0'))
    })
}

/// The content of a chunked answer (RFC 9112 §7.1): none while it is incomplete.
fn parse_chunks(bytes: &[u8]) -> Result<Option<Content<'_>>, String> {
    let mut content = Vec::new();
    let mut at = 0;
    loop {
        let Some(line) = line(&bytes[at..])? else {
            return Ok(None);
        };
        let size = hexadecimal(line)
            .filter(|size| content.len() + size <= CONTENT_BYTES_MAX)
            .ok_or_else(|| format!("a chunk size {}", shown(line)))?;
        at += line.len() + 2;
        if size == 0 {
            break;
        }
        let Some(chunk) = bytes.get(at..at + size + 2) else {
            return Ok(None);
        };
        if chunk[size..] != *b"\r\n" {
            return Err(format!("a chunk of {size} bytes without line end"));
        }
        content.extend_from_slice(&chunk[..size]);
        at += chunk.len();
    }
    loop {
        let Some(trailer) = line(&bytes[at..])? else {
            return Ok(None);
        };
        at += trailer.len() + 2;
        if trailer.is_empty() {
            return Ok(Some((content.into(), at)));
        }
    }
}

/// The line that `bytes` start with, if it is whole.
fn line(bytes: &[u8]) -> Result<Option<&[u8]>, String> {
    let window = &bytes[..bytes.len().min(HEAD_BYTES_MAX)];
    match memmem::find(window, b"\r\n") {
        Some(end) => line_end(&bytes[..end], 0).map(|end| Some(&bytes[..end])),
        None if window.len() < HEAD_BYTES_MAX => Ok(None),
        None => Err(format!("a line longer than {HEAD_BYTES_MAX} bytes")),
    }
}

/// The size on a chunk's line, extensions ignored.
fn hexadecimal(line: &[u8]) -> Option<usize> {
    let digits = line.split(|&byte| byte == b';').next()?.trim_ascii_end();
    let text = std::str::from_utf8(digits).ok()?;
    let fits = (1..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| usize::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn content_of(bytes: &str) -> String {
        let answer = parse(bytes.as_bytes())
            .unwrap()
            .expect("the answer is whole");
        String::from_utf8(answer.content.into_owned()).unwrap()
    }

    #[test]
    fn content_is_found_in_every_framing() {
        let cases = [
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1",
                "ok",
            ),
            (
                "HTTP/1.1 200 \r\nx: y\r\ncontent-length:\t  02 \r\n\r\nok",
                "ok",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\no\r\n01;x=y\r\nk\r\n0\r\nt: u\r\n\r\nHTT",
                "ok",
            ),
            ("HTTP/1.1 204 No Content\r\n\r\nHTTP", ""),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
        ];
        for (bytes, content) in cases {
            assert_eq!(content_of(bytes), content, "{bytes}");
        }
    }

    #[test]
    fn an_answer_is_incomplete_until_its_last_byte_and_leaves_the_rest() {
        let framings = [
            format!("Date: {DATE}\r\nContent-Length:   5\r\n\r\n75\r\n\r"),
            format!(
                "Transfer-Encoding: chunked\r\nDate: {DATE}\r\n\r\n2\r\n75\r\n3\r\n\r\n\r\r\n0\r\n\r\n"
            ),
        ];
        for framing in framings {
            let answer = format!("HTTP/1.1 404 Not Found\r\n{framing}");
            for cut in 0..answer.len() {
                assert_eq!(parse(&answer.as_bytes()[..cut]), Ok(None), "{cut}");
            }
            let more = format!("{answer}HTTP/1.1 200");
            let whole = parse(more.as_bytes()).unwrap().expect("it is whole");
            assert_eq!(
                (whole.status, whole.wire_bytes),
                (404, answer.len()),
                "{answer}"
            );
            assert_eq!(*whole.content, *b"75\r\n\r");
            assert_eq!(&answer[whole.date.unwrap()], DATE);
        }
    }

    #[test]
    fn broken_framing_is_named() {
        let cases = [
            ("HTTQ", "expected a status line"),
            ("HTTP/1.0 200 OK", "expected a status line"),
            ("HTTP/1.1 2x0 OK", "expected a status line"),
            ("HTTP/1.1 200OK", "expected a status line"),
            ("HTTP/1.1 100 Continue\r\n\r\n", "status 100"),
            ("HTTP/1.1 200 OK\r\n\r\n", "neither"),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nok",
                "Content-Length",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nok",
                "Content-Length",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
                "Content-Length",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
                "Content-Length",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
                "second",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok",
                "beside",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok",
                "Transfer-Encoding",
            ),
            ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "without name"),
            ("HTTP/1.1 200 OK\r\n: v\r\n\r\n", "without name"),
            (
                "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
                "field name",
            ),
            ("HTTP/1.1 200 OK\r\na: b\nc: d\r\n\r\n", "control character"),
            ("HTTP/1.1 200 OK\r\nDate: today\r\n\r\n", "Date"),
            ("HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\n", "204"),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+2\r\nok\r\n",
                "chunk size",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokk\r\n",
                "without line end",
            ),
        ];
        for (bytes, sentence) in cases {
            let wrong = parse(bytes.as_bytes()).expect_err(bytes);
            assert!(wrong.contains(sentence), "{bytes}: {wrong}");
        }
        let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(HEAD_BYTES_MAX));
        parse(endless.as_bytes()).unwrap_err();
    }

    #[test]
    fn a_date_has_a_shape() {
        assert!(is_date(DATE.as_bytes()));
        for wrong in [
            "Sun, 06 Nov 1994 08:49:37 GMX",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "sun, 06 Nov 1994 08:49:37 GMT",
            "",
        ] {
            assert!(!is_date(wrong.as_bytes()), "{wrong}");
        }
    }
}
