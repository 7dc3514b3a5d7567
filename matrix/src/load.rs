//! The load generator: keeps servers busy, checks every answer, and says what it saw.
//!
//! One thread drives several targets, one at a time, in short slices; the connections of all of them stay open in between.
//! In a *closed* loop every connection sends its next write when the last is answered: throughput is what the server
//! gives. In an *open* loop writes have intended times that do not depend on the server: latency counts from those, so a
//! stalled server cannot hide behind requests that were never sent.
//!
//! It has to be cheaper than what it measures, so it is written the way the servers are: one epoll instance per target, one
//! receive buffer, requests as ready bytes, answers proven right by comparison (`check`), one clock reading per read.
//!
//! It starts no server, keeps no record and judges no difference.

mod answer;
mod arrivals;
mod check;
mod connection;
mod driver;
mod held;
mod in_flight;
pub(crate) mod sys;
mod window;

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use anyhow::Context;
use hdrhistogram::Histogram;

use crate::workload::Workload;
use driver::Driver;
pub use held::{Bare, Held};
use window::{Extent, Window};

/// One read of this size empties a socket of anything but the largest batches, and fits the first-level caches.
const RECEIVE_BUFFER_BYTES: usize = 64 * 1024;
/// How long a server may take for the answers outstanding when a slice ends, unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(5);
const LATENCY_NS_MAX: u64 = 60_000_000_000;
const LATENCY_DIGITS: u8 = 3;

/// Which answers are right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answers {
    /// Those of the arena application
    Arena,
    /// Status 200 with content `ok`, whatever was asked; but the floor of the harness has the answers of every harness
    Floor,
}

/// What decides when a request is sent.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Model {
    /// The answer to the one before it
    Closed,
    /// The clock: a Poisson process, its arrivals going to the connections in turn
    Open {
        /// The rate offered; a workload with several requests per write has arrivals of whole writes
        requests_per_s: f64,
    },
}

/// What load a target gets.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Plan {
    /// Where the target listens.
    pub address: SocketAddr,
    /// What is sent.
    pub workload: Workload,
    /// What is right.
    pub answers: Answers,
    /// When it is sent.
    pub model: Model,
    /// How many connections are kept open.
    pub connections: u32,
    /// Decides the arrivals of an open loop; a closed loop has nothing random.
    pub seed: u64,
}

/// One thread's load generator.
pub struct Load {
    /// None where a target was closed.
    drivers: Vec<Option<Driver>>,
    buffer: Vec<u8>,
    patience: Duration,
}

/// A server under load, as one `Load` knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Target(usize);

/// What was seen in one slice.
#[derive(Clone, Debug)]
pub struct Slice {
    /// Requests answered right.
    pub requests: u64,
    /// Answers that were wrong, or that nobody asked for.
    pub wrong: u64,
    /// Requests whose answer did not come: the connection ended, or the wait after the end of sending did.
    pub unanswered: u64,
    /// The first trouble in a sentence: what was expected and what came, or why an answer did not come.
    pub first_wrong: Option<String>,
    /// Answers by status, the wrong ones included where their framing was sound.
    pub statuses: BTreeMap<u16, u64>,
    /// From the first send to the last answer; in an open loop from the begin of the arrivals.
    pub elapsed_ns: u64,
    /// What this thread spent on a CPU, in user space and in the kernel.
    pub client_cpu_ns: u64,
    /// Bytes of answers, heads included.
    pub received_bytes: u64,
    /// Bytes of requests, heads included.
    pub sent_bytes: u64,
    /// Connections open at the end.
    pub connections_open: u32,
    /// Connections opened during the slice, because the workload asks for it or because one was lost.
    pub reconnects: u64,
    /// Writes of an open loop sent more than 1 ms after their intention although their connection was idle: the client
    /// could not keep up.
    pub late_sends: u64,
    /// Requests sent and unanswered, averaged over `elapsed_ns`: a count of its own, integrated. Little's law: in a closed
    /// loop it is throughput × mean of `latency_ns`, in an open loop × mean of `service_ns`. Since a slice begins and
    /// ends with nothing outstanding, that holds for any server; a deviation convicts the generator's bookkeeping or
    /// shows requests that were never answered.
    pub in_flight_requests: f64,
    /// From send to the read that completed the answer; in an open loop from the intended send time. The cost of opening a
    /// connection belongs to its first request. Right answers only.
    pub latency_ns: Histogram<u64>,
    /// From the actual send; open loop only.
    pub service_ns: Option<Histogram<u64>>,
}

