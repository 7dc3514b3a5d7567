//! What a person sees of the counts in a record: per workload and arm what a request costs, and which calls it makes.
//!
//! A figure is what all spans of a pass added over their requests; the least and the most of a single span say how far it
//! repeats. Several campaigns of the same arms show several rows: what is counted has no mean.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::machine::Machine;
use crate::record::{Count, LeftOut, Record, Source};
use crate::table::{Format, Table, folded, markdown_list, number};
use crate::workload::Workload;

/// All counts of a record, ready to print.
#[derive(Clone, Debug, Serialize)]
pub struct CountSheet {
    /// The campaigns it was made of.
    pub campaigns: Vec<String>,
    /// One line per machine.
    pub machines: Vec<String>,
    /// Connections to each server.
    pub connections: u32,
    /// What could not run, and why.
    pub left_out: Vec<LeftOut>,
    /// One per workload and arm.
    pub rows: Vec<CountRow>,
}

/// One arm under one workload. What has no source is `None`, and `missing` says why.
#[derive(Clone, Debug, Serialize)]
pub struct CountRow {
    /// The load.
    pub workload: Workload,
    /// The arm.
    pub design: String,
    /// Instructions of user space.
    pub instructions: Option<PerRequest>,
    /// Calls of the kernel.
    pub syscalls: Option<PerRequest>,
    /// Each call, by name.
    pub calls: Vec<(String, f64)>,
    /// Blocks asked for.
    pub allocations: Option<PerRequest>,
    /// Bytes asked for.
    pub allocated_bytes: Option<PerRequest>,
    /// Machine code in the executable.
    pub text_bytes: Option<u64>,
    /// Packages from outside the workspace.
    pub dependencies: Option<u64>,
    /// CPU time of its build.
    pub build_cpu_s: Option<f64>,
    /// Why figures are missing, by figure.
    pub missing: Vec<(&'static str, String)>,
    /// Why none of it counts; empty when it does.
    pub invalid: Vec<String>,
}

/// How much there is of something for each request.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PerRequest {
    /// Over all spans.
    pub mean: f64,
    /// In the span that had the least.
    pub least: f64,
    /// In the span that had the most.
    pub most: f64,
}

impl PerRequest {
    /// Over spans of so many requests, each with its count; none without requests.
    #[must_use]
    pub fn of(spans: impl Iterator<Item = (u64, u64)>) -> Option<PerRequest> {
        let (mut requests, mut count) = (0, 0);
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for (its_requests, its_count) in spans.filter(|(requests, _)| *requests > 0) {
            requests += its_requests;
            count += its_count;
            let here = its_count as f64 / its_requests as f64;
            (least, most) = (least.min(here), most.max(here));
        }
        (requests > 0).then(|| PerRequest {
            mean: count as f64 / requests as f64,
            least,
            most,
        })
    }
}

impl CountRow {
    /// The figures of one arm, called so.
    #[must_use]
    pub fn of(count: &Count, design: String) -> CountRow {
        let instructions = count.instructions.seen().map(Vec::as_slice);
        let syscalls = count.syscalls.seen().map(Vec::as_slice);
        let allocations = count.allocations.seen().map(Vec::as_slice);
        let all = |calls: &crate::record::SyscallSpan| calls.calls.values().sum();
        CountRow {
            workload: count.workload,
            design,
            instructions: instructions.and_then(|spans| {
                PerRequest::of(spans.iter().map(|span| (span.requests, span.count)))
            }),
            syscalls: syscalls.and_then(|spans| {
                PerRequest::of(spans.iter().map(|span| (span.requests, all(span))))
            }),
            calls: calls(syscalls.unwrap_or_default()),
            allocations: allocations.and_then(|spans| {
                PerRequest::of(spans.iter().map(|span| (span.requests, span.allocations)))
            }),
            allocated_bytes: allocations.and_then(|spans| {
                PerRequest::of(spans.iter().map(|span| (span.requests, span.bytes)))
            }),
            text_bytes: count.text_bytes.seen().copied(),
            dependencies: count.dependencies.seen().copied(),
            build_cpu_s: count.build_cpu_s.seen().copied(),
            missing: missing(count),
            invalid: count.wrong.clone(),
        }
    }
}

impl CountRow {
    /// Why figures do not count or are missing, a sentence each.
    #[must_use]
    pub fn troubles(&self) -> Vec<String> {
        let name = &self.design;
        let invalid = self.invalid.iter();
        let invalid = invalid.map(|why| format!("! {name} is INVALID: {why}"));
        let missing = self.missing.iter();
        let missing = missing.map(|(what, why)| format!("{what} of {name}: n/a, {why}"));
        invalid.chain(missing).collect()
    }
}

