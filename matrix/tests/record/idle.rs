//! The table of idle connections over readings that lie on a line.

use orthant_matrix::machine::KernelMemory;
use orthant_matrix::process::{End, Memory};
use orthant_matrix::record::{Idle, IdlePoint, Record};
use orthant_matrix::sheet::IdleSheet;
use orthant_matrix::table::Format;

use super::plan;

/// A start whose server takes 2 MiB and `user` bytes per connection, the kernel 50 MiB and `kernel` bytes.
pub(crate) fn start(arm: Option<usize>, block: u32, user: u64, kernel: u64) -> Idle {
    let point = |connections: u32| {
        let private_bytes = (2 << 20) + user * u64::from(connections);
        let memory = Memory {
            private_bytes,
            resident_bytes: private_bytes,
            peak_bytes: private_bytes,
            rings_bytes: None,
            cgroup_bytes: None,
        };
        IdlePoint {
            connections,
            memory: arm.map(|_| memory),
            kernel: Some(KernelMemory {
                slab_bytes: (50 << 20) + kernel * u64::from(connections),
                socket_bytes: 4096,
            }),
        }
    };
    Idle {
        campaign: "one".to_owned(),
        block,
        arm,
        started: "2026-01-01T00:00:00Z".to_owned(),
        server_cpu: 0,
        client_cpu: 1,
        points: [16, 256, 4_096].map(point).into(),
        end: End::Stopped,
        failure: None,
    }
}

pub(crate) fn record(starts: impl IntoIterator<Item = Idle>) -> Record {
    let mut plan = plan("one");
    plan.command = "idle".to_owned();
    plan.workloads = Vec::new();
    plan.idle = vec![16, 256, 4_096];
    let mut record = Record::new(plan);
    starts
        .into_iter()
        .for_each(|start| record.add_idle(start).unwrap());
    record
}

fn close(found: Option<f64>, expected: f64) -> bool {
    (found.unwrap() - expected).abs() < 1e-6
}

#[test]
fn a_line_is_found_and_our_own_end_is_taken_off() {
    let arms = (0..3).map(|block| start(Some(0), block, 4_000 + 100 * u64::from(block), 7_000));
    let record = record(arms.chain([start(None, 0, 0, 6_000)]));
    let sheet = IdleSheet::of(&record);
    let row = &sheet.rows[0];
    assert!(close(row.base_mib, 2.0) && row.starts == 3, "{row:?}");
    let bytes =
        |slope: Option<orthant_matrix::sheet::Slope>| slope.map(|slope| slope.bytes_per_connection);
    assert!(
        close(bytes(row.user), 4_100.0),
        "the median of the starts: {row:?}"
    );
    assert!(row.user.unwrap().off_bytes_max < 1e-3, "{row:?}");
    assert!(
        close(row.full_mib, 2.0 + 4_100.0 * 4_096.0 / 1_048_576.0),
        "{row:?}"
    );
    assert!(
        close(bytes(row.kernel_both_ends), 7_000.0) && close(bytes(row.kernel), 4_000.0),
        "{row:?}"
    );
    assert!(close(bytes(row.socket), 0.0), "{row:?}");
    assert!(sheet.rows[1].user.is_none() && !sheet.has_invalid());
    let text = sheet.print(Format::Text).unwrap();
    assert!(
        text.lines().all(|line| line.chars().count() <= 140),
        "{text}"
    );
    assert!(
        text.contains("MiB at 4096") && text.contains("6000 bytes"),
        "{text}"
    );
    assert!(text.contains("epoll+flat+system        n/a"), "{text}");
}

#[test]
fn without_bare_pairs_the_kernel_is_not_available() {
    let sheet = IdleSheet::of(&record([start(Some(1), 0, 4_000, 7_000)]));
    let row = &sheet.rows[1];
    assert!(row.kernel.is_none() && row.kernel_both_ends.is_some());
    assert!(sheet.print(Format::Md).unwrap().contains("- kernel is n/a"));
}

#[test]
fn a_start_that_broke_off_is_shown_with_its_reason() {
    let mut broken = start(Some(2), 1, 4_000, 7_000);
    broken.failure = Some("failed to use idle connection 7 of 9".to_owned());
    let sheet = IdleSheet::of(&record([start(Some(2), 0, 4_000, 7_000), broken]));
    assert!(sheet.has_invalid());
    let text = sheet.print(Format::Text).unwrap();
    assert!(text.contains("epoll+floor! "), "{text}");
    assert!(
        text.contains("! epoll+floor is INVALID: failed to use idle connection 7 of 9"),
        "{text}"
    );
    assert!(sheet.print(Format::Csv).unwrap().contains("7 of 9\r\n"));
}

#[test]
fn starts_merge_like_launches() {
    let one = || record([start(Some(0), 0, 4_000, 7_000)]);
    let other = || record([start(Some(0), 1, 4_000, 7_000), start(None, 0, 0, 6_000)]);
    let both = one().merge(other()).unwrap();
    assert_eq!(both.idle.len(), 3);
    assert_eq!(other().merge(one()).unwrap(), both);
    assert_eq!(both.clone().merge(one()).unwrap(), both);
    let edited = record([start(Some(0), 0, 4_001, 7_000)]);
    assert!(
        one()
            .merge(edited)
            .unwrap_err()
            .to_string()
            .contains("different contents")
    );
}
