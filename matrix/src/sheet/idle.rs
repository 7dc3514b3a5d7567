//! What a person sees of the idle connections in a record: per arm what is there from the start and what each
//! connection adds.
//!
//! Both come from a line through the points of each start, and are medians over starts. The kernel's part is read for
//! the whole machine: half of what a pair of bare sockets takes, our own end, is taken off it.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Serialize;

use super::BYTES_PER_MIB;
use crate::machine::Machine;
use crate::process::End;
use crate::record::{Idle, IdlePoint, LeftOut, Record};
use crate::stats::line::Line;
use crate::stats::median;
use crate::table::{Format, Table, markdown_list, number};

/// All arms of a record, ready to print.
#[derive(Clone, Debug, Serialize)]
pub struct IdleSheet {
    /// The campaigns it was made of.
    pub campaigns: Vec<String>,
    /// Their seeds.
    pub seeds: Vec<u64>,
    /// One line per machine.
    pub machines: Vec<String>,
    /// With how many connections memory was read.
    pub connections: Vec<u32>,
    /// What could not run, and why.
    pub left_out: Vec<LeftOut>,
    /// What a pair of sockets adds to the memory of the kernel, both ends and nobody waiting.
    pub bare_pair: Option<Slope>,
    /// One per arm.
    pub rows: Vec<IdleRow>,
}

/// One arm. What has no source is `None`.
#[derive(Clone, Debug, Serialize)]
pub struct IdleRow {
    /// The arm.
    pub design: String,
    /// Starts made.
    pub starts: usize,
    /// Private memory of a worker without connections, by the line.
    pub base_mib: Option<f64>,
    /// What each connection adds to the private memory of the process.
    pub user: Option<Slope>,
    /// Private memory with the most connections.
    pub full_mib: Option<f64>,
    /// The most that was ever resident.
    pub peak_mib: Option<f64>,
    /// Rings that it shares with the kernel, with the most connections.
    pub rings_kib: Option<f64>,
    /// What a cgroup of its own is charged for, with the most connections.
    pub cgroup_full_mib: Option<f64>,
    /// What each connection adds to that.
    pub cgroup: Option<Slope>,
    /// What each connection adds to the slab memory of the kernel at the server's end.
    pub kernel: Option<Slope>,
    /// The same of both ends.
    pub kernel_both_ends: Option<Slope>,
    /// What each connection is charged for bytes that wait in its socket; about 0 when it is idle.
    pub socket: Option<Slope>,
    /// Why none of it counts; empty when it does.
    pub invalid: Vec<String>,
}

/// What each connection adds, and how far the points are from a line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Slope {
    /// The median over starts.
    pub bytes_per_connection: f64,
    /// The largest distance of a point from the line, in bytes; the largest over starts.
    pub off_bytes_max: f64,
    /// The share of the variance of the points that the line explains, R²; the smallest over starts.
    pub r_squared: f64,
}

impl IdleSheet {
    /// Computes everything.
    #[must_use]
    pub fn of(record: &Record) -> IdleSheet {
        let plan = record.plan();
        let mut by_arm: BTreeMap<Option<usize>, Vec<&Idle>> = BTreeMap::new();
        for idle in record.idle.values() {
            by_arm.entry(idle.arm).or_default().push(idle);
        }
        let starts = |arm| by_arm.get(&arm).map_or(&[][..], Vec::as_slice);
        let bare_pair = slope(starts(None), slab_bytes);
        let row = |arm: usize| row(plan.label(arm), starts(Some(arm)), bare_pair);
        IdleSheet {
            campaigns: record.plans.keys().cloned().collect(),
            seeds: record.plans.values().map(|plan| plan.seed).collect(),
            machines: record.machines.values().map(Machine::line).collect(),
            connections: plan.idle.clone(),
            left_out: plan.left_out.clone(),
            bare_pair,
            rows: (0..plan.arms.len()).map(row).collect(),
        }
    }

    /// Whether an arm's figures do not count.
    #[must_use]
    pub fn has_invalid(&self) -> bool {
        self.rows.iter().any(|row| !row.invalid.is_empty())
    }

