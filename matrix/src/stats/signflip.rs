//! The sign-flip permutation test over launches, and the interval that belongs to it.
//!
//! Which of two servers is started first, which CPU they get, how their environments are padded and which is loaded first
//! in a round is decided by chance in every launch. Were there no difference between them, the sign of each launch's
//! log-ratio would be a coin toss, whatever the noise looks like: no normality and no independence in time is assumed. So the mean is compared with what it would be under other tosses.
//!
//! For a supposed difference δ the same test is made on `values − δ`. One toss flips a set of launches. With F the mean
//! of the flipped values and U the mean of the others, the flipped statistic is at least as far from zero as the
//! observed one exactly when δ lies between F and U:
//!
//! ```text
//! |Σ_unflipped (y−δ) − Σ_flipped (y−δ)| ≥ |Σ_unflipped (y−δ) + Σ_flipped (y−δ)|
//!   ⇔  Σ_unflipped (y−δ) · Σ_flipped (y−δ) ≤ 0   ⇔   δ between F and U
//! ```
//!
//! Hence every toss is a *span* on the line of δ, p(δ) is the share of spans that hold δ, and the ends of the interval
//! are order statistics of the spans' ends: the inversion is exact and needs no search.

use serde::{Deserialize, Serialize};

use crate::stats::random::Random;

/// Up to this many launches all tosses are enumerated.
const EXACT_LAUNCHES_MAX: usize = 14;

/// Tosses drawn beyond that, the observed one not included, so that 10,000 count in all.
const TOSSES: usize = 9_999;

/// A toss is one bit per launch.
pub const LAUNCHES_MAX: usize = 64;

/// A closed range of differences that the test does not reject.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Half its width.
    #[must_use]
    pub fn half_width(&self) -> f64 {
        (self.high - self.low) / 2.0
    }

    /// Mirrored at zero: the interval of the negated difference.
    #[must_use]
    pub fn negated(&self) -> Interval {
        Interval {
            low: -self.high,
            high: -self.low,
        }
    }
}

/// All tosses over one sample of launches.
#[derive(Clone, Debug)]
pub struct SignFlip {
    lows: Vec<f64>,
    highs: Vec<f64>,
    /// Tosses that flip nobody or everybody: they hold every δ.
    always: usize,
    tolerance: f64,
}

impl SignFlip {
    /// Tosses the coins for `values`, one per launch; `seed` matters only beyond 14 launches.
    ///
    /// # Panics
    /// With more than [`LAUNCHES_MAX`] values, which the command line does not allow.
    #[must_use]
    pub fn new(values: &[f64], seed: u64) -> SignFlip {
        assert!(
            values.len() <= LAUNCHES_MAX,
            "at most {LAUNCHES_MAX} launches"
        );
        let largest = values
            .iter()
            .fold(0.0, |largest: f64, value| largest.max(value.abs()));
        let tosses = match values.len() {
            launches if launches <= EXACT_LAUNCHES_MAX => 1 << launches,
            _ => TOSSES + 1,
        };
        let mut test = SignFlip {
            lows: Vec::with_capacity(tosses),
            highs: Vec::with_capacity(tosses),
            always: 0,
            tolerance: largest * 1e-12,
        };
        let sums = ByteSums::new(values);
        if values.len() <= EXACT_LAUNCHES_MAX {
            (0..tosses as u64).for_each(|toss| test.add(toss, &sums));
        } else {
            let mut random = Random::new(seed, &[values.len() as u64]);
            test.add(0, &sums);
            (0..TOSSES)
                .for_each(|_| test.add(random.draw() >> (LAUNCHES_MAX - values.len()), &sums));
        }
        test
    }

    /// The two-sided p-value of the hypothesis that the difference is `delta`; the observed toss is counted.
    #[must_use]
    pub fn p(&self, delta: f64) -> f64 {
        let spans = self.lows.iter().zip(&self.highs);
        let holding = spans
            .filter(|(low, high)| {
                **low <= delta + self.tolerance && delta - self.tolerance <= **high
            })
            .count();
        (self.always + holding) as f64 / self.tosses() as f64
    }

    /// The differences with p above `alpha`; `None` when the sample is so small that nothing can be rejected.
    #[must_use]
    pub fn interval(&self, alpha: f64) -> Option<Interval> {
        let rejected_max = (alpha * self.tosses() as f64 + 1e-9) as usize;
        let needed = (rejected_max + 1)
            .checked_sub(self.always)
            .filter(|needed| *needed > 0)?;
        Some(Interval {
            low: smallest(self.lows.iter().copied(), needed),
            high: -smallest(self.highs.iter().map(|high| -high), needed),
        })
    }

    fn tosses(&self) -> usize {
        self.always + self.lows.len()
    }

    fn add(&mut self, toss: u64, sums: &ByteSums) {
        let flipped = toss.count_ones() as usize;
        if flipped == 0 || flipped == sums.launches {
            self.always += 1;
            return;
        }
        let sum = sums.of(toss);
        let flipped_mean = sum / flipped as f64;
        let other_mean = (sums.total - sum) / (sums.launches - flipped) as f64;
        self.lows.push(flipped_mean.min(other_mean));
        self.highs.push(flipped_mean.max(other_mean));
    }
}

