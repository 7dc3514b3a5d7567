//! The formats of two services that keep figures over commits: Bencher (Bencher Metric Format,
//! <https://bencher.dev/docs/reference/bencher-metric-format>) and github-action-benchmark (its custom tools).

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::cells::{Better, Cell, Measure};

/// Benchmarks by name, measures by name; the bounds are the middle half of the launches.
pub(super) fn bencher(cells: &[Cell]) -> Result<String> {
    let metric = |measure: &Measure| {
        let mut metric = json!({ "value": measure.value });
        if let Some([low, high]) = measure.spread {
            metric["lower_value"] = json!(low);
            metric["upper_value"] = json!(high);
        }
        (measure.name.to_owned(), metric)
    };
    let benchmark = |cell: &Cell| {
        let measures: Map<String, Value> = cell.measures.iter().map(metric).collect();
        (name(cell), Value::Object(measures))
    };
    let valid = cells.iter().filter(|cell| cell.is_valid());
    pretty(&Value::Object(valid.map(benchmark).collect()))
}

/// A list of figures, of those that are better in one way: a file of it has one direction.
pub(super) fn github(cells: &[Cell], better: Better) -> Result<String> {
    let entry = |cell: &Cell, measure: &Measure| {
        let mut entry = json!({
            "name": format!("{}: {}", name(cell), measure.name),
            "unit": measure.unit,
            "value": measure.value,
            "extra": cell.campaign,
        });
        if let Some([low, high]) = measure.spread {
            entry["range"] = json!(format!("{low:.0} – {high:.0}"));
        }
        entry
    };
    let valid = cells.iter().filter(|cell| cell.is_valid());
    let entries = valid.flat_map(|cell| {
        let measures = cell.measures.iter();
        measures
            .filter(|measure| measure.better == better)
            .map(|measure| entry(cell, measure))
            .collect::<Vec<_>>()
    });
    pretty(&Value::Array(entries.collect()))
}

fn name(cell: &Cell) -> String {
    format!("{}/{}", cell.workload, cell.arm)
}

fn pretty(value: &Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(value).context("failed to write figures as JSON")? + "\n")
}
