//! A report as one HTML file that needs nothing else: no script, no request, no font. It is what `report` prints, with figures
//! where a place says more than a digit; what a record lacks has no place on the page.
//!
//! [`markup`](crate::markup) escapes, `plot` and `forest` draw, and the files below say what is drawn of which part of a
//! report. The page follows the reader's choice of light or dark, and prints.

mod count;
mod decided;
mod forest;
mod idle;
mod latency;
mod machine;
mod pareto;
mod plot;
mod series;
mod soak;
mod workload;

use crate::markup::{Element, element, style};
use crate::report::Report;
use crate::table::Table;

/// The whole file.
#[must_use]
pub fn page(report: &Report) -> String {
    let title = title(report);
    let head = element("head")
        .child(element("meta").with("charset", "utf-8"))
        .child(
            element("meta")
                .with("name", "viewport")
                .with("content", "width=device-width, initial-scale=1"),
        )
        .child(
            element("meta")
                .with("name", "color-scheme")
                .with("content", "light dark"),
        )
        .child(element("title").text(format!("{title} – Orthant")))
        .child(style(include_str!("html/style.css")));
    let body = element("body").child(
        element("main")
            .child(header(report, &title))
            .children(decided::sections(report))
            .children(workload::sections(report))
            .children(count::sections(report))
            .children(idle::section_of(report))
            .children(soak::section_of(report))
            .child(machine::section_of(report))
            .child(footer()),
    );
    let html = element("html").with("lang", "en").child(head).child(body);
    format!("<!DOCTYPE html>\n{html}\n")
}

/// What was measured, in a few words.
fn title(report: &Report) -> String {
    if let Some(comparison) = report.comparisons.first() {
        let (baseline, candidate) = (&comparison.baseline.name, &comparison.candidate.name);
        return format!("{candidate} against {baseline}");
    }
    let arms = &report.record.plan().arms;
    match &arms[..] {
        [one] => one.name.clone(),
        [one, other] => format!("{} and {}", one.name, other.name),
        more => format!("{} executables", more.len()),
    }
}

fn header(report: &Report, title: &str) -> Element {
    let campaigns: Vec<&str> = report.record.plans.keys().map(String::as_str).collect();
    let started = report
        .record
        .machines
        .values()
        .map(|machine| machine.started.clone())
        .min();
    let kind = &report.record.plan().command;
    let mut header = element("header")
        .child(
            element("p")
                .with("class", "kind")
                .text(format!("Orthant · {kind}")),
        )
        .child(element("h1").text(title))
        .child(
            element("p")
                .with("class", "meta")
                .text(campaigns.join(", ")),
        );
    if let Some(started) = started {
        header = header.child(element("p").with("class", "meta").text(started));
    }
    header
}

fn footer() -> Element {
    element("footer").child(
        element("p").text(
            "Computed from the record by cargo matrix report. METHOD.md says how figures come about and when they do not count.",
        ),
    )
}

fn section(title: &str) -> Element {
    element("section").child(element("h2").text(title))
}

/// What the columns of a table hold behind the first one, which decides on which side they are aligned.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Columns {
    Figures,
    Words,
}

/// A table that scrolls by itself where the page is too narrow.
fn scrolled(caption: &str, columns: Columns, table: &Table) -> Element {
    let head = table
        .heads()
        .iter()
        .map(|head| element("th").with("scope", "col").text(head.clone()));
    let row = |cells: &Vec<String>| {
        let cell = |(column, cell): (usize, &String)| match column {
            0 => element("th").with("scope", "row").text(cell.clone()),
            _ => element("td").text(cell.clone()),
        };
        element("tr").children(cells.iter().enumerate().map(cell))
    };
    let table = element("table")
        .with(
            "class",
            match columns {
                Columns::Figures => "figures",
                Columns::Words => "figures words",
            },
        )
        .child(element("caption").text(caption))
        .child(element("thead").child(element("tr").children(head)))
        .child(element("tbody").children(table.rows().iter().map(row)));
    element("div")
        .with("class", "scroll")
        .with("role", "region")
        .with("aria-label", caption)
        .with("tabindex", 0)
        .child(table)
}

/// Sentences as a list; none where there are none.
fn notes(sentences: &[String]) -> Option<Element> {
    let item = |sentence: &String| {
        let is_warning = sentence.starts_with('!');
        let class = if is_warning { "warning" } else { "plain" };
        element("li").with("class", class).text(sentence.clone())
    };
    (!sentences.is_empty()).then(|| {
        element("ul")
            .with("class", "notes")
            .children(sentences.iter().map(item))
    })
}

/// Figures beside each other where there is room.
fn figures(figures: impl IntoIterator<Item = Element>) -> Option<Element> {
    let grid = element("div").with("class", "grid").children(figures);
    (!grid.is_empty()).then_some(grid)
}
