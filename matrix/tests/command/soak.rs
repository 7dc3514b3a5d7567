//! Soaks of seconds: a leak is found, and a kill or an interruption costs an epoch at most.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::{code, fixture, folder, matrix, record_in, text};

/// A soak of so many seconds in epochs of 50 ms.
fn soak(folder: &Path, name: &str, duration: &str, more: &[&str]) -> Command {
    let path = fixture(folder, name);
    let arguments = [
        "soak",
        path.to_str().unwrap(),
        "--duration",
        duration,
        "--rate",
        "400",
    ];
    let more = [
        &["--epoch-ms", "50", "--connections", "4", "--seed", "5"],
        more,
    ]
    .concat();
    matrix(folder, &[&arguments[..], &more].concat())
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn epochs_in(record: &Path) -> usize {
    let contents = std::fs::read_to_string(record).unwrap();
    contents
        .lines()
        .filter(|line| line.starts_with("{\"epoch\":"))
        .count()
}

#[test]
fn a_leak_is_a_no_go_and_in_the_record() {
    let folder = folder();
    let output = soak(folder.path(), "leaking", "2s", &[]).output().unwrap();
    let shown = text(&output.stdout);
    assert_eq!(code(&output), 1, "{shown}{}", text(&output.stderr));
    assert!(shown.contains("DECISION  NO-GO"), "{shown}");
    let record = record_in(folder.path());
    let arguments = ["report", record.to_str().unwrap(), "--format", "json"];
    let found = json(&matrix(folder.path(), &arguments).output().unwrap());
    let drift = &found["drifts"][0];
    assert_eq!(
        (&drift["per"], &drift["decision"]),
        (&"request".into(), &"no-go".into())
    );
    let slope = drift["drift"]["slope"].as_f64().unwrap();
    assert!((3_000.0..6_000.0).contains(&slope), "{drift}");
    // Where calls of the kernel cannot be counted, that is said.
    let mut series = found["series"].as_array().unwrap().iter();
    let calls = series.find(|series| series["name"] == "syscalls/request");
    assert_eq!(
        calls.unwrap()["median"].is_null(),
        shown.contains("syscalls/request is n/a"),
        "{shown}"
    );
}

/// What it takes to start is no leak, and seconds are too few to say that there is none.
#[test]
fn an_honest_server_is_not_decided_in_seconds() {
    let folder = folder();
    let more = [
        "--fail-inconclusive",
        "--format",
        "json",
        "--drift-budget",
        "2B/request",
    ];
    let output = soak(folder.path(), "honest", "2s", &more).output().unwrap();
    assert_eq!(
        code(&output),
        3,
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    let found = json(&output);
    assert_eq!(found["decision"], "inconclusive");
    assert_eq!(
        (&found["epochs"], &found["epochs_counted"]),
        (&40.into(), &30.into())
    );
    assert_eq!(found["drifts"][0]["budget"], 2.0);
    let per_s = found["series"][0]["median"].as_f64().unwrap();
    assert!((200.0..800.0).contains(&per_s), "{per_s}");
}

#[test]
fn a_share_is_one_of_what_the_closed_loop_gave() {
    let folder = folder();
    let more = ["--rate", "10%", "--format", "json"];
    let path = fixture(folder.path(), "honest");
    let arguments = [
        "soak",
        path.to_str().unwrap(),
        "--duration",
        "1s",
        "--connections",
        "4",
    ];
    let output = matrix(folder.path(), &[&arguments[..], &more].concat())
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let found = json(&output);
    let [capacity, rate] =
        ["capacity_requests_per_s", "requests_per_s"].map(|name| found[name].as_f64().unwrap());
    assert!(
        (rate / capacity - 0.1).abs() < 1e-9 && capacity > 100.0,
        "{found}"
    );
}

/// Waits until so many epochs are in the record.
fn until_under_way(running: &mut Child, made: impl Fn() -> usize, least: usize) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while made() < least {
        assert!(running.try_wait().unwrap().is_none(), "it ended early");
        assert!(Instant::now() < deadline, "no {least} epochs in a minute");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_soak_that_was_interrupted_and_killed_goes_on_with_another_server() {
    let folder = folder();
    let spawned = |mut command: Command| {
        let command = command.stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let mut running = spawned(soak(folder.path(), "honest", "3s", &[]));
    let made = || {
        let is_record = |path: &Path| path.extension().is_some_and(|ending| ending == "jsonl");
        let mut entries = std::fs::read_dir(folder.path()).unwrap();
        let record =
            entries.find_map(|entry| Some(entry.unwrap().path()).filter(|path| is_record(path)));
        record.map_or(0, |record| epochs_in(&record))
    };
    until_under_way(&mut running, made, 2);
    let id = running.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let output = running.wait_with_output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(code(&output), 130, "{said}");
    assert!(said.contains("cargo matrix soak --resume"), "{said}");

    let record = record_in(folder.path());
    let path = record.to_str().unwrap();
    let resume = ["soak", "--resume", path, "--format", "json"];
    let before = made();
    assert!((2..60).contains(&before), "{before}");
    let mut running = spawned(matrix(folder.path(), &resume));
    until_under_way(&mut running, made, before + 2);
    running.kill().unwrap();
    running.wait().unwrap();

    let output = matrix(folder.path(), &resume).output().unwrap();
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let found = json(&output);
    assert_eq!(
        (&found["epochs"], &found["segments"]),
        (&60.into(), &3.into())
    );
    let again = matrix(folder.path(), &["report", path, "--format", "json"])
        .output()
        .unwrap();
    assert_eq!(text(&again.stdout), text(&output.stdout));
    // It is none of a sweep.
    let sweep = matrix(folder.path(), &["sweep", "--resume", path])
        .output()
        .unwrap();
    let said = text(&sweep.stderr);
    assert!(
        code(&sweep) == 2 && said.contains("cargo matrix soak --resume"),
        "{said}"
    );
}

#[test]
fn wrong_answers_and_a_server_that_leaves_make_a_soak_invalid() {
    for (name, words) in [
        ("wrong", "wrong answers"),
        ("leaving", "leaving as it was told"),
    ] {
        let folder = folder();
        let more = ["--rate", "20000"];
        let path = fixture(folder.path(), name);
        let arguments = [
            "soak",
            path.to_str().unwrap(),
            "--duration",
            "5s",
            "--epoch-ms",
            "50",
        ];
        let output = matrix(folder.path(), &[&arguments[..], &more].concat())
            .output()
            .unwrap();
        let shown = text(&output.stdout);
        assert_eq!(code(&output), 4, "{shown}{}", text(&output.stderr));
        assert!(
            shown.contains("INVALID") && shown.contains(words),
            "{shown}"
        );
        // It was not loaded for longer than it took to see.
        assert!(epochs_in(&record_in(folder.path())) < 100);
    }
}
