//! The selftest against servers that bear a handicap, or do not.

use super::*;

/// Whether copies are called different is left to chance here, as it is anywhere: it happens to one in a hundred.
fn passed(name: &str) -> (String, i32) {
    let folder = folder();
    let more = ["--max-launches", "8", "--format", "json"];
    let output = measured(folder.path(), "selftest", &[name], &more);
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    let handicap = shown["arms"][1]["arguments"][1].as_str().unwrap();
    assert!(handicap.parse::<f64>().unwrap() > 0.0, "{shown}");
    let smallest = &shown["selftest"]["smallest"][0]["log_ratios"][0];
    assert!(smallest.as_f64().unwrap() > 1.01_f64.ln(), "{shown}");
    (shown["passed"].as_str().unwrap().to_owned(), code(&output))
}

#[test]
fn a_handicap_is_planted_and_found() {
    let (passed, code) = passed("honest");
    let outcomes = [("yes", 0), ("false-alarm", 4)];
    assert!(
        outcomes.contains(&(passed.as_str(), code)),
        "{passed}, exit code {code}"
    );
}

#[test]
fn a_handicap_that_does_nothing_is_not_found() {
    let (passed, code) = passed("deaf");
    let outcomes = [("blind", 3), ("false-alarm", 4)];
    assert!(
        outcomes.contains(&(passed.as_str(), code)),
        "{passed}, exit code {code}"
    );
}
