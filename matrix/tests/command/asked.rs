//! What a comparison is asked: by `matrix.toml`, and until when.

use super::{code, folder, matrix, measured, record_in, text};

#[test]
fn a_comparison_ends_in_time_and_says_what_was_reached() {
    let folder = folder();
    let config = folder.path().join("asked.toml");
    let said = "[compare]\nworkloads = [\"baseline\", \"json\"]\nmargins = { p99 = \"30%\" }\nmax_minutes = 0.0001\n";
    std::fs::write(&config, said).unwrap();
    let more = [
        "--no-floor",
        "--fail-inconclusive",
        "--config",
        config.to_str().unwrap(),
    ];
    let output = measured(folder.path(), "compare", &["honest", "other"], &more);
    let shown = text(&output.stdout);
    assert_eq!(code(&output), 3, "{shown}{}", text(&output.stderr));
    // One launch is made in any case; then nothing fits any more, and nothing of the other workload either.
    assert!(
        shown.contains("baseline, 1 launches, ") && shown.contains("json, 0 launches\n"),
        "{shown}"
    );
    assert!(
        shown.contains("(--max-minutes) was over after 1 launches"),
        "{shown}"
    );
    assert_eq!(
        shown.matches("DECISION  INCONCLUSIVE").count(),
        2,
        "{shown}"
    );
    // The record keeps that it ended, so that a report decides it as it was decided; one that was killed is not decided.
    let record = record_in(folder.path());
    let report = || {
        let output = matrix(folder.path(), &["report", record.to_str().unwrap()]).output();
        text(&output.unwrap().stdout)
    };
    assert_eq!(report().matches("DECISION  INCONCLUSIVE").count(), 2);
    let contents = std::fs::read_to_string(&record).unwrap();
    let is_end = |line: &&str| line.starts_with("{\"ended\":");
    assert_eq!(contents.lines().filter(is_end).count(), 2, "{contents}");
    let killed = contents.split_inclusive('\n').filter(|line| !is_end(line));
    std::fs::write(&record, killed.collect::<String>()).unwrap();
    let shown = report();
    assert!(
        shown.contains("none: it was broken off after 1 launches; a look is taken after 8"),
        "{shown}"
    );
    assert!(!shown.contains("--max-minutes) was over"), "{shown}");
    // It keeps what it was judged by, too.
    let plan: serde_json::Value = serde_json::from_str(contents.lines().next().unwrap()).unwrap();
    let comparison = &plan["plan"]["comparison"];
    assert_eq!(comparison["max_minutes"], 0.0001);
    assert_eq!(
        comparison["rules"]["json"]["margins"]["latency-p99"]["share"],
        0.3
    );
    assert_eq!(comparison["rules"]["json"]["primary"], "cpu-per-request");
}

#[test]
fn a_file_that_is_not_understood_is_refused_before_anything_is_built() {
    let folder = folder();
    let config = folder.path().join("asked.toml");
    std::fs::write(&config, "[compare]\nmargns = { p99 = \"1%\" }\n").unwrap();
    let config = config.to_str().unwrap();
    let arguments = [
        "compare",
        "epoll+split+system",
        "epoll+flat+system",
        "-C",
        config,
    ];
    let output = matrix(folder.path(), &arguments).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(code(&output), 2, "{said}");
    assert!(
        said.contains("asked.toml") && said.contains("at line 2, column 1"),
        "{said}"
    );
    assert!(said.contains("did you mean `margins`?"), "{said}");
}
