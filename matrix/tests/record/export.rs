//! Exports: what stands in each format, and that what does not count stays out or is called so. `cargo ci report` has other
//! people's readers look at them.

use std::path::Path;

use orthant_matrix::axes::Coverage;
use orthant_matrix::export::{Content, Exported, Target, export};
use orthant_matrix::machine::Machine;
use orthant_matrix::record::{Record, Source, Span};
use orthant_matrix::report::Report;
use orthant_matrix::verdict::MachineState;
use serde_json::Value;

use super::comparison::{compared, counted};
use super::{count, idle, soak, sweep};

fn exported(record: Record, to: Target) -> Exported {
    export(&Report::of(record).unwrap(), to).unwrap()
}

fn text(record: Record, to: Target) -> String {
    match exported(record, to).content {
        Content::Text(text) => text,
        Content::Files(files) => panic!("{files:?}"),
    }
}

pub(crate) fn json(record: Record, to: Target) -> Value {
    serde_json::from_str(&text(record, to)).unwrap()
}

/// A sweep with one wrong answer.
fn spoilt() -> Record {
    let mut record = sweep::swept(Coverage::Full);
    record.launches.values_mut().next().unwrap().arms[1].wrong = 1;
    record
}

#[test]
fn an_invalid_cell_is_left_out_and_told_of_or_called_invalid() {
    let why = ["epoll+split under baseline is INVALID: 1 wrong answers"];
    for to in [
        Target::Go,
        Target::Bencher,
        Target::GithubSmaller,
        Target::GithubBigger,
        Target::Arena,
    ] {
        let exported = exported(spoilt(), to);
        assert_eq!(exported.left_out, why, "{to:?}");
        let shown = format!("{:?}", exported.content);
        assert!(
            !shown.contains("epoll+split") && !shown.contains("buffers=split/allocator"),
            "{shown}"
        );
        assert!(shown.contains("floor"), "{shown}");
    }
    let xml = text(spoilt(), Target::Junit);
    assert!(
        xml.contains("tests=\"5\" failures=\"0\" errors=\"1\" skipped=\"0\""),
        "{xml}"
    );
    let csv = text(spoilt(), Target::Csv);
    assert_eq!(csv.matches(",1 wrong answers\r\n").count(), 6, "{csv}");
    let metrics = text(spoilt(), Target::Openmetrics);
    let of_it: Vec<&str> = metrics
        .lines()
        .filter(|line| line.contains("arm=\"epoll+split\""))
        .collect();
    assert_eq!(
        of_it,
        ["orthant_cell_valid{campaign=\"one\",workload=\"baseline\",arm=\"epoll+split\"} 0"]
    );
}

#[test]
fn go_has_a_line_per_launch_and_the_axes_in_its_names() {
    let mut record = sweep::swept(Coverage::Full);
    let mut machine = Machine::describe("one", "2026-01-01T00:00:00Z", Path::new(".")).unwrap();
    machine.rustc = Some("rustc 1\nhost: x86_64-unknown-linux-gnu".to_owned());
    record.machines.insert("one".to_owned(), machine);
    let go = text(record, Target::Go);
    let name = "\nBenchmarkBaseline/backend=uring/buffers=flat-1\t6400\t";
    assert_eq!(go.matches(name).count(), 8, "{go}");
    // 640 answers in 25 ms; 10,000 ns of CPU time and 5 % more.
    assert!(
        go.contains("-1\t6400\t39062.500 ns/op\t10500.000 cpu-ns/op\t25600.000 req/s\t"),
        "{go}"
    );
    assert!(
        go.contains("\ngoarch: amd64\n") && go.contains("/arm=uring+floor-1\t"),
        "{go}"
    );
    // White space would end a name and a slash begin a part of it.
    assert!(text(compared(8), Target::Go).contains("BenchmarkBaseline/arm=._<b>&\"-1\t"));
}

#[test]
fn trackers_get_values_in_base_units_with_the_middle_half_of_the_launches() {
    let metrics = json(sweep::swept(Coverage::Full), Target::Bencher);
    let cpu = &metrics["baseline/epoll+flat"]["cpu-per-request"];
    assert_eq!(
        cpu.to_string(),
        r#"{"lower_value":10150.0,"upper_value":10550.0,"value":10350.0}"#
    );
    assert_eq!(
        metrics["baseline/epoll+flat"]["private-memory"]["value"],
        f64::from(9 << 20)
    );
    let names = |to| -> Vec<String> {
        let entries = json(sweep::swept(Coverage::Full), to);
        let names = entries
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["name"].as_str().unwrap().to_owned());
        names
            .filter(|name| name.starts_with("baseline/epoll+flat: "))
            .collect()
    };
    assert_eq!(
        names(Target::GithubBigger),
        ["baseline/epoll+flat: throughput"]
    );
    assert_eq!(names(Target::GithubSmaller).len(), 5);
}

