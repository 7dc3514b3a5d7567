//! The probe application: what HTTP test suites expect of a server.

use hyper::body::Bytes;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use crate::{Answer, not_allowed, with};

static BIG: [u8; 1024 * 1024] = [b'x'; 1024 * 1024];

/// Every path answers `OK`, and POST with its content; `/echo` answers with the fields it received, `/cookie` with the
/// cookies, `/big` with 1 MiB.
pub(crate) fn answer(head: &Parts, content: Bytes) -> Answer {
    let content = match (head.uri.path(), &head.method) {
        (_, &Method::TRACE | &Method::CONNECT | &Method::PATCH) => return refused(head),
        ("/big", &Method::GET | &Method::HEAD) => Bytes::from_static(&BIG),
        ("/echo", _) => fields(head),
        ("/cookie", _) => cookies(head),
        (_, &Method::POST) => content,
        (_, &Method::GET | &Method::HEAD | &Method::PUT | &Method::DELETE | &Method::OPTIONS) => {
            Bytes::from_static(b"OK")
        }
        _ => return refused(head),
    };
    with(StatusCode::OK, content)
}

fn refused(head: &Parts) -> Answer {
    not_allowed(head, "GET, HEAD, POST, PUT, DELETE, OPTIONS")
}

/// The received fields, a line for each.
fn fields(head: &Parts) -> Bytes {
    let line = |(name, value): (&hyper::header::HeaderName, &hyper::http::HeaderValue)| {
        [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"].concat()
    };
    head.headers.iter().flat_map(line).collect()
}

/// The received cookies, a line for each pair.
fn cookies(head: &Parts) -> Bytes {
    let cookies = head.headers.get_all("cookie").iter();
    cookies
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b';'))
        .map(<[u8]>::trim_ascii)
        .filter(|pair| !pair.is_empty())
        .flat_map(|pair| [pair, b"\n"].concat())
        .collect()
}
