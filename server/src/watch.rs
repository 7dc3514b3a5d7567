//! What can be seen of a running server from any thread, without asking its workers: their counts, and whether it stops.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use orthant_core::Counters;

use crate::access;

/// A view of a server, shared by whoever shows it.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Seconds since 1970, fractions included.
    pub(crate) started_s: f64,
    /// The most connections of a worker.
    pub(crate) connections_max: usize,
    /// Those of each worker; known once all are ready.
    counters: OnceLock<Vec<Arc<Counters>>>,
    stopping: AtomicBool,
    /// What the access log counts, where there is one.
    access: Option<Arc<access::Shared>>,
}

impl Watch {
    pub(crate) fn new(connections_max: usize, access: Option<Arc<access::Shared>>) -> Watch {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        Watch {
            started_s: since_1970.unwrap_or_default().as_secs_f64(),
            connections_max,
            counters: OnceLock::new(),
            stopping: AtomicBool::new(false),
            access,
        }
    }

    /// All workers are ready, and this is where they count.
    pub(crate) fn ready(&self, counters: Vec<Arc<Counters>>) {
        self.counters.set(counters).expect("workers start once");
    }

    /// The counts of each worker.
    pub(crate) fn counters(&self) -> &[Arc<Counters>] {
        self.counters.get().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn access(&self) -> Option<&access::Shared> {
        self.access.as_deref()
    }

    /// It accepts nobody any more, or is about to.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}
