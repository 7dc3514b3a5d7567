//! What stands behind the table of a sweep: effects and unbeaten designs.

use std::path::PathBuf;

use orthant_matrix::axes::Coverage;
use orthant_matrix::record::{LeftOut, Plan, PlannedArm, Record};
use orthant_matrix::sheet::Sheet;
use orthant_matrix::table::Format;
use orthant_matrix::workload::Workload;

use super::{launch, observation, plan};

/// Eight launches of a sweep in which `uring` costs 5 % more than `epoll` and `flat` needs 9 MiB, `split` 1 MiB.
pub(crate) fn swept(coverage: Coverage) -> Record {
    let names = [
        "epoll+flat",
        "epoll+split",
        "uring+flat",
        "uring+split",
        "uring+floor",
    ];
    let mut plan = plan("one");
    plan.axes = ["backend", "buffers"].map(str::to_owned).into();
    plan.coverage = coverage;
    plan.workloads = vec![Workload::Baseline];
    plan.arms = names
        .map(|name| PlannedArm {
            name: name.to_owned(),
            path: PathBuf::from("/designs").join(name),
            commit: None,
            command: None,
            sha256: "00".to_owned(),
            announced: None,
            is_floor: name.ends_with("floor"),
            arguments: Vec::new(),
        })
        .into();
    let mut record = Record::new(plan);
    for block in 0..8 {
        let mut launch = launch("one", Workload::Baseline, block);
        launch.arms = names
            .map(|name| {
                let cost_ns = 10_000 + 100 * u64::from(block);
                let cost_ns = if name.starts_with("uring") {
                    cost_ns * 105 / 100
                } else {
                    cost_ns
                };
                let mut seen = observation(name, cost_ns);
                let mib = if name.ends_with("flat") { 9 } else { 1 };
                seen.memory.as_mut().unwrap().private_bytes = mib << 20;
                seen
            })
            .into();
        launch.start_order = (0..5).collect();
        record.add(launch).unwrap();
    }
    record
}

#[test]
fn a_sweep_ends_with_effects_and_unbeaten_designs_in_every_format() {
    let sheet = Sheet::of(&swept(Coverage::Full)).unwrap();
    let effects = sheet.blocks[0].effects.as_ref().unwrap();
    assert_eq!((effects.designs, effects.launches), (4, 8));
    let uring = &effects.axes[0].values[1];
    assert!(
        (uring.log_factor - 1.05_f64.ln() / 2.0).abs() < 1e-4,
        "{uring:?}"
    );
    let interval = uring.log_factor_interval.unwrap();
    assert!(interval.low > 0.02 && interval.high < 0.03, "{interval:?}");
    assert!(
        effects.axes[1].share.unwrap() < 1e-9 && effects.notes.is_empty(),
        "{effects:?}"
    );
    let text = sheet.print(Format::Text).unwrap();
    let lines = ["backend", "uring  1.025 [1.025, 1.025]", "launches", "rest"];
    assert!(lines.iter().all(|line| text.contains(line)), "{text}");
    // flat needs more memory and no less CPU time, uring costs more CPU time and no less memory.
    let (_, unbeaten) = text
        .split_once("baseline, not beaten by another design in CPU per request and memory\n")
        .unwrap();
    assert!(
        unbeaten.starts_with(
            "design       CPU µs/req  private MiB  beaten\nepoll+split        10.3         1.00      no\n"
        ),
        "{unbeaten}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 120),
        "{text}"
    );
    let markdown = sheet.print(Format::Md).unwrap();
    assert!(
        markdown.contains("|  |  | uring | 1.025 [1.025, 1.025] |\n"),
        "{markdown}"
    );
    assert!(
        markdown.contains("| epoll+split | 10.3 | 1.00 | no |\n"),
        "{markdown}"
    );
    let csv = sheet.print(Format::Csv).unwrap();
    assert_eq!(csv.matches(",unbeaten,").count(), 1, "{csv}");
    assert_eq!(csv.matches(",beaten,").count(), 3, "{csv}");
    let (_, effects) = csv.split_once("\r\n\r\naxis,value,").unwrap();
    assert!(effects.contains("\r\nbackend,uring,baseline,4,8,"), "{csv}");
    let json: serde_json::Value =
        serde_json::from_str(&sheet.print(Format::Json).unwrap()).unwrap();
    let block = &json["blocks"][0];
    assert_eq!(block["front"]["designs"][0]["design"], "epoll+split");
    assert_eq!(block["front"]["designs"][0]["standing"], "unbeaten");
    assert_eq!(block["front"]["designs"][1]["by"], "epoll+split");
    assert_eq!(block["effects"]["axes"][0]["values"][1]["name"], "uring");
}

