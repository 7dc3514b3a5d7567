//! Which designs meet needs, which may be the best of them, and what is said where nobody can tell.

use std::path::Path;

use orthant_matrix::axes::Coverage;
use orthant_matrix::machine::Machine;
use orthant_matrix::need::Need;
use orthant_matrix::recommend::{
    Asked, Assessed, Evidence, Load, Recommendation, Standing, Verdict, newest,
};
use orthant_matrix::record::{Latency, Line, Observation, Record};
use orthant_matrix::store::Store;
use orthant_matrix::table::Format;
use orthant_matrix::verdict::{MachineState, Metric};
use orthant_matrix::workload::Workload;

use super::idle::start;
use super::sweep::swept;

fn asked(needs: &[&str]) -> Asked {
    let needs = needs.iter().map(|need| need.parse::<Need>().unwrap());
    Asked {
        needs: needs.collect(),
        primary: Metric::CpuPerRequest,
        workload: Workload::Baseline,
    }
}

/// The sweep at a rate, in which `change` moves what was seen of a design in a launch.
fn at_rate(change: impl Fn(&mut Observation, u32)) -> Record {
    let mut record = swept(Coverage::Full);
    let plans = record.plans.values_mut();
    plans.for_each(|plan| plan.settings.requests_per_s = Some(20_000.0));
    for launch in record.launches.values_mut() {
        launch
            .arms
            .iter_mut()
            .for_each(|seen| change(seen, launch.block));
    }
    record
}

fn answer(record: Record, needs: &[&str]) -> Recommendation {
    let mut evidence = Evidence::default();
    evidence.add(record).unwrap();
    Recommendation::of(&asked(needs), &evidence, Path::new("/orthant")).unwrap()
}

fn names<'a>(designs: impl Iterator<Item = &'a Assessed>) -> Vec<&'a str> {
    designs.map(|design| design.design.as_str()).collect()
}

fn set(answer: &Recommendation) -> Vec<&str> {
    names(answer.designs.iter().filter(|design| design.may_be_best))
}

/// Costs of one design that go up and down by some percent from launch to launch.
fn noisy(name: &'static str, percent: u64) -> impl Fn(&mut Observation, u32) {
    move |seen, block| {
        let is_up = block % 2 == 0;
        for slice in seen.slices.iter_mut().filter(|_| seen.name == name) {
            let moved = slice.server_cpu_ns * percent / 100;
            slice.server_cpu_ns = match is_up {
                true => slice.server_cpu_ns + moved,
                false => slice.server_cpu_ns - moved,
            };
        }
    }
}

const NEEDS: [&str; 2] = ["p99<5ms@20krps", "memory<8MiB"];

