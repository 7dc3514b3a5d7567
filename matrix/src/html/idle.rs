//! Idle connections: memory over their number, and the table.

use std::collections::BTreeMap;

use super::series::{self, Series};
use super::{Columns, figures, notes, scrolled, section};
use crate::markup::Element;
use crate::report::Report;
use crate::sheet::BYTES_PER_MIB;
use crate::stats::median;

/// The section; of a record of `idle` only.
pub(super) fn section_of(report: &Report) -> Option<Element> {
    let sheet = report.idle.as_ref()?;
    let words = series::Words {
        title: "Private memory over idle connections",
        along: "connections",
        up: "private MiB",
        note: "Medians over the starts of each server.",
    };
    let arms = 0..report.record.plan().arms.len();
    let lines: Vec<Series> = arms
        .take(series::COLOURS)
        .map(|arm| series_of(report, arm))
        .collect();
    let section = section("Idle connections")
        .children(figures(series::figure(words, &lines)))
        .child(scrolled(
            "What an idle connection costs",
            Columns::Figures,
            &sheet.people_table(),
        ))
        .children(notes(&sheet.notes()));
    Some(section)
}

fn series_of(report: &Report, arm: usize) -> Series {
    let mut by_number: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    let starts = report
        .record
        .idle
        .values()
        .filter(|idle| idle.arm == Some(arm));
    for point in starts.flat_map(|idle| &idle.points) {
        if let Some(memory) = point.memory {
            let values = by_number.entry(point.connections).or_default();
            values.push(memory.private_bytes as f64 / BYTES_PER_MIB);
        }
    }
    let point =
        |(connections, values): (u32, Vec<f64>)| Some((f64::from(connections), median(&values)?));
    Series {
        name: report.record.plan().label(arm),
        points: by_number.into_iter().filter_map(point).collect(),
    }
}
