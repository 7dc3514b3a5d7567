//! The Go benchmark format (<https://go.dev/design/14313-benchmark-format>): a line per launch, so that benchstat has its
//! samples, and the axes as parts of the name, so that it can project onto them.
//!
//! `ns/op` is the time between answers, the inverse of throughput; CPU per request has a unit of its own. What is not of a
//! launch, as idle connections, has no line.

use std::fmt::Write;

use crate::record::{Launch, Observation, Plan};
use crate::reduce;
use crate::report::Report;
use crate::sheet::Block;
use crate::verdict::Metric;
use crate::workload::Workload;

/// Which way is better where it is not the smaller.
const UNITS: &str = "Unit req/s better=higher\n";

pub(super) fn text(report: &Report) -> String {
    let plan = report.record.plan();
    let mut text = "goos: linux\npkg: orthant\n".to_owned();
    let machine = report.record.machines.values().next();
    let architecture = machine.and_then(|machine| architecture(machine.rustc.as_ref()?));
    let cpu = machine.and_then(|machine| machine.cpu_model.as_deref());
    let campaigns = report.campaigns();
    for (key, value) in [
        ("goarch", architecture),
        ("cpu", cpu),
        ("campaign", Some(campaigns.as_str())),
    ] {
        if let Some(value) = value {
            writeln!(text, "{key}: {}", one_line(value)).expect("a String takes everything");
        }
    }
    text += UNITS;
    for block in report.sheet.iter().flat_map(|sheet| &sheet.blocks) {
        let launches = report.record.launches_of(block.workload);
        for arm in valid_arms(block) {
            let name = name(plan, block.workload, arm);
            let line = |launch: &&Launch| line(&name, &launch.arms[arm]);
            text.extend(launches.iter().filter_map(line));
        }
    }
    text
}

/// Of the machine that measured, as Go calls it: the compiler says which one it is.
fn architecture(rustc: &str) -> Option<&str> {
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: "))?;
    match host.split('-').next()? {
        "x86_64" => Some("amd64"),
        "aarch64" => Some("arm64"),
        other => Some(other),
    }
}

fn valid_arms(block: &Block) -> impl Iterator<Item = usize> + '_ {
    let rows = block.rows.iter().enumerate();
    rows.filter(|(_, row)| row.label.is_valid())
        .map(|(arm, _)| arm)
}

/// `BenchmarkBaseline/backend=epoll/buffers=split/allocator=system-1`; the number at the end is that of the CPUs.
fn name(plan: &Plan, workload: Workload, arm: usize) -> String {
    let mut letters = workload.name().chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    let workload: String = first.into_iter().chain(letters).collect();
    let label = plan.label(arm);
    let parts = match plan.values_of(&label) {
        Some(values) if values.len() == plan.axes.len() => {
            let parts = plan.axes.iter().zip(values);
            parts
                .map(|(axis, value)| format!("/{axis}={}", word(value)))
                .collect()
        }
        _ => format!("/arm={}", word(&label)),
    };
    format!("Benchmark{workload}{parts}-1")
}

/// A part of a name: no white space, which ends it, and no slash, which begins the next one.
fn word(text: &str) -> String {
    let letter = |letter: char| match letter {
        '/' => '_',
        space if space.is_whitespace() || space.is_control() => '_',
        other => other,
    };
    text.chars().map(letter).collect()
}

fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

/// None without an answer.
fn line(name: &str, seen: &Observation) -> Option<String> {
    let requests: u64 = seen.slices.iter().map(|slice| slice.requests).sum();
    let throughput = reduce::value(seen, Metric::Throughput)?;
    let figures = [
        (reduce::value(seen, Metric::CpuPerRequest), "cpu-ns/op"),
        (Some(throughput), "req/s"),
        (reduce::value(seen, Metric::LatencyP99), "p99-ns"),
        (reduce::value(seen, Metric::Memory), "private-bytes"),
    ];
    let mut line = format!("{name}\t{requests}\t{:.3} ns/op", 1e9 / throughput);
    for (value, unit) in figures {
        if let Some(value) = value {
            write!(line, "\t{value:.3} {unit}").ok()?;
        }
    }
    (requests > 0).then(|| line + "\n")
}
