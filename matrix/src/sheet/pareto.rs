//! Which designs nobody can beat in CPU per request and memory at the same time.
//!
//! A design is in the set when no other one is at least as good in both figures and better in one. The set is of the
//! figures as the table shows them: two designs closer than their noise may change places in another sweep.

use serde::Serialize;

use crate::sheet::Row;

/// A design of the set with its two figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Unbeaten {
    /// Its name.
    pub design: String,
    /// Process CPU time per request.
    pub cpu_us_per_request: f64,
    /// Memory of its own.
    pub private_mib: f64,
}

/// The set among rows with both figures, cheapest first.
pub(super) fn unbeaten<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Vec<Unbeaten> {
    let figures = |row: &Row| {
        Some(Unbeaten {
            design: row.design.clone(),
            cpu_us_per_request: row.cpu_us_per_request?,
            private_mib: row.private_mib?,
        })
    };
    let mut all: Vec<Unbeaten> = rows.into_iter().filter_map(figures).collect();
    let key = |row: &Unbeaten| (row.cpu_us_per_request, row.private_mib);
    all.sort_by(|a, b| {
        let (a, b) = (key(a), key(b));
        a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    // Everything before a row is at least as cheap, so it has to need less memory than all of it.
    let mut set: Vec<Unbeaten> = Vec::new();
    for row in all {
        let is_unbeaten = set
            .last()
            .is_none_or(|last| row.private_mib < last.private_mib || key(&row) == key(last));
        if is_unbeaten {
            set.push(row);
        }
    }
    set
}
