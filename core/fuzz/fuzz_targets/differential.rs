//! Any bytes as a head, read by us and by httparse: what we accept it reads alike, and what is partial to us is partial to
//! it. What we refuse it may accept: we are the stricter one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use orthant_core::{Limits, Method, Progress, Version, parse};

fuzz_target!(|bytes: &[u8]| {
    let mut fields = [httparse::EMPTY_HEADER; 128];
    let mut theirs = httparse::Request::new(&mut fields);
    let their_progress = theirs.parse(bytes);
    // It knows no minor version beyond 1, and says so before the line has ended.
    if their_progress == Err(httparse::Error::Version) {
        return;
    }
    match parse(bytes, &Limits::DEFAULT) {
        Ok(Progress::Partial) => assert_eq!(their_progress, Ok(httparse::Status::Partial)),
        Ok(Progress::Complete(head)) => {
            let Ok(httparse::Status::Complete(their_bytes)) = their_progress else {
                panic!("they say {their_progress:?}");
            };
            // The fields and the empty line end where theirs do: nothing of the next message was taken.
            let rest = &bytes[their_bytes..];
            assert!(bytes.ends_with(rest) && bytes[..their_bytes].ends_with(b"\r\n\r\n"));
            let method: &[u8] = match head.method {
                Method::Get => b"GET",
                Method::Head => b"HEAD",
                Method::Post => b"POST",
                Method::Put => b"PUT",
                Method::Delete => b"DELETE",
                Method::Options => b"OPTIONS",
                Method::Other(token) => token,
            };
            assert_eq!(theirs.method.map(str::as_bytes), Some(method));
            assert_eq!(theirs.path.map(str::as_bytes), Some(head.target));
            assert_eq!(
                theirs.version,
                Some(u8::from(head.version == Version::Http11))
            );
            let their_fields = theirs
                .headers
                .iter()
                .map(|field| (field.name.as_bytes(), field.value));
            assert!(their_fields.eq(head.fields()), "{:?}", theirs.headers);
        }
        Err(_) => {}
    }
});
