//! HttpArena's result files (<https://github.com/MDA2AV/HttpArena>): one JSON object for each profile, number of connections
//! and framework, as its own driver saves them. Times and sizes are strings with a unit there, rounded as it rounds.
//!
//! Our workloads are the arena's profiles of the same name; `mixed` and those of allocators are none of them. Its driver keeps the best of three runs,
//! this is all launches together; and one worker on one CPU is no 64 threads, so only files made here compare.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::{Content, Exported};
use crate::record::{Latency, Launch, Observation};
use crate::report::Report;
use crate::sheet::Block;
use crate::workload::Workload;

pub(super) fn files(report: &Report) -> Result<Exported> {
    let (mut files, mut left_out) = (Vec::new(), Vec::new());
    let blocks = report.sheet.iter().flat_map(|sheet| &sheet.blocks);
    for block in blocks.filter(|block| block.launches > 0) {
        if block.workload == Workload::Mixed || block.workload.is_of_allocators() {
            left_out.push(format!("{} is no profile of the arena", block.workload));
            continue;
        }
        let launches = report.record.launches_of(block.workload);
        for (arm, row) in block.rows.iter().enumerate() {
            if !row.label.is_valid() {
                let why: Vec<String> = row.label.invalid.iter().map(ToString::to_string).collect();
                left_out.push(format!(
                    "{} under {} is INVALID: {}",
                    row.design,
                    block.workload,
                    why.join("; ")
                ));
                continue;
            }
            files.push(file(report, block, &launches, arm)?);
        }
    }
    if report.idle.is_some() {
        left_out.push("the arena has no profile of idle connections".to_owned());
    }
    if report.counts.is_some() {
        left_out.push("the arena counts nothing per request".to_owned());
    }
    if report.soak.is_some() {
        left_out.push("the arena has no profile of soaks".to_owned());
    }
    let mut paths = BTreeSet::new();
    for (path, _) in &files {
        ensure!(
            paths.insert(path),
            "failed to name a file for each arm: two are {}; name the executables differently",
            path.display()
        );
    }
    Ok(Exported {
        content: Content::Files(files),
        left_out,
    })
}

fn file(
    report: &Report,
    block: &Block,
    launches: &[&Launch],
    arm: usize,
) -> Result<(PathBuf, String)> {
    let seen: Vec<&Observation> = launches.iter().map(|launch| &launch.arms[arm]).collect();
    let settings = report.record.plan().settings;
    let name = report.record.plan().label(arm);
    // A design or a floor is ours; what an executable is written in, nobody said.
    let plan = report.record.plan();
    let planned = &plan.arms[arm];
    let is_design = plan
        .values_of(planned.identity())
        .is_some_and(|values| values.len() > 1);
    let is_ours = planned.is_floor || is_design;
    let language = if is_ours { "Rust" } else { "" };
    let mut latency = Latency::empty();
    seen.iter()
        .try_for_each(|seen| latency.add(&seen.latency.0))?;
    let slices = || seen.iter().flat_map(|seen| &seen.slices);
    let elapsed_s = slices().map(|slice| slice.elapsed_ns).sum::<u64>() as f64 / 1e9;
    let cpu_s = slices().map(|slice| slice.server_cpu_ns).sum::<u64>() as f64 / 1e9;
    let requests: u64 = slices().map(|slice| slice.requests).sum();
    let received: u64 = seen.iter().map(|seen| seen.received_bytes).sum();
    let peak = seen
        .iter()
        .filter_map(|seen| seen.memory)
        .map(|memory| memory.peak_bytes)
        .max();
    let statuses = |class: u16| -> u64 {
        let of_class = |seen: &&Observation| {
            let statuses = seen.statuses.iter();
            statuses
                .filter(|(status, _)| **status / 100 == class)
                .map(|(_, count)| count)
                .sum::<u64>()
        };
        seen.iter().map(of_class).sum()
    };
    let result = json!({
        "framework": name,
        "language": language,
        "rps": (requests as f64 / elapsed_s).round() as u64,
        "avg_latency": time(latency.0.mean()),
        "p99_latency": latency.quantile_ns(0.99).map_or_else(String::new, time),
        "cpu": format!("{:.1}%", cpu_s / elapsed_s * 100.0),
        "memory": peak.map_or_else(String::new, |bytes| size(bytes as f64, "iB")),
        "connections": settings.connections,
        "threads": 1,
        "duration": format!("{:.0}s", elapsed_s.max(1.0)),
        "pipeline": block.workload.requests_per_write(),
        "bandwidth": format!("{}/s", size(received as f64 / elapsed_s, "B")),
        "reconnects": seen.iter().map(|seen| seen.reconnects).sum::<u64>(),
        "status_2xx": statuses(2),
        "status_3xx": statuses(3),
        "status_4xx": statuses(4),
        "status_5xx": statuses(5),
    });
    let text = serde_json::to_string_pretty(&result).context("failed to write a result as JSON")?;
    let path = PathBuf::from(block.workload.name())
        .join(settings.connections.to_string())
        .join(format!("{}.json", file_name(&name)));
    Ok((path, text + "\n"))
}

/// The arena names files after its folders, which are plain words.
fn file_name(name: &str) -> String {
    let letter = |letter: char| match letter {
        plain if plain.is_ascii_alphanumeric() || "+-_".contains(plain) => plain,
        _ => '_',
    };
    name.chars().map(letter).collect()
}

fn time(ns: f64) -> String {
    match ns {
        short if short < 1e6 => format!("{:.0}us", short / 1e3),
        middle if middle < 1e9 => format!("{:.2}ms", middle / 1e6),
        long => format!("{:.2}s", long / 1e9),
    }
}

fn size(bytes: f64, unit: &str) -> String {
    const STEP: f64 = 1024.0;
    match bytes {
        small if small < STEP * STEP => format!("{:.2}K{unit}", small / STEP),
        middle if middle < STEP * STEP * STEP => format!("{:.2}M{unit}", middle / STEP / STEP),
        large => format!("{:.2}G{unit}", large / STEP / STEP / STEP),
    }
}
