//! A soak in every format: for people what it decides, and how steady each figure was.

use anyhow::{Context, Result};

use super::{CLIENT_BUSY_MAX, MemoryDrift, Per, SYSCALLS, Series, SoakSheet};
use crate::sheet::BYTES_PER_MIB;
use crate::stats::signflip::Interval;
use crate::table::{Format, Table, folded, markdown_list, number};
use crate::verdict::{Decision, MachineState};

impl SoakSheet {
    /// The whole sheet.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn print(&self, format: Format) -> Result<String> {
        let [drift, series] = self.tables();
        let text = |lines: &[String]| {
            lines
                .iter()
                .map(|line| folded(line) + "\n")
                .collect::<String>()
        };
        Ok(match format {
            Format::Text => [
                text(&self.head()),
                drift.text(),
                series.text(),
                text(&self.notes()),
            ]
            .join("\n"),
            Format::Md => [
                markdown_list(&self.head()),
                drift.markdown(),
                series.markdown(),
                markdown_list(&self.notes()),
            ]
            .join("\n"),
            Format::Csv => [self.drift_csv().csv(), self.series_csv().csv()].join("\r\n"),
            Format::Json => {
                serde_json::to_string_pretty(self).context("failed to write the soak as JSON")?
                    + "\n"
            }
        })
    }

    /// The drift of memory, and how steady all else was.
    pub(crate) fn tables(&self) -> [Table; 2] {
        [self.drift_table(), self.series_table()]
    }

    fn head(&self) -> Vec<String> {
        let rate = number(self.requests_per_s);
        let of = match self.capacity_requests_per_s {
            Some(capacity) => format!("{}, which were {}", self.asked, number(Some(capacity))),
            None => "as asked".to_owned(),
        };
        let workload = self.workload.clone().unwrap_or_default();
        vec![
            format!("record   {}", self.campaign),
            format!(
                "machine  {}",
                self.machine.clone().unwrap_or_else(|| "n/a".to_owned())
            ),
            format!(
                "load     {} under {workload}, open loop, {rate} requests per second ({of}), {} connections; one worker on \
                 one CPU",
                self.design, self.connections
            ),
            format!(
                "epochs   {} of {} of {} s made, {} count after the warm-up; starts of the server: {}",
                self.epochs,
                self.epochs_planned,
                self.epoch_ms as f64 / 1e3,
                self.epochs_counted,
                self.segments
            ),
        ]
    }

    fn drift_table(&self) -> Table {
        let mut table = Table::new([
            "drift of private memory",
            "slope",
            "95 % interval",
            "budget",
            "verdict",
        ]);
        for drift in &self.drifts {
            let (unit, scale) = shown_in(drift.per);
            let signed = |bytes: f64| format!("{:+}", Signed(bytes / scale));
            let found = drift.drift;
            table.row(vec![
                unit.to_owned(),
                found.map_or("n/a".to_owned(), |found| signed(found.slope)),
                found.map_or("n/a".to_owned(), |found| between(found.interval, signed)),
                number(Some(drift.budget / scale)),
                verdict(drift.decision).to_owned(),
            ]);
        }
        table
    }

    fn series_table(&self) -> Table {
        let mut table = Table::new([
            "per epoch",
            "median",
            "CV % [95 %]",
            "change % per hour [95 %]",
        ]);
        for series in &self.series {
            let cv = series.cv.map_or("n/a".to_owned(), |cv| {
                let interval = series.cv_interval;
                let interval = interval.map_or("n/a".to_owned(), |interval| {
                    between(interval, |cv| format!("{}", Signed(cv * 100.0)))
                });
                format!("{} {interval}", Signed(cv * 100.0))
            });
            table.row(vec![
                format!("{} {}", series.name, series.unit)
                    .trim_end()
                    .to_owned(),
                series
                    .median
                    .map_or("n/a".to_owned(), |median| Signed(median).to_string()),
                cv,
                change(series),
            ]);
        }
        table
    }

    /// What a reader has to know, the decision last.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self
            .invalid
            .iter()
            .map(|why| format!("! INVALID: {why}"))
            .collect();
        let us = |ns: Option<f64>| number(ns.map(|ns| ns / 1e3));
        let tail = &self.tail;
        notes.push(format!(
            "response times of all requests in µs: p50 {}, p99 {}, p99.9 {}, the slowest {}; p99 of the worst epoch {}, {} s \
             after its start, of the middle one {}",
            us(tail.p50),
            us(tail.p99),
            us(tail.p999),
            us(Some(tail.max)),
            us(tail.epoch_p99_worst),
            tail.worst_at_s.map_or("n/a".to_owned(), |at_s| format!("{at_s:.0}")),
            us(tail.epoch_p99_median),
        ));
        if let Some(memory) = self.memory {
            notes.push(format!(
                "private memory: last tenth over first {:+.1} %, lowest to highest epoch {} KiB; peak of resident memory {} MiB",
                memory.last_to_first * 100.0,
                number(Some(memory.swing_bytes / 1024.0)),
                number(Some(memory.peak_bytes as f64 / BYTES_PER_MIB)),
            ));
        }
        if self.client_share > CLIENT_BUSY_MAX {
            notes.push(format!(
                "† client-limited: the client was busy for {:.0} % of its core, so what is unsteady may be the client; give it a \
                 lower --rate",
                self.client_share * 100.0
            ));
        }
        if self.late_share > 0.01 {
            notes.push(format!(
                "{:.1} % of the requests were sent more than 1 ms late by the client",
                self.late_share * 100.0
            ));
        }
        if self.machine_state == Some(MachineState::Noisy) {
            notes.push("* the machine was noisy: memory counts, the wall clock informs".to_owned());
        }
        if self.drifts.iter().any(|drift| drift.drift.is_none()) {
            notes.push("no drift is told by fewer than 20 epochs after the warm-up: a longer --duration tells".to_owned());
        }
        let is_missing = |series: &Series| series.name == SYSCALLS && series.median.is_none();
        if self.series.iter().any(is_missing) {
            notes.push(format!(
                "{SYSCALLS} is n/a: the kernel did not let them be counted, and `cargo matrix doctor` says what it takes"
            ));
        }
        notes.push(match self.decision {
            Some(Decision::Go) => "DECISION  GO: memory drifts by no more than its budget".to_owned(),
            Some(Decision::NoGo) => "DECISION  NO-GO: memory drifts by more than its budget".to_owned(),
            Some(_) => {
                "DECISION  INCONCLUSIVE: the interval reaches beyond the budget; a longer --duration narrows it".to_owned()
            }
            None => "DECISION  none: the measurement is invalid".to_owned(),
        });
        notes
    }

    fn drift_csv(&self) -> Table {
        let mut table = Table::new([
            "per",
            "slope_bytes",
            "low_bytes",
            "high_bytes",
            "budget_bytes",
            "verdict",
            "decision",
        ]);
        let decision = self
            .decision
            .map_or("INVALID".to_owned(), |decision| decision.to_string());
        for MemoryDrift {
            per,
            drift,
            budget,
            decision: verdict,
        } in &self.drifts
        {
            let of = |value: Option<f64>| value.map_or("n/a".to_owned(), |value| value.to_string());
            table.row(vec![
                shown_in(*per).0.to_owned(),
                of(drift.map(|drift| drift.slope)),
                of(drift.map(|drift| drift.interval.low)),
                of(drift.map(|drift| drift.interval.high)),
                budget.to_string(),
                self::verdict(*verdict).to_owned(),
                decision.clone(),
            ]);
        }
        table
    }

    fn series_csv(&self) -> Table {
        let mut table = Table::new([
            "figure",
            "unit",
            "median",
            "cv",
            "cv_low",
            "cv_high",
            "per_hour",
            "per_hour_low",
            "per_hour_high",
        ]);
        for series in &self.series {
            let of = |value: Option<f64>| value.map_or("n/a".to_owned(), |value| value.to_string());
            table.row(vec![
                series.name.to_owned(),
                series.unit.to_owned(),
                of(series.median),
                of(series.cv),
                of(series.cv_interval.map(|interval| interval.low)),
                of(series.cv_interval.map(|interval| interval.high)),
                of(series.per_hour.map(|drift| drift.slope)),
                of(series.per_hour.map(|drift| drift.interval.low)),
                of(series.per_hour.map(|drift| drift.interval.high)),
            ]);
        }
        table
    }
}