    /// The whole sheet.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn print(&self, format: Format) -> Result<String> {
        let text = |lines: &[String]| lines.join("\n") + "\n";
        Ok(match format {
            Format::Text => [
                text(&self.head()),
                self.people_table().text(),
                self.whole_table().text(),
                text(&self.notes()),
            ]
            .join("\n"),
            Format::Md => [
                markdown_list(&self.head()),
                self.people_table().markdown(),
                self.whole_table().markdown(),
                markdown_list(&self.notes()),
            ]
            .join("\n"),
            Format::Csv => self.csv(),
            Format::Json => {
                serde_json::to_string_pretty(self).context("failed to write the table as JSON")?
                    + "\n"
            }
        })
    }

    fn head(&self) -> Vec<String> {
        let counts: Vec<String> = self.connections.iter().map(u32::to_string).collect();
        let mut lines = vec![format!("record   {}", self.campaigns.join(", "))];
        lines.extend(
            self.machines
                .iter()
                .map(|machine| format!("machine  {machine}")),
        );
        lines.push(format!(
            "load     {} connections, each silent after one request; one worker on one CPU, one server at a time",
            counts.join(", ")
        ));
        let left_out = self.left_out.iter();
        lines.extend(
            left_out.map(|left_out| format!("left out {}: {}", left_out.name, left_out.reason)),
        );
        lines
    }

    pub(crate) fn people_table(&self) -> Table {
        let most = self.connections.last().copied().unwrap_or(0);
        let heads = ["design", "base MiB", "bytes/connection", "R²", "off KiB"].map(str::to_owned);
        let kernel = ["kernel bytes/connection", "kernel off KiB"].map(str::to_owned);
        let mut table = Table::new([&heads[..], &[format!("MiB at {most}")], &kernel].concat());
        let bytes = |slope: Option<Slope>| {
            slope.map_or("n/a".to_owned(), |slope| {
                format!("{:.0}", slope.bytes_per_connection)
            })
        };
        let off = |slope: Option<Slope>| number(slope.map(|slope| slope.off_bytes_max / 1024.0));
        for row in &self.rows {
            let mark = if row.invalid.is_empty() { "" } else { "!" };
            table.row(vec![
                format!("{}{mark}", row.design),
                number(row.base_mib),
                bytes(row.user),
                row.user
                    .map_or("n/a".to_owned(), |slope| format!("{:.4}", slope.r_squared)),
                off(row.user),
                number(row.full_mib),
                bytes(row.kernel),
                off(row.kernel_both_ends),
            ]);
        }
        table
    }

    /// What lies beside private memory.
    fn whole_table(&self) -> Table {
        let most = self.connections.last().copied().unwrap_or(0);
        let mut table = Table::new([
            "design".to_owned(),
            "peak MiB".to_owned(),
            "rings KiB".to_owned(),
            format!("cgroup MiB at {most}"),
            "cgroup bytes/connection".to_owned(),
            "R²".to_owned(),
        ]);
        for row in &self.rows {
            let slope = |shown: fn(Slope) -> String| row.cgroup.map_or("n/a".to_owned(), shown);
            table.row(vec![
                row.design.clone(),
                number(row.peak_mib),
                number(row.rings_kib),
                number(row.cgroup_full_mib),
                slope(|slope| format!("{:.0}", slope.bytes_per_connection)),
                slope(|slope| format!("{:.4}", slope.r_squared)),
            ]);
        }
        table
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        let invalid = |row: &IdleRow| {
            let reasons = row.invalid.join("; ");
            (!reasons.is_empty()).then(|| format!("! {} is INVALID: {reasons}", row.design))
        };
        let mut notes: Vec<String> = self.rows.iter().filter_map(invalid).collect();
        let starts = self.rows.iter().map(|row| row.starts).min().unwrap_or(0);
        notes.push(format!(
            "medians of {starts} starts; base and bytes/connection are a line through private memory, off its worst point, R² what it explains"
        ));
        let has_cgroup = self.rows.iter().any(|row| row.cgroup_full_mib.is_some());
        notes.push(match has_cgroup {
            true => "cgroup is what the server's own is charged for, less inactive pages of files: the kernel's memory for it too",
            false => "cgroup is n/a: no cgroup with memory may be made below that of this process",
        }.to_owned());
        notes.push(match self.bare_pair {
            Some(pair) => format!(
                "kernel is the growth of all slab memory of the machine, less half of what a pair of bare sockets takes: \
                 {:.0} bytes, {} KiB off",
                pair.bytes_per_connection,
                number(Some(pair.off_bytes_max / 1024.0))
            ),
            None => "kernel is n/a: bare pairs of sockets were not measured yet".to_owned(),
        });
        notes
    }

    fn csv(&self) -> String {
        let mut table = Table::new([
            "design",
            "starts",
            "base_mib",
            "bytes_per_connection",
            "off_bytes_max",
            "full_mib",
            "kernel_bytes_per_connection",
            "kernel_both_ends_bytes_per_connection",
            "kernel_off_bytes_max",
            "socket_bytes_per_connection",
            "bare_pair_bytes",
            "r_squared",
            "peak_mib",
            "rings_kib",
            "cgroup_full_mib",
            "cgroup_bytes_per_connection",
            "invalid",
        ]);
        let figure = |value: Option<f64>| value.map_or("n/a".to_owned(), |value| value.to_string());
        let bytes = |slope: Option<Slope>| figure(slope.map(|slope| slope.bytes_per_connection));
        let off = |slope: Option<Slope>| figure(slope.map(|slope| slope.off_bytes_max));
        for row in &self.rows {
            table.row(vec![
                row.design.clone(),
                row.starts.to_string(),
                figure(row.base_mib),
                bytes(row.user),
                off(row.user),
                figure(row.full_mib),
                bytes(row.kernel),
                bytes(row.kernel_both_ends),
                off(row.kernel_both_ends),
                bytes(row.socket),
                bytes(self.bare_pair),
                figure(row.user.map(|slope| slope.r_squared)),
                figure(row.peak_mib),
                figure(row.rings_kib),
                figure(row.cgroup_full_mib),
                bytes(row.cgroup),
                row.invalid.join("; "),
            ]);
        }
        table.csv()
    }
}

