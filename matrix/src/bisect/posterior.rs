//! How probable each commit is as the culprit.
//!
//! If commit c brought the difference, then those before it lie at one level and the others at another one. What is seen of
//! a commit is its level, plus an offset that its executable has for good (the layout of its code), plus the noise of its
//! launches. The lower level lies near 0, since GOOD is measured beside every commit; it is not 0, since GOOD has an offset
//! too. The other one may be anywhere. Both are integrated out, all distributions being normal:
//!
//! ```text
//! m ~ N(level, v),  level ~ N(0, s²):   ln p(m) = −½ [ Σ ln v + ln(1 + s²P) + Σ m²/v − (Σ m/v)² / (P + 1/s²) ],  P = Σ 1/v
//! ```
//!
//! The noise is pooled over all commits that were measured. Every commit is as probable as any other before that.

use std::collections::BTreeMap;

use crate::stats::mean;

/// The standard deviation of what an executable has for good: layout can move CPU per request by a percent.
const OFFSET: f64 = 0.005;

/// The standard deviation of the level of those that have the difference, as good as none.
const ANYWHERE: f64 = 1.0;

/// The least noise of a launch: a metric that reads the same in each has none.
const NOISE_MIN: f64 = 1e-4;

/// This many standard deviations from its level, a commit speaks against a single step.
const FAR: f64 = 4.0;

/// The launches of one commit as one value.
#[derive(Clone, Copy, Debug)]
struct Seen {
    mean: f64,
    /// Of the mean, the executable's offset included.
    variance: f64,
}

