//! What stands behind the table of a sweep: the effects of the axes, and the designs that no other beats.

use super::Part;
use crate::sheet::{Axis, Block, Effects, Unbeaten, Value};
use crate::table::{Table, number};

pub(super) fn parts(block: &Block) -> Vec<Part> {
    let effects = block
        .effects
        .as_ref()
        .map(|effects| of_effects(block, effects));
    let unbeaten = block
        .unbeaten
        .as_ref()
        .map(|designs| of_unbeaten(block, designs));
    effects.into_iter().chain(unbeaten).collect()
}

fn of_effects(block: &Block, effects: &Effects) -> Part {
    if effects.axes.is_empty() {
        return Part {
            title: format!("{}, effects of the axes", block.workload),
            table: None,
            notes: effects.notes.clone(),
        };
    }
    let title = format!(
        "{}, effects of the axes on CPU per request: {} designs, {} launches",
        block.workload, effects.designs, effects.launches
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

fn of_unbeaten(block: &Block, designs: &[Unbeaten]) -> Part {
    let mut table = Table::new(["design", "CPU µs/req", "private MiB"]);
    for design in designs {
        table.row(vec![
            design.design.clone(),
            number(Some(design.cpu_us_per_request)),
            number(Some(design.private_mib)),
        ]);
    }
    let is_empty = designs.is_empty();
    let note = if is_empty {
        "no design has valid figures for both"
    } else {
        "of two designs closer than their noise another sweep may find the other one"
    };
    Part {
        title: format!(
            "{}, beaten by no other design in both CPU and memory",
            block.workload
        ),
        table: (!is_empty).then_some(table),
        notes: vec![note.to_owned()],
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or("n/a".to_owned(), |share| format!("{:.1} %", share * 100.0))
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
pub(super) fn csv(blocks: &[Block]) -> Option<Table> {
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
        "notes",
    ]);
    let mut is_empty = true;
    for (block, effects) in blocks
        .iter()
        .filter_map(|block| Some((block, block.effects.as_ref()?)))
    {
        let mut row = |axis: &str, value: &str, figures: [Option<f64>; 4]| {
            let counts = [effects.designs, effects.launches].map(|count| count.to_string());
            let figures =
                figures.map(|figure| figure.map_or("n/a".to_owned(), |figure| figure.to_string()));
            let names = [axis, value, block.workload.name()].map(str::to_owned);
            let notes = [effects.notes.join("; ")];
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
