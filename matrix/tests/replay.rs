//! The decision path over launches of identical servers, replayed with chance roles: how often does it see a difference
//! that cannot be there?
//!
//! A stored trace stands in for the measurement; everything after it is what `compare` runs. A bad rule goes through the
//! same harness, to prove that the harness can tell.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::Cell;
use std::collections::BTreeMap;

use orthant_matrix::record::Slice;
use orthant_matrix::reduce::slice_log_ratios;
use orthant_matrix::stats::random::Random;
use orthant_matrix::stats::trimmed_mean;
use orthant_matrix::verdict::{
    ClientState, Conditions, Decision, Judgement, LOOKS, MachineState, Metric, Observed, Pair,
    Roles, Verdict, until_decided,
};

const TRACE: &str = include_str!("data/launches-aa.tsv");

const REPLAYS: u64 = 2_000;

/// 5 % and three standard errors of a share found in 2,000 replays.
const SHARE_MAX: f64 = 0.065;

const METRICS: [Metric; 2] = [Metric::CpuPerRequest, Metric::Throughput];

/// The slices of both sides in one launch.
type Sides = [Vec<Slice>; 2];

fn launches() -> Vec<Sides> {
    let mut launches: BTreeMap<u32, Sides> = BTreeMap::new();
    for line in TRACE.lines().skip(1) {
        let fields: Vec<f64> = line
            .split('\t')
            .map(|field| field.parse().unwrap())
            .collect();
        let slice = |side: usize| Slice {
            round: fields[1] as u32,
            position: u32::from((side == 1) != (fields[2] == 1.0)),
            requests: fields[3 + 3 * side] as u64,
            elapsed_ns: (fields[4 + 3 * side] * 1e9) as u64,
            server_cpu_ns: fields[5 + 3 * side] as u64,
            client_cpu_ns: 0,
            in_flight_requests: 16.0,
        };
        let sides = launches.entry(fields[0] as u32).or_default();
        sides
            .iter_mut()
            .enumerate()
            .for_each(|(side, slices)| slices.push(slice(side)));
    }
    launches.into_values().collect()
}

/// A launch as `compare` reduces it.
fn reduced([baseline, candidate]: &Sides) -> BTreeMap<Metric, Pair> {
    let value = |slices: &[Slice], metric| {
        let one = |slice: &Slice| match metric {
            Metric::CpuPerRequest => slice.server_cpu_ns as f64 / slice.requests as f64,
            _ => slice.requests as f64 / slice.elapsed_ns as f64,
        };
        slices.iter().map(one).sum::<f64>() / slices.len() as f64
    };
    let pair = |metric| Pair {
        baseline: value(baseline, metric),
        candidate: value(candidate, metric),
        log_ratio: trimmed_mean(&slice_log_ratios(baseline, candidate, metric)).unwrap(),
    };
    METRICS.map(|metric| (metric, pair(metric))).into()
}

fn swapped(pair: &Pair) -> Pair {
    Pair {
        baseline: pair.candidate,
        candidate: pair.baseline,
        log_ratio: -pair.log_ratio,
    }
}

/// Launches in random order, with random roles in each.
fn replay(launches: &[BTreeMap<Metric, Pair>], metric: Metric, seed: u64) -> Vec<Pair> {
    let mut random = Random::new(seed, &[]);
    let order = random.order(launches.len());
    let role = |launch: usize| {
        let pair = launches[launch][&metric];
        if random.draw() & 1 == 1 {
            swapped(&pair)
        } else {
            pair
        }
    };
    order.into_iter().take(32).map(role).collect()
}

/// The share of replays in which a rule calls the sides different.
fn share(metric: Metric, rule: impl Fn(&[Pair], u64) -> bool) -> f64 {
    let launches: Vec<_> = launches().iter().map(reduced).collect();
    assert_eq!(launches.len(), 60);
    let called = (0..REPLAYS)
        .filter(|seed| rule(&replay(&launches, metric, *seed), *seed))
        .count();
    called as f64 / REPLAYS as f64
}

/// What `compare` does, with one metric.
fn judged(pairs: &[Pair], metric: Metric, seed: u64) -> Vec<Judgement> {
    let observe = |launches: u32| {
        let pairs = [(metric, pairs[..launches as usize].to_vec())].into();
        Ok::<_, std::convert::Infallible>(Observed {
            pairs,
            conditions: Conditions {
                machine: MachineState::Quiet,
                client: ClientState::Ahead,
            },
        })
    };
    until_decided(&LOOKS, &Roles::new(metric, &[]), seed, observe).unwrap()
}

/// Both what the test says at any look, and what the verdict is in the end.
#[test]
fn identical_servers_are_called_different_in_at_most_one_of_fifteen_replays() {
    for metric in METRICS {
        let rejected = Cell::new(0);
        let different = share(metric, |pairs, seed| {
            let judgements = judged(pairs, metric, seed);
            let rejects = |judgement: &Judgement| judgement.effects[0].p <= judgement.look.alpha;
            rejected.set(rejected.get() + u64::from(judgements.iter().any(rejects)));
            let last = judgements.last().unwrap();
            matches!(last.effects[0].verdict, Verdict::Better | Verdict::Worse)
                || matches!(last.decision, Decision::Go | Decision::NoGo)
        });
        let rejected = rejected.get() as f64 / REPLAYS as f64;
        println!(
            "{metric:?}: p below alpha in {rejected:.4}, BETTER or WORSE in {different:.4} of the replays"
        );
        assert!(rejected <= SHARE_MAX && different <= SHARE_MAX);
        assert!(rejected > 0.0, "a test that never rejects tests nothing");
    }
}

/// The usual habit: three launches, each side's best, two per cent.
#[test]
fn best_of_three_calls_identical_servers_different_in_one_of_five_replays_and_more() {
    let different = share(Metric::Throughput, |pairs, _| {
        let best = |value: fn(&Pair) -> f64| pairs[..3].iter().map(value).fold(0.0, f64::max);
        (best(|pair| pair.candidate) / best(|pair| pair.baseline))
            .ln()
            .abs()
            > 1.02_f64.ln()
    });
    println!(
        "best of three: different in {:.1} % of the replays",
        different * 100.0
    );
    assert!(different > 0.2, "{different}");
}

/// The other half of a test's worth: a planted difference of 5 % is found, and in the right direction.
#[test]
fn a_planted_difference_is_found() {
    let found = share(Metric::CpuPerRequest, |pairs, seed| {
        let dearer = |pair: &Pair| Pair {
            candidate: pair.candidate * 1.05,
            log_ratio: pair.log_ratio + 1.05_f64.ln(),
            ..*pair
        };
        let pairs: Vec<Pair> = pairs.iter().map(dearer).collect();
        let judgements = judged(&pairs, Metric::CpuPerRequest, seed);
        judgements.last().unwrap().decision == Decision::NoGo
    });
    println!("5 % dearer: NO-GO in {:.1} % of the replays", found * 100.0);
    assert!(found > 0.99, "{found}");
}