/// The probability of each of `count` commits to be the culprit, by launches of some of them.
#[must_use]
pub fn posterior(count: usize, launches: &BTreeMap<usize, Vec<f64>>) -> Vec<f64> {
    let seen = seen(launches);
    let log = |culprit: usize| {
        let before = seen.range(..culprit).map(|(_, seen)| *seen);
        let since = seen.range(culprit..).map(|(_, seen)| *seen);
        log_marginal(before, OFFSET) + log_marginal(since, ANYWHERE)
    };
    let logs: Vec<f64> = (0..count).map(log).collect();
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logs.iter().map(|log| (log - most).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// The standard error of the mean; none of fewer than two values.
#[must_use]
pub fn standard_error(values: &[f64]) -> Option<f64> {
    let squares = squares(values)?;
    let count = values.len() as f64;
    let variance = f64::max(squares / (count - 1.0), NOISE_MIN.powi(2));
    (count > 1.0).then(|| (variance / count).sqrt())
}

/// The commit that lies farthest from its level, in standard deviations, where that is far.
#[must_use]
pub fn misfit(posterior: &[f64], launches: &BTreeMap<usize, Vec<f64>>) -> Option<(usize, f64)> {
    let seen = seen(launches);
    let bad = |commit: usize| posterior[..=commit].iter().sum::<f64>() > 0.5;
    let level = |is_bad: bool| {
        let alike = seen.iter().filter(|(commit, _)| bad(**commit) == is_bad);
        mean(&alike.map(|(_, seen)| seen.mean).collect::<Vec<_>>())
    };
    let levels = [Some(level(false).unwrap_or(0.0)), level(true)];
    let distance = |(commit, seen): (&usize, &Seen)| {
        let level = levels[usize::from(bad(*commit))]?;
        Some((*commit, (seen.mean - level) / seen.variance.sqrt()))
    };
    let farthest = seen.iter().filter_map(distance);
    farthest
        .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
        .filter(|(_, distance)| distance.abs() > FAR)
}

fn seen(launches: &BTreeMap<usize, Vec<f64>>) -> BTreeMap<usize, Seen> {
    let noise = pooled_variance(launches.values());
    let of_commit = |values: &Vec<f64>| {
        Some(Seen {
            mean: mean(values)?,
            variance: noise / values.len() as f64 + OFFSET.powi(2),
        })
    };
    launches
        .iter()
        .filter_map(|(commit, values)| Some((*commit, of_commit(values)?)))
        .collect()
}

/// The variance of one launch, by how launches differ from those of the same commit.
fn pooled_variance<'a>(commits: impl Iterator<Item = &'a Vec<f64>>) -> f64 {
    let (mut sum, mut freedom) = (0.0, 0.0);
    for values in commits {
        sum += squares(values).unwrap_or(0.0);
        freedom += values.len().saturating_sub(1) as f64;
    }
    f64::max(sum / f64::max(freedom, 1.0), NOISE_MIN.powi(2))
}

/// The sum of the squared distances to the mean.
fn squares(values: &[f64]) -> Option<f64> {
    let centre = mean(values)?;
    Some(values.iter().map(|value| (value - centre).powi(2)).sum())
}

/// `ln p` of values around one level, which is N(0, spread²); see the head of this file.
fn log_marginal(values: impl Iterator<Item = Seen>, spread: f64) -> f64 {
    let (mut logs, mut precision, mut weighted, mut squared) = (0.0, 0.0, 0.0, 0.0);
    for Seen { mean, variance } in values {
        logs += variance.ln();
        precision += 1.0 / variance;
        weighted += mean / variance;
        squared += mean * mean / variance;
    }
    let shrunk = weighted * weighted / (precision + spread.powi(-2));
    -0.5 * (logs + (spread * spread * precision).ln_1p() + squared - shrunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launches(of: &[(usize, f64)]) -> BTreeMap<usize, Vec<f64>> {
        let around = |mean: f64| {
            [-0.01, 0.01, -0.008, 0.008]
                .map(|noise| mean + noise)
                .to_vec()
        };
        of.iter()
            .map(|(commit, mean)| (*commit, around(*mean)))
            .collect()
    }

    #[test]
    fn without_a_look_inside_every_commit_is_as_probable() {
        let posterior = posterior(4, &launches(&[(3, 0.05)]));
        assert!(
            posterior.iter().all(|p| (p - 0.25).abs() < 1e-12),
            "{posterior:?}"
        );
    }

    #[test]
    fn the_step_lies_between_the_last_good_and_the_first_bad() {
        let posterior = posterior(8, &launches(&[(2, 0.001), (4, 0.051), (7, 0.05)]));
        assert!(posterior[3] + posterior[4] > 0.99, "{posterior:?}");
        assert!((posterior[3] - posterior[4]).abs() < 1e-9);
        assert!((posterior.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    /// `scipy.stats.multivariate_normal` with covariance `diag(v) + s²`, without the constant −n/2 · ln 2π.
    #[test]
    fn the_marginal_is_that_of_a_normal_with_a_common_level() {
        let seen = [(0.02, 0.0001), (0.03, 0.0004)].map(|(mean, variance)| Seen { mean, variance });
        // −½ (ln det Σ + mᵀ Σ⁻¹ m) with Σ = [[1.0001, 1], [1, 1.0004]]: det = 0.00050004.
        let det = 1.0001_f64 * 1.0004 - 1.0;
        let product =
            (0.02_f64.powi(2) * 1.0004 - 2.0 * 0.02 * 0.03 + 0.03_f64.powi(2) * 1.0001) / det;
        let expected = -0.5 * (det.ln() + product);
        assert!((log_marginal(seen.into_iter(), 1.0) - expected).abs() < 1e-9);
    }

    #[test]
    fn a_second_step_is_told() {
        let one = launches(&[(1, 0.0), (4, 0.05), (7, 0.05)]);
        assert_eq!(misfit(&posterior(8, &one), &one), None);
        let two = launches(&[(1, 0.0), (3, 0.05), (5, 0.2), (7, 0.05)]);
        assert_eq!(
            misfit(&posterior(8, &two), &two).map(|(commit, _)| commit),
            Some(5)
        );
    }
}
