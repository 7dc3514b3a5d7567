//! Any bytes as a head: a front of them is partial, or says what all of them say; what is accepted means itself when it is
//! written again; and a worker answers alike however they are cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use orthant_core::{Flat, Head, Limits, Method, Progress, Version, parse};
use orthant_core_fuzz::{answers_to, visible};

/// Limits so near that inputs of some dozen bytes reach them, and those that users have.
fn limits() -> [Limits; 2] {
    let near = Limits {
        request_line_bytes_max: 48,
        head_bytes_max: 160,
        fields_max: 5,
        ..Limits::DEFAULT
    };
    [near, Limits::DEFAULT]
}

fuzz_target!(|bytes: &[u8]| {
    for limits in limits() {
        every_front_is_partial_or_says_the_same(bytes, &limits);
        if let Ok(Progress::Complete(head)) = parse(bytes, &limits) {
            what_is_accepted_means_itself(&head, bytes, &limits);
        }
        answers_are_alike_however_it_is_cut(bytes, &limits);
    }
});

/// What was read, as far as it does not lie in the bytes.
fn said(bytes: &[u8], limits: &Limits) -> String {
    match parse(bytes, limits) {
        Ok(Progress::Complete(head)) => {
            let fields: Vec<_> = head.fields().collect();
            let Head {
                method,
                target,
                version,
                framing,
                persists,
                expects_continue,
                ..
            } = head;
            format!(
                "{method:?} {target:?} {version:?} {framing:?} {persists} {expects_continue} {fields:?}"
            )
        }
        other => format!("{other:?}"),
    }
}

fn every_front_is_partial_or_says_the_same(bytes: &[u8], limits: &Limits) {
    let whole = said(bytes, limits);
    for end in 0..bytes.len() {
        let front = &bytes[..end];
        if parse(front, limits) != Ok(Progress::Partial) {
            assert_eq!(said(front, limits), whole, "after {end} bytes");
            return;
        }
    }
}

fn what_is_accepted_means_itself(head: &Head<'_>, bytes: &[u8], limits: &Limits) {
    let method: &[u8] = match head.method {
        Method::Get => b"GET",
        Method::Head => b"HEAD",
        Method::Post => b"POST",
        Method::Put => b"PUT",
        Method::Delete => b"DELETE",
        Method::Options => b"OPTIONS",
        Method::Other(token) => token,
    };
    let version: &[u8] = match head.version {
        Version::Http10 => b" HTTP/1.0\r\n",
        Version::Http11 => b" HTTP/1.1\r\n",
    };
    let mut again = [method, b" ", head.target, version].concat();
    for (name, value) in head.fields() {
        again.extend([name, b":", value, b"\r\n"].concat());
    }
    again.extend(b"\r\n");
    // Shorter than before, so within the limits.
    assert_eq!(said(&again, limits), said(bytes, limits));
    if head.target.starts_with(b"/") {
        let query = head.target.contains(&b'?');
        let mark: &[u8] = if query { b"?" } else { b"" };
        assert_eq!([head.path(), mark, head.query()].concat(), head.target);
    }
}

fn answers_are_alike_however_it_is_cut(bytes: &[u8], limits: &Limits) {
    let whole = visible(&answers_to::<Flat>(limits, bytes, &[]));
    let every: Vec<usize> = (0..bytes.len()).collect();
    let middle = [bytes.len() / 2];
    for cuts in [&every[..], &middle] {
        let cut = visible(&answers_to::<Flat>(limits, bytes, cuts));
        assert_eq!(
            cut.escape_ascii().to_string(),
            whole.escape_ascii().to_string()
        );
    }
}
