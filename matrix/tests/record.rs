//! Records: merging shards in any order and number gives the same record, and a file survives what a kill does to it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "record/comparison.rs"]
mod comparison;
#[path = "record/count.rs"]
mod count;
#[path = "record/export.rs"]
mod export;
#[path = "record/front.rs"]
mod front;
#[path = "record/idle.rs"]
mod idle;
#[path = "record/index.rs"]
mod index;
#[path = "record/page.rs"]
mod page;
#[path = "record/recommend.rs"]
mod recommend;
#[path = "record/soak.rs"]
mod soak;
#[path = "record/sweep.rs"]
mod sweep;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use orthant_matrix::axes::Coverage;
use orthant_matrix::machine::{Machine, Quiet};
use orthant_matrix::process::{End, Memory};
use orthant_matrix::record::{
    Counts, Latency, Launch, Line, Observation, Plan, PlannedArm, Record, SCHEMA, Settings, Slice,
};
use orthant_matrix::sheet::Sheet;
use orthant_matrix::store::{self, Store};
use orthant_matrix::table::Format;
use orthant_matrix::validity::Label;
use orthant_matrix::verdict::MachineState;
use orthant_matrix::workload::Workload;
use proptest::prelude::*;

const SETTINGS: Settings = Settings {
    launches: 8,
    rounds: 10,
    slice_ms: 25,
    connections: 64,
    requests_per_s: None,
};

fn plan(campaign: &str) -> Plan {
    let arm = |name: &str, is_floor| PlannedArm {
        name: name.to_owned(),
        path: PathBuf::from("/designs").join(name),
        commit: None,
        command: None,
        sha256: "00".to_owned(),
        announced: Some(name.to_owned()),
        is_floor,
        arguments: Vec::new(),
    };
    Plan {
        schema: SCHEMA,
        campaign: campaign.to_owned(),
        command: "sweep".to_owned(),
        seed: 7,
        arms: vec![
            arm("epoll+split+system", false),
            arm("epoll+flat+system", false),
            arm("epoll+floor", true),
        ],
        left_out: Vec::new(),
        workloads: vec![Workload::Baseline, Workload::Json],
        axes: ["backend", "buffers", "allocator"]
            .map(str::to_owned)
            .into(),
        unnamed: None,
        coverage: Coverage::Full,
        idle: Vec::new(),
        counts: Counts::None,
        comparison: None,
        settings: SETTINGS,
    }
}

/// An arm that needs `cost_ns` of CPU time per request and answers ten times in a slice per connection.
fn observation(name: &str, cost_ns: u64) -> Observation {
    let slice = |round| Slice {
        round,
        position: 0,
        requests: 640,
        elapsed_ns: 25_000_000,
        server_cpu_ns: 640 * cost_ns,
        client_cpu_ns: 5_000_000,
        in_flight_requests: 64.0,
    };
    let mut latency = Latency::empty();
    latency.0.record_n(2_500_000, 6_400).unwrap();
    Observation {
        name: name.to_owned(),
        warmup_slices: 8,
        slices: (0..10).map(slice).collect(),
        operations: 0,
        wrong: 0,
        first_wrong: None,
        unanswered: 0,
        statuses: BTreeMap::from([(200, 6_400)]),
        connections_open: 64,
        reconnects: 0,
        late_sends: 0,
        received_bytes: 1,
        sent_bytes: 1,
        latency,
        service: None,
        memory: Some(Memory {
            private_bytes: 1 << 20,
            resident_bytes: 2 << 20,
            peak_bytes: 2 << 20,
            rings_bytes: None,
            cgroup_bytes: None,
        }),
        events: None,
        end: End::Stopped,
        failure: None,
        label: Label::default(),
    }
}

