//! The selftest against servers that bear a handicap, or do not.

use super::*;

/// By how much the second server came out dearer, as a log-ratio. What chance makes of small differences is left to it: a
/// copy is called different by one selftest in a hundred, and a server that is not dearer is called so by as few.
fn found(name: &str) -> f64 {
    let folder = folder();
    let more = ["--max-launches", "8", "--format", "json"];
    let output = measured(folder.path(), "selftest", &[name], &more);
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    let handicap = shown["arms"][1]["arguments"][1].as_str().unwrap();
    assert!(handicap.parse::<f64>().unwrap() > 0.0, "{shown}");
    let smallest = &shown["selftest"]["smallest"][0]["log_ratios"][0];
    assert!(smallest.as_f64().unwrap() > 1.01_f64.ln(), "{shown}");
    let code_of = [("yes", 0), ("blind", 3), ("false-alarm", 4)];
    let outcome = (shown["passed"].as_str().unwrap(), code(&output));
    assert!(code_of.contains(&outcome), "{outcome:?}");
    let effect = &shown["selftest"]["handicapped"]["effects"][0];
    assert_eq!(effect["metric"], "cpu-per-request");
    let is_found = effect["verdict"] == "worse";
    assert!(is_found || outcome.0 != "yes", "{outcome:?} {effect}");
    effect["log_ratio"].as_f64().unwrap()
}

/// The fixture takes several times the CPU when it is told to bear a handicap, and nothing more when it is deaf.
#[test]
fn a_handicap_is_planted_and_found() {
    let log_ratio = found("honest");
    assert!(log_ratio > 0.5, "{log_ratio}");
}

#[test]
fn a_handicap_that_does_nothing_is_not_found() {
    let log_ratio = found("deaf");
    assert!(log_ratio.abs() < 0.3, "{log_ratio}");
}
