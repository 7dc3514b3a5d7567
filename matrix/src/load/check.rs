//! Checks every answer at the speed of a comparison.
//!
//! The first answer to each request of an exchange is read and checked in full, and its bytes are kept. From then on what
//! arrives is compared with what is kept: bytes equal to a right answer are a right answer. While a server repeats itself,
//! which is nearly always, one comparison proves all answers of a read.
//!
//! ```text
//! kept      [answer 0 … Date: A …][answer 1 … Date: A …][answer 2 … Date: A …]     answers to one exchange, in a row
//! received  [answer 0 … Date: A …][answer 1 … Date: A …][answ                      one comparison: 2 right, rest waits
//! received  [answer 0 … Date: A …][answer 1 … Date: B …]                           differs: one by one, around the Date
//! received  [answer 0 in another form]                                             differs: read in full, then kept
//! ```
//!
//! Invariant: only answers that were read in full and found right are kept, with any Date. Between reads a connection
//! remembers no place inside the kept bytes, so these may be replaced at any time.

use std::{mem, ops::Range};

use super::answer::{self, Answer};
use crate::workload::{Exchange, Right};

/// One answer in so many is read in full even though it equals the kept one, so that the comparison itself is checked.
const FULL_CHECK_EVERY: u32 = 1024;

/// The kept answers to one exchange.
pub(super) struct Known {
    right: Vec<Right>,
    bytes: Vec<u8>,
    kept: Vec<Kept>,
    until_full_check: u32,
}

/// One kept answer; it begins where the one before it ends.
struct Kept {
    end: usize,
    /// Relative to the answer's own start.
    date: Option<Range<usize>>,
}

/// How far the answers to one exchange have arrived on one connection.
#[derive(Default)]
pub(super) struct Progress {
    answer: usize,
    /// The start of an answer whose end has not arrived.
    tail: Vec<u8>,
}

/// What one read brought.
#[derive(Default, Debug, PartialEq)]
pub(super) struct Findings {
    pub(super) right: u32,
    /// Status and sentence of each wrong answer whose framing is sound.
    pub(super) wrong: Vec<(u16, String)>,
    /// Why nothing that follows on this connection can be understood.
    pub(super) broken: Option<String>,
}

impl Progress {
    /// Nothing of the next exchange has arrived.
    pub(super) fn restart(&mut self) {
        self.answer = 0;
        self.tail.clear();
    }
}

impl Known {
    pub(super) fn new(exchange: &Exchange) -> Known {
        Known {
            right: exchange.right.clone(),
            bytes: Vec::new(),
            kept: Vec::new(),
            until_full_check: 0,
        }
    }

    /// The same requests, answered by a floor: `ok` whatever was asked.
    pub(super) fn floor(exchange: &Exchange) -> Known {
        let mut known = Known::new(exchange);
        known.right.fill(Right::Text("ok"));
        known
    }

    /// Takes the bytes of one read.
    pub(super) fn check(&mut self, progress: &mut Progress, bytes: &[u8]) -> Findings {
        let mut findings = Findings::default();
        if progress.tail.is_empty() {
            let used = self.advance(progress, bytes, &mut findings);
            progress.tail.extend_from_slice(&bytes[used..]);
        } else {
            let mut joined = mem::take(&mut progress.tail);
            joined.extend_from_slice(bytes);
            let used = self.advance(progress, &joined, &mut findings);
            joined.drain(..used);
            progress.tail = joined;
        }
        findings
    }

    /// Takes whole answers off the start of `bytes`; returns how many bytes they had.
    fn advance(&mut self, progress: &mut Progress, bytes: &[u8], findings: &mut Findings) -> usize {
        let mut at = 0;
        while at < bytes.len() && findings.broken.is_none() {
            if self.until_full_check > 0 && progress.answer < self.kept.len() {
                let before = progress.answer;
                at += self.follow(progress, &bytes[at..]);
                let followed = (progress.answer - before) as u32;
                findings.right += followed;
                self.until_full_check = self.until_full_check.saturating_sub(followed);
                if at == bytes.len() {
                    break;
                }
            }
            if progress.answer == self.right.len() {
                findings.broken = Some(format!(
                    "expected nothing more, got {} bytes after the last answer",
                    bytes.len() - at
                ));
                break;
            }
            match answer::parse(&bytes[at..]) {
                Ok(None) => break,
                Ok(Some(answer)) => {
                    let wire = &bytes[at..at + answer.wire_bytes];
                    self.check_in_full(progress.answer, &answer, wire, findings);
                    progress.answer += 1;
                    at += wire.len();
                }
                Err(broken) => {
                    findings.broken = Some(self.placed(progress.answer, &format!("got {broken}")));
                }
            }
        }
        at
    }

