//! Says whether a connection went right, from what the client sent, what it was sent, and how it ended. Slow and obvious:
//! it reads both directions again from the start, as RFC 9110 and RFC 9112 say, and shares nothing with the core.
//!
//! What arrived decides which answers there are to be, in which order, each once. How it ended decides how many of them may
//! be missing: none, unless the client went away, was too slow, or the server was told to stop and ran out of time. No end
//! excuses an answer that is wrong, double, out of order, or torn and then gone on with.

mod answer;
mod chunks;
mod expected;
mod request;
mod walk;

use orthant_core::{CloseReason, Fault, Limits};

use crate::counts::{Counts, Kind};
use crate::scenario::FULL_MAX;
use request::Partial;
use walk::{LATE_MS_MAX, Walk, scarce, shown};

/// What is known of a connection that has ended.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) limits: &'a Limits,
    /// Whether every request is right but for the limits.
    pub(crate) valid: bool,
    /// What the worker was given before it wanted to shut or to close.
    pub(crate) received: &'a [u8],
    /// Where and when each piece of that ends, and whether everything was answered and sent when it came.
    pub(crate) came: &'a [(usize, u64, bool)],
    /// How much had come when a request was last presented.
    pub(crate) presented: usize,
    /// The worker was told that nothing more comes.
    pub(crate) fin: bool,
    /// What was sent, and behind it what the worker would have sent yet.
    pub(crate) sent: &'a [u8],
    pub(crate) unsent: usize,
    pub(crate) reason: CloseReason,
    /// When it was opened or anything was last sent, and since when something was pending.
    pub(crate) sent_ms: u64,
    pub(crate) pending_ms: u64,
    pub(crate) shut_ms: Option<u64>,
    pub(crate) close_ms: u64,
    pub(crate) drain_ms: Option<u64>,
}

/// What can be compared with the same client's connection in another run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// The answers, without what depends on time.
    pub(crate) bytes: Vec<u8>,
    /// The last of them closed the connection, for this reason.
    pub(crate) closed: Option<CloseReason>,
}

/// How far the answers got.
#[derive(Debug)]
enum End {
    /// Every request was answered, and no other had begun.
    Clean,
    /// Every whole request was answered.
    Within(Partial),
    /// An answer was the last one.
    Closed(Last),
    /// A whole request was not answered.
    Missing,
    /// An answer was cut off; whether its application did it, whether it could have waited for a region.
    Torn { meant: bool, waits: bool },
}

/// Which answer was the last one.
#[derive(Debug, PartialEq, Eq)]
enum Last {
    PeerAsked,
    Application,
    Drained,
    Failed,
    Wrong,
    Truncated,
    Silence,
    Exhausted,
}

/// Judges a connection.
///
/// # Errors
/// A sentence that says what is wrong.
pub(crate) fn judge(facts: &Facts<'_>, counts: &mut Counts) -> Result<Option<Told>, String> {
    counts.connections += 1;
    let mut walk = Walk {
        facts,
        counts: &mut *counts,
        from: 0,
        at: 0,
        begins: 0,
        requests: 0,
        effects: 0,
        told: Vec::new(),
    };
    let end = walk.end()?;
    let (at, told) = (walk.at, walk.told);
    if matches!(end, End::Closed(_)) && at < facts.sent.len() {
        let behind = shown(&facts.sent[at..]);
        return Err(format!("{behind} is sent behind the last answer"));
    }
    note_end(facts, &end, counts);
    let forced = facts.drain_ms.is_some_and(|drain_ms| {
        facts.close_ms >= drain_ms.saturating_add(facts.limits.drain_timeout_ms)
    });
    ended(facts, &end, forced)
        .map_err(|error| format!("{error}; {:?} with {end:?}", facts.reason))?;
    let closed = match end {
        End::Clean => None,
        End::Closed(Last::PeerAsked | Last::Application | Last::Failed | Last::Wrong) => {
            Some(facts.reason)
        }
        _ => return Ok(None),
    };
    let comparable = match facts.reason {
        CloseReason::Broken | CloseReason::SlowReader | CloseReason::Drained => false,
        _ => facts.drain_ms.is_none(),
    };
    Ok(comparable.then_some(Told {
        bytes: told,
        closed,
    }))
}

