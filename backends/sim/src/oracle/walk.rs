//! Walks along both directions of a connection, request by answer, and says how far that goes well.

use orthant_core::{CloseReason, Fault, Limits};

use super::answer::{self, Answer};
use super::expected::{self, Expected, Framed};
use super::request::{self, Asked, Partial, Stands};
use super::{End, Facts, Last, patience_ms};
use crate::counts::{Counts, Kind};
use crate::scenario::SCARCE_BYTES;

/// How late a deadline may be seen: a loop is woken late, and a timer is coarse.
pub(super) const LATE_MS_MAX: u64 = 150;

/// A walk along both directions.
pub(super) struct Walk<'f, 'c> {
    pub(super) facts: &'f Facts<'f>,
    pub(super) counts: &'c mut Counts,
    /// Where in what was received, and where in what was sent.
    pub(super) from: usize,
    pub(super) at: usize,
    /// Where the answer begins that was read last.
    pub(super) begins: usize,
    pub(super) requests: u32,
    pub(super) effects: u64,
    pub(super) told: Vec<u8>,
}

impl Walk<'_, '_> {
    pub(super) fn end(&mut self) -> Result<End, String> {
        loop {
            self.in_time()?;
            let stands = request::read(&self.facts.received[self.from..], self.facts.limits);
            let end = match stands {
                Stands::Nothing => self.nothing()?,
                Stands::Request(asked) => self.request(&asked)?,
                Stands::Partial(partial) => Some(self.partial(partial)?),
                Stands::Wrong(statuses) => Some(self.wrong(&statuses)?),
            };
            if let Some(end) = end {
                return Ok(end);
            }
        }
    }

    /// The next answer, and whether a 100 came before it.
    fn next(&mut self, bodiless: bool, expects: bool) -> Result<(Option<Answer>, bool), String> {
        let mut continued = false;
        loop {
            let bytes = &self.facts.sent[self.at..];
            let answer = answer::read(bytes, bodiless)
                .map_err(|error| format!("{error} in {:?}", shown(bytes)))?;
            match answer {
                Some(answer) if answer.status == 100 && expects && !continued => {
                    continued = true;
                    self.at += answer.end;
                    self.counts.note(Kind::Continue);
                }
                // It was refused before it was known to be HEAD.
                Some(answer)
                    if bodiless
                        && answer.status == 408
                        && self.at + answer.end < self.facts.sent.len()
                        && self.method_was_cut() =>
                {
                    return self.next(false, false);
                }
                answer => {
                    self.begins = self.at;
                    self.at += answer.as_ref().map_or(0, |answer| answer.end);
                    return Ok((answer, continued));
                }
            }
        }
    }

    fn nothing(&mut self) -> Result<Option<End>, String> {
        match self.next(false, false)?.0 {
            Some(answer) => Err(format!("answer {} to nothing", answer.status)),
            None if self.at < self.facts.sent.len() => Err("half an answer to nothing".to_owned()),
            None => Ok(Some(End::Clean)),
        }
    }

    fn request(&mut self, asked: &Asked) -> Result<Option<End>, String> {
        let mut expected = expected::expected(asked, &mut self.effects, self.facts.limits);
        self.requests += 1;
        if self.requests >= self.facts.limits.requests_max {
            expected.closes = true;
            expected.last = true;
        }
        let bodiless = asked.method == "HEAD";
        let (answer, _) = self.next(bodiless, asked.expects)?;
        let Some(answer) = answer else {
            let begun = self.at < self.facts.sent.len();
            let torn = End::Torn {
                meant: false,
                waits: false,
            };
            return Ok(Some(if begun { torn } else { End::Missing }));
        };
        let what = format!(
            "{} {} to {} {}",
            answer.status,
            shown(&answer.content),
            asked.method,
            asked.path
        );
        if answer.status == 503 && (expected.waits || scarce(self.facts.limits)) {
            if let Some(torn) = self.cut_error(&answer, &what)? {
                return Ok(Some(torn));
            }
            self.count(503);
            return Ok(Some(End::Closed(Last::Exhausted)));
        }
        if answer.status == 408 {
            if let Some(torn) = self.cut_error(&answer, &what)? {
                return Ok(Some(torn));
            }
            self.late(Some(self.from + asked.end))?;
            self.count(408);
            return Ok(Some(End::Closed(Last::Silence)));
        }
        if expected.status == 500 && answer.status == 500 {
            let torn = self.cut_error(&answer, &what)?;
            self.count(500);
            return Ok(Some(torn.unwrap_or(End::Closed(Last::Failed))));
        }
        let closes = self.compare(asked, &expected, &answer, &what)?;
        let complete = answer.whole
            || expected.framed == Framed::ToClose && answer.content.len() == expected.content.len();
        if !complete {
            if expected.torn {
                self.counts.note(Kind::Torn);
            }
            return Ok(Some(End::Torn {
                meant: expected.torn && answer.content.len() == expected.content.len(),
                waits: expected.waits,
            }));
        }
        self.counts.requests += 1;
        self.count(answer.status);
        self.count_form(asked, &expected);
        self.tell(&answer);
        self.from += asked.end;
        if !closes {
            return Ok(None);
        }
        Ok(Some(End::Closed(match (asked.persists, expected.last) {
            (false, _) => Last::PeerAsked,
            (true, true) => Last::Application,
            (true, false) => self.drained()?,
        })))
    }

