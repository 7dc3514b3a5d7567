//! How fast a figure drifts, from a long series of readings that resemble their neighbours, and how fast it could.
//!
//! The slope is that of Theil and Sen, over readings made fewer by medians. What could be is the wider of two intervals:
//! Sen's, which takes readings for independent, and that of the block bootstrap over what the line leaves, which does not. A figure that moves in steps may also have moved by most of one unseen.

use serde::Serialize;

use super::signflip::Interval;
use super::theil_sen::{self, Point};
use super::{bootstrap, median, median_of};

/// A series is made so short; all pairs are looked at hundreds of times.
const POINTS_MAX: usize = 60;

/// Fewer say nothing about how they resemble each other.
const POINTS_MIN: usize = 20;

/// What the interval leaves out; half of it at each end.
const ALPHA: f64 = 0.05;

/// A slope, in units of y per unit of x.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Drift {
    /// The most likely one.
    pub slope: f64,
    /// Its 95 % interval.
    pub interval: Interval,
}

impl Drift {
    /// The drift that groups of points share, each at a height of its own; none of too few. `step` is the smallest change of
    /// y that can be seen.
    #[must_use]
    pub fn of(groups: &[Vec<Point>], step: f64, seed: u64) -> Option<Drift> {
        let groups = condensed(groups);
        let slope = theil_sen::slope(&groups)?;
        let left: Vec<f64> = groups
            .iter()
            .flat_map(|group| residuals(group, slope))
            .collect();
        if left.len() < POINTS_MIN {
            return None;
        }
        let longest = groups
            .iter()
            .filter_map(|group| Some(group.last()?.0 - group.first()?.0));
        let hidden = step / longest.fold(0.0, f64::max);
        let pairs = pairs(&groups);
        let dealt_again = |places: &[usize]| {
            let slope = |(from, to, length): &(usize, usize, f64)| {
                (left[places[*to]] - left[places[*from]]) / length
            };
            median_of(pairs.iter().map(slope).collect())
        };
        let length = bootstrap::block_length(&left);
        let blocks = bootstrap::interval(left.len(), length, seed, ALPHA, dealt_again)?;
        let wider = bootstrap::widening(left.len() as f64 / length as f64);
        let independent = theil_sen::interval(&groups)?;
        Some(Drift {
            slope,
            interval: Interval {
                low: independent.low.min(slope + wider * blocks.low) - hidden,
                high: independent.high.max(slope + wider * blocks.high) + hidden,
            },
        })
    }
}

/// Neighbours become their median until there are few enough.
fn condensed(groups: &[Vec<Point>]) -> Vec<Vec<Point>> {
    let count: usize = groups.iter().map(Vec::len).sum();
    let width = count.div_ceil(POINTS_MAX).max(1);
    let middle = |points: &[Point]| {
        let of = |axis: fn(&Point) -> f64| median(&points.iter().map(axis).collect::<Vec<_>>());
        Some((of(|point| point.0)?, of(|point| point.1)?))
    };
    let condense = |group: &Vec<Point>| group.chunks(width).filter_map(middle).collect();
    groups.iter().map(condense).collect()
}

/// All pairs of points within a group, by their places in the whole series, and how far they lie apart.
fn pairs(groups: &[Vec<Point>]) -> Vec<(usize, usize, f64)> {
    let (mut pairs, mut before) = (Vec::new(), 0);
    for group in groups {
        for (from, (x, _)) in group.iter().enumerate() {
            let later = group.iter().enumerate().skip(from + 1);
            let apart = later.map(|(to, (later, _))| (before + from, before + to, later - x));
            pairs.extend(apart.filter(|(_, _, length)| *length != 0.0));
        }
        before += group.len();
    }
    pairs
}

/// What a line with this slope leaves of a group.
fn residuals(group: &[Point], slope: f64) -> Vec<f64> {
    let left: Vec<f64> = group.iter().map(|(x, y)| y - slope * x).collect();
    let height = median(&left).unwrap_or(0.0);
    left.into_iter().map(|left| left - height).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::random::Random;

    /// A second of a soak each; every reading keeps a share of the one before.
    fn noise(random: &mut Random, count: usize, kept: f64) -> Vec<Point> {
        let mut last = 0.0;
        let mut next = |x| {
            last = kept * last + random.below(1 << 20) as f64 / f64::from(1 << 19) - 1.0;
            (x as f64, last)
        };
        (0..count).map(&mut next).collect()
    }

    /// A minute of noise whose neighbours resemble each other as runs on a shared machine do. At 5 % one or two miss.
    #[test]
    fn intervals_of_noise_that_resembles_itself_hold_no_drift() {
        let mut random = Random::new(4, &[]);
        let misses = |seed: &u64| {
            let drift = Drift::of(&[noise(&mut random, 60, 0.84)], 0.0, *seed).unwrap();
            drift.interval.low > 0.0 || drift.interval.high < 0.0
        };
        let missed = (0..30).filter(misses).count();
        println!("{missed} of 30 intervals hold a drift that is not there");
        assert!(missed <= 3, "{missed} of 30");
    }

    #[test]
    fn a_planted_drift_is_found_across_a_restart() {
        let mut random = Random::new(5, &[]);
        let mut group = |height: f64| -> Vec<Point> {
            let noise = noise(&mut random, 300, 0.84).into_iter();
            noise.map(|(x, y)| (x, height + 0.05 * x + y)).collect()
        };
        let drift = Drift::of(&[group(1e3), group(5.0)], 0.0, 1).unwrap();
        let interval = drift.interval;
        assert!(interval.low > 0.03 && interval.high < 0.07, "{drift:?}");
        assert!(interval.low < 0.05 && 0.05 < interval.high, "{drift:?}");
    }

    #[test]
    fn what_moves_in_steps_may_hide_one() {
        let flat: Vec<Point> = (0..=100).map(|x| (f64::from(x), 7.0)).collect();
        let drift = Drift::of(&[flat], 4096.0, 1).unwrap();
        let hidden = drift.interval.high;
        assert!(
            (40.96..43.0).contains(&hidden) && drift.interval.low == -hidden,
            "{drift:?}"
        );
    }

    #[test]
    fn a_few_readings_say_nothing() {
        let line = |count| (0..count).map(|x| (f64::from(x), f64::from(x))).collect();
        assert_eq!(Drift::of(&[line(POINTS_MIN as u32 - 1)], 0.0, 1), None);
        assert_eq!(Drift::of(&[], 0.0, 1), None);
        assert_eq!(Drift::of(&[line(30)], 0.0, 1).unwrap().slope, 1.0);
    }
}
