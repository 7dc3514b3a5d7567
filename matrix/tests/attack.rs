//! `cargo matrix attack` against servers of known behaviour: what is found, and the exit code.
//!
//! The servers are the example `fixture`, under a name that says what is wrong with it. What a busy machine does to
//! latencies is no matter here.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

use serde_json::Value;

fn attack(name: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let tests = std::env::current_exe().unwrap();
    let fixture = tests.ancestors().nth(2).unwrap().join("examples/fixture");
    let path = folder.path().join(name);
    std::fs::hard_link(fixture, &path).unwrap();
    command(&[&[path.to_str().unwrap()], arguments].concat())
}

fn command(arguments: &[&str]) -> Output {
    let shortly = [
        "--seconds",
        "0.1",
        "--rounds",
        "1",
        "--rate",
        "200",
        "-w",
        "baseline",
    ];
    Command::new(env!("CARGO_BIN_EXE_orthant-matrix"))
        .arg("attack")
        .args(arguments)
        .args(shortly)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What was seen of the only attack.
fn seen(output: &Output) -> Value {
    let findings: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", said(output)));
    assert_eq!(
        findings["attacked"].as_array().unwrap().len(),
        1,
        "{findings:#}"
    );
    findings["attacked"][0].clone()
}

#[test]
fn an_attack_that_does_no_harm_is_told_with_what_it_did() {
    let output = attack(
        "honest",
        &["--attack", "connect-and-close", "--format", "json"],
    );
    let seen = seen(&output);
    // A thread for each connection may take more memory than a server may for so few bytes, and a busy machine is slow.
    let harmed = seen["slow"] == true || seen["failures"] != serde_json::json!([]);
    assert_eq!(
        output.status.code(),
        Some(if harmed { 4 } else { 0 }),
        "{}",
        said(&output)
    );
    assert_eq!([&seen["wrong"], &seen["unanswered"]], [0, 0], "{seen:#}");
    assert!(
        seen["after"]["connections"].as_u64().unwrap() <= 16,
        "{seen:#}"
    );
    assert!(seen["answers"].as_u64().unwrap() > 0, "{seen:#}");
    assert!(
        seen["attackers"]["opened"].as_u64().unwrap() >= 64,
        "{seen:#}"
    );
    assert!(
        seen["attackers"]["ended"]["closed by the client"]
            .as_u64()
            .unwrap()
            > 0,
        "{seen:#}"
    );
    assert!(seen["peak"]["resident_bytes"].as_u64() >= seen["before"]["resident_bytes"].as_u64());
    assert_eq!(seen["accepts"], true);
}

#[test]
fn a_wrong_answer_to_an_honest_client_gives_4() {
    let output = attack("wrong", &["--attack", "connect-and-close"]);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(4), "{printed}{}", said(&output));
    assert!(
        printed.contains("HARM by connect-and-close on "),
        "{printed}"
    );
    let words: Vec<&str> = printed.split_whitespace().collect();
    let shown = words.join(" ").contains("the first: expected content `");
    assert!(shown, "{printed}");
}

#[test]
fn connections_that_stay_are_found() {
    let output = attack(
        "keeping",
        &["--attack", "connect-and-close", "--format", "json"],
    );
    let seen = seen(&output);
    assert_eq!(output.status.code(), Some(4), "{seen:#}");
    let failures = seen["failures"].to_string();
    assert!(
        failures.contains("connections afterwards, of 16 honest clients"),
        "{failures}"
    );
    assert!(failures.contains("descriptors afterwards"), "{failures}");
}

#[test]
fn a_floor_is_not_attacked() {
    let output = command(&["epoll+floor"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(
        said(&output).contains("a floor speaks no HTTP"),
        "{}",
        said(&output)
    );
}
