//! The cells under one workload: a figure for each question, then the table with everything.

use super::forest::{self, Row, Scale, Words};
use super::series::{self, Series};
use super::{Columns, figures, latency, notes, pareto, scrolled, section};
use crate::markup::{Element, element};
use crate::record::Launch;
use crate::reduce;
use crate::report::Report;
use crate::sheet::{Block, Effects, Sheet};
use crate::table::percent;
use crate::verdict::Metric;

/// More rows than these are left to the table, but for those that a brief sheet keeps.
const ROWS_MAX: usize = 16;

/// One per workload.
pub(super) fn sections(report: &Report) -> Vec<Element> {
    let Some(sheet) = &report.sheet else {
        return Vec::new();
    };
    let blocks = sheet.blocks.iter();
    blocks.map(|block| of_block(report, sheet, block)).collect()
}

fn of_block(report: &Report, sheet: &Sheet, block: &Block) -> Element {
    let launches = report.record.launches_of(block.workload);
    let notable = notable(sheet, block);
    let tables = sheet.parts_of(block).into_iter().map(|part| {
        element("div")
            .children(
                part.table
                    .map(|table| scrolled(&part.title, Columns::Figures, &table)),
            )
            .children(notes(&part.notes))
    });
    section(&block.workload.title())
        .children(figures(
            [
                pareto::figure(report, block, &launches),
                latency::figure(report, &notable, &launches),
                by_launch(report, &notable, &launches),
            ]
            .into_iter()
            .flatten(),
        ))
        .children(effects(block))
        .children(to_first(report, block, &notable))
        .children(tables)
}

/// The arms that are drawn by name: all where they are few, else those of a brief sheet.
fn notable(sheet: &Sheet, block: &Block) -> Vec<usize> {
    let brief = sheet.clone().brief();
    let kept = brief
        .blocks
        .iter()
        .find(|brief| brief.workload == block.workload);
    let is_kept = |design: &str| {
        let rows = kept.map_or(&[][..], |kept| &kept.rows);
        block.arms <= ROWS_MAX || rows.iter().any(|row| row.design == design)
    };
    let rows = block.rows.iter().enumerate();
    rows.filter(|(_, row)| is_kept(&row.design))
        .map(|(arm, _)| arm)
        .collect()
}

/// CPU per request launch by launch: whether the machine drifted while it measured.
fn by_launch(report: &Report, notable: &[usize], launches: &[&Launch]) -> Option<Element> {
    let series = |arm: &usize| {
        let value = |(number, launch): (usize, &&Launch)| {
            let value = reduce::value(&launch.arms[*arm], Metric::CpuPerRequest)?;
            Some((number as f64 + 1.0, value / 1e3))
        };
        Series {
            name: report.record.plan().label(*arm),
            points: launches.iter().enumerate().filter_map(value).collect(),
        }
    };
    let words = series::Words {
        title: "CPU per request, launch by launch",
        along: "launch",
        up: "µs per request",
        note: "Lines that move together are the machine's; comparisons take ratios within a launch.",
    };
    let series: Vec<Series> = notable.iter().take(series::COLOURS).map(series).collect();
    series::figure(words, &series)
}

fn to_first(report: &Report, block: &Block, notable: &[usize]) -> Option<Element> {
    // What a comparison says of its sides stands above, at its own level.
    if !report.comparisons.is_empty() {
        return None;
    }
    let rows: Vec<Row> = notable
        .iter()
        .filter_map(|arm| {
            let row = &block.rows[*arm];
            let estimate = row.cpu_log_ratio_to_first?;
            let mark = if row.label.is_valid() { "" } else { "!" };
            let interval = row
                .cpu_log_ratio_interval
                .map_or("[n/a]".to_owned(), |interval| {
                    format!("[{}, {}]", percent(interval.low), percent(interval.high))
                });
            Some(Row {
                group: None,
                name: format!("{}{mark}", row.design),
                estimate,
                interval: row.cpu_log_ratio_interval,
                figures: format!("{} {interval}", percent(estimate)),
                verdict: None,
            })
        })
        .collect();
    let first = &block.rows.first()?.design;
    let words = Words {
        title: "CPU per request against the first arm",
        heads: ["arm", "% [95 %]"],
        note: &format!(
            "0 is {first}; left needs less CPU. These intervals describe and decide nothing.{}",
            shown_of(&rows, block)
        ),
    };
    forest::figure(words, Scale::Percent, &rows)
}

fn shown_of(rows: &[Row], block: &Block) -> String {
    match rows.len() + 1 < block.arms {
        true => format!(
            " {} of {} arms; all are in the table.",
            rows.len() + 1,
            block.arms
        ),
        false => String::new(),
    }
}

/// What the values of the axes do; of a sweep only.
fn effects(block: &Block) -> Option<Element> {
    let effects: &Effects = block.effects.as_ref()?;
    let rows: Vec<Row> = effects
        .axes
        .iter()
        .flat_map(|axis| {
            let share = axis
                .share
                .map_or("n/a".to_owned(), |share| format!("{:.1} %", share * 100.0));
            let group = format!("{}: {share} of the variance", axis.name);
            axis.values.iter().enumerate().map(move |(place, value)| {
                let shown = |log: f64| format!("{:.3}", log.exp());
                let interval = value
                    .log_factor_interval
                    .map_or("[n/a]".to_owned(), |interval| {
                        format!("[{}, {}]", shown(interval.low), shown(interval.high))
                    });
                Row {
                    group: (place == 0).then(|| group.clone()),
                    name: value.name.clone(),
                    estimate: value.log_factor,
                    interval: value.log_factor_interval,
                    figures: format!("{} {interval}", shown(value.log_factor)),
                    verdict: None,
                }
            })
        })
        .collect();
    let words = Words {
        title: "Effects of the axes on CPU per request",
        heads: ["value", "× mean [95 %]"],
        note: "Each value against the geometric mean of its axis, averaged over the other axes; left needs less CPU.",
    };
    forest::figure(words, Scale::Factor, &rows)
}
