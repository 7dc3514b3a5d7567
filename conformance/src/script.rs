//! A case ready to be played against one host: its texts have become bytes.

use crate::case::{Case, Step};
use crate::text::{bytes, shown, with_host};

/// The most bytes that are shown of what was sent.
const SHOWN_BYTES_MAX: usize = 400;

/// What a client does, in order.
#[derive(Clone, Debug)]
pub struct Script {
    pub(crate) host: String,
    pub(crate) actions: Vec<Action>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Send(Vec<u8>),
    Pause(u64),
    AwaitAny(u64),
    AwaitAnswers { count: usize, max_ms: u64 },
    Finish,
    Reset,
}

impl Script {
    /// The script of a case for a host, such as `localhost:8080`.
    #[must_use]
    pub fn of(case: &Case, host: &str) -> Script {
        let length = length(case, host).to_string();
        let filled = |text: &str| with_host(&text.replace("{{length}}", &length), host);
        let actions = case.send.iter().flat_map(|step| actions(step, &filled));
        Script {
            host: host.to_owned(),
            actions: actions.collect(),
        }
    }

    /// How many bytes are sent in all.
    #[must_use]
    pub fn bytes_total(&self) -> usize {
        self.sent().map(<[u8]>::len).sum()
    }

    /// The bytes that are sent, joined.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.sent().collect::<Vec<_>>().concat()
    }

    /// What is sent, for people.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut parts = Vec::new();
        for action in &self.actions {
            parts.push(match action {
                Action::Send(bytes) => shown(bytes, SHOWN_BYTES_MAX),
                Action::Pause(ms) => format!("(pause of {ms} ms)"),
                Action::AwaitAny(_) | Action::AwaitAnswers { .. } => "(wait for answers)".into(),
                Action::Finish => "(end of input)".into(),
                Action::Reset => "(reset; a new connection)".into(),
            });
        }
        let count = parts.len();
        parts.truncate(12);
        if parts.len() < count {
            parts.push("…".into());
        }
        parts.join(" ")
    }

    fn sent(&self) -> impl Iterator<Item = &[u8]> {
        self.actions.iter().filter_map(|action| match action {
            Action::Send(bytes) => Some(&bytes[..]),
            _ => None,
        })
    }
}

fn actions(step: &Step, filled: &dyn Fn(&str) -> Vec<u8>) -> Vec<Action> {
    match step {
        Step::Text(text) => vec![Action::Send(filled(text))],
        Step::Repeat { text, times } => vec![Action::Send(filled(text).repeat(*times))],
        Step::Drip {
            text,
            times,
            gap_ms,
        } => {
            let whole = filled(text);
            let units: Vec<Vec<u8>> = match times {
                Some(times) => vec![whole; *times],
                None => whole.iter().map(|&byte| vec![byte]).collect(),
            };
            let sent_and_paused = |unit| [Action::Send(unit), Action::Pause(*gap_ms)];
            units.into_iter().flat_map(sent_and_paused).collect()
        }
        Step::PauseMs(ms) => vec![Action::Pause(*ms)],
        Step::AwaitAnyMs(ms) => vec![Action::AwaitAny(*ms)],
        Step::AwaitAnswers { count, max_ms } => vec![Action::AwaitAnswers {
            count: *count,
            max_ms: *max_ms,
        }],
        Step::Finish => vec![Action::Finish],
        Step::Reset => vec![Action::Reset],
    }
}

/// How many bytes the texts of a case have behind their first empty line.
fn length(case: &Case, host: &str) -> usize {
    let texts = case.send.iter().filter_map(|step| match step {
        Step::Text(text) => Some(&text[..]),
        _ => None,
    });
    let joined = texts.collect::<String>();
    let content = joined.split_once("\r\n\r\n").map_or("", |(_, rest)| rest);
    bytes(&content.replace("{{host}}", host)).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(send: Vec<Step>) -> Script {
        let case = Case {
            send,
            ..Case::default()
        };
        Script::of(&case, "h:1")
    }

    #[test]
    fn length_is_what_follows_the_first_empty_line() {
        let head = "POST / HTTP/1.1\r\nHost: {{host}}\r\nContent-Length: {{length}}\r\n\r\n";
        let script = script(vec![
            Step::Text(head.into()),
            Step::PauseMs(5),
            Step::Text("é {{host}}\r\n\r\n".into()),
        ]);
        let text = script.bytes();
        assert!(
            text.ends_with(b"Content-Length: 9\r\n\r\n\xe9 h:1\r\n\r\n"),
            "{}",
            text.escape_ascii()
        );
        assert!(script.shown().contains("(pause of 5 ms) \\xe9 h:1"));
    }

    #[test]
    fn a_drip_pauses_after_each_part() {
        let text = || "ab".to_owned();
        let drip = |times| {
            script(vec![Step::Drip {
                text: text(),
                times,
                gap_ms: 4,
            }])
        };
        let sent = |bytes: &[u8]| Action::Send(bytes.to_vec());
        let pause = || Action::Pause(4);
        assert_eq!(
            drip(None).actions,
            [sent(b"a"), pause(), sent(b"b"), pause()]
        );
        assert_eq!(
            drip(Some(2)).actions,
            [sent(b"ab"), pause(), sent(b"ab"), pause()]
        );
    }
}
