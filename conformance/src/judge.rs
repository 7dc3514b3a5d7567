//! Compares what came with what is allowed, and says it in a sentence.

use crate::answer::Answer;
use crate::case::{Case, FieldValue, Outcome};
use crate::run::Observed;
use crate::statuses::{Statuses, fit};
use crate::text::{shown, with_host};

/// The most bytes that are shown of a content.
const SHOWN_BYTES_MAX: usize = 60;

/// What is said of a server in one case; a greater one is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// What came is allowed, and the best there is.
    Passed,
    /// It is allowed, but there is a better one.
    Warned,
    /// It is not allowed.
    Failed,
    /// It must never come: a smuggled or truncated request was acted on.
    Critical,
}

impl Verdict {
    /// In one word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Warned => "warned",
            Verdict::Failed => "failed",
            Verdict::Critical => "critical",
        }
    }
}

/// What is to be said of what came in a case that was played for `host`.
#[must_use]
pub fn judge(case: &Case, observed: &Observed, host: &str) -> Verdict {
    let fits = |outcome: &&Outcome| fits(outcome, observed, host);
    if case.never.iter().any(|outcome| fits(&outcome)) {
        return Verdict::Critical;
    }
    let best = case
        .allowed
        .iter()
        .filter(|outcome| fits(outcome) && !is_cut_off(outcome, observed))
        .map(|outcome| outcome.second_best)
        .min();
    match best {
        Some(false) => Verdict::Passed,
        Some(true) => Verdict::Warned,
        None => Verdict::Failed,
    }
}

/// What came and what is allowed, in one sentence.
#[must_use]
pub fn sentence(case: &Case, observed: &Observed) -> String {
    format!("came: {}; allowed: {}", came(observed), allowed(case))
}

/// What is allowed, in words.
#[must_use]
pub fn allowed(case: &Case) -> String {
    let any = |outcomes: &[Outcome]| {
        let mut texts: Vec<String> = outcomes.iter().map(one_allowed).collect();
        texts.dedup();
        texts.join("; or ")
    };
    match &case.never[..] {
        [] => any(&case.allowed),
        never => format!("{}; never {}", any(&case.allowed), any(never)),
    }
}

/// Whether an outcome is what came.
pub(crate) fn fits(outcome: &Outcome, observed: &Observed, host: &str) -> bool {
    let closed = observed.closed;
    let in_time = |max_ms: u64| closed.is_some_and(|closed| closed.at_ms <= max_ms);
    outcome
        .closed
        .is_none_or(|wanted| wanted == closed.is_some())
        && outcome.closed_within_ms.is_none_or(in_time)
        && outcome
            .early
            .is_none_or(|early| early == observed.early.unwrap_or(false))
        && outcome
            .interims
            .as_ref()
            .is_none_or(|interims| *interims == observed.answers.interims)
        && !outcome
            .interims_never
            .iter()
            .any(|status| observed.answers.interims.contains(status))
        && (outcome.any_bytes || answers_fit(outcome, observed, host))
}

/// Whether the connection was reset where an outcome asks for answers: a client that had read them a moment later would
/// have lost them (RFC 9112 §9.6). What must never come is critical all the same.
fn is_cut_off(outcome: &Outcome, observed: &Observed) -> bool {
    let is_reset = observed.closed.is_some_and(|closed| closed.reset);
    is_reset && !outcome.any_bytes && !outcome.answers.is_empty()
}

fn answers_fit(outcome: &Outcome, observed: &Observed, host: &str) -> bool {
    let answers = &observed.answers;
    let statuses: Vec<u16> = answers.finals.iter().map(|answer| answer.status).collect();
    let lacks = |answer: &Answer| {
        outcome
            .lacks
            .as_ref()
            .is_none_or(|text| !contains(&answer.content, &with_host(text, host)))
    };
    answers.fault.is_none()
        && answers.complete() == answers.finals.len()
        && fit(&outcome.answers, &statuses)
        && each(&outcome.contents, &answers.finals, |text, answer| {
            text.as_ref()
                .is_none_or(|text| answer.content == with_host(text, host))
        })
        && each(&outcome.holds, &answers.finals, |text, answer| {
            text.as_ref()
                .is_none_or(|text| contains(&answer.content, &with_host(text, host)))
        })
        && each(&outcome.fields, &answers.finals, |fields, answer| {
            fields.iter().all(|(name, value)| match value {
                FieldValue::Absent => answer.values(name).next().is_none(),
                value => answer.values(name).any(|found| value.fits(found)),
            })
        })
        && answers.finals.iter().all(lacks)
}

/// Whether every wish has an answer at its place that fulfils it.
fn each<W>(wishes: &[W], answers: &[Answer], fulfils: impl Fn(&W, &Answer) -> bool) -> bool {
    wishes.len() <= answers.len()
        && wishes
            .iter()
            .zip(answers)
            .all(|(wish, answer)| fulfils(wish, answer))
}

