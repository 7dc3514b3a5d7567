//! Recorded answers, right and wrong, and what has to be said of them.

use super::*;
use crate::answer::{Peer, read};
use crate::h1::h1;
use crate::target::Closed;

const OK: &str =
    "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 2\r\n\r\nOK";
const BAD: &str = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

fn case(id: &str) -> Case {
    h1().into_iter().find(|case| case.id == id).unwrap()
}

fn echoed(content: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{content}",
        content.len()
    )
}

/// What is said when this came on a connection that stayed open, or was closed at some time.
fn judged(case: &Case, came: &str, closed_ms: Option<u64>) -> (Verdict, String) {
    let closed = closed_ms.map(|at_ms| Closed {
        reset: false,
        at_ms,
    });
    judged_with(case, came, closed)
}

fn judged_with(case: &Case, came: &str, closed: Option<Closed>) -> (Verdict, String) {
    let peer = closed.map_or(Peer::Open, |_| Peer::Closed);
    let observed = Observed {
        answers: read(came.as_bytes(), peer, |at| case.method(at)),
        closed,
        early: None,
    };
    (judge(case, &observed, "h:1"), sentence(case, &observed))
}

fn verdict(id: &str, came: &str, closed_ms: Option<u64>) -> Verdict {
    judged(&case(id), came, closed_ms).0
}

#[test]
fn a_recorded_right_answer_passes() {
    assert_eq!(
        verdict("h1-5abe94", &echoed("hello"), None),
        Verdict::Passed
    );
    assert_eq!(verdict("h1-29fef1", OK, None), Verdict::Passed);
    assert_eq!(verdict("h1-9af5c2", BAD, Some(3)), Verdict::Passed);
    let hundred = OK.repeat(100);
    assert_eq!(verdict("h1-49c890", &hundred, None), Verdict::Passed);
}

#[test]
fn a_recorded_wrong_answer_fails() {
    for (id, came, closed_ms) in [
        ("h1-5abe94", echoed("hell"), None), // another content
        ("h1-5abe94", echoed("hello")[..40].into(), None), // a part of it
        ("h1-5abe94", echoed("hello").replace("200", "500"), None), // another status
        ("h1-5abe94", echoed("hello") + "x", None), // a byte too much
        ("h1-5abe94", echoed("hello").replace(": ", " : "), None), // no field
        ("h1-5abe94", String::new(), None),  // none
        ("h1-16e737", OK.into(), None),      // content in an answer to HEAD
        ("h1-29fef1", OK.replace("06 Nov", "6 Nov "), None), // a date of another form
        ("h1-29fef1", OK.replace("Sun", "Son"), None),
        ("h1-d6c0c5", OK.into(), Some(3)), // closed without saying so
        ("h1-d6c0c5", BAD.replace("400", "200"), None), // said so without closing
        ("h1-02c7b5", OK.to_owned() + &OK[..OK.len() - 1], Some(3)), // cut off
        ("h1-49c890", OK.repeat(99), None),
        ("h1-49c890", OK.repeat(101), None),
        (
            "h1-4c8029",
            "HTTP/1.1 101 Switching Protocols\r\n\r\n".into(),
            None,
        ),
        ("h1-d78822", echoed("hello"), None), // no 100 came first
    ] {
        let (verdict, sentence) = judged(&case(id), &came, closed_ms);
        assert_eq!(verdict, Verdict::Failed, "{id}: {sentence}");
    }
}

#[test]
fn the_second_best_is_warned_of() {
    assert_eq!(verdict("h1-9af5c2", "", Some(3)), Verdict::Warned);
    assert_eq!(
        verdict("h1-b239e4", &BAD.replace("400", "404"), Some(3)),
        Verdict::Warned
    );
    // An outcome that is allowed twice, once as second best, passes.
    assert_eq!(verdict("h1-25b1cf", "", Some(3)), Verdict::Passed);
}

#[test]
fn a_smuggled_request_is_critical_even_where_the_rest_is_allowed() {
    let both = case("h1-fc92bf");
    assert_eq!(judged(&both, BAD, Some(3)).0, Verdict::Passed);
    assert_eq!(judged(&both, &echoed("hello"), None).0, Verdict::Failed);
    assert_eq!(
        judged(&both, &echoed("hello").repeat(2), None).0,
        Verdict::Critical
    );
    let never = case("h1-c27b58");
    let (verdict, sentence) = judged(&never, &OK.repeat(2), None);
    assert_eq!(verdict, Verdict::Critical, "{sentence}");
}

#[test]
fn a_close_has_to_come_in_time() {
    assert_eq!(verdict("h1-9116be", "", Some(80_000)), Verdict::Passed);
    assert_eq!(verdict("h1-9116be", "", Some(80_001)), Verdict::Failed);
    assert_eq!(verdict("h1-9116be", "", None), Verdict::Failed);
}

#[test]
fn an_answer_that_a_reset_can_cost_fails_and_a_smuggled_one_stays_critical_rfc9112_9_6() {
    let reset = |case: &Case, came: &str| {
        let closed = Closed {
            reset: true,
            at_ms: 3,
        };
        judged_with(case, came, Some(closed))
    };
    let (verdict, sentence) = reset(&case("h1-9af5c2"), BAD);
    assert_eq!(verdict, Verdict::Failed);
    assert!(
        sentence.contains("reset after 3 ms, which can cost a client its answers;"),
        "{sentence}"
    );
    // One that may stay open may not be reset either, and one without an answer has none to lose.
    assert_eq!(
        reset(&case("h1-5abe94"), &echoed("hello")).0,
        Verdict::Failed
    );
    assert_eq!(reset(&case("h1-9116be"), "").0, Verdict::Passed);
    let smuggled = echoed("hello").repeat(2);
    assert_eq!(reset(&case("h1-fc92bf"), &smuggled).0, Verdict::Critical);
}

#[test]
fn the_sentence_says_what_came_and_what_was_allowed() {
    let (_, sentence) = judged(&case("h1-c27b58"), &OK.repeat(2), None);
    assert_eq!(
        sentence,
        "came: 2 × 200 \"OK\", open; allowed: 400, closed; or 2xx, content \"\", closed; or no answer, closed (second best); \
         never 2xx, 2xx, xxx*"
            .replace("never 2xx, 2xx", "never 2 × 2xx")
    );
    let (_, sentence) = judged(&case("h1-5abe94"), "nonsense", Some(7));
    assert_eq!(
        sentence,
        "came: no answer, an answer does not begin with HTTP/, closed after 7 ms; allowed: 2xx, content \"hello\""
    );
}

#[test]
fn a_field_that_must_not_be_there_fails_where_it_is() {
    let case: Case = serde_json::from_str(
        r#"{"id":"x","name":"","group":"","level":"MUST","ref":"","origin":"","send":[],
            "allowed":[{"answers":["200"],"fields":[{"transfer-encoding":"absent"}]}]}"#,
    )
    .unwrap();
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(judged(&case, chunked, None).0, Verdict::Failed);
    let (verdict, sentence) = judged(&case, OK, None);
    assert_eq!(verdict, Verdict::Passed);
    assert!(
        sentence.contains("no field transfer-encoding"),
        "{sentence}"
    );
}
