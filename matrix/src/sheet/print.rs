//! A sheet as text, Markdown, CSV or JSON.

mod axes;
mod view;

use anyhow::{Context, Result};

use crate::record::{LeftOut, Settings};
use crate::sheet::{Block, Place, Row, Sheet};
use crate::table::{Format, Table, folded, markdown_list, number, percent};
use crate::verdict::MachineState;

pub(crate) use axes::shown_in;

/// How the wall clock of a client-limited cell can be made to count.
pub(crate) const CLIENT_REMEDY: &str = "To read the clock, give it fewer --connections, or a fixed pace by `cargo matrix run … --rate`";

impl Sheet {
    /// The whole sheet.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn print(&self, format: Format) -> Result<String> {
        Ok(match format {
            Format::Text => text(&self.head(), self.parts()),
            Format::Md => markdown(&self.head(), self.parts()),
            Format::Csv => self.csv(),
            Format::Json => {
                serde_json::to_string_pretty(self).context("failed to write the table as JSON")?
                    + "\n"
            }
        })
    }

    fn parts(&self) -> Vec<Part> {
        self.blocks
            .iter()
            .flat_map(|block| self.parts_of(block))
            .collect()
    }

    /// The tables of one workload.
    pub(crate) fn parts_of(&self, block: &Block) -> Vec<Part> {
        [vec![self.cells(block)], axes::parts(block)].concat()
    }

    fn cells(&self, block: &Block) -> Part {
        let is_open_loop = self.settings.requests_per_s.is_some();
        Part {
            title: title(block),
            table: (block.launches > 0).then(|| people_table(block, is_open_loop)),
            notes: notes(block),
        }
    }

    fn head(&self) -> Vec<String> {
        head(
            &self.campaigns,
            &self.machines,
            &self.settings,
            &self.left_out,
        )
    }

    fn csv(&self) -> String {
        let mut table = Table::new([
            "design",
            "workload",
            "launches",
            "launches_quiet",
            "cpu_us_per_request",
            "cpu_log_ratio_to_first",
            "cpu_log_ratio_low",
            "cpu_log_ratio_high",
            "cpu_ratio_to_floor",
            "requests_per_s",
            "latency_us_p50",
            "latency_us_p99",
            "private_mib",
            "resident_mib",
            "peak_mib",
            "rings_mib",
            "cgroup_mib",
            "root_rps_per_mib",
            "late_share",
            "standing",
            "client_share",
            "limits",
            "invalid",
        ]);
        for block in &self.blocks {
            block
                .rows
                .iter()
                .for_each(|row| table.row(csv_cells(block, row)));
        }
        let blocks = self.blocks.iter();
        let effects = blocks.filter_map(|block| Some((block.workload, block.effects.as_ref()?)));
        let effects =
            axes::csv(effects).map_or(String::new(), |table| format!("\r\n{}", table.csv()));
        table.csv() + &effects
    }
}

pub(crate) fn text(head: &[String], parts: Vec<Part>) -> String {
    let folded =
        |lines: &[String]| -> String { lines.iter().map(|line| folded(line) + "\n").collect() };
    let mut out = folded(head);
    for part in parts {
        out += &format!("\n{}\n", part.title);
        out += &part.table.map_or(String::new(), |table| table.text());
        if !part.notes.is_empty() {
            out += &format!("\n{}", folded(&part.notes));
        }
    }
    out
}

pub(crate) fn markdown(head: &[String], parts: Vec<Part>) -> String {
    let mut out = markdown_list(head);
    for part in parts {
        let title = Some(format!("### {}\n", part.title));
        let table = part.table.map(|table| table.markdown());
        let notes = (!part.notes.is_empty()).then(|| markdown_list(&part.notes));
        let pieces: Vec<_> = [title, table, notes].into_iter().flatten().collect();
        // An empty line between them, and one before.
        out += &format!("\n{}", pieces.join("\n"));
    }
    out
}

/// What was measured, where and how.
fn head(
    campaigns: &[String],
    machines: &[String],
    settings: &Settings,
    left_out: &[LeftOut],
) -> Vec<String> {
    let load = settings
        .requests_per_s
        .map_or("closed loop".to_owned(), |rate| {
            format!("open loop, {rate} requests/s")
        });
    let mut lines = vec![format!("record   {}", campaigns.join(", "))];
    lines.extend(machines.iter().map(|machine| format!("machine  {machine}")));
    lines.push(format!(
        "load     {load}, {} connections, {} rounds of {} ms per launch; one worker on one CPU",
        settings.connections, settings.rounds, settings.slice_ms
    ));
    lines.extend(
        left_out
            .iter()
            .map(|left_out| format!("left out {}: {}", left_out.name, left_out.reason)),
    );
    lines
}

/// A table with what stands above and below it.
#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) title: String,
    pub(crate) table: Option<Table>,
    pub(crate) notes: Vec<String>,
}

fn csv_cells(block: &Block, row: &Row) -> Vec<String> {
    let figure = |value: Option<f64>| value.map_or("n/a".to_owned(), |value| value.to_string());
    let interval = row.cpu_log_ratio_interval;
    let place = block
        .front
        .as_ref()
        .and_then(|front| front.place(&row.design));
    vec![
        row.design.clone(),
        block.workload.to_string(),
        block.launches.to_string(),
        block.launches_quiet.to_string(),
        figure(row.cpu_us_per_request),
        figure(row.cpu_log_ratio_to_first),
        figure(interval.map(|interval| interval.low)),
        figure(interval.map(|interval| interval.high)),
        figure(row.cpu_ratio_to_floor),
        figure(row.requests_per_s),
        figure(row.latency_us_p50),
        figure(row.latency_us_p99),
        figure(row.private_mib),
        figure(row.resident_mib),
        figure(row.peak_mib),
        figure(row.rings_mib),
        figure(row.cgroup_mib),
        figure(row.root_rps_per_mib),
        figure(row.late_share),
        place.map_or("n/a", Place::name).to_owned(),
        figure(row.label.client_share),
        joined(&row.label.limits),
        joined(&row.label.invalid),
    ]
}