#[test]
fn openmetrics_counts_every_response_and_names_the_decision() {
    let metrics = text(compared(8), Target::Openmetrics);
    let count = |end: &str| {
        let lines = metrics.lines().filter(|line| {
            line.starts_with("orthant_response_seconds_bucket") && line.contains("epoll+floor")
        });
        lines.filter(|line| line.ends_with(end)).count()
    };
    // All 8 × 6,400 answers took 2.5 ms: none within 2 ms, all within 5 ms.
    assert!(
        metrics.contains("le=\"0.002\"} 0\n") && metrics.contains("le=\"0.005\"} 51200\n"),
        "{metrics}"
    );
    assert_eq!((count("} 0"), count("} 51200")), (8, 11));
    assert!(metrics.contains("workload=\"baseline\",orthant_decision=\"NO-GO\"} 1\n"));
    assert!(metrics.contains("arm=\"./<b>&\\\"\"") && metrics.ends_with("# EOF\n"));
}

#[test]
fn junit_fails_what_is_worse_and_skips_what_has_no_say() {
    let xml = text(compared(8), Target::Junit);
    // CPU and the decision; throughput and p99 are the same, memory too.
    assert!(
        xml.contains("tests=\"5\" failures=\"2\" errors=\"0\" skipped=\"0\""),
        "{xml}"
    );
    assert!(
        xml.contains("name=\"CPU/request (primary)\" time=\"0\"><failure message=\"WORSE: +10.0 %"),
        "{xml}"
    );
    // On a noisy machine throughput has no say, however much worse it is.
    let mut record = compared(8);
    for launch in record.launches.values_mut() {
        launch.quiet.state = MachineState::Noisy;
        for slice in &mut launch.arms[1].slices {
            (slice.requests, slice.in_flight_requests) = (600, 60.0);
        }
    }
    let xml = text(record, Target::Junit);
    let (_, throughput) = xml
        .split_once("name=\"throughput (guard)\" time=\"0\">")
        .unwrap();
    assert!(
        throughput.starts_with("<skipped message=\"WORSE: -6.2 %"),
        "{throughput}"
    );
    assert!(
        throughput.contains("it has no say: the machine was noisy"),
        "{throughput}"
    );
    let broken_off = text(compared(5), Target::Junit);
    assert!(
        broken_off
            .contains("name=\"decision\" time=\"0\"><skipped message=\"none: it was broken off"),
        "{broken_off}"
    );
}

#[test]
fn the_arena_gets_a_file_for_each_cell() {
    let Content::Files(files) = exported(sweep::swept(Coverage::Full), Target::Arena).content
    else {
        panic!("one text")
    };
    assert_eq!(files.len(), 5);
    let (path, text) = &files[0];
    assert_eq!(path, Path::new("baseline/64/epoll+flat.json"));
    let result: Value = serde_json::from_str(text).unwrap();
    assert_eq!(
        (&result["rps"], &result["avg_latency"], &result["cpu"]),
        (&25_600.into(), &"2.50ms".into(), &"26.5%".into())
    );
    assert_eq!(
        (
            &result["memory"],
            &result["status_2xx"],
            &result["language"]
        ),
        (&"2.00MiB".into(), &51_200.into(), &"Rust".into())
    );
}

#[test]
fn no_file_of_the_arena_is_written_twice() {
    let named = |names: [&str; 2]| {
        let mut record = compared(8);
        for plan in record.plans.values_mut() {
            for (arm, name) in plan.arms.iter_mut().zip(names) {
                name.clone_into(&mut arm.name);
                arm.announced = None;
            }
        }
        export(&Report::of(record).unwrap(), Target::Arena)
    };
    let error = named(["@a/b", "@a_b"]).unwrap_err().to_string();
    assert!(error.contains("two are baseline/64/_a_b.json"), "{error}");
    // What has a plus in its path is no design.
    let Content::Files(files) = named(["/opt/g++/srv", "b"]).unwrap().content else {
        panic!("one text")
    };
    let languages: Vec<bool> = files
        .iter()
        .map(|(_, text)| text.contains("\"language\": \"Rust\""))
        .collect();
    assert_eq!(languages, [false, false, true]);
}