#[test]
fn what_meets_every_need_and_may_be_the_best_is_a_set_without_an_order() {
    let found = answer(at_rate(|_, _| {}), &NEEDS);
    assert_eq!(
        names(found.with(Standing::Meets)),
        ["epoll+split", "uring+split"]
    );
    assert_eq!(
        names(found.with(Standing::Excluded)),
        ["epoll+flat", "uring+flat"]
    );
    // uring costs 5 % more in every launch.
    assert_eq!(set(&found), ["epoll+split"]);
    // Of two within their noise none is placed before the other.
    let found = answer(at_rate(noisy("uring+split", 8)), &NEEDS);
    assert_eq!(set(&found), ["epoll+split", "uring+split"]);
    let text = found.print(Format::Text).unwrap();
    for line in [
        "needs    p99<5ms@20krps, memory<8MiB",
        "2 of 4 designs meet every need",
        "2 of 4 designs excluded: what is marked ! misses its need",
        "9.00 [9.00, 9.00]!",
        "is one of 2, and which one the launches do not tell",
        "\ncargo add orthant --path /orthant/server --no-default-features --features uring,split        10.8\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&found.print(Format::Json).unwrap()).unwrap();
    assert_eq!(json["designs"][0]["standing"], "excluded");
    assert_eq!(json["needs"][0], "p99<5ms@20krps");
    let csv = found.print(Format::Csv).unwrap();
    assert!(
        csv.contains("epoll+flat,excluded,false,memory<8MiB,9437184"),
        "{csv}"
    );
    assert!(found.print(Format::Md).unwrap().contains("| epoll+split |"));
}

#[test]
fn a_limit_within_the_interval_leaves_it_open() {
    // 2.5 ms in half of the launches, 7.5 ms in the others.
    let found = answer(
        at_rate(|seen, block| {
            if seen.name == "epoll+split" && block % 2 == 0 {
                seen.latency = Latency::empty();
                seen.latency.0.record_n(7_500_000, 6_400).unwrap();
                // As many as Little's law asks for.
                seen.slices
                    .iter_mut()
                    .for_each(|slice| slice.in_flight_requests *= 3.0);
            }
        }),
        &NEEDS,
    );
    assert_eq!(names(found.with(Standing::MayMeet)), ["epoll+split"]);
    assert_eq!(set(&found), ["uring+split"]);
    let text = found.print(Format::Text).unwrap();
    assert!(text.contains("? the limit lies in its interval"), "{text}");
}

#[test]
fn a_noisy_machine_and_few_launches_leave_it_open_and_say_so() {
    let why = |record: Record| {
        let found = answer(record, &NEEDS);
        let design = &found.designs[1];
        assert_eq!(
            (design.design.as_str(), design.standing),
            ("epoll+split", Standing::MayMeet)
        );
        assert!(set(&found).is_empty());
        match &design.answers[0].verdict {
            Verdict::Unknown(why) => why.clone(),
            known => panic!("{known:?}"),
        }
    };
    let mut noisy = at_rate(|_, _| {});
    let launches = noisy.launches.values_mut();
    launches.for_each(|launch| launch.quiet.state = MachineState::Noisy);
    assert!(why(noisy).starts_with("the machine was noisy"));
    let mut few = at_rate(|_, _| {});
    few.launches.retain(|(_, _, block), _| *block < 5);
    assert_eq!(why(few), "an interval needs 6 launches");
    let unread = at_rate(|seen, block| seen.memory = seen.memory.filter(|_| block > 0));
    let found = answer(unread, &["memory<8MiB@20krps"]);
    assert_eq!(found.with(Standing::MayMeet).count(), 4);
}

#[test]
fn an_invalid_design_is_excluded_with_its_reason() {
    let found = answer(
        at_rate(|seen, block| seen.wrong += u64::from(seen.name == "epoll+split" && block == 0)),
        &NEEDS,
    );
    assert_eq!(names(found.with(Standing::Meets)), ["uring+split"]);
    let text = found.print(Format::Text).unwrap();
    assert!(
        text.contains("! epoll+split is INVALID: 1 wrong answers"),
        "{text}"
    );
}

#[test]
fn what_no_record_has_is_named_with_the_command_that_makes_it() {
    let error = |needs: &[&str]| {
        let mut evidence = Evidence::default();
        evidence.add(at_rate(|_, _| {})).unwrap();
        let found = Recommendation::of(&asked(needs), &evidence, Path::new("/orthant"));
        format!("{:#}", found.unwrap_err())
    };
    for (need, command) in [
        (
            "p99<5ms@10krps",
            "`cargo matrix sweep -w baseline --rate 10000`",
        ),
        ("memory<8MiB", "`cargo matrix sweep -w baseline`"),
        ("throughput>1krps", "`cargo matrix sweep -w baseline`"),
        ("bytes/connection<4KiB", "`cargo matrix sweep -w baseline`"),
    ] {
        assert!(error(&[need]).contains(command), "{}", error(&[need]));
    }
    let error = error(&["memory<8MiB@20krps", "bytes/connection<4KiB"]);
    assert!(
        error.contains("`cargo matrix idle --launches 6`"),
        "{error}"
    );
}

#[test]
fn bytes_per_connection_come_from_starts_with_idle_connections() {
    let both = |block| {
        [
            start(Some(0), block, 5_000, 0),
            start(Some(1), block, 300, 0),
        ]
    };
    let mut idle = super::idle::record((0..6).flat_map(both));
    let main = at_rate(|_, _| {});
    let arms = main.plan().arms.clone();
    idle.plans
        .values_mut()
        .for_each(|plan| plan.arms.clone_from(&arms));
    let mut evidence = Evidence::default();
    evidence.add(main).unwrap();
    evidence.add(idle.clone()).unwrap();
    let asked = asked(&["memory<8MiB@20krps", "bytes/connection<4KiB"]);
    let found = Recommendation::of(&asked, &evidence, Path::new("/orthant")).unwrap();
    assert_eq!(found.designs[1].answers[1].verdict, Verdict::Met);
    assert_eq!(found.designs[0].answers[1].verdict, Verdict::Missed);
    // Figures of two executables of one name say nothing about either.
    let plans = idle.plans.values_mut();
    plans.for_each(|plan| plan.arms[0].sha256 = "11".to_owned());
    let mut evidence = Evidence::default();
    evidence.add(at_rate(|_, _| {})).unwrap();
    let error = format!("{:#}", evidence.add(idle).unwrap_err());
    assert!(
        error.contains("epoll+flat is another executable in each"),
        "{error}"
    );
}

/// A file with the first launches of a sweep.
fn stored(folder: &Path, campaign: &str, launches: u32) {
    let mut record = at_rate(|_, _| {});
    let mut plan = record.plan().clone();
    plan.campaign = campaign.to_owned();
    let mut store = Store::create(folder, campaign).unwrap();
    store.append(&Line::Plan(plan)).unwrap();
    record.launches.retain(|(_, _, block), _| *block < launches);
    for mut launch in record.launches.into_values() {
        launch.campaign = campaign.to_owned();
        store.append(&Line::Launch(Box::new(launch))).unwrap();
    }
}

#[test]
fn a_sweep_with_too_few_launches_is_passed_over_for_an_older_one() {
    let folder = tempfile::tempdir().unwrap();
    let found = || newest(folder.path(), Load::Open(20_000.0), Workload::Baseline).unwrap();
    stored(folder.path(), "3-sweep", 1);
    assert_eq!(found(), None);
    stored(folder.path(), "1-sweep", 6);
    stored(folder.path(), "2-sweep", 5);
    assert_eq!(found(), Some(folder.path().join("1-sweep.jsonl")));
}

#[test]
fn what_the_record_does_not_cover_and_other_code_are_named() {
    let mut record = at_rate(|_, _| {});
    let mut machine = Machine::describe("sweep", "2026-01-01T00:00:00Z", Path::new(".")).unwrap();
    machine.git_revision = Some("0123456789".to_owned());
    record.machines.insert("sweep".to_owned(), machine);
    let mut evidence = Evidence::default();
    evidence.add(record).unwrap();
    let found = Recommendation::of(&asked(&NEEDS), &evidence, Path::new("/orthant")).unwrap();
    let designs = ["epoll+split", "tokio+split"].map(str::to_owned);
    assert_eq!(found.missing(&evidence, &designs), ["tokio+split"]);
    assert!(evidence.other_code("0123456789").is_empty());
    let said = evidence.other_code("abcdefghij");
    assert!(
        said.len() == 1
            && said[0]
                .contains("sweep was measured at revision 0123456, and the checkout is at abcdefg"),
        "{said:?}"
    );
}
