//! What is said of soaks whose memory is known: leaks are found, and what only looks like one is none.

use orthant_matrix::process::{End, Memory};
use orthant_matrix::record::{
    Budget, Epoch, Latency, Line, Rate, Record, SegmentBegin, SegmentEnd, Soak,
};
use orthant_matrix::sheet::{Per, SoakSheet};
use orthant_matrix::stats::random::Random;
use orthant_matrix::store::{self, Store};
use orthant_matrix::table::Format;
use orthant_matrix::verdict::{Decision, MachineState};

use super::{Quiet, plan};

const PAGE: f64 = 4096.0;

/// Requests of every epoch.
const REQUESTS: u64 = 1_000;

const ASKED: Soak = Soak {
    epochs: 3_600,
    rate: Rate::PerS(1_000.0),
    budget: Budget {
        bytes_per_request: 1.0,
        bytes_per_hour: 1024.0 * 1024.0,
    },
};

fn begin(segment: u32) -> Line {
    Line::SegmentBegin(SegmentBegin {
        segment,
        started: "2026-01-01T00:00:00Z".to_owned(),
        server_cpu: 0,
        client_cpu: 1,
        capacity_requests_per_s: None,
        requests_per_s: 1_000.0,
    })
}

fn epoch(second: u64, private_bytes: f64) -> Epoch {
    let mut latency = Latency::empty();
    latency.0.record_n(90_000, REQUESTS).unwrap();
    let bytes = (private_bytes / PAGE).round() as u64 * 4096;
    Epoch {
        at_ms: second * 1_000,
        requests: REQUESTS,
        elapsed_ns: 1_000_000_000 + second % 7 * 1_000_000,
        server_cpu_ns: REQUESTS * 5_000,
        client_cpu_ns: 9_000_000,
        wrong: 0,
        unanswered: 0,
        first_wrong: None,
        late_sends: 0,
        connections_open: 64,
        latency,
        memory: Some(Memory {
            private_bytes: bytes,
            resident_bytes: bytes,
            peak_bytes: bytes,
            rings_bytes: None,
            cgroup_bytes: None,
        }),
        kernel: None,
        events: None,
        syscalls: Some(2 * REQUESTS),
    }
}

/// One list of private bytes per start of the server, one value per second.
pub(crate) fn record(segments: &[Vec<f64>]) -> Record {
    let mut plan = plan("one");
    plan.command = "soak".to_owned();
    plan.arms.truncate(1);
    let mut record = Record::new(plan);
    record.add_soak(Line::Soak(ASKED)).unwrap();
    for (number, bytes) in segments.iter().enumerate() {
        record.add_soak(begin(number as u32)).unwrap();
        for (second, bytes) in bytes.iter().enumerate() {
            let line = Line::Epoch(Box::new(epoch(second as u64, *bytes)));
            record.add_soak(line).unwrap();
        }
    }
    record
}

fn sheet(segments: &[Vec<f64>]) -> SoakSheet {
    SoakSheet::of(&record(segments)).unwrap()
}

/// 8 MiB, some pages of noise of which each second keeps most of the one before, and what `more` adds.
pub(crate) fn bytes(seconds: u64, seed: u64, more: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut random = Random::new(seed, &[]);
    let mut pages = 0.0;
    let mut next = |second: u64| {
        pages = 0.84 * pages + random.below(1_000) as f64 / 500.0 - 1.0;
        8.0 * 1024.0 * 1024.0 + pages * PAGE + more(second as f64)
    };
    (0..seconds).map(&mut next).collect()
}

#[test]
fn a_planted_leak_is_found_in_both_units() {
    let sheet = sheet(&[bytes(900, 1, |second| second * REQUESTS as f64 * 2.0)]);
    assert_eq!(sheet.decision, Some(Decision::NoGo));
    let drift = |per| {
        sheet
            .drifts
            .iter()
            .find(|drift| drift.per == per)
            .unwrap()
            .drift
            .unwrap()
    };
    let per_request = drift(Per::Request);
    assert!((per_request.slope - 2.0).abs() < 0.1, "{per_request:?}");
    assert!((drift(Per::Hour).slope / (2.0 * 3.6e6) - 1.0).abs() < 0.05);
    let text = sheet.print(Format::Text).unwrap();
    assert!(
        text.contains("DECISION  NO-GO") && text.contains("ABOVE"),
        "{text}"
    );
    assert!(sheet.memory.unwrap().last_to_first > 0.1);
}

#[test]
fn an_hour_without_a_leak_is_within_the_budget() {
    let sheet = sheet(&[bytes(3_600, 2, |_| 0.0)]);
    assert_eq!(sheet.decision, Some(Decision::Go), "{:?}", sheet.drifts);
    // A tenth of an hour was warm-up.
    assert_eq!((sheet.epochs, sheet.epochs_counted), (3_600, 3_240));
}

/// No drift is seen, and far more than the budget may be there.
#[test]
fn no_significant_slope_is_not_enough() {
    let sheet = sheet(&[bytes(60, 3, |second| (second * 1.7).sin() * 2e5)]);
    assert_eq!(sheet.decision, Some(Decision::Inconclusive));
    let interval = sheet.drifts[1].drift.unwrap().interval;
    assert!(
        interval.low < 0.0 && interval.high > ASKED.budget.bytes_per_hour,
        "{interval:?}"
    );
}

