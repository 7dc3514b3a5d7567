//! The arena's own cases: nine shapes of requests, each cut in two at every offset; many requests in one write; a reader
//! so slow that what is sent to it is taken in parts; clients that reset. They want the arena application, whose
//! `/baseline11` answers with the sum of the numbers in query and content.

use std::collections::BTreeMap;

use crate::case::{Case, FieldValue, Level, Outcome, Step};
use crate::statuses::Statuses;
use crate::target::Reading;

const BASELINE: &str = "/baseline11?a=13&b=42";
const GET_SMALL: &str = "GET /pipeline HTTP/1.1\r\nHost: {{host}}\r\n\r\n";
const GET_DELAYED: &str = "GET /delay/5 HTTP/1.1\r\nHost: {{host}}\r\n\r\n";
const GET_AND_CLOSE: &str =
    "GET /baseline11?a=13&b=42 HTTP/1.1\r\nHost: {{host}}\r\nConnection: close\r\n\r\n";

/// What browsers and tools send with nearly every request.
const COMMON_FIELDS: &str = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
     Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
     Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n\
     Cookie: session=0123456789abcdef; theme=dark\r\nCache-Control: no-cache\r\n";

/// Answers of 8 KiB and more that a slow reader asks for: four times what Linux keeps between it and the server at most
/// (4 MiB by default, tcp_wmem in tcp(7)).
const SLOW_ANSWERS: usize = 2_000;

/// The cases; `seed` chooses the numbers of those that are random.
#[must_use]
pub fn arena(seed: u64) -> Vec<Case> {
    [
        shapes(seed),
        batches(),
        without_content(),
        of_no_route(),
        vec![slow_reader()],
        resets(),
    ]
    .concat()
}

/// What a shape consists of: id, name, request line and fields, content, sum.
type Shape = (&'static str, &'static str, String, String, i64);

fn shapes(seed: u64) -> Vec<Case> {
    let [a, b, c, d, e] = numbers(seed);
    let post = |fields: &str| format!("POST {BASELINE} HTTP/1.1\r\nHost: {{{{host}}}}\r\n{fields}");
    let get = |fields: &str| format!("GET {BASELINE} HTTP/1.1\r\nHost: {{{{host}}}}\r\n{fields}");
    let random = |method: &str, a: i64, b: i64, fields: &str| {
        format!("{method} /baseline11?a={a}&b={b} HTTP/1.1\r\nHost: {{{{host}}}}\r\n{fields}")
    };
    let lower_case = |head: String| head.replace("Host:", "host:");
    let length = "Content-Length: {{length}}\r\n";
    let chunked = "Transfer-Encoding: chunked\r\n";
    let none = String::new;
    let shapes: [Shape; 9] = [
        ("arena-get", "GET with Host alone", get(""), none(), 55),
        (
            "arena-get-common",
            "GET with the usual fields",
            get(COMMON_FIELDS),
            none(),
            55,
        ),
        (
            "arena-get-lower-case",
            "GET with names in lower case",
            lower_case(get("user-agent: curl/8\r\naccept: */*\r\n")),
            none(),
            55,
        ),
        (
            "arena-get-random",
            "GET with random numbers",
            random("GET", a, b, ""),
            none(),
            a + b,
        ),
        (
            "arena-post",
            "POST with Content-Length",
            post(length),
            "20".into(),
            75,
        ),
        (
            "arena-post-lower-case",
            "POST with names in lower case",
            lower_case(post(
                "content-length: {{length}}\r\ncontent-type: text/plain\r\n",
            )),
            "20".into(),
            75,
        ),
        (
            "arena-post-random",
            "POST with random numbers",
            random("POST", c, d, length),
            e.to_string(),
            c + d + e,
        ),
        (
            "arena-chunk",
            "POST in one chunk",
            post(chunked),
            "2\r\n20\r\n0\r\n\r\n".into(),
            75,
        ),
        (
            "arena-two-chunks",
            "POST in two chunks",
            post(chunked),
            "1\r\n2\r\n1\r\n0\r\n0\r\n\r\n".into(),
            75,
        ),
    ];
    shapes.map(shape).to_vec()
}

fn shape((id, name, head, content, sum): Shape) -> Case {
    let close = if head.contains("host:") {
        "connection: close"
    } else {
        "Connection: close"
    };
    Case {
        every_cut: true,
        ..case(
            id,
            name,
            "RFC 9112 §2.1",
            vec![Step::Text(format!("{head}{close}\r\n\r\n{content}"))],
            sum_and_close(sum),
        )
    }
}

