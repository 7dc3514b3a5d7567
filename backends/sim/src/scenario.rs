//! What a seed makes of a run: how narrow the limits are, how much goes wrong, when it stops, and who comes.

use orthant_core::Limits;

use crate::random::Random;
use crate::script::Script;
use crate::shop::LETTERS_MAX;

/// The least memory that there may be for what clients have sent: some of it is refused then.
pub(crate) const SCARCE_BYTES: usize = 64 * 1024;

/// The most connections that a worker has where there are to be fewer places than clients.
pub(crate) const FULL_MAX: usize = 6;

/// What rules a run as a whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mood {
    /// The scale of its times: of timeouts, pauses, and of what requests ask for.
    pub(crate) time_ms: u64,
    /// The longest answer, and the longest content.
    pub(crate) content_bytes_max: u64,
}

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) limits: Limits,
    pub(crate) drains_ms: Option<u64>,
    pub(crate) clients: Vec<Script>,
    /// Those that connect; all where it is empty.
    pub(crate) only: Vec<usize>,
}

/// What of a run is left, while a failure is made small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The only clients, by number; all where it is empty.
    pub clients: Vec<usize>,
    /// Requests of each client at most.
    pub requests_max: usize,
}

impl Default for Part {
    fn default() -> Part {
        Part {
            clients: Vec::new(),
            requests_max: usize::MAX,
        }
    }
}

impl Scenario {
    pub(crate) fn new(seed: u64, part: &Part) -> Scenario {
        let mut random = Random::split(seed, 0);
        let mood = Mood {
            time_ms: random.one(&[4, 20, 100, 400]),
            content_bytes_max: random.one(&[2_000, 9_000, 20_000, LETTERS_MAX as u64]),
        };
        let limits = limits(&mut random, &mood);
        let drains_ms = random.percent(25).then(|| random.of(0..=6 * mood.time_ms));
        let count = 1 + random.below(24);
        let clients = (0..count)
            .map(|client| {
                let mut random = Random::split(seed, 100 + client as u64);
                Script::new(&mut random, &mood, part.requests_max)
            })
            .collect();
        Scenario {
            seed,
            limits,
            drains_ms,
            clients,
            only: part.clients.clone(),
        }
    }
}

fn limits(random: &mut Random, mood: &Mood) -> Limits {
    let mut limits = Limits::DEFAULT;
    if random.percent(25) {
        limits.request_line_bytes_max = random.of(16..=80) as usize;
        limits.head_bytes_max = limits.request_line_bytes_max + random.of(48..=400) as usize;
        limits.fields_max = random.of(1..=8) as usize;
    }
    if random.percent(25) {
        limits.content_bytes_max = random.of(1..=1_000);
        limits.streamed_bytes_max = random.of(1..=1_000);
        limits.chunk_extension_bytes_max = random.of(1..=40) as usize;
        limits.trailer_bytes_max = random.of(1..=30) as usize;
    }
    if random.percent(25) {
        limits.connections_max = random.of(1..=FULL_MAX as u64) as usize;
    }
    if random.percent(15) {
        limits.requests_max = random.of(1..=6) as u32;
    }
    if random.percent(25) {
        limits.answers_max = random.of(1..=5) as u32;
    }
    if random.percent(10) {
        limits.received_bytes_max = SCARCE_BYTES;
    }
    limits.big_regions_max = random.one(&[1, 1, 1, 2, 3, 64]);
    if random.percent(60) {
        let mut time_ms = || 1 + random.of(0..=4 * mood.time_ms);
        limits.region_wait_ms = time_ms();
        limits.region_hold_ms = 3 + time_ms();
        limits.received_hold_ms = 3 + time_ms();
        limits.idle_timeout_ms = time_ms();
        limits.full_idle_ms = time_ms();
        limits.head_timeout_ms = time_ms();
        limits.content_timeout_ms = time_ms();
        limits.send_timeout_ms = time_ms();
        limits.linger_timeout_ms = time_ms();
        limits.drain_timeout_ms = time_ms();
        limits.drain_idle_ms = time_ms();
    }
    if random.percent(20) {
        limits.content_bytes_per_s_min = random.of(1..=1_000_000);
        limits.send_bytes_per_s_min = random.of(1..=1_000_000);
    }
    limits
}