/// The `count`-th smallest value. It is one of a few hundred out of ten thousand, so most values are told apart by one
/// comparison with a bound that falls.
fn smallest(values: impl Iterator<Item = f64>, count: usize) -> f64 {
    let (mut kept, mut bound) = (Vec::with_capacity(4 * count), None);
    for value in values {
        if bound.is_none_or(|bound| value < bound) {
            kept.push(value);
        }
        if kept.len() == 4 * count {
            bound = Some(*kept.select_nth_unstable_by(count - 1, f64::total_cmp).1);
            kept.truncate(count);
        }
    }
    *kept.select_nth_unstable_by(count - 1, f64::total_cmp).1
}

/// The sum of any subset of the values in one look-up per eight of them.
struct ByteSums {
    tables: Vec<[f64; 256]>,
    launches: usize,
    total: f64,
}

impl ByteSums {
    fn new(values: &[f64]) -> ByteSums {
        let table = |eight: &[f64]| {
            let mut sums = [0.0; 256];
            for subset in 1..256_usize {
                let first = subset.trailing_zeros() as usize;
                sums[subset] =
                    sums[subset & (subset - 1)] + eight.get(first).copied().unwrap_or(0.0);
            }
            sums
        };
        let tables = values.chunks(8).map(table).collect();
        ByteSums {
            tables,
            launches: values.len(),
            total: values.iter().sum(),
        }
    }

    fn of(&self, subset: u64) -> f64 {
        self.tables
            .iter()
            .zip(subset.to_le_bytes())
            .map(|(table, byte)| table[usize::from(byte)])
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EIGHT: [f64; 8] = [
        0.0121, -0.0034, 0.0172, 0.0309, 0.0015, 0.0264, 0.0088, 0.0197,
    ];

    /// SciPy 1.17.1: `permutation_test((y - d,), np.mean, permutation_type='samples', n_resamples=np.inf).pvalue`.
    #[test]
    fn p_values_agree_with_scipy() {
        let test = SignFlip::new(&EIGHT, 0);
        let figures = [
            (0.0, 0.0234375),
            (0.005, 0.0703125),
            (0.01, 0.3515625),
            (0.02, 0.1875),
            (0.03, 0.015625),
        ];
        for (delta, p) in figures {
            assert_eq!(test.p(delta), p, "at {delta}");
        }
    }

    /// The same call; whole numbers, so that many tosses tie with the observed one.
    #[test]
    fn ties_count_as_scipy_counts_them() {
        let test = SignFlip::new(&[1.0, -2.0, 3.0, 4.0, -1.0, 2.0, 5.0, 1.0, -3.0, 2.0], 0);
        assert_eq!((test.p(0.0), test.p(1.0)), (0.212890625, 0.8984375));
    }

    /// SciPy's p-value as above, bisected 60 times on δ between the mean and ±1 for the last δ with p above alpha.
    #[test]
    fn intervals_agree_with_scipy_inverted_by_bisection() {
        let test = SignFlip::new(&EIGHT, 0);
        for (alpha, low, high) in [(0.015, -0.0034, 0.0309), (0.05, 0.0034, 0.0248333333333)] {
            let interval = test.interval(alpha).expect("eight launches suffice");
            assert!(
                (interval.low - low).abs() < 1e-12,
                "{interval:?} at {alpha}"
            );
            assert!(
                (interval.high - high).abs() < 1e-12,
                "{interval:?} at {alpha}"
            );
        }
    }

    /// SciPy enumerates all 2²⁰ tosses of these and finds 0.000334; 10,000 drawn ones come within a few tosses of it.
    #[test]
    fn drawn_tosses_come_close_to_all_of_them() {
        let twenty = [
            0.006, 0.00941, 0.00721, 0.01012, 0.00263, 0.0165, -0.00151, 0.01637, 0.00094, 0.01556,
            -0.00188, 0.02, -0.00392, 0.01764, 0.00083, 0.01451, 0.00032, 0.0167, 0.00041, 0.01236,
        ];
        let test = SignFlip::new(&twenty, 11);
        assert_eq!(test.tosses(), 10_000);
        assert!((1e-4..=12e-4).contains(&test.p(0.0)), "{}", test.p(0.0));
    }

    #[test]
    fn the_interval_ends_where_the_test_begins_to_reject() {
        let mut random = Random::new(3, &[]);
        for launches in [8, 11, 16, 32] {
            let values: Vec<f64> = (0..launches)
                .map(|_| random.below(1000) as f64 / 1e5 - 0.004)
                .collect();
            let test = SignFlip::new(&values, 9);
            let interval = test.interval(0.02).expect("enough launches");
            for (inside, outside) in [
                (interval.low, interval.low - 1e-9),
                (interval.high, interval.high + 1e-9),
            ] {
                assert!(test.p(inside) > 0.02, "{launches} launches");
                assert!(test.p(outside) <= 0.02, "{launches} launches");
            }
        }
    }

    #[test]
    fn too_few_launches_reject_nothing() {
        assert_eq!(SignFlip::new(&[], 0).interval(0.05), None);
        assert_eq!(
            SignFlip::new(&[1.0, 1.1, 1.2, 1.1, 1.0], 0).interval(0.05),
            None
        );
        assert!(
            SignFlip::new(&[1.0, 1.1, 1.2, 1.1, 1.0, 1.3], 0)
                .interval(0.05)
                .is_some()
        );
    }
}
