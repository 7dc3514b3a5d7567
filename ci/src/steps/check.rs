//! Designs in which every value of every axis occurs answer as the RFCs say, over loopback, and so does [`LEASED`]; the
//! strategies in every kind of pieces are tested in memory. `cargo matrix check` plays the cases with all designs; here that
//! would take too long.
//!
//! A case that fails fails the step. The summary names those that passed only at the second try, and designs that the
//! machine cannot run, as when io_uring is denied.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::Options;
use crate::checkout::Checkout;
use crate::run::{cargo, findings};

/// The strategy that takes a region for each answer and gives it back once that is sent, with the backends whose sends are
/// under way in the kernel meanwhile: where a region that is given back too early would be sent with another's bytes.
const LEASED: [&str; 3] = [
    "uring+leased+system",
    "monoio+leased+mimalloc",
    "tokio-uring+leased+system",
];

/// The matrix's exit codes for a case that failed, and for a design that could not be built or started.
const JUDGED: [i32; 3] = [0, 4, 5];

pub(super) fn step(checkout: &Checkout, _: Options) -> Result<Option<String>> {
    let names = designs(checkout.covering_names()?);
    let mut command = cargo(checkout, ["matrix", "check", "--format", "json"]);
    command.args(&names);
    judge(&names, &findings(&mut command, &JUDGED)?)
}

/// These and [`LEASED`], each once.
fn designs(mut names: Vec<String>) -> Vec<String> {
    for leased in LEASED {
        if names.iter().all(|name| name != leased) {
            names.push(leased.to_owned());
        }
    }
    names
}

/// Whether every design passed every case or was left out.
fn judge(names: &[String], findings: &Value) -> Result<Option<String>> {
    let named = |list: &str, name: &str| -> Vec<String> {
        let names = items(&findings[list]).filter_map(|item| item[name].as_str());
        names.map(str::to_owned).collect()
    };
    let (checked, left_out) = (named("checked", "design"), named("left_out", "name"));
    let missing = names
        .iter()
        .find(|name| !checked.contains(name) && !left_out.contains(name));
    ensure!(
        missing.is_none(),
        "failed to find {missing:?} among the designs that were checked"
    );
    let wrong: Vec<String> = items(&findings["checked"]).flat_map(wrong).collect();
    ensure!(
        wrong.is_empty(),
        "failed to get allowed answers from every design:\n{}",
        wrong.join("\n")
    );
    let count = |verdict: &str| -> u64 {
        items(&findings["checked"])
            .filter_map(|design| design[verdict].as_u64())
            .sum()
    };
    ensure!(
        checked.is_empty() || count("passed") > 0,
        "failed to find a case that passed: run `cargo matrix check` by hand"
    );
    let mut note = format!(
        "{} designs, {} cases passed, {} warned",
        checked.len(),
        count("passed"),
        count("warned")
    );
    let again: Vec<String> = items(&findings["checked"]).flat_map(second_tries).collect();
    if !again.is_empty() {
        note += &format!("; passed at the second try: {}", again.join(", "));
    }
    if !left_out.is_empty() {
        note += &format!("; NOT run on this machine: {}", left_out.join(", "));
    }
    Ok(Some(note))
}

/// A line for each thing that is wrong with a design.
fn wrong(design: &Value) -> Vec<String> {
    let name = &design["design"];
    let ended = items(&design["ended"]).map(|ended| format!("{name}: {ended}"));
    let is_wrong = |case: &&Value| case["verdict"] != "passed" && case["verdict"] != "warned";
    let cases = items(&design["cases"]).filter(is_wrong).map(|case| {
        format!(
            "{name}: {} {} ({}), came {}, allowed {}",
            case["verdict"], case["id"], case["ref"], case["came"], case["allowed"]
        )
    });
    ended.chain(cases).collect()
}

/// The design's cases that passed only at the second try.
fn second_tries(design: &Value) -> Vec<String> {
    let again = |case: &&Value| items(&case["second_tries"]).next().is_some();
    let cases = items(&design["cases"]).filter(again);
    cases
        .map(|case| format!("{} on {}", case["id"], design["design"]))
        .collect()
}

/// The entries of an array; none if it is no array.
fn items(array: &Value) -> impl Iterator<Item = &Value> {
    array.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::checkout::Axis;

    fn judged(verdict: &str, ended: Value, left_out: Value) -> Result<String> {
        judged_again(verdict, ended, left_out, json!([]))
    }

    fn judged_again(
        verdict: &str,
        ended: Value,
        left_out: Value,
        second_tries: Value,
    ) -> Result<String> {
        let case = json!({ "id": "x1", "ref": "RFC 9112 §6", "verdict": verdict, "came": "200", "allowed": "400" });
        let passed = json!({ "id": "x2", "verdict": "passed", "second_tries": second_tries });
        let checked = json!({ "design": "a", "passed": 1, "warned": 1, "ended": ended, "cases": [case, passed] });
        let findings = json!({ "checked": [checked], "left_out": left_out });
        judge(&["a".into(), "b".into()], &findings).map(Option::unwrap_or_default)
    }

    fn denied() -> Value {
        json!([{ "name": "b", "reason": "io_uring is denied" }])
    }

    #[test]
    fn leased_is_checked_with_every_backend_whose_sends_are_in_the_kernel() {
        let names = designs(vec!["x".into(), LEASED[1].into()]);
        assert_eq!(names, ["x", LEASED[1], LEASED[0], LEASED[2]]);
        let axes = Checkout::read().unwrap().axes().unwrap();
        for name in LEASED {
            let values: Vec<&str> = name.split('+').collect();
            let known = |(value, axis): (&&str, &Axis)| axis.values.iter().any(|it| it == value);
            assert!(values.iter().zip(&axes).all(known), "{name}");
        }
    }

    #[test]
    fn designs_that_pass_and_one_that_cannot_run_are_told() {
        let note = judged("warned", json!([]), denied()).unwrap();
        assert_eq!(
            note,
            "1 designs, 1 cases passed, 1 warned; NOT run on this machine: b"
        );
    }

    #[test]
    fn what_passed_at_the_second_try_is_named() {
        let first_try = json!([{ "cut_at": 7, "came": "open" }]);
        let note = judged_again("warned", json!([]), denied(), first_try).unwrap();
        assert!(
            note.contains("; passed at the second try: \"x2\" on \"a\"; NOT run"),
            "{note}"
        );
    }

    #[test]
    fn a_failed_case_a_death_and_a_missing_design_fail() {
        for verdict in ["failed", "critical", "unheard of"] {
            let error = judged(verdict, json!([]), denied())
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("\"x1\" (\"RFC 9112 §6\"), came \"200\""),
                "{error}"
            );
        }
        let died = judged("passed", json!(["it ended"]), denied());
        assert!(died.unwrap_err().to_string().contains("it ended"));
        assert!(
            judged("passed", json!([]), json!([]))
                .unwrap_err()
                .to_string()
                .contains("\"b\"")
        );
    }

    #[test]
    fn a_check_without_cases_fails() {
        let findings = json!({ "checked": [{ "design": "a", "passed": 0 }], "left_out": [] });
        assert!(judge(&["a".into()], &findings).is_err());
    }
}