#[test]
fn a_brief_sheet_keeps_what_a_document_needs() {
    let mut record = swept(Coverage::Full);
    let names = |sheet: &Sheet| -> Vec<String> {
        let rows = sheet.blocks[0].rows.iter();
        rows.map(|row| row.design.clone()).collect()
    };
    let sheet = Sheet::of(&record).unwrap();
    let effects = sheet.blocks[0].effects.clone();
    let brief = sheet.brief();
    assert_eq!(names(&brief), ["epoll+flat", "epoll+split", "uring+floor"]);
    assert_eq!(brief.blocks[0].effects, effects);
    let text = brief.print(Format::Text).unwrap();
    assert!(text.contains("of them quiet; 3 of 5 rows\n"), "{text}");
    // An invalid cell is never out of sight.
    record.launches.values_mut().next().unwrap().arms[3].wrong = 1;
    let brief = Sheet::of(&record).unwrap().brief();
    assert_eq!(
        names(&brief),
        ["epoll+flat", "epoll+split", "uring+split", "uring+floor"]
    );
    assert!(brief.has_invalid());
    // Where nobody looked for what no other beats, nothing goes.
    record
        .plans
        .values_mut()
        .for_each(|plan| plan.command = "run".to_owned());
    assert_eq!(Sheet::of(&record).unwrap().brief().blocks[0].rows.len(), 5);
}

#[test]
fn effects_do_without_a_value_that_is_incomplete_and_say_so() {
    let mut record = swept(Coverage::Full);
    record.launches.values_mut().next().unwrap().arms[3].wrong = 1;
    let sheet = Sheet::of(&record).unwrap();
    let effects = sheet.blocks[0].effects.as_ref().unwrap();
    assert_eq!(effects.designs, 2);
    assert_eq!(
        effects.notes,
        [
            "effects without buffers split; missing of its 2 designs: 1 without valid figures (uring+split)"
        ]
    );
    let front = sheet.blocks[0].front.as_ref().unwrap();
    assert_eq!(front.place("uring+split"), None);

    // With pairs only nothing is complete, and the rest still tells the values apart.
    record
        .plans
        .values_mut()
        .for_each(|plan| plan.coverage = Coverage::Pairwise);
    let sheet = Sheet::of(&record).unwrap();
    let effects = sheet.blocks[0].effects.as_ref().unwrap();
    assert_eq!((effects.designs, effects.axes.len()), (3, 2));
    assert!(effects.rest_share.is_none() && effects.notes[1].contains("least squares"));
    assert_eq!(
        effects.notes[0],
        "missing in the effects: 1 without valid figures (uring+split)"
    );

    // Three invalid cells of four.
    for arm in [0, 1] {
        record.launches.values_mut().next().unwrap().arms[arm].wrong = 1;
    }
    let sheet = Sheet::of(&record).unwrap();
    let effects = sheet.blocks[0].effects.as_ref().unwrap();
    assert!(effects.axes.is_empty() && effects.notes[0].starts_with("no effects"));
    assert!(
        effects.notes[0]
            .ends_with("missing: 3 without valid figures (epoll+flat, epoll+split, uring+split)"),
        "{effects:?}"
    );
}

#[test]
fn notes_tell_why_a_design_is_missing() {
    let note = |change: &dyn Fn(&mut Plan)| {
        let mut record = swept(Coverage::Full);
        record.plans.values_mut().for_each(change);
        let sheet = Sheet::of(&record).unwrap();
        sheet.blocks[0].effects.as_ref().unwrap().notes.clone()
    };
    let left_out = |name: &str| LeftOut {
        name: name.to_owned(),
        reason: "refused".to_owned(),
    };
    assert_eq!(
        note(&|plan| plan.left_out = vec![left_out("glommio+flat"), left_out("glommio+split")]),
        [
            "effects without backend glommio; missing of its 2 designs: 2 that cannot run on this machine (glommio+flat, \
             glommio+split)"
        ]
    );
    // Nobody asked for the other one, or the axes exclude it.
    assert_eq!(
        note(&|plan| plan.left_out = vec![left_out("glommio+flat")]),
        [
            "effects without backend glommio; missing of its 2 designs: 1 that cannot run on this machine (glommio+flat), \
             1 that this sweep does not have (glommio+split)"
        ]
    );
}

#[test]
fn a_sweep_from_before_axes_were_kept_still_has_effects() {
    let mut record = swept(Coverage::Full);
    record.plans.values_mut().for_each(|plan| plan.axes.clear());
    let sheet = Sheet::of(&record).unwrap();
    let effects = sheet.blocks[0].effects.as_ref().unwrap();
    assert_eq!(
        (effects.designs, effects.axes[1].name.as_str()),
        (4, "axis 2")
    );
}
