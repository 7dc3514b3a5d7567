//! How long reading a head takes, beside httparse: interleaved, so that both see the same machine. Ours also checks Host,
//! frames the content and decides on persistence; httparse fills a table of fields, of which nothing is looked at.
//!
//! ```text
//! cargo run --release --package orthant-core --example parse
//! ```

use std::hint::black_box;
use std::time::Instant;

use orthant_core::{Limits, Progress, parse};

const MINIMAL: &str = "GET /baseline11?a=13&b=42 HTTP/1.1\r\nHost: localhost:8080\r\n\r\n";
const CHUNKED: &str = "POST /baseline11?a=13&b=42 HTTP/1.1\r\nHost: localhost:8080\r\nContent-Type: text/plain\r\n\
                       Transfer-Encoding: chunked\r\n\r\n";
const BROWSER: &str = "GET /json/25?m=4 HTTP/1.1\r\nHost: www.example.com\r\nConnection: keep-alive\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9,de;q=0.8\r\n\
    Cookie: session=4c1d8f0e7a2b4d6f9e3c5a7b8d0f1e2c; theme=dark; consent=necessary%2Cstatistics\r\n\
    Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\n\r\n";

const ROUNDS: usize = 201;
const READS: u32 = 20_000;

fn main() {
    let limits = Limits::DEFAULT;
    println!(
        "{:<10}{:>14}{:>14}{:>10}",
        "head", "httparse ns", "ours ns", "times"
    );
    for (name, head) in [
        ("minimal", MINIMAL),
        ("chunked", CHUNKED),
        ("browser", BROWSER),
    ] {
        let theirs = || {
            let mut fields = [const { std::mem::MaybeUninit::uninit() }; 100];
            let mut request = httparse::Request::new(&mut []);
            let read = request.parse_with_uninit_headers(black_box(head.as_bytes()), &mut fields);
            assert!(black_box(read).is_ok_and(|status| status.is_complete()));
            black_box(&request);
        };
        let ours = || {
            let read = parse(black_box(head.as_bytes()), &limits);
            assert!(matches!(black_box(&read), Ok(Progress::Complete(_))));
        };
        let (mut theirs_ns, mut ours_ns) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            // Whoever goes first finds another state of the machine: take turns.
            if round % 2 == 0 {
                theirs_ns.push(time_ns(theirs));
                ours_ns.push(time_ns(ours));
            } else {
                ours_ns.push(time_ns(ours));
                theirs_ns.push(time_ns(theirs));
            }
        }
        let mut ratios: Vec<_> = theirs_ns
            .iter()
            .zip(&ours_ns)
            .map(|(theirs, ours)| theirs / ours)
            .collect();
        println!(
            "{name:<10}{:>14.1}{:>14.1}{:>10.2}",
            median(&mut theirs_ns),
            median(&mut ours_ns),
            median(&mut ratios)
        );
    }
}

fn time_ns(read: impl Fn()) -> f64 {
    let start = Instant::now();
    for _ in 0..READS {
        read();
    }
    start.elapsed().as_nanos() as f64 / f64::from(READS)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