    /// Passes answers equal to the kept ones; returns how many bytes they had.
    fn follow(&mut self, progress: &mut Progress, bytes: &[u8]) -> usize {
        let start = self.start(progress.answer);
        let kept = &self.bytes[start..];
        let common = kept.len().min(bytes.len());
        if kept[..common] == bytes[..common] {
            let whole = |kept: &&Kept| kept.end <= start + common;
            progress.answer += self.kept[progress.answer..]
                .iter()
                .take_while(whole)
                .count();
        } else {
            while self.adopt_date(
                progress.answer,
                &bytes[self.start(progress.answer) - start..],
            ) {
                progress.answer += 1;
            }
        }
        self.start(progress.answer) - start
    }

    /// Whether `bytes` start with the kept answer but for the value of its Date, which is then kept instead.
    fn adopt_date(&mut self, answer: usize, bytes: &[u8]) -> bool {
        let start = self.start(answer);
        let Some(Kept { end, date }) = self.kept.get(answer) else {
            return false;
        };
        let kept = &mut self.bytes[start..*end];
        let Some(bytes) = bytes.get(..kept.len()) else {
            return false;
        };
        let date = date.clone().unwrap_or(0..0);
        let same = bytes[..date.start] == kept[..date.start]
            && bytes[date.end..] == kept[date.end..]
            && (date.is_empty() || answer::is_date(&bytes[date.clone()]));
        if same {
            kept[date.clone()].copy_from_slice(&bytes[date]);
        }
        same
    }

    fn check_in_full(&mut self, at: usize, answer: &Answer, wire: &[u8], findings: &mut Findings) {
        self.until_full_check = FULL_CHECK_EVERY;
        match self.right[at].check(answer.status, &answer.content) {
            Ok(()) => {
                findings.right += 1;
                self.keep(at, wire, answer.date.clone());
            }
            Err(wrong) => {
                let sentence = self.placed(at, &wrong);
                findings.wrong.push((answer.status, sentence));
            }
        }
    }

    /// Keeps an answer; one that comes before its predecessors are known is kept some other time.
    fn keep(&mut self, at: usize, wire: &[u8], date: Option<Range<usize>>) {
        let start = self.start(at.min(self.kept.len()));
        if at < self.kept.len() {
            let old_end = self.kept[at].end;
            self.bytes.splice(start..old_end, wire.iter().copied());
            for later in &mut self.kept[at..] {
                later.end = later.end + wire.len() - (old_end - start);
            }
            self.kept[at].date = date;
        } else if at == self.kept.len() {
            self.bytes.extend_from_slice(wire);
            let end = self.bytes.len();
            self.kept.push(Kept { end, date });
        }
    }

    fn start(&self, answer: usize) -> usize {
        answer.checked_sub(1).map_or(0, |last| self.kept[last].end)
    }

