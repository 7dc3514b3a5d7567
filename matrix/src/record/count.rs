//! What is stored of the passes that count what one server does under one workload.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::CountKey;
use crate::workload::Workload;

/// The passes over one arm. Each source has a start of the server of its own, and none of them is timed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Count {
    /// The campaign it belongs to.
    pub campaign: String,
    /// The load.
    pub workload: Workload,
    /// Its place among the plan's arms.
    pub arm: usize,
    /// When it began, in UTC.
    pub started: String,
    /// The CPU of the server.
    pub server_cpu: usize,
    /// The CPU of the load generator; the same one when only one may be used.
    pub client_cpu: usize,
    /// Instructions of user space, as callgrind counts them.
    pub instructions: Source<Vec<Span>>,
    /// Calls of the kernel, as a tracer sees them.
    pub syscalls: Source<Vec<SyscallSpan>>,
    /// What goes through the allocator, of a build that counts it.
    pub allocations: Source<Vec<AllocationSpan>>,
    /// Machine code in the executable.
    pub text_bytes: Source<u64>,
    /// Packages that it links and that are not of this workspace.
    pub dependencies: Source<u64>,
    /// CPU seconds of cargo and all that it started, when the executable was built.
    pub build_cpu_s: Source<f64>,
    /// Answers that were wrong in a pass: then nothing of it counts.
    pub wrong: Vec<String>,
}

/// What a source says, or why it says nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source<T> {
    /// What it says.
    Seen(T),
    /// What is missing, and what to do.
    Missing(String),
}

/// What was added between two readings of a server that answered so many requests meanwhile, all of them right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Requests answered.
    pub requests: u64,
    /// What was counted.
    pub count: u64,
}

/// The same of calls, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyscallSpan {
    /// Requests answered.
    pub requests: u64,
    /// Calls by name; a call whose number has no name is called by its number.
    pub calls: BTreeMap<String, u64>,
}

/// The same of allocations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllocationSpan {
    /// Requests answered.
    pub requests: u64,
    /// Blocks asked for.
    pub allocations: u64,
    /// Bytes asked for.
    pub bytes: u64,
}

impl<T> Source<T> {
    /// What it says.
    #[must_use]
    pub fn seen(&self) -> Option<&T> {
        match self {
            Source::Seen(seen) => Some(seen),
            Source::Missing(_) => None,
        }
    }

    /// Why it says nothing.
    #[must_use]
    pub fn missing(&self) -> Option<&str> {
        match self {
            Source::Seen(_) => None,
            Source::Missing(reason) => Some(reason),
        }
    }
}

impl Count {
    /// What makes it unique.
    #[must_use]
    pub fn key(&self) -> CountKey {
        (self.workload, self.campaign.clone(), self.arm)
    }
}
