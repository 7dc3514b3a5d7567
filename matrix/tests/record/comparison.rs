//! The decision of a comparison out of its record.

use orthant_matrix::axes::Coverage;
use orthant_matrix::comparison::Comparison;
use orthant_matrix::record::{self, AllocationSpan, Counts, Ended, Record, Source, Span};
use orthant_matrix::report::Report;
use orthant_matrix::table::Format;
use orthant_matrix::verdict::{Decision, Metric, Roles};
use orthant_matrix::workload::Workload;

use super::{count, record, sweep};

/// The usual rules, with this metric as the primary one.
fn how(primary: Metric) -> record::Comparison {
    let rules = Roles::new(primary, &[]).into();
    record::Comparison {
        max_minutes: None,
        rules: [(Workload::Baseline, rules)].into(),
    }
}

/// Launches of a comparison whose candidate costs 10 % more, with names that are markup.
pub(super) fn compared(launches: u32) -> Record {
    let mut record = record(
        "one",
        (0..launches).map(|block| (Workload::Baseline, block)),
    );
    for plan in record.plans.values_mut() {
        plan.command = "compare".to_owned();
        plan.comparison = Some(how(Metric::CpuPerRequest));
        plan.workloads = vec![Workload::Baseline];
        plan.settings.launches = 16;
        plan.arms[1].name = "./<b>&\"".to_owned();
    }
    record
}

/// The same with counts of both sides beside it: 0.05 % more instructions, and no allocation on either side.
pub(super) fn counted() -> Record {
    let mut record = compared(8);
    for plan in record.plans.values_mut() {
        plan.counts = Counts::Beside;
    }
    for mut count in count::record(&[]).counts.into_values() {
        count.campaign = "one".to_owned();
        count.instructions = Source::Seen(vec![Span {
            requests: 100,
            count: 200_000 + 100 * count.arm as u64,
        }]);
        count.allocations = Source::Seen(vec![AllocationSpan {
            requests: 100,
            allocations: 0,
            bytes: 0,
        }]);
        record.add_count(count).unwrap();
    }
    record
}

#[test]
fn a_comparison_is_decided_again_from_its_record() {
    let all = Comparison::all_of(&compared(8));
    let finding = &all[0].workloads[0];
    assert_eq!(finding.decision, Some(Decision::NoGo));
    assert_eq!(
        (finding.judgement.look.launches, finding.broken_off_before),
        (8, None)
    );
    // The look after 8 launches decided, so what was made beyond it changes nothing.
    assert_eq!(
        Comparison::all_of(&compared(16))[0].workloads[0]
            .judgement
            .look
            .launches,
        8
    );
    // Another primary metric, under which there is no difference to find; 10 % of CPU guard all the same.
    let mut record = compared(8);
    for plan in record.plans.values_mut() {
        plan.comparison = Some(how(Metric::Memory));
    }
    let finding = &Comparison::all_of(&record)[0].workloads[0];
    assert_eq!(finding.judgement.rules.roles.primary, Metric::Memory);
    assert_eq!(finding.decision, Some(Decision::NoGo));
    assert!(Comparison::all_of(&sweep::swept(Coverage::Full)).is_empty());
}

#[test]
fn what_was_broken_off_before_a_look_is_not_decided() {
    let report = Report::of(compared(5)).unwrap();
    let finding = &report.comparisons[0].workloads[0];
    assert_eq!(
        (finding.decision, finding.broken_off_before),
        (None, Some(8))
    );
    let text = report.print(Format::Text).unwrap();
    assert!(
        text.contains(
            "DECISION  none: it was broken off after 5 launches; a look is taken after 8"
        ),
        "{text}"
    );
}

/// Only the clock may move a look, and a comparison that the clock ended says that it ended.
#[test]
fn what_was_killed_with_a_limit_is_not_decided_and_what_the_clock_ended_is() {
    let limited = |launches| {
        let mut record = compared(launches);
        let comparisons = record.plans.values_mut().map(|plan| &mut plan.comparison);
        comparisons.for_each(|how| how.as_mut().unwrap().max_minutes = Some(1.0));
        record
    };
    let found = |record: &Record| Comparison::all_of(record)[0].workloads[0].clone();
    let ended = |launches| Ended {
        campaign: "one".to_owned(),
        workload: Workload::Baseline,
        launches,
    };
    for launches in [5, 7] {
        let mut record = limited(launches);
        let killed = found(&record);
        assert_eq!((killed.decision, killed.broken_off_before), (None, Some(8)));
        assert!(!killed.time_was_over);
        record.add_ended(ended(launches)).unwrap();
        let by_clock = found(&record);
        assert_eq!(by_clock.decision, Some(by_clock.judgement.decision));
        assert_eq!(by_clock.broken_off_before, None);
        let is_open = by_clock.decision == Some(Decision::Inconclusive);
        assert_eq!(by_clock.time_was_over, is_open);
    }
    // A look that was planned decided before the kill.
    assert_eq!(found(&limited(8)).decision, Some(Decision::NoGo));
    let mut record = limited(5).merge(limited(5)).unwrap();
    record.add_ended(ended(5)).unwrap();
    assert!(record.add_ended(ended(4)).is_err());
    assert!(record.merge(limited(5)).unwrap().ended.len() == 1);
}

#[test]
fn campaigns_are_decided_one_by_one() {
    let mut other = compared(8);
    other = {
        let mut renamed = Record::new(record::Plan {
            campaign: "two".to_owned(),
            ..other.plan().clone()
        });
        for mut launch in other.launches.into_values() {
            launch.campaign = "two".to_owned();
            renamed.add(launch).unwrap();
        }
        renamed
    };
    let report = Report::of(compared(8).merge(other).unwrap()).unwrap();
    let looks: Vec<u32> = report
        .comparisons
        .iter()
        .map(|comparison| comparison.workloads[0].judgement.look.launches)
        .collect();
    assert_eq!(looks, [8, 8]);
}
