//! Lower bounds that hold for many differences together, and the arms that may be the best.
//!
//! Of many arms some look better than a given one by chance; the more there are, the more. So the bounds of all
//! differences to it are drawn together: what is left of a difference when its own mean is taken off is noise, the signs of
//! whole launches are flipped, for all differences alike so that what they share stays shared, and the largest of all
//! t-statistics is what chance can do. Its quantile takes the place that the one of a single t-statistic has in a single
//! bound (max-T: Westfall and Young, *Resampling-Based Multiple Testing*, 1993). Each difference keeps a spread of its own,
//! since arms differ in that too.
//!
//! An arm may be the best unless the bound of some difference to it says that another is better: multiple comparisons
//! with the best (Hsu, *Annals of Statistics* 9, 1981, 1026–1034). The best arm is missing in the set with a chance of α
//! at most, whoever it is. No arm of the set is placed before another.

use crate::stats::mean;
use crate::stats::random::Random;

/// Fewer launches have so few flips that the largest statistic is one of them.
pub const LAUNCHES_MIN: usize = 6;

/// As many launches as it takes to reach α: of fewer there are too few flips for its quantile.
#[must_use]
pub fn launches_min(alpha: f64) -> usize {
    let flips = 1.0 / alpha - 1.0;
    LAUNCHES_MIN.max(flips.log2().ceil() as usize)
}

/// Up to this many launches all flips are enumerated.
const EXACT_LAUNCHES_MAX: usize = 10;

/// Flips drawn beyond that; the quantile at 0.95 is then good to half a percent of level.
const FLIPS: usize = 1_999;

/// A spread below this share of the values is rounding.
const ROUNDING: f64 = 1e-12;

/// One difference over all launches.
struct Difference {
    mean: f64,
    residuals: Vec<f64>,
    /// The sum of squares of the residuals, which no flip changes.
    squares: f64,
}

impl Difference {
    fn of(values: &[f64]) -> Option<Difference> {
        let mean = mean(values)?;
        let residuals: Vec<f64> = values.iter().map(|value| value - mean).collect();
        let largest = values
            .iter()
            .fold(0.0, |most: f64, value| most.max(value.abs()));
        let squares = residuals.iter().map(|value| value * value).sum::<f64>();
        let is_noise = squares > (largest * ROUNDING).powi(2);
        Some(Difference {
            mean,
            residuals,
            squares: if is_noise { squares } else { 0.0 },
        })
    }

    /// The t-statistic of the residuals after a flip of signs, one bit per launch.
    fn flipped_t(&self, flip: u64) -> f64 {
        let n = self.residuals.len() as f64;
        let signed = self.residuals.iter().enumerate();
        let sum: f64 = signed
            .map(|(launch, value)| {
                if flip >> launch & 1 == 1 {
                    -value
                } else {
                    *value
                }
            })
            .sum();
        if self.squares == 0.0 {
            return 0.0;
        }
        // What the flipped mean takes up is no spread any more; of equal residuals nothing is left.
        let spread = (self.squares - sum * sum / n).max(self.squares * ROUNDING);
        sum / n.sqrt() / (spread / (n - 1.0)).sqrt()
    }

    fn standard_error(&self) -> f64 {
        let n = self.residuals.len() as f64;
        (self.squares / (n - 1.0) / n).sqrt()
    }
}

/// For each difference, given as one value per launch, what it is at least. All of it is true together with a chance of
/// 1 − α. None below six launches, without a difference, or where so few launches cannot reach α.
#[must_use]
pub fn lower_bounds(differences: &[Vec<f64>], alpha: f64, seed: u64) -> Option<Vec<f64>> {
    let launches = differences.first()?.len();
    if launches < LAUNCHES_MIN {
        return None;
    }
    let differences: Vec<Difference> = differences
        .iter()
        .map(|values| Difference::of(values))
        .collect::<Option<_>>()?;
    let critical = critical(&differences, launches, alpha, seed)?;
    let bound = |of: &Difference| of.mean - critical * of.standard_error();
    Some(differences.iter().map(bound).collect())
}

/// What the largest t-statistic exceeds with a chance of α where there is nothing but noise. None where the flips are too few
/// to tell: 64 of them, of six launches, say nothing below α = 1/65.
fn critical(differences: &[Difference], launches: usize, alpha: f64, seed: u64) -> Option<f64> {
    let largest = |flip: u64| {
        let all = differences.iter().map(|of| of.flipped_t(flip));
        all.fold(f64::NEG_INFINITY, f64::max)
    };
    let mut largest: Vec<f64> = if launches <= EXACT_LAUNCHES_MAX {
        (0..1 << launches).map(largest).collect()
    } else {
        let mut random = Random::new(seed, &[launches as u64]);
        (0..FLIPS).map(|_| largest(random.draw())).collect()
    };
    largest.sort_by(f64::total_cmp);
    let rank = ((1.0 - alpha) * (largest.len() + 1) as f64).ceil() as usize;
    let quantile = rank.checked_sub(1).and_then(|at| largest.get(at));
    quantile.map(|quantile| quantile.max(0.0))
}

