//! `cargo matrix idle` against servers of known behaviour.

use super::{code, fixture, folder, matrix, record_in, text};

#[test]
fn idle_connections_have_a_line_and_report_shows_it_again() {
    let folder = folder();
    let path = fixture(folder.path(), "honest");
    let arguments = ["idle", path.to_str().unwrap(), "--connections", "2,4,40"];
    let more = ["--launches", "1", "--format", "json"];
    let output = matrix(folder.path(), &[&arguments[..], &more].concat())
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let row = &shown["rows"][0];
    // A thread per connection: its stack, at least two pages of it.
    let user = row["user"]["bytes_per_connection"].as_f64().unwrap();
    assert!(user > 8192.0, "{row}");
    assert!(row["base_mib"].as_f64().unwrap() > 0.0, "{row}");
    let r_squared = row["user"]["r_squared"].as_f64().unwrap();
    assert!((0.2..=1.0).contains(&r_squared), "{row}");
    let full = row["full_mib"].as_f64().unwrap();
    assert!(row["peak_mib"].as_f64().unwrap() > full, "{row}");
    assert_eq!(row["rings_kib"], 0.0);
    // Where the matrix may make a cgroup, its figure has what the process has for itself.
    let cgroup = row["cgroup_full_mib"].as_f64();
    assert!(cgroup.is_none_or(|cgroup| cgroup > full / 2.0), "{row}");
    assert!(!row["kernel_both_ends"].is_null() && !shown["bare_pair"].is_null());

    let record = record_in(folder.path());
    let record = record.to_str().unwrap();
    let again = |arguments: &[&str]| matrix(folder.path(), arguments).output().unwrap().stdout;
    let reported = again(&["report", record, record, "--format", "json"]);
    assert_eq!(text(&reported), text(&output.stdout));
    // Nothing is missing, so that going on shows it too.
    let resumed = again(&["sweep", "--resume", record, "--format", "json"]);
    assert_eq!(text(&resumed), text(&output.stdout));
    for format in ["text", "md", "csv"] {
        let shown = text(&again(&["report", record, "--format", format]));
        assert!(
            shown.contains("honest") && shown.contains("kernel"),
            "{shown}"
        );
    }
}

#[test]
fn an_idle_server_that_answers_wrong_is_invalid() {
    let folder = folder();
    let path = fixture(folder.path(), "wrong");
    let arguments = [
        "idle",
        path.to_str().unwrap(),
        "--connections",
        "1,2",
        "--launches",
        "1",
    ];
    let output = matrix(folder.path(), &arguments).output().unwrap();
    let shown = text(&output.stdout);
    assert_eq!(code(&output), 4, "{shown}{}", text(&output.stderr));
    assert!(
        shown.contains("is INVALID: failed to use idle connection 1 of 1"),
        "{shown}"
    );
}

#[test]
fn an_idle_server_that_closes_its_connections_is_invalid() {
    let folder = folder();
    let path = fixture(folder.path(), "impatient");
    let arguments = [
        "idle",
        path.to_str().unwrap(),
        "--connections",
        "1,2",
        "--launches",
        "1",
    ];
    let output = matrix(folder.path(), &arguments).output().unwrap();
    let shown = text(&output.stdout);
    assert_eq!(code(&output), 4, "{shown}{}", text(&output.stderr));
    assert!(
        shown.contains("connection 1 of 2: the server closed it"),
        "{shown}"
    );
}

#[test]
fn a_line_needs_two_numbers_of_connections() {
    let folder = folder();
    let arguments = ["idle", "epoll+split+system", "--connections", "7,7"];
    let output = matrix(folder.path(), &arguments).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(code(&output), 2, "{said}");
    assert!(said.contains("two numbers or more"), "{said}");
}
