//! The head of a request: its line, its fields, and what they say of the content and of the connection.
//!
//! One pass, strict, no copies: a [`Head`] borrows the bytes it was read from. Fields are checked and those that frame the
//! message are understood here; the others are only found again when somebody asks, so that a request whose fields
//! nobody reads does not pay for a table of them. What is not known yet is `Partial`, never a guess.

mod fields;
mod line;
mod target;

pub use fields::Fields;
pub use line::RequestLine;

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

impl Method<'_> {
    /// Whether it is a method of RFC 9110 §9.3 or RFC 5789. Where one of them is not allowed, the answer is 405; any other
    /// is not known at all, and the answer is 501 (RFC 9110 §9.1).
    #[must_use]
    pub fn is_recognized(self) -> bool {
        match self {
            Method::Other(name) => matches!(name, b"CONNECT" | b"TRACE" | b"PATCH"),
            _ => true,
        }
    }
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
    /// Its target as it was sent: characters of a URI (RFC 3986 §2).
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

    /// Whom the request is for, host and perhaps port: of an absolute-form or authority-form target, whatever the field
    /// Host says (RFC 9112 §3.2.2), else of that field. Empty where it is, and where HTTP/1.0 has none.
    pub fn authority(&self) -> &'a [u8] {
        target::authority(self.target)
            .or_else(|| self.field("Host"))
            .unwrap_or_default()
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
/// An empty line before the head is none of it (RFC 9112 §2.2): whoever ignores it does so before.
///
/// # Errors
/// The first fault in the order of the bytes, so that the same bytes have the same fault however they arrive: every
/// shorter front of them is partial, or has that fault too. What a line says is judged when the line is complete, framing
/// and Host when the head is.
// Where it is not inlined, a head is moved twice through memory: 70 instructions of 1,000.
#[inline(always)]
pub fn parse<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Progress<'a>, Fault> {
    // What lies beyond the limit cannot be at fault any more: it is not looked at.
    let within = &bytes[..bytes.len().min(limits.head_bytes_max)];
    match whole(within, limits) {
        Ok(head) => Ok(Progress::Complete(head)),
        Err(Stop::Fault(fault)) => Err(fault),
        Err(Stop::Partial) if bytes.len() > limits.head_bytes_max => Err(Fault::HeadTooLarge),
        Err(Stop::Partial) => Ok(Progress::Partial),
    }
}

/// Whether the front of a head, to which something was added that ends no line, is partial still. Only its last line is
/// read, since the others were read when they ended: a peer that sends a head byte by byte must not make us read all of
/// it for every byte.
#[cold]
pub(crate) fn is_still_partial(bytes: &[u8], limits: &Limits) -> bool {
    let stop = match memchr::memrchr(b'\n', bytes) {
        None => Line::read(bytes, limits).err(),
        Some(lf) => {
            let known = &mut Known::new(Version::Http11);
            fields::check(bytes, lf + 1, limits, known).err()
        }
    };
    bytes.len() <= limits.head_bytes_max && matches!(stop, Some(Stop::Partial))
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

/// Looks for the end of each line first, and at what the line holds after that: the ends depend on nothing but each
/// other, so the processor finds the next while it still checks what came before.
#[inline(always)]
fn whole<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Head<'a>, Stop> {
    let line = Line::read(bytes, limits)?;
    let mut known = Known::new(line.version);
    let end = fields::check(bytes, line.end + 2, limits, &mut known)?;
    Ok(Head {
        method: line.method,
        target: line.target,
        version: line.version,
        framing: known.framing()?,
        persists: known.persists(),
        expects_continue: known.expects_continue(),
        path_end: line.path_end,
        lines: &bytes[line.end + 2..end - 2],
        bytes: end,
    })
}

/// A request line (RFC 9112 §3).
struct Line<'a> {
    method: Method<'a>,
    target: &'a [u8],
    /// Where in the target the question mark is, or its end.
    path_end: usize,
    version: Version,
    /// Where the line end begins.
    end: usize,
}

/// The bytes of ` HTTP/1.1`.
const VERSION_BYTES: usize = 9;

