//! The clocks, read once per turn of a worker's loop. The date may be a few milliseconds late; deadlines may not be early.

use orthant_core::Now;
use rustix::time::{ClockId, clock_gettime};

/// What the clocks say.
pub(crate) fn now() -> Now {
    let monotonic = clock_gettime(ClockId::Monotonic);
    let unix = clock_gettime(ClockId::RealtimeCoarse);
    Now {
        monotonic_ms: monotonic.tv_sec as u64 * 1_000 + monotonic.tv_nsec as u64 / 1_000_000,
        unix_s: unix.tv_sec.max(0) as u64,
    }
}

/// The monotonic clock, as a service manager reads it.
pub(crate) fn monotonic_us() -> u64 {
    let monotonic = clock_gettime(ClockId::Monotonic);
    monotonic.tv_sec as u64 * 1_000_000 + monotonic.tv_nsec as u64 / 1_000
}
