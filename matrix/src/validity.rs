//! When a cell's figures count, and why not.
//!
//! The same rules are applied to one launch, where they are stored with it, and to all launches of a cell together,
//! where they decide what the table shows. A cell that breaks one is shown with the reason; nothing is dropped.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::process::End;
use crate::record::{Latency, Observation, Settings};

/// Above this share of its core the client may be what is measured.
const CLIENT_BUSY_MAX: f64 = 0.85;

/// By how much rps × mean time since the send may differ from the requests in flight.
const LITTLE_MAX: f64 = 0.05;

/// A trimmed mean ignores a fifth of the slices at each end; more silent slices than that reach into it.
const SILENT_SLICES_MAX: f64 = 0.2;

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
    /// The client used more than 85 % of its core.
    ClientBusy {
        /// The share it used.
        share: f64,
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
        !matches!(
            self,
            Reason::ClientBusy { .. } | Reason::LittlesLaw { .. } | Reason::Silent { .. }
        )
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
            Reason::ClientBusy { share } => {
                write!(
                    out,
                    "client busy for {:.0} % of its core, 85 % is the most",
                    share * 100.0
                )
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

/// Everything that is wrong with these observations of one cell, taken together.
#[must_use]
pub fn reasons(observations: &[&Observation], settings: &Settings) -> Vec<Reason> {
    let checks = [
        wrong,
        unanswered,
        short,
        client_busy,
        littles_law,
        silent,
        died,
        failed,
    ];
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

fn client_busy(observations: &[&Observation], _: &Settings) -> Option<Reason> {
    let slices = || observations.iter().flat_map(|seen| &seen.slices);
    let elapsed_ns: u64 = slices().map(|slice| slice.elapsed_ns).sum();
    let client_cpu_ns: u64 = slices().map(|slice| slice.client_cpu_ns).sum();
    let share = client_cpu_ns as f64 / elapsed_ns as f64;
    (share > CLIENT_BUSY_MAX).then_some(Reason::ClientBusy { share })
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