/// What is collected every two minutes, 4 MiB at a time.
#[test]
fn a_sawtooth_is_not_called_a_leak() {
    for seed in 0..3 {
        let sheet = sheet(&[bytes(1_300, seed, |second| (second % 120.0) * 35_000.0)]);
        assert_ne!(sheet.decision, Some(Decision::NoGo), "{:?}", sheet.drifts);
        assert!(sheet.memory.unwrap().swing_bytes > 4e6);
    }
}

#[test]
fn what_a_cache_takes_at_first_is_warm_up_and_what_it_takes_later_is_not() {
    let fills = |until: f64| move |second: f64| second.min(until) * 100_000.0;
    assert_eq!(
        sheet(&[bytes(3_600, 4, fills(300.0))]).decision,
        Some(Decision::Go)
    );
    assert_ne!(
        sheet(&[bytes(3_600, 4, fills(3_000.0))]).decision,
        Some(Decision::Go)
    );
}

#[test]
fn too_few_epochs_decide_nothing() {
    let sheet = sheet(&[bytes(29, 5, |second| second * 1e6)]);
    assert_eq!(sheet.decision, Some(Decision::Inconclusive));
    assert!(sheet.drifts.iter().all(|drift| drift.drift.is_none()));
    assert!(
        sheet
            .print(Format::Md)
            .unwrap()
            .contains("a longer --duration tells")
    );
}

/// Each runs for longer and is larger than the one before, so that over all of them memory seems to grow.
#[test]
fn a_server_that_was_started_again_has_a_height_of_its_own() {
    let segment = |number: u64| -> Vec<f64> {
        let bytes = bytes(600 * (number + 1), number, |_| 0.0).into_iter();
        bytes.map(|bytes| bytes + 3e6 * number as f64).collect()
    };
    let sheet = sheet(&[segment(0), segment(1), segment(2)]);
    assert_eq!(sheet.decision, Some(Decision::Go), "{:?}", sheet.drifts);
    assert_eq!(sheet.segments, 3);
}

#[test]
fn figures_are_told_with_how_steady_they_were() {
    let sheet = sheet(&[bytes(100, 8, |_| 0.0)]);
    let of = |name| {
        sheet
            .series
            .iter()
            .find(|series| series.name == name)
            .unwrap()
    };
    let throughput = of("throughput");
    // Lengths of 1.000 to 1.006 s in turn: a standard deviation of 2 ms.
    assert!(
        (throughput.cv.unwrap() - 0.002).abs() < 1e-4,
        "{throughput:?}"
    );
    let interval = throughput.cv_interval.unwrap();
    assert!(interval.low < 0.002 && 0.002 < interval.high && interval.high < 0.003);
    let syscalls = of("syscalls/request");
    assert_eq!(
        (syscalls.median, syscalls.per_hour.unwrap().slope),
        (Some(2.0), 0.0)
    );
    assert_eq!(of("waits/request").median, None);
    let text = sheet.print(Format::Text).unwrap();
    let waits = text.lines().find(|line| line.starts_with("waits/request"));
    assert_eq!(waits.unwrap().matches("n/a").count(), 3, "{text}");
    assert_eq!(sheet.tail.p99.map(|ns| (ns / 1e3).round()), Some(90.0));
}

#[test]
fn one_wrong_answer_makes_a_soak_invalid() {
    let mut record = record(&[bytes(60, 9, |_| 0.0)]);
    let mut wrong = epoch(60, 8e6);
    (wrong.wrong, wrong.first_wrong) = (1, Some("got 500".to_owned()));
    record.add_soak(Line::Epoch(Box::new(wrong))).unwrap();
    let died = SegmentEnd {
        end: End::Died {
            what: "signal: 11".to_owned(),
        },
        failure: None,
        quiet: Quiet {
            foreign_share: 0.0,
            steal_share: 0.0,
            state: MachineState::Quiet,
        },
    };
    record.add_soak(Line::SegmentEnd(died)).unwrap();
    let sheet = SoakSheet::of(&record).unwrap();
    assert_eq!(sheet.decision, None);
    assert_eq!(
        sheet.invalid,
        [
            "1 wrong answers; the first: got 500",
            "server died: signal: 11"
        ]
    );
}

#[test]
fn a_file_holds_a_soak_up_to_its_last_whole_line() {
    let folder = tempfile::tempdir().unwrap();
    let known = record(&[bytes(12, 10, |_| 0.0)]);
    let soaked = &known.soaks["one"];
    let mut store = Store::create(folder.path(), "one").unwrap();
    store.append(&Line::Plan(known.plan().clone())).unwrap();
    store.append(&Line::Soak(soaked.asked)).unwrap();
    store.append(&begin(0)).unwrap();
    for epoch in &soaked.segments[0].epochs {
        store.append(&Line::Epoch(Box::new(epoch.clone()))).unwrap();
    }
    let path = store.path().to_owned();
    drop(store);
    assert_eq!(store::read(&path).unwrap().record, known);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
    let found = store::read(&path).unwrap();
    assert_eq!(found.record.soaks["one"].epochs(), 11);
    assert!(found.torn_bytes > 0);
}
