//! The stored traces as what a comparison would have made of them. What they are stands beside them, in `data/README.md`.

use std::collections::BTreeMap;

use orthant_matrix::record::Slice;
use orthant_matrix::reduce::slice_log_ratios;
use orthant_matrix::stats::trimmed_mean;
use orthant_matrix::verdict::{Metric, Pair};

const SLICES: &str = include_str!("../data/launches-aa.tsv");
const LAUNCHES: &str = include_str!("../data/compare-aa.tsv");
const SEQUENTIAL: &str = include_str!("../data/sequential-aa.tsv");

/// One launch: what each metric says of both sides.
pub(crate) type Launch = BTreeMap<Metric, Pair>;

/// The slices of both sides in one launch.
type Sides = [Vec<Slice>; 2];

/// 60 launches by CPU per request and throughput, reduced from their slices as `compare` does.
pub(crate) fn of_slices() -> Vec<Launch> {
    let mut launches: BTreeMap<u32, Sides> = BTreeMap::new();
    for fields in rows(SLICES) {
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
    launches.values().map(reduced).collect()
}

fn reduced([baseline, candidate]: &Sides) -> Launch {
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
    [Metric::CpuPerRequest, Metric::Throughput]
        .map(|metric| (metric, pair(metric)))
        .into()
}

/// 64 launches by all four metrics, as `compare` reduced them.
pub(crate) fn of_compare() -> Vec<Launch> {
    let launch = |fields: Vec<f64>| {
        let pair = |baseline: usize, log_ratio: Option<usize>| Pair {
            baseline: fields[baseline],
            candidate: fields[baseline + 1],
            log_ratio: log_ratio.map_or_else(
                || (fields[baseline + 1] / fields[baseline]).ln(),
                |column| fields[column],
            ),
        };
        [
            (Metric::CpuPerRequest, pair(1, Some(3))),
            (Metric::Memory, pair(4, None)),
            (Metric::Throughput, pair(6, Some(8))),
            (Metric::LatencyP99, pair(9, None)),
        ]
        .into()
    };
    rows(LAUNCHES).map(launch).collect()
}

/// Throughput of one-second runs, one after the other, in one mode.
pub(crate) fn sequential(mode: &str) -> Vec<f64> {
    let of_mode = SEQUENTIAL
        .lines()
        .filter_map(|line| line.strip_prefix(mode)?.strip_prefix('\t'));
    let throughput = |line: &str| {
        let mut fields = line.split('\t').map(|field| field.parse::<f64>().unwrap());
        let elapsed_s = fields.next().unwrap();
        fields.next().unwrap() / elapsed_s
    };
    of_mode.map(throughput).collect()
}

fn rows(text: &str) -> impl Iterator<Item = Vec<f64>> {
    let fields = |line: &str| {
        line.split('\t')
            .map(|field| field.parse().unwrap())
            .collect()
    };
    text.lines().skip(1).map(fields)
}
