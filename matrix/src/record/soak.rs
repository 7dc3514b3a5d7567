//! What is stored of a soak: what was asked, and for each start of the server its epochs as they came.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Latency;
use crate::machine::{KernelMemory, Quiet};
use crate::process::{End, Events, Memory};

/// What a soak is for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Soak {
    /// Epochs that it has, over all starts of the server.
    pub epochs: u32,
    /// How much load.
    pub rate: Rate,
    /// How much memory may grow.
    pub budget: Budget,
}

/// How much load a soak offers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rate {
    /// This share of what the first server does in the closed loop.
    Share(f64),
    /// Requests per second.
    PerS(f64),
}

/// How much memory may grow.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Bytes for each request.
    pub bytes_per_request: f64,
    /// Bytes in an hour.
    pub bytes_per_hour: f64,
}

impl Default for Budget {
    /// A lost allocation is 16 bytes or more, so that 1 byte per request is one lost in 16 requests. At a rate so low that
    /// this hides much, 1 MiB per hour is 24 MiB a day.
    fn default() -> Budget {
        Budget {
            bytes_per_request: 1.0,
            bytes_per_hour: 1024.0 * 1024.0,
        }
    }
}

/// The begin of one start of the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentBegin {
    /// The number of the start, from 0.
    pub segment: u32,
    /// When, in UTC.
    pub started: String,
    /// The CPU of the server.
    pub server_cpu: usize,
    /// The CPU of the load generator; the same one when only one may be used.
    pub client_cpu: usize,
    /// What the server did in the closed loop; none where it was not asked.
    pub capacity_requests_per_s: Option<f64>,
    /// The rate of the open loop.
    pub requests_per_s: f64,
}

/// How it ended; missing after a kill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentEnd {
    /// How the server ended.
    pub end: End,
    /// What broke it off.
    pub failure: Option<String>,
    /// What other programs did meanwhile.
    pub quiet: Quiet,
}

/// About a second of load, or what else the plan's settings call a slice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// When it ended, after the begin of the load.
    pub at_ms: u64,
    /// Requests answered right.
    pub requests: u64,
    /// From the first send to the last answer.
    pub elapsed_ns: u64,
    /// CPU time of the server's process.
    pub server_cpu_ns: u64,
    /// CPU time of the load generator.
    pub client_cpu_ns: u64,
    /// Answers that were wrong.
    pub wrong: u64,
    /// Requests without an answer.
    pub unanswered: u64,
    /// The first trouble.
    pub first_wrong: Option<String>,
    /// Sends later than intended.
    pub late_sends: u64,
    /// Connections open at its end.
    pub connections_open: u32,
    /// Response times in nanoseconds from the intended send.
    pub latency: Latency,
    /// Memory of the server at its end.
    pub memory: Option<Memory>,
    /// Memory of the kernel at its end, machine-wide.
    pub kernel: Option<KernelMemory>,
    /// Faults and context switches of the server during it.
    pub events: Option<Events>,
    /// Calls of the kernel by the server during it.
    pub syscalls: Option<u64>,
}

/// One start of the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// How it began.
    pub begin: SegmentBegin,
    /// In the order in which they came.
    pub epochs: Vec<Epoch>,
    /// None while it goes on, and after a kill.
    pub end: Option<SegmentEnd>,
}

/// All that is known of a soak.
#[derive(Clone, Debug, PartialEq)]
pub struct Soaked {
    /// What was asked.
    pub asked: Soak,
    /// One per start of the server.
    pub segments: Vec<Segment>,
}

impl Soaked {
    /// Nothing yet.
    #[must_use]
    pub fn new(asked: Soak) -> Soaked {
        Soaked {
            asked,
            segments: Vec::new(),
        }
    }

    /// Epochs so far.
    #[must_use]
    pub fn epochs(&self) -> usize {
        self.segments
            .iter()
            .map(|segment| segment.epochs.len())
            .sum()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rate::Share(share) => write!(out, "{:.0} % of the closed loop", share * 100.0),
            Rate::PerS(per_s) => write!(out, "{per_s} requests per second"),
        }
    }
}
