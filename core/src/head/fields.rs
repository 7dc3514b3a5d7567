//! The field lines of a head: their syntax (RFC 9112 §5), and the handful that frame the message and the connection.

use std::ops::Range;

use super::{Framing, Stop, Version};
use crate::error::Fault;
use crate::limits::Limits;
use crate::scan;

/// The fields of a checked head, one after another: name and value as they were sent, white space around the value
/// removed.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    lines: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(lines: &'a [u8]) -> Fields<'a> {
        Fields { lines }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let colon = memchr::memchr(b':', self.lines)?;
        let end = memchr::memchr(b'\r', self.lines)?;
        let line = &self.lines[..end];
        self.lines = &self.lines[end + 2..];
        Some((&line[..colon], scan::trim(&line[colon + 1..])))
    }
}

/// Checks the lines from `at` on, shows each field to `known`, and returns where the head ends.
#[inline(always)]
pub(super) fn check(
    bytes: &[u8],
    mut at: usize,
    limits: &Limits,
    known: &mut Known,
) -> Result<usize, Stop> {
    for _ in 0..=limits.fields_max {
        let end = scan::value_end(bytes, at);
        if bytes.get(end..end + 2) != Some(b"\r\n") {
            return Err(super::unended(
                bytes,
                end,
                Fault::Field,
                partial_field(&bytes[at..]),
            ));
        }
        if end == at {
            known.check_host()?;
            return Ok(end + 2);
        }
        // A token, and no white space behind it (RFC 9112 §5.1) nor before it, which would fold the line before (§5.2). It
        // runs into the line end at the latest, so it need not know where that is.
        let name_end = scan::token_end(bytes, at);
        if bytes[name_end] != b':' || name_end == at {
            return Err(Fault::Field.into());
        }
        known.field(bytes, at..name_end, name_end + 1..end)?;
        at = end + 2;
    }
    Err(Fault::HeadTooLarge.into())
}

/// Whether a field line may begin so (RFC 9112 §5): by a token that a colon ends.
#[cold]
fn partial_field(line: &[u8]) -> Result<(), Fault> {
    match &line[scan::token_end(line, 0)..] {
        [] => Ok(()),
        [b'\r'] if line.len() == 1 => Ok(()),
        [b':', ..] if line[0] != b':' => Ok(()),
        _ => Err(Fault::Field),
    }
}

/// What the fields have said so far of the message and of the connection.
pub(super) struct Known {
    version: Version,
    hosts: u8,
    length: Option<u64>,
    coding: Coding,
    close: bool,
    keep_alive: bool,
    expects_continue: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Coding {
    None,
    Chunked,
}

impl Known {
    pub(super) fn new(version: Version) -> Known {
        Known {
            version,
            hosts: 0,
            length: None,
            coding: Coding::None,
            close: false,
            keep_alive: false,
            expects_continue: false,
        }
    }

    /// Takes in one field. The length of a name tells most fields apart from these at once.
    #[inline(always)]
    fn field(
        &mut self,
        bytes: &[u8],
        name: Range<usize>,
        value: Range<usize>,
    ) -> Result<(), Fault> {
        let name = &bytes[name];
        match name.len() {
            4 if is(name, b"host") => {
                self.hosts = self.hosts.saturating_add(1);
                if !is_host_field(bytes, value) {
                    return Err(Fault::Host);
                }
            }
            6 if is(name, b"expect") => self.expect(&bytes[value])?,
            10 if is(name, b"connection") => self.connection(&bytes[value]),
            14 if is(name, b"content-length") => self.content_length(&bytes[value])?,
            17 if is(name, b"transfer-encoding") => self.transfer_encoding(&bytes[value])?,
            _ => {}
        }
        Ok(())
    }

    /// RFC 9112 §6.3: digits, nothing else, once. A repetition is refused even where it is identical: the recipients
    /// before us may have believed either.
    fn content_length(&mut self, value: &[u8]) -> Result<(), Fault> {
        let digits = scan::trim(value);
        let all_digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        let number = || std::str::from_utf8(digits).ok()?.parse().ok();
        match (self.length, all_digits.then(number)) {
            (None, Some(Some(length))) => self.length = Some(length),
            (None, Some(None)) => return Err(Fault::ContentTooLarge),
            _ => return Err(Fault::Framing),
        }
        Ok(())
    }

    /// RFC 9112 §6.1, §7: `chunked`, once, is the only transfer coding there is here; it has no parameters. In HTTP/1.0
    /// there is none, and a sender that has one is not to be believed (§6.1).
    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Fault> {
        let value = scan::trim(value);
        if self.version == Version::Http10 || self.coding == Coding::Chunked {
            return Err(Fault::Framing);
        }
        if value.len() != 7 || !is(value, b"chunked") {
            return Err(other_coding(value));
        }
        self.coding = Coding::Chunked;
        Ok(())
    }

