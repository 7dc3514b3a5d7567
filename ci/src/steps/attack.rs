//! One design that waits for readiness and one that waits for completions bear every attack for a moment, and one of each
//! other backend those attacks that meet its own code: honest clients get right answers all the same, memory stays within
//! its budget, nothing is left, the server accepts and comes to rest. How long honest clients wait is told by `cargo matrix
//! attack` on a machine that does nothing else; here it is no matter.
//!
//! The designs are those that `check` and `sweep` build. A design that the machine cannot run, as when io_uring is
//! denied, is named in the summary.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::Options;
use crate::checkout::Checkout;
use crate::run::{cargo, findings};

/// One of each kind.
const BACKENDS: [&str; 2] = ["epoll", "uring"];

/// What the others have of their own: accepting, sending in parts, and taking back what the kernel holds.
const ON_OTHERS: [&str; 3] = ["connection-flood", "slow-reader", "reset-at-every-state"];

/// The matrix's exit codes for harm, and for a design that could not be started.
const JUDGED: [i32; 3] = [0, 4, 5];

pub(super) fn step(checkout: &Checkout, _: Options) -> Result<Option<String>> {
    let covering = checkout.covering_names()?;
    let thorough = designs(&covering);
    let others: Vec<String> = covering
        .into_iter()
        .filter(|name| !thorough.contains(name))
        .collect();
    let mut notes = Vec::new();
    for (names, attacks) in [(thorough, &[][..]), (others, &ON_OTHERS[..])] {
        let shortly = ["--seconds", "0.2", "--rounds", "1", "--rate", "1600"];
        let mut command = cargo(checkout, ["matrix", "attack", "--format", "json"]);
        command.args(shortly).args(&names);
        command.args(attacks.iter().flat_map(|attack| ["--attack", attack]));
        notes.extend(judge(&names, &findings(&mut command, &JUDGED)?)?);
    }
    Ok(Some(notes.join("; ")))
}

/// The first design of each of [`BACKENDS`].
fn designs(names: &[String]) -> Vec<String> {
    let of = |backend: &&str| {
        let backend = format!("{backend}+");
        names
            .iter()
            .find(|name| name.starts_with(&backend))
            .cloned()
    };
    BACKENDS.iter().filter_map(of).collect()
}

/// Whether every design bore every attack or was left out.
fn judge(names: &[String], findings: &Value) -> Result<Option<String>> {
    let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let attacked = items(&findings["attacked"]);
    let left_out: Vec<String> = items(&findings["left_out"])
        .iter()
        .filter_map(|arm| Some(arm["name"].as_str()?.to_owned()))
        .collect();
    for name in names.iter().filter(|name| !left_out.contains(name)) {
        ensure!(
            attacked.iter().any(|seen| seen["design"] == **name),
            "failed to find {name} among the designs that were attacked"
        );
    }
    let harm: Vec<String> = attacked
        .iter()
        .flat_map(|seen| {
            let (design, attack) = (seen["design"].clone(), seen["attack"].clone());
            items(&seen["failures"])
                .into_iter()
                .map(move |failure| format!("{attack} on {design}: {failure}"))
        })
        .collect();
    ensure!(
        harm.is_empty(),
        "failed to bear every attack; `cargo matrix attack` shows more:\n{}",
        harm.join("\n")
    );
    let answers: u64 = attacked
        .iter()
        .filter_map(|seen| seen["answers"].as_u64())
        .sum();
    ensure!(
        attacked.is_empty() || answers > 0,
        "failed to find an answer to an honest client: run `cargo matrix attack` by hand"
    );
    let mut note = format!(
        "{} attacks borne, {answers} honest answers right",
        attacked.len()
    );
    if !left_out.is_empty() {
        note += &format!("; NOT run on this machine: {}", left_out.join(", "));
    }
    Ok(Some(note))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(failures: Value, slow: bool, left_out: Value) -> Result<String> {
        let seen = json!({ "design": "epoll+a", "attack": "x", "failures": failures, "slow": slow, "answers": 7 });
        let findings = json!({ "attacked": [seen], "left_out": left_out });
        let names = ["epoll+a".to_owned(), "uring+b".to_owned()];
        judge(&names, &findings).map(Option::unwrap_or_default)
    }

    fn denied() -> Value {
        json!([{ "name": "uring+b", "reason": "io_uring is denied" }])
    }

    #[test]
    fn one_design_of_each_kind_is_attacked() {
        let names = ["tokio+a", "uring+b", "epoll+c", "epoll+d"].map(str::to_owned);
        assert_eq!(designs(&names), ["epoll+c", "uring+b"]);
        let covering = Checkout::read().unwrap().covering_names().unwrap();
        assert_eq!(designs(&covering).len(), BACKENDS.len());
    }

    #[test]
    fn harm_and_a_missing_design_fail_and_slowness_does_not() {
        let note = judged(json!([]), true, denied()).unwrap();
        assert_eq!(
            note,
            "1 attacks borne, 7 honest answers right; NOT run on this machine: uring+b"
        );
        let error = judged(json!(["2 missing"]), false, denied()).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("\"x\" on \"epoll+a\": \"2 missing\""),
            "{error}"
        );
        let error = judged(json!([]), false, json!([])).unwrap_err();
        assert!(error.to_string().contains("uring+b"), "{error}");
    }
}
