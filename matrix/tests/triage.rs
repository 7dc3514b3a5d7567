//! `cargo matrix triage` against a design, and against a server of which nobody knows anything.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// What is built beside the tests.
fn beside_tests(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.ancestors().nth(2).unwrap().join(name)
}

/// The server with its default features. It is there where the tests of the workspace are built.
fn design() -> PathBuf {
    let path = beside_tests("orthant");
    if !path.exists() {
        let built = Command::new(env!("CARGO"))
            .args([
                "build",
                "--quiet",
                "--package",
                "orthant",
                "--bin",
                "orthant",
            ])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .unwrap();
        assert!(built.success());
    }
    path
}

fn triage(executable: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_orthant-matrix"))
        .arg("triage")
        .arg(executable)
        .args(["--connections", "8"])
        .args(more)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn found(output: &Output) -> Value {
    assert!(output.status.success(), "{}", said(output));
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    shown["triage"].clone()
}

fn bytes(found: &Value, class: &str) -> u64 {
    let classes = found["classes"].as_array().unwrap();
    let class = classes.iter().find(|each| each["name"] == class);
    class.map_or(0, |class| class["bytes"].as_u64().unwrap())
}

fn sum(found: &Value) -> u64 {
    let classes = found["classes"].as_array().unwrap();
    classes
        .iter()
        .map(|class| class["bytes"].as_u64().unwrap())
        .sum()
}

#[test]
fn a_design_is_explained_and_classes_add_up_to_the_byte() {
    let found = found(&triage(&design(), &["--format", "json"]));
    assert_eq!(sum(&found), found["resident_bytes"], "{found:#}");
    assert!(
        found["explained_share"].as_f64().unwrap() >= 0.95,
        "{found:#}"
    );
    for class in [
        "text",
        "stacks",
        "buffers and connections",
        "receive buffers",
        "heap live, rest",
    ] {
        assert!(bytes(&found, class) > 0, "{class} in {found:#}");
    }
    // 8 connections of 4 KiB each have been written to.
    let added = bytes(&found, "buffers and connections");
    assert!((8 * 4096..1 << 20).contains(&added), "{found:#}");
    let factors = found["factors"].as_array().unwrap();
    assert!(factors.len() == 4 && factors.iter().all(|factor| factor["missing"].is_null()));
    // 128 connections.
    let resident = |factor: &Value| factor["resident_bytes"].as_u64().unwrap();
    assert!(resident(&factors[1]) > resident(&factors[0]), "{found:#}");
}

#[test]
fn what_nobody_counts_is_unaccounted() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("honest");
    std::fs::hard_link(beside_tests("examples/fixture"), &path).unwrap();
    let found = found(&triage(&path, &["--format", "json"]));
    assert_eq!(sum(&found), found["resident_bytes"], "{found:#}");
    assert!(
        bytes(&found, "unaccounted") > 0 && bytes(&found, "text") > 0,
        "{found:#}"
    );
    let last = found["classes"].as_array().unwrap().last().unwrap();
    assert!(
        last["known"].to_string().contains("nobody counts it"),
        "{last}"
    );
}
