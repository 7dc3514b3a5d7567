//! The slope that a series has whatever a few of its points do: the median of the slopes of all pairs (Theil, 1950).
//!
//! Up to 29 % of the points may be anywhere without moving it far. Points in several groups share the slope while each
//! group has a height of its own, so that only pairs within a group count (Hirsch, Slack and Smith, *Water Resources
//! Research* 18, 1982). Its interval is Sen's (*Journal of the American Statistical Association* 63, 1968): the slopes
//! between which Kendall's test does not reject. That takes the points for independent; where they are not, see
//! [`bootstrap`](crate::stats::bootstrap).
//!
//! All pairs are looked at, so a long series is made shorter before.

use super::{median_of, sorted};
use crate::stats::signflip::Interval;

/// The 97.5 % quantile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// A point as x and y.
pub type Point = (f64, f64);

/// The slope of groups of points; none where no two points of a group have different x.
#[must_use]
pub fn slope(groups: &[Vec<Point>]) -> Option<f64> {
    median_of(slopes(groups))
}

/// Sen's 95 % interval of the slope; none where there is no slope.
#[must_use]
pub fn interval(groups: &[Vec<Point>]) -> Option<Interval> {
    let slopes = sorted(slopes(groups));
    let last = slopes.len().checked_sub(1)?;
    let pairs = slopes.len() as f64;
    let spread = Z * groups
        .iter()
        .map(|group| variance(group))
        .sum::<f64>()
        .sqrt();
    // SciPy rounds halves to the even number as well.
    let [below, above] =
        [pairs - spread, pairs + spread].map(|twice| (twice / 2.0).round_ties_even());
    Some(Interval {
        low: slopes[(below - 1.0).max(0.0) as usize],
        high: slopes[(above as usize).min(last)],
    })
}

fn slopes(groups: &[Vec<Point>]) -> Vec<f64> {
    let mut slopes = Vec::new();
    for group in groups {
        for (index, (x, y)) in group.iter().enumerate() {
            let later = group[index + 1..].iter().filter(|(other, _)| other != x);
            slopes.extend(later.map(|(other_x, other_y)| (other_y - y) / (other_x - x)));
        }
    }
    slopes
}

/// Of Kendall's sum of signs, less what ties take off it.
fn variance(group: &[Point]) -> f64 {
    let of = |count: f64| count * (count - 1.0) * (2.0 * count + 5.0) / 18.0;
    let ties = |axis: fn(&Point) -> f64| -> f64 {
        let values = sorted(group.iter().map(axis).collect());
        let runs = values.chunk_by(|left, right| left == right);
        runs.map(|run| of(run.len() as f64)).sum()
    };
    of(group.len() as f64) - ties(|point| point.0) - ties(|point| point.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_wild_points_does_not_move_the_slope() {
        let mut points: Vec<Point> = (0..40)
            .map(|x| (f64::from(x), 5.0 + 2.0 * f64::from(x)))
            .collect();
        (0..40).step_by(4).for_each(|at| points[at].1 = 1e9);
        assert_eq!(slope(&[points]), Some(2.0));
    }

    #[test]
    fn groups_share_a_slope_and_have_heights_of_their_own() {
        let group = |height: f64| -> Vec<Point> {
            (0..9)
                .map(|x| (f64::from(x), height + 3.0 * f64::from(x)))
                .collect()
        };
        let groups = [group(0.0), group(500.0), vec![(4.0, 4.0)]];
        assert_eq!(slope(&groups), Some(3.0));
        assert_eq!(
            interval(&groups),
            Some(Interval {
                low: 3.0,
                high: 3.0
            })
        );
    }

    #[test]
    fn one_x_has_no_slope() {
        assert_eq!((slope(&[]), interval(&[])), (None, None));
        assert_eq!(
            slope(&[vec![(1.0, 2.0), (1.0, 3.0)], vec![(2.0, 3.0)]]),
            None
        );
    }
}