fn calls(spans: &[crate::record::SyscallSpan]) -> Vec<(String, f64)> {
    let names: BTreeSet<&String> = spans.iter().flat_map(|span| span.calls.keys()).collect();
    let per_request = |name: &String| {
        let here = |span: &crate::record::SyscallSpan| {
            (span.requests, span.calls.get(name).copied().unwrap_or(0))
        };
        Some((name.clone(), PerRequest::of(spans.iter().map(here))?.mean))
    };
    let mut calls: Vec<_> = names.into_iter().filter_map(per_request).collect();
    calls.sort_by(|a, b| b.1.total_cmp(&a.1));
    calls
}

fn missing(count: &Count) -> Vec<(&'static str, String)> {
    fn of<T>(name: &'static str, source: &Source<T>) -> Option<(&'static str, String)> {
        Some((name, source.missing()?.to_owned()))
    }
    let all = [
        of("instructions", &count.instructions),
        of("syscalls", &count.syscalls),
        of("allocations", &count.allocations),
        of("text", &count.text_bytes),
        of("dependencies", &count.dependencies),
        of("build", &count.build_cpu_s),
    ];
    all.into_iter().flatten().collect()
}

impl CountSheet {
    /// Computes everything.
    #[must_use]
    pub fn of(record: &Record) -> CountSheet {
        let plan = record.plan();
        let row = |count: &Count| CountRow::of(count, plan.label(count.arm));
        CountSheet {
            campaigns: record.plans.keys().cloned().collect(),
            machines: record.machines.values().map(Machine::line).collect(),
            connections: plan.settings.connections,
            left_out: plan.left_out.clone(),
            rows: record.counts.values().map(row).collect(),
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
        Ok(match format {
            Format::Text => self.text(),
            Format::Md => self.markdown(),
            Format::Csv => self.figures().csv() + "\r\n" + &self.calls_by_row().csv(),
            Format::Json => {
                serde_json::to_string_pretty(self).context("failed to write the counts as JSON")?
                    + "\n"
            }
        })
    }

    fn text(&self) -> String {
        let mut out = self.head().join("\n") + "\n";
        for workload in self.workloads() {
            out += &format!(
                "\n{}\n{}",
                workload.title(),
                self.people_table(workload).text()
            );
            out += &format!("\n{}", self.calls_table(workload).text());
            let notes: Vec<String> = self
                .notes(workload)
                .iter()
                .map(|note| folded(note))
                .collect();
            out += &format!("\n{}\n", notes.join("\n"));
        }
        out
    }

    fn markdown(&self) -> String {
        let mut out = markdown_list(&self.head());
        for workload in self.workloads() {
            out += &format!(
                "\n### {}\n\n{}",
                workload.title(),
                self.people_table(workload).markdown()
            );
            out += &format!("\n{}", self.calls_table(workload).markdown());
            out += &format!("\n{}", markdown_list(&self.notes(workload)));
        }
        out
    }

    fn head(&self) -> Vec<String> {
        let mut lines = vec![format!("record   {}", self.campaigns.join(", "))];
        let machines = self.machines.iter();
        lines.extend(machines.map(|machine| format!("machine  {machine}")));
        lines.push(format!(
            "load     {} connections, a fixed number of requests, all answers checked; one worker, one server at a time",
            self.connections
        ));
        let left_out = self.left_out.iter();
        lines.extend(left_out.map(|arm| format!("left out {}: {}", arm.name, arm.reason)));
        lines
    }

    /// All of them, in table order.
    pub(crate) fn workloads(&self) -> BTreeSet<Workload> {
        self.rows.iter().map(|row| row.workload).collect()
    }

    fn of_workload(&self, workload: Workload) -> impl Iterator<Item = &CountRow> {
        self.rows.iter().filter(move |row| row.workload == workload)
    }

    /// What a request costs, a row for each arm.
    pub(crate) fn people_table(&self, workload: Workload) -> Table {
        let mut table = Table::new([
            "design",
            "instructions/req",
            "syscalls/req",
            "allocations/req",
            "bytes/req",
            "text KiB",
            "dependencies",
            "build CPU s",
        ]);
        let mean = |figure: Option<PerRequest>| number(figure.map(|figure| figure.mean));
        for row in self.of_workload(workload) {
            let mark = if row.invalid.is_empty() { "" } else { "!" };
            table.row(vec![
                format!("{}{mark}", row.design),
                mean(row.instructions),
                mean(row.syscalls),
                mean(row.allocations),
                mean(row.allocated_bytes),
                number(row.text_bytes.map(|bytes| bytes as f64 / 1024.0)),
                row.dependencies
                    .map_or("n/a".to_owned(), |count| count.to_string()),
                number(row.build_cpu_s),
            ]);
        }
        table
    }

    /// Calls as rows, arms as columns.
    pub(crate) fn calls_table(&self, workload: Workload) -> Table {
        let rows: Vec<&CountRow> = self.of_workload(workload).collect();
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in rows.iter().flat_map(|row| &row.calls) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        let heads = rows.iter().map(|row| row.design.as_str());
        let mut table = Table::new(["call"].into_iter().chain(heads));
        for name in names {
            let cell = |row: &&CountRow| {
                let here = row.calls.iter().find(|(call, _)| call == name);
                match row.syscalls {
                    None => "n/a".to_owned(),
                    Some(_) => here.map_or("0".to_owned(), |(_, mean)| format!("{mean:.4}")),
                }
            };
            let cells = rows.iter().map(cell);
            table.row([name.to_owned()].into_iter().chain(cells).collect());
        }
        table
    }

    /// What a reader has to know.
    pub(crate) fn notes(&self, workload: Workload) -> Vec<String> {
        let mut notes = Vec::new();
        for row in self.of_workload(workload) {
            notes.extend(row.troubles());
            let apart = [
                ("instructions", row.instructions),
                ("syscalls", row.syscalls),
                ("allocations", row.allocations),
            ];
            notes.extend(apart.into_iter().filter_map(|(what, figure)| {
                let figure = figure.filter(|figure| figure.most > figure.least * APART_MAX)?;
                let (least, most) = (number(Some(figure.least)), number(Some(figure.most)));
                let name = &row.design;
                Some(format!(
                    "{what} of {name} do not repeat: {least} in one span, {most} in another"
                ))
            }));
        }
        notes.push(
            "a server that is counted is slower than its client and finds all connections ready whenever it waits"
                .to_owned(),
        );
        notes
    }

    fn figures(&self) -> Table {
        let mut table = Table::new([
            "workload",
            "design",
            "instructions_per_request",
            "instructions_least",
            "instructions_most",
            "syscalls_per_request",
            "syscalls_least",
            "syscalls_most",
            "allocations_per_request",
            "allocations_least",
            "allocations_most",
            "allocated_bytes_per_request",
            "text_bytes",
            "dependencies",
            "build_cpu_s",
            "invalid",
        ]);
        let figure = |value: Option<f64>| value.map_or("n/a".to_owned(), |value| value.to_string());
        let all = |per_request: Option<PerRequest>| {
            let parts: [fn(PerRequest) -> f64; 3] =
                [|all| all.mean, |all| all.least, |all| all.most];
            parts.map(|part| figure(per_request.map(part)))
        };
        for row in &self.rows {
            let mut cells = vec![row.workload.to_string(), row.design.clone()];
            cells.extend(all(row.instructions));
            cells.extend(all(row.syscalls));
            cells.extend(all(row.allocations));
            cells.push(figure(row.allocated_bytes.map(|bytes| bytes.mean)));
            cells.push(figure(row.text_bytes.map(|bytes| bytes as f64)));
            cells.push(figure(row.dependencies.map(|count| count as f64)));
            cells.push(figure(row.build_cpu_s));
            cells.push(row.invalid.join("; "));
            table.row(cells);
        }
        table
    }

    fn calls_by_row(&self) -> Table {
        let mut table = Table::new(["workload", "design", "call", "calls_per_request"]);
        for row in &self.rows {
            for (name, mean) in &row.calls {
                let (workload, design) = (row.workload.to_string(), row.design.clone());
                table.row(vec![workload, design, name.clone(), mean.to_string()]);
            }
        }
        table
    }
}

/// Spans further apart than this are told.
const APART_MAX: f64 = 1.01;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_of_all_spans_and_its_ends_of_single_ones() {
        let figure = PerRequest::of([(10, 20), (30, 90), (0, 7)].into_iter()).expect("requests");
        assert_eq!(
            figure,
            PerRequest {
                mean: 2.75,
                least: 2.0,
                most: 3.0
            }
        );
        assert_eq!(PerRequest::of([(0, 3)].into_iter()), None);
    }
}