fn launch(campaign: &str, workload: Workload, block: u32) -> Launch {
    // A cost of its own for every launch, so that two launches are never equal by chance.
    let cost_ns = 3_000 + 10 * u64::from(block) + campaign.len() as u64;
    Launch {
        campaign: campaign.to_owned(),
        workload,
        block,
        started: "2026-01-01T00:00:00Z".to_owned(),
        server_cpu: 0,
        client_cpu: 1,
        start_order: vec![2, 0, 1],
        quiet: Quiet {
            foreign_share: 0.01,
            steal_share: 0.0,
            state: MachineState::Quiet,
        },
        arms: vec![
            observation("epoll+split+system", cost_ns),
            observation("epoll+flat+system", cost_ns * 11 / 10),
            observation("epoll+floor", cost_ns / 2),
        ],
    }
}

fn record(campaign: &str, launches: impl IntoIterator<Item = (Workload, u32)>) -> Record {
    let mut record = Record::new(plan(campaign));
    for (workload, block) in launches {
        record.add(launch(campaign, workload, block)).unwrap();
    }
    record
}

fn shard() -> impl Strategy<Value = Record> {
    let workload = prop_oneof![Just(Workload::Baseline), Just(Workload::Json)];
    let launches = prop::collection::vec((workload, 0..4_u32), 0..5);
    (prop_oneof![Just("one"), Just("another")], launches)
        .prop_map(|(campaign, launches)| record(campaign, launches))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn merging_is_idempotent_commutative_and_associative((a, b, c) in (shard(), shard(), shard())) {
        let merge = |left: &Record, right: &Record| left.clone().merge(right.clone()).unwrap();
        prop_assert_eq!(&merge(&a, &a), &a);
        prop_assert_eq!(merge(&a, &b), merge(&b, &a));
        prop_assert_eq!(merge(&merge(&a, &b), &c), merge(&a, &merge(&b, &c)));
    }
}

#[test]
fn contradicting_or_foreign_records_do_not_merge() {
    let one = record("one", [(Workload::Json, 0)]);
    let mut edited = one.clone();
    edited
        .launches
        .values_mut()
        .for_each(|launch| launch.arms[0].wrong = 1);
    let error = one.clone().merge(edited).unwrap_err().to_string();
    assert!(error.contains("different contents"), "{error}");

    let mut other_plan = plan("one");
    other_plan.arms[1].sha256 = "11".to_owned();
    let error = one.merge(Record::new(other_plan)).unwrap_err().to_string();
    assert!(error.contains("different executables"), "{error}");
}

#[test]
fn percentiles_come_from_merged_histograms() {
    let mut record = record("one", [(Workload::Baseline, 0), (Workload::Baseline, 1)]);
    let second = record.launches.values_mut().last().unwrap();
    second.arms[0].latency = Latency::empty();
    second.arms[0].latency.0.record_n(50_000_000, 100).unwrap();
    let sheet = Sheet::of(&record).unwrap();
    // 100 slow answers of 6,500: above the 98th percentile. A mean of the two launches' percentiles would be 26 ms.
    let p99_us = sheet.blocks[0].rows[0].latency_us_p99.unwrap();
    assert!((49_900.0..50_100.0).contains(&p99_us), "{p99_us}");
}

fn written(folder: &Path) -> PathBuf {
    let mut store = Store::create(folder, "one").unwrap();
    store.append(&Line::Plan(plan("one"))).unwrap();
    let machine = Machine::describe("one", "2026-01-01T00:00:00Z", Path::new(".")).unwrap();
    store.append(&Line::Machine(Box::new(machine))).unwrap();
    for block in 0..8 {
        store
            .append(&Line::Launch(Box::new(launch(
                "one",
                Workload::Baseline,
                block,
            ))))
            .unwrap();
    }
    store.path().to_owned()
}

#[test]
fn what_was_written_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let found = store::read(&written(folder.path())).unwrap();
    assert_eq!(found.torn_bytes, 0);
    assert_eq!(
        found.record.launches,
        record("one", (0..8).map(|block| (Workload::Baseline, block))).launches
    );
    assert_eq!(found.record.machines.len(), 1);
}

