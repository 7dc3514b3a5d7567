//! The workloads: what is sent to a server under test, and which answers to it are right.
//!
//! A workload is a short list of *exchanges*, each of them the bytes of one write and the right answers to it, in order.
//! Every connection walks through that list in its own way, fixed in advance, so that a run can be repeated exactly.
//!
//! It opens no socket and measures nothing: `load` does.

mod exchange;
mod right;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use exchange::{Exchange, Script};
pub(crate) use right::{Right, shown};

/// What load is offered to a server.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Workload {
    /// GET, POST with Content-Length, POST chunked: one kind per connection, one request at a time
    Baseline,
    /// 16 small GET requests per write
    Pipelined,
    /// As baseline, but the client resets the connection after 10 requests
    LimitedConn,
    /// JSON documents of 1 to 50 items in turn, one request at a time
    Json,
    /// 16 requests per write: small answers among JSON documents
    Mixed,
    /// Harness: blocks of 16 to 1,039 bytes replaced in no order, in 400 slots
    AllocMixed,
    /// Harness: the same in 8,192 slots
    #[value(name = "alloc-mixed-8192")]
    #[serde(rename = "alloc-mixed-8192")]
    AllocMixed8192,
    /// Harness: alloc-mixed with slot and size from one number drawn, as hakmem draws them
    AllocMixedOneDraw,
    /// Harness: two threads replace blocks of 8 to 999 bytes, and hand all of them on to each other
    Larson,
    /// Harness: the same by a new thread for each request, which takes over what the last one left
    LarsonSpawn,
    /// Harness: growing vectors, strings, a body and a long-lived table, as a web application has them
    HttpLike,
    /// Harness: blocks that one thread takes and another frees
    ProducerConsumer,
}

impl Workload {
    /// Every workload, in the order of the tables.
    pub const ALL: [Workload; 12] = [
        Workload::Baseline,
        Workload::Pipelined,
        Workload::LimitedConn,
        Workload::Json,
        Workload::Mixed,
        Workload::AllocMixed,
        Workload::AllocMixed8192,
        Workload::AllocMixedOneDraw,
        Workload::Larson,
        Workload::LarsonSpawn,
        Workload::HttpLike,
        Workload::ProducerConsumer,
    ];

    /// Those that servers answer.
    pub fn of_servers() -> Vec<Workload> {
        let all = Workload::ALL.into_iter();
        all.filter(|workload| !workload.is_of_allocators())
            .collect()
    }

    /// Whether it is for allocators: a harness answers it, and each request is some thousand operations of one.
    pub fn is_of_allocators(self) -> bool {
        self.operations_per_request().is_some()
    }

    /// Operations of an allocator in a request, for the harness; what one is, each workload says in harness/src/jobs.
    pub fn operations_per_request(self) -> Option<u32> {
        match self {
            Workload::AllocMixed
            | Workload::AllocMixed8192
            | Workload::AllocMixedOneDraw
            | Workload::LarsonSpawn => Some(16_384),
            Workload::Larson => Some(32_768),
            Workload::HttpLike => Some(2_048),
            Workload::ProducerConsumer => Some(8_192),
            Workload::Baseline
            | Workload::Pipelined
            | Workload::LimitedConn
            | Workload::Json
            | Workload::Mixed => None,
        }
    }

    /// The name, and what a request is where it is not one thing.
    pub(crate) fn title(self) -> String {
        self.operations_per_request().map_or_else(
            || self.to_string(),
            |operations| format!("{self} ({operations} operations per request)"),
        )
    }

    /// The names of some, for a sentence.
    pub(crate) fn listed(is_one: impl Fn(Workload) -> bool) -> String {
        let some = Workload::ALL.into_iter().filter(|one| is_one(*one));
        some.map(Workload::name).collect::<Vec<_>>().join(", ")
    }

    /// The name used on the command line and in records.
    pub fn name(self) -> &'static str {
        match self {
            Workload::Baseline => "baseline",
            Workload::Pipelined => "pipelined",
            Workload::LimitedConn => "limited-conn",
            Workload::Json => "json",
            Workload::Mixed => "mixed",
            Workload::AllocMixed => "alloc-mixed",
            Workload::AllocMixed8192 => "alloc-mixed-8192",
            Workload::AllocMixedOneDraw => "alloc-mixed-one-draw",
            Workload::Larson => "larson",
            Workload::LarsonSpawn => "larson-spawn",
            Workload::HttpLike => "http-like",
            Workload::ProducerConsumer => "producer-consumer",
        }
    }

    /// How many requests one write carries, which is also how many a busy connection waits for.
    pub fn requests_per_write(self) -> u32 {
        match self {
            Workload::Pipelined | Workload::Mixed => 16,
            Workload::Baseline
            | Workload::LimitedConn
            | Workload::Json
            | Workload::AllocMixed
            | Workload::AllocMixed8192
            | Workload::AllocMixedOneDraw
            | Workload::Larson
            | Workload::LarsonSpawn
            | Workload::HttpLike
            | Workload::ProducerConsumer => 1,
        }
    }

    /// After how many requests the client resets its connection; none where it keeps it.
    pub fn requests_per_connection(self) -> Option<u32> {
        (self == Workload::LimitedConn).then_some(10)
    }

    pub(crate) fn script(self) -> Script {
        match self {
            Workload::Baseline | Workload::LimitedConn => exchange::baseline(),
            Workload::Pipelined => exchange::pipelined(),
            Workload::Json => exchange::json(),
            Workload::Mixed => exchange::mixed(),
            _ => exchange::operations(
                self.name(),
                self.operations_per_request().unwrap_or_default(),
            ),
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn one_name_on_the_command_line_in_records_and_in_tables() {
        for workload in Workload::ALL {
            let stored = serde_json::to_string(&workload).unwrap();
            assert_eq!(stored, format!("\"{workload}\""));
            assert_eq!(Workload::from_str(workload.name(), false), Ok(workload));
        }
        assert_eq!(Workload::value_variants(), Workload::ALL);
    }

    #[test]
    fn every_write_carries_as_many_requests_as_promised() {
        for workload in Workload::ALL {
            for exchange in workload.script().exchanges {
                assert_eq!(exchange.right.len(), workload.requests_per_write() as usize);
                let heads = memchr::memmem::find_iter(&exchange.bytes, " HTTP/1.1\r\n").count();
                assert_eq!(heads, exchange.right.len(), "{workload}");
            }
        }
    }
}