/// Which of `arms` may be the best. `advantage(i, j)` is by how much `j` is better than `i`, one value per launch. None
/// where [`lower_bounds`] has none.
#[must_use]
pub fn may_be_best(
    arms: usize,
    advantage: impl Fn(usize, usize) -> Vec<f64>,
    alpha: f64,
    seed: u64,
) -> Option<Vec<usize>> {
    if arms == 1 {
        return Some(vec![0]);
    }
    let mut set = Vec::new();
    for arm in 0..arms {
        let others = (0..arms).filter(|other| *other != arm);
        let advantages: Vec<Vec<f64>> = others.map(|other| advantage(arm, other)).collect();
        let bounds = lower_bounds(&advantages, alpha, seed)?;
        if bounds.iter().all(|bound| *bound <= 0.0) {
            set.push(arm);
        }
    }
    Some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIMULATIONS: u64 = 1_000;

    /// 5 % and three standard errors of a share found in so many simulations.
    const SHARE_MAX: f64 = 0.071;

    /// Arms by launches: what all arms of a launch share, and noise, of which every third arm has three times as much. All
    /// are equal but for `worse_by`, in standard deviations, of all arms but the first.
    fn simulated(arms: usize, launches: usize, worse_by: f64, seed: u64) -> Vec<Vec<f64>> {
        let mut random = Random::new(seed, &[arms as u64, launches as u64]);
        let mut noise = || {
            let sum: f64 = (0..12)
                .map(|_| random.below(1 << 20) as f64 / f64::from(1 << 20))
                .sum();
            sum - 6.0
        };
        let shared: Vec<f64> = (0..launches).map(|_| 5.0 * noise()).collect();
        let arm = |arm: usize| {
            let spread = if arm % 3 == 2 { 3.0 } else { 1.0 };
            let offset = if arm == 0 { 0.0 } else { -worse_by };
            shared
                .iter()
                .map(|shared| shared + spread * noise() + offset)
                .collect()
        };
        (0..arms).map(arm).collect()
    }

    fn advantage(goodness: &[Vec<f64>], arm: usize, other: usize) -> Vec<f64> {
        let launches = goodness[arm].iter().zip(&goodness[other]);
        launches.map(|(arm, other)| other - arm).collect()
    }

    /// The worst case for the best arm: all others are as good as it is.
    #[test]
    fn the_true_best_is_missing_in_the_set_in_at_most_one_of_twenty() {
        for (arms, launches) in [(2, 6), (9, 6), (54, 6), (2, 8), (9, 8), (4, 16), (54, 8)] {
            let is_missing = |seed: &u64| {
                let goodness = simulated(arms, launches, 0.0, *seed);
                let others = (1..arms).map(|other| advantage(&goodness, 0, other));
                let bounds = lower_bounds(&others.collect::<Vec<_>>(), 0.05, *seed).unwrap();
                bounds.iter().any(|bound| *bound > 0.0)
            };
            let missing = (0..SIMULATIONS).filter(is_missing).count() as f64 / SIMULATIONS as f64;
            println!(
                "{arms} arms, {launches} launches: missing in {:.1} %",
                missing * 100.0
            );
            assert!(
                missing <= SHARE_MAX,
                "{arms} arms, {launches} launches: {missing}"
            );
            assert!(missing > 0.0, "a set that always holds it says nothing");
        }
    }

    /// With others that are nearly as good.
    #[test]
    fn the_set_holds_the_true_best_in_nineteen_of_twenty() {
        let is_missing = |seed: &u64| {
            let goodness = simulated(5, 8, 0.2, *seed);
            let set = may_be_best(
                5,
                |arm, other| advantage(&goodness, arm, other),
                0.05,
                *seed,
            );
            !set.unwrap().contains(&0)
        };
        let missing = (0..SIMULATIONS).filter(is_missing).count() as f64 / SIMULATIONS as f64;
        assert!(missing <= 0.05, "{missing}");
    }

    #[test]
    fn an_arm_that_is_much_worse_is_not_in_the_set() {
        let goodness = simulated(9, 8, 9.0, 1);
        let set = may_be_best(9, |arm, other| advantage(&goodness, arm, other), 0.05, 1);
        assert_eq!(set, Some(vec![0]));
    }

    #[test]
    fn without_noise_a_bound_is_the_difference() {
        let bounds = lower_bounds(&[vec![0.1; 8], vec![-0.2; 8]], 0.05, 1).unwrap();
        assert!((bounds[0] - 0.1).abs() < 1e-12 && (bounds[1] + 0.2).abs() < 1e-12);
        assert_eq!(lower_bounds(&[vec![0.1; 5]], 0.05, 1), None);
        assert_eq!(may_be_best(1, |_, _| Vec::new(), 0.05, 1), Some(vec![0]));
    }

    /// 64 flips are too few for a twentieth in four parts, and 128 are not.
    #[test]
    fn a_level_that_so_few_launches_cannot_reach_has_no_bounds() {
        let of = |launches, alpha| {
            let goodness = simulated(3, launches, 0.0, 4);
            lower_bounds(&[advantage(&goodness, 0, 1)], alpha, 4)
        };
        assert!(of(6, 0.05).is_some() && of(6, 0.05 / 3.0).is_some());
        assert_eq!(of(6, 0.05 / 4.0), None);
        assert!(of(7, 0.05 / 4.0).is_some());
        assert_eq!(
            [1.0, 3.0, 4.0].map(|parts| launches_min(0.05 / parts)),
            [6, 6, 7]
        );
        let goodness = simulated(3, 6, 0.0, 4);
        let set = may_be_best(3, |arm, other| advantage(&goodness, arm, other), 0.0125, 4);
        assert_eq!(set, None);
    }

    #[test]
    fn more_differences_have_lower_bounds_each() {
        let goodness = simulated(9, 8, 0.0, 3);
        let advantages: Vec<Vec<f64>> =
            (1..9).map(|other| advantage(&goodness, 0, other)).collect();
        let alone = lower_bounds(&advantages[..1], 0.05, 3).unwrap()[0];
        let together = lower_bounds(&advantages, 0.05, 3).unwrap()[0];
        assert!(together < alone, "{together} {alone}");
    }
}
