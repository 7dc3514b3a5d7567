//! Writes records of a sweep, a comparison, idle connections, a soak and counts with made-up figures into a folder, so that whoever reads what is
//! made of records has something to read: every verdict, a cell that does not count, a name full of other people's signs.
//!
//! Nothing is measured; no figure in them says anything about a server.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use orthant_matrix::axes::Coverage;
use orthant_matrix::machine::{KernelMemory, Machine, Quiet};
use orthant_matrix::process::{End, Memory};
use orthant_matrix::record::{
    AllocationSpan, Budget, Comparison, Count, Counts, Epoch, Idle, IdlePoint, Latency, Launch,
    LeftOut, Line, Observation, Plan, PlannedArm, Rate, SCHEMA, SegmentBegin, SegmentEnd, Settings,
    Slice, Soak, Source, Span, SyscallSpan,
};
use orthant_matrix::store::Store;
use orthant_matrix::validity::Label;
use orthant_matrix::verdict::{MachineState, Metric, Roles, Rules};
use orthant_matrix::workload::Workload;

const STARTED: &str = "2026-01-01T00:00:00Z";

/// A name that is a path, as an executable's may be: it must be text wherever it stands.
const EVIL: &str = "./a b/<script>alert(1)</script>&\"'|,\u{1}ü";

const SETTINGS: Settings = Settings {
    launches: 8,
    rounds: 10,
    slice_ms: 25,
    connections: 64,
    requests_per_s: None,
};

const QUIET: Quiet = Quiet {
    foreign_share: 0.01,
    steal_share: 0.0,
    state: MachineState::Quiet,
};

fn main() -> Result<()> {
    let folder = std::env::args_os()
        .nth(1)
        .context("usage: records FOLDER")?;
    let folder = Path::new(&folder);
    sweep(folder)?;
    compare(folder)?;
    idle(folder)?;
    soak(folder)?;
    count(folder)
}

