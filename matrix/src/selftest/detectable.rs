//! The smallest difference that comparisons would find, at the scatter that was seen.
//!
//! Nothing is assumed about the shape of the noise: launches are drawn again from those that were made, with signs by
//! chance, and go through the test of a comparison. A difference moves the whole interval, so it need not be planted: it is
//! found where the interval's lower end, moved by it, lies beyond the margin.

use crate::stats::mean;
use crate::stats::random::Random;
use crate::stats::signflip::SignFlip;
use crate::verdict::{Look, Margin, Metric, Pair};

/// So many comparisons are drawn: their share that finds a difference is known to ±2 %.
const COMPARISONS: usize = 400;

/// The share of comparisons that is to find it: 0.8 is the habit of the field (Cohen, *Statistical Power Analysis*, 1988).
const FOUND: f64 = 0.8;

/// The log-ratio that comparisons find until each look; `None` where there are too few launches to say so.
pub(super) fn smallest(
    metric: Metric,
    pairs: &[Pair],
    looks: &[Look],
    seed: u64,
) -> Vec<Option<f64>> {
    let baseline = mean(&pairs.iter().map(|pair| pair.baseline).collect::<Vec<_>>());
    let margin = baseline.map(|baseline| Margin::usual(metric).of(baseline).ln_1p());
    let noise = centred(&pairs.iter().map(|pair| pair.log_ratio).collect::<Vec<_>>());
    let lows = noise.map(|noise| lows(&noise, looks, seed));
    let of_look = |look: usize| {
        let mut lows = lows.as_ref()?.get(look)?.clone();
        lows.sort_by(f64::total_cmp);
        let missed = ((1.0 - FOUND) * lows.len() as f64) as usize;
        Some(margin? - lows.get(missed)?)
    };
    (0..looks.len()).map(of_look).collect()
}

/// What launches scatter by. The sample's own mean lies closer to it than the true one does, so it is stretched.
fn centred(log_ratios: &[f64]) -> Option<Vec<f64>> {
    let launches = log_ratios.len() as f64;
    let centre = mean(log_ratios).filter(|_| launches > 1.0)?;
    let stretch = (launches / (launches - 1.0)).sqrt();
    let stretched = log_ratios.iter().map(|value| (value - centre) * stretch);
    Some(stretched.collect())
}

/// For each look and comparison the highest lower end of an interval so far.
fn lows(noise: &[f64], looks: &[Look], seed: u64) -> Vec<Vec<f64>> {
    let mut random = Random::new(seed, &[COMPARISONS as u64]);
    let launches = looks.iter().map(|look| look.launches).max().unwrap_or(0);
    let mut lows = vec![Vec::with_capacity(COMPARISONS); looks.len()];
    for comparison in 0..COMPARISONS {
        let draw = |_| {
            let value = noise[random.below(noise.len())];
            if random.draw() & 1 == 1 {
                value
            } else {
                -value
            }
        };
        let sample: Vec<f64> = (0..launches).map(draw).collect();
        let mut highest = f64::NEG_INFINITY;
        for (look, lows) in looks.iter().zip(&mut lows) {
            let test = SignFlip::new(&sample[..look.launches as usize], comparison as u64);
            let low = test.interval(look.alpha).map(|interval| interval.low);
            highest = highest.max(low.unwrap_or(f64::NEG_INFINITY));
            lows.push(highest);
        }
    }
    lows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Conditions, Judgement, LOOKS, Observed, Roles, Verdict, until_decided};

    /// Launches without a difference: a sum of twelve dice is nearly normal.
    fn pairs(random: &mut Random, launches: usize, difference: f64) -> Vec<Pair> {
        let pair = |_| {
            let dice: usize = (0..12).map(|_| random.below(1_000)).sum();
            Pair {
                baseline: 5_000.0,
                candidate: 5_000.0,
                log_ratio: difference + (dice as f64 - 5_994.0) / 1e5,
            }
        };
        (0..launches).map(pair).collect()
    }

    /// By the rule itself, on launches that are drawn anew.
    #[test]
    fn four_comparisons_in_five_find_the_difference_that_is_named() {
        let mut random = Random::new(5, &[]);
        let metric = Metric::CpuPerRequest;
        let seen = pairs(&mut random, 32, 0.0);
        let named = smallest(metric, &seen, &LOOKS, 1)[2].unwrap();
        let rules = Roles::new(metric, &[]).into();
        let found = (0..300)
            .filter(|&seed| {
                let made = pairs(&mut random, 32, named);
                let judge = |look: Look| {
                    let pairs = [(metric, made[..look.launches as usize].to_vec())].into();
                    let conditions = Conditions::default();
                    let observed = Observed {
                        pairs,
                        conditions,
                        ..Observed::default()
                    };
                    let judgement = Judgement::of(&observed, &rules, look, seed);
                    Ok::<_, std::convert::Infallible>(judgement)
                };
                let judgements = until_decided(&LOOKS, judge).unwrap();
                judgements.last().unwrap().effects[0].verdict == Verdict::Worse
            })
            .count();
        assert!((200..285).contains(&found), "{found} of 300 at {named}");
    }

    #[test]
    fn more_launches_find_less_and_less_noise_too() {
        let mut random = Random::new(6, &[]);
        let loud = pairs(&mut random, 16, 0.0);
        let quiet = |pair: &Pair| Pair {
            log_ratio: pair.log_ratio / 4.0,
            ..*pair
        };
        let quiet: Vec<Pair> = loud.iter().map(quiet).collect();
        let of = |pairs: &[Pair]| -> Vec<f64> {
            let smallest = smallest(Metric::CpuPerRequest, pairs, &LOOKS, 1);
            smallest.into_iter().map(Option::unwrap).collect()
        };
        let (loud, quiet) = (of(&loud), of(&quiet));
        assert!(loud[0] > loud[1] && loud[1] > loud[2], "{loud:?}");
        assert!(quiet[2] < loud[2] && quiet[2] > 1.01_f64.ln(), "{quiet:?}");
        assert_eq!(smallest(Metric::CpuPerRequest, &[], &LOOKS, 1), [None; 3]);
    }
}
