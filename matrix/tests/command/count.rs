//! `cargo matrix count` against servers of which it is known what they do for each answer.

use std::process::Command;

use serde_json::Value;

use super::{code, fixture, folder, matrix, measured, record_in, text};

/// Counts these fixtures; the rows, in their order.
fn counted(folder: &std::path::Path, names: &[&str]) -> (Value, i32) {
    let paths: Vec<_> = names.iter().map(|name| fixture(folder, name)).collect();
    let mut arguments = vec!["count"];
    arguments.extend(paths.iter().map(|path| path.to_str().unwrap()));
    arguments.extend(["--connections", "3", "--format", "json"]);
    let output = matrix(folder, &arguments).output().unwrap();
    let Ok(shown) = serde_json::from_slice(&output.stdout) else {
        panic!("{}", text(&output.stderr));
    };
    (shown, code(&output))
}

fn mean(row: &Value, figure: &str) -> f64 {
    row[figure]["mean"].as_f64().unwrap_or(f64::NAN)
}

#[test]
fn planted_calls_and_allocations_are_seen_one_for_one() {
    let folder = folder();
    let (shown, code) = counted(folder.path(), &["honest", "calling", "allocating"]);
    assert_eq!(code, 0, "{shown}");
    let [honest, calling, allocating] = [0, 1, 2].map(|row| &shown["rows"][row]);
    let call = |row: &Value, name: &str| {
        let calls = row["calls"].as_array().unwrap();
        let call = calls.iter().find(|call| call[0] == name);
        call.map_or(0.0, |call| call[1].as_f64().unwrap())
    };
    assert_eq!(call(honest, "getppid"), 0.0, "{honest}");
    assert_eq!(call(calling, "getppid"), 3.0, "{calling}");
    let each = |row| mean(row, "allocations");
    assert_eq!(each(allocating) - each(honest), 3.0, "{allocating}{honest}");
    let bytes = |row| mean(row, "allocated_bytes");
    assert_eq!(bytes(allocating) - bytes(honest), 300.0);
    // No design: cargo knows nothing of it. But it has code.
    assert!(honest["dependencies"].is_null() && honest["build_cpu_s"].is_null());
    assert!(honest["text_bytes"].as_u64().unwrap() > 100_000);
    let missing = honest["missing"].to_string();
    assert!(missing.contains("no design of this workspace"), "{missing}");

    let record = record_in(folder.path());
    let record = record.to_str().unwrap();
    let again = |format| {
        let arguments = ["report", record, "--format", format];
        matrix(folder.path(), &arguments).output().unwrap().stdout
    };
    assert_eq!(
        serde_json::from_slice::<Value>(&again("json")).unwrap(),
        shown
    );
    for format in ["text", "md", "csv"] {
        let table = text(&again(format));
        assert!(
            table.contains("calling") && table.contains("getppid"),
            "{table}"
        );
    }
}

/// Only where valgrind is not installed may a reason stand in place of the figure.
#[test]
fn instructions_repeat_or_are_missing_with_a_reason() {
    let folder = folder();
    let (shown, _) = counted(folder.path(), &["honest"]);
    let row = &shown["rows"][0];
    let valgrind = Command::new("valgrind").arg("--version").output();
    if valgrind.is_err() {
        let missing = row["missing"].to_string();
        assert!(missing.contains("valgrind is not installed"), "{missing}");
        return;
    }
    assert!(!row["instructions"].is_null(), "{row}");
    let end = |end: &str| row["instructions"][end].as_f64().unwrap();
    assert!(end("most") < 1.001 * end("least"), "{row}");
    assert!(end("least") > 1000.0, "{row}");
}

#[test]
fn counts_of_wrong_answers_do_not_count() {
    let folder = folder();
    let (shown, code) = counted(folder.path(), &["wrong"]);
    assert_eq!(code, 4, "{shown}");
    let row = &shown["rows"][0];
    assert!(row["syscalls"].is_null() && row["allocations"].is_null());
    assert!(
        row["invalid"].to_string().contains("wrong answers"),
        "{row}"
    );
}

#[test]
fn what_is_counted_is_no_primary_metric_and_no_guard_without_counting() {
    let folder = folder();
    for (more, says) in [
        (["--primary", "instructions"], "decides no GO alone"),
        (["--guard", "allocations"], "only counted with --count"),
    ] {
        let output = measured(
            folder.path(),
            "compare",
            &[],
            &[&["a/b", "c/d"], &more[..]].concat(),
        );
        let said = text(&output.stderr);
        assert!(code(&output) == 2 && said.contains(says), "{said}");
    }
}
