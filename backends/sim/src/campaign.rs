//! Many seeds, on all processors, until there are enough; and a failure made small before it is shown.
//!
//! Seeds are taken in batches, so that what is run does not depend on which thread was faster.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::counts::Counts;
use crate::scenario::Part;
use crate::seed::{Failure, Trace, run_seed};

/// Seeds between two looks at whether there are enough.
const BATCH: u64 = 64;

/// When a campaign is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// So many seeds have been run.
    Seeds(u64),
    /// So many events have been simulated.
    Events(u64),
}

/// What came of a campaign.
#[derive(Debug)]
pub struct Outcome {
    /// Of all seeds together.
    pub counts: Counts,
    /// The seed to go on with.
    pub next_seed: u64,
    /// The first failure, by seed.
    pub failure: Option<Failure>,
}

/// Runs seeds from this one on; `progress` hears after each batch how far it has got.
pub fn run_seeds(
    first_seed: u64,
    until: Until,
    part: &Part,
    mut progress: impl FnMut(u64, &Counts),
) -> Outcome {
    let mut counts = Counts::new();
    let mut seed = first_seed;
    loop {
        let left = match until {
            Until::Seeds(seeds) => (first_seed + seeds).saturating_sub(seed),
            Until::Events(events) if counts.events < events => BATCH,
            Until::Events(_) => 0,
        };
        if left == 0 {
            return Outcome {
                counts,
                next_seed: seed,
                failure: None,
            };
        }
        let batch = seed..seed + left.min(BATCH);
        let failure = run_batch(batch.clone(), part, &mut counts);
        if failure.is_some() {
            return Outcome {
                counts,
                next_seed: seed,
                failure,
            };
        }
        seed = batch.end;
        progress(seed, &counts);
    }
}

fn run_batch(seeds: Range<u64>, part: &Part, counts: &mut Counts) -> Option<Failure> {
    let next = AtomicU64::new(seeds.start);
    let total = Mutex::new((Counts::new(), None::<Failure>));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let (ran, failed) = run_seed(seed, part, Trace::Off);
            let mut total = total.lock().expect("no thread panics while it adds");
            total.0.add(&ran);
            if let Some(failed) = failed
                && total
                    .1
                    .as_ref()
                    .is_none_or(|first| failed.seed < first.seed)
            {
                total.1 = Some(failed);
            }
        }
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let (ran, failure) = total.into_inner().expect("no thread panicked");
    counts.add(&ran);
    failure
}

/// Leaves out of a failing run what it fails without: clients, then requests. Says how the smaller one fails, with its
/// trace.
pub fn shrink(failure: Failure) -> Failure {
    let fails = |part: &Part| run_seed(failure.seed, part, Trace::Off).1.is_some();
    let mut part = failure.part.clone();
    if part.clients.is_empty() {
        part.clients = (0..24).collect();
        if !fails(&part) {
            part.clients.clear();
        }
    }
    // Half of them, a quarter of them, … one of them at a time.
    let mut leave_out = part.clients.len() / 2;
    while leave_out > 0 {
        let mut at = 0;
        while at < part.clients.len() && part.clients.len() > 1 {
            let mut smaller = part.clone();
            let end = (at + leave_out).min(smaller.clients.len());
            smaller.clients.drain(at..end);
            if !smaller.clients.is_empty() && fails(&smaller) {
                part = smaller;
            } else {
                at = end;
            }
        }
        leave_out /= 2;
    }
    for requests_max in [1, 2, 3, 5, 8, 13, 21, 34] {
        let smaller = Part {
            requests_max,
            ..part.clone()
        };
        if requests_max < part.requests_max && fails(&smaller) {
            part = smaller;
            break;
        }
    }
    run_seed(failure.seed, &part, Trace::On)
        .1
        .unwrap_or(failure)
}
