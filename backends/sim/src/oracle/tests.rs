//! The oracle sees what it is there for: each tampering with a right conversation is told.

use super::*;

const ASKED: &str = "GET /fix/3/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /fix/4/2 HTTP/1.1\r\nHost: a\r\n\r\n\
                     GET /bye/3 HTTP/1.1\r\nHost: a\r\n\r\n";

fn answer(fields: &str, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n{fields}Content-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), content].concat()
}

fn answers() -> [Vec<u8>; 3] {
    [
        answer("", crate::shop::letters(1, 3)),
        answer("", crate::shop::letters(2, 4)),
        answer("Connection: close\r\n", b"bye 3"),
    ]
}

/// What is said of this conversation, which ends for this reason.
fn says(asked: &str, answers: &[Vec<u8>], reason: CloseReason) -> String {
    let sent = answers.concat();
    let facts = Facts {
        limits: &Limits::DEFAULT,
        valid: true,
        received: asked.as_bytes(),
        came: &[(asked.len(), 1_000, true)],
        presented: asked.len(),
        fin: true,
        sent: &sent,
        unsent: 0,
        reason,
        sent_ms: 1_000,
        pending_ms: 1_000,
        shut_ms: None,
        close_ms: 1_001,
        drain_ms: None,
    };
    judge(&facts, &mut Counts::new()).map_or_else(|error| error, |_| String::new())
}

#[test]
fn a_right_conversation_is_right() {
    assert_eq!(says(ASKED, &answers(), CloseReason::LastAnswer), "");
    let (first, rest) = ASKED.split_once("GET /bye").unwrap();
    assert_eq!(says(first, &answers()[..2], CloseReason::PeerClosed), "");
    assert!(!rest.is_empty());
}

#[test]
fn wrong_double_missing_and_reordered_answers_are_seen() {
    let [first, second, last] = answers();
    let torn = second[..second.len() - 1].to_vec();
    let mut wrong = first.clone();
    *wrong.last_mut().unwrap() ^= 1;
    for (what, answers) in [
        ("wrong", vec![wrong, second.clone(), last.clone()]),
        (
            "double",
            vec![first.clone(), first.clone(), second.clone(), last.clone()],
        ),
        ("missing", vec![first.clone(), last.clone()]),
        (
            "out of order",
            vec![second.clone(), first.clone(), last.clone()],
        ),
        (
            "torn and gone on with",
            vec![first.clone(), torn.clone(), last.clone()],
        ),
        (
            "behind the last",
            vec![first.clone(), second.clone(), last.clone(), last.clone()],
        ),
        ("cut off", vec![first.clone(), torn]),
        ("not all", vec![first, second]),
    ] {
        assert_ne!(says(ASKED, &answers, CloseReason::LastAnswer), "", "{what}");
    }
}

#[test]
fn an_end_before_its_time_is_seen() {
    let said = says("", &[], CloseReason::Idle);
    assert!(said.contains("before its time of 20000"), "{said}");
    let [first, second, _] = answers();
    let said = says(ASKED, &[first, second], CloseReason::SlowReader);
    assert!(said.contains("before its time of 250"), "{said}");
}

#[test]
fn an_answer_to_nothing_is_seen() {
    let said = says("", &answers()[..1], CloseReason::PeerClosed);
    assert_eq!(said, "answer 200 to nothing");
}
