//! A request line for those who write down what was asked: of a request that was refused, as far as it came. It is split
//! and not judged, so nothing may be decided by it.

use super::{Head, Method, Version};

/// A request line as it came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestLine<'a> {
    /// The method; where the line is none, whatever stands before the first space.
    pub method: &'a [u8],
    /// The target; empty where none came.
    pub target: &'a [u8],
    /// The version, where it came and is one of ours.
    pub version: Option<Version>,
}

impl<'a> RequestLine<'a> {
    /// The first line of bytes that were to be a request.
    #[cold]
    pub(crate) fn of(bytes: &'a [u8]) -> RequestLine<'a> {
        let end = memchr::memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len());
        let mut words = bytes[..end].splitn(3, |&byte| byte == b' ');
        let mut word = || words.next().unwrap_or_default();
        RequestLine {
            method: word(),
            target: word(),
            version: match word() {
                b"HTTP/1.0" => Some(Version::Http10),
                b"HTTP/1.1" => Some(Version::Http11),
                _ => None,
            },
        }
    }
}

impl<'a> From<&Head<'a>> for RequestLine<'a> {
    fn from(head: &Head<'a>) -> RequestLine<'a> {
        RequestLine {
            method: head.method.as_bytes(),
            target: head.target,
            version: Some(head.version),
        }
    }
}

impl<'a> Method<'a> {
    /// The method as it was sent.
    pub const fn as_bytes(self) -> &'a [u8] {
        match self {
            Method::Get => b"GET",
            Method::Head => b"HEAD",
            Method::Post => b"POST",
            Method::Put => b"PUT",
            Method::Delete => b"DELETE",
            Method::Options => b"OPTIONS",
            Method::Other(token) => token,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::{Progress, parse};
    use crate::limits::Limits;

    #[test]
    fn a_line_is_split_as_far_as_it_came() {
        for (bytes, method, target, version) in [
            (
                &b"GET /a?b HTTP/1.1\r\nHost: a"[..],
                &b"GET"[..],
                &b"/a?b"[..],
                Some(Version::Http11),
            ),
            (b"GET /a?b HTTP/1.", b"GET", b"/a?b", None),
            (b"GET /a HTTP/1.1 b", b"GET", b"/a", None),
            (b"GE\r\nT /", b"GE", b"", None),
            (b"\x16\x03\0 \x80\n", b"\x16\x03\0", b"\x80", None),
            (b"", b"", b"", None),
        ] {
            let line = RequestLine {
                method,
                target,
                version,
            };
            assert_eq!(RequestLine::of(bytes), line);
        }
    }

    #[test]
    fn a_head_and_its_bytes_give_the_same_line() {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PURGE"] {
            let bytes = format!("{method} /a?b HTTP/1.0\r\n\r\n");
            match parse(bytes.as_bytes(), &Limits::DEFAULT) {
                Ok(Progress::Complete(head)) => {
                    assert_eq!(RequestLine::from(&head), RequestLine::of(bytes.as_bytes()));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
