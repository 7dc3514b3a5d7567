//! What a worker has counted since it began. Plain numbers: a worker shares nothing.

/// Counts of one worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections opened.
    pub opened: u64,
    /// Connections refused because `connections_max` were open, or because the worker was draining.
    pub turned_away: u64,
    /// Requests answered by the application, the answer written in full or begun as a stream.
    pub requests: u64,
    /// Requests answered by the core with an error.
    pub refused: u64,
    /// Times a request had to wait for a big region.
    pub region_waits: u64,
    /// Requests that waited too long for one and got 503.
    pub region_timeouts: u64,
    /// Connections ended by a reset or a failing socket.
    pub broken: u64,
    /// Connections closed because the peer was silent or read nothing for too long.
    pub timed_out: u64,
}
