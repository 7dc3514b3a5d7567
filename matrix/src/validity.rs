//! When a cell's figures count, and why not.
//!
//! The same rules are applied to one launch, where they are stored with it, and to all launches of a cell together,
//! where they decide what the table shows. A cell that breaks one is shown with the reason; nothing is dropped.
//!
//! There are two kinds of breach. A [`Reason`] makes a cell invalid: none of its figures count. A [`Limit`] leaves CPU per
//! request and memory as they are and takes the wall-clock figures (requests per second, percentiles) out of every
//! decision.
//!
//! A busy client is a limit. In a closed loop over loopback with one request per connection under way, the client pays the
//! kernel the same calls per request as the server, and needs about as much time (METHOD.md has the figures). Two cores that
//! need the same time are both nearly always busy, so on two cores every fast server finds its client at 86–99 % of its
//! core. Which of the two is full first decides how many requests fit into a second and how long each waits; it does not decide how much CPU time
//! and memory the server spends on one, and both sides of a comparison are loaded by the same client in turn. Throwing away
//! such a cell would throw away nearly every cell for the sake of columns that can be marked. Little's law stays a reason: it
//! breaks when requests or times are counted wrongly, and then nothing is known.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::process::End;
use crate::record::{Latency, Observation, Settings};

/// Above this share of its core the client may be what sets the pace.
const CLIENT_BUSY_MAX: f64 = 0.85;

/// By how much rps × mean time since the send may differ from the requests in flight.
const LITTLE_MAX: f64 = 0.05;

/// A trimmed mean ignores a fifth of the slices at each end; more silent slices than that reach into it.
const SILENT_SLICES_MAX: f64 = 0.2;

/// What is said of the figures of a cell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Label {
    /// The share of its core that the client used; none without a slice.
    pub client_share: Option<f64>,
    /// Why none of them count; empty when they do.
    pub invalid: Vec<Reason>,
    /// Why those of the wall clock only inform; empty when they may decide.
    pub limits: Vec<Limit>,
}

impl Label {
    /// Applies every rule to these observations of one cell, taken together.
    #[must_use]
    pub fn of(observations: &[&Observation], settings: &Settings) -> Label {
        let client_share = client_share(observations);
        let busy = |share| (share > CLIENT_BUSY_MAX).then_some(Limit::ClientBusy { share });
        Label {
            client_share,
            invalid: reasons(observations, settings),
            limits: client_share.and_then(busy).into_iter().collect(),
        }
    }

    /// Whether any figure counts.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.invalid.is_empty()
    }

    /// Whether the wall-clock figures are the client's as much as the server's.
    #[must_use]
    pub fn is_client_limited(&self) -> bool {
        !self.limits.is_empty()
    }
}

/// Why the wall-clock figures of a cell only inform.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "limit", rename_all = "kebab-case")]
pub enum Limit {
    /// The client used more than 85 % of its core.
    ClientBusy {
        /// The share it used.
        share: f64,
    },
}

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Limit::ClientBusy { share } = self;
        let percent = share * 100.0;
        write!(
            out,
            "client-limited: client busy for {percent:.0} % of its core, 85 % is the most"
        )
    }
}

/// Why the figures of a cell do not count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Reason {
    /// Some answers were wrong.
    WrongAnswers {
        /// How many.
        count: u64,
        /// The first of them.
        first: Option<String>,
    },
    /// Some requests got no answer.
    Unanswered {
        /// How many.
        count: u64,
        /// The first trouble of the cell.
        first: Option<String>,
    },
    /// Fewer connections were open than asked for.
    ConnectionsShort {
        /// At worst.
        open: u32,
        /// By the settings.
        asked: u32,
    },
    /// Throughput times mean latency is not the number of requests in flight.
    LittlesLaw {
        /// The difference as a share of the requests in flight.
        off: f64,
    },
    /// Many slices of a closed loop saw no answer at all.
    Silent {
        /// The share of the slices.
        share: f64,
    },
    /// The server ended by itself.
    Died {
        /// Its exit status and last words.
        what: String,
    },
    /// The load generator could not go on.
    Failed {
        /// Its error.
        what: String,
    },
}

