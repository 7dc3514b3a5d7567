//! Every limit of a worker in one table: what may grow grows to here and no further. A limit names its unit, its reason
//! and what the peer sees beyond it. Relations between limits are checked where the defaults are made, and where somebody
//! sets others.

mod named;

pub use named::Limit;

use named::{kebab, limits};

use crate::buffers::large_tails_bytes_max;
use crate::setting;

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

/// Bytes that are not sent yet above which the kernel takes no more for a connection (TCP_NOTSENT_LOWAT, tcp(7)). What it
/// takes counts as taken by the peer, so it must not take much more than the peer: 16 KiB fill a millisecond of 130 Mbit/s.
pub const UNSENT_LOW_BYTES: u32 = 16 * 1024;

/// What the kernel may have taken and not sent: up to that mark, and one big region more.
const UNSENT_BYTES_MAX: u64 = UNSENT_LOW_BYTES as u64 + BIG_REGION_BYTES as u64;

/// At what part of `connections_max` a worker accepts again once it has been full, in percent. Not at the first connection
/// that ends: near the limit each end would let one in, and accepting would begin and pause for each of them, where now a
/// fifth of the limit comes in one go. A fifth less is still a worker that is busy.
pub const RESUME_PERCENT: usize = 80;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

limits! {
    /// Bytes of a request line, its end excluded.
    request_line_bytes_max: usize = 8 * 1024, in 16..=MIB,
        because "RFC 9112 §3 asks for 8,000 at least", beyond "414, close";
    /// Bytes of a whole head.
    head_bytes_max: usize = 16 * 1024, in 64..=MIB,
        because "browsers send up to 8 KiB of cookies to one site", beyond "431, close";
    /// Fields of a head.
    fields_max: usize = 100, in 1..=10_000,
        because "browsers send about 20, and each proxy adds some", beyond "431, close";
    /// Bytes of content that are collected before the application sees them.
    content_bytes_max: u64 = 10 * MIB, in 0..=1 << 36,
        because "forms with pictures fit, and what is larger is streamed", beyond "413, close";
    /// Bytes of content that an application may have streamed to it.
    streamed_bytes_max: u64 = 1024 * MIB, in 0..=1 << 50,
        because "nothing of it is kept", beyond "413, close";
    /// Bytes of chunk extensions in one request, in total.
    chunk_extension_bytes_max: usize = 16 * 1024, in 0..=MIB,
        because "they mean nothing to us", beyond "400, close";
    /// Bytes of the trailer section of one request.
    trailer_bytes_max: usize = 8 * 1024, in 0..=MIB,
        because "it is read and dropped", beyond "431, close";
    /// Requests of one connection, the last of which is told to be.
    requests_max: u32 = 100_000_000, in 1..=1 << 31,
        because "nobody stays for ever, and the fastest client for minutes", beyond "Connection: close";
    /// Answers to one connection that are written and not all sent.
    answers_max: u32 = 128, in 1..=1 << 31,
        because "clients pipeline 16 or 64, and a region holds about 100", beyond "the next request waits";
    /// Connections of a worker.
    connections_max: usize = 16 * 1024, in 1..=1 << 20,
        because "an idle one takes 4 KiB with split buffers", beyond "they wait in the kernel's queue";
    /// Big regions that a worker's pool lends at one time, 16 KiB each.
    big_regions_max: usize = 2048, in 1..=1 << 20,
        because "they make 32 MiB, and slow readers have to be many to hold them all", beyond "the request waits";
    /// Bytes of memory for what a worker's connections have sent and is not used yet: partial heads, collected content.
    received_bytes_max: usize = 64 * 1024 * 1024, in 65_536..=1 << 40,
        because "four requests of the largest content fit, and a quarter is for small ones alone", beyond "503, close; an answer that has begun is cut off";
    /// How long a request waits for a big region.
    region_wait_ms: u64 = 1_000, in 1..=DAY_MS,
        because "a client that waits longer has better been told", beyond "503, close; an answer that has begun is cut off";
    /// How long the peer may take for a big region while most are lent, and a quarter of it while others wait for one.
    region_hold_ms: u64 = 1_000, in 4..=DAY_MS,
        because "whoever reads takes 16 KiB in a second", beyond "reset";
    /// How long a peer may take, at its pace, for as much as is kept of what it sent, while most of that memory is taken.
    received_hold_ms: u64 = 20_000, in 4..=DAY_MS,
        because "the largest content is through by then at 4 Mbit/s", beyond "503, close; an answer that has begun is cut off";
    /// How long a connection may be open without a request under way.
    idle_timeout_ms: u64 = 20_000, in 1..=DAY_MS,
        because "a page asks for its parts within seconds", beyond "closed; reset where it does not close too";
    /// How long it may be so, or a head may take, while `connections_max` are open, and more than four fifths of them yet.
    full_idle_ms: u64 = 1_000, in 1..=DAY_MS,
        because "others wait for its place", beyond "closed; reset where it does not close too; 408 to a head";
    /// How long a head may take from its first byte.
    head_timeout_ms: u64 = 8_000, in 1..=DAY_MS,
        because "a lost packet is sent again within 3 seconds, twice within 7", beyond "408, close";
    /// How long content may be silent, and may take before what has arrived is counted.
    content_timeout_ms: u64 = 20_000, in 1..=DAY_MS,
        because "a telephone that changes its cell is back within it", beyond "408, close";
    /// The slowest rate at which content may arrive: what has arrived adds to its time.
    content_bytes_per_s_min: u64 = 32 * KIB, in 1..=1 << 36,
        because "slow lines are faster, and 10 MiB take 6 minutes at most", beyond "408, close";
    /// How long the peer may take no byte of an answer, and may read before what it took is counted.
    send_timeout_ms: u64 = 20_000, in 1..=DAY_MS,
        because "a telephone that changes its cell is back within it", beyond "reset";
    /// The slowest rate at which the peer may take an answer: what it took adds to its time.
    send_bytes_per_s_min: u64 = KIB, in 1..=1 << 36,
        because "the peer holds a region for so long", beyond "reset";
    /// How long a peer that was told to close is still heard, so that it receives its last answer; content that was refused and comes yet adds to it, up to `content-timeout-ms`.
    linger_timeout_ms: u64 = 2_000, in 0..=DAY_MS,
        because "the answer has to reach the peer, and its end to come back (RFC 9112 §9.6)", beyond "closed";
    /// How long a draining worker waits for what is under way.
    drain_timeout_ms: u64 = 10_000, in 0..=DAY_MS,
        because "who supervises a server kills it after 30 seconds or more", beyond "closed";
    /// How long a draining worker waits for a request of an idle connection.
    drain_idle_ms: u64 = 200, in 0..=DAY_MS,
        because "a request that was under way, or lies in the kernel, has come by then", beyond "closed";
}