fn plan(command: &str, arms: &[&str]) -> Plan {
    let arm = |name: &&str| PlannedArm {
        name: (*name).to_owned(),
        path: PathBuf::from("/designs").join(name),
        commit: None,
        command: None,
        sha256: "00".repeat(32),
        announced: Some((*name).to_owned()),
        is_floor: name.ends_with("+floor"),
        arguments: Vec::new(),
    };
    Plan {
        schema: SCHEMA,
        campaign: format!("20260101T000000Z-{command}-7"),
        command: command.to_owned(),
        seed: 7,
        arms: arms.iter().map(arm).collect(),
        left_out: Vec::new(),
        workloads: vec![Workload::Baseline, Workload::Pipelined],
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

fn begun(folder: &Path, plan: &Plan) -> Result<Store> {
    let mut store = Store::create(folder, &plan.campaign)?;
    store.append(&Line::Plan(plan.clone()))?;
    let machine = Machine::describe(&plan.campaign, STARTED, Path::new("."))?;
    store.append(&Line::Machine(Box::new(machine)))?;
    Ok(store)
}

fn sweep(folder: &Path) -> Result<()> {
    let names = [
        "epoll+flat+system",
        "epoll+split+system",
        "uring+flat+system",
        "uring+split+system",
        "epoll+floor",
        "uring+floor",
    ];
    let mut plan = plan("sweep", &names);
    plan.left_out = vec![LeftOut {
        name: "monoio+flat+system".to_owned(),
        reason: "this machine cannot run it".to_owned(),
    }];
    let mut store = begun(folder, &plan)?;
    let figures = [
        (5_700, 5),
        (5_750, 2),
        (5_400, 6),
        (5_380, 3),
        (5_500, 1),
        (5_300, 1),
    ];
    for block in 0..SETTINGS.launches {
        for workload in plan.workloads.clone() {
            let mut made = launch(&plan, workload, block, &figures)?;
            if workload == Workload::Pipelined && block == 3 {
                made.arms[1].wrong = 2;
                made.arms[1].first_wrong = Some("got HTTP/1.1 500 <Oops>\r\n".to_owned());
            }
            store.append(&Line::Launch(Box::new(made)))?;
        }
    }
    Ok(())
}

/// Better in CPU under one workload, worse in memory under the other; counted beside, with as many allocations: none.
fn compare(folder: &Path) -> Result<()> {
    let mut plan = plan("compare", &["epoll+split+system", EVIL, "epoll+floor"]);
    let rules = Rules::from(Roles::new(Metric::CpuPerRequest, &[]));
    plan.comparison = Some(Comparison {
        max_minutes: None,
        rules: plan
            .workloads
            .iter()
            .map(|workload| (*workload, rules.clone()))
            .collect(),
    });
    plan.counts = Counts::Beside;
    let mut store = begun(folder, &plan)?;
    for workload in plan.workloads.clone() {
        for arm in 0..2 {
            let counted = counted(&plan, workload, arm, 0);
            store.append(&Line::Count(Box::new(counted)))?;
        }
    }
    for block in 0..SETTINGS.launches {
        let better = [(5_700, 4), (5_100, 4), (5_000, 1)];
        let worse = [(400, 4), (401, 9), (350, 1)];
        for (workload, figures) in [(Workload::Baseline, better), (Workload::Pipelined, worse)] {
            let made = launch(&plan, workload, block, &figures)?;
            store.append(&Line::Launch(Box::new(made)))?;
        }
    }
    Ok(())
}

/// Each arm by its nanoseconds of CPU time per request and its MiB.
fn launch(plan: &Plan, workload: Workload, block: u32, figures: &[(u64, u64)]) -> Result<Launch> {
    let arms = plan.arms.iter().zip(figures).enumerate();
    let observation = |(place, (arm, (cpu_ns, mib))): (usize, (&PlannedArm, &(u64, u64)))| {
        // A wave of its own for each arm, a trend for all of them.
        let wave = u64::from((block * 7 + place as u32 * 3) % 5);
        observation(
            &arm.name,
            cpu_ns + cpu_ns * (wave + u64::from(block)) / 500,
            *mib,
            wave,
        )
    };
    Ok(Launch {
        campaign: plan.campaign.clone(),
        workload,
        block,
        started: STARTED.to_owned(),
        server_cpu: 0,
        client_cpu: 1,
        start_order: (0..figures.len()).collect(),
        quiet: QUIET,
        arms: arms.map(observation).collect::<Result<_>>()?,
    })
}

fn observation(name: &str, cpu_ns: u64, mib: u64, wave: u64) -> Result<Observation> {
    let slice = |round| Slice {
        round,
        position: 0,
        requests: 1_600,
        elapsed_ns: 25_000_000,
        server_cpu_ns: 1_600 * cpu_ns,
        client_cpu_ns: 12_000_000,
        in_flight_requests: 64.0,
    };
    // 16,000 response times of 1 ms in the mean, with a long tail.
    let mut latency = Latency::empty();
    for (us, count) in [
        (700, 8_000),
        (1_100, 7_000),
        (1_700, 840),
        (3_700, 150),
        (20_000 + 1_000 * wave, 10),
    ] {
        latency
            .0
            .record_n(us * 1_000, count)
            .context("failed to record a response time")?;
    }
    Ok(Observation {
        name: name.to_owned(),
        warmup_slices: 8,
        slices: (0..SETTINGS.rounds).map(slice).collect(),
        operations: 0,
        wrong: 0,
        first_wrong: None,
        unanswered: 0,
        statuses: BTreeMap::from([(200, 16_000)]),
        connections_open: SETTINGS.connections,
        reconnects: 0,
        late_sends: 0,
        received_bytes: 1_056_000,
        sent_bytes: 640_000,
        latency,
        service: None,
        memory: Some(memory((mib << 20) + 4_096 * wave)),
        events: None,
        end: End::Stopped,
        failure: None,
        label: Label::default(),
    })
}

fn memory(private_bytes: u64) -> Memory {
    Memory {
        private_bytes,
        resident_bytes: private_bytes + (2 << 20),
        peak_bytes: private_bytes + (2 << 20),
        rings_bytes: None,
        cgroup_bytes: None,
    }
}

fn idle(folder: &Path) -> Result<()> {
    let mut plan = plan("idle", &["epoll+split+system", "uring+split+system"]);
    plan.workloads = Vec::new();
    plan.idle = vec![16, 256, 1_024];
    let mut store = begun(folder, &plan)?;
    for block in 0..3 {
        for arm in [Some(0), Some(1), None] {
            let bytes = 4_000 + 800 * arm.unwrap_or(0) as u64 + 10 * u64::from(block);
            let point = |connections: &u32| IdlePoint {
                connections: *connections,
                memory: arm.map(|_| memory((2 << 20) + bytes * u64::from(*connections))),
                kernel: Some(KernelMemory {
                    slab_bytes: (50 << 20) + 7_000 * u64::from(*connections),
                    socket_bytes: 4_096,
                }),
            };
            store.append(&Line::Idle(Idle {
                campaign: plan.campaign.clone(),
                block,
                arm,
                started: STARTED.to_owned(),
                server_cpu: 0,
                client_cpu: 1,
                points: plan.idle.iter().map(point).collect(),
                end: End::Stopped,
                failure: None,
            }))?;
        }
    }
    Ok(())
}

/// Memory grows by a page in 40 s.
fn soak(folder: &Path) -> Result<()> {
    let mut plan = plan("soak", &["epoll+split+system"]);
    plan.workloads = vec![Workload::Baseline];
    let mut store = begun(folder, &plan)?;
    store.append(&Line::Soak(Soak {
        epochs: 300,
        rate: Rate::PerS(1_000.0),
        budget: Budget::default(),
    }))?;
    store.append(&Line::SegmentBegin(SegmentBegin {
        segment: 0,
        started: STARTED.to_owned(),
        server_cpu: 0,
        client_cpu: 1,
        capacity_requests_per_s: Some(2_000.0),
        requests_per_s: 1_000.0,
    }))?;
    for second in 1..=300 {
        store.append(&Line::Epoch(Box::new(epoch(second)?)))?;
    }
    store.append(&Line::SegmentEnd(SegmentEnd {
        end: End::Stopped,
        failure: None,
        quiet: QUIET,
    }))
}

fn epoch(second: u64) -> Result<Epoch> {
    let mut latency = Latency::empty();
    for (us, count) in [(90, 500), (120, 480), (400 + second % 7 * 30, 20)] {
        let recorded = latency.0.record_n(us * 1_000, count);
        recorded.context("failed to record a response time")?;
    }
    Ok(Epoch {
        at_ms: second * 1_000,
        requests: 1_000,
        elapsed_ns: 1_000_000_000 + second % 5 * 1_000_000,
        server_cpu_ns: 5_000_000,
        client_cpu_ns: 9_000_000,
        wrong: 0,
        unanswered: 0,
        first_wrong: None,
        late_sends: 0,
        connections_open: SETTINGS.connections,
        latency,
        memory: Some(memory((8 << 20) + second / 40 * 4_096)),
        kernel: None,
        events: None,
        syscalls: Some(2_000),
    })
}

/// Two arms: one cannot be run by valgrind, and has a wrong answer under the second workload.
fn count(folder: &Path) -> Result<()> {
    let mut plan = plan("count", &["epoll+split+system", "uring+split+system"]);
    plan.counts = Counts::Alone;
    let mut store = begun(folder, &plan)?;
    for workload in plan.workloads.clone() {
        for arm in 0..2 {
            let mut counted = counted(&plan, workload, arm, 50);
            if arm == 1 {
                counted.instructions = Source::Missing("valgrind cannot run it".to_owned());
            }
            if arm == 1 && workload == Workload::Pipelined {
                counted.wrong = vec!["3 wrong answers".to_owned()];
            }
            store.append(&Line::Count(Box::new(counted)))?;
        }
    }
    Ok(())
}

/// Two spans of 100 requests with so many allocations in each.
fn counted(plan: &Plan, workload: Workload, arm: usize, allocations: u64) -> Count {
    let calls = [("recvfrom", 100), ("sendto", 100), ("epoll_wait", 5)];
    let calls: BTreeMap<String, u64> = calls.map(|(call, count)| (call.to_owned(), count)).into();
    let instructions = |span: u64| Span {
        requests: 100,
        count: 210_000 + 400 * arm as u64 + span,
    };
    Count {
        campaign: plan.campaign.clone(),
        workload,
        arm,
        started: STARTED.to_owned(),
        server_cpu: 0,
        client_cpu: 1,
        instructions: Source::Seen([0, 1].map(instructions).into()),
        syscalls: Source::Seen(vec![
            SyscallSpan {
                requests: 100,
                calls
            };
            2
        ]),
        allocations: Source::Seen(vec![
            AllocationSpan {
                requests: 100,
                allocations,
                bytes: 64 * allocations,
            };
            2
        ]),
        text_bytes: Source::Seen(1 << 20),
        dependencies: Source::Seen(26),
        build_cpu_s: Source::Seen(20.5),
        wrong: Vec::new(),
    }
}