impl FieldValue {
    fn fits(&self, value: &[u8]) -> bool {
        match self {
            FieldValue::Present => true,
            FieldValue::Absent => false,
            FieldValue::Is(text) => value == text.as_bytes(),
            FieldValue::Lists(member) => value
                .split(|&byte| byte == b',')
                .any(|found| found.trim_ascii().eq_ignore_ascii_case(member.as_bytes())),
            FieldValue::ImfFixdate => is_imf_fixdate(value),
        }
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`: the form, and the names of days and months.
fn is_imf_fixdate(value: &[u8]) -> bool {
    const FORM: &[u8; 29] = b"aaa, 00 aaa 0000 00:00:00 GMT";
    const DAYS: &str = "Mon Tue Wed Thu Fri Sat Sun";
    const MONTHS: &str = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec";
    let same = |(form, byte): (&u8, &u8)| match form {
        b'a' => byte.is_ascii_alphabetic(),
        b'0' => byte.is_ascii_digit(),
        _ => form == byte,
    };
    let named = |names: &str, name: &[u8]| names.split(' ').any(|known| known.as_bytes() == name);
    value.len() == FORM.len()
        && FORM.iter().zip(value).all(same)
        && named(DAYS, &value[..3])
        && named(MONTHS, &value[8..11])
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    what.is_empty() || bytes.windows(what.len()).any(|window| window == what)
}

/// What came, in words.
#[must_use]
pub fn came(observed: &Observed) -> String {
    let mut parts: Vec<String> = observed
        .answers
        .interims
        .iter()
        .map(|status| format!("interim {status}"))
        .collect();
    parts.extend(repeated(observed.answers.finals.iter().map(|answer| {
        let status = answer.status;
        let cut_off = if answer.complete { "" } else { ", incomplete" };
        match &answer.content[..] {
            [] => format!("{status}{cut_off}"),
            content => format!("{status} \"{}\"{cut_off}", shown(content, SHOWN_BYTES_MAX)),
        }
    })));
    if parts.is_empty() {
        parts.push("no answer".into());
    }
    parts.extend(observed.answers.fault.map(str::to_owned));
    parts.extend(observed.early.map(|early| early_as_text(early).into()));
    parts.push(match observed.closed {
        None => "open".into(),
        Some(closed) if closed.reset && !observed.answers.finals.is_empty() => format!(
            "reset after {} ms, which can cost a client its answers",
            closed.at_ms
        ),
        Some(closed) if closed.reset => format!("reset after {} ms", closed.at_ms),
        Some(closed) => format!("closed after {} ms", closed.at_ms),
    });
    parts.join(", ")
}

fn one_allowed(outcome: &Outcome) -> String {
    let mut parts = Vec::new();
    match &outcome.answers[..] {
        _ if outcome.any_bytes => parts.push("any bytes".into()),
        [] => parts.push("no answer".into()),
        statuses => parts.extend(repeated(statuses.iter().map(Statuses::to_string))),
    }
    let texts = |what: &str, texts: &[Option<String>]| -> Vec<String> {
        let said = |text: &String| format!("{what} \"{}\"", text.escape_debug());
        repeated(texts.iter().flatten().map(said)).collect()
    };
    parts.extend(texts("content", &outcome.contents));
    parts.extend(texts("content with", &outcome.holds));
    parts.extend(
        outcome
            .lacks
            .iter()
            .map(|text| format!("no content with \"{}\"", text.escape_debug())),
    );
    let fields = outcome.fields.iter().flatten();
    parts.extend(fields.map(|(name, value)| match value {
        FieldValue::Present => format!("field {name}"),
        FieldValue::Absent => format!("no field {name}"),
        FieldValue::Is(value) => format!("{name}: {value}"),
        FieldValue::Lists(member) => format!("{name} with {member}"),
        FieldValue::ImfFixdate => format!("{name} as IMF-fixdate"),
    }));
    parts.extend(
        outcome
            .interims
            .iter()
            .flatten()
            .map(|status| format!("interim {status}")),
    );
    parts.extend(
        outcome
            .interims_never
            .iter()
            .map(|status| format!("no interim {status}")),
    );
    parts.extend(outcome.early.map(|early| early_as_text(early).into()));
    parts.extend(
        outcome
            .closed
            .map(|closed| if closed { "closed" } else { "open" }.into()),
    );
    parts.extend(
        outcome
            .closed_within_ms
            .map(|ms| format!("closed within {ms} ms")),
    );
    let second_best = if outcome.second_best {
        " (second best)"
    } else {
        ""
    };
    parts.join(", ") + second_best
}

fn early_as_text(early: bool) -> &'static str {
    if early { "early" } else { "not early" }
}

/// The same text many times in a row becomes `100 × 2xx`.
fn repeated(texts: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    let mut counted: Vec<(String, usize)> = Vec::new();
    for text in texts {
        match counted.last_mut() {
            Some((last, count)) if *last == text => *count += 1,
            _ => counted.push((text, 1)),
        }
    }
    counted.into_iter().map(|(text, count)| match count {
        1 => text,
        _ => format!("{count} × {text}"),
    })
}

#[cfg(test)]
mod tests;
