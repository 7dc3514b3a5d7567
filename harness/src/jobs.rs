//! The workloads. A request makes one of them go on for a fixed number of operations; what lives between two requests is
//! kept, so a server that answers for a while is in the state that the workload leads to.

mod http_like;
mod larson;
mod mixed;
mod producer_consumer;
mod spike;

use http_like::HttpLike;
use larson::{Larson, Spawning};
use mixed::Mixed;
use producer_consumer::Pair;
use spike::Spike;

use crate::memory::Memory;

/// A workload.
trait Job: Sized {
    /// How many operations a request is.
    const OPERATIONS: u32;

    /// Its state before the first operation.
    fn begun() -> Self;

    /// Makes so many operations; how many blocks were found to be somebody else's.
    fn go_on(&mut self) -> u32;
}

/// What a request did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Done {
    /// Operations.
    pub(crate) operations: u32,
    /// Blocks that were found to be somebody else's.
    pub(crate) wrong: u32,
}

/// The state of every workload that was asked for.
pub(crate) struct Jobs<M: Memory> {
    mixed: Option<Mixed<M::Block, 400, false>>,
    mixed_8192: Option<Mixed<M::Block, 8192, false>>,
    mixed_one_draw: Option<Mixed<M::Block, 400, true>>,
    larson: Option<Larson<M::Block>>,
    larson_spawn: Option<Spawning<M::Block>>,
    http_like: Option<HttpLike<M::Bytes>>,
    producer_consumer: Option<Pair<M::Block>>,
    spike: Option<Spike<M::Block>>,
}

/// The paths of the workloads.
pub(crate) const PATHS: [&str; 8] = [
    "/alloc-mixed",
    "/alloc-mixed-8192",
    "/alloc-mixed-one-draw",
    "/larson",
    "/larson-spawn",
    "/http-like",
    "/producer-consumer",
    "/spike",
];

impl<M: Memory> Jobs<M> {
    /// None was asked for.
    pub(crate) const NONE: Jobs<M> = Jobs {
        mixed: None,
        mixed_8192: None,
        mixed_one_draw: None,
        larson: None,
        larson_spawn: None,
        http_like: None,
        producer_consumer: None,
        spike: None,
    };

    /// Makes the workload of this path go on, if there is one.
    pub(crate) fn go_on(&mut self, path: &[u8]) -> Option<Done> {
        Some(match path {
            b"/alloc-mixed" => done(&mut self.mixed),
            b"/alloc-mixed-8192" => done(&mut self.mixed_8192),
            b"/alloc-mixed-one-draw" => done(&mut self.mixed_one_draw),
            b"/larson" => done(&mut self.larson),
            b"/larson-spawn" => done(&mut self.larson_spawn),
            b"/http-like" => done(&mut self.http_like),
            b"/producer-consumer" => done(&mut self.producer_consumer),
            b"/spike" => done(&mut self.spike),
            _ => return None,
        })
    }
}

/// Counts what never happens, out of the way of what does.
#[cold]
#[inline(never)]
fn more(wrong: &mut u32) {
    *wrong += 1;
}

fn done<J: Job>(job: &mut Option<J>) -> Done {
    Done {
        operations: J::OPERATIONS,
        wrong: job.get_or_insert_with(J::begun).go_on(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Allocated;

    #[test]
    fn every_path_is_a_workload_that_finds_its_blocks_sound() {
        let mut jobs = Jobs::<Allocated>::NONE;
        for path in PATHS {
            for _ in 0..9 {
                let done = jobs.go_on(path.as_bytes()).unwrap();
                assert!(done.operations >= 1024, "{path}");
                assert_eq!(done.wrong, 0, "{path}");
            }
        }
        assert_eq!(jobs.go_on(b"/baseline11"), None);
    }
}
