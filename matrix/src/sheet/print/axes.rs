//! What stands behind the table of a sweep: the effects of the axes, and the designs that no other beats.

use super::Part;
use crate::sheet::{Axis, BYTES_PER_MIB, Block, Effects, Front, Place, Standing, Value};
use crate::table::{Table, number};
use crate::verdict::{Metric, key};
use crate::workload::Workload;

pub(super) fn parts(block: &Block) -> Vec<Part> {
    let effects = block.effects.as_ref();
    let effects = effects.map(|effects| of_effects(block.workload, effects));
    let front = block.front.as_ref();
    let front = front.map(|front| of_front(block.workload, front, Shown::NotBeaten));
    effects.into_iter().chain(front).collect()
}

pub(super) fn of_effects(workload: Workload, effects: &Effects) -> Part {
    if effects.axes.is_empty() {
        return Part {
            title: format!("{workload}, effects of the axes"),
            table: None,
            notes: effects.notes.clone(),
        };
    }
    let title = format!(
        "{workload}, effects of the axes on {}: {} designs, {} launches",
        spoken(effects.metric),
        effects.designs,
        effects.launches
    );
    let mut table = Table::new(["axis", "share of variance", "value", "× mean [95 %]"]);
    for axis in &effects.axes {
        for (place, value) in axis.values.iter().enumerate() {
            let (name, share) = match place {
                0 => (axis.name.clone(), percent(axis.share)),
                _ => (String::new(), String::new()),
            };
            table.row(vec![name, share, value.name.clone(), factor(value)]);
        }
    }
    for (name, share) in others(effects) {
        let dash = || "–".to_owned();
        table.row(vec![name.to_owned(), percent(share), dash(), dash()]);
    }
    Part {
        title,
        table: Some(table),
        notes: effects.notes.clone(),
    }
}

/// What varies besides the axes.
fn others(effects: &Effects) -> [(&'static str, Option<f64>); 3] {
    [
        ("interactions", effects.interactions_share),
        ("launches", effects.launches_share),
        ("rest", effects.rest_share),
    ]
}

/// How many designs of a front are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    All,
    NotBeaten,
}

pub(super) fn of_front(workload: Workload, front: &Front, shown: Shown) -> Part {
    let columns = front.objectives.iter().map(|metric| shown_in(*metric));
    let heads = columns.map(|(name, _)| name.to_owned());
    let mut table = Table::new(
        std::iter::once("design".to_owned())
            .chain(heads)
            .chain(["beaten".to_owned()]),
    );
    let designs = front.designs.iter();
    let is_shown =
        |design: &&Standing| shown == Shown::All || !matches!(design.place, Place::Beaten(_));
    for design in designs.filter(is_shown) {
        let figures = design.figures.iter().zip(&front.objectives);
        let figures = figures.map(|(figure, metric)| number(Some(figure / shown_in(*metric).1)));
        table.row(
            std::iter::once(design.design.clone())
                .chain(figures)
                .chain([beaten(&design.place)])
                .collect(),
        );
    }
    let names: Vec<&str> = front
        .objectives
        .iter()
        .map(|metric| spoken(*metric))
        .collect();
    let mut notes = front.notes.clone();
    if front
        .designs
        .iter()
        .any(|design| matches!(design.place, Place::Open(_)))
    {
        notes.push(
            "perhaps: the other one has the better figures, and noise may be all of it".to_owned(),
        );
    }
    Part {
        title: match shown {
            Shown::All => format!("{workload}, who beats whom in {}", names.join(" and ")),
            Shown::NotBeaten => {
                format!(
                    "{workload}, not beaten by another design in {}",
                    names.join(" and ")
                )
            }
        },
        table: (!front.designs.is_empty()).then_some(table),
        notes,
    }
}

fn beaten(place: &Place) -> String {
    match place {
        Place::Unbeaten => "no".to_owned(),
        Place::Open(by) => format!("perhaps by {by}"),
        Place::Beaten(by) => format!("by {by}"),
    }
}

/// The name of a metric in a sentence.
fn spoken(metric: Metric) -> &'static str {
    match metric {
        Metric::CpuPerRequest => "CPU per request",
        Metric::Memory => "memory",
        other => other.name(),
    }
}

/// The head of a metric's column, and how many of its own units make one of the column's.
pub(crate) fn shown_in(metric: Metric) -> (&'static str, f64) {
    match metric {
        Metric::CpuPerRequest => ("CPU µs/req", 1e3),
        Metric::Memory => ("private MiB", BYTES_PER_MIB),
        Metric::LatencyP99 => ("p99 µs", 1e3),
        Metric::Throughput => ("req/s", 1.0),
        Metric::Instructions => ("instructions/req", 1.0),
        Metric::Syscalls => ("syscalls/req", 1.0),
        Metric::Allocations => ("allocations/req", 1.0),
    }
}

fn percent(share: Option<f64>) -> String {
    let shown = |share: f64| format!("{:.1} %", share.max(0.0) * 100.0);
    share.map_or("n/a".to_owned(), shown)
}

fn factor(value: &Value) -> String {
    let shown = |log: f64| format!("{:.3}", log.exp());
    match value.log_factor_interval {
        None => format!("{} [n/a]", shown(value.log_factor)),
        Some(interval) => format!(
            "{} [{}, {}]",
            shown(value.log_factor),
            shown(interval.low),
            shown(interval.high)
        ),
    }
}

/// A table of its own, since a row is a value of an axis and not a cell; none where no block has effects.
pub(super) fn csv<'a>(effects: impl IntoIterator<Item = (Workload, &'a Effects)>) -> Option<Table> {
    let mut table = Table::new([
        "axis",
        "value",
        "workload",
        "designs",
        "launches",
        "share_of_variance",
        "log_factor",
        "log_factor_low",
        "log_factor_high",
        "metric",
        "notes",
    ]);
    let mut is_empty = true;
    for (workload, effects) in effects {
        let mut row = |axis: &str, value: &str, figures: [Option<f64>; 4]| {
            let counts = [effects.designs, effects.launches].map(|count| count.to_string());
            let figures =
                figures.map(|figure| figure.map_or("n/a".to_owned(), |figure| figure.to_string()));
            let names = [axis, value, workload.name()].map(str::to_owned);
            let notes = [key(effects.metric), effects.notes.join("; ")];
            table.row([&names[..], &counts, &figures, &notes].concat());
            is_empty = false;
        };
        let of_axis = |Axis {
                           name,
                           share,
                           values,
                       }: &Axis| {
            for value in values {
                let interval = value.log_factor_interval;
                let (low, high) = (
                    interval.map(|interval| interval.low),
                    interval.map(|interval| interval.high),
                );
                row(
                    name,
                    &value.name,
                    [*share, Some(value.log_factor), low, high],
                );
            }
        };
        effects.axes.iter().for_each(of_axis);
        if effects.axes.is_empty() {
            row("n/a", "n/a", [None; 4]);
        } else {
            for (name, share) in others(effects) {
                row(name, "n/a", [share, None, None, None]);
            }
        }
    }
    (!is_empty).then_some(table)
}
