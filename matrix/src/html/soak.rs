//! A soak: how memory, throughput and the tail went over its time, and how fast memory drifts.

use super::series::{self, Series};
use super::{Columns, figures, notes, scrolled, section};
use crate::markup::Element;
use crate::record::{Epoch, Segment};
use crate::report::Report;
use crate::sheet::BYTES_PER_MIB;

/// What is drawn of an epoch, with its title and unit.
type Figure = (&'static str, &'static str, fn(&Epoch) -> Option<f64>);

const FIGURES: [Figure; 3] = [
    ("Private memory over time", "private MiB", |epoch| {
        Some(epoch.memory?.private_bytes as f64 / BYTES_PER_MIB)
    }),
    ("Throughput over time", "requests/s", |epoch| {
        Some(epoch.requests as f64 / epoch.elapsed_ns.max(1) as f64 * 1e9)
    }),
    ("p99 over time", "p99 µs", |epoch| {
        Some(epoch.latency.quantile_ns(0.99)? / 1e3)
    }),
];

/// The section; of a record of `soak` only.
pub(super) fn section_of(report: &Report) -> Option<Element> {
    let sheet = report.soak.as_ref()?;
    let segments: Vec<&Segment> = report
        .record
        .soaks
        .values()
        .flat_map(|soaked| &soaked.segments)
        .collect();
    let [drift, steadiness] = sheet.tables();
    let drawn = FIGURES.iter().filter_map(|figure| drawn(figure, &segments));
    let section = section("Soak")
        .children(figures(drawn))
        .child(scrolled(
            "How fast private memory drifts",
            Columns::Words,
            &drift,
        ))
        .child(scrolled("How steady it was", Columns::Figures, &steadiness))
        .children(notes(&sheet.notes()));
    Some(section)
}

/// A line for each start of the server: their times are their own.
fn drawn((title, up, value): &Figure, segments: &[&Segment]) -> Option<Element> {
    let words = series::Words {
        title,
        along: "minutes",
        up,
        note: "Every epoch, those of the warm-up too; time counts from each start of the server.",
    };
    let line = |segment: &&Segment| {
        let point = |epoch: &Epoch| Some((epoch.at_ms as f64 / 6e4, value(epoch)?));
        Series {
            name: format!("start {}", segment.begin.segment + 1),
            points: segment.epochs.iter().filter_map(point).collect(),
        }
    };
    let lines: Vec<Series> = segments.iter().take(series::COLOURS).map(line).collect();
    series::figure(words, &lines)
}