fn joined(sentences: &[impl ToString]) -> String {
    let sentences: Vec<String> = sentences.iter().map(ToString::to_string).collect();
    sentences.join("; ")
}

fn title(block: &Block) -> String {
    let rows = match block.rows.len() == block.arms {
        true => String::new(),
        false => format!("; {} of {} rows", block.rows.len(), block.arms),
    };
    format!(
        "{}, {} launches, {} of them quiet{rows}",
        block.workload.title(),
        block.launches,
        block.launches_quiet
    )
}

fn people_table(block: &Block, is_open_loop: bool) -> Table {
    let star = if block.machine == MachineState::Noisy {
        "*"
    } else {
        ""
    };
    let mut heads: Vec<String> = ["design", "CPU µs/req", "% to first [95 %]", "× floor"]
        .map(str::to_owned)
        .into();
    heads.extend(["req/s", "p50 µs", "p99 µs"].map(|head| format!("{head}{star}")));
    heads.extend(["private MiB", "resident MiB"].map(str::to_owned));
    heads.push(format!("√rps/MiB{star}"));
    if is_open_loop {
        heads.push("late %".to_owned());
    }
    let mut table = Table::new(heads);
    for row in &block.rows {
        let mut cells = people_cells(row, !block.rows[0].label.is_valid());
        if is_open_loop {
            cells.push(number(row.late_share.map(|share| share * 100.0)));
        }
        table.row(cells);
    }
    table
}

fn people_cells(row: &Row, first_is_invalid: bool) -> Vec<String> {
    let marked = |text: String, sign: &str, doubtful: bool| {
        if doubtful && text != "n/a" {
            text + sign
        } else {
            text
        }
    };
    let wall_clock = |value| marked(number(value), "†", row.label.is_client_limited());
    let to_floor = match row.floor_is_invalid {
        Some(floor_is_invalid) => marked(number(row.cpu_ratio_to_floor), "!", floor_is_invalid),
        None => "–".to_owned(),
    };
    vec![
        marked(row.design.clone(), "!", !row.label.is_valid()),
        number(row.cpu_us_per_request),
        marked(to_first(row), "!", first_is_invalid),
        to_floor,
        wall_clock(row.requests_per_s),
        wall_clock(row.latency_us_p50),
        wall_clock(row.latency_us_p99),
        number(row.private_mib),
        number(row.resident_mib),
        wall_clock(row.root_rps_per_mib),
    ]
}

fn to_first(row: &Row) -> String {
    match (row.cpu_log_ratio_to_first, row.cpu_log_ratio_interval) {
        (None, _) => "–".to_owned(),
        (Some(ratio), None) => format!("{} [n/a]", percent(ratio)),
        (Some(ratio), Some(interval)) => {
            format!(
                "{} [{}, {}]",
                percent(ratio),
                percent(interval.low),
                percent(interval.high)
            )
        }
    }
}

fn notes(block: &Block) -> Vec<String> {
    let mut notes = Vec::new();
    if block.launches == 0 {
        notes.push("no launch yet".to_owned());
        return notes;
    }
    for row in &block.rows {
        notes.extend(
            row.label
                .invalid
                .iter()
                .map(|reason| format!("! {} is INVALID: {reason}", row.design)),
        );
    }
    if block.machine == MachineState::Noisy {
        let foreign = block.foreign_share.map(|share| share * 100.0);
        notes.push(format!(
            "* advisory: the machine was noisy, other programs used {} % of its CPUs (median over launches)",
            number(foreign)
        ));
    }
    notes.extend(client_limited(block));
    if let Some(cpu) = block.cpu_shared {
        notes.push(shared(cpu));
    }
    notes
}

/// What it means that there is one CPU for both.
pub(crate) fn shared(cpu: usize) -> String {
    format!(
        "server and client shared CPU {cpu}: no other may be used; ratios hold, absolute figures do not"
    )
}

/// What `†` means; one note for all rows, as nearly all of them have it together.
fn client_limited(block: &Block) -> Option<String> {
    let limited = block.rows.iter().map(|row| &row.label);
    let shares = limited
        .filter(|label| label.is_client_limited())
        .filter_map(|label| label.client_share);
    let percents: Vec<f64> = shares.map(|share| share * 100.0).collect();
    let most = percents.iter().copied().reduce(f64::max)?;
    let least = percents.iter().copied().fold(most, f64::min);
    let (least, most) = (format!("{least:.0}"), format!("{most:.0}"));
    let range = if least == most {
        most
    } else {
        format!("{least}–{most}")
    };
    Some(format!(
        "† client-limited: the client was busy for {range} % of its core (85 % is the most), so this is its pace \
         as much as the server's; CPU and memory count. {CLIENT_REMEDY}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_empty_line_stands_between_the_pieces_of_a_document() {
        let part = |notes: &[&str]| {
            let mut table = Table::new(["a"]);
            table.row(vec!["1".to_owned()]);
            let table = Some(table);
            let notes = notes.iter().map(|note| (*note).to_owned()).collect();
            let title = "t".to_owned();
            Part {
                title,
                table,
                notes,
            }
        };
        let head = ["h".to_owned()];
        let printed = markdown(&head, vec![part(&[]), part(&["n"]), part(&[])]);
        let table = "### t\n\n| a |\n|---|\n| 1 |\n";
        let once = format!("- h\n\n{table}\n{table}\n- n\n\n{table}");
        assert_eq!(printed, once);
    }
}
