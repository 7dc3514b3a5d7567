//! A case: what is sent, and which outcomes are allowed. It is data; the names here are those of the files in `cases/`.
//!
//! Texts stand for bytes, a character up to U+00FF for each. In what is sent `{{host}}` is the target's host and port, and
//! `{{length}}` the length of what the case sends behind its first empty line; `{{host}}` may stand in contents, too.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::statuses::Statuses;
use crate::target::Reading;

/// How long outcomes may take after the last byte was sent, unless the case says otherwise.
const WAIT_MS: u64 = 2_500;

/// What is sent to a server, and which outcomes are allowed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it is called on a command line.
    pub id: String,
    /// What it is about, for people.
    pub name: String,
    /// What it belongs to, such as `chunked`.
    pub group: String,
    /// How binding it is.
    pub level: Level,
    /// The section it follows from, such as `RFC 9112 §6.3`.
    #[serde(rename = "ref")]
    pub section: String,
    /// Who looked for it first: an RFC, a test suite, a write-up.
    pub origin: String,
    /// Whether a wrong outcome harms somebody.
    #[serde(default)]
    pub security: bool,
    /// Whether it takes a minute on a real clock.
    #[serde(default)]
    pub slow: bool,
    /// The methods of the requests, in their order; one alone is that of all, and those not named are GET.
    #[serde(default)]
    pub methods: Vec<String>,
    /// How long outcomes may take after everything was sent.
    #[serde(default = "wait_ms")]
    pub wait_ms: u64,
    /// What else there is to know.
    #[serde(default)]
    pub note: Option<String>,
    /// How the client reads.
    #[serde(skip)]
    pub reading: Reading,
    /// Whether it is played with a cut at every offset even where that takes real time.
    #[serde(skip)]
    pub every_cut: bool,
    /// What the client does.
    pub send: Vec<Step>,
    /// The outcomes that are allowed.
    pub allowed: Vec<Outcome>,
    /// Outcomes that are critical whatever the level, such as that a smuggled request was acted on.
    #[serde(default)]
    pub never: Vec<Outcome>,
}

/// How binding a case is (RFC 2119).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// An absolute requirement.
    Must,
    /// There may be reasons not to, whose cost is to be weighed.
    Should,
    /// Left to the server, but some choices are unwise.
    Policy,
}

/// Something that the client does.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Sends this in one write.
    Text(String),
    /// Sends this so many times over, in one write.
    Repeat {
        /// What is repeated.
        text: String,
        /// How often.
        times: usize,
    },
    /// Sends this byte by byte or, with `times`, as a whole so many times, and pauses after each.
    Drip {
        /// What is sent.
        text: String,
        /// How often the whole is sent.
        times: Option<usize>,
        /// The pause.
        gap_ms: u64,
    },
    /// Does nothing for so long, unless the peer closes.
    PauseMs(u64),
    /// Waits until an answer, or a part of one, is there, at most so long, and notes whether it came.
    AwaitAnyMs(u64),
    /// Waits until so many answers are complete or the peer has closed.
    AwaitAnswers {
        /// How many.
        count: usize,
        /// At most so long.
        max_ms: u64,
    },
    /// Sends no more and says so.
    Finish,
    /// Resets the connection, and goes on with a new one: what is observed is what happens there.
    Reset,
}

/// What may come. Everything that it names has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Outcome {
    /// The statuses of the final answers, exactly so many.
    pub answers: Vec<Statuses>,
    /// The answers are not looked at, and need not be any.
    pub any_bytes: bool,
    /// The contents of the answers in their order, as far as they are named.
    pub contents: Vec<Option<String>>,
    /// What stands somewhere in the contents, likewise.
    pub holds: Vec<Option<String>>,
    /// What stands in no content.
    pub lacks: Option<String>,
    /// Fields of the answers in their order, by lower-case name.
    pub fields: Vec<BTreeMap<String, FieldValue>>,
    /// The statuses of the interim answers, exactly these.
    pub interims: Option<Vec<u16>>,
    /// Statuses that no interim answer has.
    pub interims_never: Vec<u16>,
    /// Whether something came while it was awaited.
    pub early: Option<bool>,
    /// Whether the peer has closed.
    pub closed: Option<bool>,
    /// The peer has closed no later than this after the connection was opened.
    pub closed_within_ms: Option<u64>,
    /// Allowed, but there is a better one.
    pub second_best: bool,
}

/// What a field of an answer has to be; where a name stands in several fields, one of them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldValue {
    /// It is there.
    Present,
    /// It is not there.
    Absent,
    /// This value.
    Is(String),
    /// A list with this member, without regard to case.
    Lists(String),
    /// A date as RFC 9110 §5.6.7 prefers it.
    ImfFixdate,
}

impl Case {
    /// The method of the request whose answer comes at this place.
    pub(crate) fn method(&self, at: usize) -> &str {
        match &self.methods[..] {
            [only] => only,
            methods => methods.get(at).map_or("GET", String::as_str),
        }
    }
}

impl Level {
    /// As RFC 2119 writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Level::Must => "MUST",
            Level::Should => "SHOULD",
            Level::Policy => "POLICY",
        }
    }
}

fn wait_ms() -> u64 {
    WAIT_MS
}

impl Default for Case {
    fn default() -> Case {
        Case {
            id: String::new(),
            name: String::new(),
            group: String::new(),
            level: Level::Must,
            section: String::new(),
            origin: String::new(),
            security: false,
            slow: false,
            methods: Vec::new(),
            wait_ms: WAIT_MS,
            note: None,
            reading: Reading::AtOnce,
            every_cut: false,
            send: Vec::new(),
            allowed: Vec::new(),
            never: Vec::new(),
        }
    }
}
