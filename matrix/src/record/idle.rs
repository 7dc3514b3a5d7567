//! What is stored of one start of one server whose connections grow in number and keep silent.

use serde::{Deserialize, Serialize};

use super::IdleKey;
use crate::machine::KernelMemory;
use crate::process::{End, Memory};

/// One start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Idle {
    /// The campaign it belongs to.
    pub campaign: String,
    /// The number of the start, from 0, among those of its arm.
    pub block: u32,
    /// Its place among the plan's arms; none for pairs of sockets that the load generator held both ends of.
    pub arm: Option<usize>,
    /// When it began, in UTC.
    pub started: String,
    /// The CPU of the server.
    pub server_cpu: usize,
    /// The CPU of the load generator; the same one when only one may be used.
    pub client_cpu: usize,
    /// One per number of connections, ascending.
    pub points: Vec<IdlePoint>,
    /// How the server ended.
    pub end: End,
    /// What broke it off, or was found wrong at the end: then its figures do not count.
    pub failure: Option<String>,
}

/// Memory with so many connections, all of them idle.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdlePoint {
    /// How many are open.
    pub connections: u32,
    /// Of the server; none without a server.
    pub memory: Option<Memory>,
    /// Of the kernel, machine-wide.
    pub kernel: Option<KernelMemory>,
}

impl Idle {
    /// What makes it unique.
    #[must_use]
    pub fn key(&self) -> IdleKey {
        (self.campaign.clone(), self.block, self.arm)
    }
}
