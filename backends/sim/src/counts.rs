//! What a simulation has met: faults injected, answers seen, ways in which connections ended. A kind that never occurred
//! means that the simulation has gone blind there, so whoever runs it to the end asks for those that are missing.

use std::fmt;

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident $text:literal,)*) => {
        /// Something that a simulation counts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $(#[doc = $text] $name,)*
        }

        impl Kind {
            const ALL: &[(Kind, &str)] = &[$((Kind::$name, $text),)*];
        }
    };
}

kinds! {
    CutInput "input cut",
    ByteInput "input of one byte",
    Overshoot "receive while told not to",
    PartSent "send in part",
    NothingSent "send of nothing",
    LateSent "send under way during other events",
    SentAfterClose "send ended after close was wanted",
    ResetHead "reset before a whole head",
    ResetContent "reset within content",
    ResetAnswer "reset within an answer",
    ResetParked "reset before an answer",
    ResetIdle "reset while idle",
    ResetLinger "reset while lingering",
    KernelRefused "send or receive refused by the kernel",
    HalfClose "half-close",
    HalfCloseWithin "half-close within a request",
    Late "loop woken late",
    Delay "delay of the network",
    Reorder "other order between connections",
    StaleId "call for an id that has ended",
    Backlog "connection left to the queue",
    TurnedAway "connection turned away",
    RegionWait "request presented again for want of room",
    ReaderStops "client that stops reading",
    ReaderSlow "client that reads slowly",
    Spurious "resume of what is not parked",
    Resumed "parked request resumed",
    Timed "parked request timed",
    Quiet "streamed answer with nothing to say yet",
    Streamed "content streamed to the handler",
    Drain "drain",
    DrainForced "drain that ran out of time",
    Mutated "client with a mutated request",
    Valid "client without a mutated request",
    Stalled "client that stalls within a request",
    Continue "answer 100",
    Head "answer to HEAD",
    Old "answer to HTTP/1.0",
    ToClose "answer until close",
    Chunks "answer in chunks",
    Torn "answer cut off by its application",
    Status200 "answer 200",
    Status204 "answer 204",
    Status400 "answer 400",
    Status404 "answer 404",
    Status408 "answer 408",
    Status413 "answer 413",
    Status414 "answer 414",
    Status417 "answer 417",
    Status431 "answer 431",
    Status500 "answer 500",
    Status501 "answer 501",
    Status503 "answer 503",
    Status505 "answer 505",
    PeerClosed "end: peer closed",
    PeerAsked "end: peer asked",
    LastAnswer "end: last answer",
    Refused "end: refused",
    Silence "end: peer silent within a request",
    Idle "end: idle",
    SlowReader "end: slow reader",
    Drained "end: drained",
    Broken "end: broken",
    Compared "client compared between strategies",
}

/// How often each kind occurred.
#[derive(Clone, Debug)]
pub struct Counts {
    /// Calls between loop and worker.
    pub events: u64,
    /// Requests whose answers were checked.
    pub requests: u64,
    /// Connections whose answers were checked.
    pub connections: u64,
    kinds: [u64; Kind::ALL.len()],
}

impl Counts {
    /// Nothing yet.
    pub fn new() -> Counts {
        Counts {
            events: 0,
            requests: 0,
            connections: 0,
            kinds: [0; Kind::ALL.len()],
        }
    }

    pub(crate) fn note(&mut self, kind: Kind) {
        self.kinds[kind as usize] += 1;
    }

    pub(crate) fn note_times(&mut self, kind: Kind, times: u64) {
        self.kinds[kind as usize] += times;
    }

    /// Takes in what another simulation has counted.
    pub fn add(&mut self, other: &Counts) {
        self.events += other.events;
        self.requests += other.requests;
        self.connections += other.connections;
        for (sum, more) in self.kinds.iter_mut().zip(&other.kinds) {
            *sum += more;
        }
    }

    /// Kinds that never occurred.
    pub fn missing(&self) -> Vec<&'static str> {
        let never = Kind::ALL
            .iter()
            .filter(|(kind, _)| self.kinds[*kind as usize] == 0);
        never.map(|(_, text)| *text).collect()
    }
}

impl Default for Counts {
    fn default() -> Counts {
        Counts::new()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, text) in Kind::ALL {
            writeln!(f, "{:>12}  {text}", self.kinds[*kind as usize])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_never_occurred_is_named() {
        let mut counts = Counts::new();
        for (kind, _) in Kind::ALL {
            if *kind != Kind::Torn {
                counts.note(*kind);
            }
        }
        assert_eq!(counts.missing(), ["answer cut off by its application"]);
        let mut sum = Counts::new();
        sum.note(Kind::Torn);
        sum.add(&counts);
        assert_eq!(sum.missing(), [""; 0]);
    }
}
