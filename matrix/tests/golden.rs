//! Our statistics against those of others: the figures are stored with the script that made them, `data/golden.py`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::LazyLock;

use orthant_matrix::stats::factorial::Factorial;
use orthant_matrix::stats::line::Line;
use orthant_matrix::stats::signflip::SignFlip;
use orthant_matrix::stats::theil_sen::{self, Point};
use orthant_matrix::stats::{bootstrap, hodges_lehmann, mean, median, trimmed_mean};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

static GOLDEN: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("data/golden.json")).unwrap());

fn golden<T: DeserializeOwned>(part: &str) -> T {
    serde_json::from_value(GOLDEN[part].clone()).unwrap()
}

fn close(found: f64, golden: f64, off_max: f64) {
    assert!((found - golden).abs() <= off_max, "{found} is not {golden}");
}

#[test]
fn centres_agree_with_scipy() {
    #[derive(Deserialize)]
    struct Centres {
        values: Vec<f64>,
        mean: f64,
        median: f64,
        trimmed_mean: f64,
        hodges_lehmann: f64,
    }
    for golden in golden::<Vec<Centres>>("centres") {
        let values = &golden.values;
        close(mean(values).unwrap(), golden.mean, 1e-12);
        close(median(values).unwrap(), golden.median, 1e-12);
        close(trimmed_mean(values).unwrap(), golden.trimmed_mean, 1e-12);
        close(
            hodges_lehmann(values).unwrap(),
            golden.hodges_lehmann,
            1e-12,
        );
    }
}

#[test]
fn the_sign_flip_test_and_its_intervals_agree_with_scipy() {
    #[derive(Deserialize)]
    struct Test {
        values: Vec<f64>,
        p: Vec<(f64, f64)>,
        intervals: Vec<(f64, f64, f64)>,
    }
    for golden in golden::<Vec<Test>>("signflip") {
        let test = SignFlip::new(&golden.values, 0);
        for (delta, p) in golden.p {
            close(test.p(delta), p, 1e-12);
        }
        for (alpha, low, high) in golden.intervals {
            let interval = test.interval(alpha).unwrap();
            close(interval.low, low, 1e-12);
            close(interval.high, high, 1e-12);
        }
    }
}

/// One of the series has ties, the other outliers.
#[test]
fn lines_agree_with_scipy() {
    #[derive(Deserialize)]
    struct Lines {
        x: Vec<f64>,
        y: Vec<f64>,
        theil_sen: [f64; 3],
        least_squares: [f64; 2],
    }
    for golden in golden::<Vec<Lines>>("lines") {
        let points: Vec<Point> = golden.x.into_iter().zip(golden.y).collect();
        let [slope, intercept] = golden.least_squares;
        let least = Line::through(&points).unwrap();
        close(least.slope, slope, 1e-9 * slope.abs());
        close(least.intercept, intercept, 1e-9 * intercept.abs());
        let [slope, low, high] = golden.theil_sen;
        let groups = [points];
        let interval = theil_sen::interval(&groups).unwrap();
        close(
            theil_sen::slope(&groups).unwrap(),
            slope,
            1e-9 * slope.abs(),
        );
        close(interval.low, low, 1e-9 * low.abs());
        close(interval.high, high, 1e-9 * high.abs());
    }
}

#[derive(Deserialize)]
struct Blocks {
    series: Vec<f64>,
    length: usize,
    drawn: Vec<Drawn>,
    mean_interval: [f64; 2],
    autocorrelation: Vec<f64>,
}

#[derive(Deserialize)]
struct Drawn {
    starts: Vec<usize>,
    mean: f64,
    median: f64,
}

/// The same starts make the same series; other ones, an interval that differs by chance alone.
#[test]
fn the_block_bootstrap_agrees_with_arch() {
    let golden: Blocks = golden("blocks");
    let (series, length) = (&golden.series, golden.length);
    let at = |places: &[usize]| {
        places
            .iter()
            .map(|place| series[*place])
            .collect::<Vec<f64>>()
    };
    for drawn in golden.drawn {
        let resampled = at(&bootstrap::places(&drawn.starts, length, series.len()));
        close(mean(&resampled).unwrap(), drawn.mean, 1e-12);
        close(median(&resampled).unwrap(), drawn.median, 1e-12);
    }
    for (lag, golden) in golden.autocorrelation.into_iter().enumerate() {
        close(bootstrap::autocorrelation(series, lag), golden, 1e-12);
    }
    let [low, high] = golden.mean_interval;
    let statistic = |places: &[usize]| mean(&at(places));
    let interval = bootstrap::interval(series.len(), length, 1, 0.05, statistic).unwrap();
    let off_max = 0.1 * (high - low);
    close(interval.low, low, off_max);
    close(interval.high, high, off_max);
}

#[test]
fn effects_and_shares_agree_with_statsmodels() {
    #[derive(Deserialize)]
    struct Golden {
        sizes: Vec<usize>,
        designs: Vec<Vec<usize>>,
        responses: Vec<Vec<f64>>,
        by_launch: Vec<Vec<Vec<f64>>>,
        axes: Vec<f64>,
        interactions: f64,
        launches: f64,
    }
    let golden: Golden = golden("effects");
    let factorial = Factorial {
        sizes: golden.sizes,
        designs: golden.designs,
    };
    let effects = factorial.effects(&golden.responses).unwrap();
    for (launch, axes) in golden.by_launch.iter().enumerate() {
        for (axis, values) in axes.iter().enumerate() {
            for (value, golden) in values.iter().enumerate() {
                close(effects.by_launch[axis][value][launch], *golden, 1e-9);
            }
        }
    }
    let shares = effects.shares.unwrap();
    for (share, golden) in shares.axes.iter().zip(golden.axes) {
        close(*share, golden, 1e-9);
    }
    close(shares.interactions, golden.interactions, 1e-9);
    close(shares.launches, golden.launches, 1e-9);
}
