//! What was measured on what, and which figures do not count: machine, settings, executables, invalid cells with their
//! reasons, what could not run.

use super::{Columns, notes, scrolled, section};
use crate::markup::{Element, element};
use crate::report::Report;
use crate::sheet::Sheet;
use crate::table::Table;

pub(super) fn section_of(report: &Report) -> Element {
    section("Machine and validity")
        .children(validity(report))
        .child(machines(report))
        .child(executables(report))
        .children(left_out(report))
}

/// Invalid cells, or that there is none.
fn validity(report: &Report) -> Vec<Element> {
    let cells = report.sheet.iter().flat_map(invalid_cells);
    let idle = report.idle.iter().flat_map(|sheet| &sheet.rows);
    let starts = idle.flat_map(|row| {
        row.invalid
            .iter()
            .map(|reason| format!("! {}: {reason}", row.design))
    });
    let counts = report.counts.iter().flat_map(|sheet| &sheet.rows);
    let passes = counts.flat_map(|row| {
        let reasons = row.invalid.iter();
        reasons.map(|reason| format!("! {} under {}: {reason}", row.design, row.workload))
    });
    let soak = report.soak.iter().flat_map(|sheet| &sheet.invalid);
    let soak = soak.map(|reason| format!("! {reason}"));
    let invalid: Vec<String> = cells.chain(starts).chain(passes).chain(soak).collect();
    let count = element("p").text(match invalid.len() {
        0 => "Every cell is valid: all answers were right and all connections open.".to_owned(),
        1 => "One reason for which figures do not count:".to_owned(),
        more => format!("{more} reasons for which figures do not count:"),
    });
    [count].into_iter().chain(notes(&invalid)).collect()
}

fn invalid_cells(sheet: &Sheet) -> Vec<String> {
    let of_block = |block: &crate::sheet::Block| {
        let rows = block.rows.iter();
        rows.flat_map(|row| {
            let reasons = row.label.invalid.iter();
            reasons.map(|reason| format!("! {} under {}: {reason}", row.design, block.workload))
        })
        .collect::<Vec<_>>()
    };
    sheet.blocks.iter().flat_map(of_block).collect()
}

fn machines(report: &Report) -> Element {
    let mut table = Table::new(["what", "value"]);
    let mut row = |name: &str, value: String| table.row(vec![name.to_owned(), value]);
    for machine in report.record.machines.values() {
        let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "n/a".to_owned());
        let first_line =
            |value: &Option<String>| known(value).lines().next().unwrap_or("n/a").to_owned();
        row("campaign", machine.campaign.clone());
        row("began", machine.started.clone());
        row("CPU", known(&machine.cpu_model));
        row("usable CPUs", machine.usable_cpus.len().to_string());
        row("kernel", known(&machine.kernel));
        row("frequency governor", known(&machine.governor));
        row("huge pages", known(&machine.huge_pages));
        row("load averages at the start", known(&machine.load_average));
        row("compiler", first_line(&machine.rustc));
        row("revision", known(&machine.git_revision));
        let changes = machine
            .git_changes
            .as_ref()
            .map(|changes| match changes.lines().count() {
                0 => "nothing".to_owned(),
                1 => "1 file".to_owned(),
                count => format!("{count} files"),
            });
        row("changed since", known(&changes));
    }
    let plan = report.record.plan();
    let settings = plan.settings;
    if let Some(soak) = &report.soak {
        let rates = report.record.soaks.values().flat_map(|soaked| {
            let begins = soaked.segments.iter().map(|segment| &segment.begin);
            begins.map(|begin| format!("{:.0}", begin.requests_per_s))
        });
        let mut rates: Vec<String> = rates.collect();
        rates.dedup();
        let load = match rates.is_empty() {
            true => "n/a: no server was started".to_owned(),
            false => format!("open loop, {} requests/s", rates.join(", ")),
        };
        row("load", load);
        row("connections", soak.connections.to_string());
        let epochs = format!("{} of {} ms", soak.epochs_planned, soak.epoch_ms);
        row("epochs", epochs);
    } else if report.idle.is_none() {
        let load = settings
            .requests_per_s
            .map_or("closed loop".to_owned(), |rate| {
                format!("open loop, {rate} requests/s")
            });
        row("load", load);
        row("connections", settings.connections.to_string());
        row(
            "rounds per launch",
            format!("{} of {} ms", settings.rounds, settings.slice_ms),
        );
    }
    let seeds: Vec<String> = report
        .record
        .plans
        .values()
        .map(|plan| plan.seed.to_string())
        .collect();
    row("seed", seeds.join(", "));
    if let Some(sheet) = &report.sheet {
        for block in sheet.blocks.iter().filter(|block| block.launches > 0) {
            let foreign = block
                .foreign_share
                .map_or("n/a".to_owned(), |share| format!("{:.1} %", share * 100.0));
            row(
                &format!("{}: quiet launches", block.workload),
                format!(
                    "{} of {}, other programs used {foreign} of the CPUs",
                    block.launches_quiet, block.launches
                ),
            );
        }
    }
    scrolled("Machine and settings", Columns::Words, &table)
}

fn executables(report: &Report) -> Element {
    let mut table = Table::new(["arm", "calls itself", "SHA-256", "path"]);
    for arm in &report.record.plan().arms {
        let announced = arm.announced.clone().unwrap_or_else(|| "n/a".to_owned());
        table.row(vec![
            arm.name.clone(),
            announced,
            arm.sha256.chars().take(16).collect(),
            arm.path.display().to_string(),
        ]);
    }
    scrolled("Executables", Columns::Words, &table)
}

fn left_out(report: &Report) -> Option<Element> {
    let left_out = report.record.plan().left_out.iter();
    let lines: Vec<String> = left_out
        .map(|left_out| format!("left out {}: {}", left_out.name, left_out.reason))
        .collect();
    notes(&lines)
}
