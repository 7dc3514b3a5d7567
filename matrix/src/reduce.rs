//! From the slices of a launch to one number per metric, arm and launch.
//!
//! Two arms are compared round by round: their slices lie within a tenth of a second of each other, so what disturbs the
//! machine longer than that disturbs both. The log-ratios of the rounds are cut down to their trimmed mean, and only that one
//! number per launch is ever tested: slices of one launch share the layout the loader gave it, and are not independent.

use crate::record::{Launch, Observation, Slice};
use crate::stats::trimmed_mean;
use crate::verdict::{Conditions, Metric, Observed, Pair};

/// The quantile of [`Metric::LatencyP99`].
const P99: f64 = 0.99;

/// An arm's value of a metric in one launch; `None` where it has no source.
#[must_use]
pub fn value(seen: &Observation, metric: Metric) -> Option<f64> {
    match metric {
        Metric::CpuPerRequest | Metric::Throughput => {
            let values: Vec<f64> = seen
                .slices
                .iter()
                .filter_map(|slice| slice_value(slice, metric))
                .collect();
            trimmed_mean(&values)
        }
        Metric::Memory => Some(seen.memory?.private_bytes as f64),
        Metric::LatencyP99 => seen.latency.quantile_ns(P99),
        Metric::Instructions | Metric::Syscalls | Metric::Allocations => None,
    }
}

/// `ln(candidate / baseline)` of a metric in one launch.
#[must_use]
pub fn log_ratio(baseline: &Observation, candidate: &Observation, metric: Metric) -> Option<f64> {
    match metric {
        Metric::CpuPerRequest | Metric::Throughput => trimmed_mean(&slice_log_ratios(
            &baseline.slices,
            &candidate.slices,
            metric,
        )),
        _ => Some((value(candidate, metric)? / value(baseline, metric)?).ln()),
    }
}

/// `ln(arm / reference)` of CPU per request, one per launch that has both.
#[must_use]
pub fn cpu_log_ratios(launches: &[&Launch], reference: usize, arm: usize) -> Vec<f64> {
    let of_launch = |launch: &&Launch| {
        log_ratio(
            &launch.arms[reference],
            &launch.arms[arm],
            Metric::CpuPerRequest,
        )
    };
    launches.iter().filter_map(of_launch).collect()
}

/// By how much `other` is better than `arm` in a metric, as a log-ratio for each launch; none if any launch lacks it.
#[must_use]
pub fn advantages(
    launches: &[&Launch],
    arm: usize,
    other: usize,
    metric: Metric,
) -> Option<Vec<f64>> {
    let sign = if metric.more_is_better() { 1.0 } else { -1.0 };
    let of_launch = |launch: &&Launch| log_ratio(&launch.arms[arm], &launch.arms[other], metric);
    let ratios = launches.iter().map(of_launch);
    ratios.map(|ratio| Some(sign * ratio?)).collect()
}

/// One log-ratio per round in which both arms answered requests.
#[must_use]
pub fn slice_log_ratios(baseline: &[Slice], candidate: &[Slice], metric: Metric) -> Vec<f64> {
    let rounds = baseline.iter().zip(candidate);
    rounds
        .filter_map(|(baseline, candidate)| {
            Some((slice_value(candidate, metric)? / slice_value(baseline, metric)?).ln())
        })
        .collect()
}

fn slice_value(slice: &Slice, metric: Metric) -> Option<f64> {
    let (requests, elapsed_ns) = (slice.requests as f64, slice.elapsed_ns as f64);
    let value = match metric {
        Metric::CpuPerRequest => slice.server_cpu_ns as f64 / requests,
        Metric::Throughput => requests / elapsed_ns * 1e9,
        _ => return None,
    };
    (value.is_finite() && value > 0.0).then_some(value)
}

/// Two arms over several launches. A metric that any launch lacks is left out.
#[must_use]
pub fn observed(
    launches: &[&Launch],
    baseline: usize,
    candidate: usize,
    conditions: Conditions,
) -> Observed {
    let pairs = |metric| -> Option<Vec<Pair>> {
        launches
            .iter()
            .map(|launch| pair(&launch.arms[baseline], &launch.arms[candidate], metric))
            .collect()
    };
    let pairs = Metric::ALL
        .into_iter()
        .filter_map(|metric| Some((metric, pairs(metric)?)))
        .collect();
    Observed {
        pairs,
        conditions,
        ..Observed::default()
    }
}

fn pair(baseline: &Observation, candidate: &Observation, metric: Metric) -> Option<Pair> {
    Some(Pair {
        baseline: value(baseline, metric)?,
        candidate: value(candidate, metric)?,
        log_ratio: log_ratio(baseline, candidate, metric)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(round: u32, requests: u64, server_cpu_ns: u64) -> Slice {
        let in_flight_requests = 64.0;
        Slice {
            round,
            position: 0,
            requests,
            elapsed_ns: 25_000_000,
            server_cpu_ns,
            client_cpu_ns: 0,
            in_flight_requests,
        }
    }

    #[test]
    fn drift_that_hits_both_arms_cancels() {
        let cost = |round: u32| 3000 + 500 * u64::from(round);
        let baseline: Vec<Slice> = (0..10)
            .map(|round| slice(round, 1000, 1000 * cost(round)))
            .collect();
        let candidate: Vec<Slice> = (0..10)
            .map(|round| slice(round, 2000, 2200 * cost(round)))
            .collect();
        let cpu = trimmed_mean(&slice_log_ratios(
            &baseline,
            &candidate,
            Metric::CpuPerRequest,
        ))
        .unwrap();
        assert!((cpu - 1.1_f64.ln()).abs() < 1e-12);
        let throughput =
            trimmed_mean(&slice_log_ratios(&baseline, &candidate, Metric::Throughput)).unwrap();
        assert!((throughput - 2_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn a_round_without_answers_has_no_ratio() {
        let ratios = slice_log_ratios(
            &[slice(0, 0, 5), slice(1, 10, 5)],
            &[slice(0, 10, 5), slice(1, 10, 5)],
            Metric::Throughput,
        );
        assert_eq!(ratios, [0.0]);
    }
}
