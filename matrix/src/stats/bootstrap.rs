//! The circular block bootstrap: how far would a figure of a series have come out elsewhere, had chance dealt its points
//! again?
//!
//! Neighbours in a series resemble each other, so points are not drawn one by one but in blocks of neighbours, which keep
//! that resemblance; behind the last point follows the first, so that all are drawn equally often (Politis and Romano,
//! *A circular block-resampling procedure for stationary data*, 1992). The interval is that of the percentiles.
//!
//! It knows the series and nothing beyond: of few blocks it comes out too narrow, which [`widening`] makes up for.

use super::{mean, sorted};
use crate::stats::random::Random;
use crate::stats::signflip::Interval;

/// Series drawn for one interval.
const DRAWN: usize = 499;

/// Tells these draws from others with the same seed.
const PLACE: u64 = 0xb10c;

/// The points of a series of `count` that blocks of `length` from these starts make, cut off behind the last.
///
/// # Panics
/// When a start is not below `count`.
#[must_use]
pub fn places(starts: &[usize], length: usize, count: usize) -> Vec<usize> {
    assert!(
        starts.iter().all(|start| *start < count),
        "a block starts in the series"
    );
    let block = |start: &usize| {
        let start = *start;
        (0..length).map(move |step| (start + step) % count)
    };
    starts.iter().flat_map(block).take(count).collect()
}

/// The interval that holds a statistic in all but `alpha` of the series drawn from one of `count` points; none where it
/// cannot be computed. The statistic is given the places of the points.
pub fn interval(
    count: usize,
    length: usize,
    seed: u64,
    alpha: f64,
    statistic: impl Fn(&[usize]) -> Option<f64>,
) -> Option<Interval> {
    if count == 0 || length == 0 {
        return None;
    }
    let mut random = Random::new(seed, &[PLACE, count as u64]);
    let mut drawn = || {
        let starts: Vec<usize> = (0..count.div_ceil(length))
            .map(|_| random.below(count))
            .collect();
        statistic(&places(&starts, length, count))
    };
    let drawn = sorted((0..DRAWN).map(|_| drawn()).collect::<Option<_>>()?);
    Some(Interval {
        low: quantile(&drawn, alpha / 2.0)?,
        high: quantile(&drawn, 1.0 - alpha / 2.0)?,
    })
}

/// How long blocks have to be: three times the distance at which points no longer resemble each other (its bound is that of
/// Politis and White, *Econometric Reviews* 23, 2004, §3.2, whose twice is for means; slopes lean on slower noise), at
/// least the root of their number and at most a quarter of it.
#[must_use]
pub fn block_length(values: &[f64]) -> usize {
    let count = values.len() as f64;
    let bound = 2.0 * (count.log10() / count).sqrt();
    let most = (values.len() / 4).max(1);
    let unlike = (1..most).find(|lag| autocorrelation(values, *lag).abs() < bound);
    let least = count.sqrt().ceil() as usize;
    (3 * unlike.unwrap_or(most)).max(least).min(most)
}

/// By how much an interval around a line is to be wider because so few blocks were there to draw from: they are the sample,
/// so it has as many degrees of freedom as there are blocks, less two for the line. Student's t over the normal quantile, at
/// 97.5 % (Abramowitz and Stegun, 26.7.5), and the root of what residuals are too small by.
#[must_use]
pub fn widening(blocks: f64) -> f64 {
    let free = (blocks - 2.0).max(1.0);
    let over_normal = 1.0 + 1.2104 / free + 1.4401 / free.powi(2) + 1.3040 / free.powi(3);
    over_normal * (blocks / free).sqrt()
}

/// How alike points are that lie `lag` apart, as a correlation; 0 where nothing varies.
#[must_use]
pub fn autocorrelation(values: &[f64], lag: usize) -> f64 {
    let centre = mean(values).unwrap_or(0.0);
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    let later = values.iter().skip(lag);
    let products: f64 = later
        .zip(values)
        .map(|(later, value)| (later - centre) * (value - centre))
        .sum();
    if squares > 0.0 {
        products / squares
    } else {
        0.0
    }
}

/// Between the two values next to it, by how near it is to each, as `numpy.quantile` does.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let at = share * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    Some(below + (above - below) * at.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise in which every point keeps a share of the one before it, from a uniform distribution around 0.
    fn noise(random: &mut Random, count: usize, kept: f64) -> Vec<f64> {
        let mut last = 0.0;
        let mut next = || {
            last = kept * last + random.below(1 << 20) as f64 / f64::from(1 << 19) - 1.0;
            last
        };
        (0..count).map(|_| next()).collect()
    }

    fn of_mean(values: &[f64], length: usize, seed: u64) -> Interval {
        let statistic = |places: &[usize]| {
            mean(
                &places
                    .iter()
                    .map(|place| values[*place])
                    .collect::<Vec<_>>(),
            )
        };
        interval(values.len(), length, seed, 0.05, statistic).unwrap()
    }

    #[test]
    fn blocks_go_round_and_end_with_the_series() {
        assert_eq!(places(&[3, 0], 3, 5), [3, 4, 0, 0, 1]);
    }

    #[test]
    fn a_seed_repeats_and_nothing_gives_nothing() {
        let values = noise(&mut Random::new(1, &[]), 60, 0.5);
        assert_eq!(of_mean(&values, 6, 9), of_mean(&values, 6, 9));
        assert_ne!(of_mean(&values, 6, 9), of_mean(&values, 6, 10));
        assert_eq!(interval(0, 6, 1, 0.05, |_| Some(1.0)), None);
        assert_eq!(interval(9, 3, 1, 0.05, |_| None), None);
    }

    #[test]
    fn blocks_are_as_long_as_points_resemble_each_other() {
        let mut random = Random::new(2, &[]);
        let length = |kept, random: &mut Random| block_length(&noise(random, 400, kept));
        let (none, much) = (length(0.0, &mut random), length(0.9, &mut random));
        assert!(
            (20..=30).contains(&none) && (40..=100).contains(&much),
            "{none} {much}"
        );
        assert_eq!(block_length(&[1.0; 40]), 7);
        assert_eq!((block_length(&[]), block_length(&[1.0, 2.0])), (1, 1));
    }

    /// SciPy 1.17.1: `t.ppf(0.975, v) / norm.ppf(0.975)` for v of 3, 11 and 30.
    #[test]
    fn few_blocks_make_an_interval_wider_as_students_t_does() {
        for (free, over_normal) in [(3.0, 1.6237), (11.0, 1.1230), (30.0, 1.0420)] {
            let blocks = free + 2.0;
            let found = widening(blocks) / f64::sqrt(blocks / free);
            assert!(
                (found / over_normal - 1.0).abs() < 0.01,
                "{found} {over_normal}"
            );
        }
    }

    /// The mean of noise that resembles itself moves more than points drawn one by one say.
    #[test]
    fn blocks_hold_what_single_points_miss() {
        let mut random = Random::new(3, &[]);
        let (mut single, mut blocks) = (0, 0);
        for seed in 0..200 {
            let values = noise(&mut random, 200, 0.7);
            let holds = |length| {
                let interval = of_mean(&values, length, seed);
                u32::from(interval.low <= 0.0 && 0.0 <= interval.high)
            };
            single += holds(1);
            blocks += holds(block_length(&values));
        }
        assert!(single < 130 && blocks > 155, "{single} and {blocks} of 200");
    }
}
