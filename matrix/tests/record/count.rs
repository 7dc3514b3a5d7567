//! Counts in a record, and wherever a record is shown.

use std::collections::BTreeMap;

use orthant_matrix::export::Target;
use orthant_matrix::html;
use orthant_matrix::record::{AllocationSpan, Count, Counts, Record, Source, Span, SyscallSpan};
use orthant_matrix::report::Report;
use orthant_matrix::workload::Workload;

use super::plan;

/// One pass of each source over two arms; the second has no instructions, and one wrong answer where it is so wanted.
pub(crate) fn record(wrong: &[&str]) -> Record {
    let mut plan = plan("counted");
    plan.command = "count".to_owned();
    plan.counts = Counts::Alone;
    plan.arms.truncate(2);
    let mut record = Record::new(plan);
    let calls = [("recvfrom", 100), ("sendto", 100), ("epoll_wait", 5)];
    let calls: BTreeMap<String, u64> = calls.map(|(call, count)| (call.to_owned(), count)).into();
    for arm in 0..2 {
        let instructions = match arm {
            0 => Source::Seen(vec![Span {
                requests: 100,
                count: 210_000,
            }]),
            _ => Source::Missing("valgrind cannot run it".to_owned()),
        };
        let count = Count {
            campaign: "counted".to_owned(),
            workload: Workload::Baseline,
            arm,
            started: "2026-01-01T00:00:00Z".to_owned(),
            server_cpu: 0,
            client_cpu: 1,
            instructions,
            syscalls: Source::Seen(vec![SyscallSpan {
                requests: 100,
                calls: calls.clone(),
            }]),
            allocations: Source::Seen(vec![AllocationSpan {
                requests: 100,
                allocations: 50,
                bytes: 3_200,
            }]),
            text_bytes: Source::Seen(1_048_576),
            dependencies: Source::Seen(26),
            build_cpu_s: Source::Seen(20.5),
            wrong: wrong
                .iter()
                .filter(|_| arm == 1)
                .map(|why| (*why).to_owned())
                .collect(),
        };
        record.add_count(count).unwrap();
    }
    record
}

#[test]
fn the_page_of_counts_shows_them_and_what_is_missing() {
    let page = |wrong: &[&str]| html::page(&Report::of(record(wrong)).unwrap());
    let sound = page(&[]);
    for part in [
        "Counted under baseline",
        "<td>2100</td>",
        "recvfrom",
        "n/a, valgrind cannot run it",
        "Every cell is valid",
    ] {
        assert!(sound.contains(part), "{part} in {sound}");
    }
    let wrong = page(&["3 wrong answers"]);
    assert!(!wrong.contains("Every cell is valid"), "{wrong}");
    assert!(
        wrong.contains("! epoll+flat+system under baseline: 3 wrong answers"),
        "{wrong}"
    );
}

#[test]
fn counts_are_exported_as_far_as_they_have_a_source() {
    let report = Report::of(record(&[])).unwrap();
    let metrics = super::export::json(record(&[]), Target::Bencher);
    let (first, second) = (
        &metrics["baseline/epoll+split+system"],
        &metrics["baseline/epoll+flat+system"],
    );
    assert_eq!(
        first["instructions-per-request"]["value"], 2_100.0,
        "{metrics}"
    );
    assert!(second["instructions-per-request"].is_null());
    assert_eq!(second["syscalls-per-request"]["value"], 2.05);
    assert_eq!(second["allocated-memory-per-request"]["value"], 32.0);
    assert!(report.counts.is_some() && report.sheet.is_none());
}