impl Reason {
    /// Whether more launches cannot make it good.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        !matches!(self, Reason::LittlesLaw { .. } | Reason::Silent { .. })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::WrongAnswers { count, first } => {
                write!(out, "{count} wrong answers{}", told(first))
            }
            Reason::Unanswered { count, first } => {
                write!(out, "{count} requests without an answer{}", told(first))
            }
            Reason::ConnectionsShort { open, asked } => {
                write!(out, "{open} of {asked} connections open")
            }
            Reason::LittlesLaw { off } => {
                write!(
                    out,
                    "throughput × latency is {:+.1} % off the requests in flight, 5 % is the most",
                    off * 100.0
                )
            }
            Reason::Silent { share } => {
                write!(out, "{:.0} % of the slices saw no answer", share * 100.0)
            }
            Reason::Died { what } => write!(out, "server died: {what}"),
            Reason::Failed { what } => write!(out, "load broke off: {what}"),
        }
    }
}

/// The first trouble, on one line whatever the server sent.
fn told(first: &Option<String>) -> String {
    first.as_ref().map_or(String::new(), |first| {
        format!("; the first: {}", first.replace(['\r', '\n'], " "))
    })
}

fn reasons(observations: &[&Observation], settings: &Settings) -> Vec<Reason> {
    let checks = [wrong, unanswered, short, littles_law, silent, died, failed];
    checks
        .iter()
        .filter_map(|check| check(observations, settings))
        .collect()
}

fn wrong(observations: &[&Observation], _: &Settings) -> Option<Reason> {
    let count = observations.iter().map(|seen| seen.wrong).sum();
    (count > 0).then(|| Reason::WrongAnswers {
        count,
        first: first_trouble(observations),
    })
}

fn unanswered(observations: &[&Observation], _: &Settings) -> Option<Reason> {
    let count = observations.iter().map(|seen| seen.unanswered).sum();
    (count > 0).then(|| Reason::Unanswered {
        count,
        first: first_trouble(observations),
    })
}

fn first_trouble(observations: &[&Observation]) -> Option<String> {
    observations
        .iter()
        .find_map(|seen| seen.first_wrong.clone())
}

fn short(observations: &[&Observation], settings: &Settings) -> Option<Reason> {
    let open = observations
        .iter()
        .map(|seen| seen.connections_open)
        .min()?;
    let asked = settings.connections;
    (open < asked).then_some(Reason::ConnectionsShort { open, asked })
}

fn client_share(observations: &[&Observation]) -> Option<f64> {
    let slices = || observations.iter().flat_map(|seen| &seen.slices);
    let elapsed_ns: u64 = slices().map(|slice| slice.elapsed_ns).sum();
    let client_cpu_ns: u64 = slices().map(|slice| slice.client_cpu_ns).sum();
    (elapsed_ns > 0).then(|| client_cpu_ns as f64 / elapsed_ns as f64)
}

fn littles_law(observations: &[&Observation], _: &Settings) -> Option<Reason> {
    let slices = || observations.iter().flat_map(|seen| &seen.slices);
    let elapsed_ns = slices().map(|slice| slice.elapsed_ns).sum::<u64>() as f64;
    let requests = slices().map(|slice| slice.requests).sum::<u64>() as f64;
    let in_flight = slices()
        .map(|slice| slice.in_flight_requests * slice.elapsed_ns as f64)
        .sum::<f64>()
        / elapsed_ns;
    let off = requests / elapsed_ns * mean_ns(observations)? / in_flight - 1.0;
    (off.abs() > LITTLE_MAX).then_some(Reason::LittlesLaw { off })
}

/// The mean time since the send; in a closed loop that is the response time.
fn mean_ns(observations: &[&Observation]) -> Option<f64> {
    let mut all = Latency::empty();
    let mut add = |seen: &Observation| all.add(&seen.service.as_ref().unwrap_or(&seen.latency).0);
    observations.iter().try_for_each(|seen| add(seen)).ok()?;
    (!all.0.is_empty()).then(|| all.0.mean())
}

fn silent(observations: &[&Observation], settings: &Settings) -> Option<Reason> {
    let slices = || observations.iter().flat_map(|seen| &seen.slices);
    let share =
        slices().filter(|slice| slice.requests == 0).count() as f64 / slices().count() as f64;
    (settings.requests_per_s.is_none() && share > SILENT_SLICES_MAX)
        .then_some(Reason::Silent { share })
}