    /// RFC 9110 §7.6.1.
    #[cold]
    fn connection(&mut self, value: &[u8]) {
        for option in value.split(|&byte| byte == b',').map(scan::trim) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    /// RFC 9110 §10.1.1.
    #[cold]
    fn expect(&mut self, value: &[u8]) -> Result<(), Fault> {
        if !scan::trim(value).eq_ignore_ascii_case(b"100-continue") {
            return Err(Fault::Expectation);
        }
        self.expects_continue = true;
        Ok(())
    }

    /// RFC 9112 §3.2: exactly one Host in HTTP/1.1, at most one before.
    #[inline(always)]
    fn check_host(&self) -> Result<(), Fault> {
        match (self.hosts, self.version) {
            (1, _) | (0, Version::Http10) => Ok(()),
            _ => Err(Fault::Host),
        }
    }

    /// RFC 9112 §6.3. Without a length there is no content, so nobody needs a 411. A message with both lengths may be an
    /// attempt to smuggle (§11.2): it is refused, not repaired.
    #[inline(always)]
    pub(super) fn framing(&self) -> Result<Framing, Fault> {
        match (self.coding, self.length) {
            (Coding::None, None | Some(0)) => Ok(Framing::None),
            (Coding::None, Some(length)) => Ok(Framing::Length(length)),
            (Coding::Chunked, None) => Ok(Framing::Chunked),
            (Coding::Chunked, Some(_)) => Err(Fault::Framing),
        }
    }

    /// RFC 9112 §9.3.
    #[inline(always)]
    pub(super) fn persists(&self) -> bool {
        !self.close && (self.version == Version::Http11 || self.keep_alive)
    }

    /// An HTTP/1.0 client cannot understand a 100 (RFC 9110 §10.1.1).
    #[inline(always)]
    pub(super) fn expects_continue(&self) -> bool {
        self.expects_continue && self.version == Version::Http11
    }
}

/// What is wrong with codings that are not `chunked` alone. Where something comes behind `chunked`, the length is
/// anybody's guess (RFC 9112 §6.3); otherwise the others are unknown (§6.1). A list without any is none, nor is one with
/// empty places, which only a sender that means to be misread sends.
#[cold]
fn other_coding(value: &[u8]) -> Fault {
    let codings = || value.split(|&byte| byte == b',').map(scan::trim);
    let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let before_last = codings().count() - 1;
    if codings().any(<[u8]>::is_empty) || codings().take(before_last).any(is_chunked) {
        Fault::Framing
    } else {
        Fault::Coding
    }
}

/// Whether a token is this lower-case name, without regard to case. Setting the bit that tells the cases apart makes no
/// other character of a token into a letter or a hyphen.
#[inline(always)]
fn is<const N: usize>(name: &[u8], lower: &[u8; N]) -> bool {
    name.first_chunk::<N>()
        .is_some_and(|name| (0..N).fold(true, |same, at| same & (name[at] | 0x20 == lower[at])))
}

/// Whether the value is a host, in the usual case of one space before it and letters and digits in it.
#[inline(always)]
fn is_host_field(bytes: &[u8], value: Range<usize>) -> bool {
    let from = value.start + usize::from(bytes[value.start] == b' ');
    let end = scan::plain_end(bytes, from);
    match bytes.get(end..value.end) {
        Some([]) => true,
        Some([b':', port @ ..]) if port.iter().all(u8::is_ascii_digit) => true,
        _ => is_host(scan::trim(&bytes[value])),
    }
}

/// Whether this is `uri-host [ ":" port ]` (RFC 9110 §7.2, RFC 3986 §3.2.2); an empty one is valid where the target has
/// no authority.
#[cold]
pub(super) fn is_host(value: &[u8]) -> bool {
    let (host, rest) = match value {
        [b'[', ..] => value.split_at(memchr::memchr(b']', value).map_or(0, |end| end + 1)),
        _ => value.split_at(memchr::memchr(b':', value).unwrap_or(value.len())),
    };
    let host_fits = match host {
        [b'[', literal @ .., b']'] => is_literal(literal),
        name => is_reg_name(name),
    };
    host_fits
        && match rest {
            [] => true,
            [b':', port @ ..] => port.iter().all(u8::is_ascii_digit),
            _ => false,
        }
}

/// Whether this is a reg-name, each percent sign in it followed by two hexadecimal digits (RFC 3986 §2.1, §3.2.2).
fn is_reg_name(name: &[u8]) -> bool {
    let fits = |byte: &u8| is_name(*byte);
    let mut parts = name.split(|&byte| byte == b'%');
    parts.next().is_some_and(|first| first.iter().all(fits))
        && parts.all(|part| {
            part.len() >= 2 && part[..2].iter().all(u8::is_ascii_hexdigit) && part.iter().all(fits)
        })
}

/// Whether this may stand in brackets: an IPv6 address, or one of a later version, such as `v1f.a:b` (RFC 3986 §3.2.2).
fn is_literal(literal: &[u8]) -> bool {
    let [b'v' | b'V', future @ ..] = literal else {
        return std::str::from_utf8(literal)
            .is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok());
    };
    let version_end = memchr::memchr(b'.', future).unwrap_or(0);
    let (version, address) = future.split_at(version_end);
    let fits = |byte: &u8| is_name(*byte) || *byte == b':';
    !version.is_empty()
        && version.iter().all(u8::is_ascii_hexdigit)
        && address.len() > 1
        && address[1..].iter().all(fits)
}

/// Whether the byte is unreserved, or delimits in names (RFC 3986 §2.2, §2.3).
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}
