//! From the counts of both sides to what a comparison takes of them.

use std::collections::BTreeMap;

use crate::record::{Count, Record};
use crate::sheet::{CountRow, PerRequest};
use crate::verdict::{Counted, Metric};
use crate::workload::Workload;

/// What was counted of the first two arms under a workload; a metric that either lacks is left out, and so are all where a pass
/// saw a wrong answer.
#[must_use]
pub fn compared(
    record: &Record,
    campaign: &str,
    workload: Workload,
) -> BTreeMap<Metric, [Counted; 2]> {
    let row = |side: usize| {
        let of_side = |count: &&Count| {
            let is_its = count.campaign == campaign && count.workload == workload;
            is_its && count.arm == side && count.wrong.is_empty()
        };
        let count = record.counts.values().find(of_side)?;
        Some(CountRow::of(count, String::new()))
    };
    let (Some(baseline), Some(candidate)) = (row(0), row(1)) else {
        return BTreeMap::new();
    };
    let figure = |row: &CountRow, metric| match metric {
        Metric::Instructions => row.instructions,
        Metric::Syscalls => row.syscalls,
        Metric::Allocations => row.allocations,
        _ => None,
    };
    let both = |metric| {
        let sides = [figure(&baseline, metric)?, figure(&candidate, metric)?];
        Some((metric, sides.map(counted)))
    };
    Metric::ALL.into_iter().filter_map(both).collect()
}

fn counted(PerRequest { mean, least, most }: PerRequest) -> Counted {
    Counted { mean, least, most }
}