    /// Whether the answer is the one that is expected; says whether it closes.
    fn compare(
        &self,
        asked: &Asked,
        expected: &Expected,
        answer: &Answer,
        what: &str,
    ) -> Result<bool, String> {
        if answer.status != expected.status {
            return Err(format!("{what}, where {} is right", expected.status));
        }
        let length = match expected.framed {
            Framed::Length => Some(expected.stated),
            _ => None,
        };
        if answer.length != length || answer.chunked != (expected.framed == Framed::Chunks) {
            return Err(format!(
                "{what}: framed otherwise than {:?}",
                expected.framed
            ));
        }
        let same = match answer.whole && !expected.torn {
            true => answer.content == expected.content,
            false => expected.content.starts_with(&answer.content),
        };
        if !same || answer.tag != expected.tag {
            return Err(format!(
                "{what}, where {} is right",
                shown(&expected.content)
            ));
        }
        let draining = self.facts.drain_ms.is_some();
        if expected.closes && !answer.close || answer.close && !expected.closes && !draining {
            return Err(format!("{what}: close is {}", answer.close));
        }
        if asked.old && !answer.close && !answer.keep_alive {
            return Err(format!("{what}: HTTP/1.0 is not told that it persists"));
        }
        Ok(answer.close)
    }

    /// Draining closes behind what is answered, and only when nothing else had come.
    fn drained(&self) -> Result<Last, String> {
        let come = self.facts.presented.min(self.facts.received.len());
        if self.from < come {
            let text = shown(&self.facts.received[self.from..come]);
            return Err(format!("draining forgot what had come: {text}"));
        }
        Ok(Last::Drained)
    }

    fn partial(&mut self, partial: Partial) -> Result<End, String> {
        let (answer, continued) = self.next(self.bodiless(), partial.expects)?;
        let Some(answer) = answer else {
            if self.at < self.facts.sent.len() {
                return Err("half an answer to half a request".to_owned());
            }
            return match partial.waits && !continued && self.had_time() {
                true => Err("a client that waits for 100 was not told to continue".to_owned()),
                false => Ok(End::Within(partial)),
            };
        };
        let what = format!("{} to half a request", answer.status);
        if let Some(torn) = self.cut_error(&answer, &what)? {
            return Ok(torn);
        }
        self.count(answer.status);
        // A refusal for want of memory needs no 100 before it.
        let told = continued || answer.status == 503;
        if partial.waits && !told && self.had_time() {
            return Err(format!("{what} that was not told to continue"));
        }
        if answer.status == 503 && scarce(self.facts.limits) {
            return Ok(End::Closed(Last::Exhausted));
        }
        let limit = [413, 414, 431].contains(&answer.status);
        let wrong = match self.facts.valid {
            true => limit && partial.statuses.contains(&answer.status),
            false => answer.status == 400 || partial.statuses.contains(&answer.status),
        };
        match answer.status {
            408 if self.facts.reason != CloseReason::Refused(Fault::Silence) => {}
            408 => {
                self.late(None)?;
                let may_ms = partial.head_end.map(|at| self.content_ms(self.from + at));
                if may_ms.is_some_and(|may_ms| self.facts.close_ms < may_ms) {
                    return Err(format!("{what}, whose content had time until {may_ms:?}"));
                }
                return Ok(End::Closed(Last::Silence));
            }
            400 if self.facts.fin
                && self.facts.reason == CloseReason::Refused(Fault::Truncated) =>
            {
                return Ok(End::Closed(Last::Truncated));
            }
            _ => {}
        }
        let stopped = matches!(
            self.facts.reason,
            CloseReason::Broken | CloseReason::SlowReader | CloseReason::Drained
        );
        if wrong {
            self.tell(&answer);
        }
        if wrong || stopped && [400, 408].contains(&answer.status) {
            return Ok(End::Closed(Last::Wrong));
        }
        Err(format!("{what}, which may yet become right"))
    }