/// Counts how it ended.
fn note_end(facts: &Facts<'_>, end: &End, counts: &mut Counts) {
    if facts.fin {
        counts.note(Kind::HalfClose);
    }
    counts.note(match facts.reason {
        CloseReason::PeerClosed => Kind::PeerClosed,
        CloseReason::PeerAsked => Kind::PeerAsked,
        CloseReason::LastAnswer => Kind::LastAnswer,
        CloseReason::Refused(Fault::Silence) => Kind::Silence,
        CloseReason::Refused(Fault::Truncated) => Kind::HalfCloseWithin,
        CloseReason::Refused(_) => Kind::Refused,
        CloseReason::Idle => Kind::Idle,
        CloseReason::SlowReader => Kind::SlowReader,
        CloseReason::Drained => Kind::Drained,
        CloseReason::Broken => Kind::Broken,
    });
    if facts.reason == CloseReason::Broken {
        counts.note(match end {
            End::Clean => Kind::ResetIdle,
            End::Within(partial) if partial.head_end.is_some() => Kind::ResetContent,
            End::Within(_) => Kind::ResetHead,
            End::Missing => Kind::ResetParked,
            End::Torn { .. } => Kind::ResetAnswer,
            End::Closed(_) => Kind::ResetLinger,
        });
    }
}

/// Of such a time that it may ask for nothing, what it has for sure: its place may be needed.
fn patience_ms(limits: &Limits, timeout_ms: u64) -> u64 {
    match limits.connections_max <= FULL_MAX {
        true => timeout_ms.min(limits.full_idle_ms),
        false => timeout_ms,
    }
}

/// Whether a connection may end so, for this reason and at this time.
fn ended(facts: &Facts<'_>, end: &End, forced: bool) -> Result<(), String> {
    let limits = facts.limits;
    let since = |from_ms: u64, timeout_ms: u64| match facts.close_ms.saturating_sub(from_ms)
        >= timeout_ms
    {
        true => Ok(()),
        false => Err(format!(
            "it ends {} ms after {from_ms}, before its time of {timeout_ms}",
            facts.close_ms.saturating_sub(from_ms)
        )),
    };
    let fits = match facts.reason {
        CloseReason::Broken => return Ok(()),
        // Or it held a region that others waited for.
        CloseReason::SlowReader => {
            let patience_ms = limits.send_timeout_ms.min(limits.region_hold_ms / 4);
            return since(facts.pending_ms, patience_ms);
        }
        CloseReason::Drained if forced => return Ok(()),
        CloseReason::Drained => match end {
            End::Closed(Last::Drained | Last::Application) => true,
            End::Clean if facts.drain_ms.is_some() => {
                since(
                    facts.sent_ms,
                    limits.drain_idle_ms.min(limits.idle_timeout_ms),
                )?;
                true
            }
            _ => false,
        },
        CloseReason::Idle => {
            since(facts.sent_ms, patience_ms(limits, limits.idle_timeout_ms))?;
            matches!(end, End::Clean)
        }
        CloseReason::PeerClosed => facts.fin && matches!(end, End::Clean),
        CloseReason::PeerAsked => matches!(end, End::Closed(Last::PeerAsked)),
        CloseReason::LastAnswer => matches!(end, End::Closed(Last::Application)),
        CloseReason::Refused(Fault::Truncated) => matches!(end, End::Closed(Last::Truncated)),
        CloseReason::Refused(Fault::Silence) => matches!(end, End::Closed(Last::Silence)),
        CloseReason::Refused(Fault::Exhausted) => match end {
            End::Closed(Last::Exhausted) => true,
            End::Torn { waits: true, .. } if scarce(limits) => return Ok(()),
            End::Torn { waits: true, .. } => return since(facts.sent_ms, limits.region_wait_ms),
            _ => false,
        },
        CloseReason::Refused(Fault::Application) => match end {
            End::Closed(Last::Failed) => true,
            End::Torn { meant: true, .. } => return Ok(()),
            _ => false,
        },
        CloseReason::Refused(_) => matches!(end, End::Closed(Last::Wrong)),
    };
    if !fits {
        return Err("the answers do not fit the reason".to_owned());
    }
    if facts.unsent > 0 {
        return Err(format!("{} bytes were not sent", facts.unsent));
    }
    // RFC 9112 §9.6: who did not ask for the end is heard until the last answer has reached it.
    let lingers = !matches!(
        facts.reason,
        CloseReason::PeerAsked | CloseReason::PeerClosed | CloseReason::Idle
    );
    if lingers && !facts.fin {
        let shut_ms = facts.shut_ms.ok_or("it closes without lingering")?;
        let timeout_ms = match facts.reason {
            // It counts as of no use where its place is needed.
            CloseReason::Refused(Fault::ContentTooLarge | Fault::Exhausted) => {
                patience_ms(limits, limits.linger_timeout_ms)
            }
            _ => limits.linger_timeout_ms,
        };
        since(shut_ms, timeout_ms)?;
        let longest_ms = limits.linger_timeout_ms.max(limits.content_timeout_ms) + LATE_MS_MAX;
        if facts.close_ms - shut_ms > longest_ms {
            return Err(format!("it lingers from {shut_ms} to {}", facts.close_ms));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
