//! How many requests are outstanding, averaged over time.
//!
//! Little's law says that this average equals throughput × mean latency. In a window that begins and ends with nothing
//! outstanding it holds for *any* correct bookkeeping, whatever the server does: it is no statement about the server
//! but a check of the load generator. The average is integrated here from one counter for all connections; the latencies
//! come from the send time that each connection remembers, by way of a histogram. Both use the same clock readings, so
//! that they agree to the histogram's rounding even if the thread loses its CPU for a while; they part when an answer is
//! counted but not recorded or recorded twice, when a latency is clamped, when a send time belongs to another request,
//! and when requests stay unanswered.

/// The integral of the number of requests outstanding.
#[derive(Default)]
pub(super) struct InFlight {
    outstanding: u64,
    changed_at_ns: u64,
    request_ns: u128,
}

impl InFlight {
    pub(super) fn sent(&mut self, requests: u32, now_ns: u64) {
        self.add_time(now_ns);
        self.outstanding += u64::from(requests);
    }

    /// So many were answered, or lost.
    pub(super) fn done(&mut self, requests: u32, now_ns: u64) {
        self.add_time(now_ns);
        self.outstanding -= u64::from(requests);
    }

    pub(super) fn outstanding(&self) -> u64 {
        self.outstanding
    }

    fn add_time(&mut self, now_ns: u64) {
        let span_ns = now_ns.saturating_sub(self.changed_at_ns);
        self.request_ns += u128::from(self.outstanding) * u128::from(span_ns);
        self.changed_at_ns = now_ns;
    }

    /// The average over `elapsed_ns`, up to the last change.
    pub(super) fn average(&self, elapsed_ns: u64) -> f64 {
        self.request_ns as f64 / elapsed_ns.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_counts_while_it_is_outstanding() {
        let mut in_flight = InFlight::default();
        in_flight.sent(4, 1_000);
        in_flight.done(3, 1_010);
        in_flight.sent(2, 1_010);
        assert_eq!(in_flight.outstanding(), 3);
        in_flight.done(3, 1_100);
        let request_ns = 4.0 * 10.0 + 3.0 * 90.0;
        assert_eq!(in_flight.average(100), request_ns / 100.0);
    }
}