    /// Whether there was room to say what is owed, and time.
    fn had_time(&self) -> bool {
        let received = self.facts.received.len();
        let last = self
            .facts
            .came
            .iter()
            .find(|(upto, _, _)| *upto >= received);
        let room = last.is_some_and(|(_, _, flushed)| *flushed);
        let gone = matches!(
            self.facts.reason,
            CloseReason::Broken | CloseReason::SlowReader | CloseReason::Drained
        );
        room && !gone
    }

    /// Whether a request may have been refused before its method was there.
    fn method_was_cut(&self) -> bool {
        let method = self.from + 1..self.from + 7;
        let came = self.facts.came.iter();
        came.take_while(|(upto, ..)| *upto < method.end)
            .any(|(upto, ..)| method.contains(upto))
    }

    /// Whether what stands here begins as a request that is answered without content.
    fn bodiless(&self) -> bool {
        let rest = &self.facts.received[self.from..];
        rest.strip_prefix(b"\r\n")
            .unwrap_or(rest)
            .starts_with(b"HEAD ")
    }

    fn wrong(&mut self, statuses: &[u16]) -> Result<End, String> {
        let (answer, _) = self.next(self.bodiless(), true)?;
        let Some(answer) = answer else {
            let begun = self.at < self.facts.sent.len();
            let torn = End::Torn {
                meant: false,
                waits: false,
            };
            return Ok(if begun { torn } else { End::Missing });
        };
        let what = format!("{} to no request", answer.status);
        if let Some(torn) = self.cut_error(&answer, &what)? {
            return Ok(torn);
        }
        self.count(answer.status);
        if answer.status == 408 {
            self.late(None)?;
            return Ok(End::Closed(Last::Silence));
        }
        if answer.status == 503 && scarce(self.facts.limits) {
            return Ok(End::Closed(Last::Exhausted));
        }
        if !statuses.contains(&answer.status) {
            return Err(format!("{what}, where {statuses:?} are right"));
        }
        self.counts.requests += 1;
        self.tell(&answer);
        Ok(End::Closed(Last::Wrong))
    }

    /// An error that the server answers itself says what is wrong, and closes. Returns how it ends where it is cut off.
    fn cut_error(&self, answer: &Answer, what: &str) -> Result<Option<End>, String> {
        let says = answer
            .length
            .is_some_and(|length| length > 0 && length < 100);
        if !answer.close || !says || answer.status < 400 {
            return Err(format!("{what}: it is no error that closes"));
        }
        let torn = End::Torn {
            meant: false,
            waits: false,
        };
        Ok((!answer.whole).then_some(torn))
    }

    /// Whether the request where the walk stands had come too late: it ends there, or has not come whole.
    fn late(&self, end: Option<usize>) -> Result<(), String> {
        let came_ms = |at: usize| {
            let came = self.facts.came.iter().find(|(upto, _, _)| *upto > at);
            came.map_or(self.facts.close_ms, |(_, ms, _)| *ms)
        };
        let limits = self.facts.limits;
        let began_ms = came_ms(self.from);
        // It may have been refused before the rest of its head came.
        let head_ms = patience_ms(limits, limits.head_timeout_ms);
        let received = &self.facts.received[self.from..];
        let head_end = received.windows(4).position(|end| end == b"\r\n\r\n");
        let has_head = head_end.is_some_and(|at| came_ms(self.from + at + 3) < began_ms + head_ms);
        let timeout_ms = match has_head {
            true => limits.content_timeout_ms,
            false => head_ms.min(limits.content_timeout_ms),
        };
        let ended_ms = end.map_or(self.facts.close_ms, |end| came_ms(end - 1));
        match ended_ms - began_ms >= timeout_ms {
            true => Ok(()),
            false => Err(format!(
                "408 after {} ms, where {timeout_ms} are allowed",
                ended_ms - began_ms
            )),
        }
    }