fn died(observations: &[&Observation], _: &Settings) -> Option<Reason> {
    observations.iter().find_map(|seen| match &seen.end {
        End::Died { what } => Some(Reason::Died { what: what.clone() }),
        End::Stopped | End::Killed => None,
    })
}

fn failed(observations: &[&Observation], _: &Settings) -> Option<Reason> {
    observations
        .iter()
        .find_map(|seen| seen.failure.clone().map(|what| Reason::Failed { what }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Slice;

    const SETTINGS: Settings = Settings {
        launches: 1,
        rounds: 10,
        slice_ms: 25,
        connections: 64,
        requests_per_s: None,
    };

    /// 1,000 requests per slice, 64 of them in flight: 1.6 ms each, as Little's law demands.
    fn sound() -> Observation {
        let slice = |round| Slice {
            round,
            position: 0,
            requests: 1_000,
            elapsed_ns: 25_000_000,
            server_cpu_ns: 20_000_000,
            client_cpu_ns: 21_000_000,
            in_flight_requests: 64.0,
        };
        let mut seen = Observation::of("a", 64);
        seen.slices = (0..10).map(slice).collect();
        seen.latency.0.record_n(1_600_000, 10_000).unwrap();
        seen
    }

    fn label(spoil: impl FnOnce(&mut Observation)) -> Label {
        let mut seen = sound();
        spoil(&mut seen);
        Label::of(&[&seen], &SETTINGS)
    }

    fn found(spoil: impl FnOnce(&mut Observation)) -> Vec<Reason> {
        label(spoil).invalid
    }

    #[test]
    fn a_sound_cell_has_no_reason() {
        let label = label(|_| {});
        assert!(label.is_valid() && !label.is_client_limited());
        assert_eq!(label.client_share, Some(0.84));
    }

    #[test]
    fn a_busy_client_limits_the_wall_clock_and_nothing_else() {
        let busy = label(|seen| {
            seen.slices
                .iter_mut()
                .for_each(|slice| slice.client_cpu_ns = 21_500_000);
        });
        assert!(busy.is_valid(), "{busy:?}");
        assert_eq!(busy.limits, [Limit::ClientBusy { share: 0.86 }]);
        assert!(busy.limits[0].to_string().contains("client busy for 86 %"));
    }

    #[test]
    fn every_rule_finds_its_own_breach() {
        let slices = |change: fn(&mut Slice)| {
            move |seen: &mut Observation| seen.slices.iter_mut().for_each(change)
        };
        let names = [
            (found(|seen| seen.wrong = 1), "1 wrong answers"),
            (
                found(|seen| seen.unanswered = 2),
                "2 requests without an answer",
            ),
            (
                found(|seen| seen.connections_open = 63),
                "63 of 64 connections open",
            ),
            (
                found(slices(|slice| slice.in_flight_requests = 60.0)),
                "+6.7 % off the requests in flight",
            ),
            (
                found(|seen| {
                    seen.end = End::Died {
                        what: "signal: 9".to_owned(),
                    }
                }),
                "server died: signal: 9",
            ),
            (
                found(|seen| seen.failure = Some("refused".to_owned())),
                "load broke off: refused",
            ),
        ];
        for (reasons, words) in names {
            assert_eq!(reasons.len(), 1, "{words}: {reasons:?}");
            assert!(reasons[0].to_string().contains(words), "{}", reasons[0]);
        }
        let silent = found(|seen| {
            seen.slices[..3]
                .iter_mut()
                .for_each(|slice| slice.requests = 0)
        });
        assert!(
            silent.contains(&Reason::Silent { share: 0.3 }),
            "{silent:?}"
        );
    }

    #[test]
    fn a_cell_is_judged_over_all_its_launches() {
        let mut busy = sound();
        busy.slices
            .iter_mut()
            .for_each(|slice| slice.client_cpu_ns = 21_600_000);
        assert!(Label::of(&[&busy], &SETTINGS).is_client_limited());
        assert!(!Label::of(&[&busy, &sound(), &sound()], &SETTINGS).is_client_limited());
    }

    #[test]
    fn trouble_is_told_on_one_line() {
        let reasons = found(|seen| {
            seen.wrong = 1;
            seen.first_wrong = Some("got HTTP/1.1 500\r\n".to_owned());
        });
        assert_eq!(
            reasons[0].to_string(),
            "1 wrong answers; the first: got HTTP/1.1 500  "
        );
    }
}
