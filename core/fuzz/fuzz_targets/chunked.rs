//! Any bytes as content in chunks: a worker echoes what a slow, obvious decoder reads, and refuses what that refuses for the
//! same reason, however the bytes are cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use orthant_core::{Fault, Flat, Limits};
use orthant_core_fuzz::{Decoded, answers_to, decode};

const HEAD: &[u8] =
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";

fuzz_target!(|bytes: &[u8]| {
    let near = Limits {
        content_bytes_max: 40,
        chunk_extension_bytes_max: 24,
        trailer_bytes_max: 32,
        ..Limits::DEFAULT
    };
    for limits in [near, Limits::DEFAULT] {
        let expected = match decode(bytes, &limits) {
            Decoded::Whole(content, _) => (200, content),
            Decoded::Partial => refusal(Fault::Truncated),
            Decoded::Wrong(fault) => refusal(fault),
        };
        let message = [HEAD, bytes].concat();
        let every: Vec<usize> = (0..message.len()).collect();
        let (content, middle) = ([HEAD.len()], [HEAD.len() + bytes.len() / 2]);
        for cuts in [&[][..], &content, &middle, &every] {
            let answer = answers_to::<Flat>(&limits, &message, cuts);
            assert_eq!(read(&answer), expected, "cut at {cuts:?}");
        }
    }
});

fn refusal(fault: Fault) -> (u16, Vec<u8>) {
    (fault.status().code(), fault.sentence().into())
}

/// The status and the content of the only answer.
fn read(answer: &[u8]) -> (u16, Vec<u8>) {
    let mut fields = [httparse::EMPTY_HEADER; 8];
    let mut response = httparse::Response::new(&mut fields);
    let head = response
        .parse(answer)
        .expect("an answer is well-formed")
        .unwrap();
    (response.code.unwrap_or_default(), answer[head..].to_vec())
}