    /// Says which answer a sentence is about, where a write has several.
    fn placed(&self, answer: usize, sentence: &str) -> String {
        match self.right.len() {
            1 => sentence.to_owned(),
            several => format!("answer {} of {several}: {sentence}", answer + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MORNING: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const EVENING: &str = "Mon, 07 Nov 1994 20:00:00 GMT";

    fn known(contents: &[&'static str]) -> Known {
        let right = contents
            .iter()
            .map(|content| Right::Text(content))
            .collect();
        Known::new(&Exchange {
            bytes: Vec::new(),
            right,
        })
    }

    fn plain(date: &str, content: &str) -> String {
        let length = content.len();
        format!("HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: {length}\r\n\r\n{content}")
    }

    fn chunked(date: &str, content: &str) -> String {
        let length = content.len();
        format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nDate: {date}\r\n\r\n{length:x}\r\n{content}\r\n0\r\n\r\n"
        )
    }

    fn right(count: u32) -> Findings {
        Findings {
            right: count,
            ..Findings::default()
        }
    }

    /// Checks one whole exchange in pieces, and adds up what they brought.
    fn check_in_pieces<'a>(
        known: &mut Known,
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> Findings {
        let mut progress = Progress::default();
        let mut all = Findings::default();
        for piece in pieces {
            let one = known.check(&mut progress, piece);
            all.right += one.right;
            all.wrong.extend(one.wrong);
            all.broken = all.broken.or(one.broken);
        }
        all
    }

    #[test]
    fn any_split_in_two_brings_the_same_answers() {
        let answers = plain(MORNING, "55") + &chunked(MORNING, "ok") + &plain(MORNING, "");
        let bytes = answers.as_bytes();
        let mut warm = known(&["55", "ok", ""]);
        for cut in 0..bytes.len() {
            let pieces = [&bytes[..cut], &bytes[cut..]];
            let mut cold = known(&["55", "ok", ""]);
            assert_eq!(check_in_pieces(&mut cold, pieces), right(3), "{cut}");
            assert_eq!(check_in_pieces(&mut warm, pieces), right(3), "{cut}");
        }
        assert_eq!(check_in_pieces(&mut warm, bytes.chunks(1)), right(3));
    }

    #[test]
    fn a_changed_byte_is_judged_as_if_nothing_were_known() {
        let bytes = plain(MORNING, "55") + &plain(MORNING, "ok");
        for at in 0..bytes.len() {
            let mut other = bytes.clone().into_bytes();
            other[at] = b'~';
            let mut warm = known(&["55", "ok"]);
            assert_eq!(check_in_pieces(&mut warm, [bytes.as_bytes()]), right(2));
            let found = check_in_pieces(&mut warm, [&other[..]]);
            let expected = check_in_pieces(&mut known(&["55", "ok"]), [&other[..]]);
            assert_eq!(found, expected, "byte {at}");
            let in_content = at == bytes.len() - 1 || bytes[..=at].ends_with("\r\n\r\n5");
            assert!(!(in_content && found.right == 2), "byte {at}");
        }
    }

    #[test]
    fn another_date_is_right_and_another_form_is_learned() {
        let mut known = known(&["55", "ok"]);
        let forms = [
            plain(MORNING, "55") + &plain(MORNING, "ok"),
            plain(MORNING, "55") + &plain(EVENING, "ok"),
            chunked(EVENING, "55") + &plain(EVENING, "ok"),
            plain(EVENING, "55") + &chunked(MORNING, "ok"),
        ];
        for form in forms.iter().chain(&forms) {
            assert_eq!(check_in_pieces(&mut known, [form.as_bytes()]), right(2));
            assert_eq!(known.bytes, form.as_bytes());
        }
    }

    #[test]
    fn a_date_that_is_none_is_broken() {
        let mut known = known(&["55"]);
        check_in_pieces(&mut known, [plain(MORNING, "55").as_bytes()]);
        let other = plain(&"x".repeat(MORNING.len()), "55");
        let findings = check_in_pieces(&mut known, [other.as_bytes()]);
        assert!(findings.broken.unwrap().starts_with("got Date"));
    }

    #[test]
    fn a_wrong_answer_is_named_and_does_not_hide_its_neighbours() {
        let mut known = known(&["55", "55", "55"]);
        let bytes = plain(MORNING, "55") + &plain(MORNING, "54") + &plain(MORNING, "55");
        for _ in 0..2 {
            let findings = check_in_pieces(&mut known, [bytes.as_bytes()]);
            assert_eq!((findings.right, findings.broken), (2, None));
            let sentence = "answer 2 of 3: expected content `55`, got `54`";
            assert_eq!(findings.wrong, [(200, sentence.to_owned())]);
        }
    }

    #[test]
    fn bytes_that_nobody_asked_for_are_broken() {
        let mut known = known(&["55"]);
        let bytes = plain(MORNING, "55") + "H";
        for _ in 0..2 {
            let findings = check_in_pieces(&mut known, [bytes.as_bytes()]);
            assert_eq!(findings.right, 1);
            assert!(findings.broken.unwrap().contains("got 1 bytes"));
        }
    }

    #[test]
    fn one_answer_in_1024_is_read_in_full() {
        let mut known = known(&["55"]);
        let bytes = plain(MORNING, "55");
        check_in_pieces(&mut known, [bytes.as_bytes()]);
        // Whatever is right is right only by the full check from here on.
        known.right = vec![Right::Text("56")];
        let wrong: Vec<usize> = (1..3000)
            .filter(|_| {
                !check_in_pieces(&mut known, [bytes.as_bytes()])
                    .wrong
                    .is_empty()
            })
            .collect();
        assert_eq!(wrong, [1025, 2050]);
    }

    proptest! {
        /// The oracle is the full check: a fresh `Known` that gets one answer at a time.
        #[test]
        fn kept_answers_never_change_a_finding(
            exchanges in prop::collection::vec(prop::collection::vec((0..2usize, 0..2usize, 0..5usize), 3), 1..6),
            cuts in prop::collection::vec(0..400usize, 0..6),
        ) {
            let mut warm = known(&["55", "ok", "55"]);
            for exchange in exchanges {
                let bytes: String = exchange.iter().map(|&(form, date, content)| {
                    let content = ["55", "55", "ok", "ok", "500"][content];
                    [plain, chunked][form]([MORNING, EVENING][date], content)
                }).collect();
                let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % bytes.len()).collect();
                cuts.extend([0, bytes.len()]);
                cuts.sort_unstable();
                let pieces = cuts.windows(2).map(|cut| &bytes.as_bytes()[cut[0]..cut[1]]);
                let expected = check_in_pieces(&mut known(&["55", "ok", "55"]), [bytes.as_bytes()]);
                prop_assert_eq!(check_in_pieces(&mut warm, pieces), expected);
            }
        }
    }
}
