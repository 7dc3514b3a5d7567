//! Plays a case against a target: does what its script says, then waits for what is allowed.
//!
//! It waits as long as the case allows, unless nothing has come for half a second and what is there decides in the
//! server's favour: a server that keeps a connection open cannot be waited out.

use std::io;

use crate::answer::{Answers, Peer, read};
use crate::case::{Case, Outcome};
use crate::judge::fits;
use crate::pieces::Pieces;
use crate::script::{Action, Script};
use crate::target::{Closed, Conversation, Target};

/// Nothing more is expected when nothing has come for so long.
const QUIET_MS: u64 = 500;

/// The pause between the two halves of a cut: long enough that a server has read the first one before the other comes.
const CUT_PAUSE_MS: u64 = 4;

/// What came in a conversation.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The answers.
    pub answers: Answers,
    /// How the peer closed, if it did.
    pub closed: Option<Closed>,
    /// Whether something came while it was awaited, if anything was.
    pub early: Option<bool>,
}

/// Plays a case, its bytes cut into these pieces; `script` is that of the case for this target's host.
///
/// # Errors
/// When the target opens no connection.
pub fn run<T: Target>(
    target: &T,
    case: &Case,
    script: &Script,
    pieces: Pieces,
) -> io::Result<Observed> {
    let mut run = Run {
        conversation: target.open(case.reading)?,
        case,
        pieces,
        sent: 0,
        seen_bytes: 0,
        last_ms: 0,
        early: None,
    };
    for action in &script.actions {
        if run.conversation.closed().is_some_and(|closed| closed.reset) {
            break;
        }
        if *action == Action::Reset {
            std::mem::replace(&mut run.conversation, target.open(case.reading)?).reset();
            (run.seen_bytes, run.last_ms) = (0, 0);
        } else {
            run.act(action);
        }
    }
    run.wait_for_outcome(&script.host);
    Ok(run.observed())
}

struct Run<'c, C> {
    conversation: C,
    case: &'c Case,
    pieces: Pieces,
    /// Bytes sent so far, on all connections.
    sent: usize,
    /// How many bytes had come when that was last looked at, and when the last of them came.
    seen_bytes: usize,
    last_ms: u64,
    early: Option<bool>,
}

impl<C: Conversation> Run<'_, C> {
    fn act(&mut self, action: &Action) {
        match action {
            Action::Send(bytes) => self.send(bytes),
            Action::Pause(ms) => {
                let until_ms = self.conversation.now_ms() + ms;
                while self.goes_on(until_ms) {
                    self.wait(until_ms);
                }
            }
            Action::AwaitAny(ms) => {
                let came =
                    |answers: &Answers| !answers.finals.is_empty() || !answers.interims.is_empty();
                self.wait_until(*ms, came);
                self.early = Some(came(&self.answers()));
            }
            Action::AwaitAnswers { count, max_ms } => {
                self.wait_until(*max_ms, |answers| answers.complete() >= *count);
            }
            Action::Finish => self.conversation.finish(),
            Action::Reset => {
                unreachable!("a reset ends the conversation, so it is not acted on within")
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(self.pieces.next(self.sent, rest.len()));
            self.conversation.send(piece);
            self.sent += piece.len();
            rest = after;
            if self.pieces.pauses_after(self.sent) {
                self.act(&Action::Pause(CUT_PAUSE_MS));
            }
        }
    }

    /// Waits for answers that are enough, at most so long.
    fn wait_until(&mut self, max_ms: u64, enough: impl Fn(&Answers) -> bool) {
        let until_ms = self.conversation.now_ms() + max_ms;
        while self.goes_on(until_ms) && !enough(&self.answers()) {
            self.wait(until_ms);
        }
    }

    fn wait_for_outcome(&mut self, host: &str) {
        let until_ms = self.conversation.now_ms() + self.case.wait_ms;
        while self.goes_on(until_ms) {
            let quiet_ms = self.last_ms + QUIET_MS;
            if self.conversation.now_ms() < quiet_ms {
                self.wait(until_ms.min(quiet_ms));
            } else if self.is_decided(host) {
                break;
            } else {
                self.wait(until_ms);
            }
        }
    }

    /// Whether what came is allowed, and nothing can change that but a close that nobody asks for.
    fn is_decided(&self, host: &str) -> bool {
        let allowed = &self.case.allowed;
        let wants_close =
            |outcome: &Outcome| outcome.closed == Some(true) || outcome.closed_within_ms.is_some();
        let observed = self.observed();
        let mut best = allowed
            .iter()
            .filter(|outcome| !outcome.second_best && fits(outcome, &observed, host));
        if allowed.iter().any(wants_close) {
            let most = allowed.iter().map(|outcome| outcome.answers.len()).max();
            best.next().is_some() && Some(observed.answers.complete()) >= most
        } else {
            best.any(|outcome| outcome.closed != Some(false))
        }
    }

    fn goes_on(&self, until_ms: u64) -> bool {
        self.conversation.closed().is_none() && self.conversation.now_ms() < until_ms
    }

    fn wait(&mut self, until_ms: u64) {
        self.conversation.wait(until_ms);
        let bytes = self.conversation.received().len();
        if bytes != self.seen_bytes {
            self.seen_bytes = bytes;
            self.last_ms = self.conversation.now_ms();
        }
    }

    fn answers(&self) -> Answers {
        let peer = match self.conversation.closed() {
            Some(_) => Peer::Closed,
            None => Peer::Open,
        };
        read(self.conversation.received(), peer, |at| {
            self.case.method(at)
        })
    }

    fn observed(&self) -> Observed {
        Observed {
            answers: self.answers(),
            closed: self.conversation.closed(),
            early: self.early,
        }
    }
}
