//! Work that each request costs more, on purpose: with it a tool that measures shows that it would see a slower server.
//!
//! It is a chain of multiplications of which each needs the one before, so its time is the same in any place of the
//! program; of a number by itself, which the compiler cannot shorten, in registers alone: through memory it took 0.7 ns a
//! turn in a row and 1.0 ns between system calls. How many turns make a nanosecond is measured when the server starts.

use std::hint::black_box;
use std::time::Instant;

/// Turns of a trial, a tenth of a millisecond.
const TRIAL_TURNS: u32 = 100_000;

/// The fastest of so many trials counts: nobody interrupted it.
const TRIALS: usize = 32;

/// So many turns for each request; none by default.
#[derive(Clone, Copy, Default)]
pub(crate) struct Handicap {
    turns: u32,
}

impl Handicap {
    /// That many nanoseconds of CPU for each request, as far as whole turns come to them.
    pub(crate) fn of_ns(ns: f64) -> Handicap {
        if ns == 0.0 {
            return Handicap::default();
        }
        Handicap {
            turns: (ns / turn_ns()).round() as u32,
        }
    }

    /// Does the work.
    #[inline]
    pub(super) fn bear(self) {
        if self.turns > 0 {
            spin(self.turns);
        }
    }
}

/// Out of line: who has no handicap pays one comparison.
#[inline(never)]
fn spin(turns: u32) {
    let mut product = black_box(3_u64);
    for _ in 0..turns {
        product = product.wrapping_mul(product).wrapping_add(2);
    }
    black_box(product);
}

fn turn_ns() -> f64 {
    let trial = |_| {
        let began = Instant::now();
        spin(TRIAL_TURNS);
        began.elapsed().as_nanos() as f64
    };
    let fastest = (0..TRIALS).map(trial).fold(f64::INFINITY, f64::min);
    // A clock that stands still gives the least that it could have told.
    fastest.max(1.0) / f64::from(TRIAL_TURNS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_grow_with_the_nanoseconds_and_none_are_none() {
        let turns = |ns| f64::from(Handicap::of_ns(ns).turns);
        assert_eq!(turns(0.0), 0.0);
        let ratio = turns(100_000.0) / turns(10_000.0);
        assert!((3.0..30.0).contains(&ratio), "{ratio}");
    }

    /// The calibration holds where it is used: requests take turns one by one, trials many in a row. Both are timed here,
    /// so the machine's speed is in neither.
    #[test]
    fn the_work_takes_about_as_long_as_was_asked_for() {
        for ns in [100.0, 20_000.0] {
            let handicap = Handicap::of_ns(ns);
            let trial = |_| {
                let began = Instant::now();
                (0..100).for_each(|_| handicap.bear());
                began.elapsed().as_nanos() as f64 / 100.0
            };
            let fastest = (0..200).map(trial).fold(f64::INFINITY, f64::min);
            let ratio = fastest / ns;
            assert!((0.5..2.0).contains(&ratio), "{fastest} of {ns}");
        }
    }
}
