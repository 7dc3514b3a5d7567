//! The four forms of a request target (RFC 9112 §3.2).

use super::Method;
use crate::error::Fault;

/// Whether the target has a form that its method allows: origin-form and absolute-form for every method but CONNECT,
/// authority-form for CONNECT alone, asterisk-form for OPTIONS alone.
#[inline(always)]
pub(super) fn check(method: Method<'_>, target: &[u8]) -> Result<(), Fault> {
    match target {
        [b'/', ..] if !matches!(method, Method::Other(b"CONNECT")) => Ok(()),
        _ => check_rare(method, target),
    }
}

#[cold]
fn check_rare(method: Method<'_>, target: &[u8]) -> Result<(), Fault> {
    let fits = match method {
        // Two spaces, of which the second is none of a target.
        _ if target.is_empty() => return Err(Fault::RequestLine),
        Method::Other(b"CONNECT") => is_authority(target),
        Method::Options if target == b"*" => true,
        // User and password before the host are refused with what is no host (RFC 9110 §4.2.4).
        _ => after_scheme(target).is_some_and(|rest| {
            let authority = split_authority(rest).0;
            !authority.is_empty() && super::fields::is_host(authority)
        }),
    };
    if fits { Ok(()) } else { Err(Fault::Target) }
}

/// `host:port`, both there (RFC 9112 §3.2.3).
fn is_authority(target: &[u8]) -> bool {
    let Some(colon) = memchr::memrchr(b':', target) else {
        return false;
    };
    let (host, port) = (&target[..colon], &target[colon + 1..]);
    !host.is_empty() && !port.is_empty() && super::fields::is_host(target)
}

/// What follows `http://` or `https://` in an absolute-form target.
fn after_scheme(target: &[u8]) -> Option<&[u8]> {
    [&b"http://"[..], b"https://"]
        .into_iter()
        .find_map(|scheme| {
            let (front, rest) = target.split_at_checked(scheme.len())?;
            front.eq_ignore_ascii_case(scheme).then_some(rest)
        })
}

/// The authority and what follows it.
fn split_authority(rest: &[u8]) -> (&[u8], &[u8]) {
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?'));
    rest.split_at(end.unwrap_or(rest.len()))
}

/// The path of a target whose query has been cut off.
#[inline]
pub(super) fn path(target: &[u8]) -> &[u8] {
    match target {
        [b'/' | b'*', ..] => target,
        _ => path_rare(target),
    }
}

#[cold]
fn path_rare(target: &[u8]) -> &[u8] {
    match after_scheme(target).map(|rest| split_authority(rest).1) {
        Some([]) => b"/",
        Some(path) => path,
        None => b"",
    }
}

/// Whom a target names, which one in origin-form or asterisk-form does not.
pub(super) fn authority(target: &[u8]) -> Option<&[u8]> {
    match target {
        [b'/', ..] | b"*" => None,
        _ => Some(after_scheme(target).map_or(target, |rest| split_authority(rest).0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_goes_with_its_methods_rfc9112_3_2() {
        let connect = Method::Other(b"CONNECT");
        for (method, target, fits) in [
            (Method::Get, &b"/"[..], true),
            (Method::Get, b"/a?b", true),
            (Method::Get, b"http://h/a", true),
            (Method::Get, b"HTTP://h", true),
            (Method::Get, b"http://[::1]:80/a", true),
            (Method::Get, b"http:///a", false),
            (Method::Get, b"http://user@h/a", false),
            (Method::Get, b"http://user:pw@h:80?a", false),
            (Method::Get, b"http://h:x/", false),
            (Method::Get, b"*", false),
            (Method::Get, b"", false),
            (Method::Get, b"h:80", false),
            (Method::Get, b"ftp://h/", false),
            (Method::Options, b"*", true),
            (Method::Options, b"/", true),
            (Method::Options, b"*a", false),
            (connect, b"h:80", true),
            (connect, b"h", false),
            (connect, b":80", false),
            (connect, b"h:", false),
            (connect, b"/", false),
        ] {
            assert_eq!(
                check(method, target).is_ok(),
                fits,
                "{method:?} {}",
                target.escape_ascii()
            );
        }
    }
}
