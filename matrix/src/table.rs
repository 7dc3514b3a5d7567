//! Tables as text, Markdown and CSV, from the same rows.
//!
//! A cell is a string that is already formatted; this module only knows how wide it is and where the lines go. Widths count
//! characters: everything the matrix prints is one column wide.

use std::fmt::Write;

/// How a result is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people at a terminal
    #[default]
    Text,
    /// For programs; every figure, unrounded
    Json,
    /// For spreadsheets; every figure, unrounded; a second table stands behind an empty line
    Csv,
    /// For documents
    Md,
}

/// A head row and rows of the same length. The first column is aligned left, all others right.
#[derive(Clone, Debug, Default)]
pub struct Table {
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new(heads: impl IntoIterator<Item = impl Into<String>>) -> Table {
        Table {
            heads: heads.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    ///
    /// # Panics
    /// When it is not as long as the heads.
    pub fn row(&mut self, cells: Vec<String>) {
        assert_eq!(
            cells.len(),
            self.heads.len(),
            "a row is as long as the heads"
        );
        self.rows.push(cells);
    }

    /// Aligned columns, two spaces apart.
    #[must_use]
    pub fn text(&self) -> String {
        let widths = self.widths();
        self.lines().fold(String::new(), |mut text, cells| {
            let padded = cells
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (cell, width))| match column {
                    0 => format!("{cell:<width$}"),
                    _ => format!("{cell:>width$}"),
                });
            let line = padded.collect::<Vec<_>>().join("  ");
            writeln!(text, "{}", line.trim_end()).expect("a String takes everything");
            text
        })
    }

    /// A GitHub-flavoured table.
    #[must_use]
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            let escaped: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |\n", escaped.join(" | "))
        };
        let rule = format!(
            "|---{}|\n",
            "|--:".repeat(self.heads.len().saturating_sub(1))
        );
        let rows: String = self.rows.iter().map(|cells| line(cells)).collect();
        format!("{}{rule}{rows}", line(&self.heads))
    }

    /// Comma-separated values (RFC 4180).
    #[must_use]
    pub fn csv(&self) -> String {
        let quoted = |cell: &String| match cell.contains([',', '"', '\n', '\r']) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell.clone(),
        };
        let line =
            |cells: &Vec<String>| cells.iter().map(quoted).collect::<Vec<_>>().join(",") + "\r\n";
        self.lines().map(line).collect()
    }

    fn lines(&self) -> impl Iterator<Item = &Vec<String>> {
        std::iter::once(&self.heads).chain(&self.rows)
    }

    fn widths(&self) -> Vec<usize> {
        let width = |column: usize| {
            self.lines()
                .map(|cells| cells[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        (0..self.heads.len()).map(width).collect()
    }
}

/// Lines as a Markdown list; as plain lines they would run together.
#[must_use]
pub fn markdown_list(lines: &[String]) -> String {
    lines.iter().map(|line| format!("- {line}\n")).collect()
}

/// A number with three significant digits, or all digits before the point; `n/a` where there is none.
#[must_use]
pub fn number(value: Option<f64>) -> String {
    let Some(value) = value.filter(|value| value.is_finite()) else {
        return "n/a".to_owned();
    };
    let decimals = match value.abs() {
        small if small < 1.0 => 3,
        small if small < 10.0 => 2,
        small if small < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

/// A log-ratio as a signed percentage.
#[must_use]
pub fn percent(log_ratio: f64) -> String {
    format!("{:+.1}", log_ratio.exp_m1() * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["design", "µs"]);
        table.row(vec!["a|b".to_owned(), "3.45".to_owned()]);
        table.row(vec!["c, \"d\"".to_owned(), "12".to_owned()]);
        table
    }

    #[test]
    fn text_is_aligned_by_characters() {
        assert_eq!(
            table().text(),
            "design    µs\na|b     3.45\nc, \"d\"    12\n"
        );
    }

    #[test]
    fn markdown_and_csv_escape_their_own_signs() {
        assert_eq!(
            table().markdown(),
            "| design | µs |\n|---|--:|\n| a\\|b | 3.45 |\n| c, \"d\" | 12 |\n"
        );
        assert_eq!(
            table().csv(),
            "design,µs\r\na|b,3.45\r\n\"c, \"\"d\"\"\",12\r\n"
        );
    }

    #[test]
    fn numbers_keep_three_digits() {
        let numbers = [0.2534, 3.456, 34.56, 345.6, 83_123.4].map(|value| number(Some(value)));
        assert_eq!(numbers, ["0.253", "3.46", "34.6", "346", "83123"]);
        assert_eq!(number(None), "n/a");
        assert_eq!(number(Some(f64::NAN)), "n/a");
        assert_eq!(percent(1.032_f64.ln()), "+3.2");
    }
}
