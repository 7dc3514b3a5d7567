//! Every limit of a worker in one table: what may grow grows to here and no further. A limit names its unit, its reason
//! and what the peer sees beyond it. Relations between limits are checked where the defaults are made.

/// Bytes of the region that holds small answers: one page, and room for ten answers of the arena's small routes.
pub const SMALL_REGION_BYTES: usize = 4 * 1024;

/// Bytes of the region that holds a large answer, or a connection's only region where the strategy is flat. The arena's
/// largest JSON answer is 11 KiB.
pub const BIG_REGION_BYTES: usize = 16 * 1024;

/// The most bytes that the head of an answer may take, so that room can be asked for before it is written. Fields that
/// the application adds count on top.
pub const ANSWER_HEAD_BYTES_MAX: usize = 256;

/// Connections that the kernel keeps for a worker until it accepts them; it cuts this at `net.core.somaxconn`. A worker
/// that stops accepts so many of them at most, since others may come all the time. Beyond: reset.
pub const BACKLOG_MAX: u16 = 4096;

/// At what part of `connections_max` a worker accepts again once it has been full, in percent. Not at the first connection
/// that ends: near the limit each end would let one in, and accepting would begin and pause for each of them, where now a
/// fifth of the limit comes in one go. A fifth less is still a worker that is busy.
pub const RESUME_PERCENT: usize = 80;

/// What one worker allows its clients and itself. Times are milliseconds, sizes bytes.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a request line, its end excluded. RFC 9112 §3 asks for at least 8,000. Beyond: 414, close.
    pub request_line_bytes_max: usize,
    /// Bytes of a whole head. Beyond: 431, close.
    pub head_bytes_max: usize,
    /// Fields of a head. Beyond: 431, close.
    pub fields_max: usize,
    /// Bytes of content that are collected before the application sees them. Beyond: 413, close.
    pub content_bytes_max: u64,
    /// Bytes of content that an application may have streamed to it. Beyond: 413, close.
    pub streamed_bytes_max: u64,
    /// Bytes of chunk extensions in one request, in total: they mean nothing to us. Beyond: 400, close.
    pub chunk_extension_bytes_max: usize,
    /// Bytes of the trailer section of one request. Beyond: 431, close.
    pub trailer_bytes_max: usize,
    /// Connections of a worker. Beyond: they wait in the kernel's queue, until [`RESUME_PERCENT`] of so many are open.
    pub connections_max: usize,
    /// Big regions that a worker's pool lends at one time (4 MiB by default). Beyond: the request waits.
    pub big_regions_max: usize,
    /// How long a request waits for a big region. Beyond: 503.
    pub region_wait_ms: u64,
    /// How long a connection may be open without a request under way. Beyond: closed.
    pub idle_timeout_ms: u64,
    /// How long a head may take from its first byte. Beyond: 408, close.
    pub head_timeout_ms: u64,
    /// How long content may be silent, and how long it may take before what has arrived is counted. Beyond: 408, close.
    pub content_timeout_ms: u64,
    /// The slowest rate at which content may arrive: what has arrived adds so much to the time above.
    pub content_bytes_per_s_min: u64,
    /// How long the peer may take no byte of what is to be sent, and how long it may take before what it took is counted.
    /// Beyond: reset.
    pub send_timeout_ms: u64,
    /// The slowest rate at which the peer may take what is to be sent, since it holds a region for so long.
    pub send_bytes_per_s_min: u64,
    /// How long a closed connection is still read so that the peer receives its last answer (RFC 9112 §9.6).
    pub linger_timeout_ms: u64,
    /// How long a draining worker waits for what is under way. Beyond: reset.
    pub drain_timeout_ms: u64,
    /// How long a draining worker waits for a request of an idle connection, which may lie in the kernel already. Beyond:
    /// closed.
    pub drain_idle_ms: u64,
}

impl Limits {
    /// The defaults; each number's reason stands at its field.
    pub const DEFAULT: Limits = Limits {
        request_line_bytes_max: 8 * 1024,
        head_bytes_max: 16 * 1024,
        fields_max: 100,
        content_bytes_max: 10 * 1024 * 1024,
        streamed_bytes_max: 1024 * 1024 * 1024,
        chunk_extension_bytes_max: 16 * 1024,
        trailer_bytes_max: 8 * 1024,
        connections_max: 16 * 1024,
        big_regions_max: 256,
        region_wait_ms: 1_000,
        idle_timeout_ms: 20_000,
        head_timeout_ms: 8_000,
        content_timeout_ms: 20_000,
        content_bytes_per_s_min: 32 * 1024,
        send_timeout_ms: 20_000,
        send_bytes_per_s_min: 1024,
        linger_timeout_ms: 2_000,
        drain_timeout_ms: 10_000,
        drain_idle_ms: 200,
    };

    /// The most that the regions of a worker can take, in bytes, those that its pool keeps included, where a connection
    /// has at most so much of its own (`Buffers::OWN_BYTES_MAX`). With leased it takes bytes to send on every connection
    /// at one time.
    pub const fn regions_bytes_max(&self, own_bytes_max: usize) -> usize {
        self.connections_max * own_bytes_max + self.big_regions_max * BIG_REGION_BYTES
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::DEFAULT
    }
}

// A head is longer than its first line, a pool that lends nothing would answer no large request, and every answer that
// the core itself writes fits the smaller region.
const _: () = {
    assert!(Limits::DEFAULT.request_line_bytes_max < Limits::DEFAULT.head_bytes_max);
    assert!(Limits::DEFAULT.big_regions_max > 0);
    assert!(Limits::DEFAULT.drain_idle_ms < Limits::DEFAULT.drain_timeout_ms);
    assert!(Limits::DEFAULT.region_wait_ms < Limits::DEFAULT.send_timeout_ms);
    assert!(
        ANSWER_HEAD_BYTES_MAX * 2 < SMALL_REGION_BYTES && SMALL_REGION_BYTES < BIG_REGION_BYTES
    );
};