impl Load {
    /// A load generator without targets.
    pub fn new() -> anyhow::Result<Load> {
        Ok(Load {
            drivers: Vec::new(),
            buffer: vec![0; RECEIVE_BUFFER_BYTES],
            patience: PATIENCE,
        })
    }

    /// How long to wait for the answers outstanding at the end of a slice, if not 5 s.
    pub fn wait_for_answers(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Opens all connections of a plan.
    pub fn connect(&mut self, plan: Plan) -> anyhow::Result<Target> {
        self.drivers.push(Some(Driver::open(plan)?));
        Ok(Target(self.drivers.len() - 1))
    }

    /// Loads a target for `duration`, then waits up to 5 s for the answers outstanding
    /// (see `wait_for_answers`). Its connections stay open.
    ///
    /// An error means that the target cannot be loaded at all, such as a server that has ended: close it then. Wrong
    /// and missing answers are no error but counts.
    pub fn slice(&mut self, target: Target, duration: Duration) -> anyhow::Result<Slice> {
        self.loaded(target, Extent::Lasting(duration))
    }

    /// Lets every connection of a closed loop make exactly so many writes, however long that takes; only for an answer it
    /// waits no longer than 5 s (see `wait_for_answers`). Each server gets the same requests in the same order on each
    /// connection.
    ///
    /// # Errors
    /// As [`Load::slice`].
    pub fn writes(&mut self, target: Target, each: u32) -> anyhow::Result<Slice> {
        self.loaded(target, Extent::Writes(each))
    }

    fn loaded(&mut self, target: Target, extent: Extent) -> anyhow::Result<Slice> {
        let driver = self.drivers.get_mut(target.0).and_then(Option::as_mut);
        let driver = driver.context("failed to load a closed target; connect it again")?;
        let plan = driver.plan;
        Window::new(driver, &mut self.buffer, self.patience)
            .run(extent)
            .with_context(|| format!("failed to load {} with {}", plan.address, plan.workload))
    }

    /// Resets a target's connections.
    pub fn close(&mut self, target: Target) {
        if let Some(driver) = self.drivers.get_mut(target.0) {
            *driver = None;
        }
    }
}

impl Slice {
    fn new(model: Model) -> Slice {
        Slice {
            requests: 0,
            wrong: 0,
            unanswered: 0,
            first_wrong: None,
            statuses: BTreeMap::new(),
            elapsed_ns: 0,
            client_cpu_ns: 0,
            received_bytes: 0,
            sent_bytes: 0,
            connections_open: 0,
            reconnects: 0,
            late_sends: 0,
            in_flight_requests: 0.0,
            latency_ns: histogram(),
            service_ns: matches!(model, Model::Open { .. }).then(histogram),
        }
    }

    fn note_wrong(&mut self, sentence: String) {
        self.wrong += 1;
        self.first_wrong.get_or_insert(sentence);
    }

    fn note_unanswered(&mut self, requests: u32, why: &str) {
        self.unanswered += u64::from(requests);
        if requests > 0 {
            self.first_wrong.get_or_insert_with(|| {
                format!("expected {requests} more answers, got none: {why}")
            });
        }
    }
}

/// A histogram of latencies: 1 ns to 60 s; what is longer counts as 60 s, which Little's law then shows.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_NS_MAX, LATENCY_DIGITS)
        .expect("the bounds are in order and the digits at most five")
}

/// Restricts the calling thread to one CPU, so that server and client do not take each other's.
pub fn pin_to(cpu: usize) -> anyhow::Result<()> {
    sys::pin_to(cpu).with_context(|| {
        format!("failed to pin this thread to CPU {cpu}; see the CPUs allowed with `taskset -p $$`")
    })
}
