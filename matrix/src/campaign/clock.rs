//! The time that a campaign may take, and whether another launch fits into it.
//!
//! A launch is never broken off, so what is asked before each one is whether it would end in time if it took as long as the
//! longest one so far. Until one was made nothing is known, and one is made in any case. A launch is timed with all its
//! servers together: which of two servers is the candidate changes nothing about its length, so a look that the clock moves
//! was not moved by what there is to see (METHOD.md).

use std::time::{Duration, Instant};

/// How long a campaign has been going on, and what its launches take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    began: Instant,
    longest: Option<Duration>,
}

/// When no further launch may end, since the campaign began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// There is time for all that are planned.
    Never,
    /// After so long.
    After(Duration),
}

impl Ends {
    /// After so many minutes; never, if nobody says.
    #[must_use]
    pub fn after_minutes(minutes: Option<f64>) -> Ends {
        let after = minutes.and_then(|minutes| Duration::try_from_secs_f64(minutes * 60.0).ok());
        after.map_or(Ends::Never, Ends::After)
    }

    /// The part of the first of `open` workloads that share what is left at `now`.
    fn shared(self, now: Duration, open: u32) -> Ends {
        match self {
            Ends::Never => Ends::Never,
            Ends::After(end) => Ends::After(now + end.saturating_sub(now) / open.max(1)),
        }
    }

    fn leaves_room(self, now: Duration, longest: Option<Duration>) -> bool {
        match (self, longest) {
            (Ends::After(end), Some(longest)) => now + longest <= end,
            _ => true,
        }
    }
}

impl Clock {
    pub(super) fn begin() -> Clock {
        Clock {
            began: Instant::now(),
            longest: None,
        }
    }

    pub(super) fn part(&self, ends: Ends, open: usize) -> Ends {
        ends.shared(self.began.elapsed(), open as u32)
    }

    pub(super) fn fits(&self, ends: Ends) -> bool {
        ends.leaves_room(self.began.elapsed(), self.longest)
    }

    /// Runs a launch, and remembers how long it took.
    pub(super) fn time<T>(&mut self, launch: impl FnOnce() -> T) -> T {
        let before = Instant::now();
        let made = launch();
        self.longest = self.longest.max(Some(before.elapsed()));
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn another_launch_fits_when_the_longest_so_far_would_end_in_time() {
        let ends = Ends::after_minutes(Some(1.0));
        assert_eq!(ends, Ends::After(s(60)));
        assert!(ends.leaves_room(s(50), Some(s(10))));
        assert!(!ends.leaves_room(s(51), Some(s(10))));
        assert!(!ends.leaves_room(s(61), Some(s(0))));
        assert!(ends.leaves_room(s(61), None), "the first one is made");
        assert!(Ends::Never.leaves_room(s(1_000_000), Some(s(10))));
    }

    #[test]
    fn what_one_workload_leaves_goes_to_the_others() {
        let ends = Ends::After(s(90));
        assert_eq!(ends.shared(s(0), 3), Ends::After(s(30)));
        assert_eq!(ends.shared(s(10), 2), Ends::After(s(50)));
        assert_eq!(ends.shared(s(50), 1), Ends::After(s(90)));
        assert_eq!(ends.shared(s(95), 1), Ends::After(s(95)));
        assert_eq!(Ends::Never.shared(s(10), 2), Ends::Never);
    }
}
