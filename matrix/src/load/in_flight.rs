//! How many requests are outstanding, averaged over time.
//!
//! Little's law says that this average equals throughput × mean latency. In a window that begins and ends with nothing
//! outstanding it holds for *any* correct bookkeeping, so it is no statement about the server: it is a check of the load
//! generator. To be a check at all it must not be computed from what it checks. So the average is integrated here, from one
//! counter for all connections and clock readings of its own before and after each wait; the latencies come from
//! the send time that each connection remembers, by way of a histogram. The two part when an answer is counted but
//! not recorded, a latency is clamped or rounded badly, a send time belongs to another request, or requests stay unanswered.
//!
//! Between two readings the count is taken to run straight from the one to the other. While waiting it is constant, so that
//! part is exact; while answers are handled it is off by a fraction of that time.

/// The integral of the number of requests outstanding.
#[derive(Default)]
pub(super) struct InFlight {
    outstanding: u64,
    observed: u64,
    observed_at_ns: u64,
    /// Twice the integral in request-nanoseconds, which keeps halves whole.
    doubled_request_ns: u128,
}

impl InFlight {
    /// Nothing is outstanding at `now_ns`.
    pub(super) fn new(now_ns: u64) -> InFlight {
        InFlight {
            observed_at_ns: now_ns,
            ..InFlight::default()
        }
    }

    pub(super) fn sent(&mut self, requests: u32) {
        self.outstanding += u64::from(requests);
    }

    pub(super) fn done(&mut self, requests: u32) {
        self.outstanding -= u64::from(requests);
    }

    pub(super) fn outstanding(&self) -> u64 {
        self.outstanding
    }

    /// Adds the time since the last reading.
    pub(super) fn observe(&mut self, now_ns: u64) {
        let ends = self.observed + self.outstanding;
        let span_ns = now_ns.saturating_sub(self.observed_at_ns);
        self.doubled_request_ns += u128::from(ends) * u128::from(span_ns);
        self.observed = self.outstanding;
        self.observed_at_ns = now_ns;
    }

    /// The average over `elapsed_ns`.
    pub(super) fn average(&self, elapsed_ns: u64) -> f64 {
        self.doubled_request_ns as f64 / 2.0 / elapsed_ns.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_counts_in_full_and_handling_by_half() {
        let mut in_flight = InFlight::new(1_000);
        in_flight.sent(4);
        in_flight.observe(1_010);
        in_flight.observe(1_090);
        in_flight.done(4);
        in_flight.observe(1_100);
        assert_eq!(in_flight.outstanding(), 0);
        let request_ns = 4.0 * (5.0 + 80.0 + 5.0);
        assert_eq!(in_flight.average(100), request_ns / 100.0);
    }
}
