//! Rules that are in use elsewhere. The test that ours stand has to refuse them, or it shows nothing.

use orthant_matrix::stats::random::Random;
use orthant_matrix::verdict::{Metric, Pair};

use super::harness::{FalseAlarms, REPLAYS};
use super::{OF_SLICES, trace};

/// Throughput of both sides, run after run.
type Runs = [Vec<f64>; 2];

/// `count` runs of one side, then as many of the other, from anywhere in the trace; chance decides which comes first.
fn sequential(mode: &str, count: usize) -> Vec<Runs> {
    let runs = trace::sequential(mode);
    let replay = |seed| {
        let mut random = Random::new(seed, &[]);
        let start = random.below(runs.len() - 2 * count + 1);
        let middle = start + count;
        let sides = [start, middle].map(|from| runs[from..from + count].to_vec());
        match (random.draw() & 1, sides) {
            (0, sides) => sides,
            (_, [first, second]) => [second, first],
        }
    };
    (0..REPLAYS).map(replay).collect()
}

fn best(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(0.0, f64::max)
}

/// The best of each side, two per cent.
fn bests_differ(baseline: f64, candidate: f64) -> bool {
    (candidate / baseline).ln().abs() > 1.02_f64.ln()
}

#[test]
fn best_of_three_is_refused() {
    let side = |pairs: &[Pair], value: fn(&Pair) -> f64| best(pairs[..3].iter().map(value));
    let alarms = FalseAlarms::of(&OF_SLICES, |replay| {
        let pairs = &replay.pairs[&Metric::Throughput];
        bests_differ(
            side(pairs, |pair| pair.baseline),
            side(pairs, |pair| pair.candidate),
        )
    });
    println!("{alarms}  launches-aa, best of three launches at 2 %");
    assert!(alarms.are_many() && !alarms.are_few());
    for mode in ["pin", "free"] {
        let alarms = FalseAlarms::of(&sequential(mode, 3), |[baseline, candidate]| {
            bests_differ(best(baseline.clone()), best(candidate.clone()))
        });
        println!("{alarms}  sequential-aa {mode}, best of three runs at 2 %");
        assert!(alarms.are_many() && !alarms.are_few());
    }
}

/// How often a run of one side beats one of the other; a tie is half.
fn mann_whitney_u(first: &[f64], second: &[f64]) -> f64 {
    let beats = |left: &f64, right: &f64| match left.total_cmp(right) {
        std::cmp::Ordering::Less => 0.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Greater => 1.0,
    };
    let wins = first
        .iter()
        .flat_map(|left| second.iter().map(move |right| beats(left, right)));
    wins.sum()
}

/// Two-sided at 5 %: of ten against ten, U is at most 23 or at least 77. SciPy 1.17.1,
/// `mannwhitneyu(x, y, method='exact').pvalue`: 0.0433 for U = 23, 0.0524 for U = 24.
#[test]
fn mann_whitney_over_sequential_runs_is_refused() {
    let alarms = ["pin", "free"].map(|mode| {
        let alarms = FalseAlarms::of(&sequential(mode, 10), |[baseline, candidate]| {
            let u = mann_whitney_u(baseline, candidate);
            u.min(100.0 - u) <= 23.0
        });
        println!("{alarms}  sequential-aa {mode}, Mann–Whitney over ten runs and ten runs at 5 %");
        assert!(!alarms.are_few());
        alarms
    });
    // On CPUs of their own, as the matrix runs servers.
    assert!(alarms[0].are_many());
}
