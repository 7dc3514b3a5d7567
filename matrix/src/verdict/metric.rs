//! The metrics of a comparison: which way is better, by how much it has to differ to matter, and how far it is trusted.

use serde::{Deserialize, Serialize};

use crate::stats::signflip::Interval;

/// What is measured of both sides. Its order is the order of the table.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Process CPU nanoseconds per request.
    #[value(alias = "cpu")]
    CpuPerRequest,
    /// Private memory in bytes at the end of a launch.
    Memory,
    /// Requests per second.
    Throughput,
    /// The 99th percentile of the response time in nanoseconds.
    #[value(name = "p99", alias = "latency-p99")]
    LatencyP99,
    /// Instructions of user space per request.
    Instructions,
    /// Calls of the kernel per request.
    Syscalls,
    /// Blocks asked of the allocator per request.
    Allocations,
}

/// How far a metric can be trusted on a shared machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Counted, and the same again: it has no noise, and says nothing of time.
    Deterministic,
    /// Measured inside the process; neighbours disturb both sides alike.
    Paired,
    /// Measured by the clock on the wall; decides only when the machine was quiet and the client had time to spare.
    WallClock,
}

/// Memory below this difference is page granularity and chance, however small the server.
pub const MEMORY_MARGIN_BYTES: f64 = 64.0 * 1024.0;

impl Metric {
    /// Every metric, in table order.
    pub const ALL: [Metric; 7] = [
        Metric::CpuPerRequest,
        Metric::Memory,
        Metric::Throughput,
        Metric::LatencyP99,
        Metric::Instructions,
        Metric::Syscalls,
        Metric::Allocations,
    ];

    /// Those that launches measure, in table order.
    pub const MEASURED: [Metric; 4] = [
        Metric::CpuPerRequest,
        Metric::Memory,
        Metric::Throughput,
        Metric::LatencyP99,
    ];

    /// What people read.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Metric::CpuPerRequest => "CPU/request",
            Metric::Memory => "private memory",
            Metric::Throughput => "throughput",
            Metric::LatencyP99 => "p99",
            Metric::Instructions => "instructions",
            Metric::Syscalls => "syscalls",
            Metric::Allocations => "allocations",
        }
    }

    /// How far it can be trusted.
    #[must_use]
    pub fn tier(self) -> Tier {
        match self {
            Metric::CpuPerRequest | Metric::Memory => Tier::Paired,
            Metric::Throughput | Metric::LatencyP99 => Tier::WallClock,
            Metric::Instructions | Metric::Syscalls | Metric::Allocations => Tier::Deterministic,
        }
    }

    /// Whether it guards a comparison without being asked to. Between two copies of one server on a shared machine the
    /// interval of p99 is ±15–60 % after 8 to 16 launches, against a margin of 5 %: such a guard would leave every
    /// comparison INCONCLUSIVE to its last launch. What is counted says nothing of time: more instructions may take less.
    #[must_use]
    pub fn guards_by_itself(self) -> bool {
        self != Metric::LatencyP99 && self.tier() != Tier::Deterministic
    }

    /// Whether more of it is better.
    #[must_use]
    pub fn more_is_better(self) -> bool {
        self == Metric::Throughput
    }

    /// Turns an interval of log-ratios round where less is better, so that up is good.
    pub(crate) fn goodness(self, log_ratios: Interval) -> Interval {
        match self {
            Metric::Throughput => log_ratios,
            _ => log_ratios.negated(),
        }
    }
}
