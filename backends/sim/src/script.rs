//! What one client does: the bytes that it sends, in which portions and when, how it reads, and how it ends.

mod request;

use request::Sizes;

use crate::counts::{Counts, Kind};
use crate::random::Random;
use crate::scenario::Mood;

/// What a client does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It has sent the first so many bytes.
    Say(usize),
    /// It waits.
    Wait(u64),
    /// It waits until something comes, for so long at most; with `None`, for ever.
    Await(Option<u64>),
    HalfClose,
    Reset,
}

/// How a client reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    AtOnce,
    /// So many bytes at most, then a pause.
    Slowly {
        bytes: usize,
        pause_ms: u64,
    },
    /// No more than so many bytes, ever.
    Until(usize),
}

/// A client.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) connects_ms: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) steps: Vec<Step>,
    pub(crate) reads: Reads,
    /// Every request in it is right, except that limits may be too narrow for it.
    pub(crate) valid: bool,
}

impl Script {
    /// The script of a client in a run of this mood, with no more requests than that.
    pub(crate) fn new(random: &mut Random, mood: &Mood, requests_max: usize) -> Script {
        let sizes = Sizes {
            content_bytes_max: if random.percent(60) {
                600
            } else {
                mood.content_bytes_max
            },
            park_ms_max: mood.time_ms,
        };
        let count = match random.below(8) {
            0 => 1,
            1..7 => 1 + random.below(12),
            _ => 1 + random.below(60),
        };
        let pingpong = random.percent(40);
        let mut script = Script {
            connects_ms: random.of(0..=mood.time_ms),
            bytes: Vec::new(),
            steps: Vec::new(),
            reads: reads(random, mood),
            valid: true,
        };
        let mut last = 0;
        for tag in 0..count.min(requests_max) {
            let written = request::right(random, 1 + tag as u64, sizes);
            last = script.bytes.len();
            script.bytes.extend_from_slice(&written.bytes);
            if let Some(at) = written.waits_at {
                script.steps.push(Step::Say(last + at));
                let patience_ms = random.of(1..=mood.time_ms);
                script
                    .steps
                    .push(Step::Await(random.percent(50).then_some(patience_ms)));
            }
            if pingpong {
                script.steps.push(Step::Say(script.bytes.len()));
                script.steps.push(Step::Await(Some(2 * mood.time_ms)));
            } else if random.percent(20) {
                script.steps.push(Step::Say(script.bytes.len()));
                script
                    .steps
                    .push(Step::Wait(random.of(0..=mood.time_ms / 4)));
            }
        }
        if random.percent(25) {
            script.valid = false;
            let said = script.bytes.len();
            request::spoil(random, &mut script.bytes, last);
            for step in &mut script.steps {
                if let Step::Say(upto) = step {
                    *upto = if *upto == said {
                        script.bytes.len()
                    } else {
                        (*upto).min(last)
                    };
                }
            }
        }
        script.steps.push(Step::Say(script.bytes.len()));
        script.end(random, mood);
        script
    }

    /// Adds how it ends, and what goes wrong before that.
    fn end(&mut self, random: &mut Random, mood: &Mood) {
        if random.percent(12) {
            // Somewhere on the way it takes its time, within a request as likely as not.
            let at = random.below(self.bytes.len() + 1);
            let place = self
                .steps
                .iter()
                .position(|step| matches!(step, Step::Say(upto) if *upto >= at));
            let place = place.unwrap_or(self.steps.len());
            self.steps
                .insert(place, Step::Wait(random.of(0..=3 * mood.time_ms)));
            self.steps.insert(place, Step::Say(at));
        }
        if random.percent(8) {
            // It sends no more from there on.
            let at = random.below(self.bytes.len() + 1);
            self.cut(at);
        }
        if random.percent(6) {
            // It sends slowly, byte by byte at worst.
            let most = random.of(1..=20) as usize;
            let from = random.below(self.bytes.len() + 1);
            let to = self.bytes.len().min(from + 40 * most);
            self.cut(from);
            for at in (from..to).step_by(most) {
                self.steps.push(Step::Say(at));
                self.steps
                    .push(Step::Wait(random.of(1..=1 + mood.time_ms / 8)));
            }
        }
        match random.below(10) {
            0..4 => self.steps.push(Step::HalfClose),
            4 => {
                self.steps.push(Step::Wait(random.of(0..=2 * mood.time_ms)));
                self.steps.push(Step::HalfClose);
            }
            5 => {
                let at = random.below(self.steps.len() + 1);
                self.steps.truncate(at);
                self.steps.push(Step::Wait(random.of(0..=mood.time_ms)));
                self.steps.push(Step::Reset);
            }
            6 => {
                self.steps.push(Step::Await(Some(mood.time_ms)));
                self.steps.push(Step::Wait(random.of(0..=mood.time_ms)));
                self.steps.push(Step::Reset);
            }
            _ => {}
        }
    }

    /// Leaves out what would be sent behind the first so many bytes.
    fn cut(&mut self, bytes: usize) {
        self.steps
            .retain(|step| !matches!(step, Step::Say(upto) if *upto > bytes));
        self.steps.push(Step::Say(bytes));
    }

    /// Counts what is peculiar to it.
    pub(crate) fn count(&self, counts: &mut Counts) {
        counts.note(if self.valid {
            Kind::Valid
        } else {
            Kind::Mutated
        });
        match self.reads {
            Reads::AtOnce => {}
            Reads::Slowly { .. } => counts.note(Kind::ReaderSlow),
            Reads::Until(_) => counts.note(Kind::ReaderStops),
        }
        let said = self.steps.iter().rev().find_map(|step| match step {
            Step::Say(upto) => Some(*upto),
            _ => None,
        });
        if said.is_some_and(|said| said < self.bytes.len()) {
            counts.note(Kind::Stalled);
        }
    }
}

fn reads(random: &mut Random, mood: &Mood) -> Reads {
    match random.below(20) {
        0 => Reads::Until(0),
        1 => Reads::Until(random.below(3_000)),
        2 | 3 => Reads::Slowly {
            bytes: 1 + random.below(2_000),
            pause_ms: random.of(0..=mood.time_ms / 2),
        },
        _ => Reads::AtOnce,
    }
}