/// Opens a record that nobody writes to. Another test may have forked while this one had it open; its child holds the lock
/// until it execs.
fn resumed(path: &Path) -> (Store, Record) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match Store::resume(path) {
            Ok(resumed) => return resumed,
            Err(error) => assert!(Instant::now() < deadline, "{error:#}"),
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_kill_at_any_byte_of_the_last_line_costs_that_line_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path());
    let whole = std::fs::read(&path).unwrap();
    let last = whole[..whole.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .unwrap()
        + 1;
    for length in [
        last,
        last + 1,
        last + (whole.len() - last) / 2,
        whole.len() - 1,
    ] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let found = store::read(&path).unwrap();
        assert_eq!(
            (found.record.launches.len(), found.torn_bytes as usize),
            (7, length - last)
        );
        let (mut store, _) = resumed(&path);
        store
            .append(&Line::Launch(Box::new(launch(
                "one",
                Workload::Baseline,
                7,
            ))))
            .unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), whole);
    }
}

#[test]
fn an_unreadable_line_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path());
    let text = std::fs::read_to_string(&path).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    for (line, contents) in [
        (1, String::new()),
        (1, format!("{rest}\n")),
        (
            3,
            format!(
                "{}\n{{\"launch\":{{}}}}\n",
                text.lines().take(2).collect::<Vec<_>>().join("\n")
            ),
        ),
        (2, format!("{first}\nnonsense\n")),
        (3, text.replacen("\"latency\":\"", "\"latency\":\"????", 1)),
        (3, text.replacen("\"latency\":\"", "\"latency\":\"AAAA", 1)),
        (1, text.replacen("\"schema\":1", "\"schema\":99", 1)),
        (2, format!("{first}\n{first}\n")),
    ] {
        std::fs::write(&path, &contents).unwrap();
        let error = format!("{:#}", store::read(&path).unwrap_err());
        let names_line = error.contains(&format!("line {line} of {}", path.display()));
        assert!(
            names_line || contents.is_empty() && error.contains("holds no plan"),
            "{error}"
        );
    }
}

#[test]
fn two_campaigns_do_not_write_to_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path());
    let first = Store::resume(&path).unwrap();
    let error = format!("{:#}", Store::resume(&path).unwrap_err());
    assert!(error.contains("another campaign is writing"), "{error}");
    drop(first);
    resumed(&path);
}

#[test]
fn a_file_with_a_torn_tail_can_still_be_appended_to_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path());
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap();
    file.write_all(b"{\"launch\":").unwrap();
    assert_eq!(resumed(&path).1.launches.len(), 8);
    assert_eq!(store::read(&path).unwrap().torn_bytes, 0);
}

