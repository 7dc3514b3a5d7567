//! A straight line through points: what is there from the start, and what each unit adds.

/// The line with the least sum of squared distances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Its height at 0.
    pub intercept: f64,
    /// What one unit adds.
    pub slope: f64,
    /// The largest distance of a point from it, above or below: how far the points are from a line at all.
    pub off_max: f64,
    /// The share of the variance of `y` that it explains, R²; 1 where all `y` are the same.
    pub r_squared: f64,
}

impl Line {
    /// The line through `(x, y)`; none with fewer than two different `x`.
    #[must_use]
    pub fn through(points: &[(f64, f64)]) -> Option<Line> {
        let count = points.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
        let (x_mean, y_mean) = (mean(|point| point.0), mean(|point| point.1));
        let squares: f64 = points.iter().map(|(x, _)| (x - x_mean).powi(2)).sum();
        let products: f64 = points
            .iter()
            .map(|(x, y)| (x - x_mean) * (y - y_mean))
            .sum();
        let slope = products / squares;
        let intercept = y_mean - slope * x_mean;
        let off = |(x, y): &(f64, f64)| y - intercept - slope * x;
        let of_all: f64 = points.iter().map(|(_, y)| (y - y_mean).powi(2)).sum();
        let left: f64 = points.iter().map(|point| off(point).powi(2)).sum();
        (squares > 0.0).then(|| Line {
            intercept,
            slope,
            off_max: points
                .iter()
                .map(|point| off(point).abs())
                .fold(0.0, f64::max),
            r_squared: if of_all > 0.0 {
                1.0 - left / of_all
            } else {
                1.0
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_a_line_give_the_line() {
        let points = [16.0, 256.0, 1024.0, 4096.0].map(|x| (x, 1_500_000.0 + 4_200.0 * x));
        let line = Line::through(&points).unwrap();
        assert!((line.slope - 4_200.0).abs() < 1e-6 && (line.intercept - 1_500_000.0).abs() < 1e-3);
        assert!(
            line.off_max < 1e-3 && line.r_squared > 1.0 - 1e-9,
            "{line:?}"
        );
    }

    /// By hand: x 0 1 2 3, y 1 2 2 5; means 1.5 and 2.5, products 6, squares 5; 9 in all, of which 1.8 are left.
    #[test]
    fn other_points_give_the_least_squares_and_their_worst() {
        let line = Line::through(&[(0.0, 1.0), (1.0, 2.0), (2.0, 2.0), (3.0, 5.0)]).unwrap();
        assert!((line.slope - 1.2).abs() < 1e-12 && (line.intercept - 0.7).abs() < 1e-12);
        assert!((line.off_max - 1.1).abs() < 1e-12, "{line:?}");
        assert!((line.r_squared - 0.8).abs() < 1e-12, "{line:?}");
    }

    #[test]
    fn one_point_is_no_line() {
        assert_eq!(Line::through(&[(1.0, 2.0), (1.0, 3.0)]), None);
        assert_eq!(Line::through(&[]), None);
    }
}
