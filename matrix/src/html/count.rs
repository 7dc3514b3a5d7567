//! What is counted per request: the tables of `count`, a pair for each workload.

use super::{Columns, notes, scrolled, section};
use crate::markup::Element;
use crate::report::Report;

/// The sections; of a record of `count` only.
pub(super) fn sections(report: &Report) -> Vec<Element> {
    let Some(sheet) = report.counts.as_ref() else {
        return Vec::new();
    };
    let of_workload = |workload| {
        section(&format!("Counted under {workload}"))
            .child(scrolled(
                "What a request costs, and what the executable is made of",
                Columns::Figures,
                &sheet.people_table(workload),
            ))
            .child(scrolled(
                "Calls of the kernel per request",
                Columns::Figures,
                &sheet.calls_table(workload),
            ))
            .children(notes(&sheet.notes(workload)))
    };
    sheet.workloads().into_iter().map(of_workload).collect()
}