/// The unit people read, and how many bytes make one of it.
fn shown_in(per: Per) -> (&'static str, f64) {
    match per {
        Per::Request => ("B/request", 1.0),
        Per::Hour => ("MiB/h", BYTES_PER_MIB),
    }
}

fn verdict(decision: Decision) -> &'static str {
    match decision {
        Decision::Go => "WITHIN",
        Decision::NoGo => "ABOVE",
        _ => "INCONCLUSIVE",
    }
}

fn between(interval: Interval, shown: impl Fn(f64) -> String) -> String {
    format!("[{}, {}]", shown(interval.low), shown(interval.high))
}

/// As a share of the median.
fn change(series: &Series) -> String {
    let share = |value: f64| format!("{:+}", Signed(value / series.median.unwrap_or(1.0) * 100.0));
    match (series.per_hour, series.median) {
        (Some(drift), Some(median)) if median > 0.0 => {
            format!("{} {}", share(drift.slope), between(drift.interval, share))
        }
        _ => "n/a".to_owned(),
    }
}

/// A number that may be far below 1, with a sign where one is asked for.
struct Signed(f64);

impl std::fmt::Display for Signed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if out.sign_plus() && self.0 >= 0.0 {
            "+"
        } else {
            ""
        };
        match self.0.abs() {
            0.0 => write!(out, "{sign}0"),
            small if small < 0.001 => write!(out, "{sign}{:.1e}", self.0),
            _ => write!(out, "{sign}{}", number(Some(self.0))),
        }
    }
}
