//! Whether a worker has nothing to do, so that what it does not need can be given back.
//!
//! It looks whether bytes came since it looked last: seldom while they may come, and four times in a row when none did; then
//! it sleeps until some come again. So an idle worker is not woken any more.
//!
//! Seldom, because a loop that waits until a time close by costs the kernel a timer for each wait: with looks every 0.5, 2 and
//! 5 s a request cost 0.9, 1.0 and 0.5 % more CPU, with one every 20 s no more (`cargo matrix compare … -w baseline`).

use crate::limits::Limits;

/// Between two looks while connections are open: as long as they may be idle by default.
const OPEN_MS: u64 = Limits::DEFAULT.idle_timeout_ms;

/// Between two looks when no connection is open, or nothing came since the last.
const REST_MS: u64 = 500;

/// How often in a row nothing was received when the last look is made: what is given back late has its time.
const RESTS: u32 = 4;

/// When to look next, and what was there at the last look.
pub(super) struct Rest {
    at_ms: u64,
    received: u64,
    left: u32,
}

impl Rest {
    /// Nothing was received, and nothing has to be given back.
    pub(super) fn new() -> Rest {
        Rest {
            at_ms: u64::MAX,
            received: 0,
            left: 0,
        }
    }

    /// When the next look is due, after so many bytes were received; `u64::MAX` when none is.
    #[inline]
    pub(super) fn next_ms(&self, now_ms: u64, received: u64, is_open: bool) -> u64 {
        if self.at_ms == u64::MAX && received == self.received {
            return u64::MAX;
        }
        self.at_ms.min(now_ms + pause_ms(is_open))
    }

    /// The time, how many bytes were received by now, and whether connections are open. Whether no bytes came since the
    /// last look.
    #[inline]
    pub(super) fn turn(&mut self, now_ms: u64, received: u64, is_open: bool) -> bool {
        if now_ms < self.at_ms {
            self.at_ms = self.next_ms(now_ms, received, is_open);
            return false;
        }
        self.look(now_ms, received, is_open)
    }

    #[cold]
    fn look(&mut self, now_ms: u64, received: u64, is_open: bool) -> bool {
        let rests = received == self.received;
        self.left = if rests { self.left - 1 } else { RESTS };
        self.received = received;
        self.at_ms = match self.left {
            0 => u64::MAX,
            _ => now_ms + pause_ms(is_open && !rests),
        };
        rests
    }
}

fn pause_ms(is_long: bool) -> u64 {
    if is_long { OPEN_MS } else { REST_MS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rests_four_times_after_bytes_came_and_then_sleeps() {
        let mut rest = Rest::new();
        assert!(!rest.turn(0, 0, true) && rest.next_ms(0, 0, true) == u64::MAX);
        // Bytes that come in a turn are a reason to be woken, though the turn began without them.
        assert_eq!(rest.next_ms(0, 7, true), OPEN_MS);
        assert!(!rest.turn(10, 7, true) && rest.next_ms(10, 7, true) == 10 + OPEN_MS);
        // The first look finds that some came since the one before, the second that none did.
        assert!(!rest.turn(400, 9, true) && !rest.turn(10 + OPEN_MS, 9, true));
        let idle_ms = 10 + 2 * OPEN_MS;
        assert!(!rest.turn(idle_ms - 1, 9, true) && rest.turn(idle_ms, 9, true));
        for look in 1..=3 {
            let at_ms = idle_ms + look * REST_MS;
            assert_eq!(rest.next_ms(at_ms - 1, 9, true), at_ms);
            assert!(!rest.turn(at_ms - 1, 9, true) && rest.turn(at_ms, 9, true));
        }
        assert!(rest.next_ms(90_000, 9, true) == u64::MAX && !rest.turn(90_000, 9, true));
        assert!(!rest.turn(90_001, 10, true) && rest.next_ms(90_001, 10, true) < u64::MAX);
    }

    #[test]
    fn it_rests_soon_when_no_connection_is_open() {
        let mut rest = Rest::new();
        assert!(!rest.turn(0, 7, true) && rest.next_ms(0, 7, true) == OPEN_MS);
        assert!(!rest.turn(100, 7, false) && rest.next_ms(100, 7, false) == 100 + REST_MS);
        // Later turns do not put it off.
        assert!(!rest.turn(300, 7, false) && rest.next_ms(300, 7, false) == 100 + REST_MS);
        assert!(!rest.turn(100 + REST_MS, 7, false) && rest.turn(100 + 2 * REST_MS, 7, false));
    }

    #[test]
    fn a_busy_worker_never_rests() {
        let mut rest = Rest::new();
        assert!((0..10_000).all(|turn| !rest.turn(turn * 7, turn + 1, true)));
    }
}