fn row(design: String, starts: &[&Idle], bare_pair: Option<Slope>) -> IdleRow {
    let lines = lines(starts, private_bytes);
    let full = |of: fn(&IdlePoint) -> Option<f64>| {
        let last = starts.iter().filter_map(|idle| of(idle.points.last()?));
        median(&last.collect::<Vec<f64>>())
    };
    let kernel_both_ends = slope(starts, slab_bytes);
    let kernel = kernel_both_ends.zip(bare_pair).map(|(both, bare)| Slope {
        bytes_per_connection: both.bytes_per_connection - bare.bytes_per_connection / 2.0,
        ..both
    });
    let intercepts: Vec<f64> = lines.iter().map(|line| line.intercept).collect();
    IdleRow {
        design,
        starts: starts.len(),
        base_mib: median(&intercepts).map(|bytes| bytes / BYTES_PER_MIB),
        user: slope(starts, private_bytes),
        full_mib: full(private_bytes).map(|bytes| bytes / BYTES_PER_MIB),
        peak_mib: full(|point| Some(point.memory?.peak_bytes as f64))
            .map(|bytes| bytes / BYTES_PER_MIB),
        rings_kib: full(|point| Some(point.memory?.rings_bytes? as f64))
            .map(|bytes| bytes / 1024.0),
        cgroup_full_mib: full(cgroup_bytes).map(|bytes| bytes / BYTES_PER_MIB),
        cgroup: slope(starts, cgroup_bytes),
        kernel,
        kernel_both_ends,
        socket: slope(starts, |point| Some(point.kernel?.socket_bytes as f64)),
        invalid: starts.iter().filter_map(|idle| trouble(idle)).collect(),
    }
}

/// What each connection adds to the private memory of the process, one value per start.
pub(crate) fn bytes_per_connection(starts: &[&Idle]) -> Vec<f64> {
    let lines = lines(starts, private_bytes);
    lines.iter().map(|line| line.slope).collect()
}

/// Why a start does not count.
pub(crate) fn trouble(idle: &Idle) -> Option<String> {
    let died = match &idle.end {
        End::Died { what } => Some(format!("server died: {what}")),
        End::Stopped | End::Killed => None,
    };
    died.or_else(|| idle.failure.clone())
}

fn private_bytes(point: &IdlePoint) -> Option<f64> {
    Some(point.memory?.private_bytes as f64)
}

fn cgroup_bytes(point: &IdlePoint) -> Option<f64> {
    Some(point.memory?.cgroup_bytes? as f64)
}

fn slab_bytes(point: &IdlePoint) -> Option<f64> {
    Some(point.kernel?.slab_bytes as f64)
}

/// One per start that has a figure at every point.
fn lines(starts: &[&Idle], of: fn(&IdlePoint) -> Option<f64>) -> Vec<Line> {
    let line = |idle: &&Idle| {
        let point = |point: &IdlePoint| Some((f64::from(point.connections), of(point)?));
        Line::through(&idle.points.iter().map(point).collect::<Option<Vec<_>>>()?)
    };
    starts.iter().filter_map(line).collect()
}

fn slope(starts: &[&Idle], of: fn(&IdlePoint) -> Option<f64>) -> Option<Slope> {
    let lines = lines(starts, of);
    let slopes: Vec<f64> = lines.iter().map(|line| line.slope).collect();
    Some(Slope {
        bytes_per_connection: median(&slopes)?,
        off_bytes_max: lines.iter().map(|line| line.off_max).fold(0.0, f64::max),
        r_squared: lines.iter().map(|line| line.r_squared).fold(1.0, f64::min),
    })
}