fn batches() -> Vec<Case> {
    let batch = |id: &str, count: usize| {
        let send = vec![Step::Repeat {
            text: GET_SMALL.into(),
            times: count,
        }];
        let name = format!("{count} requests in one write");
        let outcome = Outcome {
            contents: vec![Some("ok".into()); count],
            ..ok(count)
        };
        case(id, &name, "RFC 9112 §9.3.2", send, outcome)
    };
    let json = |id: &str, count: usize| {
        let get = format!("GET /json/{count}?m=3 HTTP/1.1\r\nHost: {{{{host}}}}\r\n\r\n");
        let send = vec![Step::Text(format!("{GET_SMALL}{get}{GET_SMALL}"))];
        let small = || Some("ok".into());
        let outcome = Outcome {
            contents: vec![small(), None, small()],
            holds: vec![None, Some(format!("\"count\":{count}"))],
            fields: vec![
                [].into(),
                [(
                    "content-type".into(),
                    FieldValue::Is("application/json".into()),
                )]
                .into(),
            ],
            ..ok(3)
        };
        let name = format!("a small answer, {count} items of JSON and a small one, in one write");
        case(id, &name, "RFC 9112 §9.3.2", send, outcome)
    };
    let delayed = case(
        "arena-delay",
        "an answer that takes its time before one that does not, in one write",
        "RFC 9112 §9.3.2",
        vec![Step::Text(format!("{GET_DELAYED}{GET_AND_CLOSE}"))],
        Outcome {
            contents: vec![Some("ok".into()), Some("55".into())],
            closed: Some(true),
            ..ok(2)
        },
    );
    vec![
        delayed,
        batch("arena-16", 16),
        batch("arena-200", 200),
        json("arena-mixed-7", 7),
        json("arena-mixed-50", 50),
    ]
}

/// Answers that have no content, or refuse a method, before one of the usual kind.
fn without_content() -> Vec<Case> {
    let before_small = |id: &str, name: &str, section: &str, first: &str, status: &str, fields| {
        let send = vec![Step::Text(format!("{first}{GET_SMALL}"))];
        let statuses = [status, "200"].map(|text| {
            Statuses::try_from(text.to_owned()).expect("these are written as statuses are")
        });
        let outcome = Outcome {
            answers: statuses.to_vec(),
            contents: vec![Some(String::new()), Some("ok".into())],
            fields: vec![BTreeMap::from(fields)],
            ..Outcome::default()
        };
        case(id, name, section, send, outcome)
    };
    vec![
        before_small(
            "arena-no-content",
            "204 has no length, no coding and no content",
            "RFC 9110 §8.6",
            "GET /healthz HTTP/1.1\r\nHost: {{host}}\r\n\r\n",
            "204",
            [
                ("content-length".into(), FieldValue::Absent),
                ("transfer-encoding".into(), FieldValue::Absent),
            ],
        ),
        before_small(
            "arena-not-allowed",
            "405 says what is allowed, and its content is read",
            "RFC 9110 §15.5.6",
            "POST /pipeline HTTP/1.1\r\nHost: {{host}}\r\nContent-Length: 5\r\n\r\nhello",
            "405",
            [
                ("allow".into(), FieldValue::Lists("GET".into())),
                ("content-length".into(), FieldValue::Is("0".into())),
            ],
        ),
    ]
}

/// Requests of no route, or for more than a route may be sent: which of several things is wrong decides the status.
fn of_no_route() -> Vec<Case> {
    let answered = |id: &str, name: &str, section: &str, head: &str, status: &str, allow| {
        let send = vec![Step::Text(format!("{head}Host: {{{{host}}}}\r\n\r\n"))];
        let status = Statuses::try_from(status.to_owned()).expect("it is a status");
        let outcome = Outcome {
            answers: vec![status],
            fields: vec![BTreeMap::from([("allow".into(), allow)])],
            ..Outcome::default()
        };
        case(id, name, section, send, outcome)
    };
    let none = || FieldValue::Absent;
    vec![
        answered(
            "arena-options",
            "OPTIONS * is about the server",
            "RFC 9110 §9.3.7",
            "OPTIONS * HTTP/1.1\r\n",
            "204",
            FieldValue::Lists("GET".into()),
        ),
        answered(
            "arena-unknown-method",
            "an unknown method, wherever it is asked for",
            "RFC 9110 §9.1",
            "BREW /nowhere HTTP/1.1\r\n",
            "501",
            none(),
        ),
        answered(
            "arena-connect",
            "a tunnel, which is for proxies",
            "RFC 9110 §9.3.6",
            "CONNECT {{host}} HTTP/1.1\r\n",
            "501",
            none(),
        ),
        answered(
            "arena-nowhere",
            "a route that is not there",
            "RFC 9110 §15.5.5",
            "DELETE /nowhere HTTP/1.1\r\n",
            "404",
            none(),
        ),
        answered(
            "arena-too-large",
            "only /upload counts more than the largest content",
            "RFC 9110 §15.5.14",
            "POST /pipeline HTTP/1.1\r\nContent-Length: 20000000\r\n",
            "413",
            none(),
        ),
    ]
}

