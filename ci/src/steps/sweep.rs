//! Designs in which every value of every axis occurs, all floors and a peer serve every workload for a moment, and every
//! answer is checked. What values do to each other only a whole sweep finds, which takes longer than a check may.
//!
//! A wrong or missing answer fails the step. What a busy machine does to the figures does not: they are not what is
//! looked at here. A design that the machine cannot run, as when io_uring is denied, is named in the summary.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Options;
use crate::checkout::Checkout;
use crate::run::{cargo, findings, items, printed};

/// Reasons for which figures do not count although every answer was right.
const NOISE: [&str; 2] = ["littles-law", "silent"];

/// A server of others. One stands for all: they have their routes from one package, and building them takes minutes.
const PEER: &str = "peer:hyper";

/// The matrix's exit code for a cell that does not count.
const INVALID: i32 = 4;

pub(super) fn step(checkout: &Checkout, _: Options) -> Result<Option<String>> {
    let store = checkout.target().join("ci-sweep");
    if store.exists() {
        fs::remove_dir_all(&store)
            .with_context(|| format!("failed to empty {}", store.display()))?;
    }
    let listed = printed(&mut cargo(checkout, ["matrix", "list", "--format", "json"]))?;
    let mut arms = checkout.covering_names()?;
    arms.push(PEER.to_owned());
    let sweep = [
        "matrix",
        "sweep",
        "--launches",
        "1",
        "--rounds",
        "2",
        "--format",
        "json",
        "--store",
    ];
    let mut command = cargo(checkout, sweep);
    command.arg(&store).args(&arms);
    let sheet = findings(&mut command, &[0, INVALID])?;
    let backends = checkout.axes()?.swap_remove(0).values;
    judge(&[arms, floors(&listed, &backends)?].concat(), &sheet)
}

/// The floors of these backends, by `cargo matrix list --format json`.
fn floors(listed: &str, backends: &[String]) -> Result<Vec<String>> {
    let entries: Vec<Value> =
        serde_json::from_str(listed).context("failed to read the list of designs")?;
    let floors = entries.iter().filter(|entry| entry["state"] == "floor");
    let names = floors.filter_map(|entry| entry["name"].as_str());
    let is_of_one = |name: &&str| {
        let backend = name.split('+').next();
        backends.iter().any(|known| Some(known.as_str()) == backend)
    };
    Ok(names.filter(is_of_one).map(str::to_owned).collect())
}

/// Whether every name has a row in every block without a reason other than noise.
fn judge(names: &[String], sheet: &Value) -> Result<Option<String>> {
    let left_out: Vec<_> = items(sheet, "left_out")
        .filter_map(|arm| arm["name"].as_str())
        .collect();
    let mut wrong = Vec::new();
    let mut cells = 0;
    let mut noisy = 0;
    for block in items(sheet, "blocks") {
        for name in names
            .iter()
            .filter(|name| !left_out.contains(&name.as_str()))
        {
            let Some(row) = items(block, "rows").find(|row| row["design"] == **name) else {
                wrong.push(format!("{name} under {}: no figures", block["workload"]));
                continue;
            };
            let noise = |reason: &&Value| NOISE.iter().any(|noise| reason["reason"] == **noise);
            let (noise, lasting): (Vec<_>, Vec<_>) = items(row, "invalid").partition(noise);
            wrong.extend(
                lasting
                    .iter()
                    .map(|reason| format!("{name} under {}: {reason}", block["workload"])),
            );
            cells += 1;
            noisy += usize::from(!noise.is_empty());
        }
    }
    ensure!(
        wrong.is_empty(),
        "failed to get right answers from these designs:\n{}",
        wrong.join("\n")
    );
    ensure!(
        cells > 0,
        "failed to find a cell in the table of the sweep: run `cargo matrix sweep` by hand"
    );
    let mut note = format!("{cells} cells right, {noisy} of them too noisy to count");
    if !left_out.is_empty() {
        note += &format!("; NOT run on this machine: {}", left_out.join(", "));
    }
    Ok(Some(note))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The judgement over one workload with these rows, when `a` and `b` are designs.
    fn judged(rows: Value, left_out: Value) -> Result<String> {
        let listed = r#"[{ "name": "a", "state": "design" }, { "name": "b", "state": "floor" },
                         { "name": "c", "state": "excluded" }, { "name": "d+floor", "state": "floor" }]"#;
        let sheet =
            json!({ "left_out": left_out, "blocks": [{ "workload": "json", "rows": rows }] });
        let names = [vec!["a".to_owned()], floors(listed, &["b".to_owned()])?].concat();
        judge(&names, &sheet).map(Option::unwrap_or_default)
    }

    fn row(design: &str, invalid: Value) -> Value {
        json!({ "design": design, "invalid": invalid })
    }

    #[test]
    fn noise_passes_and_is_counted() {
        let rows = json!([
            row("a", json!([])),
            row("b", json!([{ "reason": "littles-law", "off": 0.06 }]))
        ]);
        assert_eq!(
            judged(rows, json!([])).unwrap(),
            "2 cells right, 1 of them too noisy to count"
        );
    }

    #[test]
    fn a_wrong_answer_fails_even_among_noise() {
        let invalid = json!([{ "reason": "silent" }, { "reason": "wrong-answers", "count": 1 }]);
        let error = judged(json!([row("a", invalid), row("b", json!([]))]), json!([]))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("a under \"json\": {\"count\":1,\"reason\":\"wrong-answers\"}"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_design_fails_unless_the_machine_cannot_run_it() {
        let rows = json!([row("a", json!([]))]);
        assert!(
            judged(rows.clone(), json!([]))
                .unwrap_err()
                .to_string()
                .contains("b under \"json\": no figures")
        );
        let note = judged(
            rows,
            json!([{ "name": "b", "reason": "io_uring is denied" }]),
        )
        .unwrap();
        assert!(note.ends_with("NOT run on this machine: b"), "{note}");
    }

    #[test]
    fn a_sweep_without_cells_fails() {
        assert!(judge(&["a".to_owned()], &json!({ "blocks": [] })).is_err());
    }
}