    /// Whether the request where the walk stands was ended in time, where it came too slowly: a head that trickles, content
    /// below its rate. Looks only at what came while nothing else was under way, which is when time runs.
    fn in_time(&self) -> Result<(), String> {
        let (limits, received) = (self.facts.limits, self.facts.received);
        let begin = self.from
            + if received[self.from..].starts_with(b"\r\n") {
                2
            } else {
                0
            };
        let head = received[begin..]
            .windows(4)
            .position(|end| end == b"\r\n\r\n");
        let head_end = head.map_or(received.len(), |at| begin + at + 4);
        // What came behind another request in one piece waited for its answer.
        let came = self.facts.came.iter();
        if self.from > 0 && !came.clone().any(|(upto, ..)| *upto == self.from) {
            return Ok(());
        }
        let mut pieces = came.filter(|(upto, ..)| *upto > begin && *upto <= received.len());
        let Some((first_upto, began_ms, true)) = pieces.next().copied() else {
            return Ok(());
        };
        if first_upto > head_end {
            return Ok(());
        }
        for (upto, ms, flushed) in pieces {
            if *upto > head_end {
                break;
            }
            if *flushed && ms - began_ms > limits.head_timeout_ms + LATE_MS_MAX {
                let head = shown(&received[begin..*upto]);
                return Err(format!("{head} was heard from {began_ms} to {ms} ms"));
            }
        }
        Ok(())
    }

    /// When content that has not come whole may be given up at the earliest.
    fn content_ms(&self, head_end: usize) -> u64 {
        let limits = self.facts.limits;
        let (mut began_ms, mut moved_ms, mut bytes) = (None, 0, 0);
        let mut from = 0;
        for (upto, ms, flushed) in self.facts.came {
            if *upto >= head_end && began_ms.is_none() {
                if !flushed {
                    // It may have been refused before its head was there.
                    return 0;
                }
                began_ms = Some(*ms);
                moved_ms = *ms;
            }
            if *flushed && *upto > head_end && *upto <= self.facts.received.len() {
                bytes += upto - from.max(head_end);
                moved_ms = *ms;
            }
            from = *upto;
        }
        let earned_ms = bytes as u64 * 1_000 / limits.content_bytes_per_s_min;
        let began_ms = began_ms.unwrap_or(0);
        limits.content_timeout_ms + moved_ms.min(began_ms + earned_ms)
    }

    fn tell(&mut self, answer: &Answer) {
        let bytes = &self.facts.sent[self.begins..self.at];
        let told = self.told.len();
        self.told.extend_from_slice(bytes);
        let head = &mut self.told[told..told + answer.head_end];
        if let Some(date) = head.windows(8).position(|window| window == b"\r\nDate: ") {
            head[date + 8..date + 37].fill(b'-');
        }
    }

    fn count(&mut self, status: u16) {
        self.counts.note(match status {
            200 => Kind::Status200,
            204 => Kind::Status204,
            400 => Kind::Status400,
            404 => Kind::Status404,
            408 => Kind::Status408,
            413 => Kind::Status413,
            414 => Kind::Status414,
            417 => Kind::Status417,
            431 => Kind::Status431,
            500 => Kind::Status500,
            501 => Kind::Status501,
            503 => Kind::Status503,
            _ => Kind::Status505,
        });
    }

    fn count_form(&mut self, asked: &Asked, expected: &Expected) {
        for (holds, kind) in [
            (asked.method == "HEAD", Kind::Head),
            (asked.old, Kind::Old),
            (expected.framed == Framed::ToClose, Kind::ToClose),
            (expected.framed == Framed::Chunks, Kind::Chunks),
        ] {
            if holds {
                self.counts.note(kind);
            }
        }
    }
}

/// Whether there is so little memory for what clients send that it may be refused for want of it.
pub(super) fn scarce(limits: &Limits) -> bool {
    limits.received_bytes_max <= SCARCE_BYTES
}

/// The beginning of some bytes, for a person.
pub(super) fn shown(bytes: &[u8]) -> String {
    let more = if bytes.len() > 60 { "…" } else { "" };
    format!("`{}`{more}", bytes[..bytes.len().min(60)].escape_ascii())
}
