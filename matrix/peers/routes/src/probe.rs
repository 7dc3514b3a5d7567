//! The probe application: what HTTP test suites expect of a server.

use std::borrow::Cow;

static BIG: [u8; 1024 * 1024] = [b'x'; 1024 * 1024];

/// What the probe allows everywhere.
const ALLOWED: &str = "GET, HEAD, POST, PUT, DELETE, OPTIONS";

/// The methods of RFC 9110 §9 and RFC 5789; others are answered with 501 (RFC 9110 §9.1).
pub const METHODS: [&str; 9] = [
    "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE",
];

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// The value of Allow, with 405.
    pub allow: Option<&'static str>,
    /// Its content.
    pub content: Cow<'static, [u8]>,
}

/// Every path answers `OK`, and POST with its content; `/echo` answers with the fields it received, `/cookie` with the
/// cookies, `/big` with 1 MiB.
pub fn reply<'a>(
    method: &str,
    path: &str,
    fields: impl Iterator<Item = (&'a str, &'a [u8])>,
    content: &[u8],
) -> Reply {
    let content: Cow<'static, [u8]> = match (path, method) {
        ("/big", "GET" | "HEAD") => BIG[..].into(),
        (_, "TRACE" | "CONNECT" | "PATCH") => return refused(method),
        ("/echo", _) => fields.flat_map(line).collect(),
        ("/cookie", _) => cookies(fields),
        (_, "POST") => content.to_vec().into(),
        (_, "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS") => b"OK"[..].into(),
        _ => return refused(method),
    };
    Reply {
        status: 200,
        allow: None,
        content,
    }
}

fn refused(method: &str) -> Reply {
    let is_known = METHODS.contains(&method);
    Reply {
        status: if is_known { 405 } else { 501 },
        allow: is_known.then_some(ALLOWED),
        content: Cow::Borrowed(&[]),
    }
}

fn line((name, value): (&str, &[u8])) -> Vec<u8> {
    [name.as_bytes(), b": ", value, b"\n"].concat()
}

/// The received cookies, a line for each pair.
fn cookies<'a>(fields: impl Iterator<Item = (&'a str, &'a [u8])>) -> Cow<'static, [u8]> {
    fields
        .filter(|(name, _)| name.eq_ignore_ascii_case("cookie"))
        .flat_map(|(_, value)| value.split(|&byte| byte == b';'))
        .map(<[u8]>::trim_ascii)
        .filter(|pair| !pair.is_empty())
        .flat_map(|pair| [pair, b"\n"].concat())
        .collect()
}