#[test]
fn openmetrics_says_what_each_figure_is() {
    let swept = text(sweep::swept(Coverage::Full), Target::Openmetrics);
    let started = idle::record([Some(0), None].map(|arm| idle::start(arm, 0, 4_000, 7_000)));
    let waited = text(started, Target::Openmetrics);
    let counted = text(count::record(&[]), Target::Openmetrics);
    let soaked = soak::record(&[soak::bytes(600, 1, |second| second * 2_000.0)]);
    let soaked = text(soaked, Target::Openmetrics);
    for (text, name, help) in [
        (&swept, "throughput", "the median over launches"),
        (&swept, "latency_p99_seconds", "of all launches together"),
        (&waited, "idle_memory_per_connection_bytes", "a slope"),
        (&counted, "syscalls_per_request", "the mean over all spans"),
        (
            &soaked,
            "soak_memory_drift_per_hour_bytes",
            "the upper end of its 95 % interval",
        ),
    ] {
        let begin = format!("# HELP orthant_{name} ");
        let line = text.lines().find(|line| line.starts_with(&begin));
        assert!(
            line.is_some_and(|line| line.contains(help)),
            "{name}: {text}"
        );
    }
    assert!(!soaked.contains("over launches"), "{soaked}");
}

#[test]
fn openmetrics_names_the_decision_of_a_soak() {
    let stated = |wrong| {
        let mut record = soak::record(&[soak::bytes(900, 1, |second| second * 2_048.0 * 1_024.0)]);
        let soaked = record.soaks.values_mut().next().unwrap();
        soaked.segments[0].epochs[0].wrong = wrong;
        let metrics = text(record, Target::Openmetrics);
        let lines = metrics.lines();
        let states = lines.filter(|line| line.starts_with("orthant_decision{"));
        states.map(str::to_owned).collect::<Vec<String>>()
    };
    let held = |states: &[String]| states.iter().filter(|state| state.ends_with(" 1")).count();
    let (sound, invalid) = (stated(0), stated(1));
    assert_eq!((sound.len(), held(&sound), held(&invalid)), (4, 1, 0));
    assert!(
        sound
            .iter()
            .any(|state| state.ends_with("orthant_decision=\"NO-GO\"} 1")),
        "{sound:?}"
    );
}

#[test]
fn what_is_counted_is_shown_as_fine_as_its_margin() {
    let xml = text(counted(), Target::Junit);
    assert!(xml.contains("allocations (shown)"), "{xml}");
    let mut worse = counted();
    for count in worse.counts.values_mut().filter(|count| count.arm == 1) {
        count.instructions = Source::Seen(vec![Span {
            requests: 100,
            count: 200_480,
        }]);
    }
    let xml = text(worse, Target::Junit);
    let message = "WORSE: +0.24 % [+0.24, +0.24], margin 0.10 %";
    assert!(xml.contains(message), "{xml}");
}

#[test]
fn idle_connections_are_exported_where_a_format_has_room() {
    let record = || {
        idle::record([Some(0), Some(1), Some(2), None].map(|arm| idle::start(arm, 0, 4_000, 7_000)))
    };
    let metrics = json(record(), Target::Bencher);
    let value = &metrics["idle/epoll+floor"]["idle-memory-per-connection"]["value"];
    assert!(
        (value.as_f64().unwrap() - 4_000.0).abs() < 1e-6,
        "{metrics}"
    );
    assert!(text(record(), Target::Openmetrics).contains("orthant_idle_base_memory_bytes{"));
    assert_eq!(
        exported(record(), Target::Arena).left_out,
        ["the arena has no profile of idle connections"]
    );
}

#[test]
fn a_soak_is_exported_by_what_memory_may_grow_by_at_most() {
    let record = || soak::record(&[soak::bytes(600, 1, |second| second * 2_000.0)]);
    let metrics = json(record(), Target::Bencher);
    let soaked = metrics.as_object().unwrap().values().next().unwrap();
    let most = soaked["soak-memory-drift-per-request"]["value"].as_f64();
    assert!((1.9..2.5).contains(&most.unwrap()), "{metrics}");
    assert_eq!(
        exported(record(), Target::Arena).left_out,
        ["the arena has no profile of soaks"]
    );
}

#[test]
fn memory_that_drifts_beyond_its_budget_fails_in_junit() {
    let xml =
        |more: &dyn Fn(f64) -> f64| text(soak::record(&[soak::bytes(900, 1, more)]), Target::Junit);
    let leaking = xml(&|second| second * 2_048.0 * 1_024.0);
    assert!(
        leaking.contains("tests=\"2\" failures=\"2\" errors=\"0\" skipped=\"0\""),
        "{leaking}"
    );
    let sound = xml(&|_| 0.0);
    assert!(sound.contains("failures=\"0\" errors=\"0\""), "{sound}");
}