impl Limits {
    /// Sets one of them by name.
    ///
    /// # Errors
    /// A sentence that says which names or values there are.
    pub fn set(&mut self, name: &str, value: u64) -> Result<(), String> {
        let Some(limit) = Limits::NAMES.iter().find(|limit| limit.name == name) else {
            let names: Vec<&str> = Limits::NAMES.iter().map(|limit| limit.name).collect();
            return Err(format!(
                "there is no limit {name}; there are {}",
                names.join(", ")
            ));
        };
        (limit.set)(
            self,
            setting::number(name, value, limit.least..=limit.most)?,
        );
        Ok(())
    }

    /// Whether they go together.
    ///
    /// # Errors
    /// A sentence that says which two do not, and why.
    pub const fn check(&self) -> Result<(), &'static str> {
        if self.request_line_bytes_max >= self.head_bytes_max {
            return Err(
                "request-line-bytes-max has to be less than head-bytes-max, since the line is part of the head",
            );
        }
        let content_bytes_max = self
            .content_bytes_max
            .saturating_add(self.head_bytes_max as u64);
        if content_bytes_max > large_tails_bytes_max(self.received_bytes_max) as u64 {
            return Err(
                "received-bytes-max has to be a third more than content-bytes-max and head-bytes-max together, since one \
                 request has to fit, and a quarter is for small ones",
            );
        }
        Ok(())
    }

    /// How much the kernel may still keep of so many bytes that the slowest reader took last, so long ago.
    pub(crate) fn unsent_bytes(&self, bytes: u64, ago_ms: u64) -> u64 {
        let taken = ago_ms.saturating_mul(self.send_bytes_per_s_min) / 1_000;
        bytes.min(UNSENT_BYTES_MAX).saturating_sub(taken)
    }

    /// How long the slowest reader may need for what the kernel still keeps, of so many bytes that it took last.
    pub fn unsent_ms(&self, bytes: u64) -> u64 {
        bytes.min(UNSENT_BYTES_MAX) * 1_000 / self.send_bytes_per_s_min.max(1)
    }

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

// The defaults go together, each may be set to what it is, and every answer that the core itself writes fits the smaller
// region.
const _: () = {
    assert!(Limits::DEFAULT.check().is_ok());
    assert!(Limits::DEFAULT.drain_idle_ms < Limits::DEFAULT.drain_timeout_ms);
    assert!(Limits::DEFAULT.region_wait_ms < Limits::DEFAULT.send_timeout_ms);
    let mut at = 0;
    while at < Limits::NAMES.len() {
        let limit = &Limits::NAMES[at];
        assert!(limit.least <= limit.default && limit.default <= limit.most);
        at += 1;
    }
    assert!(
        ANSWER_HEAD_BYTES_MAX * 2 < SMALL_REGION_BYTES && SMALL_REGION_BYTES < BIG_REGION_BYTES
    );
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_set_by_its_name_within_its_range() {
        let mut limits = Limits::DEFAULT;
        assert_eq!(limits.set("head-bytes-max", 9_000), Ok(()));
        assert_eq!(limits.set("content-bytes-per-s-min", 1), Ok(()));
        assert_eq!(
            (limits.head_bytes_max, limits.content_bytes_per_s_min),
            (9_000, 1)
        );
        assert_eq!(
            limits.set("head-bytes-max", 63).unwrap_err(),
            "head-bytes-max is a number from 64 to 1048576"
        );
        let said = limits.set("head_bytes_max", 9_000).unwrap_err();
        assert!(
            said.starts_with(
                "there is no limit head_bytes_max; there are request-line-bytes-max, "
            )
        );
    }

    #[test]
    fn every_limit_takes_the_least_and_the_most() {
        for limit in Limits::NAMES {
            let mut limits = Limits::DEFAULT;
            for value in [limit.least, limit.most] {
                assert_eq!(limits.set(limit.name, value), Ok(()));
                assert_eq!(limit.of(&limits), value, "{}", limit.name);
            }
            let others = Limits::NAMES
                .iter()
                .filter(|other| other.name != limit.name);
            for other in others {
                assert_eq!(other.of(&limits), other.default, "{}", other.name);
            }
        }
    }

    #[test]
    fn limits_that_contradict_each_other_are_told() {
        let mut limits = Limits::DEFAULT;
        limits.set("head-bytes-max", 8 * 1024).unwrap();
        assert!(
            limits
                .check()
                .unwrap_err()
                .starts_with("request-line-bytes-max")
        );
        limits.set("request-line-bytes-max", 8 * 1024 - 1).unwrap();
        assert_eq!(limits.check(), Ok(()));
    }
}