impl<'a> Line<'a> {
    #[inline(always)]
    fn read(bytes: &'a [u8], limits: &Limits) -> Result<Line<'a>, Stop> {
        let end = scan::value_end(bytes, 0);
        if end > limits.request_line_bytes_max {
            partial_line(&bytes[..limits.request_line_bytes_max])?;
            return Err(Fault::LineTooLong.into());
        }
        if bytes.get(end..end + 2) != Some(b"\r\n") {
            return Err(unended(bytes, end, Fault::RequestLine, partial_line(bytes)));
        }
        let Some((front, version)) = bytes[..end].split_last_chunk::<VERSION_BYTES>() else {
            return Err(Fault::RequestLine.into());
        };
        let version = match version {
            b" HTTP/1.1" => Version::Http11,
            b" HTTP/1.0" => Version::Http10,
            _ => rare_version(&bytes[..end])?,
        };
        let (method, target) = match front {
            [b'G', b'E', b'T', b' ', target @ ..] => (Method::Get, target),
            [b'P', b'O', b'S', b'T', b' ', target @ ..] => (Method::Post, target),
            _ => rare_method(front)?,
        };
        // The scans run into the space behind the target, so they need not know where it ends.
        let (from, to) = (end - VERSION_BYTES - target.len(), end - VERSION_BYTES);
        let path_end = scan::path_end(bytes, from);
        let target_to = if bytes[path_end] == b'?' {
            scan::query_end(bytes, path_end)
        } else {
            path_end
        };
        if target_to != to {
            return Err(Fault::RequestLine.into());
        }
        target::check(method, target)?;
        Ok(Line {
            method,
            target,
            path_end: path_end - from,
            version,
            end,
        })
    }
}

/// Why there is no line end at `end`, where the text of a line ends: it is not there yet, unless `partial` says that no
/// line can begin so, or it is another character: a control byte (RFC 9110 §5.5), a CR or an LF alone (RFC 9112 §2.2).
#[cold]
fn unended(bytes: &[u8], end: usize, fault: Fault, partial: Result<(), Fault>) -> Stop {
    match (&bytes[end..], partial) {
        ([] | [b'\r'], Ok(())) => Stop::Partial,
        (_, partial) => partial.err().unwrap_or(fault).into(),
    }
}

/// Whether a request line may begin so. A record of TLS begins with the byte 22 (RFC 8446 §5.1).
#[cold]
fn partial_line(line: &[u8]) -> Result<(), Fault> {
    if line.first() == Some(&22) {
        return Err(Fault::Tls);
    }
    let method_end = scan::token_end(line, 0);
    let Some(rest) = line.get(method_end + 1..).filter(|_| method_end > 0) else {
        return if method_end == line.len() {
            Ok(())
        } else {
            Err(Fault::RequestLine)
        };
    };
    let path_end = scan::path_end(rest, 0);
    let target_end = match rest.get(path_end) {
        Some(b'?') => scan::query_end(rest, path_end),
        _ => path_end,
    };
    let version = rest.get(target_end..).unwrap_or_default();
    let fits = |(at, byte): (usize, &u8)| match at {
        6 | 8 => byte.is_ascii_digit(),
        _ => b" HTTP/1.1\r".get(at) == Some(byte),
    };
    // The digits behind a percent sign (RFC 3986 §2.1) may be still to come.
    let is_cut = match version {
        [b'%'] => true,
        [b'%', digit] => digit.is_ascii_hexdigit(),
        _ => false,
    };
    let begins = target_end > 0 || version.is_empty();
    let fits = is_cut || begins && version.iter().enumerate().all(fits);
    if line[method_end] == b' ' && fits {
        Ok(())
    } else {
        Err(Fault::RequestLine)
    }
}

/// The version of a line that ends in another one than the two that are (RFC 9112 §2.3). What is wrong before it comes
/// first, and so it is no version where no target comes before it.
#[cold]
fn rare_version(line: &[u8]) -> Result<Version, Fault> {
    partial_line(line)?;
    let mut parts = line.splitn(3, |&byte| byte == b' ').skip(2);
    match parts.next() {
        // The preface of HTTP/2 (RFC 9113 §3.4), which is made to be refused here.
        _ if line == b"PRI * HTTP/2.0" => Err(Fault::Http2),
        Some([b'H', b'T', b'T', b'P', b'/', b'1', b'.', _]) => Ok(Version::Http11),
        Some([b'H', b'T', b'T', b'P', b'/', _, b'.', _]) => Err(Fault::Version),
        _ => Err(Fault::RequestLine),
    }
}

/// A method other than the two most frequent, and the target behind it.
#[cold]
fn rare_method(front: &[u8]) -> Result<(Method<'_>, &[u8]), Fault> {
    let end = scan::token_end(front, 0);
    let (b' ', target) = front[end..].split_first().ok_or(Fault::RequestLine)? else {
        return Err(Fault::RequestLine);
    };
    let method = match &front[..end] {
        b"HEAD" => Method::Head,
        b"PUT" => Method::Put,
        b"DELETE" => Method::Delete,
        b"OPTIONS" => Method::Options,
        b"" => return Err(Fault::RequestLine),
        other => Method::Other(other),
    };
    Ok((method, target))
}

#[cfg(test)]
mod tests;