#[test]
fn a_table_shows_ratios_floors_and_invalid_cells_in_every_format() {
    let mut record = record("one", (0..8).map(|block| (Workload::Baseline, block)));
    let sheet = Sheet::of(&record).unwrap();
    let row = &sheet.blocks[0].rows[1];
    let (ratio, floor) = (
        row.cpu_log_ratio_to_first.unwrap().exp(),
        row.cpu_ratio_to_floor.unwrap(),
    );
    assert!(
        (ratio - 1.1).abs() < 1e-3 && (floor - 2.2).abs() < 1e-2,
        "{ratio} {floor}"
    );
    assert!(row.cpu_log_ratio_interval.unwrap().low > 1.09_f64.ln());
    assert!(!sheet.has_invalid() && sheet.blocks[1].launches == 0);

    record.launches.values_mut().next().unwrap().arms[1].wrong = 3;
    let sheet = Sheet::of(&record).unwrap();
    assert!(sheet.has_invalid());
    let text = sheet.print(Format::Text).unwrap();
    assert!(
        text.contains("epoll+flat+system!") && text.contains("is INVALID: 3 wrong answers"),
        "{text}"
    );
    assert!(
        text.contains("json, 0 launches") && text.contains("no launch yet"),
        "{text}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 120),
        "{text}"
    );
    assert!(sheet.print(Format::Md).unwrap().contains("| epoll+floor |"));
    let csv = sheet.print(Format::Csv).unwrap();
    assert!(
        csv.lines().nth(2).unwrap().ends_with(",3 wrong answers"),
        "{csv}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&sheet.print(Format::Json).unwrap()).unwrap();
    assert_eq!(
        json["blocks"][0]["rows"][1]["invalid"][0]["reason"],
        "wrong-answers"
    );
}

#[test]
fn a_noisy_machine_makes_the_wall_clock_advisory() {
    let mut record = record("one", (0..8).map(|block| (Workload::Baseline, block)));
    assert!(
        !Sheet::of(&record)
            .unwrap()
            .print(Format::Text)
            .unwrap()
            .contains("req/s*")
    );
    record
        .launches
        .values_mut()
        .for_each(|launch| launch.quiet.state = MachineState::Noisy);
    let text = Sheet::of(&record).unwrap().print(Format::Text).unwrap();
    assert!(
        text.contains("req/s*") && text.contains("* advisory"),
        "{text}"
    );
}

#[test]
fn a_busy_client_marks_the_wall_clock_and_leaves_the_cell_valid() {
    let mut record = record("one", (0..8).map(|block| (Workload::Baseline, block)));
    for launch in record.launches.values_mut() {
        let busy = |slice: &mut Slice| slice.client_cpu_ns = slice.elapsed_ns / 100 * 97;
        launch.arms[1].slices.iter_mut().for_each(busy);
    }
    let sheet = Sheet::of(&record).unwrap();
    assert!(!sheet.has_invalid());
    let text = sheet.print(Format::Text).unwrap();
    let limited: Vec<&str> = text.lines().filter(|line| line.contains('†')).collect();
    assert_eq!(limited.len(), 2, "{text}");
    assert!(
        limited[0].starts_with("epoll+flat+system ") && limited[0].matches('†').count() == 4,
        "{text}"
    );
    assert!(
        limited[1].starts_with("† client-limited: the client was busy for 97 %"),
        "{text}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 120),
        "{text}"
    );
    assert!(
        sheet
            .print(Format::Md)
            .unwrap()
            .contains("\n- † client-limited")
    );
    let csv = sheet.print(Format::Csv).unwrap();
    let cells: Vec<&str> = csv.lines().nth(2).unwrap().split(",0.97,").collect();
    assert!(cells[1].contains("client-limited"), "{csv}");
    let json: serde_json::Value =
        serde_json::from_str(&sheet.print(Format::Json).unwrap()).unwrap();
    let row = &json["blocks"][0]["rows"][1];
    assert_eq!(row["limits"][0]["limit"], "client-busy");
    assert_eq!(row["invalid"], serde_json::json!([]));
    assert_eq!(row["client_share"], 0.97);
}

/// Records made when a busy client was a reason keep it in a field of that name, and have no label.
#[test]
fn a_record_from_before_labels_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path());
    let label = r#""label":{"client_share":null,"invalid":[],"limits":[]}"#;
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(label));
    let before = r#""invalid":[{"reason":"client-busy","share":0.97}]"#;
    std::fs::write(&path, text.replace(label, before)).unwrap();
    let found = store::read(&path).unwrap();
    assert!(!Sheet::of(&found.record).unwrap().has_invalid());
}

#[test]
fn a_design_of_another_revision_and_a_peer_are_no_points_on_the_axes() {
    let plan = plan("a");
    assert!(plan.values_of("epoll+split+system").is_some());
    for name in ["abc1234:epoll+split+system", "epoll+floor", "/before+x"] {
        assert_eq!(plan.values_of(name), None, "{name}");
    }
}
