//! Who beats whom, and what is said where nobody can tell.

use orthant_matrix::axes::Coverage;
use orthant_matrix::machine::Quiet;
use orthant_matrix::record::Record;
use orthant_matrix::sheet::{Front, Place, View};
use orthant_matrix::table::Format;
use orthant_matrix::verdict::{MachineState, Metric};
use orthant_matrix::workload::Workload;

use super::sweep::swept;

const BOTH: [Metric; 2] = [Metric::CpuPerRequest, Metric::Memory];

fn front(record: &Record, objectives: &[Metric]) -> Front {
    let mut view = View::of_front(record, Some(Workload::Baseline), objectives).unwrap();
    view.workloads.remove(0).found
}

/// A sweep in which `change` moves the cost of every design in every launch: name, launch, nanoseconds, bytes.
fn changed(change: impl Fn(&str, u32, &mut u64, &mut u64)) -> Record {
    let mut record = swept(Coverage::Full);
    for launch in record.launches.values_mut() {
        for seen in &mut launch.arms {
            let bytes = &mut seen.memory.as_mut().unwrap().private_bytes;
            for slice in &mut seen.slices {
                change(&seen.name, launch.block, &mut slice.server_cpu_ns, bytes);
            }
        }
    }
    record
}

#[test]
fn a_difference_within_the_noise_is_open_and_one_beyond_it_is_not() {
    // epoll+split has 3 % less memory than epoll+flat and looks cheaper, by 1 % with a noise of 4 %.
    let noise = [9, -4, 7, -3, 8, -6, 6, -9];
    let record = changed(|name, block, cpu_ns, bytes| {
        if name == "epoll+split" {
            *cpu_ns = (*cpu_ns as f64 * (0.99 + 0.005 * f64::from(noise[block as usize]))) as u64;
            *bytes = 97 << 20;
        } else if name == "epoll+flat" {
            *bytes = 100 << 20;
        }
    });
    let found = front(&record, &BOTH);
    let split = || "epoll+split".to_owned();
    assert_eq!(found.place("epoll+split"), Some(&Place::Unbeaten));
    assert_eq!(found.place("epoll+flat"), Some(&Place::Open(split())));
    let record = changed(|name, _, _, bytes| match name {
        "epoll+split" => *bytes = 97 << 20,
        "epoll+flat" => *bytes = 100 << 20,
        _ => {}
    });
    let found = front(&record, &BOTH);
    assert_eq!(found.place("epoll+flat"), Some(&Place::Beaten(split())));
}

#[test]
fn a_difference_below_the_margin_beats_nobody() {
    let record = changed(|name, _, _, bytes| match name {
        "epoll+split" => *bytes = 99 << 20,
        "epoll+flat" => *bytes = 100 << 20,
        _ => {}
    });
    let found = front(&record, &BOTH);
    assert!(matches!(found.place("epoll+flat"), Some(Place::Open(_))));
}

#[test]
fn too_few_launches_and_a_silent_metric_beat_nobody_and_say_why() {
    let mut few = swept(Coverage::Full);
    few.launches.retain(|(_, _, block), _| *block < 5);
    let found = front(&few, &BOTH);
    let is_beaten = |front: &Front| {
        let mut designs = front.designs.iter();
        designs.any(|design| matches!(design.place, Place::Beaten(_)))
    };
    assert!(!is_beaten(&found) && found.notes[0].starts_with("fewer than 6 launches"));
    assert!(is_beaten(&front(
        &swept(Coverage::Full),
        &[Metric::Memory, Metric::Throughput]
    )));
    let mut noisy = swept(Coverage::Full);
    let make_noisy = |quiet: &mut Quiet| quiet.state = MachineState::Noisy;
    noisy
        .launches
        .values_mut()
        .for_each(|launch| make_noisy(&mut launch.quiet));
    let found = front(&noisy, &[Metric::Memory, Metric::Throughput]);
    assert!(!is_beaten(&found) && found.notes[0].starts_with("throughput has no say"));
    assert!(is_beaten(&front(&noisy, &BOTH)));
}

#[test]
fn effects_and_fronts_are_shown_of_any_metric_in_every_format() {
    let record = swept(Coverage::Full);
    let effects = View::of_effects(&record, None, Metric::Memory).unwrap();
    let text = effects.print(Format::Text).unwrap();
    assert!(
        text.contains("baseline, effects of the axes on memory: 4 designs, 8 launches"),
        "{text}"
    );
    // The geometric mean of 9 and 1 MiB is 3.
    assert!(text.contains("flat  3.000 [3.000, 3.000]"), "{text}");
    let csv = effects.print(Format::Csv).unwrap();
    assert!(
        csv.contains("\r\nbuffers,flat,baseline,4,8,") && csv.contains(",memory,"),
        "{csv}"
    );
    let view = View::of_front(&record, None, &BOTH).unwrap();
    let text = view.print(Format::Text).unwrap();
    assert!(
        text.contains("uring+flat         10.9         9.00  by epoll+split"),
        "{text}"
    );
    let json: serde_json::Value = serde_json::from_str(&view.print(Format::Json).unwrap()).unwrap();
    assert_eq!(json["workloads"][0]["designs"][0]["standing"], "unbeaten");
    let csv = view.print(Format::Csv).unwrap();
    assert!(
        csv.contains("baseline,epoll+split,memory,1048576,unbeaten,\r\n"),
        "{csv}"
    );
    let error = View::of_front(&record, Some(Workload::Json), &BOTH).unwrap_err();
    assert!(format!("{error:#}").contains("it has baseline; `cargo matrix sweep -w json`"));
}
