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
}

impl Workload {
    /// Every workload, in the order of the tables.
    pub const ALL: [Workload; 5] = [
        Workload::Baseline,
        Workload::Pipelined,
        Workload::LimitedConn,
        Workload::Json,
        Workload::Mixed,
    ];

    /// The name used on the command line and in records.
    pub fn name(self) -> &'static str {
        match self {
            Workload::Baseline => "baseline",
            Workload::Pipelined => "pipelined",
            Workload::LimitedConn => "limited-conn",
            Workload::Json => "json",
            Workload::Mixed => "mixed",
        }
    }

    /// How many requests one write carries, which is also how many a busy connection waits for.
    pub fn requests_per_write(self) -> u32 {
        match self {
            Workload::Baseline | Workload::LimitedConn | Workload::Json => 1,
            Workload::Pipelined | Workload::Mixed => 16,
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
