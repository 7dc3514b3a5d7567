//! What a request may cost in things that no clock disturbs: on the two backends of our own it makes no allocation, and the
//! calls of the kernel that its batch needs.
//!
//! The limits hold for a server that finds all connections ready whenever it waits, as one that is counted does.
//! Instructions are shown where valgrind is at hand; they have no limit, since they are another number with each compiler.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Options;
use crate::checkout::Checkout;
use crate::run::{cargo, findings, items};

/// A design, and the calls that a write of a client may cost it.
const DESIGNS: [(&str, f64); 2] = [
    // A read, a write, and one wait for 64 connections.
    ("epoll+split+system", 2.0 + 2.0 / 64.0),
    // One wait that submits and completes for 64 connections.
    ("uring+split+system", 4.0 / 64.0),
];

/// A workload, and the requests in a write of a client.
const WORKLOADS: [(&str, f64); 2] = [("baseline", 1.0), ("pipelined", 16.0)];

/// Each design under each workload, and the calls that a request may cost.
fn limits() -> impl Iterator<Item = (&'static str, &'static str, f64)> {
    DESIGNS.into_iter().flat_map(|(design, calls)| {
        WORKLOADS.map(|(workload, requests)| (design, workload, calls / requests))
    })
}

pub(super) fn step(checkout: &Checkout, _: Options) -> Result<Option<String>> {
    let store = checkout.target().join("ci-count");
    let count = ["matrix", "count", "--format", "json", "--store"];
    let mut command = cargo(checkout, count);
    command.arg(store);
    command.args(DESIGNS.map(|(design, _)| design));
    for (workload, _) in WORKLOADS {
        command.args(["--workload", workload]);
    }
    judge(&findings(&mut command, &[0])?)
}

/// Whether every design that could run keeps its limits.
fn judge(sheet: &Value) -> Result<Option<String>> {
    let mut excess = Vec::new();
    let mut notes = Vec::new();
    for (design, workload, calls_max) in limits() {
        if items(sheet, "left_out").any(|entry| entry["name"] == design) {
            notes.push(format!("{design} NOT run on this machine"));
            continue;
        }
        let row = items(sheet, "rows")
            .find(|row| row["design"] == design && row["workload"] == workload)
            .with_context(|| format!("failed to find {design} under {workload} in the counts"))?;
        let wrong = &row["invalid"];
        ensure!(
            wrong.as_array().is_some_and(Vec::is_empty),
            "failed to count {design} under {workload}: {wrong}"
        );
        let mean = |name: &str| row[name]["mean"].as_f64();
        for (name, limit) in [("allocations", 0.0), ("syscalls", calls_max)] {
            let found = mean(name).with_context(|| {
                format!("failed to count {name} of {design}: {}", row["missing"])
            })?;
            if found > limit {
                excess.push(format!(
                    "{found:.4} {name} per request of {design} under {workload}, at most {limit:.4}"
                ));
            }
        }
        if let Some(instructions) = mean("instructions") {
            notes.push(format!(
                "{instructions:.0} instructions of {design} under {workload}"
            ));
        }
    }
    ensure!(
        excess.is_empty(),
        "failed to keep what a request may cost; `cargo matrix count` shows each call by name:\n{}",
        excess.join("\n")
    );
    Ok(Some(notes.join("; ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sheet(allocations: f64, calls: f64) -> Value {
        let row = |(design, workload, _): (&str, &str, f64)| {
            json!({ "design": design, "workload": workload, "invalid": [], "missing": [],
                    "allocations": { "mean": allocations }, "syscalls": { "mean": calls } })
        };
        json!({ "left_out": [], "rows": limits().map(row).collect::<Vec<_>>() })
    }

    #[test]
    fn what_keeps_the_limits_passes() {
        assert!(judge(&sheet(0.0, 0.001)).is_ok());
    }

    #[test]
    fn an_allocation_or_a_call_too_many_fails() {
        let error = |sheet| judge(&sheet).unwrap_err().to_string();
        assert!(error(sheet(0.001, 0.001)).contains("0.0010 allocations per request"));
        assert!(error(sheet(0.0, 3.0)).contains("3.0000 syscalls per request"));
    }

    #[test]
    fn a_missing_figure_fails_unless_the_machine_cannot_run_the_design() {
        let mut without = sheet(0.0, 0.001);
        without["rows"][3]["allocations"] = Value::Null;
        assert!(judge(&without).is_err());
        without["left_out"] =
            json!([{ "name": "uring+split+system", "reason": "io_uring is denied" }]);
        assert!(judge(&without).unwrap().unwrap().contains("NOT run"));
    }
}
