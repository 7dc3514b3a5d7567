//! The whole program against servers of known behaviour: exit codes and verdicts.
//!
//! The servers are the example `fixture`, which is built with the tests; the name it is linked under says what is wrong with
//! it. Rounds are few and slices short: what is tested is the way from a server to an exit code, not the figures.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "command/asked.rs"]
mod asked;
#[path = "command/count.rs"]
mod count;
#[path = "command/idle.rs"]
mod idle;
#[path = "command/interrupted.rs"]
mod interrupted;
#[path = "command/recommend.rs"]
mod recommend;
#[path = "command/selftest.rs"]
mod selftest;
#[path = "command/soak.rs"]
mod soak;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use orthant_matrix::arm::Arm;
use orthant_matrix::axes::{Axes, Coverage};
use orthant_matrix::campaign::{Asked, Campaign, Floors, Refused, planned};
use orthant_matrix::distance::Distance;
use orthant_matrix::error::{Fault, fault_of};
use orthant_matrix::record::{Counts, Settings};
use orthant_matrix::validity::Reason;
use orthant_matrix::verdict::Metric;
use orthant_matrix::workload::Workload;

fn built_fixture() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.ancestors().nth(2).unwrap().join("examples/fixture")
}

/// Links the fixture under a name.
fn fixture(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::hard_link(built_fixture(), &path).unwrap();
    path
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn matrix(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orthant-matrix"));
    command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let is_begun = arguments.first() != Some(&"report") && !arguments.contains(&"--resume");
    if is_begun {
        command.args(["--store".as_ref(), folder.as_os_str()]);
    }
    command
}

/// A short campaign over fixtures.
fn measured(folder: &Path, command: &str, fixtures: &[&str], more: &[&str]) -> Output {
    let paths: Vec<PathBuf> = fixtures.iter().map(|name| fixture(folder, name)).collect();
    let mut arguments = vec![command];
    arguments.extend(paths.iter().map(|path| path.to_str().unwrap()));
    arguments.extend([
        "--slice-ms",
        "10",
        "--rounds",
        "6",
        "--connections",
        "4",
        "--seed",
        "5",
    ]);
    arguments.extend(more);
    matrix(folder, &arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn record_in(folder: &Path) -> PathBuf {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .into_iter()
        .find(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
        .unwrap()
}

#[test]
fn run_prints_a_table_and_report_prints_it_again() {
    let folder = folder();
    let output = measured(
        folder.path(),
        "run",
        &["honest"],
        &["--launches", "2", "--format", "json"],
    );
    assert_eq!(
        code(&output),
        0,
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let row = &shown["blocks"][0]["rows"][0];
    for figure in [
        "cpu_us_per_request",
        "requests_per_s",
        "private_mib",
        "latency_us_p50",
    ] {
        assert!(row[figure].as_f64().unwrap() > 0.0, "{figure} in {row}");
    }
    let record = record_in(folder.path());
    let again = matrix(
        folder.path(),
        &["report", record.to_str().unwrap(), "--format", "json"],
    )
    .output()
    .unwrap();
    assert_eq!(text(&again.stdout), text(&output.stdout));
    // The same shard twice is the same record.
    let path = record.to_str().unwrap();
    let merged = matrix(folder.path(), &["report", path, path, "--format", "json"])
        .output()
        .unwrap();
    assert_eq!(text(&merged.stdout), text(&output.stdout));
}

#[test]
fn a_server_is_not_different_from_itself() {
    let folder = folder();
    // A file of its own, so that no other test's server shares pages with these two. Another process writes it: the
    // file would be busy if a test forked while this one had it open.
    let path = folder.path().join("honest-copy");
    let copied = Command::new("cp")
        .arg(built_fixture())
        .arg(&path)
        .status()
        .unwrap();
    assert!(copied.success());
    let path = path.to_str().unwrap();
    let arguments = [
        "compare",
        path,
        path,
        "--slice-ms",
        "10",
        "--rounds",
        "8",
        "--connections",
        "4",
    ];
    let arguments = [
        &arguments[..],
        &["--max-launches", "8", "--seed", "3", "--format", "json"],
    ]
    .concat();
    let output = matrix(folder.path(), &arguments).output().unwrap();
    assert_eq!(
        code(&output),
        0,
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let decision = shown["workloads"][0]["decision"].as_str().unwrap();
    assert!(
        ["no-difference", "inconclusive"].contains(&decision),
        "{decision}"
    );
}

#[test]
fn a_much_dearer_candidate_is_a_no_go() {
    let folder = folder();
    let output = measured(
        folder.path(),
        "compare",
        &["honest", "slow"],
        &["--max-launches", "8"],
    );
    let shown = text(&output.stdout);
    assert_eq!(code(&output), 1, "{shown}{}", text(&output.stderr));
    assert!(
        shown.contains("DECISION  NO-GO") && shown.contains("seed 5"),
        "{shown}"
    );
    let cpu = shown
        .lines()
        .find(|line| line.starts_with("CPU/request"))
        .unwrap();
    assert!(cpu.ends_with("WORSE"), "{cpu}");

    // The record holds what was decided, in every format.
    let record = record_in(folder.path());
    let again = |more: &[&str]| {
        let arguments = [&["report", record.to_str().unwrap()][..], more].concat();
        let output = matrix(folder.path(), &arguments).output().unwrap();
        assert_eq!(code(&output), 1, "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let (decided, _) = shown.split_once("\nseed 5").unwrap();
    assert!(again(&[]).starts_with(decided), "{shown}");
    assert!(again(&["--format", "csv"]).contains(",WORSE,true,"));
    let page = again(&["--html", "-"]);
    assert!(page.contains("<strong>NO-GO</strong>"), "{page}");
}

#[test]
fn a_comparison_shows_the_distance_to_the_floor() {
    let folder = folder();
    let output = measured(
        folder.path(),
        "compare",
        &["floor", "epoll+split+honest"],
        &["--max-launches", "8", "--format", "json"],
    );
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let cells = &shown["workloads"][0]["cells"];
    assert!(cells[0]["to_floor"].is_null(), "{cells}");
    let ratio = cells[1]["to_floor"]["cpu_ratio"].as_f64().unwrap();
    let effect = &shown["workloads"][0]["judgement"]["effects"][0];
    let log_ratio = effect["log_ratio"].as_f64().unwrap();
    assert!((ratio.ln() - log_ratio).abs() < 1e-9, "{cells}, {effect}");
    // The floor was there, so no other was built or started.
    let record = record_in(folder.path());
    assert_eq!(arms_in(&record), 2);
    let arguments = ["report", record.to_str().unwrap(), "--format", "json"];
    let again = matrix(folder.path(), &arguments).output().unwrap();
    let again: serde_json::Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(again["comparisons"][0]["workloads"], shown["workloads"]);
}

#[test]
fn a_comparison_can_leave_the_floors_out() {
    let folder = folder();
    let output = measured(
        folder.path(),
        "compare",
        &["honest", "epoll+split+honest"],
        &["--max-launches", "8", "--no-floor"],
    );
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert_eq!(arms_in(&record_in(folder.path())), 2);
}

#[test]
fn a_floor_with_wrong_answers_leaves_a_comparison_valid() {
    let folder = folder();
    let axes = Axes::read().unwrap();
    // The last one calls itself a floor and answers as a design does.
    let names = ["honest", "epoll+split+honest", "epoll+floor"];
    let asked = Asked {
        command: "compare",
        ..asked(folder.path(), &names, Refused::Fails)
    };
    let plan = planned(&axes, asked).unwrap();
    let started = "2026-01-01T00:00:00Z";
    let mut campaign = Campaign::begin(plan, started, folder.path(), folder.path()).unwrap();
    let observed = campaign.observe(Workload::Baseline, 2).unwrap();
    assert_eq!(observed.pairs[&Metric::CpuPerRequest].len(), 2);
    let sides = campaign.sides(Workload::Baseline);
    assert!(sides.len() == 2 && sides.iter().all(|(_, label)| label.is_valid()));
    let launches = campaign.record().launches_of(Workload::Baseline);
    let distance = |arm| Distance::of(campaign.plan(), &launches, arm);
    assert_eq!((distance(0), distance(2)), (None, None));
    let invalid = distance(1).unwrap().invalid;
    assert!(
        matches!(invalid[..], [Reason::WrongAnswers { .. }, ..]),
        "{invalid:?}"
    );
}

#[test]
fn wrong_answers_make_a_cell_invalid() {
    let folder = folder();
    let output = measured(folder.path(), "run", &["wrong"], &["--launches", "1"]);
    let shown = text(&output.stdout);
    assert_eq!(code(&output), 4, "{shown}{}", text(&output.stderr));
    assert!(
        shown.contains("is INVALID") && shown.contains("wrong answers"),
        "{shown}"
    );
    assert!(
        std::fs::read_to_string(record_in(folder.path()))
            .unwrap()
            .contains("\"wrong-answers\"")
    );
}

#[test]
fn a_floor_is_a_floor_under_any_path() {
    let folder = folder();
    let output = measured(folder.path(), "run", &["floor"], &["--launches", "1"]);
    assert_eq!(
        code(&output),
        0,
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    // It calls itself a floor and answers as a design does.
    let folder = self::folder();
    let output = measured(folder.path(), "run", &["epoll+floor"], &["--launches", "1"]);
    assert_eq!(code(&output), 4, "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    assert!(shown.contains("expected content `ok`"), "{shown}");
}

#[test]
fn a_comparison_with_a_server_that_leaves_ends_at_once() {
    let folder = folder();
    let output = measured(folder.path(), "compare", &["honest", "leaving"], &[]);
    assert_eq!(code(&output), 4, "{}", text(&output.stderr));
    let said = text(&output.stderr);
    assert!(said.contains("leaving as it was told"), "{said}");
    assert_eq!(
        std::fs::read_to_string(record_in(folder.path()))
            .unwrap()
            .lines()
            .count(),
        3
    );
    let record = record_in(folder.path());
    let output = matrix(folder.path(), &["report", record.to_str().unwrap()])
        .output()
        .unwrap();
    let shown = text(&output.stdout);
    assert_eq!(code(&output), 4, "{shown}");
    assert!(
        shown.contains("DECISION  none: the measurement is invalid"),
        "{shown}"
    );
}

#[test]
fn a_server_that_cannot_start_is_quoted() {
    for (name, words) in [
        ("dying", "dying as it was told"),
        ("refusing", "refuses this machine"),
    ] {
        let folder = folder();
        let output = measured(folder.path(), "compare", &["honest", name], &[]);
        let said = text(&output.stderr);
        assert_eq!(code(&output), 5, "{said}");
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn wrong_usage_is_told_apart() {
    let folder = folder();
    for arguments in [
        &["run"][..],
        &["compare", "epoll+split+system", "epoll+split+systen"],
        &["compare", "a", "b", "--max-launches", "7"],
        &["run", "epoll+split+system", "--rate", "-1"],
        &["sweep", "--only", "backend=none"],
        &["sweep", "--resume", "no-such-file"],
        &["sweep", "--resume", "no-such-file", "--launches", "9"],
        &["report", "no-such-file"],
    ] {
        let output = matrix(folder.path(), arguments).output().unwrap();
        assert_eq!(code(&output), 2, "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
}

#[test]
fn an_unknown_guard_is_answered_with_the_known_ones() {
    let folder = folder();
    let arguments = ["compare", "a", "b", "--guard", "tail"];
    let output = matrix(folder.path(), &arguments).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(code(&output), 2, "{said}");
    assert!(
        said.contains("cpu-per-request, memory, throughput, p99"),
        "{said}"
    );
}

/// The way a sweep goes on where io_uring is denied.
#[test]
fn what_this_machine_cannot_run_is_left_out_and_named() {
    let folder = folder();
    let axes = Axes::read().unwrap();
    let asked = |names: &[&str], refused| asked(folder.path(), names, refused);
    let plan = planned(&axes, asked(&["refusing", "honest"], Refused::LeftOut)).unwrap();
    assert_eq!((plan.arms.len(), plan.left_out.len()), (1, 1));
    assert!(plan.left_out[0].reason.contains("refuses this machine"));
    let fault = |names, refused| fault_of(&planned(&axes, asked(names, refused)).unwrap_err());
    assert_eq!(
        fault(&["refusing", "honest"], Refused::Fails),
        Fault::Refused
    );
    assert_eq!(fault(&["dying", "honest"], Refused::LeftOut), Fault::Start);
}

/// A campaign over fixtures; those that are not there are linked.
fn asked(folder: &Path, names: &[&str], refused: Refused) -> Asked {
    let linked = |name: &&str| {
        let path = folder.join(name);
        if path.exists() {
            path
        } else {
            fixture(folder, name)
        }
    };
    Asked {
        command: "sweep",
        started: "2026-01-01T00:00:00Z".to_owned(),
        seed: 1,
        arms: names.iter().map(linked).map(Arm::Executable).collect(),
        coverage: Coverage::Full,
        floors: Floors::AsAsked,
        workloads: vec![Workload::Baseline],
        idle: Vec::new(),
        counts: Counts::None,
        comparison: None,
        settings: Settings {
            launches: 2,
            rounds: 4,
            slice_ms: 25,
            connections: 4,
            requests_per_s: None,
        },
        refused,
    }
}

fn arms_in(record: &Path) -> usize {
    let contents = std::fs::read_to_string(record).unwrap();
    let plan: serde_json::Value = serde_json::from_str(contents.lines().next().unwrap()).unwrap();
    plan["plan"]["arms"].as_array().unwrap().len()
}