fn many_large() -> Step {
    Step::Repeat {
        text: "GET /json/50?m=2 HTTP/1.1\r\nHost: {{host}}\r\n\r\n".into(),
        times: SLOW_ANSWERS,
    }
}

fn slow_reader() -> Case {
    let send = vec![many_large(), Step::Text(GET_AND_CLOSE.into())];
    let outcome = Outcome {
        contents: [vec![None; SLOW_ANSWERS], vec![Some("55".into())]].concat(),
        holds: vec![Some("\"count\":50".into()); SLOW_ANSWERS],
        closed: Some(true),
        ..ok(SLOW_ANSWERS + 1)
    };
    Case {
        reading: Reading::Slowly {
            bytes: 64 * 1024,
            gap_ms: 1,
        },
        wait_ms: 20_000,
        ..case(
            "arena-slow-reader",
            "a reader so slow that answers are taken in parts",
            "RFC 9112 §9.3.2",
            send,
            outcome,
        )
    }
}

fn resets() -> Vec<Case> {
    let text = |text: &str| Step::Text(text.into());
    let post = "POST /baseline11?a=13&b=42 HTTP/1.1\r\nHost: {{host}}\r\nContent-Length: 1000\r\n\r\n0123456789";
    let reset = |id: &str, name: &str, before: Vec<Step>| {
        let send = [before, vec![Step::Reset, text(GET_AND_CLOSE)]].concat();
        case(id, name, "RFC 9112 §9.5", send, sum_and_close(55))
    };
    let slowly = Reading::Slowly {
        bytes: 4 * 1024,
        gap_ms: 20,
    };
    vec![
        reset(
            "arena-reset-head",
            "a reset within a head",
            vec![text("GET /basel"), Step::PauseMs(4)],
        ),
        reset(
            "arena-reset-content",
            "a reset within content",
            vec![text(post), Step::PauseMs(4)],
        ),
        reset(
            "arena-reset-batch",
            "a reset before answers are read",
            vec![Step::Repeat {
                text: GET_SMALL.into(),
                times: 16,
            }],
        ),
        Case {
            reading: slowly,
            ..reset(
                "arena-reset-sending",
                "a reset while answers wait to be sent",
                vec![many_large(), Step::PauseMs(50)],
            )
        },
    ]
}

fn case(id: &str, name: &str, section: &str, send: Vec<Step>, outcome: Outcome) -> Case {
    Case {
        id: id.into(),
        name: name.into(),
        group: "arena".into(),
        level: Level::Must,
        section: section.into(),
        origin: "arena".into(),
        send,
        allowed: vec![outcome],
        ..Case::default()
    }
}

fn ok(count: usize) -> Outcome {
    let ok = Statuses::try_from("200".to_owned()).expect("it is a status");
    Outcome {
        answers: vec![ok; count],
        ..Outcome::default()
    }
}

fn sum_and_close(sum: i64) -> Outcome {
    Outcome {
        contents: vec![Some(sum.to_string())],
        closed: Some(true),
        ..ok(1)
    }
}

/// Numbers of up to nine digits, by Steele, Lea and Flood's SplitMix64 (OOPSLA 2014).
fn numbers<const N: usize>(seed: u64) -> [i64; N] {
    let mut state = seed;
    std::array::from_fn(|_| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % 1_000_000_000) as i64
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::script::Script;

    #[test]
    fn nine_shapes_are_whole_requests_that_ask_to_close() {
        let cases = arena(1);
        let shapes: Vec<_> = cases.iter().filter(|case| case.every_cut).collect();
        assert_eq!(shapes.len(), 9);
        for case in shapes {
            let text = String::from_utf8(Script::of(case, "h:1").bytes()).unwrap();
            let (head, content) = text.split_once("\r\n\r\n").unwrap();
            assert!(
                head.to_ascii_lowercase().ends_with("\r\nconnection: close"),
                "{text}"
            );
            let length = format!("ength: {}\r\n", content.len());
            assert_eq!(
                head.to_ascii_lowercase().contains(&length),
                !content.is_empty() && !head.contains("chunked"),
                "{text}"
            );
        }
    }

    #[test]
    fn ids_are_unique_and_the_seed_changes_the_numbers() {
        let cases = arena(1);
        let ids: BTreeSet<_> = cases.iter().map(|case| case.id.clone()).collect();
        assert_eq!(ids.len(), cases.len());
        let sent = |seed| Script::of(&arena(seed)[3], "h:1").bytes();
        assert_eq!(sent(1), sent(1));
        assert_ne!(sent(1), sent(2));
    }
}
