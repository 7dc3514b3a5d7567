//! The head of a request: its line, its fields, and what they say of the content and of the connection.
//!
//! One pass, strict, no copies: a [`Head`] borrows the bytes it was read from. Fields are checked and those that frame the
//! message are understood here; the others are only found again when somebody asks, so that a request whose fields
//! nobody reads does not pay for a table of them. What is not known yet is `Partial`, never a guess.

mod fields;
mod target;

pub use fields::Fields;

use fields::Known;

use crate::error::Fault;
use crate::limits::Limits;
use crate::scan;

/// How far a head has arrived.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// Not yet to its end; nothing wrong so far.
    Partial,
    /// A whole head.
    Complete(Head<'a>),
}

/// The method of a request (RFC 9110 §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method<'a> {
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `DELETE`
    Delete,
    /// `OPTIONS`
    Options,
    /// Any other token.
    Other(&'a [u8]),
}

/// The minor version of HTTP/1 (RFC 9112 §2.3); a higher one than 1 is treated as 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
}

/// How the end of the content is found (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no content.
    None,
    /// So many bytes.
    Length(u64),
    /// Chunks, the last of them empty.
    Chunked,
}

/// The head of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// Its method.
    pub method: Method<'a>,
    /// Its target as it was sent, visible ASCII.
    pub target: &'a [u8],
    /// Its version.
    pub version: Version,
    /// How its content is framed.
    pub framing: Framing,
    /// Whether the connection persists after it (RFC 9112 §9.3).
    pub persists: bool,
    /// Whether the peer waits for a 100 before it sends content (RFC 9110 §10.1.1).
    pub expects_continue: bool,
    /// Where in the target the question mark is, or its end.
    path_end: usize,
    lines: &'a [u8],
    pub(crate) bytes: usize,
}

impl<'a> Head<'a> {
    /// The path of the target, without the query: `/` for an absolute-form target without a path, `*` for
    /// asterisk-form, empty for authority-form.
    #[inline]
    pub fn path(&self) -> &'a [u8] {
        target::path(&self.target[..self.path_end])
    }

    /// The query of the target, without the question mark; empty when there is none.
    #[inline]
    pub fn query(&self) -> &'a [u8] {
        self.target.get(self.path_end + 1..).unwrap_or_default()
    }

    /// The fields in the order in which they came.
    pub fn fields(&self) -> Fields<'a> {
        Fields::new(self.lines)
    }

    /// The value of the first field of this name, without regard to case; white space around it is removed.
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        self.fields()
            .find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }
}

/// Reads the head at the front of `bytes`.
///
/// # Errors
/// The first fault in the order of the bytes; framing and Host are judged when the head is complete.
#[inline]
pub fn parse<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Progress<'a>, Fault> {
    match whole(bytes, limits) {
        Ok(head) => Ok(Progress::Complete(head)),
        Err(Stop::Fault(fault)) => Err(fault),
        Err(Stop::Partial) if bytes.len() > limits.head_bytes_max => Err(Fault::HeadTooLarge),
        Err(Stop::Partial) => Ok(Progress::Partial),
    }
}

/// Why reading stopped before the end of the head.
enum Stop {
    Partial,
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Fault(fault)
    }
}

#[inline(always)]
fn whole<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Head<'a>, Stop> {
    // RFC 9112 §2.2: at least one empty line before the request line is ignored; more of them are refused below.
    let start = match bytes {
        [b'\r', b'\n', ..] => 2,
        [b'\r'] => return Err(Stop::Partial),
        _ => 0,
    };
    let method_end = scan::token_end(bytes, start);
    expect(bytes, method_end, b' ', Fault::RequestLine)?;
    if method_end == start || bytes.get(method_end + 1) == Some(&b' ') {
        return Err(Fault::RequestLine.into());
    }
    let path_end = scan::path_end(bytes, method_end + 1);
    let target_end = if bytes.get(path_end) == Some(&b'?') {
        scan::visible_end(bytes, path_end)
    } else {
        path_end
    };
    if target_end - start > limits.request_line_bytes_max {
        return Err(Fault::LineTooLong.into());
    }
    expect(bytes, target_end, b' ', Fault::RequestLine)?;
    let version = version(bytes, target_end + 1)?;
    let method = method(&bytes[start..method_end]);
    let target = &bytes[method_end + 1..target_end];
    target::check(method, target)?;

    let mut known = Known::new(version);
    let first = target_end + 1 + VERSION_BYTES;
    let end = fields::check(bytes, first, limits, &mut known)?;
    if end - start > limits.head_bytes_max {
        return Err(Fault::HeadTooLarge.into());
    }
    Ok(Head {
        method,
        target,
        version,
        framing: known.framing()?,
        persists: known.persists(),
        expects_continue: known.expects_continue(),
        path_end: path_end - (method_end + 1),
        lines: &bytes[first..end - 2],
        bytes: end,
    })
}

/// The byte at `at` must be `byte`, once it is there.
#[inline(always)]
fn expect(bytes: &[u8], at: usize, byte: u8, fault: Fault) -> Result<(), Stop> {
    match bytes.get(at) {
        Some(&found) if found == byte => Ok(()),
        Some(_) => Err(fault.into()),
        None => Err(Stop::Partial),
    }
}

/// The bytes of `HTTP/1.1` and a line end.
const VERSION_BYTES: usize = 10;

/// The version and the end of the request line (RFC 9112 §2.3, §3).
#[inline(always)]
fn version(bytes: &[u8], at: usize) -> Result<Version, Stop> {
    let rest = &bytes[at..];
    match rest.first_chunk::<VERSION_BYTES>() {
        Some(b"HTTP/1.1\r\n") => Ok(Version::Http11),
        Some(b"HTTP/1.0\r\n") => Ok(Version::Http10),
        other => rare_version(other.map_or(rest, |line| line)),
    }
}

#[cold]
fn rare_version(line: &[u8]) -> Result<Version, Stop> {
    let fits = |(at, byte): (usize, &u8)| match at {
        5 | 7 => byte.is_ascii_digit(),
        _ => *byte == b"HTTP/1.1\r\n"[at],
    };
    match line {
        line if !line.iter().enumerate().all(fits) => Err(Fault::RequestLine.into()),
        line if line.len() < VERSION_BYTES => Err(Stop::Partial),
        line if line[5] == b'1' => Ok(Version::Http11),
        _ => Err(Fault::Version.into()),
    }
}

#[inline(always)]
fn method(token: &[u8]) -> Method<'_> {
    match token {
        b"GET" => Method::Get,
        b"POST" => Method::Post,
        b"HEAD" => Method::Head,
        b"PUT" => Method::Put,
        b"DELETE" => Method::Delete,
        b"OPTIONS" => Method::Options,
        other => Method::Other(other),
    }
}

#[cfg(test)]
mod tests;
