//! The arithmetic behind every number the matrix prints: robust centres here, the test and its interval in
//! [`signflip`], of many differences at once in [`simultaneous`], all chance in [`random`].
//!
//! Functions take plain slices and give `None` where a figure does not exist (an empty sample), so that a missing
//! value can never pass for zero. Nothing here knows what a launch or a metric is.

pub mod bootstrap;
pub mod drift;
pub mod factorial;
pub mod line;
pub mod random;
pub mod signflip;
pub mod simultaneous;
pub mod theil_sen;

/// Share cut off at each end by [`trimmed_mean`].
const TRIM: f64 = 0.2;

/// How many values [`settled`] looks at.
const SETTLED_WINDOW: usize = 5;

/// The arithmetic mean.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The 20 %-trimmed mean: the mean of what is left when a fifth of the values is cut off at each end.
///
/// It keeps most of the mean's precision on clean data, and a fifth of the slices may be hit by a neighbour on the
/// machine without moving it (Wilcox, *Introduction to Robust Estimation*, §3.3).
#[must_use]
pub fn trimmed_mean(values: &[f64]) -> Option<f64> {
    let sorted = sorted(values.to_vec());
    let cut = (values.len() as f64 * TRIM) as usize;
    mean(&sorted[cut..sorted.len() - cut])
}

/// The middle value; the mean of the two middle ones when their number is even.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    median_of(values.to_vec())
}

/// The same of values that nobody else needs; their order is lost. It sorts no more of them than it has to.
fn median_of(mut values: Vec<f64>) -> Option<f64> {
    let count = values.len();
    if count == 0 {
        return None;
    }
    let (below, middle, _) = values.select_nth_unstable_by(count / 2, f64::total_cmp);
    Some(match count % 2 {
        1 => *middle,
        _ => f64::midpoint(
            below.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            *middle,
        ),
    })
}

/// The Hodges–Lehmann estimate of the centre: the median of the means of all pairs, each value paired with itself too.
#[must_use]
pub fn hodges_lehmann(values: &[f64]) -> Option<f64> {
    let pairs: Vec<f64> = (0..values.len())
        .flat_map(|i| (i..values.len()).map(move |j| f64::midpoint(values[i], values[j])))
        .collect();
    median_of(pairs)
}

/// Whether a warm-up has come to rest: the last five values all lie within three times their median absolute
/// deviation of their median.
#[must_use]
pub fn settled(values: &[f64]) -> bool {
    let Some(last) = values
        .len()
        .checked_sub(SETTLED_WINDOW)
        .map(|from| &values[from..])
    else {
        return false;
    };
    let distances = |centre: f64| last.iter().map(move |value| (value - centre).abs());
    median(last).is_some_and(|centre| {
        let spread = median(&distances(centre).collect::<Vec<_>>()).unwrap_or(0.0);
        distances(centre).all(|distance| distance <= 3.0 * spread)
    })
}

/// The quartiles, as medians of the lower and the upper half; with fewer than four values there is no telling.
#[must_use]
pub fn middle_half(values: &[f64]) -> Option<[f64; 2]> {
    let sorted = sorted(values.to_vec());
    let half = sorted.len().div_ceil(2);
    if sorted.len() < 4 {
        return None;
    }
    Some([
        median(&sorted[..half])?,
        median(&sorted[sorted.len() - half..])?,
    ])
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Log-ratios of the size that launches give, one of them an outlier.
    const SAMPLE: [f64; 10] = [
        0.012, -0.034, 0.007, 0.051, -0.019, 0.003, 0.028, -0.008, 0.44, 0.016,
    ];

    fn close(left: Option<f64>, right: f64) -> bool {
        (left.expect("a value") - right).abs() < 1e-12
    }

    /// Figures by SciPy 1.17.1: `scipy.stats.trim_mean(x, 0.2)`, `numpy.median(x)`, and the median of
    /// `[(x[i] + x[j]) / 2 for i in range(10) for j in range(i, 10)]`.
    #[test]
    fn centres_agree_with_scipy() {
        assert!(close(trimmed_mean(&SAMPLE), 0.009666666666666665));
        assert!(close(median(&SAMPLE), 0.0095));
        assert!(close(hodges_lehmann(&SAMPLE), 0.01));
    }

    /// Tukey's hinges: the middle value belongs to both halves.
    #[test]
    fn the_middle_half_lies_between_the_quartiles() {
        assert_eq!(middle_half(&[5.0, 1.0, 3.0, 2.0, 4.0]), Some([2.0, 4.0]));
        assert_eq!(middle_half(&[4.0, 1.0, 2.0, 3.0]), Some([1.5, 3.5]));
        assert_eq!(middle_half(&[1.0, 2.0, 3.0]), None);
    }

    #[test]
    fn nothing_has_no_centre() {
        assert_eq!(
            (
                mean(&[]),
                trimmed_mean(&[]),
                median(&[]),
                hodges_lehmann(&[])
            ),
            (None, None, None, None)
        );
    }

    #[test]
    fn a_fifth_of_outliers_does_not_move_the_trimmed_mean() {
        let mut values = vec![1.0; 8];
        values.extend([f64::INFINITY, 1e9]);
        assert_eq!(trimmed_mean(&values), Some(1.0));
    }

    #[test]
    fn a_trend_has_not_settled_and_a_flat_line_has() {
        assert!(!settled(&[1.0, 1.0, 1.0, 1.0]));
        assert!(settled(&[9.0, 1.0, 1.0, 1.0, 1.0, 1.0]));
        assert!(!settled(&[2.0, 1.0, 1.01, 1.0, 0.99]));
        assert!(settled(&[1.02, 0.98, 1.01, 1.0, 0.99]));
    }
}
